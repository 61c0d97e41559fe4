/* test_bug.c - the catalogue of planted bugs, and that one at a time is planted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "lib/test.h"

#include <string.h>

static void the_catalogue_is_in_order_and_complete(void **state)
{
    (void)state;
    size_t count, here = 0;
    const struct skn_bug_info *list = skn_bug_list(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || list[i - 1].bug < list[i].bug);
        assert_ptr_equal(skn_bug_info(list[i].bug), &list[i]);
        assert_true(strlen(list[i].name) > 0 && strlen(list[i].text) > 10);
        assert_true(strlen(list[i].found_by) > 0);
        here += list[i].is_here;
    }
    assert_true(here >= 25);
    assert_null(skn_bug_info(SKN_BUG_NONE));
    assert_null(skn_bug_info(999));
}

static void one_at_a_time_is_planted_and_none_in_a_release(void **state)
{
    (void)state;
    enum skn_bug before = skn_bug_plant(SKN_BUG_NONE);
    assert_false(skn_bug(SKN_BUG_HASH_ORDER));
    assert_int_equal(skn_bug_plant(SKN_BUG_HASH_ORDER), SKN_BUG_NONE);
#ifdef SKN_DEBUG
    assert_true(skn_bug(SKN_BUG_HASH_ORDER));
    assert_false(skn_bug(SKN_BUG_LOST_DEDUPE));
    assert_int_equal(skn_bug_plant(SKN_BUG_LOST_DEDUPE), SKN_BUG_HASH_ORDER);
    assert_false(skn_bug(SKN_BUG_HASH_ORDER));
#else
    assert_false(skn_bug(SKN_BUG_HASH_ORDER));
#endif
    (void)skn_bug_plant(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_is_in_order_and_complete),
        cmocka_unit_test(one_at_a_time_is_planted_and_none_in_a_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
