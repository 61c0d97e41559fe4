/* build.c - the compiler: parse, resolve, check, and the graph when nothing is wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/build_internal.h"

#include "base/pure.h" /* last */

struct skn_slice skn_pty_unit_name(const struct skn_pty *b, uint32_t unit)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    if (from->kind == SKN_SYN_EVENT) return skn_pty_text(b, skn_syn_event_of(b->source, from).name);
    if (from->kind == SKN_SYN_CALL) return skn_arena_dup(b->arena, skn_pty_text(b, from->span));
    return SKN_LIT("this group");
}

static void no_type(struct skn_pty *b, struct skn_span span, struct skn_slice name)
{
    static const char *const types[] = {
        "string", "int", "float", "bool", "list", "object", "any", "file", "secret"};
    skn_diags_add(b->diags,
                  SKN_CODE_UNKNOWN_TYPE,
                  span,
                  SKN_DIAG_ARGS(name, skn_suggest_among(name, types, SKN_ARRAY_LEN(types))));
}

enum skn_call skn_pty_call(const struct skn_source *source, const struct skn_syn_unit *unit)
{
    static const char *const words[] = {"MAP", "FILTER", "REDUCE", "FLOW"};
    struct skn_slice text = skn_source_at(source, unit->span);
    for (unsigned i = 0; unit->kind == SKN_SYN_CALL && i < SKN_ARRAY_LEN(words); i++)
        if (skn_slice_has_prefix(text, skn_slice_str(words[i])))
            return (enum skn_call)(SKN_CALL_MAP + i);
    return SKN_CALL_NONE;
}

void skn_pty_not_run(const struct skn_pty *b, struct skn_span span, const char *what)
{
    struct skn_slice text = skn_slice_str(what);
    skn_diags_add(b->diags, SKN_CODE_NOT_RUN, span, SKN_DIAG_ARGS(text));
    if (b->graph->not_yet.len == 0) b->graph->not_yet = text;
}

/* The type of a declaration; false when it was reported. */
static bool type_of(struct skn_pty *b, struct skn_span span, struct skn_field *to)
{
    struct skn_slice name = skn_pty_text(b, span);
    for (unsigned type = 0; type <= SKN_TYPE_ANY; type++) {
        if (!skn_slice_eq(name, skn_slice_str(skn_type_name((enum skn_type)type)))) continue;
        to->type = (enum skn_type)type;
        return true;
    }
    bool is_secret = skn_slice_eq(name, SKN_LIT("secret"));
    if (!is_secret && !skn_slice_eq(name, SKN_LIT("file"))) {
        no_type(b, span, name);
        return false;
    }
    to->mark = is_secret ? SKN_FIELD_SECRET : SKN_FIELD_FILE;
    skn_pty_not_run(b, span, is_secret ? "inputs of type secret" : "inputs of type file");
    return true;
}

static void build_default(struct skn_pty *b,
                          const struct skn_syn_input *from,
                          bool has_type,
                          struct skn_field *to)
{
    const struct skn_literal *literal = &b->tree->literals[from->literal];
    struct skn_slice type = skn_pty_text(b, from->type);
    bool is_never = skn_slice_eq(type, SKN_LIT("file")) || skn_slice_eq(type, SKN_LIT("secret")) ||
                    skn_slice_eq(type, SKN_LIT("object"));
    if (is_never) {
        skn_diags_add(
            b->diags,
            SKN_CODE_NO_DEFAULT,
            literal->span,
            SKN_DIAG_ARGS(type, SKN_LIT("Write ? behind the type if it may be missing.")));
    } else if (!has_type) {
        return;
    } else if (!skn_literal_fits(literal, to->type)) {
        const char *want = skn_arena_printf(b->arena, "of type %s", skn_type_name(to->type));
        skn_diags_add(
            b->diags,
            SKN_CODE_BAD_VALUE,
            literal->span,
            SKN_DIAG_ARGS(to->name, skn_slice_str(want), skn_slice_str(skn_literal_name(literal))));
    } else {
        (void)skn_pty_value(b, from->literal, false, &to->default_value);
    }
}

void skn_pty_inputs(struct skn_pty *b)
{
    uint32_t count = b->tree->input_count;
    b->inputs = skn_arena_zero(b->arena, count + 1, sizeof(*b->inputs));
    b->graph->inputs = b->inputs;
    b->graph->input_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct skn_syn_input *from = &b->tree->inputs[i];
        struct skn_field *to = &b->inputs[i];
        to->name = skn_arena_dup(b->arena, skn_pty_text(b, from->name));
        to->type = SKN_TYPE_ANY;
        to->required = !from->optional && from->literal == SKN_GRAPH_NONE;
        bool has_type = type_of(b, from->type, to);
        if (from->literal != SKN_GRAPH_NONE) build_default(b, from, has_type, to);
    }
}

/* The options that change which values live, and no run does yet. */
static uint8_t marks_of(const struct skn_pty *b, const struct skn_syn_unit *from)
{
    static const struct {
        const char *name;
        enum skn_unit_mark mark;
    } marks[] = {
        {"compensate", SKN_UNIT_COMPENSATED}, {"cache", SKN_UNIT_CACHED}, {"over", SKN_UNIT_OVER}};
    uint8_t found = from->kind == SKN_SYN_CALL ? SKN_UNIT_CALL : 0;
    if (skn_pty_continues(b, from)) found |= SKN_UNIT_CONTINUES;
    for (uint32_t i = 0; i < from->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[from->first_option + i];
        for (size_t m = 0; m < SKN_ARRAY_LEN(marks); m++)
            if (skn_slice_eq(skn_pty_text(b, option->name), skn_slice_str(marks[m].name)))
                found |= (uint8_t)marks[m].mark;
    }
    return found;
}

/* Units as far as they do not depend on options. */
static void build_units(struct skn_pty *b)
{
    struct skn_source_walk walk = skn_source_walk(b->source);
    uint32_t told = 0;
    for (uint32_t i = 0; i < b->tree->unit_count; i++) {
        const struct skn_syn_unit *from = &b->tree->units[i];
        struct skn_graph_unit *to = &b->units[i];
        to->step = from->step;
        to->next = from->next;
        if (from->next != SKN_GRAPH_NONE) b->units[from->next].ordinal = to->ordinal + 1;
        to->body = from->body;
        to->first_branch = from->first_branch;
        to->event = b->unit_event[i];
        to->place = skn_source_walk_to(&walk, from->span.start);
        to->marks = marks_of(b, from);
        to->rules = SKN_GRAPH_NONE;
        bool has_retry_on = to->event != SKN_GRAPH_NONE && b->events[to->event].retry_on.len > 0;
        if (from->option_count > 0 || has_retry_on) told++;
        to->retry = (struct skn_retry){.attempts = 1, .factor_milli = 1000};
        if (to->event != SKN_GRAPH_NONE) {
            to->retry = b->events[to->event].retry;
            to->timeout_ms = b->events[to->event].timeout_ms;
        }
        if (from->attempts > 0) to->retry.attempts = from->attempts;
    }
    b->rules = skn_arena_zero(b->arena, (size_t)told + 1, sizeof(*b->rules));
    b->graph->rules = b->rules;
}

static void note_calls(struct skn_pty *b)
{
    for (uint32_t i = 0; i < b->tree->unit_count; i++)
        if (b->tree->units[i].kind == SKN_SYN_CALL)
            skn_pty_not_run(b, b->tree->units[i].span, (const char *)skn_pty_unit_name(b, i).ptr);
}

static void build_shape(struct skn_pty *b)
{
    const struct skn_syntax *tree = b->tree;
    struct skn_graph *graph = b->graph;
    struct skn_graph_body *bodies = skn_arena_zero(b->arena, tree->body_count, sizeof(*bodies));
    for (uint32_t i = 0; i < tree->body_count; i++) {
        const struct skn_syn_body *from = &tree->bodies[i];
        bodies[i] = (struct skn_graph_body){.kind = from->kind,
                                            .owner = from->owner,
                                            .first_step = from->first_step,
                                            .step_count = from->step_count};
    }
    struct skn_graph_step *steps = skn_arena_zero(b->arena, tree->step_count, sizeof(*steps));
    for (uint32_t i = 0; i < tree->step_count; i++) {
        const struct skn_syn_step *from = &tree->steps[i];
        steps[i] = (struct skn_graph_step){.body = from->body,
                                           .ordinal = steps[i].ordinal,
                                           .next = from->next,
                                           .first_unit = from->first_unit,
                                           .unit_count = from->unit_count,
                                           .piped = from->piped != 0};
        if (from->next != SKN_GRAPH_NONE) steps[from->next].ordinal = steps[i].ordinal + 1;
    }
    b->bodies = bodies;
    graph->bodies = bodies;
    graph->body_count = tree->body_count;
    graph->steps = steps;
    graph->step_count = tree->step_count;
    graph->unit_count = tree->unit_count;
    graph->timeout_ms = tree->timeout_ms;
    graph->has_on_failure = tree->directives[SKN_DIRECTIVE_ON_FAILURE].at.end > 0;
}

static enum skn_outcome outcome_of(struct skn_slice text)
{
    bool is_success = skn_slice_eq(text, SKN_LIT("1")) || skn_slice_eq(text, SKN_LIT("success"));
    bool is_failure = skn_slice_eq(text, SKN_LIT("0")) || skn_slice_eq(text, SKN_LIT("failure"));
    return is_success ? SKN_OUTCOME_SUCCESS : is_failure ? SKN_OUTCOME_FAILURE : SKN_OUTCOME_OTHER;
}

static void build_branches(struct skn_pty *b)
{
    uint32_t count = b->tree->branch_count;
    struct skn_graph_branch *branches = skn_arena_zero(b->arena, count + 1, sizeof(*branches));
    for (uint32_t i = 0; i < count; i++) {
        const struct skn_syn_branch *from = &b->tree->branches[i];
        branches[i] =
            (struct skn_graph_branch){.unit = from->unit,
                                      .next = from->next,
                                      .body = from->body,
                                      .outcome = outcome_of(skn_pty_text(b, from->outcome)),
                                      .piped = from->piped};
        if (branches[i].outcome == SKN_OUTCOME_OTHER)
            branches[i].other = skn_arena_dup(b->arena, skn_pty_text(b, from->outcome));
    }
    b->graph->branches = branches;
    b->graph->branch_count = count;
}

enum skn_rc skn_pty_build(struct skn_pty *b)
{
    b->graph = skn_arena_zero(b->arena, 1, sizeof(*b->graph));
    b->unit_event = skn_arena_zero(b->arena, b->tree->unit_count + 1, sizeof(*b->unit_event));
    if (!b->only_check) {
        b->units = skn_arena_zero(b->arena, b->tree->unit_count + 1, sizeof(*b->units));
        b->values = skn_arena_zero(b->arena, b->tree->option_count + 1, sizeof(*b->values));
        b->graph->units = b->units;
        b->graph->values = b->values;
        build_shape(b);
        build_branches(b);
    }
    skn_pty_inputs(b);
    skn_pty_events(b);
    if (!b->only_check) build_units(b);
    note_calls(b);
    skn_pty_options(b);
    skn_check_lookalikes(b);
    skn_check_dollars(b);
    skn_check_flows(b);
    skn_check_exports(b);
    skn_check_flow(b);
    skn_check_data(b);
    if (!b->only_check) skn_pty_binds(b);
    if (b->tree->not_yet && b->graph->not_yet.len == 0)
        b->graph->not_yet = skn_slice_str(b->tree->not_yet);
    return skn_diags_rc(b->diags);
}

enum skn_rc skn_pointy_check(struct skn_arena *arena,
                             const struct skn_source *source,
                             const struct skn_project_events *events_or_null,
                             struct skn_diags *diags)
{
    SKN_ASSERT(diags->source == source);
    struct skn_syntax tree;
    skn_syntax_parse(&tree, diags);
    skn_syntax_drop_tokens(&tree); /* no check reads them */
    struct skn_pty b = {.arena = arena,
                        .source = source,
                        .diags = diags,
                        .tree = &tree,
                        .project = events_or_null,
                        .only_check = true};
    enum skn_rc rc = skn_pty_build(&b);
    skn_syntax_fini(&tree);
    return rc;
}

enum skn_rc skn_pointy_compile(struct skn_arena *arena,
                               const struct skn_source *source,
                               const struct skn_project_events *events_or_null,
                               struct skn_diags *diags,
                               const struct skn_graph **out_graph)
{
    SKN_ASSERT(diags->source == source);
    struct skn_syntax tree;
    skn_syntax_parse(&tree, diags);
    skn_syntax_drop_tokens(&tree); /* no check reads them */
    struct skn_pty b = {
        .arena = arena, .source = source, .diags = diags, .tree = &tree, .project = events_or_null};
    enum skn_rc rc = skn_pty_build(&b);
    skn_syntax_fini(&tree);
    if (rc != SKN_OK) return rc;

    skn_graph_check(b.graph);
    *out_graph = b.graph;
    return SKN_OK;
}
