/* test_backup.c - the real program backs a project up while it works, and makes it again elsewhere. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

static struct skein s;

/* A project in `p` whose one event writes its key down and waits for as long as `time` says. */
static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    folder_mkdir(f, "p");
    folder_mkdir(f, "p/events");
    folder_mkdir(f, "p/flows");
    folder_write(f, "p/skein.yaml", "name: t\n");
    folder_write(f, "p/time", "2");
    folder_write(f,
                 "p/events/Key.yaml",
                 "event: Key\nversion: 1.0.0\nrun: { exec: [sh, -c, 'echo "
                 "$SKEIN_IDEMPOTENCY_KEY >>keys; exec sleep $(cat time)'] }\n");
    folder_write(f, "p/flows/key.pty", "Key -> Key\n");
    *state = f;
    return 0;
}

static void go_to(const struct folder *f, const char *name)
{
    static char dir[128];
    (void)snprintf(dir, sizeof dir, "%s/%s", f->path, name);
    s.dir = dir;
}

static void end_holder_in(struct folder *f, const char *name)
{
    struct folder in;
    int n = snprintf(in.path, sizeof in.path, "%.50s/%s", f->path, name);
    assert_true(n > 0 && (size_t)n < sizeof in.path);
    skein_end_holder(&in);
}

static int teardown(void **state)
{
    static const char *const names[] = {"p", "q", "r"};
    struct folder *f = *state;
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++)
        end_holder_in(f, names[i]);
    folder_remove(f);
    free(f);
    return 0;
}

static void must(const char *const *args, int code)
{
    if (skein_run(&s, args) == code) return;
    fail_msg("skein %s: %d, not %d: %s%s", args[0], s.code, code, s.out, s.err);
}

/* The project's files, as a person would copy them; the data is in the backup. */
static void copy_project(struct folder *f, const char *to)
{
    char name[64];
    static const char *const files[] = {"skein.yaml", "time", "events/Key.yaml", "flows/key.pty"};
    folder_mkdir(f, to);
    for (size_t i = 0; i < SKN_ARRAY_LEN(files); i++) {
        (void)snprintf(name, sizeof name, "p/%s", files[i]);
        char *text = folder_must_read(f, name);
        if (i == 1) text[0] = '0'; /* the work itself is short here */
        if (i == 2) (void)snprintf(name, sizeof name, "%s/events", to);
        if (i == 3) (void)snprintf(name, sizeof name, "%s/flows", to);
        if (i >= 2) assert_int_equal(mkdir(folder_at(f, name), 0700), 0);
        (void)snprintf(name, sizeof name, "%s/%s", to, files[i]);
        folder_write(f, name, text);
        free(text);
    }
}

/* So many tasks have begun. */
static void wait_for_keys(const struct folder *f, const char *name, size_t lines)
{
    for (int i = 0; i < 400; i++) {
        char *text = folder_read(f, name);
        size_t n = 0;
        for (const char *at = text; at && (at = strchr(at, '\n')) != NULL; at++)
            n++;
        free(text);
        if (n >= lines) return;
        skein_pause_ms(25);
    }
    fail_msg("%s has not %zu lines", name, lines);
}

/* E43: held until resume --all. Then work is done again under its old keys; in a copy what had not
 * begun when the backup was made has a new one. */
static void a_restored_project_is_held_and_then_goes_on(void **state) /* [E43] */
{
    struct folder *f = *state;
    go_to(f, "p");
    must((const char *[]){"run", "flows/key.pty", "--detach", NULL}, 0);
    wait_for_keys(f, "p/keys", 1);
    must((const char *[]){"backup", "../b", NULL}, 0);
    assert_non_null(strstr(s.out, "Backed up to"));
    must((const char *[]){"backup", "../b", NULL}, 73);
    wait_for_keys(f, "p/keys", 2); /* what began after the backup */
    end_holder_in(f, "p");
    char *key = folder_must_read(f, "p/keys");
    size_t first = strcspn(key, "\n");
    static const char *const names[] = {"q", "r"};
    for (int is_copy = 0; is_copy < 2; is_copy++) {
        char keys[32];
        copy_project(f, names[is_copy]);
        go_to(f, names[is_copy]);
        must((const char *[]){"restore", "../b", ".", is_copy ? "--copy" : NULL, NULL}, 0);
        must((const char *[]){"restore", "../b", NULL}, 73);
        must((const char *[]){"ps", NULL}, 0);
        assert_non_null(strstr(s.out, "interrupted"));
        must((const char *[]){"run", "flows/key.pty", NULL}, 75);
        assert_non_null(strstr(s.err, "skein resume --all"));
        must((const char *[]){"resume", NULL}, 75);
        (void)snprintf(keys, sizeof keys, "%s/keys", names[is_copy]);
        assert_int_equal(access(folder_at(f, keys), F_OK), -1);
        must((const char *[]){"resume", "--all", NULL}, 0);
        char *again = folder_must_read(f, keys);
        assert_memory_equal(again, key, first + 1);
        assert_int_equal(strcmp(again, key) != 0, is_copy);
        free(again);
        must((const char *[]){"run", "flows/key.pty", NULL}, 0);
        must((const char *[]){"verify", ".", NULL}, 0);
    }
    free(key);
}

static void what_cannot_be_backed_up_or_restored_says_why(void **state)
{
    struct folder *f = *state;
    go_to(f, "p");
    must((const char *[]){"backup", "../b", NULL}, 66);
    assert_non_null(strstr(s.err, "nothing was ever run"));
    must((const char *[]){"restore", "../b", "../q", NULL}, 66);
    assert_int_equal(access(folder_at(f, "q"), F_OK), -1);
    folder_write(f, "p/time", "0");
    must((const char *[]){"run", "flows/key.pty", NULL}, 0);
    must((const char *[]){"backup", "../none/b", NULL}, 66);
    must((const char *[]){"backup", "../b", "--json", NULL}, 0);
    assert_non_null(strstr(s.out, "\"records\":"));
    end_holder_in(f, "p");
    must((const char *[]){"restore", "../b", NULL}, 73);
    assert_non_null(strstr(s.err, "has data already"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_restored_project_is_held_and_then_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_cannot_be_backed_up_or_restored_says_why, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
