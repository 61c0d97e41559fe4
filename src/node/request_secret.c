/* request_secret.c - the sealing keys of a node, and what clients ask about them [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "base/mem.h"
#include "node/keys_internal.h"
#include "node/request_internal.h"

#include <string.h>

/* --- keys -------------------------------------------------------------------------------------------- */

const struct skn_keyring *engine_keys(const struct skn_engine *e)
{
    return e->keys.count > 0 ? e->keys.rings[e->keys.count - 1] : NULL;
}

enum skn_rc engine_keys_load(struct skn_engine *e, const struct skn_config *config)
{
    struct sealing_keys *keys = &e->keys;
    struct skn_keyring *ring = NULL;
    keys->why = (struct skn_diag){.text = ""};
    enum skn_rc rc = skn_keys_load(config, e->project_dir, e->data_dir, &ring, &keys->why);
    if (!ring) return rc;
    keys->rings = skn_realloc(keys->rings, (keys->count + 1) * sizeof *keys->rings);
    keys->rings[keys->count++] = ring;
    return SKN_OK;
}

void engine_keys_fini(struct skn_engine *e)
{
    while (e->keys.count > 0)
        skn_keyring_destroy(e->keys.rings[--e->keys.count]);
    skn_free(e->keys.rings);
    e->keys.rings = NULL;
}

/* --- asking ------------------------------------------------------------------------------------------- */

/* What the shards say, added up in ask->parts as one of these for each. */
static void put_part(struct ask *ask, const struct skn_core_sealing *part)
{
    skn_buf_put(&ask->parts, skn_slice((const uint8_t *)part, sizeof *part));
}

static void put_ids(struct skn_json_writer *w, const struct skn_keyring *ring)
{
    char id[SKN_SEAL_ID_TEXT];
    skn_json_key_str(w, "keys");
    skn_json_list_begin(w);
    for (size_t i = 0; ring && i < skn_keyring_count(ring); i++) {
        skn_seal_id_text(skn_keyring_id(ring, i), id);
        skn_json_str(w, id);
    }
    skn_json_list_end(w);
}

static void put_uint(struct skn_json_writer *w, const char *name, uint64_t n)
{
    skn_json_key_str(w, name);
    skn_json_uint(w, n);
}

static void put_ms(struct skn_json_writer *w, const char *name, uint64_t unix_ms)
{
    skn_json_key_str(w, name);
    if (unix_ms > 0)
        skn_json_value(w, skn_value_time((int64_t)(unix_ms * 1000000)));
    else
        skn_json_none(w);
}

/* The bases of the history are copies of rows, and it keeps segments that the journal let go [E70]. A
 * base has the rows of the checkpoint before it: an hour is more than one ever takes. */
static bool does_history_name(const struct skn_engine *e, uint64_t rotated_ms)
{
    enum { CHECKPOINT_MS = 60 * 60 * 1000 };
    uint64_t since_ms = skn_shards_state(e->shards).history_since_ms;
    return since_ms > 0 && rotated_ms > 0 && since_ms <= rotated_ms + CHECKPOINT_MS;
}

/* The shards seal by one key but while it changes; the first that is named is shown. */
static void put_answer(struct skn_json_writer *w, struct ask *ask)
{
    const struct skn_engine *e = ask->engine;
    uint64_t rotating = 0, lacking = 0, keyless = 0, id = 0, others = 0, rotated_ms = 0;
    size_t count = ask->parts.len / sizeof(struct skn_core_sealing);
    for (size_t i = 0; i < count; i++) {
        struct skn_core_sealing part;
        memcpy(&part, ask->parts.ptr + i * sizeof part, sizeof part);
        if (id == 0) id = part.id;
        others += part.id != id;
        rotating += part.is_rotating;
        lacking += part.lacks_key || (part.id != 0 && !part.has_key);
        keyless += part.keyless;
        uint64_t done_ms = skn_hlc_ms(part.done_stamp);
        if (done_ms > rotated_ms) rotated_ms = done_ms;
    }
    skn_json_key_str(w, "sealing_key");
    char text[SKN_SEAL_ID_TEXT];
    skn_seal_id_text(id, text);
    if (id == 0)
        skn_json_none(w);
    else
        skn_json_str(w, text);
    put_ids(w, engine_keys(e));
    put_uint(w, "shards", count);
    put_uint(w, "shards_rewriting", rotating + others);
    put_uint(w, "shards_without_key", lacking);
    put_uint(w, "domains_waiting", keyless);
    put_ms(w, "rotated", rotated_ms);
    skn_json_key_str(w, "history_names_older");
    skn_json_bool(w, does_history_name(e, rotated_ms));
    if (e->keys.why.text[0]) {
        skn_json_key_str(w, "error");
        skn_json_str(w, e->keys.why.text);
    }
}

static void all_told(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "value");
    skn_json_key_str(w, "value");
    skn_json_object_begin(w);
    put_answer(w, ask);
    skn_json_object_end(w);
    engine_answer_end(e);
    ask_end(ask, SKN_OK);
}

static void shard_told(struct look *look)
{
    struct ask *ask = look->ask;
    put_part(ask, &look->sealing);
    if (--ask->looks == 0) all_told(ask);
}

static enum skn_rc tell_shard(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)store;
    engine_look_of(call)->sealing = skn_core_sealing(core);
    return SKN_OK;
}

static enum skn_rc
rotate_shard(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    skn_core_set_keys(core, look->keys, true);
    return tell_shard(call, core, store);
}

static void each_shard(struct ask *ask,
                       enum skn_rc (*fn)(struct skn_call *, struct skn_core *, struct skn_store *),
                       bool acts)
{
    struct skn_engine *e = ask->engine;
    ask->looks = skn_shards_count(e->shards);
    skn_buf_init(&ask->parts, ask->looks * sizeof(struct skn_core_sealing));
    for (uint32_t i = 0, n = ask->looks; i < n; i++) {
        struct look *look = engine_look_new(e, (struct skn_slice){0}, i, fn, shard_told, ask);
        look->keys = engine_keys(e);
        look->call.acts = acts;
        engine_look_start(look);
    }
}

enum skn_rc request_secrets(struct ask *ask)
{
    each_shard(ask, tell_shard, false);
    return SKN_ELATER;
}

/* What skein.yaml names now; its other settings are those of the next opening. */
static enum skn_rc read_anew(struct skn_engine *e)
{
    struct skn_arena arena;
    struct skn_config config;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_config_read(e->env, e->project_dir, &arena, &config, &e->keys.why);
    if (rc == SKN_OK) rc = engine_keys_load(e, &config);
    skn_arena_fini(&arena);
    return rc;
}

enum skn_rc request_rotate(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    enum skn_rc rc = read_anew(e);
    if (rc != SKN_OK) return SKN_FAIL(ask->diag, rc, "%s", e->keys.why.text);
    if (!engine_keys(e))
        return SKN_FAIL(
            ask->diag, SKN_ECONFIG, "skein.yaml has no `secrets`: skein help secret rotate");
    each_shard(ask, rotate_shard, true);
    return SKN_ELATER;
}
