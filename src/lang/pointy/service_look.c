/* service_look.c - what stands at a place of a flow: hover; and the outline of all of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"
#include "lang/pointy/options_internal.h"
#include "lang/pointy/service_internal.h"

#include "base/pure.h" /* last */

void skn_service_open(struct skn_service_tree *t, const struct skn_lsp_text *text)
{
    t->source = text->source;
    t->diags = skn_arena_zero(text->arena, 1, sizeof(*t->diags));
    skn_diags_init(t->diags, text->arena, text->source);
    skn_syntax_parse(&t->syntax, t->diags);
}

void skn_service_close(struct skn_service_tree *t)
{
    skn_syntax_fini(&t->syntax);
}

bool skn_service_holds(struct skn_span span, uint32_t offset)
{
    return span.start <= offset && offset <= span.end && span.start < span.end;
}

/* Units stand in the order of the text. */
uint32_t skn_service_unit_at(const struct skn_service_tree *t, uint32_t offset)
{
    uint32_t low = 0, high = t->syntax.unit_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (t->syntax.units[middle].span.start <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (low >= t->syntax.unit_count) return SKN_GRAPH_NONE;
    const struct skn_syn_unit *unit = &t->syntax.units[low];
    bool is_named = unit->kind == SKN_SYN_EVENT || unit->kind == SKN_SYN_CALL;
    return is_named && skn_service_holds(unit->span, offset) ? low : SKN_GRAPH_NONE;
}

static void
put_fields(struct skn_buf *out, const char *title, const struct skn_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        skn_buf_printf(out,
                       "%s`%.*s`: %s%s%s%.*s",
                       i == 0 ? title : "\n- ",
                       SKN_FMT(fields[i].name),
                       skn_field_type_name(&fields[i]),
                       fields[i].required ? "" : ", may be missing",
                       fields[i].description.len > 0 ? ": " : "",
                       SKN_FMT(fields[i].description));
}

static void put_event(struct skn_buf *out,
                      const struct skn_project_events *events,
                      const struct skn_event_def *def)
{
    skn_buf_printf(out,
                   "**%.*s** %u.%u.%u%s\n\n%.*s",
                   SKN_FMT(def->name),
                   (unsigned)def->version[0],
                   (unsigned)def->version[1],
                   (unsigned)def->version[2],
                   def->is_deprecated ? " (deprecated)" : "",
                   SKN_FMT(def->description));
    put_fields(out, "\n\nTakes\n- ", def->inputs, def->input_count);
    put_fields(out, "\n\nGives\n- ", def->outputs, def->output_count);
    for (uint32_t i = 0; i < def->outcome_count; i++)
        skn_buf_printf(
            out, "%s`%.*s`", i == 0 ? "\n\nEnds also with " : ", ", SKN_FMT(def->outcomes[i]));
    uint32_t versions = 0;
    for (size_t i = 0; events && i < events->count; i++) {
        const struct skn_event_def *other = events->sorted[i];
        if (!skn_slice_eq(other->name, def->name)) continue;
        skn_buf_printf(out,
                       "%s%u.%u.%u",
                       versions++ == 0 ? "\n\nVersions: " : ", ",
                       (unsigned)other->version[0],
                       (unsigned)other->version[1],
                       (unsigned)other->version[2]);
    }
}

/* A name of a value, and what declares it. */
static bool hover_value(const struct skn_service_tree *t, uint32_t offset, struct skn_buf *out)
{
    static const char *const what[] = {
        "an input of the run", "a variable that Set sets", "a variable that outlives its group"};
    enum skn_site site = SKN_SITE_USE;
    struct skn_span declared;
    struct skn_span span = skn_service_value_at(t, offset);
    struct skn_slice name = skn_source_at(t->source, span);
    if (span.end == 0 || !skn_service_declared(t, name, &site, &declared)) return false;
    skn_buf_printf(out, "**%.*s**: %s", SKN_FMT(name), what[site]);
    for (uint32_t i = 0; i < t->syntax.input_count; i++)
        if (skn_slice_eq(skn_source_at(t->source, t->syntax.inputs[i].name), name))
            skn_buf_printf(
                out, ", %.*s", SKN_FMT(skn_source_at(t->source, t->syntax.inputs[i].type)));
    return true;
}

static bool hover_option(const struct skn_service_tree *t,
                         const struct skn_source *source,
                         uint32_t offset,
                         struct skn_buf *out)
{
    for (uint32_t i = 0; i < t->syntax.option_count; i++) {
        struct skn_span span = t->syntax.options[i].name;
        if (!skn_service_holds(span, offset)) continue;
        const struct skn_option_rule *rule = skn_option_find(skn_source_at(source, span));
        if (!rule) return false;
        skn_buf_printf(out,
                       "**%s**: %s\n\nThe value is %s.",
                       rule->name,
                       rule->text,
                       skn_option_wanted(rule->rule));
        return true;
    }
    return false;
}

bool skn_service_hover(void *ctx,
                       const struct skn_lsp_text *text,
                       uint32_t offset,
                       struct skn_buf *out)
{
    struct skn_service_tree t;
    const struct skn_project_events *events = skn_service_events(ctx, text);
    skn_service_open(&t, text);
    uint32_t unit = skn_service_unit_at(&t, offset);
    bool found = false;
    if (unit == SKN_GRAPH_NONE) {
        found = hover_value(&t, offset, out) || hover_option(&t, text->source, offset, out);
    } else {
        struct skn_syn_event event = skn_syn_event_of(text->source, &t.syntax.units[unit]);
        struct skn_slice name = skn_source_at(text->source, event.name), version = {0};
        bool has_name;
        if (event.version.end > 0) version = skn_source_at(text->source, event.version);
        const struct skn_event_def *def = skn_project_find_event(events, name, version, &has_name);
        if (def) {
            put_event(out, events, def);
        } else if (skn_builtin_text(name)) {
            skn_buf_printf(out, "**%.*s**, built in\n\n%s", SKN_FMT(name), skn_builtin_text(name));
        }
        found = out->len > 0;
    }
    skn_service_close(&t);
    return found;
}

void skn_service_outline(void *ctx,
                         const struct skn_lsp_text *text,
                         struct skn_lsp_symbols *symbols)
{
    struct skn_service_tree t;
    (void)ctx;
    skn_service_open(&t, text);
    for (uint32_t i = 0; i < t.syntax.input_count; i++)
        skn_lsp_symbol(symbols,
                       skn_source_at(text->source, t.syntax.inputs[i].name),
                       t.syntax.inputs[i].name,
                       false);
    for (uint32_t i = 0; i < t.syntax.unit_count; i++) {
        const struct skn_syn_unit *unit = &t.syntax.units[i];
        const struct skn_syn_body *body = &t.syntax.bodies[t.syntax.steps[unit->step].body];
        /* What branches do is read at the unit; an outline of all of it is as long as the text. */
        if (unit->kind == SKN_SYN_BAD || body->kind == SKN_BODY_BRANCH) continue;
        bool is_group = unit->kind == SKN_SYN_GROUP;
        skn_lsp_symbol(symbols,
                       is_group ? SKN_LIT("group") : skn_source_at(text->source, unit->span),
                       unit->span,
                       is_group);
    }
    skn_service_close(&t);
}
