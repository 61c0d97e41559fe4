/* reach_latency.c - one commit at a time beside a bare write and sync. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "drive.h"
#include "reach_cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { BLOCK = 4096, BLOCKS = 256, COMMITS = 1000 };

/* --- commit latency --------------------------------------------------------------------------------- */

static enum skn_rc
counter_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    struct skn_slice row;
    int64_t n = 0;
    if (skn_cx_get(cx, SKN_LIT("n"), &row) == SKN_OK) n = skn_value_as_int(skn_value_view(row));
    skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n + 1));
    skn_cx_reply(cx, m->payload);
    return SKN_OK;
}

static const struct skn_program counter = {.type = "Counter", .handle = counter_handle};
static const struct skn_program *const programs[] = {&counter, NULL};

struct work {
    struct skn_drive *drive;
    int fd;
    uint64_t n, done;
    uint64_t *took[2]; /* of ours, of the bare writes */
    uint64_t count[2];
};

static void ours_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    struct skn_output out;
    for (uint64_t i = 0; i < w->n; i++) {
        uint64_t began = skn_bench_now_ns();
        skn_drive_submit(w->drive, 1, "bench:Counter/1", SKN_LIT("add"), skn_value_int(1));
        do
            (void)skn_drive_turn(w->drive);
        while (!skn_drive_next(w->drive, &out));
        w->took[0][w->count[0]++] = skn_bench_now_ns() - began;
    }
    lap->n = w->n;
}

/* Over what was written before: no size changes, as in a prepared segment. */
static void bare_run(void *ctx, struct skn_lap *lap)
{
    static const uint8_t block[BLOCK] = {1};
    struct work *w = ctx;
    for (uint64_t i = 0; i < w->n; i++) {
        uint64_t began = skn_bench_now_ns();
        off_t at = (off_t)(w->done++ % BLOCKS) * BLOCK;
        if (pwrite(w->fd, block, BLOCK, at) != BLOCK || fdatasync(w->fd) != 0)
            skn_drive_fail("a bare write and sync");
        w->took[1][w->count[1]++] = skn_bench_now_ns() - began;
    }
    lap->n = w->n;
}

static void prepare_file(struct work *w, const char *path)
{
    static const uint8_t block[BLOCK];
    w->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    for (int i = 0; i < BLOCKS; i++)
        if (pwrite(w->fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK) skn_drive_fail(path);
    if (fsync(w->fd) != 0) skn_drive_fail(path);
}

static double us(const struct work *w, int side, unsigned per_mille)
{
    return (double)skn_bench_quantile(w->took[side], w->count[side], per_mille) / 1e3;
}

static void print_latency(struct skn_reach *reach, struct work *w, const struct skn_pairs *pairs)
{
    char note[200];
    skn_bench_sort(w->took[0], w->count[0]);
    skn_bench_sort(w->took[1], w->count[1]);
    (void)snprintf(
        note,
        sizeof note,
        "a bare write and sync took p50 %.1f us, p99 %.1f us; the goal is made of its p50",
        us(w, 1, 500),
        us(w, 1, 990));
    struct skn_figure figure = {.name = "commit latency, one in flight, p50",
                                .unit = "us",
                                .value = {us(w, 0, 500), pairs->ours.rate.spread},
                                .goal = us(w, 1, 500) + 50,
                                .goal_is = SKN_GOAL_MOST,
                                .cpu_us = pairs->ours.cpu_us.median,
                                .limit = us(w, 1, 500),
                                .limit_text = "the bare write and sync, p50",
                                .note = note};
    skn_reach_print(reach, &figure);
    figure.name = "commit latency, one in flight, p99";
    figure.value.median = us(w, 0, 990);
    figure.goal = 2 * us(w, 1, 500) + 100;
    figure.limit = us(w, 1, 990);
    figure.limit_text = "the bare write and sync, p99";
    skn_reach_print(reach, &figure);
}

void skn_reach_latency(struct skn_reach *reach)
{
    struct work w = {.n = skn_bench_n(reach->bench, COMMITS)};
    char dir[300], path[300];
    skn_reach_path(reach, "ours", dir, sizeof dir);
    skn_reach_path(reach, "bare", path, sizeof path);
    for (int side = 0; side < 2; side++)
        w.took[side] = skn_alloc(w.n * (SKN_REPS_MAX + 1) * sizeof(uint64_t));
    prepare_file(&w, path);
    w.drive = skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});
    const struct skn_side ours = {.name = "ours", .run = ours_run, .ctx = &w};
    const struct skn_side bare = {.name = "bare", .run = bare_run, .ctx = &w};
    const struct skn_pairs pairs = skn_pairs_run(&ours, &bare, reach->bench->reps, 6);
    print_latency(reach, &w, &pairs);
    skn_drive_kill(w.drive);
    (void)close(w.fd);
    (void)unlink(path);
    skn_drive_remove(dir);
    skn_free(w.took[0]);
    skn_free(w.took[1]);
}
