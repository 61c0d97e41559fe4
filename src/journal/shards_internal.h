/* shards_internal.h - the last record of each shard, for the chain that opening and append check.
 *
 * Owns        its array.
 * May include base.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "journal/format_internal.h"

struct skn_jshard {
    uint64_t index; /* 0: no record of it was seen */
    uint64_t term;
    uint64_t stamp;
    struct skn_jf_hash hash;
};

struct skn_jshards {
    struct skn_jshard *items; /* one for each shard */
    uint32_t count;
};

/* Nothing was seen of any of `count` shards. */
void skn_jshards_init(struct skn_jshards *shards, uint32_t count);
void skn_jshards_fini(struct skn_jshards *shards);

/* Whether `record` follows what is there; says why not. Where `is_trimmed`, the first record seen
 * of a shard may have any index and chain: what was before it is gone, and its reader compares the
 * index with the position of its store. `prev` NULL: not compared. */
SKN_MUST_USE enum skn_rc skn_jshards_check(const struct skn_jshards *shards,
                                           const struct skn_record *record,
                                           const struct skn_jf_hash *prev,
                                           bool is_trimmed,
                                           struct skn_diag *diag);

/* Takes a checked record and its hash as the last one of its shard. */
void skn_jshards_put(struct skn_jshards *shards,
                     const struct skn_record *record,
                     struct skn_jf_hash hash);

/* The index of the last record of each shard, an array that the caller owns. */
uint64_t *skn_jshards_indexes(const struct skn_jshards *shards);
