/* service_event.c - a new name for an event: in its file, and wherever a flow of the project names it. A
 * file that cannot be read whole could hide a place, so nothing is renamed then. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"
#include "lang/pointy/options_internal.h"
#include "lang/pointy/service_internal.h"
#include "lang/pointy/yaml_tree.h"

#include "base/pure.h" /* last */

struct renaming {
    const struct skn_lsp_text *text;
    struct skn_slice old;
    struct skn_lsp_edits *edits;
    bool has_begun; /* the present file has an edit */
    struct skn_slice path;
    const struct skn_source *source;
    const char *why;
};

static void edit(struct renaming *r, struct skn_span span)
{
    if (!r->has_begun) skn_lsp_edit_file(r->edits, r->path, r->source);
    r->has_begun = true;
    skn_lsp_edit(r->edits, span);
}

/* [source:]Name[@version], where the words of it stand in the text from `start` on. */
static void edit_words(struct renaming *r, struct skn_slice words, uint32_t start)
{
    struct skn_event_words event;
    if (!skn_event_split(words, &event) || !skn_slice_eq(event.name, r->old)) return;
    if (event.source.len > 0 && !skn_slice_eq(event.source, SKN_LIT("local"))) return;
    uint32_t at = start + (uint32_t)(event.name.ptr - words.ptr);
    edit(r, (struct skn_span){at, at + (uint32_t)event.name.len});
}

static void edit_used(struct renaming *r, const struct skn_syn_event *event)
{
    bool is_local = event->source.end == 0 ||
                    skn_slice_eq(skn_source_at(r->source, event->source), SKN_LIT("local"));
    if (event->name.end > 0 && is_local &&
        skn_slice_eq(skn_source_at(r->source, event->name), r->old))
        edit(r, event->name);
}

static void
edit_unit(struct renaming *r, const struct skn_syntax *syntax, const struct skn_syn_unit *unit)
{
    bool is_named = unit->kind == SKN_SYN_EVENT || unit->kind == SKN_SYN_CALL;
    if (is_named && skn_pty_call(r->source, unit) != SKN_CALL_FLOW) {
        struct skn_syn_event event = skn_syn_event_of(r->source, unit);
        edit_used(r, &event);
    }
    for (uint32_t i = 0; i < unit->option_count; i++) {
        const struct skn_syn_option *option = &syntax->options[unit->first_option + i];
        const struct skn_literal *literal = &syntax->literals[option->literal];
        if (literal->kind != SKN_LITERAL_STRING ||
            !skn_slice_eq(skn_source_at(r->source, option->name), SKN_LIT("compensate")))
            continue;
        struct skn_span inside = {literal->span.start + 1, literal->span.end - 1};
        edit_words(r, skn_source_at(r->source, inside), inside.start);
    }
}

static void malformed(struct renaming *r)
{
    if (!r->why)
        r->why = skn_arena_printf(
            r->text->arena, "%.*s is malformed: a place could be missed", SKN_FMT(r->path));
}

static void edit_flow(struct renaming *r)
{
    struct skn_syntax syntax;
    struct skn_diags *diags = skn_arena_zero(r->text->arena, 1, sizeof(*diags));
    skn_diags_init(diags, r->text->arena, r->source);
    skn_syntax_parse(&syntax, diags);
    if (diags->errors > 0) malformed(r);
    if (syntax.on_failure.name.end > 0) edit_used(r, &syntax.on_failure);
    for (uint32_t i = 0; i < syntax.unit_count && !r->why; i++)
        edit_unit(r, &syntax, &syntax.units[i]);
    skn_syntax_fini(&syntax);
}

/* The text of a scalar in its place; quotes are left alone. */
static void edit_scalar(struct renaming *r, const struct skn_yaml *yaml, uint32_t at)
{
    const struct skn_yaml_node *node = &yaml->nodes[at];
    if (at == 0 || node->kind != SKN_YAML_SCALAR) return;
    uint32_t quote = node->is_plain ? 0 : 1;
    struct skn_span inside = {node->span.start + quote, node->span.end - quote};
    struct skn_slice written = skn_source_at(r->source, inside);
    if (skn_slice_eq(written, node->text)) edit_words(r, written, inside.start);
}

static void edit_event(struct renaming *r)
{
    struct skn_yaml yaml;
    struct skn_diags *diags = skn_arena_zero(r->text->arena, 1, sizeof(*diags));
    skn_diags_init(diags, r->text->arena, r->source);
    if (!skn_yaml_parse(r->text->arena, diags, &yaml) || yaml.count == 0 ||
        yaml.nodes[0].kind != SKN_YAML_MAPPING) {
        malformed(r);
        return;
    }
    edit_scalar(r, &yaml, skn_yaml_get(&yaml, 0, "event"));
    uint32_t deprecated = skn_yaml_get(&yaml, 0, "deprecated");
    if (deprecated > 0 && yaml.nodes[deprecated].kind == SKN_YAML_MAPPING)
        edit_scalar(r, &yaml, skn_yaml_get(&yaml, deprecated, "use"));
}

static bool is_flow(struct skn_slice path)
{
    return path.len > 4 && memcmp(path.ptr + path.len - 4, ".pty", 4) == 0;
}

static void each_file(void *ctx, struct skn_slice path, struct skn_slice text)
{
    struct renaming *r = ctx;
    struct skn_source *source = skn_arena_zero(r->text->arena, 1, sizeof(*source));
    if (r->why) return;
    r->path = path;
    r->source = source;
    r->has_begun = false;
    (void)skn_lsp_opened(r->text, path, &text); /* as the editor has it */
    if (skn_source_init(source, r->text->arena, path, text) != SKN_OK)
        malformed(r);
    else if (is_flow(path))
        edit_flow(r);
    else
        edit_event(r);
}

static const char *
why_not(const struct skn_project_events *events, struct skn_slice old, struct skn_slice name)
{
    enum skn_event_kind kind;
    bool has_name;
    (void)skn_project_find_event(events, old, (struct skn_slice){0}, &has_name);
    if (!has_name) return "only events of the project, inputs and variables are renamed here";
    if (name.len == 0 || skn_slice_eq(name, old)) return NULL;
    if (!skn_is_name(name) || skn_is_reserved(name)) return "this cannot be a name";
    if (skn_builtin_find(name, &kind) != SKN_NAME_UNKNOWN) return "a built-in event has this name";
    (void)skn_project_find_event(events, name, (struct skn_slice){0}, &has_name);
    return has_name ? "another event of the project has this name" : NULL;
}

const char *skn_service_rename_event(void *ctx,
                                     const struct skn_lsp_text *text,
                                     struct skn_slice old,
                                     struct skn_slice name,
                                     struct skn_lsp_edits *edits)
{
    const struct skn_pointy_host *host = ctx;
    const char *why = why_not(skn_service_events(ctx, text), old, name);
    if (why || !host->files) return why ? why : "events are not renamed here";
    struct renaming r = {.text = text,
                         .old = old,
                         .edits = edits,
                         .has_begun = true, /* the edits begin in this text */
                         .path = text->path,
                         .source = text->source};
    edit_flow(&r);
    if (!host->files(host->ctx, text->arena, text->path, each_file, &r) && !r.why)
        r.why = "not all files of the project can be read: a place could be missed";
    return r.why;
}
