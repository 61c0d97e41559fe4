/* dom.c - domains that are in memory, and which of them is handled next. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/limiter_internal.h"

#include <string.h>

/* Half a KiB each. */
enum { SPARE_MAX = 512 };

static_assert((int)SKN_PRIORITIES == (int)SKN_SCHED_LANES, "a lane per priority");

static struct skn_dom *dom_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct skn_dom, node) : NULL;
}

struct skn_slice skn_dom_address(const struct skn_dom *dom)
{
    return dom->node.key;
}

const struct skn_program *skn_program_in(const struct skn_program *const *programs,
                                         struct skn_slice address)
{
    if (address.len == 0 || address.len > SKN_ADDRESS_MAX || memchr(address.ptr, 0, address.len))
        return NULL;
    if (skn_limiter_is(address)) return &skn_limiter_program;
    if (skn_blob_is(address)) return skn_blob_program_of(address);
    const uint8_t *colon = memchr(address.ptr, ':', address.len);
    if (!colon) return NULL;
    struct skn_slice rest = skn_slice_from(address, (size_t)(colon + 1 - address.ptr));
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    if (!slash || slash + 1 == rest.ptr + rest.len) return NULL;
    struct skn_slice type = skn_slice(rest.ptr, (size_t)(slash - rest.ptr));
    for (size_t i = 0; programs[i]; i++) {
        if (skn_slice_eq(type, skn_slice_str(programs[i]->type))) return programs[i];
    }
    return NULL;
}

const struct skn_program *skn_program_find(const struct skn_core *core, struct skn_slice address)
{
    return skn_program_in(core->programs, address);
}

struct skn_dom *skn_dom_find(const struct skn_core *core, struct skn_slice address)
{
    return dom_of(skn_omap_find(&core->doms, address));
}

static void init_lists(struct skn_dom *dom)
{
    skn_list_init(&dom->link);
    skn_list_init(&dom->answers);
    skn_list_init(&dom->removals);
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++)
        skn_list_init(&dom->requests[lane]);
}

/* What a domain is of which nothing is known but its address, which is in its key. */
static void begin(struct skn_dom *dom, size_t address_len, const struct skn_program *program)
{
    dom->node.key = skn_slice(dom->key + SKN_SCHED_ROUND_BYTES, address_len);
    skn_turn_init(&dom->turn, dom->key, SKN_SCHED_ROUND_BYTES + address_len);
    init_lists(dom);
    dom->program = program;
    dom->kept_lane = SKN_LANES;
}

struct skn_dom *skn_dom_get(struct skn_core *core, struct skn_slice address)
{
    struct skn_dom *dom = skn_dom_find(core, address);
    if (dom) return dom;
    const struct skn_program *program = skn_program_find(core, address);
    if (!program) return NULL;
    dom = skn_alloc_zero(1, sizeof *dom + SKN_SCHED_ROUND_BYTES + address.len);
    memcpy(dom->key + SKN_SCHED_ROUND_BYTES, address.ptr, address.len);
    begin(dom, address.len, program);
    dom->is_unsure = core->is_open && core->holds && program->is_held;
    SKN_ASSERT(!skn_omap_insert(&core->doms, &dom->node));
    return dom;
}

static void leave_list(struct skn_core *core, struct skn_dom *dom)
{
    skn_list_remove(&dom->link);
    if (dom->is_idle) core->idle_count--;
    if (dom->is_spare) core->spare_count--;
    dom->is_idle = dom->is_spare = false;
}

void skn_dom_unpin(struct skn_core *core, struct skn_dom *dom)
{
    if (dom->pin) skn_store_unpin(core->store, dom->pin);
    dom->pin = 0;
}

void skn_dom_free(struct skn_core *core, struct skn_dom *dom)
{
    skn_dom_unpin(core, dom);
    skn_sched_drop(&core->sched, &dom->turn);
    leave_list(core, dom);
    if (dom->is_keyless) core->secrets.keyless--;
    struct skn_list *link;
    while ((link = skn_list_pop_front(&dom->removals)))
        skn_free(SKN_CONTAINER_OF(link, struct skn_input, link));
    while ((link = skn_list_pop_front(&dom->answers)))
        skn_free(SKN_CONTAINER_OF(link, struct skn_input, link));
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
        while ((link = skn_list_pop_front(&dom->requests[lane])))
            skn_free(SKN_CONTAINER_OF(link, struct skn_input, link));
    }
    if (dom->warm) dom->program->sleep(dom->warm);
    if (dom->kept) core->kept_bytes -= dom->kept->cap;
    skn_free(dom->kept);
    skn_omap_remove(&core->doms, &dom->node);
    skn_free(dom);
}

struct skn_input *skn_input_create(const struct skn_message *message,
                                   uint64_t request,
                                   struct skn_slice address,
                                   struct skn_slice caller,
                                   struct skn_slice id)
{
    const struct skn_slice *parts[] = {
        &message->sender, &message->name, &message->tag, &message->reason, &address, &caller, &id};
    size_t payload = skn_value_size(message->payload), size = payload;
    for (size_t i = 0; i < SKN_ARRAY_LEN(parts); i++)
        size += parts[i]->len;

    struct skn_input *input = skn_alloc(sizeof *input + size + 1);
    *input = (struct skn_input){.address = address};
    skn_list_init(&input->link);
    input->message = *message;
    input->request = request;
    struct skn_slice *copies[] = {&input->message.sender,
                                  &input->message.name,
                                  &input->message.tag,
                                  &input->message.reason,
                                  &input->address,
                                  &input->caller,
                                  &input->id};
    uint8_t *at = input->bytes;
    for (size_t i = 0; i < SKN_ARRAY_LEN(parts); i++) {
        if (parts[i]->len > 0) memcpy(at, parts[i]->ptr, parts[i]->len);
        *copies[i] = skn_slice(at, parts[i]->len);
        at += parts[i]->len;
    }
    /* In place: a buffer over what is left, which has its byte for a NUL. */
    struct skn_buf out = {.ptr = at, .cap = payload + 1, .max = payload};
    skn_value_encode(message->payload, &out);
    SKN_ASSERT(out.ptr == at && out.len == payload);
    input->message.payload = skn_value_view(skn_slice(at, payload));
    input->has_secret = skn_value_has_secret(message->payload);
    return input;
}

struct skn_input *skn_input_own(const struct skn_message *message)
{
    static const struct skn_slice none;
    return skn_input_create(message, 0, none, none, none);
}

void skn_dom_queue(struct skn_core *core, struct skn_dom *dom, struct skn_input *input)
{
    input->arrival = core->arrivals++;
    SKN_ASSERT(input->message.priority < SKN_PRIORITIES);
    struct skn_list *list = &dom->answers;
    if (input->message.kind == SKN_MESSAGE_REQUEST) list = &dom->requests[input->message.priority];
    if (input->message.kind == SKN_MESSAGE_REMOVE) {
        list = &dom->removals;
        dom->is_held = dom->is_stuck = dom->is_unsure = false; /* no program sees anything of it */
    }
    skn_list_push_back(list, &input->link);
    skn_dom_settle(core, dom);
}

static void free_oldest_spare(struct skn_core *core)
{
    struct skn_list *oldest = skn_list_first(&core->spare);
    SKN_ASSERT(oldest);
    skn_dom_free(core, SKN_CONTAINER_OF(oldest, struct skn_dom, link));
}

/* Nothing is lost with it: all state is rows. */
static void cool(struct skn_dom *dom)
{
    if (dom->warm) dom->program->sleep(dom->warm);
    dom->warm = NULL;
}

/* But for its row nothing of it is remembered, but it stays in its place for a while: whom it wrote to
 * may answer, and another would have to be made. Where domains are held, being in memory says something (hold.c). */
static void make_spare(struct skn_core *core, struct skn_dom *dom)
{
    if (dom->program->is_held && core->holds) {
        skn_dom_free(core, dom);
        return;
    }
    struct skn_turn turn = {.rank = dom->turn.rank};
    turn.node.key = dom->turn.node.key;
    const struct skn_omap_node node = dom->node;
    const struct skn_program *program = dom->program;
    leave_list(core, dom);
    SKN_ASSERT(dom->turn.in == SKN_TURN_OUT && !dom->warm);
    memset(dom, 0, offsetof(struct skn_dom, kept));
    dom->node = node;
    dom->turn = turn;
    init_lists(dom);
    dom->program = program;
    dom->kept_lane = SKN_LANES;
    dom->is_spare = true;
    skn_list_push_back(&core->spare, &dom->link);
    if (++core->spare_count > SPARE_MAX) free_oldest_spare(core);
}

static void free_unless_needed(struct skn_core *core, struct skn_dom *dom)
{
    bool is_needed = dom->turn.in != SKN_TURN_OUT || dom->is_held || dom->want || dom->warm ||
                     (dom->is_taken && core->holds) || skn_mail_has_any(dom) ||
                     !skn_boxes_are_empty(dom->boxes);
    if (!is_needed) make_spare(core, dom);
}

static void evict(struct skn_core *core)
{
    struct skn_list *oldest = skn_list_first(&core->idle);
    SKN_ASSERT(oldest);
    struct skn_dom *dom = SKN_CONTAINER_OF(oldest, struct skn_dom, link);
    leave_list(core, dom);
    cool(dom);
    free_unless_needed(core, dom);
}

/* Idle, and its debt is paid. */
static bool sweep_one(struct skn_core *core)
{
    struct skn_turn *turn = skn_sched_paid(&core->sched);
    if (!turn) return false;
    free_unless_needed(core, SKN_CONTAINER_OF(turn, struct skn_dom, turn));
    return true;
}

/* --- its mail ----------------------------------------------------------------------------------------- */

void skn_dom_got_mail(struct skn_core *core, struct skn_dom *dom, uint8_t lanes)
{
    leave_list(core, dom); /* one that is spare could go before it is settled */
    dom->mail |= lanes;
    dom->full |= lanes;
}

/* Bytes of one message, and of all that a shard keeps so. */
enum { KEPT_MAX = 1 << 10, KEPT_CAP_MIN = 256, KEPT_BYTES_MAX = 16 << 20 };

static bool has_room(struct skn_core *core, struct skn_dom *dom, size_t size)
{
    if (dom->kept && dom->kept->cap >= size) return true;
    if (size > KEPT_MAX || core->kept_bytes > KEPT_BYTES_MAX) return false;
    size_t cap = size < KEPT_CAP_MIN ? KEPT_CAP_MIN : KEPT_MAX;
    core->kept_bytes += cap - (dom->kept ? dom->kept->cap : 0);
    skn_free(dom->kept);
    dom->kept = skn_alloc(sizeof *dom->kept + cap);
    dom->kept->cap = cap;
    return true;
}

void skn_dom_keep(struct skn_core *core, struct skn_dom *dom, const struct skn_met *met)
{
    if (!met->first || dom->kept_lane != SKN_LANES) return;
    struct skn_slice key = met->first->node.key, value = met->first->value;
    if (!has_room(core, dom, key.len + value.len)) return;
    struct skn_kept *kept = dom->kept;
    kept->key_len = key.len;
    kept->len = value.len;
    memcpy(kept->bytes, key.ptr, key.len);
    memcpy(kept->bytes + key.len, value.ptr, value.len);
    dom->kept_lane = met->first_lane;
}

/* --- who is next ---------------------------------------------------------------------------------------- */

void skn_doms_sweep(struct skn_core *core)
{
    while (sweep_one(core))
        continue;
}

void skn_doms_free_spares(struct skn_core *core)
{
    while (core->spare_count > 0)
        free_oldest_spare(core);
}

void skn_dom_settle(struct skn_core *core, struct skn_dom *dom)
{
    if (dom->is_keyless && !skn_mail_has_any(dom)) {
        dom->is_keyless = false; /* what needed the key is gone */
        core->secrets.keyless--;
    }
    enum skn_priority lane = skn_mail_lane(core, dom);
    leave_list(core, dom);
    if (dom->want) skn_list_push_back(&core->fetching, &dom->link);
    bool waits = (dom->is_held && !skn_hold_wants(dom)) || dom->want;
    if (lane < SKN_PRIORITIES && !waits) {
        skn_sched_enter(&core->sched, &dom->turn, lane);
        return;
    }
    skn_sched_leave(&core->sched, &dom->turn);
    if (waits || skn_mail_has_any(dom)) return;
    if (dom->warm) {
        skn_list_push_back(&core->idle, &dom->link);
        dom->is_idle = true;
        if (++core->idle_count > core->limits.warm_domains) evict(core);
    } else {
        free_unless_needed(core, dom);
    }
    /* One slice leaves at most one that owes, so two at a time keep up. */
    if (sweep_one(core)) (void)sweep_one(core);
}

struct skn_dom *skn_dom_pick(struct skn_core *core)
{
    struct skn_turn *turn = skn_sched_pick(&core->sched);
    return turn ? SKN_CONTAINER_OF(turn, struct skn_dom, turn) : NULL;
}
