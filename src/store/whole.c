/* whole.c - small tables are given to a checkpoint whole, as one entry of the backend. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "store/backend/pack.h"
#include "store/store_internal.h"

#include "base/pure.h"

/* Whether all of it is in one page, known, and as of the mark; then its bytes when packed. */
static bool measure(const struct skn_store *store, const struct skn_table *table, size_t *out_bytes)
{
    if (!table->only || !table->end.cont) return false;
    size_t bytes = SKN_PACKED_HEAD, skip = (size_t)table->end.key_len + 1;
    for (uint32_t i = 0; i < table->only->count; i++) {
        const struct skn_item *item = &table->only->slots[i].entry->item;
        if (!item->cont || item->kind == SKN_KIND_MARK) return false;
        bool has_changed = item->place == skn_place_dirty(store);
        if (has_changed && !skn_bug(SKN_BUG_PACKED_LATER)) return false;
        if (item->kind == SKN_KIND_ROW)
            bytes += SKN_PACKED_ROW + item->key_len - skip + item->value_len;
    }
    *out_bytes = bytes;
    return true;
}

/* One that is spread comes back when it is well below the bound, or it would go to and fro. */
static bool fits(const struct skn_store *store, const struct skn_table *table)
{
    size_t max = store->backend->packed_max ? store->backend->packed_max : SKN_PACKED_MAX;
    size_t bytes;
    return max > 1 && measure(store, table, &bytes) &&
           bytes <= (table->form == SKN_FORM_PACKED ? max : max / 2);
}

static void put_table(struct skn_store *store, const struct skn_table *table, struct skn_buf *out)
{
    struct skn_buf *packed = &store->packed;
    size_t skip = (size_t)table->end.key_len + 1, rows = 0;
    skn_buf_reset(packed);
    skn_pack_begin(packed, table->form != SKN_FORM_PACKED);
    for (uint32_t i = 0; i < table->only->count; i++) {
        const struct skn_entry *entry = table->only->slots[i].entry;
        if (entry->item.kind != SKN_KIND_ROW) continue;
        const struct skn_packed_row row = {.rest = skn_slice_from(skn_entry_key(entry), skip),
                                           .value = skn_entry_value(entry),
                                           .index = entry->index};
        skn_pack_add(packed, &row);
        rows++;
    }
    skn_pack_end(packed, rows);
    uint8_t first[SKN_KEY_MAX];
    memcpy(first, table->name, skip - 1);
    first[skip - 1] = 0;
    skn_batch_put_stored(out, skn_slice(first, skip), SKN_PACKED_INDEX, skn_buf_slice(packed));
    SKN_ASSERT(!packed->full && !out->full);
}

bool skn_table_give(struct skn_store *store, struct skn_table *table, struct skn_buf *out)
{
    if (table->mark == store->mark || !fits(store, table)) return false;
    put_table(store, table, out);
    table->mark = store->mark & 63U;
    table->form = SKN_FORM_PACKED;
    for (uint32_t i = 0; i < table->only->count; i++) {
        struct skn_item *item = &table->only->slots[i].entry->item;
        if (item->place != skn_place_marked(store)) continue;
        item->is_stored = true;
        skn_item_place(store, item, skn_place_given(store));
    }
    return true;
}

/* There are none, or more than a page of them: then its rows are kept one by one. */
static bool has_marked(const struct skn_store *store, const struct skn_table *table)
{
    for (uint32_t i = 0; table->only && i < table->only->count; i++)
        if (table->only->slots[i].entry->item.place == skn_place_marked(store)) return true;
    return false;
}

void skn_table_changes(struct skn_store *store, struct skn_table *table)
{
    bool is_done = !store->has_mark || table->mark == store->mark;
    if (is_done || skn_list_is_empty(&store->lists[skn_place_marked(store)])) return;
    if (skn_bug(SKN_BUG_PACKED_LATER)) return;
    struct skn_buf *out = &store->answer;
    skn_buf_reset(out);
    if (has_marked(store, table) && skn_table_give(store, table, out)) {
        struct skn_image *image = skn_alloc(sizeof *image + out->len);
        skn_list_init(&image->link);
        image->len = out->len;
        memcpy(image->bytes, out->ptr, out->len);
        skn_list_push_back(&store->images, &image->link);
    }
    table->mark = store->mark & 63U; /* from now on it is not as of the mark */
}

bool skn_table_stays(const struct skn_store *store, const struct skn_table *table)
{
    if (table->end.rounds > 0) return true;
    for (uint32_t i = 0; table->only && i < table->only->count; i++) {
        const struct skn_item *item = &table->only->slots[i].entry->item;
        bool is_unsaved = item->place != SKN_PLACE_CLEAN && item->place != skn_place_flushed(store);
        if (is_unsaved || item->rounds > 0) return true;
    }
    return false;
}

void skn_images_fini(struct skn_store *store)
{
    struct skn_list *link;
    while ((link = skn_list_pop_front(&store->images)))
        skn_free(SKN_CONTAINER_OF(link, struct skn_image, link));
}
