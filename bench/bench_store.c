/* bench_store.c - rows of a shard in memory: a slice's reads and writes, checkpoints, memory; beside one
 * tree of all rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/omap.h"
#include "bench.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DOMAINS = 500000, SLICES = 200000, ROWS = 5, VALUE = 90, META = 50 };

struct work {
    uint64_t n, domains;
    bool fresh, has_backend, is_tree;
    struct skn_rng rng;
    uint64_t index, next;
    struct skn_buf batch;
    struct skn_backend *backend;
    struct skn_store *store;
    struct skn_omap tree;
    struct skn_hash128 state;
};

static void must(bool is_true, const char *what)
{
    if (is_true) return;
    (void)fprintf(stderr, "bench_store: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

enum { DIGITS_AT = 15, DIGITS = 9, NAME = DIGITS_AT + DIGITS, KEY_MAX = NAME + 6 };

/* Keys as the core makes them: 02 address 00 kind, and the name of the row. By hand: printf would take
 * longer than the store. */
static struct skn_slice key_of(uint64_t domain, int row, uint8_t out[64])
{
    memcpy(out, "\2bench:Counter/", DIGITS_AT);
    for (int i = DIGITS; i > 0; i--, domain /= 10)
        out[DIGITS_AT + i - 1] = (uint8_t)('0' + domain % 10);
    memcpy(out + NAME, row < 0 ? "\0\1" : "\0\x10row", row < 0 ? 2 : 5);
    if (row >= 0) out[NAME + 5] = (uint8_t)('0' + row);
    return skn_slice(out, (size_t)(row < 0 ? NAME + 2 : NAME + 6));
}

/* --- the peer: one tree ------------------------------------------------------------------------------ */

struct node {
    struct skn_omap_node node;
    struct skn_hash128 hash;
    size_t value_len;
    uint8_t bytes[];
};

static void tree_put(struct work *w, struct skn_slice key, struct skn_slice value)
{
    struct skn_omap_node *found = skn_omap_find(&w->tree, key);
    struct node *row = found ? SKN_CONTAINER_OF(found, struct node, node) : NULL;
    if (row) w->state = skn_hash128_sub(w->state, row->hash);
    if (!row) {
        row = skn_alloc(sizeof *row + key.len + value.len);
        memcpy(row->bytes, key.ptr, key.len);
        row->node = (struct skn_omap_node){.key = skn_slice(row->bytes, key.len)};
        row->value_len = value.len;
        must(!skn_omap_insert(&w->tree, &row->node), "a key twice");
    }
    must(row->value_len == value.len, "values of one length");
    memcpy(row->bytes + key.len, value.ptr, value.len);
    row->hash = skn_row_hash(key, value);
    w->state = skn_hash128_add(w->state, row->hash);
}

static void tree_apply(struct work *w)
{
    struct skn_slice rest = skn_buf_slice(&w->batch);
    struct skn_row_op op;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
        tree_put(w, op.key, op.value);
}

/* --- slices ------------------------------------------------------------------------------------------- */

static bool get(struct work *w, struct skn_slice key)
{
    struct skn_slice value;
    if (w->is_tree) return skn_omap_find(&w->tree, key) != NULL;
    enum skn_rc rc = skn_store_get(w->store, key, &value, NULL);
    must(rc == SKN_OK || rc == SKN_ENOENT, "get");
    return rc == SKN_OK;
}

static void slice(struct work *w, uint64_t domain)
{
    static const uint8_t zeros[VALUE];
    uint8_t bytes[64], value[VALUE];
    struct skn_slice meta = key_of(domain, -1, bytes);
    if (w->fresh && !w->is_tree) skn_store_fresh(w->store, skn_slice(meta.ptr, meta.len - 2));
    (void)get(w, meta);
    skn_buf_reset(&w->batch);
    memcpy(value, zeros, sizeof value);
    memcpy(value, &w->index, sizeof w->index);
    skn_batch_put(&w->batch, meta, skn_slice(value, META));
    for (int row = 0; row < ROWS - 1; row++)
        skn_batch_put(&w->batch, key_of(domain, row, bytes), skn_slice(value, VALUE));
    w->index++;
    if (w->is_tree)
        tree_apply(w);
    else
        must(skn_store_apply(w->store, w->index, w->index, skn_buf_slice(&w->batch), NULL) ==
                 SKN_OK,
             "apply");
}

/* Everything to the backend, as its thread would. */
static void checkpoint(struct work *w)
{
    struct skn_shard_position at = {.position = skn_store_mark(w->store)};
    struct skn_buf out;
    skn_buf_init(&out, 8 << 20);
    while (skn_store_next_dirty(w->store, &out, 1 << 20)) {
        must(skn_backend_write(w->backend, 0, skn_buf_slice(&out), NULL) == SKN_OK, "write");
        skn_buf_reset(&out);
    }
    must(skn_backend_commit(w->backend, &at, 1, NULL) == SKN_OK, "commit");
    skn_store_flushed(w->store);
    skn_buf_fini(&out);
}

static void begin(void *ctx)
{
    struct work *w = ctx;
    w->index = 0;
    w->next = w->domains;
    w->state = (struct skn_hash128){0};
    skn_omap_init(&w->tree);
    skn_buf_init(&w->batch, 1 << 16);
    w->backend = w->has_backend ? skn_backend_memory_create() : NULL;
    const struct skn_store_options options = {.backend = w->backend, .hash_seed = 1};
    must(skn_store_open(&options, &w->store, NULL) == SKN_OK, "open");
    bool fresh = w->fresh;
    w->fresh = false;
    for (uint64_t i = 0; i < w->domains; i++)
        slice(w, i);
    w->fresh = fresh;
}

static void end(void *ctx)
{
    struct work *w = ctx;
    struct skn_omap_node *node;
    while ((node = skn_omap_drain(&w->tree)))
        skn_free(SKN_CONTAINER_OF(node, struct node, node));
    skn_store_destroy(w->store);
    skn_backend_destroy(w->backend);
    skn_buf_fini(&w->batch);
}

static void slices(void *ctx)
{
    struct work *w = ctx;
    for (uint64_t i = 0; i < w->n; i++)
        slice(w, w->fresh ? w->next++ : skn_rng_below(&w->rng, w->domains));
}

/* What the state hash alone takes: the rows of a slice as they come, and as they were [E44]. */
static double hash_ns(void)
{
    enum { TIMES = 200000 };
    static const uint8_t bytes[128];
    struct skn_hash128 sum = {0};
    uint64_t begun = skn_bench_now_ns();
    for (int i = 0; i < TIMES; i++) {
        for (int row = 0; row < ROWS; row++)
            sum = skn_hash128_add(sum, skn_row_hash(skn_slice(bytes, 30), skn_slice(bytes, VALUE)));
        skn_bench_keep(&sum);
    }
    return (double)(skn_bench_now_ns() - begun) / TIMES;
}

/* --- checkpoints ---------------------------------------------------------------------------------------- */

/* All rows are dirty; what the store's thread spends on giving them, without the backend's part. */
static void give_all(void *ctx)
{
    struct work *w = ctx;
    struct skn_buf out;
    skn_buf_init(&out, 8 << 20);
    (void)skn_store_mark(w->store);
    while (skn_store_next_dirty(w->store, &out, 1 << 20))
        skn_buf_reset(&out);
    skn_store_flushed(w->store);
    skn_buf_fini(&out);
}

static void begin_clean(void *ctx)
{
    struct work *w = ctx;
    begin(ctx);
    checkpoint(w);
}

/* The first change of each row after a checkpoint: it moves from the clean list to the dirty one. */
static void touch_all(void *ctx)
{
    struct work *w = ctx;
    for (uint64_t i = 0; i < w->n; i++)
        slice(w, i);
}

/* --- memory, pauses ------------------------------------------------------------------------------------- */

static size_t resident(void)
{
    size_t pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    must(file && fscanf(file, "%zu %zu", &ignored, &pages) == 2, "statm");
    (void)fclose(file);
    return pages * 4096;
}

/* In a process of its own, whose memory nobody used before. */
static void show_memory(struct work *w, const char *what)
{
    (void)fflush(stdout);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child > 0) {
        must(waitpid(child, NULL, 0) == child, "wait");
        return;
    }
    size_t before = resident();
    begin(w);
    (void)printf(
        "%s: %.0f bytes resident per domain of %d rows (%d bytes of keys and values), %.0f "
        "counted\n",
        what,
        (double)(resident() - before) / (double)w->domains,
        ROWS,
        META + NAME + 2 + (ROWS - 1) * (VALUE + KEY_MAX),
        (double)skn_store_counts(w->store).bytes / (double)w->domains);
    (void)fflush(stdout);
    _exit(0);
}

/* What this thread computed, without what others did meanwhile. */
static uint64_t cpu_ns(void)
{
    struct timespec at;
    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at) == 0, "the clock");
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* The longest single slice while the tables grow; page faults of new memory are in it. */
static void show_pause(struct work *w)
{
    begin(w);
    uint64_t worst = 0, last = cpu_ns();
    for (uint64_t i = 0; i < w->n; i++) {
        slice(w, w->domains + i);
        uint64_t now = cpu_ns();
        if (now - last > worst) worst = now - last;
        last = now;
    }
    (void)printf("growing to %lu tables: the longest slice took %.3f ms of its thread\n",
                 (unsigned long)w->n,
                 (double)worst / 1e6);
    end(w);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "store", argc, argv);
    uint64_t n = skn_bench_n(&bench, SLICES), many = skn_bench_n(&bench, DOMAINS);
    double hashes_ns = hash_ns();
    double memory_ns = skn_bench_memory_ns((size_t)512 << 20);
    if (!bench.json && !bench.only) {
        show_memory(&(struct work){.domains = many}, "memory");
        show_memory(&(struct work){.domains = many, .has_backend = true}, "memory, a backend");
        show_memory(&(struct work){.domains = many, .is_tree = true}, "memory, one tree");
        show_pause(&(struct work){.n = 2 * many, .domains = 1});
    }
    const struct {
        const char *name;
        uint64_t domains;
        bool fresh, has_backend, is_tree;
    } cases[] = {
        {"slice: 64 domains", 64, false, false, false},
        {"slice: 64 domains, one tree", 64, false, false, true},
        {"slice: 64 domains, a backend", 64, false, true, false},
        {"slice: any of many domains", many, false, false, false},
        {"slice: any of many domains, one tree", many, false, false, true},
        {"slice: any of many domains, a backend", many, false, true, false},
        {"slice: a new domain each", 1, true, false, false},
        {"slice: a new domain each, one tree", 1, true, false, true},
        {"slice: a new domain each, a backend", 1, true, true, false},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct work w = {.n = n,
                         .domains = cases[i].domains,
                         .fresh = cases[i].fresh,
                         .has_backend = cases[i].has_backend,
                         .is_tree = cases[i].is_tree};
        skn_rng_init(&w.rng, bench.seed);
        const struct skn_bench_case c = {
            .name = cases[i].name,
            .n = n,
            .before = begin,
            .after = end,
            .run = slices,
            .ctx = &w,
            .limit = cases[i].domains == many ? "a cache miss for each of its rows"
                                              : "the hashes of its rows [E44]",
            .limit_ns = cases[i].domains == many ? ROWS * memory_ns : hashes_ns,
            .is_peer = cases[i].is_tree};
        skn_bench_run(&bench, &c);
    }
    struct work w = {.n = many, .domains = many, .has_backend = true};
    skn_bench_run(&bench,
                  &(struct skn_bench_case){.name = "checkpoint: a dirty row is given",
                                           .n = many * ROWS,
                                           .before = begin,
                                           .after = end,
                                           .run = give_all,
                                           .ctx = &w,
                                           .limit = "a cache miss",
                                           .limit_ns = memory_ns});
    skn_bench_run(&bench,
                  &(struct skn_bench_case){.name = "slice: the first after a checkpoint",
                                           .n = many,
                                           .before = begin_clean,
                                           .after = end,
                                           .run = touch_all,
                                           .ctx = &w,
                                           .limit = "a cache miss for each of its rows",
                                           .limit_ns = ROWS * memory_ns});
    return skn_bench_end(&bench);
}
