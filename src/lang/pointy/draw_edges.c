/* draw_edges.c - which unit follows which: ends and beginnings of every step as lists that share
 * their links, so that nothing is copied on the way out of nested groups and branches. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_edges.h"

#include "base/mem.h"
#include "lang/kit/utf8.h"
#include "lang/pointy/parse_internal.h"

#include "base/pure.h" /* last */

enum { LABEL_CHARS = 40 };

/* Nodes from `first` along the links up to `last`. */
struct chain {
    uint32_t first;
    uint32_t last;
};

static const struct chain none = {SKN_GRAPH_NONE, SKN_GRAPH_NONE};

struct finder {
    const struct skn_drawing *d;
    struct skn_edges *edges;
    uint32_t *next_end; /* by node: links of ends */
    uint32_t *next_begin;
    struct chain *ends;   /* by step */
    struct chain *begins; /* by step */
};

static struct chain one(uint32_t node)
{
    return (struct chain){node, node};
}

static void append(uint32_t *links, struct chain *to, struct chain more)
{
    if (more.first == SKN_GRAPH_NONE) return;
    if (to->first == SKN_GRAPH_NONE) {
        *to = more;
        return;
    }
    links[to->last] = more.first;
    to->last = more.last;
}

static bool is_success(const struct skn_drawing *d, uint32_t branch)
{
    return skn_slice_eq(skn_drawing_outcome(d, branch), SKN_LIT("success"));
}

static uint32_t last_step(const struct skn_drawing *d, uint32_t body)
{
    return d->tree.bodies[body].last_step;
}

static struct chain ends_of(struct finder *f, uint32_t unit)
{
    const struct skn_drawing *d = f->d;
    const struct skn_syn_unit *from = &d->tree.units[unit];
    if (from->first_branch == SKN_GRAPH_NONE)
        return from->kind == SKN_SYN_GROUP ? f->ends[last_step(d, from->body)] : one(unit);
    struct chain all = none;
    bool keeps_own = true;
    for (uint32_t b = from->first_branch; b != SKN_GRAPH_NONE; b = d->tree.branches[b].next) {
        append(f->next_end, &all, f->ends[last_step(d, d->tree.branches[b].body)]);
        if (is_success(d, b)) keeps_own = false;
    }
    if (keeps_own) append(f->next_end, &all, one(unit));
    return all;
}

static struct chain begins_of(struct finder *f, uint32_t unit)
{
    const struct skn_syn_unit *from = &f->d->tree.units[unit];
    if (from->kind != SKN_SYN_GROUP) return one(unit);
    return f->begins[f->d->tree.bodies[from->body].first_step];
}

/* What is inside has larger ids, and so have the later units of a step: going backwards, lists are
 * put together from their ends. */
static void find_lists(struct finder *f)
{
    const struct skn_syntax *tree = &f->d->tree;
    for (uint32_t i = 0; i < tree->step_count; i++)
        f->ends[i] = f->begins[i] = none;
    for (uint32_t unit = tree->unit_count; unit-- > 0;) {
        uint32_t step = tree->units[unit].step;
        struct chain ends = ends_of(f, unit);
        struct chain begins = begins_of(f, unit);
        append(f->next_end, &ends, f->ends[step]);
        append(f->next_begin, &begins, f->begins[step]);
        f->ends[step] = ends;
        f->begins[step] = begins;
    }
}

static void add(struct finder *f, uint32_t from, uint32_t to, uint32_t branch, bool piped)
{
    struct skn_edges *e = f->edges;
    e->at = skn_parse_grow(e->at, e->count, &e->cap, sizeof(*e->at));
    e->at[e->count++] = (struct skn_edge){from, to, branch, piped};
}

static void from_one(struct finder *f, uint32_t from, struct chain to, uint32_t branch, bool piped)
{
    for (uint32_t n = to.first;; n = f->next_begin[n]) {
        add(f, from, n, branch, piped);
        if (n == to.last) return;
    }
}

static void to_one(struct finder *f, struct chain from, uint32_t to, bool piped)
{
    for (uint32_t n = from.first;; n = f->next_end[n]) {
        add(f, n, to, SKN_GRAPH_NONE, piped);
        if (n == from.last) return;
    }
}

/* A point behind a unit; units are gone through in order. */
static uint32_t new_point(struct finder *f, uint32_t unit)
{
    struct skn_edges *e = f->edges;
    e->owners = skn_parse_grow(e->owners, e->points, &e->point_cap, sizeof(*e->owners));
    e->owners[e->points] = unit;
    return f->d->tree.unit_count + e->points++;
}

/* Several ends and several beginnings meet in a point, else there would be an edge for each pair. */
static void link(struct finder *f, uint32_t unit, struct chain from, struct chain to, bool piped)
{
    if (from.first == from.last) {
        from_one(f, from.first, to, SKN_GRAPH_NONE, piped);
    } else if (to.first == to.last) {
        to_one(f, from, to.first, piped);
    } else {
        uint32_t point = new_point(f, unit);
        to_one(f, from, point, piped);
        from_one(f, point, to, SKN_GRAPH_NONE, piped);
    }
}

/* The outcome stands at one line, also when several units begin. */
static void into_branch(struct finder *f, uint32_t unit, uint32_t branch)
{
    const struct skn_syn_branch *from = &f->d->tree.branches[branch];
    struct chain to = f->begins[f->d->tree.bodies[from->body].first_step];
    if (to.first == to.last) {
        add(f, unit, to.first, branch, from->piped);
    } else {
        uint32_t point = new_point(f, unit);
        add(f, unit, point, branch, from->piped);
        from_one(f, point, to, SKN_GRAPH_NONE, from->piped);
    }
}

static void find_edges(struct finder *f)
{
    const struct skn_syntax *tree = &f->d->tree;
    from_one(f, SKN_NODE_START, f->begins[tree->bodies[0].first_step], SKN_GRAPH_NONE, false);
    for (uint32_t unit = 0; unit < tree->unit_count; unit++) {
        const struct skn_syn_unit *from = &tree->units[unit];
        const struct skn_syn_step *step = &tree->steps[from->step];
        for (uint32_t b = from->first_branch; b != SKN_GRAPH_NONE; b = tree->branches[b].next)
            into_branch(f, unit, b);
        if (from->kind == SKN_SYN_GROUP && from->first_branch != SKN_GRAPH_NONE)
            to_one(f, f->ends[last_step(f->d, from->body)], unit, false);
        if (from->next == SKN_GRAPH_NONE && step->next != SKN_GRAPH_NONE)
            link(
                f, unit, f->ends[from->step], f->begins[step->next], tree->steps[step->next].piped);
    }
    to_one(f, f->ends[last_step(f->d, 0)], SKN_NODE_END, false);
}

void skn_edges_init(struct skn_edges *edges, const struct skn_drawing *d)
{
    *edges = (struct skn_edges){.count = 0};
    struct finder f = {.d = d, .edges = edges};
    f.next_end = skn_alloc_zero(d->tree.unit_count, sizeof(*f.next_end));
    f.next_begin = skn_alloc_zero(d->tree.unit_count, sizeof(*f.next_begin));
    f.ends = skn_alloc_zero(d->tree.step_count, sizeof(*f.ends));
    f.begins = skn_alloc_zero(d->tree.step_count, sizeof(*f.begins));
    find_lists(&f);
    find_edges(&f);
    skn_free(f.next_end);
    skn_free(f.next_begin);
    skn_free(f.ends);
    skn_free(f.begins);
}

void skn_edges_fini(struct skn_edges *edges)
{
    skn_free(edges->at);
    skn_free(edges->owners);
    *edges = (struct skn_edges){.count = 0};
}

void skn_drawing_label(const struct skn_drawing *d, uint32_t unit, struct skn_buf *out)
{
    struct skn_buf text;
    skn_buf_init(&text, SKN_SOURCE_BYTES_MAX);
    skn_buf_put(&text, skn_drawing_name(d, unit));
    skn_drawing_suffix(d, unit, &text);
    struct skn_slice all = skn_buf_slice(&text);
    uint32_t chars = 0;
    for (size_t at = 0; at < all.len; chars++) {
        struct skn_utf8 c = skn_utf8_next(all, at);
        if (chars == LABEL_CHARS) {
            skn_buf_put_str(out, "..");
            break;
        }
        skn_buf_put(out, skn_slice(all.ptr + at, c.len));
        at += c.len;
    }
    skn_buf_fini(&text);
}
