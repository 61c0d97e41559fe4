/* test_lsp.c - the language server without an editor: frames, errors of the protocol, positions; a
 * language that knows nothing stands in for Pointy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/lsp.h"
#include "lib/test.h"

#include <stdio.h>
#include <string.h>

/* Everything with an "x" in it is wrong at its first. */
static void check(void *ctx, const struct skn_lsp_text *text, struct skn_diags *diags)
{
    (void)ctx;
    const uint8_t *x = text->source->text.len > 0
                           ? memchr(text->source->text.ptr, 'x', text->source->text.len)
                           : NULL;
    if (!x) return;
    uint32_t at = (uint32_t)(x - text->source->text.ptr);
    skn_diags_add(
        diags, SKN_CODE_BAD_CHAR, (struct skn_span){at, at + 1}, SKN_DIAG_ARGS(SKN_LIT("x")));
}

static const struct skn_lsp_language plain = {.ending = ".txt", .check = check};
static const struct skn_lsp_language *const languages[] = {&plain};

struct server {
    struct skn_lsp *lsp;
    struct skn_buf out;
};

static void start(struct server *s)
{
    s->lsp = skn_lsp_create(languages, 1);
    skn_buf_init(&s->out, 1 << 24);
}

static void stop(struct server *s)
{
    skn_lsp_destroy(s->lsp);
    skn_buf_fini(&s->out);
}

/* Sends a message with its frame and gives what came back. */
static const char *say(struct server *s, const char *body)
{
    char frame[4096];
    int len = snprintf(frame, sizeof(frame), "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    skn_buf_reset(&s->out);
    assert_int_equal(skn_lsp_feed(s->lsp, skn_slice(frame, (size_t)len), &s->out), SKN_OK);
    return skn_buf_str(&s->out);
}

#define INIT "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}"
#define OPEN                                                                                  \
    "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{" \
    "\"uri\":\"file:///a%20b.txt\",\"languageId\":\"t\",\"version\":1,\"text\":\"a\\nbx\"}}}"

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("no %s in %s", part, text);
}

static void a_text_is_checked_when_it_is_opened_and_changed(void **state)
{
    (void)state;
    struct server s;
    start(&s);
    assert_has(say(&s, INIT), "\"id\":1,\"result\":{\"capabilities\":{");
    assert_has(say(&s, OPEN), "\"start\":{\"line\":1,\"character\":1}");
    assert_has(skn_buf_str(&s.out), "\"method\":\"textDocument/publishDiagnostics\"");
    const char *got = say(&s,
                          "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{"
                          "\"textDocument\":{\"uri\":\"file:///a%20b.txt\",\"version\":2},"
                          "\"contentChanges\":[{\"text\":\"xx\"},{\"text\":\"b\"}]}}");
    assert_has(got, "\"diagnostics\":[]");
    got = say(&s,
              "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didClose\",\"params\":{"
              "\"textDocument\":{\"uri\":\"file:///a%20b.txt\"}}}");
    assert_string_equal(got, "");
    stop(&s);
}

static void wrong_requests_get_the_errors_of_the_protocol(void **state)
{
    (void)state;
    struct server s;
    start(&s);
    assert_has(say(&s, "{"), "\"code\":-32700");
    assert_has(say(&s, "[]"), "\"code\":-32600");
    assert_has(say(&s, "{\"id\":7}"), "\"id\":7,\"error\":{\"code\":-32600");
    assert_has(say(&s, "{\"id\":\"q\",\"method\":\"textDocument/hover\"}"),
               "\"id\":\"q\",\"error\":{\"code\":-32002");
    (void)say(&s, INIT);
    assert_has(say(&s, "{\"id\":2,\"method\":\"nothing/like/it\"}"), "\"code\":-32601");
    assert_has(say(&s, "{\"id\":2,\"method\":\"textDocument/hover\",\"params\":[]}"),
               "\"code\":-32602");
    (void)say(&s, OPEN);
    assert_has(say(&s,
                   "{\"id\":3,\"method\":\"textDocument/hover\",\"params\":{\"textDocument\":{"
                   "\"uri\":\"file:///a%20b.txt\"},\"position\":{\"line\":-4,\"character\":9e9}}}"),
               "\"result\":null");
    assert_has(say(&s,
                   "{\"id\":3,\"method\":\"textDocument/rename\",\"params\":{\"textDocument\":{"
                   "\"uri\":\"file:///a%20b.txt\"},\"position\":{\"line\":0,\"character\":0}}}"),
               "\"code\":-32803");
    assert_has(say(&s, "{\"id\":4,\"method\":\"shutdown\"}"), "\"id\":4,\"result\":null");
    assert_has(say(&s, "{\"id\":5,\"method\":\"textDocument/hover\"}"), "\"code\":-32600");
    int exit_code;
    assert_false(skn_lsp_has_ended(s.lsp, &exit_code));
    assert_string_equal(say(&s, "{\"method\":\"exit\"}"), "");
    assert_true(skn_lsp_has_ended(s.lsp, &exit_code));
    assert_int_equal(exit_code, 0);
    stop(&s);
}

/* Bytes come as they like: one by one, and many messages at once. */
static void frames_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct server whole, cut;
    char text[4096];
    size_t len = 0;
    static const char *const bodies[] = {INIT, OPEN, "{\"id\":4,\"method\":\"shutdown\"}"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bodies); i++)
        len += (size_t)snprintf(text + len,
                                sizeof(text) - len,
                                "content-type: x\r\nContent-LENGTH:  %zu\r\n\r\n%s",
                                strlen(bodies[i]),
                                bodies[i]);
    start(&whole);
    start(&cut);
    assert_int_equal(skn_lsp_feed(whole.lsp, skn_slice(text, len), &whole.out), SKN_OK);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(skn_lsp_feed(cut.lsp, skn_slice(text + i, 1), &cut.out), SKN_OK);
    assert_true(whole.out.len > 0);
    assert_string_equal(skn_buf_str(&whole.out), skn_buf_str(&cut.out));
    stop(&whole);
    stop(&cut);
}

static void what_is_no_frame_ends_the_connection(void **state)
{
    (void)state;
    static const char *const bad[] = {"\r\n\r\n",
                                      "Content-Length: x\r\n\r\n",
                                      "Content-Length: 99999999999999999999\r\n\r\n",
                                      "Content-Length: 67108865\r\n\r\n"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct server s;
        start(&s);
        if (skn_lsp_feed(s.lsp, skn_slice_str(bad[i]), &s.out) != SKN_ECORRUPT)
            fail_msg("%s", bad[i]);
        stop(&s);
    }
    struct server s;
    char junk[8192];
    memset(junk, 'a', sizeof(junk));
    start(&s);
    assert_int_equal(skn_lsp_feed(s.lsp, skn_slice(junk, sizeof(junk)), &s.out), SKN_ECORRUPT);
    stop(&s);
}

static void positions_count_utf16_and_come_back(void **state)
{
    (void)state;
    struct skn_arena arena;
    struct skn_source source;
    skn_arena_init(&arena);
    assert_int_equal(
        skn_source_init(&source, &arena, SKN_LIT("x"), SKN_LIT("a\xC3\xA9\r\n\xF0\x9F\x98\x80z\n")),
        SKN_OK);
    static const struct {
        uint32_t offset, line, column;
    } cases[] = {{0, 0, 0}, {1, 0, 1}, {3, 0, 2}, {5, 1, 0}, {9, 1, 2}, {10, 1, 3}, {11, 2, 0}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_lsp_position p = skn_lsp_position(&source, cases[i].offset);
        assert_int_equal(p.line, cases[i].line);
        assert_int_equal(p.column, cases[i].column);
        assert_int_equal(skn_lsp_offset(&source, p), cases[i].offset);
    }
    assert_int_equal(skn_lsp_offset(&source, (struct skn_lsp_position){0, 99}), 3);
    assert_int_equal(skn_lsp_offset(&source, (struct skn_lsp_position){99, 0}), 11);
    skn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_checked_when_it_is_opened_and_changed),
        cmocka_unit_test(wrong_requests_get_the_errors_of_the_protocol),
        cmocka_unit_test(frames_may_be_cut_anywhere),
        cmocka_unit_test(what_is_no_frame_ends_the_connection),
        cmocka_unit_test(positions_count_utf16_and_come_back),
    };
    return cmocka_run_group_tests_name("lsp", tests, NULL, NULL);
}
