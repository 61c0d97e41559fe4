/* test_map.c - the hash map against a list that is searched from its start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/rng.h"
#include "lib/test.h"

#include <stdio.h>

enum { STEPS = 100000, KEYS = 48 };

static const uint64_t seed = 42;

/* Slow and obvious: numbers of keys in insertion order, with their values. */
struct model {
    size_t keys[KEYS];
    void *values[KEYS];
    size_t len;
};

struct fixture {
    char names[KEYS][24];
    struct skn_slice keys[KEYS];
    struct model model;
    struct skn_hmap map;
    struct skn_rng rng;
};

static void setup(struct fixture *f, uint64_t hash_seed)
{
    *f = (struct fixture){0};
    skn_rng_init(&f->rng, seed);
    skn_hmap_init(&f->map, hash_seed);
    for (size_t i = 0; i < KEYS; i++) {
        /* Number 0 is the empty key; many share a beginning or are beginnings. */
        int len = snprintf(f->names[i], sizeof f->names[i], "run/%zu/%zu", i % 7, i);
        f->keys[i] = skn_slice(f->names[i], i == 0 ? 0 : (size_t)len);
    }
}

static size_t model_find(const struct model *m, size_t key)
{
    size_t i = 0;
    while (i < m->len && m->keys[i] != key)
        i++;
    return i;
}

static void put(struct fixture *f, size_t key)
{
    struct model *m = &f->model;
    size_t at = model_find(m, key);
    void *value = &f->names[skn_rng_below(&f->rng, KEYS)];
    bool is_new = false;
    struct skn_hmap_entry *entry = skn_hmap_add(&f->map, f->keys[key], &is_new);
    assert_int_equal(is_new, at == m->len);
    assert_ptr_equal(entry->value, is_new ? NULL : m->values[at]);
    entry->value = value;
    m->keys[at] = key;
    m->values[at] = value;
    if (is_new) m->len++;
}

static void take_out(struct fixture *f, size_t key)
{
    struct model *m = &f->model;
    size_t at = model_find(m, key);
    assert_ptr_equal(skn_hmap_remove(&f->map, f->keys[key]), at < m->len ? m->values[at] : NULL);
    if (at == m->len) return;
    m->len--;
    memmove(m->keys + at, m->keys + at + 1, (m->len - at) * sizeof m->keys[0]);
    memmove(m->values + at, m->values + at + 1, (m->len - at) * sizeof m->values[0]);
}

static void compare(struct fixture *f, int step)
{
    struct model *m = &f->model;
    size_t key = skn_rng_below(&f->rng, KEYS);
    size_t at = model_find(m, key);
    assert_ptr_equal(skn_hmap_get(&f->map, f->keys[key]), at < m->len ? m->values[at] : NULL);
    assert_int_equal(skn_hmap_count(&f->map), m->len);
    skn_hmap_check(&f->map);
    size_t i = 0;
    SKN_HMAP_FOREACH (entry, &f->map) {
        if (i >= m->len || !skn_slice_eq(entry->key, f->keys[m->keys[i]]) ||
            entry->value != m->values[i])
            fail_msg("seed %lu, step %d: place %zu differs", seed, step, i);
        i++;
    }
    assert_int_equal(i, m->len);
}

/* Two hash seeds: nothing that can be seen from outside may depend on them. */
static void agrees_with_a_list_under_any_hash_seed(void **state)
{
    (void)state;
    static struct fixture f;
    for (uint64_t hash_seed = 1; hash_seed <= 2; hash_seed++) {
        setup(&f, hash_seed);
        for (int step = 0; step < STEPS; step++) {
            uint64_t growing = step / 2000 % 2 == 0 ? 3 : 1;
            size_t key = skn_rng_below(&f.rng, KEYS);
            if (skn_rng_chance(&f.rng, growing, 4)) {
                put(&f, key);
            } else {
                take_out(&f, key);
            }
            if (step % 30011 == 30010) {
                skn_hmap_reset(&f.map);
                f.model.len = 0;
            }
            compare(&f, step);
        }
        skn_hmap_fini(&f.map);
        skn_hmap_check(&f.map);
    }
}

static void adding_and_removing_in_turn_does_not_grow_it(void **state)
{
    (void)state;
    static struct fixture f;
    setup(&f, 7);
    for (size_t i = 0; i < STEPS; i++) {
        (void)skn_hmap_add(&f.map, f.keys[i % KEYS], NULL);
        if (i >= 5) (void)skn_hmap_remove(&f.map, f.keys[(i - 5) % KEYS]);
    }
    skn_hmap_check(&f.map);
    assert_int_equal(skn_hmap_count(&f.map), 5);
    assert_int_equal(f.map.cap, 8);
    skn_hmap_fini(&f.map);
}

static void a_walk_may_remove_where_it_stands(void **state)
{
    (void)state;
    static struct fixture f;
    setup(&f, 7);
    for (size_t i = 0; i < KEYS; i++)
        skn_hmap_add(&f.map, f.keys[i], NULL)->value = f.names[i];
    SKN_HMAP_FOREACH (entry, &f.map) {
        size_t number = (size_t)((char(*)[24])entry->value - f.names);
        if (number % 2 == 0) (void)skn_hmap_remove(&f.map, entry->key);
    }
    skn_hmap_check(&f.map);
    assert_int_equal(skn_hmap_count(&f.map), KEYS / 2);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(skn_hmap_get(&f.map, f.keys[i]), i % 2 == 0 ? NULL : f.names[i]);
    skn_hmap_fini(&f.map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_list_under_any_hash_seed),
        cmocka_unit_test(adding_and_removing_in_turn_does_not_grow_it),
        cmocka_unit_test(a_walk_may_remove_where_it_stands),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
