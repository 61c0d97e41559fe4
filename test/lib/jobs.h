/* jobs.h - a program that has things performed under limiters, and who performs them, for tests. */
#pragma once

#include "core/core_internal.h"
#include "core/limiter_internal.h"
#include "core/look.h"
#include "lib/shards.h"
#include "lib/test.h"

#include <stdio.h>

enum { TASKS_MAX = 4096 };

/* --- a program that has things performed ------------------------------------------------------------- */

static inline bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

/* The limiter's key says its numbers: "p2" 2 places, "r3" 3 starts in a second, "b3" the same and as
 * many at once, "x" one place and one start in a second. */
static inline struct skn_limit limit_of(struct skn_slice name)
{
    struct skn_limit limit = {.key = name, .priority = SKN_PRIORITY_NORMAL};
    uint32_t n = name.len > 1 ? (uint32_t)(name.ptr[1] - '0') : 1;
    if (name.ptr[0] == 'p' || name.ptr[0] == 'x') limit.places = n;
    if (name.ptr[0] == 'r' || name.ptr[0] == 'b' || name.ptr[0] == 'x') limit.rate = n;
    if (name.ptr[0] == 'b') limit.burst = n;
    limit.rate_ms = 1000;
    return limit;
}

/* KEY of a limiter n: an intent with n attempts a second apart, answers its number; at the message's
 * priority. cancel n. forge: asks a limiter for a place without an intent. boom: the next that is
 * started faults. */
static inline enum skn_rc
job_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct skn_slice bytes;
    if (m->kind == SKN_MESSAGE_ATTEMPT) {
        bool starts = m->status == SKN_ATTEMPT_STARTED;
        if (starts && skn_cx_get(cx, SKN_LIT("boom"), &bytes) == SKN_OK && !shard_is_fixed)
            return SKN_FAIL(diag, SKN_EFAULT, "boom");
        if (m->is_final) skn_cx_signal(cx, SKN_LIT("end"), skn_value_string(m->reason));
        if (!starts && !m->is_final && m->status == SKN_ATTEMPT_INTERRUPTED)
            skn_cx_put_value(cx, SKN_LIT("cut off"), skn_value_int((int64_t)m->next_due_ms));
        return skn_cx_rc(cx);
    }
    if (m->kind != SKN_MESSAGE_REQUEST) return SKN_OK;
    int64_t n = skn_value_is(m->payload, SKN_T_INT) ? skn_value_as_int(m->payload) : 0;
    if (is(m->name, "boom")) skn_cx_put_value(cx, SKN_LIT("boom"), skn_value_int(1));
    if (is(m->name, "cancel")) (void)skn_cx_intent_cancel(cx, (uint64_t)n, SKN_CANCEL);
    if (is(m->name, "forge"))
        skn_cx_send(cx, SKN_LIT("limit:Limit/p1"), m->priority, SKN_LIT("acquire"), m->payload);
    if (memchr("prbx", m->name.ptr[0], 4) && m->name.len <= 3) {
        struct skn_intent_spec spec = {.identity = m->name,
                                       .effect = skn_value_string(m->name),
                                       .policy = {.attempts = (uint32_t)n, .backoff_ms = 1000},
                                       .first_attempt = 1,
                                       .limit = limit_of(m->name)};
        spec.limit.priority = m->priority;
        skn_cx_reply(cx, skn_value_int((int64_t)skn_cx_intent_start(cx, &spec)));
    }
    return skn_cx_rc(cx);
}

static const struct skn_program jobs = {.type = "Job", .module = 1, .handle = job_handle};
/* The same, held since an opening until it is taken up [E81]. */
static const struct skn_program runs = {
    .type = "Run", .module = 1, .is_held = true, .handle = job_handle};
static const struct skn_program *const programs[] = {&jobs, &runs, NULL};

/* --- the world ------------------------------------------------------------------------------------------ */

struct task {
    char address[32], limiter[8];
    uint64_t number, epoch, started_ms;
    uint32_t attempt;
};

/* What was performed and has not ended. */
struct tasks {
    struct task at[TASKS_MAX];
    size_t count;
    uint64_t started, ended;
    char reason[64]; /* of the last end */
    int64_t answer;
    enum skn_rc rc;
};

static inline void copy(char *out, size_t size, struct skn_slice text)
{
    assert_true(text.len < size);
    memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
}

static inline void hear(struct tasks *t, struct shard *s)
{
    struct skn_output out;
    while (shard_next(s, &out)) {
        if (out.kind == SKN_OUTPUT_REPLY) {
            struct skn_value value = skn_value_view(out.value);
            t->rc = out.rc;
            if (skn_value_is(value, SKN_T_INT)) t->answer = skn_value_as_int(value);
        }
        if (out.kind == SKN_OUTPUT_SIGNAL && is(out.name, "end")) {
            t->ended++;
            copy(t->reason, sizeof t->reason, skn_value_as_text(skn_value_view(out.value)));
        }
        if (out.kind != SKN_OUTPUT_PERFORM) continue;
        assert_true(t->count < TASKS_MAX);
        struct task *task = &t->at[t->count++];
        *task = (struct task){.number = out.number,
                              .epoch = out.epoch,
                              .attempt = out.attempt,
                              .started_ms = s->now_ms};
        copy(task->address, sizeof task->address, out.address);
        copy(task->limiter, sizeof task->limiter, skn_value_as_text(skn_value_view(out.value)));
        t->started++;
    }
}

static inline void settle(struct tasks *t, struct shard *s)
{
    shard_settle(s);
    hear(t, s);
}

static inline void
end_task(struct tasks *t, struct shard *s, size_t at, enum skn_attempt_status status)
{
    struct task task = t->at[at];
    memmove(&t->at[at], &t->at[at + 1], (t->count - at - 1) * sizeof task);
    t->count--;
    const struct skn_attempt_result result = {
        .address = skn_slice_str(task.address),
        .number = task.number,
        .attempt = task.attempt,
        .epoch = task.epoch,
        .status = status,
        .reason = status == SKN_ATTEMPT_SUCCESS ? SKN_LIT("") : SKN_LIT("exit:1"),
        .value = skn_value_none()};
    skn_core_result(s->core, &result);
}

static inline int64_t
ask(struct tasks *t, struct shard *s, const char *address, const char *name, int64_t n)
{
    shard_submit(s, 1, "", address, name, skn_value_int(n));
    settle(t, s);
    return t->answer;
}

/* held or waiting of a limiter; 0 when it is not there. */
static inline int64_t count_of(struct tasks *t, struct shard *s, const char *key, const char *what)
{
    char address[64];
    struct skn_value n = skn_value_none();
    (void)snprintf(address, sizeof address, "limit:Limit/%s", key);
    shard_submit(s, 1, "", address, "get", skn_value_none());
    shard_settle(s);
    struct skn_output out;
    while (shard_next(s, &out)) {
        if (out.kind != SKN_OUTPUT_REPLY) continue;
        assert_true(skn_map_get(skn_value_view(out.value), skn_slice_str(what), &n));
        return skn_value_as_int(n);
    }
    (void)t;
    fail_msg("no answer");
    return 0;
}

static inline bool is_there(struct shard *s, const char *address)
{
    struct skn_look_domain domain;
    return skn_look_domain(s->store, skn_slice_str(address), &domain, NULL) == SKN_OK;
}

/* Only dead domains are left behind. */
static inline void fini(struct shard *s, struct tasks *t)
{
    shard_fini(s);
    skn_free(t);
}

static inline struct tasks *tasks_new(void)
{
    return skn_alloc_zero(1, sizeof(struct tasks));
}

static inline struct tasks *begin(struct shard *s)
{
    shard_init(s, programs);
    return tasks_new();
}
