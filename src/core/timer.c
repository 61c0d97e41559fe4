/* timer.c - durable timers: a row at the domain, an index row in order of their due time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "core/core_internal.h"
#include "core/gas.h"

enum { FIRE_AT_ONCE = 1000 }; /* timers queued per turn, so that a flood does not stall the rest */

uint64_t skn_timer_add(struct skn_cx *cx, struct skn_timer_row *timer)
{
    /* Later than this slice: so it is behind every timer that was queued already. */
    if (timer->due_stamp <= cx->stamp) timer->due_stamp = cx->stamp + 1;
    uint64_t number = cx->meta.next_timer++;
    cx->meta_changed = true;
    (void)skn_cx_charge(cx, SKN_GAS_TIMER);
    skn_buf_reset(&cx->row);
    skn_timer_encode(timer, &cx->row);
    skn_key_timer(&cx->key, skn_cx_address(cx), number);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
    skn_key_timer_index(&cx->key, timer->due_stamp, number, skn_cx_address(cx));
    skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
    return number;
}

uint64_t skn_cx_timer_set(struct skn_cx *cx, uint64_t due_ms, struct skn_slice tag)
{
    if (tag.len > SKN_TAG_MAX) (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a tag is over 3072 bytes");
    if (cx->rc != SKN_OK) return 0;
    struct skn_timer_row timer = {
        .kind = SKN_TIMER_PROGRAM, .due_stamp = skn_hlc_at(due_ms), .tag = tag};
    return skn_timer_add(cx, &timer);
}

/* The timer's row, and both rows gone. */
static enum skn_rc take(struct skn_cx *cx, uint64_t number, struct skn_timer_row *out)
{
    struct skn_slice bytes;
    skn_key_timer(&cx->key, skn_cx_address(cx), number);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc != SKN_OK) return rc;
    rc = skn_timer_decode(bytes, out, &cx->diag);
    if (rc != SKN_OK) return cx->rc = rc;
    out->tag = skn_arena_dup(&cx->arena, out->tag);
    if (skn_bug(SKN_BUG_TIMER_TWICE)) return cx->rc;
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    skn_key_timer_index(&cx->key, out->due_stamp, number, skn_cx_address(cx));
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    return cx->rc;
}

void skn_cx_timer_cancel(struct skn_cx *cx, uint64_t number)
{
    struct skn_timer_row timer;
    enum skn_rc rc = take(cx, number, &timer);
    (void)rc; /* no such timer is fine, everything else has stuck */
}

enum skn_take skn_timer_take(struct skn_cx *cx, struct skn_message *message)
{
    struct skn_timer_row timer;
    if (take(cx, message->number, &timer) != SKN_OK) return SKN_TAKE_DROP;
    if (timer.kind == SKN_TIMER_RETRY) return skn_intent_again(cx, timer.intent, message);
    message->tag = timer.tag;
    return SKN_TAKE_GIVE;
}

/* The first timer behind those that are queued; SKN_ENOENT. `out_due` is its stamp. */
static enum skn_rc first_timer(struct skn_core *core, struct skn_row *out_row, uint64_t *out_due)
{
    struct skn_key from = core->timer_at, end;
    skn_key_shard(&end, SKN_SHARD_TIMERS);
    skn_key_end(&end);
    if (from.len == 0)
        skn_key_shard(&from, SKN_SHARD_TIMERS);
    else
        from.bytes[from.len++] = 0;
    size_t count;
    enum skn_rc rc = skn_store_scan(
        core->store, skn_key_slice(&from), skn_key_slice(&end), out_row, 1, &count, NULL);
    if (rc != SKN_OK) return rc;
    if (count == 0) return SKN_ENOENT;
    struct skn_cursor cursor = skn_cursor(skn_slice_from(out_row->key, SKN_SHARD_HEAD));
    *out_due = skn_cursor_be(&cursor, 8);
    return SKN_OK;
}

enum skn_rc skn_timers_fire(struct skn_core *core, uint64_t now_ms, struct skn_diag *diag)
{
    uint64_t now = skn_hlc_at(now_ms + (skn_bug(SKN_BUG_TIMER_EARLY) ? 500 : 0));
    for (int i = 0; i < FIRE_AT_ONCE; i++) {
        struct skn_row row;
        uint64_t due;
        enum skn_rc rc = first_timer(core, &row, &due);
        if (rc == SKN_ENOENT || (rc == SKN_OK && due > now)) return SKN_OK;
        if (rc != SKN_OK) return rc;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(row.key, SKN_SHARD_HEAD + 8));
        struct skn_message message = {.kind = SKN_MESSAGE_TIMER,
                                      .priority = SKN_PRIORITY_NORMAL,
                                      .stamp = due,
                                      .number = skn_cursor_be(&cursor, 8)};
        struct skn_dom *dom = skn_dom_get(core, cursor.rest);
        if (cursor.bad || !dom)
            return SKN_CORRUPT(diag, "a timer belongs to no domain of a known type");
        core->timer_at.len = row.key.len;
        memcpy(core->timer_at.bytes, row.key.ptr, row.key.len);
        core->counts.timers_fired++;
        skn_dom_queue(core, dom, skn_input_own(&message));
    }
    return SKN_OK;
}

uint64_t skn_core_next_due_ms(struct skn_core *core)
{
    struct skn_row row;
    uint64_t due;
    if (first_timer(core, &row, &due) != SKN_OK) return UINT64_MAX;
    /* The first millisecond whose stamp has reached it. */
    return skn_hlc_ms(due) + (skn_hlc_counter(due) > 0);
}
