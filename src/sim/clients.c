/* clients.c - who asks the node for something, and asks again when no answer came. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "sim/world_internal.h"

#include <inttypes.h>

#include "base/pure.h"

static struct skn_slice text(struct world *w, const char *fmt, uint64_t n)
{
    skn_buf_reset(&w->text);
    skn_buf_printf(&w->text, "%s%" PRIu64, fmt, n);
    return skn_arena_dup(&w->arena, skn_buf_slice(&w->text));
}

/* {amount, id}; the id makes the ledger's entry. */
static struct skn_slice small_payload(struct world *w, struct skn_slice id, int64_t amount)
{
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_buf_reset(&w->scratch);
    skn_builder_init(b, &w->scratch);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("amount"));
    skn_build_int(b, amount);
    skn_build_key(b, SKN_LIT("id"));
    skn_build_string(b, id);
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
    struct skn_diag diag = {0};
    struct skn_history_event event = event_of(SKN_HISTORY_REQUEST, ask);
    world_event(w, &event);
    const struct skn_request request = {.number = at + 1,
                                        .caller = SKN_LIT("client"),
                                        .id = ask->id,
                                        .address = ask->domain,
                                        .name = ask->name,
                                        .payload = skn_value_view(ask->payload),
                                        .priority = SKN_PRIORITY_NORMAL};
    if (skn_core_submit(skn_shard_core(w->shard), &request, &diag) != SKN_OK)
        world_fail(w, "a request is refused", &diag);
    ask->is_waiting = true;
    w->report->requests++;
}

static void ask_new(struct world *w, struct skn_slice domain, const char *name, int64_t amount)
{
    struct ask ask = {.domain = domain, .name = skn_slice_str(name), .amount = amount};
    if (strcmp(name, "get") != 0) ask.id = text(w, "q", w->ask_count);
    ask.payload = small_payload(w, ask.id, amount);
    submit(w, remember(w, &ask));
}

static void start_run(struct world *w)
{
    struct ask ask = {.name = SKN_LIT("start"), .payload = flows_start(w)};
    if (w->rc != SKN_OK) return;
    ask.domain = text(w, "sim:Run/r", w->runs++);
    ask.id = text(w, "q", w->ask_count);
    submit(w, remember(w, &ask));
    w->report->runs++;
}

static struct skn_slice any_run(struct world *w)
{
    return text(w, "sim:Run/r", skn_rng_below(&w->rng, w->runs));
}

void clients_resume(struct world *w, struct skn_slice run)
{
    world_take_up(w, run, true);
    ask_new(w, skn_arena_dup(&w->arena, run), "resume", 0);
}

/* The same again, answered or not; or its id for something else. */
static void repeat(struct world *w, bool is_other)
{
    if (w->ask_count == 0) return;
    size_t at = skn_rng_below(&w->rng, w->ask_count);
    struct ask ask = w->asks[at];
    if (ask.id.len == 0) return;
    if (is_other) {
        if (skn_slice_eq(ask.name, SKN_LIT("start"))) return;
        ask = (struct ask){
            .domain = ask.domain, .id = ask.id, .name = ask.name, .amount = ask.amount + 1};
        ask.payload = small_payload(w, ask.id, ask.amount);
        at = remember(w, &ask);
        w->report->reused_ids++;
    } else {
        w->report->repeats++;
    }
    submit(w, at);
}

static void ask_ledger_or_peer(struct world *w, uint64_t what)
{
    struct skn_slice ledger = text(w, "sim:Ledger/", skn_rng_below(&w->rng, LEDGERS));
    struct skn_slice peer = text(w, "sim:Peer/", skn_rng_below(&w->rng, PEERS));
    int64_t amount = (int64_t)skn_rng_range(&w->rng, 1, 1000);
    if (what < 18)
        ask_new(w, ledger, "add", amount);
    else if (what < 24)
        ask_new(w, ledger, "get", 0);
    else if (what < 32)
        ask_new(w, peer, "go", amount);
    else
        ask_new(w, peer, "later", amount);
}

void clients_ask_something(struct world *w)
{
    uint64_t what = skn_rng_below(&w->rng, 64);
    if (w->runs == 0 || (what < 12 && w->runs < RUNS_MAX))
        start_run(w);
    else if (what < 46)
        ask_ledger_or_peer(w, what - 10);
    else if (what < 48)
        ask_new(w, any_run(w), "stop", 0);
    else if (what < 50)
        ask_new(w, any_run(w), "leave", 0);
    else if (what < 54)
        clients_resume(w, any_run(w));
    else
        repeat(w, what >= 61);
}

void clients_hear(struct world *w, const struct skn_output *output)
{
    SKN_ASSERT(output->number >= 1 && output->number <= w->ask_count);
    struct ask *ask = &w->asks[output->number - 1];
    struct skn_history_event event = event_of(SKN_HISTORY_REPLY, ask);
    struct skn_value answer = skn_value_view(output->value);
    event.rc = output->rc;
    event.answer = world_hash(output->value);
    if (ask->id.len == 0 && skn_value_is(answer, SKN_T_INT))
        event.amount = skn_value_as_int(answer);
    ask->is_waiting = false;
    ask->is_answered = true;
    w->report->answers++;
    world_event(w, &event);
}

void clients_disconnect(struct world *w)
{
    for (size_t i = 0; i < w->ask_count; i++)
        w->asks[i].is_waiting = false;
}

size_t clients_ask_again(struct world *w)
{
    size_t count = 0, known = w->ask_count;
    for (size_t i = 0; i < known; i++) {
        if (w->asks[i].is_answered || w->asks[i].id.len == 0) continue;
        count++;
        if (!w->asks[i].is_waiting) submit(w, i);
    }
    return count;
}
