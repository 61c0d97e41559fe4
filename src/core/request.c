/* request.c - request ids from outside: the same id gives the same answer for 24 hours [E34].
 *
 * An answer's row says the hour of the answer. A row per caller counts what is kept for it. When the
 * oldest hour is over, one sweep goes through all answers, some at a time, and removes what is due;
 * so an id costs two rows, one of which is the caller's, and no index by time.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "seal/seal.h"

#include <string.h>

enum { HOUR_MS = 60 * 60 * 1000, SWEEP_ROWS = 1000, PAGE = 50 };

static uint32_t hour_of(uint64_t ms)
{
    return (uint32_t)(ms / HOUR_MS);
}

/* Of name and payload. The secret keys it, so that nobody makes two requests with one hash. A payload
 * with secrets counts as it is sealed: who has the rows has the store secret, and could guess [E46]. */
static struct skn_hash128 request_hash(struct skn_cx *cx, uint64_t key)
{
    uint8_t mac[32];
    struct skn_hash128 hash = {0};
    struct skn_message message = *cx->message;
    if (!skn_secret_seal_message_by(cx, key, skn_cx_address(cx), &message)) return hash;
    skn_buf_reset(&cx->row);
    skn_buf_put_block(&cx->row, message.name);
    skn_value_encode(message.payload, &cx->row);
    skn_core_hmac(cx->core, SKN_LIT("request"), skn_buf_slice(&cx->row), mac);
    memcpy(&hash, mac, sizeof hash);
    return hash;
}

static struct skn_slice request_key(struct skn_cx *cx)
{
    skn_key_request(&cx->key, skn_cx_address(cx), cx->input->caller, cx->input->id);
    return skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
}

/* --- what is kept for a caller ----------------------------------------------------------------------- */

static struct skn_kept_row kept_for(struct skn_cx *cx, struct skn_slice caller)
{
    struct skn_kept_row row = {0};
    struct skn_slice bytes;
    skn_key_caller(&cx->key, caller);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc == SKN_OK && (rc = skn_kept_decode(bytes, &row, &cx->diag)) != SKN_OK) cx->rc = rc;
    return row;
}

static void put_kept(struct skn_cx *cx, struct skn_slice caller, struct skn_kept_row row)
{
    skn_key_caller(&cx->key, caller);
    if (row.ids == 0) {
        skn_raw_delete(cx, skn_key_slice(&cx->key));
        return;
    }
    skn_buf_reset(&cx->row);
    skn_kept_encode(&row, &cx->row);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static bool is_over(struct skn_cx *cx)
{
    const struct skn_core_limits *limits = &cx->core->limits;
    struct skn_kept_row row = kept_for(cx, cx->input->caller);
    return row.ids >= limits->request_ids || row.bytes >= limits->request_bytes;
}

static enum skn_rc caller_of(struct skn_slice key, struct skn_slice *out, struct skn_diag *diag)
{
    struct skn_slice target, rest;
    enum skn_rc rc = skn_key_split(key, &target, &rest, diag);
    if (rc != SKN_OK) return rc;
    const uint8_t *zero = memchr(rest.ptr, 0, rest.len);
    if (!zero) return SKN_CORRUPT(diag, "the row of a request id names no caller");
    *out = skn_slice(rest.ptr, (size_t)(zero - rest.ptr));
    return SKN_OK;
}

void skn_request_forget(struct skn_cx *cx, const struct skn_row *answer)
{
    struct skn_slice caller = {0};
    enum skn_rc rc = caller_of(answer->key, &caller, &cx->diag);
    if (rc != SKN_OK && cx->rc == SKN_OK) cx->rc = rc;
    struct skn_kept_row row = kept_for(cx, caller);
    if (cx->rc != SKN_OK) return;
    SKN_ASSERT(row.ids > 0 && row.bytes >= answer->key.len + answer->value.len);
    row.ids--;
    row.bytes -= answer->key.len + answer->value.len;
    put_kept(cx, caller, row);
    skn_raw_delete(cx, answer->key);
}

/* --- before and after a request is handled --------------------------------------------------------- */

static const uint8_t no_value = SKN_T_NONE;

/* An answer that is not remembered. */
static void answer(struct skn_cx *cx, enum skn_rc rc, struct skn_slice text, struct skn_slice value)
{
    const struct skn_output output = {.kind = SKN_OUTPUT_REPLY,
                                      .address = skn_cx_address(cx),
                                      .number = cx->input->request,
                                      .rc = rc,
                                      .name = text,
                                      .value = value};
    if (!skn_bug(SKN_BUG_REPLY_LOST)) skn_cx_emit(cx, &output);
    cx->has_replied = true;
}

/* One with secrets may have been handled when another key sealed. */
static bool is_same(struct skn_cx *cx, struct skn_hash128 hash)
{
    const struct skn_secrets *secrets = &cx->core->secrets;
    if (skn_hash128_eq(hash, request_hash(cx, secrets->state.id))) return true;
    if (!skn_value_has_secret(cx->message->payload)) return false;
    for (size_t i = 0; secrets->ring && i < skn_keyring_count(secrets->ring); i++)
        if (skn_hash128_eq(hash, request_hash(cx, skn_keyring_id(secrets->ring, i)))) return true;
    return false;
}

bool skn_request_is_settled(struct skn_cx *cx)
{
    if (!cx->input || cx->input->id.len == 0) return false;
    if (skn_bug(SKN_BUG_LOST_DEDUPE)) return false;
    struct skn_slice bytes;
    struct skn_answer_row row;
    enum skn_rc rc = skn_raw_get(cx, request_key(cx), &bytes);
    if (rc == SKN_ENOENT && is_over(cx)) {
        answer(cx,
               SKN_ERATELIMITED,
               SKN_LIT("too many request ids of this caller are remembered"),
               skn_slice(&no_value, 1));
        return true;
    }
    if (rc != SKN_OK) return false;
    if ((rc = skn_answer_decode(bytes, &row, &cx->diag)) != SKN_OK) {
        cx->rc = rc;
        return false;
    }
    if (is_same(cx, row.hash) || skn_bug(SKN_BUG_ANY_PAYLOAD))
        answer(cx, row.rc, row.text, row.value);
    else
        answer(cx,
               SKN_EIDREUSED,
               SKN_LIT("the request id was used for another request"),
               skn_slice(&no_value, 1));
    return true;
}

/* When the first of them is due: an hour that is over is kept whole. */
static void put_sweep(struct skn_cx *cx, uint32_t hour)
{
    skn_key_sweep(&cx->key);
    if (hour == 0) {
        skn_raw_delete(cx, skn_key_slice(&cx->key));
        return;
    }
    skn_buf_reset(&cx->row);
    skn_buf_put_le32(&cx->row, hour);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static uint32_t due_hour(const struct skn_core *core, uint32_t hour)
{
    return hour + core->limits.request_hours + 1;
}

void skn_request_remember(struct skn_cx *cx,
                          enum skn_rc rc,
                          struct skn_slice text,
                          struct skn_slice value)
{
    bool is_early = skn_bug(SKN_BUG_ID_EXPIRES_EARLY);
    struct skn_answer_row row = {.rc = rc,
                                 .hour = is_early ? 0 : hour_of(skn_cx_now_ms(cx)),
                                 .hash = request_hash(cx, cx->core->secrets.state.id),
                                 .text = text,
                                 .value = value};
    struct skn_slice key = request_key(cx);
    struct skn_kept_row kept = kept_for(cx, cx->input->caller);
    skn_buf_reset(&cx->row);
    skn_answer_encode(&row, &cx->row);
    kept.ids++;
    kept.bytes += key.len + cx->row.len;
    skn_raw_put(cx, key, skn_buf_slice(&cx->row));
    put_kept(cx, cx->input->caller, kept);
    if (cx->core->sweep_hour == 0 || is_early) put_sweep(cx, due_hour(cx->core, row.hour));
}

/* --- the sweep ----------------------------------------------------------------------------------------- */

/* Their rows count what goes: all of a page are asked for at once. */
static void ask_for_callers(struct skn_core *core, const struct skn_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct skn_slice target, rest, value;
        struct skn_key key;
        if (skn_key_split(rows[i].key, &target, &rest, NULL) != SKN_OK || rest.len == 0) continue;
        const uint8_t *zero = memchr(rest.ptr, 0, rest.len);
        if (!zero) continue;
        skn_key_caller(&key, skn_slice(rest.ptr, (size_t)(zero - rest.ptr)));
        enum skn_rc rc = skn_store_get(core->store, skn_key_slice(&key), &value, NULL);
        (void)rc; /* whoever reads it again hears it */
    }
}

/* Looks at the answers behind `sweep->at`. True: that was the last. */
static bool
sweep_some(struct skn_cx *cx, uint32_t now_hour, struct skn_sweep *sweep, struct skn_diag *diag)
{
    struct skn_core *core = cx->core;
    struct skn_key end;
    skn_key_shard(&end, SKN_SHARD_REQUESTS);
    if (sweep->at.len == 0) sweep->at = end;
    skn_key_end(&end);
    for (int seen = 0; seen < SWEEP_ROWS; seen += PAGE) {
        struct skn_row rows[PAGE];
        size_t count;
        cx->rc = skn_store_scan(
            core->store, skn_key_slice(&sweep->at), skn_key_slice(&end), rows, PAGE, &count, diag);
        for (size_t i = 0; cx->rc == SKN_OK && i < count; i++) {
            struct skn_answer_row row;
            enum skn_rc rc = skn_answer_decode(rows[i].value, &row, &cx->diag);
            if (rc != SKN_OK) cx->rc = rc;
            uint32_t due = due_hour(core, row.hour);
            if (rc == SKN_OK && due <= now_hour)
                skn_request_forget(cx, &rows[i]);
            else if (sweep->next == 0 || due < sweep->next)
                sweep->next = due;
        }
        if (cx->rc == SKN_ELATER) ask_for_callers(core, rows, count);
        if (cx->rc != SKN_OK) return false;
        if (count < PAGE) return true;
        sweep->at.len = rows[count - 1].key.len;
        memcpy(sweep->at.bytes, rows[count - 1].key.ptr, sweep->at.len);
        sweep->at.bytes[sweep->at.len++] = 0;
    }
    return false;
}

/* The batch of one step of a sweep, empty where it found nothing. What is over is said by the stamp,
 * which may be ahead of the clock: the batch depends on nothing else (P4). */
static enum skn_rc
make_sweep(struct skn_core *core, uint64_t stamp, struct skn_sweep *sweep, struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[0];
    skn_cx_begin(cx, core, NULL, NULL, NULL, stamp);
    bool is_end = sweep_some(cx, hour_of(skn_hlc_ms(stamp)), sweep, diag);
    if (is_end && cx->rc == SKN_OK) put_sweep(cx, sweep->next);
    skn_names_finish(cx);
    if (cx->rc != SKN_OK) {
        if (diag && cx->rc != SKN_ELATER) *diag = cx->diag;
        return cx->rc;
    }
    if (is_end) *sweep = (struct skn_sweep){0};
    if (cx->overlay.count == 0) return SKN_OK;
    skn_make_batch(cx, &core->batch[0]);
    skn_core_begin_epoch(core, &core->batch[0]);
    return skn_store_know(core->store, skn_buf_slice(&core->batch[0]), diag);
}

/* The record says where its step began: "expire", then next:4 and the key. */
static void put_place(const struct skn_sweep *sweep, struct skn_buf *record)
{
    skn_buf_reset(record);
    skn_buf_put_str(record, SKN_RECORD_EXPIRE);
    skn_buf_put_le32(record, sweep->next);
    skn_buf_put(record, skn_key_slice(&sweep->at));
}

enum skn_rc skn_requests_expire_again(struct skn_core *core,
                                      const struct skn_record *record,
                                      struct skn_diag *diag)
{
    struct skn_sweep sweep = {0};
    struct skn_cursor cursor =
        skn_cursor(skn_slice_from(record->message, strlen(SKN_RECORD_EXPIRE)));
    struct skn_key head;
    skn_key_shard(&head, SKN_SHARD_REQUESTS);
    sweep.next = skn_cursor_le32(&cursor);
    struct skn_slice at = cursor.rest;
    bool fits = !cursor.bad && at.len <= sizeof sweep.at.bytes;
    if (!fits || (at.len > 0 && !skn_slice_has_prefix(at, skn_key_slice(&head))))
        return SKN_CORRUPT(diag, "where the sweep stood is malformed");
    sweep.at.len = at.len;
    if (at.len > 0) memcpy(sweep.at.bytes, at.ptr, at.len);
    skn_buf_reset(&core->batch[0]);
    return make_sweep(core, record->stamp, &sweep, diag);
}

enum skn_rc skn_requests_expire(struct skn_core *core,
                                uint64_t now_ms,
                                struct skn_record *out_record,
                                struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[0];
    if (core->sweep_hour == 0 || hour_of(now_ms) < core->sweep_hour) return SKN_ENOENT;
    struct skn_sweep sweep = core->sweep;
    enum skn_rc rc = make_sweep(core, skn_hlc_next(core->stamp, 0, now_ms), &sweep, diag);
    skn_core_pin_while_late(core, &core->sweep_pin, rc);
    if (rc != SKN_OK) return rc;
    put_place(&core->sweep, &core->record);
    core->sweep = sweep;
    if (cx->overlay.count == 0) return SKN_ENOENT;
    return skn_commit(core,
                      cx,
                      skn_buf_slice(&core->batch[0]),
                      skn_buf_slice(&core->record),
                      0,
                      cx->stamp,
                      out_record,
                      diag);
}

bool skn_requests_are_swept(const struct skn_core *core)
{
    return core->sweep.at.len > 0;
}
