/* bench_reach.c - every figure that has a goal, beside that goal and its peer, in one run.
 *
 * Files are made beside the program, on the disk that holds the build: a figure of durability on a
 * file system in memory says nothing, so there it refuses. Each group of figures runs in a process of
 * its own, so that memory and threads of one do not disturb the next. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"
#include "reach_cases.h"

#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name; /* for --only */
    void (*run)(struct skn_reach *reach);
} groups[] = {
    {"slices", skn_reach_slices},
    {"uniform", skn_reach_uniform},
    {"fresh", skn_reach_fresh},
    {"slow-disk", skn_reach_slow_disk},
    {"transfers", skn_reach_transfers},
    {"latency", skn_reach_latency},
    {"hops", skn_reach_hops},
    {"between", skn_reach_between},
    {"checkpoint", skn_reach_checkpoint},
    {"open", skn_reach_open},
    {"rows", skn_reach_rows},
    {"idle", skn_reach_idle},
    {"timers", skn_reach_timers},
    {"sim", skn_reach_sim},
};

/* A folder beside the program. */
static void make_dir(struct skn_reach *reach)
{
    char path[200];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len < 0) skn_drive_fail("/proc/self/exe");
    path[len] = '\0';
    *strrchr(path, '/') = '\0';
    (void)snprintf(reach->dir, sizeof reach->dir, "%s/reach-XXXXXX", path);
    if (!mkdtemp(reach->dir)) skn_drive_fail(reach->dir);
    struct statfs fs;
    if (statfs(reach->dir, &fs) != 0) skn_drive_fail(reach->dir);
    if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC) return;
    (void)rmdir(reach->dir);
    skn_drive_fail("the build is on a file system in memory; build on a disk");
}

static int run_group(struct skn_reach *reach, size_t i)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a run that is killed leaves nobody behind */
        reach->sync_ns = skn_bench_sync_ns(reach->dir);
        if (reach->sync_ns <= 0) skn_drive_fail("no sync could be measured");
        skn_reach_begin(reach);
        groups[i].run(reach);
        _exit(fflush(stdout) == 0 ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        (void)fprintf(stderr, "bench_reach: the figures of %s failed\n", groups[i].name);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    struct skn_reach reach = {.bench = &bench};
    int failed = 0;
    skn_bench_init(&bench, "reach", argc, argv);
    make_dir(&reach);
    for (size_t i = 0; i < SKN_ARRAY_LEN(groups); i++)
        if (!bench.only || strstr(groups[i].name, bench.only)) failed |= run_group(&reach, i);
    skn_drive_remove(reach.dir);
    (void)skn_bench_end(&bench);
    return failed;
}
