/* options.c - what the options of a unit mean [F22], and those of built-ins [F18]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"
#include "lang/pointy/options_internal.h"

#include "base/pure.h" /* last */

static void apply_rule(struct skn_pty *b,
                       uint32_t unit,
                       const struct skn_option_rule *rule,
                       const struct skn_syn_option *option)
{
    const struct skn_literal *literal = &b->tree->literals[option->literal];
    if (literal->kind == SKN_LITERAL_BAD) return;
    if (!skn_option_is_met(b, rule->rule, literal)) {
        skn_pty_bad_value(b, skn_slice_str(rule->name), literal, skn_option_wanted(rule->rule));
        return;
    }
    if (rule->built != SKN_BUILT_NOT) {
        skn_pty_apply(b, unit, rule, literal);
        return;
    }
    struct skn_span span = {option->name.start, literal->span.end};
    skn_pty_not_run(b, span, skn_arena_printf(b->arena, "the option \"%s\"", rule->name));
}

/* An option of the table on a unit that cannot have it. */
static void not_for_this(struct skn_pty *b,
                         uint32_t unit,
                         const struct skn_option_rule *rule,
                         struct skn_span span)
{
    const char *where = rule->on == SKN_ON_GROUP                   ? "groups"
                        : rule->on == SKN_ON_MAP                   ? "MAP"
                        : rule->on == SKN_ON_REDUCE                ? "REDUCE"
                        : rule->on == (SKN_ON_MAP | SKN_ON_FILTER) ? "MAP and FILTER"
                        : rule->on == (SKN_ON_ALL & ~SKN_ON_GROUP) ? "events and calls"
                                                                   : "MAP, FILTER and REDUCE";
    const char *hint =
        rule->on == SKN_ON_GROUP ? "An event says in its file what it exports." : "Take it away.";
    skn_diags_add(b->diags,
                  SKN_CODE_NOT_FOR_THIS,
                  span,
                  SKN_DIAG_ARGS(skn_slice_str(rule->name),
                                skn_slice_str(where),
                                skn_pty_unit_name(b, unit),
                                skn_slice_str(hint)));
}

static const struct skn_field *find_field(const struct skn_event_def *def, struct skn_slice name)
{
    for (uint32_t i = 0; i < def->input_count; i++)
        if (skn_slice_eq(name, def->inputs[i].name)) return &def->inputs[i];
    return NULL;
}

static struct skn_slice
nearest_option(const struct skn_pty *b, uint32_t unit, struct skn_slice name)
{
    const struct skn_event_def *def =
        b->unit_event[unit] == SKN_GRAPH_NONE ? NULL : &b->events[b->unit_event[unit]];
    uint8_t place = skn_option_place(b, unit);
    struct skn_suggest suggest;
    const struct skn_option_rule *rule;
    skn_suggest_init(&suggest, name);
    for (uint32_t i = 0; def && i < def->input_count; i++)
        skn_suggest_offer(&suggest, def->inputs[i].name);
    for (size_t i = 0; (rule = skn_option_at(i)) != NULL; i++)
        if (rule->on & place) skn_suggest_offer(&suggest, skn_slice_str(rule->name));
    for (size_t i = 0; def && skn_builtin_option(def->name, i); i++)
        skn_suggest_offer(&suggest, skn_slice_str(skn_builtin_option(def->name, i)));
    return suggest.best;
}

static void unknown_option(struct skn_pty *b, uint32_t unit, struct skn_span span)
{
    struct skn_slice name = skn_pty_text(b, span);
    skn_diags_add(b->diags,
                  SKN_CODE_UNKNOWN_OPTION,
                  span,
                  SKN_DIAG_ARGS(skn_pty_unit_name(b, unit), name, nearest_option(b, unit, name)));
}

/* Whether a value fits the words of its input [F31]; where ${..} stands, nobody knows yet. */
static bool value_fits(struct skn_pty *b,
                       uint32_t unit,
                       const struct skn_field *field,
                       const struct skn_literal *literal,
                       struct skn_slice value)
{
    struct skn_slice text = skn_pty_text(b, literal->span);
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == '$' && text.ptr[i + 1] == '{') return true;
    if (!field->schema) return true; /* its type fits */
    struct skn_buf why;
    skn_buf_init(&why, 1 << 16);
    uint64_t left = SKN_VALUE_STEPS_MAX - b->value_steps, before = left;
    bool fits =
        skn_schema_fits_within(field->schema, field->name, skn_value_view(value), &left, &why);
    b->value_steps += before - left;
    if (!fits)
        skn_diags_add(
            b->diags,
            SKN_CODE_UNFIT,
            literal->span,
            SKN_DIAG_ARGS(skn_slice_str(skn_arena_printf(b->arena, "%s", skn_buf_str(&why))),
                          b->events[b->unit_event[unit]].name));
    skn_buf_fini(&why);
    return fits;
}

/* name=literal as an input of a project's event. */
static void
apply_input(struct skn_pty *b, uint32_t unit, const struct skn_field *field, uint32_t at)
{
    const struct skn_literal *literal = &b->tree->literals[at];
    if (!skn_literal_fits(literal, field->type)) {
        const char *want = skn_arena_printf(b->arena, "of type %s", skn_type_name(field->type));
        skn_pty_bad_value(b, field->name, literal, want);
        return;
    }
    /* A check alone needs the value only where more can be said of it than its kind. */
    struct skn_slice value;
    bool is_plain = literal->kind <= SKN_LITERAL_BOOL && !field->schema;
    if ((b->only_check && is_plain) || !skn_pty_value(b, at, true, &value)) return;
    if (!value_fits(b, unit, field, literal, value) || b->only_check) return;
    struct skn_graph_unit *to = skn_pty_unit(b, unit);
    if (to->value_count == 0) to->first_value = b->graph->value_count;
    b->values[b->graph->value_count++] =
        (struct skn_graph_value){.name = skn_arena_dup(b->arena, field->name), .value = value};
    to->value_count++;
}

/* reason= of Fail, for= of Sleep, and those of built-ins that are not built; false: it has none of
 * this name. */
static bool apply_builtin(struct skn_pty *b, uint32_t unit, const struct skn_syn_option *option)
{
    struct skn_slice name = skn_pty_text(b, option->name);
    const struct skn_event_def *def = &b->events[b->unit_event[unit]];
    const struct skn_literal *literal = &b->tree->literals[option->literal];
    struct skn_graph_unit *to = skn_pty_unit(b, unit);
    enum skn_option_rule_kind rule;
    if (!skn_builtin_takes(def->name, name, &rule)) return false;
    if (literal->kind == SKN_LITERAL_BAD) return true;
    if (!skn_option_is_met(b, rule, literal)) {
        skn_pty_bad_value(b, name, literal, skn_option_wanted(rule));
    } else if (def->kind == SKN_EVENT_FAIL) {
        if (!b->only_check) (void)skn_pty_string(b, literal, true, &to->reason);
    } else if (skn_slice_eq(name, SKN_LIT("for"))) {
        (void)skn_pty_duration(b, name, literal, true, &to->sleep_ms);
    } else if (def->kind == SKN_EVENT_SLEEP) {
        skn_pty_not_run(b, option->name, "the option \"until\" of Sleep");
    }
    return true;
}

/* An option that is none of [F22]: an input of the event, or unknown. */
static void apply_other(struct skn_pty *b, uint32_t unit, const struct skn_syn_option *option)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    uint8_t place = skn_option_place(b, unit);
    uint32_t event = b->unit_event[unit];
    struct skn_slice name = skn_pty_text(b, option->name);
    const struct skn_option_rule *rule = skn_option_find(name);
    const struct skn_field *field;
    if (from->kind == SKN_SYN_BAD) return;
    if (place == SKN_ON_FLOW && b->project) { /* an input of the child */
        field = find_field(&b->events[event], name);
        if (field)
            apply_input(b, unit, field, option->literal);
        else if (b->events[event].is_flow)
            unknown_option(b, unit, option->name);
        return;
    }
    if (place == SKN_ON_GROUP || event == SKN_GRAPH_NONE) {
        if (rule) {
            not_for_this(b, unit, rule, option->name);
        } else {
            unknown_option(b, unit, option->name);
        }
        return;
    }
    switch (b->event_kinds[event]) {
    case SKN_NAME_BUILTIN:
    case SKN_NAME_BUILTIN_LATER:
        if (apply_builtin(b, unit, option)) return;
        break;
    case SKN_NAME_PROJECT:
        field = find_field(&b->events[event], name);
        if (field) {
            apply_input(b, unit, field, option->literal);
            return;
        }
        break;
    case SKN_NAME_UNKNOWN:
    default:
        if (rule && place != SKN_ON_EVENT) break; /* such as size on FILTER */
        if (b->project) return;                   /* the event was reported */
        skn_diags_add(b->diags,
                      SKN_CODE_LONE_OPTION,
                      option->name,
                      SKN_DIAG_ARGS(name, b->events[event].name, nearest_option(b, unit, name)));
        return;
    }
    if (rule) {
        not_for_this(b, unit, rule, option->name);
    } else {
        unknown_option(b, unit, option->name);
    }
}

static struct skn_slice canonical_name(struct skn_slice name)
{
    const struct skn_option_rule *rule = skn_option_find(name);
    return rule && rule->same_as ? skn_slice_str(rule->same_as) : name;
}

static bool is_given_before(const struct skn_pty *b, const struct skn_syn_unit *unit, uint32_t at)
{
    struct skn_slice name = canonical_name(skn_pty_text(b, b->tree->options[at].name));
    for (uint32_t i = unit->first_option; i < at; i++) {
        struct skn_slice other = skn_pty_text(b, b->tree->options[i].name);
        if (skn_slice_eq(name, canonical_name(other))) return true;
    }
    return false;
}

static void given_twice(struct skn_pty *b, struct skn_span span)
{
    struct skn_slice name = skn_pty_text(b, span);
    struct skn_slice same = canonical_name(name);
    const char *hint =
        skn_slice_eq(name, same)
            ? "Keep one of them."
            : skn_arena_printf(b->arena, "It is another name of \"%.*s\".", SKN_FMT(same));
    skn_diags_add(b->diags, SKN_CODE_OPTION_TWICE, span, SKN_DIAG_ARGS(name, skn_slice_str(hint)));
}

static bool has_option(const struct skn_pty *b, const struct skn_syn_unit *unit, const char *name)
{
    for (uint32_t i = 0; i < unit->option_count; i++) {
        struct skn_span at = b->tree->options[unit->first_option + i].name;
        if (skn_slice_eq(skn_slice_str(name), skn_pty_text(b, at))) return true;
    }
    return false;
}

/* What a built-in cannot do without. */
static void require_options(struct skn_pty *b, uint32_t unit)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    uint32_t event = b->unit_event[unit];
    if (from->kind != SKN_SYN_EVENT || b->event_kinds[event] == SKN_NAME_PROJECT) return;
    const struct skn_builtin_need *need = skn_builtin_needs(b->events[event].name);
    for (; need && need->name; need++) {
        if (has_option(b, from, need->name) ||
            (need->or_else && has_option(b, from, need->or_else)))
            continue;
        skn_diags_add(b->diags,
                      SKN_CODE_MISSING_OPTION,
                      from->span,
                      SKN_DIAG_ARGS(b->events[event].name,
                                    skn_slice_str(need->name),
                                    skn_slice_str(need->hint)));
    }
}

bool skn_pty_continues(const struct skn_pty *b, const struct skn_syn_unit *unit)
{
    for (uint32_t i = 0; i < unit->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[unit->first_option + i];
        const struct skn_literal *literal = &b->tree->literals[option->literal];
        if (literal->kind == SKN_LITERAL_STRING &&
            skn_slice_eq(skn_pty_text(b, option->name), SKN_LIT("on_failure")) &&
            skn_slice_eq(skn_pty_string_text(b, literal), SKN_LIT("continue")))
            return true;
    }
    return false;
}

void skn_pty_options(struct skn_pty *b)
{
    for (uint32_t unit = 0; unit < b->tree->unit_count; unit++) {
        const struct skn_syn_unit *from = &b->tree->units[unit];
        for (uint32_t i = 0; i < from->option_count; i++) {
            const struct skn_syn_option *option = &b->tree->options[from->first_option + i];
            const struct skn_option_rule *rule = skn_option_find(skn_pty_text(b, option->name));
            if (is_given_before(b, from, from->first_option + i)) {
                given_twice(b, option->name);
            } else if (rule && (rule->on & skn_option_place(b, unit)) != 0) {
                apply_rule(b, unit, rule, option);
            } else {
                apply_other(b, unit, option);
            }
        }
        skn_pty_decide(b, unit);
        require_options(b, unit);
    }
    skn_check_options(b);
}
