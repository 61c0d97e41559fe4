/* judge.c - how a task ended that ended well: the outcome that its program named [F10] [F32]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

static bool is(struct skn_slice text, const char *word, const char *digit)
{
    return skn_slice_eq(text, skn_slice_str(word)) || skn_slice_eq(text, skn_slice_str(digit));
}

/* {"outcome": .., "result": ..}: nothing else in it. */
static bool names_outcome(struct skn_value value, struct skn_value *out_outcome)
{
    struct skn_value_iter iter = skn_value_iter(value);
    struct skn_slice key;
    struct skn_value member;
    bool is_named = false;
    if (!skn_value_is(value, SKN_T_MAP)) return false;
    while (skn_value_next(&iter, &key, &member)) {
        if (skn_slice_eq(key, SKN_LIT("outcome"))) {
            *out_outcome = member;
            is_named = true;
        } else if (!skn_slice_eq(key, SKN_LIT("result"))) {
            return false;
        }
    }
    return is_named;
}

static bool is_declared(struct skn_value outcomes, struct skn_slice name)
{
    struct skn_value_iter iter = skn_value_iter(outcomes);
    struct skn_value one;
    while (skn_value_next(&iter, NULL, &one))
        if (skn_slice_eq(skn_value_as_text(one), name)) return true;
    return false;
}

struct skn_flow_verdict skn_flow_judge(struct skn_value effect, struct skn_value value)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    struct skn_flow_verdict verdict = {.status = SKN_ATTEMPT_SUCCESS, .value = value};
    struct skn_value outcomes, outcome;
    struct skn_slice name = {0};
    if (!skn_map_get(effect, SKN_LIT(SKN_FLOW_EFFECT_OUTCOMES), &outcomes)) return verdict;
    if (!names_outcome(value, &outcome)) return verdict;
    if (skn_value_is(outcome, SKN_T_STRING)) name = skn_value_as_text(outcome);
    if (skn_value_is(outcome, SKN_T_INT) && skn_value_as_int(outcome) >= 0 &&
        skn_value_as_int(outcome) <= 9)
        name = skn_slice_str(digits[skn_value_as_int(outcome)]);
    verdict.value = skn_value_none();
    (void)skn_map_get(value, SKN_LIT("result"), &verdict.value);
    if (is(name, "success", "1")) return verdict;
    if (is_declared(outcomes, name)) {
        verdict.reason = name;
        return verdict;
    }
    verdict.status = SKN_ATTEMPT_FAILURE;
    verdict.reason = is(name, "failure", "0")
                         ? SKN_LIT("failure")
                         : SKN_LIT("BAD_OUTCOME: the program named an outcome that its event does "
                                   "not declare under outcomes:");
    return verdict;
}
