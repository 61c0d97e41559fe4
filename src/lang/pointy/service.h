/* service.h - Pointy and event files for the language server.
 *
 * Owns        nothing.
 * May include base, value, lang/kit.
 * Threads     none: a host belongs to one server.
 */
#pragma once

#include "lang/kit/lsp.h"
#include "lang/pointy/pointy.h"

/* Who knows files: the events of the project of a path, or NULL for a lone file. What it gives lives
 * until it is asked again. */
typedef void (*skn_project_file_fn)(void *fn_ctx, struct skn_slice path, struct skn_slice text);

struct skn_pointy_host {
    void *ctx;
    const struct skn_project_events *(*events)(void *ctx, struct skn_slice path);
    /* Every other flow and event file of the project of a path, in order of their paths; texts live as
     * long as `arena`. False: not all could be read. NULL: names are not changed over files. */
    bool (*files)(void *ctx,
                  struct skn_arena *arena,
                  struct skn_slice path,
                  skn_project_file_fn fn,
                  void *fn_ctx);
};

/* The host must outlive what is returned. */
struct skn_lsp_language skn_pointy_language(struct skn_pointy_host *host);

/* Event files: their diagnostics, and nothing else. The host, of the files that they name, may be NULL. */
struct skn_lsp_language skn_event_language(const struct skn_event_host *host);
