/* check_data.c - whether every required input of every task has something that can give it [F19].
 *
 * A result's shape is what is known of its keys: nothing (anything may be in it), the outputs of
 * some events, or none at all (lists, null). A chain hands shapes on; going backwards over ids a
 * result is known before what contains it, going forwards what is piped in is known first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"

#include "base/mem.h"

#include "base/pure.h" /* last */

/* More possible givers than this are taken as "anything": fewer errors, never a wrong one. */
enum { GIVERS_MAX = 4 };

struct shape {
    bool is_anything;
    uint8_t count;
    uint32_t events[GIVERS_MAX]; /* whose outputs it may be */
};

static const struct shape nothing = {.is_anything = false};
static const struct shape anything = {.is_anything = true};

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
    if (from->is_anything) to->is_anything = true;
    for (uint8_t i = 0; i < from->count; i++)
        add_event(to, from->events[i]);
}

struct flow_data {
    struct skn_pty *b;
    struct shape *result; /* of a unit, its branches included */
    struct shape *own;    /* of a unit, without them */
    struct shape *in;     /* what is piped into a step */
};

static struct shape body_result(const struct flow_data *d, uint32_t body)
{
    const struct skn_syn_step *last = &d->b->tree->steps[d->b->tree->bodies[body].last_step];
    return last->unit_count == 1 ? d->result[last->first_unit] : nothing;
}

static struct shape own_result(const struct flow_data *d, uint32_t id)
{
    const struct skn_syn_unit *unit = &d->b->tree->units[id];
    if (unit->kind == SKN_SYN_GROUP) return body_result(d, unit->body);
    if (unit->kind != SKN_SYN_EVENT) return anything;
    uint32_t event = d->b->units[id].event;
    const struct skn_event_def *def = &d->b->events[event];
    if (d->b->event_kinds[event] == SKN_NAME_BUILTIN) return nothing;
    if (def->kind != SKN_EVENT_EXEC || def->output_count == 0) return anything;
    struct shape shape = nothing;
    add_event(&shape, event);
    return shape;
}

static bool is_success(const struct skn_pty *b, const struct skn_syn_branch *branch)
{
    struct skn_slice text = skn_pty_text(b, branch->outcome);
    return skn_slice_eq(text, SKN_LIT("1")) || skn_slice_eq(text, SKN_LIT("success"));
}

static void find_results(const struct flow_data *d)
{
    const struct skn_syntax *tree = d->b->tree;
    for (uint32_t id = tree->unit_count; id-- > 0;) {
        d->own[id] = own_result(d, id);
        bool keeps_own = true;
        struct shape shape = nothing;
        for (uint32_t at = tree->units[id].first_branch; at != SKN_GRAPH_NONE;
             at = tree->branches[at].next) {
            struct shape body = body_result(d, tree->branches[at].body);
            add_shape(&shape, &body);
            if (is_success(d->b, &tree->branches[at])) keeps_own = false;
        }
        if (keeps_own) add_shape(&shape, &d->own[id]);
        d->result[id] = shape;
    }
}

static struct shape step_result(const struct flow_data *d, uint32_t step)
{
    const struct skn_syn_step *from = &d->b->tree->steps[step];
    return from->unit_count == 1 ? d->result[from->first_unit] : nothing;
}

/* What comes into every step. The run's own input has the names of @input, which are looked up
 * on their own. */
static void find_inputs(const struct flow_data *d)
{
    const struct skn_syntax *tree = d->b->tree;
    for (uint32_t at = 0; at < tree->branch_count; at++) {
        const struct skn_syn_branch *branch = &tree->branches[at];
        if (!branch->piped) continue;
        /* A failed attempt may have put out anything. */
        d->in[tree->bodies[branch->body].first_step] =
            is_success(d->b, branch) ? d->own[branch->unit] : anything;
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

static bool fits(enum skn_type given, enum skn_type wanted)
{
    return given == wanted || given == SKN_TYPE_ANY || wanted == SKN_TYPE_ANY ||
           (given == SKN_TYPE_INT && wanted == SKN_TYPE_FLOAT);
}

static void check_field(const struct flow_data *d, uint32_t id, const struct skn_field *field)
{
    struct skn_pty *b = d->b;
    const struct skn_syn_unit *unit = &b->tree->units[id];
    struct skn_slice event = skn_pty_text(b, unit->event.name);
    if (is_given_by_option(b, id, field->name)) return;
    bool piped = b->tree->steps[unit->step].piped;
    if (skn_slice_eq(field->name, SKN_LIT("previous"))) {
        if (!piped && field->required)
            skn_diags_add(b->diags, SKN_CODE_NOTHING_PIPED, unit->span, SKN_DIAG_ARGS(event));
        return;
    }
    if (piped && is_in_shape(d, &d->in[unit->step], field->name)) return;

    const struct skn_field *given = find_run_input(b, field->name);
    if (given && !fits(given->type, field->type)) {
        skn_diags_add(b->diags,
                      SKN_CODE_INPUT_TYPE,
                      unit->span,
                      SKN_DIAG_ARGS(field->name,
                                    event,
                                    skn_slice_str(skn_type_name(field->type)),
                                    skn_slice_str(skn_type_name(given->type))));
    } else if (!given && field->required) {
        const char *hint =
            skn_arena_printf(b->arena,
                             "Declare @input: %.*s: %s, or pipe in a result that has it.",
                             SKN_FMT(field->name),
                             skn_type_name(field->type));
        skn_diags_add(b->diags,
                      SKN_CODE_NO_GIVER,
                      unit->span,
                      SKN_DIAG_ARGS(event, field->name, skn_slice_str(hint)));
    }
}

void skn_check_data(struct skn_pty *b)
{
    const struct skn_syntax *tree = b->tree;
    if (!b->project) return; /* nothing is known of any event */
    if (tree->steps[tree->step_count - 1].unit_count == 0) return; /* cut off at the limit */

    struct flow_data d = {.b = b,
                          .result = skn_alloc_zero(tree->unit_count + 1, sizeof(*d.result)),
                          .own = skn_alloc_zero(tree->unit_count + 1, sizeof(*d.own)),
                          .in = skn_alloc_zero(tree->step_count, sizeof(*d.in))};
    find_results(&d);
    find_inputs(&d);
    for (uint32_t id = 0; id < tree->unit_count; id++) {
        if (tree->units[id].kind != SKN_SYN_EVENT) continue;
        const struct skn_event_def *def = &b->events[b->units[id].event];
        for (uint32_t i = 0; i < def->input_count; i++)
            check_field(&d, id, &def->inputs[i]);
    }
    skn_free(d.result);
    skn_free(d.own);
    skn_free(d.in);
}
