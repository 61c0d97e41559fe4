/* test_limit_change.c - limits that are set: what a record names of them (P4), and what was under way
 * when they change over a restart (P10). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limits.h"
#include "lib/shards.h"

#include <stdio.h>

/* --- the version -------------------------------------------------------------------------------------- */

static struct skn_core_limits with(size_t place, uint64_t n)
{
    struct skn_core_limits limits = {0};
    skn_limit_set(&limits, place, n);
    return skn_limits_whole(&limits);
}

static void the_version_tells_limits_of_a_batch_apart(void **state) /* P4 */
{
    (void)state;
    size_t count, seen = 0;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    const struct skn_core_limits zero = {0}, defaults = skn_limits_whole(&zero);
    uint32_t plain = skn_limits_version(&defaults), versions[200];
    assert_int_equal(plain, 3);
    for (size_t i = 0; i < count; i++) {
        uint64_t values[] = {infos[i].least, infos[i].most};
        for (size_t v = 0; v < SKN_ARRAY_LEN(values); v++) {
            const struct skn_core_limits limits = with(i, values[v]);
            uint32_t version = skn_limits_version(&limits);
            if (!infos[i].is_input || values[v] == infos[i].otherwise) {
                assert_int_equal(version, plain);
                continue;
            }
            assert_true(version >> 31);
            for (size_t other = 0; other < seen; other++)
                assert_int_not_equal(version, versions[other]);
            versions[seen++] = version;
        }
    }
    assert_true(seen > 20);
    /* Stored: the same on every machine. */
    struct skn_core_limits two = {.mailbox_messages = 10, .request_hours = 48};
    two = skn_limits_whole(&two);
    assert_int_equal(skn_limits_version(&two), 0xbb7bffe3);
}

static void zero_is_the_default_and_the_most_is_the_most(void **state)
{
    (void)state;
    size_t count;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    const struct skn_core_limits wild = {
        .message_bytes = UINT32_MAX, .batch_bytes = UINT32_MAX, .slice_gas = UINT64_MAX};
    const struct skn_core_limits whole = skn_limits_whole(&wild);
    assert_int_equal(whole.message_bytes, SKN_ROW_MAX);
    assert_int_equal(whole.batch_bytes, 8 << 20);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = skn_limit_get(&whole, i);
        assert_true(n == infos[i].otherwise || n == infos[i].most);
        assert_int_equal(skn_limit_get(&(struct skn_core_limits){0}, i), 0);
    }
}

/* --- a program that sends, counts and faults ------------------------------------------------------------ */

static int64_t number_in(struct skn_cx *cx)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, SKN_LIT("n"), &bytes) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

/* A request "boom" faults, "get" answers how many messages came in order; any other name is an address
 * that is sent 40 messages of so many bytes. */
static enum skn_rc
box_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    if (skn_slice_eq(m->name, SKN_LIT("boom"))) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (skn_slice_eq(m->name, SKN_LIT("get"))) {
        skn_cx_reply(cx, skn_value_int(number_in(cx)));
    } else if (m->kind == SKN_MESSAGE_REQUEST) {
        size_t size = (size_t)skn_value_as_int(m->payload);
        uint8_t *bytes = skn_arena_zero(skn_cx_arena(cx), 1, size);
        for (uint8_t i = 0; i < 40; i++) {
            bytes[0] = i;
            struct skn_value value = skn_value_bytes(skn_slice(bytes, size));
            skn_cx_send(cx, m->name, SKN_PRIORITY_NORMAL, SKN_LIT("box"), value);
        }
    } else {
        int64_t n = number_in(cx);
        if (skn_value_as_text(m->payload).ptr[0] == n)
            skn_cx_put_value(cx, SKN_LIT("n"), skn_value_int(n + 1));
    }
    return skn_cx_rc(cx);
}

static const struct skn_program box = {.type = "Box", .module = 7, .handle = box_handle};
static const struct skn_program *const programs[] = {&box, NULL};

/* --- what was under way ---------------------------------------------------------------------------------- */

static void reopen(struct shards *s, const struct skn_core_limits *limits)
{
    for (uint32_t i = 0; i < s->count; i++) {
        shard_close(&s->at[i]);
        s->at[i].options.limits = *limits;
        s->at[i].no_replay = true; /* some records name other limits */
        shard_open(&s->at[i], true);
    }
}

/* An address in this shard of two. */
static const char *address_in(uint32_t shard, char *out, size_t size)
{
    for (int i = 0;; i++) {
        (void)snprintf(out, size, "a:Box/%d", i);
        if (skn_shard_of(skn_slice_str(out), 2) == shard) return out;
    }
}

/* Large messages wait in a lane, behind it, and on their way to another shard, when limits become less
 * than they are: each arrives, once and in order. */
static void what_is_under_way_outlives_lower_limits(void **state) /* P2, P10 */
{
    (void)state;
    static const struct skn_core_limits before = {.mailbox_messages = 10},
                                        after = {.mailbox_messages = 1,
                                                 .message_bytes = 4096,
                                                 .row_bytes = 4096,
                                                 .batch_bytes = 65536,
                                                 .outbox_messages = 1,
                                                 .outbox_bytes = 65536,
                                                 .faulted_waiting = 1,
                                                 .slice_gas = 1000000},
                                        back = {0};
    for (int restarts = 1; restarts <= 3; restarts++) {
        struct shards s;
        char near[32], far[32];
        shards_init(&s, 2, programs, &before, 1);
        (void)address_in(0, near, sizeof near);
        (void)address_in(1, far, sizeof far);
        shards_submit(&s, near, far, SKN_PRIORITY_NORMAL, skn_value_int(100000));
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        shards_submit(&s, near, near, SKN_PRIORITY_NORMAL, skn_value_int(100000));
        for (int i = 0; i < restarts; i++)
            assert_int_equal(shard_step(&s.at[0]), SKN_OK);
        shard_durable(&s.at[0]);
        for (int i = 0; i < restarts; i++)
            reopen(&s, i == 1 ? &back : &after);
        shards_calm(&s);
        const char *const both[] = {near, far};
        for (int i = 0; i < 2; i++) {
            s.last_value = -1;
            shards_submit(&s, both[i], "get", SKN_PRIORITY_NORMAL, skn_value_none());
            shards_settle(&s);
            assert_int_equal(s.last_value, 40);
        }
        assert_int_equal(s.faulted, 0);
        shards_fini(&s);
    }
}

/* --- which records are executed again --------------------------------------------------------------------- */

static void faults(struct shard *s, const char *address, int count)
{
    for (int i = 0; i < count; i++) {
        shard_submit(s, 1, "", address, "boom", skn_value_none());
        shard_settle(s);
        struct skn_output out;
        while (shard_next(s, &out))
            continue;
    }
}

static struct skn_replay replay_with(struct shard *s, const struct skn_core_limits *limits)
{
    struct skn_replay done;
    struct skn_diag diag = {.text = ""};
    s->options.limits = *limits;
    enum skn_rc rc = shard_replay(&s, 1, &done, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    return done;
}

/* A domain is FAULTED after 2 faults, and after a restart another one after 5: executed under the other's
 * limit each would be so at another record. */
static void records_are_executed_under_their_own_limits(void **state) /* P4 */
{
    (void)state;
    static const struct skn_core_limits two = {.faults_in_row = 2},
                                        five = {.faults_in_row = 5, .warm_domains = 3},
                                        five_too = {.faults_in_row = 5, .requests_waiting = 7},
                                        none = {0};
    struct shard s;
    shard_init(&s, programs);
    shard_close(&s);
    s.options.limits = two;
    shard_open(&s, true);
    faults(&s, "a:Box/1", 3);
    size_t of_two = s.count;
    shard_close(&s);
    s.options.limits = five;
    shard_open(&s, true);
    faults(&s, "a:Box/2", 7);
    shard_close(&s);
    size_t opens = 3, of_five = s.count - of_two - 1;
    of_two -= 2;
    assert_true(of_two >= 2 && of_five >= 5);
    struct skn_replay done = replay_with(&s, &two);
    assert_int_equal(done.executed, of_two + opens);
    assert_int_equal(done.other_limits, of_five);
    done = replay_with(&s, &five);
    assert_int_equal(done.executed, of_five + opens);
    assert_int_equal(done.other_limits, of_two);
    /* What only says when something begins is no input: the same records. */
    done = replay_with(&s, &five_too);
    assert_int_equal(done.executed, of_five + opens);
    done = replay_with(&s, &none);
    assert_int_equal(done.executed, opens);
    s.no_replay = true;
    shard_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_tells_limits_of_a_batch_apart),
        cmocka_unit_test(zero_is_the_default_and_the_most_is_the_most),
        cmocka_unit_test(what_is_under_way_outlives_lower_limits),
        cmocka_unit_test(records_are_executed_under_their_own_limits),
    };
    return cmocka_run_group_tests_name("core/limit_change", tests, NULL, NULL);
}
