/* reach_hops.c - messages between two domains: inside a shard, and between shards on two threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"
#include "reach_cases.h"

#include <stdio.h>

enum { BALLS = 256, HOPS = 200000, NAMES = 64, STILL_MS = 30000 };

/* The first of a pair, and the partner by one of so many names, so that one fits the wanted shard. */
static void first_name(char *out, unsigned pair)
{
    (void)snprintf(out, 64, "bench:Echo/%u/a", pair);
}

static int partner_name(char *out, unsigned pair, unsigned name)
{
    return snprintf(out, 64, "bench:Echo/%u/b%u", pair, name);
}

/* Sends every message back where it came from; a request throws the first one, to the partner that
 * its payload names. */
static enum skn_rc
echo_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    char partner[64];
    struct skn_slice to = m->sender;
    if (m->kind == SKN_MESSAGE_REQUEST) {
        unsigned both = (unsigned)skn_value_as_int(m->payload);
        to = skn_slice(partner, (size_t)partner_name(partner, both / NAMES, both % NAMES));
    }
    skn_cx_send(cx, to, SKN_PRIORITY_NORMAL, SKN_LIT("hop"), skn_value_int(1));
    return SKN_OK;
}

static const struct skn_program echo = {.type = "Echo", .handle = echo_handle};
static const struct skn_program *const programs[] = {&echo, NULL};

struct work {
    struct skn_drive *drive;
    uint64_t n;
};

/* False: nothing moved for seconds. */
static bool do_hops(struct work *w)
{
    struct skn_output out;
    uint64_t from = skn_drive_slices(w->drive), done = 0, moved_ms = skn_drive_now_ms(w->drive);
    while (done < w->n) {
        (void)skn_drive_turn(w->drive);
        while (skn_drive_next(w->drive, &out))
            continue;
        uint64_t now_ms = skn_drive_now_ms(w->drive), seen = skn_drive_slices(w->drive) - from;
        if (seen > done) moved_ms = now_ms;
        if (now_ms > moved_ms + STILL_MS) return false;
        done = seen;
    }
    return true;
}

static void hops_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    uint64_t from = skn_drive_slices(w->drive);
    if (!do_hops(w)) skn_drive_fail("the balls stand still");
    lap->n = skn_drive_slices(w->drive) - from;
}

/* Every pair throws one ball, for ever. With one shard any partner does, with more one elsewhere. */
static void throw_balls(struct skn_drive *drive, bool is_elsewhere)
{
    for (unsigned pair = 0; pair < BALLS; pair++) {
        char first[64], partner[64];
        unsigned name = 0;
        first_name(first, pair);
        uint32_t home = skn_drive_shard_of(drive, first);
        for (; is_elsewhere && name + 1 < NAMES; name++) {
            (void)partner_name(partner, pair, name);
            if (skn_drive_shard_of(drive, partner) != home) break;
        }
        skn_drive_submit(drive, pair, first, SKN_LIT("start"), skn_value_int(pair * NAMES + name));
    }
}

/* False: messages do not get from shard to shard. */
static bool measure(struct skn_reach *reach, unsigned shards, struct skn_pairs *out)
{
    struct work w = {.n = skn_bench_n(reach->bench, HOPS)};
    char dir[300];
    skn_reach_path(reach, "ours", dir, sizeof dir);
    w.drive = skn_drive_open(&(struct skn_drive_options){
        .dir = dir, .programs = programs, .shards = shards, .workers = shards});
    throw_balls(w.drive, shards > 1);
    const struct skn_side ours = {.name = "ours", .run = hops_run, .ctx = &w};
    struct work first = {.drive = w.drive, .n = 4 * BALLS}; /* there and back, for every ball */
    bool moves = do_hops(&first);
    if (moves) *out = skn_pairs_run(&ours, NULL, reach->bench->reps, 5);
    skn_drive_kill(w.drive);
    skn_drive_remove(dir);
    return moves;
}

static void
print(struct skn_reach *reach, const char *name, const struct skn_pairs *pairs, double goal)
{
    struct skn_figure figure = {.name = name,
                                .unit = "hops/s",
                                .goal_is = SKN_GOAL_LEAST,
                                .goal = goal,
                                .limit = BALLS * 1e9 / reach->sync_ns,
                                .limit_text = "one sync shared by 256 balls",
                                .note = "256 pairs of domains throw one ball each"};
    skn_figure_pairs(&figure, pairs, NULL);
    skn_reach_print(reach, &figure);
}

void skn_reach_hops(struct skn_reach *reach)
{
    struct skn_pairs pairs;
    if (!measure(reach, 1, &pairs)) skn_drive_fail("the balls stand still");
    print(reach, "message hop between domains of one shard", &pairs, 500000);
    skn_reach_print(reach,
                    &(struct skn_figure){.name = "CPU per message hop",
                                         .unit = "us",
                                         .value = pairs.ours.cpu_us,
                                         .goal_is = SKN_GOAL_MOST,
                                         .goal = 2});
}

void skn_reach_between(struct skn_reach *reach)
{
    static const char between[] = "message hop between two shards on two threads";
    struct skn_pairs pairs;
    if (measure(reach, 2, &pairs))
        print(reach, between, &pairs, 200000);
    else
        skn_reach_skip(reach, between, "messages do not get from shard to shard yet");
}
