/* test_buf.c - buffers, arenas and diagnostics against plain arrays. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "lib/test.h"

enum { STEPS = 100000, MAX = 5000 };

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

static void a_buffer_agrees_with_an_array_and_refuses_at_its_maximum(void **state)
{
    (void)state;
    uint64_t rng = 42;
    uint8_t model[MAX];
    size_t len = 0;
    bool full = false;
    struct skn_buf buf;
    skn_buf_init(&buf, MAX);
    for (int step = 0; step < STEPS; step++) {
        uint8_t bytes[64];
        size_t n = next(&rng) % sizeof bytes;
        memset(bytes, (int)next(&rng), sizeof bytes);
        if (next(&rng) % 200 == 0) {
            skn_buf_reset(&buf);
            len = 0;
            full = false;
        }
        full = full || len + n > MAX;
        if (!full) memcpy(model + len, bytes, n);
        if (!full) len += n;
        skn_buf_put(&buf, skn_slice(bytes, n));
        assert_int_equal(buf.len, len);
        assert_int_equal(skn_buf_rc(&buf), full ? SKN_EFULL : SKN_OK);
        if (step % 64 == 0 && len > 0) assert_memory_equal(buf.ptr, model, len);
        skn_buf_check(&buf);
    }
    skn_buf_fini(&buf);
}

static void integers_are_written_in_the_order_they_name(void **state)
{
    (void)state;
    struct skn_buf buf;
    skn_buf_init(&buf, 100);
    skn_buf_put_le32(&buf, 0x01020304);
    skn_buf_put_be32(&buf, 0x01020304);
    skn_buf_put_be16(&buf, 0x0506);
    skn_buf_printf(&buf, "%d", 7);
    assert_memory_equal(buf.ptr,
                        "\4\3\2\1\1\2\3\4\5\6"
                        "7",
                        11);
    assert_string_equal(skn_buf_str(&buf) + 10, "7");
    skn_buf_fini(&buf);
}

static void a_full_buffer_still_ends_in_a_nul(void **state)
{
    (void)state;
    struct skn_buf buf;
    skn_buf_init(&buf, 3);
    skn_buf_put_str(&buf, "abc");
    assert_int_equal(skn_buf_rc(&buf), SKN_OK);
    skn_buf_put_u8(&buf, 'd');
    assert_int_equal(skn_buf_rc(&buf), SKN_EFULL);
    assert_string_equal(skn_buf_str(&buf), "abc");
    skn_buf_fini(&buf);
}

static void what_an_arena_gave_out_stays_as_it_was(void **state)
{
    (void)state;
    uint64_t rng = 7;
    enum { KEEP = 500 };
    struct skn_arena arena;
    skn_arena_init(&arena);
    uint8_t *kept[KEEP];
    size_t sizes[KEEP];
    for (int round = 0; round < STEPS / KEEP; round++) {
        for (size_t i = 0; i < KEEP; i++) {
            sizes[i] = next(&rng) % (i % 50 == 0 ? 9000 : 100);
            kept[i] = skn_arena_alloc(&arena, sizes[i]);
            assert_int_equal((uintptr_t)kept[i] % 16, 0);
            memset(kept[i], (int)(i & 0xff), sizes[i]);
        }
        for (size_t i = 0; i < KEEP; i++)
            for (size_t b = 0; b < sizes[i]; b++)
                if (kept[i][b] != (uint8_t)i) fail_msg("round %d, block %zu changed", round, i);
        skn_arena_check(&arena);
        skn_arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    assert_string_equal(skn_arena_printf(&arena, "%s-%d", "a", 5), "a-5");
    skn_arena_fini(&arena);
}

static void a_diag_keeps_what_failed_and_may_be_null(void **state)
{
    (void)state;
    struct skn_diag diag;
    assert_int_equal(SKN_FAIL(&diag, SKN_ENOENT, "no run \"%s\"", "r1"), SKN_ENOENT);
    skn_diag_prefix(&diag, "show");
    assert_string_equal(diag.text, "show: no run \"r1\"");
    assert_int_equal(SKN_CORRUPT(NULL, "x"), SKN_ECORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_agrees_with_an_array_and_refuses_at_its_maximum),
        cmocka_unit_test(integers_are_written_in_the_order_they_name),
        cmocka_unit_test(a_full_buffer_still_ends_in_a_nul),
        cmocka_unit_test(what_an_arena_gave_out_stays_as_it_was),
        cmocka_unit_test(a_diag_keeps_what_failed_and_may_be_null),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
