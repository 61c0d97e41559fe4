/* bench_shard.c - durable slices: requests through core, journal and one sync per group. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "bench.h"
#include "core/cx.h"
#include "env/env_real.h"
#include "shard/shard.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { IN_FLIGHT_MAX = 256 };

/* Five rows are read and written per message: about 450 bytes of batch. */
static enum skn_rc
account_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    static const char text[] = "what an account keeps beside its sum, so that a row has a size";
    for (char key = 'a'; key <= 'e'; key++) {
        struct skn_slice row;
        uint8_t bytes[sizeof text + 8] = {0};
        if (skn_cx_get(cx, skn_slice(&key, 1), &row) == SKN_OK) memcpy(bytes, row.ptr, 8);
        bytes[0]++;
        memcpy(bytes + 8, text, sizeof text);
        skn_cx_put(cx, skn_slice(&key, 1), skn_slice(bytes, sizeof bytes));
    }
    skn_cx_reply(cx, m->payload);
    return SKN_OK;
}

static const struct skn_program account = {.type = "Account", .handle = account_handle};
static const struct skn_program *const programs[] = {&account, NULL};

struct work {
    struct skn_bench *bench;
    struct skn_shard *shard;
    char dir[64];
    uint64_t n;
    uint32_t in_flight;
    uint64_t domains; /* 0: a fresh one per message */
    uint64_t next;
    struct skn_rng rng;
    uint64_t began[IN_FLIGHT_MAX];
};

/* A benchmark that fails has nothing to say. */
static void must(enum skn_rc rc, const struct skn_diag *diag)
{
    if (rc == SKN_OK) return;
    (void)fprintf(stderr, "bench_shard: %s\n", diag->text);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void open_shard(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag;
    (void)snprintf(w->dir, sizeof w->dir, "bench-shard-XXXXXX");
    if (!mkdtemp(w->dir)) exit(1); /* NOLINT(concurrency-mt-unsafe) */
    char path[80];
    (void)snprintf(path, sizeof path, "%s/journal", w->dir);
    const struct skn_shard_options options = {
        .env = skn_env_real(), .dir = path, .programs = programs, .no_reserve = true};
    must(skn_shard_open(&options, &w->shard, &diag), &diag);
    w->next = 0;
    skn_rng_init(&w->rng, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void close_shard(void *ctx)
{
    struct work *w = ctx;
    (void)skn_shard_close(w->shard, NULL);
    (void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void submit(struct work *w, uint32_t slot)
{
    char address[64];
    uint64_t domain = w->domains ? skn_rng_below(&w->rng, w->domains) : w->next;
    (void)snprintf(address, sizeof address, "bench:Account/%llu", (unsigned long long)domain);
    const struct skn_request request = {.number = slot,
                                        .address = skn_slice_str(address),
                                        .name = SKN_LIT("add"),
                                        .payload = skn_value_int(1),
                                        .priority = SKN_PRIORITY_NORMAL};
    struct skn_diag diag;
    w->next++;
    w->began[slot] = skn_bench_now_ns();
    must(skn_core_submit(skn_shard_core(w->shard), &request, &diag), &diag);
}

static void run(void *ctx)
{
    struct work *w = ctx;
    uint64_t answered = 0;
    struct skn_diag diag;
    for (uint32_t slot = 0; slot < w->in_flight && w->next < w->n; slot++)
        submit(w, slot);
    while (answered < w->n) {
        bool more;
        struct skn_output out;
        must(skn_shard_turn(w->shard, &more, &diag), &diag);
        while (skn_core_next_output(skn_shard_core(w->shard), &out)) {
            skn_bench_sample(w->bench, skn_bench_now_ns() - w->began[out.number]);
            answered++;
            if (w->next < w->n) submit(w, (uint32_t)out.number);
        }
    }
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "shard", argc, argv);
    double sync_ns = skn_bench_sync_ns(".");
    static const struct {
        const char *name;
        uint32_t in_flight;
        uint64_t domains, n;
    } cases[] = {
        {"durable slice, 1 in flight, 1,000 domains", 1, 1000, 2000},
        {"durable slice, 16 in flight, 1,000 domains", 16, 1000, 20000},
        {"durable slice, 256 in flight, 1,000 domains", 256, 1000, 100000},
        {"durable slice, 256 in flight, 100,000 domains uniformly", 256, 100000, 100000},
        {"durable slice, 256 in flight, a fresh domain each", 256, 0, 100000},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct work *w = skn_alloc_zero(1, sizeof *w);
        w->bench = &bench;
        w->n = skn_bench_n(&bench, cases[i].n);
        w->in_flight = cases[i].in_flight;
        w->domains = cases[i].domains;
        const struct skn_bench_case c = {
            .name = cases[i].name,
            .n = w->n,
            .before = open_shard,
            .after = close_shard,
            .run = run,
            .ctx = w,
            .limit = "one 4 KiB pwrite and fdatasync, shared by all in flight",
            .limit_ns = sync_ns / cases[i].in_flight};
        skn_bench_run(&bench, &c);
        skn_free(w);
    }
    return skn_bench_end(&bench);
}
