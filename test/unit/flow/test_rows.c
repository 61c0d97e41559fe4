/* test_rows.c - the bytes and keys of a run's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_internal.h"
#include "lib/test.h"

#include <stdio.h>
#include <string.h>

static void expect_hex(struct skn_slice bytes, const char *hex)
{
    char text[2048] = "";
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(text + 2 * i, sizeof text - 2 * i, "%02x", bytes.ptr[i]);
    assert_string_equal(text, hex);
}

static void encode(int which, struct skn_buf *out)
{
    const struct run_row run = {.status = SKN_RUN_FAILED,
                                .is_timed_out = true,
                                .started_ms = 1,
                                .ended_ms = 2,
                                .timer = 3,
                                .running = 4,
                                .retries = 5,
                                .code = SKN_LIT("c"),
                                .message = SKN_LIT("m"),
                                .path = SKN_LIT("p")};
    const struct ctx_row ctx = {.status = CTX_RETRYING,
                                .is_cancelled = true,
                                .unit = 1,
                                .attempt = 2,
                                .counted = 3,
                                .branch = 4,
                                .intent = 5,
                                .timer = 6,
                                .due_ms = 7,
                                .started_ms = 8,
                                .ended_ms = 9,
                                .outcome = SKN_OUTCOME_OTHER,
                                .other = SKN_LIT("o"),
                                .is_handled = true,
                                .is_late = true,
                                .deadline = 10,
                                .reason = SKN_LIT("r")};
    struct attempt_row attempt = {.status = SKN_ATTEMPT_TIMEOUT,
                                  .epoch = 1,
                                  .started_ms = 2,
                                  .ended_ms = 3,
                                  .reason = SKN_LIT("r")};
    memset(attempt.key, 0xcd, sizeof attempt.key);
    const struct body_row body = {.is_cancelled = true,
                                  .body = 1,
                                  .step = 2,
                                  .pending = 3,
                                  .failed = 4,
                                  .parent_len = 258,
                                  .handled = 5,
                                  .decided = DECIDED_FAILED,
                                  .is_cut = true};
    skn_buf_reset(out);
    if (which == 0) run_encode(&run, out);
    if (which == 1) ctx_encode(&ctx, out);
    if (which == 2) attempt_encode(&attempt, out);
    if (which == 3) body_encode(&body, out);
}

static enum skn_rc decode(int which, struct skn_slice bytes)
{
    struct run_row run;
    struct ctx_row ctx;
    struct attempt_row attempt;
    struct body_row body;
    struct skn_diag diag;
    if (which == 0) return run_decode(bytes, &run, &diag);
    if (which == 1) return ctx_decode(bytes, &ctx, &diag);
    if (which == 2) return attempt_decode(bytes, &attempt, &diag);
    return body_decode(bytes, &body, &diag);
}

static void rows_are_golden(void **state)
{
    (void)state;
    static const char *const golden[] = {
        "02050101000000000000000200000000000000030000000000000004000000050000000100000063010000006d"
        "0100000070",
        "020301010000000200000003000000040000000500000000000000060000000000000007000000000000000800"
        "0000000000000900000000000000020100000072030a00000000000000010000006f",
        "0203010000000000000002000000000000000300000000000000cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd010000"
        "0072",
        "0201010000000200000003000000040000000201050000000201"};
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (int i = 0; i < 4; i++) {
        encode(i, &out);
        expect_hex(skn_buf_slice(&out), golden[i]);
    }
    skn_buf_fini(&out);
}

static void every_cut_and_every_longer_row_is_refused(void **state)
{
    (void)state;
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (int i = 0; i < 4; i++) {
        encode(i, &out);
        assert_int_equal(decode(i, skn_buf_slice(&out)), SKN_OK);
        for (size_t n = 0; n < out.len; n++)
            assert_int_equal(decode(i, skn_slice(out.ptr, n)), SKN_ECORRUPT);
        out.ptr[0] = FLOW_ROW_LEVEL + 1;
        assert_int_equal(decode(i, skn_buf_slice(&out)), SKN_ENEWER);
        out.ptr[0] = FLOW_ROW_LEVEL;
        skn_buf_put_u8(&out, 0);
        assert_int_equal(decode(i, skn_buf_slice(&out)), SKN_ECORRUPT);
    }
    skn_buf_fini(&out);
}

static void rows_of_level_1_are_read(void **state)
{
    (void)state;
    static const uint8_t ctx_bytes[] = {1, 3, 1, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0,  0, 4, 0,
                                        0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0,  0, 0, 0,
                                        0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0,  0, 0, 0,
                                        9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 'r'};
    static const uint8_t body_bytes[] = {1, 1, 1, 0, 0, 0, 2, 0, 0, 0,
                                         3, 0, 0, 0, 4, 0, 0, 0, 1, 2};
    struct ctx_row ctx;
    struct body_row body;
    assert_int_equal(ctx_decode(skn_slice(ctx_bytes, sizeof ctx_bytes), &ctx, NULL), SKN_OK);
    assert_int_equal(ctx.outcome, SKN_OUTCOME_SUCCESS);
    assert_int_equal(ctx.started_ms, 8);
    assert_false(ctx.is_handled || ctx.is_late || ctx.deadline);
    assert_int_equal(body_decode(skn_slice(body_bytes, sizeof body_bytes), &body, NULL), SKN_OK);
    assert_int_equal(body.parent_len, 513);
    assert_int_equal(body.decided, DECIDED_NOT);
}

/* [E60] Key order is tree order: a context, what is inside its attempts, its branch, its neighbour. */
static void key_order_is_tree_order(void **state)
{
    (void)state;
    struct flow_key keys[6];
    struct skn_slice root = {0};
    assert_true(flow_key_child(&keys[0], root, 4, 0));
    assert_true(flow_key_child(&keys[5], root, 300, 0));
    struct flow_key first, second, branch;
    assert_true(flow_key_child(&first, root, 4, 1));
    assert_true(flow_key_child(&second, root, 4, 2));
    assert_true(flow_key_child(&branch, root, 4, BRANCH_LEVEL));
    assert_true(flow_key_child(&keys[1], flow_key_slice(&first), 5, 0));
    assert_true(flow_key_child(&keys[2], flow_key_slice(&first), 6, 0));
    assert_true(flow_key_child(&keys[3], flow_key_slice(&second), 5, 0));
    assert_true(flow_key_child(&keys[4], flow_key_slice(&branch), 9, 0));
    for (size_t i = 1; i < SKN_ARRAY_LEN(keys); i++)
        assert_true(skn_slice_cmp(flow_key_slice(&keys[i - 1]), flow_key_slice(&keys[i])) < 0);
    expect_hex(flow_key_slice(&keys[3]), "010501020001060000");
    assert_int_equal(flow_key_parent_len(flow_key_slice(&keys[3])), second.len);
    struct skn_buf path;
    skn_buf_init(&path, 100);
    flow_key_path(flow_key_slice(&keys[4]), &path);
    assert_string_equal(skn_buf_str(&path), "5.10");
    skn_buf_fini(&path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_golden),
        cmocka_unit_test(rows_of_level_1_are_read),
        cmocka_unit_test(every_cut_and_every_longer_row_is_refused),
        cmocka_unit_test(key_order_is_tree_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
