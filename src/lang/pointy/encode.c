/* encode.c - the stored form of a graph, written.
 *
 * Every number is a varint: 7 bits a byte, least first, the shortest form only. A text is its
 * length and its bytes.
 *
 *   level            1 byte, 4
 *   timeout_ms
 *   inputs           count, then each: text name, type, 1 if required, text default_value, text words
 *   events           count, then each:
 *                      kind, text name
 *                      kind EXEC only: version (3 numbers), argv (count, texts), inputs, outputs
 *                      (as above), timeout_ms, retry, outcomes (count, texts), 1 if
 *                      an attempt that was cut off is not repeated, outcome_when (count, then
 *                      expression and outcome), text success_when
 *   retry            attempts, backoff_ms, factor_milli, max_ms
 *   counts           bodies, steps, units, branches, values, slots, binds, rules
 *   body 0
 *
 *   body             number of steps; unless it is a branch's, its slots (count, names); then each step
 *   step             2 * number of units + piped, then each unit
 *   unit             0 for a group, else event + 1; line, column; retry; timeout_ms; rules;
 *                    SLEEP: sleep_ms; FAIL: text reason; EXEC: values (count, then name and value) and
 *                    binds (count, then input, body, slot);
 *                    number of branches; a group: its body; then each branch
 *   rules            which there are, a bit each, then those in order: 1 deadline_ms, 2 jitter_milli,
 *                    4 evaluate and then at_least if it is that, 8 fails_fast, 16 keeps_rest,
 *                    32 continues, 64 text retry_on, 128 text no_retry_on
 *   branch           2 * outcome + piped, with outcome 2 text which, then its body
 *
 * Ids follow from the order, so they are not stored. Level 1 has no words, levels 1 and 2
 * have no slots and binds, levels 1 to 3 no rules, outcomes and branches for them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/walk_internal.h"

#include "base/pure.h" /* last */

static void put_number(struct skn_buf *out, uint64_t n)
{
    while (n >= 0x80) {
        skn_buf_put_u8(out, (uint8_t)(n | 0x80));
        n >>= 7;
    }
    skn_buf_put_u8(out, (uint8_t)n);
}

static void put_text(struct skn_buf *out, struct skn_slice text)
{
    put_number(out, text.len);
    skn_buf_put(out, text);
}

static void put_fields(struct skn_buf *out, const struct skn_field *fields, uint32_t count)
{
    put_number(out, count);
    for (uint32_t i = 0; i < count; i++) {
        put_text(out, fields[i].name);
        put_number(out, (uint64_t)fields[i].type);
        put_number(out, fields[i].required);
        put_text(out, fields[i].default_value);
        put_text(out, fields[i].words);
    }
}

static void put_retry(struct skn_buf *out, const struct skn_retry *retry)
{
    put_number(out, retry->attempts);
    put_number(out, retry->backoff_ms);
    put_number(out, retry->factor_milli);
    put_number(out, retry->max_ms);
}

static void put_event(struct skn_buf *out, const struct skn_event_def *def)
{
    put_number(out, (uint64_t)def->kind);
    put_text(out, def->name);
    if (def->kind != SKN_EVENT_EXEC) return;
    for (int i = 0; i < 3; i++)
        put_number(out, def->version[i]);
    put_number(out, def->argc);
    for (uint32_t i = 0; i < def->argc; i++)
        put_text(out, def->argv[i]);
    put_fields(out, def->inputs, def->input_count);
    put_fields(out, def->outputs, def->output_count);
    put_number(out, def->timeout_ms);
    put_retry(out, &def->retry);
    put_number(out, def->outcome_count);
    for (uint32_t i = 0; i < def->outcome_count; i++)
        put_text(out, def->outcomes[i]);
    put_number(out, def->ends_cut_off);
    put_number(out, def->outcome_when_count);
    for (uint32_t i = 0; i < 2 * def->outcome_when_count; i++)
        put_text(out, def->outcome_when[i]);
    put_text(out, def->success_when);
}

static void put_rules(struct skn_buf *out, const struct skn_graph_rules *rules)
{
    unsigned bits = skn_rules_bits(rules);
    put_number(out, bits);
    if (bits & SKN_RULES_DEADLINE) put_number(out, rules->deadline_ms);
    if (bits & SKN_RULES_JITTER) put_number(out, rules->jitter_milli);
    if (bits & SKN_RULES_EVALUATE) put_number(out, (uint64_t)rules->evaluate);
    if (rules->evaluate == SKN_EVALUATE_AT_LEAST) put_number(out, rules->at_least);
    if (bits & SKN_RULES_RETRY_ON) put_text(out, rules->retry_on);
    if (bits & SKN_RULES_NO_RETRY_ON) put_text(out, rules->no_retry_on);
}

static void put_branch_count(struct skn_buf *out, const struct skn_graph *graph, uint32_t unit)
{
    uint32_t count = 0;
    for (uint32_t at = graph->units[unit].first_branch; at != SKN_GRAPH_NONE;
         at = graph->branches[at].next)
        count++;
    put_number(out, count);
}

static void put_unit(struct skn_buf *out, const struct skn_graph *graph, uint32_t id)
{
    const struct skn_graph_unit *unit = &graph->units[id];
    put_number(out, unit->event == SKN_GRAPH_NONE ? 0 : (uint64_t)unit->event + 1);
    put_number(out, unit->place.line);
    put_number(out, unit->place.column);
    put_retry(out, &unit->retry);
    put_number(out, unit->timeout_ms);
    put_rules(out, skn_graph_rules_of(graph, id));
    if (unit->event == SKN_GRAPH_NONE) {
        put_branch_count(out, graph, id);
        return;
    }
    enum skn_event_kind kind = graph->events[unit->event].kind;
    if (kind == SKN_EVENT_SLEEP) put_number(out, unit->sleep_ms);
    if (kind == SKN_EVENT_FAIL) put_text(out, unit->reason);
    if (kind == SKN_EVENT_EXEC) {
        put_number(out, unit->value_count);
        for (uint32_t i = 0; i < unit->value_count; i++) {
            put_text(out, graph->values[unit->first_value + i].name);
            put_text(out, graph->values[unit->first_value + i].value);
        }
        put_number(out, unit->bind_count);
        for (uint32_t i = 0; i < unit->bind_count; i++) {
            const struct skn_graph_bind *bind = &graph->binds[unit->first_bind + i];
            put_number(out, bind->input);
            put_number(out, bind->body);
            put_number(out, bind->slot);
        }
    }
    put_branch_count(out, graph, id);
}

static void
put_body(struct skn_buf *out, const struct skn_graph *graph, const struct skn_graph_body *body)
{
    put_number(out, body->step_count);
    if (body->kind == SKN_BODY_BRANCH) return;
    put_number(out, body->slot_count);
    for (uint32_t i = 0; i < body->slot_count; i++)
        put_text(out, graph->slots[body->first_slot + i]);
}

static void put_flow(struct skn_buf *out, const struct skn_graph *graph)
{
    for (struct skn_walk w = skn_walk_start(graph); w.kind != SKN_WALK_END; skn_walk_next(&w)) {
        switch (w.kind) {
        case SKN_WALK_BODY: put_body(out, graph, &graph->bodies[w.id]); break;
        case SKN_WALK_STEP:
            put_number(out, 2 * (uint64_t)graph->steps[w.id].unit_count + graph->steps[w.id].piped);
            break;
        case SKN_WALK_UNIT: put_unit(out, graph, w.id); break;
        case SKN_WALK_BRANCH:
            put_number(out,
                       2 * (uint64_t)graph->branches[w.id].outcome + graph->branches[w.id].piped);
            if (graph->branches[w.id].outcome == SKN_OUTCOME_OTHER)
                put_text(out, graph->branches[w.id].other);
            break;
        case SKN_WALK_END:
        default: SKN_ASSERT(false);
        }
    }
}

enum skn_rc skn_graph_encode(const struct skn_graph *graph, struct skn_buf *out)
{
    if (!skn_graph_is_runnable(graph)) return SKN_EARGS;

    skn_buf_put_u8(out, SKN_GRAPH_LEVEL);
    put_number(out, graph->timeout_ms);
    put_fields(out, graph->inputs, graph->input_count);
    put_number(out, graph->event_count);
    for (uint32_t i = 0; i < graph->event_count; i++)
        put_event(out, &graph->events[i]);
    put_number(out, graph->body_count);
    put_number(out, graph->step_count);
    put_number(out, graph->unit_count);
    put_number(out, graph->branch_count);
    put_number(out, graph->value_count);
    put_number(out, graph->slot_count);
    put_number(out, graph->bind_count);
    put_number(out, graph->rules_count);
    put_flow(out, graph);
    return skn_buf_rc(out);
}
