/* decode.c - the stored form of a graph, read from any bytes; encode.c draws it.
 *
 * Nothing is believed: counts are checked against the bytes that are left before anything is
 * allocated, ids against what they name, numbers against their limits, and numbers must be in
 * their shortest form, so that what is read is what encode writes again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/expr_internal.h"
#include "lang/pointy/lex_internal.h"
#include "lang/pointy/syntax_internal.h"
#include "value/value.h"

#include "base/utf8.h"

#include "base/pure.h" /* last */

/* The least bytes that one of these takes, with what must be in it: a count that the rest of the
 * bytes cannot hold is refused before anything is allocated for it. */
enum {
    TEXT_BYTES_MIN = 1,
    EVENT_BYTES_MIN = 2,
    FIELD_BYTES_MIN = 5,   /* name of 1, type, required, no default */
    VALUE_BYTES_MIN = 4,   /* name of 1, value of 1 */
    SLOT_BYTES_MIN = 2,    /* name of 1 */
    BIND_BYTES_MIN = 3,    /* input, body, slot */
    RULES_BYTES_MIN = 1,   /* which there are */
    UNIT_BYTES_MIN = 9,    /* event, line, column, retry, timeout, no branches */
    STEP_BYTES_MIN = 10,   /* its head and a unit */
    BODY_BYTES_MIN = 11,   /* its head and a step */
    BRANCH_BYTES_MIN = 12, /* its head and a body */
};

/* A step whose units, or a unit whose branches, are still being read. */
struct open_body {
    uint32_t body;
    uint32_t steps_left;
    uint32_t step;
    uint32_t units_left;
    uint32_t unit;
    uint32_t branches_left;
    uint32_t branch; /* the last one of the unit that was read */
};

struct reader {
    struct skn_arena *arena;
    struct skn_slice bytes;
    size_t at;
    uint8_t level;
    const char *why; /* the first thing that is wrong, NULL while nothing is */
    struct skn_graph *graph;
    struct skn_event_def *events;
    struct skn_graph_body *bodies;
    struct skn_graph_step *steps;
    struct skn_graph_unit *units;
    struct skn_graph_branch *branches;
    struct skn_graph_value *values;
    struct skn_graph_rules *rules;
    struct skn_slice *slots;
    struct skn_graph_bind *binds;
    uint32_t slot_at, bind_at, rules_at;
    uint32_t body_at, step_at, unit_at, branch_at, value_at; /* how many were read */
    struct open_body opened[SKN_GRAPH_DEPTH_MAX + 1];
    uint32_t depth;
};

/* The first reason stays; reading on gives zeros, and every loop ends by its count. */
static void refuse(struct reader *r, const char *why)
{
    if (!r->why) r->why = why;
}

static uint64_t get_number(struct reader *r, uint64_t max)
{
    uint64_t n = 0;
    if (r->why) return 0;
    for (uint32_t shift = 0;; shift += 7) {
        if (r->at == r->bytes.len) {
            refuse(r, "it ends in the middle");
            return 0;
        }
        uint8_t byte = r->bytes.ptr[r->at++];
        if (shift == 63 && byte > 1) {
            refuse(r, "a number is over 64 bits");
            return 0;
        }
        n |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift > 0) refuse(r, "a number is not in its shortest form");
            break;
        }
        if (shift == 63) {
            refuse(r, "a number is over 64 bits");
            return 0;
        }
    }
    if (n > max) {
        refuse(r, "a number is over its limit");
        return 0;
    }
    return n;
}

static uint32_t get_u32(struct reader *r, uint32_t max)
{
    return (uint32_t)get_number(r, max);
}

/* A count of things of at least `least` bytes each. */
static uint32_t get_count(struct reader *r, uint32_t max, size_t least)
{
    uint32_t count = get_u32(r, max);
    if (count > (r->bytes.len - r->at) / least) {
        refuse(r, "a count is over what is there");
        return 0;
    }
    return count;
}

static struct skn_slice get_text(struct reader *r)
{
    uint64_t len = get_number(r, r->bytes.len);
    if (r->why) return (struct skn_slice){0};
    if (len > r->bytes.len - r->at) {
        refuse(r, "a text is longer than what is there");
        return (struct skn_slice){0};
    }
    struct skn_slice text = skn_slice(len > 0 ? r->bytes.ptr + r->at : NULL, (size_t)len);
    r->at += (size_t)len;
    return text;
}

static struct skn_slice get_name(struct reader *r)
{
    struct skn_slice name = get_text(r);
    if (!r->why && (!skn_is_name(name) || skn_is_reserved(name))) refuse(r, "a name is none");
    return name;
}

static struct skn_slice get_value(struct reader *r)
{
    struct skn_slice value = get_text(r);
    if (!r->why && skn_value_check(value, NULL) != SKN_OK) refuse(r, "a value is malformed");
    return value;
}

static bool is_named_before(const struct skn_field *fields, uint32_t count, struct skn_slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (skn_slice_eq(fields[i].name, name)) return true;
    return false;
}

/* The words of a field, or a 0 when there are none. */
static void get_words(struct reader *r, struct skn_field *field)
{
    if (r->at < r->bytes.len && r->bytes.ptr[r->at] == 0) {
        r->at++;
        return;
    }
    field->words = get_value(r);
    if (r->why) return;
    field->schema = skn_words_compile(r->arena, field->words);
    if (!field->schema) refuse(r, "the words of a field are none");
}

static struct skn_field *get_fields(struct reader *r, uint32_t *out_count)
{
    uint32_t count = get_count(r, SKN_FIELDS_MAX, FIELD_BYTES_MIN);
    struct skn_field *fields = skn_arena_zero(r->arena, count + 1, sizeof(*fields));
    for (uint32_t i = 0; i < count && !r->why; i++) {
        fields[i].name = get_name(r);
        fields[i].type = (enum skn_type)get_number(r, SKN_TYPE_ANY);
        fields[i].required = get_number(r, 1) != 0;
        if (r->at < r->bytes.len && r->bytes.ptr[r->at] == 0) {
            r->at++;
        } else {
            fields[i].default_value = get_value(r);
            if (fields[i].required) refuse(r, "an input with a default is required");
        }
        if (r->level >= 2) get_words(r, &fields[i]);
        if (!r->why && fields[i].default_value.len > 0 &&
            !skn_field_fits(&fields[i], skn_value_view(fields[i].default_value), NULL))
            refuse(r, "a default does not fit");
        if (is_named_before(fields, i, fields[i].name)) refuse(r, "a name comes twice");
    }
    *out_count = count;
    return fields;
}

static struct skn_retry get_retry(struct reader *r)
{
    struct skn_retry retry;
    retry.attempts = get_u32(r, SKN_ATTEMPTS_MAX);
    retry.backoff_ms = get_number(r, SKN_DURATION_MS_MAX);
    retry.factor_milli = get_u32(r, SKN_RETRY_FACTOR_MAX);
    retry.max_ms = get_number(r, SKN_DURATION_MS_MAX);
    if (retry.attempts < 1 || retry.factor_milli < 1000) refuse(r, "a retry policy has no attempt");
    return retry;
}

static struct skn_slice get_outcome(struct reader *r)
{
    struct skn_slice outcome = get_text(r);
    if (!r->why && !skn_is_outcome(outcome)) refuse(r, "an outcome is none");
    return outcome;
}

static void get_outcomes(struct reader *r, struct skn_event_def *def)
{
    def->outcome_count = get_count(r, SKN_OUTCOMES_MAX, TEXT_BYTES_MIN);
    struct skn_slice *outcomes =
        skn_arena_zero(r->arena, def->outcome_count + 1, sizeof(*outcomes));
    for (uint32_t i = 0; i < def->outcome_count && !r->why; i++)
        outcomes[i] = get_outcome(r);
    def->outcomes = outcomes;
}

static struct skn_slice get_expression(struct reader *r)
{
    struct skn_slice text = get_text(r);
    if (!r->why && skn_expr_check(text)) refuse(r, "an expression is none");
    return text;
}

static void get_expressions(struct reader *r, struct skn_event_def *def)
{
    uint32_t count = get_count(r, SKN_OUTCOMES_MAX, 2 * TEXT_BYTES_MIN);
    struct skn_slice *pairs = skn_arena_zero(r->arena, 2 * (size_t)count + 1, sizeof(*pairs));
    for (uint32_t i = 0; i < count && !r->why; i++) {
        pairs[2 * i] = get_expression(r);
        pairs[2 * i + 1] = get_outcome(r);
        if (!r->why && !skn_event_has_outcome(def, pairs[2 * i + 1]))
            refuse(r, "an expression is for an outcome that its event has not");
    }
    def->outcome_when = pairs;
    def->outcome_when_count = count;
    if (r->at < r->bytes.len && r->bytes.ptr[r->at] == 0)
        r->at++;
    else
        def->success_when = get_expression(r);
}

static void get_exec(struct reader *r, struct skn_event_def *def)
{
    for (int i = 0; i < 3; i++)
        def->version[i] = get_u32(r, UINT32_MAX);
    def->argc = get_count(r, SKN_ARGV_MAX, TEXT_BYTES_MIN);
    struct skn_slice *argv = skn_arena_zero(r->arena, def->argc + 1, sizeof(*argv));
    for (uint32_t i = 0; i < def->argc; i++) {
        argv[i] = get_text(r);
        if (argv[i].len > 0 && memchr(argv[i].ptr, 0, argv[i].len))
            refuse(r, "an argument has a NUL");
    }
    if (def->argc == 0 || argv[0].len == 0) refuse(r, "an event has no program");
    def->argv = argv;
    def->inputs = get_fields(r, &def->input_count);
    def->outputs = get_fields(r, &def->output_count);
    def->timeout_ms = get_number(r, SKN_DURATION_MS_MAX);
    def->retry = get_retry(r);
    if (r->level >= 4) get_outcomes(r, def);
    if (r->level >= 4) def->ends_cut_off = get_number(r, 1) != 0;
    if (r->level >= 4) get_expressions(r, def);
}

static void get_events(struct reader *r)
{
    static const struct {
        enum skn_event_kind kind;
        const char *name;
    } builtins[] = {{SKN_EVENT_NOOP, "Noop"}, {SKN_EVENT_FAIL, "Fail"}, {SKN_EVENT_SLEEP, "Sleep"}};
    uint32_t count = get_count(r, SKN_GRAPH_UNITS_MAX, EVENT_BYTES_MIN);
    r->events = skn_arena_zero(r->arena, count + 1, sizeof(*r->events));
    for (uint32_t i = 0; i < count && !r->why; i++) {
        struct skn_event_def *def = &r->events[i];
        def->kind = (enum skn_event_kind)get_number(r, SKN_EVENT_EXEC);
        def->name = get_name(r);
        def->retry = (struct skn_retry){.attempts = 1, .factor_milli = 1000};
        bool is_builtin = false;
        for (size_t b = 0; b < SKN_ARRAY_LEN(builtins); b++) {
            bool same = skn_slice_eq(def->name, skn_slice_str(builtins[b].name));
            if (same != (builtins[b].kind == def->kind)) refuse(r, "a built-in has another name");
            is_builtin = is_builtin || same;
        }
        if (def->kind == SKN_EVENT_UNKNOWN) refuse(r, "an event is unknown");
        if (!is_builtin) get_exec(r, def);
    }
    r->graph->events = r->events;
    r->graph->event_count = count;
}

static void get_counts(struct reader *r)
{
    struct skn_graph *g = r->graph;
    g->body_count = get_count(r, 3 * SKN_GRAPH_UNITS_MAX, BODY_BYTES_MIN);
    g->step_count = get_count(r, SKN_GRAPH_UNITS_MAX, STEP_BYTES_MIN);
    g->unit_count = get_count(r, SKN_GRAPH_UNITS_MAX, UNIT_BYTES_MIN);
    g->branch_count = get_count(r, 2 * SKN_GRAPH_UNITS_MAX, BRANCH_BYTES_MIN);
    g->value_count = get_count(r, UINT32_MAX - 1, VALUE_BYTES_MIN);
    if (r->level >= 3) {
        g->slot_count = get_count(r, UINT32_MAX - 1, SLOT_BYTES_MIN);
        g->bind_count = get_count(r, UINT32_MAX - 1, BIND_BYTES_MIN);
    }
    if (r->level >= 4) g->rules_count = get_count(r, SKN_GRAPH_UNITS_MAX, RULES_BYTES_MIN);
    r->rules = skn_arena_zero(r->arena, (size_t)g->rules_count + 1, sizeof(*r->rules));
    g->rules = r->rules;
    r->slots = skn_arena_zero(r->arena, (size_t)g->slot_count + 1, sizeof(*r->slots));
    r->binds = skn_arena_zero(r->arena, (size_t)g->bind_count + 1, sizeof(*r->binds));
    g->slots = r->slots;
    g->binds = r->binds;
    r->bodies = skn_arena_zero(r->arena, (size_t)g->body_count + 1, sizeof(*r->bodies));
    r->steps = skn_arena_zero(r->arena, (size_t)g->step_count + 1, sizeof(*r->steps));
    r->units = skn_arena_zero(r->arena, (size_t)g->unit_count + 1, sizeof(*r->units));
    r->branches = skn_arena_zero(r->arena, (size_t)g->branch_count + 1, sizeof(*r->branches));
    r->values = skn_arena_zero(r->arena, (size_t)g->value_count + 1, sizeof(*r->values));
    g->bodies = r->bodies;
    g->steps = r->steps;
    g->units = r->units;
    g->branches = r->branches;
    g->values = r->values;
}

/* The next id of a kind, or 0 and a reason when the counts said otherwise. */
static uint32_t take(struct reader *r, uint32_t *at, uint32_t count)
{
    if (*at == count) {
        refuse(r, "there is more than was counted");
        return 0;
    }
    return (*at)++;
}

static struct open_body *top(struct reader *r)
{
    return &r->opened[r->depth];
}

static void get_slots(struct reader *r, struct skn_graph_body *body)
{
    body->slot_count = get_count(r, SKN_GRAPH_UNITS_MAX, SLOT_BYTES_MIN);
    body->first_slot = body->slot_count > 0 ? r->slot_at : 0;
    for (uint32_t i = 0; i < body->slot_count && !r->why; i++) {
        uint32_t at = take(r, &r->slot_at, r->graph->slot_count);
        struct skn_slice name = get_name(r);
        if (!r->why) r->slots[at] = name;
    }
}

static void open_body(struct reader *r, enum skn_graph_body_kind kind, uint32_t owner)
{
    uint32_t body = take(r, &r->body_at, r->graph->body_count);
    uint32_t steps = get_count(r, SKN_GRAPH_UNITS_MAX, STEP_BYTES_MIN);
    if (steps == 0) refuse(r, "a chain is empty");
    if (r->why) return;
    r->bodies[body] = (struct skn_graph_body){
        .kind = kind, .owner = owner, .first_step = r->step_at, .step_count = steps};
    *top(r) = (struct open_body){.body = body, .steps_left = steps};
    if (r->level >= 3 && kind != SKN_BODY_BRANCH) get_slots(r, &r->bodies[body]);
}

/* Into the first step of a body goes what goes into the body. */
static bool piped_into(const struct reader *r, const struct skn_graph_body *body)
{
    if (body->kind == SKN_BODY_RUN) return true;
    if (body->kind == SKN_BODY_GROUP) return r->steps[r->units[body->owner].step].piped;
    return r->branches[r->branch_at - 1].piped;
}

static void get_step(struct reader *r)
{
    struct open_body *opened = top(r);
    const struct skn_graph_body *body = &r->bodies[opened->body];
    uint32_t step = take(r, &r->step_at, r->graph->step_count);
    uint64_t head = get_number(r, 2 * (uint64_t)SKN_GRAPH_UNITS_MAX + 1);
    uint32_t ordinal = body->step_count - opened->steps_left;
    bool piped = head % 2 != 0;
    if (!r->why && ordinal == 0 && piped != piped_into(r, body))
        refuse(r, "a first step is piped into otherwise than its chain");
    if (head < 2) refuse(r, "a step is empty");
    if (r->why) return;
    if (ordinal > 0) r->steps[opened->step].next = step;
    r->steps[step] = (struct skn_graph_step){.body = opened->body,
                                             .ordinal = ordinal,
                                             .next = SKN_GRAPH_NONE,
                                             .first_unit = r->unit_at,
                                             .unit_count = (uint32_t)(head / 2),
                                             .piped = piped};
    opened->step = step;
    opened->steps_left--;
    opened->units_left = (uint32_t)(head / 2);
}

static const struct skn_field *input_named(const struct skn_event_def *def, struct skn_slice name)
{
    for (uint32_t i = 0; i < def->input_count; i++)
        if (skn_slice_eq(def->inputs[i].name, name)) return &def->inputs[i];
    return NULL;
}

static void get_values(struct reader *r, struct skn_graph_unit *unit)
{
    unit->value_count = get_count(r, SKN_OPTIONS_MAX, VALUE_BYTES_MIN);
    unit->first_value = unit->value_count > 0 ? r->value_at : 0;
    for (uint32_t i = 0; i < unit->value_count && !r->why; i++) {
        uint32_t at = take(r, &r->value_at, r->graph->value_count);
        r->values[at].name = get_name(r);
        r->values[at].value = get_value(r);
        if (r->why) return;
        const struct skn_field *input = input_named(&r->events[unit->event], r->values[at].name);
        if (!input || !skn_field_fits(input, skn_value_view(r->values[at].value), NULL))
            refuse(r, "a value is for no input that it fits");
        for (uint32_t j = 0; j < i; j++)
            if (skn_slice_eq(r->values[unit->first_value + j].name, r->values[at].name))
                refuse(r, "a name comes twice");
    }
}

/* What they may be is looked at when all is known. */
static void get_binds(struct reader *r, struct skn_graph_unit *unit)
{
    unit->bind_count = get_count(r, UINT32_MAX - 1, BIND_BYTES_MIN);
    unit->first_bind = unit->bind_count > 0 ? r->bind_at : 0;
    for (uint32_t i = 0; i < unit->bind_count && !r->why; i++) {
        uint32_t at = take(r, &r->bind_at, r->graph->bind_count);
        r->binds[at].input = get_u32(r, UINT32_MAX);
        r->binds[at].body = get_u32(r, UINT32_MAX);
        r->binds[at].slot = get_u32(r, UINT32_MAX);
    }
}

static void get_reason(struct reader *r, struct skn_graph_unit *unit)
{
    unit->reason = get_text(r);
    if (!r->why && !skn_utf8_is_text(unit->reason)) refuse(r, "a reason is not UTF-8");
}

/* The list of what is tried again: bounded, and each entry ends with a line feed. */
static struct skn_slice get_reasons(struct reader *r)
{
    struct skn_slice text = get_text(r);
    if (r->why) return text;
    if (text.len == 0 || text.len > SKN_RETRY_ON_MAX || text.ptr[text.len - 1] != '\n')
        refuse(r, "a list of failures is none");
    return text;
}

static uint32_t get_rules(struct reader *r)
{
    unsigned bits = get_u32(r, 2 * SKN_RULES_NO_RETRY_ON - 1);
    struct skn_graph_rules rules = {.fails_fast = bits & SKN_RULES_FAILS_FAST,
                                    .keeps_rest = bits & SKN_RULES_KEEPS_REST,
                                    .continues = bits & SKN_RULES_CONTINUES};
    if (bits == 0) return SKN_GRAPH_NONE;
    if (bits & SKN_RULES_DEADLINE) rules.deadline_ms = get_number(r, SKN_DURATION_MS_MAX);
    if (bits & SKN_RULES_JITTER) rules.jitter_milli = get_u32(r, 1000);
    if (bits & SKN_RULES_EVALUATE)
        rules.evaluate = (enum skn_evaluate)get_number(r, SKN_EVALUATES - 1);
    if (rules.evaluate == SKN_EVALUATE_AT_LEAST) {
        rules.at_least = get_u32(r, UINT32_MAX);
        if (rules.at_least == 0) refuse(r, "at_least asks for nothing");
    }
    if (bits & SKN_RULES_RETRY_ON) rules.retry_on = get_reasons(r);
    if (bits & SKN_RULES_NO_RETRY_ON) rules.no_retry_on = get_reasons(r);
    if (!r->why && skn_rules_bits(&rules) != bits) refuse(r, "a rule says nothing");
    uint32_t at = take(r, &r->rules_at, r->graph->rules_count);
    if (!r->why) r->rules[at] = rules;
    return at;
}

static void get_unit(struct reader *r)
{
    struct open_body *opened = top(r);
    uint32_t id = take(r, &r->unit_at, r->graph->unit_count);
    uint32_t event = get_u32(r, r->graph->event_count);
    struct skn_graph_unit unit = {.step = opened->step,
                                  .next = SKN_GRAPH_NONE,
                                  .event = event > 0 ? event - 1 : SKN_GRAPH_NONE,
                                  .body = SKN_GRAPH_NONE,
                                  .first_branch = SKN_GRAPH_NONE,
                                  .rules = SKN_GRAPH_NONE};
    unit.place.line = get_u32(r, UINT32_MAX);
    unit.place.column = get_u32(r, UINT32_MAX);
    unit.retry = get_retry(r);
    unit.timeout_ms = get_number(r, SKN_DURATION_MS_MAX);
    if (r->level >= 4) unit.rules = get_rules(r);
    if (r->why) return;
    unit.ordinal = r->steps[opened->step].unit_count - opened->units_left;
    if (event > 0) {
        enum skn_event_kind kind = r->events[event - 1].kind;
        if (kind == SKN_EVENT_SLEEP) unit.sleep_ms = get_number(r, SKN_DURATION_MS_MAX);
        if (kind == SKN_EVENT_FAIL) get_reason(r, &unit);
        if (kind == SKN_EVENT_EXEC) get_values(r, &unit);
        if (kind == SKN_EVENT_EXEC && r->level >= 3) get_binds(r, &unit);
    }
    uint32_t branches = get_count(r, SKN_BRANCHES_MAX, BRANCH_BYTES_MIN);
    if (r->why) return;
    if (unit.ordinal > 0) r->units[opened->unit].next = id;
    r->units[id] = unit;
    opened->unit = id;
    opened->units_left--;
    opened->branches_left = branches;
}

/* Opens the body of the group or branch that was just read. */
static void enter(struct reader *r, enum skn_graph_body_kind kind, uint32_t owner)
{
    if (r->why) return;
    if (r->depth == SKN_GRAPH_DEPTH_MAX) {
        refuse(r, "groups and branches are too deep");
        return;
    }
    r->depth++;
    open_body(r, kind, owner);
}

static void get_branch(struct reader *r)
{
    uint32_t unit = top(r)->unit;
    uint32_t branch = take(r, &r->branch_at, r->graph->branch_count);
    uint64_t head = get_number(r, r->level >= 4 ? 2 * SKN_OUTCOME_OTHER + 1 : 3);
    enum skn_outcome outcome = (enum skn_outcome)(head / 2);
    struct skn_slice other = {0};
    if (outcome == SKN_OUTCOME_OTHER) other = get_outcome(r);
    if (r->why) return;
    if (skn_graph_branch_for(r->graph, unit, outcome, other) != SKN_GRAPH_NONE)
        refuse(r, "an outcome has two branches");
    uint32_t event = r->units[unit].event;
    if (outcome == SKN_OUTCOME_OTHER &&
        (event == SKN_GRAPH_NONE || !skn_event_has_outcome(&r->events[event], other)))
        refuse(r, "a branch is for an outcome that its unit cannot have");
    r->branches[branch] = (struct skn_graph_branch){.unit = unit,
                                                    .next = SKN_GRAPH_NONE,
                                                    .body = r->body_at,
                                                    .outcome = outcome,
                                                    .piped = head % 2 != 0,
                                                    .other = other};
    if (r->units[unit].first_branch == SKN_GRAPH_NONE)
        r->units[unit].first_branch = branch;
    else
        r->branches[top(r)->branch].next = branch;
    top(r)->branch = branch;
    top(r)->branches_left--;
    enter(r, SKN_BODY_BRANCH, unit);
}

/* One part after the other, in the order of the text, with a stack of what is open. */
static void get_flow(struct reader *r)
{
    open_body(r, SKN_BODY_RUN, SKN_GRAPH_NONE);
    while (!r->why) {
        struct open_body *opened = top(r);
        if (opened->branches_left > 0) {
            get_branch(r);
        } else if (opened->units_left > 0) {
            get_unit(r);
            if (!r->why && r->units[opened->unit].event == SKN_GRAPH_NONE) {
                r->units[opened->unit].body = r->body_at;
                enter(r, SKN_BODY_GROUP, opened->unit);
            }
        } else if (opened->steps_left > 0) {
            get_step(r);
        } else if (r->depth > 0) {
            r->depth--;
        } else {
            return;
        }
    }
}

static void check_end(struct reader *r)
{
    const struct skn_graph *g = r->graph;
    if (r->at != r->bytes.len) refuse(r, "something stands behind its end");
    if (r->body_at != g->body_count || r->step_at != g->step_count || r->unit_at != g->unit_count ||
        r->branch_at != g->branch_count || r->value_at != g->value_count ||
        r->slot_at != g->slot_count || r->bind_at != g->bind_count ||
        r->rules_at != g->rules_count) {
        refuse(r, "there is less than was counted");
    }
}

/* Every event is used, and they stand in order of first use. */
static void check_events_used(struct reader *r)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < r->graph->unit_count && !r->why; i++) {
        uint32_t event = r->units[i].event;
        if (event == SKN_GRAPH_NONE || event < seen) continue;
        if (event > seen) refuse(r, "events are not in order of first use");
        seen++;
    }
    if (seen != r->graph->event_count) refuse(r, "an event is not used");
}

enum skn_rc skn_graph_decode(struct skn_arena *arena,
                             struct skn_slice bytes,
                             struct skn_diag *diag,
                             const struct skn_graph **out_graph)
{
    if (bytes.len == 0) return SKN_CORRUPT(diag, "a stored flow is empty");
    if (bytes.ptr[0] > SKN_GRAPH_LEVEL) {
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "a stored flow is of level %u, this version reads %u",
                        (unsigned)bytes.ptr[0],
                        (unsigned)SKN_GRAPH_LEVEL);
    }
    struct reader r = {.arena = arena, .bytes = bytes, .at = 1, .level = bytes.ptr[0]};
    if (r.level == 0) refuse(&r, "its level is 0");
    r.graph = skn_arena_zero(arena, 1, sizeof(*r.graph));
    r.graph->timeout_ms = get_number(&r, SKN_DURATION_MS_MAX);
    r.graph->inputs = get_fields(&r, &r.graph->input_count);
    get_events(&r);
    get_counts(&r);
    get_flow(&r);
    if (!r.why) check_end(&r);
    if (!r.why) check_events_used(&r);
    if (!r.why && r.level < 3) skn_graph_bind_inputs(arena, r.graph, r.units);
    if (!r.why) r.why = skn_graph_binds_fault(r.graph);
    if (r.why) return SKN_CORRUPT(diag, "a stored flow is damaged at byte %zu: %s", r.at, r.why);

    skn_graph_check(r.graph);
    *out_graph = r.graph;
    return SKN_OK;
}
