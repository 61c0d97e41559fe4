/* judge.c - how a task ended that ended well: the outcome that its program named [F10] [F32], and whether
 * its result is what its event promises [F30b] [F31]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"
#include "lang/kit/schema.h"
#include "lang/pointy/pointy.h"

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

/* The outcome that the program named itself; false: it named none. */
static bool
is_named(struct skn_value effect, struct skn_value value, struct skn_flow_verdict *out_verdict)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    struct skn_flow_verdict verdict = {.status = SKN_ATTEMPT_SUCCESS, .value = value};
    struct skn_value outcomes, outcome;
    struct skn_slice name = {0};
    if (!skn_map_get(effect, SKN_LIT(SKN_FLOW_EFFECT_OUTCOMES), &outcomes)) return false;
    if (!names_outcome(value, &outcome)) return false;
    if (skn_value_is(outcome, SKN_T_STRING)) name = skn_value_as_text(outcome);
    if (skn_value_is(outcome, SKN_T_INT) && skn_value_as_int(outcome) >= 0 &&
        skn_value_as_int(outcome) <= 9)
        name = skn_slice_str(digits[skn_value_as_int(outcome)]);
    verdict.value = skn_value_none();
    (void)skn_map_get(value, SKN_LIT("result"), &verdict.value);
    if (is_declared(outcomes, name)) {
        verdict.reason = name;
    } else if (!is(name, "success", "1")) {
        verdict.status = SKN_ATTEMPT_FAILURE;
        verdict.reason =
            is(name, "failure", "0")
                ? SKN_LIT("failure")
                : SKN_LIT("BAD_OUTCOME: the program named an outcome that its event does "
                          "not declare under outcomes:");
    }
    *out_verdict = verdict;
    return true;
}

/* A reason is kept with the attempt: of a long one the beginning, in whole characters. */
static struct skn_slice reason_of(const struct skn_buf *why)
{
    enum { REASON_MAX = 1000 };
    struct skn_slice text = skn_buf_slice(why);
    if (text.len <= REASON_MAX) return text;
    text.len = REASON_MAX;
    while (text.len > 0 && (text.ptr[text.len] & 0xC0) == 0x80)
        text.len--;
    return text;
}

static bool is_true(struct skn_value expression,
                    const char *key,
                    struct skn_flow_verdict *verdict,
                    struct skn_buf *why)
{
    const char *reason;
    enum skn_expr_says says = skn_expr_eval(skn_value_as_text(expression), verdict->value, &reason);
    if (says != SKN_EXPR_FAULT) return says == SKN_EXPR_TRUE;
    skn_buf_printf(why, "%s: %.*s: %s", key, SKN_FMT(skn_value_as_text(expression)), reason);
    verdict->status = SKN_ATTEMPT_FAILURE;
    verdict->reason = reason_of(why);
    return false;
}

/* The first of outcome_when that is true, else what success_when says. */
static void chosen(struct skn_value effect, struct skn_flow_verdict *verdict, struct skn_buf *why)
{
    struct skn_value when, expression, outcome;
    if (skn_map_get(effect, SKN_LIT(SKN_FLOW_EFFECT_OUTCOME_WHEN), &when)) {
        struct skn_value_iter iter = skn_value_iter(when);
        while (verdict->status == SKN_ATTEMPT_SUCCESS && skn_value_next(&iter, NULL, &expression) &&
               skn_value_next(&iter, NULL, &outcome)) {
            if (!is_true(expression, "outcome_when", verdict, why)) continue;
            verdict->reason = skn_value_as_text(outcome);
            return;
        }
    }
    if (verdict->status != SKN_ATTEMPT_SUCCESS ||
        !skn_map_get(effect, SKN_LIT(SKN_FLOW_EFFECT_SUCCESS_WHEN), &when) ||
        is_true(when, "success_when", verdict, why) || verdict->status != SKN_ATTEMPT_SUCCESS)
        return;
    skn_buf_printf(why, "success_when: not %.*s", SKN_FMT(skn_value_as_text(when)));
    verdict->status = SKN_ATTEMPT_FAILURE;
    verdict->reason = reason_of(why);
}

static void no_fault(
    void *ctx, enum skn_schema_fault fault, const struct skn_slice *p, uint32_t n, const char *w)
{
    (void)ctx, (void)fault, (void)p, (void)n, (void)w;
}

/* False: `why` says which output is wrong, by its path, and never shows a part of the value. */
static bool fits(struct skn_value outputs, struct skn_value result, struct skn_buf *why)
{
    struct skn_value_iter iter = skn_value_iter(outputs);
    struct skn_slice name;
    struct skn_value words, value = skn_value_none();
    struct skn_arena arena;
    bool good = true;
    skn_arena_init(&arena);
    while (good && skn_value_next(&iter, &name, &words)) {
        const struct skn_schema *schema = skn_schema_compile(&arena, words, no_fault, NULL);
        good = skn_value_is(result, SKN_T_MAP) && skn_map_get(result, name, &value);
        skn_buf_reset(why);
        skn_buf_put_str(why, "output ");
        if (!good)
            skn_buf_printf(why, "/%.*s: is missing", SKN_FMT(name));
        else if (schema) /* was compiled when its file was read */
            good = skn_schema_fits(schema, name, value, why);
    }
    skn_arena_fini(&arena);
    return good;
}

struct skn_flow_verdict
skn_flow_judge(struct skn_value effect, struct skn_value value, struct skn_buf *why)
{
    struct skn_value outputs;
    struct skn_flow_verdict verdict = {.status = SKN_ATTEMPT_SUCCESS, .value = value};
    if (!is_named(effect, value, &verdict)) chosen(effect, &verdict, why);
    bool is_plain = verdict.status == SKN_ATTEMPT_SUCCESS && verdict.reason.len == 0;
    if (!is_plain || !skn_map_get(effect, SKN_LIT(SKN_FLOW_EFFECT_OUTPUTS), &outputs))
        return verdict;
    if (fits(outputs, verdict.value, why)) return verdict;
    verdict.status = SKN_ATTEMPT_FAILURE;
    verdict.reason = reason_of(why);
    return verdict;
}
