/* from_json.c - the JSON form back to text. Nothing of it is believed: every id is checked, every
 * part is visited once, words are words; what comes out is parsed again by the layout. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lang/pointy/lex_internal.h"
#include "lang/pointy/parse_internal.h"
#include "lang/pointy/syntax_internal.h"
#include "lang/pointy/tools.h"
#include "value/json.h"

#include "base/pure.h" /* last */

enum list { BODIES, STEPS, UNITS, BRANCHES, LIST_COUNT };

struct reader {
    struct skn_arena arena;
    struct skn_value root;
    struct skn_value *at[LIST_COUNT];
    uint32_t count[LIST_COUNT];
    bool *seen[LIST_COUNT];
    struct skn_buf text;
    const char *why; /* the first thing that is wrong */
};

static bool refuse(struct reader *r, const char *why)
{
    if (!r->why) r->why = why;
    return false;
}

static bool member(struct skn_value map, const char *key, struct skn_value *out)
{
    return skn_value_is(map, SKN_T_MAP) && skn_map_get(map, skn_slice_str(key), out);
}

/* A text, empty when it is not there. */
static struct skn_slice text_of(struct reader *r, struct skn_value map, const char *key)
{
    struct skn_value v;
    if (!member(map, key, &v)) return (struct skn_slice){0};
    if (skn_value_is(v, SKN_T_STRING)) return skn_value_as_text(v);
    (void)refuse(r, "a text is missing");
    return (struct skn_slice){0};
}

/* An id below `count`, or NONE when it is null or not there. */
static uint32_t id_of(struct reader *r, struct skn_value map, const char *key, enum list list)
{
    struct skn_value v;
    if (!member(map, key, &v) || skn_value_is(v, SKN_T_NONE)) return SKN_GRAPH_NONE;
    if (skn_value_is(v, SKN_T_INT) && skn_value_as_int(v) >= 0 &&
        skn_value_as_int(v) < (int64_t)r->count[list])
        return (uint32_t)skn_value_as_int(v);
    (void)refuse(r, "an id names nothing");
    return SKN_GRAPH_NONE;
}

static bool is_true(struct skn_value map, const char *key)
{
    struct skn_value v;
    return member(map, key, &v) && skn_value_is(v, SKN_T_BOOL) && skn_value_as_bool(v);
}

/* Every part stands in one place only; so the walk ends. */
static bool enter(struct reader *r, enum list list, uint32_t id)
{
    if (id == SKN_GRAPH_NONE) return refuse(r, "a part is missing");
    if (r->seen[list][id]) return refuse(r, "a part stands in two places");
    r->seen[list][id] = true;
    return true;
}

static void put(struct reader *r, const char *text)
{
    skn_buf_put_str(&r->text, text);
}

/* A word of letters, digits and these signs; nothing that could begin something else. */
static bool put_word(struct reader *r, struct skn_slice word, const char *signs)
{
    bool good = word.len > 0;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.ptr[i];
        bool is_plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                        c >= 0x80 || c == '_';
        good = good && c != 0 && (is_plain || strchr(signs, c) != NULL);
    }
    if (!good) return refuse(r, "a word is none");
    skn_buf_put(&r->text, word);
    return true;
}

static void put_name(struct reader *r, struct skn_slice name)
{
    if (skn_is_name(name)) {
        skn_buf_put(&r->text, name);
    } else {
        (void)refuse(r, "a name is none");
    }
}

static void put_scalar(struct reader *r, struct skn_value v)
{
    struct skn_value word;
    if (skn_value_is(v, SKN_T_MAP)) {
        if (!member(v, "duration", &word) && !member(v, "size", &word)) {
            (void)refuse(r, "a value has no form in a flow");
        } else if (skn_value_is(word, SKN_T_STRING)) {
            (void)put_word(r, skn_value_as_text(word), "");
        } else {
            (void)refuse(r, "a value has no form in a flow");
        }
    } else if (skn_value_is(v, SKN_T_NONE) ||
               skn_json_print(v, SKN_JSON_CANONICAL, &r->text, NULL) != SKN_OK) {
        (void)refuse(r, "a value has no form in a flow");
    }
}

static void put_value(struct reader *r, struct skn_value v)
{
    struct skn_value_iter opened[SKN_LISTS_MAX];
    uint32_t depth = 0;
    bool is_first = true;
    for (;;) {
        if (skn_value_is(v, SKN_T_LIST) && depth == SKN_LISTS_MAX) {
            (void)refuse(r, "lists are too deep");
            return;
        }
        if (skn_value_is(v, SKN_T_LIST)) {
            put(r, "[");
            opened[depth++] = skn_value_iter(v);
            is_first = true;
        } else {
            put_scalar(r, v);
            is_first = false;
        }
        while (depth > 0 && !skn_value_next(&opened[depth - 1], NULL, &v)) {
            put(r, "]");
            depth--;
            is_first = false;
        }
        if (depth == 0 || r->why) return;
        if (!is_first) put(r, ",");
        is_first = false;
    }
}

static void put_string(struct reader *r, struct skn_slice text)
{
    if (skn_json_print(skn_value_string(text), SKN_JSON_CANONICAL, &r->text, NULL) != SKN_OK)
        (void)refuse(r, "a text is not UTF-8");
}

static void put_directives(struct reader *r)
{
    struct skn_value map;
    if (!member(r->root, "directives", &map)) return;
    for (unsigned i = SKN_DIRECTIVE_INPUT + 1; i < SKN_DIRECTIVE_COUNT; i++) {
        struct skn_value v;
        if (!member(map, skn_directive_name(i), &v)) continue;
        struct skn_slice text = text_of(r, map, skn_directive_name(i));
        skn_buf_printf(&r->text, "@%s: ", skn_directive_name(i));
        if (i == SKN_DIRECTIVE_DESCRIPTION || i == SKN_DIRECTIVE_CONCURRENCY_KEY ||
            i == SKN_DIRECTIVE_SCHEDULE) {
            put_string(r, text);
        } else {
            (void)put_word(r, text, "/-.:@");
        }
        put(r, "\n");
    }
}

static void put_inputs(struct reader *r)
{
    struct skn_value list, input, value;
    if (!member(r->root, "inputs", &list) || !skn_value_is(list, SKN_T_LIST)) return;
    struct skn_value_iter iter = skn_value_iter(list);
    while (skn_value_next(&iter, NULL, &input) && !r->why) {
        put(r, "@input: ");
        put_name(r, text_of(r, input, "name"));
        put(r, ": ");
        put_name(r, text_of(r, input, "type"));
        if (is_true(input, "optional")) put(r, "?");
        if (member(input, "default", &value)) {
            put(r, " = ");
            put_value(r, value);
        }
        put(r, "\n");
    }
}

/* Options, and attempts that no star can say. */
static void put_options(struct reader *r, struct skn_value unit, bool is_one_attempt)
{
    struct skn_value list, option, value;
    bool any = false;
    if (is_one_attempt) {
        put(r, "[retries=1");
        any = true;
    }
    if (member(unit, "options", &list) && skn_value_is(list, SKN_T_LIST)) {
        struct skn_value_iter iter = skn_value_iter(list);
        while (skn_value_next(&iter, NULL, &option) && !r->why) {
            put(r, any ? ", " : "[");
            put_name(r, text_of(r, option, "name"));
            put(r, "=");
            if (member(option, "value", &value)) {
                put_value(r, value);
            } else {
                (void)refuse(r, "an option has no value");
            }
            any = true;
        }
    }
    if (any) put(r, "]");
}

static void put_event(struct reader *r, struct skn_value unit)
{
    static const char *const words[][2] = {
        {"map", "MAP<"}, {"filter", "FILTER<"}, {"reduce", "REDUCE<"}, {"flow", "FLOW<"}};
    struct skn_slice kind = text_of(r, unit, "kind");
    struct skn_slice source = text_of(r, unit, "source");
    struct skn_slice version = text_of(r, unit, "version");
    bool is_call = false;
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++) {
        if (!skn_slice_eq(kind, skn_slice_str(words[i][0]))) continue;
        put(r, words[i][1]);
        is_call = true;
    }
    if (!is_call && !skn_slice_eq(kind, SKN_LIT("event"))) (void)refuse(r, "a unit has no kind");
    if (source.len > 0) {
        put_name(r, source);
        put(r, ":");
    }
    put_name(r, text_of(r, unit, "name"));
    if (version.len > 0) {
        put(r, "@");
        (void)put_word(r, version, ".");
    }
    if (is_call) put(r, ">");
}

static void put_attempts(struct reader *r, struct skn_value unit)
{
    struct skn_value v;
    bool has = member(unit, "attempts", &v);
    if (has && !skn_value_is(v, SKN_T_INT)) (void)refuse(r, "attempts are no number");
    bool is_many = has && skn_value_is(v, SKN_T_INT) && skn_value_as_int(v) != 1;
    if (is_many) skn_buf_printf(&r->text, " * %lld", (long long)skn_value_as_int(v));
    put_options(r, unit, has && !is_many);
}

/* Where the walk is: a unit whose group or branches are being written. */
struct open_unit {
    uint32_t unit;
    uint32_t branch; /* the next one, or NONE */
    bool in_group;
};

struct walk {
    struct open_unit opened[SKN_GRAPH_DEPTH_MAX + 1];
    uint32_t depth;
    uint32_t unit; /* that comes next, NONE: go back */
};

/* The first unit of a body; its arrow is its owner's. */
static uint32_t begin_body(struct reader *r, uint32_t body)
{
    if (!enter(r, BODIES, body)) return SKN_GRAPH_NONE;
    uint32_t step = id_of(r, r->at[BODIES][body], "first", STEPS);
    if (!enter(r, STEPS, step)) return SKN_GRAPH_NONE;
    uint32_t unit = id_of(r, r->at[STEPS][step], "first", UNITS);
    if (unit == SKN_GRAPH_NONE) (void)refuse(r, "a step has no unit");
    return unit;
}

/* What follows a unit in its chain: the next one beside it, or the next step's first. */
static uint32_t next_unit(struct reader *r, uint32_t unit)
{
    uint32_t next = id_of(r, r->at[UNITS][unit], "next", UNITS);
    if (next != SKN_GRAPH_NONE) {
        put(r, " || ");
        return next;
    }
    uint32_t step = id_of(r, r->at[UNITS][unit], "step", STEPS);
    if (step == SKN_GRAPH_NONE || !r->seen[STEPS][step]) {
        (void)refuse(r, "a unit is in no step");
        return SKN_GRAPH_NONE;
    }
    step = id_of(r, r->at[STEPS][step], "next", STEPS);
    if (step == SKN_GRAPH_NONE || !enter(r, STEPS, step)) return SKN_GRAPH_NONE;
    put(r, is_true(r->at[STEPS][step], "piped") ? " |-> " : " -> ");
    uint32_t first = id_of(r, r->at[STEPS][step], "first", UNITS);
    if (first == SKN_GRAPH_NONE) (void)refuse(r, "a step has no unit");
    return first;
}

static bool push(struct reader *r, struct walk *w, uint32_t unit, bool in_group)
{
    if (w->depth == SKN_GRAPH_DEPTH_MAX) return refuse(r, "it is nested too deep");
    w->opened[w->depth++] = (struct open_unit){unit, SKN_GRAPH_NONE, in_group};
    return true;
}

static void put_branch(struct reader *r, struct walk *w, uint32_t branch)
{
    struct skn_value at = r->at[BRANCHES][branch];
    if (!enter(r, BRANCHES, branch)) return;
    (void)put_word(r, text_of(r, at, "outcome"), "");
    put(r, is_true(at, "piped") ? " |-> " : " -> ");
    w->opened[w->depth - 1].branch = id_of(r, at, "next", BRANCHES);
    w->unit = begin_body(r, id_of(r, at, "body", BODIES));
}

/* Behind the unit itself: its attempts, options and branches. */
static void finish_unit(struct reader *r, struct walk *w, uint32_t unit)
{
    put_attempts(r, r->at[UNITS][unit]);
    uint32_t branch = id_of(r, r->at[UNITS][unit], "branch", BRANCHES);
    if (branch == SKN_GRAPH_NONE) {
        w->unit = next_unit(r, unit);
        return;
    }
    if (!push(r, w, unit, false)) return;
    put(r, " (");
    put_branch(r, w, branch);
}

static void put_unit(struct reader *r, struct walk *w)
{
    uint32_t unit = w->unit;
    w->unit = SKN_GRAPH_NONE;
    if (!enter(r, UNITS, unit)) return;
    struct skn_value at = r->at[UNITS][unit];
    if (!skn_slice_eq(text_of(r, at, "kind"), SKN_LIT("group"))) {
        put_event(r, at);
        finish_unit(r, w, unit);
        return;
    }
    if (!push(r, w, unit, true)) return;
    put(r, "{");
    w->unit = begin_body(r, id_of(r, at, "body", BODIES));
}

/* A chain has ended: close what it was in, or go to the next branch. */
static void go_back(struct reader *r, struct walk *w)
{
    struct open_unit *top = &w->opened[w->depth - 1];
    if (top->branch != SKN_GRAPH_NONE) {
        put(r, ", ");
        put_branch(r, w, top->branch);
        return;
    }
    struct open_unit closed = *top;
    w->depth--;
    put(r, closed.in_group ? "}" : ")");
    if (closed.in_group) {
        finish_unit(r, w, closed.unit);
    } else {
        w->unit = next_unit(r, closed.unit);
    }
}

static void put_flow(struct reader *r)
{
    struct walk w = {.depth = 0};
    w.unit = r->count[BODIES] > 0 ? begin_body(r, 0) : SKN_GRAPH_NONE;
    if (w.unit == SKN_GRAPH_NONE) (void)refuse(r, "there is no flow");
    while (!r->why && (w.unit != SKN_GRAPH_NONE || w.depth > 0)) {
        if (w.unit != SKN_GRAPH_NONE) {
            put_unit(r, &w);
        } else {
            go_back(r, &w);
        }
    }
}

static void load_list(struct reader *r, enum list which)
{
    static const char *const keys[] = {"bodies", "steps", "units", "branches"};
    struct skn_value list, v;
    uint32_t cap = 0;
    struct skn_value *at = NULL;
    if (!member(r->root, keys[which], &list) || !skn_value_is(list, SKN_T_LIST)) {
        (void)refuse(r, "a list is missing");
        return;
    }
    struct skn_value_iter iter = skn_value_iter(list);
    while (skn_value_next(&iter, NULL, &v)) {
        at = skn_parse_grow(at, r->count[which], &cap, sizeof(*at));
        at[r->count[which]++] = v;
    }
    r->at[which] = at;
    r->seen[which] = skn_arena_zero(&r->arena, (size_t)r->count[which] + 1, sizeof(bool));
}

static enum skn_rc check_level(struct reader *r, struct skn_diag *diag)
{
    struct skn_value level;
    if (!member(r->root, "pointy", &level) || !skn_value_is(level, SKN_T_INT) ||
        skn_value_as_int(level) < 1)
        return SKN_FAIL(diag, SKN_ESYNTAX, "this is no graph: it has no member \"pointy\"");
    if (skn_value_as_int(level) > SKN_POINTY_JSON_LEVEL)
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "the graph is of level %lld, which is above ours, %d",
                        (long long)skn_value_as_int(level),
                        SKN_POINTY_JSON_LEVEL);
    return SKN_OK;
}

/* Lays the text out, which parses it: what is no flow is found there. */
static enum skn_rc lay_out(struct reader *r, struct skn_buf *out, struct skn_diag *diag)
{
    struct skn_source source;
    struct skn_diags diags;
    enum skn_rc rc = skn_buf_rc(&r->text);
    if (rc == SKN_OK)
        rc = skn_source_init(&source, &r->arena, SKN_LIT("graph"), skn_buf_slice(&r->text));
    if (rc != SKN_OK) return SKN_FAIL(diag, SKN_ETOOLARGE, "the flow is over 16 MiB");
    skn_diags_init(&diags, &r->arena, &source);
    rc = skn_pointy_format(&source, &diags, out);
    if (rc != SKN_ESYNTAX) return rc;
    uint32_t i = 0;
    while (skn_code_info(diags.entries[i].code)->severity != SKN_SEVERITY_ERROR)
        i++;
    return SKN_FAIL(diag, SKN_ESYNTAX, "this is no graph of a flow: %s", diags.entries[i].text);
}

enum skn_rc skn_pointy_from_json(struct skn_slice json, struct skn_buf *out, struct skn_diag *diag)
{
    struct skn_buf value;
    struct reader r = {.why = NULL};
    skn_buf_init(&value, (size_t)1 << 30);
    skn_buf_init(&r.text, SKN_SOURCE_BYTES_MAX);
    skn_arena_init(&r.arena);
    enum skn_rc rc = skn_json_parse(json, NULL, &value, diag);
    if (rc == SKN_OK) {
        r.root = skn_value_view(skn_buf_slice(&value));
        rc = check_level(&r, diag);
    }
    if (rc == SKN_OK) {
        for (unsigned list = 0; list < LIST_COUNT; list++)
            load_list(&r, (enum list)list);
        put_directives(&r);
        put_inputs(&r);
        put_flow(&r);
        rc = r.why ? SKN_FAIL(diag, SKN_ESYNTAX, "this is no graph of a flow: %s", r.why)
                   : lay_out(&r, out, diag);
    }
    for (unsigned list = 0; list < LIST_COUNT; list++)
        skn_free(r.at[list]);
    skn_arena_fini(&r.arena);
    skn_buf_fini(&r.text);
    skn_buf_fini(&value);
    return rc;
}
