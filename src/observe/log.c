/* log.c - signals as lines of text or JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "observe/observe.h"

/* The longest line there can be. A byte of text grows to six at most ("\u001f"), a number has 20
 * digits, names and punctuation are under 64, the fixed members at the front under 256. */
enum { LINE_MAX = 256 + SKN_SIGNAL_FIELDS_MAX * (64 + 6 * (SKN_LOG_TEXT_MAX + 3)) };

static void put_digits(struct skn_buf *out, uint64_t n, size_t least)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0 || sizeof digits - at < least);
    skn_buf_put(out, skn_slice(digits + at, sizeof digits - at));
}

/* Year, month and day of a day since 1970 (Hinnant, chrono-compatible low-level date algorithms,
 * civil_from_days). The C library's gmtime would read the environment. */
static void put_date(struct skn_buf *out, uint64_t day)
{
    uint64_t z = day + 719468;
    uint64_t era = z / 146097;
    uint64_t doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153;
    uint64_t month = mp < 10 ? mp + 3 : mp - 9;
    put_digits(out, yoe + era * 400 + (month <= 2), 4);
    skn_buf_put_u8(out, '-');
    put_digits(out, month, 2);
    skn_buf_put_u8(out, '-');
    put_digits(out, doy - (153 * mp + 2) / 5 + 1, 2);
}

/* RFC 3339 with milliseconds; a clock behind the year 9999 is shown as its end. */
static void put_time(struct skn_buf *out, uint64_t ms)
{
    const uint64_t last = UINT64_C(253402300799999);
    if (ms > last) ms = last;
    uint64_t of_day = ms % 86400000;
    put_date(out, ms / 86400000);
    skn_buf_put_u8(out, 'T');
    put_digits(out, of_day / 3600000, 2);
    skn_buf_put_u8(out, ':');
    put_digits(out, of_day / 60000 % 60, 2);
    skn_buf_put_u8(out, ':');
    put_digits(out, of_day / 1000 % 60, 2);
    skn_buf_put_u8(out, '.');
    put_digits(out, of_day % 1000, 3);
    skn_buf_put_u8(out, 'Z');
}

/* The number of a character that must not stand in a line as it is, else 0x110000: controls (also
 * those of terminals, DEL and C1), and the two line ends that only some programs know. */
static uint32_t hidden(struct skn_slice c)
{
    if (c.len == 1 && (c.ptr[0] < 0x20 || c.ptr[0] == 0x7F)) return c.ptr[0];
    if (c.len == 2 && c.ptr[0] == 0xC2 && c.ptr[1] < 0xA0) return c.ptr[1];
    if (c.len == 3 && c.ptr[0] == 0xE2 && c.ptr[1] == 0x80 && (c.ptr[2] & 0xFE) == 0xA8)
        return 0x2000U + (c.ptr[2] & 0x3FU);
    return 0x110000;
}

static void put_escape(struct skn_buf *out, uint32_t point)
{
    static const char hex[] = "0123456789abcdef";
    if (point == '\n' || point == '\t' || point == '\r') {
        skn_buf_put_u8(out, '\\');
        skn_buf_put_u8(out, point == '\n' ? 'n' : point == '\t' ? 't' : 'r');
        return;
    }
    skn_buf_put_str(out, "\\u");
    for (unsigned shift = 16; shift > 0; shift -= 4)
        skn_buf_put_u8(out, (uint8_t)hex[point >> (shift - 4) & 0xF]);
}

static void put_char(struct skn_buf *out, struct skn_slice c)
{
    uint32_t point = hidden(c);
    if (point < 0x110000) {
        put_escape(out, point);
        return;
    }
    if (c.ptr[0] == '"' || c.ptr[0] == '\\') skn_buf_put_u8(out, '\\');
    skn_buf_put(out, c);
}

/* A JSON string, which the text format shares, so that both are read by the same rules. */
static void put_quoted(struct skn_buf *out, struct skn_slice text)
{
    skn_buf_put_u8(out, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t len = skn_utf8_len(skn_slice_from(text, at));
        if (at + (len > 0 ? len : 1) > SKN_LOG_TEXT_MAX) break;
        if (len == 0) {
            skn_buf_put_str(out, "\xEF\xBF\xBD");
        } else {
            put_char(out, skn_slice(text.ptr + at, len));
        }
        at += len > 0 ? len : 1;
    }
    skn_buf_put_str(out, at < text.len ? "...\"" : "\"");
}

/* What may stand without quotes: no space, quote, equals sign or backslash, nothing that is not
 * ASCII, and not empty. */
static bool is_bare(struct skn_slice text)
{
    if (text.len == 0 || text.len > SKN_LOG_TEXT_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
    }
    return true;
}

static void put_field(struct skn_buf *out,
                      const struct skn_field_info *info,
                      const void *fields,
                      enum skn_log_format format)
{
    const uint8_t *at = (const uint8_t *)fields + info->offset;
    if (info->type == SKN_FIELD_TEXT) {
        struct skn_slice text;
        memcpy(&text, at, sizeof text);
        if (format == SKN_LOG_TEXT && is_bare(text)) {
            skn_buf_put(out, text);
        } else {
            put_quoted(out, text);
        }
    } else if (info->type == SKN_FIELD_BOOL) {
        skn_buf_put_str(out, *at ? "true" : "false");
    } else {
        uint64_t n;
        memcpy(&n, at, sizeof n);
        bool is_minus = info->type == SKN_FIELD_INT && n > INT64_MAX;
        if (is_minus) skn_buf_put_u8(out, '-');
        put_digits(out, is_minus ? 0 - n : n, 1);
    }
}

static void put_text_line(const struct skn_signal *signal, struct skn_buf *out)
{
    skn_buf_put_str(out, "time=");
    put_time(out, signal->wall_ms);
    skn_buf_put_str(out, " level=");
    skn_buf_put_str(out, skn_level_name(signal->info->level));
    skn_buf_put_str(out, " signal=");
    skn_buf_put_str(out, signal->info->name);
    for (size_t i = 0; i < signal->info->field_count; i++) {
        skn_buf_put_u8(out, ' ');
        skn_buf_put_str(out, signal->info->fields[i].name);
        skn_buf_put_u8(out, '=');
        put_field(out, &signal->info->fields[i], signal->fields, SKN_LOG_TEXT);
    }
    skn_buf_put_u8(out, '\n');
}

static void put_json_line(const struct skn_signal *signal, struct skn_buf *out)
{
    skn_buf_put_str(out, "{\"time\":\"");
    put_time(out, signal->wall_ms);
    skn_buf_put_str(out, "\",\"level\":\"");
    skn_buf_put_str(out, skn_level_name(signal->info->level));
    skn_buf_put_str(out, "\",\"signal\":\"");
    skn_buf_put_str(out, signal->info->name);
    skn_buf_put_u8(out, '"');
    for (size_t i = 0; i < signal->info->field_count; i++) {
        skn_buf_put_str(out, ",\"");
        skn_buf_put_str(out, signal->info->fields[i].name);
        skn_buf_put_str(out, "\":");
        put_field(out, &signal->info->fields[i], signal->fields, SKN_LOG_JSON);
    }
    skn_buf_put_str(out, "}\n");
}

void skn_signal_format(const struct skn_signal *signal,
                       enum skn_log_format format,
                       struct skn_buf *out)
{
    if (format == SKN_LOG_JSON) {
        put_json_line(signal, out);
    } else {
        put_text_line(signal, out);
    }
}

static void write_line(struct skn_listener *listener, const struct skn_signal *signal)
{
    struct skn_log *log = SKN_CONTAINER_OF(listener, struct skn_log, listener);
    if (signal->info->level < log->least) return;
    skn_buf_reset(&log->line);
    skn_signal_format(signal, log->format, &log->line);
    SKN_ASSERT(!log->line.full); /* LINE_MAX was counted wrong */
    log->fn(log->ctx, skn_buf_slice(&log->line));
}

void skn_log_init(struct skn_log *log,
                  enum skn_log_format format,
                  enum skn_level least,
                  skn_line_fn fn,
                  void *ctx)
{
    *log = (struct skn_log){.format = format, .least = least, .fn = fn, .ctx = ctx};
    log->listener.fn = write_line;
    skn_list_init(&log->listener.link);
    skn_buf_init(&log->line, LINE_MAX);
    uint8_t *all = skn_buf_reserve(&log->line, LINE_MAX); /* never grows again */
    SKN_ASSERT(all);
}

void skn_log_fini(struct skn_log *log)
{
    if (!log) return;
    skn_observe_unlisten(&log->listener);
    skn_buf_fini(&log->line);
}
