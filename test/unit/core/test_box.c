/* test_box.c - how many messages a mailbox has follows from its rows, whoever forgot it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "lib/net_program.h"
#include "lib/shards.h"

static const struct skn_program *const programs[] = {&net_program, NULL};

static const struct skn_core_limits small = {.mailbox_messages = 3, .outbox_messages = 100};

/* Keys of the mail of a lane, the numbers only. */
static size_t numbers_of(struct shards *s, const char *address, uint64_t *out, size_t max)
{
    struct skn_row rows[16];
    struct skn_key from, end;
    size_t count;
    skn_key_mail_lane(&from, skn_slice_str(address), SKN_PRIORITY_NORMAL);
    end = from;
    skn_key_end(&end);
    assert_true(max <= SKN_ARRAY_LEN(rows));
    struct skn_store *store = shards_of(s, address)->store;
    assert_int_equal(
        skn_store_scan(store, skn_key_slice(&from), skn_key_slice(&end), rows, max, &count, NULL),
        SKN_OK);
    for (size_t i = 0; i < count; i++) {
        struct skn_key_info info;
        skn_key_read(rows[i].key, &info);
        assert_int_equal(info.kind, SKN_KEY_MAIL);
        out[i] = info.number;
    }
    return count;
}

static void send(struct shards *s, const char *from, const char *to, int count)
{
    shards_submit(s, from, to, SKN_PRIORITY_NORMAL, skn_value_int(count));
    assert_int_equal(shard_step(shards_of(s, from)), SKN_OK);
}

/* What a batch changes of kind 02 address 00 01: rows of domains. */
static size_t metas_in(const struct skn_record *record, size_t *out_all)
{
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    size_t metas = 0;
    *out_all = 0;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        ++*out_all;
        bool is_meta = op.key.ptr[0] == 2 && op.key.ptr[op.key.len - 2] == 0 &&
                       op.key.ptr[op.key.len - 1] == 1;
        metas += is_meta;
    }
    return metas;
}

static void who_sends_and_who_takes_write_the_message_and_no_count(void **state) /* [E30] */
{
    (void)state;
    struct shards s;
    size_t all;
    shards_init(&s, 1, programs, &small, 1);
    send(&s, "a:Net/0", "a:Net/1", 1); /* now both have a row */
    shards_settle(&s);
    send(&s, "a:Net/0", "a:Net/1", 2);
    const struct shard *shard = &s.at[0];
    assert_int_equal(metas_in(&shard->records[shard->count - 1], &all), 0);
    assert_int_equal(all, 3); /* two messages, and the program's own row */
    assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    assert_int_equal(metas_in(&shard->records[shard->count - 1], &all), 0);
    assert_int_equal(all, 2); /* one message less, and the program's own row */
    shards_fini(&s);
}

/* The messages of one slice follow each other, and a lane never has a number twice. */
static void numbers_follow_each_other_and_never_come_again(void **state)
{
    (void)state;
    struct shards s;
    uint64_t last = 0, numbers[4];
    shards_init(&s, 1, programs, &small, 1);
    for (int round = 0; round < 50; round++) {
        int most = 1 + round % 3;
        send(&s, "a:Net/0", "a:Net/1", most);
        assert_int_equal(numbers_of(&s, "a:Net/1", numbers, 4), most);
        for (int i = 1; i < most; i++)
            assert_true(numbers[i] == numbers[i - 1] + 1);
        assert_true(numbers[0] > last);
        last = numbers[most - 1];
        shard_durable(&s.at[0]); /* else the kill takes stamp and message back */
        if (round % 7 == 3) shard_kill(&s.at[0], true);
        shards_settle(&s);
        assert_int_equal(numbers_of(&s, "a:Net/1", numbers, 4), 0);
    }
    shards_fini(&s);
}

static void an_opening_counts_what_is_there(void **state) /* [E30] P2 P3 P10 */
{
    (void)state;
    struct shards s;
    uint64_t before[4], after[4];
    shards_init(&s, 1, programs, &small, 1);
    send(&s, "a:Net/0", "a:Net/1", 2);
    assert_int_equal(numbers_of(&s, "a:Net/1", before, 4), 2);
    shard_durable(&s.at[0]);
    shard_kill(&s.at[0], true);
    skn_mail_check(s.at[0].core);
    /* One more fits, the others wait; and nothing has the number of what was there. */
    shards_submit(&s, "a:Net/2", "a:Net/1", SKN_PRIORITY_CRITICAL, skn_value_int(0));
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_CRITICAL, skn_value_int(0));
    shards_submit(&s, "a:Net/0", "a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(3));
    for (int i = 0; i < 20 && shard_rows(&s.at[0], SKN_SHARD_WAITING) == 0; i++)
        assert_int_equal(shard_step(&s.at[0]), SKN_OK);
    size_t count = numbers_of(&s, "a:Net/1", after, 4);
    assert_true(count > 0 && after[count - 1] > before[1]);
    shards_settle(&s);
    char text[64];
    struct skn_slice key = net_key(text, sizeof text, 'r', SKN_PRIORITY_NORMAL, SKN_LIT("a:Net/0"));
    struct skn_key whole;
    struct skn_slice bytes;
    skn_key_own(&whole, SKN_LIT("a:Net/1"), key);
    assert_int_equal(skn_store_get(s.at[0].store, skn_key_slice(&whole), &bytes, NULL), SKN_OK);
    assert_int_equal(skn_value_as_int(skn_value_view(bytes)), 5);
    shards_fini(&s);
}

/* It is picked no more, and what it has counts all the same: also when others push it out of memory,
 * and at an opening. */
static void a_faulted_domain_keeps_its_count(void **state) /* [E33] */
{
    (void)state;
    struct shards s;
    struct skn_core_limits limits = small;
    limits.faults_in_row = 1;
    limits.warm_domains = 1;
    shards_init(&s, 1, programs, &limits, 1);
    shards_submit(&s, "a:Net/0", "boom a:Net/1", SKN_PRIORITY_NORMAL, skn_value_int(1));
    shards_settle(&s);
    for (int round = 0; round < 2; round++) {
        send(&s, "a:Net/0", "a:Net/1", 1);
        shards_settle(&s);
        for (int i = 2; i < NET_DOMAINS; i++) {
            char other[16];
            (void)snprintf(other, sizeof other, "a:Net/%d", i);
            send(&s, other, "a:Net/0", 1);
        }
        shards_settle(&s);
        assert_int_equal(mail_of(&s, "a:Net/1", SKN_PRIORITY_NORMAL), 1 + round);
        skn_mail_check(s.at[0].core);
        shard_kill(&s.at[0], true);
        shards_settle(&s);
        skn_mail_check(s.at[0].core);
    }
    send(&s, "a:Net/0", "a:Net/1", 2); /* one finds room */
    assert_int_equal(mail_of(&s, "a:Net/1", SKN_PRIORITY_NORMAL), 3);
    assert_int_equal(shard_rows(&s.at[0], SKN_SHARD_WAITING), 1);
    shards_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sends_and_who_takes_write_the_message_and_no_count),
        cmocka_unit_test(numbers_follow_each_other_and_never_come_again),
        cmocka_unit_test(an_opening_counts_what_is_there),
        cmocka_unit_test(a_faulted_domain_keeps_its_count),
    };
    return cmocka_run_group_tests_name("box", tests, NULL, NULL);
}
