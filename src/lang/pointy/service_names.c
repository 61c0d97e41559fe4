/* service_names.c - names of values in a flow: where they stand, where they are declared, and new ones for
 * them. A name is renamed everywhere in its text at once, or not at all where that would change what the
 * flow means: an event takes its inputs by name [F19]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"
#include "lang/pointy/options_internal.h"
#include "lang/pointy/service_internal.h"

#include "base/pure.h" /* last */

struct sites {
    const struct skn_service_tree *t;
    skn_site_fn fn;
    void *ctx;
};

static struct skn_slice text_at(const struct skn_service_tree *t, struct skn_span span)
{
    return skn_source_at(t->source, span);
}

/* Calls back for each string of a literal. */
static void each_string(const struct sites *s,
                        uint32_t literal,
                        void (*fn)(const struct sites *s, struct skn_span span))
{
    const struct skn_syntax *syntax = &s->t->syntax;
    uint32_t end = syntax->literals[literal].end;
    for (uint32_t at = literal; at < end; at++)
        if (syntax->literals[at].kind == SKN_LITERAL_STRING) fn(s, syntax->literals[at].span);
}

static void exported(const struct sites *s, struct skn_span span)
{
    struct skn_span inside = {span.start + 1, span.end - 1};
    if (skn_is_name(text_at(s->t, inside))) s->fn(s->ctx, SKN_SITE_EXPORT, inside);
}

static void used(const struct sites *s, struct skn_span span)
{
    struct skn_slice name;
    for (uint32_t at = span.start + 1; at + 1 < span.end;) {
        uint32_t len = skn_template_step(s->t->source->text, at, span.end - 1, &name);
        uint32_t start = at + 2; /* behind "${" */
        if (name.len > 0)
            s->fn(s->ctx, SKN_SITE_USE, (struct skn_span){start, start + (uint32_t)name.len});
        at += len;
    }
}

static void unit_sites(const struct sites *s, const struct skn_syn_unit *unit)
{
    const struct skn_syntax *syntax = &s->t->syntax;
    if (unit->option_count == 0) return;
    struct skn_span event = skn_syn_event_of(s->t->source, unit).name;
    bool is_set = unit->kind == SKN_SYN_EVENT && skn_slice_eq(text_at(s->t, event), SKN_LIT("Set"));
    for (uint32_t i = 0; i < unit->option_count; i++) {
        const struct skn_syn_option *option = &syntax->options[unit->first_option + i];
        struct skn_slice name = text_at(s->t, option->name);
        bool is_own = !skn_option_find(name);
        if (is_set && is_own) s->fn(s->ctx, SKN_SITE_SET, option->name);
        if (unit->kind == SKN_SYN_GROUP && skn_slice_eq(name, SKN_LIT("exports"))) {
            each_string(s, option->literal, exported);
        } else if (skn_template_is_taken(name)) {
            each_string(s, option->literal, used);
        }
    }
}

void skn_service_sites(const struct skn_service_tree *t, skn_site_fn fn, void *ctx)
{
    struct sites s = {.t = t, .fn = fn, .ctx = ctx};
    for (uint32_t i = 0; i < t->syntax.input_count; i++)
        fn(ctx, SKN_SITE_INPUT, t->syntax.inputs[i].name);
    if (t->syntax.concurrency_key != SKN_GRAPH_NONE)
        each_string(&s, t->syntax.concurrency_key, used);
    for (uint32_t i = 0; i < t->syntax.unit_count; i++)
        unit_sites(&s, &t->syntax.units[i]);
}

struct seek {
    uint32_t offset;
    struct skn_span found;
};

static void seek_offset(void *ctx, enum skn_site site, struct skn_span span)
{
    struct seek *s = ctx;
    (void)site;
    if (skn_service_holds(span, s->offset)) s->found = span;
}

struct skn_span skn_service_value_at(const struct skn_service_tree *t, uint32_t offset)
{
    struct seek s = {.offset = offset};
    skn_service_sites(t, seek_offset, &s);
    return s.found;
}

/* What is known of a name in a text. */
struct looked {
    const struct skn_service_tree *t;
    struct skn_slice name;
    uint32_t counts[SKN_SITE_USE + 1];
    struct skn_span first[SKN_SITE_USE + 1];
};

static void look(void *ctx, enum skn_site site, struct skn_span span)
{
    struct looked *l = ctx;
    if (!skn_slice_eq(text_at(l->t, span), l->name)) return;
    if (l->counts[site]++ == 0) l->first[site] = span;
}

static struct looked look_for(const struct skn_service_tree *t, struct skn_slice name)
{
    struct looked l = {.t = t, .name = name};
    skn_service_sites(t, look, &l);
    return l;
}

bool skn_service_declared(const struct skn_service_tree *t,
                          struct skn_slice name,
                          enum skn_site *out_site,
                          struct skn_span *out_span)
{
    struct looked l = look_for(t, name);
    for (unsigned site = SKN_SITE_INPUT; site < SKN_SITE_USE; site++) {
        if (l.counts[site] == 0) continue;
        *out_site = (enum skn_site)site;
        *out_span = l.first[site];
        return true;
    }
    return false;
}

bool skn_service_define(void *ctx,
                        const struct skn_lsp_text *text,
                        uint32_t offset,
                        struct skn_lsp_target *out_target)
{
    struct skn_service_tree t;
    enum skn_site site;
    skn_service_open(&t, text);
    uint32_t unit = skn_service_unit_at(&t, offset);
    struct skn_span value = skn_service_value_at(&t, offset);
    bool found =
        value.end > 0 && skn_service_declared(&t, text_at(&t, value), &site, &out_target->span);
    if (unit != SKN_GRAPH_NONE) {
        const struct skn_event_def *def = skn_service_event(skn_service_events(ctx, text),
                                                            text_at(&t, t.syntax.units[unit].span));
        found = def && def->file.len > 0;
        if (found) out_target->path = def->file;
    }
    skn_service_close(&t);
    return found;
}

static bool has_field(const struct skn_field *fields, uint32_t count, struct skn_slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (skn_slice_eq(fields[i].name, name)) return true;
    return false;
}

static bool
has_option(const struct skn_service_tree *t, const struct skn_syn_unit *unit, struct skn_slice name)
{
    for (uint32_t i = 0; i < unit->option_count; i++)
        if (skn_slice_eq(text_at(t, t->syntax.options[unit->first_option + i].name), name))
            return true;
    return false;
}

/* Who asks, and who knows the project. */
struct asked {
    const struct skn_pointy_host *host;
    const struct skn_lsp_text *text;
    const struct skn_project_events *events;
};

/* Why `who`, which another file declares, ties a name to that file, or NULL. */
struct tie {
    const struct skn_service_tree *t;
    const struct skn_project_events *events;
    struct skn_slice name;
    const char *why;
};

static void tie(struct tie *tie, const char *what, struct skn_slice who, const char *how)
{
    if (!tie->why)
        tie->why = skn_arena_printf(tie->t->diags->arena,
                                    "the %s %.*s %s \"%.*s\", which is said in its file",
                                    what,
                                    SKN_FMT(who),
                                    how,
                                    SKN_FMT(tie->name));
}

static const char takes[] = "takes a value by the name";

/* An event of a unit: it takes the value by this name, exports one, or gives one that a "${name}" could
 * mean. */
static void tie_event(struct tie *s, const struct skn_syn_unit *unit, bool has_uses)
{
    struct skn_syn_event event = skn_syn_event_of(s->t->source, unit);
    struct skn_span whole = {event.name.start,
                             event.version.end > 0 ? event.version.end : event.name.end};
    const struct skn_event_def *def = skn_service_event(s->events, text_at(s->t, whole));
    if (!def) return;
    for (uint32_t e = 0; e < def->export_count; e++)
        if (skn_slice_eq(def->exports[e], s->name))
            tie(s, "event", def->name, "exports a variable under the name");
    if (has_uses && has_field(def->outputs, def->output_count, s->name))
        tie(s, "event", def->name, "gives a value under the name");
    if (has_field(def->inputs, def->input_count, s->name) && !has_option(s->t, unit, s->name))
        tie(s, "event", def->name, takes);
}

/* An event that is named where no unit stands: it takes values by name too. */
static void tie_named(struct tie *s, struct skn_slice written)
{
    const struct skn_event_def *def = skn_service_event(s->events, written);
    if (def && has_field(def->inputs, def->input_count, s->name)) tie(s, "event", def->name, takes);
}

/* The name of the flow in a file: without folder and ending; empty for any other file. */
static struct skn_slice flow_name(struct skn_slice path)
{
    size_t from = path.len;
    if (path.len < 4 || memcmp(path.ptr + path.len - 4, ".pty", 4) != 0)
        return (struct skn_slice){0};
    while (from > 0 && path.ptr[from - 1] != '/')
        from--;
    return skn_slice(path.ptr + from, path.len - 4 - from);
}

/* FLOW<child>: the inputs that the flow of this file declares. */
static void tie_flow(void *ctx, struct skn_slice path, struct skn_slice text)
{
    struct tie *s = ctx;
    struct skn_slice name = flow_name(path);
    for (uint32_t i = 0; i < s->t->syntax.unit_count && name.len > 0 && !s->why; i++) {
        const struct skn_syn_unit *unit = &s->t->syntax.units[i];
        struct skn_project_flow flow = {.name = name};
        if (skn_pty_call(s->t->source, unit) != SKN_CALL_FLOW || has_option(s->t, unit, s->name) ||
            !skn_slice_eq(text_at(s->t, skn_syn_event_of(s->t->source, unit).name), name))
            continue;
        skn_pointy_interface(s->t->diags->arena, text, &flow);
        if (has_field(flow.inputs, flow.input_count, s->name)) tie(s, "flow", name, takes);
        return;
    }
}

static void tie_compensation(struct tie *s, const struct skn_syn_unit *unit)
{
    for (uint32_t i = 0; i < unit->option_count; i++) {
        const struct skn_syn_option *option = &s->t->syntax.options[unit->first_option + i];
        struct skn_span span = s->t->syntax.literals[option->literal].span;
        if (s->t->syntax.literals[option->literal].kind != SKN_LITERAL_STRING ||
            !skn_slice_eq(text_at(s->t, option->name), SKN_LIT("compensate")))
            continue;
        tie_named(s, text_at(s->t, (struct skn_span){span.start + 1, span.end - 1}));
    }
}

/* Why something outside of the flow ties a name to its file, or NULL. */
static const char *tied(const struct skn_service_tree *t,
                        const struct asked *asked,
                        struct skn_slice name,
                        bool has_uses)
{
    const struct skn_pointy_host *host = asked->host;
    struct tie s = {.t = t, .events = asked->events, .name = name};
    bool has_flows = false;
    const struct skn_syn_event *end = &t->syntax.on_failure;
    for (uint32_t i = 0; i < t->syntax.unit_count && !s.why; i++) {
        const struct skn_syn_unit *unit = &t->syntax.units[i];
        tie_compensation(&s, unit);
        if (skn_pty_call(t->source, unit) == SKN_CALL_FLOW)
            has_flows = true;
        else if (unit->kind == SKN_SYN_EVENT || unit->kind == SKN_SYN_CALL)
            tie_event(&s, unit, has_uses);
    }
    if (end->name.end > 0)
        tie_named(
            &s,
            text_at(t,
                    (struct skn_span){end->name.start,
                                      end->version.end > 0 ? end->version.end : end->name.end}));
    if (has_flows && !s.why && host->files)
        (void)host->files(host->ctx, asked->text->arena, asked->text->path, tie_flow, &s);
    return s.why;
}

static bool is_given(struct skn_slice name)
{
    static const char *const names[] = {"previous", "item", "items", "accumulator"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++)
        if (skn_slice_eq(name, skn_slice_str(names[i]))) return true;
    return false;
}

/* Why `old` cannot become `name`, or NULL. */
static const char *why_not(const struct skn_service_tree *t,
                           const struct asked *asked,
                           const struct looked *old,
                           struct skn_slice name)
{
    uint32_t declared =
        old->counts[SKN_SITE_INPUT] + old->counts[SKN_SITE_SET] + old->counts[SKN_SITE_EXPORT];
    bool has_uses = old->counts[SKN_SITE_USE] > 0;
    if (declared == 0) return "nothing in this flow declares this name";
    const char *why = tied(t, asked, old->name, has_uses);
    if (why || name.len == 0 || skn_slice_eq(name, old->name)) return why;
    if (!skn_is_name(name) || skn_is_reserved(name)) return "this cannot be a name";
    if (is_given(name)) return "a flow gives values of this name itself";
    if (old->counts[SKN_SITE_SET] > 0 && skn_option_find(name))
        return "Set cannot set a name that is an option";
    struct looked other = look_for(t, name);
    for (unsigned site = SKN_SITE_INPUT; site <= SKN_SITE_USE; site++)
        if (other.counts[site] > 0) return "another value of this flow has this name";
    return tied(t, asked, name, has_uses);
}

struct renaming {
    const struct skn_service_tree *t;
    struct skn_slice old;
    struct skn_lsp_edits *edits;
};

static void edit(void *ctx, enum skn_site site, struct skn_span span)
{
    const struct renaming *r = ctx;
    (void)site;
    if (skn_slice_eq(text_at(r->t, span), r->old)) skn_lsp_edit(r->edits, span);
}

const char *skn_service_rename(void *ctx,
                               const struct skn_lsp_text *text,
                               uint32_t offset,
                               struct skn_slice name,
                               struct skn_lsp_edits *edits)
{
    struct skn_service_tree t;
    const char *why;
    skn_service_open(&t, text);
    struct skn_span value = skn_service_value_at(&t, offset);
    uint32_t unit = skn_service_unit_at(&t, offset);
    if (value.end == 0 && unit != SKN_GRAPH_NONE &&
        skn_pty_call(t.source, &t.syntax.units[unit]) != SKN_CALL_FLOW) {
        struct skn_span event = skn_syn_event_of(t.source, &t.syntax.units[unit]).name;
        why = skn_service_rename_event(ctx, text, text_at(&t, event), name, edits);
    } else if (value.end == 0) {
        why = "only events of the project, inputs and variables are renamed here";
    } else {
        struct looked old = look_for(&t, text_at(&t, value));
        struct renaming r = {.t = &t, .old = old.name, .edits = edits};
        why = t.diags->errors > 0 ? "the flow is malformed: a place could be missed" : NULL;
        struct asked asked = {ctx, text, skn_service_events(ctx, text)};
        if (!why) why = why_not(&t, &asked, &old, name);
        if (!why) skn_service_sites(&t, edit, &r);
    }
    skn_service_close(&t);
    return why;
}
