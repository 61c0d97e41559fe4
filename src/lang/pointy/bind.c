/* bind.c - names of inputs are resolved to (group, slot) once, not at every task [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/parse_internal.h"
#include "lang/pointy/scope_internal.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

struct skn_slice skn_graph_slot_name(const struct skn_graph *graph, uint32_t body, uint32_t slot)
{
    uint32_t inputs = body == 0 ? graph->input_count : 0;
    if (slot < inputs) return graph->inputs[slot].name;
    SKN_ASSERT(slot - inputs < graph->bodies[body].slot_count);
    return graph->slots[graph->bodies[body].first_slot + slot - inputs];
}

const struct skn_graph_bind *skn_graph_binds_of(const struct skn_graph *graph,
                                                uint32_t unit,
                                                uint32_t input,
                                                uint32_t *out_count)
{
    const struct skn_graph_unit *u = &graph->units[unit];
    uint32_t from = u->first_bind, end = u->first_bind + u->bind_count;
    while (from < end && graph->binds[from].input < input)
        from++;
    uint32_t last = from;
    while (last < end && graph->binds[last].input == input)
        last++;
    *out_count = last - from;
    return &graph->binds[from];
}

/* --- from a text ------------------------------------------------------------------------------ */

struct binder {
    struct skn_pty *b;
    struct skn_scopes scopes;
    struct skn_graph_bind *binds;
    uint32_t count, cap;
    struct skn_graph_read *reads;
    uint32_t read_count, read_cap;
};

static int by_unit(const void *left, const void *right)
{
    const struct skn_graph_export *a = left, *b = right;
    if (a->unit != b->unit) return a->unit < b->unit ? -1 : 1;
    return a->to < b->to ? -1 : a->to > b->to;
}

/* The variables of every scope, in the order of their slots. */
static void put_slots(struct binder *d, struct skn_graph_body *bodies)
{
    struct skn_graph *graph = d->b->graph;
    struct skn_slice *slots = skn_arena_zero(d->b->arena, d->scopes.count + 1, sizeof(*slots));
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->scopes.count; i++) {
        struct skn_graph_body *body = &bodies[d->scopes.at[i].body];
        if (d->scopes.at[i].slot >= body->slot_count) body->slot_count = d->scopes.at[i].slot + 1;
    }
    for (uint32_t body = 0; body < graph->body_count; body++) {
        if (bodies[body].slot_count == 0) continue;
        bodies[body].first_slot = count;
        count += bodies[body].slot_count;
    }
    for (uint32_t i = 0; i < d->scopes.count; i++) {
        const struct skn_variable *v = &d->scopes.at[i];
        struct skn_slice *slot = &slots[bodies[v->body].first_slot + v->slot];
        if (slot->len == 0) *slot = skn_arena_dup(d->b->arena, v->name);
    }
    graph->slots = slots;
    graph->slot_count = count;
}

static void put_bind(struct binder *d, uint32_t input, uint32_t body, uint32_t slot)
{
    d->binds = skn_parse_grow(d->binds, d->count, &d->cap, sizeof(*d->binds));
    d->binds[d->count++] = (struct skn_graph_bind){input, body, slot};
}

static void bind_input(struct binder *d, uint32_t unit, uint32_t input, struct skn_slice name)
{
    const struct skn_syntax *tree = d->b->tree;
    const struct skn_graph *graph = d->b->graph;
    uint32_t scope = skn_scope_of(tree, tree->steps[tree->units[unit].step].body);
    uint32_t run = skn_scopes_find(&d->scopes, scope, name);
    for (uint32_t n = 0; run != SKN_GRAPH_NONE && n < SKN_SCOPES_AROUND_MAX; n++) {
        const struct skn_variable *v = skn_scopes_before(&d->scopes, run, unit);
        if (v) put_bind(d, input, v->body, v->slot + (v->body == 0 ? graph->input_count : 0));
        run = d->scopes.at[run].outer;
    }
    for (uint32_t i = 0; i < graph->input_count; i++)
        if (skn_slice_eq(graph->inputs[i].name, name)) {
            put_bind(d, input, 0, i);
            return; /* said twice it is an error */
        }
}

/* The binds of a name, as if it were an input; and one for what is piped in. */
static void read_name(struct binder *d, uint32_t unit, struct skn_slice name, bool for_compensation)
{
    uint32_t from = d->count;
    bind_input(d, unit, 0, name);
    for (uint32_t i = from; i <= d->count; i++) {
        bool is_bind = i < d->count;
        d->reads = skn_parse_grow(d->reads, d->read_count, &d->read_cap, sizeof(*d->reads));
        d->reads[d->read_count++] =
            (struct skn_graph_read){.unit = unit,
                                    .body = is_bind ? d->binds[i].body : SKN_GRAPH_NONE,
                                    .slot = is_bind ? d->binds[i].slot : 0,
                                    .for_compensation = for_compensation};
    }
    d->count = from;
}

static void read_template(void *ctx, uint32_t unit, struct skn_span option, struct skn_span span)
{
    (void)option;
    struct binder *d = ctx;
    read_name(d, unit, skn_pty_text(d->b, span), false);
}

/* What the event of `compensate` takes by name is found where the unit finds its own inputs. What
 * cannot be looked up may take what is piped in. */
static void read_compensation(struct binder *d, uint32_t unit)
{
    bool is_given;
    const struct skn_event_def *def = skn_pty_compensation(d->b, unit, &is_given);
    for (uint32_t i = 0; def && i < def->input_count; i++)
        if (!skn_slice_eq(def->inputs[i].name, SKN_LIT("previous")))
            read_name(d, unit, def->inputs[i].name, true);
    if (is_given && !def) read_name(d, unit, (struct skn_slice){0}, true);
}

/* Which variables units set: of a name that nobody inside a group sets there is nothing. */
static void put_exports(struct binder *d)
{
    struct skn_graph *graph = d->b->graph;
    struct skn_graph_export *exports =
        skn_arena_zero(d->b->arena, (size_t)d->scopes.count + 1, sizeof(*exports));
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->scopes.count; i++) {
        const struct skn_variable *v = &d->scopes.at[i], *inside;
        uint32_t group = d->b->tree->units[v->unit].body;
        bool is_group = d->b->tree->units[v->unit].kind == SKN_SYN_GROUP;
        uint32_t from = SKN_GRAPH_NONE;
        if (is_group) {
            inside = skn_scopes_inside(&d->scopes, group, v->name);
            if (!inside) continue;
            from = graph->bodies[group].first_slot + inside->slot;
        }
        exports[count++] = (struct skn_graph_export){
            .unit = v->unit, .from = from, .to = graph->bodies[v->body].first_slot + v->slot};
    }
    if (count > 1) qsort(exports, count, sizeof(*exports), by_unit);
    graph->exports = exports;
    graph->export_count = count;
}

static bool
has_value(const struct skn_graph *graph, const struct skn_graph_unit *unit, struct skn_slice name)
{
    for (uint32_t i = 0; i < unit->value_count; i++)
        if (skn_slice_eq(graph->values[unit->first_value + i].name, name)) return true;
    return false;
}

void skn_pty_binds(struct skn_pty *b)
{
    struct binder d = {.b = b};
    if (b->tree->steps[b->tree->step_count - 1].unit_count == 0) return; /* cut off at the limit */
    skn_scopes_init(&d.scopes, b);
    put_slots(&d, b->bodies);
    put_exports(&d);
    for (uint32_t id = 0; id < b->tree->unit_count; id++) {
        struct skn_graph_unit *unit = &b->units[id];
        if (b->tree->units[id].option_count > 0) {
            skn_pty_templates(b, id, read_template, &d);
            read_compensation(&d, id);
        }
        unit->first_bind = d.count;
        if (unit->event == SKN_GRAPH_NONE) continue;
        const struct skn_event_def *def = &b->events[unit->event];
        for (uint32_t i = 0; i < def->input_count; i++) {
            struct skn_slice name = def->inputs[i].name;
            bool is_whole = skn_slice_eq(name, SKN_LIT("previous"));
            if (!is_whole && !has_value(b->graph, unit, name)) bind_input(&d, id, i, name);
        }
        unit->bind_count = d.count - unit->first_bind;
        if (unit->bind_count == 0) unit->first_bind = 0;
    }
    struct skn_graph_bind *binds = skn_arena_zero(b->arena, (size_t)d.count + 1, sizeof(*binds));
    if (d.count > 0) memcpy(binds, d.binds, d.count * sizeof(*binds));
    b->graph->binds = binds;
    b->graph->bind_count = d.count;
    struct skn_graph_read *reads =
        skn_arena_zero(b->arena, (size_t)d.read_count + 1, sizeof(*reads));
    if (d.read_count > 0) memcpy(reads, d.reads, d.read_count * sizeof(*reads));
    b->graph->reads = reads;
    b->graph->read_count = d.read_count;
    skn_free(d.reads);
    skn_free(d.binds);
    skn_scopes_fini(&d.scopes);
}

/* --- from bytes ------------------------------------------------------------------------------- */

static uint32_t input_slot(const struct skn_graph *graph, struct skn_slice name)
{
    for (uint32_t i = 0; i < graph->input_count; i++)
        if (skn_slice_eq(graph->inputs[i].name, name)) return i;
    return SKN_GRAPH_NONE;
}

/* The binds of a unit to the run's inputs; with `out` NULL they are counted. */
static uint32_t inputs_of_unit(const struct skn_graph *graph,
                               const struct skn_graph_unit *unit,
                               struct skn_graph_bind *out)
{
    uint32_t count = 0;
    if (unit->event == SKN_GRAPH_NONE) return 0;
    const struct skn_event_def *def = &graph->events[unit->event];
    for (uint32_t i = 0; i < def->input_count; i++) {
        struct skn_slice name = def->inputs[i].name;
        uint32_t slot = input_slot(graph, name);
        bool is_whole = skn_slice_eq(name, SKN_LIT("previous"));
        if (slot == SKN_GRAPH_NONE || is_whole || has_value(graph, unit, name)) continue;
        if (out) out[count] = (struct skn_graph_bind){i, 0, slot};
        count++;
    }
    return count;
}

void skn_graph_bind_inputs(struct skn_arena *arena,
                           struct skn_graph *graph,
                           struct skn_graph_unit *units)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < graph->unit_count; id++) {
        units[id].bind_count = inputs_of_unit(graph, &units[id], NULL);
        units[id].first_bind = units[id].bind_count > 0 ? count : 0;
        count += units[id].bind_count;
    }
    struct skn_graph_bind *binds = skn_arena_zero(arena, (size_t)count + 1, sizeof(*binds));
    for (uint32_t id = 0; id < graph->unit_count; id++)
        (void)inputs_of_unit(graph, &units[id], &binds[units[id].first_bind]);
    graph->binds = binds;
    graph->bind_count = count;
}

/* Whether `body` is the scope of a unit or one around it. */
static bool is_around(const struct skn_graph *graph, uint32_t unit, uint32_t body)
{
    if (body >= graph->body_count || graph->bodies[body].kind == SKN_BODY_BRANCH) return false;
    uint32_t at = graph->steps[graph->units[unit].step].body;
    while (at > body)
        at = graph->steps[graph->units[graph->bodies[at].owner].step].body;
    return at == body;
}

static const char *bind_fault(const struct skn_graph *graph, uint32_t unit, uint32_t at)
{
    const struct skn_graph_unit *u = &graph->units[unit];
    const struct skn_event_def *def = &graph->events[u->event];
    const struct skn_graph_bind *bind = &graph->binds[at];
    if (bind->input >= def->input_count) return "a name is bound that is no input";
    if (!is_around(graph, unit, bind->body)) return "a name is bound to no group around it";
    uint32_t slots =
        graph->bodies[bind->body].slot_count + (bind->body == 0 ? graph->input_count : 0);
    struct skn_slice name = def->inputs[bind->input].name;
    if (bind->slot >= slots ||
        !skn_slice_eq(name, skn_graph_slot_name(graph, bind->body, bind->slot)))
        return "a name is bound to another one";
    if (skn_slice_eq(name, SKN_LIT("previous")) || has_value(graph, u, name))
        return "a name is bound that is given";
    if (at == u->first_bind) return NULL;
    const struct skn_graph_bind *before = bind - 1;
    bool is_next =
        before->input < bind->input ||
        (before->input == bind->input &&
         (before->body > bind->body || (before->body == bind->body && before->slot > bind->slot)));
    return is_next ? NULL : "names are not bound in order";
}

const char *skn_graph_binds_fault(const struct skn_graph *graph)
{
    for (uint32_t unit = 0; unit < graph->unit_count; unit++) {
        const struct skn_graph_unit *u = &graph->units[unit];
        for (uint32_t i = 0; i < u->bind_count; i++) {
            const char *fault = bind_fault(graph, unit, u->first_bind + i);
            if (fault) return fault;
        }
    }
    return NULL;
}
