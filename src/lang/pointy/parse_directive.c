/* parse_directive.c - directives and their values [F23]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/number.h"
#include "lang/pointy/parse_internal.h"

#include "base/pure.h" /* last */

enum value_kind {
    VALUE_INPUT,
    VALUE_DURATION,
    VALUE_COUNT,
    VALUE_VERSION,
    VALUE_STRING,
    VALUE_PATH,
    VALUE_EVENT,
    VALUE_KEEP,
    VALUE_MODE,
};

struct directive {
    const char *name;
    enum value_kind kind;
    bool is_built;
    uint64_t max; /* of a count */
};

static const struct directive directives[SKN_DIRECTIVE_COUNT] = {
    {"input", VALUE_INPUT, true, 0},
    {"timeout", VALUE_DURATION, true, 0},
    {"recursive-depth", VALUE_COUNT, false, 10000},
    {"version", VALUE_VERSION, true, 0},
    {"description", VALUE_STRING, true, 0},
    {"scope", VALUE_PATH, false, 0},
    {"on-failure", VALUE_EVENT, false, 0},
    {"concurrency", VALUE_COUNT, false, INT64_MAX},
    {"concurrency-key", VALUE_STRING, false, 0},
    {"schedule", VALUE_STRING, false, 0},
    {"keep", VALUE_KEEP, false, 0},
    {"mode", VALUE_MODE, true, 0},
};

const char *skn_directive_name(size_t index)
{
    return index < SKN_DIRECTIVE_COUNT ? directives[index].name : NULL;
}

static void
bad_value(struct skn_parser *p, struct skn_slice name, struct skn_token found, const char *wanted)
{
    if (found.kind == SKN_TOKEN_BAD) {
        skn_parse_advance(p);
        return;
    }
    struct skn_slice at = skn_slice_str(skn_arena_printf(p->diags->arena, "@%.*s", SKN_FMT(name)));
    skn_diags_add(p->diags,
                  SKN_CODE_BAD_VALUE,
                  found.span,
                  SKN_DIAG_ARGS(at, skn_slice_str(wanted), skn_parse_shown(p, found)));
    if (found.kind == SKN_TOKEN_STRING || found.kind == SKN_TOKEN_NUMBER ||
        found.kind == SKN_TOKEN_NAME) {
        skn_parse_advance(p);
    }
}

/* Consumes a word, string or number of a directive whose name is unknown. */
static void skip_value(struct skn_parser *p)
{
    if (p->token.kind == SKN_TOKEN_NAME) {
        skn_parse_word(p, skn_lex_path(p->source, p->token.span.start).end);
    } else if (p->token.kind == SKN_TOKEN_STRING || p->token.kind == SKN_TOKEN_NUMBER) {
        skn_parse_word(p, skn_lex_version(p->source, p->token.span.start).end);
        if (p->token.kind == SKN_TOKEN_STRING) skn_parse_advance(p);
    }
}

static bool parse_duration(struct skn_parser *p, struct skn_slice name, uint64_t *out_ms)
{
    uint64_t ms = 0;
    enum skn_number_result result = SKN_NUMBER_MALFORMED;
    if (p->token.kind == SKN_TOKEN_NUMBER)
        result = skn_number_duration(skn_parse_text(p, p->token.span), &ms);
    if (result != SKN_NUMBER_OK || ms == 0) {
        bad_value(p,
                  name,
                  p->token,
                  result == SKN_NUMBER_TOO_LARGE ? "a duration of at most 36500d"
                                                 : "a duration above zero, such as 2h");
        return false;
    }
    skn_parse_advance(p);
    *out_ms = ms;
    return true;
}

static bool parse_count(struct skn_parser *p, const struct directive *directive)
{
    uint64_t n = 0;
    enum skn_number_result result = SKN_NUMBER_MALFORMED;
    if (p->token.kind == SKN_TOKEN_NUMBER)
        result = skn_number_whole(skn_parse_text(p, p->token.span), directive->max, &n);
    if (result != SKN_NUMBER_OK || n == 0) {
        const char *wanted =
            directive->max == 10000 ? "a whole number from 1 to 10000" : "a whole number from 1";
        bad_value(p, skn_slice_str(directive->name), p->token, wanted);
        return false;
    }
    skn_parse_advance(p);
    return true;
}

static bool parse_version(struct skn_parser *p)
{
    struct skn_span span = skn_lex_version(p->source, p->token.span.start);
    struct skn_slice text = skn_parse_text(p, span);
    uint32_t parts[3];
    if (!skn_slice_eq(text, SKN_LIT("latest")) &&
        skn_number_version(text, parts) != SKN_NUMBER_OK) {
        bad_value(p, SKN_LIT("version"), p->token, "a version, such as 1.2.0");
        return false;
    }
    skn_parse_word(p, span.end);
    return true;
}

static bool parse_word(struct skn_parser *p, const struct directive *directive)
{
    static const char *const keep[] = {"debug"};
    static const char *const mode[] = {"DAG", "CFG"};
    bool is_keep = directive->kind == VALUE_KEEP;
    const char *const *words = is_keep ? keep : mode;
    size_t count = is_keep ? SKN_ARRAY_LEN(keep) : SKN_ARRAY_LEN(mode);
    struct skn_slice text = skn_parse_text(p, p->token.span);
    for (size_t i = 0; i < count; i++) {
        if (p->token.kind == SKN_TOKEN_NAME && skn_slice_eq(text, skn_slice_str(words[i]))) {
            skn_parse_advance(p);
            return true;
        }
    }
    bad_value(p, skn_slice_str(directive->name), p->token, is_keep ? "debug" : "DAG");
    return false;
}

static bool parse_string(struct skn_parser *p, const struct directive *directive)
{
    if (p->token.kind != SKN_TOKEN_STRING) {
        bad_value(p, skn_slice_str(directive->name), p->token, "a string");
        return false;
    }
    uint32_t at = skn_parse_literal(p);
    if (directive == &directives[SKN_DIRECTIVE_CONCURRENCY_KEY]) p->tree->concurrency_key = at;
    return p->tree->literals[at].kind != SKN_LITERAL_BAD;
}

static bool parse_path(struct skn_parser *p)
{
    struct skn_span span = skn_lex_path(p->source, p->token.span.start);
    if (span.start == span.end || p->token.kind == SKN_TOKEN_END) {
        bad_value(p, SKN_LIT("scope"), p->token, "words joined by \"/\"");
        return false;
    }
    skn_parse_word(p, span.end);
    return true;
}

static bool parse_event_value(struct skn_parser *p, const struct directive *directive)
{
    if (p->token.kind != SKN_TOKEN_NAME) {
        bad_value(p, skn_slice_str(directive->name), p->token, "an event");
        return false;
    }
    p->tree->on_failure = skn_parse_event(p);
    return true;
}

static void push_input(struct skn_parser *p, struct skn_syn_input input)
{
    struct skn_syntax *tree = p->tree;
    struct skn_slice name = skn_parse_text(p, input.name);
    for (uint32_t i = 0; i < tree->input_count; i++) {
        if (!skn_slice_eq(name, skn_parse_text(p, tree->inputs[i].name))) continue;
        skn_diags_add(p->diags, SKN_CODE_INPUT_TWICE, input.name, SKN_DIAG_ARGS(name));
        return;
    }
    if (tree->input_count == SKN_FIELDS_MAX) {
        skn_diags_add(p->diags,
                      SKN_CODE_TOO_MANY,
                      input.name,
                      SKN_DIAG_ARGS(SKN_LIT("256"), SKN_LIT("inputs")));
        return;
    }
    tree->inputs = skn_parse_grow(tree->inputs, tree->input_count, &tree->input_cap, sizeof(input));
    tree->inputs[tree->input_count++] = input;
}

/* NAME ":" type [ "?" ] [ "=" literal ], behind "@input:". */
static void parse_input(struct skn_parser *p)
{
    static const char hint[] = "Inputs look like @input: order_id: string";
    struct skn_syn_input input = {.name = p->token.span, .literal = SKN_GRAPH_NONE};
    if (p->token.kind != SKN_TOKEN_NAME) {
        skn_parse_expected(p, "the name of an input", hint);
        return;
    }
    if (skn_is_reserved(skn_parse_text(p, input.name))) {
        skn_diags_add(
            p->diags, SKN_CODE_RESERVED, input.name, SKN_DIAG_ARGS(skn_parse_text(p, input.name)));
    }
    skn_parse_advance(p);
    if (p->token.kind != SKN_TOKEN_COLON) {
        skn_parse_expected(p, "\":\" and a type", hint);
        return;
    }
    skn_parse_advance(p);
    if (p->token.kind != SKN_TOKEN_NAME) {
        skn_parse_expected(p, "a type", hint);
        return;
    }
    input.type = p->token.span;
    skn_parse_advance(p);
    if (p->token.kind == SKN_TOKEN_QUESTION) {
        input.optional = true;
        skn_parse_advance(p);
    }
    if (p->token.kind == SKN_TOKEN_EQUALS) {
        skn_parse_advance(p);
        input.literal = skn_parse_literal(p);
    }
    push_input(p, input);
}

static bool parse_value(struct skn_parser *p, const struct directive *directive)
{
    switch (directive->kind) {
    case VALUE_INPUT: parse_input(p); return true;
    case VALUE_DURATION:
        return parse_duration(p, skn_slice_str(directive->name), &p->tree->timeout_ms);
    case VALUE_COUNT: return parse_count(p, directive);
    case VALUE_VERSION: return parse_version(p);
    case VALUE_STRING: return parse_string(p, directive);
    case VALUE_PATH: return parse_path(p);
    case VALUE_EVENT: return parse_event_value(p, directive);
    case VALUE_KEEP:
    case VALUE_MODE: return parse_word(p, directive);
    default: SKN_ASSERT(false); return false;
    }
}

static const struct directive *find_directive(struct skn_slice name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(directives); i++)
        if (skn_slice_eq(name, skn_slice_str(directives[i].name))) return &directives[i];
    return NULL;
}

static void report_unknown(struct skn_parser *p, struct skn_span at, struct skn_slice name)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (size_t i = 0; i < SKN_ARRAY_LEN(directives); i++)
        skn_suggest_offer(&suggest, skn_slice_str(directives[i].name));
    skn_diags_add(p->diags, SKN_CODE_UNKNOWN_DIRECTIVE, at, SKN_DIAG_ARGS(name, suggest.best));
}

void skn_parse_directive(struct skn_parser *p, uint32_t *seen, bool is_late)
{
    struct skn_span name_span = skn_lex_directive_name(p->source, p->token.span.end);
    struct skn_span at = {p->token.span.start, name_span.end};
    struct skn_slice name = skn_parse_text(p, name_span);
    if (is_late) skn_diags_add(p->diags, SKN_CODE_LATE_DIRECTIVE, at, SKN_DIAG_ARGS({0}));
    skn_parse_advance(p); /* the "@" */
    skn_parse_word(p, name_span.end);
    if (name.len == 0) {
        skn_parse_expected(p, "the name of a directive", "Directives look like @timeout: 2h");
        return;
    }
    const struct directive *directive = find_directive(name);
    if (!directive) report_unknown(p, at, name);
    if (p->token.kind != SKN_TOKEN_COLON) {
        if (directive) skn_parse_expected(p, "\":\" and a value", "");
        return;
    }
    skn_parse_advance(p);
    if (!directive) {
        skip_value(p);
        return;
    }
    uint32_t bit = UINT32_C(1) << (directive - directives);
    bool is_twice = directive->kind != VALUE_INPUT && (*seen & bit) != 0;
    if (is_twice) skn_diags_add(p->diags, SKN_CODE_DIRECTIVE_TWICE, at, SKN_DIAG_ARGS(name));
    *seen |= bit;
    uint32_t start = p->token.span.start;
    bool good = parse_value(p, directive);
    struct skn_syntax *tree = p->tree;
    tree->heads =
        skn_parse_grow(tree->heads, tree->head_count, &tree->head_cap, sizeof(*tree->heads));
    tree->heads[tree->head_count++] =
        (struct skn_syn_head){.at = at.start, .name = name_span, .value = {start, p->end}};
    if (!good || is_twice || is_late) return;
    p->tree->directives[directive - directives] =
        (struct skn_syn_directive){.at = at, .value = {start, p->end}};
    if (directive->is_built) return;
    p->tree->not_yet = skn_arena_printf(p->diags->arena, "the directive @%s", directive->name);
    skn_diags_add(p->diags, SKN_CODE_NOT_RUN, at, SKN_DIAG_ARGS(skn_slice_str(p->tree->not_yet)));
}
