/* format.c - the canonical layout of a text: one walk over its tokens with a stack of what is broken
 * over lines. What fits into 80 columns stands on one line; else branches, groups and options are
 * opened, and arrows begin lines. Whether something fits is looked up at most 80 columns ahead, so
 * the work grows with the text and not with its nesting. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/utf8.h"
#include "lang/pointy/format_internal.h"
#include "lang/pointy/syntax_internal.h"
#include "lang/pointy/tools.h"

#include "base/pure.h" /* last */

enum { WIDTH = 80, STEP = 4 };

enum frame_kind { FRAME_RUN, FRAME_GROUP, FRAME_BRANCHES };

struct frame {
    enum frame_kind kind;
    uint32_t indent; /* of the chain that is in it */
    uint32_t opener; /* indent of the line with its bracket */
    bool chain_flat; /* the chain stands on one line */
    bool step_flat;  /* the step that is being written does */
};

struct writer {
    const struct skn_source *source;
    struct skn_buf *out;
    struct skn_token token; /* not written yet */
    enum skn_token_kind last;
    uint32_t at;          /* behind what was written of the source */
    uint32_t column;      /* characters on the line */
    uint32_t line_indent; /* of the line */
    uint32_t newline;     /* indent of the line that must begin before the next token, or NONE */
    bool after_closer;    /* the line begins with the bracket that was written last */
    struct frame frames[SKN_GRAPH_DEPTH_MAX + 1];
    uint32_t depth;
};

struct skn_token skn_format_lex(const struct skn_source *source, uint32_t at)
{
    struct skn_token token = skn_lex(source, at);
    struct skn_slice text = source->text;
    if (token.kind != SKN_TOKEN_NAME) return token;
    uint32_t end = token.span.end;
    if (end < text.len && text.ptr[end] == ':') {
        struct skn_token name = skn_lex(source, end + 1);
        if (name.kind == SKN_TOKEN_NAME && name.span.start == end + 1) end = name.span.end;
    }
    if (end < text.len && text.ptr[end] == '@') end = skn_lex_version(source, end + 1).end;
    token.span.end = end;
    return token;
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

static uint32_t count_chars(struct skn_slice text, uint32_t most)
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.len && count <= most; count++)
        at += skn_utf8_next(text, at).len;
    return count;
}

static bool has_comment(const struct skn_source *source, uint32_t from, uint32_t to)
{
    return from < to && memchr(source->text.ptr + from, '#', to - from) != NULL;
}

/* How far a look ahead goes: what ends it when no bracket is open. */
enum until { UNTIL_BRACKET, UNTIL_BRANCHES, UNTIL_UNIT, UNTIL_STEP, UNTIL_CHAIN };

static bool ends(enum until until, enum skn_token_kind kind)
{
    switch ((int)kind) {
    case SKN_TOKEN_CLOSE_PAREN:
    case SKN_TOKEN_CLOSE_BRACE:
    case SKN_TOKEN_CLOSE_BRACKET:
    case SKN_TOKEN_COMMA:
    case SKN_TOKEN_END: return true;
    case SKN_TOKEN_ARROW:
    case SKN_TOKEN_PIPE: return until != UNTIL_CHAIN;
    case SKN_TOKEN_PARALLEL: return until <= UNTIL_UNIT;
    case SKN_TOKEN_OPEN_PAREN: return until == UNTIL_BRANCHES;
    default: return false;
    }
}

static bool is_open(enum skn_token_kind kind)
{
    return kind == SKN_TOKEN_OPEN_PAREN || kind == SKN_TOKEN_OPEN_BRACE ||
           kind == SKN_TOKEN_OPEN_BRACKET;
}

static bool is_close(enum skn_token_kind kind)
{
    return kind == SKN_TOKEN_CLOSE_PAREN || kind == SKN_TOKEN_CLOSE_BRACE ||
           kind == SKN_TOKEN_CLOSE_BRACKET;
}

/* Whether what begins at the present token fits on the line, without a comment in it. */
static bool fits(const struct writer *w, enum until until)
{
    uint32_t column = w->newline == SKN_GRAPH_NONE ? w->column : w->newline;
    enum skn_token_kind before = w->newline == SKN_GRAPH_NONE ? w->last : SKN_TOKEN_END;
    uint32_t depth = 0;
    uint32_t behind = w->token.span.start;
    for (struct skn_token t = w->token;; t = skn_format_lex(w->source, t.span.end)) {
        if (depth == 0 && ends(until, t.kind) && behind != w->token.span.start) return true;
        if (t.kind == SKN_TOKEN_END) return true;
        if (has_comment(w->source, behind, t.span.start)) return false;
        column += skn_format_blank(before, t.kind);
        column += count_chars(skn_source_at(w->source, t.span), WIDTH);
        if (column > WIDTH) return false;
        if (is_open(t.kind)) depth++;
        if (is_close(t.kind)) depth--;
        if (until == UNTIL_BRACKET && depth == 0) return true;
        before = t.kind;
        behind = t.span.end;
    }
}

static void begin_line(struct writer *w, uint32_t indent)
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

/* Writes the comments up to `end`: one behind what was written stays there unless all must have lines
 * of their own; an empty line before one stays. Returns whether there was any. */
static bool put_comments(struct writer *w, uint32_t end, uint32_t indent, bool are_own)
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

/* Writes the present token and goes on to the next. */
static void put(struct writer *w)
{
    uint32_t indent = w->newline == SKN_GRAPH_NONE ? w->line_indent + STEP : w->newline;
    bool is_first = w->last == SKN_TOKEN_END && w->column == 0;
    if (is_first && w->newline == SKN_GRAPH_NONE) indent = w->line_indent;
    bool commented = put_comments(w, w->token.span.start, indent, false);
    if (commented || w->newline != SKN_GRAPH_NONE) begin_line(w, indent);
    w->newline = SKN_GRAPH_NONE;
    struct skn_slice text = skn_source_at(w->source, w->token.span);
    if (skn_format_blank(w->last, w->token.kind)) {
        skn_buf_put_u8(w->out, ' ');
        w->column++;
    }
    skn_buf_put(w->out, text);
    w->column += count_chars(text, WIDTH);
    if (is_close(w->token.kind) && w->last == SKN_TOKEN_END) w->after_closer = true;
    w->last = w->token.kind;
    w->at = w->token.span.end;
    w->token = skn_format_lex(w->source, w->at);
}

static struct frame *top(struct writer *w)
{
    return &w->frames[w->depth];
}

/* Tokens up to the end of something that fits on the line. */
static void put_flat(struct writer *w, enum until until)
{
    uint32_t depth = 0;
    bool is_first = true;
    while (is_first || depth > 0 || !ends(until, w->token.kind)) {
        if (w->token.kind == SKN_TOKEN_END) return;
        if (is_open(w->token.kind)) depth++;
        if (is_close(w->token.kind)) depth--;
        put(w);
        is_first = false;
        if (until == UNTIL_BRACKET && depth == 0) return;
    }
}

/* Options that do not fit: one on each line. */
static void put_options(struct writer *w)
{
    uint32_t indent = w->line_indent;
    uint32_t depth = 0;
    put(w);
    w->newline = indent + STEP;
    while (depth > 0 || w->token.kind != SKN_TOKEN_CLOSE_BRACKET) {
        bool is_comma = w->token.kind == SKN_TOKEN_COMMA && depth == 0;
        if (w->token.kind == SKN_TOKEN_END) return;
        if (w->token.kind == SKN_TOKEN_OPEN_BRACKET) depth++;
        if (w->token.kind == SKN_TOKEN_CLOSE_BRACKET) depth--;
        put(w);
        if (is_comma) w->newline = indent + STEP;
    }
    w->newline = indent;
    put(w);
}

static void begin_step(struct writer *w)
{
    top(w)->step_flat = top(w)->chain_flat || fits(w, UNTIL_STEP);
}

static void begin_chain(struct writer *w, uint32_t indent)
{
    top(w)->indent = indent;
    top(w)->chain_flat = fits(w, UNTIL_CHAIN);
    begin_step(w);
}

/* Outcome and arrow of a branch, on a line of its own. */
static void begin_branch(struct writer *w)
{
    w->newline = top(w)->opener + STEP;
    put(w);
    put(w);
    begin_chain(w, top(w)->opener + STEP);
}

static void open_frame(struct writer *w, enum frame_kind kind)
{
    uint32_t opener = w->line_indent;
    put(w);
    w->depth++;
    *top(w) = (struct frame){.kind = kind, .opener = opener};
    if (kind == FRAME_BRANCHES) {
        begin_branch(w);
        return;
    }
    w->newline = opener + STEP;
    begin_chain(w, opener + STEP);
}

enum state { UNIT, SUFFIX, DONE };

/* A unit that is no longer than its line, or its first part. */
static enum state unit(struct writer *w)
{
    if (top(w)->step_flat || fits(w, UNTIL_UNIT)) {
        put_flat(w, UNTIL_UNIT);
        return SUFFIX;
    }
    if (w->token.kind == SKN_TOKEN_NUMBER) { /* N * */
        put(w);
        put(w);
    }
    if (is_open(w->token.kind)) {
        if (fits(w, UNTIL_BRANCHES)) {
            put_flat(w, UNTIL_BRACKET);
            return SUFFIX;
        }
        open_frame(w, FRAME_GROUP);
        return UNIT;
    }
    put(w);
    if (w->token.kind == SKN_TOKEN_LESS)
        for (int i = 0; i < 3; i++)
            put(w);
    return SUFFIX;
}

static enum state close_frame(struct writer *w)
{
    w->newline = top(w)->opener;
    w->depth--;
    put(w);
    return SUFFIX;
}

/* What may stand behind a unit, and what follows it. */
static enum state suffix(struct writer *w)
{
    struct frame *f = top(w);
    switch ((int)w->token.kind) {
    case SKN_TOKEN_STAR:
        put(w);
        put(w);
        return SUFFIX;
    case SKN_TOKEN_OPEN_BRACKET:
        if (fits(w, UNTIL_BRACKET)) {
            put_flat(w, UNTIL_BRACKET);
        } else {
            put_options(w);
        }
        return SUFFIX;
    case SKN_TOKEN_OPEN_PAREN:
        if (fits(w, UNTIL_BRACKET)) {
            put_flat(w, UNTIL_BRACKET);
            return SUFFIX;
        }
        open_frame(w, FRAME_BRANCHES);
        return UNIT;
    case SKN_TOKEN_PARALLEL:
        if (!f->step_flat && !w->after_closer) w->newline = f->indent + STEP;
        put(w);
        w->after_closer = false;
        return UNIT;
    case SKN_TOKEN_ARROW:
    case SKN_TOKEN_PIPE:
        if (!f->chain_flat && !w->after_closer) w->newline = f->indent + STEP;
        put(w);
        w->after_closer = false;
        begin_step(w);
        return UNIT;
    case SKN_TOKEN_COMMA:
        put(w);
        if (w->token.kind == SKN_TOKEN_CLOSE_PAREN) return close_frame(w);
        begin_branch(w);
        return UNIT;
    case SKN_TOKEN_CLOSE_PAREN:
    case SKN_TOKEN_CLOSE_BRACE: return close_frame(w);
    default: return DONE;
    }
}

static void put_flow(struct writer *w)
{
    w->frames[0] = (struct frame){.kind = FRAME_RUN};
    begin_chain(w, 0);
    for (enum state state = UNIT; state != DONE;)
        state = state == UNIT ? unit(w) : suffix(w);
}

/* The value of @input: name: type? = literal; other values are one word. */
static void put_value(struct writer *w, uint32_t end, bool is_input)
{
    if (!is_input) {
        skn_buf_put(w->out, skn_source_at(w->source, (struct skn_span){w->token.span.start, end}));
        return;
    }
    enum skn_token_kind last = SKN_TOKEN_END;
    for (struct skn_token t = w->token; t.span.start < end; t = skn_lex(w->source, t.span.end)) {
        bool is_default = t.kind == SKN_TOKEN_EQUALS || last == SKN_TOKEN_EQUALS;
        bool blank = skn_format_blank(last, t.kind) && last != SKN_TOKEN_END;
        if (blank || is_default) skn_buf_put_u8(w->out, ' ');
        skn_buf_put(w->out, skn_source_at(w->source, t.span));
        last = t.kind;
    }
}

/* One directive on a line; comments inside it come before it. */
static void put_directive(struct writer *w, const struct skn_syn_head *head)
{
    struct skn_slice name = skn_source_at(w->source, head->name);
    bool any = w->out->len > 0;
    (void)put_comments(w, head->at, 0, false);
    const uint8_t *text = w->source->text.ptr;
    uint32_t lines = 0; /* ends of lines behind the last comment */
    for (uint32_t i = w->at; i < head->at; i++) {
        if (text[i] == '\n') lines++;
        if (text[i] != '#') continue;
        lines = 0;
        while (i + 1 < head->at && text[i + 1] != '\n')
            i++;
    }
    bool is_apart = lines > 1 && any;
    w->at = head->at + 1;
    (void)put_comments(w, head->name.start, 0, true);
    w->at = head->name.end;
    (void)put_comments(w, head->value.start, 0, true);
    for (struct skn_token t = skn_lex(w->source, head->value.start);
         t.span.start < head->value.end && t.kind != SKN_TOKEN_END && t.kind != SKN_TOKEN_BAD;
         t = skn_lex(w->source, t.span.end)) {
        if (w->at > head->name.end) (void)put_comments(w, t.span.start, 0, true);
        w->at = t.span.end;
    }
    if (is_apart) skn_buf_put_u8(w->out, '\n');
    begin_line(w, 0);
    skn_buf_printf(w->out, "@%.*s: ", SKN_FMT(name));
    w->token = skn_lex(w->source, head->value.start);
    put_value(w, head->value.end, skn_slice_eq(name, SKN_LIT("input")));
    w->column = 1;
    w->at = head->value.end;
}

static void put_head(struct writer *w, const struct skn_syntax *tree)
{
    for (uint32_t i = 0; i < tree->head_count; i++)
        put_directive(w, &tree->heads[i]);
    if (tree->head_count == 0) return;
    w->token = skn_format_lex(w->source, w->at);
    /* A comment behind the last directive stays there; the flow begins behind an empty line. */
    const uint8_t *text = w->source->text.ptr;
    uint32_t line_end = w->at;
    while (line_end < w->token.span.start && text[line_end] != '\n')
        line_end++;
    (void)put_comments(w, line_end, 0, false);
    skn_buf_put_u8(w->out, '\n');
    w->at = line_end; /* the last line end before the first comment or token */
    for (uint32_t i = line_end; i < w->token.span.start && text[i] != '#'; i++)
        if (text[i] == '\n') w->at = i;
    w->newline = 0;
}

enum skn_rc
skn_pointy_format(const struct skn_source *source, struct skn_diags *diags, struct skn_buf *out)
{
    struct skn_syntax tree;
    SKN_ASSERT(diags->source == source);
    skn_syntax_parse(&tree, diags);
    if (diags->errors > 0) {
        skn_syntax_fini(&tree);
        return SKN_ESYNTAX;
    }
    struct writer w = {
        .source = source, .out = out, .last = SKN_TOKEN_END, .newline = SKN_GRAPH_NONE};
    size_t start = out->len;
    SKN_ASSERT(start == 0);
    put_head(&w, &tree);
    skn_syntax_fini(&tree);
    w.token = skn_format_lex(source, w.at);
    put_flow(&w);
    (void)put_comments(&w, (uint32_t)source->text.len, 0, false);
    skn_buf_put_u8(out, '\n');
    return skn_buf_rc(out);
}
