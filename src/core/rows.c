/* rows.c - the bytes of the core's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "core/limiter_internal.h"
#include "core/rows_internal.h"

#include <endian.h>
#include <string.h>

/* Every row ends here: all read, nothing left, and a level that we know. */
static enum skn_rc finish_at(const struct skn_cursor *cursor,
                             uint8_t level,
                             int known,
                             const char *what,
                             struct skn_diag *diag)
{
    if (level > known)
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "a %s row has format level %u, this program knows %d",
                        what,
                        level,
                        known);
    if (!skn_cursor_is_done(cursor) || level == 0)
        return SKN_CORRUPT(diag, "a %s row is malformed", what);
    return SKN_OK;
}

static enum skn_rc
finish(const struct skn_cursor *cursor, uint8_t level, const char *what, struct skn_diag *diag)
{
    return finish_at(cursor, level, SKN_ROW_LEVEL, what, diag);
}

enum {
    META_FAULTED = 1,
    META_AGAIN = 2,
    META_CLOSING = 4,
    META_REMOVING = 8,
    META_RANGES = 16,
    META_ANSWERS = 32,
    META_KEPT = 64,
    META_FLAGS = 127
};

/* Seven bits a byte, low ones first, all but the last with the high bit: the row of a domain is in
 * nearly every batch, and most of its numbers are small. Gives what is behind it. */
static inline uint8_t *put_varint(uint8_t *at, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *at++ = (uint8_t)(n | 0x80);
    *at++ = (uint8_t)n;
    return at;
}

/* A number has one form only: no zeros behind it. */
static uint64_t read_varint(struct skn_cursor *cursor)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = skn_cursor_u8(cursor);
        uint64_t bits = byte & 0x7f;
        n |= bits << shift;
        bool is_too_much = shift == 63 && bits > 1;
        if (is_too_much || (byte == 0 && shift > 0)) cursor->bad = true;
        if (!(byte & 0x80)) return n;
    }
    cursor->bad = true;
    return 0;
}

static uint32_t read_varint32(struct skn_cursor *cursor)
{
    uint64_t n = read_varint(cursor);
    if (n > UINT32_MAX) cursor->bad = true;
    return (uint32_t)n;
}

static uint8_t lanes_of(const struct skn_meta_row *row)
{
    uint8_t lanes = 0;
    for (unsigned i = 0; i < SKN_LANES; i++)
        if (row->waiting[i] > 0) lanes |= (uint8_t)(1U << i);
    return lanes;
}

static uint8_t flags_of(const struct skn_meta_row *row)
{
    unsigned flags = row->is_faulted ? META_FAULTED : 0;
    if (row->again_from < row->again_to) flags |= META_AGAIN;
    if (row->is_closing) flags |= META_CLOSING;
    if (row->removal != SKN_REMOVE_NOT) flags |= META_REMOVING;
    if (row->ranges > 0) flags |= META_RANGES;
    if (row->answers > 0) flags |= META_ANSWERS;
    if (row->kept > 0) flags |= META_KEPT;
    return (uint8_t)flags;
}

/* Bytes of the row of a domain that has everything. */
enum { VARINT_MAX = 10, META_NUMBERS = 7, META_OPTIONAL = 8, META_BYTES = 4 };
enum { META_MAX = META_BYTES + VARINT_MAX * (META_NUMBERS + META_OPTIONAL + SKN_LANES) };

static uint8_t *put_optional(uint8_t *at, const struct skn_meta_row *row, uint8_t flags)
{
    if (flags & META_AGAIN) {
        at = put_varint(at, row->again_from);
        at = put_varint(at, row->again_to);
    }
    if (flags & META_REMOVING) {
        *at++ = (uint8_t)row->removal;
        at = put_varint(at, row->removed_at);
        at = put_varint(at, row->removal_at);
    }
    if (flags & META_RANGES) {
        at = put_varint(at, row->ranges);
        at = put_varint(at, row->next_range);
    }
    if (flags & META_ANSWERS) at = put_varint(at, row->answers);
    if (flags & META_KEPT) at = put_varint(at, row->kept);
    return at;
}

void skn_meta_encode(const struct skn_meta_row *row, struct skn_buf *out)
{
    const uint64_t numbers[META_NUMBERS] = {row->faults,
                                            row->dead,
                                            row->next_wait,
                                            row->next_timer,
                                            row->next_intent,
                                            row->last_dead,
                                            row->epoch};
    uint8_t bytes[META_MAX], *at = bytes;
    uint8_t flags = flags_of(row), lanes = lanes_of(row);
    *at++ = SKN_META_LEVEL;
    *at++ = flags;
    for (size_t i = 0; i < META_NUMBERS; i++)
        at = put_varint(at, numbers[i]);
    *at++ = lanes;
    for (uint32_t rest = lanes; rest; rest &= rest - 1)
        at = put_varint(at, row->waiting[__builtin_ctz(rest)]);
    if (flags) at = put_optional(at, row, flags);
    SKN_ASSERT(at <= bytes + sizeof bytes);
    skn_buf_put(out, skn_slice(bytes, (size_t)(at - bytes)));
}

/* What only some domains have. */
static void read_optional(struct skn_cursor *cursor, unsigned flags, struct skn_meta_row *out)
{
    if (flags & META_AGAIN) {
        out->again_from = read_varint(cursor);
        out->again_to = read_varint(cursor);
        if (out->again_from >= out->again_to) cursor->bad = true;
    }
    if (flags & META_REMOVING) {
        uint8_t removal = skn_cursor_u8(cursor);
        out->removal = removal;
        out->removed_at = read_varint(cursor);
        out->removal_at = read_varint(cursor);
        if (removal == SKN_REMOVE_NOT || removal > SKN_REMOVE_ROWS) cursor->bad = true;
    }
    if (flags & META_RANGES) {
        out->ranges = read_varint32(cursor);
        out->next_range = read_varint(cursor);
        if (out->ranges == 0) cursor->bad = true;
    }
    if (flags & META_ANSWERS) {
        out->answers = read_varint32(cursor);
        if (out->answers == 0) cursor->bad = true;
    }
    if (flags & META_KEPT) {
        out->kept = read_varint32(cursor);
        if (out->kept == 0) cursor->bad = true;
    }
}

enum skn_rc skn_meta_decode(struct skn_slice bytes, struct skn_meta_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    unsigned flags = skn_cursor_u8(&cursor);
    *out = (struct skn_meta_row){.is_faulted = (flags & META_FAULTED) != 0,
                                 .is_closing = (flags & META_CLOSING) != 0};
    out->faults = read_varint32(&cursor);
    out->dead = read_varint32(&cursor);
    out->next_wait = read_varint(&cursor);
    out->next_timer = read_varint(&cursor);
    out->next_intent = read_varint(&cursor);
    out->last_dead = read_varint(&cursor);
    out->epoch = read_varint(&cursor);
    unsigned lanes = skn_cursor_u8(&cursor);
    for (unsigned i = 0; i < SKN_LANES; i++) {
        if (!(lanes & (1U << i))) continue;
        uint32_t mail = level == 1 ? read_varint32(&cursor) : 0;
        out->waiting[i] = read_varint32(&cursor);
        if (mail == 0 && out->waiting[i] == 0) cursor.bad = true;
    }
    read_optional(&cursor, flags, out);
    if (lanes >> SKN_LANES || out->waiting[SKN_LANE_ANSWERS] > 0 || flags & ~(unsigned)META_FLAGS)
        cursor.bad = true;
    return finish_at(&cursor, level, SKN_META_LEVEL, "domain", diag);
}

void skn_timer_encode(const struct skn_timer_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_u8(out, (uint8_t)row->kind);
    skn_buf_put_le64(out, row->due_stamp);
    skn_buf_put_le64(out, row->intent);
    skn_buf_put_block(out, row->tag);
}

enum skn_rc
skn_timer_decode(struct skn_slice bytes, struct skn_timer_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint8_t kind = skn_cursor_u8(&cursor);
    *out = (struct skn_timer_row){.kind = kind};
    out->due_stamp = skn_cursor_le64(&cursor);
    out->intent = skn_cursor_le64(&cursor);
    out->tag = skn_cursor_block(&cursor);
    if (kind != SKN_TIMER_PROGRAM && kind != SKN_TIMER_RETRY) cursor.bad = true;
    return finish(&cursor, level, "timer", diag);
}

enum { INTENT_LIMITED = 0x80, INTENT_PICKY = 0x40 };

static void put_limit(const struct skn_intent_row *row, struct skn_buf *out)
{
    skn_buf_put_block(out, row->limit.key);
    skn_buf_put_le32(out, row->limit.places);
    skn_buf_put_le32(out, row->limit.rate);
    skn_buf_put_le32(out, row->limit.burst);
    skn_buf_put_le64(out, row->limit.rate_ms);
    skn_buf_put_u8(out, (uint8_t)row->limit.priority);
    skn_buf_put_le64(out, row->ticket);
}

static void read_limit(struct skn_cursor *cursor, struct skn_intent_row *out)
{
    out->limit.key = skn_cursor_block(cursor);
    out->limit.places = skn_cursor_le32(cursor);
    out->limit.rate = skn_cursor_le32(cursor);
    out->limit.burst = skn_cursor_le32(cursor);
    out->limit.rate_ms = skn_cursor_le64(cursor);
    uint8_t priority = skn_cursor_u8(cursor);
    out->limit.priority = priority;
    out->ticket = skn_cursor_le64(cursor);
    if (out->limit.key.len == 0 || skn_limit_check(&out->limit) != SKN_OK) cursor->bad = true;
}

/* The policy has more than a number of attempts and their delays. */
static bool is_picky(const struct skn_retry_policy *policy)
{
    return policy->jitter_milli > 0 || policy->only.len > 0 || policy->never.len > 0 ||
           policy->ends_cut_off;
}

void skn_intent_encode(const struct skn_intent_row *row, struct skn_buf *out)
{
    bool is_limited = row->limit.key.len > 0;
    const struct skn_retry_policy *policy = &row->policy;
    bool picky = is_picky(policy);
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_u8(out,
                   (uint8_t)((unsigned)row->state | (is_limited ? INTENT_LIMITED : 0) |
                             (picky ? INTENT_PICKY : 0)));
    skn_buf_put_u8(out, row->cancel);
    skn_buf_put_le32(out, row->attempt);
    skn_buf_put_le32(out, row->counted);
    skn_buf_put_le32(out, row->interruptions);
    skn_buf_put_le64(out, row->epoch);
    skn_buf_put_le64(out, row->timer);
    skn_buf_put(out, skn_slice(row->key, sizeof row->key));
    skn_buf_put_le32(out, row->policy.attempts);
    skn_buf_put_le64(out, row->policy.backoff_ms);
    skn_buf_put_le32(out, row->policy.factor_milli);
    skn_buf_put_le64(out, row->policy.max_ms);
    skn_buf_put_block(out, row->tag);
    skn_buf_put_block(out, row->effect);
    if (is_limited) put_limit(row, out);
    if (!picky) return;
    skn_buf_put_le32(out, policy->jitter_milli);
    skn_buf_put_block(out, policy->only);
    skn_buf_put_block(out, policy->never);
    skn_buf_put_u8(out, policy->ends_cut_off);
}

enum skn_rc
skn_intent_decode(struct skn_slice bytes, struct skn_intent_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    unsigned state = skn_cursor_u8(&cursor);
    bool is_limited = state & INTENT_LIMITED, picky = state & INTENT_PICKY;
    state &= ~(unsigned)(INTENT_LIMITED | INTENT_PICKY);
    *out = (struct skn_intent_row){.state = state};
    out->cancel = skn_cursor_u8(&cursor);
    out->attempt = skn_cursor_le32(&cursor);
    out->counted = skn_cursor_le32(&cursor);
    out->interruptions = skn_cursor_le32(&cursor);
    out->epoch = skn_cursor_le64(&cursor);
    out->timer = skn_cursor_le64(&cursor);
    struct skn_slice key = skn_cursor_bytes(&cursor, SKN_KEY_BYTES);
    if (key.len == SKN_KEY_BYTES) memcpy(out->key, key.ptr, key.len);
    out->policy.attempts = skn_cursor_le32(&cursor);
    out->policy.backoff_ms = skn_cursor_le64(&cursor);
    out->policy.factor_milli = skn_cursor_le32(&cursor);
    out->policy.max_ms = skn_cursor_le64(&cursor);
    out->tag = skn_cursor_block(&cursor);
    out->effect = skn_cursor_block(&cursor);
    if (is_limited) read_limit(&cursor, out);
    if (picky) {
        out->policy.jitter_milli = skn_cursor_le32(&cursor);
        out->policy.only = skn_cursor_block(&cursor);
        out->policy.never = skn_cursor_block(&cursor);
        out->policy.ends_cut_off = skn_cursor_u8(&cursor) != 0;
        if (out->policy.jitter_milli > 1000) cursor.bad = true;
        if (!is_picky(&out->policy)) cursor.bad = true;
    }
    bool is_state = state == SKN_INTENT_RUNNING || state == SKN_INTENT_WAITING ||
                    (state == SKN_INTENT_ASKING && is_limited);
    if (!is_state) cursor.bad = true;
    if (out->cancel > SKN_CANCEL_LEAVE) cursor.bad = true;
    return finish(&cursor, level, "intent", diag);
}

/* The priority of most calls is normal, and stands there as nothing. */
enum { CALL_DEPTH_BITS = 24, CALL_DEPTH_MASK = (1 << CALL_DEPTH_BITS) - 1 };

void skn_call_encode(const struct skn_call_row *row, struct skn_buf *out)
{
    uint32_t priority = (uint32_t)row->priority ^ (uint32_t)SKN_PRIORITY_NORMAL;
    SKN_ASSERT(row->depth <= CALL_DEPTH_MASK);
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_le32(out, row->depth | priority << CALL_DEPTH_BITS);
    skn_buf_put_le64(out, row->stamp);
    skn_buf_put_block(out, row->target);
    skn_buf_put_block(out, row->tag);
}

enum skn_rc skn_call_decode(struct skn_slice bytes, struct skn_call_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint32_t depth = skn_cursor_le32(&cursor);
    uint32_t priority = depth >> CALL_DEPTH_BITS ^ (uint32_t)SKN_PRIORITY_NORMAL;
    *out = (struct skn_call_row){.depth = depth & CALL_DEPTH_MASK, .priority = priority};
    if (priority >= SKN_PRIORITIES) cursor.bad = true;
    out->stamp = skn_cursor_le64(&cursor);
    out->target = skn_cursor_block(&cursor);
    out->tag = skn_cursor_block(&cursor);
    if (out->depth == 0 || out->target.len == 0) cursor.bad = true;
    return finish(&cursor, level, "call", diag);
}

void skn_kept_call_encode(const struct skn_kept_call_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_le32(out, row->depth);
    skn_buf_put_le64(out, row->number);
    skn_buf_put_le64(out, row->called);
    skn_buf_put_block(out, row->caller);
    skn_buf_put_block(out, row->name);
    skn_buf_put_block(out, row->tag);
}

enum skn_rc
skn_kept_call_decode(struct skn_slice bytes, struct skn_kept_call_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    *out = (struct skn_kept_call_row){.depth = skn_cursor_le32(&cursor)};
    out->number = skn_cursor_le64(&cursor);
    out->called = skn_cursor_le64(&cursor);
    out->caller = skn_cursor_block(&cursor);
    out->name = skn_cursor_block(&cursor);
    out->tag = skn_cursor_block(&cursor);
    if (out->depth == 0 || out->caller.len == 0) cursor.bad = true;
    return finish(&cursor, level, "kept call", diag);
}

void skn_answer_encode(const struct skn_answer_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_le32(out, (uint32_t)row->rc);
    skn_buf_put_le32(out, row->hour);
    skn_buf_put_le64(out, row->hash.lo);
    skn_buf_put_le64(out, row->hash.hi);
    skn_buf_put_block(out, row->text);
    skn_buf_put_block(out, row->value);
}

enum skn_rc
skn_answer_decode(struct skn_slice bytes, struct skn_answer_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    *out = (struct skn_answer_row){.rc = (enum skn_rc)skn_cursor_le32(&cursor)};
    out->hour = skn_cursor_le32(&cursor);
    out->hash.lo = skn_cursor_le64(&cursor);
    out->hash.hi = skn_cursor_le64(&cursor);
    out->text = skn_cursor_block(&cursor);
    out->value = skn_cursor_block(&cursor);
    return finish(&cursor, level, "request", diag);
}

/* What is sent has none of an attempt's. */
static bool has_numbers(unsigned kind)
{
    return kind != SKN_MESSAGE_REQUEST && kind != SKN_MESSAGE_SEND;
}

static bool is_of_call(unsigned kind)
{
    return kind == SKN_MESSAGE_CALL || kind == SKN_MESSAGE_ANSWER || kind == SKN_MESSAGE_CANCEL;
}

static inline uint8_t *put_le32(uint8_t *at, uint32_t n)
{
    n = htole32(n);
    memcpy(at, &n, sizeof n);
    return at + sizeof n;
}

static inline uint8_t *put_le64(uint8_t *at, uint64_t n)
{
    n = htole64(n);
    memcpy(at, &n, sizeof n);
    return at + sizeof n;
}

static inline uint8_t *put_block(uint8_t *at, struct skn_slice bytes)
{
    SKN_ASSERT(bytes.len <= UINT32_MAX);
    at = put_le32(at, (uint32_t)bytes.len);
    if (bytes.len > 0) memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

enum { MESSAGE_HEAD = 13, MESSAGE_NUMBERS = 28, CALL_NUMBERS = 24, MESSAGE_BLOCKS = 5 };

void skn_message_encode(const struct skn_message *message, struct skn_buf *out)
{
    size_t size = skn_value_size(message->payload) + message->is_sealed;
    bool is_call = is_of_call(message->kind);
    size_t numbers = is_call ? CALL_NUMBERS : has_numbers(message->kind) ? MESSAGE_NUMBERS : 0;
    SKN_ASSERT(size <= UINT32_MAX);
    uint8_t *at = skn_buf_add(out,
                              MESSAGE_HEAD + numbers + MESSAGE_BLOCKS * sizeof(uint32_t) +
                                  message->sender.len + message->name.len + message->tag.len +
                                  message->reason.len);
    if (!at) return; /* over the limit of `out`, which its owner finds */
    *at++ = SKN_ROW_LEVEL;
    *at++ = (uint8_t)message->kind;
    *at++ = (uint8_t)message->priority;
    *at++ = (uint8_t)message->status;
    *at++ = message->is_final;
    at = put_le64(at, message->stamp);
    if (is_call) {
        at = put_le64(at, message->number);
        at = put_le32(at, message->depth);
        at = put_le32(at, (uint32_t)message->rc);
        at = put_le64(at, message->called);
    } else if (numbers > 0) {
        at = put_le64(at, message->number);
        at = put_le32(at, message->attempt);
        at = put_le64(at, message->epoch);
        at = put_le64(at, message->next_due_ms);
    }
    at = put_block(at, message->sender);
    at = put_block(at, message->name);
    at = put_block(at, message->tag);
    at = put_block(at, message->reason);
    (void)put_le32(at, (uint32_t)size);
    if (message->is_sealed) skn_buf_put_u8(out, SKN_VALUE_SEALED_MARK);
    skn_value_encode(message->payload, out);
}

/* Everything but the payload, which it gives unchecked; its level. */
static uint8_t
read_message(struct skn_cursor *cursor, struct skn_message *out, struct skn_slice *out_payload)
{
    uint8_t level = skn_cursor_u8(cursor);
    uint8_t kind = skn_cursor_u8(cursor);
    uint8_t priority = skn_cursor_u8(cursor);
    uint8_t status = skn_cursor_u8(cursor);
    *out = (struct skn_message){.kind = kind, .priority = priority, .status = status};
    out->is_final = skn_cursor_u8(cursor) != 0;
    out->stamp = skn_cursor_le64(cursor);
    if (is_of_call(kind)) {
        out->number = skn_cursor_le64(cursor);
        out->depth = skn_cursor_le32(cursor);
        out->rc = (enum skn_rc)skn_cursor_le32(cursor);
        out->called = skn_cursor_le64(cursor);
    } else if (has_numbers(kind)) {
        out->number = skn_cursor_le64(cursor);
        out->attempt = skn_cursor_le32(cursor);
        out->epoch = skn_cursor_le64(cursor);
        out->next_due_ms = skn_cursor_le64(cursor);
    }
    out->sender = skn_cursor_block(cursor);
    out->name = skn_cursor_block(cursor);
    out->tag = skn_cursor_block(cursor);
    out->reason = skn_cursor_block(cursor);
    *out_payload = skn_cursor_block(cursor);
    if (kind < SKN_MESSAGE_REQUEST || kind > SKN_MESSAGE_KEPT) cursor->bad = true;
    if (priority >= SKN_PRIORITIES || status > SKN_ATTEMPT_INTERRUPTED) cursor->bad = true;
    return level;
}

static enum skn_rc
read_payload(struct skn_slice payload, struct skn_message *out, struct skn_diag *diag)
{
    out->is_sealed = skn_stored_is_sealed(payload);
    return skn_stored_check(payload, &out->payload, diag);
}

enum skn_rc
skn_message_decode(struct skn_slice bytes, struct skn_message *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    struct skn_slice payload;
    uint8_t level = read_message(&cursor, out, &payload);
    enum skn_rc rc = finish(&cursor, level, "message", diag);
    return rc == SKN_OK ? read_payload(payload, out, diag) : rc;
}

void skn_handled_encode(const struct skn_handled *handled, struct skn_buf *out)
{
    skn_message_encode(&handled->message, out);
    skn_buf_put_block(out, handled->address);
    skn_buf_put_block(out, handled->caller);
    skn_buf_put_block(out, handled->id);
}

enum skn_rc
skn_handled_decode(struct skn_slice bytes, struct skn_handled *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    struct skn_slice payload;
    uint8_t level = read_message(&cursor, &out->message, &payload);
    out->address = skn_cursor_block(&cursor);
    out->caller = skn_cursor_block(&cursor);
    out->id = skn_cursor_block(&cursor);
    bool fits = out->address.len > 0 && out->caller.len <= SKN_REQUEST_ID_MAX &&
                out->id.len <= SKN_REQUEST_ID_MAX;
    if (!fits || (out->caller.len > 0 && memchr(out->caller.ptr, 0, out->caller.len)))
        cursor.bad = true;
    enum skn_rc rc = finish(&cursor, level, "record's message", diag);
    return rc == SKN_OK ? read_payload(payload, &out->message, diag) : rc;
}

void skn_kept_encode(const struct skn_kept_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_le64(out, row->ids);
    skn_buf_put_le64(out, row->bytes);
}

enum skn_rc skn_kept_decode(struct skn_slice bytes, struct skn_kept_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    out->ids = skn_cursor_le64(&cursor);
    out->bytes = skn_cursor_le64(&cursor);
    return finish(&cursor, level, "caller", diag);
}

void skn_counter_encode(const struct skn_counter_row *row, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_le32(out, row->messages);
    skn_buf_put_le64(out, row->bytes);
}

enum skn_rc
skn_counter_decode(struct skn_slice bytes, struct skn_counter_row *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    out->messages = skn_cursor_le32(&cursor);
    out->bytes = skn_cursor_le64(&cursor);
    return finish(&cursor, level, "counter", diag);
}

void skn_note_encode(const struct skn_note *note, struct skn_buf *out)
{
    skn_buf_put_u8(out, SKN_ROW_LEVEL);
    skn_buf_put_u8(out, (uint8_t)note->kind);
    skn_buf_put_u8(out, note->is_faulted);
    skn_buf_put_le32(out, (uint32_t)note->messages);
    skn_buf_put_le64(out, (uint64_t)note->bytes);
    skn_buf_put_block(out, note->target);
    skn_buf_put_block(out, note->sender);
}

enum skn_rc skn_note_decode(struct skn_slice bytes, struct skn_note *out, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint8_t kind = skn_cursor_u8(&cursor);
    uint8_t faulted = skn_cursor_u8(&cursor);
    *out = (struct skn_note){.kind = kind, .is_faulted = faulted == 1};
    out->messages = (int32_t)skn_cursor_le32(&cursor);
    out->bytes = (int64_t)skn_cursor_le64(&cursor);
    out->target = skn_cursor_block(&cursor);
    out->sender = skn_cursor_block(&cursor);
    if (kind != SKN_NOTE_WAITS && kind != SKN_NOTE_FAULTED) cursor.bad = true;
    if (faulted > 1 || out->target.len == 0) cursor.bad = true;
    if (kind == SKN_NOTE_WAITS && out->sender.len == 0) cursor.bad = true;
    return finish(&cursor, level, "note", diag);
}

enum skn_rc
skn_outbox_split(struct skn_slice row, struct skn_slice *out_target, struct skn_slice *out_message)
{
    struct skn_cursor cursor = skn_cursor(row);
    *out_target = skn_cursor_block(&cursor);
    *out_message = cursor.rest;
    return cursor.bad ? SKN_ECORRUPT : SKN_OK;
}

/* Behind its numbers. */
static struct skn_cursor blocks_of(struct skn_slice message)
{
    enum { BEFORE_KIND = 1, BEFORE_NUMBERS = 11 };
    struct skn_cursor cursor = skn_cursor(message);
    (void)skn_cursor_bytes(&cursor, BEFORE_KIND);
    uint8_t kind = skn_cursor_u8(&cursor);
    size_t numbers = is_of_call(kind) ? CALL_NUMBERS : has_numbers(kind) ? MESSAGE_NUMBERS : 0;
    (void)skn_cursor_bytes(&cursor, BEFORE_NUMBERS + numbers);
    return cursor;
}

enum skn_rc skn_message_sender(struct skn_slice message, struct skn_slice *out_sender)
{
    struct skn_cursor cursor = blocks_of(message);
    *out_sender = skn_cursor_block(&cursor);
    return cursor.bad ? SKN_ECORRUPT : SKN_OK;
}

struct skn_slice skn_message_said(struct skn_slice message, bool is_sealed)
{
    struct skn_cursor cursor = blocks_of(message);
    const struct skn_slice all = cursor.rest;
    for (int i = 1; is_sealed && i < MESSAGE_BLOCKS; i++)
        (void)skn_cursor_block(&cursor);
    return is_sealed ? skn_slice(all.ptr, all.len - cursor.rest.len) : all;
}

bool skn_message_is_cancel(struct skn_slice message)
{
    return message.len > 1 && message.ptr[1] == SKN_MESSAGE_CANCEL;
}
