/* test_codec.c - the stored form of a graph: golden bytes, identity, and any other bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_test.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL = 4 };

static const char program[] =
    "@input: url: string\n"
    "@input: n: int = 7\n"
    "@timeout: 2h\n"
    "Fetch * 3 (failure |-> Fail[reason=\"no\"], success -> A || {B -> C}\n"
    "[retries=2, timeout=5s, evaluate=\"at_least=1\", cancel_rest=false, fail_fast=true,\n"
    "jitter=0.25, retry_on=[\"timeout\"], no_retry_on=[\"exit:1\", \"exit:2\"], deadline=9s,\n"
    "on_failure=\"continue\"]) -> Sleep[for=250ms]\n"
    "|-> Fetch[url=\"x\"]\n";

static void encode(const struct skn_graph *graph, struct skn_buf *out)
{
    skn_buf_init(out, (size_t)1 << 26);
    assert_int_equal(skn_graph_encode(graph, out), SKN_OK);
}

/* Decodes and encodes again: whatever is read is what encode writes. */
static enum skn_rc decode(struct skn_slice bytes, struct skn_buf *dump)
{
    struct skn_arena arena;
    const struct skn_graph *graph;
    struct skn_diag diag = {0};
    skn_arena_init(&arena);
    enum skn_rc rc = skn_graph_decode(&arena, bytes, &diag, &graph);
    if (rc == SKN_OK) {
        struct skn_buf again;
        skn_graph_check(graph);
        assert_true(skn_graph_is_runnable(graph));
        encode(graph, &again);
        if (bytes.ptr[0] == LEVEL) assert_true(skn_slice_eq(skn_buf_slice(&again), bytes));
        if (dump) skn_graph_dump(graph, dump);
        skn_buf_fini(&again);
    } else {
        assert_true(diag.text[0] != '\0');
    }
    skn_arena_fini(&arena);
    return rc;
}

static void the_bytes_never_change(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes;
    project_init(&project);
    compile(&c, skn_slice_str("@timeout: 1s A[timeout=2s] * 2 (0 |-> Noop)"), &project.events);
    assert_int_equal(c.rc, SKN_OK);
    encode(c.graph, &bytes);
    static const uint8_t golden[] = {
        0x04,                               /* level */
        0xe8, 0x07,                         /* timeout 1000 ms */
        0x00,                               /* no inputs */
        0x02,                               /* two events */
        0x04, 0x01, 'A',                    /* exec A */
        0x01, 0x00, 0x00,                   /* 1.0.0 */
        0x01, 0x04, 't',  'r',  'u',  'e',  /* its program */
        0x00, 0x00, 0x00,                   /* no inputs, outputs, timeout */
        0x01, 0x00, 0xe8, 0x07, 0x00,       /* one attempt, factor 1.000 */
        0x00, 0x00, 0x00, 0x00,             /* no outcomes, may be repeated, no expressions */
        0x01, 0x04, 'N',  'o',  'o',  'p',  /* built in */
        0x02, 0x02, 0x02, 0x01, 0x00,       /* bodies, steps, units, branches, values */
        0x00, 0x00, 0x00,                   /* slots, binds, rules */
        0x01, 0x00,                         /* the run: one step, no variables */
        0x03,                               /* one unit, piped into */
        0x01, 0x01, 0x0e,                   /* A at 1:14 */
        0x02, 0x00, 0xe8, 0x07, 0x00,       /* two attempts */
        0xd0, 0x0f,                         /* timeout 2000 ms */
        0x00,                               /* no rules */
        0x00, 0x00,                         /* no values, no binds */
        0x01,                               /* one branch */
        0x01,                               /* failure, piped */
        0x01, 0x03,                         /* its body: one step of one unit, piped into */
        0x02, 0x01, 0x27,                   /* Noop at 1:39 */
        0x01, 0x00, 0xe8, 0x07, 0x00, 0x00, /* one attempt, no timeout */
        0x00, 0x00,                         /* no rules, no branches */
    };
    assert_int_equal(bytes.len, sizeof(golden));
    assert_memory_equal(bytes.ptr, golden, sizeof(golden));
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

static const char rate_yaml[] = "event: Rate\nversion: 1.0.0\nrun: { exec: [\"true\"] }\n"
                                "inputs: { n: { type: int, minimum: 2 } }\n";

/* A project of one event, from its file. */
static void event_init(struct project *p, const char *yaml)
{
    struct skn_source *source = skn_arena_zero(&p->arena, 1, sizeof(*source));
    struct skn_diags *diags = skn_arena_zero(&p->arena, 1, sizeof(*diags));
    const struct skn_event_def *def;
    assert_int_equal(skn_source_init(source, &p->arena, SKN_LIT("x.yaml"), skn_slice_str(yaml)),
                     SKN_OK);
    skn_diags_init(diags, &p->arena, source);
    assert_int_equal(skn_event_parse(&p->arena, source, diags, &def), SKN_OK);
    assert_int_equal(skn_project_events_init(&p->events, &p->arena, &def, 1, NULL), SKN_OK);
}

/* [F31] The words of a field stand behind its default, from level 2 on, and what does not fit them
 * was not written by us. */
static void words_are_stored(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes, dump;
    static const uint8_t golden[] = {
        0x04, 0x00, 0x00, 0x01,             /* level, timeout, inputs, one event */
        0x04, 0x04, 'R',  'a',  't',  'e',  /* exec Rate */
        0x01, 0x00, 0x00,                   /* 1.0.0 */
        0x01, 0x04, 't',  'r',  'u',  'e',  /* its program */
        0x01, 0x01, 'n',  0x01, 0x01, 0x00, /* one input: n, an int, required, no default */
        0x2d,                               /* 45 bytes of words: */
        0x07, 0x28, 0,    0,    0,    2,    0,   0,    0, /* a map of two */
        0x07, 0,    0,    0,    'm',  'i',  'n', 'i',  'm', 'u', 'm',  0x02, 2,
        0,    0,    0,    0,    0,    0,    0,   0x04, 0,   0,   0,    't',  'y',
        'p',  'e',  0x04, 0x03, 0,    0,    0,   'i',  'n', 't', 0x00, 0x00, /* no outputs, no timeout */
    };
    project_init(&project);
    event_init(&project, rate_yaml);
    compile(&c, SKN_LIT("Rate[n=3]"), &project.events);
    assert_int_equal(c.rc, SKN_OK);
    encode(c.graph, &bytes);
    assert_true(bytes.len > sizeof(golden));
    assert_memory_equal(bytes.ptr, golden, sizeof(golden));
    skn_buf_init(&dump, 1 << 16);
    assert_int_equal(decode(skn_buf_slice(&bytes), &dump), SKN_OK);
    assert_non_null(strstr(skn_buf_str(&dump), "takes n: int {\"minimum\":2,\"type\":\"int\"}\n"));

    static const uint8_t three[] = {0x02, 3, 0, 0, 0, 0, 0, 0, 0};
    uint8_t *value = memmem(bytes.ptr, bytes.len, three, sizeof(three));
    assert_non_null(value);
    value[1] = 1;
    assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_ECORRUPT);
    skn_buf_fini(&dump);
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

static void check_binds(const struct skn_graph *graph,
                        uint32_t unit,
                        const struct skn_graph_bind *wanted,
                        uint32_t count)
{
    uint32_t got;
    const struct skn_graph_bind *binds = skn_graph_binds_of(graph, unit, 0, &got);
    assert_int_equal(got, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(binds[i].input, wanted[i].input);
        assert_int_equal(binds[i].body, wanted[i].body);
        assert_int_equal(binds[i].slot, wanted[i].slot);
    }
}

/* [F19] A name is (group, slot) when it is stored: the inputs of the run are the first slots of
 * bodies[0]; an input that has a value needs none. */
static void names_are_bound_to_slots(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes;
    project_init(&project);
    compile(&c,
            SKN_LIT("@input: n: int @input: url: string Fetch -> {Fetch[url=\"x\"] -> {Fetch}}"),
            &project.events);
    assert_int_equal(c.rc, SKN_OK);
    static const struct skn_graph_bind url[] = {{0, 0, 1}};
    check_binds(c.graph, 0, url, 1);
    check_binds(c.graph, 2, NULL, 0);
    check_binds(c.graph, 4, url, 1);
    encode(c.graph, &bytes);
    assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_OK);
    static const uint8_t golden[] = {0x00, 0x01, 0x00, 0x00, 0x01}; /* no values; one bind: 0 0 1 */
    assert_non_null(memmem(bytes.ptr, bytes.len, golden, sizeof(golden)));
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

/* Variables from the inside out, then the run's input of the name. No run has variables yet, so the
 * mark of that is taken off to see the stored form. */
static void variables_are_bound_from_the_inside_out(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes;
    struct skn_arena arena;
    const struct skn_graph *again;
    project_init(&project);
    event_init(&project,
               "event: Count\nversion: 1.0.0\nrun: { exec: [\"true\"] }\noutputs: { n: int }\n"
               "inputs: { n: { type: int, default: 0 } }\nexports: [n]\n");
    compile(&c, SKN_LIT("@input: n: int Count -> {Count -> {Count -> Count}}"), &project.events);
    assert_int_equal(c.rc, SKN_OK);
    static const struct skn_graph_bind all[] = {{0, 2, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 0}};
    check_binds(c.graph, 0, all + 3, 1);
    check_binds(c.graph, 2, all + 2, 2);
    check_binds(c.graph, 4, all + 1, 3);
    check_binds(c.graph, 5, all, 4);
    struct skn_graph runnable = *c.graph;
    runnable.not_yet = (struct skn_slice){0};
    encode(&runnable, &bytes);
    skn_arena_init(&arena);
    assert_int_equal(skn_graph_decode(&arena, skn_buf_slice(&bytes), NULL, &again), SKN_OK);
    check_binds(again, 5, all, 4);
    assert_true(skn_slice_eq(skn_graph_slot_name(again, 2, 0), SKN_LIT("n")));
    assert_true(skn_slice_eq(skn_graph_slot_name(again, 0, 0), SKN_LIT("n")));
    skn_arena_fini(&arena);

    /* A bind to a group that is not around, to another name, out of order, or of no input. */
    static const struct skn_graph_bind bad[] = {{0, 2, 0}, {0, 0, 2}, {1, 0, 0}, {0, 3, 0}};
    struct skn_graph_bind *binds = skn_alloc(c.graph->bind_count * sizeof(*binds));
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        memcpy(binds, c.graph->binds, c.graph->bind_count * sizeof(*binds));
        binds[0] = bad[i]; /* of the first Count, which stands in the run */
        runnable.binds = binds;
        skn_buf_reset(&bytes);
        assert_int_equal(skn_graph_encode(&runnable, &bytes), SKN_OK);
        assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_ECORRUPT);
    }
    memcpy(binds, c.graph->binds, c.graph->bind_count * sizeof(*binds));
    binds[1] = all[3]; /* of the second: the run's input before the variable */
    binds[2] = all[2];
    skn_buf_reset(&bytes);
    assert_int_equal(skn_graph_encode(&runnable, &bytes), SKN_OK);
    assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_ECORRUPT);
    skn_free(binds);
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

/* What runs of an older version hold: the same flow as the one whose bytes never change. */
static void level_1_is_read(void **state)
{
    (void)state;
    static const uint8_t old[] = {
        0x01,                               /* level */
        0xe8, 0x07,                         /* timeout 1000 ms */
        0x01,                               /* one input */
        0x01, 'u',  0x00, 0x01, 0x00,       /* u: a string, required, no default */
        0x01,                               /* one event */
        0x04, 0x01, 'A',                    /* exec A */
        0x01, 0x00, 0x00,                   /* 1.0.0 */
        0x01, 0x04, 't',  'r',  'u',  'e',  /* its program */
        0x01, 0x01, 'u',  0x00, 0x01, 0x00, /* takes u: a string */
        0x00, 0x00,                         /* no outputs, no timeout */
        0x01, 0x00, 0xe8, 0x07, 0x00,       /* one attempt, factor 1.000 */
        0x01, 0x01, 0x01, 0x00, 0x00,       /* a body, a step, a unit */
        0x01, 0x03,                         /* the run: one step of one unit, piped into */
        0x01, 0x01, 0x0e,                   /* A at 1:14 */
        0x01, 0x00, 0xe8, 0x07, 0x00, 0x00, /* one attempt, no timeout */
        0x00, 0x00,                         /* no values, no branches */
    };
    struct skn_buf dump;
    skn_buf_init(&dump, 1 << 16);
    assert_int_equal(decode(skn_slice(old, sizeof(old)), &dump), SKN_OK);
    struct skn_arena arena;
    const struct skn_graph *graph;
    skn_arena_init(&arena);
    assert_int_equal(skn_graph_decode(&arena, skn_slice(old, sizeof(old)), NULL, &graph), SKN_OK);
    static const struct skn_graph_bind bind = {0, 0, 0};
    check_binds(graph, 0, &bind, 1); /* by its name */
    skn_arena_fini(&arena);
    assert_string_equal(skn_buf_str(&dump),
                        "timeout 1000ms\n"
                        "input u: string\n"
                        "event A exec 1.0.0 \"true\"\n"
                        "  takes u: string\n"
                        "|-> 0 A\n");
    skn_buf_fini(&dump);
}

static void level_3_is_read(void **state)
{
    (void)state;
    static const uint8_t old[] = {
        0x03, 0x00, 0x00, 0x01,             /* level, no timeout, no inputs, one event */
        0x04, 0x01, 'A',                    /* exec A */
        0x01, 0x00, 0x00,                   /* 1.0.0 */
        0x01, 0x04, 't',  'r',  'u',  'e',  /* its program */
        0x00, 0x00, 0x00,                   /* no inputs, outputs, timeout */
        0x01, 0x00, 0xe8, 0x07, 0x00,       /* one attempt, factor 1.000 */
        0x01, 0x01, 0x01, 0x00, 0x00,       /* a body, a step, a unit */
        0x00, 0x00,                         /* slots, binds */
        0x01, 0x00, 0x03,                   /* the run: no variables, one step of one unit */
        0x01, 0x01, 0x01,                   /* A at 1:1 */
        0x01, 0x00, 0xe8, 0x07, 0x00, 0x00, /* one attempt, no timeout */
        0x00, 0x00, 0x00,                   /* no values, binds, branches */
    };
    struct skn_buf dump;
    skn_buf_init(&dump, 1 << 16);
    assert_int_equal(decode(skn_slice(old, sizeof(old)), &dump), SKN_OK);
    assert_string_equal(skn_buf_str(&dump), "event A exec 1.0.0 \"true\"\n|-> 0 A\n");
    skn_buf_fini(&dump);
}

/* [F10] [F14] [F15] What a unit is told, its event's outcomes and the branches for them. */
static void rules_and_outcomes_are_stored(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes, dump;
    project_init(&project);
    event_init(&project,
               "event: Deal\nversion: 1.0.0\nrun: { exec: [\"true\"] }\noutcomes: [no, 3]\n"
               "retry: { attempts: 2, on: [timeout, \"exit:7\"] }\n");
    compile(&c,
            SKN_LIT("Deal[deadline=1s, jitter=true] (no -> Noop, 3 |-> Noop, 0 -> Noop)"),
            &project.events);
    assert_int_equal(c.rc, SKN_OK);
    encode(c.graph, &bytes);
    static const uint8_t event[] = {0x02, 0x02, 'n', 'o', 0x01, '3'};
    static const uint8_t rules[] = {0x43,                         /* deadline, jitter, retry_on */
                                    0xe8, 0x07, 0xf4, 0x03, 0x0f, /* 1000 ms, 500, 15 bytes: */
                                    't',  'i',  'm',  'e',  'o',  'u', 't', '\n',
                                    'e',  'x',  'i',  't',  ':',  '7', '\n'};
    static const uint8_t first[] = {0x04, 0x02, 'n', 'o'}, second[] = {0x05, 0x01, '3'};
    assert_non_null(memmem(bytes.ptr, bytes.len, event, sizeof(event)));
    assert_non_null(memmem(bytes.ptr, bytes.len, rules, sizeof(rules)));
    assert_non_null(memmem(bytes.ptr, bytes.len, first, sizeof(first)));
    assert_non_null(memmem(bytes.ptr, bytes.len, second, sizeof(second)));
    skn_buf_init(&dump, 1 << 16);
    assert_int_equal(decode(skn_buf_slice(&bytes), &dump), SKN_OK);
    assert_non_null(strstr(skn_buf_str(&dump),
                           "|-> 0 Deal attempts=2 deadline=1000ms jitter=0.500 "
                           "retry_on=timeout,exit:7\n"));
    /* A branch for an outcome that the event has not. */
    uint8_t *at = memmem(bytes.ptr, bytes.len, first, sizeof(first));
    at[3] = 'p';
    assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_ECORRUPT);
    at[3] = 'o';
    /* A list of failures whose last entry has no end. */
    at = memmem(bytes.ptr, bytes.len, rules, sizeof(rules));
    at[sizeof(rules) - 1] = 'x';
    assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_ECORRUPT);
    skn_buf_fini(&dump);
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

static void compile_program(struct compiled *c, struct project *project, struct skn_buf *bytes)
{
    project_init(project);
    compile(c, skn_slice_str(program), &project->events);
    assert_int_equal(c->rc, SKN_OK);
    encode(c->graph, bytes);
}

static void what_is_read_is_what_was_written(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes;
    struct skn_buf before;
    struct skn_buf after;
    compile_program(&c, &project, &bytes);
    skn_buf_init(&before, 1 << 20);
    skn_buf_init(&after, 1 << 20);
    skn_graph_dump(c.graph, &before);
    assert_int_equal(decode(skn_buf_slice(&bytes), &after), SKN_OK);
    assert_string_equal(skn_buf_str(&before), skn_buf_str(&after));
    skn_buf_fini(&before);
    skn_buf_fini(&after);
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

static void cut_bytes_are_refused(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes;
    compile_program(&c, &project, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *copy = skn_alloc(len); /* of its own, so that a read behind it is seen */
        if (len > 0) memcpy(copy, bytes.ptr, len);
        assert_int_equal(decode(skn_slice(copy, len), NULL), SKN_ECORRUPT);
        skn_free(copy);
    }
    skn_buf_put_u8(&bytes, 0);
    assert_int_equal(decode(skn_buf_slice(&bytes), NULL), SKN_ECORRUPT);
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

static void a_newer_level_is_said_to_be_newer(void **state)
{
    (void)state;
    const uint8_t newer[] = {LEVEL + 1, 0, 0};
    const uint8_t never[] = {0, 0, 0};
    assert_int_equal(decode(skn_slice(newer, sizeof(newer)), NULL), SKN_ENEWER);
    assert_int_equal(decode(skn_slice(never, sizeof(never)), NULL), SKN_ECORRUPT);
}

/* Every byte set to every value: refused, or another graph that is written the same again. */
static void changed_bytes_are_refused_or_another_graph(void **state)
{
    (void)state;
    struct project project;
    struct compiled c;
    struct skn_buf bytes;
    size_t refused = 0;
    compile_program(&c, &project, &bytes);
    for (size_t at = 0; at < bytes.len; at++) {
        uint8_t old = bytes.ptr[at];
        for (unsigned value = 0; value < 256; value++) {
            bytes.ptr[at] = (uint8_t)value;
            enum skn_rc rc = decode(skn_buf_slice(&bytes), NULL);
            if (rc != SKN_OK) refused++;
            if (value == old) assert_int_equal(rc, SKN_OK);
        }
        bytes.ptr[at] = old;
    }
    assert_true(refused > bytes.len * 100);
    skn_buf_fini(&bytes);
    compiled_fini(&c);
    project_fini(&project);
}

static void random_bytes_are_survived(void **state)
{
    (void)state;
    const char *given = getenv("SKN_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
    struct skn_rng rng;
    uint8_t bytes[64];
    skn_rng_init(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)skn_rng_below(&rng, sizeof(bytes));
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(skn_rng_below(&rng, 4) ? skn_rng_below(&rng, 8)
                                                        : skn_rng_below(&rng, 256));
        if (len > 0) bytes[0] = (uint8_t)(1 + round % LEVEL);
        (void)decode(skn_slice(bytes, len), NULL);
    }
}

static void a_graph_with_unknown_events_is_not_stored(void **state)
{
    (void)state;
    struct compiled c;
    struct skn_buf out;
    compile(&c, SKN_LIT("Nowhere"), NULL);
    assert_int_equal(c.rc, SKN_OK);
    assert_false(skn_graph_is_runnable(c.graph));
    skn_buf_init(&out, 1024);
    assert_int_equal(skn_graph_encode(c.graph, &out), SKN_EARGS);
    skn_buf_fini(&out);
    compiled_fini(&c);
}

static void a_full_buffer_is_said(void **state)
{
    (void)state;
    struct compiled c;
    struct skn_buf out;
    compile(&c, SKN_LIT("Noop"), NULL);
    skn_buf_init(&out, 8);
    assert_int_equal(skn_graph_encode(c.graph, &out), SKN_EFULL);
    skn_buf_fini(&out);
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_never_change),
        cmocka_unit_test(words_are_stored),
        cmocka_unit_test(names_are_bound_to_slots),
        cmocka_unit_test(variables_are_bound_from_the_inside_out),
        cmocka_unit_test(level_1_is_read),
        cmocka_unit_test(level_3_is_read),
        cmocka_unit_test(rules_and_outcomes_are_stored),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(cut_bytes_are_refused),
        cmocka_unit_test(a_newer_level_is_said_to_be_newer),
        cmocka_unit_test(changed_bytes_are_refused_or_another_graph),
        cmocka_unit_test(random_bytes_are_survived),
        cmocka_unit_test(a_graph_with_unknown_events_is_not_stored),
        cmocka_unit_test(a_full_buffer_is_said),
    };
    return cmocka_run_group_tests_name("pointy codec", tests, NULL, NULL);
}
