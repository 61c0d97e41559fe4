/* test_random.c - random flows against an interpreter that walks the tree of the text.
 *
 * The oracle below knows nothing of rows, slices or intents: it follows F10 to F19 by recursion over
 * the tree that the text was written from. Tasks end as a hash of (seed, unit, how many of its
 * attempts have ended before) says, after a time that it says too. Half the flows have time limits
 * and are killed at random; half have none and are stopped, left, resumed and killed at random.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "flow/flow_internal.h"
#include "lib/flowworld.h"
#include "lib/test.h"

#include <stdlib.h>

enum { UNITS_MAX = 400, ENDS_MAX = 64, NO_DEADLINE = INT32_MAX };

/* --- the tree ---------------------------------------------------------------------------------------- */

enum kind { TASK, NOOP, FAIL, SLEEP, GROUP };

struct unit;

struct step {
    bool piped;
    struct unit *units[3];
    unsigned count;
};

struct chain {
    struct step steps[3];
    unsigned count;
};

struct unit {
    enum kind kind;
    enum skn_evaluate evaluate; /* of a group */
    unsigned at_least;
    bool continues;    /* on_failure="continue" */
    bool retries_late; /* of a task: only a timeout is tried again */
    bool is_cutting;   /* of a group: what is not needed any more is told to end */
    unsigned id;       /* as the path says it: from 1 */
    char event;
    unsigned attempts;
    uint64_t ms; /* of a sleep; of a group's time limit, 0 none */
    struct chain *body;
    struct chain *branch[2]; /* failure, success */
    bool branch_piped[2];
};

/* An attempt that was started: when it ends, also when it is started again after a kill. */
struct seen {
    uint64_t end_ms;
    uint8_t key[SKN_KEY_BYTES];
};

struct flow {
    struct skn_arena arena;
    struct skn_rng rng;
    uint64_t seed;
    bool has_limits;
    bool has_cuts; /* what it does is not known before: only that it ends, and leaves nothing */
    unsigned units;
    uint64_t limit_ms;
    struct chain *chain;
    struct skn_buf text;
    unsigned ended[UNITS_MAX];             /* of the oracle */
    struct seen seen[UNITS_MAX][ENDS_MAX]; /* of the driver */
};

static unsigned roll(struct flow *f, unsigned n)
{
    return (unsigned)skn_rng_below(&f->rng, n);
}

static struct chain *random_chain(struct flow *f, unsigned depth);

static void random_evaluate(struct flow *f, struct unit *u)
{
    unsigned narrow = 0;
    for (unsigned i = 0; i < u->body->count; i++) {
        unsigned count = u->body->steps[i].count;
        if (count > 1 && (narrow == 0 || count < narrow)) narrow = count;
    }
    u->evaluate = (enum skn_evaluate)roll(f, SKN_EVALUATES);
    u->at_least = narrow > 0 ? 1 + roll(f, narrow) : 1;
    u->is_cutting = f->has_cuts && roll(f, 4) > 0;
}

static struct unit *random_unit(struct flow *f, unsigned depth)
{
    struct unit *u = skn_arena_zero(&f->arena, 1, sizeof *u);
    u->id = ++f->units;
    u->attempts = roll(f, 3) == 0 ? 2 + roll(f, 2) : 1;
    unsigned kind = roll(f, 20);
    bool is_small = f->units > 60 || depth == 0;
    if (kind < 6 && !is_small)
        u->kind = GROUP;
    else if (kind == 6)
        u->kind = NOOP;
    else if (kind == 7 && !is_small)
        u->kind = FAIL;
    else if (kind == 8)
        u->kind = SLEEP;
    else
        u->kind = TASK;
    u->event = (char)('A' + roll(f, 8));
    if (u->kind == SLEEP) u->ms = 1 + roll(f, 5000000);
    if (u->kind == GROUP) u->body = random_chain(f, depth - 1);
    if (u->kind == GROUP && f->has_limits && roll(f, 2)) u->ms = 1 + roll(f, 3000000);
    if (u->kind == GROUP && roll(f, 2) == 0) random_evaluate(f, u);
    u->continues = u->kind != NOOP && u->kind != SLEEP && roll(f, 8) == 0;
    u->retries_late = u->kind == TASK && roll(f, 5) == 0;
    for (int i = 0; i < 2 && !is_small; i++) {
        bool cannot = i == 0 ? u->kind == NOOP || u->kind == SLEEP : u->kind == FAIL;
        bool must = i == 0 && u->kind == FAIL; /* else what follows can never run: refused */
        if (cannot || (!must && roll(f, 4) != 0)) continue;
        u->branch_piped[i] = roll(f, 2);
        u->branch[i] = random_chain(f, depth - 1);
    }
    return u;
}

static struct chain *random_chain(struct flow *f, unsigned depth)
{
    struct chain *c = skn_arena_zero(&f->arena, 1, sizeof *c);
    c->count = 1 + roll(f, 3);
    for (unsigned s = 0; s < c->count; s++) {
        c->steps[s].piped = roll(f, 2);
        c->steps[s].count = roll(f, 3) == 0 ? 2 + roll(f, 2) : 1;
        for (unsigned i = 0; i < c->steps[s].count; i++)
            c->steps[s].units[i] = random_unit(f, depth);
    }
    return c;
}

/* --- its text ------------------------------------------------------------------------------------------ */

static void put_chain(struct flow *f, const struct chain *c);

static void put_option(struct flow *f, const char **between, const char *option)
{
    skn_buf_put_str(&f->text, *between);
    skn_buf_put_str(&f->text, option);
    *between = ", ";
}

static void put_evaluate(struct flow *f, const struct unit *u, const char **between)
{
    static const char *const words[] = {"all", "any", "majority", NULL, "none_failed"};
    const char *word = words[u->evaluate];
    put_option(f,
               between,
               word ? skn_arena_printf(&f->arena, "evaluate=\"%s\"", word)
                    : skn_arena_printf(&f->arena, "evaluate=\"at_least=%u\"", u->at_least));
    bool is_all = u->evaluate == SKN_EVALUATE_ALL || u->evaluate == SKN_EVALUATE_NONE_FAILED;
    if (is_all && u->is_cutting) put_option(f, between, "fail_fast=true");
    if (!is_all && !u->is_cutting) put_option(f, between, "cancel_rest=false");
}

static void put_unit(struct flow *f, const struct unit *u)
{
    struct skn_buf *out = &f->text;
    const char *between = "[";
    switch (u->kind) {
    case TASK: skn_buf_printf(out, "%c", u->event); break;
    case NOOP: skn_buf_put_str(out, "Noop"); break;
    case FAIL: skn_buf_put_str(out, "Fail"); break;
    case SLEEP:
        skn_buf_put_str(out, "Sleep");
        put_option(f, &between, skn_arena_printf(&f->arena, "for=%dms", (int)u->ms));
        break;
    case GROUP:
        skn_buf_put_str(out, "{");
        put_chain(f, u->body);
        skn_buf_put_str(out, "}");
        if (u->ms > 0)
            put_option(f, &between, skn_arena_printf(&f->arena, "timeout=%dms", (int)u->ms));
        if (u->evaluate != SKN_EVALUATE_ALL || u->is_cutting) put_evaluate(f, u, &between);
        break;
    }
    bool is_option = u->attempts > 1 && u->id % 2;
    if (is_option) put_option(f, &between, skn_arena_printf(&f->arena, "retries=%u", u->attempts));
    if (u->continues) put_option(f, &between, "on_failure=\"continue\"");
    if (u->retries_late) put_option(f, &between, "retry_on=[\"timeout\"]");
    if (between[0] == ',') skn_buf_put_str(out, "]");
    if (u->attempts > 1 && !is_option) skn_buf_printf(out, " * %u", u->attempts);
    const char *open = " (";
    for (int i = 0; i < 2; i++) {
        if (!u->branch[i]) continue;
        skn_buf_printf(out, "%s%d %s ", open, i, u->branch_piped[i] ? "|->" : "->");
        put_chain(f, u->branch[i]);
        open = ", ";
    }
    if (open[0] == ',') skn_buf_put_str(out, ")");
}

static void put_chain(struct flow *f, const struct chain *c)
{
    for (unsigned s = 0; s < c->count; s++) {
        if (s > 0) skn_buf_put_str(&f->text, c->steps[s].piped ? " |-> " : " -> ");
        for (unsigned i = 0; i < c->steps[s].count; i++) {
            if (i > 0) skn_buf_put_str(&f->text, " || ");
            put_unit(f, c->steps[s].units[i]);
        }
    }
}

/* --- how tasks end ---------------------------------------------------------------------------------------- */

static uint64_t fate(const struct flow *f, unsigned unit, unsigned n)
{
    struct skn_rng rng = {0};
    skn_rng_init(&rng, f->seed * 1000003 + unit * 1009 + n);
    return skn_rng_u64(&rng);
}

static bool task_succeeds(const struct flow *f, unsigned unit, unsigned n)
{
    return fate(f, unit, n) % 100 < 62;
}

/* Its failures are timeouts. */
static bool is_late(unsigned unit)
{
    return unit % 3 == 0;
}

static uint64_t task_ms(const struct flow *f, unsigned unit, unsigned n)
{
    uint64_t h = fate(f, unit, n) / 100;
    return h % 3 ? 0 : 1 + h / 3 % 4000000;
}

static uint64_t hash_of(const char *text)
{
    uint64_t h = 1469598103934665603U;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211U;
    return h >> 20;
}

/* The result of a task as JSON: who it was and what it got. */
static const char *task_value(struct skn_arena *arena, unsigned unit, const char *previous)
{
    return skn_arena_printf(
        arena, "{\"by\":%u,\"h\":%llu}", unit, (unsigned long long)hash_of(previous));
}

/* --- the oracle -------------------------------------------------------------------------------------------- */

enum end { ENDED_WELL, ENDED_BADLY, CUT_OFF };

struct outcome {
    bool is_handled; /* it ended well, and what failed in it was taken */
    enum end end;
    uint64_t at;
    const char *value;
};

static struct outcome eval_chain(struct flow *f,
                                 const struct chain *c,
                                 const struct unit *group, /* around it, or NULL */
                                 bool piped,
                                 const char *value,
                                 uint64_t at,
                                 uint64_t deadline,
                                 struct skn_buf *lines);

struct ends {
    unsigned well, badly, cut_off, handled;
};

static void count_end(struct ends *ends, const struct outcome *one)
{
    ends->well += one->end == ENDED_WELL;
    ends->badly += one->end == ENDED_BADLY;
    ends->cut_off += one->end == CUT_OFF;
    ends->handled += one->end == ENDED_WELL && one->is_handled;
}

/* F14, where all are waited for. */
static enum end end_of_step(const struct unit *group, unsigned count, const struct ends *ends)
{
    bool ok = false;
    if (ends->cut_off > 0) return CUT_OFF;
    switch (group ? group->evaluate : SKN_EVALUATE_ALL) {
    case SKN_EVALUATE_ALL: ok = ends->well == count; break;
    case SKN_EVALUATE_ANY: ok = ends->well > 0; break;
    case SKN_EVALUATE_MAJORITY: ok = 2 * ends->well > count; break;
    case SKN_EVALUATE_AT_LEAST: /* of a step that has fewer, all */
        ok = ends->well >= (group->at_least < count ? group->at_least : count);
        break;
    case SKN_EVALUATE_NONE_FAILED: ok = ends->well == count && ends->handled == 0; break;
    case SKN_EVALUATES: break;
    }
    return ok ? ENDED_WELL : ENDED_BADLY;
}

static struct outcome eval_attempts(struct flow *f,
                                    const struct unit *u,
                                    bool piped,
                                    const char *value,
                                    uint64_t at,
                                    uint64_t deadline,
                                    unsigned *out_tasks,
                                    struct skn_buf *lines)
{
    for (unsigned attempt = 1;; attempt++) {
        struct outcome o = {.at = at, .value = "null"};
        if (u->kind == FAIL) o.end = ENDED_BADLY;
        if (u->kind == SLEEP) o.at += u->ms;
        if (u->kind == TASK) {
            unsigned n = f->ended[u->id];
            ++*out_tasks;
            o.at += task_ms(f, u->id, n);
            o.end = task_succeeds(f, u->id, n) ? ENDED_WELL : ENDED_BADLY;
            o.value = task_value(&f->arena, u->id, piped ? value : "null");
            if (o.at <= deadline) f->ended[u->id]++;
        }
        if (u->kind == GROUP) {
            uint64_t own = u->ms ? at + u->ms : UINT64_MAX;
            o = eval_chain(f, u->body, u, piped, value, at, own < deadline ? own : deadline, lines);
            if (o.end == CUT_OFF && own < deadline) o.end = ENDED_BADLY;
            if (o.end != ENDED_WELL) o.value = "null";
        }
        if (o.end == CUT_OFF || o.at > deadline)
            return (struct outcome){.end = CUT_OFF, .at = deadline, .value = "null"};
        if (o.end == ENDED_WELL || attempt == u->attempts) return o;
        if (u->retries_late && !is_late(u->id)) return o;
        at = o.at + 1; /* a delay of nothing is the next millisecond */
        if (at > deadline) return (struct outcome){.end = CUT_OFF, .at = deadline, .value = "null"};
    }
}

static struct outcome eval_unit(struct flow *f,
                                const struct unit *u,
                                const struct unit *group,
                                bool piped,
                                const char *value,
                                uint64_t at,
                                uint64_t deadline,
                                struct skn_buf *lines);

static struct outcome eval_chain(struct flow *f,
                                 const struct chain *c,
                                 const struct unit *group, /* around it, or NULL */
                                 bool piped,
                                 const char *value,
                                 uint64_t at,
                                 uint64_t deadline,
                                 struct skn_buf *lines)
{
    struct outcome all = {.at = at, .value = value};
    for (unsigned s = 0; s < c->count; s++) {
        const struct step *step = &c->steps[s];
        if (s > 0) piped = step->piped;
        value = all.value;
        const char *list = "";
        struct ends ends = {0};
        for (unsigned i = 0; i < step->count; i++) {
            struct outcome one =
                eval_unit(f, step->units[i], group, piped, value, at, deadline, lines);
            count_end(&ends, &one);
            if (one.at > all.at) all.at = one.at;
            list = step->count == 1
                       ? one.value
                       : skn_arena_printf(&f->arena, "%s%s%s", list, i > 0 ? "," : "", one.value);
        }
        all.value = step->count == 1 ? list : skn_arena_printf(&f->arena, "[%s]", list);
        all.end = end_of_step(group, step->count, &ends);
        if (all.end != ENDED_WELL) break;
        at = all.at;
    }
    return all;
}

static struct outcome eval_unit(struct flow *f,
                                const struct unit *u,
                                const struct unit *group,
                                bool piped,
                                const char *value,
                                uint64_t at,
                                uint64_t deadline,
                                struct skn_buf *lines)
{
    struct skn_buf inside;
    unsigned tasks = 0;
    skn_buf_init(&inside, 1 << 20);
    struct outcome o = eval_attempts(f, u, piped, value, at, deadline, &tasks, &inside);
    const struct chain *branch = o.end == CUT_OFF ? NULL : u->branch[o.end == ENDED_WELL];
    bool was_bad = o.end == ENDED_BADLY;
    if (branch) {
        o = eval_chain(
            f, branch, group, u->branch_piped[!was_bad], o.value, o.at, deadline, &inside);
        o.is_handled = was_bad;
    } else if (was_bad && u->continues) {
        o.end = ENDED_WELL;
        o.is_handled = true;
    } else {
        o.is_handled = false; /* what was handled inside a group is not its own failure */
    }
    if (o.end != ENDED_WELL) o.value = "null";
    static const char *const names[] = {"Noop", "Fail", "Sleep", "group"};
    static const char *const ends[] = {"succeeded", "failed", "cancelled"};
    char event[2] = {u->event, 0};
    skn_buf_printf(lines,
                   " %u %s %s %u;",
                   u->id,
                   u->kind == TASK ? event : names[u->kind - 1],
                   ends[o.end],
                   tasks);
    skn_buf_put(lines, skn_buf_slice(&inside));
    skn_buf_fini(&inside);
    return o;
}

/* --- the driver ---------------------------------------------------------------------------------------------- */

static unsigned unit_of(const struct task *task)
{
    struct skn_value path;
    assert_true(skn_map_get(skn_value_view(task->output.value), SKN_LIT("path"), &path));
    struct skn_slice text = skn_value_as_text(path);
    unsigned unit = 0;
    for (size_t i = 0; i < text.len; i++)
        unit = text.ptr[i] == '.' ? 0 : unit * 10 + (unsigned)(text.ptr[i] - '0');
    assert_true(unit < UNITS_MAX);
    return unit;
}

/* How many attempts of a unit ended by themselves, over all attempts of the groups around it. */
static unsigned ended_of(struct world *w, unsigned unit)
{
    struct flow_key from;
    struct skn_row row;
    unsigned count = 0;
    flow_key(&from, 'A', (struct skn_slice){0});
    while (skn_core_next_row(w->shard.store,
                             SKN_LIT(RUN_ADDRESS),
                             SKN_LIT("A"),
                             flow_key_slice(&from),
                             &row,
                             NULL) == SKN_OK) {
        struct attempt_row attempt;
        assert_int_equal(attempt_decode(row.value, &attempt, NULL), SKN_OK);
        struct skn_slice key = skn_slice(row.key.ptr + 1, row.key.len - 5);
        size_t last = flow_key_parent_len(key);
        unsigned id = 0;
        for (uint8_t i = 0; i < key.ptr[last]; i++)
            id = id << 8 | key.ptr[last + 1 + i];
        count += id == unit && attempt.status >= SKN_ATTEMPT_SUCCESS &&
                 attempt.status <= SKN_ATTEMPT_TIMEOUT;
        memcpy(from.bytes, row.key.ptr, row.key.len);
        from.len = row.key.len;
        from.bytes[from.len++] = 0;
    }
    return count;
}

static void end_task(struct flow *f, struct world *w, size_t index, bool may_succeed)
{
    struct task *task = &w->tasks[index];
    unsigned unit = unit_of(task), n = ended_of(w, unit);
    bool ok = may_succeed && task_succeeds(f, unit, n);
    struct skn_value in, previous;
    assert_true(skn_map_get(skn_value_view(task->output.value), SKN_LIT("stdin"), &in));
    assert_true(skn_map_get(in, SKN_LIT("previous"), &previous));
    struct skn_buf json, value;
    skn_buf_init(&json, 1 << 20);
    skn_buf_init(&value, 1 << 20);
    assert_int_equal(skn_json_print(previous, SKN_JSON_PLAIN, &json, NULL), SKN_OK);
    const char *text = task_value(&w->arena, unit, skn_buf_str(&json));
    assert_int_equal(skn_json_parse(skn_slice_str(text), NULL, &value, NULL), SKN_OK);
    struct skn_attempt_result result = {.address = SKN_LIT(RUN_ADDRESS),
                                        .number = task->output.number,
                                        .attempt = task->output.attempt,
                                        .epoch = task->output.epoch,
                                        .status = ok              ? SKN_ATTEMPT_SUCCESS
                                                  : is_late(unit) ? SKN_ATTEMPT_TIMEOUT
                                                                  : SKN_ATTEMPT_FAILURE,
                                        .reason = ok              ? SKN_LIT("")
                                                  : is_late(unit) ? SKN_LIT("timeout")
                                                                  : SKN_LIT("exit:1"),
                                        .value = skn_value_view(skn_buf_slice(&value))};
    skn_core_result(w->shard.core, &result);
    skn_buf_fini(&json);
    skn_buf_fini(&value);
    skn_free((void *)(uintptr_t)task->output.value.ptr);
    w->count--;
    memmove(task, task + 1, (w->count - index) * sizeof *task);
}

static uint64_t end_of(struct flow *f, struct world *w, const struct task *task)
{
    unsigned unit = unit_of(task), n = ended_of(w, unit);
    assert_true(n < ENDS_MAX);
    struct seen *seen = &f->seen[unit][n];
    /* Another key: a further attempt of a group, after one that was cut off. */
    if (memcmp(seen->key, task->output.key, sizeof seen->key) != 0)
        seen->end_ms = w->shard.now_ms + task_ms(f, unit, n);
    memcpy(seen->key, task->output.key, sizeof seen->key);
    return seen->end_ms;
}

static void take_outputs(struct flow *f, struct world *w)
{
    struct skn_output out;
    size_t before = w->count;
    while (shard_next(&w->shard, &out))
        world_take_output(w, &out);
    for (size_t i = before; i < w->count; i++)
        (void)end_of(f, w, &w->tasks[i]);
}

static void die(struct flow *f, struct world *w)
{
    world_drop_tasks(w);
    shard_kill(&w->shard, roll(f, 2));
    enum skn_rc rc = skn_core_take_up(w->shard.core, SKN_LIT(RUN_ADDRESS), true);
    assert_true(rc == SKN_OK || rc == SKN_ENOENT); /* nothing was in flight */
}

/* Steps until nothing is left to do, with a kill here and there. */
static void settle(struct flow *f, struct world *w, unsigned *kills)
{
    for (;;) {
        enum skn_rc rc = shard_step(&w->shard);
        if (rc != SKN_OK && rc != SKN_ENOENT) print_error("%s\n", w->shard.diag.text);
        assert_true(rc == SKN_OK || rc == SKN_ENOENT);
        if (rc == SKN_ENOENT || roll(f, 3) == 0) {
            shard_durable(&w->shard);
            take_outputs(f, w);
        }
        if (*kills > 0 && roll(f, 25) == 0) {
            --*kills;
            die(f, w);
            continue;
        }
        if (rc == SKN_ENOENT) return;
    }
}

static enum skn_run_status status_of(struct world *w)
{
    struct skn_run_info info;
    enum skn_rc rc = skn_flow_info(w->shard.store, SKN_LIT(RUN_ADDRESS), false, &info, NULL);
    return rc == SKN_OK ? info.status : 0;
}

static bool moves_on(struct flow *f, struct world *w)
{
    uint64_t next = skn_core_next_due_ms(w->shard.core);
    for (size_t i = 0; i < w->count; i++) {
        struct task *task = &w->tasks[i];
        if (task->is_cancelled) {
            bool is_lucky = task->is_leaving && roll(f, 2);
            end_task(f, w, i, is_lucky);
            return true;
        }
        uint64_t end = end_of(f, w, task);
        if (end <= w->shard.now_ms) {
            end_task(f, w, i, true);
            return true;
        }
        if (end < next) next = end;
    }
    if (next == UINT64_MAX) return false;
    if (next > w->shard.now_ms) w->shard.now_ms = next;
    return true;
}

static void drive(struct flow *f, struct world *w)
{
    unsigned kills = roll(f, 6), asks = f->has_limits ? 0 : roll(f, 8);
    world_start(w, skn_buf_str(&f->text), "{}");
    settle(f, w, &(unsigned){0});
    for (int turns = 0; turns < 100000; turns++) {
        settle(f, w, &kills);
        enum skn_run_status status = status_of(w);
        if (status >= SKN_RUN_SUCCEEDED) return;
        if (asks > 0 && roll(f, 6) == 0) {
            asks--;
            world_submit(w, roll(f, 2) ? "stop" : "leave", skn_value_none());
            if (roll(f, 2)) settle(f, w, &kills);
            /* Changed minds, before the first wish is worked off. */
            for (int i = 0; i < 3 && roll(f, 2); i++) {
                world_submit(w, "resume", skn_value_none());
                if (roll(f, 2)) world_submit(w, roll(f, 2) ? "stop" : "leave", skn_value_none());
            }
            continue;
        }
        bool moved = status != SKN_RUN_INTERRUPTED && moves_on(f, w);
        if (status == SKN_RUN_INTERRUPTED) { /* what would be due starts nothing [E81] */
            w->shard.now_ms += f->has_limits ? 0 : 10000;
            settle(f, w, &kills);
            assert_int_equal(w->count, 0);
        }
        /* Whoever waits for a stop asks for the run to go on when it stands. */
        if (!moved && status != SKN_RUN_RUNNING) {
            world_submit(w, "resume", skn_value_none());
            moved = true;
        }
        if (!moved) fail_msg("the run stands still: %s", world_tree(w));
    }
    fail_msg("the run never ends");
}

/* --- comparing ----------------------------------------------------------------------------------------------- */

/* The engine's tree says whole paths; the oracle's the last part of each. */
static const char *shortened(struct world *w, struct skn_buf *out)
{
    const char *tree = world_tree(w);
    const char *at = strchr(tree, ':');
    skn_buf_put(out, skn_slice((const uint8_t *)tree, (size_t)(at + 1 - tree)));
    for (at++; *at == ' '; at = strchr(at, ';') + 1) {
        const char *path = at + 1, *end = strchr(path, ' '), *last = path;
        for (const char *c = path; c < end; c++)
            if (*c == '.') last = c + 1;
        skn_buf_put_str(out, " ");
        skn_buf_put(out, skn_slice((const uint8_t *)last, (size_t)(strchr(at, ';') + 1 - last)));
    }
    return skn_buf_str(out);
}

/* What is left of a run that has ended: no mail, intent or timer, no body and nothing to do. */
static void expect_nothing_left(struct world *w)
{
    static const uint8_t shard[][3] = {{1, 3, 0}, {1, 4, 0}, {1, 5, 0}};
    struct skn_row row;
    size_t count = 0;
    for (size_t i = 0; i < SKN_ARRAY_LEN(shard); i++) {
        uint8_t end[3] = {1, shard[i][1], 1};
        assert_int_equal(
            skn_store_scan(
                w->shard.store, skn_slice(shard[i], 3), skn_slice(end, 3), &row, 1, &count, NULL),
            SKN_OK);
        assert_int_equal(count, 0);
    }
    static const uint8_t timers[] = "\2" RUN_ADDRESS "\0\2", behind[] = "\2" RUN_ADDRESS "\0\3";
    struct skn_slice from = skn_slice(timers, sizeof timers - 1);
    struct skn_slice end = skn_slice(behind, sizeof behind - 1);
    assert_int_equal(skn_store_scan(w->shard.store, from, end, &row, 1, &count, NULL), SKN_OK);
    assert_int_equal(count, 0);
    for (const char *kind = "BF"; *kind; kind++)
        assert_int_equal(skn_core_next_row(w->shard.store,
                                           SKN_LIT(RUN_ADDRESS),
                                           skn_slice((const uint8_t *)kind, 1),
                                           (struct skn_slice){0},
                                           &row,
                                           NULL),
                         SKN_ENOENT);
    assert_int_equal(skn_core_next_due_ms(w->shard.core), UINT64_MAX);
    assert_int_equal(skn_core_counts(w->shard.core).faults, 0);
    assert_int_equal(skn_core_counts(w->shard.core).ready, 0);
    assert_int_equal(w->count, 0);
}

static bool one_flow(uint64_t seed)
{
    struct flow *f = skn_alloc_zero(1, sizeof *f);
    struct world w;
    struct skn_buf expected, tree;
    f->seed = seed;
    f->has_limits = seed % 2;
    f->has_cuts = seed % 5 == 0;
    skn_arena_init(&f->arena);
    skn_rng_init(&f->rng, seed);
    skn_buf_init(&f->text, 1 << 20);
    skn_buf_init(&expected, 1 << 20);
    skn_buf_init(&tree, 1 << 20);
    f->chain = random_chain(f, 3);
    if (f->has_limits && roll(f, 4) == 0) {
        f->limit_ms = 1 + roll(f, 8000000);
        skn_buf_printf(&f->text, "@timeout: %dms\n", (int)f->limit_ms);
    }
    put_chain(f, f->chain);

    struct skn_buf lines;
    skn_buf_init(&lines, 1 << 20);
    struct outcome o = eval_chain(
        f, f->chain, NULL, true, "{}", 0, f->limit_ms ? f->limit_ms : UINT64_MAX / 2, &lines);
    skn_buf_printf(&expected,
                   "%s:%.*s",
                   o.end == ENDED_WELL ? "succeeded" : "failed",
                   SKN_FMT(skn_buf_slice(&lines)));

    world_init(&w, "");
    drive(f, &w);
    const char *result = o.end == ENDED_WELL ? o.value : "null";
    bool same = f->has_cuts || (strcmp(shortened(&w, &tree), skn_buf_str(&expected)) == 0 &&
                                strcmp(world_result(&w), result) == 0);
    if (!same)
        print_error("seed %llu\n%s\n  is  %s\n  not %s\n  result %s\n     not %s\n",
                    (unsigned long long)seed,
                    skn_buf_str(&f->text),
                    skn_buf_str(&tree),
                    skn_buf_str(&expected),
                    world_result(&w),
                    result);
    expect_nothing_left(&w);
    assert_int_equal(skn_store_verify(w.shard.store, NULL), SKN_OK);
    world_fini(&w);
    skn_buf_fini(&lines);
    skn_buf_fini(&expected);
    skn_buf_fini(&tree);
    skn_buf_fini(&f->text);
    skn_arena_fini(&f->arena);
    skn_free(f);
    return same;
}

/* SKN_FLOWS=100000 SKN_SEED=7 for more of them. */
static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void random_flows_end_as_their_text_says(void **state) /* F10 to F19, P1 P2 P5 [E41] [E81] */
{
    (void)state;
    uint64_t flows = number_from("SKN_FLOWS", 300), seed = number_from("SKN_SEED", 1);
    for (uint64_t i = 0; i < flows; i++) {
        if (number_from("SKN_VERBOSE", 0)) print_message("seed %d\n", (int)(seed + i));
        assert_true(one_flow(seed + i));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_flows_end_as_their_text_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
