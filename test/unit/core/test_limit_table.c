/* test_limit_table.c - test/limits.tsv and test/rules.tsv: every limit and every rule of the engine has a
 * test, and every test in them is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc_map.h"
#include "core/limits.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20, COLUMNS = 4, RULES = 41, RULE_COLUMNS = 3 };

static char *read_file(const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", SKN_TEST_ROOT, name);
    FILE *file = fopen(path, "r");
    if (!file) print_error("%s is not there\n", path);
    assert_non_null(file);
    char *text = malloc(TEXT_MAX);
    assert_non_null(text);
    size_t len = fread(text, 1, TEXT_MAX - 1, file);
    text[len] = 0;
    assert_true(len > 0 && len < TEXT_MAX - 1);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* Splits in place; a comment has no columns. */
static int split(char *line, char *columns[COLUMNS])
{
    int n = 0;
    if (line[0] == '#' || line[0] == 0) return 0;
    for (char *at = line; at && n < COLUMNS; n++) {
        columns[n] = at;
        at = strchr(at, '\t');
        if (at) *at++ = 0;
    }
    return n;
}

static void each_test_of_the_table_is_there(void **state)
{
    (void)state;
    char *table = read_file("test/limits.tsv"), *rest = table, *columns[COLUMNS];
    int rows = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        int n = split(line, columns);
        if (n == 0) continue;
        assert_int_equal(n, COLUMNS);
        char *test = read_file(columns[2]);
        if (!strstr(test, columns[3])) print_error("%s has no %s\n", columns[2], columns[3]);
        assert_non_null(strstr(test, columns[3]));
        free(test);
        rows++;
    }
    assert_true(rows > 40);
    free(table);
}

/* Its file has the test, and cites the rule by its mark. */
static void each_rule_of_the_engine_is_cited_by_a_test(void **state)
{
    (void)state;
    char *table = read_file("test/rules.tsv"), *rest = table, *columns[COLUMNS];
    int rows = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        int n = split(line, columns);
        if (n == 0) continue;
        assert_int_equal(n, RULE_COLUMNS);
        char *test = read_file(columns[1]), mark[16], function[200];
        (void)snprintf(mark, sizeof mark, "[%s]", columns[0]);
        (void)snprintf(function, sizeof function, "%s(void", columns[2]);
        bool is_there =
            strstr(test, mark) && (strstr(test, function) || !strcmp(columns[2], "main"));
        if (!is_there) print_error("%s: %s %s\n", columns[1], mark, columns[2]);
        assert_true(is_there);
        free(test);
        rows++;
    }
    assert_int_equal(rows, RULES);
    free(table);
}

/* Each name of the map is the first of a line of the table. */
static void each_limit_of_the_core_is_in_the_table(void **state)
{
    (void)state;
    char *table = read_file("test/limits.tsv");
    size_t count;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    assert_in_range(count, 20, 100);
    for (size_t i = 0; i < count; i++) {
        char row[80];
        (void)snprintf(row, sizeof row, "\n%s\t", infos[i].name);
        if (!strstr(table, row)) print_error("%s is not in test/limits.tsv\n", infos[i].name);
        assert_non_null(strstr(table, row));
    }
    free(table);
}

/* doc/limits.md says of each what the map says, line by line, and of none that is not there. */
static void the_manual_says_what_is_so(void **state)
{
    (void)state;
    char *page = read_file("doc/limits.md");
    size_t count, lines = 0;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    for (size_t i = 0; i < count; i++) {
        char line[1000], texts[3][SKN_LIMIT_TEXT_MAX];
        (void)snprintf(line,
                       sizeof line,
                       "\n| `%s` | %s | %s to %s | %s | %s |\n",
                       infos[i].name,
                       skn_limit_print(infos[i].unit, infos[i].otherwise, texts[0]),
                       skn_limit_print(infos[i].unit, infos[i].least, texts[1]),
                       skn_limit_print(infos[i].unit, infos[i].most, texts[2]),
                       infos[i].what,
                       infos[i].then);
        if (!strstr(page, line)) print_error("doc/limits.md lacks:%s", line);
        assert_non_null(strstr(page, line));
    }
    /* Names in backquotes begin the lines of that table alone. */
    for (const char *at = page; (at = strstr(at, "\n| `")); at++)
        lines += strncmp(at, "\n| `skein.yaml`", 15) != 0;
    assert_int_equal(lines, count);
    free(page);
}

static bool is_code(const char *name, size_t len)
{
#define SAME(number, code, text, ...) || (strlen(text) == len && memcmp(text, name, len) == 0)
    return false SKN_RC_MAP(SAME);
#undef SAME
}

/* What stands in backquotes and capitals is what a client sees. */
static void the_codes_at_the_limits_are_those_of_clients(void **state)
{
    (void)state;
    size_t count, codes = 0;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    for (size_t i = 0; i < count; i++) {
        for (const char *at = infos[i].then; (at = strchr(at, '`')); at = strchr(at + 1, '`') + 1) {
            size_t len = strcspn(at + 1, "`");
            if (at[1] < 'A' || at[1] > 'Z') continue;
            if (!is_code(at + 1, len)) print_error("%s: %s\n", infos[i].name, infos[i].then);
            assert_true(is_code(at + 1, len));
            codes++;
        }
    }
    assert_true(codes > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_test_of_the_table_is_there),
        cmocka_unit_test(each_rule_of_the_engine_is_cited_by_a_test),
        cmocka_unit_test(each_limit_of_the_core_is_in_the_table),
        cmocka_unit_test(the_manual_says_what_is_so),
        cmocka_unit_test(the_codes_at_the_limits_are_those_of_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
