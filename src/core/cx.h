/* cx.h - what a program may do while it handles a message: read and write its rows, send, set
 * timers, record intents, answer.
 *
 * Owns        nothing; everything goes into the overlay of the slice.
 * May include base, value, store.
 * Threads     the one that runs the slice.
 * Invariants
 *   1. The first failure sticks: later calls do nothing, and the slice faults with it whatever the
 *      handler returns. So writes need no check; a read that fails says so.
 *   2. Bytes given to a call are copied. Slices given back live until the slice ends.
 */
#pragma once

#include "base/arena.h"
#include "core/core.h"

/* --- who, when, chance ------------------------------------------------------------------------ */

struct skn_slice skn_cx_address(const struct skn_cx *cx);
uint64_t skn_cx_stamp(const struct skn_cx *cx);
uint64_t skn_cx_now_ms(const struct skn_cx *cx); /* the stamp's milliseconds */
uint64_t skn_cx_epoch(const struct skn_cx *cx);

/* 64 bits of HMAC(store secret, domain, stamp, number of the call). */
uint64_t skn_cx_random(struct skn_cx *cx);

/* Memory that dies with the slice. */
struct skn_arena *skn_cx_arena(struct skn_cx *cx);

/* A scratch buffer for building one value or row; emptied by each call. */
struct skn_buf *skn_cx_scratch(struct skn_cx *cx);

/* The slice has changed more than half of what one batch may hold: a program with more to do sends
 * itself a message and goes on there [E62]. */
bool skn_cx_is_half_full(const struct skn_cx *cx);

/* The work that a program does beside the calls below, in the unit of gas.h. Over the limit
 * `slice_gas` the slice faults with SKN_EGAS; gives what stuck, like skn_cx_rc. */
enum skn_rc skn_cx_charge(struct skn_cx *cx, uint64_t gas);
uint64_t skn_cx_gas(const struct skn_cx *cx);      /* charged so far */
uint64_t skn_cx_gas_left(const struct skn_cx *cx); /* 0 when it is over */
/* Bytes that the arena may still give before the limit `slice_memory`, by its own count. It is looked
 * at when the slice is charged, and at its end. */
size_t skn_cx_memory_left(const struct skn_cx *cx);

/* What stuck so far: SKN_OK, SKN_ELATER, or the fault. */
SKN_MUST_USE enum skn_rc skn_cx_rc(const struct skn_cx *cx);

/* --- rows ------------------------------------------------------------------------------------- */

/* The value under one of the domain's own keys: as the slice has it. SKN_ENOENT when there is
 * none; anything else but SKN_OK has stuck, and the handler should return it. */
SKN_MUST_USE enum skn_rc
skn_cx_get(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value);

/* The first own row with key >= `from` that begins with `prefix`. SKN_ENOENT: none. */
SKN_MUST_USE enum skn_rc skn_cx_next(struct skn_cx *cx,
                                     struct skn_slice prefix,
                                     struct skn_slice from,
                                     struct skn_row *out_row);

void skn_cx_put(struct skn_cx *cx, struct skn_slice key, struct skn_slice value);
/* Secrets in it are sealed at rest, and plain when it is read again [E46]; one has at most 64 KiB. The
 * bytes of skn_cx_put are stored as they are. */
void skn_cx_put_value(struct skn_cx *cx, struct skn_slice key, struct skn_value value);
void skn_cx_delete(struct skn_cx *cx, struct skn_slice key);
/* The same with the word that the journal keeps for it: SKN_WHY_PRUNE hides from every look back what
 * the row ever held [E70] (P8). */
void skn_cx_delete_why(struct skn_cx *cx, struct skn_slice key, enum skn_why why);

/* What an index that the program declares has: rows in the order of (entry, key), as the slice has
 * them. */
struct skn_found {
    struct skn_slice entry;
    struct skn_row row; /* its key as the program knows it */
};
/* The first one whose entry begins with `prefix`, behind `behind` if that is not NULL. SKN_ENOENT. */
SKN_MUST_USE enum skn_rc skn_cx_find(struct skn_cx *cx,
                                     uint8_t index,
                                     struct skn_slice prefix,
                                     const struct skn_found *behind,
                                     struct skn_found *out);

/* Every own row whose key begins with `prefix` is gone at once, however many there are; an empty
 * prefix means all. What is written under it afterwards is there. Many rows are removed by slices of
 * the core's own, later; 64 such ranges may wait, then SKN_EFULL [E14]. */
void skn_cx_delete_range(struct skn_cx *cx, struct skn_slice prefix);

/* The domain ends with this slice, if nothing of it is left then: no own rows, timers, intents, mail or
 * dead letters. Else it goes on, and may say so again. */
void skn_cx_end(struct skn_cx *cx);

/* --- messages, timers, intents, answers ------------------------------------------------------- */

/* To any domain, itself included. Arrives once, and in the order sent among those of one priority.
 * A receiver that has no room does not stop the sender: the message waits and counts against the
 * sender's outbox. Faults: SKN_EOUTBOXFULL when that is full and this would wait too [E32],
 * SKN_ETARGETFAULTED [E33]; SKN_EPERM to a limiter. */
void skn_cx_send(struct skn_cx *cx,
                 struct skn_slice address,
                 enum skn_priority priority,
                 struct skn_slice name,
                 struct skn_value payload);

/* Fires once at or after `due_ms` with `tag`; gives its number. */
uint64_t skn_cx_timer_set(struct skn_cx *cx, uint64_t due_ms, struct skn_slice tag);
/* One that fired or never was is left alone. */
void skn_cx_timer_cancel(struct skn_cx *cx, uint64_t number);

/* Records that `effect` is to be performed, and tried again as its policy says. Every attempt's
 * end comes as a SKN_MESSAGE_ATTEMPT, and so does the start of each further one. With a limiter the
 * first one waits for its place, too; a limit that is none faults with SKN_EARGS. */
uint64_t skn_cx_intent_start(struct skn_cx *cx, const struct skn_intent_spec *spec);

enum skn_cancel {
    SKN_CANCEL = 1,       /* its end will be `cancelled`, or success when that came first */
    SKN_CANCEL_LEAVE = 2, /* at once, without grace; its end will be `interrupted` */
};

/* Asks for the end of an intent. True: an attempt runs, and its final message will come. False:
 * none runs (it waited for its next attempt, or is over); the intent is gone and nothing comes. */
bool skn_cx_intent_cancel(struct skn_cx *cx, uint64_t number, enum skn_cancel how);

/* The idempotency key that an intent with this identity has. */
void skn_cx_key(struct skn_cx *cx, struct skn_slice identity, uint8_t out[SKN_KEY_BYTES]);

/* Sends a message that is answered: a SKN_MESSAGE_ANSWER with `tag` and the number that this gives comes
 * once, with what the receiver replied, or why there is none: it refused, its handling faulted (then
 * with the fault), or it was removed (SKN_EGONE). It has a place of its own beside the mailbox and may
 * overtake what the receiver sent before [E30]. A receiver that is FAULTED answers when somebody
 * redelivers; who does not want to wait sets a timer and cancels. Faults like skn_cx_send, with SKN_EFULL
 * over the limit `answers`, and over `call_depth` in a chain of calls. */
uint64_t skn_cx_call(struct skn_cx *cx,
                     struct skn_slice address,
                     enum skn_priority priority,
                     struct skn_slice name,
                     struct skn_value payload,
                     struct skn_slice tag);
/* No answer comes any more; the receiver may handle the call all the same, and is told if it kept it.
 * False: it was over. */
bool skn_cx_call_cancel(struct skn_cx *cx, uint64_t number);

/* The call that is handled stays open behind this slice, to be answered by a later one of this domain
 * under the number that this gives. `tag` comes back with the SKN_MESSAGE_CANCEL when the caller cancels or
 * is removed, which ends it. When this domain is removed the caller is answered SKN_EGONE, when it becomes
 * FAULTED with SKN_EFAULT. 0: what is handled is no call; answer it now. Faults with SKN_EFULL over
 * the limit `kept_calls`, and when the call was answered or kept before. */
uint64_t skn_cx_call_keep(struct skn_cx *cx, struct skn_slice tag);
/* Answers a call that was kept, as skn_cx_reply and skn_cx_refuse do. False: it is over, and nothing
 * happened. */
bool skn_cx_call_answer(struct skn_cx *cx, uint64_t kept, struct skn_value value);
bool skn_cx_call_refuse(struct skn_cx *cx, uint64_t kept, enum skn_rc rc, const char *text);
/* What the slice calls from here on it calls for this one, so `call_depth` counts on from its depth. False:
 * it is over, so nobody waits for what would be done. */
bool skn_cx_call_go_on(struct skn_cx *cx, uint64_t kept);

/* Answers the request or call that is handled; without one nothing happens. At most once; when a handler
 * does not, the answer is none. Nothing is left of secrets in an answer or a signal. */
void skn_cx_reply(struct skn_cx *cx, struct skn_value value);
void skn_cx_refuse(struct skn_cx *cx, enum skn_rc rc, const char *text);

/* Tells whoever watches this domain. Leaves with the batch; lost when nobody does. */
void skn_cx_signal(struct skn_cx *cx, struct skn_slice name, struct skn_value value);
