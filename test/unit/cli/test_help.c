/* test_help.c - help, completion and man page say the same: all come from commands_map.h.
 *
 * With SKEIN_UPDATE=1 in the environment the two files are written instead of compared.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help_internal.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "begin of what is made\n"
#define END   ".\\\" end of what is made\n"

enum { TEXT_MAX = 1 << 20 };

static void read_file(const char *path, struct skn_buf *out)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    uint8_t *room = skn_buf_reserve(out, TEXT_MAX / 2);
    skn_buf_commit(out, fread(room, 1, TEXT_MAX / 2, file));
    (void)fclose(file);
}

static void same_or_write(const char *path, const char *expected, const char *found)
{
    if (getenv("SKEIN_UPDATE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(expected, file) >= 0);
        assert_int_equal(fclose(file), 0);
    } else {
        assert_string_equal(found, expected);
    }
}

static void the_completion_is_what_the_table_makes(void **state)
{
    (void)state;
    const char *path = SKN_TEST_ROOT "/completion/skein.bash";
    struct skn_buf made, found;
    skn_buf_init(&made, TEXT_MAX);
    skn_buf_init(&found, TEXT_MAX);
    skn_help_bash(&made);
    read_file(path, &found);
    same_or_write(path, skn_buf_str(&made), skn_buf_str(&found));
    skn_buf_fini(&made);
    skn_buf_fini(&found);
}

static void the_man_page_lists_what_the_table_has(void **state)
{
    (void)state;
    const char *path = SKN_TEST_ROOT "/doc/skein.1";
    struct skn_buf made, found;
    skn_buf_init(&made, TEXT_MAX);
    skn_buf_init(&found, TEXT_MAX);
    read_file(path, &found);
    const char *text = skn_buf_str(&found);
    const char *begin = strstr(text, BEGIN);
    assert_non_null(begin);
    const char *end = strstr(begin, END);
    assert_non_null(end);
    skn_buf_put(&made, skn_slice(text, (size_t)(begin - text) + strlen(BEGIN)));
    skn_help_man(&made);
    skn_buf_put_str(&made, end);
    same_or_write(path, skn_buf_str(&made), text);
    skn_buf_fini(&made);
    skn_buf_fini(&found);
}

static void help_names_every_public_command_and_no_other(void **state)
{
    (void)state;
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    skn_help_all(&text);
    const char *all = skn_buf_str(&text);
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        char line[80];
        (void)snprintf(line, sizeof(line), "\n  %s ", skn_command_info(c)->name);
        assert_true((strstr(all, line) != NULL) == skn_command_is_public(c));
    }
    skn_buf_fini(&text);
}

static void no_line_of_help_is_wider_than_a_terminal_of_104(void **state)
{
    (void)state;
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        struct skn_buf text;
        skn_buf_init(&text, TEXT_MAX);
        skn_help_command(&text, c);
        assert_non_null(strstr(skn_buf_str(&text), skn_command_info(c)->help));
        for (const char *at = skn_buf_str(&text); *at; at += strcspn(at, "\n") + 1)
            assert_true(strcspn(at, "\n") <= 104);
        skn_buf_fini(&text);
    }
}

/* Of two options with one name, some command takes both. */
static bool meet(enum skn_option a, enum skn_option b)
{
    if (skn_option_info(a)->global || skn_option_info(b)->global) return true;
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        uint64_t options = skn_command_info(c)->options;
        if ((options & UINT64_C(1) << a) && (options & UINT64_C(1) << b)) return true;
    }
    return false;
}

/* Several commands may have an option of one name that means something else to each. */
static void letters_and_names_of_options_are_unique_in_a_command(void **state)
{
    (void)state;
    for (enum skn_option a = 0; a < SKN_OPTION_COUNT; a++)
        for (enum skn_option b = 0; b < a; b++) {
            const struct skn_option_info *x = skn_option_info(a), *y = skn_option_info(b);
            if (!meet(a, b)) continue;
            assert_string_not_equal(x->name, y->name);
            assert_true(x->letter == 0 || x->letter != y->letter);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_completion_is_what_the_table_makes),
        cmocka_unit_test(the_man_page_lists_what_the_table_has),
        cmocka_unit_test(help_names_every_public_command_and_no_other),
        cmocka_unit_test(no_line_of_help_is_wider_than_a_terminal_of_104),
        cmocka_unit_test(letters_and_names_of_options_are_unique_in_a_command),
    };
    return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
