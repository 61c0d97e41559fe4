/* data.c - what a task gets and what a step gives [F11] [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_internal.h"

struct skn_value data_value(struct walk *w, struct skn_slice key)
{
    struct flow_key row_key;
    struct skn_slice bytes;
    flow_key(&row_key, 'V', key);
    if (skn_cx_get(w->cx, flow_key_slice(&row_key), &bytes) != SKN_OK) return skn_value_none();
    return skn_value_view(bytes);
}

void data_put_value(struct walk *w, struct skn_slice key, struct skn_value value)
{
    struct flow_key row_key;
    flow_key(&row_key, 'V', key);
    skn_cx_put_value(w->cx, flow_key_slice(&row_key), value);
}

static struct skn_value unit_value(struct walk *w, struct skn_slice body_key, uint32_t unit)
{
    struct flow_key key;
    if (!flow_key_child(&key, body_key, unit, 0)) return skn_value_none();
    return data_value(w, flow_key_slice(&key));
}

/* A failed or cancelled unit leaves null at its place [F14]. */
static struct skn_value listed_value(struct walk *w, struct skn_slice body_key, uint32_t unit)
{
    struct flow_key key;
    struct ctx_row ctx;
    bool is_there = flow_key_child(&key, body_key, unit, 0) &&
                    ctx_get(w, flow_key_slice(&key), &ctx) && ctx.status == CTX_SUCCEEDED;
    return is_there ? data_value(w, flow_key_slice(&key)) : skn_value_none();
}

/* A value built in the slice's arena. */
static struct skn_value built(struct walk *w, struct skn_builder *b, struct skn_buf *out)
{
    if (skn_build_end(b, NULL) != SKN_OK) return skn_value_none();
    return skn_value_view(skn_arena_dup(w->arena, skn_buf_slice(out)));
}

bool data_step_result(struct walk *w,
                      struct skn_slice body_key,
                      uint32_t step,
                      struct skn_value *out_result)
{
    const struct skn_graph_step *s = &w->graph->steps[step];
    if (s->unit_count == 1) {
        *out_result = unit_value(w, body_key, s->first_unit);
        return true;
    }
    struct skn_buf *out = skn_cx_scratch(w->cx);
    struct skn_builder *b = skn_arena_alloc(w->arena, sizeof *b);
    skn_builder_init(b, out);
    skn_build_list_begin(b);
    for (uint32_t unit = s->first_unit; unit != SKN_GRAPH_NONE; unit = w->graph->units[unit].next)
        skn_build_value(b, listed_value(w, body_key, unit));
    skn_build_list_end(b);
    *out_result = built(w, b, out);
    return skn_value_is(*out_result, SKN_T_LIST) && skn_value_size(*out_result) <= SKN_ROW_MAX;
}

static struct skn_value run_inputs(struct walk *w)
{
    struct skn_slice bytes;
    struct skn_value inputs = skn_value_none();
    if (skn_cx_get(w->cx, SKN_LIT("M"), &bytes) != SKN_OK) return inputs;
    (void)skn_map_get(skn_value_view(bytes), SKN_LIT("inputs"), &inputs);
    return inputs;
}

const uint32_t *data_steps_before(struct skn_arena *arena, const struct skn_graph *graph)
{
    uint32_t *before = skn_arena_alloc(arena, graph->step_count * sizeof *before);
    for (uint32_t i = 0; i < graph->step_count; i++)
        before[i] = SKN_GRAPH_NONE;
    for (uint32_t i = 0; i < graph->step_count; i++)
        if (graph->steps[i].next != SKN_GRAPH_NONE) before[graph->steps[i].next] = i;
    return before;
}

/* What is piped into a step. Outward until somebody gives: the first step of a group gets what its
 * group gets. */
static struct skn_value
data_piped(struct walk *w, struct skn_slice body_key, uint32_t step, bool *out_has, bool *out_fits)
{
    struct skn_value result = skn_value_none();
    *out_fits = true;
    for (;;) {
        const struct skn_graph_step *s = &w->graph->steps[step];
        const struct skn_graph_body *body = &w->graph->bodies[s->body];
        *out_has = s->piped;
        if (!s->piped) return skn_value_none();
        uint32_t before = w->before[step];
        if (before != SKN_GRAPH_NONE) {
            *out_fits = data_step_result(w, body_key, before, &result);
            return *out_fits ? result : skn_value_none();
        }
        if (body->kind == SKN_BODY_RUN) return run_inputs(w);
        struct skn_slice outer = skn_slice(body_key.ptr, flow_key_parent_len(body_key));
        if (body->kind == SKN_BODY_BRANCH) return unit_value(w, outer, body->owner);
        step = w->graph->units[body->owner].step;
        body_key = outer;
    }
}

static bool fits(struct skn_value v, const struct skn_field *field)
{
    if (skn_type_fits(field->type, v)) return true;
    return skn_value_is(v, SKN_T_NONE) && !field->required;
}

/* The words of an input [F31]: "input /items/3/price: must be at most 100". */
static bool words_fit(struct walk *w,
                      const struct skn_field *field,
                      struct skn_value value,
                      struct skn_slice *out_reason)
{
    struct skn_buf why;
    skn_buf_init(&why, 1 << 16);
    bool fits = skn_field_fits(field, value, &why);
    if (!fits)
        *out_reason = skn_slice_str(skn_arena_printf(w->arena, "input %s", skn_buf_str(&why)));
    skn_buf_fini(&why);
    return fits;
}

struct given {
    struct walk *w;
    const struct skn_graph_unit *unit;
    struct skn_value piped, inputs;
    bool has_piped;
};

/* Whether an input of the task is an input of the run, as the flow was compiled: no variables yet. */
static bool is_bound(const struct given *g, uint32_t input)
{
    uint32_t count;
    uint32_t unit = (uint32_t)(g->unit - g->w->graph->units);
    (void)skn_graph_binds_of(g->w->graph, unit, input, &count);
    return count > 0 && skn_value_is(g->inputs, SKN_T_MAP);
}

/* The first of the places of [F19] that has the name. */
static bool look_up(const struct given *g, uint32_t input, struct skn_value *out)
{
    const struct skn_field *field = &g->w->graph->events[g->unit->event].inputs[input];
    for (uint32_t i = 0; i < g->unit->value_count; i++) {
        const struct skn_graph_value *value = &g->w->graph->values[g->unit->first_value + i];
        if (!skn_slice_eq(value->name, field->name)) continue;
        *out = skn_value_view(value->value);
        return true;
    }
    if (skn_slice_eq(field->name, SKN_LIT("previous")) && g->has_piped) {
        *out = g->piped;
        return true;
    }
    if (skn_value_is(g->piped, SKN_T_MAP) && skn_map_get(g->piped, field->name, out)) return true;
    if (is_bound(g, input) && skn_map_get(g->inputs, field->name, out)) return true;
    if (field->default_value.len == 0) return false;
    *out = skn_value_view(field->default_value);
    return true;
}

/* A list has no keys: where it is too large only `previous` could tell. */
static bool takes_previous(const struct skn_event_def *event)
{
    for (uint32_t i = 0; i < event->input_count; i++) {
        if (skn_slice_eq(event->inputs[i].name, SKN_LIT("previous"))) return true;
    }
    return false;
}

bool data_inputs(struct walk *w,
                 struct skn_slice body_key,
                 uint32_t unit,
                 struct skn_value *out_map,
                 struct skn_slice *out_reason)
{
    struct given given = {.w = w, .unit = &w->graph->units[unit], .inputs = run_inputs(w)};
    bool fits_row;
    given.piped = data_piped(w, body_key, given.unit->step, &given.has_piped, &fits_row);
    const struct skn_event_def *event = &w->graph->events[given.unit->event];
    *out_reason = SKN_LIT("TOO_LARGE: the inputs of a task are over 1 MiB");
    if (!fits_row && takes_previous(event)) return false;
    struct skn_buf *out = skn_cx_scratch(w->cx);
    struct skn_builder *b = skn_arena_alloc(w->arena, sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    for (uint32_t i = 0; i < event->input_count; i++) {
        const struct skn_field *field = &event->inputs[i];
        struct skn_value value = skn_value_none();
        bool has = look_up(&given, i, &value);
        if ((!has && field->required) || (has && !fits(value, field))) {
            *out_reason = skn_slice_str(
                skn_arena_printf(w->arena,
                                 has ? "input %.*s is not a %s" : "input %.*s (%s) is missing",
                                 SKN_FMT(field->name),
                                 skn_type_name(field->type)));
            return false;
        }
        if (has && field->schema && !skn_value_is(value, SKN_T_NONE) &&
            !words_fit(w, field, value, out_reason))
            return false;
        skn_build_key(b, field->name);
        skn_build_value(b, value);
    }
    skn_build_map_end(b);
    *out_map = built(w, b, out);
    return skn_value_is(*out_map, SKN_T_MAP);
}
