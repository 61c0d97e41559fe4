/* fuzz_format.c - any text: what is taken is laid out without losing a token, twice the same, and its
 * graph as JSON is the text's that comes of it; every drawing ends. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
/* corpus: test/lang/pointy/project test/fuzz/corpus/pointy */
#include "fuzz/fuzz.h"
#include "lang/pointy/lex_internal.h"
#include "lang/pointy/tools.h"

enum { OUT_MAX = 1 << 28 };

/* Compiles in no project; the JSON form is appended when there are no errors. */
static bool draw(struct skn_slice text, struct skn_buf *json, bool all)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_drawing *drawing = NULL;
    struct skn_buf out;
    skn_arena_init(&arena);
    skn_buf_init(&out, OUT_MAX);
    enum skn_rc rc = skn_source_init(&source, &arena, SKN_LIT("x.pty"), text);
    skn_diags_init(&diags, &arena, &source);
    if (rc == SKN_OK) rc = skn_drawing_create(&arena, &source, NULL, &diags, &drawing);
    if (rc == SKN_OK) skn_drawing_json(drawing, false, json);
    if (rc == SKN_OK && all) {
        skn_drawing_dot(drawing, &out);
        skn_drawing_mermaid(drawing, &out);
        skn_drawing_text(drawing, &out);
        skn_drawing_describe(drawing, &out);
        skn_drawing_data(drawing, &out);
    }
    skn_drawing_destroy(drawing);
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
    return rc == SKN_OK;
}

static bool format(struct skn_slice text, struct skn_buf *out)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_source_init(&source, &arena, SKN_LIT("x.pty"), text);
    skn_diags_init(&diags, &arena, &source);
    if (rc == SKN_OK) rc = skn_pointy_format(&source, &diags, out);
    SKN_ASSERT(rc == SKN_OK || out->len == 0);
    skn_arena_fini(&arena);
    return rc == SKN_OK;
}

static void put_tokens(struct skn_slice text, struct skn_buf *out)
{
    struct skn_arena arena;
    struct skn_source source;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_source_init(&source, &arena, SKN_LIT("x"), text);
    SKN_ASSERT(rc == SKN_OK);
    for (struct skn_token t = skn_lex(&source, 0); t.kind != SKN_TOKEN_END;
         t = skn_lex(&source, t.span.end)) {
        skn_buf_put(out, skn_source_at(&source, t.span));
        skn_buf_put_u8(out, 0);
    }
    skn_arena_fini(&arena);
}

static void same(const struct skn_buf *a, const struct skn_buf *b)
{
    SKN_ASSERT(skn_slice_eq(skn_buf_slice(a), skn_buf_slice(b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_slice text = skn_slice(data, size);
    struct skn_buf bufs[6];
    for (size_t i = 0; i < SKN_ARRAY_LEN(bufs); i++)
        skn_buf_init(&bufs[i], OUT_MAX);
    struct skn_buf *once = &bufs[0], *twice = &bufs[1], *a = &bufs[2], *b = &bufs[3];
    if (format(text, once)) {
        bool taken = format(skn_buf_slice(once), twice);
        SKN_ASSERT(taken);
        same(once, twice);
        put_tokens(text, a);
        put_tokens(skn_buf_slice(once), b);
        same(a, b);
        skn_buf_reset(a);
        skn_buf_reset(b);
        if (draw(text, a, true)) {
            taken = draw(skn_buf_slice(once), b, false);
            SKN_ASSERT(taken);
            same(a, b);
            enum skn_rc rc = skn_pointy_from_json(skn_buf_slice(a), &bufs[4], NULL);
            SKN_ASSERT(rc == SKN_OK);
            taken = draw(skn_buf_slice(&bufs[4]), &bufs[5], false);
            SKN_ASSERT(taken);
            same(a, &bufs[5]);
        }
    }
    for (size_t i = 0; i < SKN_ARRAY_LEN(bufs); i++)
        skn_buf_fini(&bufs[i]);
    return 0;
}
