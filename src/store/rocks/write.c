/* write.c - parts of checkpoints, and their end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/rocks/rocks_internal.h"

#include <stdlib.h>
#include <string.h>

/* What failed once has failed for good [E7]. */
static enum skn_rc
keep_failure(struct skn_rocks *r, enum skn_rc rc, const struct skn_diag *why, struct skn_diag *diag)
{
    r->failed_rc = rc;
    r->failed = *why;
    if (diag) *diag = *why;
    return rc;
}

static enum skn_rc may_write(struct skn_rocks *r, struct skn_diag *diag)
{
    if (r->failed_rc == SKN_OK) return skn_rocks_need_writing(r, diag);
    if (diag) {
        *diag = r->failed;
        skn_diag_prefix(diag, "the store failed before");
    }
    return r->failed_rc;
}

/* A batch on its way to RocksDB, which takes it whole: so no crash comes between the entries of a table. */
struct write {
    struct skn_rocks *r;
    rocksdb_writebatch_t *to;
    uint32_t shard;
};

static void add_op(void *ctx, const struct skn_row_op *op, bool is_last)
{
    (void)is_last;
    const struct write *w = ctx;
    struct skn_rocks *r = w->r;
    rocksdb_writebatch_t *to = w->to;
    const char prefix[2] = {(char)(uint8_t)(w->shard >> 8), (char)(uint8_t)w->shard};
    const char *const key[2] = {prefix, (const char *)op->key.ptr};
    const size_t key_len[2] = {sizeof prefix, op->key.len};
    const char *const value[1] = {(const char *)op->value.ptr};
    const size_t value_len[1] = {op->value.len};
    if (op->is_delete)
        r->lib.writebatch_deletev(to, 2, key, key_len);
    else
        r->lib.writebatch_putv(to, 2, key, key_len, 1, value, value_len);
}

static enum skn_rc find(void *ctx, struct skn_slice key, struct skn_buf *out, struct skn_diag *diag)
{
    const struct write *w = ctx;
    return skn_rocks_find(w->r, w->shard, key, out, diag);
}

static enum skn_rc
clear(void *ctx, struct skn_slice first, struct skn_buf *out, struct skn_diag *diag)
{
    const struct write *w = ctx;
    return skn_rocks_clear(w->r, w->shard, first, out, diag);
}

static int compare_ops(const void *a, const void *b)
{
    const struct skn_rocks_op *x = a, *y = b;
    int order = skn_slice_cmp(x->op.key, y->op.key);
    if (order != 0) return order;
    return x->at < y->at ? -1 : x->at > y->at; /* of one key the last one wins */
}

/* Takes a batch apart, in key order: RocksDB begins its search for a key's place where the last one went,
 * and finds the rows of one domain beside each other; in the order in which they changed each search
 * begins at the top. */
static enum skn_rc
take_ops(struct skn_rocks *r, struct skn_slice batch, size_t *out_count, struct skn_diag *diag)
{
    struct skn_row_op op;
    size_t count = 0;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        uint64_t index;
        struct skn_slice value;
        if (!op.is_delete) rc = skn_stored_split(op.value, &index, &value, diag);
        if (rc != SKN_OK) return rc;
        if (count == r->ops_cap) {
            r->ops_cap = r->ops_cap ? 2 * r->ops_cap : 256;
            r->ops = skn_realloc(r->ops, r->ops_cap * sizeof *r->ops);
            r->rows = skn_realloc(r->rows, r->ops_cap * sizeof *r->rows);
        }
        r->ops[count] = (struct skn_rocks_op){.op = op, .at = count};
        count++;
    }
    if (rc != SKN_ENOENT) return rc;
    if (count > 1) qsort(r->ops, count, sizeof *r->ops, compare_ops);
    for (size_t i = 0; i < count; i++)
        r->rows[i] = r->ops[i].op;
    *out_count = count;
    return SKN_OK;
}

/* Table by table, which stand together. */
static enum skn_rc add_ops(const struct write *w, size_t count, struct skn_diag *diag)
{
    struct skn_rocks *r = w->r;
    const struct skn_pack_raw raw = {.ctx = (void *)(uintptr_t)w,
                                     .packed_max = r->base.packed_max,
                                     .find = find,
                                     .clear = clear,
                                     .change = add_op};
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0, n; rc == SKN_OK && i < count; i += n) {
        struct skn_slice first = skn_pack_first(r->rows[i].key);
        for (n = 1; first.len > 0 && i + n < count; n++)
            if (!skn_slice_has_prefix(r->rows[i + n].key, first)) break;
        rc = skn_pack_change(&raw, &r->pack, &r->rows[i], n, diag);
    }
    return rc;
}

static enum skn_rc write_batch(struct skn_rocks *r,
                               rocksdb_writebatch_t *batch,
                               const char *what,
                               struct skn_diag *diag)
{
    char *error = NULL;
    struct skn_diag why;
    r->lib.write(r->db, r->no_log, batch, &error);
    if (!error) return SKN_OK;
    return keep_failure(r, skn_rocks_failed(r, what, error, &why), &why, diag);
}

enum skn_rc skn_rocks_write(struct skn_backend *base,
                            uint32_t shard,
                            struct skn_slice batch,
                            struct skn_diag *diag)
{
    SKN_ASSERT(shard < SKN_ROCKS_SHARDS_MAX);
    struct skn_rocks *r = skn_rocks_of(base);
    enum skn_rc rc = may_write(r, diag);
    if (rc != SKN_OK) return rc;
    size_t count = 0;
    rc = take_ops(r, batch, &count, diag);
    if (rc != SKN_OK) return rc;
    rocksdb_writebatch_t *to = r->lib.writebatch_create();
    if (!r->is_dirty) skn_rocks_put_dirty(r, to);
    /* A version that does not know our level must not take what is in here for rows of its own. */
    if (!r->is_named && r->commits > 0) skn_rocks_put_identity(r, to);
    rc = add_ops(&(struct write){.r = r, .to = to, .shard = shard}, count, diag);
    if (rc == SKN_OK) rc = write_batch(r, to, "write rows", diag);
    if (rc == SKN_OK) r->is_dirty = r->is_named = true;
    r->lib.writebatch_destroy(to);
    return rc;
}

/* The positions, last [E11], and everything before them made durable. */
static enum skn_rc write_end(struct skn_rocks *r,
                             uint64_t commits,
                             const struct skn_shard_position *positions,
                             size_t count,
                             struct skn_diag *diag)
{
    rocksdb_writebatch_t *batch = r->lib.writebatch_create();
    skn_rocks_put_meta(r, batch, commits, positions, count);
    enum skn_rc rc = write_batch(r, batch, "write positions", diag);
    r->lib.writebatch_destroy(batch);
    if (rc != SKN_OK) return rc;
    char *error = NULL;
    struct skn_diag why;
    r->lib.flush(r->db, r->flush_wait, &error);
    if (error) return keep_failure(r, skn_rocks_failed(r, "flush rows", error, &why), &why, diag);
    rc = skn_mark_set(&r->mark, commits, &why);
    return rc == SKN_OK ? SKN_OK : keep_failure(r, rc, &why, diag);
}

enum skn_rc skn_rocks_commit(struct skn_backend *base,
                             const struct skn_shard_position *positions,
                             size_t count,
                             struct skn_diag *diag)
{
    struct skn_rocks *r = skn_rocks_of(base);
    for (size_t i = 0; i < count; i++)
        SKN_ASSERT(positions[i].shard < SKN_ROCKS_SHARDS_MAX);
    enum skn_rc rc = may_write(r, diag);
    /* `commits` is read without its lock: only this thread changes it. */
    if (rc == SKN_OK) rc = write_end(r, r->commits + 1, positions, count, diag);
    if (rc != SKN_OK) return rc;
    (void)pthread_mutex_lock(&r->lock);
    r->commits++;
    skn_rocks_set_positions(r, positions, count);
    (void)pthread_mutex_unlock(&r->lock);
    r->is_dirty = false;
    return SKN_OK;
}
