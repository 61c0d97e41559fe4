/* stream_ack.c - what a shard has taken is said, and what was taken elsewhere is removed [E31]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "base/hlc.h"
#include "core/blob_internal.h"
#include "core/stream_internal.h"

enum {
    TRIM_AT_ONCE = 2000, /* rows of one batch */
};

/* --- acknowledging ----------------------------------------------------------------------------------- */

void skn_stream_send_acks(struct skn_core *core)
{
    for (uint32_t from = 0; from < core->mail.shards; from++) {
        struct skn_peer *peer = &core->mail.peers[from];
        if (!peer->owes_ack) continue;
        peer->owes_ack = false;
        skn_packet_begin(core, PACKET_ACK, from);
        for (unsigned lane = 0; lane < SKN_STREAM_LANES; lane++)
            skn_buf_put_le64(&core->packet, peer->seen[lane]);
        skn_packet_end(core, from);
    }
}

void skn_stream_hear_ack(struct skn_core *core, uint32_t from, struct skn_cursor *cursor)
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

enum skn_rc skn_stream_make(struct skn_core *core, struct skn_diag *diag)
{
    skn_make_batch(&core->cx[0], &core->batch[0]);
    skn_core_begin_epoch(core, &core->batch[0]);
    return skn_store_know(core->store, skn_buf_slice(&core->batch[0]), diag);
}

enum skn_rc skn_stream_commit(struct skn_core *core,
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
    skn_names_finish(cx);
    return rows;
}

enum skn_rc skn_stream_trim(struct skn_core *core,
                            uint64_t now_ms,
                            struct skn_record *out_record,
                            struct skn_diag *diag)
{
    uint64_t rows = trim_rows(core, skn_hlc_next(core->stamp, 0, now_ms));
    if (core->cx[0].rc != SKN_OK) return core->cx[0].rc;
    if (rows == 0) return SKN_ENOENT;
    enum skn_rc rc = skn_stream_make(core, diag);
    return rc == SKN_OK ? skn_stream_commit(core, SKN_LIT(SKN_RECORD_TRIM), out_record, diag) : rc;
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
    return core->cx[0].rc == SKN_OK ? skn_stream_make(core, diag) : core->cx[0].rc;
}
