/* map.c - entries in an array, and a table of linear probes that says where each is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#define FREE UINT32_MAX /* a slot that names no entry */

enum { CAP_MIN = 8 };

/* The array with a table beside it is Hettinger's compact dict; the table heals itself after a
 * removal instead of keeping tombstones (Knuth 6.4, algorithm R). */
struct skn_hmap_slot {
    uint32_t hash;
    uint32_t entry;
};

static uint32_t hash_of(const struct skn_hmap *map, struct skn_slice key)
{
    uint64_t hash = skn_hash(key, map->seed[0], map->seed[1]);
    return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t mask_of(const struct skn_hmap *map)
{
    return map->cap * 2 - 1;
}

void skn_hmap_init(struct skn_hmap *map, uint64_t seed)
{
    *map = (struct skn_hmap){0};
    map->seed[0] = skn_splitmix64(&seed);
    map->seed[1] = skn_splitmix64(&seed);
}

void skn_hmap_fini(struct skn_hmap *map)
{
    if (!map) return;
    skn_free(map->entries);
    skn_free(map->slots);
    *map = (struct skn_hmap){.seed = {map->seed[0], map->seed[1]}};
}

static void free_all_slots(struct skn_hmap *map)
{
    /* FREE is all ones in `entry`, and the hash of a free slot is never read. */
    if (map->cap > 0) memset(map->slots, 0xff, (size_t)map->cap * 2 * sizeof map->slots[0]);
}

void skn_hmap_reset(struct skn_hmap *map)
{
    map->len = 0;
    map->count = 0;
    free_all_slots(map);
}

/* The slot that names the key, or the free one where it would go. */
static uint32_t probe(const struct skn_hmap *map, struct skn_slice key, uint32_t hash)
{
    uint32_t mask = mask_of(map);
    uint32_t at = hash & mask;
    for (; map->slots[at].entry != FREE; at = (at + 1) & mask) {
        if (map->slots[at].hash != hash) continue;
        if (skn_slice_eq(map->entries[map->slots[at].entry].key, key)) break;
    }
    return at;
}

struct skn_hmap_entry *skn_hmap_find(const struct skn_hmap *map, struct skn_slice key)
{
    if (map->count == 0) return NULL;
    uint32_t at = probe(map, key, hash_of(map, key));
    return map->slots[at].entry == FREE ? NULL : &map->entries[map->slots[at].entry];
}

/* Closes the holes in the array, keeping its order, and fills the table anew. */
static void rebuild(struct skn_hmap *map)
{
    uint32_t mask = mask_of(map);
    uint32_t to = 0;
    free_all_slots(map);
    for (uint32_t from = 0; from < map->len; from++) {
        if (!map->entries[from].is_live) continue;
        map->entries[to] = map->entries[from];
        uint32_t at = map->entries[to].hash & mask;
        while (map->slots[at].entry != FREE)
            at = (at + 1) & mask;
        map->slots[at] = (struct skn_hmap_slot){map->entries[to].hash, to};
        to++;
    }
    map->len = to;
}

/* Room for one more entry. With a quarter of holes the room is made of them: any less, and a map
 * that adds and removes in turn would be rebuilt too often. */
static void make_room(struct skn_hmap *map)
{
    if (map->len < map->cap) return;
    if (map->count > map->cap - map->cap / 4 || map->cap == 0) {
        uint32_t cap = map->cap == 0 ? CAP_MIN : map->cap * 2;
        SKN_ASSERT(cap <= UINT32_C(1) << 30); /* 48 GiB of tables; a limit was forgotten above */
        map->entries = skn_realloc(map->entries, cap * sizeof map->entries[0]);
        skn_free(map->slots);
        map->slots = skn_alloc((size_t)cap * 2 * sizeof map->slots[0]);
        map->cap = cap;
    }
    rebuild(map);
}

struct skn_hmap_entry *skn_hmap_add(struct skn_hmap *map, struct skn_slice key, bool *out_is_new)
{
    make_room(map); /* first, because it moves slots; at worst one add too early */
    uint32_t hash = hash_of(map, key);
    uint32_t at = probe(map, key, hash);
    bool is_new = map->slots[at].entry == FREE;
    if (is_new) {
        map->slots[at] = (struct skn_hmap_slot){hash, map->len};
        map->entries[map->len] = (struct skn_hmap_entry){.key = key, .hash = hash, .is_live = true};
        map->len++;
        map->count++;
    }
    if (out_is_new) *out_is_new = is_new;
    return &map->entries[map->slots[at].entry];
}

/* Frees a slot; later ones of its run move up when a search for them would stop at the hole. */
static void free_slot(struct skn_hmap *map, uint32_t hole)
{
    uint32_t mask = mask_of(map);
    for (uint32_t at = (hole + 1) & mask; map->slots[at].entry != FREE; at = (at + 1) & mask) {
        uint32_t home = map->slots[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole].entry = FREE;
}

void *skn_hmap_remove(struct skn_hmap *map, struct skn_slice key)
{
    if (map->count == 0) return NULL;
    uint32_t at = probe(map, key, hash_of(map, key));
    if (map->slots[at].entry == FREE) return NULL;
    struct skn_hmap_entry *entry = &map->entries[map->slots[at].entry];
    void *value = entry->value;
    *entry = (struct skn_hmap_entry){.is_live = false};
    free_slot(map, at);
    map->count--;
    return value;
}

struct skn_hmap_entry *skn_hmap_next(const struct skn_hmap *map, const struct skn_hmap_entry *entry)
{
    size_t at = entry ? (size_t)(entry - map->entries) + 1 : 0;
    while (at < map->len && !map->entries[at].is_live)
        at++;
    return at < map->len ? &map->entries[at] : NULL;
}

void skn_hmap_check(const struct skn_hmap *map)
{
    SKN_ASSERT(map->len <= map->cap);
    SKN_ASSERT((map->cap & (map->cap - 1)) == 0 || map->cap == 0);
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->len; i++) {
        const struct skn_hmap_entry *entry = &map->entries[i];
        if (!entry->is_live) continue;
        count++;
        SKN_ASSERT(entry->hash == hash_of(map, entry->key));
        SKN_ASSERT(skn_hmap_find(map, entry->key) == entry);
    }
    SKN_ASSERT(count == map->count);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < map->cap * 2; i++)
        taken += map->slots[i].entry != FREE;
    SKN_ASSERT(taken == count);
}
