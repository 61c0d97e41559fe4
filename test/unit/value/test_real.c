/* test_real.c - reals to text and back, compared with the C library. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "value/real.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A debug build takes ten times as long for each. */
#ifdef SKN_DEBUG
enum { RANDOM_REALS = 200000 };
#else
enum { RANDOM_REALS = 1000000 };
#endif

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return (*rng >> 32) << 32 | (*rng * 0x9e3779b97f4a7c15U) >> 32;
}

static uint64_t bits_of(double r)
{
    uint64_t bits;
    memcpy(&bits, &r, 8);
    return bits;
}

static double real_of(uint64_t bits)
{
    double r;
    memcpy(&r, &bits, 8);
    return r;
}

static const char *print(struct skn_buf *buf, double r)
{
    skn_buf_reset(buf);
    skn_real_print(r, buf);
    return skn_buf_str(buf);
}

static void assert_reads(const char *text, double expected)
{
    double r = -1;
    enum skn_rc rc = skn_real_parse(skn_slice_str(text), &r);
    bool is_infinite = (bits_of(expected) & INT64_MAX) >> 52 == 0x7ff;
    if (is_infinite ? rc != SKN_ETOOLARGE : rc != SKN_OK || bits_of(r) != bits_of(expected))
        fail_msg("%.60s.. reads as %.17g (%d), not %.17g", text, r, rc, expected);
}

/* The C library rounds exactly to any number of digits: the first that reads back is the shortest
 * of those, and ours may only be shorter, or the same. */
static void assert_shortest(double r)
{
    struct skn_real_digits d = skn_real_digits(r);
    char text[40], ours[40];
    int n = 1;
    for (; n <= 17; n++) {
        (void)snprintf(text, sizeof text, "%.*e", n - 1, r);
        if (bits_of(strtod(text, NULL)) == bits_of(r)) break;
    }
    if (d.count > n) fail_msg("%s: %d digits are enough, not %d", text, n, d.count);
    if (d.count < n) return;
    (void)snprintf(ours,
                   sizeof ours,
                   "%s%c%s%.*se%c%02d",
                   d.is_negative ? "-" : "",
                   d.digits[0],
                   n > 1 ? "." : "",
                   n - 1,
                   d.digits + 1,
                   d.exp10 < 0 ? '-' : '+',
                   abs(d.exp10));
    assert_string_equal(ours, text);
}

static double random_real(uint64_t *rng)
{
    uint64_t kind = next(rng) % 8;
    if (kind == 0) return (double)(int64_t)next(rng) / 1000.0;
    if (kind == 1) return (double)(next(rng) % 100000) / 100.0;
    if (kind == 2) return real_of(next(rng) % 2047 << 52); /* powers of two */
    if (kind == 3) return real_of((next(rng) % 2047 << 52) - next(rng) % 4);
    if (kind < 6)
        return real_of((next(rng) % 100 + 983) << 52 | next(rng) >> 12); /* 1e-12 to 1e18 */
    for (;;) {
        double r = real_of(next(rng));
        if ((bits_of(r) & INT64_MAX) >> 52 != 0x7ff && bits_of(r) != UINT64_C(1) << 63) return r;
    }
}

static void random_reals_read_back_and_are_as_short_as_can_be(void **state)
{
    (void)state;
    struct skn_buf buf;
    skn_buf_init(&buf, 100);
    uint64_t rng = 42;
    char text[40];
    for (int i = 0; i < RANDOM_REALS; i++) {
        double r = random_real(&rng);
        if ((bits_of(r) & INT64_MAX) >> 52 == 0x7ff || bits_of(r) == UINT64_C(1) << 63) continue;
        const char *ours = print(&buf, r);
        if (bits_of(strtod(ours, NULL)) != bits_of(r)) fail_msg("%.17g printed as %s", r, ours);
        assert_reads(ours, r);
        if (i % 4 == 0) {
            (void)snprintf(text, sizeof text, "%.17g", r);
            assert_reads(text, r);
        }
        if (i % 16 == 0) assert_shortest(r);
    }
    skn_buf_fini(&buf);
}

static void random_decimal_text_reads_as_the_library_reads_it(void **state)
{
    (void)state;
    uint64_t rng = 7;
    char text[1200];
    for (int i = 0; i < RANDOM_REALS / 10; i++) {
        size_t n = 0;
        size_t digits = 1 + next(&rng) % (i % 100 == 0 ? 900 : 30);
        size_t point = next(&rng) % (digits + 1);
        for (size_t k = 0; k < digits; k++) {
            text[n++] = (char)('0' + (next(&rng) % 3 == 0 ? 0 : next(&rng) % 10));
            if (k == point && k + 1 < digits) text[n++] = '.';
        }
        int exp = (int)(next(&rng) % 700) - 350;
        if (next(&rng) % 4 > 0) exp %= 40;
        (void)snprintf(text + n, sizeof text - n, "e%d", exp);
        assert_reads(text, strtod(text, NULL));
    }
}

/* The middle between two reals has many digits; a digit behind its end tips it. */
static void the_middle_between_two_reals_goes_to_the_even_one(void **state)
{
    (void)state;
    uint64_t rng = 5;
    char text[1300];
    for (int i = 0; i < RANDOM_REALS / 200; i++) {
        uint64_t bits = next(&rng) & INT64_MAX;
        if (i % 3 == 0) bits %= UINT64_C(1) << 53; /* small and smallest ones */
        if (bits >> 52 >= 0x7fe) continue;
        double r = real_of(bits);
        long double middle = ((long double)r + (long double)real_of(bits + 1)) / 2;
        int n = snprintf(text, sizeof text, "%.*Le", 800, middle);
        assert_true(n > 0 && (size_t)n < sizeof text);
        double even = real_of(bits + bits % 2);
        assert_reads(text, even);
        char *e = strchr(text, 'e');
        char exp[12];
        (void)snprintf(exp, sizeof exp, "%s", e);
        (void)snprintf(e, 40, "000000000000000000001%s", exp);
        assert_reads(text, real_of(bits + 1));
    }
}

static void known_reals_print_as_json_readers_expect(void **state)
{
    (void)state;
    static const struct {
        double r;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {100.0, "100.0"},
        {0.1, "0.1"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.5e-7, "1.5e-7"},
        {1e20, "100000000000000000000.0"},
        {1e21, "1e21"},
        {123456789012345680.0, "123456789012345680.0"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {9007199254740993.0, "9007199254740992.0"},
        {5.684341886080802e-14, "5.684341886080802e-14"}, /* under a power of two */
        {9.5367431640625e-07, "9.5367431640625e-7"},
        {0.3, "0.3"},
        {2.0 / 3, "0.6666666666666666"},
    };
    struct skn_buf buf;
    skn_buf_init(&buf, 100);
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++)
        assert_string_equal(print(&buf, cases[i].r), cases[i].text);
    skn_buf_fini(&buf);
}

static void limits_and_malformed_text(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "", "-", ".5", "5.", "1e", "1e+", "x", " 1", "1 ", "0x10", "1.e5", "--1", "inf", "nan"};
    double r = 0;
    for (size_t i = 0; i < SKN_ARRAY_LEN(malformed); i++)
        assert_int_equal(skn_real_parse(skn_slice_str(malformed[i]), &r), SKN_ESYNTAX);
    assert_reads("1.7976931348623158e308", 1.7976931348623157e308);
    assert_reads("1.7976931348623159e308", strtod("1.7976931348623159e308", NULL));
    assert_reads("1e99999999999999999999", strtod("inf", NULL));
    assert_reads("0e99999999999999999999", 0.0);
    assert_reads("1e-99999999999999999999", 0.0);
    assert_reads("-0", 0.0);
    assert_reads("-0.0e5", 0.0);
    assert_reads("2.4703282292062327e-324", 0.0);
    assert_reads("2.4703282292062328e-324", 5e-324);
    assert_reads("+12", 12.0);
    assert_reads("18446744073709551615", 18446744073709551616.0);
    assert_reads("00012.500e-1", 1.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_reals_read_back_and_are_as_short_as_can_be),
        cmocka_unit_test(random_decimal_text_reads_as_the_library_reads_it),
        cmocka_unit_test(the_middle_between_two_reals_goes_to_the_even_one),
        cmocka_unit_test(known_reals_print_as_json_readers_expect),
        cmocka_unit_test(limits_and_malformed_text),
    };
    return cmocka_run_group_tests_name("real", tests, NULL, NULL);
}
