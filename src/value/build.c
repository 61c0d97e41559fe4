/* build.c - writing one value into a buffer, element by element. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/value.h"

#include "base/mem.h"
#include "value/value_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/pure.h"

enum {
    ENTRIES_ON_STACK = 32, /* a map as people write them is sorted without an allocation */
    BYTES_ON_STACK = 1024
};

SKN_PRINTF(3, 4) static void fail(struct skn_builder *b, enum skn_rc rc, const char *fmt, ...)
{
    if (b->rc != SKN_OK) return;
    b->rc = rc;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(b->why, sizeof b->why, fmt, args);
    va_end(args);
}

static void fail_full(struct skn_builder *b)
{
    fail(b, SKN_EFULL, "the value does not fit in %zu bytes", b->out->max);
}

void skn_builder_init(struct skn_builder *b, struct skn_buf *out)
{
    b->out = out; /* the frames are filled as they are used */
    b->start = out->len;
    b->rc = SKN_OK;
    b->depth = 0;
    b->done = false;
    b->twice_at = 0;
}

enum skn_rc skn_build_end(struct skn_builder *b, struct skn_diag *diag)
{
    enum skn_rc rc = b->rc;
    if (rc == SKN_OK) {
        SKN_ASSERT(b->done);
        SKN_DASSERT(skn_value_check_inside(skn_slice_from(skn_buf_slice(b->out), b->start), NULL) ==
                    SKN_OK);
    } else {
        b->out->len = b->start;
        (void)SKN_FAIL(diag, rc, "%s", b->why);
    }
    skn_builder_init(b, b->out);
    return rc;
}

static struct skn_builder_frame *top(struct skn_builder *b)
{
    return &b->frames[b->depth - 1];
}

/* Counts the value that comes now. False: an earlier failure sticks. */
static bool value_begins(struct skn_builder *b)
{
    if (b->rc != SKN_OK) return false;
    SKN_ASSERT(!b->done);
    if (b->depth == 0) return true;
    struct skn_builder_frame *f = top(b);
    if (f->tag == SKN_T_MAP) SKN_ASSERT(f->key_set);
    if (f->tag == SKN_T_SECRET) SKN_ASSERT(f->count == 0);
    if (f->tag == SKN_T_ERROR) SKN_ASSERT(f->count < 3);
    f->key_set = false;
    f->count++;
    return true;
}

static void value_ends(struct skn_builder *b)
{
    if (b->out->full) fail_full(b);
    if (b->depth == 0) b->done = true;
}

static void begin(struct skn_builder *b, enum skn_tag tag, size_t head_bytes)
{
    if (!value_begins(b)) return;
    if (b->depth == SKN_VALUE_DEPTH_MAX) {
        fail(b, SKN_ETOOLARGE, "values are nested deeper than %d", SKN_VALUE_DEPTH_MAX);
        return;
    }
    uint8_t *head = skn_buf_reserve(b->out, head_bytes);
    if (!head) {
        fail_full(b);
        return;
    }
    head[0] = (uint8_t)tag;
    b->frames[b->depth++] =
        (struct skn_builder_frame){.start = b->out->len, .tag = (uint8_t)tag, .in_order = true};
    skn_buf_commit(b->out, head_bytes);
}

/* Writes size and count into the head. */
static void end(struct skn_builder *b, enum skn_tag tag)
{
    if (b->rc != SKN_OK) return;
    SKN_ASSERT(b->depth > 0);
    struct skn_builder_frame *f = top(b);
    SKN_ASSERT(f->tag == tag);
    uint8_t *head = b->out->ptr + f->start;
    size_t size = b->out->len - f->start - HEAD_BYTES;
    if (size > UINT32_MAX) {
        fail(b, SKN_ETOOLARGE, "a value is larger than 4 GiB");
        return;
    }
    set_le32(head + 1, (uint32_t)size);
    if (tag == SKN_T_LIST || tag == SKN_T_MAP) set_le32(head + HEAD_BYTES, f->count);
    b->depth--;
    value_ends(b);
}

void skn_build_list_begin(struct skn_builder *b)
{
    begin(b, SKN_T_LIST, HEAD_BYTES + 4);
}

void skn_build_list_end(struct skn_builder *b)
{
    end(b, SKN_T_LIST);
}

void skn_build_map_begin(struct skn_builder *b)
{
    begin(b, SKN_T_MAP, HEAD_BYTES + 4);
}

void skn_build_map_begin_last_wins(struct skn_builder *b)
{
    begin(b, SKN_T_MAP, HEAD_BYTES + 4);
    if (b->rc == SKN_OK) top(b)->last_wins = true;
}

static bool text_fits(struct skn_builder *b, struct skn_slice text)
{
    if (text.len <= SKN_VALUE_TEXT_MAX) return true;
    fail(b, SKN_ETOOLARGE, "a text of %zu bytes is over the limit", text.len);
    return false;
}

static struct skn_slice key_at(const uint8_t *p)
{
    return skn_slice(p + 4, get_le32(p));
}

void skn_build_key(struct skn_builder *b, struct skn_slice key)
{
    if (b->rc != SKN_OK) return;
    SKN_ASSERT(b->depth > 0);
    struct skn_builder_frame *f = top(b);
    SKN_ASSERT(f->tag == SKN_T_MAP);
    SKN_ASSERT(!f->key_set);
    if (!text_fits(b, key)) return;
    uint8_t *p = skn_buf_reserve(b->out, 4 + key.len);
    if (!p) {
        fail_full(b);
        return;
    }
    set_le32(p, (uint32_t)key.len);
    if (key.len > 0) memcpy(p + 4, key.ptr, key.len);
    if (f->in_order && f->count > 0) {
        f->in_order = skn_slice_cmp(key_at(b->out->ptr + f->last_key), key) < 0;
    }
    f->last_key = b->out->len;
    f->key_set = true;
    skn_buf_commit(b->out, 4 + key.len);
}

struct entry {
    const uint8_t *at; /* of the size of its key */
    size_t size;       /* of key and value */
};

static bool comes_before(const struct entry *a, const struct entry *b)
{
    return skn_slice_cmp(key_at(a->at), key_at(b->at)) < 0;
}

/* Stable: of equal keys the one written last stays last. */
static void sort_few(struct entry *entries, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct entry e = entries[i];
        size_t j = i;
        for (; j > 0 && comes_before(&e, &entries[j - 1]); j--)
            entries[j] = entries[j - 1];
        entries[j] = e;
    }
}

static void
merge(const struct entry *from, struct entry *to, size_t left, size_t middle, size_t right)
{
    size_t a = left, b = middle;
    for (size_t i = left; i < right; i++) {
        bool take_b = b < right && (a == middle || comes_before(&from[b], &from[a]));
        to[i] = take_b ? from[b++] : from[a++];
    }
}

/* Merges runs of doubling length, to and fro between both halves of `entries`, which has room for
 * 2 * n. Returns the half that is sorted. */
static struct entry *sort_many(struct entry *entries, size_t n)
{
    enum { RUN = 16 };
    for (size_t i = 0; i < n; i += RUN)
        sort_few(entries + i, n - i < RUN ? n - i : RUN);
    struct entry *from = entries, *to = entries + n;
    for (size_t run = RUN; run < n; run *= 2) {
        for (size_t left = 0; left < n; left += 2 * run) {
            size_t middle = n - left < run ? n : left + run;
            size_t right = n - left < 2 * run ? n : left + 2 * run;
            merge(from, to, left, middle, right);
        }
        struct entry *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* Writes sorted entries over the body of the map. Of equal keys the last stays, or it is an error;
 * then nothing was written and `twice_at` is where the second one stands. */
static void write_entries(struct skn_builder *b,
                          const struct entry *entries,
                          const uint8_t *copy,
                          uint8_t *body)
{
    struct skn_builder_frame *f = top(b);
    uint32_t kept = 0;
    uint8_t *to = body;
    for (size_t i = 1; i < f->count && !f->last_wins; i++) {
        if (comes_before(&entries[i - 1], &entries[i])) continue;
        b->twice_at = (size_t)(body - b->out->ptr) + (size_t)(entries[i].at - copy);
        fail(b,
             SKN_EEXIST,
             "the key \"%.*s\" stands twice in a map",
             (int)(get_le32(entries[i].at) < 60 ? get_le32(entries[i].at) : 60),
             (const char *)entries[i].at + 4);
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        if (i + 1 < f->count && !comes_before(&entries[i], &entries[i + 1])) continue;
        memcpy(to, entries[i].at, entries[i].size);
        to += entries[i].size;
        kept++;
    }
    f->count = kept;
    b->out->len = (size_t)(to - b->out->ptr);
}

static void sort_map(struct skn_builder *b)
{
    struct skn_builder_frame *f = top(b);
    uint8_t *body = b->out->ptr + f->start + HEAD_BYTES + 4;
    size_t size = (size_t)(b->out->ptr + b->out->len - body);
    struct entry few[ENTRIES_ON_STACK];
    uint8_t few_bytes[BYTES_ON_STACK];
    bool is_small = f->count <= ENTRIES_ON_STACK;
    struct entry *entries = is_small ? few : skn_alloc_zero(f->count, 2 * sizeof *entries);
    uint8_t *copy = size <= sizeof few_bytes ? few_bytes : skn_alloc(size);
    memcpy(copy, body, size);
    size_t n = 0;
    for (const uint8_t *p = copy; p < copy + size; p += entries[n++].size) {
        size_t key_bytes = 4 + (size_t)get_le32(p);
        entries[n] = (struct entry){p, key_bytes + encoded_size(p + key_bytes)};
    }
    SKN_ASSERT(n == f->count);
    const struct entry *sorted = entries;
    if (is_small) {
        sort_few(entries, n);
    } else {
        sorted = sort_many(entries, n);
    }
    write_entries(b, sorted, copy, body);
    if (copy != few_bytes) skn_free(copy);
    if (!is_small) skn_free(entries);
}

void skn_build_map_end(struct skn_builder *b)
{
    if (b->rc != SKN_OK) return;
    SKN_ASSERT(b->depth > 0);
    SKN_ASSERT(!top(b)->key_set);
    if (!top(b)->in_order) sort_map(b);
    end(b, SKN_T_MAP);
}

void skn_build_value(struct skn_builder *b, struct skn_value v)
{
    if (!value_begins(b)) return;
    /* Each level costs a head, so that most values are not walked to know that they fit. */
    if (is_composite(v.tag) && b->depth + 1 + v.len / HEAD_BYTES > SKN_VALUE_DEPTH_MAX &&
        b->depth + skn_value_depth(v) > SKN_VALUE_DEPTH_MAX) {
        fail(b, SKN_ETOOLARGE, "values are nested deeper than %d", SKN_VALUE_DEPTH_MAX);
        return;
    }
    skn_value_encode(v, b->out);
    value_ends(b);
}

void skn_build_none(struct skn_builder *b)
{
    skn_build_value(b, skn_value_none());
}

void skn_build_bool(struct skn_builder *b, bool v)
{
    skn_build_value(b, skn_value_bool(v));
}

void skn_build_int(struct skn_builder *b, int64_t v)
{
    skn_build_value(b, skn_value_int(v));
}

void skn_build_real(struct skn_builder *b, double v)
{
    bool is_nan = !(v <= 0) && !(v >= 0);
    if (is_nan) fail(b, SKN_EARGS, "NaN is no value");
    skn_build_value(b, is_nan ? skn_value_none() : skn_value_real(v));
}

void skn_build_string(struct skn_builder *b, struct skn_slice text)
{
    if (text_fits(b, text)) skn_build_value(b, skn_value_string(text));
}

void skn_build_str(struct skn_builder *b, const char *text)
{
    skn_build_string(b, skn_slice_str(text));
}

void skn_build_bytes(struct skn_builder *b, struct skn_slice bytes)
{
    if (text_fits(b, bytes)) skn_build_value(b, skn_value_bytes(bytes));
}

void skn_build_symbol(struct skn_builder *b, struct skn_slice name)
{
    if (name.len == 0) fail(b, SKN_EARGS, "a symbol is empty");
    if (name.len > 0 && text_fits(b, name)) skn_build_value(b, skn_value_symbol(name));
}

void skn_build_error_begin(struct skn_builder *b, struct skn_slice code, struct skn_slice message)
{
    begin(b, SKN_T_ERROR, HEAD_BYTES);
    skn_build_symbol(b, code);
    skn_build_string(b, message);
}

void skn_build_error_end(struct skn_builder *b)
{
    if (b->rc == SKN_OK && top(b)->count == 2) skn_build_none(b);
    end(b, SKN_T_ERROR);
}

void skn_build_secret_begin(struct skn_builder *b)
{
    begin(b, SKN_T_SECRET, HEAD_BYTES);
}

void skn_build_secret_end(struct skn_builder *b)
{
    if (b->rc == SKN_OK) SKN_ASSERT(top(b)->count == 1);
    end(b, SKN_T_SECRET);
}

void skn_build_time(struct skn_builder *b, int64_t unix_ns)
{
    skn_build_value(b, skn_value_time(unix_ns));
}

void skn_build_duration(struct skn_builder *b, int64_t ns)
{
    skn_build_value(b, skn_value_duration(ns));
}

void skn_build_blob(struct skn_builder *b,
                    const uint8_t *hash,
                    uint64_t size,
                    struct skn_slice media_type)
{
    if (!text_fits(b, skn_slice(NULL, BLOB_BYTES_MIN + media_type.len)) || !value_begins(b)) return;
    uint8_t head[HEAD_BYTES + BLOB_BYTES_MIN] = {SKN_T_BLOB};
    set_le32(head + 1, (uint32_t)(BLOB_BYTES_MIN + media_type.len));
    memcpy(head + HEAD_BYTES, hash, SKN_VALUE_HASH_BYTES);
    set_le64(head + HEAD_BYTES + SKN_VALUE_HASH_BYTES, size);
    skn_buf_put(b->out, skn_slice(head, sizeof head));
    skn_buf_put(b->out, media_type);
    value_ends(b);
}
