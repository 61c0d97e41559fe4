/* graph.c - skein graph and skein describe: a flow as a picture, as data and in sentences. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/load_internal.h"
#include "lang/pointy/tools.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 256 << 20, JSON_MAX = 64 << 20 };

/* A flow that is drawn, with what belongs to it. */
struct picture {
    struct skn_flow flow;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_drawing *drawing;
};

static bool ends_in(const char *path, const char *ending)
{
    size_t len = strlen(path), tail = strlen(ending);
    return len >= tail && strcmp(path + len - tail, ending) == 0;
}

/* A graph as JSON is read as the text that it means. */
static enum skn_rc
open_json(struct skn_cli *cli, const char *path, struct picture *p, struct skn_diag *diag)
{
    struct skn_slice json;
    struct skn_buf text;
    enum skn_rc rc = skn_file_read(&cli->arena, path, JSON_MAX, &json, diag);
    if (rc != SKN_OK) return rc;
    skn_buf_init(&text, SKN_SOURCE_BYTES_MAX);
    rc = skn_pointy_from_json(json, &text, diag);
    if (rc == SKN_OK)
        rc = skn_source_init(&p->source,
                             &cli->arena,
                             skn_slice_str(path),
                             skn_arena_dup(&cli->arena, skn_buf_slice(&text)));
    skn_buf_fini(&text);
    return rc;
}

/* Opens and compiles; what is wrong is printed. SKN_EFAILED: there are errors. */
static enum skn_rc
open_picture(struct skn_cli *cli, const char *path, struct picture *p, struct skn_diag *diag)
{
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    bool is_json = ends_in(path, ".json");
    enum skn_rc rc = is_json ? open_json(cli, path, p, diag)
                             : skn_load_checked(&cli->arena, named, path, &p->flow, diag);
    if (rc != SKN_OK) return rc;
    if (!is_json) p->source = p->flow.files->source;
    if (!is_json && (ends_in(path, ".yaml") || ends_in(path, ".yml")))
        return SKN_FAIL(diag, SKN_EUSAGE, "\"%s\" is an event file, not a flow", path);
    skn_diags_init(&p->diags, &cli->arena, &p->source);
    rc = skn_drawing_create(&cli->arena,
                            &p->source,
                            p->flow.has_events ? &p->flow.events : NULL,
                            &p->diags,
                            &p->drawing);
    if (rc == SKN_OK) return SKN_OK;
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    skn_diags_render(&p->diags, &text);
    skn_out_err(skn_buf_slice(&text));
    skn_buf_fini(&text);
    return SKN_FAIL(diag, SKN_EFAILED, "\"%s\" has errors", path);
}

/* Runs dot over the text; what it prints is appended. */
static enum skn_rc
run_dot(struct skn_slice text, const char *how, struct skn_buf *out, struct skn_diag *diag)
{
    char *argv[] = {(char *)(uintptr_t) "dot", (char *)(uintptr_t)how, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = 0;
    pid_t pid;
    FILE *in = tmpfile();
    if (!in || fwrite(text.ptr, 1, text.len, in) != text.len || fflush(in) != 0 ||
        pipe(ends) != 0) {
        if (in) (void)fclose(in);
        return SKN_FAIL(diag, SKN_EIO, "could not hand the graph to dot: %s", strerror(errno));
    }
    rewind(in);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    int error = posix_spawnp(&pid, "dot", &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    for (uint8_t *room; error == 0 && (room = skn_buf_reserve(out, 65536)) != NULL;) {
        ssize_t n = read(ends[0], room, 65536);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        skn_buf_commit(out, (size_t)n);
    }
    (void)close(ends[0]);
    (void)fclose(in);
    if (error == ENOENT)
        return SKN_FAIL(diag,
                        SKN_EUNSUPPORTED,
                        "Graphviz is not installed (no program \"dot\"); --format dot, mermaid "
                        "and text need none");
    if (error != 0) return SKN_FAIL(diag, SKN_EIO, "could not start dot: %s", strerror(error));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || skn_buf_rc(out) != SKN_OK)
        return SKN_FAIL(diag, SKN_EIO, "dot failed");
    return SKN_OK;
}

static enum skn_rc
put_by_dot(const struct picture *p, const char *how, struct skn_buf *out, struct skn_diag *diag)
{
    struct skn_buf dot;
    skn_buf_init(&dot, TEXT_MAX);
    skn_drawing_dot(p->drawing, &dot);
    enum skn_rc rc = run_dot(skn_buf_slice(&dot), how, out, diag);
    skn_buf_fini(&dot);
    return rc;
}

static enum skn_rc
put_canonical(const struct picture *p, struct skn_buf *out, struct skn_diag *diag)
{
    struct skn_buf json;
    skn_buf_init(&json, TEXT_MAX);
    skn_drawing_json(p->drawing, false, &json);
    enum skn_rc rc = skn_pointy_from_json(skn_buf_slice(&json), out, diag);
    skn_buf_fini(&json);
    return rc;
}

static enum skn_rc
put_form(const struct picture *p, const char *format, struct skn_buf *out, struct skn_diag *diag)
{
    if (strcmp(format, "text") == 0) {
        skn_drawing_text(p->drawing, out);
    } else if (strcmp(format, "dot") == 0) {
        skn_drawing_dot(p->drawing, out);
    } else if (strcmp(format, "mermaid") == 0) {
        skn_drawing_mermaid(p->drawing, out);
    } else if (strcmp(format, "json") == 0) {
        skn_drawing_json(p->drawing, true, out);
        skn_buf_put_u8(out, '\n');
    } else if (strcmp(format, "svg") == 0 || strcmp(format, "xdot") == 0) {
        return put_by_dot(p, format[0] == 's' ? "-Tsvg" : "-Txdot", out, diag);
    } else if (strcmp(format, "pty") == 0) {
        return put_canonical(p, out, diag);
    } else {
        return SKN_FAIL(diag,
                        SKN_EUSAGE,
                        "there is no format \"%.40s\"; there are text, json, dot, xdot, svg, "
                        "mermaid and pty",
                        format);
    }
    return SKN_OK;
}

/* Text for people as it is, or as the member "text" of an object; `same` is in it when not NULL. */
static void put_out(struct skn_cli *cli, const struct skn_buf *text, const bool *same)
{
    if (!cli->out.json) {
        skn_out_put(&cli->out, skn_buf_slice(text));
        return;
    }
    struct skn_buf out;
    struct skn_json_writer w;
    skn_buf_init(&out, TEXT_MAX);
    skn_json_begin(&w, &out, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    if (same) {
        skn_json_key_str(&w, "same");
        skn_json_bool(&w, *same);
    }
    skn_json_key_str(&w, "text");
    skn_json_any_text(&w, skn_buf_slice(text));
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&out, '\n');
    skn_out_put(&cli->out, skn_buf_slice(&out));
    skn_buf_fini(&out);
}

/* The text form of both, line by line. */
static int print_diff(struct skn_cli *cli, struct skn_diag *diag)
{
    struct picture p[2] = {0};
    struct skn_buf text[2], out;
    enum skn_rc rc = SKN_OK;
    bool same = false;
    skn_buf_init(&out, TEXT_MAX);
    for (int i = 0; i < 2; i++) {
        const char *path =
            i == 0 ? skn_args_value(&cli->args, SKN_OPTION_DIFF) : cli->args.operands[0];
        skn_buf_init(&text[i], TEXT_MAX);
        if (rc == SKN_OK) rc = open_picture(cli, path, &p[i], diag);
        if (rc == SKN_OK) skn_drawing_text(p[i].drawing, &text[i]);
    }
    if (rc == SKN_OK) {
        same = skn_pointy_diff(skn_buf_slice(&text[0]), skn_buf_slice(&text[1]), &out);
        put_out(cli, &out, &same);
    }
    for (int i = 0; i < 2; i++) {
        skn_buf_fini(&text[i]);
        skn_drawing_destroy(p[i].drawing);
    }
    skn_buf_fini(&out);
    return rc != SKN_OK ? skn_out_fail(&cli->out, diag) : same ? 0 : 1;
}

int skn_cmd_graph(struct skn_cli *cli)
{
    struct skn_diag diag;
    struct picture p = {.drawing = NULL};
    struct skn_buf out;
    const char *format = skn_args_value(&cli->args, SKN_OPTION_FORMAT);
    if (skn_args_has(&cli->args, SKN_OPTION_DIFF)) return print_diff(cli, &diag);
    if (!format) format = cli->out.json ? "json" : "text";
    skn_buf_init(&out, TEXT_MAX);
    enum skn_rc rc = open_picture(cli, cli->args.operands[0], &p, &diag);
    if (rc == SKN_OK && skn_args_has(&cli->args, SKN_OPTION_DATA)) {
        skn_drawing_data(p.drawing, &out);
    } else if (rc == SKN_OK) {
        rc = put_form(&p, format, &out, &diag);
    }
    if (rc == SKN_OK && skn_buf_rc(&out) != SKN_OK)
        rc = SKN_FAIL(&diag, SKN_ETOOLARGE, "the drawing is over %d MiB", TEXT_MAX >> 20);
    bool is_json = strcmp(format, "json") == 0 && !skn_args_has(&cli->args, SKN_OPTION_DATA);
    if (rc == SKN_OK && is_json) skn_out_put(&cli->out, skn_buf_slice(&out));
    if (rc == SKN_OK && !is_json) put_out(cli, &out, NULL);
    skn_drawing_destroy(p.drawing);
    skn_buf_fini(&out);
    return rc == SKN_OK ? 0 : skn_out_fail(&cli->out, &diag);
}

int skn_cmd_describe(struct skn_cli *cli)
{
    struct skn_diag diag;
    struct picture p = {.drawing = NULL};
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    enum skn_rc rc = open_picture(cli, cli->args.operands[0], &p, &diag);
    if (rc == SKN_OK) {
        skn_drawing_describe(p.drawing, &out);
        put_out(cli, &out, NULL);
    }
    skn_drawing_destroy(p.drawing);
    skn_buf_fini(&out);
    return rc == SKN_OK ? 0 : skn_out_fail(&cli->out, &diag);
}
