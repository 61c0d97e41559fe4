/* lsp.c - skein lsp: the language server over standard input and output. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/load_internal.h"
#include "lang/pointy/service.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READ_MAX = 65536, KEEP_S = 2 };

/* The events of the project that was asked about last: read again when they are older than this, or
 * when another folder is asked about. */
struct host {
    struct skn_arena arena;
    struct skn_flow flow;
    struct skn_slice folder; /* of the file, owned by the arena */
    struct timespec read_at;
    bool is_loaded;
    bool has_events;
};

static struct skn_slice folder_of(struct skn_slice path)
{
    size_t len = path.len;
    while (len > 0 && path.ptr[len - 1] != '/')
        len--;
    return skn_slice(path.ptr, len);
}

static const struct skn_project_events *events(void *ctx, struct skn_slice path)
{
    struct host *h = ctx;
    struct timespec now;
    struct skn_slice folder = folder_of(path);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    bool is_fresh =
        h->is_loaded && now.tv_sec - h->read_at.tv_sec < KEEP_S && skn_slice_eq(folder, h->folder);
    if (!is_fresh) {
        skn_arena_reset(&h->arena);
        h->folder = skn_arena_dup(&h->arena, folder.len > 0 ? folder : SKN_LIT("."));
        h->is_loaded = true;
        h->read_at = now;
        h->flow = (struct skn_flow){.errors = 0};
        h->has_events =
            skn_load_events_of(&h->arena, (const char *)h->folder.ptr, &h->flow) == SKN_OK;
    }
    return h->has_events ? &h->flow.events : NULL;
}

static bool files(
    void *ctx, struct skn_arena *arena, struct skn_slice path, skn_project_file_fn fn, void *fn_ctx)
{
    struct host *h = ctx;
    if (!events(h, path)) return false;
    return skn_load_files(arena, h->flow.project.root, (const char *)path.ptr, fn, fn_ctx);
}

/* The files of the project that the event file is in. */
static bool file_beside(void *ctx,
                        struct skn_arena *arena,
                        struct skn_slice event_file,
                        struct skn_slice path,
                        struct skn_slice *out_text,
                        const char **out_why)
{
    struct host *h = ctx;
    if (!events(h, event_file)) {
        *out_why = "this file is in no project";
        return false;
    }
    const struct skn_event_host host = skn_load_host(h->flow.project.root);
    return host.file(host.ctx, arena, event_file, path, out_text, out_why);
}

static enum skn_rc serve(struct skn_cli *cli, struct skn_lsp *lsp, struct skn_diag *diag)
{
    static uint8_t bytes[READ_MAX];
    struct skn_buf out;
    int ignored;
    enum skn_rc rc = SKN_OK;
    skn_buf_init(&out, (size_t)SKN_LSP_MESSAGE_MAX * 4);
    while (rc == SKN_OK && !skn_lsp_has_ended(lsp, &ignored)) {
        ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = SKN_FAIL(diag, SKN_EIO, "could not read: %s", strerror(errno));
        if (n <= 0) break; /* an editor that is gone says no more */
        if (skn_lsp_feed(lsp, skn_slice(bytes, (size_t)n), &out) != SKN_OK)
            rc = SKN_FAIL(diag, SKN_ESYNTAX, "what comes is no message of the protocol");
        skn_out_put(&cli->out, skn_buf_slice(&out));
        skn_buf_reset(&out);
    }
    skn_buf_fini(&out);
    return rc;
}

int skn_cmd_lsp(struct skn_cli *cli)
{
    struct skn_diag diag;
    struct host h = {.is_loaded = false};
    struct skn_pointy_host host = {.ctx = &h, .events = events, .files = files};
    const struct skn_lsp_language flows = skn_pointy_language(&host);
    const struct skn_event_host beside = {.ctx = &h, .file = file_beside};
    const struct skn_lsp_language files = skn_event_language(&beside);
    const struct skn_lsp_language *const languages[] = {&flows, &files};
    int exit_code = 0;
    skn_arena_init(&h.arena);
    struct skn_lsp *lsp = skn_lsp_create(languages, SKN_ARRAY_LEN(languages));
    enum skn_rc rc = serve(cli, lsp, &diag);
    (void)skn_lsp_has_ended(lsp, &exit_code);
    skn_lsp_destroy(lsp);
    skn_arena_fini(&h.arena);
    return rc == SKN_OK ? exit_code : skn_out_fail(&cli->out, &diag);
}
