/* number.c - whole numbers, durations, sizes and versions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/number.h"

#include "lang/pointy/pointy.h"

#include "base/pure.h" /* last */

static size_t count_digits(struct skn_slice text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
        n++;
    return n;
}

enum skn_number_result skn_number_whole(struct skn_slice text, uint64_t max, uint64_t *out)
{
    if (text.len == 0 || count_digits(text) != text.len) return SKN_NUMBER_MALFORMED;
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (n > (UINT64_MAX - digit) / 10) return SKN_NUMBER_TOO_LARGE;
        n = n * 10 + digit;
    }
    if (n > max) return SKN_NUMBER_TOO_LARGE;
    *out = n;
    return SKN_NUMBER_OK;
}

enum skn_number_result skn_number_int(struct skn_slice text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    bool has_sign = negative || (text.len > 0 && text.ptr[0] == '+');
    uint64_t n;
    uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    enum skn_number_result result =
        skn_number_whole(has_sign ? skn_slice_from(text, 1) : text, max, &n);
    if (result != SKN_NUMBER_OK) return result;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return SKN_NUMBER_OK;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static enum skn_number_result with_unit(
    struct skn_slice text, const struct unit *units, size_t unit_count, uint64_t max, uint64_t *out)
{
    size_t digits = count_digits(text);
    if (digits == 0) return SKN_NUMBER_MALFORMED;
    for (size_t i = 0; i < unit_count; i++) {
        if (!skn_slice_eq(skn_slice_from(text, digits), skn_slice_str(units[i].name))) continue;
        uint64_t n;
        enum skn_number_result result =
            skn_number_whole(skn_slice(text.ptr, digits), max / units[i].factor, &n);
        if (result == SKN_NUMBER_OK) *out = n * units[i].factor;
        return result;
    }
    return SKN_NUMBER_MALFORMED;
}

enum skn_number_result skn_number_duration(struct skn_slice text, uint64_t *out_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    return with_unit(text, units, SKN_ARRAY_LEN(units), SKN_DURATION_MS_MAX, out_ms);
}

enum skn_number_result skn_number_size(struct skn_slice text, uint64_t *out_bytes)
{
    static const struct unit units[] = {{"B", 1},
                                        {"KiB", UINT64_C(1) << 10},
                                        {"MiB", UINT64_C(1) << 20},
                                        {"GiB", UINT64_C(1) << 30},
                                        {"TiB", UINT64_C(1) << 40}};
    return with_unit(text, units, SKN_ARRAY_LEN(units), INT64_MAX, out_bytes);
}

enum skn_number_result skn_number_milli(struct skn_slice text, uint64_t max, uint64_t *out_milli)
{
    size_t digits = count_digits(text);
    uint64_t whole;
    enum skn_number_result result =
        skn_number_whole(skn_slice(text.ptr, digits), max / 1000, &whole);
    if (result != SKN_NUMBER_OK) return result;
    uint64_t milli = whole * 1000;
    if (digits < text.len) {
        struct skn_slice fraction = skn_slice_from(text, digits);
        if (fraction.ptr[0] != '.') return SKN_NUMBER_MALFORMED;
        fraction = skn_slice_from(fraction, 1);
        if (fraction.len == 0 || count_digits(fraction) != fraction.len)
            return SKN_NUMBER_MALFORMED;
        uint64_t weight = 100;
        for (size_t i = 0; i < fraction.len; i++, weight /= 10) {
            if (weight == 0 && fraction.ptr[i] != '0') return SKN_NUMBER_MALFORMED;
            milli += weight * (uint64_t)(fraction.ptr[i] - '0');
        }
    }
    if (milli > max) return SKN_NUMBER_TOO_LARGE;
    *out_milli = milli;
    return SKN_NUMBER_OK;
}

enum skn_number_result skn_number_seconds(struct skn_slice text, uint64_t *out_ms)
{
    return skn_number_milli(text, SKN_DURATION_MS_MAX, out_ms);
}

enum skn_number_result skn_number_version(struct skn_slice text, uint32_t out[3])
{
    uint32_t parts[3] = {0};
    if (text.len > 0 && text.ptr[0] == 'v') text = skn_slice_from(text, 1);
    for (int i = 0; i < 3; i++) {
        size_t digits = count_digits(text);
        uint64_t n;
        enum skn_number_result result =
            skn_number_whole(skn_slice(text.ptr, digits), UINT32_MAX, &n);
        if (result != SKN_NUMBER_OK) return result;
        parts[i] = (uint32_t)n;
        text = skn_slice_from(text, digits);
        if (text.len == 0) {
            memcpy(out, parts, sizeof(parts));
            return SKN_NUMBER_OK;
        }
        if (text.ptr[0] != '.') return SKN_NUMBER_MALFORMED;
        text = skn_slice_from(text, 1);
    }
    return SKN_NUMBER_MALFORMED;
}

bool skn_number_is_float(struct skn_slice text)
{
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) text = skn_slice_from(text, 1);
    size_t whole = count_digits(text);
    if (whole == 0 || whole == text.len) return false;
    text = skn_slice_from(text, whole);
    if (text.ptr[0] == '.') {
        text = skn_slice_from(text, 1);
        size_t fraction = count_digits(text);
        if (fraction == 0) return false;
        text = skn_slice_from(text, fraction);
    }
    if (text.len == 0) return true;
    if (text.ptr[0] != 'e' && text.ptr[0] != 'E') return false;
    text = skn_slice_from(text, 1);
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) text = skn_slice_from(text, 1);
    return text.len > 0 && count_digits(text) == text.len;
}
