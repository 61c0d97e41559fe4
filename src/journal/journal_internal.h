/* journal_internal.h - an open journal: what its owner touches, and what the writing hand touches.
 *
 * Owns        everything in struct skn_journal.
 * May include base, env.
 * Threads     `front` is the owner's. `back` belongs to the hand that writes (journal.h). `flight`
 *             is the owner's until begin and after end, and the other hand's between. `ready` has a
 *             lock of its own.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "journal/files_internal.h"
#include "journal/journal.h"
#include "journal/ready_internal.h"
#include "journal/scan_internal.h"
#include "journal/shards_internal.h"

/* A group in memory, with room for its header at the front. */
struct skn_jgroup {
    uint8_t *bytes;
    size_t cap;
    uint32_t records_bytes;
    uint32_t records;
};

struct skn_jfront {
    struct skn_jshards shards;
    struct skn_jgroup open;
    bool is_trimmed; /* at opening: a shard that is not in the journal may have had records */
    bool is_writing; /* between begin and end */
    struct skn_jfailure failure;
};

struct skn_jback {
    struct skn_file *super_file;
    struct skn_jf_super super;
    struct skn_jscan_segment *segments; /* from super.oldest to super.newest; owns their marks */
    size_t count;
    struct skn_file *file; /* the newest segment, for writing */
    uint64_t at;           /* where the next group goes */
    uint64_t durable;      /* number of the last group that was synced */
    uint64_t epoch;        /* greatest term */
    uint64_t *last;        /* index of the last record written, of each shard; owns */

    bool has_reserve;
    bool lost_reserve; /* it was there and had to be used */
};

struct skn_journal {
    struct skn_env *env;
    char *dir;         /* owns */
    char *archive;     /* owns; NULL: there is none */
    bool is_archiving; /* of the hand that trims */
    uint64_t archive_from;
    uint64_t segment_bytes_min;
    uint64_t segment_bytes_max;
    uint64_t reserve_bytes; /* 0: none is kept */
    struct skn_jfront front;
    struct skn_jgroup flight;
    struct skn_jback back;
    struct skn_jready ready;
};

/* Gives the first failure again. */
SKN_MUST_USE enum skn_rc skn_jfail_again(const struct skn_jfailure *failure, struct skn_diag *diag);

/* Syncs the folder. */
SKN_MUST_USE enum skn_rc skn_jback_sync_dir(struct skn_journal *journal, struct skn_diag *diag);

/* Moves a segment that no superblock names any more to the archive. */
SKN_MUST_USE enum skn_rc
skn_jback_archive(struct skn_journal *journal, uint64_t number, struct skn_diag *diag);

/* Adds the segment to the list, as the newest. */
void skn_jback_add_segment(struct skn_jback *back,
                           const struct skn_jf_segment *head,
                           uint64_t first_group);

/* Asks for the next segment when the newest one is half full. */
void skn_jback_watch(struct skn_journal *journal);

/* Keeps the reserve when there is room for it. */
SKN_MUST_USE enum skn_rc
skn_jback_keep_reserve(struct skn_journal *journal, bool is_there, struct skn_diag *diag);

/* Gives the reserve to the disk; false: there is none. */
bool skn_jback_use_reserve(struct skn_journal *journal);
