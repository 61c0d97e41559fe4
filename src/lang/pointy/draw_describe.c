/* draw_describe.c - a flow in plain sentences: numbered steps, what each does by the description of
 * its event, and where it goes when something ends otherwise. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_internal.h"
#include "lang/pointy/walk_internal.h"

#include "base/pure.h" /* last */

struct teller {
    const struct skn_drawing *d;
    struct skn_buf *out;
    uint32_t margins[2 * SKN_GRAPH_DEPTH_MAX + 3]; /* of the body at a depth */
};

static void margin(struct teller *t, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++)
        skn_buf_put_u8(t->out, ' ');
}

static struct skn_slice text_at(const struct teller *t, struct skn_span span)
{
    return skn_pty_text(&t->d->b, span);
}

/* What an event does: from its file, or what is built in. */
static struct skn_slice description_of(const struct teller *t, uint32_t unit)
{
    uint32_t event = t->d->b.unit_event[unit];
    if (event == SKN_GRAPH_NONE) return (struct skn_slice){0};
    const struct skn_event_def *def = &t->d->b.events[event];
    const char *text = skn_builtin_text(def->name);
    if (def->description.len > 0) return def->description;
    return text && t->d->b.event_kinds[event] != SKN_NAME_PROJECT ? skn_slice_str(text)
                                                                  : (struct skn_slice){0};
}

/* "for each item of the list, Validate", "the group". */
static void put_what(struct teller *t, uint32_t unit)
{
    static const char *const calls[] = {"",
                                        "for each item of the list: ",
                                        "keep the items for which this gives true: ",
                                        "fold the list, item by item: ",
                                        "run the flow "};
    const struct skn_syn_unit *from = &t->d->tree.units[unit];
    enum skn_call call = skn_pty_call(t->d->b.source, from);
    if (from->kind == SKN_SYN_GROUP) {
        skn_buf_put_str(t->out, "these steps together");
        return;
    }
    skn_buf_put_str(t->out, calls[call]);
    skn_buf_put(t->out,
                call == SKN_CALL_NONE ? text_at(t, from->span)
                                      : text_at(t, skn_syn_event_of(t->d->b.source, from).name));
}

static struct skn_slice value_of(const struct teller *t, const struct skn_syn_option *option)
{
    return text_at(t, t->d->tree.literals[option->literal].span);
}

/* An option in words; those that have none stand as they are written. */
static void put_option(struct teller *t, const struct skn_syn_option *option)
{
    static const struct {
        const char *name;
        const char *before;
        const char *behind;
    } words[] = {{"timeout", "one attempt may take ", ""},
                 {"deadline", "all of it may take ", ""},
                 {"backoff", "it waits ", " before it is tried again"},
                 {"cache", "a success is used again for ", ""},
                 {"compensate", "it is undone by ", ""},
                 {"parallel", "at most ", " at once"},
                 {"evaluate", "it succeeds by the rule ", ""},
                 {"on_failure", "on a failure it says ", ""},
                 {"signal", "for the signal ", ""},
                 {"for", "for ", ""}};
    struct skn_slice name = text_at(t, option->name);
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++) {
        if (!skn_slice_eq(name, skn_slice_str(words[i].name))) continue;
        skn_buf_printf(
            t->out, "; %s%.*s%s", words[i].before, SKN_FMT(value_of(t, option)), words[i].behind);
        return;
    }
    skn_buf_printf(t->out, "; %.*s is %.*s", SKN_FMT(name), SKN_FMT(value_of(t, option)));
}

static void put_unit(struct teller *t, uint32_t unit)
{
    const struct skn_syn_unit *from = &t->d->tree.units[unit];
    uint32_t attempts = skn_drawing_attempts(t->d, unit);
    struct skn_slice description = description_of(t, unit);
    put_what(t, unit);
    if (attempts > 1) skn_buf_printf(t->out, ", tried at most %u times", (unsigned)attempts);
    for (uint32_t i = 0; i < from->option_count; i++) {
        struct skn_slice name;
        if (skn_drawing_option(t->d, from->first_option + i, &name, NULL))
            put_option(t, &t->d->tree.options[from->first_option + i]);
    }
    skn_buf_put_str(t->out, from->kind == SKN_SYN_GROUP ? ":" : ".");
    if (description.len > 0) {
        size_t len = 0; /* one line of it */
        while (len < description.len && description.ptr[len] != '\n')
            len++;
        skn_buf_printf(t->out, " %.*s", SKN_FMT(skn_slice(description.ptr, len)));
    }
    skn_buf_put_str(t->out, "\n");
}

/* What the step before means for this one. */
static void put_link(struct teller *t, uint32_t step)
{
    const struct skn_syn_step *from = &t->d->tree.steps[step];
    if (t->d->b.graph->steps[step].ordinal > 0 && from->piped)
        skn_buf_put_str(t->out, "With that result: ");
}

static void put_first(struct teller *t, uint32_t step, uint32_t unit, uint32_t column)
{
    const struct skn_syn_step *from = &t->d->tree.steps[step];
    margin(t, column);
    skn_buf_printf(t->out, "%u. ", (unsigned)t->d->b.graph->steps[step].ordinal + 1);
    put_link(t, step);
    if (from->unit_count > 1) {
        skn_buf_put_str(t->out, "At the same time:\n");
        margin(t, column + 3);
        skn_buf_put_str(t->out, "- ");
    }
    put_unit(t, unit);
}

static void tell_unit(struct teller *t, uint32_t unit, uint32_t depth)
{
    const struct skn_syn_unit *from = &t->d->tree.units[unit];
    const struct skn_syn_step *step = &t->d->tree.steps[from->step];
    uint32_t column = t->margins[depth];
    if (t->d->b.units[unit].ordinal == 0) {
        put_first(t, from->step, unit, column);
    } else {
        margin(t, column + 3);
        skn_buf_put_str(t->out, "- ");
        put_unit(t, unit);
    }
    t->margins[depth + 1] = column + (step->unit_count > 1 ? 5 : 3);
}

static void tell_branch(struct teller *t, uint32_t branch, uint32_t depth)
{
    const struct skn_syn_branch *from = &t->d->tree.branches[branch];
    const struct skn_syn_unit *unit = &t->d->tree.units[from->unit];
    uint32_t column = t->margins[depth] + (t->d->tree.steps[unit->step].unit_count > 1 ? 5 : 3);
    struct skn_slice outcome = skn_drawing_outcome(t->d, branch);
    margin(t, column);
    if (skn_slice_eq(outcome, SKN_LIT("failure"))) {
        skn_buf_put_str(t->out, "If it fails");
    } else if (skn_slice_eq(outcome, SKN_LIT("success"))) {
        skn_buf_put_str(t->out, "If it succeeds");
    } else {
        skn_buf_printf(t->out, "If it ends with \"%.*s\"", SKN_FMT(outcome));
    }
    skn_buf_put_str(t->out, from->piped ? ", with its result:\n" : ":\n");
    t->margins[depth + 1] = column + 2;
}

static void tell_head(struct teller *t)
{
    const struct skn_syntax *tree = &t->d->tree;
    const struct skn_syn_directive *description = &tree->directives[SKN_DIRECTIVE_DESCRIPTION];
    if (description->at.end > 0) {
        struct skn_literal literal = {.kind = SKN_LITERAL_STRING, .span = description->value};
        struct skn_slice text;
        (void)skn_pty_string(&t->d->b, &literal, false, &text);
        skn_buf_printf(t->out, "%.*s\n\n", SKN_FMT(text));
    }
    for (uint32_t i = 0; i < tree->input_count; i++) {
        const struct skn_syn_input *input = &tree->inputs[i];
        skn_buf_printf(t->out,
                       "%s%.*s (%.*s%s)",
                       i == 0 ? "It is given " : ", ",
                       SKN_FMT(text_at(t, input->name)),
                       SKN_FMT(text_at(t, input->type)),
                       input->optional || input->literal != SKN_GRAPH_NONE ? ", may be missing"
                                                                           : "");
    }
    if (tree->input_count > 0) skn_buf_put_str(t->out, ".\n");
    if (tree->directives[SKN_DIRECTIVE_TIMEOUT].at.end > 0)
        skn_buf_printf(t->out,
                       "It may take at most %.*s.\n",
                       SKN_FMT(text_at(t, tree->directives[SKN_DIRECTIVE_TIMEOUT].value)));
    if (tree->directives[SKN_DIRECTIVE_ON_FAILURE].at.end > 0)
        skn_buf_printf(t->out,
                       "When it fails, %.*s runs.\n",
                       SKN_FMT(text_at(t, tree->directives[SKN_DIRECTIVE_ON_FAILURE].value)));
    if (t->out->len > 0) skn_buf_put_str(t->out, "\n");
}

void skn_drawing_describe(const struct skn_drawing *drawing, struct skn_buf *out)
{
    struct teller t = {.d = drawing, .out = out};
    tell_head(&t);
    for (struct skn_walk w = skn_walk_start(drawing->b.graph); w.kind != SKN_WALK_END;
         skn_walk_next(&w)) {
        switch (w.kind) {
        case SKN_WALK_UNIT: tell_unit(&t, w.id, w.depth); break;
        case SKN_WALK_BRANCH: tell_branch(&t, w.id, w.depth); break;
        case SKN_WALK_BODY:
        case SKN_WALK_STEP:
        case SKN_WALK_END:
        default: break;
        }
    }
}
