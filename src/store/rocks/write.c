/* write.c - parts of checkpoints, and their end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/rocks_internal.h"

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

static void
add_op(struct skn_rocks *r, rocksdb_writebatch_t *to, uint32_t shard, const struct skn_row_op *op)
{
    const char prefix[2] = {(char)(uint8_t)(shard >> 8), (char)(uint8_t)shard};
    const char *const key[2] = {prefix, (const char *)op->key.ptr};
    const size_t key_len[2] = {sizeof prefix, op->key.len};
    const char *const value[1] = {(const char *)op->value.ptr};
    const size_t value_len[1] = {op->value.len};
    if (op->is_delete)
        r->lib.writebatch_deletev(to, 2, key, key_len);
    else
        r->lib.writebatch_putv(to, 2, key, key_len, 1, value, value_len);
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
    struct skn_row_op op;
    rocksdb_writebatch_t *to = r->lib.writebatch_create();
    if (!r->is_dirty) skn_rocks_put_dirty(r, to);
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        uint64_t index;
        struct skn_slice value;
        if (!op.is_delete) rc = skn_stored_split(op.value, &index, &value, diag);
        if (rc != SKN_OK) break;
        add_op(r, to, shard, &op);
    }
    if (rc == SKN_ENOENT) rc = write_batch(r, to, "write rows", diag);
    if (rc == SKN_OK) r->is_dirty = true;
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
