/* reach_sim.c - simulated steps per second on one core. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"
#include "reach_cases.h"
#include "sim/sim.h"

enum { SEEDS = 12, STEPS = 5000 };

struct work {
    uint64_t seeds, next;
};

static void sim_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    for (uint64_t i = 0; i < w->seeds; i++) {
        struct skn_sim_report report = {0};
        struct skn_diag diag = {0};
        const struct skn_sim_options options = {.seed = w->next++, .steps = STEPS};
        if (skn_sim_run(&options, &report, NULL, &diag) != SKN_OK) skn_drive_fail(diag.text);
        lap->n += report.steps;
    }
}

void skn_reach_sim(struct skn_reach *reach)
{
    struct work w = {.seeds = skn_bench_n(reach->bench, SEEDS), .next = reach->bench->seed};
    const struct skn_side ours = {.name = "ours", .run = sim_run, .ctx = &w};
    const struct skn_pairs pairs = skn_pairs_run(&ours, NULL, reach->bench->reps, 5);
    struct skn_figure figure = {.name = "simulated steps",
                                .unit = "steps/s",
                                .goal_is = SKN_GOAL_LEAST,
                                .goal = 100000,
                                .note = "whole node with faults and checkers, one thread"};
    skn_figure_pairs(&figure, &pairs, NULL);
    figure.per_sync = 0;
    skn_reach_print(reach, &figure);
}
