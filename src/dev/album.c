/* album.c - Album: contents under names; its rows and messages name them [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

/* Rows: "p" and the name: the content. */
enum { HASH = SKN_VALUE_HASH_BYTES, NAME_MAX_BYTES = 200, HEX = 2 * HASH, ADDRESS = 512 };

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The hash of the payload as 32 bytes. */
static bool hash_of(struct skn_value payload, uint8_t out[HASH])
{
    struct skn_slice text;
    if (!dev_text(payload, "hash", HEX, &text) || text.len != HEX) return false;
    for (size_t i = 0; i < HASH; i++) {
        int high = digit_of(text.ptr[2 * i]), low = digit_of(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void
put_photo(struct skn_cx *cx, struct skn_slice name, const uint8_t hash[HASH], int64_t size)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_blob(b, hash, (uint64_t)size, (struct skn_slice){0});
    if (skn_build_end(b, NULL) == SKN_OK)
        skn_cx_put_value(cx, dev_key(cx, 'p', name), skn_value_view(skn_buf_slice(out)));
}

static enum skn_rc keep(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice name;
    uint8_t hash[HASH];
    int64_t size;
    if (!dev_text(message->payload, "name", NAME_MAX_BYTES, &name) ||
        !hash_of(message->payload, hash) ||
        !dev_int(message->payload, "size", 0, INT64_MAX, 0, &size))
        return dev_refuse(cx, message, "{name, hash, size}");
    put_photo(cx, name, hash, size);
    return dev_end(cx, message, diag);
}

static enum skn_rc drop(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice name;
    if (!dev_text(message->payload, "name", NAME_MAX_BYTES, &name))
        return dev_refuse(cx, message, "{name}");
    skn_cx_delete(cx, dev_key(cx, 'p', name));
    return dev_end(cx, message, diag);
}

/* To another album, which keeps it under the name "passed". */
static enum skn_rc pass(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice name, to, bytes;
    if (!dev_text(message->payload, "name", NAME_MAX_BYTES, &name) ||
        !dev_text(message->payload, "to", ADDRESS, &to))
        return dev_refuse(cx, message, "{name, to}");
    enum skn_rc rc = skn_cx_get(cx, dev_key(cx, 'p', name), &bytes);
    if (rc == SKN_ENOENT) return dev_refuse(cx, message, "the name of what it has");
    if (rc != SKN_OK) return rc;
    struct skn_value photo = skn_value_view(skn_arena_dup(skn_cx_arena(cx), bytes));
    skn_cx_send(cx, to, message->priority, SKN_LIT("photo"), photo);
    return dev_end(cx, message, diag);
}

static enum skn_rc get(struct skn_cx *cx, const struct skn_message *message)
{
    struct skn_slice name, bytes;
    if (!dev_text(message->payload, "name", NAME_MAX_BYTES, &name))
        return dev_refuse(cx, message, "{name}");
    enum skn_rc rc = skn_cx_get(cx, dev_key(cx, 'p', name), &bytes);
    if (rc == SKN_OK) skn_cx_reply(cx, skn_value_view(skn_arena_dup(skn_cx_arena(cx), bytes)));
    return rc == SKN_ENOENT ? SKN_OK : skn_cx_rc(cx);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (message->kind == SKN_MESSAGE_SEND) {
        bool is_photo = skn_value_is(message->payload, SKN_T_BLOB);
        if (is_photo) skn_cx_put_value(cx, dev_key(cx, 'p', SKN_LIT("passed")), message->payload);
        return skn_cx_rc(cx);
    }
    if (dev_is(message->name, "keep")) return keep(cx, message, diag);
    if (dev_is(message->name, "drop")) return drop(cx, message, diag);
    if (dev_is(message->name, "pass")) return pass(cx, message, diag);
    if (dev_is(message->name, "get")) return get(cx, message);
    return dev_refuse(cx, message, "that of keep, drop, pass or get");
}

const struct skn_program skn_dev_album = {.type = "Album", .module = 207, .handle = handle};
