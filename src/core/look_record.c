/* look_record.c - what a record of the journal says: whose message it was, and what it changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "base/hex.h"
#include "base/hlc.h"
#include "base/utf8.h"
#include "core/core_internal.h"
#include "core/look.h"

#include "base/pure.h"

enum { LISTED_MAX = 100 };

const char *skn_message_kind_name(enum skn_message_kind kind)
{
    static const char *const names[] = {"",
                                        "request",
                                        "send",
                                        "timer",
                                        "attempt",
                                        "redeliver",
                                        "letters",
                                        "remove",
                                        "sweep",
                                        "call",
                                        "answer",
                                        "places",
                                        "cancel",
                                        "kept"};
    return kind < SKN_ARRAY_LEN(names) ? names[kind] : "";
}

const char *skn_priority_name(enum skn_priority priority)
{
    static const char *const names[] = {"critical", "high", "normal", "low", "background"};
    static_assert(SKN_ARRAY_LEN(names) == SKN_PRIORITIES, "one each");
    return priority < SKN_PRIORITIES ? names[priority] : "";
}

const char *skn_attempt_status_name(enum skn_attempt_status status)
{
    static const char *const names[] = {
        "started", "success", "failure", "timeout", "cancelled", "interrupted"};
    return status < SKN_ARRAY_LEN(names) ? names[status] : "";
}

void skn_key_print(struct skn_slice key, struct skn_buf *out)
{
    bool is_text = skn_utf8_is_text(key) && !skn_slice_has_prefix(key, SKN_LIT("0x"));
    for (size_t i = 0; is_text && i < key.len; i++)
        is_text = key.ptr[i] >= 0x20 && key.ptr[i] != 0x7f;
    if (is_text) {
        skn_buf_put(out, key);
        return;
    }
    skn_buf_put_str(out, "0x");
    for (size_t i = 0; i < key.len; i++) {
        char digits[3];
        skn_hex(key.ptr + i, 1, digits);
        skn_buf_put_str(out, digits);
    }
}

bool skn_look_handler(const struct skn_record *record, struct skn_slice *out_address)
{
    struct skn_handled handled;
    struct skn_key_info info;
    if (skn_handled_decode(record->message, &handled, NULL) == SKN_OK) {
        *out_address = handled.address;
        return true;
    }
    skn_key_read(record->message, &info);
    *out_address = info.address;
    return info.kind == SKN_KEY_MAIL || info.kind == SKN_KEY_DEAD; /* handed over again */
}

enum skn_rc skn_look_message(const struct skn_record *record,
                             struct skn_message *out_message,
                             struct skn_key_info *out_mail)
{
    /* The bytes of a message are never a key: its fixed fields have zeros where an address has none. */
    struct skn_handled handled;
    if (skn_handled_decode(record->message, &handled, NULL) == SKN_OK) {
        *out_message = handled.message;
        return SKN_OK;
    }
    skn_key_read(record->message, out_mail);
    bool is_row = out_mail->kind == SKN_KEY_MAIL || out_mail->kind == SKN_KEY_DEAD;
    return is_row ? SKN_ENOENT : SKN_ECORRUPT;
}

enum skn_rc skn_look_mail(enum skn_key_kind kind,
                          struct skn_slice value,
                          struct skn_message *out_message,
                          struct skn_diag *diag)
{
    if (kind != SKN_KEY_DEAD) return skn_message_decode(value, out_message, diag);
    if (value.len < 4) return SKN_CORRUPT(diag, "a dead letter has %zu bytes", value.len);
    return skn_message_decode(skn_slice_from(value, 4), out_message, diag);
}

/* --- building ---------------------------------------------------------------------------------- */

static void put_int(struct skn_builder *b, const char *name, uint64_t n)
{
    skn_build_key(b, skn_slice_str(name));
    skn_build_int(b, (int64_t)n);
}

static void put_text(struct skn_builder *b, const char *name, struct skn_slice text)
{
    skn_build_key(b, skn_slice_str(name));
    skn_build_string(b, text);
}

static void put_str(struct skn_builder *b, const char *name, const char *text)
{
    put_text(b, name, skn_slice_str(text));
}

static void put_true(struct skn_builder *b, const char *name)
{
    skn_build_key(b, skn_slice_str(name));
    skn_build_bool(b, true);
}

static void put_key(struct skn_builder *b, struct skn_slice key)
{
    struct skn_buf text;
    skn_buf_init(&text, 2 * (size_t)SKN_KEY_MAX + 2);
    skn_key_print(key, &text);
    put_text(b, "key", skn_buf_slice(&text));
    skn_buf_fini(&text);
}

void skn_look_build_message(struct skn_builder *b, const struct skn_message *message)
{
    put_str(b, "kind", skn_message_kind_name(message->kind));
    put_str(b, "priority", skn_priority_name(message->priority));
    if (message->name.len > 0) put_text(b, "name", message->name);
    if (message->sender.len > 0) put_text(b, "from", message->sender);
    if (message->stamp > 0) put_int(b, "stamp", message->stamp);
    bool is_answer = message->kind == SKN_MESSAGE_ANSWER;
    if (is_answer || message->kind == SKN_MESSAGE_CALL || message->kind == SKN_MESSAGE_TIMER ||
        message->kind == SKN_MESSAGE_CANCEL || message->kind == SKN_MESSAGE_ATTEMPT)
        put_int(b, "number", message->number);
    if (is_answer && message->rc != SKN_OK) {
        put_str(b, "code", skn_rc_info(message->rc)->name);
        put_text(b, "reason", message->reason);
    }
    if (message->kind != SKN_MESSAGE_ATTEMPT) return;
    put_int(b, "attempt", message->attempt);
    put_str(b, "status", skn_attempt_status_name(message->status));
    if (message->reason.len > 0) put_text(b, "reason", message->reason);
}

/* What a batch put for a receiver. False: nobody's, or not sent by `address`: what waited and found
 * room is put again. */
static bool read_sent(const struct skn_key_info *key,
                      struct skn_slice value,
                      struct skn_slice address,
                      struct skn_slice *out_to,
                      struct skn_message *out_message)
{
    *out_to = key->address;
    if (key->kind == SKN_KEY_OUTBOX) {
        struct skn_cursor cursor = skn_cursor(value);
        *out_to = skn_cursor_block(&cursor);
        if (cursor.bad) return false;
        value = skn_slice_from(value, 4 + out_to->len);
    } else if (key->kind != SKN_KEY_MAIL && key->kind != SKN_KEY_WAITING) {
        return false;
    }
    return skn_message_decode(value, out_message, NULL) == SKN_OK &&
           skn_slice_eq(out_message->sender, address);
}

static void build_sent(struct skn_builder *b, struct skn_slice address, struct skn_slice batch)
{
    struct skn_row_op op;
    struct skn_key_info key;
    struct skn_message message;
    struct skn_slice to;
    uint64_t count = 0;
    skn_build_key(b, SKN_LIT("sent"));
    skn_build_list_begin(b);
    while (skn_batch_next(&batch, &op, NULL) == SKN_OK) {
        skn_key_read(op.key, &key);
        if (op.is_delete || !read_sent(&key, op.value, address, &to, &message)) continue;
        if (count++ >= LISTED_MAX) continue;
        skn_build_map_begin(b);
        put_text(b, "to", to);
        put_text(b, "name", message.name);
        put_str(b, "priority", skn_priority_name(key.lane));
        skn_build_map_end(b);
    }
    skn_build_list_end(b);
    put_int(b, "sent_count", count);
}

/* What is known of a thing that a batch put, besides its number. */
static void
build_thing(struct skn_builder *b, const struct skn_key_info *key, struct skn_slice value)
{
    struct skn_timer_row timer;
    struct skn_intent_row intent;
    if (key->kind == SKN_KEY_TIMER && skn_timer_decode(value, &timer, NULL) == SKN_OK)
        put_int(b, "due", skn_hlc_ms(timer.due_stamp));
    if (key->kind == SKN_KEY_INTENT && skn_intent_decode(value, &intent, NULL) == SKN_OK) {
        put_int(b, "attempt", intent.attempt);
        skn_build_key(b, SKN_LIT("waiting"));
        skn_build_bool(b, intent.state != SKN_INTENT_RUNNING);
    }
    if (key->kind == SKN_KEY_DEAD && value.len >= 4) {
        uint32_t rc = 0;
        for (size_t i = 4; i > 0; i--)
            rc = rc << 8 | value.ptr[i - 1];
        put_str(b, "code", skn_rc_info((enum skn_rc)rc)->name);
    }
}

static void
build_op(struct skn_builder *b, const struct skn_key_info *key, const struct skn_row_op *op)
{
    skn_build_map_begin(b);
    if (key->kind == SKN_KEY_OWN)
        put_key(b, key->own);
    else
        put_int(b, "number", key->number);
    if (op->is_delete)
        put_true(b, "gone");
    else if (key->kind == SKN_KEY_OWN)
        put_int(b, "size", op->value.len);
    else
        build_thing(b, key, op->value);
    skn_build_map_end(b);
}

void skn_look_changes(struct skn_builder *b, struct skn_slice address, struct skn_slice batch)
{
    static const struct {
        const char *name, *count;
        enum skn_key_kind kind;
    } lists[] = {{"timers", "timers_count", SKN_KEY_TIMER},
                 {"intents", "intents_count", SKN_KEY_INTENT},
                 {"dead", "dead_count", SKN_KEY_DEAD},
                 {"rows", "rows_count", SKN_KEY_OWN}};
    build_sent(b, address, batch);
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++) {
        struct skn_slice rest = batch;
        struct skn_row_op op;
        struct skn_key_info key;
        uint64_t count = 0;
        skn_build_key(b, skn_slice_str(lists[i].name));
        skn_build_list_begin(b);
        while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
            skn_key_read(op.key, &key);
            if (key.kind != lists[i].kind || !skn_slice_eq(key.address, address)) continue;
            if (count++ < LISTED_MAX) build_op(b, &key, &op);
        }
        skn_build_list_end(b);
        put_int(b, lists[i].count, count);
    }
}
