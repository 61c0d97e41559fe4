/* request.c - request ids from outside: the same id gives the same answer for 24 hours [E34]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "core/core_internal.h"

enum { KEPT_MS = 24 * 60 * 60 * 1000, EXPIRE_AT_ONCE = 1000 };

static struct skn_hash128 payload_hash(struct skn_cx *cx)
{
    skn_buf_reset(&cx->row);
    skn_value_encode(cx->message->payload, &cx->row);
    /* The secret keys it, so that nobody makes two payloads with one hash. */
    uint8_t mac[32];
    struct skn_hash128 name = skn_row_hash(cx->message->name, (struct skn_slice){0});
    skn_core_hmac(cx->core, SKN_LIT("payload"), skn_buf_slice(&cx->row), mac);
    struct skn_hash128 hash;
    memcpy(&hash, mac, sizeof hash);
    return skn_hash128_add(hash, name);
}

static struct skn_slice request_key(struct skn_cx *cx)
{
    skn_key_request(&cx->key, skn_cx_address(cx), cx->input->caller, cx->input->id);
    return skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
}

bool skn_request_is_known(struct skn_cx *cx)
{
    if (!cx->input || cx->input->id.len == 0) return false;
    if (skn_bug(SKN_BUG_LOST_DEDUPE)) return false;
    struct skn_slice bytes;
    if (skn_raw_get(cx, request_key(cx), &bytes) != SKN_OK) return false;
    struct skn_answer_row row;
    enum skn_rc rc = skn_answer_decode(bytes, &row, &cx->diag);
    if (rc != SKN_OK) {
        cx->rc = rc;
        return false;
    }
    struct skn_output output = {.kind = SKN_OUTPUT_REPLY,
                                .address = skn_cx_address(cx),
                                .number = cx->input->request,
                                .rc = row.rc,
                                .name = row.text,
                                .value = row.value};
    if (!skn_hash128_eq(row.hash, payload_hash(cx)) && !skn_bug(SKN_BUG_ANY_PAYLOAD)) {
        static const uint8_t none = SKN_T_NONE;
        output.rc = SKN_EIDREUSED;
        output.name = SKN_LIT("the request id was used for another request");
        output.value = skn_slice(&none, 1);
    }
    if (!skn_bug(SKN_BUG_REPLY_LOST)) skn_cx_emit(cx, &output, false);
    cx->has_replied = true;
    return true;
}

void skn_request_remember(struct skn_cx *cx,
                          enum skn_rc rc,
                          struct skn_slice text,
                          struct skn_slice value)
{
    struct skn_answer_row row = {.rc = rc, .hash = payload_hash(cx), .text = text, .value = value};
    struct skn_slice key = request_key(cx);
    skn_buf_reset(&cx->row);
    skn_answer_encode(&row, &cx->row);
    skn_raw_put(cx, key, skn_buf_slice(&cx->row));
    uint64_t kept_ms = skn_bug(SKN_BUG_ID_EXPIRES_EARLY) ? 1000 : KEPT_MS;
    skn_key_expiry(&cx->key, skn_cx_now_ms(cx) + kept_ms, key);
    skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
}

enum skn_rc skn_requests_expire(struct skn_core *core,
                                uint64_t now_ms,
                                struct skn_record *out_record,
                                struct skn_diag *diag)
{
    struct skn_key from, end;
    skn_key_shard(&from, SKN_SHARD_EXPIRIES);
    skn_key_expiry(&end, now_ms, (struct skn_slice){0});
    struct skn_row rows[16];
    size_t count, total = 0;
    skn_buf_reset(&core->batch[0]);
    do {
        enum skn_rc rc = skn_store_scan(core->store,
                                        skn_key_slice(&from),
                                        skn_key_slice(&end),
                                        rows,
                                        SKN_ARRAY_LEN(rows),
                                        &count,
                                        diag);
        if (rc != SKN_OK) return rc;
        for (size_t i = 0; i < count; i++) {
            if (rows[i].key.len <= SKN_SHARD_HEAD + 8)
                return SKN_CORRUPT(diag, "an expiry names no request");
            skn_batch_delete(&core->batch[0], rows[i].key);
            skn_batch_delete(&core->batch[0], skn_slice_from(rows[i].key, SKN_SHARD_HEAD + 8));
        }
        total += count;
        if (count > 0) {
            from.len = rows[count - 1].key.len;
            memcpy(from.bytes, rows[count - 1].key.ptr, from.len);
            from.bytes[from.len++] = 0;
        }
    } while (count == SKN_ARRAY_LEN(rows) && total < EXPIRE_AT_ONCE);
    if (total == 0) return SKN_ENOENT;
    skn_core_begin_epoch(core, &core->batch[0]);
    enum skn_rc rc = skn_rows_known(core, skn_buf_slice(&core->batch[0]), diag);
    if (rc != SKN_OK) return rc;
    return skn_commit(core,
                      NULL,
                      skn_buf_slice(&core->batch[0]),
                      SKN_LIT("expire"),
                      0,
                      skn_hlc_next(core->stamp, 0, now_ms),
                      out_record,
                      diag);
}
