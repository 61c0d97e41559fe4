/* builtins.c - the built-in events and the options that each takes [F18]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/options_internal.h"

#include "base/pure.h" /* last */

enum { OPTIONS_MAX = 4, NEEDS_MAX = 4 };

struct builtin_option {
    const char *name;
    enum skn_option_rule_kind rule;
};

struct builtin {
    const char *name;
    bool is_built;
    enum skn_event_kind kind;
    struct builtin_option options[OPTIONS_MAX];
    struct skn_builtin_need needs[NEEDS_MAX];
    const char *text;
};

/* clang-format off */
static const struct builtin builtins[] = {
    {"Noop", true, SKN_EVENT_NOOP, {{0}}, {{0}}, "Succeeds at once, with the result null."},
    {"Fail", true, SKN_EVENT_FAIL, {{"reason", SKN_RULE_STRING}}, {{0}},
     "Fails at once, with the reason that is given."},
    {"Sleep", true, SKN_EVENT_SLEEP, {{"for", SKN_RULE_DURATION}, {"until", SKN_RULE_STRING}},
     {{"for", "until", "Write Sleep[for=30s]."}}, "Succeeds after a time. It survives a restart."},
    {"Wait", false, SKN_EVENT_UNKNOWN, {{"signal", SKN_RULE_STRING}},
     {{"signal", NULL, "Write Wait[signal=\"approved\", timeout=24h]."}},
     "Waits until a person or a program sends the signal; what is sent is the result."},
    {"Log", false, SKN_EVENT_UNKNOWN, {{"message", SKN_RULE_STRING}},
     {{0}}, /* section 5 of the language has one without a message */
     "Writes a line into the log of the run."},
    {"Http", false, SKN_EVENT_UNKNOWN, {{"method", SKN_RULE_STRING}, {"url", SKN_RULE_STRING}},
     {{"url", NULL, "Write Http[method=\"POST\", url=\"https://..\"]."}}, "Makes a request; the answer is the result."},
    {"Set", false, SKN_EVENT_UNKNOWN, {{0}}, {{0}}, "Sets variables of the group."},
    {"Emit", false, SKN_EVENT_UNKNOWN, {{"topic", SKN_RULE_STRING}, {"message", SKN_RULE_ANY}},
     {{"topic", NULL, "Write Emit[topic=\"orders\", message=\"..\"]."}}, "Puts a message on a topic."},
    {"Send", false, SKN_EVENT_UNKNOWN, {{"to", SKN_RULE_STRING}, {"message", SKN_RULE_ANY}},
     {{"to", NULL, "Write Send[to=\"acme:WorkerPool/eu\", message=\"..\"]."}}, "Sends a message to a domain."},
    {"Ask", false, SKN_EVENT_UNKNOWN, {{"to", SKN_RULE_STRING}, {"message", SKN_RULE_ANY}},
     {{0}}, /* the collected programs have one that asks nobody */
     "Sends a message to a domain and waits for the reply, which is the result."},
    {"Converged", false, SKN_EVENT_UNKNOWN, {{"domain", SKN_RULE_STRING}, {"goal", SKN_RULE_STRING}},
     {{"domain", NULL, "Write Converged[domain=\"..\", goal=\"..\", timeout=5m]."}},
     "Waits until a controller has reached its goal."},
};
/* clang-format on */

static const struct builtin *find(struct skn_slice name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(builtins); i++)
        if (skn_slice_eq(name, skn_slice_str(builtins[i].name))) return &builtins[i];
    return NULL;
}

const char *skn_builtin_name(size_t index)
{
    return index < SKN_ARRAY_LEN(builtins) ? builtins[index].name : NULL;
}

const char *skn_builtin_text(struct skn_slice name)
{
    const struct builtin *builtin = find(name);
    return builtin ? builtin->text : NULL;
}

enum skn_name_kind skn_builtin_find(struct skn_slice name, enum skn_event_kind *out_kind)
{
    const struct builtin *builtin = find(name);
    if (!builtin) return SKN_NAME_UNKNOWN;
    *out_kind = builtin->kind;
    return builtin->is_built ? SKN_NAME_BUILTIN : SKN_NAME_BUILTIN_LATER;
}

const struct skn_builtin_need *skn_builtin_needs(struct skn_slice name)
{
    const struct builtin *builtin = find(name);
    return builtin ? builtin->needs : NULL;
}

const char *skn_builtin_option(struct skn_slice name, size_t index)
{
    const struct builtin *builtin = find(name);
    return builtin && index < OPTIONS_MAX ? builtin->options[index].name : NULL;
}

bool skn_builtin_takes(struct skn_slice event,
                       struct skn_slice option,
                       enum skn_option_rule_kind *out_rule)
{
    const struct builtin *builtin = find(event);
    if (!builtin) return false;
    if (skn_slice_eq(event, SKN_LIT("Set"))) { /* any other name: it is a variable */
        if (skn_option_find(option)) return false;
        *out_rule = SKN_RULE_ANY;
        return true;
    }
    for (size_t i = 0; i < OPTIONS_MAX && builtin->options[i].name; i++) {
        if (!skn_slice_eq(option, skn_slice_str(builtin->options[i].name))) continue;
        *out_rule = builtin->options[i].rule;
        return true;
    }
    return false;
}
