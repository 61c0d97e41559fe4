/* parse.c - the parser's hands: tokens, events, literals, options. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/parse_internal.h"

#include "base/mem.h"
#include "lang/kit/suggest.h"
#include "lang/pointy/number.h"
#include "value/real.h"

#include "base/pure.h" /* last */

uint32_t skn_parse_cap(uint32_t cap)
{
    if (cap == 0) return 16;
    return cap <= UINT32_MAX / 2 ? cap * 2 : UINT32_MAX;
}

void *skn_parse_grow(void *array, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap) return array;
    uint32_t grown = skn_parse_cap(*cap);
    SKN_ASSERT(count < grown);
    *cap = grown;
    return skn_realloc(array, *cap * size);
}

/* Puts what stands up to `end` into the tree as one token, and goes on behind it. */
static void consume(struct skn_parser *p, enum skn_token_kind kind, uint32_t end)
{
    uint32_t start = p->token.span.start;
    skn_syn_push(p->tree, kind, start - p->end, end - start);
    p->end = end;
    p->token = skn_lex(p->source, end);
    /* The end stands behind what is written, not behind blanks and comments. */
    if (p->token.kind == SKN_TOKEN_END) p->token.span = (struct skn_span){end, end};
}

void skn_parse_advance(struct skn_parser *p)
{
    if (p->token.kind == SKN_TOKEN_BAD) {
        skn_lex_report(p->diags, p->token);
        if (p->source->text.ptr[p->token.span.start] == '"') p->open_string = true;
    }
    if (p->token.kind != SKN_TOKEN_END) consume(p, p->token.kind, p->token.span.end);
}

void skn_parse_word(struct skn_parser *p, uint32_t end)
{
    if (p->token.kind == SKN_TOKEN_END || end <= p->token.span.start) return;
    consume(p, end == p->token.span.end ? p->token.kind : SKN_TOKEN_WORD, end);
}

struct skn_parse_mark skn_parse_mark(const struct skn_parser *p)
{
    return (struct skn_parse_mark){p->token, p->end, p->tree->token_bytes};
}

void skn_parse_return(struct skn_parser *p, struct skn_parse_mark mark)
{
    p->token = mark.token;
    p->end = mark.end;
    p->tree->token_bytes = mark.token_bytes;
}

struct skn_token skn_parse_peek(const struct skn_parser *p)
{
    return skn_lex(p->source, p->token.span.end);
}

struct skn_slice skn_parse_text(const struct skn_parser *p, struct skn_span span)
{
    return skn_source_at(p->source, span);
}

struct skn_slice skn_parse_shown(const struct skn_parser *p, struct skn_token token)
{
    enum { SHOWN_MAX = 60 };
    if (token.kind == SKN_TOKEN_END) return SKN_LIT("the end");
    struct skn_slice text = skn_parse_text(p, token.span);
    if (token.kind == SKN_TOKEN_STRING) {
        if (text.len > SHOWN_MAX) return SKN_LIT("a string");
        return skn_slice_str(skn_arena_printf(p->diags->arena, "the string %.*s", SKN_FMT(text)));
    }
    if (text.len > SHOWN_MAX) {
        text.len = SHOWN_MAX;
        while (text.len > 0 && (text.ptr[text.len] & 0xC0) == 0x80)
            text.len--; /* not in the middle of a character */
        return text;
    }
    return skn_slice_str(skn_arena_printf(p->diags->arena, "\"%.*s\"", SKN_FMT(text)));
}

void skn_parse_expected(struct skn_parser *p, const char *what, const char *hint)
{
    if (p->token.kind == SKN_TOKEN_BAD) {
        skn_parse_advance(p);
        return;
    }
    skn_diags_add(
        p->diags,
        SKN_CODE_EXPECTED,
        p->token.span,
        SKN_DIAG_ARGS(skn_slice_str(what), skn_parse_shown(p, p->token), skn_slice_str(hint)));
}

static bool is_source(struct skn_slice name)
{
    static const char *const sources[] = {"local", "hub", "pypi", "npm", "git"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(sources); i++)
        if (skn_slice_eq(name, skn_slice_str(sources[i]))) return true;
    return false;
}

static bool is_version(struct skn_slice text)
{
    uint32_t parts[3];
    return skn_slice_eq(text, SKN_LIT("latest")) ||
           skn_number_version(text, parts) == SKN_NUMBER_OK;
}

struct skn_syn_event skn_syn_event_of(const struct skn_source *source,
                                      const struct skn_syn_unit *unit)
{
    struct skn_syn_event event = {.name = {0, 0}};
    if (unit->kind != SKN_SYN_EVENT && unit->kind != SKN_SYN_CALL) return event;
    struct skn_token token = skn_lex(source, unit->span.start);
    if (unit->kind == SKN_SYN_CALL)
        token = skn_lex(source, skn_lex(source, token.span.end).span.end);
    event.name = token.span;
    if (event.name.end >= unit->span.end) return event;
    token = skn_lex(source, event.name.end);
    if (token.kind == SKN_TOKEN_COLON) {
        struct skn_span name = skn_lex(source, token.span.end).span;
        if (is_source(skn_source_at(source, event.name))) event.source = event.name;
        event.name = name;
        if (name.end >= unit->span.end) return event;
        token = skn_lex(source, name.end);
    }
    if (token.kind != SKN_TOKEN_AT) return event;
    struct skn_span version = skn_lex_version(source, token.span.end);
    if (is_version(skn_source_at(source, version))) event.version = version;
    return event;
}

static bool check_source(struct skn_parser *p, struct skn_span span)
{
    struct skn_slice name = skn_parse_text(p, span);
    if (is_source(name)) return true;
    skn_diags_add(p->diags, SKN_CODE_UNKNOWN_SOURCE, span, SKN_DIAG_ARGS(name));
    return false;
}

static void check_touch(struct skn_parser *p, struct skn_span a, struct skn_span b)
{
    if (a.end == b.start) return;
    skn_diags_add(p->diags,
                  SKN_CODE_MUST_TOUCH,
                  (struct skn_span){a.start, b.end},
                  SKN_DIAG_ARGS(SKN_LIT("the parts of an event's name"),
                                SKN_LIT("Write source:Name@version.")));
}

/* "@version" behind a name; the present token is the "@" and touches. */
static struct skn_span event_version(struct skn_parser *p)
{
    struct skn_span span = skn_lex_version(p->source, p->token.span.end);
    struct skn_span whole = {p->token.span.start, span.end};
    skn_parse_advance(p);
    skn_parse_word(p, span.end);
    if (is_version(skn_parse_text(p, span))) return span;
    skn_diags_add(p->diags, SKN_CODE_BAD_VERSION, whole, SKN_DIAG_ARGS(skn_parse_text(p, whole)));
    return (struct skn_span){0, 0};
}

static void check_reserved(struct skn_parser *p, struct skn_span span)
{
    struct skn_slice name = skn_parse_text(p, span);
    if (skn_is_reserved(name))
        skn_diags_add(p->diags, SKN_CODE_RESERVED, span, SKN_DIAG_ARGS(name));
}

struct skn_syn_event skn_parse_event(struct skn_parser *p)
{
    SKN_ASSERT(p->token.kind == SKN_TOKEN_NAME);
    struct skn_syn_event event = {.name = p->token.span};
    skn_parse_advance(p);
    if (p->token.kind == SKN_TOKEN_COLON && skn_parse_peek(p).kind == SKN_TOKEN_NAME) {
        struct skn_span name = skn_parse_peek(p).span;
        check_touch(p, event.name, p->token.span);
        if (check_source(p, event.name)) event.source = event.name;
        check_touch(p, p->token.span, name);
        event.name = name;
        skn_parse_advance(p);
        skn_parse_advance(p);
    }
    check_reserved(p, event.name);
    if (p->token.kind == SKN_TOKEN_AT && p->token.span.start == event.name.end)
        event.version = event_version(p);
    return event;
}

static uint32_t hex_at(struct skn_slice text, uint32_t at, uint32_t end)
{
    uint32_t n = 0;
    if (at + 6 > end || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u') return UINT32_MAX;
    for (uint32_t i = at + 2; i < at + 6; i++) {
        uint8_t c = text.ptr[i];
        uint32_t digit = c >= '0' && c <= '9'   ? c - (uint32_t)'0'
                         : c >= 'a' && c <= 'f' ? c - (uint32_t)'a' + 10
                         : c >= 'A' && c <= 'F' ? c - (uint32_t)'A' + 10
                                                : 16;
        if (digit == 16) return UINT32_MAX;
        n = n << 4 | digit;
    }
    return n;
}

/* Bytes of the escape at `at`, which is a backslash; 0 when JSON has no such escape. */
static uint32_t escape_len(struct skn_slice text, uint32_t at, uint32_t end)
{
    if (at + 1 >= end || text.ptr[at + 1] == '\0') return 0;
    if (text.ptr[at + 1] != 'u') return strchr("\"\\/bfnrt", text.ptr[at + 1]) ? 2 : 0;
    uint32_t point = hex_at(text, at, end);
    if (point == UINT32_MAX || (point >= 0xDC00 && point <= 0xDFFF)) return 0;
    if (point < 0xD800 || point > 0xDBFF) return 6;
    uint32_t low = hex_at(text, at + 6, end);
    return low >= 0xDC00 && low <= 0xDFFF ? 12 : 0;
}

/* Any escape that JSON does not have, and a \u that is half a character, is reported. */
static bool check_escapes(struct skn_parser *p, struct skn_span span)
{
    struct skn_slice text = p->source->text;
    bool good = true;
    uint32_t end = span.end - 1;
    for (uint32_t at = span.start + 1; at < end;) {
        uint32_t len = text.ptr[at] == '\\' ? escape_len(text, at, end) : 1;
        if (len == 0) {
            struct skn_span bad = {at, at + 2};
            skn_diags_add(
                p->diags, SKN_CODE_BAD_ESCAPE, bad, SKN_DIAG_ARGS(skn_parse_text(p, bad)));
            good = false;
            len = 2;
        }
        at += len;
    }
    return good;
}

static void bad_number(struct skn_parser *p, enum skn_number_result why, const char *hint)
{
    const char *limit = "It is over its limit: 64 bits, and 36500 days for a duration.";
    skn_diags_add(p->diags,
                  SKN_CODE_BAD_NUMBER,
                  p->token.span,
                  SKN_DIAG_ARGS(skn_parse_text(p, p->token.span),
                                skn_slice_str(why == SKN_NUMBER_TOO_LARGE ? limit : hint)));
}

static void number_literal(struct skn_parser *p, struct skn_literal *literal)
{
    struct skn_slice text = skn_parse_text(p, p->token.span);
    int64_t whole = 0;
    double real;
    enum skn_number_result worst = SKN_NUMBER_MALFORMED;
    enum skn_number_result result = skn_number_int(text, &whole);
    if (result == SKN_NUMBER_OK) {
        literal->kind = SKN_LITERAL_INT;
        literal->number = (uint64_t)whole;
        return;
    }
    if (result == SKN_NUMBER_TOO_LARGE) worst = result;
    result = skn_number_duration(text, &literal->number);
    if (result == SKN_NUMBER_OK) {
        literal->kind = SKN_LITERAL_DURATION;
        return;
    }
    if (result == SKN_NUMBER_TOO_LARGE) worst = result;
    result = skn_number_size(text, &literal->number);
    if (result == SKN_NUMBER_OK) {
        literal->kind = SKN_LITERAL_SIZE;
        return;
    }
    if (result == SKN_NUMBER_TOO_LARGE) worst = result;
    if (skn_number_is_float(text)) {
        if (skn_real_parse(text, &real) == SKN_OK) {
            literal->kind = SKN_LITERAL_FLOAT;
            return;
        }
        worst = SKN_NUMBER_TOO_LARGE;
    }
    bad_number(p, worst, "Durations are like 250ms 30s 5m 2h 1d, sizes like 64KiB.");
}

/* One literal that is no list; consumes it. */
static struct skn_literal scalar_literal(struct skn_parser *p)
{
    struct skn_literal literal = {.kind = SKN_LITERAL_BAD, .span = p->token.span};
    struct skn_slice text = skn_parse_text(p, p->token.span);
    if (p->token.kind == SKN_TOKEN_STRING) {
        if (check_escapes(p, p->token.span)) literal.kind = SKN_LITERAL_STRING;
    } else if (p->token.kind == SKN_TOKEN_NUMBER) {
        number_literal(p, &literal);
    } else if (p->token.kind == SKN_TOKEN_NAME &&
               (skn_slice_eq(text, SKN_LIT("true")) || skn_slice_eq(text, SKN_LIT("false")))) {
        literal.kind = SKN_LITERAL_BOOL;
        literal.number = text.len == 4;
    } else {
        bool is_word = p->token.kind == SKN_TOKEN_NAME;
        skn_parse_expected(p, "a value", is_word ? "A text takes double quotes: \"..\"" : "");
        literal.span.end = literal.span.start;
        if (!is_word) return literal;
    }
    skn_parse_advance(p);
    return literal;
}

static uint32_t push_literal(struct skn_parser *p, struct skn_literal literal)
{
    struct skn_syntax *tree = p->tree;
    tree->literals =
        skn_parse_grow(tree->literals, tree->literal_count, &tree->literal_cap, sizeof(literal));
    literal.end = tree->literal_count + 1;
    tree->literals[tree->literal_count] = literal;
    return tree->literal_count++;
}

/* Lists inside lists stand on a small stack of indexes; the outermost ends the loop. */
uint32_t skn_parse_literal(struct skn_parser *p)
{
    uint32_t opened[SKN_LISTS_MAX];
    uint32_t depth = 0;
    uint32_t first = p->tree->literal_count;
    do {
        if (p->token.kind == SKN_TOKEN_OPEN_BRACKET) {
            if (depth == SKN_LISTS_MAX) {
                skn_diags_add(p->diags,
                              SKN_CODE_TOO_DEEP,
                              p->token.span,
                              SKN_DIAG_ARGS(SKN_LIT("lists"), SKN_LIT("64")));
                p->tree->literals[first].kind = SKN_LITERAL_BAD;
                return first;
            }
            opened[depth++] = push_literal(
                p, (struct skn_literal){.kind = SKN_LITERAL_LIST, .span = p->token.span});
            skn_parse_advance(p);
            if (p->token.kind != SKN_TOKEN_CLOSE_BRACKET) continue;
        } else {
            struct skn_literal literal = scalar_literal(p);
            uint32_t at = push_literal(p, literal);
            if (literal.kind == SKN_LITERAL_BAD && depth > 0) {
                p->tree->literals[first].kind = SKN_LITERAL_BAD;
                if (p->tree->literals[at].span.end == literal.span.start) return first;
            }
        }
        while (depth > 0 && p->token.kind == SKN_TOKEN_CLOSE_BRACKET) {
            struct skn_literal *list = &p->tree->literals[opened[--depth]];
            list->end = p->tree->literal_count;
            list->span.end = p->token.span.end;
            skn_parse_advance(p);
        }
        if (depth > 0) {
            if (p->token.kind != SKN_TOKEN_COMMA) {
                skn_parse_expected(p, "\",\" or \"]\" in this list", "");
                p->tree->literals[first].kind = SKN_LITERAL_BAD;
                return first;
            }
            skn_parse_advance(p);
        }
    } while (depth > 0);
    return first;
}

/* Where the next option may begin, or what ends the list or the unit. */
static void skip_option(struct skn_parser *p)
{
    for (;;) {
        switch ((int)p->token.kind) {
        case SKN_TOKEN_COMMA:
        case SKN_TOKEN_CLOSE_BRACKET:
        case SKN_TOKEN_ARROW:
        case SKN_TOKEN_PIPE:
        case SKN_TOKEN_PARALLEL:
        case SKN_TOKEN_CLOSE_BRACE:
        case SKN_TOKEN_CLOSE_PAREN:
        case SKN_TOKEN_END: return;
        default: skn_parse_advance(p);
        }
    }
}

static void push_option(struct skn_parser *p, uint32_t unit, struct skn_span name, uint32_t literal)
{
    struct skn_syntax *tree = p->tree;
    if (tree->units[unit].option_count == SKN_OPTIONS_MAX) {
        skn_diags_add(p->diags,
                      SKN_CODE_TOO_MANY,
                      tree->units[unit].span, /* once for the unit */
                      SKN_DIAG_ARGS(SKN_LIT("256"), SKN_LIT("options on one unit")));
        return;
    }
    /* A second list was reported; its options would not stand beside the first ones. */
    if (tree->units[unit].first_option + tree->units[unit].option_count != tree->option_count)
        return;
    tree->options = skn_parse_grow(
        tree->options, tree->option_count, &tree->option_cap, sizeof(*tree->options));
    tree->options[tree->option_count++] = (struct skn_syn_option){.name = name, .literal = literal};
    tree->units[unit].option_count++;
}

/* NAME "=" literal. */
static void parse_option(struct skn_parser *p, uint32_t unit)
{
    if (p->token.kind != SKN_TOKEN_NAME) {
        skn_parse_expected(p, "an option", "Options look like timeout=30s.");
        skip_option(p);
        return;
    }
    struct skn_span name = p->token.span;
    check_reserved(p, name);
    skn_parse_advance(p);
    if (p->token.kind != SKN_TOKEN_EQUALS) {
        skn_parse_expected(p, "\"=\" and a value", "Options look like timeout=30s.");
        skip_option(p);
        return;
    }
    skn_parse_advance(p);
    push_option(p, unit, name, skn_parse_literal(p));
    if (p->token.kind != SKN_TOKEN_COMMA && p->token.kind != SKN_TOKEN_CLOSE_BRACKET) {
        if (p->tree->literals[p->tree->literal_count - 1].kind != SKN_LITERAL_BAD)
            skn_parse_expected(p, "\",\" or \"]\"", "");
        skip_option(p);
    }
}

void skn_parse_options(struct skn_parser *p, uint32_t unit)
{
    struct skn_span opened = p->token.span;
    skn_parse_advance(p);
    if (p->token.kind == SKN_TOKEN_CLOSE_BRACKET) {
        struct skn_span both = {opened.start, p->token.span.end};
        skn_diags_add(p->diags, SKN_CODE_EMPTY_OPTIONS, both, SKN_DIAG_ARGS({0}));
        skn_parse_advance(p);
        return;
    }
    for (;;) {
        parse_option(p, unit);
        if (p->token.kind == SKN_TOKEN_COMMA) {
            skn_parse_advance(p);
            if (p->token.kind != SKN_TOKEN_CLOSE_BRACKET) continue;
        }
        if (p->token.kind == SKN_TOKEN_CLOSE_BRACKET) {
            skn_parse_advance(p);
        } else if (!p->open_string) {
            skn_diags_add(
                p->diags, SKN_CODE_UNCLOSED, opened, SKN_DIAG_ARGS(SKN_LIT("\"[\""), SKN_LIT("]")));
        }
        return;
    }
}

void skn_syntax_parse(struct skn_syntax *syntax, struct skn_diags *diags)
{
    *syntax = (struct skn_syntax){.concurrency_key = SKN_GRAPH_NONE};
    struct skn_parser p = {.source = diags->source, .diags = diags, .tree = syntax};
    skn_lex_check_utf8(diags);
    p.token = skn_lex(p.source, 0);
    if (p.token.kind == SKN_TOKEN_END) p.token.span = (struct skn_span){0, 0};
    uint32_t seen = 0;
    skn_parse_flow(&p, &seen);
    while (p.token.kind != SKN_TOKEN_END) /* behind the last unit that a text may have */
        consume(&p, p.token.kind, p.token.span.end);
    skn_syn_push(syntax, SKN_TOKEN_END, (uint32_t)p.source->text.len - p.end, 0);
}

void skn_syntax_drop_tokens(struct skn_syntax *syntax)
{
    skn_free(syntax->tokens);
    syntax->tokens = NULL;
    syntax->token_bytes = syntax->token_cap = 0;
}

void skn_syntax_drop_nodes(struct skn_syntax *syntax)
{
    struct skn_syntax tokens = {.tokens = syntax->tokens,
                                .token_bytes = syntax->token_bytes,
                                .token_cap = syntax->token_cap};
    syntax->tokens = NULL;
    skn_syntax_fini(syntax);
    *syntax = tokens;
}

void skn_syntax_fini(struct skn_syntax *syntax)
{
    skn_free(syntax->bodies);
    skn_free(syntax->steps);
    skn_free(syntax->units);
    skn_free(syntax->branches);
    skn_free(syntax->options);
    skn_free(syntax->literals);
    skn_free(syntax->inputs);
    skn_free(syntax->heads);
    skn_free(syntax->tokens);
    *syntax = (struct skn_syntax){0};
}
