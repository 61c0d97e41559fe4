/* check_data.c - whether every required input of every task has something that can give it, of a type
 * that fits, on some path at least [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/taker_internal.h"

#include "base/pure.h" /* last */

bool skn_pty_has_option(const struct skn_pty *b, uint32_t id, struct skn_slice name)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    for (uint32_t i = 0; i < unit->option_count; i++) {
        struct skn_span at = b->tree->options[unit->first_option + i].name;
        if (skn_slice_eq(name, skn_pty_text(b, at))) return true;
    }
    return false;
}

const struct skn_field *skn_pty_run_input(const struct skn_pty *b, struct skn_slice name)
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

static void
wrong_type(const struct skn_taker *p, const struct skn_field *field, struct skn_slice what)
{
    struct skn_pty *b = p->d->b;
    skn_diags_add(
        b->diags,
        SKN_CODE_PIPED_TYPE,
        p->span,
        SKN_DIAG_ARGS(field->name, p->who, skn_slice_str(skn_field_type_name(field)), what));
}

static void nothing_gives(const struct skn_taker *p, const struct skn_field *field)
{
    struct skn_pty *b = p->d->b;
    const char *hint =
        skn_arena_printf(b->arena,
                         "Declare @input: %.*s: %s, or pipe in a result that has it.",
                         SKN_FMT(field->name),
                         skn_field_type_name(field));
    skn_diags_add(b->diags,
                  SKN_CODE_NO_GIVER,
                  p->span,
                  SKN_DIAG_ARGS(p->who, field->name, skn_slice_str(hint)));
}

/* The piped value whole, under one of its names. */
static void check_whole(const struct skn_taker *p, const struct skn_field *field, uint32_t in)
{
    struct skn_pty *b = p->d->b;
    if (!p->piped) {
        if (field->required)
            skn_diags_add(b->diags, SKN_CODE_NOTHING_PIPED, p->span, SKN_DIAG_ARGS(p->who));
        return;
    }
    const char *what = skn_shape_misfit(b, skn_shape_at(p->d, in), field);
    if (what) wrong_type(p, field, skn_slice_str(what));
}

/* Somebody gives it, in a type that does not fit. */
static void gives_as(const struct skn_taker *p,
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
static bool check_outside(const struct skn_taker *p, const struct skn_field *field, bool is_said)
{
    struct skn_pty *b = p->d->b;
    struct search s = {.field = field};
    bool is_hidden = p->unit == SKN_GRAPH_NONE
                         ? skn_scopes_all(&p->d->scopes, field->name, try_variable, &s)
                         : skn_scopes_each(&p->d->scopes, p->unit, field->name, try_variable, &s);
    const struct skn_field *given = is_hidden ? NULL : skn_pty_run_input(b, field->name);
    if (s.is_met || (given && fits(given, field))) return true;
    if (!is_hidden && !given && !field->required) return true;
    if (!is_said) return false;
    if (s.misfit.field) {
        gives_as(p, field, skn_pty_unit_name(b, s.misfit.unit), s.misfit.field);
    } else if (given) {
        skn_diags_add(b->diags,
                      SKN_CODE_INPUT_TYPE,
                      p->span,
                      SKN_DIAG_ARGS(field->name,
                                    p->who,
                                    skn_slice_str(skn_field_type_name(field)),
                                    skn_slice_str(skn_field_type_name(given))));
    } else {
        nothing_gives(p, field);
    }
    return false;
}

/* Path by path: whoever has the key must give it in a type that fits; who has not leaves it to what is
 * outside. One good path is enough. */
static void check_name(const struct skn_taker *p, const struct skn_field *field)
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

static void check_field(const struct skn_taker *p, const struct skn_field *field)
{
    if (skn_pty_has_option(p->d->b, p->unit, field->name)) return;
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
    if (skn_pty_has_option(b, id, SKN_LIT("over"))) return;
    const char *why = why_no_list(d, id);
    if (!why) return;
    skn_diags_add(b->diags,
                  b->project ? SKN_CODE_NO_LIST : SKN_CODE_LONE_NO_LIST,
                  b->tree->units[id].span,
                  SKN_DIAG_ARGS(skn_pty_unit_name(b, id),
                                skn_slice_str(why),
                                SKN_LIT("Pipe a list in with |->, or say over=\"@items.jsonl\".")));
}

struct skn_taker skn_place_child(const struct skn_flow_data *d, uint32_t id, enum skn_call call)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    const struct skn_shape *in = skn_shape_at(d, d->in[unit->step]);
    bool is_known = d->b->tree->steps[unit->step].piped && in->may_be_list && !in->is_anything &&
                    !skn_pty_has_option(d->b, id, SKN_LIT("over"));
    bool has_size = skn_pty_has_option(d->b, id, SKN_LIT("size"));
    struct skn_taker p = {.d = d,
                          .unit = id,
                          .who = skn_pty_unit_name(d->b, id),
                          .span = unit->span,
                          .piped = true,
                          .in = is_known ? in->item : (uint32_t)SKN_SHAPE_ANYTHING,
                          .has_item = !has_size,
                          .has_items = has_size,
                          .has_accumulator = call == SKN_CALL_REDUCE};
    if (has_size) p.in = SKN_SHAPE_ANYTHING; /* a list of them: which has no keys, but may be any */
    return p;
}

const struct skn_field *
skn_pty_input_of(const struct skn_pty *b, uint32_t unit, struct skn_slice name)
{
    uint32_t event = unit == SKN_GRAPH_NONE ? SKN_GRAPH_NONE : b->unit_event[unit];
    for (uint32_t i = 0; event != SKN_GRAPH_NONE && i < b->events[event].input_count; i++)
        if (skn_slice_eq(b->events[event].inputs[i].name, name)) return &b->events[event].inputs[i];
    return NULL;
}

bool skn_call_is_over_list(enum skn_call call)
{
    return call == SKN_CALL_MAP || call == SKN_CALL_FILTER || call == SKN_CALL_REDUCE;
}

static struct skn_taker place_of(const struct skn_flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    return (struct skn_taker){.d = d,
                              .unit = id,
                              .who = skn_pty_unit_name(d->b, id),
                              .span = unit->span,
                              .piped = d->b->tree->steps[unit->step].piped,
                              .in = d->in[unit->step]};
}

/* Whether something in a shape may give a field, as it is or under its name. */
static bool may_give(const struct skn_flow_data *d, uint32_t in, const struct skn_field *field)
{
    const struct skn_shape *shape = skn_shape_at(d, in);
    for (uint8_t i = 0; !shape->is_anything && i < shape->count; i++) {
        const struct skn_field *output = skn_shape_output(d->b, shape->events[i], field->name);
        if (output && fits(output, field)) return true;
    }
    return shape->is_anything;
}

/* A compensation is given the result of its unit, which is null when nobody knows it, then what the unit
 * was given, then what the unit could have found [F21]. */
static void check_undoing(const struct skn_taker *p, const struct skn_field *field)
{
    const struct skn_pty *b = p->d->b;
    const struct skn_syn_unit *unit = &b->tree->units[p->unit];
    if (skn_slice_eq(field->name, SKN_LIT("previous"))) {
        check_whole(p, field, p->in);
        return;
    }
    const struct skn_field *own = skn_pty_input_of(b, p->unit, field->name);
    bool is_over_list = skn_call_is_over_list(skn_pty_call(b->source, unit));
    if (may_give(p->d, p->in, field) || (own && fits(own, field))) return;
    if (!own && skn_pty_has_option(b, p->unit, field->name)) return;
    if (b->tree->steps[unit->step].piped &&
        (is_over_list || may_give(p->d, p->d->in[unit->step], field)))
        return;
    if (own)
        gives_as(p, field, skn_pty_unit_name(p->d->b, p->unit), own);
    else
        (void)check_outside(p, field, true);
}

static void check_compensation(const struct skn_flow_data *d, uint32_t id)
{
    bool is_given;
    const struct skn_event_def *def = skn_pty_compensation(d->b, id, &is_given);
    if (!def) return; /* reported */
    struct skn_taker p = place_of(d, id);
    p.who = def->name;
    p.span = skn_pty_compensation_at(d->b, id);
    p.piped = true;
    p.in = d->undone[id];
    for (uint32_t i = 0; i < def->input_count; i++)
        check_undoing(&p, &def->inputs[i]);
}

/* The event of @on-failure stands behind the whole flow: any variable of the run may be set. `previous`
 * is what the run failed with. */
static void check_on_failure(const struct skn_flow_data *d)
{
    const struct skn_pty *b = d->b;
    const struct skn_event_def *def = skn_pty_on_failure(b);
    for (uint32_t i = 0; def && i < def->input_count; i++) {
        const struct skn_field *field = &def->inputs[i];
        if (skn_slice_eq(field->name, SKN_LIT("previous"))) continue;
        struct skn_taker p = {
            .d = d, .unit = SKN_GRAPH_NONE, .who = def->name, .span = b->tree->on_failure.name};
        (void)check_outside(&p, field, true);
    }
}

static void check_unit(const struct skn_flow_data *d, uint32_t id)
{
    struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    enum skn_call call = skn_pty_call(b->source, unit);
    bool is_over_list = skn_call_is_over_list(call);
    if (unit->option_count > 0) {
        skn_check_templates(d, id);
        skn_check_cache(b, id);
        check_compensation(d, id);
    }
    if (is_over_list) check_list(d, id);
    if (unit->kind != SKN_SYN_EVENT && unit->kind != SKN_SYN_CALL) return;
    const struct skn_event_def *def = &b->events[b->unit_event[id]];
    struct skn_taker p = is_over_list ? skn_place_child(d, id, call) : place_of(d, id);
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
    skn_check_templates(&d, SKN_GRAPH_NONE);
    check_on_failure(&d);
    skn_flow_data_fini(&d);
}
