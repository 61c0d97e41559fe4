/* fuzz_graph.c - any bytes: refused, or a graph that is written as the same bytes again; bytes of an
 * older level as those of the newest, which stay the same from then on. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
#include "fuzz/fuzz.h"
#include "lang/pointy/pointy.h"

static enum skn_rc again_of(struct skn_slice bytes, struct skn_buf *again)
{
    struct skn_arena arena;
    const struct skn_graph *graph;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_graph_decode(&arena, bytes, NULL, &graph);
    if (rc == SKN_OK) {
        skn_graph_check(graph);
        SKN_ASSERT(skn_graph_is_runnable(graph));
        rc = skn_graph_encode(graph, again);
        SKN_ASSERT(rc == SKN_OK);
    }
    skn_arena_fini(&arena);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_buf again, third;
    skn_buf_init(&again, (size_t)1 << 26);
    skn_buf_init(&third, (size_t)1 << 26);
    struct skn_slice bytes = skn_slice(data, size);
    enum skn_rc rc = again_of(bytes, &again);
    if (rc == SKN_OK && data[0] < again.ptr[0]) {
        rc = again_of(skn_buf_slice(&again), &third);
        SKN_ASSERT(rc == SKN_OK);
        bytes = skn_buf_slice(&third);
    }
    if (rc == SKN_OK) {
        SKN_ASSERT(skn_slice_eq(skn_buf_slice(&again), bytes));
    } else {
        SKN_ASSERT(rc == SKN_ECORRUPT || rc == SKN_ENEWER);
    }
    skn_buf_fini(&again);
    skn_buf_fini(&third);
    return 0;
}
