/* evict.c - forgetting what the backend holds as it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "store/store_internal.h"

#include "base/pure.h"

struct skn_spot skn_forget(struct skn_store *store, struct skn_spot spot)
{
    struct skn_entry *entry = skn_spot_entry(spot);
    SKN_ASSERT(entry);
    bool was_absent = entry->item.kind == SKN_KIND_ABSENT && entry->item.cont;
    spot = skn_spot_remove(store, spot);
    skn_entry_free(store, entry);
    struct skn_item *behind = skn_spot_item(spot);
    if ((was_absent && behind->cont) || skn_bug(SKN_BUG_CONT_KEPT)) return spot;
    if (behind->kind == SKN_KIND_END)
        skn_table_set_end(store, spot.table, false);
    else
        behind->cont = false;
    return spot;
}

bool skn_merge(struct skn_store *store, struct skn_spot spot)
{
    const struct skn_entry *entry = skn_spot_entry(spot);
    SKN_ASSERT(entry);
    SKN_ASSERT(entry->item.kind == SKN_KIND_ABSENT);
    if (!entry->item.cont || !skn_spot_item(skn_spot_next(spot))->cont) return false;
    struct skn_table *table = spot.table;
    (void)skn_forget(store, spot);
    skn_table_settle(store, table);
    return true;
}

static struct skn_spot spot_of(struct skn_store *store, const struct skn_entry *entry)
{
    struct skn_slice key = skn_entry_key(entry);
    struct skn_entry *found;
    struct skn_table *table = skn_table_find(store, skn_table_name_of(key));
    SKN_ASSERT(table);
    struct skn_spot spot = skn_spot_find(table, key, &found);
    SKN_ASSERT(found == entry);
    return spot;
}

void skn_settle_flushed(struct skn_store *store, size_t max)
{
    enum skn_place place = skn_place_flushed(store);
    struct skn_list *link;
    while (max-- > 0 && (link = skn_list_first(&store->lists[place]))) {
        struct skn_item *item = SKN_CONTAINER_OF(link, struct skn_item, link);
        skn_item_place(store, item, SKN_PLACE_CLEAN);
        item->is_stored = item->kind == SKN_KIND_ROW;
        if (item->kind == SKN_KIND_ABSENT)
            (void)skn_merge(store, spot_of(store, skn_entry_of(item)));
    }
}

/* What the backend has as one entry comes and goes as one: else the next checkpoint could not give it
 * whole, and the backend would have to read it. */
static bool goes_whole(const struct skn_table *table)
{
    bool is_small = !table->pages && table->end.cont && table->form == SKN_FORM_PACKED;
    return is_small && !skn_bug(SKN_BUG_EVICT_DIRTY);
}

static bool forget_whole(struct skn_store *store, struct skn_table *table)
{
    if (skn_table_stays(store, table)) return false;
    struct skn_spot spot = skn_spot_first(table);
    while (skn_spot_entry(spot)) {
        spot = skn_forget(store, spot);
        store->evictions++;
    }
    skn_table_set_end(store, table, false);
    skn_table_settle(store, table);
    return true;
}

/* Whether it went; else it stays for another round. */
static bool forget_item(struct skn_store *store, struct skn_item *item)
{
    if (item->kind == SKN_KIND_END) {
        struct skn_table *table = SKN_CONTAINER_OF(item, struct skn_table, end);
        if (table->wants > 0) return false;
        if (goes_whole(table)) return forget_whole(store, table);
        skn_table_set_end(store, table, false);
        skn_table_settle(store, table);
        return true;
    }
    struct skn_spot spot = spot_of(store, skn_entry_of(item));
    struct skn_table *table = spot.table;
    if (table->wants > 0) return false;
    if (goes_whole(table)) return forget_whole(store, table);
    (void)skn_forget(store, spot);
    skn_table_settle(store, table);
    return true;
}

/* A clock (Corbato 1968) with a count instead of a bit; what is pinned is passed over. */
static void turn(struct skn_store *store, enum skn_place place)
{
    struct skn_item *item =
        SKN_CONTAINER_OF(skn_list_first(&store->lists[place]), struct skn_item, link);
    bool is_pinned = skn_item_is_pinned(store, item), stays = is_pinned || item->rounds > 0;
    if (stays && !is_pinned) item->rounds--;
    if (!stays && forget_item(store, item))
        store->evictions++;
    else
        skn_item_place(store, item, place);
}

void skn_store_shrink(struct skn_store *store)
{
    skn_settle_flushed(store, SHRINK_AT_ONCE);
    if (!store->backend || store->cache_bytes == 0) return;
    if (skn_bug(SKN_BUG_EVICT_DIRTY) && store->items[skn_place_dirty(store)] > 0)
        turn(store, skn_place_dirty(store));
    /* One round at most, however small the cache is. */
    uint64_t items = store->items[SKN_PLACE_CLEAN];
    uint64_t most = items < SHRINK_AT_ONCE ? items : SHRINK_AT_ONCE;
    while (most-- > 0 && store->bytes[SKN_PLACE_CLEAN] > store->cache_bytes &&
           !skn_list_is_empty(&store->lists[SKN_PLACE_CLEAN]))
        turn(store, SKN_PLACE_CLEAN);
}
