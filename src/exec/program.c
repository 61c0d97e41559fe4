/* program.c - one program as the spawner sees it: its pipes, its time, its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/spawner_internal.h"

#include "base/mem.h"
#include "exec/clock_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOO_LARGE_SHOWN = 4096, DRAIN_READS_MAX = 64 };

/* Taken out of epoll by hand: a keeper that is just being forked holds a copy for a moment, and
 * epoll would go on naming a program that is freed. */
static void close_pipe(struct skn_exec_pipe *pipe)
{
    if (pipe->fd < 0) return;
    (void)epoll_ctl(pipe->program->spawner->epoll, EPOLL_CTL_DEL, pipe->fd, NULL);
    (void)close(pipe->fd);
    pipe->fd = -1;
}

static void set_deadline(struct skn_exec_program *p, uint64_t after_ms)
{
    uint64_t now = skn_exec_now_ms();
    p->deadline_ms = after_ms > UINT64_MAX - 1 - now ? UINT64_MAX : now + after_ms;
}

static void kill_now(struct skn_exec_program *p, enum skn_exec_how cause)
{
    SKN_ASSERT(p->phase != SKN_PHASE_OVER);
    if (p->phase == SKN_PHASE_KILLED) return;
    if (p->cause == 0 || cause == SKN_EXEC_TOO_LARGE) p->cause = cause;
    p->phase = SKN_PHASE_KILLED;
    set_deadline(p, SKN_EXEC_GIVE_UP_MS);
    (void)kill(p->keeper, SIGTERM); /* not reaped yet, so it is still the keeper */
}

/* Appends what fits under stdout_max; one byte more and the program is over its limit. The pipe is
 * then no longer looked at but stays open until the end: closed, it could let the program die of
 * SIGPIPE, or of an error it makes of it, before it is killed. */
static void take_output(struct skn_exec_program *p, size_t n)
{
    size_t room = p->output.max - p->output.len;
    skn_buf_put(&p->output, skn_slice(p->spawner->scratch, n < room ? n : room));
    if (n <= room) return;
    (void)epoll_ctl(p->spawner->epoll, EPOLL_CTL_DEL, p->out.fd, NULL);
    if (p->phase == SKN_PHASE_OVER)
        p->cause = SKN_EXEC_TOO_LARGE;
    else
        kill_now(p, SKN_EXEC_TOO_LARGE);
}

/* One read; true when there may be more. */
static bool read_once(struct skn_exec_program *p, struct skn_exec_pipe *pipe)
{
    if (pipe->fd < 0) return false;
    ssize_t n = read(pipe->fd, p->spawner->scratch, SKN_EXEC_SCRATCH_BYTES);
    if (n < 0 && errno == EINTR) return true;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
        close_pipe(pipe);
        return false;
    }
    if (pipe == &p->out)
        take_output(p, (size_t)n);
    else
        skn_exec_errlog_put(&p->log, skn_slice(p->spawner->scratch, (size_t)n));
    return true;
}

static void on_out(struct skn_exec_program *p)
{
    (void)read_once(p, &p->out);
}

static void on_err(struct skn_exec_program *p)
{
    (void)read_once(p, &p->err);
}

/* A program that closes its standard input early has had enough; that is no failure. */
static void on_in(struct skn_exec_program *p)
{
    while (p->in.fd >= 0 && p->input.len > 0) {
        ssize_t n = write(p->in.fd, p->input.ptr, p->input.len);
        if (n >= 0)
            p->input = skn_slice_from(p->input, (size_t)n);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR)
            break;
    }
    close_pipe(&p->in);
}

/* Nothing of it runs any more: what its pipes hold is all there will be. */
static void set_over(struct skn_exec_program *p, const struct skn_exec_report *result)
{
    SKN_ASSERT(p->phase != SKN_PHASE_OVER);
    p->phase = SKN_PHASE_OVER;
    p->deadline_ms = UINT64_MAX;
    p->result = *result;
    for (int reads = 0; reads < DRAIN_READS_MAX * 4 && read_once(p, &p->out); reads++) {
    }
    for (int reads = 0; reads < DRAIN_READS_MAX && read_once(p, &p->err); reads++) {
    }
    close_pipe(&p->in);
    close_pipe(&p->out);
    close_pipe(&p->err);
    close_pipe(&p->report);
    skn_list_push_back(&p->spawner->over, &p->link);
}

static void on_report(struct skn_exec_program *p)
{
    struct skn_exec_report report;
    while (p->report.fd >= 0) {
        ssize_t n = read(p->report.fd, &report, sizeof report);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n != (ssize_t)sizeof report) { /* its end; the keeper's death says the rest */
            close_pipe(&p->report);
            return;
        }
        if (report.kind != SKN_REPORT_STARTED) {
            set_over(p, &report);
            return;
        }
        if (p->phase == SKN_PHASE_STARTING) p->phase = SKN_PHASE_RUNNING;
        skn_frame_put_started(skn_exec_chan_out(&p->spawner->chan), p->id, report.pid);
    }
}

bool skn_exec_program_lost_keeper(struct skn_exec_program *p)
{
    skn_omap_remove(&p->spawner->keepers, &p->by_keeper);
    p->keeper = 0;
    if (p->phase != SKN_PHASE_OVER) on_report(p);
    if (p->phase == SKN_PHASE_OVER) return false;
    /* Somebody killed the keeper. The program died with it; what it had detached is now under the
     * spawner, which kills it. */
    struct skn_exec_report result = {.kind = SKN_REPORT_ENDED, .status = SIGKILL};
    (void)snprintf(result.text, sizeof result.text, "the process that kept it was killed");
    set_over(p, &result);
    return true;
}

void skn_exec_program_ask(struct skn_exec_program *p, enum skn_exec_how cause)
{
    if (p->phase != SKN_PHASE_STARTING && p->phase != SKN_PHASE_RUNNING) return;
    if (p->grace_ms == 0) {
        kill_now(p, cause);
        return;
    }
    p->cause = cause;
    p->phase = SKN_PHASE_ASKED;
    set_deadline(p, p->grace_ms);
    (void)kill(p->keeper, SIGUSR1);
}

void skn_exec_program_expire(struct skn_exec_program *p)
{
    switch (p->phase) {
    case SKN_PHASE_STARTING:
    case SKN_PHASE_RUNNING: skn_exec_program_ask(p, SKN_EXEC_TIMEOUT); break;
    case SKN_PHASE_ASKED: kill_now(p, p->cause); break;
    case SKN_PHASE_KILLED: {
        struct skn_exec_report result = {.kind = SKN_REPORT_ENDED, .status = SIGKILL};
        (void)snprintf(result.text,
                       sizeof result.text,
                       "still not dead %d ms after SIGKILL; the kernel holds it",
                       SKN_EXEC_GIVE_UP_MS);
        (void)kill(p->keeper, SIGKILL); /* what it kept comes to the spawner */
        set_over(p, &result);
        break;
    }
    case SKN_PHASE_OVER: SKN_ASSERT(false); break;
    }
}

static void decide(const struct skn_exec_program *p, struct skn_exec_event *event)
{
    int status = p->result.status;
    bool is_success = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    event->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    event->how = WIFEXITED(status) ? SKN_EXEC_EXITED : SKN_EXEC_SIGNALLED;
    if (p->result.kind == SKN_REPORT_FAILED) {
        event->how = SKN_EXEC_SPAWN_FAILED;
        event->code = p->result.error;
    } else if (p->cause == SKN_EXEC_TOO_LARGE) {
        event->how = p->cause;
    } else if (p->cause != 0 && !is_success) {
        event->how = p->cause;
    }
}

void skn_exec_program_finish(struct skn_exec_program *p)
{
    SKN_ASSERT(p->phase == SKN_PHASE_OVER);
    skn_exec_errlog_end(&p->log);
    struct skn_buf tail;
    skn_buf_init(&tail, SKN_EXEC_TAIL_BYTES);
    skn_exec_errlog_tail(&p->log, &tail);
    if (p->log.error != 0 && p->result.text[0] == '\0') {
        (void)snprintf(p->result.text,
                       sizeof p->result.text,
                       "the log of standard error is cut: %s",
                       strerror(p->log.error));
    }
    struct skn_exec_event event = {
        .kind = SKN_EXEC_ENDED,
        .id = p->id,
        .wall_ms = skn_exec_now_ms() - p->began_ms,
        .cpu_ms = p->result.cpu_ms,
        .rss_kib = p->result.rss_kib,
        .stderr_bytes = p->log.total,
        .output = skn_buf_slice(&p->output),
        .err_tail = skn_buf_slice(&tail),
        .text = skn_slice_str(p->result.text),
    };
    decide(p, &event);
    event.was_signalled = p->cause != 0;
    if (event.how == SKN_EXEC_TOO_LARGE && event.output.len > TOO_LARGE_SHOWN) {
        event.output.len = TOO_LARGE_SHOWN;
    }
    skn_frame_put_ended(skn_exec_chan_out(&p->spawner->chan), &event);
    skn_buf_fini(&tail);
    skn_omap_remove(&p->spawner->programs, &p->by_id);
    skn_list_remove(&p->link);
    skn_list_push_back(&p->spawner->dead, &p->link);
}

void skn_exec_program_free(struct skn_exec_program *p)
{
    if (p->keeper != 0) skn_omap_remove(&p->spawner->keepers, &p->by_keeper);
    skn_list_remove(&p->link);
    skn_buf_fini(&p->output);
    skn_exec_errlog_fini(&p->log);
    skn_free(p->body);
    skn_free(p);
}

/* The child's ends of its pipes. */
struct child_ends {
    int fd[4]; /* in, out, err, report; -1 when not open */
};

/* `ours` reads or writes without waiting, `theirs` is an ordinary pipe. */
static bool open_pipe(struct skn_exec_pipe *ours, int *theirs, bool is_input)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    ours->fd = fds[is_input ? 1 : 0];
    *theirs = fds[is_input ? 0 : 1];
    if (fcntl(ours->fd, F_SETFL, O_NONBLOCK) != 0) return false;
    struct epoll_event event = {.events = is_input ? EPOLLOUT : EPOLLIN, .data.ptr = ours};
    return epoll_ctl(ours->program->spawner->epoll, EPOLL_CTL_ADD, ours->fd, &event) == 0;
}

static bool open_pipes(struct skn_exec_program *p, struct child_ends *ends)
{
    bool is_open = true;
    if (p->input.len > 0) {
        is_open = open_pipe(&p->in, &ends->fd[0], true);
    } else {
        ends->fd[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        is_open = ends->fd[0] >= 0;
    }
    return is_open && open_pipe(&p->out, &ends->fd[1], false) &&
           open_pipe(&p->err, &ends->fd[2], false) && open_pipe(&p->report, &ends->fd[3], false);
}

/* Forks the keeper. The reason when it cannot. */
static const char *fork_keeper(struct skn_exec_program *p, const struct skn_frame_exec *exec)
{
    struct child_ends ends = {.fd = {-1, -1, -1, -1}};
    const char *failure = open_pipes(p, &ends) ? NULL : "could not make its pipes";
    if (!failure) {
        struct skn_exec_start start = {
            .exec = exec,
            .mark = p->spawner->lock.mark,
            .spawner = p->spawner->self,
            .nofile = p->spawner->nofile,
            .in = ends.fd[0],
            .out = ends.fd[1],
            .err = ends.fd[2],
            .report = ends.fd[3],
        };
        pid_t pid = fork();
        if (pid == 0) skn_exec_keeper(&start);
        if (pid < 0)
            failure = "could not fork";
        else
            p->keeper = pid;
    }
    int error = errno;
    for (size_t i = 0; i < SKN_ARRAY_LEN(ends.fd); i++)
        if (ends.fd[i] >= 0) (void)close(ends.fd[i]);
    errno = error;
    return failure;
}

static void set_pipe(struct skn_exec_program *p,
                     struct skn_exec_pipe *pipe,
                     void (*on_ready)(struct skn_exec_program *))
{
    *pipe = (struct skn_exec_pipe){.fd = -1, .on_ready = on_ready, .program = p};
}

static struct skn_exec_program *make_program(struct skn_exec_spawner *spawner,
                                             struct skn_slice body)
{
    struct skn_exec_program *p = skn_alloc_zero(1, sizeof *p);
    p->spawner = spawner;
    p->body = skn_dup(body.ptr, body.len);
    p->deadline_ms = UINT64_MAX;
    p->began_ms = skn_exec_now_ms();
    skn_list_init(&p->link);
    set_pipe(p, &p->in, on_in);
    set_pipe(p, &p->out, on_out);
    set_pipe(p, &p->err, on_err);
    set_pipe(p, &p->report, on_report);
    p->log.fd = -1;
    return p;
}

enum skn_rc skn_exec_program_start(struct skn_exec_spawner *spawner,
                                   struct skn_slice body,
                                   struct skn_diag *diag)
{
    struct skn_exec_program *p = make_program(spawner, body);
    struct skn_frame_exec exec;
    enum skn_rc rc = skn_frame_read_exec(skn_slice(p->body, body.len), &exec, diag);
    if (rc == SKN_OK) {
        p->id = exec.id;
        p->by_id.key = skn_exec_key(exec.id, p->id_key);
        if (skn_omap_insert(&spawner->programs, &p->by_id)) {
            rc = SKN_CORRUPT(diag, "an EXEC frame for an id that runs");
        }
    }
    if (rc != SKN_OK) {
        skn_exec_program_free(p);
        return rc;
    }
    p->input = exec.input;
    p->grace_ms = exec.grace_ms;
    skn_buf_init(&p->output, exec.stdout_max);
    struct skn_exec_report result = {.kind = SKN_REPORT_FAILED};
    struct skn_diag why = {0};
    if (skn_exec_errlog_init(&p->log, exec.stderr_path, exec.stderr_max, &why) != SKN_OK) {
        result.error = errno;
        (void)snprintf(result.text, sizeof result.text, "%s", why.text);
        set_over(p, &result);
        return SKN_OK;
    }
    const char *failure = fork_keeper(p, &exec);
    if (failure) {
        result.error = errno;
        (void)snprintf(result.text, sizeof result.text, "%s: %s", failure, strerror(errno));
        set_over(p, &result);
        return SKN_OK;
    }
    p->by_keeper.key = skn_exec_key((uint64_t)p->keeper, p->keeper_key);
    const struct skn_omap_node *taken = skn_omap_insert(&spawner->keepers, &p->by_keeper);
    SKN_ASSERT(!taken);
    if (exec.timeout_ms > 0) set_deadline(p, exec.timeout_ms);
    return SKN_OK;
}
