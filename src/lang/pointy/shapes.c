/* shapes.c - what results are, and with it what `previous` can be on each path.
 *
 * A chain hands shapes on; going backwards over ids a result is known before what contains it, going
 * forwards what is piped in is known first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/data_internal.h"

#include "base/mem.h"
#include "lang/pointy/parse_internal.h"

#include "base/pure.h" /* last */

enum { SHAPES_MAX = 1 << 16 };

static bool same_shape(const struct skn_shape *a, const struct skn_shape *b)
{
    if (a->is_anything != b->is_anything || a->may_be_null != b->may_be_null ||
        a->may_be_list != b->may_be_list || a->is_run != b->is_run || a->scalars != b->scalars ||
        a->count != b->count || a->item != b->item)
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (a->events[i] != b->events[i]) return false;
    return true;
}

/* The number of a shape. */
static uint32_t number_of(struct skn_flow_data *d, const struct skn_shape *shape)
{
    if (shape->is_anything) return SKN_SHAPE_ANYTHING;
    uint32_t hash = (uint32_t)shape->may_be_null * 7 + (uint32_t)shape->may_be_list * 31 +
                    (uint32_t)shape->is_run * 101 + shape->scalars * UINT32_C(10007) + shape->item;
    for (uint8_t i = 0; i < shape->count; i++)
        hash = (hash ^ shape->events[i]) * UINT32_C(2654435761);
    uint32_t *recent = &d->recent[(hash >> 8) % SKN_ARRAY_LEN(d->recent)];
    if (*recent < d->shape_count && same_shape(&d->shapes[*recent], shape)) return *recent;
    if (d->shape_count == SHAPES_MAX) return SKN_SHAPE_ANYTHING;
    d->shapes = skn_parse_grow(d->shapes, d->shape_count, &d->shape_cap, sizeof(*d->shapes));
    d->shapes[d->shape_count] = *shape;
    *recent = d->shape_count;
    return d->shape_count++;
}

static void add_event(struct skn_shape *shape, uint32_t event)
{
    for (uint8_t i = 0; i < shape->count; i++)
        if (shape->events[i] == event) return;
    if (shape->count == SKN_GIVERS_MAX)
        shape->is_anything = true;
    else
        shape->events[shape->count++] = event;
}

static void add_shape(struct skn_shape *to, const struct skn_shape *from)
{
    if (from->may_be_list) {
        bool is_new = !to->may_be_list || to->item == from->item;
        to->item = is_new ? from->item : (uint32_t)SKN_SHAPE_ANYTHING;
    }
    to->is_anything = to->is_anything || from->is_anything;
    to->may_be_null = to->may_be_null || from->may_be_null;
    to->may_be_list = to->may_be_list || from->may_be_list;
    to->is_run = to->is_run || from->is_run;
    to->scalars |= from->scalars;
    for (uint8_t i = 0; i < from->count; i++)
        add_event(to, from->events[i]);
}

static uint32_t list_of(struct skn_flow_data *d, uint32_t item)
{
    return number_of(d, &(struct skn_shape){.may_be_list = true, .item = item});
}

static const struct skn_literal *
option_of(const struct skn_pty *b, const struct skn_syn_unit *unit, const char *name)
{
    for (uint32_t i = 0; i < unit->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[unit->first_option + i];
        if (skn_slice_eq(skn_slice_str(name), skn_pty_text(b, option->name)))
            return &b->tree->literals[option->literal];
    }
    return NULL;
}

/* In any case, as the older words may be written [F22]. */
static bool same_word(struct skn_slice a, struct skn_slice b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if ((a.ptr[i] | 0x20) != (b.ptr[i] | 0x20)) return false;
    return true;
}

/* Whether an `evaluate` lets a step or a MAP succeed though not all in it did [F14]. */
static bool is_lenient(const struct skn_pty *b, const struct skn_literal *evaluate)
{
    static const char *const strict[] = {
        "all", "none_failed", "ALL_MUST_SUCCEED", "NO_FAILURES_ALLOWED"};
    if (!evaluate || evaluate->kind != SKN_LITERAL_STRING) return false;
    struct skn_slice text = skn_pty_string_text(b, evaluate);
    for (size_t i = 0; i < SKN_ARRAY_LEN(strict); i++)
        if (same_word(text, skn_slice_str(strict[i]))) return false;
    return true;
}

/* A failed or cancelled unit leaves null at its place. */
static bool leaves_null(const struct skn_pty *b, uint32_t scope)
{
    if (b->tree->bodies[scope].kind != SKN_BODY_GROUP) return false;
    const struct skn_syn_unit *group = &b->tree->units[b->tree->bodies[scope].owner];
    return is_lenient(b, option_of(b, group, "evaluate")) ||
           is_lenient(b, option_of(b, group, "result_evaluation_strategy"));
}

/* Units beside each other give a list of what each of them gives. */
static uint32_t step_result(struct skn_flow_data *d, uint32_t step)
{
    const struct skn_syntax *tree = d->b->tree;
    const struct skn_syn_step *from = &tree->steps[step];
    if (from->unit_count == 1) return d->result[from->first_unit];
    struct skn_shape item = {.count = 0};
    for (uint32_t id = from->first_unit; id != SKN_GRAPH_NONE && !item.is_anything;
         id = tree->units[id].next)
        add_shape(&item, &d->shapes[d->result[id]]);
    if (leaves_null(d->b, skn_scope_of(tree, from->body))) item.may_be_null = true;
    return list_of(d, number_of(d, &item));
}

static uint32_t body_result(struct skn_flow_data *d, uint32_t body)
{
    return step_result(d, d->b->tree->bodies[body].last_step);
}

/* What an event gives when it succeeds. */
static uint32_t event_result(struct skn_flow_data *d, uint32_t event)
{
    const struct skn_event_def *def = &d->b->events[event];
    if (d->b->event_kinds[event] == SKN_NAME_BUILTIN) return SKN_SHAPE_NULL;
    if (d->b->event_kinds[event] == SKN_NAME_BUILTIN_LATER) return SKN_SHAPE_ANYTHING;
    if (def->kind != SKN_EVENT_EXEC || def->output_count == 0) return SKN_SHAPE_ANYTHING;
    struct skn_shape shape = {.count = 0};
    add_event(&shape, event);
    return number_of(d, &shape);
}

/* A failed item that may fail leaves null, or nothing [F17]. */
static uint32_t mapped(struct skn_flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    const struct skn_literal *on_failure = option_of(d->b, unit, "on_failure");
    bool drops = on_failure && on_failure->kind == SKN_LITERAL_STRING &&
                 skn_slice_eq(skn_pty_string_text(d->b, on_failure), SKN_LIT("drop"));
    bool may_fail = option_of(d->b, unit, "max_failures") ||
                    is_lenient(d->b, option_of(d->b, unit, "evaluate")) ||
                    is_lenient(d->b, option_of(d->b, unit, "result_evaluation_strategy"));
    uint32_t item = event_result(d, d->b->unit_event[id]);
    if (may_fail && !drops) {
        struct skn_shape shape = d->shapes[item];
        shape.may_be_null = true;
        item = number_of(d, &shape);
    }
    return list_of(d, item);
}

/* REDUCE gives what its last child gave; over an empty list `initial`, and without that the first
 * item, which can be anything. */
static uint32_t reduced(struct skn_flow_data *d, uint32_t id)
{
    static const uint8_t types[] = {[SKN_LITERAL_STRING] = 1 << SKN_TYPE_STRING,
                                    [SKN_LITERAL_INT] = 1 << SKN_TYPE_INT,
                                    [SKN_LITERAL_FLOAT] = 1 << SKN_TYPE_FLOAT,
                                    [SKN_LITERAL_BOOL] = 1 << SKN_TYPE_BOOL};
    const struct skn_literal *initial = option_of(d->b, &d->b->tree->units[id], "initial");
    uint32_t last = event_result(d, d->b->unit_event[id]); /* may move the table */
    struct skn_shape shape = d->shapes[last];
    if (!initial || shape.is_anything) return SKN_SHAPE_ANYTHING;
    if (initial->kind == SKN_LITERAL_LIST) {
        struct skn_shape list = {.may_be_list = true, .item = SKN_SHAPE_ANYTHING};
        add_shape(&shape, &list);
    } else if (initial->kind < SKN_ARRAY_LEN(types)) {
        shape.scalars |= types[initial->kind];
    } else {
        return SKN_SHAPE_ANYTHING;
    }
    return number_of(d, &shape);
}

static uint32_t own_result(struct skn_flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    if (unit->kind == SKN_SYN_BAD) return SKN_SHAPE_ANYTHING;
    if (unit->kind == SKN_SYN_GROUP) return body_result(d, unit->body);
    uint32_t event = d->b->unit_event[id];
    switch (skn_pty_call(d->b->source, unit)) {
    case SKN_CALL_MAP: return mapped(d, id);
    case SKN_CALL_FILTER: return list_of(d, SKN_SHAPE_ANYTHING); /* the items that came in */
    case SKN_CALL_REDUCE: return reduced(d, id);
    case SKN_CALL_FLOW: return SKN_SHAPE_ANYTHING;
    case SKN_CALL_NONE:
    default: return event_result(d, event);
    }
}

/* What a compensation is given as the result: of a child its own, null where nobody knows it. */
static uint32_t undone_result(struct skn_flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    enum skn_call call = skn_pty_call(d->b->source, unit);
    bool is_child = call != SKN_CALL_NONE && call != SKN_CALL_FLOW;
    uint32_t own = is_child ? event_result(d, d->b->unit_event[id]) : own_result(d, id);
    struct skn_shape shape = d->shapes[own];
    shape.may_be_null = true;
    return number_of(d, &shape);
}

static bool is_success(const struct skn_pty *b, const struct skn_syn_branch *branch)
{
    struct skn_slice text = skn_pty_text(b, branch->outcome);
    return skn_slice_eq(text, SKN_LIT("1")) || skn_slice_eq(text, SKN_LIT("success"));
}

static bool never_succeeds(const struct skn_pty *b, uint32_t id)
{
    return b->tree->units[id].kind == SKN_SYN_EVENT &&
           b->events[b->unit_event[id]].kind == SKN_EVENT_FAIL;
}

/* The union over the branches, and the unit's own where a success takes no branch. */
static void find_results(struct skn_flow_data *d)
{
    const struct skn_syntax *tree = d->b->tree;
    for (uint32_t id = tree->unit_count; id-- > 0;) {
        const struct skn_syn_unit *unit = &tree->units[id];
        uint32_t own = own_result(d, id);
        /* A failure that is handled goes on with the output of the failed attempt. */
        bool may_continue = skn_pty_continues(d->b, unit);
        d->result[id] = may_continue ? (uint32_t)SKN_SHAPE_ANYTHING : own;
        if (option_of(d->b, unit, "compensate")) {
            if (!d->undone)
                d->undone = skn_alloc_zero((size_t)tree->unit_count + 1, sizeof(*d->undone));
            d->undone[id] = undone_result(d, id);
        }
        if (unit->first_branch == SKN_GRAPH_NONE) continue;
        bool keeps_own = !never_succeeds(d->b, id) || may_continue;
        struct skn_shape shape = {.count = 0};
        for (uint32_t at = unit->first_branch; at != SKN_GRAPH_NONE; at = tree->branches[at].next) {
            uint32_t inside = body_result(d, tree->branches[at].body); /* may move the table */
            add_shape(&shape, &d->shapes[inside]);
            if (is_success(d->b, &tree->branches[at])) keeps_own = false;
        }
        if (keeps_own || may_continue) add_shape(&shape, &d->shapes[d->result[id]]);
        d->result[id] = number_of(d, &shape);
    }
}

/* What comes into every step. */
static void find_inputs(struct skn_flow_data *d)
{
    const struct skn_syntax *tree = d->b->tree;
    d->in[tree->bodies[0].first_step] = number_of(d, &(struct skn_shape){.is_run = true});
    for (uint32_t at = 0; at < tree->branch_count; at++) {
        const struct skn_syn_branch *branch = &tree->branches[at];
        if (!branch->piped) continue;
        /* A failed attempt may have put out anything. */
        d->in[tree->bodies[branch->body].first_step] =
            is_success(d->b, branch) ? own_result(d, branch->unit) : (uint32_t)SKN_SHAPE_ANYTHING;
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

void skn_flow_data_init(struct skn_flow_data *data, struct skn_pty *b)
{
    static const struct skn_shape known[] = {
        [SKN_SHAPE_NULL] = {.may_be_null = true}, [SKN_SHAPE_ANYTHING] = {.is_anything = true}};
    *data = (struct skn_flow_data){
        .b = b,
        .result = skn_alloc_zero(b->tree->unit_count + 1, sizeof(*data->result)),
        .in = skn_alloc_zero(b->tree->step_count, sizeof(*data->in))};
    for (uint32_t i = 0; i < SKN_SHAPE_FIRST_FREE; i++) {
        data->shapes = skn_parse_grow(data->shapes, i, &data->shape_cap, sizeof(*data->shapes));
        data->shapes[data->shape_count++] = known[i];
    }
    skn_scopes_init(&data->scopes, b);
    find_results(data);
    find_inputs(data);
}

void skn_flow_data_fini(struct skn_flow_data *data)
{
    skn_scopes_fini(&data->scopes);
    skn_free(data->shapes);
    skn_free(data->result);
    skn_free(data->in);
    skn_free(data->undone);
}

const struct skn_field *
skn_shape_output(const struct skn_pty *b, uint32_t event, struct skn_slice name)
{
    const struct skn_event_def *def = &b->events[event];
    for (uint32_t i = 0; i < def->output_count; i++)
        if (skn_slice_eq(name, def->outputs[i].name)) return &def->outputs[i];
    return NULL;
}

const char *skn_shape_misfit(const struct skn_pty *b,
                             const struct skn_shape *shape,
                             const struct skn_field *wanted)
{
    enum skn_type type = wanted->type;
    bool is_object = shape->is_run || shape->count > 0;
    if (type == SKN_TYPE_ANY || shape->is_anything) return NULL;
    if ((shape->may_be_null && !wanted->required) ||
        (shape->may_be_list && type == SKN_TYPE_LIST) || (is_object && type == SKN_TYPE_OBJECT) ||
        (shape->scalars >> type & 1) != 0 ||
        (type == SKN_TYPE_FLOAT && (shape->scalars >> SKN_TYPE_INT & 1) != 0))
        return NULL;
    if (shape->count > 0)
        return skn_arena_printf(
            b->arena, "%.*s gives an object", SKN_FMT(b->events[shape->events[0]].name));
    if (shape->is_run) return "the input of the run is an object";
    if (shape->may_be_list) return "a list is piped into it";
    return shape->scalars != 0 ? "a single value is piped into it" : "null is piped into it";
}
