/* omap.h - a map in key order through nodes that live elsewhere.
 *
 * Owns        the order only; nodes and the bytes of their keys stay the caller's.
 * May include base.
 * Threads     none: a map belongs to whoever holds it. Readers beside each other are fine.
 * Invariants  (skn_omap_check)
 *   1. Keys go up strictly, in byte order, a prefix before what it begins.
 *   2. The two sides under any node differ in height by one at most (an AVL tree), so a path is
 *      never longer than 1.45 log2(count).
 *   3. Nothing here allocates, and nothing recurses.
 *
 * A key must not change while its node is in a map.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct skn_omap_node {
    struct skn_slice key; /* set by the caller before the insert, borrowed until the remove */
    /* Below: of the map. */
    uint64_t head; /* the first 8 bytes of the key, so that most steps stay in the node */
    struct skn_omap_node *parent;
    struct skn_omap_node *child[2]; /* smaller keys, larger keys */
    uint32_t height;                /* of the tree under it; 1 for a leaf */
};

struct skn_omap {
    struct skn_omap_node *root;
    size_t count;
};

/* An empty map. There is no fini: a map owns nothing. */
static inline void skn_omap_init(struct skn_omap *map)
{
    *map = (struct skn_omap){0};
}

/* The node with this key, or NULL. */
struct skn_omap_node *skn_omap_find(const struct skn_omap *map, struct skn_slice key);

/* The first node whose key is `key` or larger, or NULL. */
struct skn_omap_node *skn_omap_lower_bound(const struct skn_omap *map, struct skn_slice key);

/* The last node whose key is `key` or smaller, or NULL. */
struct skn_omap_node *skn_omap_floor(const struct skn_omap *map, struct skn_slice key);

/* Where a key belongs; dies with the next change of the map. */
struct skn_omap_place {
    struct skn_omap_node *parent;
    struct skn_omap_node **link;
    uint64_t head;
};

/* The node with this key; or NULL, and where it belongs. */
struct skn_omap_node *
skn_omap_locate(struct skn_omap *map, struct skn_slice key, struct skn_omap_place *out_place);

/* Puts `node` in there; its key is the one that was located. */
void skn_omap_insert_at(struct skn_omap *map,
                        struct skn_omap_node *node,
                        const struct skn_omap_place *place);

/* Puts `node`, whose key is set, into the map and returns NULL. When the key is there already the
 * map and `node` stay as they are, and the node that has it is returned. */
struct skn_omap_node *skn_omap_insert(struct skn_omap *map, struct skn_omap_node *node);

/* Takes out a node that is in the map. The other nodes stay where they are in memory. */
void skn_omap_remove(struct skn_omap *map, struct skn_omap_node *node);

/* Takes out nodes in no useful order until NULL, in O(1) each, for a caller that frees them all.
 * Once begun, only drain may be called until it returned NULL; the map is then empty. */
struct skn_omap_node *skn_omap_drain(struct skn_omap *map);

/* Smallest and largest; NULL when the map is empty. */
struct skn_omap_node *skn_omap_first(const struct skn_omap *map);
struct skn_omap_node *skn_omap_last(const struct skn_omap *map);

/* The neighbours in key order; NULL at the ends. */
struct skn_omap_node *skn_omap_next(const struct skn_omap_node *node);
struct skn_omap_node *skn_omap_prev(const struct skn_omap_node *node);

static inline size_t skn_omap_count(const struct skn_omap *map)
{
    return map->count;
}

/* Aborts on a broken invariant. O(count), for tests and debug builds. */
void skn_omap_check(const struct skn_omap *map);
