/* tools.h - what people and programs see of a flow: canonical text, graph as JSON, drawings, plain
 * sentences, and what is live where.
 *
 * Owns        the layouts and the JSON form (doc/pointy-graph.schema.json). Reads no files.
 * May include base, value, lang/kit.
 * Threads     any: every call works on its own arguments.
 * Invariants
 *   1. The whole language is drawn, also what no run can do yet.
 *   2. skn_pointy_format keeps every token and every comment and is idempotent: its output depends
 *      on the tokens, and on which comments stand on lines of their own, and on nothing else.
 *   3. The JSON form says all that the text means; skn_pointy_from_json gives a text with the same
 *      JSON form. The same flow always gives the same bytes.
 */
#pragma once

#include "lang/pointy/pointy.h"

/* The level of the JSON form; a reader refuses one above its own. */
enum { SKN_POINTY_JSON_LEVEL = 1 };

/* Lays a text out. SKN_ESYNTAX: it is malformed, and `diags` says how; names are not looked up. */
SKN_MUST_USE enum skn_rc
skn_pointy_format(const struct skn_source *source, struct skn_diags *diags, struct skn_buf *out);

/* A compiled flow with its text. */
struct skn_drawing;

/* SKN_OK when nothing but unbuilt parts stands against it; SKN_ESYNTAX: `diags` says what does.
 * Borrows source and diags; all it makes lives in the arena or until destroy. */
SKN_MUST_USE enum skn_rc skn_drawing_create(struct skn_arena *arena,
                                            const struct skn_source *source,
                                            const struct skn_project_events *events_or_null,
                                            struct skn_diags *diags,
                                            struct skn_drawing **out_drawing);
void skn_drawing_destroy(struct skn_drawing *drawing);

/* The JSON form, on one line; with `places`, each unit says where it stands in the text. */
void skn_drawing_json(const struct skn_drawing *drawing, bool places, struct skn_buf *out);

/* The JSON form back to canonical text. SKN_ESYNTAX: it is none, and `diag` says why; SKN_ENEWER:
 * its level is above ours. */
SKN_MUST_USE enum skn_rc
skn_pointy_from_json(struct skn_slice json, struct skn_buf *out, struct skn_diag *diag);

/* Graphviz, Mermaid, and lines for a terminal. */
void skn_drawing_dot(const struct skn_drawing *drawing, struct skn_buf *out);
void skn_drawing_mermaid(const struct skn_drawing *drawing, struct skn_buf *out);
void skn_drawing_text(const struct skn_drawing *drawing, struct skn_buf *out);

/* The flow in plain sentences, with the descriptions of its events. */
void skn_drawing_describe(const struct skn_drawing *drawing, struct skn_buf *out);

/* Which results and variables can still be read where, and why [F20] [E61]. */
void skn_drawing_data(const struct skn_drawing *drawing, struct skn_buf *out);

/* Two texts line by line, "- ", "+ " and "  " before them; gives whether they are equal. Where more
 * than 2,000 lines lie between the first and the last difference, these are shown whole. */
bool skn_pointy_diff(struct skn_slice old_text, struct skn_slice new_text, struct skn_buf *out);
