/* format_write.c - the layout's hands: tokens, comments and lines; and the directives above a flow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/utf8.h"
#include "lang/pointy/format_internal.h"

#include "base/pure.h" /* last */

struct skn_syn_token skn_format_next(struct skn_syn_walk *walk)
{
    struct skn_syn_token token = skn_syn_next(walk);
    if (token.kind != SKN_TOKEN_NAME) return token;
    for (;;) { /* ":" or "@", and the word behind it */
        struct skn_syn_walk ahead = *walk;
        enum skn_token_kind kind = skn_syn_next(&ahead).kind;
        if (kind != SKN_TOKEN_COLON && kind != SKN_TOKEN_AT) return token;
        token.span.end = skn_syn_next(&ahead).span.end;
        *walk = ahead;
    }
}

bool skn_format_blank(enum skn_token_kind before, enum skn_token_kind kind)
{
    switch ((int)kind) {
    case SKN_TOKEN_CLOSE_PAREN:
    case SKN_TOKEN_CLOSE_BRACE:
    case SKN_TOKEN_CLOSE_BRACKET:
    case SKN_TOKEN_COMMA:
    case SKN_TOKEN_LESS:
    case SKN_TOKEN_GREATER:
    case SKN_TOKEN_EQUALS:
    case SKN_TOKEN_QUESTION:
    case SKN_TOKEN_COLON: return false;
    case SKN_TOKEN_OPEN_BRACKET:
        if (before != SKN_TOKEN_NUMBER && before != SKN_TOKEN_COMMA) return false;
        break;
    default: break;
    }
    switch ((int)before) {
    case SKN_TOKEN_END:
    case SKN_TOKEN_OPEN_PAREN:
    case SKN_TOKEN_OPEN_BRACE:
    case SKN_TOKEN_OPEN_BRACKET:
    case SKN_TOKEN_LESS:
    case SKN_TOKEN_EQUALS: return false;
    default: return true;
    }
}

bool skn_format_is_close(enum skn_token_kind kind)
{
    return kind == SKN_TOKEN_CLOSE_PAREN || kind == SKN_TOKEN_CLOSE_BRACE ||
           kind == SKN_TOKEN_CLOSE_BRACKET;
}

uint32_t skn_format_chars(struct skn_slice text, uint32_t most)
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.len && count <= most; count++)
        at += skn_utf8_next(text, at).len;
    return count;
}

static void begin_line(struct skn_writer *w, uint32_t indent)
{
    w->after_closer = false;
    if (w->out->len > 0) skn_buf_put_u8(w->out, '\n');
    for (uint32_t i = 0; i < indent; i++)
        skn_buf_put_u8(w->out, ' ');
    w->column = indent;
    w->line_indent = indent;
    w->last = SKN_TOKEN_END;
}

/* The text of a comment without the blanks at its end. */
static struct skn_slice comment_at(const struct skn_source *source, uint32_t at)
{
    struct skn_slice rest = skn_slice_from(source->text, at);
    const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
    size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
    while (len > 1 &&
           (rest.ptr[len - 1] == ' ' || rest.ptr[len - 1] == '\t' || rest.ptr[len - 1] == '\r'))
        len--;
    return skn_slice(rest.ptr, len);
}

bool skn_format_comments(struct skn_writer *w, uint32_t end, uint32_t indent, bool are_own)
{
    struct skn_slice text = w->source->text;
    bool any = false;
    /* Line ends since the last token or comment. */
    uint32_t lines = w->out->len == 0 || are_own ? 1 : 0;
    for (uint32_t at = w->at; at < end; at++) {
        if (text.ptr[at] == '\n') lines++;
        if (text.ptr[at] != '#') continue;
        struct skn_slice comment = comment_at(w->source, at);
        if (lines == 0) {
            skn_buf_put_str(w->out, w->column > 0 ? " " : "");
        } else {
            if (lines > 1 && w->out->len > 0) skn_buf_put_u8(w->out, '\n');
            begin_line(w, indent);
        }
        skn_buf_put(w->out, comment);
        at += (uint32_t)comment.len - 1;
        while (at + 1 < end && text.ptr[at + 1] != '\n')
            at++;
        any = true;
        lines = are_own ? 1 : 0;
    }
    return any;
}

void skn_format_put(struct skn_writer *w)
{
    uint32_t indent = w->newline == SKN_GRAPH_NONE ? w->line_indent + SKN_FORMAT_STEP : w->newline;
    bool is_first = w->last == SKN_TOKEN_END && w->column == 0;
    if (is_first && w->newline == SKN_GRAPH_NONE) indent = w->line_indent;
    bool commented = skn_format_comments(w, w->token.span.start, indent, false);
    if (commented || w->newline != SKN_GRAPH_NONE) begin_line(w, indent);
    w->newline = SKN_GRAPH_NONE;
    struct skn_slice text = skn_source_at(w->source, w->token.span);
    if (skn_format_blank(w->last, w->token.kind)) {
        skn_buf_put_u8(w->out, ' ');
        w->column++;
    }
    skn_buf_put(w->out, text);
    w->column += skn_format_chars(text, SKN_FORMAT_WIDTH);
    if (skn_format_is_close(w->token.kind) && w->last == SKN_TOKEN_END) w->after_closer = true;
    w->last = w->token.kind;
    w->at = w->token.span.end;
    w->token = skn_format_next(&w->walk);
}

/* Lines between the last comment before a directive, or what is before that, and its "@". */
static uint32_t lines_before(const struct skn_writer *w, struct skn_syn_token token)
{
    const uint8_t *text = w->source->text.ptr;
    uint32_t lines = 0;
    for (uint32_t i = token.before; i < token.span.start; i++) {
        if (text[i] == '\n') lines++;
        if (text[i] != '#') continue;
        lines = 0;
        while (i + 1 < token.span.start && text[i + 1] != '\n')
            i++;
    }
    return lines;
}

/* The value of a directive, the present token being the first of it: of @input name: type? = literal,
 * else words that touch. */
static void put_value(struct skn_writer *w, uint32_t end, bool is_input)
{
    enum skn_token_kind last = SKN_TOKEN_END;
    for (;; w->token = skn_syn_next(&w->walk)) {
        bool is_default = w->token.kind == SKN_TOKEN_EQUALS || last == SKN_TOKEN_EQUALS;
        bool blank = skn_format_blank(last, w->token.kind) && last != SKN_TOKEN_END;
        if (is_input && (blank || is_default)) skn_buf_put_u8(w->out, ' ');
        skn_buf_put(w->out, skn_source_at(w->source, w->token.span));
        last = w->token.kind;
        if (w->token.span.end == end) return;
    }
}

/* One directive on a line; comments inside it come before it. The walk stands before its "@", and then
 * behind its value. */
static void put_directive(struct skn_writer *w, const struct skn_syn_head *head)
{
    struct skn_slice name = skn_source_at(w->source, head->name);
    struct skn_syn_walk begin = w->walk;
    bool any = w->out->len > 0;
    w->token = skn_syn_next(&w->walk);
    SKN_ASSERT(w->token.span.start == head->at);
    (void)skn_format_comments(w, head->at, 0, false);
    bool is_apart = any && lines_before(w, w->token) > 1;
    while (w->token.span.end != head->value.end) {
        w->at = w->token.span.end;
        w->token = skn_syn_next(&w->walk);
        (void)skn_format_comments(w, w->token.span.start, 0, true);
    }
    if (is_apart) skn_buf_put_u8(w->out, '\n');
    begin_line(w, 0);
    skn_buf_printf(w->out, "@%.*s: ", SKN_FMT(name));
    w->walk = begin;
    do
        w->token = skn_syn_next(&w->walk);
    while (w->token.span.start != head->value.start);
    put_value(w, head->value.end, skn_slice_eq(name, SKN_LIT("input")));
    w->column = 1;
    w->at = head->value.end;
}

void skn_format_head(struct skn_writer *w, const struct skn_syntax *tree)
{
    for (uint32_t i = 0; i < tree->head_count; i++)
        put_directive(w, &tree->heads[i]);
    w->token = skn_format_next(&w->walk);
    if (tree->head_count == 0) return;
    /* A comment behind the last directive stays there; the flow begins behind an empty line. */
    const uint8_t *text = w->source->text.ptr;
    uint32_t line_end = w->at;
    while (line_end < w->token.span.start && text[line_end] != '\n')
        line_end++;
    (void)skn_format_comments(w, line_end, 0, false);
    skn_buf_put_u8(w->out, '\n');
    w->at = line_end; /* the last line end before the first comment or token */
    for (uint32_t i = line_end; i < w->token.span.start && text[i] != '#'; i++)
        if (text[i] == '\n') w->at = i;
    w->newline = 0;
}
