/* test_blob.c - which rows name a content, and when its file goes: never while one names it, and not
 * never when none does [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/blobworld.h"

/* --- bytes ------------------------------------------------------------------------------------------------------- */

static void rows_have_these_bytes(void **state)
{
    (void)state;
    setup(1);
    struct shard *s = &w.s.at[0];
    s->options.shards = 1;
    static const char text[] = "blob:Blob/0000000004050607"
                               "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    assert_string_equal(address_of(0), text);
    album_do(1, "keep", 0, 1);
    /* The index row: 01 31 00, the hash, the key of the row that names it. */
    uint8_t key[128] = {1, 0x31, 0}, hash[SKN_VALUE_HASH_BYTES];
    hash_of(0, hash);
    memcpy(key + 3, hash, sizeof hash);
    static const char own[] = "\x02"
                              "a:Album/1\0\x10p01";
    memcpy(key + 35, own, sizeof own - 1);
    struct skn_slice value;
    assert_int_equal(skn_store_get(s->store, skn_slice(key, 35 + sizeof own - 1), &value, NULL),
                     SKN_OK);
    assert_int_equal(value.len, 0);
    /* The domain's: level 1, live, no flags, 1 holder, 0 waiting, 100 bytes, .. */
    assert_int_equal(skn_core_get(s->store, skn_slice_str(text), SKN_LIT("c"), &value, NULL),
                     SKN_OK);
    static const uint8_t head[] = {1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(value.len, sizeof head + 8 + 4 + 8 + 8 + 8 + 4);
    assert_memory_equal(value.ptr, head, sizeof head);
    /* Its holder: "h", the shard, the ticket. */
    assert_int_equal(
        skn_core_get(s->store, skn_slice_str(text), skn_slice("h\0\0\0\0", 5), &value, NULL),
        SKN_OK);
    assert_int_equal(value.len, 8);
    shards_fini(&w.s);
}

/* 01 32 00, the hash: the stamp of the batch; until the domain has counted. */
static void a_lease_has_these_bytes(void **state)
{
    (void)state;
    setup(1);
    struct shard *s = &w.s.at[0];
    shards_submit(&w.s, "a:Album/1", "keep", SKN_PRIORITY_NORMAL, skn_value_int(31));
    assert_int_equal(shard_step(s), SKN_OK);
    uint8_t key[35] = {1, 0x32, 0};
    struct skn_slice value;
    hash_of(3, key + 3);
    assert_int_equal(skn_store_get(s->store, skn_slice(key, sizeof key), &value, NULL), SKN_OK);
    uint64_t stamp = s->records[s->count - 1].stamp;
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(stamp >> (8 * i));
    assert_int_equal(value.len, sizeof bytes);
    assert_memory_equal(value.ptr, bytes, sizeof bytes);
    settle();
    assert_int_equal(skn_store_get(s->store, skn_slice(key, sizeof key), &value, NULL), SKN_ENOENT);
    shards_fini(&w.s);
}

/* --- every row that names a hash counts --------------------------------------------------------------------------- */

static void rows_of_a_program_count(void **state)
{
    (void)state;
    setup(1);
    album_do(1, "keep", 1, 1);
    album_do(1, "keep", 1, 1); /* the same again */
    album_do(1, "keep", 1, 2);
    assert_int_equal(rows(0x31), 2);
    album_do(1, "drop", 1, 1);
    assert_int_equal(rows(0x31), 1);
    assert_true(is_state(1, "live"));
    album_do(1, "blank", 1, 2); /* another value in its place */
    assert_int_equal(rows(0x31), 0);
    assert_true(is_state(1, "condemned"));
    album_do(1, "keep", 1, 3);
    assert_true(is_state(1, "live"));
    album_do(1, "clear", 0, 0); /* a range that goes at once [E14] */
    assert_int_equal(rows(0x31), 0);
    assert_true(is_state(1, "condemned"));
    shards_fini(&w.s);
}

static void mail_and_what_waits_count(void **state)
{
    (void)state;
    setup(1);
    struct shard *s = &w.s.at[0];
    for (unsigned i = 0; i < 4; i++)
        shards_submit(&w.s, "a:Album/2", "pass", SKN_PRIORITY_HIGH, skn_value_int(10));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(shard_step(s), SKN_OK);
    /* Two have room in the lane of a:Album/1, two wait; nobody has taken one. */
    assert_int_equal(shard_rows(s, SKN_SHARD_WAITING), 2);
    assert_int_equal(rows(0x31), 4);
    settle();
    assert_int_equal(rows(0x31), 1); /* the row that the last one left */
    album_do(1, "forget", 0, 0);
    assert_int_equal(rows(0x31), 0);
    assert_true(is_state(1, "condemned"));
    shards_fini(&w.s);
}

static void letters_count(void **state)
{
    (void)state;
    static const char *const names[] = {"boom", "large"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++) {
        setup(1);
        album_do(2, names[i], 1, 0);
        assert_int_equal(w.s.faulted, 1);
        assert_int_equal(rows(0x31), 1);
        assert_true(is_state(1, "live"));
        shard_is_fixed = true;
        redeliver("a:Album/1", false);
        assert_int_equal(rows(0x31), 0);
        assert_true(is_state(1, "condemned"));
        shards_fini(&w.s);
    }
}

static void effects_and_answers_count(void **state)
{
    (void)state;
    setup(1);
    struct shard *s = &w.s.at[0];
    album_do(1, "perform", 1, 0);
    assert_int_equal(rows(0x31), 1);
    assert_int_equal(w.count, 1);
    finish(0);
    settle();
    assert_int_equal(rows(0x31), 0);
    shard_submit(s, 5, "id", "a:Album/1", "answer", skn_value_int(10));
    settle();
    assert_int_equal(rows(0x31), 1); /* the answer that is remembered [E34] */
    assert_true(is_state(1, "live"));
    pass(100, false);
    for (uint32_t i = 0; i < 26; i++) {
        s->now_ms += 3600000;
        settle();
    }
    assert_int_equal(rows(0x31), 0);
    shards_fini(&w.s);
}

static void what_is_on_its_way_to_another_shard_counts(void **state)
{
    (void)state;
    setup(SHARDS);
    /* From some album to each; one at least is on another shard than its sender. */
    for (unsigned to = 0; to < 5; to++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Album/%u", to + 1);
        struct shard *from = shards_of(&w.s, "a:Album/1");
        if (shards_of(&w.s, address) == from) continue;
        shards_submit(&w.s, "a:Album/1", "pass", SKN_PRIORITY_NORMAL, skn_value_int(10 + to));
        shards_steps(from);
        assert_true(shard_rows(from, SKN_SHARD_NAMES) > 0); /* its outbox */
        settle();
        assert_true(shard_rows(from, SKN_SHARD_NAMES) == 0);
        assert_true(shard_rows(shards_of(&w.s, address), SKN_SHARD_NAMES) > 0);
        assert_true(is_state(1, "live"));
        check_names();
    }
    shards_fini(&w.s);
}

/* --- how it ends -------------------------------------------------------------------------------------------------- */

static void a_content_goes_when_nobody_named_it_for_so_long(void **state)
{
    (void)state;
    setup(SHARDS);
    store(2);
    assert_true(is_state(2, "live"));
    pass(2 * CONDEMNED_MS, true);
    assert_true(w.has_file[2]); /* it is pinned */
    album_do(1, "keep", 2, 1);
    unpin(2);
    pass(2 * CONDEMNED_MS, true);
    assert_true(w.has_file[2] && is_state(2, "live"));
    album_do(1, "drop", 2, 1);
    assert_true(is_state(2, "condemned"));
    pass(CONDEMNED_MS - TICK_MS, true); /* one below */
    assert_true(w.has_file[2] && is_state(2, "condemned"));
    pass(TICK_MS, false); /* at it: all shards were asked, and the removal is an intent */
    assert_true(w.has_file[2] && is_state(2, "gone"));
    assert_int_equal(w.count, 1);
    settle_all();
    struct skn_look_blob blob;
    assert_false(w.has_file[2]);
    assert_false(look(2, &blob));
    assert_int_equal(rows(0x31) + rows(0x32), 0);
    shards_fini(&w.s);
}

static void a_reference_in_its_time_saves_it(void **state)
{
    (void)state;
    setup(SHARDS);
    store(2);
    unpin(2);
    for (int i = 0; i < 3; i++) {
        pass(CONDEMNED_MS - TICK_MS, true);
        assert_true(is_state(2, "condemned"));
        album_do(1, "keep", 2, 1);
        assert_true(is_state(2, "live"));
        album_do(1, "drop", 2, 1); /* and its time begins anew */
    }
    assert_true(w.has_file[2]);
    shards_fini(&w.s);
}

/* An opening says nothing of the time before it. */
static void only_time_in_which_the_node_ran_counts(void **state)
{
    (void)state;
    setup(SHARDS);
    store(2);
    unpin(2);
    for (int i = 0; i < 2 * SKN_BLOB_TICKS; i++) {
        for (uint32_t k = 0; k < w.s.count; k++) {
            shard_kill(&w.s.at[k], true);
            w.s.at[k].now_ms += CONDEMNED_MS;
        }
        settle_all();
    }
    assert_true(w.has_file[2] && is_state(2, "condemned"));
    pass(CONDEMNED_MS, true);
    assert_false(w.has_file[2]);
    shards_fini(&w.s);
}

/* A copy is named in another shard, and that the first one names it no more is known first: the lease of
 * the copy saves the content. */
static void an_unref_that_overtakes_a_ref_loses_nothing(void **state)
{
    (void)state;
    setup(SHARDS);
    unsigned found = 0;
    for (unsigned n = 0; n < HASHES && found < 2; n++) {
        const char *home = address_of(n);
        uint32_t at = skn_shard_of(skn_slice_str(home), SHARDS);
        for (unsigned who = 1; who <= 5; who++) {
            char address[32];
            (void)snprintf(address, sizeof address, "a:Album/%u", who);
            uint32_t from = skn_shard_of(skn_slice_str(address), SHARDS);
            if (from == at) continue;
            store(n);
            /* The album names it; what it sends to the home is kept back. */
            shards_submit(
                &w.s, address, "keep", SKN_PRIORITY_NORMAL, skn_value_int(10 * (int64_t)n + 1));
            shards_steps(&w.s.at[from]);
            while (w.s.flying > 0)
                shards_drop(&w.s, 0);
            struct shard *shard = &w.s.at[at];
            struct skn_request request = {.number = 1,
                                          .caller = SKN_LIT("test"),
                                          .address = skn_slice_str(address_of(n)),
                                          .name = SKN_LIT("unpin"),
                                          .payload = skn_value_none(),
                                          .priority = SKN_PRIORITY_NORMAL};
            assert_int_equal(skn_core_submit(shard->core, &request, NULL), SKN_OK);
            for (int t = 0; t <= SKN_BLOB_TICKS; t++) {
                shard->now_ms += TICK_MS; /* of the home only: nothing is sent again */
                shards_steps(shard);
            }
            /* What it asks arrives, and the ref at last. */
            for (uint32_t k = 0; k < SHARDS; k++)
                w.s.at[k].now_ms = shard->now_ms;
            settle_all();
            assert_true(w.has_file[n]);
            assert_true(is_state(n, "live"));
            check_names();
            found++;
            break;
        }
    }
    assert_int_equal(found, 2);
    shards_fini(&w.s);
}

/* The same where the ref itself is late: the shard has a lease, and says so. */
static void a_shard_with_a_lease_says_held(void **state)
{
    (void)state;
    setup(1);
    struct shard *s = &w.s.at[0];
    store(2);
    unpin(2);
    for (int i = 0; i < SKN_BLOB_TICKS - 1; i++)
        pass(TICK_MS, true);
    /* In one turn: the last tick, and a row that comes and goes; its lease is there when it asks. */
    shards_submit(&w.s, "a:Album/1", "keep", SKN_PRIORITY_CRITICAL, skn_value_int(21));
    shards_submit(&w.s, "a:Album/1", "drop", SKN_PRIORITY_CRITICAL, skn_value_int(21));
    s->now_ms += TICK_MS;
    settle_all();
    assert_true(w.has_file[2]);
    assert_true(is_state(2, "condemned"));
    shards_fini(&w.s);
}

static void a_reference_waits_for_a_removal_that_is_under_way(void **state)
{
    (void)state;
    struct skn_look_blob blob;
    setup(SHARDS);
    store(2);
    unpin(2);
    pass(CONDEMNED_MS, false);
    assert_true(is_state(2, "gone"));
    /* Who stores it is told to wait, a row that was made up waits. */
    assert_int_equal(ask(address_of(2), "begin", skn_value_none()), SKN_EBUSY);
    assert_int_equal(ask(address_of(2), "pin", skn_value_none()), SKN_ENOENT);
    album_do(1, "keep", 2, 1);
    assert_true(look(2, &blob));
    assert_true(blob.is_going);
    assert_int_equal(blob.holders, 0);
    assert_true(rows(0x32) == 1); /* its lease is not answered */
    settle_all();
    assert_true(look(2, &blob));
    assert_string_equal(blob.state, "live");
    assert_int_equal(blob.holders, 1);
    assert_false(blob.is_stored);
    assert_int_equal(rows(0x32), 0);
    store(2);
    assert_true(look(2, &blob) && blob.is_stored && w.has_file[2]);
    album_do(1, "drop", 2, 1);
    unpin(2);
    /* A row that comes and goes meanwhile leaves nothing. */
    pass(CONDEMNED_MS, false);
    album_do(1, "keep", 2, 1);
    album_do(1, "drop", 2, 1);
    settle_all();
    assert_false(look(2, &blob));
    assert_int_equal(rows(0x31) + rows(0x32), 0);
    shards_fini(&w.s);
}

static void whoever_stores_too_long_begins_again(void **state)
{
    (void)state;
    setup(SHARDS);
    assert_int_equal(ask(address_of(4), "begin", skn_value_none()), SKN_OK);
    uint64_t born = born_of(4);
    w.has_file[4] = true;
    pass(CONDEMNED_MS - TICK_MS, true);
    assert_int_equal(ask(address_of(4), "begin", skn_value_none()), SKN_OK); /* another one */
    assert_int_equal(born_of(4), born);
    pass(CONDEMNED_MS - TICK_MS, true);
    assert_true(w.has_file[4]);
    pass(TICK_MS, true);
    assert_false(w.has_file[4]);
    assert_int_equal(say_stored(4, born), SKN_EGONE);
    assert_int_equal(ask(address_of(4), "begin", skn_value_none()), SKN_OK);
    assert_int_equal(say_stored(4, born), SKN_EGONE);
    w.has_file[4] = true;
    assert_int_equal(say_stored(4, born_of(4)), SKN_OK);
    shards_fini(&w.s);
}

static void nobody_else_may_count(void **state)
{
    (void)state;
    setup(1);
    struct shard *s = &w.s.at[0];
    store(2);
    album_do(1, "forge", 2, 0);
    assert_int_equal(w.s.last_rc, SKN_EPERM);
    assert_int_equal(ask("blob:Leases/0.0", "ask", skn_value_none()), SKN_EPERM);
    struct skn_request request = {.number = 1,
                                  .caller = SKN_LIT("test"),
                                  .address = SKN_LIT("blob:Blob/abc"),
                                  .name = SKN_LIT("begin"),
                                  .payload = skn_value_none(),
                                  .priority = SKN_PRIORITY_NORMAL};
    assert_int_equal(skn_core_submit(s->core, &request, NULL), SKN_ENOTREGISTERED);
    assert_int_equal(ask(address_of(5), "get", skn_value_none()), SKN_ENOENT);
    assert_int_equal(ask(address_of(5), "unpin", skn_value_none()), SKN_ENOENT);
    assert_int_equal(ask(address_of(5), "burn", skn_value_none()), SKN_EARGS);
    assert_int_equal(ask(address_of(2), "get", skn_value_none()), SKN_OK);
    const struct skn_remove removal = {.number = 1, .address = skn_slice_str(address_of(2))};
    skn_core_remove(s->core, &removal);
    settle();
    assert_int_equal(w.s.last_rc, SKN_EPERM);
    assert_true(is_state(2, "live"));
    shards_fini(&w.s);
}

/* --- at random ------------------------------------------------------------------------------------------------------- */

static void act(struct skn_rng *rng)
{
    static const char *const names[] = {"keep",
                                        "keep",
                                        "drop",
                                        "drop",
                                        "clear",
                                        "pass",
                                        "pass",
                                        "boom",
                                        "answer",
                                        "forget",
                                        "blank"};
    unsigned n = (unsigned)skn_rng_below(rng, HASHES);
    struct skn_look_blob blob;
    char address[32];
    const char *name = names[skn_rng_below(rng, SKN_ARRAY_LEN(names))];
    bool names_it = strchr("kpba", name[0]) && strcmp(name, "blank") != 0;
    /* Only what is stored is named: from a pin, or from a row in memory of the caller. */
    if (names_it && !(look(n, &blob) && blob.is_stored && blob.is_pinned)) return;
    (void)snprintf(address, sizeof address, "a:Album/%u", 1 + (unsigned)skn_rng_below(rng, 5));
    shards_submit(&w.s,
                  address,
                  name,
                  SKN_PRIORITY_NORMAL,
                  skn_value_int(10 * (int64_t)n + (int64_t)skn_rng_below(rng, 4)));
}

/* Storing, in one go: its steps are requests that a real one makes one after the other. */
static void store_or_unpin(struct skn_rng *rng)
{
    unsigned n = (unsigned)skn_rng_below(rng, HASHES);
    struct skn_look_blob blob;
    bool is_there = look(n, &blob);
    if (is_there && blob.is_pinned && skn_rng_below(rng, 2) == 0)
        (void)ask(address_of(n), "unpin", skn_value_none());
    else if (!is_there || !blob.is_pinned) {
        if (ask(address_of(n), "begin", skn_value_none()) != SKN_OK) return;
        w.has_file[n] = true;
        (void)say_stored(n, born_of(n));
    }
}

static void nothing_named_is_lost_and_nothing_unnamed_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        setup(SHARDS);
        struct skn_rng rng;
        skn_rng_init(&rng, seed);
        skn_rng_init(&w.s.rng, seed * 1000);
        for (int step = 0; step < 3000; step++) {
            uint64_t what = skn_rng_below(&rng, 200);
            if (what < 12) act(&rng);
            if (what == 13) store_or_unpin(&rng);
            if (what == 14 && w.count > 0) finish((size_t)skn_rng_below(&rng, w.count));
            uint64_t later_ms = what == 15 ? skn_rng_below(&rng, CONDEMNED_MS / 8) : 0;
            for (uint32_t k = 0; k < w.s.count; k++)
                w.s.at[k].now_ms += later_ms;
            shards_random(&w.s);
            if (step % 16 == 0) check_names();
        }
        shards_calm(&w.s);
        settle_all();
        check_names();
        /* Everybody lets go. */
        shard_is_fixed = true;
        for (unsigned who = 1; who <= 5; who++) {
            char address[32];
            (void)snprintf(address, sizeof address, "a:Album/%u", who);
            redeliver(address, true);
            album_do(who, "clear", 0, 0);
            album_do(who, "forget", 0, 0);
        }
        struct skn_look_blob blob;
        for (unsigned n = 0; n < HASHES; n++)
            if (look(n, &blob) && blob.is_pinned) unpin(n);
        pass(2 * CONDEMNED_MS, true);
        for (unsigned n = 0; n < HASHES; n++) {
            assert_false(look(n, &blob));
            assert_false(w.has_file[n]);
        }
        assert_int_equal(rows(0x31) + rows(0x32), 0);
        assert_true(w.removed > 0);
        shards_fini(&w.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_these_bytes),
        cmocka_unit_test(a_lease_has_these_bytes),
        cmocka_unit_test(rows_of_a_program_count),
        cmocka_unit_test(mail_and_what_waits_count),
        cmocka_unit_test(letters_count),
        cmocka_unit_test(effects_and_answers_count),
        cmocka_unit_test(what_is_on_its_way_to_another_shard_counts),
        cmocka_unit_test(a_content_goes_when_nobody_named_it_for_so_long),
        cmocka_unit_test(a_reference_in_its_time_saves_it),
        cmocka_unit_test(only_time_in_which_the_node_ran_counts),
        cmocka_unit_test(an_unref_that_overtakes_a_ref_loses_nothing),
        cmocka_unit_test(a_shard_with_a_lease_says_held),
        cmocka_unit_test(a_reference_waits_for_a_removal_that_is_under_way),
        cmocka_unit_test(whoever_stores_too_long_begins_again),
        cmocka_unit_test(nobody_else_may_count),
        cmocka_unit_test(nothing_named_is_lost_and_nothing_unnamed_stays),
    };
    return cmocka_run_group_tests_name("core/blob", tests, NULL, NULL);
}
