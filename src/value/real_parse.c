/* real_parse.c - the real nearest to decimal text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/real.h"

#include "value/bignum_internal.h"
#include "value/real_internal.h"
#include "value/value_internal.h"

#include <float.h>

#include "base/pure.h"

enum {
    WORD_DIGITS = 19,  /* as many always fit in 64 bits */
    DIGITS_KEPT = 770, /* more than 767 cannot tell a real from the middle of two [1] */
    EXP10_OVER = 310,  /* 1e310 is over the largest real, whatever follows */
    EXP10_UNDER = -326 /* 9.9..e-326 is under half of the smallest, 2.47e-324 */
};
/* [1] The exact middle of two neighbours has at most 767 significant digits. */

const uint64_t skn_pow5_word[POW5_WORD_MAX + 1] = {
    1,
    5,
    25,
    125,
    625,
    3125,
    15625,
    78125,
    390625,
    1953125,
    9765625,
    48828125,
    244140625,
    1220703125,
    6103515625,
    30517578125,
    152587890625,
    762939453125,
    3814697265625,
    19073486328125,
    95367431640625,
    476837158203125,
    2384185791015625,
    11920928955078125,
    59604644775390625,
    298023223876953125,
    1490116119384765625,
    7450580596923828125,
};

/* The real nearest to q x 2^exp2, where q has its highest bit set and `more` says that the exact
 * number is a little larger. Infinite when it is too large. */
static double pack(uint64_t q, int exp2, bool more)
{
    int drop = 64 - 53;
    int exp = exp2 + drop;
    if (exp < -1074) { /* the last place of every small real */
        drop += -1074 - exp;
        exp = -1074;
    }
    if (drop > 64) return 0.0;
    uint64_t half = UINT64_C(1) << (drop - 1);
    uint64_t rest = drop == 64 ? q : q & (half * 2 - 1);
    uint64_t mantissa = drop == 64 ? 0 : q >> drop;
    if (rest > half || (rest == half && (more || (mantissa & 1)))) mantissa++;
    if (mantissa == UINT64_C(1) << 53) {
        mantissa >>= 1;
        exp++;
    }
    if (exp > 971) return real_of_bits(UINT64_C(0x7ff) << 52);
    bool is_normal = mantissa >> 52 != 0;
    uint64_t biased = is_normal ? (uint64_t)(exp + 1075) : 0;
    return real_of_bits(biased << 52 | (mantissa & ((UINT64_C(1) << 52) - 1)));
}

/* One rounding of exact operands is the right one. */
static bool from_exact(uint64_t w, int exp10, double *out_real)
{
    static_assert(FLT_EVAL_METHOD == 0, "a double is calculated as a double");
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (w > UINT64_C(1) << 53 || exp10 < -22 || exp10 > 22) return false;
    *out_real = exp10 < 0 ? (double)w / powers[-exp10] : (double)w * powers[exp10];
    return true;
}

/* w x 10^exp10 for small powers: product and quotient by 5^|exp10| are exact in 128 bits. */
static double from_word(uint64_t w, int exp10)
{
    if (exp10 >= 0) {
        wide product = (wide)w * skn_pow5_word[exp10];
        uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
        if (high == 0) {
            int up = __builtin_clzll(low);
            return pack(low << up, exp10 - up, false);
        }
        int up = __builtin_clzll(high);
        product <<= up;
        return pack((uint64_t)(product >> 64), exp10 + 64 - up, (uint64_t)product != 0);
    }
    uint64_t divisor = skn_pow5_word[-exp10];
    int up = __builtin_clzll(w);
    int lower = __builtin_clzll(divisor);
    wide dividend = (wide)(w << up) << 63; /* the quotient has 63 or 64 bits once both fill 64 */
    divisor <<= lower;
    uint64_t q = (uint64_t)(dividend / divisor);
    bool more = dividend % divisor != 0;
    int exp2 = exp10 - up + lower - 63;
    if (q >> 63) return pack(q, exp2, more);
    return pack(q << 1, exp2 - 1, more);
}

/* The exact way, for many digits or large powers: one long division to 64 bits. */
static double from_digits(const struct skn_decimal *d)
{
    struct skn_big n, divisor;
    skn_big_set(&n, 0);
    skn_big_set(&divisor, 1);
    uint32_t kept = 0;
    for (const uint8_t *p = d->first; kept < DIGITS_KEPT && p < d->last; p++) {
        if (*p == '.') continue;
        skn_big_mul_add(&n, 10, (uint32_t)(*p - '0'));
        kept++;
    }
    int exp10 = d->exp10_first - (int)kept + 1;
    if (kept < d->count) { /* what is behind only says "a little more": its last digit is not 0 */
        skn_big_mul_add(&n, 10, 1);
        exp10--;
    }
    int exp2 = exp10;
    if (exp10 > 0) skn_big_mul_pow5(&n, (uint32_t)exp10);
    if (exp10 < 0) skn_big_mul_pow5(&divisor, (uint32_t)-exp10);
    int up = 64 + (int)skn_big_bits(&divisor) - (int)skn_big_bits(&n); /* quotient: 64 or 65 bits */
    if (up > 0) skn_big_shift_left(&n, (uint32_t)up);
    if (up < 0) skn_big_shift_left(&divisor, (uint32_t)-up);
    skn_big_shift_left(&divisor, 64);
    uint64_t q = 0;
    bool is_65 = skn_big_cmp(&n, &divisor) >= 0;
    if (is_65) skn_big_sub(&n, &divisor);
    for (int bit = is_65 ? 1 : 0; bit < 64; bit++) {
        skn_big_shift_left(&n, 1);
        q <<= 1;
        if (skn_big_cmp(&n, &divisor) < 0) continue;
        skn_big_sub(&n, &divisor);
        q |= 1;
    }
    if (is_65) return pack(q | UINT64_C(1) << 63, exp2 - up + 1, n.len > 0);
    return pack(q, exp2 - up, n.len > 0);
}

double skn_decimal_real(const struct skn_decimal *d)
{
    if (d->count == 0) return 0.0;
    if (d->exp10_first >= EXP10_OVER) return real_of_bits(UINT64_C(0x7ff) << 52);
    if (d->exp10_first <= EXP10_UNDER) return 0.0;
    if (d->count <= WORD_DIGITS) {
        int exp10 = d->exp10_first - (int)d->count + 1;
        double r;
        if (from_exact(d->word, exp10, &r)) return r;
        if (exp10 >= -POW5_WORD_MAX && exp10 <= POW5_WORD_MAX) return from_word(d->word, exp10);
    }
    return from_digits(d);
}

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (uint8_t)(*p - '0') < 10)
        p++;
    return p;
}

/* An exponent, held at a million: more changes nothing. */
static int read_exponent(const uint8_t *p, const uint8_t *end)
{
    bool is_negative = *p == '-';
    int exp = 0;
    for (p += *p == '-' || *p == '+'; p < end; p++)
        if (exp < 1000000) exp = exp * 10 + (*p - '0');
    return is_negative ? -exp : exp;
}

/* Finds the significant digits: without zeros before and behind. */
static void trim(struct skn_decimal *d,
                 const uint8_t *digits,
                 const uint8_t *end,
                 const uint8_t *point,
                 int64_t exp10)
{
    while (digits < end && (*digits == '0' || *digits == '.'))
        digits++;
    while (end > digits && (end[-1] == '0' || end[-1] == '.'))
        end--;
    *d = (struct skn_decimal){.first = digits, .last = end};
    if (digits == end) return;
    bool is_whole = digits < point;
    exp10 += is_whole ? point - digits - 1 : point - digits;
    d->exp10_first = exp10 > 1000000 ? 1000000 : exp10 < -1000000 ? -1000000 : (int)exp10;
    d->count = (size_t)(end - digits) - (is_whole && point < end);
    for (const uint8_t *p = digits; p < end && d->count <= WORD_DIGITS; p++)
        if (*p != '.') d->word = d->word * 10 + (uint64_t)(*p - '0');
}

size_t skn_decimal_read(struct skn_slice text, struct skn_decimal *out_decimal)
{
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;
    const uint8_t *digits = p;
    p = skip_digits(p, end);
    const uint8_t *point = p;
    if (p == digits) return 0;
    if (p < end && *p == '.') {
        p = skip_digits(p + 1, end);
        if (p == point + 1) return 0;
    }
    const uint8_t *digits_end = p;
    int exp10 = 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const uint8_t *exp = ++p;
        if (p < end && (*p == '+' || *p == '-')) p++;
        const uint8_t *first = p;
        p = skip_digits(p, end);
        if (p == first) return 0;
        exp10 = read_exponent(exp, p);
    }
    trim(out_decimal, digits, digits_end, point, exp10);
    return (size_t)(p - text.ptr);
}

enum skn_rc skn_real_parse(struct skn_slice text, double *out_real)
{
    struct skn_decimal d;
    bool has_sign = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    bool is_negative = has_sign && text.ptr[0] == '-';
    text = skn_slice_from(text, has_sign);
    size_t n = skn_decimal_read(text, &d);
    if (n == 0 || n != text.len) return SKN_ESYNTAX;
    double r = skn_decimal_real(&d);
    if (bits_of_real(r) >> 52 == 0x7ff) return SKN_ETOOLARGE;
    *out_real = is_negative && r > 0 ? -r : r;
    return SKN_OK;
}
