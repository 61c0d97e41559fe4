/* walk.c - a graph in the order of its text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/walk_internal.h"

#include "base/pure.h" /* last */

struct skn_walk skn_walk_start(const struct skn_graph *graph)
{
    return (struct skn_walk){.graph = graph, .kind = SKN_WALK_BODY, .id = 0};
}

static void go(struct skn_walk *walk, enum skn_walk_kind kind, uint32_t id)
{
    walk->kind = kind;
    walk->id = id;
}

/* The branch that a body belongs to. */
static uint32_t branch_of(const struct skn_graph *graph, uint32_t body)
{
    uint32_t at = graph->units[graph->bodies[body].owner].first_branch;
    while (graph->branches[at].body != body)
        at = graph->branches[at].next;
    return at;
}

/* Everything inside `unit` was visited, and its branches too: what comes next. */
static void leave_unit(struct skn_walk *walk, uint32_t unit)
{
    const struct skn_graph *graph = walk->graph;
    for (;;) {
        const struct skn_graph_unit *u = &graph->units[unit];
        const struct skn_graph_step *step = &graph->steps[u->step];
        if (u->next != SKN_GRAPH_NONE) {
            go(walk, SKN_WALK_UNIT, u->next);
            return;
        }
        if (step->next != SKN_GRAPH_NONE) {
            go(walk, SKN_WALK_STEP, step->next);
            return;
        }
        const struct skn_graph_body *body = &graph->bodies[step->body];
        if (body->kind == SKN_BODY_RUN) {
            go(walk, SKN_WALK_END, 0);
            return;
        }
        walk->depth--;
        uint32_t branch = body->kind == SKN_BODY_GROUP
                              ? graph->units[body->owner].first_branch
                              : graph->branches[branch_of(graph, step->body)].next;
        if (branch != SKN_GRAPH_NONE) {
            go(walk, SKN_WALK_BRANCH, branch);
            return;
        }
        unit = body->owner;
    }
}

void skn_walk_next(struct skn_walk *walk)
{
    const struct skn_graph *graph = walk->graph;
    switch (walk->kind) {
    case SKN_WALK_BODY: go(walk, SKN_WALK_STEP, graph->bodies[walk->id].first_step); return;
    case SKN_WALK_STEP: go(walk, SKN_WALK_UNIT, graph->steps[walk->id].first_unit); return;
    case SKN_WALK_UNIT: {
        const struct skn_graph_unit *unit = &graph->units[walk->id];
        if (unit->body != SKN_GRAPH_NONE) {
            walk->depth++;
            go(walk, SKN_WALK_BODY, unit->body);
        } else if (unit->first_branch != SKN_GRAPH_NONE) {
            go(walk, SKN_WALK_BRANCH, unit->first_branch);
        } else {
            leave_unit(walk, walk->id);
        }
        return;
    }
    case SKN_WALK_BRANCH:
        walk->depth++;
        go(walk, SKN_WALK_BODY, graph->branches[walk->id].body);
        return;
    case SKN_WALK_END:
    default: SKN_ASSERT(false);
    }
}
