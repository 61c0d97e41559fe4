/* format_internal.h - what the parts of the layout share: the walk over the tokens of the tree and the
 * lines that come of it.
 *
 * Owns        nothing.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/pointy/syntax_internal.h"

enum { SKN_FORMAT_WIDTH = 80, SKN_FORMAT_STEP = 4 };

struct skn_writer {
    const struct skn_source *source;
    struct skn_buf *out;
    struct skn_syn_walk walk;   /* behind `token` */
    struct skn_syn_token token; /* not written yet */
    enum skn_token_kind last;
    uint32_t at;          /* behind what was written of the source */
    uint32_t column;      /* characters on the line */
    uint32_t line_indent; /* of the line */
    uint32_t newline;     /* indent of the line that must begin before the next token, or NONE */
    bool after_closer;    /* the line begins with the bracket that was written last */
};

/* The next token, but an event with its source and version is one name. */
struct skn_syn_token skn_format_next(struct skn_syn_walk *walk);

/* Whether a blank stands between two tokens of one line. */
bool skn_format_blank(enum skn_token_kind before, enum skn_token_kind kind);

bool skn_format_is_close(enum skn_token_kind kind);

/* Characters of a text, counted no further than one above `most`. */
uint32_t skn_format_chars(struct skn_slice text, uint32_t most);

/* Writes the comments up to `end`: one behind what was written stays there unless all must have lines
 * of their own; an empty line before one stays. Returns whether there was any. */
bool skn_format_comments(struct skn_writer *w, uint32_t end, uint32_t indent, bool are_own);

/* Writes the present token and goes on to the next. */
void skn_format_put(struct skn_writer *w);

/* Writes the directives; the flow is next. */
void skn_format_head(struct skn_writer *w, const struct skn_syntax *tree);
