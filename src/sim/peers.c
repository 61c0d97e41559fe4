/* peers.c - domains of the simulator that send to each other and set timers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/numbers_internal.h"
#include "sim/world_internal.h"

#include "base/pure.h"

/* Messages: go {amount: hops, n: peers, what: "secret" or nothing}, later {id, amount: milliseconds}, and note {n, hops}.
 * A note has a secret, too, if the "go" asked for it, which follows from its sender and number: the
 * answer to it has one then, and its receiver keeps the last one. What is not as it was sent counts as
 * out of order; so that a lost one is, a note without says so by `plain`.
 * Whoever gets a note that changes lanes calls its sender, too; a call is counted like a note of lane 5,
 * its answer like one of lane 6, so that each has to arrive once and in order. One call of three is kept and
 * answered by a timer, whose tag is a zero byte, the number of the call and its caller.
 * Rows:
 *   "s" lane address   messages sent to it
 *   "r" lane address   messages received from it, the first that came out of order or 0
 *   "x"                the last random number (P4)
 *   "k"                {from, n, secret} of the last note [E46]
 *   "l" id             how often it fired, when it was due, when it fired, in milliseconds
 */

static struct skn_slice lane_key(struct skn_cx *cx, char kind, unsigned lane, struct skn_slice peer)
{
    const char head[] = {kind, (char)('0' + lane), 0};
    return numbers_key(skn_cx_arena(cx), head, peer);
}

static struct skn_slice secret_text(struct skn_cx *cx, struct skn_slice from, uint64_t n)
{
    return numbers_text(skn_cx_arena(cx), SIM_SECRET, n, from);
}

static bool is_secret(struct skn_cx *cx, struct skn_value map, struct skn_slice from, uint64_t n)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(map, SKN_T_MAP)) (void)skn_map_get(map, SKN_LIT("secret"), &v);
    if (!skn_value_is(v, SKN_T_SECRET)) return false;
    v = skn_value_as_secret(v);
    return skn_value_is(v, SKN_T_STRING) &&
           skn_slice_eq(skn_value_as_text(v), secret_text(cx, from, n));
}

static void
build_secret(struct skn_cx *cx, struct skn_builder *b, struct skn_slice from, uint64_t n)
{
    skn_build_key(b, SKN_LIT("secret"));
    skn_build_secret_begin(b);
    skn_build_string(b, secret_text(cx, from, n));
    skn_build_secret_end(b);
}

/* The last note is kept with its secret. False: the one before it is not what it was. */
static bool keep_secret(struct skn_cx *cx, struct skn_slice from, uint64_t n)
{
    struct skn_slice bytes, key = SKN_LIT("k");
    bool is_good = true;
    enum skn_rc rc = skn_cx_get(cx, key, &bytes);
    if (rc == SKN_OK) {
        struct skn_value last = skn_value_view(bytes);
        is_good = is_secret(cx, last, payload_text(last, "from"), (uint64_t)payload_int(last, "n"));
    }
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("from"));
    skn_build_string(b, from);
    skn_build_key(b, SKN_LIT("n"));
    skn_build_int(b, (int64_t)n);
    build_secret(cx, b, from, n);
    skn_build_map_end(b);
    rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_cx_put_value(cx, key, skn_value_view(skn_buf_slice(out)));
    return is_good;
}

/* What goes on from note to note. */
struct note {
    int64_t hops;
    bool has_secret;
};

static uint64_t next_sent(struct skn_cx *cx, unsigned lane, struct skn_slice address)
{
    struct numbers sent;
    struct skn_slice key = lane_key(cx, 's', lane, address);
    (void)numbers_get(cx, key, &sent);
    sent.n[0]++;
    numbers_put(cx, key, &sent, 1);
    return sent.n[0];
}

static void send_note(struct skn_cx *cx, struct skn_slice address, unsigned lane, struct note note)
{
    uint64_t n = next_sent(cx, lane, address);
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("n"));
    skn_build_int(b, (int64_t)n);
    skn_build_key(b, SKN_LIT("hops"));
    skn_build_int(b, note.hops);
    if (note.has_secret) {
        build_secret(cx, b, skn_cx_address(cx), n);
    } else {
        skn_build_key(b, SKN_LIT("plain"));
        skn_build_int(b, 1);
    }
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

static void send_all(struct skn_cx *cx, int64_t peers, struct note note)
{
    unsigned lane = any_lane(cx);
    for (int i = 0; i < peers; i++)
        send_note(cx,
                  numbers_text(skn_cx_arena(cx), "sim:Peer/", (uint64_t)i, (struct skn_slice){0}),
                  lane,
                  note);
}

enum { LANE_CALLS = SKN_PRIORITIES, LANE_REPLIES };

/* The next number of a lane to somebody, as the payload of a call or an answer. */
static struct skn_value count_sent(struct skn_cx *cx, unsigned lane, struct skn_slice address)
{
    uint64_t n = next_sent(cx, lane, address);
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("n"));
    skn_build_int(b, (int64_t)n);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    return skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out)));
}

static void count_received(struct skn_cx *cx, unsigned lane, const struct skn_message *message)
{
    struct numbers received;
    struct skn_slice key = lane_key(cx, 'r', lane, message->sender);
    (void)numbers_get(cx, key, &received);
    bool is_answer = message->rc == SKN_OK && skn_value_is(message->payload, SKN_T_MAP);
    uint64_t n = is_answer ? (uint64_t)payload_int(message->payload, "n") : UINT64_MAX;
    received.n[0]++;
    if (n != received.n[0] && received.n[1] == 0) received.n[1] = n;
    numbers_put(cx, key, &received, 2);
}

static void call_back(struct skn_cx *cx, struct skn_slice address)
{
    struct skn_value n = count_sent(cx, LANE_CALLS, address);
    (void)skn_cx_call(cx, address, SKN_PRIORITY_NORMAL, SKN_LIT("call"), n, skn_cx_address(cx));
}

enum { KEPT_HEAD = 9, KEPT_OF = 3, KEPT_MS = 700 };

static void keep_call(struct skn_cx *cx, struct skn_slice caller)
{
    uint64_t kept = skn_cx_call_keep(cx, (struct skn_slice){0});
    uint8_t *tag = skn_arena_zero(skn_cx_arena(cx), 1, KEPT_HEAD + caller.len);
    memcpy(tag + 1, &kept, sizeof kept);
    memcpy(tag + KEPT_HEAD, caller.ptr, caller.len);
    (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + KEPT_MS, skn_slice(tag, KEPT_HEAD + caller.len));
}

static void answer_kept(struct skn_cx *cx, struct skn_slice tag)
{
    uint64_t kept;
    memcpy(&kept, tag.ptr + 1, sizeof kept);
    struct skn_value n = count_sent(cx, LANE_REPLIES, skn_slice_from(tag, KEPT_HEAD));
    (void)skn_cx_call_answer(cx, kept, n);
}

static void take_call(struct skn_cx *cx, const struct skn_message *message)
{
    count_received(cx, LANE_CALLS, message);
    if (payload_int(message->payload, "n") % KEPT_OF == 0) {
        keep_call(cx, message->sender);
        return;
    }
    skn_cx_reply(cx, count_sent(cx, LANE_REPLIES, message->sender));
}

static void take_note(struct skn_cx *cx, const struct skn_message *message)
{
    struct numbers received;
    unsigned lane = message->priority;
    struct skn_slice key = lane_key(cx, 'r', lane, message->sender);
    (void)numbers_get(cx, key, &received);
    uint64_t n = (uint64_t)payload_int(message->payload, "n");
    struct note note = {.hops = payload_int(message->payload, "hops"),
                        .has_secret = payload_int(message->payload, "plain") == 0};
    received.n[0]++;
    bool is_whole = true;
    if (note.has_secret) is_whole = keep_secret(cx, message->sender, n);
    if (note.has_secret) is_whole &= is_secret(cx, message->payload, message->sender, n);
    if ((n != received.n[0] || !is_whole) && received.n[1] == 0) received.n[1] = n;
    numbers_put(cx, key, &received, 2);
    if (note.hops == 0) return;
    if (note.hops-- % 5 == 0) {
        lane = any_lane(cx);
        call_back(cx, message->sender);
    }
    send_note(cx, message->sender, lane, note);
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
    send_note(cx, skn_cx_address(cx), SKN_PRIORITY_BACKGROUND, (struct note){0});
}

static enum skn_rc
peer_handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    if (message->kind == SKN_MESSAGE_TIMER && message->tag.len > KEPT_HEAD &&
        message->tag.ptr[0] == 0)
        answer_kept(cx, message->tag);
    else if (message->kind == SKN_MESSAGE_TIMER)
        fire(cx, message->tag);
    else if (message->kind == SKN_MESSAGE_CALL)
        take_call(cx, message);
    else if (message->kind == SKN_MESSAGE_ANSWER)
        count_received(cx, LANE_REPLIES, message);
    else if (is_name(message->name, "note"))
        take_note(cx, message);
    else if (is_name(message->name, "later"))
        set_timer(cx, message->payload);
    else
        send_all(
            cx,
            payload_int(message->payload, "n"),
            (struct note){.hops = payload_int(message->payload, "amount"),
                          .has_secret = is_name(payload_text(message->payload, "what"), "secret")});
    return skn_cx_rc(cx);
}

const struct skn_program sim_peer_program = {
    .type = "Peer", .module = 112, .takes_secrets = true, .handle = peer_handle};

bool peers_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out)
{
    if (key.ptr[0] == 'x' || key.ptr[0] == 'k') return false;
    struct numbers row = numbers_decode(value);
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
