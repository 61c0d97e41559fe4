/* memory.c - the store whose rows live in memory only. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "base/omap.h"
#include "store/store.h"

struct memory_row {
    struct skn_omap_node node; /* its key points behind `bytes` */
    struct skn_hash128 hash;
    size_t value_len;
    uint8_t bytes[]; /* key, then value */
};

struct memory_store {
    struct skn_store base;
    struct skn_omap rows;
    struct skn_position position;
};

static struct memory_store *memory_of(struct skn_store *store)
{
    return SKN_CONTAINER_OF(store, struct memory_store, base);
}

static struct memory_row *row_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct memory_row, node) : NULL;
}

static struct skn_slice value_of(const struct memory_row *row)
{
    return skn_slice(row->bytes + row->node.key.len, row->value_len);
}

static enum skn_rc memory_get(struct skn_store *store,
                              struct skn_slice key,
                              struct skn_slice *out,
                              struct skn_diag *diag)
{
    (void)diag;
    struct memory_row *row = row_of(skn_omap_find(&memory_of(store)->rows, key));
    if (!row) return SKN_ENOENT;
    *out = value_of(row);
    return SKN_OK;
}

static enum skn_rc memory_scan(struct skn_store *store,
                               struct skn_slice from,
                               struct skn_slice end,
                               struct skn_row *rows,
                               size_t max,
                               size_t *out_count,
                               struct skn_diag *diag)
{
    (void)diag;
    size_t count = 0;
    struct skn_omap_node *node = skn_omap_lower_bound(&memory_of(store)->rows, from);
    for (; node && count < max; node = skn_omap_next(node)) {
        if (end.len > 0 && skn_slice_cmp(node->key, end) >= 0) break;
        rows[count++] = (struct skn_row){.key = node->key, .value = value_of(row_of(node))};
    }
    *out_count = count;
    return SKN_OK;
}

static void drop_row(struct memory_store *memory, struct memory_row *row)
{
    memory->position.state = skn_hash128_sub(memory->position.state, row->hash);
    skn_omap_remove(&memory->rows, &row->node);
    skn_free(row);
}

static void put_row(struct memory_store *memory, struct skn_slice key, struct skn_slice value)
{
    struct memory_row *row = row_of(skn_omap_find(&memory->rows, key));
    if (row && row->value_len != value.len) {
        drop_row(memory, row);
        row = NULL;
    } else if (row && !skn_bug(SKN_BUG_HASH_NOT_TAKEN_OFF)) {
        memory->position.state = skn_hash128_sub(memory->position.state, row->hash);
    }
    if (!row) {
        row = skn_alloc(sizeof *row + key.len + value.len);
        memcpy(row->bytes, key.ptr, key.len);
        row->node = (struct skn_omap_node){.key = skn_slice(row->bytes, key.len)};
        row->value_len = value.len;
        SKN_ASSERT(!skn_omap_insert(&memory->rows, &row->node));
    }
    if (value.len > 0) memcpy(row->bytes + key.len, value.ptr, value.len);
    row->hash = skn_row_hash(key, value);
    memory->position.state = skn_hash128_add(memory->position.state, row->hash);
}

static enum skn_rc memory_apply(struct skn_store *store,
                                uint64_t index,
                                uint64_t stamp,
                                struct skn_slice batch,
                                struct skn_diag *diag)
{
    struct memory_store *memory = memory_of(store);
    SKN_ASSERT(index <= memory->position.index + 1);
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        if (!op.is_delete) {
            put_row(memory, op.key, op.value);
            continue;
        }
        struct memory_row *row = row_of(skn_omap_find(&memory->rows, op.key));
        if (row) drop_row(memory, row);
    }
    if (rc != SKN_ENOENT) return rc;
    if (index > memory->position.index) {
        memory->position.index = index;
        memory->position.stamp = stamp;
    }
    return SKN_OK;
}

static struct skn_position memory_position(const struct skn_store *store)
{
    const struct memory_store *memory = (const void *)store;
    return memory->position;
}

static void memory_destroy(struct skn_store *store)
{
    struct memory_store *memory = memory_of(store);
    struct skn_omap_node *node;
    while ((node = skn_omap_drain(&memory->rows)))
        skn_free(row_of(node));
    skn_free(memory);
}

static const struct skn_store_ops memory_ops = {
    .get = memory_get,
    .scan = memory_scan,
    .apply = memory_apply,
    .position = memory_position,
    .destroy = memory_destroy,
};

struct skn_store *skn_store_memory_create(void)
{
    static_assert(offsetof(struct memory_store, base) == 0, "position casts from the base");
    struct memory_store *memory = skn_alloc_zero(1, sizeof *memory);
    memory->base.ops = &memory_ops;
    skn_omap_init(&memory->rows);
    return &memory->base;
}
