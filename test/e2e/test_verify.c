/* test_verify.c - the real program checks stored data: sound, damaged, cut, missing, held. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "env/env_real.h"
#include "journal/journal.h"
#include "lib/skein.h"

#include <dirent.h>
#include <sys/file.h>

enum { RECORDS = 40 };

static struct skein s;

static enum skn_rc no_records(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    (void)ctx, (void)record, (void)diag;
    return SKN_EINTERNAL;
}

/* A project with a journal of a few groups, closed cleanly. */
static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    folder_mkdir(f, ".skein");
    const struct skn_journal_options options = {
        .env = skn_env_real(), .dir = folder_at(f, ".skein/journal"), .no_reserve = true};
    struct skn_journal *journal;
    if (skn_journal_open(&options, no_records, NULL, &journal, NULL, NULL) != SKN_OK) return -1;
    static char text[5000];
    memset(text, 'x', sizeof(text));
    for (uint64_t n = 1; n <= RECORDS; n++) {
        const struct skn_record record = {
            .index = n, .term = 1, .stamp = n << 16, .message = skn_slice(text, sizeof(text))};
        if (skn_journal_append(journal, &record, NULL) != SKN_OK) return -1;
        if (n % 10 == 0 && skn_journal_flush(journal, NULL) != SKN_OK) return -1;
    }
    return skn_journal_close(journal, NULL) == SKN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

/* The largest file of the journal: its segment. */
static const char *segment(struct folder *f)
{
    static char path[FOLDER_PATH_MAX];
    char dir_path[FOLDER_PATH_MAX];
    (void)snprintf(dir_path, sizeof(dir_path), "%s", folder_at(f, ".skein/journal"));
    DIR *dir = opendir(dir_path);
    assert_non_null(dir);
    off_t largest = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char at[FOLDER_PATH_MAX];
        struct stat st;
        (void)snprintf(at, sizeof(at), "%.2000s/%s", dir_path, entry->d_name);
        if (stat(at, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= largest) continue;
        largest = st.st_size;
        (void)snprintf(path, sizeof(path), "%s", at);
    }
    (void)closedir(dir);
    return path;
}

static void flip(const char *path, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static void sound_data_is_counted(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    assert_has(s.out, "Sound: records 40, groups 4, segments 1, bytes ");
    assert_int_equal(SKEIN(&s, "verify", ".skein"), 0);
    assert_int_equal(SKEIN(&s, "verify", ".", "--json"), 0);
    assert_has(s.out, "{\"ok\":true,\"sealed\":true,\"generation\":1,\"segments\":1,\"groups\":4,");
}

static void a_flipped_bit_is_named_and_nothing_is_changed(void **state)
{
    struct folder *f = *state;
    char name[FOLDER_PATH_MAX];
    (void)snprintf(name, sizeof(name), "%s", strrchr(segment(f), '/') + 1);
    for (off_t at = 5000; at < 150000; at += 20011) {
        flip(segment(f), at);
        assert_int_equal(SKEIN(&s, "verify", "."), 65);
        assert_has(s.err, name);
        assert_string_equal(s.out, "");
        assert_int_equal(SKEIN(&s, "verify", ".", "--json"), 65);
        assert_has(s.out, "{\"error\":{\"code\":\"CORRUPT\"");
        flip(segment(f), at);
    }
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

static void a_cut_file_is_damage(void **state)
{
    struct folder *f = *state;
    assert_int_equal(truncate(segment(f), 100000), 0);
    assert_int_equal(SKEIN(&s, "verify", "."), 65);
    assert_int_equal(unlink(segment(f)), 0);
    assert_int_equal(SKEIN(&s, "verify", "."), 65);
}

static void where_there_is_no_data_it_says_so(void **state)
{
    struct folder *f = *state;
    folder_mkdir(f, "empty");
    folder_mkdir(f, "new");
    folder_mkdir(f, "new/.skein");
    assert_int_equal(SKEIN(&s, "verify", "none"), 66);
    assert_has(s.err, "there is no folder \"none\"");
    assert_int_equal(SKEIN(&s, "verify", "empty"), 66);
    assert_has(s.err, "nothing was ever run in \"empty\"");
    assert_int_equal(SKEIN(&s, "verify", "new"), 66);
    assert_int_equal(SKEIN(&s, "verify"), 2);
}

static void it_waits_until_the_holder_has_ended(void **state)
{
    struct folder *f = *state;
    folder_write(f, ".skein/lock", "1\n");
    pid_t child = fork();
    if (child == 0) {
        int fd = open(folder_at(f, ".skein/lock"), O_RDWR);
        if (fd < 0 || flock(fd, LOCK_EX) != 0) _exit(1);
        (void)usleep(300000);
        _exit(0);
    }
    (void)usleep(100000);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    int status;
    assert_int_equal(waitpid(child, &status, WNOHANG), child); /* it was over before */
    assert_int_equal(status, 0);
}

/* Data that one only looks at does not say what is run. */
static void a_key_command_of_another_project_is_not_run_unasked(void **state)
{
    struct folder *f = *state, elsewhere;
    char project[FOLDER_PATH_MAX];
    folder_make(&elsewhere);
    folder_write(f, "skein.yaml", "secrets: { key_command: [sh, -c, \"touch ran; exit 1\"] }\n");
    (void)snprintf(project, sizeof(project), "%s", f->path);
    s.dir = elsewhere.path;
    assert_int_equal(SKEIN(&s, "verify", project), 0);
    assert_int_equal(SKEIN(&s, "verify", project, "--replay"), 78);
    assert_has(s.err, "--key-command runs it");
    assert_int_not_equal(access(folder_at(f, "ran"), F_OK), 0);
    assert_int_equal(SKEIN(&s, "verify", project, "--replay", "--key-command"), 78);
    assert_has(s.err, "key_command \"sh\" failed");
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    assert_int_equal(SKEIN(&s, "verify", project, "--replay", "-p", project), 78);
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    s.dir = f->path; /* its own */
    assert_int_equal(SKEIN(&s, "verify", ".", "--replay"), 78);
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    folder_remove(&elsewhere);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_command_of_another_project_is_not_run_unasked),
        TEST(sound_data_is_counted),
        TEST(a_flipped_bit_is_named_and_nothing_is_changed),
        TEST(a_cut_file_is_damage),
        TEST(where_there_is_no_data_it_says_so),
        TEST(it_waits_until_the_holder_has_ended),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
