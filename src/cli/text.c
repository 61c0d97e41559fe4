/* text.c - text, times and members of a run view, safe to print. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view_internal.h"

#include "lang/kit/utf8.h"
#include "value/json.h"

enum { MS_PER_S = 1000 };

struct skn_value skn_view_member(struct skn_value map, const char *key)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(map, SKN_T_MAP)) (void)skn_map_get(map, skn_slice_str(key), &v);
    return v;
}

struct skn_slice skn_view_text(struct skn_value map, const char *key)
{
    struct skn_value v = skn_view_member(map, key);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : SKN_LIT("");
}

/* C0, DEL, C1 and what changes the direction of text could change what a terminal shows. */
static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == SKN_UTF8_BAD ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069);
}

static uint32_t width_of(uint32_t point)
{
    return is_control(point) ? 1 : skn_utf8_width(point);
}

static uint32_t width_of_text(struct skn_slice text)
{
    uint32_t width = 0;
    for (size_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        width += width_of(c.point);
        at += c.len;
    }
    return width;
}

uint32_t skn_view_put(struct skn_buf *out, struct skn_slice text, uint32_t columns)
{
    bool cut = columns > 0 && width_of_text(text) > columns;
    uint32_t room = cut ? columns - 1 : UINT32_MAX, width = 0;
    for (size_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        uint32_t w = width_of(c.point);
        if (w > room - width) break;
        if (is_control(c.point)) {
            /* A line end within a text is a blank to the eye; the rest is shown as unknown. */
            skn_buf_put_str(out, c.point == '\n' || c.point == '\t' ? " " : "\xef\xbf\xbd");
        } else {
            skn_buf_put(out, skn_slice(text.ptr + at, c.len));
        }
        width += w;
        at += c.len;
    }
    if (!cut) return width;
    skn_buf_put_str(out, "\xe2\x80\xa6");
    return width + 1;
}

static bool digits(struct skn_slice text, size_t at, size_t count, int64_t *out)
{
    *out = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *out = *out * 10 + (text.ptr[i] - '0');
    }
    return true;
}

/* Days since 1970 of a date in the Gregorian calendar: years begin in March, so that the leap day
 * is the last of its year (Richards 2013). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2), m = month + (month <= 2 ? 9 : -3);
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "Z", ".123Z", ".123456Z" or ".123456789Z". */
static bool fraction(struct skn_slice text, int64_t *out_ms)
{
    int64_t ignored;
    *out_ms = 0;
    if (text.len == 0 || text.ptr[text.len - 1] != 'Z') return false;
    if (text.len == 1) return true;
    size_t count = text.len - 2;
    return text.ptr[0] == '.' && (count == 3 || count == 6 || count == 9) &&
           digits(text, 1, 3, out_ms) && digits(text, 4, count - 3, &ignored);
}

bool skn_view_time(struct skn_slice text, int64_t *out_ms)
{
    static const char shape[] = "0000-00-00T00:00:00";
    enum { SHAPE_LEN = sizeof(shape) - 1 };
    int64_t year, month, day, hour, min, s, ms;
    if (text.len <= SHAPE_LEN) return false;
    for (size_t i = 0; i < SHAPE_LEN; i++)
        if (shape[i] != '0' && text.ptr[i] != (uint8_t)shape[i]) return false;
    if (!digits(text, 0, 4, &year) || !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day) ||
        !digits(text, 11, 2, &hour) || !digits(text, 14, 2, &min) || !digits(text, 17, 2, &s) ||
        !fraction(skn_slice_from(text, SHAPE_LEN), &ms))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31) return false;
    *out_ms = (((days_of(year, month, day) * 24 + hour) * 60 + min) * 60 + s) * MS_PER_S + ms;
    return true;
}

void skn_view_duration(struct skn_buf *out, int64_t ms)
{
    if (ms < 0) ms = 0; /* two clocks, or one that was set back */
    long long s = ms / MS_PER_S, rest = ms % MS_PER_S;
    if (s == 0) {
        skn_buf_printf(out, "%lld ms", rest);
    } else if (s < 60) {
        skn_buf_printf(out, "%lld.%02lld s", s, rest / 10);
    } else if (s < 3600) {
        skn_buf_printf(out, "%lld min %02lld s", s / 60, s % 60);
    } else {
        skn_buf_printf(out, "%lld h %02lld min", s / 3600, s / 60 % 60);
    }
}

void skn_view_result(struct skn_value view, struct skn_buf *out)
{
    struct skn_value result = skn_view_member(view, "result");
    if (skn_value_is(result, SKN_T_NONE)) return;
    if (skn_value_is(result, SKN_T_STRING)) {
        struct skn_slice text = skn_value_as_text(result);
        skn_buf_put(out, text);
        if (text.len == 0 || text.ptr[text.len - 1] != '\n') skn_buf_put_u8(out, '\n');
        return;
    }
    if (skn_json_print(result, SKN_JSON_PRETTY, out, NULL) == SKN_OK) skn_buf_put_u8(out, '\n');
}

void skn_view_put_error(struct skn_buf *out, struct skn_value error)
{
    struct skn_slice code = skn_view_text(error, "code"), message = skn_view_text(error, "message");
    if (skn_value_is(error, SKN_T_STRING)) message = skn_value_as_text(error);
    (void)skn_view_put(out, code, 0);
    if (code.len > 0 && message.len > 0) skn_buf_put_str(out, ": ");
    (void)skn_view_put(out, message, 0);
}
