/* pattern_internal.h - a regular expression in postfix form, between its text and its states.
 *
 * Owns        nothing; it lives in the arena it was made in.
 * May include base, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/kit/pattern.h"

enum skn_token_kind {
    T_SET,   /* one character of sets[set] */
    T_EMPTY, /* nothing */
    T_BEGIN,
    T_END,
    T_CAT,
    T_OR,
    T_STAR,
    T_PLUS,
    T_MAYBE,
};

struct skn_token {
    uint8_t kind;
    uint16_t set;
};

struct skn_range {
    uint32_t first, last;
};

struct skn_set {
    const struct skn_range *ranges;
    uint16_t count;
    bool is_not;
};

/* Operators stand behind what they join; {m,n} is written out. */
struct skn_postfix {
    const struct skn_token *tokens;
    const struct skn_set *sets;
    uint16_t count; /* of tokens, at most SKN_PATTERN_STATES_MAX */
    uint16_t set_count;
};

/* False: `out_why` says what is wrong. */
bool skn_pattern_parse(struct skn_arena *arena,
                       struct skn_slice text,
                       struct skn_postfix *out,
                       const char **out_why);
