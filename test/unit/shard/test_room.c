/* test_room.c - how much of a node may wait for a sync, over all its shards and workers [E20]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/parts_internal.h"

#include <stdio.h>

enum { REQUESTS = 200, TURNS = 50 };

static const struct skn_program *const programs[] = {&skn_dev_counter, NULL};

struct node {
    struct skn_env_sim *sim;
    struct skn_shards *shards;
    struct skn_diag diag;
    unsigned workers, answered;
};

static void begin(struct node *n, unsigned workers, uint64_t bytes)
{
    *n = (struct node){.sim = skn_env_sim_create(1, 0), .workers = workers};
    const struct skn_shards_options options = {.env = skn_env_sim_env(n->sim),
                                               .dir = "/journal",
                                               .programs = programs,
                                               .shards = workers,
                                               .workers = workers,
                                               .speculative_bytes = bytes,
                                               .no_reserve = true};
    assert_int_equal(skn_shards_open(&options, &n->shards, &n->diag), SKN_OK);
}

static void hear(struct node *n)
{
    struct skn_shards_event event;
    while (skn_shards_next_event(n->shards, &event))
        n->answered += event.output && event.output->kind == SKN_OUTPUT_REPLY;
}

static void turn_all(struct node *n)
{
    bool more = true;
    while (more) {
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
        hear(n);
    }
}

static void end(struct node *n)
{
    turn_all(n);
    assert_int_equal(skn_shards_close(n->shards, &n->diag), SKN_OK);
    skn_env_sim_destroy(n->sim);
}

/* Each to another domain, so that every shard has work; all records have one size. */
static void ask(struct node *n, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Counter/%03u", i);
        const struct skn_request request = {.number = i,
                                            .address = skn_slice_str(address),
                                            .name = SKN_LIT("add"),
                                            .payload = skn_value_none(),
                                            .priority = SKN_PRIORITY_NORMAL};
        skn_shards_submit(n->shards, &request);
    }
}

/* The workers only, as often as they like: nothing becomes durable. */
static void turn_workers(struct node *n)
{
    for (int i = 0; i < TURNS; i++) {
        for (unsigned w = 0; w < n->workers; w++) {
            bool more;
            assert_int_equal(skn_shards_turn(n->shards, w, &more, &n->diag), SKN_OK);
        }
    }
    hear(n);
}

static void one_below_at_and_above(void **state)
{
    (void)state;
    struct node n;
    begin(&n, 1, UINT64_MAX);
    ask(&n, 1);
    turn_all(&n); /* with the record of the opening */
    ask(&n, 4);
    turn_workers(&n);
    uint64_t four = n.shards->workers[0].bytes_out;
    end(&n);
    assert_true(four > 0);
    for (int more = -1; more <= 1; more++) {
        begin(&n, 1, four + (uint64_t)(int64_t)more);
        ask(&n, 1);
        turn_all(&n);
        n.answered = 0;
        ask(&n, 6);
        turn_workers(&n);
        uint64_t slices = skn_shards_state(n.shards).slices - 1;
        assert_int_equal(slices, more > 0 ? 5 : 4);
        assert_int_equal(n.answered, 0);
        turn_all(&n);
        assert_int_equal(n.answered, 6);
        end(&n);
    }
}

static void workers_have_equal_parts_and_all_go_on(void **state)
{
    (void)state;
    enum { BYTES = 8000, RECORD_MAX = 500 };
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct node n;
        uint64_t sum = 0;
        begin(&n, workers, BYTES);
        ask(&n, REQUESTS);
        turn_workers(&n);
        for (unsigned w = 0; w < workers; w++) {
            uint64_t out = n.shards->workers[w].bytes_out;
            assert_in_range(out, BYTES / workers, BYTES / workers + RECORD_MAX);
            sum += out;
        }
        assert_true(sum <= BYTES + (uint64_t)workers * RECORD_MAX);
        assert_int_equal(n.answered, 0);
        turn_all(&n); /* nothing is lost, and nobody waits for ever */
        assert_int_equal(n.answered, REQUESTS);
        for (unsigned w = 0; w < workers; w++)
            assert_int_equal(n.shards->workers[w].bytes_out, 0);
        end(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_below_at_and_above),
        cmocka_unit_test(workers_have_equal_parts_and_all_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
