/* fuzz_pointy.c - any text: its tokens are all of it, and it gets a verdict with its places in the text, or
 * a graph that is stored and read back the same. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
/* corpus: test/lang/pointy/project test/fuzz/corpus/pointy */
#include "fuzz/fuzz.h"
#include "lang/pointy/syntax_internal.h"

static void stored_and_read_back(const struct skn_graph *graph)
{
    struct skn_arena arena;
    struct skn_buf bytes, again;
    const struct skn_graph *read;
    skn_arena_init(&arena);
    skn_buf_init(&bytes, (size_t)1 << 26);
    skn_buf_init(&again, (size_t)1 << 26);
    enum skn_rc rc = skn_graph_encode(graph, &bytes);
    SKN_ASSERT(rc == SKN_OK);
    rc = skn_graph_decode(&arena, skn_buf_slice(&bytes), NULL, &read);
    SKN_ASSERT(rc == SKN_OK);
    rc = skn_graph_encode(read, &again);
    SKN_ASSERT(rc == SKN_OK);
    SKN_ASSERT(skn_slice_eq(skn_buf_slice(&bytes), skn_buf_slice(&again)));
    skn_buf_fini(&bytes);
    skn_buf_fini(&again);
    skn_arena_fini(&arena);
}

/* A and Fetch are the events of the project; half of the texts have none. */
static enum skn_rc compile(struct skn_arena *arena,
                           struct skn_diags *diags,
                           const struct skn_source *source,
                           const struct skn_graph **out_graph)
{
    static const struct skn_slice argv[] = {{(const uint8_t *)"true", 4}};
    static const struct skn_field url = {
        .name = {(const uint8_t *)"url", 3}, .type = SKN_TYPE_STRING, .required = true};
    static const struct skn_event_def defs[] = {
        {.name = {(const uint8_t *)"A", 1}, .retry = {1, 0, 1000, 0}},
        {.name = {(const uint8_t *)"Fetch", 5}, .retry = {3, 10, 2000, 100}}};
    struct skn_event_def own[SKN_ARRAY_LEN(defs)];
    const struct skn_event_def *pointers[SKN_ARRAY_LEN(defs)];
    struct skn_project_events events;
    if (source->text.len % 2 == 0) return skn_pointy_compile(arena, source, NULL, diags, out_graph);
    for (size_t i = 0; i < SKN_ARRAY_LEN(defs); i++) {
        own[i] = defs[i];
        own[i].kind = SKN_EVENT_EXEC;
        own[i].argv = argv;
        own[i].argc = 1;
        own[i].inputs = i > 0 ? &url : NULL;
        own[i].input_count = i > 0 ? 1 : 0;
        pointers[i] = &own[i];
    }
    enum skn_rc rc = skn_project_events_init(&events, arena, pointers, SKN_ARRAY_LEN(defs), NULL);
    SKN_ASSERT(rc == SKN_OK);
    return skn_pointy_compile(arena, source, &events, diags, out_graph);
}

static void tokens_are_the_text(struct skn_arena *arena, const struct skn_source *source)
{
    struct skn_diags diags;
    struct skn_syntax syntax;
    uint32_t at = 0;
    skn_diags_init(&diags, arena, source);
    skn_syntax_parse(&syntax, &diags);
    struct skn_syn_walk walk = skn_syn_walk(&syntax);
    for (bool is_end = false; !is_end;) {
        struct skn_syn_token token = skn_syn_next(&walk);
        is_end = token.kind == SKN_TOKEN_END;
        SKN_ASSERT(token.before == at && token.span.start >= at &&
                   token.span.end >= token.span.start);
        SKN_ASSERT(is_end == (token.span.start == token.span.end));
        SKN_ASSERT(skn_lex_blanks(source, at) == token.span.start);
        at = token.span.end;
    }
    SKN_ASSERT(at == source->text.len);
    skn_syntax_fini(&syntax);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_buf shown;
    const struct skn_graph *graph;
    skn_arena_init(&arena);
    skn_buf_init(&shown, (size_t)1 << 26);
    if (skn_source_init(&source, &arena, SKN_LIT("x.pty"), skn_slice(data, size)) == SKN_OK) {
        tokens_are_the_text(&arena, &source);
        skn_diags_init(&diags, &arena, &source);
        enum skn_rc rc = compile(&arena, &diags, &source, &graph);
        skn_diags_check(&diags);
        skn_diags_render(&diags, &shown);
        SKN_ASSERT((rc == SKN_OK) == (diags.errors == 0));
        if (rc == SKN_OK) {
            skn_graph_check(graph);
            skn_graph_dump(graph, &shown);
            if (skn_graph_is_runnable(graph)) stored_and_read_back(graph);
        }
    }
    skn_buf_fini(&shown);
    skn_arena_fini(&arena);
    return 0;
}
