/* test_threads.c - a group is written by another thread while the next fills, and a reader looks on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>

enum { GROUPS = 400, READS_MIN = 20 };

/* The writing hand: waits for a group, writes it, says so. */
struct hand {
    struct skn_journal *journal;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_work;
    bool stops;
    enum skn_rc rc;
};

static void *write_groups(void *ctx)
{
    struct hand *hand = ctx;
    (void)pthread_mutex_lock(&hand->lock);
    for (;;) {
        while (!hand->has_work && !hand->stops)
            (void)pthread_cond_wait(&hand->changed, &hand->lock);
        if (!hand->has_work) break;
        (void)pthread_mutex_unlock(&hand->lock);
        bool is_ready = false;
        enum skn_rc rc = skn_journal_write(hand->journal, NULL);
        while (rc == SKN_OK && !is_ready)
            rc = skn_journal_prepare(hand->journal, &is_ready, NULL);
        (void)pthread_mutex_lock(&hand->lock);
        hand->has_work = false;
        if (rc != SKN_OK) hand->rc = rc;
        (void)pthread_cond_signal(&hand->changed);
    }
    (void)pthread_mutex_unlock(&hand->lock);
    return NULL;
}

/* Appends while the other thread writes, and closes the next group when it is done. */
static void fill_and_hand_over(struct hand *hand, uint64_t records)
{
    uint64_t n = 0;
    while (n < records) {
        assert_int_equal(kit_append(hand->journal, ++n), SKN_OK);
        assert_true(skn_journal_begin(hand->journal));
        (void)pthread_mutex_lock(&hand->lock);
        hand->has_work = true;
        (void)pthread_cond_signal(&hand->changed);
        (void)pthread_mutex_unlock(&hand->lock);
        for (int i = 0; i < 5 && n < records; i++)
            assert_int_equal(kit_append(hand->journal, ++n), SKN_OK);
        (void)pthread_mutex_lock(&hand->lock);
        while (hand->has_work)
            (void)pthread_cond_wait(&hand->changed, &hand->lock);
        (void)pthread_mutex_unlock(&hand->lock);
        assert_int_equal(skn_journal_end(hand->journal, NULL), SKN_OK);
    }
}

struct reader {
    const struct kit *kit;
    atomic_bool stops;
    uint64_t reads;
    uint64_t most;
    enum skn_rc rc;
    struct skn_diag diag;
};

/* Reads again and again; what it gets never gets less. */
static void *read_on(void *ctx)
{
    struct reader *reader = ctx;
    while (reader->rc == SKN_OK && (!atomic_load(&reader->stops) || reader->reads < READS_MIN)) {
        struct kit_seen seen = {.next = 1};
        reader->rc = skn_journal_read(
            reader->kit->options.env, reader->kit->dir, kit_replay, &seen, NULL, &reader->diag);
        if (seen.next < reader->most) reader->rc = SKN_EINTERNAL;
        reader->most = seen.next;
        reader->reads++;
    }
    return NULL;
}

static void one_thread_fills_while_another_writes_and_a_third_reads(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    struct hand hand = {.journal = kit_open(&kit, 0, NULL)};
    struct reader reader = {.kit = &kit};
    pthread_t writes, reads;
    assert_int_equal(pthread_mutex_init(&hand.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&hand.changed, NULL), 0);
    assert_int_equal(pthread_create(&writes, NULL, write_groups, &hand), 0);
    assert_int_equal(pthread_create(&reads, NULL, read_on, &reader), 0);
    fill_and_hand_over(&hand, GROUPS);
    (void)pthread_mutex_lock(&hand.lock);
    hand.stops = true;
    (void)pthread_cond_signal(&hand.changed);
    (void)pthread_mutex_unlock(&hand.lock);
    atomic_store(&reader.stops, true);
    assert_int_equal(pthread_join(writes, NULL), 0);
    assert_int_equal(pthread_join(reads, NULL), 0);
    if (reader.rc != SKN_OK) fail_msg("reading beside a writer: %s", reader.diag.text);
    assert_int_equal(hand.rc, SKN_OK);
    print_message("%llu readings, the last one of %llu records\n",
                  (unsigned long long)reader.reads,
                  (unsigned long long)reader.most - 1);
    assert_int_equal(skn_journal_close(hand.journal, NULL), SKN_OK);
    skn_journal_abandon(kit_open(&kit, GROUPS, NULL));
    (void)pthread_cond_destroy(&hand.changed);
    (void)pthread_mutex_destroy(&hand.lock);
    kit_fini(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_fills_while_another_writes_and_a_third_reads),
    };
    return cmocka_run_group_tests_name("journal_threads", tests, NULL, NULL);
}
