/* reach.c - pairs of repetitions, their ratios, and figures as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include "sync_count.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* --- arithmetic ---------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Nearest rank, as skn_bench_quantile. */
static double quantile(const double *sorted, unsigned count, unsigned per_cent)
{
    unsigned rank = (count * per_cent + 99) / 100;
    return sorted[rank > 0 ? rank - 1 : 0];
}

struct skn_stat skn_stat_of(double *values, unsigned count)
{
    SKN_ASSERT(count > 0);
    qsort(values, count, sizeof values[0], compare_doubles);
    double median = quantile(values, count, 50);
    double range = quantile(values, count, 75) - quantile(values, count, 25);
    return (struct skn_stat){.median = median, .spread = median > 0 ? range / 2 / median : 0};
}

double skn_goal_missed(double value, enum skn_goal goal_is, double goal)
{
    if (goal_is == SKN_GOAL_NONE) return 0;
    double behind = goal_is == SKN_GOAL_MOST ? value - goal : goal - value;
    return behind > 0 ? behind / (goal > 0 ? goal : 1) : 0;
}

/* --- pairs ------------------------------------------------------------------------------------------ */

double skn_reach_cpu_s(void)
{
    struct timespec ts;
    SKN_ASSERT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct skn_lap one_lap(const struct skn_side *side)
{
    struct skn_lap lap = {0};
    double cpu = skn_reach_cpu_s();
    uint64_t syncs = skn_sync_count(), began = skn_bench_now_ns();
    side->run(side->ctx, &lap);
    double wall = (double)(skn_bench_now_ns() - began) / 1e9;
    SKN_ASSERT(lap.n > 0);
    if (lap.wall_s <= 0) lap.wall_s = wall > 0 ? wall : 1e-9;
    if (lap.cpu_s <= 0) lap.cpu_s = skn_reach_cpu_s() - cpu;
    if (lap.syncs == 0) lap.syncs = skn_sync_count() - syncs;
    return lap;
}

struct series {
    double rate[SKN_REPS_MAX], cpu_us[SKN_REPS_MAX];
    uint64_t n, syncs;
};

static void keep(struct series *series, unsigned at, const struct skn_lap *lap)
{
    double n = (double)lap->n;
    series->rate[at] = n / lap->wall_s;
    series->cpu_us[at] = lap->cpu_s * 1e6 / n;
    series->n += lap->n;
    series->syncs += lap->syncs;
}

static struct skn_side_stat side_stat(struct series *series, unsigned count)
{
    return (struct skn_side_stat){
        .rate = skn_stat_of(series->rate, count),
        .cpu_us = skn_stat_of(series->cpu_us, count),
        .per_sync = series->syncs > 0 ? (double)series->n / (double)series->syncs : 0};
}

struct skn_pairs skn_pairs_run(const struct skn_side *ours,
                               const struct skn_side *peer,
                               unsigned reps,
                               double budget_s)
{
    struct series series[2] = {0};
    double ratio[SKN_REPS_MAX];
    bool has_peer = peer && peer->run;
    unsigned least = reps < SKN_REPS_LEAST ? reps : SKN_REPS_LEAST, at = 0;
    if (reps > SKN_REPS_MAX) reps = SKN_REPS_MAX;
    (void)one_lap(ours);
    if (has_peer) (void)one_lap(peer);
    uint64_t began = skn_bench_now_ns();
    for (; at < reps; at++) {
        double passed = (double)(skn_bench_now_ns() - began) / 1e9;
        if (at >= least && passed > budget_s) break;
        struct skn_lap laps[2] = {0};
        unsigned first = has_peer ? at % 2 : 0;
        laps[first] = one_lap(first == 0 ? ours : peer);
        if (has_peer) laps[1 - first] = one_lap(first == 0 ? peer : ours);
        keep(&series[0], at, &laps[0]);
        if (!has_peer) continue;
        keep(&series[1], at, &laps[1]);
        ratio[at] = series[0].rate[at] / series[1].rate[at];
    }
    struct skn_pairs pairs = {.ours = side_stat(&series[0], at), .count = at};
    if (!has_peer) return pairs;
    pairs.peer = side_stat(&series[1], at);
    pairs.ratio = skn_stat_of(ratio, at);
    return pairs;
}

/* The ends of repetitions, where a group is not full, are as many for both but not as large. */
bool skn_pairs_are_void(const struct skn_pairs *pairs)
{
    return pairs->peer.per_sync > 0 && pairs->peer.per_sync < 0.97 * pairs->ours.per_sync;
}

void skn_figure_pairs(struct skn_figure *figure, const struct skn_pairs *pairs, const char *peer)
{
    figure->value = pairs->ours.rate;
    figure->cpu_us = pairs->ours.cpu_us.median;
    figure->per_sync = pairs->ours.per_sync;
    figure->peer = peer;
    figure->peer_stat = pairs->peer;
    figure->ratio = pairs->ratio;
    if (peer && skn_pairs_are_void(pairs))
        figure->void_reason = "the peer had fewer batches per sync than ours";
}

/* --- what others use ------------------------------------------------------------------------------ */

/* User, nice, system, irq, softirq and steal of all processors, in clock ticks. */
static uint64_t busy_ticks(void)
{
    unsigned long t[8] = {0};
    FILE *f = fopen("/proc/stat", "re");
    if (!f) return 0;
    char line[256] = "";
    if (!fgets(line, sizeof line, f)) line[0] = '\0';
    (void)fclose(f);
    char *at = line + strcspn(line, " ");
    for (size_t i = 0; i < 8; i++)
        t[i] = strtoul(at, &at, 10);
    return t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
}

static double own_cpu_s(const struct skn_reach *reach)
{
    struct rusage u = {0};
    (void)getrusage(RUSAGE_CHILDREN, &u);
    double children = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    return skn_reach_cpu_s() + children + reach->peer_cpu_s;
}

void skn_reach_begin(struct skn_reach *reach)
{
    reach->busy_ticks = busy_ticks();
    reach->began_ns = skn_bench_now_ns();
    reach->cpu_s = own_cpu_s(reach);
}

/* In processors: 1.0 is one of them all the time. A time too short to say keeps what was known. */
static double others(struct skn_reach *reach)
{
    double wall = (double)(skn_bench_now_ns() - reach->began_ns) / 1e9;
    double busy = (double)(busy_ticks() - reach->busy_ticks) / (double)sysconf(_SC_CLK_TCK);
    double used = (busy - (own_cpu_s(reach) - reach->cpu_s)) / wall;
    if (wall >= 0.1) reach->others = used > 0 ? used : 0;
    return reach->others;
}

/* --- text ------------------------------------------------------------------------------------------ */

static const char *amount(char *out, size_t size, double x)
{
    int digits = x >= 1000 ? 0 : x >= 10 ? 1 : 3;
    (void)snprintf(out, size, "%.*f", digits, x);
    return out;
}

static void print_goal(double value, enum skn_goal goal_is, double goal, const char *unit)
{
    char a[32], b[32];
    double missed = skn_goal_missed(value, goal_is, goal);
    printf("%s %s", amount(a, sizeof a, value), unit);
    if (goal_is == SKN_GOAL_NONE) return;
    printf(" (goal %s %s: ", goal_is == SKN_GOAL_MOST ? "<=" : ">=", amount(b, sizeof b, goal));
    if (missed > 0)
        printf("missed by %.0f %%)", 100 * missed);
    else
        printf("met)");
}

static void print_human(const struct skn_figure *f, double sync_ns, double others)
{
    printf("%s\n  ", f->name);
    print_goal(f->value.median, f->goal_is, f->goal, f->unit);
    printf(" +-%.1f %%", 100 * f->value.spread);
    if (f->cpu_us > 0) printf(", CPU %.2f us each", f->cpu_us);
    if (f->per_sync > 0) printf(", %.1f per sync", f->per_sync);
    if (f->limit > 0) printf(", limit %.1f (%s)", f->limit, f->limit_text);
    if (f->note) printf("; %s", f->note);
    printf("; one sync took %.0f us before; others used %.2f processors\n", sync_ns / 1e3, others);
    if (!f->peer) return;
    printf("  %s: %.0f %s, CPU %.2f us each, %.1f per sync\n",
           f->peer,
           f->peer_stat.rate.median,
           f->unit,
           f->peer_stat.cpu_us.median,
           f->peer_stat.per_sync);
    printf("  ratio ");
    print_goal(
        f->ratio.median, f->ratio_goal > 0 ? SKN_GOAL_LEAST : SKN_GOAL_NONE, f->ratio_goal, "");
    printf(" +-%.1f %%%s%s\n",
           100 * f->ratio.spread,
           f->void_reason ? "; VOID: " : "",
           f->void_reason ? f->void_reason : "");
}

static void print_json(const struct skn_reach *reach, const struct skn_figure *f, double others)
{
    printf("{\"bench\":\"reach\",\"figure\":\"%s\",\"unit\":\"%s\",\"value\":%.6g,\"spread\":%.4f,"
           "\"others_cpu\":%.2f,\"sync_us\":%.1f,",
           f->name,
           f->unit,
           f->value.median,
           f->value.spread,
           others,
           reach->sync_ns / 1e3);
    if (f->goal_is != SKN_GOAL_NONE)
        printf("\"goal\":%.6g,\"goal_is_most\":%s,\"missed\":%.4f,",
               f->goal,
               f->goal_is == SKN_GOAL_MOST ? "true" : "false",
               skn_goal_missed(f->value.median, f->goal_is, f->goal));
    if (f->cpu_us > 0) printf("\"cpu_us\":%.3f,", f->cpu_us);
    if (f->per_sync > 0) printf("\"per_sync\":%.2f,", f->per_sync);
    if (f->peer)
        printf("\"peer\":\"%s\",\"peer_value\":%.6g,\"peer_spread\":%.4f,\"peer_cpu_us\":%.3f,"
               "\"peer_per_sync\":%.2f,\"ratio\":%.4g,\"ratio_spread\":%.4f,",
               f->peer,
               f->peer_stat.rate.median,
               f->peer_stat.rate.spread,
               f->peer_stat.cpu_us.median,
               f->peer_stat.per_sync,
               f->ratio.median,
               f->ratio.spread);
    if (f->peer && f->ratio_goal > 0) printf("\"ratio_goal\":%.3g,", f->ratio_goal);
    if (f->void_reason) printf("\"void\":\"%s\",", f->void_reason);
    if (f->limit > 0) printf("\"limit\":%.6g,\"limit_text\":\"%s\",", f->limit, f->limit_text);
    if (f->note) printf("\"note\":\"%s\",", f->note);
    printf("\"seed\":%lu,\"scale\":%g,\"version\":\"%s\",\"build\":\"%s\"}\n",
           (unsigned long)reach->bench->seed,
           reach->bench->scale,
           SKN_BENCH_VERSION,
           SKN_BENCH_BUILD);
}

void skn_reach_print(struct skn_reach *reach, const struct skn_figure *figure)
{
    double used = others(reach);
    if (reach->bench->json)
        print_json(reach, figure, used);
    else
        print_human(figure, reach->sync_ns, used);
    (void)fflush(stdout);
    skn_reach_begin(reach);
}

void skn_reach_skip(struct skn_reach *reach, const char *name, const char *why)
{
    if (reach->bench->json)
        printf("{\"bench\":\"reach\",\"figure\":\"%s\",\"skipped\":\"%s\"}\n", name, why);
    else
        printf("%s\n  not measured: %s\n", name, why);
    (void)fflush(stdout);
}

void skn_reach_tell(struct skn_reach *reach, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (reach->bench->json)
        printf("{\"bench\":\"reach\",\"note\":\"%s\"}\n", text);
    else
        printf("  %s\n", text);
    (void)fflush(stdout);
}

void skn_reach_path(const struct skn_reach *reach, const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", reach->dir, name);
}
