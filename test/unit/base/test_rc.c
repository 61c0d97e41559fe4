/* test_rc.c - the catalogue of result codes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"
#include "lib/test.h"

#include <string.h>

static void every_code_has_one_number_one_name_and_a_text(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct skn_rc_info *a = skn_rc_at(0); a; a = skn_rc_at(++n)) {
        assert_ptr_equal(skn_rc_info(a->rc), a);
        assert_int_equal(skn_rc_by_name(a->name), a->rc);
        assert_true(strlen(a->text) > 0);
        for (size_t m = 0; m < n; m++) {
            assert_int_not_equal(skn_rc_at(m)->rc, a->rc);
            assert_string_not_equal(skn_rc_at(m)->name, a->name);
        }
    }
    assert_true(n > 30);
}

static void exit_codes_are_those_of_rule_e83(void **state)
{
    (void)state;
    const int allowed[] = {0, 1, 2, 65, 66, 70, 73, 74, 75, 78, 130};
    size_t n = 0;
    for (const struct skn_rc_info *a = skn_rc_at(0); a; a = skn_rc_at(++n)) {
        bool found = false;
        for (size_t i = 0; i < SKN_ARRAY_LEN(allowed); i++)
            found = found || allowed[i] == a->exit_code;
        assert_true(found);
    }
}

static void the_managers_contract_has_its_seven_names(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int http;
        int grpc;
    } contract[] = {
        {"INVALID_CHECKSUM", 401, 16},
        {"EVENT_NOT_WHITELISTED", 403, 7},
        {"EVENT_NOT_REGISTERED", 404, 5},
        {"INVALID_ARGS", 400, 3},
        {"QUEUE_FULL", 503, 14},
        {"TASK_TIMEOUT", 504, 4},
        {"EXECUTION_FAILED", 500, 2},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(contract); i++) {
        const struct skn_rc_info *info = skn_rc_info(skn_rc_by_name(contract[i].name));
        assert_string_equal(info->name, contract[i].name);
        assert_int_equal(info->http, contract[i].http);
        assert_int_equal(info->grpc, contract[i].grpc);
        assert_int_equal(info->xmlrpc, contract[i].http);
    }
}

static void an_unknown_number_is_internal(void **state)
{
    (void)state;
    assert_int_equal(skn_rc_info((enum skn_rc)9999)->rc, SKN_EINTERNAL);
    assert_int_equal(skn_rc_by_name("NO_SUCH_NAME"), SKN_EINTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_one_number_one_name_and_a_text),
        cmocka_unit_test(exit_codes_are_those_of_rule_e83),
        cmocka_unit_test(the_managers_contract_has_its_seven_names),
        cmocka_unit_test(an_unknown_number_is_internal),
    };
    return cmocka_run_group_tests_name("rc", tests, NULL, NULL);
}
