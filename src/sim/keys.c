/* keys.c - the sealing key is changed while the node works and dies, and then the old one is taken away
 * [E46]: what still names it is found by a look at every row, or cannot be read any more. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "seal/seal.h"
#include "sim/world_internal.h"

#include "base/pure.h"

enum { CHANGE_EVERY = 40, LOOK_EVERY = 4 };

struct sim_keys {
    uint8_t bytes[2 * SKN_SEAL_KEY_BYTES]; /* the newest, and the one before it */
    struct skn_keyring *both, *alone;      /* the newest with the one before it, or without */
    uint64_t number;                       /* of the newest, from 1 */
    uint64_t now_id, old_id;
    bool is_changing;
    uint64_t *done;  /* by shard: what it said last of when it was done; 0: it is not */
    unsigned in_row; /* looks in a row at which all said the same */
    bool takes_away;
};

static void make_key(uint64_t number, uint8_t *out)
{
    memset(out, 0, SKN_SEAL_KEY_BYTES);
    memcpy(out, "sealing key of the simulator", 28);
    memcpy(out + 32, &number, sizeof number);
}

static void make_rings(struct sim_keys *k)
{
    skn_keyring_destroy(k->both);
    skn_keyring_destroy(k->alone);
    k->both = skn_keyring_create(k->bytes, 2);
    k->alone = skn_keyring_create(k->bytes, 1);
    k->now_id = skn_keyring_id(k->both, 0);
    k->old_id = skn_keyring_id(k->both, 1);
}

struct sim_keys *keys_create(uint32_t shards)
{
    struct sim_keys *k = skn_alloc_zero(1, sizeof *k);
    k->number = 1;
    make_key(1, k->bytes);
    make_key(0, k->bytes + SKN_SEAL_KEY_BYTES);
    make_rings(k);
    k->done = skn_alloc_zero(shards, sizeof *k->done);
    return k;
}

void keys_destroy(struct sim_keys *keys)
{
    if (!keys) return;
    skn_keyring_destroy(keys->both);
    skn_keyring_destroy(keys->alone);
    skn_free(keys->done);
    skn_free(keys);
}

const struct skn_keyring *keys_ring(const struct sim_keys *keys)
{
    return keys->is_changing ? keys->both : keys->alone;
}

/* At each shard: it is told of the new key until it seals with it, and says how far it is. */
static enum skn_rc tell_shard(struct world *w,
                              void *ctx,
                              uint32_t shard,
                              struct skn_core *core,
                              struct skn_store *store,
                              struct skn_diag *diag)
{
    struct sim_keys *k = ctx;
    if (k->takes_away) {
        skn_core_set_keys(core, k->alone, false);
        return SKN_OK;
    }
    struct skn_core_sealing s = skn_core_sealing(core);
    if (s.id != k->now_id) skn_core_set_keys(core, k->both, true);
    bool is_done = s.id == k->now_id && !s.is_rotating;
    bool is_same = is_done && k->done[shard] == s.done_stamp + 1;
    if (!is_same) k->in_row = 0;
    k->done[shard] = is_done ? s.done_stamp + 1 : 0;
    /* A cache that has not room for all rows would read them for ever. */
    bool may_look = !w->backend || w->params.cache_bytes == 0;
    if (!is_done || !is_same || !may_look) return SKN_OK;
    return look_for_key(w, store, k->old_id, diag);
}

/* Into the place of the rings that the node had: it has none of them any more, or is told at once. */
static void begin_change(struct world *w)
{
    struct sim_keys *k = w->keys;
    memcpy(k->bytes + SKN_SEAL_KEY_BYTES, k->bytes, SKN_SEAL_KEY_BYTES);
    make_key(++k->number, k->bytes);
    struct skn_keyring *was[] = {k->both, k->alone};
    k->both = k->alone = NULL;
    make_rings(k);
    k->is_changing = true;
    k->in_row = 0;
    memset(k->done, 0, node_shards(w) * sizeof *k->done);
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = node_ask(w, tell_shard, k, &diag);
    if (rc != SKN_OK) life_fail(w, rc, &diag);
    /* Who could not be told is dead. */
    skn_keyring_destroy(was[0]);
    skn_keyring_destroy(was[1]);
}

static void go_on(struct world *w)
{
    struct sim_keys *k = w->keys;
    struct skn_diag diag = {.text = ""};
    unsigned before = k->in_row++;
    enum skn_rc rc = node_ask(w, tell_shard, k, &diag);
    /* Twice the same of all: so nothing sealed by the old one was on its way between them. */
    bool is_over = rc == SKN_OK && w->rc == SKN_OK && k->in_row == before + 1 && before > 0;
    if (is_over) {
        k->takes_away = true;
        rc = node_ask(w, tell_shard, k, &diag);
        k->takes_away = false;
        k->is_changing = false;
        world_cover(w, SKN_COVER_KEY_CHANGED);
    }
    if (rc != SKN_OK) life_fail(w, rc, &diag);
}

void keys_turn(struct world *w)
{
    struct skn_rng rng;
    uint64_t state = w->options->seed * 0xd6e8feb86659fd93u ^ (w->report->rounds + 1);
    skn_rng_init(&rng, skn_splitmix64(&state));
    if (!w->params.rekeys || w->options->stop_at || !w->node || w->rc != SKN_OK) return;
    if (w->keys->is_changing && skn_rng_chance(&rng, 1, LOOK_EVERY))
        go_on(w);
    else if (!w->keys->is_changing && !w->is_quiet && skn_rng_chance(&rng, 1, CHANGE_EVERY))
        begin_change(w);
}
