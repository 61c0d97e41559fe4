/* pty_test.h - what the tests of Pointy share: a compilation in a struct, and a small project. */
#pragma once

#include "lib/test.h"

#include "base/mem.h"
#include "lang/pointy/pointy.h"

/* One compilation and all that belongs to it. */
struct compiled {
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    const struct skn_graph *graph; /* when rc is SKN_OK */
    enum skn_rc rc;
};

/* The check that builds no graph says the same; long texts are slow enough once. */
static inline void check_says_the_same(struct compiled *c, const struct skn_project_events *events)
{
    struct skn_diags again;
    struct skn_buf shown[2];
    skn_diags_init(&again, &c->arena, &c->source);
    assert_int_equal(skn_pointy_check(&c->arena, &c->source, events, &again), c->rc);
    for (int i = 0; i < 2; i++) {
        skn_buf_init(&shown[i], 1 << 20);
        skn_diags_render(i == 0 ? &c->diags : &again, &shown[i]);
    }
    assert_string_equal(skn_buf_str(&shown[0]), skn_buf_str(&shown[1]));
    skn_buf_fini(&shown[0]);
    skn_buf_fini(&shown[1]);
    if (c->rc != SKN_OK) assert_true(c->diags.errors > 0);
}

static inline void
compile(struct compiled *c, struct skn_slice text, const struct skn_project_events *events)
{
    skn_arena_init(&c->arena);
    assert_int_equal(skn_source_init(&c->source, &c->arena, SKN_LIT("x.pty"), text), SKN_OK);
    skn_diags_init(&c->diags, &c->arena, &c->source);
    c->graph = NULL;
    c->rc = skn_pointy_compile(&c->arena, &c->source, events, &c->diags, &c->graph);
    skn_diags_check(&c->diags);
    if (c->rc == SKN_OK) skn_graph_check(c->graph);

    if (text.len < 1 << 16) check_says_the_same(c, events);
}

static inline void compiled_fini(struct compiled *c)
{
    skn_arena_fini(&c->arena);
}

/* The project of these tests: A to E, programs without inputs; Fetch takes url and puts out body. */
struct project {
    struct skn_event_def defs[6];
    struct skn_slice argv[1];
    struct skn_field url;
    struct skn_field body;
    struct skn_arena arena;
    struct skn_project_events events;
};

static inline void project_init(struct project *p)
{
    static const char *const names[] = {"A", "B", "C", "D", "E", "Fetch"};
    const struct skn_event_def *defs[6];
    *p = (struct project){.argv = {SKN_LIT("true")}};
    p->url = (struct skn_field){.name = SKN_LIT("url"), .type = SKN_TYPE_STRING, .required = true};
    p->body = (struct skn_field){.name = SKN_LIT("body"), .type = SKN_TYPE_ANY, .required = true};
    for (int i = 0; i < 6; i++) {
        p->defs[i] = (struct skn_event_def){.name = skn_slice_str(names[i]),
                                            .kind = SKN_EVENT_EXEC,
                                            .version = {1, 0, 0},
                                            .argv = p->argv,
                                            .argc = 1,
                                            .retry = {.attempts = 1, .factor_milli = 1000}};
        defs[i] = &p->defs[i];
    }
    p->defs[5].inputs = &p->url;
    p->defs[5].input_count = 1;
    p->defs[5].outputs = &p->body;
    p->defs[5].output_count = 1;
    p->defs[5].timeout_ms = 30000;
    p->defs[5].retry = (struct skn_retry){4, 1000, 2000, 60000};
    skn_arena_init(&p->arena);
    assert_int_equal(skn_project_events_init(&p->events, &p->arena, defs, 6, NULL), SKN_OK);
}

static inline void project_fini(struct project *p)
{
    skn_arena_fini(&p->arena);
}
