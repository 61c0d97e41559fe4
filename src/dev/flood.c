/* flood.c - Flood: sends many notes to one address, its own included, and counts what it gets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

/* Rows: "sent" and "received" notes; "n" and an address: the last number from there; "disorder":
 * notes that did not have the number after that. A flood goes on in slices of `at_once` notes, so that
 * its numbers stay in one order and no batch grows with `count`. */
enum { AT_ONCE = 1000, COUNT_MAX = 100 << 20, BYTES_MAX = 512 << 10 };

#define SENT     SKN_LIT("sent")
#define RECEIVED SKN_LIT("received")
#define DISORDER SKN_LIT("disorder")

struct flood {
    struct skn_slice to;
    int64_t count;
    int64_t bytes;
    int64_t at_once;
};

static void send_note(struct skn_cx *cx, const struct flood *f, int64_t n, struct skn_slice text)
{
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "n", n);
    skn_build_key(b, SKN_LIT("text"));
    skn_build_string(b, text);
    skn_cx_send(cx, f->to, SKN_PRIORITY_NORMAL, SKN_LIT("note"), dev_map_end(cx, b));
}

/* The rest is a message to itself. */
static void go_on(struct skn_cx *cx, const struct flood *f, int64_t left)
{
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "count", left);
    dev_map_int(b, "bytes", f->bytes);
    dev_map_int(b, "at_once", f->at_once);
    skn_build_key(b, SKN_LIT("to"));
    skn_build_string(b, f->to);
    skn_cx_send(cx, skn_cx_address(cx), SKN_PRIORITY_NORMAL, SKN_LIT("flood"), dev_map_end(cx, b));
}

static enum skn_rc
flood(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct flood f;
    if (!dev_text(message->payload, "to", SKN_ADDRESS_MAX, &f.to) ||
        !dev_int(message->payload, "count", 0, COUNT_MAX, 1, &f.count) ||
        !dev_int(message->payload, "bytes", 0, BYTES_MAX, 0, &f.bytes) ||
        !dev_int(message->payload, "at_once", 1, AT_ONCE, AT_ONCE, &f.at_once))
        return dev_refuse(cx, message, "{to: an address, count, bytes up to 524288, at_once}");
    uint8_t *text = skn_arena_alloc(skn_cx_arena(cx), (size_t)f.bytes + 1);
    memset(text, '.', (size_t)f.bytes);
    int64_t sent = dev_row_get(cx, SENT), n = 0;
    while (n < f.count && n < f.at_once && !skn_cx_is_half_full(cx) && skn_cx_rc(cx) == SKN_OK)
        send_note(cx, &f, sent + ++n, skn_slice(text, (size_t)f.bytes));
    dev_row_put(cx, SENT, sent + n);
    if (n < f.count) go_on(cx, &f, f.count - n);
    return dev_end(cx, message, diag);
}

static enum skn_rc note(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t n, ignored;
    if (!dev_int(message->payload, "n", 1, INT64_MAX, 0, &n))
        return dev_refuse(cx, message, "{n}, and is sent by Flood");
    struct skn_slice key = dev_key(cx, 'n', message->sender);
    enum skn_rc rc = SKN_OK;
    if (n != dev_row_get(cx, key) + 1) rc = dev_row_add(cx, DISORDER, 1, &ignored, diag);
    dev_row_put(cx, key, n);
    return rc == SKN_OK ? dev_row_add(cx, RECEIVED, 1, &ignored, diag) : rc;
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (dev_is(message->name, "flood")) return flood(cx, message, diag);
    if (dev_is(message->name, "note")) return note(cx, message, diag);
    if (!dev_is(message->name, "get")) return dev_refuse(cx, message, "that of flood or get");
    int64_t sent = dev_row_get(cx, SENT), received = dev_row_get(cx, RECEIVED),
            disorder = dev_row_get(cx, DISORDER);
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "sent", sent);
    dev_map_int(b, "received", received);
    dev_map_int(b, "disorder", disorder);
    skn_cx_reply(cx, dev_map_end(cx, b));
    return skn_cx_rc(cx);
}

const struct skn_program skn_dev_flood = {.type = "Flood", .module = 204, .handle = handle};
