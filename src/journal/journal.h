/* journal.h - the durable order of batches: what it acknowledged survives kill and power cut.
 *
 * Owns        a directory of segment files, its superblock `super`, and the file `reserve`.
 * May include base, value, observe, env.
 * Threads     Three hands, each of which is one thread at a time; one thread may be all of them.
 *             The owner: append, begin, end, flush, and, when the others rest, close and abandon.
 *             The writer: write (between begin and end), idle, trim, tail, disk_state.
 *             The preparer: prepare.
 *             What one hand failed in is seen by the next call of the others.
 * Invariants
 *   1. Group n+1 is written only after the sync of group n returned [E4].
 *   2. Nothing that a call has given back or acknowledged can be lost by kill or power cut [E6].
 *   3. Replay gives records in the order in which they were appended, all of them or an error;
 *      only a group that was never acknowledged is ever cut, and the cut is reported.
 *   4. After a failed write or sync every call gives the same failure; nothing is tried again [E7].
 *
 * The files are drawn in format_internal.h. Life of an owner:
 *
 *   open (replays) -> { append* -> begin -> write -> end -> release what was appended } -> close
 *
 * begin, write and end are apart so that a thread can write group n while group n+1 fills;
 * skn_journal_flush is the three in a row.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"
#include "journal/record.h"

struct skn_env;
struct skn_journal;

enum {
    SKN_JOURNAL_ID_BYTES = 16,
    SKN_JOURNAL_GROUP_BYTES = 512 << 10,     /* a group is closed here [E2] */
    SKN_JOURNAL_RECORD_BYTES_MAX = 16 << 20, /* message and batch of one record together */
    SKN_JOURNAL_IDLE_MS = 100,               /* without a group for so long: skn_journal_idle */
    SKN_JOURNAL_PREPARE_PAUSE_MS = 1,        /* between two steps of skn_journal_prepare [E1] */
    SKN_JOURNAL_SHARDS_MAX = 1024,           /* chosen arbitrarily; a cluster has 64 */
};

struct skn_journal_options {
    struct skn_env *env;
    const char *dir; /* made when it is not there; the folder above must be */

    /* Records name a shard below this. Counts when the journal is made, 0 is 1; a journal that is
     * there keeps what it was made with, see skn_journal_info and skn_journal_peek. */
    uint32_t shards;

    /* All zeros: taken from random bytes at creation, not compared at opening. */
    uint8_t cluster_id[SKN_JOURNAL_ID_BYTES];
    uint8_t store_id[SKN_JOURNAL_ID_BYTES];

    /* Multiples of 4 KiB; 0 is the default: segments begin at 1 MiB and double up to 64 MiB [E1],
     * 64 MiB are held back for a full disk [E8]. */
    uint64_t segment_bytes_min;
    uint64_t segment_bytes_max;
    uint64_t reserve_bytes;
    bool no_reserve;

    /* A folder on the same disk: segments that go are moved there while skn_journal_archive says so,
     * and those that a dead owner was about to let go [E70]. NULL: none. */
    const char *archive;
    uint64_t
        archive_from; /* older segments that a dead owner let go are removed: one that was let go
                              before skn_journal_archive may have been half written over */
};

/* What an opening found. */
struct skn_journal_info {
    uint8_t cluster_id[SKN_JOURNAL_ID_BYTES];
    uint8_t store_id[SKN_JOURNAL_ID_BYTES];
    bool was_created; /* there was none */
    bool was_sealed;  /* the last owner stopped cleanly */
    bool is_trimmed;  /* its first segments are gone: it is whole with a store at their marks */
    /* The sum of the indexes of these marks. The positions of a store only grow, so one whose sum is
     * less is older than the trim, and what it lacks may be gone without a gap in any shard. */
    uint64_t trimmed;
    uint32_t shards; /* how many the journal was made with */
    uint32_t level;  /* of its format; in level 1 a deletion does not say why [E70] */
    uint64_t oldest; /* number of the first segment */
    uint64_t generation;
    uint64_t segments;
    uint64_t groups;
    uint64_t records;
    uint64_t bytes;      /* of groups, on disk */
    uint64_t group_last; /* number of the last group; 0: none */
    uint64_t torn_bytes; /* behind it: a group that was never acknowledged, cut */
};

/* Called for every record in order; its slices live until it returns. Anything but SKN_OK ends the
 * call that replays, with this code and diag. */
typedef enum skn_rc (*skn_journal_replay_fn)(void *ctx,
                                             const struct skn_record *record,
                                             struct skn_diag *diag);

/* Opens for writing, or creates; the caller holds the lock of the data directory. Whatever was
 * replayed is durable when this returns SKN_OK, and nothing may be released before [E6].
 * SKN_ECORRUPT names file and offset; SKN_EFOREIGN, SKN_ENEWER; SKN_EIO where reading failed,
 * SKN_ESYNC where writing did, SKN_EDISKFULL. `out_info` may be NULL. */
SKN_MUST_USE enum skn_rc skn_journal_open(const struct skn_journal_options *options,
                                          skn_journal_replay_fn replay,
                                          void *ctx,
                                          struct skn_journal **out_journal,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);

/* Clean stop: writes what was appended and the seal, and frees the journal whatever it returns. */
SKN_MUST_USE enum skn_rc skn_journal_close(struct skn_journal *journal, struct skn_diag *diag);

/* Frees it and writes nothing, as a kill would; after a failure, and in tests. NULL is fine. */
void skn_journal_abandon(struct skn_journal *journal);

/* Puts a record into the open group, in memory only. Its index is one more than the last of its
 * shard, its stamp greater, its term no less. SKN_EFULL: the group is full, flush and come again;
 * SKN_ETOOLARGE: no group could hold it; SKN_EARGS: the journal has no such shard. */
SKN_MUST_USE enum skn_rc skn_journal_append(struct skn_journal *journal,
                                            const struct skn_record *record,
                                            struct skn_diag *diag);

/* Closes the open group for writing. False: there is nothing in it, or a group is being written. */
bool skn_journal_begin(struct skn_journal *journal);

/* Writes and syncs the group that begin closed. May run on another thread; what fails here is
 * seen by the other calls after end. */
SKN_MUST_USE enum skn_rc skn_journal_write(struct skn_journal *journal, struct skn_diag *diag);

/* Takes the result over. SKN_OK: everything appended before begin is durable. */
SKN_MUST_USE enum skn_rc skn_journal_end(struct skn_journal *journal, struct skn_diag *diag);

/* begin, write and end; SKN_OK when there is nothing to write. */
SKN_MUST_USE enum skn_rc skn_journal_flush(struct skn_journal *journal, struct skn_diag *diag);

/* One step of making the next segment ready, at most 256 KiB of writing, past the page cache where
 * that is possible; `out_is_ready` when there is no more to do: come again after the next group. May
 * run beside appending and writing; a thread that does nothing else pauses for
 * SKN_JOURNAL_PREPARE_PAUSE_MS between two steps. What there is of it when a write needs a segment
 * is finished there on the spot [E1]. */
SKN_MUST_USE enum skn_rc
skn_journal_prepare(struct skn_journal *journal, bool *out_is_ready, struct skn_diag *diag);

/* To be called SKN_JOURNAL_IDLE_MS after the last group: moves the lower bound to the end, so that
 * a lost tail is noticed [E5]. Does nothing when it is there already. */
SKN_MUST_USE enum skn_rc skn_journal_idle(struct skn_journal *journal, struct skn_diag *diag);

/* What the store has made durable of one shard. */
struct skn_journal_mark {
    uint32_t shard;
    uint64_t index;
};

/* Lets the oldest segments go that hold nothing behind `marks`; a shard without a mark keeps all of
 * its records [E9]. The newest segment always stays. Two files are kept under temporary names, to be
 * written over by prepare [E1]. Moves the lower bound, too [E5]. After it a replay begins with the
 * oldest segment that is kept: the first record of a shard may have any index up to its mark + 1,
 * which the caller compares with the position of its store; a shard may have none. */
SKN_MUST_USE enum skn_rc skn_journal_trim(struct skn_journal *journal,
                                          const struct skn_journal_mark *marks,
                                          size_t count,
                                          struct skn_diag *diag);

/* From now on, until it is said otherwise: segments that trim lets go are moved to the folder
 * `archive` of the options, as they are, instead of being written over or removed. What cannot be
 * moved is removed. For the hand that trims. */
void skn_journal_archive(struct skn_journal *journal, bool is_on);

/* What an opening would have to do beside a store that is at `marks`: a checkpoint begins at so many
 * records or bytes [E12]. */
struct skn_journal_tail {
    uint64_t records;  /* behind the marks; of a shard without a mark all up to its last one */
    uint64_t bytes;    /* of groups, on disk, in the segments that hold them, and in the newest */
    uint64_t segments; /* so many, the newest too */
};

void skn_journal_tail(const struct skn_journal *journal,
                      const struct skn_journal_mark *marks,
                      size_t count,
                      struct skn_journal_tail *out_tail);

enum skn_journal_disk {
    SKN_JOURNAL_DISK_OK,
    SKN_JOURNAL_DISK_LOW,  /* below 5 percent: refuse new work from outside */
    SKN_JOURNAL_DISK_STOP, /* below 1 percent, or the reserve is used up: stop cleanly (75) */
};

SKN_MUST_USE enum skn_rc skn_journal_disk_state(struct skn_journal *journal,
                                                enum skn_journal_disk *out_state,
                                                struct skn_diag *diag);

/* Replays for a reader, also beside a living owner: changes nothing, checks the whole journal before
 * it gives the first record, and leaves out the last group of a journal without a seal, because it
 * may not be durable [E81], unless the bound names it [E5]. SKN_ENOENT: there is no journal.
 * SKN_EBUSY: the owner trimmed meanwhile, after a part of it was given; begin again, with the store
 * as it is now. */
SKN_MUST_USE enum skn_rc skn_journal_read(struct skn_env *env,
                                          const char *dir,
                                          skn_journal_replay_fn replay,
                                          void *ctx,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);

/* The same with the segments that were moved to `archive` (NULL: none) in front, from number `from` on
 * and as far back as none is missing: info.oldest is the first that was read. Nobody may remove any
 * of them meanwhile. A folder that is not there is an empty one. */
SKN_MUST_USE enum skn_rc skn_journal_read_archive(struct skn_env *env,
                                                  const char *dir,
                                                  const char *archive,
                                                  uint64_t from,
                                                  skn_journal_replay_fn replay,
                                                  void *ctx,
                                                  struct skn_journal_info *out_info,
                                                  struct skn_diag *diag);

/* The same with the last group, if its number is at most `group`: for who knows that a group of this
 * number (skn_journal_info) is durable, because the store has records of it, or only looks. */
SKN_MUST_USE enum skn_rc skn_journal_read_last(struct skn_env *env,
                                               const char *dir,
                                               uint64_t group,
                                               skn_journal_replay_fn replay,
                                               void *ctx,
                                               struct skn_diag *diag);

/* What the superblock alone says: ids, was_sealed, is_trimmed, trimmed, shards, level and oldest; the
 * others are 0. For who has to know how many shards there are before the first record comes.
 * SKN_ENOENT: there is no journal. */
SKN_MUST_USE enum skn_rc skn_journal_peek(struct skn_env *env,
                                          const char *dir,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);

/* The same; `oldest` and is_trimmed count what skn_journal_read_archive from `from` on would read. */
SKN_MUST_USE enum skn_rc skn_journal_peek_archive(struct skn_env *env,
                                                  const char *dir,
                                                  const char *archive,
                                                  uint64_t from,
                                                  struct skn_journal_info *out_info,
                                                  struct skn_diag *diag);

/* Checks every byte that an opening would, the last group too; changes nothing. SKN_EBUSY: the owner
 * trims without a pause. */
SKN_MUST_USE enum skn_rc skn_journal_verify(struct skn_env *env,
                                            const char *dir,
                                            struct skn_journal_info *out_info,
                                            struct skn_diag *diag);

/* Copies all groups that are whole into a folder that is not there yet, durable and as after a clean
 * stop; also beside a living owner. Every record that was durable when this was called is in it.
 * `store_id`: what the copy is called from then on, or NULL. What was written is read again and
 * checked. SKN_ENOENT: there is no journal; SKN_EEXIST; SKN_EBUSY: the owner trimmed meanwhile, begin
 * again in another folder. After a failure `to_dir` holds a part of it, without a superblock. */
SKN_MUST_USE enum skn_rc skn_journal_copy(struct skn_env *env,
                                          const char *dir,
                                          const char *to_dir,
                                          const uint8_t *store_id,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);

/* What skn_journal_dump gives. Numbers and offsets are those of the drawing in format_internal.h. */
struct skn_journal_dump_segment {
    uint64_t number;
    uint64_t generation;
    uint64_t begins;      /* number of the group with which the generation begins */
    uint64_t first_group; /* number that is due at its first place */
    uint64_t epoch;
    uint64_t length; /* bytes of the file */
    uint64_t salt;
};

struct skn_journal_dump_group {
    uint64_t number;
    uint64_t generation;
    uint64_t segment;
    uint64_t offset; /* in the file */
    uint64_t checksum;
    uint32_t length; /* bytes with header and padding */
    uint32_t records;
    uint32_t records_bytes;
    uint32_t zero_sectors;
    bool is_whole; /* else its header is right and its checksum is not: no records follow */
    bool is_sure;  /* the bound or the seal names it; else it may not be durable [E81] */
};

struct skn_journal_dump_record {
    const struct skn_record *record; /* message and batch are bytes: nobody looks into them */
    uint64_t group;
    uint64_t offset; /* in the file */
    uint32_t length;
    uint64_t prev_lo; /* hash of the shard's record before it, as stored */
    uint64_t prev_hi;
    uint64_t hash_lo; /* and of this one */
    uint64_t hash_hi;
};

/* Who is given a dump. What is NULL is not called; pointers and slices live until the call returns;
 * anything but SKN_OK ends the dump with this code and diag. */
struct skn_journal_dump_to {
    void *ctx;
    enum skn_rc (*segment)(void *ctx,
                           const struct skn_journal_dump_segment *segment,
                           struct skn_diag *diag);
    enum skn_rc (*group)(void *ctx,
                         const struct skn_journal_dump_group *group,
                         struct skn_diag *diag);
    enum skn_rc (*record)(void *ctx,
                          const struct skn_journal_dump_record *record,
                          struct skn_diag *diag);
};

/* Walks over the journal, also beside a living owner, and changes nothing: each segment, its groups,
 * behind each group its records, in the order of a replay, the last group of an unsealed journal
 * too. What of an older generation a newer one repeats is left out, as in a replay.
 *
 * Over a damaged journal it gives what is whole up to the damage, with the group before which or in
 * which it is, and then the same code and diag as an opening; of a superblock that is malformed
 * nothing is given. A torn tail is no damage: `out_info` (may be NULL) says how long it is.
 * SKN_ENOENT: there is no journal. SKN_EBUSY: the owner trimmed meanwhile, begin again. */
SKN_MUST_USE enum skn_rc skn_journal_dump(struct skn_env *env,
                                          const char *dir,
                                          const struct skn_journal_dump_to *to,
                                          struct skn_journal_info *out_info,
                                          struct skn_diag *diag);
