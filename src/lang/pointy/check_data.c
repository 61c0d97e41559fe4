/* check_data.c - whether every required input of every task has something that can give it, of a type
 * that fits, on some path at least [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/data_internal.h"

#include "base/pure.h" /* last */

/* What a task is given besides its options. */
struct place {
    const struct skn_flow_data *d;
    uint32_t unit;
    bool piped;
    uint32_t in;    /* the shape of `previous` */
    bool has_item;  /* it is a child: "item" is what `previous` is */
    bool has_items; /* of MAP with size: "items" is */
    bool has_accumulator;
};

static bool is_given_by_option(const struct skn_pty *b, uint32_t id, struct skn_slice name)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    for (uint32_t i = 0; i < unit->option_count; i++) {
        struct skn_span at = b->tree->options[unit->first_option + i].name;
        if (skn_slice_eq(name, skn_pty_text(b, at))) return true;
    }
    return false;
}

static const struct skn_field *find_run_input(const struct skn_pty *b, struct skn_slice name)
{
    for (uint32_t i = 0; i < b->graph->input_count; i++)
        if (skn_slice_eq(name, b->graph->inputs[i].name)) return &b->graph->inputs[i];
    return NULL;
}

/* A secret fits only where it is kept as one [F19]. */
static bool fits(const struct skn_field *given, const struct skn_field *wanted)
{
    if (given->mark == SKN_FIELD_SECRET) return wanted->mark == SKN_FIELD_SECRET;
    if (wanted->mark == SKN_FIELD_FILE || given->mark == SKN_FIELD_FILE)
        return given->mark == wanted->mark ||
               (wanted->mark == SKN_FIELD_PLAIN && wanted->type == SKN_TYPE_ANY) ||
               (given->mark == SKN_FIELD_PLAIN && given->type == SKN_TYPE_ANY);
    return given->type == wanted->type || given->type == SKN_TYPE_ANY ||
           wanted->type == SKN_TYPE_ANY ||
           (given->type == SKN_TYPE_INT && wanted->type == SKN_TYPE_FLOAT);
}

static void wrong_type(const struct place *p, const struct skn_field *field, struct skn_slice what)
{
    struct skn_pty *b = p->d->b;
    skn_diags_add(b->diags,
                  SKN_CODE_PIPED_TYPE,
                  b->tree->units[p->unit].span,
                  SKN_DIAG_ARGS(field->name,
                                skn_pty_unit_name(b, p->unit),
                                skn_slice_str(skn_field_type_name(field)),
                                what));
}

static void nothing_gives(const struct place *p, const struct skn_field *field)
{
    struct skn_pty *b = p->d->b;
    const char *hint =
        skn_arena_printf(b->arena,
                         "Declare @input: %.*s: %s, or pipe in a result that has it.",
                         SKN_FMT(field->name),
                         skn_field_type_name(field));
    skn_diags_add(b->diags,
                  SKN_CODE_NO_GIVER,
                  b->tree->units[p->unit].span,
                  SKN_DIAG_ARGS(skn_pty_unit_name(b, p->unit), field->name, skn_slice_str(hint)));
}

/* The piped value whole, under one of its names. */
static void check_whole(const struct place *p, const struct skn_field *field, uint32_t in)
{
    struct skn_pty *b = p->d->b;
    if (!p->piped) {
        if (field->required)
            skn_diags_add(b->diags,
                          SKN_CODE_NOTHING_PIPED,
                          b->tree->units[p->unit].span,
                          SKN_DIAG_ARGS(skn_pty_unit_name(b, p->unit)));
        return;
    }
    const char *what = skn_shape_misfit(b, skn_shape_at(p->d, in), field);
    if (what) wrong_type(p, field, skn_slice_str(what));
}

/* Somebody gives it, in a type that does not fit. */
static void gives_as(const struct place *p,
                     const struct skn_field *field,
                     struct skn_slice who,
                     const struct skn_field *given)
{
    const char *what = skn_arena_printf(
        p->d->b->arena, "%.*s gives it as %s", SKN_FMT(who), skn_field_type_name(given));
    wrong_type(p, field, skn_slice_str(what));
}

/* Variables that may give a field. */
struct search {
    const struct skn_field *field;
    struct skn_variable misfit; /* the first; its field is NULL when there is none */
    bool is_met;
};

static bool try_variable(void *ctx, const struct skn_variable *variable)
{
    struct search *s = ctx;
    s->is_met = !variable->field || fits(variable->field, s->field);
    if (!s->is_met && !s->misfit.field) s->misfit = *variable;
    return s->is_met;
}

/* What is not piped: variables of the groups around, and where none is sure to be set an input of the
 * run, or nobody. One that may do is enough. True: there is one. */
static bool check_outside(const struct place *p, const struct skn_field *field, bool is_said)
{
    struct skn_pty *b = p->d->b;
    struct search s = {.field = field};
    bool is_hidden = skn_scopes_each(&p->d->scopes, p->unit, field->name, try_variable, &s);
    const struct skn_field *given = is_hidden ? NULL : find_run_input(b, field->name);
    if (s.is_met || (given && fits(given, field))) return true;
    if (!is_hidden && !given && !field->required) return true;
    if (!is_said) return false;
    if (s.misfit.field) {
        gives_as(p, field, skn_pty_unit_name(b, s.misfit.unit), s.misfit.field);
    } else if (given) {
        skn_diags_add(b->diags,
                      SKN_CODE_INPUT_TYPE,
                      b->tree->units[p->unit].span,
                      SKN_DIAG_ARGS(field->name,
                                    skn_pty_unit_name(b, p->unit),
                                    skn_slice_str(skn_field_type_name(field)),
                                    skn_slice_str(skn_field_type_name(given))));
    } else {
        nothing_gives(p, field);
    }
    return false;
}

/* Path by path: whoever has the key must give it in a type that fits; who has not leaves it to what is
 * outside. One good path is enough. */
static void check_name(const struct place *p, const struct skn_field *field)
{
    struct skn_pty *b = p->d->b;
    const struct skn_shape *shape = skn_shape_at(p->d, p->in);
    const struct skn_event_def *misfit = NULL;
    const struct skn_field *misfit_output = NULL;
    bool has_other_path = !p->piped || shape->may_be_null || shape->may_be_list || shape->is_run ||
                          shape->scalars != 0;
    if (p->piped && shape->is_anything) return;
    for (uint8_t i = 0; p->piped && i < shape->count; i++) {
        const struct skn_field *output = skn_shape_output(b, shape->events[i], field->name);
        if (output && fits(output, field)) return;
        if (!output) {
            has_other_path = true;
        } else if (!misfit) {
            misfit = &b->events[shape->events[i]];
            misfit_output = output;
        }
    }
    if (has_other_path && check_outside(p, field, misfit == NULL)) return;
    if (misfit) gives_as(p, field, misfit->name, misfit_output);
}

static void check_field(const struct place *p, const struct skn_field *field)
{
    if (is_given_by_option(p->d->b, p->unit, field->name)) return;
    bool is_whole = skn_slice_eq(field->name, SKN_LIT("previous")) ||
                    (p->has_item && skn_slice_eq(field->name, SKN_LIT("item"))) ||
                    (p->has_items && skn_slice_eq(field->name, SKN_LIT("items")));
    if (p->has_accumulator && skn_slice_eq(field->name, SKN_LIT("accumulator"))) return;
    if (is_whole)
        check_whole(p, field, p->in);
    else
        check_name(p, field);
}

/* Why what comes into a call is no list, or NULL when it may be one. */
static const char *why_no_list(const struct skn_flow_data *d, uint32_t id)
{
    const struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    const struct skn_shape *in = skn_shape_at(d, d->in[unit->step]);
    const struct skn_field list = {.type = SKN_TYPE_LIST, .required = true};
    if (!b->tree->steps[unit->step].piped) return "nothing is piped into it";
    if (!in->is_run) return skn_shape_misfit(b, in, &list);
    uint32_t lists = 0;
    for (uint32_t i = 0; i < b->graph->input_count; i++)
        if (b->graph->inputs[i].type == SKN_TYPE_LIST) lists++;
    if (lists == 1) return NULL;
    return lists == 0 ? "no @input is a list" : "more than one @input is a list";
}

static void check_list(const struct skn_flow_data *d, uint32_t id)
{
    struct skn_pty *b = d->b;
    if (is_given_by_option(b, id, SKN_LIT("over"))) return;
    const char *why = why_no_list(d, id);
    if (!why) return;
    skn_diags_add(b->diags,
                  b->project ? SKN_CODE_NO_LIST : SKN_CODE_LONE_NO_LIST,
                  b->tree->units[id].span,
                  SKN_DIAG_ARGS(skn_pty_unit_name(b, id),
                                skn_slice_str(why),
                                SKN_LIT("Pipe a list in with |->, or say over=\"@items.jsonl\".")));
}

/* What one child of a call is given: an item, whose shape is known where the list was made here. */
static struct place child_of(const struct skn_flow_data *d, uint32_t id, enum skn_call call)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    const struct skn_shape *in = skn_shape_at(d, d->in[unit->step]);
    bool is_known = d->b->tree->steps[unit->step].piped && in->may_be_list && !in->is_anything &&
                    !is_given_by_option(d->b, id, SKN_LIT("over"));
    bool has_size = is_given_by_option(d->b, id, SKN_LIT("size"));
    struct place p = {.d = d,
                      .unit = id,
                      .piped = true,
                      .in = is_known ? in->item : (uint32_t)SKN_SHAPE_ANYTHING,
                      .has_item = !has_size,
                      .has_items = has_size,
                      .has_accumulator = call == SKN_CALL_REDUCE};
    if (has_size) p.in = SKN_SHAPE_ANYTHING; /* a list of them: which has no keys, but may be any */
    return p;
}

static const struct skn_field *
input_of(const struct skn_pty *b, uint32_t unit, struct skn_slice name)
{
    uint32_t event = unit == SKN_GRAPH_NONE ? SKN_GRAPH_NONE : b->unit_event[unit];
    for (uint32_t i = 0; event != SKN_GRAPH_NONE && i < b->events[event].input_count; i++)
        if (skn_slice_eq(b->events[event].inputs[i].name, name)) return &b->events[event].inputs[i];
    return NULL;
}

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
        const struct skn_field *input = find_run_input(b, key);
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
    bool is_over_list = call == SKN_CALL_MAP || call == SKN_CALL_FILTER || call == SKN_CALL_REDUCE;
    bool is_piped = d->b->tree->steps[unit->step].piped;
    if (is_over_list) return skn_shape_at(d, child_of(d, id, call).in);
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
    const struct skn_field *wanted = input_of(b, unit, into);
    bool is_unit = unit != SKN_GRAPH_NONE;
    struct filler f = {0};
    bool is_previous = skn_slice_eq(name, SKN_LIT("previous"));
    struct skn_shape run = {.is_run = true};
    if (is_previous)
        fill_by_previous(&f, d, is_unit ? shape_into(d, unit) : &run, key_behind(b, span));
    bool is_hidden =
        is_previous || (is_unit && (fill_by_pipe(&f, b, shape_into(d, unit), name) ||
                                    skn_scopes_each(&d->scopes, unit, name, fill_by_variable, &f)));
    const struct skn_field *given = is_hidden ? NULL : find_run_input(b, name);
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

/* A result that may hold a secret is never kept for another run [F22]. */
static void check_cache(struct skn_pty *b, uint32_t id)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    uint32_t event = b->unit_event[id];
    if (event == SKN_GRAPH_NONE || !is_given_by_option(b, id, SKN_LIT("cache"))) return;
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

static void check_unit(const struct skn_flow_data *d, uint32_t id)
{
    struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    enum skn_call call = skn_pty_call(b->source, unit);
    if (unit->option_count > 0) {
        skn_pty_templates(b, id, check_template, (void *)(uintptr_t)d);
        check_cache(b, id);
    }
    bool is_over_list = call == SKN_CALL_MAP || call == SKN_CALL_FILTER || call == SKN_CALL_REDUCE;
    if (is_over_list) check_list(d, id);
    if (unit->kind != SKN_SYN_EVENT && !is_over_list) return;
    const struct skn_event_def *def = &b->events[b->unit_event[id]];
    struct place p = {
        .d = d, .unit = id, .piped = b->tree->steps[unit->step].piped, .in = d->in[unit->step]};
    if (is_over_list) p = child_of(d, id, call);
    for (uint32_t i = 0; i < def->input_count; i++)
        check_field(&p, &def->inputs[i]);
}

void skn_check_data(struct skn_pty *b)
{
    const struct skn_syntax *tree = b->tree;
    if (tree->steps[tree->step_count - 1].unit_count == 0) return; /* cut off at the limit */

    struct skn_flow_data d;
    skn_flow_data_init(&d, b);
    skn_check_scopes(b, &d.scopes);
    for (uint32_t id = 0; id < tree->unit_count; id++)
        check_unit(&d, id);
    skn_pty_templates(b, SKN_GRAPH_NONE, check_template, &d);
    skn_flow_data_fini(&d);
}
