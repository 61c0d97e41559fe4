/* bench_exec.c - starting programs through the spawner, beside posix_spawn and wait. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "exec/exec.h"

#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20 };

struct work {
    struct skn_spawner *spawner;
    uint64_t next_id;
    uint64_t n;
    unsigned window;
    struct skn_exec_request request;
};

/* A benchmark that fails has nothing to say. */
static void must(bool is_true, const char *what)
{
    if (is_true) return;
    (void)fprintf(stderr, "bench_exec: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void send_one(struct work *w)
{
    w->request.id = w->next_id++;
    must(skn_spawner_exec(w->spawner, &w->request, NULL) == SKN_OK, "exec");
}

/* Waits until one program has ended. */
static void await_one(struct work *w)
{
    for (;;) {
        struct skn_exec_event event = {0};
        enum skn_rc rc = skn_spawner_next_event(w->spawner, &event, NULL);
        if (rc == SKN_OK && event.kind == SKN_EXEC_STARTED) continue;
        if (rc == SKN_OK) {
            must(event.kind == SKN_EXEC_ENDED && event.how == SKN_EXEC_EXITED, "ended otherwise");
            must(event.output.len == w->request.input.len, "output");
            return;
        }
        must(rc == SKN_ELATER, "event");
        struct pollfd fd = {.fd = skn_spawner_fd(w->spawner),
                            .events = skn_spawner_poll_events(w->spawner)};
        (void)poll(&fd, 1, -1);
    }
}

static void through_spawner(void *ctx)
{
    struct work *w = ctx;
    uint64_t sent = 0;
    for (uint64_t ended = 0; ended < w->n; ended++) {
        for (; sent < w->n && sent - ended < w->window; sent++)
            send_one(w);
        await_one(w);
    }
}

static void spawn_true(void)
{
    char name[] = "/bin/true";
    char *argv[] = {name, NULL};
    char *envp[] = {NULL};
    pid_t pid = 0;
    must(posix_spawn(&pid, name, NULL, NULL, argv, envp) == 0, "posix_spawn");
}

static void plain_loop(void *ctx)
{
    struct work *w = ctx;
    uint64_t sent = 0;
    for (uint64_t ended = 0; ended < w->n; ended++) {
        for (; sent < w->n && sent - ended < w->window; sent++)
            spawn_true();
        int status = 0;
        must(wait(&status) > 0 && status == 0, "wait");
    }
}

static double plain_ns(struct work *w)
{
    plain_loop(w); /* warms the page cache and the allocator of process numbers */
    uint64_t began = skn_bench_now_ns();
    plain_loop(w);
    return (double)(skn_bench_now_ns() - began) / (double)w->n;
}

static void run_pair(struct skn_bench *bench, struct work *w, const char *ours, const char *peer)
{
    const char *limit = "the kernel: posix_spawn and wait, nothing read";
    struct skn_bench_case c = {
        .name = ours, .n = w->n, .run = through_spawner, .ctx = w, .limit = limit};
    c.limit_ns = plain_ns(w);
    skn_bench_run(bench, &c);
    c.name = peer;
    c.run = plain_loop;
    c.is_peer = true;
    skn_bench_run(bench, &c);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "exec", argc, argv);
    char dir[] = "/tmp/skein-bench-XXXXXX";
    must(mkdtemp(dir) != NULL, "mkdtemp");
    struct work w = {.n = skn_bench_n(&bench, 300), .window = 1};
    struct skn_spawner_options options = {.dir = dir};
    must(skn_spawner_start(&options, &w.spawner, NULL) == SKN_OK, "spawner");
    const struct skn_slice true_argv[] = {SKN_LIT("/bin/true")};
    const struct skn_slice cat_argv[] = {SKN_LIT("/bin/cat")};
    w.request = (struct skn_exec_request){.argv = true_argv, .argc = 1, .cwd = SKN_LIT("/")};

    run_pair(&bench, &w, "true_one_after_the_other", "posix_spawn_one_after_the_other");
    w.window = 16;
    run_pair(&bench, &w, "true_16_at_once", "posix_spawn_16_at_once");

    uint8_t *input = calloc(1, COPY_BYTES);
    must(input != NULL, "memory");
    w.window = 1;
    w.n = skn_bench_n(&bench, 100);
    w.request.argv = cat_argv;
    w.request.input = skn_slice(input, COPY_BYTES);
    struct skn_bench_case copy = {
        .name = "cat_1_mib",
        .n = w.n,
        .run = through_spawner,
        .ctx = &w,
        .limit = "the kernel: posix_spawn and wait, nothing copied",
        .limit_ns = plain_ns(&w),
    };
    skn_bench_run(&bench, &copy);
    free(input);

    must(skn_spawner_stop(w.spawner, NULL) == SKN_OK, "stop");
    char path[64];
    (void)snprintf(path, sizeof path, "%s/spawner.lock", dir);
    (void)unlink(path);
    (void)rmdir(dir);
    return skn_bench_end(&bench);
}
