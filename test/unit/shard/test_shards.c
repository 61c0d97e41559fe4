/* test_shards.c - the shards of a node under a schedule that chance chooses, with kills and power cuts:
 * nothing acknowledged is lost, nothing is done twice, checkpoints and trims happen all the while. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "dev/dev.h"
#include "lib/simnode.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DOMAINS = 40, FLOODS = 6, NOTES = 40, ASKS = 600, TURNS_MAX = 200000, SEEDS = 12 };

static const struct skn_program *const programs[] = {
    &skn_dev_counter, &skn_dev_echo, &skn_dev_flood, &skn_dev_ledger, NULL};

struct ask {
    unsigned domain; /* from DOMAINS on: a flood, to the next one */
    bool is_answered, is_asked;
};

struct node {
    struct simnode at;
    struct ask asks[ASKS];
    unsigned asked, answered;
    unsigned crashes, checkpoints, shed, waits;
    bool is_slow;
};

static void address_of(unsigned domain, char out[32])
{
    bool is_flood = domain >= DOMAINS;
    (void)snprintf(
        out, 32, is_flood ? "a:Flood/%u" : "a:Counter/%u", is_flood ? domain - DOMAINS : domain);
}

static void must_open(struct node *n)
{
    skn_backend_memory_set_slow(n->at.backend, n->is_slow);
    simnode_must_open(&n->at);
}

static void ask_for(struct node *n, unsigned i)
{
    char address[32], id[32], to[32], payload[96] = "{\"n\":1,\"rows\":3,\"bytes\":40}";
    struct skn_buf buf;
    unsigned domain = n->asks[i].domain;
    bool is_flood = domain >= DOMAINS;
    address_of(domain, address);
    address_of(DOMAINS + (domain + 1) % FLOODS, to);
    (void)snprintf(id, sizeof id, "id%u", i);
    if (is_flood)
        (void)snprintf(payload, sizeof payload, "{\"to\":\"%s\",\"count\":%d}", to, NOTES);
    skn_buf_init(&buf, 4096);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = i + 1,
                                        .caller = SKN_LIT("t"),
                                        .id = skn_slice_str(id),
                                        .address = skn_slice_str(address),
                                        .name = is_flood ? SKN_LIT("flood") : SKN_LIT("add-many"),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(n->at.shards, &request);
    skn_buf_fini(&buf);
    n->asks[i].is_asked = true;
}

static void hear(struct node *n)
{
    struct skn_shards_event event;
    while (skn_shards_next_event(n->at.shards, &event)) {
        if (!event.output || event.output->kind != SKN_OUTPUT_REPLY) continue;
        struct ask *ask = &n->asks[event.output->number - 1];
        assert_int_equal(event.output->rc, SKN_OK);
        n->answered += !ask->is_answered;
        ask->is_answered = true;
    }
}

static void crash(struct node *n)
{
    struct skn_shards_state state = skn_shards_state(n->at.shards);
    n->checkpoints += (unsigned)state.checkpoints;
    n->crashes++;
    simnode_die(&n->at);
    for (unsigned i = 0; i < n->asked; i++)
        n->asks[i].is_asked = n->asks[i].is_answered;
    n->is_slow = skn_rng_chance(&n->at.rng, 1, 2);
    n->at.options.workers = 1 + (unsigned)skn_rng_below(&n->at.rng, 3);
    must_open(n);
}

/* What a look finds in a counter; a row that is not there is 0. */
struct sum {
    struct skn_call call;
    struct skn_slice address;
    const char *row;
    int64_t sum;
    bool is_back;
};

static enum skn_rc look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct sum *sum = SKN_CONTAINER_OF(call, struct sum, call);
    struct skn_slice bytes;
    (void)core;
    enum skn_rc rc =
        skn_core_get(store, sum->address, skn_slice_str(sum->row), &bytes, &call->diag);
    sum->sum = rc == SKN_OK ? skn_value_as_int(skn_value_view(bytes)) : 0;
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static int64_t sum_of(struct node *n, unsigned domain, const char *row)
{
    char address[32];
    address_of(domain, address);
    struct sum sum = {.call.fn = look, .address = skn_slice_str(address), .row = row};
    sum.call.shard = skn_shards_of(n->at.shards, sum.address);
    skn_shards_call(n->at.shards, &sum.call);
    for (int i = 0; i < TURNS_MAX && !sum.is_back; i++) {
        struct skn_shards_event event;
        while (skn_shards_next_event(n->at.shards, &event))
            sum.is_back |= event.call == &sum.call;
        if (!sum.is_back) simnode_turn(&n->at);
    }
    assert_true(sum.is_back);
    assert_int_equal(sum.call.rc, SKN_OK);
    return sum.sum;
}

static void check_sums(struct node *n)
{
    int64_t expected[DOMAINS + FLOODS] = {0};
    for (unsigned i = 0; i < n->asked; i++)
        expected[n->asks[i].domain]++;
    for (unsigned d = 0; d < DOMAINS; d++) {
        int64_t sum = sum_of(n, d, "sum");
        if (sum != expected[d])
            fail_msg("counter %u has %lld, %lld were asked for",
                     d,
                     (long long)sum,
                     (long long)expected[d]);
    }
}

/* Every note sent to the next flood, often in another shard, came once and in order: P2 P3 [E31]. */
static void check_floods(struct node *n)
{
    int64_t asked[FLOODS] = {0};
    for (unsigned i = 0; i < n->asked; i++)
        if (n->asks[i].domain >= DOMAINS) asked[n->asks[i].domain - DOMAINS] += NOTES;
    for (unsigned f = 0; f < FLOODS; f++) {
        unsigned next = DOMAINS + (DOMAINS + f + 1) % FLOODS;
        assert_int_equal(sum_of(n, DOMAINS + f, "sent"), asked[f]);
        for (int i = 0; i < TURNS_MAX && sum_of(n, next, "received") < asked[f]; i++)
            skn_env_sim_advance(n->at.sim, 50000000);
        assert_int_equal(sum_of(n, next, "received"), asked[f]);
        assert_int_equal(sum_of(n, next, "disorder"), 0);
    }
}

/* P4 [E25]: a journal that was never trimmed is executed again, through all its openings. */
static void replay(const struct node *n)
{
    struct skn_shards_replayed done;
    struct skn_journal_info info;
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_shards_replay(&n->at.options, &done, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    assert_int_equal(skn_shards_verify(&n->at.options, &info, &diag), SKN_OK);
    assert_int_equal(done.shards, n->at.options.shards);
    assert_int_equal(done.records.executed, info.records);
    assert_true(info.records > ASKS);
}

/* P1 P2 [E9] [E10] [E11] [E13] [E34] */
static void one_seed(uint64_t seed, struct node *total)
{
    struct node *n = calloc(1, sizeof *n);
    simnode_init(&n->at, seed, programs, 6);
    n->at.options.workers = 1 + (unsigned)skn_rng_below(&n->at.rng, 3);
    must_open(n);
    for (int i = 0; i < TURNS_MAX && (n->asked < ASKS || n->answered < n->asked); i++) {
        if (n->asked < ASKS && skn_rng_chance(&n->at.rng, 1, 3))
            n->asks[n->asked++].domain = (unsigned)skn_rng_below(&n->at.rng, DOMAINS + FLOODS);
        for (unsigned a = 0; a < n->asked; a++)
            if (!n->asks[a].is_asked) ask_for(n, a);
        simnode_turn(&n->at);
        hear(n);
        if (skn_rng_chance(&n->at.rng, 1, 300)) crash(n);
    }
    if (n->answered < ASKS) fail_msg("seed %llu: not all answered", (unsigned long long)seed);
    check_sums(n);
    check_floods(n);
    total->crashes += n->crashes;
    total->checkpoints += n->checkpoints + (unsigned)skn_shards_state(n->at.shards).checkpoints;
    assert_int_equal(skn_shards_close(n->at.shards, &n->at.diag), SKN_OK);
    enum skn_rc rc = skn_shards_verify(&n->at.options, NULL, &n->at.diag);
    if (rc != SKN_OK) print_error("seed %llu: %s\n", (unsigned long long)seed, n->at.diag.text);
    assert_int_equal(rc, SKN_OK);
    if (n->at.is_kept) replay(n);
    simnode_fini(&n->at);
    free(n);
}

static void whatever_comes_in_between_each_request_counts_once(void **state)
{
    (void)state;
    unsigned seeds = simnode_seeds(SEEDS);
    uint64_t seed = simnode_seed();
    struct node total = {0};
    for (unsigned i = 0; i < seeds; i++) {
        printf("%llu ", (unsigned long long)seed + i);
        (void)fflush(stdout);
        one_seed(seed + i, &total);
    }
    printf("\n");
    printf(
        "covered: %u seeds, %u crashes, %u checkpoints\n", seeds, total.crashes, total.checkpoints);
    assert_true(total.crashes > seeds && total.checkpoints > 5 * seeds);
}

/* [E5] A clean opening that writes nothing syncs nothing. */
static void an_opening_that_writes_nothing_syncs_nothing(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(1, 0);
    struct skn_diag diag;
    struct skn_shards *shards;
    bool more = true;
    const struct skn_shards_options options = {.env = skn_env_sim_env(sim),
                                               .dir = "/journal",
                                               .programs = programs,
                                               .segment_bytes = 64 << 10,
                                               .no_reserve = true};
    assert_int_equal(skn_shards_open(&options, &shards, &diag), SKN_OK);
    while (more)
        assert_int_equal(skn_shards_turn_all(shards, &more, &diag), SKN_OK);
    assert_int_equal(skn_shards_state(shards).records, SKN_SHARDS_DEFAULT);
    assert_int_equal(skn_shards_close(shards, &diag), SKN_OK);
    uint64_t syncs = skn_env_sim_syncs(sim);
    assert_int_equal(skn_shards_open(&options, &shards, &diag), SKN_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(skn_shards_turn(shards, 0, &more, &diag), SKN_OK);
        assert_int_equal(skn_shards_turn(shards, 1, &more, &diag), SKN_OK);
    }
    assert_int_equal(skn_shards_close(shards, &diag), SKN_OK);
    assert_int_equal(skn_env_sim_syncs(sim), syncs);
    skn_env_sim_destroy(sim);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_in_between_each_request_counts_once),
        cmocka_unit_test(an_opening_that_writes_nothing_syncs_nothing),
    };
    return cmocka_run_group_tests_name("shard/shards", tests, NULL, NULL);
}
