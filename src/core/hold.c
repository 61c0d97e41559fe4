/* hold.c - domains that wait since the opening until somebody takes them up [E81].
 *
 * A domain of a held program that had mail, intents or timers when the core was opened is held. Those
 * with mail or intents are in memory from the opening on. One that has timers only is not: its rows
 * say that it is held, since it has a timer, and its last batch is of an older epoch.
 *
 * What it has of limiters it gives back, since others wait for it and nobody knows for how long: places
 * and asks alike, by slices of the core's own that the program does not see and that leave the epoch in
 * its row, so that it is held by the next opening too. When it is taken up its intents ask anew (intent.c).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "core/core_internal.h"

/* By its rows, for one that memory knows nothing of. SKN_OK, SKN_ELATER, SKN_ECORRUPT. */
static enum skn_rc rests_on_timers(const struct skn_core *core,
                                   const struct skn_program *program,
                                   struct skn_slice address,
                                   bool *out_rests,
                                   struct skn_diag *diag)
{
    *out_rests = false;
    if (!core->holds || !program || !program->is_held) return SKN_OK;
    struct skn_key key, end;
    struct skn_slice bytes;
    struct skn_meta_row meta;
    skn_key_meta(&key, address);
    enum skn_rc rc = skn_store_get(core->store, skn_key_slice(&key), &bytes, diag);
    if (rc == SKN_OK) rc = skn_meta_decode(bytes, &meta, diag);
    if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
    if (meta.epoch == core->epoch) return SKN_OK;
    skn_key_timers(&key, address);
    end = key;
    skn_key_end(&end);
    struct skn_row row;
    size_t count;
    rc = skn_store_scan(
        core->store, skn_key_slice(&key), skn_key_slice(&end), &row, 1, &count, diag);
    if (rc == SKN_OK) *out_rests = count > 0;
    return rc;
}

enum skn_rc skn_hold_of(const struct skn_core *core,
                        struct skn_slice address,
                        bool *out_held,
                        struct skn_diag *diag)
{
    const struct skn_dom *dom = skn_dom_find(core, address);
    *out_held = dom && dom->is_held;
    if (dom && !dom->is_unsure) return SKN_OK;
    return rests_on_timers(core, skn_program_find(core, address), address, out_held, diag);
}

enum skn_rc skn_hold_decide(struct skn_core *core, struct skn_dom *dom, struct skn_diag *diag)
{
    if (!dom->is_unsure) return SKN_OK;
    enum skn_rc rc = rests_on_timers(core, dom->program, skn_dom_address(dom), &dom->is_held, diag);
    if (rc != SKN_OK) return rc;
    dom->is_unsure = false;
    return dom->is_held ? SKN_ENOENT : SKN_OK;
}

bool skn_hold_wants(const struct skn_dom *dom)
{
    return dom->is_held && dom->has_places;
}

void skn_hold_choose(const struct skn_dom *dom, struct skn_work *work)
{
    work->message = (struct skn_message){.kind = SKN_MESSAGE_PLACES,
                                         .priority = SKN_PRIORITY_NORMAL,
                                         .number = dom->places_at,
                                         .payload = skn_value_none()};
}

void skn_hold_give_back(struct skn_cx *cx, const struct skn_message *message)
{
    if (skn_bug(SKN_BUG_HELD_KEEPS_PLACE)) return;
    cx->places_next = skn_intents_withdraw(cx, message->number);
}

void skn_hold_gave_back(struct skn_dom *dom, const struct skn_cx *cx)
{
    dom->has_places = cx->places_next > 0;
    dom->places_at = cx->places_next;
}

bool skn_core_is_held(const struct skn_core *core, struct skn_slice address)
{
    bool is_held;
    enum skn_rc rc = skn_hold_of(core, address, &is_held, NULL);
    return rc == SKN_ELATER || (rc == SKN_OK && is_held);
}

static void take_up(struct skn_core *core, struct skn_dom *dom)
{
    dom->is_held = false;
    dom->is_stuck = false;
    dom->is_unsure = false;
    dom->has_places = false;
    /* Until a batch of this epoch says it, the rows still say that it is held. */
    dom->is_taken = core->holds;
    skn_timers_come_back(core, skn_dom_address(dom));
    skn_dom_settle(core, dom);
}

static enum skn_rc take_up_all(struct skn_core *core, bool is_asked)
{
    enum skn_rc rc = SKN_ENOENT;
    skn_timers_read_again(core);
    /* Some timer: whether it belongs to one that was held is not looked up. */
    if (core->holds && skn_timers_due_ms(core) != UINT64_MAX) rc = SKN_OK;
    core->holds = false;
    skn_doms_sweep(core); /* or settling one could free the next */
    skn_doms_free_spares(core);
    struct skn_omap_node *next = skn_omap_first(&core->doms);
    while (next) {
        struct skn_dom *dom = SKN_CONTAINER_OF(next, struct skn_dom, node);
        next = skn_omap_next(next);
        if (!dom->is_held || (dom->is_stuck && !is_asked)) continue;
        take_up(core, dom);
        rc = SKN_OK;
    }
    return rc;
}

enum skn_rc skn_core_take_up(struct skn_core *core, struct skn_slice address, bool is_asked)
{
    if (address.len == 0) return take_up_all(core, is_asked);
    if (!skn_core_is_held(core, address)) return SKN_ENOENT;
    struct skn_dom *dom = skn_dom_get(core, address);
    if (dom->is_stuck && !is_asked) return SKN_ENOENT;
    take_up(core, dom);
    return SKN_OK;
}
