/* pages.c - the entries of a table in key order: one page of slots, or an ordered map of pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/store_internal.h"

#include <endian.h>

#include "base/pure.h"

/* Most tables are one domain's few rows: then a search stays in one block of memory until it is at
 * the entry, and a row takes 16 bytes of order instead of the 56 of a tree's node. */

/* The node of one of many pages stands behind its slots, so that an only page has none. */
enum { NODE_AT = sizeof(struct skn_page) + PAGE_MAX * sizeof(struct skn_slot) };

static struct skn_page *page_of(struct skn_omap_node *node)
{
    return node ? (struct skn_page *)(void *)((uint8_t *)node - NODE_AT) : NULL;
}

static struct skn_omap_node *node_of(struct skn_page *page)
{
    return (struct skn_omap_node *)(void *)((uint8_t *)page + NODE_AT);
}

static size_t bytes_of(size_t cap, size_t least_len)
{
    if (least_len > 0) return NODE_AT + sizeof(struct skn_omap_node) + least_len;
    return sizeof(struct skn_page) + cap * sizeof(struct skn_slot);
}

static size_t page_bytes(const struct skn_page *page)
{
    return bytes_of(page->cap, page->least_len);
}

/* The first 8 bytes behind the name and its zero byte, as a number that orders like them. */
static uint64_t head_of(const struct skn_table *table, struct skn_slice key)
{
    size_t skip = (size_t)table->end.key_len + 1;
    uint64_t head = 0;
    if (key.len > skip) {
        size_t n = key.len - skip < 8 ? key.len - skip : 8;
        memcpy(&head, key.ptr + skip, n);
    }
    return be64toh(head);
}

static uint64_t load_be(const uint8_t *at)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    return be64toh(n);
}

/* Order of two keys by their bytes from `at` to `end`; 8 and more before `at` are equal, so the last
 * word may begin there. Rows of mailboxes share long beginnings: words in line, as in maps. */
static int compare_from(const uint8_t *a, const uint8_t *b, size_t at, size_t end)
{
    for (; at < end; at += 8) {
        size_t from = end - at < 8 ? end - 8 : at;
        uint64_t x = load_be(a + from), y = load_be(b + from);
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

/* Negative, 0 or positive: the key before, at or behind the slot's entry. `at`: where its tail begins. */
static inline int
compare(uint64_t head, size_t at, struct skn_slice key, const struct skn_slot *slot)
{
    if (head != slot->head) return head < slot->head ? -1 : 1;
    const struct skn_slice other = skn_entry_key(slot->entry);
    int order = compare_from(key.ptr, other.ptr, at, key.len < other.len ? key.len : other.len);
    if (order != 0) return order;
    /* Of two with one head and no more, the zeros of the longer one are behind the other. */
    return key.len < other.len ? -1 : key.len > other.len;
}

static struct skn_page *page_for(const struct skn_table *table, struct skn_slice key)
{
    if (!table->pages) return table->only;
    return page_of(skn_omap_floor(table->pages, key));
}

static struct skn_page *next_page(struct skn_page *page)
{
    return page->least_len == 0 ? NULL : page_of(skn_omap_next(node_of(page)));
}

static struct skn_page *page_before(struct skn_page *page)
{
    return page->least_len == 0 ? NULL : page_of(skn_omap_prev(node_of(page)));
}

struct skn_spot skn_spot_normal(struct skn_spot spot)
{
    while (spot.page && spot.at == spot.page->count) {
        spot.page = next_page(spot.page);
        spot.at = 0;
    }
    return spot;
}

struct skn_spot
skn_spot_find(struct skn_table *table, struct skn_slice key, struct skn_entry **out_entry)
{
    struct skn_spot spot = {.table = table, .page = page_for(table, key)};
    *out_entry = NULL;
    if (!spot.page) return spot;
    uint64_t head = head_of(table, key);
    const size_t tail = (size_t)table->end.key_len + 1 + sizeof head;
    uint32_t low = 0, high = spot.page->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(head, tail, key, &spot.page->slots[middle]);
        if (order == 0) {
            spot.at = middle;
            *out_entry = spot.page->slots[middle].entry;
            return spot;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    spot.at = low;
    return skn_spot_normal(spot);
}

struct skn_spot skn_spot_first(struct skn_table *table)
{
    struct skn_page *page = table->pages ? page_of(skn_omap_first(table->pages)) : table->only;
    return (struct skn_spot){.table = table, .page = page};
}

struct skn_spot skn_spot_next(struct skn_spot spot)
{
    SKN_ASSERT(spot.page);
    spot.at++;
    return skn_spot_normal(spot);
}

static struct skn_page *last_page(const struct skn_table *table)
{
    return table->pages ? page_of(skn_omap_last(table->pages)) : table->only;
}

struct skn_entry *skn_spot_before(struct skn_spot spot)
{
    if (spot.page && spot.at > 0) return spot.page->slots[spot.at - 1].entry;
    struct skn_page *page = spot.page ? page_before(spot.page) : last_page(spot.table);
    return page ? page->slots[page->count - 1].entry : NULL;
}

/* --- changing ---------------------------------------------------------------------------------------- */

/* `least` is copied; empty: the only page of its table. */
static struct skn_page *make_page(struct skn_store *store, size_t cap, struct skn_slice least)
{
    SKN_ASSERT(least.len == 0 || cap == PAGE_MAX);
    struct skn_page *page = skn_alloc(bytes_of(cap, least.len));
    page->count = 0;
    page->cap = (uint16_t)cap;
    page->least_len = (uint32_t)least.len;
    if (least.len > 0) {
        struct skn_omap_node *node = node_of(page);
        uint8_t *key = (uint8_t *)(node + 1);
        memcpy(key, least.ptr, least.len);
        *node = (struct skn_omap_node){.key = skn_slice(key, least.len)};
    }
    store->table_bytes += page_bytes(page);
    store->moves++;
    return page;
}

static void free_page(struct skn_store *store, struct skn_page *page)
{
    store->table_bytes -= page_bytes(page);
    store->moves++;
    skn_free(page);
}

static void move(struct skn_page *to, struct skn_page *from, uint32_t first)
{
    uint32_t n = from->count - first;
    memcpy(&to->slots[to->count], &from->slots[first], n * sizeof to->slots[0]);
    to->count = (uint16_t)(to->count + n);
    from->count = (uint16_t)first;
}

/* The only page of a table, with more room. */
static struct skn_page *grow(struct skn_store *store, struct skn_table *table)
{
    struct skn_page *old = table->only;
    size_t cap = old ? old->cap * (size_t)2 : PAGE_MIN;
    struct skn_page *page = make_page(store, cap, (struct skn_slice){0});
    if (old) {
        move(page, old, 0);
        free_page(store, old);
    }
    table->only = page;
    return page;
}

static void add_page(struct skn_table *table, struct skn_page *page)
{
    SKN_ASSERT(!skn_omap_insert(table->pages, node_of(page)));
}

/* The upper half of a full page becomes a page. Rows that come in order fill theirs: of the last
 * page only the new entry's place is split off. */
static struct skn_spot split(struct skn_store *store, struct skn_spot spot)
{
    struct skn_table *table = spot.table;
    struct skn_page *page = spot.page;
    if (table->only) {
        /* Its smallest key is the table's: every key has a page. */
        uint8_t least[SKN_KEY_MAX];
        memcpy(least, table->name, table->end.key_len);
        least[table->end.key_len] = 0;
        struct skn_page *first =
            make_page(store, PAGE_MAX, skn_slice(least, (size_t)table->end.key_len + 1));
        move(first, page, 0);
        free_page(store, page);
        table->only = NULL;
        table->pages = skn_alloc(sizeof *table->pages);
        skn_omap_init(table->pages);
        add_page(table, first);
        spot.page = page = first;
    }
    bool is_last = !next_page(page) && spot.at == page->count;
    uint32_t half = is_last ? page->count - 1 : page->count / 2;
    struct skn_page *right = make_page(store, PAGE_MAX, skn_entry_key(page->slots[half].entry));
    move(right, page, half);
    add_page(table, right);
    if (spot.at <= half) return spot;
    return (struct skn_spot){.table = table, .page = right, .at = spot.at - half};
}

struct skn_spot
skn_spot_insert(struct skn_store *store, struct skn_spot spot, struct skn_entry *entry)
{
    struct skn_table *table = spot.table;
    /* Before the first slot of a page is also behind the last one of the page before: the smallest
     * keys of the pages decide. */
    struct skn_page *home = page_for(table, skn_entry_key(entry));
    if (!home) home = grow(store, table);
    if (home != spot.page) {
        spot = (struct skn_spot){.table = table, .page = home, .at = home->count};
        store->moves++;
    }
    store->shifts++;
    if (spot.page->count == spot.page->cap) {
        if (spot.page->cap < PAGE_MAX)
            spot.page = grow(store, table);
        else
            spot = split(store, spot);
    }
    struct skn_page *page = spot.page;
    memmove(&page->slots[spot.at + 1],
            &page->slots[spot.at],
            (page->count - spot.at) * sizeof page->slots[0]);
    page->slots[spot.at] =
        (struct skn_slot){.head = head_of(table, skn_entry_key(entry)), .entry = entry};
    page->count++;
    store->entries++;
    store->entry_bytes += skn_item_bytes(&entry->item);
    return spot;
}

static void free_map(struct skn_table *table)
{
    skn_free(table->pages);
    table->pages = NULL;
}

static void drop_page(struct skn_store *store, struct skn_table *table, struct skn_page *page)
{
    if (table->pages)
        skn_omap_remove(table->pages, node_of(page));
    else
        table->only = NULL;
    free_page(store, page);
    if (table->pages && skn_omap_count(table->pages) == 0) free_map(table);
}

struct skn_spot skn_spot_remove(struct skn_store *store, struct skn_spot spot)
{
    struct skn_page *page = spot.page;
    store->shifts++;
    store->entries--;
    store->entry_bytes -= skn_item_bytes(&page->slots[spot.at].entry->item);
    page->count--;
    memmove(&page->slots[spot.at],
            &page->slots[spot.at + 1],
            (page->count - spot.at) * sizeof page->slots[0]);
    struct skn_page *next = next_page(page);
    if (page->count == 0 && next && !page_before(page)) {
        /* The first one stays: it has the keys before all others. */
        move(page, next, 0);
        drop_page(store, spot.table, next);
        return spot;
    }
    if (page->count == 0) {
        drop_page(store, spot.table, page);
        return (struct skn_spot){.table = spot.table, .page = next};
    }
    /* Not at once when it would fit: else one insert more would split it again. */
    if (next && page->count + next->count <= PAGE_MAX - PAGE_LOW && page->count <= PAGE_LOW) {
        move(page, next, 0);
        drop_page(store, spot.table, next);
    }
    return skn_spot_normal(spot);
}

bool skn_table_is_empty(const struct skn_table *table)
{
    return !table->only && !table->pages;
}

static void free_entries(struct skn_store *store, struct skn_page *page)
{
    for (uint32_t i = 0; i < page->count; i++) {
        store->entries--;
        store->entry_bytes -= skn_item_bytes(&page->slots[i].entry->item);
        skn_entry_free(store, page->slots[i].entry);
    }
    free_page(store, page);
}

void skn_pages_free(struct skn_store *store, struct skn_table *table)
{
    if (table->only) free_entries(store, table->only);
    table->only = NULL;
    struct skn_omap_node *node;
    while (table->pages && (node = skn_omap_drain(table->pages)))
        free_entries(store, page_of(node));
    free_map(table);
}

void skn_pages_check(const struct skn_table *table)
{
    if (table->pages) SKN_ASSERT(!table->only);
    if (table->pages) SKN_ASSERT(skn_omap_count(table->pages) > 0);
    if (table->pages) skn_omap_check(table->pages);
    const struct skn_entry *before = NULL;
    struct skn_page *page = skn_spot_first((struct skn_table *)(uintptr_t)table).page;
    for (; page; page = next_page(page)) {
        SKN_ASSERT(page->count > 0);
        SKN_ASSERT(page->count <= page->cap);
        SKN_ASSERT(page->cap <= PAGE_MAX);
        for (uint32_t i = 0; i < page->count; i++) {
            struct skn_slice key = skn_entry_key(page->slots[i].entry);
            SKN_ASSERT(page->slots[i].head == head_of(table, key));
            if (before) SKN_ASSERT(skn_slice_cmp(skn_entry_key(before), key) < 0);
            before = page->slots[i].entry;
        }
    }
}
