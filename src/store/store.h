/* store.h - the rows as of some position of the journal, behind one interface.
 *
 * Owns        rows, and the position that they reflect.
 * May include base, value, env.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. Rows change by skn_store_apply alone, a whole batch at a time, and the position with them.
 *   2. `get` and `scan` may answer SKN_ELATER: what was asked for is being fetched, and the same
 *      question will be answered later. A caller must be ready for it from every backend [E13].
 *   3. The state hash is the sum modulo 2^128 of the hashes of all rows [E44].
 *
 * Batch bytes, little-endian, operations one after the other:
 *   offset 0  u8   1 put, 2 delete
 *          1  u16  key length, 1 to SKN_KEY_MAX
 *          3  u32  value length (put only, at most SKN_ROW_MAX)
 *          .. key, then value
 * Applying a batch again to its own result changes nothing: redo is physical and idempotent.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"

enum {
    SKN_KEY_MAX = 4096,    /* bytes of a row's key */
    SKN_ROW_MAX = 1 << 20, /* bytes of a row's value */
};

struct skn_hash128 {
    uint64_t lo;
    uint64_t hi;
};

/* Where a store stands: everything up to this record is in it, nothing later. */
struct skn_position {
    uint64_t index;           /* of the last record applied; 0 before the first */
    uint64_t stamp;           /* of that record */
    struct skn_hash128 state; /* after it */
};

struct skn_row {
    struct skn_slice key;
    struct skn_slice value;
};

struct skn_row_op {
    bool is_delete;
    struct skn_slice key;
    struct skn_slice value;
};

/* Appends one operation to a batch. */
void skn_batch_put(struct skn_buf *batch, struct skn_slice key, struct skn_slice value);
void skn_batch_delete(struct skn_buf *batch, struct skn_slice key);

/* Takes the next operation off `rest`. SKN_ENOENT at the end, SKN_ECORRUPT on malformed bytes. */
SKN_MUST_USE enum skn_rc
skn_batch_next(struct skn_slice *rest, struct skn_row_op *out_op, struct skn_diag *diag);

/* XXH3-128 of the key's length, key and value; and its arithmetic modulo 2^128. */
struct skn_hash128 skn_row_hash(struct skn_slice key, struct skn_slice value);
struct skn_hash128 skn_hash128_add(struct skn_hash128 a, struct skn_hash128 b);
struct skn_hash128 skn_hash128_sub(struct skn_hash128 a, struct skn_hash128 b);
bool skn_hash128_eq(struct skn_hash128 a, struct skn_hash128 b);

struct skn_store;

struct skn_store_ops {
    enum skn_rc (*get)(struct skn_store *,
                       struct skn_slice key,
                       struct skn_slice *out,
                       struct skn_diag *);
    enum skn_rc (*scan)(struct skn_store *,
                        struct skn_slice from,
                        struct skn_slice end,
                        struct skn_row *rows,
                        size_t max,
                        size_t *out_count,
                        struct skn_diag *);
    enum skn_rc (*apply)(struct skn_store *,
                         uint64_t index,
                         uint64_t stamp,
                         struct skn_slice batch,
                         struct skn_diag *);
    struct skn_position (*position)(const struct skn_store *);
    void (*destroy)(struct skn_store *);
};

/* First member of every backend. */
struct skn_store {
    const struct skn_store_ops *ops;
};

/* The value under a key, borrowed until the next apply. SKN_ENOENT, SKN_ELATER. */
static inline SKN_MUST_USE enum skn_rc skn_store_get(struct skn_store *store,
                                                     struct skn_slice key,
                                                     struct skn_slice *out_value,
                                                     struct skn_diag *diag)
{
    SKN_ASSERT(key.len > 0 && key.len <= SKN_KEY_MAX);
    return store->ops->get(store, key, out_value, diag);
}

/* At most `max` rows in key order with from <= key < end (no end when its len is 0), borrowed
 * until the next apply. None is SKN_OK with a count of 0. SKN_ELATER. */
static inline SKN_MUST_USE enum skn_rc skn_store_scan(struct skn_store *store,
                                                      struct skn_slice from,
                                                      struct skn_slice end,
                                                      struct skn_row *rows,
                                                      size_t max,
                                                      size_t *out_count,
                                                      struct skn_diag *diag)
{
    SKN_ASSERT(max > 0);
    return store->ops->scan(store, from, end, rows, max, out_count, diag);
}

/* Applies the batch of record `index`, which is the next one or one applied before (redo from an
 * older position). SKN_ECORRUPT leaves the store between two states: the caller gives it up. */
static inline SKN_MUST_USE enum skn_rc skn_store_apply(struct skn_store *store,
                                                       uint64_t index,
                                                       uint64_t stamp,
                                                       struct skn_slice batch,
                                                       struct skn_diag *diag)
{
    return store->ops->apply(store, index, stamp, batch, diag);
}

static inline struct skn_position skn_store_position(const struct skn_store *store)
{
    return store->ops->position(store);
}

static inline void skn_store_destroy(struct skn_store *store)
{
    if (store) store->ops->destroy(store);
}

/* Rows in memory and nowhere else: for tests, the simulator, and whatever keeps its journal
 * whole. Gives an empty store at position 0. */
struct skn_store *skn_store_memory_create(void) SKN_MUST_USE;

/* Recomputes the state hash by a scan over all rows and compares. SKN_ECORRUPT when it differs. */
SKN_MUST_USE enum skn_rc skn_store_verify(struct skn_store *store, struct skn_diag *diag);
