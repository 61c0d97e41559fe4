/* names.c - which events a flow uses: built-ins, the project's, unknown ones [F7] [F18] [F35]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/build_internal.h"
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/number.h"
#include "lang/pointy/parse_internal.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

/* The index of the first definition with this name, or `count`. */
static size_t first_named(const struct skn_project_events *project, struct skn_slice name)
{
    size_t low = 0;
    size_t high = project->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (skn_slice_cmp(project->sorted[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < project->count && skn_slice_eq(project->sorted[low]->name, name);
    return is_there ? low : project->count;
}

/* How many parts a version as written gives; they are in `parts`. */
static uint32_t parts_of(struct skn_slice version, uint32_t parts[3])
{
    uint32_t count = 1;
    if (skn_number_version(version, parts) != SKN_NUMBER_OK) return 0;
    for (size_t i = 0; i < version.len; i++)
        if (version.ptr[i] == '.') count++;
    return count;
}

const struct skn_event_def *skn_project_find_event(const struct skn_project_events *project,
                                                   struct skn_slice name,
                                                   struct skn_slice version,
                                                   bool *out_has_name)
{
    size_t first = project ? first_named(project, name) : 0;
    *out_has_name = project && first < project->count;
    if (!*out_has_name) return NULL;
    const struct skn_event_def *const *defs = project->sorted;
    if (skn_slice_eq(version, SKN_LIT("latest"))) return defs[first];
    uint32_t parts[3];
    uint32_t count = version.len > 0 ? parts_of(version, parts) : 0;
    for (size_t i = first; i < project->count && skn_slice_eq(defs[i]->name, name); i++) {
        uint32_t same = 0;
        while (same < count && defs[i]->version[same] == parts[same])
            same++;
        if (version.len > 0 ? count > 0 && same == count : !defs[i]->is_deprecated) return defs[i];
    }
    return version.len > 0 ? NULL : defs[first];
}

struct skn_slice skn_pty_nearest_event(const struct skn_pty *b, struct skn_slice name)
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
        copy[i].description = copy_text(arena, fields[i].description);
        copy[i].words = copy_text(arena, fields[i].words);
        if (fields[i].schema) copy[i].schema = skn_words_compile(arena, copy[i].words);
    }
    return copy;
}

static const struct skn_slice *
copy_texts(struct skn_arena *arena, const struct skn_slice *texts, uint32_t count)
{
    if (count == 0) return NULL;
    struct skn_slice *copy = skn_arena_zero(arena, count, sizeof(*copy));
    for (uint32_t i = 0; i < count; i++)
        copy[i] = copy_text(arena, texts[i]);
    return copy;
}

void skn_event_copy(struct skn_arena *arena,
                    struct skn_event_def *out,
                    const struct skn_event_def *def)
{
    *out = *def;
    out->name = copy_text(arena, def->name);
    out->argv = copy_texts(arena, def->argv, def->argc);
    out->inputs = copy_fields(arena, def->inputs, def->input_count);
    out->outputs = copy_fields(arena, def->outputs, def->output_count);
    out->outcome_when = copy_texts(arena, def->outcome_when, 2 * def->outcome_when_count);
    out->success_when = copy_text(arena, def->success_when);
    out->file = copy_text(arena, def->file);
    out->description = copy_text(arena, def->description);
    out->outcomes = copy_texts(arena, def->outcomes, def->outcome_count);
    out->retry_on = copy_text(arena, def->retry_on);
    out->exports = copy_texts(arena, def->exports, def->export_count);
    out->use_instead = copy_text(arena, def->use_instead);
    out->reason = copy_text(arena, def->reason);
    out->not_yet = copy_text(arena, def->not_yet);
}

static bool is_flow(const struct skn_pty *b, const struct skn_syn_unit *unit)
{
    return unit->kind == SKN_SYN_CALL && skn_pty_call(b->source, unit) == SKN_CALL_FLOW;
}

static bool is_elsewhere(const struct skn_pty *b, const struct skn_syn_event *used)
{
    return used->source.end > 0 && !skn_slice_eq(skn_pty_text(b, used->source), SKN_LIT("local"));
}

static struct skn_slice version_of(const struct skn_pty *b, const struct skn_syn_event *used)
{
    return used->version.end > 0 ? skn_pty_text(b, used->version) : (struct skn_slice){0};
}

/* FLOW<name> takes what the flow declares, where the project has it. */
static void
define_flow(struct skn_pty *b, const struct skn_syn_event *used, struct skn_event_def *def)
{
    struct skn_slice name = skn_pty_text(b, used->name);
    const struct skn_project_events *p = b->project;
    if (!p || is_elsewhere(b, used)) return;
    for (size_t i = 0; i < p->flow_count; i++) {
        const struct skn_project_flow *flow = &p->flows[i];
        if (!flow->has_inputs || !skn_slice_eq(flow->name, name)) continue;
        def->inputs = copy_fields(b->arena, flow->inputs, flow->input_count);
        def->input_count = flow->input_count;
        def->is_flow = true;
    }
}

/* The definition behind the first use of an event. */
static void define(struct skn_pty *b, uint32_t event, uint32_t first)
{
    const struct skn_syn_unit *unit = &b->tree->units[first];
    const struct skn_syn_event used = skn_syn_event_of(b->source, unit);
    struct skn_event_def *def = &b->events[event];
    bool flow = is_flow(b, unit);
    struct skn_slice name = skn_pty_text(b, flow ? unit->span : used.name);
    bool has_name;
    *def = (struct skn_event_def){.kind = SKN_EVENT_UNKNOWN,
                                  .name = skn_arena_dup(b->arena, name),
                                  .retry = {.attempts = 1, .factor_milli = 1000}};
    b->event_kinds[event] = SKN_NAME_UNKNOWN;
    if (flow) define_flow(b, &used, def);
    if (flow || is_elsewhere(b, &used)) return;
    enum skn_name_kind kind = skn_builtin_find(name, &def->kind);
    if (used.source.end > 0) { /* local: is never a built-in */
        kind = SKN_NAME_UNKNOWN;
        def->kind = SKN_EVENT_UNKNOWN;
    }
    if (kind == SKN_NAME_UNKNOWN) {
        const struct skn_event_def *found =
            skn_project_find_event(b->project, name, version_of(b, &used), &has_name);
        if (found) {
            skn_event_copy(b->arena, def, found);
            kind = SKN_NAME_PROJECT;
        }
    }
    b->event_kinds[event] = kind;
}

/* A project is refused, by name [F18]. A lone file, which nobody can run, is only told. */
static void
refuse_later(const struct skn_pty *b, struct skn_span span, const struct skn_event_def *def)
{
    const char *text = skn_arena_printf(b->arena, "the built-in event %.*s", SKN_FMT(def->name));
    if (!b->project) {
        skn_pty_not_run(b, span, text);
        return;
    }
    skn_diags_add(b->diags, SKN_CODE_NOT_YET, span, SKN_DIAG_ARGS(skn_slice_str(text)));
}

/* "1.0.0, 1.2.0": what there is, newest first, at most a few. */
static struct skn_slice versions_of(const struct skn_pty *b, struct skn_slice name)
{
    enum { SHOWN = 5 };
    const char *text = "";
    const struct skn_project_events *project = b->project;
    size_t first = first_named(project, name);
    for (size_t i = first; i < project->count && skn_slice_eq(project->sorted[i]->name, name);
         i++) {
        const uint32_t *v = project->sorted[i]->version;
        if (i - first == SHOWN) {
            text = skn_arena_printf(b->arena, "%s, ..", text);
            break;
        }
        text = skn_arena_printf(b->arena,
                                "%s%s%u.%u.%u",
                                text,
                                i > first ? ", " : "",
                                (unsigned)v[0],
                                (unsigned)v[1],
                                (unsigned)v[2]);
    }
    return skn_slice_str(text);
}

void skn_pty_unknown_version(struct skn_pty *b,
                             struct skn_span span,
                             struct skn_slice name,
                             struct skn_slice version)
{
    skn_diags_add(b->diags,
                  SKN_CODE_UNKNOWN_VERSION,
                  span,
                  SKN_DIAG_ARGS(name, version, versions_of(b, name)));
}

static void report_unknown(struct skn_pty *b,
                           const struct skn_syn_event *used,
                           struct skn_slice name,
                           bool is_first)
{
    bool has_name;
    (void)skn_project_find_event(b->project, name, (struct skn_slice){0}, &has_name);
    if (has_name) {
        skn_pty_unknown_version(b, used->version, name, version_of(b, used));
    } else if (b->project) {
        struct skn_slice near = is_first ? skn_pty_nearest_event(b, name) : (struct skn_slice){0};
        skn_diags_add(b->diags, SKN_CODE_UNKNOWN_EVENT, used->name, SKN_DIAG_ARGS(name, near));
    } else if (is_first) {
        skn_diags_add(b->diags, SKN_CODE_LONE_EVENT, used->name, SKN_DIAG_ARGS(name));
    }
}

static void
report_deprecated(struct skn_pty *b, struct skn_span span, const struct skn_event_def *def)
{
    const char *use = def->use_instead.len > 0
                          ? skn_arena_printf(b->arena, "Use %.*s. ", SKN_FMT(def->use_instead))
                          : "";
    const char *hint = skn_arena_printf(b->arena, "%s%.*s", use, SKN_FMT(def->reason));
    const char *version = skn_arena_printf(b->arena,
                                           "%u.%u.%u",
                                           (unsigned)def->version[0],
                                           (unsigned)def->version[1],
                                           (unsigned)def->version[2]);
    skn_diags_add(b->diags,
                  SKN_CODE_DEPRECATED,
                  span,
                  SKN_DIAG_ARGS(def->name, skn_slice_str(version), skn_slice_str(hint)));
}

/* What is said of each use of an event; of an unknown one in a lone file only the first. */
static void report_use(struct skn_pty *b, uint32_t unit, uint32_t event, bool is_first)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    const struct skn_syn_event parts = skn_syn_event_of(b->source, from);
    const struct skn_syn_event *used = &parts;
    const struct skn_event_def *def = &b->events[event];
    if (is_flow(b, from)) return;
    if (is_elsewhere(b, used)) {
        struct skn_slice source = skn_pty_text(b, used->source);
        skn_pty_not_run(
            b,
            used->source,
            skn_arena_printf(b->arena, "events from the source \"%.*s\"", SKN_FMT(source)));
        return;
    }
    switch (b->event_kinds[event]) {
    case SKN_NAME_BUILTIN_LATER: refuse_later(b, used->name, def); return;
    case SKN_NAME_PROJECT:
        if (def->is_deprecated) report_deprecated(b, used->name, def);
        if (def->not_yet.len > 0)
            skn_pty_not_run(b,
                            used->name,
                            skn_arena_printf(b->arena,
                                             "%.*s in the file of the event \"%.*s\"",
                                             SKN_FMT(def->not_yet),
                                             SKN_FMT(def->name)));
        return;
    case SKN_NAME_UNKNOWN: report_unknown(b, used, def->name, is_first); return;
    case SKN_NAME_BUILTIN:
    default: return;
    }
}

/* An event as it is written, with source and version; of FLOW<x> all of it. */
static struct skn_slice written(const struct skn_pty *b, const struct skn_syn_unit *unit)
{
    if (unit->kind == SKN_SYN_EVENT || is_flow(b, unit)) return skn_pty_text(b, unit->span);
    struct skn_syn_event event = skn_syn_event_of(b->source, unit);
    uint32_t start = event.source.end > 0 ? event.source.start : event.name.start;
    uint32_t end = event.version.end > 0 ? event.version.end : event.name.end;
    return skn_pty_text(b, (struct skn_span){start, end});
}

/* The texts that are used, each with its id: open addressing, at most half full. The text itself is
 * the key of the hash, so that nobody can write names that all meet. */
struct table {
    uint32_t *slots; /* id + 1 */
    uint32_t mask;
    uint32_t *firsts; /* by id: the unit that uses it first */
    uint32_t count, cap;
    uint64_t key;
};

static void grow(const struct skn_pty *b, struct table *t);

/* The id of what a unit uses, a new one for what is not there. */
static uint32_t id_of(const struct skn_pty *b, struct table *t, uint32_t unit)
{
    if (2 * (t->count + 1) > t->mask) grow(b, t);
    struct skn_slice text = written(b, &b->tree->units[unit]);
    uint32_t at = (uint32_t)skn_hash(text, t->key, 0) & t->mask;
    for (; t->slots[at] != 0; at = (at + 1) & t->mask) {
        uint32_t id = t->slots[at] - 1;
        if (skn_slice_eq(text, written(b, &b->tree->units[t->firsts[id]]))) return id;
    }
    t->firsts = skn_parse_grow(t->firsts, t->count, &t->cap, sizeof(*t->firsts));
    t->firsts[t->count++] = unit;
    t->slots[at] = t->count;
    return t->count - 1;
}

static void grow(const struct skn_pty *b, struct table *t)
{
    skn_free(t->slots);
    t->mask = t->mask == 0 ? 63 : 2 * t->mask + 1;
    t->slots = skn_alloc_zero((size_t)t->mask + 1, sizeof(*t->slots));
    for (uint32_t id = 0; id < t->count; id++) {
        struct skn_slice text = written(b, &b->tree->units[t->firsts[id]]);
        uint32_t at = (uint32_t)skn_hash(text, t->key, 0) & t->mask;
        while (t->slots[at] != 0)
            at = (at + 1) & t->mask;
        t->slots[at] = id + 1;
    }
}

void skn_pty_events(struct skn_pty *b)
{
    struct table t = {.key = skn_hash(b->source->text, 0, 0)};
    for (uint32_t i = 0; i < b->tree->unit_count; i++) {
        uint8_t kind = b->tree->units[i].kind;
        bool has_event = kind == SKN_SYN_EVENT || kind == SKN_SYN_CALL;
        b->unit_event[i] = has_event ? id_of(b, &t, i) : SKN_GRAPH_NONE;
    }
    b->events = skn_arena_zero(b->arena, t.count + 1, sizeof(*b->events));
    b->event_kinds = skn_arena_zero(b->arena, t.count + 1, sizeof(*b->event_kinds));
    b->graph->events = b->events;
    b->graph->event_count = t.count;
    for (uint32_t event = 0; event < t.count; event++)
        define(b, event, t.firsts[event]);
    for (uint32_t i = 0; i < b->tree->unit_count; i++) {
        uint32_t event = b->unit_event[i];
        if (event != SKN_GRAPH_NONE) report_use(b, i, event, t.firsts[event] == i);
    }
    skn_free(t.slots);
    skn_free(t.firsts);
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
    for (size_t i = 0; i < count; i++)
        sorted[i] = defs[i];
    qsort(sorted, count, sizeof(*sorted), by_name_and_version);
    for (size_t i = 1; i < count; i++) {
        if (by_name_and_version(&sorted[i - 1], &sorted[i]) != 0) continue;
        return SKN_FAIL(diag,
                        SKN_EEXIST,
                        "the event \"%.*s\" %u.%u.%u is declared twice",
                        SKN_FMT(sorted[i]->name),
                        (unsigned)sorted[i]->version[0],
                        (unsigned)sorted[i]->version[1],
                        (unsigned)sorted[i]->version[2]);
    }
    *events = (struct skn_project_events){.sorted = sorted, .count = count};
    return SKN_OK;
}
