/* secret.c - secrets of rows, messages and effects: sealed where a batch is born [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/secret_internal.h"

#include "base/bug.h"
#include "core/core_internal.h"
#include "core/gas.h"
#include "seal/seal.h"

#include "base/pure.h"

enum { STORED_MAX = 8 << 20, CONTEXT_MAX = 2 * SKN_ADDRESS_MAX + 32 };

static uint64_t gas_of(size_t bytes)
{
    return SKN_GAS_HMAC + skn_gas_of_write(bytes);
}

enum skn_rc skn_secret_check_key(const struct skn_core *core, struct skn_diag *diag)
{
    const struct skn_secrets *s = &core->secrets;
    uint64_t id = s->state.id;
    if (id == 0)
        return SKN_FAIL(
            diag, SKN_ENOKEY, "no sealing key was given; `secrets` in skein.yaml says where it is");
    if (skn_keyring_has(s->ring, id)) return SKN_OK;
    char text[SKN_SEAL_ID_TEXT];
    skn_seal_id_text(id, text);
    return SKN_FAIL(diag, SKN_ENOKEY, "the sealing key %s is not among those given", text);
}

static bool seal_by(struct skn_cx *cx,
                    uint64_t id,
                    struct skn_slice context,
                    struct skn_value v,
                    struct skn_slice *out_stored)
{
    struct skn_secrets *s = &cx->core->secrets;
    struct skn_buf buf;
    if (skn_cx_charge(cx, gas_of(skn_value_size(v))) != SKN_OK) return false;
    if (skn_value_has_blob(v)) { /* what is sealed names nothing that is counted [E45] */
        (void)skn_cx_fault(cx, SKN_EARGS, "a value has either secrets or blobs");
        return false;
    }
    enum skn_rc rc = skn_secret_check_key(cx->core, &cx->diag);
    skn_buf_init(&buf, STORED_MAX);
    if (skn_bug(SKN_BUG_SECRET_PLAIN)) {
        skn_value_encode(v, &buf);
        rc = SKN_OK;
    } else if (rc == SKN_OK) {
        rc = skn_seal(s->sealer, s->ring, id, context, v, &buf, &cx->diag);
    }
    if (rc == SKN_OK) *out_stored = skn_arena_dup(&cx->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    if (rc != SKN_OK) cx->rc = rc;
    return rc == SKN_OK;
}

bool skn_secret_seal(struct skn_cx *cx,
                     struct skn_slice context,
                     struct skn_value v,
                     struct skn_slice *out_stored)
{
    return seal_by(cx, cx->core->secrets.state.id, context, v, out_stored);
}

/* Opens a value that stands behind a mark. */
static bool open_value(struct skn_cx *cx,
                       struct skn_slice context,
                       struct skn_value v,
                       struct skn_slice *out_plain)
{
    struct skn_secrets *s = &cx->core->secrets;
    struct skn_buf buf;
    if (skn_cx_charge(cx, gas_of(skn_value_size(v))) != SKN_OK) return false;
    skn_buf_init(&buf, STORED_MAX);
    enum skn_rc rc = skn_unseal(s->sealer, s->ring, context, v, &buf, &cx->diag);
    if (rc == SKN_OK) *out_plain = skn_arena_dup(&cx->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    if (rc != SKN_OK) cx->rc = rc;
    return rc == SKN_OK;
}

bool skn_secret_open(struct skn_cx *cx,
                     struct skn_slice context,
                     struct skn_slice stored,
                     struct skn_slice *out_plain)
{
    struct skn_value v = skn_value_none();
    enum skn_rc rc = skn_stored_check(stored, &v, &cx->diag);
    if (rc == SKN_OK) return open_value(cx, context, v, out_plain);
    if (cx->rc == SKN_OK) cx->rc = rc;
    return false;
}

/* --- messages --------------------------------------------------------------------------------------- */

/* "m" target 00 sender 00 stamp:8 number:8 attempt:4: what moves with a message. */
static struct skn_slice
context_of(struct skn_cx *cx, struct skn_slice target, const struct skn_message *message)
{
    struct skn_buf buf;
    skn_buf_init(&buf, CONTEXT_MAX);
    skn_buf_put_u8(&buf, 'm');
    skn_buf_put(&buf, target);
    skn_buf_put_u8(&buf, 0);
    skn_buf_put(&buf, message->sender);
    skn_buf_put_u8(&buf, 0);
    skn_buf_put_be64(&buf, message->stamp);
    skn_buf_put_be64(&buf, message->number);
    skn_buf_put_be32(&buf, message->attempt);
    SKN_ASSERT(skn_buf_rc(&buf) == SKN_OK);
    struct skn_slice context = skn_arena_dup(&cx->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    return context;
}

bool skn_secret_seal_message_by(struct skn_cx *cx,
                                uint64_t id,
                                struct skn_slice target,
                                struct skn_message *message)
{
    struct skn_slice stored;
    if (message->is_sealed || !skn_value_has_secret(message->payload)) return true;
    if (!seal_by(cx, id, context_of(cx, target, message), message->payload, &stored)) return false;
    message->is_sealed = skn_stored_is_sealed(stored); /* but for a planted bug */
    message->payload = skn_value_view(message->is_sealed ? skn_slice_from(stored, 1) : stored);
    return true;
}

bool skn_secret_seal_message(struct skn_cx *cx,
                             struct skn_slice target,
                             struct skn_message *message)
{
    return skn_secret_seal_message_by(cx, cx->core->secrets.state.id, target, message);
}

bool skn_secret_open_message(struct skn_cx *cx,
                             struct skn_slice target,
                             struct skn_message *message)
{
    struct skn_slice plain;
    if (!message->is_sealed) return true;
    if (!open_value(cx, context_of(cx, target, message), message->payload, &plain)) return false;
    message->payload = skn_value_view(plain);
    message->is_sealed = false;
    return true;
}

struct skn_slice skn_secret_renew_message(struct skn_cx *cx,
                                          struct skn_slice target,
                                          const struct skn_message *message,
                                          struct skn_slice bytes)
{
    struct skn_message renewed = *message;
    uint64_t id = cx->core->secrets.state.id;
    if (!message->is_sealed || !skn_is_sealed_by_others(message->payload, id)) return bytes;
    if (!skn_secret_open_message(cx, target, &renewed) ||
        !skn_secret_seal_message(cx, target, &renewed))
        return bytes;
    struct skn_buf buf;
    skn_buf_init(&buf, STORED_MAX);
    skn_message_encode(&renewed, &buf);
    bytes = skn_arena_dup(&cx->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    return bytes;
}

/* --- what leaves, and who waits ----------------------------------------------------------------------- */

struct skn_value skn_secret_mask(struct skn_cx *cx, struct skn_value v)
{
    if (!skn_value_has_secret(v) || skn_bug(SKN_BUG_SECRET_SHOWN)) return v;
    struct skn_buf buf;
    skn_buf_init(&buf, STORED_MAX);
    enum skn_rc rc = skn_value_mask(v, &buf);
    struct skn_value masked = skn_value_none();
    if (rc == SKN_OK) masked = skn_value_view(skn_arena_dup(&cx->arena, skn_buf_slice(&buf)));
    skn_buf_fini(&buf);
    if (rc != SKN_OK) (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a value with secrets is too large");
    return masked;
}

void skn_secret_note_domain(struct skn_cx *cx, struct skn_slice address)
{
    struct skn_slice bytes;
    skn_key_sealed(&cx->key, address);
    if (skn_raw_get(cx, skn_key_slice(&cx->key), &bytes) == SKN_ENOENT)
        skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
}

void skn_secret_rest(struct skn_core *core, struct skn_dom *dom, const struct skn_diag *why)
{
    struct skn_diag diag = *why;
    diag.rc = SKN_ENOKEY;
    core->secrets.keyless_seen++;
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
        struct skn_list *link;
        while ((link = skn_list_pop_front(&dom->requests[lane])))
            skn_core_refuse(core, SKN_CONTAINER_OF(link, struct skn_input, link), &diag);
    }
    if (!skn_mail_has_any(dom) || dom->is_keyless) return;
    dom->is_keyless = true;
    core->secrets.keyless++;
}
