/* store.h - the rows of one shard in memory: a cache over a backend, and what is dirty in it.
 *
 * Owns        the cache: rows, what is known to be absent, what a checkpoint under way still needs.
 * May include base, store/backend.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. Rows change by skn_store_apply alone, a whole batch at a time, and the position with them.
 *   2. get, scan and know may answer SKN_ELATER: what was asked for is wanted from the backend, and
 *      the same question is answered once it was fetched. A fetched row never replaces a cached
 *      one [E13].
 *   3. The state hash is the sum modulo 2^128 of the hashes of all rows [E44].
 *   4. While a checkpoint is under way every row that was dirty at its mark is given once, as of the
 *      mark, whatever happened to it since [E10].
 *   5. A row that the backend may hold is forgotten only when the backend holds it as it is.
 *
 * Without a backend all rows stay in memory and nothing is ever SKN_ELATER.
 *
 * Rows of one table (the key up to its first zero byte) are kept together, in key order, in a map
 * of their own. Each entry says whether everything between it and the entry before it is known:
 * so absence is known by ranges, and a scan that stays in what is known needs no backend.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"
#include "store/backend/backend.h"

struct skn_store;

struct skn_store_options {
    struct skn_backend *backend; /* borrowed; NULL: rows live in memory only */
    uint32_t shard;
    size_t cache_bytes; /* what skn_store_shrink keeps of what is clean; 0: all */
    uint64_t hash_seed; /* not known outside, or whoever chooses tables can make searches slow */
};

/* A store at the position that the backend has of the shard; without one, empty at 0. */
SKN_MUST_USE enum skn_rc skn_store_open(const struct skn_store_options *options,
                                        struct skn_store **out_store,
                                        struct skn_diag *diag);
void skn_store_destroy(struct skn_store *store);

/* An empty one without a backend. */
struct skn_store *skn_store_memory_create(void) SKN_MUST_USE;

/* From now on reads wait for the backend instead of answering SKN_ELATER: while a shard opens, and
 * for whoever only looks. */
void skn_store_set_blocking(struct skn_store *store, bool is_blocking);

/* --- reading ---------------------------------------------------------------------------------- */

/* For tests: get and scan answer SKN_ELATER, with nothing wanted, whenever `is_later` says so. */
void skn_store_set_later(struct skn_store *store, bool (*is_later)(void *ctx), void *ctx);

/* The value under a key, borrowed until the next apply, fetched or shrink. SKN_ENOENT, SKN_ELATER;
 * blocking: SKN_EIO, SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_store_get(struct skn_store *store,
                                       struct skn_slice key,
                                       struct skn_slice *out_value,
                                       struct skn_diag *diag);

/* The same for a row without which its table has none, as the caller promises: when the backend has at
 * hand that there is no such row, all of the table is known to have none. */
SKN_MUST_USE enum skn_rc skn_store_get_head(struct skn_store *store,
                                            struct skn_slice key,
                                            struct skn_slice *out_value,
                                            struct skn_diag *diag);

/* At most `max` rows in key order with from <= key < end, borrowed likewise. Both are keys of one
 * table, or `end` is the first key behind it. Fewer than `max` only at the end of the range. */
SKN_MUST_USE enum skn_rc skn_store_scan(struct skn_store *store,
                                        struct skn_slice from,
                                        struct skn_slice end,
                                        struct skn_row *rows,
                                        size_t max,
                                        size_t *out_count,
                                        struct skn_diag *diag);

/* SKN_OK: the store knows of every key of the batch whether it has a row, so apply may change them. It
 * finds them faster when it comes next, with these very bytes. SKN_ELATER: all that is not known is
 * wanted now. */
SKN_MUST_USE enum skn_rc
skn_store_know(struct skn_store *store, struct skn_slice batch, struct skn_diag *diag);

/* The caller knows that the table has no row: nothing of it needs to be fetched. */
void skn_store_fresh(struct skn_store *store, struct skn_slice table);
/* The same of one key. */
void skn_store_absent(struct skn_store *store, struct skn_slice key);

/* --- what is wanted from the backend ------------------------------------------------------------ */

/* Which want the last SKN_ELATER waits for. Wants are fetched in the order of their numbers. */
uint64_t skn_store_last_want(const struct skn_store *store);

/* The next one that nobody fetches yet; its slices are borrowed until it was fetched. False: none. */
bool skn_store_next_want(struct skn_store *store, struct skn_read *out_read, uint64_t *out_number);

/* What the backend answered, for the oldest want that is being fetched. SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_store_fetched(struct skn_store *store,
                                           uint64_t number,
                                           struct skn_slice rows,
                                           bool is_end,
                                           struct skn_diag *diag);

/* From now on what is fetched stays until unpin, however full the cache is: for a message that waits
 * for rows, from the first SKN_ELATER until it is done [E13]. Each pin is given back once. */
uint64_t skn_store_pin(struct skn_store *store) SKN_MUST_USE;
void skn_store_unpin(struct skn_store *store, uint64_t pin);

/* --- changing --------------------------------------------------------------------------------- */

/* Applies the batch of record `index`, which is the next one. Every key in it is known. SKN_ECORRUPT
 * leaves the store between two states: the caller gives it up. */
SKN_MUST_USE enum skn_rc skn_store_apply(struct skn_store *store,
                                         uint64_t index,
                                         uint64_t stamp,
                                         struct skn_slice batch,
                                         struct skn_diag *diag);

/* The same for a record read back at opening, whose keys need not be known: the state after it is
 * what the record says [E44]. Without a backend it is compared: SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_store_redo(struct skn_store *store,
                                        const struct skn_position *after,
                                        struct skn_slice batch,
                                        struct skn_diag *diag);

/* For whoever has many batches in a row: what a change looks at lies anywhere in memory, and is asked for
 * while those before it are done. Some batches ahead a hint is made; nearer, once with each step, 0 and
 * 1, it is used. Changes nothing, and no batch needs it. */
uint32_t skn_store_hint(const struct skn_store *store, struct skn_slice batch);
void skn_store_hint_near(const struct skn_store *store, uint32_t hint, unsigned step);

struct skn_position skn_store_position(const struct skn_store *store);

/* Forgets clean rows until the cache is within its bound; between two slices. */
void skn_store_shrink(struct skn_store *store);

/* --- checkpoints [E10] [E11] -------------------------------------------------------------------- */

/* The mark: the checkpoint is as of the position now. None may be under way. */
struct skn_position skn_store_mark(struct skn_store *store);

/* Appends operations of rows that were dirty at the mark, as of the mark and in the stored form,
 * until `out` has grown by `max_bytes`. False: there are no more. */
bool skn_store_next_dirty(struct skn_store *store, struct skn_buf *out, size_t max_bytes);

/* The checkpoint is durable: what it was given is clean unless it changed since. */
void skn_store_flushed(struct skn_store *store);

struct skn_store_counts {
    uint64_t entries;    /* in memory: rows, and what is known to be absent */
    uint64_t bytes;      /* of them, with what a map takes */
    uint64_t dirty_rows; /* changed since the last mark */
    uint64_t dirty_bytes;
    uint64_t pins;    /* held */
    uint64_t fetches; /* wants fetched, since opening */
    uint64_t evictions;
};
struct skn_store_counts skn_store_counts(const struct skn_store *store);

/* Recomputes the state hash by a scan over all rows, backend and cache, waiting for it, and
 * compares. SKN_ECORRUPT when it differs. For offline use: nothing may be wanted or under way. */
SKN_MUST_USE enum skn_rc skn_store_verify(struct skn_store *store, struct skn_diag *diag);
/* The same, and gives every row once to `each`, in no order; it may not use the store. */
typedef void skn_store_row_fn(void *ctx, struct skn_slice key, struct skn_slice value);
SKN_MUST_USE enum skn_rc skn_store_verify_each(struct skn_store *store,
                                               skn_store_row_fn *each,
                                               void *ctx,
                                               struct skn_diag *diag);

/* Aborts on a broken invariant. O(entries), for tests. */
void skn_store_check(const struct skn_store *store);
