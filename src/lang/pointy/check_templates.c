/* check_templates.c - "${name}" in strings: something gives it, and no secret leaves by it [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/taker_internal.h"

#include "base/pure.h" /* last */

/* What may stand for "${name}". */
struct filler {
    bool is_named; /* something may */
    bool is_secret;
};

static bool fill_by_variable(void *ctx, const struct skn_variable *variable)
{
    struct filler *f = ctx;
    f->is_named = true;
    f->is_secret = f->is_secret || variable->may_be_secret;
    return f->is_secret; /* no other says more */
}

/* True: each thing that may be piped in has the key, so that nothing else is looked at. */
static bool fill_by_pipe(struct filler *f,
                         const struct skn_pty *b,
                         const struct skn_shape *shape,
                         struct skn_slice name)
{
    bool has_each = !shape->is_anything && !shape->may_be_null && !shape->may_be_list &&
                    !shape->is_run && shape->scalars == 0 && shape->count > 0;
    if (shape->is_anything) f->is_named = true;
    for (uint8_t i = 0; !shape->is_anything && i < shape->count; i++) {
        const struct skn_field *output = skn_shape_output(b, shape->events[i], name);
        if (output) f->is_named = true;
        if (output && output->mark == SKN_FIELD_SECRET) f->is_secret = true;
        has_each = has_each && output;
    }
    return has_each;
}

static bool has_secret(const struct skn_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].mark == SKN_FIELD_SECRET) return true;
    return false;
}

/* "${previous}", or one key of it: what is piped in, whole or in part. Lists are in it with all that
 * they hold. */
static void fill_by_previous(struct filler *f,
                             const struct skn_flow_data *d,
                             const struct skn_shape *shape,
                             struct skn_slice key)
{
    enum { LISTS_MAX = 64 };
    const struct skn_pty *b = d->b;
    f->is_named = true;
    for (unsigned depth = 0; depth < LISTS_MAX && !shape->is_anything; depth++) {
        const struct skn_field *input = skn_pty_run_input(b, key);
        if (shape->is_run && (key.len > 0 ? input && input->mark == SKN_FIELD_SECRET
                                          : has_secret(b->graph->inputs, b->graph->input_count)))
            f->is_secret = true;
        for (uint8_t i = 0; i < shape->count; i++) {
            const struct skn_event_def *def = &b->events[shape->events[i]];
            const struct skn_field *output = skn_shape_output(b, shape->events[i], key);
            if (key.len > 0 ? output && output->mark == SKN_FIELD_SECRET
                            : has_secret(def->outputs, def->output_count))
                f->is_secret = true;
        }
        if (!shape->may_be_list || key.len > 0) return; /* a list has no keys */
        shape = skn_shape_at(d, shape->item);
    }
}

/* The key of "${name.key}", where `name` is in the text; empty without one. */
static struct skn_slice key_behind(const struct skn_pty *b, struct skn_span name)
{
    struct skn_slice rest = skn_slice_from(b->source->text, name.end);
    const uint8_t *close = rest.len > 1 ? memchr(rest.ptr, '}', rest.len) : NULL;
    if (!close || rest.ptr[0] != '.') return (struct skn_slice){0};
    return skn_slice(rest.ptr + 1, (size_t)(close - rest.ptr) - 1);
}

/* What is piped into a unit, and into a child where the unit is a call over a list. */
static const struct skn_shape *shape_into(const struct skn_flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    enum skn_call call = skn_pty_call(d->b->source, unit);
    bool is_piped = d->b->tree->steps[unit->step].piped;
    if (skn_call_is_over_list(call)) return skn_shape_at(d, skn_place_child(d, id, call).in);
    return skn_shape_at(d, is_piped ? d->in[unit->step] : (uint32_t)SKN_SHAPE_NULL);
}

/* "${name}" in the option of a unit, or in @concurrency-key. A secret leaves where one path leads to
 * it: that others do not makes it no safer. */
static void check_template(void *ctx, uint32_t unit, struct skn_span option, struct skn_span span)
{
    const struct skn_flow_data *d = ctx;
    struct skn_pty *b = d->b;
    struct skn_slice name = skn_pty_text(b, span);
    struct skn_slice into = skn_pty_text(b, option);
    const struct skn_field *wanted = skn_pty_input_of(b, unit, into);
    bool is_unit = unit != SKN_GRAPH_NONE;
    struct filler f = {0};
    bool is_previous = skn_slice_eq(name, SKN_LIT("previous"));
    struct skn_shape run = {.is_run = true};
    if (is_previous)
        fill_by_previous(&f, d, is_unit ? shape_into(d, unit) : &run, key_behind(b, span));
    bool is_hidden =
        is_previous || (is_unit && (fill_by_pipe(&f, b, shape_into(d, unit), name) ||
                                    skn_scopes_each(&d->scopes, unit, name, fill_by_variable, &f)));
    const struct skn_field *given = is_hidden ? NULL : skn_pty_run_input(b, name);
    if (given) f.is_named = true;
    if (given && given->mark == SKN_FIELD_SECRET) f.is_secret = true;
    if (f.is_secret && !(wanted && wanted->mark == SKN_FIELD_SECRET)) {
        skn_diags_add(b->diags, SKN_CODE_SECRET_LEAVES, span, SKN_DIAG_ARGS(name, into));
        return;
    }
    bool is_child = is_unit && b->tree->units[unit].kind == SKN_SYN_CALL;
    if (f.is_named || !b->project || is_child) return;
    skn_diags_add(b->diags, SKN_CODE_NOTHING_NAMED, span, SKN_DIAG_ARGS(name));
}

void skn_check_templates(const struct skn_flow_data *d, uint32_t unit)
{
    skn_pty_templates(d->b, unit, check_template, (void *)(uintptr_t)d);
}

void skn_check_cache(struct skn_pty *b, uint32_t id)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    uint32_t event = b->unit_event[id];
    if (event == SKN_GRAPH_NONE || !skn_pty_has_option(b, id, SKN_LIT("cache"))) return;
    for (uint32_t i = 0; i < b->events[event].input_count; i++) {
        const struct skn_field *field = &b->events[event].inputs[i];
        if (field->mark != SKN_FIELD_SECRET) continue;
        skn_diags_add(b->diags,
                      SKN_CODE_SECRET_CACHED,
                      unit->span,
                      SKN_DIAG_ARGS(skn_pty_unit_name(b, id), field->name));
        return;
    }
}
