/* parse_internal.h - what the parts of the parser share: the place in the text and the tree.
 *
 * Owns        nothing.
 * May include base, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/pointy/syntax_internal.h"

struct skn_parser {
    const struct skn_source *source;
    struct skn_diags *diags;
    struct skn_syntax *tree;
    struct skn_token token; /* not consumed yet */
    uint32_t end;           /* behind the last token that was consumed */
    bool open_string;       /* the text ended inside a string: what is unclosed follows from it */
};

/* How much an array has after it grew: twice as much, and never less than before. */
uint32_t skn_parse_cap(uint32_t cap);

/* Doubles an array that is full; returns the new one. */
void *skn_parse_grow(void *array, uint32_t count, uint32_t *cap, size_t size) SKN_MUST_USE;

/* Consumes the present token and says why it is bad, if it is. */
void skn_parse_advance(struct skn_parser *p);

/* Consumes what stands from the present token up to `end` as one word, which a lexer cannot tell:
 * nothing when that is empty. */
void skn_parse_word(struct skn_parser *p, uint32_t end);

/* The token behind the present one. */
struct skn_token skn_parse_peek(const struct skn_parser *p);

/* A place to come back to, over what was consumed since. */
struct skn_parse_mark {
    struct skn_token token;
    uint32_t end;
    uint32_t token_bytes;
};
struct skn_parse_mark skn_parse_mark(const struct skn_parser *p);
void skn_parse_return(struct skn_parser *p, struct skn_parse_mark mark);

/* The text of a span. */
struct skn_slice skn_parse_text(const struct skn_parser *p, struct skn_span span);

/* How an error names a token: its text in quotes, or "the end". Lives in the arena of diags. */
struct skn_slice skn_parse_shown(const struct skn_parser *p, struct skn_token token);

/* "expected WHAT, found ..", at the present token. */
void skn_parse_expected(struct skn_parser *p, const char *what, const char *hint);

/* Consumes one literal; returns its index. A malformed one is reported and has kind BAD. */
uint32_t skn_parse_literal(struct skn_parser *p);

/* Consumes [ source ":" ] NAME [ "@" version ], the present token being a name. */
struct skn_syn_event skn_parse_event(struct skn_parser *p);

/* Consumes "[ .. ]" behind unit `unit`, the present token being the bracket. */
void skn_parse_options(struct skn_parser *p, uint32_t unit);

/* The name of a directive, NULL behind the last. */
const char *skn_directive_name(size_t index);

/* Consumes one directive, the present token being "@". */
void skn_parse_directive(struct skn_parser *p, uint32_t *seen, bool is_late);

/* Consumes the flow up to the end of the text. */
void skn_parse_flow(struct skn_parser *p, uint32_t *seen_directives);
