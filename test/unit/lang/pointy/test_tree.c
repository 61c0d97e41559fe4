/* test_tree.c - every byte of a text is in its tree: the tokens and what stands before each are the text,
 * and nodes begin and end where tokens do. Over every program of the tests, generated ones, and all of
 * these with bytes changed.
 *
 * SKN_SEED=N repeats one seed; SKN_SOAK multiplies the count. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_gen.h"
#include "pty_project.h"

#include "lang/pointy/syntax_internal.h"
#include "lib/test.h"
#include "value/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 22 };

/* A text and where its tokens begin and end. */
struct looked {
    struct skn_slice text;
    bool *begins; /* by offset */
    bool *ends;
};

static void fail_on(struct skn_slice text, const char *why, uint32_t at)
{
    fail_msg("%s at %u of\n%.*s", why, (unsigned)at, SKN_FMT(text));
}

/* What stands before a token, read by a scan of its own: blanks, and comments up to the line's end. */
static void check_blanks(struct skn_slice text, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to; at++) {
        if (text.ptr[at] == '#') {
            while (at < to && text.ptr[at] != '\n')
                at++;
        } else if (!memchr(" \t\r\n", text.ptr[at], 4)) {
            fail_on(text, "not a blank before a token", at);
        }
    }
}

static bool is_fixed(enum skn_token_kind kind, struct skn_slice text)
{
    static const char *const fixed[] = {[SKN_TOKEN_ARROW] = "->",
                                        [SKN_TOKEN_PIPE] = "|->",
                                        [SKN_TOKEN_PARALLEL] = "||",
                                        [SKN_TOKEN_STAR] = "*",
                                        [SKN_TOKEN_OPEN_PAREN] = "(",
                                        [SKN_TOKEN_CLOSE_PAREN] = ")",
                                        [SKN_TOKEN_OPEN_BRACE] = "{",
                                        [SKN_TOKEN_CLOSE_BRACE] = "}",
                                        [SKN_TOKEN_OPEN_BRACKET] = "[",
                                        [SKN_TOKEN_CLOSE_BRACKET] = "]",
                                        [SKN_TOKEN_COMMA] = ",",
                                        [SKN_TOKEN_COLON] = ":",
                                        [SKN_TOKEN_AT] = "@",
                                        [SKN_TOKEN_EQUALS] = "=",
                                        [SKN_TOKEN_LESS] = "<",
                                        [SKN_TOKEN_GREATER] = ">",
                                        [SKN_TOKEN_QUESTION] = "?"};
    if ((size_t)kind >= SKN_ARRAY_LEN(fixed) || !fixed[kind]) return true;
    return skn_slice_eq(text, skn_slice_str(fixed[kind]));
}

static void check_tokens(const struct skn_syntax *syntax, struct looked *l)
{
    struct skn_syn_walk walk = skn_syn_walk(syntax);
    uint32_t at = 0;
    for (;;) {
        struct skn_syn_token token = skn_syn_next(&walk);
        if (token.before != at) fail_on(l->text, "a byte is missing", at);
        if (token.span.start < at || token.span.end > l->text.len)
            fail_on(l->text, "a token is not in the text", at);
        check_blanks(l->text, token.before, token.span.start);
        at = token.span.end;
        l->ends[at] = true;
        if (token.kind == SKN_TOKEN_END) break;
        if (token.span.end == token.span.start) fail_on(l->text, "an empty token", at);
        l->begins[token.span.start] = true;
        struct skn_slice text = skn_slice(l->text.ptr + token.span.start, at - token.span.start);
        if (!is_fixed(token.kind, text)) fail_on(l->text, "a token of another kind", at);
    }
    if (at != l->text.len) fail_on(l->text, "the end is missing", at);
    assert_int_equal(skn_syn_next(&walk).kind, SKN_TOKEN_END);
}

static void check_span(const struct looked *l, struct skn_span span)
{
    if (span.start == span.end) return; /* nothing is there, and that was reported */
    if (!l->begins[span.start]) fail_on(l->text, "a node begins inside a token", span.start);
    if (!l->ends[span.end]) fail_on(l->text, "a node ends inside a token", span.end);
}

static void check_nodes(const struct skn_syntax *t, const struct looked *l)
{
    for (uint32_t i = 0; i < t->unit_count; i++)
        check_span(l, t->units[i].span);
    for (uint32_t i = 0; i < t->branch_count; i++)
        check_span(l, t->branches[i].outcome);
    for (uint32_t i = 0; i < t->option_count; i++)
        check_span(l, t->options[i].name);
    for (uint32_t i = 0; i < t->literal_count; i++)
        check_span(l, t->literals[i].span);
    for (uint32_t i = 0; i < t->input_count; i++) {
        check_span(l, t->inputs[i].name);
        check_span(l, t->inputs[i].type);
    }
    for (uint32_t i = 0; i < t->head_count; i++) {
        if (!l->begins[t->heads[i].at]) fail_on(l->text, "a directive begins inside a token", 0);
        check_span(l, t->heads[i].name);
        check_span(l, t->heads[i].value);
    }
}

static bool check_text(struct skn_slice text)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_syntax syntax;
    skn_arena_init(&arena);
    struct looked l = {.text = text,
                       .begins = skn_arena_zero(&arena, text.len + 1, sizeof(bool)),
                       .ends = skn_arena_zero(&arena, text.len + 1, sizeof(bool))};
    assert_int_equal(skn_source_init(&source, &arena, SKN_LIT("x.pty"), text), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    skn_syntax_parse(&syntax, &diags);
    skn_diags_check(&diags);
    check_tokens(&syntax, &l);
    check_nodes(&syntax, &l);
    skn_syntax_drop_nodes(&syntax);
    check_tokens(&syntax, &l);
    skn_syntax_fini(&syntax);
    bool is_good = diags.errors == 0;
    skn_arena_fini(&arena);
    return is_good;
}

/* The text with a few bytes taken out, put in or written twice: most of these are malformed. */
static void change(struct skn_rng *rng, struct skn_slice text, struct skn_buf *out)
{
    static const char *const bits[] = {"->",   "|", "\"",   "(",  "}",    "]",  "@", ":",
                                       "v1.2", "#", "\n",   "\\", "=",    "\0", "7", "*",
                                       ",",    "<", "\xC3", "-",  "\xFF", "@a"};
    skn_buf_reset(out);
    skn_buf_put(out, text);
    for (uint64_t n = 1 + skn_rng_below(rng, 4); n > 0; n--) {
        struct skn_buf next;
        uint64_t at = skn_rng_below(rng, out->len + 1);
        uint64_t cut = skn_rng_below(rng, 3) * skn_rng_below(rng, 12);
        if (at + cut > out->len) cut = out->len - at;
        skn_buf_init(&next, TEXT_MAX);
        skn_buf_put(&next, skn_slice(out->ptr, at));
        if (skn_rng_below(rng, 3) > 0)
            skn_buf_put_str(&next, bits[skn_rng_below(rng, SKN_ARRAY_LEN(bits))]);
        if (skn_rng_below(rng, 8) == 0) skn_buf_put_u8(&next, 0);
        skn_buf_put(&next, skn_slice_from(skn_buf_slice(out), at + cut));
        skn_buf_reset(out);
        skn_buf_put(out, skn_buf_slice(&next));
        skn_buf_fini(&next);
    }
}

struct counts {
    uint64_t good;
    uint64_t bad;
};

static void check_changes(uint64_t seed, struct skn_slice text, unsigned times, struct counts *n)
{
    struct skn_rng rng;
    struct skn_buf changed;
    skn_rng_init(&rng, seed);
    skn_buf_init(&changed, TEXT_MAX);
    for (unsigned i = 0; i < times; i++) {
        change(&rng, text, &changed);
        *(check_text(skn_buf_slice(&changed)) ? &n->good : &n->bad) += 1;
    }
    skn_buf_fini(&changed);
}

static unsigned check_folder(const char *folder)
{
    unsigned count = 0;
    struct counts n = {0};
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[4096];
        struct skn_arena arena;
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        skn_arena_init(&arena);
        struct skn_slice text = pty_read_file(&arena, path);
        (void)check_text(text);
        check_changes(count, text, 3, &n);
        skn_arena_fini(&arena);
        count++;
    }
    (void)closedir(dir);
    return count;
}

/* The collected programs: their text is a string in a line of JSON. */
static unsigned check_collected(void)
{
    struct skn_arena arena;
    struct counts n = {0};
    unsigned count = 0;
    skn_arena_init(&arena);
    struct skn_slice rest = pty_read_file(&arena, SKN_TEST_DATA "/pointy/examples.jsonl");
    while (rest.len > 0) {
        struct skn_buf value;
        struct skn_value source;
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        skn_buf_init(&value, TEXT_MAX);
        assert_int_equal(skn_json_parse(skn_slice(rest.ptr, len), NULL, &value, NULL), SKN_OK);
        struct skn_value line = skn_value_view(skn_buf_slice(&value));
        assert_true(skn_map_get(line, SKN_LIT("source"), &source));
        (void)check_text(skn_value_as_text(source));
        check_changes(count++, skn_value_as_text(source), 20, &n);
        skn_buf_fini(&value);
        rest = skn_slice_from(rest, end ? len + 1 : len);
    }
    skn_arena_fini(&arena);
    return count;
}

static void every_byte_of_every_file_is_in_its_tree(void **state)
{
    (void)state;
    assert_true(check_folder(SKN_TEST_LANG "/pointy/project") > 250);
    assert_true(check_folder(SKN_TEST_LANG "/pointy/lone") > 10);
    assert_true(check_folder(SKN_TEST_LANG "/pointy/event") > 30); /* no flows at all */
    assert_int_equal(check_collected(), 67);
}

static void every_byte_of_a_generated_text_is_in_its_tree(void **state)
{
    (void)state;
    const char *given = getenv("SKN_SEED");
    const char *soak = getenv("SKN_SOAK");
    uint64_t first = given ? strtoull(given, NULL, 0) : 1;
    uint64_t count = given ? 1 : 4000 * (soak ? strtoull(soak, NULL, 0) : 1);
    struct counts n = {0};
    struct pty_gen g = {.plain = false};
    skn_buf_init(&g.text, TEXT_MAX);
    for (uint64_t seed = first; seed < first + count; seed++) {
        g.plain = seed % 3 == 0;
        pty_generate(&g, seed, 1 + (unsigned)(seed % 40));
        if (!check_text(skn_buf_slice(&g.text))) fail_on(skn_buf_slice(&g.text), "an error", 0);
        check_changes(seed, skn_buf_slice(&g.text), 1, &n);
    }
    if (!given) assert_true(n.bad > count / 2 && n.good > count / 50); /* else it says little */
    skn_buf_fini(&g.text);
}

/* What stands behind the last unit that a text may have is in the tree too; and long things. */
static void long_texts_are_whole(void **state)
{
    (void)state;
    struct skn_buf text;
    skn_buf_init(&text, SKN_SOURCE_BYTES_MAX);
    for (uint32_t i = 0; i < SKN_GRAPH_UNITS_MAX + 5; i++)
        skn_buf_put_str(&text, "A->");
    skn_buf_put_str(&text, " # done");
    (void)check_text(skn_buf_slice(&text));
    skn_buf_reset(&text);
    for (uint32_t i = 0; i < 70000; i++)
        skn_buf_put_str(&text, i < 20000 ? "\n" : i < 30000 ? "#" : i == 30000 ? "\n" : "a");
    (void)check_text(skn_buf_slice(&text));
    skn_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_every_file_is_in_its_tree),
        cmocka_unit_test(every_byte_of_a_generated_text_is_in_its_tree),
        cmocka_unit_test(long_texts_are_whole),
    };
    return cmocka_run_group_tests_name("pointy tree", tests, NULL, NULL);
}
