/* test_format.c - the layout: golden texts, and over generated programs that no token and no comment
 * is lost and that laying out twice changes nothing.
 *
 * SKN_SEED=N repeats one seed; SKN_SOAK multiplies the count. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_gen.h"
#include "pty_test.h"

#include "lang/pointy/syntax_internal.h"
#include "lang/pointy/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 24 };

static enum skn_rc format(struct skn_slice text, struct skn_buf *out)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x.pty"), text), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    enum skn_rc rc = skn_pointy_format(&source, &diags, out);
    skn_diags_check(&diags);
    assert_int_equal(rc == SKN_OK, diags.errors == 0);
    skn_arena_fini(&arena);
    return rc;
}

/* Tokens and comments of a text, one after the other: what must not change. */
static void put_essence(struct skn_slice text, struct skn_buf *out)
{
    struct skn_arena arena;
    struct skn_source source;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x"), text), SKN_OK);
    for (uint32_t at = 0; at <= text.len;) {
        struct skn_token token = skn_lex(&source, at);
        if (token.kind == SKN_TOKEN_END) break;
        skn_buf_put(out, skn_source_at(&source, token.span));
        skn_buf_put_u8(out, '\x01');
        at = token.span.end;
    }
    skn_arena_fini(&arena);
}

static unsigned count_comments(struct skn_slice text)
{
    struct skn_arena arena;
    struct skn_source source;
    unsigned count = 0;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x"), text), SKN_OK);
    for (uint32_t at = 0;;) {
        struct skn_token token = skn_lex(&source, at);
        for (uint32_t i = at; i < token.span.start; i++) {
            if (text.ptr[i] != '#') continue;
            count++;
            while (i < token.span.start && text.ptr[i] != '\n')
                i++;
        }
        if (token.kind == SKN_TOKEN_END) break;
        at = token.span.end;
    }
    skn_arena_fini(&arena);
    return count;
}

static void check_one(uint64_t seed, struct skn_slice text, bool has_head)
{
    struct skn_buf once, twice, before, after;
    skn_buf_init(&once, TEXT_MAX);
    skn_buf_init(&twice, TEXT_MAX);
    skn_buf_init(&before, TEXT_MAX);
    skn_buf_init(&after, TEXT_MAX);
    if (format(text, &once) != SKN_OK)
        fail_msg("SKN_SEED=%llu: not taken:\n%.*s", (unsigned long long)seed, SKN_FMT(text));
    assert_int_equal(format(skn_buf_slice(&once), &twice), SKN_OK);
    put_essence(text, &before);
    put_essence(skn_buf_slice(&once), &after);
    bool same = skn_slice_eq(skn_buf_slice(&before), skn_buf_slice(&after));
    bool stable = skn_slice_eq(skn_buf_slice(&once), skn_buf_slice(&twice));
    bool kept = count_comments(text) == count_comments(skn_buf_slice(&once));
    if (!same || !stable || !kept)
        fail_msg("SKN_SEED=%llu: %s%s%s\n%.*s\n---\n%s\n---\n%s",
                 (unsigned long long)seed,
                 same ? "" : "tokens changed ",
                 stable ? "" : "not stable ",
                 kept ? "" : "comments lost",
                 SKN_FMT(text),
                 skn_buf_str(&once),
                 skn_buf_str(&twice));
    (void)has_head;
    skn_buf_fini(&once);
    skn_buf_fini(&twice);
    skn_buf_fini(&before);
    skn_buf_fini(&after);
}

static void layout_keeps_everything_and_is_idempotent(void **state)
{
    (void)state;
    const char *given = getenv("SKN_SEED");
    const char *soak = getenv("SKN_SOAK");
    uint64_t first = given ? strtoull(given, NULL, 0) : 1;
    uint64_t count = given ? 1 : 4000 * (soak ? strtoull(soak, NULL, 0) : 1);
    struct pty_gen g = {.plain = false};
    skn_buf_init(&g.text, TEXT_MAX);
    for (uint64_t seed = first; seed < first + count; seed++) {
        g.plain = seed % 3 == 0;
        pty_generate(&g, seed, 1 + (unsigned)(seed % 40));
        check_one(seed, skn_buf_slice(&g.text), true);
    }
    skn_buf_fini(&g.text);
}

static void becomes(const char *text, const char *expected)
{
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    assert_int_equal(format(skn_slice_str(text), &out), SKN_OK);
    assert_string_equal(skn_buf_str(&out), expected);
    skn_buf_fini(&out);
}

static void what_fits_stands_on_one_line(void **state)
{
    (void)state;
    becomes("A->B||C|->D", "A -> B || C |-> D\n");
    becomes("  A\n  ->\n  B ( 0->X,1 |-> Y , )->S", "A -> B (0 -> X, 1 |-> Y,) -> S\n");
    becomes("3*A[ timeout = 5s,x=[1 , 2] ] -> { B * 2 }[retries=3] || MAP < C >",
            "3 * A[timeout=5s, x=[1, 2]] -> {B * 2}[retries=3] || MAP<C>\n");
    becomes("pypi:A@v2.1 -> (B)(0 -> C)", "pypi:A@v2.1 -> (B) (0 -> C)\n");
}

static void directives_stand_above_the_flow(void **state)
{
    (void)state;
    becomes("@input :a:string ?=\"x\" @timeout:2h A",
            "@input: a: string? = \"x\"\n@timeout: 2h\n\nA\n");
    becomes("# head\n@timeout: 2h # why\n\n@mode: DAG\n\n\n# flow\nA # end\n# tail",
            "# head\n@timeout: 2h # why\n\n@mode: DAG\n\n# flow\nA # end\n# tail\n");
}

/* The example at the head of POINTY.md is laid out as it stands there. */
static void what_is_too_long_is_opened(void **state)
{
    (void)state;
    static const char text[] = "@input: order_id: string\n"
                               "@timeout: 2h\n"
                               "\n"
                               "Validate * 3 (\n"
                               "    failure -> Reject |-> NotifyCustomer,\n"
                               "    success -> Charge || Reserve[timeout=30s] |-> Ship\n"
                               ") -> CloseOrder\n";
    becomes(text, text);
    becomes("Aaaaaaaaaaaaaaaaaaaaaaaaaa -> Bbbbbbbbbbbbbbbbbbbbbbbbbbbb || Cccccccccccccccc |-> "
            "Dddddddddddddddddddd",
            "Aaaaaaaaaaaaaaaaaaaaaaaaaa\n"
            "    -> Bbbbbbbbbbbbbbbbbbbbbbbbbbbb || Cccccccccccccccc\n"
            "    |-> Dddddddddddddddddddd\n");
    becomes("{Aaaaaaaaaaaaaaaaaaaaaaaaaa -> Bbbbbbbbbbbbbbbbbbbbbbbbbbbb -> Cccccccccc}[retries=3] "
            "|| {C -> D}",
            "{\n"
            "    Aaaaaaaaaaaaaaaaaaaaaaaaaa -> Bbbbbbbbbbbbbbbbbbbbbbbbbbbb -> Cccccccccc\n"
            "}[retries=3] || {C -> D}\n");
    becomes(
        "Fetch[url=\"https://example.org/a/very/long/path/that/goes/on\", timeout=30s, retries=5]",
        "Fetch[\n"
        "    url=\"https://example.org/a/very/long/path/that/goes/on\",\n"
        "    timeout=30s,\n"
        "    retries=5\n"
        "]\n");
}

static void comments_stay_where_they_are(void **state)
{
    (void)state;
    becomes("A # first\n-> B # second\n# third\n-> C",
            "A # first\n    -> B # second\n    # third\n    -> C\n");
    becomes("A (\n# no\n0 -> B, # b\n1 -> C\n)", "A (\n    # no\n    0 -> B, # b\n    1 -> C\n)\n");
}

static void what_is_malformed_is_left_alone(void **state)
{
    (void)state;
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    assert_int_equal(format(SKN_LIT("A ->"), &out), SKN_ESYNTAX);
    assert_int_equal(out.len, 0);
    skn_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stands_on_one_line),
        cmocka_unit_test(directives_stand_above_the_flow),
        cmocka_unit_test(what_is_too_long_is_opened),
        cmocka_unit_test(comments_stay_where_they_are),
        cmocka_unit_test(what_is_malformed_is_left_alone),
        cmocka_unit_test(layout_keeps_everything_and_is_idempotent),
    };
    return cmocka_run_group_tests_name("pointy format", tests, NULL, NULL);
}
