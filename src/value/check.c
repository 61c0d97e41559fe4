/* check.c - whether bytes are one canonical value, and walks over those that are. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/value.h"

#include "value/value_internal.h"

#include "base/pure.h"

#define INFINITE UINT64_C(0x7ff0000000000000) /* larger magnitudes are NaN */

/* A composite whose end is not reached yet. */
struct level {
    size_t end;
    struct skn_slice key; /* the newest, of a map */
    uint32_t left;        /* values still to come */
    uint32_t done;
    uint8_t tag;
};

struct checker {
    struct skn_slice in;
    size_t at;
    size_t end; /* of the innermost open composite, or of everything */
    uint32_t depth;
    uint32_t sealed; /* how many parts are */
    bool may_be_sealed;
    bool is_marked; /* then what could be sealed is */
    struct skn_diag *diag;
    struct level levels[SKN_VALUE_DEPTH_MAX];
};

static bool has(const struct checker *c, size_t n)
{
    return c->end - c->at >= n;
}

static enum skn_rc cut(struct checker *c, const char *what)
{
    return SKN_CORRUPT(c->diag, "value, offset %zu: %s is cut off", c->at, what);
}

static enum skn_rc bad(struct checker *c, const char *what)
{
    return SKN_CORRUPT(c->diag, "value, offset %zu: %s", c->at, what);
}

/* An error is a symbol, a string and any value; the rest takes anything. */
static bool fits_parent(const struct checker *c, uint8_t tag)
{
    if (c->depth == 0) return true;
    const struct level *o = &c->levels[c->depth - 1];
    if (o->tag != SKN_T_ERROR) return true;
    return o->done == 0 ? tag == SKN_T_SYMBOL : o->done != 1 || tag == SKN_T_STRING;
}

static enum skn_rc check_fixed(struct checker *c, uint8_t tag)
{
    if (tag == SKN_T_BOOL) {
        if (!has(c, 2)) return cut(c, "a bool");
        if (c->in.ptr[c->at + 1] > 1) return bad(c, "a bool is neither 0 nor 1");
        c->at += 2;
        return SKN_OK;
    }
    if (!has(c, 9)) return cut(c, "a number");
    uint64_t bits = get_le64(c->in.ptr + c->at + 1);
    if (tag == SKN_T_REAL && (bits & INT64_MAX) > INFINITE) return bad(c, "a real is NaN");
    if (tag == SKN_T_REAL && bits == UINT64_C(1) << 63) return bad(c, "a real is -0.0");
    c->at += 9;
    return SKN_OK;
}

/* Opens the composite whose head stands at `at`; its size fits. */
static enum skn_rc open_composite(struct checker *c, uint8_t tag, size_t size)
{
    if (c->depth == SKN_VALUE_DEPTH_MAX) return bad(c, "values are nested too deep");
    uint32_t left = tag == SKN_T_ERROR ? 3 : 1;
    size_t head = HEAD_BYTES;
    if (tag == SKN_T_LIST || tag == SKN_T_MAP) {
        if (size < 4) return cut(c, "the count of a list or map");
        left = get_le32(c->in.ptr + c->at + HEAD_BYTES);
        head += 4;
    }
    c->end = c->at + HEAD_BYTES + size;
    c->levels[c->depth++] = (struct level){.end = c->end, .left = left, .tag = tag};
    c->at += head;
    return SKN_OK;
}

static enum skn_rc check_sized(struct checker *c, uint8_t tag)
{
    if (!has(c, HEAD_BYTES)) return cut(c, "a size");
    size_t size = get_le32(c->in.ptr + c->at + 1);
    if (!has(c, HEAD_BYTES + size)) return cut(c, skn_tag_name(tag));
    if (tag == SKN_T_SECRET && c->is_marked) return bad(c, "of several secrets one is plain");
    if (is_composite(tag)) return open_composite(c, tag, size);
    if (size > SKN_VALUE_TEXT_MAX) return bad(c, "a text is over its limit");
    if (tag == SKN_T_SYMBOL && size == 0) return bad(c, "a symbol is empty");
    if (tag == SKN_T_BLOB && size < BLOB_BYTES_MIN) return cut(c, "a blob");
    if (tag == SKN_T_SEALED && !c->may_be_sealed) return bad(c, "it is sealed");
    if (tag == SKN_T_SEALED && size == 0) return cut(c, "a sealed value");
    if (tag == SKN_T_SEALED) c->sealed++;
    c->at += HEAD_BYTES + size;
    return SKN_OK;
}

static enum skn_rc check_one(struct checker *c)
{
    if (!has(c, 1)) return cut(c, "a value");
    uint8_t tag = c->in.ptr[c->at];
    if (tag >= SKN_T_COUNT) {
        return SKN_CORRUPT(c->diag, "value, offset %zu: no value has tag 0x%02x", c->at, tag);
    }
    if (!fits_parent(c, tag)) return bad(c, "an error is a symbol, a string and a value");
    if (c->depth > 0) c->levels[c->depth - 1].left--;
    if (c->depth > 0) c->levels[c->depth - 1].done++;
    if (tag == SKN_T_NONE) {
        c->at++;
        return SKN_OK;
    }
    return tag == SKN_T_BOOL || is_fixed8(tag) ? check_fixed(c, tag) : check_sized(c, tag);
}

/* Closes every composite that is complete. */
static enum skn_rc close_complete(struct checker *c)
{
    while (c->depth > 0 && c->levels[c->depth - 1].left == 0) {
        if (c->at != c->end) return bad(c, "bytes stand behind the last element");
        c->depth--;
        c->end = c->depth > 0 ? c->levels[c->depth - 1].end : c->in.len;
    }
    return SKN_OK;
}

static enum skn_rc check_key(struct checker *c)
{
    struct level *o = &c->levels[c->depth - 1];
    if (!has(c, 4)) return cut(c, "the size of a key");
    struct skn_slice key = skn_slice(c->in.ptr + c->at + 4, get_le32(c->in.ptr + c->at));
    if (!has(c, 4 + key.len)) return cut(c, "a key");
    if (key.len > SKN_VALUE_TEXT_MAX) return bad(c, "a key is over its limit");
    if (o->done > 0 && skn_slice_cmp(o->key, key) >= 0) return bad(c, "the keys do not rise");
    o->key = key;
    c->at += 4 + key.len;
    return SKN_OK;
}

static enum skn_rc check(struct checker *c, struct skn_slice bytes, struct skn_diag *diag)
{
    c->in = bytes;
    c->at = 0;
    c->end = bytes.len;
    c->depth = 0;
    c->sealed = 0;
    c->diag = diag;
    enum skn_rc rc = SKN_OK;
    do {
        if (c->depth > 0 && c->levels[c->depth - 1].tag == SKN_T_MAP) rc = check_key(c);
        if (rc == SKN_OK) rc = check_one(c);
        if (rc == SKN_OK) rc = close_complete(c);
    } while (rc == SKN_OK && c->depth > 0);
    if (rc == SKN_OK && c->at != bytes.len) rc = bad(c, "bytes stand behind the value");
    return rc;
}

enum skn_rc skn_value_check(struct skn_slice bytes, struct skn_diag *diag)
{
    struct checker c; /* `levels` is filled as it is used: 12 KiB are not cleared for an int */
    c.may_be_sealed = c.is_marked = false;
    return check(&c, bytes, diag);
}

enum skn_rc skn_value_check_inside(struct skn_slice bytes, struct skn_diag *diag)
{
    struct checker c;
    c.may_be_sealed = true;
    c.is_marked = false;
    return check(&c, bytes, diag);
}

enum skn_rc
skn_stored_check(struct skn_slice bytes, struct skn_value *out_value, struct skn_diag *diag)
{
    struct checker c;
    c.may_be_sealed = c.is_marked = skn_stored_is_sealed(bytes);
    if (c.is_marked) bytes = skn_slice_from(bytes, 1);
    enum skn_rc rc = check(&c, bytes, diag);
    if (rc == SKN_OK && c.is_marked && c.sealed == 0) rc = bad(&c, "nothing in it is sealed");
    if (rc == SKN_OK) *out_value = skn_value_at(bytes.ptr);
    return rc;
}

/* Every value inside a checked one, in the order of their bytes. */
struct walk {
    const uint8_t *at;
    uint32_t depth;
    uint32_t deepest;
    const uint8_t *end[SKN_VALUE_DEPTH_MAX];
    bool is_map[SKN_VALUE_DEPTH_MAX];
};

static void walk_into(struct walk *w, struct skn_value v)
{
    SKN_ASSERT(w->depth < SKN_VALUE_DEPTH_MAX);
    bool counted = v.tag == SKN_T_LIST || v.tag == SKN_T_MAP;
    w->at = v.as.ptr + (counted ? 4 : 0);
    w->end[w->depth] = v.as.ptr + v.len;
    w->is_map[w->depth] = v.tag == SKN_T_MAP;
    w->depth++;
    if (w->depth > w->deepest) w->deepest = w->depth;
}

/* The next value, or false at the end; its elements come next. */
static bool walk_next(struct walk *w, struct skn_value *out_value)
{
    while (w->depth > 0 && w->at == w->end[w->depth - 1])
        w->depth--;
    if (w->depth == 0) return false;
    if (w->is_map[w->depth - 1]) w->at += 4 + (size_t)get_le32(w->at);
    *out_value = skn_value_at(w->at);
    if (is_composite(out_value->tag)) {
        walk_into(w, *out_value);
    } else {
        w->at += encoded_size(w->at);
    }
    return true;
}

uint32_t skn_value_depth(struct skn_value v)
{
    if (!is_composite(v.tag)) return 0;
    struct walk w;
    w.depth = 0;
    w.deepest = 0;
    walk_into(&w, v);
    while (walk_next(&w, &v))
        continue;
    return w.deepest;
}

bool skn_value_has_secret(struct skn_value v)
{
    if (!is_composite(v.tag) || v.tag == SKN_T_SECRET) return v.tag == SKN_T_SECRET;
    /* Every row and message is asked: of a small one, whether the tag is among its bytes at all. */
    enum { SMALL = 256 };
    if (v.len <= SMALL && !memchr(v.as.ptr, SKN_T_SECRET, v.len)) return false;
    struct walk w;
    w.depth = 0;
    w.deepest = 0;
    walk_into(&w, v);
    while (walk_next(&w, &v))
        if (v.tag == SKN_T_SECRET) return true;
    return false;
}

void skn_value_blobs(struct skn_value v, skn_blob_in_fn fn, void *ctx)
{
    if (v.tag == SKN_T_BLOB) fn(ctx, v);
    if (!is_composite(v.tag)) return;
    struct walk w;
    w.depth = 0;
    w.deepest = 0;
    walk_into(&w, v);
    while (walk_next(&w, &v))
        if (v.tag == SKN_T_BLOB) fn(ctx, v);
}

static void see(void *ctx, struct skn_value blob)
{
    (void)blob;
    *(bool *)ctx = true;
}

bool skn_value_has_blob(struct skn_value v)
{
    bool has = false;
    skn_value_blobs(v, see, &has);
    return has;
}

bool skn_bytes_may_have_blob(struct skn_slice bytes)
{
    const uint8_t *at = bytes.ptr;
    size_t left = bytes.len;
    while (left >= HEAD_BYTES + BLOB_BYTES_MIN) {
        const uint8_t *tag = memchr(at, SKN_T_BLOB, left);
        if (!tag) return false;
        left -= (size_t)(tag - at);
        at = tag + 1;
        if (left < HEAD_BYTES + BLOB_BYTES_MIN) return false;
        uint32_t size = get_le32(at);
        if (size >= BLOB_BYTES_MIN && size <= left - HEAD_BYTES) return true;
        left--;
    }
    return false;
}
