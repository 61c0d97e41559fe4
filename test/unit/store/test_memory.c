/* test_memory.c - the memory store against a plain array. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "store/store.h"

#include <stdio.h>

enum { KEYS = 200, VALUE_MAX = 40, BATCHES = 20000 };

struct model_row {
    bool there;
    size_t len;
    uint8_t value[VALUE_MAX];
};

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

static struct skn_slice key_of(int n, char out[16])
{
    (void)snprintf(out, 16, "k%03d%s", n, n % 3 == 0 ? "/x" : "");
    return skn_slice_str(out);
}

static void random_op(uint64_t *rng, struct model_row *model, struct skn_buf *batch)
{
    char text[16];
    int n = (int)(next(rng) % KEYS);
    struct skn_slice key = key_of(n, text);
    if (next(rng) % 4 == 0) {
        model[n].there = false;
        skn_batch_delete(batch, key);
        return;
    }
    model[n].there = true;
    model[n].len = next(rng) % VALUE_MAX;
    for (size_t i = 0; i < model[n].len; i++)
        model[n].value[i] = (uint8_t)next(rng);
    skn_batch_put(batch, key, skn_slice(model[n].value, model[n].len));
}

static void compare(struct skn_store *store, const struct model_row *model)
{
    struct skn_row rows[KEYS + 1];
    size_t count, seen = 0;
    assert_int_equal(
        skn_store_scan(store, SKN_LIT("k"), SKN_LIT("l"), rows, KEYS + 1, &count, NULL), SKN_OK);
    for (int n = 0; n < KEYS; n++) {
        char text[16];
        struct skn_slice value, key = key_of(n, text);
        enum skn_rc rc = skn_store_get(store, key, &value, NULL);
        assert_int_equal(rc, model[n].there ? SKN_OK : SKN_ENOENT);
        if (!model[n].there) continue;
        assert_true(skn_slice_eq(value, skn_slice(model[n].value, model[n].len)));
        assert_true(seen < count && skn_slice_eq(rows[seen].key, key));
        seen++;
    }
    assert_int_equal(seen, count);
    assert_int_equal(skn_store_verify(store, NULL), SKN_OK);
}

static void random_batches_agree_with_an_array_and_the_state_hash_adds_up(void **state)
{
    (void)state;
    uint64_t rng = 7;
    static struct model_row model[KEYS];
    struct skn_store *store = skn_store_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 20);
    for (uint64_t index = 1; index <= BATCHES; index++) {
        skn_buf_reset(&batch);
        for (uint64_t ops = 1 + next(&rng) % 9; ops > 0; ops--)
            random_op(&rng, model, &batch);
        assert_int_equal(skn_store_apply(store, index, index * 3, skn_buf_slice(&batch), NULL),
                         SKN_OK);
        if (index % 500 == 0) compare(store, model);
        /* Redo: the newest batch once more changes nothing, the position included. */
        struct skn_position before = skn_store_position(store);
        assert_int_equal(skn_store_apply(store, index, index * 3, skn_buf_slice(&batch), NULL),
                         SKN_OK);
        struct skn_position after = skn_store_position(store);
        assert_true(skn_hash128_eq(before.state, after.state));
        assert_int_equal(after.index, index);
        assert_int_equal(after.stamp, index * 3);
    }
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

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
    static const uint8_t bad[][8] = {{3, 1, 0, 'c'}, {2, 0, 0}, {2, 1, 0x10, 'c'}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct skn_slice rest = skn_slice(bad[i], sizeof bad[i]);
        struct skn_row_op op;
        assert_int_equal(skn_batch_next(&rest, &op, NULL), SKN_ECORRUPT);
    }
    skn_buf_fini(&batch);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_batches_agree_with_an_array_and_the_state_hash_adds_up),
        cmocka_unit_test(batch_bytes_are_golden),
        cmocka_unit_test(every_cut_of_a_batch_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
