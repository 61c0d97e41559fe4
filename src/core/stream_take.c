/* stream_take.c - what comes from other shards is taken once, in order [E31], and again (P4). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/blob_internal.h"
#include "core/stream_internal.h"

#include <inttypes.h>
#include <string.h>

enum {
    PACKET_MAX = 2 << 20,         /* one message of the largest size, and more than enough */
    TAKE_MESSAGES = 512,          /* in one batch */
    TAKE_BYTES = 1 << 20,         /* likewise */
    WAITING_BYTES_MAX = 32 << 20, /* of packets that came; more are dropped and come again */
    AHEAD_MS_MAX = 5 * 60 * 1000, /* of a stamp [E51] */
};

/* --- taking what comes -------------------------------------------------------------------------------- */

/* One message or note of a packet. */
struct entry {
    unsigned lane;
    struct skn_slice target;
    struct skn_slice bytes; /* the message as its row has it */
    struct skn_message message;
    struct skn_note note;
};

/* Peers are believed in nothing: what is malformed is no message. */
static enum skn_rc check_entry(const struct skn_core *core, uint32_t from, struct entry *e)
{
    const struct skn_mail *mail = &core->mail;
    if (e->lane == SKN_STREAM_NOTES) {
        enum skn_rc rc = skn_note_decode(e->bytes, &e->note, NULL);
        if (rc != SKN_OK) return rc;
        bool fits = e->note.target.len <= SKN_ADDRESS_MAX && e->note.sender.len <= SKN_ADDRESS_MAX;
        fits = fits && !memchr(e->note.target.ptr, 0, e->note.target.len);
        fits = fits && skn_shard_of(e->note.target, mail->shards) == from;
        if (fits && e->note.kind == SKN_NOTE_WAITS)
            fits = !memchr(e->note.sender.ptr, 0, e->note.sender.len) &&
                   skn_shard_of(e->note.sender, mail->shards) == core->shard;
        return fits ? SKN_OK : SKN_ECORRUPT;
    }
    struct skn_slice row = e->bytes;
    enum skn_rc rc = row.len <= SKN_VALUE_MAX ? SKN_OK : SKN_ECORRUPT;
    if (rc == SKN_OK) rc = skn_outbox_split(row, &e->target, &e->bytes);
    if (rc == SKN_OK) rc = skn_message_decode(e->bytes, &e->message, NULL);
    if (rc != SKN_OK) return rc;
    const struct skn_message *m = &e->message;
    bool is_known = m->kind == SKN_MESSAGE_SEND || (m->kind == SKN_MESSAGE_CALL && m->depth > 0) ||
                    m->kind == SKN_MESSAGE_ANSWER || m->kind == SKN_MESSAGE_CANCEL;
    bool fits = is_known && m->priority == e->lane && m->sender.len > 0 &&
                m->sender.len <= SKN_ADDRESS_MAX && !memchr(m->sender.ptr, 0, m->sender.len) &&
                skn_shard_of(m->sender, mail->shards) == from &&
                skn_value_size(m->payload) <= SKN_ROW_MAX && /* its sender's limit may be another */
                skn_program_find(core, e->target) &&
                skn_shard_of(e->target, mail->shards) == core->shard;
    return fits ? SKN_OK : SKN_ECORRUPT;
}

static void take_message(struct skn_cx *cx, const struct entry *e)
{
    if (e->message.kind == SKN_MESSAGE_ANSWER) {
        (void)skn_call_put(cx, e->target, &e->message, e->bytes);
        return;
    }
    (void)skn_mail_put(cx, e->target, (enum skn_priority)e->lane, e->message.sender, e->bytes);
    if (cx->rc == SKN_OK) skn_reseal_note(cx, &e->message);
}

static void take_note(struct skn_cx *cx, const struct skn_note *note)
{
    if (note->kind == SKN_NOTE_WAITS) {
        skn_mail_count(cx, note);
        if (note->is_faulted && note->messages > 0)
            (void)skn_mail_mark_faulted(cx, note->target, true);
        return;
    }
    bool counts = !note->is_faulted || skn_outbox_has_waits(cx->core, note->target);
    if (counts) (void)skn_mail_mark_faulted(cx, note->target, note->is_faulted);
}

/* Messages of one stream that follow each other. */
struct range {
    uint32_t from;
    unsigned lane;
    uint64_t first;
    uint32_t count;
};

/* What one batch has taken. */
struct taking {
    uint64_t messages;
    uint64_t most; /* messages that it may take */
    size_t bytes;
    struct range last; /* of what the record says */
};

/* The record says what was taken by the numbers that it has in the outbox of its sender's shard:
 * "take", then for each range from:4 lane:1 first:8 count:4, in order. */
static void note_taken(struct skn_buf *record, struct taking *t, struct range one)
{
    struct range *last = &t->last;
    bool goes_on = last->count > 0 && last->from == one.from && last->lane == one.lane &&
                   last->first + last->count == one.first;
    if (!goes_on) {
        *last = one;
        skn_buf_put_le32(record, one.from);
        skn_buf_put_u8(record, (uint8_t)one.lane);
        skn_buf_put_le64(record, one.first);
        skn_buf_put_le32(record, 1);
        return;
    }
    last->count++;
    for (unsigned i = 0; i < 4; i++)
        record->ptr[record->len - 4 + i] = (uint8_t)(last->count >> (8 * i));
}

/* Takes what is new of a packet. False: something stuck, or no more fits; it is looked at again. */
static bool take_packet(struct skn_cx *cx, const struct skn_packet *packet, struct taking *t)
{
    struct skn_core *core = cx->core;
    struct skn_peer *peer = &core->mail.peers[packet->from];
    struct skn_cursor cursor = skn_cursor(skn_slice(packet->bytes, packet->len));
    (void)skn_cursor_bytes(&cursor, KIND_BYTES);
    unsigned lane = skn_cursor_u8(&cursor);
    uint64_t number = skn_cursor_le64(&cursor);
    uint32_t count = skn_cursor_le32(&cursor);
    if (lane >= SKN_STREAM_LANES || number == 0) cursor.bad = true;
    for (uint32_t i = 0; i < count && !cursor.bad; i++, number++) {
        struct entry e = {.lane = lane, .bytes = skn_cursor_block(&cursor)};
        /* Behind a gap nothing is taken: it comes again, with what is missing. */
        if (cursor.bad || number > peer->taken[lane] + 1) break;
        if (number <= peer->taken[lane]) continue;
        if (t->messages >= t->most || t->bytes >= TAKE_BYTES) return false;
        if (check_entry(core, packet->from, &e) != SKN_OK) {
            cursor.bad = true;
            break;
        }
        if (skn_hlc_ahead_ms(e.message.stamp, core->now_ms) > AHEAD_MS_MAX) break;
        if (lane == SKN_STREAM_NOTES)
            take_note(cx, &e.note);
        else
            take_message(cx, &e);
        if (cx->rc != SKN_OK) return false;
        peer->taken[lane] = number;
        note_taken(&core->record, t, (struct range){packet->from, lane, number, 1});
        t->messages++;
        t->bytes += e.bytes.len;
    }
    if (cursor.bad) core->counts.packets_bad++;
    return true;
}

static void put_seen(struct skn_cx *cx)
{
    struct skn_mail *mail = &cx->core->mail;
    for (uint32_t from = 0; from < mail->shards; from++) {
        const struct skn_peer *peer = &mail->peers[from];
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++) {
            if (peer->taken[lane] == peer->seen[lane]) continue;
            if (skn_bug(SKN_BUG_SEEN_NOT_WRITTEN)) continue;
            skn_buf_reset(&cx->row);
            skn_buf_put_le64(&cx->row, peer->taken[lane]);
            skn_key_seen(&cx->key, from, lane);
            skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
        }
    }
}

/* Fills a batch from the packets in order; gives how many of them are done with. */
static size_t fill(struct skn_core *core, uint64_t stamp, struct taking *t)
{
    struct skn_mail *mail = &core->mail;
    struct skn_cx *cx = &core->cx[0];
    size_t done = 0;
    skn_cx_begin(cx, core, NULL, NULL, NULL, stamp);
    skn_buf_reset(&core->record);
    skn_buf_put_str(&core->record, SKN_RECORD_TAKE);
    for (uint32_t from = 0; from < mail->shards; from++)
        memcpy(mail->peers[from].taken, mail->peers[from].seen, sizeof mail->peers[from].taken);
    SKN_LIST_FOREACH (link, &mail->packets) {
        const struct skn_packet *packet = SKN_CONTAINER_OF(link, struct skn_packet, link);
        mail->peers[packet->from].owes_ack = true;
        if (!take_packet(cx, packet, t)) break;
        done++;
    }
    put_seen(cx);
    skn_stream_put_notes(cx);
    skn_names_finish(cx);
    return done;
}

/* What the first messages that wait will look at: the rows of their receivers, and of the calls that they
 * answer. Those that are malformed are found by who takes them. */
static void ask_for_targets(struct skn_core *core)
{
    uint64_t most = TAKE_MESSAGES;
    SKN_LIST_FOREACH (link, &core->mail.packets) {
        const struct skn_packet *packet = SKN_CONTAINER_OF(link, struct skn_packet, link);
        struct skn_cursor cursor = skn_cursor(skn_slice(packet->bytes, packet->len));
        (void)skn_cursor_bytes(&cursor, KIND_BYTES);
        unsigned lane = skn_cursor_u8(&cursor);
        (void)skn_cursor_le64(&cursor);
        uint32_t count = skn_cursor_le32(&cursor);
        for (uint32_t i = 0; i < count && !cursor.bad && lane < SKN_STREAM_NOTES; i++) {
            struct entry e = {.lane = lane, .bytes = skn_cursor_block(&cursor)};
            struct skn_slice value;
            struct skn_key key;
            if (cursor.bad || check_entry(core, packet->from, &e) != SKN_OK) break;
            if (most-- == 0) return;
            skn_key_meta(&key, e.target);
            enum skn_rc rc = skn_store_get_head(core->store, skn_key_slice(&key), &value, NULL);
            if (e.message.kind != SKN_MESSAGE_ANSWER) continue;
            skn_key_call(&key, e.target, e.message.number);
            rc = skn_store_get(core->store, skn_key_slice(&key), &value, NULL);
            (void)rc; /* who takes it hears it */
        }
    }
}

static void drop_packet(struct skn_mail *mail)
{
    struct skn_list *first = skn_list_pop_front(&mail->packets);
    SKN_ASSERT(first);
    struct skn_packet *packet = SKN_CONTAINER_OF(first, struct skn_packet, link);
    mail->packet_bytes -= packet->len;
    skn_free(packet);
}

enum skn_rc skn_stream_take(struct skn_core *core,
                            uint64_t now_ms,
                            struct skn_record *out_record,
                            struct skn_diag *diag)
{
    struct skn_mail *mail = &core->mail;
    struct skn_cx *cx = &core->cx[0];
    struct taking t = {.most = TAKE_MESSAGES};
    uint64_t stamp = skn_hlc_next(core->stamp, 0, now_ms);
    size_t done = fill(core, stamp, &t);
    /* As far as the store has answered; it is asked for what comes behind that, too. */
    if (cx->rc == SKN_ELATER) ask_for_targets(core);
    while (cx->rc == SKN_ELATER && t.most > 0) {
        t = (struct taking){.most = t.messages < t.most ? t.messages : t.most / 2};
        done = fill(core, stamp, &t);
    }
    if (cx->rc != SKN_OK) {
        if (diag) *diag = cx->diag;
        return cx->rc;
    }
    enum skn_rc rc = t.messages > 0 ? skn_stream_make(core, diag) : SKN_OK;
    if (rc != SKN_OK) return rc;
    while (done-- > 0)
        drop_packet(mail);
    if (t.messages == 0) {
        skn_stream_send_acks(core);
        return skn_list_is_empty(&mail->packets) ? SKN_ENOENT : SKN_ELATER;
    }
    rc = skn_stream_commit(core, skn_buf_slice(&core->record), out_record, diag);
    if (rc == SKN_OK) skn_reseal_noted(core, cx);
    if (rc == SKN_OK) skn_stream_send_acks(core);
    return rc;
}

static void keep_packet(struct skn_mail *mail, uint32_t from, struct skn_slice bytes)
{
    struct skn_packet *packet = skn_alloc(sizeof *packet + bytes.len);
    skn_list_init(&packet->link);
    packet->from = from;
    packet->len = bytes.len;
    memcpy(packet->bytes, bytes.ptr, bytes.len);
    skn_list_push_back(&mail->packets, &packet->link);
    mail->packet_bytes += bytes.len;
}

void skn_core_packet(struct skn_core *core, uint32_t from, struct skn_slice bytes)
{
    SKN_ASSERT(core->is_open);
    struct skn_mail *mail = &core->mail;
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    uint8_t kind = skn_cursor_u8(&cursor);
    uint32_t source = skn_cursor_le32(&cursor);
    uint32_t to = skn_cursor_le32(&cursor);
    bool is_ours = !cursor.bad && level == PACKET_LEVEL && source == from && to == core->shard &&
                   mail->peers && from < mail->shards && from != core->shard;
    core->counts.packets_taken++;
    if (is_ours && kind == PACKET_ACK) {
        skn_stream_hear_ack(core, from, &cursor);
        return;
    }
    if (!is_ours || kind != PACKET_MESSAGES || bytes.len > PACKET_MAX) {
        core->counts.packets_bad++;
        return;
    }
    if (mail->packet_bytes + bytes.len > WAITING_BYTES_MAX) {
        core->counts.packets_dropped++;
        return;
    }
    keep_packet(mail, from, bytes);
}

/* --- taking it again (P4) -------------------------------------------------------------------------------- */

/* One range as the packet that it came in, from the rows of its sender's shard. SKN_ENOENT: a program
 * is not there. */
static enum skn_rc fetch_range(struct skn_core *core,
                               struct skn_store *store,
                               const struct range *r,
                               bool may_be_gone,
                               struct skn_diag *diag)
{
    skn_packet_begin(core, PACKET_MESSAGES, core->shard);
    skn_buf_put_u8(&core->packet, (uint8_t)r->lane);
    skn_buf_put_le64(&core->packet, r->first);
    skn_buf_put_le32(&core->packet, r->count);
    for (uint64_t number = r->first; number < r->first + r->count; number++) {
        struct skn_key key;
        struct skn_slice row, target, message;
        skn_key_outbox(&key, core->shard, r->lane, number);
        enum skn_rc rc = skn_store_get(store, skn_key_slice(&key), &row, diag);
        if (rc == SKN_ENOENT && may_be_gone) return rc;
        if (rc == SKN_ENOENT)
            return SKN_CORRUPT(
                diag, "it takes what is not in the outbox of shard %" PRIu32, r->from);
        if (rc != SKN_OK) return rc;
        bool is_mail = r->lane != SKN_STREAM_NOTES;
        if (is_mail && skn_outbox_split(row, &target, &message) == SKN_OK &&
            !skn_program_find(core, target))
            return SKN_ENOENT;
        skn_buf_put_block(&core->packet, row);
    }
    if (skn_buf_rc(&core->packet) != SKN_OK) return SKN_CORRUPT(diag, "it takes too much at once");
    keep_packet(&core->mail, r->from, skn_buf_slice(&core->packet));
    return SKN_OK;
}

static enum skn_rc fetch_ranges(struct skn_core *core,
                                struct skn_slice ranges,
                                const struct skn_replay *replay,
                                struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(ranges);
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && !cursor.bad && cursor.rest.len > 0) {
        struct range r = {.from = skn_cursor_le32(&cursor)};
        r.lane = skn_cursor_u8(&cursor);
        r.first = skn_cursor_le64(&cursor);
        r.count = skn_cursor_le32(&cursor);
        bool fits = !cursor.bad && core->mail.peers && r.from < core->mail.shards &&
                    r.from != core->shard && r.lane < SKN_STREAM_LANES && r.first > 0 &&
                    r.count > 0 && r.count <= TAKE_MESSAGES;
        if (!fits) return SKN_CORRUPT(diag, "what it took is malformed");
        struct skn_store *store = replay->store_of ? replay->store_of(replay->ctx, r.from) : NULL;
        rc = store ? fetch_range(core, store, &r, replay->is_from_base, diag) : SKN_ENOENT;
    }
    if (rc == SKN_OK && cursor.bad) return SKN_CORRUPT(diag, "what it took is malformed");
    return rc;
}

enum skn_rc skn_stream_take_again(struct skn_core *core,
                                  const struct skn_record *record,
                                  const struct skn_replay *replay,
                                  struct skn_diag *diag)
{
    struct skn_mail *mail = &core->mail;
    struct taking t = {.most = TAKE_MESSAGES};
    struct skn_slice ranges = skn_slice_from(record->message, strlen(SKN_RECORD_TAKE));
    SKN_ASSERT(skn_list_is_empty(&mail->packets));
    enum skn_rc rc = fetch_ranges(core, ranges, replay, diag);
    if (rc == SKN_OK) {
        core->now_ms = skn_hlc_ms(record->stamp);
        (void)fill(core, record->stamp, &t);
        rc = core->cx[0].rc;
        if (rc != SKN_OK && diag) *diag = core->cx[0].diag;
    }
    while (!skn_list_is_empty(&mail->packets))
        drop_packet(mail);
    if (rc != SKN_OK) return rc;
    if (!skn_slice_eq(skn_buf_slice(&core->record), record->message))
        return SKN_CORRUPT(diag, "it takes otherwise what it took");
    return skn_stream_make(core, diag);
}
