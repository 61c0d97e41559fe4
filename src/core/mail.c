/* mail.c - mailboxes: what a domain handles next, where a message goes, and what waits [E30]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/gas.h"
#include "core/index_internal.h"
#include "core/limiter_internal.h"
#include "core/look.h"

#include "base/pure.h"

enum { REFILL_AT_ONCE = 2 }; /* more than one slice frees, so that a raised limit takes effect */

/* --- what to handle ------------------------------------------------------------------------------ */

static struct skn_input *first_of(const struct skn_list *list)
{
    struct skn_list *first = skn_list_first(list);
    return first ? SKN_CONTAINER_OF(first, struct skn_input, link) : NULL;
}

/* The input that came first of those with a priority: an answer or, unless the domain rests, a
 * request. Answers come in one list: all of them have the same priority. */
static struct skn_input *first_input(const struct skn_dom *dom, unsigned lane, bool rests)
{
    struct skn_input *answer = first_of(&dom->answers);
    struct skn_input *request = rests ? NULL : first_of(&dom->requests[lane]);
    if (answer && answer->message.priority != lane) answer = NULL;
    if (!answer || !request) return answer ? answer : request;
    return answer->arrival < request->arrival ? answer : request;
}

enum source { FROM_MAIL, FROM_INPUTS, FROM_RANGES, FROM_ANSWERS };

static uint32_t sources_of(const struct skn_dom *dom, unsigned lane, uint8_t mail, bool rests)
{
    uint32_t sources = mail & (1U << lane) ? 1U << FROM_MAIL : 0;
    if (first_input(dom, lane, rests)) sources |= 1U << FROM_INPUTS;
    /* Rows that are gone already are removed in the background. */
    if (dom->has_ranges && lane == SKN_PRIORITY_BACKGROUND) sources |= 1U << FROM_RANGES;
    /* Answers of calls come like results of intents: at one priority, and to who rests too. */
    bool is_answered = mail & (1U << SKN_LANE_ANSWERS);
    if (is_answered && lane == SKN_PRIORITY_NORMAL) sources |= 1U << FROM_ANSWERS;
    return sources;
}

/* The lanes that are picked: of a domain that rests, only answers and what is full [E32]. */
static uint8_t lanes_of(const struct skn_dom *dom, bool rests)
{
    return rests ? dom->mail & (dom->full | 1U << SKN_LANE_ANSWERS) : dom->mail;
}

/* The lanes that have a source, a bit each: those for which sources_of is not 0. */
static uint32_t ready_lanes(const struct skn_dom *dom, uint8_t mail, bool rests)
{
    uint32_t lanes = mail & ((1U << SKN_PRIORITIES) - 1);
    const struct skn_input *answer = first_of(&dom->answers);
    if (answer) lanes |= 1U << answer->message.priority;
    if (mail & (1U << SKN_LANE_ANSWERS)) lanes |= 1U << SKN_PRIORITY_NORMAL;
    if (dom->has_ranges) lanes |= 1U << SKN_PRIORITY_BACKGROUND;
    for (unsigned lane = 0; lane < SKN_PRIORITIES && !rests; lane++)
        if (!skn_list_is_empty(&dom->requests[lane])) lanes |= 1U << lane;
    return lanes;
}

/* Dead letters come in front of everything; closing them sends nothing. */
static bool has_letters(const struct skn_dom *dom, bool rests)
{
    return dom->again == SKN_AGAIN_CLOSE || (dom->again == SKN_AGAIN_LETTERS && !rests);
}

/* Neither removing a domain nor throwing its letters away needs a key: what may be done while it waits
 * for one [E46]. NULL: no request of that kind. */
static struct skn_input *first_redeliver(const struct skn_dom *dom)
{
    SKN_LIST_FOREACH (link, &dom->answers) {
        struct skn_input *input = SKN_CONTAINER_OF(link, struct skn_input, link);
        if (input->message.kind == SKN_MESSAGE_REDELIVER) return input;
    }
    return NULL;
}

enum skn_priority skn_mail_lane(const struct skn_core *core, const struct skn_dom *dom)
{
    if (skn_remove_wants(dom))
        return skn_remove_is_ready(dom) ? SKN_PRIORITY_NORMAL : SKN_PRIORITIES;
    if (dom->is_held) return skn_hold_wants(dom) ? SKN_PRIORITY_NORMAL : SKN_PRIORITIES;
    if (dom->is_keyless) {
        bool has_work = dom->again == SKN_AGAIN_CLOSE || first_redeliver(dom);
        return has_work ? SKN_PRIORITY_NORMAL : SKN_PRIORITIES;
    }
    bool rests = skn_outbox_rests(core, skn_dom_address(dom));
    uint32_t lanes = ready_lanes(dom, lanes_of(dom, rests), rests);
    unsigned lane = lanes ? (unsigned)__builtin_ctz(lanes) : SKN_PRIORITIES;
    bool is_first = dom->fails_kept || has_letters(dom, rests);
    if (lane > SKN_PRIORITY_NORMAL && is_first) lane = SKN_PRIORITY_NORMAL;
    return (enum skn_priority)lane;
}

bool skn_mail_has_any(const struct skn_dom *dom)
{
    bool has = dom->mail || dom->again || dom->has_ranges || dom->fails_kept ||
               skn_remove_wants(dom) || first_of(&dom->answers);
    for (unsigned lane = 0; lane < SKN_PRIORITIES && !has; lane++)
        has = first_of(&dom->requests[lane]) != NULL;
    return has;
}

/* What the row says of the lanes, where memory does not know it: after an opening, of a domain that
 * rests or has letters. Else `mail` is what the last slice left, and what came since. */
static enum skn_rc
look(struct skn_core *core, struct skn_dom *dom, struct skn_meta_row *meta, struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_meta(&key, skn_dom_address(dom));
    enum skn_rc rc = skn_store_get(core->store, skn_key_slice(&key), &bytes, diag);
    if (rc == SKN_OK) rc = skn_meta_decode(bytes, meta, diag);
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    skn_mail_know(core, dom, meta);
    return SKN_OK;
}

void skn_mail_know(struct skn_core *core, struct skn_dom *dom, const struct skn_meta_row *meta)
{
    dom->mail = dom->full = 0;
    dom->must_look = false;
    dom->again = SKN_AGAIN_NO;
    dom->is_removing = meta->removal != SKN_REMOVE_NOT;
    dom->has_ranges = meta->ranges > 0;
    dom->fails_kept = meta->is_faulted && meta->kept > 0;
    if (meta->again_from < meta->again_to && !meta->is_faulted)
        dom->again = meta->is_closing ? SKN_AGAIN_CLOSE : SKN_AGAIN_LETTERS;
    for (unsigned lane = 0; lane < SKN_LANES && !meta->is_faulted; lane++) {
        uint8_t bit = (uint8_t)(1U << lane);
        if (dom->boxes[lane].count > 0) dom->mail |= bit;
        if (dom->boxes[lane].count >= core->limits.mailbox_messages) dom->full |= bit;
    }
}

/* The first row of a lane. */
static enum skn_rc first_row(struct skn_core *core,
                             struct skn_dom *dom,
                             enum skn_priority lane,
                             struct skn_row *out_row,
                             struct skn_diag *diag)
{
    struct skn_key from, end;
    skn_key_mail_lane(&from, skn_dom_address(dom), lane);
    skn_key_mail_lane(&end, skn_dom_address(dom), lane); /* a copy would be of 4 KiB */
    skn_key_end(&end);
    size_t count;
    enum skn_rc rc = skn_store_scan(
        core->store, skn_key_slice(&from), skn_key_slice(&end), out_row, 1, &count, diag);
    if (rc != SKN_OK || count > 0) return rc;
    return SKN_CORRUPT(diag,
                       "the mailbox of %.*s has fewer messages than were counted",
                       SKN_FMT(skn_dom_address(dom)));
}

/* What the batch that sent it left in memory. What is sealed is read: its row may have another key by
 * now [E46]. */
static bool take_kept(const struct skn_dom *dom, struct skn_work *work)
{
    const struct skn_kept *kept = dom->kept;
    if (dom->kept_lane != work->lane) return false;
    struct skn_slice bytes = skn_slice(kept->bytes + kept->key_len, kept->len);
    enum skn_rc rc = skn_message_decode(bytes, &work->message, NULL);
    if (rc != SKN_OK || work->message.is_sealed) return false;
    work->mail_key = skn_slice(kept->bytes, kept->key_len);
    work->mail_value = bytes;
    work->is_kept = true;
    return true;
}

static enum skn_rc
first_mail(struct skn_core *core, struct skn_dom *dom, struct skn_work *work, struct skn_diag *diag)
{
    struct skn_row row;
    if (take_kept(dom, work)) return SKN_OK;
    enum skn_rc rc = first_row(core, dom, work->lane, &row, diag);
    if (rc != SKN_OK) return rc;
    /* Copied: the batch of this very slice deletes the row. */
    skn_buf_reset(&core->mail_row);
    skn_buf_put(&core->mail_row, row.key);
    skn_buf_put(&core->mail_row, row.value);
    work->mail_key = skn_slice(core->mail_row.ptr, row.key.len);
    work->mail_value = skn_slice_from(skn_buf_slice(&core->mail_row), row.key.len);
    return skn_message_decode(work->mail_value, &work->message, diag);
}

enum skn_rc skn_mail_check_kept(struct skn_core *core,
                                struct skn_dom *dom,
                                const struct skn_work *work,
                                struct skn_diag *diag)
{
    struct skn_row row = {0};
    if (!work->is_kept) return SKN_OK;
    const struct skn_kept *kept = dom->kept;
    enum skn_rc rc = first_row(core, dom, work->lane, &row, diag);
    if (rc == SKN_ELATER) return SKN_OK; /* nothing to compare with */
    if (rc == SKN_OK && skn_slice_eq(row.key, work->mail_key) &&
        skn_slice_eq(row.value, skn_slice(kept->bytes + kept->key_len, kept->len)))
        return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_EINTERNAL,
                    "what domain %.*s keeps of its mail is not what its rows say [E24]",
                    SKN_FMT(skn_dom_address(dom)));
}

static void take_input(struct skn_work *work, struct skn_input *input, enum skn_priority lane)
{
    work->input = input;
    work->lane = lane;
    work->message = input->message;
}

static enum skn_rc choose_without_key(struct skn_core *core,
                                      struct skn_dom *dom,
                                      struct skn_work *work,
                                      struct skn_diag *diag)
{
    struct skn_meta_row meta = {0};
    struct skn_input *redeliver = first_redeliver(dom);
    if (redeliver) {
        take_input(work, redeliver, SKN_PRIORITY_NORMAL);
        return SKN_OK;
    }
    enum skn_rc rc = look(core, dom, &meta, diag);
    if (rc != SKN_OK) return rc;
    if (dom->again != SKN_AGAIN_CLOSE) return SKN_ENOENT;
    return skn_dead_choose(core, dom, &meta, work, diag);
}

enum skn_rc skn_mail_choose(struct skn_core *core,
                            struct skn_dom *dom,
                            struct skn_work *work,
                            struct skn_diag *diag)
{
    if (skn_remove_wants(dom)) return skn_remove_choose(dom, work);
    if (skn_hold_wants(dom)) {
        skn_hold_choose(dom, work);
        return SKN_OK;
    }
    if (dom->is_keyless) return choose_without_key(core, dom, work, diag);
    struct skn_meta_row meta = {0};
    bool rests = skn_outbox_rests(core, skn_dom_address(dom));
    bool looks = dom->must_look || dom->again || (rests && dom->mail);
    enum skn_rc rc = looks ? look(core, dom, &meta, diag) : SKN_OK;
    if (rc != SKN_OK) return rc;
    if (dom->fails_kept) {
        work->message = (struct skn_message){.kind = SKN_MESSAGE_KEPT, .payload = skn_value_none()};
        return SKN_OK;
    }
    if (has_letters(dom, rests)) return skn_dead_choose(core, dom, &meta, work, diag);
    uint8_t mail = lanes_of(dom, rests);
    uint32_t lanes = ready_lanes(dom, mail, rests);
    if (lanes == 0) return SKN_ENOENT;
    unsigned lane = skn_turn_among(lanes, dom->lane_streak);
    enum source source =
        (enum source)skn_turn_among(sources_of(dom, lane, mail, rests), dom->source_streak);
    work->lane = (enum skn_priority)lane;
    if (source == FROM_ANSWERS) work->lane = (enum skn_priority)SKN_LANE_ANSWERS;
    if (source == FROM_MAIL || source == FROM_ANSWERS) return first_mail(core, dom, work, diag);
    if (source == FROM_RANGES) {
        work->message =
            (struct skn_message){.kind = SKN_MESSAGE_SWEEP, .payload = skn_value_none()};
        return SKN_OK;
    }
    struct skn_input *input = first_input(dom, lane, rests);
    SKN_ASSERT(input);
    take_input(work, input, (enum skn_priority)lane);
    return SKN_OK;
}

enum skn_rc skn_mail_at(struct skn_core *core,
                        struct skn_dom *dom,
                        struct skn_slice key,
                        struct skn_work *work,
                        struct skn_diag *diag)
{
    struct skn_meta_row meta = {0};
    struct skn_key_info info;
    skn_key_read(key, &info);
    enum skn_rc rc = skn_boxes_read(core->store, skn_dom_address(dom), dom->boxes, diag);
    if (rc == SKN_OK) rc = look(core, dom, &meta, diag);
    if (rc != SKN_OK) return rc;
    bool is_letter = info.kind == SKN_KEY_DEAD;
    bool has = is_letter ? meta.dead > 0 && dom->again == SKN_AGAIN_LETTERS
                         : info.kind == SKN_KEY_MAIL && (dom->mail & (1U << info.lane));
    if (!has) return SKN_CORRUPT(diag, "its message is not there");
    work->lane = is_letter ? SKN_PRIORITY_CRITICAL : info.lane;
    rc = is_letter ? skn_dead_choose(core, dom, &meta, work, diag)
                   : first_mail(core, dom, work, diag);
    if (rc == SKN_OK && !skn_slice_eq(work->mail_key, key))
        return SKN_CORRUPT(diag, "its message is not the first");
    return rc;
}

/* --- rows that others count by --------------------------------------------------------------------- */

static bool is_own(const struct skn_cx *cx, struct skn_slice address)
{
    return cx->dom && skn_slice_eq(address, skn_dom_address(cx->dom));
}

/* More or fewer messages of `sender` wait at a target of this shard: its counter row, which is on
 * the sender's shard [E31]. */
static void count_wait(struct skn_cx *cx, const struct skn_note *change)
{
    uint32_t from = skn_shard_of(change->sender, cx->core->mail.shards);
    if (from == cx->core->shard)
        skn_mail_count(cx, change);
    else
        skn_stream_note(cx, from, change);
}

void skn_mail_count(struct skn_cx *cx, const struct skn_note *change)
{
    struct skn_counter_row row = {0};
    struct skn_slice bytes;
    skn_key_counter(&cx->key, change->target, change->sender);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc == SKN_OK) rc = skn_counter_decode(bytes, &row, &cx->diag);
    if (rc != SKN_OK && rc != SKN_ENOENT) {
        cx->rc = rc;
        return;
    }
    bool is_less = (int64_t)row.messages + change->messages < 0;
    SKN_ASSERT(!is_less || !cx->dom); /* a note may say anything */
    row.messages = is_less ? 0 : row.messages + (uint32_t)change->messages;
    row.bytes += (uint64_t)change->bytes;
    if (row.messages == 0) {
        skn_raw_delete(cx, skn_key_slice(&cx->key));
        return;
    }
    skn_buf_reset(&cx->row);
    skn_counter_encode(&row, &cx->row);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

void skn_mail_count_off(struct skn_cx *cx, struct skn_slice sender, size_t bytes)
{
    const struct skn_note change = {.kind = SKN_NOTE_WAITS,
                                    .is_faulted = cx->meta.is_faulted,
                                    .messages = -1,
                                    .bytes = -(int64_t)bytes,
                                    .target = skn_dom_address(cx->dom),
                                    .sender = sender};
    count_wait(cx, &change);
}

bool skn_mail_mark_faulted(struct skn_cx *cx, struct skn_slice target, bool is_faulted)
{
    struct skn_slice bytes;
    skn_key_faulted(&cx->key, target);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc != SKN_OK && rc != SKN_ENOENT) return false;
    if ((rc == SKN_OK) == is_faulted) return false;
    if (is_faulted)
        skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
    else
        skn_raw_delete(cx, skn_key_slice(&cx->key));
    return true;
}

/* --- where a message goes ---------------------------------------------------------------------------- */

static const struct skn_change *add_to_lane(struct skn_cx *cx,
                                            struct skn_box *box,
                                            struct skn_slice address,
                                            enum skn_priority lane,
                                            struct skn_slice message)
{
    skn_key_mail(&cx->key, address, lane, skn_box_add(box, cx->stamp));
    return skn_raw_change(cx, skn_key_slice(&cx->key), message);
}

/* `met` NULL: the row is the slice's own. */
static void save_meta(struct skn_cx *cx, struct skn_met *met)
{
    if (met)
        skn_cx_put_met(cx, met);
    else
        cx->meta_changed = true;
}

/* A FAULTED domain keeps its mail until someone redelivers [E33]. */
static void put_in_lane(struct skn_cx *cx,
                        struct skn_met *met,
                        struct skn_slice address,
                        enum skn_priority lane,
                        struct skn_slice message)
{
    bool is_faulted = met ? met->known.row.is_faulted : cx->meta.is_faulted;
    struct skn_box *box = met ? &met->boxes[lane] : &cx->boxes[lane];
    const struct skn_change *change = add_to_lane(cx, box, address, lane, message);
    if (!is_faulted) (void)skn_cx_pay(cx, SKN_GAS_MESSAGE);
    if (!met) return;
    met->got_mail = true;
    if (!is_faulted) met->wakes |= (uint8_t)(1U << lane);
    if (met->first || box->count > 1) return;
    met->first = change;
    met->first_lane = (uint8_t)lane;
}

/* Results and timers of the sender never fault for what waits elsewhere [E32]; a domain that is
 * FAULTED and has very much waiting takes no more from anybody [E33]. */
static bool may_wait(struct skn_cx *cx, struct skn_slice target, bool counts)
{
    if (!cx->dom || cx->is_cancelling) return true;
    /* What is asked of limiters and given by them has a limit elsewhere: each ask has an intent, and
     * who sends too many rests. To lose one would lose a place. */
    if (cx->dom->program == &skn_limiter_program || skn_limiter_is(target)) return true;
    /* A reference that is lost would lose a content; who names it has rows that say so [E45]. */
    if (skn_blob_is(target) || skn_blob_is(skn_dom_address(cx->dom))) return true;
    bool comes_once = skn_message_comes_once(cx->message->kind);
    if (skn_outbox_is_faulted_full(cx->core, target)) {
        (void)skn_cx_fault(cx, SKN_ETARGETFAULTED, skn_rc_info(SKN_ETARGETFAULTED)->text);
        return false;
    }
    if (counts && !comes_once && skn_outbox_is_full(cx->core, skn_dom_address(cx->dom))) {
        (void)skn_cx_fault(cx, SKN_EOUTBOXFULL, skn_rc_info(SKN_EOUTBOXFULL)->text);
        return false;
    }
    return true;
}

static void put_waiting(struct skn_cx *cx,
                        struct skn_meta_row *meta,
                        struct skn_slice address,
                        enum skn_priority lane,
                        struct skn_slice sender,
                        struct skn_slice message)
{
    skn_key_waiting(&cx->key, address, lane, cx->stamp, sender, meta->next_wait++);
    skn_raw_put(cx, skn_key_slice(&cx->key), message);
    meta->waiting[lane]++;
    const struct skn_note change = {.kind = SKN_NOTE_WAITS,
                                    .is_faulted = meta->is_faulted,
                                    .messages = 1,
                                    .bytes = (int64_t)message.len,
                                    .target = address,
                                    .sender = sender};
    count_wait(cx, &change);
    if (meta->is_faulted) (void)skn_mail_mark_faulted(cx, address, true);
}

enum skn_rc skn_mail_put(struct skn_cx *cx,
                         struct skn_slice address,
                         enum skn_priority lane,
                         struct skn_slice sender,
                         struct skn_slice message)
{
    bool is_new = false;
    struct skn_met *met = is_own(cx, address) ? NULL : skn_cx_meet(cx, address, &is_new);
    if (cx->rc != SKN_OK) return cx->rc;
    struct skn_meta_row *meta = met ? &met->known.row : &cx->meta;
    const struct skn_box *box = met ? &met->boxes[lane] : &cx->boxes[lane];
    /* A place for nobody: who is being removed gives back all that it asked for. */
    if (skn_limiter_is(sender) && (is_new || meta->removal != SKN_REMOVE_NOT)) return cx->rc;
    /* Nor a cancel for who has nothing of its call; behind one that waits it waits, too. */
    bool has_call = !is_new && (meta->removal == SKN_REMOVE_NOT || meta->waiting[lane] > 0);
    if (!has_call && skn_message_is_cancel(message)) return cx->rc;
    bool has_room = meta->removal == SKN_REMOVE_NOT && meta->waiting[lane] == 0 &&
                    box->count < cx->core->limits.mailbox_messages;
    if (has_room || skn_bug(SKN_BUG_MAIL_UNLIMITED)) {
        put_in_lane(cx, met, address, lane, message);
        bool is_born = met ? is_new : cx->is_new;
        if (is_born) save_meta(cx, met); /* whoever has mail is a domain */
    } else if (may_wait(cx, address, !meta->is_faulted)) {
        put_waiting(cx, meta, address, lane, sender, message);
        save_meta(cx, met);
    }
    if (is_new) skn_index_domain(cx, address, true);
    return cx->rc;
}

enum skn_rc
skn_mail_put_answer(struct skn_cx *cx, struct skn_slice address, struct skn_slice message)
{
    bool is_new = false;
    struct skn_met *met = is_own(cx, address) ? NULL : skn_cx_meet(cx, address, &is_new);
    if (cx->rc != SKN_OK) return cx->rc;
    struct skn_meta_row *meta = met ? &met->known.row : &cx->meta;
    if (is_new || meta->removal != SKN_REMOVE_NOT) return cx->rc;
    put_in_lane(cx, met, address, (enum skn_priority)SKN_LANE_ANSWERS, message);
    return cx->rc;
}

static bool seal_payload(struct skn_cx *cx, struct skn_slice address, struct skn_message *message)
{
    uint32_t limit = cx->core->limits.message_bytes;
    if (!skn_program_find(cx->core, address)->takes_secrets) {
        (void)skn_cx_fault(cx, SKN_EARGS, "the receiver takes no secrets");
        return false;
    }
    if (!skn_secret_seal_message(cx, address, message)) return false;
    if (skn_value_size(message->payload) < limit) return true;
    (void)skn_cx_over(cx, SKN_ETOOLARGE, "a sealed message is too large", "message_bytes", limit);
    return false;
}

void skn_mail_refuse_own(struct skn_cx *cx, struct skn_slice address)
{
    if (skn_limiter_is(address)) /* a place belongs to an intent */
        (void)skn_cx_fault(cx, SKN_EPERM, "limiters are asked by intents only");
    if (skn_blob_is(address)) /* a reference belongs to a row */
        (void)skn_cx_fault(cx, SKN_EPERM, "blobs are counted by the rows that name them only");
}

void skn_cx_send(struct skn_cx *cx,
                 struct skn_slice address,
                 enum skn_priority priority,
                 struct skn_slice name,
                 struct skn_value payload)
{
    skn_mail_refuse_own(cx, address);
    skn_mail_send(cx, address, priority, name, payload);
}

void skn_mail_pass(struct skn_cx *cx, struct skn_slice address, const struct skn_message *message)
{
    uint32_t to = skn_shard_of(address, cx->core->mail.shards);
    bool leaves = to != cx->core->shard;
    skn_buf_reset(&cx->row);
    if (leaves) skn_buf_put_block(&cx->row, address);
    skn_message_encode(message, &cx->row);
    /* Names and addresses have limits, so the row has room whether it leaves or not. */
    SKN_ASSERT(cx->row.len <= SKN_VALUE_MAX);
    if (!leaves) {
        (void)skn_mail_put(
            cx, address, message->priority, message->sender, skn_buf_slice(&cx->row));
    } else if (may_wait(cx, address, true)) {
        (void)skn_cx_charge(cx, SKN_GAS_MESSAGE);
        skn_stream_put(cx, to, message->priority, skn_buf_slice(&cx->row));
    }
}

void skn_mail_send(struct skn_cx *cx,
                   struct skn_slice address,
                   enum skn_priority priority,
                   struct skn_slice name,
                   struct skn_value payload)
{
    struct skn_message message = {
        .kind = SKN_MESSAGE_SEND, .priority = priority, .name = name, .payload = payload};
    skn_mail_post(cx, address, &message);
}

void skn_mail_post(struct skn_cx *cx, struct skn_slice address, struct skn_message *message)
{
    SKN_ASSERT(message->priority < SKN_PRIORITIES);
    if (cx->rc != SKN_OK) return;
    if (!skn_program_find(cx->core, address)) {
        (void)skn_cx_fault(cx, SKN_ENOTREGISTERED, "no program has the type of the receiver");
        return;
    }
    uint32_t limit = cx->core->limits.message_bytes;
    if (skn_value_size(message->payload) > limit) {
        (void)skn_cx_over(cx, SKN_ETOOLARGE, "a message is too large", "message_bytes", limit);
        return;
    }
    if (message->name.len > SKN_NAME_MAX) {
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "the name of a message is over 1024 bytes");
        return;
    }
    message->stamp = cx->stamp;
    message->sender = skn_cx_address(cx);
    if (skn_value_has_secret(message->payload) && !seal_payload(cx, address, message)) return;
    skn_mail_pass(cx, address, message);
}

/* --- places for answers [E30] ---------------------------------------------------------------------------- */

bool skn_mail_reserve(struct skn_cx *cx)
{
    uint32_t limit = cx->core->limits.answers;
    if (cx->meta.answers >= limit) {
        (void)skn_cx_over(
            cx, SKN_EFULL, "the domain has too many timers and intents", "answers", limit);
        return false;
    }
    cx->meta.answers++;
    cx->meta_changed = true;
    return true;
}

void skn_mail_unreserve(struct skn_cx *cx)
{
    SKN_ASSERT(cx->rc != SKN_OK || cx->meta.answers > 0);
    cx->meta.answers--;
    cx->meta_changed = true;
}

/* --- the end of a slice -------------------------------------------------------------------------------- */

/* The first that waits for this lane comes in [E30]. */
static void take_waiting(struct skn_cx *cx, enum skn_priority lane)
{
    struct skn_slice address = skn_dom_address(cx->dom), sender = {0};
    struct skn_row row;
    skn_key_waiting_lane(&cx->key, address, lane);
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    enum skn_rc rc = skn_raw_next(cx, prefix, prefix, &row);
    if (rc == SKN_ENOENT || (rc == SKN_OK && skn_message_sender(row.value, &sender) != SKN_OK))
        cx->rc = SKN_CORRUPT(
            &cx->diag, "what waits for %.*s is not what its row says", SKN_FMT(address));
    if (cx->rc != SKN_OK) return;
    struct skn_slice key = skn_arena_dup(&cx->arena, row.key);
    sender = skn_arena_dup(&cx->arena, sender);
    size_t bytes = row.value.len;
    (void)add_to_lane(cx, &cx->boxes[lane], address, lane, row.value);
    skn_raw_delete(cx, key);
    cx->meta.waiting[lane]--;
    cx->meta_changed = true;
    skn_mail_count_off(cx, sender, bytes);
}

/* The row by which an opening finds a domain for which the core has something to do. */
static void mark_busy(struct skn_cx *cx)
{
    uint8_t busy = skn_meta_busy(&cx->meta);
    if (busy == cx->was_busy) return;
    skn_key_busy(&cx->key, skn_dom_address(cx->dom));
    if (busy)
        skn_raw_put(cx, skn_key_slice(&cx->key), skn_slice(&busy, 1));
    else
        skn_raw_delete(cx, skn_key_slice(&cx->key));
}

void skn_mail_finish(struct skn_cx *cx)
{
    SKN_ASSERT(!cx->is_bounded); /* the core's own part takes nothing from the program's budget */
    uint64_t waiting = 0;
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
        if (cx->meta.waiting[lane] == 0) continue;
        for (int i = 0; i < REFILL_AT_ONCE && cx->rc == SKN_OK; i++) {
            bool has_room = cx->boxes[lane].count < cx->core->limits.mailbox_messages &&
                            cx->meta.removal == SKN_REMOVE_NOT;
            if (!has_room || cx->meta.waiting[lane] == 0) break;
            take_waiting(cx, (enum skn_priority)lane);
        }
        waiting += cx->meta.waiting[lane];
    }
    /* The mark is there while others may count by it, so it says whether they must be told. */
    struct skn_slice address = skn_dom_address(cx->dom);
    bool is_faulted = cx->meta.is_faulted;
    bool tells = is_faulted != cx->was_faulted && (waiting > 0 || !is_faulted);
    if (tells && skn_mail_mark_faulted(cx, address, is_faulted))
        skn_stream_tell_faulted(cx, address, is_faulted);
    skn_stream_put_notes(cx);
    mark_busy(cx);
}
