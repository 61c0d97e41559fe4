/* test_pointy.c - the real program lays flows out, draws them and describes them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"
#include "lib/spawn.h"

static struct skein s;

static int setup(void **state)
{
    return skein_folder_begin(&s, state);
}

static int teardown(void **state)
{
    return skein_folder_end(state);
}

static char *read_file(const struct folder *f, const char *name)
{
    static char text[4096];
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    (void)fclose(file);
    return text;
}

static void fmt_writes_the_one_layout(void **state)
{
    struct folder *f = *state;
    folder_write(f, "a.pty", "A->B # why\n");
    assert_int_equal(SKEIN(&s, "fmt", "a.pty", "--check"), 1);
    assert_string_equal(s.out, "a.pty\n");
    assert_int_equal(SKEIN(&s, "fmt", "a.pty", "--diff"), 1);
    assert_string_equal(s.out, "a.pty\n- A->B # why\n+ A -> B # why\n");
    assert_string_equal(read_file(f, "a.pty"), "A->B # why\n");
    assert_int_equal(SKEIN(&s, "fmt", "a.pty"), 0);
    assert_string_equal(s.out, "");
    assert_string_equal(read_file(f, "a.pty"), "A -> B # why\n");
    assert_int_equal(SKEIN(&s, "fmt", "a.pty", "--check"), 0);
    folder_write(f, "bad.pty", "A ->\n");
    assert_int_equal(SKEIN(&s, "fmt", "bad.pty"), 65);
    assert_has(s.err, "bad.pty:1:5: error[SKN-P011]");
    assert_has(s.err, "\"bad.pty\" is left as it is");
    assert_string_equal(read_file(f, "bad.pty"), "A ->\n");
    folder_write(f, "late.pty", "A->B");
    assert_int_equal(SKEIN(&s, "fmt", "bad.pty", "late.pty"), 65); /* the second is laid out */
    assert_int_equal(SKEIN(&s, "fmt", "late.pty", "--check"), 0);
    folder_write(f, "e.yaml", "event: E\n");
    assert_int_equal(SKEIN(&s, "fmt", "e.yaml"), 2);
    assert_has(s.err, "\"e.yaml\" is no flow; fmt lays out flows");
}

static void graph_draws_a_flow_in_every_form(void **state)
{
    struct folder *f = *state;
    folder_write(f, "a.pty", "A (failure -> B) |-> {C || D} * 2\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty"), 0);
    assert_has(s.out, "group * 2\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--format", "dot"), 0);
    assert_has(s.out, "digraph flow {\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--format", "mermaid"), 0);
    assert_has(s.out, "flowchart TB\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--data"), 0);
    assert_has(s.out,
               "0 A: read by 3 C, 4 D; read again by a further attempt of 2 group (2 attempts); ");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--json"), 0);
    assert_has(s.out, "{\"pointy\":1,");
    folder_write(f, "a.json", s.out);
    assert_int_equal(SKEIN(&s, "graph", "a.json", "--format", "pty"), 0);
    assert_string_equal(s.out, "A (failure -> B) |-> {C || D} * 2\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--format", "png"), 2);
    folder_write(f, "b.json", "{}");
    assert_int_equal(SKEIN(&s, "graph", "b.json"), 65);
    assert_has(s.err, "this is no graph");
    folder_write(f, "bad.pty", "A ->\n");
    assert_int_equal(SKEIN(&s, "graph", "bad.pty"), 1);
    assert_has(s.err, "bad.pty:1:5: error[SKN-P011]");
}

/* doc/pointy-graph.schema.json says what the JSON is, by another's reading of JSON Schema. */
static void the_json_is_what_the_schema_says(void **state)
{
    struct folder *f = *state;
    char graph[4096];
    static const char script[] = "import json, sys\n"
                                 "try: import jsonschema\n"
                                 "except ImportError: sys.exit(77)\n"
                                 "schema = json.load(open(sys.argv[1]))\n"
                                 "jsonschema.Draft7Validator.check_schema(schema)\n"
                                 "try: jsonschema.validate(json.load(open(sys.argv[2])), schema)\n"
                                 "except jsonschema.ValidationError: sys.exit(3)\n";
    const char *argv[] = {
        "python3", "-c", script, SKN_TEST_ROOT "/doc/pointy-graph.schema.json", graph, NULL};
    folder_write(f,
                 "a.pty",
                 "@input: l: list = [1, 2.5, [\"x\"]] @mode: CFG @scope: a/b\n"
                 "pypi:A@v2 * 3 [timeout=5s, size=64KiB, x=[true, -1]] (failure -> B, 3 |-> C)\n"
                 "|-> {MAP<D> || REDUCE<E>}[retries=0] -> FLOW<F>\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--json"), 0);
    folder_write(f, "a.json", s.out);
    (void)snprintf(graph, sizeof(graph), "%s/a.json", f->path);
    int rc = spawn_wait(argv);
    if (rc == -1 || rc == 77) {
        print_message("python3 or its jsonschema is not installed\n");
        skip();
    }
    assert_int_equal(rc, 0);
    folder_write(f, "a.json", "{\"pointy\": 1}"); /* so that it is seen to refuse */
    assert_int_equal(spawn_wait(argv), 3);
}

/* With Graphviz a picture; without it a sentence that says what is missing. */
static void graph_makes_svg_where_graphviz_is(void **state)
{
    struct folder *f = *state;
    folder_write(f, "a.pty", "A -> B\n");
    int rc = SKEIN(&s, "graph", "a.pty", "--format", "svg");
    if (rc == 0) {
        assert_has(s.out, "<svg");
        assert_int_equal(SKEIN(&s, "graph", "a.pty", "--format", "xdot"), 0);
        assert_has(s.out, "_draw_");
    } else {
        assert_has(s.err, "Graphviz is not installed");
        print_message("Graphviz is not installed: no picture was looked at\n");
    }
}

static void graph_compares_two_flows(void **state)
{
    struct folder *f = *state;
    folder_write(f, "old.pty", "A -> B -> C\n");
    folder_write(f, "new.pty", "A -> B * 2 -> C\n");
    assert_int_equal(SKEIN(&s, "graph", "new.pty", "--diff", "old.pty"), 1);
    assert_has(s.out, "- \xE2\x86\x92 B\n+ \xE2\x86\x92 B * 2\n");
    assert_int_equal(SKEIN(&s, "graph", "new.pty", "--diff", "new.pty"), 0);
}

static void describe_and_events_say_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    assert_int_equal(SKEIN(&s, "describe", "p/flows/hello.pty"), 0);
    assert_has(s.out, "1. ");
    assert_int_equal(SKEIN(&s, "events", "--project", "p"), 0);
    assert_has(s.out, "Hello 1.0.0");
    assert_int_equal(SKEIN(&s, "events", "Shout", "--project", "p"), 0);
    assert_has(s.out, "Shout 1.0.0");
    assert_int_equal(SKEIN(&s, "events", "Nobody", "--project", "p"), 66);
}

/* A text of RELIABILITY C .pty: what is wrong is a diagnostic with its place, check ends with 1, and a
 * run of it is refused with 65. */
struct bad_text {
    const char *what;
    const char *text;
    const char *code;
};

static void check_bad(const struct folder *f, const struct bad_text *bad, size_t len)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/bad.pty", f->path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bad->text, 1, len, file), len);
    (void)fclose(file);
    int code = SKEIN(&s, "check", "--project", "p", "bad.pty");
    if (code != 1 || !strstr(s.out, bad->code))
        fail_msg("%s: check ends with %d, without %s:\n%s", bad->what, code, bad->code, s.out);
    unsigned line, column;
    const char *at = strstr(s.out, "bad.pty:");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "bad.pty:%u:%u:", &line, &column), 2);
    code = SKEIN(&s, "run", "--project", "p", "bad.pty");
    if (code != 65) fail_msg("%s: run ends with %d\n%s", bad->what, code, s.err);
}

static void every_bad_text_of_the_table_is_refused(void **state)
{
    struct folder *f = *state;
    static const struct bad_text table[] = {
        {"empty", "", "SKN-P010"},
        {"BOM", "\xEF\xBB\xBFNoop", "SKN-P002"},
        {"invalid UTF-8", "Noop \xFF", "SKN-P001"},
        {"form feed", "Noop\f", "SKN-P002"},
        {"unreachable unit", "Fail -> Noop", "SKN-P302"},
        {"duplicate outcome", "Noop (0 -> Noop, failure -> Noop)", "SKN-P203"},
        {"outcome out of range", "Noop (10 -> Noop)", "SKN-P202"},
        {"A * 0", "Noop * 0", "SKN-P201"},
        {"A * -1", "Noop * -1", "SKN-P201"},
        {"A * 1e9", "Noop * 1e9", "SKN-P201"},
        {"A * 1000000000", "Noop * 1000000000", "SKN-P201"},
        {"retries no number", "Noop[retries=\"x\"]", "SKN-P207"},
        {"unknown option", "Noop[tiemout=5s]", "SKN-P206"},
        {"repeated option", "Noop[timeout=5s, timeout=6s]", "SKN-P205"},
        {"unknown event", "Helo", "SKN-P106"},
        {"event version missing", "Hello@9[name=\"x\"]", "SKN-P113"},
        {"dangling arrow", "Noop ->", "SKN-P011"},
        {"arrow at the start", "-> Noop", "SKN-P011"},
        {"unterminated group", "{Noop", "SKN-P013"},
        {"unterminated branches", "Noop (0 -> Noop", "SKN-P013"},
        {"unterminated options", "Noop[timeout=5s", "SKN-P013"},
        {"unterminated string", "Fail[reason=\"x", "SKN-P003"},
        {"only a comment", "# Noop", "SKN-P010"},
        {"keyword as name", "Noop -> failure", "SKN-P018"},
        {"keyword as input", "@input: MAP: int Noop", "SKN-P022"},
        {"homoglyph", "N\xD0\xBEop", "SKN-P106"}, /* a Cyrillic letter */
        {"a flow that starts itself", "FLOW<bad>", "SKN-P303"},
    };
    static const char nul[] = "Noop\0-> Noop";
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    folder_write(f, "p/flows/bad.pty", "Noop -> FLOW<bad>\n");
    for (size_t i = 0; i < SKN_ARRAY_LEN(table); i++)
        check_bad(f, &table[i], strlen(table[i].text));
    check_bad(f, &(struct bad_text){"NUL", nul, "SKN-P002"}, sizeof(nul) - 1);
}

/* What is large or deep, and what is only unusual. */
static void large_and_deep_texts_get_a_verdict(void **state)
{
    struct folder *f = *state;
    enum { LINE = 10 << 20, DEEP = 200000, UNITS = 1000000 };
    char *text = calloc(1, LINE + 16);
    assert_non_null(text);
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    memset(text, '(', DEEP);
    check_bad(f, &(struct bad_text){"200,000 deep", text, "SKN-P024"}, DEEP);
    memset(text, 'x', LINE);
    check_bad(f, &(struct bad_text){"a line of 10 MiB", text, "SKN-P106"}, LINE);
    for (size_t i = 0; i < UNITS; i++)
        memcpy(text + 6 * i, i == 0 ? "Noop  " : "||Noop", 6);
    text[6 * (size_t)UNITS] = 0;
    folder_write(f, "units.pty", text);
    assert_int_equal(SKEIN(&s, "check", "--project", "p", "units.pty"), 0);
    free(text);
    folder_write(f, "crlf.pty", "Noop\r\n\t-> Noop\r\n");
    assert_int_equal(SKEIN(&s, "check", "--project", "p", "crlf.pty"), 0);
}

/* With --json each prints one object. */
static void each_has_a_form_for_programs(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    folder_write(f, "a.pty", "A->B\n");
    assert_int_equal(SKEIN(&s, "fmt", "a.pty", "--check", "--json"), 1);
    assert_string_equal(s.out, "{\"file\":\"a.pty\",\"same\":false,\"text\":\"A -> B\\n\"}\n");
    assert_int_equal(SKEIN(&s, "describe", "a.pty", "--json"), 0);
    assert_has(s.out, "{\"text\":\"1. A.\\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--data", "--json"), 0);
    assert_has(s.out, "{\"text\":\"inputs\\n");
    assert_int_equal(SKEIN(&s, "graph", "a.pty", "--diff", "a.pty", "--json"), 0);
    assert_has(s.out, "{\"same\":true,\"text\":");
    assert_int_equal(SKEIN(&s, "events", "Hello", "--project", "p", "--json"), 0);
    assert_has(s.out,
               "{\"events\":[{\"name\":\"Hello\",\"version\":\"1.0.0\",\"deprecated\":false,");
    assert_has(s.out, "\"inputs\":{\"name\":\"string\"}");
    assert_int_equal(SKEIN(&s, "explain", "--json"), 0);
    assert_has(s.out, "{\"codes\":[{\"code\":\"SKN-P001\",");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fmt_writes_the_one_layout),
        TEST(graph_draws_a_flow_in_every_form),
        TEST(the_json_is_what_the_schema_says),
        TEST(graph_makes_svg_where_graphviz_is),
        TEST(graph_compares_two_flows),
        TEST(every_bad_text_of_the_table_is_refused),
        TEST(large_and_deep_texts_get_a_verdict),
        TEST(describe_and_events_say_what_there_is),
        TEST(each_has_a_form_for_programs),
    };
    return cmocka_run_group_tests_name("pointy", tests, NULL, NULL);
}
