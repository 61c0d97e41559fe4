/* real_print.c - the fewest digits that read back, by Steele and White's free-format algorithm
 * ("How to print floating-point numbers accurately", 1990), scaled by an estimate of the logarithm
 * as in Burger and Dybvig (1996). Where 128 bits are enough they take its place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/real.h"

#include "value/bignum_internal.h"
#include "value/real_internal.h"
#include "value/value_internal.h"

#include "base/pure.h"

/* r = value / scale; the reals between below / scale under it and above / scale over it read as r. */
struct range {
    struct skn_big value;
    struct skn_big scale;
    struct skn_big below;
    struct skn_big above;
    bool ends_count; /* an even mantissa wins ties, so both ends read as r too */
};

static void set_digits(struct skn_real_digits *d, uint64_t n, int exp10_last)
{
    char text[20];
    int len = 0;
    for (; n > 0; n /= 10)
        text[len++] = (char)('0' + n % 10);
    d->count = (uint8_t)len;
    d->exp10 = exp10_last + len - 1;
    for (int i = 0; i < len; i++)
        d->digits[i] = text[len - 1 - i];
}

/* r = value / 2^places exactly, after a scaling by 10^k that gives it 17 digits before the point;
 * what reads as r lies within `half` of it. */
struct fixed {
    wide value;
    wide half;
    int places;
};

static struct fixed scale_to_17_digits(uint64_t mantissa, int exp2, int k)
{
    struct fixed f = {
        .value = (wide)mantissa * 2 * skn_pow5_word[k], .half = skn_pow5_word[k], .places = 1};
    if (exp2 + k >= 0) {
        f.value <<= exp2 + k;
        f.half <<= exp2 + k;
    } else {
        f.places -= exp2 + k;
    }
    return f;
}

/* The whole numbers from `lo` to `hi` read as r: drops digits while one of them ends in 0, then
 * takes the one nearest to r. */
static void shortest_between(
    struct skn_real_digits *d, const struct fixed *f, uint64_t lo, uint64_t hi, int exp10_last)
{
    uint64_t power = 1;
    SKN_ASSERT(lo <= hi);
    for (; (lo + 9) / 10 <= hi / 10; power *= 10) {
        lo = (lo + 9) / 10;
        hi /= 10;
        exp10_last++;
    }
    uint64_t whole = (uint64_t)(f->value >> f->places);
    wide unit = (wide)power << f->places;
    uint64_t n = whole / power;
    wide rest = f->value - n * unit;
    if (rest > unit / 2 || (rest == unit / 2 && n % 2 == 1)) n++;
    if (n < lo) n = lo;
    if (n > hi) n = hi;
    set_digits(d, n, exp10_last);
}

/* 17 digits always tell reals apart, and from 1e-10 to below 1e17 they and both ends of what reads
 * as r are exact in 128 bits. A power of two, whose lower end is nearer, goes the long way. */
static bool digits_in_128_bits(double r, uint64_t mantissa, int exp2, struct skn_real_digits *d)
{
    const uint64_t limit = UINT64_C(100000000000000000); /* 10^17 */
    if (!(r >= 1e-10 && r < 1e17) || mantissa == UINT64_C(1) << 52) return false;
    int bits = 64 - __builtin_clzll(mantissa) + exp2;
    int k = 16 - (int)(((int64_t)(bits - 1) * 78913) >> 18) + (bits < 1);
    if (k > POW5_WORD_MAX) k = POW5_WORD_MAX;
    struct fixed f = scale_to_17_digits(mantissa, exp2, k);
    if (f.value >> f.places >= limit) f = scale_to_17_digits(mantissa, exp2, --k);
    if (f.value >> f.places >= limit) f = scale_to_17_digits(mantissa, exp2, --k);
    wide below = f.value - f.half, above = f.value + f.half;
    if (mantissa % 2 == 1) { /* the ends read as the neighbours */
        below++;
        above--;
    }
    wide last_place = ((wide)1 << f.places) - 1;
    shortest_between(
        d, &f, (uint64_t)((below + last_place) >> f.places), (uint64_t)(above >> f.places), -k);
    return true;
}

static void set_range(struct range *g, uint64_t mantissa, int exp2)
{
    /* Under a power of two the neighbour is half as far. */
    bool is_uneven = mantissa == UINT64_C(1) << 52 && exp2 > -1074;
    uint32_t up = is_uneven ? 2 : 1;
    skn_big_set(&g->value, mantissa);
    skn_big_set(&g->scale, 1);
    skn_big_set(&g->below, 1);
    skn_big_set(&g->above, is_uneven ? 2 : 1);
    skn_big_shift_left(&g->value, up);
    skn_big_shift_left(&g->scale, up);
    if (exp2 > 0) {
        skn_big_shift_left(&g->value, (uint32_t)exp2);
        skn_big_shift_left(&g->below, (uint32_t)exp2);
        skn_big_shift_left(&g->above, (uint32_t)exp2);
    } else {
        skn_big_shift_left(&g->scale, (uint32_t)-exp2);
    }
    g->ends_count = mantissa % 2 == 0;
}

static void mul_pow10(struct skn_big *n, uint32_t power)
{
    skn_big_mul_pow5(n, power);
    skn_big_shift_left(n, power);
}

/* Whether value + above reaches the scale. */
static bool reaches(const struct range *g)
{
    struct skn_big sum = g->value;
    skn_big_add(&sum, &g->above);
    int order = skn_big_cmp(&sum, &g->scale);
    return g->ends_count ? order >= 0 : order > 0;
}

static void times_10(struct range *g)
{
    skn_big_mul_add(&g->value, 10, 0);
    skn_big_mul_add(&g->below, 10, 0);
    skn_big_mul_add(&g->above, 10, 0);
}

/* Brings (value + above) / scale into (1/10, 1] and returns the power of ten taken out. */
static int scale_to_one(struct range *g, uint64_t mantissa, int exp2)
{
    /* An estimate that is never too large: 78913 / 2^18 is log10(2) from below, which is from above
     * for negative powers, so these get one less. */
    int bits = 64 - __builtin_clzll(mantissa) + exp2;
    int exp10 = (int)(((int64_t)(bits - 1) * 78913) >> 18) - (bits < 1);
    if (exp10 > 0) mul_pow10(&g->scale, (uint32_t)exp10);
    if (exp10 < 0) {
        mul_pow10(&g->value, (uint32_t)-exp10);
        mul_pow10(&g->below, (uint32_t)-exp10);
        mul_pow10(&g->above, (uint32_t)-exp10);
    }
    while (reaches(g)) {
        skn_big_mul_add(&g->scale, 10, 0);
        exp10++;
    }
    return exp10;
}

static uint32_t next_digit(struct range *g)
{
    uint32_t digit = 0;
    times_10(g);
    for (; skn_big_cmp(&g->value, &g->scale) >= 0; digit++)
        skn_big_sub(&g->value, &g->scale);
    SKN_ASSERT(digit < 10);
    return digit;
}

static void all_digits(uint64_t mantissa, int exp2, struct skn_real_digits *d)
{
    struct range g;
    set_range(&g, mantissa, exp2);
    d->exp10 = scale_to_one(&g, mantissa, exp2) - 1;
    for (bool low = false, high = false; !low && !high;) {
        uint32_t digit = next_digit(&g);
        int order = skn_big_cmp(&g.value, &g.below);
        low = g.ends_count ? order <= 0 : order < 0;
        high = reaches(&g);
        if (high) {
            skn_big_shift_left(&g.value, 1);
            int half = skn_big_cmp(&g.value, &g.scale);
            if (!low || half > 0 || (half == 0 && digit % 2 == 1)) digit++;
        }
        SKN_ASSERT(d->count < SKN_REAL_DIGITS_MAX);
        SKN_ASSERT(digit < 10);
        d->digits[d->count++] = (char)('0' + digit);
    }
}

struct skn_real_digits skn_real_digits(double r)
{
    uint64_t bits = bits_of_real(r);
    struct skn_real_digits d = {.is_negative = bits >> 63 != 0};
    bits &= INT64_MAX;
    int biased = (int)(bits >> 52);
    SKN_ASSERT(biased < 0x7ff);
    if (bits == 0) {
        d.digits[0] = '0';
        d.count = 1;
        d.is_negative = false;
        return d;
    }
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (biased > 0) mantissa |= UINT64_C(1) << 52;
    int exp2 = (biased > 0 ? biased : 1) - 1075;
    if (!digits_in_128_bits(real_of_bits(bits), mantissa, exp2, &d)) all_digits(mantissa, exp2, &d);
    return d;
}

static size_t put_exponent(char *text, const struct skn_real_digits *d)
{
    size_t n = 0;
    unsigned exp = (unsigned)(d->exp10 < 0 ? -d->exp10 : d->exp10);
    text[n++] = d->digits[0];
    if (d->count > 1) text[n++] = '.';
    memcpy(text + n, d->digits + 1, d->count - 1U);
    n += d->count - 1U;
    text[n++] = 'e';
    if (d->exp10 < 0) text[n++] = '-';
    if (exp >= 100) text[n++] = (char)('0' + exp / 100);
    if (exp >= 10) text[n++] = (char)('0' + exp / 10 % 10);
    text[n++] = (char)('0' + exp % 10);
    return n;
}

static size_t put_plain(char *text, const struct skn_real_digits *d)
{
    size_t n = 0;
    int place = d->exp10 < 0 ? 0 : d->exp10;
    int last = d->exp10 - d->count + 1;
    for (; place >= last || place >= -1; place--) {
        int index = d->exp10 - place;
        text[n++] = index >= 0 && index < d->count ? d->digits[index] : '0';
        if (place == 0) text[n++] = '.';
    }
    return n;
}

void skn_real_print(double r, struct skn_buf *out)
{
    char text[40];
    size_t n = 0;
    struct skn_real_digits d = skn_real_digits(r);
    if (d.is_negative) text[n++] = '-';
    bool is_plain = d.exp10 >= -6 && d.exp10 < 21;
    n += is_plain ? put_plain(text + n, &d) : put_exponent(text + n, &d);
    skn_buf_put(out, skn_slice(text, n));
}
