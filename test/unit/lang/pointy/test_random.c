/* test_random.c - generated programs: what is meant is what is compiled, and nothing crashes.
 *
 * SKN_SEED=N repeats one seed; a failure prints it. SKN_SOAK multiplies the count. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_test.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* Writes a program and, beside it, the dump of the graph that it means. */
struct writer {
    struct skn_rng rng;
    struct skn_buf text;
    struct skn_buf dump;
    unsigned unit;     /* next id */
    unsigned seen;     /* events used so far, a bit each */
    unsigned order[5]; /* in order of first use */
    unsigned count;
    unsigned budget; /* units left */
};

static unsigned pick(struct writer *w, unsigned n)
{
    return (unsigned)skn_rng_below(&w->rng, n);
}

/* Blanks and comments mean nothing, anywhere between tokens. */
static void put_blank(struct writer *w)
{
    static const char *const blanks[] = {
        " ", "", "\n", "\t", "\r\n", " # } -> ( \"\n", "  ", "#\n", " ", ""};
    skn_buf_put_str(&w->text, blanks[pick(w, 10)]);
}

static void put(struct writer *w, const char *token)
{
    skn_buf_put_str(&w->text, token);
    put_blank(w);
}

static void indent(struct writer *w, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        skn_buf_put_str(&w->dump, "    ");
}

static void put_body(struct writer *w, unsigned depth, bool piped);

static void put_options(struct writer *w, unsigned attempts, unsigned timeout)
{
    if (attempts == 0 && timeout == 0) return;
    put(w, "[");
    if (timeout > 0) {
        static const char *const units[] = {"ms", "s"};
        unsigned seconds = timeout % 1000 == 0 && pick(w, 2);
        skn_buf_printf(
            &w->text, "timeout = %u%s", seconds ? timeout / 1000 : timeout, units[seconds]);
        put_blank(w);
    }
    if (attempts > 0) {
        if (timeout > 0) put(w, ",");
        skn_buf_printf(&w->text, "%s=%u", pick(w, 2) ? "retries" : "retry_attempts", attempts);
        put_blank(w);
    }
    if (pick(w, 4) == 0) put(w, ",");
    put(w, "]");
}

static void put_branches(struct writer *w, unsigned depth)
{
    static const char *const words[2][2] = {{"0", "failure"}, {"1", "success"}};
    unsigned first = pick(w, 2);
    put(w, "(");
    for (unsigned i = 0; i < 2; i++) {
        unsigned outcome = i == 0 ? first : 1 - first;
        bool piped = pick(w, 2);
        if (i > 0) put(w, ",");
        put(w, words[outcome][pick(w, 2)]);
        put(w, piped ? "|->" : "->");
        indent(w, depth + 1);
        skn_buf_put_str(&w->dump, outcome ? "on success\n" : "on failure\n");
        put_body(w, depth + 1, piped);
    }
    if (pick(w, 4) == 0) put(w, ",");
    put(w, ")");
}

static void put_event(struct writer *w, unsigned event)
{
    const char name[2] = {(char)('A' + event), '\0'};
    if (!(w->seen & (1U << event))) {
        w->seen |= 1U << event;
        w->order[w->count++] = event;
    }
    put(w, name);
    skn_buf_put_str(&w->dump, name);
}

/* One unit. Its line of the dump comes before what is inside it; suffixes are decided first. */
static void put_unit(struct writer *w, unsigned depth, bool piped)
{
    unsigned attempts = pick(w, 3) == 0 ? 2 + pick(w, 9) : 0;
    unsigned where = pick(w, 3); /* before, behind, as an option */
    unsigned timeout = pick(w, 4) == 0 ? 1 + pick(w, 5000) : 0;
    bool is_group = depth < 5 && w->budget > 4 && pick(w, 4) == 0;
    bool has_branches = depth < 5 && w->budget > 6 && pick(w, 4) == 0;
    if (w->budget > 0) w->budget--;
    skn_buf_printf(&w->dump, "%u ", w->unit++);
    if (attempts && where == 0) {
        skn_buf_printf(&w->text, "%u", attempts);
        put(w, "*");
    }
    if (is_group) skn_buf_put_str(&w->dump, "group");
    if (!is_group) put_event(w, pick(w, 5));
    if (timeout) skn_buf_printf(&w->dump, " timeout=%ums", timeout);
    if (attempts) skn_buf_printf(&w->dump, " attempts=%u", attempts);
    skn_buf_put_str(&w->dump, "\n");
    if (is_group) {
        bool brace = pick(w, 2);
        put(w, brace ? "{" : "(");
        put_body(w, depth + 1, piped);
        put(w, brace ? "}" : ")");
    }
    bool branches_first = pick(w, 2);
    if (has_branches && branches_first) put_branches(w, depth);
    if (attempts && where == 1) {
        put(w, "*");
        skn_buf_printf(&w->text, "%u", attempts);
        skn_buf_put_str(&w->text, " ");
    }
    put_options(w, where == 2 ? attempts : 0, timeout);
    if (has_branches && !branches_first) put_branches(w, depth);
}

static void put_body(struct writer *w, unsigned depth, bool piped)
{
    unsigned steps = 1 + pick(w, 3);
    for (unsigned s = 0; s < steps; s++) {
        if (s > 0) piped = pick(w, 2);
        if (s > 0) put(w, piped ? "|->" : "->");
        unsigned units = pick(w, 3) ? 1 : 1 + pick(w, 3);
        for (unsigned u = 0; u < units; u++) {
            if (u > 0) put(w, "||");
            indent(w, depth);
            skn_buf_put_str(&w->dump, u > 0 ? "||  " : piped ? "|-> " : "->  ");
            put_unit(w, depth, piped);
        }
    }
}

/* The dump begins with the events, which are only known at its end. */
static void finish(struct writer *w, struct skn_buf *expected)
{
    for (unsigned i = 0; i < w->count; i++)
        skn_buf_printf(expected, "event %c exec 1.0.0 \"true\"\n", 'A' + (int)w->order[i]);
    skn_buf_put(expected, skn_buf_slice(&w->dump));
}

static void check_stored_form(const struct skn_graph *graph, const char *dump)
{
    struct skn_buf bytes;
    struct skn_buf again;
    struct skn_buf text;
    struct skn_arena arena;
    const struct skn_graph *read;
    skn_arena_init(&arena);
    skn_buf_init(&bytes, 1 << 22);
    skn_buf_init(&again, 1 << 22);
    skn_buf_init(&text, 1 << 22);
    assert_int_equal(skn_graph_encode(graph, &bytes), SKN_OK);
    assert_int_equal(skn_graph_decode(&arena, skn_buf_slice(&bytes), NULL, &read), SKN_OK);
    assert_int_equal(skn_graph_encode(read, &again), SKN_OK);
    assert_true(skn_slice_eq(skn_buf_slice(&bytes), skn_buf_slice(&again)));
    skn_graph_dump(read, &text);
    assert_string_equal(skn_buf_str(&text), dump);
    skn_buf_fini(&bytes);
    skn_buf_fini(&again);
    skn_buf_fini(&text);
    skn_arena_fini(&arena);
}

static uint64_t soak(void)
{
    const char *given = getenv("SKN_SOAK");
    return given ? strtoull(given, NULL, 0) : 1;
}

static bool one_program(uint64_t seed, const struct project *project)
{
    struct writer w = {.budget = 60};
    struct skn_buf expected;
    struct skn_buf got;
    struct compiled c;
    skn_rng_init(&w.rng, seed);
    skn_buf_init(&w.text, 1 << 22);
    skn_buf_init(&w.dump, 1 << 22);
    skn_buf_init(&expected, 1 << 22);
    skn_buf_init(&got, 1 << 22);
    put_blank(&w);
    put_body(&w, 0, true);
    finish(&w, &expected);
    compile(&c, skn_buf_slice(&w.text), &project->events);
    skn_diags_render(&c.diags, &got);
    if (c.rc == SKN_OK) skn_graph_dump(c.graph, &got);
    bool same = strcmp(skn_buf_str(&got), skn_buf_str(&expected)) == 0;
    if (!same)
        print_message("seed %llu:\n%s\nmust give\n%s\nbut gives\n%s\n",
                      (unsigned long long)seed,
                      skn_buf_str(&w.text),
                      skn_buf_str(&expected),
                      skn_buf_str(&got));
    if (same) check_stored_form(c.graph, skn_buf_str(&expected));
    skn_buf_fini(&w.text);
    skn_buf_fini(&w.dump);
    skn_buf_fini(&expected);
    skn_buf_fini(&got);
    compiled_fini(&c);
    return same;
}

static void a_generated_program_compiles_to_what_it_means(void **state)
{
    (void)state;
    struct project project;
    const char *given = getenv("SKN_SEED");
    project_init(&project);
    if (given) assert_true(one_program(strtoull(given, NULL, 0), &project));
    for (uint64_t seed = 1; seed <= 2000 * soak() && !given; seed++)
        assert_true(one_program(seed, &project));
    project_fini(&project);
}

/* Any sequence of tokens ends in a verdict whose places are in the text (compile checks them). */
static void any_tokens_get_a_verdict(void **state)
{
    (void)state;
    static const char *const tokens[] = {
        "A",
        "B",
        "->",
        "|->",
        "||",
        "*",
        "3",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "@",
        "=",
        "timeout",
        "retries",
        "30s",
        "\"x\"",
        "0",
        "1",
        "MAP",
        "<",
        ">",
        "?",
        "success",
        "failure",
        "@input: a: int",
        "#c\n",
        "\"",
        "|",
        "-",
        "$",
        "v1.2",
        "local",
        "1e9",
        "\xff",
        "é",
        "true",
        "-1",
        "\n",
        "Noop",
        "Fail",
        "Sleep[for=1s]",
        "@timeout: 1s",
        "Fetch",
        "url",
        "\xc3",
        "MAP<A>",
        "Log[message=\"x\"]",
        "A@1",
        "-> B",
    };
    struct project project;
    struct skn_buf text;
    uint64_t verdicts[3] = {0};
    const char *given = getenv("SKN_SEED");
    uint64_t first = given ? strtoull(given, NULL, 0) : 1;
    project_init(&project);
    skn_buf_init(&text, 1 << 16);
    for (uint64_t seed = first; seed < first + (given ? 1 : 8000 * soak()); seed++) {
        struct skn_rng rng;
        struct compiled c;
        struct skn_buf shown;
        skn_rng_init(&rng, seed);
        skn_buf_reset(&text);
        for (uint64_t i = skn_rng_below(&rng, 1 + skn_rng_below(&rng, 30)); i > 0; i--) {
            skn_buf_put_str(&text, tokens[skn_rng_below(&rng, SKN_ARRAY_LEN(tokens))]);
            if (skn_rng_below(&rng, 2)) skn_buf_put_str(&text, " ");
        }
        compile(&c, skn_buf_slice(&text), skn_rng_below(&rng, 2) ? &project.events : NULL);
        skn_buf_init(&shown, 1 << 20);
        skn_diags_render(&c.diags, &shown);
        assert_int_equal(skn_buf_rc(&shown), SKN_OK);
        skn_buf_fini(&shown);
        verdicts[c.rc == SKN_OK ? 0 : c.rc == SKN_ENOTYET ? 1 : 2]++;
        if (c.rc == SKN_OK && skn_graph_is_runnable(c.graph)) {
            skn_buf_init(&shown, 1 << 20);
            skn_graph_dump(c.graph, &shown);
            check_stored_form(c.graph, skn_buf_str(&shown));
            skn_buf_fini(&shown);
        }
        compiled_fini(&c);
    }
    if (!given)
        for (int i = 0; i < 3; i++)
            assert_true(verdicts[i] > 0); /* else the generator says nothing */
    skn_buf_fini(&text);
    project_fini(&project);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generated_program_compiles_to_what_it_means),
        cmocka_unit_test(any_tokens_get_a_verdict),
    };
    return cmocka_run_group_tests_name("pointy random", tests, NULL, NULL);
}
