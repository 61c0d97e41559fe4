/* pointy.h - Pointy: a text becomes a graph that a run walks; event files become definitions.
 *
 * Owns        the grammar, the checks, the graph and its stored form. Reads no files.
 * May include base, value, lang/kit.
 * Threads     any: every call works on its own arguments; a graph does not change.
 * Invariants  (skn_graph_check)
 *   1. bodies[0] is the run's own chain. Ids are array indexes, given in the order of the text
 *      (pre-order): the same text gives the same ids on every machine, and what is inside has
 *      larger ids than what it is in.
 *   2. Every `next` is larger than the id it stands in, or SKN_GRAPH_NONE.
 *   3. A graph that was decoded is runnable: every event is known.
 *   4. The binds of a unit are in order of its event's inputs, for each from the inside out; an input
 *      that `values` has has none.
 *
 * How a run uses the graph ([F10] to [F19]; nothing else is needed)
 *
 *   A **body** is a chain of steps. Its first step starts when the body starts. A body succeeds
 *   with its last step and has that step's result; the first step that fails fails it, and no
 *   later step starts.
 *   A **step** is one unit or several beside each other, all started together. What is piped into
 *   a step is piped into each of its units. Whether it succeeds is decided by the rules of the group
 *   around it, through branches; by none in the run: then all have to. With one unit the step has that
 *   unit's result. With several its result is the list of their results in order of `ordinal`, null of
 *   those that failed or were told to end.
 *   `piped` says whether the result of the step before is piped into this one; for the first step
 *   of a body it repeats what is piped into the body.
 *   A **unit** is an event or a group. One attempt of an event is one task; one attempt of a group
 *   is one walk of its body. `attempts` is the most attempts in all; only a failure is tried again;
 *   before attempt n+1 it waits as `retry` says (skn_retry_delay_ms). `timeout_ms` is per attempt; a
 *   timeout is a failure.
 *   After the last attempt the **branch** of the unit's outcome runs, if there is one: its body
 *   gets, when `piped`, the unit's result (for a failure: the output of the failed attempt, else
 *   null). Then the unit has the outcome and the result of that body. Without a branch for it a
 *   success stays what it is, and so does what is no success when the unit `continues`; else it is
 *   unhandled: the unit failed, and so on outward to
 *   the step, the body, and what the body belongs to: a branch's unit, a group's attempt, the run.
 *   What follows a unit with branches (the sink) is the next step, like any other.
 *
 *   Into the first step of bodies[0] the run's whole input is piped: an object with the names of
 *   `inputs`. What is piped into a group is piped into the first step of its body.
 *
 *   A task gets the inputs its event declares, each by the first of these that has it: `values` of
 *   the unit; for the name "previous" the piped value whole; the keys of the piped value when that
 *   is an object; `binds` in their order (variables from the groups outward, then the run's inputs);
 *   the event's default. When none has a required one, the task fails before it starts.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"
#include "lang/kit/diags.h"
#include "lang/kit/schema.h"
#include "lang/kit/source.h"
#include "value/value.h"

#define SKN_GRAPH_NONE       UINT32_MAX
#define SKN_GRAPH_UNITS_MAX  (UINT32_C(1) << 20)
#define SKN_GRAPH_DEPTH_MAX  256 /* groups and branches inside each other in one text [F13] */
#define SKN_ATTEMPTS_MAX     UINT32_C(1000000)
#define SKN_RETRY_FACTOR_MAX UINT32_C(1000000)   /* in thousandths: 1000 times */
#define SKN_EVENT_BYTES_MAX  (UINT32_C(1) << 20) /* of an event file */
#define SKN_ARGV_MAX         256
/* 100 years: added to any clock of today it stays inside 64 bits of nanoseconds. */
#define SKN_DURATION_MS_MAX (UINT64_C(36500) * 24 * 60 * 60 * 1000)

enum skn_type {
    SKN_TYPE_STRING,
    SKN_TYPE_INT,
    SKN_TYPE_FLOAT,
    SKN_TYPE_BOOL,
    SKN_TYPE_LIST,
    SKN_TYPE_OBJECT,
    SKN_TYPE_ANY,
};

/* "string", "int", .. */
const char *skn_type_name(enum skn_type type);

/* Whether a value is of a type: an int is a float too, and only `any` takes null. */
bool skn_type_fits(enum skn_type type, struct skn_value value);

/* What a field is besides its type: both are checked, and no run takes them yet. */
enum skn_field_mark { SKN_FIELD_PLAIN, SKN_FIELD_SECRET, SKN_FIELD_FILE };

/* An input of a run or of an event, or an output of an event. */
struct skn_field {
    struct skn_slice name;
    enum skn_type type;
    bool required;                  /* false: may be missing; it is then the default, else null */
    struct skn_slice default_value; /* an encoded value, or empty when there is none */
    enum skn_field_mark mark;
    struct skn_slice description; /* may be empty */
    /* What more is said about it [F31]: an encoded declaration, and it compiled. Empty and NULL
     * when there is no more. */
    struct skn_slice words;
    const struct skn_schema *schema;
};

/* Whether a value is of its type and fits its words. When not, what is wrong is appended to
 * `out_why`, which may be NULL: "/items/3/price: must be at most 100". */
bool skn_field_fits(const struct skn_field *field,
                    struct skn_value value,
                    struct skn_buf *out_why_or_null);

/* "string", .. or "secret", "file". */
const char *skn_field_type_name(const struct skn_field *field);

enum skn_event_kind {
    SKN_EVENT_UNKNOWN, /* a lone file names what no project declares: cannot be run */
    SKN_EVENT_NOOP,    /* succeeds at once, result null */
    SKN_EVENT_FAIL,    /* fails at once; the reason is unit.reason */
    SKN_EVENT_SLEEP,   /* succeeds after unit.sleep_ms, result null */
    SKN_EVENT_EXEC,    /* a program per task [F32] */
};

/* Delays between attempts: backoff_ms, then times factor each time, never over max_ms. */
struct skn_retry {
    uint32_t attempts; /* in all, 1 = no further one */
    uint64_t backoff_ms;
    uint32_t factor_milli; /* 2000 = twice; at least 1000 */
    uint64_t max_ms;       /* 0 = no limit of its own */
};

/* An event as a run pins it (P11). */
struct skn_event_def {
    struct skn_slice name;
    enum skn_event_kind kind;
    uint32_t version[3];          /* 0.0.0 for built-ins */
    const struct skn_slice *argv; /* as written; no shell, nothing filled in */
    uint32_t argc;
    const struct skn_field *inputs;
    uint32_t input_count;
    const struct skn_field *outputs;
    uint32_t output_count; /* 0: the result can be anything */
    uint64_t timeout_ms;   /* 0 = none */
    struct skn_retry retry;
    const struct skn_slice *outcomes; /* besides success and failure */
    uint32_t outcome_count;
    /* outcome_when, the first that is true: expressions and the outcome of each, in turn; success_when, or
     * empty [F30b]. */
    const struct skn_slice *outcome_when;
    uint32_t outcome_when_count; /* of pairs */
    struct skn_slice success_when;
    bool ends_cut_off; /* on_interrupt: fail: an attempt that was cut off is never repeated [E41] */

    /* What only the checks and the tools read; none of it is stored with a run. */
    struct skn_slice file; /* that declares it, as its source is called; may be empty */
    struct skn_slice description;
    struct skn_slice retry_on;       /* as in skn_graph_rules; empty: all */
    const struct skn_slice *exports; /* names of outputs that become variables of the group */
    uint32_t export_count;
    bool is_deprecated;
    struct skn_slice use_instead; /* of a deprecated one; may be empty */
    struct skn_slice reason;      /* why it is deprecated; may be empty */
    struct skn_slice not_yet;     /* what in it no run can do yet; empty: nothing */
    bool is_flow;                 /* FLOW<name>, with the inputs that the flow declares */
};

/* OTHER: one that the event declares, a name or a digit above 1 [F10]. */
enum skn_outcome { SKN_OUTCOME_FAILURE = 0, SKN_OUTCOME_SUCCESS = 1, SKN_OUTCOME_OTHER = 2 };

enum skn_graph_body_kind { SKN_BODY_RUN, SKN_BODY_GROUP, SKN_BODY_BRANCH };

struct skn_graph_body {
    enum skn_graph_body_kind kind;
    uint32_t owner; /* unit of the group or branch; SKN_GRAPH_NONE for bodies[0] */
    uint32_t first_step;
    uint32_t step_count;
    uint32_t first_slot; /* slots[first_slot .. + slot_count]: its variables; of a branch none */
    uint32_t slot_count;
};

/* Where an input of a task is found when neither its unit gives it nor what is piped in: a variable of
 * a group around, or an input of the run. Who reads it needs no name, only the group's context and the
 * slot: one row at any depth. Slots of a body count its variables; those of bodies[0] the inputs of the
 * run first. */
struct skn_graph_bind {
    uint32_t input; /* of the unit's event */
    uint32_t body;  /* the unit's own group or one around it, or 0 */
    uint32_t slot;
};

struct skn_graph_step {
    uint32_t body;
    uint32_t ordinal; /* in its body, from 0 */
    uint32_t next;    /* step of the same body, or SKN_GRAPH_NONE */
    uint32_t first_unit;
    uint32_t unit_count;
    bool piped;
};

/* An input given in the text: name=literal. */
struct skn_graph_value {
    struct skn_slice name;
    struct skn_slice value; /* encoded: skn_value_view reads it */
};

/* What a unit is besides, as far as no run does it yet; none of it is stored. */
enum skn_unit_mark {
    SKN_UNIT_CALL = 1,        /* MAP, FILTER, REDUCE, FLOW */
    SKN_UNIT_COMPENSATED = 2, /* compensate= [F21] */
    SKN_UNIT_CACHED = 4,      /* cache= */
    SKN_UNIT_CONTINUES = 8,   /* on_failure="continue" [F12] */
    SKN_UNIT_OVER = 16,       /* over=: its list comes from a file */
};

/* When a step of several units has succeeded [F14]. The order is stored: append only. */
enum skn_evaluate {
    SKN_EVALUATE_ALL,
    SKN_EVALUATE_ANY,
    SKN_EVALUATE_MAJORITY,
    SKN_EVALUATE_AT_LEAST,
    SKN_EVALUATE_NONE_FAILED, /* all, and a handled failure counts as failed */
    SKN_EVALUATES
};

/* What a unit is told besides attempts and time limit, decided. Most units are told nothing more. */
struct skn_graph_rules {
    uint64_t deadline_ms; /* for all attempts and delays from when it is ready; 0 none */
    uint32_t jitter_milli;
    /* Of a group, for the steps that stand in it. */
    enum skn_evaluate evaluate;
    uint32_t at_least; /* SKN_EVALUATE_AT_LEAST: how many, from 1 */
    bool fails_fast;   /* all, none_failed: the first failure ends the step */
    bool keeps_rest;   /* what is not needed any more ends by itself */
    bool continues;    /* a failure that no branch took is a handled one [F12] */
    /* Reasons of failures that are tried again, and that are not [F15]; texts that end with a line
     * feed each, as skn_retry_takes reads them. */
    struct skn_slice retry_on, no_retry_on;
};

struct skn_graph_unit {
    uint32_t step;
    uint32_t ordinal;      /* in its step, from 0 */
    uint32_t next;         /* unit of the same step, or SKN_GRAPH_NONE */
    uint32_t event;        /* SKN_GRAPH_NONE for a group */
    uint32_t body;         /* of a group; SKN_GRAPH_NONE for an event */
    uint32_t first_branch; /* or SKN_GRAPH_NONE */
    uint32_t first_value;  /* values[first_value .. + value_count] */
    uint32_t value_count;
    uint32_t first_bind; /* binds[first_bind .. + bind_count], see skn_graph_binds_of */
    uint32_t bind_count;
    struct skn_retry retry;  /* decided: `* N`, else the option, else the event's */
    uint64_t timeout_ms;     /* decided: the option, else the event's; 0 = none */
    uint64_t sleep_ms;       /* SKN_EVENT_SLEEP */
    struct skn_slice reason; /* SKN_EVENT_FAIL: text, may be empty */
    struct skn_place place;  /* of its name or opening bracket in the text */
    uint8_t marks;           /* enum skn_unit_mark */
    uint32_t rules;          /* or SKN_GRAPH_NONE: see skn_graph_rules_of */
};

/* What a unit may read besides the inputs of its event: ${name} in its options, and what the event of
 * its `compensate` takes by name. Not stored. */
struct skn_graph_read {
    uint32_t unit;
    uint32_t body, slot;   /* body SKN_GRAPH_NONE: what is piped in */
    bool for_compensation; /* read when the unit is compensated [F21] */
};

/* A variable that a unit sets when it ends well [F16] [F19]. Not stored. */
struct skn_graph_export {
    uint32_t unit;
    uint32_t from; /* of a group the index in `slots` of what it hands out; else SKN_GRAPH_NONE */
    uint32_t to;   /* index in `slots` */
};

struct skn_graph_branch {
    uint32_t unit;
    uint32_t next; /* branch of the same unit, or SKN_GRAPH_NONE */
    uint32_t body;
    enum skn_outcome outcome;
    bool piped;
    struct skn_slice other; /* of SKN_OUTCOME_OTHER: which */
};

struct skn_graph {
    struct skn_slice not_yet; /* what in it this version cannot run; empty: nothing */
    uint64_t timeout_ms;      /* of the run, 0 = none */
    const struct skn_field *inputs;
    uint32_t input_count;
    const struct skn_event_def *events; /* in order of first use */
    uint32_t event_count;
    const struct skn_graph_body *bodies;
    uint32_t body_count;
    const struct skn_graph_step *steps;
    uint32_t step_count;
    const struct skn_graph_unit *units;
    uint32_t unit_count;
    const struct skn_graph_branch *branches;
    uint32_t branch_count;
    const struct skn_graph_value *values;
    uint32_t value_count;
    const struct skn_graph_rules *rules;
    uint32_t rules_count;
    const struct skn_slice *slots; /* names of variables */
    uint32_t slot_count;
    const struct skn_graph_bind *binds;
    uint32_t bind_count;
    const struct skn_graph_read *reads; /* in order of units; none is stored */
    uint32_t read_count;
    const struct skn_graph_export *exports; /* in order of units; none is stored */
    uint32_t export_count;
    bool has_on_failure; /* @on-failure; not stored */
};

/* A flow of a project: its name, the flows that it starts by FLOW<name>, and what it is given. */
struct skn_project_flow {
    struct skn_slice name;
    const struct skn_slice *starts;
    uint32_t start_count;
    const struct skn_field *inputs;
    uint32_t input_count;
    bool has_inputs; /* false: its text is malformed, and nobody knows them */
};

/* The events of a project, by name; and its flows, where somebody has looked for them. */
struct skn_project_events {
    const struct skn_event_def *const *sorted; /* by name, of each name the newest version first */
    size_t count;
    const struct skn_project_flow *flows;
    size_t flow_count;
    bool has_flows;            /* false: FLOW<name> is not looked up */
    struct skn_slice own_name; /* of the flow that is compiled; may be empty */
};

/* Who gives the files that event files name, as in `schema: order.json` [F31]. */
struct skn_event_host {
    void *ctx;
    /* The text of the file at `path`, seen from the folder of the event file; it lives as long as
     * `arena`. False: `out_why` says why not, as the end of a sentence. */
    bool (*file)(void *ctx,
                 struct skn_arena *arena,
                 struct skn_slice event_file,
                 struct skn_slice path,
                 struct skn_slice *out_text,
                 const char **out_why);
};

/* One event file. On success gives a definition that lives as long as `arena`. SKN_ESYNTAX or
 * SKN_ENOTYET: `diags` says why. */
SKN_MUST_USE enum skn_rc skn_event_parse(struct skn_arena *arena,
                                         const struct skn_source *source,
                                         struct skn_diags *diags,
                                         const struct skn_event_def **out_def);

/* The same with files that it names; without a host a file that is named is SKN-P901. */
SKN_MUST_USE enum skn_rc skn_event_parse_with(struct skn_arena *arena,
                                              const struct skn_source *source,
                                              const struct skn_event_host *host_or_null,
                                              struct skn_diags *diags,
                                              const struct skn_event_def **out_def);

/* The names behind FLOW< in a text, each once, in order; malformed text gives what is readable. */
void skn_pointy_starts(struct skn_arena *arena,
                       struct skn_slice text,
                       const struct skn_slice **out_names,
                       uint32_t *out_count);

/* What the text of a flow says to those who start it; the name is left as it is. Lives as long as
 * `arena`. */
void skn_pointy_interface(struct skn_arena *arena,
                          struct skn_slice text,
                          struct skn_project_flow *flow);

/* Borrows the definitions; there are no flows then. Without a version the newest that is not
 * deprecated counts [F35]. SKN_EEXIST: the
 * same name and version twice. */
SKN_MUST_USE enum skn_rc skn_project_events_init(struct skn_project_events *events,
                                                 struct skn_arena *arena,
                                                 const struct skn_event_def *const *defs,
                                                 size_t count,
                                                 struct skn_diag *diag);

/* Text to graph. Without project events the text is a lone file: an unknown event is a warning,
 * and the graph is not runnable [F7]; neither is one with parts that are not built yet, which are
 * warnings (SKN-P901) too. SKN_ESYNTAX or SKN_ENOTYET: `diags` says why. The graph
 * lives as long as `arena`; it borrows nothing from source or events. */
SKN_MUST_USE enum skn_rc skn_pointy_compile(struct skn_arena *arena,
                                            const struct skn_source *source,
                                            const struct skn_project_events *events_or_null,
                                            struct skn_diags *diags,
                                            const struct skn_graph **out_graph);

/* What skn_pointy_compile says about a text, without the graph: for texts of a million units, since
 * it takes a fraction of the memory. The same diagnostics. */
SKN_MUST_USE enum skn_rc skn_pointy_check(struct skn_arena *arena,
                                          const struct skn_source *source,
                                          const struct skn_project_events *events_or_null,
                                          struct skn_diags *diags);

/* Every event is known, and nothing in it is not built yet. */
bool skn_graph_is_runnable(const struct skn_graph *graph);

/* The branch of a unit for an outcome, or SKN_GRAPH_NONE. `other` says which, of SKN_OUTCOME_OTHER. */
uint32_t skn_graph_branch_for(const struct skn_graph *graph,
                              uint32_t unit,
                              enum skn_outcome outcome,
                              struct skn_slice other);

/* What a unit is told; of one that is told nothing, that. */
const struct skn_graph_rules *skn_graph_rules_of(const struct skn_graph *graph, uint32_t unit);

/* Whether an event can end with this outcome, besides success and failure. */
bool skn_event_has_outcome(const struct skn_event_def *event, struct skn_slice outcome);

/* The binds of one input of a unit's event, in the order in which they are looked at. */
const struct skn_graph_bind *skn_graph_binds_of(const struct skn_graph *graph,
                                                uint32_t unit,
                                                uint32_t input,
                                                uint32_t *out_count);

/* The name of a slot of a body. */
struct skn_slice skn_graph_slot_name(const struct skn_graph *graph, uint32_t body, uint32_t slot);

/* What an expression of outcome_when or success_when says of a result [F30b]. Names are keys of the result,
 * `result` is all of it; what is not there is null. `out_why`, static: why it says nothing. */
enum skn_expr_says { SKN_EXPR_FALSE, SKN_EXPR_TRUE, SKN_EXPR_FAULT };
enum skn_expr_says
skn_expr_eval(struct skn_slice text, struct skn_value result, const char **out_why) SKN_MUST_USE;

/* The stored form; the same graph always gives the same bytes. SKN_EARGS: not runnable.
 * SKN_EFULL: `out` is at its maximum. */
SKN_MUST_USE enum skn_rc skn_graph_encode(const struct skn_graph *graph, struct skn_buf *out);

/* Any bytes: SKN_ECORRUPT when they are not what encode writes, SKN_ENEWER for a level above ours.
 * The graph borrows its names and texts from `bytes`. */
SKN_MUST_USE enum skn_rc skn_graph_decode(struct skn_arena *arena,
                                          struct skn_slice bytes,
                                          struct skn_diag *diag,
                                          const struct skn_graph **out_graph);

/* The graph as indented text, for tests and people. */
void skn_graph_dump(const struct skn_graph *graph, struct skn_buf *out);

/* Aborts on a broken invariant. */
void skn_graph_check(const struct skn_graph *graph);
