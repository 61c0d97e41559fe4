/* core.c - opening a shard, what comes in, what goes out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "seal/seal.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    INTERRUPTIONS_MAX = 5,
    REASON_MAX = 4096,
    EXPIRE_EVERY = 512,
    TURNS_EACH = 4,
    MIB = 1 << 20
};

struct skn_core *skn_core_create(const struct skn_core_options *options)
{
    struct skn_core *core = skn_alloc_zero(1, sizeof *core);
    core->store = options->store;
    core->programs = options->programs;
    const struct skn_position at = skn_store_position(core->store);
    core->redone_from = core->index = core->durable = at.index;
    core->stamp = at.stamp;
    core->limits = skn_limits_whole(&options->limits);
    core->limits_version = skn_limits_version(&core->limits);
    SKN_ASSERT(core->limits.message_bytes <= SKN_ROW_MAX);
    SKN_ASSERT(core->limits.row_bytes <= SKN_ROW_MAX);
    core->shard = options->shard;
    core->check_rebuild = options->check_rebuild;
    core->tells_no_why = options->tells_no_why;
    core->has_names = true; /* until an opening has looked; executing records again has none */
    core->sizes = skn_alloc_zero(core->limits.speculative_batches, sizeof *core->sizes);
    skn_omap_init(&core->doms);
    skn_omap_init(&core->traced);
    skn_list_init(&core->fetching);
    skn_list_init(&core->idle);
    skn_list_init(&core->spare);
    skn_list_init(&core->outs);
    skn_sched_init(&core->sched, core->limits.quantum_gas);
    skn_timers_init(&core->timers);
    (void)snprintf(core->too_large,
                   sizeof core->too_large,
                   "TOO_LARGE: message_bytes is %u, return a file instead of the result",
                   core->limits.message_bytes);
    for (size_t i = 0; i < SKN_ARRAY_LEN(core->cx); i++) {
        skn_arena_init(&core->cx[i].arena);
        skn_buf_init(&core->cx[i].scratch, 4 * MIB);
        skn_buf_init(&core->cx[i].row, 4 * MIB);
        /* Lengths come on top of the bytes that the limit counts; it does not count a burial. */
        skn_buf_init(&core->batch[i], 4 * (size_t)core->limits.batch_bytes + 64 * MIB);
        skn_buf_init(&core->compared[i], 4 * (size_t)core->limits.batch_bytes + 64 * MIB);
    }
    skn_buf_init(&core->record, 8 * MIB);
    skn_buf_init(&core->mail_row, 8 * MIB);
    skn_buf_init(&core->packet, 8 * MIB);
    skn_buf_init(&core->identity, 8 * MIB);
    core->secrets.ring = options->keys;
    core->secrets.sealer = skn_sealer_create();
    skn_guard_init(&core->guard, options);
    skn_mail_init(core, options->shards, options->hash_seed);
    return core;
}

void skn_core_destroy(struct skn_core *core)
{
    if (!core) return;
    struct skn_omap_node *node;
    while ((node = skn_omap_first(&core->doms))) {
        skn_dom_free(core, SKN_CONTAINER_OF(node, struct skn_dom, node));
    }
    struct skn_list *link;
    while ((link = skn_list_pop_front(&core->outs)))
        skn_free(SKN_CONTAINER_OF(link, struct skn_out, link));
    skn_output_free(core->given);
    for (size_t i = 0; i < SKN_ARRAY_LEN(core->cx); i++) {
        skn_arena_fini(&core->cx[i].arena);
        skn_buf_fini(&core->cx[i].scratch);
        skn_buf_fini(&core->cx[i].row);
        skn_buf_fini(&core->batch[i]);
        skn_buf_fini(&core->compared[i]);
    }
    skn_buf_fini(&core->record);
    skn_timers_fini(&core->timers);
    skn_buf_fini(&core->mail_row);
    skn_buf_fini(&core->packet);
    skn_buf_fini(&core->identity);
    skn_sealer_destroy(core->secrets.sealer);
    skn_guard_fini(&core->guard);
    skn_mail_fini(core);
    skn_traces_fini(core);
    skn_free(core->sizes);
    skn_free(core);
}

/* A record that the store has already. Where they meet, both say the same of the rows after it. */
static enum skn_rc
check_kept(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag)
{
    const struct skn_position at = skn_store_position(core->store);
    if (record->index < core->redone_from || core->index > core->redone_from) return SKN_OK;
    if (record->stamp == at.stamp && record->state_lo == at.state.lo &&
        record->state_hi == at.state.hi)
        return SKN_OK;
    return SKN_CORRUPT(diag,
                       "the store stands at record %" PRIu64
                       " of shard %u, and the journal has another one there",
                       record->index,
                       core->shard);
}

enum skn_rc skn_core_check_next(const struct skn_core *core,
                                const struct skn_record *record,
                                struct skn_diag *diag)
{
    if (record->shard != core->shard)
        return SKN_CORRUPT(
            diag, "record %" PRIu64 " belongs to shard %u", record->index, record->shard);
    if (record->index != core->index + 1)
        return SKN_CORRUPT(
            diag, "record %" PRIu64 " follows record %" PRIu64, record->index, core->index);
    if (record->stamp <= core->stamp)
        return SKN_CORRUPT(diag, "the stamp of record %" PRIu64 " goes back", record->index);
    return SKN_OK;
}

enum skn_rc
skn_core_redo(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag)
{
    SKN_ASSERT(!core->is_open && !core->is_replaying);
    if (record->shard == core->shard && record->index <= core->redone_from)
        return check_kept(core, record, diag);
    enum skn_rc rc = skn_core_check_next(core, record, diag);
    if (rc != SKN_OK) return rc;
    const struct skn_position after = {.index = record->index,
                                       .stamp = record->stamp,
                                       .state = {record->state_lo, record->state_hi}};
    rc = skn_store_redo(core->store, &after, record->batch, diag);
    if (rc != SKN_OK) return rc;
    core->index = record->index;
    core->stamp = record->stamp;
    core->durable = record->index;
    return SKN_OK;
}

/* --- opening ---------------------------------------------------------------------------------------- */

enum skn_rc skn_core_read_epoch(struct skn_core *core, uint64_t *out, struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_epoch(&key);
    *out = 0;
    enum skn_rc rc = skn_store_get(core->store, skn_key_slice(&key), &bytes, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    if (rc != SKN_OK) return rc;
    struct skn_cursor cursor = skn_cursor(bytes);
    *out = skn_cursor_le64(&cursor);
    return skn_cursor_is_done(&cursor) ? SKN_OK : SKN_CORRUPT(diag, "the epoch row is malformed");
}

enum skn_rc skn_core_read_secret(struct skn_core *core,
                                 const struct skn_core_opening *opening,
                                 struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_secret(&key);
    enum skn_rc rc = skn_store_get(core->store, skn_key_slice(&key), &bytes, diag);
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    if (rc == SKN_ENOENT || opening->new_secret) {
        bytes = skn_slice(opening->secret, SKN_SECRET_BYTES);
        core->owes_secret = true;
    }
    if (bytes.len != SKN_SECRET_BYTES) return SKN_CORRUPT(diag, "the store secret is malformed");
    memcpy(core->secret, bytes.ptr, bytes.len);
    return SKN_OK;
}

/* A domain with something in flight is in memory from the start; a held one waits [E81]. */
static enum skn_rc found(struct skn_core *core,
                         struct skn_slice address,
                         bool take_up_all,
                         struct skn_dom **out_dom,
                         struct skn_diag *diag)
{
    struct skn_dom *dom = skn_dom_get(core, address);
    if (!dom)
        return SKN_FAIL(
            diag, SKN_ENEWER, "no program of this version knows the domain %.*s", SKN_FMT(address));
    dom->is_held = dom->is_stuck || (dom->program->is_held && !take_up_all);
    *out_dom = dom;
    return SKN_OK;
}

static void cut_off(struct skn_core *core, struct skn_dom *dom, uint64_t number, uint32_t attempt)
{
    /* Epoch 0: not a result but the death of whoever performed it. */
    struct skn_message message = {.kind = SKN_MESSAGE_ATTEMPT,
                                  .priority = SKN_PRIORITY_NORMAL,
                                  .number = number,
                                  .attempt = attempt,
                                  .status = SKN_ATTEMPT_INTERRUPTED,
                                  .reason = SKN_LIT("interrupted")};
    skn_dom_queue(core, dom, skn_input_own(&message));
}

typedef enum skn_rc
visit_fn(struct skn_core *core, const struct skn_row *row, bool take_up_all, struct skn_diag *diag);

static enum skn_rc each_row(struct skn_core *core,
                            struct skn_slice prefix,
                            visit_fn *visit,
                            bool take_up_all,
                            struct skn_diag *diag)
{
    struct skn_arena arena;
    skn_arena_init(&arena);
    struct skn_slice end = skn_key_after(&arena, prefix);
    struct skn_key from = {.len = prefix.len};
    memcpy(from.bytes, prefix.ptr, prefix.len);
    struct skn_row rows[64];
    size_t count = 0;
    enum skn_rc rc;
    do {
        rc = skn_store_scan(
            core->store, skn_key_slice(&from), end, rows, SKN_ARRAY_LEN(rows), &count, diag);
        for (size_t i = 0; rc == SKN_OK && i < count; i++)
            rc = visit(core, &rows[i], take_up_all, diag);
        if (rc != SKN_OK || count == 0) break;
        from.len = rows[count - 1].key.len;
        memcpy(from.bytes, rows[count - 1].key.ptr, from.len);
        from.bytes[from.len++] = 0;
    } while (count == SKN_ARRAY_LEN(rows));
    skn_arena_fini(&arena);
    return rc;
}

static enum skn_rc found_mail(struct skn_core *core,
                              const struct skn_row *row,
                              bool take_up_all,
                              struct skn_diag *diag)
{
    struct skn_slice address, rest;
    struct skn_dom *dom = NULL;
    enum skn_rc rc = skn_key_split(row->key, &address, &rest, diag);
    if (rc == SKN_OK) rc = found(core, address, take_up_all, &dom, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_box_found(dom->boxes, rest, diag);
    if (rc != SKN_OK) return rc;
    dom->mail |= (uint8_t)(1U << rest.ptr[0]);
    dom->full |=
        dom->mail; /* perhaps: of one that rests these are picked, and looked at then [E32] */
    dom->must_look = true; /* it may be FAULTED */
    skn_dom_settle(core, dom);
    return SKN_OK;
}

static enum skn_rc found_intent(struct skn_core *core,
                                const struct skn_row *row,
                                bool take_up_all,
                                struct skn_diag *diag)
{
    struct skn_slice address, rest;
    struct skn_dom *dom = NULL;
    struct skn_intent_row intent;
    enum skn_rc rc = skn_key_split(row->key, &address, &rest, diag);
    if (rc == SKN_OK) rc = skn_intent_decode(row->value, &intent, diag);
    if (rc == SKN_OK) rc = found(core, address, take_up_all, &dom, diag);
    if (rc != SKN_OK) return rc;
    struct skn_cursor cursor = skn_cursor(rest);
    uint64_t number = skn_cursor_be(&cursor, 8);
    if (!skn_cursor_is_done(&cursor)) return SKN_CORRUPT(diag, "an intent has a malformed key");
    if (intent.interruptions >= INTERRUPTIONS_MAX && dom->program->is_held)
        dom->is_held = dom->is_stuck = true;
    if (intent.ticket > 0) dom->has_places = true;
    /* One that asks for a place may do so anew when it is taken up [E81]. */
    bool asks = intent.state == SKN_INTENT_ASKING && dom->program->is_held;
    bool is_cut_off = intent.state == SKN_INTENT_RUNNING && !skn_bug(SKN_BUG_INTERRUPTED_LOST);
    if (is_cut_off || asks)
        cut_off(core, dom, number, intent.attempt);
    else
        skn_dom_settle(core, dom);
    return SKN_OK;
}

/* What the core has to do for a domain is not done yet. */
static enum skn_rc found_busy(struct skn_core *core,
                              const struct skn_row *row,
                              bool take_up_all,
                              struct skn_diag *diag)
{
    struct skn_dom *dom = NULL;
    enum skn_rc rc = found(core, skn_slice_from(row->key, SKN_SHARD_HEAD), take_up_all, &dom, diag);
    if (rc != SKN_OK) return rc;
    SKN_ASSERT(dom);
    if (row->value.len != 1) return SKN_CORRUPT(diag, "the row of a busy domain is malformed");
    uint8_t busy = row->value.ptr[0];
    if (busy & SKN_BUSY_LETTERS) dom->again = SKN_AGAIN_LETTERS;
    if (busy & SKN_BUSY_RANGES) dom->has_ranges = true;
    if (busy & SKN_BUSY_KEPT) dom->fails_kept = true;
    if (busy & SKN_BUSY_REMOVING) {
        dom->is_removing = true; /* whoever holds it: no program sees anything of it */
        dom->is_held = dom->is_stuck = dom->is_unsure = false;
    }
    skn_dom_settle(core, dom);
    return SKN_OK;
}

static enum skn_rc found_on_way(struct skn_core *core,
                                const struct skn_row *row,
                                bool take_up_all,
                                struct skn_diag *diag)
{
    (void)take_up_all;
    return skn_mail_found(core, row, diag);
}

static const struct {
    uint8_t kind;
    visit_fn *visit;
} in_flight[] = {{SKN_SHARD_ACKED, found_on_way},
                 {SKN_SHARD_OUTBOX, found_on_way}, /* behind what is acknowledged */
                 {SKN_SHARD_SEEN, found_on_way},
                 {SKN_SHARD_COUNTERS, found_on_way},
                 {SKN_SHARD_FAULTED, found_on_way},
                 {SKN_SHARD_SWEEP, found_on_way},
                 {SKN_SHARD_MAIL, found_mail},
                 /* Behind the others: five interruptions hold a domain whatever else it has. */
                 {SKN_SHARD_INTENTS, found_intent},
                 {SKN_SHARD_BUSY, found_busy}};

enum skn_rc skn_core_find_under_way(struct skn_core *core, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; rc == SKN_OK && i < SKN_ARRAY_LEN(in_flight); i++) {
        struct skn_key key;
        skn_key_shard(&key, in_flight[i].kind);
        if (in_flight[i].visit == found_on_way)
            rc = each_row(core, skn_key_slice(&key), found_on_way, false, diag);
    }
    return rc;
}

static enum skn_rc find_in_flight(struct skn_core *core, bool take_up_all, struct skn_diag *diag)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(in_flight); i++) {
        struct skn_key key;
        skn_key_shard(&key, in_flight[i].kind);
        enum skn_rc rc = each_row(core, skn_key_slice(&key), in_flight[i].visit, take_up_all, diag);
        if (rc != SKN_OK) return rc;
    }
    return SKN_OK;
}

enum skn_rc
skn_core_open(struct skn_core *core, const struct skn_core_opening *opening, struct skn_diag *diag)
{
    SKN_ASSERT(!core->is_open && !core->is_replaying);
    enum skn_rc rc = skn_core_read_epoch(core, &core->epoch, diag);
    if (rc == SKN_OK) rc = skn_core_read_secret(core, opening, diag);
    if (rc == SKN_OK) rc = skn_seal_state_read(core, diag);
    if (rc == SKN_OK) skn_secrets_open(core);
    core->holds = !opening->take_up_all;
    if (rc == SKN_OK) rc = find_in_flight(core, opening->take_up_all, diag);
    if (rc == SKN_OK) rc = skn_names_open(core, diag);
    if (rc != SKN_OK) return rc;
    core->epoch += opening->epoch_leap;
    if (core->epoch < opening->epoch_floor) core->epoch = opening->epoch_floor;
    core->epoch++;
    core->owes_epoch = true;
    core->writes_at_once = opening->writes_at_once;
    core->is_open = true;
    return SKN_OK;
}

void skn_core_begin_epoch(struct skn_core *core, struct skn_buf *batch)
{
    if (!core->owes_epoch) return;
    struct skn_key key;
    uint8_t epoch[8];
    for (size_t i = 0; i < sizeof epoch; i++)
        epoch[i] = (uint8_t)(core->epoch >> (8 * i));
    skn_key_epoch(&key);
    if (!skn_bug(SKN_BUG_EPOCH_NOT_WRITTEN))
        skn_batch_put(batch, skn_key_slice(&key), skn_slice(epoch, sizeof epoch));
    skn_key_secret(&key);
    if (core->owes_secret)
        skn_batch_put(batch, skn_key_slice(&key), skn_slice(core->secret, sizeof core->secret));
    skn_secrets_put_owed(core, batch);
}

/* The first record of an opening, in front of whatever happens in it [E43]. */
static enum skn_rc give_epoch(struct skn_core *core,
                              uint64_t now_ms,
                              struct skn_record *out_record,
                              struct skn_diag *diag)
{
    struct skn_buf *batch = &core->batch[0];
    skn_buf_reset(batch);
    skn_core_begin_epoch(core, batch);
    enum skn_rc rc = skn_store_know(core->store, skn_buf_slice(batch), diag);
    if (rc != SKN_OK) return rc;
    return skn_commit(core,
                      NULL,
                      skn_buf_slice(batch),
                      SKN_LIT(SKN_RECORD_OPEN),
                      0,
                      skn_hlc_next(core->stamp, 0, now_ms),
                      out_record,
                      diag);
}

uint64_t skn_core_epoch(const struct skn_core *core)
{
    return core->epoch;
}

const uint8_t *skn_core_secret(const struct skn_core *core)
{
    SKN_ASSERT(core->is_open);
    return core->secret;
}

/* --- in ---------------------------------------------------------------------------------------------- */

static enum skn_rc
check_secrets(const struct skn_core *core, const struct skn_request *request, struct skn_diag *diag)
{
    const struct skn_program *program = skn_program_find(core, request->address);
    if (!program->takes_secrets)
        return SKN_FAIL(diag, SKN_EARGS, "a domain of type %s takes no secrets", program->type);
    if (skn_value_has_blob(request->payload))
        return SKN_FAIL(diag, SKN_EARGS, "a message has either secrets or blobs");
    enum skn_rc rc = skn_secret_check_key(core, diag);
    return rc == SKN_OK ? skn_seal_check(request->payload, core->limits.message_bytes, diag) : rc;
}

/* What can be said of a request without looking at any row. */
static enum skn_rc check_request(struct skn_core *core,
                                 const struct skn_request *request,
                                 bool has_secret,
                                 struct skn_diag *diag)
{
    if (!skn_program_find(core, request->address))
        return SKN_FAIL(diag,
                        SKN_ENOTREGISTERED,
                        "\"%.*s\" is not the address of a domain of a known type (scope:Type/key)",
                        SKN_FMT(request->address));
    if (request->id.len > SKN_REQUEST_ID_MAX || request->caller.len > SKN_REQUEST_ID_MAX ||
        memchr(
            request->caller.ptr ? (const void *)request->caller.ptr : "", 0, request->caller.len))
        return SKN_FAIL(diag,
                        SKN_EARGS,
                        "a request id or caller is over %d bytes or has a NUL",
                        SKN_REQUEST_ID_MAX);
    if (request->name.len > SKN_NAME_MAX || request->priority >= SKN_PRIORITIES)
        return SKN_FAIL(diag,
                        SKN_EARGS,
                        "a request's name is over %d bytes, or its priority is none",
                        SKN_NAME_MAX);
    if (skn_value_size(request->payload) > core->limits.message_bytes)
        return SKN_FAIL(diag,
                        SKN_ETOOLARGE,
                        "the message is too large: message_bytes is %u",
                        core->limits.message_bytes);
    if (has_secret) {
        enum skn_rc rc = check_secrets(core, request, diag);
        if (rc != SKN_OK) return rc;
    }
    if (core->inputs >= core->limits.requests_waiting)
        return SKN_FAIL(diag,
                        SKN_EMAILBOXFULL,
                        "too many requests wait: requests_waiting is %u",
                        core->limits.requests_waiting);
    return SKN_OK;
}

struct skn_input *skn_input_of_request(const struct skn_request *request)
{
    struct skn_message message = {.kind = SKN_MESSAGE_REQUEST,
                                  .priority = request->priority,
                                  .name = request->name,
                                  .payload = request->payload};
    return skn_input_create(
        &message, request->number, request->address, request->caller, request->id);
}

struct skn_input *skn_input_of_result(const struct skn_attempt_result *result)
{
    SKN_ASSERT(result->status != SKN_ATTEMPT_STARTED);
    struct skn_slice reason = result->reason;
    if (reason.len > REASON_MAX) reason.len = REASON_MAX;
    struct skn_message message = {.kind = SKN_MESSAGE_ATTEMPT,
                                  .priority = SKN_PRIORITY_NORMAL,
                                  .number = result->number,
                                  .attempt = result->attempt,
                                  .epoch = result->epoch,
                                  .status = result->status,
                                  .reason = reason,
                                  .payload = result->value};
    static const struct skn_slice none;
    return skn_input_create(&message, 0, result->address, none, none);
}

void skn_input_free(struct skn_input *input)
{
    skn_free(input);
}

enum skn_rc
skn_core_submit(struct skn_core *core, const struct skn_request *request, struct skn_diag *diag)
{
    SKN_ASSERT(core->is_open);
    enum skn_rc rc = check_request(core, request, skn_value_has_secret(request->payload), diag);
    if (rc == SKN_OK) skn_core_put(core, skn_input_of_request(request));
    return rc;
}

void skn_core_result(struct skn_core *core, const struct skn_attempt_result *result)
{
    skn_core_put(core, skn_input_of_result(result));
}

/* Like a query's answer: behind what was committed before it [E34]. */
static void
refuse(struct skn_core *core, const struct skn_input *input, const struct skn_diag *diag)
{
    static const uint8_t none = SKN_T_NONE;
    const struct skn_output output = {.kind = SKN_OUTPUT_REPLY,
                                      .index = core->index,
                                      .stamp = core->stamp,
                                      .address = input->address,
                                      .number = input->request,
                                      .rc = diag->rc,
                                      .name = skn_slice_str(diag->text),
                                      .value = skn_slice(&none, 1)};
    skn_release_later(core, &output);
}

void skn_core_refuse(struct skn_core *core, struct skn_input *input, const struct skn_diag *diag)
{
    refuse(core, input, diag);
    core->inputs--;
    skn_list_remove(&input->link);
    skn_free(input);
}

static enum skn_rc
check_input(struct skn_core *core, const struct skn_input *input, struct skn_diag *diag)
{
    const struct skn_request request = {.address = input->address,
                                        .caller = input->caller,
                                        .id = input->id,
                                        .name = input->message.name,
                                        .payload = input->message.payload,
                                        .priority = input->message.priority};
    return check_request(core, &request, input->has_secret, diag);
}

static void put_result(struct skn_core *core, struct skn_input *input)
{
    struct skn_message *message = &input->message;
    struct skn_dom *dom = skn_dom_get(core, input->address);
    if (!dom) {
        core->counts.dropped_results++;
        skn_free(input);
        return;
    }
    if (core->counts.in_flight > 0 && message->epoch == core->epoch) core->counts.in_flight--;
    bool is_mixed = skn_value_has_secret(message->payload) && skn_value_has_blob(message->payload);
    if (is_mixed || skn_value_size(message->payload) > core->limits.message_bytes ||
        skn_seal_check(message->payload, core->limits.message_bytes, NULL) != SKN_OK) {
        message->payload = skn_value_none();
        input->has_secret = false;
        message->reason = is_mixed ? SKN_LIT("INVALID_ARGS: a result has secrets and blobs")
                                   : skn_slice_str(core->too_large);
        if (message->status == SKN_ATTEMPT_SUCCESS) message->status = SKN_ATTEMPT_FAILURE;
    }
    skn_dom_queue(core, dom, input);
}

void skn_core_put(struct skn_core *core, struct skn_input *input)
{
    SKN_ASSERT(core->is_open);
    if (input->message.kind == SKN_MESSAGE_ATTEMPT) {
        put_result(core, input);
        return;
    }
    struct skn_diag diag = {0};
    if (check_input(core, input, &diag) != SKN_OK) {
        refuse(core, input, &diag);
        skn_free(input);
        return;
    }
    struct skn_dom *dom = skn_dom_get(core, input->address);
    core->inputs++;
    skn_dom_queue(core, dom, input);
    if (dom->is_keyless && input->message.kind == SKN_MESSAGE_REQUEST &&
        skn_secret_check_key(core, &diag) == SKN_OK)
        (void)SKN_FAIL(&diag, SKN_ENOKEY, "a sealing key that the domain needs is not there");
    if (dom->is_keyless && input->message.kind == SKN_MESSAGE_REQUEST)
        skn_secret_rest(core, dom, &diag);
}

void skn_core_pin_while_late(struct skn_core *core, uint64_t *pin, enum skn_rc rc)
{
    if (rc == SKN_ELATER && *pin == 0) *pin = skn_store_pin(core->store);
    if (rc == SKN_ELATER || *pin == 0) return;
    skn_store_unpin(core->store, *pin);
    *pin = 0;
}

/* --- the step ---------------------------------------------------------------------------------------- */

enum skn_rc skn_core_step(struct skn_core *core,
                          uint64_t now_ms,
                          struct skn_record *out_record,
                          struct skn_diag *diag)
{
    SKN_ASSERT(core->is_open);
    if (core->index - core->durable >= core->limits.speculative_batches ||
        core->undurable_bytes >= core->limits.speculative_bytes)
        return SKN_ELATER;
    /* A clock that goes back would set timers before those that have fired. */
    if (now_ms > core->now_ms) core->now_ms = now_ms;
    now_ms = core->now_ms;
    enum skn_rc rc = skn_timers_fire(core, now_ms, diag);
    if (rc != SKN_OK && rc != SKN_ELATER) return rc;
    bool is_late = rc == SKN_ELATER;
    if (core->owes_epoch && (core->sched.ready > 0 || core->writes_at_once))
        return give_epoch(core, now_ms, out_record, diag);
    /* When there is nothing else to do, and now and then where there always is. */
    bool may_reseal = core->secrets.wants_rotation || core->index % EXPIRE_EVERY == 1;
    if (may_reseal) rc = skn_reseal_turn(core, now_ms, out_record, diag);
    if (may_reseal && rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    bool may_expire = core->index % EXPIRE_EVERY == 0;
    if (may_expire) rc = skn_requests_expire(core, now_ms, out_record, diag);
    if (may_expire && rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    bool is_owed = core->owes_epoch && core->writes_at_once;
    if (!is_owed) rc = skn_stream_turn(core, core->sched.ready == 0, out_record, diag);
    if (!is_owed && rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    is_late |= !is_owed && rc == SKN_ELATER;
    uint64_t waiting = 0; /* turns in a row that ended so: then each domain had one */
    while (waiting < TURNS_EACH * core->sched.ready) {
        struct skn_dom *dom = skn_dom_pick(core);
        core->gas = 0;
        rc = skn_hold_decide(core, dom, diag);
        if (rc == SKN_OK) rc = skn_slice_run(core, dom, now_ms, out_record, diag);
        if (rc == SKN_ELATER) {
            dom->want = skn_store_last_want(core->store);
            if (dom->pin == 0) dom->pin = skn_store_pin(core->store);
            skn_sched_yield(&core->sched, &dom->turn);
        } else {
            skn_dom_unpin(core, dom);
            skn_sched_charge(&core->sched, &dom->turn, core->gas);
        }
        skn_dom_settle(core, dom);
        if (rc != SKN_ELATER && rc != SKN_ENOENT) return rc;
        waiting = rc == SKN_ELATER ? waiting + 1 : 0;
    }
    if (waiting > 0) return SKN_ELATER;
    skn_doms_sweep(core);
    rc = skn_requests_expire(core, now_ms, out_record, diag);
    if (rc == SKN_ENOENT) rc = skn_reseal_turn(core, now_ms, out_record, diag);
    return rc == SKN_ENOENT && is_late ? SKN_ELATER : rc;
}

void skn_core_fetched(struct skn_core *core, uint64_t number)
{
    SKN_LIST_FOREACH_SAFE (link, after, &core->fetching) {
        struct skn_dom *dom = SKN_CONTAINER_OF(link, struct skn_dom, link);
        if (dom->want > number) continue;
        skn_list_remove(link);
        dom->want = 0;
        skn_dom_settle(core, dom);
    }
}

/* --- out ---------------------------------------------------------------------------------------------- */

void skn_core_durable(struct skn_core *core, uint64_t index)
{
    SKN_ASSERT(index <= core->index);
    if (index <= core->durable) return;
    for (uint64_t i = core->durable + 1; i <= index; i++)
        core->undurable_bytes -= core->sizes[i % core->limits.speculative_batches];
    core->durable = index;
}

struct skn_output *skn_core_take_output(struct skn_core *core)
{
    struct skn_list *first = skn_list_first(&core->outs);
    if (!first) return NULL;
    struct skn_out *next = SKN_CONTAINER_OF(first, struct skn_out, link);
    if (next->output.index > core->durable && !skn_bug(SKN_BUG_EARLY_RELEASE)) return NULL;
    skn_list_remove(first);
    core->counts.unreleased--;
    return next->output.kind == SKN_OUTPUT_PACKET ? skn_stream_merge(core, next) : &next->output;
}

void skn_output_free(struct skn_output *output)
{
    static_assert(offsetof(struct skn_out, output) == 0, "freed by the address of its output");
    skn_free(output);
}

bool skn_core_next_output(struct skn_core *core, struct skn_output *out)
{
    skn_output_free(core->given);
    core->given = skn_core_take_output(core);
    if (core->given) *out = *core->given;
    return core->given != NULL;
}

uint64_t skn_core_index(const struct skn_core *core)
{
    return core->index;
}

uint64_t skn_core_durable_index(const struct skn_core *core)
{
    return core->durable;
}

struct skn_core_counts skn_core_counts(const struct skn_core *core)
{
    struct skn_core_counts counts = core->counts;
    counts.ready = core->sched.ready;
    counts.unacknowledged = core->mail.unacked;
    counts.resting = core->mail.resting;
    counts.domains = skn_omap_count(&core->doms) - core->spare_count;
    counts.timers = skn_omap_count(&core->timers.soon) + core->timers.queued;
    return counts;
}
