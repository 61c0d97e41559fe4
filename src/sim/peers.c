/* peers.c - domains of the simulator that send to each other and set timers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/numbers_internal.h"
#include "sim/world_internal.h"

#include "base/pure.h"

/* Messages: go {amount: hops, n: peers}, later {id, amount: milliseconds}, and note {n, hops}.
 * Rows:
 *   "s" lane address   messages sent to it
 *   "r" lane address   messages received from it, the first that came out of order or 0
 *   "x"                the last random number (P4)
 *   "l" id             how often it fired, when it was due, when it fired, in milliseconds
 */

static struct skn_slice lane_key(struct skn_cx *cx, char kind, unsigned lane, struct skn_slice peer)
{
    return skn_slice_str(skn_arena_printf(skn_cx_arena(cx), "%c%u%.*s", kind, lane, SKN_FMT(peer)));
}

static void send_note(struct skn_cx *cx, struct skn_slice address, unsigned lane, int64_t hops)
{
    struct numbers sent;
    struct skn_slice key = lane_key(cx, 's', lane, address);
    (void)numbers_get(cx, key, &sent);
    sent.n[0]++;
    numbers_put(cx, key, &sent, 1);
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("n"));
    skn_build_int(b, (int64_t)sent.n[0]);
    skn_build_key(b, SKN_LIT("hops"));
    skn_build_int(b, hops);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_cx_send(
        cx, address, (enum skn_priority)lane, SKN_LIT("note"), skn_value_view(skn_buf_slice(out)));
}

static unsigned any_lane(struct skn_cx *cx)
{
    struct numbers row = {{skn_cx_random(cx)}};
    numbers_put(cx, SKN_LIT("x"), &row, 1);
    return (unsigned)(row.n[0] % SKN_PRIORITIES);
}

static void send_all(struct skn_cx *cx, int64_t peers, int64_t hops)
{
    unsigned lane = any_lane(cx);
    for (int i = 0; i < peers; i++)
        send_note(
            cx, skn_slice_str(skn_arena_printf(skn_cx_arena(cx), "sim:Peer/%d", i)), lane, hops);
}

static void take_note(struct skn_cx *cx, const struct skn_message *message)
{
    struct numbers received;
    unsigned lane = message->priority;
    struct skn_slice key = lane_key(cx, 'r', lane, message->sender);
    (void)numbers_get(cx, key, &received);
    uint64_t n = (uint64_t)payload_int(message->payload, "n");
    int64_t hops = payload_int(message->payload, "hops");
    received.n[0]++;
    if (n != received.n[0] && received.n[1] == 0) received.n[1] = n;
    numbers_put(cx, key, &received, 2);
    if (hops > 0) send_note(cx, message->sender, hops % 5 == 0 ? any_lane(cx) : lane, hops - 1);
}

static void set_timer(struct skn_cx *cx, struct skn_value payload)
{
    struct skn_slice id = payload_text(payload, "id");
    uint64_t due_ms = skn_cx_now_ms(cx) + (uint64_t)payload_int(payload, "amount");
    struct numbers row = {{0, due_ms, 0}};
    numbers_put(cx, numbers_key(skn_cx_arena(cx), "l", id), &row, 3);
    (void)skn_cx_timer_set(cx, due_ms, id);
}

static void fire(struct skn_cx *cx, struct skn_slice id)
{
    struct numbers row;
    struct skn_slice key = numbers_key(skn_cx_arena(cx), "l", id);
    (void)numbers_get(cx, key, &row);
    row.n[0]++;
    row.n[2] = skn_cx_now_ms(cx);
    numbers_put(cx, key, &row, 3);
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_string(b, id);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_cx_signal(cx, SKN_LIT("fired"), skn_value_view(skn_buf_slice(out)));
    send_note(cx, skn_cx_address(cx), SKN_PRIORITY_BACKGROUND, 0);
}

static enum skn_rc
peer_handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    if (message->kind == SKN_MESSAGE_TIMER)
        fire(cx, message->tag);
    else if (is_name(message->name, "note"))
        take_note(cx, message);
    else if (is_name(message->name, "later"))
        set_timer(cx, message->payload);
    else
        send_all(cx, payload_int(message->payload, "n"), payload_int(message->payload, "amount"));
    return skn_cx_rc(cx);
}

const struct skn_program sim_peer_program = {.type = "Peer", .module = 102, .handle = peer_handle};

bool peers_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out)
{
    struct numbers row = numbers_decode(value);
    if (key.ptr[0] == 'x') return false;
    out->id = skn_slice_from(key, 1);
    out->count = row.n[0];
    if (key.ptr[0] == 'l') {
        out->kind = SKN_HISTORY_TIMER;
        out->amount = row.n[0] ? (int64_t)(row.n[2] - row.n[1]) : 0;
        return true;
    }
    out->kind = key.ptr[0] == 's' ? SKN_HISTORY_SENT : SKN_HISTORY_RECEIVED;
    out->context = (uint32_t)(key.ptr[1] - '0');
    out->id = skn_slice_from(key, 2);
    if (key.ptr[0] == 'r') out->amount = (int64_t)row.n[1];
    return true;
}
