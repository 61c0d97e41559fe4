/* check_options.c - options that must fit what they stand on: evaluate and its bound, drop, what
 * excludes what, executors and events that are named in them [F7] [F14] [F17] [F22]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/options_internal.h"

#include "base/pure.h" /* last */

/* The option of a unit with this name or another name of it, NULL when there is none. */
static const struct skn_syn_option *
find_option(const struct skn_pty *b, const struct skn_syn_unit *unit, const char *name)
{
    for (uint32_t i = 0; i < unit->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[unit->first_option + i];
        const struct skn_option_rule *rule = skn_option_find(skn_pty_text(b, option->name));
        if (!rule) continue;
        if (strcmp(rule->same_as ? rule->same_as : rule->name, name) == 0) return option;
    }
    return NULL;
}

static struct skn_slice text_of(const struct skn_pty *b, const struct skn_syn_option *option)
{
    struct skn_slice text = {0};
    const struct skn_literal *literal = &b->tree->literals[option->literal];
    if (literal->kind == SKN_LITERAL_STRING) (void)skn_pty_string(b, literal, false, &text);
    return text;
}

/* The most that "at_least" can ask of a group: the units of its widest step. */
static uint32_t width_of(const struct skn_pty *b, uint32_t body)
{
    uint32_t widest = 0;
    for (uint32_t s = b->tree->bodies[body].first_step; s != SKN_GRAPH_NONE;
         s = b->tree->steps[s].next)
        if (b->tree->steps[s].unit_count > widest) widest = b->tree->steps[s].unit_count;
    return widest;
}

/* The narrowest step that has several units beside each other decides whether N can be met. */
static uint32_t narrowest_of(const struct skn_pty *b, uint32_t body)
{
    uint32_t least = width_of(b, body);
    for (uint32_t s = b->tree->bodies[body].first_step; s != SKN_GRAPH_NONE;
         s = b->tree->steps[s].next) {
        uint32_t count = b->tree->steps[s].unit_count;
        if (count > 1 && count < least) least = count;
    }
    return least;
}

static void check_evaluate(struct skn_pty *b, uint32_t unit, uint8_t place)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    const struct skn_syn_option *option = find_option(b, from, "evaluate");
    if (!option) return;
    struct skn_span span = {option->name.start, b->tree->literals[option->literal].span.end};
    if (place != SKN_ON_GROUP && place != SKN_ON_MAP) {
        skn_diags_add(b->diags,
                      SKN_CODE_SAYS_NOTHING,
                      span,
                      SKN_DIAG_ARGS(SKN_LIT("evaluate"),
                                    SKN_LIT("It belongs to a group of units, or to MAP.")));
        return;
    }
    if (place == SKN_ON_MAP) {
        if (find_option(b, from, "max_failures"))
            skn_diags_add(b->diags,
                          SKN_CODE_EXCLUDES,
                          span,
                          SKN_DIAG_ARGS(SKN_LIT("evaluate"), SKN_LIT("max_failures")));
        return;
    }
    uint32_t wanted = skn_option_at_least(text_of(b, option));
    uint32_t there = from->body == SKN_GRAPH_NONE ? wanted : narrowest_of(b, from->body);
    if (wanted > there)
        skn_diags_add(
            b->diags,
            SKN_CODE_AT_LEAST,
            span,
            SKN_DIAG_ARGS(skn_slice_str(skn_arena_printf(b->arena, "%u", (unsigned)wanted)),
                          skn_slice_str(skn_arena_printf(b->arena, "%u", (unsigned)there))));
}

static void check_drop(struct skn_pty *b, uint32_t unit, uint8_t place)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    const struct skn_syn_option *option = find_option(b, from, "on_failure");
    if (!option || place == SKN_ON_MAP) return;
    if (!skn_slice_eq(text_of(b, option), SKN_LIT("drop"))) return;
    skn_diags_add(b->diags,
                  SKN_CODE_NOT_FOR_THIS,
                  b->tree->literals[option->literal].span,
                  SKN_DIAG_ARGS(SKN_LIT("on_failure=\"drop\""),
                                SKN_LIT("MAP"),
                                skn_pty_unit_name(b, unit),
                                SKN_LIT("Elsewhere say \"continue\".")));
}

static void check_executor(struct skn_pty *b, uint32_t unit)
{
    static const char *const known[] = {"inline",
                                        "process",
                                        "worker",
                                        "remote",
                                        "http",
                                        "ThreadPoolExecutor",
                                        "ProcessPoolExecutor"};
    const struct skn_syn_option *option = find_option(b, &b->tree->units[unit], "executor");
    if (!option || b->tree->literals[option->literal].kind != SKN_LITERAL_STRING) return;
    const struct skn_literal *literal = &b->tree->literals[option->literal];
    if (!skn_option_is_met(b, SKN_RULE_EXECUTOR, literal)) return; /* reported */
    struct skn_slice name = text_of(b, option);
    struct skn_slice last = name; /* behind a dotted prefix, for the two older names */
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '.') last = skn_slice_from(name, i + 1);
    for (size_t i = 0; i < SKN_ARRAY_LEN(known); i++) {
        bool is_older = i >= 5;
        if (skn_slice_eq(is_older ? last : name, skn_slice_str(known[i]))) return;
    }
    skn_diags_add(b->diags,
                  b->project ? SKN_CODE_UNKNOWN_EXECUTOR : SKN_CODE_LONE_EXECUTOR,
                  b->tree->literals[option->literal].span,
                  SKN_DIAG_ARGS(name, skn_suggest_among(name, known, SKN_ARRAY_LEN(known))));
}

/* An event that is named in a string, or behind @on-failure; one of another source is not looked up. */
static void
check_named(struct skn_pty *b, struct skn_span span, const struct skn_event_words *event)
{
    enum skn_event_kind kind;
    bool has_name, is_local = skn_slice_eq(event->source, SKN_LIT("local"));
    if (event->source.len > 0 && !is_local) return;
    if (!is_local && skn_builtin_find(event->name, &kind) != SKN_NAME_UNKNOWN) return;
    if (skn_project_find_event(b->project, event->name, event->version, &has_name)) return;
    if (has_name) {
        skn_pty_unknown_version(b, span, event->name, event->version);
    } else if (b->project) {
        skn_diags_add(b->diags,
                      SKN_CODE_UNKNOWN_EVENT,
                      span,
                      SKN_DIAG_ARGS(event->name, skn_pty_nearest_event(b, event->name)));
    } else {
        skn_diags_add(b->diags, SKN_CODE_LONE_EVENT, span, SKN_DIAG_ARGS(event->name));
    }
}

static void check_compensate(struct skn_pty *b, uint32_t unit)
{
    struct skn_event_words event;
    const struct skn_syn_option *option = find_option(b, &b->tree->units[unit], "compensate");
    if (!option || b->tree->literals[option->literal].kind != SKN_LITERAL_STRING) return;
    if (skn_event_split(text_of(b, option), &event)) /* else it was reported */
        check_named(b, b->tree->literals[option->literal].span, &event);
}

/* The project's event of these words, or NULL. */
static const struct skn_event_def *event_of(const struct skn_pty *b,
                                            const struct skn_event_words *words)
{
    bool has_name;
    enum skn_event_kind kind;
    bool is_local = skn_slice_eq(words->source, SKN_LIT("local"));
    if (!b->project || (words->source.len > 0 && !is_local)) return NULL;
    if (!is_local && skn_builtin_find(words->name, &kind) != SKN_NAME_UNKNOWN) return NULL;
    return skn_project_find_event(b->project, words->name, words->version, &has_name);
}

const struct skn_event_def *
skn_pty_compensation(const struct skn_pty *b, uint32_t unit, bool *out_is_given)
{
    struct skn_event_words words;
    const struct skn_syn_option *option = find_option(b, &b->tree->units[unit], "compensate");
    *out_is_given = option != NULL;
    if (!option || b->tree->literals[option->literal].kind != SKN_LITERAL_STRING) return NULL;
    return skn_event_split(text_of(b, option), &words) ? event_of(b, &words) : NULL;
}

struct skn_span skn_pty_compensation_at(const struct skn_pty *b, uint32_t unit)
{
    const struct skn_syn_option *option = find_option(b, &b->tree->units[unit], "compensate");
    return b->tree->literals[option->literal].span;
}

static struct skn_event_words on_failure_words(const struct skn_pty *b)
{
    const struct skn_syn_event *used = &b->tree->on_failure;
    struct skn_event_words words = {.name = skn_pty_text(b, used->name)};
    if (used->source.end > 0) words.source = skn_pty_text(b, used->source);
    if (used->version.end > 0) words.version = skn_pty_text(b, used->version);
    return words;
}

const struct skn_event_def *skn_pty_on_failure(const struct skn_pty *b)
{
    if (b->tree->on_failure.name.end == 0) return NULL;
    struct skn_event_words words = on_failure_words(b);
    return event_of(b, &words);
}

static void check_on_failure(struct skn_pty *b)
{
    if (b->tree->on_failure.name.end == 0) return;
    struct skn_event_words words = on_failure_words(b);
    check_named(b, b->tree->on_failure.name, &words);
}

void skn_check_options(struct skn_pty *b)
{
    for (uint32_t unit = 0; unit < b->tree->unit_count; unit++) {
        if (b->tree->units[unit].option_count == 0) continue;
        uint8_t place = skn_option_place(b, unit);
        check_evaluate(b, unit, place);
        check_drop(b, unit, place);
        check_executor(b, unit);
        check_compensate(b, unit);
    }
    check_on_failure(b);
}
