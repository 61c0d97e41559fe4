/* programs.c - two domain programs of the simulator: a ledger that adds, peers that send. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "core/cx.h"
#include "sim/world_internal.h"

#include "base/pure.h"

/* Rows of both: a value is two numbers, little-endian, 8 bytes each.
 *   ledger  "t"          sum, 0
 *           "e" id       amount, how often it was added
 *   peer    "s" address  messages sent to it, 0
 *           "r" address  messages received from it, the first that came out of order or 0
 */
enum { FAULTY = 50 }; /* one add of so many breaks a rule of the ledger */

struct two {
    uint64_t a, b;
};

static struct skn_slice row_key(struct skn_arena *arena, const char *kind, struct skn_slice rest)
{
    return skn_slice_str(skn_arena_printf(arena, "%s%.*s", kind, SKN_FMT(rest)));
}

static struct two decode(struct skn_slice bytes)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    struct two two = {.a = skn_cursor_le64(&cursor)};
    two.b = skn_cursor_le64(&cursor);
    SKN_ASSERT(skn_cursor_is_done(&cursor));
    return two;
}

/* Zeros when there is no such row. */
static struct two get(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, key, &bytes) != SKN_OK) return (struct two){0};
    return decode(bytes);
}

static void put(struct skn_cx *cx, struct skn_slice key, struct two two)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    skn_buf_put_le64(out, two.a);
    skn_buf_put_le64(out, two.b);
    skn_cx_put(cx, key, skn_buf_slice(out));
}

static struct skn_value member(struct skn_value map, const char *name)
{
    struct skn_value v = skn_value_none();
    (void)skn_map_get(map, skn_slice_str(name), &v);
    return v;
}

static bool is(struct skn_slice name, const char *text)
{
    return skn_slice_eq(name, skn_slice_str(text));
}

/* --- the ledger: add {id, amount}, get ---------------------------------------------------------- */

static enum skn_rc ledger_handle(struct skn_cx *cx,
                                 void *warm,
                                 const struct skn_message *message,
                                 struct skn_diag *diag)
{
    (void)warm;
    struct two sum = get(cx, SKN_LIT("t"));
    if (is(message->name, "add")) {
        struct skn_slice id = skn_value_as_text(member(message->payload, "id"));
        uint64_t amount = (uint64_t)skn_value_as_int(member(message->payload, "amount"));
        struct skn_slice key = row_key(skn_cx_arena(cx), "e", id);
        struct two entry = get(cx, key);
        put(cx, key, (struct two){amount, entry.b + 1});
        sum.a += amount;
        put(cx, SKN_LIT("t"), sum);
        /* All of it is dropped again: a slice is whole or nothing. */
        if (amount % FAULTY == 0) return SKN_FAIL(diag, SKN_EFAULT, "an amount of ill luck");
    }
    skn_cx_reply(cx, skn_value_int((int64_t)sum.a));
    return skn_cx_rc(cx);
}

const struct skn_program sim_ledger_program = {
    .type = "Ledger", .module = 101, .handle = ledger_handle};

/* --- peers: go {hops}, later {ms}, and the note {n, hops} between them ----------------------------- */

static void send_note(struct skn_cx *cx, struct skn_slice address, int64_t hops)
{
    struct skn_slice key = row_key(skn_cx_arena(cx), "s", address);
    struct two sent = get(cx, key);
    sent.a++;
    put(cx, key, sent);
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("n"));
    skn_build_int(b, (int64_t)sent.a);
    skn_build_key(b, SKN_LIT("hops"));
    skn_build_int(b, hops);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_cx_send(
        cx, address, SKN_PRIORITY_NORMAL, SKN_LIT("note"), skn_value_view(skn_buf_slice(out)));
}

static void send_all(struct skn_cx *cx, int64_t hops)
{
    for (int i = 0; i < PEERS; i++)
        send_note(cx, skn_slice_str(skn_arena_printf(skn_cx_arena(cx), "sim:Peer/%d", i)), hops);
}

static void take_note(struct skn_cx *cx, const struct skn_message *message)
{
    struct skn_slice key = row_key(skn_cx_arena(cx), "r", message->sender);
    struct two received = get(cx, key);
    uint64_t n = (uint64_t)skn_value_as_int(member(message->payload, "n"));
    int64_t hops = skn_value_as_int(member(message->payload, "hops"));
    received.a++;
    if (n != received.a && received.b == 0) received.b = n;
    put(cx, key, received);
    if (hops > 0) send_note(cx, message->sender, hops - 1);
}

static enum skn_rc
peer_handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    if (message->kind == SKN_MESSAGE_TIMER) {
        send_all(cx, 0);
    } else if (is(message->name, "note")) {
        take_note(cx, message);
    } else if (is(message->name, "later")) {
        uint64_t ms = (uint64_t)skn_value_as_int(member(message->payload, "amount"));
        (void)skn_cx_timer_set(cx, skn_cx_now_ms(cx) + ms, SKN_LIT("later"));
    } else {
        send_all(cx, skn_value_as_int(member(message->payload, "amount")) % 4);
    }
    return skn_cx_rc(cx);
}

const struct skn_program sim_peer_program = {.type = "Peer", .module = 102, .handle = peer_handle};

/* --- as events ----------------------------------------------------------------------------------------- */

static void tell(struct world *w, struct skn_slice address, struct skn_slice key, struct two row)
{
    struct skn_history_event event = {.domain = address, .id = skn_slice_from(key, 1)};
    switch (key.ptr[0]) {
    case 't':
        event.kind = SKN_HISTORY_TOTAL;
        event.amount = (int64_t)row.a;
        break;
    case 'e':
        event.kind = SKN_HISTORY_ENTRY;
        event.amount = (int64_t)row.a;
        event.count = row.b;
        break;
    case 's':
        event.kind = SKN_HISTORY_SENT;
        event.count = row.a;
        break;
    default:
        event.kind = SKN_HISTORY_RECEIVED;
        event.count = row.a;
        event.amount = (int64_t)row.b;
        break;
    }
    world_event(w, &event);
}

void programs_look(struct world *w, struct skn_store *store, struct skn_slice address)
{
    struct skn_row row;
    struct skn_diag diag = {0};
    struct skn_arena scratch;
    struct skn_slice from = {0};
    enum skn_rc rc;
    skn_arena_init(&scratch);
    while ((rc = skn_core_next_row(store, address, (struct skn_slice){0}, from, &row, &diag)) ==
           SKN_OK) {
        tell(w, address, row.key, decode(row.value));
        uint8_t *next = skn_arena_zero(&scratch, row.key.len + 1, 1);
        memcpy(next, row.key.ptr, row.key.len);
        from = skn_slice(next, row.key.len + 1);
    }
    skn_arena_fini(&scratch);
    if (rc != SKN_ENOENT) world_fail(w, "rows cannot be read", &diag);
}
