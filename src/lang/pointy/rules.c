/* rules.c - what a unit is told by its options, decided for a run: attempts and their delays, which
 * failures are tried again, when a step has succeeded [F12] [F14] [F15] [F22]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/number.h"
#include "lang/pointy/options_internal.h"

#include "base/pure.h" /* last */

enum { JITTER_TRUE = 500 }; /* jitter=true: thousandths */

void skn_pty_bad_value(struct skn_pty *b,
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

bool skn_pty_duration(struct skn_pty *b,
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
        skn_pty_bad_value(
            b, name, literal, "at most 36500d, in whole milliseconds and without an exponent");
        return false;
    }
    if (ms == 0 && !may_be_zero) {
        skn_pty_bad_value(b, name, literal, "longer than nothing");
        return false;
    }
    *out_ms = ms;
    return true;
}

/* The rules of a unit, made when the first of them is told. */
static struct skn_graph_rules *rules_of(struct skn_pty *b, struct skn_graph_unit *unit)
{
    if (b->only_check) return &b->scratch_rules;
    if (unit->rules == SKN_GRAPH_NONE) unit->rules = b->graph->rules_count++;
    return &b->rules[unit->rules];
}

/* A number in thousandths, with a sign in front of it or none. */
static bool
milli_of(const struct skn_pty *b, const struct skn_literal *literal, uint64_t max, uint64_t *out)
{
    struct skn_slice text = skn_pty_text(b, literal->span);
    if (text.len > 0 && text.ptr[0] == '+') text = skn_slice_from(text, 1);
    return skn_number_milli(text, max, out) == SKN_NUMBER_OK;
}

static void apply_factor(struct skn_pty *b,
                         struct skn_graph_unit *to,
                         struct skn_slice name,
                         const struct skn_literal *literal)
{
    uint64_t milli;
    if (milli_of(b, literal, SKN_RETRY_FACTOR_MAX, &milli) && milli >= 1000)
        to->retry.factor_milli = (uint32_t)milli;
    else
        skn_pty_bad_value(
            b, name, literal, "from 1 to 1000, with at most three digits of fraction");
}

static void apply_jitter(struct skn_pty *b,
                         struct skn_graph_unit *to,
                         struct skn_slice name,
                         const struct skn_literal *literal)
{
    uint64_t milli = literal->number > 0 ? JITTER_TRUE : 0;
    if (literal->kind != SKN_LITERAL_BOOL && !milli_of(b, literal, 1000, &milli)) {
        skn_pty_bad_value(b, name, literal, "a fraction with at most three digits");
        return;
    }
    if (milli > 0) rules_of(b, to)->jitter_milli = (uint32_t)milli;
}

struct skn_slice skn_pty_reasons(struct skn_arena *arena, const struct skn_slice *names, uint32_t n)
{
    size_t len = 0;
    for (uint32_t i = 0; i < n; i++)
        len += names[i].len + 1;
    uint8_t *bytes = skn_arena_alloc(arena, len + 1), *at = bytes;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(at, names[i].ptr, names[i].len);
        at += names[i].len;
        *at++ = '\n';
    }
    return skn_slice(bytes, len);
}

/* An empty list says nothing: as if the option were not there. */
static struct skn_slice
reasons_of(struct skn_pty *b, struct skn_slice name, const struct skn_literal *list)
{
    uint32_t at = (uint32_t)(list - b->tree->literals), count = list->end - at - 1;
    struct skn_slice *names = skn_arena_zero(b->arena, (size_t)count + 1, sizeof *names);
    for (uint32_t i = 0; i < count; i++)
        names[i] = skn_pty_string_text(b, &b->tree->literals[at + 1 + i]);
    struct skn_slice text = skn_pty_reasons(b->arena, names, count);
    if (text.len <= SKN_RETRY_ON_MAX) return text;
    skn_pty_bad_value(b, name, list, "a list of at most 64 KiB");
    return (struct skn_slice){0};
}

static bool is_same_word(struct skn_slice text, const char *word)
{
    if (text.len != strlen(word)) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c >= 'a' && c <= 'z') c = (uint8_t)(c - ('a' - 'A'));
        if (c != (uint8_t)word[i]) return false;
    }
    return true;
}

/* The words of both options for it. */
static enum skn_evaluate evaluate_of(struct skn_slice text)
{
    static const char *const words[][2] = {
        [SKN_EVALUATE_ALL] = {"ALL", "ALL_MUST_SUCCEED"},
        [SKN_EVALUATE_ANY] = {"ANY", "ANY_MUST_SUCCEED"},
        [SKN_EVALUATE_MAJORITY] = {"MAJORITY", "MAJORITY_MUST_SUCCEED"},
        [SKN_EVALUATE_NONE_FAILED] = {"NONE_FAILED", "NO_FAILURES_ALLOWED"},
    };
    for (unsigned i = 0; i < SKN_ARRAY_LEN(words); i++)
        if (words[i][0] && (is_same_word(text, words[i][0]) || is_same_word(text, words[i][1])))
            return (enum skn_evaluate)i;
    return SKN_EVALUATE_AT_LEAST;
}

/* It decides over the steps of a group; that it says nothing elsewhere was reported. */
static void apply_evaluate(struct skn_pty *b,
                           uint32_t unit,
                           struct skn_graph_unit *to,
                           const struct skn_literal *literal)
{
    struct skn_slice text = skn_pty_string_text(b, literal);
    enum skn_evaluate evaluate = evaluate_of(text);
    if (skn_option_place(b, unit) != SKN_ON_GROUP || evaluate == SKN_EVALUATE_ALL) return;
    rules_of(b, to)->evaluate = evaluate;
    if (evaluate == SKN_EVALUATE_AT_LEAST) rules_of(b, to)->at_least = skn_option_at_least(text);
}

/* After an error, or after any end, no further attempt starts: then there is one [F22]. After an
 * exception: that reason is never tried again. */
static void apply_stop(struct skn_pty *b, const struct skn_literal *literal)
{
    struct skn_slice text = skn_pty_string_text(b, literal);
    if (is_same_word(text, "ON_ERROR") || is_same_word(text, "ON_ANY"))
        b->told.stops_on_error = true;
    if (is_same_word(text, "ON_EXCEPTION")) b->told.stops_on_exception = true;
}

static void apply_attempts(struct skn_pty *b,
                           uint32_t unit,
                           struct skn_graph_unit *to,
                           struct skn_slice name,
                           const struct skn_literal *literal)
{
    if (literal->number > SKN_ATTEMPTS_MAX) {
        skn_pty_bad_value(b, name, literal, "at most 1000000");
        return;
    }
    /* 0 and 1 mean one attempt; `* N` overrides the option [F15]. */
    if (b->tree->units[unit].attempts == 0)
        to->retry.attempts = literal->number > 1 ? (uint32_t)literal->number : 1;
}

void skn_pty_apply(struct skn_pty *b,
                   uint32_t unit,
                   const struct skn_option_rule *rule,
                   const struct skn_literal *literal)
{
    struct skn_graph_unit *to = skn_pty_unit(b, unit);
    struct skn_slice name = skn_slice_str(rule->name);
    uint64_t ms;
    switch (rule->built) {
    case SKN_BUILT_TIMEOUT:
        (void)skn_pty_duration(b, name, literal, false, &to->timeout_ms);
        return;
    case SKN_BUILT_RETRIES: apply_attempts(b, unit, to, name, literal); return;
    case SKN_BUILT_DEADLINE:
        if (skn_pty_duration(b, name, literal, false, &ms)) rules_of(b, to)->deadline_ms = ms;
        return;
    case SKN_BUILT_BACKOFF:
        (void)skn_pty_duration(b, name, literal, true, &to->retry.backoff_ms);
        return;
    case SKN_BUILT_FACTOR: apply_factor(b, to, name, literal); return;
    case SKN_BUILT_MAX: (void)skn_pty_duration(b, name, literal, false, &to->retry.max_ms); return;
    case SKN_BUILT_JITTER: apply_jitter(b, to, name, literal); return;
    case SKN_BUILT_RETRY_ON:
        b->told.has_retry_on = true; /* an empty list is all, whatever the event says */
        if (literal->end > 1 + (uint32_t)(literal - b->tree->literals))
            rules_of(b, to)->retry_on = reasons_of(b, name, literal);
        return;
    case SKN_BUILT_NO_RETRY_ON:
        if (literal->end > 1 + (uint32_t)(literal - b->tree->literals))
            rules_of(b, to)->no_retry_on = reasons_of(b, name, literal);
        return;
    case SKN_BUILT_EVALUATE: apply_evaluate(b, unit, to, literal); return;
    case SKN_BUILT_ON_FAILURE:
        if (skn_slice_eq(skn_pty_string_text(b, literal), SKN_LIT("continue")))
            rules_of(b, to)->continues = true;
        return;
    case SKN_BUILT_STOP: apply_stop(b, literal); return;
    case SKN_BUILT_FAIL_FAST:
        if (literal->number > 0) rules_of(b, to)->fails_fast = true;
        return;
    case SKN_BUILT_CANCEL_REST:
        if (literal->number == 0) rules_of(b, to)->keeps_rest = true;
        return;
    case SKN_BUILT_NOT:
    default: SKN_ASSERT(false);
    }
}

void skn_pty_decide(struct skn_pty *b, uint32_t unit)
{
    const struct skn_pty_told told = b->told;
    b->told = (struct skn_pty_told){0};
    if (b->only_check) return;
    struct skn_graph_unit *to = &b->units[unit];
    if (to->event != SKN_GRAPH_NONE && !told.has_retry_on && b->events[to->event].retry_on.len > 0)
        rules_of(b, to)->retry_on = b->events[to->event].retry_on;
    if (told.stops_on_error) to->retry.attempts = 1;
    if (told.stops_on_exception && to->retry.attempts > 1) {
        struct skn_graph_rules *rules = rules_of(b, to);
        struct skn_slice more = SKN_LIT("exception\n");
        if (rules->no_retry_on.len + more.len > SKN_RETRY_ON_MAX) return;
        rules->no_retry_on = skn_slice_str(
            skn_arena_printf(b->arena, "%.*s%.*s", SKN_FMT(rules->no_retry_on), SKN_FMT(more)));
    }
}
