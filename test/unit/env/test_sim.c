/* test_sim.c - what the simulated disk keeps and loses, and its faults. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/env_sim.h"
#include "lib/test.h"

#include <string.h>

enum { SECTORS = 16, BYTES = SECTORS * 512 };

static struct skn_file *open_file(struct skn_env_sim *sim, const char *path, enum skn_open how)
{
    struct skn_diag diag = {0};
    struct skn_file *file = NULL;
    assert_int_equal(skn_env_open(skn_env_sim_env(sim), path, how, &file, &diag), SKN_OK);
    return file;
}

/* A machine with /d/f, all of it durable and full of 'a'. */
static struct skn_env_sim *machine(uint64_t seed, struct skn_file **out_file)
{
    struct skn_env_sim *sim = skn_env_sim_create(seed, 0);
    struct skn_env *env = skn_env_sim_env(sim);
    uint8_t bytes[BYTES];
    memset(bytes, 'a', sizeof bytes);
    assert_int_equal(skn_env_mkdir(env, "/d", NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/", NULL), SKN_OK);
    struct skn_file *file = open_file(sim, "/d/f", SKN_OPEN_CREATE);
    assert_int_equal(skn_file_pwrite(file, 0, bytes, sizeof bytes, NULL), SKN_OK);
    assert_int_equal(skn_file_sync(file, NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/d", NULL), SKN_OK);
    assert_int_equal(skn_env_sim_unsynced(sim), 0);
    *out_file = file;
    return sim;
}

static void overwrite(struct skn_file *file, char with)
{
    uint8_t bytes[BYTES];
    memset(bytes, with, sizeof bytes);
    assert_int_equal(skn_file_pwrite(file, 0, bytes, sizeof bytes, NULL), SKN_OK);
}

/* Counts the sectors of `path` that are all `with`; each sector must be all of one letter. */
static int sectors_with(struct skn_env_sim *sim, const char *path, char with)
{
    uint8_t bytes[BYTES];
    size_t n = 0;
    struct skn_file *file = open_file(sim, path, SKN_OPEN_READ);
    assert_int_equal(skn_file_pread(file, 0, bytes, sizeof bytes, &n, NULL), SKN_OK);
    skn_file_close(file);
    int count = 0;
    for (size_t at = 0; at < n; at += 512) {
        for (size_t i = 1; i < 512; i++)
            assert_int_equal(bytes[at + i], bytes[at]);
        count += bytes[at] == (uint8_t)with;
    }
    return count;
}

static bool is_there(struct skn_env_sim *sim, const char *path)
{
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_env_open(skn_env_sim_env(sim), path, SKN_OPEN_READ, &file, NULL);
    skn_file_close(rc == SKN_OK ? file : NULL);
    return rc == SKN_OK;
}

static void a_kill_keeps_what_was_written_and_a_power_cut_drops_it(void **state)
{
    (void)state;
    struct skn_file *file = NULL;
    struct skn_env_sim *sim = machine(1, &file);
    overwrite(file, 'b');
    skn_env_sim_kill(sim);
    assert_int_equal(skn_file_pwrite(file, 0, "x", 1, NULL), SKN_EIO); /* a dead handle */
    skn_file_close(file);
    assert_int_equal(sectors_with(sim, "/d/f", 'b'), SECTORS);
    skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    assert_int_equal(sectors_with(sim, "/d/f", 'a'), SECTORS);
    skn_env_sim_destroy(sim);
}

static void what_was_synced_survives_every_cut(void **state)
{
    (void)state;
    for (int cut = 0; cut < SKN_CUT_COUNT; cut++) {
        struct skn_file *file = NULL;
        struct skn_env_sim *sim = machine((uint64_t)cut, &file);
        overwrite(file, 'b');
        assert_int_equal(skn_file_datasync(file, NULL), SKN_OK);
        skn_env_sim_power_cut(sim, (enum skn_cut)cut);
        skn_file_close(file);
        assert_int_equal(sectors_with(sim, "/d/f", 'b'), SECTORS);
        skn_env_sim_destroy(sim);
    }
}

/* Over many seeds a mode must show each loss it allows, and no other. */
static void each_cut_loses_what_it_says(void **state)
{
    (void)state;
    bool seen[SKN_CUT_COUNT][SECTORS + 1] = {{false}};
    for (int cut = 0; cut < SKN_CUT_COUNT; cut++) {
        for (uint64_t seed = 0; seed < 400; seed++) {
            struct skn_file *file = NULL;
            struct skn_env_sim *sim = machine(seed, &file);
            overwrite(file, 'b');
            skn_env_sim_power_cut(sim, (enum skn_cut)cut);
            skn_file_close(file);
            seen[cut][sectors_with(sim, "/d/f", 'b')] = true;
            skn_env_sim_destroy(sim);
        }
    }
    for (int n = 0; n <= SECTORS; n++) {
        assert_int_equal(seen[SKN_CUT_DROP][n], n == 0);
        assert_int_equal(seen[SKN_CUT_PREFIX][n], n == 0 || n == SECTORS);
        assert_int_equal(seen[SKN_CUT_NAMES_LOST][n], n == SECTORS);
        assert_int_equal(seen[SKN_CUT_NAMES_ONLY][n], n == 0);
        if (n < SECTORS) assert_true(seen[SKN_CUT_TORN][n]);
    }
    int kinds = 0;
    for (int n = 0; n <= SECTORS; n++)
        kinds += seen[SKN_CUT_SECTORS][n];
    assert_true(kinds > SECTORS / 2);
    assert_false(seen[SKN_CUT_TORN][SECTORS]);
}

static void a_name_is_lost_until_its_directory_is_synced(void **state)
{
    (void)state;
    for (int synced = 0; synced < 2; synced++) {
        struct skn_file *file = NULL;
        struct skn_env_sim *sim = machine(3, &file);
        struct skn_env *env = skn_env_sim_env(sim);
        skn_file_close(file);
        file = open_file(sim, "/d/g", SKN_OPEN_CREATE);
        overwrite(file, 'g');
        assert_int_equal(skn_file_sync(file, NULL), SKN_OK); /* the contents; not the name */
        skn_file_close(file);
        assert_int_equal(skn_env_rename(env, "/d/g", "/d/h", NULL), SKN_OK);
        assert_int_equal(skn_env_unlink(env, "/d/f", NULL), SKN_OK);
        if (synced) assert_int_equal(skn_env_sync_dir(env, "/d", NULL), SKN_OK);
        skn_env_sim_power_cut(sim, SKN_CUT_NAMES_LOST);
        assert_int_equal(is_there(sim, "/d/h"), synced);
        assert_int_equal(is_there(sim, "/d/f"), !synced);
        assert_false(is_there(sim, "/d/g"));
        if (synced) assert_int_equal(sectors_with(sim, "/d/h", 'g'), SECTORS);
        skn_env_sim_destroy(sim);
    }
}

static void a_lost_directory_takes_its_names_along(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(4, 0);
    struct skn_env *env = skn_env_sim_env(sim);
    assert_int_equal(skn_env_mkdir(env, "/d", NULL), SKN_OK);
    skn_file_close(open_file(sim, "/d/f", SKN_OPEN_CREATE));
    assert_int_equal(skn_env_sync_dir(env, "/d", NULL), SKN_OK);
    skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    assert_int_equal(skn_env_sync_dir(env, "/d", NULL), SKN_ENOENT);
    assert_false(is_there(sim, "/d/f"));
    skn_env_sim_destroy(sim);
}

static void after_a_failed_sync_a_later_one_says_ok_and_the_bytes_are_lost(void **state)
{
    (void)state;
    int lost = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct skn_file *file = NULL;
        struct skn_env_sim *sim = machine(seed, &file);
        overwrite(file, 'b');
        skn_env_sim_fault(sim, SKN_FAULT_EIO, true, 1, 1);
        assert_int_equal(skn_file_sync(file, NULL), SKN_ESYNC);
        assert_true(skn_env_sim_has_faulted(sim));
        assert_int_equal(skn_file_sync(file, NULL), SKN_OK);
        assert_int_equal(sectors_with(sim, "/d/f", 'b'), SECTORS);
        skn_env_sim_power_cut(sim, SKN_CUT_PREFIX);
        lost += sectors_with(sim, "/d/f", 'b') < SECTORS;
        skn_file_close(file);
        skn_env_sim_destroy(sim);
    }
    assert_int_equal(lost, 20);
}

static void faults_come_at_the_call_that_was_asked_for(void **state)
{
    (void)state;
    struct skn_file *file = NULL;
    struct skn_env_sim *sim = machine(5, &file);
    struct skn_diag diag = {0};
    uint64_t size = 0;
    skn_env_sim_fault(sim, SKN_FAULT_FULL, true, 2, 1);
    assert_int_equal(skn_file_pwrite(file, 0, "1", 1, &diag), SKN_OK);
    assert_int_equal(skn_file_size(file, &size, &diag), SKN_OK); /* no change: does not count */
    assert_false(skn_env_sim_has_faulted(sim));
    assert_int_equal(skn_file_pwrite(file, 0, "2", 1, &diag), SKN_EDISKFULL);
    assert_string_equal(diag.text, "could not write \"/d/f\": No space left on device");
    assert_int_equal(skn_file_pwrite(file, 0, "3", 1, &diag), SKN_OK);

    uint64_t changes = skn_env_sim_changes(sim);
    skn_env_sim_fault(sim, SKN_FAULT_STOP, false, 1, 1);
    assert_int_equal(skn_file_size(file, &size, &diag), SKN_EIO);
    assert_int_equal(skn_file_pwrite(file, 0, "4", 1, &diag), SKN_EIO);
    assert_true(skn_env_sim_is_stopped(sim));
    assert_int_equal(skn_env_sim_changes(sim), changes);
    skn_env_sim_kill(sim);
    skn_file_close(file);
    file = open_file(sim, "/d/f", SKN_OPEN_READ);
    char got = 0;
    size_t n = 0;
    assert_int_equal(skn_file_pread(file, 0, &got, 1, &n, &diag), SKN_OK);
    assert_int_equal(got, '3');
    skn_file_close(file);
    skn_env_sim_destroy(sim);
}

static void a_short_write_leaves_a_beginning(void **state)
{
    (void)state;
    bool differs[2] = {false, false};
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct skn_file *file = NULL;
        struct skn_env_sim *sim = machine(seed, &file);
        uint8_t bytes[BYTES];
        size_t n = 0;
        memset(bytes, 'b', sizeof bytes);
        skn_env_sim_fault(sim, seed % 2 ? SKN_FAULT_SHORT : SKN_FAULT_STOP_SHORT, true, 1, 1);
        assert_int_equal(skn_file_pwrite(file, 0, bytes, sizeof bytes, NULL),
                         seed % 2 ? SKN_EDISKFULL : SKN_EIO);
        skn_env_sim_kill(sim);
        skn_file_close(file);
        file = open_file(sim, "/d/f", SKN_OPEN_READ);
        assert_int_equal(skn_file_pread(file, 0, bytes, sizeof bytes, &n, NULL), SKN_OK);
        size_t at = 0;
        while (at < n && bytes[at] == 'b')
            at++;
        differs[seed % 2] = differs[seed % 2] || (at > 0 && at < n);
        while (at < n)
            assert_int_equal(bytes[at++], 'a');
        skn_file_close(file);
        skn_env_sim_destroy(sim);
    }
    assert_true(differs[0] && differs[1]);
}

static void a_full_disk_refuses_and_what_was_allocated_has_room(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(6, 3 * 4096);
    struct skn_env *env = skn_env_sim_env(sim);
    struct skn_file *a = open_file(sim, "/a", SKN_OPEN_CREATE);
    struct skn_file *b = open_file(sim, "/b", SKN_OPEN_CREATE);
    struct skn_disk_space space = {0};
    assert_int_equal(skn_file_allocate(a, 2 * 4096, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(b, 0, "b", 1, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(b, 4096, "b", 1, NULL), SKN_EDISKFULL);
    assert_int_equal(skn_file_pwrite(a, 4096, "a", 1, NULL), SKN_OK);
    assert_int_equal(skn_env_space(env, "/", &space, NULL), SKN_OK);
    assert_int_equal(space.free_bytes, 0);
    assert_int_equal(space.total_bytes, 3 * 4096);
    skn_file_close(a);
    assert_int_equal(skn_env_unlink(env, "/a", NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(b, 4096, "b", 1, NULL), SKN_OK);
    skn_file_close(b);
    skn_env_sim_destroy(sim);
}

/* [E1] A direct write is as lost by a power cut as any other, and has to be aligned. */
static void a_direct_write_is_aligned_and_needs_its_sync(void **state)
{
    (void)state;
    static _Alignas(SKN_DIRECT_BYTES) uint8_t bytes[BYTES];
    struct skn_file *file = NULL;
    struct skn_env_sim *sim = machine(4, &file);
    skn_file_close(file);
    memset(bytes, 'b', sizeof bytes);
    for (int synced = 0; synced < 2; synced++) {
        uint64_t syncs = skn_env_sim_syncs(sim);
        file = open_file(sim, "/d/f", SKN_OPEN_DIRECT);
        assert_int_equal(skn_file_pwrite(file, 512, bytes, SKN_DIRECT_BYTES, NULL), SKN_EIO);
        assert_int_equal(skn_file_pwrite(file, 0, bytes, 512, NULL), SKN_EIO);
        assert_int_equal(skn_file_pwrite(file, 0, bytes + 8, SKN_DIRECT_BYTES, NULL), SKN_EIO);
        assert_int_equal(skn_file_pwrite(file, 0, bytes, SKN_DIRECT_BYTES, NULL), SKN_OK);
        if (synced) assert_int_equal(skn_file_datasync(file, NULL), SKN_OK);
        assert_int_equal(skn_env_sim_syncs(sim), syncs + (uint64_t)synced);
        skn_file_close(file);
        skn_env_sim_power_cut(sim, SKN_CUT_DROP);
        assert_int_equal(sectors_with(sim, "/d/f", 'b'), synced ? 8 : 0);
    }
    skn_env_sim_destroy(sim);
}

static void a_copy_goes_its_own_way(void **state)
{
    (void)state;
    struct skn_file *file = NULL;
    struct skn_env_sim *sim = machine(7, &file);
    overwrite(file, 'b');
    struct skn_env_sim *copy = skn_env_sim_copy(sim, 8);
    assert_int_equal(sectors_with(copy, "/d/f", 'b'), SECTORS);
    assert_int_equal(skn_env_sim_unsynced(copy), 1);
    skn_env_sim_power_cut(copy, SKN_CUT_DROP);
    assert_int_equal(sectors_with(copy, "/d/f", 'a'), SECTORS);
    assert_int_equal(skn_file_sync(file, NULL), SKN_OK);
    skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    skn_file_close(file);
    assert_int_equal(sectors_with(sim, "/d/f", 'b'), SECTORS);
    assert_true(skn_env_sim_flip(sim, "/d/f", 0, 3));
    assert_false(skn_env_sim_flip(sim, "/d/f", BYTES, 3));
    assert_false(skn_env_sim_flip(sim, "/d/no", 0, 3));
    skn_env_sim_destroy(copy);
    skn_env_sim_destroy(sim);
}

static void the_clock_goes_only_when_it_is_told(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(9, 0);
    struct skn_env *env = skn_env_sim_env(sim);
    uint64_t wall = skn_env_now_wall_ns(env);
    skn_env_sleep_ns(env, 5);
    assert_int_equal(skn_env_now_mono_ns(env), 5);
    skn_env_sim_jump_wall(sim, -3);
    assert_int_equal(skn_env_now_wall_ns(env), wall + 2);
    assert_int_equal(skn_env_now_mono_ns(env), 5);
    skn_env_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_keeps_what_was_written_and_a_power_cut_drops_it),
        cmocka_unit_test(what_was_synced_survives_every_cut),
        cmocka_unit_test(each_cut_loses_what_it_says),
        cmocka_unit_test(a_name_is_lost_until_its_directory_is_synced),
        cmocka_unit_test(a_lost_directory_takes_its_names_along),
        cmocka_unit_test(after_a_failed_sync_a_later_one_says_ok_and_the_bytes_are_lost),
        cmocka_unit_test(faults_come_at_the_call_that_was_asked_for),
        cmocka_unit_test(a_short_write_leaves_a_beginning),
        cmocka_unit_test(a_full_disk_refuses_and_what_was_allocated_has_room),
        cmocka_unit_test(a_direct_write_is_aligned_and_needs_its_sync),
        cmocka_unit_test(a_copy_goes_its_own_way),
        cmocka_unit_test(the_clock_goes_only_when_it_is_told),
    };
    return cmocka_run_group_tests_name("env_sim", tests, NULL, NULL);
}
