/* options.c - what the options of a unit mean [F22], and those of built-ins [F18]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/build_internal.h"
#include "lang/pointy/number_internal.h"

#include "base/pure.h" /* last */

enum value_rule {
    RULE_DURATION, /* or a number of seconds */
    RULE_WHOLE,    /* not negative */
    RULE_NUMBER,   /* not negative */
    RULE_JITTER,   /* bool or fraction */
    RULE_STRINGS,
    RULE_EVALUATE,
    RULE_STRATEGY,
    RULE_ON_FAILURE,
    RULE_STOP,
    RULE_STRING,
    RULE_GPU, /* bool or whole */
    RULE_RATE,
    RULE_BOOL,
};

struct option_rule {
    const char *name;
    enum value_rule rule;
    const char *same_as; /* the option that this is another name of */
    bool is_built;
};

static const struct option_rule rules[] = {
    {"timeout", RULE_DURATION, NULL, true},
    {"retries", RULE_WHOLE, NULL, true},
    {"retry_attempts", RULE_WHOLE, "retries", true},
    {"deadline", RULE_DURATION, NULL, false},
    {"backoff", RULE_DURATION, NULL, false},
    {"backoff_factor", RULE_NUMBER, NULL, false},
    {"backoff_max", RULE_DURATION, NULL, false},
    {"jitter", RULE_JITTER, NULL, false},
    {"retry_on", RULE_STRINGS, NULL, false},
    {"no_retry_on", RULE_STRINGS, NULL, false},
    {"evaluate", RULE_EVALUATE, NULL, false},
    {"result_evaluation_strategy", RULE_STRATEGY, "evaluate", false},
    {"on_failure", RULE_ON_FAILURE, NULL, false},
    {"stop_condition", RULE_STOP, NULL, false},
    {"executor", RULE_STRING, NULL, false},
    {"node", RULE_STRING, NULL, false},
    {"gpu", RULE_GPU, NULL, false},
    {"priority", RULE_WHOLE, NULL, false},
    {"concurrency_key", RULE_STRING, NULL, false},
    {"concurrency", RULE_WHOLE, NULL, false},
    {"rate", RULE_RATE, NULL, false},
    {"cache", RULE_DURATION, NULL, false},
    {"compensate", RULE_STRING, NULL, false},
    {"fail_fast", RULE_BOOL, NULL, false},
    {"cancel_rest", RULE_BOOL, NULL, false},
    {"exports", RULE_STRINGS, NULL, false},
};

static const struct option_rule *find_rule(struct skn_slice name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(rules); i++)
        if (skn_slice_eq(name, skn_slice_str(rules[i].name))) return &rules[i];
    return NULL;
}

static bool is_word_among(struct skn_slice text, const char *const *words, bool any_case)
{
    for (; *words; words++) {
        if (text.len != strlen(*words)) continue;
        size_t same = 0;
        while (same < text.len) {
            uint8_t c = text.ptr[same];
            if (any_case && c >= 'a' && c <= 'z') c = (uint8_t)(c - ('a' - 'A'));
            if (c != (uint8_t)(*words)[same]) break;
            same++;
        }
        if (same == text.len) return true;
    }
    return false;
}

static bool is_at_least(struct skn_slice text)
{
    uint64_t n;
    struct skn_slice prefix = SKN_LIT("at_least=");
    return skn_slice_has_prefix(text, prefix) &&
           skn_number_whole(skn_slice_from(text, prefix.len), UINT32_MAX, &n) == SKN_NUMBER_OK &&
           n > 0;
}

/* What a rule wants, as an error says it. */
static const char *wanted(enum value_rule rule)
{
    static const char *const texts[] = {
        [RULE_DURATION] = "a duration such as 30s, or a number of seconds",
        [RULE_WHOLE] = "a whole number, not negative",
        [RULE_NUMBER] = "a number, not negative",
        [RULE_JITTER] = "true, false or a fraction from 0 to 1",
        [RULE_STRINGS] = "a list of strings",
        [RULE_EVALUATE] = "\"all\", \"any\", \"majority\", \"none_failed\" or \"at_least=N\"",
        [RULE_STRATEGY] = "ALL_, ANY_ or MAJORITY_MUST_SUCCEED, or NO_FAILURES_ALLOWED",
        [RULE_ON_FAILURE] = "\"fail\", \"continue\" or, for MAP, \"drop\"",
        [RULE_STOP] = "\"NEVER\", \"ON_ERROR\", \"ON_SUCCESS\", \"ON_EXCEPTION\" or \"ON_ANY\"",
        [RULE_STRING] = "a string",
        [RULE_GPU] = "true, false or a whole number",
        [RULE_RATE] = "a string such as \"10/s\", or a number per second",
        [RULE_BOOL] = "true or false",
    };
    return texts[rule];
}

static bool is_number(const struct skn_literal *literal)
{
    if (literal->kind == SKN_LITERAL_INT) return (int64_t)literal->number >= 0;
    return literal->kind == SKN_LITERAL_FLOAT;
}

static bool are_strings(const struct skn_pty *b, const struct skn_literal *list)
{
    if (list->kind != SKN_LITERAL_LIST) return false;
    uint32_t at = (uint32_t)(list - b->tree->literals);
    for (uint32_t i = at + 1; i < list->end; i++)
        if (b->tree->literals[i].kind != SKN_LITERAL_STRING) return false;
    return true;
}

static bool
is_word_rule_met(const struct skn_pty *b, enum value_rule rule, const struct skn_literal *literal)
{
    static const char *const evaluate[] = {"all", "any", "majority", "none_failed", NULL};
    static const char *const strategy[] = {"ALL_MUST_SUCCEED",
                                           "ANY_MUST_SUCCEED",
                                           "MAJORITY_MUST_SUCCEED",
                                           "NO_FAILURES_ALLOWED",
                                           NULL};
    static const char *const on_failure[] = {"fail", "continue", "drop", NULL};
    static const char *const stop[] = {
        "NEVER", "ON_ERROR", "ON_SUCCESS", "ON_EXCEPTION", "ON_ANY", NULL};
    struct skn_slice text;
    if (literal->kind != SKN_LITERAL_STRING) return false;
    if (!skn_pty_string(b, literal, false, &text)) return false;
    if (rule == RULE_EVALUATE) return is_word_among(text, evaluate, false) || is_at_least(text);
    if (rule == RULE_STRATEGY) return is_word_among(text, strategy, true);
    if (rule == RULE_ON_FAILURE) return is_word_among(text, on_failure, false);
    return is_word_among(text, stop, true);
}

static bool
is_rule_met(const struct skn_pty *b, enum value_rule rule, const struct skn_literal *literal)
{
    switch (rule) {
    case RULE_DURATION: return literal->kind == SKN_LITERAL_DURATION || is_number(literal);
    case RULE_WHOLE: return literal->kind == SKN_LITERAL_INT && is_number(literal);
    case RULE_NUMBER: return is_number(literal);
    case RULE_JITTER: return literal->kind == SKN_LITERAL_BOOL || is_number(literal);
    case RULE_STRINGS: return are_strings(b, literal);
    case RULE_STRING: return literal->kind == SKN_LITERAL_STRING;
    case RULE_GPU:
        return literal->kind == SKN_LITERAL_BOOL ||
               (literal->kind == SKN_LITERAL_INT && is_number(literal));
    case RULE_RATE: return literal->kind == SKN_LITERAL_STRING || is_number(literal);
    case RULE_BOOL: return literal->kind == SKN_LITERAL_BOOL;
    case RULE_EVALUATE:
    case RULE_STRATEGY:
    case RULE_ON_FAILURE:
    case RULE_STOP: return is_word_rule_met(b, rule, literal);
    default: SKN_ASSERT(false); return false;
    }
}

static void bad_value(struct skn_pty *b,
                      struct skn_slice name,
                      const struct skn_literal *literal,
                      const char *want)
{
    struct skn_slice found = skn_slice_str(skn_literal_name(literal));
    if (literal->kind != SKN_LITERAL_LIST && literal->span.end - literal->span.start <= 60)
        found = skn_pty_text(b, literal->span);
    if (literal->kind == SKN_LITERAL_BAD) return;
    skn_diags_add(b->diags,
                  SKN_CODE_BAD_VALUE,
                  literal->span,
                  SKN_DIAG_ARGS(name, skn_slice_str(want), found));
}

/* The milliseconds of a duration or a number of seconds; false when reported. */
static bool duration_of(struct skn_pty *b,
                        struct skn_slice name,
                        const struct skn_literal *literal,
                        bool may_be_zero,
                        uint64_t *out_ms)
{
    uint64_t ms = literal->number;
    enum skn_number_result result = SKN_NUMBER_OK;
    if (literal->kind != SKN_LITERAL_DURATION) {
        struct skn_slice text = skn_pty_text(b, literal->span);
        if (text.ptr[0] == '+') text = skn_slice_from(text, 1);
        result = skn_number_seconds(text, &ms);
    }
    if (result != SKN_NUMBER_OK) {
        bad_value(
            b, name, literal, "at most 36500d, in whole milliseconds and without an exponent");
        return false;
    }
    if (ms == 0 && !may_be_zero) {
        bad_value(b, name, literal, "longer than nothing");
        return false;
    }
    *out_ms = ms;
    return true;
}

static void apply_built(struct skn_pty *b,
                        uint32_t unit,
                        const struct option_rule *rule,
                        const struct skn_literal *literal)
{
    struct skn_graph_unit *to = &b->units[unit];
    struct skn_slice name = skn_slice_str(rule->name);
    if (rule->rule == RULE_DURATION) {
        (void)duration_of(b, name, literal, false, &to->timeout_ms);
        return;
    }
    if (literal->number > SKN_ATTEMPTS_MAX) {
        bad_value(b, name, literal, "at most 1000000");
        return;
    }
    /* 0 and 1 mean one attempt; `* N` overrides the option [F15]. */
    if (b->tree->units[unit].attempts == 0)
        to->retry.attempts = literal->number > 1 ? (uint32_t)literal->number : 1;
}

static void apply_rule(struct skn_pty *b,
                       uint32_t unit,
                       const struct option_rule *rule,
                       const struct skn_syn_option *option)
{
    const struct skn_literal *literal = &b->tree->literals[option->literal];
    if (literal->kind == SKN_LITERAL_BAD) return;
    if (!is_rule_met(b, rule->rule, literal)) {
        bad_value(b, skn_slice_str(rule->name), literal, wanted(rule->rule));
        return;
    }
    if (rule->is_built) {
        apply_built(b, unit, rule, literal);
        return;
    }
    struct skn_span span = {option->name.start, literal->span.end};
    const char *what = skn_arena_printf(b->arena, "the option \"%s\"", rule->name);
    skn_diags_add(b->diags, SKN_CODE_NOT_YET, span, SKN_DIAG_ARGS(skn_slice_str(what)));
}

static const struct skn_field *find_field(const struct skn_event_def *def, struct skn_slice name)
{
    for (uint32_t i = 0; i < def->input_count; i++)
        if (skn_slice_eq(name, def->inputs[i].name)) return &def->inputs[i];
    return NULL;
}

static struct skn_slice nearest_option(struct skn_slice name, const struct skn_event_def *def)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (uint32_t i = 0; def && i < def->input_count; i++)
        skn_suggest_offer(&suggest, def->inputs[i].name);
    for (size_t i = 0; i < SKN_ARRAY_LEN(rules); i++)
        skn_suggest_offer(&suggest, skn_slice_str(rules[i].name));
    return suggest.best;
}

static void unknown_option(struct skn_pty *b,
                           uint32_t unit,
                           struct skn_span span,
                           const struct skn_event_def *def)
{
    struct skn_slice name = skn_pty_text(b, span);
    skn_diags_add(b->diags,
                  SKN_CODE_UNKNOWN_OPTION,
                  span,
                  SKN_DIAG_ARGS(skn_pty_unit_name(b, unit), name, nearest_option(name, def)));
}

/* name=literal as an input of a project's event. */
static void
apply_input(struct skn_pty *b, uint32_t unit, const struct skn_field *field, uint32_t at)
{
    const struct skn_literal *literal = &b->tree->literals[at];
    if (!skn_literal_fits(literal, field->type)) {
        const char *want = skn_arena_printf(b->arena, "of type %s", skn_type_name(field->type));
        bad_value(b, field->name, literal, want);
        return;
    }
    struct skn_slice value;
    if (!skn_pty_value(b, at, true, &value)) return;
    struct skn_graph_unit *to = &b->units[unit];
    if (to->value_count == 0) to->first_value = b->graph->value_count;
    b->values[b->graph->value_count++] =
        (struct skn_graph_value){.name = skn_arena_dup(b->arena, field->name), .value = value};
    to->value_count++;
}

/* reason= of Fail, for= of Sleep. */
static bool apply_builtin(struct skn_pty *b,
                          uint32_t unit,
                          enum skn_event_kind kind,
                          const struct skn_syn_option *option)
{
    struct skn_slice name = skn_pty_text(b, option->name);
    const struct skn_literal *literal = &b->tree->literals[option->literal];
    struct skn_graph_unit *to = &b->units[unit];
    if (kind == SKN_EVENT_FAIL && skn_slice_eq(name, SKN_LIT("reason"))) {
        if (literal->kind != SKN_LITERAL_STRING) {
            bad_value(b, name, literal, "a string");
        } else {
            (void)skn_pty_string(b, literal, true, &to->reason);
        }
        return true;
    }
    if (kind == SKN_EVENT_SLEEP && skn_slice_eq(name, SKN_LIT("for"))) {
        if (!is_rule_met(b, RULE_DURATION, literal)) {
            bad_value(b, name, literal, wanted(RULE_DURATION));
        } else {
            (void)duration_of(b, name, literal, true, &to->sleep_ms);
        }
        return true;
    }
    if (kind == SKN_EVENT_SLEEP && skn_slice_eq(name, SKN_LIT("until"))) {
        skn_diags_add(b->diags,
                      SKN_CODE_NOT_YET,
                      option->name,
                      SKN_DIAG_ARGS(SKN_LIT("the option \"until\" of Sleep")));
        return true;
    }
    return false;
}

/* An option that is none of [F22]: an input of the event, or unknown. */
static void apply_other(struct skn_pty *b, uint32_t unit, const struct skn_syn_option *option)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    if (from->kind == SKN_SYN_GROUP) {
        unknown_option(b, unit, option->name, NULL);
        return;
    }
    if (from->kind != SKN_SYN_EVENT) return; /* calls are refused whole */
    uint32_t event = b->units[unit].event;
    const struct skn_event_def *def = &b->events[event];
    struct skn_slice name = skn_pty_text(b, option->name);
    const struct skn_field *field;
    switch (b->event_kinds[event]) {
    case SKN_NAME_BUILTIN:
        if (!apply_builtin(b, unit, def->kind, option)) unknown_option(b, unit, option->name, NULL);
        return;
    case SKN_NAME_PROJECT:
        field = find_field(def, name);
        if (!field) {
            unknown_option(b, unit, option->name, def);
        } else {
            apply_input(b, unit, field, option->literal);
        }
        return;
    case SKN_NAME_UNKNOWN:
        if (b->project) return; /* the event was reported */
        skn_diags_add(b->diags,
                      SKN_CODE_LONE_OPTION,
                      option->name,
                      SKN_DIAG_ARGS(name, def->name, nearest_option(name, NULL)));
        return;
    case SKN_NAME_BUILTIN_LATER:
    default: return;
    }
}

static struct skn_slice canonical_name(struct skn_slice name)
{
    const struct option_rule *rule = find_rule(name);
    return rule && rule->same_as ? skn_slice_str(rule->same_as) : name;
}

static bool is_given_before(const struct skn_pty *b, const struct skn_syn_unit *unit, uint32_t at)
{
    struct skn_slice name = canonical_name(skn_pty_text(b, b->tree->options[at].name));
    for (uint32_t i = unit->first_option; i < at; i++) {
        struct skn_slice other = skn_pty_text(b, b->tree->options[i].name);
        if (skn_slice_eq(name, canonical_name(other))) return true;
    }
    return false;
}

static void require_options(struct skn_pty *b, uint32_t unit)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    uint32_t event = b->units[unit].event;
    if (from->kind != SKN_SYN_EVENT || b->events[event].kind != SKN_EVENT_SLEEP) return;
    for (uint32_t i = 0; i < from->option_count; i++) {
        struct skn_slice name = skn_pty_text(b, b->tree->options[from->first_option + i].name);
        if (skn_slice_eq(name, SKN_LIT("for")) || skn_slice_eq(name, SKN_LIT("until"))) return;
    }
    skn_diags_add(
        b->diags,
        SKN_CODE_MISSING_OPTION,
        from->span,
        SKN_DIAG_ARGS(SKN_LIT("Sleep"), SKN_LIT("for"), SKN_LIT("Write Sleep[for=30s].")));
}

void skn_pty_options(struct skn_pty *b)
{
    for (uint32_t unit = 0; unit < b->tree->unit_count; unit++) {
        const struct skn_syn_unit *from = &b->tree->units[unit];
        for (uint32_t i = 0; i < from->option_count; i++) {
            const struct skn_syn_option *option = &b->tree->options[from->first_option + i];
            struct skn_slice name = skn_pty_text(b, option->name);
            const struct option_rule *rule = find_rule(name);
            if (is_given_before(b, from, from->first_option + i)) {
                struct skn_slice same = canonical_name(name);
                const char *hint = skn_slice_eq(name, same)
                                       ? ""
                                       : skn_arena_printf(b->arena,
                                                          "It is another name of \"%.*s\".",
                                                          SKN_FMT(same));
                skn_diags_add(b->diags,
                              SKN_CODE_OPTION_TWICE,
                              option->name,
                              SKN_DIAG_ARGS(name, skn_slice_str(hint)));
            } else if (rule) {
                apply_rule(b, unit, rule, option);
            } else {
                apply_other(b, unit, option);
            }
        }
        require_options(b, unit);
    }
}
