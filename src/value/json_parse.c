/* json_parse.c - JSON text straight to an encoded value. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/json.h"

#include "base/utf8.h"
#include "value/real_internal.h"
#include "value/scan_internal.h"
#include "value/value_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/pure.h"

enum want { WANT_VALUE, WANT_KEY, WANT_REST /* of the list or object around: , ] } */ };

struct parser {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *begin; /* of the whole text, for positions */
    const struct skn_json_options *options;
    uint32_t depth_max;
    enum want want;
    struct skn_diag *diag;
    struct skn_buf unescaped;     /* the string that is read, when it has escapes */
    struct skn_slice watch;       /* the key whose second place in the outermost object is sought */
    const uint8_t *watched_first; /* its first place; NULL before */
    struct skn_builder b;
    const uint8_t *begins[SKN_VALUE_DEPTH_MAX]; /* of the open lists and objects */
};

SKN_PRINTF(4, 5)
static enum skn_rc
fail_at(struct parser *p, const uint8_t *at, enum skn_rc rc, const char *fmt, ...)
{
    size_t line = 1, column = 1;
    for (const uint8_t *q = p->begin; q < at; q++) {
        if (*q == '\n') line++;
        column = *q == '\n' ? 1 : column + ((*q & 0xc0) != 0x80);
    }
    char text[200];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return SKN_FAIL(p->diag, rc, "JSON %zu:%zu: %s", line, column, text);
}

static enum skn_rc expected(struct parser *p, const char *what)
{
    if (p->at == p->end) return fail_at(p, p->at, SKN_ESYNTAX, "expected %s, not the end", what);
    if (*p->at > 0x20 && *p->at < 0x7f) {
        return fail_at(p, p->at, SKN_ESYNTAX, "expected %s, not \"%c\"", what, *p->at);
    }
    return fail_at(p, p->at, SKN_ESYNTAX, "expected %s, not the byte 0x%02x", what, *p->at);
}

static inline void skip_blanks(struct parser *p)
{
    const uint64_t eight = UINT64_C(0x2020202020202020); /* indented text is half blanks */
    if (p->at<p->end && * p->at> ' ') return;
    if (p->at < p->end && *p->at == '\n') p->at++;
    while (p->end - p->at >= 8 && get_le64(p->at) == eight)
        p->at += 8;
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hexadecimal digits behind \u, or -1. */
static int32_t hex4(const struct parser *p, const uint8_t *at)
{
    int32_t unit = 0;
    if (p->end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static void put_utf8(struct skn_buf *out, uint32_t point)
{
    uint8_t c[4];
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        c[i] = (uint8_t)(0x80 | (point & 0x3f));
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    c[0] = (uint8_t)(leads[size] | point);
    skn_buf_put(out, skn_slice(c, size));
}

/* \uXXXX, of which the highest half of the range comes as a pair; `at` is on the backslash. */
static enum skn_rc unescape_unicode(struct parser *p, const uint8_t **at)
{
    int32_t unit = hex4(p, *at + 2);
    if (unit < 0) return fail_at(p, *at, SKN_ESYNTAX, "\\u needs four hexadecimal digits");
    uint32_t point = (uint32_t)unit;
    size_t used = 6;
    if (unit >= 0xd800 && unit < 0xe000) {
        const uint8_t *second = *at + 6;
        bool has_second =
            unit < 0xdc00 && p->end - second >= 6 && second[0] == '\\' && second[1] == 'u';
        int32_t low = has_second ? hex4(p, second + 2) : -1;
        if (low < 0xdc00 || low >= 0xe000) {
            return fail_at(p, *at, SKN_ESYNTAX, "\\u%04x is half of a surrogate pair", point);
        }
        point = 0x10000 + ((point - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        used = 12;
    }
    put_utf8(&p->unescaped, point);
    *at += used;
    return SKN_OK;
}

static enum skn_rc unescape(struct parser *p, const uint8_t **at)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (p->end - *at < 2) return fail_at(p, p->at, SKN_ESYNTAX, "this string has no end");
    uint8_t c = (*at)[1];
    if (c == 'u') return unescape_unicode(p, at);
    const char *found = c == 0 ? NULL : strchr(from, c);
    if (!found) return fail_at(p, *at, SKN_ESYNTAX, "this escape is unknown");
    skn_buf_put_u8(&p->unescaped, (uint8_t)to[found - from]);
    *at += 2;
    return SKN_OK;
}

/* What is wrong with the byte in a string that is no character of it. */
static enum skn_rc bad_in_string(struct parser *p, const uint8_t *at)
{
    if (at == p->end) return fail_at(p, p->at, SKN_ESYNTAX, "this string has no end");
    if (*at >= 0x80) return fail_at(p, at, SKN_ESYNTAX, "the byte 0x%02x is not UTF-8", *at);
    return fail_at(p, at, SKN_ESYNTAX, "the control character 0x%02x needs an escape", *at);
}

/* Reads the string at `at`, a quote. It borrows from the text, or from `unescaped` until the next
 * string. */
static enum skn_rc read_string(struct parser *p, struct skn_slice *out_text)
{
    const uint8_t *from = p->at + 1, *at = from;
    bool has_escape = false;
    for (;;) {
        at += plain_ascii(at, (size_t)(p->end - at));
        if (at < p->end && *at == '"') break;
        if (at < p->end && *at == '\\') {
            if (!has_escape) skn_buf_reset(&p->unescaped);
            has_escape = true;
            skn_buf_put(&p->unescaped, skn_slice(from, (size_t)(at - from)));
            enum skn_rc rc = unescape(p, &at);
            if (rc != SKN_OK) return rc;
            from = at;
            continue;
        }
        size_t size =
            at < p->end && *at >= 0x80 ? skn_utf8_len(skn_slice(at, (size_t)(p->end - at))) : 0;
        if (size == 0) return bad_in_string(p, at);
        at += size;
    }
    *out_text = skn_slice(from, (size_t)(at - from));
    if (has_escape) {
        skn_buf_put(&p->unescaped, *out_text);
        *out_text = skn_buf_slice(&p->unescaped);
    }
    p->at = at + 1;
    return SKN_OK;
}

static enum skn_rc read_real(struct parser *p, const uint8_t *digits)
{
    struct skn_decimal d;
    size_t n = skn_decimal_read(skn_slice(digits, (size_t)(p->end - digits)), &d);
    if (n == 0) return fail_at(p, p->at, SKN_ESYNTAX, "a number lacks digits");
    double r = skn_decimal_real(&d);
    if (bits_of_real(r) >> 52 == 0x7ff) {
        return fail_at(p, p->at, SKN_ETOOLARGE, "this number is over the largest real");
    }
    skn_build_real(&p->b, *p->at == '-' ? -r : r);
    p->at = digits + n;
    return SKN_OK;
}

static enum skn_rc read_number(struct parser *p)
{
    const uint8_t *digits = p->at + (*p->at == '-'), *at = digits;
    uint64_t n = 0;
    bool fits = true;
    for (; at < p->end && (uint8_t)(*at - '0') < 10; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        fits = fits && n <= (UINT64_MAX - digit) / 10;
        n = n * 10 + digit;
    }
    if (at == digits) return fail_at(p, p->at, SKN_ESYNTAX, "a minus stands without a number");
    if (*digits == '0' && at > digits + 1) {
        return fail_at(p, p->at, SKN_ESYNTAX, "a number begins with a zero too many");
    }
    if (at < p->end && (*at == '.' || *at == 'e' || *at == 'E')) return read_real(p, digits);
    bool is_negative = digits > p->at;
    fits = fits && n <= (uint64_t)INT64_MAX + is_negative;
    if (!fits && p->options->big_ints_as_reals) return read_real(p, digits);
    if (!fits) {
        return fail_at(p,
                       p->at,
                       SKN_ETOOLARGE,
                       "this integer is outside -9223372036854775808 to 9223372036854775807");
    }
    skn_build_int(&p->b, (int64_t)(is_negative ? 0 - n : n));
    p->at = at;
    return SKN_OK;
}

static bool take_word(struct parser *p, struct skn_slice word)
{
    if (!skn_slice_has_prefix(skn_slice(p->at, (size_t)(p->end - p->at)), word)) return false;
    p->at += word.len;
    return true;
}

static enum skn_rc read_word(struct parser *p)
{
    if (take_word(p, SKN_LIT("true"))) {
        skn_build_bool(&p->b, true);
    } else if (take_word(p, SKN_LIT("false"))) {
        skn_build_bool(&p->b, false);
    } else if (take_word(p, SKN_LIT("null"))) {
        skn_build_none(&p->b);
    } else if (p->at == p->begin && take_word(p, SKN_LIT("\xef\xbb\xbf"))) {
        return fail_at(p, p->begin, SKN_ESYNTAX, "JSON has no byte order mark");
    } else {
        return expected(p, "a value");
    }
    return SKN_OK;
}

static enum skn_rc open_list_or_object(struct parser *p)
{
    if (p->b.depth >= p->depth_max) {
        return fail_at(p, p->at, SKN_ETOOLARGE, "nested deeper than %u", p->depth_max);
    }
    uint32_t depth = p->b.depth;
    p->begins[depth] = p->at;
    bool is_list = *p->at++ == '[';
    if (is_list) {
        skn_build_list_begin(&p->b);
    } else if (p->options->last_wins) {
        skn_build_map_begin_last_wins(&p->b);
    } else {
        skn_build_map_begin(&p->b);
    }
    skip_blanks(p);
    bool is_empty = p->at < p->end && *p->at == (is_list ? ']' : '}');
    p->want = is_empty ? WANT_REST : is_list ? WANT_VALUE : WANT_KEY;
    return SKN_OK;
}

static enum skn_rc read_value(struct parser *p)
{
    struct skn_slice text;
    uint8_t c = p->at < p->end ? *p->at : 0;
    p->want = WANT_REST;
    if (c == '"') {
        enum skn_rc rc = read_string(p, &text);
        if (rc == SKN_OK) skn_build_string(&p->b, text);
        return rc;
    }
    if (c == '-' || (uint8_t)(c - '0') < 10) return read_number(p);
    if (c == '[' || c == '{') return open_list_or_object(p);
    return read_word(p);
}

static enum skn_rc read_key(struct parser *p)
{
    if (p->at == p->end || *p->at != '"') return expected(p, "a key in quotes");
    const uint8_t *key_at = p->at;
    struct skn_slice key;
    enum skn_rc rc = read_string(p, &key);
    if (rc != SKN_OK) return rc;
    if (p->watch.ptr && p->b.depth == 1 && skn_slice_eq(key, p->watch)) {
        if (p->watched_first) {
            return fail_at(p,
                           key_at,
                           SKN_ESYNTAX,
                           "the key \"%.60s\" stands twice in this object",
                           (const char *)p->watch.ptr);
        }
        p->watched_first = key_at;
    }
    skn_build_key(&p->b, key);
    skip_blanks(p);
    if (p->at == p->end || *p->at != ':') return expected(p, "\":\" behind the key");
    p->at++;
    p->want = WANT_VALUE;
    return SKN_OK;
}

/* A comma, or the end of the list or object that is open. */
static enum skn_rc read_rest(struct parser *p)
{
    bool is_map = p->b.frames[p->b.depth - 1].tag == SKN_T_MAP;
    uint8_t c = p->at < p->end ? *p->at : 0;
    if (c == ',') {
        p->want = is_map ? WANT_KEY : WANT_VALUE;
    } else if (c == '}' && is_map) {
        skn_build_map_end(&p->b);
    } else if (c == ']' && !is_map) {
        skn_build_list_end(&p->b);
    } else {
        return expected(p, is_map ? "\",\" or \"}\"" : "\",\" or \"]\"");
    }
    p->at++;
    return SKN_OK;
}

/* Until the value is complete, the text malformed, or the builder full. */
static enum skn_rc read_all(struct parser *p)
{
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && p->b.rc == SKN_OK && !p->b.done) {
        skip_blanks(p);
        if (p->want == WANT_REST) {
            rc = read_rest(p);
        } else {
            rc = p->want == WANT_KEY ? read_key(p) : read_value(p);
        }
    }
    return rc;
}

static void init(struct parser *p,
                 struct skn_slice text,
                 const struct skn_json_options *options,
                 struct skn_buf *out,
                 struct skn_diag *diag)
{
    p->at = p->begin = text.ptr; /* `begins` is filled as it is used */
    p->end = text.ptr + text.len;
    p->options = options;
    p->depth_max = options->depth_max;
    if (p->depth_max == 0 || p->depth_max > SKN_VALUE_DEPTH_MAX) p->depth_max = SKN_VALUE_DEPTH_MAX;
    p->want = WANT_VALUE;
    p->diag = diag;
    p->watch = skn_slice(NULL, 0);
    p->watched_first = NULL;
    skn_buf_init(&p->unescaped, SIZE_MAX / 4);
    skn_builder_init(&p->b, out);
}

/* The builder knows only the key that came twice. Its place is found by reading the object again,
 * which costs nothing where no key does. */
static enum skn_rc twice(struct parser *p)
{
    struct skn_json_options lenient = {.last_wins = true, .big_ints_as_reals = true};
    struct parser again;
    struct skn_buf out, key;
    skn_buf_init(&out, SIZE_MAX / 4);
    skn_buf_init(&key, SIZE_MAX / 4);
    const uint8_t *entry = p->b.out->ptr + p->b.twice_at;
    skn_buf_put(&key, skn_slice(entry + 4, get_le32(entry)));
    const uint8_t *object = p->begins[p->b.depth - 1];
    init(&again, skn_slice(object, (size_t)(p->end - object)), &lenient, &out, p->diag);
    again.begin = p->begin;
    (void)skn_buf_str(&key);
    again.watch = skn_buf_slice(&key);
    enum skn_rc rc = read_all(&again);
    SKN_ASSERT(rc == SKN_ESYNTAX);
    skn_buf_fini(&again.unescaped);
    skn_buf_fini(&key);
    skn_buf_fini(&out);
    return rc;
}

enum skn_rc skn_json_parse(struct skn_slice text,
                           const struct skn_json_options *options,
                           struct skn_buf *out,
                           struct skn_diag *diag)
{
    static const struct skn_json_options strict = {0};
    if (!options) options = &strict;
    size_t text_max = options->text_max > 0 ? options->text_max : SKN_JSON_TEXT_MAX;
    if (text.len > text_max) {
        return SKN_FAIL(
            diag, SKN_ETOOLARGE, "JSON of %zu bytes is over the limit of %zu", text.len, text_max);
    }
    if (text.len == 0) text = skn_slice("", 0);
    size_t start = out->len;
    struct parser p;
    init(&p, text, options, out, diag);
    enum skn_rc rc = read_all(&p);
    skip_blanks(&p);
    if (rc == SKN_OK && p.b.rc == SKN_EEXIST) rc = twice(&p);
    if (rc == SKN_OK && p.b.done && p.at < p.end) rc = expected(&p, "nothing behind the value");
    if (rc == SKN_OK) rc = skn_build_end(&p.b, diag);
    if (rc != SKN_OK) out->len = start;
    skn_buf_fini(&p.unescaped);
    return rc;
}
