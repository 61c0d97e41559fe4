/* flow_internal.h - the rows of a run and what its parts share.
 *
 * Owns        the stored forms below, at level 2; those of level 1 are read.
 * May include base, value, lang/pointy, core.
 * Threads     the one that owns the shard.
 *
 * Rows of a run, by the first byte of their key; `key` is a context's key, `body` a body's:
 *   R           where the run stands        fold
 *   M           what it was started with: a map {flow, name, labels, inputs}        fold
 *   G           the graph, as skn_graph_encode writes it        fold
 *   O           its result, a value        fold
 *   C key       a context: one unit in one attempt of what is around it        fold
 *   A key n:4   attempt n of its event        fold
 *   V key       the result of a unit that ended, a value        fold
 *   B body      a body that is walked: removed when it ends
 *   F key       a context that is not final: removed when it is
 * (The fold of ended runs comes with retention; until then rows marked `fold` stay.)
 *
 * A context's key has one level per unit around it and one for itself: unit id + 1, attempt of that
 * group, item; each as a length byte and as many big-endian bytes. The attempt of the last level is
 * 0. A body has the key of its owner with the attempt it belongs to, or BRANCH_LEVEL for the branch
 * of the unit; the body of the run has the empty key.
 *
 * Values, little-endian; "block" is a u32 length and that many bytes:
 *   R  level:1 status:1 is_timed_out:1 started:8 ended:8 timer:8 running:4 retries:4 code:block
 *      message:block path:block
 *   C  level:1 status:1 is_cancelled:1 unit:4 attempt:4 counted:4 branch:4 intent:8 timer:8 due:8
 *      started:8 ended:8 outcome:1 reason:block
 *      from level 2 on: flags:1 (1 handled, 2 late) deadline:8 other:block
 *   A  level:1 status:1 epoch:8 started:8 ended:8 key:16 reason:block
 *   B  level:1 is_cancelled:1 body:4 step:4 pending:4 failed:4 parent:2 (bytes of the body's key
 *      that are the key of the body around it)
 *      from level 2 on: handled:4 decided:1 is_cut:1
 */
#pragma once

#include "core/cx.h"
#include "flow/flow.h"
#include "lang/pointy/pointy.h"

/* A level is at most 10 bytes (a branch inside a unit of a high number) and a text nests 256 deep. */
enum { FLOW_ROW_LEVEL = 2, FLOW_KEY_MAX = 2800 };
#define BRANCH_LEVEL \
    UINT32_MAX /* the attempt under which a branch's body stands: behind all others */

enum { DEADLINE_TAG = 0xff }; /* no key begins with it */

enum ctx_status {
    CTX_RUNNING = 1,
    CTX_WAITING = 2, /* parked by a stop: begins its next attempt on resume */
    CTX_RETRYING = 3,
    CTX_SUCCEEDED = 4,
    CTX_FAILED = 5,
    CTX_CANCELLED = 6,
};

struct run_row {
    enum skn_run_status status;
    bool is_timed_out;
    uint64_t started_ms, ended_ms;
    uint64_t timer;                       /* of @timeout, + 1; 0 none */
    uint32_t running;                     /* tasks that run: intents, not sleeps */
    uint32_t retries;                     /* of the run: part of every key [E42] */
    struct skn_slice code, message, path; /* of the failure */
};

struct ctx_row {
    enum ctx_status status;
    bool is_cancelled; /* its end is awaited, then it is CANCELLED */
    uint32_t unit;
    uint32_t attempt; /* the current one, from 1; 0 before the first */
    uint32_t counted; /* those that count against `* N` */
    uint32_t branch;  /* that runs, or SKN_GRAPH_NONE */
    uint64_t intent;  /* + 1; 0 none */
    uint64_t timer;   /* + 1: of a group's time limit, a sleep, a delay */
    uint64_t due_ms;  /* of a sleep */
    uint64_t started_ms, ended_ms;
    enum skn_outcome outcome;
    struct skn_slice other; /* of SKN_OUTCOME_OTHER: which */
    struct skn_slice reason;
    bool is_handled;   /* it ended otherwise than well, and a branch or `continue` took that */
    bool is_late;      /* its deadline has passed */
    uint64_t deadline; /* + 1: timer of it */
};

struct attempt_row {
    uint8_t status; /* enum skn_attempt_status; STARTED while it runs */
    uint64_t epoch, started_ms, ended_ms;
    uint8_t key[SKN_KEY_BYTES];
    struct skn_slice reason;
};

enum decided { DECIDED_NOT, DECIDED_OK, DECIDED_FAILED };

struct body_row {
    bool is_cancelled;
    uint32_t body, step;
    /* Of the step: units that have not ended, that failed or were cancelled, whose failure was handled. */
    uint32_t pending, failed, handled;
    enum decided decided; /* how the step will end, though units of it may be pending */
    bool is_cut;          /* and they were told to end */
    uint16_t parent_len;
};

void run_encode(const struct run_row *row, struct skn_buf *out);
void ctx_encode(const struct ctx_row *row, struct skn_buf *out);
void attempt_encode(const struct attempt_row *row, struct skn_buf *out);
void body_encode(const struct body_row *row, struct skn_buf *out);
SKN_MUST_USE enum skn_rc
run_decode(struct skn_slice bytes, struct run_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
ctx_decode(struct skn_slice bytes, struct ctx_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
attempt_decode(struct skn_slice bytes, struct attempt_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
body_decode(struct skn_slice bytes, struct body_row *out, struct skn_diag *diag);

/* --- keys ------------------------------------------------------------------------------------------- */

struct flow_key {
    size_t len;
    uint8_t bytes[FLOW_KEY_MAX];
};

static inline struct skn_slice flow_key_slice(const struct flow_key *key)
{
    return skn_slice(key->bytes, key->len);
}

/* kind byte, then key; and for an attempt its number. */
void flow_key(struct flow_key *out, char kind, struct skn_slice key);
void flow_key_attempt(struct flow_key *out, struct skn_slice key, uint32_t attempt);
/* body + level: false when the key would be too long. Of a body (attempt above 0) so that the keys
 * of what is inside it are not. */
bool flow_key_child(struct flow_key *out, struct skn_slice body, uint32_t unit, uint32_t attempt);
/* How many bytes of a key are the levels around its last one. */
size_t flow_key_parent_len(struct skn_slice key);
/* "2.1": unit ids + 1 from the root. */
void flow_key_path(struct skn_slice key, struct skn_buf *out);

/* --- one slice of a run ------------------------------------------------------------------------------ */

/* What is still to do in this slice: no recursion, however deep or long the flow is. All but
 * SETTLED stand for a range of which one unit or row is worked off at a time, so that what is left
 * for a further slice stays small. The order is stored in messages: append only. */
enum work_kind {
    WORK_START = 1,         /* the units of a step from `unit` on, in the body `key` */
    WORK_SETTLED = 2,       /* the context `key` is final */
    WORK_CANCEL_BODIES = 3, /* B rows inside the body `key`; when all have it, their contexts */
    WORK_CANCEL = 4,        /* F rows inside the body `key` */
    WORK_PARK = 5,          /* F rows of a run that stops */
    WORK_LEAVE = 6,         /* the same, and what runs is cut off */
    WORK_RESUME = 7,        /* F rows of a run that goes on */
    WORK_CUT_BODIES = 8, /* of the body `key`, in its step `unit`: B rows inside; then WORK_CUT */
    WORK_CUT = 9,        /* and F rows */
};

struct todo {
    struct todo *next;
    enum work_kind kind;
    uint32_t unit;
    struct skn_slice key;
    struct skn_slice from; /* the first key of the rest of the range; empty: its beginning */
};

struct walk {
    struct skn_cx *cx;
    const struct skn_graph *graph;
    const uint32_t *before; /* of each step, the one in front of it, or SKN_GRAPH_NONE */
    struct run_row run;
    struct todo *first, *last;
    struct skn_arena *arena;
};

/* --- walk.c: bodies and steps ------------------------------------------------------------------------- */

void walk_body_start(struct walk *w, struct skn_slice body_key, uint32_t body, size_t parent_len);
void walk_settled(struct walk *w, struct skn_slice ctx_key);
/* Works through what is to do; the rest goes into a message to itself. */
void walk_go(struct walk *w);
void walk_todo(struct walk *w, enum work_kind kind, struct skn_slice key, uint32_t unit);
void walk_todo_from(struct walk *w, const struct todo *todo, struct skn_slice from);
/* Asks for the end of everything inside a body, and of the body itself. */
void walk_cancel(struct walk *w, struct skn_slice body_key);
/* The body around a context was told to end, or the step it is in. */
bool walk_is_cancelled(struct walk *w, struct skn_slice ctx_key);

/* --- unit.c: one unit, its attempts, its branch --------------------------------------------------------- */

void unit_start(struct walk *w, struct skn_slice body_key, uint32_t unit);
/* The next attempt of a context. */
void unit_attempt(struct walk *w, struct skn_slice key, struct ctx_row *ctx);
/* How an attempt ended. Zero: a failure that is not tried again. */
struct attempt_end {
    enum skn_outcome outcome;
    struct skn_slice other;  /* SKN_OUTCOME_OTHER: which */
    bool may_retry;          /* as the unit's policy says */
    struct skn_value value;  /* its result, or the output of the failed one */
    struct skn_slice reason; /* of what is no success */
};
void unit_attempt_ended(struct walk *w,
                        struct skn_slice key,
                        struct ctx_row *ctx,
                        const struct attempt_end *end);
void unit_branch_ended(
    struct walk *w, struct skn_slice key, struct ctx_row *ctx, bool ok, struct skn_slice reason);
void unit_final(struct walk *w, struct skn_slice key, struct ctx_row *ctx, enum ctx_status status);
/* What failed inside a unit or body, whose path this is, is not why the run fails. */
void unit_forget_inside(struct walk *w, struct skn_slice path);
void unit_note_failure(struct walk *w, struct skn_slice key, const struct ctx_row *ctx);
void unit_cancel(struct walk *w, struct skn_slice key, struct ctx_row *ctx);
void unit_message(struct walk *w, const struct skn_message *message);
/* `tag` as it was set: a context's key, or DEADLINE_TAG and the key. */
void unit_timer(struct walk *w, struct skn_slice tag);
/* Stop: what waits is parked. `is_leaving`: what runs is cut off. */
void unit_park(struct walk *w, struct skn_slice key, bool is_leaving);
void unit_resume(struct walk *w, struct skn_slice key);

SKN_MUST_USE bool ctx_get(struct walk *w, struct skn_slice key, struct ctx_row *out);
void ctx_put(struct walk *w, struct skn_slice key, const struct ctx_row *ctx);

/* --- data.c: what a task gets, what a step gives --------------------------------------------------------- */

/* The result of a step whose units have ended. False: it is too large for a row. */
SKN_MUST_USE bool data_step_result(struct walk *w,
                                   struct skn_slice body_key,
                                   uint32_t step,
                                   struct skn_value *out_result);
/* The inputs of a task [F19]: an encoded map that lives in the slice. False: `out_reason` says
 * which required one is missing. */
SKN_MUST_USE bool data_inputs(struct walk *w,
                              struct skn_slice body_key,
                              uint32_t unit,
                              struct skn_value *out_map,
                              struct skn_slice *out_reason);
/* For `walk.before`; steps know only what follows them. */
const uint32_t *data_steps_before(struct skn_arena *arena, const struct skn_graph *graph);
struct skn_value data_value(struct walk *w, struct skn_slice key);
void data_put_value(struct walk *w, struct skn_slice key, struct skn_value value);
