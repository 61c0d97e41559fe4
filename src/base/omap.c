/* omap.c - an AVL tree with parent pointers (Knuth, The Art of Computer Programming 3, 6.2.3). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/omap.h"

#include <endian.h>

/* Differs from the book: heights are kept instead of balances, which costs nothing (the word is
 * padding otherwise) and makes one retrace serve inserts and removes. */

enum { SMALLER = 0, LARGER = 1 };

/* 8 bytes as a number that orders like them. */
static uint64_t load_be(const uint8_t *bytes)
{
    uint64_t n;
    memcpy(&n, bytes, sizeof n);
    return be64toh(n);
}

/* The first 8 bytes as a number that orders like them, zeros behind a shorter key. Two numbers
 * that differ order the keys; equal ones say nothing ("a" and "a\0" share theirs). */
static uint64_t head_of(struct skn_slice key)
{
    uint64_t head = 0;
    if (key.len >= 8) return load_be(key.ptr);
    for (size_t i = 0; i < key.len; i++)
        head |= (uint64_t)key.ptr[i] << (56 - 8 * i);
    return head;
}

/* Order by what is behind the heads, which are equal. Rows share long beginnings, so this is where
 * a search spends its time: words in line, measured a fifth faster than calls of memcmp. */
static int compare_tails(struct skn_slice a, struct skn_slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t at = 8; at < n; at += 8) {
        /* The last word overlaps the one before it; what is compared twice is equal. */
        size_t from = n - at < 8 ? n - 8 : at;
        uint64_t x = load_be(a.ptr + from);
        uint64_t y = load_be(b.ptr + from);
        if (x != y) return x < y ? -1 : 1;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare(uint64_t head, struct skn_slice key, const struct skn_omap_node *node)
{
    if (head != node->head) return head < node->head ? -1 : 1;
    return compare_tails(key, node->key);
}

static uint32_t height(const struct skn_omap_node *node)
{
    return node ? node->height : 0;
}

static void measure(struct skn_omap_node *node)
{
    uint32_t smaller = height(node->child[SMALLER]);
    uint32_t larger = height(node->child[LARGER]);
    node->height = 1 + (smaller > larger ? smaller : larger);
}

/* Where the pointer to `node` is stored. */
static struct skn_omap_node **link_of(struct skn_omap *map, struct skn_omap_node *node)
{
    if (!node->parent) return &map->root;
    return &node->parent->child[node->parent->child[LARGER] == node];
}

/* Puts `node`, which may be NULL, where `old` is linked from above. */
static void replace(struct skn_omap *map, struct skn_omap_node *old, struct skn_omap_node *node)
{
    *link_of(map, old) = node;
    if (node) node->parent = old->parent;
}

/* `top` sinks to `side` and its other child rises into its place. */
static struct skn_omap_node *rotate(struct skn_omap *map, struct skn_omap_node *top, int side)
{
    struct skn_omap_node *rising = top->child[!side];
    struct skn_omap_node *middle = rising->child[side];
    replace(map, top, rising);
    rising->child[side] = top;
    top->parent = rising;
    top->child[!side] = middle;
    if (middle) middle->parent = top;
    measure(top);
    measure(rising);
    return rising;
}

/* Makes invariant 2 hold at `node` again; returns what stands in its place, measured. */
static struct skn_omap_node *balance(struct skn_omap *map, struct skn_omap_node *node)
{
    uint32_t smaller = height(node->child[SMALLER]);
    uint32_t larger = height(node->child[LARGER]);
    if (smaller + 1 >= larger && larger + 1 >= smaller) {
        node->height = 1 + (smaller > larger ? smaller : larger);
        return node;
    }
    int tall = larger > smaller;
    struct skn_omap_node *child = node->child[tall];
    if (height(child->child[!tall]) > height(child->child[tall])) (void)rotate(map, child, tall);
    return rotate(map, node, !tall);
}

/* Goes up from the lowest node under which something changed, as far as heights change. */
static void retrace(struct skn_omap *map, struct skn_omap_node *node)
{
    while (node) {
        uint32_t before = node->height;
        struct skn_omap_node *top = balance(map, node);
        if (top->height == before) return;
        node = top->parent;
    }
}

struct skn_omap_node *skn_omap_find(const struct skn_omap *map, struct skn_slice key)
{
    uint64_t head = head_of(key);
    struct skn_omap_node *node = map->root;
    while (node) {
        int order = compare(head, key, node);
        if (order == 0) return node;
        node = node->child[order > 0];
    }
    return NULL;
}

struct skn_omap_node *skn_omap_lower_bound(const struct skn_omap *map, struct skn_slice key)
{
    uint64_t head = head_of(key);
    struct skn_omap_node *found = NULL;
    for (struct skn_omap_node *node = map->root; node;) {
        int order = compare(head, key, node);
        if (order <= 0) found = node;
        if (order == 0) break;
        node = node->child[order > 0];
    }
    return found;
}

struct skn_omap_node *skn_omap_floor(const struct skn_omap *map, struct skn_slice key)
{
    uint64_t head = head_of(key);
    struct skn_omap_node *found = NULL;
    for (struct skn_omap_node *node = map->root; node;) {
        int order = compare(head, key, node);
        if (order >= 0) found = node;
        if (order == 0) break;
        node = node->child[order > 0];
    }
    return found;
}

struct skn_omap_node *
skn_omap_locate(struct skn_omap *map, struct skn_slice key, struct skn_omap_place *out_place)
{
    uint64_t head = head_of(key);
    struct skn_omap_node *parent = NULL;
    struct skn_omap_node **link = &map->root;
    while (*link) {
        parent = *link;
        int order = compare(head, key, parent);
        if (order == 0) return parent;
        link = &parent->child[order > 0];
    }
    *out_place = (struct skn_omap_place){.parent = parent, .link = link, .head = head};
    return NULL;
}

void skn_omap_insert_at(struct skn_omap *map,
                        struct skn_omap_node *node,
                        const struct skn_omap_place *place)
{
    node->head = place->head;
    node->parent = place->parent;
    node->child[SMALLER] = NULL;
    node->child[LARGER] = NULL;
    node->height = 1;
    *place->link = node;
    map->count++;
    retrace(map, place->parent);
}

struct skn_omap_node *skn_omap_insert(struct skn_omap *map, struct skn_omap_node *node)
{
    struct skn_omap_place place;
    struct skn_omap_node *there = skn_omap_locate(map, node->key, &place);
    if (!there) skn_omap_insert_at(map, node, &place);
    return there;
}

static struct skn_omap_node *outermost(struct skn_omap_node *node, int side)
{
    while (node && node->child[side])
        node = node->child[side];
    return node;
}

void skn_omap_remove(struct skn_omap *map, struct skn_omap_node *node)
{
    SKN_ASSERT(map->count > 0);
    SKN_ASSERT(*link_of(map, node) == node); /* else it is in another map, or in none */
    struct skn_omap_node *changed = node->parent;
    if (!node->child[SMALLER] || !node->child[LARGER]) {
        replace(map, node, node->child[SMALLER] ? node->child[SMALLER] : node->child[LARGER]);
    } else {
        /* The next larger node takes its place; it has no smaller child. */
        struct skn_omap_node *heir = outermost(node->child[LARGER], SMALLER);
        changed = heir->parent == node ? heir : heir->parent;
        replace(map, heir, heir->child[LARGER]);
        replace(map, node, heir);
        for (int side = SMALLER; side <= LARGER; side++) {
            heir->child[side] = node->child[side];
            if (heir->child[side]) heir->child[side]->parent = heir;
        }
        heir->height = node->height; /* retrace compares with the height that was here */
    }
    node->parent = NULL;
    map->count--;
    retrace(map, changed);
}

struct skn_omap_node *skn_omap_drain(struct skn_omap *map)
{
    /* `root` walks: it is where the last leaf hung, and everything left is above or below it. */
    struct skn_omap_node *node = map->root;
    if (!node) return NULL;
    while (node->child[SMALLER] || node->child[LARGER])
        node = node->child[SMALLER] ? node->child[SMALLER] : node->child[LARGER];
    map->root = node->parent;
    if (node->parent) node->parent->child[node->parent->child[LARGER] == node] = NULL;
    node->parent = NULL;
    map->count--;
    return node;
}

struct skn_omap_node *skn_omap_first(const struct skn_omap *map)
{
    return outermost(map->root, SMALLER);
}

struct skn_omap_node *skn_omap_last(const struct skn_omap *map)
{
    return outermost(map->root, LARGER);
}

static struct skn_omap_node *neighbour(const struct skn_omap_node *node, int side)
{
    if (node->child[side]) return outermost(node->child[side], !side);
    struct skn_omap_node *up = node->parent;
    while (up && up->child[side] == node) {
        node = up;
        up = up->parent;
    }
    return up;
}

struct skn_omap_node *skn_omap_next(const struct skn_omap_node *node)
{
    return neighbour(node, LARGER);
}

struct skn_omap_node *skn_omap_prev(const struct skn_omap_node *node)
{
    return neighbour(node, SMALLER);
}

static void check_node(const struct skn_omap_node *node)
{
    uint32_t smaller = height(node->child[SMALLER]);
    uint32_t larger = height(node->child[LARGER]);
    SKN_ASSERT(node->height == 1 + (smaller > larger ? smaller : larger));
    SKN_ASSERT(smaller <= larger + 1);
    SKN_ASSERT(larger <= smaller + 1);
    SKN_ASSERT(node->head == head_of(node->key));
    for (int side = SMALLER; side <= LARGER; side++)
        if (node->child[side]) SKN_ASSERT(node->child[side]->parent == node);
}

void skn_omap_check(const struct skn_omap *map)
{
    if (map->root) SKN_ASSERT(!map->root->parent);
    size_t count = 0;
    const struct skn_omap_node *prev = NULL;
    for (const struct skn_omap_node *n = skn_omap_first(map); n; n = skn_omap_next(n)) {
        check_node(n);
        if (prev) SKN_ASSERT(skn_slice_cmp(prev->key, n->key) < 0);
        count++;
        SKN_ASSERT(count <= map->count); /* a ring ends here */
        prev = n;
    }
    SKN_ASSERT(count == map->count);
}
