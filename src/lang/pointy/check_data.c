/* check_data.c - whether every required input of every task has something that can give it [F19].
 *
 * A result's shape is what is known of its keys: nothing (anything may be in it), the outputs of
 * some events, or none at all (lists, null). A chain hands shapes on; going backwards over ids a
 * result is known before what contains it, going forwards what is piped in is known first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"
#include "lang/pointy/parse_internal.h"

#include "base/mem.h"

#include "base/pure.h" /* last */

/* More possible givers than this are taken as "anything": fewer errors, never a wrong one. */
enum { GIVERS_MAX = 4 };

struct shape {
    bool is_anything;
    bool may_be_list; /* of units beside each other, or of MAP and FILTER */
    bool is_run;      /* the run's own input */
    uint8_t count;
    uint32_t events[GIVERS_MAX]; /* whose outputs it may be */
};

/* Shapes stand in a table, and a unit has the number of its own: a text of a million units has few
 * different ones. What finds no room is "anything". */
enum { NOTHING, ANYTHING, LIST, FIRST_FREE };
enum { SHAPES_MAX = 1 << 16, RECENT = 1024 };

struct flow_data {
    struct skn_pty *b;
    struct shape *shapes;
    uint32_t shape_count, shape_cap;
    uint32_t recent[RECENT]; /* by hash: where an equal one may be */
    uint32_t *result;        /* of a unit, its branches included */
    uint32_t *in;            /* what is piped into a step */
};

static bool same_shape(const struct shape *a, const struct shape *b)
{
    if (a->is_anything != b->is_anything || a->may_be_list != b->may_be_list ||
        a->is_run != b->is_run || a->count != b->count)
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (a->events[i] != b->events[i]) return false;
    return true;
}

/* The number of a shape. */
static uint32_t number_of(struct flow_data *d, const struct shape *shape)
{
    uint32_t hash = (uint32_t)shape->is_anything * 7 + (uint32_t)shape->may_be_list * 31 +
                    (uint32_t)shape->is_run * 101;
    for (uint8_t i = 0; i < shape->count; i++)
        hash = (hash ^ shape->events[i]) * UINT32_C(2654435761);
    uint32_t *recent = &d->recent[(hash >> 8) % RECENT];
    if (*recent < d->shape_count && same_shape(&d->shapes[*recent], shape)) return *recent;
    if (d->shape_count == SHAPES_MAX) return ANYTHING;
    d->shapes = skn_parse_grow(d->shapes, d->shape_count, &d->shape_cap, sizeof(*d->shapes));
    d->shapes[d->shape_count] = *shape;
    *recent = d->shape_count;
    return d->shape_count++;
}

static void add_event(struct shape *shape, uint32_t event)
{
    for (uint8_t i = 0; i < shape->count; i++)
        if (shape->events[i] == event) return;
    if (shape->count == GIVERS_MAX) {
        shape->is_anything = true;
    } else {
        shape->events[shape->count++] = event;
    }
}

static void add_shape(struct shape *to, const struct shape *from)
{
    to->is_anything = to->is_anything || from->is_anything;
    to->may_be_list = to->may_be_list || from->may_be_list;
    to->is_run = to->is_run || from->is_run;
    for (uint8_t i = 0; i < from->count; i++)
        add_event(to, from->events[i]);
}

static uint32_t step_result(const struct flow_data *d, uint32_t step)
{
    const struct skn_syn_step *from = &d->b->tree->steps[step];
    return from->unit_count == 1 ? d->result[from->first_unit] : LIST;
}

static uint32_t body_result(const struct flow_data *d, uint32_t body)
{
    return step_result(d, d->b->tree->bodies[body].last_step);
}

static uint32_t own_result(struct flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    if (unit->kind == SKN_SYN_GROUP) return body_result(d, unit->body);
    enum skn_call call = skn_pty_call(d->b->source, unit);
    if (call == SKN_CALL_MAP || call == SKN_CALL_FILTER) return LIST;
    if (call == SKN_CALL_FLOW || unit->kind == SKN_SYN_BAD) return ANYTHING;
    uint32_t event = d->b->unit_event[id];
    const struct skn_event_def *def = &d->b->events[event];
    if (d->b->event_kinds[event] == SKN_NAME_BUILTIN) return NOTHING;
    if (d->b->event_kinds[event] == SKN_NAME_BUILTIN_LATER) return ANYTHING;
    if (def->kind != SKN_EVENT_EXEC || def->output_count == 0) return ANYTHING;
    struct shape shape = {.count = 0};
    add_event(&shape, event);
    return number_of(d, &shape);
}

static bool is_success(const struct skn_pty *b, const struct skn_syn_branch *branch)
{
    struct skn_slice text = skn_pty_text(b, branch->outcome);
    return skn_slice_eq(text, SKN_LIT("1")) || skn_slice_eq(text, SKN_LIT("success"));
}

static void find_results(struct flow_data *d)
{
    const struct skn_syntax *tree = d->b->tree;
    for (uint32_t id = tree->unit_count; id-- > 0;) {
        uint32_t own = own_result(d, id);
        d->result[id] = own;
        if (tree->units[id].first_branch == SKN_GRAPH_NONE) continue;
        bool keeps_own = true;
        struct shape shape = {.count = 0};
        for (uint32_t at = tree->units[id].first_branch; at != SKN_GRAPH_NONE;
             at = tree->branches[at].next) {
            add_shape(&shape, &d->shapes[body_result(d, tree->branches[at].body)]);
            if (is_success(d->b, &tree->branches[at])) keeps_own = false;
        }
        if (keeps_own) add_shape(&shape, &d->shapes[own]);
        d->result[id] = number_of(d, &shape);
    }
}

/* What comes into every step. The run's own input has the names of @input, which are looked up
 * on their own. */
static void find_inputs(struct flow_data *d)
{
    const struct skn_syntax *tree = d->b->tree;
    struct shape run = {.is_run = true};
    d->in[tree->bodies[0].first_step] = number_of(d, &run);
    for (uint32_t at = 0; at < tree->branch_count; at++) {
        const struct skn_syn_branch *branch = &tree->branches[at];
        if (!branch->piped) continue;
        /* A failed attempt may have put out anything. */
        d->in[tree->bodies[branch->body].first_step] =
            is_success(d->b, branch) ? own_result(d, branch->unit) : ANYTHING;
    }
    for (uint32_t step = 0; step < tree->step_count; step++) {
        uint32_t next = tree->steps[step].next;
        if (next != SKN_GRAPH_NONE && tree->steps[next].piped) d->in[next] = step_result(d, step);
        for (uint32_t id = tree->steps[step].first_unit; id != SKN_GRAPH_NONE;
             id = tree->units[id].next) {
            if (tree->units[id].kind != SKN_SYN_GROUP) continue;
            d->in[tree->bodies[tree->units[id].body].first_step] = d->in[step];
        }
    }
}

static bool is_in_shape(const struct flow_data *d, const struct shape *shape, struct skn_slice name)
{
    if (shape->is_anything) return true;
    for (uint8_t i = 0; i < shape->count; i++) {
        const struct skn_event_def *def = &d->b->events[shape->events[i]];
        for (uint32_t j = 0; j < def->output_count; j++)
            if (skn_slice_eq(name, def->outputs[j].name)) return true;
    }
    return false;
}

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

static void check_field(const struct flow_data *d, uint32_t id, const struct skn_field *field)
{
    struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    struct skn_slice event = skn_pty_text(b, skn_syn_event_of(b->source, unit).name);
    if (is_given_by_option(b, id, field->name)) return;
    bool piped = b->tree->steps[unit->step].piped;
    if (skn_slice_eq(field->name, SKN_LIT("previous"))) {
        if (!piped && field->required)
            skn_diags_add(b->diags, SKN_CODE_NOTHING_PIPED, unit->span, SKN_DIAG_ARGS(event));
        return;
    }
    if (piped && is_in_shape(d, &d->shapes[d->in[unit->step]], field->name)) return;

    const struct skn_field *given = find_run_input(b, field->name);
    if (given && !fits(given, field)) {
        skn_diags_add(b->diags,
                      SKN_CODE_INPUT_TYPE,
                      unit->span,
                      SKN_DIAG_ARGS(field->name,
                                    event,
                                    skn_slice_str(skn_field_type_name(field)),
                                    skn_slice_str(skn_field_type_name(given))));
    } else if (!given && field->required) {
        const char *hint =
            skn_arena_printf(b->arena,
                             "Declare @input: %.*s: %s, or pipe in a result that has it.",
                             SKN_FMT(field->name),
                             skn_field_type_name(field));
        skn_diags_add(b->diags,
                      SKN_CODE_NO_GIVER,
                      unit->span,
                      SKN_DIAG_ARGS(event, field->name, skn_slice_str(hint)));
    }
}

/* Why what comes into a call is no list, or NULL when it may be one. */
static const char *why_no_list(const struct flow_data *d, uint32_t id)
{
    const struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    const struct shape *in = &d->shapes[d->in[unit->step]];
    if (!b->tree->steps[unit->step].piped) return "nothing is piped into it";
    if (in->is_anything || in->may_be_list) return NULL;
    if (in->count > 0)
        return skn_arena_printf(
            b->arena, "%.*s gives an object", SKN_FMT(b->events[in->events[0]].name));
    if (!in->is_run) return "null is piped into it";
    uint32_t lists = 0;
    for (uint32_t i = 0; i < b->graph->input_count; i++)
        if (b->graph->inputs[i].type == SKN_TYPE_LIST) lists++;
    if (lists == 1) return NULL;
    return lists == 0 ? "no @input is a list" : "more than one @input is a list";
}

static void check_list(const struct flow_data *d, uint32_t id)
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

/* Some unit exports a variable of this name; where it is seen is the engine's part. */
static bool is_exported(const struct skn_pty *b, struct skn_slice name)
{
    for (uint32_t event = 0; event < b->graph->event_count; event++) {
        const struct skn_event_def *def = &b->events[event];
        for (uint32_t i = 0; i < def->export_count; i++)
            if (skn_slice_eq(def->exports[i], name)) return true;
        if (skn_slice_eq(def->name, SKN_LIT("Set"))) return true;
    }
    return false;
}

static const struct skn_field *
input_of(const struct skn_pty *b, uint32_t unit, struct skn_slice name)
{
    uint32_t event = unit == SKN_GRAPH_NONE ? SKN_GRAPH_NONE : b->unit_event[unit];
    for (uint32_t i = 0; event != SKN_GRAPH_NONE && i < b->events[event].input_count; i++)
        if (skn_slice_eq(b->events[event].inputs[i].name, name)) return &b->events[event].inputs[i];
    return NULL;
}

/* "${name}" in the option of a unit, or in @concurrency-key. */
static void check_template(void *ctx, uint32_t unit, struct skn_span option, struct skn_span span)
{
    const struct flow_data *d = ctx;
    struct skn_pty *b = d->b;
    struct skn_slice name = skn_pty_text(b, span);
    struct skn_slice into = skn_pty_text(b, option);
    const struct skn_field *given = find_run_input(b, name);
    const struct skn_field *wanted = input_of(b, unit, into);
    if (unit != SKN_GRAPH_NONE && b->tree->steps[b->tree->units[unit].step].piped &&
        is_in_shape(d, &d->shapes[d->in[b->tree->units[unit].step]], name))
        return;
    if (given && given->mark == SKN_FIELD_SECRET && !(wanted && wanted->mark == SKN_FIELD_SECRET)) {
        skn_diags_add(b->diags, SKN_CODE_SECRET_LEAVES, span, SKN_DIAG_ARGS(name, into));
        return;
    }
    bool is_child = unit != SKN_GRAPH_NONE && b->tree->units[unit].kind == SKN_SYN_CALL;
    if (given || !b->project || is_child || skn_slice_eq(name, SKN_LIT("previous"))) return;
    if (is_exported(b, name)) return;
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

static void check_unit(const struct flow_data *d, uint32_t id)
{
    struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    enum skn_call call = skn_pty_call(b->source, unit);
    if (unit->option_count > 0) {
        skn_pty_templates(b, id, check_template, (void *)(uintptr_t)d);
        check_cache(b, id);
    }
    if (call == SKN_CALL_MAP || call == SKN_CALL_FILTER || call == SKN_CALL_REDUCE)
        check_list(d, id);
    if (unit->kind != SKN_SYN_EVENT) return;
    const struct skn_event_def *def = &b->events[b->unit_event[id]];
    for (uint32_t i = 0; i < def->input_count; i++)
        check_field(d, id, &def->inputs[i]);
}

void skn_check_data(struct skn_pty *b)
{
    const struct skn_syntax *tree = b->tree;
    if (tree->steps[tree->step_count - 1].unit_count == 0) return; /* cut off at the limit */

    static const struct shape known[] = {[NOTHING] = {.count = 0},
                                         [ANYTHING] = {.is_anything = true},
                                         [LIST] = {.may_be_list = true}};
    struct flow_data d = {.b = b,
                          .result = skn_alloc_zero(tree->unit_count + 1, sizeof(*d.result)),
                          .in = skn_alloc_zero(tree->step_count, sizeof(*d.in))};
    for (uint32_t i = 0; i < FIRST_FREE; i++) {
        d.shapes = skn_parse_grow(d.shapes, i, &d.shape_cap, sizeof(*d.shapes));
        d.shapes[d.shape_count++] = known[i];
    }
    find_results(&d);
    find_inputs(&d);
    for (uint32_t id = 0; id < tree->unit_count; id++)
        check_unit(&d, id);
    skn_pty_templates(b, SKN_GRAPH_NONE, check_template, &d);
    skn_free(d.shapes);
    skn_free(d.result);
    skn_free(d.in);
}
