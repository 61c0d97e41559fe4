/* test_model.c - the RocksDB backend against the memory backend, by random operations. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

enum { SEQUENCES = 5000, STEPS = 6 };

struct pair {
    struct folder folder;
    struct skn_rocks_options options;
    struct skn_backend *rocks;
    struct oracle oracle;
    struct skn_shard_position committed[SHARDS];
    uint64_t reads, ranges, cut_ranges, laters, commits, reopenings;
};

static void write_some(struct pair *p, struct skn_rng *rng)
{
    struct skn_buf batch;
    skn_buf_init(&batch, BATCH_MAX);
    size_t s = random_batch(&p->oracle, rng, &batch);
    assert_int_equal(skn_backend_write(p->rocks, shard_numbers[s], skn_buf_slice(&batch), NULL),
                     SKN_OK);
    skn_buf_fini(&batch);
}

static void commit(struct pair *p)
{
    struct skn_diag diag = {0};
    if (skn_backend_commit(p->rocks, p->oracle.at, SHARDS, &diag) != SKN_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(skn_backend_commit(p->oracle.rows, p->oracle.at, SHARDS, NULL), SKN_OK);
    memcpy(p->committed, p->oracle.at, sizeof p->committed);
    p->commits++;
}

/* Any shape: one key, a range, an empty one, one that is turned round; small bounds and large. */
static void read_some(struct pair *p, struct skn_rng *rng)
{
    uint8_t from[SKN_KEY_MAX + 1], end[SKN_KEY_MAX];
    struct skn_buf a, b;
    skn_buf_init(&a, BATCH_MAX);
    skn_buf_init(&b, BATCH_MAX);
    static const uint32_t bounds[] = {1, 2, 30, 100, UINT32_MAX};
    struct skn_read read = {.shard = shard_numbers[skn_rng_below(rng, SHARDS)],
                            .from = random_key(rng, from),
                            .max_rows = bounds[skn_rng_below(rng, 5)],
                            .max_bytes = bounds[skn_rng_below(rng, 5)]};
    if (skn_rng_below(rng, 4) > 0) read.end = random_key(rng, end);
    if (read.end.len > 0 && skn_rng_below(rng, 3) == 0) from[read.from.len++] = 0;
    skn_buf_put_str(&a, "before");
    skn_buf_put_str(&b, "before");
    bool end_a = false, end_b = false;
    bool may_wait = skn_rng_below(rng, 2) == 0;
    enum skn_rc rc = skn_backend_read(p->rocks, &read, may_wait, &a, &end_a, NULL);
    assert_true(rc == SKN_OK || (rc == SKN_ELATER && !may_wait));
    if (rc == SKN_ELATER) {
        assert_int_equal(a.len, strlen("before"));
        assert_int_equal(skn_backend_read(p->rocks, &read, true, &a, &end_a, NULL), SKN_OK);
        p->laters++;
    }
    assert_int_equal(skn_backend_read(p->oracle.rows, &read, true, &b, &end_b, NULL), SKN_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    assert_int_equal(end_a, end_b);
    p->reads++;
    p->ranges += read.end.len > 0;
    p->cut_ranges += !end_b;
    skn_buf_fini(&a);
    skn_buf_fini(&b);
}

static void reopen(struct pair *p)
{
    commit(p);
    skn_backend_destroy(p->rocks);
    p->rocks = must_open(&p->options);
    p->reopenings++;
}

static void check(struct pair *p)
{
    for (size_t s = 0; p->commits > 0 && s < SHARDS; s++)
        must_be_at(p->rocks, &p->committed[s]);
    must_be_alike(p->rocks, p->oracle.rows);
}

static void random_sequences_agree_with_the_memory_backend(void **state)
{
    (void)state;
    struct pair p = {0};
    folder_make(&p.folder);
    p.options = rocks_options(folder_at(&p.folder, "db"));
    p.options.memtable_bytes = 256 << 10; /* so that some are flushed between commits */
    p.rocks = must_open(&p.options);
    oracle_init(&p.oracle);
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        struct skn_rng rng;
        skn_rng_init(&rng, seed);
        for (int i = 0; i < STEPS; i++) {
            uint64_t what = skn_rng_below(&rng, 100);
            if (what < 50)
                read_some(&p, &rng);
            else if (what < 97 || (what == 97 && seed % 4 != 0))
                write_some(&p, &rng);
            else if (what == 97)
                commit(&p);
            else if (seed % 32 == 0)
                reopen(&p);
        }
        if (seed % 16 == 0) check(&p);
    }
    reopen(&p);
    check(&p);
    skn_backend_destroy(p.rocks);
    struct skn_rocks_summary summary;
    struct skn_diag diag = {0};
    if (skn_rocks_verify(&p.options, &summary, &diag) != SKN_OK) fail_msg("%s", diag.text);
    assert_true(summary.is_exact && summary.rows > 0);
    assert_int_equal(summary.commits, p.commits);
    print_message("%d sequences: %d reads, %d of ranges, %d of them cut, %d later; %d commits, "
                  "%d openings; %d rows left\n",
                  SEQUENCES,
                  (int)p.reads,
                  (int)p.ranges,
                  (int)p.cut_ranges,
                  (int)p.laters,
                  (int)p.commits,
                  (int)p.reopenings,
                  (int)summary.rows);
    /* Each kind was met, or the test shows less than it says. */
    assert_true(p.reads > 1000 && p.cut_ranges > 100 && p.laters > 10 && p.reopenings > 10);
    oracle_fini(&p.oracle);
    folder_remove(&p.folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sequences_agree_with_the_memory_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
