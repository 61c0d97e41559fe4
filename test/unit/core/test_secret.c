/* test_secret.c - secrets are sealed wherever a batch puts them, and plain only for programs [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "lib/shards.h"
#include "seal/seal.h"

#include <stdio.h>

#define PLANTED "correct horse battery staple"

enum { MANY = 1500 };

/* --- a program that keeps secrets ----------------------------------------------------------------- */

static struct skn_value member(struct skn_value map, const char *name)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(map, SKN_T_MAP)) (void)skn_map_get(map, skn_slice_str(name), &v);
    return v;
}

static struct skn_slice text_of(struct skn_value v)
{
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : SKN_LIT("");
}

/* {"token": secret, "note": "plain"} */
static struct skn_value entry(struct skn_buf *buf, struct skn_value secret)
{
    struct skn_builder b;
    skn_buf_reset(buf);
    skn_builder_init(&b, buf);
    skn_build_map_begin(&b);
    skn_build_key(&b, SKN_LIT("note"));
    skn_build_str(&b, "plain");
    skn_build_key(&b, SKN_LIT("token"));
    skn_build_value(&b, secret);
    skn_build_map_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    return skn_value_view(skn_buf_slice(buf));
}

/* How many of its rows have this secret. */
static int64_t count_equal(struct skn_cx *cx, struct skn_slice text)
{
    struct skn_slice from = SKN_LIT("");
    struct skn_row row;
    int64_t n = 0;
    while (skn_cx_next(cx, SKN_LIT(""), from, &row) == SKN_OK) {
        struct skn_value token = member(skn_value_view(row.value), "token");
        assert_int_equal(skn_value_tag(token), SKN_T_SECRET);
        n += skn_slice_eq(text_of(skn_value_as_secret(token)), text);
        uint8_t *next = skn_arena_zero(skn_cx_arena(cx), row.key.len + 1, 1);
        memcpy(next, row.key.ptr, row.key.len);
        from = skn_slice(next, row.key.len + 1);
    }
    return n;
}

static enum skn_rc
vault_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct skn_slice key = SKN_LIT("k"), bytes;
    if (skn_slice_eq(m->name, SKN_LIT("put"))) {
        skn_cx_put_value(cx, key, entry(skn_cx_scratch(cx), m->payload));
        skn_cx_reply(cx, m->payload);
        skn_cx_signal(cx, SKN_LIT("put"), m->payload);
        return SKN_OK;
    }
    if (skn_slice_eq(m->name, SKN_LIT("many"))) {
        for (int i = 0; i < MANY; i++) {
            const char *name = skn_arena_printf(skn_cx_arena(cx), "m%05d", i);
            skn_cx_put_value(cx, skn_slice_str(name), entry(skn_cx_scratch(cx), m->payload));
        }
        return SKN_OK;
    }
    if (skn_slice_eq(m->name, SKN_LIT("count"))) {
        skn_cx_reply(cx, skn_value_int(count_equal(cx, text_of(m->payload))));
        return skn_cx_rc(cx);
    }
    if (skn_slice_eq(m->name, SKN_LIT("pass"))) {
        enum skn_rc rc = skn_cx_get(cx, key, &bytes);
        if (rc != SKN_OK) return rc;
        skn_cx_send(cx,
                    text_of(m->payload),
                    SKN_PRIORITY_NORMAL,
                    SKN_LIT("put"),
                    member(skn_value_view(bytes), "token"));
        return SKN_OK;
    }
    if (skn_slice_eq(m->name, SKN_LIT("do"))) {
        const struct skn_intent_spec spec = {.identity = SKN_LIT("i"),
                                             .effect = entry(skn_cx_scratch(cx), m->payload),
                                             .first_attempt = 1};
        (void)skn_cx_intent_start(cx, &spec);
        return SKN_OK;
    }
    if (skn_slice_eq(m->name, SKN_LIT("raw"))) {
        skn_cx_put(cx, key, text_of(m->payload));
        if (skn_cx_get(cx, key, &bytes) == SKN_OK) skn_cx_reply(cx, skn_value_int(bytes.ptr[0]));
        return skn_cx_rc(cx);
    }
    if (skn_slice_eq(m->name, SKN_LIT("bad"))) {
        if (!shard_is_fixed) return SKN_FAIL(diag, SKN_EFAULT, "bad");
        skn_cx_put_value(cx, SKN_LIT("redelivered"), entry(skn_cx_scratch(cx), m->payload));
    }
    return SKN_OK;
}

static enum skn_rc
plain_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    skn_cx_put_value(cx, SKN_LIT("k"), skn_value_int(1));
    skn_cx_reply(cx, skn_value_int(m->name.len > 0));
    return SKN_OK;
}

static const struct skn_program vault = {
    .type = "Vault", .module = 71, .takes_secrets = true, .handle = vault_handle};
static const struct skn_program plain = {.type = "Plain", .module = 72, .handle = plain_handle};
static const struct skn_program *const programs[] = {&vault, &plain, NULL};

/* --- keys, secrets ------------------------------------------------------------------------------------ */

static struct skn_keyring *first_ring, *both_ring, *second_ring; /* 1; 2 and 1; 2 */
static struct skn_buf secret_bytes;

static int setup(void **state)
{
    (void)state;
    uint8_t keys[2 * SKN_SEAL_KEY_BYTES];
    memset(keys, 2, SKN_SEAL_KEY_BYTES);
    memset(keys + SKN_SEAL_KEY_BYTES, 1, SKN_SEAL_KEY_BYTES);
    first_ring = skn_keyring_create(keys + SKN_SEAL_KEY_BYTES, 1);
    second_ring = skn_keyring_create(keys, 1);
    both_ring = skn_keyring_create(keys, 2);
    skn_buf_init(&secret_bytes, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    skn_keyring_destroy(first_ring);
    skn_keyring_destroy(second_ring);
    skn_keyring_destroy(both_ring);
    skn_buf_fini(&secret_bytes);
    return 0;
}

static struct skn_value secret_of(struct skn_slice text)
{
    struct skn_builder b;
    skn_buf_reset(&secret_bytes);
    skn_builder_init(&b, &secret_bytes);
    skn_build_secret_begin(&b);
    skn_build_string(&b, text);
    skn_build_secret_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    return skn_value_view(skn_buf_slice(&secret_bytes));
}

static struct skn_value planted(void)
{
    return secret_of(SKN_LIT(PLANTED));
}

static void begin(struct shards *s, uint32_t count, const struct skn_keyring *ring)
{
    const struct skn_core_limits limits = {.message_bytes = 0};
    shard_is_fixed = false;
    shards_init(s, count, programs, &limits, 1);
    for (uint32_t i = 0; i < count; i++) {
        s->at[i].options.keys = ring;
        shard_kill(&s->at[i], true);
    }
}

static void shows_nothing(struct skn_slice bytes)
{
    if (bytes.len > 0 && memmem(bytes.ptr, bytes.len, PLANTED, strlen(PLANTED)))
        fail_msg("the secret is in %zu bytes", bytes.len);
}

/* In no record: all that journal, store, state hash and other shards ever see. */
static void nothing_shows(const struct shards *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->at[i].count; k++) {
            shows_nothing(s->at[i].records[k].message);
            shows_nothing(s->at[i].records[k].batch);
        }
}

static enum skn_rc
ask(struct shards *s, const char *address, const char *name, struct skn_value payload)
{
    s->last_rc = SKN_EINTERNAL;
    s->last_value = -1;
    shards_submit(s, address, name, SKN_PRIORITY_NORMAL, payload);
    shards_settle(s);
    return s->last_rc;
}

static int64_t count(struct shards *s, const char *address)
{
    const struct skn_value text = skn_value_string(SKN_LIT(PLANTED));
    if (ask(s, address, "count", text) != SKN_OK) return -1;
    return s->last_value;
}

static void kill_all(struct shards *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        shard_kill(&s->at[i], true);
}

/* --- tests -------------------------------------------------------------------------------------------- */

/* Rows, messages in a shard and between two, dead letters and redelivery, kills in between. */
static void a_secret_is_in_no_record_and_comes_back(void **state)
{
    (void)state;
    static struct shards s;
    begin(&s, 2, first_ring);
    static const char *const vaults[] = {"a:Vault/0", "a:Vault/1", "a:Vault/6", "a:Vault/7"};
    assert_int_equal(ask(&s, vaults[0], "put", planted()), SKN_OK);
    uint32_t others = 0;
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(ask(&s, vaults[0], "pass", skn_value_string(skn_slice_str(vaults[i]))),
                         SKN_OK);
        others += shards_of(&s, vaults[i]) != shards_of(&s, vaults[0]);
        kill_all(&s);
    }
    assert_true(others > 0 && others < 3); /* both ways were gone */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(count(&s, vaults[i]), 1);
    assert_int_equal(ask(&s, vaults[0], "bad", planted()), SKN_EFAULT);
    kill_all(&s);
    shard_is_fixed = true;
    const struct skn_redeliver again = {.number = 1, .address = skn_slice_str(vaults[0])};
    skn_core_redeliver(shards_of(&s, vaults[0])->core, &again);
    shards_settle(&s);
    assert_int_equal(count(&s, vaults[0]), 2);
    nothing_shows(&s);
    shards_fini(&s);
}

/* Past 512 KiB a dead letter has its payload in a row of its own. */
static void a_large_letter_keeps_its_secrets_too(void **state)
{
    (void)state;
    static struct shards s;
    static uint8_t pad[60000];
    begin(&s, 1, first_ring);
    struct skn_buf buf;
    struct skn_builder b;
    memset(pad, 'x', sizeof pad);
    skn_buf_init(&buf, 2 << 20);
    skn_builder_init(&b, &buf);
    skn_build_secret_begin(&b);
    skn_build_str(&b, PLANTED);
    skn_build_secret_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    struct skn_buf list;
    skn_buf_init(&list, 2 << 20);
    skn_builder_init(&b, &list);
    skn_build_list_begin(&b);
    for (int i = 0; i < 12; i++)
        skn_build_string(&b, skn_slice(pad, sizeof pad));
    skn_build_value(&b, skn_value_view(skn_buf_slice(&buf)));
    skn_build_list_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    assert_int_equal(ask(&s, "a:Vault/0", "bad", skn_value_view(skn_buf_slice(&list))), SKN_EFAULT);
    skn_core_set_keys(s.at[0].core, both_ring, true);
    s.at[0].options.keys = both_ring;
    shards_settle(&s);
    s.at[0].options.keys = second_ring;
    kill_all(&s);
    shard_is_fixed = true;
    const struct skn_redeliver again = {.number = 1, .address = SKN_LIT("a:Vault/0")};
    skn_core_redeliver(s.at[0].core, &again);
    shards_settle(&s);
    struct skn_slice row;
    assert_int_equal(
        skn_core_get(s.at[0].store, SKN_LIT("a:Vault/0"), SKN_LIT("redelivered"), &row, NULL),
        SKN_OK);
    assert_true(skn_stored_is_sealed(row));
    nothing_shows(&s);
    s.at[0].options.keys = both_ring;
    skn_buf_fini(&buf);
    skn_buf_fini(&list);
    shards_fini(&s);
}

/* Answers and signals say that there is a secret; whoever performs an intent gets it. */
static void only_who_performs_gets_it(void **state)
{
    (void)state;
    static struct shard s;
    s = (struct shard){.now_ms = 1000000};
    s.options =
        (struct skn_core_options){.programs = programs, .check_rebuild = true, .keys = first_ring};
    s.records = skn_alloc_zero(SHARD_RECORDS_MAX, sizeof *s.records);
    shard_open(&s, true);
    struct skn_output out;
    unsigned replies = 0, signals = 0, performs = 0;
    shard_submit(&s, 1, "id", "a:Vault/0", "put", planted());
    shard_submit(&s, 2, "id", "a:Vault/0", "put", planted()); /* the same again [E34] */
    shard_submit(&s, 3, "do", "a:Vault/0", "do", planted());
    for (int opening = 0; opening < 2; opening++) {
        shard_settle(&s);
        while (shard_next(&s, &out)) {
            bool performs_it = out.kind == SKN_OUTPUT_PERFORM;
            replies += out.kind == SKN_OUTPUT_REPLY && out.rc == SKN_OK;
            signals += out.kind == SKN_OUTPUT_SIGNAL;
            performs += performs_it;
            if (!performs_it) shows_nothing(out.value);
            if (performs_it)
                assert_non_null(memmem(out.value.ptr, out.value.len, PLANTED, strlen(PLANTED)));
            if (out.kind == SKN_OUTPUT_REPLY && out.number < 3)
                assert_int_equal(skn_value_tag(skn_value_view(out.value)), SKN_T_SECRET);
        }
        shard_kill(&s, true); /* the attempt is made again, from its row */
    }
    assert_int_equal(replies, 3);
    assert_int_equal(signals, 1);
    assert_int_equal(performs, 2);
    for (size_t k = 0; k < s.count; k++) {
        shows_nothing(s.records[k].message);
        shows_nothing(s.records[k].batch);
    }
    shard_submit(&s, 4, "id", "a:Vault/0", "put", secret_of(SKN_LIT("another")));
    shard_settle(&s);
    bool is_reused = false;
    while (shard_next(&s, &out))
        if (out.kind == SKN_OUTPUT_REPLY && out.number == 4) is_reused = out.rc == SKN_EIDREUSED;
    assert_true(is_reused);
    shard_fini(&s);
}

static void without_its_key_a_domain_waits_and_others_run(void **state)
{
    (void)state;
    static struct shards s;
    begin(&s, 1, first_ring);
    struct shard *shard = &s.at[0];
    assert_int_equal(ask(&s, "a:Vault/0", "put", planted()), SKN_OK);
    /* On its way to Vault/1 when the node dies, and the next one has no key, or another. */
    const struct skn_keyring *wrong[] = {NULL, second_ring};
    for (size_t i = 0; i < 2; i++) {
        shards_submit(
            &s, "a:Vault/0", "pass", SKN_PRIORITY_NORMAL, skn_value_string(SKN_LIT("a:Vault/1")));
        assert_int_equal(shard_step(shard), SKN_OK);
        shard_durable(shard);
        shard->options.keys = wrong[i];
        shard_kill(shard, true);
        shards_settle(&s);
        assert_int_equal(skn_core_sealing(shard->core).keyless, 1);
        assert_int_equal(count(&s, "a:Vault/0"), -1);
        assert_int_equal(s.last_rc, SKN_ENOKEY);
        assert_int_equal(ask(&s, "a:Vault/1", "count", skn_value_none()), SKN_ENOKEY);
        assert_int_equal(ask(&s, "a:Vault/2", "count", skn_value_none()), SKN_OK);
        assert_int_equal(ask(&s, "a:Plain/0", "go", skn_value_none()), SKN_OK);
        /* Nothing was lost and nothing was buried. */
        skn_core_set_keys(shard->core, both_ring, false);
        shard->options.keys = both_ring;
        shards_settle(&s);
        assert_int_equal(skn_core_sealing(shard->core).keyless, 0);
        assert_int_equal(count(&s, "a:Vault/0"), 1);
        assert_int_equal(count(&s, "a:Vault/1"), 1);
        struct skn_look_domain look;
        assert_int_equal(skn_look_domain(shard->store, SKN_LIT("a:Vault/1"), &look, NULL), SKN_OK);
        assert_int_equal(look.dead + look.mail, 0);
    }
    shards_fini(&s);
}

/* Without the key nobody can read it; it can be thrown away all the same. */
static void a_domain_that_waits_for_a_key_can_be_removed(void **state)
{
    (void)state;
    static struct shards s;
    begin(&s, 1, first_ring);
    struct shard *shard = &s.at[0];
    assert_int_equal(ask(&s, "a:Vault/0", "put", planted()), SKN_OK);
    assert_int_equal(ask(&s, "a:Vault/1", "bad", planted()), SKN_EFAULT);
    static const char *const to[] = {"a:Vault/1", "a:Vault/2"};
    for (size_t i = 0; i < 2; i++)
        shards_submit(
            &s, "a:Vault/0", "pass", SKN_PRIORITY_NORMAL, skn_value_string(skn_slice_str(to[i])));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(shard_step(shard), SKN_OK);
    shard_durable(shard);
    shard->options.keys = second_ring;
    shard_kill(shard, true);
    shards_settle(&s);
    assert_int_equal(skn_core_sealing(shard->core).keyless, 2);
    const struct skn_redeliver close = {
        .number = 1, .address = SKN_LIT("a:Vault/1"), .is_closing = true};
    s.last_rc = SKN_EINTERNAL;
    skn_core_redeliver(shard->core, &close);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    assert_int_equal(s.last_value, 1);
    assert_int_equal(skn_core_sealing(shard->core).keyless, 2); /* its mail waits still */
    struct skn_look_domain look;
    assert_int_equal(skn_look_domain(shard->store, SKN_LIT("a:Vault/1"), &look, NULL), SKN_OK);
    assert_int_equal(look.dead, 0);
    assert_int_equal(look.mail, 1);
    const struct skn_remove remove = {.number = 1, .address = SKN_LIT("a:Vault/2")};
    s.last_rc = SKN_EINTERNAL;
    skn_core_remove(shard->core, &remove);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    assert_int_equal(skn_look_domain(shard->store, SKN_LIT("a:Vault/2"), &look, NULL), SKN_ENOENT);
    assert_int_equal(skn_core_sealing(shard->core).keyless, 1);
    shard->options.keys = both_ring;
    skn_core_set_keys(shard->core, both_ring, false);
    shards_settle(&s);
    assert_int_equal(count(&s, "a:Vault/1"), 1);
    shards_fini(&s);
}

static void what_cannot_be_kept_is_refused_at_the_door(void **state)
{
    (void)state;
    static struct shards s;
    static uint8_t text[SKN_SECRET_MAX + 1];
    begin(&s, 1, first_ring);
    memset(text, 'x', sizeof text);
    struct skn_request request = {.number = 1,
                                  .address = SKN_LIT("a:Vault/0"),
                                  .name = SKN_LIT("put"),
                                  .priority = SKN_PRIORITY_NORMAL};
    request.payload = secret_of(skn_slice(text, sizeof text));
    struct skn_diag diag;
    assert_int_equal(skn_core_submit(s.at[0].core, &request, &diag), SKN_ETOOLARGE);
    request.payload = secret_of(skn_slice(text, sizeof text - 1));
    assert_int_equal(skn_core_submit(s.at[0].core, &request, &diag), SKN_OK);
    shards_settle(&s);
    assert_int_equal(s.last_rc, SKN_OK);
    request.address = SKN_LIT("a:Plain/0");
    request.payload = planted();
    assert_int_equal(skn_core_submit(s.at[0].core, &request, &diag), SKN_EARGS);
    assert_string_equal(diag.text, "a domain of type Plain takes no secrets");
    assert_int_equal(ask(&s, "a:Vault/0", "pass", skn_value_string(SKN_LIT("a:Plain/0"))),
                     SKN_EARGS);
    /* What is sealed names no blob that is counted [E45]. */
    request.address = SKN_LIT("a:Vault/0");
    struct skn_buf both;
    static struct skn_builder b;
    static const uint8_t hash[SKN_VALUE_HASH_BYTES];
    skn_buf_init(&both, 1024);
    skn_builder_init(&b, &both);
    skn_build_list_begin(&b);
    skn_build_blob(&b, hash, 5, (struct skn_slice){0});
    skn_build_value(&b, planted());
    skn_build_list_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    request.payload = skn_value_view(skn_buf_slice(&both));
    assert_int_equal(skn_core_submit(s.at[0].core, &request, &diag), SKN_EARGS);
    assert_string_equal(diag.text, "a message has either secrets or blobs");
    skn_buf_fini(&both);
    request.payload = planted();
    /* A program cannot forge what is sealed; other bytes are its own. */
    struct skn_value forged = skn_value_string(SKN_LIT("\x1e\x0e\x01\x00\x00\x00z"));
    assert_int_equal(ask(&s, "a:Vault/3", "raw", forged), SKN_EARGS);
    assert_int_equal(ask(&s, "a:Vault/3", "raw", skn_value_string(SKN_LIT("\x1e, my mark"))),
                     SKN_OK);
    assert_int_equal(s.last_value, SKN_VALUE_SEALED_MARK);
    s.at[0].options.keys = NULL;
    static struct shards none;
    begin(&none, 1, NULL);
    request.address = SKN_LIT("a:Vault/0");
    assert_int_equal(skn_core_submit(none.at[0].core, &request, &diag), SKN_ENOKEY);
    assert_string_equal(diag.text,
                        "no sealing key was given; `secrets` in skein.yaml says where it is");
    /* The first key that comes seals. */
    skn_core_set_keys(none.at[0].core, first_ring, false);
    none.at[0].options.keys = first_ring;
    shards_settle(&none);
    assert_int_equal(ask(&none, "a:Vault/0", "put", planted()), SKN_OK);
    nothing_shows(&none);
    shards_fini(&none);
    s.at[0].options.keys = first_ring;
    shards_fini(&s);
}

/* --- change of the key --------------------------------------------------------------------------------- */

static bool names_key(struct skn_slice value, const struct skn_keyring *ring)
{
    uint64_t id = skn_keyring_id(ring, 0);
    return value.len > 0 && memmem(value.ptr, value.len, &id, sizeof id);
}

/* Rows under a prefix that have the id of a key in them. */
static size_t names_under(struct shard *s, struct skn_key prefix, const struct skn_keyring *ring)
{
    struct skn_key end = prefix;
    struct skn_row row;
    size_t count, found = 0;
    skn_key_end(&end);
    for (;;) {
        assert_int_equal(
            skn_store_scan(
                s->store, skn_key_slice(&prefix), skn_key_slice(&end), &row, 1, &count, NULL),
            SKN_OK);
        if (count == 0) return found;
        found += names_key(row.value, ring);
        memcpy(prefix.bytes, row.key.ptr, row.key.len);
        prefix.len = row.key.len;
        prefix.bytes[prefix.len++] = 0;
    }
}

static size_t rows_that_name(struct shard *s, const struct skn_keyring *ring)
{
    size_t found = 0;
    struct skn_key key;
    struct skn_buf address;
    skn_buf_init(&address, SKN_ADDRESS_MAX + 1);
    for (unsigned kind = 1; kind <= SKN_SHARD_SEALED; kind++) {
        skn_key_shard(&key, (uint8_t)kind);
        if (kind != SKN_SHARD_SEALING) found += names_under(s, key, ring);
    }
    while (skn_core_next_domain(s->store, skn_buf_slice(&address), &address, NULL) == SKN_OK) {
        skn_key_meta(&key, skn_buf_slice(&address));
        key.len--;
        found += names_under(s, key, ring);
    }
    skn_buf_fini(&address);
    return found;
}

static size_t largest_batch(const struct shard *s, size_t from)
{
    size_t most = 0;
    for (size_t i = from; i < s->count; i++) {
        struct skn_slice rest = s->records[i].batch;
        struct skn_row_op op;
        size_t rows = 0;
        while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
            rows++;
        if (rows > most) most = rows;
    }
    return most;
}

/* Own rows by the thousand, an intent, mail of a FAULTED domain, dead letters, and what is under way
 * between shards; killed at each record of the change. */
static void all_is_sealed_again_under_a_new_key(void **state)
{
    (void)state;
    static struct shards s;
    begin(&s, 2, first_ring);
    assert_int_equal(ask(&s, "a:Vault/0", "many", planted()), SKN_OK);
    assert_int_equal(ask(&s, "a:Vault/0", "do", planted()), SKN_OK);
    assert_int_equal(ask(&s, "a:Vault/6", "put", planted()), SKN_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&s, "a:Vault/2", "bad", planted()), SKN_EFAULT);
    assert_int_equal(ask(&s, "a:Vault/6", "pass", skn_value_string(SKN_LIT("a:Vault/2"))), SKN_OK);
    assert_int_equal(ask(&s, "a:Vault/0", "put", planted()), SKN_OK);
    assert_int_equal(ask(&s, "a:Vault/0", "pass", skn_value_string(SKN_LIT("a:Vault/2"))), SKN_OK);
    size_t before[2], records[2], named = 0;
    for (uint32_t i = 0; i < 2; i++) {
        before[i] = rows_that_name(&s.at[i], first_ring);
        named += before[i];
        records[i] = s.at[i].count;
    }
    assert_int_equal(named, MANY + 1 + 1 + 1 + 3 + 2);
    /* The second shard first: what the other one still sends it is sealed under the old key. */
    size_t steps = 0;
    for (uint32_t k = 0; k < 2; k++) {
        struct shard *shard = &s.at[1 - k];
        shard->options.keys = both_ring;
        skn_core_set_keys(shard->core, both_ring, true);
        assert_int_equal(shard_step(shard), SKN_OK);
        shard_durable(shard);
        if (k == 0)
            assert_int_equal(ask(&s, "a:Vault/6", "pass", skn_value_string(SKN_LIT("a:Vault/1"))),
                             SKN_OK);
        while (skn_core_sealing(shard->core).is_rotating && steps++ < 200) {
            shards_settle(&s);
            shard->now_ms += 200;
            shard_kill(shard, true);
        }
        assert_int_equal(rows_that_name(shard, first_ring), 0);
        assert_true(skn_core_sealing(shard->core).done_stamp > 0);
        assert_true(largest_batch(shard, records[1 - k]) <= 1003); /* and the row that says it */
    }
    nothing_shows(&s);
    for (uint32_t i = 0; i < 2; i++)
        s.at[i].options.keys = second_ring;
    kill_all(&s);
    assert_int_equal(count(&s, "a:Vault/0"), MANY + 1);
    assert_int_equal(count(&s, "a:Vault/1"), 1);
    assert_int_equal(count(&s, "a:Vault/6"), 1);
    shard_is_fixed = true;
    const struct skn_redeliver again = {.number = 1, .address = SKN_LIT("a:Vault/2")};
    skn_core_redeliver(shards_of(&s, "a:Vault/2")->core, &again);
    shards_settle(&s);
    assert_int_equal(count(&s, "a:Vault/2"), 2);
    for (uint32_t i = 0; i < 2; i++)
        s.at[i].options.keys = both_ring;
    shards_fini(&s);
}

static void a_change_waits_for_a_key_that_is_missing(void **state)
{
    (void)state;
    static struct shards s;
    begin(&s, 1, first_ring);
    struct shard *shard = &s.at[0];
    assert_int_equal(ask(&s, "a:Vault/0", "put", planted()), SKN_OK);
    skn_core_set_keys(shard->core, second_ring, true);
    shards_settle(&s);
    struct skn_core_sealing sealing = skn_core_sealing(shard->core);
    assert_true(sealing.is_rotating && sealing.lacks_key && sealing.has_key);
    assert_int_equal(ask(&s, "a:Vault/1", "put", planted()), SKN_OK);
    skn_core_set_keys(shard->core, both_ring, false);
    shard->options.keys = both_ring;
    shards_settle(&s);
    sealing = skn_core_sealing(shard->core);
    assert_false(sealing.is_rotating || sealing.lacks_key);
    assert_int_equal(rows_that_name(shard, first_ring), 0);
    shards_fini(&s);
}

static void the_row_of_a_domain_with_secrets_goes_with_it(void **state)
{
    (void)state;
    static struct shards s;
    begin(&s, 1, first_ring);
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_sealed(&key, SKN_LIT("a:Vault/0"));
    assert_int_equal(ask(&s, "a:Vault/0", "put", planted()), SKN_OK);
    assert_int_equal(skn_store_get(s.at[0].store, skn_key_slice(&key), &bytes, NULL), SKN_OK);
    const struct skn_remove remove = {.number = 1, .address = SKN_LIT("a:Vault/0")};
    skn_core_remove(s.at[0].core, &remove);
    shards_settle(&s);
    assert_int_equal(skn_store_get(s.at[0].store, skn_key_slice(&key), &bytes, NULL), SKN_ENOENT);
    shards_fini(&s);
}

static void the_row_of_the_key_at_level_1(void **state)
{
    (void)state;
    static const uint8_t expected[] = {1, 1, 8, 7, 6, 5, 4, 3, 2, 1, 9, 0, 0,
                                       0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 4, 0};
    struct skn_seal_state row = {.id = 0x0102030405060708, .done_stamp = 9, .is_rotating = true},
                          back;
    struct skn_buf buf;
    struct skn_diag diag;
    skn_buf_init(&buf, 100);
    skn_key_shard(&row.at, SKN_SHARD_MAIL);
    skn_seal_state_encode(&row, &buf);
    assert_int_equal(buf.len, sizeof expected);
    assert_memory_equal(buf.ptr, expected, sizeof expected);
    assert_int_equal(skn_seal_state_decode(skn_buf_slice(&buf), &back, NULL), SKN_OK);
    assert_true(back.id == row.id && back.done_stamp == 9 && back.is_rotating && back.at.len == 3);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(skn_seal_state_decode(skn_slice(buf.ptr, len), &back, NULL), SKN_ECORRUPT);
    buf.ptr[0] = 2;
    assert_int_equal(skn_seal_state_decode(skn_buf_slice(&buf), &back, &diag), SKN_ENEWER);
    skn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_in_no_record_and_comes_back),
        cmocka_unit_test(a_large_letter_keeps_its_secrets_too),
        cmocka_unit_test(only_who_performs_gets_it),
        cmocka_unit_test(without_its_key_a_domain_waits_and_others_run),
        cmocka_unit_test(a_domain_that_waits_for_a_key_can_be_removed),
        cmocka_unit_test(what_cannot_be_kept_is_refused_at_the_door),
        cmocka_unit_test(all_is_sealed_again_under_a_new_key),
        cmocka_unit_test(a_change_waits_for_a_key_that_is_missing),
        cmocka_unit_test(the_row_of_a_domain_with_secrets_goes_with_it),
        cmocka_unit_test(the_row_of_the_key_at_level_1),
    };
    return cmocka_run_group_tests_name("secret", tests, setup, teardown);
}
