/* stream.c - numbered messages between shards: sent until acknowledged, taken once [E31].
 *
 * Packets, little-endian; "block" is a u32 length and that many bytes:
 *   offset 0  u8   format level, 1
 *          1  u8   1 messages, 2 acknowledgement
 *          2  u32  shard that it comes from
 *          6  u32  shard that it is for
 *   messages:
 *         10  u8   lane: a priority, or 5 for notes
 *         11  u64  number of the first
 *         19  u32  how many; then each as a block, in the form of its outbox row
 *   acknowledgement:
 *         10  6 x u64  the last number taken of each lane
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/core_internal.h"

#include <inttypes.h>
#include <string.h>

enum { PACKET_LEVEL = 1, PACKET_MESSAGES = 1, PACKET_ACK = 2 };
enum { KIND_BYTES = 10 /* before what differs by kind */, HEAD_BYTES = KIND_BYTES + 13 };
enum {
    PACKET_MAX = 2 << 20,         /* one message of the largest size, and more than enough */
    PACKET_BYTES = 64 << 10,      /* after which a packet takes no further message */
    TAKE_MESSAGES = 512,          /* in one batch */
    TAKE_BYTES = 1 << 20,         /* likewise */
    TAKE_EVERY = 16,              /* slices, so that neither they nor what comes waits for long */
    TRIM_AT = 256,                /* rows, or when there is nothing else to do */
    TRIM_AT_ONCE = 2000,          /* rows of one batch */
    WINDOW = 256,                 /* messages sent again and not acknowledged */
    WAITING_BYTES_MAX = 32 << 20, /* of packets that came; more are dropped and come again */
    QUIET_MS = 1000,              /* without an acknowledgement, then all is sent again */
    AHEAD_MS_MAX = 5 * 60 * 1000, /* of a stamp [E51] */
};

/* --- sending --------------------------------------------------------------------------------------- */

static void begin_packet(struct skn_core *core, uint8_t kind, uint32_t to)
{
    skn_buf_reset(&core->packet);
    skn_buf_put_u8(&core->packet, PACKET_LEVEL);
    skn_buf_put_u8(&core->packet, kind);
    skn_buf_put_le32(&core->packet, core->shard);
    skn_buf_put_le32(&core->packet, to);
}

static void end_packet(struct skn_core *core, uint32_t to)
{
    const struct skn_output output = {.kind = SKN_OUTPUT_PACKET,
                                      .index = core->index,
                                      .stamp = core->stamp,
                                      .shard = to,
                                      .value = skn_buf_slice(&core->packet)};
    skn_release_later(core, &output);
    core->counts.packets_sent++;
    skn_buf_reset(&core->packet);
}

/* Packets of messages are gathered: one lane of one stream, numbers without a gap. */
struct gather {
    uint32_t to;
    unsigned lane;
    uint64_t next;
    uint32_t count;
};

static void close_gather(struct skn_core *core, struct gather *g)
{
    if (g->count == 0) return;
    uint8_t *count = core->packet.ptr + HEAD_BYTES - 4;
    for (unsigned i = 0; i < 4; i++)
        count[i] = (uint8_t)(g->count >> (8 * i));
    end_packet(core, g->to);
    g->count = 0;
}

static void gather(struct skn_core *core,
                   struct gather *g,
                   uint32_t to,
                   unsigned lane,
                   uint64_t number,
                   struct skn_slice row)
{
    bool fits = g->count > 0 && g->to == to && g->lane == lane && g->next == number &&
                core->packet.len + row.len < PACKET_BYTES;
    if (!fits) {
        close_gather(core, g);
        begin_packet(core, PACKET_MESSAGES, to);
        skn_buf_put_u8(&core->packet, (uint8_t)lane);
        skn_buf_put_le64(&core->packet, number);
        skn_buf_put_le32(&core->packet, 0);
    }
    skn_buf_put_block(&core->packet, row);
    SKN_ASSERT(skn_buf_rc(&core->packet) == SKN_OK);
    *g = (struct gather){.to = to, .lane = lane, .next = number + 1, .count = g->count + 1};
}

void skn_stream_put(struct skn_cx *cx, uint32_t to, unsigned lane, struct skn_slice row)
{
    struct skn_mail *mail = &cx->core->mail;
    SKN_ASSERT(mail->peers && to < mail->shards && to != cx->core->shard);
    if (!cx->sent)
        cx->sent = skn_arena_zero(&cx->arena, (size_t)mail->shards * SKN_STREAM_LANES, 4);
    uint32_t *sent = &cx->sent[to * SKN_STREAM_LANES + lane];
    uint64_t number = mail->peers[to].out[lane].next + (*sent)++;
    if (skn_bug(SKN_BUG_STREAM_NUMBER) && number % 5 == 0) number--;
    if (skn_bug(SKN_BUG_OUTBOX_APART) && number % 4 == 0) return;
    skn_key_outbox(&cx->key, to, lane, number);
    skn_raw_put(cx, skn_key_slice(&cx->key), row);
}

/* Notes of one batch about one sender and target become one. */
void skn_stream_note(struct skn_cx *cx, uint32_t to, const struct skn_note *note)
{
    skn_key_counter(&cx->key, note->target, note->sender);
    struct skn_omap_node *node = skn_omap_find(&cx->notes, skn_key_slice(&cx->key));
    struct skn_pending_note *pending =
        node ? SKN_CONTAINER_OF(node, struct skn_pending_note, node) : NULL;
    if (!pending) {
        pending = skn_arena_zero(&cx->arena, 1, sizeof *pending);
        pending->node.key = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
        pending->to = to;
        pending->note = *note;
        pending->note.target = skn_arena_dup(&cx->arena, note->target);
        pending->note.sender = skn_arena_dup(&cx->arena, note->sender);
        SKN_ASSERT(!skn_omap_insert(&cx->notes, &pending->node));
        return;
    }
    pending->note.messages += note->messages;
    pending->note.bytes += note->bytes;
}

static void put_note(struct skn_cx *cx, uint32_t to, const struct skn_note *note)
{
    if (skn_bug(SKN_BUG_NOTE_LOST) && note->messages < 0) return;
    skn_buf_reset(&cx->row);
    skn_note_encode(note, &cx->row);
    skn_stream_put(cx, to, SKN_STREAM_NOTES, skn_buf_slice(&cx->row));
}

void skn_stream_put_notes(struct skn_cx *cx)
{
    for (struct skn_omap_node *node = skn_omap_first(&cx->notes); node;
         node = skn_omap_next(node)) {
        const struct skn_pending_note *pending =
            SKN_CONTAINER_OF(node, struct skn_pending_note, node);
        bool says = pending->note.messages != 0 || pending->note.bytes != 0;
        if (says) put_note(cx, pending->to, &pending->note);
    }
    skn_omap_init(&cx->notes);
}

void skn_stream_tell_faulted(struct skn_cx *cx, struct skn_slice target, bool is_faulted)
{
    const struct skn_note note = {
        .kind = SKN_NOTE_FAULTED, .is_faulted = is_faulted, .target = target};
    for (uint32_t to = 0; to < cx->core->mail.shards; to++)
        if (to != cx->core->shard) put_note(cx, to, &note);
}

void skn_stream_sent(struct skn_core *core, const struct skn_cx *cx)
{
    if (!cx->sent) return;
    struct gather g = {0};
    struct skn_key from;
    skn_key_shard(&from, SKN_SHARD_OUTBOX);
    struct skn_omap_node *node = skn_omap_lower_bound(&cx->overlay, skn_key_slice(&from));
    for (; node && skn_slice_has_prefix(node->key, skn_key_slice(&from));
         node = skn_omap_next(node)) {
        const struct skn_change *change = SKN_CONTAINER_OF(node, struct skn_change, node);
        if (change->is_delete) continue;
        struct skn_cursor cursor = skn_cursor(skn_slice_from(node->key, SKN_SHARD_HEAD));
        uint32_t to = (uint32_t)skn_cursor_be(&cursor, 4);
        unsigned lane = skn_cursor_u8(&cursor);
        uint64_t number = skn_cursor_be(&cursor, 8);
        struct skn_stream *out = &core->mail.peers[to].out[lane];
        if (out->acked + 1 == number) core->mail.peers[to].moved_ms = core->now_ms;
        /* What is to be sent again goes first, or there would be a gap. */
        if (out->cursor != number) continue;
        out->cursor++;
        gather(core, &g, to, lane, number, change->value);
    }
    close_gather(core, &g);
}

/* What stands in front of the messages of a packet. */
struct head {
    uint32_t to;
    uint8_t lane;
    uint64_t number;
    uint32_t count;
    struct skn_slice entries;
};

static bool read_head(const struct skn_output *output, struct head *out)
{
    if (output->kind != SKN_OUTPUT_PACKET || output->value.ptr[1] != PACKET_MESSAGES) return false;
    struct skn_cursor cursor = skn_cursor(skn_slice_from(output->value, KIND_BYTES));
    out->to = output->shard;
    out->lane = skn_cursor_u8(&cursor);
    out->number = skn_cursor_le64(&cursor);
    out->count = skn_cursor_le32(&cursor);
    out->entries = cursor.rest;
    return true;
}

static struct skn_out *next_out(const struct skn_core *core)
{
    struct skn_list *link = skn_list_first(&core->outs);
    struct skn_out *out = link ? SKN_CONTAINER_OF(link, struct skn_out, link) : NULL;
    return out && out->output.index <= core->durable ? out : NULL;
}

struct skn_output *skn_stream_merge(struct skn_core *core, struct skn_out *first)
{
    struct head head, next;
    struct skn_out *more = next_out(core);
    if (!more || !read_head(&first->output, &head)) return &first->output;
    skn_buf_reset(&core->packet);
    skn_buf_put(&core->packet, first->output.value);
    uint32_t count = head.count;
    for (; more && read_head(&more->output, &next); more = next_out(core)) {
        bool fits = next.to == head.to && next.lane == head.lane &&
                    next.number == head.number + count &&
                    core->packet.len + next.entries.len <= PACKET_BYTES;
        if (!fits) break;
        skn_buf_put(&core->packet, next.entries);
        count += next.count;
        skn_list_remove(&more->link);
        core->counts.unreleased--;
        skn_free(more);
    }
    if (count == head.count) return &first->output;
    struct skn_out *whole = skn_alloc_zero(1, sizeof *whole + core->packet.len);
    skn_list_init(&whole->link);
    whole->output = first->output;
    memcpy(whole->bytes, core->packet.ptr, core->packet.len);
    for (unsigned i = 0; i < 4; i++)
        whole->bytes[HEAD_BYTES - 4 + i] = (uint8_t)(count >> (8 * i));
    whole->output.value = skn_slice(whole->bytes, core->packet.len);
    whole->output.address = whole->output.name = (struct skn_slice){0};
    skn_free(first);
    return &whole->output;
}

void skn_core_resend(struct skn_core *core, uint32_t to)
{
    if (!core->mail.peers || to >= core->mail.shards) return;
    struct skn_peer *peer = &core->mail.peers[to];
    for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++)
        peer->out[lane].cursor = peer->out[lane].acked + 1;
    peer->moved_ms = core->now_ms;
}

static uint64_t window_end(const struct skn_stream *out)
{
    uint64_t end = out->acked + 1 + WINDOW;
    return end < out->next ? end : out->next;
}

/* Gives out what stands behind the cursor, as far as the window goes. SKN_ELATER. */
static enum skn_rc send_rows(
    struct skn_core *core, struct gather *g, uint32_t to, unsigned lane, struct skn_diag *diag)
{
    struct skn_stream *out = &core->mail.peers[to].out[lane];
    struct skn_row rows[32];
    size_t count;
    uint64_t last = window_end(out);
    while (out->cursor < last) {
        struct skn_key from, end;
        uint64_t upto = out->cursor + SKN_ARRAY_LEN(rows);
        skn_key_outbox(&from, to, lane, out->cursor);
        skn_key_outbox(&end, to, lane, upto < last ? upto : last);
        enum skn_rc rc = skn_store_scan(core->store,
                                        skn_key_slice(&from),
                                        skn_key_slice(&end),
                                        rows,
                                        SKN_ARRAY_LEN(rows),
                                        &count,
                                        diag);
        if (rc != SKN_OK) return rc;
        if (count == 0) return SKN_CORRUPT(diag, "an outbox row is missing");
        for (size_t i = 0; i < count; i++)
            gather(core, g, to, lane, out->cursor++, rows[i].value);
        core->counts.resent += count;
    }
    return SKN_OK;
}

static enum skn_rc send_again(struct skn_core *core, struct skn_diag *diag)
{
    struct gather g = {0};
    enum skn_rc rc = SKN_OK;
    for (uint32_t to = 0; to < core->mail.shards && rc == SKN_OK; to++) {
        struct skn_peer *peer = &core->mail.peers[to];
        bool is_owed = false;
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++)
            is_owed |= peer->out[lane].next > peer->out[lane].acked + 1;
        if (is_owed && core->now_ms >= peer->moved_ms + QUIET_MS) skn_core_resend(core, to);
        for (unsigned lane = 0; is_owed && lane < SKN_STREAM_LANES && rc == SKN_OK; lane++)
            rc = send_rows(core, &g, to, lane, diag);
        close_gather(core, &g);
    }
    return rc;
}

uint64_t skn_stream_due_ms(const struct skn_core *core)
{
    uint64_t due = UINT64_MAX;
    if (core->mail.unacked == 0) return due;
    for (uint32_t to = 0; to < core->mail.shards; to++) {
        const struct skn_peer *peer = &core->mail.peers[to];
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++) {
            bool is_owed = peer->out[lane].next > peer->out[lane].acked + 1;
            if (is_owed && peer->moved_ms + QUIET_MS < due) due = peer->moved_ms + QUIET_MS;
        }
    }
    return due;
}

/* --- acknowledging ----------------------------------------------------------------------------------- */

static void send_acks(struct skn_core *core)
{
    for (uint32_t from = 0; from < core->mail.shards; from++) {
        struct skn_peer *peer = &core->mail.peers[from];
        if (!peer->owes_ack) continue;
        peer->owes_ack = false;
        begin_packet(core, PACKET_ACK, from);
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++)
            skn_buf_put_le64(&core->packet, peer->seen[lane]);
        end_packet(core, from);
    }
}

static void hear_ack(struct skn_core *core, uint32_t from, struct skn_cursor *cursor)
{
    struct skn_peer *peer = &core->mail.peers[from];
    uint64_t acked[SKN_STREAM_LANES];
    for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++) {
        acked[lane] = skn_cursor_le64(cursor);
        if (acked[lane] >= peer->out[lane].next) cursor->bad = true;
    }
    if (!skn_cursor_is_done(cursor)) {
        core->counts.packets_bad++;
        return;
    }
    for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++) {
        struct skn_stream *out = &peer->out[lane];
        if (acked[lane] <= out->wanted) continue;
        core->mail.trims += acked[lane] - out->wanted;
        out->wanted = acked[lane];
    }
}

/* The batch of what the slice changed. SKN_ELATER: it cannot be applied yet, and nothing is lost. */
static enum skn_rc make(struct skn_core *core, struct skn_diag *diag)
{
    skn_make_batch(&core->cx[0], &core->batch[0]);
    skn_core_begin_epoch(core, &core->batch[0]);
    return skn_rows_known(core, skn_buf_slice(&core->batch[0]), diag);
}

static enum skn_rc commit(struct skn_core *core,
                          struct skn_slice what,
                          struct skn_record *out_record,
                          struct skn_diag *diag)
{
    struct skn_cx *cx = &core->cx[0];
    return skn_commit(
        core, cx, skn_buf_slice(&core->batch[0]), what, 0, cx->stamp, out_record, diag);
}

/* Removes what was acknowledged, in one batch for many; gives how many rows. */
static uint64_t trim_rows(struct skn_core *core, uint64_t stamp)
{
    struct skn_cx *cx = &core->cx[0];
    skn_cx_begin(cx, core, NULL, NULL, NULL, stamp);
    uint64_t rows = 0;
    for (uint32_t to = 0; to < core->mail.shards; to++) {
        for (unsigned lane = 0; lane < SKN_STREAM_LANES && rows < TRIM_AT_ONCE; lane++) {
            const struct skn_stream *out = &core->mail.peers[to].out[lane];
            uint64_t n = out->acked;
            if (n == out->wanted) continue;
            uint64_t wanted = out->wanted;
            if (skn_bug(SKN_BUG_TRIM_UNACKED) && wanted + 1 < out->next) wanted++;
            while (n < wanted && rows++ < TRIM_AT_ONCE) {
                skn_key_outbox(&cx->key, to, lane, ++n);
                skn_raw_delete(cx, skn_key_slice(&cx->key));
            }
            skn_buf_reset(&cx->row);
            skn_buf_put_le64(&cx->row, n);
            skn_key_acked(&cx->key, to, lane);
            skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
        }
    }
    return rows;
}

/* SKN_ENOENT: nothing. */
static enum skn_rc
trim(struct skn_core *core, uint64_t now_ms, struct skn_record *out_record, struct skn_diag *diag)
{
    uint64_t rows = trim_rows(core, skn_hlc_next(core->stamp, 0, now_ms));
    if (core->cx[0].rc != SKN_OK) return core->cx[0].rc;
    if (rows == 0) return SKN_ENOENT;
    enum skn_rc rc = make(core, diag);
    return rc == SKN_OK ? commit(core, SKN_LIT(SKN_RECORD_TRIM), out_record, diag) : rc;
}

/* What was acknowledged is what the rows of the record say of it; what goes for it is ours to find. */
enum skn_rc
skn_stream_trim_again(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag)
{
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    struct skn_key head;
    enum skn_rc rc;
    skn_key_shard(&head, SKN_SHARD_ACKED);
    while ((rc = skn_batch_next(&rest, &op, diag)) == SKN_OK) {
        if (op.is_delete || !skn_slice_has_prefix(op.key, skn_key_slice(&head))) continue;
        struct skn_cursor key = skn_cursor(skn_slice_from(op.key, SKN_SHARD_HEAD));
        struct skn_cursor value = skn_cursor(op.value);
        uint64_t to = skn_cursor_be(&key, 4), lane = skn_cursor_u8(&key);
        uint64_t upto = skn_cursor_le64(&value);
        bool fits = core->mail.peers && skn_cursor_is_done(&key) && skn_cursor_is_done(&value) &&
                    to < core->mail.shards && lane < SKN_STREAM_LANES;
        struct skn_stream *out = fits ? &core->mail.peers[to].out[lane] : NULL;
        if (!fits || upto <= out->wanted || upto >= out->next)
            return SKN_CORRUPT(diag, "a record trims what no outbox has");
        core->mail.trims += upto - out->wanted;
        out->wanted = upto;
    }
    if (rc != SKN_ENOENT) return rc;
    (void)trim_rows(core, record->stamp);
    return core->cx[0].rc == SKN_OK ? make(core, diag) : core->cx[0].rc;
}

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
    bool fits = m->kind == SKN_MESSAGE_SEND && m->priority == e->lane && m->sender.len > 0 &&
                m->sender.len <= SKN_ADDRESS_MAX && !memchr(m->sender.ptr, 0, m->sender.len) &&
                skn_shard_of(m->sender, mail->shards) == from &&
                skn_value_size(m->payload) <= core->limits.message_bytes &&
                skn_program_find(core, e->target) &&
                skn_shard_of(e->target, mail->shards) == core->shard;
    return fits ? SKN_OK : SKN_ECORRUPT;
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
            (void)skn_mail_put(cx, e.target, (enum skn_priority)lane, e.message.sender, e.bytes);
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
    return done;
}

static void drop_packet(struct skn_mail *mail)
{
    struct skn_list *first = skn_list_pop_front(&mail->packets);
    SKN_ASSERT(first);
    struct skn_packet *packet = SKN_CONTAINER_OF(first, struct skn_packet, link);
    mail->packet_bytes -= packet->len;
    skn_free(packet);
}

/* SKN_ENOENT: nothing came that is new. */
static enum skn_rc
take(struct skn_core *core, uint64_t now_ms, struct skn_record *out_record, struct skn_diag *diag)
{
    struct skn_mail *mail = &core->mail;
    struct skn_cx *cx = &core->cx[0];
    struct taking t = {.most = TAKE_MESSAGES};
    uint64_t stamp = skn_hlc_next(core->stamp, 0, now_ms);
    size_t done = fill(core, stamp, &t);
    /* As far as the store has answered; each time it is asked for what comes next. */
    while (cx->rc == SKN_ELATER && t.most > 0) {
        t = (struct taking){.most = t.messages < t.most ? t.messages : t.most - 1};
        done = fill(core, stamp, &t);
    }
    if (cx->rc != SKN_OK) {
        if (diag) *diag = cx->diag;
        return cx->rc;
    }
    enum skn_rc rc = t.messages > 0 ? make(core, diag) : SKN_OK;
    if (rc != SKN_OK) return rc;
    while (done-- > 0)
        drop_packet(mail);
    if (t.messages == 0) {
        send_acks(core);
        return skn_list_is_empty(&mail->packets) ? SKN_ENOENT : SKN_ELATER;
    }
    rc = commit(core, skn_buf_slice(&core->record), out_record, diag);
    if (rc == SKN_OK) send_acks(core);
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
        hear_ack(core, from, &cursor);
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
                               struct skn_diag *diag)
{
    begin_packet(core, PACKET_MESSAGES, core->shard);
    skn_buf_put_u8(&core->packet, (uint8_t)r->lane);
    skn_buf_put_le64(&core->packet, r->first);
    skn_buf_put_le32(&core->packet, r->count);
    for (uint64_t number = r->first; number < r->first + r->count; number++) {
        struct skn_key key;
        struct skn_slice row, target, message;
        skn_key_outbox(&key, core->shard, r->lane, number);
        enum skn_rc rc = skn_store_get(store, skn_key_slice(&key), &row, diag);
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
        rc = store ? fetch_range(core, store, &r, diag) : SKN_ENOENT;
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
    return make(core, diag);
}

/* --- its part of a step -------------------------------------------------------------------------------- */

enum skn_rc skn_stream_turn(struct skn_core *core,
                            bool is_idle,
                            struct skn_record *out_record,
                            struct skn_diag *diag)
{
    struct skn_mail *mail = &core->mail;
    if (!mail->peers) return SKN_ENOENT;
    if (mail->rest > 0) mail->rest--;
    if (!is_idle && mail->rest > 0) return SKN_ENOENT;
    mail->rest = TAKE_EVERY;
    enum skn_rc rc = SKN_ENOENT;
    if (mail->unacked > 0) rc = send_again(core, diag);
    if (rc != SKN_OK && rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    rc = SKN_ENOENT;
    if (!skn_list_is_empty(&mail->packets)) rc = take(core, core->now_ms, out_record, diag);
    if (rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    if (mail->trims == 0 || (mail->trims < TRIM_AT && !is_idle && mail->resting == 0)) return rc;
    enum skn_rc trimmed = trim(core, core->now_ms, out_record, diag);
    return trimmed == SKN_ENOENT ? rc : trimmed;
}
