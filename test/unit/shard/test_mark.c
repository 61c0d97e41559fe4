/* test_mark.c - how much of a checkpoint a worker gathers at a time [E10]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/parts_internal.h"

#include <stdio.h>

enum { DOMAINS = 8000, FEW = 10 };

static const struct skn_program *const programs[] = {&skn_dev_counter, NULL};

struct node {
    struct skn_env_sim *sim;
    struct skn_backend *backend;
    struct skn_shards *shards;
    struct skn_diag diag;
};

static void turn_all(struct node *n)
{
    struct skn_shards_event event;
    bool more = true;
    while (more) {
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
        while (skn_shards_next_event(n->shards, &event))
            continue;
    }
}

static void turn(struct node *n, unsigned part)
{
    bool more;
    assert_int_equal(skn_shards_turn(n->shards, part, &more, &n->diag), SKN_OK);
}

static void ask(struct node *n, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Counter/%05u", i);
        const struct skn_request request = {.number = i,
                                            .address = skn_slice_str(address),
                                            .name = SKN_LIT("add"),
                                            .payload = skn_value_none(),
                                            .priority = SKN_PRIORITY_NORMAL};
        skn_shards_submit(n->shards, &request);
    }
}

/* A node with more dirty rows than the keeper has room for, and a checkpoint that began. */
static void begin(struct node *n)
{
    *n = (struct node){.sim = skn_env_sim_create(1, 0), .backend = skn_backend_memory_create()};
    const struct skn_shards_options options = {.env = skn_env_sim_env(n->sim),
                                               .dir = "/journal",
                                               .programs = programs,
                                               .backend = n->backend,
                                               .shards = 1,
                                               .workers = 1,
                                               .no_reserve = true};
    assert_int_equal(skn_shards_open(&options, &n->shards, &n->diag), SKN_OK);
    for (int i = 0; i < 8; i++) {
        ask(n, DOMAINS);
        turn_all(n);
    }
    skn_shards_checkpoint(n->shards);
    turn(n, part_keeper(n->shards));
    assert_int_equal(n->shards->workers[0].blocks_out, 0);
}

static void end(struct node *n)
{
    turn_all(n);
    assert_int_equal(skn_shards_state(n->shards).checkpoints, 1);
    assert_int_equal(skn_shards_close(n->shards, &n->diag), SKN_OK);
    skn_backend_destroy(n->backend);
    skn_env_sim_destroy(n->sim);
}

static void beside_messages_one_block_a_turn_is_gathered(void **state)
{
    (void)state;
    struct node n;
    begin(&n);
    ask(&n, FEW);
    for (unsigned i = 1; i <= DIRTY_BLOCKS; i++) { /* the log is not turned: they wait for it */
        turn(&n, 0);
        assert_int_equal(n.shards->workers[0].blocks_out, i);
    }
    turn(&n, 0);
    assert_int_equal(n.shards->workers[0].blocks_out, DIRTY_BLOCKS);
    end(&n);
}

static void beside_many_messages_more_is_gathered(void **state)
{
    (void)state;
    struct node n;
    begin(&n);
    ask(&n, 3 * SLICES_AT_ONCE);
    turn(&n, 0); /* one shard has so many slices a turn */
    assert_int_equal(n.shards->workers[0].blocks_out, 2);
    end(&n);
}

static void an_idle_worker_gathers_all_that_there_is_room_for(void **state)
{
    (void)state;
    struct node n;
    begin(&n);
    turn(&n, 0);
    assert_int_equal(n.shards->workers[0].blocks_out, DIRTY_BLOCKS);
    end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_messages_one_block_a_turn_is_gathered),
        cmocka_unit_test(beside_many_messages_more_is_gathered),
        cmocka_unit_test(an_idle_worker_gathers_all_that_there_is_room_for),
    };
    return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
