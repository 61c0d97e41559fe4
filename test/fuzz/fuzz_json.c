/* fuzz_json.c - any text: refused with its place, or a value that prints and reads back. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value */
/* corpus: test/data/json */
#include "fuzz/fuzz.h"
#include "value/json.h"

static void prints_and_reads_back(struct skn_slice bytes, enum skn_json_mode mode)
{
    struct skn_buf text, again;
    skn_buf_init(&text, 1 << 26);
    skn_buf_init(&again, 1 << 26);
    SKN_ASSERT(skn_json_print(skn_value_view(bytes), mode, &text, NULL) == SKN_OK);
    SKN_ASSERT(skn_json_parse(skn_buf_slice(&text), NULL, &again, NULL) == SKN_OK);
    SKN_ASSERT(skn_slice_eq(skn_buf_slice(&again), bytes));
    skn_buf_fini(&again);
    skn_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_json_options options = {.last_wins = size % 2 == 1,
                                       .big_ints_as_reals = size % 3 == 1};
    struct skn_diag diag = {0};
    struct skn_buf out;
    skn_buf_init(&out, 1 << 26);
    enum skn_rc rc = skn_json_parse(skn_slice(data, size), &options, &out, &diag);
    if (rc == SKN_OK) {
        SKN_ASSERT(skn_value_check(skn_buf_slice(&out), NULL) == SKN_OK);
        prints_and_reads_back(skn_buf_slice(&out), SKN_JSON_CANONICAL);
        prints_and_reads_back(skn_buf_slice(&out), SKN_JSON_PRETTY);
    } else {
        SKN_ASSERT(rc == SKN_ESYNTAX || rc == SKN_ETOOLARGE);
        SKN_ASSERT(diag.rc == rc);
        SKN_ASSERT(out.len == 0);
    }
    skn_buf_fini(&out);
    return 0;
}
