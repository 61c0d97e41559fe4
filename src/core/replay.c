/* replay.c - records executed again: the same rows, message and stamp give the same batch (P4).
 *
 * Each record is handled by a domain that is made from its rows, by the code that made it. What is in
 * memory besides rows and may reach a batch (mail_internal.h) is found once and follows the batches.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_internal.h"
#include "core/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/pure.h"

/* --- what a difference is called ------------------------------------------------------------------- */

enum { NAMED_MAX = 60 /* bytes of a name or a key; the text of a diag is 200 */ };

static int at_most(size_t len)
{
    return (int)(len < NAMED_MAX ? len : NAMED_MAX);
}

/* Its name, or what kind it is; a word of the core for its own. */
static struct skn_slice name_of(const struct skn_record *record, const struct skn_message *message)
{
    if (message->name.len > 0) return message->name;
    if (message->kind) return skn_slice_str(skn_message_kind_name(message->kind));
    size_t len = 0;
    while (len < record->message.len && record->message.ptr[len] >= 'a')
        len++;
    return skn_slice(record->message.ptr, len);
}

static enum skn_rc mismatch(const struct skn_record *record,
                            const struct skn_message *message,
                            const char *what,
                            struct skn_diag *diag)
{
    struct skn_slice name = name_of(record, message);
    return SKN_CORRUPT(diag,
                       "replay mismatch at index %" PRIu64 ": shard %" PRIu32 ", \"%.*s\": %s",
                       record->index,
                       record->shard,
                       at_most(name.len),
                       (const char *)name.ptr,
                       what);
}

/* "put of 12 bytes", for one side of a row that differs. */
static void tell(const struct skn_row_op *op, bool is_there, char *out, size_t size)
{
    if (!is_there)
        (void)snprintf(out, size, "nothing");
    else if (op->is_delete)
        (void)snprintf(out, size, "its removal");
    else
        (void)snprintf(out, size, "%zu bytes", op->value.len);
}

/* The first row in which two batches differ: the smaller key where only one has it. */
static enum skn_rc row_differs(const struct skn_record *record,
                               const struct skn_message *message,
                               const struct skn_row_op ops[2],
                               const bool has[2],
                               struct skn_diag *diag)
{
    int order = has[0] && has[1] ? skn_slice_cmp(ops[0].key, ops[1].key) : has[0] ? -1 : 1;
    const struct skn_row_op *first = order <= 0 ? &ops[0] : &ops[1];
    char sides[2][32], text[160];
    tell(&ops[0], has[0] && order <= 0, sides[0], sizeof sides[0]);
    tell(&ops[1], has[1] && order >= 0, sides[1], sizeof sides[1]);
    struct skn_buf key;
    skn_buf_init(&key, 2 * (size_t)SKN_KEY_MAX + 2);
    skn_key_print(first->key, &key);
    (void)snprintf(text,
                   sizeof text,
                   "row %.*s: expected %s, got %s",
                   at_most(key.len),
                   (const char *)key.ptr,
                   sides[0],
                   strcmp(sides[0], sides[1]) == 0 ? "others" : sides[1]);
    skn_buf_fini(&key);
    return mismatch(record, message, text, diag);
}

static enum skn_rc compare(struct skn_core *core,
                           const struct skn_record *record,
                           const struct skn_message *message,
                           struct skn_diag *diag)
{
    struct skn_slice rest[2] = {record->batch, skn_buf_slice(&core->batch[0])};
    if (skn_slice_eq(rest[0], rest[1])) return SKN_OK;
    for (;;) {
        struct skn_row_op ops[2];
        bool has[2];
        for (int i = 0; i < 2; i++) {
            enum skn_rc rc = skn_batch_next(&rest[i], &ops[i], diag);
            if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
            has[i] = rc == SKN_OK;
        }
        bool is_same = has[0] && has[1] && ops[0].is_delete == ops[1].is_delete &&
                       ops[0].why == ops[1].why && skn_slice_eq(ops[0].key, ops[1].key) &&
                       skn_slice_eq(ops[0].value, ops[1].value);
        if (!has[0] && !has[1]) return mismatch(record, message, "other bytes, equal rows", diag);
        if (!is_same) return row_differs(record, message, ops, has, diag);
    }
}

/* --- executing ---------------------------------------------------------------------------------------- */

/* What the core does for a domain on its own: nothing came in for it. */
static bool is_own_work(enum skn_message_kind kind)
{
    return kind == SKN_MESSAGE_LETTERS || kind == SKN_MESSAGE_REMOVE || kind == SKN_MESSAGE_SWEEP ||
           kind == SKN_MESSAGE_PLACES || kind == SKN_MESSAGE_KEPT;
}

/* SKN_ENOENT: the program that made it is not here. Module 0 says that none handled it: the message
 * was buried because it had ended the node [E35]. */
static enum skn_rc run_slice(struct skn_core *core,
                             const struct skn_record *record,
                             struct skn_slice address,
                             const struct skn_handled *handled,
                             struct skn_message *out_message,
                             struct skn_diag *diag)
{
    struct skn_work work = {0};
    const struct skn_program *program = skn_program_find(core, address);
    bool is_poisoned = program && record->module == 0 && program->module != 0;
    if (!program || (program->module != record->module && !is_poisoned)) return SKN_ENOENT;
    struct skn_dom *dom = skn_dom_get(core, address);
    enum skn_rc rc = SKN_OK;
    if (!handled) {
        rc = skn_mail_at(core, dom, record->message, &work, diag);
    } else if (is_own_work(handled->message.kind)) {
        work.message = handled->message;
    } else {
        work.input = skn_input_create(&handled->message, 0, address, handled->caller, handled->id);
        work.message = work.input->message;
    }
    *out_message = work.message;
    core->guard.is_poisoned = is_poisoned;
    if (rc == SKN_OK) rc = skn_slice_again(core, dom, &work, record->stamp, diag);
    core->guard.is_poisoned = false;
    core->cx[0].dom = NULL;
    skn_dom_free(core, dom);
    /* The caller names the message by the bytes of the record, or of the row, which stay. */
    if (handled) *out_message = handled->message;
    skn_input_free(work.input);
    return rc;
}

static enum skn_rc run_message(struct skn_core *core,
                               const struct skn_record *record,
                               struct skn_message *out_message,
                               struct skn_diag *diag)
{
    struct skn_handled handled;
    struct skn_key_info info;
    if (skn_handled_decode(record->message, &handled, NULL) != SKN_OK) {
        skn_key_read(record->message, &info);
        bool is_row = info.kind == SKN_KEY_MAIL || info.kind == SKN_KEY_DEAD;
        if (!is_row) return SKN_CORRUPT(diag, "its message is malformed");
        return run_slice(core, record, info.address, NULL, out_message, diag);
    }
    *out_message = handled.message;
    bool is_mail =
        handled.message.kind == SKN_MESSAGE_SEND || handled.message.kind == SKN_MESSAGE_CALL ||
        handled.message.kind == SKN_MESSAGE_CANCEL || handled.message.kind == SKN_MESSAGE_ANSWER;
    bool fits = !is_mail && skn_value_size(handled.message.payload) <= core->limits.message_bytes;
    if (!fits) return SKN_CORRUPT(diag, "its message is none that a record holds");
    return run_slice(core, record, handled.address, &handled, out_message, diag);
}

/* The word in front of what a record of the core's own holds. */
static bool is_own(const struct skn_record *record, const char *word)
{
    return skn_slice_has_prefix(record->message, skn_slice_str(word));
}

static enum skn_rc execute(struct skn_core *core,
                           const struct skn_record *record,
                           struct skn_replay *replay,
                           struct skn_message *out_message,
                           struct skn_diag *diag)
{
    skn_buf_reset(&core->batch[0]);
    enum skn_rc rc;
    if (is_own(record, SKN_RECORD_OPEN)) { /* no limit bears on it */
        skn_core_begin_epoch(core, &core->batch[0]);
        return SKN_OK;
    }
    if (record->limits != core->limits_version) {
        replay->other_limits++;
        return SKN_ENOENT;
    }
    if (is_own(record, SKN_RECORD_TRIM)) return skn_stream_trim_again(core, record, diag);
    if (is_own(record, SKN_RECORD_EXPIRE)) return skn_requests_expire_again(core, record, diag);
    if (is_own(record, SKN_RECORD_RESEAL)) return skn_reseal_again(core, record, diag);
    if (is_own(record, SKN_RECORD_TAKE)) {
        rc = skn_stream_take_again(core, record, replay, diag);
        replay->no_rows += rc == SKN_ENOENT;
        return rc;
    }
    if (core->owes_epoch)
        return SKN_CORRUPT(diag, "no record says that epoch %" PRIu64 " began", record->term);
    rc = run_message(core, record, out_message, diag);
    replay->other_module += rc == SKN_ENOENT;
    return rc;
}

/* --- one record ------------------------------------------------------------------------------------- */

/* A secret that an opening writes is an input, like the message: it stands in the record itself. */
static struct skn_core_opening opening_of(const struct skn_record *record)
{
    static const uint8_t none[SKN_SECRET_BYTES];
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    struct skn_key key;
    skn_key_secret(&key);
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        bool is_it = !op.is_delete && op.value.len == SKN_SECRET_BYTES &&
                     skn_slice_eq(op.key, skn_key_slice(&key));
        if (is_it) return (struct skn_core_opening){.secret = op.value.ptr, .new_secret = true};
    }
    return (struct skn_core_opening){.secret = none};
}

/* Which key seals: a row, or likewise an input of the record that begins an epoch [E46]. */
static enum skn_rc
read_sealing(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag)
{
    struct skn_secrets *s = &core->secrets;
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    struct skn_key key;
    s->is_owed = false;
    enum skn_rc rc = skn_seal_state_read(core, diag);
    if (rc != SKN_OK || s->state.id != 0 || !core->owes_epoch) return rc;
    if (is_own(record, SKN_RECORD_RESEAL)) return SKN_OK;
    skn_key_sealing(&key);
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        if (op.is_delete || !skn_slice_eq(op.key, skn_key_slice(&key))) continue;
        s->is_owed = true;
        return skn_seal_state_decode(op.value, &s->state, diag);
    }
    return SKN_OK;
}

/* What a core has from its opening: the epoch, the secret, and what is under way. */
static enum skn_rc
stand_before(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag)
{
    uint64_t epoch;
    enum skn_rc rc = skn_core_check_next(core, record, diag);
    if (rc == SKN_OK && !core->is_replaying) rc = skn_core_find_under_way(core, diag);
    if (rc != SKN_OK) return rc;
    core->is_replaying = true;
    core->owes_secret = false;
    const struct skn_core_opening opening = opening_of(record);
    if ((rc = skn_core_read_secret(core, &opening, diag)) != SKN_OK) return rc;
    if ((rc = skn_core_read_epoch(core, &epoch, diag)) != SKN_OK) return rc;
    if (record->term < epoch)
        return SKN_CORRUPT(diag, "the epoch of record %" PRIu64 " goes back", record->index);
    core->epoch = record->term;
    core->owes_epoch = record->term > epoch;
    return read_sealing(core, record, diag);
}

static enum skn_rc apply(struct skn_core *core,
                         const struct skn_record *record,
                         const struct skn_message *message,
                         struct skn_diag *diag)
{
    enum skn_rc rc = skn_store_know(core->store, record->batch, diag);
    if (rc == SKN_OK)
        rc = skn_store_apply(core->store, record->index, record->stamp, record->batch, diag);
    if (rc != SKN_OK) return rc;
    const struct skn_hash128 state = skn_store_position(core->store).state;
    if (state.lo != record->state_lo || state.hi != record->state_hi) {
        char text[120];
        (void)snprintf(text,
                       sizeof text,
                       "expected hash %016" PRIx64 "%016" PRIx64 ", got %016" PRIx64 "%016" PRIx64,
                       record->state_hi,
                       record->state_lo,
                       state.hi,
                       state.lo);
        return mismatch(record, message, text, diag);
    }
    core->index = core->durable = record->index;
    core->stamp = record->stamp;
    return skn_mail_replayed(core, record->batch, diag);
}

enum skn_rc skn_core_replay(struct skn_core *core,
                            const struct skn_record *record,
                            struct skn_replay *replay,
                            struct skn_diag *diag)
{
    SKN_ASSERT(!core->is_open);
    struct skn_message message = {0};
    struct skn_diag why = {.text = ""};
    enum skn_rc rc = stand_before(core, record, diag);
    if (rc != SKN_OK) return rc;
    rc = execute(core, record, replay, &message, &why);
    if (rc == SKN_OK) {
        replay->executed++;
        rc = compare(core, record, &message, diag);
    } else if (rc == SKN_ENOENT) {
        rc = SKN_OK; /* counted */
    } else {
        rc = mismatch(record, &message, why.text, diag);
    }
    return rc == SKN_OK ? apply(core, record, &message, diag) : rc;
}
