/* test_lives.c - one shard on a simulated machine: kills, power cuts, a full disk, readers beside it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cx.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"

#include <stdio.h>

/* Adds its payload and answers the sum. */
static enum skn_rc
sum_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    struct skn_slice bytes;
    int64_t sum = skn_value_as_int(m->payload);
    if (skn_cx_get(cx, SKN_LIT("sum"), &bytes) == SKN_OK)
        sum += skn_value_as_int(skn_value_view(bytes));
    skn_cx_put_value(cx, SKN_LIT("sum"), skn_value_int(sum));
    skn_cx_reply(cx, skn_value_int(sum));
    return SKN_OK;
}

static const struct skn_program sum = {.type = "Sum", .handle = sum_handle};
static const struct skn_program *const programs[] = {&sum, NULL};

struct node {
    struct skn_env_sim *sim;
    struct skn_shards *shards;
    struct skn_diag diag;
    uint64_t epoch;
};

static struct skn_shards_options options_of(struct node *n)
{
    return (struct skn_shards_options){.env = skn_env_sim_env(n->sim),
                                       .dir = "/journal",
                                       .programs = programs,
                                       .shards = 1,
                                       .check_rebuild = true,
                                       .segment_bytes = 64 << 10,
                                       .no_reserve = true};
}

static enum skn_rc open_node(struct node *n)
{
    const struct skn_shards_options options = options_of(n);
    return skn_shards_open(&options, &n->shards, &n->diag);
}

static void must_open(struct node *n)
{
    enum skn_rc rc = open_node(n);
    if (rc != SKN_OK) print_error("%s\n", n->diag.text);
    assert_int_equal(rc, SKN_OK);
    assert_true(skn_shards_state(n->shards).epoch > n->epoch); /* [E43] */
    n->epoch = skn_shards_state(n->shards).epoch;
}

static void submit(struct node *n, const char *id, int64_t by)
{
    const struct skn_request request = {.number = 7,
                                        .caller = SKN_LIT("t"),
                                        .id = skn_slice_str(id),
                                        .address = SKN_LIT("a:Sum/s"),
                                        .name = SKN_LIT("add"),
                                        .payload = skn_value_int(by),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(n->shards, &request);
}

/* Turns until there is no more; -1 when the disk failed, else the newest answer. */
static int64_t turn(struct node *n)
{
    bool more = true;
    int64_t answer = 0;
    while (more) {
        if (skn_shards_turn_all(n->shards, &more, &n->diag) != SKN_OK) return -1;
        struct skn_shards_event event;
        while (skn_shards_next_event(n->shards, &event))
            if (event.output && event.output->kind == SKN_OUTPUT_REPLY)
                answer = skn_value_as_int(skn_value_view(event.output->value));
    }
    return answer;
}

static void what_was_answered_survives_every_death(void **state) /* P1 P2 [E6] */
{
    (void)state;
    for (int cut = -1; cut < SKN_CUT_COUNT; cut++) {
        struct node n = {.sim = skn_env_sim_create(17, 0)};
        int64_t total = 0;
        char id[16];
        for (int i = 1; i <= 60; i++) {
            must_open(&n);
            (void)snprintf(id, sizeof id, "%d", i);
            submit(&n, id, i);
            total += i;
            assert_int_equal(turn(&n), total);
            if (i % 5 == 0) {
                assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
            } else {
                skn_shards_abandon(n.shards);
                if (cut < 0)
                    skn_env_sim_kill(n.sim);
                else
                    skn_env_sim_power_cut(n.sim, (enum skn_cut)cut);
            }
        }
        must_open(&n);
        submit(&n, "60", 60); /* asked again: the answer of then */
        assert_int_equal(turn(&n), total);
        skn_shards_abandon(n.shards);
        skn_env_sim_destroy(n.sim);
    }
}

static void a_stop_at_any_disk_operation_loses_no_answer(void **state) /* P1 P2 */
{
    (void)state;
    size_t stops = 0;
    for (uint64_t nth = 1; nth < 400; nth++) {
        struct node n = {.sim = skn_env_sim_create(nth, 0)};
        int64_t answered = 0;
        enum skn_fault fault = nth % 2 ? SKN_FAULT_STOP : SKN_FAULT_STOP_SHORT;
        skn_env_sim_fault(n.sim, fault, true, nth, 1);
        for (int64_t i = 1; i <= 20; i++) {
            if (!n.shards && open_node(&n) != SKN_OK) break;
            char id[16];
            (void)snprintf(id, sizeof id, "%d", (int)i);
            submit(&n, id, 1);
            int64_t answer = turn(&n);
            if (answer < 0) break;
            assert_int_equal(answer, i);
            answered = i;
            if (i % 7 != 0) continue;
            enum skn_rc rc = skn_shards_close(n.shards, &n.diag);
            n.shards = NULL;
            if (rc != SKN_OK) break;
        }
        bool stopped = skn_env_sim_is_stopped(n.sim);
        stops += stopped;
        skn_shards_abandon(n.shards);
        n.shards = NULL;
        skn_env_sim_power_cut(n.sim, (enum skn_cut)(nth % SKN_CUT_COUNT));
        skn_env_sim_fault(n.sim, SKN_FAULT_NONE, true, 1, 1);
        must_open(&n);
        submit(&n, "last", 0);
        int64_t sum_after = turn(&n);
        assert_true(sum_after == answered || sum_after == answered + 1);
        skn_shards_abandon(n.shards);
        skn_env_sim_destroy(n.sim);
        if (!stopped) break;
    }
    assert_true(stops > 20);
}

/* What a reader finds in the row, -1 when it cannot open. */
struct look {
    struct skn_call call;
    int64_t sum;
};

static enum skn_rc look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct skn_slice bytes;
    (void)core;
    enum skn_rc rc = skn_core_get(store, SKN_LIT("a:Sum/s"), SKN_LIT("sum"), &bytes, &call->diag);
    if (rc == SKN_OK)
        SKN_CONTAINER_OF(call, struct look, call)->sum = skn_value_as_int(skn_value_view(bytes));
    return rc;
}

static int64_t read_sum(struct node *n)
{
    const struct skn_shards_options options = options_of(n);
    struct look l = {.call.fn = look, .sum = -1};
    struct skn_shards *shards;
    struct skn_shards_event event;
    if (skn_shards_open_to_read(&options, &shards, &n->diag) != SKN_OK) return -1;
    skn_shards_call(shards, &l.call);
    assert_true(skn_shards_next_event(shards, &event) && event.call == &l.call);
    assert_int_equal(l.call.rc, SKN_OK);
    skn_shards_abandon(shards);
    return l.sum;
}

static void a_reader_sees_the_rows_and_changes_nothing(void **state) /* [E81] */
{
    (void)state;
    struct node n = {.sim = skn_env_sim_create(3, 0)};
    must_open(&n);
    submit(&n, "a", 5);
    assert_int_equal(turn(&n), 5);
    submit(&n, "b", 6);
    assert_int_equal(turn(&n), 11);
    uint64_t changes = skn_env_sim_changes(n.sim);
    /* The last group of an unsealed journal is left out. */
    assert_int_equal(read_sum(&n), 5);
    assert_int_equal(skn_env_sim_changes(n.sim), changes);
    /* A tenth of a second without a group, and the bound says that the last one is durable [E5]. */
    assert_true(skn_shards_timeout_all_ms(n.shards) <= SKN_JOURNAL_IDLE_MS);
    skn_env_sim_advance(n.sim, SKN_JOURNAL_IDLE_MS * 1000000);
    assert_int_equal(turn(&n), 0);
    assert_true(skn_shards_timeout_all_ms(n.shards) > SKN_JOURNAL_IDLE_MS);
    assert_int_equal(read_sum(&n), 11);
    assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
    assert_int_equal(read_sum(&n), 11);
    struct skn_journal_info info;
    struct skn_shards_options options = options_of(&n);
    assert_int_equal(skn_shards_verify(&options, &info, &n.diag), SKN_OK);
    assert_int_equal(info.records, 3);
    options.dir = "/nothing";
    struct skn_shards *none;
    assert_int_equal(skn_shards_open_to_read(&options, &none, &n.diag), SKN_ENOENT);
    skn_env_sim_destroy(n.sim);
}

static void a_failed_sync_ends_everything(void **state) /* [E7] */
{
    (void)state;
    struct node n = {.sim = skn_env_sim_create(3, 0)};
    must_open(&n);
    skn_env_sim_fault(n.sim, SKN_FAULT_EIO, true, 2, 1);
    submit(&n, "a", 5);
    assert_int_equal(turn(&n), -1);
    struct skn_shards_event event;
    assert_false(skn_shards_next_event(n.shards, &event));
    skn_shards_abandon(n.shards);
    skn_env_sim_kill(n.sim);
    must_open(&n);
    submit(&n, "a", 5);
    assert_int_equal(turn(&n), 5);
    skn_shards_abandon(n.shards);
    skn_env_sim_destroy(n.sim);
}

static void a_disk_that_fills_is_said_and_then_stops_the_shard(void **state) /* [E8] */
{
    (void)state;
    enum { MIB = 1 << 20 };
    struct node n = {.sim = skn_env_sim_create(3, 100 * MIB)};
    must_open(&n);
    submit(&n, "a", 5);
    assert_int_equal(turn(&n), 5);
    assert_int_equal(skn_shards_state(n.shards).disk, SKN_JOURNAL_DISK_OK);
    struct skn_disk_space space;
    assert_int_equal(skn_env_space(skn_env_sim_env(n.sim), "/journal", &space, &n.diag), SKN_OK);
    uint64_t used = space.total_bytes - space.free_bytes;
    skn_env_sim_set_disk(n.sim, used * 100 / 97);
    skn_env_sim_advance(n.sim, 2000000000);
    submit(&n, "b", 5); /* what is here goes on */
    assert_int_equal(turn(&n), 10);
    assert_int_equal(skn_shards_state(n.shards).disk, SKN_JOURNAL_DISK_LOW);
    skn_env_sim_set_disk(n.sim, used + 1);
    skn_env_sim_advance(n.sim, 2000000000);
    submit(&n, "c", 5);
    assert_int_equal(turn(&n), -1);
    assert_int_equal(n.diag.rc, SKN_EDISKFULL);
    assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK); /* cleanly, with its seal */
    assert_int_equal(open_node(&n), SKN_EDISKFULL);                /* and begins no epoch */
    skn_env_sim_set_disk(n.sim, 100 * MIB);
    must_open(&n);
    assert_int_equal(n.epoch, 2);
    submit(&n, "c", 5);
    assert_int_equal(turn(&n), 15);
    skn_shards_abandon(n.shards);
    skn_env_sim_destroy(n.sim);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_survives_every_death),
        cmocka_unit_test(a_stop_at_any_disk_operation_loses_no_answer),
        cmocka_unit_test(a_reader_sees_the_rows_and_changes_nothing),
        cmocka_unit_test(a_failed_sync_ends_everything),
        cmocka_unit_test(a_disk_that_fills_is_said_and_then_stops_the_shard),
    };
    return cmocka_run_group_tests_name("shard/lives", tests, NULL, NULL);
}
