/* tokens.c - every byte of a text, packed: tokens and how much stands before each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lang/pointy/parse_internal.h"

#include "base/pure.h" /* last */

enum { KIND_BITS = 5, BEFORE_MAX = 7, RECORD_MAX = 11 };

static_assert(SKN_TOKEN_BAD < 1 << KIND_BITS, "a kind and three bits are a byte");

/* Bytes of the text of a kind; 0: it varies. */
static uint32_t text_len(enum skn_token_kind kind)
{
    switch ((int)kind) {
    case SKN_TOKEN_NAME:
    case SKN_TOKEN_NUMBER:
    case SKN_TOKEN_STRING:
    case SKN_TOKEN_WORD:
    case SKN_TOKEN_BAD:
    case SKN_TOKEN_END: return 0;
    case SKN_TOKEN_PIPE: return 3;
    case SKN_TOKEN_ARROW:
    case SKN_TOKEN_PARALLEL: return 2;
    default: return 1;
    }
}

static bool has_len(enum skn_token_kind kind)
{
    return text_len(kind) == 0 && kind != SKN_TOKEN_END;
}

static void put_number(struct skn_syntax *syntax, uint32_t n)
{
    for (; n >= 0x80; n >>= 7)
        syntax->tokens[syntax->token_bytes++] = (uint8_t)(n | 0x80);
    syntax->tokens[syntax->token_bytes++] = (uint8_t)n;
}

static uint32_t get_number(struct skn_syn_walk *walk)
{
    uint32_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = walk->syntax->tokens[walk->at++];
        n |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return n;
    }
}

void skn_syn_push(struct skn_syntax *syntax,
                  enum skn_token_kind kind,
                  uint32_t before,
                  uint32_t len)
{
    SKN_ASSERT(has_len(kind) ? len > 0 : len == text_len(kind));
    if (syntax->token_cap - syntax->token_bytes < RECORD_MAX)
        syntax->tokens = skn_parse_grow(syntax->tokens, syntax->token_cap, &syntax->token_cap, 1);
    uint32_t shown = before < BEFORE_MAX ? before : BEFORE_MAX;
    syntax->tokens[syntax->token_bytes++] = (uint8_t)((unsigned)kind | shown << KIND_BITS);
    if (shown == BEFORE_MAX) put_number(syntax, before - BEFORE_MAX);
    if (has_len(kind)) put_number(syntax, len);
}

struct skn_syn_walk skn_syn_walk(const struct skn_syntax *syntax)
{
    return (struct skn_syn_walk){.syntax = syntax};
}

struct skn_syn_token skn_syn_next(struct skn_syn_walk *walk)
{
    struct skn_syn_token token = {.kind = SKN_TOKEN_END, .before = walk->end};
    uint32_t start = walk->end;
    if (walk->at < walk->syntax->token_bytes) {
        uint8_t byte = walk->syntax->tokens[walk->at++];
        token.kind = (enum skn_token_kind)(byte & ((1U << KIND_BITS) - 1));
        uint32_t before = byte >> KIND_BITS;
        start += before < BEFORE_MAX ? before : BEFORE_MAX + get_number(walk);
        walk->end = start + (has_len(token.kind) ? get_number(walk) : text_len(token.kind));
    }
    token.span = (struct skn_span){start, walk->end};
    return token;
}
