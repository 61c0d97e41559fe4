/* names.c - which events a flow uses: built-ins, the project's, unknown ones [F7] [F18]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/build_internal.h"

#include "base/mem.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

static const struct {
    const char *name;
    bool is_built;
    enum skn_event_kind kind;
} builtins[] = {
    {"Noop", true, SKN_EVENT_NOOP},
    {"Fail", true, SKN_EVENT_FAIL},
    {"Sleep", true, SKN_EVENT_SLEEP},
    {"Wait", false, SKN_EVENT_UNKNOWN},
    {"Log", false, SKN_EVENT_UNKNOWN},
    {"Http", false, SKN_EVENT_UNKNOWN},
    {"Set", false, SKN_EVENT_UNKNOWN},
    {"Emit", false, SKN_EVENT_UNKNOWN},
    {"Send", false, SKN_EVENT_UNKNOWN},
    {"Ask", false, SKN_EVENT_UNKNOWN},
    {"Converged", false, SKN_EVENT_UNKNOWN},
};

const char *skn_builtin_name(size_t index)
{
    return index < SKN_ARRAY_LEN(builtins) ? builtins[index].name : NULL;
}

enum skn_name_kind skn_builtin_find(struct skn_slice name, enum skn_event_kind *out_kind)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(builtins); i++) {
        if (!skn_slice_eq(name, skn_slice_str(builtins[i].name))) continue;
        *out_kind = builtins[i].kind;
        return builtins[i].is_built ? SKN_NAME_BUILTIN : SKN_NAME_BUILTIN_LATER;
    }
    return SKN_NAME_UNKNOWN;
}

static const struct skn_event_def *find_project(const struct skn_project_events *project,
                                                struct skn_slice name)
{
    size_t low = 0;
    size_t high = project ? project->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = skn_slice_cmp(project->sorted[middle]->name, name);
        if (order == 0) return project->sorted[middle];
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static struct skn_slice nearest_event(const struct skn_pty *b, struct skn_slice name)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (size_t i = 0; skn_builtin_name(i); i++)
        skn_suggest_offer(&suggest, skn_slice_str(skn_builtin_name(i)));
    for (size_t i = 0; b->project && i < b->project->count; i++)
        skn_suggest_offer(&suggest, b->project->sorted[i]->name);
    return suggest.best;
}

static struct skn_slice copy_text(struct skn_arena *arena, struct skn_slice text)
{
    return text.len > 0 ? skn_arena_dup(arena, text) : (struct skn_slice){0};
}

static const struct skn_field *
copy_fields(struct skn_arena *arena, const struct skn_field *fields, uint32_t count)
{
    if (count == 0) return NULL;
    struct skn_field *copy = skn_arena_zero(arena, count, sizeof(*copy));
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = fields[i];
        copy[i].name = copy_text(arena, fields[i].name);
        copy[i].default_value = copy_text(arena, fields[i].default_value);
    }
    return copy;
}

void skn_event_copy(struct skn_arena *arena,
                    struct skn_event_def *out,
                    const struct skn_event_def *def)
{
    *out = *def;
    out->name = copy_text(arena, def->name);
    struct skn_slice *argv = NULL;
    if (def->argc > 0) argv = skn_arena_zero(arena, def->argc, sizeof(*argv));
    for (uint32_t i = 0; i < def->argc; i++)
        argv[i] = copy_text(arena, def->argv[i]);
    out->argv = argv;
    out->inputs = copy_fields(arena, def->inputs, def->input_count);
    out->outputs = copy_fields(arena, def->outputs, def->output_count);
}

/* A use of a name, to be sorted by name and then by place. */
struct use {
    struct skn_slice name;
    uint32_t unit;
};

static int by_name(const void *left, const void *right)
{
    const struct use *a = left;
    const struct use *b = right;
    int order = skn_slice_cmp(a->name, b->name);
    if (order != 0) return order;
    return a->unit < b->unit ? -1 : a->unit > b->unit;
}

static int by_unit(const void *left, const void *right)
{
    const struct use *const *a = left;
    const struct use *const *b = right;
    return (*a)->unit < (*b)->unit ? -1 : (*a)->unit > (*b)->unit;
}

static void define(struct skn_pty *b, uint32_t event, struct skn_slice name)
{
    struct skn_event_def *def = &b->events[event];
    *def = (struct skn_event_def){.kind = SKN_EVENT_UNKNOWN,
                                  .name = skn_arena_dup(b->arena, name),
                                  .retry = {.attempts = 1, .factor_milli = 1000}};
    enum skn_name_kind kind = skn_builtin_find(name, &def->kind);
    if (kind == SKN_NAME_UNKNOWN) {
        const struct skn_event_def *found = find_project(b->project, name);
        if (found) {
            skn_event_copy(b->arena, def, found);
            kind = SKN_NAME_PROJECT;
        }
    }
    b->event_kinds[event] = kind;
}

static void refuse_later(struct skn_pty *b, struct skn_span span, const char *text)
{
    skn_diags_add(b->diags, SKN_CODE_NOT_YET, span, SKN_DIAG_ARGS(skn_slice_str(text)));
}

/* What is said of each use of an event; of an unknown one in a lone file only the first. */
static void report_use(struct skn_pty *b, uint32_t unit, uint32_t event, bool is_first)
{
    const struct skn_syn_event *used = &b->tree->units[unit].event;
    struct skn_slice name = b->events[event].name;
    if (used->source.end > 0) {
        struct skn_slice source = skn_pty_text(b, used->source);
        refuse_later(
            b,
            used->source,
            skn_arena_printf(b->arena, "events from the source \"%.*s\"", SKN_FMT(source)));
        return;
    }
    if (used->version.end > 0)
        refuse_later(b, used->version, "a version behind the name of an event");
    if (b->event_kinds[event] == SKN_NAME_BUILTIN_LATER) {
        refuse_later(
            b, used->name, skn_arena_printf(b->arena, "the built-in event %.*s", SKN_FMT(name)));
    } else if (b->event_kinds[event] == SKN_NAME_UNKNOWN && b->project) {
        skn_diags_add(b->diags,
                      SKN_CODE_UNKNOWN_EVENT,
                      used->name,
                      SKN_DIAG_ARGS(name, is_first ? nearest_event(b, name) : SKN_LIT("")));
    } else if (b->event_kinds[event] == SKN_NAME_UNKNOWN && is_first) {
        skn_diags_add(b->diags, SKN_CODE_LONE_EVENT, used->name, SKN_DIAG_ARGS(name));
    }
}

static uint32_t collect_uses(struct skn_pty *b, struct use *uses)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->tree->unit_count; i++) {
        b->units[i].event = SKN_GRAPH_NONE;
        if (b->tree->units[i].kind != SKN_SYN_EVENT) continue;
        uses[count].name = skn_pty_text(b, b->tree->units[i].event.name);
        uses[count++].unit = i;
    }
    qsort(uses, count, sizeof(*uses), by_name);
    return count;
}

/* The first use of each name, in order of the text: its index is the event's id. */
static uint32_t order_names(const struct use *uses, uint32_t count, const struct use **firsts)
{
    uint32_t names = 0;
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || !skn_slice_eq(uses[i].name, uses[i - 1].name)) firsts[names++] = &uses[i];
    qsort(firsts, names, sizeof(*firsts), by_unit);
    return names;
}

void skn_pty_events(struct skn_pty *b)
{
    struct use *uses = skn_alloc_zero(b->tree->unit_count + 1, sizeof(*uses));
    const struct use **firsts = skn_alloc_zero(b->tree->unit_count + 1, sizeof(*firsts));
    uint32_t count = collect_uses(b, uses);
    uint32_t names = order_names(uses, count, firsts);
    b->events = skn_arena_zero(b->arena, names + 1, sizeof(*b->events));
    b->event_kinds = skn_arena_zero(b->arena, names + 1, sizeof(*b->event_kinds));
    b->graph->events = b->events;
    b->graph->event_count = names;
    for (uint32_t event = 0; event < names; event++) {
        define(b, event, firsts[event]->name);
        for (const struct use *u = firsts[event];
             u < uses + count && skn_slice_eq(u->name, firsts[event]->name);
             u++) {
            b->units[u->unit].event = event;
            report_use(b, u->unit, event, u == firsts[event]);
        }
    }
    skn_free(firsts);
    skn_free(uses);
}

static int by_name_and_version(const void *left, const void *right)
{
    const struct skn_event_def *a = *(const struct skn_event_def *const *)left;
    const struct skn_event_def *b = *(const struct skn_event_def *const *)right;
    int order = skn_slice_cmp(a->name, b->name);
    for (int i = 0; i < 3 && order == 0; i++) /* newest first */
        order = a->version[i] > b->version[i] ? -1 : a->version[i] < b->version[i];
    return order;
}

enum skn_rc skn_project_events_init(struct skn_project_events *events,
                                    struct skn_arena *arena,
                                    const struct skn_event_def *const *defs,
                                    size_t count,
                                    struct skn_diag *diag)
{
    const struct skn_event_def **sorted = skn_arena_zero(arena, count + 1, sizeof(*sorted));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = defs[i];
    qsort(sorted, count, sizeof(*sorted), by_name_and_version);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && by_name_and_version(&sorted[i - 1], &sorted[i]) == 0) {
            return SKN_FAIL(diag,
                            SKN_EEXIST,
                            "the event \"%.*s\" %u.%u.%u is declared twice",
                            SKN_FMT(sorted[i]->name),
                            (unsigned)sorted[i]->version[0],
                            (unsigned)sorted[i]->version[1],
                            (unsigned)sorted[i]->version[2]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !skn_slice_eq(sorted[kept - 1]->name, sorted[i]->name))
            sorted[kept++] = sorted[i];
    }
    *events = (struct skn_project_events){.sorted = sorted, .count = kept};
    return SKN_OK;
}
