/* reach_checkpoint.c - how long a slice takes while a checkpoint runs, and while none does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/rng.h"
#include "drive.h"
#include "reach_cases.h"

#include <stdio.h>
#include <string.h>

enum { DOMAINS = 100000, IN_FLIGHT = 64, SLICES = 60000 };

/* The rows of reach_slices. */
static enum skn_rc
rows_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    for (char key = 'a'; key <= 'e'; key++) {
        struct skn_slice row;
        uint8_t bytes[72] = {0};
        enum skn_rc rc = skn_cx_get(cx, skn_slice(&key, 1), &row);
        if (rc == SKN_OK)
            memcpy(bytes, row.ptr, 8);
        else if (rc != SKN_ENOENT)
            return rc;
        bytes[0]++;
        skn_cx_put(cx, skn_slice(&key, 1), skn_slice(bytes, sizeof bytes));
    }
    skn_cx_reply(cx, m->payload);
    return SKN_OK;
}

static const struct skn_program rows = {.type = "Rows", .handle = rows_handle};
static const struct skn_program *const programs[] = {&rows, NULL};

struct work {
    struct skn_drive *drive;
    struct skn_rng rng;
    uint64_t n, domains;
    uint64_t began[IN_FLIGHT];
    uint64_t *took;
};

static void submit(struct work *w, uint64_t slot, uint64_t domain)
{
    char address[64];
    (void)snprintf(address, sizeof address, "bench:Rows/%lu", (unsigned long)domain);
    w->began[slot] = skn_bench_now_ns();
    skn_drive_submit(w->drive, slot, address, SKN_LIT("five"), skn_value_int(1));
}

/* `n` slices, with one checkpoint after the other or with none. True: what was wanted ran all along. */
static bool lap(struct work *w, bool is_filling, bool is_checkpointing)
{
    uint64_t next = 0, answered = 0, seen = 0, running = 0;
    struct skn_output out;
    for (; next < w->n && next < IN_FLIGHT; next++)
        submit(w, next, is_filling ? next : skn_rng_below(&w->rng, w->domains));
    while (answered < w->n) {
        bool runs = skn_drive_is_checkpointing(w->drive);
        if (is_checkpointing && !runs) skn_drive_checkpoint(w->drive);
        seen++;
        running += runs;
        (void)skn_drive_turn(w->drive);
        while (skn_drive_next(w->drive, &out)) {
            uint64_t slot = out.number;
            w->took[answered++] = skn_bench_now_ns() - w->began[slot];
            if (next >= w->n) continue;
            submit(w, slot, is_filling ? next : skn_rng_below(&w->rng, w->domains));
            next++;
        }
    }
    skn_bench_sort(w->took, w->n);
    return is_checkpointing ? running * 2 > seen : running * 10 < seen;
}

static double p99_ms(const struct work *w)
{
    return (double)skn_bench_quantile(w->took, w->n, 990) / 1e6;
}

static void no_checkpoint(struct work *w)
{
    while (skn_drive_is_checkpointing(w->drive))
        (void)skn_drive_turn(w->drive);
}

static void pairs(struct skn_reach *reach, struct work *w)
{
    double with[SKN_REPS_MAX], without[SKN_REPS_MAX], ratio[SKN_REPS_MAX];
    char note[200];
    unsigned count = 0, mixed = 0, reps = reach->bench->reps < 9 ? reach->bench->reps : 9;
    uint64_t began = skn_bench_now_ns(), checkpoints = skn_drive_checkpoints(w->drive);
    for (; count < reps && (count < 3 || skn_bench_now_ns() - began < 15000000000U); count++) {
        no_checkpoint(w);
        mixed += !lap(w, false, false);
        without[count] = p99_ms(w);
        mixed += !lap(w, false, true);
        with[count] = p99_ms(w);
        ratio[count] = with[count] / without[count];
    }
    checkpoints = skn_drive_checkpoints(w->drive) - checkpoints;
    const double with_ms = skn_stat_of(with, count).median;
    (void)snprintf(
        note,
        sizeof note,
        "%.2f ms with, %.2f ms without, %d in flight; %lu checkpoints; %u of %u laps mixed",
        with_ms,
        skn_stat_of(without, count).median,
        IN_FLIGHT,
        (unsigned long)checkpoints,
        mixed,
        2 * count);
    skn_reach_print(
        reach,
        &(struct skn_figure){.name = "slice p99 while a checkpoint runs, by that without",
                             .unit = "times",
                             .value = skn_stat_of(ratio, count),
                             .goal_is = SKN_GOAL_MOST,
                             .goal = 2,
                             .note = note});
}

void skn_reach_checkpoint(struct skn_reach *reach)
{
    struct work w = {.n = skn_bench_n(reach->bench, SLICES),
                     .domains = skn_bench_n(reach->bench, DOMAINS)};
    char dir[300];
    uint64_t most = w.n > w.domains ? w.n : w.domains, n = w.n;
    skn_rng_init(&w.rng, reach->bench->seed);
    w.took = skn_alloc(most * sizeof w.took[0]);
    skn_reach_path(reach, "ours", dir, sizeof dir);
    w.drive = skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});
    w.n = w.domains;
    (void)lap(&w, true, false);
    w.n = n;
    pairs(reach, &w);
    skn_drive_kill(w.drive);
    skn_drive_remove(dir);
    skn_free(w.took);
}
