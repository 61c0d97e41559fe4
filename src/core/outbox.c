/* outbox.c - who has how much waiting at others, and who rests for it [E32] [E33]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "base/mem.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/limiter_internal.h"

#include "base/pure.h"

/* --- entries -------------------------------------------------------------------------------------- */

static struct skn_sender *find_sender(const struct skn_mail *mail, struct skn_slice address)
{
    return skn_hmap_get(&mail->senders, address);
}

static struct skn_target *target_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct skn_target, node) : NULL;
}

static struct skn_wait *wait_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct skn_wait, node) : NULL;
}

static struct skn_sender *get_sender(struct skn_mail *mail, struct skn_slice address)
{
    struct skn_sender *sender = find_sender(mail, address);
    if (!sender) {
        sender = skn_alloc_zero(1, sizeof *sender + address.len);
        memcpy(sender->bytes_of_address, address.ptr, address.len);
        sender->address = skn_slice(sender->bytes_of_address, address.len);
        skn_hmap_add(&mail->senders, sender->address, NULL)->value = sender;
    }
    sender->refs++;
    return sender;
}

static struct skn_target *get_target(struct skn_mail *mail, struct skn_slice address)
{
    struct skn_target *target = target_of(skn_omap_find(&mail->targets, address));
    if (!target) {
        target = skn_alloc_zero(1, sizeof *target + address.len);
        memcpy(target->address, address.ptr, address.len);
        target->node.key = skn_slice(target->address, address.len);
        SKN_ASSERT(!skn_omap_insert(&mail->targets, &target->node));
    }
    target->refs++;
    return target;
}

static void unref_target(struct skn_mail *mail, struct skn_target *target)
{
    if (--target->refs > 0) return;
    skn_omap_remove(&mail->targets, &target->node);
    skn_free(target);
}

/* --- resting [E32] --------------------------------------------------------------------------------- */

static bool is_over(const struct skn_core *core, const struct skn_sender *sender)
{
    return sender->messages >= core->limits.outbox_messages ||
           sender->bytes >= core->limits.outbox_bytes;
}

static bool is_under_half(const struct skn_core *core, const struct skn_sender *sender)
{
    return 2 * sender->messages < core->limits.outbox_messages &&
           2 * sender->bytes < core->limits.outbox_bytes;
}

static void set_resting(struct skn_core *core, struct skn_sender *sender, bool is_resting)
{
    if (sender->is_resting == is_resting) return;
    sender->is_resting = is_resting;
    core->mail.resting += is_resting ? 1 : UINT64_MAX;
    struct skn_dom *dom = skn_dom_find(core, sender->address);
    if (!dom) return;
    /* Which of its lanes are full is looked up when it is its turn. */
    dom->full = UINT8_MAX;
    if (dom != core->cx[0].dom) skn_dom_settle(core, dom);
}

static void settle(struct skn_core *core, struct skn_sender *sender)
{
    if (is_over(core, sender))
        set_resting(core, sender, true);
    else if (is_under_half(core, sender))
        set_resting(core, sender, false);
}

static void unref_sender(struct skn_core *core, struct skn_sender *sender)
{
    settle(core, sender);
    if (--sender->refs > 0) return;
    SKN_ASSERT(sender->messages == 0 && sender->bytes == 0 && !sender->is_resting);
    (void)skn_hmap_remove(&core->mail.senders, sender->address);
    skn_free(sender);
}

bool skn_outbox_rests(const struct skn_core *core, struct skn_slice address)
{
    if (core->mail.resting == 0) return false;
    /* One who gives places has so many that others wait for; what it sends they asked for. */
    if (skn_limiter_is(address) || skn_blob_is(address)) return false;
    const struct skn_sender *sender = find_sender(&core->mail, address);
    return sender && sender->is_resting;
}

bool skn_outbox_is_full(const struct skn_core *core, struct skn_slice address)
{
    const struct skn_sender *sender = find_sender(&core->mail, address);
    return sender && is_over(core, sender);
}

bool skn_outbox_is_owed(const struct skn_core *core, struct skn_slice address)
{
    const struct skn_sender *sender = find_sender(&core->mail, address);
    return sender && sender->on_way > 0;
}

bool skn_outbox_is_faulted_full(const struct skn_core *core, struct skn_slice target)
{
    const struct skn_target *t = target_of(skn_omap_find(&core->mail.targets, target));
    return t && t->is_faulted && t->messages >= core->limits.faulted_waiting;
}

bool skn_outbox_has_waits(const struct skn_core *core, struct skn_slice target)
{
    const struct skn_target *t = target_of(skn_omap_find(&core->mail.targets, target));
    return t && t->messages > 0;
}

/* --- counters, and FAULTED targets ------------------------------------------------------------------ */

/* What a wait adds to its sender, or took from it. */
static void count(struct skn_core *core, struct skn_wait *wait, int sign)
{
    if (wait->target->is_faulted) return;
    wait->sender->messages += (uint64_t)sign * wait->messages;
    wait->sender->bytes += (uint64_t)sign * wait->bytes;
    if (sign > 0) settle(core, wait->sender);
}

static struct skn_wait *new_wait(struct skn_core *core, struct skn_slice key)
{
    struct skn_mail *mail = &core->mail;
    const uint8_t *zero = memchr(key.ptr, 0, key.len);
    SKN_ASSERT(zero);
    size_t len = (size_t)(zero - key.ptr);
    struct skn_wait *wait = skn_alloc_zero(1, sizeof *wait + key.len);
    memcpy(wait->key, key.ptr, key.len);
    wait->node.key = skn_slice(wait->key, key.len);
    wait->target = get_target(mail, skn_slice(key.ptr, len));
    wait->sender = get_sender(mail, skn_slice_from(key, len + 1));
    SKN_ASSERT(!skn_omap_insert(&mail->waits, &wait->node));
    return wait;
}

static void set_wait(struct skn_core *core, struct skn_slice key, struct skn_counter_row row)
{
    struct skn_wait *wait = wait_of(skn_omap_find(&core->mail.waits, key));
    if (!wait && row.messages == 0) return;
    if (!wait) wait = new_wait(core, key);
    count(core, wait, -1);
    wait->target->messages += (uint64_t)row.messages - wait->messages;
    wait->messages = row.messages;
    wait->bytes = row.bytes;
    count(core, wait, 1);
    settle(core, wait->sender);
    if (row.messages > 0) return;
    unref_target(&core->mail, wait->target);
    unref_sender(core, wait->sender);
    skn_omap_remove(&core->mail.waits, &wait->node);
    skn_free(wait);
}

/* What waits for a FAULTED domain does not count against its senders [E33]. */
static void set_faulted(struct skn_core *core, struct skn_slice address, bool is_faulted)
{
    struct skn_mail *mail = &core->mail;
    struct skn_target *target = target_of(skn_omap_find(&mail->targets, address));
    if ((target && target->is_faulted) == is_faulted) return;
    if (is_faulted) target = get_target(mail, address);
    struct skn_omap_node *node = skn_omap_lower_bound(&mail->waits, address);
    for (; node && skn_slice_has_prefix(node->key, address); node = skn_omap_next(node)) {
        struct skn_wait *wait = wait_of(node);
        if (wait->target != target) continue;
        int sign = is_faulted ? -1 : 1;
        wait->sender->messages += (uint64_t)sign * wait->messages;
        wait->sender->bytes += (uint64_t)sign * wait->bytes;
        settle(core, wait->sender);
    }
    target->is_faulted = is_faulted;
    if (!is_faulted) unref_target(mail, target);
}

/* --- rows of the outbox ------------------------------------------------------------------------------ */

static void grow(struct skn_stream *out)
{
    uint64_t cap = out->ring_cap ? 2 * out->ring_cap : 64;
    struct skn_unacked *ring = skn_alloc_zero(cap, sizeof *ring);
    for (uint64_t n = out->acked + 1; n < out->next; n++)
        ring[n % cap] = out->ring[n % out->ring_cap];
    skn_free(out->ring);
    out->ring = ring;
    out->ring_cap = cap;
}

static void add_row(struct skn_core *core,
                    struct skn_stream *out,
                    uint64_t number,
                    unsigned lane,
                    struct skn_slice value)
{
    SKN_ASSERT(number == out->next);
    if (out->next - out->acked >= out->ring_cap) grow(out);
    struct skn_unacked *row = &out->ring[number % out->ring_cap];
    *row = (struct skn_unacked){.bytes = (uint32_t)value.len};
    out->next++;
    core->mail.unacked++;
    if (lane == SKN_STREAM_NOTES) return;
    struct skn_slice target, message, sender;
    SKN_ASSERT(skn_outbox_split(value, &target, &message) == SKN_OK);
    SKN_ASSERT(skn_message_sender(message, &sender) == SKN_OK);
    row->sender = get_sender(&core->mail, sender);
    row->sender->on_way++;
    row->sender->messages++;
    row->sender->bytes += row->bytes;
    settle(core, row->sender);
}

static void trim(struct skn_core *core, struct skn_peer *peer, unsigned lane, uint64_t acked)
{
    struct skn_stream *out = &peer->out[lane];
    SKN_ASSERT(acked >= out->acked && acked < out->next);
    core->mail.trims -= acked - out->acked;
    while (out->acked < acked) {
        const struct skn_unacked *row = &out->ring[++out->acked % out->ring_cap];
        core->mail.unacked--;
        if (!row->sender) continue;
        if (--row->sender->on_way == 0) skn_remove_wake(core, row->sender->address);
        row->sender->messages--;
        row->sender->bytes -= row->bytes;
        unref_sender(core, row->sender);
    }
    if (out->wanted < acked) out->wanted = acked;
    if (out->cursor <= acked) out->cursor = acked + 1;
    peer->moved_ms = core->now_ms;
}

/* --- following the rows ------------------------------------------------------------------------------ */

static uint64_t number_of(struct skn_slice value)
{
    struct skn_cursor cursor = skn_cursor(value);
    uint64_t n = skn_cursor_le64(&cursor);
    SKN_ASSERT(skn_cursor_is_done(&cursor));
    return n;
}

static void
observe_stream(struct skn_core *core, uint8_t kind, struct skn_slice rest, struct skn_slice value)
{
    struct skn_cursor cursor = skn_cursor(rest);
    uint32_t shard = (uint32_t)skn_cursor_be(&cursor, 4);
    unsigned lane = skn_cursor_u8(&cursor);
    SKN_ASSERT(!cursor.bad && shard < core->mail.shards && lane < SKN_STREAM_LANES);
    SKN_ASSERT(core->mail.peers);
    struct skn_peer *peer = &core->mail.peers[shard];
    struct skn_stream *out = &peer->out[lane];
    if (kind == SKN_SHARD_SEEN) peer->seen[lane] = number_of(value);
    bool follows = core->is_open || core->is_replaying; /* else rows are found at an opening */
    if (kind == SKN_SHARD_ACKED && follows) trim(core, peer, lane, number_of(value));
    if (kind == SKN_SHARD_ACKED && !follows) {
        out->acked = out->wanted = number_of(value);
        out->next = out->cursor = out->acked + 1;
    }
    if (kind == SKN_SHARD_OUTBOX) add_row(core, out, skn_cursor_be(&cursor, 8), lane, value);
}

static uint32_t hour_of(struct skn_slice value)
{
    struct skn_cursor cursor = skn_cursor(value);
    uint32_t hour = skn_cursor_le32(&cursor);
    SKN_ASSERT(skn_cursor_is_done(&cursor));
    return hour;
}

static void
observe(struct skn_core *core, struct skn_slice key, struct skn_slice value, bool is_delete)
{
    uint8_t kind = key.ptr[1];
    struct skn_slice rest = skn_slice_from(key, SKN_SHARD_HEAD);
    if (kind == SKN_SHARD_COUNTERS) {
        struct skn_counter_row row = {0};
        if (!is_delete) SKN_ASSERT(skn_counter_decode(value, &row, NULL) == SKN_OK);
        set_wait(core, rest, row);
    }
    if (kind == SKN_SHARD_FAULTED) set_faulted(core, rest, !is_delete);
    if (kind == SKN_SHARD_SWEEP) core->sweep_hour = is_delete ? 0 : hour_of(value);
    bool is_stream = kind == SKN_SHARD_OUTBOX || kind == SKN_SHARD_ACKED || kind == SKN_SHARD_SEEN;
    if (is_stream && !is_delete) observe_stream(core, kind, rest, value);
}

void skn_mail_follow(struct skn_core *core, const struct skn_cx *cx)
{
    static const uint8_t first[] = {1, SKN_SHARD_OUTBOX};
    struct skn_omap_node *node = skn_omap_lower_bound(&cx->overlay, skn_slice(first, 2));
    for (; node && node->key.ptr[0] == 1 && node->key.ptr[1] <= SKN_SHARD_SWEEP;
         node = skn_omap_next(node)) {
        const struct skn_change *change = SKN_CONTAINER_OF(node, struct skn_change, node);
        observe(core, node->key, change->value, change->is_delete);
    }
}

static bool is_stream_row(const struct skn_core *core, const struct skn_row *row)
{
    struct skn_cursor cursor = skn_cursor(skn_slice_from(row->key, SKN_SHARD_HEAD));
    uint64_t shard = skn_cursor_be(&cursor, 4);
    unsigned lane = skn_cursor_u8(&cursor);
    bool fits = core->mail.peers && shard < core->mail.shards && lane < SKN_STREAM_LANES;
    if (row->key.ptr[1] != SKN_SHARD_OUTBOX) {
        struct skn_cursor value = skn_cursor(row->value);
        (void)skn_cursor_le64(&value);
        return fits && skn_cursor_is_done(&cursor) && skn_cursor_is_done(&value);
    }
    uint64_t number = skn_cursor_be(&cursor, 8);
    fits = fits && skn_cursor_is_done(&cursor) && number == core->mail.peers[shard].out[lane].next;
    struct skn_slice target, message, sender;
    return fits && (lane == SKN_STREAM_NOTES ||
                    (skn_outbox_split(row->value, &target, &message) == SKN_OK &&
                     skn_message_sender(message, &sender) == SKN_OK));
}

enum skn_rc skn_mail_found(struct skn_core *core, const struct skn_row *row, struct skn_diag *diag)
{
    uint8_t kind = row->key.ptr[1];
    struct skn_counter_row counter;
    bool fits = true;
    if (kind == SKN_SHARD_COUNTERS)
        fits = skn_counter_decode(row->value, &counter, diag) == SKN_OK && counter.messages > 0 &&
               memchr(row->key.ptr + SKN_SHARD_HEAD, 0, row->key.len - SKN_SHARD_HEAD);
    else if (kind == SKN_SHARD_SWEEP)
        fits = row->value.len == 4;
    else if (kind != SKN_SHARD_FAULTED)
        fits = is_stream_row(core, row);
    if (!fits) return SKN_CORRUPT(diag, "a row of messages under way is malformed");
    observe(core, row->key, row->value, false);
    return SKN_OK;
}

/* A row that a record puts: as it was found, and the next in its stream. */
static bool may_follow(struct skn_core *core, const struct skn_row_op *op)
{
    const struct skn_row row = {.key = op->key, .value = op->value};
    uint8_t kind = op->key.ptr[1];
    struct skn_slice rest = skn_slice_from(op->key, SKN_SHARD_HEAD);
    struct skn_counter_row counter;
    if (kind == SKN_SHARD_COUNTERS)
        return memchr(rest.ptr, 0, rest.len) &&
               (op->is_delete ||
                (skn_counter_decode(op->value, &counter, NULL) == SKN_OK && counter.messages > 0));
    if (kind == SKN_SHARD_SWEEP) return op->is_delete || op->value.len == 4;
    bool is_stream = kind == SKN_SHARD_OUTBOX || kind == SKN_SHARD_ACKED || kind == SKN_SHARD_SEEN;
    if (!is_stream || op->is_delete) return true;
    if (!is_stream_row(core, &row)) return false;
    if (kind != SKN_SHARD_ACKED) return true;
    struct skn_cursor cursor = skn_cursor(rest);
    uint64_t shard = skn_cursor_be(&cursor, 4), acked = number_of(op->value);
    struct skn_stream *out = &core->mail.peers[shard].out[skn_cursor_u8(&cursor)];
    if (acked < out->acked || acked >= out->next) return false;
    if (out->wanted >= acked) return true;
    core->mail.trims += acked - out->wanted;
    out->wanted = acked;
    return true;
}

enum skn_rc skn_mail_replayed(struct skn_core *core, struct skn_slice batch, struct skn_diag *diag)
{
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        bool is_ours = op.key.len >= SKN_SHARD_HEAD && op.key.ptr[0] == 1 &&
                       op.key.ptr[1] >= SKN_SHARD_OUTBOX && op.key.ptr[1] <= SKN_SHARD_SWEEP;
        if (!is_ours) continue;
        if (!may_follow(core, &op))
            return SKN_CORRUPT(diag, "a row of messages under way is malformed");
        observe(core, op.key, op.value, op.is_delete);
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

/* --- life, and the check ------------------------------------------------------------------------------ */

void skn_mail_init(struct skn_core *core, uint32_t shards, uint64_t hash_seed)
{
    struct skn_mail *mail = &core->mail;
    skn_hmap_init(&mail->senders, hash_seed);
    skn_omap_init(&mail->targets);
    skn_omap_init(&mail->waits);
    skn_list_init(&mail->packets);
    mail->shards = shards ? shards : 1;
    SKN_ASSERT(core->shard < mail->shards);
    if (mail->shards == 1) return;
    mail->peers = skn_alloc_zero(mail->shards, sizeof *mail->peers);
    for (uint32_t to = 0; to < mail->shards; to++) {
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++)
            mail->peers[to].out[lane].next = mail->peers[to].out[lane].cursor = 1;
    }
}

void skn_mail_fini(struct skn_core *core)
{
    struct skn_mail *mail = &core->mail;
    struct skn_omap_node *node;
    struct skn_list *link;
    while ((node = skn_omap_drain(&mail->waits)))
        skn_free(wait_of(node));
    SKN_HMAP_FOREACH (entry, &mail->senders)
        skn_free(entry->value);
    skn_hmap_fini(&mail->senders);
    while ((node = skn_omap_drain(&mail->targets)))
        skn_free(target_of(node));
    while ((link = skn_list_pop_front(&mail->packets)))
        skn_free(SKN_CONTAINER_OF(link, struct skn_packet, link));
    for (uint32_t to = 0; mail->peers && to < mail->shards; to++) {
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++)
            skn_free(mail->peers[to].out[lane].ring);
    }
    skn_free(mail->peers);
}

void skn_mail_check(const struct skn_core *core)
{
    const struct skn_mail *mail = &core->mail;
    uint64_t resting = 0, messages = 0, counted = 0, on_way = 0, refs = 0;
    SKN_HMAP_FOREACH (entry, &mail->senders) {
        const struct skn_sender *sender = entry->value;
        SKN_ASSERT(sender->refs > 0);
        SKN_ASSERT(!is_over(core, sender) || sender->is_resting);
        SKN_ASSERT(!is_under_half(core, sender) || !sender->is_resting);
        resting += sender->is_resting;
        messages += sender->messages;
        refs += sender->refs;
    }
    for (struct skn_omap_node *n = skn_omap_first(&mail->waits); n; n = skn_omap_next(n)) {
        const struct skn_wait *wait = wait_of(n);
        SKN_ASSERT(wait->messages > 0);
        refs--;
        if (!wait->target->is_faulted) counted += wait->messages;
    }
    for (uint32_t to = 0; mail->peers && to < mail->shards; to++) {
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++) {
            const struct skn_stream *out = &mail->peers[to].out[lane];
            SKN_ASSERT(out->acked <= out->wanted && out->wanted < out->next);
            SKN_ASSERT(out->cursor > out->acked && out->cursor <= out->next);
            on_way += out->next - 1 - out->acked;
            if (lane == SKN_STREAM_NOTES) continue;
            counted += out->next - 1 - out->acked;
            refs -= out->next - 1 - out->acked;
        }
    }
    SKN_ASSERT(resting == mail->resting);
    SKN_ASSERT(messages == counted);
    SKN_ASSERT(on_way == mail->unacked);
    SKN_ASSERT(refs == 0);
    skn_boxes_check(core);
}
