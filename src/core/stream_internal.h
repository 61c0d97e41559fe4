/* stream_internal.h - what the files of the streams between shards share, and the form of packets.
 *
 * Owns        nothing.
 * May include what core may.
 * Threads     that of the core.
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
#pragma once

#include "base/cursor.h"
#include "core/core_internal.h"

enum { PACKET_LEVEL = 1, PACKET_MESSAGES = 1, PACKET_ACK = 2 };
enum { KIND_BYTES = 10 /* before what differs by kind */, HEAD_BYTES = KIND_BYTES + 13 };

/* --- stream.c: sending --- */

/* A packet in core->packet; what differs by kind is put in between. */
void skn_packet_begin(struct skn_core *core, uint8_t kind, uint32_t to);
void skn_packet_end(struct skn_core *core, uint32_t to);

/* --- stream_ack.c: acknowledging, and removing what was acknowledged --- */

void skn_stream_send_acks(struct skn_core *core);
void skn_stream_hear_ack(struct skn_core *core, uint32_t from, struct skn_cursor *cursor);
/* The batch of what the slice changed. SKN_ELATER: it cannot be applied yet, and nothing is lost. */
SKN_MUST_USE enum skn_rc skn_stream_make(struct skn_core *core, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_stream_commit(struct skn_core *core,
                                           struct skn_slice what,
                                           struct skn_record *out_record,
                                           struct skn_diag *diag);
/* One batch. SKN_ENOENT: nothing. */
SKN_MUST_USE enum skn_rc skn_stream_trim(struct skn_core *core,
                                         uint64_t now_ms,
                                         struct skn_record *out_record,
                                         struct skn_diag *diag);

/* --- stream_take.c: taking what comes --- */

/* One batch. SKN_ENOENT: nothing came that is new. */
SKN_MUST_USE enum skn_rc skn_stream_take(struct skn_core *core,
                                         uint64_t now_ms,
                                         struct skn_record *out_record,
                                         struct skn_diag *diag);
