/* jobs.c - domains of the simulator that have something performed, and keep book of its attempts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "flow/flow.h"
#include "sim/numbers_internal.h"
#include "sim/world_internal.h"

#include "base/pure.h"

/* Messages: do {id, amount: attempts, n: backoff, what: a limiter or nothing}, cancel {id, what: id of a
 * job}.
 * Rows:
 *   "j" id           attempts allowed, failures, state, number of the intent, which limiter
 *   "a" n:1 id       attempt n: its epoch, how it ended, and the idempotency key
 *   "w" id           too many waited at the limiter
 *   "g" n:1 id       attempt n was given a place: when, in milliseconds, and which limiter
 */
enum { RUNS, SUCCEEDED, FAILED, CANCELLED };
enum { JOB_NUMBERS = 5, ATTEMPT_NUMBERS = 4, GIVEN_NUMBERS = 2 };

/* 0 is none. So many starts in a second, where there is a rate: the least distance of two. */
static const struct {
    const char *key;
    uint32_t places, rate;
    enum skn_priority priority;
} limits[JOB_LIMITS] = {{"", 0, 0, SKN_PRIORITY_NORMAL},
                        {"one", 1, 0, SKN_PRIORITY_HIGH},
                        {"three", 3, 0, SKN_PRIORITY_LOW},
                        {"paced", 0, 7, SKN_PRIORITY_NORMAL},
                        {"both", 2, 11, SKN_PRIORITY_BACKGROUND}};

const char *jobs_limit(uint64_t which)
{
    return limits[which % JOB_LIMITS].key;
}

uint32_t jobs_places(struct skn_slice key)
{
    for (size_t i = 0; i < JOB_LIMITS; i++)
        if (is_name(key, limits[i].key)) return limits[i].places;
    return 0;
}

static struct skn_slice
attempt_key(struct skn_cx *cx, char kind, struct skn_slice id, uint32_t attempt)
{
    uint8_t *key = skn_arena_alloc(skn_cx_arena(cx), id.len + 2);
    key[0] = (uint8_t)kind;
    key[1] = (uint8_t)attempt;
    memcpy(key + 2, id.ptr, id.len);
    return skn_slice(key, id.len + 2);
}

static void put_attempt(struct skn_cx *cx,
                        struct skn_slice id,
                        uint32_t attempt,
                        uint64_t epoch,
                        enum skn_attempt_status status)
{
    uint8_t key[SKN_KEY_BYTES];
    struct numbers row = {{epoch, status}};
    skn_cx_key(cx, id, key);
    memcpy(&row.n[2], key, sizeof key);
    numbers_put(cx, attempt_key(cx, 'a', id, attempt), &row, ATTEMPT_NUMBERS);
}

static struct skn_value effect_of(struct skn_cx *cx, struct skn_slice id, const char *limiter)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_PATH));
    skn_build_string(b, id);
    skn_build_key(b, SKN_LIT(JOB_EFFECT_LIMITER));
    skn_build_str(b, limiter);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    return skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out)));
}

static void start(struct skn_cx *cx, struct skn_value payload)
{
    struct skn_slice id = payload_text(payload, "id");
    uint32_t attempts = (uint32_t)payload_int(payload, "amount");
    struct skn_slice limiter = payload_text(payload, "what");
    uint64_t which = 0;
    for (uint64_t i = 1; i < JOB_LIMITS; i++)
        if (is_name(limiter, limits[i].key)) which = i;
    const struct skn_intent_spec spec = {
        .identity = id,
        .tag = id,
        .effect = effect_of(cx, id, limits[which].key),
        .first_attempt = 1,
        .limit = {.key = skn_slice_str(limits[which].key),
                  .places = limits[which].places,
                  .rate = limits[which].rate,
                  .rate_ms = 1000,
                  .priority = limits[which].priority},
        .policy = {.attempts = attempts,
                   .backoff_ms = (uint64_t)payload_int(payload, "n"),
                   .factor_milli = 1500}};
    uint64_t number = skn_cx_intent_start(cx, &spec);
    struct numbers row = {{attempts, 0, RUNS, number, which}};
    numbers_put(cx, numbers_key(skn_cx_arena(cx), "j", id), &row, JOB_NUMBERS);
    if (which == 0) put_attempt(cx, id, 1, skn_cx_epoch(cx), SKN_ATTEMPT_STARTED);
}

static void cancel(struct skn_cx *cx, struct skn_value payload)
{
    struct numbers row;
    struct skn_slice key = numbers_key(skn_cx_arena(cx), "j", payload_text(payload, "what"));
    if (!numbers_get(cx, key, &row) || row.n[2] != RUNS) return;
    if (skn_cx_intent_cancel(cx, row.n[3], SKN_CANCEL)) return; /* its end will come */
    row.n[2] = CANCELLED;
    numbers_put(cx, key, &row, JOB_NUMBERS);
}

static void attempt_ended(struct skn_cx *cx, const struct skn_message *m)
{
    struct numbers row;
    struct skn_slice id = m->tag, key = numbers_key(skn_cx_arena(cx), "j", id);
    if (!numbers_get(cx, key, &row)) return;
    put_attempt(cx, id, m->attempt, m->epoch, m->status);
    if (is_name(m->reason, "RATE_LIMITED"))
        numbers_put(cx, numbers_key(skn_cx_arena(cx), "w", id), &row, 1);
    if (m->status == SKN_ATTEMPT_STARTED && row.n[4] > 0) {
        struct numbers given = {{skn_hlc_ms(m->stamp), row.n[4]}};
        numbers_put(cx, attempt_key(cx, 'g', id, m->attempt), &given, GIVEN_NUMBERS);
    }
    if (m->status == SKN_ATTEMPT_STARTED) return;
    if (m->status == SKN_ATTEMPT_FAILURE || m->status == SKN_ATTEMPT_TIMEOUT) row.n[1]++;
    if (m->is_final)
        row.n[2] = m->status == SKN_ATTEMPT_SUCCESS     ? SUCCEEDED
                   : m->status == SKN_ATTEMPT_CANCELLED ? CANCELLED
                                                        : FAILED;
    else if (m->next_due_ms == 0)
        put_attempt(cx, id, m->attempt + 1, skn_cx_epoch(cx), SKN_ATTEMPT_STARTED);
    numbers_put(cx, key, &row, JOB_NUMBERS);
}

static enum skn_rc
job_handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    if (message->kind == SKN_MESSAGE_ATTEMPT)
        attempt_ended(cx, message);
    else if (is_name(message->name, "do"))
        start(cx, message->payload);
    else if (is_name(message->name, "cancel"))
        cancel(cx, message->payload);
    return skn_cx_rc(cx);
}

/* Jobs by what became of them. */
static bool state_of(struct skn_slice key, struct skn_slice value, struct skn_buf *out)
{
    if (key.ptr[0] != 'j') return false;
    skn_buf_put_u8(out, (uint8_t)numbers_decode(value).n[2]);
    return true;
}

static const struct skn_index indexes[] = {{.number = 1, .entry = state_of}, {0}};

const struct skn_program sim_job_program = {
    .type = "Job", .module = 103, .is_held = true, .handle = job_handle, .indexes = indexes};

bool jobs_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out)
{
    struct numbers row = numbers_decode(value);
    if (key.ptr[0] == 'w') return false;
    if (key.ptr[0] == 'j') {
        out->kind = SKN_HISTORY_JOB;
        out->id = skn_slice_from(key, 1);
        out->amount = (int64_t)row.n[0];
        out->count = row.n[1];
        out->is_over = row.n[2] != RUNS;
        out->is_success = row.n[2] == SUCCEEDED;
        out->is_stale = row.n[2] == CANCELLED;
        return true;
    }
    out->id = skn_slice_from(key, 2);
    if (key.ptr[0] == 'g') {
        uint32_t rate = limits[row.n[1] % JOB_LIMITS].rate;
        out->kind = SKN_HISTORY_GIVEN;
        out->name = skn_slice_str(jobs_limit(row.n[1]));
        out->amount = (int64_t)row.n[0];
        out->count = rate ? 1000 / rate : 0;
        out->attempt = key.ptr[1];
        return true;
    }
    out->kind = SKN_HISTORY_ATTEMPT;
    out->attempt = key.ptr[1];
    out->epoch = row.n[0];
    out->is_success = row.n[1] == SKN_ATTEMPT_SUCCESS;
    memcpy(out->key, &row.n[2], sizeof out->key);
    return true;
}
