/* stream.c - numbered messages between shards: sent until acknowledged [E31]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "core/stream_internal.h"

#include <string.h>

enum {
    PACKET_BYTES = 64 << 10, /* after which a packet takes no further message */
    TAKE_EVERY = 16,         /* slices, so that neither they nor what comes waits for long */
    TRIM_AT = 256,           /* rows, or when there is nothing else to do */
    WINDOW = 256,            /* messages sent again and not acknowledged */
    QUIET_MS = 1000,         /* without an acknowledgement, then all is sent again */
};

/* --- sending --------------------------------------------------------------------------------------- */

void skn_packet_begin(struct skn_core *core, uint8_t kind, uint32_t to)
{
    skn_buf_reset(&core->packet);
    skn_buf_put_u8(&core->packet, PACKET_LEVEL);
    skn_buf_put_u8(&core->packet, kind);
    skn_buf_put_le32(&core->packet, core->shard);
    skn_buf_put_le32(&core->packet, to);
}

void skn_packet_end(struct skn_core *core, uint32_t to)
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
    skn_packet_end(core, g->to);
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
        skn_packet_begin(core, PACKET_MESSAGES, to);
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
    if (!skn_list_is_empty(&mail->packets))
        rc = skn_stream_take(core, core->now_ms, out_record, diag);
    skn_core_pin_while_late(core, &mail->take_pin, rc);
    if (rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    if (mail->trims == 0 || (mail->trims < TRIM_AT && !is_idle && mail->resting == 0)) return rc;
    enum skn_rc trimmed = skn_stream_trim(core, core->now_ms, out_record, diag);
    skn_core_pin_while_late(core, &mail->trim_pin, trimmed);
    return trimmed == SKN_ENOENT ? rc : trimmed;
}
