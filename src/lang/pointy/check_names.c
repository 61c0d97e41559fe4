/* check_names.c - names across units: flows that reach themselves [F13], and exports of units that
 * may run together [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/options_internal.h"
#include "lang/pointy/parse_internal.h"
#include "lang/pointy/scope_internal.h"

#include "base/mem.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

/* A text with more exports than this beside each other is checked only in part. */
enum { EXPORTS_MAX = 1 << 20 };

static uint32_t find_flow(const struct skn_project_events *p, struct skn_slice name)
{
    for (size_t i = 0; i < p->flow_count; i++)
        if (skn_slice_eq(p->flows[i].name, name)) return (uint32_t)i;
    return SKN_GRAPH_NONE;
}

/* "A -> B -> A" along the flows that were gone through. */
static const char *path_to(const struct skn_pty *b, const uint32_t *from, uint32_t last)
{
    const struct skn_project_events *p = b->project;
    const char *text = skn_arena_printf(b->arena, "%.*s", SKN_FMT(p->own_name));
    for (uint32_t at = last, steps = 0; at != SKN_GRAPH_NONE && steps < 20; at = from[at], steps++)
        text = skn_arena_printf(b->arena, "%.*s -> %s", SKN_FMT(p->flows[at].name), text);
    return skn_arena_printf(b->arena, "%.*s -> %s", SKN_FMT(p->own_name), text);
}

/* Breadth first from the flow `start`, each flow once; the way to this flow itself, or NULL. */
static const char *
find_cycle(struct skn_pty *b, uint32_t start, uint32_t *from, uint32_t *queue, bool *seen)
{
    const struct skn_project_events *p = b->project;
    uint32_t head = 0, tail = 0;
    if (skn_slice_eq(p->flows[start].name, p->own_name)) return path_to(b, from, SKN_GRAPH_NONE);
    if (seen[start]) return NULL;
    seen[start] = true;
    from[start] = SKN_GRAPH_NONE;
    queue[tail++] = start;
    while (head < tail) {
        uint32_t at = queue[head++];
        for (uint32_t i = 0; i < p->flows[at].start_count; i++) {
            if (skn_slice_eq(p->flows[at].starts[i], p->own_name)) return path_to(b, from, at);
            uint32_t next = find_flow(p, p->flows[at].starts[i]);
            if (next == SKN_GRAPH_NONE || seen[next]) continue;
            seen[next] = true;
            from[next] = at;
            queue[tail++] = next;
        }
    }
    return NULL;
}

static void unknown_flow(struct skn_pty *b, struct skn_span span)
{
    struct skn_slice name = skn_pty_text(b, span);
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (size_t i = 0; b->project && i < b->project->flow_count; i++)
        skn_suggest_offer(&suggest, b->project->flows[i].name);
    skn_diags_add(b->diags,
                  b->project ? SKN_CODE_UNKNOWN_FLOW : SKN_CODE_LONE_FLOW,
                  span,
                  SKN_DIAG_ARGS(name, suggest.best));
}

void skn_check_flows(struct skn_pty *b)
{
    const struct skn_project_events *p = b->project;
    size_t count = p ? p->flow_count : 0;
    uint32_t *from = skn_alloc_zero(count + 1, sizeof(*from));
    uint32_t *queue = skn_alloc_zero(count + 1, sizeof(*queue));
    bool *seen = skn_alloc_zero(count + 1, sizeof(*seen));
    for (uint32_t i = 0; i < b->tree->unit_count; i++) {
        if (skn_option_place(b, i) != SKN_ON_FLOW) continue;
        struct skn_span span = skn_syn_event_of(b->source, &b->tree->units[i]).name;
        if (p && !p->has_flows) continue;
        uint32_t flow = p ? find_flow(p, skn_pty_text(b, span)) : SKN_GRAPH_NONE;
        if (flow == SKN_GRAPH_NONE) {
            unknown_flow(b, span);
            continue;
        }
        const char *path = find_cycle(b, flow, from, queue, seen);
        if (path)
            skn_diags_add(b->diags, SKN_CODE_FLOW_CYCLE, span, SKN_DIAG_ARGS(skn_slice_str(path)));
    }
    skn_free(from);
    skn_free(queue);
    skn_free(seen);
}

/* A name that a unit exports, as seen from a step with several units. */
struct export
{
    uint32_t step;
    struct skn_slice name;
    uint32_t beside; /* the unit of that step in which it is */
    uint32_t unit;   /* that exports it */
};

struct exports {
    struct skn_pty *b;
    struct export *at;
    uint32_t count, cap;
};

/* Upward through branches, which belong to the group around their unit; a group ends the way. */
static void
add_export(void *ctx, uint32_t unit, struct skn_slice name, const struct skn_field *field)
{
    struct exports *e = ctx;
    (void)field;
    const struct skn_syntax *tree = e->b->tree;
    for (uint32_t at = unit;;) {
        uint32_t step = tree->units[at].step;
        if (tree->steps[step].unit_count > 1 && e->count < EXPORTS_MAX) {
            e->at = skn_parse_grow(e->at, e->count, &e->cap, sizeof(*e->at));
            e->at[e->count++] = (struct export){step, name, at, unit};
        }
        const struct skn_syn_body *body = &tree->bodies[tree->steps[step].body];
        if (body->kind != SKN_BODY_BRANCH) return;
        at = body->owner;
    }
}

static int by_step_and_name(const void *left, const void *right)
{
    const struct export *a = left;
    const struct export *b = right;
    if (a->step != b->step) return a->step < b->step ? -1 : 1;
    int order = skn_slice_cmp(a->name, b->name);
    if (order != 0) return order;
    return a->unit < b->unit ? -1 : a->unit > b->unit;
}

void skn_check_exports(struct skn_pty *b)
{
    struct exports e = {.b = b};
    for (uint32_t unit = 0; unit < b->tree->unit_count; unit++)
        skn_pty_exports(b, unit, add_export, &e);
    if (e.count > 1) qsort(e.at, e.count, sizeof(*e.at), by_step_and_name);
    for (uint32_t i = 1; i < e.count; i++) {
        const struct export *a = &e.at[i - 1], *x = &e.at[i];
        if (a->step != x->step || !skn_slice_eq(a->name, x->name) || a->beside == x->beside)
            continue;
        skn_diags_add(
            b->diags,
            SKN_CODE_EXPORT_CLASH,
            b->tree->units[x->unit].span,
            SKN_DIAG_ARGS(skn_pty_unit_name(b, x->unit), x->name, skn_pty_unit_name(b, a->unit)));
    }
    skn_free(e.at);
}

/* What else the group may mean: a name that something in it sets. */
static const char *near_export(struct skn_pty *b,
                               const struct skn_scopes *scopes,
                               uint32_t scope,
                               struct skn_slice name)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (uint32_t i = 0; i < scopes->count; i++)
        if (scopes->at[i].body == scope) skn_suggest_offer(&suggest, scopes->at[i].name);
    if (suggest.best.len == 0)
        return "Events set what their files list under exports, Set any name.";
    return skn_arena_printf(b->arena, "Did you mean \"%.*s\"?", SKN_FMT(suggest.best));
}

/* The names that a group lists. `has_unknown`: an event in it cannot be looked up, and may set any. */
static void check_group_exports(struct skn_pty *b,
                                const struct skn_scopes *scopes,
                                uint32_t unit,
                                const bool *has_unknown)
{
    const struct skn_syn_unit *group = &b->tree->units[unit];
    if (group->kind != SKN_SYN_GROUP || group->option_count == 0 || has_unknown[group->body])
        return;
    for (uint32_t i = 0; i < group->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[group->first_option + i];
        const struct skn_literal *list = &b->tree->literals[option->literal];
        if (list->kind != SKN_LITERAL_LIST ||
            !skn_slice_eq(skn_pty_text(b, option->name), SKN_LIT("exports")))
            continue;
        for (uint32_t at = option->literal + 1; at < list->end; at++) {
            const struct skn_literal *literal = &b->tree->literals[at];
            struct skn_slice name;
            if (literal->kind != SKN_LITERAL_STRING || !skn_pty_string(b, literal, false, &name) ||
                !skn_is_name(name) || skn_scopes_inside(scopes, group->body, name))
                continue;
            const char *hint = near_export(b, scopes, group->body, name);
            skn_diags_add(b->diags,
                          SKN_CODE_EXPORT_UNSET,
                          literal->span,
                          SKN_DIAG_ARGS(name, skn_slice_str(hint)));
        }
    }
}

void skn_check_scopes(struct skn_pty *b, const struct skn_scopes *scopes)
{
    const struct skn_syntax *tree = b->tree;
    if (scopes->count == 0) return; /* no group exports anything */
    for (uint32_t i = 0; i < scopes->count; i++) {
        const struct skn_variable *v = &scopes->at[i];
        if (v->depth != SKN_SCOPES_AROUND_MAX + 1) continue;
        const char *what =
            skn_arena_printf(b->arena, "groups around each other set \"%.*s\"", SKN_FMT(v->name));
        skn_diags_add(
            b->diags,
            SKN_CODE_TOO_MANY,
            tree->units[v->unit].span,
            SKN_DIAG_ARGS(SKN_LIT("16"),
                          skn_slice_str(what),
                          SKN_LIT("Put the inner ones into a flow of their own: FLOW<..>")));
    }
    bool *has_unknown = skn_alloc_zero(tree->body_count, sizeof(*has_unknown));
    for (uint32_t unit = 0; unit < tree->unit_count; unit++) {
        uint32_t event = b->unit_event[unit];
        bool is_unknown =
            tree->units[unit].kind == SKN_SYN_BAD ||
            (tree->units[unit].kind == SKN_SYN_EVENT && b->event_kinds[event] == SKN_NAME_UNKNOWN);
        if (is_unknown)
            has_unknown[skn_scope_of(tree, tree->steps[tree->units[unit].step].body)] = true;
    }
    for (uint32_t unit = 0; unit < tree->unit_count; unit++)
        check_group_exports(b, scopes, unit, has_unknown);
    skn_free(has_unknown);
}
