/* format.c - the canonical layout of a text: one walk over the tokens of its tree with a stack of what is
 * broken over lines. What fits into 80 columns stands on one line; else branches, groups and options are
 * opened, and arrows begin lines. Whether something fits is looked up at most 80 columns ahead, so
 * the work grows with the text and not with its nesting. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/format_internal.h"
#include "lang/pointy/tools.h"

#include "base/pure.h" /* last */

enum frame_kind { FRAME_RUN, FRAME_GROUP, FRAME_BRANCHES };

struct frame {
    enum frame_kind kind;
    uint32_t indent; /* of the chain that is in it */
    uint32_t opener; /* indent of the line with its bracket */
    bool chain_flat; /* the chain stands on one line */
    bool step_flat;  /* the step that is being written does */
};

struct flow {
    struct skn_writer w;
    struct frame frames[SKN_GRAPH_DEPTH_MAX + 1];
    uint32_t depth;
};

static bool has_comment(const struct skn_source *source, struct skn_syn_token t)
{
    return memchr(source->text.ptr + t.before, '#', t.span.start - t.before) != NULL;
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

/* Whether what begins at the present token fits on the line, without a comment in it. */
static bool fits(const struct skn_writer *w, enum until until)
{
    uint32_t column = w->newline == SKN_GRAPH_NONE ? w->column : w->newline;
    enum skn_token_kind before = w->newline == SKN_GRAPH_NONE ? w->last : SKN_TOKEN_END;
    uint32_t depth = 0;
    bool is_first = true;
    struct skn_syn_walk walk = w->walk;
    for (struct skn_syn_token t = w->token;; t = skn_format_next(&walk)) {
        if (depth == 0 && ends(until, t.kind) && !is_first) return true;
        if (t.kind == SKN_TOKEN_END) return true;
        if (!is_first && has_comment(w->source, t)) return false;
        column += skn_format_blank(before, t.kind);
        column += skn_format_chars(skn_source_at(w->source, t.span), SKN_FORMAT_WIDTH);
        if (column > SKN_FORMAT_WIDTH) return false;
        if (is_open(t.kind)) depth++;
        if (skn_format_is_close(t.kind)) depth--;
        if (until == UNTIL_BRACKET && depth == 0) return true;
        before = t.kind;
        is_first = false;
    }
}

static struct frame *top(struct flow *f)
{
    return &f->frames[f->depth];
}

/* Tokens up to the end of something that fits on the line. */
static void put_flat(struct flow *f, enum until until)
{
    uint32_t depth = 0;
    bool is_first = true;
    while (is_first || depth > 0 || !ends(until, f->w.token.kind)) {
        if (f->w.token.kind == SKN_TOKEN_END) return;
        if (is_open(f->w.token.kind)) depth++;
        if (skn_format_is_close(f->w.token.kind)) depth--;
        skn_format_put(&f->w);
        is_first = false;
        if (until == UNTIL_BRACKET && depth == 0) return;
    }
}

/* Options that do not fit: one on each line. */
static void put_options(struct flow *f)
{
    uint32_t indent = f->w.line_indent;
    uint32_t depth = 0;
    skn_format_put(&f->w);
    f->w.newline = indent + SKN_FORMAT_STEP;
    while (depth > 0 || f->w.token.kind != SKN_TOKEN_CLOSE_BRACKET) {
        bool is_comma = f->w.token.kind == SKN_TOKEN_COMMA && depth == 0;
        if (f->w.token.kind == SKN_TOKEN_END) return;
        if (f->w.token.kind == SKN_TOKEN_OPEN_BRACKET) depth++;
        if (f->w.token.kind == SKN_TOKEN_CLOSE_BRACKET) depth--;
        skn_format_put(&f->w);
        if (is_comma) f->w.newline = indent + SKN_FORMAT_STEP;
    }
    f->w.newline = indent;
    skn_format_put(&f->w);
}

static void begin_step(struct flow *f)
{
    top(f)->step_flat = top(f)->chain_flat || fits(&f->w, UNTIL_STEP);
}

static void begin_chain(struct flow *f, uint32_t indent)
{
    top(f)->indent = indent;
    top(f)->chain_flat = fits(&f->w, UNTIL_CHAIN);
    begin_step(f);
}

/* Outcome and arrow of a branch, on a line of its own. */
static void begin_branch(struct flow *f)
{
    f->w.newline = top(f)->opener + SKN_FORMAT_STEP;
    skn_format_put(&f->w);
    skn_format_put(&f->w);
    begin_chain(f, top(f)->opener + SKN_FORMAT_STEP);
}

static void open_frame(struct flow *f, enum frame_kind kind)
{
    uint32_t opener = f->w.line_indent;
    skn_format_put(&f->w);
    f->depth++;
    *top(f) = (struct frame){.kind = kind, .opener = opener};
    if (kind == FRAME_BRANCHES) {
        begin_branch(f);
        return;
    }
    f->w.newline = opener + SKN_FORMAT_STEP;
    begin_chain(f, opener + SKN_FORMAT_STEP);
}

enum state { UNIT, SUFFIX, DONE };

/* A unit that is no longer than its line, or its first part. */
static enum state unit(struct flow *f)
{
    if (top(f)->step_flat || fits(&f->w, UNTIL_UNIT)) {
        put_flat(f, UNTIL_UNIT);
        return SUFFIX;
    }
    if (f->w.token.kind == SKN_TOKEN_NUMBER) { /* N * */
        skn_format_put(&f->w);
        skn_format_put(&f->w);
    }
    if (is_open(f->w.token.kind)) {
        if (fits(&f->w, UNTIL_BRANCHES)) {
            put_flat(f, UNTIL_BRACKET);
            return SUFFIX;
        }
        open_frame(f, FRAME_GROUP);
        return UNIT;
    }
    skn_format_put(&f->w);
    if (f->w.token.kind == SKN_TOKEN_LESS)
        for (int i = 0; i < 3; i++)
            skn_format_put(&f->w);
    return SUFFIX;
}

static enum state close_frame(struct flow *f)
{
    f->w.newline = top(f)->opener;
    f->depth--;
    skn_format_put(&f->w);
    return SUFFIX;
}

/* What may stand behind a unit, and what follows it. */
static enum state suffix(struct flow *f)
{
    struct frame *in = top(f);
    switch ((int)f->w.token.kind) {
    case SKN_TOKEN_STAR:
        skn_format_put(&f->w);
        skn_format_put(&f->w);
        return SUFFIX;
    case SKN_TOKEN_OPEN_BRACKET:
        if (fits(&f->w, UNTIL_BRACKET)) {
            put_flat(f, UNTIL_BRACKET);
        } else {
            put_options(f);
        }
        return SUFFIX;
    case SKN_TOKEN_OPEN_PAREN:
        if (fits(&f->w, UNTIL_BRACKET)) {
            put_flat(f, UNTIL_BRACKET);
            return SUFFIX;
        }
        open_frame(f, FRAME_BRANCHES);
        return UNIT;
    case SKN_TOKEN_PARALLEL:
        if (!in->step_flat && !f->w.after_closer) f->w.newline = in->indent + SKN_FORMAT_STEP;
        skn_format_put(&f->w);
        f->w.after_closer = false;
        return UNIT;
    case SKN_TOKEN_ARROW:
    case SKN_TOKEN_PIPE:
        if (!in->chain_flat && !f->w.after_closer) f->w.newline = in->indent + SKN_FORMAT_STEP;
        skn_format_put(&f->w);
        f->w.after_closer = false;
        begin_step(f);
        return UNIT;
    case SKN_TOKEN_COMMA:
        skn_format_put(&f->w);
        if (f->w.token.kind == SKN_TOKEN_CLOSE_PAREN) return close_frame(f);
        begin_branch(f);
        return UNIT;
    case SKN_TOKEN_CLOSE_PAREN:
    case SKN_TOKEN_CLOSE_BRACE: return close_frame(f);
    default: return DONE;
    }
}

static void put_flow(struct flow *f)
{
    f->frames[0] = (struct frame){.kind = FRAME_RUN};
    begin_chain(f, 0);
    for (enum state state = UNIT; state != DONE;)
        state = state == UNIT ? unit(f) : suffix(f);
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
    SKN_ASSERT(out->len == 0);
    struct flow f = {.w = {.source = source,
                           .out = out,
                           .walk = skn_syn_walk(&tree),
                           .last = SKN_TOKEN_END,
                           .newline = SKN_GRAPH_NONE}};
    skn_format_head(&f.w, &tree);
    skn_syntax_drop_nodes(&tree);
    put_flow(&f);
    (void)skn_format_comments(&f.w, (uint32_t)source->text.len, 0, false);
    skn_buf_put_u8(out, '\n');
    skn_syntax_fini(&tree);
    return skn_buf_rc(out);
}
