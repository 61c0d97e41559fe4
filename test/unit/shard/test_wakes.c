/* test_wakes.c - parts that are turned only when they were woken or are due, as threads turn them: a wake
 * that nobody gives leaves somebody asleep, here by the simulated clock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/rng.h"
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "value/json.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PARTS_MAX = SKN_WORKERS_MAX + 8,
    SLEEP_MS_MAX = 300, /* in all, while an answer is waited for: pauses of 10 ms add up to less */
    TURNS_MAX = 200000,
    SEEDS = 20,
    MS = 1000000,
};

static const struct skn_program *const programs[] = {&skn_dev_counter, &skn_dev_flood, NULL};

/* The main thread turns worker 0 and is the outside; each other part is a thread. */
struct node {
    struct skn_rng rng;
    struct skn_env_sim *sim;
    struct skn_backend *backend;
    struct skn_shards *shards;
    struct skn_shards_options options;
    struct skn_diag diag;
    bool is_awake[PARTS_MAX];
    uint64_t due_ns[PARTS_MAX]; /* UINT64_MAX: never */
    unsigned asked, answered;
    uint64_t seed;
};

static void wake(void *ctx, unsigned from, unsigned part)
{
    struct node *n = ctx;
    (void)from;
    n->is_awake[part >= skn_shards_parts(n->shards) ? 0 : part] = true;
}

static void must_open(struct node *n)
{
    enum skn_rc rc = skn_shards_open(&n->options, &n->shards, &n->diag);
    if (rc != SKN_OK) print_error("%s\n", n->diag.text);
    assert_int_equal(rc, SKN_OK);
    skn_shards_on_wake(n->shards, wake, n);
    assert_true(skn_shards_parts(n->shards) <= PARTS_MAX);
    for (unsigned i = 0; i < PARTS_MAX; i++)
        n->is_awake[i] = true;
}

static void init(struct node *n, uint64_t seed, uint32_t shards, unsigned workers)
{
    *n = (struct node){.sim = skn_env_sim_create(seed, 0), .seed = seed};
    skn_rng_init(&n->rng, seed);
    n->backend = skn_backend_memory_create();
    n->options = (struct skn_shards_options){.env = skn_env_sim_env(n->sim),
                                             .dir = "/journal",
                                             .backend = n->backend,
                                             .programs = programs,
                                             .shards = shards,
                                             .workers = workers,
                                             .checkpoint = {.records = 40},
                                             .segment_bytes = 64 << 10,
                                             .no_reserve = true};
    must_open(n);
}

static void fini(struct node *n)
{
    assert_int_equal(skn_shards_close(n->shards, &n->diag), SKN_OK);
    skn_backend_destroy(n->backend);
    skn_env_sim_destroy(n->sim);
}

static void hear(struct node *n)
{
    struct skn_shards_event event;
    while (skn_shards_next_event(n->shards, &event)) {
        if (!event.output || event.output->kind != SKN_OUTPUT_REPLY) continue;
        assert_int_equal(event.output->rc, SKN_OK);
        n->answered++;
    }
}

/* As node/threads.c: it counts as asleep from before it looks. */
static void turn_part(struct node *n, unsigned part)
{
    bool more = false;
    n->is_awake[part] = false;
    enum skn_rc rc = skn_shards_turn(n->shards, part, &more, &n->diag);
    if (rc != SKN_OK) print_error("%s\n", n->diag.text);
    assert_int_equal(rc, SKN_OK);
    if (part == 0) hear(n);
    int wait = more ? 0 : skn_shards_timeout_ms(n->shards, part);
    uint64_t now = skn_env_now_mono_ns(n->options.env);
    if (wait == 0) n->is_awake[part] = true;
    n->due_ns[part] = wait < 0 ? UINT64_MAX : now + (uint64_t)wait * MS;
}

/* Any of those that are awake. False: all sleep. */
static bool turn_some(struct node *n)
{
    unsigned awake[PARTS_MAX], count = 0;
    for (unsigned i = 0; i < skn_shards_parts(n->shards); i++)
        if (n->is_awake[i]) awake[count++] = i;
    if (count == 0) return false;
    turn_part(n, awake[skn_rng_below(&n->rng, count)]);
    return true;
}

/* The clock goes on to whoever is due first; gives how far. */
static uint64_t sleep_on(struct node *n)
{
    uint64_t first = UINT64_MAX, now = skn_env_now_mono_ns(n->options.env);
    unsigned parts = skn_shards_parts(n->shards);
    for (unsigned i = 0; i < parts; i++)
        if (n->due_ns[i] < first) first = n->due_ns[i];
    if (first == UINT64_MAX) return UINT64_MAX;
    if (first > now) skn_env_sim_advance(n->sim, first - now);
    for (unsigned i = 0; i < parts; i++)
        if (n->due_ns[i] <= first) n->is_awake[i] = true;
    return first > now ? first - now : 0;
}

/* Until all is answered. Nobody is awake for ever while others do nothing. */
static void settle(struct node *n)
{
    uint64_t slept = 0, turns = 0;
    while (n->answered < n->asked) {
        if (++turns > TURNS_MAX) fail_msg("seed %" PRIu64 ": somebody spins", n->seed);
        if (turn_some(n)) continue;
        uint64_t ns = sleep_on(n);
        slept = ns == UINT64_MAX ? ns : slept + ns;
        if (slept <= (uint64_t)SLEEP_MS_MAX * MS) continue;
        fail_msg("seed %" PRIu64 ": all sleep, and %u of %u are answered",
                 n->seed,
                 n->answered,
                 n->asked);
    }
}

/* Time passes without anybody asking, until nobody is due so soon. */
static void rest(struct node *n, unsigned ms)
{
    uint64_t end = skn_env_now_mono_ns(n->options.env) + (uint64_t)ms * MS;
    while (skn_env_now_mono_ns(n->options.env) < end)
        if (!turn_some(n) && sleep_on(n) == UINT64_MAX) return;
}

static void ask(struct node *n, const char *address, const char *name, const char *payload)
{
    struct skn_buf buf;
    skn_buf_init(&buf, 4096);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = ++n->asked,
                                        .caller = SKN_LIT("t"),
                                        .address = skn_slice_str(address),
                                        .name = skn_slice_str(name),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(n->shards, &request);
    n->is_awake[0] = true; /* the main thread did it */
    skn_buf_fini(&buf);
}

static void add(struct node *n, unsigned counter)
{
    char address[32];
    (void)snprintf(address, sizeof address, "a:Counter/%u", counter);
    ask(n, address, "add", "{\"n\":1}");
}

/* [E12] A tail that reached what starts a checkpoint starts one, whoever slept meanwhile, and so no
 * work ever waits long for a store that is too far behind. */
static void the_keeper_wakes_when_the_tail_is_long(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct node n;
        init(&n, seed, 1 + (uint32_t)(seed % 6), 1 + (unsigned)(seed % 3));
        rest(&n, 200);
        uint64_t before = skn_shards_state(n.shards).checkpoints;
        for (int round = 0; round < 30; round++) {
            unsigned asks = 1 + (unsigned)skn_rng_below(&n.rng, 60);
            for (unsigned i = 0; i < asks; i++)
                add(&n, (unsigned)skn_rng_below(&n.rng, 50));
            settle(&n);
            if (round % 3 == 0) rest(&n, 200);
        }
        uint64_t made = skn_shards_state(n.shards).checkpoints - before;
        /* And not one on the heels of the other: a trim that is under way shortens the tail. */
        if (made < 5 || made > n.asked / 40 + 40)
            fail_msg(
                "seed %" PRIu64 ": %" PRIu64 " checkpoints for %u messages", seed, made, n.asked);
        fini(&n);
    }
}

/* A tail that is short is kept when its time has come, though nobody asks [E12]. */
static void the_keeper_wakes_for_a_short_tail_in_time(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct node n;
        init(&n, seed, 3, 2);
        rest(&n, 100000);
        uint64_t before = skn_shards_state(n.shards).checkpoints;
        add(&n, 1);
        settle(&n);
        rest(&n, 40000);
        assert_int_equal(skn_shards_state(n.shards).checkpoints, before + 1);
        assert_int_equal(skn_shards_state(n.shards).tail_records, 0);
        fini(&n);
    }
}

/* So many counters that belong to the shard, each asked once. */
static void add_to_shard(struct node *n, uint32_t shard, unsigned count)
{
    for (unsigned i = 0; count > 0; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Counter/%u", i);
        if (skn_shards_of(n->shards, skn_slice_str(address)) != shard) continue;
        add(n, i);
        count--;
    }
}

static void turn_main_until_it_sleeps(struct node *n)
{
    for (int i = 0; i < 1000 && n->is_awake[0]; i++)
        turn_part(n, 0);
    assert_false(n->is_awake[0]);
}

/* [E13] One shard wants all the rows that may be asked for at once: the others get theirs later. */
static void what_is_wanted_beyond_the_limit_is_fetched_later(void **state)
{
    (void)state;
    enum { FIRST = 900, SECOND = 5 };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct node n;
        init(&n, seed, 3, 1);
        for (uint32_t shard = 0; shard < 3; shard++)
            add_to_shard(&n, shard, shard == 0 ? FIRST : SECOND);
        settle(&n);
        rest(&n, 40000);
        assert_int_equal(skn_shards_state(n.shards).tail_records, 0);
        assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
        skn_backend_memory_set_slow(n.backend, true);
        must_open(&n);
        rest(&n, 200);
        add_to_shard(&n, 0, FIRST);
        turn_main_until_it_sleeps(&n); /* and nobody fetches meanwhile */
        for (uint32_t shard = 1; shard < 3; shard++)
            add_to_shard(&n, shard, SECOND);
        turn_main_until_it_sleeps(&n);
        settle(&n);
        fini(&n);
    }
}

/* More is given to a worker than its ring holds, and it answers nothing to it: what is late goes in
 * when there is room. */
static void what_found_a_ring_full_goes_in_later(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct node n;
        init(&n, seed, 2, 2);
        rest(&n, 200);
        for (unsigned i = 0; i < 20000; i++) {
            char address[32];
            (void)snprintf(address, sizeof address, "a:Counter/%u", i);
            if (skn_shards_of(n.shards, skn_slice_str(address)) == 1)
                skn_shards_take_up(n.shards, skn_slice_str(address), false);
        }
        n.is_awake[0] = true;
        add_to_shard(&n, 1, 3);
        settle(&n);
        fini(&n);
    }
}

/* [E8] A full disk that is full no more is noticed, though no work comes: none is let in. */
static void room_on_the_disk_is_noticed_without_work(void **state)
{
    (void)state;
    struct node n;
    init(&n, 1, 2, 1);
    add(&n, 1);
    settle(&n);
    rest(&n, 5000);
    struct skn_disk_space space;
    assert_int_equal(skn_env_space(n.options.env, "/journal", &space, &n.diag), SKN_OK);
    uint64_t used = space.total_bytes - space.free_bytes;
    skn_env_sim_set_disk(n.sim, used + used / 33); /* 3 percent */
    add(&n, 2);
    settle(&n);
    assert_int_equal(skn_shards_state(n.shards).disk, SKN_JOURNAL_DISK_LOW);
    skn_env_sim_set_disk(n.sim, 100 * used);
    rest(&n, 3000);
    assert_int_equal(skn_shards_state(n.shards).disk, SKN_JOURNAL_DISK_OK);
    fini(&n);
}

/* Floods between shards of other workers: rings between workers are full, too [E31]. */
static void floods_between_workers_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct node n;
        init(&n, seed, 4, 2 + (unsigned)(seed % 2));
        for (unsigned i = 0; i < 40; i++) {
            char address[32], payload[64];
            (void)snprintf(address, sizeof address, "a:Flood/%u", i % 8);
            (void)snprintf(
                payload, sizeof payload, "{\"to\":\"a:Flood/%u\",\"count\":200}", (i + 1) % 8);
            ask(&n, address, "flood", payload);
        }
        settle(&n);
        fini(&n);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keeper_wakes_when_the_tail_is_long),
        cmocka_unit_test(the_keeper_wakes_for_a_short_tail_in_time),
        cmocka_unit_test(what_is_wanted_beyond_the_limit_is_fetched_later),
        cmocka_unit_test(what_found_a_ring_full_goes_in_later),
        cmocka_unit_test(room_on_the_disk_is_noticed_without_work),
        cmocka_unit_test(floods_between_workers_end),
    };
    return cmocka_run_group_tests_name("shard/wakes", tests, NULL, NULL);
}
