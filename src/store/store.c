/* store.c - opening a store, and reading its rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/mem.h"
#include "base/rng.h"
#include "store/store_internal.h"

#include "base/pure.h"

/* One answer: the bytes of a scan, and one more row of the largest kind. */
enum { ANSWER_MAX = 4 << 20 };

static struct skn_store *create(const struct skn_store_options *options)
{
    struct skn_store *store = skn_alloc_zero(1, sizeof *store);
    store->backend = options->backend;
    store->shard = options->shard;
    store->cache_bytes = options->cache_bytes;
    store->next_want = 1;
    uint64_t seed = options->hash_seed;
    store->tables.seed[0] = skn_splitmix64(&seed);
    store->tables.seed[1] = skn_splitmix64(&seed);
    for (size_t i = 0; i < SKN_PLACES; i++)
        skn_list_init(&store->lists[i]);
    skn_list_init(&store->wanted);
    skn_list_init(&store->fetching);
    skn_list_init(&store->images);
    skn_buf_init(&store->answer, ANSWER_MAX);
    skn_buf_init(&store->packed, ANSWER_MAX);
    store->is_whole = true;
    return store;
}

enum skn_rc skn_store_open(const struct skn_store_options *options,
                           struct skn_store **out_store,
                           struct skn_diag *diag)
{
    struct skn_position position = {0};
    enum skn_rc rc = SKN_ENOENT;
    if (options->backend)
        rc = skn_backend_position(options->backend, options->shard, &position, diag);
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    struct skn_store *store = create(options);
    store->position = position;
    /* What an unfinished first checkpoint left is repaired by redo from 0 like any other [E11]. */
    store->is_whole = rc == SKN_ENOENT;
    *out_store = store;
    return SKN_OK;
}

struct skn_store *skn_store_memory_create(void)
{
    return create(&(struct skn_store_options){0});
}

void skn_store_destroy(struct skn_store *store)
{
    if (!store) return;
    skn_wants_fini(store);
    skn_tables_fini(store);
    struct skn_list *link;
    /* What is left in lists is frozen. */
    while ((link = skn_list_first(&store->lists[skn_place_marked(store)])))
        skn_entry_free(store, skn_entry_of(SKN_CONTAINER_OF(link, struct skn_item, link)));
    skn_images_fini(store);
    skn_buf_fini(&store->answer);
    skn_buf_fini(&store->packed);
    skn_free(store->known.changes);
    skn_free(store);
}

void skn_store_set_blocking(struct skn_store *store, bool is_blocking)
{
    store->is_blocking = is_blocking;
}

void skn_store_set_later(struct skn_store *store, bool (*is_later)(void *ctx), void *ctx)
{
    store->is_later = is_later;
    store->later_ctx = ctx;
}

/* --- reading ------------------------------------------------------------------------------------ */

enum answer { HAS_ROW, HAS_NONE, UNKNOWN };

static enum answer look(struct skn_store *store, struct skn_slice key, struct skn_entry **out)
{
    struct skn_table *table = skn_table_of(store, key);
    if (!table) SKN_ASSERT(skn_table_name_of(key).len > 0);
    if (!table) return store->is_whole ? HAS_NONE : UNKNOWN;
    struct skn_spot spot = skn_spot_find(table, key, out);
    struct skn_item *item = skn_spot_item(spot);
    skn_item_touch(item);
    if (!*out) return item->cont ? HAS_NONE : UNKNOWN;
    if (item->kind == SKN_KIND_ROW) return HAS_ROW;
    return item->kind == SKN_KIND_ABSENT ? HAS_NONE : UNKNOWN;
}

typedef enum skn_rc want_fn(struct skn_store *, struct skn_slice key, struct skn_diag *);

static enum skn_rc get(struct skn_store *store,
                       struct skn_slice key,
                       want_fn *want,
                       struct skn_slice *out_value,
                       struct skn_diag *diag)
{
    SKN_ASSERT(key.len <= SKN_KEY_MAX);
    if (store->is_later && store->is_later(store->later_ctx)) return SKN_ELATER;
    struct skn_entry *entry = NULL;
    enum answer answer = look(store, key, &entry);
    if (answer == UNKNOWN) {
        enum skn_rc rc = want(store, key, diag);
        if (rc != SKN_OK) return rc;
        answer = look(store, key, &entry);
        SKN_ASSERT(answer != UNKNOWN);
    }
    if (answer == HAS_NONE) return SKN_ENOENT;
    *out_value = skn_entry_value(entry);
    return SKN_OK;
}

enum skn_rc skn_store_get(struct skn_store *store,
                          struct skn_slice key,
                          struct skn_slice *out_value,
                          struct skn_diag *diag)
{
    return get(store, key, skn_want_row, out_value, diag);
}

enum skn_rc skn_store_get_head(struct skn_store *store,
                               struct skn_slice key,
                               struct skn_slice *out_value,
                               struct skn_diag *diag)
{
    return get(store, key, skn_want_head, out_value, diag);
}

/* A scan on its way. */
struct scan {
    struct skn_slice end;
    struct skn_row *rows;
    size_t max;
    size_t count;
    struct skn_entry *last; /* looked at; what is behind it comes next */
};

/* Takes rows until there are enough, or none are left: SKN_OK; or what is next is not known:
 * SKN_ENOENT. */
static enum skn_rc walk(struct scan *scan, struct skn_spot spot, bool is_there)
{
    for (;; spot = skn_spot_next(spot), is_there = false) {
        struct skn_item *item = skn_spot_item(spot);
        struct skn_entry *entry = skn_spot_entry(spot);
        if (!is_there && !item->cont) return SKN_ENOENT;
        skn_item_touch(item);
        if (!entry || skn_slice_cmp(skn_entry_key(entry), scan->end) >= 0) return SKN_OK;
        if (item->kind == SKN_KIND_MARK) return SKN_ENOENT;
        scan->last = entry;
        if (item->kind == SKN_KIND_ABSENT) continue;
        scan->rows[scan->count++] =
            (struct skn_row){.key = skn_entry_key(entry), .value = skn_entry_value(entry)};
        if (scan->count == scan->max) return SKN_OK;
    }
}

static bool is_in_table(struct skn_slice name, struct skn_slice end)
{
    return skn_slice_has_prefix(end, name) && end.len > name.len && end.ptr[name.len] <= 1;
}

enum skn_rc skn_store_scan(struct skn_store *store,
                           struct skn_slice from,
                           struct skn_slice end,
                           struct skn_row *rows,
                           size_t max,
                           size_t *out_count,
                           struct skn_diag *diag)
{
    struct skn_slice name = skn_table_name_of(from);
    SKN_ASSERT(max > 0);
    SKN_ASSERT(name.len > 0);
    SKN_ASSERT(is_in_table(name, end));
    if (store->is_later && store->is_later(store->later_ctx)) return SKN_ELATER;
    struct scan scan = {.end = end, .rows = rows, .max = max};
    *out_count = 0;
    if (skn_slice_cmp(from, end) >= 0) return SKN_OK;
    for (;;) {
        struct skn_table *table = skn_table_find(store, name);
        if (!table && store->is_whole) return SKN_OK;
        scan.count = 0;
        scan.last = NULL;
        struct skn_entry *first = NULL;
        struct skn_spot spot = {.table = table};
        if (table) spot = skn_spot_find(table, from, &first);
        enum skn_rc rc = table ? walk(&scan, spot, first != NULL) : SKN_ENOENT;
        if (rc == SKN_OK) break;
        /* Behind the last one that was known; the answer may replace what it points at. */
        uint8_t bytes[SKN_KEY_MAX + 2];
        struct skn_slice at = from;
        if (scan.last) {
            at = skn_entry_key(scan.last);
            memcpy(bytes, at.ptr, at.len);
            bytes[at.len] = 0;
            at = skn_slice(bytes, at.len + 1);
        }
        if (skn_slice_cmp(at, end) >= 0) break; /* nothing fits between the two */
        rc = skn_want_range(store, at, end, max - scan.count, diag);
        if (rc != SKN_OK) return rc;
    }
    *out_count = scan.count;
    return SKN_OK;
}

/* --- what the caller knows -------------------------------------------------------------------------- */

void skn_store_fresh(struct skn_store *store, struct skn_slice name)
{
    SKN_ASSERT(name.len > 0);
    struct skn_table *table = skn_table_find(store, name);
    if (!table && store->is_whole) return;
    if (!table) {
        table = skn_table_make(store, name);
        table->form = SKN_FORM_PACKED; /* what the backend had yet to lose would be here */
    }
    struct skn_spot spot = skn_spot_first(table);
    while (skn_spot_entry(spot)) {
        struct skn_entry *entry = skn_spot_entry(spot);
        SKN_ASSERT(entry->item.kind != SKN_KIND_ROW);
        entry->item.cont = true;
        if (entry->item.kind == SKN_KIND_ABSENT) {
            spot = skn_spot_next(spot);
            continue;
        }
        spot = skn_spot_remove(store, spot);
        skn_entry_free(store, entry);
    }
    skn_table_set_end(store, table, true);
}

struct skn_position skn_store_position(const struct skn_store *store)
{
    return store->position;
}

struct skn_store_counts skn_store_counts(const struct skn_store *store)
{
    enum skn_place dirty = skn_place_dirty(store);
    return (struct skn_store_counts){
        .entries = store->entries,
        .bytes = store->entry_bytes + store->table_bytes,
        .dirty_rows = store->items[dirty],
        .dirty_bytes = store->bytes[dirty],
        .pins = store->pins.count,
        .fetches = store->fetches,
        .evictions = store->evictions,
    };
}
