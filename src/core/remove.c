/* remove.c - the end of a domain: nothing of it is left, and what comes meanwhile meets a fresh one
 * [E14].
 *
 *   (none) --begin--> CANCEL --all asked--> WAIT --all ended, all sent--> ROWS --none left--> (none)
 *
 * From the batch that begins it on nobody sees a row of the domain, requests that wait are answered
 * GONE, and messages that come wait, whatever room there is. CANCEL asks for the end of its intents and
 * calls;
 * WAIT is for their results, which no program sees, and until its messages to other shards have
 * arrived. ROWS removes the rest, at most 1,000 rows and 4 MiB a batch. Where it stands is in the
 * domain's row, so an opening goes on with it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "base/mem.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/index_internal.h"
#include "core/limiter_internal.h"
#include "core/look.h"

#include "base/pure.h"

enum { ROWS_AT_ONCE = 1000, BYTES_AT_ONCE = 4 << 20, CANCELS_AT_ONCE = 256 };

/* What one batch may still remove. */
struct budget {
    int rows;
    size_t bytes;
};

static bool spend(struct budget *budget, const struct skn_row *row)
{
    budget->rows--;
    budget->bytes -= row->value.len < budget->bytes ? row->value.len : budget->bytes;
    return budget->rows > 0 && budget->bytes > 0;
}

/* --- answering ----------------------------------------------------------------------------------- */

/* `text` is NULL for the code's own. */
static void
reply_to(struct skn_cx *cx, const struct skn_input *input, enum skn_rc rc, const char *text)
{
    static const uint8_t none = SKN_T_NONE;
    const struct skn_output output = {
        .kind = SKN_OUTPUT_REPLY,
        .address = skn_dom_address(cx->dom),
        .number = input->request,
        .rc = rc,
        .name = rc == SKN_OK ? (struct skn_slice){0}
                             : skn_slice_str(text ? text : skn_rc_info(rc)->text),
        .value = skn_slice(&none, 1)};
    skn_cx_emit(cx, &output);
}

/* Answers all of a list; they are freed when the batch is committed. */
static void
reply_all(struct skn_cx *cx, const struct skn_list *list, enum skn_rc rc, const char *text)
{
    SKN_LIST_FOREACH (link, list)
        reply_to(cx, SKN_CONTAINER_OF(link, struct skn_input, link), rc, text);
}

static void free_all(struct skn_core *core, struct skn_dom *dom, struct skn_list *list)
{
    struct skn_list *link;
    while ((link = skn_list_pop_front(list))) {
        struct skn_input *input = SKN_CONTAINER_OF(link, struct skn_input, link);
        if (skn_message_is_asked(input->message.kind)) core->inputs--;
        if (input->message.kind == SKN_MESSAGE_TIMER) {
            core->timers.queued--;
            dom->timers--;
        }
        skn_input_free(input);
    }
}

/* --- the states ------------------------------------------------------------------------------------ */

static void begin(struct skn_cx *cx)
{
    struct skn_meta_row *meta = &cx->meta;
    if (cx->is_new) {
        reply_all(cx, &cx->dom->removals, SKN_ENOENT, NULL);
        cx->removal = SKN_REMOVAL_REFUSED;
        return;
    }
    if (cx->dom->program == &skn_limiter_program) { /* others wait for what it would forget */
        reply_all(cx,
                  &cx->dom->removals,
                  SKN_EPERM,
                  "a limiter is not removed: it goes by itself an hour after its last place was "
                  "given back; end or remove those that hold one");
        cx->removal = SKN_REMOVAL_REFUSED;
        return;
    }
    if (skn_blob_is(skn_dom_address(cx->dom))) { /* rows name what it counts */
        reply_all(
            cx,
            &cx->dom->removals,
            SKN_EPERM,
            "a blob is not removed: it goes by itself a day after the last row that names it; "
            "`skein blob rm` ends what `skein blob put` asked for");
        cx->removal = SKN_REMOVAL_REFUSED;
        return;
    }
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++)
        reply_all(cx, &cx->dom->requests[lane], SKN_EGONE, NULL);
    meta->removal = SKN_REMOVE_CANCEL;
    meta->removed_at = cx->stamp;
    meta->removal_at = 0;
    /* What waits for it counts again. */
    meta->is_faulted = false;
    meta->is_closing = false;
    meta->again_from = meta->again_to = 0;
    cx->meta_changed = true;
    cx->removal = SKN_REMOVAL_BEGUN;
}

/* Who keeps a call of it need not go on with it. */
static void cancel_calls(struct skn_cx *cx, int most)
{
    skn_key_calls(&cx->key, skn_dom_address(cx->dom));
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    for (int i = 0; i < most; i++) {
        struct skn_row row;
        enum skn_rc rc = skn_raw_next(cx, prefix, prefix, &row);
        if (rc == SKN_ENOENT) cx->meta.removal = SKN_REMOVE_WAIT;
        if (rc != SKN_OK) return;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(row.key, prefix.len));
        (void)skn_cx_call_cancel(cx, skn_cursor_be(&cursor, 8));
    }
}

/* Asks for the end of every intent, and of every call behind them, from the number on where the last batch stopped. */
static void cancel_some(struct skn_cx *cx)
{
    struct skn_slice address = skn_dom_address(cx->dom);
    skn_key_intents(&cx->key, address);
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    cx->meta_changed = true;
    for (int i = 0; i < CANCELS_AT_ONCE; i++) {
        struct skn_row row;
        skn_key_intent(&cx->key, address, cx->meta.removal_at);
        enum skn_rc rc = skn_raw_next(cx, prefix, skn_key_slice(&cx->key), &row);
        if (rc == SKN_ENOENT) cancel_calls(cx, CANCELS_AT_ONCE - i);
        if (rc != SKN_OK) return;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(row.key, prefix.len));
        uint64_t number = skn_cursor_be(&cursor, 8);
        (void)skn_cx_intent_cancel(cx, number, SKN_CANCEL);
        cx->meta.removal_at = number + 1;
    }
}

static bool has_any(struct skn_cx *cx, struct skn_slice prefix)
{
    struct skn_row row;
    return skn_raw_next(cx, prefix, prefix, &row) == SKN_OK;
}

static void wait(struct skn_cx *cx)
{
    struct skn_slice address = skn_dom_address(cx->dom);
    skn_key_intents(&cx->key, address);
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    if (has_any(cx, prefix) || skn_outbox_is_owed(cx->core, address)) {
        cx->removal = SKN_REMOVAL_WAITS;
        return;
    }
    cx->meta.removal = SKN_REMOVE_ROWS;
    cx->meta_changed = true;
}

/* What is done with a row before it goes. False: this one stays, and all behind it. */
typedef bool before_fn(struct skn_cx *cx, const struct skn_row *row);

/* Removes rows under a prefix, from a key on; true when there is no more that goes. */
static bool remove_rows(struct skn_cx *cx,
                        struct skn_slice prefix,
                        struct skn_slice from,
                        struct budget *budget,
                        before_fn *before)
{
    struct skn_row row;
    enum skn_rc rc;
    while ((rc = skn_raw_next(cx, prefix, from, &row)) == SKN_OK) {
        /* With a zero byte behind it, it is the next key. */
        uint8_t *next = skn_arena_alloc(&cx->arena, row.key.len + 1);
        memcpy(next, row.key.ptr, row.key.len);
        next[row.key.len] = 0;
        const struct skn_row copy = {.key = skn_slice(next, row.key.len), .value = row.value};
        if (before && !before(cx, &copy)) return cx->rc == SKN_OK;
        skn_raw_delete(cx, copy.key);
        if (cx->rc != SKN_OK || !spend(budget, &copy)) return false;
        from = skn_slice(next, row.key.len + 1);
    }
    return rc == SKN_ENOENT;
}

/* Who waits for its answer hears that there is none. */
static bool answer_gone(struct skn_cx *cx, struct skn_slice bytes)
{
    struct skn_message message;
    enum skn_rc rc = skn_message_decode(bytes, &message, &cx->diag);
    if (rc != SKN_OK) cx->rc = rc;
    if (rc == SKN_OK && message.kind == SKN_MESSAGE_CALL)
        skn_call_answer(
            cx, &message, SKN_EGONE, skn_slice_str(skn_rc_info(SKN_EGONE)->text), skn_value_none());
    return cx->rc == SKN_OK;
}

static bool before_mail(struct skn_cx *cx, const struct skn_row *row)
{
    struct skn_key_info info;
    skn_key_read(row->key, &info);
    if (info.kind != SKN_KEY_MAIL || cx->boxes[info.lane].count == 0) {
        cx->rc = SKN_CORRUPT(&cx->diag, "a mailbox has a row with a malformed key");
        return false;
    }
    skn_box_take(&cx->boxes[info.lane]);
    return answer_gone(cx, row->value);
}

static bool before_waiting(struct skn_cx *cx, const struct skn_row *row)
{
    struct skn_slice rest = {0}, address = {0}, sender = {0};
    enum skn_rc rc = skn_key_split(row->key, &address, &rest, &cx->diag);
    struct skn_cursor cursor = skn_cursor(rest);
    unsigned lane = skn_cursor_u8(&cursor);
    uint64_t stamp = skn_cursor_be(&cursor, 8);
    if (rc == SKN_OK) rc = skn_message_sender(row->value, &sender);
    if (rc == SKN_OK && (cursor.bad || lane >= SKN_PRIORITIES || cx->meta.waiting[lane] == 0))
        rc = SKN_CORRUPT(&cx->diag, "a message that waits has a malformed key");
    if (rc != SKN_OK) cx->rc = rc;
    /* It came meanwhile. */
    if (rc != SKN_OK || stamp > cx->meta.removed_at) return false;
    cx->meta.waiting[lane]--;
    skn_mail_count_off(cx, sender, row->value.len);
    return answer_gone(cx, row->value);
}

static bool before_timer(struct skn_cx *cx, const struct skn_row *row)
{
    struct skn_timer_row timer;
    enum skn_rc rc = skn_timer_decode(row->value, &timer, &cx->diag);
    if (rc != SKN_OK) {
        cx->rc = rc;
        return false;
    }
    struct skn_cursor cursor = skn_cursor(skn_slice_from(row->key, row->key.len - 8));
    uint64_t number = skn_cursor_be(&cursor, 8);
    skn_key_timer_index(&cx->key, timer.due_stamp, number, skn_dom_address(cx->dom));
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    return true;
}

static bool before_kept(struct skn_cx *cx, const struct skn_row *row)
{
    skn_kept_gone(cx, row->value);
    return cx->rc == SKN_OK;
}

static bool before_answer(struct skn_cx *cx, const struct skn_row *row)
{
    skn_request_forget(cx, row);
    return cx->rc == SKN_OK;
}

/* The program's own row, and with it what its declared indexes have of it. */
static bool before_own(struct skn_cx *cx, const struct skn_row *row)
{
    skn_key_own(&cx->key, skn_dom_address(cx->dom), (struct skn_slice){0});
    skn_index_own(cx, skn_slice_from(row->key, cx->key.len), &row->value, NULL);
    return cx->rc == SKN_OK;
}

/* Index rows go in the batch of the row that they are of: who looks in between, as `skein verify` does,
 * finds neither without the other. */
static bool remove_indexed_rows(struct skn_cx *cx, struct budget *budget)
{
    if (!cx->dom->program->indexes) return true;
    skn_key_own(&cx->key, skn_dom_address(cx->dom), (struct skn_slice){0});
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    return remove_rows(cx, prefix, prefix, budget, before_own);
}

/* Its own row, the first of them, goes last: it says where the removal stands. */
static bool remove_domain_rows(struct skn_cx *cx, struct budget *budget)
{
    if (!remove_indexed_rows(cx, budget)) return false;
    skn_key_meta(&cx->key, skn_dom_address(cx->dom));
    cx->key.bytes[cx->key.len++] = 0;
    struct skn_slice from = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    return remove_rows(cx, skn_slice(from.ptr, from.len - 2), from, budget, NULL);
}

static bool remove_waiting(struct skn_cx *cx, struct budget *budget)
{
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
        skn_key_waiting_lane(&cx->key, skn_dom_address(cx->dom), (enum skn_priority)lane);
        struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
        if (!remove_rows(cx, prefix, prefix, budget, before_waiting)) return false;
    }
    return true;
}

static bool remove_some(struct skn_cx *cx)
{
    struct budget budget = {.rows = ROWS_AT_ONCE, .bytes = BYTES_AT_ONCE};
    struct skn_slice address = skn_dom_address(cx->dom);
    static const struct {
        void (*key)(struct skn_key *key, struct skn_slice address);
        before_fn *before;
    } kinds[] = {{skn_key_mailbox, before_mail},
                 {skn_key_timers, before_timer},
                 {skn_key_requests, before_answer},
                 {skn_key_kept_all, before_kept}};
    cx->meta_changed = true;
    for (size_t i = 0; i < SKN_ARRAY_LEN(kinds); i++) {
        kinds[i].key(&cx->key, address);
        struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
        if (!remove_rows(cx, prefix, prefix, &budget, kinds[i].before)) return false;
    }
    return remove_waiting(cx, &budget) && remove_domain_rows(cx, &budget);
}

/* Nothing is left but what came meanwhile: that finds a fresh domain, or there is none. */
static void finish(struct skn_cx *cx)
{
    struct skn_meta_row fresh = {0};
    uint64_t waiting = 0;
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
        fresh.waiting[lane] = cx->meta.waiting[lane];
        waiting += fresh.waiting[lane];
    }
    cx->meta = fresh;
    cx->is_gone = waiting == 0;
    cx->removal = SKN_REMOVAL_ENDED;
    reply_all(cx, &cx->dom->removals, SKN_OK, NULL);
}

void skn_remove_step(struct skn_cx *cx)
{
    switch (cx->meta.removal) {
    case SKN_REMOVE_NOT: begin(cx); break;
    case SKN_REMOVE_CANCEL: cancel_some(cx); break;
    case SKN_REMOVE_WAIT: wait(cx); break;
    case SKN_REMOVE_ROWS:
        if (remove_some(cx) && cx->rc == SKN_OK) finish(cx);
        break;
    }
}

/* --- around it ---------------------------------------------------------------------------------------- */

bool skn_remove_wants(const struct skn_dom *dom)
{
    return dom->is_removing || !skn_list_is_empty(&dom->removals);
}

bool skn_remove_is_ready(const struct skn_dom *dom)
{
    return !dom->removal_waits || !skn_list_is_empty(&dom->answers);
}

enum skn_rc skn_remove_choose(struct skn_dom *dom, struct skn_work *work)
{
    struct skn_list *first = dom->is_removing ? skn_list_first(&dom->answers) : NULL;
    if (!first && dom->removal_waits) return SKN_ENOENT;
    work->message = (struct skn_message){
        .kind = SKN_MESSAGE_REMOVE, .priority = SKN_PRIORITY_NORMAL, .payload = skn_value_none()};
    if (!first) return SKN_OK;
    work->input = SKN_CONTAINER_OF(first, struct skn_input, link);
    work->message = work->input->message;
    return SKN_OK;
}

void skn_remove_committed(struct skn_core *core, struct skn_dom *dom, const struct skn_cx *cx)
{
    bool was_asked = cx->message->kind == SKN_MESSAGE_REMOVE;
    dom->removal_waits = was_asked && cx->removal == SKN_REMOVAL_WAITS;
    if (!was_asked) return;
    if (cx->removal == SKN_REMOVAL_REFUSED || cx->removal == SKN_REMOVAL_ENDED)
        free_all(core, dom, &dom->removals);
    for (unsigned lane = 0; lane < SKN_PRIORITIES && cx->removal == SKN_REMOVAL_BEGUN; lane++)
        free_all(core, dom, &dom->requests[lane]);
    if (cx->removal == SKN_REMOVAL_ENDED)
        free_all(core, dom, &dom->answers); /* about timers that were there before */
}

void skn_remove_wake(struct skn_core *core, struct skn_slice address)
{
    struct skn_dom *dom = skn_dom_find(core, address);
    if (!dom || !dom->removal_waits) return;
    dom->removal_waits = false;
    if (dom != core->cx[0].dom) skn_dom_settle(core, dom);
}

struct skn_input *skn_input_of_remove(const struct skn_remove *remove)
{
    static const struct skn_slice none;
    const struct skn_message message = {
        .kind = SKN_MESSAGE_REMOVE, .priority = SKN_PRIORITY_NORMAL, .payload = skn_value_none()};
    return skn_input_create(&message, remove->number, remove->address, none, none);
}

void skn_core_remove(struct skn_core *core, const struct skn_remove *remove)
{
    skn_core_put(core, skn_input_of_remove(remove));
}
