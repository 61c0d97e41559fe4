/* test_threads.c - the three hands of a journal on three threads, and a reader who looks on. Built a
 * second time under ThreadSanitizer, with the journal below it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>

enum { RECORDS = 1500, READS_MIN = 20, TRIM_EVERY = 25 };

/* The writing hand: waits for a group, writes it, says so; trims now and then. */
struct hand {
    struct skn_journal *journal;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_work;
    uint64_t durable; /* number of the last record that an end gave back */
    uint64_t groups;
    atomic_bool stops;
    enum skn_rc rc;
};

/* Marks that cover records 1 .. n. */
static void marks_up_to(uint64_t n, struct skn_journal_mark marks[KIT_SHARDS])
{
    for (uint32_t s = 0; s < KIT_SHARDS; s++)
        marks[s] = (struct skn_journal_mark){.shard = s};
    for (uint64_t i = n > KIT_SHARDS ? n - KIT_SHARDS + 1 : 1; i <= n; i++)
        marks[i % KIT_SHARDS].index = (i - 1) / KIT_SHARDS + 1;
}

static enum skn_rc write_one(struct hand *hand, uint64_t durable)
{
    struct skn_journal_mark marks[KIT_SHARDS];
    struct skn_journal_tail tail;
    enum skn_journal_disk disk;
    enum skn_rc rc = skn_journal_write(hand->journal, NULL);
    if (rc != SKN_OK || ++hand->groups % TRIM_EVERY != 0) return rc;
    marks_up_to(durable, marks);
    rc = skn_journal_trim(hand->journal, marks, KIT_SHARDS, NULL);
    skn_journal_tail(hand->journal, marks, KIT_SHARDS, &tail);
    return rc == SKN_OK ? skn_journal_disk_state(hand->journal, &disk, NULL) : rc;
}

static void *write_groups(void *ctx)
{
    struct hand *hand = ctx;
    (void)pthread_mutex_lock(&hand->lock);
    for (;;) {
        while (!hand->has_work && !atomic_load(&hand->stops))
            (void)pthread_cond_wait(&hand->changed, &hand->lock);
        if (!hand->has_work) break;
        uint64_t durable = hand->durable;
        (void)pthread_mutex_unlock(&hand->lock);
        enum skn_rc rc = write_one(hand, durable);
        (void)pthread_mutex_lock(&hand->lock);
        hand->has_work = false;
        if (rc != SKN_OK) hand->rc = rc;
        (void)pthread_cond_signal(&hand->changed);
    }
    (void)pthread_mutex_unlock(&hand->lock);
    return NULL;
}

/* The preparing hand [E1]; it counts what it made. */
struct preparer {
    struct hand *hand;
    uint64_t made;
    enum skn_rc rc;
};

static void *prepare(void *ctx)
{
    struct preparer *p = ctx;
    bool was_ready = true;
    while (p->rc == SKN_OK && !atomic_load(&p->hand->stops)) {
        bool is_ready = false;
        p->rc = skn_journal_prepare(p->hand->journal, &is_ready, NULL);
        p->made += is_ready && !was_ready;
        was_ready = is_ready;
        (void)usleep(100);
    }
    return NULL;
}

/* Appends while the other thread writes, and closes the next group when it is done. */
static void fill_and_hand_over(struct hand *hand, uint64_t records)
{
    uint64_t n = 0;
    while (n < records) {
        assert_int_equal(kit_append(hand->journal, ++n), SKN_OK);
        assert_true(skn_journal_begin(hand->journal));
        uint64_t closed = n;
        (void)pthread_mutex_lock(&hand->lock);
        hand->has_work = true;
        (void)pthread_cond_signal(&hand->changed);
        (void)pthread_mutex_unlock(&hand->lock);
        for (int i = 0; i < 5 && n < records; i++)
            assert_int_equal(kit_append(hand->journal, ++n), SKN_OK);
        (void)pthread_mutex_lock(&hand->lock);
        while (hand->has_work)
            (void)pthread_cond_wait(&hand->changed, &hand->lock);
        assert_int_equal(skn_journal_end(hand->journal, NULL), SKN_OK);
        hand->durable = closed;
        (void)pthread_mutex_unlock(&hand->lock);
    }
}

struct reader {
    const struct kit *kit;
    atomic_bool stops;
    uint64_t reads;
    uint64_t busy;
    uint64_t most;
    enum skn_rc rc;
    struct skn_diag diag;
};

/* Reads again and again; what it gets never gets less, unless it is told that it was overtaken. */
static void *read_on(void *ctx)
{
    struct reader *reader = ctx;
    struct skn_env *env = reader->kit->options.env;
    while (reader->rc == SKN_OK && (!atomic_load(&reader->stops) || reader->reads < READS_MIN)) {
        struct kit_seen seen = {.next = 0};
        reader->rc =
            skn_journal_read(env, reader->kit->dir, kit_replay, &seen, NULL, &reader->diag);
        reader->reads++;
        reader->busy += reader->rc == SKN_EBUSY;
        bool has_any = reader->rc == SKN_OK && seen.next > 0;
        if (reader->rc == SKN_EBUSY) reader->rc = SKN_OK;
        if (!has_any) continue;
        if (seen.next < reader->most) reader->rc = SKN_EINTERNAL;
        reader->most = seen.next;
    }
    return NULL;
}

static void three_hands_work_at_once_and_a_fourth_thread_reads(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    kit.options.segment_bytes_min = 64 << 10;
    kit.options.segment_bytes_max = 1 << 20; /* four steps of preparation */
    struct hand hand = {.journal = kit_open(&kit, 0, NULL)};
    struct preparer preparer = {.hand = &hand};
    struct reader reader = {.kit = &kit};
    pthread_t writes, prepares, reads;
    assert_int_equal(pthread_mutex_init(&hand.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&hand.changed, NULL), 0);
    assert_int_equal(pthread_create(&writes, NULL, write_groups, &hand), 0);
    assert_int_equal(pthread_create(&prepares, NULL, prepare, &preparer), 0);
    assert_int_equal(pthread_create(&reads, NULL, read_on, &reader), 0);
    fill_and_hand_over(&hand, RECORDS);
    (void)pthread_mutex_lock(&hand.lock);
    atomic_store(&hand.stops, true);
    (void)pthread_cond_signal(&hand.changed);
    (void)pthread_mutex_unlock(&hand.lock);
    atomic_store(&reader.stops, true);
    assert_int_equal(pthread_join(writes, NULL), 0);
    assert_int_equal(pthread_join(prepares, NULL), 0);
    assert_int_equal(pthread_join(reads, NULL), 0);
    if (reader.rc != SKN_OK) fail_msg("reading beside a writer: %s", reader.diag.text);
    assert_int_equal(hand.rc, SKN_OK);
    assert_int_equal(preparer.rc, SKN_OK);
    print_message(
        "%llu groups, %llu segments prepared, %llu readings (%llu overtaken), the last one "
        "up to record %llu\n",
        (unsigned long long)hand.groups,
        (unsigned long long)preparer.made,
        (unsigned long long)reader.reads,
        (unsigned long long)reader.busy,
        (unsigned long long)reader.most - 1);
    assert_true(preparer.made > 0);
    assert_true(reader.reads > reader.busy);
    assert_int_equal(skn_journal_close(hand.journal, NULL), SKN_OK);

    struct kit_seen seen = {.next = 0};
    struct skn_journal *journal = NULL;
    assert_int_equal(skn_journal_open(&kit.options, kit_replay, &seen, &journal, NULL, NULL),
                     SKN_OK);
    assert_int_equal(seen.next, RECORDS + 1);
    skn_journal_abandon(journal);
    (void)pthread_cond_destroy(&hand.changed);
    (void)pthread_mutex_destroy(&hand.lock);
    kit_fini(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_hands_work_at_once_and_a_fourth_thread_reads),
    };
    return cmocka_run_group_tests_name("journal_threads", tests, NULL, NULL);
}
