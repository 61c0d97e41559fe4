/* stamp.c - stamps as people write and read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stamp_internal.h"

#include "base/hlc.h"
#include "cli/link_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MS_PER_S = 1000, COUNTER_MAX = UINT16_MAX };

void skn_stamp_put(struct skn_buf *out, uint64_t stamp)
{
    skn_link_put_stamp(out, stamp);
    skn_buf_printf(out, "/%u", (unsigned)skn_hlc_counter(stamp));
}

/* So many digits; the text behind them. NULL: there are fewer. */
static const char *digits(const char *text, int count, int64_t *out)
{
    *out = 0;
    for (int i = 0; i < count; i++, text++) {
        if (*text < '0' || *text > '9') return NULL;
        *out = *out * 10 + (*text - '0');
    }
    return text;
}

/* A mark, then so many digits. */
static const char *part(const char *text, const char *marks, int count, int64_t *out)
{
    if (!text || !*text || !strchr(marks, *text)) return NULL;
    return digits(text + 1, count, out);
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/* Since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ".25" in milliseconds, what is behind them dropped. */
static const char *fraction(const char *text, int64_t *out_ms)
{
    int64_t weight = 100;
    *out_ms = 0;
    if (*text != '.') return text;
    if (text[1] < '0' || text[1] > '9') return NULL;
    for (text++; *text >= '0' && *text <= '9'; text++, weight /= 10)
        *out_ms += weight * (*text - '0');
    return text;
}

/* "Z" or "+02:00", in minutes. */
static const char *zone(const char *text, int64_t *out_min)
{
    int64_t hours, minutes;
    *out_min = 0;
    if (*text == 'Z' || *text == 'z') return text + 1;
    bool is_west = *text == '-';
    text = part(text, "+-", 2, &hours);
    text = part(text, ":", 2, &minutes);
    if (!text || hours > 23 || minutes > 59) return NULL;
    *out_min = (is_west ? -1 : 1) * (hours * 60 + minutes);
    return text;
}

/* A time of RFC 3339; the text behind it, NULL: it is none, or before 1970. */
static const char *read_time(const char *text, int64_t *out_ms)
{
    int64_t year, month, day, hour, min, s, ms = 0, offset = 0;
    text = digits(text, 4, &year);
    text = part(text, "-", 2, &month);
    text = part(text, "-", 2, &day);
    text = part(text, "Tt ", 2, &hour);
    text = part(text, ":", 2, &min);
    text = part(text, ":", 2, &s);
    if (!text || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return NULL;
    if (hour > 23 || min > 59 || s > 60) return NULL; /* 60: a leap second */
    text = fraction(text, &ms);
    if (text) text = zone(text, &offset);
    int64_t minutes = (days_of(year, month, day) * 24 + hour) * 60 + min - offset;
    *out_ms = (minutes * 60 + s) * MS_PER_S + ms;
    return *out_ms < 0 ? NULL : text;
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *behind = NULL;
    errno = 0;
    *out = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &behind, 10) : 0;
    return behind && *behind == 0 && errno == 0 && *out <= max;
}

enum skn_rc skn_stamp_parse(const char *text,
                            enum skn_stamp_end end,
                            uint64_t *out_stamp,
                            struct skn_diag *diag)
{
    int64_t ms;
    uint64_t counter = end == SKN_STAMP_LAST ? COUNTER_MAX : 0, number;
    if (read_number(text, UINT64_MAX - 1, &number)) {
        *out_stamp = number;
        return SKN_OK;
    }
    const char *behind = read_time(text, &ms);
    bool is_good = behind != NULL;
    if (behind && *behind == '/')
        is_good = read_number(behind + 1, COUNTER_MAX, &counter);
    else if (behind)
        is_good = *behind == 0;
    if (!is_good)
        return SKN_FAIL(diag,
                        SKN_EUSAGE,
                        "\"%.60s\" is no stamp: a time such as 2026-11-21T12:00:00Z or, as "
                        "skein domain history prints it, 2026-11-21T12:00:00.250Z/0",
                        text);
    *out_stamp = skn_hlc_at((uint64_t)ms) | counter;
    return SKN_OK;
}
