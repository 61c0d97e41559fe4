/* look.c - a domain's mail, timers, intents and dead letters, for whoever only looks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"

#include "base/cursor.h"
#include "base/hlc.h"
#include "core/core_internal.h"

#include "base/pure.h"

enum skn_rc skn_look_domain(struct skn_store *store,
                            struct skn_slice address,
                            struct skn_look_domain *out,
                            struct skn_diag *diag)
{
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX);
    struct skn_key key;
    struct skn_slice bytes;
    struct skn_meta_row meta;
    struct skn_box boxes[SKN_LANES];
    skn_key_meta(&key, address);
    enum skn_rc rc = skn_store_get(store, skn_key_slice(&key), &bytes, diag);
    if (rc == SKN_ENOENT)
        return SKN_FAIL(diag,
                        rc,
                        "there is no domain \"%.*s\"; `skein domain ls` lists them",
                        SKN_FMT(address));
    if (rc == SKN_OK) rc = skn_meta_decode(bytes, &meta, diag);
    if (rc == SKN_OK) rc = skn_boxes_read(store, address, boxes, diag);
    if (rc != SKN_OK) return rc;
    *out = (struct skn_look_domain){
        .is_faulted = meta.is_faulted, .faults = meta.faults, .dead = meta.dead};
    for (size_t i = 0; i < SKN_PRIORITIES; i++) {
        out->lanes[i] = boxes[i].count;
        out->mail += boxes[i].count;
        out->waiting += meta.waiting[i];
    }
    out->mail += boxes[SKN_LANE_ANSWERS].count;
    return SKN_OK;
}

enum skn_rc skn_look_next_domain(struct skn_store *store,
                                 struct skn_slice from,
                                 bool is_behind,
                                 struct skn_slice *out_address,
                                 struct skn_diag *diag)
{
    SKN_ASSERT(from.len <= SKN_ADDRESS_MAX);
    struct skn_key key, end;
    struct skn_row row;
    size_t count, before;
    skn_key_domain(&key, (struct skn_slice){0});
    before = key.len;
    end = key;
    end.bytes[end.len - 1]++;
    skn_key_domain(&key, from);
    if (is_behind) key.bytes[key.len++] = 0; /* no address has one */
    enum skn_rc rc =
        skn_store_scan(store, skn_key_slice(&key), skn_key_slice(&end), &row, 1, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count == 0) return SKN_ENOENT;
    *out_address = skn_slice_from(row.key, before);
    return SKN_OK;
}

/* --- mail, timers, intents, dead letters ------------------------------------------------------- */

/* The key of a domain's thing with this number. */
static void key_of(struct skn_key *key,
                   struct skn_slice address,
                   enum skn_look_kind kind,
                   enum skn_priority lane,
                   uint64_t number)
{
    switch (kind) {
    case SKN_LOOK_MAIL: skn_key_mail(key, address, lane, number); break;
    case SKN_LOOK_TIMER: skn_key_timer(key, address, number); break;
    case SKN_LOOK_INTENT: skn_key_intent(key, address, number); break;
    case SKN_LOOK_DEAD: skn_key_dead(key, address, number); break;
    }
}

static enum skn_rc
read_timer(struct skn_slice bytes, struct skn_look_item *out, struct skn_diag *diag)
{
    struct skn_timer_row row;
    enum skn_rc rc = skn_timer_decode(bytes, &row, diag);
    if (rc != SKN_OK) return rc;
    out->tag = row.tag;
    out->due_ms = skn_hlc_ms(row.due_stamp);
    out->is_retry = row.kind == SKN_TIMER_RETRY;
    out->intent = row.intent;
    return SKN_OK;
}

static enum skn_rc
read_intent(struct skn_slice bytes, struct skn_look_item *out, struct skn_diag *diag)
{
    struct skn_intent_row row;
    enum skn_rc rc = skn_intent_decode(bytes, &row, diag);
    if (rc == SKN_OK) rc = skn_stored_check(row.effect, &out->effect, diag);
    if (rc != SKN_OK) return rc;
    out->tag = row.tag;
    out->is_waiting = row.state != SKN_INTENT_RUNNING;
    out->is_cancelled = row.cancel != 0;
    out->attempt = row.attempt;
    out->attempts_max = row.policy.attempts > 0 ? row.policy.attempts : 1;
    out->interruptions = row.interruptions;
    out->epoch = row.epoch;
    memcpy(out->key, row.key, sizeof out->key);
    return SKN_OK;
}

/* Its payload may be in a row of its own. */
static enum skn_rc read_dead(struct skn_store *store,
                             struct skn_key *key,
                             struct skn_slice bytes,
                             struct skn_look_item *out,
                             struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    out->rc = (enum skn_rc)skn_cursor_le32(&cursor);
    if (cursor.bad) return SKN_CORRUPT(diag, "a dead letter has %zu bytes", bytes.len);
    enum skn_rc rc = skn_message_decode(skn_slice_from(bytes, 4), &out->message, diag);
    if (rc != SKN_OK) return rc;
    struct skn_slice payload;
    skn_key_dead_payload(key);
    rc = skn_store_get(store, skn_key_slice(key), &payload, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    return rc == SKN_OK ? skn_stored_check(payload, &out->message.payload, diag) : rc;
}

enum skn_rc skn_look_next(struct skn_store *store,
                          struct skn_slice address,
                          enum skn_look_kind kind,
                          enum skn_priority lane,
                          uint64_t from,
                          struct skn_look_item *out,
                          struct skn_diag *diag)
{
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX);
    struct skn_key key, end;
    struct skn_key_info info;
    struct skn_row row;
    size_t count;
    key_of(&key, address, kind, lane, from);
    end = key;
    end.len -= 8; /* without its number */
    end.bytes[end.len - 1]++;
    do { /* a dead letter's payload stands behind it */
        enum skn_rc rc =
            skn_store_scan(store, skn_key_slice(&key), skn_key_slice(&end), &row, 1, &count, diag);
        if (rc != SKN_OK) return rc;
        if (count == 0) return SKN_ENOENT;
        skn_key_read(row.key, &info);
        SKN_ASSERT(row.key.len < sizeof key.bytes);
        memcpy(key.bytes, row.key.ptr, row.key.len);
        key.len = row.key.len;
        key.bytes[key.len++] = 0;
    } while (info.kind == SKN_KEY_OTHER);

    *out = (struct skn_look_item){.number = info.number};
    key.len--;
    switch (kind) {
    case SKN_LOOK_MAIL: return skn_message_decode(row.value, &out->message, diag);
    case SKN_LOOK_TIMER: return read_timer(row.value, out, diag);
    case SKN_LOOK_INTENT: return read_intent(row.value, out, diag);
    case SKN_LOOK_DEAD: return read_dead(store, &key, row.value, out, diag);
    }
    return SKN_ENOENT;
}
