/* release.c - what leaves a shard: outputs whose batch is durable, and looks that saw only such. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/parts_internal.h"

void release_calls(struct shard *shard)
{
    SKN_LIST_FOREACH_SAFE (link, after, &shard->calls) {
        struct skn_call *call = SKN_CONTAINER_OF(link, struct skn_call, link);
        call->diag = (struct skn_diag){0};
        call->rc = call->fn(call, shard->core, shard->store);
        if (call->rc == SKN_ELATER) continue;
        call->index = skn_core_index(shard->core);
        call->stamp = skn_store_position(shard->store).stamp;
        skn_list_remove(link);
        skn_list_push_back(&shard->called, link);
    }
}

/* Looks leave when what they saw is durable: then whatever was released before them has left. */
static bool give_calls(struct shard *shard)
{
    uint64_t durable = skn_core_durable_index(shard->core);
    struct skn_shards *all = shard->worker->all;
    unsigned outside = part_outside(all);
    struct skn_list *first;
    while ((first = skn_list_first(&shard->called))) {
        struct skn_call *call = SKN_CONTAINER_OF(first, struct skn_call, link);
        if (call->index > durable) return true;
        skn_list_remove(first);
        if (!parts_push(all, shard->worker->part, outside, ITEM_CALL, shard->number, 0, call)) {
            skn_list_push_front(&shard->called, first);
            return false;
        }
    }
    return true;
}

/* A full ring is not waited for: the rows stay in the outbox, and are sent again [E31]. */
static void give_packet(struct shard *shard, struct skn_output *packet)
{
    struct skn_shards *all = shard->worker->all;
    uint32_t to = packet->shard;
    SKN_ASSERT(to < all->count);
    struct shard *target = all->shards[to];
    if (target->worker == shard->worker) {
        skn_core_packet(target->core, shard->number, packet->value);
        worker_activate(target);
        skn_output_free(packet);
        return;
    }
    bool is_owed = (shard->owed[to / 64] >> (to % 64)) & 1;
    if (!is_owed &&
        parts_push(
            all, shard->worker->part, target->worker->part, ITEM_PACKET, shard->number, to, packet))
        return;
    shard->owed[to / 64] |= UINT64_C(1) << (to % 64);
    shard->owes = true;
    skn_output_free(packet);
}

/* There may be room again: what did not fit comes out of the core once more. */
static void pay_owed(struct shard *shard)
{
    struct skn_shards *all = shard->worker->all;
    shard->owes = false;
    for (uint32_t to = 0; to < all->count; to++) {
        if (!((shard->owed[to / 64] >> (to % 64)) & 1)) continue;
        unsigned part = all->shards[to]->worker->part;
        struct skn_ring *ring = all->rings[shard->worker->part * all->parts_all + part];
        if (skn_ring_room(ring) < RING_ITEMS / 2) {
            shard->owes = true;
            continue;
        }
        shard->owed[to / 64] &= ~(UINT64_C(1) << (to % 64));
        skn_core_resend(shard->core, to);
    }
    worker_activate(shard);
}

bool release_outputs(struct shard *shard)
{
    struct skn_shards *all = shard->worker->all;
    unsigned part = shard->worker->part, outside = part_outside(all);
    struct skn_ring *ring = all->rings[part * all->parts_all + outside];
    bool has_room = true;
    if (shard->owes) pay_owed(shard);
    while ((has_room = skn_ring_room(ring) > 0)) {
        struct skn_output *output = skn_core_take_output(shard->core);
        if (!output) break;
        if (output->kind == SKN_OUTPUT_PACKET) {
            give_packet(shard, output);
            continue;
        }
        bool fits = parts_push(all, part, outside, ITEM_OUTPUT, shard->number, 0, output);
        SKN_ASSERT(fits);
    }
    return has_room && give_calls(shard) && !shard->owes;
}
