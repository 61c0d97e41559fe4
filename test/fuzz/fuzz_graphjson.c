/* fuzz_graphjson.c - any JSON as a graph: refused with a reason, or a text that is taken. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
#include "fuzz/fuzz.h"
#include "lang/pointy/tools.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_buf text, again;
    struct skn_diag diag = {0};
    skn_buf_init(&text, (size_t)1 << 26);
    skn_buf_init(&again, (size_t)1 << 26);
    enum skn_rc rc = skn_pointy_from_json(skn_slice(data, size), &text, &diag);
    SKN_ASSERT(rc == SKN_OK || diag.text[0] != 0);
    if (rc == SKN_OK) {
        struct skn_arena arena;
        struct skn_source source;
        struct skn_diags diags;
        skn_arena_init(&arena);
        rc = skn_source_init(&source, &arena, SKN_LIT("x"), skn_buf_slice(&text));
        SKN_ASSERT(rc == SKN_OK);
        skn_diags_init(&diags, &arena, &source);
        rc = skn_pointy_format(&source, &diags, &again);
        SKN_ASSERT(rc == SKN_OK);
        SKN_ASSERT(skn_slice_eq(skn_buf_slice(&text), skn_buf_slice(&again)));
        skn_arena_fini(&arena);
    }
    skn_buf_fini(&text);
    skn_buf_fini(&again);
    return 0;
}
