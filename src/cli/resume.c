/* resume.c - skein resume: interrupted runs go on where they stood. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/follow_internal.h"
#include "cli/load_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "node/backup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 200 }; /* between two looks at runs that are resumed together */

static bool is_interrupted(struct skn_value view)
{
    return skn_slice_eq(skn_view_text(view, "status"), SKN_LIT("interrupted"));
}

/* The ids of the interrupted runs, newest first, in the arena. */
static enum skn_rc find_interrupted(struct skn_cli *cli,
                                    struct skn_client *client,
                                    struct skn_slice **out_runs,
                                    size_t *out_count,
                                    struct skn_diag *diag)
{
    struct skn_answer answer;
    enum skn_rc rc = skn_client_list(client, false, diag);
    if (rc == SKN_OK) rc = skn_follow_answer(client, &answer, diag);
    if (rc != SKN_OK) return rc;
    size_t count;
    struct skn_value *views = skn_view_newest_first(&cli->arena, answer.value, &count);
    *out_runs = skn_arena_zero(&cli->arena, count + 1, sizeof(**out_runs));
    *out_count = 0;
    for (size_t i = 0; i < count; i++)
        if (is_interrupted(views[i]))
            (*out_runs)[(*out_count)++] =
                skn_arena_dup(&cli->arena, skn_view_text(views[i], "run"));
    return SKN_OK;
}

static int resume_one(struct skn_cli *cli, struct skn_client *client, struct skn_slice run)
{
    struct skn_diag diag = {.text = ""};
    bool watch = !skn_args_has(&cli->args, SKN_OPTION_DETACH);
    int signal_fd = watch ? skn_follow_signals() : -1;
    int exit_code;
    if (skn_client_resume(client, run, watch, &diag) != SKN_OK) {
        exit_code = skn_out_fail(&cli->out, &diag);
    } else {
        exit_code =
            watch ? skn_follow_run(cli, client, signal_fd) : skn_follow_accepted(cli, client);
    }
    if (signal_fd >= 0) (void)close(signal_fd);
    return exit_code;
}

static int resume_newest(struct skn_cli *cli, struct skn_client *client)
{
    struct skn_diag diag = {.text = ""};
    struct skn_slice *runs;
    size_t count;
    diag.rc = find_interrupted(cli, client, &runs, &count, &diag);
    if (diag.rc == SKN_OK && count == 0)
        diag.rc = SKN_FAIL(&diag, SKN_ENOENT, "no run is interrupted");
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    return resume_one(cli, client, runs[0]);
}

/* Looks at a run until it does not go on any more. SKN_ELATER: a signal came. */
static enum skn_rc wait_for_one(struct skn_client *client,
                                struct skn_slice run,
                                int signal_fd,
                                struct skn_answer *out_answer,
                                struct skn_diag *diag)
{
    for (;;) {
        enum skn_rc rc = skn_client_show(client, run, diag);
        if (rc == SKN_OK) rc = skn_follow_answer(client, out_answer, diag);
        if (rc != SKN_OK) return rc;
        struct skn_slice status = skn_view_text(out_answer->value, "status");
        bool goes_on =
            skn_slice_eq(status, SKN_LIT("running")) || skn_slice_eq(status, SKN_LIT("stopping"));
        if (!goes_on) return SKN_OK;
        struct pollfd wait = {.fd = signal_fd, .events = POLLIN};
        if (poll(&wait, 1, LOOK_MS) > 0) return SKN_ELATER;
    }
}

/* Stops all of them once Ctrl-C came, leaves them when it comes again. */
static enum skn_rc stop_all(struct skn_client *client,
                            const struct skn_slice *runs,
                            size_t count,
                            bool leave,
                            struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; i < count && rc == SKN_OK; i++)
        rc = leave ? skn_client_leave(client, runs[i], diag)
                   : skn_client_stop(client, runs[i], diag);
    return rc;
}

struct together {
    struct skn_cli *cli;
    struct skn_client *client;
    struct skn_slice *runs;
    size_t count;
    int signal_fd;
    int worst; /* exit code: 1 before 130 before 0 */
    int interrupts;
};

static enum skn_rc wait_for_all(struct together *t, struct skn_diag *diag)
{
    for (size_t i = 0; i < t->count;) {
        struct skn_answer answer;
        enum skn_rc rc = wait_for_one(t->client, t->runs[i], t->signal_fd, &answer, diag);
        if (rc == SKN_ELATER) {
            t->interrupts += skn_follow_interrupts(t->signal_fd, NULL);
            rc = SKN_OK;
            if (t->interrupts > 0)
                rc = stop_all(t->client, t->runs, t->count, t->interrupts > 1, diag);
            if (rc == SKN_OK) continue;
        }
        if (rc != SKN_OK) return rc;
        int code = skn_follow_exit_code(answer.value);
        if (code == 1 || (code != 0 && t->worst == 0)) t->worst = code;
        if (!t->cli->out.json)
            skn_out_printf(&t->cli->out,
                           "%.*s %.*s\n",
                           SKN_FMT(t->runs[i]),
                           SKN_FMT(skn_view_text(answer.value, "status")));
        i++;
    }
    return SKN_OK;
}

static int resume_all(struct skn_cli *cli, struct skn_client *client)
{
    struct together t = {.cli = cli, .client = client, .signal_fd = -1};
    struct skn_diag diag = {.text = ""};
    bool watch = !skn_args_has(&cli->args, SKN_OPTION_DETACH);
    diag.rc = find_interrupted(cli, client, &t.runs, &t.count, &diag);
    for (size_t i = 0; i < t.count && diag.rc == SKN_OK; i++) {
        struct skn_answer answer;
        diag.rc = skn_client_resume(client, t.runs[i], false, &diag);
        if (diag.rc == SKN_OK) diag.rc = skn_follow_answer(client, &answer, &diag);
    }
    if (watch && diag.rc == SKN_OK) {
        t.signal_fd = skn_follow_signals();
        diag.rc = wait_for_all(&t, &diag);
        if (t.signal_fd >= 0) (void)close(t.signal_fd);
    }
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    if (cli->out.json) {
        skn_out_printf(&cli->out, "{\"runs\":[");
        for (size_t i = 0; i < t.count; i++)
            skn_out_printf(&cli->out, "%s\"%.*s\"", i ? "," : "", SKN_FMT(t.runs[i]));
        skn_out_printf(&cli->out, "]}\n");
    } else if (t.count == 0) {
        skn_out_errf("No run is interrupted.\n");
    }
    return t.worst;
}

int skn_cmd_resume(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct skn_project project;
    struct skn_client *client = NULL;
    bool all = skn_args_has(&cli->args, SKN_OPTION_ALL);
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    diag.rc = SKN_OK;
    if (all && cli->args.operand_count > 0)
        diag.rc = SKN_FAIL(&diag, SKN_EUSAGE, "resume takes a run or --all, not both");
    if (diag.rc == SKN_OK) diag.rc = skn_load_project(&cli->arena, named, ".", &project, &diag);
    if (diag.rc == SKN_OK && !skn_project_has_data(&project))
        diag.rc = SKN_FAIL(&diag, SKN_ENOENT, "nothing was ever run in \"%s\"", project.root);
    if (diag.rc == SKN_OK && all) diag.rc = skn_restore_release(project.data_path, &diag);
    const struct skn_client_options options = {
        .env = skn_env_real(), .project = &project, .write = true};
    if (diag.rc == SKN_OK) diag.rc = skn_client_open(&options, &client, &diag);
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    int exit_code;
    if (all) {
        exit_code = resume_all(cli, client);
    } else if (cli->args.operand_count > 0) {
        exit_code = resume_one(cli, client, skn_slice_str(cli->args.operands[0]));
    } else {
        exit_code = resume_newest(cli, client);
    }
    skn_client_close(client);
    return exit_code;
}
