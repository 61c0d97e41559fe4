/* bench_core.c - what a pure step costs: message to batch over the memory store, without a journal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "core/cx.h"

#include <stdio.h>
#include <stdlib.h>

enum { DOMAINS = 1000000, SLICES = 200000, GROUP = 64 };

struct work {
    uint64_t n;
    uint64_t domains; /* picked from; 1: always the same rows */
    bool fresh;       /* a domain that never was before, each time */
    bool has_id;      /* a request id each: an answer row and its expiry */
    uint64_t next;
    struct skn_rng rng;
    struct skn_store *store;
    struct skn_core *core;
    struct skn_core_options options;
};

/* A benchmark that fails has nothing to say. */
static void must(bool is_true, const char *what)
{
    if (is_true) return;
    (void)fprintf(stderr, "bench_core: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static enum skn_rc
counter_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    struct skn_slice bytes;
    int64_t n = 0;
    if (skn_cx_get(cx, SKN_LIT("n"), &bytes) == SKN_OK) n = skn_value_as_int(skn_value_view(bytes));
    n += skn_value_as_int(m->payload);
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n));
    skn_cx_reply(cx, skn_value_int(n));
    return SKN_OK;
}

static const struct skn_program counter = {
    .type = "Counter", .module = 1, .handle = counter_handle};
static const struct skn_program *const programs[] = {&counter, NULL};

static void submit(struct work *w, uint64_t domain)
{
    char address[48], id[32];
    int len = snprintf(address, sizeof address, "bench:Counter/%09lu", (unsigned long)domain);
    int id_len = w->has_id ? snprintf(id, sizeof id, "r%lu", (unsigned long)w->next++) : 0;
    const struct skn_request request = {.number = 1,
                                        .caller = SKN_LIT("bench"),
                                        .id = skn_slice(id, (size_t)id_len),
                                        .address = skn_slice(address, (size_t)len),
                                        .name = SKN_LIT("add"),
                                        .payload = skn_value_int(1),
                                        .priority = SKN_PRIORITY_NORMAL};
    must(skn_core_submit(w->core, &request, NULL) == SKN_OK, "submit");
}

/* What waits becomes records; they are durable as soon as they are made. */
static uint64_t settle(struct work *w)
{
    struct skn_record record = {0};
    struct skn_output out;
    uint64_t replies = 0;
    while (skn_core_step(w->core, 1000000, &record, NULL) == SKN_OK)
        continue;
    skn_core_durable(w->core, record.index);
    while (skn_core_next_output(w->core, &out))
        replies++;
    return replies;
}

static void make_shard(void *ctx)
{
    struct work *w = ctx;
    static const uint8_t secret[SKN_SECRET_BYTES] = "0123456789abcdef0123456789abcde";
    struct skn_record record;
    w->store = skn_store_memory_create();
    w->options = (struct skn_core_options){.store = w->store, .programs = programs};
    w->core = skn_core_create(&w->options);
    const struct skn_core_opening opening = {
        .secret = secret, .take_up_all = true, .writes_at_once = true};
    must(skn_core_open(w->core, &opening, NULL) == SKN_OK, "open");
    must(skn_core_step(w->core, 1000, &record, NULL) == SKN_OK, "the epoch's record");
    bool has_id = w->has_id;
    w->has_id = false;
    for (uint64_t i = 0; i < w->domains; i++) {
        submit(w, i);
        if (i % GROUP == GROUP - 1) (void)settle(w);
    }
    (void)settle(w);
    w->next = w->domains;
    w->has_id = has_id;
}

static void end_shard(void *ctx)
{
    struct work *w = ctx;
    skn_core_destroy(w->core);
    skn_store_destroy(w->store);
}

static void steps(void *ctx)
{
    struct work *w = ctx;
    uint64_t replies = 0;
    for (uint64_t i = 0; i < w->n; i++) {
        submit(w, w->fresh ? w->next++ : skn_rng_below(&w->rng, w->domains));
        if (i % GROUP == GROUP - 1) replies += settle(w);
    }
    replies += settle(w);
    must(replies == w->n, "a request had no answer");
}

/* What the state hash alone takes: the two rows of a domain as they come [E44]. Those that go kept
 * theirs. */
static double hash_ns(void)
{
    enum { TIMES = 1000000 };
    static const uint8_t bytes[64];
    struct skn_hash128 sum = {0};
    uint64_t begin = skn_bench_now_ns();
    for (int i = 0; i < TIMES; i++) {
        sum = skn_hash128_add(sum, skn_row_hash(skn_slice(bytes, 28), skn_slice(bytes, 50)));
        sum = skn_hash128_add(sum, skn_row_hash(skn_slice(bytes, 30), skn_slice(bytes, 9)));
        skn_bench_keep(&sum);
    }
    return (double)(skn_bench_now_ns() - begin) / TIMES;
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "core", argc, argv);
    uint64_t domains = skn_bench_n(&bench, DOMAINS);
    double memory_ns = skn_bench_memory_ns((size_t)512 << 20);
    const struct {
        const char *name;
        uint64_t domains;
        bool fresh, has_id;
        const char *limit;
        double limit_ns;
    } cases[] = {
        {"step: same rows", 1, false, false, "the hash of its two rows [E44]", hash_ns()},
        {"step: any of a million domains",
         domains,
         false,
         false,
         "two cache misses: its two rows",
         2 * memory_ns},
        {"step: a new domain each",
         1,
         true,
         false,
         "two cache misses: its two rows",
         2 * memory_ns},
        {"step: same rows, request ids",
         1,
         false,
         true,
         "the hash of its two rows [E44]",
         hash_ns()},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct work w = {.n = skn_bench_n(&bench, SLICES),
                         .domains = cases[i].domains,
                         .fresh = cases[i].fresh,
                         .has_id = cases[i].has_id};
        skn_rng_init(&w.rng, bench.seed);
        const struct skn_bench_case c = {.name = cases[i].name,
                                         .n = w.n,
                                         .before = make_shard,
                                         .after = end_shard,
                                         .run = steps,
                                         .ctx = &w,
                                         .limit = cases[i].limit,
                                         .limit_ns = cases[i].limit_ns};
        skn_bench_run(&bench, &c);
    }
    return skn_bench_end(&bench);
}
