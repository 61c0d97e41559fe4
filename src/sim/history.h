/* history.h - what is seen of a node from outside, and whether it keeps its promises.
 *
 * Owns        the events of a history, their text form, and the checkers of P1 to P10 over them.
 * May include base.
 * Threads     none.
 * Invariants
 *   1. A checker knows the events only: who recorded them does not matter.
 *   2. Printing an event and reading it back gives the same event.
 *
 * The text form is one event per line, for --trace, for skein sim --check, and for whoever records
 * a real node: the kind, then members in any order, separated by one space.
 *
 *   request at=120 dom=sim:Ledger/1 id=q7 name=add hash=9f03 amount=5
 *   reply at=125 dom=sim:Ledger/1 id=q7 name=add hash=9f03 answer=77 rc=OK
 *   crash at=130 name=kill
 *
 *   at        milliseconds, of any clock that runs evenly and never goes back
 *   dom id name      text; bytes up to 20, 25 ("%") and 7f (hex) are written %XX
 *   hash answer      64 bits in hex          key     16 bytes in hex
 *   amount           a whole number, signed  count epoch attempt context   whole numbers
 *   rc               the name of a code (doc/json.md)
 *   success stale over leak    flags, written when they are true
 * A member that is not written is zero, empty, OK or false. Lines that begin with "#" say nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"

/* "Observed" events are what the rows of a node that has just opened (or has ended) say; they stand
 * between OBSERVE and OBSERVED. The text names stand in history.c. */
enum skn_history_kind {
    SKN_HISTORY_OPEN,    /* a node opened: epoch */
    SKN_HISTORY_CRASH,   /* it is gone: name says how; "marked" by a fault of its own at the domain,
                             of which each had one message */
    SKN_HISTORY_REQUEST, /* domain, id, name, hash of the payload, amount of an "add", or the
                             milliseconds of a "later" */
    SKN_HISTORY_REPLY, /* domain, id, name, hash of the payload, rc, answer (its hash), amount: the
                             sum that a "get" shows; of an "add" that was asked once count may be the
                             stamp at which it was done, and amount the sum then */
    SKN_HISTORY_PERFORM,  /* domain, id: path, key, attempt, epoch; is_stale, is_leaking; name: of
                             its limiter, amount: the places of that, 0 any number */
    SKN_HISTORY_EFFECT,   /* it happened to the world: key, attempt */
    SKN_HISTORY_RESULT,   /* given to the node: key, attempt, epoch, is_success */
    SKN_HISTORY_SETTLED,  /* everything given so far is handled and durable */
    SKN_HISTORY_FIRED,    /* a timer was told about: domain, id of its "later" */
    SKN_HISTORY_CLOCK,    /* the wall clock was moved, or the node's followed it, amount:
                             milliseconds */
    SKN_HISTORY_OBSERVE,  /* what follows is all there is */
    SKN_HISTORY_RUN,      /* domain, amount: when it started, is_stale, is_over */
    SKN_HISTORY_ATTEMPT,  /* domain, id: path, context, key, attempt, epoch, is_success */
    SKN_HISTORY_JOB,      /* domain, id, amount: attempts allowed, count: failures, is_over,
                             is_success, is_stale: it was cancelled */
    SKN_HISTORY_ENTRY,    /* a ledger's: domain, id, amount, count: how often it was added */
    SKN_HISTORY_TOTAL,    /* a ledger's sum: domain, amount */
    SKN_HISTORY_SENT,     /* domain, id: to whom, context: lane, count: messages */
    SKN_HISTORY_RECEIVED, /* domain, id: from whom, context: lane, count, amount: the first out of
                             order, or 0 */
    SKN_HISTORY_TIMER,    /* domain, id of its "later", count: how often it fired, amount: at which
                             millisecond after it was due, below 0 too early */
    SKN_HISTORY_DEAD,     /* domain, count: dead letters */
    SKN_HISTORY_MAIL,     /* domain, count: messages, amount: the limit */
    SKN_HISTORY_GIVEN, /* domain, id, attempt, name: a limiter, amount: when it gave the place, in
                             milliseconds of stamps, count: the least between two */
    SKN_HISTORY_PLACE, /* a row of a limiter: domain */
    SKN_HISTORY_THEN, /* what is shown of a ledger at a stamp [E70]: domain, count: the stamp, amount:
                             its sum; with id: of a note that was there and was pruned since, is_over:
                             it is called so */
    SKN_HISTORY_OBSERVED, /* everything that was ever promised is among it */
    SKN_HISTORY_END, /* nothing is under way any more, and all that was asked has been answered */
};

#define SKN_HISTORY_KINDS     (SKN_HISTORY_END + 1)
#define SKN_HISTORY_KEY_BYTES 16

struct skn_history_event {
    enum skn_history_kind kind;
    uint64_t at_ms;
    struct skn_slice domain;
    struct skn_slice id;
    struct skn_slice name;
    uint64_t hash;
    uint64_t answer;
    int64_t amount;
    uint64_t count;
    uint64_t epoch;
    uint32_t attempt;
    uint32_t context; /* which of its run, in tree order; a lane */
    enum skn_rc rc;
    bool is_success;
    bool is_stale; /* has a value that only a result of an older epoch had */
    bool is_over;
    bool is_leaking; /* has a value that was not declared for it (P8) */
    uint8_t key[SKN_HISTORY_KEY_BYTES];
};

/* One line without its end. */
struct skn_buf;
void skn_history_print(const struct skn_history_event *event, struct skn_buf *out);

/* Reads one line; its bytes live in the arena. SKN_ENOENT: it says nothing. SKN_ESYNTAX. */
SKN_MUST_USE enum skn_rc skn_history_parse(struct skn_slice line,
                                           struct skn_arena *arena,
                                           struct skn_history_event *out,
                                           struct skn_diag *diag);

struct skn_checker;

struct skn_checker *skn_checker_create(void) SKN_MUST_USE;
void skn_checker_destroy(struct skn_checker *checker);

/* Takes the next event; the bytes are copied. SKN_EFAULT: a promise is broken, `diag` names it. */
SKN_MUST_USE enum skn_rc skn_checker_add(struct skn_checker *checker,
                                         const struct skn_history_event *event,
                                         struct skn_diag *diag);

/* A timer may come so much later than asked for, counted while a node is up [E50]. */
enum { SKN_TIMER_LATE_MS_MAX = 120 * 1000 };
