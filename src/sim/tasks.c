/* tasks.c - the executor: programs that take virtual time, end by a hash, and die with the node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "flow/flow.h"
#include "sim/world_internal.h"

#include "base/pure.h"

enum { TASK_MS_MAX = 3000, GRACE_MS_MAX = 300, GHOSTS_MAX = 40 };

static struct skn_value
build_result(struct skn_arena *arena, struct skn_buf *out, const char *what, uint64_t n)
{
    struct skn_builder *b = skn_arena_alloc(arena, sizeof *b);
    skn_buf_reset(out);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("value"));
    skn_build_str(b, what);
    skn_build_key(b, SKN_LIT("x"));
    skn_build_int(b, (int64_t)(n % 1000));
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    return skn_value_view(skn_buf_slice(out));
}

/* What becomes of an attempt does not depend on when it runs. */
static uint64_t fate(const struct world *w, const struct sim_task *task)
{
    uint8_t bytes[SKN_KEY_BYTES + sizeof task->attempt];
    memcpy(bytes, task->key, SKN_KEY_BYTES);
    memcpy(bytes + SKN_KEY_BYTES, &task->attempt, sizeof task->attempt);
    uint64_t state = world_hash(skn_slice(bytes, sizeof bytes)) ^ w->options->seed;
    return skn_splitmix64(&state);
}

static void add(struct task_list *list, const struct sim_task *task)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->items = skn_realloc(list->items, list->cap * sizeof *list->items);
    }
    list->items[list->count++] = *task;
}

static void remove_at(struct task_list *list, size_t at)
{
    list->count--;
    memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof *list->items);
}

static struct skn_history_event event_of(enum skn_history_kind kind, const struct sim_task *task)
{
    struct skn_history_event event = {.kind = kind,
                                      .domain = task->domain,
                                      .id = task->path,
                                      .attempt = task->attempt,
                                      .epoch = task->epoch};
    memcpy(event.key, task->key, sizeof event.key);
    return event;
}

static struct skn_slice text_of(struct skn_value map, const char *name)
{
    struct skn_value v;
    if (!skn_map_get(map, skn_slice_str(name), &v)) return (struct skn_slice){0};
    return skn_value_as_text(v);
}

static void perform(struct world *w, const struct skn_output *output)
{
    struct skn_value effect = skn_value_view(output->value);
    struct sim_task task = {.domain = skn_arena_dup(&w->arena, output->address),
                            .number = output->number,
                            .attempt = output->attempt,
                            .epoch = output->epoch,
                            .life = w->life};
    task.path = skn_arena_dup(&w->arena, text_of(effect, SKN_FLOW_EFFECT_PATH));
    memcpy(task.key, output->key, sizeof task.key);
    struct skn_value outcomes;
    task.has_outcomes = skn_map_get(effect, SKN_LIT(SKN_FLOW_EFFECT_OUTCOMES), &outcomes);
    bool is_short = skn_rng_chance(&w->rng, 1, 4);
    task.end_ms = world_now_ms(w) + skn_rng_below(&w->rng, is_short ? 2 : TASK_MS_MAX);
    struct skn_history_event event = event_of(SKN_HISTORY_PERFORM, &task);
    struct skn_slice value = output->value;
    event.is_stale = memmem(value.ptr, value.len, "STALE", 5) != NULL;
    struct skn_slice name = text_of(effect, SKN_FLOW_EFFECT_EVENT);
    event.name = text_of(effect, JOB_EFFECT_LIMITER);
    event.amount = jobs_places(event.name);
    if (event.name.len > 0) world_cover(w, SKN_COVER_PLACE);
    bool is_modest = name.len > 0 && name.ptr[0] < 'A' + SIM_MODEST_EVENTS;
    event.is_leaking =
        is_modest && memmem(value.ptr, value.len, SIM_CANARY, strlen(SIM_CANARY)) != NULL;
    add(&w->tasks, &task);
    world_cover(w, SKN_COVER_TASK);
    world_event(w, &event);
}

void tasks_take(struct world *w, const struct skn_output *output)
{
    if (output->kind == SKN_OUTPUT_PERFORM) {
        perform(w, output);
        return;
    }
    for (size_t i = 0; i < w->tasks.count; i++) {
        struct sim_task *task = &w->tasks.items[i];
        if (task->number != output->number || !skn_slice_eq(task->domain, output->address))
            continue;
        task->is_cancelled = true;
        task->is_leaving |= output->is_leaving;
        uint64_t grace_ms = output->is_leaving ? 0 : skn_rng_below(&w->rng, GRACE_MS_MAX);
        uint64_t end_ms = world_now_ms(w) + grace_ms;
        if (end_ms < task->end_ms) task->end_ms = end_ms;
        world_cover(w, SKN_COVER_CANCEL);
    }
}

static enum skn_attempt_status
status_of(const struct world *w, const struct sim_task *task, uint64_t chance)
{
    bool is_late_success = task->is_cancelled && !task->is_leaving && chance % 4 == 0;
    if (is_late_success) return SKN_ATTEMPT_SUCCESS;
    if (task->is_leaving) return SKN_ATTEMPT_INTERRUPTED;
    if (task->is_cancelled) return SKN_ATTEMPT_CANCELLED;
    if (!w->params.failures) return SKN_ATTEMPT_SUCCESS;
    if (chance % 100 < 15) return SKN_ATTEMPT_FAILURE;
    return chance % 100 < 25 ? SKN_ATTEMPT_TIMEOUT : SKN_ATTEMPT_SUCCESS;
}

static void cover_status(struct world *w, enum skn_attempt_status status)
{
    switch ((int)status) {
    case SKN_ATTEMPT_SUCCESS: world_cover(w, SKN_COVER_RESULT_SUCCESS); break;
    case SKN_ATTEMPT_FAILURE: world_cover(w, SKN_COVER_RESULT_FAILURE); break;
    case SKN_ATTEMPT_TIMEOUT: world_cover(w, SKN_COVER_RESULT_TIMEOUT); break;
    case SKN_ATTEMPT_CANCELLED: world_cover(w, SKN_COVER_RESULT_CANCELLED); break;
    default: break;
    }
}

static void
give_result(struct world *w, const struct sim_task *task, enum skn_attempt_status status, bool late)
{
    static const char *const reasons[] = {"", "", "exit:1", "timeout", "cancelled", "interrupted"};
    bool names_outcome =
        status == SKN_ATTEMPT_SUCCESS && task->has_outcomes && fate(w, task) % 3 == 0;
    if (names_outcome) world_cover(w, SKN_COVER_RESULT_OUTCOME);
    struct skn_arena scratch;
    skn_arena_init(&scratch);
    struct skn_history_event event = event_of(SKN_HISTORY_RESULT, task);
    event.is_success = status == SKN_ATTEMPT_SUCCESS;
    event.is_stale = late;
    world_event(w, &event);
    struct skn_attempt_result result = {
        .address = task->domain,
        .number = task->number,
        .attempt = task->attempt,
        .epoch = task->epoch,
        .status = status,
        .reason = skn_slice_str(names_outcome ? SIM_OUTCOME : reasons[status]),
        .value = build_result(&scratch, &w->scratch, late ? "STALE" : "fresh", fate(w, task))};
    node_result(w, &result);
    cover_status(w, status);
    w->unsettled++;
    skn_arena_fini(&scratch);
}

static void have_effect(struct world *w, const struct sim_task *task)
{
    struct skn_history_event event = event_of(SKN_HISTORY_EFFECT, task);
    world_event(w, &event);
}

static void haunt(struct world *w, const struct sim_task *task)
{
    if (w->ghosts.count == GHOSTS_MAX) remove_at(&w->ghosts, 0);
    add(&w->ghosts, task);
}

void tasks_end_due(struct world *w)
{
    uint64_t now_ms = world_now_ms(w);
    for (size_t i = 0; i < w->tasks.count;) {
        struct sim_task task = w->tasks.items[i];
        if (task.end_ms > now_ms) {
            i++;
            continue;
        }
        remove_at(&w->tasks, i);
        uint64_t chance = fate(w, &task);
        enum skn_attempt_status status = status_of(w, &task, chance);
        /* A program that failed may have done its work all the same. */
        if (status == SKN_ATTEMPT_SUCCESS || chance % 7 == 0) have_effect(w, &task);
        give_result(w, &task, status, false);
        if (status != SKN_ATTEMPT_SUCCESS && skn_rng_chance(&w->rng, 1, 3)) haunt(w, &task);
    }
}

uint64_t tasks_next_ms(const struct world *w)
{
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < w->tasks.count; i++) {
        if (w->tasks.items[i].end_ms < next_ms) next_ms = w->tasks.items[i].end_ms;
    }
    return next_ms;
}

void tasks_vanish(struct world *w)
{
    for (size_t i = 0; i < w->tasks.count; i++) {
        const struct sim_task *task = &w->tasks.items[i];
        world_cover(w, SKN_COVER_TASK_CUT_OFF);
        if (skn_rng_chance(&w->rng, 1, 3)) {
            have_effect(w, task);
            world_cover(w, SKN_COVER_TASK_CUT_EFFECT);
        }
        if (skn_rng_chance(&w->rng, 2, 3)) haunt(w, task);
    }
    w->tasks.count = 0;
}

void tasks_tell_late(struct world *w)
{
    if (w->ghosts.count == 0) return;
    size_t at = skn_rng_below(&w->rng, w->ghosts.count);
    struct sim_task ghost = w->ghosts.items[at];
    remove_at(&w->ghosts, at);
    /* Of this epoch: a failure that is told a second time, when its attempt has long ended. */
    bool is_echo = ghost.life == w->life;
    bool is_success = !is_echo && skn_rng_chance(&w->rng, 3, 4);
    give_result(w, &ghost, is_success ? SKN_ATTEMPT_SUCCESS : SKN_ATTEMPT_FAILURE, !is_echo);
    world_cover(w, is_echo ? SKN_COVER_RESULT_ECHO : SKN_COVER_RESULT_LATE);
}
