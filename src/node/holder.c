/* holder.c - the process that has a project's data: one loop over socket, clients and engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "base/mem.h"
#include "node/backup.h"
#include "node/clock_internal.h"
#include "node/engine.h"
#include "node/frame_internal.h"
#include "node/node.h"
#include "node/peer_internal.h"
#include "node/sock_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often a lock is tried that somebody has: often enough that nobody notices. */
enum { LOCK_RETRY_MS = 10, READY_TEXT_MAX = SKN_DIAG_TEXT_MAX + 16 };

/* In front of the clients in what is polled. */
enum { POLL_SIGNAL, POLL_LISTEN, POLL_ENGINE, POLL_WAKE, POLL_PEERS };

struct holder {
    const struct skn_holder_options *options;
    struct skn_data_dir dir;
    struct skn_engine *engine;
    int listen_fd;
    int signal_fd;
    struct skn_list peers;
    size_t peer_count;
    uint64_t next_number;
    struct skn_buf scratch; /* the request that is looked at */
    uint64_t idle_since_ms; /* 0: not idle */
    bool asked;             /* a request came since the last turn */
    bool ends;              /* a signal said so */
};

static void tell_ready(int fd, enum skn_rc rc, const struct skn_diag *diag)
{
    if (fd < 0) return;
    char text[READY_TEXT_MAX];
    int len = snprintf(text, sizeof(text), "%d %s", (int)rc, rc == SKN_OK ? "" : diag->text);
    SKN_ASSERT(len > 0 && (size_t)len < sizeof(text));
    ssize_t n = write(fd, text, (size_t)len); /* whoever asked may be gone */
    (void)n;
    (void)close(fd);
}

/* Takes the lock, for as long as nobody serves and SKN_HOLD_WAIT_MS are not over: the spawner of a
 * holder that died has it until it has ended what it started. */
static enum skn_rc take_lock(struct holder *h, bool *out_served, struct skn_diag *diag)
{
    uint64_t until = skn_clock_ms() + SKN_HOLD_WAIT_MS;
    *out_served = false;
    for (;;) {
        enum skn_rc rc = skn_data_dir_lock(&h->dir, SKN_HOLD_EXCLUSIVE, diag);
        if (rc != SKN_EBUSY) return rc;
        int fd;
        if (skn_sock_connect(&h->dir, &fd, NULL) == SKN_OK) {
            (void)close(fd);
            *out_served = true;
            return SKN_OK;
        }
        if (skn_clock_ms() >= until) return rc;
        skn_clock_sleep(LOCK_RETRY_MS);
    }
}

static enum skn_rc open_engine(struct holder *h, struct skn_diag *diag)
{
    const struct skn_project *project = h->options->project;
    const struct skn_engine_options options = {
        .env = h->options->env,
        .data_dir = skn_slice_str(project->data_path),
        .project_dir = skn_slice_str(project->root),
        .version = h->options->version,
    };
    return skn_engine_open(&options, &h->engine, diag);
}

/* Before anything is opened: who ends a holder that is opening waits until it can stop cleanly. What it
 * forks unblocks them for itself. */
static enum skn_rc catch_signals(struct holder *h, struct skn_diag *diag)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    h->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (h->signal_fd >= 0) return SKN_OK;
    return SKN_FAIL(diag, SKN_EIO, "could not watch for signals: %s", strerror(errno));
}

static void drop_peer(struct holder *h, struct skn_peer *peer)
{
    skn_engine_client_gone(h->engine, peer->number);
    skn_peer_destroy(peer);
    h->peer_count--;
}

static void accept_all(struct holder *h)
{
    for (;;) {
        int fd = accept4(h->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        struct skn_peer *peer = skn_peer_create(fd, ++h->next_number);
        if (h->peer_count < SKN_CLIENTS_MAX) {
            skn_list_push_back(&h->peers, &peer->link);
            h->peer_count++;
            continue;
        }
        struct skn_diag diag;
        (void)SKN_FAIL(&diag,
                       SKN_ERATELIMITED,
                       "the holder has %d clients already; try again later",
                       SKN_CLIENTS_MAX);
        skn_peer_error(peer, skn_value_none(), &diag);
        skn_peer_destroy(peer);
    }
}

static struct skn_value id_of(struct skn_value request)
{
    struct skn_value id = skn_value_none();
    if (skn_value_is(request, SKN_T_MAP)) (void)skn_map_get(request, SKN_LIT("id"), &id);
    return id;
}

/* Hands every whole request of a client to the engine. */
static void take_requests(struct holder *h, struct skn_peer *peer)
{
    while (!peer->gone && !peer->ends && peer->queue_count < SKN_PEER_QUEUE_MAX / 2) {
        struct skn_diag diag = {.text = ""};
        enum skn_rc rc = skn_peer_next(peer, &h->scratch, &diag);
        if (rc == SKN_ELATER) return;
        struct skn_value request = skn_value_none();
        if (rc == SKN_OK) {
            request = skn_value_view(skn_buf_slice(&h->scratch));
            rc = skn_engine_request(h->engine, peer->number, request, &diag);
            h->asked = true;
        }
        diag.rc = rc;
        if (rc != SKN_OK) skn_peer_error(peer, id_of(request), &diag);
        /* Where the next frame begins is not known any more. */
        if (rc == SKN_ECORRUPT && request.tag == SKN_T_NONE) peer->ends = true;
    }
}

static struct skn_peer *peer_by_number(struct holder *h, uint64_t number)
{
    SKN_LIST_FOREACH (link, &h->peers) {
        struct skn_peer *peer = SKN_CONTAINER_OF(link, struct skn_peer, link);
        if (peer->number == number) return peer;
    }
    return NULL;
}

/* `is_due`: it is ready, or waited for as long as it wanted to. */
static enum skn_rc turn(struct holder *h, bool is_due, struct skn_diag *diag)
{
    if (is_due || h->asked || skn_engine_timeout_ms(h->engine) == 0) {
        h->asked = false;
        enum skn_rc rc = skn_engine_turn(h->engine, diag);
        if (rc != SKN_OK) return rc;
    }
    uint64_t number;
    struct skn_slice json;
    while (skn_engine_next_answer(h->engine, &number, &json)) {
        struct skn_peer *peer = peer_by_number(h, number);
        if (peer) skn_peer_answer(peer, json);
    }
    return SKN_OK;
}

static void sweep_peers(struct holder *h)
{
    SKN_LIST_FOREACH_SAFE (link, after, &h->peers) {
        struct skn_peer *peer = SKN_CONTAINER_OF(link, struct skn_peer, link);
        if (peer->ends && !skn_peer_wants_to_write(peer)) peer->gone = true;
        if (peer->gone) drop_peer(h, peer);
    }
}

static void note_idle(struct holder *h)
{
    bool idle = h->peer_count == 0 && skn_engine_idle(h->engine);
    if (!idle) h->idle_since_ms = 0;
    if (idle && h->idle_since_ms == 0) h->idle_since_ms = skn_clock_ms();
}

/* Milliseconds to wait in poll. */
static int wait_ms(const struct holder *h)
{
    int wait = skn_engine_timeout_ms(h->engine);
    if (h->idle_since_ms == 0) return wait;
    uint64_t now = skn_clock_ms(), end = h->idle_since_ms + h->options->linger_ms;
    int left = end > now ? (int)(end - now) : 0;
    return wait < 0 || left < wait ? left : wait;
}

static bool is_over(const struct holder *h)
{
    return h->ends ||
           (h->idle_since_ms != 0 && skn_clock_ms() >= h->idle_since_ms + h->options->linger_ms);
}

static size_t fill_polls(struct holder *h, struct pollfd *polls)
{
    polls[POLL_SIGNAL] = (struct pollfd){.fd = h->signal_fd, .events = POLLIN};
    polls[POLL_LISTEN] = (struct pollfd){.fd = h->listen_fd, .events = POLLIN};
    polls[POLL_ENGINE] = (struct pollfd){.fd = skn_engine_fd(h->engine),
                                         .events = skn_engine_poll_events(h->engine)};
    polls[POLL_WAKE] = (struct pollfd){.fd = skn_engine_wake_fd(h->engine), .events = POLLIN};
    size_t n = POLL_PEERS;
    SKN_LIST_FOREACH (link, &h->peers) {
        struct skn_peer *peer = SKN_CONTAINER_OF(link, struct skn_peer, link);
        bool may_ask = !peer->ends && peer->queue_count < SKN_PEER_QUEUE_MAX / 2;
        polls[n++] = (struct pollfd){
            .fd = peer->fd,
            .events =
                (short)((may_ask ? POLLIN : 0) | (skn_peer_wants_to_write(peer) ? POLLOUT : 0)),
        };
    }
    return n;
}

static enum skn_rc serve_once(struct holder *h, struct skn_diag *diag)
{
    struct pollfd polls[POLL_PEERS + SKN_CLIENTS_MAX];
    int wait = wait_ms(h);
    size_t n = fill_polls(h, polls);
    int ready = poll(polls, n, wait);
    if (ready < 0 && errno != EINTR)
        return SKN_FAIL(diag, SKN_EIO, "could not wait for clients: %s", strerror(errno));
    if (polls[POLL_SIGNAL].revents) h->ends = true;
    /* In the order of the array; only new peers are behind its end. */
    struct skn_list *link = h->peers.next;
    for (size_t i = POLL_PEERS; i < n; i++, link = link->next) {
        struct skn_peer *peer = SKN_CONTAINER_OF(link, struct skn_peer, link);
        if (polls[i].revents & POLLOUT) skn_peer_write(peer);
        if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) skn_peer_read(peer);
        take_requests(h, peer);
    }
    if (polls[POLL_LISTEN].revents) accept_all(h);
    bool is_due = ready == 0 || polls[POLL_ENGINE].revents || polls[POLL_WAKE].revents;
    enum skn_rc rc = turn(h, is_due, diag);
    sweep_peers(h);
    note_idle(h);
    return rc;
}

/* Serves until nothing is left to do, then takes the socket away and looks once more: who came
 * before that is served, who comes after it starts a holder of his own [E81]. */
static enum skn_rc serve(struct holder *h, struct skn_diag *diag)
{
    for (;;) {
        note_idle(h);
        while (!is_over(h)) {
            enum skn_rc rc = serve_once(h, diag);
            if (rc != SKN_OK) return rc;
        }
        skn_sock_unlink(&h->dir);
        if (h->ends) return SKN_OK;
        accept_all(h);
        if (h->peer_count == 0) return SKN_OK;
        (void)close(h->listen_fd);
        h->listen_fd = -1;
        enum skn_rc rc = skn_sock_listen(&h->dir, &h->listen_fd, diag);
        if (rc != SKN_OK) return rc;
    }
}

static enum skn_rc hold(struct holder *h, struct skn_diag *diag)
{
    const struct skn_holder_options *options = h->options;
    bool served = false;
    enum skn_rc rc = skn_data_dir_create(options->project->data_path, &h->dir, diag);
    if (rc == SKN_OK) rc = take_lock(h, &served, diag);
    if (rc == SKN_OK && !served) rc = skn_restore_may_write(options->project->data_path, diag);
    if (rc == SKN_OK && !served) rc = catch_signals(h, diag);
    if (rc == SKN_OK && !served) rc = open_engine(h, diag);
    /* What ends a holder in its first turn, such as a full disk, is told to who started it. */
    if (rc == SKN_OK && !served) rc = skn_engine_turn(h->engine, diag);
    if (rc == SKN_OK && !served) rc = skn_sock_listen(&h->dir, &h->listen_fd, diag);
    tell_ready(options->ready_fd, rc, diag);
    if (rc == SKN_OK && !served) rc = serve(h, diag);
    return rc;
}

/* The lock is not given up here: it goes with the process, so that who gets it finds nothing of this one
 * left, not even its log open. A descriptor below those of the log and one above them stand for it, as
 * the kernel does not say in which order it closes them. */
static void give_lock_up_last(struct skn_data_dir *dir)
{
    if (dir->lock_fd >= 0) (void)dup2(dir->lock_fd, STDIN_FILENO);
    dir->lock_fd = -1;
    skn_data_dir_close(dir);
}

enum skn_rc skn_holder_run(const struct skn_holder_options *options, struct skn_diag *diag)
{
    struct holder h = {
        .options = options, .dir = {.fd = -1, .lock_fd = -1}, .listen_fd = -1, .signal_fd = -1};
    skn_list_init(&h.peers);
    skn_buf_init(&h.scratch, 4 * (size_t)SKN_FRAME_MAX);
    struct skn_diag own = {.text = ""};
    enum skn_rc rc = hold(&h, diag ? diag : &own);
    SKN_LIST_FOREACH_SAFE (link, after, &h.peers)
        drop_peer(&h, SKN_CONTAINER_OF(link, struct skn_peer, link));
    if (h.listen_fd >= 0) (void)close(h.listen_fd);
    if (h.signal_fd >= 0) (void)close(h.signal_fd);
    skn_engine_close(h.engine);
    give_lock_up_last(&h.dir);
    skn_buf_fini(&h.scratch);
    return rc;
}
