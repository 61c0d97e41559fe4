/* follow.c - waits for the end of a run, shows it, and turns Ctrl-C into requests [E81]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow_internal.h"

#include "cli/live_internal.h"
#include "cli/view_internal.h"
#include "value/json.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20, RUN_MAX = 256, TICK_MS = 1000 };

struct follow {
    struct skn_cli *cli;
    struct skn_client *client;
    int signal_fd;
    struct skn_live live;
    char run[RUN_MAX]; /* its id; empty until it is accepted */
    int interrupts;    /* how often Ctrl-C came */
    int told;          /* how many of these the holder knows of */
};

int skn_follow_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int skn_follow_interrupts(int signal_fd, bool *out_resized)
{
    int interrupts = 0;
    bool resized = false;
    struct signalfd_siginfo info;
    while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        interrupts += info.ssi_signo != SIGWINCH;
        resized = resized || info.ssi_signo == SIGWINCH;
    }
    if (out_resized) *out_resized = resized;
    return interrupts;
}

int skn_follow_exit_code(struct skn_value view)
{
    struct skn_slice status = skn_view_text(view, "status");
    if (skn_slice_eq(status, SKN_LIT("succeeded"))) return 0;
    if (skn_slice_eq(status, SKN_LIT("failed"))) return skn_rc_info(SKN_EFAILED)->exit_code;
    return skn_rc_info(SKN_EINTERRUPTED)->exit_code;
}

enum skn_rc
skn_follow_answer(struct skn_client *client, struct skn_answer *out_answer, struct skn_diag *diag)
{
    enum skn_rc rc;
    while ((rc = skn_client_next(client, out_answer, diag)) == SKN_ELATER) {
        struct pollfd wait = {.fd = skn_client_fd(client), .events = POLLIN};
        (void)poll(&wait, 1, TICK_MS);
    }
    return rc;
}

static void print_json(struct skn_cli *cli, struct skn_value value)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    if (skn_json_print(value, SKN_JSON_PLAIN, &text, NULL) == SKN_OK) {
        skn_buf_put_u8(&text, '\n');
        skn_out_put(&cli->out, skn_buf_slice(&text));
    }
    skn_buf_fini(&text);
}

/* Tells the holder what Ctrl-C means, once the run has an id. */
static void tell(struct follow *f)
{
    if (!f->run[0]) return;
    struct skn_slice run = skn_slice_str(f->run);
    for (; f->told < f->interrupts && f->told < 2; f->told++) {
        /* That the holder is gone shows when its answer is read. */
        enum skn_rc rc = f->told == 0 ? skn_client_stop(f->client, run, NULL)
                                      : skn_client_leave(f->client, run, NULL);
        (void)rc;
    }
}

/* True: leave at once. */
static bool take_signals(struct follow *f)
{
    bool resized;
    int before = f->interrupts;
    f->interrupts += skn_follow_interrupts(f->signal_fd, &resized);
    if (resized) skn_live_redraw(&f->live);
    if (before == 0 && f->interrupts > 0 && !f->live.quiet)
        skn_live_say(
            &f->live,
            "Stopping: nothing new starts, what runs is waited for. Ctrl-C again leaves at "
            "once.\n");
    tell(f);
    return f->interrupts > 2;
}

/* What is left to say when nothing more happens. */
static int finish(struct follow *f, struct skn_value view)
{
    int exit_code = skn_follow_exit_code(view);
    if (f->cli->out.json) {
        print_json(f->cli, view);
        return exit_code;
    }
    if (exit_code == 0) {
        struct skn_buf text;
        skn_buf_init(&text, TEXT_MAX);
        skn_view_result(view, &text);
        skn_out_put(&f->cli->out, skn_buf_slice(&text));
        skn_buf_fini(&text);
    } else if (exit_code == skn_rc_info(SKN_EFAILED)->exit_code) {
        skn_live_say(
            &f->live, "The run failed. More: skein show %s; skein logs %s\n", f->run, f->run);
    } else {
        skn_live_say(&f->live, "Interrupted. To go on: skein resume %s\n", f->run);
    }
    return exit_code;
}

/* True when it was the last one; then `out_exit` is set. */
static bool take_answer(struct follow *f, const struct skn_answer *answer, int *out_exit)
{
    struct skn_slice run = answer->type == SKN_ANSWER_ACCEPTED
                               ? skn_value_as_text(answer->value)
                               : skn_view_text(answer->value, "run");
    if (run.len > 0) (void)snprintf(f->run, sizeof(f->run), "%.*s", SKN_FMT(run));
    if (answer->type == SKN_ANSWER_ACCEPTED)
        f->told = 0; /* by this holder, which may be a new one */
    tell(f);
    if (answer->type != SKN_ANSWER_RUN) return false;
    skn_live_show(&f->live, answer->value);
    if (answer->last) *out_exit = finish(f, answer->value);
    return answer->last;
}

static int follow(struct follow *f)
{
    for (;;) {
        struct skn_answer answer;
        struct skn_diag diag = {.text = ""};
        int exit_code;
        enum skn_rc rc = skn_client_next(f->client, &answer, &diag);
        if (rc == SKN_OK && take_answer(f, &answer, &exit_code)) return exit_code;
        if (rc == SKN_OK) continue;
        if (rc != SKN_ELATER) return skn_out_fail(&f->cli->out, &diag);
        struct pollfd polls[2] = {{.fd = skn_client_fd(f->client), .events = POLLIN},
                                  {.fd = f->signal_fd, .events = POLLIN}};
        int ready = poll(polls, 2, f->live.is_terminal ? TICK_MS : -1);
        if (ready == 0) skn_live_redraw(&f->live);
        if (polls[1].revents == 0 || !take_signals(f)) continue;
        skn_live_say(&f->live, "Left. To go on: skein resume %s\n", f->run);
        return skn_rc_info(SKN_EINTERRUPTED)->exit_code;
    }
}

int skn_follow_run(struct skn_cli *cli, struct skn_client *client, int signal_fd)
{
    struct follow f = {.cli = cli, .client = client, .signal_fd = signal_fd};
    skn_live_init(&f.live, cli->out.json);
    int exit_code = follow(&f);
    skn_live_fini(&f.live);
    return exit_code;
}

int skn_follow_accepted(struct skn_cli *cli, struct skn_client *client)
{
    struct skn_answer answer;
    struct skn_diag diag = {.text = ""};
    if (skn_follow_answer(client, &answer, &diag) != SKN_OK) return skn_out_fail(&cli->out, &diag);
    struct skn_slice run = answer.type == SKN_ANSWER_ACCEPTED ? skn_value_as_text(answer.value)
                                                              : skn_view_text(answer.value, "run");
    if (cli->out.json) {
        skn_out_printf(&cli->out, "{\"run\":\"%.*s\"}\n", SKN_FMT(run));
    } else {
        skn_out_printf(&cli->out, "%.*s\n", SKN_FMT(run));
    }
    return 0;
}
