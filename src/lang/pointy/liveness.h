/* liveness.h - liveness: which values of a run can still be read, by whom and why [F20] [E61].
 *
 * Owns        its arrays (skn_liveness_fini). Borrows the graph.
 * May include base, value, lang/kit.
 * Threads     any: it does not change once it is made.
 * Invariants
 *   1. Nothing is dropped that can still be read: whatever the outcomes, retries, failures and
 *      resumes of a run, a value is live at every point behind which something reads it.
 *   2. Uses stand in order of value, reason and reader, each once; their number is linear in the
 *      graph and its binds.
 *
 * Values
 *   result    what a unit gave: its own, or the output of its failed attempt; of a group that of its
 *             last step
 *   step      the result of a step, which is what its units gave: what is piped on. It is not kept
 *             beside those of its units
 *   start     the input of the run, piped whole into its first step
 *   input     an input of the run by its name
 *   slot      a variable, by its index in graph->slots
 */
#pragma once

#include "lang/pointy/pointy.h"

enum skn_liveness_kind {
    SKN_LIVENESS_RESULT,
    SKN_LIVENESS_STEP,
    SKN_LIVENESS_START,
    SKN_LIVENESS_INPUT,
    SKN_LIVENESS_SLOT,
};

/* Why a value lives; `by` is a unit except where it says otherwise. */
enum skn_liveness_reason {
    SKN_LIVENESS_LATER,   /* it reads the value: until its last attempt is over */
    SKN_LIVENESS_ATTEMPT, /* this group may be tried again, and what is inside reads it again */
    SKN_LIVENESS_RESUME,  /* it reads the value again when it failed and the run is resumed */
    SKN_LIVENESS_COMPENSATION, /* it may be compensated, with this as its input or result */
    SKN_LIVENESS_CACHE,        /* its result is kept for equal inputs, in a row of its own */
    SKN_LIVENESS_EXPORT, /* it becomes a variable when its unit ends: of a result `by` is the index of the
                            slot; of a variable the group that hands it out, under the same name */
    SKN_LIVENESS_ON_FAILURE, /* the event of @on-failure may read it; `by` is nobody */
    SKN_LIVENESS_RUN,        /* the result of the run; `by` is nobody */
    SKN_LIVENESS_STEP_OF,    /* a result that makes that of its step; `by` is the step */
    SKN_LIVENESS_OUTWARD, /* of the last step of a group: the group's result; `by` is the group */
    SKN_LIVENESS_BRANCH, /* of the last step of a branch: the result of its unit; `by` is that one */
    SKN_LIVENESS_REASONS,
};

enum { SKN_LIVENESS_ALL = (1 << SKN_LIVENESS_REASONS) - 1 };

struct skn_liveness_use {
    uint32_t value;
    enum skn_liveness_reason reason;
    uint32_t by;
};

struct skn_liveness_around {
    bool may_be_resumed;
    uint32_t repeated;
};

struct skn_liveness {
    const struct skn_graph *graph;
    struct skn_liveness_use *uses;
    uint32_t use_count, use_cap;
    uint32_t *first; /* by value, and one behind the last: its uses */
    uint32_t value_count;
    struct skn_liveness_around *around; /* by body, while it is made */
};

void skn_liveness_init(struct skn_liveness *live, const struct skn_graph *graph);
void skn_liveness_fini(struct skn_liveness *live);

/* The number of a value: `id` is a unit, a step, 0, an input, an index of slots. */
uint32_t
skn_liveness_value(const struct skn_liveness *live, enum skn_liveness_kind kind, uint32_t id);

/* Where a run stands with a unit. A unit that cannot start any more is over, such as those of a branch
 * that was not taken; with a further attempt of a group all that is inside is to come again. */
enum skn_liveness_state {
    SKN_LIVENESS_TO_COME, /* or running, or to be tried again, or its end is being written down */
    SKN_LIVENESS_FAILED,  /* its failure was not handled: the run may be resumed here */
    SKN_LIVENESS_OVER,
};

typedef enum skn_liveness_state (*skn_liveness_state_fn)(void *ctx, uint32_t unit);

/* Whether a value can still be read in a run that is not over. `reasons`: bits of those that count,
 * SKN_LIVENESS_ALL outside of tests. */
bool skn_liveness_is(const struct skn_liveness *live,
                     uint32_t value,
                     uint32_t reasons,
                     skn_liveness_state_fn state,
                     void *ctx);
