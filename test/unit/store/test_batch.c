/* test_batch.c - the bytes of batches and stored rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "store/backend/backend.h"

static void batch_bytes_are_golden(void **state)
{
    (void)state;
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put(&batch, SKN_LIT("ab"), SKN_LIT("xyz"));
    skn_batch_delete(&batch, SKN_LIT("c"));
    static const uint8_t golden[] = {1, 2, 0, 3, 0, 0, 0, 'a', 'b', 'x', 'y', 'z', 2, 1, 0, 'c'};
    assert_int_equal(batch.len, sizeof golden);
    assert_memory_equal(batch.ptr, golden, sizeof golden);
    struct skn_hash128 h = skn_row_hash(SKN_LIT("ab"), SKN_LIT("xyz"));
    assert_int_equal(h.hi, UINT64_C(0xa55db51aa06db408));
    assert_int_equal(h.lo, UINT64_C(0xed34021489d860c8));
    skn_buf_fini(&batch);
}

/* [E70] From journal level 2 on. */
static void a_deletion_says_why(void **state)
{
    (void)state;
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    for (enum skn_why why = SKN_WHY_DELETE; why < SKN_WHYS; why++)
        skn_batch_delete_why(&batch, SKN_LIT("c"), why);
    static const uint8_t golden[] = {2, 1, 0, 'c', 3, 1, 0, 'c', 4, 1, 0, 'c'};
    assert_int_equal(batch.len, sizeof golden);
    assert_memory_equal(batch.ptr, golden, sizeof golden);
    struct skn_slice rest = skn_buf_slice(&batch);
    struct skn_row_op op;
    for (enum skn_why why = SKN_WHY_DELETE; why < SKN_WHYS; why++) {
        assert_int_equal(skn_batch_next(&rest, &op, NULL), SKN_OK);
        assert_true(op.is_delete);
        assert_int_equal(op.why, why);
    }
    assert_string_equal(skn_why_name(SKN_WHY_PRUNE), "prune");
    skn_buf_fini(&batch);
}

static void every_cut_of_a_batch_is_refused_by_name(void **state)
{
    (void)state;
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put(&batch, SKN_LIT("ab"), SKN_LIT("xyz"));
    for (size_t n = 1; n < batch.len; n++) {
        struct skn_slice rest = skn_slice(batch.ptr, n);
        struct skn_row_op op;
        struct skn_diag diag;
        assert_int_equal(skn_batch_next(&rest, &op, &diag), SKN_ECORRUPT);
    }
    static const uint8_t bad[][8] = {{0, 1, 0, 'c'}, {5, 1, 0, 'c'}, {2, 0, 0}, {2, 1, 0x10, 'c'}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct skn_slice rest = skn_slice(bad[i], sizeof bad[i]);
        struct skn_row_op op;
        assert_int_equal(skn_batch_next(&rest, &op, NULL), SKN_ECORRUPT);
    }
    skn_buf_fini(&batch);
}

static void a_stored_row_is_its_index_and_its_value(void **state)
{
    (void)state;
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put_stored(&batch, SKN_LIT("ab"), 0x0102030405060708, SKN_LIT("xy"));
    static const uint8_t golden[] = {
        1, 2, 0, 10, 0, 0, 0, 'a', 'b', 8, 7, 6, 5, 4, 3, 2, 1, 'x', 'y'};
    assert_int_equal(batch.len, sizeof golden);
    assert_memory_equal(batch.ptr, golden, sizeof golden);
    struct skn_slice rest = skn_buf_slice(&batch), value;
    struct skn_row_op op;
    uint64_t index;
    assert_int_equal(skn_batch_next(&rest, &op, NULL), SKN_OK);
    assert_int_equal(skn_stored_split(op.value, &index, &value, NULL), SKN_OK);
    assert_int_equal(index, 0x0102030405060708);
    assert_true(skn_slice_eq(value, SKN_LIT("xy")));
    for (size_t n = 0; n < SKN_STORED_HEAD; n++)
        assert_int_equal(skn_stored_split(skn_slice(op.value.ptr, n), &index, &value, NULL),
                         SKN_ECORRUPT);
    skn_buf_fini(&batch);
}

static void the_largest_row_has_room_in_both_forms(void **state)
{
    (void)state;
    static uint8_t big[SKN_VALUE_MAX + SKN_STORED_HEAD + 1];
    struct skn_buf batch;
    skn_buf_init(&batch, 3 << 20);
    skn_batch_put_stored(&batch, SKN_LIT("k"), 1, skn_slice(big, SKN_VALUE_MAX));
    struct skn_slice rest = skn_buf_slice(&batch), value;
    struct skn_row_op op;
    uint64_t index;
    assert_int_equal(skn_batch_next(&rest, &op, NULL), SKN_OK);
    assert_int_equal(skn_stored_split(op.value, &index, &value, NULL), SKN_OK);
    assert_int_equal(value.len, SKN_VALUE_MAX);
    assert_int_equal(skn_stored_split(skn_slice(big, sizeof big), &index, &value, NULL),
                     SKN_ECORRUPT);
    skn_buf_reset(&batch);
    skn_buf_put_u8(&batch, 1);
    skn_buf_put(&batch, skn_slice("\1\0", 2));
    skn_buf_put_le32(&batch, sizeof big);
    skn_buf_put(&batch, SKN_LIT("k"));
    skn_buf_put(&batch, skn_slice(big, sizeof big));
    rest = skn_buf_slice(&batch);
    assert_int_equal(skn_batch_next(&rest, &op, NULL), SKN_ECORRUPT);
    skn_buf_fini(&batch);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_bytes_are_golden),
        cmocka_unit_test(a_deletion_says_why),
        cmocka_unit_test(every_cut_of_a_batch_is_refused_by_name),
        cmocka_unit_test(a_stored_row_is_its_index_and_its_value),
        cmocka_unit_test(the_largest_row_has_room_in_both_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
