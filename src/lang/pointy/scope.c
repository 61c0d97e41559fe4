/* scope.c - variables: which group has them, who sets them, who may read them [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/scope_internal.h"

#include "base/mem.h"
#include "lang/pointy/options_internal.h"
#include "lang/pointy/parse_internal.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

/* Of one name in one scope no more setters than this are looked at; behind them any may be before. */
enum { SETTERS_MAX = 64 };

static void
listed(const struct skn_pty *b, uint32_t unit, uint32_t literal, skn_export_fn fn, void *ctx)
{
    const struct skn_literal *list = &b->tree->literals[literal];
    struct skn_slice name;
    for (uint32_t at = literal + 1; list->kind == SKN_LITERAL_LIST && at < list->end; at++)
        if (b->tree->literals[at].kind == SKN_LITERAL_STRING &&
            skn_pty_string(b, &b->tree->literals[at], false, &name))
            fn(ctx, unit, name, NULL);
}

static const struct skn_field *output_of(const struct skn_event_def *def, struct skn_slice name)
{
    for (uint32_t i = 0; i < def->output_count; i++)
        if (skn_slice_eq(def->outputs[i].name, name)) return &def->outputs[i];
    return NULL;
}

void skn_pty_exports(const struct skn_pty *b, uint32_t unit, skn_export_fn fn, void *ctx)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    uint32_t event = b->unit_event[unit];
    bool is_set = event != SKN_GRAPH_NONE && b->event_kinds[event] == SKN_NAME_BUILTIN_LATER &&
                  skn_slice_eq(b->events[event].name, SKN_LIT("Set"));
    for (uint32_t i = 0; i < from->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[from->first_option + i];
        struct skn_slice name = skn_pty_text(b, option->name);
        if (from->kind == SKN_SYN_GROUP && skn_slice_eq(name, SKN_LIT("exports")))
            listed(b, unit, option->literal, fn, ctx);
        if (is_set && !skn_option_find(name)) fn(ctx, unit, name, NULL);
    }
    if (from->kind != SKN_SYN_EVENT) return; /* children of MAP export nothing */
    const struct skn_event_def *def = &b->events[event];
    for (uint32_t i = 0; i < def->export_count; i++)
        fn(ctx, unit, def->exports[i], output_of(def, def->exports[i]));
}

uint32_t skn_scope_of(const struct skn_syntax *tree, uint32_t body)
{
    while (tree->bodies[body].kind == SKN_BODY_BRANCH)
        body = tree->steps[tree->units[tree->bodies[body].owner].step].body;
    return body;
}

uint32_t skn_scope_around(const struct skn_syntax *tree, uint32_t scope)
{
    if (tree->bodies[scope].kind == SKN_BODY_RUN) return SKN_GRAPH_NONE;
    return skn_scope_of(tree, tree->steps[tree->units[tree->bodies[scope].owner].step].body);
}

static void add(void *ctx, uint32_t unit, struct skn_slice name, const struct skn_field *field)
{
    struct skn_scopes *s = ctx;
    const struct skn_syntax *tree = s->b->tree;
    s->at = skn_parse_grow(s->at, s->count, &s->cap, sizeof(*s->at));
    s->at[s->count++] =
        (struct skn_variable){.body = skn_scope_of(tree, tree->steps[tree->units[unit].step].body),
                              .name = name,
                              .unit = unit,
                              .field = field};
}

static int by_name(const struct skn_variable *a, const struct skn_variable *b)
{
    int order = skn_slice_cmp(a->name, b->name);
    if (order != 0) return order;
    return a->body < b->body ? -1 : a->body > b->body;
}

static int in_order(const void *left, const void *right)
{
    const struct skn_variable *a = left, *b = right;
    int order = by_name(a, b);
    if (order != 0) return order;
    return a->unit < b->unit ? -1 : a->unit > b->unit;
}

static int by_first_unit(const void *left, const void *right)
{
    const struct skn_variable *a = *(const struct skn_variable *const *)left;
    const struct skn_variable *b = *(const struct skn_variable *const *)right;
    if (a->body != b->body) return a->body < b->body ? -1 : 1;
    if (a->unit != b->unit) return a->unit < b->unit ? -1 : 1;
    return skn_slice_cmp(a->name, b->name);
}

/* Numbers the names of every scope by the unit that sets them first. */
static void number(struct skn_scopes *s)
{
    struct skn_variable **firsts = skn_alloc_zero((size_t)s->count + 1, sizeof(*firsts));
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->count; i++)
        if (i == 0 || by_name(&s->at[i - 1], &s->at[i]) != 0) firsts[count++] = &s->at[i];
    if (count > 1) qsort(firsts, count, sizeof(*firsts), by_first_unit);
    for (uint32_t i = 1; i < count; i++)
        if (firsts[i]->body == firsts[i - 1]->body) firsts[i]->slot = firsts[i - 1]->slot + 1;
    for (uint32_t i = 1; i < s->count; i++)
        if (by_name(&s->at[i - 1], &s->at[i]) == 0) s->at[i].slot = s->at[i - 1].slot;
    skn_free(firsts);
}

/* Where the variables of this name in this scope begin. */
static uint32_t first_of(const struct skn_scopes *scopes, uint32_t scope, struct skn_slice name)
{
    const struct skn_variable wanted = {.body = scope, .name = name};
    uint32_t low = 0, high = scopes->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (by_name(&scopes->at[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
is_one_of(const struct skn_scopes *scopes, uint32_t at, uint32_t scope, struct skn_slice name)
{
    const struct skn_variable wanted = {.body = scope, .name = name};
    return at < scopes->count && by_name(&scopes->at[at], &wanted) == 0;
}

/* Whether a group hands out a secret: what is inside has a larger body and is known before. */
static bool hands_out_secret(const struct skn_scopes *s, uint32_t at)
{
    const struct skn_variable *v = &s->at[at];
    const struct skn_syn_unit *group = &s->b->tree->units[v->unit];
    if (group->kind != SKN_SYN_GROUP) return false;
    uint32_t first = first_of(s, group->body, v->name);
    for (uint32_t i = first; is_one_of(s, i, group->body, v->name); i++)
        if (s->at[i].may_be_secret) return true;
    return false;
}

static void find_secrets(struct skn_scopes *s)
{
    for (uint32_t i = s->count; i-- > 0;) {
        struct skn_variable *v = &s->at[i];
        bool is_more = i + 1 < s->count && by_name(v, &v[1]) == 0;
        bool is_again = is_more && v[1].unit == v->unit;
        v->may_be_secret = v->field   ? v->field->mark == SKN_FIELD_SECRET
                           : is_again ? v[1].may_be_secret
                                      : hands_out_secret(s, i);
        v->may_be_secret_behind = v->may_be_secret || (is_more && v[1].may_be_secret_behind);
    }
}

static void find_last_inside(struct skn_scopes *s)
{
    const struct skn_syntax *tree = s->b->tree;
    s->last_inside = skn_alloc_zero(tree->body_count, sizeof(*s->last_inside));
    for (uint32_t body = tree->body_count; body-- > 0;) {
        if (s->last_inside[body] < body) s->last_inside[body] = body;
        if (tree->bodies[body].kind == SKN_BODY_RUN) continue;
        uint32_t around = tree->steps[tree->units[tree->bodies[body].owner].step].body;
        if (s->last_inside[around] < s->last_inside[body])
            s->last_inside[around] = s->last_inside[body];
    }
}

/* Inner bodies have larger ids, and what a body holds are ids without a gap: so one around the scope
 * of a run is among the run before it and those around that. */
static void find_outer(struct skn_scopes *s)
{
    uint32_t before = SKN_GRAPH_NONE;
    for (uint32_t i = 0; i < s->count; i++) {
        struct skn_variable *v = &s->at[i];
        if (i > 0 && by_name(&s->at[i - 1], v) == 0) continue;
        if (i > 0 && !skn_slice_eq(s->at[i - 1].name, v->name)) before = SKN_GRAPH_NONE;
        while (before != SKN_GRAPH_NONE && s->last_inside[s->at[before].body] < v->body)
            before = s->at[before].outer;
        v->outer = before;
        v->depth = before == SKN_GRAPH_NONE ? 1 : s->at[before].depth + 1;
        before = i;
    }
}

void skn_scopes_init(struct skn_scopes *scopes, const struct skn_pty *b)
{
    *scopes = (struct skn_scopes){.b = b};
    for (uint32_t unit = 0; unit < b->tree->unit_count; unit++)
        skn_pty_exports(b, unit, add, scopes);
    if (scopes->count > 1) qsort(scopes->at, scopes->count, sizeof(*scopes->at), in_order);
    if (scopes->count == 0) return;
    number(scopes);
    find_secrets(scopes);
    find_last_inside(scopes);
    find_outer(scopes);
}

void skn_scopes_fini(struct skn_scopes *scopes)
{
    skn_free(scopes->at);
    skn_free(scopes->last_inside);
    scopes->at = NULL;
    scopes->last_inside = NULL;
}

const struct skn_variable *
skn_scopes_inside(const struct skn_scopes *scopes, uint32_t scope, struct skn_slice name)
{
    uint32_t first = first_of(scopes, scope, name);
    return is_one_of(scopes, first, scope, name) ? &scopes->at[first] : NULL;
}

enum before { BEFORE_NO, BEFORE_MAYBE, BEFORE_SURELY };

/* A chain goes on behind an event that stands alone in its step only when it succeeded, unless a
 * branch or the option handles its failure. What groups hand out may come from a branch in them. */
static bool goes_on_by_success(const struct skn_pty *b, uint32_t id)
{
    const struct skn_syn_unit *unit = &b->tree->units[id];
    return unit->kind == SKN_SYN_EVENT && unit->first_branch == SKN_GRAPH_NONE &&
           b->tree->steps[unit->step].unit_count == 1 && !skn_pty_continues(b, unit);
}

/* Whether what `setter` leaves can be there when `unit` starts. Both climb to the chain that holds
 * them both: inner bodies have larger ids. */
static enum before is_before(const struct skn_pty *p, uint32_t setter, uint32_t unit)
{
    const struct skn_syntax *tree = p->tree;
    uint32_t a = setter, b = unit;
    bool from_branch = false; /* the last climb of the unit was out of a branch */
    for (;;) {
        uint32_t a_body = tree->steps[tree->units[a].step].body;
        uint32_t b_body = tree->steps[tree->units[b].step].body;
        if (a_body == b_body) break;
        if (a_body > b_body) {
            a = tree->bodies[a_body].owner;
        } else {
            b = tree->bodies[b_body].owner;
            from_branch = tree->bodies[b_body].kind == SKN_BODY_BRANCH;
        }
    }
    /* A unit is over before its branches begin; two branches never both run. */
    if (a == b) return a == setter && b != unit && from_branch ? BEFORE_MAYBE : BEFORE_NO;
    if (tree->units[a].step >= tree->units[b].step) return BEFORE_NO;
    return a == setter && goes_on_by_success(p, a) ? BEFORE_SURELY : BEFORE_MAYBE;
}

uint32_t skn_scopes_find(const struct skn_scopes *scopes, uint32_t scope, struct skn_slice name)
{
    if (scopes->count == 0) return SKN_GRAPH_NONE;
    /* The last run of the name up to this scope is in it or around it, or those around the run are. */
    uint32_t at = first_of(scopes, scope, name);
    if (!is_one_of(scopes, at, scope, name)) {
        if (at == 0 || !skn_slice_eq(scopes->at[at - 1].name, name)) return SKN_GRAPH_NONE;
        at = first_of(scopes, scopes->at[at - 1].body, name);
    }
    while (at != SKN_GRAPH_NONE && scopes->last_inside[scopes->at[at].body] < scope)
        at = scopes->at[at].outer;
    return at;
}

const struct skn_variable *
skn_scopes_before(const struct skn_scopes *scopes, uint32_t run, uint32_t unit)
{
    for (uint32_t i = run; i < scopes->count; i++) {
        if (i > run && by_name(&scopes->at[i], &scopes->at[run]) != 0) return NULL;
        if (i - run >= SETTERS_MAX || is_before(scopes->b, scopes->at[i].unit, unit) != BEFORE_NO)
            return &scopes->at[i];
    }
    return NULL;
}

/* True: `fn` did, or one of the run has surely been set. */
static bool each_of_run(
    const struct skn_scopes *scopes, uint32_t run, uint32_t unit, skn_variable_fn fn, void *ctx)
{
    bool is_sure = false;
    for (uint32_t i = run; i < scopes->count; i++) {
        if (i > run && by_name(&scopes->at[i], &scopes->at[run]) != 0) break;
        struct skn_variable v = scopes->at[i];
        bool is_last = i - run >= SETTERS_MAX;
        enum before before = is_last ? BEFORE_MAYBE : is_before(scopes->b, v.unit, unit);
        if (before == BEFORE_NO) continue;
        if (is_last) { /* it stands for all behind it */
            v.field = NULL;
            v.may_be_secret = v.may_be_secret_behind;
        }
        if (fn(ctx, &v)) return true;
        if (is_last) break;
        is_sure = is_sure || before == BEFORE_SURELY;
    }
    return is_sure;
}

bool skn_scopes_each(const struct skn_scopes *scopes,
                     uint32_t unit,
                     struct skn_slice name,
                     skn_variable_fn fn,
                     void *ctx)
{
    const struct skn_syntax *tree = scopes->b->tree;
    if (scopes->count == 0) return false;
    uint32_t scope = skn_scope_of(tree, tree->steps[tree->units[unit].step].body);
    uint32_t run = skn_scopes_find(scopes, scope, name);
    for (uint32_t n = 0; run != SKN_GRAPH_NONE && n < SKN_SCOPES_AROUND_MAX; n++) {
        if (each_of_run(scopes, run, unit, fn, ctx)) return true;
        run = scopes->at[run].outer;
    }
    return false;
}

bool skn_scopes_all(const struct skn_scopes *scopes,
                    struct skn_slice name,
                    skn_variable_fn fn,
                    void *ctx)
{
    for (uint32_t i = first_of(scopes, 0, name); is_one_of(scopes, i, 0, name); i++)
        if (fn(ctx, &scopes->at[i])) return true;
    return false;
}
