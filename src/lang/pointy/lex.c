/* lex.c - tokens of Pointy (POINTY 1). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/lex_internal.h"

#include "lang/kit/utf8.h"

#include "base/pure.h" /* last */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_ascii_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters beyond ASCII: from U+00C0 up, without signs, blanks and unseen characters. */
static bool is_letter_point(uint32_t point)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } except[] = {{0xD7, 0xD7},
                  {0xF7, 0xF7},
                  {0x1680, 0x1680},
                  {0x2000, 0x2BFF},
                  {0x3000, 0x303F},
                  {0xFE00, 0xFFFF}};
    if (point == SKN_UTF8_BAD || point < 0xC0) return false;
    for (size_t i = 0; i < SKN_ARRAY_LEN(except); i++)
        if (point >= except[i].first && point <= except[i].last) return false;
    return true;
}

/* Bytes of the name character at `at`, 0 when it is none. */
static uint32_t name_char(struct skn_slice text, uint32_t at, bool is_first)
{
    if (at >= text.len) return 0;
    uint8_t c = text.ptr[at];
    if (c < 0x80) return is_ascii_letter(c) || c == '_' || (!is_first && is_digit(c));
    struct skn_utf8 next = skn_utf8_next(text, at);
    return is_letter_point(next.point) ? next.len : 0;
}

static uint32_t skip_name(struct skn_slice text, uint32_t at)
{
    uint32_t len;
    while ((len = name_char(text, at, false)) > 0)
        at += len;
    return at;
}

static uint32_t skip_digits(struct skn_slice text, uint32_t at)
{
    while (at < text.len && is_digit(text.ptr[at]))
        at++;
    return at;
}

static bool digit_at(struct skn_slice text, uint32_t at)
{
    return at < text.len && is_digit(text.ptr[at]);
}

static bool byte_at(struct skn_slice text, uint32_t at, char c)
{
    return at < text.len && text.ptr[at] == (uint8_t)c;
}

static uint32_t skip_number(struct skn_slice text, uint32_t at)
{
    if (!is_digit(text.ptr[at])) at++;
    at = skip_digits(text, at);
    if (byte_at(text, at, '.') && digit_at(text, at + 1)) at = skip_digits(text, at + 1);
    if (byte_at(text, at, 'e') || byte_at(text, at, 'E')) {
        uint32_t sign = byte_at(text, at + 1, '+') || byte_at(text, at + 1, '-') ? 1 : 0;
        if (digit_at(text, at + 1 + sign)) at = skip_digits(text, at + 1 + sign);
    }
    return skip_name(text, at);
}

/* The offset behind the closing quote, or 0 when there is none. */
static uint32_t skip_string(struct skn_slice text, uint32_t at)
{
    for (at++; at < text.len; at++) {
        if (text.ptr[at] == '"') return at + 1;
        if (text.ptr[at] == '\\') at++;
    }
    return 0;
}

uint32_t skn_lex_blanks(const struct skn_source *source, uint32_t at)
{
    struct skn_slice text = source->text;
    while (at < text.len) {
        if (text.ptr[at] == '#') {
            const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
            at = end ? (uint32_t)(end - text.ptr) : (uint32_t)text.len;
        } else if (is_blank(text.ptr[at])) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

/* A run of bytes that are no UTF-8, or of one illegal character. */
static uint32_t skip_bad(struct skn_slice text, uint32_t at)
{
    struct skn_utf8 first = skn_utf8_next(text, at);
    struct skn_utf8 next = first;
    while (next.point == first.point) {
        at += next.len;
        if (at >= text.len) break;
        next = skn_utf8_next(text, at);
    }
    return at;
}

static enum skn_token_kind punctuation(uint8_t c)
{
    switch (c) {
    case '*': return SKN_TOKEN_STAR;
    case '(': return SKN_TOKEN_OPEN_PAREN;
    case ')': return SKN_TOKEN_CLOSE_PAREN;
    case '{': return SKN_TOKEN_OPEN_BRACE;
    case '}': return SKN_TOKEN_CLOSE_BRACE;
    case '[': return SKN_TOKEN_OPEN_BRACKET;
    case ']': return SKN_TOKEN_CLOSE_BRACKET;
    case ',': return SKN_TOKEN_COMMA;
    case ':': return SKN_TOKEN_COLON;
    case '@': return SKN_TOKEN_AT;
    case '=': return SKN_TOKEN_EQUALS;
    case '<': return SKN_TOKEN_LESS;
    case '>': return SKN_TOKEN_GREATER;
    case '?': return SKN_TOKEN_QUESTION;
    default: return SKN_TOKEN_BAD;
    }
}

static struct skn_token token(enum skn_token_kind kind, uint32_t start, uint32_t end)
{
    return (struct skn_token){kind, {start, end}};
}

struct skn_token skn_lex(const struct skn_source *source, uint32_t at)
{
    struct skn_slice text = source->text;
    at = skn_lex_blanks(source, at);
    if (at >= text.len) return token(SKN_TOKEN_END, (uint32_t)text.len, (uint32_t)text.len);

    uint8_t c = text.ptr[at];
    if (name_char(text, at, true) > 0) return token(SKN_TOKEN_NAME, at, skip_name(text, at));
    if (is_digit(c) || ((c == '-' || c == '+') && digit_at(text, at + 1)))
        return token(SKN_TOKEN_NUMBER, at, skip_number(text, at));
    if (c == '"') {
        uint32_t end = skip_string(text, at);
        if (end == 0) return token(SKN_TOKEN_BAD, at, (uint32_t)text.len);
        return token(SKN_TOKEN_STRING, at, end);
    }
    if (c == '-' && byte_at(text, at + 1, '>')) return token(SKN_TOKEN_ARROW, at, at + 2);
    if (c == '|' && byte_at(text, at + 1, '|')) return token(SKN_TOKEN_PARALLEL, at, at + 2);
    if (c == '|' && byte_at(text, at + 1, '-') && byte_at(text, at + 2, '>'))
        return token(SKN_TOKEN_PIPE, at, at + 3);
    enum skn_token_kind kind = punctuation(c);
    if (kind != SKN_TOKEN_BAD) return token(kind, at, at + 1);
    return token(SKN_TOKEN_BAD, at, skip_bad(text, at));
}

struct skn_span skn_lex_directive_name(const struct skn_source *source, uint32_t at)
{
    struct skn_slice text = source->text;
    uint32_t start = skn_lex_blanks(source, at);
    uint32_t end = start;
    for (uint32_t before = UINT32_MAX; before != end;) {
        before = end;
        end = skip_name(text, end);
        if (byte_at(text, end, '-') && !byte_at(text, end + 1, '>') && end > start) end++;
    }
    return (struct skn_span){start, end};
}

struct skn_span skn_lex_path(const struct skn_source *source, uint32_t at)
{
    struct skn_slice text = source->text;
    uint32_t start = skn_lex_blanks(source, at);
    uint32_t end = skip_name(text, start);
    /* A joint counts only between two characters of words. */
    while (end > start && (byte_at(text, end, '-') || byte_at(text, end, '/')) &&
           name_char(text, end + 1, false) > 0) {
        end = skip_name(text, end + 1);
    }
    return (struct skn_span){start, end};
}

struct skn_span skn_lex_version(const struct skn_source *source, uint32_t at)
{
    struct skn_slice text = source->text;
    uint32_t end = skip_name(text, at);
    while (end > at && byte_at(text, end, '.') && name_char(text, end + 1, false) > 0)
        end = skip_name(text, end + 1);
    return (struct skn_span){at, end};
}

static const char *hint_for(uint8_t c)
{
    switch (c) {
    case '\'': return "Strings take double quotes: \"..\"";
    case '|': return "Side by side is \"||\"; an arrow that hands the result on is \"|->\".";
    case '-': return "An arrow is \"->\".";
    case ';': return "Steps are joined by arrows: A -> B";
    case '/': return "A comment begins with \"#\".";
    case '.': return "A name has no dots.";
    default: return "";
    }
}

void skn_lex_report(struct skn_diags *diags, struct skn_token bad)
{
    SKN_ASSERT(bad.kind == SKN_TOKEN_BAD);
    struct skn_slice text = diags->source->text;
    uint8_t c = text.ptr[bad.span.start];
    if (c == '"') {
        struct skn_span quote = {bad.span.start, bad.span.start + 1};
        skn_diags_add(diags, SKN_CODE_OPEN_STRING, quote, SKN_DIAG_ARGS({0}));
        return;
    }
    struct skn_utf8 first = skn_utf8_next(text, bad.span.start);
    if (first.point == SKN_UTF8_BAD) {
        struct skn_slice byte = skn_slice(text.ptr + bad.span.start, 1);
        skn_diags_add(diags, SKN_CODE_BAD_UTF8, bad.span, SKN_DIAG_ARGS(byte));
        return;
    }
    /* {1} in quotes: the argument is the character alone, shown escaped when it is unseen. */
    skn_diags_add(
        diags,
        SKN_CODE_BAD_CHAR,
        bad.span,
        SKN_DIAG_ARGS(skn_slice(text.ptr + bad.span.start, first.len), skn_slice_str(hint_for(c))));
}

void skn_lex_check_utf8(struct skn_diags *diags)
{
    struct skn_slice text = diags->source->text;
    for (uint32_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        if (c.point != SKN_UTF8_BAD) {
            at += c.len;
            continue;
        }
        uint32_t end = skip_bad(text, at);
        skn_lex_report(diags, token(SKN_TOKEN_BAD, at, end));
        at = end;
    }
}

bool skn_is_name(struct skn_slice text)
{
    if (text.len == 0 || text.len > UINT32_MAX) return false;
    return name_char(text, 0, true) > 0 && skip_name(text, 0) == text.len;
}

bool skn_is_reserved(struct skn_slice name)
{
    static const char *const words[] = {
        "success", "failure", "true", "false", "MAP", "FILTER", "REDUCE", "FLOW"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++)
        if (skn_slice_eq(name, skn_slice_str(words[i]))) return true;
    return false;
}
