/* request_blob.c - what clients ask about contents [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "blob/blob.h"
#include "core/look.h"
#include "node/request_internal.h"

enum { NAMES_MAX = 100, NAMES_BYTES_MAX = 1 << 20 };

static enum skn_rc get_hash(struct ask *ask, uint8_t out[SKN_BLOB_HASH_BYTES])
{
    struct skn_slice address = ask_text(ask, "address"), head = SKN_LIT("blob:Blob/");
    bool fits = skn_slice_has_prefix(address, head) &&
                skn_blob_hash_read(skn_slice_from(address, head.len), out);
    return fits ? SKN_OK : SKN_FAIL(ask->diag, SKN_EARGS, "the address is none of a blob");
}

/* The steps of storing a content, one by one. */
enum skn_rc request_blob(struct ask *ask)
{
    static const struct skn_slice no_id;
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    struct skn_slice name = ask_text(ask, "name");
    struct skn_value payload = skn_value_none();
    enum skn_rc rc = get_hash(ask, hash);
    if (rc == SKN_OK && skn_slice_eq(name, SKN_LIT("begin"))) rc = ask_has_room(ask);
    if (rc != SKN_OK) return rc;
    (void)skn_map_get(ask->request, SKN_LIT("payload"), &payload);
    ask_submit(
        ask, ask_text(ask, "address"), name, no_id, SKN_PRIORITY_NORMAL, payload, REPLY_AS_VALUE);
    return SKN_OK;
}

enum skn_rc request_blob_hold(struct ask *ask)
{
    engine_blobs_hold(ask->engine, ask->client);
    engine_answer_value(ask->engine, ask->client, ask->id, SKN_LIT("{\"held\":true}"));
    return SKN_OK;
}

/* --- the rows that name one ---------------------------------------------------------------------------- */

static const char *kind_name(enum skn_key_kind kind)
{
    switch ((int)kind) {
    case SKN_KEY_OWN: return "row";
    case SKN_KEY_MAIL: return "mail";
    case SKN_KEY_WAITING: return "waiting";
    case SKN_KEY_OUTBOX: return "outbox";
    case SKN_KEY_INTENT: return "intent";
    case SKN_KEY_REQUEST: return "answer";
    default: return "dead letter";
    }
}

static void put_name(struct skn_buf *out, struct skn_slice row)
{
    struct skn_key_info info;
    struct skn_json_writer w;
    struct skn_buf json, key;
    skn_buf_init(&json, NAMES_BYTES_MAX);
    skn_buf_init(&key, NAMES_BYTES_MAX);
    skn_key_read(row, &info);
    skn_json_begin(&w, &json, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "kind");
    skn_json_str(&w, kind_name(info.kind));
    if (info.address.len > 0) skn_json_key_str(&w, "address");
    if (info.address.len > 0) skn_json_any_text(&w, info.address);
    if (info.own.len > 0) skn_key_print(info.own, &key);
    if (info.own.len > 0) skn_json_key_str(&w, "key");
    if (info.own.len > 0) skn_json_any_text(&w, skn_buf_slice(&key));
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_block(out, skn_buf_slice(&json));
    skn_buf_fini(&key);
    skn_buf_fini(&json);
}

static enum skn_rc
look_for_names(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    struct look *look = engine_look_of(call);
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    struct skn_buf last;
    enum skn_rc rc = get_hash(look->ask, hash);
    skn_buf_init(&last, SKN_KEY_MAX + 1);
    skn_buf_reset(&look->json);
    for (int i = 0; rc == SKN_OK && i <= NAMES_MAX; i++) {
        struct skn_slice row;
        rc = skn_look_next_naming(store, hash, &last, &row, &call->diag);
        if (rc == SKN_OK) put_name(&look->json, row);
    }
    skn_buf_fini(&last);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static void answer_names(struct ask *ask)
{
    struct skn_buf json;
    struct skn_cursor cursor = skn_cursor(skn_buf_slice(&ask->parts));
    int count = 0;
    skn_buf_init(&json, ANSWER_BYTES_MAX);
    skn_buf_put_str(&json, "{\"names\":[");
    for (; count < NAMES_MAX && !skn_cursor_is_done(&cursor); count++) {
        if (count > 0) skn_buf_put_u8(&json, ',');
        skn_buf_put(&json, skn_cursor_block(&cursor));
    }
    bool has_more = !skn_cursor_is_done(&cursor);
    skn_buf_put_str(&json, has_more ? "],\"more\":true}" : "],\"more\":false}");
    if (ask->rc == SKN_OK)
        engine_answer_value(ask->engine, ask->client, ask->id, skn_buf_slice(&json));
    skn_buf_fini(&json);
    ask_end(ask, ask->rc);
}

static void names_looked(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->call.rc != SKN_OK && ask->rc == SKN_OK) {
        ask->rc = look->call.rc;
        ask->own_diag = look->call.diag;
    }
    skn_buf_put(&ask->parts, skn_buf_slice(&look->json));
    if (--ask->looks == 0) answer_names(ask);
}

/* At most 100 of them, in the order of shards and keys. */
enum skn_rc request_blob_names(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    enum skn_rc rc = get_hash(ask, hash);
    if (rc != SKN_OK) return rc;
    skn_buf_init(&ask->parts, (size_t)ANSWER_BYTES_MAX * 4);
    ask->looks = skn_shards_count(e->shards);
    for (uint32_t i = 0, n = ask->looks; i < n; i++)
        engine_look_start(
            engine_look_new(e, (struct skn_slice){0}, i, look_for_names, names_looked, ask));
    return SKN_ELATER;
}
