/* intent.c - intents, their attempts and when to try again [E40] to [E42].
 *
 *            start                 result, not final
 *   (none) --------> RUNNING ---------------------------> WAITING
 *                    |  ^  ^  result, interrupted          |   |
 *          final     |  |  +-- (attempt + 1) --+           |   | cancel
 *          result    |  +----------------------------------+   |
 *                    v              its timer                  v
 *                  (none)                                   (none)
 *
 * With a limiter RUNNING is entered by way of ASKING, until the limiter gives a place: from the start,
 * after a delay, and after an interruption. The place goes back in the batch that leaves RUNNING, or
 * that cancels while it is ASKING. In a domain that is held since an opening [E81] both states are without
 * a place and without an ask, until it is taken up: then ASKING asks again, and RUNNING is interrupted.
 *
 * A RUNNING intent that was cancelled stays so until the end of its attempt is known: until then
 * a success counts, and nothing is started in its place.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "core/core_internal.h"
#include "core/gas.h"
#include "core/limiter_internal.h"

uint64_t skn_retry_delay_ms(const struct skn_retry_policy *policy, uint32_t ended, uint64_t chance)
{
    SKN_ASSERT(ended >= 1);
    uint64_t cap = policy->max_ms ? policy->max_ms : SKN_HLC_MS_MAX / 4;
    uint64_t delay = policy->backoff_ms < cap ? policy->backoff_ms : cap;
    uint64_t factor = policy->factor_milli ? policy->factor_milli : 1000;
    /* Grows until the cap or until it stands still, so a million attempts cost few turns. */
    for (uint32_t i = 1; i < ended && delay < cap; i++) {
        if (delay > UINT64_MAX / factor) return cap;
        uint64_t grown = delay * factor / 1000;
        if (grown <= delay) break;
        delay = grown < cap ? grown : cap;
    }
    SKN_ASSERT(policy->jitter_milli <= 1000);
    uint64_t spread =
        delay / 1000 * policy->jitter_milli + delay % 1000 * policy->jitter_milli / 1000;
    return spread > 0 ? delay - chance % (spread + 1) : delay;
}

/* "exit" stands for "exit:75", "TOO_LARGE" for "TOO_LARGE: over 1 MiB". */
static bool is_named(struct skn_slice entries, struct skn_slice reason)
{
    while (entries.len > 0) {
        const uint8_t *end = memchr(entries.ptr, '\n', entries.len);
        size_t len = end ? (size_t)(end - entries.ptr) : entries.len;
        struct skn_slice entry = skn_slice(entries.ptr, len);
        bool is_at_end = reason.len == len ||
                         (reason.len > len && (reason.ptr[len] == ':' || reason.ptr[len] == ' '));
        if (len > 0 && is_at_end && skn_slice_has_prefix(reason, entry)) return true;
        entries = skn_slice_from(entries, end ? len + 1 : len);
    }
    return false;
}

bool skn_retry_takes(const struct skn_retry_policy *policy, struct skn_slice reason)
{
    bool is_in = policy->only.len == 0 || is_named(policy->only, reason);
    return is_in && !is_named(policy->never, reason);
}

void skn_cx_key(struct skn_cx *cx, struct skn_slice identity, uint8_t out[SKN_KEY_BYTES])
{
    uint8_t mac[32];
    (void)skn_cx_charge(cx, SKN_GAS_HMAC);
    skn_buf_reset(&cx->row);
    skn_buf_put(&cx->row, skn_cx_address(cx));
    skn_buf_put_u8(&cx->row, 0);
    skn_buf_put(&cx->row, identity);
    skn_core_hmac(cx->core, SKN_LIT("key"), skn_buf_slice(&cx->row), mac);
    memcpy(out, mac, SKN_KEY_BYTES);
}

static void put_intent(struct skn_cx *cx, uint64_t number, const struct skn_intent_row *row)
{
    skn_buf_reset(&cx->row);
    skn_intent_encode(row, &cx->row);
    skn_key_intent(&cx->key, skn_cx_address(cx), number);
    if (skn_buf_rc(&cx->row) != SKN_OK)
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "what an intent is to do is over 1 MiB");
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static bool is_limited(const struct skn_intent_row *row)
{
    return row->limit.key.len > 0;
}

static void ask_for_place(struct skn_cx *cx, uint64_t number, struct skn_intent_row *row)
{
    SKN_ASSERT(row->ticket == 0);
    row->ticket = cx->stamp;
    row->state = SKN_INTENT_ASKING;
    skn_limiter_tell(cx, SKN_LIMITER_ACQUIRE, &row->limit, number, row->ticket);
}

/* Its place, or its ask; there may be neither. */
static void give_place_back(struct skn_cx *cx, uint64_t number, struct skn_intent_row *row)
{
    if (row->ticket == 0) return;
    skn_limiter_tell(cx, SKN_LIMITER_RELEASE, &row->limit, number, row->ticket);
    row->ticket = 0;
}

enum { WITHDRAWN_AT_ONCE = 256 };

uint64_t skn_intents_withdraw(struct skn_cx *cx, uint64_t from)
{
    struct skn_slice address = skn_cx_address(cx);
    skn_key_intents(&cx->key, address);
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    for (int i = 0; i < WITHDRAWN_AT_ONCE; i++) {
        struct skn_row row;
        struct skn_intent_row intent;
        skn_key_intent(&cx->key, address, from);
        enum skn_rc rc = skn_raw_next(cx, prefix, skn_key_slice(&cx->key), &row);
        if (rc == SKN_OK && (rc = skn_intent_decode(row.value, &intent, &cx->diag)) != SKN_OK)
            cx->rc = rc;
        if (rc != SKN_OK) return 0;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(row.key, prefix.len));
        uint64_t number = skn_cursor_be(&cursor, 8);
        from = number + 1;
        if (intent.ticket == 0) continue;
        give_place_back(cx, number, &intent);
        put_intent(cx, number, &intent);
    }
    return from;
}

static void delete_intent(struct skn_cx *cx, uint64_t number, struct skn_intent_row *row)
{
    give_place_back(cx, number, row);
    skn_mail_unreserve(cx);
    skn_key_intent(&cx->key, skn_cx_address(cx), number);
    skn_raw_delete(cx, skn_key_slice(&cx->key));
}

/* SKN_ENOENT: it is over. Its slices live until the slice ends. */
static enum skn_rc get_intent(struct skn_cx *cx, uint64_t number, struct skn_intent_row *out)
{
    struct skn_slice bytes;
    skn_key_intent(&cx->key, skn_cx_address(cx), number);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc == SKN_OK && (rc = skn_intent_decode(bytes, out, &cx->diag)) != SKN_OK) cx->rc = rc;
    return rc;
}

/* What is to be done, for whoever does it: with its secrets [E46]. */
static bool open_effect(struct skn_cx *cx,
                        uint64_t number,
                        struct skn_slice stored,
                        struct skn_slice *out_effect)
{
    *out_effect = stored;
    if (!skn_stored_is_sealed(stored)) return true;
    skn_key_intent(&cx->key, skn_cx_address(cx), number);
    struct skn_slice context = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    return skn_secret_open(cx, context, stored, out_effect);
}

static bool store_effect(struct skn_cx *cx,
                         uint64_t number,
                         struct skn_value effect,
                         struct skn_slice *out_stored)
{
    if (!skn_value_has_secret(effect)) {
        skn_buf_reset(&cx->row);
        skn_value_encode(effect, &cx->row);
        *out_stored = skn_arena_dup(&cx->arena, skn_buf_slice(&cx->row));
        return true;
    }
    uint32_t limit = cx->core->limits.message_bytes;
    skn_key_intent(&cx->key, skn_cx_address(cx), number);
    struct skn_slice context = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    if (!skn_secret_seal(cx, context, effect, out_stored)) return false;
    if (out_stored->len <= limit) return true;
    (void)skn_cx_over(cx, SKN_ETOOLARGE, "a sealed effect is too large", "message_bytes", limit);
    return false;
}

static void emit(struct skn_cx *cx,
                 enum skn_output_kind kind,
                 uint64_t number,
                 const struct skn_intent_row *row)
{
    struct skn_output output = {.kind = kind,
                                .address = skn_cx_address(cx),
                                .number = number,
                                .attempt = row->attempt,
                                .epoch = row->epoch,
                                .is_leaving = row->cancel == SKN_CANCEL_LEAVE};
    if (kind == SKN_OUTPUT_PERFORM && !open_effect(cx, number, row->effect, &output.value)) return;
    memcpy(output.key, row->key, sizeof output.key);
    if (skn_bug(SKN_BUG_KEY_PER_ATTEMPT)) output.key[0] ^= (uint8_t)(row->attempt - 1);
    skn_cx_emit(cx, &output);
}

uint64_t skn_cx_intent_start(struct skn_cx *cx, const struct skn_intent_spec *spec)
{
    if (spec->tag.len > SKN_TAG_MAX)
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a tag is over 3072 bytes");
    if (skn_value_size(spec->effect) > cx->core->limits.message_bytes)
        (void)skn_cx_over(cx,
                          SKN_ETOOLARGE,
                          "what an intent is to do is too large",
                          "message_bytes",
                          cx->core->limits.message_bytes);
    if (spec->policy.only.len > SKN_RETRY_REASONS_MAX ||
        spec->policy.never.len > SKN_RETRY_REASONS_MAX || spec->policy.jitter_milli > 1000)
        (void)skn_cx_fault(cx, SKN_EARGS, "the retry policy of an intent is none");
    if (skn_limit_check(&spec->limit) != SKN_OK)
        (void)skn_cx_fault(cx, SKN_EARGS, "the limit of an intent is none");
    if (cx->rc != SKN_OK) return 0;
    SKN_ASSERT(spec->first_attempt >= 1);
    if (!skn_mail_reserve(cx)) return 0;
    uint64_t number = cx->meta.next_intent++;
    cx->meta_changed = true;
    struct skn_intent_row row = {.state = SKN_INTENT_RUNNING,
                                 .attempt = spec->first_attempt,
                                 .counted = spec->counted,
                                 .epoch = cx->core->epoch,
                                 .policy = spec->policy,
                                 .tag = spec->tag,
                                 .limit = spec->limit};
    skn_cx_key(cx, spec->identity, row.key);
    if (!store_effect(cx, number, spec->effect, &row.effect)) return 0;
    if (is_limited(&row)) ask_for_place(cx, number, &row);
    put_intent(cx, number, &row);
    if (!is_limited(&row)) emit(cx, SKN_OUTPUT_PERFORM, number, &row);
    return number;
}

bool skn_cx_intent_cancel(struct skn_cx *cx, uint64_t number, enum skn_cancel how)
{
    struct skn_intent_row row;
    if (get_intent(cx, number, &row) != SKN_OK) return false;
    if (row.state != SKN_INTENT_RUNNING) {
        if (row.state == SKN_INTENT_WAITING) skn_cx_timer_cancel(cx, row.timer);
        delete_intent(cx, number, &row);
        return false;
    }
    if (row.cancel < (uint8_t)how) {
        row.cancel = (uint8_t)how;
        put_intent(cx, number, &row);
        emit(cx, SKN_OUTPUT_CANCEL, number, &row);
    }
    return true;
}

/* The attempt failed and may be tried again: waits, or is over. */
static void fail_attempt(struct skn_cx *cx, struct skn_intent_row *row, struct skn_message *message)
{
    row->counted++;
    row->interruptions = 0;
    give_place_back(cx, message->number, row);
    if (row->counted >= row->policy.attempts || !skn_retry_takes(&row->policy, message->reason)) {
        message->is_final = true;
        return;
    }
    uint64_t chance = row->policy.jitter_milli > 0 ? skn_cx_random(cx) : 0;
    uint64_t delay = skn_retry_delay_ms(&row->policy, row->counted, chance);
    struct skn_timer_row timer = {.kind = SKN_TIMER_RETRY,
                                  .due_stamp = skn_hlc_at(skn_cx_now_ms(cx) + delay),
                                  .intent = message->number};
    row->timer = skn_timer_add(cx, &timer);
    row->state = SKN_INTENT_WAITING;
    message->next_due_ms = skn_cx_now_ms(cx) + delay;
    if (message->next_due_ms == 0) message->next_due_ms = 1; /* 0 means: has started */
}

/* It asked before the opening. While its domain was held that was taken back, or there was no time. */
static enum skn_take ask_again(struct skn_cx *cx, uint64_t number, struct skn_intent_row *row)
{
    if (row->ticket == 0 && cx->meta.removal == SKN_REMOVE_NOT) {
        ask_for_place(cx, number, row);
        put_intent(cx, number, row);
    }
    return SKN_TAKE_DROP;
}

enum skn_take skn_intent_take(struct skn_cx *cx, struct skn_message *message)
{
    struct skn_intent_row row;
    uint64_t number = message->number;
    if (get_intent(cx, number, &row) != SKN_OK) return SKN_TAKE_DROP;
    bool takes_old = skn_bug(SKN_BUG_OLD_EPOCH);
    bool is_cut_off = message->status == SKN_ATTEMPT_INTERRUPTED && message->epoch == 0;
    if (!is_cut_off && message->epoch != cx->core->epoch && !takes_old) return SKN_TAKE_DROP;
    bool is_success = message->status == SKN_ATTEMPT_SUCCESS;
    if (message->attempt > row.attempt) return SKN_TAKE_DROP;
    takes_old |= skn_bug(SKN_BUG_LATE_FAILURE);
    if (message->attempt < row.attempt && !is_success && !takes_old) return SKN_TAKE_DROP;
    if (is_cut_off && row.state == SKN_INTENT_ASKING) return ask_again(cx, number, &row);
    bool has_begun = row.state == SKN_INTENT_RUNNING && row.epoch == cx->core->epoch;
    if (is_cut_off && has_begun) return SKN_TAKE_DROP; /* it was given its place meanwhile */
    if (row.state != SKN_INTENT_RUNNING && !is_success) return SKN_TAKE_DROP;

    /* Of a domain that is being removed nothing is tried again. */
    if (cx->meta.removal != SKN_REMOVE_NOT && !row.cancel) row.cancel = SKN_CANCEL;
    message->tag = row.tag;
    if (is_cut_off) message->epoch = row.epoch;
    if (is_success) {
        message->is_final = true;
        if (row.state == SKN_INTENT_WAITING)
            skn_cx_timer_cancel(cx, row.timer);
        else if (message->attempt < row.attempt && row.state == SKN_INTENT_RUNNING)
            emit(cx, SKN_OUTPUT_CANCEL, number, &row);
    } else if (row.cancel) {
        message->is_final = true;
        message->status =
            row.cancel == SKN_CANCEL_LEAVE ? SKN_ATTEMPT_INTERRUPTED : SKN_ATTEMPT_CANCELLED;
    } else if (message->status == SKN_ATTEMPT_INTERRUPTED && !skn_bug(SKN_BUG_INTERRUPTED_COUNTS)) {
        row.interruptions++;
        if (row.policy.ends_cut_off && !skn_bug(SKN_BUG_CUT_OFF_REPEATED)) {
            delete_intent(cx, number, &row);
            message->is_final = true;
            return SKN_TAKE_GIVE;
        }
        row.attempt++;
        if (is_limited(&row)) {
            if (skn_bug(SKN_BUG_PLACE_LEAKED)) row.ticket = 0;
            give_place_back(cx, number, &row);
            ask_for_place(cx, number, &row);
            message->next_due_ms = skn_cx_now_ms(cx) + 1; /* it will say when it has started */
        } else {
            row.epoch = cx->core->epoch;
            emit(cx, SKN_OUTPUT_PERFORM, number, &row);
        }
    } else {
        fail_attempt(cx, &row, message);
    }
    if (message->is_final)
        delete_intent(cx, number, &row);
    else
        put_intent(cx, number, &row);
    return SKN_TAKE_GIVE;
}

/* An attempt begins: now. */
static void
run(struct skn_cx *cx, uint64_t number, struct skn_intent_row *row, struct skn_message *message)
{
    row->state = SKN_INTENT_RUNNING;
    row->epoch = cx->core->epoch;
    put_intent(cx, number, row);
    emit(cx, SKN_OUTPUT_PERFORM, number, row);
    message->kind = SKN_MESSAGE_ATTEMPT;
    message->status = SKN_ATTEMPT_STARTED;
    message->number = number;
    message->attempt = row->attempt;
    message->epoch = row->epoch;
    message->tag = row->tag;
}

enum skn_take skn_intent_again(struct skn_cx *cx, uint64_t number, struct skn_message *message)
{
    struct skn_intent_row row;
    if (get_intent(cx, number, &row) != SKN_OK) return SKN_TAKE_DROP;
    if (row.state != SKN_INTENT_WAITING) return SKN_TAKE_DROP;
    row.attempt++;
    if (!is_limited(&row)) {
        run(cx, number, &row, message);
        return SKN_TAKE_GIVE;
    }
    ask_for_place(cx, number, &row);
    put_intent(cx, number, &row);
    return SKN_TAKE_DROP;
}

bool skn_intent_is_given(const struct skn_message *message)
{
    return message->kind == SKN_MESSAGE_SEND && skn_limiter_is(message->sender);
}

/* Too many wait at the limiter: the attempt has failed. */
static enum skn_take
refused(struct skn_cx *cx, uint64_t number, struct skn_intent_row *row, struct skn_message *message)
{
    row->ticket = 0;
    message->kind = SKN_MESSAGE_ATTEMPT;
    message->status = SKN_ATTEMPT_FAILURE;
    message->reason = SKN_LIT("RATE_LIMITED");
    message->number = number;
    message->attempt = row->attempt;
    message->epoch = row->epoch;
    message->tag = row->tag;
    message->payload = skn_value_none();
    fail_attempt(cx, row, message);
    if (message->is_final)
        delete_intent(cx, number, row);
    else
        put_intent(cx, number, row);
    return SKN_TAKE_GIVE;
}

enum skn_take skn_intent_given(struct skn_cx *cx, struct skn_message *message)
{
    struct skn_limit_note note;
    struct skn_intent_row row;
    struct skn_slice scope = SKN_LIT(SKN_LIMITER_SCOPE);
    if (!skn_limit_note_read(message->payload, &note)) return SKN_TAKE_DROP;
    enum skn_rc rc = get_intent(cx, note.number, &row);
    bool is_awaited = rc == SKN_OK && row.state == SKN_INTENT_ASKING && row.ticket == note.ticket &&
                      skn_slice_eq(skn_slice_from(message->sender, scope.len), row.limit.key);
    if (rc != SKN_OK && rc != SKN_ENOENT) return SKN_TAKE_DROP;
    if (!is_awaited) {
        /* It is over, and gave back what it had: this comes too late and finds nothing. */
        if (note.is_given) skn_limiter_give_back(cx, message->sender, message->priority, &note);
        return SKN_TAKE_DROP;
    }
    if (!note.is_given) return refused(cx, note.number, &row, message);
    run(cx, note.number, &row, message);
    message->payload = skn_value_none();
    return SKN_TAKE_GIVE;
}
