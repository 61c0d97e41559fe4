/* scan_internal.h - reads a journal from its oldest group to its end and judges what it finds.
 *
 * Owns        what it learned, until fini; the superblock's file while it is open.
 * May include base, env.
 * Threads     none.
 *
 * Nothing is changed on the disk. The end of a journal is one of:
 *   sealed   the superblock says where it is, and nothing stands behind it
 *   clean    the place of the next group is zero, and so is all behind it
 *   torn     a group there was written in part [E4]: torn_bytes behind the end
 *   damage   anything else; the scan fails with SKN_ECORRUPT
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "journal/files_internal.h"
#include "journal/shards_internal.h"

struct skn_jscan_segment {
    struct skn_jf_segment head;
    uint64_t first_group; /* number that was due where this segment begins */
    uint64_t end;         /* offset behind the last group that was read or written there */
    uint64_t *last;       /* index of the last record of each shard up to its end; owns */
};

struct skn_jscan {
    struct skn_env *env;
    const char *dir;              /* borrows */
    const char *archive;          /* borrows; where trimmed segments are, or NULL */
    uint64_t archive_from;        /* older ones are of no interest */
    bool is_strict;               /* verify: what an opening could live with is damage, too */
    skn_journal_replay_fn replay; /* may be NULL */
    void *ctx;
    const struct skn_journal_dump_to *dump; /* the same for everything; may be NULL */

    struct skn_jf_names names;
    struct skn_file *super_file;        /* NULL when there is no superblock */
    struct skn_jf_super super;          /* with an archive its `oldest` is there */
    uint64_t dir_oldest;                /* segments below this are in the archive */
    bool has_bad_slot;                  /* the other slot of the superblock is malformed */
    struct skn_jscan_segment *segments; /* from super.oldest to super.newest */
    size_t count;
    bool is_cut; /* for a dump: behind the last of them is one with a bad header */
    struct skn_jshards shards;
    uint64_t epoch; /* greatest one of segments and terms of records */

    uint64_t last; /* number of the last good group; 0: none */
    uint64_t end;  /* offset behind it in the newest segment */
    struct skn_jf_group last_group;
    uint8_t *last_bytes; /* the whole of it; owns */
    size_t last_cap;
    uint64_t stop_at; /* number of the first group that is not looked at; 0: all are */
    struct skn_journal_info info;
};

/* Names and superblock. SKN_ENOENT: no folder, or no superblock and no segment that has a group,
 * so that a new journal may be made; names are there then if there is a folder. */
SKN_MUST_USE enum skn_rc
skn_jscan_begin(struct skn_jscan *scan, enum skn_open how, struct skn_diag *diag);

/* Everything else. */
SKN_MUST_USE enum skn_rc skn_jscan_run(struct skn_jscan *scan, struct skn_diag *diag);

/* After a run: walks once more and replays the groups before `stop_at`, so that nobody is given
 * records of a journal that turns out to be damaged. */
SKN_MUST_USE enum skn_rc skn_jscan_again(struct skn_jscan *scan,
                                         uint64_t stop_at,
                                         skn_journal_replay_fn replay,
                                         void *ctx,
                                         struct skn_diag *diag);

/* The folder in which a segment is: one that was let go may not have been moved yet. */
const char *skn_jscan_dir(const struct skn_jscan *scan, uint64_t number);

void skn_jscan_fini(struct skn_jscan *scan);
