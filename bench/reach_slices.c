/* reach_slices.c - durable slices of five rows, kind and unkind, in turn with RocksDB. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"
#include "reach_cases.h"
#include "sync_count.h"
#ifdef HAVE_ROCKSDB
#    include "peer_rocksdb.h"
#endif

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTLING = 4 }; /* a slice for so many domains that were filled */
enum { HOT = 64, COLD = 1000000, IN_FLIGHT = 256, IN_FLIGHT_SLOW = 4096, SLICES = 60000 };

/* An account: five rows are read and written, about 450 bytes of batch. */
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
    struct skn_drive *drive;
    uint64_t domains; /* picked from; 0: a fresh one per slice */
    uint64_t in_flight;
    uint64_t n;     /* slices of one repetition */
    uint64_t at[2]; /* the next slice of ours and of the peer's */
    uint64_t delay_ns;
    double per_sync; /* of ours */
    void *peer;
};

/* The same function of the slice's number for both. */
static void address_of(void *ctx, uint64_t i, char *out)
{
    const struct work *w = ctx;
    uint64_t domain = i;
    if (w->domains) { /* splitmix64 of the number */
        uint64_t z = i * 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        domain = (z ^ (z >> 31)) % w->domains;
    }
    (void)snprintf(out, 64, "bench:Account/%lu", (unsigned long)domain);
}

static void submit(struct work *w, uint64_t i)
{
    char address[64];
    address_of(w, i, address);
    skn_drive_submit(w->drive, i, address, SKN_LIT("add"), skn_value_int(1));
}

static void ours_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    uint64_t next = w->at[0], end = next + w->n, answered = 0;
    struct skn_output out;
    skn_sync_delay(w->delay_ns);
    while (next < end && next - w->at[0] < w->in_flight)
        submit(w, next++);
    while (answered < w->n) {
        (void)skn_drive_turn(w->drive);
        for (; skn_drive_next(w->drive, &out); answered++)
            if (next < end) submit(w, next++);
    }
    skn_sync_delay(0);
    w->at[0] = end;
    lap->n = w->n;
}

/* Every domain has its rows before the first repetition; ours by slices, as everything of ours. */
static void ours_fill(struct work *w, uint64_t count)
{
    uint64_t next = 0, answered = 0;
    struct skn_output out;
    char address[64];
    while (answered < count) {
        for (; next < count && next - answered < IN_FLIGHT_SLOW; next++) {
            (void)snprintf(address, sizeof address, "bench:Account/%lu", (unsigned long)next);
            skn_drive_submit(w->drive, next, address, SKN_LIT("add"), skn_value_int(1));
        }
        (void)skn_drive_turn(w->drive);
        while (skn_drive_next(w->drive, &out))
            answered++;
    }
}

/* A fill leaves behind what no steady state has: all rows in memory, to be forgotten a few with each
 * slice, and files that are merged beside them. The figure is of what comes after that. */
static void ours_settle(struct work *w, uint64_t slices)
{
    struct work one = *w;
    struct skn_lap lap = {0};
    one.n = slices;
    if (slices > 0) ours_run(&one, &lap);
    w->at[0] = one.at[0];
}

/* --- the peer -------------------------------------------------------------------------------------- */

#ifdef HAVE_ROCKSDB
static void peer_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    skn_sync_delay(w->delay_ns);
    skn_peer_write(w->peer, w->at[1], w->n, address_of, w, lap);
    skn_sync_delay(0);
    w->at[1] += w->n;
}

struct
try {
    struct skn_peer_options options;
    double rate, per_sync;
};

/* A short one, with a database opened for it. */
static struct try try_options(struct work *w, const char *dir, struct skn_peer_options options)
{
    struct work one = *w;
    struct skn_lap lap = {0};
    one.n = w->n / 3 + 1;
    one.peer = skn_peer_open(dir, &options);
    peer_run(&one, &lap); /* the log files come to be recycled */
    uint64_t began = skn_bench_now_ns();
    peer_run(&one, &lap);
    double took = (double)(skn_bench_now_ns() - began) / 1e9, n = (double)lap.n;
    w->at[1] = one.at[1];
    skn_peer_close(one.peer);
    return (struct try){options, n / took, n / (double)(lap.syncs > 0 ? lap.syncs : 1)};
}

/* What is fastest; and what is fastest with as many slices per sync as ours, so that the comparison is
 * not void. */
struct best {
    struct try any, whole;
};

static void try_one(struct work *w, const char *dir, struct skn_peer_options o, struct best *best)
{
    struct try t = try_options(w, dir, o);
    if (t.rate > best->any.rate) best->any = t;
    if (t.per_sync >= w->per_sync && t.rate > best->whole.rate) best->whole = t;
}

/* The writer count and grouping best for it, then the other options with these. More may be in
 * flight than ours has: one group of its can fill while another is synced. */
static struct skn_peer_options tune(struct skn_reach *reach, struct work *w, const char *dir)
{
    static const unsigned writers[] = {1, 4, 16, 64, 256};
    struct best best = {0};
    char text[256];
    for (size_t i = 0; i < SKN_ARRAY_LEN(writers); i++)
        try_one(w,
                dir,
                (struct skn_peer_options){.writers = writers[i],
                                          .per_write = (unsigned)w->in_flight / writers[i],
                                          .recycled = true,
                                          .memtable_mb = 16},
                &best);
    const struct skn_peer_options base = best.any.options;
    struct skn_peer_options others[] = {base, base, base, base, base};
    others[0].pipelined = true;
    others[1].memtable_mb = 64;
    others[2].recycled = false;
    others[3].writers *= 2;
    others[4].writers *= 4;
    for (size_t i = 0; i < SKN_ARRAY_LEN(others); i++)
        try_one(w, dir, others[i], &best);
    const struct try *chosen = best.whole.rate > 0 ? &best.whole : &best.any;
    skn_peer_describe(&chosen->options, text, sizeof text);
    skn_reach_tell(reach, "RocksDB, best of 10 tries: %s", text);
    if (best.any.rate > chosen->rate)
        skn_reach_tell(
            reach,
            "it was %.2f times as fast with %u writers and %u slices in a WriteBatch, but "
            "had only %.0f slices per sync",
            best.any.rate / chosen->rate,
            best.any.options.writers,
            best.any.options.per_write,
            best.any.per_sync);
    return chosen->options;
}
#endif

/* --- figures ---------------------------------------------------------------------------------------- */

struct spec {
    const char *name;
    uint64_t domains, in_flight, delay_ns;
    double goal, ratio_goal;
};

/* For a profile: nothing of the peer's is in it. */
static bool is_alone(void)
{
    return getenv("SKEIN_BENCH_ALONE") != NULL; /* NOLINT: no thread changes it */
}

static void open_both(struct skn_reach *reach, struct work *w, char dirs[2][300])
{
    skn_reach_path(reach, "ours", dirs[0], 300);
    skn_reach_path(reach, "rocksdb", dirs[1], 300);
    w->drive = skn_drive_open(&(struct skn_drive_options){.dir = dirs[0], .programs = programs});
    uint64_t filled = w->domains == COLD ? skn_bench_n(reach->bench, w->domains) : 0;
    if (filled > w->domains) filled = w->domains;
    ours_fill(w, filled);
    ours_settle(w, filled / SETTLING);
#ifdef HAVE_ROCKSDB
    if (is_alone()) return;
    struct skn_lap lap = {0};
    uint64_t syncs = skn_sync_count();
    ours_run(w, &lap);
    w->per_sync = (double)lap.n / (double)(skn_sync_count() - syncs);
    const struct skn_peer_options filling = {.writers = 1, .per_write = 1, .memtable_mb = 64};
    struct skn_peer *rocks = skn_peer_open(dirs[1], &filling);
    skn_peer_fill(rocks, filled);
    skn_peer_close(rocks);
    const struct skn_peer_options best = tune(reach, w, dirs[1]);
    w->peer = skn_peer_open(dirs[1], &best);
#endif
}

static void close_both(struct work *w, char dirs[2][300])
{
    skn_drive_kill(w->drive); /* a clean stop is not what is measured */
    skn_drive_remove(dirs[0]);
#ifdef HAVE_ROCKSDB
    if (!w->peer) return;
    skn_peer_close(w->peer);
    skn_drive_remove(dirs[1]);
#endif
}

static void compare(struct skn_reach *reach, const struct spec *spec)
{
    struct work w = {.domains = spec->domains,
                     .in_flight = spec->in_flight,
                     .n = skn_bench_n(reach->bench, SLICES),
                     .delay_ns = spec->delay_ns};
    char dirs[2][300];
    open_both(reach, &w, dirs);
    const struct skn_side ours = {.name = "ours", .run = ours_run, .ctx = &w};
    struct skn_side peer = {.name = "RocksDB", .ctx = &w};
#ifdef HAVE_ROCKSDB
    if (w.peer) peer.run = peer_run;
#endif
    const struct skn_pairs pairs = skn_pairs_run(&ours, &peer, reach->bench->reps, 8);
    struct skn_figure figure = {.name = spec->name,
                                .unit = "slices/s",
                                .goal_is = spec->goal > 0 ? SKN_GOAL_LEAST : SKN_GOAL_NONE,
                                .goal = spec->goal,
                                .ratio_goal = spec->ratio_goal,
                                .limit = (double)spec->in_flight * 1e9 /
                                         (reach->sync_ns + (double)spec->delay_ns),
                                .limit_text = "one sync shared by all in flight"};
    skn_figure_pairs(&figure, &pairs, peer.run ? peer.name : NULL);
    if (!peer.run) figure.note = is_alone() ? "alone, as asked" : "built without RocksDB: no peer";
    skn_reach_print(reach, &figure);
    close_both(&w, dirs);
}

void skn_reach_slices(struct skn_reach *reach)
{
    compare(reach, &(struct spec){"durable slices, 64 domains", HOT, IN_FLIGHT, 0, 250000, 3});
}

void skn_reach_uniform(struct skn_reach *reach)
{
    compare(reach,
            &(struct spec){"durable slices, 1e6 domains uniformly", COLD, IN_FLIGHT, 0, 0, 1.5});
}

void skn_reach_fresh(struct skn_reach *reach)
{
    compare(reach, &(struct spec){"durable slices, a fresh domain each", 0, IN_FLIGHT, 0, 0, 1.5});
}

/* The third twin: a disk that takes 1 ms more is to cost at most a tenth when 4,096 are in flight. The
 * peer of this pair is ours with 256 in flight on the disk as it is. */
void skn_reach_slow_disk(struct skn_reach *reach)
{
    struct work kind = {
        .domains = HOT, .in_flight = IN_FLIGHT, .n = skn_bench_n(reach->bench, SLICES)};
    char dir[300];
    skn_reach_path(reach, "ours", dir, sizeof dir);
    kind.drive = skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});
    struct work slow = kind;
    slow.in_flight = IN_FLIGHT_SLOW;
    slow.delay_ns = 1000000;
    const struct skn_side ours = {.name = "slow", .run = ours_run, .ctx = &slow};
    const struct skn_side peer = {.name = "kind", .run = ours_run, .ctx = &kind};
    const struct skn_pairs pairs = skn_pairs_run(&ours, &peer, reach->bench->reps, 6);
    struct skn_figure figure = {.name = "durable slices, 4,096 in flight, +1 ms per sync",
                                .unit = "slices/s",
                                .ratio_goal = 0.9,
                                .limit = IN_FLIGHT_SLOW * 1e9 / (reach->sync_ns + 1e6),
                                .limit_text = "one sync shared by all in flight"};
    skn_figure_pairs(&figure, &pairs, "ours, kind, 256 in flight");
    figure.void_reason = NULL; /* fewer syncs are the point of it */
    skn_reach_print(reach, &figure);
    skn_drive_kill(kind.drive);
    skn_drive_remove(dir);
    const struct spec beside = {"durable slices, 4,096 in flight, +1 ms per sync, beside RocksDB",
                                HOT,
                                IN_FLIGHT_SLOW,
                                1000000,
                                0,
                                0};
    compare(reach, &beside);
}
