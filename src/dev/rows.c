/* rows.c - reading payloads, and rows that are numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev_internal.h"

#include "base/pure.h"

struct skn_value dev_member(struct skn_value payload, const char *name)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(payload, SKN_T_MAP)) (void)skn_map_get(payload, skn_slice_str(name), &v);
    return v;
}

bool dev_int(struct skn_value payload,
             const char *name,
             int64_t min,
             int64_t max,
             int64_t otherwise,
             int64_t *out)
{
    struct skn_value v = dev_member(payload, name);
    *out = otherwise;
    if (skn_value_is(v, SKN_T_INT)) *out = skn_value_as_int(v);
    if (!skn_value_is(v, SKN_T_INT) && !skn_value_is(v, SKN_T_NONE)) return false;
    return *out >= min && *out <= max;
}

bool dev_text(struct skn_value payload, const char *name, size_t max, struct skn_slice *out)
{
    struct skn_value v = dev_member(payload, name);
    if (!skn_value_is(v, SKN_T_STRING)) return false;
    *out = skn_value_as_text(v);
    return out->len > 0 && out->len <= max;
}

int64_t dev_row_get(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, key, &bytes) != SKN_OK) return 0;
    struct skn_value v = skn_value_view(bytes);
    return skn_value_is(v, SKN_T_INT) ? skn_value_as_int(v) : 0;
}

void dev_row_put(struct skn_cx *cx, struct skn_slice key, int64_t n)
{
    skn_cx_put_value(cx, key, skn_value_int(n));
}

enum skn_rc
dev_row_add(struct skn_cx *cx, struct skn_slice key, int64_t n, int64_t *out, struct skn_diag *diag)
{
    if (__builtin_add_overflow(dev_row_get(cx, key), n, out))
        return SKN_FAIL(diag, SKN_EFAULT, "the sum does not fit 64 bits");
    dev_row_put(cx, key, *out);
    return SKN_OK;
}

struct skn_slice dev_key(struct skn_cx *cx, char kind, struct skn_slice rest)
{
    uint8_t *bytes = skn_arena_alloc(skn_cx_arena(cx), rest.len + 1);
    bytes[0] = (uint8_t)kind;
    if (rest.len > 0) memcpy(bytes + 1, rest.ptr, rest.len);
    return skn_slice(bytes, rest.len + 1);
}

struct skn_builder *dev_map_begin(struct skn_cx *cx)
{
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, skn_cx_scratch(cx));
    skn_build_map_begin(b);
    return b;
}

void dev_map_int(struct skn_builder *b, const char *name, int64_t n)
{
    skn_build_key(b, skn_slice_str(name));
    skn_build_int(b, n);
}

struct skn_value dev_map_end(struct skn_cx *cx, struct skn_builder *b)
{
    struct skn_buf *out = b->out;
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK); /* far below the scratch buffer's size, and no key twice */
    return skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out)));
}

enum skn_rc dev_refuse(struct skn_cx *cx, const struct skn_message *message, const char *wanted)
{
    const char *text = skn_arena_printf(
        skn_cx_arena(cx), "the payload of \"%.*s\" is to be %s", SKN_FMT(message->name), wanted);
    skn_cx_refuse(cx, SKN_EARGS, text);
    return skn_cx_rc(cx);
}

enum skn_rc dev_end(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_value v = dev_member(message->payload, "fault");
    if (skn_value_is(v, SKN_T_BOOL) && skn_value_as_bool(v))
        return SKN_FAIL(diag, SKN_EFAULT, "the payload asked for a fault");
    return skn_cx_rc(cx);
}
