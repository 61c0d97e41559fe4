/* fuzz_event.c - any event file: refused with its place, or a definition that a run can pin. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
/* corpus: test/lang/pointy/event test/fuzz/corpus/event */
#include "fuzz/fuzz.h"
#include "lang/pointy/pointy.h"
#include "value/value.h"

/* The program that uses the event with nothing but its name; its inputs may be missing. */
static void can_be_pinned(struct skn_arena *arena, const struct skn_event_def *def)
{
    struct skn_project_events events;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_buf bytes;
    const struct skn_graph *graph;
    enum skn_rc rc = skn_project_events_init(&events, arena, &def, 1, NULL);
    SKN_ASSERT(rc == SKN_OK);
    rc = skn_source_init(&source, arena, SKN_LIT("x.pty"), def->name);
    SKN_ASSERT(rc == SKN_OK);
    skn_diags_init(&diags, arena, &source);
    skn_buf_init(&bytes, (size_t)1 << 26);
    bool taken = skn_pointy_compile(arena, &source, &events, &diags, &graph) == SKN_OK;
    if (taken) SKN_ASSERT(skn_graph_is_runnable(graph) == (def->not_yet.len == 0));
    if (taken && def->not_yet.len == 0) {
        rc = skn_graph_encode(graph, &bytes);
        SKN_ASSERT(rc == SKN_OK);
        rc = skn_graph_decode(arena, skn_buf_slice(&bytes), NULL, &graph);
        SKN_ASSERT(rc == SKN_OK);
    }
    skn_buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_buf shown;
    const struct skn_event_def *def;
    skn_arena_init(&arena);
    skn_buf_init(&shown, (size_t)1 << 26);
    if (skn_source_init(&source, &arena, SKN_LIT("x.yaml"), skn_slice(data, size)) == SKN_OK) {
        skn_diags_init(&diags, &arena, &source);
        enum skn_rc rc = skn_event_parse(&arena, &source, &diags, &def);
        skn_diags_check(&diags);
        skn_diags_render(&diags, &shown);
        SKN_ASSERT((rc == SKN_OK) == (diags.errors == 0));
        if (rc == SKN_OK) can_be_pinned(&arena, def);
    }
    skn_buf_fini(&shown);
    skn_arena_fini(&arena);
    return 0;
}
