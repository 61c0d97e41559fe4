/* service_internal.h - what the parts of the service share: a tree of the text that is asked about, and
 * the places of names in it.
 *
 * Owns        nothing.
 * May include base, value, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/pointy/service.h"
#include "lang/pointy/syntax_internal.h"

/* A tree of the text while somebody looks at it. */
struct skn_service_tree {
    const struct skn_source *source;
    struct skn_diags *diags; /* nobody reads them */
    struct skn_syntax syntax;
};

void skn_service_open(struct skn_service_tree *t, const struct skn_lsp_text *text);
void skn_service_close(struct skn_service_tree *t);

/* The events of the project of a text, or NULL. */
const struct skn_project_events *skn_service_events(void *ctx, const struct skn_lsp_text *text);

/* The event of a name as it is written, with source and version; NULL when it is unknown. */
const struct skn_event_def *skn_service_event(const struct skn_project_events *events,
                                              struct skn_slice written);

/* Whether an offset stands in a span or at its end. */
bool skn_service_holds(struct skn_span span, uint32_t offset);

/* The unit whose event stands there, or SKN_GRAPH_NONE. */
uint32_t skn_service_unit_at(const struct skn_service_tree *t, uint32_t offset);

/* What the name of a value is at a place: what declares it, in this order, or a use of it. */
enum skn_site {
    SKN_SITE_INPUT,  /* @input: name: type */
    SKN_SITE_SET,    /* Set[name=..] */
    SKN_SITE_EXPORT, /* exports=["name"] of a group */
    SKN_SITE_USE,    /* "${name}" */
};

/* Calls back for every name of a value in a text. */
typedef void (*skn_site_fn)(void *ctx, enum skn_site site, struct skn_span span);
void skn_service_sites(const struct skn_service_tree *t, skn_site_fn fn, void *ctx);

/* The name of a value that stands at an offset; an empty span when none does. */
struct skn_span skn_service_value_at(const struct skn_service_tree *t, uint32_t offset);

/* Where the name of a value is declared: the first input, else the first Set, else the first export. */
bool skn_service_declared(const struct skn_service_tree *t,
                          struct skn_slice name,
                          enum skn_site *out_site,
                          struct skn_span *out_span);

/* A new name for an event of the project, in every flow and event file of it; NULL, or why not. */
const char *skn_service_rename_event(void *ctx,
                                     const struct skn_lsp_text *text,
                                     struct skn_slice old,
                                     struct skn_slice name,
                                     struct skn_lsp_edits *edits);

/* Of struct skn_lsp_language. */
bool skn_service_hover(void *ctx,
                       const struct skn_lsp_text *text,
                       uint32_t offset,
                       struct skn_buf *out);
bool skn_service_define(void *ctx,
                        const struct skn_lsp_text *text,
                        uint32_t offset,
                        struct skn_lsp_target *out_target);
const char *skn_service_rename(void *ctx,
                               const struct skn_lsp_text *text,
                               uint32_t offset,
                               struct skn_slice name,
                               struct skn_lsp_edits *edits);
void skn_service_outline(void *ctx,
                         const struct skn_lsp_text *text,
                         struct skn_lsp_symbols *symbols);
