/* test_dir.c - the data directory: made private, refused when foreign, locked once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/folder.h"
#include "node/dir_internal.h"

#include <sys/wait.h>

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

static void it_is_made_private_and_ignored_by_git(void **state)
{
    struct folder *f = *state;
    struct skn_data_dir dir;
    const char *path = folder_at(f, ".skein");
    assert_int_equal(skn_data_dir_open(path, &dir, NULL), SKN_ENOENT);
    assert_int_equal(skn_data_dir_create(path, &dir, NULL), SKN_OK);
    skn_data_dir_close(&dir);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    char *ignore = folder_read(f, ".skein/.gitignore");
    assert_string_equal(ignore, "*\n");
    free(ignore);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(skn_data_dir_create(path, &dir, NULL), SKN_OK);
    skn_data_dir_close(&dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void a_file_of_its_name_is_in_the_way(void **state)
{
    struct folder *f = *state;
    struct skn_data_dir dir;
    struct skn_diag diag;
    folder_write(f, ".skein", "");
    assert_int_equal(skn_data_dir_create(folder_at(f, ".skein"), &dir, &diag), SKN_EEXIST);
    assert_non_null(strstr(diag.text, "move the file"));
}

static void somebody_elses_directory_is_refused(void **state)
{
    struct folder *f = *state;
    if (geteuid() != 0) SKIP_BECAUSE("only root can make a folder of another user");
    struct skn_data_dir dir;
    struct skn_diag diag;
    folder_mkdir(f, ".skein");
    assert_int_equal(chown(folder_at(f, ".skein"), 12345, 12345), 0);
    assert_int_equal(skn_data_dir_create(folder_at(f, ".skein"), &dir, &diag), SKN_EPERM);
    assert_non_null(strstr(diag.text, "12345"));
}

static void a_folder_without_write_permission_says_so(void **state)
{
    struct folder *f = *state;
    struct skn_data_dir dir;
    struct skn_diag diag;
    if (geteuid() == 0) { /* root writes everywhere but in /proc */
        assert_int_equal(skn_data_dir_create("/proc/.skein", &dir, &diag), SKN_ENOENT);
        return;
    }
    assert_int_equal(chmod(f->path, 0500), 0);
    assert_int_equal(skn_data_dir_create(folder_at(f, ".skein"), &dir, &diag), SKN_EPERM);
    assert_int_equal(chmod(f->path, 0700), 0);
    assert_non_null(strstr(diag.text, "Permission denied"));
}

static void one_writes_or_many_read(void **state)
{
    struct folder *f = *state;
    struct skn_data_dir a, b, c;
    struct skn_diag diag;
    const char *path = folder_at(f, ".skein");
    assert_int_equal(skn_data_dir_create(path, &a, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_open(path, &b, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&b, SKN_HOLD_SHARED, NULL), SKN_ENOENT); /* never held */
    assert_int_equal(skn_data_dir_lock(&a, SKN_HOLD_EXCLUSIVE, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_pid(&b), getpid());
    assert_int_equal(skn_data_dir_lock(&b, SKN_HOLD_EXCLUSIVE, &diag), SKN_EBUSY);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "(%d)", getpid());
    assert_non_null(strstr(diag.text, pid));
    assert_int_equal(skn_data_dir_lock(&b, SKN_HOLD_SHARED, NULL), SKN_EBUSY);
    skn_data_dir_close(&a);
    assert_int_equal(skn_data_dir_lock(&b, SKN_HOLD_SHARED, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_open(path, &c, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&c, SKN_HOLD_SHARED, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_open(path, &a, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&a, SKN_HOLD_EXCLUSIVE, NULL), SKN_EBUSY);
    skn_data_dir_close(&a);
    skn_data_dir_close(&b);
    skn_data_dir_close(&c);
    skn_data_dir_close(&c);
}

static void what_a_holder_forked_keeps_the_lock(void **state)
{
    struct folder *f = *state;
    struct skn_data_dir dir;
    int hold[2];
    assert_int_equal(pipe(hold), 0);
    assert_int_equal(skn_data_dir_create(folder_at(f, ".skein"), &dir, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, NULL), SKN_OK);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        (void)close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    skn_data_dir_close(&dir);
    assert_int_equal(skn_data_dir_open(folder_at(f, ".skein"), &dir, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, NULL), SKN_EBUSY);
    (void)close(hold[1]);
    (void)close(hold[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, NULL), SKN_OK);
    skn_data_dir_close(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_made_private_and_ignored_by_git, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_its_name_is_in_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(somebody_elses_directory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_without_write_permission_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(one_writes_or_many_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_holder_forked_keeps_the_lock, setup, teardown),
    };
    return cmocka_run_group_tests_name("dir", tests, NULL, NULL);
}
