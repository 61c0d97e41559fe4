/* test_secrets.c - secrets in the shards of a node, under a schedule that chance chooses: kills, power
 * cuts, a store that answers later, keys that are missing for a while and keys that change [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "dev/dev.h"
#include "lib/simnode.h"
#include "seal/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLANTED "planted-secret-"

enum { VAULTS = 8, PUTS = 160, PASSES = 80, TURNS_MAX = 400000, SEEDS = 8, KEYS = 5 };

static const struct skn_program *const programs[] = {&skn_dev_vault, NULL};

struct node {
    struct simnode at;
    struct skn_keyring
        *rings[KEYS + 1]; /* the keys 0 to i, the last one in front; then a foreign one */
    unsigned key;         /* the ring that is meant */
    bool lacks;           /* it is not the one in use */
    enum skn_rc rc;       /* of the last reply */
    bool answer, is_back;
    unsigned crashes, refused, rotated;
};

static struct skn_keyring *ring_of(unsigned newest)
{
    uint8_t keys[KEYS * SKN_SEAL_KEY_BYTES];
    for (unsigned i = 0; i <= newest; i++)
        memset(keys + i * SKN_SEAL_KEY_BYTES, (int)(newest - i + 1), SKN_SEAL_KEY_BYTES);
    return skn_keyring_create(keys, newest + 1);
}

static void must_open(struct node *n)
{
    skn_backend_memory_set_slow(n->at.backend, skn_rng_chance(&n->at.rng, 1, 2));
    n->lacks = skn_rng_chance(&n->at.rng, 1, 4);
    n->at.options.keys = n->rings[n->lacks ? KEYS : n->key];
    n->at.options.workers = 1 + (unsigned)skn_rng_below(&n->at.rng, 3);
    simnode_must_open(&n->at);
}

/* --- the disk ----------------------------------------------------------------------------------------- */

static enum skn_rc look_into(void *ctx, const char *name)
{
    struct node *n = ctx;
    struct skn_file *file = NULL;
    uint64_t size;
    char path[200];
    (void)snprintf(path, sizeof path, "/journal/%s", name);
    struct skn_env *env = skn_env_sim_env(n->at.sim);
    if (skn_env_open(env, path, SKN_OPEN_READ, &file, NULL) != SKN_OK) return SKN_OK;
    assert_int_equal(skn_file_size(file, &size, NULL), SKN_OK);
    uint8_t *bytes = malloc((size_t)size + 1);
    size_t len = 0;
    assert_non_null(bytes);
    assert_int_equal(skn_file_pread(file, 0, bytes, (size_t)size, &len, NULL), SKN_OK);
    skn_file_close(file);
    if (memmem(bytes, len, PLANTED, strlen(PLANTED))) fail_msg("%s has a secret", path);
    free(bytes);
    return SKN_OK;
}

static void search(struct node *n)
{
    struct skn_env *env = skn_env_sim_env(n->at.sim);
    assert_int_equal(skn_env_list(env, "/journal", look_into, n, NULL), SKN_OK);
}

static void crash(struct node *n)
{
    n->crashes++;
    simnode_die(&n->at);
    search(n);
    must_open(n);
}

/* --- keys --------------------------------------------------------------------------------------------- */

struct told {
    struct skn_call call;
    const struct skn_keyring *keys; /* NULL: only looks */
    bool rotates;
    struct skn_core_sealing sealing;
};

static enum skn_rc tell(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)store;
    struct told *told = SKN_CONTAINER_OF(call, struct told, call);
    if (told->keys) skn_core_set_keys(core, told->keys, told->rotates);
    told->sealing = skn_core_sealing(core);
    return SKN_OK;
}

/* Whatever comes out; true: the call is back. */
static bool hear(struct node *n, const struct skn_call *call)
{
    struct skn_shards_event event;
    bool is_back = false;
    while (skn_shards_next_event(n->at.shards, &event)) {
        is_back |= call && event.call == call;
        if (!event.output || event.output->kind != SKN_OUTPUT_REPLY) continue;
        struct skn_value v = skn_value_view(event.output->value);
        if (memmem(event.output->value.ptr, event.output->value.len, PLANTED, strlen(PLANTED)))
            fail_msg("an answer has a secret");
        n->rc = event.output->rc;
        n->answer = skn_value_is(v, SKN_T_BOOL) && skn_value_as_bool(v);
        n->is_back = true;
    }
    return is_back;
}

static struct skn_core_sealing
tell_shard(struct node *n, uint32_t shard, const struct skn_keyring *keys, bool rotates)
{
    struct told told = {
        .call = {.fn = tell, .shard = shard, .acts = true}, .keys = keys, .rotates = rotates};
    skn_shards_call(n->at.shards, &told.call);
    for (int i = 0; i < TURNS_MAX && !hear(n, &told.call); i++)
        simnode_turn(&n->at);
    return told.sealing;
}

static void tell_all(struct node *n, bool rotates)
{
    n->lacks = false;
    n->at.options.keys = n->rings[n->key];
    for (uint32_t i = 0; i < n->at.options.shards; i++)
        (void)tell_shard(n, i, n->at.options.keys, rotates);
}

/* --- asking --------------------------------------------------------------------------------------------- */

static void secret_text(unsigned i, char out[64])
{
    (void)snprintf(out, 64, PLANTED "%u-%u", i, i * 7919);
}

/* The vault of a number, and the one that it is passed to: another, often in another shard. */
static void vault_of(unsigned i, char out[32])
{
    (void)snprintf(out, 32, "a:Vault/%u", i % VAULTS);
}

static void build(struct skn_buf *buf, unsigned i, const char *to)
{
    struct skn_builder b;
    char name[32], text[64];
    (void)snprintf(name, sizeof name, "s%u", i);
    secret_text(i, text);
    skn_builder_init(&b, buf);
    skn_build_map_begin(&b);
    skn_build_key(&b, SKN_LIT("name"));
    skn_build_str(&b, name);
    skn_build_key(&b, to ? SKN_LIT("to") : SKN_LIT("secret"));
    if (!to) skn_build_secret_begin(&b);
    skn_build_str(&b, to ? to : text);
    if (!to) skn_build_secret_end(&b);
    skn_build_map_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
}

static void submit(struct node *n, const char *what, unsigned i, unsigned vault, const char *to)
{
    struct skn_buf buf;
    char address[32], id[64];
    skn_buf_init(&buf, 4096);
    build(&buf, i, to);
    vault_of(vault, address);
    (void)snprintf(id, sizeof id, "%s %u %u", what, i, vault);
    bool is_query = strcmp(what, "check") == 0;
    const struct skn_request request = {.number = 1,
                                        .caller = SKN_LIT("t"),
                                        .id = is_query ? SKN_LIT("") : skn_slice_str(id),
                                        .address = skn_slice_str(address),
                                        .name = skn_slice_str(what),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    n->is_back = false;
    skn_shards_submit(n->at.shards, &request);
    skn_buf_fini(&buf);
}

/* What may happen at any time; true: the node is another one now. */
static bool something(struct node *n)
{
    simnode_turn(&n->at);
    if (skn_rng_chance(&n->at.rng, 1, 400)) {
        crash(n);
        return true;
    }
    if (n->lacks && skn_rng_chance(&n->at.rng, 1, 150)) tell_all(n, false);
    if (!n->lacks && n->key + 1 < KEYS && skn_rng_chance(&n->at.rng, 1, 2500)) {
        n->key++;
        n->rotated++;
        tell_all(n, true);
    }
    return false;
}

/* Asks until there is an answer. A key that is missing is the only reason for none. */
static bool ask(struct node *n, const char *what, unsigned i, unsigned vault, const char *to)
{
    for (int turn = 0, waits = 0; turn < TURNS_MAX; turn++, waits++) {
        if (waits == 0) submit(n, what, i, vault, to);
        if (something(n)) waits = -1;
        (void)hear(n, NULL);
        if (!n->is_back) continue;
        if (n->rc == SKN_OK) return n->answer;
        if (n->rc != SKN_ENOKEY) fail_msg("%s %u: %s", what, i, skn_rc_info(n->rc)->name);
        n->refused++;
        n->is_back = false;
        waits = -1;
        /* Not at once again: somebody has to bring the key. */
        for (int k = 0; k < 20; k++)
            simnode_turn(&n->at);
    }
    fail_msg("%s %u is never answered", what, i);
    return false;
}

static void must_have(struct node *n, unsigned i, unsigned vault)
{
    for (int k = 0; k < 2000; k++) {
        if (ask(n, "check", i, vault, NULL)) return;
        skn_env_sim_advance(n->at.sim, 50000000);
    }
    fail_msg("vault %u lacks secret %u", vault % VAULTS, i);
}

/* Until each shard says that it names the newest key alone. */
static void end_rotation(struct node *n)
{
    if (n->lacks) tell_all(n, false);
    for (uint32_t shard = 0, looks = 0; shard < n->at.options.shards; looks++) {
        if (looks > 5000) fail_msg("shard %u never ends the change of its key", shard);
        struct skn_core_sealing sealing = tell_shard(n, shard, NULL, false);
        bool is_done = !sealing.is_rotating && sealing.id == skn_keyring_id(n->rings[n->key], 0);
        if (!is_done && looks % 100 == 0) tell_all(n, true);
        if (is_done)
            shard++;
        else
            skn_env_sim_advance(n->at.sim, 20000000);
    }
}

/* P4: what was never trimmed is executed again, with all keys. */
static void replay(const struct node *n)
{
    struct skn_shards_options options = n->at.options;
    struct skn_shards_replayed done;
    struct skn_journal_info info;
    struct skn_diag diag = {.text = ""};
    options.keys = n->rings[n->key];
    enum skn_rc rc = skn_shards_replay(&options, &done, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    assert_int_equal(skn_shards_verify(&options, &info, &diag), SKN_OK);
    assert_int_equal(done.records.executed, info.records);
}

static void one_seed(uint64_t seed, struct node *total)
{
    struct node *n = calloc(1, sizeof *n);
    char to[32];
    uint8_t foreign[SKN_SEAL_KEY_BYTES];
    assert_non_null(n);
    for (unsigned i = 0; i < KEYS; i++)
        n->rings[i] = ring_of(i);
    memset(foreign, 99, sizeof foreign);
    n->rings[KEYS] = skn_keyring_create(foreign, 1);
    simnode_init(&n->at, seed, programs, 4);
    n->at.options.keys = n->rings[0];
    n->at.options.writes_at_once = true; /* the first key of all is the right one */
    assert_int_equal(skn_shards_open(&n->at.options, &n->at.shards, &n->at.diag), SKN_OK);
    for (int i = 0; i < 200; i++)
        simnode_turn(&n->at);
    for (unsigned i = 0; i < PUTS; i++) {
        (void)ask(n, "put", i, i, NULL);
        if (i >= PASSES) continue;
        vault_of(i + 3, to);
        (void)ask(n, "pass", i, i, to);
    }
    for (unsigned i = 0; i < PUTS; i += 3) {
        must_have(n, i, i);
        if (i < PASSES) must_have(n, i, i + 3);
    }
    end_rotation(n);
    assert_int_equal(skn_shards_close(n->at.shards, &n->at.diag), SKN_OK);
    search(n);
    assert_int_equal(skn_shards_verify(&n->at.options, NULL, &n->at.diag), SKN_OK);
    if (n->at.is_kept) replay(n);
    total->crashes += n->crashes;
    total->refused += n->refused;
    total->rotated += n->rotated;
    for (unsigned i = 0; i <= KEYS; i++)
        skn_keyring_destroy(n->rings[i]);
    simnode_fini(&n->at);
    free(n);
}

static void secrets_are_kept_and_never_shown(void **state)
{
    (void)state;
    unsigned seeds = simnode_seeds(SEEDS);
    uint64_t seed = simnode_seed();
    struct node total = {0};
    for (unsigned i = 0; i < seeds; i++) {
        printf("%llu ", (unsigned long long)seed + i);
        (void)fflush(stdout);
        one_seed(seed + i, &total);
    }
    printf("\ncovered: %u seeds, %u crashes, %u changes of the key, %u refusals without one\n",
           seeds,
           total.crashes,
           total.rotated,
           total.refused);
    assert_true(total.crashes > seeds && total.rotated > seeds && total.refused > seeds);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_kept_and_never_shown),
    };
    return cmocka_run_group_tests_name("shard/secrets", tests, NULL, NULL);
}
