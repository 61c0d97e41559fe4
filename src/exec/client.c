/* client.c - the node's side: starting the spawner, handing programs over, taking events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/exec.h"

#include "base/mem.h"
#include "base/omap.h"
#include "exec/clock_internal.h"
#include "exec/spawner_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_WAIT_MS = 15000, /* the spawner's own wait for the lock is 10 s; it answers before this */
    STOP_WAIT_MS = 5000,
    OUT_BYTES_MAX = SKN_EXEC_WAITING_MAX + SKN_FRAME_BODY_MAX,
};

/* A program that has not ended. */
struct running {
    struct skn_omap_node node;
    uint8_t key[8];
    size_t input_bytes;
    bool is_started;
};

struct skn_spawner {
    struct skn_exec_chan chan;
    pid_t pid;
    struct skn_omap running; /* by id */
    size_t input_bytes;      /* of all of them */
    uint32_t swept;
    bool is_gone;
    struct skn_diag why_gone;
};

static struct running *find_running(const struct skn_spawner *s, uint64_t id)
{
    uint8_t bytes[8];
    struct skn_omap_node *node = skn_omap_find(&s->running, skn_exec_key(id, bytes));
    return node ? SKN_CONTAINER_OF(node, struct running, node) : NULL;
}

static void forget(struct skn_spawner *s, struct running *r)
{
    skn_omap_remove(&s->running, &r->node);
    s->input_bytes -= r->input_bytes;
    skn_free(r);
}

static void destroy(struct skn_spawner *s)
{
    struct skn_omap_node *node = NULL;
    while ((node = skn_omap_drain(&s->running)))
        skn_free(SKN_CONTAINER_OF(node, struct running, node));
    skn_exec_chan_fini(&s->chan);
    skn_free(s);
}

/* Waits for the process; false when it does not end in time. */
static bool wait_for_end(pid_t pid, uint64_t wait_ms)
{
    uint64_t began_ms = skn_exec_now_ms();
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (skn_exec_now_ms() - began_ms >= wait_ms) return false;
        skn_exec_pause_ms(1);
    }
    return true;
}

/* READY, or the reason in the spawner's own words. */
static enum skn_rc await_ready(struct skn_spawner *s, uint64_t wait_ms, struct skn_diag *diag)
{
    uint64_t began_ms = skn_exec_now_ms();
    for (;;) {
        enum skn_frame_type type;
        struct skn_slice body;
        enum skn_rc rc = skn_exec_chan_next(&s->chan, &type, &body, diag);
        if (rc == SKN_OK && type == SKN_FRAME_READY) {
            struct skn_frame_ready ready;
            rc = skn_frame_read_ready(body, &ready, diag);
            if (rc == SKN_OK) s->swept = ready.swept;
            return rc;
        }
        if (rc == SKN_OK && type == SKN_FRAME_FAILED) {
            struct skn_frame_failed failed;
            rc = skn_frame_read_failed(body, &failed, diag);
            if (rc != SKN_OK) return rc;
            return SKN_FAIL(diag, failed.rc, "%.*s", SKN_FMT(failed.text));
        }
        if (rc == SKN_OK) return SKN_CORRUPT(diag, "the spawner began with frame %d", (int)type);
        if (rc != SKN_ELATER) return rc;
        uint64_t waited_ms = skn_exec_now_ms() - began_ms;
        if (s->chan.is_ended) return SKN_FAIL(diag, SKN_EIO, "the spawner died at its start");
        if (waited_ms > wait_ms) return SKN_FAIL(diag, SKN_EBUSY, "the spawner does not answer");
        struct pollfd fd = {.fd = s->chan.fd, .events = POLLIN};
        (void)poll(&fd, 1, (int)(wait_ms - waited_ms) + 1);
    }
}

enum skn_rc skn_spawner_start(const struct skn_spawner_options *options,
                              struct skn_spawner **out_spawner,
                              struct skn_diag *diag)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
        return SKN_FAIL(diag, SKN_EIO, "no socket pair for the spawner: %s", strerror(errno));
    }
    pid_t node = getpid();
    pid_t pid = fork();
    if (pid == 0) skn_exec_spawner_main(options, node, fds[1]);
    (void)close(fds[1]);
    if (pid < 0) {
        (void)close(fds[0]);
        return SKN_FAIL(diag, SKN_EIO, "could not fork the spawner: %s", strerror(errno));
    }
    struct skn_spawner *s = skn_alloc_zero(1, sizeof *s);
    s->pid = pid;
    skn_omap_init(&s->running);
    skn_exec_chan_init(&s->chan, fds[0], OUT_BYTES_MAX);
    enum skn_rc rc = await_ready(s, (uint64_t)options->lock_wait_ms + START_WAIT_MS, diag);
    if (rc == SKN_OK) {
        *out_spawner = s;
        return SKN_OK;
    }
    (void)kill(pid, SIGKILL); /* it has started nothing */
    (void)wait_for_end(pid, STOP_WAIT_MS);
    destroy(s);
    return rc;
}

static size_t strings_bytes(const struct skn_slice *strings, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count && bytes <= SKN_FRAME_BODY_MAX; i++)
        bytes += strings[i].len < SKN_FRAME_BODY_MAX ? strings[i].len + 5 : SKN_FRAME_BODY_MAX + 1;
    return bytes;
}

static enum skn_rc check_limits(const struct skn_spawner *s,
                                const struct skn_exec_request *request,
                                struct skn_diag *diag)
{
    if (request->input.len > SKN_EXEC_INPUT_MAX) {
        return SKN_FAIL(diag,
                        SKN_ETOOLARGE,
                        "the input has %zu bytes, over %d; pass it by a file",
                        request->input.len,
                        SKN_EXEC_INPUT_MAX);
    }
    if (request->argc > SKN_EXEC_STRINGS_MAX ||
        request->envc > SKN_EXEC_STRINGS_MAX - request->argc) {
        return SKN_FAIL(
            diag, SKN_ETOOLARGE, "over %d arguments and environment entries", SKN_EXEC_STRINGS_MAX);
    }
    size_t bytes = strings_bytes(request->argv, request->argc) +
                   strings_bytes(request->env, request->envc) + strings_bytes(&request->cwd, 1) +
                   strings_bytes(&request->stderr_path, 1) + request->input.len + 64;
    if (bytes > SKN_FRAME_BODY_MAX) {
        return SKN_FAIL(diag, SKN_ETOOLARGE, "arguments and environment are too long");
    }
    if (skn_omap_count(&s->running) >= SKN_EXEC_PROGRAMS_MAX) {
        return SKN_FAIL(diag, SKN_EFULL, "%d programs run already", SKN_EXEC_PROGRAMS_MAX);
    }
    if (request->input.len > SKN_EXEC_WAITING_MAX - s->input_bytes) {
        return SKN_FAIL(diag, SKN_EFULL, "too much input waits for programs that run");
    }
    return SKN_OK;
}

/* SKEIN_SPAWNER is how a sweep knows what is ours; a second one would hide the first. */
static bool names_the_mark(const struct skn_exec_request *request)
{
    for (size_t i = 0; i < request->envc; i++)
        if (skn_slice_has_prefix(request->env[i], SKN_LIT("SKEIN_SPAWNER="))) return true;
    return false;
}

enum skn_rc skn_spawner_exec(struct skn_spawner *s,
                             const struct skn_exec_request *request,
                             struct skn_diag *diag)
{
    if (s->is_gone || s->chan.is_ended) return SKN_FAIL(diag, SKN_EGONE, "the spawner is dead");
    if (find_running(s, request->id)) {
        return SKN_FAIL(
            diag, SKN_EEXIST, "program %llu runs already", (unsigned long long)request->id);
    }
    enum skn_rc rc = check_limits(s, request, diag);
    if (rc != SKN_OK) return rc;
    if (names_the_mark(request)) {
        return SKN_FAIL(diag, SKN_EARGS, "SKEIN_SPAWNER cannot be set by a request");
    }
    struct skn_buf *out = skn_exec_chan_out(&s->chan);
    size_t at = out->len;
    skn_frame_put_exec(out, request);
    SKN_ASSERT(skn_buf_rc(out) == SKN_OK); /* input_bytes and the count bound what is unsent */
    /* The other side reads it by the same rules, so what is wrong is refused here and never sent. */
    struct skn_frame_exec check;
    struct skn_slice body = skn_slice_from(skn_buf_slice(out), at + SKN_FRAME_HEAD_BYTES);
    rc = skn_frame_read_exec(body, &check, diag);
    if (rc != SKN_OK) {
        out->len = at;
        if (diag) diag->rc = SKN_EARGS;
        return SKN_EARGS;
    }
    struct running *r = skn_alloc_zero(1, sizeof *r);
    r->input_bytes = request->input.len;
    s->input_bytes += r->input_bytes;
    r->node.key = skn_exec_key(request->id, r->key);
    const struct skn_omap_node *taken = skn_omap_insert(&s->running, &r->node);
    SKN_ASSERT(!taken);
    skn_exec_chan_flush(&s->chan);
    return SKN_OK;
}

void skn_spawner_cancel(struct skn_spawner *s, uint64_t id)
{
    if (s->is_gone || !find_running(s, id)) return;
    skn_frame_put_cancel(skn_exec_chan_out(&s->chan), id);
    skn_exec_chan_flush(&s->chan);
}

int skn_spawner_fd(const struct skn_spawner *s)
{
    return s->chan.fd;
}

short skn_spawner_poll_events(const struct skn_spawner *s)
{
    return skn_exec_chan_has_output(&s->chan) ? POLLIN | POLLOUT : POLLIN;
}

static void set_gone(struct skn_spawner *s, struct skn_slice text)
{
    s->is_gone = true;
    (void)SKN_FAIL(&s->why_gone,
                   SKN_EGONE,
                   "the spawner has died%s%.*s",
                   text.len > 0 ? ": " : "",
                   SKN_FMT(text));
}

static enum skn_rc take_started(struct skn_spawner *s,
                                struct skn_slice body,
                                struct skn_exec_event *out_event,
                                struct skn_diag *diag)
{
    enum skn_rc rc = skn_frame_read_started(body, out_event, diag);
    if (rc != SKN_OK) return rc;
    struct running *r = find_running(s, out_event->id);
    if (!r || r->is_started) return SKN_CORRUPT(diag, "a STARTED of a program that never was");
    r->is_started = true;
    return SKN_OK;
}

static enum skn_rc take_ended(struct skn_spawner *s,
                              struct skn_slice body,
                              struct skn_exec_event *out_event,
                              struct skn_diag *diag)
{
    enum skn_rc rc = skn_frame_read_ended(body, out_event, diag);
    if (rc != SKN_OK) return rc;
    struct running *r = find_running(s, out_event->id);
    if (!r) return SKN_CORRUPT(diag, "an ENDED of a program that never was");
    forget(s, r);
    return SKN_OK;
}

static enum skn_rc
take_frame(struct skn_spawner *s, struct skn_exec_event *out_event, struct skn_diag *diag)
{
    enum skn_frame_type type;
    struct skn_slice body;
    enum skn_rc rc = skn_exec_chan_next(&s->chan, &type, &body, diag);
    if (rc != SKN_OK) return rc;
    if (type == SKN_FRAME_STARTED) return take_started(s, body, out_event, diag);
    if (type == SKN_FRAME_ENDED) return take_ended(s, body, out_event, diag);
    if (type != SKN_FRAME_FAILED) {
        return SKN_CORRUPT(diag, "a frame of type %d is not for the node", (int)type);
    }
    struct skn_frame_failed failed;
    rc = skn_frame_read_failed(body, &failed, diag);
    if (rc == SKN_OK) set_gone(s, failed.text);
    return rc == SKN_OK ? SKN_ELATER : rc;
}

enum skn_rc skn_spawner_next_event(struct skn_spawner *s,
                                   struct skn_exec_event *out_event,
                                   struct skn_diag *diag)
{
    struct skn_exec_event event = {0};
    enum skn_rc rc = SKN_ELATER;
    if (!s->is_gone) {
        skn_exec_chan_flush(&s->chan);
        rc = take_frame(s, &event, diag);
        if (rc == SKN_ELATER && s->chan.is_ended && !s->is_gone) set_gone(s, SKN_LIT(""));
        if (rc == SKN_ECORRUPT) set_gone(s, SKN_LIT("it sent nonsense"));
    }
    if (s->is_gone && rc == SKN_ELATER) {
        event.kind = SKN_EXEC_GONE;
        event.text = skn_slice_str(s->why_gone.text);
        rc = SKN_OK;
    }
    if (rc == SKN_OK) *out_event = event;
    return rc;
}

int32_t skn_spawner_pid(const struct skn_spawner *s)
{
    return s->pid;
}

uint32_t skn_spawner_swept(const struct skn_spawner *s)
{
    return s->swept;
}

size_t skn_spawner_running(const struct skn_spawner *s)
{
    return skn_omap_count(&s->running);
}

enum skn_rc skn_spawner_stop(struct skn_spawner *s, struct skn_diag *diag)
{
    if (!s) return SKN_OK;
    pid_t pid = s->pid;
    destroy(s); /* closes the channel, which is the order to kill everything */
    if (wait_for_end(pid, STOP_WAIT_MS)) return SKN_OK;
    return SKN_FAIL(diag, SKN_EBUSY, "the spawner (process %d) does not end", (int)pid);
}

const char *skn_exec_how_name(enum skn_exec_how how)
{
    static const char *const names[] = {
        "unknown", "exited", "signalled", "timeout", "cancelled", "spawn_failed", "too_large"};
    return (size_t)how < SKN_ARRAY_LEN(names) ? names[how] : names[0];
}
