/* walk_internal.h - a graph in the order of its text, without a stack: every part knows what it
 * stands in.
 *
 * Owns        nothing.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/pointy/pointy.h"

enum skn_walk_kind { SKN_WALK_BODY, SKN_WALK_STEP, SKN_WALK_UNIT, SKN_WALK_BRANCH, SKN_WALK_END };

struct skn_walk {
    const struct skn_graph *graph;
    enum skn_walk_kind kind; /* of what is visited now */
    uint32_t id;
    uint32_t depth; /* bodies around it, the run's own not counted */
};

/* Stands on bodies[0]. */
struct skn_walk skn_walk_start(const struct skn_graph *graph);

/* Goes on: a body, then each step, each of its units, what is inside a group, each branch and its
 * body. */
void skn_walk_next(struct skn_walk *walk);
