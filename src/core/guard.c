/* guard.c - the poison guard's part of the core: identities, and who is not handled again [E35]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guard.h"

#include "base/bug.h"
#include "base/mem.h"
#include "core/core_internal.h"

#include <stdatomic.h>

/* --- the slot -------------------------------------------------------------------------------------- */

/* The state is written last and taken back first: a signal between two stores sees nothing. */
void skn_handling_enter(struct skn_handling *handling,
                        struct skn_slice address,
                        struct skn_hash128 identity)
{
    if (!handling) return;
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX);
    handling->address_len = (uint32_t)address.len;
    if (address.len > 0) memcpy(handling->address, address.ptr, address.len);
    handling->identity_lo = identity.lo;
    handling->identity_hi = identity.hi;
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint32_t *)&handling->state = SKN_HANDLING_MESSAGE;
    atomic_signal_fence(memory_order_seq_cst);
}

void skn_handling_leave(struct skn_handling *handling)
{
    if (!handling) return;
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint32_t *)&handling->state = SKN_HANDLING_NOTHING;
    atomic_signal_fence(memory_order_seq_cst);
}

/* --- identities ------------------------------------------------------------------------------------ */

/* The kinds of what has no row; behind the address and a zero byte. */
enum { OF_REQUEST = 'r', OF_REQUEST_BYTES = 'b', OF_TIMER = 't', OF_RESULT = 'a', OF_INTENT = 'i' };

/* A bit of every identity. */
#define LETTER UINT64_C(1)

static struct skn_hash128 of_bytes(struct skn_slice address, struct skn_slice bytes)
{
    struct skn_hash128 hash = skn_row_hash(address, bytes);
    hash.lo &= ~LETTER;
    return hash;
}

static struct skn_hash128 numbered(struct skn_slice address, uint8_t kind, uint64_t number)
{
    uint8_t bytes[9] = {kind};
    for (size_t i = 0; i < 8; i++)
        bytes[1 + i] = (uint8_t)(number >> (8 * i));
    return of_bytes(address, skn_slice(bytes, sizeof bytes));
}

bool skn_guard_is_letter(struct skn_hash128 identity)
{
    return (identity.lo & LETTER) != 0;
}

struct skn_hash128 skn_guard_intent(struct skn_slice address, uint64_t number)
{
    return numbered(address, OF_INTENT, number);
}

/* A request is known again by who asks and its id, or else by all that it says. */
static struct skn_hash128
of_request(struct skn_core *core, struct skn_slice address, const struct skn_input *input)
{
    struct skn_buf *text = &core->identity;
    bool has_id = input->id.len > 0;
    skn_buf_reset(text);
    skn_buf_put_u8(text, has_id ? OF_REQUEST : OF_REQUEST_BYTES);
    skn_buf_put_block(text, input->caller);
    skn_buf_put_block(text, has_id ? input->id : input->message.name);
    struct skn_value payload = input->message.payload;
    if (!has_id && !skn_value_has_secret(payload)) {
        skn_value_encode(payload, text);
    } else if (!has_id) {
        /* But for its secrets: the slot is in a file, and a hash can be guessed at [E46]. */
        enum skn_rc rc = skn_value_mask(payload, text);
        SKN_ASSERT(rc == SKN_OK);
    }
    SKN_ASSERT(skn_buf_rc(text) == SKN_OK);
    return of_bytes(address, skn_buf_slice(text));
}

static struct skn_hash128
identity_of(struct skn_core *core, struct skn_slice address, const struct skn_work *work)
{
    const struct skn_message *message = &work->message;
    if (work->is_letter) {
        struct skn_hash128 hash = skn_row_hash(work->mail_key, SKN_LIT("row"));
        hash.lo |= LETTER;
        return hash;
    }
    /* What it says, not when: if its batch was lost with the node, who repeats what led to it makes the
     * row again, with another stamp, which is in its key, too. */
    if (!work->input) {
        struct skn_hash128 hash =
            skn_row_hash(address, skn_message_said(work->mail_value, message->is_sealed));
        hash.lo &= ~LETTER;
        return hash;
    }
    if (message->kind == SKN_MESSAGE_TIMER) return numbered(address, OF_TIMER, message->number);
    if (message->kind == SKN_MESSAGE_ATTEMPT) return numbered(address, OF_RESULT, message->number);
    return of_request(core, address, work->input);
}

/* --- what is poisoned ------------------------------------------------------------------------------ */

void skn_guard_init(struct skn_guard *guard, const struct skn_core_options *options)
{
    guard->handling = options->handling;
    guard->poison = skn_alloc_zero(options->poison_count + 1, sizeof *guard->poison);
    for (size_t i = 0; i < options->poison_count; i++) {
        const struct skn_poison *poison = &options->poison[i];
        uint32_t shards = options->shards ? options->shards : 1;
        if (skn_shard_of(poison->address, shards) != options->shard) continue;
        struct skn_poison *copy = &guard->poison[guard->count++];
        *copy = *poison;
        copy->address.ptr = (const uint8_t *)skn_dup(poison->address.ptr, poison->address.len);
    }
}

static void remove_at(struct skn_guard *guard, size_t at)
{
    skn_free((void *)(uintptr_t)guard->poison[at].address.ptr);
    guard->poison[at] = guard->poison[--guard->count];
}

void skn_guard_fini(struct skn_guard *guard)
{
    while (guard->count > 0)
        remove_at(guard, 0);
    skn_free(guard->poison);
}

void skn_guard_forgive(struct skn_core *core, struct skn_slice address)
{
    struct skn_guard *guard = &core->guard;
    for (size_t i = guard->count; i-- > 0;)
        if (!skn_guard_is_letter(guard->poison[i].identity) &&
            skn_slice_eq(guard->poison[i].address, address))
            remove_at(guard, i);
}

void skn_guard_enter(struct skn_core *core, struct skn_dom *dom, const struct skn_work *work)
{
    struct skn_guard *guard = &core->guard;
    enum skn_message_kind kind = work->message.kind;
    /* The core's own work: no message to take out of the way, and nothing that the program does. */
    guard->is_poisoned = false;
    guard->is_careful = kind == SKN_MESSAGE_REDELIVER || kind == SKN_MESSAGE_LETTERS;
    if (guard->is_careful) return;
    if (!guard->handling && guard->count == 0) return;
    struct skn_slice address = skn_dom_address(dom);
    struct skn_hash128 identity = identity_of(core, address, work);
    for (size_t i = 0; i < guard->count; i++) {
        if (!skn_slice_eq(guard->poison[i].address, address)) continue;
        bool is_this =
            skn_hash128_eq(guard->poison[i].identity, identity) && !skn_bug(SKN_BUG_POISON_IGNORED);
        guard->is_poisoned |= is_this;
        guard->is_careful |= is_this || skn_core_is_faulted(core->store, address);
    }
    skn_handling_enter(guard->handling, address, identity);
}

void skn_guard_leave(struct skn_core *core)
{
    skn_handling_leave(core->guard.handling);
    core->guard.is_poisoned = core->guard.is_careful = false;
}
