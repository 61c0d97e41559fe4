/* liveness.c - liveness: which values of a run can still be read, by whom and why [F20] [E61].
 *
 * Who reads is found by three walks: what is piped goes into the units of the next step and on into
 * the first steps of groups there; names go where they are bound; results go outward. Into every step
 * one other is piped, so that the walks are linear. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/liveness.h"

#include "base/mem.h"
#include "lang/pointy/parse_internal.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

uint32_t
skn_liveness_value(const struct skn_liveness *live, enum skn_liveness_kind kind, uint32_t id)
{
    const struct skn_graph *g = live->graph;
    switch (kind) {
    case SKN_LIVENESS_RESULT: return id;
    case SKN_LIVENESS_STEP: return g->unit_count + id;
    case SKN_LIVENESS_START: return g->unit_count + g->step_count;
    case SKN_LIVENESS_INPUT: return g->unit_count + g->step_count + 1 + id;
    case SKN_LIVENESS_SLOT:
    default: return g->unit_count + g->step_count + 1 + g->input_count + id;
    }
}

static void
add(struct skn_liveness *l, uint32_t value, enum skn_liveness_reason reason, uint32_t by)
{
    l->uses = skn_parse_grow(l->uses, l->use_count, &l->use_cap, sizeof(*l->uses));
    l->uses[l->use_count++] = (struct skn_liveness_use){value, reason, by};
}

static uint32_t body_of(const struct skn_graph *g, uint32_t unit)
{
    return g->steps[g->units[unit].step].body;
}

static bool has_branch(const struct skn_graph *g, uint32_t unit, struct skn_slice outcome)
{
    return skn_graph_branch_for(g, unit, SKN_OUTCOME_OTHER, outcome) != SKN_GRAPH_NONE;
}

static bool is_builtin_outcome(struct skn_slice outcome)
{
    static const char *const words[] = {"0", "1", "failure", "success"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++)
        if (skn_slice_eq(outcome, skn_slice_str(words[i]))) return true;
    return false;
}

/* Whether no outcome of a unit is an unhandled failure: an outcome that its event declares and that has
 * no branch is one as well [F11]. Groups and calls have two outcomes; of what cannot be looked up, and
 * of a signal, nobody knows them. */
static bool handles_failure(const struct skn_graph *g, uint32_t unit)
{
    const struct skn_graph_unit *u = &g->units[unit];
    if ((u->marks & SKN_UNIT_CONTINUES) != 0) return true;
    if (skn_graph_branch_for(g, unit, SKN_OUTCOME_FAILURE, (struct skn_slice){0}) == SKN_GRAPH_NONE)
        return false;
    if (u->event == SKN_GRAPH_NONE || (u->marks & SKN_UNIT_CALL)) return true;
    const struct skn_event_def *def = &g->events[u->event];
    if (def->kind == SKN_EVENT_UNKNOWN) return false;
    for (uint32_t i = 0; i < def->outcome_count; i++)
        if (!is_builtin_outcome(def->outcomes[i]) && !has_branch(g, unit, def->outcomes[i]))
            return false;
    return true;
}

/* What is around a body: whether nothing takes a failure of what stands in it, so that the run ends and
 * may be resumed there; and the outermost group that may be tried again. */
static void find_around(struct skn_liveness *l)
{
    const struct skn_graph *g = l->graph;
    l->around = skn_alloc_zero(g->body_count, sizeof(*l->around));
    l->around[0] = (struct skn_liveness_around){.may_be_resumed = true, .repeated = SKN_GRAPH_NONE};
    for (uint32_t body = 1; body < g->body_count; body++) { /* what is around has a smaller id */
        uint32_t owner = g->bodies[body].owner;
        struct skn_liveness_around around = l->around[body_of(g, owner)];
        if (g->bodies[body].kind == SKN_BODY_GROUP) { /* a failed branch is not covered [F12] */
            if (handles_failure(g, owner)) around.may_be_resumed = false;
            if (around.repeated == SKN_GRAPH_NONE && g->units[owner].retry.attempts > 1)
                around.repeated = owner;
        }
        l->around[body] = around;
    }
}

/* The outermost group around a unit, inside `home`, that may be tried again: while it may, those inside
 * it may too. */
static uint32_t repeated_around(const struct skn_liveness *l, uint32_t unit, uint32_t home)
{
    const struct skn_graph *g = l->graph;
    uint32_t found = l->around[body_of(g, unit)].repeated;
    if (home == 0 || found == SKN_GRAPH_NONE) return found;
    found = SKN_GRAPH_NONE;
    for (uint32_t body = body_of(g, unit); body != home && g->bodies[body].kind != SKN_BODY_RUN;) {
        uint32_t owner = g->bodies[body].owner;
        bool is_group = g->bodies[body].kind == SKN_BODY_GROUP;
        if (is_group && g->units[owner].retry.attempts > 1) found = owner;
        body = body_of(g, owner);
    }
    return found;
}

/* One unit reads a value that belongs to the chain or scope `home`. */
static void add_reader(struct skn_liveness *l, uint32_t value, uint32_t unit, uint32_t home)
{
    const struct skn_graph *g = l->graph;
    uint32_t group = repeated_around(l, unit, home);
    add(l, value, SKN_LIVENESS_LATER, unit);
    if (group != SKN_GRAPH_NONE) add(l, value, SKN_LIVENESS_ATTEMPT, group);
    if (l->around[body_of(g, unit)].may_be_resumed && !handles_failure(g, unit))
        add(l, value, SKN_LIVENESS_RESUME, unit);
    if (g->units[unit].marks & SKN_UNIT_COMPENSATED) add(l, value, SKN_LIVENESS_COMPENSATION, unit);
}

/* Whether options of a unit read what is piped into it, or its compensation does. */
static bool has_read(const struct skn_graph *g, uint32_t unit, bool for_compensation)
{
    uint32_t low = 0, high = g->read_count; /* in order of units */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (g->reads[middle].unit < unit)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < g->read_count && g->reads[low].unit == unit &&
           g->reads[low].for_compensation != for_compensation)
        low++;
    return low < g->read_count && g->reads[low].unit == unit;
}

static bool is_given(const struct skn_graph *g, uint32_t unit, struct skn_slice name)
{
    const struct skn_graph_unit *u = &g->units[unit];
    for (uint32_t i = 0; i < u->value_count; i++)
        if (skn_slice_eq(g->values[u->first_value + i].name, name)) return true;
    return false;
}

/* Whether a unit looks into what is piped into it. */
static bool reads_piped(const struct skn_graph *g, uint32_t unit)
{
    const struct skn_graph_unit *u = &g->units[unit];
    const struct skn_event_def *def = &g->events[u->event];
    if ((u->marks & SKN_UNIT_CALL) && !(u->marks & SKN_UNIT_OVER)) return true;
    if (def->kind == SKN_EVENT_UNKNOWN || has_read(g, unit, false)) return true;
    for (uint32_t i = 0; i < def->input_count; i++)
        if (!is_given(g, unit, def->inputs[i].name)) return true;
    return false;
}

/* What is piped into a step, from a value of the chain `home`: into its units, and on into the first
 * steps of its groups, one inside the other. */
static void add_piped(struct skn_liveness *l, uint32_t value, uint32_t top, uint32_t home)
{
    const struct skn_graph *g = l->graph;
    uint32_t step = top;
    for (uint32_t unit = g->steps[step].first_unit; unit != SKN_GRAPH_NONE;) {
        bool is_group = g->units[unit].body != SKN_GRAPH_NONE;
        if (is_group ? has_read(g, unit, false) : reads_piped(g, unit))
            add_reader(l, value, unit, home);
        /* The input of a group is what is piped into it. */
        if ((g->units[unit].marks & SKN_UNIT_COMPENSATED) && (is_group || has_read(g, unit, true)))
            add(l, value, SKN_LIVENESS_COMPENSATION, unit);
        if (is_group) { /* into it */
            step = g->bodies[g->units[unit].body].first_step;
            unit = g->steps[step].first_unit;
            continue;
        }
        unit = g->units[unit].next;
        while (unit == SKN_GRAPH_NONE && step != top) { /* out of groups */
            uint32_t owner = g->bodies[g->steps[step].body].owner;
            step = g->units[owner].step;
            unit = g->units[owner].next;
        }
    }
}

/* A result lives until its unit has ended and set its variables; a variable inside a group until the
 * group has ended and handed it out. */
static void add_exports(struct skn_liveness *l)
{
    const struct skn_graph *g = l->graph;
    for (uint32_t i = 0; i < g->export_count; i++) {
        const struct skn_graph_export *e = &g->exports[i];
        if (e->from == SKN_GRAPH_NONE)
            add(l, skn_liveness_value(l, SKN_LIVENESS_RESULT, e->unit), SKN_LIVENESS_EXPORT, e->to);
        else
            add(l, skn_liveness_value(l, SKN_LIVENESS_SLOT, e->from), SKN_LIVENESS_EXPORT, e->unit);
    }
}

static void add_result(struct skn_liveness *l, uint32_t unit)
{
    const struct skn_graph *g = l->graph;
    const struct skn_graph_unit *u = &g->units[unit];
    uint32_t value = skn_liveness_value(l, SKN_LIVENESS_RESULT, unit);
    bool takes_success =
        skn_graph_branch_for(g, unit, SKN_OUTCOME_SUCCESS, (struct skn_slice){0}) != SKN_GRAPH_NONE;
    for (uint32_t b = u->first_branch; b != SKN_GRAPH_NONE; b = g->branches[b].next)
        if (g->branches[b].piped)
            add_piped(l, value, g->bodies[g->branches[b].body].first_step, body_of(g, unit));
    if (!takes_success || (u->marks & SKN_UNIT_CONTINUES))
        add(l, value, SKN_LIVENESS_STEP_OF, u->step);
    if (u->marks & SKN_UNIT_COMPENSATED) add(l, value, SKN_LIVENESS_COMPENSATION, unit);
    if (u->marks & SKN_UNIT_CACHED) add(l, value, SKN_LIVENESS_CACHE, unit);
}

static void add_step(struct skn_liveness *l, uint32_t step)
{
    const struct skn_graph *g = l->graph;
    const struct skn_graph_step *s = &g->steps[step];
    const struct skn_graph_body *body = &g->bodies[s->body];
    uint32_t value = skn_liveness_value(l, SKN_LIVENESS_STEP, step);
    if (s->next != SKN_GRAPH_NONE) {
        if (g->steps[s->next].piped) add_piped(l, value, s->next, s->body);
    } else if (body->kind == SKN_BODY_RUN) {
        add(l, value, SKN_LIVENESS_RUN, SKN_GRAPH_NONE);
    } else {
        bool is_group = body->kind == SKN_BODY_GROUP;
        add(l, value, is_group ? SKN_LIVENESS_OUTWARD : SKN_LIVENESS_BRANCH, body->owner);
    }
}

static uint32_t slot_value(const struct skn_liveness *l, uint32_t body, uint32_t slot)
{
    const struct skn_graph *g = l->graph;
    uint32_t inputs = body == 0 ? g->input_count : 0;
    return slot < inputs ? skn_liveness_value(l, SKN_LIVENESS_INPUT, slot)
                         : skn_liveness_value(
                               l, SKN_LIVENESS_SLOT, g->bodies[body].first_slot + slot - inputs);
}

static void add_names(struct skn_liveness *l)
{
    const struct skn_graph *g = l->graph;
    for (uint32_t unit = 0; unit < g->unit_count; unit++)
        for (uint32_t i = 0; i < g->units[unit].bind_count; i++) {
            const struct skn_graph_bind *bind = &g->binds[g->units[unit].first_bind + i];
            add_reader(l, slot_value(l, bind->body, bind->slot), unit, bind->body);
        }
    for (uint32_t i = 0; i < g->read_count; i++) {
        const struct skn_graph_read *r = &g->reads[i];
        if (r->body == SKN_GRAPH_NONE) continue;
        uint32_t value = slot_value(l, r->body, r->slot);
        if (r->for_compensation)
            add(l, value, SKN_LIVENESS_COMPENSATION, r->unit);
        else
            add_reader(l, value, r->unit, r->body);
    }
}

/* The event of @on-failure takes by name what the run has. */
static void add_on_failure(struct skn_liveness *l)
{
    const struct skn_graph *g = l->graph;
    for (uint32_t i = 0; i < g->input_count; i++)
        add(l,
            skn_liveness_value(l, SKN_LIVENESS_INPUT, i),
            SKN_LIVENESS_ON_FAILURE,
            SKN_GRAPH_NONE);
    for (uint32_t i = 0; i < g->bodies[0].slot_count; i++) {
        uint32_t slot = g->bodies[0].first_slot + i;
        add(l,
            skn_liveness_value(l, SKN_LIVENESS_SLOT, slot),
            SKN_LIVENESS_ON_FAILURE,
            SKN_GRAPH_NONE);
    }
}

static int in_order(const void *left, const void *right)
{
    const struct skn_liveness_use *a = left, *b = right;
    if (a->value != b->value) return a->value < b->value ? -1 : 1;
    if (a->reason != b->reason) return a->reason < b->reason ? -1 : 1;
    return a->by < b->by ? -1 : a->by > b->by;
}

/* In order, each once, and where those of a value begin. */
static void index_uses(struct skn_liveness *l)
{
    uint32_t kept = 0;
    if (l->use_count > 1) qsort(l->uses, l->use_count, sizeof(*l->uses), in_order);
    for (uint32_t i = 0; i < l->use_count; i++)
        if (kept == 0 || in_order(&l->uses[kept - 1], &l->uses[i]) != 0)
            l->uses[kept++] = l->uses[i];
    l->use_count = kept;
    l->first = skn_alloc_zero((size_t)l->value_count + 1, sizeof(*l->first));
    for (uint32_t value = 0, at = 0; value <= l->value_count; value++) {
        while (at < l->use_count && l->uses[at].value < value)
            at++;
        l->first[value] = at;
    }
}

void skn_liveness_init(struct skn_liveness *live, const struct skn_graph *graph)
{
    *live = (struct skn_liveness){.graph = graph};
    live->value_count = skn_liveness_value(live, SKN_LIVENESS_SLOT, graph->slot_count);
    find_around(live);
    for (uint32_t unit = 0; unit < graph->unit_count; unit++)
        add_result(live, unit);
    for (uint32_t step = 0; step < graph->step_count; step++)
        add_step(live, step);
    add_piped(
        live, skn_liveness_value(live, SKN_LIVENESS_START, 0), graph->bodies[0].first_step, 0);
    add_names(live);
    add_exports(live);
    if (graph->has_on_failure) add_on_failure(live);
    skn_free(live->around);
    live->around = NULL;
    index_uses(live);
}

void skn_liveness_fini(struct skn_liveness *live)
{
    skn_free(live->uses);
    skn_free(live->first);
    live->uses = NULL;
    live->first = NULL;
}

/* What keeps a value itself; and the value that it is a part of, or SKN_GRAPH_NONE. */
static bool is_used(const struct skn_liveness *l,
                    uint32_t value,
                    uint32_t reasons,
                    skn_liveness_state_fn state,
                    void *ctx,
                    uint32_t *out_outer)
{
    *out_outer = SKN_GRAPH_NONE;
    for (uint32_t i = l->first[value]; i < l->first[value + 1]; i++) {
        const struct skn_liveness_use *use = &l->uses[i];
        if (!(reasons >> use->reason & 1)) continue;
        switch (use->reason) {
        case SKN_LIVENESS_LATER:
        case SKN_LIVENESS_ATTEMPT:
        case SKN_LIVENESS_CACHE:
            if (state(ctx, use->by) == SKN_LIVENESS_TO_COME) return true;
            break;
        case SKN_LIVENESS_EXPORT:
            if (value < l->graph->unit_count) { /* the value of a result is its unit */
                if (state(ctx, value) == SKN_LIVENESS_TO_COME) return true;
            } else if (state(ctx, use->by) != SKN_LIVENESS_OVER) {
                return true; /* of a group: one that failed may be resumed, and ends then */
            }
            break;
        case SKN_LIVENESS_RESUME:
            if (state(ctx, use->by) == SKN_LIVENESS_FAILED) return true;
            break;
        case SKN_LIVENESS_STEP_OF:
            *out_outer = skn_liveness_value(l, SKN_LIVENESS_STEP, use->by);
            break;
        case SKN_LIVENESS_OUTWARD:
            *out_outer = skn_liveness_value(l, SKN_LIVENESS_RESULT, use->by);
            break;
        case SKN_LIVENESS_BRANCH:
            *out_outer = skn_liveness_value(l, SKN_LIVENESS_STEP, l->graph->units[use->by].step);
            break;
        case SKN_LIVENESS_COMPENSATION:
        case SKN_LIVENESS_ON_FAILURE:
        case SKN_LIVENESS_RUN:
        case SKN_LIVENESS_REASONS:
        default: return true;
        }
    }
    return false;
}

bool skn_liveness_is(const struct skn_liveness *live,
                     uint32_t value,
                     uint32_t reasons,
                     skn_liveness_state_fn state,
                     void *ctx)
{
    for (uint32_t outer; value != SKN_GRAPH_NONE; value = outer)
        if (is_used(live, value, reasons, state, ctx, &outer)) return true;
    return false;
}
