/* outside.c - what whoever owns the shards asks of them, and what comes back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "shard/parts_internal.h"

/* An item that found a ring full. */
struct late {
    struct skn_list link;
    struct skn_ring_item item;
};

uint32_t skn_shards_count(const struct skn_shards *all)
{
    return all->count;
}

uint32_t skn_shards_of(const struct skn_shards *all, struct skn_slice address)
{
    return skn_shard_of(address, all->count);
}

/* In order: what is late goes first. */
static void send_late(struct skn_shards *all, unsigned worker)
{
    struct skn_list *first;
    while ((first = skn_list_first(&all->waiting[worker]))) {
        struct late *late = SKN_CONTAINER_OF(first, struct late, link);
        const struct skn_ring_item *i = &late->item;
        if (!parts_push(all, part_outside(all), worker, i->kind, i->shard, i->number, i->ptr))
            return;
        skn_list_remove(first);
        skn_free(late);
    }
}

static void
send(struct skn_shards *all, enum item_kind kind, uint32_t shard, uint64_t number, void *ptr)
{
    SKN_ASSERT(!all->is_read_only);
    unsigned worker = all->shards[shard]->worker->part;
    send_late(all, worker);
    if (!skn_list_is_empty(&all->waiting[worker]) ||
        !parts_push(all, part_outside(all), worker, kind, shard, number, ptr)) {
        struct late *late = skn_alloc_zero(1, sizeof *late);
        skn_list_init(&late->link);
        late->item =
            (struct skn_ring_item){.kind = kind, .shard = shard, .number = number, .ptr = ptr};
        skn_list_push_back(&all->waiting[worker], &late->link);
    }
    parts_wake(all, part_outside(all));
}

void outside_fini(struct skn_shards *all)
{
    skn_output_free(all->given);
    for (unsigned w = 0; all->waiting && w < all->worker_count; w++) {
        struct skn_list *link;
        while ((link = skn_list_pop_front(&all->waiting[w]))) {
            struct late *late = SKN_CONTAINER_OF(link, struct late, link);
            parts_free_item(&late->item);
            skn_free(late);
        }
    }
    skn_free(all->waiting);
}

void skn_shards_submit(struct skn_shards *all, const struct skn_request *request)
{
    uint32_t shard = skn_shards_of(all, request->address);
    send(all, ITEM_INPUT, shard, 0, skn_input_of_request(request));
}

void skn_shards_result(struct skn_shards *all, const struct skn_attempt_result *result)
{
    uint32_t shard = skn_shards_of(all, result->address);
    send(all, ITEM_INPUT, shard, 0, skn_input_of_result(result));
}

void skn_shards_redeliver(struct skn_shards *all, const struct skn_redeliver *redeliver)
{
    uint32_t shard = skn_shards_of(all, redeliver->address);
    send(all, ITEM_INPUT, shard, 0, skn_input_of_redeliver(redeliver));
}

void skn_shards_remove(struct skn_shards *all, const struct skn_remove *remove)
{
    uint32_t shard = skn_shards_of(all, remove->address);
    send(all, ITEM_INPUT, shard, 0, skn_input_of_remove(remove));
}

static void take_up(struct skn_shards *all, uint32_t shard, struct skn_slice address, bool is_asked)
{
    struct skn_slice *copy = skn_alloc(sizeof *copy + address.len);
    uint8_t *bytes = (uint8_t *)(copy + 1);
    if (address.len > 0) memcpy(bytes, address.ptr, address.len);
    *copy = skn_slice(bytes, address.len);
    send(all, ITEM_TAKE_UP, shard, is_asked, copy);
}

void skn_shards_take_up(struct skn_shards *all, struct skn_slice address, bool is_asked)
{
    if (address.len > 0) {
        take_up(all, skn_shards_of(all, address), address, is_asked);
        return;
    }
    for (uint32_t i = 0; i < all->count; i++)
        take_up(all, i, address, is_asked);
}

void skn_shards_call(struct skn_shards *all, struct skn_call *call)
{
    SKN_ASSERT(call->shard < all->count);
    skn_list_init(&call->link);
    if (!all->is_read_only) {
        send(all, ITEM_CALL, call->shard, 0, call);
        return;
    }
    struct shard *shard = all->shards[call->shard];
    call->diag = (struct skn_diag){0};
    call->rc = call->fn(call, NULL, shard->store);
    SKN_ASSERT(call->rc != SKN_ELATER); /* a store for looking waits */
    call->stamp = skn_store_position(shard->store).stamp;
    skn_list_push_back(&all->answered, &call->link);
}

bool skn_shards_next_event(struct skn_shards *all, struct skn_shards_event *out)
{
    skn_output_free(all->given);
    all->given = NULL;
    *out = (struct skn_shards_event){0};
    struct skn_list *link = skn_list_pop_front(&all->answered);
    if (link) {
        out->call = SKN_CONTAINER_OF(link, struct skn_call, link);
        return true;
    }
    struct skn_ring_item item;
    for (unsigned w = 0; w < all->worker_count && !all->is_read_only; w++) {
        send_late(all, w);
        if (!parts_pop(all, w, part_outside(all), &item)) continue;
        if (item.kind == ITEM_CALL) {
            out->call = item.ptr;
        } else {
            SKN_ASSERT(item.kind == ITEM_OUTPUT);
            out->output = all->given = item.ptr;
        }
        return true;
    }
    if (!all->is_read_only) parts_wake(all, part_outside(all));
    return false;
}

void skn_shards_on_wake(struct skn_shards *all, skn_wake_fn fn, void *ctx)
{
    all->wake = fn;
    all->wake_ctx = ctx;
}

void skn_shards_advance_clock(struct skn_shards *all, uint64_t ms)
{
    atomic_fetch_add_explicit(&all->clock_ahead_ms, ms, memory_order_relaxed);
    for (unsigned w = 0; w < all->worker_count && all->wake; w++)
        all->wake(all->wake_ctx, part_outside(all), w);
}

void skn_shards_mac(const struct skn_shards *all,
                    struct skn_slice label,
                    struct skn_slice text,
                    uint8_t out[32])
{
    SKN_ASSERT(!all->is_read_only);
    skn_core_mac_by(all->secret, label, text, out);
}

struct skn_shards_state skn_shards_state(const struct skn_shards *all)
{
    struct skn_shards_state s = {
        .disk = (enum skn_journal_disk)atomic_load_explicit(&all->disk, memory_order_relaxed),
        .tail_records = atomic_load_explicit(&all->tail_records, memory_order_relaxed),
        .tail_bytes = atomic_load_explicit(&all->tail_bytes, memory_order_relaxed),
        .checkpoints = atomic_load_explicit(&all->checkpoints, memory_order_relaxed),
        .checkpoint_ms = atomic_load_explicit(&all->checkpoint_ms, memory_order_relaxed),
        .is_checkpointing = atomic_load_explicit(&all->is_checkpointing, memory_order_relaxed),
        .groups = atomic_load_explicit(&all->groups, memory_order_relaxed),
        .records = atomic_load_explicit(&all->records, memory_order_relaxed),
        .epoch = all->epoch,
        .is_quiet = true,
        .history_since_ms = atomic_load_explicit(&all->history_since_ms, memory_order_relaxed),
        .history_is_given_up =
            atomic_load_explicit(&all->history_is_given_up, memory_order_relaxed),
    };
    for (unsigned w = 0; w < all->worker_count && all->workers; w++) {
        const struct tally *t = &all->workers[w].tally;
        s.slices += atomic_load_explicit(&t->slices, memory_order_relaxed);
        s.batches += atomic_load_explicit(&t->batches, memory_order_relaxed);
        s.faults += atomic_load_explicit(&t->faults, memory_order_relaxed);
        s.dropped_results += atomic_load_explicit(&t->dropped_results, memory_order_relaxed);
        s.timers_fired += atomic_load_explicit(&t->timers_fired, memory_order_relaxed);
        s.is_quiet &= !atomic_load_explicit(&t->is_busy, memory_order_relaxed);
    }
    s.is_behind = is_behind(all);
    return s;
}

void skn_shards_hold_journal(struct skn_shards *all, uint64_t ms)
{
    uint64_t until_ns = ms == 0 ? 0 : skn_env_now_mono_ns(all->env) + ms * MS_IN_NS;
    atomic_store_explicit(&all->hold_until_ns, until_ns, memory_order_release);
}

void skn_shards_checkpoint(struct skn_shards *all)
{
    atomic_store_explicit(&all->wants_checkpoint, true, memory_order_relaxed);
    if (all->wake) all->wake(all->wake_ctx, part_outside(all), part_keeper(all));
}

/* --- turning -------------------------------------------------------------------------------------------- */

unsigned skn_shards_parts(const struct skn_shards *all)
{
    return part_outside(all);
}

const char *skn_shards_part_name(const struct skn_shards *all, unsigned part)
{
    static const char *const behind[] = {"log", "fetcher", "keeper", "preparer", "outside"};
    return part < all->worker_count ? "worker" : behind[part - all->worker_count];
}

enum skn_rc
skn_shards_turn(struct skn_shards *all, unsigned part, bool *out_more, struct skn_diag *diag)
{
    SKN_ASSERT(part < part_outside(all));
    if (part == part_log(all)) return log_turn(all, out_more, diag);
    if (part == part_fetcher(all)) return fetcher_turn(all, out_more, diag);
    if (part == part_keeper(all)) return keeper_turn(all, out_more, diag);
    if (part == part_preparer(all)) return preparer_turn(all, out_more, diag);
    return worker_turn(&all->workers[part], out_more, diag);
}

int skn_shards_timeout_ms(struct skn_shards *all, unsigned part)
{
    SKN_ASSERT(part < part_outside(all));
    if (part == part_log(all)) return log_timeout_ms(all);
    if (part == part_fetcher(all)) return -1;
    if (part == part_keeper(all)) return keeper_timeout_ms(all);
    if (part == part_preparer(all)) return preparer_timeout_ms(all);
    return worker_timeout_ms(&all->workers[part]);
}

/* Workers, then the log with what they gave it, then the store; the workers once more let out what
 * became durable. */
enum skn_rc skn_shards_turn_all(struct skn_shards *all, bool *out_more, struct skn_diag *diag)
{
    unsigned parts = part_outside(all);
    bool more = false;
    enum skn_rc rc = SKN_OK;
    *out_more = false;
    for (unsigned i = 0; rc == SKN_OK && i < parts; i++)
        rc = skn_shards_turn(all, i, &more, diag);
    for (unsigned i = 0; rc == SKN_OK && i < all->worker_count; i++) {
        rc = worker_turn(&all->workers[i], &more, diag);
        *out_more |= more;
    }
    *out_more |= !parts_are_quiet(all);
    return rc;
}

int skn_shards_timeout_all_ms(struct skn_shards *all)
{
    int least = -1;
    if (!parts_are_quiet(all)) return 0;
    for (unsigned i = 0; i < part_outside(all); i++) {
        int wait = skn_shards_timeout_ms(all, i);
        if (wait >= 0 && (least < 0 || wait < least)) least = wait;
    }
    return least;
}
