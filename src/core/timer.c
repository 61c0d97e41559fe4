/* timer.c - durable timers: a row at the domain, an index row in order of their due time; and in
 * memory those of the next minute. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/core_internal.h"
#include "core/gas.h"

enum {
    FIRE_AT_ONCE = 1000,   /* timers queued per turn, so that a flood does not stall the rest */
    QUEUED_MAX = 4096,     /* that wait at their domains; what is due beyond waits in its row */
    PAGE = 256,            /* index rows read per turn */
    PAGES_AT_ONCE = 8,     /* when all that they have is held */
    AHEAD_MS = 60000,      /* of which timers are in memory */
    READ_AGAIN_MS = 30000, /* when no more than this is left of it */
    INDEX_HEAD = SKN_SHARD_HEAD + 16, /* bytes of an index key before the address */
};

uint64_t skn_timer_add(struct skn_cx *cx, struct skn_timer_row *timer)
{
    /* Later than this slice: so it is behind every timer that was queued already. */
    if (timer->due_stamp <= cx->stamp) timer->due_stamp = cx->stamp + 1;
    /* That of a retry fires for its intent, which has a place. */
    if (timer->kind == SKN_TIMER_PROGRAM && !skn_mail_reserve(cx)) return 0;
    uint64_t number = cx->meta.next_timer++;
    cx->meta_changed = true;
    (void)skn_cx_charge(cx, SKN_GAS_TIMER);
    skn_buf_reset(&cx->row);
    skn_timer_encode(timer, &cx->row);
    skn_key_timer(&cx->key, skn_cx_address(cx), number);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
    skn_key_timer_index(&cx->key, timer->due_stamp, number, skn_cx_address(cx));
    skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
    return number;
}

uint64_t skn_cx_timer_set(struct skn_cx *cx, uint64_t due_ms, struct skn_slice tag)
{
    if (tag.len > SKN_TAG_MAX) (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a tag is over 3072 bytes");
    if (cx->rc != SKN_OK) return 0;
    struct skn_timer_row timer = {
        .kind = SKN_TIMER_PROGRAM, .due_stamp = skn_hlc_at(due_ms), .tag = tag};
    return skn_timer_add(cx, &timer);
}

/* The timer's row, and both rows gone. */
static enum skn_rc take(struct skn_cx *cx, uint64_t number, struct skn_timer_row *out)
{
    struct skn_slice bytes;
    skn_key_timer(&cx->key, skn_cx_address(cx), number);
    enum skn_rc rc = skn_raw_get(cx, skn_key_slice(&cx->key), &bytes);
    if (rc != SKN_OK) return rc;
    rc = skn_timer_decode(bytes, out, &cx->diag);
    if (rc != SKN_OK) return cx->rc = rc;
    out->tag = skn_arena_dup(&cx->arena, out->tag);
    if (skn_bug(SKN_BUG_TIMER_TWICE)) return cx->rc;
    if (out->kind == SKN_TIMER_PROGRAM) skn_mail_unreserve(cx);
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    skn_key_timer_index(&cx->key, out->due_stamp, number, skn_cx_address(cx));
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    return cx->rc;
}

void skn_cx_timer_cancel(struct skn_cx *cx, uint64_t number)
{
    struct skn_timer_row timer;
    enum skn_rc rc = take(cx, number, &timer);
    (void)rc; /* no such timer is fine, everything else has stuck */
}

enum skn_take skn_timer_take(struct skn_cx *cx, struct skn_message *message)
{
    struct skn_timer_row timer;
    if (take(cx, message->number, &timer) != SKN_OK) return SKN_TAKE_DROP;
    if (timer.kind == SKN_TIMER_RETRY) return skn_intent_again(cx, timer.intent, message);
    message->tag = timer.tag;
    return SKN_TAKE_GIVE;
}

/* --- the timers of the next minute ---------------------------------------------------------------- */

/* A timer in memory: its index key. */
struct soon {
    struct skn_omap_node node;
    uint8_t key[];
};

static struct soon *first_soon(const struct skn_timers *timers)
{
    struct skn_omap_node *node = skn_omap_first(&timers->soon);
    return node ? SKN_CONTAINER_OF(node, struct soon, node) : NULL;
}

static void forget(struct skn_timers *timers, struct soon *soon)
{
    skn_omap_remove(&timers->soon, &soon->node);
    skn_free(soon);
}

static void forget_all(struct skn_timers *timers)
{
    struct skn_omap_node *node;
    while ((node = skn_omap_drain(&timers->soon)))
        skn_free(SKN_CONTAINER_OF(node, struct soon, node));
}

static uint64_t due_of(struct skn_slice index_key)
{
    struct skn_cursor cursor = skn_cursor(skn_slice_from(index_key, SKN_SHARD_HEAD));
    return skn_cursor_be(&cursor, 8);
}

static void set_key(struct skn_key *key, struct skn_slice bytes)
{
    key->len = bytes.len;
    memcpy(key->bytes, bytes.ptr, bytes.len);
}

/* Beyond the bound the last one goes, and is read again when its time comes nearer. */
static void remember(struct skn_timers *timers, struct skn_slice index_key)
{
    struct soon *soon = skn_alloc_zero(1, sizeof *soon + index_key.len);
    memcpy(soon->key, index_key.ptr, index_key.len);
    soon->node.key = skn_slice(soon->key, index_key.len);
    if (skn_omap_insert(&timers->soon, &soon->node)) {
        skn_free(soon);
        return;
    }
    if (skn_omap_count(&timers->soon) <= SKN_TIMERS_SOON_MAX) return;
    struct soon *last = SKN_CONTAINER_OF(skn_omap_last(&timers->soon), struct soon, node);
    set_key(&timers->until, last->node.key);
    forget(timers, last);
}

void skn_timers_init(struct skn_timers *timers)
{
    *timers = (struct skn_timers){0};
    skn_omap_init(&timers->soon);
    skn_key_shard(&timers->until, SKN_SHARD_TIMERS);
}

void skn_timers_fini(struct skn_timers *timers)
{
    forget_all(timers);
}

void skn_timers_read_again(struct skn_core *core)
{
    forget_all(&core->timers);
    skn_key_shard(&core->timers.until, SKN_SHARD_TIMERS);
}

void skn_timers_committed(struct skn_core *core, const struct skn_cx *cx)
{
    struct skn_timers *timers = &core->timers;
    struct skn_key from;
    skn_key_shard(&from, SKN_SHARD_TIMERS);
    struct skn_omap_node *node = skn_omap_lower_bound(&cx->overlay, skn_key_slice(&from));
    for (; node && skn_slice_has_prefix(node->key, skn_key_slice(&from));
         node = skn_omap_next(node)) {
        struct skn_omap_node *known = skn_omap_find(&timers->soon, node->key);
        bool is_delete = SKN_CONTAINER_OF(node, struct skn_change, node)->is_delete;
        if (is_delete && known)
            forget(timers, SKN_CONTAINER_OF(known, struct soon, node));
        else if (!is_delete && skn_slice_cmp(node->key, skn_key_slice(&timers->until)) < 0)
            remember(timers, node->key);
    }
}

/* Reads on, until a minute ahead or until there is no more room, a page in each turn. A timer of a
 * domain that no program knows is an error here, a minute before it would be due. */
static enum skn_rc read_on(struct skn_core *core, uint64_t now_ms, struct skn_diag *diag)
{
    struct skn_timers *timers = &core->timers;
    bool has_begun = timers->until.len > SKN_SHARD_HEAD;
    if (has_begun && skn_hlc_ms(due_of(skn_key_slice(&timers->until))) > now_ms + READ_AGAIN_MS)
        return SKN_OK;
    if (skn_omap_count(&timers->soon) > SKN_TIMERS_SOON_MAX / 2) return SKN_OK;
    struct skn_key end;
    skn_key_timer_index(&end, skn_hlc_at(now_ms + AHEAD_MS), 0, (struct skn_slice){0});
    struct skn_row rows[PAGE];
    size_t count;
    enum skn_rc rc = skn_store_scan(
        core->store, skn_key_slice(&timers->until), skn_key_slice(&end), rows, PAGE, &count, diag);
    if (rc != SKN_OK) return rc;
    for (size_t i = 0; i < count; i++) {
        struct skn_slice key = rows[i].key;
        if (key.len <= INDEX_HEAD) return SKN_CORRUPT(diag, "a timer has a malformed key");
        struct skn_slice address = skn_slice_from(key, INDEX_HEAD);
        if (!skn_program_find(core, address))
            return SKN_FAIL(diag,
                            SKN_ENEWER,
                            "no program of this version knows the domain %.*s",
                            SKN_FMT(address));
        set_key(&timers->until, key);
        timers->until.bytes[timers->until.len++] = 0; /* behind this one */
        remember(timers, key);
    }
    if (count < PAGE) timers->until = end;
    return SKN_OK;
}

/* Queued already, and not handled: it was read again since. */
static bool is_queued(const struct skn_dom *dom, uint64_t due, uint64_t number)
{
    if (!dom || dom->timers == 0) return false;
    return due < dom->timer_due || (due == dom->timer_due && number <= dom->timer_number);
}

static void queue(struct skn_core *core, struct skn_slice address, uint64_t due, uint64_t number)
{
    struct skn_message message = {
        .kind = SKN_MESSAGE_TIMER, .priority = SKN_PRIORITY_NORMAL, .stamp = due, .number = number};
    struct skn_dom *dom = skn_dom_get(core, address);
    dom->is_unsure = false;
    dom->timers++;
    dom->timer_due = due;
    dom->timer_number = number;
    core->timers.queued++;
    core->counts.timers_fired++;
    skn_dom_queue(core, dom, skn_input_own(&message));
}

/* The first one in memory goes: to its domain, unless that is held. Then it comes back when the
 * domain is taken up, and until then nothing is kept of it but its row. */
static enum skn_rc fire(struct skn_core *core, struct soon *soon, struct skn_diag *diag)
{
    struct skn_slice address = skn_slice_from(soon->node.key, INDEX_HEAD);
    struct skn_cursor cursor = skn_cursor(skn_slice_from(soon->node.key, SKN_SHARD_HEAD));
    uint64_t due = skn_cursor_be(&cursor, 8), number = skn_cursor_be(&cursor, 8);
    bool is_held;
    enum skn_rc rc = skn_hold_of(core, address, &is_held, diag);
    if (rc != SKN_OK) return rc;
    if (!is_held && !is_queued(skn_dom_find(core, address), due, number))
        queue(core, address, due, number);
    forget(&core->timers, soon);
    return SKN_OK;
}

enum skn_rc skn_timers_fire(struct skn_core *core, uint64_t now_ms, struct skn_diag *diag)
{
    struct skn_timers *timers = &core->timers;
    uint64_t now = skn_hlc_at(now_ms + (skn_bug(SKN_BUG_TIMER_EARLY) ? 500 : 0));
    for (int pages = 0, fired = 0; pages < PAGES_AT_ONCE && fired < FIRE_AT_ONCE; pages++) {
        enum skn_rc rc = read_on(core, now_ms, diag), first_rc = rc;
        if (rc != SKN_OK && rc != SKN_ELATER) return rc;
        while (fired < FIRE_AT_ONCE && timers->queued < QUEUED_MAX) {
            struct soon *soon = first_soon(timers);
            if (!soon || due_of(soon->node.key) > now) break;
            if ((rc = fire(core, soon, diag)) != SKN_OK) return rc;
            fired++;
        }
        bool has_more =
            timers->until.len > SKN_SHARD_HEAD && due_of(skn_key_slice(&timers->until)) <= now;
        if (first_rc != SKN_OK || !has_more || timers->queued > 0) return first_rc;
    }
    return SKN_OK;
}

void skn_timers_come_back(struct skn_core *core, struct skn_slice address)
{
    struct skn_timers *timers = &core->timers;
    struct skn_key from, end, index;
    skn_key_timers(&from, address);
    end = from;
    skn_key_end(&end);
    struct skn_row rows[PAGE];
    size_t count;
    enum skn_rc rc = skn_store_scan(
        core->store, skn_key_slice(&from), skn_key_slice(&end), rows, PAGE, &count, NULL);
    for (size_t i = 0; rc == SKN_OK && i < count; i++) {
        struct skn_timer_row timer;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(rows[i].key, from.len));
        rc = skn_timer_decode(rows[i].value, &timer, NULL);
        if (rc != SKN_OK) break;
        skn_key_timer_index(&index, timer.due_stamp, skn_cursor_be(&cursor, 8), address);
        if (skn_slice_cmp(skn_key_slice(&index), skn_key_slice(&timers->until)) < 0)
            remember(timers, skn_key_slice(&index));
    }
    /* Too many, or not here yet, or damaged: reading the index again finds them, or says so. */
    if (rc != SKN_OK || count == PAGE) skn_timers_read_again(core);
}

uint64_t skn_timers_due_ms(struct skn_core *core)
{
    struct skn_timers *timers = &core->timers;
    struct soon *soon = first_soon(timers);
    uint64_t due = soon ? due_of(soon->node.key) : 0;
    if (!soon) {
        struct skn_key end;
        struct skn_row row;
        size_t count;
        skn_key_shard(&end, SKN_SHARD_TIMERS);
        skn_key_end(&end);
        enum skn_rc rc = skn_store_scan(
            core->store, skn_key_slice(&timers->until), skn_key_slice(&end), &row, 1, &count, NULL);
        /* Not known yet: none is due before the place to read on from. */
        if (rc != SKN_OK && timers->until.len <= SKN_SHARD_HEAD) return core->now_ms;
        if (rc == SKN_OK && count == 0) return UINT64_MAX;
        due = due_of(rc == SKN_OK ? row.key : skn_key_slice(&timers->until));
    }
    /* The first millisecond whose stamp has reached it. */
    return skn_hlc_ms(due) + (skn_hlc_counter(due) > 0);
}

uint64_t skn_core_next_due_ms(struct skn_core *core)
{
    uint64_t timers_ms = skn_timers_due_ms(core), stream_ms = skn_stream_due_ms(core);
    uint64_t reseal_ms = skn_reseal_due_ms(core);
    if (skn_requests_are_swept(core)) return core->now_ms;
    if (reseal_ms < timers_ms) timers_ms = reseal_ms;
    return timers_ms < stream_ms ? timers_ms : stream_ms;
}
