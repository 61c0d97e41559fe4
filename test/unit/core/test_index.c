/* test_index.c - declared indexes: an index row exactly where a row has an entry, whatever happens. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/rng.h"
#include "core/index_internal.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_EACH = 300 };

/* --- a program with two indexes ------------------------------------------------------------------------ */

static bool is(struct skn_slice s, const char *text)
{
    return skn_slice_eq(s, skn_slice_str(text));
}

/* By the bytes of the value up to a ';', if it has one: zeros and 0xff among them. */
static bool by_head(struct skn_slice key, struct skn_slice value, struct skn_buf *out)
{
    (void)key;
    const uint8_t *end = memchr(value.ptr, ';', value.len);
    if (!end) return false;
    skn_buf_put(out, skn_slice(value.ptr, (size_t)(end - value.ptr)));
    return true;
}

/* By the last byte of the key; every row. */
static bool by_last(struct skn_slice key, struct skn_slice value, struct skn_buf *out)
{
    (void)value;
    skn_buf_put(out, skn_slice_from(key, key.len - 1));
    return true;
}

static const struct skn_index indexes[] = {
    {.number = 1, .entry = by_head}, {.number = 7, .entry = by_last}, {0}};

/* A row that some index has, as the rows say it. */
struct item {
    struct skn_slice entry;
    struct skn_row row;
};
static struct item items[9 * ROWS_EACH];

static int before(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = skn_slice_cmp(x->entry, y->entry);
    return order ? order : skn_slice_cmp(x->row.key, y->row.key);
}

/* The oracle: all rows, asked one by one, and sorted. */
static size_t by_reading(struct skn_cx *cx, const struct skn_index *index, struct skn_slice prefix)
{
    static const struct skn_slice none;
    struct skn_slice from = none;
    struct skn_row row;
    struct skn_buf entry;
    size_t count = 0;
    skn_buf_init(&entry, 1024);
    while (skn_cx_next(cx, none, from, &row) == SKN_OK) {
        struct skn_slice key = skn_arena_dup(skn_cx_arena(cx), row.key);
        uint8_t *next = skn_arena_zero(skn_cx_arena(cx), 1, key.len + 1);
        memcpy(next, key.ptr, key.len);
        from = skn_slice(next, key.len + 1);
        skn_buf_reset(&entry);
        if (!index->entry(key, row.value, &entry)) continue;
        if (!skn_slice_has_prefix(skn_buf_slice(&entry), prefix)) continue;
        assert_true(count < SKN_ARRAY_LEN(items));
        items[count++] =
            (struct item){.entry = skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(&entry)),
                          .row = {.key = key, .value = skn_arena_dup(skn_cx_arena(cx), row.value)}};
    }
    skn_buf_fini(&entry);
    qsort(items, count, sizeof *items, before);
    return count;
}

static void compare(struct skn_cx *cx, const struct skn_index *index, struct skn_slice prefix)
{
    struct skn_found found, last;
    size_t count = by_reading(cx, index, prefix), at = 0;
    enum skn_rc rc = skn_cx_find(cx, index->number, prefix, NULL, &found);
    for (; rc == SKN_OK; at++) {
        assert_true(at < count);
        assert_true(skn_slice_eq(found.entry, items[at].entry));
        assert_true(skn_slice_eq(found.row.key, items[at].row.key));
        assert_true(skn_slice_eq(found.row.value, items[at].row.value));
        last = found;
        rc = skn_cx_find(cx, index->number, prefix, &last, &found);
    }
    assert_int_equal(rc, SKN_ENOENT);
    assert_int_equal(at, count);
}

/* put KEY=VALUE, drop KEY, clear PREFIX; many PREFIX: ROWS_EACH rows; look: compares all there is, also
 * before the batch is made. boom: all of it, and a fault. */
static enum skn_rc
set_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct skn_slice text = skn_value_as_text(m->payload);
    if (is(m->name, "put")) {
        const uint8_t *equal = memchr(text.ptr, '=', text.len);
        size_t len = (size_t)(equal - text.ptr);
        skn_cx_put(cx, skn_slice(text.ptr, len), skn_slice_from(text, len + 1));
    }
    if (is(m->name, "drop")) skn_cx_delete(cx, text);
    if (is(m->name, "clear")) skn_cx_delete_range(cx, text);
    for (int i = 0; is(m->name, "many") && i < ROWS_EACH; i++) {
        const char *key = skn_arena_printf(skn_cx_arena(cx), "%.*s%d", SKN_FMT(text), i);
        const char *value = skn_arena_printf(skn_cx_arena(cx), "e%d;%d", i % 10, i);
        skn_cx_put(cx, skn_slice_str(key), skn_slice_str(value));
    }
    if (skn_cx_rc(cx) != SKN_OK) return skn_cx_rc(cx);
    for (size_t i = 0; indexes[i].entry; i++) {
        compare(cx, &indexes[i], (struct skn_slice){0});
        compare(cx, &indexes[i], SKN_LIT("e"));
        compare(cx, &indexes[i], SKN_LIT("\0"));
    }
    if (is(m->name, "boom")) return SKN_FAIL(diag, SKN_EFAULT, "boom");
    return skn_cx_rc(cx);
}

static const struct skn_program sets = {
    .type = "Set", .module = 1, .handle = set_handle, .indexes = indexes};
static const struct skn_program *const programs[] = {&sets, NULL};

/* --- helpers --------------------------------------------------------------------------------------------- */

static void tell(struct shard *s, const char *name, struct skn_slice text)
{
    struct skn_output out;
    shard_submit(s, 1, "", "a:Set/1", name, skn_value_string(text));
    shard_settle(s);
    while (shard_next(s, &out))
        continue;
}

struct sums {
    struct skn_index_sums sums;
    size_t rows, index_rows;
};

static void see(void *ctx, struct skn_slice key, struct skn_slice value)
{
    struct sums *sums = ctx;
    struct skn_slice address;
    sums->rows++;
    sums->index_rows += skn_key_is_index(key, &address);
    skn_index_add(&sums->sums, programs, key, value);
}

/* All rows of the shard, as skein verify does. */
static struct sums verify(struct shard *s)
{
    struct sums sums = {0};
    assert_int_equal(skn_store_verify_each(s->store, see, &sums, NULL), SKN_OK);
    assert_int_equal(skn_index_compare(&sums.sums, NULL), SKN_OK);
    return sums;
}

/* --- tests ------------------------------------------------------------------------------------------------- */

static void rows_stand_in_the_order_of_their_entries(void **state)
{
    (void)state;
    static const char *const puts[] = {"a=b;", "b=a;", "c=\377;", "d=;", "e=ab;", "f=none"};
    struct shard s;
    shard_init(&s, programs);
    for (size_t i = 0; i < SKN_ARRAY_LEN(puts); i++)
        tell(&s, "put", skn_slice_str(puts[i]));
    tell(&s, "put", skn_slice("g=a\0;", 5)); /* a zero sorts behind its end */
    tell(&s, "put", skn_slice("h=a\0\377;", 6));
    tell(&s, "put", skn_slice("i=a\0\1;", 6));
    assert_int_equal(verify(&s).index_rows, 8 + 9); /* one has no entry in the first index */
    tell(&s, "drop", SKN_LIT("a"));
    tell(&s, "put", SKN_LIT("b=changed;"));
    tell(&s, "boom", SKN_LIT("x"));
    assert_int_equal(verify(&s).index_rows, 7 + 8);
    shard_fini(&s);
}

static void a_range_takes_its_index_rows_with_it(void **state) /* [E14] */
{
    (void)state;
    struct shard s;
    shard_init(&s, programs);
    tell(&s, "many", SKN_LIT("r"));
    tell(&s, "put", SKN_LIT("z=e1;"));
    assert_int_equal(verify(&s).index_rows, 2 * (ROWS_EACH + 1));
    /* Gone at once, and removed later; one is written again meanwhile, with another entry. */
    shard_submit(&s, 1, "", "a:Set/1", "clear", skn_value_string(SKN_LIT("r")));
    shard_submit(&s, 2, "", "a:Set/1", "put", skn_value_string(SKN_LIT("r7=e5;new")));
    shard_submit(&s, 3, "", "a:Set/1", "drop", skn_value_string(SKN_LIT("r8")));
    while (shard_step(&s) == SKN_OK)
        (void)verify(&s);
    shard_durable(&s);
    assert_int_equal(verify(&s).index_rows, 2 * 2);
    tell(&s, "clear", SKN_LIT("")); /* few: in the batch itself */
    assert_int_equal(verify(&s).index_rows, 0);
    shard_fini(&s);
}

/* More rows than one batch removes: each batch takes those of the indexes with their rows, so that
 * neither skein verify nor a killed node's successor finds the one without the other. */
static void a_removed_domain_leaves_none(void **state) /* [E14] */
{
    (void)state;
    struct shard s;
    int batches = 0;
    shard_init(&s, programs);
    for (char c = 'a'; c <= 'h'; c++)
        tell(&s, "many", skn_slice(&c, 1));
    assert_int_equal(verify(&s).index_rows, 2 * 8 * ROWS_EACH);
    const struct skn_remove remove = {.number = 1, .address = SKN_LIT("a:Set/1")};
    skn_core_remove(s.core, &remove);
    for (; shard_step(&s) == SKN_OK; batches++)
        (void)verify(&s);
    assert_true(batches > 8 * ROWS_EACH / 1000);
    shard_durable(&s);
    assert_int_equal(verify(&s).index_rows, 0);
    shard_fini(&s);
}

static void whatever_happens_they_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct skn_rng rng;
        struct shard s;
        skn_rng_init(&rng, seed);
        shard_init(&s, programs);
        for (int i = 0; i < 120; i++) {
            char text[64];
            uint64_t what = skn_rng_below(&rng, 16);
            int key = (int)skn_rng_below(&rng, 40), value = (int)skn_rng_below(&rng, 12);
            if (what < 8) {
                size_t n = (size_t)snprintf(text, sizeof text, "%d=e%d;%d", key, value, i);
                for (size_t k = 0; k < n; k++) /* zeros and 0xff in entries */
                    if (text[k] == '3' && memchr(text, '=', k)) text[k] = (char)(i % 2 ? 0 : 0xff);
                tell(&s, "put", skn_slice(text, n));
            } else if (what < 12) {
                (void)snprintf(text, sizeof text, "%d", key);
                tell(&s, "drop", skn_slice_str(text));
            } else if (what == 12) {
                tell(&s, "many", SKN_LIT("1"));
            } else if (what < 15) {
                (void)snprintf(text, sizeof text, "%d", key % 10);
                tell(&s, "clear", skn_slice_str(what == 13 ? text : "1"));
            } else {
                shard_kill(&s, true);
            }
            if (i % 10 == 0) (void)verify(&s);
        }
        (void)verify(&s);
        shard_fini(&s);
    }
}

static void a_row_too_many_or_too_few_is_seen(void **state) /* skein verify */
{
    (void)state;
    static const struct {
        const char *key, *says;
        size_t len;
    } rows[] = {{"\1\10\0x:T/y", "the index of domains", 8},
                {"\1\17\0x:T/y", "domains with work", 8},
                {"\1\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x:T/y", "timers", 24},
                {"\2a:Set/1\0\6\1e\0\1k", "the index of a program", 14}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct skn_index_sums sums = {0};
        struct skn_diag diag = {.text = ""};
        skn_index_add(&sums, programs, skn_slice(rows[i].key, rows[i].len), (struct skn_slice){0});
        assert_int_equal(skn_index_compare(&sums, &diag), SKN_ECORRUPT);
        assert_non_null(strstr(diag.text, rows[i].says));
    }
    /* And the other way: a row whose entry is not there. */
    struct skn_index_sums sums = {0};
    struct skn_key key;
    skn_key_own(&key, SKN_LIT("a:Set/1"), SKN_LIT("k"));
    skn_index_add(&sums, programs, skn_key_slice(&key), SKN_LIT("v"));
    assert_int_equal(skn_index_compare(&sums, NULL), SKN_ECORRUPT);
    /* Of a program that nobody knows nothing is asked. */
    sums = (struct skn_index_sums){0};
    skn_index_add(&sums, NULL, skn_key_slice(&key), SKN_LIT("v"));
    assert_int_equal(skn_index_compare(&sums, NULL), SKN_OK);
}

static void an_index_key_is_golden(void **state)
{
    (void)state;
    struct shard s;
    struct skn_row row;
    size_t count;
    struct skn_key from, end;
    static const uint8_t golden[] = {
        2, 'a', ':', 'S', 'e', 't', '/', '1', 0, 6, 1, 'x', 0, 255, 'y', 0, 1, 'k'};
    shard_init(&s, programs);
    tell(&s, "put", skn_slice("k=x\0y;v", 7));
    skn_key_index(&from, SKN_LIT("a:Set/1"), 1);
    end = from;
    skn_key_end(&end);
    assert_int_equal(
        skn_store_scan(s.store, skn_key_slice(&from), skn_key_slice(&end), &row, 1, &count, NULL),
        SKN_OK);
    assert_int_equal(count, 1);
    assert_true(skn_slice_eq(row.key, skn_slice(golden, sizeof golden)));
    assert_int_equal(row.value.len, 0);
    shard_fini(&s);
}

#ifdef SKN_DEBUG
static void a_batch_that_forgets_one_is_refused(void **state) /* beside [E24] */
{
    (void)state;
    struct shard s;
    struct skn_record record;
    shard_init(&s, programs);
    tell(&s, "put", SKN_LIT("k=a;"));
    (void)skn_bug_plant(SKN_BUG_INDEX_KEPT);
    shard_submit(&s, 1, "", "a:Set/1", "touch", skn_value_string(SKN_LIT("")));
    assert_int_equal(skn_core_step(s.core, s.now_ms, &record, &s.diag), SKN_ENOENT);
    /* What a program sees agrees: the row that stays has no row of its own any more. */
    shard_submit(&s, 1, "", "a:Set/2", "put", skn_value_string(SKN_LIT("k=a;")));
    assert_int_equal(skn_core_step(s.core, s.now_ms, &record, &s.diag), SKN_OK);
    shard_submit(&s, 1, "", "a:Set/2", "drop", skn_value_string(SKN_LIT("k")));
    assert_int_equal(skn_core_step(s.core, s.now_ms, &record, &s.diag), SKN_ECORRUPT);
    assert_non_null(strstr(s.diag.text, "the index of a program"));
    (void)skn_bug_plant(SKN_BUG_NONE);
    s.no_replay = true;
    shard_fini(&s);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_in_the_order_of_their_entries),
        cmocka_unit_test(a_range_takes_its_index_rows_with_it),
        cmocka_unit_test(a_removed_domain_leaves_none),
        cmocka_unit_test(whatever_happens_they_agree),
        cmocka_unit_test(a_row_too_many_or_too_few_is_seen),
        cmocka_unit_test(an_index_key_is_golden),
#ifdef SKN_DEBUG
        cmocka_unit_test(a_batch_that_forgets_one_is_refused),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
