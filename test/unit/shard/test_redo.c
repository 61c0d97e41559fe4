/* test_redo.c - an opening on several threads comes to the same rows as one on its own, and refuses the
 * same data. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "value/json.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHARDS = 5, DOMAINS = 40, ASKED = 3000, IN_FLIGHT = 50 };

static const struct skn_program *const programs[] = {&skn_dev_counter, NULL};

/* --- a crew ------------------------------------------------------------------------------------------- */

struct hand {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
};

static unsigned started, may_start; /* threads; of whoever opens */

static void *run_hand(void *arg)
{
    struct hand *hand = arg;
    hand->fn(hand->arg);
    return NULL;
}

static void *start(void (*fn)(void *arg), void *arg)
{
    if (started == may_start) return NULL;
    struct hand *hand = malloc(sizeof *hand);
    assert_non_null(hand);
    *hand = (struct hand){.fn = fn, .arg = arg};
    assert_int_equal(pthread_create(&hand->id, NULL, run_hand, hand), 0);
    started++;
    return hand;
}

static void join(void *thread)
{
    struct hand *hand = thread;
    assert_int_equal(pthread_join(hand->id, NULL), 0);
    free(hand);
}

static void rest(void)
{
    (void)usleep(20);
}

static const struct skn_crew crew = {.start = start, .join = join, .pause = rest};

/* --- data to open --------------------------------------------------------------------------------------- */

struct node {
    struct skn_env_sim *sim;
    struct skn_backend *backend;
    struct skn_shards *shards;
    struct skn_shards_options options;
    struct skn_diag diag;
};

static void ask(struct node *n, unsigned i)
{
    char address[32];
    struct skn_buf buf;
    (void)snprintf(address, sizeof address, "a:Counter/%u", i * 7 % DOMAINS);
    skn_buf_init(&buf, 256);
    assert_int_equal(skn_json_parse(SKN_LIT("{\"rows\":3,\"bytes\":80}"), NULL, &buf, NULL),
                     SKN_OK);
    const struct skn_request request = {.number = i + 1,
                                        .caller = SKN_LIT("t"),
                                        .address = skn_slice_str(address),
                                        .name = SKN_LIT("add-many"),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(n->shards, &request);
    skn_buf_fini(&buf);
}

static void ask_all(struct node *n)
{
    unsigned asked = 0, answered = 0;
    while (answered < ASKED) {
        struct skn_shards_event event;
        bool more;
        for (; asked < ASKED && asked - answered < IN_FLIGHT; asked++)
            ask(n, asked);
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
        while (skn_shards_next_event(n->shards, &event))
            answered += event.output && event.output->kind == SKN_OUTPUT_REPLY;
    }
}

/* A journal of some thousand records, as a kill leaves it. */
static void init(struct node *n)
{
    *n = (struct node){.sim = skn_env_sim_create(7, 0), .backend = skn_backend_memory_create()};
    n->options = (struct skn_shards_options){.env = skn_env_sim_env(n->sim),
                                             .dir = "/journal",
                                             .backend = n->backend,
                                             .programs = programs,
                                             .shards = SHARDS,
                                             .crew_from = 200,
                                             .no_reserve = true};
    assert_int_equal(skn_shards_open(&n->options, &n->shards, &n->diag), SKN_OK);
    ask_all(n);
    skn_shards_abandon(n->shards);
    n->shards = NULL;
}

static void fini(struct node *n)
{
    skn_backend_destroy(n->backend);
    skn_env_sim_destroy(n->sim);
}

/* --- what an opening comes to --------------------------------------------------------------------------- */

struct look {
    struct skn_call call;
    struct skn_position position;
    uint64_t rows;
};

static enum skn_rc look_at(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = SKN_CONTAINER_OF(call, struct look, call);
    (void)core;
    look->position = skn_store_position(store);
    look->rows = skn_store_counts(store).entries;
    return SKN_OK;
}

static struct look state_of(struct node *n, uint32_t shard)
{
    struct look look = {.call = {.fn = look_at, .shard = shard}};
    bool is_back = false, more;
    skn_list_init(&look.call.link);
    skn_shards_call(n->shards, &look.call);
    while (!is_back) {
        struct skn_shards_event event;
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
        while (skn_shards_next_event(n->shards, &event))
            is_back |= event.call == &look.call;
    }
    return look;
}

static void open_with(struct node *n, unsigned workers, unsigned threads)
{
    started = 0;
    may_start = threads;
    n->options.workers = workers;
    n->options.crew = &crew;
    enum skn_rc rc = skn_shards_open(&n->options, &n->shards, &n->diag);
    if (rc != SKN_OK) fail_msg("%s", n->diag.text);
}

static void several_threads_come_to_the_rows_of_one(void **state) /* P3, [E12] */
{
    (void)state;
    static const struct {
        unsigned workers, threads, used;
    } cases[] = {{1, 9, 0}, {2, 9, 2}, {3, 9, 3}, {9, 9, 4}, {3, 1, 1}, {3, 0, 0}};
    struct node n;
    struct look first[SHARDS];
    init(&n);
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        open_with(&n, cases[i].workers, cases[i].threads);
        assert_int_equal(started, cases[i].used);
        for (uint32_t shard = 0; shard < SHARDS; shard++) {
            struct look look = state_of(&n, shard);
            if (i == 0) first[shard] = look;
            assert_true(look.position.index > 0 && look.rows > 0);
            assert_int_equal(look.position.index, first[shard].position.index);
            assert_true(skn_hash128_eq(look.position.state, first[shard].position.state));
            assert_int_equal(look.rows, first[shard].rows);
        }
        skn_shards_abandon(n.shards);
    }
    assert_int_equal(skn_shards_verify(&n.options, NULL, &n.diag), SKN_OK);
    fini(&n);
}

/* The store says of a record in the middle what the journal does not: whoever redoes its shard sees it. */
static void what_one_thread_refuses_several_refuse(void **state) /* P10 */
{
    (void)state;
    struct node n;
    struct skn_diag alone;
    init(&n);
    struct skn_shard_position wrong = {
        .shard = 3, .position = {.index = ASKED / SHARDS / 2, .stamp = 1, .state = {1, 2}}};
    assert_int_equal(skn_backend_commit(n.backend, &wrong, 1, NULL), SKN_OK);
    assert_int_equal(skn_shards_open(&n.options, &n.shards, &alone), SKN_ECORRUPT);
    assert_non_null(strstr(alone.text, "the journal has another one there"));
    started = 0;
    may_start = 4;
    n.options.workers = 4;
    n.options.crew = &crew;
    assert_int_equal(skn_shards_open(&n.options, &n.shards, &n.diag), SKN_ECORRUPT);
    assert_string_equal(n.diag.text, alone.text);
    assert_int_equal(started, 4);
    fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_threads_come_to_the_rows_of_one),
        cmocka_unit_test(what_one_thread_refuses_several_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
