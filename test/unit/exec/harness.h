/* harness.h - a spawner in a fresh folder, shell programs, and waiting for their events. */
#pragma once

#include "base/buf.h"
#include "exec/exec.h"
#include "lib/test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

struct folder {
    char path[64];
};

static inline struct folder make_folder(void)
{
    struct folder f = {"/tmp/skein-exec-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

/* Files only, which is all that these tests make. */
static inline void remove_folder(const struct folder *f)
{
    const char *const names[] = {"spawner.lock", "log", "out", "pids", "ready"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->path), 0);
}

static inline struct skn_spawner *start_in(const struct folder *f)
{
    struct skn_spawner *s = NULL;
    struct skn_diag diag = {0};
    struct skn_spawner_options options = {.dir = f->path};
    if (skn_spawner_start(&options, &s, &diag) != SKN_OK) fail_msg("%s", diag.text);
    return s;
}

static const struct skn_slice usual_env[] = {
    {(const uint8_t *)"PATH=/usr/bin:/bin", 18},
};

/* A shell script as a request; `argv` (3 places) must outlive its use. */
static inline struct skn_exec_request shell(uint64_t id, const char *script, struct skn_slice *argv)
{
    argv[0] = SKN_LIT("sh");
    argv[1] = SKN_LIT("-c");
    argv[2] = skn_slice_str(script);
    return (struct skn_exec_request){
        .id = id,
        .argv = argv,
        .argc = 3,
        .env = usual_env,
        .envc = 1,
        .cwd = SKN_LIT("/"),
        .grace_ms = 200,
    };
}

static inline void exec_ok(struct skn_spawner *s, const struct skn_exec_request *request)
{
    struct skn_diag diag = {0};
    if (skn_spawner_exec(s, request, &diag) != SKN_OK) fail_msg("%s", diag.text);
}

/* The next event within 20 s. Its slices live until the next call. */
static inline struct skn_exec_event next_event(struct skn_spawner *s)
{
    uint64_t began = now_ms();
    for (;;) {
        struct skn_exec_event event;
        struct skn_diag diag = {0};
        enum skn_rc rc = skn_spawner_next_event(s, &event, &diag);
        if (rc == SKN_OK) return event;
        if (rc != SKN_ELATER) fail_msg("%s", diag.text);
        if (now_ms() - began > 20000) fail_msg("no event within 20 s");
        struct pollfd fd = {.fd = skn_spawner_fd(s), .events = skn_spawner_poll_events(s)};
        (void)poll(&fd, 1, 1000);
    }
}

/* Runs one program to its end. */
static inline struct skn_exec_event run(struct skn_spawner *s,
                                        const struct skn_exec_request *request)
{
    exec_ok(s, request);
    struct skn_exec_event event = next_event(s);
    if (event.kind == SKN_EXEC_STARTED) {
        assert_int_equal(event.id, request->id);
        assert_true(event.pid > 0);
        event = next_event(s);
    }
    assert_int_equal(event.kind, SKN_EXEC_ENDED);
    assert_int_equal(event.id, request->id);
    return event;
}

static inline struct skn_exec_event run_shell(struct skn_spawner *s, const char *script)
{
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(1, script, argv);
    return run(s, &request);
}

static inline void assert_text(struct skn_slice got, const char *expected)
{
    if (!skn_slice_eq(got, skn_slice_str(expected))) {
        fail_msg("got \"%.*s\", not \"%s\"", SKN_FMT(got), expected);
    }
}

static inline bool has_text(struct skn_slice in, const char *part)
{
    return in.len > 0 && memmem(in.ptr, in.len, part, strlen(part)) != NULL;
}
