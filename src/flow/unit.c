/* unit.c - one unit: its attempts, its branch, its end.
 *
 *              start                    no attempt left, or success
 *   (none) --------------> RUNNING --------------------------------> branch runs (RUNNING)
 *                          |  ^  |                                        |
 *                failure,  |  |  | stop                     no branch     |
 *           attempts left  v  |  v                                v       v
 *                      RETRYING  WAITING --- resume ---> ..   SUCCEEDED FAILED CANCELLED
 *
 * The delays and attempts of a task are its intent's; those of a group are counted here by the same
 * policy (skn_retry_delay_ms).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "flow/flow_internal.h"

static const struct skn_graph_unit *unit_of(const struct walk *w, const struct ctx_row *ctx)
{
    return &w->graph->units[ctx->unit];
}

static bool is_group(const struct skn_graph_unit *unit)
{
    return unit->event == SKN_GRAPH_NONE;
}

static const struct skn_graph_rules *rules_of(const struct walk *w,
                                              const struct skn_graph_unit *unit)
{
    return skn_graph_rules_of(w->graph, (uint32_t)(unit - w->graph->units));
}

static struct skn_retry_policy policy_of(const struct walk *w, const struct skn_graph_unit *unit)
{
    const struct skn_graph_rules *rules = rules_of(w, unit);
    return (struct skn_retry_policy){.attempts = unit->retry.attempts,
                                     .backoff_ms = unit->retry.backoff_ms,
                                     .factor_milli = unit->retry.factor_milli,
                                     .max_ms = unit->retry.max_ms,
                                     .jitter_milli = rules->jitter_milli,
                                     .only = rules->retry_on,
                                     .never = rules->no_retry_on};
}

bool ctx_get(struct walk *w, struct skn_slice key, struct ctx_row *out)
{
    struct flow_key row_key;
    struct skn_slice bytes;
    flow_key(&row_key, 'C', key);
    if (skn_cx_get(w->cx, flow_key_slice(&row_key), &bytes) != SKN_OK) return false;
    enum skn_rc rc = ctx_decode(bytes, out, NULL);
    SKN_ASSERT(rc == SKN_OK); /* written by us, checked by the journal */
    SKN_ASSERT(out->unit < w->graph->unit_count);
    out->reason = skn_arena_dup(w->arena, out->reason);
    out->other = skn_arena_dup(w->arena, out->other);
    return true;
}

void ctx_put(struct walk *w, struct skn_slice key, const struct ctx_row *ctx)
{
    struct flow_key row_key;
    struct skn_buf *out = skn_cx_scratch(w->cx);
    flow_key(&row_key, 'C', key);
    ctx_encode(ctx, out);
    skn_cx_put(w->cx, flow_key_slice(&row_key), skn_buf_slice(out));
}

static void set_frontier(struct walk *w, struct skn_slice key, bool is_in)
{
    struct flow_key row_key;
    flow_key(&row_key, 'F', key);
    if (is_in)
        skn_cx_put(w->cx, flow_key_slice(&row_key), (struct skn_slice){0});
    else
        skn_cx_delete(w->cx, flow_key_slice(&row_key));
}

/* --- attempts of events ------------------------------------------------------------------------------- */

static void
attempt_put(struct walk *w, struct skn_slice key, uint32_t number, const struct attempt_row *row)
{
    struct flow_key row_key;
    struct skn_buf *out = skn_cx_scratch(w->cx);
    flow_key_attempt(&row_key, key, number);
    attempt_encode(row, out);
    skn_cx_put(w->cx, flow_key_slice(&row_key), skn_buf_slice(out));
}

static bool
attempt_get(struct walk *w, struct skn_slice key, uint32_t number, struct attempt_row *out)
{
    struct flow_key row_key;
    struct skn_slice bytes;
    flow_key_attempt(&row_key, key, number);
    if (skn_cx_get(w->cx, flow_key_slice(&row_key), &bytes) != SKN_OK) return false;
    return attempt_decode(bytes, out, NULL) == SKN_OK;
}

/* What makes the idempotency key [E42]: the run's retries, the path with the attempts of the groups
 * around it, and what is done. */
static struct skn_slice identity_of(struct walk *w, struct skn_slice key)
{
    uint8_t *bytes = skn_arena_alloc(w->arena, key.len + 6);
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(w->run.retries >> (24 - 8 * i));
    memcpy(bytes + 4, key.ptr, key.len);
    memcpy(bytes + 4 + key.len, "do", 2);
    return skn_slice(bytes, key.len + 6);
}

static void attempt_started(struct walk *w, struct skn_slice key, uint32_t number)
{
    struct attempt_row row = {.status = SKN_ATTEMPT_STARTED,
                              .epoch = skn_cx_epoch(w->cx),
                              .started_ms = skn_cx_now_ms(w->cx)};
    skn_cx_key(w->cx, identity_of(w, key), row.key);
    attempt_put(w, key, number, &row);
}

static void attempt_over(struct walk *w, struct skn_slice key, const struct skn_message *message)
{
    struct attempt_row row;
    if (!attempt_get(w, key, message->attempt, &row)) return;
    row.status = (uint8_t)message->status;
    row.epoch = message->epoch;
    row.ended_ms = skn_cx_now_ms(w->cx);
    row.reason = message->reason;
    attempt_put(w, key, message->attempt, &row);
}

static struct skn_slice path_of(struct walk *w, struct skn_slice key)
{
    struct skn_buf *out = skn_cx_scratch(w->cx);
    flow_key_path(key, out);
    return skn_arena_dup(w->arena, skn_buf_slice(out));
}

/* Only what says more than a type: it is looked at when the program has ended. */
static void put_outputs(struct skn_builder *b, const struct skn_event_def *event)
{
    bool is_open = false;
    for (uint32_t i = 0; i < event->output_count; i++) {
        if (event->outputs[i].words.len == 0) continue;
        if (!is_open) {
            skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_OUTPUTS));
            skn_build_map_begin(b);
        }
        is_open = true;
        skn_build_key(b, event->outputs[i].name);
        skn_build_value(b, skn_value_view(event->outputs[i].words));
    }
    if (is_open) skn_build_map_end(b);
}

/* The task's effect, as flow.h says it. */
static struct skn_value effect_of(struct walk *w,
                                  struct skn_slice key,
                                  const struct skn_graph_unit *unit,
                                  struct skn_value inputs)
{
    const struct skn_event_def *event = &w->graph->events[unit->event];
    struct skn_slice path = path_of(w, key);
    struct skn_buf *out = skn_cx_scratch(w->cx);
    struct skn_builder *b = skn_arena_alloc(w->arena, sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_ARGV));
    skn_build_list_begin(b);
    for (uint32_t i = 0; i < event->argc; i++)
        skn_build_string(b, event->argv[i]);
    skn_build_list_end(b);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_EVENT));
    skn_build_string(b, event->name);
    if (event->outcome_count > 0) {
        skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_OUTCOMES));
        skn_build_list_begin(b);
        for (uint32_t i = 0; i < event->outcome_count; i++)
            skn_build_string(b, event->outcomes[i]);
        skn_build_list_end(b);
    }
    if (event->outcome_when_count > 0) {
        skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_OUTCOME_WHEN));
        skn_build_list_begin(b);
        for (uint32_t i = 0; i < 2 * event->outcome_when_count; i++)
            skn_build_string(b, event->outcome_when[i]);
        skn_build_list_end(b);
    }
    put_outputs(b, event);
    if (event->success_when.len > 0) {
        skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_SUCCESS_WHEN));
        skn_build_string(b, event->success_when);
    }
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_PATH));
    skn_build_string(b, path);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_STDIN));
    skn_build_value(b, inputs);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_TIMEOUT));
    skn_build_int(b, (int64_t)unit->timeout_ms);
    skn_build_map_end(b);
    if (skn_build_end(b, NULL) != SKN_OK) return skn_value_none();
    return skn_value_view(skn_arena_dup(w->arena, skn_buf_slice(out)));
}

static void fail(struct walk *w,
                 struct skn_slice key,
                 struct ctx_row *ctx,
                 bool may_retry,
                 struct skn_slice reason)
{
    struct attempt_end end = {.may_retry = may_retry, .value = skn_value_none(), .reason = reason};
    unit_attempt_ended(w, key, ctx, &end);
}

static void succeed(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    struct attempt_end end = {.outcome = SKN_OUTCOME_SUCCESS, .value = skn_value_none()};
    unit_attempt_ended(w, key, ctx, &end);
}

static void exec_attempt(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    const struct skn_graph_unit *unit = unit_of(w, ctx);
    struct skn_slice body_key = skn_slice(key.ptr, flow_key_parent_len(key)), reason;
    struct skn_value inputs;
    if (!data_inputs(w, body_key, ctx->unit, &inputs, &reason)) {
        fail(w, key, ctx, false, reason);
        return;
    }
    struct skn_intent_spec spec = {.identity = identity_of(w, key),
                                   .tag = key,
                                   .effect = effect_of(w, key, unit, inputs),
                                   .policy = policy_of(w, unit),
                                   .first_attempt = ctx->attempt,
                                   .counted = ctx->counted};
    if (skn_value_is(spec.effect, SKN_T_NONE)) {
        fail(w, key, ctx, false, SKN_LIT("TOO_LARGE: the inputs of a task are over 1 MiB"));
        return;
    }
    spec.policy.ends_cut_off = w->graph->events[unit->event].ends_cut_off;
    attempt_started(w, key, ctx->attempt);
    ctx->intent = skn_cx_intent_start(w->cx, &spec) + 1;
    w->run.running++;
    ctx_put(w, key, ctx);
}

/* --- attempts in general -------------------------------------------------------------------------------- */

static void arm(struct walk *w, struct skn_slice key, struct ctx_row *ctx, uint64_t due_ms)
{
    ctx->timer = skn_cx_timer_set(w->cx, due_ms, key) + 1;
    ctx_put(w, key, ctx);
}

static void disarm(struct walk *w, struct ctx_row *ctx)
{
    if (ctx->timer) skn_cx_timer_cancel(w->cx, ctx->timer - 1);
    ctx->timer = 0;
}

/* For all attempts and delays from when the unit is ready [F15]. */
static void set_deadline(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    uint64_t ms = rules_of(w, unit_of(w, ctx))->deadline_ms;
    if (ms == 0) return;
    uint8_t *tag = skn_arena_alloc(w->arena, key.len + 1);
    tag[0] = DEADLINE_TAG;
    memcpy(tag + 1, key.ptr, key.len);
    uint64_t due = skn_cx_now_ms(w->cx) + ms;
    ctx->deadline = skn_cx_timer_set(w->cx, due, skn_slice(tag, key.len + 1)) + 1;
}

static void clear_deadline(struct walk *w, struct ctx_row *ctx)
{
    if (ctx->deadline) skn_cx_timer_cancel(w->cx, ctx->deadline - 1);
    ctx->deadline = 0;
}

static void group_attempt(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    const struct skn_graph_unit *unit = unit_of(w, ctx);
    struct skn_slice parent = skn_slice(key.ptr, flow_key_parent_len(key));
    struct flow_key body_key;
    if (!flow_key_child(&body_key, parent, ctx->unit, ctx->attempt)) {
        fail(w, key, ctx, false, SKN_LIT("nested too deep"));
        return;
    }
    ctx->reason = (struct skn_slice){0};
    if (unit->timeout_ms)
        arm(w, key, ctx, skn_cx_now_ms(w->cx) + unit->timeout_ms);
    else
        ctx_put(w, key, ctx);
    walk_body_start(w, flow_key_slice(&body_key), unit->body, parent.len);
}

static void sleep_attempt(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    /* A sleep that was parked goes on to the time that it had. */
    if (!ctx->due_ms) ctx->due_ms = skn_cx_now_ms(w->cx) + unit_of(w, ctx)->sleep_ms;
    arm(w, key, ctx, ctx->due_ms);
}

void unit_attempt(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    const struct skn_graph_unit *unit = unit_of(w, ctx);
    ctx->status = CTX_RUNNING;
    ctx->attempt++;
    if (is_group(unit)) {
        group_attempt(w, key, ctx);
        return;
    }
    switch (w->graph->events[unit->event].kind) {
    case SKN_EVENT_NOOP: succeed(w, key, ctx); return;
    case SKN_EVENT_FAIL:
        fail(w, key, ctx, true, unit->reason.len > 0 ? unit->reason : SKN_LIT("Fail"));
        return;
    case SKN_EVENT_SLEEP: sleep_attempt(w, key, ctx); return;
    case SKN_EVENT_EXEC: exec_attempt(w, key, ctx); return;
    case SKN_EVENT_UNKNOWN: break;
    }
    SKN_ASSERT(false); /* a stored graph is runnable */
}

static bool is_stopping(const struct walk *w)
{
    return w->run.status != SKN_RUN_RUNNING;
}

static void park(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    ctx->status = CTX_WAITING;
    ctx->intent = 0;
    ctx_put(w, key, ctx);
}

void unit_start(struct walk *w, struct skn_slice body_key, uint32_t unit)
{
    struct flow_key key;
    bool fits = flow_key_child(&key, body_key, unit, 0);
    SKN_ASSERT(fits); /* the body's own key left the room */
    struct skn_slice own = skn_arena_dup(w->arena, flow_key_slice(&key));
    struct ctx_row ctx = {
        .unit = unit, .branch = SKN_GRAPH_NONE, .started_ms = skn_cx_now_ms(w->cx)};
    set_frontier(w, own, true);
    if (walk_is_cancelled(w, own)) {
        unit_final(w, own, &ctx, CTX_CANCELLED);
        return;
    }
    set_deadline(w, own, &ctx);
    if (is_stopping(w))
        park(w, own, &ctx);
    else
        unit_attempt(w, own, &ctx);
}

/* The first and innermost failure is why the run fails [F12]. */
void unit_note_failure(struct walk *w, struct skn_slice key, const struct ctx_row *ctx)
{
    if (w->run.path.len > 0) return;
    const struct skn_graph_unit *unit = unit_of(w, ctx);
    bool is_late = skn_slice_eq(ctx->reason, SKN_LIT("timeout"));
    struct skn_slice name =
        is_group(unit) ? SKN_LIT("a group") : w->graph->events[unit->event].name;
    w->run.path = path_of(w, key);
    w->run.code = is_late ? SKN_LIT("TASK_TIMEOUT") : SKN_LIT("EXECUTION_FAILED");
    w->run.message = skn_slice_str(
        skn_arena_printf(w->arena, "%.*s failed: %.*s", SKN_FMT(name), SKN_FMT(ctx->reason)));
}

void unit_forget_inside(struct walk *w, struct skn_slice path)
{
    bool is_inside =
        path.len == 0 || (skn_slice_has_prefix(w->run.path, path) && w->run.path.len > path.len &&
                          w->run.path.ptr[path.len] == '.');
    if (is_inside) w->run.code = w->run.message = w->run.path = (struct skn_slice){0};
}

/* A group that is tried again or whose failure is taken. */
static void forget_failure(struct walk *w, struct skn_slice key)
{
    unit_forget_inside(w, path_of(w, key));
}

/* A group or a built-in event failed and has attempts left: the delay, then the next one. */
static bool tries_again(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    struct skn_retry_policy policy = policy_of(w, unit_of(w, ctx));
    ctx->counted++;
    if (ctx->counted >= policy.attempts || !skn_retry_takes(&policy, ctx->reason)) return false;
    forget_failure(w, key);
    if (is_stopping(w)) {
        park(w, key, ctx);
        return true;
    }
    uint64_t chance = policy.jitter_milli > 0 ? skn_cx_random(w->cx) : 0;
    uint64_t delay = skn_retry_delay_ms(&policy, ctx->counted, chance);
    ctx->status = CTX_RETRYING;
    arm(w, key, ctx, skn_cx_now_ms(w->cx) + delay);
    return true;
}

static void start_branch(struct walk *w, struct skn_slice key, struct ctx_row *ctx, uint32_t branch)
{
    struct skn_slice parent = skn_slice(key.ptr, flow_key_parent_len(key));
    struct flow_key body_key;
    if (!flow_key_child(&body_key, parent, ctx->unit, BRANCH_LEVEL)) {
        unit_final(w, key, ctx, CTX_FAILED);
        return;
    }
    ctx->branch = branch;
    /* A deadline may find it waiting or between attempts: no resume is to begin it again. */
    ctx->status = CTX_RUNNING;
    ctx_put(w, key, ctx);
    walk_body_start(w, flow_key_slice(&body_key), w->graph->branches[branch].body, parent.len);
}

/* What no branch took, and `continue` takes: the chain goes on with its output [F12]. */
static bool continues(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    if (!rules_of(w, unit_of(w, ctx))->continues) return false;
    forget_failure(w, key);
    ctx->is_handled = true;
    return true;
}

void unit_attempt_ended(struct walk *w,
                        struct skn_slice key,
                        struct ctx_row *ctx,
                        const struct attempt_end *end)
{
    bool ok = end->outcome == SKN_OUTCOME_SUCCESS;
    disarm(w, ctx);
    ctx->intent = 0;
    ctx->reason = !ok && ctx->is_late ? SKN_LIT("deadline") : end->reason;
    bool was_cancelled = ctx->is_cancelled || walk_is_cancelled(w, key);
    bool may_retry = end->may_retry && end->outcome == SKN_OUTCOME_FAILURE && !ctx->is_late;
    if (!was_cancelled && may_retry && tries_again(w, key, ctx)) return;
    clear_deadline(w, ctx);
    ctx->outcome = end->outcome;
    ctx->other = end->other;
    data_put_value(w, key, end->value);
    if (was_cancelled) { /* it takes no branch; a success within its grace counts [F15] */
        unit_final(w, key, ctx, ok ? CTX_SUCCEEDED : CTX_CANCELLED);
        return;
    }
    uint32_t branch = skn_graph_branch_for(w->graph, ctx->unit, ctx->outcome, ctx->other);
    if (branch != SKN_GRAPH_NONE) {
        forget_failure(w, key);
        ctx->is_handled = !ok;
        start_branch(w, key, ctx, branch);
    } else {
        unit_final(w, key, ctx, ok || continues(w, key, ctx) ? CTX_SUCCEEDED : CTX_FAILED);
    }
}

void unit_branch_ended(
    struct walk *w, struct skn_slice key, struct ctx_row *ctx, bool ok, struct skn_slice reason)
{
    ctx->outcome = ok ? SKN_OUTCOME_SUCCESS : SKN_OUTCOME_FAILURE;
    ctx->other = (struct skn_slice){0};
    if (!ok) ctx->is_handled = false;
    /* A branch that ended well has handled the failure; the attempts still say what it was. */
    ctx->reason = ok ? (struct skn_slice){0} : reason;
    bool was_cancelled = !ok && walk_is_cancelled(w, key);
    unit_final(w, key, ctx, ok ? CTX_SUCCEEDED : was_cancelled ? CTX_CANCELLED : CTX_FAILED);
}

void unit_final(struct walk *w, struct skn_slice key, struct ctx_row *ctx, enum ctx_status status)
{
    if (status == CTX_FAILED) unit_note_failure(w, key, ctx);
    clear_deadline(w, ctx);
    ctx->status = status;
    ctx->ended_ms = skn_cx_now_ms(w->cx);
    ctx_put(w, key, ctx);
    set_frontier(w, key, false);
    walk_todo(w, WORK_SETTLED, key, 0);
}

/* Something around it ends: what waits ends now, what runs when it has ended. */
void unit_cancel(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    bool is_walked = is_group(unit_of(w, ctx)) || ctx->branch != SKN_GRAPH_NONE;
    if (is_walked && ctx->status == CTX_RUNNING) {
        disarm(w, ctx);
        ctx->is_cancelled = true;
        ctx_put(w, key, ctx);
        return; /* with the last context inside it */
    }
    if (ctx->intent && skn_cx_intent_cancel(w->cx, ctx->intent - 1, SKN_CANCEL)) {
        ctx->is_cancelled = true;
        ctx_put(w, key, ctx);
        return;
    }
    disarm(w, ctx);
    unit_final(w, key, ctx, CTX_CANCELLED);
}

/* --- messages ------------------------------------------------------------------------------------------- */

/* The reason of a success is the outcome that the program named, if it did [F10]. */
static void name_outcome(struct walk *w,
                         const struct ctx_row *ctx,
                         struct skn_slice named,
                         struct attempt_end *end)
{
    const struct skn_event_def *event = &w->graph->events[unit_of(w, ctx)->event];
    end->outcome = SKN_OUTCOME_SUCCESS;
    end->reason = (struct skn_slice){0};
    if (named.len == 0) return;
    bool is_known = skn_event_has_outcome(event, named);
    end->outcome = is_known ? SKN_OUTCOME_OTHER : SKN_OUTCOME_FAILURE;
    if (is_known) end->other = skn_arena_dup(w->arena, named);
    end->reason = skn_slice_str(skn_arena_printf(
        w->arena, is_known ? "outcome:%.*s" : "BAD_OUTCOME: %.*s", SKN_FMT(named)));
}

/* The task ended for good: its value and reason, or back to the frontier after a `leave`. */
static void task_ended(struct walk *w,
                       struct skn_slice key,
                       struct ctx_row *ctx,
                       const struct skn_message *message)
{
    w->run.running--;
    if (message->status == SKN_ATTEMPT_INTERRUPTED && !ctx->is_cancelled) {
        ctx->intent = 0;
        if (w->graph->events[unit_of(w, ctx)->event].ends_cut_off)
            fail(w, key, ctx, false, SKN_LIT("interrupted"));
        else if (is_stopping(w))
            park(w, key, ctx);
        else /* resumed before its end was known */
            unit_attempt(w, key, ctx);
        return;
    }
    struct attempt_end end = {.value = message->payload, .reason = message->reason};
    if (message->status == SKN_ATTEMPT_SUCCESS) name_outcome(w, ctx, message->reason, &end);
    unit_attempt_ended(w, key, ctx, &end);
}

/* A stop turns the delay before a further attempt into a place on the frontier. */
static void task_waits(struct walk *w,
                       struct skn_slice key,
                       struct ctx_row *ctx,
                       const struct skn_message *message)
{
    w->run.running--;
    ctx->counted++;
    ctx->reason = message->reason;
    ctx->status = CTX_RETRYING;
    if (!is_stopping(w)) {
        ctx_put(w, key, ctx);
        return;
    }
    bool runs = skn_cx_intent_cancel(w->cx, message->number, SKN_CANCEL);
    SKN_ASSERT(!runs);
    park(w, key, ctx);
}

void unit_message(struct walk *w, const struct skn_message *message)
{
    struct ctx_row ctx;
    struct skn_slice key = message->tag;
    if (!ctx_get(w, key, &ctx)) return;
    if (message->status == SKN_ATTEMPT_STARTED) {
        ctx.status = CTX_RUNNING;
        ctx.attempt = message->attempt;
        w->run.running++;
        attempt_started(w, key, message->attempt);
        ctx_put(w, key, &ctx);
        return;
    }
    attempt_over(w, key, message);
    if (message->is_final) {
        task_ended(w, key, &ctx, message);
    } else if (message->next_due_ms > 0) {
        task_waits(w, key, &ctx, message);
    } else { /* interrupted: the next attempt has started */
        ctx.attempt = message->attempt + 1;
        attempt_started(w, key, ctx.attempt);
        ctx_put(w, key, &ctx);
    }
}

/* Everything inside the attempt of a group is told to end; the group ends with it. */
static void cancel_group(struct walk *w, struct skn_slice key, const struct ctx_row *ctx)
{
    struct flow_key body_key;
    struct skn_slice parent = skn_slice(key.ptr, flow_key_parent_len(key));
    if (flow_key_child(&body_key, parent, ctx->unit, ctx->attempt))
        walk_cancel(w, flow_key_slice(&body_key));
}

/* The deadline has passed: what runs is told to end, and nothing follows it [F15]. */
static void be_late(struct walk *w, struct skn_slice key, struct ctx_row *ctx)
{
    ctx->deadline = 0;
    ctx->is_late = true;
    ctx_put(w, key, ctx);
    if (ctx->is_cancelled || ctx->branch != SKN_GRAPH_NONE || ctx->status == CTX_WAITING) return;
    if (ctx->intent && skn_cx_intent_cancel(w->cx, ctx->intent - 1, SKN_CANCEL)) return;
    if (is_group(unit_of(w, ctx)) && ctx->status == CTX_RUNNING) {
        disarm(w, ctx);
        ctx->reason = SKN_LIT("deadline");
        ctx_put(w, key, ctx);
        cancel_group(w, key, ctx);
        return;
    }
    fail(w, key, ctx, false, SKN_LIT("deadline"));
}

void unit_timer(struct walk *w, struct skn_slice tag)
{
    struct ctx_row ctx;
    bool is_deadline = tag.len > 0 && tag.ptr[0] == DEADLINE_TAG;
    struct skn_slice key = skn_slice_from(tag, is_deadline ? 1 : 0);
    if (!ctx_get(w, key, &ctx)) return;
    if (is_deadline) {
        if (ctx.deadline && ctx.status < CTX_SUCCEEDED) be_late(w, key, &ctx);
        return;
    }
    if (!ctx.timer) return;
    ctx.timer = 0;
    if (ctx.status == CTX_RETRYING && walk_is_cancelled(w, key)) {
        unit_final(w, key, &ctx, CTX_CANCELLED);
    } else if (ctx.status == CTX_RETRYING) {
        unit_attempt(w, key, &ctx);
    } else if (!is_group(unit_of(w, &ctx))) {
        ctx.due_ms = 0;
        succeed(w, key, &ctx);
    } else {
        ctx.reason = SKN_LIT("timeout");
        ctx_put(w, key, &ctx);
        cancel_group(w, key, &ctx);
    }
}

void unit_park(struct walk *w, struct skn_slice key, bool is_leaving)
{
    struct ctx_row ctx;
    if (!ctx_get(w, key, &ctx) || ctx.status == CTX_WAITING) return;
    bool is_walked = is_group(unit_of(w, &ctx)) || ctx.branch != SKN_GRAPH_NONE;
    if (is_walked && ctx.status == CTX_RUNNING) return;
    if (!ctx.intent) { /* a sleep, or a delay between attempts of what has no intent */
        disarm(w, &ctx);
        if (ctx.due_ms) ctx.attempt--;
        park(w, key, &ctx);
        return;
    }
    if (ctx.status == CTX_RUNNING) {
        if (is_leaving) (void)skn_cx_intent_cancel(w->cx, ctx.intent - 1, SKN_CANCEL_LEAVE);
        return;
    }
    if (!skn_cx_intent_cancel(w->cx, ctx.intent - 1, SKN_CANCEL)) park(w, key, &ctx);
}

void unit_resume(struct walk *w, struct skn_slice key)
{
    struct ctx_row ctx;
    if (!ctx_get(w, key, &ctx) || ctx.status != CTX_WAITING) return;
    if (walk_is_cancelled(w, key))
        unit_final(w, key, &ctx, CTX_CANCELLED);
    else if (ctx.is_late) /* its deadline passed meanwhile */
        fail(w, key, &ctx, false, SKN_LIT("deadline"));
    else
        unit_attempt(w, key, &ctx);
}
