/* test_project.c - where a file's project is, and which ones are refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/folder.h"
#include "node/node.h"

struct fixture {
    struct folder folder;
    struct skn_arena arena;
    struct skn_project project;
    struct skn_diag diag;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    folder_make(&f->folder);
    skn_arena_init(&f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    folder_remove(&f->folder);
    skn_arena_fini(&f->arena);
    free(f);
    return 0;
}

static void the_nearest_folder_upward_is_the_project(void **state) /* [E80] */
{
    struct fixture *f = *state;
    folder_mkdir(&f->folder, "p");
    folder_mkdir(&f->folder, "p/flows");
    folder_mkdir(&f->folder, "p/flows/deep");
    folder_write(&f->folder, "p/skein.yaml", "name: p\n");
    folder_write(&f->folder, "p/flows/deep/a.pty", "Noop");
    static const char *const from[] = {"p", "p/flows", "p/flows/deep", "p/flows/deep/a.pty"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(from); i++) {
        const char *path = folder_at(&f->folder, from[i]);
        assert_int_equal(skn_project_find(&f->arena, path, &f->project, NULL), SKN_OK);
        assert_string_equal(f->project.root, folder_at(&f->folder, "p"));
        assert_string_equal(f->project.data_path, folder_at(&f->folder, "p/.skein"));
        assert_true(f->project.has_config);
        assert_false(skn_project_has_data(&f->project));
    }
    folder_write(&f->folder, "p/flows/skein.yaml", "");
    const char *path = folder_at(&f->folder, "p/flows/deep/a.pty");
    assert_int_equal(skn_project_find(&f->arena, path, &f->project, NULL), SKN_OK);
    assert_string_equal(f->project.root, folder_at(&f->folder, "p/flows"));
}

static void a_lone_file_keeps_its_data_beside_it(void **state)
{
    struct fixture *f = *state;
    folder_write(&f->folder, "a.pty", "Noop");
    folder_mkdir(&f->folder, "skein.yaml"); /* a folder of that name is no project file */
    const char *path = folder_at(&f->folder, "a.pty");
    assert_int_equal(skn_project_find(&f->arena, path, &f->project, NULL), SKN_OK);
    assert_string_equal(f->project.root, f->folder.path);
    assert_false(f->project.has_config);
    folder_mkdir(&f->folder, ".skein");
    assert_true(skn_project_has_data(&f->project));
}

static void the_root_folder_is_written_without_a_second_slash(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(skn_project_find(&f->arena, "/", &f->project, NULL), SKN_OK);
    assert_string_equal(f->project.root, "/");
    assert_string_equal(f->project.data_path, "/.skein");
}

static void what_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;
    const char *path = folder_at(&f->folder, "none.pty");
    assert_int_equal(skn_project_find(&f->arena, path, &f->project, &f->diag), SKN_ENOENT);
    assert_non_null(strstr(f->diag.text, path));
    assert_int_equal(symlink("loop", folder_at(&f->folder, "loop")), 0);
    path = folder_at(&f->folder, "loop");
    assert_int_equal(skn_project_find(&f->arena, path, &f->project, &f->diag), SKN_EIO);
    assert_non_null(strstr(f->diag.text, "symbolic links"));
}

static void a_named_folder_must_be_a_project(void **state)
{
    struct fixture *f = *state;
    const char *path = f->folder.path;
    assert_int_equal(skn_project_named(&f->arena, path, &f->project, &f->diag), SKN_ENOENT);
    assert_non_null(strstr(f->diag.text, "skein init"));
    folder_mkdir(&f->folder, ".skein");
    assert_int_equal(skn_project_named(&f->arena, path, &f->project, &f->diag), SKN_OK);
    folder_write(&f->folder, "skein.yaml", "");
    assert_int_equal(skn_project_named(&f->arena, path, &f->project, &f->diag), SKN_OK);
    assert_true(f->project.has_config);
    path = folder_at(&f->folder, "skein.yaml");
    assert_int_equal(skn_project_named(&f->arena, path, &f->project, &f->diag), SKN_ENOENT);
}

static void somebody_elses_project_is_refused_until_named(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0) SKIP_BECAUSE("only root can make a file of another user");
    folder_write(&f->folder, "skein.yaml", "");
    folder_write(&f->folder, "a.pty", "Noop");
    assert_int_equal(chown(folder_at(&f->folder, "skein.yaml"), 12345, 12345), 0);
    const char *path = folder_at(&f->folder, "a.pty");
    assert_int_equal(skn_project_find(&f->arena, path, &f->project, &f->diag), SKN_EPERM);
    assert_non_null(strstr(f->diag.text, "12345"));
    assert_non_null(strstr(f->diag.text, "--project"));
    assert_int_equal(skn_project_named(&f->arena, f->folder.path, &f->project, NULL), SKN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_nearest_folder_upward_is_the_project, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lone_file_keeps_its_data_beside_it, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_root_folder_is_written_without_a_second_slash, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_named_folder_must_be_a_project, setup, teardown),
        cmocka_unit_test_setup_teardown(
            somebody_elses_project_is_refused_until_named, setup, teardown),
    };
    return cmocka_run_group_tests_name("project", tests, NULL, NULL);
}
