/* run.c - the program of a run: what each message does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "flow/flow_internal.h"

/* What is kept between messages: the graph, decoded. */
struct warm {
    struct skn_arena arena;
    const struct skn_graph *graph;
    const uint32_t *before;
};

static void flow_sleep(void *memory)
{
    struct warm *warm = memory;
    skn_arena_fini(&warm->arena);
    skn_free(warm);
}

static void *flow_wake(struct skn_cx *cx)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, SKN_LIT("G"), &bytes) != SKN_OK) return NULL;
    struct warm *warm = skn_alloc_zero(1, sizeof *warm);
    skn_arena_init(&warm->arena);
    bytes = skn_arena_dup(&warm->arena, bytes);
    if (skn_graph_decode(&warm->arena, bytes, NULL, &warm->graph) == SKN_OK) {
        warm->before = data_steps_before(&warm->arena, warm->graph);
        return warm;
    }
    flow_sleep(warm);
    return NULL;
}

static void run_put(struct walk *w)
{
    struct skn_buf *out = skn_cx_scratch(w->cx);
    run_encode(&w->run, out);
    skn_cx_put(w->cx, SKN_LIT("R"), skn_buf_slice(out));
}

/* --- start -------------------------------------------------------------------------------------------- */

static struct skn_value member(struct skn_value map, const char *name, enum skn_tag tag)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(map, SKN_T_MAP)) (void)skn_map_get(map, skn_slice_str(name), &v);
    return skn_value_is(v, tag) ? v : skn_value_none();
}

static const struct skn_field *input_of(const struct skn_graph *graph, struct skn_slice name)
{
    for (uint32_t i = 0; i < graph->input_count; i++) {
        if (skn_slice_eq(graph->inputs[i].name, name)) return &graph->inputs[i];
    }
    return NULL;
}

/* Every input is declared, and every declared one is there and of its type, or may be missing. */
static const char *check_inputs(struct walk *w, struct skn_value inputs)
{
    struct skn_value_iter iter = skn_value_iter(inputs);
    struct skn_slice name;
    struct skn_value value;
    while (skn_value_next(&iter, &name, &value)) {
        if (!input_of(w->graph, name))
            return skn_arena_printf(w->arena, "the flow has no input \"%.*s\"", SKN_FMT(name));
    }
    for (uint32_t i = 0; i < w->graph->input_count; i++) {
        const struct skn_field *field = &w->graph->inputs[i];
        bool has = skn_value_is(inputs, SKN_T_MAP) && skn_map_get(inputs, field->name, &value);
        bool is_null = !has || skn_value_is(value, SKN_T_NONE);
        if (is_null ? field->required && !(has && field->type == SKN_TYPE_ANY)
                    : !skn_type_fits(field->type, value))
            return skn_arena_printf(w->arena,
                                    is_null ? "the input \"%.*s\" (%s) is missing"
                                            : "the input \"%.*s\" is not a %s",
                                    SKN_FMT(field->name),
                                    skn_type_name(field->type));
    }
    return NULL;
}

/* The row M: what it was started with, defaults filled in. False: it is too large for a row. */
static bool put_start(struct walk *w, struct skn_value payload, struct skn_value inputs)
{
    struct skn_buf *out = skn_cx_scratch(w->cx);
    struct skn_builder *b = skn_arena_alloc(w->arena, sizeof *b);
    static const char *const texts[] = {"flow", "name"};
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    for (size_t i = 0; i < SKN_ARRAY_LEN(texts); i++) {
        skn_build_key(b, skn_slice_str(texts[i]));
        skn_build_value(b, member(payload, texts[i], SKN_T_STRING));
    }
    skn_build_key(b, SKN_LIT("labels"));
    skn_build_value(b, member(payload, "labels", SKN_T_MAP));
    skn_build_key(b, SKN_LIT("inputs"));
    skn_build_map_begin(b);
    for (uint32_t i = 0; i < w->graph->input_count; i++) {
        const struct skn_field *field = &w->graph->inputs[i];
        struct skn_value value = skn_value_none();
        bool has = skn_value_is(inputs, SKN_T_MAP) && skn_map_get(inputs, field->name, &value);
        if (!has && field->default_value.len > 0) value = skn_value_view(field->default_value);
        skn_build_key(b, field->name);
        skn_build_value(b, value);
    }
    skn_build_map_end(b);
    skn_build_map_end(b);
    if (skn_build_end(b, NULL) != SKN_OK || out->len > SKN_ROW_MAX) return false;
    skn_cx_put(w->cx, SKN_LIT("M"), skn_buf_slice(out));
    return true;
}

static void start(struct walk *w, struct skn_value payload)
{
    struct skn_value graph = member(payload, "graph", SKN_T_BYTES);
    struct skn_value inputs = member(payload, "inputs", SKN_T_MAP);
    if (w->run.status) {
        skn_cx_refuse(w->cx, SKN_EEXIST, "the run was started before");
        return;
    }
    struct skn_slice bytes =
        skn_value_is(graph, SKN_T_BYTES) ? skn_value_as_text(graph) : (struct skn_slice){0};
    struct skn_diag diag;
    enum skn_rc rc = skn_graph_decode(w->arena, bytes, &diag, &w->graph);
    if (rc != SKN_OK) {
        skn_cx_refuse(w->cx, rc, "the flow's graph is not one that this node can run");
        return;
    }
    w->before = data_steps_before(w->arena, w->graph);
    const char *why = check_inputs(w, inputs);
    if (why) {
        skn_cx_refuse(w->cx, SKN_EARGS, why);
        return;
    }
    if (!put_start(w, payload, inputs)) {
        skn_cx_refuse(w->cx, SKN_ETOOLARGE, "the inputs of the run are over 1 MiB");
        return;
    }
    skn_cx_put(w->cx, SKN_LIT("G"), bytes);
    w->run = (struct run_row){.status = SKN_RUN_RUNNING, .started_ms = skn_cx_now_ms(w->cx)};
    if (w->graph->timeout_ms)
        w->run.timer = skn_cx_timer_set(
                           w->cx, w->run.started_ms + w->graph->timeout_ms, (struct skn_slice){0}) +
                       1;
    walk_body_start(w, (struct skn_slice){0}, 0, 0);
    skn_cx_reply(w->cx, skn_value_string(skn_cx_address(w->cx)));
}

/* --- stop, leave, resume --------------------------------------------------------------------------------- */

static bool is_over(const struct walk *w)
{
    return w->run.status == SKN_RUN_SUCCEEDED || w->run.status == SKN_RUN_FAILED;
}

static void stop(struct walk *w, bool is_leaving)
{
    if (is_over(w)) {
        skn_cx_refuse(w->cx, SKN_EGONE, "the run has ended");
        return;
    }
    if (w->run.status == SKN_RUN_RUNNING) w->run.status = SKN_RUN_STOPPING;
    walk_todo(w, is_leaving ? WORK_LEAVE : WORK_PARK, (struct skn_slice){0}, 0);
}

static void resume(struct walk *w)
{
    if (is_over(w)) {
        skn_cx_refuse(w->cx, SKN_EGONE, "the run has ended");
        return;
    }
    w->run.status = SKN_RUN_RUNNING;
    walk_todo(w, WORK_RESUME, (struct skn_slice){0}, 0);
}

/* --- the rest -------------------------------------------------------------------------------------------- */

static void timer(struct walk *w, struct skn_slice tag)
{
    if (tag.len > 0) {
        unit_timer(w, tag);
        return;
    }
    if (is_over(w)) return;
    w->run.timer = 0;
    w->run.is_timed_out = true;
    walk_cancel(w, (struct skn_slice){0});
}

/* What an earlier slice left for this one. */
static void go_on(struct walk *w, struct skn_value payload)
{
    struct skn_value_iter iter = skn_value_iter(payload);
    struct skn_value kind, unit, key, from;
    while (skn_value_next(&iter, NULL, &kind) && skn_value_next(&iter, NULL, &unit) &&
           skn_value_next(&iter, NULL, &key) && skn_value_next(&iter, NULL, &from)) {
        struct todo todo = {.kind = (enum work_kind)skn_value_as_int(kind),
                            .unit = (uint32_t)skn_value_as_int(unit),
                            .key = skn_value_as_text(key)};
        walk_todo_from(w, &todo, skn_value_as_text(from));
    }
}

static bool is(struct skn_slice name, const char *text)
{
    return skn_slice_eq(name, skn_slice_str(text));
}

static void dispatch(struct walk *w, const struct skn_message *message)
{
    bool is_mail = message->kind == SKN_MESSAGE_SEND;
    if (message->kind == SKN_MESSAGE_ATTEMPT)
        unit_message(w, message);
    else if (message->kind == SKN_MESSAGE_TIMER)
        timer(w, message->tag);
    else if (is_mail && is(message->name, "go"))
        go_on(w, message->payload);
    else if (is(message->name, "stop"))
        stop(w, false);
    else if (is(message->name, "leave"))
        stop(w, true);
    else if (is(message->name, "resume"))
        resume(w);
    else
        skn_cx_refuse(w->cx, SKN_EARGS, "a run takes start, stop, leave and resume");
}

static bool load(struct walk *w, const struct warm *warm)
{
    struct skn_slice bytes;
    if (skn_cx_get(w->cx, SKN_LIT("R"), &bytes) != SKN_OK) return false;
    if (run_decode(bytes, &w->run, NULL) != SKN_OK) return false;
    struct skn_slice *texts[] = {&w->run.code, &w->run.message, &w->run.path};
    for (size_t i = 0; i < SKN_ARRAY_LEN(texts); i++)
        *texts[i] = skn_arena_dup(w->arena, *texts[i]);
    w->graph = warm ? warm->graph : NULL;
    w->before = warm ? warm->before : NULL;
    return w->graph != NULL;
}

static enum skn_rc flow_handle(struct skn_cx *cx,
                               void *memory,
                               const struct skn_message *message,
                               struct skn_diag *diag)
{
    struct walk w = {.cx = cx, .arena = skn_cx_arena(cx)};
    bool is_there = load(&w, memory);
    if (skn_cx_rc(cx) != SKN_OK) return skn_cx_rc(cx);
    if (message->kind == SKN_MESSAGE_REQUEST && is(message->name, "start")) {
        start(&w, message->payload);
    } else if (!is_there) {
        if (message->kind != SKN_MESSAGE_REQUEST)
            return SKN_FAIL(diag, SKN_EFAULT, "a message came to a run that was never started");
        skn_cx_refuse(cx, SKN_ENOENT, "there is no such run");
    } else {
        dispatch(&w, message);
    }
    if (!w.run.status) return SKN_OK;
    walk_go(&w);
    if (w.run.status == SKN_RUN_STOPPING && w.run.running == 0) w.run.status = SKN_RUN_INTERRUPTED;
    run_put(&w);
    skn_cx_signal(cx, SKN_LIT("run"), skn_value_int((int64_t)w.run.status));
    return SKN_OK;
}

const struct skn_program skn_flow_program = {
    .type = "Run",
    .module = 1, /* raised with the meaning of its rows */
    .is_held = true,
    .handle = flow_handle,
    .wake = flow_wake,
    .sleep = flow_sleep,
};
