/* blob_lease.c - the domain "blob:Leases/N.k": what a shard says of the contents that it names [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"

#include "base/pure.h"

/* Both are rows of the shard: what a lease is for may be in any of its domains. */
static bool has_lease(struct skn_cx *cx, struct skn_slice hash, uint64_t *out_ticket)
{
    struct skn_slice bytes;
    skn_key_lease(&cx->key, hash);
    if (skn_raw_get(cx, skn_key_slice(&cx->key), &bytes) != SKN_OK) return false;
    struct skn_cursor cursor = skn_cursor(bytes);
    *out_ticket = skn_cursor_le64(&cursor);
    return true;
}

static bool is_named(struct skn_cx *cx, struct skn_slice hash)
{
    struct skn_row row;
    skn_key_name(&cx->key, hash, (struct skn_slice){0});
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    return skn_raw_next(cx, prefix, prefix, &row) == SKN_OK;
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    uint8_t bytes[SKN_VALUE_HASH_BYTES];
    struct skn_blob_note note;
    uint64_t ticket = 0;
    if (m->kind == SKN_MESSAGE_REQUEST) {
        skn_cx_refuse(
            cx, SKN_EPERM, "the leases of a shard are asked by the domains of blobs only");
        return skn_cx_rc(cx);
    }
    bool is_ours = m->kind == SKN_MESSAGE_SEND && skn_blob_hash_in(m->sender, bytes) &&
                   skn_blob_note_read(m->payload, &note);
    if (!is_ours) return SKN_OK;
    struct skn_slice hash = skn_slice(bytes, sizeof bytes);
    bool leased = has_lease(cx, hash, &ticket);
    if (skn_slice_eq(m->name, SKN_LIT("leased"))) {
        skn_key_lease(&cx->key, hash);
        if (leased && ticket == note.number) skn_raw_delete(cx, skn_key_slice(&cx->key));
    } else if (skn_slice_eq(m->name, SKN_LIT("ask"))) {
        bool is_held = leased || is_named(cx, hash);
        skn_blob_tell(
            cx, skn_cx_address(cx), m->sender, is_held ? "held" : "free", &note.number, 1);
    }
    return skn_cx_rc(cx);
}

const struct skn_program skn_leases_program = {.type = "Leases", .module = 1, .handle = handle};
