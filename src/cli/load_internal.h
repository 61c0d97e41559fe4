/* load_internal.h - files of a project: read within limits, checked, compiled.
 *
 * Invariants
 *   1. Only a regular file is read, so nothing waits and nothing is endless.
 *   2. Everything lives as long as the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "lang/kit/diags.h"
#include "lang/pointy/pointy.h"
#include "node/node.h"
#include "value/json.h"

enum { SKN_EVENT_FILES_MAX = 10000 };

/* A text with what is wrong in it. */
struct skn_checked {
    struct skn_source source;
    struct skn_diags diags;
    struct skn_checked *next;
};

struct skn_flow {
    struct skn_project project;
    struct skn_checked *files;     /* the flow first, then each event file with something wrong */
    const struct skn_graph *graph; /* NULL when there are errors */
    struct skn_project_events events; /* of the project, when it has_events */
    bool has_events;
    struct skn_slice name; /* of the flow's file, relative to the project */
    uint32_t errors;
    uint32_t warnings;
};

/* The whole file. SKN_ENOENT: not there, or not a file; SKN_EPERM; SKN_ETOOLARGE: over `bytes_max`. */
SKN_MUST_USE enum skn_rc skn_file_read(struct skn_arena *arena,
                                       const char *path,
                                       size_t bytes_max,
                                       struct skn_slice *out_text,
                                       struct skn_diag *diag);

/* Gives event files what they name: regular files of at most 1 MiB that lie, links followed, in the
 * folder `root`, a C string. */
struct skn_event_host skn_load_host(const char *root);

/* Calls back for every flow and event file in the folders flows/ and events/ of a project, but the one
 * that `but` names; texts live as long as `arena`. False: not all could be read. */
typedef void (*skn_load_file_fn)(void *ctx, struct skn_slice path, struct skn_slice text);
bool skn_load_files(
    struct skn_arena *arena, const char *root, const char *but, skn_load_file_fn fn, void *ctx);

/* The project of a path, or the one that is named when `named` is not NULL. */
SKN_MUST_USE enum skn_rc skn_load_project(struct skn_arena *arena,
                                          const char *named,
                                          const char *path,
                                          struct skn_project *out_project,
                                          struct skn_diag *diag);

/* A flow, or an event file when the name ends in .yaml or .yml (then there is no graph). SKN_OK also
 * with errors in the texts: `out_flow` says. */
SKN_MUST_USE enum skn_rc skn_load_flow(struct skn_arena *arena,
                                       const char *named,
                                       const char *path,
                                       struct skn_flow *out_flow,
                                       struct skn_diag *diag);

/* The same without a graph, for who does not need one: a fraction of the memory. */
SKN_MUST_USE enum skn_rc skn_load_checked(struct skn_arena *arena,
                                          const char *named,
                                          const char *path,
                                          struct skn_flow *out_flow,
                                          struct skn_diag *diag);

/* The events of the project of the present folder, or of the one that is named; no flow. SKN_EUSAGE:
 * there is no project. */
SKN_MUST_USE enum skn_rc skn_load_events(struct skn_arena *arena,
                                         const char *named,
                                         struct skn_flow *out_flow,
                                         struct skn_diag *diag);

/* The events of the project that a folder is in; SKN_ENOENT: in none. */
SKN_MUST_USE enum skn_rc
skn_load_events_of(struct skn_arena *arena, const char *folder, struct skn_flow *out_flow);

/* All that is wrong, as text for people or as one JSON list. */
void skn_flow_render(const struct skn_flow *flow, struct skn_buf *out);
void skn_flow_write_json(const struct skn_flow *flow, struct skn_json_writer *w);
