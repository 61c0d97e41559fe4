/* test_stamp.c - stamps as people write them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "cli/stamp_internal.h"
#include "lib/test.h"

#include <inttypes.h>

/* 2026-11-21T12:00:00Z, by date(1). */
#define NOON UINT64_C(1795262400000)

static void times_and_numbers_are_stamps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
        uint16_t first, last; /* the counter that it means */
    } cases[] = {
        {"2026-11-21T12:00:00Z", NOON, 0, UINT16_MAX},
        {"2026-11-21t12:00:00z", NOON, 0, UINT16_MAX},
        {"2026-11-21 12:00:00Z", NOON, 0, UINT16_MAX},
        {"2026-11-21T12:00:00.25Z", NOON + 250, 0, UINT16_MAX},
        {"2026-11-21T12:00:00.250999Z", NOON + 250, 0, UINT16_MAX},
        {"2026-11-21T12:00:00.250Z/3", NOON + 250, 3, 3},
        {"2026-11-21T12:00:00.250Z/65535", NOON + 250, UINT16_MAX, UINT16_MAX},
        {"2026-11-21T14:00:00+02:00", NOON, 0, UINT16_MAX},
        {"2026-11-21T08:30:00.5-03:30/7", NOON + 500, 7, 7},
        {"2028-02-29T00:00:00Z", UINT64_C(1835395200000), 0, UINT16_MAX},
        {"2016-12-31T23:59:60Z", UINT64_C(1483228800000), 0, UINT16_MAX}, /* a leap second */
        {"1970-01-01T00:00:00Z", 0, 0, UINT16_MAX},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        uint64_t first, last;
        assert_int_equal(skn_stamp_parse(cases[i].text, SKN_STAMP_FIRST, &first, NULL), SKN_OK);
        assert_int_equal(skn_stamp_parse(cases[i].text, SKN_STAMP_LAST, &last, NULL), SKN_OK);
        if (first != (skn_hlc_at(cases[i].ms) | cases[i].first) ||
            last != (skn_hlc_at(cases[i].ms) | cases[i].last))
            fail_msg("%s: %" PRIu64 " ms", cases[i].text, skn_hlc_ms(first));
    }
    uint64_t number;
    assert_int_equal(skn_stamp_parse("117655781243158528", SKN_STAMP_LAST, &number, NULL), SKN_OK);
    assert_int_equal(number, UINT64_C(117655781243158528));
}

static void what_is_printed_is_read_again(void **state)
{
    (void)state;
    for (uint64_t stamp = skn_hlc_at(NOON); stamp < skn_hlc_at(NOON + 5000); stamp += 999999) {
        struct skn_buf text;
        uint64_t again;
        skn_buf_init(&text, 100);
        skn_stamp_put(&text, stamp);
        assert_int_equal(skn_stamp_parse(skn_buf_str(&text), SKN_STAMP_LAST, &again, NULL), SKN_OK);
        assert_int_equal(again, stamp);
        skn_buf_fini(&text);
    }
}

static void what_is_none_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "now",
                                      "-1",
                                      "18446744073709551615",
                                      "99999999999999999999",
                                      "12 ",
                                      "2026-11-21",
                                      "2026-11-21T12:00:00",
                                      "2026-11-21T12:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2026-11-31T00:00:00Z",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T12:60:00Z",
                                      "2026-11-21T12:00:61Z",
                                      "2026-11-21T12:00:00.Z",
                                      "2026-11-21T12:00:00+2:00",
                                      "2026-11-21T12:00:00+24:00",
                                      "2026-11-21T12:00:00Zulu",
                                      "2026-11-21T12:00:00Z/",
                                      "2026-11-21T12:00:00Z/65536",
                                      "2026-11-21T12:00:00Z/1x",
                                      "1969-12-31T23:59:59Z",
                                      "1970-01-01T00:00:00+01:00"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        struct skn_diag diag = {.text = ""};
        uint64_t stamp = 7;
        enum skn_rc rc = skn_stamp_parse(bad[i], SKN_STAMP_LAST, &stamp, &diag);
        if (rc != SKN_EUSAGE) fail_msg("\"%s\" is a stamp", bad[i]);
        assert_non_null(strstr(diag.text, "is no stamp"));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_numbers_are_stamps),
        cmocka_unit_test(what_is_printed_is_read_again),
        cmocka_unit_test(what_is_none_is_refused_by_name),
    };
    return cmocka_run_group_tests_name("cli/stamp", tests, NULL, NULL);
}
