/* sim.h - one node in one process under virtual time: flows, crashes and power cuts from a seed,
 * and the checkers that judge what came of it.
 *
 * Owns        the simulated world (clients, executor, disk) and the checkers of P1 to P5.
 * May include base, value, env, lang/kit, lang/pointy, journal, store, core, shard, flow.
 * Threads     none: one call is one simulation.
 * Invariants
 *   1. Everything is decided by the seed: the same options give the same report.
 *   2. The checkers see a history only, never the world: one recorded elsewhere is judged alike.
 *   3. The node is the real one (shard, core, flow, journal); only disk, clock, clients and
 *      programs are simulated.
 */
#pragma once

#include "base/base.h"
#include "base/bug.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"

/* --- histories and their checkers ------------------------------------------------------------- */

/* What is seen from outside, in order. "Observed" events are what the rows of a node that has just
 * opened (or has ended) say; they stand between OBSERVE and OBSERVED. */
enum skn_history_kind {
    SKN_HISTORY_OPEN,     /* a node opened: epoch */
    SKN_HISTORY_CRASH,    /* it is gone: name says how */
    SKN_HISTORY_REQUEST,  /* domain, id, name, hash of the payload, amount of an "add" */
    SKN_HISTORY_REPLY,    /* domain, id, name, hash of the payload, rc, answer (its hash) */
    SKN_HISTORY_PERFORM,  /* domain, id: path, key, attempt, epoch; is_stale */
    SKN_HISTORY_EFFECT,   /* it happened to the world: key, attempt */
    SKN_HISTORY_RESULT,   /* given to the node: key, attempt, epoch, is_success */
    SKN_HISTORY_SETTLED,  /* everything given so far is handled and durable */
    SKN_HISTORY_OBSERVE,  /* what follows is all there is */
    SKN_HISTORY_RUN,      /* domain, amount: when it started, is_stale, is_over */
    SKN_HISTORY_ATTEMPT,  /* domain, id: path, context, key, attempt, epoch, is_success */
    SKN_HISTORY_ENTRY,    /* a ledger's: domain, id, amount, count: how often it was added */
    SKN_HISTORY_TOTAL,    /* a ledger's sum: domain, amount */
    SKN_HISTORY_SENT,     /* domain, id: to whom, count: messages */
    SKN_HISTORY_RECEIVED, /* domain, id: from whom, count, amount: the first out of order, or 0 */
    SKN_HISTORY_OBSERVED, /* everything that was ever promised is among it */
    SKN_HISTORY_END, /* nothing is under way any more, and all that was asked has been answered */
};

#define SKN_HISTORY_KINDS     (SKN_HISTORY_END + 1)
#define SKN_HISTORY_KEY_BYTES 16

struct skn_history_event {
    enum skn_history_kind kind;
    struct skn_slice domain;
    struct skn_slice id;
    struct skn_slice name;
    uint64_t hash;
    uint64_t answer;
    int64_t amount;
    uint64_t count;
    uint64_t epoch;
    uint32_t attempt;
    uint32_t context; /* which of its run, in tree order */
    enum skn_rc rc;
    bool is_success;
    bool is_stale; /* has a value that only a result of an older epoch had */
    bool is_over;
    uint8_t key[SKN_HISTORY_KEY_BYTES];
};

struct skn_checker;

struct skn_checker *skn_checker_create(void) SKN_MUST_USE;
void skn_checker_destroy(struct skn_checker *checker);

/* Takes the next event; the bytes are copied. SKN_EFAULT: a promise is broken, `diag` names it. */
SKN_MUST_USE enum skn_rc skn_checker_add(struct skn_checker *checker,
                                         const struct skn_history_event *event,
                                         struct skn_diag *diag);

/* One line of text for people, without a newline. */
struct skn_buf;
void skn_history_print(const struct skn_history_event *event, struct skn_buf *out);

/* --- the simulation --------------------------------------------------------------------------- */

/* How a node can end other than by a clean stop. */
enum skn_sim_crash {
    SKN_SIM_KILL, /* the page cache stays */
    SKN_SIM_CUT,  /* power cut: one of the modes of env_sim.h, SKN_SIM_CUT + mode */
    SKN_SIM_CRASHES = SKN_SIM_CUT + 8,
};

/* Called with each event of the history; the text of it lives until it returns. */
typedef void (*skn_sim_trace_fn)(void *ctx, const struct skn_history_event *event);

struct skn_sim_options {
    uint64_t seed;
    uint32_t steps;   /* with faults; what is left then ends without any. 0: 300 */
    enum skn_bug bug; /* planted while it runs, in a debug build */
    bool no_crashes;
    /* Not 0: the node stops at the machine's change (write, sync, name) of this number and ends as
     * `stop_how` says, and that is the only fault; for trying each of them in turn. */
    uint64_t stop_at;
    enum skn_sim_crash stop_how;
    bool cut_after; /* of a kill: power cut, once what the next node opened has been released */
    skn_sim_trace_fn trace; /* or NULL */
    void *trace_ctx;
};

struct skn_sim_report {
    uint64_t steps, slices, faults, timers_fired, results_dropped;
    uint64_t records_last; /* index of the last record */
    uint64_t crashes[SKN_SIM_CRASHES];
    uint64_t crashes_between; /* not in the middle of a disk operation */
    uint64_t crashes_opening; /* while it opened */
    uint64_t stops;           /* in the middle of one */
    uint64_t io_errors;       /* a write or sync failed, and the node ended of it */
    uint64_t cuts_after_kill; /* kill, reopen, release, then power cut */
    uint64_t clean_stops;
    uint64_t opens, opens_held; /* without taking up what was in flight */
    uint64_t requests, repeats, reused_ids, answers;
    uint64_t runs, runs_failed;
    uint64_t tasks, tasks_vanished, effects_vanished, stale_results, cancels;
    uint64_t events[SKN_HISTORY_KINDS];
    uint64_t virtual_ms;
    uint64_t state_lo, state_hi; /* state hash at the end */
    uint64_t history_hash;       /* of every event, in order */
};

/* Runs one simulation. SKN_EFAULT: a promise is broken, or the node failed where it may not;
 * `diag` says which and at which step. `out` is filled in any case. */
SKN_MUST_USE enum skn_rc skn_sim_run(const struct skn_sim_options *options,
                                     struct skn_sim_report *out,
                                     struct skn_diag *diag);

/* The closing line of one or many simulations, and the adding up of them. */
void skn_sim_report_add(struct skn_sim_report *sum, const struct skn_sim_report *one);
void skn_sim_report_print(const struct skn_sim_report *report, struct skn_buf *out);
