/* test_ring.c - rings: order, bounds, and two threads that never wait for each other. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"
#include "lib/test.h"

#include <pthread.h>
#include <sched.h>

enum { ITEMS = 200000 };

/* Invariants 1 and 2 on one thread: what does not fit is refused, and nothing comes twice. */
static void test_bounds(void **state)
{
    (void)state;
    struct skn_ring ring;
    struct skn_ring_item item = {0};
    skn_ring_init(&ring, 8);
    assert_false(skn_ring_pop(&ring, &item));
    uint64_t in = 0, out = 0;
    for (unsigned round = 0; round < 100; round++) {
        unsigned n = round % 11;
        for (unsigned i = 0; i < n; i++) {
            uint32_t room = skn_ring_room(&ring);
            assert_int_equal(room, 8 - (in - out));
            item = (struct skn_ring_item){.kind = 1, .number = in};
            bool fits = skn_ring_push(&ring, &item);
            assert_int_equal(fits, room > 0);
            in += fits;
        }
        for (unsigned i = 0; i < round % 7; i++) {
            bool is_there = skn_ring_pop(&ring, &item);
            assert_int_equal(is_there, in > out);
            if (is_there) assert_int_equal(item.number, out++);
        }
    }
    assert_true(in > 200 && out > 200);
    skn_ring_fini(&ring);
}

static void *push_all(void *arg)
{
    struct skn_ring *ring = arg;
    for (uint64_t i = 0; i < ITEMS; i++) {
        const struct skn_ring_item item = {.number = i, .shard = (uint32_t)(i * 7)};
        while (!skn_ring_push(ring, &item))
            (void)sched_yield();
    }
    return NULL;
}

/* Invariant 1 between two threads: a whole item is seen or none. */
static void test_threads(void **state)
{
    (void)state;
    struct skn_ring ring;
    skn_ring_init(&ring, 64);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, push_all, &ring), 0);
    for (uint64_t i = 0; i < ITEMS; i++) {
        struct skn_ring_item item;
        while (!skn_ring_pop(&ring, &item))
            (void)sched_yield();
        assert_int_equal(item.number, i);
        assert_int_equal(item.shard, (uint32_t)(i * 7));
    }
    (void)pthread_join(thread, NULL);
    skn_ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
