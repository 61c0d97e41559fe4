/* option_rules.c - the table of options and which values each takes [F14] [F15] [F17] [F22]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/number.h"
#include "lang/pointy/options_internal.h"
#include "value/real.h"

#include "base/pure.h" /* last */

/* clang-format off */
static const struct skn_option_rule rules[] = {
    {"timeout",         SKN_RULE_DURATION,   NULL, SKN_BUILT_TIMEOUT, SKN_ON_ALL, "The longest one attempt may take; then it is a failure."},
    {"deadline",        SKN_RULE_DURATION,   NULL, SKN_BUILT_DEADLINE, SKN_ON_ALL, "The longest all attempts and the waits between them may take."},
    {"retries",         SKN_RULE_WHOLE,      NULL, SKN_BUILT_RETRIES, SKN_ON_ALL, "Attempts in all, as * N; 0 and 1 mean one."},
    {"retry_attempts",  SKN_RULE_WHOLE, "retries", SKN_BUILT_RETRIES, SKN_ON_ALL, "Another name of retries."},
    {"backoff",         SKN_RULE_DURATION,   NULL, SKN_BUILT_BACKOFF, SKN_ON_ALL, "The wait before the second attempt."},
    {"backoff_factor",  SKN_RULE_NUMBER,     NULL, SKN_BUILT_FACTOR, SKN_ON_ALL, "How much longer each further wait is."},
    {"backoff_max",     SKN_RULE_DURATION,   NULL, SKN_BUILT_MAX, SKN_ON_ALL, "The longest wait between attempts."},
    {"jitter",          SKN_RULE_JITTER,     NULL, SKN_BUILT_JITTER, SKN_ON_ALL, "Spreads the waits, so that not all come at once."},
    {"retry_on",        SKN_RULE_FAILURES,   NULL, SKN_BUILT_RETRY_ON, SKN_ON_ALL, "Only these failures are tried again: \"timeout\", \"exit:75\"."},
    {"no_retry_on",     SKN_RULE_FAILURES,   NULL, SKN_BUILT_NO_RETRY_ON, SKN_ON_ALL, "These failures are not tried again."},
    {"evaluate",        SKN_RULE_EVALUATE,   NULL, SKN_BUILT_EVALUATE, SKN_ON_ALL, "When units beside each other have succeeded together."},
    {"result_evaluation_strategy", SKN_RULE_STRATEGY, "evaluate", SKN_BUILT_EVALUATE, SKN_ON_ALL, "The older name of evaluate."},
    {"on_failure",      SKN_RULE_ON_FAILURE, NULL, SKN_BUILT_ON_FAILURE, SKN_ON_ALL, "\"continue\": a failure that no branch took counts as handled."},
    {"stop_condition",  SKN_RULE_STOP,       NULL, SKN_BUILT_STOP, SKN_ON_ALL, "After which end no further attempt or child starts."},
    {"executor",        SKN_RULE_EXECUTOR,   NULL, SKN_BUILT_NOT, SKN_ON_ALL, "Where it runs: inline, process, worker, remote, http."},
    {"node",            SKN_RULE_STRING,     NULL, SKN_BUILT_NOT, SKN_ON_ALL, "The node that it must run on."},
    {"gpu",             SKN_RULE_GPU,        NULL, SKN_BUILT_NOT, SKN_ON_ALL, "Whether it needs a GPU, or how many."},
    {"priority",        SKN_RULE_WHOLE,      NULL, SKN_BUILT_NOT, SKN_ON_ALL, "What goes first when not everything can."},
    {"concurrency_key", SKN_RULE_STRING,     NULL, SKN_BUILT_NOT, SKN_ON_ALL, "Units of all runs with this key share one limit."},
    {"concurrency",     SKN_RULE_WHOLE,      NULL, SKN_BUILT_NOT, SKN_ON_ALL, "How many with the same key run at once."},
    {"rate",            SKN_RULE_RATE,       NULL, SKN_BUILT_NOT, SKN_ON_ALL, "How many may start in a second, minute, hour or day: \"10/s\"."},
    {"cache",           SKN_RULE_DURATION,   NULL, SKN_BUILT_NOT, SKN_ON_ALL & ~SKN_ON_GROUP, "How long a success is used again for equal inputs."},
    {"compensate",      SKN_RULE_COMPENSATE, NULL, SKN_BUILT_NOT, SKN_ON_ALL, "The event that undoes this one when what is around it fails later."},
    {"fail_fast",       SKN_RULE_BOOL,       NULL, SKN_BUILT_FAIL_FAST, SKN_ON_ALL, "The first failure ends what stands beside it."},
    {"cancel_rest",     SKN_RULE_BOOL,       NULL, SKN_BUILT_CANCEL_REST, SKN_ON_ALL, "false: what is not needed any more may end by itself."},
    {"exports",         SKN_RULE_NAMES,      NULL, SKN_BUILT_NOT, SKN_ON_GROUP, "The variables of a group that outlive it."},
    {"size",            SKN_RULE_WHOLE,      NULL, SKN_BUILT_NOT, SKN_ON_MAP, "Items that one child gets at a time, as a list."},
    {"parallel",        SKN_RULE_PARALLEL,   NULL, SKN_BUILT_NOT, SKN_ON_MAP | SKN_ON_FILTER, "How many children run at once; 64 when it is not given."},
    {"max_failures",    SKN_RULE_WHOLE,      NULL, SKN_BUILT_NOT, SKN_ON_LISTS, "How many items may fail before the whole does."},
    {"initial",         SKN_RULE_ANY,        NULL, SKN_BUILT_NOT, SKN_ON_REDUCE, "What a fold begins with."},
    {"over",            SKN_RULE_OVER,       NULL, SKN_BUILT_NOT, SKN_ON_LISTS, "A file or folder with the items, instead of a piped list."},
};
/* clang-format on */

const struct skn_option_rule *skn_option_find(struct skn_slice name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(rules); i++)
        if (skn_slice_eq(name, skn_slice_str(rules[i].name))) return &rules[i];
    return NULL;
}

const struct skn_option_rule *skn_option_at(size_t index)
{
    return index < SKN_ARRAY_LEN(rules) ? &rules[index] : NULL;
}

uint8_t skn_option_place(const struct skn_pty *b, uint32_t unit)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    if (from->kind == SKN_SYN_GROUP) return SKN_ON_GROUP;
    if (from->kind != SKN_SYN_CALL) return SKN_ON_EVENT;
    switch (skn_pty_call(b->source, from)) {
    case SKN_CALL_MAP: return SKN_ON_MAP;
    case SKN_CALL_FILTER: return SKN_ON_FILTER;
    case SKN_CALL_REDUCE: return SKN_ON_REDUCE;
    case SKN_CALL_FLOW: return SKN_ON_FLOW;
    case SKN_CALL_NONE:
    default: return SKN_ON_EVENT;
    }
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

uint32_t skn_option_at_least(struct skn_slice text)
{
    uint64_t n;
    struct skn_slice prefix = SKN_LIT("at_least=");
    if (!skn_slice_has_prefix(text, prefix)) return 0;
    if (skn_number_whole(skn_slice_from(text, prefix.len), UINT32_MAX, &n) != SKN_NUMBER_OK)
        return 0;
    return (uint32_t)n;
}

const char *skn_option_wanted(enum skn_option_rule_kind rule)
{
    static const char *const texts[] = {
        [SKN_RULE_DURATION] = "a duration such as 30s, or a number of seconds",
        [SKN_RULE_WHOLE] = "a whole number, not negative",
        [SKN_RULE_NUMBER] = "a number, not negative",
        [SKN_RULE_JITTER] = "true, false or a fraction from 0 to 1",
        [SKN_RULE_FAILURES] = "a list of failures such as [\"timeout\", \"exit:75\"]",
        [SKN_RULE_NAMES] = "a list of names such as [\"charge_id\"]",
        [SKN_RULE_EVALUATE] = "\"all\", \"any\", \"majority\", \"none_failed\" or \"at_least=N\"",
        [SKN_RULE_STRATEGY] = "ALL_, ANY_ or MAJORITY_MUST_SUCCEED, or NO_FAILURES_ALLOWED",
        [SKN_RULE_ON_FAILURE] = "\"fail\", \"continue\" or, for MAP, \"drop\"",
        [SKN_RULE_STOP] = "\"NEVER\", \"ON_ERROR\", \"ON_SUCCESS\", \"ON_EXCEPTION\" or \"ON_ANY\"",
        [SKN_RULE_STRING] = "a string",
        [SKN_RULE_GPU] = "true, false or a whole number",
        [SKN_RULE_RATE] = "a string such as \"10/s\", or a number per second",
        [SKN_RULE_BOOL] = "true or false",
        [SKN_RULE_ANY] = "a value",
        [SKN_RULE_OVER] = "a string such as \"@items.jsonl\"",
        [SKN_RULE_PARALLEL] = "a whole number from 1 to 10000",
        [SKN_RULE_EXECUTOR] = "the name of an executor as a string",
        [SKN_RULE_COMPENSATE] = "the name of an event as a string",
    };
    return texts[rule];
}

static bool is_whole(const struct skn_literal *literal)
{
    return literal->kind == SKN_LITERAL_INT && (int64_t)literal->number >= 0;
}

static bool is_number(const struct skn_pty *b, const struct skn_literal *literal)
{
    if (literal->kind == SKN_LITERAL_INT) return is_whole(literal);
    return literal->kind == SKN_LITERAL_FLOAT &&
           b->source->text.ptr[literal->span.start] != (uint8_t)'-';
}

static bool is_fraction(const struct skn_pty *b, const struct skn_literal *literal)
{
    double real;
    if (literal->kind == SKN_LITERAL_INT) return literal->number <= 1;
    return is_number(b, literal) &&
           skn_real_parse(skn_pty_text(b, literal->span), &real) == SKN_OK && real <= 1.0;
}

/* "10/s", "2.5/m". */
static bool is_rate(struct skn_slice text)
{
    const uint8_t *slash = memchr(text.ptr ? text.ptr : (const uint8_t *)"", '/', text.len);
    if (!slash) return false;
    struct skn_slice count = skn_slice(text.ptr, (size_t)(slash - text.ptr));
    struct skn_slice per = skn_slice_from(text, count.len + 1);
    uint64_t milli;
    if (skn_number_milli(count, INT64_MAX / 1000, &milli) != SKN_NUMBER_OK || milli == 0)
        return false;
    return per.len == 1 && strchr("smhd", per.ptr[0]) != NULL && per.ptr[0] != 0;
}

/* A word such as timeout, or exit:N. */
bool skn_is_failure_name(struct skn_slice text)
{
    uint64_t n;
    struct skn_slice prefix = SKN_LIT("exit:");
    if (skn_slice_has_prefix(text, prefix))
        return skn_number_whole(skn_slice_from(text, prefix.len), 255, &n) == SKN_NUMBER_OK;
    return skn_is_name(text);
}

static bool is_string_met(const struct skn_pty *b,
                          const struct skn_literal *literal,
                          bool (*fn)(struct skn_slice))
{
    if (literal->kind != SKN_LITERAL_STRING) return false;
    return fn(skn_pty_string_text(b, literal));
}

/* A word of a configuration, dotted or not: it takes no ${..} [F19]. */
static bool is_executor(struct skn_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                       c == '_' || c == '-' || c == '.' || c >= 0x80;
        if (!is_word) return false;
    }
    return text.len > 0;
}

bool skn_event_split(struct skn_slice text, struct skn_event_words *out)
{
    static const char *const sources[] = {"local", "hub", "pypi", "npm", "git"};
    uint32_t parts[3];
    *out = (struct skn_event_words){.name = text};
    for (size_t i = 0; i < SKN_ARRAY_LEN(sources); i++) {
        struct skn_slice source = skn_slice_str(sources[i]);
        if (!skn_slice_has_prefix(text, source) || text.len == source.len ||
            text.ptr[source.len] != ':')
            continue;
        out->source = source;
        out->name = skn_slice_from(text, source.len + 1);
    }
    for (size_t i = 0; i < out->name.len; i++) {
        if (out->name.ptr[i] != '@') continue;
        out->version = skn_slice_from(out->name, i + 1);
        out->name = skn_slice(out->name.ptr, i);
        if (!skn_slice_eq(out->version, SKN_LIT("latest")) &&
            skn_number_version(out->version, parts) != SKN_NUMBER_OK)
            return false;
    }
    return skn_is_name(out->name) && !skn_is_reserved(out->name);
}

static bool is_event(struct skn_slice text)
{
    struct skn_event_words words;
    return skn_event_split(text, &words);
}

static bool any_text(struct skn_slice text)
{
    return text.len < SKN_SOURCE_BYTES_MAX;
}

static bool
are_strings(const struct skn_pty *b, const struct skn_literal *list, bool (*fn)(struct skn_slice))
{
    if (list->kind != SKN_LITERAL_LIST) return false;
    uint32_t at = (uint32_t)(list - b->tree->literals);
    for (uint32_t i = at + 1; i < list->end; i++)
        if (!is_string_met(b, &b->tree->literals[i], fn)) return false;
    return true;
}

static bool is_over(struct skn_slice text)
{
    return text.len > 1 && text.ptr[0] == '@';
}

static bool is_evaluate(struct skn_slice text)
{
    static const char *const words[] = {"all", "any", "majority", "none_failed", NULL};
    return is_word_among(text, words, false) || skn_option_at_least(text) > 0;
}

static bool is_strategy(struct skn_slice text)
{
    static const char *const words[] = {"ALL_MUST_SUCCEED",
                                        "ANY_MUST_SUCCEED",
                                        "MAJORITY_MUST_SUCCEED",
                                        "NO_FAILURES_ALLOWED",
                                        NULL};
    return is_word_among(text, words, true);
}

static bool is_on_failure(struct skn_slice text)
{
    static const char *const words[] = {"fail", "continue", "drop", NULL};
    return is_word_among(text, words, false);
}

static bool is_stop(struct skn_slice text)
{
    static const char *const words[] = {
        "NEVER", "ON_ERROR", "ON_SUCCESS", "ON_EXCEPTION", "ON_ANY", NULL};
    return is_word_among(text, words, true);
}

bool skn_option_is_met(const struct skn_pty *b,
                       enum skn_option_rule_kind rule,
                       const struct skn_literal *literal)
{
    switch (rule) {
    case SKN_RULE_DURATION: return literal->kind == SKN_LITERAL_DURATION || is_number(b, literal);
    case SKN_RULE_WHOLE: return is_whole(literal);
    case SKN_RULE_NUMBER: return is_number(b, literal);
    case SKN_RULE_JITTER: return literal->kind == SKN_LITERAL_BOOL || is_fraction(b, literal);
    case SKN_RULE_FAILURES: return are_strings(b, literal, skn_is_failure_name);
    case SKN_RULE_NAMES: return are_strings(b, literal, skn_is_name);
    case SKN_RULE_STRING: return is_string_met(b, literal, any_text);
    case SKN_RULE_EXECUTOR: return is_string_met(b, literal, is_executor);
    case SKN_RULE_COMPENSATE: return is_string_met(b, literal, is_event);
    case SKN_RULE_GPU: return literal->kind == SKN_LITERAL_BOOL || is_whole(literal);
    case SKN_RULE_RATE: return is_number(b, literal) || is_string_met(b, literal, is_rate);
    case SKN_RULE_BOOL: return literal->kind == SKN_LITERAL_BOOL;
    case SKN_RULE_ANY: return literal->kind != SKN_LITERAL_BAD;
    case SKN_RULE_OVER: return is_string_met(b, literal, is_over);
    case SKN_RULE_PARALLEL:
        return is_whole(literal) && literal->number >= 1 && literal->number <= 10000;
    case SKN_RULE_EVALUATE: return is_string_met(b, literal, is_evaluate);
    case SKN_RULE_STRATEGY: return is_string_met(b, literal, is_strategy);
    case SKN_RULE_ON_FAILURE: return is_string_met(b, literal, is_on_failure);
    case SKN_RULE_STOP: return is_string_met(b, literal, is_stop);
    default: SKN_ASSERT(false); return false;
    }
}
