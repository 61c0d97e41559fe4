/* options_internal.h - the table of options [F17] [F22]: names, values, and where each may stand.
 *
 * Owns        nothing.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/pointy/build_internal.h"

enum skn_option_rule_kind {
    SKN_RULE_DURATION, /* or a number of seconds */
    SKN_RULE_WHOLE,    /* not negative */
    SKN_RULE_NUMBER,   /* not negative */
    SKN_RULE_JITTER,   /* bool or fraction */
    SKN_RULE_FAILURES, /* a list of words and exit:N */
    SKN_RULE_NAMES,    /* a list of names */
    SKN_RULE_EVALUATE,
    SKN_RULE_STRATEGY,
    SKN_RULE_ON_FAILURE,
    SKN_RULE_STOP,
    SKN_RULE_STRING,
    SKN_RULE_GPU, /* bool or whole */
    SKN_RULE_RATE,
    SKN_RULE_BOOL,
    SKN_RULE_ANY,
    SKN_RULE_OVER,     /* "@file" */
    SKN_RULE_PARALLEL, /* 1 to 10,000 */
    SKN_RULE_EXECUTOR,
    SKN_RULE_COMPENSATE,
};

/* Units by what may have an option; bits. */
enum {
    SKN_ON_EVENT = 1,
    SKN_ON_GROUP = 2,
    SKN_ON_MAP = 4,
    SKN_ON_FILTER = 8,
    SKN_ON_REDUCE = 16,
    SKN_ON_FLOW = 32,
    SKN_ON_LISTS = SKN_ON_MAP | SKN_ON_FILTER | SKN_ON_REDUCE,
    SKN_ON_ALL = 63,
};

/* What an option does to a run; most do nothing yet. */
enum skn_option_built {
    SKN_BUILT_NOT,
    SKN_BUILT_TIMEOUT,
    SKN_BUILT_RETRIES,
    SKN_BUILT_DEADLINE,
    SKN_BUILT_BACKOFF,
    SKN_BUILT_FACTOR,
    SKN_BUILT_MAX,
    SKN_BUILT_JITTER,
    SKN_BUILT_RETRY_ON,
    SKN_BUILT_NO_RETRY_ON,
    SKN_BUILT_EVALUATE,
    SKN_BUILT_ON_FAILURE,
    SKN_BUILT_STOP,
    SKN_BUILT_FAIL_FAST,
    SKN_BUILT_CANCEL_REST,
};

struct skn_option_rule {
    const char *name;
    enum skn_option_rule_kind rule;
    const char *same_as; /* the option that this is another name of */
    enum skn_option_built built;
    uint8_t on;
    const char *text; /* what it means, for people */
};

/* The row of a name, NULL for any other; by index, NULL behind the last. */
const struct skn_option_rule *skn_option_find(struct skn_slice name);
const struct skn_option_rule *skn_option_at(size_t index);

/* An event as it is written, in a string: [source:]Name[@version]. False: it is none. */
struct skn_event_words {
    struct skn_slice source; /* empty without one */
    struct skn_slice name;
    struct skn_slice version; /* empty without one */
};
bool skn_event_split(struct skn_slice text, struct skn_event_words *out);

/* What a rule wants, as an error says it: "a duration such as 30s, or a number of seconds". */
const char *skn_option_wanted(enum skn_option_rule_kind rule);

/* Whether a literal is a value of the rule. */
bool skn_option_is_met(const struct skn_pty *b,
                       enum skn_option_rule_kind rule,
                       const struct skn_literal *literal);

/* What an option says that is built, for the unit; its literal meets its rule. */
void skn_pty_apply(struct skn_pty *b,
                   uint32_t unit,
                   const struct skn_option_rule *rule,
                   const struct skn_literal *literal);

/* What follows from all options of a unit and its event together. */
void skn_pty_decide(struct skn_pty *b, uint32_t unit);

void skn_pty_bad_value(struct skn_pty *b,
                       struct skn_slice name,
                       const struct skn_literal *literal,
                       const char *want);

/* The milliseconds of a duration or a number of seconds; false when reported. */
bool skn_pty_duration(struct skn_pty *b,
                      struct skn_slice name,
                      const struct skn_literal *literal,
                      bool may_be_zero,
                      uint64_t *out_ms);

/* Which bit a unit is. */
uint8_t skn_option_place(const struct skn_pty *b, uint32_t unit);

/* N of "at_least=N", 0 for any other text. */
uint32_t skn_option_at_least(struct skn_slice text);

/* Whether a built-in takes an option besides those of the table, and what its value is. */
bool skn_builtin_takes(struct skn_slice event,
                       struct skn_slice option,
                       enum skn_option_rule_kind *out_rule);

/* Checks that span several options or the units inside: evaluate, drop, limits of lists. */
void skn_check_options(struct skn_pty *b);
