/* draw_edges.h - what a picture of a flow connects: which unit follows which, linear in the flow.
 *
 * Owns        its lists; skn_edges_fini frees them.
 * May include base, lang/kit.
 * Threads     none.
 * Invariants
 *   1. A node is a unit that is an event or a call, a group that has branches (its end), or a point
 *      where several ends meet several beginnings; so there are never more edges than 4 per unit.
 */
#pragma once

#include "lang/pointy/draw_internal.h"

#define SKN_NODE_START (UINT32_MAX - 1)
#define SKN_NODE_END   (UINT32_MAX - 2)

struct skn_edge {
    uint32_t from;   /* a unit, a point (its number + the units), or START */
    uint32_t to;     /* a unit, a point, or END */
    uint32_t branch; /* whose outcome it is, or SKN_GRAPH_NONE */
    bool piped;
};

struct skn_edges {
    struct skn_edge *at;
    uint32_t count, cap;
    uint32_t *owners; /* of each point: the unit behind which it stands; they rise */
    uint32_t points, point_cap;
};

void skn_edges_init(struct skn_edges *edges, const struct skn_drawing *d);
void skn_edges_fini(struct skn_edges *edges);

/* Name, attempts and options of a unit, cut to what a picture has room for. */
void skn_drawing_label(const struct skn_drawing *d, uint32_t unit, struct skn_buf *out);
