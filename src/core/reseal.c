/* reseal.c - which key seals, and how all that is sealed comes under another one [E46].
 *
 * The row of the sealing key says both. A change of the key writes the row, and from then on the new
 * one seals. Then batches of at most 1,000 rows looked at, or 4 MiB, go through whatever may be sealed
 * and seal it again: mailboxes, intents, what waits, then the rows of each domain that has some; each
 * batch says in the row where it stopped, so a crash costs nothing. The end waits for
 * the outbox: behind it no row of the shard names an older key. What then comes from another shard and
 * does begins it anew; to seal it again as it comes in would make a batch depend on which keys were
 * there (P4).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "core/core_internal.h"
#include "core/look.h"
#include "seal/seal.h"

#include "base/pure.h"

enum { ROWS_MAX = 1000, BYTES_MAX = 4 << 20, PAGE = 50, WAIT_MS = 100 };

/* --- the row ------------------------------------------------------------------------------------------ */

void skn_seal_state_encode(const struct skn_seal_state *state, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_u8(out, state->is_rotating);
    skn_buf_put_le64(out, state->id);
    skn_buf_put_le64(out, state->done_stamp);
    skn_buf_put_block(out, skn_key_slice(&state->at));
}

enum skn_rc
skn_seal_state_decode(struct skn_slice bytes, struct skn_seal_state *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint8_t rotating = skn_cursor_u8(&cursor);
    out->is_rotating = rotating == 1;
    out->id = skn_cursor_le64(&cursor);
    out->done_stamp = skn_cursor_le64(&cursor);
    struct skn_slice at = skn_cursor_block(&cursor);
    out->at.len = 0;
    if (level > SKN_ROW_LEVEL)
        return SKN_FAIL(diag, SKN_ENEWER, "the row of the sealing key has format level %u", level);
    if (!skn_cursor_is_done(&cursor) || level == 0 || rotating > 1 || out->id == 0 ||
        at.len > sizeof out->at.bytes)
        return SKN_CORRUPT(diag, "the row of the sealing key is malformed");
    out->at.len = at.len;
    if (at.len > 0) memcpy(out->at.bytes, at.ptr, at.len);
    return SKN_OK;
}

enum skn_rc skn_seal_state_read(struct skn_core *core, struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_sealing(&key);
    enum skn_rc rc = skn_store_get(core->store, skn_key_slice(&key), &bytes, diag);
    core->secrets.state.id = 0;
    core->secrets.state.is_rotating = false;
    if (rc == SKN_ENOENT) return SKN_OK;
    return rc == SKN_OK ? skn_seal_state_decode(bytes, &core->secrets.state, diag) : rc;
}

void skn_secrets_open(struct skn_core *core)
{
    struct skn_secrets *s = &core->secrets;
    s->is_owed = s->state.id == 0 && s->ring;
    if (s->is_owed)
        s->state = (struct skn_seal_state){.id = skn_keyring_id(s->ring, 0), .at = {.len = 0}};
}

void skn_secrets_put_owed(struct skn_core *core, struct skn_buf *batch)
{
    if (!core->secrets.is_owed) return;
    struct skn_key key;
    struct skn_buf row;
    skn_key_sealing(&key);
    skn_buf_init(&row, 2 * (size_t)SKN_KEY_MAX);
    skn_seal_state_encode(&core->secrets.state, &row);
    skn_batch_put(batch, skn_key_slice(&key), skn_buf_slice(&row));
    skn_buf_fini(&row);
}

static void put_state(struct skn_cx *cx, const struct skn_seal_state *state)
{
    skn_buf_reset(&cx->row);
    skn_seal_state_encode(state, &cx->row);
    skn_key_sealing(&cx->key);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

/* --- one row ------------------------------------------------------------------------------------------ */

static bool is_old(const struct skn_cx *cx, struct skn_value v)
{
    return skn_is_sealed_by_others(v, cx->core->secrets.state.id);
}

/* What is sealed for the key of its row; true: `out_stored` takes its place. */
static bool renew_stored(struct skn_cx *cx,
                         struct skn_slice key,
                         struct skn_slice stored,
                         struct skn_slice *out_stored)
{
    struct skn_value v;
    bool is_sealed = skn_stored_is_sealed(stored);
    if (!is_sealed || skn_stored_check(stored, &v, NULL) != SKN_OK || !is_old(cx, v)) return false;
    struct skn_slice plain;
    return skn_secret_open(cx, key, stored, &plain) &&
           skn_secret_seal(cx, key, skn_value_view(plain), out_stored);
}

static void renew_own(struct skn_cx *cx, const struct skn_row *row)
{
    struct skn_slice stored;
    if (renew_stored(cx, row->key, row->value, &stored)) skn_raw_put(cx, row->key, stored);
}

static void renew_intent(struct skn_cx *cx, const struct skn_row *row)
{
    struct skn_intent_row intent;
    struct skn_slice effect;
    enum skn_rc rc = skn_intent_decode(row->value, &intent, &cx->diag);
    if (rc != SKN_OK) {
        cx->rc = rc;
        return;
    }
    if (!renew_stored(cx, row->key, intent.effect, &effect)) return;
    intent.effect = effect;
    skn_buf_reset(&cx->row);
    skn_intent_encode(&intent, &cx->row);
    skn_raw_put(cx, row->key, skn_buf_slice(&cx->row));
}

/* `head` bytes stand in front of the message, which is for `target`. */
static void
renew_mail(struct skn_cx *cx, const struct skn_row *row, struct skn_slice target, size_t head)
{
    struct skn_message message;
    if (row->value.len < head) return;
    struct skn_slice bytes = skn_slice_from(row->value, head);
    enum skn_rc rc = skn_message_decode(bytes, &message, &cx->diag);
    if (rc != SKN_OK) {
        cx->rc = rc;
        return;
    }
    struct skn_slice renewed = skn_secret_renew_message(cx, target, &message, bytes);
    if (cx->rc != SKN_OK || renewed.ptr == bytes.ptr) return;
    skn_buf_reset(&cx->row);
    skn_buf_put(&cx->row, skn_slice(row->value.ptr, head));
    skn_buf_put(&cx->row, renewed);
    skn_raw_put(cx, row->key, skn_buf_slice(&cx->row));
}

/* A dead letter whose payload is a row of its own, sealed for the message in the row before it. */
static void renew_payload(struct skn_cx *cx, const struct skn_row *row, struct skn_slice address)
{
    struct skn_message message;
    struct skn_slice letter, renewed;
    struct skn_value v = skn_value_none();
    if (!skn_stored_is_sealed(row->value)) return;
    enum skn_rc rc = skn_raw_get(cx, skn_slice(row->key.ptr, row->key.len - 1), &letter);
    if (rc == SKN_OK && letter.len < 4) rc = SKN_CORRUPT(&cx->diag, "a dead letter is malformed");
    if (rc == SKN_OK) rc = skn_message_decode(skn_slice_from(letter, 4), &message, &cx->diag);
    if (rc == SKN_OK) rc = skn_stored_check(row->value, &v, &cx->diag);
    if (rc != SKN_OK) {
        cx->rc = rc;
        return;
    }
    if (!is_old(cx, v)) return;
    message.payload = v;
    message.is_sealed = true;
    if (!skn_secret_open_message(cx, address, &message) ||
        !skn_secret_seal_message(cx, address, &message))
        return;
    skn_buf_reset(&cx->row);
    skn_buf_put_u8(&cx->row, SKN_VALUE_SEALED_MARK);
    skn_value_encode(message.payload, &cx->row);
    renewed = skn_arena_dup(&cx->arena, skn_buf_slice(&cx->row));
    skn_raw_put(cx, row->key, renewed);
}

static void renew(struct skn_cx *cx, const struct skn_row *found)
{
    struct skn_key_info info;
    const struct skn_row row = {.key = skn_arena_dup(&cx->arena, found->key),
                                .value = found->value};
    skn_key_read(row.key, &info);
    switch (info.kind) {
    case SKN_KEY_OWN: renew_own(cx, &row); break;
    case SKN_KEY_INTENT: renew_intent(cx, &row); break;
    case SKN_KEY_MAIL:
    case SKN_KEY_WAITING: renew_mail(cx, &row, info.address, 0); break;
    case SKN_KEY_DEAD:
        if (!skn_bug(SKN_BUG_SECRET_FORGOTTEN)) renew_mail(cx, &row, info.address, 4);
        break;
    case SKN_KEY_OTHER: {
        /* The payload of a dead letter has one byte more than its letter. */
        skn_key_read(skn_slice(row.key.ptr, row.key.len - 1), &info);
        if (info.kind == SKN_KEY_DEAD) renew_payload(cx, &row, info.address);
        break;
    }
    case SKN_KEY_META:
    case SKN_KEY_TIMER:
    case SKN_KEY_CALL:
    case SKN_KEY_REQUEST:
    case SKN_KEY_OUTBOX: break;
    }
}

/* --- the way through the shard ------------------------------------------------------------------------- */

/* In this order; behind SEALED, the rows of the domain that it named. */
static const uint8_t kinds[] = {
    SKN_SHARD_MAIL, SKN_SHARD_INTENTS, SKN_SHARD_WAITING, SKN_SHARD_SEALED, SKN_SHARD_OUTBOX};

struct pass {
    struct skn_cx *cx;
    struct skn_seal_state *state;
    int rows;
    struct skn_diag *diag;
    bool waits; /* for the outbox */
};

static void to_kind(struct pass *p, size_t i)
{
    if (i < SKN_ARRAY_LEN(kinds)) {
        skn_key_shard(&p->state->at, kinds[i]);
        return;
    }
    p->state->at.len = 0;
    p->state->is_rotating = false;
    p->state->done_stamp = p->cx->stamp;
}

static size_t kind_at(const struct skn_key *at)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(kinds); i++)
        if (at->bytes[1] == kinds[i]) return i;
    return SKN_ARRAY_LEN(kinds);
}

/* From `at` to the end of its table, or of its domain. */
static void end_of(const struct skn_key *at, struct skn_key *out)
{
    if (at->bytes[0] == 1) {
        skn_key_shard(out, at->bytes[1]);
    } else {
        *out = *at;
        const uint8_t *zero = memchr(at->bytes + 1, 0, at->len - 1);
        SKN_ASSERT(zero);
        out->len = (size_t)(zero - at->bytes) + 1;
    }
    skn_key_end(out);
}

/* The first domain behind `at`, and into its rows; with `at` in rows, behind their domain. */
static void to_domain(struct pass *p, const struct skn_row *row)
{
    struct skn_slice address = skn_slice_from(row->key, SKN_SHARD_HEAD);
    uint8_t bytes[SKN_ADDRESS_MAX];
    SKN_ASSERT(address.len <= sizeof bytes);
    memcpy(bytes, address.ptr, address.len);
    skn_key_dead(&p->state->at, skn_slice(bytes, address.len), 0);
}

static void behind_domain(struct pass *p)
{
    const struct skn_key *at = &p->state->at;
    uint8_t bytes[SKN_ADDRESS_MAX];
    const uint8_t *zero = memchr(at->bytes + 1, 0, at->len - 1);
    SKN_ASSERT(zero);
    size_t len = (size_t)(zero - at->bytes) - 1;
    SKN_ASSERT(len <= sizeof bytes);
    memcpy(bytes, at->bytes + 1, len);
    skn_key_sealed(&p->state->at, skn_slice(bytes, len));
    p->state->at.bytes[p->state->at.len++] = 0;
}

/* Whether the row of the outbox still names another key: its receiver's shard seals it again. */
static bool is_awaited(struct skn_cx *cx, const struct skn_row *row)
{
    struct skn_slice target, bytes;
    struct skn_message message;
    struct skn_key_info info;
    skn_key_read(row->key, &info);
    if (info.kind != SKN_KEY_OUTBOX) return false; /* a note */
    return skn_outbox_split(row->value, &target, &bytes) == SKN_OK &&
           skn_message_decode(bytes, &message, NULL) == SKN_OK && message.is_sealed &&
           is_old(cx, message.payload);
}

/* One page. False: stop here. */
static bool step(struct pass *p)
{
    struct skn_cx *cx = p->cx;
    struct skn_seal_state *state = p->state;
    struct skn_row rows[PAGE];
    struct skn_key end;
    size_t count = 0;
    bool in_domain = state->at.bytes[0] == 2;
    size_t kind = in_domain ? 0 : kind_at(&state->at);
    bool is_index = !in_domain && kinds[kind] == SKN_SHARD_SEALED;
    end_of(&state->at, &end);
    cx->rc = skn_store_scan(cx->core->store,
                            skn_key_slice(&state->at),
                            skn_key_slice(&end),
                            rows,
                            is_index ? 1 : PAGE,
                            &count,
                            p->diag);
    if (cx->rc != SKN_OK) return false;
    if (is_index && count == 1) {
        to_domain(p, &rows[0]);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        p->waits = !in_domain && kinds[kind] == SKN_SHARD_OUTBOX && is_awaited(cx, &rows[i]);
        if (p->waits && skn_bug(SKN_BUG_KEY_NOT_AWAITED)) p->waits = false;
        if (p->waits) return false;
        renew(cx, &rows[i]);
        if (cx->rc != SKN_OK) return false;
        p->rows++;
        memcpy(state->at.bytes, rows[i].key.ptr, rows[i].key.len);
        state->at.len = rows[i].key.len;
        state->at.bytes[state->at.len++] = 0;
        if (p->rows >= ROWS_MAX || cx->bytes >= BYTES_MAX) return true;
    }
    if (count == PAGE) return true;
    if (in_domain)
        behind_domain(p);
    else
        to_kind(p, kind + 1);
    return true;
}

static bool is_place(const struct skn_key *at)
{
    if (at->len == 0) return true;
    if (at->bytes[0] == 2) return at->len > 2 && memchr(at->bytes + 1, 0, at->len - 1);
    return at->len >= SKN_SHARD_HEAD && at->bytes[0] == 1 && kind_at(at) < SKN_ARRAY_LEN(kinds);
}

/* The batch of one step. `to` is the key that seals from now on, 0: the rewriting goes on.
 * SKN_ENOENT: it waits. */
static enum skn_rc make_step(struct skn_core *core,
                             uint64_t stamp,
                             uint64_t to,
                             struct skn_seal_state *state,
                             struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[0];
    struct pass p = {.cx = cx, .state = state, .diag = diag};
    skn_cx_begin(cx, core, NULL, NULL, NULL, stamp);
    if (to != 0) {
        state->id = to;
        state->is_rotating = true;
        state->at.len = 0;
    } else {
        if (!state->is_rotating || !is_place(&state->at))
            return SKN_CORRUPT(diag, "where the rewriting of secrets stood is malformed");
        bool is_begin = state->at.len == 0;
        if (is_begin) to_kind(&p, 0);
        while (state->is_rotating && p.rows < ROWS_MAX && cx->bytes < BYTES_MAX && step(&p))
            continue;
        if (p.waits && p.rows == 0 && !is_begin) return SKN_ENOENT;
    }
    if (cx->rc == SKN_OK) put_state(cx, state);
    if (cx->rc != SKN_OK) {
        if (diag && cx->rc != SKN_ELATER) *diag = cx->diag;
        return cx->rc;
    }
    skn_make_batch(cx, &core->batch[0]);
    skn_core_begin_epoch(core, &core->batch[0]);
    return skn_store_know(core->store, skn_buf_slice(&core->batch[0]), diag);
}

/* "reseal" and the key that seals from then on, 0: the rewriting went on. */
static void put_record(struct skn_buf *record, uint64_t to)
{
    skn_buf_reset(record);
    skn_buf_put_str(record, SKN_RECORD_RESEAL);
    skn_buf_put_le64(record, to);
}

enum skn_rc skn_reseal_turn(struct skn_core *core,
                            uint64_t now_ms,
                            struct skn_record *out_record,
                            struct skn_diag *diag)
{
    struct skn_secrets *s = &core->secrets;
    bool wants = s->wants_rotation && s->ring && !s->is_owed;
    uint64_t to =
        wants && skn_keyring_id(s->ring, 0) != s->state.id ? skn_keyring_id(s->ring, 0) : 0;
    if (to == 0) s->wants_rotation = false;
    if (to == 0 && (!s->state.is_rotating || now_ms < s->again_ms)) return SKN_ENOENT;
    struct skn_seal_state state = s->state;
    struct skn_diag why = {.text = ""};
    enum skn_rc rc = make_step(core, skn_hlc_next(core->stamp, 0, now_ms), to, &state, &why);
    skn_core_pin_while_late(core, &s->pin, rc);
    s->lacks_key = rc == SKN_ENOKEY;
    s->again_ms = rc == SKN_ENOENT ? now_ms + WAIT_MS : rc == SKN_ENOKEY ? UINT64_MAX : 0;
    if (rc == SKN_ENOKEY) return SKN_ENOENT;
    if (rc != SKN_OK && rc != SKN_ELATER && rc != SKN_ENOENT && diag) *diag = why;
    if (rc != SKN_OK) return rc;
    s->wants_rotation = false;
    s->state = state;
    put_record(&core->record, to);
    return skn_commit(core,
                      &core->cx[0],
                      skn_buf_slice(&core->batch[0]),
                      skn_buf_slice(&core->record),
                      0,
                      core->cx[0].stamp,
                      out_record,
                      diag);
}

void skn_reseal_note(struct skn_cx *cx, const struct skn_message *message)
{
    const struct skn_seal_state *now = &cx->core->secrets.state;
    if (!message->is_sealed || now->id == 0 || !is_old(cx, message->payload)) return;
    if (now->is_rotating && now->at.len == 0) return; /* it has not begun */
    const struct skn_seal_state anew = {
        .id = now->id, .done_stamp = now->done_stamp, .is_rotating = true};
    put_state(cx, &anew);
    cx->reseals = true;
}

void skn_reseal_noted(struct skn_core *core, const struct skn_cx *cx)
{
    if (!cx->reseals) return;
    core->secrets.state.is_rotating = true;
    core->secrets.state.at.len = 0;
    core->secrets.again_ms = 0;
}

enum skn_rc
skn_reseal_again(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag)
{
    struct skn_cursor cursor =
        skn_cursor(skn_slice_from(record->message, strlen(SKN_RECORD_RESEAL)));
    uint64_t to = skn_cursor_le64(&cursor);
    struct skn_seal_state state = core->secrets.state;
    if (!skn_cursor_is_done(&cursor)) return SKN_CORRUPT(diag, "a change of keys is malformed");
    enum skn_rc rc = make_step(core, record->stamp, to, &state, diag);
    return rc == SKN_ENOENT ? SKN_CORRUPT(diag, "a rewriting of secrets changed nothing") : rc;
}

uint64_t skn_reseal_due_ms(const struct skn_core *core)
{
    const struct skn_secrets *s = &core->secrets;
    return s->state.is_rotating ? s->again_ms : UINT64_MAX;
}

/* --- from outside --------------------------------------------------------------------------------------- */

void skn_core_set_keys(struct skn_core *core, const struct skn_keyring *ring, bool rotates)
{
    struct skn_secrets *s = &core->secrets;
    SKN_ASSERT(core->is_open);
    s->ring = ring;
    s->again_ms = 0;
    bool is_new = ring && skn_keyring_id(ring, 0) != s->state.id;
    s->wants_rotation |= is_new && (rotates || s->state.id == 0);
    skn_doms_sweep(core); /* or settling one could free the next */
    struct skn_omap_node *next = skn_omap_first(&core->doms);
    while (next) {
        struct skn_dom *dom = SKN_CONTAINER_OF(next, struct skn_dom, node);
        next = skn_omap_next(next);
        if (!dom->is_keyless) continue;
        dom->is_keyless = false;
        s->keyless--;
        skn_dom_settle(core, dom);
    }
}

struct skn_core_sealing skn_core_sealing(const struct skn_core *core)
{
    const struct skn_secrets *s = &core->secrets;
    return (struct skn_core_sealing){.id = s->state.id,
                                     .has_key = skn_keyring_has(s->ring, s->state.id),
                                     .is_rotating = s->state.is_rotating || s->wants_rotation,
                                     .lacks_key = s->lacks_key,
                                     .done_stamp = s->state.done_stamp,
                                     .keyless = s->keyless};
}
