/* test_sim_names.c - names on the simulated disk when only some directories were synced. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "env/env_sim.h"
#include "lib/test.h"

#include <string.h>

enum { PATHS = 6, DIRS = 3, ROUNDS = 200, STEPS = 60, FILE_MAX = 2000 };

static const char *const dirs[DIRS] = {"/", "/p", "/q"};
static const char *const paths[PATHS] = {"/a", "/b", "/p/a", "/p/b", "/q/a", "/q/b"};

static void write_file(struct skn_env *env, const char *path, uint64_t offset, const char *text)
{
    struct skn_file *file = NULL;
    assert_int_equal(skn_env_open(env, path, SKN_OPEN_ANY, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, offset, text, strlen(text), NULL), SKN_OK);
    skn_file_close(file);
}

static void sync_file(struct skn_env *env, const char *path)
{
    struct skn_file *file = NULL;
    if (skn_env_open(env, path, SKN_OPEN_WRITE, &file, NULL) != SKN_OK) return;
    assert_int_equal(skn_file_sync(file, NULL), SKN_OK);
    skn_file_close(file);
}

/* The file's length, or -1 when there is none. */
static int read_file(struct skn_env *env, const char *path, char out[FILE_MAX])
{
    struct skn_file *file = NULL;
    size_t n = 0;
    if (skn_env_open(env, path, SKN_OPEN_READ, &file, NULL) != SKN_OK) return -1;
    assert_int_equal(skn_file_pread(file, 0, out, FILE_MAX, &n, NULL), SKN_OK);
    skn_file_close(file);
    return (int)n;
}

static struct skn_env_sim *machine(uint64_t seed)
{
    struct skn_env_sim *sim = skn_env_sim_create(seed, 0);
    struct skn_env *env = skn_env_sim_env(sim);
    assert_int_equal(skn_env_mkdir(env, "/p", NULL), SKN_OK);
    assert_int_equal(skn_env_mkdir(env, "/q", NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/", NULL), SKN_OK);
    return sim;
}

static void a_file_that_moved_out_does_not_come_back_with_its_old_directory(void **state)
{
    (void)state;
    char got[FILE_MAX];
    struct skn_env_sim *sim = machine(1);
    struct skn_env *env = skn_env_sim_env(sim);
    write_file(env, "/p/a", 0, "one");
    sync_file(env, "/p/a");
    assert_int_equal(skn_env_rename(env, "/p/a", "/q/a", NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/q", NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/p", NULL), SKN_OK);
    skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    assert_int_equal(read_file(env, "/p/a", got), -1);
    assert_int_equal(read_file(env, "/q/a", got), 3);
    skn_env_sim_destroy(sim);
}

static void a_new_file_under_the_old_name_outlives_the_sync_of_the_other_directory(void **state)
{
    (void)state;
    char got[FILE_MAX];
    struct skn_env_sim *sim = machine(1);
    struct skn_env *env = skn_env_sim_env(sim);
    write_file(env, "/p/a", 0, "one");
    sync_file(env, "/p/a");
    assert_int_equal(skn_env_sync_dir(env, "/p", NULL), SKN_OK);
    assert_int_equal(skn_env_rename(env, "/p/a", "/q/a", NULL), SKN_OK);
    write_file(env, "/p/a", 0, "second");
    sync_file(env, "/p/a");
    assert_int_equal(skn_env_sync_dir(env, "/p", NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/q", NULL), SKN_OK);
    skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    assert_int_equal(read_file(env, "/p/a", got), 6);
    assert_int_equal(read_file(env, "/q/a", got), 3);
    skn_env_sim_destroy(sim);
}

static void random_step(struct skn_env *env, struct skn_rng *rng)
{
    const char *a = paths[skn_rng_below(rng, PATHS)];
    const char *b = paths[skn_rng_below(rng, PATHS)];
    switch (skn_rng_below(rng, 6)) {
    case 0:
    case 1: write_file(env, a, skn_rng_below(rng, FILE_MAX - 10), b); break;
    case 2: (void)!skn_env_rename(env, a, b, NULL); break;
    case 3: (void)!skn_env_unlink(env, a, NULL); break;
    case 4: sync_file(env, a); break;
    default:
        assert_int_equal(skn_env_sync_dir(env, dirs[skn_rng_below(rng, DIRS)], NULL), SKN_OK);
        break;
    }
}

static void same_files(struct skn_env *env, struct skn_env *other, uint64_t seed)
{
    static char want[FILE_MAX];
    static char got[FILE_MAX];
    for (int i = 0; i < PATHS; i++) {
        int len = read_file(env, paths[i], want);
        int other_len = read_file(other, paths[i], got);
        if (len != other_len || (len > 0 && memcmp(want, got, (size_t)len) != 0))
            fail_msg("seed %d: %s has %d bytes before and %d after the power cut, or others",
                     (int)seed,
                     paths[i],
                     len,
                     other_len);
    }
}

static void when_everything_was_synced_no_power_cut_changes_anything(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct skn_env_sim *sim = machine(seed);
        struct skn_env *env = skn_env_sim_env(sim);
        struct skn_rng rng;
        skn_rng_init(&rng, seed);
        for (int i = 0; i < STEPS; i++)
            random_step(env, &rng);
        for (int i = 0; i < PATHS; i++)
            sync_file(env, paths[i]);
        uint64_t first = skn_rng_below(&rng, DIRS); /* the order of the directories is free */
        for (uint64_t i = 0; i < DIRS; i++)
            assert_int_equal(skn_env_sync_dir(env, dirs[(first + i) % DIRS], NULL), SKN_OK);
        for (int cut = 0; cut < SKN_CUT_COUNT; cut++) {
            struct skn_env_sim *copy = skn_env_sim_copy(sim, seed);
            skn_env_sim_power_cut(copy, (enum skn_cut)cut);
            same_files(env, skn_env_sim_env(copy), seed);
            skn_env_sim_destroy(copy);
        }
        skn_env_sim_destroy(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_moved_out_does_not_come_back_with_its_old_directory),
        cmocka_unit_test(a_new_file_under_the_old_name_outlives_the_sync_of_the_other_directory),
        cmocka_unit_test(when_everything_was_synced_no_power_cut_changes_anything),
    };
    return cmocka_run_group_tests_name("env_sim_names", tests, NULL, NULL);
}
