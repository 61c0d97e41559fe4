/* fuzz_graph.c - any bytes: refused, or a graph that is written as the same bytes again. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
#include "fuzz/fuzz.h"
#include "lang/pointy/pointy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_arena arena;
    struct skn_buf again;
    const struct skn_graph *graph;
    skn_arena_init(&arena);
    skn_buf_init(&again, (size_t)1 << 26);
    enum skn_rc rc = skn_graph_decode(&arena, skn_slice(data, size), NULL, &graph);
    if (rc == SKN_OK) {
        skn_graph_check(graph);
        SKN_ASSERT(skn_graph_is_runnable(graph));
        rc = skn_graph_encode(graph, &again);
        SKN_ASSERT(rc == SKN_OK);
        SKN_ASSERT(skn_slice_eq(skn_buf_slice(&again), skn_slice(data, size)));
    } else {
        SKN_ASSERT(rc == SKN_ECORRUPT || rc == SKN_ENEWER);
    }
    skn_buf_fini(&again);
    skn_arena_fini(&arena);
    return 0;
}
