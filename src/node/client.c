/* client.c - asks the holder of a project, starting one when it must, or reads without one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/client_internal.h"

#include "base/mem.h"
#include "node/backup.h"
#include "node/clock_internal.h"
#include "node/engine.h"
#include "node/frame_internal.h"
#include "node/sock_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 << 10,
    RETRY_MS = 2,         /* between looks at a holder that is about to serve */
    START_AGAIN_MS = 200, /* before a further holder is started */
    SEND_WAIT_MS = 10000, /* for a holder that does not read */
    LOST_MAX = 5,         /* holders lost in a row, without one answer */
    LOCAL_CLIENT = 1,     /* our number at an engine in this process */
};

static enum skn_rc take_engine(struct skn_client *c, struct skn_diag *diag)
{
    const struct skn_engine_options options = {
        .env = c->env,
        .data_dir = skn_slice_str(c->project.data_path),
        .project_dir = skn_slice_str(c->project.root),
        .read_only = true,
    };
    return skn_engine_open(&options, &c->engine, diag);
}

/* SKN_EBUSY: who has the lock does not serve, as yet. */
static enum skn_rc try_to_read(struct skn_client *c, struct skn_diag *diag)
{
    enum skn_rc rc = skn_data_dir_lock(&c->dir, SKN_HOLD_SHARED, diag);
    if (rc == SKN_ENOENT)
        return SKN_FAIL(diag, rc, "nothing was ever run in \"%s\"", c->project.root);
    if (rc == SKN_OK) rc = take_engine(c, diag);
    return rc;
}

struct starting {
    int ready_fd; /* -1: no holder of ours is on its way */
    pid_t pid;
    uint64_t at_ms;
};

static void forget(struct starting *s)
{
    if (s->ready_fd < 0) return;
    (void)close(s->ready_fd);
    s->ready_fd = -1;
    (void)waitpid(s->pid, NULL, WNOHANG);
}

/* Waits a little for what the holder that we started says. SKN_EBUSY: nothing yet. */
static enum skn_rc hear(struct starting *s, struct skn_diag *diag)
{
    struct pollfd wait = {.fd = s->ready_fd, .events = POLLIN};
    if (poll(&wait, 1, RETRY_MS) <= 0) return SKN_EBUSY;
    char text[SKN_DIAG_TEXT_MAX + 16];
    ssize_t n = read(s->ready_fd, text, sizeof(text) - 1);
    forget(s);
    if (n <= 0) return SKN_FAIL(diag, SKN_EINTERNAL, "the holder ended before it served");
    text[n] = 0;
    char *why;
    enum skn_rc rc = (enum skn_rc)strtol(text, &why, 10);
    if (rc == SKN_OK) return SKN_OK;
    return SKN_FAIL(diag, skn_rc_info(rc)->rc, "%s", why + (*why == ' '));
}

/* One look at the holder to be; starts one when there is none. SKN_EBUSY: not yet. */
static enum skn_rc try_to_start(struct skn_client *c, struct starting *s, struct skn_diag *diag)
{
    uint64_t now = skn_clock_ms();
    if (s->ready_fd < 0 && now >= s->at_ms) {
        enum skn_rc rc = skn_holder_start(&c->project, &c->dir, &s->pid, &s->ready_fd, diag);
        if (rc != SKN_OK) return rc;
        s->at_ms = now + START_AGAIN_MS;
    }
    if (s->ready_fd < 0) {
        skn_clock_sleep(RETRY_MS);
        return SKN_EBUSY;
    }
    enum skn_rc rc = hear(s, diag);
    if (rc == SKN_EINTERNAL && s->at_ms > 0 && ++c->lost <= LOST_MAX) {
        s->at_ms = 0; /* killed before it served: the next one at once */
        return SKN_EBUSY;
    }
    return rc == SKN_OK ? SKN_EBUSY : rc; /* it serves: the next look connects */
}

/* Nobody served in time. */
static enum skn_rc say_held(const struct skn_client *c, struct skn_diag *diag)
{
    const char *path = c->project.data_path;
    long pid = skn_data_dir_pid(&c->dir);
    if (pid == 0)
        return SKN_FAIL(
            diag,
            SKN_EBUSY,
            "\"%s\" is held by another program, which has locked \"%s/lock\"; end it or "
            "try again later",
            path,
            path);
    return SKN_FAIL(
        diag,
        SKN_EBUSY,
        "\"%s\" is held by process %ld, which does not answer; end it or try again later",
        path,
        pid);
}

/* Reaches a holder or opens the data; gives up after SKN_HOLD_WAIT_MS. */
static enum skn_rc reach(struct skn_client *c, struct skn_diag *diag)
{
    uint64_t until = skn_clock_ms() + SKN_HOLD_WAIT_MS;
    struct starting s = {.ready_fd = -1};
    enum skn_rc rc;
    for (;;) {
        rc = skn_sock_connect(&c->dir, &c->fd, diag);
        if (rc == SKN_ENOENT && c->write) rc = try_to_start(c, &s, diag);
        if (rc == SKN_ENOENT && !c->write) rc = try_to_read(c, diag);
        if (rc != SKN_EBUSY && rc != SKN_ELATER) break;
        if (skn_clock_ms() >= until) {
            rc = say_held(c, diag);
            break;
        }
        if (!c->write || rc == SKN_ELATER) skn_clock_sleep(RETRY_MS);
    }
    forget(&s);
    return rc;
}

enum skn_rc skn_client_open(const struct skn_client_options *options,
                            struct skn_client **out_client,
                            struct skn_diag *diag)
{
    struct skn_client *c = skn_alloc(sizeof(*c));
    *c = (struct skn_client){.env = options->env,
                             .project = *options->project,
                             .write = options->write,
                             .dir = {.fd = -1, .lock_fd = -1},
                             .fd = -1};
    skn_buf_init(&c->in, SKN_FRAME_HEAD + (size_t)SKN_FRAME_MAX + READ_BYTES);
    skn_buf_init(&c->request, SKN_FRAME_HEAD + (size_t)SKN_FRAME_MAX);
    skn_buf_init(&c->value, 4 * (size_t)SKN_FRAME_MAX);
    enum skn_rc rc = c->write ? skn_data_dir_create(c->project.data_path, &c->dir, diag)
                              : skn_data_dir_open(c->project.data_path, &c->dir, diag);
    if (rc == SKN_ENOENT)
        rc = SKN_FAIL(diag, rc, "nothing was ever run in \"%s\"", c->project.root);
    if (rc == SKN_OK)
        rc = c->write ? skn_restore_may_write(c->project.data_path, diag)
                      : skn_restore_may_read(c->project.data_path, diag);
    if (rc == SKN_OK) rc = reach(c, diag);
    if (rc == SKN_OK) {
        *out_client = c;
    } else {
        skn_client_close(c);
    }
    return rc;
}

void skn_client_close(struct skn_client *c)
{
    if (!c) return;
    if (c->fd >= 0) (void)close(c->fd);
    skn_engine_close(c->engine);
    skn_data_dir_close(&c->dir);
    skn_buf_fini(&c->in);
    skn_buf_fini(&c->request);
    skn_buf_fini(&c->value);
    skn_free(c);
}

int skn_client_fd(const struct skn_client *c)
{
    return c->fd;
}

/* False: the holder is gone. */
static bool send_all(const struct skn_client *c, struct skn_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        struct pollfd wait = {.fd = c->fd, .events = POLLOUT};
        if (n >= 0) {
            bytes = skn_slice_from(bytes, (size_t)n);
        } else if (errno == EAGAIN) {
            if (poll(&wait, 1, SEND_WAIT_MS) == 0) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static enum skn_rc give_engine(struct skn_client *c, struct skn_slice json, struct skn_diag *diag)
{
    skn_buf_reset(&c->value);
    enum skn_rc rc = skn_json_parse(json, NULL, &c->value, diag);
    if (rc != SKN_OK) return rc;
    return skn_engine_request(
        c->engine, LOCAL_CLIENT, skn_value_view(skn_buf_slice(&c->value)), diag);
}

enum skn_rc skn_client_send(struct skn_client *c, struct skn_slice json, struct skn_diag *diag)
{
    if (c->engine) return give_engine(c, json, diag);
    uint8_t head[SKN_FRAME_HEAD] = {(uint8_t)(json.len >> 24),
                                    (uint8_t)(json.len >> 16),
                                    (uint8_t)(json.len >> 8),
                                    (uint8_t)json.len};
    /* A holder that went away is noticed by the next read, which sends the request again. */
    if (send_all(c, skn_slice(head, sizeof(head)))) (void)send_all(c, json);
    return SKN_OK;
}

/* The holder is gone: finds the next one and asks it the same. */
static enum skn_rc begin_again(struct skn_client *c, struct skn_diag *diag)
{
    (void)close(c->fd);
    c->fd = -1;
    skn_buf_reset(&c->in);
    if (++c->lost > LOST_MAX)
        return SKN_FAIL(diag,
                        SKN_EIO,
                        "%d holders went away without an answer; see %s/holder.log",
                        LOST_MAX,
                        c->project.data_path);
    enum skn_rc rc = reach(c, diag);
    if (rc == SKN_OK && c->kind != SKN_ASK_NOTHING)
        rc = skn_client_send(c, skn_buf_slice(&c->request), diag);
    return rc;
}

/* The next whole frame, as long as nothing is read into `in`. */
static enum skn_rc
next_frame(struct skn_client *c, struct skn_slice *out_json, struct skn_diag *diag)
{
    if (c->in_used > 0) memmove(c->in.ptr, c->in.ptr + c->in_used, c->in.len - c->in_used);
    c->in.len -= c->in_used;
    c->in_used = 0;
    for (;;) {
        size_t used;
        enum skn_rc rc = skn_frame_next(skn_buf_slice(&c->in), out_json, &used, diag);
        if (rc == SKN_OK) c->in_used = used;
        if (rc != SKN_ELATER) return rc;
        uint8_t *room = skn_buf_reserve(&c->in, READ_BYTES);
        SKN_ASSERT(room);
        ssize_t n = recv(c->fd, room, READ_BYTES, 0);
        if (n > 0) {
            skn_buf_commit(&c->in, (size_t)n);
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return SKN_ELATER;
        rc = begin_again(c, diag);
        if (rc != SKN_OK) return rc;
        if (c->engine) return SKN_ELATER; /* a reader goes on without a holder */
    }
}

/* The next answer of an engine in this process, which has all of them after a turn. */
static enum skn_rc
next_local(struct skn_client *c, struct skn_slice *out_json, struct skn_diag *diag)
{
    uint64_t client;
    if (skn_engine_next_answer(c->engine, &client, out_json)) return SKN_OK;
    enum skn_rc rc = skn_engine_turn(c->engine, diag);
    if (rc != SKN_OK) return rc;
    return skn_engine_next_answer(c->engine, &client, out_json) ? SKN_OK : SKN_ELATER;
}

enum skn_rc
skn_client_next(struct skn_client *c, struct skn_answer *out_answer, struct skn_diag *diag)
{
    for (;;) {
        struct skn_slice json;
        enum skn_rc rc;
        bool was_local = c->engine != NULL;
        rc = was_local ? next_local(c, &json, diag) : next_frame(c, &json, diag);
        if (rc == SKN_ELATER && !was_local && c->engine) continue;
        if (rc != SKN_OK) return rc;
        skn_buf_reset(&c->value);
        rc = skn_json_parse(json, NULL, &c->value, diag);
        if (rc != SKN_OK) return SKN_FAIL(diag, SKN_ECORRUPT, "the holder's answer is not JSON");
        c->lost = 0;
        bool is_ours;
        rc = skn_answer_read(
            c, skn_value_view(skn_buf_slice(&c->value)), &is_ours, out_answer, diag);
        if (is_ours) return rc;
    }
}
