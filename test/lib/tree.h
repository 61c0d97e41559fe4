/* tree.h - values as plain trees, with a slow encoder and order to compare the real ones with. */
#pragma once

#include "lib/test.h"
#include "value/value.h"

#include <stdlib.h>
#include <string.h>

enum { TREE_TEXT_MAX = 12, TREE_CHILDREN_MAX = 5, TREE_NODES_MAX = 4000, TREE_BYTES_MAX = 65536 };

struct tree {
    enum skn_tag tag;
    int64_t i;
    double r;
    size_t text_len;
    uint8_t text[48];
    size_t count;
    struct tree *kids[TREE_CHILDREN_MAX];
    struct tree *keys[TREE_CHILDREN_MAX]; /* strings, as they came */
};

struct forest {
    uint64_t rng;
    size_t used;
    struct tree nodes[TREE_NODES_MAX];
};

static inline uint64_t tree_random(struct forest *f)
{
    f->rng = f->rng * 6364136223846793005U + 1442695040888963407U;
    return f->rng >> 33;
}

static inline struct tree *tree_new(struct forest *f, enum skn_tag tag)
{
    assert_true(f->used < TREE_NODES_MAX);
    struct tree *t = &f->nodes[f->used++];
    *t = (struct tree){.tag = tag};
    return t;
}

/* Few letters and short texts make equal keys and common prefixes likely. */
static inline struct tree *tree_text(struct forest *f, enum skn_tag tag)
{
    struct tree *t = tree_new(f, tag);
    t->text_len = tree_random(f) % 4 + (tag == SKN_T_SYMBOL);
    if (tree_random(f) % 8 == 0) t->text_len = 1 + tree_random(f) % TREE_TEXT_MAX;
    for (size_t i = 0; i < t->text_len; i++)
        t->text[i] = (uint8_t)(tree_random(f) % 5 == 0 ? tree_random(f) : 'a' + tree_random(f) % 3);
    return t;
}

static inline struct tree *tree_scalar(struct forest *f)
{
    static const double reals[] = {0, 1, -1, 0.1, 1e300, 5e-324, -1e308 * 10, 1e308 * 10, -0.5};
    static const int64_t ints[] = {0, 1, -1, INT64_MIN, INT64_MAX, 255, 256, -256};
    static const enum skn_tag tags[] = {SKN_T_NONE,
                                        SKN_T_BOOL,
                                        SKN_T_INT,
                                        SKN_T_INT,
                                        SKN_T_REAL,
                                        SKN_T_STRING,
                                        SKN_T_TIME,
                                        SKN_T_STRING,
                                        SKN_T_BYTES,
                                        SKN_T_SYMBOL,
                                        SKN_T_BLOB,
                                        SKN_T_DURATION};
    enum skn_tag tag = tags[tree_random(f) % SKN_ARRAY_LEN(tags)];
    if (tag == SKN_T_STRING || tag == SKN_T_BYTES || tag == SKN_T_SYMBOL) return tree_text(f, tag);
    struct tree *t = tree_new(f, tag);
    t->i = ints[tree_random(f) % SKN_ARRAY_LEN(ints)];
    if (tag == SKN_T_BOOL) t->i &= 1;
    t->r = reals[tree_random(f) % SKN_ARRAY_LEN(reals)];
    if (tag == SKN_T_BLOB) {
        t->text_len = 40 + tree_random(f) % 3;
        memset(t->text, (int)(tree_random(f) % 2), t->text_len);
    }
    return t;
}

static inline bool tree_has_key(const struct tree *t, const struct tree *key)
{
    for (size_t i = 0; i < t->count; i++)
        if (skn_slice_eq(skn_slice(t->keys[i]->text, t->keys[i]->text_len),
                         skn_slice(key->text, key->text_len)))
            return true;
    return false;
}

static inline struct tree *tree_make(struct forest *f, int depth)
{
    uint64_t kind = tree_random(f) % 12;
    if (depth == 0 || kind < 4) return tree_scalar(f);
    if (kind == 4) {
        struct tree *t = tree_new(f, SKN_T_SECRET);
        t->kids[t->count++] = tree_make(f, depth - 1);
        return t;
    }
    if (kind == 5) {
        struct tree *t = tree_new(f, SKN_T_ERROR);
        t->kids[t->count++] = tree_text(f, SKN_T_SYMBOL);
        t->kids[t->count++] = tree_text(f, SKN_T_STRING);
        t->kids[t->count++] = tree_make(f, depth - 1);
        return t;
    }
    struct tree *t = tree_new(f, kind < 9 ? SKN_T_LIST : SKN_T_MAP);
    for (size_t left = tree_random(f) % TREE_CHILDREN_MAX; left > 0; left--) {
        struct tree *key = tree_text(f, SKN_T_STRING);
        if (t->tag == SKN_T_MAP && tree_has_key(t, key)) continue;
        t->keys[t->count] = key;
        t->kids[t->count++] = tree_make(f, depth - 1);
    }
    return t;
}

/* Through the builder, keys in the order they came. */
static inline void tree_build(const struct tree *t, struct skn_builder *b)
{
    switch (t->tag) {
    case SKN_T_NONE: skn_build_none(b); return;
    case SKN_T_BOOL: skn_build_bool(b, t->i != 0); return;
    case SKN_T_INT: skn_build_int(b, t->i); return;
    case SKN_T_TIME: skn_build_time(b, t->i); return;
    case SKN_T_DURATION: skn_build_duration(b, t->i); return;
    case SKN_T_REAL: skn_build_real(b, t->r); return;
    case SKN_T_STRING: skn_build_string(b, skn_slice(t->text, t->text_len)); return;
    case SKN_T_BYTES: skn_build_bytes(b, skn_slice(t->text, t->text_len)); return;
    case SKN_T_SYMBOL: skn_build_symbol(b, skn_slice(t->text, t->text_len)); return;
    case SKN_T_BLOB: {
        uint64_t size;
        memcpy(&size, t->text + 32, 8);
        skn_build_blob(b, t->text, size, skn_slice(t->text + 40, t->text_len - 40));
        return;
    }
    case SKN_T_LIST:
        skn_build_list_begin(b);
        for (size_t i = 0; i < t->count; i++)
            tree_build(t->kids[i], b);
        skn_build_list_end(b);
        return;
    case SKN_T_MAP:
        skn_build_map_begin(b);
        for (size_t i = 0; i < t->count; i++) {
            skn_build_key(b, skn_slice(t->keys[i]->text, t->keys[i]->text_len));
            tree_build(t->kids[i], b);
        }
        skn_build_map_end(b);
        return;
    case SKN_T_ERROR:
        skn_build_error_begin(b,
                              skn_slice(t->kids[0]->text, t->kids[0]->text_len),
                              skn_slice(t->kids[1]->text, t->kids[1]->text_len));
        tree_build(t->kids[2], b);
        skn_build_error_end(b);
        return;
    case SKN_T_SECRET:
        skn_build_secret_begin(b);
        tree_build(t->kids[0], b);
        skn_build_secret_end(b);
        return;
    case SKN_T_SEALED:
    case SKN_T_COUNT: break;
    }
    fail_msg("no such tag");
}

static inline int tree_cmp_text(const struct tree *a, const struct tree *b)
{
    for (size_t i = 0; i < a->text_len && i < b->text_len; i++)
        if (a->text[i] != b->text[i]) return a->text[i] < b->text[i] ? -1 : 1;
    return a->text_len < b->text_len ? -1 : a->text_len > b->text_len;
}

/* Puts keys in order, by exchange. */
static inline void tree_sort(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        tree_sort(t->kids[i]);
        for (size_t j = i; t->tag == SKN_T_MAP && j > 0; j--) {
            if (tree_cmp_text(t->keys[j - 1], t->keys[j]) <= 0) break;
            struct tree *key = t->keys[j], *kid = t->kids[j];
            t->keys[j] = t->keys[j - 1];
            t->kids[j] = t->kids[j - 1];
            t->keys[j - 1] = key;
            t->kids[j - 1] = kid;
        }
    }
}

static inline void tree_put(uint8_t *out, size_t *len, uint64_t n, size_t width)
{
    assert_true(*len + width <= TREE_BYTES_MAX);
    for (; width > 0; width--, n >>= 8)
        out[(*len)++] = (uint8_t)n;
}

/* The encoding of a sorted tree, from the drawing in value.h. */
static inline void tree_encode(const struct tree *t, uint8_t *out, size_t *len)
{
    uint64_t bits;
    memcpy(&bits, &t->r, 8);
    tree_put(out, len, t->tag, 1);
    if (t->tag == SKN_T_NONE) return;
    if (t->tag == SKN_T_BOOL) {
        tree_put(out, len, (uint64_t)t->i, 1);
    } else if (t->tag == SKN_T_INT || t->tag == SKN_T_TIME || t->tag == SKN_T_DURATION) {
        tree_put(out, len, (uint64_t)t->i, 8);
    } else if (t->tag == SKN_T_REAL) {
        tree_put(out, len, bits, 8);
    } else {
        size_t at = *len;
        tree_put(out, len, 0, 4);
        if (t->tag == SKN_T_LIST || t->tag == SKN_T_MAP) tree_put(out, len, t->count, 4);
        for (size_t i = 0; i < t->text_len; i++)
            tree_put(out, len, t->text[i], 1);
        for (size_t i = 0; i < t->count; i++) {
            if (t->tag == SKN_T_MAP) tree_put(out, len, t->keys[i]->text_len, 4);
            for (size_t k = 0; t->tag == SKN_T_MAP && k < t->keys[i]->text_len; k++)
                tree_put(out, len, t->keys[i]->text[k], 1);
            tree_encode(t->kids[i], out, len);
        }
        size_t end = *len;
        *len = at;
        tree_put(out, len, end - at - 4, 4);
        *len = end;
    }
}

/* The order of sorted trees, from the words in value.h. */
static inline int tree_cmp(const struct tree *a, const struct tree *b)
{
    if (a->tag != b->tag) return a->tag < b->tag ? -1 : 1;
    if (a->tag == SKN_T_NONE) return 0;
    if (a->tag == SKN_T_REAL) return a->r < b->r ? -1 : a->r > b->r;
    if (a->tag == SKN_T_BOOL || a->tag == SKN_T_INT || a->tag == SKN_T_TIME ||
        a->tag == SKN_T_DURATION)
        return a->i < b->i ? -1 : a->i > b->i;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = a->tag == SKN_T_MAP ? tree_cmp_text(a->keys[i], b->keys[i]) : 0;
        if (order == 0) order = tree_cmp(a->kids[i], b->kids[i]);
        if (order != 0) return order;
    }
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    return tree_cmp_text(a, b);
}
