/* check.c - whether a store is what it says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/store_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum { VERIFY_ROWS = 1024, VERIFY_BYTES = 1 << 20 };

/* Whether the cache says something else than the backend about a row that the backend has. */
static enum skn_rc
compare(struct skn_store *store, struct skn_slice key, struct skn_slice value, bool *out_is_cached)
{
    *out_is_cached = false;
    struct skn_slice name = skn_table_name_of(key);
    if (name.len == 0) return SKN_ECORRUPT;
    struct skn_table *table = skn_table_find(store, name);
    if (!table) return store->is_whole ? SKN_ECORRUPT : SKN_OK;
    struct skn_entry *entry;
    struct skn_spot spot = skn_spot_find(table, key, &entry);
    if (!entry) return skn_spot_item(spot)->cont ? SKN_ECORRUPT : SKN_OK;
    const struct skn_item *item = &entry->item;
    if (item->kind == SKN_KIND_MARK) return SKN_OK;
    *out_is_cached = true;
    bool is_clean = item->place == SKN_PLACE_CLEAN || item->place == skn_place_flushed(store);
    if (!is_clean) return item->is_stored ? SKN_OK : SKN_ECORRUPT;
    if (item->kind == SKN_KIND_ABSENT) return SKN_ECORRUPT;
    bool is_same = skn_slice_eq(skn_entry_value(entry), value);
    return is_same ? SKN_OK : SKN_ECORRUPT;
}

/* Each row once. */
struct summing {
    struct skn_hash128 sum;
    skn_store_row_fn *each; /* or NULL */
    void *ctx;
};

static void add_row(struct summing *s, struct skn_slice key, struct skn_slice value)
{
    s->sum = skn_hash128_add(s->sum, skn_row_hash(key, value));
    if (s->each) s->each(s->ctx, key, value);
}

/* Adds the rows of an answer that the cache does not have. */
static enum skn_rc add_rows(struct skn_store *store,
                            struct skn_slice rows,
                            struct summing *s,
                            struct skn_slice *out_last,
                            struct skn_diag *diag)
{
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&rows, &op, diag)) == SKN_OK) {
        uint64_t index;
        struct skn_slice value;
        bool is_cached;
        rc = skn_stored_split(op.value, &index, &value, diag);
        if (rc != SKN_OK) return rc;
        rc = compare(store, op.key, value, &is_cached);
        if (rc != SKN_OK)
            return SKN_CORRUPT(diag, "a row of the backend is not what the store has of it");
        if (!is_cached) add_row(s, op.key, value);
        *out_last = op.key;
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static enum skn_rc sum_backend(struct skn_store *store, struct summing *s, struct skn_diag *diag)
{
    /* Behind every key, and before: a key begins with a byte that is not zero. */
    static uint8_t const first[1] = {1};
    uint8_t *end = skn_alloc(SKN_KEY_MAX + 1);
    uint8_t *from = skn_alloc(SKN_KEY_MAX + 1);
    memset(end, 0xff, SKN_KEY_MAX + 1);
    memcpy(from, first, sizeof first);
    struct skn_read asked = {.shard = store->shard,
                             .from = skn_slice(from, sizeof first),
                             .end = skn_slice(end, SKN_KEY_MAX + 1),
                             .max_rows = VERIFY_ROWS,
                             .max_bytes = VERIFY_BYTES};
    bool is_end = false;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && !is_end) {
        struct skn_slice last = {0};
        skn_buf_reset(&store->answer);
        rc = skn_backend_read(store->backend, &asked, true, &store->answer, &is_end, diag);
        if (rc == SKN_OK) rc = skn_buf_rc(&store->answer);
        if (rc == SKN_OK) rc = add_rows(store, skn_buf_slice(&store->answer), s, &last, diag);
        if (rc == SKN_OK && !is_end && last.len == 0)
            rc = SKN_CORRUPT(diag, "the backend gave no row and no end");
        if (rc != SKN_OK) break;
        if (last.len > 0) memcpy(from, last.ptr, last.len);
        from[last.len] = 0;
        asked.from.len = last.len + 1;
    }
    skn_free(from);
    skn_free(end);
    return rc;
}

enum skn_rc skn_store_verify(struct skn_store *store, struct skn_diag *diag)
{
    return skn_store_verify_each(store, NULL, NULL, diag);
}

enum skn_rc skn_store_verify_each(struct skn_store *store,
                                  skn_store_row_fn *each,
                                  void *ctx,
                                  struct skn_diag *diag)
{
    SKN_ASSERT(skn_list_is_empty(&store->wanted));
    SKN_ASSERT(skn_list_is_empty(&store->fetching));
    SKN_ASSERT(!store->has_mark);
    struct summing s = {.each = each, .ctx = ctx};
    size_t at = 0;
    for (struct skn_table *table = skn_tables_next(store, &at, NULL); table;
         table = skn_tables_next(store, &at, table)) {
        for (struct skn_spot spot = skn_spot_first(table); skn_spot_entry(spot);
             spot = skn_spot_next(spot)) {
            const struct skn_entry *entry = skn_spot_entry(spot);
            if (entry->item.kind != SKN_KIND_ROW) continue;
            add_row(&s, skn_entry_key(entry), skn_entry_value(entry));
        }
    }
    enum skn_rc rc = store->backend ? sum_backend(store, &s, diag) : SKN_OK;
    if (rc != SKN_OK) return rc;
    if (!skn_hash128_eq(s.sum, store->position.state))
        return SKN_CORRUPT(diag,
                           "the rows do not add up to the state hash at record %" PRIu64,
                           store->position.index);
    return SKN_OK;
}

/* --- invariants ----------------------------------------------------------------------------------------- */

static void check_item(const struct skn_store *store, const struct skn_item *item)
{
    if (!store->backend) SKN_ASSERT(item->place == SKN_PLACE_NONE);
    if (item->kind == SKN_KIND_END) {
        bool in_turn = store->backend && item->cont;
        SKN_ASSERT(item->place == (in_turn ? SKN_PLACE_CLEAN : SKN_PLACE_NONE));
        return;
    }
    if (store->backend) SKN_ASSERT(item->place != SKN_PLACE_NONE);
    SKN_ASSERT(item->place != SKN_PLACE_FROZEN);
    if (item->kind == SKN_KIND_MARK) SKN_ASSERT(item->place == SKN_PLACE_CLEAN);
    bool is_dirty_absent = item->kind == SKN_KIND_ABSENT && item->place != SKN_PLACE_CLEAN;
    if (is_dirty_absent) SKN_ASSERT(item->is_stored);
}

static void check_lists(const struct skn_store *store)
{
    for (int place = 0; place <= SKN_PLACE_CLEAN; place++) {
        uint64_t items = 0, bytes = 0;
        SKN_LIST_FOREACH (link, &store->lists[place]) {
            const struct skn_item *item = SKN_CONTAINER_OF(link, struct skn_item, link);
            if (item->place == SKN_PLACE_FROZEN) {
                SKN_ASSERT(place == (int)skn_place_marked(store));
                continue;
            }
            SKN_ASSERT((int)item->place == place);
            items++;
            bytes += skn_item_bytes(item);
        }
        SKN_ASSERT(items == store->items[place]);
        SKN_ASSERT(bytes == store->bytes[place]);
    }
    if (!store->has_mark) SKN_ASSERT(store->items[skn_place_marked(store)] == 0);
    if (!store->has_mark) SKN_ASSERT(store->items[SKN_PLACE_FROZEN] == 0);
}

void skn_store_check(const struct skn_store *store)
{
    uint64_t entries = 0, bytes = 0;
    size_t at = 0, tables = 0, wants = 0;
    for (struct skn_table *table = skn_tables_next(store, &at, NULL); table;
         table = skn_tables_next(store, &at, table)) {
        skn_pages_check(table);
        check_item(store, &table->end);
        tables++;
        wants += table->wants;
        bool is_empty = skn_table_is_empty(table) && table->wants == 0;
        if (is_empty) SKN_ASSERT(table->end.cont);
        for (struct skn_spot spot = skn_spot_first(table); skn_spot_entry(spot);
             spot = skn_spot_next(spot)) {
            check_item(store, skn_spot_item(spot));
            if (!store->backend) SKN_ASSERT(skn_spot_item(spot)->cont);
            entries++;
            bytes += skn_item_bytes(skn_spot_item(spot));
        }
    }
    SKN_ASSERT(tables == store->tables.count);
    SKN_ASSERT(entries == store->entries);
    SKN_ASSERT(bytes == store->entry_bytes);
    check_lists(store);
    const struct skn_list *lists[] = {&store->wanted, &store->fetching};
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++)
        SKN_LIST_FOREACH (link, lists[i])
            wants--;
    SKN_ASSERT(wants == 0);
}
