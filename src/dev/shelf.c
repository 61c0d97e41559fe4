/* shelf.c - Shelf: things with a rank, found by it through a declared index. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

/* Rows: "t" and the thing: its rank. An index by rank. */
enum { BY_RANK = 1, THING_MAX = 200, RANK_MAX = 1 << 30, FOUND_MAX = 1000, RANK_BYTES = 4 };
enum { FILL_MAX = 1000, FILL_RANKS = 5 };

static void put_rank(struct skn_buf *out, int64_t rank)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        skn_buf_put_u8(out, (uint8_t)(rank >> shift));
}

static bool rank_of(struct skn_slice key, struct skn_slice value, struct skn_buf *out)
{
    struct skn_value v = skn_value_view(value);
    if (key.ptr[0] != 't' || !skn_value_is(v, SKN_T_INT)) return false;
    put_rank(out, skn_value_as_int(v));
    return true;
}

static enum skn_rc put(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice thing;
    int64_t rank;
    if (!dev_text(message->payload, "thing", THING_MAX, &thing) ||
        !dev_int(message->payload, "rank", 0, RANK_MAX, -1, &rank))
        return dev_refuse(cx, message, "{thing, rank}");
    dev_row_put(cx, dev_key(cx, 't', thing), rank);
    return dev_end(cx, message, diag);
}

static enum skn_rc drop(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice thing;
    if (!dev_text(message->payload, "thing", THING_MAX, &thing))
        return dev_refuse(cx, message, "{thing}");
    skn_cx_delete(cx, dev_key(cx, 't', thing));
    return dev_end(cx, message, diag);
}

/* Things that are called `begin` and a number from 0, of ranks from 0 to 4. */
static enum skn_rc fill(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice begin;
    int64_t count;
    if (!dev_text(message->payload, "begin", THING_MAX - 4, &begin) ||
        !dev_int(message->payload, "count", 0, FILL_MAX, 0, &count))
        return dev_refuse(cx, message, "{begin, count up to 1000}");
    for (int i = 0; i < count && skn_cx_rc(cx) == SKN_OK; i++) {
        const char *thing = skn_arena_printf(skn_cx_arena(cx), "%.*s%03d", SKN_FMT(begin), i);
        dev_row_put(cx, dev_key(cx, 't', skn_slice_str(thing)), i % FILL_RANKS);
    }
    return dev_end(cx, message, diag);
}

/* All things whose names begin so, at once, however many there are; then a new one may come. */
static enum skn_rc
clear(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice begin = {0};
    if (!skn_value_is(dev_member(message->payload, "begin"), SKN_T_NONE) &&
        !dev_text(message->payload, "begin", THING_MAX, &begin))
        return dev_refuse(cx, message, "{begin}");
    skn_cx_delete_range(cx, dev_key(cx, 't', begin));
    if (!skn_value_is(dev_member(message->payload, "thing"), SKN_T_NONE))
        return put(cx, message, diag);
    return dev_end(cx, message, diag);
}

/* [thing, ..] of one rank, or of all, by rank. */
static enum skn_rc find(struct skn_cx *cx, const struct skn_message *message)
{
    int64_t rank;
    struct skn_buf entry;
    struct skn_found found, last;
    if (!dev_int(message->payload, "rank", -1, RANK_MAX, -1, &rank))
        return dev_refuse(cx, message, "{rank}");
    skn_buf_init(&entry, RANK_BYTES);
    if (rank >= 0) put_rank(&entry, rank);
    struct skn_slice prefix = skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(&entry));
    skn_buf_fini(&entry);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, skn_cx_scratch(cx));
    skn_build_list_begin(b);
    enum skn_rc rc = skn_cx_find(cx, BY_RANK, prefix, NULL, &found);
    for (int n = 0; rc == SKN_OK && n < FOUND_MAX; n++) {
        skn_build_string(b, skn_slice_from(found.row.key, 1));
        last = found;
        rc = skn_cx_find(cx, BY_RANK, prefix, &last, &found);
    }
    skn_build_list_end(b);
    struct skn_buf *out = b->out;
    if (skn_build_end(b, NULL) == SKN_OK) skn_cx_reply(cx, skn_value_view(skn_buf_slice(out)));
    return skn_cx_rc(cx);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (dev_is(message->name, "put")) return put(cx, message, diag);
    if (dev_is(message->name, "drop")) return drop(cx, message, diag);
    if (dev_is(message->name, "clear")) return clear(cx, message, diag);
    if (dev_is(message->name, "fill")) return fill(cx, message, diag);
    if (dev_is(message->name, "find")) return find(cx, message);
    return dev_refuse(cx, message, "that of put, drop, fill, clear or find");
}

static const struct skn_index indexes[] = {{.number = BY_RANK, .entry = rank_of}, {0}};

const struct skn_program skn_dev_shelf = {
    .type = "Shelf", .module = 206, .handle = handle, .indexes = indexes};
