/* spawner.c - the spawner's loop: frames in, programs out, and nothing left behind at the end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/spawner_internal.h"

#include "base/mem.h"
#include "exec/clock_internal.h"
#include "exec/proc_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EVENTS_PER_ROUND = 64,
    FRAMES_PER_ROUND = 16,       /* each may fork; time limits are looked at in between */
    UNSENT_BYTES_MAX = 32 << 20, /* more than this unread by the node: ENDED frames wait */
    OUT_BYTES_MAX = UNSENT_BYTES_MAX + SKN_FRAME_BODY_MAX + (SKN_EXEC_PROGRAMS_MAX * 64),
    STRAY_ROUNDS_MAX = 100,
    HELP_AFTER_MS =
        100, /* keepers kill their own in a few ms; then everything is killed from here */
    NOFILE_WANTED = SKN_EXEC_PROGRAMS_MAX * 5 + 256,
};

static struct skn_exec_program *program_by(struct skn_omap *map, uint64_t number, bool is_keeper)
{
    uint8_t bytes[8];
    struct skn_omap_node *node = skn_omap_find(map, skn_exec_key(number, bytes));
    if (!node) return NULL;
    return is_keeper ? SKN_CONTAINER_OF(node, struct skn_exec_program, by_keeper)
                     : SKN_CONTAINER_OF(node, struct skn_exec_program, by_id);
}

/* Handles frames of the node. True when there may be more. */
static bool take_frames(struct skn_exec_spawner *s, enum skn_rc *out_rc, struct skn_diag *diag)
{
    for (int i = 0; i < FRAMES_PER_ROUND; i++) {
        enum skn_frame_type type;
        struct skn_slice body;
        enum skn_rc rc = skn_exec_chan_next(&s->chan, &type, &body, diag);
        if (rc == SKN_ELATER) return false;
        if (rc == SKN_OK && type == SKN_FRAME_EXEC) {
            rc = skn_exec_program_start(s, body, diag);
        } else if (rc == SKN_OK && type == SKN_FRAME_CANCEL) {
            uint64_t id = 0;
            rc = skn_frame_read_cancel(body, &id, diag);
            struct skn_exec_program *p = rc == SKN_OK ? program_by(&s->programs, id, false) : NULL;
            if (p) skn_exec_program_ask(p, SKN_EXEC_CANCELLED);
        } else if (rc == SKN_OK) {
            rc = SKN_CORRUPT(diag, "a frame of type %d is not for the spawner", (int)type);
        }
        *out_rc = rc;
        if (rc != SKN_OK) return false;
    }
    return true;
}

static bool is_keeper(const void *context, pid_t pid)
{
    const struct skn_exec_spawner *s = context;
    uint8_t bytes[8];
    return skn_omap_find(&s->keepers, skn_exec_key((uint64_t)pid, bytes)) != NULL;
}

/* Somebody killed a keeper, and what its program had detached is now under the spawner: a child that
 * is no keeper. Rare, so waiting a little here is fine. */
static void kill_strays(const struct skn_exec_spawner *s)
{
    for (int i = 0; i < STRAY_ROUNDS_MAX && skn_exec_kill_descendants(is_keeper, s) > 0; i++)
        skn_exec_pause_ms(1);
}

static void reap(struct skn_exec_spawner *s)
{
    for (pid_t pid = waitpid(-1, NULL, WNOHANG); pid > 0; pid = waitpid(-1, NULL, WNOHANG)) {
        struct skn_exec_program *p = program_by(&s->keepers, (uint64_t)pid, true);
        if (p && skn_exec_program_lost_keeper(p)) kill_strays(s);
    }
}

static void take_signals(struct skn_exec_spawner *s)
{
    struct signalfd_siginfo infos[16];
    while (read(s->signals, infos, sizeof infos) > 0) {
    }
    reap(s);
}

/* Lets the phases go on whose time has come; gives the time to the next in ms, or -1. */
static int fire_deadlines(struct skn_exec_spawner *s)
{
    uint64_t now = skn_exec_now_ms();
    uint64_t next = UINT64_MAX;
    for (struct skn_omap_node *n = skn_omap_first(&s->programs); n; n = skn_omap_next(n)) {
        struct skn_exec_program *p = SKN_CONTAINER_OF(n, struct skn_exec_program, by_id);
        while (p->deadline_ms <= now)
            skn_exec_program_expire(p);
        if (p->deadline_ms < next) next = p->deadline_ms;
    }
    if (next == UINT64_MAX) return -1;
    return next - now > 60000 ? 60000 : (int)(next - now);
}

/* Sends ENDED frames as long as the node keeps up with reading. */
static void send_over(struct skn_exec_spawner *s)
{
    skn_exec_chan_flush(&s->chan);
    while (!skn_list_is_empty(&s->over) && s->chan.out.len - s->chan.out_at < UNSENT_BYTES_MAX) {
        struct skn_list *link = skn_list_first(&s->over);
        skn_exec_program_finish(SKN_CONTAINER_OF(link, struct skn_exec_program, link));
        SKN_ASSERT(skn_buf_rc(&s->chan.out) == SKN_OK);
        skn_exec_chan_flush(&s->chan);
    }
    uint32_t wanted = EPOLLIN | (skn_exec_chan_has_output(&s->chan) ? EPOLLOUT : 0U);
    if (wanted == s->chan_events) return;
    struct epoll_event event = {.events = wanted, .data.ptr = &s->chan};
    int rc = epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->chan.fd, &event);
    SKN_ASSERT(rc == 0);
    s->chan_events = wanted;
}

static void free_dead(struct skn_exec_spawner *s)
{
    SKN_LIST_FOREACH_SAFE (link, after, &s->dead) {
        skn_exec_program_free(SKN_CONTAINER_OF(link, struct skn_exec_program, link));
    }
}

/* The descriptors of programs are served before the rest, so that none of them is of a program that
 * the same round has ended: those are closed, and freed only at the end of the round. */
static void dispatch(struct skn_exec_spawner *s, const struct epoll_event *events, int count)
{
    bool has_signal = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &s->signals) {
            has_signal = true;
        } else if (events[i].data.ptr != &s->chan) {
            struct skn_exec_pipe *pipe = events[i].data.ptr;
            if (pipe->fd >= 0) pipe->on_ready(pipe->program);
        }
    }
    if (has_signal) take_signals(s);
}

/* Until the node is gone, SKN_OK, or says nonsense. */
static enum skn_rc serve(struct skn_exec_spawner *s, struct skn_diag *diag)
{
    struct epoll_event events[EVENTS_PER_ROUND];
    enum skn_rc rc = SKN_OK;
    bool has_more = false;
    while (rc == SKN_OK && !s->chan.is_ended && getppid() == s->node) {
        int wait_ms = fire_deadlines(s);
        send_over(s);
        free_dead(s);
        int n = epoll_wait(s->epoll, events, EVENTS_PER_ROUND, has_more ? 0 : wait_ms);
        if (n > 0) dispatch(s, events, n);
        has_more = take_frames(s, &rc, diag);
    }
    return rc;
}

/* Without grace, until wait says that there is nobody [E43b]. */
static void kill_all(struct skn_exec_spawner *s)
{
    for (struct skn_omap_node *n = skn_omap_first(&s->keepers); n; n = skn_omap_next(n))
        (void)kill(SKN_CONTAINER_OF(n, struct skn_exec_program, by_keeper)->keeper, SIGTERM);
    uint64_t began_ms = skn_exec_now_ms();
    for (;;) {
        pid_t pid = 1;
        while (pid > 0)
            pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0) return;
        if (skn_exec_now_ms() - began_ms >= HELP_AFTER_MS) {
            (void)skn_exec_kill_descendants(NULL, NULL);
        }
        skn_exec_pause_ms(1);
    }
}

/* 0 and 1 lead nowhere, 2 stays for a broken invariant, all else but the channel is closed: the node
 * may have inherited anything. Gives the channel's descriptor. */
static int arrange_descriptors(int fd)
{
    int chan = fcntl(fd, F_DUPFD_CLOEXEC, SKN_EXEC_LOCK_FD + 1);
    if (chan < 0) return -1;
    skn_exec_close_from(3, chan);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) != 0 || dup2(null, 1) != 1) return -1;
    if (fcntl(2, F_GETFD) < 0 && dup2(null, 2) != 2) return -1;
    if (null > 2) (void)close(null);
    return chan;
}

static void raise_nofile(struct skn_exec_spawner *s)
{
    (void)getrlimit(RLIMIT_NOFILE, &s->nofile);
    struct rlimit wanted = s->nofile;
    if (wanted.rlim_cur >= NOFILE_WANTED) return;
    wanted.rlim_cur = wanted.rlim_max < NOFILE_WANTED ? wanted.rlim_max : NOFILE_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &wanted); /* else a start fails, and says so */
}

/* All signals are blocked; two are read from a descriptor: SIGCHLD, and SIGTERM, which the kernel
 * sends when the node dies and which only makes the loop look. */
static bool open_epoll(struct skn_exec_spawner *s)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigaddset(&signals, SIGTERM);
    s->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->chan_events = EPOLLIN;
    struct epoll_event on_signal = {.events = EPOLLIN, .data.ptr = &s->signals};
    struct epoll_event on_chan = {.events = EPOLLIN, .data.ptr = &s->chan};
    return s->signals >= 0 && s->epoll >= 0 &&
           epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->signals, &on_signal) == 0 &&
           epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->chan.fd, &on_chan) == 0;
}

static enum skn_rc prepare(struct skn_exec_spawner *s,
                           const struct skn_spawner_options *options,
                           struct skn_diag *diag)
{
    /* Without a node it must not go on to wait, and help itself to the lock of the next one's
     * spawner. It has no children yet, so it can simply be killed; from then on it must kill. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != s->node) _exit(70);
    enum skn_rc rc = skn_exec_lock_take(options, s->node, &s->lock, diag);
    if (rc != SKN_OK) return rc;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != s->node) _exit(70);
    int locked = s->lock.fd; /* a low number: above 2 only the channel was open */
    SKN_ASSERT(locked != SKN_EXEC_LOCK_FD);
    s->lock.fd = dup2(locked, SKN_EXEC_LOCK_FD); /* not closed on exec: programs inherit it */
    (void)close(locked);
    if (s->lock.fd < 0 || !open_epoll(s) || chdir("/") != 0) {
        return SKN_FAIL(diag, SKN_EIO, "could not set up the spawner: %s", strerror(errno));
    }
    return SKN_OK;
}

static void block_signals(void)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    /* Whatever the node had set for them: a SIGCHLD that is ignored would make wait useless. */
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGCHLD, &usual, NULL);
    (void)sigaction(SIGTERM, &usual, NULL);
    (void)sigaction(SIGUSR1, &usual, NULL);
}

/* The last words. The node may be gone or not reading; then they are lost. */
static void say_failed(struct skn_exec_spawner *s, enum skn_rc rc, const struct skn_diag *diag)
{
    struct skn_frame_failed failed = {.rc = rc, .text = skn_slice_str(diag->text)};
    skn_frame_put_failed(skn_exec_chan_out(&s->chan), &failed);
    skn_exec_chan_flush(&s->chan);
}

void skn_exec_spawner_main(const struct skn_spawner_options *options, pid_t node, int fd)
{
    struct skn_exec_spawner *s = skn_alloc_zero(1, sizeof *s);
    struct skn_diag diag = {0};
    block_signals();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) _exit(70);
    (void)setsid(); /* Ctrl-C in a terminal is for the node */
    (void)prctl(PR_SET_NAME, "skein-spawner");
    s->self = getpid();
    s->node = node;
    skn_omap_init(&s->programs);
    skn_omap_init(&s->keepers);
    skn_list_init(&s->over);
    skn_list_init(&s->dead);
    raise_nofile(s);
    int chan = arrange_descriptors(fd);
    if (chan < 0) _exit(70);
    skn_exec_chan_init(&s->chan, chan, OUT_BYTES_MAX);
    enum skn_rc rc = prepare(s, options, &diag);
    if (rc == SKN_OK) {
        struct skn_frame_ready ready = {s->lock.swept, skn_slice_str(s->lock.mark)};
        skn_frame_put_ready(skn_exec_chan_out(&s->chan), &ready);
        rc = serve(s, &diag);
        kill_all(s);
        skn_exec_lock_leave_clean(&s->lock);
    }
    if (rc != SKN_OK) say_failed(s, rc, &diag);
    _exit(rc == SKN_OK ? 0 : 70);
}
