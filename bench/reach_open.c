/* reach_open.c - opening after a kill, the syncs of opening and stopping, a million idle domains. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"
#include "reach_cases.h"
#include "sync_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN_FLIGHT = 4096, RECORDS = 1000000, OPENINGS = 3, IDLE = 1000000, WARM = 100000 };

/* Five rows as reach_slices, or one of a few bytes: "touch" reads it, and keeps the domain warm. */
static enum skn_rc
rows_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    uint8_t bytes[72] = {0};
    struct skn_slice row;
    if (skn_slice_eq(m->name, SKN_LIT("touch"))) {
        enum skn_rc rc = skn_cx_get(cx, SKN_LIT("a"), &row);
        return rc == SKN_ENOENT ? SKN_OK : rc;
    }
    bool is_small = skn_slice_eq(m->name, SKN_LIT("small"));
    for (char key = 'a'; key <= (is_small ? 'a' : 'e'); key++) {
        if (skn_cx_get(cx, skn_slice(&key, 1), &row) == SKN_OK) memcpy(bytes, row.ptr, 8);
        bytes[0]++;
        skn_cx_put(cx, skn_slice(&key, 1), skn_slice(bytes, is_small ? 8 : sizeof bytes));
    }
    return SKN_OK;
}

/* What a warm domain of a bench keeps: one small block, made from its row. */
static void *rows_wake(struct skn_cx *cx)
{
    struct skn_slice row;
    char *warm = calloc(1, 64); /* NOLINT: as a program's own memory */
    if (skn_cx_get(cx, SKN_LIT("a"), &row) == SKN_OK) memcpy(warm, row.ptr, 8);
    return warm;
}

static void rows_sleep(void *warm)
{
    free(warm);
}

static const struct skn_program rows = {.type = "Rows", .handle = rows_handle};
static const struct skn_program idler = {
    .type = "Idle", .handle = rows_handle, .wake = rows_wake, .sleep = rows_sleep};
static const struct skn_program *const programs[] = {&rows, &idler, NULL};

/* `n` messages, over domains 0 to `domains` - 1 one after the other. */
static void
many(struct skn_drive *drive, const char *type, struct skn_slice name, uint64_t n, uint64_t domains)
{
    uint64_t next = 0, answered = 0;
    struct skn_output out;
    char address[64];
    while (answered < n) {
        for (; next < n && next - answered < IN_FLIGHT; next++) {
            (void)snprintf(
                address, sizeof address, "bench:%s/%lu", type, (unsigned long)(next % domains));
            skn_drive_submit(drive, next, address, name, skn_value_int(1));
        }
        (void)skn_drive_turn(drive);
        while (skn_drive_next(drive, &out))
            answered++;
    }
}

/* What a process of its own measures, so that nobody else's memory counts. */
struct seen {
    double open_s, cpu_s, touch_s;
    double rss_mb, rss_open_mb;
    uint64_t syncs;
};

static double rss_mb(void)
{
    unsigned long pages[2] = {0};
    char line[128] = "", *at = line;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || !fgets(line, sizeof line, f)) skn_drive_fail("/proc/self/statm");
    (void)fclose(f);
    pages[0] = strtoul(at, &at, 10);
    pages[1] = strtoul(at, &at, 10);
    return (double)pages[1] * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static struct seen
apart(const char *dir, void (*fn)(const char *dir, uint64_t n, struct seen *), uint64_t n)
{
    struct seen *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) skn_drive_fail("mmap");
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fn(dir, n, shared);
        _exit(0);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        skn_drive_fail("a part of the benchmark failed");
    struct seen seen = *shared;
    (void)munmap(shared, sizeof *shared);
    return seen;
}

static void open_timed(const char *dir, struct skn_drive **out, struct seen *seen)
{
    double cpu = skn_reach_cpu_s();
    uint64_t syncs = skn_sync_count(), began = skn_bench_now_ns();
    *out = skn_drive_open(
        &(struct skn_drive_options){.dir = dir, .programs = programs, .warm = WARM, .workers = 2});
    seen->open_s = (double)(skn_bench_now_ns() - began) / 1e9;
    seen->cpu_s = skn_reach_cpu_s() - cpu;
    seen->syncs = skn_sync_count() - syncs;
}

/* --- after a kill --------------------------------------------------------------------------------------- */

static void open_once(const char *dir, uint64_t n, struct seen *seen)
{
    struct skn_drive *drive;
    (void)n;
    open_timed(dir, &drive, seen);
    skn_drive_kill(drive);
}

static uint64_t records_to_make;

static void make_tail(const char *dir, uint64_t domains, struct seen *seen)
{
    struct skn_drive *drive = skn_drive_open(
        &(struct skn_drive_options){.dir = dir, .programs = programs, .no_checkpoint = true});
    (void)seen;
    many(drive, "Rows", SKN_LIT("five"), records_to_make, domains);
    skn_drive_kill(drive);
}

static void after_kill(
    struct skn_reach *reach, const char *dir, const char *name, uint64_t domains, double goal_s)
{
    char note[160];
    double took[OPENINGS], cpu[OPENINGS];
    (void)apart(dir, make_tail, skn_bench_n(reach->bench, domains));
    for (int i = 0; i < OPENINGS; i++) {
        struct seen seen = apart(dir, open_once, 0);
        took[i] = seen.open_s;
        cpu[i] = seen.cpu_s;
    }
    double cpu_s = skn_stat_of(cpu, OPENINGS).median;
    (void)snprintf(note, sizeof note, "CPU %.2f s of it; the journal is in the page cache", cpu_s);
    skn_reach_print(reach,
                    &(struct skn_figure){.name = name,
                                         .unit = "s",
                                         .value = skn_stat_of(took, OPENINGS),
                                         .goal = goal_s,
                                         .goal_is = SKN_GOAL_MOST,
                                         .cpu_us = cpu_s * 1e6 / (double)records_to_make,
                                         .note = note});
}

/* --- syncs of opening and stopping ----------------------------------------------------------------- */

static void open_and_stop(const char *dir, uint64_t groups, struct seen *seen)
{
    uint64_t before = skn_sync_count();
    struct skn_drive *drive =
        skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});
    for (uint64_t i = 0; i < groups; i++)
        many(drive, "Rows", SKN_LIT("small"), 1, 1);
    skn_drive_close(drive);
    seen->syncs = skn_sync_count() - before;
}

static void syncs(struct skn_reach *reach)
{
    static const struct {
        const char *name;
        uint64_t groups;
        double goal;
    } cases[] = {{"syncs of a clean opening that writes nothing, and a stop", 0, 0},
                 {"syncs of a clean opening, three groups and a stop", 3, 5}};
    char dir[300];
    skn_reach_path(reach, "ours", dir, sizeof dir);
    (void)apart(dir, open_and_stop, 1);
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        double count = (double)apart(dir, open_and_stop, cases[i].groups).syncs;
        skn_reach_print(reach,
                        &(struct skn_figure){.name = cases[i].name,
                                             .unit = "syncs",
                                             .value = {count, 0},
                                             .goal = cases[i].goal,
                                             .goal_is = SKN_GOAL_MOST});
    }
    skn_drive_remove(dir);
}

void skn_reach_open(struct skn_reach *reach)
{
    syncs(reach);
    records_to_make = skn_bench_n(reach->bench, RECORDS);
    char dir[300];
    skn_reach_path(reach, "ours", dir, sizeof dir);
    after_kill(reach, dir, "open after kill, 1e6 records, 1e5 rows", 20000, 0.5);
    skn_drive_remove(dir);
    after_kill(reach, dir, "open after kill, 1e6 records, 4e6 rows", 800000, 1.5);
    skn_drive_remove(dir);
}

/* --- a million idle domains --------------------------------------------------------------------------- */

static void checkpoint(struct skn_drive *drive)
{
    while (skn_drive_is_checkpointing(drive))
        (void)skn_drive_turn(drive);
    uint64_t before = skn_drive_checkpoints(drive);
    skn_drive_checkpoint(drive);
    while (skn_drive_checkpoints(drive) == before)
        (void)skn_drive_turn(drive);
}

static void make_idle(const char *dir, uint64_t n, struct seen *seen)
{
    struct skn_drive *drive =
        skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});
    (void)seen;
    many(drive, "Idle", SKN_LIT("small"), n, n);
    checkpoint(drive); /* as a node does by itself when it has been idle for half a minute */
    skn_drive_close(drive);
}

static void open_idle(const char *dir, uint64_t n, struct seen *seen)
{
    struct skn_drive *drive;
    open_timed(dir, &drive, seen);
    seen->rss_open_mb = rss_mb();
    uint64_t began = skn_bench_now_ns();
    many(drive, "Idle", SKN_LIT("touch"), n, n);
    seen->touch_s = (double)(skn_bench_now_ns() - began) / 1e9;
    seen->rss_mb = rss_mb();
    skn_drive_kill(drive);
}

void skn_reach_idle(struct skn_reach *reach)
{
    char dir[300], note[200];
    double took[OPENINGS], mb[OPENINGS];
    struct seen seen = {0};
    skn_reach_path(reach, "ours", dir, sizeof dir);
    (void)apart(dir, make_idle, skn_bench_n(reach->bench, IDLE));
    for (int i = 0; i < OPENINGS; i++) {
        seen = apart(dir, open_idle, skn_bench_n(reach->bench, WARM));
        took[i] = seen.open_s;
        mb[i] = seen.rss_mb;
    }
    (void)snprintf(note,
                   sizeof note,
                   "%.0f MB after the opening; 100,000 domains came to be warm in %.2f s",
                   seen.rss_open_mb,
                   seen.touch_s);
    skn_reach_print(reach,
                    &(struct skn_figure){.name = "1e6 idle domains, 1e5 of them warm: memory",
                                         .unit = "MB",
                                         .value = skn_stat_of(mb, OPENINGS),
                                         .goal = 300,
                                         .goal_is = SKN_GOAL_MOST,
                                         .note = note});
    skn_reach_print(reach,
                    &(struct skn_figure){.name = "1e6 idle domains: opening after a clean stop",
                                         .unit = "s",
                                         .value = skn_stat_of(took, OPENINGS),
                                         .goal = 2,
                                         .goal_is = SKN_GOAL_MOST});
    skn_drive_remove(dir);
}

/* --- many rows in the store ----------------------------------------------------------------------------- */

static void make_small(const char *dir, uint64_t n, struct seen *seen)
{
    struct skn_drive *drive =
        skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs});
    (void)seen;
    many(drive, "Rows", SKN_LIT("small"), n, n);
    checkpoint(drive);
    skn_drive_close(drive);
}

static void fill(const char *dir, uint64_t domains, struct seen *seen)
{
    (void)seen;
    skn_drive_fill(dir, domains);
}

void skn_reach_rows(struct skn_reach *reach)
{
    char dir[300];
    skn_reach_path(reach, "ours", dir, sizeof dir);
    (void)apart(dir, make_small, 1000); /* so that every shard has a position */
    (void)apart(dir, fill, skn_bench_n(reach->bench, 2000000));
    records_to_make = skn_bench_n(reach->bench, RECORDS);
    after_kill(reach, dir, "the same with 1e7 rows in the store, 1e5 rows", 20000, 0.5);
    (void)apart(dir, make_small, 1000); /* its checkpoint ends the tail */
    after_kill(reach, dir, "the same with 1e7 rows in the store, 4e6 rows", 800000, 1.5);
    skn_drive_remove(dir);
}
