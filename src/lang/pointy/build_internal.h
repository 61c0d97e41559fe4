/* build_internal.h - from the tree of a text to the graph: what names, options and values mean.
 *
 * Owns        nothing; everything made lives in the arena of the compilation.
 * May include base, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/pointy/syntax_internal.h"

/* What a name in a flow stands for. */
enum skn_name_kind {
    SKN_NAME_UNKNOWN,
    SKN_NAME_BUILTIN,
    SKN_NAME_BUILTIN_LATER, /* a built-in of [F18] that is not built */
    SKN_NAME_PROJECT,
};

enum skn_call { SKN_CALL_NONE, SKN_CALL_MAP, SKN_CALL_FILTER, SKN_CALL_REDUCE, SKN_CALL_FLOW };

/* An option without which a built-in says nothing. */
struct skn_builtin_need {
    const char *name;
    const char *or_else; /* another that will do, or NULL */
    const char *hint;
};

struct skn_pty {
    struct skn_arena *arena;
    const struct skn_source *source;
    struct skn_diags *diags;
    const struct skn_syntax *tree;
    const struct skn_project_events *project; /* NULL for a lone file */
    struct skn_graph *graph;
    /* The same arrays as in `graph`, still writable. */
    struct skn_event_def *events;
    enum skn_name_kind *event_kinds;
    uint32_t *unit_event;          /* by unit: its event, or SKN_GRAPH_NONE */
    bool only_check;               /* the graph has events and inputs, and nothing else */
    struct skn_graph_unit scratch; /* then the place of every unit */
    struct skn_graph_rules scratch_rules;
    /* What the options of the unit that is read say together; skn_pty_decide begins anew. */
    struct skn_pty_told {
        bool has_retry_on, stops_on_error, stops_on_exception;
    } told;
    struct skn_graph_unit *units;
    struct skn_graph_body *bodies;
    struct skn_graph_value *values;
    struct skn_graph_rules *rules;
    struct skn_field *inputs;
    uint64_t value_steps; /* spent on values against the words of their inputs */
};

/* What a text may spend on that: about a second, and as much for a text of any size. */
#define SKN_VALUE_STEPS_MAX (UINT64_C(1) << 28)

static inline struct skn_graph_unit *skn_pty_unit(struct skn_pty *b, uint32_t unit)
{
    return b->only_check ? &b->scratch : &b->units[unit];
}

static inline struct skn_slice skn_pty_text(const struct skn_pty *b, struct skn_span span)
{
    return skn_source_at(b->source, span);
}

/* From the tree to the graph, with all checks: what skn_pointy_compile gives. */
SKN_MUST_USE enum skn_rc skn_pty_build(struct skn_pty *b);

/* How messages name a unit: its event, or "this group". */
struct skn_slice skn_pty_unit_name(const struct skn_pty *b, uint32_t unit);

/* Text in quotes, in the arena. */
struct skn_slice skn_pty_quoted(const struct skn_pty *b, struct skn_slice text);

/* Which built-in has this name: UNKNOWN when none, else `out_kind` is set for BUILTIN. */
enum skn_name_kind skn_builtin_find(struct skn_slice name, enum skn_event_kind *out_kind);

/* The names of all built-ins, for suggestions; NULL behind the last. */
const char *skn_builtin_name(size_t index);

/* What a built-in does, in a sentence; NULL for any other name. */
const char *skn_builtin_text(struct skn_slice name);

/* Which call a unit is. */
enum skn_call skn_pty_call(const struct skn_source *source, const struct skn_syn_unit *unit);

/* Says that something legal cannot be run yet; the graph is not runnable then. */
void skn_pty_not_run(const struct skn_pty *b, struct skn_span span, const char *what);

/* What a built-in needs, up to a row without a name; NULL for any other name. */
const struct skn_builtin_need *skn_builtin_needs(struct skn_slice name);

/* The options of a built-in by index, NULL behind the last. */
const char *skn_builtin_option(struct skn_slice name, size_t index);

/* Gives every distinct event name its id, in order of first use, and reports unknown ones. */
void skn_pty_events(struct skn_pty *b);

/* on_failure="continue": a failure that no branch took is a handled one [F12]. */
bool skn_pty_continues(const struct skn_pty *b, const struct skn_syn_unit *unit);

/* Options of every unit: the decided retry and timeout, and the inputs given by value. */
void skn_pty_options(struct skn_pty *b);

/* A list of failures as a run takes it: each with a line feed behind it. */
struct skn_slice
skn_pty_reasons(struct skn_arena *arena, const struct skn_slice *names, uint32_t count);

/* A word such as timeout, or exit:N. */
bool skn_is_failure_name(struct skn_slice text);

/* No version of a project's event fits. */
void skn_pty_unknown_version(struct skn_pty *b,
                             struct skn_span span,
                             struct skn_slice name,
                             struct skn_slice version);

/* The declarations of @input. */
void skn_pty_inputs(struct skn_pty *b);

/* The text of a string literal, its escapes and "$$" resolved. With `templates` a "${..}" is
 * refused as not built and another "$" as malformed; false then. */
bool skn_pty_string(const struct skn_pty *b,
                    const struct skn_literal *literal,
                    bool templates,
                    struct skn_slice *out_text);

/* The same without templates, borrowed from the source where no escape stands. */
struct skn_slice skn_pty_string_text(const struct skn_pty *b, const struct skn_literal *literal);

/* The encoded value of a literal; false when something in it was refused. */
bool skn_pty_value(const struct skn_pty *b,
                   uint32_t literal,
                   bool templates,
                   struct skn_slice *out_value);

/* Whether a literal is a value of a type; an int is a float too. */
bool skn_literal_fits(const struct skn_literal *literal, enum skn_type type);

/* "a string", "a duration", .. */
const char *skn_literal_name(const struct skn_literal *literal);

/* Branch outcomes, unhandled failures, units that can never run. */
void skn_check_flow(struct skn_pty *b);

/* Every required input has something that can give it [F19]. */
void skn_check_data(struct skn_pty *b);

/* Where the names of inputs are found: slots and binds of the graph. */
void skn_pty_binds(struct skn_pty *b);

/* Names that look like others: letters of several scripts in one word. */
void skn_check_lookalikes(struct skn_pty *b);

/* Two units that may run together and export the same name [F19]. */
void skn_check_exports(struct skn_pty *b);

/* FLOW<name>: known, and no flow reaches itself [F13]. */
void skn_check_flows(struct skn_pty *b);

/* What "${name}" in the options of a unit names; calls back for each that is well formed. */
typedef void (*skn_template_fn)(void *ctx,
                                uint32_t unit,
                                struct skn_span option,
                                struct skn_span name);
void skn_pty_templates(struct skn_pty *b, uint32_t unit, skn_template_fn fn, void *ctx);

/* The bytes at `at`, which is inside a string that ends at `end`: of an escape, of "$$", or of "${name}"
 * and "${name.key}", whose name is then given (else it is empty); 1 for any other, and for a "$" that is
 * malformed. */
uint32_t
skn_template_step(struct skn_slice text, uint32_t at, uint32_t end, struct skn_slice *out_name);

/* Whether values are filled into the strings of an option. */
bool skn_template_is_taken(struct skn_slice option);

/* Every "$" of every string that may name values is well formed [F19]. */
void skn_check_dollars(struct skn_pty *b);

/* The event of the option `compensate` of a unit, where the project has it; NULL without one, and where
 * it cannot be looked up. `out_is_given` says whether there is such an option at all. */
const struct skn_event_def *
skn_pty_compensation(const struct skn_pty *b, uint32_t unit, bool *out_is_given);

/* Where it is named. */
struct skn_span skn_pty_compensation_at(const struct skn_pty *b, uint32_t unit);

/* The event of @on-failure, in the same way. */
const struct skn_event_def *skn_pty_on_failure(const struct skn_pty *b);

/* The newest project event that fits the name and version, NULL when there is none. */
const struct skn_event_def *skn_project_find_event(const struct skn_project_events *project,
                                                   struct skn_slice name,
                                                   struct skn_slice version,
                                                   bool *out_has_name);

/* The known event name nearest to this one; empty when none is near. */
struct skn_slice skn_pty_nearest_event(const struct skn_pty *b, struct skn_slice name);

/* A deep copy in the arena. */
void skn_event_copy(struct skn_arena *arena,
                    struct skn_event_def *out,
                    const struct skn_event_def *def);
