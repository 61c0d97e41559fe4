/* backend.h - where rows lie when they are not in memory: what a store stands on.
 *
 * Owns        the interface; the form of batches and stored rows; row hashes; the memory backend.
 * May include base.
 * Threads     read, position: any, also beside write and commit, where the backend says so
 *             (`is_shared`); write, commit: one thread at a time. The memory backend: one thread.
 * Invariants
 *   1. What write was given is seen by reads at once, and is durable only after the next commit.
 *   2. After a crash a backend holds the rows and positions of its last commit, and besides any
 *      beginning of what was written after it: redo from those positions repairs that [E11]. Such a
 *      beginning never ends inside of an operation on a table that is packed (pack.h), for redo has
 *      only the rows that changed: the entry that goes and those that come instead are one write.
 *   3. Whether a table is packed is the backend's own affair: reads give rows, unless they ask for
 *      more, and operations on rows change a packed table too.
 *
 * Batch bytes, little-endian, operations one after the other:
 *   offset 0  u8   1 put, 2 delete; from journal level 2 on 3 delete by prune, 4 delete by fold
 *          1  u16  key length, 1 to SKN_KEY_MAX
 *          3  u32  value length (put only, at most SKN_VALUE_MAX + SKN_STORED_HEAD)
 *          .. key, then value
 * Applying a batch again to its own result changes nothing: redo is physical and idempotent.
 *
 * A key is the name of its table, a zero byte, and the rest; a table's name has no zero byte. A
 * stored row's value is the index of the record that last wrote it (u64), then the value. Where that
 * index is UINT64_MAX it is all of a table instead: pack.h.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"

enum {
    SKN_KEY_MAX = 4096,    /* bytes of a row's key */
    SKN_ROW_MAX = 1 << 20, /* bytes of a program's row or message */
    /* Bytes of a row's value: a message of that size has sender, name and tag beside it. */
    SKN_VALUE_MAX = SKN_ROW_MAX + (1 << 14),
    SKN_STORED_HEAD = 8, /* bytes before the value in a backend */
};

struct skn_hash128 {
    uint64_t lo;
    uint64_t hi;
};

/* Where a shard's rows stand: everything up to this record is in them, nothing later. */
struct skn_position {
    uint64_t index;           /* of the last record applied; 0 before the first */
    uint64_t stamp;           /* of that record */
    struct skn_hash128 state; /* after it */
};

struct skn_row {
    struct skn_slice key;
    struct skn_slice value;
};

/* Why a row was deleted: a word for whoever looks back, and no other difference [E70]. */
enum skn_why {
    SKN_WHY_DELETE, /* its program had no more use for it */
    SKN_WHY_PRUNE,  /* nothing could read it any more (P8): no look back shows what it held */
    SKN_WHY_FOLD,   /* it is part of a summary now */
    SKN_WHYS
};
const char *skn_why_name(enum skn_why why);

struct skn_row_op {
    bool is_delete;
    enum skn_why why; /* delete */
    struct skn_slice key;
    struct skn_slice value;
};

/* Appends one operation to a batch. */
void skn_batch_put(struct skn_buf *batch, struct skn_slice key, struct skn_slice value);
void skn_batch_delete(struct skn_buf *batch, struct skn_slice key);
void skn_batch_delete_why(struct skn_buf *batch, struct skn_slice key, enum skn_why why);
/* A put in the stored form. */
void skn_batch_put_stored(struct skn_buf *batch,
                          struct skn_slice key,
                          uint64_t index,
                          struct skn_slice value);

/* Takes the next operation off `rest`. SKN_ENOENT at the end, SKN_ECORRUPT on malformed bytes. */
SKN_MUST_USE enum skn_rc
skn_batch_next(struct skn_slice *rest, struct skn_row_op *out_op, struct skn_diag *diag);

/* The parts of a stored row's value. SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_stored_split(struct skn_slice stored,
                                          uint64_t *out_index,
                                          struct skn_slice *out_value,
                                          struct skn_diag *diag);

/* XXH3-128 of the key's length, key and value; and its arithmetic modulo 2^128. */
struct skn_hash128 skn_row_hash(struct skn_slice key, struct skn_slice value);
/* In two steps, for two values of one key. */
uint64_t skn_row_seed(struct skn_slice key);
struct skn_hash128 skn_row_hash_seeded(uint64_t seed, struct skn_slice value);
static inline struct skn_hash128 skn_hash128_add(struct skn_hash128 a, struct skn_hash128 b)
{
    uint64_t lo = a.lo + b.lo;
    return (struct skn_hash128){.lo = lo, .hi = a.hi + b.hi + (lo < a.lo)};
}

static inline struct skn_hash128 skn_hash128_sub(struct skn_hash128 a, struct skn_hash128 b)
{
    return (struct skn_hash128){.lo = a.lo - b.lo, .hi = a.hi - b.hi - (a.lo < b.lo)};
}

static inline bool skn_hash128_eq(struct skn_hash128 a, struct skn_hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* --- the interface ---------------------------------------------------------------------------- */

/* What is asked for: the row under `from` when `end` is empty, else rows in key order with
 * from <= key < end, until either bound is reached (at least one row when there is one). */
struct skn_read {
    uint32_t shard;
    struct skn_slice from;
    struct skn_slice end;
    uint32_t max_rows;
    uint32_t max_bytes; /* of keys and values */
    bool whole;         /* of a table that is packed all of it, as it is: a put as pack.h has it */
};

struct skn_shard_position {
    uint32_t shard;
    struct skn_position position;
};

struct skn_backend;

struct skn_backend_ops {
    enum skn_rc (*read)(struct skn_backend *,
                        const struct skn_read *,
                        bool may_wait,
                        struct skn_buf *out,
                        bool *out_is_end,
                        struct skn_diag *);
    enum skn_rc (*write)(struct skn_backend *,
                         uint32_t shard,
                         struct skn_slice batch,
                         struct skn_diag *);
    enum skn_rc (*commit)(struct skn_backend *,
                          const struct skn_shard_position *positions,
                          size_t count,
                          struct skn_diag *);
    enum skn_rc (*position)(struct skn_backend *,
                            uint32_t shard,
                            struct skn_position *out,
                            struct skn_diag *);
    bool (*is_exact)(struct skn_backend *);
    enum skn_rc (*backup)(struct skn_backend *, const char *dir, struct skn_diag *);
    void (*destroy)(struct skn_backend *);
};

/* First member of every backend. */
struct skn_backend {
    const struct skn_backend_ops *ops;
    bool is_shared; /* read and position may run on other threads than write and commit */
    uint32_t
        packed_max; /* bytes of a table that may be packed; 0: SKN_PACKED_MAX, 1: none is. Of tests */
};

/* Appends the rows asked for to `out` as puts in the stored form. `out_is_end`: there are no more
 * in the range (of a single key always true). Without `may_wait` it may answer SKN_ELATER: that
 * would touch the disk. SKN_EIO, SKN_ECORRUPT. */
static inline SKN_MUST_USE enum skn_rc skn_backend_read(struct skn_backend *backend,
                                                        const struct skn_read *read,
                                                        bool may_wait,
                                                        struct skn_buf *out,
                                                        bool *out_is_end,
                                                        struct skn_diag *diag)
{
    return backend->ops->read(backend, read, may_wait, out, out_is_end, diag);
}

/* A part of a checkpoint: operations on rows of one shard, in the stored form. */
static inline SKN_MUST_USE enum skn_rc skn_backend_write(struct skn_backend *backend,
                                                         uint32_t shard,
                                                         struct skn_slice batch,
                                                         struct skn_diag *diag)
{
    return backend->ops->write(backend, shard, batch, diag);
}

/* Its end: positions of all shards that it has rows of, written last; then one atomic flush makes
 * everything written durable. */
static inline SKN_MUST_USE enum skn_rc
skn_backend_commit(struct skn_backend *backend,
                   const struct skn_shard_position *positions,
                   size_t count,
                   struct skn_diag *diag)
{
    return backend->ops->commit(backend, positions, count, diag);
}

/* As of the last commit. SKN_ENOENT: it never held rows of this shard. */
static inline SKN_MUST_USE enum skn_rc skn_backend_position(struct skn_backend *backend,
                                                            uint32_t shard,
                                                            struct skn_position *out,
                                                            struct skn_diag *diag)
{
    return backend->ops->position(backend, shard, out, diag);
}

/* False: rows were written since the last commit, in this life or before a crash, so what is there is of
 * no one moment: only redo to where that checkpoint was to end makes it whole [E11], nothing before.
 * Asked by whoever writes, or while nobody does. */
static inline bool skn_backend_is_exact(struct skn_backend *backend)
{
    return backend->ops->is_exact(backend);
}

/* A copy of what the last commit made durable, in a folder that is not there yet; writes may go on
 * beside it. SKN_EEXIST, SKN_EIO, SKN_EUNSUPPORTED. */
static inline SKN_MUST_USE enum skn_rc
skn_backend_backup(struct skn_backend *backend, const char *dir, struct skn_diag *diag)
{
    return backend->ops->backup(backend, dir, diag);
}

static inline void skn_backend_destroy(struct skn_backend *backend)
{
    if (backend) backend->ops->destroy(backend);
}

/* --- the memory backend: for tests and the simulator -------------------------------------------- */

struct skn_backend *skn_backend_memory_create(void) SKN_MUST_USE;

/* Slow: without `may_wait` every read answers SKN_ELATER. */
void skn_backend_memory_set_slow(struct skn_backend *backend, bool is_slow);

/* As a crash leaves it: the last commit, and the first `kept` of the operations written after it. */
void skn_backend_memory_crash(struct skn_backend *backend, size_t kept);
/* Operations written since the last commit. */
size_t skn_backend_memory_unflushed(const struct skn_backend *backend);

/* The nth commit from now (1: the next) fails with SKN_EIO and leaves what a crash there could; so does
 * every write and commit after it, until skn_backend_memory_crash. 0: none. */
void skn_backend_memory_fail_commit(struct skn_backend *backend, unsigned nth);
