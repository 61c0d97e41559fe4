/* sim.h - one node in one process under virtual time: flows, crashes and power cuts from a seed,
 * and the checkers that judge what came of it.
 *
 * Owns        the simulated world (clients, executor, disk) and the checkers of P1 to P10.
 * May include base, value, env, lang/kit, lang/pointy, journal, store, core, shard, flow.
 * Threads     none: one call is one simulation.
 * Invariants
 *   1. Everything is decided by the seed: the same options give the same report.
 *   2. The checkers see a history only, never the world: one recorded elsewhere is judged alike.
 *   3. The node is the real one (shard, core, flow, journal); only disk, clock, clients and
 *      programs are simulated.
 *   4. What happens to the node in a round is decided by seed and round alone: a fault that is left
 *      out moves none of the others.
 *
 * Histories and their checkers are in history.h.
 */
#pragma once

#include "base/base.h"
#include "base/bug.h"
#include "base/diag.h"
#include "base/rc.h"
#include "sim/cover_map.h"
#include "sim/history.h"

struct skn_buf;

/* How a node can end other than by a clean stop. */
enum skn_sim_crash {
    SKN_SIM_KILL, /* the page cache stays */
    SKN_SIM_CUT,  /* power cut: one of the modes of env_sim.h, SKN_SIM_CUT + mode */
};

enum skn_cover {
#define X(id, least, text) SKN_COVER_##id,
    SKN_COVER_MAP(X)
#undef X
        SKN_COVER_COUNT
};

/* Called with each event of the history; the text of it lives until it returns. */
typedef void (*skn_sim_trace_fn)(void *ctx, const struct skn_history_event *event);

struct skn_sim_options {
    uint64_t seed;
    uint32_t steps;   /* with faults; what is left then ends without any. 0: 1000 */
    enum skn_bug bug; /* planted while it runs, in a debug build */
    bool no_faults;
    /* Not NULL: only the faults of these rounds, in ascending order. */
    const uint32_t *fault_rounds;
    size_t fault_round_count;
    /* Not 0: the node stops at the machine's change (write, sync, name) of this number and ends as
     * `stop_how` says, and that is the only fault; for trying each of them in turn. */
    uint64_t stop_at;
    enum skn_sim_crash stop_how;
    bool cut_after; /* of a kill: power cut, once what the next node opened has been released */
    size_t
        heap_noise; /* bytes taken before it begins, and in the seed of hashes: neither addresses nor
                        * their order may matter (P4) */
    skn_sim_trace_fn trace; /* or NULL */
    void *trace_ctx;
};

enum { SKN_SIM_FAULT_ROUNDS_MAX = 512 };

struct skn_sim_report {
    uint64_t seeds; /* 1; more in a sum */
    uint64_t steps; /* events handled by the node (DESIGN.md 2) */
    uint64_t rounds;
    uint64_t virtual_ms;
    uint64_t records; /* in the journal at the end */
    uint64_t events[SKN_HISTORY_KINDS];
    uint64_t cover[SKN_COVER_COUNT];
    uint64_t stopped_at;         /* options.stop_at was reached */
    uint64_t state_lo, state_hi; /* state hash at the end */
    uint64_t records_hash;       /* of the bytes of every record at the end, in order [E25] */
    uint64_t history_hash;       /* of every event, in order */
};

/* Runs one simulation. SKN_EFAULT: a promise is broken, or the node failed where it may not;
 * `diag` says which and at which step. `out` is filled in any case. The rounds in which faults came
 * go to `out_fault_rounds` (may be NULL), the first SKN_SIM_FAULT_ROUNDS_MAX. */
struct skn_sim_faults {
    uint32_t rounds[SKN_SIM_FAULT_ROUNDS_MAX];
    size_t count;
    bool is_cut; /* there were more */
};
SKN_MUST_USE enum skn_rc skn_sim_run(const struct skn_sim_options *options,
                                     struct skn_sim_report *out,
                                     struct skn_sim_faults *out_faults,
                                     struct skn_diag *diag);

/* The same twice, at other addresses and with other hashes: SKN_EFAULT also when the two differ in any event, record or
 * row (P4, [E25]). `out` and `out_faults` are of the first. */
SKN_MUST_USE enum skn_rc skn_sim_run_twice(const struct skn_sim_options *options,
                                           struct skn_sim_report *out,
                                           struct skn_sim_faults *out_faults,
                                           struct skn_diag *diag);

/* The parameters of a seed as one line of text. */
void skn_sim_print_params(uint64_t seed, struct skn_buf *out);

/* Looks for the fewest steps and faults that still break a promise, for at most `tries` runs.
 * `options` has what failed; `out_options` borrows the rounds in `out_faults`. */
void skn_sim_shrink(const struct skn_sim_options *options,
                    unsigned tries,
                    struct skn_sim_options *out_options,
                    struct skn_sim_faults *out_faults,
                    struct skn_diag *out_diag);

/* Adds one report to a sum, where hashes are added like counts. */
void skn_sim_report_add(struct skn_sim_report *sum, const struct skn_sim_report *one);
/* The closing line: steps, slices, seeds, coverage, state hash. */
void skn_sim_report_print(const struct skn_sim_report *report, struct skn_buf *out);

struct skn_cover_info {
    const char *name;
    const char *text;
    uint64_t least; /* in the standard set */
};
const struct skn_cover_info *skn_sim_cover_info(enum skn_cover item);
/* How often an item has to be met in so many steps; 0: it need not be. */
uint64_t skn_sim_cover_least(enum skn_cover item, uint64_t steps);
/* How many items were met often enough, of those that must be. */
void skn_sim_cover_count(const struct skn_sim_report *sum, size_t *out_met, size_t *out_of);
