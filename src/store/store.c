/* store.c - the rows of one shard in memory, each table a map of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/omap.h"

#include <inttypes.h>

struct row {
    struct skn_omap_node node; /* its key points into `bytes` */
    uint32_t value_len;
    uint8_t bytes[]; /* key, then value */
};

struct table {
    struct skn_omap rows;
    size_t name_len;
    uint8_t name[];
};

struct skn_store {
    struct skn_hmap tables; /* by name */
    struct skn_position position;
    uint64_t rows;
    uint64_t bytes;
    bool (*is_later)(void *ctx);
    void *later_ctx;
};

static struct row *row_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct row, node) : NULL;
}

static struct skn_slice value_of(const struct row *row)
{
    return skn_slice(row->bytes + row->node.key.len, row->value_len);
}

/* The name of the table that the key is in; empty when it names none. */
static struct skn_slice table_name(struct skn_slice key)
{
    const uint8_t *zero = key.len > 0 ? memchr(key.ptr, 0, key.len) : NULL;
    return skn_slice(key.ptr, zero ? (size_t)(zero - key.ptr) : 0);
}

static struct table *table_of(const struct skn_store *store, struct skn_slice key)
{
    struct skn_slice name = table_name(key);
    SKN_ASSERT(name.len > 0);
    return skn_hmap_get(&store->tables, name);
}

static struct table *make_table(struct skn_store *store, struct skn_slice name)
{
    struct table *table = skn_hmap_get(&store->tables, name);
    if (table) return table;
    table = skn_alloc_zero(1, sizeof *table + name.len);
    memcpy(table->name, name.ptr, name.len);
    table->name_len = name.len;
    skn_omap_init(&table->rows);
    skn_hmap_add(&store->tables, skn_slice(table->name, name.len), NULL)->value = table;
    return table;
}

static void drop_table_when_empty(struct skn_store *store, struct table *table)
{
    if (table->rows.count > 0) return;
    (void)skn_hmap_remove(&store->tables, skn_slice(table->name, table->name_len));
    skn_free(table);
}

enum skn_rc skn_store_open(const struct skn_store_options *options,
                           struct skn_store **out_store,
                           struct skn_diag *diag)
{
    (void)diag;
    SKN_ASSERT(!options->backend); /* not yet */
    *out_store = skn_store_memory_create();
    return SKN_OK;
}

struct skn_store *skn_store_memory_create(void)
{
    struct skn_store *store = skn_alloc_zero(1, sizeof *store);
    skn_hmap_init(&store->tables, 0);
    return store;
}

void skn_store_destroy(struct skn_store *store)
{
    if (!store) return;
    SKN_HMAP_FOREACH (entry, &store->tables) {
        struct table *table = entry->value;
        struct skn_omap_node *node;
        while ((node = skn_omap_drain(&table->rows)))
            skn_free(row_of(node));
        skn_free(table);
    }
    skn_hmap_fini(&store->tables);
    skn_free(store);
}

void skn_store_set_blocking(struct skn_store *store, bool is_blocking)
{
    (void)store;
    (void)is_blocking; /* nothing is ever waited for */
}

void skn_store_set_later(struct skn_store *store, bool (*is_later)(void *ctx), void *ctx)
{
    store->is_later = is_later;
    store->later_ctx = ctx;
}

/* --- reading ------------------------------------------------------------------------------------ */

enum skn_rc skn_store_get(struct skn_store *store,
                          struct skn_slice key,
                          struct skn_slice *out_value,
                          struct skn_diag *diag)
{
    (void)diag;
    SKN_ASSERT(key.len <= SKN_KEY_MAX);
    if (store->is_later && store->is_later(store->later_ctx)) return SKN_ELATER;
    struct table *table = table_of(store, key);
    struct row *row = table ? row_of(skn_omap_find(&table->rows, key)) : NULL;
    if (!row) return SKN_ENOENT;
    *out_value = value_of(row);
    return SKN_OK;
}

enum skn_rc skn_store_scan(struct skn_store *store,
                           struct skn_slice from,
                           struct skn_slice end,
                           struct skn_row *rows,
                           size_t max,
                           size_t *out_count,
                           struct skn_diag *diag)
{
    (void)diag;
    SKN_ASSERT(max > 0);
    SKN_ASSERT(end.len > 0);
    if (store->is_later && store->is_later(store->later_ctx)) return SKN_ELATER;
    struct table *table = table_of(store, from);
    struct skn_omap_node *node = table ? skn_omap_lower_bound(&table->rows, from) : NULL;
    size_t count = 0;
    for (; node && count < max; node = skn_omap_next(node)) {
        if (skn_slice_cmp(node->key, end) >= 0) break;
        rows[count++] = (struct skn_row){.key = node->key, .value = value_of(row_of(node))};
    }
    *out_count = count;
    return SKN_OK;
}

enum skn_rc skn_store_know(struct skn_store *store, struct skn_slice key, struct skn_diag *diag)
{
    (void)store;
    (void)key;
    (void)diag;
    return SKN_OK;
}

void skn_store_fresh(struct skn_store *store, struct skn_slice table)
{
    SKN_ASSERT(table.len > 0);
    SKN_ASSERT(!skn_hmap_get(&store->tables, table));
}

/* --- what is wanted: nothing without a backend ---------------------------------------------------- */

uint64_t skn_store_last_want(const struct skn_store *store)
{
    (void)store;
    return 0;
}

bool skn_store_next_want(struct skn_store *store, struct skn_read *out_read, uint64_t *out_number)
{
    (void)store;
    (void)out_read;
    (void)out_number;
    return false;
}

enum skn_rc skn_store_fetched(struct skn_store *store,
                              uint64_t number,
                              struct skn_slice rows,
                              bool is_end,
                              struct skn_diag *diag)
{
    (void)store;
    (void)number;
    (void)rows;
    (void)is_end;
    (void)diag;
    SKN_ASSERT(!"nothing was wanted");
    return SKN_EINTERNAL;
}

/* --- changing ------------------------------------------------------------------------------------ */

static void take_hash_off(struct skn_store *store, const struct row *row)
{
    if (skn_bug(SKN_BUG_HASH_NOT_TAKEN_OFF)) return;
    store->position.state =
        skn_hash128_sub(store->position.state, skn_row_hash(row->node.key, value_of(row)));
}

static void drop_row(struct skn_store *store, struct table *table, struct row *row)
{
    skn_omap_remove(&table->rows, &row->node);
    store->rows--;
    store->bytes -= sizeof *row + row->node.key.len + row->value_len;
    skn_free(row);
}

static void put_row(struct skn_store *store, struct skn_slice key, struct skn_slice value)
{
    struct table *table = make_table(store, table_name(key));
    struct row *row = row_of(skn_omap_find(&table->rows, key));
    if (row) take_hash_off(store, row);
    if (row && row->value_len != value.len) {
        drop_row(store, table, row);
        row = NULL;
    }
    if (!row) {
        row = skn_alloc(sizeof *row + key.len + value.len);
        memcpy(row->bytes, key.ptr, key.len);
        row->node = (struct skn_omap_node){.key = skn_slice(row->bytes, key.len)};
        row->value_len = (uint32_t)value.len;
        SKN_ASSERT(!skn_omap_insert(&table->rows, &row->node));
        store->rows++;
        store->bytes += sizeof *row + key.len + value.len;
    }
    if (value.len > 0) memcpy(row->bytes + key.len, value.ptr, value.len);
    store->position.state = skn_hash128_add(store->position.state, skn_row_hash(key, value));
}

static void delete_row(struct skn_store *store, struct skn_slice key)
{
    struct table *table = table_of(store, key);
    struct row *row = table ? row_of(skn_omap_find(&table->rows, key)) : NULL;
    if (!row) return;
    take_hash_off(store, row);
    drop_row(store, table, row);
    drop_table_when_empty(store, table);
}

static enum skn_rc change(struct skn_store *store, struct skn_slice batch, struct skn_diag *diag)
{
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        if (table_name(op.key).len == 0)
            return SKN_CORRUPT(diag, "a batch has a key that is in no table");
        if (op.value.len > SKN_VALUE_MAX)
            return SKN_CORRUPT(diag, "a batch has a row of %zu bytes", op.value.len);
        if (op.is_delete)
            delete_row(store, op.key);
        else
            put_row(store, op.key, op.value);
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

enum skn_rc skn_store_apply(struct skn_store *store,
                            uint64_t index,
                            uint64_t stamp,
                            struct skn_slice batch,
                            struct skn_diag *diag)
{
    SKN_ASSERT(index == store->position.index + 1);
    enum skn_rc rc = change(store, batch, diag);
    if (rc != SKN_OK) return rc;
    store->position.index = index;
    store->position.stamp = stamp;
    return SKN_OK;
}

enum skn_rc skn_store_redo(struct skn_store *store,
                           const struct skn_position *after,
                           struct skn_slice batch,
                           struct skn_diag *diag)
{
    enum skn_rc rc = skn_store_apply(store, after->index, after->stamp, batch, diag);
    if (rc != SKN_OK || skn_hash128_eq(store->position.state, after->state)) return rc;
    return SKN_CORRUPT(
        diag, "the rows after record %" PRIu64 " have another state hash", after->index);
}

struct skn_position skn_store_position(const struct skn_store *store)
{
    return store->position;
}

void skn_store_shrink(struct skn_store *store)
{
    (void)store; /* without a backend every row has only its place in memory */
}

/* --- checkpoints: nowhere to write them yet --------------------------------------------------------- */

struct skn_position skn_store_mark(struct skn_store *store)
{
    SKN_ASSERT(!"a store in memory has no checkpoints");
    return store->position;
}

bool skn_store_next_dirty(struct skn_store *store, struct skn_buf *out, size_t max_bytes)
{
    (void)store;
    (void)out;
    (void)max_bytes;
    SKN_ASSERT(!"a store in memory has no checkpoints");
    return false;
}

void skn_store_flushed(struct skn_store *store)
{
    (void)store;
    SKN_ASSERT(!"a store in memory has no checkpoints");
}

struct skn_store_counts skn_store_counts(const struct skn_store *store)
{
    return (struct skn_store_counts){
        .entries = store->rows,
        .bytes = store->bytes,
        .dirty_rows = store->rows,
        .dirty_bytes = store->bytes,
    };
}

enum skn_rc skn_store_verify(struct skn_store *store, struct skn_diag *diag)
{
    struct skn_hash128 sum = {0};
    SKN_HMAP_FOREACH (entry, &store->tables) {
        struct table *table = entry->value;
        for (struct skn_omap_node *node = skn_omap_first(&table->rows); node;
             node = skn_omap_next(node))
            sum = skn_hash128_add(sum, skn_row_hash(node->key, value_of(row_of(node))));
    }
    if (!skn_hash128_eq(sum, store->position.state))
        return SKN_CORRUPT(diag, "the rows do not add up to the state hash of the store");
    return SKN_OK;
}
