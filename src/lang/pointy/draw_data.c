/* draw_data.c - what can still be read, by whom, and why: the reasons of [F20] and [E61] as liveness.h
 * finds them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_internal.h"
#include "lang/pointy/liveness.h"

#include "base/pure.h" /* last */

enum { SHOWN = 4 };

struct shown {
    const struct skn_drawing *d;
    struct skn_liveness live;
    struct skn_buf *out;
    bool any; /* a reason stands on this line */
};

static void put_unit(struct shown *s, uint32_t unit)
{
    skn_buf_printf(s->out, "%u %.*s", (unsigned)unit, SKN_FMT(skn_drawing_name(s->d, unit)));
    uint32_t attempts = s->d->b.graph->units[unit].retry.attempts;
    if (attempts > 1) skn_buf_printf(s->out, " (%u attempts)", (unsigned)attempts);
}

/* The value that this one is a part of, or SKN_GRAPH_NONE. */
static uint32_t outer_of(const struct shown *s, uint32_t value)
{
    const struct skn_liveness *l = &s->live;
    for (uint32_t i = l->first[value]; i < l->first[value + 1]; i++) {
        const struct skn_liveness_use *use = &l->uses[i];
        if (use->reason == SKN_LIVENESS_STEP_OF)
            return skn_liveness_value(l, SKN_LIVENESS_STEP, use->by);
        if (use->reason == SKN_LIVENESS_OUTWARD)
            return skn_liveness_value(l, SKN_LIVENESS_RESULT, use->by);
        if (use->reason == SKN_LIVENESS_BRANCH)
            return skn_liveness_value(l, SKN_LIVENESS_STEP, l->graph->units[use->by].step);
    }
    return SKN_GRAPH_NONE;
}

/* One reason with all who have it: of the value and of what it becomes a part of. */
static void
put_reason(struct shown *s, uint32_t value, enum skn_liveness_reason reason, const char *before)
{
    const struct skn_liveness *l = &s->live;
    uint32_t count = 0;
    for (uint32_t at = value; at != SKN_GRAPH_NONE; at = outer_of(s, at))
        for (uint32_t i = l->first[at]; i < l->first[at + 1]; i++) {
            const struct skn_liveness_use *use = &l->uses[i];
            if (use->reason != reason) continue;
            if (count == SHOWN) {
                skn_buf_put_str(s->out, ", ..");
                return;
            }
            bool is_out = reason == SKN_LIVENESS_EXPORT && at >= l->graph->unit_count;
            if (count++ == 0)
                skn_buf_printf(
                    s->out, "%s%s", s->any ? "; " : "", is_out ? "exported by " : before);
            else if (use->by != SKN_GRAPH_NONE)
                skn_buf_put_str(s->out, ", ");
            s->any = true;
            if (reason == SKN_LIVENESS_EXPORT && !is_out)
                skn_buf_put(s->out, l->graph->slots[use->by]);
            else if (use->by != SKN_GRAPH_NONE && reason != SKN_LIVENESS_CACHE)
                put_unit(s, use->by);
        }
}

static void put_reasons(struct shown *s, uint32_t value)
{
    static const struct {
        enum skn_liveness_reason reason;
        const char *before;
    } reasons[] = {
        {SKN_LIVENESS_LATER, "read by "},
        {SKN_LIVENESS_RUN, "the result of the run"},
        {SKN_LIVENESS_ATTEMPT, "read again by a further attempt of "},
        {SKN_LIVENESS_RESUME, "kept for the resume of "},
        {SKN_LIVENESS_EXPORT, "exported as "},
        {SKN_LIVENESS_COMPENSATION, "kept until the run has ended well, to compensate "},
        {SKN_LIVENESS_CACHE, "kept for equal inputs: cache"},
        {SKN_LIVENESS_ON_FAILURE, "kept until the run has ended: @on-failure"},
    };
    s->any = false;
    for (size_t i = 0; i < SKN_ARRAY_LEN(reasons); i++)
        put_reason(s, value, reasons[i].reason, reasons[i].before);
    if (!s->any) skn_buf_put_str(s->out, "read by nothing, dropped at once");
    skn_buf_put_str(s->out, "\n");
}

static void put_inputs(struct shown *s)
{
    const struct skn_graph *g = s->live.graph;
    skn_buf_put_str(s->out, "inputs\n");
    for (uint32_t i = 0; i < g->input_count; i++) {
        skn_buf_printf(s->out, "  %.*s: ", SKN_FMT(g->inputs[i].name));
        put_reasons(s, skn_liveness_value(&s->live, SKN_LIVENESS_INPUT, i));
    }
    skn_buf_put_str(s->out, "  as a whole: ");
    put_reasons(s, skn_liveness_value(&s->live, SKN_LIVENESS_START, 0));
}

static void put_variables(struct shown *s)
{
    const struct skn_graph *g = s->live.graph;
    if (g->slot_count > 0) skn_buf_put_str(s->out, "variables\n");
    for (uint32_t body = 0; body < g->body_count; body++)
        for (uint32_t i = 0; i < g->bodies[body].slot_count; i++) {
            uint32_t slot = g->bodies[body].first_slot + i;
            skn_buf_printf(s->out, "  %.*s of ", SKN_FMT(g->slots[slot]));
            if (body == 0)
                skn_buf_put_str(s->out, "the run");
            else
                skn_buf_printf(s->out, "the group %u", (unsigned)g->bodies[body].owner);
            skn_buf_put_str(s->out, ": ");
            put_reasons(s, skn_liveness_value(&s->live, SKN_LIVENESS_SLOT, slot));
        }
}

void skn_drawing_data(const struct skn_drawing *drawing, struct skn_buf *out)
{
    struct shown s = {.d = drawing, .out = out};
    const struct skn_graph *g = drawing->b.graph;
    skn_liveness_init(&s.live, g);
    put_inputs(&s);
    put_variables(&s);
    skn_buf_put_str(out, "results\n");
    for (uint32_t unit = 0; unit < g->unit_count; unit++) {
        skn_buf_printf(
            out, "  %u %.*s: ", (unsigned)unit, SKN_FMT(skn_drawing_name(drawing, unit)));
        put_reasons(&s, skn_liveness_value(&s.live, SKN_LIVENESS_RESULT, unit));
    }
    skn_liveness_fini(&s.live);
}
