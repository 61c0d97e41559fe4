/* test_args.c - command lines: what is understood, and what every mistake is told. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args_internal.h"
#include "lib/test.h"

#include <string.h>

enum { ARGS_MAX = 16 };

struct fixture {
    struct skn_arena arena;
    struct skn_args args;
    struct skn_diag diag;
};

/* `line` is cut at blanks; "\x01" stands for an empty argument. */
static enum skn_rc parse(struct fixture *f, const char *line)
{
    char *argv[ARGS_MAX];
    int argc = 0;
    char *text = (char *)(uintptr_t)skn_arena_dup(&f->arena, skn_slice_str(line)).ptr;
    for (char *at = text; at; argc++) {
        argv[argc] = at;
        at = strchr(at, ' ');
        if (at) *at++ = 0;
        if (argv[argc][0] == 1) argv[argc][0] = 0;
    }
    f->diag.text[0] = 0;
    return skn_args_parse(&f->arena, argc, argv, &f->args, &f->diag);
}

static int setup(void **state)
{
    static struct fixture f;
    skn_arena_init(&f.arena);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    skn_arena_fini(&f->arena);
    return 0;
}

static void options_operands_and_values_are_told_apart(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "skein run -d a.pty --input k=v -i x=- --name=n -pdir --json"),
                     SKN_OK);
    assert_int_equal(f->args.command, SKN_COMMAND_RUN);
    assert_int_equal(f->args.operand_count, 1);
    assert_string_equal(f->args.operands[0], "a.pty");
    assert_true(skn_args_has(&f->args, SKN_OPTION_DETACH));
    assert_true(skn_args_has(&f->args, SKN_OPTION_JSON));
    assert_false(skn_args_has(&f->args, SKN_OPTION_LABEL));
    assert_string_equal(skn_args_value(&f->args, SKN_OPTION_NAME), "n");
    assert_string_equal(skn_args_value(&f->args, SKN_OPTION_PROJECT), "dir");
    assert_string_equal(skn_args_value(&f->args, SKN_OPTION_INPUT), "k=v");
    assert_string_equal(f->args.options[2].value, "x=-");
    assert_null(skn_args_value(&f->args, SKN_OPTION_DETACH));
}

static void two_dashes_end_the_options(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "skein run -- --name"), SKN_OK);
    assert_string_equal(f->args.operands[0], "--name");
    assert_int_equal(parse(f, "skein run -"), SKN_OK);
    assert_string_equal(f->args.operands[0], "-");
}

static void help_and_version_demand_nothing_else(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "skein --version"), SKN_OK);
    assert_false(f->args.has_command);
    assert_int_equal(parse(f, "skein run --help"), SKN_OK);
    assert_int_equal(parse(f, "skein -h"), SKN_OK);
}

static void every_mistake_is_named_with_its_place(void **state)
{
    struct fixture *f = *state;
    static const char *const lines[][2] = {
        {"skein", "skein help lists the commands"},
        {"skein --json", "skein help lists the commands"},
        {"skein rnu a.pty", "did you mean \"run\"?"},
        {"skein hold", "no command \"hold\"; skein help"}, /* the hidden one is not offered */
        {"skein RUN", "did you mean \"run\"?"},
        {"skein \x01", "no command \"\""},
        {"skein run", "run wants more: skein run FILE"},
        {"skein run a b", "argument 3: \"b\" is one too many: skein run FILE"},
        {"skein run \x01", "argument 2 is empty"},
        {"skein run a --nmae x",
         "argument 3: run has no option \"--nmae\"; did you mean \"--name\"?"},
        {"skein ps --detach", "argument 2: ps has no option \"--detach\""},
        {"skein --detach run a", "argument 1: skein has no option \"--detach\""},
        {"skein run a -x", "argument 3: there is no option \"-x\" here"},
        {"skein run a -dx", "there is no option \"-x\" here"},
        {"skein run a -\xc3\xa4", "there is no option \"-\xc3\xa4\" here"},
        {"skein run a --name", "argument 3: --name wants a value: --name NAME"},
        {"skein run a -n", "argument 3: --name wants a value"},
        {"skein run a --name=", "argument 3: the value of --name is empty"},
        {"skein run a --name \x01", "argument 4: the value of --name is empty"},
        {"skein run a --detach=yes", "argument 3: --detach takes no value"},
        {"skein run a --name x --name y", "argument 5: --name is given a second time"},
        {"skein run a -dd", "argument 3: --detach is given a second time"},
        {"skein ps --json --json", "argument 3: --json is given a second time"},
        {"skein run \xff", "argument 2 is not UTF-8: byte 1"},
        {"skein run a --name ab\xc3", "argument 4 is not UTF-8: byte 3"},
        {"skein run a --=x", "run has no option \"--\""},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(lines); i++) {
        if (parse(f, lines[i][0]) != SKN_EUSAGE) fail_msg("taken: %s", lines[i][0]);
        if (!strstr(f->diag.text, lines[i][1])) fail_msg("%s: %s", lines[i][0], f->diag.text);
    }
}

static void an_argument_of_any_length_is_refused_in_a_line(void **state)
{
    struct fixture *f = *state;
    enum { LONG = 1 << 20 };
    char *text = skn_arena_alloc(&f->arena, LONG);
    memset(text, 'x', LONG - 1);
    text[LONG - 1] = 0;
    char program[] = "skein", dashes[] = "--";
    char *argv[] = {program, text};
    assert_int_equal(skn_args_parse(&f->arena, 2, argv, &f->args, &f->diag), SKN_EUSAGE);
    memcpy(text, dashes, 2);
    assert_int_equal(skn_args_parse(&f->arena, 2, argv, &f->args, &f->diag), SKN_EUSAGE);
    text[1] = 'h';
    assert_int_equal(skn_args_parse(&f->arena, 2, argv, &f->args, &f->diag), SKN_EUSAGE);
    assert_true(strlen(f->diag.text) < SKN_DIAG_TEXT_MAX);
}

static void a_command_may_have_two_words(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(f, "skein domain --json get a:B/c key --limit 5"), SKN_OK);
    assert_int_equal(f->args.command, SKN_COMMAND_DOMAIN_GET);
    assert_int_equal(f->args.operand_count, 2);
    assert_string_equal(f->args.operands[0], "a:B/c");
    assert_int_equal(parse(f, "skein domain"), SKN_EUSAGE);
    assert_non_null(strstr(f->diag.text, "skein help domain"));
    assert_int_equal(parse(f, "skein domain --help"), SKN_OK);
    assert_false(f->args.has_command);
    assert_string_equal(f->args.group, "domain");
    assert_int_equal(parse(f, "skein domain send"), SKN_EUSAGE);
    assert_non_null(strstr(f->diag.text, "skein domain send ADDR NAME [JSON]"));
    assert_int_equal(parse(f, "skein domain sned a:B/c x"), SKN_EUSAGE);
    assert_non_null(strstr(f->diag.text, "did you mean \"domain send\"?"));
    assert_int_equal(parse(f, "skein ls"), SKN_EUSAGE); /* half of one is none */
    assert_true(skn_command_is_group("domain"));
    assert_false(skn_command_is_group("dom"));
    assert_false(skn_command_is_group("run"));
    assert_false(skn_command_is_public(SKN_COMMAND_DEV_CLOCK));
    assert_true(skn_command_is_public(SKN_COMMAND_DOMAIN_HISTORY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            options_operands_and_values_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(two_dashes_end_the_options, setup, teardown),
        cmocka_unit_test_setup_teardown(help_and_version_demand_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(every_mistake_is_named_with_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_argument_of_any_length_is_refused_in_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_command_may_have_two_words, setup, teardown),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
