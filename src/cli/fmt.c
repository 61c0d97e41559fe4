/* fmt.c - skein fmt: flows in their canonical layout, and skein events: what a project declares. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/load_internal.h"
#include "lang/pointy/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 128 << 20 };

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

static enum skn_rc
read_input(struct skn_cli *cli, struct skn_slice *out_text, struct skn_diag *diag)
{
    struct skn_buf text;
    skn_buf_init(&text, (size_t)SKN_SOURCE_BYTES_MAX + 65536);
    for (uint8_t *room; (room = skn_buf_reserve(&text, 65536)) != NULL;) {
        ssize_t n = read(STDIN_FILENO, room, 65536);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        skn_buf_commit(&text, (size_t)n);
    }
    enum skn_rc rc = text.len > SKN_SOURCE_BYTES_MAX
                         ? SKN_FAIL(diag, SKN_ESYNTAX, "the input is larger than 16 MiB")
                         : SKN_OK;
    *out_text = skn_arena_dup(&cli->arena, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return rc;
}

/* A new file beside the old one takes its place, with its mode: whoever reads sees one or the other. */
static enum skn_rc
replace(struct skn_cli *cli, const char *path, struct skn_slice text, struct skn_diag *diag)
{
    struct stat st;
    const char *beside = skn_arena_printf(&cli->arena, "%s.%ld.tmp", path, (long)getpid());
    int fd = stat(path, &st) == 0
                 ? open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777)
                 : -1;
    size_t done = 0;
    while (fd >= 0 && done < text.len) {
        ssize_t n = write(fd, text.ptr + done, text.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    bool good = fd >= 0 && done == text.len && fchmod(fd, st.st_mode & 0777) == 0;
    if (fd >= 0 && close(fd) != 0) good = false;
    if (good && rename(beside, path) == 0) return SKN_OK;
    int error = errno;
    if (fd >= 0) (void)unlink(beside);
    return SKN_FAIL(diag, SKN_EIO, "could not write \"%s\": %s", path, strerror(error));
}

struct fmt {
    struct skn_cli *cli;
    bool only_check;
    bool only_diff;
    bool any_other; /* some file is not in its layout */
};

static void print_errors(const struct skn_diags *diags)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    skn_diags_render(diags, &text);
    skn_out_err(skn_buf_slice(&text));
    skn_buf_fini(&text);
}

/* What happened to a file, and what its text is. */
static void put_json(struct fmt *f, const char *path, bool same, struct skn_slice after)
{
    struct skn_buf out;
    struct skn_json_writer w;
    skn_buf_init(&out, TEXT_MAX);
    skn_json_begin(&w, &out, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "file");
    skn_json_str(&w, path);
    skn_json_key_str(&w, "same");
    skn_json_bool(&w, same);
    skn_json_key_str(&w, "text");
    skn_json_any_text(&w, after);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&out, '\n');
    skn_out_put(&f->cli->out, skn_buf_slice(&out));
    skn_buf_fini(&out);
}

static enum skn_rc put_result(struct fmt *f,
                              const char *path,
                              struct skn_slice before,
                              struct skn_slice after,
                              struct skn_diag *diag)
{
    bool same = skn_slice_eq(before, after);
    f->any_other = f->any_other || !same;
    if (f->cli->out.json) {
        put_json(f, path, same, after);
        if (same || f->only_diff || f->only_check || is_standard_input(path)) return SKN_OK;
        return replace(f->cli, path, after, diag);
    }
    if (f->only_diff) {
        struct skn_buf out;
        skn_buf_init(&out, TEXT_MAX);
        if (!same) {
            (void)skn_pointy_diff(before, after, &out);
            skn_out_printf(&f->cli->out, "%s\n", path);
            skn_out_put(&f->cli->out, skn_buf_slice(&out));
        }
        skn_buf_fini(&out);
    } else if (f->only_check) {
        if (!same) skn_out_printf(&f->cli->out, "%s\n", path);
    } else if (is_standard_input(path)) {
        skn_out_put(&f->cli->out, after);
    } else if (!same) {
        return replace(f->cli, path, after, diag);
    }
    return SKN_OK;
}

static bool is_event_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static enum skn_rc format_file(struct fmt *f, const char *path, struct skn_diag *diag)
{
    if (is_event_file(path))
        return SKN_FAIL(diag, SKN_EUSAGE, "\"%s\" is no flow; fmt lays out flows (.pty)", path);
    struct skn_arena *arena = &f->cli->arena;
    struct skn_slice text;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_buf out;
    enum skn_rc rc = is_standard_input(path)
                         ? read_input(f->cli, &text, diag)
                         : skn_file_read(arena, path, SKN_SOURCE_BYTES_MAX, &text, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_source_init(&source, arena, skn_slice_str(path), text);
    SKN_ASSERT(rc == SKN_OK); /* the limit is the same */
    skn_diags_init(&diags, arena, &source);
    skn_buf_init(&out, TEXT_MAX);
    rc = skn_pointy_format(&source, &diags, &out);
    if (rc == SKN_OK) {
        rc = put_result(f, path, text, skn_buf_slice(&out), diag);
    } else {
        if (rc == SKN_ESYNTAX) print_errors(&diags);
        rc = SKN_FAIL(diag, rc, "\"%s\" is left as it is", path);
    }
    skn_buf_fini(&out);
    return rc;
}

int skn_cmd_fmt(struct skn_cli *cli)
{
    struct skn_diag diag;
    struct fmt f = {.cli = cli,
                    .only_check = skn_args_has(&cli->args, SKN_OPTION_ONLY),
                    .only_diff = skn_args_has(&cli->args, SKN_OPTION_CHANGES)};
    int failed = 0;
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        if (format_file(&f, cli->args.operands[i], &diag) == SKN_OK) continue;
        int code = skn_out_fail(&cli->out, &diag); /* the others are laid out all the same */
        if (failed == 0) failed = code;
    }
    if (failed != 0) return failed;
    return f.any_other && (f.only_check || f.only_diff) ? 1 : 0;
}

static void put_event(const struct skn_event_def *def, struct skn_buf *out)
{
    skn_buf_printf(out,
                   "%.*s %u.%u.%u%s",
                   SKN_FMT(def->name),
                   (unsigned)def->version[0],
                   (unsigned)def->version[1],
                   (unsigned)def->version[2],
                   def->is_deprecated ? " (deprecated)" : "");
    for (uint32_t i = 0; i < def->input_count; i++)
        skn_buf_printf(out,
                       "%s%.*s: %s",
                       i == 0 ? "  takes " : ", ",
                       SKN_FMT(def->inputs[i].name),
                       skn_field_type_name(&def->inputs[i]));
    for (uint32_t i = 0; i < def->output_count; i++)
        skn_buf_printf(out,
                       "%s%.*s: %s",
                       i == 0 ? "  gives " : ", ",
                       SKN_FMT(def->outputs[i].name),
                       skn_field_type_name(&def->outputs[i]));
    skn_buf_put_u8(out, '\n');
    if (def->description.len > 0) skn_buf_printf(out, "    %.*s\n", SKN_FMT(def->description));
}

static void write_fields(struct skn_json_writer *w,
                         const char *key,
                         const struct skn_field *fields,
                         uint32_t count)
{
    skn_json_key_str(w, key);
    skn_json_object_begin(w);
    for (uint32_t i = 0; i < count; i++) {
        skn_json_key(w, fields[i].name);
        skn_json_str(w, skn_field_type_name(&fields[i]));
    }
    skn_json_object_end(w);
}

static void write_event(struct skn_json_writer *w, const struct skn_event_def *def)
{
    char version[64];
    (void)snprintf(version,
                   sizeof(version),
                   "%u.%u.%u",
                   (unsigned)def->version[0],
                   (unsigned)def->version[1],
                   (unsigned)def->version[2]);
    skn_json_object_begin(w);
    skn_json_key_str(w, "name");
    skn_json_any_text(w, def->name);
    skn_json_key_str(w, "version");
    skn_json_str(w, version);
    skn_json_key_str(w, "deprecated");
    skn_json_bool(w, def->is_deprecated);
    skn_json_key_str(w, "description");
    skn_json_any_text(w, def->description);
    write_fields(w, "inputs", def->inputs, def->input_count);
    write_fields(w, "outputs", def->outputs, def->output_count);
    skn_json_object_end(w);
}

/* Those called `only`, or all; gives how many there are. */
static uint32_t put_events(const struct skn_project_events *events,
                           const char *only,
                           bool json,
                           struct skn_buf *out)
{
    struct skn_json_writer w;
    uint32_t shown = 0;
    if (json) {
        skn_json_begin(&w, out, SKN_JSON_PLAIN);
        skn_json_object_begin(&w);
        skn_json_key_str(&w, "events");
        skn_json_list_begin(&w);
    }
    for (size_t i = 0; i < events->count; i++) {
        const struct skn_event_def *def = events->sorted[i];
        if (only && !skn_slice_eq(def->name, skn_slice_str(only))) continue;
        if (json) {
            write_event(&w, def);
        } else {
            put_event(def, out);
        }
        shown++;
    }
    if (json) {
        skn_json_list_end(&w);
        skn_json_object_end(&w);
        if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(out, '\n');
    }
    return shown;
}

int skn_cmd_events(struct skn_cli *cli)
{
    struct skn_diag diag;
    struct skn_flow flow;
    struct skn_buf out;
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    const char *only = cli->args.operand_count > 0 ? cli->args.operands[0] : NULL;
    if (skn_load_events(&cli->arena, named, &flow, &diag) != SKN_OK)
        return skn_out_fail(&cli->out, &diag);
    skn_buf_init(&out, TEXT_MAX);
    skn_flow_render(&flow, &out);
    skn_out_err(skn_buf_slice(&out));
    skn_buf_reset(&out);
    uint32_t shown = put_events(&flow.events, only, cli->out.json, &out);
    if (only && shown == 0) skn_buf_reset(&out);
    skn_out_put(&cli->out, skn_buf_slice(&out));
    skn_buf_fini(&out);
    if (!only || shown > 0) return flow.errors > 0 ? 1 : 0;
    (void)SKN_FAIL(&diag, SKN_ENOENT, "no event of the project is called \"%.60s\"", only);
    return skn_out_fail(&cli->out, &diag);
}
