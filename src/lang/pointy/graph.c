/* graph.c - reading a graph: lookups, delays, and its invariants. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/lex_internal.h"

#include "base/pure.h" /* last */

const char *skn_type_name(enum skn_type type)
{
    static const char *const names[] = {"string", "int", "float", "bool", "list", "object", "any"};
    SKN_ASSERT((unsigned)type < SKN_ARRAY_LEN(names));
    return names[type];
}

bool skn_type_fits(enum skn_type type, struct skn_value value)
{
    static const enum skn_tag tags[] = {[SKN_TYPE_STRING] = SKN_T_STRING,
                                        [SKN_TYPE_INT] = SKN_T_INT,
                                        [SKN_TYPE_FLOAT] = SKN_T_REAL,
                                        [SKN_TYPE_BOOL] = SKN_T_BOOL,
                                        [SKN_TYPE_LIST] = SKN_T_LIST,
                                        [SKN_TYPE_OBJECT] = SKN_T_MAP};
    if (type == SKN_TYPE_ANY) return true;
    SKN_ASSERT((unsigned)type < SKN_ARRAY_LEN(tags));
    return skn_value_is(value, tags[type]) ||
           (type == SKN_TYPE_FLOAT && skn_value_is(value, SKN_T_INT));
}

bool skn_field_fits(const struct skn_field *field, struct skn_value value, struct skn_buf *out_why)
{
    if (!skn_type_fits(field->type, value)) {
        if (out_why)
            skn_buf_printf(out_why,
                           "/%.*s: must be of type %s",
                           SKN_FMT(field->name),
                           skn_type_name(field->type));
        return false;
    }
    return !field->schema || skn_schema_fits(field->schema, field->name, value, out_why);
}

static void no_fault(
    void *ctx, enum skn_schema_fault fault, const struct skn_slice *p, uint32_t n, const char *w)
{
    (void)ctx, (void)fault, (void)p, (void)n, (void)w;
}

const struct skn_schema *skn_words_compile(struct skn_arena *arena, struct skn_slice words)
{
    struct skn_value declaration = skn_value_view(words);
    if (!skn_value_is(declaration, SKN_T_MAP)) return NULL;
    return skn_schema_compile(arena, declaration, no_fault, NULL);
}

const char *skn_field_type_name(const struct skn_field *field)
{
    if (field->mark == SKN_FIELD_SECRET) return "secret";
    return field->mark == SKN_FIELD_FILE ? "file" : skn_type_name(field->type);
}

bool skn_graph_is_runnable(const struct skn_graph *graph)
{
    if (graph->not_yet.len > 0) return false;
    for (uint32_t i = 0; i < graph->event_count; i++)
        if (graph->events[i].kind == SKN_EVENT_UNKNOWN) return false;
    return true;
}

uint32_t skn_graph_branch_for(const struct skn_graph *graph,
                              uint32_t unit,
                              enum skn_outcome outcome,
                              struct skn_slice other)
{
    SKN_ASSERT(unit < graph->unit_count);
    for (uint32_t at = graph->units[unit].first_branch; at != SKN_GRAPH_NONE;
         at = graph->branches[at].next) {
        const struct skn_graph_branch *branch = &graph->branches[at];
        if (branch->outcome != outcome) continue;
        if (outcome != SKN_OUTCOME_OTHER || skn_slice_eq(branch->other, other)) return at;
    }
    return SKN_GRAPH_NONE;
}

const struct skn_graph_rules *skn_graph_rules_of(const struct skn_graph *graph, uint32_t unit)
{
    static const struct skn_graph_rules none = {0};
    SKN_ASSERT(unit < graph->unit_count);
    uint32_t at = graph->units[unit].rules;
    return at == SKN_GRAPH_NONE ? &none : &graph->rules[at];
}

bool skn_is_outcome(struct skn_slice text)
{
    if (text.len == 1 && text.ptr[0] >= '2' && text.ptr[0] <= '9') return true;
    return skn_is_name(text) && !skn_is_reserved(text);
}

unsigned skn_rules_bits(const struct skn_graph_rules *rules)
{
    return (rules->deadline_ms > 0 ? SKN_RULES_DEADLINE : 0u) |
           (rules->jitter_milli > 0 ? SKN_RULES_JITTER : 0u) |
           (rules->evaluate != SKN_EVALUATE_ALL ? SKN_RULES_EVALUATE : 0u) |
           (rules->fails_fast ? SKN_RULES_FAILS_FAST : 0u) |
           (rules->keeps_rest ? SKN_RULES_KEEPS_REST : 0u) |
           (rules->continues ? SKN_RULES_CONTINUES : 0u) |
           (rules->retry_on.len > 0 ? SKN_RULES_RETRY_ON : 0u) |
           (rules->no_retry_on.len > 0 ? SKN_RULES_NO_RETRY_ON : 0u);
}

bool skn_event_has_outcome(const struct skn_event_def *event, struct skn_slice outcome)
{
    for (uint32_t i = 0; i < event->outcome_count; i++)
        if (skn_slice_eq(event->outcomes[i], outcome)) return true;
    return false;
}

static void check_bodies(const struct skn_graph *g)
{
    SKN_ASSERT(g->body_count >= 1);
    for (uint32_t i = 0; i < g->body_count; i++) {
        const struct skn_graph_body *body = &g->bodies[i];
        SKN_ASSERT((body->kind == SKN_BODY_RUN) == (i == 0));
        SKN_ASSERT((body->owner == SKN_GRAPH_NONE) == (i == 0));
        uint32_t steps = 0;
        for (uint32_t s = body->first_step; s != SKN_GRAPH_NONE; s = g->steps[s].next) {
            SKN_ASSERT(s < g->step_count);
            SKN_ASSERT(g->steps[s].body == i);
            SKN_ASSERT(g->steps[s].ordinal == steps++);
            if (g->steps[s].next != SKN_GRAPH_NONE) SKN_ASSERT(g->steps[s].next > s);
        }
        SKN_ASSERT(steps == body->step_count);
        SKN_ASSERT(steps >= 1);
    }
}

static void check_steps(const struct skn_graph *g)
{
    for (uint32_t i = 0; i < g->step_count; i++) {
        uint32_t units = 0;
        for (uint32_t u = g->steps[i].first_unit; u != SKN_GRAPH_NONE; u = g->units[u].next) {
            SKN_ASSERT(u < g->unit_count);
            SKN_ASSERT(g->units[u].step == i);
            SKN_ASSERT(g->units[u].ordinal == units++);
            if (g->units[u].next != SKN_GRAPH_NONE) SKN_ASSERT(g->units[u].next > u);
        }
        SKN_ASSERT(units == g->steps[i].unit_count);
        SKN_ASSERT(units >= 1);
    }
}

static void check_units(const struct skn_graph *g)
{
    for (uint32_t i = 0; i < g->unit_count; i++) {
        const struct skn_graph_unit *unit = &g->units[i];
        SKN_ASSERT((unit->event == SKN_GRAPH_NONE) != (unit->body == SKN_GRAPH_NONE));
        if (unit->event != SKN_GRAPH_NONE) SKN_ASSERT(unit->event < g->event_count);
        if (unit->body != SKN_GRAPH_NONE) {
            SKN_ASSERT(unit->body < g->body_count);
            SKN_ASSERT(g->bodies[unit->body].owner == i);
            SKN_ASSERT(g->bodies[unit->body].kind == SKN_BODY_GROUP);
        }
        SKN_ASSERT(unit->value_count <= g->value_count);
        SKN_ASSERT(unit->first_value <= g->value_count - unit->value_count);
        SKN_ASSERT(unit->retry.attempts >= 1);
        SKN_ASSERT(unit->retry.attempts <= SKN_ATTEMPTS_MAX);
        SKN_ASSERT(unit->retry.factor_milli >= 1000);
        SKN_ASSERT(unit->timeout_ms <= SKN_DURATION_MS_MAX);
        SKN_ASSERT(unit->rules == SKN_GRAPH_NONE || unit->rules < g->rules_count);
        for (uint32_t b = unit->first_branch; b != SKN_GRAPH_NONE; b = g->branches[b].next) {
            SKN_ASSERT(b < g->branch_count);
            SKN_ASSERT(g->branches[b].unit == i);
            if (g->branches[b].next != SKN_GRAPH_NONE) SKN_ASSERT(g->branches[b].next > b);
        }
    }
}

void skn_graph_check(const struct skn_graph *graph)
{
    SKN_ASSERT(skn_graph_binds_fault(graph) == NULL);
    check_bodies(graph);
    check_steps(graph);
    check_units(graph);
    for (uint32_t i = 0; i < graph->branch_count; i++) {
        const struct skn_graph_branch *branch = &graph->branches[i];
        SKN_ASSERT(branch->body < graph->body_count);
        SKN_ASSERT(graph->bodies[branch->body].kind == SKN_BODY_BRANCH);
        SKN_ASSERT(graph->bodies[branch->body].owner == branch->unit);
    }
}
