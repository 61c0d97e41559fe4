/* domain_internal.h - what a node says about domains: functions over the rows of one shard.
 *
 * Owns        nothing.
 * May include what node may.
 * Threads     whoever has the shard.
 * Invariants
 *   1. They read nothing but the shard's rows (and the core, to know what is held), so that they run
 *      where the shard is, and again after SKN_ELATER [E13].
 *   2. What one answer reads and holds is bounded: long lists come in pages, each says where the next
 *      begins [E21].
 */
#pragma once

#include "base/buf.h"
#include "core/look.h"

enum {
    DOMAIN_PAGE_MAX = 1000,        /* things of one page */
    DOMAIN_PAGE_BYTES = 1 << 20,   /* of values, after which a page ends */
    DOMAIN_SCANNED_MAX = 20000,    /* domains of a shard looked at for one page */
    DOMAIN_BYTES_MAX = 12 << 20,   /* of an answer; a frame has 16 MiB */
    DOMAIN_SHOWN_MAX = 100,        /* timers, intents, dead letters, each */
    DOMAIN_VALUE_SHOWN_MAX = 4096, /* bytes of a payload or an effect; a row is shown whole */
};

/* Borrowed for a call. */
struct domain_query {
    struct skn_slice address; /* domain, or the prefix of those to list */
    struct skn_slice after;   /* continue behind this address or key */
    struct skn_slice type;    /* list: of this type */
    struct skn_slice key;     /* one row, when `has_key` */
    bool has_key;
    bool is_faulted; /* list: FAULTED ones */
    uint32_t limit;
    /* Rows whose value is not to be shown, by their own key; NULL: none. */
    bool (*was_pruned)(void *ctx, struct skn_slice key);
    void *pruned_ctx;
};

/* One shard's part of a page: of each domain its address and a JSON object, as two blocks. After
 * SKN_ELATER the same struct goes on where it stood; all zero but for the buffers at first. */
struct domain_part {
    struct skn_buf *entries;
    struct skn_buf *after; /* the last domain that was looked at */
    uint32_t found, scanned;
    bool has_more; /* behind `after` */
};

/* `core` is NULL when the data is only read. */
SKN_MUST_USE enum skn_rc domain_list(const struct domain_query *query,
                                     struct domain_part *part,
                                     struct skn_core *core,
                                     struct skn_store *store,
                                     struct skn_diag *diag);

/* The parts of all shards become one page: {"domains": [..], "next": address or null}. `parts` is a
 * row of blocks, of each shard: its entries, its `after`, and has_more as one byte. */
void domain_merge(struct skn_slice parts, uint32_t limit, struct skn_buf *out_json);

/* One domain, doc/json.md says with what; or one row of it. SKN_ENOENT. */
SKN_MUST_USE enum skn_rc domain_show(const struct domain_query *query,
                                     struct skn_core *core,
                                     struct skn_store *store,
                                     struct skn_buf *out_json,
                                     struct skn_diag *diag);

/* The key that people wrote: text, or 0x and hex. SKN_EARGS. */
SKN_MUST_USE enum skn_rc
domain_key(struct skn_slice text, struct skn_buf *out, struct skn_diag *diag);
