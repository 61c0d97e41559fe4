/* map.h - a hash map from byte strings to pointers that is walked in insertion order.
 *
 * Owns        its tables. Keys and values stay the caller's.
 * May include base.
 * Threads     none: a map belongs to whoever holds it. Readers beside each other are fine.
 * Invariants  (skn_hmap_check)
 *   1. A walk gives the entries in the order in which they were added, whatever the seed.
 *   2. At most half of the slots are taken, so a search ends at a free one.
 *   3. Every live entry is found from its own slot, with no free slot before it.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct skn_hmap_entry {
    struct skn_slice key; /* borrowed until the entry is removed */
    void *value;
    uint32_t hash;
    bool is_live; /* false: a hole that a removal left */
};

struct skn_hmap_slot;

struct skn_hmap {
    struct skn_hmap_entry *entries; /* in insertion order, with holes */
    struct skn_hmap_slot *slots;    /* where an entry of some hash is; twice `cap` of them */
    uint32_t len;                   /* entries and holes */
    uint32_t cap;                   /* 0 or a power of two */
    uint32_t count;                 /* entries */
    uint64_t seed[2];
};

/* An empty map; allocates nothing yet. Without a seed that is not known outside, whoever chooses
 * the keys can make every search slow. */
void skn_hmap_init(struct skn_hmap *map, uint64_t seed);
void skn_hmap_fini(struct skn_hmap *map);

/* Empties it, keeps its memory. */
void skn_hmap_reset(struct skn_hmap *map);

/* The entry with this key, or NULL. It dies with the next add. */
struct skn_hmap_entry *skn_hmap_find(const struct skn_hmap *map, struct skn_slice key);

/* The entry with this key; when there was none, a new last one with the value NULL, which borrows
 * `key` from now on. `out_is_new` may be NULL. The entry dies with the next add. */
struct skn_hmap_entry *skn_hmap_add(struct skn_hmap *map, struct skn_slice key, bool *out_is_new);

/* Takes the key out and returns its value; NULL when it is not there. */
void *skn_hmap_remove(struct skn_hmap *map, struct skn_slice key);

/* The entry behind `entry`, or the first for NULL; NULL at the end. */
struct skn_hmap_entry *skn_hmap_next(const struct skn_hmap *map,
                                     const struct skn_hmap_entry *entry);

/* The body may remove any entry, and may not add one. */
#define SKN_HMAP_FOREACH(entry, map)                                               \
    for (struct skn_hmap_entry *entry = skn_hmap_next((map), NULL); entry != NULL; \
         entry = skn_hmap_next((map), entry))

/* The value of a key, or NULL. */
static inline void *skn_hmap_get(const struct skn_hmap *map, struct skn_slice key)
{
    struct skn_hmap_entry *entry = skn_hmap_find(map, key);
    return entry ? entry->value : NULL;
}

static inline size_t skn_hmap_count(const struct skn_hmap *map)
{
    return map->count;
}

/* Aborts on a broken invariant. O(size), for tests and debug builds. */
void skn_hmap_check(const struct skn_hmap *map);
