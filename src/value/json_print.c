/* json_print.c - JSON text, piece by piece or of a value. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/json.h"

#include "base/utf8.h"
#include "value/real.h"
#include "value/scan_internal.h"
#include "value/text_internal.h"
#include "value/value_internal.h"

#include <stdio.h>

#include "base/pure.h"

enum { IN_OBJECT = 1, NOT_EMPTY = 2 }; /* bits of a level */

void skn_json_begin(struct skn_json_writer *w, struct skn_buf *out, enum skn_json_mode mode)
{
    w->out = out; /* the levels are filled as they are used */
    w->start = out->len;
    w->mode = mode;
    w->rc = SKN_OK;
    w->depth = 0;
    w->key_set = false;
    w->done = false;
    w->why[0] = '\0';
}

static void fail(struct skn_json_writer *w, enum skn_rc rc, const char *why)
{
    if (w->rc != SKN_OK) return;
    w->rc = rc;
    (void)snprintf(w->why, sizeof w->why, "JSON cannot say it: %s", why);
}

enum skn_rc skn_json_end(struct skn_json_writer *w, struct skn_diag *diag)
{
    if (w->out->full) fail(w, SKN_EFULL, "the text is longer than its limit");
    enum skn_rc rc = w->rc;
    if (rc == SKN_OK) {
        SKN_ASSERT(w->done);
    } else {
        w->out->len = w->start;
        (void)SKN_FAIL(diag, rc, "%s", w->why);
    }
    skn_json_begin(w, w->out, w->mode);
    return rc;
}

static void put(struct skn_json_writer *w, const char *text)
{
    skn_buf_put_str(w->out, text);
}

static void new_line(struct skn_json_writer *w)
{
    if (w->mode != SKN_JSON_PRETTY) return;
    skn_buf_put_u8(w->out, '\n');
    for (uint32_t i = 0; i < w->depth; i++)
        put(w, "  ");
}

/* The comma and the line before an element or a key. */
static void next_element(struct skn_json_writer *w)
{
    uint8_t *level = &w->levels[w->depth - 1];
    if (*level & NOT_EMPTY) skn_buf_put_u8(w->out, ',');
    *level |= NOT_EMPTY;
    new_line(w);
}

/* What stands before a value. False: an earlier failure sticks. */
static bool value_begins(struct skn_json_writer *w)
{
    if (w->rc != SKN_OK) return false;
    SKN_ASSERT(!w->done);
    if (w->depth == 0) return true;
    if (w->levels[w->depth - 1] & IN_OBJECT) {
        SKN_ASSERT(w->key_set);
        w->key_set = false;
    } else {
        next_element(w);
    }
    return true;
}

static void value_ends(struct skn_json_writer *w)
{
    if (w->depth == 0) w->done = true;
}

static void begin(struct skn_json_writer *w, char bracket, uint8_t level)
{
    if (!value_begins(w)) return;
    if (w->depth == SKN_JSON_WRITE_DEPTH) {
        fail(w, SKN_ETOOLARGE, "nested too deep");
        return;
    }
    skn_buf_put_u8(w->out, (uint8_t)bracket);
    w->levels[w->depth++] = level;
}

static void end(struct skn_json_writer *w, char bracket, uint8_t level)
{
    if (w->rc != SKN_OK) return;
    SKN_ASSERT(w->depth > 0);
    SKN_ASSERT((w->levels[w->depth - 1] & IN_OBJECT) == level);
    SKN_ASSERT(!w->key_set);
    bool not_empty = w->levels[--w->depth] & NOT_EMPTY;
    if (not_empty) new_line(w);
    skn_buf_put_u8(w->out, (uint8_t)bracket);
    value_ends(w);
}

void skn_json_object_begin(struct skn_json_writer *w)
{
    begin(w, '{', IN_OBJECT);
}

void skn_json_object_end(struct skn_json_writer *w)
{
    end(w, '}', IN_OBJECT);
}

void skn_json_list_begin(struct skn_json_writer *w)
{
    begin(w, '[', 0);
}

void skn_json_list_end(struct skn_json_writer *w)
{
    end(w, ']', 0);
}

static void put_escape(struct skn_buf *out, uint8_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *found = c == 0 ? NULL : strchr(from, c);
    if (found) {
        const uint8_t pair[] = {'\\', (uint8_t)to[found - from]};
        skn_buf_put(out, skn_slice(pair, 2));
    } else {
        skn_buf_printf(out, "\\u%04x", c);
    }
}

/* In quotes. What is not UTF-8 becomes U+FFFD when `any`, else it is a failure. */
static void put_quoted(struct skn_json_writer *w, struct skn_slice s, bool any)
{
    skn_buf_put_u8(w->out, '"');
    for (size_t at = 0, from = 0; at <= s.len;) {
        if (at < s.len) at += plain_ascii(s.ptr + at, s.len - at);
        size_t size = at < s.len && s.ptr[at] >= 0x80 ? skn_utf8_len(skn_slice_from(s, at)) : 0;
        if (size > 0) {
            at += size;
            continue;
        }
        skn_buf_put(w->out, skn_slice_from(skn_slice(s.ptr, at), from));
        if (at == s.len) break;
        if (s.ptr[at] < 0x80) {
            put_escape(w->out, s.ptr[at]);
        } else if (any) {
            put(w, "\xef\xbf\xbd");
        } else {
            fail(w, SKN_EARGS, "a text is not UTF-8");
        }
        from = ++at;
    }
    skn_buf_put_u8(w->out, '"');
}

void skn_json_key(struct skn_json_writer *w, struct skn_slice key)
{
    if (w->rc != SKN_OK) return;
    SKN_ASSERT(w->depth > 0);
    SKN_ASSERT(w->levels[w->depth - 1] & IN_OBJECT);
    SKN_ASSERT(!w->key_set);
    next_element(w);
    put_quoted(w, key, false);
    put(w, w->mode == SKN_JSON_PRETTY ? ": " : ":");
    w->key_set = true;
}

void skn_json_key_str(struct skn_json_writer *w, const char *key)
{
    skn_json_key(w, skn_slice_str(key));
}

/* A value that is written as it is. */
static void put_raw(struct skn_json_writer *w, const char *text)
{
    if (!value_begins(w)) return;
    put(w, text);
    value_ends(w);
}

void skn_json_none(struct skn_json_writer *w)
{
    put_raw(w, "null");
}

void skn_json_bool(struct skn_json_writer *w, bool b)
{
    put_raw(w, b ? "true" : "false");
}

static void put_number(struct skn_json_writer *w, bool is_negative, uint64_t magnitude)
{
    char text[24];
    char *p = text + sizeof text - 1;
    *p = '\0';
    do {
        *--p = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (is_negative) *--p = '-';
    put_raw(w, p);
}

void skn_json_int(struct skn_json_writer *w, int64_t i)
{
    put_number(w, i < 0, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

void skn_json_uint(struct skn_json_writer *w, uint64_t u)
{
    put_number(w, false, u);
}

void skn_json_real(struct skn_json_writer *w, double r)
{
    if (!value_begins(w)) return;
    if ((bits_of_real(r) & INT64_MAX) >> 52 == 0x7ff) {
        fail(w, SKN_EARGS, "a real is not finite");
    } else {
        skn_real_print(r, w->out);
    }
    value_ends(w);
}

void skn_json_string(struct skn_json_writer *w, struct skn_slice text)
{
    if (!value_begins(w)) return;
    put_quoted(w, text, false);
    value_ends(w);
}

void skn_json_str(struct skn_json_writer *w, const char *text)
{
    skn_json_string(w, skn_slice_str(text));
}

void skn_json_any_text(struct skn_json_writer *w, struct skn_slice text)
{
    if (!value_begins(w)) return;
    put_quoted(w, text, true);
    value_ends(w);
}

static void put_blob(struct skn_json_writer *w, struct skn_value v)
{
    struct skn_value_blob blob = skn_value_as_blob(v);
    char hex[2 * SKN_VALUE_HASH_BYTES + 1];
    skn_text_hex(blob.hash, hex);
    skn_json_object_begin(w);
    skn_json_key_str(w, "blob");
    skn_json_str(w, hex);
    skn_json_key_str(w, "size");
    skn_json_uint(w, blob.size);
    skn_json_key_str(w, "type");
    skn_json_string(w, blob.media_type);
    skn_json_object_end(w);
}

/* Values without a JSON word of their own. */
static void put_other(struct skn_json_writer *w, struct skn_value v)
{
    char text[TEXT_TIME_MAX];
    if (w->mode == SKN_JSON_CANONICAL) {
        char why[60];
        (void)snprintf(why, sizeof why, "it has no %s", skn_tag_name(skn_value_tag(v)));
        fail(w, SKN_EARGS, why);
    } else if (v.tag == SKN_T_SYMBOL) {
        skn_json_string(w, skn_value_as_text(v));
    } else if (v.tag == SKN_T_SECRET || v.tag == SKN_T_SEALED) {
        skn_json_str(w, "***");
    } else if (v.tag == SKN_T_TIME) {
        skn_text_time(skn_value_as_time(v), text);
        skn_json_str(w, text);
    } else if (v.tag == SKN_T_DURATION) {
        skn_text_duration(skn_value_as_duration(v), text);
        skn_json_str(w, text);
    } else if (v.tag == SKN_T_BYTES) {
        if (!value_begins(w)) return;
        skn_buf_put_u8(w->out, '"');
        skn_text_base64(skn_value_as_text(v), w->out);
        skn_buf_put_u8(w->out, '"');
        value_ends(w);
    } else {
        put_blob(w, v);
    }
}

/* A composite whose end is not written yet. */
struct level {
    struct skn_value_iter iter;
    bool is_list;
};

static struct level open_level(struct skn_json_writer *w, struct skn_value v)
{
    if (v.tag == SKN_T_LIST) {
        skn_json_list_begin(w);
    } else {
        skn_json_object_begin(w);
    }
    return (struct level){skn_value_iter(v), v.tag == SKN_T_LIST};
}

/* Begins an error and leaves its data, if there is some, as what comes next. */
static struct level open_error(struct skn_json_writer *w, struct skn_value v)
{
    struct skn_value_error e = skn_value_as_error(v);
    if (w->mode == SKN_JSON_CANONICAL) fail(w, SKN_EARGS, "it has no error");
    struct level level = open_level(w, v);
    skn_json_key_str(w, "code");
    skn_json_string(w, e.code);
    skn_json_key_str(w, "message");
    skn_json_string(w, e.message);
    if (e.data.tag == SKN_T_NONE) return level;
    skn_json_key_str(w, "data");
    const uint8_t *data = e.message.ptr + e.message.len;
    level.iter = (struct skn_value_iter){.at = data, .left = 1};
    return level;
}

static void put_scalar(struct skn_json_writer *w, struct skn_value v)
{
    switch (skn_value_tag(v)) {
    case SKN_T_NONE: skn_json_none(w); break;
    case SKN_T_BOOL: skn_json_bool(w, skn_value_as_bool(v)); break;
    case SKN_T_INT: skn_json_int(w, skn_value_as_int(v)); break;
    case SKN_T_REAL: skn_json_real(w, skn_value_as_real(v)); break;
    case SKN_T_STRING: skn_json_string(w, skn_value_as_text(v)); break;
    case SKN_T_LIST:
    case SKN_T_MAP:
    case SKN_T_ERROR: SKN_ASSERT(!is_composite(v.tag)); break;
    case SKN_T_BYTES:
    case SKN_T_SYMBOL:
    case SKN_T_SECRET:
    case SKN_T_BLOB:
    case SKN_T_TIME:
    case SKN_T_DURATION:
    case SKN_T_SEALED:
    case SKN_T_COUNT: put_other(w, v); break;
    }
}

void skn_json_value(struct skn_json_writer *w, struct skn_value v)
{
    struct level levels[SKN_VALUE_DEPTH_MAX];
    uint32_t depth = 0;
    for (;;) {
        if (w->rc != SKN_OK) return;
        if (v.tag == SKN_T_LIST || v.tag == SKN_T_MAP) {
            levels[depth++] = open_level(w, v);
        } else if (v.tag == SKN_T_ERROR) {
            levels[depth++] = open_error(w, v);
        } else {
            put_scalar(w, v);
        }
        while (depth > 0 && levels[depth - 1].iter.left == 0) {
            if (levels[--depth].is_list) {
                skn_json_list_end(w);
            } else {
                skn_json_object_end(w);
            }
        }
        if (depth == 0) return;
        struct skn_slice key;
        (void)skn_value_next(&levels[depth - 1].iter, &key, &v);
        if (levels[depth - 1].iter.is_map) skn_json_key(w, key);
    }
}

enum skn_rc skn_json_print(struct skn_value v,
                           enum skn_json_mode mode,
                           struct skn_buf *out,
                           struct skn_diag *diag)
{
    struct skn_json_writer w;
    skn_json_begin(&w, out, mode);
    skn_json_value(&w, v);
    return skn_json_end(&w, diag);
}
