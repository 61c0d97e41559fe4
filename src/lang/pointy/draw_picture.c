/* draw_picture.c - a flow for Graphviz and for Mermaid: units are boxes, groups are frames, outcomes
 * stand at their edges, and what hands a result on is a heavy line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_edges.h"
#include "lang/pointy/walk_internal.h"

#include "base/pure.h" /* last */

struct painter {
    const struct skn_drawing *d;
    struct skn_buf *out;
    bool is_dot;
    uint32_t groups[SKN_GRAPH_DEPTH_MAX + 1]; /* open frames: the unit, */
    uint32_t depths[SKN_GRAPH_DEPTH_MAX + 1]; /* and the depth that is inside */
    uint32_t open_count;
    const struct skn_edges *edges;
    uint32_t next_point;
};

/* A text inside double quotes of either language. */
static void put_quoted(struct painter *p, struct skn_slice text)
{
    skn_buf_put_u8(p->out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (p->is_dot && (c == '"' || c == '\\')) skn_buf_put_u8(p->out, '\\');
        if (!p->is_dot && c == '"') {
            skn_buf_put_str(p->out, "#quot;");
        } else if (!p->is_dot && (c == '#' || c == '<' || c == '>' || c == '`')) {
            skn_buf_printf(p->out, "#%u;", (unsigned)c); /* it reads Markdown and HTML */
        } else {
            skn_buf_put_u8(p->out, c < 0x20 ? ' ' : c);
        }
    }
    skn_buf_put_u8(p->out, '"');
}

static void put_label(struct painter *p, uint32_t unit)
{
    struct skn_buf label;
    skn_buf_init(&label, 1 << 10);
    skn_drawing_label(p->d, unit, &label);
    put_quoted(p, skn_buf_slice(&label));
    skn_buf_fini(&label);
}

static void put_node_name(struct painter *p, uint32_t node)
{
    uint32_t units = p->d->tree.unit_count;
    if (node == SKN_NODE_START) {
        skn_buf_put_str(p->out, "start");
    } else if (node == SKN_NODE_END) {
        skn_buf_put_str(p->out, "done");
    } else if (node >= units) {
        skn_buf_printf(p->out, "p%u", (unsigned)(node - units));
    } else {
        skn_buf_printf(p->out, "u%u", (unsigned)node);
    }
}

static void indent(struct painter *p)
{
    for (uint32_t i = 0; i < p->open_count + 1; i++)
        skn_buf_put_str(p->out, "  ");
}

static bool has_branches(const struct painter *p, uint32_t unit)
{
    return p->d->tree.units[unit].first_branch != SKN_GRAPH_NONE;
}

static void close_group(struct painter *p)
{
    uint32_t unit = p->groups[--p->open_count];
    indent(p);
    skn_buf_put_str(p->out, p->is_dot ? "}\n" : "end\n");
    if (!has_branches(p, unit)) return;
    indent(p); /* where the group ends and its branches begin */
    skn_buf_printf(p->out,
                   p->is_dot ? "u%u [shape=diamond, label=\"\", width=0.25, height=0.25]\n"
                             : "u%u{ }\n",
                   (unsigned)unit);
}

static void open_group(struct painter *p, uint32_t unit, uint32_t depth)
{
    indent(p);
    if (p->is_dot) {
        skn_buf_printf(p->out, "subgraph cluster_%u { label=", (unsigned)unit);
        put_label(p, unit);
        skn_buf_put_str(p->out, "; labeljust=l; style=rounded; color=gray50\n");
    } else {
        skn_buf_printf(p->out, "subgraph g%u[", (unsigned)unit);
        put_label(p, unit);
        skn_buf_put_str(p->out, "]\n");
    }
    p->groups[p->open_count] = unit;
    p->depths[p->open_count++] = depth + 1;
}

static void put_unit(struct painter *p, uint32_t unit)
{
    indent(p);
    skn_buf_printf(p->out, "u%u", (unsigned)unit);
    skn_buf_put_str(p->out, p->is_dot ? " [label=" : "[");
    put_label(p, unit);
    if (p->is_dot && p->d->tree.units[unit].kind == SKN_SYN_CALL)
        skn_buf_put_str(p->out, ", peripheries=2");
    skn_buf_put_str(p->out, "]\n");
}

/* Those that stand behind a unit, in the frame that it is in. */
static void put_points(struct painter *p, uint32_t unit)
{
    for (; p->next_point < p->edges->points && p->edges->owners[p->next_point] == unit;
         p->next_point++) {
        indent(p);
        skn_buf_printf(
            p->out, p->is_dot ? "p%u [shape=point]\n" : "p%u(( ))\n", (unsigned)p->next_point);
    }
}

static void put_nodes(struct painter *p)
{
    for (struct skn_walk w = skn_walk_start(p->d->b.graph);; skn_walk_next(&w)) {
        uint32_t depth = w.kind == SKN_WALK_END ? 0 : w.depth;
        while (p->open_count > 0 && p->depths[p->open_count - 1] > depth)
            close_group(p);
        if (w.kind == SKN_WALK_END) return;
        if (w.kind != SKN_WALK_UNIT) continue;
        put_points(p, w.id);
        if (p->d->tree.units[w.id].kind == SKN_SYN_GROUP) {
            open_group(p, w.id, w.depth);
        } else {
            put_unit(p, w.id);
        }
    }
}

/* The innermost group around a unit, or NONE. */
static uint32_t frame_of(const struct skn_syntax *tree, uint32_t unit)
{
    for (;;) {
        const struct skn_syn_body *body = &tree->bodies[tree->steps[tree->units[unit].step].body];
        if (body->kind != SKN_BODY_BRANCH)
            return body->kind == SKN_BODY_GROUP ? body->owner : SKN_GRAPH_NONE;
        unit = body->owner; /* a branch stands in the frame of its unit */
    }
}

static uint32_t frame_of_node(const struct painter *p, uint32_t node)
{
    const struct skn_syntax *tree = &p->d->tree;
    if (node == SKN_NODE_START || node == SKN_NODE_END) return SKN_GRAPH_NONE;
    return frame_of(tree,
                    node >= tree->unit_count ? p->edges->owners[node - tree->unit_count] : node);
}

/* The outermost frame that an edge comes into, or NONE. What is inside has larger ids. */
static uint32_t frame_entered(const struct painter *p, const struct skn_edge *edge)
{
    const struct skn_syntax *tree = &p->d->tree;
    uint32_t from = frame_of_node(p, edge->from), to = frame_of_node(p, edge->to);
    uint32_t entered = SKN_GRAPH_NONE;
    while (from != to) {
        if (from == SKN_GRAPH_NONE || (to != SKN_GRAPH_NONE && to > from)) {
            entered = to;
            to = frame_of(tree, to);
        } else {
            from = frame_of(tree, from);
        }
    }
    return entered;
}

/* An edge ends at the frame that it comes into: further in it would cross its label. */
static void put_dot_edge(struct painter *p, const struct skn_edge *edge)
{
    const char *between = " [";
    uint32_t frame = frame_entered(p, edge);
    if (edge->branch != SKN_GRAPH_NONE) {
        struct skn_slice outcome = skn_drawing_outcome(p->d, edge->branch);
        bool fails = skn_slice_eq(outcome, SKN_LIT("failure"));
        /* The blanks keep it off its line, which leans. */
        skn_buf_put_str(p->out, " [label=");
        put_quoted(p, skn_slice_str(skn_arena_printf(p->d->b.arena, "  %.*s", SKN_FMT(outcome))));
        if (fails)
            skn_buf_put_str(p->out, ", color=\"#b02020\", fontcolor=\"#b02020\", style=dashed");
        between = ", ";
    }
    if (edge->piped) {
        skn_buf_printf(p->out, "%spenwidth=2.2", between);
        between = ", ";
    }
    if (frame != SKN_GRAPH_NONE) {
        skn_buf_printf(p->out, "%slhead=cluster_%u", between, (unsigned)frame);
        between = ", ";
    }
    if (between[0] == ',') skn_buf_put_str(p->out, "]");
}

static void put_edges(struct painter *p, const struct skn_edges *edges)
{
    for (uint32_t i = 0; i < edges->count; i++) {
        const struct skn_edge *edge = &edges->at[i];
        skn_buf_put_str(p->out, "  ");
        put_node_name(p, edge->from);
        if (p->is_dot) {
            skn_buf_put_str(p->out, " -> ");
        } else {
            skn_buf_put_str(p->out, edge->piped ? " ==>" : " -->");
            if (edge->branch != SKN_GRAPH_NONE) {
                skn_buf_put_str(p->out, "|");
                put_quoted(p, skn_drawing_outcome(p->d, edge->branch));
                skn_buf_put_str(p->out, "|");
            }
            skn_buf_put_str(p->out, " ");
        }
        put_node_name(p, edge->to);
        if (p->is_dot) put_dot_edge(p, edge);
        skn_buf_put_str(p->out, "\n");
    }
}

void skn_drawing_dot(const struct skn_drawing *drawing, struct skn_buf *out)
{
    struct skn_edges edges;
    struct painter p = {.d = drawing, .out = out, .is_dot = true, .edges = &edges};
    skn_edges_init(&edges, drawing);
    skn_buf_put_str(
        out,
        "digraph flow {\n"
        "  rankdir=TB; nodesep=0.35; ranksep=0.45; fontname=\"Helvetica\"; fontsize=11; "
        "compound=true\n"
        "  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=11]\n"
        "  edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7]\n"
        "  start [shape=circle, label=\"\", width=0.15, style=filled, fillcolor=black]\n"
        "  done [shape=doublecircle, label=\"\", width=0.12, style=filled, "
        "fillcolor=black]\n");
    put_nodes(&p);
    put_edges(&p, &edges);
    skn_buf_put_str(out, "}\n");
    skn_edges_fini(&edges);
}

void skn_drawing_mermaid(const struct skn_drawing *drawing, struct skn_buf *out)
{
    struct skn_edges edges;
    struct painter p = {.d = drawing, .out = out, .edges = &edges};
    skn_edges_init(&edges, drawing);
    skn_buf_put_str(out, "flowchart TB\n  start(( ))\n  done((( )))\n");
    put_nodes(&p);
    put_edges(&p, &edges);
    skn_edges_fini(&edges);
}
