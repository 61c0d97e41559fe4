/* models_dev.c - what the types of src/dev must answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "dev/dev.h"
#include "sim/models_internal.h"

#include "base/pure.h"

static void get(struct world *w, const char *name, struct model_op *out)
{
    out->name = name;
    out->payload = model_payload(w, NULL, SKN_LIT(""), NULL, 0, NULL, 0);
}

/* --- Shelf: things with ranks, ranges that go at once, an index --------------------------------------- */

enum { LETTERS = 4, THINGS = 400, RANKS = 5, FOUND_MAX = 1000 };

struct shelf {
    uint8_t ranks[LETTERS][THINGS]; /* 0: there is none; else 1 more */
};

static struct skn_slice thing(struct world *w, int64_t letter, int64_t n)
{
    skn_buf_reset(&w->text);
    skn_buf_printf(&w->text, "%c%03d", (char)('a' + letter), (int)n);
    return skn_arena_dup(&w->arena, skn_buf_slice(&w->text));
}

/* A thing is put behind it in the same slice: an exception of the range that goes [E14]. */
static struct skn_slice
clearing(struct world *w, struct skn_slice begin, struct skn_slice put, int64_t rank)
{
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_buf_reset(&w->scratch);
    skn_builder_init(b, &w->scratch);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("begin"));
    skn_build_string(b, begin);
    skn_build_key(b, SKN_LIT("rank"));
    skn_build_int(b, rank);
    skn_build_key(b, SKN_LIT("thing"));
    skn_build_string(b, put);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_free(b);
    return skn_arena_dup(&w->arena, skn_buf_slice(&w->scratch));
}

static void shelf_plan(struct world *w, struct model *m, struct model_op *out)
{
    (void)m;
    uint64_t what = skn_rng_below(&w->rng, 16);
    out->a = (int64_t)skn_rng_below(&w->rng, LETTERS);
    out->b = (int64_t)skn_rng_below(&w->rng, THINGS);
    out->c = (int64_t)skn_rng_below(&w->rng, RANKS);
    struct skn_slice letter = skn_slice(thing(w, out->a, 0).ptr, 1);
    if (what == 0) {
        out->kind = MODEL_REMOVE;
        out->name = "remove";
    } else if (what < 4) {
        out->name = "fill";
        out->payload = model_payload(w, "begin", letter, "count", out->b, NULL, 0);
    } else if (what < 7) {
        out->name = "clear";
        out->payload = clearing(w, letter, thing(w, out->a, out->b), out->c);
    } else if (what < 10) {
        out->name = "put";
        out->payload = model_payload(w, "thing", thing(w, out->a, out->b), "rank", out->c, NULL, 0);
    } else if (what < 12) {
        out->name = "drop";
        out->payload = model_payload(w, "thing", thing(w, out->a, out->b), NULL, 0, NULL, 0);
    } else {
        out->name = "find";
        out->payload = model_payload(w, NULL, letter, "rank", out->c, NULL, 0);
    }
}

/* Of one rank, or below 0 of all. */
static bool is_found(struct world *w, const struct shelf *s, int64_t rank, struct skn_value answer)
{
    struct skn_builder *b = skn_alloc(sizeof *b);
    int64_t least = rank < 0 ? 0 : rank, most = rank < 0 ? RANKS - 1 : rank;
    int count = 0;
    skn_buf_reset(&w->scratch);
    skn_builder_init(b, &w->scratch);
    skn_build_list_begin(b);
    for (int64_t r = least; r <= most; r++) {
        for (int n = 0; n < LETTERS * THINGS && count < FOUND_MAX; n++) {
            int i = n % THINGS;
            if (s->ranks[n / THINGS][i] != r + 1) continue;
            const char name[] = {(char)('a' + n / THINGS),
                                 (char)('0' + i / 100),
                                 (char)('0' + i / 10 % 10),
                                 (char)('0' + i % 10)};
            skn_build_string(b, skn_slice(name, sizeof name));
            count++;
        }
    }
    skn_build_list_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_free(b);
    return skn_value_eq(skn_value_view(skn_buf_slice(&w->scratch)), answer);
}

static void shelf_change(struct shelf *s, const struct model_op *op)
{
    if (strcmp(op->name, "fill") == 0)
        for (int64_t i = 0; i < op->b; i++)
            s->ranks[op->a][i] = (uint8_t)(1 + i % RANKS);
    if (strcmp(op->name, "clear") == 0) memset(s->ranks[op->a], 0, THINGS);
    if (strcmp(op->name, "drop") == 0) s->ranks[op->a][op->b] = 0;
    if (strcmp(op->name, "put") == 0 || strcmp(op->name, "clear") == 0)
        s->ranks[op->a][op->b] = (uint8_t)(1 + op->c);
}

static void shelf_hear(struct world *w, struct model *m, const struct model_answer *answer)
{
    struct shelf *s = m->state;
    const struct model_op *op = &m->op;
    if (op->kind == MODEL_REMOVE) *s = (struct shelf){{{0}}};
    /* There may be more things than one slice may read, or answer. */
    if (op->is_last && answer->is_fault) m->is_over = true;
    if (op->kind != MODEL_ASK || answer->is_fault) return;
    if (strcmp(op->name, "find") != 0)
        shelf_change(s, op);
    else if (!is_found(w, s, op->is_last ? -1 : op->c, answer->value))
        models_wrong(w, m, "P2: other things are found than were put");
    m->is_over = op->is_last;
}

const struct model_type model_shelf = {.type = "Shelf",
                                       .last = "find",
                                       .state_bytes = sizeof(struct shelf),
                                       .plan = shelf_plan,
                                       .hear = shelf_hear};

/* --- Counter: timers, as many as it may have ------------------------------------------------------------ */

enum { LATER_MS_MAX = 5000, AMOUNT_MAX = 100 };

struct counter {
    int64_t promised, shown;
    int64_t lettered; /* adds no more than that come of letters that are handed over */
};

static void counter_plan(struct world *w, struct model *m, struct model_op *out)
{
    (void)m;
    uint64_t what = skn_rng_below(&w->rng, 32);
    out->a = 1 + (int64_t)skn_rng_below(&w->rng, AMOUNT_MAX);
    int64_t ms = (int64_t)skn_rng_below(&w->rng, LATER_MS_MAX);
    if (what == 0) {
        out->kind = MODEL_REMOVE;
        out->name = "remove";
    } else if (what < 24) {
        out->name = "add-later";
        out->payload = model_payload(w, NULL, SKN_LIT(""), "ms", ms, "n", out->a);
    } else {
        get(w, "get", out);
    }
}

static void counter_hear(struct world *w, struct model *m, const struct model_answer *answer)
{
    struct counter *c = m->state;
    if (m->op.kind == MODEL_REMOVE) *c = (struct counter){.shown = 0};
    if (m->op.kind != MODEL_ASK) return;
    bool is_later = strcmp(m->op.name, "add-later") == 0;
    if (is_later && answer->is_fault) c->lettered += m->op.a;
    if (is_later && !answer->is_fault) c->promised += m->op.a;
    if (is_later || answer->is_fault) return;
    int64_t sum = skn_value_is(answer->value, SKN_T_INT) ? skn_value_as_int(answer->value) : -1;
    if (sum < c->shown) models_wrong(w, m, "P1: a counter shows less than before");
    if (sum > c->promised + c->lettered)
        models_wrong(w, m, "P2: timers added more than was promised");
    c->shown = sum;
    m->is_over = m->op.is_last && sum == c->promised + c->lettered;
}

const struct model_type model_counter = {.type = "Counter",
                                         .last = "get",
                                         .redelivers = true,
                                         .state_bytes = sizeof(struct counter),
                                         .plan = counter_plan,
                                         .hear = counter_hear};

/* --- Hog: faults that are repaired by the clock, and letters that are handed over ----------------------- */

enum { UNTIL_MS_MAX = 3000 };

struct hog {
    int64_t handled, owed;
};

static void hog_plan(struct world *w, struct model *m, struct model_op *out)
{
    uint64_t what = skn_rng_below(&w->rng, 32);
    out->a = (int64_t)(m->ms + skn_rng_below(&w->rng, UNTIL_MS_MAX));
    if (what == 0) {
        out->kind = MODEL_REMOVE;
        out->name = "remove";
    } else if (what == 1) {
        out->kind = MODEL_CLOSE;
        out->name = "close";
    } else if (what < 8 && m->ms >= m->until_ms) {
        out->kind = MODEL_REDELIVER;
        out->name = "redeliver";
    } else if (what < 16) {
        out->name = "fault";
        out->payload = model_payload(w, NULL, SKN_LIT(""), "until", out->a, NULL, 0);
    } else {
        get(w, "get", out);
    }
}

static void hog_hear(struct world *w, struct model *m, const struct model_answer *answer)
{
    struct hog *h = m->state;
    if (m->op.kind == MODEL_REDELIVER) h->handled += h->owed; /* by now they are repaired */
    if (m->op.kind == MODEL_REMOVE) h->handled = 0;
    if (m->op.kind != MODEL_ASK) {
        h->owed = 0;
        m->until_ms = 0;
        return;
    }
    if (strcmp(m->op.name, "fault") == 0) {
        bool may_fault = (uint64_t)m->op.a > answer->ms;
        if (answer->was_asked_once && may_fault != answer->is_fault)
            models_wrong(w, m, "P4: a slice goes by another time than its stamp");
        h->handled += !answer->is_fault;
        h->owed += answer->is_fault;
        if (answer->is_fault && (uint64_t)m->op.a > m->until_ms) m->until_ms = (uint64_t)m->op.a;
        return;
    }
    if (answer->is_fault) return;
    if (model_int(answer->value, "handled") != h->handled)
        models_wrong(w, m, "P2: letters were not handed over once each [E33]");
    m->is_over = m->op.is_last;
}

const struct model_type model_hog = {.type = "Hog",
                                     .last = "get",
                                     .redelivers = true,
                                     .state_bytes = sizeof(struct hog),
                                     .plan = hog_plan,
                                     .hear = hog_hear};

/* --- Flood: to another and back, to itself, and to one that is often FAULTED [E30] [E32] [E33] ------- */

struct flood {
    int64_t promised, lettered, sent, received;
};

static const struct flood *flood_state(struct world *w, uint32_t nth)
{
    return models_find(w, &model_flood, nth)->state;
}

static const struct {
    bool is_hog;
    uint32_t nth;
} flood_targets[SIM_FLOODS] = {{false, 1}, {false, 0}, {true, 0}, {false, 3}};

static void flood_plan(struct world *w, struct model *m, struct model_op *out)
{
    uint32_t nth = flood_targets[m->nth].nth;
    const struct model *to =
        models_find(w, flood_targets[m->nth].is_hog ? &model_hog : &model_flood, nth);
    if (skn_rng_chance(&w->rng, 1, 3)) {
        get(w, "get", out);
        return;
    }
    out->name = "flood";
    out->a = 1 + (int64_t)skn_rng_below(&w->rng, w->params.tight ? 8 : 30);
    /* What faults for itself would do so each time that it is handed over. */
    bool is_bounded = w->params.tight || w->params.limits.hot_rows;
    int64_t at_once = 1 + (int64_t)skn_rng_below(&w->rng, is_bounded ? 2 : 12);
    out->payload = model_payload(w, "to", to->domain, "count", out->a, "at_once", at_once);
}

/* What is on its way to it, or came. */
static int64_t flood_sent_to(struct world *w, uint32_t nth)
{
    int64_t sent = 0;
    for (uint32_t i = 0; i < SIM_FLOODS; i++) {
        const struct flood *from = flood_state(w, i);
        if (!flood_targets[i].is_hog && flood_targets[i].nth == nth)
            sent += from->promised + from->lettered;
    }
    return sent;
}

/* False: one of them may have sent more than we have heard of. */
static bool flood_is_known(struct world *w, uint32_t nth)
{
    for (uint32_t i = 0; i < SIM_FLOODS; i++)
        if (!flood_targets[i].is_hog && flood_targets[i].nth == nth && i != nth &&
            models_find(w, &model_flood, i)->is_waiting)
            return false;
    return true;
}

static void flood_hear(struct world *w, struct model *m, const struct model_answer *answer)
{
    struct flood *f = m->state;
    if (m->op.kind != MODEL_ASK) return;
    if (strcmp(m->op.name, "flood") == 0) {
        f->promised += answer->is_fault ? 0 : m->op.a;
        f->lettered += answer->is_fault ? m->op.a : 0;
        return;
    }
    if (answer->is_fault) return;
    int64_t sent = model_int(answer->value, "sent");
    int64_t received = model_int(answer->value, "received"), all = flood_sent_to(w, m->nth);
    if (sent < f->sent || received < f->received)
        models_wrong(w, m, "P1: a flood was further before");
    if (sent > f->promised + f->lettered)
        models_wrong(w, m, "P2: a flood sent more than it was told");
    if (model_int(answer->value, "disorder") != 0)
        models_wrong(w, m, "P3: notes came out of order");
    bool is_known = flood_is_known(w, m->nth);
    if (is_known && received > all) models_wrong(w, m, "P2: more notes came than were sent");
    f->sent = sent;
    f->received = received;
    m->is_over = m->op.is_last && w->is_quiet && is_known && received == all &&
                 sent == f->promised + f->lettered;
}

const struct model_type model_flood = {.type = "Flood",
                                       .last = "get",
                                       .redelivers = true,
                                       .state_bytes = sizeof(struct flood),
                                       .plan = flood_plan,
                                       .hear = flood_hear};

/* --- Echo: chains of calls ---------------------------------------------------------------------------------- */

struct echo {
    int64_t chains[SIM_ECHOES]; /* of the first: how many of each length; 0 none */
};

/* {name, to, value}: the next one is asked, who asks the one behind it. */
static struct skn_slice chain(struct world *w, uint32_t from, uint32_t to, struct skn_slice inner)
{
    /* The last one keeps the call for a while, or answers it. */
    bool is_later = inner.len == 0 && skn_rng_chance(&w->rng, 1, 2);
    if (is_later)
        inner = model_payload(
            w, NULL, SKN_LIT(""), "ms", (int64_t)skn_rng_below(&w->rng, LATER_MS_MAX), "value", to);
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_buf_reset(&w->scratch);
    skn_builder_init(b, &w->scratch);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("name"));
    skn_build_str(b, from + 1 < to ? "ask" : is_later ? "later" : "echo");
    skn_build_key(b, SKN_LIT("to"));
    skn_build_string(b, models_find(w, &model_echo, from + 1)->domain);
    skn_build_key(b, SKN_LIT("value"));
    if (inner.len > 0)
        skn_build_value(b, skn_value_view(inner));
    else
        skn_build_int(b, to);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_free(b);
    struct skn_slice copy = skn_arena_dup(&w->arena, skn_buf_slice(&w->scratch));
    return from == 0 ? copy : chain(w, from - 1, to, copy);
}

static void echo_plan(struct world *w, struct model *m, struct model_op *out)
{
    if (m->nth > 0 || skn_rng_chance(&w->rng, 1, 3)) {
        if (m->nth == 0 || skn_rng_chance(&w->rng, 1, 4)) get(w, "answers", out);
        return;
    }
    uint32_t length = 1 + (uint32_t)skn_rng_below(&w->rng, SIM_ECHOES - 1);
    out->name = "ask";
    out->a = length;
    out->payload = chain(w, length - 1, length, (struct skn_slice){0});
}

/* What this one asked, if no limit but that of the depth was met. */
static int64_t echo_asks(struct world *w, const struct model *m)
{
    const struct echo *first = models_find(w, &model_echo, 0)->state;
    int64_t sum = 0;
    for (uint32_t length = 1; length < SIM_ECHOES; length++) {
        uint32_t depth = w->params.limits.call_depth, callers = length;
        if (depth && depth < callers) callers = depth;
        if (m->nth < callers) sum += first->chains[length];
    }
    return sum;
}

static void echo_hear(struct world *w, struct model *m, const struct model_answer *answer)
{
    struct echo *e = m->state;
    const struct skn_core_limits *l = &w->params.limits;
    if (m->op.kind != MODEL_ASK || answer->is_fault) return;
    if (strcmp(m->op.name, "ask") == 0) {
        e->chains[m->op.a]++;
        return;
    }
    int64_t asked = model_int(answer->value, "asked"), expected = echo_asks(w, m);
    int64_t answered = model_int(answer->value, "answered");
    bool is_known = !models_find(w, &model_echo, 0)->is_waiting || m->nth == 0;
    bool is_exact = !l->answers && !l->outbox_messages && !l->outbox_bytes && !l->faulted_waiting &&
                    !w->params.tight && !l->dead_letters;
    if (answered > asked) models_wrong(w, m, "P2: a call was answered twice");
    if (is_known && asked > expected) models_wrong(w, m, "P10: calls are deeper than they may be");
    m->is_over = m->op.is_last && is_known && answered == asked && (!is_exact || asked == expected);
}

const struct model_type model_echo = {.type = "Echo",
                                      .last = "answers",
                                      .state_bytes = sizeof(struct echo),
                                      .plan = echo_plan,
                                      .hear = echo_hear};
