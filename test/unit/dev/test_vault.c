/* test_vault.c - the domain type Vault of test builds: what it keeps, compares, hands on and refuses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"
#include "lib/shard.h"
#include "seal/seal.h"
#include "value/json.h"

static const struct skn_program *const programs[] = {&skn_dev_vault, &skn_dev_counter, NULL};

struct world {
    struct shard shard;
    struct skn_keyring *keys;
    struct skn_buf payload, answer; /* the last answer, as JSON */
    enum skn_rc rc;
    uint64_t number;
};

static int setup(void **state)
{
    static const uint8_t key[SKN_SEAL_KEY_BYTES] = "a key";
    struct world *w = skn_alloc_zero(1, sizeof *w);
    w->keys = skn_keyring_create(key, 1);
    shard_init(&w->shard, programs);
    w->shard.options.keys = w->keys;
    shard_kill(&w->shard, true);
    skn_buf_init(&w->payload, 1 << 20);
    skn_buf_init(&w->answer, 1 << 20);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    shard_fini(&w->shard);
    skn_keyring_destroy(w->keys);
    skn_buf_fini(&w->payload);
    skn_buf_fini(&w->answer);
    skn_free(w);
    return 0;
}

/* {name, to, secret}, of which NULL is left out; gives the answer. */
static const char *ask(struct world *w,
                       const char *address,
                       const char *what,
                       const char *name,
                       const char *to,
                       const char *secret)
{
    const char *const members[][2] = {{"name", name}, {"to", to}, {"secret", secret}};
    struct skn_builder b;
    struct skn_output output;
    skn_buf_reset(&w->payload);
    skn_builder_init(&b, &w->payload);
    skn_build_map_begin(&b);
    for (size_t i = 0; i < SKN_ARRAY_LEN(members); i++) {
        if (!members[i][1]) continue;
        bool is_secret = i == 2 && secret[0] != '!'; /* else it is given as it is */
        skn_build_key(&b, skn_slice_str(members[i][0]));
        if (is_secret) skn_build_secret_begin(&b);
        skn_build_str(&b, members[i][1]);
        if (is_secret) skn_build_secret_end(&b);
    }
    skn_build_map_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    shard_submit(
        &w->shard, ++w->number, "", address, what, skn_value_view(skn_buf_slice(&w->payload)));
    shard_settle(&w->shard);
    w->rc = SKN_EINTERNAL;
    skn_buf_reset(&w->answer);
    while (shard_next(&w->shard, &output)) {
        if (output.kind != SKN_OUTPUT_REPLY) continue;
        struct skn_value v = skn_value_view(output.value);
        w->rc = output.rc;
        assert_int_equal(skn_json_print(v, SKN_JSON_PLAIN, &w->answer, NULL), SKN_OK);
    }
    return skn_buf_str(&w->answer);
}

static void a_vault_keeps_compares_and_hands_on(void **state)
{
    struct world *w = *state;
    assert_string_equal(ask(w, "a:Vault/0", "get", "db", NULL, NULL), "null");
    assert_string_equal(ask(w, "a:Vault/0", "put", "db", NULL, "s3cret"), "\"***\"");
    assert_string_equal(ask(w, "a:Vault/0", "get", "db", NULL, NULL), "\"***\"");
    assert_string_equal(ask(w, "a:Vault/0", "check", "db", NULL, "s3cret"), "true");
    assert_string_equal(ask(w, "a:Vault/0", "check", "db", NULL, "secret"), "false");
    assert_string_equal(ask(w, "a:Vault/0", "check", "other", NULL, "s3cret"), "false");
    assert_string_equal(ask(w, "a:Vault/0", "pass", "db", "a:Vault/1", NULL), "null");
    shard_kill(&w->shard, true);
    assert_string_equal(ask(w, "a:Vault/1", "check", "db", NULL, "s3cret"), "true");
    /* Another one under the name takes its place. */
    assert_string_equal(ask(w, "a:Vault/1", "put", "db", NULL, "n3w"), "\"***\"");
    assert_string_equal(ask(w, "a:Vault/1", "check", "db", NULL, "s3cret"), "false");
    assert_string_equal(ask(w, "a:Vault/0", "check", "db", NULL, "s3cret"), "true");
}

static void what_does_not_fit_is_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *what, *name, *to, *secret;
    } cases[] = {{"put", NULL, NULL, "s"},
                 {"put", "db", NULL, NULL},
                 {"put", "db", NULL, ""},
                 {"put", "db", NULL, "!plain"},
                 {"check", "db", NULL, "!plain"},
                 {"pass", "db", "a:Vault/1", NULL}, /* not there */
                 {"pass", "db", NULL, NULL},
                 {"none", "db", NULL, NULL}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        (void)ask(w, "a:Vault/0", cases[i].what, cases[i].name, cases[i].to, cases[i].secret);
        assert_int_equal(w->rc, SKN_EARGS);
    }
    assert_string_equal(ask(w, "a:Vault/0", "put", "db", NULL, "s"), "\"***\"");
    /* A type that takes no secrets gets none, which is the sender's fault. */
    (void)ask(w, "a:Vault/0", "pass", "db", "a:Counter/0", NULL);
    assert_int_equal(w->rc, SKN_EARGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_vault_keeps_compares_and_hands_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
