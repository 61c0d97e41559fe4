/* lex_internal.h - tokens of Pointy, one at a time from any offset.
 *
 * Owns        nothing: a token is a span; lexing keeps no state, so looking ahead is lexing on.
 * May include base, lang/kit.
 * Threads     any.
 * Invariants
 *   1. A token other than the end is at least one byte, so that a walk ends.
 */
#pragma once

#include "lang/kit/diags.h"
#include "lang/kit/source.h"

enum skn_token_kind {
    SKN_TOKEN_END,
    SKN_TOKEN_NAME,
    SKN_TOKEN_NUMBER, /* digits, with sign, fraction, exponent and unit as far as they touch */
    SKN_TOKEN_STRING,
    SKN_TOKEN_ARROW,    /* -> */
    SKN_TOKEN_PIPE,     /* |-> */
    SKN_TOKEN_PARALLEL, /* || */
    SKN_TOKEN_STAR,
    SKN_TOKEN_OPEN_PAREN,
    SKN_TOKEN_CLOSE_PAREN,
    SKN_TOKEN_OPEN_BRACE,
    SKN_TOKEN_CLOSE_BRACE,
    SKN_TOKEN_OPEN_BRACKET,
    SKN_TOKEN_CLOSE_BRACKET,
    SKN_TOKEN_COMMA,
    SKN_TOKEN_COLON,
    SKN_TOKEN_AT,
    SKN_TOKEN_EQUALS,
    SKN_TOKEN_LESS,
    SKN_TOKEN_GREATER,
    SKN_TOKEN_QUESTION,
    SKN_TOKEN_WORD, /* what only the parser can tell: name of a directive, version, path */
    SKN_TOKEN_BAD,  /* nothing that can stand here; skn_lex_report says why */
};

struct skn_token {
    enum skn_token_kind kind;
    struct skn_span span;
};

/* The first token at or behind `at`, over blanks and comments. */
struct skn_token skn_lex(const struct skn_source *source, uint32_t at);

/* The name of a directive at or behind `at`: letters and "-". An empty span when none is there. */
struct skn_span skn_lex_directive_name(const struct skn_source *source, uint32_t at);

/* Words joined by "/", as the value of @scope; blanks before it are skipped. */
struct skn_span skn_lex_path(const struct skn_source *source, uint32_t at);

/* What stands where a version is expected: characters of names and dots. */
struct skn_span skn_lex_version(const struct skn_source *source, uint32_t at);

/* The offset behind blanks and comments. */
uint32_t skn_lex_blanks(const struct skn_source *source, uint32_t at);

/* Says why a SKN_TOKEN_BAD is bad. */
void skn_lex_report(struct skn_diags *diags, struct skn_token token);

/* Reports every byte of the text that is not UTF-8. */
void skn_lex_check_utf8(struct skn_diags *diags);

/* A whole NAME of the grammar. */
bool skn_is_name(struct skn_slice text);

/* One of [F5]. */
bool skn_is_reserved(struct skn_slice name);
