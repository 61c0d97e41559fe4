/* shards_internal.h - the last record of each shard, for the chain that opening and append check.
 *
 * Owns        its array.
 * May include base.
 * Threads     none.
 * Invariants
 *   1. Entries are in the order of their shards, each shard once.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "journal/format_internal.h"

struct skn_jshard {
    uint32_t shard;
    uint64_t index;
    uint64_t term;
    uint64_t stamp;
    struct skn_jf_hash hash;
};

struct skn_jshards {
    struct skn_jshard *items;
    size_t count;
    size_t cap;
};

void skn_jshards_fini(struct skn_jshards *shards);

/* The entry of a shard, or NULL. It dies with the next put. */
struct skn_jshard *skn_jshards_find(const struct skn_jshards *shards, uint32_t shard);

/* The entry of a shard, new (all zeros but the shard) when there was none. */
struct skn_jshard *skn_jshards_put(struct skn_jshards *shards, uint32_t shard);

/* Whether `record` follows what is there; says why not. Where `is_trimmed`, the first record seen
 * of a shard may have any index. `prev` NULL: not compared. */
SKN_MUST_USE enum skn_rc skn_jshards_check(const struct skn_jshards *shards,
                                           const struct skn_record *record,
                                           const struct skn_jf_hash *prev,
                                           bool is_trimmed,
                                           struct skn_diag *diag);
