/* test_omap.c - the ordered map against a sorted array. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/omap.h"
#include "lib/test.h"

enum { STEPS = 100000, N = 150, KEY_MAX = 24 };

static const uint64_t seed = 42;

struct item {
    uint8_t bytes[KEY_MAX];
    bool is_in;
    struct skn_omap_node node;
};

/* Slow and obvious: the nodes that are in, in an array kept in order. */
struct fixture {
    struct item items[N];
    struct skn_omap_node *sorted[N];
    size_t len;
    struct skn_omap map;
    uint64_t rng;
};

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

/* Few letters (0, 1 and 255 among them) and shared beginnings: many keys are prefixes of others,
 * end in zeros, or differ first behind the eighth byte. */
static struct skn_slice random_key(uint64_t *rng, uint8_t *bytes)
{
    static const uint8_t letters[] = {0, 1, 'a', 255};
    size_t len = next(rng) % 6;
    size_t shared = next(rng) % 3 * 8;
    memset(bytes, 'x', KEY_MAX);
    for (size_t i = 0; i < len; i++)
        bytes[shared + i] = letters[next(rng) % SKN_ARRAY_LEN(letters)];
    return skn_slice(bytes, shared + len);
}

static size_t model_lower_bound(const struct fixture *f, struct skn_slice key)
{
    size_t i = 0;
    while (i < f->len && skn_slice_cmp(f->sorted[i]->key, key) < 0)
        i++;
    return i;
}

static struct skn_omap_node *model_at(const struct fixture *f, size_t i)
{
    return i < f->len ? f->sorted[i] : NULL;
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.rng = seed};
    skn_omap_init(&f->map);
}

static void insert(struct fixture *f, struct item *it)
{
    it->node.key = random_key(&f->rng, it->bytes);
    size_t at = model_lower_bound(f, it->node.key);
    struct skn_omap_node *there = model_at(f, at);
    if (there && !skn_slice_eq(there->key, it->node.key)) there = NULL;
    assert_ptr_equal(skn_omap_insert(&f->map, &it->node), there);
    if (there) return;
    it->is_in = true;
    memmove(f->sorted + at + 1, f->sorted + at, (f->len - at) * sizeof f->sorted[0]);
    f->sorted[at] = &it->node;
    f->len++;
}

static void take_out(struct fixture *f, struct item *it)
{
    size_t at = model_lower_bound(f, it->node.key);
    assert_ptr_equal(model_at(f, at), &it->node);
    skn_omap_remove(&f->map, &it->node);
    it->is_in = false;
    f->len--;
    memmove(f->sorted + at, f->sorted + at + 1, (f->len - at) * sizeof f->sorted[0]);
}

static void compare_lookups(struct fixture *f)
{
    uint8_t bytes[KEY_MAX];
    struct skn_slice key = random_key(&f->rng, bytes);
    size_t at = model_lower_bound(f, key);
    struct skn_omap_node *found = model_at(f, at);
    assert_ptr_equal(skn_omap_lower_bound(&f->map, key), found);
    bool is_there = found && skn_slice_eq(found->key, key);
    struct skn_omap_node *floor = is_there ? found : at > 0 ? f->sorted[at - 1] : NULL;
    assert_ptr_equal(skn_omap_floor(&f->map, key), floor);
    if (found && !skn_slice_eq(found->key, key)) found = NULL;
    assert_ptr_equal(skn_omap_find(&f->map, key), found);
    assert_int_equal(skn_omap_count(&f->map), f->len);
}

static void compare_walks(const struct fixture *f, int step)
{
    skn_omap_check(&f->map);
    struct skn_omap_node *up = skn_omap_first(&f->map);
    struct skn_omap_node *down = skn_omap_last(&f->map);
    for (size_t i = 0; i < f->len; i++) {
        if (up != f->sorted[i] || down != f->sorted[f->len - 1 - i])
            fail_msg("seed %lu, step %d: place %zu differs", seed, step, i);
        up = skn_omap_next(up);
        down = skn_omap_prev(down);
    }
    assert_null(up);
    assert_null(down);
}

/* The share of inserts swings, so that the map fills and empties again and again. */
static void agrees_with_a_sorted_array(void **state)
{
    (void)state;
    static struct fixture f;
    setup(&f);
    for (int step = 0; step < STEPS; step++) {
        struct item *it = &f.items[next(&f.rng) % N];
        bool growing = step / 2000 % 2 == 0;
        if (it->is_in) {
            if (!growing || next(&f.rng) % 4 == 0) take_out(&f, it);
        } else if (growing || next(&f.rng) % 4 == 0) {
            insert(&f, it);
        }
        compare_lookups(&f);
        compare_walks(&f, step);
    }
}

static void keys_in_order_keep_the_tree_low(void **state)
{
    (void)state;
    enum { COUNT = 1 << 16 };
    static struct item items[COUNT];
    struct skn_omap map;
    skn_omap_init(&map);
    for (uint32_t i = 0; i < COUNT; i++) {
        for (size_t b = 0; b < 4; b++)
            items[i].bytes[b] = (uint8_t)(i >> (24 - 8 * b));
        items[i].node.key = skn_slice(items[i].bytes, 4);
        assert_null(skn_omap_insert(&map, &items[i].node));
    }
    skn_omap_check(&map);
    assert_in_range(map.root->height, 17, 17); /* 2^16 keys in order: the lowest that is possible */
    for (uint32_t i = 0; i < COUNT; i += 2)
        skn_omap_remove(&map, &items[i].node);
    skn_omap_check(&map);
    assert_int_equal(skn_omap_count(&map), COUNT / 2);
}

static void drain_gives_every_node_once(void **state)
{
    (void)state;
    static struct fixture f;
    setup(&f);
    assert_null(skn_omap_drain(&f.map));
    for (size_t i = 0; i < N; i++)
        insert(&f, &f.items[i]);
    size_t drained = 0;
    for (struct skn_omap_node *n = skn_omap_drain(&f.map); n; n = skn_omap_drain(&f.map)) {
        struct item *it = SKN_CONTAINER_OF(n, struct item, node);
        assert_true(it->is_in);
        it->is_in = false;
        memset(&it->node, 0xee, sizeof it->node); /* as if freed */
        drained++;
    }
    assert_true(drained > N / 2);
    assert_int_equal(drained, f.len);
    assert_int_equal(skn_omap_count(&f.map), 0);
    assert_null(skn_omap_first(&f.map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_sorted_array),
        cmocka_unit_test(keys_in_order_keep_the_tree_low),
        cmocka_unit_test(drain_gives_every_node_once),
    };
    return cmocka_run_group_tests_name("omap", tests, NULL, NULL);
}
