/* flows.c - random flows as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/pointy.h"
#include "sim/world_internal.h"

#include "base/pure.h"

enum { DEPTH_MAX = 3, UNITS_MAX = 14, START_BYTES_MAX = 1 << 20 };

static const char *const event_names[] = {"A", "B", "C", "D", "E", "F", "G", "H"};

/* Every event takes the run's `x`, and all but the first ones what is piped, which at the beginning
 * is all inputs of the run; both if they are there. The last ones are tried again by
 * themselves. */
static const struct skn_project_events *events(struct skn_arena *arena)
{
    static const struct skn_slice outcomes[] = {
        {(const uint8_t *)SIM_OUTCOME, sizeof SIM_OUTCOME - 1}};
    size_t count = SKN_ARRAY_LEN(event_names);
    const struct skn_event_def **defs = skn_arena_zero(arena, count, sizeof *defs);
    for (size_t i = 0; i < count; i++) {
        struct skn_event_def *def = skn_arena_zero(arena, 1, sizeof *def);
        struct skn_field *fields = skn_arena_zero(arena, 2, sizeof *fields);
        struct skn_slice *argv = skn_arena_zero(arena, 1, sizeof *argv);
        argv[0] = SKN_LIT("program");
        fields[0] = (struct skn_field){.name = SKN_LIT("x"), .type = SKN_TYPE_ANY};
        fields[1] = (struct skn_field){.name = SKN_LIT("previous"), .type = SKN_TYPE_ANY};
        *def = (struct skn_event_def){.name = skn_slice_str(event_names[i]),
                                      .kind = SKN_EVENT_EXEC,
                                      .version = {1, 0, 0},
                                      .argv = argv,
                                      .argc = 1,
                                      .inputs = fields,
                                      .input_count = i < SIM_MODEST_EVENTS ? 1 : 2,
                                      .retry = {.attempts = i < 5 ? 1 : 3,
                                                .backoff_ms = i < 7 ? 0 : 400,
                                                .factor_milli = 2000}};
        if (i % 3 == 2) {
            def->outcomes = outcomes;
            def->outcome_count = SKN_ARRAY_LEN(outcomes);
        }
        defs[i] = def;
    }
    struct skn_project_events *all = skn_arena_zero(arena, 1, sizeof *all);
    enum skn_rc rc = skn_project_events_init(all, arena, defs, count, NULL);
    SKN_ASSERT(rc == SKN_OK);
    return all;
}

struct writer {
    struct skn_rng *rng;
    struct skn_buf *out;
    unsigned units;
};

static bool chance(struct writer *w, unsigned num, unsigned den)
{
    return skn_rng_chance(w->rng, num, den);
}

static unsigned below(struct writer *w, unsigned n)
{
    return (unsigned)skn_rng_below(w->rng, n);
}

/* One chance per statement: the order of arguments is the compiler's. */
static const char *any_event(struct writer *w)
{
    w->units++;
    return event_names[below(w, SKN_ARRAY_LEN(event_names))];
}

static void put_chain(struct writer *w, unsigned depth);

static void put_option(struct writer *w, unsigned *count, const char *option)
{
    skn_buf_put_str(w->out, (*count)++ == 0 ? "[" : ", ");
    skn_buf_put_str(w->out, option);
}

/* What events and groups may be told alike. */
static void put_options(struct writer *w, unsigned *count)
{
    static const char *const options[] = {"deadline=3s",
                                          "backoff=300ms",
                                          "jitter=true",
                                          "retry_on=[\"timeout\"]",
                                          "no_retry_on=[\"exit:1\"]",
                                          "stop_condition=\"ON_ERROR\"",
                                          "on_failure=\"continue\""};
    for (size_t i = 0; i < SKN_ARRAY_LEN(options); i++)
        if (chance(w, 1, 16)) put_option(w, count, options[i]);
}

static void put_evaluate(struct writer *w, unsigned *count)
{
    static const char *const options[] = {"evaluate=\"any\"",
                                          "evaluate=\"majority\"",
                                          "evaluate=\"none_failed\"",
                                          "evaluate=\"at_least=1\"",
                                          "fail_fast=true"};
    put_option(w, count, options[below(w, SKN_ARRAY_LEN(options))]);
    if (chance(w, 1, 4)) put_option(w, count, "cancel_rest=false");
}

static void put_event(struct writer *w)
{
    unsigned kind = below(w, 12), options = 0;
    if (kind == 0) {
        skn_buf_printf(w->out, "Sleep[for=%ums]", 1 + below(w, 5000));
    } else if (kind == 1) {
        skn_buf_put_str(w->out, "Noop");
    } else {
        if (kind == 2) skn_buf_printf(w->out, "%u * ", 2 + below(w, 3));
        skn_buf_put_str(w->out, any_event(w));
        if (kind == 3 || kind == 4) {
            skn_buf_printf(w->out, "[retries=%u", 2 + below(w, 3));
            options++;
        }
        put_options(w, &options);
        if (options > 0) skn_buf_put_str(w->out, "]");
    }
}

static void put_unit(struct writer *w, unsigned depth)
{
    if (depth < DEPTH_MAX && w->units < UNITS_MAX && chance(w, 1, 5)) {
        skn_buf_put_str(w->out, "{");
        put_chain(w, depth + 1);
        skn_buf_put_str(w->out, "}");
        unsigned options = 0;
        if (chance(w, 1, 3)) {
            skn_buf_printf(w->out, "[retries=%u", 2 + below(w, 2));
            options++;
        } else if (chance(w, 1, 4)) {
            skn_buf_printf(w->out, "[timeout=%ums, retries=2", 500 + below(w, 6000));
            options++;
        }
        put_options(w, &options);
        if (chance(w, 1, 3)) put_evaluate(w, &options);
        if (options > 0) skn_buf_put_str(w->out, "]");
    } else {
        put_event(w);
    }
    if (depth >= DEPTH_MAX || w->units >= UNITS_MAX || !chance(w, 1, 4)) return;
    skn_buf_put_str(w->out, chance(w, 1, 2) ? " (0 -> " : " (failure |-> ");
    put_chain(w, depth + 2);
    if (chance(w, 1, 3)) {
        skn_buf_put_str(w->out, ", 1 -> ");
        put_chain(w, depth + 2);
    }
    skn_buf_put_str(w->out, ")");
}

/* Goes into itself for groups and branches, at most DEPTH_MAX deep. */
static void put_chain(struct writer *w, unsigned depth)
{
    unsigned steps = 1 + below(w, depth == 0 ? 4 : 2);
    for (unsigned i = 0; i < steps; i++) {
        if (i > 0) skn_buf_put_str(w->out, chance(w, 1, 2) ? " -> " : " |-> ");
        unsigned width = chance(w, 1, 3) ? 2 + below(w, 2) : 1;
        for (unsigned j = 0; j < width; j++) {
            if (j > 0) skn_buf_put_str(w->out, " || ");
            put_unit(w, depth);
        }
    }
}

static void put_flow(struct writer *w, bool has_input)
{
    /* Only `previous` may bring it to an event (P8). */
    skn_buf_put_str(w->out, "@input: hidden: string\n");
    if (has_input) skn_buf_put_str(w->out, "@input: x: int\n");
    if (chance(w, 1, 8)) skn_buf_printf(w->out, "@timeout: %us\n", 1 + below(w, 20));
    put_chain(w, 0);
    skn_buf_put_str(w->out, "\n");
}

static const struct skn_graph *
compile(struct world *w, struct skn_arena *arena, struct skn_slice text)
{
    struct skn_source source;
    struct skn_diags *diags = skn_arena_alloc(arena, sizeof *diags);
    const struct skn_graph *graph = NULL;
    enum skn_rc rc = skn_source_init(&source, arena, SKN_LIT("sim.pty"), text);
    SKN_ASSERT(rc == SKN_OK);
    skn_diags_init(diags, arena, &source);
    rc = skn_pointy_compile(arena, &source, events(arena), diags, &graph);
    if (rc != SKN_OK) {
        struct skn_diag diag = {0};
        skn_buf_reset(&w->text);
        skn_diags_render(diags, &w->text);
        (void)SKN_FAIL(&diag, rc, "%s", skn_buf_str(&w->text));
        world_fail(w, "the generator wrote a bad flow", &diag);
        return NULL;
    }
    return graph;
}

static struct skn_slice
payload(struct world *w, struct skn_arena *arena, struct skn_slice graph, bool has_input)
{
    struct skn_builder *b = skn_arena_alloc(arena, sizeof *b);
    struct skn_buf out;
    skn_buf_init(&out, START_BYTES_MAX);
    skn_builder_init(b, &out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("graph"));
    skn_build_bytes(b, graph);
    skn_build_key(b, SKN_LIT("flow"));
    skn_build_str(b, "sim.pty");
    skn_build_key(b, SKN_LIT("inputs"));
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("hidden"));
    skn_build_str(b, SIM_CANARY);
    if (has_input) {
        skn_build_key(b, SKN_LIT("x"));
        skn_build_int(b, (int64_t)skn_rng_below(&w->rng, 1000));
    }
    skn_build_map_end(b);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    struct skn_slice bytes = skn_arena_dup(&w->arena, skn_buf_slice(&out));
    skn_buf_fini(&out);
    return bytes;
}

struct skn_slice flows_start(struct world *w)
{
    struct skn_arena arena;
    struct skn_buf text, graph_bytes;
    struct skn_slice bytes = {0};
    skn_arena_init(&arena);
    skn_buf_init(&text, START_BYTES_MAX);
    skn_buf_init(&graph_bytes, START_BYTES_MAX);
    bool has_input = skn_rng_chance(&w->rng, 1, 3);
    struct writer writer = {.rng = &w->rng, .out = &text};
    put_flow(&writer, has_input);
    const struct skn_graph *graph = compile(w, &arena, skn_buf_slice(&text));
    if (graph && skn_graph_encode(graph, &graph_bytes) == SKN_OK)
        bytes = payload(w, &arena, skn_buf_slice(&graph_bytes), has_input);
    skn_buf_fini(&graph_bytes);
    skn_buf_fini(&text);
    skn_arena_fini(&arena);
    return bytes;
}
