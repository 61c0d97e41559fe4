/* bench_run.c - whole processes: a cold start, a run of one Noop, a run of five programs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *skein; /* the program; first argument */

struct work {
    const char *const *args;
    bool is_cold; /* a new folder, so a new holder and a new journal, each time */
    char dir[64];
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_run: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) fail(name);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* A project of its own, which is then the current folder. */
static void make(void *ctx)
{
    struct work *w = ctx;
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/bench-run-XXXXXX");
    if (!mkdtemp(w->dir) || chdir(w->dir) != 0 || mkdir("events", 0700) != 0) fail(w->dir);
    put("skein.yaml", "name: bench\n");
    put("noop.pty", "Noop\n");
    put("five.pty", "T -> T -> T -> T -> T\n");
    put("events/t.yaml",
        "event: T\nversion: 1.0.0\ndescription: Does nothing.\nrun: { exec: [\"true\"] }\n");
}

static void unmake(void *ctx)
{
    struct work *w = ctx;
    (void)usleep(1300000); /* its holder lingers for a second */
    if (chdir("/tmp") != 0) fail("/tmp");
    (void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void one(void *ctx, uint64_t i)
{
    (void)i;
    struct work *w = ctx;
    char *argv[8] = {strdup(skein)};
    for (size_t n = 0; w->args[n]; n++)
        argv[n + 1] = strdup(w->args[n]);
    pid_t pid = 0;
    int status = 0;
    posix_spawn_file_actions_t quiet; /* standard output is for the figures */
    if (posix_spawn_file_actions_init(&quiet) != 0 ||
        posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0) != 0 ||
        posix_spawn(&pid, skein, &quiet, NULL, argv, environ) != 0)
        fail("posix_spawn");
    (void)posix_spawn_file_actions_destroy(&quiet);
    if (waitpid(pid, &status, 0) != pid || status != 0) fail("skein failed");
    for (size_t n = 0; argv[n]; n++)
        free(argv[n]);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    if (argc < 2) fail("usage: bench_run SKEIN [--json ..]");
    skein = argv[1];
    argv[1] = argv[0];
    skn_bench_init(&bench, "run", argc - 1, argv + 1);
    if (!freopen("/dev/null", "w", stderr)) return 1;
    double sync_ns = skn_bench_sync_ns("/tmp");
    static const char *const version[] = {"--version", NULL};
    static const char *const noop[] = {"run", "noop.pty", NULL};
    static const char *const five[] = {"run", "five.pty", NULL};
    static const struct {
        const char *name, *limit;
        const char *const *args;
        uint64_t n;
        double syncs;
    } cases[] = {
        {"skein --version", "one program start", version, 50, 0},
        {"skein run, cold: new journal, one Noop", "its syncs, one after the other", noop, 1, 8},
        {"skein run, warm holder, one Noop", "one sync", noop, 50, 1},
        {"skein run, warm holder, five programs in a row",
         "six syncs and five program starts",
         five,
         20,
         6},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct work w = {.args = cases[i].args};
        const struct skn_bench_case c = {.name = cases[i].name,
                                         .n = cases[i].n,
                                         .before = make,
                                         .after = unmake,
                                         .op = one,
                                         .ctx = &w,
                                         .limit = cases[i].limit,
                                         .limit_ns =
                                             cases[i].syncs > 0 ? cases[i].syncs * sync_ns : 5e5};
        skn_bench_run(&bench, &c);
    }
    return skn_bench_end(&bench);
}
