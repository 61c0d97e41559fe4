/* fuzz_value.c - any bytes: refused, or a value whose encoding they are. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value */
#include "fuzz/fuzz.h"
#include "value/json.h"

/* Every element is read once. */
static void walk(struct skn_value v)
{
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice key;
    struct skn_value element, same;
    for (uint32_t i = 0; skn_value_next(&iter, &key, &element); i++) {
        if (skn_value_is(v, SKN_T_MAP)) {
            SKN_ASSERT(skn_map_get(v, key, &same));
        } else {
            SKN_ASSERT(skn_list_at(v, i, &same));
        }
        SKN_ASSERT(skn_value_cmp(element, same) == 0);
        if (i == 50) break; /* both lookups walk: long lists would be quadratic */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (skn_value_check(skn_slice(data, size), NULL) != SKN_OK) return 0;
    struct skn_value v = skn_value_view(skn_slice(data, size));
    struct skn_buf out, text;
    struct skn_builder b;
    skn_buf_init(&out, size);
    skn_buf_init(&text, 1 << 24);
    skn_builder_init(&b, &out);
    skn_build_value(&b, v);
    SKN_ASSERT(skn_build_end(&b, NULL) == SKN_OK);
    SKN_ASSERT(skn_slice_eq(skn_buf_slice(&out), skn_slice(data, size)));
    SKN_ASSERT(skn_value_cmp(v, skn_value_view(skn_buf_slice(&out))) == 0);
    SKN_ASSERT(skn_value_depth(v) <= SKN_VALUE_DEPTH_MAX);
    walk(v);
    if (skn_json_print(v, SKN_JSON_PRETTY, &text, NULL) == SKN_OK) {
        const struct skn_json_options options = {.big_ints_as_reals = true};
        skn_buf_reset(&out);
        out.max = (size_t)1 << 28;
        enum skn_rc rc = skn_json_parse(skn_buf_slice(&text), &options, &out, NULL);
        if (rc != SKN_OK) SKN_ASSERT(rc == SKN_ETOOLARGE); /* a blob at full depth is one deeper */
    }
    skn_buf_fini(&text);
    skn_buf_fini(&out);
    return 0;
}
