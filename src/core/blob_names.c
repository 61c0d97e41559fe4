/* blob_names.c - which rows name a content, and what the shard tells its domain of it [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/hex.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/gas.h"
#include "core/look.h"

#include <stdio.h>

#include "base/pure.h"

enum { HASH = SKN_VALUE_HASH_BYTES, HEX = 2 * HASH, DOMAIN_DEAD = 3, DEAD_PAYLOAD = 10 };

/* --- what a row names ------------------------------------------------------------------------------- */

struct naming {
    skn_blob_name_fn fn;
    void *ctx;
};

static void name_one(void *ctx, struct skn_value v)
{
    const struct naming *naming = ctx;
    struct skn_value_blob blob = skn_value_as_blob(v);
    naming->fn(naming->ctx, blob.hash, blob.size);
}

/* Bytes that may be anything. Sealed ones have no blob: skn_secret_seal refuses it. */
static void in_bytes(struct skn_slice bytes, struct naming *naming)
{
    if (skn_stored_is_sealed(bytes) || skn_value_check(bytes, NULL) != SKN_OK) return;
    skn_value_blobs(skn_value_view(bytes), name_one, naming);
}

static void in_message(struct skn_slice bytes, struct naming *naming)
{
    struct skn_message message;
    if (skn_message_decode(bytes, &message, NULL) != SKN_OK || message.is_sealed) return;
    skn_value_blobs(message.payload, name_one, naming);
}

/* 02 address 00 03 number:8 01: of a letter that needs two rows. */
static bool is_dead_payload(struct skn_slice key)
{
    const uint8_t *zero = key.len > 0 && key.ptr[0] == 2 ? memchr(key.ptr, 0, key.len) : NULL;
    size_t rest = zero ? key.len - (size_t)(zero + 1 - key.ptr) : 0;
    return rest == DEAD_PAYLOAD && zero[1] == DOMAIN_DEAD;
}

void skn_blob_names(struct skn_slice key, struct skn_slice value, skn_blob_name_fn fn, void *ctx)
{
    struct naming naming = {fn, ctx};
    struct skn_key_info info;
    struct skn_slice target, message;
    struct skn_intent_row intent;
    struct skn_answer_row answer;
    if (!skn_bytes_may_have_blob(value)) return;
    skn_key_read(key, &info);
    switch (info.kind) {
    case SKN_KEY_OWN: in_bytes(value, &naming); break;
    case SKN_KEY_MAIL:
    case SKN_KEY_WAITING: in_message(value, &naming); break;
    case SKN_KEY_OUTBOX:
        if (skn_outbox_split(value, &target, &message) == SKN_OK) in_message(message, &naming);
        break;
    case SKN_KEY_DEAD:
        if (!skn_bug(SKN_BUG_LETTER_NAMES_NOTHING)) in_message(skn_slice_from(value, 4), &naming);
        break;
    case SKN_KEY_INTENT:
        if (skn_intent_decode(value, &intent, NULL) == SKN_OK) in_bytes(intent.effect, &naming);
        break;
    case SKN_KEY_REQUEST:
        if (skn_answer_decode(value, &answer, NULL) == SKN_OK) in_bytes(answer.value, &naming);
        break;
    case SKN_KEY_META:
    case SKN_KEY_CALL:
    case SKN_KEY_TIMER: break;
    case SKN_KEY_OTHER:
        if (is_dead_payload(key)) in_bytes(value, &naming);
        break;
    }
}

void skn_key_name(struct skn_key *key, struct skn_slice hash, struct skn_slice row)
{
    skn_key_shard(key, SKN_SHARD_NAMES);
    SKN_ASSERT(hash.len == HASH && row.len <= sizeof key->bytes - key->len - HASH);
    memcpy(key->bytes + key->len, hash.ptr, HASH);
    if (row.len > 0) memcpy(key->bytes + key->len + HASH, row.ptr, row.len);
    key->len += HASH + row.len;
}

/* --- what a batch changes of it ------------------------------------------------------------------------ */

/* One row and one hash that it named before, or names now. */
struct named {
    struct skn_omap_node node; /* by the key of the index row: all of one hash stand together */
    uint64_t size;
    bool before, now;
};

struct gathering {
    struct skn_cx *cx;
    struct skn_omap names;
    struct skn_slice row;
    bool is_now;
};

static void gather(void *ctx, struct skn_slice hash, uint64_t size)
{
    struct gathering *g = ctx;
    struct skn_key *key = &g->cx->key;
    skn_key_name(key, hash, g->row);
    struct skn_omap_node *node = skn_omap_find(&g->names, skn_key_slice(key));
    struct named *named = node ? SKN_CONTAINER_OF(node, struct named, node) : NULL;
    if (!named) {
        named = skn_arena_zero(&g->cx->arena, 1, sizeof *named);
        named->node.key = skn_arena_dup(&g->cx->arena, skn_key_slice(key));
        named->size = size;
        SKN_ASSERT(!skn_omap_insert(&g->names, &named->node));
    }
    *(g->is_now ? &named->now : &named->before) = true;
}

/* Rows of these kinds name nothing whatever is in them, so what they were need not be known. */
static bool may_name(struct skn_slice key)
{
    if (key.ptr[0] == 2 || key.len <= SKN_SHARD_HEAD) return key.ptr[0] == 2;
    switch (key.ptr[1]) {
    case SKN_SHARD_MAIL:
    case SKN_SHARD_INTENTS:
    case SKN_SHARD_REQUESTS:
    case SKN_SHARD_OUTBOX:
    case SKN_SHARD_WAITING: return true;
    default: return false;
    }
}

/* What is not here is asked for all at once: a batch has many rows [E13]. */
static void gather_all(struct gathering *g)
{
    struct skn_cx *cx = g->cx;
    enum skn_rc late = SKN_OK;
    for (struct skn_omap_node *node = skn_omap_first(&cx->overlay); node;
         node = skn_omap_next(node)) {
        const struct skn_change *change = SKN_CONTAINER_OF(node, struct skn_change, node);
        struct skn_slice old;
        g->row = node->key;
        if (!may_name(g->row)) continue;
        g->is_now = true;
        if (!change->is_delete) skn_blob_names(g->row, change->value, gather, g);
        if (!cx->core->has_names) continue;
        g->is_now = false;
        enum skn_rc rc = skn_store_get(cx->core->store, g->row, &old, &cx->diag);
        if (rc == SKN_OK) skn_blob_names(g->row, old, gather, g);
        if (rc == SKN_OK || rc == SKN_ENOENT) continue;
        if (rc != SKN_ELATER) {
            cx->rc = rc;
            return;
        }
        late = rc;
    }
    cx->rc = late;
}

/* Some row of the shard names it, as the slice has it. */
static bool is_named(struct skn_cx *cx, struct skn_slice hash)
{
    struct skn_row row;
    skn_key_name(&cx->key, hash, (struct skn_slice){0});
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    return skn_raw_next(cx, prefix, prefix, &row) == SKN_OK;
}

static void put_lease(struct skn_cx *cx, struct skn_slice hash)
{
    if (skn_bug(SKN_BUG_NO_LEASE)) return;
    skn_key_lease(&cx->key, hash);
    skn_buf_reset(&cx->row);
    skn_buf_put_le64(&cx->row, cx->stamp);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static void
tell(struct skn_cx *cx, struct skn_slice hash, const char *what, uint64_t size, size_t count)
{
    const uint64_t numbers[] = {cx->stamp, size};
    struct skn_arena *arena = &cx->arena;
    struct skn_slice from = skn_blob_leases(arena, cx->core->shard, cx->core->mail.shards);
    skn_blob_tell(cx, from, skn_blob_domain(arena, hash), what, numbers, count);
}

/* All that changed about one hash; gives the first node behind. */
static struct skn_omap_node *change_hash(struct skn_cx *cx, struct skn_omap_node *node)
{
    struct skn_slice head = skn_slice(node->key.ptr, SKN_SHARD_HEAD + HASH);
    struct skn_slice hash = skn_slice_from(head, SKN_SHARD_HEAD);
    bool was = is_named(cx, hash);
    uint64_t size = 0;
    for (; node && skn_slice_has_prefix(node->key, head); node = skn_omap_next(node)) {
        const struct named *named = SKN_CONTAINER_OF(node, struct named, node);
        if (named->now) size = named->size;
        if (named->now && !named->before)
            skn_raw_put(cx, node->key, (struct skn_slice){0});
        else if (named->before && !named->now)
            skn_raw_delete(cx, node->key);
    }
    bool is = cx->rc == SKN_OK && is_named(cx, hash);
    if (cx->rc != SKN_OK || was == is) return node;
    if (is) put_lease(cx, hash);
    if (is)
        tell(cx, hash, "ref", size, 2);
    else
        tell(cx, hash, "unref", 0, 1);
    return node;
}

void skn_names_finish(struct skn_cx *cx)
{
    if (cx->rc != SKN_OK || (!cx->may_name && !cx->core->has_names)) return;
    SKN_ASSERT(!cx->is_bounded);
    struct gathering g = {.cx = cx};
    skn_omap_init(&g.names);
    gather_all(&g);
    struct skn_omap_node *node = skn_omap_first(&g.names);
    cx->names |= node != NULL;
    while (node && cx->rc == SKN_OK)
        node = change_hash(cx, node);
    skn_stream_put_notes(cx);
}

void skn_names_committed(struct skn_core *core, const struct skn_cx *cx)
{
    core->has_names |= cx->names;
}

enum skn_rc skn_names_open(struct skn_core *core, struct skn_diag *diag)
{
    struct skn_key from, end;
    struct skn_row row;
    size_t count;
    skn_key_shard(&from, SKN_SHARD_NAMES);
    end = from;
    skn_key_end(&end);
    enum skn_rc rc = skn_store_scan(
        core->store, skn_key_slice(&from), skn_key_slice(&end), &row, 1, &count, diag);
    core->has_names = rc == SKN_OK && count > 0;
    return rc;
}

/* --- addresses and messages -------------------------------------------------------------------------------- */

struct skn_slice skn_blob_domain(struct skn_arena *arena, struct skn_slice hash)
{
    char hex[HEX + 1];
    SKN_ASSERT(hash.len == HASH);
    skn_hex(hash.ptr, HASH, hex);
    return skn_slice_str(skn_arena_printf(arena, SKN_BLOB_DOMAIN "%s", hex));
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool skn_blob_hash_in(struct skn_slice address, uint8_t out[SKN_VALUE_HASH_BYTES])
{
    struct skn_slice head = SKN_LIT(SKN_BLOB_DOMAIN);
    if (!skn_slice_has_prefix(address, head) || address.len != head.len + HEX) return false;
    for (size_t i = 0; i < HASH; i++) {
        int high = digit_of(address.ptr[head.len + 2 * i]);
        int low = digit_of(address.ptr[head.len + 2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

struct skn_slice skn_blob_leases(struct skn_arena *arena, uint32_t shard, uint32_t shards)
{
    char text[64];
    for (uint32_t k = 0;; k++) {
        int len = snprintf(text, sizeof text, SKN_BLOB_LEASES "%u.%u", shard, k);
        struct skn_slice address = skn_slice((const uint8_t *)text, (size_t)len);
        if (skn_shard_of(address, shards) == shard) return skn_arena_dup(arena, address);
    }
}

bool skn_blob_leases_shard(struct skn_slice address, uint32_t shards, uint32_t *out_shard)
{
    struct skn_slice rest = SKN_LIT(SKN_BLOB_LEASES);
    if (!skn_slice_has_prefix(address, rest)) return false;
    *out_shard = skn_shard_of(address, shards);
    return true;
}

bool skn_blob_is(struct skn_slice address)
{
    return skn_slice_has_prefix(address, SKN_LIT(SKN_BLOB_SCOPE));
}

const struct skn_program *skn_blob_program_of(struct skn_slice address)
{
    uint8_t hash[HASH];
    struct skn_slice head = SKN_LIT(SKN_BLOB_LEASES);
    if (skn_blob_hash_in(address, hash)) return &skn_blob_program;
    bool is_leases = skn_slice_has_prefix(address, head) && address.len > head.len;
    return is_leases ? &skn_leases_program : NULL;
}

bool skn_blob_note_read(struct skn_value payload, struct skn_blob_note *out)
{
    struct skn_value_iter iter = skn_value_iter(payload);
    struct skn_value v;
    uint64_t n[2] = {0};
    if (!skn_value_is(payload, SKN_T_LIST) || skn_value_count(payload) > 2) return false;
    for (size_t i = 0; skn_value_next(&iter, NULL, &v); i++) {
        if (!skn_value_is(v, SKN_T_INT) || skn_value_as_int(v) < 0) return false;
        n[i] = (uint64_t)skn_value_as_int(v);
    }
    *out = (struct skn_blob_note){.number = n[0], .size = n[1]};
    return true;
}

void skn_blob_tell(struct skn_cx *cx,
                   struct skn_slice sender,
                   struct skn_slice to,
                   const char *name,
                   const uint64_t *numbers,
                   size_t count)
{
    struct skn_buf payload;
    struct skn_builder *b = skn_arena_alloc(&cx->arena, sizeof *b);
    skn_buf_init(&payload, 256);
    skn_builder_init(b, &payload);
    skn_build_list_begin(b);
    for (size_t i = 0; i < count; i++)
        skn_build_int(b, (int64_t)(numbers[i] & INT64_MAX));
    skn_build_list_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    const struct skn_message message = {.kind = SKN_MESSAGE_SEND,
                                        .priority = SKN_PRIORITY_NORMAL,
                                        .stamp = cx->stamp,
                                        .sender = sender,
                                        .name = skn_slice_str(name),
                                        .payload = skn_value_view(skn_buf_slice(&payload))};
    skn_mail_pass(cx, to, &message);
    skn_buf_fini(&payload);
}
