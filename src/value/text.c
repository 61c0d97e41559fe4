/* text.c - times, durations and bytes as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/text_internal.h"

#include <stdio.h>

#include "base/pure.h"

#define NS_PER_S  INT64_C(1000000000)
#define S_PER_DAY INT64_C(86400)
#define DAYS_400  INT64_C(146097) /* days in 400 years of the Gregorian calendar */
#define DAYS_TO_0 INT64_C(719468) /* from 0000-03-01 to 1970-01-01 */

/* The year that begins in March: its months then have lengths by one rule, and the leap day is the
 * last of it. */
static void civil(int64_t days, int64_t *out_year, int *out_month, int *out_day)
{
    days += DAYS_TO_0;
    int64_t era = (days >= 0 ? days : days - (DAYS_400 - 1)) / DAYS_400;
    int64_t day = days - era * DAYS_400;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    *out_day = (int)(day - (153 * month + 2) / 5 + 1);
    *out_month = (int)(month < 10 ? month + 3 : month - 9);
    *out_year = era * 400 + year + (*out_month <= 2);
}

void skn_text_time(int64_t unix_ns, char out[TEXT_TIME_MAX])
{
    int64_t ns = unix_ns % NS_PER_S, s = unix_ns / NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    int64_t second = s % S_PER_DAY, days = s / S_PER_DAY;
    if (second < 0) {
        second += S_PER_DAY;
        days--;
    }
    int64_t year;
    int month, day;
    civil(days, &year, &month, &day);
    int places = ns == 0 ? 0 : ns % 1000000 == 0 ? 3 : ns % 1000 == 0 ? 6 : 9;
    char fraction[24];
    (void)snprintf(fraction, sizeof fraction, ".%09d", (int)ns);
    fraction[places == 0 ? 0 : places + 1] = '\0';
    (void)snprintf(out,
                   TEXT_TIME_MAX,
                   "%04d-%02d-%02dT%02d:%02d:%02d%sZ",
                   (int)year,
                   month,
                   day,
                   (int)(second / 3600),
                   (int)(second / 60 % 60),
                   (int)(second % 60),
                   fraction);
}

void skn_text_duration(int64_t ns, char out[TEXT_TIME_MAX])
{
    uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    int rest = (int)(magnitude % (uint64_t)NS_PER_S);
    char fraction[24];
    int n = snprintf(fraction, sizeof fraction, ".%09d", rest);
    while (n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'))
        fraction[--n] = '\0';
    (void)snprintf(out,
                   TEXT_TIME_MAX,
                   "%s%llu%ss",
                   ns < 0 ? "-" : "",
                   (unsigned long long)(magnitude / (uint64_t)NS_PER_S),
                   fraction);
}

void skn_text_base64(struct skn_slice bytes, struct skn_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < n ? bytes.ptr[i + k] : 0);
        uint8_t text[4];
        for (size_t k = 0; k < 4; k++)
            text[k] = k <= n ? (uint8_t)digits[group >> (18 - 6 * k) & 63] : '=';
        skn_buf_put(out, skn_slice(text, 4));
    }
}

void skn_text_hex(struct skn_slice bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = digits[bytes.ptr[i] >> 4];
        *out++ = digits[bytes.ptr[i] & 15];
    }
    *out = '\0';
}
