/* test_pointy.c - the real program lays flows out, draws them and describes them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"
#include "lib/spawn.h"

static struct skein s;

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
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
    assert_has(s.out, "0 A: piped into 2 group\n");
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
                                 "jsonschema.validate(json.load(open(sys.argv[2])), schema)\n";
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
    assert_int_not_equal(spawn_wait(argv), 0);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fmt_writes_the_one_layout),
        TEST(graph_draws_a_flow_in_every_form),
        TEST(the_json_is_what_the_schema_says),
        TEST(graph_makes_svg_where_graphviz_is),
        TEST(graph_compares_two_flows),
        TEST(describe_and_events_say_what_there_is),
    };
    return cmocka_run_group_tests_name("pointy", tests, NULL, NULL);
}
