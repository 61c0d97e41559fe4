/* test_pattern.c - regular expressions: what fits, what is refused, against a slow walk through all
 * ways, and that no pattern has a bad case [F31].
 *
 * SKN_SEED=N repeats one seed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/rng.h"
#include "lang/kit/pattern.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 1 << 26 };

static bool fits(const char *pattern, const char *text)
{
    struct skn_arena arena;
    const char *why = NULL;
    uint64_t steps = STEPS;
    skn_arena_init(&arena);
    const struct skn_pattern *p = skn_pattern_compile(&arena, skn_slice_str(pattern), &why);
    if (!p) fail_msg("\"%s\": %s", pattern, why);
    enum skn_pattern_result result = skn_pattern_match(p, skn_slice_str(text), &steps);
    assert_int_not_equal(result, SKN_PATTERN_SPENT);
    skn_arena_fini(&arena);
    return result == SKN_PATTERN_YES;
}

static void these_fit_and_those_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *yes, *no;
    } rows[] = {
        {"a", "xax", "xbx"},
        {"^a$", "a", "aa"},
        {"^$", "", "a"},
        {"a|bc|", "zzz", NULL},
        {"^(a|bc)$", "bc", "abc"},
        {"^a*$", "aaaa", "ab"},
        {"^a+$", "a", ""},
        {"^ab?c$", "ac", "abbc"},
        {"^a{3}$", "aaa", "aa"},
        {"^a{2,}$", "aaaaa", "a"},
        {"^a{2,4}$", "aaaa", "aaaaa"},
        {"^a{0}b$", "b", "ab"},
        {"^(ab){2}$", "abab", "ab"},
        {"^(a|b){2,3}c$", "abc", "abbac"},
        {"^((a{2}){2}){2}$", "aaaaaaaa", "aaaaaaa"},
        {"^[a-c]+$", "abcabc", "abd"},
        {"^[^a-c]+$", "xyz", "xya"},
        {"^[]$|x", "x", ""},
        {"^[^]$", "\n", ""},
        {"^[a-]$", "-", "b"},
        {"^[\\d_-]+$", "12_-", "12x"},
        {"^\\d{4}-\\d{2}$", "2026-11", "2026-1"},
        {"^\\w+$", "aZ_9", "a-b"},
        {"\\W", "a-b", "ab"},
        {"^\\S+$", "ab", "a b"},
        {"^\\s$", "\t", "x"},
        {"^\\D$", "\xff", "5"},
        {"^.$", "\xff", "\n"},
        {"^.$", "\xc3\xa9", "ab"},
        {"^[\xc3\xa0-\xc3\xbf]+$", "\xc3\xa9\xc3\xa8", "e"},
        {"^\\u00e9$", "\xc3\xa9", "e"},
        {"^a\\.b\\/\\[$", "a.b/[", "axb/["},
        {"^\\\\$", "\\", "/"},
        {"^(?:ab)+?$", "abab", "aba"},
        {"(a|ab)(c|bcd)(d*)$", "abcd", "abce"},
        {"^a\nb$", "a\nb", "ab"},
        {"x$", "ax", "xa"},
        {"(^|,)b(,|$)", "a,b", "ab"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        if (!fits(rows[i].pattern, rows[i].yes))
            fail_msg("%s must fit %s", rows[i].pattern, rows[i].yes);
        if (rows[i].no && fits(rows[i].pattern, rows[i].no))
            fail_msg("%s must not fit %s", rows[i].pattern, rows[i].no);
    }
}

static void malformed_ones_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *why;
    } rows[] = {
        {"(a", "the group has no end at 1"},
        {"a)", "the ) closes nothing at 2"},
        {"*a", "there is nothing to repeat at 1"},
        {"a**", "there is nothing to repeat at 3"},
        {"^*", "there is nothing to repeat at 2"},
        {"a|+", "there is nothing to repeat at 3"},
        {"(+)", "there is nothing to repeat at 2"},
        {"a{", "{ wants a number, as in {2}, {2,} or {2,5}, at 2"},
        {"a{3,2}", "{ wants a number, as in {2}, {2,} or {2,5}, at 2"},
        {"a{x}", "{ wants a number, as in {2}, {2,} or {2,5}, at 2"},
        {"[a", "the set has no end at 1"},
        {"[z-a]", "the range goes backwards or has no ends at 2"},
        {"[\\d-z]", "the range goes backwards or has no ends at 2"},
        {"^[+-\\d]$", "the range goes backwards or has no ends at 3"},
        {"[!-\\w]", "the range goes backwards or has no ends at 2"},
        {"[\\d-\\d]", "the range goes backwards or has no ends at 2"},
        {"a\\", "nothing follows the \\ at 2"},
        {"\\1", "there is no such escape at 1"},
        {"\\q", "there is no such escape at 1"},
        {"\\u12", "\\u wants four digits, as in \\u00e9, at 1"},
        {"\\ud800", "\\u wants four digits, as in \\u00e9, at 1"},
        {"(?=a)", "only (?:..) can begin with (?, at 1"},
        {"(?", "only (?:..) can begin with (?, at 1"},
        {"\xff", "there is no character at 1"},
        {"((a{50}){50}){50}", "it is too large when its repetitions are written out"},
        {"a{99999999999999999999}", "it is too large when its repetitions are written out"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct skn_arena arena;
        const char *why = NULL;
        skn_arena_init(&arena);
        assert_null(skn_pattern_compile(&arena, skn_slice_str(rows[i].pattern), &why));
        assert_string_equal(why, rows[i].why);
        skn_arena_fini(&arena);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_buf text;
    const char *why = NULL;
    skn_arena_init(&arena);
    skn_buf_init(&text, 1 << 16);
    for (int i = 0; i <= SKN_PATTERN_DEPTH_MAX; i++)
        skn_buf_put_str(&text, "(");
    assert_null(skn_pattern_compile(&arena, skn_buf_slice(&text), &why));
    assert_string_equal(why, "its groups are more than 64 deep");
    while (text.len <= SKN_PATTERN_BYTES_MAX)
        skn_buf_put_str(&text, "(");
    assert_null(skn_pattern_compile(&arena, skn_buf_slice(&text), &why));
    assert_string_equal(why, "it is longer than 1024 bytes");
    skn_buf_reset(&text);
    for (int i = 0; i < 300; i++)
        skn_buf_put_str(&text, "a");
    assert_null(skn_pattern_compile(&arena, skn_buf_slice(&text), &why));
    assert_string_equal(why, "it has more than 256 characters and sets");
    skn_buf_fini(&text);
    skn_arena_fini(&arena);
}

/* Patterns that take others minutes: the steps grow with the text and no faster. */
static void no_pattern_has_a_bad_case(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "^(a+)+$", "^(a|a)*$", "^(a*)*b$", "(x+x+)+y", "^(a?){60}a{60}$", "(.*a){20}$"};
    struct skn_buf text;
    skn_buf_init(&text, 1 << 20);
    for (int i = 0; i < 20000; i++)
        skn_buf_put_str(&text, "a");
    skn_buf_put_str(&text, "!");
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct skn_arena arena;
        const char *why = NULL;
        skn_arena_init(&arena);
        const struct skn_pattern *p = skn_pattern_compile(&arena, skn_slice_str(bad[i]), &why);
        if (!p) fail_msg("%s: %s", bad[i], why);
        uint64_t steps = UINT64_MAX;
        assert_int_equal(skn_pattern_match(p, skn_buf_slice(&text), &steps), SKN_PATTERN_NO);
        assert_true(UINT64_MAX - steps < UINT64_C(20001) * 4 * SKN_PATTERN_STATES_MAX);
        steps = 1000; /* who has fewer steps gives up, and not by the clock */
        assert_int_equal(skn_pattern_match(p, skn_buf_slice(&text), &steps), SKN_PATTERN_SPENT);
        skn_arena_fini(&arena);
    }
    skn_buf_fini(&text);
}

/* --- an oracle: all ways, one after the other, over a tree --------------------------------------- */

struct node {
    char kind; /* a character, '.', '|', '&' (both), '*', '+', '?', '0' (nothing), '^', '$' */
    int left, right;
};

struct oracle {
    struct node nodes[64];
    int count;
    const char *text;
    int budget;
};

static int grow(struct oracle *o, struct skn_rng *rng, int depth)
{
    static const char kinds[] = "abab.|&&|*+?0^$";
    int at = o->count++;
    char kind = depth == 0 || o->count > 40 ? kinds[skn_rng_below(rng, 5)]
                                            : kinds[skn_rng_below(rng, sizeof(kinds) - 1)];
    o->nodes[at] = (struct node){.kind = kind, .left = -1, .right = -1};
    if (strchr("|&*+?", kind)) o->nodes[at].left = grow(o, rng, depth - 1);
    if (strchr("|&", kind)) o->nodes[at].right = grow(o, rng, depth - 1);
    return at;
}

static void print(const struct oracle *o, int at, struct skn_buf *out)
{
    const struct node *n = &o->nodes[at];
    switch (n->kind) {
    case '0': skn_buf_put_str(out, "(?:)"); return;
    case '&':
        print(o, n->left, out);
        print(o, n->right, out);
        return;
    case '|':
        skn_buf_put_str(out, "(");
        print(o, n->left, out);
        skn_buf_put_str(out, "|");
        print(o, n->right, out);
        skn_buf_put_str(out, ")");
        return;
    case '*':
    case '+':
    case '?':
        skn_buf_put_str(out, "(");
        print(o, n->left, out);
        skn_buf_printf(out, ")%c", n->kind);
        return;
    default: skn_buf_put_u8(out, (uint8_t)n->kind); return;
    }
}

/* The set of ends, as bits, of all ways through a node from `from`. */
static uint64_t ends(const struct oracle *o, int at, int from)
{
    const struct node *n = &o->nodes[at];
    int len = (int)strlen(o->text);
    uint64_t here = UINT64_C(1) << from, all = 0, more;
    switch (n->kind) {
    case '0': return here;
    case '^': return from == 0 ? here : 0;
    case '$': return from == len ? here : 0;
    case '|': return ends(o, n->left, from) | ends(o, n->right, from);
    case '?': return here | ends(o, n->left, from);
    case '&':
        more = ends(o, n->left, from);
        for (int i = 0; i <= len; i++)
            if (more >> i & 1) all |= ends(o, n->right, i);
        return all;
    case '*':
    case '+':
        all = n->kind == '*' ? here : 0;
        more = ends(o, n->left, from) & ~all;
        while (more) {
            all |= more;
            uint64_t next = 0;
            for (int i = 0; i <= len; i++)
                if (more >> i & 1) next |= ends(o, n->left, i);
            more = next & ~all;
        }
        return all;
    default:
        if (from == len) return 0;
        return n->kind == '.' || n->kind == o->text[from] ? here << 1 : 0;
    }
}

static void agrees_with_a_walk_through_all_ways(void **state)
{
    (void)state;
    const char *seed_text = getenv("SKN_SEED");
    struct skn_rng rng;
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 7;
    skn_rng_init(&rng, seed);
    for (int round = 0; round < 20000; round++) {
        struct oracle o = {.count = 0};
        struct skn_buf pattern;
        char text[12];
        size_t len = skn_rng_below(&rng, sizeof(text));
        for (size_t i = 0; i < len; i++)
            text[i] = "abc"[skn_rng_below(&rng, 3)];
        text[len] = 0;
        o.text = text;
        skn_buf_init(&pattern, 1 << 16);
        print(&o, grow(&o, &rng, 5), &pattern);
        bool wanted = false;
        for (int from = 0; from <= (int)len; from++)
            wanted = wanted || ends(&o, 0, from) != 0;
        if (fits(skn_buf_str(&pattern), text) != wanted)
            fail_msg("seed %llu, round %d: \"%s\" over \"%s\" must be %d",
                     (unsigned long long)seed,
                     round,
                     skn_buf_str(&pattern),
                     text,
                     wanted);
        skn_buf_fini(&pattern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(these_fit_and_those_do_not),
        cmocka_unit_test(malformed_ones_say_why),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(no_pattern_has_a_bad_case),
        cmocka_unit_test(agrees_with_a_walk_through_all_ways),
    };
    return cmocka_run_group_tests_name("kit pattern", tests, NULL, NULL);
}
