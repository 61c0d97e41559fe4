/* clients.c - who asks the node for something, and asks again when no answer came. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "sim/world_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum { REMEMBERED_MS = 40 * 60 * 1000 }; /* where ids live for an hour */

/* What a payload of ours may hold. */
struct wish {
    int64_t amount;
    int64_t n;
    const char *what; /* or NULL */
    struct skn_slice what_text;
};

static struct skn_slice text(struct world *w, const char *fmt, uint64_t n)
{
    skn_buf_reset(&w->text);
    skn_buf_printf(&w->text, "%s%" PRIu64, fmt, n);
    return skn_arena_dup(&w->arena, skn_buf_slice(&w->text));
}

/* {amount, id, n, what}; the id makes the ledger's entry. */
static struct skn_slice payload_of(struct world *w, struct skn_slice id, const struct wish *wish)
{
    struct skn_builder *b = skn_alloc(sizeof *b);
    struct skn_slice what = wish->what ? skn_slice_str(wish->what) : wish->what_text;
    skn_buf_reset(&w->scratch);
    skn_builder_init(b, &w->scratch);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("amount"));
    skn_build_int(b, wish->amount);
    skn_build_key(b, SKN_LIT("id"));
    skn_build_string(b, id);
    skn_build_key(b, SKN_LIT("n"));
    skn_build_int(b, wish->n);
    skn_build_key(b, SKN_LIT("what"));
    skn_build_string(b, what);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_free(b);
    return skn_arena_dup(&w->arena, skn_buf_slice(&w->scratch));
}

static size_t remember(struct world *w, const struct ask *ask)
{
    if (w->ask_count == w->ask_cap) {
        w->ask_cap = w->ask_cap ? 2 * w->ask_cap : 256;
        w->asks = skn_realloc(w->asks, w->ask_cap * sizeof *w->asks);
    }
    w->asks[w->ask_count] = *ask;
    w->asks[w->ask_count].hash = world_hash(ask->payload) | 1;
    return w->ask_count++;
}

static struct skn_history_event event_of(enum skn_history_kind kind, const struct ask *ask)
{
    return (struct skn_history_event){.kind = kind,
                                      .domain = ask->domain,
                                      .id = ask->id,
                                      .name = ask->name,
                                      .hash = ask->hash,
                                      .amount = ask->amount};
}

static void submit(struct world *w, size_t at)
{
    struct ask *ask = &w->asks[at];
    struct skn_history_event event = event_of(SKN_HISTORY_REQUEST, ask);
    /* What cannot be admitted is promised no answer. */
    if (!ask->is_bad) world_event(w, &event);
    const struct skn_request request = {.number = at + 1,
                                        .caller = SKN_LIT("client"),
                                        .id = ask->id,
                                        .address = ask->domain,
                                        .name = ask->name,
                                        .payload = skn_value_view(ask->payload),
                                        .priority = ask->priority};
    node_submit(w, &request);
    ask->asked++;
    w->open_asks += ask->waits_in != w->life;
    ask->waits_in = w->life;
    world_cover(w, SKN_COVER_REQUEST);
}

static struct ask
make(struct world *w, struct skn_slice domain, const char *name, const struct wish *wish)
{
    struct ask ask = {
        .domain = domain, .name = skn_slice_str(name), .amount = wish->amount, .priority = 2};
    if (strcmp(name, "get") != 0) ask.id = text(w, "q", w->ask_count);
    ask.payload = payload_of(w, ask.id, wish);
    return ask;
}

static void
ask_new(struct world *w, struct skn_slice domain, const char *name, const struct wish *wish)
{
    struct ask ask = make(w, domain, name, wish);
    ask.priority = (enum skn_priority)skn_rng_below(&w->rng, SKN_PRIORITIES);
    submit(w, remember(w, &ask));
}

/* --- runs -------------------------------------------------------------------------------------------- */

static void start_run(struct world *w)
{
    struct ask ask = {
        .name = SKN_LIT("start"), .payload = flows_start(w), .priority = SKN_PRIORITY_NORMAL};
    if (w->rc != SKN_OK) return;
    ask.domain = text(w, "sim:Run/r", w->runs++);
    ask.id = text(w, "q", w->ask_count);
    submit(w, remember(w, &ask));
}

static struct skn_slice any_run(struct world *w)
{
    return text(w, "sim:Run/r", skn_rng_below(&w->rng, w->runs));
}

static void tell_run(struct world *w, struct skn_slice run, const char *name)
{
    const struct wish nothing = {.amount = 0};
    struct ask ask = make(w, run, name, &nothing);
    submit(w, remember(w, &ask));
}

void clients_resume(struct world *w, struct skn_slice run)
{
    node_take_up(w, run, true);
    tell_run(w, skn_arena_dup(&w->arena, run), "resume");
}

static void ask_run(struct world *w)
{
    uint64_t what = skn_rng_below(&w->rng, 8);
    if (w->runs == 0 || (what < 4 && w->runs < w->params.runs_max))
        start_run(w);
    else if (what < 6 || !w->params.cancels)
        clients_resume(w, any_run(w));
    else
        tell_run(w, any_run(w), what == 6 ? "stop" : "leave");
}

/* --- ledgers, peers, jobs ------------------------------------------------------------------------------- */

static struct skn_slice any_ledger(struct world *w)
{
    /* Of several ranks: what is shorter has the higher authority. */
    static const char *const scopes[] = {
        "sim:Ledger/", "sim/a:Ledger/", "sim/a/b:Ledger/", "sim/a:Ledger/x", "other:Ledger/"};
    uint64_t n = skn_rng_below(&w->rng, w->params.ledgers);
    return text(w, scopes[n % SKN_ARRAY_LEN(scopes)], n);
}

/* Around a limit: below it, at it, above it, or far above. */
static int64_t around(struct world *w, uint32_t limit, uint32_t otherwise)
{
    uint64_t at = limit ? limit : otherwise;
    uint64_t kind = skn_rng_below(&w->rng, 5);
    if (kind == 4) return (int64_t)(at + at / 2);
    return (int64_t)(kind + at - 2);
}

/* An add that faults, or does something large besides. */
static void ask_bad_add(struct world *w, int64_t amount)
{
    const struct skn_core_limits *l = &w->params.limits;
    struct wish wish = {.amount = amount, .what = "fault"};
    uint64_t kind = skn_rng_below(&w->rng, w->params.tight ? 12 : 5);
    if (kind == 1) wish = (struct wish){amount, around(w, 0, 3072), "key", {0}};
    if (kind == 2) wish = (struct wish){amount, around(w, 0, 3072), "tag", {0}};
    if (kind == 3) wish = (struct wish){amount, 10, "twice", {0}};
    if (kind == 5) wish = (struct wish){amount, around(w, l->message_bytes - 30, 0), "send", {0}};
    if (kind == 6) wish = (struct wish){amount, around(w, l->message_bytes - 9, 0), "answer", {0}};
    if (kind == 7 || kind == 8)
        wish = (struct wish){amount, around(w, l->batch_bytes / 1000, 0), "batch", {0}};
    if (kind == 9 || kind == 10)
        wish = (struct wish){amount, around(w, (uint32_t)(l->slice_gas / 23), 0), "gas", {0}};
    uint32_t row_bytes = l->row_bytes ? l->row_bytes : l->batch_bytes;
    if (kind == 11) wish = (struct wish){amount, around(w, row_bytes, 0), "row", {0}};
    ask_new(w, any_ledger(w), "add", &wish);
}

static void ask_ledger(struct world *w)
{
    int64_t amount = (int64_t)skn_rng_range(&w->rng, 1, 1000);
    const struct wish wish = {.amount = amount}, nothing = {.amount = 0};
    if (skn_rng_chance(&w->rng, 1, 4)) {
        ask_new(w, any_ledger(w), "get", &nothing);
        world_cover(w, SKN_COVER_QUERY);
    } else if (w->params.bad_adds && skn_rng_chance(&w->rng, 1, 6)) {
        ask_bad_add(w, amount);
    } else if (w->params.history && skn_rng_chance(&w->rng, 1, 4)) {
        const struct wish note = {.amount = amount, .what = "note"};
        struct skn_slice ledger = any_ledger(w);
        struct ask ask = make(w, ledger, "add", &note);
        ask.is_note = true;
        submit(w, remember(w, &ask));
    } else {
        ask_new(w, any_ledger(w), "add", &wish);
    }
}

static void ask_peer(struct world *w)
{
    struct skn_slice peer = text(w, "sim:Peer/", skn_rng_below(&w->rng, w->params.peer_count));
    bool is_short = skn_rng_chance(&w->rng, 1, 2);
    const struct wish hops = {.amount = (int64_t)skn_rng_below(&w->rng, w->params.hops_max),
                              .n = w->params.peer_count,
                              .what = w->params.secrets ? "secret" : NULL};
    const struct wish ms = {.amount = (int64_t)skn_rng_below(&w->rng, is_short ? 100 : 20000)};
    if (w->params.timers && skn_rng_chance(&w->rng, 1, 2))
        ask_new(w, peer, "later", &ms);
    else
        ask_new(w, peer, "go", &hops);
}

static void ask_job(struct world *w)
{
    struct skn_slice job = text(w, "sim:Job/", skn_rng_below(&w->rng, 2));
    uint64_t n = skn_rng_below(&w->rng, 3) * 700;
    uint64_t which = w->params.limiters ? skn_rng_below(&w->rng, 2 * JOB_LIMITS) : 0;
    const struct wish attempts = {.amount = (int64_t)skn_rng_range(&w->rng, 1, 4),
                                  .n = (int64_t)n,
                                  .what = jobs_limit(which < JOB_LIMITS ? which : 0)};
    const struct wish cancel = {.what_text =
                                    text(w, "q", skn_rng_below(&w->rng, w->ask_count + 1))};
    if (w->params.cancels && skn_rng_chance(&w->rng, 1, 3)) {
        ask_new(w, job, "cancel", &cancel);
        return;
    }
    ask_new(w, job, "do", &attempts);
    world_cover(w, SKN_COVER_JOB);
}

/* To a domain of its own; bombs.c says why. */
static void ask_bomb(struct world *w)
{
    const struct wish nothing = {.amount = 0};
    if (!bombs_may_ask(w->bombs)) return;
    ask_new(w, text(w, "sim:Bomb/", w->ask_count), "boom", &nothing);
}

/* --- what is asked again, or wrong ------------------------------------------------------------------------ */

/* The same again, answered or not; or its id for something else. */
static void repeat(struct world *w, bool is_other)
{
    if (w->ask_count == 0) return;
    size_t at = skn_rng_below(&w->rng, w->ask_count);
    struct ask ask = w->asks[at];
    if (ask.id.len == 0 || ask.is_bad) return;
    /* Forgotten after an hour, it would be another request. */
    if (w->params.hours && ask.is_answered && world_now_ms(w) > ask.answered_ms + REMEMBERED_MS)
        return;
    if (is_other) {
        if (skn_slice_eq(ask.name, SKN_LIT("start"))) return;
        const struct wish wish = {.amount = ask.amount + 1};
        ask = (struct ask){.domain = ask.domain,
                           .id = ask.id,
                           .name = ask.name,
                           .amount = wish.amount,
                           .asked = 1, /* the same may have been asked before */
                           .priority = ask.priority};
        /* A peer or a job takes whatever amount it is given. */
        ask.payload = payload_of(w, ask.id, &wish);
        at = remember(w, &ask);
        world_cover(w, SKN_COVER_OTHER_PAYLOAD);
    } else {
        world_cover(w, SKN_COVER_REPEAT);
    }
    submit(w, at);
}

/* What can never be admitted. */
static void ask_badly(struct world *w)
{
    const struct wish wish = {.amount = 1};
    struct ask ask = make(w, any_ledger(w), "add", &wish);
    uint64_t kind = skn_rng_below(&w->rng, 4);
    uint8_t *longer = skn_arena_alloc(&w->arena, 2000);
    memset(longer, 'x', 2000);
    if (kind == 0) ask.domain = SKN_LIT("sim:Nobody/1");
    if (kind == 1) ask.domain = SKN_LIT("no address");
    if (kind == 2) ask.id = skn_slice(longer, SKN_REQUEST_ID_MAX + 1);
    if (kind == 3) ask.name = skn_slice(longer, 1025);
    ask.is_bad = true;
    submit(w, remember(w, &ask));
}

void clients_ask_something(struct world *w)
{
    const struct sim_params *p = &w->params;
    uint64_t what = skn_rng_below(&w->rng, 64);
    if (p->bombs && !w->options->no_faults && !w->options->stop_at && what == 63)
        ask_bomb(w);
    else if (p->flows && what < 12)
        ask_run(w);
    else if (p->peers && what < 30)
        ask_peer(w);
    else if (p->jobs && what < 38)
        ask_job(w);
    else if (p->bad_asks && what < 40)
        ask_badly(w);
    else if (p->repeats && what < 50)
        repeat(w, what >= 47);
    else
        ask_ledger(w);
}

/* --- answers --------------------------------------------------------------------------------------------------- */

static void cover_answer(struct world *w, enum skn_rc rc)
{
    switch ((int)rc) {
    case SKN_OK: world_cover(w, SKN_COVER_ANSWER_OK); break;
    case SKN_EIDREUSED: world_cover(w, SKN_COVER_ANSWER_ID_REUSED); break;
    case SKN_EEXECUTION: world_cover(w, SKN_COVER_ANSWER_EXECUTION); break;
    case SKN_EFAULT: world_cover(w, SKN_COVER_ANSWER_FAULTED); break;
    case SKN_ETOOLARGE: world_cover(w, SKN_COVER_ANSWER_TOO_LARGE); break;
    case SKN_EGAS: world_cover(w, SKN_COVER_ANSWER_FULL); break;
    case SKN_ENOTREGISTERED: world_cover(w, SKN_COVER_REFUSED_TYPE); break;
    case SKN_EARGS: world_cover(w, SKN_COVER_REFUSED_ARGS); break;
    case SKN_EMAILBOXFULL: world_cover(w, SKN_COVER_REFUSED_FULL); break;
    default: break;
    }
}

void clients_hear(struct world *w, const struct skn_output *output)
{
    SKN_ASSERT(output->number >= 1 && output->number <= w->ask_count);
    struct ask *ask = &w->asks[output->number - 1];
    struct skn_history_event event = event_of(SKN_HISTORY_REPLY, ask);
    struct skn_value answer = skn_value_view(output->value);
    cover_answer(w, output->rc);
    if (output->rc == SKN_EFAULT && skn_slice_eq(ask->name, SKN_LIT("boom")))
        world_cover(w, SKN_COVER_ANSWER_POISON);
    if (output->rc == SKN_OK && skn_slice_eq(ask->name, SKN_LIT("start")))
        world_cover(w, SKN_COVER_RUN);
    event.rc = output->rc;
    event.answer = world_hash(output->value);
    if (ask->id.len == 0 && skn_value_is(answer, SKN_T_INT))
        event.amount = skn_value_as_int(answer);
    bool is_add = output->rc == SKN_OK && skn_slice_eq(ask->name, SKN_LIT("add"));
    if (is_add && ask->asked == 1 && skn_value_is(answer, SKN_T_INT)) {
        event.amount = skn_value_as_int(answer);
        event.count = ask->stamp = output->stamp;
    }
    w->open_asks -= ask->waits_in == w->life;
    ask->waits_in = 0;
    bool may_ask_again = output->rc == SKN_EMAILBOXFULL || output->rc == SKN_ERATELIMITED;
    bool is_limited = output->rc == SKN_ERATELIMITED;
    w->limited += is_limited && !ask->is_limited;
    w->limited -= !is_limited && ask->is_limited;
    ask->is_limited = is_limited;
    if (!may_ask_again && !ask->is_answered) ask->answered_ms = world_now_ms(w);
    if (!may_ask_again) ask->is_answered = true;
    if (ask->is_bad) return;
    world_event(w, &event);
}

void clients_hear_signal(struct world *w, const struct skn_output *signal)
{
    struct skn_value id = skn_value_view(signal->value);
    if (!skn_slice_eq(signal->name, SKN_LIT("fired"))) return;
    struct skn_history_event event = {
        .kind = SKN_HISTORY_FIRED, .domain = signal->address, .id = skn_value_as_text(id)};
    world_event(w, &event);
}

void clients_disconnect(struct world *w)
{
    w->life++;
    w->open_asks = 0;
}

size_t clients_ask_again(struct world *w)
{
    size_t count = 0, known = w->ask_count;
    bool all_before = true;
    for (size_t i = w->first_unanswered; i < known; i++) {
        struct ask *ask = &w->asks[i];
        bool is_done = ask->is_answered || ask->id.len == 0 || ask->is_bad;
        all_before = all_before && is_done;
        if (all_before) w->first_unanswered = i + 1;
        if (is_done) continue;
        count++;
        if (ask->waits_in != w->life) submit(w, i);
    }
    return count;
}
