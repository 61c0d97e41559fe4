/* draw_data.c - what can still be read, where, and why: the reasons of [F20] and [E61]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_internal.h"

#include "base/pure.h" /* last */

/* Writes "; " between reasons. */
struct reasons {
    struct skn_buf *out;
    bool any;
};

static void because(struct reasons *r)
{
    skn_buf_put_str(r->out, r->any ? "; " : "");
    r->any = true;
}

static void put_unit(const struct skn_drawing *d, uint32_t unit, struct skn_buf *out)
{
    skn_buf_printf(out, "%u %.*s", (unsigned)unit, SKN_FMT(skn_drawing_name(d, unit)));
}

static void put_step(const struct skn_drawing *d, uint32_t step, struct skn_buf *out)
{
    enum { SHOWN = 4 };
    uint32_t count = 0;
    for (uint32_t u = d->tree.steps[step].first_unit; u != SKN_GRAPH_NONE;
         u = d->tree.units[u].next) {
        if (count > 0) skn_buf_put_str(out, ", ");
        if (count++ == SHOWN) {
            skn_buf_put_str(out, "..");
            return;
        }
        put_unit(d, u, out);
    }
}

static bool has_option(const struct skn_drawing *d, uint32_t unit, const char *name)
{
    const struct skn_syn_unit *from = &d->tree.units[unit];
    for (uint32_t i = 0; i < from->option_count; i++) {
        struct skn_span at = d->tree.options[from->first_option + i].name;
        if (skn_slice_eq(skn_slice_str(name), skn_pty_text(&d->b, at))) return true;
    }
    return false;
}

/* Who reads the result of a chain that ends with this step: outward until somebody does. */
static void put_reader(const struct skn_drawing *d, uint32_t step, struct reasons *r)
{
    for (;;) {
        const struct skn_syn_step *from = &d->tree.steps[step];
        if (from->next != SKN_GRAPH_NONE) {
            if (!d->tree.steps[from->next].piped) return;
            because(r);
            skn_buf_put_str(r->out, "piped into ");
            put_step(d, from->next, r->out);
            return;
        }
        const struct skn_syn_body *body = &d->tree.bodies[from->body];
        if (body->kind == SKN_BODY_RUN) {
            because(r);
            skn_buf_put_str(r->out, "the result of the run");
            return;
        }
        step = d->tree.units[body->owner].step;
    }
}

/* A success branch takes the place of the unit's own result. */
static bool keeps_own(const struct skn_drawing *d, uint32_t unit)
{
    for (uint32_t b = d->tree.units[unit].first_branch; b != SKN_GRAPH_NONE;
         b = d->tree.branches[b].next)
        if (skn_slice_eq(skn_drawing_outcome(d, b), SKN_LIT("success"))) return false;
    return true;
}

static void put_branches(const struct skn_drawing *d, uint32_t unit, struct reasons *r)
{
    for (uint32_t b = d->tree.units[unit].first_branch; b != SKN_GRAPH_NONE;
         b = d->tree.branches[b].next) {
        if (!d->tree.branches[b].piped) continue;
        because(r);
        skn_buf_printf(r->out, "piped into the branch %.*s, ", SKN_FMT(skn_drawing_outcome(d, b)));
        put_step(d, d->tree.bodies[d->tree.branches[b].body].first_step, r->out);
    }
}

/* The groups around a unit that may be tried again, and what is kept for that. */
static void put_retries(const struct skn_drawing *d, uint32_t unit, struct reasons *r)
{
    for (uint32_t at = unit;;) {
        const struct skn_syn_body *body =
            &d->tree.bodies[d->tree.steps[d->tree.units[at].step].body];
        if (body->kind == SKN_BODY_RUN) return;
        at = body->owner;
        if (body->kind != SKN_BODY_GROUP || skn_drawing_attempts(d, at) < 2) continue;
        because(r);
        skn_buf_put_str(r->out, "inputs kept: ");
        put_unit(d, at, r->out);
        skn_buf_printf(r->out, " may be tried %u times", (unsigned)skn_drawing_attempts(d, at));
        return; /* further out they are kept by what is kept here */
    }
}

static void put_result(const struct skn_drawing *d, uint32_t unit, struct skn_buf *out)
{
    struct reasons r = {.out = out};
    uint32_t event = d->b.unit_event[unit];
    skn_buf_put_str(out, "  ");
    put_unit(d, unit, out);
    skn_buf_put_str(out, ": ");
    put_branches(d, unit, &r);
    if (keeps_own(d, unit)) put_reader(d, d->tree.units[unit].step, &r);
    for (uint32_t i = 0; event != SKN_GRAPH_NONE && i < d->b.events[event].export_count; i++) {
        because(&r);
        skn_buf_printf(
            out, "exported as %.*s to the group around", SKN_FMT(d->b.events[event].exports[i]));
    }
    if (has_option(d, unit, "compensate")) {
        because(&r);
        skn_buf_put_str(out, "with its inputs until the run has ended: it may be compensated");
    }
    if (has_option(d, unit, "cache")) {
        because(&r);
        skn_buf_put_str(out, "kept for equal inputs: cache");
    }
    if (skn_drawing_attempts(d, unit) > 1) {
        because(&r);
        skn_buf_put_str(out, "inputs kept until its last attempt");
    }
    put_retries(d, unit, &r);
    if (!r.any) skn_buf_put_str(out, "read by nothing, dropped when it ends");
    skn_buf_put_str(out, "\n");
}

/* Who takes an input of the run by its name, and the last of them. */
static void put_input(const struct skn_drawing *d, uint32_t input, struct skn_buf *out)
{
    enum { SHOWN = 8 };
    struct skn_slice name = skn_pty_text(&d->b, d->tree.inputs[input].name);
    uint32_t readers = 0, last = 0;
    skn_buf_printf(out, "  %.*s: ", SKN_FMT(name));
    for (uint32_t unit = 0; unit < d->tree.unit_count; unit++) {
        uint32_t event = d->b.unit_event[unit];
        bool takes = false;
        for (uint32_t i = 0; event != SKN_GRAPH_NONE && i < d->b.events[event].input_count; i++)
            takes = takes || skn_slice_eq(d->b.events[event].inputs[i].name, name);
        if (!takes) continue;
        if (readers < SHOWN) {
            skn_buf_put_str(out, readers == 0 ? "read by " : ", ");
            put_unit(d, unit, out);
        }
        readers++;
        last = unit;
    }
    if (readers > SHOWN) skn_buf_put_str(out, ", ..");
    if (readers == 0) {
        skn_buf_put_str(out, "read by no input of its name\n");
    } else {
        skn_buf_put_str(out, "; until ");
        put_unit(d, last, out);
        skn_buf_put_str(out, " has ended\n");
    }
}

void skn_drawing_data(const struct skn_drawing *drawing, struct skn_buf *out)
{
    skn_buf_put_str(out, "inputs\n");
    for (uint32_t i = 0; i < drawing->tree.input_count; i++)
        put_input(drawing, i, out);
    if (drawing->tree.input_count == 0) skn_buf_put_str(out, "  none\n");
    if (drawing->tree.directives[SKN_DIRECTIVE_ON_FAILURE].at.end > 0)
        skn_buf_put_str(out, "  all of them until the run has ended: @on-failure\n");
    skn_buf_put_str(out, "results\n");
    for (uint32_t unit = 0; unit < drawing->tree.unit_count; unit++)
        put_result(drawing, unit, out);
}
