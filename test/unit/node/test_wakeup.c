/* test_wakeup.c - many threads wake one that polls: no wake is lost, and no poll spins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"
#include "node/wakeup_internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SETTERS = 3, ROUNDS = 20000, WAIT_MS = 5000 };

struct setter {
    struct scene *scene;
    pthread_t id;
    struct skn_rng rng;
    _Atomic uint64_t given, taken; /* items, as in a ring */
};

struct scene {
    struct skn_wakeup wakeup;
    struct setter setters[SETTERS];
    _Atomic bool stops;
};

static void pause_for(uint64_t turns)
{
    for (volatile uint64_t i = 0; i < turns;)
        i = i + 1;
}

/* Gives an item and sets, and waits until it is taken: so an item whose wake is lost is never taken. */
static void *give_all(void *arg)
{
    struct setter *setter = arg;
    struct scene *scene = setter->scene;
    for (uint64_t i = 1; i <= ROUNDS && !atomic_load(&scene->stops); i++) {
        pause_for(skn_rng_below(&setter->rng, 200));
        atomic_store_explicit(&setter->given, i, memory_order_release);
        skn_wakeup_set(&scene->wakeup);
        while (atomic_load_explicit(&setter->taken, memory_order_acquire) < i)
            if (atomic_load(&scene->stops)) return NULL;
    }
    return NULL;
}

static uint64_t take(struct scene *scene)
{
    uint64_t taken = 0;
    for (int i = 0; i < SETTERS; i++) {
        struct setter *setter = &scene->setters[i];
        uint64_t given = atomic_load_explicit(&setter->given, memory_order_acquire);
        taken += given - atomic_load_explicit(&setter->taken, memory_order_relaxed);
        atomic_store_explicit(&setter->taken, given, memory_order_release);
    }
    return taken;
}

static void every_wake_ends_a_poll_and_none_ends_two(void **state)
{
    (void)state;
    struct scene *scene = calloc(1, sizeof *scene);
    uint64_t taken = 0, empty = 0, polls = 0;
    bool is_lost = false;
    skn_wakeup_init(&scene->wakeup);
    assert_true(scene->wakeup.fd >= 0);
    for (int i = 0; i < SETTERS; i++) {
        struct setter *setter = &scene->setters[i];
        setter->scene = scene;
        skn_rng_init(&setter->rng, (uint64_t)i + 1);
        assert_int_equal(pthread_create(&setter->id, NULL, give_all, setter), 0);
    }
    while (taken < (uint64_t)SETTERS * ROUNDS && !is_lost) {
        struct pollfd wait = {.fd = scene->wakeup.fd, .events = POLLIN};
        is_lost = poll(&wait, 1, WAIT_MS) == 0;
        skn_wakeup_drain(&scene->wakeup);
        uint64_t now = take(scene);
        taken += now;
        polls++;
        empty += now == 0;
    }
    atomic_store(&scene->stops, true);
    for (int i = 0; i < SETTERS; i++)
        (void)pthread_join(scene->setters[i].id, NULL);
    printf("covered: %llu polls, %llu of them found nothing\n",
           (unsigned long long)polls,
           (unsigned long long)empty);
    assert_false(is_lost);
    /* A set that is seen before its byte is written ends one poll more, and that is all. */
    assert_true(polls <= 2 * taken);
    skn_wakeup_fini(&scene->wakeup);
    free(scene);
}

/* The moment that matters, by hand: a set between what a drain does and the next poll. */
static void a_set_behind_a_drain_is_seen_by_the_next_poll(void **state)
{
    (void)state;
    struct skn_wakeup wakeup;
    struct pollfd wait = {.events = POLLIN};
    skn_wakeup_init(&wakeup);
    wait.fd = wakeup.fd;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(poll(&wait, 1, 0), 0);
        skn_wakeup_set(&wakeup);
        skn_wakeup_set(&wakeup);
        assert_int_equal(poll(&wait, 1, 0), 1);
        skn_wakeup_drain(&wakeup);
        skn_wakeup_drain(&wakeup);
    }
    /* On, and the byte not written yet: it stays on, and the byte ends the poll when it comes. */
    atomic_store(&wakeup.is_set, true);
    skn_wakeup_drain(&wakeup);
    assert_true(atomic_load(&wakeup.is_set));
    skn_wakeup_fini(&wakeup);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_behind_a_drain_is_seen_by_the_next_poll),
        cmocka_unit_test(every_wake_ends_a_poll_and_none_ends_two),
    };
    return cmocka_run_group_tests_name("node/wakeup", tests, NULL, NULL);
}
