/* check_flow.c - outcomes that units have, failures nobody takes, units that can never run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"

#include "base/mem.h"

#include "base/pure.h" /* last */

static bool is_word(struct skn_slice text, const char *digit, const char *word)
{
    return skn_slice_eq(text, skn_slice_str(digit)) || skn_slice_eq(text, skn_slice_str(word));
}

static bool is_failure(struct skn_slice text)
{
    return is_word(text, "0", "failure");
}

static bool is_success(struct skn_slice text)
{
    return is_word(text, "1", "success");
}

/* For the built-in words number and name are the same outcome [F10]. */
static bool same_outcome(struct skn_slice a, struct skn_slice b)
{
    return skn_slice_eq(a, b) || (is_failure(a) && is_failure(b)) ||
           (is_success(a) && is_success(b));
}

static void no_such_outcome(struct skn_pty *b,
                            const struct skn_syn_branch *branch,
                            const struct skn_event_def *def)
{
    const char *text = "It ends with success";
    for (uint32_t i = 0; def && i < def->outcome_count; i++)
        text = skn_arena_printf(b->arena, "%s, %.*s", text, SKN_FMT(def->outcomes[i]));
    text = skn_arena_printf(b->arena, "%s or failure.", text);
    skn_diags_add(b->diags,
                  SKN_CODE_NO_SUCH_OUTCOME,
                  branch->outcome,
                  SKN_DIAG_ARGS(skn_pty_unit_name(b, branch->unit),
                                skn_pty_text(b, branch->outcome),
                                skn_slice_str(text)));
}

/* An outcome besides the two: groups, calls and most built-ins cannot have it, an event of the
 * project says so itself; of an unknown event nobody can tell [F7] [F10]. */
static void other_outcome(struct skn_pty *b, const struct skn_syn_branch *branch)
{
    const struct skn_syn_unit *unit = &b->tree->units[branch->unit];
    struct skn_slice text = skn_pty_text(b, branch->outcome);
    uint32_t event = b->unit_event[branch->unit];
    if (unit->kind == SKN_SYN_BAD) return;
    if (unit->kind != SKN_SYN_EVENT) {
        no_such_outcome(b, branch, NULL);
        return;
    }
    const struct skn_event_def *def = &b->events[event];
    switch (b->event_kinds[event]) {
    case SKN_NAME_PROJECT:
        if (!skn_event_has_outcome(def, text)) no_such_outcome(b, branch, def);
        return;
    case SKN_NAME_BUILTIN_LATER:
        if (skn_slice_eq(def->name, SKN_LIT("Wait"))) return; /* the signal says which */
        no_such_outcome(b, branch, NULL);
        return;
    case SKN_NAME_BUILTIN: no_such_outcome(b, branch, NULL); return;
    case SKN_NAME_UNKNOWN:
    default:
        if (b->project) return; /* the event was reported */
        skn_diags_add(
            b->diags, SKN_CODE_LONE_OUTCOME, branch->outcome, SKN_DIAG_ARGS(text, def->name));
        return;
    }
}

static void check_twice(struct skn_pty *b, uint32_t first, uint32_t branch)
{
    struct skn_span outcome = b->tree->branches[branch].outcome;
    struct skn_slice text = skn_pty_text(b, outcome);
    for (uint32_t at = first; at != branch; at = b->tree->branches[at].next) {
        struct skn_slice other = skn_pty_text(b, b->tree->branches[at].outcome);
        if (!same_outcome(text, other)) continue;
        const char *hint = skn_slice_eq(text, other)
                               ? "Put both flows into one branch, or take one away."
                               : skn_arena_printf(b->arena,
                                                  "%.*s and %.*s are the same outcome.",
                                                  SKN_FMT(other),
                                                  SKN_FMT(text));
        skn_diags_add(
            b->diags, SKN_CODE_OUTCOME_TWICE, outcome, SKN_DIAG_ARGS(text, skn_slice_str(hint)));
        return;
    }
}

static void check_outcomes(struct skn_pty *b, uint32_t id)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    bool takes_failure = skn_pty_continues(b, unit);
    uint32_t seen = 0;
    for (uint32_t at = unit->first_branch; at != SKN_GRAPH_NONE; at = b->tree->branches[at].next) {
        struct skn_slice text = skn_pty_text(b, b->tree->branches[at].outcome);
        if (seen++ == SKN_BRANCHES_MAX) return; /* reported; keeps the check below cheap */
        if (text.len == 0) {
            takes_failure = true; /* malformed: it may have been meant */
            continue;
        }
        if (is_failure(text)) {
            takes_failure = true;
        } else if (!is_success(text)) {
            other_outcome(b, &b->tree->branches[at]);
        }
        check_twice(b, unit->first_branch, at);
    }
    if (seen > 0 && !takes_failure && unit->kind != SKN_SYN_BAD) {
        skn_diags_add(
            b->diags, SKN_CODE_UNHANDLED, unit->span, SKN_DIAG_ARGS(skn_pty_unit_name(b, id)));
    }
}

/* Which units, steps and bodies can succeed at all: only Fail never does. */
struct reach {
    bool *unit; /* with its branches */
    bool *own;  /* without them */
    bool *step;
    bool *body;
};

static bool can_own_succeed(const struct skn_pty *b, const struct reach *r, uint32_t id)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    if (unit->kind == SKN_SYN_GROUP) return r->body[unit->body];
    if (unit->kind != SKN_SYN_EVENT) return true;
    return b->events[b->unit_event[id]].kind != SKN_EVENT_FAIL;
}

static bool can_unit_succeed(const struct skn_pty *b, const struct reach *r, uint32_t id)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    bool by_success = r->own[id];
    bool by_branch = false;
    for (uint32_t at = unit->first_branch; at != SKN_GRAPH_NONE; at = b->tree->branches[at].next) {
        const struct skn_syn_branch *branch = &b->tree->branches[at];
        struct skn_slice text = skn_pty_text(b, branch->outcome);
        if (is_success(text)) {
            by_success = by_success && r->body[branch->body];
        } else {
            by_branch = by_branch || r->body[branch->body];
        }
    }
    bool has_failure_branch = false;
    for (uint32_t at = unit->first_branch; at != SKN_GRAPH_NONE; at = b->tree->branches[at].next)
        has_failure_branch =
            has_failure_branch || is_failure(skn_pty_text(b, b->tree->branches[at].outcome));
    return by_success || by_branch || (!has_failure_branch && skn_pty_continues(b, unit));
}

/* What is inside has larger ids: going backwards, it is known before what it is in. */
static void find_reach(const struct skn_pty *b, struct reach *r)
{
    const struct skn_syntax *tree = b->tree;
    for (uint32_t i = 0; i < tree->step_count; i++)
        r->step[i] = true;
    for (uint32_t i = 0; i < tree->body_count; i++)
        r->body[i] = true;
    for (uint32_t id = tree->unit_count; id-- > 0;) {
        r->own[id] = can_own_succeed(b, r, id);
        r->unit[id] = can_unit_succeed(b, r, id);
        if (r->unit[id]) continue;
        r->step[tree->units[id].step] = false;
        r->body[tree->steps[tree->units[id].step].body] = false;
    }
}

static void report_unreachable(struct skn_pty *b, struct skn_span span, uint32_t because)
{
    skn_diags_add(
        b->diags, SKN_CODE_UNREACHABLE, span, SKN_DIAG_ARGS(skn_pty_unit_name(b, because)));
}

static void report_after_step(struct skn_pty *b, const struct reach *r, uint32_t step)
{
    const struct skn_syn_step *from = &b->tree->steps[step];
    uint32_t because = from->first_unit;
    while (because != SKN_GRAPH_NONE && r->unit[because])
        because = b->tree->units[because].next;
    uint32_t unit =
        from->next != SKN_GRAPH_NONE ? b->tree->steps[from->next].first_unit : SKN_GRAPH_NONE;
    if (because == SKN_GRAPH_NONE || unit == SKN_GRAPH_NONE) return;
    report_unreachable(b, b->tree->units[unit].span, because);
}

static void check_reach(struct skn_pty *b, const struct reach *r)
{
    const struct skn_syntax *tree = b->tree;
    for (uint32_t step = 0; step < tree->step_count; step++)
        if (!r->step[step]) report_after_step(b, r, step);
    for (uint32_t at = 0; at < tree->branch_count; at++) {
        const struct skn_syn_branch *branch = &tree->branches[at];
        if (!r->own[branch->unit] && is_success(skn_pty_text(b, branch->outcome)))
            report_unreachable(b, branch->outcome, branch->unit);
    }
}

void skn_check_flow(struct skn_pty *b)
{
    for (uint32_t id = 0; id < b->tree->unit_count; id++)
        check_outcomes(b, id);

    struct reach r = {.unit = skn_alloc_zero(b->tree->unit_count + 1, sizeof(bool)),
                      .own = skn_alloc_zero(b->tree->unit_count + 1, sizeof(bool)),
                      .step = skn_alloc_zero(b->tree->step_count, sizeof(bool)),
                      .body = skn_alloc_zero(b->tree->body_count, sizeof(bool))};
    find_reach(b, &r);
    check_reach(b, &r);
    skn_free(r.unit);
    skn_free(r.own);
    skn_free(r.step);
    skn_free(r.body);
}
