/* test_inputs.c - inputs typed by the flow, and what every mistake is told. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inputs_internal.h"
#include "lang/kit/diags.h"
#include "lib/folder.h"

enum { TEXT_MAX = 1 << 16, OPTIONS_MAX = 8 };

static const char flow[] = "@input: name: string\n"
                           "@input: count: int = 3\n"
                           "@input: rate: float = 1.5\n"
                           "@input: loud: bool = false\n"
                           "@input: items: list = [1]\n"
                           "@input: more: object ?\n"
                           "@input: what: any ?\n"
                           "Noop\n";

struct fixture {
    struct skn_arena arena;
    struct folder folder;
    const struct skn_graph *graph;
    struct skn_buf json;
    struct skn_diag diag;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    skn_arena_init(&f->arena);
    skn_buf_init(&f->json, TEXT_MAX);
    folder_make(&f->folder);
    struct skn_source source;
    struct skn_diags diags;
    if (skn_source_init(&source, &f->arena, SKN_LIT("t.pty"), skn_slice_str(flow)) != SKN_OK)
        return -1;
    skn_diags_init(&diags, &f->arena, &source);
    if (skn_pointy_compile(&f->arena, &source, NULL, &diags, &f->graph) != SKN_OK) {
        skn_diags_render(&diags, &f->json);
        (void)fprintf(stderr, "%s", skn_buf_str(&f->json));
        return -1;
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    skn_buf_fini(&f->json);
    skn_arena_fini(&f->arena);
    folder_remove(&f->folder);
    free(f);
    return 0;
}

/* Up to three --input. */
static enum skn_rc read_inputs(struct fixture *f, const char *a, const char *b, const char *c)
{
    const char *values[] = {a, b, c};
    struct skn_args_option options[OPTIONS_MAX];
    struct skn_args args = {.options = options};
    for (size_t i = 0; i < SKN_ARRAY_LEN(values); i++)
        if (values[i])
            options[args.option_count++] = (struct skn_args_option){SKN_OPTION_INPUT, values[i]};
    skn_buf_reset(&f->json);
    f->diag.text[0] = 0;
    return skn_inputs_read(&f->arena, &args, f->graph, &f->json, &f->diag);
}

static void what_is_not_given_takes_its_default(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_inputs(f, "name=a", NULL, NULL), SKN_OK);
    assert_string_equal(skn_buf_str(&f->json),
                        "{\"name\":\"a\",\"count\":3,\"rate\":1.5,\"loud\":false,\"items\":[1],"
                        "\"more\":null,\"what\":null}");
}

static void a_value_is_read_as_its_type(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"name=", "\"name\":\"\""},
        {"name=12", "\"name\":\"12\""},
        {"name=a=b", "\"name\":\"a=b\""},
        {"count=-7", "\"count\":-7"},
        {"count= 7 ", "\"count\":7"},
        {"count=9223372036854775807", ":9223372036854775807"},
        {"rate=2", "\"rate\":2.0"},
        {"rate=1e3", "\"rate\":1000.0"},
        {"loud=true", "\"loud\":true"},
        {"items=[]", "\"items\":[]"},
        {"more={\"a\":1}", "{\"a\":1}"},
        {"what=5", "\"what\":5"},
        {"what=five", "\"what\":\"five\""},
        {"what=null", "\"what\":null"},
        {"more=null", "\"more\":null"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        bool is_name = strncmp(rows[i][0], "name", 4) == 0;
        if (read_inputs(f, rows[i][0], is_name ? NULL : "name=x", NULL) != SKN_OK)
            fail_msg("%s: %s", rows[i][0], f->diag.text);
        if (!strstr(skn_buf_str(&f->json), rows[i][1]))
            fail_msg("%s: %s", rows[i][0], skn_buf_str(&f->json));
    }
}

static void every_mistake_names_the_input(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"count=1", "the flow needs the input \"name\" (string): --input name=.."},
        {"nmae=1", "the flow has no input \"nmae\"; did you mean \"name\"?"},
        {"zzzzzz=1", "the flow has no input \"zzzzzz\""},
        {"name", "--input wants name=value or @file.json, not \"name\""},
        {"=x", "--input wants name=value"},
        {"count=", "\"count\" must be a whole number such as 12, not \"\""},
        {"count=0x10", "\"count\" must be a whole number such as 12, not \"0x10\""},
        {"count=1.5", "\"count\" must be a whole number"},
        {"count=9223372036854775808", "\"count\" must be a whole number"},
        {"count=null", "\"count\" must be a whole number"},
        {"rate=fast", "\"rate\" must be a number such as 1.5, not \"fast\""},
        {"loud=yes", "\"loud\" must be true or false, not \"yes\""},
        {"loud=1", "\"loud\" must be true or false"},
        {"items={}", "\"items\" must be a JSON list"},
        {"items=[1,]", "\"items\" must be a JSON list such as [1, 2], not \"[1,]\""},
        {"more=[]", "\"more\" must be a JSON object"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        if (read_inputs(f, rows[i][0], NULL, NULL) != SKN_EUSAGE) fail_msg("%s", rows[i][0]);
        if (!strstr(f->diag.text, rows[i][1])) fail_msg("%s: %s", rows[i][0], f->diag.text);
    }
    assert_int_equal(read_inputs(f, "name=a", "name=b", NULL), SKN_EUSAGE);
    assert_string_equal(f->diag.text, "the input \"name\" is given a second time");
}

static void a_file_gives_all_and_the_command_line_wins(void **state)
{
    struct fixture *f = *state;
    folder_write(&f->folder, "in.json", "{\"name\": \"file\", \"count\": 8, \"rate\": 2}");
    char at[FOLDER_PATH_MAX];
    (void)snprintf(at, sizeof(at), "@%s", folder_at(&f->folder, "in.json"));
    assert_int_equal(read_inputs(f, "name=line", at, NULL), SKN_OK);
    assert_non_null(strstr(skn_buf_str(&f->json), "{\"name\":\"line\",\"count\":8,\"rate\":2.0,"));
    assert_int_equal(read_inputs(f, at, "name=line", NULL), SKN_OK);
    assert_non_null(strstr(skn_buf_str(&f->json), "{\"name\":\"line\",\"count\":8"));
    assert_int_equal(read_inputs(f, at, at, NULL), SKN_EUSAGE);
}

static void a_bad_file_is_named(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        enum skn_rc rc;
        const char *says;
    } rows[] = {
        {"{\"name\": 5}", SKN_EUSAGE, "\"name\" must be a text"},
        {"{\"nmae\": \"x\"}", SKN_EUSAGE, "did you mean \"name\"?"},
        {"[1]", SKN_EUSAGE, "must hold a JSON object"},
        {"{\"name\": \"a\",}", SKN_ESYNTAX, "in.json: JSON 1:"},
        {"{\"name\": \"a\", \"name\": \"b\"}", SKN_ESYNTAX, "in.json: JSON 1:"},
        {"", SKN_ESYNTAX, "in.json: JSON 1:"},
    };
    char at[FOLDER_PATH_MAX];
    (void)snprintf(at, sizeof(at), "@%s", folder_at(&f->folder, "in.json"));
    assert_int_equal(read_inputs(f, at, NULL, NULL), SKN_ENOENT);
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        folder_write(&f->folder, "in.json", rows[i].text);
        assert_int_equal(read_inputs(f, at, NULL, NULL), rows[i].rc);
        if (!strstr(f->diag.text, rows[i].says)) fail_msg("%s: %s", rows[i].text, f->diag.text);
    }
}

static void labels_are_texts(void **state)
{
    struct fixture *f = *state;
    struct skn_args_option options[] = {{SKN_OPTION_LABEL, "b=1"}, {SKN_OPTION_LABEL, "a=x=y"}};
    struct skn_args args = {.options = options, .option_count = 2};
    assert_int_equal(skn_labels_read(&args, &f->json, &f->diag), SKN_OK);
    assert_string_equal(skn_buf_str(&f->json), "{\"a\":\"x=y\",\"b\":\"1\"}");
    options[1].value = "b=2";
    assert_int_equal(skn_labels_read(&args, &f->json, &f->diag), SKN_EUSAGE);
    options[1].value = "b";
    assert_int_equal(skn_labels_read(&args, &f->json, &f->diag), SKN_EUSAGE);
    assert_non_null(strstr(f->diag.text, "\"b\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_given_takes_its_default),
        TEST(a_value_is_read_as_its_type),
        TEST(every_mistake_names_the_input),
        TEST(a_file_gives_all_and_the_command_line_wins),
        TEST(a_bad_file_is_named),
        TEST(labels_are_texts),
    };
    return cmocka_run_group_tests_name("inputs", tests, NULL, NULL);
}
