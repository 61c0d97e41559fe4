/* shards.h - all shards of a node with their one journal and one store, as parts that are turned.
 *
 * Owns        cores, stores and the journal; the rings between the parts; the checkpoint under way.
 * May include base, value, env, journal, store, core.
 * Threads     each part: the one that turns it. submit, result, take_up, call, next_event: one, the
 *             outside. open, close, abandon: none beside them. It starts no thread itself.
 * Invariants
 *   1. A record is in the journal before its outputs leave: nothing passes the worker's release but
 *      what the log said is durable (P1, [E22]).
 *   2. Parts share nothing but rings and a few numbers that only report. A turn never waits for
 *      another part; the log's and the keeper's wait for the disk.
 *   3. After an error of a turn nothing leaves any more: the shards can only be abandoned [E7].
 *
 *      outside --requests, results, calls--> worker 0..n --records--> log (journal)
 *         ^                                   |  ^  ^  <--durable--    |   ^
 *         +---------- outputs ----------------+  |  |                  |   | trim
 *                       packets between shards --+  +--rows-- fetcher  v   |
 *                                worker --dirty rows--> keeper (checkpoints) --> backend
 *
 * One thread may turn all of it (skn_shards_turn_all), or each part has its own.
 */
#pragma once

#include "base/list.h"
#include "core/core.h"
#include "env/env.h"
#include "journal/journal.h"
#include "store/store.h"

enum { SKN_SHARDS_MAX = 1024, SKN_WORKERS_MAX = 64, SKN_SHARDS_DEFAULT = 64 };
enum { SKN_SHARDS_CACHE_BYTES = 128 << 20 }; /* of clean rows: what a node has */

struct skn_shards;

/* When a checkpoint starts [E12]; 0 is the default that stands behind each. */
struct skn_checkpoint_limits {
    uint64_t records; /* 500,000 */
    uint64_t bytes;   /* 256 MiB of journal since the last trim */
    uint64_t ms;      /* 30,000 */
};

/* What is kept for looking back [E70]: bases, which are copies of the backend as of one checkpoint
 * each, and the journal's segments since the oldest of them.
 *
 *   <made>-<segment>.base   a base, as skn_backend_backup makes it; both numbers as 16 hex digits: when
 *                           it was made (milliseconds since 1970), and the oldest segment it may need
 *   <made>-<segment>.ok     "skein-history 1\n": that base is whole; without it it is none
 *   <number>.seg            a segment that the journal let go
 *   lock                    who reads has it shared; nothing is removed meanwhile
 */
struct skn_history_options {
    const char *dir; /* NULL: there is none; else on the same disk as the journal */
    uint64_t
        keep_ms; /* everything since then can be looked at, up to twice that; 0: what is there goes */
    /* Opens a base to look at it; given. */
    enum skn_rc (*open_base)(void *ctx,
                             const char *dir,
                             const struct skn_journal_info *info,
                             struct skn_backend **out_backend,
                             struct skn_diag *diag);
    void *ctx;
};

/* Threads for a long opening, which shares the journal's tail among them. */
struct skn_crew {
    void *(*start)(void (*fn)(void *arg), void *arg); /* NULL: there is none to be had */
    void (*join)(void *thread);
    void (*pause)(void); /* a moment, until others have done something */
};

struct skn_shards_options {
    struct skn_env *env;         /* borrowed */
    const char *dir;             /* of the journal; made when it is not there */
    struct skn_backend *backend; /* borrowed; NULL: rows are kept in memory, and the
                                                  journal whole */
    /* Instead: gives the backend that belongs to this journal, borrowed; NULL likewise. */
    enum skn_rc (*open_store)(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag);
    void *store_ctx;
    struct skn_history_options history;
    const struct skn_program *const *programs; /* borrowed; ends with NULL */
    struct skn_core_limits limits;
    uint32_t shards;             /* at creation; 0: SKN_SHARDS_DEFAULT. Later the journal says. */
    unsigned workers;            /* 0: 1 */
    const struct skn_crew *crew; /* NULL, or one worker: the opening has one thread */
    uint64_t crew_from;          /* records that an opening redoes alone; 0: 20,000 */
    uint64_t speculative_bytes; /* 256 MiB of records that are not durable, over all shards [E20] */
    size_t cache_bytes;         /* of clean rows, over all shards; 0: no bound */
    struct skn_checkpoint_limits checkpoint;
    bool take_up_all;
    bool check_rebuild;     /* [E24]: each message handled twice */
    uint64_t epoch_floor;   /* the new epoch is greater [E43] */
    uint64_t epoch_leap;    /* and than the last one by more than this */
    bool new_secret;        /* the store secret is drawn anew */
    bool reads_whole;       /* who looks sees the last group, too, as the next opening will */
    bool writes_at_once;    /* the epochs' records, though there is nothing to do */
    uint32_t segment_bytes; /* of the first segment; 0: the journal's own */
    uint64_t hash_salt; /* tests: another order in tables of memory, which must not matter (P4) */
    bool no_reserve;    /* none for a full disk [E8] */
    const struct skn_keyring *keys; /* that secrets are sealed with, borrowed; NULL: none [E46] */
    /* [E35] A slot per worker, borrowed; NULL: nobody wants to know. Poison as the core has it. */
    struct skn_handling *handling;
    const struct skn_poison *poison; /* borrowed during open */
    size_t poison_count;
};

/* Opens the journal, brings the rows up to its end, and finds what was in flight. SKN_ECORRUPT also
 * where journal and store do not fit each other. */
SKN_MUST_USE enum skn_rc skn_shards_open(const struct skn_shards_options *options,
                                         struct skn_shards **out_shards,
                                         struct skn_diag *diag);

/* The rows as of the journal's end, for looking only, beside a holder or without one [E81]: calls
 * are answered at once, nothing is performed. SKN_ENOENT: there is no journal. */
SKN_MUST_USE enum skn_rc skn_shards_open_to_read(const struct skn_shards_options *options,
                                                 struct skn_shards **out_shards,
                                                 struct skn_diag *diag);

/* The rows of one domain's shard as of a stamp, for looking only: all that its records up to that
 * stamp made of them [E70]. From a base that is old enough, or from nothing where no record is gone,
 * or from what options.open_store gives, if that is exact and not newer; it may be NULL. Calls for other
 * shards must not be made. SKN_ENOENT: not kept, and since when it is; or there is no journal.
 * SKN_EBUSY: the owner trimmed meanwhile, begin again. */
SKN_MUST_USE enum skn_rc skn_shards_open_at(const struct skn_shards_options *options,
                                            struct skn_slice address,
                                            uint64_t stamp,
                                            struct skn_shards **out_shards,
                                            struct skn_diag *diag);

/* While it is there nothing of the history is removed: for who reads its segments with
 * skn_journal_read_archive, from `out_from` on. NULL: there is no history. Given. SKN_EBUSY: something is
 * just removed. */
SKN_MUST_USE enum skn_rc skn_history_lock(struct skn_env *env,
                                          const char *dir,
                                          struct skn_file **out_lock,
                                          uint64_t *out_from,
                                          struct skn_diag *diag);

/* Of shards that were opened so: the domain's own row under this key was pruned later, so what it held
 * is not to be shown (P8). */
bool skn_shards_was_pruned(const struct skn_shards *shards, struct skn_slice own_key);

/* A clean stop: what was handled becomes durable, and the journal is sealed. NULL is fine. The
 * shards are gone whatever comes back. */
enum skn_rc skn_shards_close(struct skn_shards *shards, struct skn_diag *diag);

/* Frees them as a kill would leave them: nothing is written. */
void skn_shards_abandon(struct skn_shards *shards);

/* Checks everything that is stored: every byte of the journal, then that its records and the store
 * lead to the rows and the state hashes that they say. Changes nothing. `out_info` may be NULL. */
SKN_MUST_USE enum skn_rc skn_shards_verify(const struct skn_shards_options *options,
                                           struct skn_journal_info *out_info,
                                           struct skn_diag *diag);

struct skn_history_verified {
    uint32_t bases;   /* whole ones */
    uint64_t records; /* behind the oldest of them, to the journal's end */
};

/* The same for what options.history keeps [E70]: every row of every base that is whole, and that the
 * records behind the oldest one lead to the states that they say. Nothing where there is no history.
 * Changes nothing. */
SKN_MUST_USE enum skn_rc skn_shards_verify_history(const struct skn_shards_options *options,
                                                   struct skn_history_verified *out,
                                                   struct skn_diag *diag);

/* For a restored copy [E43]: opens, makes new epochs as the options ask (and a new secret) durable in
 * every shard, and closes. Handles nothing and lets nothing out. */
SKN_MUST_USE enum skn_rc skn_shards_renew(const struct skn_shards_options *options,
                                          struct skn_diag *diag);

struct skn_shards_replayed {
    struct skn_replay records; /* how many were executed, and how many could not be */
    uint32_t shards;
    uint64_t state_lo, state_hi; /* sum of the shards' state hashes, modulo 2^128 */
};

/* Executes every record that is kept again, with the programs and limits of `options`, which are those
 * it was made with (P4) [E25]: from nothing where none is gone, else from the oldest base of
 * options.history, else from what options.open_store gives; these may be NULL. Changes nothing; somebody
 * else may hold it. Rows that change are in memory meanwhile. SKN_ECORRUPT: "replay mismatch at index n:
 * ..", or what skn_journal_read says. SKN_ENOENT: there is no journal, or nothing to begin with. `out` is
 * filled in as far as it came once there is a journal to read. */
SKN_MUST_USE enum skn_rc skn_shards_replay(const struct skn_shards_options *options,
                                           struct skn_shards_replayed *out,
                                           struct skn_diag *diag);

/* --- turning ------------------------------------------------------------------------------------ */

/* Parts are numbered from 0; the first are the workers. */
unsigned skn_shards_parts(const struct skn_shards *shards);
const char *skn_shards_part_name(const struct skn_shards *shards, unsigned part);

/* Does what the part can do now. `out_more`: there is more to do at once. */
SKN_MUST_USE enum skn_rc
skn_shards_turn(struct skn_shards *shards, unsigned part, bool *out_more, struct skn_diag *diag);

/* The part that writes the journal; a worker's records come back from its turn. */
unsigned skn_shards_log(const struct skn_shards *shards);

/* Whether a worker can do nothing but wait for a few records, and syncs are short: then its thread may
 * as well turn the log itself, and two wake-ups are saved. For a thread that turns that worker and may
 * turn the log. */
bool skn_shards_may_wait(const struct skn_shards *shards, unsigned worker);

/* Until it wants a turn though nothing came: -1 never, 0 now. */
int skn_shards_timeout_ms(struct skn_shards *shards, unsigned part);

/* `fn` is called, on the thread of whoever put something into its ring, for each part that should
 * be turned; for `part` == skn_shards_parts() the outside should look for events. `from` is the part
 * that did it, likewise. */
typedef void (*skn_wake_fn)(void *ctx, unsigned from, unsigned part);
void skn_shards_on_wake(struct skn_shards *shards, skn_wake_fn fn, void *ctx);

/* Every part once, in an order that needs the fewest turns. */
SKN_MUST_USE enum skn_rc
skn_shards_turn_all(struct skn_shards *shards, bool *out_more, struct skn_diag *diag);
int skn_shards_timeout_all_ms(struct skn_shards *shards);

/* --- from outside ------------------------------------------------------------------------------- */

uint32_t skn_shards_count(const struct skn_shards *shards);
uint32_t skn_shards_of(const struct skn_shards *shards, struct skn_slice address);

/* Copied, and answered by one reply, a refusal too. */
void skn_shards_submit(struct skn_shards *shards, const struct skn_request *request);
void skn_shards_result(struct skn_shards *shards, const struct skn_attempt_result *result);
/* As skn_core_redeliver; answered by one reply. */
void skn_shards_redeliver(struct skn_shards *shards, const struct skn_redeliver *redeliver);
/* As skn_core_remove; answered by one reply. */
void skn_shards_remove(struct skn_shards *shards, const struct skn_remove *remove);
/* As skn_core_take_up; an empty address means all. */
void skn_shards_take_up(struct skn_shards *shards, struct skn_slice address, bool is_asked);

/* A look at one shard, run by its worker between two slices. SKN_ELATER from `fn` means that rows
 * are fetched: it is run again from its start. Comes back as an event when all that it saw is
 * durable [E21]. Embedded in what it fills; not to be touched until it comes back. */
struct skn_call {
    enum skn_rc (*fn)(struct skn_call *call,
                      struct skn_core *core, /* NULL when read only */
                      struct skn_store *store);
    uint32_t shard;
    bool acts;      /* fn changes what the core does next, such as its keys: it steps then */
    enum skn_rc rc; /* what fn gave in the end */
    struct skn_diag diag;
    uint64_t index; /* of the shard's last record when it ran */
    uint64_t stamp;
    struct skn_list link; /* of the shards */
};
void skn_shards_call(struct skn_shards *shards, struct skn_call *call);

struct skn_shards_event {
    struct skn_output *output; /* until the next call of next_event; or NULL */
    struct skn_call *call;     /* that came back; or NULL */
};
bool skn_shards_next_event(struct skn_shards *shards, struct skn_shards_event *out);

/* The node's clock [E50], in milliseconds since 1970. Any thread. */
uint64_t skn_shards_now_ms(const struct skn_shards *shards);
struct skn_clock_state {
    int64_t ahead_ms; /* the wall clock is ahead of the node's; below 0 behind */
    bool waits;       /* so far ahead that somebody has to accept it */
    uint64_t jumps;   /* so often the node's clock followed it, since the opening */
    uint64_t jumped_ms;
};
/* As it was when the wall clock was looked at last. Any thread. */
struct skn_clock_state skn_shards_clock(const struct skn_shards *shards);
/* Follows the wall clock if it waits for that (`skein clock accept`). Any thread. */
void skn_shards_accept_clock(struct skn_shards *shards);

/* Moves it forward (`skein dev clock`). Any thread. */
void skn_shards_advance_clock(struct skn_shards *shards, uint64_t ms);

/* HMAC by the store secret; see skn_core_mac. The shards are open for writing. */
void skn_shards_mac(const struct skn_shards *shards,
                    struct skn_slice label,
                    struct skn_slice text,
                    uint8_t out[32]);

/* What is said of the whole; a moment old. Any thread. */
struct skn_shards_state {
    enum skn_journal_disk disk; /* below OK new work from outside should be refused [E8] */
    bool is_behind;             /* the tail is four times what starts a checkpoint [E12] */
    uint64_t tail_records, tail_bytes;
    uint64_t checkpoints;
    uint64_t checkpoint_ms; /* the last one took */
    bool is_checkpointing;
    bool is_quiet; /* no worker has anything to do, or waits for a disk */
    uint64_t groups;
    uint64_t records; /* in all shards, since they were made; as of opening, and groups since */
    uint64_t epoch;   /* the greatest of the shards' */
    uint64_t slices, batches, faults, dropped_results, timers_fired; /* since opening */
    uint64_t history_since_ms; /* the oldest base was made then; 0: there is none */
    bool history_is_given_up;  /* the disk is full, or a base could not be made */
};
struct skn_shards_state skn_shards_state(const struct skn_shards *shards);

/* Nothing is trimmed from the journal for so long, 0: from now on it is again. For who copies the
 * journal behind a copy of the backend's rows; any thread. */
void skn_shards_hold_journal(struct skn_shards *shards, uint64_t ms);

/* Starts a checkpoint now, however little there is; any thread. */
void skn_shards_checkpoint(struct skn_shards *shards);
