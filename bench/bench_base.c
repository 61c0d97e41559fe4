/* bench_base.c - the ordered map and the hash map beside what the C library has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/omap.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 100000, KEY_MAX = 40 };

/* A row as the store keeps it: the node and the key side by side. */
struct item {
    struct skn_omap_node node;
    char key[KEY_MAX]; /* NUL-terminated, because hsearch wants it */
};

struct work {
    uint64_t n;
    struct item *items;
    uint32_t *order; /* in which they are looked up */
    struct skn_omap omap;
    struct skn_hmap map;
    void *tree;               /* tsearch */
    struct hsearch_data hash; /* hsearch_r */
    struct item **sorted;     /* qsort and bsearch */
};

/* Two kinds of keys. Random ones differ in their first bytes. Rows of one run share a long
 * beginning, which is unkind to a map that keeps only the first bytes at hand. */
static void make_keys(struct work *w, struct skn_rng *rng, bool is_shared)
{
    for (uint64_t i = 0; i < w->n; i++) {
        unsigned long a = (unsigned long)skn_rng_u64(rng);
        char *key = w->items[i].key;
        int len = is_shared
                      ? snprintf(key, KEY_MAX, "run/3f9a6c11d0e2/context/%07lu", (unsigned long)i)
                      : snprintf(key, KEY_MAX, "%016lx%07lu", a, (unsigned long)i);
        w->items[i].node.key = skn_slice(key, (size_t)len);
        w->order[i] = (uint32_t)i;
    }
    for (uint64_t i = w->n - 1; i > 0; i--) {
        uint64_t j = skn_rng_below(rng, i + 1);
        uint32_t swap = w->order[i];
        w->order[i] = w->order[j];
        w->order[j] = swap;
    }
}

static struct item *nth(struct work *w, uint64_t i)
{
    return &w->items[w->order[i]];
}

static int compare_items(const void *a, const void *b)
{
    return skn_slice_cmp(((const struct item *)a)->node.key, ((const struct item *)b)->node.key);
}

static int compare_places(const void *a, const void *b)
{
    return compare_items(*(struct item *const *)a, *(struct item *const *)b);
}

/* --- ordered ---------------------------------------------------------------------------------- */

static void omap_empty(void *ctx)
{
    skn_omap_init(&((struct work *)ctx)->omap);
}

static void omap_insert(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_bench_keep(skn_omap_insert(&w->omap, &nth(w, i)->node));
}

static void omap_find(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_bench_keep(skn_omap_find(&w->omap, nth(w, w->n - 1 - i)->node.key));
}

static void omap_walk(void *ctx)
{
    struct work *w = ctx;
    for (struct skn_omap_node *n = skn_omap_first(&w->omap); n; n = skn_omap_next(n))
        skn_bench_keep(n);
}

static void omap_fill(void *ctx)
{
    struct work *w = ctx;
    omap_empty(ctx);
    for (uint64_t i = 0; i < w->n; i++)
        omap_insert(ctx, i);
}

static void omap_remove(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_omap_remove(&w->omap, &nth(w, w->n - 1 - i)->node);
}

static void tree_insert(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_bench_keep(tsearch(nth(w, i), &w->tree, compare_items));
}

static void tree_find(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_bench_keep(tfind(nth(w, w->n - 1 - i), &w->tree, compare_items));
}

static void tree_remove(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    (void)tdelete(nth(w, w->n - 1 - i), &w->tree, compare_items);
}

static void keep_item(void *item)
{
    (void)item;
}

static void tree_empty(void *ctx)
{
    struct work *w = ctx;
    tdestroy(w->tree, keep_item);
    w->tree = NULL;
}

static void tree_fill(void *ctx)
{
    struct work *w = ctx;
    tree_empty(ctx);
    for (uint64_t i = 0; i < w->n; i++)
        tree_insert(ctx, i);
}

static void array_fill(void *ctx)
{
    struct work *w = ctx;
    for (uint64_t i = 0; i < w->n; i++)
        w->sorted[i] = nth(w, i);
}

static void array_sort(void *ctx)
{
    struct work *w = ctx;
    qsort(w->sorted, w->n, sizeof w->sorted[0], compare_places);
}

static void array_find(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    struct item *item = nth(w, w->n - 1 - i);
    skn_bench_keep(bsearch(&item, w->sorted, w->n, sizeof w->sorted[0], compare_places));
}

static void array_walk(void *ctx)
{
    struct work *w = ctx;
    size_t len = 0;
    for (uint64_t i = 0; i < w->n; i++)
        len += w->sorted[i]->node.key.len; /* touches the row, as the walk of the tree does */
    skn_bench_keep(&len);
}

/* --- hashed ----------------------------------------------------------------------------------- */

static void map_empty(void *ctx)
{
    struct work *w = ctx;
    skn_hmap_fini(&w->map);
    skn_hmap_init(&w->map, 1);
}

static void map_add(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_hmap_add(&w->map, nth(w, i)->node.key, NULL)->value = nth(w, i);
}

static void map_fill(void *ctx)
{
    struct work *w = ctx;
    map_empty(ctx);
    for (uint64_t i = 0; i < w->n; i++)
        map_add(ctx, i);
}

static void map_find(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_bench_keep(skn_hmap_find(&w->map, nth(w, w->n - 1 - i)->node.key));
}

static void map_remove(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    skn_bench_keep(skn_hmap_remove(&w->map, nth(w, w->n - 1 - i)->node.key));
}

static void hash_empty(void *ctx)
{
    struct work *w = ctx;
    hdestroy_r(&w->hash);
    w->hash = (struct hsearch_data){0};
    SKN_ASSERT(hcreate_r(w->n * 2, &w->hash) != 0);
}

static void hash_add(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    ENTRY *found = NULL;
    SKN_ASSERT(hsearch_r((ENTRY){nth(w, i)->key, nth(w, i)}, ENTER, &found, &w->hash) != 0);
    skn_bench_keep(found);
}

static void hash_fill(void *ctx)
{
    struct work *w = ctx;
    hash_empty(ctx);
    for (uint64_t i = 0; i < w->n; i++)
        hash_add(ctx, i);
}

static void hash_find(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    ENTRY *found = NULL;
    SKN_ASSERT(hsearch_r((ENTRY){nth(w, w->n - 1 - i)->key, NULL}, FIND, &found, &w->hash) != 0);
    skn_bench_keep(found);
}

/* --- cases ------------------------------------------------------------------------------------ */

struct spec {
    const char *what;
    void (*before)(void *ctx);
    void (*op)(void *ctx, uint64_t i);
    void (*run)(void *ctx);
    bool is_peer;
    bool only_random; /* hsearch adds characters up: for rows it takes 1,000 times as long */
};

static const struct spec specs[] = {
    {.what = "omap insert", .before = omap_empty, .op = omap_insert},
    {.what = "  tsearch insert", .before = tree_empty, .op = tree_insert, .is_peer = true},
    {.what = "  qsort of all, per key", .before = array_fill, .run = array_sort, .is_peer = true},
    {.what = "omap find", .before = omap_fill, .op = omap_find},
    {.what = "  tfind", .before = tree_fill, .op = tree_find, .is_peer = true},
    {.what = "  bsearch in a sorted array", .op = array_find, .is_peer = true},
    {.what = "omap walk", .run = omap_walk},
    {.what = "  sorted array walk", .run = array_walk, .is_peer = true},
    {.what = "omap remove", .before = omap_fill, .op = omap_remove},
    {.what = "  tdelete", .before = tree_fill, .op = tree_remove, .is_peer = true},
    {.what = "map add", .before = map_empty, .op = map_add},
    {.what = "  hsearch enter",
     .before = hash_empty,
     .op = hash_add,
     .is_peer = true,
     .only_random = true},
    {.what = "map find", .before = map_fill, .op = map_find},
    {.what = "  hsearch find",
     .before = hash_fill,
     .op = hash_find,
     .is_peer = true,
     .only_random = true},
    {.what = "map remove", .before = map_fill, .op = map_remove},
};

static void bench_keys(struct skn_bench *bench, struct work *w, bool is_shared)
{
    struct skn_rng rng;
    skn_rng_init(&rng, bench->seed);
    make_keys(w, &rng, is_shared);
    array_fill(w);
    array_sort(w);
    omap_fill(w);
    double memory_ns = skn_bench_memory_ns(w->n * sizeof w->items[0]);
    for (size_t i = 0; i < SKN_ARRAY_LEN(specs); i++) {
        if (is_shared && specs[i].only_random) continue;
        char name[80];
        (void)snprintf(
            name, sizeof name, "%s, %s keys", specs[i].what, is_shared ? "row" : "random");
        skn_bench_run(
            bench,
            &(struct skn_bench_case){.name = name,
                                     .n = w->n,
                                     .before = specs[i].before,
                                     .op = specs[i].op,
                                     .run = specs[i].run,
                                     .ctx = w,
                                     .limit = "one random access to the rows that waits for the "
                                              "one before; several at once overlap",
                                     .limit_ns = memory_ns,
                                     .is_peer = specs[i].is_peer});
    }
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "base", argc, argv);
    struct work w = {.n = skn_bench_n(&bench, KEYS)};
    w.items = skn_alloc_zero(w.n, sizeof w.items[0]);
    w.order = skn_alloc_zero(w.n, sizeof w.order[0]);
    w.sorted = skn_alloc_zero(w.n, sizeof(struct item *));
    skn_hmap_init(&w.map, 1);
    bench_keys(&bench, &w, false);
    bench_keys(&bench, &w, true);
    tree_empty(&w);
    hdestroy_r(&w.hash);
    skn_hmap_fini(&w.map);
    skn_free(w.items);
    skn_free(w.order);
    skn_free(w.sorted);
    return skn_bench_end(&bench);
}
