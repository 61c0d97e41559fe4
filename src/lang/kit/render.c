/* render.c - diagnostics as people and programs read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/diags.h"
#include "lang/kit/utf8.h"
#include "value/json.h"

#include "base/pure.h" /* last */

/* Characters of a line that are shown; a longer one is cut around what is pointed at. */
enum { WINDOW = 100, WINDOW_BEFORE = 40 };

static const char *severity_word(enum skn_severity severity)
{
    return severity == SKN_SEVERITY_ERROR ? "error" : "warning";
}

struct window {
    struct skn_slice text;
    uint32_t start; /* offset in the line */
    bool cut_before;
    bool cut_behind;
};

/* The offset of the character `count` characters before `at`. */
static uint32_t step_back(struct skn_slice line, uint32_t at, uint32_t count)
{
    while (at > 0 && count > 0) {
        at--;
        if ((line.ptr[at] & 0xC0) != 0x80) count--;
    }
    return at;
}

static struct window window_of(struct skn_slice line, uint32_t at)
{
    struct window w = {.start = line.len <= WINDOW ? 0 : step_back(line, at, WINDOW_BEFORE)};
    uint32_t end = w.start;
    for (uint32_t chars = 0; end < line.len && chars < WINDOW; chars++)
        end += skn_utf8_next(line, end).len;
    w.text = skn_slice(line.ptr ? line.ptr + w.start : NULL, end - w.start);
    w.cut_before = w.start > 0;
    w.cut_behind = end < line.len;
    return w;
}

/* Control characters would move the caret away: each is shown as one plain character. */
static void put_shown(struct skn_buf *out, struct skn_slice text)
{
    for (size_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        if (c.point == '\t') {
            skn_buf_put_u8(out, '\t');
        } else if (c.point == SKN_UTF8_BAD || c.point < 0x20 ||
                   (c.point >= 0x7F && c.point < 0xA0) || skn_utf8_width(c.point) == 0) {
            skn_buf_put_str(out, "?");
        } else {
            skn_buf_put(out, skn_slice(text.ptr + at, c.len));
        }
        at += c.len;
    }
}

static uint32_t shown_width(struct skn_slice text, size_t at, uint32_t *out_len)
{
    struct skn_utf8 c = skn_utf8_next(text, at);
    *out_len = c.len;
    if (c.point == SKN_UTF8_BAD) return 1;
    uint32_t width = skn_utf8_width(c.point);
    return width > 0 ? width : 1;
}

/* Blanks as wide as the text before the caret (a tab stays a tab), then the carets. */
static void put_carets(struct skn_buf *out, struct skn_slice text, uint32_t from, uint32_t to)
{
    uint32_t len = 1;
    for (uint32_t at = 0; at < from && at < text.len; at += len) {
        uint32_t width = shown_width(text, at, &len);
        if (text.ptr[at] == '\t') {
            skn_buf_put_u8(out, '\t');
        } else {
            for (uint32_t i = 0; i < width; i++)
                skn_buf_put_u8(out, ' ');
        }
    }
    uint32_t carets = 0;
    for (uint32_t at = from; at < to && at < text.len; at += len) {
        uint32_t width = shown_width(text, at, &len);
        for (uint32_t i = 0; i < width; i++, carets++)
            skn_buf_put_u8(out, '^');
    }
    if (carets == 0) skn_buf_put_u8(out, '^');
}

static void render_line(const struct skn_source *source,
                        struct skn_place place,
                        struct skn_span span,
                        struct skn_buf *out)
{
    uint32_t line_start = source->lines[place.line - 1];
    struct skn_slice line = skn_source_line(source, place.line);
    uint32_t from = span.start - line_start;
    uint32_t to = span.end - line_start;
    if (from > line.len) from = (uint32_t)line.len;
    struct window w = window_of(line, from);
    skn_buf_printf(out, "%5u | %s", (unsigned)place.line, w.cut_before ? ".." : "");
    put_shown(out, w.text);
    skn_buf_printf(out, "%s\n      | %s", w.cut_behind ? ".." : "", w.cut_before ? "  " : "");
    put_carets(out, w.text, from - w.start, to > w.start ? to - w.start : 0);
    skn_buf_put_str(out, "\n");
}

void skn_diags_render(const struct skn_diags *diags, struct skn_buf *out)
{
    for (uint32_t i = 0; i < diags->count; i++) {
        const struct skn_diag_entry *e = &diags->entries[i];
        const struct skn_code_info *info = skn_code_info(e->code);
        struct skn_place place = skn_source_place(diags->source, e->span.start);
        skn_buf_put(out, diags->source->name);
        skn_buf_printf(out,
                       ":%u:%u: %s[%s]: %s\n",
                       (unsigned)place.line,
                       (unsigned)place.column,
                       severity_word(info->severity),
                       info->name,
                       e->text);
        render_line(diags->source, place, e->span, out);
        skn_buf_printf(out, "      = %s\n", e->hint);
    }
    uint32_t all = diags->errors + diags->warnings;
    if (all > diags->count) skn_buf_printf(out, "and %u more\n", (unsigned)(all - diags->count));
}

static void
write_place(struct skn_json_writer *w, const char *line, const char *column, struct skn_place place)
{
    skn_json_key_str(w, line);
    skn_json_uint(w, place.line);
    skn_json_key_str(w, column);
    skn_json_uint(w, place.column);
}

static void write_entry(struct skn_json_writer *w,
                        const struct skn_source *source,
                        const struct skn_diag_entry *e)
{
    const struct skn_code_info *info = skn_code_info(e->code);
    skn_json_object_begin(w);
    skn_json_key_str(w, "file");
    skn_json_any_text(w, source->name);
    write_place(w, "line", "column", skn_source_place(source, e->span.start));
    write_place(w, "end_line", "end_column", skn_source_place(source, e->span.end));
    skn_json_key_str(w, "severity");
    skn_json_str(w, severity_word(info->severity));
    skn_json_key_str(w, "code");
    skn_json_str(w, info->name);
    skn_json_key_str(w, "message");
    skn_json_any_text(w, skn_slice_str(e->text));
    skn_json_key_str(w, "hint");
    skn_json_any_text(w, skn_slice_str(e->hint));
    skn_json_object_end(w);
}

void skn_diags_write_json(const struct skn_diags *diags, struct skn_json_writer *w)
{
    skn_json_list_begin(w);
    for (uint32_t i = 0; i < diags->count; i++)
        write_entry(w, diags->source, &diags->entries[i]);
    skn_json_list_end(w);
}
