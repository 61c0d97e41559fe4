/* dump.c - a graph as indented text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/walk_internal.h"
#include "value/json.h"

#include <inttypes.h>

#include "base/pure.h" /* last */

static void put_value(struct skn_buf *out, struct skn_value value)
{
    if (skn_json_print(value, SKN_JSON_CANONICAL, out, NULL) != SKN_OK) skn_buf_put_str(out, "?");
}

static void put_string(struct skn_buf *out, struct skn_slice text)
{
    put_value(out, skn_value_string(text));
}

static void put_field(struct skn_buf *out, const char *what, const struct skn_field *field)
{
    skn_buf_printf(out, "%s %.*s: %s", what, SKN_FMT(field->name), skn_type_name(field->type));
    if (field->words.len > 0) {
        skn_buf_put_u8(out, ' ');
        put_value(out, skn_value_view(field->words));
    }
    if (!field->required && field->default_value.len == 0) skn_buf_put_str(out, "?");
    if (field->default_value.len > 0) {
        skn_buf_put_str(out, " = ");
        put_value(out, skn_value_view(field->default_value));
    }
    skn_buf_put_str(out, "\n");
}

static void put_duration(struct skn_buf *out, const char *what, uint64_t ms)
{
    if (ms > 0) skn_buf_printf(out, " %s=%" PRIu64 "ms", what, ms);
}

static void put_retry(struct skn_buf *out, const struct skn_retry *retry)
{
    if (retry->attempts > 1) skn_buf_printf(out, " attempts=%u", (unsigned)retry->attempts);
    put_duration(out, "backoff", retry->backoff_ms);
    if (retry->factor_milli != 1000)
        skn_buf_printf(out,
                       " factor=%u.%03u",
                       (unsigned)(retry->factor_milli / 1000),
                       (unsigned)(retry->factor_milli % 1000));
    put_duration(out, "max", retry->max_ms);
}

static void put_reasons(struct skn_buf *out, const char *name, struct skn_slice reasons)
{
    if (reasons.len == 0) return;
    skn_buf_printf(out, " %s=", name);
    for (size_t i = 0; i + 1 < reasons.len; i++) /* the last line feed is none between two */
        skn_buf_put_u8(out, reasons.ptr[i] == '\n' ? ',' : reasons.ptr[i]);
}

static void put_rules(struct skn_buf *out, const struct skn_graph_rules *rules)
{
    static const char *const words[] = {"all", "any", "majority", "at_least", "none_failed"};
    put_duration(out, "deadline", rules->deadline_ms);
    if (rules->jitter_milli > 0)
        skn_buf_printf(out,
                       " jitter=%u.%03u",
                       (unsigned)(rules->jitter_milli / 1000),
                       (unsigned)(rules->jitter_milli % 1000));
    put_reasons(out, "retry_on", rules->retry_on);
    put_reasons(out, "no_retry_on", rules->no_retry_on);
    if (rules->evaluate != SKN_EVALUATE_ALL)
        skn_buf_printf(out, " evaluate=%s", words[rules->evaluate]);
    if (rules->at_least > 0) skn_buf_printf(out, "=%u", (unsigned)rules->at_least);
    if (rules->fails_fast) skn_buf_put_str(out, " fail_fast");
    if (rules->keeps_rest) skn_buf_put_str(out, " keeps_rest");
    if (rules->continues) skn_buf_put_str(out, " continues");
}

static void put_event(struct skn_buf *out, const struct skn_event_def *def)
{
    static const char *const kinds[] = {"unknown", "built in", "built in", "built in", "exec"};
    skn_buf_printf(out, "event %.*s %s", SKN_FMT(def->name), kinds[def->kind]);
    if (def->kind == SKN_EVENT_EXEC)
        skn_buf_printf(out,
                       " %u.%u.%u",
                       (unsigned)def->version[0],
                       (unsigned)def->version[1],
                       (unsigned)def->version[2]);
    for (uint32_t i = 0; i < def->argc; i++) {
        skn_buf_put_str(out, " ");
        put_string(out, def->argv[i]);
    }
    put_duration(out, "timeout", def->timeout_ms);
    put_retry(out, &def->retry);
    if (def->ends_cut_off) skn_buf_put_str(out, " never twice");
    skn_buf_put_str(out, "\n");
    for (uint32_t i = 0; i < def->input_count; i++)
        put_field(out, "  takes", &def->inputs[i]);
    for (uint32_t i = 0; i < def->output_count; i++)
        put_field(out, "  gives", &def->outputs[i]);
    for (uint32_t i = 0; i < def->outcome_count; i++)
        skn_buf_printf(out, "  ends with %.*s\n", SKN_FMT(def->outcomes[i]));
    for (uint32_t i = 0; i < def->outcome_when_count; i++)
        skn_buf_printf(out,
                       "  is %.*s when %.*s\n",
                       SKN_FMT(def->outcome_when[2 * i + 1]),
                       SKN_FMT(def->outcome_when[2 * i]));
    if (def->success_when.len > 0)
        skn_buf_printf(out, "  is success when %.*s\n", SKN_FMT(def->success_when));
}

static void put_unit(struct skn_buf *out, const struct skn_graph *graph, uint32_t id)
{
    const struct skn_graph_unit *unit = &graph->units[id];
    skn_buf_printf(out, "%u ", (unsigned)id);
    if (unit->event == SKN_GRAPH_NONE) {
        skn_buf_put_str(out, "group");
    } else {
        skn_buf_put(out, graph->events[unit->event].name);
    }
    for (uint32_t i = 0; i < unit->value_count; i++) {
        const struct skn_graph_value *value = &graph->values[unit->first_value + i];
        skn_buf_printf(out, " %.*s=", SKN_FMT(value->name));
        put_value(out, skn_value_view(value->value));
    }
    if (unit->reason.len > 0) {
        skn_buf_put_str(out, " reason=");
        put_string(out, unit->reason);
    }
    put_duration(out, "for", unit->sleep_ms);
    put_duration(out, "timeout", unit->timeout_ms);
    put_retry(out, &unit->retry);
    put_rules(out, skn_graph_rules_of(graph, id));
    skn_buf_put_str(out, "\n");
}

static void put_outcome(struct skn_buf *out, const struct skn_graph_branch *branch)
{
    if (branch->outcome == SKN_OUTCOME_OTHER) {
        skn_buf_printf(out, "on %.*s\n", SKN_FMT(branch->other));
    } else {
        skn_buf_put_str(out,
                        branch->outcome == SKN_OUTCOME_SUCCESS ? "on success\n" : "on failure\n");
    }
}

static void indent(struct skn_buf *out, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++)
        skn_buf_put_u8(out, ' ');
}

void skn_graph_dump(const struct skn_graph *graph, struct skn_buf *out)
{
    if (graph->timeout_ms > 0) skn_buf_printf(out, "timeout %" PRIu64 "ms\n", graph->timeout_ms);
    for (uint32_t i = 0; i < graph->input_count; i++)
        put_field(out, "input", &graph->inputs[i]);
    for (uint32_t i = 0; i < graph->event_count; i++)
        put_event(out, &graph->events[i]);
    for (struct skn_walk w = skn_walk_start(graph); w.kind != SKN_WALK_END; skn_walk_next(&w)) {
        uint32_t margin = 4 * w.depth;
        switch (w.kind) {
        case SKN_WALK_STEP:
            indent(out, margin);
            skn_buf_put_str(out, graph->steps[w.id].piped ? "|-> " : "->  ");
            break;
        case SKN_WALK_UNIT:
            if (graph->units[w.id].ordinal > 0) {
                indent(out, margin);
                skn_buf_put_str(out, "||  ");
            }
            put_unit(out, graph, w.id);
            break;
        case SKN_WALK_BRANCH:
            indent(out, margin + 4);
            put_outcome(out, &graph->branches[w.id]);
            break;
        case SKN_WALK_BODY:
        case SKN_WALK_END:
        default: break;
        }
    }
}
