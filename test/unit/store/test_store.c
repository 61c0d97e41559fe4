/* test_store.c - a store in memory against a plain array. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

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
    /* Six tables; "t1" begins the name of another. */
    int len = snprintf(out, 16, "t%d%s_%03d%s", n % 3, n % 2 ? "x" : "", n, n % 5 ? "" : "/x");
    *strchr(out, '_') = 0;
    return skn_slice(out, (size_t)len);
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

static void compare_table(struct skn_store *store, const struct model_row *model, int which)
{
    struct skn_row rows[KEYS + 1];
    char from[8], end[8];
    int len = snprintf(from, sizeof from, "t%d%s", which % 3, which % 2 ? "x" : "") + 1;
    memcpy(end, from, (size_t)len);
    end[len - 1] = 1;
    size_t count, seen = 0;
    assert_int_equal(skn_store_scan(store,
                                    skn_slice(from, (size_t)len),
                                    skn_slice(end, (size_t)len),
                                    rows,
                                    KEYS + 1,
                                    &count,
                                    NULL),
                     SKN_OK);
    for (int n = which; n < KEYS; n += 6) {
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
}

static void compare(struct skn_store *store, const struct model_row *model)
{
    for (int which = 0; which < 6; which++)
        compare_table(store, model, which);
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
    }
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

static void redo_compares_the_state_of_the_record(void **state) /* [E44] */
{
    (void)state;
    struct skn_store *store = skn_store_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put(&batch, skn_slice("t\0k", 3), SKN_LIT("v"));
    struct skn_position after = {.index = 1, .stamp = 5};
    after.state = skn_row_hash(skn_slice("t\0k", 3), SKN_LIT("v"));
    assert_int_equal(skn_store_redo(store, &after, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_store_position(store).stamp, 5);
    after.index++;
    after.state.hi++;
    assert_int_equal(skn_store_redo(store, &after, skn_buf_slice(&batch), NULL), SKN_ECORRUPT);
    skn_buf_reset(&batch);
    skn_batch_put(&batch, SKN_LIT("no table"), SKN_LIT("v"));
    assert_int_equal(skn_store_apply(store, 3, 6, skn_buf_slice(&batch), NULL), SKN_ECORRUPT);
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_batches_agree_with_an_array_and_the_state_hash_adds_up),
        cmocka_unit_test(redo_compares_the_state_of_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
