/* load.c - files of a project: read within limits, checked, compiled. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A person's event file is a page; this is far above. */
enum { EVENT_BYTES_MAX = 1 << 20, JSON_TEXT_MAX = 64 << 20 };

/* Straight into the arena, as many bytes as the file had when it was opened; what is put behind them
 * meanwhile is not read. */
static enum skn_rc read_all(struct skn_arena *arena,
                            int fd,
                            size_t bytes,
                            size_t bytes_max,
                            struct skn_slice *out_text,
                            int *out_error)
{
    size_t len = 0;
    *out_error = 0;
    if (bytes > bytes_max) return SKN_ETOOLARGE;
    uint8_t *text = skn_arena_alloc(arena, bytes + 1);
    while (len < bytes) {
        ssize_t n = read(fd, text + len, bytes - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) *out_error = errno;
        if (n <= 0) break;
        len += (size_t)n;
    }
    text[len] = 0;
    *out_text = skn_slice(text, len);
    return *out_error ? SKN_EIO : SKN_OK;
}

enum skn_rc skn_file_read(struct skn_arena *arena,
                          const char *path,
                          size_t bytes_max,
                          struct skn_slice *out_text,
                          struct skn_diag *diag)
{
    /* Without blocking: the other end of a named pipe may never come. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        enum skn_rc rc = errno == ELOOP ? SKN_ENOENT : skn_rc_of_errno(errno);
        if (rc == SKN_EPERM) rc = SKN_ENOENT; /* there is no input for us: exit code 66 */
        return SKN_FAIL(diag, rc, "could not open \"%s\": %s", path, strerror(errno));
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        bool is_folder = S_ISDIR(st.st_mode);
        (void)close(fd);
        return SKN_FAIL(
            diag, SKN_ENOENT, "\"%s\" is %s", path, is_folder ? "a folder" : "not a regular file");
    }
    int error;
    size_t bytes = st.st_size > 0 ? (size_t)st.st_size : 0;
    enum skn_rc rc = read_all(arena, fd, bytes, bytes_max, out_text, &error);
    (void)close(fd);
    if (rc == SKN_ETOOLARGE)
        return SKN_FAIL(diag, SKN_ESYNTAX, "\"%s\" is larger than %zu MiB", path, bytes_max >> 20);
    if (rc != SKN_OK) return SKN_FAIL(diag, rc, "could not read \"%s\": %s", path, strerror(error));
    return SKN_OK;
}

enum skn_rc skn_load_project(struct skn_arena *arena,
                             const char *named,
                             const char *path,
                             struct skn_project *out_project,
                             struct skn_diag *diag)
{
    return named ? skn_project_named(arena, named, out_project, diag)
                 : skn_project_find(arena, path, out_project, diag);
}

static enum skn_rc open_text(struct skn_arena *arena,
                             const char *path,
                             size_t max,
                             struct skn_checked **out,
                             struct skn_diag *diag)
{
    struct skn_slice text;
    enum skn_rc rc = skn_file_read(arena, path, max, &text, diag);
    if (rc != SKN_OK) return rc;
    struct skn_checked *file = skn_arena_zero(arena, 1, sizeof(*file));
    rc = skn_source_init(&file->source, arena, skn_slice_str(path), text);
    SKN_ASSERT(rc == SKN_OK); /* the limit is the same */
    skn_diags_init(&file->diags, arena, &file->source);
    *out = file;
    return SKN_OK;
}

static bool is_inside(struct skn_slice path, struct skn_slice folder)
{
    return path.len > folder.len + 1 && skn_slice_has_prefix(path, folder) &&
           (folder.len == 1 || path.ptr[folder.len] == '/');
}

/* Where links lead counts, so that nothing outside of the project gets into what a run pins. */
static bool file_beside(void *ctx,
                        struct skn_arena *arena,
                        struct skn_slice event_file,
                        struct skn_slice path,
                        struct skn_slice *out_text,
                        const char **out_why)
{
    struct skn_diag diag;
    size_t folder = event_file.len;
    if (path.len == 0 || path.ptr[0] == '/' || memchr(path.ptr, 0, path.len)) {
        *out_why = "it is no path from the folder of this file";
        return false;
    }
    while (folder > 0 && event_file.ptr[folder - 1] != '/')
        folder--;
    const char *named = skn_arena_printf(
        arena, "%.*s%.*s", (int)folder, (const char *)event_file.ptr, SKN_FMT(path));
    char *real = realpath(named, NULL);
    int error = errno;
    char *root = real ? realpath(ctx, NULL) : NULL;
    bool good = false;
    if (!real || !root)
        *out_why = skn_arena_printf(arena, "%s", strerror(real ? errno : error));
    else if (!is_inside(skn_slice_str(real), skn_slice_str(root)))
        *out_why = "it lies outside of the project";
    else if (skn_file_read(arena, real, EVENT_BYTES_MAX, out_text, &diag) != SKN_OK)
        *out_why = skn_arena_printf(arena, "%s", diag.text);
    else
        good = true;
    free(real);
    free(root);
    return good;
}

struct skn_event_host skn_load_host(const char *root)
{
    return (struct skn_event_host){.ctx = (void *)(uintptr_t)root, .file = file_beside};
}

static bool is_event_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int is_event_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && is_event_file(entry->d_name);
}

struct events {
    struct skn_arena *arena;
    struct skn_event_host host;
    const struct skn_event_def **defs;
    size_t count;
    struct skn_checked *wrong; /* newest first */
};

static enum skn_rc load_event(struct events *e, const char *path, struct skn_diag *diag)
{
    struct skn_checked *file;
    enum skn_rc rc = open_text(e->arena, path, EVENT_BYTES_MAX, &file, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_event_parse_with(e->arena, &file->source, &e->host, &file->diags, &e->defs[e->count]);
    if (rc == SKN_OK) e->count++;
    /* Warnings are about what it cannot do yet; where it is used, that is said again. */
    if (file->diags.errors > 0) {
        file->next = e->wrong;
        e->wrong = file;
    }
    return SKN_OK;
}

/* All events of a project, in the order of their names. */
static enum skn_rc load_events(struct events *e, const char *root, struct skn_diag *diag)
{
    const char *dir = skn_arena_printf(e->arena, "%s%sevents", root, root[1] ? "/" : "");
    struct dirent **entries;
    e->host = skn_load_host(root);
    int count = scandir(dir, &entries, is_event_entry, alphasort);
    if (count < 0 && errno == ENOENT) return SKN_OK;
    if (count < 0)
        return SKN_FAIL(
            diag, skn_rc_of_errno(errno), "could not read \"%s\": %s", dir, strerror(errno));
    enum skn_rc rc = SKN_OK;
    if (count > SKN_EVENT_FILES_MAX)
        rc = SKN_FAIL(diag,
                      SKN_ECONFIG,
                      "\"%s\" has %d event files; at most %d",
                      dir,
                      count,
                      SKN_EVENT_FILES_MAX);
    e->defs = skn_arena_zero(e->arena, (size_t)count + 1, sizeof(const struct skn_event_def *));
    for (int i = 0; i < count; i++) {
        const char *path = skn_arena_printf(e->arena, "%s/%s", dir, entries[i]->d_name);
        free(entries[i]);
        if (rc == SKN_OK) rc = load_event(e, path, diag);
    }
    free(entries);
    return rc;
}

static int is_flow_entry(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".pty") == 0;
}

static bool
files_in(struct skn_arena *arena, const char *dir, const char *but, skn_load_file_fn fn, void *ctx)
{
    bool is_flows = strcmp(strrchr(dir, '/'), "/flows") == 0, good = true;
    struct dirent **entries;
    struct skn_slice text;
    int count = scandir(dir, &entries, is_flows ? is_flow_entry : is_event_entry, alphasort);
    if (count < 0) return errno == ENOENT;
    for (int i = 0; i < count; i++) {
        const char *path = skn_arena_printf(arena, "%s/%s", dir, entries[i]->d_name);
        char *real = realpath(path, NULL);
        free(entries[i]);
        if (real && but && strcmp(real, but) == 0)
            ; /* whoever asks has it */
        else if (skn_file_read(arena, path, SKN_SOURCE_BYTES_MAX, &text, NULL) != SKN_OK)
            good = false;
        else
            fn(ctx, skn_slice_str(path), text);
        free(real);
    }
    free(entries);
    return good;
}

bool skn_load_files(
    struct skn_arena *arena, const char *root, const char *but, skn_load_file_fn fn, void *ctx)
{
    const char *slash = root[1] ? "/" : "";
    char *real = realpath(but, NULL);
    bool good = files_in(arena, skn_arena_printf(arena, "%s%sevents", root, slash), real, fn, ctx);
    good =
        files_in(arena, skn_arena_printf(arena, "%s%sflows", root, slash), real, fn, ctx) && good;
    free(real);
    return good;
}

/* The name of a flow: its file without folder and ending. */
static struct skn_slice flow_name(struct skn_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return skn_arena_dup(arena, skn_slice(name, dot ? (size_t)(dot - name) : strlen(name)));
}

/* The flows of the project's folder flows/, and what each starts; only for a flow that starts one
 * itself, since the others have no use for it. */
static enum skn_rc load_flows(struct skn_arena *arena,
                              const struct skn_flow *flow,
                              struct skn_project_events *known,
                              struct skn_diag *diag)
{
    const struct skn_slice *names;
    uint32_t count;
    struct dirent **entries;
    const char *root = flow->project.root;
    known->own_name = flow_name(arena, (const char *)flow->files->source.name.ptr);
    skn_pointy_starts(arena, flow->files->source.text, &names, &count);
    if (count == 0) return SKN_OK;
    const char *dir = skn_arena_printf(arena, "%s%sflows", root, root[1] ? "/" : "");
    int found = scandir(dir, &entries, is_flow_entry, alphasort);
    if (found < 0 && errno == ENOENT) {
        found = 0;
        entries = NULL;
    }
    if (found < 0)
        return SKN_FAIL(
            diag, skn_rc_of_errno(errno), "could not read \"%s\": %s", dir, strerror(errno));
    enum skn_rc rc = SKN_OK;
    struct skn_project_flow *flows = skn_arena_zero(arena, (size_t)found + 1, sizeof(*flows));
    for (int i = 0; i < found; i++) {
        const char *path = skn_arena_printf(arena, "%s/%s", dir, entries[i]->d_name);
        struct skn_slice text;
        free(entries[i]);
        if (rc != SKN_OK) continue;
        rc = skn_file_read(arena, path, SKN_SOURCE_BYTES_MAX, &text, diag);
        if (rc != SKN_OK) continue;
        struct skn_project_flow *to = &flows[known->flow_count++];
        to->name = flow_name(arena, path);
        skn_pointy_interface(arena, text, to);
    }
    free(entries);
    known->flows = flows;
    known->has_flows = true;
    return rc;
}

/* The path as seen from the project's folder; only its name when it is elsewhere. */
static struct skn_slice
relative(struct skn_arena *arena, const struct skn_project *project, const char *path)
{
    char *real = realpath(path, NULL);
    struct skn_slice whole = skn_slice_str(real ? real : path);
    struct skn_slice root =
        skn_slice_str(skn_arena_printf(arena, "%s%s", project->root, project->root[1] ? "/" : ""));
    size_t from = 0;
    if (skn_slice_has_prefix(whole, root)) {
        from = root.len;
    } else {
        for (size_t i = 0; i < whole.len; i++)
            if (whole.ptr[i] == '/') from = i + 1;
    }
    struct skn_slice name = skn_arena_dup(arena, skn_slice_from(whole, from));
    free(real);
    return name;
}

static enum skn_rc compile(struct skn_arena *arena,
                           struct skn_flow *flow,
                           struct events *events,
                           bool only_check,
                           struct skn_diag *diag)
{
    struct skn_project_events known;
    enum skn_rc rc = skn_project_events_init(&known, arena, events->defs, events->count, diag);
    if (rc != SKN_OK) {
        if (diag) diag->rc = SKN_ECONFIG; /* two files declare the same: the project is wrong */
        return SKN_ECONFIG;
    }
    struct skn_checked *file = flow->files;
    if (flow->project.has_config) rc = load_flows(arena, flow, &known, diag);
    if (rc != SKN_OK) return rc;
    flow->events = known;
    flow->has_events = flow->project.has_config;
    const struct skn_project_events *events_or_null = flow->has_events ? &known : NULL;
    if (only_check) {
        rc = skn_pointy_check(arena, &file->source, events_or_null, &file->diags);
        SKN_ASSERT((rc == SKN_OK) == (file->diags.errors == 0));
        return SKN_OK;
    }
    rc = skn_pointy_compile(arena, &file->source, events_or_null, &file->diags, &flow->graph);
    if (rc != SKN_OK) flow->graph = NULL;
    return SKN_OK;
}

enum skn_rc skn_load_events(struct skn_arena *arena,
                            const char *named,
                            struct skn_flow *out_flow,
                            struct skn_diag *diag)
{
    struct skn_flow flow = {.errors = 0};
    struct events events = {.arena = arena};
    enum skn_rc rc = skn_load_project(arena, named, ".", &flow.project, diag);
    if (rc != SKN_OK) return rc;
    if (!flow.project.has_config)
        return SKN_FAIL(diag, SKN_EUSAGE, "this folder is in no project; skein init makes one");
    rc = load_events(&events, flow.project.root, diag);
    if (rc == SKN_OK)
        rc = skn_project_events_init(&flow.events, arena, events.defs, events.count, diag);
    if (rc != SKN_OK) return rc;
    flow.has_events = true;
    flow.files = events.wrong;
    for (const struct skn_checked *file = flow.files; file; file = file->next)
        flow.errors += file->diags.errors;
    *out_flow = flow;
    return SKN_OK;
}

enum skn_rc
skn_load_events_of(struct skn_arena *arena, const char *folder, struct skn_flow *out_flow)
{
    struct skn_flow flow = {.errors = 0};
    struct events events = {.arena = arena};
    struct skn_diag diag;
    enum skn_rc rc = skn_load_project(arena, NULL, folder, &flow.project, &diag);
    if (rc == SKN_OK && !flow.project.has_config) rc = SKN_ENOENT;
    if (rc == SKN_OK) rc = load_events(&events, flow.project.root, &diag);
    if (rc == SKN_OK)
        rc = skn_project_events_init(&flow.events, arena, events.defs, events.count, &diag);
    if (rc == SKN_OK) *out_flow = flow;
    return rc;
}

/* Errors of the flow are shown first: what is wrong elsewhere often follows from them. */
static void add_up(struct skn_flow *flow, const struct events *events)
{
    flow->files->next = events->wrong;
    for (const struct skn_checked *file = flow->files; file; file = file->next) {
        flow->errors += file->diags.errors;
        flow->warnings += file->diags.warnings;
    }
    if (flow->errors > 0) flow->graph = NULL;
}

static enum skn_rc load(struct skn_arena *arena,
                        const char *named,
                        const char *path,
                        bool only_check,
                        struct skn_flow *out_flow,
                        struct skn_diag *diag)
{
    struct skn_flow flow = {.errors = 0};
    struct events events = {.arena = arena};
    bool is_event = is_event_file(path);
    enum skn_rc rc = open_text(
        arena, path, is_event ? EVENT_BYTES_MAX : SKN_SOURCE_BYTES_MAX, &flow.files, diag);
    if (rc == SKN_OK) rc = skn_load_project(arena, named, path, &flow.project, diag);
    if (rc != SKN_OK) return rc;
    flow.name = relative(arena, &flow.project, path);
    if (is_event) {
        const struct skn_event_def *def;
        const struct skn_event_host host = skn_load_host(flow.project.root);
        rc = skn_event_parse_with(arena, &flow.files->source, &host, &flow.files->diags, &def);
        SKN_ASSERT((rc == SKN_OK) == (flow.files->diags.errors == 0));
        rc = SKN_OK;
    } else {
        if (flow.project.has_config) rc = load_events(&events, flow.project.root, diag);
        if (rc == SKN_OK) rc = compile(arena, &flow, &events, only_check, diag);
    }
    if (rc != SKN_OK) return rc;
    add_up(&flow, &events);
    *out_flow = flow;
    return SKN_OK;
}

enum skn_rc skn_load_flow(struct skn_arena *arena,
                          const char *named,
                          const char *path,
                          struct skn_flow *out_flow,
                          struct skn_diag *diag)
{
    return load(arena, named, path, false, out_flow, diag);
}

enum skn_rc skn_load_checked(struct skn_arena *arena,
                             const char *named,
                             const char *path,
                             struct skn_flow *out_flow,
                             struct skn_diag *diag)
{
    return load(arena, named, path, true, out_flow, diag);
}

void skn_flow_render(const struct skn_flow *flow, struct skn_buf *out)
{
    for (const struct skn_checked *file = flow->files; file; file = file->next)
        skn_diags_render(&file->diags, out);
}

/* The diagnostics of one text, as elements of the list that is being written. */
static void write_elements(const struct skn_diags *diags, struct skn_json_writer *w)
{
    struct skn_buf text, bytes;
    struct skn_json_writer own;
    skn_buf_init(&text, JSON_TEXT_MAX);
    skn_buf_init(&bytes, JSON_TEXT_MAX);
    skn_json_begin(&own, &text, SKN_JSON_PLAIN);
    skn_diags_write_json(diags, &own);
    bool ok = skn_json_end(&own, NULL) == SKN_OK &&
              skn_json_parse(skn_buf_slice(&text), NULL, &bytes, NULL) == SKN_OK;
    SKN_ASSERT(ok); /* 50 entries at most, written by us */
    struct skn_value_iter iter = skn_value_iter(skn_value_view(skn_buf_slice(&bytes)));
    struct skn_value entry;
    while (skn_value_next(&iter, NULL, &entry))
        skn_json_value(w, entry);
    skn_buf_fini(&text);
    skn_buf_fini(&bytes);
}

void skn_flow_write_json(const struct skn_flow *flow, struct skn_json_writer *w)
{
    skn_json_list_begin(w);
    for (const struct skn_checked *file = flow->files; file; file = file->next)
        write_elements(&file->diags, w);
    skn_json_list_end(w);
}
