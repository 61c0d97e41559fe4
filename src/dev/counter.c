/* counter.c - Counter: adds, now or later, to one row or to many. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

enum { ROWS_MAX = 1000, PAD_MAX = 64 << 10, TAG_BYTES = 8 };

#define SUM SKN_LIT("sum")

static enum skn_rc
add(struct skn_cx *cx, const struct skn_message *message, int64_t n, struct skn_diag *diag)
{
    int64_t sum;
    enum skn_rc rc = dev_row_add(cx, SUM, n, &sum, diag);
    if (rc != SKN_OK) return rc;
    skn_cx_reply(cx, skn_value_int(sum));
    return dev_end(cx, message, diag);
}

/* One of many rows: {n, pad}. */
static void add_one(struct skn_cx *cx, struct skn_slice key, int64_t n, struct skn_slice pad)
{
    struct skn_slice bytes;
    int64_t before = 0;
    if (skn_cx_get(cx, key, &bytes) == SKN_OK)
        (void)dev_int(skn_value_view(bytes), "n", INT64_MIN, INT64_MAX, 0, &before);
    struct skn_builder *b = dev_map_begin(cx);
    /* Wraps, as -fwrapv says: only the sum is checked. */
    dev_map_int(b, "n", before + n);
    skn_build_key(b, SKN_LIT("pad"));
    skn_build_string(b, pad);
    skn_cx_put_value(cx, key, dev_map_end(cx, b));
}

static enum skn_rc
add_many(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t n, rows, bytes;
    if (!dev_int(message->payload, "n", INT64_MIN, INT64_MAX, 1, &n) ||
        !dev_int(message->payload, "rows", 1, ROWS_MAX, 5, &rows) ||
        !dev_int(message->payload, "bytes", 0, PAD_MAX, 0, &bytes))
        return dev_refuse(cx, message, "{n, rows up to 1000, bytes up to 65536}");
    uint8_t *pad = skn_arena_alloc(skn_cx_arena(cx), (size_t)bytes + 1);
    memset(pad, '.', (size_t)bytes);
    for (int64_t i = 0; i < rows; i++) {
        const char *key = skn_arena_printf(skn_cx_arena(cx), "r%03d", (int)i);
        add_one(cx, skn_slice_str(key), n, skn_slice(pad, (size_t)bytes));
    }
    return add(cx, message, n, diag);
}

/* Deletes the first rows that add-many made, and says why. */
static enum skn_rc drop(struct skn_cx *cx, const struct skn_message *message)
{
    int64_t rows;
    struct skn_slice name = SKN_LIT("delete");
    enum skn_why why = SKN_WHY_DELETE;
    (void)dev_text(message->payload, "why", 16, &name);
    while (why < SKN_WHYS && !skn_slice_eq(name, skn_slice_str(skn_why_name(why))))
        why++;
    if (why == SKN_WHYS || !dev_int(message->payload, "rows", 1, ROWS_MAX, 1, &rows))
        return dev_refuse(cx, message, "{rows up to 1000, why}: delete, prune or fold");
    for (int64_t i = 0; i < rows; i++) {
        const char *key = skn_arena_printf(skn_cx_arena(cx), "r%03d", (int)i);
        skn_cx_delete_why(cx, skn_slice_str(key), why);
    }
    skn_cx_reply(cx, skn_value_int(rows));
    return skn_cx_rc(cx);
}

/* The timer's tag is the number to add. */
static enum skn_rc add_later(struct skn_cx *cx, const struct skn_message *message)
{
    int64_t n, ms;
    uint8_t tag[TAG_BYTES];
    if (!dev_int(message->payload, "n", INT64_MIN, INT64_MAX, 1, &n) ||
        !dev_int(message->payload, "ms", 0, INT64_C(1) << 40, 0, &ms))
        return dev_refuse(cx, message, "{n, ms}");
    for (size_t i = 0; i < sizeof tag; i++)
        tag[i] = (uint8_t)((uint64_t)n >> (8 * i));
    uint64_t number =
        skn_cx_timer_set(cx, skn_cx_now_ms(cx) + (uint64_t)ms, skn_slice(tag, sizeof tag));
    skn_cx_reply(cx, skn_value_int((int64_t)number));
    return skn_cx_rc(cx);
}

static enum skn_rc
fired(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    uint64_t n = 0;
    for (size_t i = 0; i < message->tag.len && i < TAG_BYTES; i++)
        n |= (uint64_t)message->tag.ptr[i] << (8 * i);
    return add(cx, message, (int64_t)n, diag);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    int64_t n;
    if (message->kind == SKN_MESSAGE_TIMER) return fired(cx, message, diag);
    if (dev_is(message->name, "add-many")) return add_many(cx, message, diag);
    if (dev_is(message->name, "drop")) return drop(cx, message);
    if (dev_is(message->name, "add-later")) return add_later(cx, message);
    if (dev_is(message->name, "get")) {
        skn_cx_reply(cx, skn_value_int(dev_row_get(cx, SUM)));
        return skn_cx_rc(cx);
    }
    if (!dev_is(message->name, "add"))
        return dev_refuse(cx, message, "that of add, add-many, add-later, drop or get");
    if (!dev_int(message->payload, "n", INT64_MIN, INT64_MAX, 1, &n))
        return dev_refuse(cx, message, "{n}");
    return add(cx, message, n, diag);
}

const struct skn_program skn_dev_counter = {.type = "Counter", .module = 201, .handle = handle};
