/* rows.c - the bytes and keys of a run's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "flow/flow_internal.h"

static enum skn_rc
finish(const struct skn_cursor *cursor, uint8_t level, const char *what, struct skn_diag *diag)
{
    if (level > FLOW_ROW_LEVEL)
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "a %s row has format level %u, this program knows %d",
                        what,
                        level,
                        FLOW_ROW_LEVEL);
    if (!skn_cursor_is_done(cursor) || level == 0)
        return SKN_CORRUPT(diag, "a %s row is malformed", what);
    return SKN_OK;
}

void run_encode(const struct run_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, FLOW_ROW_LEVEL);
    skn_buf_put_u8(out, (uint8_t)row->status);
    skn_buf_put_u8(out, row->is_timed_out);
    skn_buf_put_le64(out, row->started_ms);
    skn_buf_put_le64(out, row->ended_ms);
    skn_buf_put_le64(out, row->timer);
    skn_buf_put_le32(out, row->running);
    skn_buf_put_le32(out, row->retries);
    skn_buf_put_block(out, row->code);
    skn_buf_put_block(out, row->message);
    skn_buf_put_block(out, row->path);
}

enum skn_rc run_decode(struct skn_slice bytes, struct run_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint8_t status = skn_cursor_u8(&cursor);
    *out = (struct run_row){.status = status};
    out->is_timed_out = skn_cursor_u8(&cursor) != 0;
    out->started_ms = skn_cursor_le64(&cursor);
    out->ended_ms = skn_cursor_le64(&cursor);
    out->timer = skn_cursor_le64(&cursor);
    out->running = skn_cursor_le32(&cursor);
    out->retries = skn_cursor_le32(&cursor);
    out->code = skn_cursor_block(&cursor);
    out->message = skn_cursor_block(&cursor);
    out->path = skn_cursor_block(&cursor);
    if (status < SKN_RUN_RUNNING || status > SKN_RUN_FAILED) cursor.bad = true;
    return finish(&cursor, level, "run", diag);
}

void ctx_encode(const struct ctx_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, FLOW_ROW_LEVEL);
    skn_buf_put_u8(out, (uint8_t)row->status);
    skn_buf_put_u8(out, row->is_cancelled);
    skn_buf_put_le32(out, row->unit);
    skn_buf_put_le32(out, row->attempt);
    skn_buf_put_le32(out, row->counted);
    skn_buf_put_le32(out, row->branch);
    skn_buf_put_le64(out, row->intent);
    skn_buf_put_le64(out, row->timer);
    skn_buf_put_le64(out, row->due_ms);
    skn_buf_put_le64(out, row->started_ms);
    skn_buf_put_le64(out, row->ended_ms);
    skn_buf_put_u8(out, (uint8_t)row->outcome);
    skn_buf_put_block(out, row->reason);
    skn_buf_put_u8(out, (uint8_t)((row->is_handled ? 1u : 0) | (row->is_late ? 2u : 0)));
    skn_buf_put_le64(out, row->deadline);
    skn_buf_put_block(out, row->other);
}

enum skn_rc ctx_decode(struct skn_slice bytes, struct ctx_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint8_t status = skn_cursor_u8(&cursor);
    *out = (struct ctx_row){.status = status};
    out->is_cancelled = skn_cursor_u8(&cursor) != 0;
    out->unit = skn_cursor_le32(&cursor);
    out->attempt = skn_cursor_le32(&cursor);
    out->counted = skn_cursor_le32(&cursor);
    out->branch = skn_cursor_le32(&cursor);
    out->intent = skn_cursor_le64(&cursor);
    out->timer = skn_cursor_le64(&cursor);
    out->due_ms = skn_cursor_le64(&cursor);
    out->started_ms = skn_cursor_le64(&cursor);
    out->ended_ms = skn_cursor_le64(&cursor);
    uint8_t outcome = skn_cursor_u8(&cursor);
    out->outcome = outcome;
    out->reason = skn_cursor_block(&cursor);
    uint8_t flags = 0;
    if (level >= 2) {
        flags = skn_cursor_u8(&cursor);
        out->is_handled = flags & 1;
        out->is_late = flags & 2;
        out->deadline = skn_cursor_le64(&cursor);
        out->other = skn_cursor_block(&cursor);
    }
    bool is_other = outcome == SKN_OUTCOME_OTHER;
    if (status < CTX_RUNNING || status > CTX_CANCELLED || outcome > SKN_OUTCOME_OTHER ||
        flags > 3 || is_other != (out->other.len > 0))
        cursor.bad = true;
    return finish(&cursor, level, "context", diag);
}

void attempt_encode(const struct attempt_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, FLOW_ROW_LEVEL);
    skn_buf_put_u8(out, row->status);
    skn_buf_put_le64(out, row->epoch);
    skn_buf_put_le64(out, row->started_ms);
    skn_buf_put_le64(out, row->ended_ms);
    skn_buf_put(out, skn_slice(row->key, sizeof row->key));
    skn_buf_put_block(out, row->reason);
}

enum skn_rc attempt_decode(struct skn_slice bytes, struct attempt_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    *out = (struct attempt_row){.status = skn_cursor_u8(&cursor)};
    out->epoch = skn_cursor_le64(&cursor);
    out->started_ms = skn_cursor_le64(&cursor);
    out->ended_ms = skn_cursor_le64(&cursor);
    struct skn_slice key = skn_cursor_bytes(&cursor, sizeof out->key);
    if (key.len == sizeof out->key) memcpy(out->key, key.ptr, key.len);
    out->reason = skn_cursor_block(&cursor);
    if (out->status > SKN_ATTEMPT_INTERRUPTED) cursor.bad = true;
    return finish(&cursor, level, "attempt", diag);
}

void body_encode(const struct body_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, FLOW_ROW_LEVEL);
    skn_buf_put_u8(out, row->is_cancelled);
    skn_buf_put_le32(out, row->body);
    skn_buf_put_le32(out, row->step);
    skn_buf_put_le32(out, row->pending);
    skn_buf_put_le32(out, row->failed);
    skn_buf_put_u8(out, (uint8_t)(row->parent_len & 0xff));
    skn_buf_put_u8(out, (uint8_t)(row->parent_len >> 8));
    skn_buf_put_le32(out, row->handled);
    skn_buf_put_u8(out, (uint8_t)row->decided);
    skn_buf_put_u8(out, row->is_cut);
}

enum skn_rc body_decode(struct skn_slice bytes, struct body_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    *out = (struct body_row){.is_cancelled = skn_cursor_u8(&cursor) != 0};
    out->body = skn_cursor_le32(&cursor);
    out->step = skn_cursor_le32(&cursor);
    out->pending = skn_cursor_le32(&cursor);
    out->failed = skn_cursor_le32(&cursor);
    out->parent_len = (uint16_t)skn_cursor_le(&cursor, 2);
    if (level >= 2) {
        out->handled = skn_cursor_le32(&cursor);
        uint8_t decided = skn_cursor_u8(&cursor);
        out->decided = (enum decided)decided;
        out->is_cut = skn_cursor_u8(&cursor) != 0;
        if (decided > DECIDED_FAILED) cursor.bad = true;
    }
    return finish(&cursor, level, "body", diag);
}

/* --- keys ------------------------------------------------------------------------------------------- */

static bool put(struct flow_key *key, const void *bytes, size_t n)
{
    if (n > sizeof key->bytes - key->len) return false;
    if (n > 0) memcpy(key->bytes + key->len, bytes, n);
    key->len += n;
    return true;
}

static bool put_number(struct flow_key *key, uint32_t n)
{
    uint8_t bytes[5] = {0};
    while (bytes[0] < 4 && n >> (8 * bytes[0]))
        bytes[0]++;
    for (uint8_t i = 0; i < bytes[0]; i++)
        bytes[1 + i] = (uint8_t)(n >> (8 * (bytes[0] - 1 - i)));
    return put(key, bytes, 1 + (size_t)bytes[0]);
}

void flow_key(struct flow_key *out, char kind, struct skn_slice key)
{
    out->len = 0;
    bool fits = put(out, &kind, 1) && put(out, key.ptr, key.len);
    SKN_ASSERT(fits); /* flow_key_child leaves room */
}

void flow_key_attempt(struct flow_key *out, struct skn_slice key, uint32_t attempt)
{
    flow_key(out, 'A', key);
    uint8_t be[4] = {(uint8_t)(attempt >> 24),
                     (uint8_t)(attempt >> 16),
                     (uint8_t)(attempt >> 8),
                     (uint8_t)attempt};
    bool fits = put(out, be, sizeof be);
    SKN_ASSERT(fits);
}

bool flow_key_child(struct flow_key *out, struct skn_slice body, uint32_t unit, uint32_t attempt)
{
    out->len = 0;
    /* A level, a kind byte, an attempt; for a body once more. */
    size_t room = attempt > 0 ? 64 : 32;
    if (body.len > sizeof out->bytes - room) return false;
    return put(out, body.ptr, body.len) && put_number(out, unit + 1) && put_number(out, attempt) &&
           put_number(out, 0);
}

/* One number of a level, 0 when the key is malformed. */
static uint32_t take_number(struct skn_cursor *cursor)
{
    uint8_t n = skn_cursor_u8(cursor);
    if (n > 4) cursor->bad = true;
    return (uint32_t)skn_cursor_be(cursor, n);
}

size_t flow_key_parent_len(struct skn_slice key)
{
    struct skn_cursor cursor = skn_cursor(key);
    size_t last = 0;
    while (cursor.rest.len > 0 && !cursor.bad) {
        last = key.len - cursor.rest.len;
        for (int i = 0; i < 3; i++)
            (void)take_number(&cursor);
    }
    return last;
}

void flow_key_path(struct skn_slice key, struct skn_buf *out)
{
    struct skn_cursor cursor = skn_cursor(key);
    for (bool is_first = true; cursor.rest.len > 0 && !cursor.bad; is_first = false) {
        uint32_t unit = take_number(&cursor);
        (void)take_number(&cursor);
        (void)take_number(&cursor);
        skn_buf_printf(out, is_first ? "%u" : ".%u", unit);
    }
}
