/* past.c - looks back: what a ledger had at a stamp, by the same code as `domain get --at` [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "base/mem.h"
#include "sim/node_internal.h"
#include "sim/numbers_internal.h"

#include "base/pure.h"

enum { LOOKS = 2, LAST_LOOKS = 12, TRIES = 30 };

struct glance {
    struct skn_call call;
    struct skn_slice address;
    int64_t sum;
};

static enum skn_rc read_sum(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct glance *g = SKN_CONTAINER_OF(call, struct glance, call);
    struct skn_slice bytes;
    (void)core;
    g->sum = 0;
    enum skn_rc rc = skn_core_get(store, g->address, SKN_LIT("t"), &bytes, &call->diag);
    if (rc == SKN_OK) g->sum = (int64_t)numbers_decode(bytes).n[0];
    /* And all rows together are those of the last record up to there [E44]. */
    return rc == SKN_ENOENT || rc == SKN_OK ? skn_store_verify(store, &call->diag) : rc;
}

static void
tell(struct world *w, struct skn_shards *at, const struct ask *ask, const struct glance *g)
{
    struct skn_history_event event = {
        .kind = SKN_HISTORY_THEN, .domain = g->address, .count = g->call.stamp, .amount = g->sum};
    world_cover(w, SKN_COVER_LOOKED_BACK);
    world_event(w, &event);
    if (!ask || w->rc != SKN_OK) return;
    struct skn_slice note = numbers_key(&w->arena, "n", ask->id);
    event.id = ask->id;
    event.is_over = skn_shards_was_pruned(at, note);
    world_cover(w, SKN_COVER_PRUNED_THEN);
    world_event(w, &event);
}

/* `noted`: its note was there at the stamp, and is gone for long; or NULL. */
static void
look_back(struct world *w, struct skn_slice address, uint64_t stamp, const struct ask *noted)
{
    const struct skn_shards_options options = node_options(w);
    struct skn_shards *at = NULL;
    struct skn_shards_event event;
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_shards_open_at(&options, address, stamp, &at, &diag);
    uint64_t since_ms = node_history_since_ms(w);
    if (rc == SKN_ENOENT && (since_ms == 0 || skn_hlc_ms(stamp) <= since_ms)) {
        world_cover(w, SKN_COVER_NOT_KEPT);
        return;
    }
    if (rc != SKN_OK) {
        world_fail(w, "P1: what was cannot be looked at", &diag);
        return;
    }
    struct glance g = {.call.fn = read_sum, .address = address};
    g.call.shard = skn_shards_of(at, address);
    skn_shards_call(at, &g.call);
    bool has_come = skn_shards_next_event(at, &event);
    SKN_ASSERT(has_come && event.call == &g.call);
    g.call.stamp = stamp;
    if (g.call.rc == SKN_OK)
        tell(w, at, noted, &g);
    else
        world_fail(w, "P1: what was cannot be read", &g.call.diag);
    skn_shards_abandon(at);
}

/* Any add whose stamp is known; NULL: none was met. */
static const struct ask *any_add(const struct world *w, struct skn_rng *rng)
{
    for (int i = 0; i < TRIES && w->ask_count > 0; i++) {
        const struct ask *ask = &w->asks[skn_rng_below(rng, w->ask_count)];
        if (ask->stamp > 0) return ask;
    }
    return NULL;
}

void past_look(struct world *w, bool is_over)
{
    /* Of its own: how often the node opens moves nothing else. */
    struct skn_rng rng;
    uint64_t state = w->options->seed * 0x9e3779b97f4a7c15u ^ (w->report->rounds + 1);
    skn_rng_init(&rng, skn_splitmix64(&state));
    if (w->options->stop_at) return;
    for (int i = 0; i < (is_over ? LAST_LOOKS : LOOKS) && w->rc == SKN_OK; i++) {
        const struct ask *add = any_add(w, &rng), *other = any_add(w, &rng);
        if (!add || !other) return;
        bool is_noted = is_over && add->is_note;
        /* At a change, before and behind it; or when something changed elsewhere. */
        uint64_t stamp = add->stamp + skn_rng_below(&rng, 3) - 1;
        if (is_noted)
            look_back(w, add->domain, add->stamp, add);
        else
            look_back(w, i % 2 ? other->domain : add->domain, stamp, NULL);
    }
}
