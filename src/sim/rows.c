/* rows.c - which row is what, by its key alone: a second reading of the keys drawn in
 * core/rows_internal.h, so that a change there that nobody meant is seen here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world_internal.h"

#include "base/pure.h"

enum { SHARD = 1, DOMAIN_ROWS = 2 };

static const enum row_kind shard_kinds[] = {[1] = ROW_EPOCH,
                                            [2] = ROW_SECRET,
                                            [3] = ROW_TIMER_INDEX,
                                            [4] = ROW_MAIL,
                                            [5] = ROW_INTENT,
                                            [6] = ROW_REQUEST,
                                            [7] = ROW_EXPIRY,
                                            [8] = ROW_INDEX,
                                            [9] = ROW_OUTBOX,
                                            [10] = ROW_ACKNOWLEDGED,
                                            [11] = ROW_SEEN,
                                            [12] = ROW_WAITING,
                                            [13] = ROW_COUNTER,
                                            [14] = ROW_FAULTED,
                                            [15] = ROW_BUSY,
                                            [16] = ROW_SWEEP};
enum { SEALING = 0x20, SEALED = 0x21, NAME = 0x31, LEASE = 0x32 };
enum { SHARD_HEAD = 3 }; /* 01, the kind, 00 */

static enum row_kind domain_kind(uint8_t code)
{
    switch (code) {
    case 1: return ROW_DOMAIN;
    case 2: return ROW_TIMER;
    case 3: return ROW_DEAD;
    case 4: return ROW_EXCEPTION;
    case 5: return ROW_RANGE;
    case 6: return ROW_INDEXED;
    case 7: return ROW_CALL;
    case 8: return ROW_KEPT;
    case 9: return ROW_KEPT_BY;
    case 0x10: return ROW_OWN;
    default: return ROW_OTHER;
    }
}

/* The text up to the next 00, which has to be there; `out_rest` is what stands behind that. */
static struct skn_slice until_zero(struct skn_slice bytes, struct skn_slice *out_rest)
{
    const uint8_t *zero = bytes.len > 0 ? memchr(bytes.ptr, 0, bytes.len) : NULL;
    *out_rest = (struct skn_slice){0};
    if (!zero) return *out_rest;
    size_t len = (size_t)(zero - bytes.ptr);
    *out_rest = skn_slice_from(bytes, len + 1);
    return skn_slice(bytes.ptr, len);
}

void rows_read_key(struct skn_slice key, struct row_info *out)
{
    *out = (struct row_info){.kind = ROW_OTHER};
    struct skn_slice rest;
    if (key.len < 2) return;
    if (key.ptr[0] == SHARD) {
        if (key.len >= SHARD_HEAD && (key.ptr[1] == SEALING || key.ptr[1] == SEALED))
            out->kind = key.ptr[1] == SEALING ? ROW_SEALING : ROW_SEALED;
        if (key.len >= SHARD_HEAD && (key.ptr[1] == NAME || key.ptr[1] == LEASE))
            out->kind = key.ptr[1] == NAME ? ROW_NAME : ROW_LEASE;
        if (key.len < SHARD_HEAD || key.ptr[1] >= SKN_ARRAY_LEN(shard_kinds) || key.ptr[2] != 0)
            return;
        out->kind = shard_kinds[key.ptr[1]];
        if (out->kind == ROW_MAIL || out->kind == ROW_INTENT || out->kind == ROW_REQUEST)
            out->address = until_zero(skn_slice_from(key, SHARD_HEAD), &rest);
        if (out->kind == ROW_MAIL && rest.len > 0) out->lane = rest.ptr[0];
    } else if (key.ptr[0] == DOMAIN_ROWS) {
        out->address = until_zero(skn_slice_from(key, 1), &rest);
        if (rest.len == 0) return;
        out->kind = domain_kind(rest.ptr[0]);
        if (out->kind == ROW_OWN) out->own = skn_slice_from(rest, 1);
        /* The payload of a dead letter that one row has no room for is no letter of its own. */
        if (out->kind == ROW_DEAD && rest.len == 10 && rest.ptr[9] == 1)
            out->kind = ROW_DEAD_PAYLOAD;
    }
}

/* --- coverage ---------------------------------------------------------------------------------------- */

static const enum skn_cover row_items[] = {[ROW_EPOCH] = SKN_COVER_ROW_EPOCH,
                                           [ROW_SECRET] = SKN_COVER_ROW_SECRET,
                                           [ROW_TIMER_INDEX] = SKN_COVER_ROW_TIMER_INDEX,
                                           [ROW_MAIL] = SKN_COVER_ROW_MAIL,
                                           [ROW_INTENT] = SKN_COVER_ROW_INTENT,
                                           [ROW_REQUEST] = SKN_COVER_ROW_REQUEST,
                                           [ROW_EXPIRY] = SKN_COVER_ROW_EXPIRY,
                                           [ROW_DOMAIN] = SKN_COVER_ROW_DOMAIN,
                                           [ROW_TIMER] = SKN_COVER_ROW_TIMER,
                                           [ROW_DEAD] = SKN_COVER_ROW_DEAD,
                                           [ROW_CALL] = SKN_COVER_ROW_CALL,
                                           [ROW_KEPT] = SKN_COVER_ROW_KEPT,
                                           [ROW_KEPT_BY] = SKN_COVER_ROW_KEPT,
                                           [ROW_OWN] = SKN_COVER_ROW_OWN,
                                           [ROW_INDEX] = SKN_COVER_ROW_INDEX,
                                           [ROW_OUTBOX] = SKN_COVER_ROW_OUTBOX,
                                           [ROW_ACKNOWLEDGED] = SKN_COVER_ROW_ACKNOWLEDGED,
                                           [ROW_SEEN] = SKN_COVER_ROW_SEEN,
                                           [ROW_WAITING] = SKN_COVER_ROW_WAITING,
                                           [ROW_COUNTER] = SKN_COVER_ROW_COUNTER,
                                           [ROW_FAULTED] = SKN_COVER_ROW_FAULTED,
                                           [ROW_BUSY] = SKN_COVER_ROW_BUSY,
                                           [ROW_SWEEP] = SKN_COVER_ROW_SWEEP,
                                           [ROW_SEALING] = SKN_COVER_ROW_SEALING,
                                           [ROW_SEALED] = SKN_COVER_ROW_SEALED,
                                           [ROW_NAME] = SKN_COVER_ROW_NAME,
                                           [ROW_LEASE] = SKN_COVER_ROW_LEASE,
                                           [ROW_RANGE] = SKN_COVER_ROW_RANGE,
                                           [ROW_EXCEPTION] = SKN_COVER_ROW_EXCEPTION,
                                           [ROW_INDEXED] = SKN_COVER_ROW_INDEXED,
                                           [ROW_DEAD_PAYLOAD] = SKN_COVER_ROW_DEAD_PAYLOAD};
static_assert(SKN_ARRAY_LEN(row_items) == ROW_OTHER, "each kind of row has an item");

static void cover_deletion(struct world *w, enum row_kind kind)
{
    switch ((int)kind) {
    case ROW_TIMER_INDEX: world_cover(w, SKN_COVER_GONE_TIMER_INDEX); break;
    case ROW_MAIL: world_cover(w, SKN_COVER_GONE_MAIL); break;
    case ROW_OUTBOX: world_cover(w, SKN_COVER_GONE_OUTBOX); break;
    case ROW_WAITING: world_cover(w, SKN_COVER_GONE_WAITING); break;
    case ROW_COUNTER: world_cover(w, SKN_COVER_GONE_COUNTER); break;
    case ROW_INTENT: world_cover(w, SKN_COVER_GONE_INTENT); break;
    case ROW_REQUEST: world_cover(w, SKN_COVER_GONE_REQUEST); break;
    case ROW_TIMER: world_cover(w, SKN_COVER_GONE_TIMER); break;
    case ROW_CALL: world_cover(w, SKN_COVER_GONE_CALL); break;
    case ROW_KEPT: world_cover(w, SKN_COVER_GONE_KEPT); break;
    case ROW_OWN: world_cover(w, SKN_COVER_GONE_OWN); break;
    case ROW_NAME: world_cover(w, SKN_COVER_GONE_NAME); break;
    case ROW_LEASE: world_cover(w, SKN_COVER_GONE_LEASE); break;
    case ROW_DEAD: world_cover(w, SKN_COVER_GONE_DEAD); break;
    case ROW_DOMAIN: world_cover(w, SKN_COVER_GONE_DOMAIN); break;
    case ROW_BUSY: world_cover(w, SKN_COVER_GONE_BUSY); break;
    case ROW_FAULTED: world_cover(w, SKN_COVER_GONE_FAULTED); break;
    case ROW_RANGE: world_cover(w, SKN_COVER_GONE_RANGE); break;
    case ROW_EXCEPTION: world_cover(w, SKN_COVER_GONE_EXCEPTION); break;
    case ROW_INDEXED: world_cover(w, SKN_COVER_GONE_INDEXED); break;
    case ROW_SEALED: world_cover(w, SKN_COVER_GONE_SEALED); break;
    default: break;
    }
}

/* A message that became a row: its kind stands behind its level. */
static void cover_put(struct world *w, const struct row_info *info, struct skn_slice value)
{
    world_cover(w, row_items[info->kind]);
    bool is_call = info->kind == ROW_MAIL && value.len > 1 && value.ptr[1] == SKN_MESSAGE_CALL;
    if (is_call) world_cover(w, SKN_COVER_MESSAGE_CALL);
    bool is_cancel = info->kind == ROW_MAIL && value.len > 1 && value.ptr[1] == SKN_MESSAGE_CANCEL;
    if (is_cancel) world_cover(w, SKN_COVER_MESSAGE_CANCEL);
}

/* Answers of calls have a lane of their own; which of the others are calls stands in the row. */
static enum skn_cover mail_item(const struct row_info *info)
{
    return info->lane == SKN_PRIORITIES ? SKN_COVER_MESSAGE_ANSWER : SKN_COVER_MESSAGE_SEND;
}

/* A record's message is a word of the engine, the key of a mailbox row, or an encoded message: level
 * and kind in front. */
static void cover_message(struct world *w, struct skn_slice message)
{
    static const enum skn_cover kinds[] = {[SKN_MESSAGE_REQUEST] = SKN_COVER_MESSAGE_REQUEST,
                                           [SKN_MESSAGE_SEND] = SKN_COVER_MESSAGE_SEND,
                                           [SKN_MESSAGE_TIMER] = SKN_COVER_MESSAGE_TIMER,
                                           [SKN_MESSAGE_ATTEMPT] = SKN_COVER_MESSAGE_ATTEMPT,
                                           [SKN_MESSAGE_REDELIVER] = SKN_COVER_MESSAGE_REDELIVER,
                                           [SKN_MESSAGE_LETTERS] = SKN_COVER_MESSAGE_LETTERS,
                                           [SKN_MESSAGE_REMOVE] = SKN_COVER_MESSAGE_REMOVE,
                                           [SKN_MESSAGE_SWEEP] = SKN_COVER_MESSAGE_SWEEP,
                                           [SKN_MESSAGE_CALL] = SKN_COVER_MESSAGE_CALL,
                                           [SKN_MESSAGE_ANSWER] = SKN_COVER_MESSAGE_ANSWER,
                                           [SKN_MESSAGE_PLACES] = SKN_COVER_PLACE_BACK,
                                           [SKN_MESSAGE_CANCEL] = SKN_COVER_MESSAGE_CANCEL,
                                           [SKN_MESSAGE_KEPT] = SKN_COVER_MESSAGE_KEPT};
    static_assert(SKN_ARRAY_LEN(kinds) == SKN_MESSAGE_KEPT + 1, "each kind has an item");
    static const struct {
        const char *word;
        enum skn_cover item;
    } words[] = {{"open", SKN_COVER_RECORD_OPEN},
                 {"expire", SKN_COVER_RECORD_EXPIRE},
                 {"trim", SKN_COVER_RECORD_TRIM},
                 {"take", SKN_COVER_RECORD_TAKE},
                 {"reseal", SKN_COVER_RECORD_RESEAL}};
    struct row_info info;
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++) {
        if (!skn_slice_has_prefix(message, skn_slice_str(words[i].word))) continue;
        world_cover(w, words[i].item);
        return;
    }
    rows_read_key(message, &info);
    bool is_key = info.address.len > 0 && memchr(info.address.ptr, ':', info.address.len);
    uint8_t kind = message.len > 2 ? message.ptr[1] : 0;
    if (is_key && (info.kind == ROW_DEAD || info.kind == ROW_MAIL))
        world_cover(w, info.kind == ROW_DEAD ? SKN_COVER_MESSAGE_LETTER : mail_item(&info));
    else if (kind > 0 && kind < SKN_ARRAY_LEN(kinds))
        world_cover(w, kinds[kind]);
    else
        world_fail(w, "P4: a record of a message that nobody knows", NULL);
}

static bool has_secret(struct skn_slice bytes)
{
    static const char text[] = SIM_SECRET;
    return bytes.len > 0 && memmem(bytes.ptr, bytes.len, text, sizeof text - 1);
}

void rows_cover_record(struct world *w, const struct skn_record *record)
{
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    cover_message(w, record->message);
    if (has_secret(record->message) || has_secret(record->batch))
        world_fail(w, "P8: a secret is in the journal as it is [E46]", NULL);
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        struct row_info info;
        rows_read_key(op.key, &info);
        limits_cover_row(w, &info, op.is_delete);
        if (info.kind == ROW_OTHER)
            world_fail(w, "P4: a row of a kind that nobody knows", NULL);
        else if (op.is_delete)
            cover_deletion(w, info.kind);
        else
            cover_put(w, &info, op.value);
    }
}
