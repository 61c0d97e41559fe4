/* literal.c - literals as text and as canonical JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lang/kit/utf8.h"
#include "lang/pointy/build_internal.h"
#include "value/real.h"
#include "value/value.h"

#include "base/pure.h" /* last */

static uint32_t hex4(const uint8_t *p)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = p[i] | 0x20U; /* letters in lower case; digits stay */
        n = n << 4 | (c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return n;
}

/* Writes what the escape at `p` (behind the backslash) means; returns its length. The parser has
 * checked that it is whole. */
static uint32_t put_escape(struct skn_buf *out, const uint8_t *p)
{
    static const char letters[] = "bfnrt";
    static const char meaning[] = "\b\f\n\r\t";
    if (*p != 'u') {
        const char *at = strchr(letters, *p);
        skn_buf_put_u8(out, at ? (uint8_t)meaning[at - letters] : *p);
        return 1;
    }
    uint32_t point = hex4(p + 1);
    uint32_t len = 5;
    if (point >= 0xD800 && point <= 0xDBFF) {
        point = 0x10000 + ((point - 0xD800) << 10) + (hex4(p + 7) - 0xDC00);
        len = 11;
    }
    uint8_t bytes[4];
    skn_buf_put(out, skn_slice(bytes, skn_utf8_put(bytes, point)));
    return len;
}

static void decode_string(const struct skn_pty *b,
                          const struct skn_literal *literal,
                          bool templates,
                          struct skn_buf *out)
{
    const uint8_t *text = b->source->text.ptr;
    uint32_t end = literal->span.end - 1;
    for (uint32_t at = literal->span.start + 1; at < end;) {
        if (text[at] == '\\') {
            at += 1 + put_escape(out, text + at + 1);
        } else {
            /* "$$" is one; what "${..}" names is filled in when the unit starts. */
            if (templates && text[at] == '$' && at + 1 < end && text[at + 1] == '$') at++;
            skn_buf_put_u8(out, text[at++]);
        }
    }
}

bool skn_pty_string(const struct skn_pty *b,
                    const struct skn_literal *literal,
                    bool templates,
                    struct skn_slice *out_text)
{
    SKN_ASSERT(literal->kind == SKN_LITERAL_STRING);
    struct skn_buf buf;
    skn_buf_init(&buf, SKN_SOURCE_BYTES_MAX);
    decode_string(b, literal, templates, &buf);
    *out_text = skn_arena_dup(b->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    return true;
}

struct skn_slice skn_pty_string_text(const struct skn_pty *b, const struct skn_literal *literal)
{
    SKN_ASSERT(literal->kind == SKN_LITERAL_STRING);
    struct skn_slice text =
        skn_pty_text(b, (struct skn_span){literal->span.start + 1, literal->span.end - 1});
    bool has_escape = text.len > 0 && memchr(text.ptr, '\\', text.len);
    if (has_escape) (void)skn_pty_string(b, literal, false, &text);
    return text;
}

/* Writes a literal that is no list; false when it was refused. */
static bool write_scalar(const struct skn_pty *b,
                         const struct skn_literal *literal,
                         bool templates,
                         struct skn_builder *w)
{
    struct skn_slice text;
    double real;
    switch (literal->kind) {
    case SKN_LITERAL_STRING:
        if (!skn_pty_string(b, literal, templates, &text)) return false;
        skn_build_string(w, text);
        return true;
    case SKN_LITERAL_INT: skn_build_int(w, (int64_t)literal->number); return true;
    case SKN_LITERAL_FLOAT:
        if (skn_real_parse(skn_pty_text(b, literal->span), &real) != SKN_OK) return false;
        skn_build_real(w, real);
        return true;
    case SKN_LITERAL_BOOL: skn_build_bool(w, literal->number != 0); return true;
    case SKN_LITERAL_DURATION:
    case SKN_LITERAL_SIZE: {
        skn_pty_not_run(b,
                        literal->span,
                        literal->kind == SKN_LITERAL_SIZE ? "a size as the input of an event"
                                                          : "a duration as the input of an event");
        skn_build_none(w);
        return true;
    }
    case SKN_LITERAL_LIST:
    case SKN_LITERAL_BAD:
    default: return false;
    }
}

/* Literals of a list stand behind it, each with the index behind its end. */
static bool
write_literal(const struct skn_pty *b, uint32_t first, bool templates, struct skn_builder *w)
{
    uint32_t opened[SKN_LISTS_MAX];
    uint32_t depth = 0;
    bool good = true;
    for (uint32_t at = first; at < b->tree->literals[first].end; at++) {
        const struct skn_literal *literal = &b->tree->literals[at];
        if (literal->kind == SKN_LITERAL_LIST) {
            SKN_ASSERT(depth < SKN_LISTS_MAX);
            skn_build_list_begin(w);
            opened[depth++] = literal->end;
        } else if (!write_scalar(b, literal, templates, w)) {
            skn_build_none(w); /* reported; the rest is still looked at */
            good = false;
        }
        for (; depth > 0 && opened[depth - 1] == at + 1; depth--)
            skn_build_list_end(w);
    }
    return good;
}

bool skn_pty_value(const struct skn_pty *b,
                   uint32_t literal,
                   bool templates,
                   struct skn_slice *out_value)
{
    if (b->tree->literals[literal].kind == SKN_LITERAL_BAD) return false;
    struct skn_buf value;
    struct skn_builder builder;
    skn_buf_init(&value, 16 * (size_t)SKN_SOURCE_BYTES_MAX); /* "0," makes 9 bytes of 2 */
    skn_builder_init(&builder, &value);
    bool good = write_literal(b, literal, templates, &builder);
    if (skn_build_end(&builder, NULL) != SKN_OK) good = false;
    if (good) *out_value = skn_arena_dup(b->arena, skn_buf_slice(&value));
    skn_buf_fini(&value);
    return good;
}

bool skn_literal_fits(const struct skn_literal *literal, enum skn_type type)
{
    switch (literal->kind) {
    case SKN_LITERAL_STRING: return type == SKN_TYPE_STRING || type == SKN_TYPE_ANY;
    case SKN_LITERAL_INT:
        return type == SKN_TYPE_INT || type == SKN_TYPE_FLOAT || type == SKN_TYPE_ANY;
    case SKN_LITERAL_FLOAT: return type == SKN_TYPE_FLOAT || type == SKN_TYPE_ANY;
    case SKN_LITERAL_BOOL: return type == SKN_TYPE_BOOL || type == SKN_TYPE_ANY;
    case SKN_LITERAL_LIST: return type == SKN_TYPE_LIST || type == SKN_TYPE_ANY;
    case SKN_LITERAL_DURATION:
    case SKN_LITERAL_SIZE: return type == SKN_TYPE_ANY;
    case SKN_LITERAL_BAD: /* reported; say nothing more */
    default: return true;
    }
}

const char *skn_literal_name(const struct skn_literal *literal)
{
    static const char *const names[] = {"a string",
                                        "a whole number",
                                        "a number with a fraction",
                                        "true or false",
                                        "a duration",
                                        "a size",
                                        "a list",
                                        "what stands here"};
    SKN_ASSERT((unsigned)literal->kind < SKN_ARRAY_LEN(names));
    return names[literal->kind];
}
