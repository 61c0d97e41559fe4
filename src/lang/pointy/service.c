/* service.c - what the language server asks about a flow. Completion looks at tokens, since a text is
 * seldom whole while it is typed; everything else at the tree (service_names.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/options_internal.h"
#include "lang/pointy/parse_internal.h"
#include "lang/pointy/service_internal.h"
#include "lang/pointy/tools.h"

#include <stdio.h>

#include "base/pure.h" /* last */

const struct skn_project_events *skn_service_events(void *ctx, const struct skn_lsp_text *text)
{
    const struct skn_pointy_host *host = ctx;
    return host->events(host->ctx, text->path);
}

static void check(void *ctx, const struct skn_lsp_text *text, struct skn_diags *diags)
{
    enum skn_rc rc =
        skn_pointy_check(text->arena, text->source, skn_service_events(ctx, text), diags);
    SKN_ASSERT((rc == SKN_OK) == (diags->errors == 0));
}

static void check_event(void *ctx, const struct skn_lsp_text *text, struct skn_diags *diags)
{
    const struct skn_event_def *def;
    enum skn_rc rc = skn_event_parse_with(text->arena, text->source, ctx, diags, &def);
    SKN_ASSERT((rc == SKN_OK) == (diags->errors == 0));
}

enum { OPEN_MAX = 2 * SKN_GRAPH_DEPTH_MAX + 2 };

/* What is open at a place: the innermost bracket, and the event before it. */
struct place {
    enum skn_token_kind last; /* the token before the place, END for none */
    struct skn_span last_span;
    struct skn_span before; /* of a `name =`: the name */
    enum skn_token_kind opened[OPEN_MAX];
    struct skn_span owner[OPEN_MAX]; /* the name before the bracket, empty for none */
    uint32_t depth;
    bool in_flow; /* behind the first token that is no directive */
    bool in_head_value;
};

/* The token at or behind `at`; an event with its source and version is one name. */
static struct skn_token lex_name(const struct skn_source *source, uint32_t at)
{
    struct skn_token token = skn_lex(source, at);
    struct skn_slice text = source->text;
    if (token.kind != SKN_TOKEN_NAME) return token;
    uint32_t end = token.span.end;
    if (end < text.len && text.ptr[end] == ':') {
        struct skn_token name = skn_lex(source, end + 1);
        if (name.kind == SKN_TOKEN_NAME && name.span.start == end + 1) end = name.span.end;
    }
    if (end < text.len && text.ptr[end] == '@') end = skn_lex_version(source, end + 1).end;
    token.span.end = end;
    return token;
}

/* Reads the tokens up to `offset`; the word that stands right before it is not one of them. */
static void find_place(const struct skn_source *source, uint32_t offset, struct place *p)
{
    struct skn_span name = {0, 0};
    *p = (struct place){.last = SKN_TOKEN_END};
    for (struct skn_token t = lex_name(source, 0); t.kind != SKN_TOKEN_END;
         t = lex_name(source, t.span.end)) {
        if (t.span.start >= offset || (t.kind == SKN_TOKEN_NAME && t.span.end >= offset)) return;
        if (t.kind == SKN_TOKEN_STRING && t.span.end > offset) return;
        if (t.kind == SKN_TOKEN_EQUALS) p->before = name;
        if (t.kind == SKN_TOKEN_OPEN_BRACKET || t.kind == SKN_TOKEN_OPEN_PAREN ||
            t.kind == SKN_TOKEN_OPEN_BRACE) {
            if (p->depth == OPEN_MAX) return;
            p->opened[p->depth] = t.kind;
            p->owner[p->depth++] = name;
        }
        if ((t.kind == SKN_TOKEN_CLOSE_BRACKET || t.kind == SKN_TOKEN_CLOSE_PAREN ||
             t.kind == SKN_TOKEN_CLOSE_BRACE) &&
            p->depth > 0) {
            p->depth--;
            name = p->owner[p->depth]; /* options, then branches, of one unit */
        } else if (t.kind == SKN_TOKEN_NAME) {
            name = t.span;
        } else if (t.kind == SKN_TOKEN_ARROW || t.kind == SKN_TOKEN_PIPE ||
                   t.kind == SKN_TOKEN_PARALLEL || t.kind == SKN_TOKEN_OPEN_BRACE ||
                   t.kind == SKN_TOKEN_OPEN_PAREN) {
            name = (struct skn_span){0, 0};
        }
        p->last = t.kind;
        p->last_span = t.span;
    }
}

static void offer_words(struct skn_lsp_items *items, const char *const *words, bool quoted)
{
    for (; *words; words++) {
        char text[64];
        int len = quoted ? snprintf(text, sizeof(text), "\"%s\"", *words)
                         : snprintf(text, sizeof(text), "%s", *words);
        skn_lsp_item(items, skn_slice(text, (size_t)len), SKN_LSP_VALUE, (struct skn_slice){0});
    }
}

const struct skn_event_def *skn_service_event(const struct skn_project_events *events,
                                              struct skn_slice written)
{
    struct skn_slice name = written, version = {0};
    bool has_name;
    for (size_t i = 0; i < written.len; i++) {
        if (written.ptr[i] == ':') name = skn_slice_from(written, i + 1);
        if (written.ptr[i] != '@') continue;
        version = skn_slice_from(written, i + 1);
        name.len -= version.len + 1;
        break;
    }
    return skn_project_find_event(events, name, version, &has_name);
}

static void offer_options(struct skn_lsp_items *items,
                          const struct skn_project_events *events,
                          struct skn_slice owner)
{
    const struct skn_event_def *def = skn_service_event(events, owner);
    const struct skn_option_rule *rule;
    for (uint32_t i = 0; def && i < def->input_count; i++)
        skn_lsp_item(items,
                     def->inputs[i].name,
                     SKN_LSP_OPTION,
                     def->inputs[i].description.len > 0
                         ? def->inputs[i].description
                         : skn_slice_str(skn_field_type_name(&def->inputs[i])));
    for (size_t i = 0; skn_builtin_option(owner, i); i++)
        skn_lsp_item(items,
                     skn_slice_str(skn_builtin_option(owner, i)),
                     SKN_LSP_OPTION,
                     (struct skn_slice){0});
    for (size_t i = 0; (rule = skn_option_at(i)) != NULL; i++)
        if (!rule->same_as)
            skn_lsp_item(
                items, skn_slice_str(rule->name), SKN_LSP_OPTION, skn_slice_str(rule->text));
}

static void offer_values(struct skn_lsp_items *items, struct skn_slice option)
{
    static const char *const bools[] = {"true", "false", NULL};
    static const char *const evaluate[] = {
        "all", "any", "majority", "none_failed", "at_least=2", NULL};
    static const char *const failures[] = {"fail", "continue", "drop", NULL};
    static const char *const stops[] = {
        "NEVER", "ON_ERROR", "ON_SUCCESS", "ON_EXCEPTION", "ON_ANY", NULL};
    static const char *const executors[] = {"inline", "process", "worker", "remote", "http", NULL};
    const struct skn_option_rule *rule = skn_option_find(option);
    if (!rule) return;
    switch ((int)rule->rule) {
    case SKN_RULE_BOOL:
    case SKN_RULE_GPU:
    case SKN_RULE_JITTER: offer_words(items, bools, false); return;
    case SKN_RULE_EVALUATE: offer_words(items, evaluate, true); return;
    case SKN_RULE_ON_FAILURE: offer_words(items, failures, true); return;
    case SKN_RULE_STOP: offer_words(items, stops, true); return;
    case SKN_RULE_EXECUTOR: offer_words(items, executors, true); return;
    default: return;
    }
}

static void offer_events(struct skn_lsp_items *items, const struct skn_project_events *events)
{
    static const char *const calls[] = {"MAP", "FILTER", "REDUCE", "FLOW"};
    for (size_t i = 0; events && i < events->count; i++) {
        const struct skn_event_def *def = events->sorted[i];
        bool is_newest = i == 0 || !skn_slice_eq(def->name, events->sorted[i - 1]->name);
        if (is_newest) skn_lsp_item(items, def->name, SKN_LSP_EVENT, def->description);
    }
    for (size_t i = 0; skn_builtin_name(i); i++) {
        struct skn_slice name = skn_slice_str(skn_builtin_name(i));
        skn_lsp_item(items, name, SKN_LSP_EVENT, skn_slice_str(skn_builtin_text(name)));
    }
    for (size_t i = 0; i < SKN_ARRAY_LEN(calls); i++)
        skn_lsp_item(items, skn_slice_str(calls[i]), SKN_LSP_KEYWORD, (struct skn_slice){0});
}

static void offer_outcomes(struct skn_lsp_items *items,
                           const struct skn_project_events *events,
                           struct skn_slice owner)
{
    static const char *const known[] = {"success", "failure", NULL};
    const struct skn_event_def *def = skn_service_event(events, owner);
    offer_words(items, known, false);
    for (uint32_t i = 0; def && i < def->outcome_count; i++)
        skn_lsp_item(items, def->outcomes[i], SKN_LSP_VALUE, (struct skn_slice){0});
}

static void
complete(void *ctx, const struct skn_lsp_text *text, uint32_t offset, struct skn_lsp_items *items)
{
    struct place *p = skn_arena_zero(text->arena, 1, sizeof(*p));
    const struct skn_project_events *events = skn_service_events(ctx, text);
    find_place(text->source, offset, p);
    struct skn_slice owner = {0};
    enum skn_token_kind opener = p->depth > 0 ? p->opened[p->depth - 1] : SKN_TOKEN_END;
    if (p->depth > 0) owner = skn_source_at(text->source, p->owner[p->depth - 1]);
    if (p->last == SKN_TOKEN_AT) {
        for (size_t i = 0; skn_directive_name(i); i++)
            skn_lsp_item(items,
                         skn_slice_str(skn_directive_name(i)),
                         SKN_LSP_KEYWORD,
                         (struct skn_slice){0});
    } else if (opener == SKN_TOKEN_OPEN_BRACKET && p->last == SKN_TOKEN_EQUALS) {
        offer_values(items, skn_source_at(text->source, p->before));
    } else if (opener == SKN_TOKEN_OPEN_BRACKET) {
        if (p->last == SKN_TOKEN_OPEN_BRACKET || p->last == SKN_TOKEN_COMMA)
            offer_options(items, events, owner);
    } else if (opener == SKN_TOKEN_OPEN_PAREN && owner.len > 0 &&
               (p->last == SKN_TOKEN_OPEN_PAREN || p->last == SKN_TOKEN_COMMA)) {
        offer_outcomes(items, events, owner);
    } else {
        offer_events(items, events);
    }
}

static bool format(void *ctx, const struct skn_lsp_text *text, struct skn_buf *out)
{
    struct skn_diags *diags = skn_arena_zero(text->arena, 1, sizeof(*diags));
    (void)ctx;
    skn_diags_init(diags, text->arena, text->source);
    return skn_pointy_format(text->source, diags, out) == SKN_OK;
}

struct skn_lsp_language skn_pointy_language(struct skn_pointy_host *host)
{
    return (struct skn_lsp_language){.ending = ".pty",
                                     .ctx = host,
                                     .check = check,
                                     .complete = complete,
                                     .hover = skn_service_hover,
                                     .define = skn_service_define,
                                     .rename = skn_service_rename,
                                     .outline = skn_service_outline,
                                     .format = format};
}

struct skn_lsp_language skn_event_language(const struct skn_event_host *host)
{
    return (struct skn_lsp_language){
        .ending = ".yaml", .ctx = (void *)(uintptr_t)host, .check = check_event};
}
