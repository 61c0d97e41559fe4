/* walk.c - bodies and their steps: what starts next, and what has ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_internal.h"

/* How much one slice starts or ends before it goes on in the next one [E62]. */
#ifndef SKN_FLOW_AT_ONCE
#    define SKN_FLOW_AT_ONCE 256 /* a test makes it 2, so that small flows need many slices */
#endif
enum { AT_ONCE = SKN_FLOW_AT_ONCE, CARRIED = 256 };

static bool body_get(struct walk *w, struct skn_slice body_key, struct body_row *out)
{
    struct flow_key key;
    struct skn_slice bytes;
    flow_key(&key, 'B', body_key);
    if (skn_cx_get(w->cx, flow_key_slice(&key), &bytes) != SKN_OK) return false;
    enum skn_rc rc = body_decode(bytes, out, NULL);
    SKN_ASSERT(rc == SKN_OK); /* written by us, checked by the journal */
    return true;
}

static void body_put(struct walk *w, struct skn_slice body_key, const struct body_row *row)
{
    struct flow_key key;
    struct skn_buf *out = skn_cx_scratch(w->cx);
    flow_key(&key, 'B', body_key);
    body_encode(row, out);
    skn_cx_put(w->cx, flow_key_slice(&key), skn_buf_slice(out));
}

static void body_remove(struct walk *w, struct skn_slice body_key)
{
    struct flow_key key;
    flow_key(&key, 'B', body_key);
    skn_cx_delete(w->cx, flow_key_slice(&key));
}

void walk_todo_from(struct walk *w, const struct todo *todo, struct skn_slice from)
{
    struct todo *copy = skn_arena_zero(w->arena, 1, sizeof *copy);
    copy->kind = todo->kind;
    copy->key = skn_arena_dup(w->arena, todo->key);
    copy->unit = todo->unit;
    copy->from = skn_arena_dup(w->arena, from);
    if (w->last)
        w->last->next = copy;
    else
        w->first = copy;
    w->last = copy;
}

void walk_todo(struct walk *w, enum work_kind kind, struct skn_slice key, uint32_t unit)
{
    struct todo todo = {.kind = kind, .key = key, .unit = unit};
    walk_todo_from(w, &todo, (struct skn_slice){0});
}

static void step_start(struct walk *w, struct skn_slice body_key, struct body_row *body)
{
    const struct skn_graph_step *step = &w->graph->steps[body->step];
    body->pending = step->unit_count;
    body->failed = body->handled = 0;
    body->decided = DECIDED_NOT;
    body->is_cut = false;
    body_put(w, body_key, body);
    walk_todo(w, WORK_START, body_key, step->first_unit);
}

void walk_body_start(struct walk *w, struct skn_slice body_key, uint32_t body, size_t parent_len)
{
    struct body_row row = {.body = body,
                           .step = w->graph->bodies[body].first_step,
                           .parent_len = (uint16_t)parent_len};
    step_start(w, body_key, &row);
}

/* The context that a body belongs to: same key, attempt 0. */
static bool owner_of(struct walk *w,
                     struct skn_slice body_key,
                     const struct body_row *body,
                     struct flow_key *out_key,
                     struct ctx_row *out_ctx)
{
    uint32_t owner = w->graph->bodies[body->body].owner;
    bool fits = flow_key_child(out_key, skn_slice(body_key.ptr, body->parent_len), owner, 0);
    SKN_ASSERT(fits);
    return ctx_get(w, flow_key_slice(out_key), out_ctx);
}

/* The first unit of a step that failed; its context. */
static bool failed_unit(struct walk *w,
                        struct skn_slice body_key,
                        uint32_t step,
                        struct flow_key *out_key,
                        struct ctx_row *out)
{
    for (uint32_t unit = w->graph->steps[step].first_unit; unit != SKN_GRAPH_NONE;
         unit = w->graph->units[unit].next) {
        if (flow_key_child(out_key, body_key, unit, 0) &&
            ctx_get(w, flow_key_slice(out_key), out) && out->status == CTX_FAILED)
            return true;
    }
    return false;
}

/* The step that a body came to: those before it have succeeded, whatever failed in them. */
static uint32_t last_step(struct walk *w, struct skn_slice body_key, uint32_t step)
{
    struct flow_key key;
    struct ctx_row ctx;
    for (uint32_t next; (next = w->graph->steps[step].next) != SKN_GRAPH_NONE; step = next)
        if (!flow_key_child(&key, body_key, w->graph->steps[next].first_unit, 0) ||
            !ctx_get(w, flow_key_slice(&key), &ctx))
            break;
    return step;
}

/* The failure that was noted first was handled later by a branch, and another one that came in
 * between was not: looked for from the run inward. */
static void find_failure(struct walk *w, uint32_t step)
{
    struct flow_key body_key = {0}, key;
    struct ctx_row ctx;
    bool is_found = false;
    while (step != SKN_GRAPH_NONE) {
        struct flow_key at;
        struct ctx_row inner;
        step = last_step(w, flow_key_slice(&body_key), step);
        if (!failed_unit(w, flow_key_slice(&body_key), step, &at, &inner)) break;
        key = at;
        ctx = inner;
        is_found = true;
        uint32_t body = w->graph->units[ctx.unit].body;
        struct flow_key parent = body_key;
        bool goes_in = body != SKN_GRAPH_NONE && ctx.branch == SKN_GRAPH_NONE &&
                       flow_key_child(&body_key, flow_key_slice(&parent), ctx.unit, ctx.attempt);
        step = goes_in ? w->graph->bodies[body].first_step : SKN_GRAPH_NONE;
    }
    if (is_found) unit_note_failure(w, flow_key_slice(&key), &ctx);
}

static void run_end(struct walk *w, bool ok, uint32_t step, struct skn_slice reason)
{
    if (!ok && reason.len == 0 && w->run.path.len == 0 && !w->run.is_timed_out)
        find_failure(w, step);
    if (w->run.timer) skn_cx_timer_cancel(w->cx, w->run.timer - 1);
    w->run.timer = 0;
    w->run.status = ok ? SKN_RUN_SUCCEEDED : SKN_RUN_FAILED;
    w->run.ended_ms = skn_cx_now_ms(w->cx);
    if (reason.len > 0) {
        w->run.code = SKN_LIT("EXECUTION_FAILED");
        w->run.message = reason;
    }
    if (w->run.is_timed_out) {
        w->run.code = SKN_LIT("TASK_TIMEOUT");
        w->run.message = SKN_LIT("the run was longer than its @timeout");
        w->run.path = (struct skn_slice){0};
    }
}

static void
body_end(struct walk *w, struct skn_slice body_key, const struct body_row *body, bool ok)
{
    enum skn_graph_body_kind kind = w->graph->bodies[body->body].kind;
    struct skn_value result = skn_value_none();
    struct skn_slice reason = {0};
    if (ok && !data_step_result(w, body_key, body->step, &result)) {
        ok = false;
        result = skn_value_none();
        reason = SKN_LIT("TOO_LARGE: the results of a step are together over 1 MiB");
    }
    body_remove(w, body_key);
    if (kind == SKN_BODY_RUN) {
        if (ok) skn_cx_put_value(w->cx, SKN_LIT("O"), result);
        run_end(w, ok, body->step, reason);
        return;
    }
    struct flow_key key;
    struct ctx_row ctx;
    if (!owner_of(w, body_key, body, &key, &ctx)) return;
    if (kind == SKN_BODY_BRANCH) {
        if (!ok && reason.len == 0) reason = SKN_LIT("its branch failed");
        data_put_value(w, flow_key_slice(&key), result);
        unit_branch_ended(w, flow_key_slice(&key), &ctx, ok, reason);
        return;
    }
    if (!ok && reason.len == 0) reason = SKN_LIT("failed inside");
    if (!ok && ctx.reason.len > 0) reason = ctx.reason; /* its time limit */
    struct attempt_end end = {.outcome = ok ? SKN_OUTCOME_SUCCESS : SKN_OUTCOME_FAILURE,
                              .may_retry = true,
                              .value = result,
                              .reason = ok ? (struct skn_slice){0} : reason};
    unit_attempt_ended(w, flow_key_slice(&key), &ctx, &end);
}

/* --- when a step has succeeded [F14] ------------------------------------------------------------------ */

/* `evaluate` of the group a step stands in: a branch is none, and the run has no options. */
static const struct skn_graph_rules *rules_around(const struct walk *w, uint32_t body)
{
    static const struct skn_graph_rules none = {0};
    while (w->graph->bodies[body].kind == SKN_BODY_BRANCH)
        body = w->graph->steps[w->graph->units[w->graph->bodies[body].owner].step].body;
    if (w->graph->bodies[body].kind == SKN_BODY_RUN) return &none;
    return skn_graph_rules_of(w->graph, w->graph->bodies[body].owner);
}

static enum decided
decide(const struct skn_graph_rules *rules, uint32_t units, const struct body_row *body)
{
    uint32_t ok = units - body->pending - body->failed, needed = units;
    bool is_strict = rules->evaluate == SKN_EVALUATE_NONE_FAILED;
    if (rules->evaluate == SKN_EVALUATE_ALL || is_strict) {
        bool is_bad = body->failed > 0 || (is_strict && body->handled > 0);
        if (is_bad && (body->pending == 0 || rules->fails_fast)) return DECIDED_FAILED;
        return body->pending == 0 ? DECIDED_OK : DECIDED_NOT;
    }
    if (rules->evaluate == SKN_EVALUATE_ANY) needed = 1;
    if (rules->evaluate == SKN_EVALUATE_MAJORITY) needed = units / 2 + 1;
    if (rules->evaluate == SKN_EVALUATE_AT_LEAST && rules->at_least < units)
        needed = rules->at_least;
    if (ok >= needed) return DECIDED_OK;
    return units - body->failed < needed ? DECIDED_FAILED : DECIDED_NOT;
}

/* The units of a step that have not ended are told to; the step waits for them. */
static void cut_step(struct walk *w, struct skn_slice body_key, struct body_row *body)
{
    body->is_cut = true;
    body_put(w, body_key, body);
    walk_todo(w, WORK_CUT_BODIES, body_key, body->step);
}

static void
step_end(struct walk *w, struct skn_slice body_key, struct body_row *body, enum decided decided)
{
    uint32_t next = w->graph->steps[body->step].next;
    if (decided == DECIDED_FAILED || body->is_cancelled) {
        body_end(w, body_key, body, false);
        return;
    }
    if (body->failed > 0) {
        struct skn_buf *out = skn_cx_scratch(w->cx);
        flow_key_path(body_key, out);
        unit_forget_inside(w, skn_arena_dup(w->arena, skn_buf_slice(out)));
    }
    if (next == SKN_GRAPH_NONE) {
        body_end(w, body_key, body, true);
    } else {
        body->step = next;
        step_start(w, body_key, body);
    }
}

void walk_settled(struct walk *w, struct skn_slice ctx_key)
{
    struct skn_slice body_key = skn_slice(ctx_key.ptr, flow_key_parent_len(ctx_key));
    struct body_row body;
    struct ctx_row ctx;
    if (!ctx_get(w, ctx_key, &ctx) || !body_get(w, body_key, &body)) return;
    SKN_ASSERT(body.pending > 0);
    body.pending--;
    if (ctx.status != CTX_SUCCEEDED) body.failed++;
    if (ctx.status == CTX_SUCCEEDED && ctx.is_handled) body.handled++;
    const struct skn_graph_rules *rules = rules_around(w, body.body);
    if (body.decided == DECIDED_NOT)
        body.decided = decide(rules, w->graph->steps[body.step].unit_count, &body);
    if (body.pending == 0)
        step_end(w, body_key, &body, body.decided);
    else if (body.decided != DECIDED_NOT && !body.is_cut && !rules->keeps_rest)
        cut_step(w, body_key, &body);
    else
        body_put(w, body_key, &body);
}

bool walk_is_cancelled(struct walk *w, struct skn_slice ctx_key)
{
    struct body_row body;
    struct skn_slice body_key = skn_slice(ctx_key.ptr, flow_key_parent_len(ctx_key));
    return body_get(w, body_key, &body) && (body.is_cancelled || body.is_cut);
}

/* --- one thing after the other ------------------------------------------------------------------------ */

/* What did not fit into this slice is messages, so that a kill in between loses none of it. */
static void carry_over(struct walk *w)
{
    const struct todo *todo = w->first;
    while (todo && skn_cx_rc(w->cx) == SKN_OK) {
        struct skn_buf *out = skn_cx_scratch(w->cx);
        struct skn_builder *builder = skn_arena_alloc(w->arena, sizeof *builder);
        skn_builder_init(builder, out);
        skn_build_list_begin(builder);
        for (int i = 0; todo && i < CARRIED; i++, todo = todo->next) {
            skn_build_int(builder, (int64_t)todo->kind);
            skn_build_int(builder, (int64_t)todo->unit);
            skn_build_bytes(builder, todo->key);
            skn_build_bytes(builder, todo->from);
        }
        skn_build_list_end(builder);
        enum skn_rc rc = skn_build_end(builder, NULL);
        SKN_ASSERT(rc == SKN_OK); /* CARRIED keys are far below its limit */
        struct skn_slice bytes = skn_arena_dup(w->arena, skn_buf_slice(out));
        skn_cx_send(w->cx,
                    skn_cx_address(w->cx),
                    SKN_PRIORITY_NORMAL,
                    SKN_LIT("go"),
                    skn_value_view(bytes));
    }
}

/* The next row of a range: its key behind the kind, copied. What is left of it is to do later. */
static bool next_of(struct walk *w, const struct todo *todo, char kind, struct skn_slice *out_key)
{
    struct flow_key prefix, from;
    struct skn_row row;
    flow_key(&prefix, kind, todo->key);
    flow_key(&from, kind, todo->from.len > 0 ? todo->from : todo->key);
    if (skn_cx_next(w->cx, flow_key_slice(&prefix), flow_key_slice(&from), &row) != SKN_OK)
        return false;
    *out_key = skn_arena_dup(w->arena, skn_slice_from(row.key, 1));
    /* The copy ends with a zero byte behind it: the first key behind this one. */
    walk_todo_from(w, todo, skn_slice(out_key->ptr, out_key->len + 1));
    return true;
}

static void cancel_body(struct walk *w, struct skn_slice body_key)
{
    struct body_row body;
    if (!body_get(w, body_key, &body) || body.is_cancelled) return;
    body.is_cancelled = true;
    body_put(w, body_key, &body);
}

/* The step that was cut is still the one that its body is in. */
static bool is_still_cut(struct walk *w, const struct todo *todo)
{
    struct body_row body;
    return body_get(w, todo->key, &body) && body.is_cut && body.step == todo->unit;
}

static void cancel_context(struct walk *w, struct skn_slice key)
{
    struct ctx_row ctx;
    if (ctx_get(w, key, &ctx)) unit_cancel(w, key, &ctx);
}

static void start_next(struct walk *w, const struct todo *todo)
{
    unit_start(w, todo->key, todo->unit);
    uint32_t next = w->graph->units[todo->unit].next;
    if (next != SKN_GRAPH_NONE) walk_todo(w, WORK_START, todo->key, next);
}

static void work_off(struct walk *w, const struct todo *todo)
{
    bool stops = w->run.status != SKN_RUN_RUNNING;
    struct skn_slice key;
    switch (todo->kind) {
    case WORK_START: start_next(w, todo); return;
    case WORK_SETTLED: walk_settled(w, todo->key); return;
    case WORK_CANCEL_BODIES:
        if (next_of(w, todo, 'B', &key))
            cancel_body(w, key);
        else
            walk_todo(w, WORK_CANCEL, todo->key, 0);
        return;
    case WORK_CUT_BODIES:
        if (!is_still_cut(w, todo)) return;
        if (!next_of(w, todo, 'B', &key))
            walk_todo(w, WORK_CUT, todo->key, todo->unit);
        else if (!skn_slice_eq(key, todo->key)) /* the body of the step itself goes on */
            cancel_body(w, key);
        return;
    case WORK_CUT:
        if (is_still_cut(w, todo) && next_of(w, todo, 'F', &key)) cancel_context(w, key);
        return;
    case WORK_CANCEL:
        if (next_of(w, todo, 'F', &key)) cancel_context(w, key);
        return;
    /* A stop that was followed by a resume is over, and the other way round. */
    case WORK_PARK:
    case WORK_LEAVE:
        if (stops && next_of(w, todo, 'F', &key)) unit_park(w, key, todo->kind == WORK_LEAVE);
        return;
    case WORK_RESUME:
        if (!stops && next_of(w, todo, 'F', &key)) unit_resume(w, key);
        return;
    }
}

void walk_go(struct walk *w)
{
    for (int i = 0; w->first && skn_cx_rc(w->cx) == SKN_OK; i++) {
        if (i == AT_ONCE || skn_cx_is_half_full(w->cx)) {
            carry_over(w);
            return;
        }
        struct todo *todo = w->first;
        w->first = todo->next;
        if (!w->first) w->last = NULL;
        work_off(w, todo);
    }
}

void walk_cancel(struct walk *w, struct skn_slice body_key)
{
    cancel_body(w, body_key);
    walk_todo(w, WORK_CANCEL_BODIES, body_key, 0);
}
