/* test_threads.c - reads, positions and backups beside writes and commits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <pthread.h>
#include <stdatomic.h>

enum { READERS = 3, ROUNDS = 160 /* a multiple of 8 */, ROWS = 10, BACKUPS = 3 };

/* Every batch gives all rows of shard 1 the same number, one more than before. */
struct shared {
    struct folder folder;
    struct skn_rocks_options options;
    struct skn_backend *backend;
    atomic_bool is_over;
    _Atomic uint64_t reads;
    _Atomic uint64_t laters;
    _Atomic uint64_t copies;
    _Atomic uint64_t wrong;
};

static void make_batch(struct skn_buf *batch, uint64_t n, struct skn_hash128 *out_state)
{
    char key[8], value[24];
    *out_state = (struct skn_hash128){0};
    skn_buf_reset(batch);
    (void)snprintf(value, sizeof value, "%020llu", (unsigned long long)n);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        skn_batch_put_stored(batch, skn_slice_str(key), n, skn_slice_str(value));
        *out_state =
            skn_hash128_add(*out_state, skn_row_hash(skn_slice_str(key), skn_slice_str(value)));
    }
}

/* The number that all rows have; UINT64_MAX when they differ or are not all there. */
static uint64_t number_of(struct skn_buf *out)
{
    struct skn_slice rest = skn_buf_slice(out);
    struct skn_row_op op;
    uint64_t number = 0, index, rows = 0;
    struct skn_slice value;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        if (skn_stored_split(op.value, &index, &value, NULL) != SKN_OK) return UINT64_MAX;
        if (rows++ > 0 && index != number) return UINT64_MAX;
        number = index;
    }
    return rows == 0 || rows == ROWS ? number : UINT64_MAX;
}

static void *read_on(void *arg)
{
    struct shared *s = arg;
    struct skn_read range = {
        .shard = 1, .from = SKN_LIT("k"), .end = SKN_LIT("l"), .max_rows = 50, .max_bytes = 5000};
    struct skn_buf out;
    skn_buf_init(&out, 1 << 16);
    uint64_t last = 0, last_position = 0;
    for (uint64_t i = 0; !atomic_load(&s->is_over); i++) {
        bool is_end = false;
        struct skn_position position = {0};
        skn_buf_reset(&out);
        enum skn_rc rc = skn_backend_position(s->backend, 1, &position, NULL);
        if (rc == SKN_OK && position.index < last_position) atomic_fetch_add(&s->wrong, 1);
        if (rc == SKN_OK) last_position = position.index;
        rc = skn_backend_read(s->backend, &range, i % 2 == 0, &out, &is_end, NULL);
        if (rc == SKN_ELATER) {
            atomic_fetch_add(&s->laters, 1);
            continue;
        }
        uint64_t number = rc == SKN_OK && is_end ? number_of(&out) : UINT64_MAX;
        /* All of a batch or nothing of it; never older than what was read or committed before. */
        if (number == UINT64_MAX || number < last || number < last_position)
            atomic_fetch_add(&s->wrong, 1);
        last = number;
        atomic_fetch_add(&s->reads, 1);
    }
    skn_buf_fini(&out);
    return NULL;
}

static void *back_up(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < BACKUPS; i++) {
        char dir[128];
        struct skn_rocks_summary summary;
        struct skn_rocks_options copy = s->options;
        uint64_t number = atomic_fetch_add(&s->copies, 1);
        (void)snprintf(dir, sizeof dir, "%s/copy%d", s->folder.path, (int)number);
        copy.dir = dir;
        const struct timespec pause = {.tv_nsec = 60000000};
        (void)nanosleep(&pause, NULL);
        if (skn_backend_backup(s->backend, dir, NULL) != SKN_OK ||
            skn_rocks_verify(&copy, &summary, NULL) != SKN_OK)
            atomic_fetch_add(&s->wrong, 1);
    }
    return NULL;
}

static void write_on(struct shared *s, uint64_t from)
{
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 16);
    for (uint64_t n = from; n < from + ROUNDS; n++) {
        struct skn_shard_position at = {.shard = 1, .position = {.index = n, .stamp = n}};
        make_batch(&batch, n, &at.position.state);
        assert_int_equal(skn_backend_write(s->backend, 1, skn_buf_slice(&batch), NULL), SKN_OK);
        if (n % 8 == 0) assert_int_equal(skn_backend_commit(s->backend, &at, 1, NULL), SKN_OK);
    }
    skn_buf_fini(&batch);
}

/* Readers and copier beside the writer, from before its first write. */
static void run_all(struct shared *s, uint64_t from)
{
    pthread_t readers[READERS], copier;
    s->backend = must_open(&s->options);
    atomic_store(&s->is_over, false);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, s), 0);
    assert_int_equal(pthread_create(&copier, NULL, back_up, s), 0);
    write_on(s, from);
    assert_int_equal(pthread_join(copier, NULL), 0);
    atomic_store(&s->is_over, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    skn_backend_destroy(s->backend);
}

/* Once from an empty store on, and once from one that is open for reading: readers meet its change
 * to writing. */
static void readers_see_whole_batches_and_never_older_ones(void **state)
{
    (void)state;
    struct shared s = {0};
    folder_make(&s.folder);
    s.options = rocks_options(folder_at(&s.folder, "db"));
    run_all(&s, 1);
    run_all(&s, ROUNDS + 1);
    print_message("%d reads, %d later\n", (int)s.reads, (int)s.laters);
    assert_int_equal(s.wrong, 0);
    assert_true(s.reads > 100);
    struct skn_rocks_summary summary;
    assert_int_equal(skn_rocks_verify(&s.options, &summary, NULL), SKN_OK);
    assert_true(summary.is_exact && summary.rows == ROWS);
    folder_remove(&s.folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_batches_and_never_older_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
