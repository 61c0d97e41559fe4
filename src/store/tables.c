/* tables.c - the tables of a store, by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/mem.h"
#include "store/store_internal.h"

#include "base/pure.h"

struct skn_slice skn_table_name_of(struct skn_slice key)
{
    const uint8_t *zero = key.len > 0 ? memchr(key.ptr, 0, key.len) : NULL;
    return skn_slice(key.ptr, zero ? (size_t)(zero - key.ptr) : 0);
}

static struct skn_slice name_of(const struct skn_table *table)
{
    return skn_slice(table->name, table->end.key_len);
}

/* --- the hash table ------------------------------------------------------------------------------- */

static struct skn_table **bucket_at(const struct skn_tables *tables, size_t n)
{
    return &tables->segments[n / SEGMENT][n % SEGMENT];
}

/* The largest power of two that is not above the number of buckets: that many have been split, or
 * wait for it, in this round. */
static size_t round_of(size_t buckets)
{
    return (size_t)1 << (63 - __builtin_clzll(buckets));
}

static struct skn_table **bucket_of(const struct skn_tables *tables, uint32_t hash)
{
    size_t round = round_of(tables->buckets);
    size_t n = (size_t)hash & (round * 2 - 1);
    if (n >= tables->buckets) n &= round - 1;
    return bucket_at(tables, n);
}

/* The next bucket takes from the one that comes after this one's: its tables lie anywhere in memory, and
 * are here by then. */
static void ask_for_split(const struct skn_tables *tables)
{
    size_t n = tables->buckets;
    __builtin_prefetch(*bucket_at(tables, n & (round_of(n) - 1)));
}

static void add_bucket(struct skn_tables *tables)
{
    size_t n = tables->buckets;
    if (n % SEGMENT == 0) {
        if (n / SEGMENT == tables->segments_cap) {
            tables->segments_cap = tables->segments_cap ? tables->segments_cap * 2 : 8;
            tables->segments =
                skn_realloc(tables->segments, tables->segments_cap * sizeof *tables->segments);
        }
        tables->segments[n / SEGMENT] = skn_alloc_zero(SEGMENT, sizeof **tables->segments);
    }
    tables->buckets++;
    ask_for_split(tables);
    if (n == 0) return;
    /* Half of one bucket's tables belong here now. */
    struct skn_table **to = bucket_at(tables, n);
    size_t round = round_of(n);
    for (struct skn_table **from = bucket_at(tables, n & (round - 1)); *from;) {
        struct skn_table *table = *from;
        if (((size_t)table->hash & (round * 2 - 1)) != n) {
            from = &table->next;
            continue;
        }
        *from = table->next;
        table->next = *to;
        *to = table;
    }
}

static void take_out(struct skn_tables *tables, struct skn_table *table)
{
    struct skn_table **at = bucket_of(tables, table->hash);
    while (*at != table)
        at = &(*at)->next;
    *at = table->next;
    tables->count--;
}

struct skn_table *
skn_tables_next(const struct skn_store *store, size_t *at, const struct skn_table *table)
{
    const struct skn_tables *tables = &store->tables;
    struct skn_table *next = table ? table->next : NULL;
    while (!next && *at < tables->buckets)
        next = *bucket_at(tables, (*at)++);
    return next;
}

/* Whether a key, or a name with nothing behind it, begins with the name of the table. Names mostly
 * differ at their ends; words in line, a call of memcmp is as much again. */
static bool begins(const struct skn_table *table, struct skn_slice key)
{
    size_t len = table->end.key_len;
    if (key.len < len || table->name[len - 1] != key.ptr[len - 1]) return false;
    if (len < 8) return memcmp(table->name, key.ptr, len) == 0;
    for (size_t at = 0; at < len; at += 8) {
        size_t from = len - at < 8 ? len - 8 : at;
        uint64_t a, b;
        memcpy(&a, table->name + from, sizeof a);
        memcpy(&b, key.ptr + from, sizeof b);
        if (a != b) return false;
    }
    return true;
}

static bool is_named(const struct skn_table *table, struct skn_slice name)
{
    return table->end.key_len == name.len && begins(table, name);
}

/* Where a table of this name is remembered. Whoever chooses names can make tables share a place: that
 * costs them a hash each, as without it. */
static struct skn_table **recent_of(struct skn_store *store, struct skn_slice name)
{
    uint64_t end = 0;
    size_t n = name.len < sizeof end ? name.len : sizeof end;
    memcpy(&end, name.ptr + name.len - n, n);
    return &store->recent[(end * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (RECENT - 1)];
}

static void remember(struct skn_store *store, struct skn_table *table)
{
    *recent_of(store, name_of(table)) = store->last = table;
}

static void forget(struct skn_store *store, struct skn_table *table)
{
    struct skn_table **recent = recent_of(store, name_of(table));
    if (*recent == table) *recent = NULL;
    if (store->last == table) store->last = NULL;
}

struct skn_table *skn_table_of(struct skn_store *store, struct skn_slice key)
{
    /* Mostly that of the key before. A name has no zero byte, so what follows it ends the name. */
    struct skn_table *last = store->last;
    bool is_last =
        last && key.len > last->end.key_len && key.ptr[last->end.key_len] == 0 && begins(last, key);
    if (is_last) return last;
    struct skn_slice name = skn_table_name_of(key);
    return name.len > 0 ? skn_table_find(store, name) : NULL;
}

/* --- memory is asked before it is needed ------------------------------------------------------------- */

enum {
    FIRST_ROWS = 2
}; /* the place of a new domain in the index of all, then the domain's own row */

uint32_t skn_store_hint(const struct skn_store *store, struct skn_slice batch)
{
    struct skn_slice name = {0};
    struct skn_row_op op;
    for (int i = 0; i < FIRST_ROWS && skn_batch_next(&batch, &op, NULL) == SKN_OK; i++)
        name = skn_table_name_of(op.key);
    const struct skn_tables *tables = &store->tables;
    if (name.len == 0 || tables->buckets == 0) return 0;
    uint32_t hash = (uint32_t)skn_hash(name, tables->seed[0], tables->seed[1]);
    __builtin_prefetch(bucket_of(tables, hash));
    return hash;
}

void skn_store_hint_near(const struct skn_store *store, uint32_t hint, unsigned step)
{
    if (store->tables.buckets == 0) return;
    const struct skn_table *table = *bucket_of(&store->tables, hint);
    if (step == 0) __builtin_prefetch(table);
    if (step == 0 || !table) return;
    if (table->hash != hint) __builtin_prefetch(table->next);
    if (table->hash == hint) __builtin_prefetch(table->only);
}

/* --- one table -------------------------------------------------------------------------------------- */

struct skn_table *skn_table_find(struct skn_store *store, struct skn_slice name)
{
    SKN_ASSERT(name.len > 0);
    /* A slice stays in few tables: the rows of its domain, a mailbox, whom it writes to. */
    struct skn_table *recent = *recent_of(store, name);
    if (recent && is_named(recent, name)) return store->last = recent;
    const struct skn_tables *tables = &store->tables;
    if (tables->count == 0) return NULL;
    uint32_t hash = (uint32_t)skn_hash(name, tables->seed[0], tables->seed[1]);
    struct skn_table *table = *bucket_of(tables, hash);
    while (table && (table->hash != hash || !skn_slice_eq(name_of(table), name)))
        table = table->next;
    if (table) remember(store, table);
    return table;
}

struct skn_table *skn_table_make(struct skn_store *store, struct skn_slice name)
{
    struct skn_table *table = skn_table_find(store, name);
    return table ? table : skn_table_add(store, name);
}

struct skn_table *skn_table_add(struct skn_store *store, struct skn_slice name)
{
    SKN_ASSERT(name.len < SKN_KEY_MAX);
    struct skn_table *table = skn_alloc_zero(1, sizeof *table + name.len);
    memcpy(table->name, name.ptr, name.len);
    skn_list_init(&table->end.link);
    table->end.key_len = (uint16_t)name.len;
    table->end.kind = SKN_KIND_END;
    table->end.place = SKN_PLACE_NONE;
    struct skn_tables *tables = &store->tables;
    if (tables->count >= tables->buckets) add_bucket(tables);
    tables->count++;
    table->hash = (uint32_t)skn_hash(name, tables->seed[0], tables->seed[1]);
    struct skn_table **bucket = bucket_of(tables, table->hash);
    table->next = *bucket;
    *bucket = table;
    store->table_bytes += skn_item_bytes(&table->end);
    remember(store, table);
    return table;
}

void skn_table_set_end(struct skn_store *store, struct skn_table *table, bool is_known)
{
    table->end.cont = is_known;
    /* So that what is known of a table without rows is forgotten too, in its turn. */
    bool in_turn = is_known && store->backend;
    if (in_turn == (table->end.place == SKN_PLACE_CLEAN)) return;
    if (in_turn) table->end.rounds = skn_pins_rounds(store);
    skn_item_place(store, &table->end, in_turn ? SKN_PLACE_CLEAN : SKN_PLACE_NONE);
}

static void free_table(struct skn_store *store, struct skn_table *table)
{
    skn_item_place(store, &table->end, SKN_PLACE_NONE);
    skn_pages_free(store, table);
    store->table_bytes -= skn_item_bytes(&table->end);
    forget(store, table);
    store->moves++;
    skn_free(table);
}

void skn_table_settle(struct skn_store *store, struct skn_table *table)
{
    if (table->wants > 0 || !skn_table_is_empty(table)) return;
    if (table->end.cont && !store->is_whole) return;
    if (!table->end.cont) store->is_whole = false;
    take_out(&store->tables, table);
    free_table(store, table);
}

void skn_tables_fini(struct skn_store *store)
{
    struct skn_tables *tables = &store->tables;
    size_t at = 0;
    struct skn_table *table = skn_tables_next(store, &at, NULL);
    while (table) {
        struct skn_table *next = skn_tables_next(store, &at, table);
        free_table(store, table);
        table = next;
    }
    for (size_t i = 0; i * SEGMENT < tables->buckets; i++)
        skn_free(tables->segments[i]);
    skn_free(tables->segments);
}
