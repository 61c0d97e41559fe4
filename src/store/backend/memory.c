/* memory.c - the backend that is a map in memory, with the crashes and the waits of a real one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "base/mem.h"
#include "base/omap.h"
#include "store/backend/backend.h"
#include "store/backend/pack.h"

struct stored {
    struct skn_omap_node node; /* by shard (4 bytes, big-endian) and key: points into `bytes` */
    size_t value_len;
    uint8_t bytes[]; /* shard, key, value */
};

/* What an operation changed, for a crash that takes it back. */
struct undo {
    struct skn_list link;
    struct stored *before; /* NULL: there was no row */
    bool is_part;          /* what comes behind it belongs with it: pack.h, invariant 2 */
    size_t key_len;
    uint8_t key[]; /* with the shard */
};

struct place {
    struct skn_omap_node node; /* by `key` */
    uint8_t key[4];
    struct skn_position position;
};

struct memory {
    struct skn_backend base;
    struct skn_omap rows;
    struct skn_omap places; /* where each shard stands */
    struct skn_list undos;  /* since the last commit, oldest first */
    size_t unflushed;
    bool is_half; /* a crash has left rows of a checkpoint that did not end */
    bool is_slow;
    unsigned failing_commit; /* that many commits from now; 0: none */
    bool has_failed;         /* until the crash: nothing is tried again [E7] */
    struct skn_buf key;      /* scratch */
    struct skn_pack_scratch pack;
    uint32_t shard; /* that is written to */
};

static struct memory *memory_of(struct skn_backend *backend)
{
    return SKN_CONTAINER_OF(backend, struct memory, base);
}

static struct stored *stored_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct stored, node) : NULL;
}

static struct place *place_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct place, node) : NULL;
}

enum { SHARD_BYTES = 4 };

static struct skn_slice whole_key(struct skn_buf *buf, uint32_t shard, struct skn_slice key)
{
    skn_buf_reset(buf);
    skn_buf_put_be32(buf, shard);
    skn_buf_put(buf, key);
    return skn_buf_slice(buf);
}

static struct skn_slice key_of(const struct stored *row)
{
    return skn_slice_from(row->node.key, SHARD_BYTES);
}

static struct skn_slice value_of(const struct stored *row)
{
    return skn_slice(row->bytes + row->node.key.len, row->value_len);
}

/* --- reading -------------------------------------------------------------------------------------- */

/* A row of the shard before `end`, which is not empty. */
static bool is_inside(const struct stored *row, struct skn_slice shard, struct skn_slice end)
{
    return skn_slice_has_prefix(row->node.key, shard) && skn_slice_cmp(key_of(row), end) < 0;
}

/* Appends what an entry holds: a row, or what is asked for of a table. */
static enum skn_rc give(const struct stored *row,
                        const struct skn_read *read,
                        struct skn_read_sum *sum,
                        struct skn_buf *out,
                        struct skn_diag *diag)
{
    struct skn_slice packed, value;
    uint64_t index;
    if (skn_is_packed(value_of(row), &packed))
        return skn_packed_give(key_of(row), packed, read, sum, out, diag);
    if (!skn_read_has_room(sum, read, key_of(row).len + row->value_len)) return SKN_OK;
    enum skn_rc rc = skn_stored_split(value_of(row), &index, &value, diag);
    if (rc == SKN_OK) skn_batch_put_stored(out, key_of(row), index, value);
    return rc;
}

/* The packed table that a key is in, when it does not stand under that key itself; or NULL. */
static const struct stored *packed_before(struct memory *memory, struct skn_slice whole)
{
    struct skn_slice first = skn_pack_first(skn_slice_from(whole, SHARD_BYTES)), packed;
    if (first.len == 0 || first.len + SHARD_BYTES == whole.len) return NULL;
    const struct stored *row =
        stored_of(skn_omap_find(&memory->rows, skn_slice(whole.ptr, SHARD_BYTES + first.len)));
    return row && skn_is_packed(value_of(row), &packed) ? row : NULL;
}

static enum skn_rc memory_read(struct skn_backend *backend,
                               const struct skn_read *read,
                               bool may_wait,
                               struct skn_buf *out,
                               bool *out_is_end,
                               struct skn_diag *diag)
{
    struct memory *memory = memory_of(backend);
    if (memory->is_slow && !may_wait) return SKN_ELATER;
    struct skn_slice from = whole_key(&memory->key, read->shard, read->from);
    struct skn_slice shard = skn_slice(from.ptr, SHARD_BYTES);
    struct skn_read_sum sum = {0};
    enum skn_rc rc = SKN_OK;
    const struct stored *packed = packed_before(memory, from);
    if (packed) rc = give(packed, read, &sum, out, diag);
    if (read->end.len == 0) {
        const struct stored *row = stored_of(skn_omap_find(&memory->rows, from));
        if (rc == SKN_OK && row) rc = give(row, read, &sum, out, diag);
        *out_is_end = true;
        return rc;
    }
    SKN_ASSERT(read->max_rows > 0);
    struct skn_omap_node *node = skn_omap_lower_bound(&memory->rows, from);
    while (rc == SKN_OK && !sum.is_full && node && is_inside(stored_of(node), shard, read->end)) {
        rc = give(stored_of(node), read, &sum, out, diag);
        node = skn_omap_next(node);
    }
    *out_is_end = !sum.is_full;
    return rc;
}

static enum skn_rc memory_position(struct skn_backend *backend,
                                   uint32_t shard,
                                   struct skn_position *out,
                                   struct skn_diag *diag)
{
    (void)diag;
    struct memory *memory = memory_of(backend);
    struct skn_slice key = whole_key(&memory->key, shard, (struct skn_slice){0});
    const struct place *place = place_of(skn_omap_find(&memory->places, key));
    if (!place) return SKN_ENOENT;
    *out = place->position;
    return SKN_OK;
}

/* --- writing -------------------------------------------------------------------------------------- */

/* Takes the row under the key out of the map; NULL: there was none. */
static struct stored *take(struct memory *memory, struct skn_slice key)
{
    struct stored *row = stored_of(skn_omap_find(&memory->rows, key));
    if (row) skn_omap_remove(&memory->rows, &row->node);
    return row;
}

static void change(void *ctx, const struct skn_row_op *op, bool is_last)
{
    struct memory *memory = ctx;
    struct skn_slice key = whole_key(&memory->key, memory->shard, op->key);
    struct undo *undo = skn_alloc(sizeof *undo + key.len);
    skn_list_init(&undo->link);
    memcpy(undo->key, key.ptr, key.len);
    undo->key_len = key.len;
    undo->is_part = !is_last;
    undo->before = take(memory, key);
    skn_list_push_back(&memory->undos, &undo->link);
    memory->unflushed++;
    if (op->is_delete) return;
    struct stored *row = skn_alloc(sizeof *row + key.len + op->value.len);
    memcpy(row->bytes, key.ptr, key.len);
    memcpy(row->bytes + key.len, op->value.ptr, op->value.len);
    row->node = (struct skn_omap_node){.key = skn_slice(row->bytes, key.len)};
    row->value_len = op->value.len;
    SKN_ASSERT(!skn_omap_insert(&memory->rows, &row->node));
}

static enum skn_rc find(void *ctx, struct skn_slice key, struct skn_buf *out, struct skn_diag *diag)
{
    (void)diag;
    struct memory *memory = ctx;
    const struct stored *row =
        stored_of(skn_omap_find(&memory->rows, whole_key(&memory->key, memory->shard, key)));
    if (!row) return SKN_ENOENT;
    skn_buf_put(out, value_of(row));
    return SKN_OK;
}

static enum skn_rc
clear(void *ctx, struct skn_slice first, struct skn_buf *out, struct skn_diag *diag)
{
    (void)diag;
    struct memory *memory = ctx;
    struct skn_slice from = whole_key(&memory->key, memory->shard, first);
    struct skn_omap_node *node = skn_omap_lower_bound(&memory->rows, from);
    for (; node && skn_slice_has_prefix(node->key, from); node = skn_omap_next(node))
        skn_batch_delete(out, key_of(stored_of(node)));
    return SKN_OK;
}

static enum skn_rc fail_commit(struct skn_diag *diag)
{
    return SKN_FAIL(diag, SKN_EIO, "could not flush the rows: a planted failure");
}

static enum skn_rc memory_write(struct skn_backend *backend,
                                uint32_t shard,
                                struct skn_slice batch,
                                struct skn_diag *diag)
{
    struct memory *memory = memory_of(backend);
    struct skn_row_op op;
    enum skn_rc rc;
    if (memory->has_failed) return fail_commit(diag);
    memory->shard = shard;
    const struct skn_pack_raw raw = {.ctx = memory,
                                     .packed_max = backend->packed_max,
                                     .find = find,
                                     .clear = clear,
                                     .change = change};
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        uint64_t index;
        struct skn_slice value;
        if (!op.is_delete) rc = skn_stored_split(op.value, &index, &value, diag);
        if (rc == SKN_OK) rc = skn_pack_change(&raw, &memory->pack, &op, 1, diag);
        if (rc != SKN_OK) return rc;
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static void forget_undo(struct memory *memory, struct undo *undo)
{
    skn_list_remove(&undo->link);
    skn_free(undo->before);
    skn_free(undo);
    memory->unflushed--;
}

static void flush(struct memory *memory)
{
    struct skn_list *link;
    while ((link = skn_list_first(&memory->undos)))
        forget_undo(memory, SKN_CONTAINER_OF(link, struct undo, link));
}

static void set_position(struct memory *memory, const struct skn_shard_position *at)
{
    struct skn_slice key = whole_key(&memory->key, at->shard, (struct skn_slice){0});
    struct place *place = place_of(skn_omap_find(&memory->places, key));
    if (!place) {
        place = skn_alloc_zero(1, sizeof *place);
        memcpy(place->key, key.ptr, sizeof place->key);
        place->node.key = skn_slice(place->key, sizeof place->key);
        SKN_ASSERT(!skn_omap_insert(&memory->places, &place->node));
    }
    place->position = at->position;
}

static enum skn_rc memory_commit(struct skn_backend *backend,
                                 const struct skn_shard_position *positions,
                                 size_t count,
                                 struct skn_diag *diag)
{
    struct memory *memory = memory_of(backend);
    if (memory->failing_commit > 0 && --memory->failing_commit == 0) {
        skn_backend_memory_crash(backend, memory->unflushed / 2);
        memory->has_failed = true;
    }
    if (memory->has_failed) return fail_commit(diag);
    flush(memory);
    memory->is_half = false;
    for (size_t i = 0; i < count; i++)
        set_position(memory, &positions[i]);
    return SKN_OK;
}

static bool memory_is_exact(struct skn_backend *backend)
{
    const struct memory *memory = memory_of(backend);
    return !memory->is_half && memory->unflushed == 0;
}

static enum skn_rc
memory_backup(struct skn_backend *backend, const char *dir, struct skn_diag *diag)
{
    (void)backend;
    return SKN_FAIL(diag, SKN_EUNSUPPORTED, "rows in memory have no backup: \"%s\"", dir);
}

static void memory_destroy(struct skn_backend *backend)
{
    struct memory *memory = memory_of(backend);
    flush(memory);
    struct skn_omap_node *node;
    while ((node = skn_omap_drain(&memory->rows)))
        skn_free(stored_of(node));
    while ((node = skn_omap_drain(&memory->places)))
        skn_free(place_of(node));
    skn_buf_fini(&memory->key);
    skn_pack_scratch_fini(&memory->pack);
    skn_free(memory);
}

static const struct skn_backend_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .commit = memory_commit,
    .position = memory_position,
    .is_exact = memory_is_exact,
    .backup = memory_backup,
    .destroy = memory_destroy,
};

struct skn_backend *skn_backend_memory_create(void)
{
    struct memory *memory = skn_alloc_zero(1, sizeof *memory);
    memory->base.ops = &memory_ops;
    skn_omap_init(&memory->rows);
    skn_omap_init(&memory->places);
    skn_list_init(&memory->undos);
    skn_buf_init(&memory->key, SHARD_BYTES + SKN_KEY_MAX + 2); /* `from` may go on behind a key */
    skn_pack_scratch_init(&memory->pack);
    return &memory->base;
}

void skn_backend_memory_set_slow(struct skn_backend *backend, bool is_slow)
{
    memory_of(backend)->is_slow = is_slow;
}

/* What was written last; NULL: nothing since the last commit. */
static struct undo *last_undo(struct memory *memory)
{
    struct skn_list *last = skn_list_last(&memory->undos);
    return last ? SKN_CONTAINER_OF(last, struct undo, link) : NULL;
}

void skn_backend_memory_crash(struct skn_backend *backend, size_t kept)
{
    struct memory *memory = memory_of(backend);
    struct undo *undo;
    while ((undo = last_undo(memory)) && (memory->unflushed > kept || undo->is_part)) {
        skn_free(take(memory, skn_slice(undo->key, undo->key_len)));
        if (undo->before) SKN_ASSERT(!skn_omap_insert(&memory->rows, &undo->before->node));
        undo->before = NULL;
        forget_undo(memory, undo);
    }
    memory->is_half |= memory->unflushed > 0;
    flush(memory);
    memory->has_failed = false;
}

size_t skn_backend_memory_unflushed(const struct skn_backend *backend)
{
    static_assert(offsetof(struct memory, base) == 0, "this casts from the base");
    return ((const struct memory *)(const void *)backend)->unflushed;
}

void skn_backend_memory_fail_commit(struct skn_backend *backend, unsigned nth)
{
    memory_of(backend)->failing_commit = nth;
}
