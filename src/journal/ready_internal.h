/* ready_internal.h - the segment behind the newest, made ready beside the hand that writes [E1].
 *
 * Owns        the file being made, the one that is ready, and the names of old ones to write over.
 * May include base, env.
 * Threads     all of struct skn_jready is under `lock`, which is held for one step of writing at
 *             most (or the sync of the finished file); `is_wanted` and `has_failed` are atomic.
 * Invariants
 *   1. A file that is ready is all zeros behind its header, whole, synced, and so is its name.
 *   2. At most SKN_JREADY_OLD trimmed files wait to be written over.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "journal/maker_internal.h"

#include <pthread.h>
#include <stdatomic.h>

struct skn_journal;

enum { SKN_JREADY_OLD = 2 };

/* The first failure, for every later call [E7]. */
struct skn_jfailure {
    enum skn_rc rc; /* SKN_OK: none */
    struct skn_diag diag;
};

struct skn_jready {
    pthread_mutex_t lock;
    struct skn_jf_segment newest; /* header of the newest segment: the next one follows it */
    uint64_t epoch;               /* greatest term when that was taken */
    struct skn_jf_maker maker;    /* the next one, on its way */
    struct skn_file *file;        /* ready for the first group; NULL: not yet */
    struct skn_jf_segment head;   /* of `file` */
    uint64_t old[SKN_JREADY_OLD]; /* numbers that trimmed files had */
    size_t old_count;
    struct skn_jfailure failure; /* of whichever hand failed first */
    atomic_bool is_wanted;       /* the newest segment is half full */
    atomic_bool has_failed;      /* look at `failure` */
};

void skn_jready_init(struct skn_jready *ready);
void skn_jready_fini(struct skn_jready *ready);

/* After an opening: the segment that the next one follows. */
void skn_jready_follow(struct skn_jready *ready,
                       const struct skn_jf_segment *newest,
                       uint64_t epoch);

/* Takes the segment behind the newest, of at least `length_least` bytes, or makes one on the spot:
 * out of what there is of it, out of an old file, or with the reserve if the disk is full. It and
 * its name are durable; it is the newest from now on. For the writing hand. */
SKN_MUST_USE enum skn_rc skn_jready_take(struct skn_journal *journal,
                                         uint64_t length_least,
                                         struct skn_jf_segment *out_head,
                                         struct skn_file **out_file,
                                         struct skn_diag *diag);

/* Segment `number` was trimmed, and the superblock that forgets it is durable: it is kept to be
 * written over, or removed. */
SKN_MUST_USE enum skn_rc
skn_jready_retire(struct skn_journal *journal, uint64_t number, struct skn_diag *diag);

/* A clean stop: removes what is only of use to a journal that goes on. */
void skn_jready_clear(struct skn_journal *journal);

/* Keeps the first failure and gives it. */
SKN_MUST_USE enum skn_rc skn_jready_fail(struct skn_jready *ready,
                                         enum skn_rc rc,
                                         struct skn_diag *why,
                                         struct skn_diag *diag);

/* The first failure, or SKN_OK. */
SKN_MUST_USE enum skn_rc skn_jready_check(struct skn_jready *ready, struct skn_diag *diag);
