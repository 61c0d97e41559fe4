/* test_live.c - liveness [F20] [E61]: what is dropped is never read again, and for each reason a run
 * that reads too late when that reason does not count.
 *
 * Runs are played over the graph, with outcomes, retries, cancelled units, failures and resumes drawn
 * at random; at every point everything that is not live is dropped, and every read looks whether what
 * it reads is there. SKN_SEED=N repeats one seed, SKN_SOAK multiplies the count. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_test.h"

#include "base/rng.h"
#include "lang/pointy/liveness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 1024, UNITS_MAX = 256 };

static const char *const files[] = {
    "event: N\nversion: 1.0.0\nrun: { exec: [\"true\"] }\n",
    ("event: R\nversion: 1.0.0\nrun: { exec: [\"true\"] }\n"
     "inputs: { previous: { type: any, default: 0 }, x: { type: any, default: 0 }, "
     "v: { type: any, default: 0 } }\n"),
    ("event: X\nversion: 1.0.0\nrun: { exec: [\"true\"] }\noutputs: { v: any }\nexports: [v]\n"
     "inputs: { previous: { type: any, default: 0 } }\n"),
    ("event: D\nversion: 1.0.0\nrun: { exec: [\"true\"] }\noutcomes: [declined, 3]\n"
     "inputs: { previous: { type: any, default: 0 }, v: { type: any, default: 0 } }\n"),
};

/* The project of N, which reads nothing, R, which reads all it can, X, which exports v, and D, which may
 * end with two outcomes more. */
static void events_init(struct skn_arena *arena, struct skn_project_events *events)
{
    const struct skn_event_def *defs[SKN_ARRAY_LEN(files)];
    for (size_t i = 0; i < SKN_ARRAY_LEN(files); i++) {
        struct skn_source *source = skn_arena_zero(arena, 1, sizeof(*source));
        struct skn_diags *diags = skn_arena_zero(arena, 1, sizeof(*diags));
        assert_int_equal(skn_source_init(source, arena, SKN_LIT("x.yaml"), skn_slice_str(files[i])),
                         SKN_OK);
        skn_diags_init(diags, arena, source);
        assert_int_equal(skn_event_parse(arena, source, diags, &defs[i]), SKN_OK);
    }
    assert_int_equal(skn_project_events_init(events, arena, defs, SKN_ARRAY_LEN(files), NULL),
                     SKN_OK);
}

/* --- a run -------------------------------------------------------------------------------------- */

struct play {
    const struct skn_graph *g;
    struct skn_liveness live;
    struct skn_rng *rng;
    uint32_t reasons;
    const char *script; /* outcomes of attempts in order: 's', 'f', 'd'; then at random */
    enum skn_liveness_state state[UNITS_MAX];
    bool done[UNITS_MAX]; /* with its branches */
    bool final[UNITS_MAX];
    bool own_ok[UNITS_MAX];     /* without them */
    uint32_t branch[UNITS_MAX]; /* that was taken, or SKN_GRAPH_NONE */
    enum { COMPENSATES_NOT, WITH_RESULT, WITH_NULL } compensates[UNITS_MAX];
    bool has[VALUES_MAX];
    bool was_set[VALUES_MAX];
    bool is_failing; /* a unit failed in this pass, and the rest beside it may be cancelled */
    int violations;
};

static enum skn_liveness_state state_of(void *ctx, uint32_t unit)
{
    return ((struct play *)ctx)->state[unit];
}

static void prune(struct play *p)
{
    for (uint32_t v = 0; v < p->live.value_count; v++)
        if (p->has[v] && !skn_liveness_is(&p->live, v, p->reasons, state_of, p)) p->has[v] = false;
}

static void look(struct play *p, uint32_t value)
{
    if (!p->has[value]) p->violations++;
}

static void look_unit(struct play *p, uint32_t unit);

static void look_step(struct play *p, uint32_t step)
{
    for (uint32_t u = p->g->steps[step].first_unit; u != SKN_GRAPH_NONE; u = p->g->units[u].next)
        look_unit(p, u);
}

static uint32_t last_step(const struct skn_graph *g, uint32_t body)
{
    uint32_t step = g->bodies[body].first_step;
    while (g->steps[step].next != SKN_GRAPH_NONE)
        step = g->steps[step].next;
    return step;
}

/* What a unit gave without its branches: of a group that of its last step, or null when it failed. */
static void look_own(struct play *p, uint32_t unit)
{
    const struct skn_graph_unit *u = &p->g->units[unit];
    if (u->body == SKN_GRAPH_NONE)
        look(p, skn_liveness_value(&p->live, SKN_LIVENESS_RESULT, unit));
    else if (p->own_ok[unit])
        look_step(p, last_step(p->g, u->body));
}

static void look_unit(struct play *p, uint32_t unit)
{
    if (p->branch[unit] != SKN_GRAPH_NONE)
        look_step(p, last_step(p->g, p->g->branches[p->branch[unit]].body));
    else
        look_own(p, unit);
}

static uint32_t step_before(const struct skn_graph *g, uint32_t step)
{
    for (uint32_t i = 0; i < g->step_count; i++)
        if (g->steps[i].next == step) return i;
    return SKN_GRAPH_NONE;
}

static void look_piped(struct play *p, uint32_t step)
{
    const struct skn_graph *g = p->g;
    while (g->steps[step].piped) {
        uint32_t before = step_before(g, step);
        const struct skn_graph_body *body = &g->bodies[g->steps[step].body];
        if (before != SKN_GRAPH_NONE) {
            look_step(p, before);
            return;
        }
        if (body->kind == SKN_BODY_RUN) {
            look(p, skn_liveness_value(&p->live, SKN_LIVENESS_START, 0));
            return;
        }
        if (body->kind == SKN_BODY_BRANCH) {
            look_own(p, body->owner);
            return;
        }
        step = g->units[body->owner].step;
    }
}

static void look_slot(struct play *p, uint32_t body, uint32_t slot)
{
    const struct skn_graph *g = p->g;
    uint32_t inputs = body == 0 ? g->input_count : 0;
    uint32_t value = slot < inputs ? skn_liveness_value(&p->live, SKN_LIVENESS_INPUT, slot)
                                   : skn_liveness_value(&p->live,
                                                        SKN_LIVENESS_SLOT,
                                                        g->bodies[body].first_slot + slot - inputs);
    if (slot < inputs || p->was_set[value]) look(p, value);
}

/* What "${..}" in the options of a unit names, or what the event of `compensate` takes. */
static void look_reads(struct play *p, uint32_t unit, bool for_compensation)
{
    const struct skn_graph *g = p->g;
    for (uint32_t i = 0; i < g->read_count; i++) {
        const struct skn_graph_read *read = &g->reads[i];
        if (read->unit != unit || read->for_compensation != for_compensation) continue;
        if (read->body == SKN_GRAPH_NONE)
            look_piped(p, g->units[unit].step);
        else
            look_slot(p, read->body, read->slot);
    }
}

/* What a unit is given: of a group that is what is piped into it, where somebody asks for that. */
static void look_inputs(struct play *p, uint32_t unit)
{
    const struct skn_graph *g = p->g;
    const struct skn_graph_unit *u = &g->units[unit];
    look_reads(p, unit, false);
    if (u->event == SKN_GRAPH_NONE) return;
    const struct skn_event_def *def = &g->events[u->event];
    if (def->input_count > 0 || (u->marks & SKN_UNIT_CALL)) look_piped(p, u->step);
    for (uint32_t i = 0; i < u->bind_count; i++)
        look_slot(p, g->binds[u->first_bind + i].body, g->binds[u->first_bind + i].slot);
}

static bool is_inside(const struct skn_graph *g, uint32_t unit, uint32_t body)
{
    for (uint32_t at = g->steps[g->units[unit].step].body;;) {
        if (at == body) return true;
        if (g->bodies[at].kind == SKN_BODY_RUN) return false;
        at = g->steps[g->units[g->bodies[at].owner].step].body;
    }
}

/* All that is inside a body is over, or to come again. */
static void set_inside(struct play *p, uint32_t body, enum skn_liveness_state state)
{
    const struct skn_graph *g = p->g;
    for (uint32_t u = 0; u < g->unit_count; u++) {
        if (!is_inside(g, u, body)) continue;
        p->state[u] = state;
        if (state == SKN_LIVENESS_OVER) continue;
        p->done[u] = p->final[u] = false;
        p->branch[u] = SKN_GRAPH_NONE;
        p->has[u] = false;
        p->compensates[u] = COMPENSATES_NOT;
        if (g->units[u].body == SKN_GRAPH_NONE) continue;
        const struct skn_graph_body *inner = &g->bodies[g->units[u].body];
        for (uint32_t s = 0; s < inner->slot_count; s++)
            p->was_set[skn_liveness_value(&p->live, SKN_LIVENESS_SLOT, inner->first_slot + s)] =
                false;
    }
    const struct skn_graph_body *own = &g->bodies[body];
    for (uint32_t s = 0; state != SKN_LIVENESS_OVER && s < own->slot_count; s++)
        p->was_set[skn_liveness_value(&p->live, SKN_LIVENESS_SLOT, own->first_slot + s)] = false;
}

static char outcome(struct play *p, const struct skn_event_def *def)
{
    if (*p->script) return *p->script++;
    if (def->outcome_count > 0 && skn_rng_chance(p->rng, 1, 3)) return 'd';
    return skn_rng_chance(p->rng, 2, 3) ? 's' : 'f';
}

/* Each with what its unit was given, and with its result, if it is known [F21]. */
static void compensate(struct play *p, uint32_t body)
{
    for (uint32_t u = p->g->unit_count; u-- > 0;) {
        if (!p->compensates[u] || !is_inside(p->g, u, body)) continue;
        if (p->compensates[u] == WITH_RESULT) look_own(p, u);
        look_inputs(p, u);
        if (p->g->units[u].event == SKN_GRAPH_NONE) look_piped(p, p->g->units[u].step);
        look_reads(p, u, true);
        p->compensates[u] = COMPENSATES_NOT;
    }
}

static bool play_body(struct play *p, uint32_t body);

/* One attempt of an event: it reads, it ends, and its end is written down before it is over. */
static char attempt_event(struct play *p, uint32_t unit)
{
    const struct skn_graph *g = p->g;
    const struct skn_graph_unit *u = &g->units[unit];
    const struct skn_event_def *def = &g->events[u->event];
    look_inputs(p, unit);
    prune(p);
    char ended = outcome(p, def);
    p->has[unit] = true;
    prune(p);
    if (ended != 's') return ended;
    if (u->marks & SKN_UNIT_CACHED) look(p, unit);
    for (uint32_t i = 0; i < def->export_count; i++) {
        uint32_t body = g->steps[u->step].body;
        while (g->bodies[body].kind == SKN_BODY_BRANCH)
            body = g->steps[g->units[g->bodies[body].owner].step].body;
        uint32_t slot = g->bodies[body].first_slot;
        while (!skn_slice_eq(g->slots[slot], def->exports[i]))
            slot++;
        uint32_t value = skn_liveness_value(&p->live, SKN_LIVENESS_SLOT, slot);
        look(p, unit);
        p->has[value] = p->was_set[value] = true;
    }
    return ended;
}

/* The variables that a group hands out when it ended well [F16]. */
static void export_group(struct play *p, uint32_t unit)
{
    const struct skn_graph *g = p->g;
    for (uint32_t i = 0; i < g->export_count; i++) {
        if (g->exports[i].unit != unit || g->exports[i].from == SKN_GRAPH_NONE) continue;
        uint32_t from = skn_liveness_value(&p->live, SKN_LIVENESS_SLOT, g->exports[i].from);
        uint32_t to = skn_liveness_value(&p->live, SKN_LIVENESS_SLOT, g->exports[i].to);
        if (!p->was_set[from]) continue;
        look(p, from);
        p->has[to] = p->was_set[to] = true;
    }
}

static char attempts(struct play *p, uint32_t unit)
{
    const struct skn_graph_unit *u = &p->g->units[unit];
    bool is_group = u->body != SKN_GRAPH_NONE;
    char ended = 'f';
    bool is_resumed = p->state[unit] == SKN_LIVENESS_FAILED;
    p->state[unit] = SKN_LIVENESS_TO_COME;
    for (uint32_t n = 0; n < u->retry.attempts && ended == 'f'; n++) {
        if (is_group) look_inputs(p, unit);
        if (is_group && (n > 0 || !is_resumed)) {
            compensate(p, u->body);
            set_inside(p, u->body, SKN_LIVENESS_TO_COME);
        }
        ended = is_group ? (play_body(p, u->body) ? 's' : 'f') : attempt_event(p, unit);
        if (is_group && is_resumed) break; /* what failed inside goes on, once */
        prune(p);
    }
    return ended;
}

/* The branch of what a unit ended with; 'd' is the outcome "declined". */
static uint32_t branch_of(const struct skn_graph *g, uint32_t unit, char ended)
{
    if (ended != 'd')
        return skn_graph_branch_for(g,
                                    unit,
                                    ended == 's' ? SKN_OUTCOME_SUCCESS : SKN_OUTCOME_FAILURE,
                                    (struct skn_slice){0});
    uint32_t at = g->units[unit].first_branch;
    while (at != SKN_GRAPH_NONE && !skn_slice_eq(g->branches[at].other, SKN_LIT("declined")))
        at = g->branches[at].next;
    return at;
}

/* A unit has ended: what it hands out, and which branch it takes. False: nothing took its failure. */
static bool end_unit(struct play *p, uint32_t unit, char ended)
{
    const struct skn_graph *g = p->g;
    const struct skn_graph_unit *u = &g->units[unit];
    bool ok = ended == 's';
    if (u->marks & SKN_UNIT_COMPENSATED) p->compensates[unit] = ok ? WITH_RESULT : WITH_NULL;
    p->final[unit] = p->own_ok[unit] = ok;
    p->branch[unit] = branch_of(g, unit, ended);
    bool handled = ok || p->branch[unit] != SKN_GRAPH_NONE || (u->marks & SKN_UNIT_CONTINUES);
    prune(p);
    if (ok && u->body != SKN_GRAPH_NONE) export_group(p, unit);
    p->state[unit] = handled ? SKN_LIVENESS_OVER : SKN_LIVENESS_FAILED;
    if (handled && u->body != SKN_GRAPH_NONE) {
        if (!ok) compensate(p, u->body);
        set_inside(p, u->body, SKN_LIVENESS_OVER);
    }
    for (uint32_t b = u->first_branch; handled && b != SKN_GRAPH_NONE; b = g->branches[b].next)
        if (b != p->branch[unit]) set_inside(p, g->branches[b].body, SKN_LIVENESS_OVER);
    prune(p);
    return handled;
}

static bool play_unit(struct play *p, uint32_t unit)
{
    if (p->done[unit]) return p->final[unit];
    if (p->state[unit] != SKN_LIVENESS_OVER && !end_unit(p, unit, attempts(p, unit))) return false;
    if (p->branch[unit] == SKN_GRAPH_NONE) {
        p->done[unit] = true;
        return p->final[unit] = true; /* a success, or a failure that counts as one */
    }
    if (!play_body(p, p->g->branches[p->branch[unit]].body)) return false;
    p->done[unit] = p->final[unit] = true;
    return true;
}

static bool play_step(struct play *p, uint32_t step)
{
    bool ok = true;
    for (uint32_t u = p->g->steps[step].first_unit; u != SKN_GRAPH_NONE; u = p->g->units[u].next) {
        bool is_new = p->state[u] == SKN_LIVENESS_TO_COME && !p->done[u];
        if (!ok && is_new && p->g->units[u].body == SKN_GRAPH_NONE &&
            skn_rng_chance(p->rng, 1, 2)) {
            /* Cancelled: run again when the run is resumed. It may have begun. */
            p->state[u] = SKN_LIVENESS_FAILED;
            if ((p->g->units[u].marks & SKN_UNIT_COMPENSATED) && skn_rng_chance(p->rng, 1, 2)) {
                look_inputs(p, u);
                p->compensates[u] = WITH_NULL;
            }
            continue;
        }
        if (!play_unit(p, u)) ok = false;
    }
    return ok;
}

static bool play_body(struct play *p, uint32_t body)
{
    for (uint32_t s = p->g->bodies[body].first_step; s != SKN_GRAPH_NONE; s = p->g->steps[s].next)
        if (!play_step(p, s)) return false;
    return true;
}

/* A run and up to two resumes; how often something was read that was not there. */
static int
play(const struct skn_graph *g, struct skn_rng *rng, const char *script, uint32_t reasons)
{
    struct play *p = skn_alloc_zero(1, sizeof(*p));
    *p = (struct play){.g = g, .rng = rng, .script = script, .reasons = reasons};
    skn_liveness_init(&p->live, g);
    assert_true(p->live.value_count <= VALUES_MAX && g->unit_count <= UNITS_MAX);
    for (uint32_t u = 0; u < g->unit_count; u++)
        p->branch[u] = SKN_GRAPH_NONE;
    p->has[skn_liveness_value(&p->live, SKN_LIVENESS_START, 0)] = true;
    for (uint32_t i = 0; i < g->input_count; i++)
        p->has[skn_liveness_value(&p->live, SKN_LIVENESS_INPUT, i)] = true;
    prune(p);
    bool ok = play_body(p, 0);
    for (int resumes = 0; !ok && resumes < 2; resumes++) {
        prune(p);
        ok = play_body(p, 0);
    }
    prune(p);
    if (ok) look_step(p, last_step(g, 0));
    for (uint32_t i = 0; !ok && g->has_on_failure && i < g->input_count; i++)
        look(p, skn_liveness_value(&p->live, SKN_LIVENESS_INPUT, i));
    if (!ok) compensate(p, 0);
    int violations = p->violations;
    skn_liveness_fini(&p->live);
    skn_free(p);
    return violations;
}

/* --- generated flows ------------------------------------------------------------------------------ */

static void put_flow(struct skn_rng *rng, int depth, struct skn_buf *out);

static void put_options(struct skn_rng *rng, bool is_group, struct skn_buf *out)
{
    static const char *const of_events[] = {"compensate=\"N\"",
                                            "compensate=\"R\"",
                                            "cache=1h",
                                            "on_failure=\"continue\"",
                                            "concurrency_key=\"${x}\"",
                                            "concurrency_key=\"${previous.k}\""};
    static const char *const of_groups[] = {"exports=[\"v\"]",
                                            "exports=[\"v\"]",
                                            "compensate=\"N\"",
                                            "compensate=\"R\"",
                                            "on_failure=\"continue\"",
                                            "concurrency_key=\"${x}\"",
                                            "concurrency_key=\"${previous.k}\"",
                                            "compensate=\"R\", exports=[\"v\"]"};
    if (!skn_rng_chance(rng, 1, is_group ? 2 : 4)) return;
    skn_buf_printf(out,
                   "[%s]",
                   is_group ? of_groups[skn_rng_below(rng, SKN_ARRAY_LEN(of_groups))]
                            : of_events[skn_rng_below(rng, SKN_ARRAY_LEN(of_events))]);
}

static void put_branches(struct skn_rng *rng, int depth, bool is_declining, struct skn_buf *out)
{
    static const char *const outcomes[] = {"failure", "success", "declined"};
    uint64_t which = skn_rng_range(rng, 1, is_declining ? 7 : 3);
    const char *between = " (";
    for (unsigned i = 0; i < SKN_ARRAY_LEN(outcomes); i++) {
        if (!(which >> i & 1)) continue;
        const char *arrow = skn_rng_chance(rng, 2, 3) ? "|->" : "->";
        skn_buf_printf(out, "%s%s %s ", between, outcomes[i], arrow);
        put_flow(rng, depth - 1, out);
        between = ", ";
    }
    skn_buf_put_str(out, ")");
}

static void put_unit(struct skn_rng *rng, int depth, struct skn_buf *out)
{
    static const char *const names[] = {"N", "R", "R", "X", "D"};
    bool is_group = depth > 0 && skn_rng_chance(rng, 1, 3);
    uint64_t name = is_group ? 0 : skn_rng_below(rng, SKN_ARRAY_LEN(names));
    if (is_group) {
        skn_buf_put_str(out, "{");
        put_flow(rng, depth - 1, out);
        skn_buf_put_str(out, "}");
    } else {
        skn_buf_put_str(out, names[name]);
    }
    if (skn_rng_chance(rng, 1, 3)) skn_buf_printf(out, " * %d", (int)skn_rng_range(rng, 2, 3));
    put_options(rng, is_group, out);
    if (depth > 0 && skn_rng_chance(rng, 1, 3)) put_branches(rng, depth, name == 4, out);
}

static void put_flow(struct skn_rng *rng, int depth, struct skn_buf *out)
{
    uint64_t steps = skn_rng_range(rng, 1, 3);
    for (uint64_t s = 0; s < steps; s++) {
        if (s > 0) skn_buf_put_str(out, skn_rng_chance(rng, 3, 4) ? " |-> " : " -> ");
        /* Two that export the same name cannot stand beside each other: then there is one unit. */
        uint64_t units = skn_rng_chance(rng, 1, 4) ? 2 : 1;
        put_unit(rng, depth, out);
        if (units == 2) skn_buf_put_str(out, " || R");
    }
}

static void what_is_dropped_is_never_read(void **state)
{
    (void)state;
    const char *seed_text = getenv("SKN_SEED"), *soak = getenv("SKN_SOAK");
    uint64_t first = seed_text ? strtoull(seed_text, NULL, 10) : 1;
    uint64_t count = seed_text ? 1 : 3000 * (soak ? strtoull(soak, NULL, 10) : 1);
    struct skn_arena events_arena;
    struct skn_project_events events;
    uint64_t played = 0;
    skn_arena_init(&events_arena);
    events_init(&events_arena, &events);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct skn_rng rng;
        struct skn_buf text;
        struct compiled c;
        skn_rng_init(&rng, seed);
        skn_buf_init(&text, 1 << 20);
        skn_buf_put_str(&text, skn_rng_chance(&rng, 1, 4) ? "@on-failure: N " : "");
        skn_buf_put_str(&text, "@input: x: any ");
        put_flow(&rng, 3, &text);
        compile(&c, skn_buf_slice(&text), &events);
        if (c.rc == SKN_OK && c.graph->unit_count <= UNITS_MAX) {
            for (int i = 0; i < 4; i++)
                if (play(c.graph, &rng, "", SKN_LIVENESS_ALL) > 0)
                    fail_msg("seed %llu: %s", (unsigned long long)seed, skn_buf_str(&text));
            played++;
        }
        compiled_fini(&c);
        skn_buf_fini(&text);
    }
    assert_true(played * 2 > count || seed_text);
    skn_arena_fini(&events_arena);
}

/* [E61] For each reason a run that prunes one step too early without it. */
static void every_reason_keeps_something(void **state)
{
    (void)state;
    static const struct {
        enum skn_liveness_reason reason;
        const char *flow, *script;
    } rows[] = {
        {SKN_LIVENESS_LATER, "R |-> R", "ss"},
        {SKN_LIVENESS_LATER, "N -> R", "ss"},            /* x, by its name */
        {SKN_LIVENESS_LATER, "R (failure |-> R)", "fs"}, /* into a branch */
        {SKN_LIVENESS_LATER, "X -> N -> R", "sss"},      /* v, a variable */
        {SKN_LIVENESS_ATTEMPT, "R |-> {R -> N} * 2", "ssfss"},
        {SKN_LIVENESS_ATTEMPT, "{N -> R -> N} * 2", "ssfsss"}, /* x again */
        {SKN_LIVENESS_RESUME, "R |-> R", "sfs"},
        {SKN_LIVENESS_RESUME, "{N -> R}", "sfs"},
        {SKN_LIVENESS_COMPENSATION, "R[compensate=\"N\"] -> N", "sfff"},
        {SKN_LIVENESS_COMPENSATION, "{R[compensate=\"N\"] -> N} * 2", "sfss"},
        {SKN_LIVENESS_CACHE, "{R[cache=1h] -> N}", "ss"},
        {SKN_LIVENESS_EXPORT, "X -> N -> R", "sss"},
        {SKN_LIVENESS_RESUME, "R |-> D (failure -> N)", "sds"}, /* declined, which has no branch */
        {SKN_LIVENESS_LATER, "R |-> {N}[concurrency_key=\"${previous.k}\"] -> N", "sss"},
        {SKN_LIVENESS_COMPENSATION, "R |-> {N}[compensate=\"N\"] -> N", "ssfff"},
        {SKN_LIVENESS_COMPENSATION, "{N -> N[compensate=\"R\"] -> N}(failure -> N)", "ssfs"},
        {SKN_LIVENESS_EXPORT, "{X -> N}[exports=[\"v\"]] -> R", "sss"},
        {SKN_LIVENESS_EXPORT, "{X -> N}[exports=[\"v\"]] -> R", "sfss"}, /* resumed */
        {SKN_LIVENESS_ON_FAILURE, "@on-failure: N @input: y: any N", "fff"},
        {SKN_LIVENESS_RUN, "N -> R", "ss"},
        {SKN_LIVENESS_STEP_OF, "R || R |-> R", "sss"},
        {SKN_LIVENESS_OUTWARD, "{N -> R} |-> R", "sss"},
        {SKN_LIVENESS_BRANCH, "N (failure -> R, success -> N) |-> R", "fss"},
    };
    struct skn_arena arena;
    struct skn_project_events events;
    bool seen[SKN_LIVENESS_REASONS] = {false};
    skn_arena_init(&arena);
    events_init(&arena, &events);
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct compiled c;
        struct skn_rng rng;
        bool has_inputs = rows[i].flow[0] == '@';
        const char *text =
            skn_arena_printf(&arena, "%s%s", has_inputs ? "" : "@input: x: any ", rows[i].flow);
        compile(&c, skn_slice_str(text), &events);
        assert_int_equal(c.rc, SKN_OK);
        skn_rng_init(&rng, 1);
        if (play(c.graph, &rng, rows[i].script, SKN_LIVENESS_ALL) > 0)
            fail_msg("%s: something is dropped too early", text);
        skn_rng_init(&rng, 1);
        uint32_t others = SKN_LIVENESS_ALL & ~(1U << rows[i].reason);
        if (play(c.graph, &rng, rows[i].script, others) == 0)
            fail_msg("%s: nothing needs reason %d", text, (int)rows[i].reason);
        seen[rows[i].reason] = true;
        compiled_fini(&c);
    }
    for (int i = 0; i < SKN_LIVENESS_REASONS; i++)
        if (!seen[i]) fail_msg("reason %d has no run", i);
    skn_arena_fini(&arena);
}

static enum skn_liveness_state given_state(void *ctx, uint32_t unit)
{
    char c = ((const char *)ctx)[unit];
    return c == 'o' ? SKN_LIVENESS_OVER : c == 'f' ? SKN_LIVENESS_FAILED : SKN_LIVENESS_TO_COME;
}

/* The other side: nothing is kept that nobody reads. States are one letter a unit: over, failed, to
 * come; the value is the result of unit 0. */
static void what_nobody_reads_is_dropped_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *flow, *states;
        bool is_live;
    } rows[] = {
        {"R -> R", "o-", false},
        {"R |-> N", "o-", false}, /* N reads nothing */
        {"R |-> R -> R", "o--", true},
        {"R |-> R -> R", "oo-", false},
        {"R |-> R -> R", "of-", true},
        {"R |-> R (failure -> N) -> R", "oo--", false},
        {"R |-> {R -> N} * 2 -> N", "o-o--", true},
        {"R |-> {R -> N} * 2 -> N", "ooo--", false},
        {"R |-> {R -> N} -> N", "o-o--", false},
        {"R |-> {R -> N}[on_failure=\"continue\"] -> N", "o-f--", false},
        {"R |-> {R -> N}[on_failure=\"contin\\u0075e\"] -> N", "o-f--", false},
        {"R |-> {R -> N} -> N", "o-f--", true}, /* resumed, R reads it again */
        {"R (failure |-> R, success -> N)", "o--", true},
        {"R (failure |-> R, success -> N)", "oo-", false},
        {"R (failure -> N, success -> N) |-> R", "ooo-", false},
        {"R (failure -> N) |-> R", "oo-", true},
        {"R[cache=1h] -> N", "o-", false},
        {"R[compensate=\"N\"] -> N", "o-", true},
        {"R |-> D (failure -> N)", "of-", true}, /* may have been declined */
        {"R |-> D (failure -> N, declined -> N, 3 -> N)", "oo---", false},
        {"R |-> {N}[concurrency_key=\"${previous.k}\"] -> N", "o---", true},
        {"R |-> {N}[concurrency_key=\"${previous.k}\"] -> N", "ooo-", false},
        {"R |-> {N}[compensate=\"N\"] -> N", "ooo-", true},
        {"R", "o", true}, /* the result of the run */
    };
    struct skn_arena arena;
    struct skn_project_events events;
    skn_arena_init(&arena);
    events_init(&arena, &events);
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct compiled c;
        struct skn_liveness live;
        compile(&c, skn_slice_str(rows[i].flow), &events);
        assert_int_equal(c.rc, SKN_OK);
        skn_liveness_init(&live, c.graph);
        void *states = (void *)(uintptr_t)rows[i].states;
        if (skn_liveness_is(&live, 0, SKN_LIVENESS_ALL, given_state, states) != rows[i].is_live)
            fail_msg("%s with %s must be %d", rows[i].flow, rows[i].states, rows[i].is_live);
        skn_liveness_fini(&live);
        compiled_fini(&c);
    }
    skn_arena_fini(&arena);
}

/* Invariant 2: a thousand units beside each other, piped into a thousand, are not a million uses. */
static void the_number_of_uses_is_linear(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_project_events events;
    struct skn_buf text;
    struct compiled c;
    struct skn_liveness live;
    skn_arena_init(&arena);
    events_init(&arena, &events);
    skn_buf_init(&text, 1 << 20);
    for (int i = 0; i < 2000; i++)
        skn_buf_put_str(&text, i == 0 ? "R" : i == 1000 ? " |-> {R}" : " || {R}");
    compile(&c, skn_buf_slice(&text), &events);
    assert_int_equal(c.rc, SKN_OK);
    skn_liveness_init(&live, c.graph);
    assert_true(live.use_count < 10 * c.graph->unit_count);
    skn_liveness_fini(&live);
    compiled_fini(&c);
    skn_buf_fini(&text);
    skn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_keeps_something),
        cmocka_unit_test(what_nobody_reads_is_dropped_at_once),
        cmocka_unit_test(the_number_of_uses_is_linear),
        cmocka_unit_test(what_is_dropped_is_never_read),
    };
    return cmocka_run_group_tests_name("pointy live", tests, NULL, NULL);
}
