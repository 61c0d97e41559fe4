/* dom.c - domains that are in memory, and which of them is handled next. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/core_internal.h"

#include <string.h>

/* After so many picks of a higher class a waiting lower one has its turn (DESIGN 3.1). */
enum { TURNS = 3 };

static struct skn_dom *dom_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct skn_dom, node) : NULL;
}

struct skn_slice skn_dom_address(const struct skn_dom *dom)
{
    return dom->node.key;
}

const struct skn_program *skn_program_find(const struct skn_core *core, struct skn_slice address)
{
    if (address.len == 0 || address.len > SKN_ADDRESS_MAX || memchr(address.ptr, 0, address.len))
        return NULL;
    const uint8_t *colon = memchr(address.ptr, ':', address.len);
    if (!colon) return NULL;
    struct skn_slice rest = skn_slice_from(address, (size_t)(colon + 1 - address.ptr));
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    if (!slash || slash + 1 == rest.ptr + rest.len) return NULL;
    struct skn_slice type = skn_slice(rest.ptr, (size_t)(slash - rest.ptr));
    for (size_t i = 0; core->programs[i]; i++) {
        if (skn_slice_eq(type, skn_slice_str(core->programs[i]->type))) return core->programs[i];
    }
    return NULL;
}

struct skn_dom *skn_dom_find(const struct skn_core *core, struct skn_slice address)
{
    return dom_of(skn_omap_find(&core->doms, address));
}

struct skn_dom *skn_dom_get(struct skn_core *core, struct skn_slice address)
{
    struct skn_dom *dom = skn_dom_find(core, address);
    if (dom) return dom;
    const struct skn_program *program = skn_program_find(core, address);
    if (!program) return NULL;
    dom = skn_alloc_zero(1, sizeof *dom + address.len);
    memcpy(dom->address, address.ptr, address.len);
    dom->node.key = skn_slice(dom->address, address.len);
    skn_list_init(&dom->link);
    skn_list_init(&dom->inputs);
    dom->program = program;
    SKN_ASSERT(!skn_omap_insert(&core->doms, &dom->node));
    return dom;
}

void skn_dom_free(struct skn_core *core, struct skn_dom *dom)
{
    SKN_ASSERT(skn_list_is_empty(&dom->link));
    struct skn_list *link;
    while ((link = skn_list_pop_front(&dom->inputs)))
        skn_free(SKN_CONTAINER_OF(link, struct skn_input, link));
    if (dom->warm) dom->program->sleep(dom->warm);
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

    struct skn_input *input = skn_alloc_zero(1, sizeof *input + size);
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
    struct skn_buf out;
    skn_buf_init(&out, payload);
    skn_value_encode(message->payload, &out);
    memcpy(at, out.ptr, out.len);
    skn_buf_fini(&out);
    input->message.payload = skn_value_view(skn_slice(at, payload));
    return input;
}

struct skn_input *skn_input_own(const struct skn_message *message)
{
    static const struct skn_slice none;
    return skn_input_create(message, 0, none, none, none);
}

void skn_dom_queue(struct skn_core *core, struct skn_dom *dom, struct skn_input *input)
{
    skn_list_push_back(&dom->inputs, &input->link);
    skn_dom_settle(core, dom);
}

static struct skn_dom *first_dom(const struct skn_list *list)
{
    struct skn_list *first = skn_list_first(list);
    SKN_ASSERT(first);
    return SKN_CONTAINER_OF(first, struct skn_dom, link);
}

/* The best priority that waits at a domain; SKN_PRIORITIES when nothing does. */
static enum skn_priority lane_of(const struct skn_dom *dom)
{
    unsigned lane = SKN_PRIORITIES;
    struct skn_list *first = skn_list_first(&dom->inputs);
    if (first) lane = SKN_CONTAINER_OF(first, struct skn_input, link)->message.priority;
    for (unsigned i = 0; i < lane; i++) {
        if (dom->mail & (1U << i)) return (enum skn_priority)i;
    }
    return (enum skn_priority)lane;
}

static void leave_list(struct skn_core *core, struct skn_dom *dom)
{
    if (!dom->is_ready && !dom->want && !skn_list_is_empty(&dom->link)) core->idle_count--;
    if (dom->is_ready) core->counts.ready--;
    skn_list_remove(&dom->link);
    dom->is_ready = false;
}

void skn_dom_settle(struct skn_core *core, struct skn_dom *dom)
{
    enum skn_priority lane = lane_of(dom);
    bool waits = dom->is_held || dom->want;
    bool stays = lane < SKN_PRIORITIES && lane >= dom->lane && !waits;
    if (dom->is_ready && stays) return;
    leave_list(core, dom);
    if (dom->want) skn_list_push_back(&core->fetching, &dom->link);
    if (waits) return;
    if (lane < SKN_PRIORITIES) {
        skn_list_push_back(&core->ready[lane], &dom->link);
        dom->is_ready = true;
        dom->lane = (uint8_t)lane;
        core->counts.ready++;
        return;
    }
    if (!dom->warm) {
        skn_dom_free(core, dom);
        return;
    }
    skn_list_push_back(&core->idle, &dom->link);
    if (++core->idle_count <= core->limits.warm_domains) return;
    struct skn_dom *oldest = first_dom(&core->idle);
    leave_list(core, oldest);
    skn_dom_free(core, oldest);
}

struct skn_dom *skn_dom_pick(struct skn_core *core)
{
    unsigned chosen = SKN_PRIORITIES;
    for (unsigned i = 0; i < SKN_PRIORITIES; i++) {
        if (skn_list_is_empty(&core->ready[i])) continue;
        if (chosen < SKN_PRIORITIES) core->streak[chosen]++; /* a lower one waits */
        if (chosen < SKN_PRIORITIES && core->streak[chosen] <= TURNS) break;
        if (chosen < SKN_PRIORITIES) core->streak[chosen] = 0;
        chosen = i;
    }
    if (chosen == SKN_PRIORITIES) return NULL;
    struct skn_dom *dom = first_dom(&core->ready[chosen]);
    leave_list(core, dom);
    return dom;
}
