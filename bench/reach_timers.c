/* reach_timers.c - a million timers armed, ten thousand a second firing: lateness and memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "drive.h"
#include "reach_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DOMAINS = 1000, PER_DOMAIN = 1000, FIRE_MS = 8000, PER_S = 10000, HOUR_MS = 3600000 };

static uint64_t base_ms, period_ms, per_domain; /* fixed before the first message: inputs of P4 */

static void arm(struct skn_cx *cx, uint64_t due_ms)
{
    skn_cx_timer_set(cx, due_ms, skn_slice(&due_ms, sizeof due_ms));
}

/* A request arms the domain's share, spread over the period. A timer is armed again one period later,
 * so that as many stay armed, and says when it had been due. */
static enum skn_rc
timer_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    uint64_t due_ms;
    if (m->kind == SKN_MESSAGE_TIMER) {
        memcpy(&due_ms, m->tag.ptr, sizeof due_ms);
        arm(cx, due_ms + period_ms);
        skn_cx_signal(cx, SKN_LIT("fired"), skn_value_int((int64_t)due_ms));
        return SKN_OK;
    }
    uint64_t number = (uint64_t)skn_value_as_int(m->payload);
    for (uint64_t i = 0; i < per_domain; i++)
        arm(cx, base_ms + (i * DOMAINS + number) * period_ms / (per_domain * DOMAINS));
    return SKN_OK;
}

static const struct skn_program timer = {.type = "Timer", .handle = timer_handle};
static const struct skn_program *const programs[] = {&timer, NULL};

static double rss_mb(void)
{
    char line[128] = "", *at = line;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || !fgets(line, sizeof line, f)) skn_drive_fail("/proc/self/statm");
    (void)fclose(f);
    (void)strtoul(at, &at, 10);
    return (double)strtoul(at, &at, 10) * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void arm_domains(struct skn_drive *drive, uint64_t from, uint64_t to)
{
    struct skn_output out;
    for (uint64_t i = from; i < to; i++) {
        char address[64];
        (void)snprintf(address, sizeof address, "bench:Timer/%lu", (unsigned long)i);
        skn_drive_submit(drive, i, address, SKN_LIT("arm"), skn_value_int((int64_t)i));
        do
            (void)skn_drive_turn(drive);
        while (!skn_drive_next(drive, &out));
    }
}

struct fired {
    uint64_t *late_ms;
    uint64_t count, max;
    uint64_t
        from_ms; /* what was due earlier is not looked at: arming may still have been at work */
    double rss_mb[2]; /* after a quarter of the time, at its end */
    double cpu_s, wall_s;
};

static void take_signals(struct skn_drive *drive, struct fired *fired)
{
    struct skn_output out;
    while (skn_drive_next(drive, &out)) {
        if (out.kind != SKN_OUTPUT_SIGNAL || fired->count == fired->max) continue;
        uint64_t due = (uint64_t)skn_value_as_int(skn_value_view(out.value));
        uint64_t now = skn_drive_now_ms(drive);
        if (due < fired->from_ms) continue;
        fired->late_ms[fired->count++] = now > due ? now - due : 0;
    }
}

static void turn(struct skn_drive *drive, struct fired *fired)
{
    if (!skn_drive_turn(drive)) skn_drive_wait(drive, 10);
    take_signals(drive, fired);
}

static void fire(struct skn_drive *drive, uint64_t for_ms, struct fired *fired)
{
    while (skn_drive_now_ms(drive) < fired->from_ms)
        turn(drive, fired);
    double cpu = skn_reach_cpu_s();
    uint64_t began = skn_bench_now_ns();
    while (skn_drive_now_ms(drive) < fired->from_ms + for_ms) {
        turn(drive, fired);
        if (fired->rss_mb[0] <= 0 && skn_drive_now_ms(drive) > fired->from_ms + for_ms / 4)
            fired->rss_mb[0] = rss_mb();
    }
    fired->rss_mb[1] = rss_mb();
    fired->cpu_s = skn_reach_cpu_s() - cpu;
    fired->wall_s = (double)(skn_bench_now_ns() - began) / 1e9;
}

static void print(struct skn_reach *reach, struct fired *fired)
{
    char note[160];
    double rate = (double)fired->count / fired->wall_s;
    if (fired->count == 0) skn_drive_fail("no timer fired");
    skn_bench_sort(fired->late_ms, fired->count);
    (void)snprintf(note,
                   sizeof note,
                   "%.0f fired a second until durable, p50 %lu ms, max %lu ms",
                   rate,
                   (unsigned long)skn_bench_quantile(fired->late_ms, fired->count, 500),
                   (unsigned long)fired->late_ms[fired->count - 1]);
    const double p99 = (double)skn_bench_quantile(fired->late_ms, fired->count, 990);
    skn_reach_print(reach,
                    &(struct skn_figure){.name = "1e6 timers armed, 10,000/s firing: p99 lateness",
                                         .unit = "ms",
                                         .value = {p99, 0},
                                         .goal = 20,
                                         .goal_is = SKN_GOAL_MOST,
                                         .cpu_us = fired->cpu_s * 1e6 / (double)fired->count,
                                         .note = note});
    (void)snprintf(note, sizeof note, "%.0f MB at the end", fired->rss_mb[1]);
    skn_reach_print(
        reach,
        &(struct skn_figure){.name = "1e6 timers, 10,000/s firing: memory grew by",
                             .unit = "%",
                             .value = {100 * (fired->rss_mb[1] / fired->rss_mb[0] - 1), 0},
                             .goal = 1,
                             .goal_is = SKN_GOAL_MOST,
                             .note = note});
}

void skn_reach_timers(struct skn_reach *reach)
{
    enum { REHEARSED = 20 };
    char dir[300];
    struct fired fired = {0};
    uint64_t for_ms = skn_bench_n(reach->bench, FIRE_MS);
    if (for_ms < 200) for_ms = 200;
    if (for_ms > 60000) for_ms = 60000;
    per_domain = skn_bench_n(reach->bench, PER_DOMAIN);
    period_ms = per_domain * DOMAINS * 1000 / PER_S;
    fired.max = for_ms * PER_S / 1000 * 2 + 1000;
    fired.late_ms = skn_alloc(fired.max * sizeof fired.late_ms[0]);
    skn_reach_path(reach, "ours", dir, sizeof dir);
    struct skn_drive *drive =
        skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});

    /* The first of them in an hour, to see how long arming takes; the others when all are armed. */
    base_ms = skn_drive_now_ms(drive) + HOUR_MS;
    uint64_t began = skn_bench_now_ns();
    arm_domains(drive, 0, REHEARSED);
    uint64_t each_ns = (skn_bench_now_ns() - began) / REHEARSED;
    base_ms = skn_drive_now_ms(drive) + DOMAINS * each_ns * 3 / 2 / 1000000 + 200;
    arm_domains(drive, REHEARSED, DOMAINS);
    uint64_t armed_ms = skn_drive_now_ms(drive);
    fired.from_ms = (armed_ms > base_ms ? armed_ms : base_ms) + for_ms / 8;
    fire(drive, for_ms, &fired);
    print(reach, &fired);
    skn_drive_kill(drive);
    skn_drive_remove(dir);
    skn_free(fired.late_ms);
}
