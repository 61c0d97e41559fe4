/* keep.c - calls that are answered in a later slice than the one that handled them [E30].
 *
 *   skn_cx_call_keep: a row at the receiver, and one by which its caller's cancel finds it
 *   skn_cx_call_answer, skn_cx_call_refuse: the answer, and both rows are gone
 *   the caller cancels, or is removed: both rows are gone, and the program gets a SKN_MESSAGE_CANCEL
 *   the domain is FAULTED: answered with that, so many in each slice of the core's own [E33]
 *   the domain is removed: answered GONE [E14]
 *
 * Whatever comes first takes the row, so there is one answer. To whom it goes and for which call stands in
 * the row: redelivering and openings change nothing.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "core/core_internal.h"

#include "base/pure.h"

enum { FAILED_AT_ONCE = 256 };

/* --- its rows ----------------------------------------------------------------------------------------- */

static void put_rows(struct skn_cx *cx, uint64_t number, const struct skn_kept_call_row *row)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    skn_buf_reset(&cx->row);
    skn_kept_call_encode(row, &cx->row);
    skn_key_kept(&cx->key, skn_cx_address(cx), number);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
    skn_key_kept_by(&cx->key, skn_cx_address(cx), row->caller, row->number, row->called);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_slice(bytes, sizeof bytes));
    cx->meta.kept++;
    cx->meta_changed = true;
}

/* SKN_ENOENT: it is over. Its slices live until the slice ends. */
static enum skn_rc get_row(struct skn_cx *cx, uint64_t number, struct skn_kept_call_row *out)
{
    struct skn_slice bytes;
    if (cx->rc != SKN_OK) return cx->rc;
    skn_key_kept(&cx->key, skn_cx_address(cx), number);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc == SKN_OK && (rc = skn_kept_call_decode(bytes, out, &cx->diag)) != SKN_OK) cx->rc = rc;
    return rc;
}

static void delete_rows(struct skn_cx *cx, uint64_t number, const struct skn_kept_call_row *row)
{
    skn_key_kept_by(&cx->key, skn_cx_address(cx), row->caller, row->number, row->called);
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    skn_key_kept(&cx->key, skn_cx_address(cx), number);
    if (!skn_bug(SKN_BUG_KEPT_ANSWERED_TWICE)) skn_raw_delete(cx, skn_key_slice(&cx->key));
    SKN_ASSERT(cx->rc != SKN_OK || cx->meta.kept > 0);
    cx->meta.kept -= cx->meta.kept > 0;
    cx->meta_changed = true;
}

static void answer(struct skn_cx *cx,
                   const struct skn_kept_call_row *row,
                   enum skn_rc rc,
                   struct skn_slice text,
                   struct skn_value value)
{
    const struct skn_message call = {
        .sender = row->caller, .name = row->name, .number = row->number, .stamp = row->called};
    skn_call_answer(cx, &call, rc, text, value);
}

/* --- what a program does ------------------------------------------------------------------------------ */

uint64_t skn_cx_call_keep(struct skn_cx *cx, struct skn_slice tag)
{
    const struct skn_message *call = cx->message;
    uint32_t limit = cx->core->limits.kept_calls;
    if (cx->rc != SKN_OK || call->kind != SKN_MESSAGE_CALL) return 0;
    if (tag.len > SKN_TAG_MAX)
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "the tag of a call that is kept is over 3072 bytes");
    if (cx->has_replied || cx->has_kept)
        (void)skn_cx_fault(cx, SKN_EFAULT, "the call was answered or kept before");
    if (cx->rc == SKN_OK && cx->meta.kept >= limit)
        (void)skn_cx_over(cx, SKN_EFULL, "the domain keeps too many calls", "kept_calls", limit);
    if (cx->rc != SKN_OK) return 0;
    cx->has_kept = true;
    uint64_t number = cx->meta.next_intent++;
    const struct skn_kept_call_row row = {.depth = call->depth,
                                          .number = call->number,
                                          .called = call->stamp,
                                          .caller = call->sender,
                                          .name = call->name,
                                          .tag = tag};
    put_rows(cx, number, &row);
    return number;
}

bool skn_cx_call_answer(struct skn_cx *cx, uint64_t kept, struct skn_value value)
{
    struct skn_kept_call_row row;
    uint32_t limit = cx->core->limits.message_bytes;
    if (get_row(cx, kept, &row) != SKN_OK) return false;
    value = skn_secret_mask(cx, value);
    if (skn_value_size(value) > limit)
        (void)skn_cx_over(cx, SKN_ETOOLARGE, "an answer is too large", "message_bytes", limit);
    if (cx->rc != SKN_OK) return false;
    delete_rows(cx, kept, &row);
    answer(cx, &row, SKN_OK, (struct skn_slice){0}, value);
    return true;
}

bool skn_cx_call_refuse(struct skn_cx *cx, uint64_t kept, enum skn_rc rc, const char *text)
{
    struct skn_kept_call_row row;
    SKN_ASSERT(rc != SKN_OK);
    if (get_row(cx, kept, &row) != SKN_OK) return false;
    delete_rows(cx, kept, &row);
    answer(cx, &row, rc, skn_slice_str(text), skn_value_none());
    return true;
}

bool skn_cx_call_go_on(struct skn_cx *cx, uint64_t kept)
{
    struct skn_kept_call_row row;
    if (get_row(cx, kept, &row) != SKN_OK) return false;
    if (row.depth > cx->depth) cx->depth = row.depth;
    return true;
}

/* --- what ends it from elsewhere ---------------------------------------------------------------------- */

enum skn_take skn_kept_cancelled(struct skn_cx *cx, struct skn_message *message)
{
    struct skn_kept_call_row row;
    struct skn_slice bytes;
    skn_key_kept_by(
        &cx->key, skn_cx_address(cx), message->sender, message->number, message->called);
    if (skn_raw_get(cx, skn_key_slice(&cx->key), &bytes) != SKN_OK) return SKN_TAKE_DROP;
    struct skn_cursor cursor = skn_cursor(bytes);
    uint64_t kept = skn_cursor_le64(&cursor);
    if (!skn_cursor_is_done(&cursor) || get_row(cx, kept, &row) == SKN_ENOENT)
        cx->rc = SKN_CORRUPT(&cx->diag, "a call that is kept is not what its rows say");
    if (cx->rc != SKN_OK) return SKN_TAKE_DROP;
    message->number = kept;
    message->name = row.name;
    message->tag = skn_arena_dup(&cx->arena, row.tag);
    delete_rows(cx, kept, &row);
    return SKN_TAKE_GIVE;
}

void skn_kept_fail(struct skn_cx *cx)
{
    const struct skn_rc_info *fault = skn_rc_info(SKN_EFAULT);
    struct skn_slice address = skn_cx_address(cx);
    skn_key_kept_all(&cx->key, address);
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    for (int i = 0; i < FAILED_AT_ONCE && cx->meta.is_faulted && cx->meta.kept > 0; i++) {
        struct skn_row row;
        struct skn_kept_call_row kept;
        enum skn_rc rc = skn_raw_next(cx, prefix, prefix, &row);
        if (rc == SKN_OK && (rc = skn_kept_call_decode(row.value, &kept, &cx->diag)) != SKN_OK)
            cx->rc = rc;
        if (rc == SKN_ENOENT)
            cx->rc = SKN_CORRUPT(&cx->diag, "fewer calls are kept than the domain's row says");
        if (cx->rc != SKN_OK) return;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(row.key, prefix.len));
        delete_rows(cx, skn_cursor_be(&cursor, 8), &kept);
        answer(cx, &kept, SKN_EFAULT, skn_slice_str(fault->text), skn_value_none());
    }
}

void skn_kept_gone(struct skn_cx *cx, struct skn_slice bytes)
{
    struct skn_kept_call_row row;
    enum skn_rc rc = skn_kept_call_decode(bytes, &row, &cx->diag);
    if (rc != SKN_OK) cx->rc = rc;
    if (rc == SKN_OK)
        answer(cx, &row, SKN_EGONE, skn_slice_str(skn_rc_info(SKN_EGONE)->text), skn_value_none());
}
