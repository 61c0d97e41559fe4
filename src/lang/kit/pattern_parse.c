/* pattern_parse.c - the text of a regular expression to postfix form, with a stack of open groups. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lang/kit/pattern_internal.h"
#include "lang/kit/utf8.h"

#include "base/pure.h" /* last */

enum { STATES = SKN_PATTERN_STATES_MAX, SETS_MAX = 256, RANGES_MAX = 64 };

struct open_group {
    uint32_t at;       /* of its bracket */
    uint16_t start;    /* in the postfix form */
    uint16_t last;     /* where its newest atom begins */
    uint16_t branches; /* finished before it */
    uint8_t atoms;     /* not joined yet: 0, 1 or 2 */
};

struct parser {
    struct skn_arena *arena;
    struct skn_slice text;
    size_t at;
    const char *why;
    struct skn_token *tokens; /* STATES of them */
    uint16_t count;
    struct skn_set *sets;
    uint16_t set_count;
    struct open_group groups[SKN_PATTERN_DEPTH_MAX + 1];
    uint32_t depth;
    bool may_repeat; /* the newest atom stands alone and has no "*" yet */
};

static void refuse(struct parser *p, const char *why)
{
    if (!p->why) p->why = why;
}

static void refuse_at(struct parser *p, size_t at, const char *what)
{
    refuse(p, skn_arena_printf(p->arena, "%s at %u", what, (unsigned)at + 1));
}

static void put(struct parser *p, enum skn_token_kind kind, uint16_t set)
{
    if (p->count == STATES) {
        refuse(p, "it is too large when its repetitions are written out");
        return;
    }
    p->tokens[p->count++] = (struct skn_token){.kind = (uint8_t)kind, .set = set};
}

/* Joins what stands before, so that the next atom comes alone. */
static void begin_atom(struct parser *p)
{
    struct open_group *g = &p->groups[p->depth];
    if (g->atoms == 2) {
        put(p, T_CAT, 0);
        g->atoms = 1;
    }
    g->last = p->count;
}

static void end_atom(struct parser *p, bool may_repeat)
{
    p->groups[p->depth].atoms++;
    p->may_repeat = may_repeat;
}

static void atom(struct parser *p, enum skn_token_kind kind, uint16_t set, bool may_repeat)
{
    begin_atom(p);
    put(p, kind, set);
    end_atom(p, may_repeat);
}

static uint16_t
add_set(struct parser *p, const struct skn_range *ranges, uint16_t count, bool is_not)
{
    if (p->set_count == SETS_MAX) {
        refuse(p, "it has more than 256 characters and sets");
        return 0;
    }
    struct skn_range *copy = skn_arena_zero(p->arena, (size_t)count + 1, sizeof(*copy));
    for (uint16_t i = 0; i < count; i++)
        copy[i] = ranges[i];
    p->sets[p->set_count] = (struct skn_set){.ranges = copy, .count = count, .is_not = is_not};
    return p->set_count++;
}

static bool next_is(const struct parser *p, char c)
{
    return p->at < p->text.len && p->text.ptr[p->at] == (uint8_t)c;
}

static uint32_t take(struct parser *p)
{
    struct skn_utf8 next = skn_utf8_next(p->text, p->at);
    if (next.point == SKN_UTF8_BAD) refuse_at(p, p->at, "there is no character");
    p->at += next.len;
    return next.point;
}

static bool hex4(struct parser *p, uint32_t *out)
{
    uint32_t n = 0;
    if (p->text.len - p->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p->text.ptr[p->at + (size_t)i];
        uint32_t digit = c >= '0' && c <= '9'   ? c - (uint32_t)'0'
                         : c >= 'a' && c <= 'f' ? c - (uint32_t)'a' + 10
                         : c >= 'A' && c <= 'F' ? c - (uint32_t)'A' + 10
                                                : 16;
        if (digit == 16) return false;
        n = 16 * n + digit;
    }
    p->at += 4;
    *out = n;
    return true;
}

/* The ranges of \d, \w and \s, and what they leave out as ranges too: sets can hold both. */
static uint16_t class_of(char c, struct skn_range out[8])
{
    static const struct skn_range digit[] = {{'0', '9'}};
    static const struct skn_range not_digit[] = {{0, '0' - 1}, {'9' + 1, UINT32_MAX}};
    static const struct skn_range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    static const struct skn_range not_word[] = {{0, '0' - 1},
                                                {'9' + 1, 'A' - 1},
                                                {'Z' + 1, '_' - 1},
                                                {'_' + 1, 'a' - 1},
                                                {'z' + 1, UINT32_MAX}};
    static const struct skn_range space[] = {{'\t', '\r'}, {' ', ' '}};
    static const struct skn_range not_space[] = {
        {0, '\t' - 1}, {'\r' + 1, ' ' - 1}, {' ' + 1, UINT32_MAX}};
    static const struct {
        char c;
        const struct skn_range *ranges;
        uint16_t count;
    } classes[] = {{'d', digit, 1},
                   {'D', not_digit, 2},
                   {'w', word, 4},
                   {'W', not_word, 5},
                   {'s', space, 2},
                   {'S', not_space, 3}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(classes); i++) {
        if (classes[i].c != c) continue;
        for (uint16_t r = 0; r < classes[i].count; r++)
            out[r] = classes[i].ranges[r];
        return classes[i].count;
    }
    return 0;
}

/* What stands behind a backslash: ranges, of which a plain character is one. 0: refused. */
static uint16_t escape(struct parser *p, struct skn_range out[8])
{
    size_t at = p->at - 1;
    if (p->at == p->text.len) {
        refuse_at(p, at, "nothing follows the \\");
        return 0;
    }
    uint32_t point = take(p);
    uint16_t count = point < 0x80 ? class_of((char)point, out) : 0;
    if (count > 0) return count;
    switch (point) {
    case 'n': point = '\n'; break;
    case 'r': point = '\r'; break;
    case 't': point = '\t'; break;
    case 'f': point = '\f'; break;
    case 'v': point = '\v'; break;
    case 'u':
        if (!hex4(p, &point) || (point >= 0xD800 && point <= 0xDFFF))
            refuse_at(p, at, "\\u wants four digits, as in \\u00e9,");
        break;
    default: {
        bool is_word = point == '_' || (point >= '0' && point <= '9') ||
                       ((point | 0x20) >= 'a' && (point | 0x20) <= 'z') || point >= 0x80;
        if (is_word) refuse_at(p, at, "there is no such escape");
        break;
    }
    }
    out[0] = (struct skn_range){point, point};
    return p->why ? 0 : 1;
}

static void
add_range(struct parser *p, struct skn_range *ranges, uint16_t *count, struct skn_range range)
{
    if (*count == RANGES_MAX) {
        refuse(p, "a set has more than 64 parts");
        return;
    }
    ranges[(*count)++] = range;
}

/* One part of a set: a character, an escape, or one of them up to another. */
static void set_part(struct parser *p, struct skn_range *ranges, uint16_t *count)
{
    struct skn_range from[8], to[8];
    size_t at = p->at;
    uint16_t n = 1;
    from[0].first = take(p);
    if (from[0].first == '\\')
        n = escape(p, from);
    else
        from[0].last = from[0].first;
    bool is_range = next_is(p, '-') && p->at + 1 < p->text.len && p->text.ptr[p->at + 1] != ']';
    if (is_range && !p->why) {
        p->at++;
        uint16_t m = 1;
        to[0].first = take(p);
        if (to[0].first == '\\')
            m = escape(p, to);
        else
            to[0].last = to[0].first;
        bool are_ends = n == 1 && m == 1 && from[0].first == from[0].last &&
                        to[0].first == to[0].last; /* a class is no end of a range */
        if (!p->why && (!are_ends || from[0].first > to[0].first))
            refuse_at(p, at, "the range goes backwards or has no ends");
        from[0].last = to[0].first;
    }
    for (uint16_t i = 0; i < n && !p->why; i++)
        add_range(p, ranges, count, from[i]);
}

static void set_atom(struct parser *p)
{
    struct skn_range ranges[RANGES_MAX];
    uint16_t count = 0;
    size_t at = p->at - 1;
    bool is_not = next_is(p, '^');
    if (is_not) p->at++;
    while (!p->why && !next_is(p, ']')) {
        if (p->at == p->text.len) {
            refuse_at(p, at, "the set has no end");
            return;
        }
        set_part(p, ranges, &count);
    }
    p->at++;
    if (!p->why) atom(p, T_SET, add_set(p, ranges, count, is_not), true);
}

static void open_group(struct parser *p)
{
    size_t at = p->at - 1;
    if (next_is(p, '?')) {
        if (p->at + 1 == p->text.len || p->text.ptr[p->at + 1] != ':') {
            refuse_at(p, at, "only (?:..) can begin with (?,");
            return;
        }
        p->at += 2;
    }
    if (p->depth == SKN_PATTERN_DEPTH_MAX) {
        refuse(p, "its groups are more than 64 deep");
        return;
    }
    begin_atom(p);
    p->depth++;
    p->groups[p->depth] = (struct open_group){.at = (uint32_t)at, .start = p->count};
    p->may_repeat = false;
}

/* Ends what stands between two "|". */
static void end_branch(struct parser *p)
{
    struct open_group *g = &p->groups[p->depth];
    if (g->atoms == 0) put(p, T_EMPTY, 0);
    if (g->atoms == 2) put(p, T_CAT, 0);
    g->atoms = 0;
    p->may_repeat = false;
}

static void end_alternatives(struct parser *p)
{
    end_branch(p);
    for (uint16_t i = 0; i < p->groups[p->depth].branches; i++)
        put(p, T_OR, 0);
}

static void close_group(struct parser *p)
{
    if (p->depth == 0) {
        refuse_at(p, p->at - 1, "the ) closes nothing");
        return;
    }
    end_alternatives(p);
    p->depth--;
    end_atom(p, true);
}

static void copy_atom(struct parser *p, const struct skn_token *from, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        put(p, (enum skn_token_kind)from[i].kind, from[i].set);
}

/* The newest atom `least` to `most` times; most UINT32_MAX: without end. */
static void repeat(struct parser *p, uint32_t least, uint32_t most)
{
    const struct open_group *g = &p->groups[p->depth];
    uint16_t len = (uint16_t)(p->count - g->last);
    struct skn_token *copy = skn_arena_zero(p->arena, (size_t)len + 1, sizeof(*copy));
    for (uint16_t i = 0; i < len; i++)
        copy[i] = p->tokens[g->last + i];
    p->count = g->last;
    uint32_t parts = 0;
    for (uint32_t i = 0; i < least && !p->why; i++) {
        copy_atom(p, copy, len);
        if (parts++ > 0) put(p, T_CAT, 0);
    }
    uint32_t optional = most == UINT32_MAX ? 1 : most - least;
    for (uint32_t i = 0; i < optional && !p->why; i++) {
        copy_atom(p, copy, len);
        put(p, most == UINT32_MAX ? T_STAR : T_MAYBE, 0);
        if (parts++ > 0) put(p, T_CAT, 0);
    }
    if (parts == 0) put(p, T_EMPTY, 0);
}

static bool number(struct parser *p, uint32_t *out)
{
    size_t from = p->at;
    *out = 0;
    for (; p->at < p->text.len && p->text.ptr[p->at] >= '0' && p->text.ptr[p->at] <= '9'; p->at++)
        if (*out <= STATES) *out = 10 * *out + p->text.ptr[p->at] - '0';
    return p->at > from;
}

static void counted(struct parser *p)
{
    uint32_t least, most;
    size_t at = p->at - 1;
    bool good = number(p, &least);
    most = least;
    if (good && next_is(p, ',')) {
        p->at++;
        if (!number(p, &most)) most = UINT32_MAX;
    }
    if (!good || !next_is(p, '}') || most < least) {
        refuse_at(p, at, "{ wants a number, as in {2}, {2,} or {2,5},");
        return;
    }
    p->at++;
    repeat(p, least, most);
}

static void repetition(struct parser *p, uint32_t sign)
{
    if (!p->may_repeat) {
        refuse_at(p, p->at - 1, "there is nothing to repeat");
        return;
    }
    p->may_repeat = false;
    if (sign == '*') put(p, T_STAR, 0);
    if (sign == '+') put(p, T_PLUS, 0);
    if (sign == '?') put(p, T_MAYBE, 0);
    if (sign == '{') counted(p);
    if (next_is(p, '?')) p->at++; /* as few as possible: whether it fits is the same */
}

static void one(struct parser *p)
{
    static const struct skn_range any_but_line[] = {{'\n', '\n'}, {'\r', '\r'}};
    struct skn_range ranges[8];
    uint32_t point = take(p);
    uint16_t count = 1;
    switch (point) {
    case '(': open_group(p); return;
    case ')': close_group(p); return;
    case '|':
        end_branch(p);
        p->groups[p->depth].branches++;
        return;
    case '*':
    case '+':
    case '?':
    case '{': repetition(p, point); return;
    case '[': set_atom(p); return;
    case '^': atom(p, T_BEGIN, 0, false); return;
    case '$': atom(p, T_END, 0, false); return;
    case '.': atom(p, T_SET, add_set(p, any_but_line, 2, true), true); return;
    case '\\': count = escape(p, ranges); break;
    default: ranges[0] = (struct skn_range){point, point}; break;
    }
    if (!p->why) atom(p, T_SET, add_set(p, ranges, count, false), true);
}

static void parse(struct parser *p)
{
    if (p->text.len > SKN_PATTERN_BYTES_MAX) refuse(p, "it is longer than 1024 bytes");
    while (p->at < p->text.len && !p->why)
        one(p);
    if (!p->why && p->depth > 0) refuse_at(p, p->groups[p->depth].at, "the group has no end");
    if (!p->why) end_alternatives(p);
}

bool skn_pattern_parse(struct skn_arena *arena,
                       struct skn_slice text,
                       struct skn_postfix *out,
                       const char **out_why)
{
    struct parser p = {.arena = arena, .text = text};
    p.tokens = skn_arena_zero(arena, STATES, sizeof(*p.tokens));
    p.sets = skn_arena_zero(arena, SETS_MAX, sizeof(*p.sets));
    parse(&p);
    *out_why = p.why;
    *out = (struct skn_postfix){
        .tokens = p.tokens, .sets = p.sets, .count = p.count, .set_count = p.set_count};
    return !p.why;
}
