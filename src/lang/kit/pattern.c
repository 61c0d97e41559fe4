/* pattern.c - regular expressions without a bad case.
 *
 * Text to postfix form, postfix to states, and all states that can be reached are walked at once:
 * R. Cox, "Regular Expression Matching Can Be Simple And Fast" (2007). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lang/kit/pattern_internal.h"
#include "lang/kit/utf8.h"

#include "base/pure.h" /* last */

enum { STATES = SKN_PATTERN_STATES_MAX, NO_STATE = UINT16_MAX };

static_assert(2 * (STATES + 1) < NO_STATE, "a loose end must fit in 16 bits");

enum state_kind { S_SET, S_SPLIT, S_BEGIN, S_END, S_MATCH };

struct state {
    uint8_t kind;
    uint16_t set;
    uint16_t out, other; /* NO_STATE while loose */
};

struct skn_pattern {
    const struct state *states;
    const struct skn_set *sets;
    uint16_t count;
    uint16_t start;
};

/* --- postfix to states ------------------------------------------------------------------------ */

/* A piece of the machine: where it begins, and the state whose `out` chain leads through all of its
 * loose ends. A loose end is 2 * state + (1: its `other`), and holds the next one until it is set. */
struct piece {
    uint16_t start;
    uint16_t first_loose, last_loose;
};

struct maker {
    struct state *states;
    uint16_t count;
    struct piece *stack;
    uint16_t depth;
};

static uint16_t *end_at(struct maker *m, uint16_t loose)
{
    struct state *state = &m->states[loose / 2];
    return loose % 2 ? &state->other : &state->out;
}

static void close_ends(struct maker *m, const struct piece *piece, uint16_t to)
{
    for (uint16_t loose = piece->first_loose, next; loose != NO_STATE; loose = next) {
        next = *end_at(m, loose);
        *end_at(m, loose) = to;
    }
}

static uint16_t make(struct maker *m, enum state_kind kind, uint16_t set, uint16_t out)
{
    m->states[m->count] =
        (struct state){.kind = (uint8_t)kind, .set = set, .out = out, .other = NO_STATE};
    return m->count++;
}

static void push(struct maker *m, uint16_t start, uint16_t first_loose, uint16_t last_loose)
{
    m->stack[m->depth++] = (struct piece){start, first_loose, last_loose};
}

static void make_loop(struct maker *m, enum skn_token_kind kind)
{
    struct piece inner = m->stack[--m->depth];
    uint16_t split = make(m, S_SPLIT, 0, inner.start);
    uint16_t loose = (uint16_t)(2 * split + 1);
    if (kind == T_MAYBE) {
        *end_at(m, loose) = inner.first_loose;
        push(m, split, loose, inner.last_loose);
        return;
    }
    close_ends(m, &inner, split);
    push(m, kind == T_PLUS ? inner.start : split, loose, loose);
}

static void make_token(struct maker *m, const struct skn_token *token)
{
    static const uint8_t kinds[] = {[T_SET] = S_SET, [T_BEGIN] = S_BEGIN, [T_END] = S_END};
    struct piece left, right;
    uint16_t state;
    switch ((enum skn_token_kind)token->kind) {
    case T_SET:
    case T_BEGIN:
    case T_END:
        state = make(m, (enum state_kind)kinds[token->kind], token->set, NO_STATE);
        push(m, state, (uint16_t)(2 * state), (uint16_t)(2 * state));
        return;
    case T_EMPTY: /* a split with one way */
        state = make(m, S_SPLIT, 0, NO_STATE);
        push(m, state, (uint16_t)(2 * state), (uint16_t)(2 * state));
        return;
    case T_CAT:
        right = m->stack[--m->depth];
        left = m->stack[--m->depth];
        close_ends(m, &left, right.start);
        push(m, left.start, right.first_loose, right.last_loose);
        return;
    case T_OR:
        right = m->stack[--m->depth];
        left = m->stack[--m->depth];
        state = make(m, S_SPLIT, 0, left.start);
        m->states[state].other = right.start;
        *end_at(m, left.last_loose) = right.first_loose;
        push(m, state, left.first_loose, right.last_loose);
        return;
    case T_STAR:
    case T_PLUS:
    case T_MAYBE: make_loop(m, (enum skn_token_kind)token->kind); return;
    default: SKN_ASSERT(false);
    }
}

static const struct skn_set *
copy_sets(struct skn_arena *arena, const struct skn_set *sets, uint16_t count)
{
    struct skn_set *copy = skn_arena_zero(arena, (size_t)count + 1, sizeof(*copy));
    for (uint16_t i = 0; i < count; i++) {
        struct skn_range *ranges =
            skn_arena_zero(arena, (size_t)sets[i].count + 1, sizeof(*ranges));
        for (uint16_t r = 0; r < sets[i].count; r++)
            ranges[r] = sets[i].ranges[r];
        copy[i] = sets[i];
        copy[i].ranges = ranges;
    }
    return copy;
}

static const struct skn_pattern *
make_all(struct skn_arena *arena, struct skn_arena *scratch, const struct skn_postfix *p)
{
    struct maker m = {.states = skn_arena_zero(arena, (size_t)p->count + 1, sizeof(*m.states)),
                      .stack = skn_arena_zero(scratch, (size_t)p->count + 1, sizeof(*m.stack))};
    for (uint16_t i = 0; i < p->count; i++)
        make_token(&m, &p->tokens[i]);
    SKN_ASSERT(m.depth == 1);
    uint16_t match = make(&m, S_MATCH, 0, NO_STATE);
    close_ends(&m, &m.stack[0], match);
    struct skn_pattern *pattern = skn_arena_zero(arena, 1, sizeof(*pattern));
    *pattern = (struct skn_pattern){.states = m.states,
                                    .sets = copy_sets(arena, p->sets, p->set_count),
                                    .count = m.count,
                                    .start = m.stack[0].start};
    return pattern;
}

/* The postfix form, with room for the largest, is not kept: a file may have thousands of patterns. */
const struct skn_pattern *
skn_pattern_compile(struct skn_arena *arena, struct skn_slice text, const char **out_why)
{
    struct skn_arena scratch;
    struct skn_postfix p;
    const char *why;
    const struct skn_pattern *pattern = NULL;
    skn_arena_init(&scratch);
    if (skn_pattern_parse(&scratch, text, &p, &why))
        pattern = make_all(arena, &scratch, &p);
    else
        *out_why = skn_arena_printf(arena, "%s", why);
    skn_arena_fini(&scratch);
    return pattern;
}

uint32_t skn_pattern_states(const struct skn_pattern *pattern)
{
    return pattern->count;
}

/* --- matching --------------------------------------------------------------------------------- */

/* 14 KiB, on the stack of the caller. */
struct walk {
    const struct skn_pattern *pattern;
    uint64_t *steps;
    uint64_t seen[(STATES + 1 + 63) / 64]; /* before this character */
    uint16_t active[STATES + 1];           /* the states that wait for a character */
    uint16_t reached[STATES + 1];          /* by the character before */
    uint16_t stack[STATES + 1];
    uint32_t active_count, reached_count;
    bool is_at_begin, is_at_end, has_matched;
};

static void spend(struct walk *w, uint64_t steps)
{
    *w->steps = *w->steps > steps ? *w->steps - steps : 0;
}

/* True the first time that it is asked for a state. */
static bool is_new(struct walk *w, uint16_t state)
{
    uint64_t bit = UINT64_C(1) << (state % 64);
    if (state == NO_STATE || (w->seen[state / 64] & bit) != 0) return false;
    w->seen[state / 64] |= bit;
    return true;
}

/* A state and all that is reached from it without a character. */
static void add_state(struct walk *w, uint16_t first)
{
    uint32_t depth = 0;
    if (is_new(w, first)) w->stack[depth++] = first;
    while (depth > 0) {
        uint16_t id = w->stack[--depth];
        const struct state *state = &w->pattern->states[id];
        bool goes = state->kind == S_SPLIT || (state->kind == S_BEGIN && w->is_at_begin) ||
                    (state->kind == S_END && w->is_at_end);
        spend(w, 1);
        if (state->kind == S_MATCH) w->has_matched = true;
        if (state->kind == S_SET) w->active[w->active_count++] = id;
        if (goes && is_new(w, state->out)) w->stack[depth++] = state->out;
        if (goes && is_new(w, state->other)) w->stack[depth++] = state->other;
    }
}

static bool is_in(const struct skn_set *set, uint32_t point)
{
    for (uint16_t i = 0; i < set->count; i++)
        if (point >= set->ranges[i].first && point <= set->ranges[i].last) return !set->is_not;
    return set->is_not;
}

static void take_character(struct walk *w, uint32_t point)
{
    w->reached_count = 0;
    for (uint32_t i = 0; i < w->active_count; i++) {
        const struct state *state = &w->pattern->states[w->active[i]];
        const struct skn_set *set = &w->pattern->sets[state->set];
        spend(w, (uint64_t)set->count + 1);
        if (is_in(set, point)) w->reached[w->reached_count++] = state->out;
    }
}

enum skn_pattern_result
skn_pattern_match(const struct skn_pattern *pattern, struct skn_slice text, uint64_t *steps)
{
    struct walk w;
    w.pattern = pattern;
    w.steps = steps;
    w.reached_count = 0;
    w.has_matched = false;
    for (size_t at = 0; *steps > 0;) {
        memset(w.seen, 0, sizeof(w.seen));
        w.active_count = 0;
        w.is_at_begin = at == 0;
        w.is_at_end = at == text.len;
        for (uint32_t i = 0; i < w.reached_count; i++)
            add_state(&w, w.reached[i]);
        add_state(&w, pattern->start); /* it may begin anywhere */
        if (w.has_matched) return SKN_PATTERN_YES;
        if (at == text.len) return SKN_PATTERN_NO;
        struct skn_utf8 next = skn_utf8_next(text, at);
        take_character(&w, next.point);
        at += next.len;
    }
    return SKN_PATTERN_SPENT;
}
