/* checkpoint.c - what is dirty, as of a mark, for the backend. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "store/store_internal.h"

#include "base/pure.h"

struct skn_position skn_store_mark(struct skn_store *store)
{
    SKN_ASSERT(store->backend);
    SKN_ASSERT(!store->has_mark);
    SKN_ASSERT(skn_list_is_empty(&store->lists[skn_place_marked(store)]));
    store->dirty = !store->dirty;
    store->has_mark = true;
    return store->position;
}

static void put_entry(const struct skn_entry *entry, struct skn_buf *out)
{
    if (entry->item.kind == SKN_KIND_ABSENT)
        skn_batch_delete(out, skn_entry_key(entry));
    else
        skn_batch_put_stored(out, skn_entry_key(entry), entry->index, skn_entry_value(entry));
}

bool skn_store_next_dirty(struct skn_store *store, struct skn_buf *out, size_t max_bytes)
{
    SKN_ASSERT(store->has_mark);
    size_t before = out->len;
    struct skn_list *link;
    while (out->len - before < max_bytes &&
           (link = skn_list_first(&store->lists[skn_place_marked(store)]))) {
        struct skn_entry *entry = skn_entry_of(SKN_CONTAINER_OF(link, struct skn_item, link));
        put_entry(entry, out);
        if (entry->item.place == SKN_PLACE_FROZEN) {
            skn_entry_free(store, entry);
            continue;
        }
        entry->item.is_stored = true;
        skn_item_place(store, &entry->item, skn_place_given(store));
    }
    SKN_ASSERT(!out->full); /* else something is lost that no later checkpoint has */
    return out->len > before;
}

void skn_store_flushed(struct skn_store *store)
{
    SKN_ASSERT(store->has_mark);
    SKN_ASSERT(skn_list_is_empty(&store->lists[skn_place_marked(store)]));
    /* What is left of the checkpoint before; the two lists change places. */
    skn_settle_flushed(store, SIZE_MAX);
    store->given = !store->given;
    store->has_mark = false;
}
