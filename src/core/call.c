/* call.c - calls: a message that another domain answers with one [E30].
 *
 *   skn_cx_call: a row at the caller, a place reserved, a SKN_MESSAGE_CALL through the mailbox
 *   kept by its receiver for a later slice: keep.c
 *   reply, refusal, fault, removal: a SKN_MESSAGE_ANSWER straight into that place
 *   the batch that takes the answer, or skn_cx_call_cancel: the row is gone; the latter sends a
 *   SKN_MESSAGE_CANCEL behind the call, for a receiver that kept it
 *
 * An answer that finds no row, or one of another stamp, is dropped: its call is over, or was made by an
 * earlier domain of that address. So whoever answers once more (a dead letter that is handed over
 * again) does no harm.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "core/core_internal.h"
#include "core/gas.h"
#include "core/mail_internal.h"

#include "base/pure.h"

/* SKN_ENOENT: the call is over. */
static enum skn_rc
get_call(struct skn_cx *cx, struct skn_slice address, uint64_t number, struct skn_call_row *out)
{
    struct skn_slice bytes;
    skn_key_call(&cx->key, address, number);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc == SKN_OK && (rc = skn_call_decode(bytes, out, &cx->diag)) != SKN_OK) cx->rc = rc;
    return rc;
}

static void put_call(struct skn_cx *cx, uint64_t number, const struct skn_call_row *row)
{
    skn_buf_reset(&cx->row);
    skn_call_encode(row, &cx->row);
    skn_key_call(&cx->key, skn_cx_address(cx), number);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static void end_call(struct skn_cx *cx, uint64_t number)
{
    skn_mail_unreserve(cx);
    skn_key_call(&cx->key, skn_cx_address(cx), number);
    skn_raw_delete(cx, skn_key_slice(&cx->key));
}

/* --- calling ------------------------------------------------------------------------------------- */

uint64_t skn_cx_call(struct skn_cx *cx,
                     struct skn_slice address,
                     enum skn_priority priority,
                     struct skn_slice name,
                     struct skn_value payload,
                     struct skn_slice tag)
{
    uint32_t limit = cx->core->limits.call_depth;
    skn_mail_refuse_own(cx, address);
    if (tag.len > SKN_TAG_MAX)
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "the tag of a call is over 3072 bytes");
    if (cx->rc == SKN_OK && cx->depth >= limit)
        (void)skn_cx_over(
            cx, SKN_EFULL, "too many calls are made inside each other", "call_depth", limit);
    if (cx->rc != SKN_OK || !skn_mail_reserve(cx)) return 0;
    uint64_t number = cx->meta.next_intent++;
    uint32_t depth = skn_bug(SKN_BUG_CALL_DEPTH_LOST) ? 1 : cx->depth + 1;
    const struct skn_call_row row = {
        .depth = depth, .priority = priority, .stamp = cx->stamp, .target = address, .tag = tag};
    put_call(cx, number, &row);
    struct skn_message message = {.kind = SKN_MESSAGE_CALL,
                                  .priority = priority,
                                  .name = name,
                                  .payload = payload,
                                  .number = number,
                                  .depth = depth};
    skn_mail_post(cx, address, &message);
    return number;
}

/* Behind the call, at its priority: the receiver may have kept it. Never refused: who gives up a call gives
 * up what counted as waiting. */
static void tell_cancelled(struct skn_cx *cx, uint64_t number, const struct skn_call_row *row)
{
    struct skn_message message = {.kind = SKN_MESSAGE_CANCEL,
                                  .priority = row->priority,
                                  .payload = skn_value_none(),
                                  .number = number,
                                  .called = row->stamp};
    if (skn_bug(SKN_BUG_CANCEL_UNTOLD) || !skn_program_find(cx->core, row->target)) return;
    cx->is_cancelling = true;
    skn_mail_post(cx, row->target, &message);
    cx->is_cancelling = false;
}

bool skn_cx_call_cancel(struct skn_cx *cx, uint64_t number)
{
    struct skn_call_row row;
    if (cx->rc != SKN_OK) return false;
    if (get_call(cx, skn_cx_address(cx), number, &row) != SKN_OK) return false;
    row.target = skn_arena_dup(&cx->arena, row.target);
    end_call(cx, number);
    tell_cancelled(cx, number, &row);
    return true;
}

/* --- answering ----------------------------------------------------------------------------------- */

void skn_call_answer(struct skn_cx *cx,
                     const struct skn_message *call,
                     enum skn_rc rc,
                     struct skn_slice text,
                     struct skn_value value)
{
    if (skn_bug(SKN_BUG_FAULT_UNANSWERED) && rc != SKN_OK) return;
    const struct skn_message answer = {.kind = SKN_MESSAGE_ANSWER,
                                       .priority = SKN_PRIORITY_NORMAL,
                                       .stamp = cx->stamp,
                                       .sender = skn_cx_address(cx),
                                       .name = call->name,
                                       .payload = value,
                                       .reason = text,
                                       .number = call->number,
                                       .rc = rc,
                                       .called = call->stamp};
    uint32_t to = skn_shard_of(call->sender, cx->core->mail.shards);
    bool leaves = to != cx->core->shard;
    /* Its own, since putting it reads and writes rows. */
    struct skn_buf bytes;
    skn_buf_init(&bytes, SKN_VALUE_MAX);
    if (leaves) skn_buf_put_block(&bytes, call->sender);
    skn_message_encode(&answer, &bytes);
    SKN_ASSERT(skn_buf_rc(&bytes) == SKN_OK);
    if (leaves) {
        (void)skn_cx_charge(cx, SKN_GAS_MESSAGE);
        skn_stream_put(cx, to, answer.priority, skn_buf_slice(&bytes));
    } else {
        (void)skn_call_put(cx, call->sender, &answer, skn_buf_slice(&bytes));
    }
    skn_buf_fini(&bytes);
}

enum skn_rc skn_call_put(struct skn_cx *cx,
                         struct skn_slice address,
                         const struct skn_message *answer,
                         struct skn_slice bytes)
{
    struct skn_call_row row;
    if (cx->rc != SKN_OK) return cx->rc;
    enum skn_rc rc = get_call(cx, address, answer->number, &row);
    if (rc == SKN_ENOENT) return SKN_OK;
    return rc == SKN_OK ? skn_mail_put_answer(cx, address, bytes) : cx->rc;
}

enum skn_take skn_call_take(struct skn_cx *cx, struct skn_message *answer)
{
    struct skn_call_row row;
    enum skn_rc rc = get_call(cx, skn_cx_address(cx), answer->number, &row);
    if (rc != SKN_OK || row.stamp != answer->called)
        return skn_bug(SKN_BUG_ANSWER_TWICE) ? SKN_TAKE_GIVE : SKN_TAKE_DROP;
    answer->tag = skn_arena_dup(&cx->arena, row.tag);
    answer->depth = row.depth - 1;
    end_call(cx, answer->number);
    return SKN_TAKE_GIVE;
}
