/* test_real.c - skn_env on this machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/env_moved.h"
#include "env/env_real.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct skn_env *env;
    char dir[64];
    char path[2][96];
    struct skn_diag diag;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->env = skn_env_real();
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/skein-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path[0], sizeof f->path[0], "%s/a", f->dir);
    (void)snprintf(f->path[1], sizeof f->path[1], "%s/b", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path[0]);
    (void)unlink(f->path[1]);
    int rc = rmdir(f->dir);
    free(f);
    return rc;
}

static enum skn_rc count_names(void *ctx, const char *name)
{
    *(int *)ctx += (int)strlen(name);
    return SKN_OK;
}

static void what_is_written_is_read_back_and_ends_where_the_file_ends(void **state)
{
    struct fixture *f = *state;
    struct skn_file *file = NULL;
    char got[8] = "";
    size_t n = 0;
    uint64_t size = 0;
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_CREATE, &file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, 2, "hello", 5, &f->diag), SKN_OK);
    assert_int_equal(skn_file_sync(file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_datasync(file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pread(file, 3, got, sizeof got, &n, &f->diag), SKN_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(got, "ello", 4);
    assert_int_equal(skn_file_pread(file, 100, got, sizeof got, &n, &f->diag), SKN_OK);
    assert_int_equal(n, 0);
    assert_int_equal(skn_file_truncate(file, 4, &f->diag), SKN_OK);
    assert_int_equal(skn_file_allocate(file, 4096, &f->diag), SKN_OK);
    assert_int_equal(skn_file_allocate(file, 10, &f->diag), SKN_OK);
    assert_int_equal(skn_file_size(file, &size, &f->diag), SKN_OK);
    assert_int_equal(size, 4096);
    skn_file_close(file);
}

/* [E1] Past the page cache where that is possible, and through it where it is not. */
static void a_direct_write_is_read_back_and_goes_on_where_it_is_refused(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 2 * SKN_DIRECT_BYTES };
    static _Alignas(SKN_DIRECT_BYTES) uint8_t bytes[LEN];
    static uint8_t got[2 * LEN];
    struct skn_file *direct = NULL, *file = NULL;
    uint64_t size = 0;
    size_t n = 0;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_DIRECT, &direct, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(direct, LEN / 2, bytes, LEN, &f->diag), SKN_OK);
    assert_int_equal(skn_file_sync(direct, &f->diag), SKN_OK);
    assert_int_equal(skn_file_size(direct, &size, &f->diag), SKN_OK);
    assert_int_equal(size, LEN + LEN / 2);
    assert_int_equal(skn_file_pwrite(direct, 1, bytes + 1, 3, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(direct, 0, bytes, 1, &f->diag), SKN_OK);
    skn_file_close(direct);

    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_READ, &file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pread(file, 0, got, sizeof got, &n, &f->diag), SKN_OK);
    assert_int_equal(n, size);
    assert_memory_equal(got, bytes, 4);
    assert_int_equal(got[4], 0);
    assert_memory_equal(got + LEN / 2, bytes, LEN);
    skn_file_close(file);

    /* A device that knows no direct writes. */
    assert_int_equal(skn_env_open(f->env, "/dev/full", SKN_OPEN_DIRECT, &direct, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(direct, 0, bytes, LEN, &f->diag), SKN_EDISKFULL);
    skn_file_close(direct);
}

static void names_are_made_moved_listed_and_removed(void **state)
{
    struct fixture *f = *state;
    struct skn_file *file = NULL;
    int length = 0;
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_ANY, &file, &f->diag), SKN_OK);
    skn_file_close(file);
    assert_int_equal(skn_env_rename(f->env, f->path[0], f->path[1], &f->diag), SKN_OK);
    assert_int_equal(skn_env_sync_dir(f->env, f->dir, &f->diag), SKN_OK);
    assert_int_equal(skn_env_list(f->env, f->dir, count_names, &length, &f->diag), SKN_OK);
    assert_int_equal(length, 1);
    assert_int_equal(skn_env_unlink(f->env, f->path[1], &f->diag), SKN_OK);
    assert_int_equal(skn_env_mkdir(f->env, f->path[0], &f->diag), SKN_OK);
    assert_int_equal(skn_env_mkdir(f->env, f->path[0], &f->diag), SKN_EEXIST);
    assert_int_equal(rmdir(f->path[0]), 0);
}

static void failures_name_the_path_and_the_reason(void **state)
{
    struct fixture *f = *state;
    struct skn_file *file = NULL;
    char text[256];
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_READ, &file, &f->diag), SKN_ENOENT);
    (void)snprintf(
        text, sizeof text, "could not open \"%s\": No such file or directory", f->path[0]);
    assert_string_equal(f->diag.text, text);
    assert_int_equal(f->diag.rc, SKN_ENOENT);

    assert_int_equal(skn_env_open(f->env, "/dev/full", SKN_OPEN_WRITE, &file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, 0, "x", 1, &f->diag), SKN_EDISKFULL);
    assert_string_equal(f->diag.text, "could not write \"/dev/full\": No space left on device");
    skn_file_close(file);

    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_CREATE, &file, &f->diag), SKN_OK);
    skn_file_close(file);
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_CREATE, &file, &f->diag),
                     SKN_EEXIST);
    assert_int_equal(skn_env_unlink(f->env, f->path[1], &f->diag), SKN_ENOENT);
    assert_int_equal(skn_env_rename(f->env, f->path[1], f->path[0], &f->diag), SKN_ENOENT);
}

static void an_exclusive_lock_keeps_everybody_else_out_until_it_is_closed(void **state)
{
    struct fixture *f = *state;
    struct skn_file *a = NULL;
    struct skn_file *b = NULL;
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_ANY, &a, &f->diag), SKN_OK);
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_ANY, &b, &f->diag), SKN_OK);
    assert_int_equal(skn_file_lock(a, SKN_LOCK_SHARED, &f->diag), SKN_OK);
    assert_int_equal(skn_file_lock(b, SKN_LOCK_SHARED, &f->diag), SKN_OK);
    assert_int_equal(skn_file_lock(b, SKN_LOCK_EXCLUSIVE, &f->diag), SKN_EBUSY);
    skn_file_unlock(a);
    assert_int_equal(skn_file_lock(b, SKN_LOCK_EXCLUSIVE, &f->diag), SKN_OK);
    assert_int_equal(skn_file_lock(a, SKN_LOCK_SHARED, &f->diag), SKN_EBUSY);
    skn_file_close(b);
    assert_int_equal(skn_file_lock(a, SKN_LOCK_SHARED, &f->diag), SKN_OK);
    skn_file_close(a);
}

static void clocks_go_on_and_random_bytes_differ(void **state)
{
    struct fixture *f = *state;
    uint64_t before = skn_env_now_mono_ns(f->env);
    skn_env_sleep_ns(f->env, 1000000);
    assert_true(skn_env_now_mono_ns(f->env) >= before + 1000000);
    assert_true(skn_env_now_wall_ns(f->env) > UINT64_C(1600000000000000000));
    uint64_t a[4] = {0};
    uint64_t b[4] = {0};
    assert_int_equal(skn_env_random(f->env, a, sizeof a, &f->diag), SKN_OK);
    assert_int_equal(skn_env_random(f->env, b, sizeof b, &f->diag), SKN_OK);
    assert_memory_not_equal(a, b, sizeof a);
    struct skn_disk_space space = {0};
    assert_int_equal(skn_env_space(f->env, f->dir, &space, &f->diag), SKN_OK);
    assert_true(space.total_bytes > 0);
    assert_true(space.free_bytes <= space.total_bytes);
}

static void moved_clocks_go_by_the_file_and_all_else_is_the_machine(void **state)
{
    struct fixture *f = *state;
    const uint64_t hour_ns = UINT64_C(3600000000000);
    int64_t by[2] = {-5 * (int64_t)hour_ns, (int64_t)hour_ns};
    struct skn_env *moved = NULL;
    struct skn_file *file = NULL;
    assert_int_equal(skn_env_moved_create(f->path[0], &moved, &f->diag), SKN_EIO); /* no file */
    assert_int_equal(skn_env_open(f->env, f->path[0], SKN_OPEN_CREATE, &file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, 0, by, 8, &f->diag), SKN_OK);
    assert_int_equal(skn_env_moved_create(f->path[0], &moved, &f->diag), SKN_EIO); /* too short */
    assert_int_equal(skn_file_pwrite(file, 0, by, sizeof by, &f->diag), SKN_OK);
    assert_int_equal(skn_env_moved_create(f->path[0], &moved, &f->diag), SKN_OK);
    uint64_t wall = skn_env_now_wall_ns(f->env), even = skn_env_now_mono_ns(f->env);
    uint64_t moved_wall = skn_env_now_wall_ns(moved) + 5 * hour_ns;
    uint64_t moved_even = skn_env_now_mono_ns(moved) - hour_ns;
    assert_true(moved_wall - wall < hour_ns && moved_even - even < hour_ns);
    by[0] = 0;
    assert_int_equal(skn_file_pwrite(file, 0, by, 8, &f->diag), SKN_OK);
    moved_wall = skn_env_now_wall_ns(moved);
    assert_true(moved_wall >= wall && moved_wall - wall < hour_ns);
    skn_file_close(file);
    assert_int_equal(skn_env_open(moved, f->path[1], SKN_OPEN_CREATE, &file, &f->diag), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, 0, "hello", 5, &f->diag), SKN_OK);
    skn_file_close(file);
    assert_int_equal(skn_env_rename(f->env, f->path[1], f->path[0], &f->diag), SKN_OK);
    skn_env_moved_destroy(moved);
    skn_env_moved_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            moved_clocks_go_by_the_file_and_all_else_is_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_written_is_read_back_and_ends_where_the_file_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_direct_write_is_read_back_and_goes_on_where_it_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_made_moved_listed_and_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_name_the_path_and_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_exclusive_lock_keeps_everybody_else_out_until_it_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(clocks_go_on_and_random_bytes_differ, setup, teardown),
    };
    return cmocka_run_group_tests_name("env_real", tests, NULL, NULL);
}
