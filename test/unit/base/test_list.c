/* test_list.c - linked lists against arrays of numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "lib/test.h"

#include <string.h>

enum { STEPS = 100000, N = 40, LISTS = 2 };

static const uint64_t seed = 42;

struct item {
    int number;
    struct skn_list link;
};

/* Slow and obvious: each list is an array of the numbers in it, in order. */
struct model {
    int numbers[N];
    size_t len;
};

struct fixture {
    struct item items[N];
    struct skn_list lists[LISTS];
    struct model models[LISTS];
};

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

static int number_of(struct skn_list *link)
{
    return link ? SKN_CONTAINER_OF(link, struct item, link)->number : -1;
}

static void model_insert(struct model *m, size_t at, int number)
{
    memmove(m->numbers + at + 1, m->numbers + at, (m->len - at) * sizeof m->numbers[0]);
    m->numbers[at] = number;
    m->len++;
}

/* Takes `number` out; false when it is not there. */
static bool model_remove(struct model *m, int number)
{
    for (size_t i = 0; i < m->len; i++) {
        if (m->numbers[i] != number) continue;
        m->len--;
        memmove(m->numbers + i, m->numbers + i + 1, (m->len - i) * sizeof m->numbers[0]);
        return true;
    }
    return false;
}

static void compare(struct fixture *f, int step)
{
    for (size_t l = 0; l < LISTS; l++) {
        const struct model *m = &f->models[l];
        skn_list_check(&f->lists[l]);
        size_t i = 0;
        SKN_LIST_FOREACH (link, &f->lists[l]) {
            if (i >= m->len || number_of(link) != m->numbers[i])
                fail_msg("seed %lu, step %d: place %zu differs", seed, step, i);
            i++;
        }
        assert_int_equal(i, m->len);
        assert_int_equal(skn_list_is_empty(&f->lists[l]), m->len == 0);
        assert_int_equal(number_of(skn_list_first(&f->lists[l])), m->len ? m->numbers[0] : -1);
        assert_int_equal(number_of(skn_list_last(&f->lists[l])),
                         m->len ? m->numbers[m->len - 1] : -1);
    }
}

static void put(struct fixture *f, struct item *it, size_t l, uint64_t how)
{
    struct model *m = &f->models[l];
    if (how == 0) {
        skn_list_push_front(&f->lists[l], &it->link);
        model_insert(m, 0, it->number);
    } else if (how == 1 || m->len == 0) {
        skn_list_push_back(&f->lists[l], &it->link);
        model_insert(m, m->len, it->number);
    } else {
        size_t at = (size_t)how % m->len;
        skn_list_insert_after(&f->items[m->numbers[at]].link, &it->link);
        model_insert(m, at + 1, it->number);
    }
}

static void append_all(struct fixture *f, size_t to)
{
    struct model *from = &f->models[1 - to];
    skn_list_append_all(&f->lists[to], &f->lists[1 - to]);
    for (size_t i = 0; i < from->len; i++)
        model_insert(&f->models[to], f->models[to].len, from->numbers[i]);
    from->len = 0;
}

static void pop(struct fixture *f, size_t l)
{
    struct model *m = &f->models[l];
    int expected = m->len ? m->numbers[0] : -1;
    struct skn_list *first = skn_list_pop_front(&f->lists[l]);
    assert_int_equal(number_of(first), expected);
    if (!first) return;
    assert_true(skn_list_is_empty(first));
    assert_true(model_remove(m, expected));
}

static void lists_agree_with_arrays(void **state)
{
    (void)state;
    struct fixture f = {0};
    uint64_t rng = seed;
    for (size_t l = 0; l < LISTS; l++)
        skn_list_init(&f.lists[l]);
    for (int i = 0; i < N; i++) {
        f.items[i].number = i;
        skn_list_init(&f.items[i].link);
    }
    for (int step = 0; step < STEPS; step++) {
        struct item *it = &f.items[next(&rng) % N];
        size_t l = next(&rng) % LISTS;
        uint64_t what = next(&rng) % 64;
        if (what == 0) {
            append_all(&f, l);
        } else if (what < 6) {
            pop(&f, l);
        } else if (skn_list_is_empty(&it->link)) {
            put(&f, it, l, next(&rng) % 8);
        } else {
            skn_list_remove(&it->link);
            assert_true(model_remove(&f.models[0], it->number) ||
                        model_remove(&f.models[1], it->number));
        }
        compare(&f, step);
    }
}

static void a_walk_may_take_out_where_it_stands(void **state)
{
    (void)state;
    struct fixture f = {0};
    skn_list_init(&f.lists[0]);
    for (int i = 0; i < N; i++) {
        f.items[i].number = i;
        skn_list_init(&f.items[i].link);
        skn_list_push_back(&f.lists[0], &f.items[i].link);
    }
    SKN_LIST_FOREACH_SAFE (link, after, &f.lists[0]) {
        if (number_of(link) % 2 == 0) skn_list_remove(link);
    }
    int expected = 1;
    SKN_LIST_FOREACH (link, &f.lists[0]) {
        assert_int_equal(number_of(link), expected);
        expected += 2;
    }
    assert_int_equal(expected, N + 1);
}

static void taking_out_what_is_in_no_list_does_nothing(void **state)
{
    (void)state;
    struct skn_list link;
    skn_list_init(&link);
    skn_list_remove(&link);
    assert_true(skn_list_is_empty(&link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_agree_with_arrays),
        cmocka_unit_test(a_walk_may_take_out_where_it_stands),
        cmocka_unit_test(taking_out_what_is_in_no_list_does_nothing),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
