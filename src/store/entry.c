/* entry.c - entries, and the lists they are in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/store_internal.h"

#include "base/pure.h"

/* The allocator hands out 24, 40, 56 .. bytes: asked for exactly, a row may grow a little in place. */
enum { GRAIN = 16, ALLOCATOR = 8 };

size_t skn_entry_bytes(size_t key_len, size_t value_len)
{
    size_t size = sizeof(struct skn_entry) + key_len + value_len + ALLOCATOR;
    return (size + GRAIN - 1) / GRAIN * GRAIN;
}

size_t skn_item_bytes(const struct skn_item *item)
{
    if (item->kind != SKN_KIND_END) return skn_entry_bytes(item->key_len, item->value_len);
    return (sizeof(struct skn_table) + item->key_len + ALLOCATOR + GRAIN - 1) / GRAIN * GRAIN;
}

struct skn_entry *skn_entry_make(enum skn_kind kind, struct skn_slice key, struct skn_slice value)
{
    SKN_ASSERT(key.len <= SKN_KEY_MAX + 2); /* the next key of the next key of a row */
    struct skn_entry *entry = skn_alloc(skn_entry_bytes(key.len, value.len) - ALLOCATOR);
    *entry = (struct skn_entry){0};
    skn_list_init(&entry->item.link);
    entry->item.kind = kind & 3U;
    entry->item.place = SKN_PLACE_NONE;
    entry->item.key_len = (uint16_t)key.len;
    entry->item.value_len = (uint32_t)value.len;
    memcpy(entry->bytes, key.ptr, key.len);
    if (value.len > 0) memcpy(entry->bytes + key.len, value.ptr, value.len);
    return entry;
}

void skn_item_place(struct skn_store *store, struct skn_item *item, enum skn_place place)
{
    size_t bytes = skn_item_bytes(item);
    if (item->place != SKN_PLACE_NONE) {
        skn_list_remove(&item->link);
        store->items[item->place]--;
        store->bytes[item->place] -= bytes;
    }
    item->place = place & 7U;
    if (place == SKN_PLACE_NONE) return;
    skn_list_push_back(&store->lists[place], &item->link);
    store->items[place]++;
    store->bytes[place] += bytes;
}

void skn_entry_free(struct skn_store *store, struct skn_entry *entry)
{
    skn_item_place(store, &entry->item, SKN_PLACE_NONE);
    skn_free(entry);
}
