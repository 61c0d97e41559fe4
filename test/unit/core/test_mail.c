/* test_mail.c - lanes, what waits, who rests, and floods. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net_program.h"
#include "lib/shards.h"

static const struct skn_program *const programs[] = {&net_program, NULL};

static int64_t row_of(struct shards *s, const char *address, struct skn_slice key)
{
    struct shard *shard = shards_of(s, address);
    struct skn_slice bytes;
    if (skn_core_get(shard->store, skn_slice_str(address), key, &bytes, NULL) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

static int64_t
count_of(struct shards *s, const char *at, char kind, enum skn_priority priority, const char *other)
{
    char text[600];
    return row_of(s, at, net_key(text, sizeof text, kind, priority, skn_slice_str(other)));
}

static struct skn_meta_row meta_of(struct shards *s, const char *address)
{
    struct skn_meta_row meta = {0};
    struct skn_key key;
    struct skn_slice bytes;
    skn_key_meta(&key, skn_slice_str(address));
    struct skn_store *store = shards_of(s, address)->store;
    if (skn_store_get(store, skn_key_slice(&key), &bytes, NULL) == SKN_OK)
        assert_int_equal(skn_meta_decode(bytes, &meta, NULL), SKN_OK);
    return meta;
}

/* Every row of messages under way is gone, and memory knows of none. */
static void expect_quiet(struct shards *s)
{
    static const uint8_t kinds[] = {SKN_SHARD_MAIL,
                                    SKN_SHARD_OUTBOX,
                                    SKN_SHARD_WAITING,
                                    SKN_SHARD_COUNTERS,
                                    SKN_SHARD_FAULTED,
                                    SKN_SHARD_BUSY};
    for (uint32_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < SKN_ARRAY_LEN(kinds); k++)
            assert_int_equal(shard_rows(&s->at[i], kinds[k]), 0);
        struct skn_core_counts counts = skn_core_counts(s->at[i].core);
        assert_int_equal(counts.unacknowledged, 0);
        assert_int_equal(counts.resting, 0);
        assert_int_equal(counts.packets_bad, 0);
        assert_int_equal(skn_store_verify(s->at[i].store, NULL), SKN_OK);
    }
}

/* The numbers that arrived are those that were sent: each once, and in order where nothing faulted. */
static int64_t expect_all(struct shards *s, bool in_order)
{
    int64_t sent = 0;
    for (int i = 0; i < NET_DOMAINS; i++) {
        char a[32], b[32];
        (void)snprintf(a, sizeof a, "a:Net/%d", i);
        if (in_order) assert_int_equal(row_of(s, a, SKN_LIT("disorder")), 0);
        for (int k = 0; k < NET_DOMAINS; k++) {
            (void)snprintf(b, sizeof b, "a:Net/%d", k);
            for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
                sent += count_of(s, a, 's', lane, b);
                assert_int_equal(count_of(s, a, 's', lane, b), count_of(s, b, 'r', lane, a));
            }
        }
    }
    return sent;
}

static void redeliver(struct shards *s, const char *address, uint64_t letter)
{
    const struct skn_redeliver r = {
        .number = 5, .address = skn_slice_str(address), .letter = letter};
    skn_core_redeliver(shards_of(s, address)->core, &r);
}

/* Until no dead letter is left, however often they fault again. */
static void redeliver_all(struct shards *s)
{
    for (int turn = 0; turn < 10000; turn++) {
        bool is_left = false;
        for (int i = 0; i < NET_DOMAINS; i++) {
            char a[32];
            (void)snprintf(a, sizeof a, "a:Net/%d", i);
            struct skn_meta_row meta = meta_of(s, a);
            if (meta.dead == 0) continue;
            is_left = true;
            redeliver(s, a, 0);
        }
        if (!is_left) return;
        shards_calm(s);
    }
    fail_msg("letters are left");
}

/* One message each of its own slice: `count` in all. */
static void send_singly(struct shards *s, const char *from, const char *to, int count)
{
    for (int i = 0; i < count; i++)
        shards_submit(s, from, to, SKN_PRIORITY_NORMAL, skn_value_int(1));
}

static const struct skn_core_limits small = {
    .mailbox_messages = 3, .outbox_messages = 4, .faulted_waiting = 6, .dead_letters = 1000};

/* --- lanes and what waits [E30] ----------------------------------------------------------------------- */

static void a_full_lane_lets_the_rest_wait_and_keeps_the_order(void **state) /* [E30] P3 */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &small, 1);
    for (int count = 2; count <= 4; count++) { /* limit - 1, limit, limit + 1 */
        shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(count));
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        int waiting = count > 3 ? count - 3 : 0;
        assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_MAIL), count - waiting);
        assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_WAITING), waiting);
        assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_COUNTERS), waiting > 0);
        shards_settle(&s);
        expect_quiet(&s);
    }
    assert_int_equal(expect_all(&s, true), 9);
    shards_fini(&s);
}

static void lanes_have_a_bound_each(void **state) /* [E30] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &small, 1);
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++)
        shards_submit(&s, "a:Net/0", "a:Net/1", lane, skn_value_int(3));
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_HIGH, skn_value_int(1));
    for (int i = 0; i < 6; i++) { /* the sender is of the same ranks: its requests go first */
        if (skn_core_counts(s.at[0].core).slices == 6) break;
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    }
    shards_settle(&s);
    assert_int_equal(expect_all(&s, true), 16);
    expect_quiet(&s);
    shards_fini(&s);
}

static void what_waits_is_not_overtaken_by_another_sender(void **state) /* [E30] */
{
    (void)state;
    struct shards s;
    struct skn_core_limits limits = small;
    shards_init(&s, 1, programs, &limits, 1);
    /* Five of one fill the lane and wait; one of another comes behind them. */
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_CRITICAL, skn_value_int(5));
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    shards_submit(&s, "a:Net/2", "a:Net/1", SKN_PRIORITY_CRITICAL, skn_value_int(1));
    while (count_of(&s, "a:Net/1", 'r', SKN_PRIORITY_CRITICAL, "a:Net/2") == 0)
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(count_of(&s, "a:Net/1", 'r', SKN_PRIORITY_CRITICAL, "a:Net/0"), 5);
    shards_settle(&s);
    expect_quiet(&s);
    shards_fini(&s);
}

static void a_lower_lane_has_its_turn_after_three_of_a_higher_one(void **state) /* DESIGN 3.1 */
{
    (void)state;
    struct shards s;
    static const struct skn_core_limits defaults;
    shards_init(&s, 1, programs, &defaults, 1);
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_BACKGROUND, skn_value_int(4));
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_CRITICAL, skn_value_int(12));
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(mail_of(&s, "a:Net/1", SKN_PRIORITY_BACKGROUND), 4);
    assert_int_equal(mail_of(&s, "a:Net/1", SKN_PRIORITY_CRITICAL), 12);
    for (int round = 1; round <= 4; round++) {
        for (int i = 0; i < 4; i++)
            assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        assert_int_equal(mail_of(&s, "a:Net/1", SKN_PRIORITY_BACKGROUND), 4 - round);
        assert_int_equal(mail_of(&s, "a:Net/1", SKN_PRIORITY_CRITICAL), 12 - 3 * round);
    }
    shards_settle(&s);
    expect_quiet(&s);
    shards_fini(&s);
}

/* --- the limit of the outbox [E32] ---------------------------------------------------------------------- */

/* The receiver is on another shard, and nothing gets there. */
static void a_domain_over_its_outbox_rests_until_half_of_it_is_gone(void **state) /* [E32] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 2, programs, &small, 1);
    const char *from = "a:Net/0", *to = NULL;
    static const char *const others[] = {"a:Net/1", "a:Net/2", "a:Net/3", "a:Net/4", "a:Net/5"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(others); i++)
        if (shards_of(&s, others[i]) != shards_of(&s, from)) to = others[i];
    assert_non_null(to);
    struct shard *home = shards_of(&s, from);
    send_singly(&s, from, to, 3); /* limit - 1 */
    shard_settle(home);
    assert_int_equal(skn_core_counts(home->core).resting, 0);
    send_singly(&s, from, to, 5);
    shard_settle(home);
    /* At the limit it rests; what came waits with it, and nothing was refused. */
    assert_int_equal(skn_core_counts(home->core).resting, 1);
    assert_int_equal(skn_core_counts(home->core).unacknowledged, 4);
    assert_int_equal(count_of(&s, from, 's', SKN_PRIORITY_NORMAL, to), 4);
    shards_settle(&s);
    assert_int_equal(count_of(&s, to, 'r', SKN_PRIORITY_NORMAL, from), 8);
    assert_int_equal(s.faulted, 0);
    expect_quiet(&s);
    shards_fini(&s);
}

static void bytes_count_against_the_outbox_too(void **state) /* [E32] */
{
    (void)state;
    struct shards s;
    struct skn_core_limits limits = {.mailbox_messages = 1, .outbox_bytes = 120};
    shards_init(&s, 1, programs, &limits, 1);
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(4));
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(skn_core_counts(s.at[0].core).resting, 1);
    shards_settle(&s);
    assert_int_equal(expect_all(&s, true), 4);
    expect_quiet(&s);
    shards_fini(&s);
}

/* What waits at others of a sender, as its rows count it. */
static uint64_t waiting_bytes(struct shard *s, const char *target, const char *sender)
{
    struct skn_key key;
    struct skn_slice bytes;
    struct skn_counter_row row;
    skn_key_counter(&key, skn_slice_str(target), skn_slice_str(sender));
    if (skn_store_get(s->store, skn_key_slice(&key), &bytes, NULL) != SKN_OK) return 0;
    assert_int_equal(skn_counter_decode(bytes, &row, NULL), SKN_OK);
    return row.bytes;
}

static void it_rests_at_so_many_bytes_and_not_one_below(void **state) /* [E32] */
{
    (void)state;
    uint64_t bytes = 0;
    for (int more = -2; more <= 1; more++) {
        struct shards s;
        struct skn_core_limits limits = {.mailbox_messages = 1};
        if (more > -2) limits.outbox_bytes = (uint32_t)((int64_t)bytes + more);
        shards_init(&s, 1, programs, &limits, 1);
        shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(4));
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        if (more == -2) bytes = waiting_bytes(&s.at[0], "a:Net/1", "a:Net/0");
        assert_true(bytes > 0);
        bool rests = skn_core_counts(s.at[0].core).resting == 1;
        assert_int_equal(rests,
                         more == -1 || more == 0); /* a limit of one byte more is not reached */
        shards_settle(&s);
        assert_int_equal(expect_all(&s, true), 4);
        expect_quiet(&s);
        shards_fini(&s);
    }
}

static void resting_survives_a_kill(void **state) /* [E32] P2 */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &small, 1);
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(30));
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    shard_durable(&s.at[0]);
    for (int i = 0; i < 10; i++) {
        shard_kill(&s.at[0], true);
        skn_mail_check(s.at[0].core);
        if (i < 5) assert_int_equal(skn_core_counts(s.at[0].core).resting, 1);
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        shard_durable(&s.at[0]);
    }
    shards_settle(&s);
    assert_int_equal(expect_all(&s, true), 30);
    expect_quiet(&s);
    shards_fini(&s);
}

/* Its own mail alone makes room again, so that has to be picked [E32]. */
static void who_rests_for_its_own_mail_goes_on_after_a_kill(void **state)
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &small, 1);
    shards_submit(&s, "a:Net/0", "a:Net/0", SKN_PRIORITY_NORMAL, skn_value_int(30));
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(skn_core_counts(s.at[0].core).resting, 1);
    shard_durable(&s.at[0]);
    shard_kill(&s.at[0], true);
    assert_int_equal(skn_core_counts(s.at[0].core).resting, 1);
    shards_settle(&s);
    assert_int_equal(expect_all(&s, true), 30);
    expect_quiet(&s);
    shards_fini(&s);
}

/* --- floods ------------------------------------------------------------------------------------------------ */

/* What every flood must end with: all handled once, in order unless something faulted meanwhile. */
static void expect_flood_ends(struct shards *s, int64_t at_least)
{
    shards_calm(s);
    bool has_faulted = s->faulted > 0;
    redeliver_all(s);
    shards_calm(s);
    expect_quiet(s);
    assert_true(expect_all(s, !has_faulted) >= at_least);
}

static void two_floods_at_each_other_go_on(void **state) /* [E32] */
{
    (void)state;
    for (uint32_t count = 1; count <= 2; count++) {
        struct shards s;
        shards_init(&s, count, programs, &small, 3);
        for (int i = 0; i < 3; i++) {
            shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(40));
            shards_submit(&s, "a:Net/1", "a:Net/0", SKN_PRIORITY_NORMAL, skn_value_int(40));
        }
        shards_calm(&s);
        assert_int_equal(s.faulted, 0);
        expect_flood_ends(&s, 240);
        shards_fini(&s);
    }
}

static void a_domain_that_floods_itself_goes_on(void **state) /* [E32] */
{
    (void)state;
    struct shards s;
    shards_init(&s, 1, programs, &small, 3);
    for (int i = 0; i < 3; i++)
        shards_submit(&s, "a:Net/0", "a:Net/0", SKN_PRIORITY_NORMAL, skn_value_int(40));
    shards_calm(&s);
    assert_int_equal(s.faulted, 0);
    expect_flood_ends(&s, 120);
    shards_fini(&s);
}

static void a_ring_of_floods_goes_on(void **state) /* [E32] */
{
    (void)state;
    for (uint32_t count = 1; count <= 3; count++) {
        struct shards s;
        shards_init(&s, count, programs, &small, 3);
        for (int i = 0; i < NET_DOMAINS; i++) {
            char from[32], to[32];
            (void)snprintf(from, sizeof from, "a:Net/%d", i);
            (void)snprintf(to, sizeof to, "a:Net/%d", (i + 1) % NET_DOMAINS);
            for (int k = 0; k < 3; k++)
                shards_submit(&s, from, to, SKN_PRIORITY_NORMAL, skn_value_int(40));
        }
        shards_calm(&s);
        assert_int_equal(s.faulted, 0);
        expect_flood_ends(&s, 720);
        shards_fini(&s);
    }
}

/* Every message makes another one: lanes and outboxes are full on all sides, so slices fault with
 * OUTBOX_FULL; their messages are dead letters, and lost is none. */
static void floods_that_answer_floods_fault_and_lose_nothing(void **state) /* [E32] [E33] */
{
    (void)state;
    for (uint32_t count = 1; count <= 2; count++) {
        struct shards s;
        struct skn_core_limits limits = small;
        limits.faults_in_row = 1000000;
        shards_init(&s, count, programs, &limits, 3);
        for (int i = 0; i < NET_DOMAINS; i++) {
            char from[32];
            (void)snprintf(from, sizeof from, "a:Net/%d", i);
            for (int k = 0; k < NET_DOMAINS; k++) {
                char to[40];
                (void)snprintf(to, sizeof to, "hop a:Net/%d", k);
                shards_submit(&s, from, to, SKN_PRIORITY_NORMAL, skn_value_int(10));
            }
        }
        expect_flood_ends(&s, 360 * 20);
        shards_fini(&s);
    }
}

/* --- FAULTED receivers [E33] ------------------------------------------------------------------------------- */

static void what_waits_for_a_faulted_domain_does_not_count(void **state) /* [E33] */
{
    (void)state;
    for (uint32_t count = 1; count <= 2; count++) {
        struct shards s;
        const char *from = "a:Net/0", *to = "a:Net/1";
        shards_init(&s, count, programs, &small, 3);
        if (count == 2)
            for (int i = 2; shards_of(&s, to) == shards_of(&s, from); i++) {
                static char other[32];
                (void)snprintf(other, sizeof other, "a:Net/%d", i);
                to = other;
            }
        char boom[40];
        (void)snprintf(boom, sizeof boom, "boom %s", to);
        shard_is_fixed = false;
        shards_submit(&s, from, boom, SKN_PRIORITY_NORMAL, skn_value_int(3));
        shards_calm(&s);
        assert_true(skn_core_is_faulted(shards_of(&s, to)->store, skn_slice_str(to)));
        assert_int_equal(s.faulted, 3);
        /* Three fill the lane; what waits then does not make the sender rest. At six it faults. */
        for (int i = 0; i < 3 + 6; i++) {
            send_singly(&s, from, to, 1);
            shards_calm(&s);
        }
        assert_int_equal(s.last_rc, SKN_OK);
        assert_int_equal(shard_rows(shards_of(&s, to), SKN_SHARD_WAITING), 6);
        assert_int_equal(skn_core_counts(shards_of(&s, from)->core).resting, 0);
        send_singly(&s, from, to, 1);
        shards_calm(&s);
        assert_int_equal(s.last_rc, SKN_ETARGETFAULTED);
        /* It is the same after an opening. */
        shard_kill(shards_of(&s, from), true);
        shard_kill(shards_of(&s, to), true);
        skn_mail_check(shards_of(&s, from)->core);
        send_singly(&s, from, to, 1);
        shards_calm(&s);
        assert_int_equal(s.last_rc, SKN_ETARGETFAULTED);
        assert_int_equal(shard_rows(shards_of(&s, from), SKN_SHARD_FAULTED), 1);
        /* The fix, and then everything arrives. */
        redeliver(&s, to, 0);
        shards_calm(&s);
        assert_true(skn_core_is_faulted(shards_of(&s, to)->store, skn_slice_str(to)));
        const struct skn_redeliver close = {
            .address = skn_slice_str(to), .letter = 0, .is_closing = true};
        skn_core_redeliver(shards_of(&s, to)->core, &close);
        shards_calm(&s);
        assert_false(skn_core_is_faulted(shards_of(&s, to)->store, skn_slice_str(to)));
        assert_int_equal(meta_of(&s, to).dead, 0);
        shards_calm(&s);
        expect_quiet(&s);
        shards_fini(&s);
    }
}

/* --- all of it at random ---------------------------------------------------------------------------------- */

/* What the seeds went through: a set that misses one of these proves nothing. */
struct covered {
    uint64_t outbox_full, target_faulted, boom, waited, resent;
};

static void random_floods(uint32_t count, uint64_t seed, int steps, struct covered *covered)
{
    struct shards s;
    struct skn_core_limits limits = {.mailbox_messages = (uint32_t)(1 + seed % 4),
                                     .outbox_messages = (uint32_t)(1 + seed % 7),
                                     .faulted_waiting = 5,
                                     .faults_in_row = seed % 2 ? 3 : 1000000};
    shards_init(&s, count, programs, &limits, seed);
    for (int step = 0; step < steps; step++) {
        if (skn_rng_below(&s.rng, 20) == 0) {
            static const char *const kinds[] = {"", "", "hop ", "boom "};
            char a[32], text[40];
            (void)snprintf(a, sizeof a, "a:Net/%d", (int)skn_rng_below(&s.rng, NET_DOMAINS));
            (void)snprintf(text,
                           sizeof text,
                           "%sa:Net/%d",
                           kinds[skn_rng_below(&s.rng, SKN_ARRAY_LEN(kinds))],
                           (int)skn_rng_below(&s.rng, NET_DOMAINS));
            enum skn_priority lane = (enum skn_priority)skn_rng_below(&s.rng, SKN_PRIORITIES);
            shards_submit(&s, a, text, lane, skn_value_int((int64_t)skn_rng_range(&s.rng, 1, 9)));
            if (skn_rng_below(&s.rng, 10) == 0) shard_is_fixed = !shard_is_fixed;
            if (skn_rng_below(&s.rng, 10) == 0) redeliver(&s, a, skn_rng_below(&s.rng, 3));
        }
        shards_random(&s);
        if (step % 16 == 0)
            covered->waited += shard_rows(&s.at[(uint32_t)step % s.count], SKN_SHARD_WAITING) > 0;
    }
    shards_calm(&s);
    shard_is_fixed = true;
    redeliver_all(&s);
    shards_calm(&s);
    /* A request that faulted comes again as well, so all that was counted as sent was sent. */
    expect_quiet(&s);
    assert_true(expect_all(&s, false) > steps / 40);
    covered->outbox_full += s.codes[SKN_EOUTBOXFULL];
    covered->target_faulted += s.codes[SKN_ETARGETFAULTED];
    covered->boom += s.codes[SKN_EFAULT];
    for (uint32_t i = 0; i < count; i++)
        covered->resent += skn_core_counts(s.at[i].core).resent;
    shards_fini(&s);
}

static void random_floods_lose_nothing_and_repeat_nothing(void **state) /* P2 [E30] to [E33] */
{
    (void)state;
    struct covered c = {0};
    for (uint64_t seed = 1; seed <= 18; seed++)
        random_floods(1 + (uint32_t)(seed % 3), seed, 3000, &c);
    print_message(
        "covered: %d times OUTBOX_FULL, %d TARGET_FAULTED, %d other faults, %d looks at what "
        "waits, %d messages sent again\n",
        (int)c.outbox_full,
        (int)c.target_faulted,
        (int)c.boom,
        (int)c.waited,
        (int)c.resent);
    assert_true(c.outbox_full > 20 && c.target_faulted > 20 && c.boom > 20);
    assert_true(c.waited > 100 && c.resent > 100);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_lane_lets_the_rest_wait_and_keeps_the_order),
        cmocka_unit_test(lanes_have_a_bound_each),
        cmocka_unit_test(what_waits_is_not_overtaken_by_another_sender),
        cmocka_unit_test(a_lower_lane_has_its_turn_after_three_of_a_higher_one),
        cmocka_unit_test(a_domain_over_its_outbox_rests_until_half_of_it_is_gone),
        cmocka_unit_test(bytes_count_against_the_outbox_too),
        cmocka_unit_test(it_rests_at_so_many_bytes_and_not_one_below),
        cmocka_unit_test(resting_survives_a_kill),
        cmocka_unit_test(who_rests_for_its_own_mail_goes_on_after_a_kill),
        cmocka_unit_test(two_floods_at_each_other_go_on),
        cmocka_unit_test(a_domain_that_floods_itself_goes_on),
        cmocka_unit_test(a_ring_of_floods_goes_on),
        cmocka_unit_test(floods_that_answer_floods_fault_and_lose_nothing),
        cmocka_unit_test(what_waits_for_a_faulted_domain_does_not_count),
        cmocka_unit_test(random_floods_lose_nothing_and_repeat_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
