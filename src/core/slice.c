/* slice.c - one message becomes one batch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/hash.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/index_internal.h"
#include "core/limiter_internal.h"

#include <inttypes.h>

/* [E24] A slice whose second handling reads more rows than this is one that is not repeated for each
 * message of its domain, but for one of so many. */
enum { CHECK_READS = 1000, CHECK_EACH = 64 };

/* --- handling it ---------------------------------------------------------------------------------- */

enum skn_take
skn_slice_take(struct skn_cx *cx, const struct skn_work *work, struct skn_message *message)
{
    if (work->is_letter) {
        skn_dead_take(cx, work);
        return SKN_TAKE_GIVE;
    }
    if (!work->input) {
        if (skn_bug(SKN_BUG_MAIL_TWICE) && cx->stamp % 2) return SKN_TAKE_GIVE;
        skn_raw_delete(cx, work->mail_key);
        skn_box_take(&cx->boxes[work->lane]);
        if (message->kind == SKN_MESSAGE_ANSWER) return skn_call_take(cx, message);
        if (message->kind == SKN_MESSAGE_CANCEL) return skn_kept_cancelled(cx, message);
        return skn_intent_is_given(message) ? skn_intent_given(cx, message) : SKN_TAKE_GIVE;
    }
    if (message->kind == SKN_MESSAGE_TIMER) return skn_timer_take(cx, message);
    if (message->kind == SKN_MESSAGE_ATTEMPT) return skn_intent_take(cx, message);
    return skn_request_is_settled(cx) ? SKN_TAKE_DROP : SKN_TAKE_GIVE;
}

void skn_cx_put_meta(struct skn_cx *cx)
{
    bool is_held = cx->message && cx->message->kind == SKN_MESSAGE_PLACES; /* it stays so */
    if (cx->dom->program->is_held && !is_held) cx->meta.epoch = cx->core->epoch;
    skn_buf_reset(&cx->row);
    skn_meta_encode(&cx->meta, &cx->row);
    skn_key_meta(&cx->key, skn_dom_address(cx->dom));
    cx->meta_len = cx->is_gone ? 0 : cx->row.len;
    if (cx->is_gone) {
        skn_raw_delete(cx, skn_key_slice(&cx->key));
        skn_index_domain(cx, skn_dom_address(cx->dom), false);
        struct skn_slice bytes;
        skn_key_sealed(&cx->key, skn_dom_address(cx->dom));
        if (skn_raw_get(cx, skn_key_slice(&cx->key), &bytes) == SKN_OK)
            skn_raw_delete(cx, skn_key_slice(&cx->key));
        return;
    }
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
    if (cx->is_new) skn_index_domain(cx, skn_dom_address(cx->dom), true);
}

static void answer_none(struct skn_cx *cx)
{
    bool is_call = cx->message->kind == SKN_MESSAGE_CALL;
    bool is_asked = is_call || (cx->input && skn_message_is_asked(cx->message->kind));
    if (is_asked && !cx->has_replied && !cx->has_kept) skn_cx_reply(cx, skn_value_none());
}

/* The program's part. False: it was refused, and nothing changed. */
static bool
give(struct skn_cx *cx, const struct skn_work *work, void *warm, struct skn_message *message)
{
    /* What was answered before is answered so again, whatever became of the domain [E34]. */
    if (cx->meta.is_faulted && skn_request_is_settled(cx)) return false;
    if (cx->meta.is_faulted && message->kind == SKN_MESSAGE_REQUEST) {
        skn_cx_refuse(cx, SKN_EFAULT, "the domain is FAULTED");
        return false;
    }
    if (cx->meta.is_faulted) {
        (void)skn_cx_fault(cx, SKN_EFAULT, "the domain is FAULTED");
        return false;
    }
    if (skn_slice_take(cx, work, message) == SKN_TAKE_DROP || cx->rc != SKN_OK) return true;
    if (cx->core->guard.is_poisoned) {
        (void)skn_cx_fault(cx, SKN_EFAULT, "handling it ended the node twice [E35]");
        return false;
    }
    if (!skn_secret_open_message(cx, skn_dom_address(cx->dom), message)) return true;
    cx->is_bounded = cx->dom->program != &skn_limiter_program && /* that is the core's own */
                     !skn_blob_is(skn_dom_address(cx->dom));
    cx->depth = message->depth;
    cx->reads_before = cx->reads;
    enum skn_rc rc = cx->dom->program->handle(cx, warm, message, &cx->diag);
    (void)skn_cx_charge(cx, 0); /* what its arena took since */
    cx->is_bounded = false;
    if (cx->rc == SKN_OK) cx->rc = rc;
    answer_none(cx);
    if (cx->meta.faults > 0) {
        cx->meta.faults = 0;
        cx->meta_changed = true;
    }
    return true;
}

/* Its row comes first: it says which of the others are gone. */
static void *wake(struct skn_cx *cx)
{
    const struct skn_program *program = cx->dom->program;
    bool is_unseen =
        cx->message->kind == SKN_MESSAGE_PLACES || cx->message->kind == SKN_MESSAGE_KEPT;
    if (!program->wake || cx->core->guard.is_careful || is_unseen) return NULL;
    return skn_cx_load_meta(cx) == SKN_OK ? program->wake(cx) : NULL;
}

/* Of a domain that is being removed: results end its intents, timers go with its rows. */
static void take_unseen(struct skn_cx *cx, struct skn_message *message)
{
    if (message->kind == SKN_MESSAGE_ATTEMPT) (void)skn_intent_take(cx, message);
}

/* Its program said so. What came meanwhile needs it, and what others look for in it. */
static void end_if_empty(struct skn_cx *cx)
{
    struct skn_meta_row *meta = &cx->meta;
    struct skn_row row;
    for (unsigned lane = 0; lane < SKN_LANES; lane++)
        if (meta->waiting[lane] > 0) return;
    bool is_needed = !skn_boxes_are_empty(cx->boxes) || meta->answers > 0 || meta->dead > 0 ||
                     meta->ranges > 0 || meta->kept > 0 || meta->is_faulted ||
                     meta->removal != SKN_REMOVE_NOT;
    if (is_needed || skn_cx_next(cx, (struct skn_slice){0}, (struct skn_slice){0}, &row) == SKN_OK)
        return;
    if (cx->rc != SKN_OK) return;
    cx->is_gone = !cx->is_new;
    cx->has_put = false; /* nothing of it is to be written */
    cx->meta_changed = !cx->is_new;
    *meta = (struct skn_meta_row){0};
}

static enum skn_rc handle(struct skn_cx *cx, const struct skn_work *work, void *warm)
{
    struct skn_message message = work->message;
    if (skn_cx_load_meta(cx) != SKN_OK) return cx->rc;
    /* What its record or a dead letter holds of it is sealed. */
    if (cx->input && cx->input->has_secret) {
        enum skn_rc rc = skn_secret_check_key(cx->core, &cx->diag);
        if (rc != SKN_OK) return cx->rc = rc;
    }
    if (message.kind == SKN_MESSAGE_REDELIVER)
        skn_dead_redeliver(cx, &message);
    else if (message.kind == SKN_MESSAGE_LETTERS)
        skn_dead_go_on(cx);
    else if (message.kind == SKN_MESSAGE_SWEEP)
        skn_range_sweep(cx);
    else if (message.kind == SKN_MESSAGE_REMOVE)
        skn_remove_step(cx);
    else if (message.kind == SKN_MESSAGE_PLACES)
        skn_hold_give_back(cx, &message);
    else if (message.kind == SKN_MESSAGE_KEPT)
        skn_kept_fail(cx);
    else if (cx->meta.removal != SKN_REMOVE_NOT)
        take_unseen(cx, &message);
    else if (!give(cx, work, warm, &message))
        return cx->rc;
    if (cx->rc == SKN_OK) skn_mail_finish(cx);
    skn_names_finish(cx);
    if (cx->rc == SKN_OK && cx->ends) end_if_empty(cx);
    bool is_born = cx->is_new && cx->has_put;
    bool has_changed = cx->meta_changed && !skn_bug(SKN_BUG_META_NOT_WRITTEN);
    /* The first batch of an epoch says that the domain was taken up (hold.c). */
    bool is_taken_up = cx->dom->program->is_held && !cx->is_new && cx->overlay.count > 0 &&
                       cx->meta.epoch != cx->core->epoch && message.kind != SKN_MESSAGE_PLACES;
    if (cx->rc == SKN_OK && (has_changed || is_born || is_taken_up)) skn_cx_put_meta(cx);
    return cx->rc;
}

static void
put_change(const struct skn_cx *cx, const struct skn_change *change, struct skn_buf *batch)
{
    if (change->is_delete)
        skn_batch_delete_why(
            batch, change->node.key, cx->core->tells_no_why ? SKN_WHY_DELETE : change->why);
    else
        skn_batch_put(batch, change->node.key, change->value);
}

void skn_make_batch(const struct skn_cx *cx, struct skn_buf *batch)
{
    skn_buf_reset(batch);
    unsigned turns = skn_bug(SKN_BUG_HASH_ORDER) ? 2 : 1;
    for (unsigned turn = 0; turn < turns; turn++) {
        for (struct skn_omap_node *node = skn_omap_first(&cx->overlay); node;
             node = skn_omap_next(node)) {
            uint64_t hash = turns > 1 ? skn_hash(node->key, (uintptr_t)cx->core, 0) : 0;
            if (hash % 2 == turn)
                put_change(cx, SKN_CONTAINER_OF(node, struct skn_change, node), batch);
        }
    }
    SKN_ASSERT(skn_buf_rc(batch) == SKN_OK); /* one that is cut short would be half a slice */
}

/* As far as they mean something. */
static void put_boxes(const struct skn_box boxes[SKN_LANES], struct skn_buf *out)
{
    for (unsigned lane = 0; lane < SKN_LANES; lane++) {
        skn_buf_put_le32(out, boxes[lane].count);
        if (boxes[lane].count > 0) skn_buf_put_le64(out, boxes[lane].next);
    }
}

/* The outputs, and what else memory takes over, as bytes, for the comparison of [E24]. */
static void put_outs(const struct skn_cx *cx, struct skn_buf *out)
{
    SKN_LIST_FOREACH (link, &cx->outs) {
        const struct skn_output *o = &SKN_CONTAINER_OF(link, struct skn_out, link)->output;
        skn_buf_put_u8(out, (uint8_t)o->kind);
        skn_buf_put_le64(out, o->number);
        skn_buf_put_le32(out, o->attempt);
        skn_buf_put_le32(out, (uint32_t)o->rc);
        skn_buf_put_block(out, o->address);
        skn_buf_put_block(out, o->name);
        skn_buf_put_block(out, o->value);
    }
    put_boxes(cx->boxes, out);
    for (struct skn_omap_node *node = skn_omap_first(&cx->mets); node; node = skn_omap_next(node)) {
        const struct skn_met *met = SKN_CONTAINER_OF(node, struct skn_met, node);
        skn_buf_put_u8(out, met->wakes);
        skn_buf_put_block(out, node->key);
        put_boxes(met->boxes, out);
    }
}

/* [E24] The same message once more, on a domain made from its rows: the same batch, or the program
 * keeps state where no row has it. */
static enum skn_rc check_rebuild(struct skn_core *core,
                                 const struct skn_cx *first,
                                 const struct skn_work *work,
                                 uint64_t gas,
                                 struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[1];
    if (first->dom->unchecked > 0) {
        first->dom->unchecked--;
        return SKN_OK;
    }
    enum skn_rc rc = skn_mail_check_kept(core, first->dom, work, diag);
    if (rc != SKN_OK) return rc;
    skn_cx_begin(cx, core, first->dom, first->message, first->input, first->stamp);
    const struct skn_program *program = first->dom->program;
    void *warm = wake(cx);
    skn_cx_budget(cx);
    uint64_t faults = core->counts.faults;
    rc = handle(cx, work, warm);
    if (warm) program->sleep(warm);
    if (rc == SKN_ELATER) return SKN_OK; /* nothing to compare with */
    bool same_gas = cx->gas == gas;
    if (cx->reads > CHECK_READS) first->dom->unchecked = CHECK_EACH - 1;
    if (rc != SKN_OK) skn_dead_bury(cx, work, rc);
    core->counts.faults = faults;
    if (cx->rc == SKN_ELATER) return SKN_OK; /* nor when the letter needs what is not here */
    skn_make_batch(cx, &core->batch[1]);
    /* The store knows the first batch by where it is, so nothing is put behind it. */
    bool same = skn_slice_eq(skn_buf_slice(&core->batch[0]), skn_buf_slice(&core->batch[1]));
    for (size_t i = 0; i < SKN_ARRAY_LEN(core->compared); i++)
        skn_buf_reset(&core->compared[i]);
    put_outs(first, &core->compared[0]);
    put_outs(cx, &core->compared[1]);
    same =
        same && skn_slice_eq(skn_buf_slice(&core->compared[0]), skn_buf_slice(&core->compared[1]));
    if (same && same_gas) return SKN_OK;
    return SKN_FAIL(
        diag,
        SKN_EINTERNAL,
        "domain %.*s handled \"%.*s\" otherwise when it was rebuilt from its rows [E24]%s",
        SKN_FMT(skn_dom_address(first->dom)),
        SKN_FMT(work->message.name),
        same ? ": it took other gas" : "");
}

/* --- committing it ------------------------------------------------------------------------------- */

/* Outputs outlive the slice's arena: each becomes one block. */
void skn_release_later(struct skn_core *core, const struct skn_output *output)
{
    size_t size = output->address.len + output->name.len + output->value.len;
    struct skn_out *out = skn_alloc_zero(1, sizeof *out + size);
    skn_list_init(&out->link);
    out->output = *output;
    struct skn_slice *parts[] = {&out->output.address, &out->output.name, &out->output.value};
    uint8_t *at = out->bytes;
    for (size_t i = 0; i < SKN_ARRAY_LEN(parts); i++) {
        if (parts[i]->len > 0) memcpy(at, parts[i]->ptr, parts[i]->len);
        parts[i]->ptr = at;
        at += parts[i]->len;
    }
    bool overtakes = skn_bug(SKN_BUG_OUT_OF_ORDER) && output->kind == SKN_OUTPUT_REPLY;
    overtakes |= skn_bug(SKN_BUG_QUERY_EARLY) && output->index <= core->durable;
    if (overtakes)
        skn_list_push_front(&core->outs, &out->link);
    else
        skn_list_push_back(&core->outs, &out->link);
    core->counts.unreleased++;
}

static void take_outs(struct skn_core *core, struct skn_cx *cx)
{
    SKN_LIST_FOREACH (link, &cx->outs) {
        struct skn_out *out = SKN_CONTAINER_OF(link, struct skn_out, link);
        if (out->output.kind == SKN_OUTPUT_PERFORM) core->counts.in_flight++;
        bool is_early = skn_bug(SKN_BUG_QUERY_EARLY) && cx->overlay.count == 0;
        out->output.index = is_early ? core->durable : core->index;
        out->output.stamp = core->stamp;
        skn_release_later(core, &out->output);
    }
}

/* Other domains hear what became of their rows, and who got mail may be picked. All of them before the
 * first is settled: that may free others. */
static void tell_mets(struct skn_core *core, struct skn_cx *cx)
{
    for (struct skn_omap_node *node = skn_omap_first(&cx->mets); node; node = skn_omap_next(node)) {
        struct skn_met *met = SKN_CONTAINER_OF(node, struct skn_met, node);
        if (!met->dom && met->got_mail) met->dom = skn_dom_get(core, node->key);
        if (!met->dom) continue; /* its program may be gone */
        if (!skn_bug(SKN_BUG_META_STALE)) met->dom->known = met->known;
        memcpy(met->dom->boxes, met->boxes, sizeof met->boxes);
        skn_dom_keep(core, met->dom, met);
        if (met->got_mail) skn_dom_got_mail(core, met->dom, met->wakes);
    }
    for (struct skn_omap_node *node = skn_omap_first(&cx->mets); node; node = skn_omap_next(node)) {
        struct skn_met *met = SKN_CONTAINER_OF(node, struct skn_met, node);
        if (met->dom && met->got_mail) skn_dom_settle(core, met->dom);
    }
}

enum skn_rc skn_commit(struct skn_core *core,
                       struct skn_cx *cx,
                       struct skn_slice batch,
                       struct skn_slice message,
                       uint64_t module,
                       uint64_t stamp,
                       struct skn_record *out_record,
                       struct skn_diag *diag)
{
    SKN_ASSERT(stamp > core->stamp);
    enum skn_rc rc = core->check_rebuild ? skn_index_check_batch(core, batch, diag) : SKN_OK;
    if (rc != SKN_OK) return rc;
    rc = skn_store_apply(core->store, core->index + 1, stamp, batch, diag);
    if (rc != SKN_OK) return rc;
    core->index++;
    core->stamp = stamp;
    core->undurable_bytes += batch.len;
    core->sizes[core->index % core->limits.speculative_batches] = (uint32_t)batch.len;
    core->counts.batches++;
    core->owes_epoch = core->owes_secret = core->writes_at_once = false;
    core->secrets.is_owed = false;
    struct skn_hash128 state = skn_store_position(core->store).state;
    *out_record = (struct skn_record){.shard = core->shard,
                                      .index = core->index,
                                      .term = core->epoch,
                                      .stamp = stamp,
                                      .state_lo = state.lo,
                                      .state_hi = state.hi,
                                      .message = message,
                                      .module = module,
                                      .limits = core->limits_version,
                                      .batch = batch};
    if (!cx) return SKN_OK;
    skn_names_committed(core, cx);
    if (cx->dom) {
        cx->dom->is_taken = false; /* its rows say so now */
        skn_timers_committed(core, cx);
    }
    take_outs(core, cx);
    tell_mets(core, cx);
    skn_mail_follow(core, cx);
    skn_stream_sent(core, cx);
    return SKN_OK;
}

/* A query: nothing changed, so the answer waits for the last record only [E21]. */
static enum skn_rc answer_query(struct skn_core *core, struct skn_cx *cx)
{
    take_outs(core, cx);
    return SKN_ENOENT;
}

/* The key of its row, or all that handling it again needs [E3]. */
static void put_message(struct skn_cx *cx,
                        const struct skn_dom *dom,
                        const struct skn_work *work,
                        struct skn_buf *record)
{
    if (work->mail_key.len > 0) {
        skn_buf_put(record, work->mail_key);
        return;
    }
    struct skn_handled handled = {.message = work->message, .address = skn_dom_address(dom)};
    if (work->input) {
        handled.caller = work->input->caller;
        handled.id = work->input->id;
    }
    bool is_done = !work->input || !work->input->has_secret ||
                   skn_secret_seal_message(cx, skn_dom_address(dom), &handled.message);
    SKN_ASSERT(is_done); /* its key was there before */
    skn_handled_encode(&handled, record);
}

/* What memory has of the domain's rows follows its batch. */
static void follow(struct skn_dom *dom, const struct skn_cx *cx, const struct skn_work *work)
{
    dom->known = (struct skn_known_meta){.is = cx->meta_len > 0 ? SKN_META_ROW : SKN_META_NONE,
                                         .len = (uint32_t)cx->meta_len,
                                         .row = cx->meta};
    memcpy(dom->boxes, cx->boxes, sizeof dom->boxes);
    bool is_taken = !work->input && !work->is_letter && work->lane == dom->kept_lane &&
                    !skn_bug(SKN_BUG_MAIL_STALE);
    /* Removing a domain removes its mail. */
    if (is_taken || work->message.kind == SKN_MESSAGE_REMOVE) dom->kept_lane = SKN_LANES;
}

static void done(struct skn_core *core, struct skn_dom *dom, struct skn_work *work)
{
    if (!work->input) return;
    if (skn_message_is_asked(work->message.kind)) core->inputs--;
    if (work->message.kind == SKN_MESSAGE_TIMER) {
        core->timers.queued--;
        dom->timers--;
    }
    skn_list_remove(&work->input->link);
    skn_free(work->input);
}

/* What a dropped slice may have left in the program's memory is not believed. */
static void cool(struct skn_dom *dom)
{
    if (dom->warm) dom->program->sleep(dom->warm);
    dom->warm = NULL;
}

/* A key is not there: nothing changed. Who asked hears it; what nobody asked for waits [E46]. */
static enum skn_rc
rest(struct skn_core *core, struct skn_dom *dom, struct skn_work *work, const struct skn_diag *why)
{
    struct skn_diag diag = *why;
    diag.rc = SKN_ENOKEY;
    if (work->message.kind == SKN_MESSAGE_REQUEST)
        skn_core_refuse(core, work->input, &diag);
    else
        skn_secret_rest(core, dom, &diag);
    return SKN_ENOENT;
}

enum skn_rc skn_slice_again(struct skn_core *core,
                            struct skn_dom *dom,
                            const struct skn_work *work,
                            uint64_t stamp,
                            struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[0];
    skn_cx_begin(cx, core, dom, &work->message, work->input, stamp);
    if (!dom->warm) dom->warm = wake(cx);
    skn_cx_budget(cx);
    enum skn_rc rc = handle(cx, work, dom->warm);
    if (rc != SKN_OK) cool(dom);
    if (rc != SKN_OK && rc != SKN_ELATER && rc != SKN_ENOKEY) skn_dead_bury(cx, work, rc);
    if (cx->rc != SKN_OK) {
        if (diag) *diag = cx->diag;
        return cx->rc == SKN_ELATER || cx->rc == SKN_ENOKEY ? cx->rc : SKN_EINTERNAL;
    }
    skn_make_batch(cx, &core->batch[0]);
    return SKN_OK;
}

static enum skn_rc run(struct skn_core *core,
                       struct skn_dom *dom,
                       struct skn_work *work,
                       uint64_t now_ms,
                       struct skn_record *out_record,
                       struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[0];
    uint64_t stamp = skn_hlc_next(core->stamp, work->message.stamp, now_ms);
    skn_cx_begin(cx, core, dom, &work->message, work->input, stamp);
    if (!dom->warm) dom->warm = wake(cx);
    skn_cx_budget(cx);
    enum skn_rc rc = handle(cx, work, dom->warm);
    uint64_t faults = core->counts.faults;
    uint64_t gas = cx->gas; /* before a burial begins anew */
    if (rc != SKN_OK) cool(dom);
    if (rc == SKN_ELATER) return rc; /* dropped whole; runs again from its start [E13] */
    if (rc == SKN_ENOKEY) return rest(core, dom, work, &cx->diag);
    struct skn_diag fault;
    if (rc != SKN_OK) fault = cx->diag;
    fault.rc = rc;
    if (rc != SKN_OK) skn_dead_bury(cx, work, rc);
    if (cx->rc == SKN_ENOKEY) {
        core->counts.faults = faults;
        return rest(core, dom, work, &cx->diag);
    }
    if (cx->rc != SKN_OK) {
        if (diag) *diag = cx->diag;
        return cx->rc == SKN_ELATER ? SKN_ELATER : SKN_EINTERNAL;
    }
    skn_make_batch(cx, &core->batch[0]);
    rc = skn_store_know(core->store, skn_buf_slice(&core->batch[0]), diag);
    if (rc != SKN_OK) {
        cool(dom);
        core->counts.faults = faults;
        return rc;
    }
    core->counts.slices++;
    core->counts.gas += gas;
    core->gas = gas;
    if (core->check_rebuild && (rc = check_rebuild(core, cx, work, gas, diag)) != SKN_OK) return rc;
    if (work->message.kind == SKN_MESSAGE_ATTEMPT && cx->overlay.count == 0 &&
        work->message.epoch > 0)
        core->counts.dropped_results++;
    if (core->traced.count > 0)
        skn_trace_slice(cx, &work->message, &fault, skn_buf_slice(&core->batch[0]));

    if (cx->overlay.count == 0) {
        rc = answer_query(core, cx);
    } else {
        skn_buf_reset(&core->record);
        put_message(cx, dom, work, &core->record);
        rc = skn_commit(core,
                        cx,
                        skn_buf_slice(&core->batch[0]),
                        skn_buf_slice(&core->record),
                        core->guard.is_poisoned ? 0 : dom->program->module,
                        stamp,
                        out_record,
                        diag);
    }
    follow(dom, cx, work);
    done(core, dom, work);
    skn_mail_know(core, dom, &cx->meta);
    if (work->message.kind == SKN_MESSAGE_PLACES) skn_hold_gave_back(dom, cx);
    if (work->message.kind == SKN_MESSAGE_REMOVE || skn_remove_wants(dom))
        skn_remove_committed(core, dom, cx);
    if (cx->removal == SKN_REMOVAL_ENDED || cx->is_gone) cool(dom);
    return rc;
}

enum skn_rc skn_slice_run(struct skn_core *core,
                          struct skn_dom *dom,
                          uint64_t now_ms,
                          struct skn_record *out_record,
                          struct skn_diag *diag)
{
    struct skn_work work = {0};
    enum skn_rc rc = skn_mail_choose(core, dom, &work, diag);
    if (rc != SKN_OK) return rc;
    skn_guard_enter(core, dom, &work);
    rc = run(core, dom, &work, now_ms, out_record, diag);
    skn_guard_leave(core);
    return rc;
}
