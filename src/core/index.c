/* index.c - index rows: written with the rows that they follow from, looked through, and compared. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/index_internal.h"

#include "base/bug.h"
#include "base/hlc.h"
#include "core/blob_internal.h"
#include "core/look.h"

#include <stdlib.h>

#include "base/pure.h"

enum { END_BYTES = 2 };

static const char *const names[SKN_INDEX_KINDS] = {
    "domains", "domains with work", "timers", "a program", "blobs"};

/* --- keys ------------------------------------------------------------------------------------------- */

static void put_byte(struct skn_key *key, uint8_t byte)
{
    SKN_ASSERT(key->len < sizeof key->bytes);
    key->bytes[key->len++] = byte;
}

static void put_entry(struct skn_key *key, struct skn_slice entry)
{
    for (size_t i = 0; i < entry.len; i++) {
        put_byte(key, entry.ptr[i]);
        if (entry.ptr[i] == 0) put_byte(key, 0xff);
    }
}

static void put_bytes(struct skn_key *key, struct skn_slice bytes)
{
    SKN_ASSERT(bytes.len <= sizeof key->bytes - key->len);
    if (bytes.len > 0) memcpy(key->bytes + key->len, bytes.ptr, bytes.len);
    key->len += bytes.len;
}

/* The entry up to its end, in the arena, and the key behind it. */
static bool split(struct skn_arena *arena, struct skn_slice rest, struct skn_found *out)
{
    uint8_t *entry = skn_arena_alloc(arena, rest.len + 1);
    size_t n = 0, i = 0;
    for (; i + 1 < rest.len; i++) {
        entry[n++] = rest.ptr[i];
        if (rest.ptr[i] != 0) continue;
        if (rest.ptr[++i] == 0xff) continue;
        if (rest.ptr[i] != 1) return false;
        out->entry = skn_slice(entry, n - 1);
        out->row.key = skn_slice_from(rest, i + 1);
        return out->row.key.len > 0;
    }
    return false;
}

/* --- what follows from a row -------------------------------------------------------------------------- */

typedef void
follow_fn(void *ctx, enum skn_index_kind kind, struct skn_slice key, struct skn_slice value);

/* The entry of a row in a declared index. False: it has none, as one with secrets. */
static bool entry_of(const struct skn_index *index,
                     struct skn_slice own,
                     struct skn_slice value,
                     struct skn_buf *out)
{
    skn_buf_reset(out);
    if (skn_stored_is_sealed(value) || !index->entry(own, value, out)) return false;
    SKN_ASSERT(skn_buf_rc(out) == SKN_OK && out->len <= SKN_INDEX_ENTRY_MAX);
    return true;
}

static void follow_own(const struct skn_program *program,
                       const struct skn_key_info *info,
                       struct skn_slice value,
                       follow_fn *fn,
                       void *ctx)
{
    struct skn_buf entry;
    skn_buf_init(&entry, 4 * SKN_INDEX_ENTRY_MAX);
    for (const struct skn_index *index = program->indexes; index && index->entry; index++) {
        struct skn_key key;
        if (!entry_of(index, info->own, value, &entry)) continue;
        skn_key_index(&key, info->address, index->number);
        put_entry(&key, skn_buf_slice(&entry));
        put_byte(&key, 0);
        put_byte(&key, 1);
        put_bytes(&key, info->own);
        fn(ctx, SKN_INDEX_OWN, skn_key_slice(&key), (struct skn_slice){0});
    }
    skn_buf_fini(&entry);
}

enum { HASH = SKN_VALUE_HASH_BYTES };

static void add_hash(void *ctx, struct skn_slice hash, uint64_t size)
{
    (void)size;
    skn_buf_put(ctx, hash);
}

static int cmp_hash(const void *a, const void *b)
{
    return memcmp(a, b, HASH);
}

/* A row that names a hash several times has one index row for it [E45]. */
static void follow_names(struct skn_slice key, struct skn_slice value, follow_fn *fn, void *ctx)
{
    struct skn_buf hashes;
    struct skn_key out;
    if (!skn_bytes_may_have_blob(value)) return;
    skn_buf_init(&hashes, SKN_VALUE_MAX);
    skn_blob_names(key, value, add_hash, &hashes);
    SKN_ASSERT(skn_buf_rc(&hashes) == SKN_OK); /* a blob in a row is longer than its hash */
    if (hashes.len > 0) qsort(hashes.ptr, hashes.len / HASH, HASH, cmp_hash);
    for (size_t i = 0; i < hashes.len; i += HASH) {
        if (i > 0 && memcmp(hashes.ptr + i, hashes.ptr + i - HASH, HASH) == 0) continue;
        skn_key_name(&out, skn_slice(hashes.ptr + i, HASH), key);
        fn(ctx, SKN_INDEX_NAMES, skn_key_slice(&out), (struct skn_slice){0});
    }
    skn_buf_fini(&hashes);
}

/* All index rows that follow from a row; most have none. */
static void follow(const struct skn_program *const *programs,
                   struct skn_slice key,
                   struct skn_slice value,
                   follow_fn *fn,
                   void *ctx)
{
    struct skn_key_info info;
    struct skn_key out;
    follow_names(key, value, fn, ctx);
    skn_key_read(key, &info);
    if (info.kind == SKN_KEY_META) {
        struct skn_meta_row meta;
        skn_key_domain(&out, info.address);
        fn(ctx, SKN_INDEX_DOMAINS, skn_key_slice(&out), (struct skn_slice){0});
        if (skn_meta_decode(value, &meta, NULL) != SKN_OK) return;
        uint8_t busy = skn_meta_busy(&meta);
        skn_key_busy(&out, info.address);
        if (busy) fn(ctx, SKN_INDEX_BUSY, skn_key_slice(&out), skn_slice(&busy, 1));
    } else if (info.kind == SKN_KEY_TIMER) {
        struct skn_timer_row timer;
        if (skn_timer_decode(value, &timer, NULL) != SKN_OK) return;
        skn_key_timer_index(&out, timer.due_stamp, info.number, info.address);
        fn(ctx, SKN_INDEX_TIMERS, skn_key_slice(&out), (struct skn_slice){0});
    } else if (info.kind == SKN_KEY_OWN && programs) {
        const struct skn_program *program = skn_program_in(programs, info.address);
        if (program && program->indexes) follow_own(program, &info, value, fn, ctx);
    }
}

/* Which index a row is of; false: of none. */
static bool
is_index(const struct skn_program *const *programs, struct skn_slice key, enum skn_index_kind *out)
{
    struct skn_slice address;
    if (skn_key_is_index(key, &address)) {
        *out = SKN_INDEX_OWN;
        return programs && skn_program_in(programs, address);
    }
    bool is_shards = key.len > SKN_SHARD_HEAD && key.ptr[0] == 1 && key.ptr[2] == 0;
    if (!is_shards) return false;
    switch (key.ptr[1]) {
    case SKN_SHARD_TIMERS: *out = SKN_INDEX_TIMERS; return true;
    case SKN_SHARD_DOMAINS: *out = SKN_INDEX_DOMAINS; return true;
    case SKN_SHARD_BUSY: *out = SKN_INDEX_BUSY; return true;
    case SKN_SHARD_NAMES: *out = SKN_INDEX_NAMES; return true;
    default: return false;
    }
}

/* --- writing -------------------------------------------------------------------------------------------- */

void skn_index_domain(struct skn_cx *cx, struct skn_slice address, bool has)
{
    skn_key_domain(&cx->key, address);
    struct skn_slice key = skn_key_slice(&cx->key);
    /* It came and goes with the domain's row, of which the caller knows that there is none. */
    if (has && !skn_omap_find(&cx->overlay, key)) skn_store_absent(cx->core->store, key);
    if (has)
        skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
    else
        skn_raw_delete(cx, skn_key_slice(&cx->key));
}

static void
put_row(void *ctx, enum skn_index_kind kind, struct skn_slice key, struct skn_slice value)
{
    (void)kind;
    skn_raw_put(ctx, key, value);
}

static void
delete_row(void *ctx, enum skn_index_kind kind, struct skn_slice key, struct skn_slice value)
{
    (void)kind, (void)value;
    skn_raw_delete(ctx, key);
}

void skn_index_own(struct skn_cx *cx,
                   struct skn_slice key,
                   const struct skn_slice *old,
                   const struct skn_slice *value)
{
    const struct skn_program *program = cx->dom->program;
    const struct skn_key_info info = {
        .kind = SKN_KEY_OWN, .address = skn_dom_address(cx->dom), .own = key};
    if (cx->rc != SKN_OK) return;
    if (old && !skn_bug(SKN_BUG_INDEX_KEPT)) follow_own(program, &info, *old, delete_row, cx);
    if (value) follow_own(program, &info, *value, put_row, cx);
}

/* --- looking -------------------------------------------------------------------------------------------- */

enum skn_rc skn_cx_find(struct skn_cx *cx,
                        uint8_t index,
                        struct skn_slice prefix,
                        const struct skn_found *behind,
                        struct skn_found *out)
{
    struct skn_key key;
    struct skn_row row;
    if (prefix.len > SKN_INDEX_ENTRY_MAX || (behind && behind->entry.len > SKN_INDEX_ENTRY_MAX))
        return skn_cx_fault(cx, SKN_ETOOLARGE, "an entry of an index is over 200 bytes");
    skn_key_index(&key, skn_dom_address(cx->dom), index);
    size_t head = key.len;
    put_entry(&key, prefix);
    struct skn_slice whole = skn_arena_dup(&cx->arena, skn_key_slice(&key)), from = whole;
    if (behind) {
        key.len = head;
        put_entry(&key, behind->entry);
        put_byte(&key, 0);
        put_byte(&key, 1);
        put_bytes(&key, behind->row.key);
        put_byte(&key, 0);
        if (skn_slice_cmp(skn_key_slice(&key), whole) > 0)
            from = skn_arena_dup(&cx->arena, skn_key_slice(&key));
    }
    for (;;) {
        enum skn_rc rc = skn_raw_next(cx, whole, from, &row);
        if (rc != SKN_OK) return rc;
        struct skn_slice copy = skn_arena_dup(&cx->arena, row.key);
        if (!split(&cx->arena, skn_slice_from(copy, head), out))
            return cx->rc = SKN_CORRUPT(&cx->diag, "an index row has a malformed key");
        rc = skn_cx_get(cx, out->row.key, &out->row.value);
        if (rc != SKN_ENOENT) return rc;
        /* Its row went with a range, and both are removed later [E14]. */
        uint8_t *next = skn_arena_alloc(&cx->arena, copy.len + 1);
        memcpy(next, copy.ptr, copy.len);
        next[copy.len] = 0;
        from = skn_slice(next, copy.len + 1);
    }
}

/* --- comparing ------------------------------------------------------------------------------------------ */

struct adding {
    struct skn_index_sums *sums;
    bool is_less;
};

static void add(struct skn_hash128 *sum, struct skn_slice key, struct skn_slice value, bool is_less)
{
    struct skn_hash128 hash = skn_row_hash(key, value);
    *sum = is_less ? skn_hash128_sub(*sum, hash) : skn_hash128_add(*sum, hash);
}

static void
add_wanted(void *ctx, enum skn_index_kind kind, struct skn_slice key, struct skn_slice value)
{
    const struct adding *adding = ctx;
    add(&adding->sums->wanted[kind], key, value, adding->is_less);
}

static void add_row(struct skn_index_sums *sums,
                    const struct skn_program *const *programs,
                    struct skn_slice key,
                    struct skn_slice value,
                    bool is_less)
{
    struct adding adding = {sums, is_less};
    enum skn_index_kind kind;
    if (is_index(programs, key, &kind)) add(&sums->found[kind], key, value, is_less);
    follow(programs, key, value, add_wanted, &adding);
}

void skn_index_add(struct skn_index_sums *sums,
                   const struct skn_program *const *programs,
                   struct skn_slice key,
                   struct skn_slice value)
{
    add_row(sums, programs, key, value, false);
}

enum skn_rc skn_index_compare(const struct skn_index_sums *sums, struct skn_diag *diag)
{
    for (size_t i = 0; i < SKN_INDEX_KINDS; i++)
        if (!skn_hash128_eq(sums->wanted[i], sums->found[i]))
            return SKN_CORRUPT(diag, "the index of %s is not what its rows say", names[i]);
    return SKN_OK;
}

enum skn_rc
skn_index_check_batch(struct skn_core *core, struct skn_slice batch, struct skn_diag *diag)
{
    struct skn_index_sums sums = {0};
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        struct skn_slice old;
        rc = skn_store_get(core->store, op.key, &old, NULL);
        if (rc != SKN_OK && rc != SKN_ENOENT) return SKN_OK;
        if (rc == SKN_OK) add_row(&sums, core->programs, op.key, old, true);
        if (!op.is_delete) add_row(&sums, core->programs, op.key, op.value, false);
    }
    return rc == SKN_ENOENT ? skn_index_compare(&sums, diag) : rc;
}
