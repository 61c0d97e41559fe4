/* draw_json.c - the JSON form of a flow: flat lists of bodies, steps, units and branches that name
 * each other by their ids; doc/pointy-graph.schema.json describes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_internal.h"
#include "lang/pointy/parse_internal.h"

#include "base/pure.h" /* last */

static void put_uint(struct skn_json_writer *w, const char *key, uint32_t n)
{
    skn_json_key_str(w, key);
    if (n == SKN_GRAPH_NONE) {
        skn_json_none(w);
    } else {
        skn_json_uint(w, n);
    }
}

static void put_text(struct skn_json_writer *w, const char *key, struct skn_slice text)
{
    skn_json_key_str(w, key);
    skn_json_string(w, text);
}

static void put_bool(struct skn_json_writer *w, const char *key, bool b)
{
    skn_json_key_str(w, key);
    skn_json_bool(w, b);
}

/* The value of a directive: a string decoded, anything else as it is written; DAG for its other
 * name, and a version without its "v". */
static void
put_directive(const struct skn_drawing *d, struct skn_json_writer *w, enum skn_directive which)
{
    const struct skn_syn_directive *from = &d->tree.directives[which];
    if (from->at.end == 0) return;
    struct skn_slice text = skn_pty_text(&d->b, from->value);
    struct skn_literal literal = {.kind = SKN_LITERAL_STRING, .span = from->value};
    if (text.len > 0 && text.ptr[0] == '"') (void)skn_pty_string(&d->b, &literal, false, &text);
    if (which == SKN_DIRECTIVE_MODE) text = SKN_LIT("DAG");
    if (which == SKN_DIRECTIVE_VERSION && text.ptr[0] == 'v') text = skn_slice_from(text, 1);
    put_text(w, skn_directive_name(which), text);
}

static void put_inputs(const struct skn_drawing *d, struct skn_json_writer *w)
{
    skn_json_key_str(w, "inputs");
    skn_json_list_begin(w);
    for (uint32_t i = 0; i < d->tree.input_count; i++) {
        const struct skn_syn_input *from = &d->tree.inputs[i];
        skn_json_object_begin(w);
        put_text(w, "name", skn_pty_text(&d->b, from->name));
        put_text(w, "type", skn_pty_text(&d->b, from->type));
        put_bool(w, "optional", from->optional);
        if (from->literal != SKN_GRAPH_NONE) {
            skn_json_key_str(w, "default");
            skn_drawing_literal(d, (struct skn_slice){0}, from->literal, w);
        }
        skn_json_object_end(w);
    }
    skn_json_list_end(w);
}

static void put_bodies(const struct skn_drawing *d, struct skn_json_writer *w)
{
    static const char *const kinds[] = {"run", "group", "branch"};
    skn_json_key_str(w, "bodies");
    skn_json_list_begin(w);
    for (uint32_t i = 0; i < d->tree.body_count; i++) {
        const struct skn_syn_body *from = &d->tree.bodies[i];
        skn_json_object_begin(w);
        put_text(w, "kind", skn_slice_str(kinds[from->kind]));
        put_uint(w, "owner", from->owner);
        put_uint(w, "first", from->first_step);
        skn_json_object_end(w);
    }
    skn_json_list_end(w);
}

static void put_steps(const struct skn_drawing *d, struct skn_json_writer *w)
{
    skn_json_key_str(w, "steps");
    skn_json_list_begin(w);
    for (uint32_t i = 0; i < d->tree.step_count; i++) {
        const struct skn_syn_step *from = &d->tree.steps[i];
        skn_json_object_begin(w);
        put_uint(w, "body", from->body);
        put_bool(w, "piped", from->piped);
        put_uint(w, "first", from->first_unit);
        put_uint(w, "next", from->next);
        skn_json_object_end(w);
    }
    skn_json_list_end(w);
}

static void put_options(const struct skn_drawing *d, struct skn_json_writer *w, uint32_t unit)
{
    const struct skn_syn_unit *from = &d->tree.units[unit];
    struct skn_slice first;
    uint32_t at = 0; /* attempts are said elsewhere; there may be nothing else */
    while (at < from->option_count && !skn_drawing_option(d, from->first_option + at, &first, NULL))
        at++;
    if (at == from->option_count) return;
    skn_json_key_str(w, "options");
    skn_json_list_begin(w);
    for (uint32_t i = 0; i < from->option_count; i++) {
        struct skn_slice name;
        const struct skn_syn_option *option = &d->tree.options[from->first_option + i];
        if (!skn_drawing_option(d, from->first_option + i, &name, NULL)) continue;
        skn_json_object_begin(w);
        put_text(w, "name", name);
        skn_json_key_str(w, "value");
        skn_drawing_literal(d, skn_pty_text(&d->b, option->name), option->literal, w);
        skn_json_object_end(w);
    }
    skn_json_list_end(w);
}

static void put_event(const struct skn_drawing *d, struct skn_json_writer *w, uint32_t unit)
{
    const struct skn_syn_unit *from = &d->tree.units[unit];
    if (from->kind == SKN_SYN_GROUP) return;
    struct skn_syn_event event = skn_syn_event_of(d->b.source, from);
    put_text(w, "name", skn_pty_text(&d->b, event.name));
    if (event.source.end > 0) put_text(w, "source", skn_pty_text(&d->b, event.source));
    if (event.version.end == 0) return;
    struct skn_slice version = skn_pty_text(&d->b, event.version);
    put_text(w, "version", version.ptr[0] == 'v' ? skn_slice_from(version, 1) : version);
}

static void
put_unit(const struct skn_drawing *d, struct skn_json_writer *w, uint32_t unit, bool places)
{
    static const char *const calls[] = {"event", "map", "filter", "reduce", "flow"};
    const struct skn_syn_unit *from = &d->tree.units[unit];
    skn_json_object_begin(w);
    put_text(w,
             "kind",
             from->kind == SKN_SYN_GROUP ? SKN_LIT("group")
                                         : skn_slice_str(calls[skn_pty_call(d->b.source, from)]));
    put_event(d, w, unit);
    put_uint(w, "step", from->step);
    put_uint(w, "next", from->next);
    if (skn_drawing_attempts(d, unit) > 0) put_uint(w, "attempts", skn_drawing_attempts(d, unit));
    put_options(d, w, unit);
    if (from->body != SKN_GRAPH_NONE) put_uint(w, "body", from->body);
    if (from->first_branch != SKN_GRAPH_NONE) put_uint(w, "branch", from->first_branch);
    if (places) {
        struct skn_place place = d->b.units[unit].place;
        put_uint(w, "line", place.line);
        put_uint(w, "column", place.column);
    }
    skn_json_object_end(w);
}

static void put_branches(const struct skn_drawing *d, struct skn_json_writer *w)
{
    skn_json_key_str(w, "branches");
    skn_json_list_begin(w);
    for (uint32_t i = 0; i < d->tree.branch_count; i++) {
        const struct skn_syn_branch *from = &d->tree.branches[i];
        skn_json_object_begin(w);
        put_uint(w, "unit", from->unit);
        put_text(w, "outcome", skn_drawing_outcome(d, i));
        put_bool(w, "piped", from->piped);
        put_uint(w, "body", from->body);
        put_uint(w, "next", from->next);
        skn_json_object_end(w);
    }
    skn_json_list_end(w);
}

void skn_drawing_json(const struct skn_drawing *drawing, bool places, struct skn_buf *out)
{
    struct skn_json_writer w;
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    put_uint(&w, "pointy", SKN_POINTY_JSON_LEVEL);
    skn_json_key_str(&w, "directives");
    skn_json_object_begin(&w);
    for (unsigned i = SKN_DIRECTIVE_INPUT + 1; i < SKN_DIRECTIVE_COUNT; i++)
        put_directive(drawing, &w, (enum skn_directive)i);
    skn_json_object_end(&w);
    put_inputs(drawing, &w);
    put_bodies(drawing, &w);
    put_steps(drawing, &w);
    skn_json_key_str(&w, "units");
    skn_json_list_begin(&w);
    for (uint32_t i = 0; i < drawing->tree.unit_count; i++)
        put_unit(drawing, &w, i, places);
    skn_json_list_end(&w);
    put_branches(drawing, &w);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) != SKN_OK) out->full = true; /* every text is UTF-8 */
}
