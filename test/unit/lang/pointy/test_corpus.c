/* test_corpus.c - the collected programs: each is taken or refused, as it says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/pointy.h"
#include "lib/test.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct skn_slice text_of(struct skn_value object, const char *key)
{
    struct skn_value value;
    assert_true(skn_map_get(object, skn_slice_str(key), &value));
    return skn_value_as_text(value);
}

static enum skn_rc compile(struct skn_slice program, struct skn_buf *shown)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    const struct skn_graph *graph;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x.pty"), program), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    enum skn_rc rc = skn_pointy_compile(&arena, &source, NULL, &diags, &graph);
    skn_diags_check(&diags);
    skn_diags_render(&diags, shown);
    if (rc != SKN_OK) assert_true(diags.count > 0);
    skn_arena_fini(&arena);
    return rc;
}

static bool check_line(struct skn_slice line)
{
    struct skn_buf value;
    struct skn_buf shown;
    skn_buf_init(&value, 1 << 20);
    skn_buf_init(&shown, 1 << 20);
    assert_int_equal(skn_json_parse(line, NULL, &value, NULL), SKN_OK);
    struct skn_value object = skn_value_view(skn_buf_slice(&value));
    struct skn_slice name = text_of(object, "name");
    bool accept = skn_slice_eq(text_of(object, "expect"), SKN_LIT("accept"));
    enum skn_rc wanted = accept ? SKN_OK : SKN_ESYNTAX;
    enum skn_rc rc = compile(text_of(object, "source"), &shown);
    if (rc != wanted) {
        print_message("%.*s: %s, not %s\n%s\n",
                      SKN_FMT(name),
                      skn_rc_info(rc)->name,
                      skn_rc_info(wanted)->name,
                      skn_buf_str(&shown));
    }
    skn_buf_fini(&value);
    skn_buf_fini(&shown);
    return rc == wanted;
}

static void every_collected_program_gets_its_verdict(void **state)
{
    (void)state;
    FILE *file = fopen(SKN_TEST_DATA "/pointy/examples.jsonl", "rb");
    assert_non_null(file);
    char *line = NULL;
    size_t cap = 0;
    int lines = 0;
    int wrong = 0;
    for (ssize_t len; (len = getline(&line, &cap, file)) > 0; lines++)
        if (!check_line(skn_slice(line, (size_t)len))) wrong++;
    free(line);
    (void)fclose(file);
    assert_int_equal(wrong, 0);
    assert_int_equal(lines, 67);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_collected_program_gets_its_verdict),
    };
    return cmocka_run_group_tests_name("pointy corpus", tests, NULL, NULL);
}
