/* test_reader.c - who only reads after a death sees the rows of one moment, wherever a checkpoint was
 * cut off [E81] [E11]; so does who looks back [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/bug.h"
#include "base/rng.h"
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { DOMAINS = 12, ASKS = 80, SEEDS = 40 };

static const struct skn_program *const programs[] = {&skn_dev_counter, &skn_dev_echo, NULL};

struct world {
    struct skn_rng rng;
    struct skn_env_sim *sim;
    struct skn_backend *backend;
    struct skn_shards *shards;
    struct skn_shards_options options;
    unsigned looks, cut_off; /* of them beside a store whose checkpoint did not end */
    unsigned back, refused;  /* looks back, and how many had nothing to begin with */
    bool is_wrong;
};

static bool is_planted(void)
{
    return skn_bug(SKN_BUG_ROWS_BEFORE_BOUND) || skn_bug(SKN_BUG_HALF_IS_EXACT);
}

/* Rows so large that a checkpoint takes many blocks, and can be cut off between them. */
static void ask(struct world *w, unsigned number)
{
    char address[32];
    struct skn_buf payload;
    (void)snprintf(
        address, sizeof address, "a:Counter/%u", (unsigned)skn_rng_below(&w->rng, DOMAINS));
    skn_buf_init(&payload, 1024);
    assert_int_equal(
        skn_json_parse(SKN_LIT("{\"n\":1,\"rows\":8,\"bytes\":9000}"), NULL, &payload, NULL),
        SKN_OK);
    const struct skn_request request = {.number = number,
                                        .address = skn_slice_str(address),
                                        .name = SKN_LIT("add-many"),
                                        .payload = skn_value_view(skn_buf_slice(&payload)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(w->shards, &request);
    skn_buf_fini(&payload);
}

static void turn_some_part(struct world *w)
{
    struct skn_shards_event event;
    struct skn_diag diag = {.text = ""};
    bool more;
    unsigned part = (unsigned)skn_rng_below(&w->rng, skn_shards_parts(w->shards));
    enum skn_rc rc = skn_shards_turn(w->shards, part, &more, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    while (skn_shards_next_event(w->shards, &event)) {
    }
}

static enum skn_rc add_up(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    return skn_store_verify(store, &call->diag);
}

/* The rows that a reader finds have the state hash of the record that it stands at [E44]. */
static void read_shard(struct world *w, struct skn_shards *reader, uint32_t shard)
{
    struct skn_call call = {.fn = add_up, .shard = shard};
    struct skn_shards_event event;
    skn_shards_call(reader, &call);
    assert_true(skn_shards_next_event(reader, &event));
    w->is_wrong |= call.rc != SKN_OK;
    if (call.rc != SKN_OK && !is_planted()) fail_msg("%s", call.diag.text);
}

static void read_all(struct world *w)
{
    struct skn_shards *reader = NULL;
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_shards_open_to_read(&w->options, &reader, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    for (uint32_t i = 0; i < skn_shards_count(reader); i++) {
        read_shard(w, reader, i);
    }
    skn_shards_abandon(reader);
    w->looks++;
}

/* At the stamp of the store's own position: where half a checkpoint lies in it, newer rows are beside. */
static void look_back(struct world *w)
{
    for (unsigned i = 0; i < DOMAINS; i++) {
        char address[32];
        struct skn_shards *past = NULL;
        struct skn_position at = {0};
        struct skn_diag diag = {.text = ""};
        (void)snprintf(address, sizeof address, "a:Counter/%u", i);
        uint32_t shard = skn_shard_of(skn_slice_str(address), w->options.shards);
        if (skn_backend_position(w->backend, shard, &at, NULL) != SKN_OK) continue;
        enum skn_rc rc =
            skn_shards_open_at(&w->options, skn_slice_str(address), at.stamp, &past, &diag);
        w->back++;
        if (rc == SKN_ENOENT) {
            w->refused++;
            w->is_wrong |= skn_backend_is_exact(w->backend); /* it leads to its own position */
            assert_non_null(strstr(diag.text, "not kept"));
            continue;
        }
        if (rc != SKN_OK) fail_msg("%s", diag.text);
        read_shard(w, past, shard);
        skn_shards_abandon(past);
    }
}

static void open_shards(struct world *w)
{
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_shards_open(&w->options, &w->shards, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
}

static void die_and_read(struct world *w)
{
    skn_shards_abandon(w->shards);
    if (skn_rng_chance(&w->rng, 2, 3))
        skn_env_sim_kill(w->sim);
    else
        skn_env_sim_power_cut(w->sim, (enum skn_cut)skn_rng_below(&w->rng, SKN_CUT_COUNT));
    size_t unflushed = skn_backend_memory_unflushed(w->backend);
    size_t kept = (size_t)skn_rng_below(&w->rng, unflushed + 1);
    skn_backend_memory_crash(w->backend, kept);
    w->cut_off += kept > 0;
    read_all(w);
    look_back(w);
    open_shards(w);
}

static void run(uint64_t seed, struct world *total)
{
    struct world w = {.looks = 0};
    skn_rng_init(&w.rng, seed);
    w.sim = skn_env_sim_create(seed, 0);
    w.backend = skn_backend_memory_create();
    w.options = (struct skn_shards_options){.env = skn_env_sim_env(w.sim),
                                            .dir = "/journal",
                                            .backend = w.backend,
                                            .programs = programs,
                                            .shards = 2 + (uint32_t)skn_rng_below(&w.rng, 5),
                                            .workers = 2 + (unsigned)skn_rng_below(&w.rng, 2),
                                            .checkpoint = {.records = 12},
                                            .segment_bytes = 64 << 10,
                                            .no_reserve = true};
    open_shards(&w);
    for (unsigned asked = 0; asked < ASKS; asked++) {
        ask(&w, asked + 1);
        if (asked % 8 == 0) look_back(&w); /* beside the owner, too */
        for (uint64_t i = skn_rng_below(&w.rng, 20); i > 0; i--) {
            turn_some_part(&w);
            bool is_writing = skn_backend_memory_unflushed(w.backend) > 0;
            if (skn_rng_chance(&w.rng, 1, is_writing ? 2 : 200)) die_and_read(&w);
        }
    }
    skn_shards_abandon(w.shards);
    skn_env_sim_destroy(w.sim);
    skn_backend_destroy(w.backend);
    total->looks += w.looks;
    total->cut_off += w.cut_off;
    total->back += w.back;
    total->refused += w.refused;
    total->is_wrong |= w.is_wrong;
}

static void a_reader_sees_one_moment_wherever_a_checkpoint_was_cut_off(void **state)
{
    (void)state;
    struct world total = {.looks = 0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed, &total);
    printf("covered: %u looks, %u of them beside half a checkpoint\n", total.looks, total.cut_off);
    printf("covered: %u looks back, %u of them not kept\n", total.back, total.refused);
    assert_false(total.is_wrong); /* with the bug in the environment, too */
    assert_true(total.cut_off > SEEDS / 2);
    assert_true(total.refused > SEEDS && total.back - total.refused > SEEDS / 2);
}

static void find_planted(enum skn_bug bug)
{
    struct world total = {.looks = 0};
    (void)skn_bug_plant(bug);
    if (!skn_bug(bug)) skip(); /* a build without them */
    for (uint64_t seed = 1; seed <= SEEDS && !total.is_wrong; seed++)
        run(seed, &total);
    (void)skn_bug_plant(SKN_BUG_NONE);
    assert_true(total.is_wrong);
}

static void rows_written_before_the_bound_are_found(void **state)
{
    (void)state;
    find_planted(SKN_BUG_ROWS_BEFORE_BOUND);
}

static void a_look_back_that_begins_with_half_a_checkpoint_is_found(void **state)
{
    (void)state;
    find_planted(SKN_BUG_HALF_IS_EXACT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_sees_one_moment_wherever_a_checkpoint_was_cut_off),
        cmocka_unit_test(rows_written_before_the_bound_are_found),
        cmocka_unit_test(a_look_back_that_begins_with_half_a_checkpoint_is_found),
    };
    return cmocka_run_group_tests_name("shard/reader", tests, NULL, NULL);
}
