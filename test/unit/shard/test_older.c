/* test_older.c - an older copy of the store under a journal that was trimmed since is refused, whichever
 * shards had records in between [E9]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "value/json.h"

#include <stdio.h>
#include <string.h>

enum { SHARDS = 4, MASKS = 1 << SHARDS, BULK = 6, TURNS_MAX = 100000 };

static const struct skn_program *const programs[] = {&skn_dev_counter, NULL};

/* A backend that passes all on, and until `is_over` to a copy, too. */
struct tee {
    struct skn_backend base;
    struct skn_backend *now, *copy;
    bool is_over;
};

static struct tee *tee_of(struct skn_backend *backend)
{
    return SKN_CONTAINER_OF(backend, struct tee, base);
}

static enum skn_rc tee_read(struct skn_backend *backend,
                            const struct skn_read *read,
                            bool may_wait,
                            struct skn_buf *out,
                            bool *out_is_end,
                            struct skn_diag *diag)
{
    return skn_backend_read(tee_of(backend)->now, read, may_wait, out, out_is_end, diag);
}

static enum skn_rc tee_write(struct skn_backend *backend,
                             uint32_t shard,
                             struct skn_slice batch,
                             struct skn_diag *diag)
{
    struct tee *tee = tee_of(backend);
    if (!tee->is_over) assert_int_equal(skn_backend_write(tee->copy, shard, batch, diag), SKN_OK);
    return skn_backend_write(tee->now, shard, batch, diag);
}

static enum skn_rc tee_commit(struct skn_backend *backend,
                              const struct skn_shard_position *positions,
                              size_t count,
                              struct skn_diag *diag)
{
    struct tee *tee = tee_of(backend);
    if (!tee->is_over)
        assert_int_equal(skn_backend_commit(tee->copy, positions, count, diag), SKN_OK);
    return skn_backend_commit(tee->now, positions, count, diag);
}

static enum skn_rc tee_position(struct skn_backend *backend,
                                uint32_t shard,
                                struct skn_position *out,
                                struct skn_diag *diag)
{
    return skn_backend_position(tee_of(backend)->now, shard, out, diag);
}

static bool tee_is_exact(struct skn_backend *backend)
{
    return skn_backend_is_exact(tee_of(backend)->now);
}

static const struct skn_backend_ops tee_ops = {.read = tee_read,
                                               .write = tee_write,
                                               .commit = tee_commit,
                                               .position = tee_position,
                                               .is_exact = tee_is_exact};

struct node {
    struct skn_env_sim *sim;
    struct tee tee;
    struct skn_shards *shards;
    struct skn_shards_options options;
    struct skn_diag diag;
    unsigned asked, answered;
};

static void must_open(struct node *n)
{
    enum skn_rc rc = skn_shards_open(&n->options, &n->shards, &n->diag);
    if (rc != SKN_OK) print_error("%s\n", n->diag.text);
    assert_int_equal(rc, SKN_OK);
}

static void init(struct node *n, uint64_t seed)
{
    *n = (struct node){.sim = skn_env_sim_create(seed, 0)};
    n->tee = (struct tee){.base.ops = &tee_ops,
                          .now = skn_backend_memory_create(),
                          .copy = skn_backend_memory_create()};
    n->options = (struct skn_shards_options){.env = skn_env_sim_env(n->sim),
                                             .dir = "/journal",
                                             .backend = &n->tee.base,
                                             .programs = programs,
                                             .shards = SHARDS,
                                             .segment_bytes = 64 << 10,
                                             .no_reserve = true};
    must_open(n);
}

static void fini(struct node *n)
{
    skn_backend_destroy(n->tee.now);
    skn_backend_destroy(n->tee.copy);
    skn_env_sim_destroy(n->sim);
}

static void settle(struct node *n)
{
    bool more = true;
    for (int i = 0; i < TURNS_MAX && (more || n->answered < n->asked); i++) {
        struct skn_shards_event event;
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
        while (skn_shards_next_event(n->shards, &event))
            n->answered += event.output && event.output->kind == SKN_OUTPUT_REPLY;
    }
    assert_int_equal(n->answered, n->asked);
}

/* A message to a domain of `shard` that writes about so many bytes, in a group of its own. */
static void ask(struct node *n, uint32_t shard, unsigned bytes)
{
    char address[32], payload[64];
    struct skn_buf buf;
    for (unsigned i = 0;; i++) {
        (void)snprintf(address, sizeof address, "a:Counter/%u", i);
        if (skn_shards_of(n->shards, skn_slice_str(address)) == shard) break;
    }
    (void)snprintf(payload, sizeof payload, "{\"rows\":1,\"bytes\":%u}", bytes);
    skn_buf_init(&buf, 4096);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = ++n->asked,
                                        .caller = SKN_LIT("t"),
                                        .address = skn_slice_str(address),
                                        .name = SKN_LIT("add-many"),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(n->shards, &request);
    skn_buf_fini(&buf);
    settle(n);
}

static void checkpoint(struct node *n)
{
    uint64_t before = skn_shards_state(n->shards).checkpoints;
    skn_shards_checkpoint(n->shards);
    bool more;
    for (int i = 0; i < TURNS_MAX && skn_shards_state(n->shards).checkpoints == before; i++)
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
    settle(n); /* the trim */
    assert_true(skn_shards_state(n->shards).checkpoints > before);
}

static void kill_node(struct node *n)
{
    skn_shards_abandon(n->shards);
    skn_env_sim_kill(n->sim);
}

/* Records of the shards in `mask` that no segment has any more; what is left begins, where a shard is
 * outside of it, with a record that the old copy does not miss. */
static void write_and_trim(struct node *n, unsigned mask)
{
    for (unsigned i = 0; i < BULK; i++)
        for (uint32_t s = 0; s < SHARDS; s++)
            if ((mask >> s) & 1) ask(n, s, 60 << 10);
    for (uint32_t s = 0; s < SHARDS; s++) {
        if ((mask >> s) & 1) continue;
        ask(n, s, 10); /* the last group, with which a new generation begins */
        break;
    }
    kill_node(n);
    must_open(n);
    checkpoint(n);
}

static void assert_refused(struct node *n, enum skn_rc rc, unsigned mask)
{
    if (rc != SKN_ECORRUPT) fail_msg("shards %x: the older store is taken, rc %d", mask, (int)rc);
    if (!strstr(n->diag.text, "the store is older")) fail_msg("shards %x: %s", mask, n->diag.text);
}

static void put_back(struct node *n)
{
    skn_backend_destroy(n->tee.now);
    n->tee.now = n->tee.copy;
    n->tee.copy = skn_backend_memory_create();
}

/* [E9] P1: never silently fewer. By who writes, who looks, and who verifies. */
static void a_store_older_than_a_trim_is_refused_whichever_shards_wrote_since(void **state)
{
    (void)state;
    for (unsigned mask = 1; mask < MASKS; mask++) {
        struct node n;
        struct skn_journal_info info;
        init(&n, mask);
        for (uint32_t s = 0; s < SHARDS; s++)
            ask(&n, s, 10);
        checkpoint(&n);
        n.tee.is_over = true;
        write_and_trim(&n, mask);
        bool is_sealed = mask % 2 == 0;
        if (is_sealed)
            assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
        else
            kill_node(&n);
        assert_int_equal(skn_shards_verify(&n.options, &info, &n.diag), SKN_OK);
        assert_true(info.is_trimmed);
        put_back(&n);
        assert_refused(&n, skn_shards_verify(&n.options, NULL, &n.diag), mask);
        assert_refused(&n, skn_shards_open_to_read(&n.options, &n.shards, &n.diag), mask);
        assert_refused(&n, skn_shards_open(&n.options, &n.shards, &n.diag), mask);
        fini(&n);
    }
}

/* What no trim has passed is whole with the journal: an older store is brought up to its end. */
static void a_store_older_than_a_checkpoint_that_trimmed_nothing_is_taken(void **state)
{
    (void)state;
    struct node n;
    init(&n, 99);
    for (uint32_t s = 0; s < SHARDS; s++)
        ask(&n, s, 10);
    checkpoint(&n);
    n.tee.is_over = true;
    for (uint32_t s = 0; s < SHARDS; s++)
        ask(&n, s, 10);
    checkpoint(&n);
    assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
    put_back(&n);
    assert_int_equal(skn_shards_verify(&n.options, NULL, &n.diag), SKN_OK);
    must_open(&n);
    assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
    fini(&n);
}

/* The copy of a journal knows what the journal knew. */
static void a_copy_of_the_journal_refuses_it_too(void **state)
{
    (void)state;
    struct node n;
    struct skn_journal_info info, copied;
    init(&n, 100);
    ask(&n, 1, 10);
    checkpoint(&n);
    n.tee.is_over = true;
    write_and_trim(&n, 2);
    assert_int_equal(skn_shards_close(n.shards, &n.diag), SKN_OK);
    assert_int_equal(skn_journal_peek(n.options.env, "/journal", &info, &n.diag), SKN_OK);
    assert_int_equal(skn_journal_copy(n.options.env, "/journal", "/copy", NULL, &copied, &n.diag),
                     SKN_OK);
    assert_true(info.trimmed > 0 && copied.trimmed == info.trimmed);
    put_back(&n);
    n.options.dir = "/copy";
    assert_refused(&n, skn_shards_open(&n.options, &n.shards, &n.diag), 2);
    fini(&n);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_older_than_a_trim_is_refused_whichever_shards_wrote_since),
        cmocka_unit_test(a_store_older_than_a_checkpoint_that_trimmed_nothing_is_taken),
        cmocka_unit_test(a_copy_of_the_journal_refuses_it_too),
    };
    return cmocka_run_group_tests_name("shard/older", tests, NULL, NULL);
}
