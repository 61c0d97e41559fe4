/* look.c - skein ps, show and logs: what is known about runs, with or without a holder. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/follow_internal.h"
#include "cli/load_internal.h"
#include "cli/terminal_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "lang/kit/suggest.h"
#include "value/json.h"

#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20, LOG_BYTES_MAX = 64 << 20 };

struct look {
    struct skn_cli *cli;
    struct skn_project project;
    struct skn_client *client;
    struct skn_diag diag;
};

/* SKN_ENOENT: nothing was ever run there. */
static enum skn_rc open_look(struct look *l)
{
    const char *named = skn_args_value(&l->cli->args, SKN_OPTION_PROJECT);
    enum skn_rc rc = skn_load_project(&l->cli->arena, named, ".", &l->project, &l->diag);
    if (rc != SKN_OK) return rc;
    const struct skn_client_options options = {.env = skn_env_real(), .project = &l->project};
    rc = skn_client_open(&options, &l->client, &l->diag);
    if (rc == SKN_ENOENT && !l->project.has_config)
        return SKN_FAIL(
            &l->diag,
            rc,
            "nothing was ever run in \"%s\", and it is no project; skein init makes one",
            l->project.root);
    return rc;
}

static int close_look(struct look *l, enum skn_rc rc)
{
    skn_client_close(l->client);
    l->diag.rc = rc;
    return rc == SKN_OK ? 0 : skn_out_fail(&l->cli->out, &l->diag);
}

static struct skn_style style_of(const struct skn_cli *cli)
{
    struct skn_style style = {.now_ms = skn_terminal_now_ms(), .detail = true};
    uint32_t height;
    style.color = !cli->out.json && skn_terminal_has_color(STDOUT_FILENO);
    if (isatty(STDOUT_FILENO)) skn_terminal_size(STDOUT_FILENO, &style.width, &height);
    return style;
}

static void put_json(struct skn_cli *cli, struct skn_value value)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    if (skn_json_print(value, SKN_JSON_PLAIN, &text, NULL) == SKN_OK) skn_buf_put_u8(&text, '\n');
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

/* A list of views, newest first. */
static void put_runs(struct skn_cli *cli, struct skn_value views)
{
    size_t count;
    struct skn_value *sorted = skn_view_newest_first(&cli->arena, views, &count);
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    if (!cli->out.json) {
        struct skn_style style = style_of(cli);
        skn_view_table(sorted, count, &style, &text);
    } else {
        struct skn_json_writer w;
        skn_json_begin(&w, &text, SKN_JSON_PLAIN);
        skn_json_object_begin(&w);
        skn_json_key_str(&w, "runs");
        skn_json_list_begin(&w);
        for (size_t i = 0; i < count; i++)
            skn_json_value(&w, sorted[i]);
        skn_json_list_end(&w);
        skn_json_object_end(&w);
        if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&text, '\n');
    }
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

int skn_cmd_ps(struct skn_cli *cli)
{
    struct look l = {.cli = cli, .diag = {.text = ""}};
    struct skn_answer answer = {.value = skn_value_none()};
    enum skn_rc rc = open_look(&l);
    bool is_new = rc == SKN_ENOENT && l.project.has_config; /* a project without a run */
    if (rc == SKN_OK)
        rc = skn_client_list(l.client, skn_args_has(&cli->args, SKN_OPTION_ALL), &l.diag);
    if (rc == SKN_OK) rc = skn_follow_answer(l.client, &answer, &l.diag);
    if (is_new) rc = SKN_OK;
    if (rc == SKN_OK) put_runs(cli, answer.value);
    return close_look(&l, rc);
}

/* The view of the run that the first operand names; it lives as long as the client. */
static enum skn_rc get_run(struct look *l, struct skn_value *out_view)
{
    struct skn_answer answer;
    enum skn_rc rc = open_look(l);
    struct skn_slice run = skn_slice_str(l->cli->args.operands[0]);
    if (rc == SKN_OK) rc = skn_client_show(l->client, run, &l->diag);
    if (rc == SKN_OK) rc = skn_follow_answer(l->client, &answer, &l->diag);
    if (rc == SKN_OK) *out_view = answer.value;
    return rc;
}

int skn_cmd_show(struct skn_cli *cli)
{
    struct look l = {.cli = cli, .diag = {.text = ""}};
    struct skn_value view;
    enum skn_rc rc = get_run(&l, &view);
    if (rc == SKN_OK && cli->out.json) {
        put_json(cli, view);
    } else if (rc == SKN_OK) {
        struct skn_style style = style_of(cli);
        struct skn_buf text;
        skn_buf_init(&text, TEXT_MAX);
        skn_view_tree(view, &style, &text);
        skn_out_put(&cli->out, skn_buf_slice(&text));
        skn_buf_fini(&text);
    }
    return close_look(&l, rc);
}

/* Whether `path` is `wanted` or under it. */
static bool is_under(struct skn_slice path, struct skn_slice wanted)
{
    return skn_slice_has_prefix(path, wanted) &&
           (path.len == wanted.len || wanted.len == 0 || path.ptr[wanted.len] == '.');
}

/* Prints or writes one log; one that is not there belongs to a task that wrote nothing. */
static bool put_log(struct look *l,
                    struct skn_value context,
                    struct skn_value attempt,
                    struct skn_json_writer *w)
{
    struct skn_slice log = skn_view_text(attempt, "log"), text;
    const char *path = skn_arena_printf(&l->cli->arena, "%s/%.*s", l->project.root, SKN_FMT(log));
    if (log.len == 0 || skn_file_read(&l->cli->arena, path, LOG_BYTES_MAX, &text, NULL) != SKN_OK)
        return false;
    struct skn_value number = skn_view_member(attempt, "number");
    long long n = skn_value_is(number, SKN_T_INT) ? (long long)skn_value_as_int(number) : 0;
    struct skn_slice at = skn_view_text(context, "path"), event = skn_view_text(context, "event");
    if (!l->cli->out.json) {
        if (text.len == 0) return false;
        skn_out_printf(
            &l->cli->out, "==> %.*s %.*s, attempt %lld <==\n", SKN_FMT(at), SKN_FMT(event), n);
        skn_out_put(&l->cli->out, text);
        if (text.ptr[text.len - 1] != '\n') skn_out_put(&l->cli->out, SKN_LIT("\n"));
        return true;
    }
    skn_json_object_begin(w);
    skn_json_key_str(w, "path");
    skn_json_any_text(w, at);
    skn_json_key_str(w, "event");
    skn_json_any_text(w, event);
    skn_json_key_str(w, "number");
    skn_json_int(w, n);
    skn_json_key_str(w, "log");
    skn_json_any_text(w, log);
    skn_json_key_str(w, "text");
    skn_json_any_text(w, text);
    skn_json_object_end(w);
    return true;
}

/* All logs at or under a path. SKN_ENOENT: the run has no such path. */
static enum skn_rc
put_logs(struct look *l, struct skn_value view, struct skn_slice wanted, struct skn_json_writer *w)
{
    struct skn_value_iter contexts = skn_value_iter(skn_view_member(view, "contexts"));
    struct skn_value context, attempt;
    struct skn_suggest suggest;
    bool found = wanted.len == 0;
    skn_suggest_init(&suggest, wanted);
    while (skn_value_next(&contexts, NULL, &context)) {
        struct skn_slice path = skn_view_text(context, "path");
        skn_suggest_offer(&suggest, path);
        if (!is_under(path, wanted)) continue;
        found = true;
        struct skn_value_iter attempts = skn_value_iter(skn_view_member(context, "attempts"));
        while (skn_value_next(&attempts, NULL, &attempt))
            (void)put_log(l, context, attempt, w);
    }
    if (found) return SKN_OK;
    return SKN_FAIL(&l->diag,
                    SKN_ENOENT,
                    "the run has reached nothing at \"%.*s\"%s%.*s",
                    SKN_FMT(wanted),
                    suggest.best.len > 0 ? "; near it: " : "",
                    SKN_FMT(suggest.best));
}

int skn_cmd_logs(struct skn_cli *cli)
{
    struct look l = {.cli = cli, .diag = {.text = ""}};
    struct skn_value view;
    struct skn_buf text;
    struct skn_json_writer w;
    const char *wanted = cli->args.operand_count > 1 ? cli->args.operands[1] : "";
    enum skn_rc rc = get_run(&l, &view);
    if (rc != SKN_OK) return close_look(&l, rc);
    skn_buf_init(&text, 4 * (size_t)LOG_BYTES_MAX);
    skn_json_begin(&w, &text, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "run");
    skn_json_any_text(&w, skn_view_text(view, "run"));
    skn_json_key_str(&w, "logs");
    skn_json_list_begin(&w);
    rc = put_logs(&l, view, skn_slice_str(wanted), &w);
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    enum skn_rc end = skn_json_end(&w, rc == SKN_OK ? &l.diag : NULL);
    if (rc == SKN_OK) rc = end;
    if (rc == SKN_OK && cli->out.json) {
        skn_buf_put_u8(&text, '\n');
        skn_out_put(&cli->out, skn_buf_slice(&text));
    }
    skn_buf_fini(&text);
    return close_look(&l, rc);
}
