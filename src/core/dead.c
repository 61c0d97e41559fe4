/* dead.c - dead letters: messages whose handling faulted, and how they are handed over again [E33].
 *
 * Handing over moves nothing: the domain's row says which letters (from, to) are to be handled, in
 * front of its mail; each goes with the batch that handles it. What faults once more becomes a new
 * letter, behind `to`. Closing removes them likewise, many in a batch.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"

#include <stdio.h>

enum { CLOSE_ROWS = 1000, CLOSE_BYTES = 4 << 20, WARN_AT_PERCENT = 80 };

/* --- burying --------------------------------------------------------------------------------------- */

/* Both parts of a message have room in a row, together they need not have it. */
static void put_letter(struct skn_cx *cx, struct skn_message message, enum skn_rc why)
{
    if (!skn_secret_seal_message(cx, skn_dom_address(cx->dom), &message)) return;
    if (message.is_sealed) skn_secret_note_domain(cx, skn_dom_address(cx->dom));
    struct skn_value payload = message.payload;
    bool is_sealed = message.is_sealed, is_split = skn_value_size(payload) > SKN_ROW_MAX / 2;
    if (is_split) message.payload = skn_value_none();
    if (is_split) message.is_sealed = false;
    skn_buf_reset(&cx->row);
    skn_buf_put_le32(&cx->row, (uint32_t)why);
    skn_message_encode(&message, &cx->row);
    skn_key_dead(&cx->key, skn_dom_address(cx->dom), ++cx->meta.last_dead);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
    cx->meta.dead++;
    if (!is_split) return;
    skn_buf_reset(&cx->row);
    if (is_sealed) skn_buf_put_u8(&cx->row, SKN_VALUE_SEALED_MARK);
    skn_value_encode(payload, &cx->row);
    skn_key_dead(&cx->key, skn_dom_address(cx->dom), cx->meta.last_dead);
    skn_key_dead_payload(&cx->key);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static void warn_of_many(struct skn_cx *cx)
{
    uint64_t limit = cx->core->limits.dead_letters, dead = cx->meta.dead;
    bool is_first =
        dead * 100 >= limit * WARN_AT_PERCENT && (dead - 1) * 100 < limit * WARN_AT_PERCENT;
    if (is_first) skn_cx_signal(cx, SKN_LIT("dead_letters"), skn_value_int((int64_t)dead));
}

/* Who looks after the node reads it in its log; the letter keeps the code. */
static void
tell_fault(struct skn_cx *cx, const struct skn_message *message, enum skn_rc why, const char *text)
{
    const char *told = skn_arena_printf(&cx->arena, "%.*s\n%s", SKN_FMT(message->name), text);
    skn_buf_reset(&cx->row);
    skn_value_encode(skn_value_string(skn_slice_str(told)), &cx->row);
    const struct skn_output output = {.kind = SKN_OUTPUT_SIGNAL,
                                      .address = skn_cx_address(cx),
                                      .name = SKN_LIT("faulted"),
                                      .rc = why,
                                      .number = cx->meta.is_faulted,
                                      .value = skn_buf_slice(&cx->row)};
    skn_cx_emit(cx, &output);
}

void skn_dead_bury(struct skn_cx *cx, const struct skn_work *work, enum skn_rc why)
{
    const struct skn_core_limits *limits = &cx->core->limits;
    struct skn_message message = work->message;
    /* A limit is named to the caller; other texts of faults stay out of answers, which are rows. */
    char text[sizeof cx->diag.text];
    bool is_poison = cx->core->guard.is_poisoned;
    bool is_named = cx->is_over || is_poison;
    (void)snprintf(text, sizeof text, "%s", is_named ? cx->diag.text : skn_rc_info(why)->text);
    /* The whole text is for people, in an output and in no row: two versions may word it differently. */
    char told[sizeof cx->diag.text];
    bool may_tell = cx->diag.text[0] != 0 && !skn_value_has_secret(message.payload);
    (void)snprintf(told, sizeof told, "%s", may_tell ? cx->diag.text : skn_rc_info(why)->text);
    if (skn_bug(SKN_BUG_HALF_SLICE))
        cx->rc = SKN_OK;
    else
        skn_cx_begin(cx, cx->core, cx->dom, cx->message, cx->input, cx->stamp);
    if (skn_cx_load_meta(cx) != SKN_OK) return;
    if (skn_slice_take(cx, work, &message) == SKN_TAKE_DROP) return;
    if (!skn_bug(SKN_BUG_DEAD_LETTER_LOST)) put_letter(cx, message, why);
    /* What waits at others is no fault of this domain: it would stop for the floods and faults of
     * others, and they for its. */
    if (why != SKN_EOUTBOXFULL && why != SKN_ETARGETFAULTED) cx->meta.faults++;
    /* A result, a timer or an answer comes once: what it would have moved stands still, so the domain does. */
    if (skn_message_comes_once(message.kind) || is_poison ||
        cx->meta.faults >= limits->faults_in_row || cx->meta.dead >= limits->dead_letters)
        cx->meta.is_faulted = true;
    skn_cx_refuse(cx, why, text);
    if (skn_bug(SKN_BUG_ID_KEPT_WRONG) && cx->input && cx->input->id.len > 0)
        skn_request_remember(cx, SKN_OK, (struct skn_slice){0}, skn_slice((uint8_t[]){0}, 1));
    tell_fault(cx, &message, why, told);
    warn_of_many(cx);
    skn_mail_finish(cx);
    skn_names_finish(cx);
    skn_cx_put_meta(cx);
    cx->core->counts.faults++;
}

/* --- handing over again ------------------------------------------------------------------------------ */

/* The letters that are to be handled are done, or there are none any more. */
static void clear(struct skn_cx *cx)
{
    cx->meta.again_from = cx->meta.again_to = 0;
    cx->meta.is_closing = false;
    cx->meta_changed = true;
}

/* Number of the letter behind a key of the domain's letters; `head` is the length before it. */
static uint64_t number_in(struct skn_slice key, size_t head)
{
    struct skn_cursor cursor = skn_cursor(skn_slice_from(key, head));
    return skn_cursor_be(&cursor, 8);
}

static enum skn_rc read_letter(struct skn_core *core,
                               const struct skn_row *rows,
                               size_t count,
                               struct skn_work *work,
                               struct skn_diag *diag)
{
    struct skn_buf *buf = &core->mail_row;
    size_t key_len = rows[0].key.len;
    bool is_split = count == 2 && rows[1].key.len == key_len + 1 &&
                    skn_slice_has_prefix(rows[1].key, rows[0].key);
    if (rows[0].value.len < 4) return SKN_CORRUPT(diag, "a dead letter is malformed");
    /* Copied: the batch of this very slice deletes the rows. */
    skn_buf_reset(buf);
    skn_buf_put(buf, rows[0].key);
    skn_buf_put(buf, rows[0].value);
    if (is_split) skn_buf_put(buf, rows[1].value);
    SKN_ASSERT(skn_buf_rc(buf) == SKN_OK);
    struct skn_slice message = skn_slice(buf->ptr + key_len + 4, rows[0].value.len - 4);
    work->mail_key = skn_slice(buf->ptr, key_len);
    work->is_letter = true;
    work->is_split = is_split;
    enum skn_rc rc = skn_message_decode(message, &work->message, diag);
    if (rc != SKN_OK || !is_split) return rc;
    struct skn_slice payload = skn_slice_from(skn_buf_slice(buf), key_len + rows[0].value.len);
    work->message.is_sealed = skn_stored_is_sealed(payload);
    return skn_stored_check(payload, &work->message.payload, diag);
}

enum skn_rc skn_dead_choose(struct skn_core *core,
                            struct skn_dom *dom,
                            const struct skn_meta_row *meta,
                            struct skn_work *work,
                            struct skn_diag *diag)
{
    struct skn_key from, end;
    struct skn_row rows[2];
    size_t count = 0;
    skn_key_dead(&from, skn_dom_address(dom), meta->again_from);
    skn_key_dead(&end, skn_dom_address(dom), meta->again_to);
    enum skn_rc rc =
        meta->is_closing
            ? SKN_OK
            : skn_store_scan(
                  core->store, skn_key_slice(&from), skn_key_slice(&end), rows, 2, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count > 0) return read_letter(core, rows, count, work, diag);
    work->message = (struct skn_message){.kind = SKN_MESSAGE_LETTERS, .payload = skn_value_none()};
    return SKN_OK;
}

void skn_dead_take(struct skn_cx *cx, const struct skn_work *work)
{
    skn_key_dead(&cx->key, skn_dom_address(cx->dom), 0);
    uint64_t number = number_in(work->mail_key, cx->key.len - 8);
    skn_raw_delete(cx, work->mail_key);
    skn_key_dead(&cx->key, skn_dom_address(cx->dom), number);
    skn_key_dead_payload(&cx->key);
    if (work->is_split) skn_raw_delete(cx, skn_key_slice(&cx->key));
    SKN_ASSERT(cx->rc != SKN_OK || cx->meta.dead > 0);
    cx->meta.dead--;
    cx->meta.again_from = number + 1;
    cx->meta_changed = true;
    if (cx->meta.again_from >= cx->meta.again_to) clear(cx);
}

/* Removes letters; true when none is left. */
static bool close_some(struct skn_cx *cx)
{
    struct skn_slice address = skn_dom_address(cx->dom);
    size_t bytes = 0;
    skn_key_dead(&cx->key, address, 0);
    size_t head = cx->key.len - 8;
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_slice(cx->key.bytes, head));
    for (int i = 0; i < CLOSE_ROWS && bytes < CLOSE_BYTES; i++) {
        struct skn_row row;
        skn_key_dead(&cx->key, address, cx->meta.again_from);
        enum skn_rc rc = skn_raw_next(cx, prefix, skn_key_slice(&cx->key), &row);
        if (rc == SKN_ENOENT) return true;
        if (rc != SKN_OK) return false;
        uint64_t number = number_in(row.key, head);
        if (number >= cx->meta.again_to) return true;
        bool is_payload = row.key.len > head + 8;
        bytes += row.value.len;
        skn_raw_delete(cx, skn_arena_dup(&cx->arena, row.key));
        cx->meta.again_from = number; /* its payload may follow */
        cx->meta.dead -= !is_payload;
        cx->meta_changed = true;
    }
    return false;
}

void skn_dead_go_on(struct skn_cx *cx)
{
    if (!cx->meta.is_closing || close_some(cx)) clear(cx);
}

static bool has_letter(struct skn_cx *cx, uint64_t number)
{
    struct skn_slice bytes;
    skn_key_dead(&cx->key, skn_dom_address(cx->dom), number);
    return skn_raw_get(cx, skn_key_slice(&cx->key), &bytes) == SKN_OK;
}

void skn_dead_redeliver(struct skn_cx *cx, const struct skn_message *message)
{
    bool is_all = message->number == 0;
    if (cx->is_new) {
        skn_cx_refuse(cx, SKN_ENOENT, "there is no such domain");
        return;
    }
    if (!is_all && !has_letter(cx, message->number)) {
        skn_cx_refuse(cx, SKN_ENOENT, "there is no such dead letter");
        return;
    }
    bool is_busy = cx->meta.again_from < cx->meta.again_to && !cx->meta.is_faulted;
    if (is_busy) {
        skn_cx_refuse(cx, SKN_EBUSY, "letters of it are being handed over already");
        return;
    }
    cx->meta.again_from = is_all ? 1 : message->number;
    cx->meta.again_to = (is_all ? cx->meta.last_dead : message->number) + 1;
    cx->meta.is_closing = message->is_final;
    if (cx->meta.dead == 0) clear(cx);
    bool changes = cx->meta.dead > 0 || cx->meta.is_faulted || cx->meta.faults > 0;
    cx->meta.is_faulted = false;
    cx->meta.faults = 0;
    cx->meta_changed = changes;
    skn_guard_forgive(cx->core, skn_dom_address(cx->dom));
    skn_cx_reply(cx, skn_value_int(is_all ? cx->meta.dead : 1));
}

static struct skn_message message_of(const struct skn_redeliver *r)
{
    return (struct skn_message){.kind = SKN_MESSAGE_REDELIVER,
                                .priority = SKN_PRIORITY_NORMAL,
                                .number = r->letter,
                                .is_final = r->is_closing,
                                .payload = skn_value_none()};
}

struct skn_input *skn_input_of_redeliver(const struct skn_redeliver *redeliver)
{
    static const struct skn_slice none;
    const struct skn_message message = message_of(redeliver);
    return skn_input_create(&message, redeliver->number, redeliver->address, none, none);
}

void skn_core_redeliver(struct skn_core *core, const struct skn_redeliver *redeliver)
{
    skn_core_put(core, skn_input_of_redeliver(redeliver));
}
