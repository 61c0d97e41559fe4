/* checkpoint.c - what is dirty, as of a mark, for the backend. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "store/store_internal.h"

#include "base/pure.h"

struct skn_position skn_store_mark(struct skn_store *store)
{
    SKN_ASSERT(store->backend);
    SKN_ASSERT(!store->has_mark);
    SKN_ASSERT(skn_list_is_empty(&store->lists[skn_place_marked(store)]));
    SKN_ASSERT(skn_list_is_empty(&store->images));
    store->dirty = !store->dirty;
    store->has_mark = true;
    store->mark = (uint8_t)(store->mark % MARKS + 1);
    return store->position;
}

static void put_entry(const struct skn_entry *entry, struct skn_buf *out)
{
    if (entry->item.kind == SKN_KIND_ABSENT)
        skn_batch_delete(out, skn_entry_key(entry));
    else
        skn_batch_put_stored(out, skn_entry_key(entry), entry->index, skn_entry_value(entry));
}

/* Takes what was kept of tables before they changed. */
static void give_images(struct skn_store *store, struct skn_buf *out, size_t max_len)
{
    struct skn_list *link;
    while (out->len < max_len && (link = skn_list_pop_front(&store->images))) {
        struct skn_image *image = SKN_CONTAINER_OF(link, struct skn_image, link);
        skn_buf_put(out, skn_slice(image->bytes, image->len));
        skn_free(image);
    }
}

/* A row that was dirty at the mark; or all of its table with it. */
static void give(struct skn_store *store, struct skn_entry *entry, struct skn_buf *out)
{
    struct skn_table *table = skn_table_find(store, skn_table_name_of(skn_entry_key(entry)));
    SKN_ASSERT(table); /* also of one that is frozen: what replaced it is not in the backend yet */
    bool is_frozen = entry->item.place == SKN_PLACE_FROZEN;
    if (!is_frozen && skn_table_give(store, table, out)) return;
    table->form = SKN_FORM_ROWS;
    put_entry(entry, out);
    if (is_frozen) {
        skn_entry_free(store, entry);
        return;
    }
    entry->item.is_stored = true;
    skn_item_place(store, &entry->item, skn_place_given(store));
}

bool skn_store_next_dirty(struct skn_store *store, struct skn_buf *out, size_t max_bytes)
{
    SKN_ASSERT(store->has_mark);
    size_t before = out->len;
    struct skn_list *link;
    give_images(store, out, before + max_bytes);
    while (out->len - before < max_bytes &&
           (link = skn_list_first(&store->lists[skn_place_marked(store)])))
        give(store, skn_entry_of(SKN_CONTAINER_OF(link, struct skn_item, link)), out);
    SKN_ASSERT(!out->full); /* else something is lost that no later checkpoint has */
    return out->len > before;
}

void skn_store_flushed(struct skn_store *store)
{
    SKN_ASSERT(store->has_mark);
    SKN_ASSERT(skn_list_is_empty(&store->lists[skn_place_marked(store)]));
    SKN_ASSERT(skn_list_is_empty(&store->images));
    /* What is left of the checkpoint before; the two lists change places. */
    skn_settle_flushed(store, SIZE_MAX);
    store->given = !store->given;
    store->has_mark = false;
}
