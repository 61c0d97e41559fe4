/* blobworld.h - a program whose rows name contents, shards, and a world with the files, for tests. */
#pragma once

#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/look.h"
#include "lib/shards.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HASHES = 8,
    REMOVALS_MAX = 256,
    CONDEMNED_MS = 9600,
    TICK_MS = 100,
    SHARDS = 3,
    LARGE = 600000
};

/* --- a program whose rows name contents ---------------------------------------------------------------- */

static inline bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

static inline void hash_of(unsigned n, uint8_t out[SKN_VALUE_HASH_BYTES])
{
    for (unsigned i = 0; i < SKN_VALUE_HASH_BYTES; i++)
        out[i] = (uint8_t)(n * 37 + (i < 4 ? 0 : i)); /* some begin alike, some have zero bytes */
}

static inline struct skn_value blob_value(struct skn_cx *cx, unsigned n, size_t extra)
{
    uint8_t hash[SKN_VALUE_HASH_BYTES];
    hash_of(n, hash);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    struct skn_buf *out = skn_cx_scratch(cx);
    skn_builder_init(b, out);
    skn_build_list_begin(b);
    skn_build_blob(b, hash, 100 + n, SKN_LIT("image/png"));
    skn_build_blob(b, hash, 100 + n, SKN_LIT("image/jpeg"));
    if (extra > 0) skn_build_bytes(b, skn_slice(skn_arena_zero(skn_cx_arena(cx), extra, 1), extra));
    skn_build_list_end(b);
    assert_int_equal(skn_build_end(b, NULL), SKN_OK);
    return skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out)));
}

/* Where a photo is passed on to; by the number of the content. */
static inline const char *next_of(unsigned n)
{
    static const char *const all[] = {
        "a:Album/1", "a:Album/2", "a:Album/3", "a:Album/4", "a:Album/5"};
    return all[n % SKN_ARRAY_LEN(all)];
}

/* Requests, with 10 * the content + something: keep (a row), drop, clear (all rows), pass (a message to
 * an album, which keeps it), boom (a message that faults), large (the same with a letter of two rows),
 * answer (a reply), perform (an intent), blank (a row that is no value), invent (a row, of a content that
 * was never stored). */
static inline enum skn_rc
album_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    if (m->kind == SKN_MESSAGE_ATTEMPT || m->kind == SKN_MESSAGE_TIMER) return SKN_OK;
    if (m->kind == SKN_MESSAGE_SEND) {
        if (is(m->name, "boom") && !shard_is_fixed) return SKN_FAIL(diag, SKN_EFAULT, "boom");
        if (is(m->name, "photo")) skn_cx_put_value(cx, SKN_LIT("passed"), m->payload);
        return skn_cx_rc(cx);
    }
    int64_t k = skn_value_as_int(m->payload);
    unsigned n = (unsigned)(k / 10), part = (unsigned)(k % 10);
    const uint8_t key_bytes[] = {'p', (uint8_t)('0' + n), (uint8_t)('0' + part)};
    struct skn_slice key = skn_slice(key_bytes, sizeof key_bytes);
    if (is(m->name, "keep")) skn_cx_put_value(cx, key, blob_value(cx, n, 0));
    if (is(m->name, "blank")) skn_cx_put(cx, key, SKN_LIT("\x0b is no value"));
    if (is(m->name, "drop")) skn_cx_delete(cx, key);
    if (is(m->name, "clear")) skn_cx_delete_range(cx, SKN_LIT("p"));
    if (is(m->name, "forget")) skn_cx_delete(cx, SKN_LIT("passed"));
    const char *next = next_of(part);
    if (is(m->name, "pass"))
        skn_cx_send(
            cx, skn_slice_str(next), SKN_PRIORITY_NORMAL, SKN_LIT("photo"), blob_value(cx, n, 0));
    if (is(m->name, "boom") || is(m->name, "large"))
        skn_cx_send(cx,
                    skn_slice_str(next),
                    SKN_PRIORITY_NORMAL,
                    SKN_LIT("boom"),
                    blob_value(cx, n, is(m->name, "large") ? LARGE : 0));
    if (is(m->name, "answer")) skn_cx_reply(cx, blob_value(cx, n, 0));
    uint8_t hash[SKN_VALUE_HASH_BYTES];
    hash_of(n, hash);
    struct skn_slice domain = skn_blob_domain(skn_cx_arena(cx), skn_slice(hash, sizeof hash));
    if (is(m->name, "forge"))
        skn_cx_send(cx, domain, SKN_PRIORITY_NORMAL, SKN_LIT("unref"), m->payload);
    if (is(m->name, "perform")) {
        const struct skn_intent_spec spec = {
            .identity = key, .effect = blob_value(cx, n, 0), .first_attempt = 1};
        (void)skn_cx_intent_start(cx, &spec);
    }
    return skn_cx_rc(cx);
}

static const struct skn_program album = {.type = "Album", .module = 1, .handle = album_handle};
static const struct skn_program *const programs[] = {&album, NULL};

/* --- the world: files, and who removes them ------------------------------------------------------------------ */

struct removal {
    uint32_t shard;
    char address[SKN_BLOB_ADDRESS_SIZE];
    uint64_t number, epoch;
    uint32_t attempt;
    bool is_blob;
};

struct world {
    struct shards s;
    bool has_file[HASHES];
    struct removal removals[REMOVALS_MAX];
    size_t count;
    uint64_t removed; /* files */
};

static struct world w;

static inline unsigned number_of(const char *address)
{
    for (unsigned n = 0; n < HASHES; n++) {
        uint8_t hash[SKN_VALUE_HASH_BYTES];
        char text[SKN_BLOB_ADDRESS_SIZE];
        hash_of(n, hash);
        skn_look_blob_address(hash, text);
        if (strcmp(text, address) == 0) return n;
    }
    abort();
}

static inline void perform(void *ctx, uint32_t shard, const struct skn_output *out)
{
    struct world *world = ctx;
    struct skn_value effect = skn_value_view(out->value), hash = skn_value_none();
    assert_true(world->count < REMOVALS_MAX);
    struct removal *r = &world->removals[world->count++];
    *r = (struct removal){.shard = shard,
                          .number = out->number,
                          .epoch = out->epoch,
                          .attempt = out->attempt,
                          .is_blob = skn_value_is(effect, SKN_T_MAP) &&
                                     skn_map_get(effect, SKN_LIT(SKN_BLOB_REMOVE), &hash)};
    assert_true(out->address.len < sizeof r->address);
    memcpy(r->address, out->address.ptr, out->address.len);
    if (r->is_blob) assert_true(is(skn_value_as_text(hash), r->address + strlen(SKN_BLOB_DOMAIN)));
}

static inline void setup(uint32_t shards)
{
    const struct skn_core_limits limits = {.blob_condemned_ms = CONDEMNED_MS,
                                           .mailbox_messages = 2};
    shard_is_fixed = false;
    w = (struct world){.count = 0};
    shards_init(&w.s, shards, programs, &limits, 7);
    w.s.perform = perform;
    w.s.ctx = &w;
}

/* One removal is done: its file is gone, whatever becomes of the result. */
static inline void finish(size_t at)
{
    struct removal r = w.removals[at];
    w.removals[at] = w.removals[--w.count];
    if (r.is_blob) {
        bool *file = &w.has_file[number_of(r.address)];
        w.removed += *file;
        *file = false;
    }
    const struct skn_attempt_result result = {.address = skn_slice_str(r.address),
                                              .number = r.number,
                                              .attempt = r.attempt,
                                              .epoch = r.epoch,
                                              .status = SKN_ATTEMPT_SUCCESS,
                                              .value = skn_value_none()};
    skn_core_result(w.s.at[r.shard].core, &result);
}

static inline void settle(void)
{
    shards_settle(&w.s);
}

static inline void settle_all(void)
{
    settle();
    while (w.count > 0) {
        finish(0);
        settle();
    }
}

/* Time passes, in steps that fire each timer; `removes`: and what is to be removed is. */
static inline void pass(uint64_t ms, bool removes)
{
    for (uint64_t t = 0; t < ms; t += TICK_MS) {
        for (uint32_t i = 0; i < w.s.count; i++)
            w.s.at[i].now_ms += TICK_MS;
        settle();
        if (removes) settle_all();
    }
}

static inline enum skn_rc ask(const char *address, const char *name, struct skn_value payload)
{
    shards_submit(&w.s, address, name, SKN_PRIORITY_NORMAL, payload);
    settle();
    return w.s.last_rc;
}

static inline void redeliver(const char *address, bool is_closing)
{
    const struct skn_redeliver letters = {
        .number = 1, .address = skn_slice_str(address), .is_closing = is_closing};
    skn_core_redeliver(shards_of(&w.s, address)->core, &letters);
    settle();
}

static inline const char *address_of(unsigned n)
{
    static char text[SKN_BLOB_ADDRESS_SIZE];
    uint8_t hash[SKN_VALUE_HASH_BYTES];
    hash_of(n, hash);
    skn_look_blob_address(hash, text);
    return text;
}

static inline enum skn_rc album_do(unsigned who, const char *what, unsigned n, unsigned part)
{
    char address[32];
    (void)snprintf(address, sizeof address, "a:Album/%u", who);
    return ask(address, what, skn_value_int(10 * (int64_t)n + part));
}

/* The domain of a content has no rows when false. */
static inline bool look(unsigned n, struct skn_look_blob *out)
{
    const char *address = address_of(n);
    struct shard *shard = shards_of(&w.s, address);
    enum skn_rc rc = skn_look_blob(shard->store, skn_slice_str(address), out, NULL);
    assert_true(rc == SKN_OK || rc == SKN_ENOENT);
    return rc == SKN_OK;
}

static inline bool is_state(unsigned n, const char *state)
{
    struct skn_look_blob blob;
    return look(n, &blob) && strcmp(blob.state, state) == 0;
}

static inline uint64_t born_of(unsigned n)
{
    const char *address = address_of(n);
    struct skn_slice bytes;
    struct shard *shard = shards_of(&w.s, address);
    assert_int_equal(skn_core_get(shard->store, skn_slice_str(address), SKN_LIT("c"), &bytes, NULL),
                     SKN_OK);
    uint64_t born = 0;
    for (int i = 7; i >= 0; i--)
        born = born << 8 | bytes.ptr[19 + i];
    return born;
}

static inline enum skn_rc say_stored(unsigned n, uint64_t born)
{
    struct skn_buf buf;
    static struct skn_builder b;
    skn_buf_init(&buf, 256);
    skn_builder_init(&b, &buf);
    skn_build_list_begin(&b);
    skn_build_int(&b, (int64_t)born);
    skn_build_int(&b, 100 + n);
    skn_build_list_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    enum skn_rc rc = ask(address_of(n), "stored", skn_value_view(skn_buf_slice(&buf)));
    skn_buf_fini(&buf);
    return rc;
}

/* As whoever stores a content does it. */
static inline void store(unsigned n)
{
    assert_int_equal(ask(address_of(n), "begin", skn_value_none()), SKN_OK);
    w.has_file[n] = true;
    assert_int_equal(say_stored(n, born_of(n)), SKN_OK);
}

static inline void unpin(unsigned n)
{
    assert_int_equal(ask(address_of(n), "unpin", skn_value_none()), SKN_OK);
}

static inline size_t rows(uint8_t kind)
{
    size_t count = 0;
    for (uint32_t i = 0; i < w.s.count; i++)
        count += shard_rows(&w.s.at[i], kind);
    return count;
}

/* What holds at every moment: a shard that names a content has a lease, or is among the holders; and the
 * file of a content that was stored is there while a shard names it. */
static inline void check_names(void)
{
    for (uint32_t i = 0; i < w.s.count; i++) {
        uint8_t hash[SKN_VALUE_HASH_BYTES];
        bool is_leased, is_first = true;
        while (skn_look_next_name(
                   w.s.at[i].store, is_first ? NULL : hash, hash, &is_leased, NULL) == SKN_OK) {
            char address[SKN_BLOB_ADDRESS_SIZE];
            struct skn_look_blob blob;
            is_first = false;
            skn_look_blob_address(hash, address);
            struct shard *home = shards_of(&w.s, address);
            if (!is_leased) assert_int_equal(skn_look_holds(home->store, hash, i, NULL), SKN_OK);
            bool is_there =
                skn_look_blob(home->store, skn_slice_str(address), &blob, NULL) == SKN_OK;
            if (is_there && blob.is_stored) assert_true(w.has_file[number_of(address)]);
        }
    }
}
