/* value.c - making, reading and walking values. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/value.h"

#include "value/value_internal.h"

#include "base/pure.h"

static_assert(sizeof(struct skn_value) == 16, "two registers");
static_assert(SKN_T_SYMBOL > SKN_T_MAP && SKN_T_BLOB < SKN_T_TIME, "encoded_size reads tag ranges");

const char *skn_tag_name(enum skn_tag tag)
{
    static const char *const names[SKN_T_COUNT] = {
        "none",
        "bool",
        "int",
        "real",
        "string",
        "bytes",
        "list",
        "map",
        "symbol",
        "error",
        "secret",
        "blob",
        "time",
        "duration",
        "sealed value",
    };
    return (unsigned)tag < SKN_T_COUNT ? names[tag] : "unknown";
}

struct skn_value skn_value_real(double r)
{
    uint64_t bits = bits_of_real(r);
    SKN_ASSERT((bits & INT64_MAX) <= UINT64_C(0x7ff0000000000000)); /* not NaN */
    if (bits == UINT64_C(1) << 63) r = 0.0;
    return (struct skn_value){.as.r = r, .tag = SKN_T_REAL};
}

static struct skn_value text(enum skn_tag tag, struct skn_slice s)
{
    SKN_ASSERT(s.len <= SKN_VALUE_TEXT_MAX);
    return (struct skn_value){.as.ptr = s.ptr, .len = (uint32_t)s.len, .tag = (uint8_t)tag};
}

struct skn_value skn_value_string(struct skn_slice s)
{
    return text(SKN_T_STRING, s);
}

struct skn_value skn_value_bytes(struct skn_slice bytes)
{
    return text(SKN_T_BYTES, bytes);
}

struct skn_value skn_value_symbol(struct skn_slice name)
{
    SKN_ASSERT(name.len > 0);
    return text(SKN_T_SYMBOL, name);
}

bool skn_value_as_bool(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_BOOL);
    return v.as.i != 0;
}

int64_t skn_value_as_int(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_INT);
    return v.as.i;
}

double skn_value_as_real(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_REAL);
    return v.as.r;
}

int64_t skn_value_as_time(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_TIME);
    return v.as.i;
}

int64_t skn_value_as_duration(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_DURATION);
    return v.as.i;
}

struct skn_slice skn_value_as_text(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_STRING || v.tag == SKN_T_BYTES || v.tag == SKN_T_SYMBOL);
    return skn_slice(v.as.ptr, v.len);
}

struct skn_value skn_value_at(const uint8_t *p)
{
    struct skn_value v = {.tag = *p};
    if (is_fixed8(v.tag)) {
        v.as.i = (int64_t)get_le64(p + 1); /* a real's bits are read back through the union */
    } else if (v.tag == SKN_T_BOOL) {
        v.as.i = p[1];
    } else if (v.tag != SKN_T_NONE) {
        v.len = get_le32(p + 1);
        v.as.ptr = p + HEAD_BYTES;
    }
    return v;
}

struct skn_value skn_value_as_secret(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_SECRET);
    return skn_value_at(v.as.ptr);
}

struct skn_slice skn_value_as_sealed(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_SEALED);
    return skn_slice(v.as.ptr, v.len);
}

struct skn_value_error skn_value_as_error(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_ERROR);
    const uint8_t *code = v.as.ptr;
    const uint8_t *message = code + encoded_size(code);
    return (struct skn_value_error){
        .code = skn_value_as_text(skn_value_at(code)),
        .message = skn_value_as_text(skn_value_at(message)),
        .data = skn_value_at(message + encoded_size(message)),
    };
}

struct skn_value_blob skn_value_as_blob(struct skn_value v)
{
    SKN_ASSERT(v.tag == SKN_T_BLOB);
    return (struct skn_value_blob){
        .hash = skn_slice(v.as.ptr, SKN_VALUE_HASH_BYTES),
        .size = get_le64(v.as.ptr + SKN_VALUE_HASH_BYTES),
        .media_type = skn_slice(v.as.ptr + BLOB_BYTES_MIN, v.len - BLOB_BYTES_MIN),
    };
}

uint32_t skn_value_count(struct skn_value v)
{
    return v.tag == SKN_T_LIST || v.tag == SKN_T_MAP ? get_le32(v.as.ptr) : 0;
}

struct skn_value_iter skn_value_iter(struct skn_value v)
{
    uint32_t count = skn_value_count(v);
    return (struct skn_value_iter){
        .at = count > 0 ? v.as.ptr + 4 : NULL,
        .left = count,
        .is_map = v.tag == SKN_T_MAP,
    };
}

bool skn_value_next(struct skn_value_iter *iter,
                    struct skn_slice *out_key,
                    struct skn_value *out_value)
{
    if (iter->left == 0) return false;
    iter->left--;
    struct skn_slice key = {0};
    if (iter->is_map) {
        key = skn_slice(iter->at + 4, get_le32(iter->at));
        iter->at += 4 + key.len;
    }
    if (out_key) *out_key = key;
    *out_value = skn_value_at(iter->at);
    iter->at += encoded_size(iter->at);
    return true;
}

bool skn_list_at(struct skn_value list, uint32_t index, struct skn_value *out_value)
{
    SKN_ASSERT(list.tag == SKN_T_LIST);
    if (index >= skn_value_count(list)) return false;
    const uint8_t *p = list.as.ptr + 4;
    for (uint32_t i = 0; i < index; i++)
        p += encoded_size(p);
    *out_value = skn_value_at(p);
    return true;
}

bool skn_map_get(struct skn_value map, struct skn_slice key, struct skn_value *out_value)
{
    SKN_ASSERT(map.tag == SKN_T_MAP);
    const uint8_t *p = map.as.ptr + 4;
    for (uint32_t left = get_le32(map.as.ptr); left > 0; left--) {
        struct skn_slice here = skn_slice(p + 4, get_le32(p));
        p += 4 + here.len;
        int order = skn_slice_cmp(here, key);
        if (order > 0) return false;
        if (order == 0) *out_value = skn_value_at(p);
        if (order == 0) return true;
        p += encoded_size(p);
    }
    return false;
}

struct skn_value skn_value_view(struct skn_slice bytes)
{
    SKN_ASSERT(bytes.len > 0);
    SKN_DASSERT(skn_value_check_inside(bytes, NULL) == SKN_OK);
    SKN_ASSERT(encoded_size(bytes.ptr) == bytes.len);
    return skn_value_at(bytes.ptr);
}

size_t skn_value_size(struct skn_value v)
{
    if (is_fixed8(v.tag)) return 9;
    if (v.tag <= SKN_T_BOOL) return 1 + (size_t)v.tag;
    return HEAD_BYTES + (size_t)v.len;
}

void skn_value_encode(struct skn_value v, struct skn_buf *out)
{
    SKN_ASSERT(v.tag < SKN_T_COUNT);
    size_t size = skn_value_size(v);
    uint8_t *p = skn_buf_reserve(out, size);
    if (!p) return;
    p[0] = v.tag;
    if (v.tag == SKN_T_BOOL) {
        p[1] = v.as.i != 0;
    } else if (is_fixed8(v.tag)) {
        set_le64(p + 1, (uint64_t)v.as.i);
    } else if (v.tag != SKN_T_NONE) {
        set_le32(p + 1, v.len);
        if (v.len > 0) memcpy(p + HEAD_BYTES, v.as.ptr, v.len);
    }
    skn_buf_commit(out, size);
}
