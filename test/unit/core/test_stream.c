/* test_stream.c - messages between shards: once, in order, whatever the network and kills do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net_program.h"
#include "lib/shards.h"

static const struct skn_program *const programs[] = {&net_program, NULL};
static const struct skn_core_limits defaults;

static int64_t row_of(struct shards *s, const char *address, struct skn_slice key)
{
    struct shard *shard = shards_of(s, address);
    struct skn_slice bytes;
    if (skn_core_get(shard->store, skn_slice_str(address), key, &bytes, NULL) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

/* What `from` sent to `to` at a priority, or what `to` has received of it. */
static int64_t
count_of(struct shards *s, const char *at, char kind, enum skn_priority priority, const char *other)
{
    char text[600];
    return row_of(s, at, net_key(text, sizeof text, kind, priority, skn_slice_str(other)));
}

/* Two addresses on different shards, and one beside the first. */
static void pick(uint32_t count, char a[32], char b[32], char beside[32])
{
    (void)snprintf(a, 32, "a:Net/0");
    uint32_t home = skn_shard_of(skn_slice_str(a), count);
    bool has_b = false, has_beside = false;
    for (int i = 1; !has_b || !has_beside; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "a:Net/%d", i);
        bool same = skn_shard_of(skn_slice_str(text), count) == home;
        if (same && !has_beside) (void)snprintf(beside, 32, "%s", text), has_beside = true;
        if (!same && !has_b) (void)snprintf(b, 32, "%s", text), has_b = true;
    }
}

static void every_message_arrived_once_and_in_order(struct shards *s, int64_t *out_sent)
{
    int64_t sent = 0, received = 0;
    for (int i = 0; i < NET_DOMAINS; i++) {
        char a[32], b[32];
        (void)snprintf(a, sizeof a, "a:Net/%d", i);
        assert_int_equal(row_of(s, a, SKN_LIT("disorder")), 0);
        for (int k = 0; k < NET_DOMAINS; k++) {
            (void)snprintf(b, sizeof b, "a:Net/%d", k);
            for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
                sent += count_of(s, a, 's', lane, b);
                received += count_of(s, b, 'r', lane, a);
                assert_int_equal(count_of(s, a, 's', lane, b), count_of(s, b, 'r', lane, a));
            }
        }
    }
    assert_int_equal(sent, received);
    *out_sent = sent;
}

/* No row of a message under way is left. */
static void nothing_is_left_on_the_way(struct shards *s)
{
    static const uint8_t kinds[] = {
        SKN_SHARD_MAIL, SKN_SHARD_OUTBOX, SKN_SHARD_WAITING, SKN_SHARD_COUNTERS, SKN_SHARD_FAULTED};
    for (uint32_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < SKN_ARRAY_LEN(kinds); k++)
            assert_int_equal(shard_rows(&s->at[i], kinds[k]), 0);
        assert_int_equal(skn_core_counts(s->at[i].core).unacknowledged, 0);
        assert_int_equal(skn_core_counts(s->at[i].core).resting, 0);
        assert_int_equal(skn_core_counts(s->at[i].core).packets_bad, 0);
    }
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void the_shard_of_an_address_is_golden(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint32_t of64;
    } golden[] = {{"a:Net/0", 53}, {"acme/prod:Ledger/1", 3}, {"", 2}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(golden); i++) {
        struct skn_slice address = skn_slice_str(golden[i].address);
        assert_int_equal(skn_shard_of(address, 64), golden[i].of64);
        assert_int_equal(skn_shard_of(address, 1), 0);
    }
}

static void a_message_crosses_when_its_batch_is_durable_and_is_trimmed(void **state) /* [E31] P1 */
{
    (void)state;
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    shards_init(&s, 2, programs, &defaults, 1);
    struct shard *home = shards_of(&s, a), *away = shards_of(&s, b);
    shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(3));
    assert_int_equal(shard_step(home), SKN_OK);
    shards_collect(&s, home->options.shard);
    assert_int_equal(s.flying, 0);
    shard_durable(home);
    shards_collect(&s, home->options.shard);
    assert_int_equal(s.flying, 1); /* one packet for the three of one slice */
    assert_int_equal(shard_rows(home, SKN_SHARD_OUTBOX), 3);
    shards_deliver(&s, 0);
    assert_int_equal(shard_step(away), SKN_OK);
    assert_int_equal(shard_rows(away, SKN_SHARD_MAIL), 3);
    assert_int_equal(shard_rows(away, SKN_SHARD_SEEN), 1);
    shards_collect(&s, away->options.shard);
    assert_int_equal(s.flying, 1); /* it is not acknowledged before that is durable */
    shards_settle(&s);
    nothing_is_left_on_the_way(&s);
    assert_int_equal(count_of(&s, b, 'r', SKN_PRIORITY_NORMAL, a), 3);
    shards_fini(&s);
}

static void what_comes_twice_late_or_with_a_gap_changes_nothing(void **state) /* [E31] P2 */
{
    (void)state;
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    shards_init(&s, 2, programs, &defaults, 1);
    struct shard *home = shards_of(&s, a), *away = shards_of(&s, b);
    for (int i = 0; i < 3; i++) {
        shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(1));
        shard_settle(home);
        shards_collect(&s, home->options.shard);
    }
    assert_int_equal(s.flying, 3);
    shards_deliver(&s, 2);
    shards_deliver(&s, 1);
    shard_settle(away);
    assert_int_equal(shard_rows(away, SKN_SHARD_SEEN), 0);
    assert_int_equal(away->count, 1); /* nothing but its epoch */
    for (int twice = 0; twice < 2; twice++)
        shards_deliver(&s, 0);
    shard_settle(away);
    assert_int_equal(count_of(&s, b, 'r', SKN_PRIORITY_NORMAL, a), 1);
    shards_deliver(&s, 0);
    shards_deliver(&s, 2); /* still a gap */
    shards_deliver(&s, 1);
    shards_deliver(&s, 2);
    shard_settle(away);
    assert_int_equal(count_of(&s, b, 'r', SKN_PRIORITY_NORMAL, a), 3);
    shards_calm(&s);
    nothing_is_left_on_the_way(&s);
    shards_fini(&s);
}

static void lost_packets_come_again(void **state) /* [E31] */
{
    (void)state;
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    for (int how = 0; how < 3; how++) {
        shards_init(&s, 2, programs, &defaults, 1);
        struct shard *home = shards_of(&s, a);
        shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(1000));
        shard_settle(home);
        shards_collect(&s, home->options.shard);
        while (s.flying > 0)
            shards_drop(&s, 0);
        assert_int_equal(skn_core_counts(home->core).unacknowledged, 1000);
        assert_true(skn_core_next_due_ms(home->core) <= home->now_ms + 1000);
        shards_settle(&s);
        assert_int_equal(count_of(&s, b, 'r', SKN_PRIORITY_NORMAL, a), 0);
        if (how == 0) skn_core_resend(home->core, 1 - home->options.shard);
        if (how == 1) home->now_ms += 1000;
        if (how == 2) shard_kill(home, true);
        shards_settle(&s);
        assert_int_equal(count_of(&s, b, 'r', SKN_PRIORITY_NORMAL, a), 1000);
        assert_int_equal(skn_core_counts(home->core).resent, 1000);
        nothing_is_left_on_the_way(&s);
        shards_fini(&s);
    }
}

static void many_acknowledged_rows_are_removed_in_one_batch(void **state) /* [E31] */
{
    (void)state;
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    shards_init(&s, 2, programs, &defaults, 1);
    struct shard *home = shards_of(&s, a), *away = shards_of(&s, b);
    for (int i = 0; i < 100; i++)
        shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(1));
    shard_settle(home);
    shards_collect(&s, home->options.shard);
    while (s.flying > 0) {
        shards_deliver(&s, 0);
        skn_free(s.net[0].bytes);
        memmove(s.net, s.net + 1, --s.flying * sizeof *s.net);
    }
    size_t before = away->count;
    assert_int_equal(shard_step(away), SKN_OK); /* a hundred in one batch */
    assert_int_equal(shard_rows(away, SKN_SHARD_MAIL), 100);
    assert_int_equal(away->count, before + 1);
    shard_settle(away);
    shards_collect(&s, away->options.shard);
    assert_int_equal(s.flying, 1);
    shards_deliver(&s, 0);
    before = home->count;
    shard_settle(home);
    assert_int_equal(home->count, before + 1);
    shards_settle(&s);
    nothing_is_left_on_the_way(&s);
    shards_fini(&s);
}

static void random_bytes(struct skn_rng *rng, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)skn_rng_u64(rng);
}

static void malformed_packets_are_counted_and_dropped(void **state) /* [E31] P10 */
{
    (void)state;
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    shards_init(&s, 2, programs, &defaults, 7);
    struct shard *home = shards_of(&s, a), *away = shards_of(&s, b);
    away->no_replay = true; /* what it takes in the end was never sent */
    shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(2));
    shard_settle(home);
    shards_collect(&s, home->options.shard);
    assert_int_equal(s.flying, 1);
    struct net_packet good = s.net[0];
    uint32_t from = good.from;
    uint8_t bytes[4096];
    assert_true(good.len < sizeof bytes);
    /* Every cut, every byte changed, and noise: nothing is taken that is not whole. */
    for (size_t cut = 0; cut < good.len; cut++)
        skn_core_packet(away->core, from, skn_slice(good.bytes, cut));
    for (size_t i = 0; i < good.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bytes, good.bytes, good.len);
            bytes[i] ^= (uint8_t)(1U << bit);
            /* What changes only the text of a message is not malformed; its payload is not either. */
            bytes[good.len - 1] = 0xff;
            skn_core_packet(away->core, from, skn_slice(bytes, good.len));
        }
    }
    for (int i = 0; i < 2000; i++) {
        size_t len = skn_rng_below(&s.rng, 200);
        random_bytes(&s.rng, bytes, len);
        if (len > 10) memcpy(bytes, good.bytes, 10);
        skn_core_packet(away->core, from, skn_slice(bytes, len));
        skn_core_packet(away->core, (uint32_t)skn_rng_below(&s.rng, 9), skn_slice(bytes, len));
    }
    shard_settle(away);
    assert_true(skn_core_counts(away->core).packets_bad > 1000);
    /* From ourselves, and from a shard that is not there. */
    skn_core_packet(away->core, away->options.shard, skn_slice(good.bytes, good.len));
    skn_core_packet(away->core, 77, skn_slice(good.bytes, good.len));
    shard_settle(away);
    shards_fini(&s);
}

static void so_many_bytes_of_packets_wait_and_no_more(void **state) /* [E31] P10 */
{
    (void)state;
    enum { PACKET = 2 << 20, PACKETS = 16, HEAD = 10 };
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    shards_init(&s, 2, programs, &defaults, 7);
    struct shard *home = shards_of(&s, a), *away = shards_of(&s, b);
    away->no_replay = true;
    shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(2));
    shard_settle(home);
    shards_collect(&s, home->options.shard);
    uint32_t from = s.net[0].from;
    uint8_t *bytes = skn_alloc_zero(1, PACKET + 1);
    memcpy(bytes, s.net[0].bytes, HEAD);
    skn_core_packet(away->core, from, skn_slice(bytes, PACKET + 1)); /* one that is too large */
    assert_int_equal(skn_core_counts(away->core).packets_bad, 1);
    for (int i = 0; i < PACKETS - 1; i++)
        skn_core_packet(away->core, from, skn_slice(bytes, PACKET));
    skn_core_packet(away->core, from, skn_slice(bytes, PACKET - HEAD - 1)); /* one byte is left */
    skn_core_packet(away->core, from, skn_slice(bytes, HEAD + 2));
    assert_int_equal(skn_core_counts(away->core).packets_dropped, 1);
    skn_core_packet(away->core, from, skn_slice(bytes, HEAD + 1)); /* at the limit */
    assert_int_equal(skn_core_counts(away->core).packets_dropped, 1);
    skn_core_packet(away->core, from, skn_slice(bytes, HEAD));
    assert_int_equal(skn_core_counts(away->core).packets_dropped, 2);
    /* Nothing is lost of what was sent: it comes again when there is room. */
    shard_settle(away);
    shards_settle(&s);
    for (uint32_t i = 0; i < s.count; i++)
        assert_int_equal(skn_core_counts(s.at[i].core).unacknowledged, 0);
    skn_free(bytes);
    shards_fini(&s);
}

static void acknowledgements_of_what_was_never_sent_are_dropped(void **state) /* [E31] */
{
    (void)state;
    struct shards s;
    char a[32], b[32], beside[32];
    pick(2, a, b, beside);
    shards_init(&s, 2, programs, &defaults, 7);
    struct shard *home = shards_of(&s, a), *away = shards_of(&s, b);
    struct skn_buf ack;
    skn_buf_init(&ack, 100);
    skn_buf_put_u8(&ack, 1);
    skn_buf_put_u8(&ack, 2);
    skn_buf_put_le32(&ack, away->options.shard);
    skn_buf_put_le32(&ack, home->options.shard);
    for (int lane = 0; lane < SKN_STREAM_LANES; lane++)
        skn_buf_put_le64(&ack, lane == 2 ? 1 : 0);
    skn_core_packet(home->core, away->options.shard, skn_buf_slice(&ack));
    assert_int_equal(skn_core_counts(home->core).packets_bad, 1);
    skn_buf_fini(&ack);
    shards_submit(&s, a, b, SKN_PRIORITY_NORMAL, skn_value_int(2));
    shards_settle(&s);
    assert_int_equal(count_of(&s, b, 'r', SKN_PRIORITY_NORMAL, a), 2);
    shards_fini(&s);
}

/* Shards, priorities, lost, repeated and reordered packets, kills at any record. */
static void
random_traffic(uint32_t count, const struct skn_core_limits *limits, uint64_t seed, int steps)
{
    struct shards s;
    shards_init(&s, count, programs, limits, seed);
    for (int step = 0; step < steps; step++) {
        if (skn_rng_below(&s.rng, 10) == 0) {
            char a[32], text[40];
            (void)snprintf(a, sizeof a, "a:Net/%d", (int)skn_rng_below(&s.rng, NET_DOMAINS));
            (void)snprintf(text,
                           sizeof text,
                           "%sa:Net/%d",
                           skn_rng_below(&s.rng, 3) ? "" : "hop ",
                           (int)skn_rng_below(&s.rng, NET_DOMAINS));
            shards_submit(&s,
                          a,
                          text,
                          (enum skn_priority)skn_rng_below(&s.rng, SKN_PRIORITIES),
                          skn_value_int((int64_t)skn_rng_range(&s.rng, 1, 9)));
        }
        shards_random(&s);
    }
    shards_calm(&s);
    int64_t sent;
    every_message_arrived_once_and_in_order(&s, &sent);
    nothing_is_left_on_the_way(&s);
    assert_true(sent > steps / 20);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(skn_store_verify(s.at[i].store, NULL), SKN_OK);
    shards_fini(&s);
}

static void random_networks_lose_nothing_and_repeat_nothing(void **state) /* P2 P3 [E31] */
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        random_traffic(1 + (uint32_t)(seed % 3), &defaults, seed, 4000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shard_of_an_address_is_golden),
        cmocka_unit_test(a_message_crosses_when_its_batch_is_durable_and_is_trimmed),
        cmocka_unit_test(what_comes_twice_late_or_with_a_gap_changes_nothing),
        cmocka_unit_test(lost_packets_come_again),
        cmocka_unit_test(many_acknowledged_rows_are_removed_in_one_batch),
        cmocka_unit_test(malformed_packets_are_counted_and_dropped),
        cmocka_unit_test(so_many_bytes_of_packets_wait_and_no_more),
        cmocka_unit_test(acknowledgements_of_what_was_never_sent_are_dropped),
        cmocka_unit_test(random_networks_lose_nothing_and_repeat_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
