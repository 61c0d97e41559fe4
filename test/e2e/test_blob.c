/* test_blob.c - the real program stores contents, counts them, lets them go, backs them up [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/skein.h"

#include <dirent.h>

enum { HEX = 64, LARGE = 700000, WAIT_MS = 10000, KILLS = 24 };

#define HELLO "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static struct skein s;
static const char *const soon[] = {"SKEIN_BLOB_CONDEMNED_MS=96", NULL};

static int setup(void **state)
{
    int rc = skein_project_begin(&s, state);
    folder_write(*state, "hello", "hello\n");
    return rc;
}

static int teardown(void **state)
{
    return skein_project_end(state);
}

static bool has_file(struct folder *f, const char *hash)
{
    char path[128];
    (void)snprintf(path, sizeof path, ".skein/blobs/%s", hash);
    return access(folder_at(f, path), F_OK) == 0;
}

static size_t files(struct folder *f)
{
    size_t n = 0;
    DIR *dir = opendir(folder_at(f, ".skein/blobs"));
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    if (dir) (void)closedir(dir);
    return n;
}

static void put_hello(void)
{
    assert_int_equal(SKEIN(&s, "blob", "put", "hello"), 0);
    assert_string_equal(s.out, HELLO "\n");
}

static bool goes(struct folder *f, const char *hash)
{
    for (int i = 0; i < WAIT_MS / 20 && has_file(f, hash); i++)
        skein_pause_ms(20);
    return !has_file(f, hash);
}

static void what_is_put_is_got_back(void **state)
{
    struct folder *f = *state;
    put_hello();
    put_hello();
    assert_int_equal(files(f), 1); /* once */
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 0);
    assert_string_equal(s.out, "hello\n");
    assert_int_equal(SKEIN(&s, "blob", "get", "5891"), 0);
    assert_string_equal(s.out, "hello\n");
    assert_int_equal(SKEIN(&s, "blob", "put"), 0); /* standard input, which is empty */
    assert_has(s.out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(SKEIN(&s, "blob", "put", "hello", "--json"), 0);
    assert_string_equal(s.out, "{\"hash\":\"" HELLO "\"}\n");
    assert_int_equal(SKEIN(&s, "blob", "ls"), 0);
    assert_has(s.out, "live                 6      0  yes  " HELLO "\n");
    assert_int_equal(SKEIN(&s, "blob", "ls", "--json", "58"), 0);
    assert_string_equal(s.out,
                        "{\"blobs\":[{\"hash\":\"" HELLO "\",\"pinned\":true,\"shards\":0,"
                        "\"size\":6,\"state\":\"live\",\"stored\":true}],\"next\":null}\n");
    assert_int_equal(SKEIN(&s, "blob", "ls", "--limit", "1", "--json"), 0);
    assert_has(s.out, "\"next\":\"" HELLO "\"}");
    assert_int_equal(SKEIN(&s, "blob", "ls", "--after", HELLO), 0);
    assert_null(strstr(s.out, HELLO));
    assert_has(s.out, "e3b0c442");
    assert_int_equal(SKEIN(&s, "blob", "info", "5891"), 0);
    assert_has(s.out, "State    live\nSize     6 bytes\nPut      yes");
}

static void what_is_wrong_is_named(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "blob", "ls"), 0); /* nothing was ever run here */
    assert_int_equal(SKEIN(&s, "blob", "put", "missing"), 66);
    assert_has(s.err, "could not open \"missing\"");
    put_hello();
    assert_int_equal(SKEIN(&s, "blob", "get", "abcd"), 66);
    assert_has(s.err, "there is no blob \"abcd\"; skein blob ls lists them");
    assert_int_equal(SKEIN(&s, "blob", "get", "ab"), 2);
    assert_int_equal(SKEIN(&s, "blob", "get", "nothex"), 2);
    assert_int_equal(SKEIN(&s, "blob", "get"), 2);
    assert_int_equal(SKEIN(&s, "blob", "rm", "abcd"), 66);
    /* The steps of storing are not for people, nor is the removal of the domain. */
    assert_int_equal(SKEIN(&s, "domain", "send", "blob:Blob/" HELLO, "stored", "[1,2]"), 73);
    assert_int_equal(SKEIN(&s, "domain", "rm", "blob:Blob/" HELLO), 73);
    assert_has(s.err, "a blob is not removed");
    assert_int_equal(SKEIN(&s, "domain", "send", "blob:Blob/" HELLO, "get"), 0);
    assert_has(s.out, "\"state\":\"live\"");
    /* A file that is another one, and none. */
    folder_write(f, ".skein/blobs/" HELLO, "hellO\n");
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 65);
    assert_has(s.err, HELLO " is not what its name says");
    assert_string_equal(s.out, "");
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 65);
    assert_has(s.err, HELLO " is not what its name says");
    assert_int_equal(unlink(folder_at(f, ".skein/blobs/" HELLO)), 0);
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 65);
    assert_has(s.err, "is gone: put the file back, or restore a backup");
    assert_int_equal(SKEIN(&s, "verify", "."), 65);
    assert_has(s.err, "is gone: put the file back, or restore a backup");
    /* Who has it yet puts it again: one that is known all the same comes back, lost or damaged. */
    put_hello();
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 0);
    assert_string_equal(s.out, "hello\n");
    folder_write(f, ".skein/blobs/" HELLO, "hellO\n");
    put_hello();
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 0);
    assert_string_equal(s.out, "hello\n");
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    assert_has(s.out, "Blobs: 1, bytes 6.\n");
    assert_int_equal(SKEIN(&s, "verify", ".", "--json"), 0);
    assert_has(s.out, "\"blobs\":1,\"blob_bytes\":6");
}

/* Rows keep it, wherever they are; then its time runs. */
static void a_content_that_nothing_names_goes(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short, and there are albums, in test builds only */
#endif
    struct folder *f = *state;
    static const char keep[] = "{\"name\":\"a\",\"hash\":\"" HELLO "\",\"size\":6}";
    s.env = soon;
    put_hello();
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Album/1", "keep", keep), 0);
    assert_int_equal(SKEIN(&s, "blob", "rm", "5891"), 0);
    assert_has(s.out, "rows still name it");
    assert_int_equal(SKEIN(&s, "blob", "info", "5891"), 0);
    assert_has(s.out, "Named    by rows of 1 shards\n  row         a:Album/1 pa\n");
    assert_int_equal(SKEIN(&s, "blob", "info", "5891", "--json"), 0);
    assert_has(
        s.out,
        "\"names\":[{\"address\":\"a:Album/1\",\"key\":\"pa\",\"kind\":\"row\"}],\"more\":false}");
    for (int i = 2; i < 6; i++) {
        char to[64];
        (void)snprintf(to, sizeof to, "{\"name\":\"a\",\"to\":\"a:Album/%d\"}", i);
        assert_int_equal(SKEIN(&s, "domain", "send", "a:Album/1", "pass", to), 0);
    }
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Album/1", "drop", "{\"name\":\"a\"}"), 0);
    skein_pause_ms(500);
    assert_int_equal(SKEIN(&s, "blob", "info", HELLO), 0);
    assert_has(s.out, "State    live");
    assert_has(s.out, "Put      no");
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 0);
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    for (int i = 2; i < 6; i++) {
        char from[16];
        (void)snprintf(from, sizeof from, "a:Album/%d", i);
        assert_true(has_file(f, HELLO));
        assert_int_equal(SKEIN(&s, "domain", "send", from, "drop", "{\"name\":\"passed\"}"), 0);
    }
    assert_true(goes(f, HELLO));
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 66);
    put_hello(); /* and it can be stored again */
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO), 0);
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

/* An opening removes what was never finished; what nobody knows goes like what nobody names. */
static void a_file_that_no_row_knows_is_condemned(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short, and there are albums, in test builds only */
#endif
    struct folder *f = *state;
    static const char stray[] =
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* of "hello" */
    put_hello();
    skein_end_holder(f);
    char path[128];
    (void)snprintf(path, sizeof path, ".skein/blobs/%s", stray);
    folder_write(f, path, "hello");
    folder_write(f, ".skein/blobs/tmp-00", "half");
    s.env = soon;
    put_hello(); /* opens */
    assert_false(access(folder_at(f, ".skein/blobs/tmp-00"), F_OK) == 0);
    assert_true(goes(f, stray));
    assert_true(has_file(f, HELLO));
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

static void a_backup_has_the_contents(void **state)
{
    struct folder *f = *state;
    put_hello();
    assert_int_equal(SKEIN(&s, "backup", "copy"), 0);
    assert_int_equal(SKEIN(&s, "verify", "copy"), 0);
    assert_has(s.out, "Blobs: 1, bytes 6.\n");
    skein_end_holder(f);
    assert_int_equal(unlink(folder_at(f, ".skein/blobs/" HELLO)), 0);
    folder_mkdir(f, "again");
    folder_write(f, "again/skein.yaml", "");
    assert_int_equal(SKEIN(&s, "restore", "copy", "again"), 0);
    assert_int_equal(SKEIN(&s, "blob", "get", HELLO, "-p", "again"), 0);
    assert_string_equal(s.out, "hello\n");
    assert_int_equal(SKEIN(&s, "verify", "again"), 0);
    /* One that is not what its name says is not backed up. */
    folder_write(f, ".skein/blobs/" HELLO, "hellO\n");
    assert_int_equal(SKEIN(&s, "backup", "other"), 65);
    assert_false(access(folder_at(f, "other"), F_OK) == 0);
    folder_write(f, "copy/blobs/" HELLO, "hellO\n");
    assert_int_equal(SKEIN(&s, "restore", "copy", "third"), 65);
}

/* The client or the holder is killed at any moment of a put: what was said to be stored is there, and what
 * was not leaves nothing behind. */
static void what_is_killed_loses_nothing_and_leaves_nothing(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short in test builds only */
#endif
    struct folder *f = *state;
    static char hashes[KILLS][HEX + 1], text[LARGE + 1];
    static const char *const later[] = {"SKEIN_BLOB_CONDEMNED_MS=3000", NULL};
    size_t stored = 0, killed = 0;
    s.env = later;
    put_hello();
    for (int i = 0; i < KILLS; i++) {
        memset(text, 'a' + i, LARGE);
        folder_write(f, "content", text);
        skein_start(&s, (const char *const[]){"blob", "put", "content", NULL});
        skein_pause_ms(i * 13 % 50);
        pid_t holder = skein_holder_pid(f);
        (void)kill(i % 3 == 0 || holder == 0 ? s.pid : holder, SIGKILL);
        if (skein_wait(&s) == 0)
            (void)snprintf(hashes[stored++], HEX + 1, "%.64s", s.out);
        else
            killed++;
    }
    print_message("covered: %zu puts that went on, %zu that were cut off\n", stored, killed);
    for (size_t i = 0; i < stored; i++) {
        assert_int_equal(SKEIN(&s, "blob", "get", hashes[i]), 0);
        assert_int_equal(strlen(s.out), LARGE);
        assert_int_equal(s.out[0], s.out[LARGE - 1]);
    }
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    /* Whose client was killed before it could say so is kept, too, and listed; also what is in the last
     * group of a holder that was killed, once somebody opened it for writing [E81]. */
    put_hello();
    assert_int_equal(SKEIN(&s, "blob", "ls"), 0);
    char *list = strdup(s.out), *yes = list;
    for (size_t n = 0; (yes = strstr(yes, "  yes  ")); n++) {
        yes += strlen("  yes  ");
        yes[HEX] = 0;
        if (strcmp(yes, HELLO) != 0) {
            put_hello(); /* a holder is there */
            if (n % 4 == 0) (void)kill(skein_holder_pid(f), SIGKILL);
            assert_int_equal(SKEIN(&s, "blob", "rm", yes), 0);
        }
        yes += HEX + 1;
    }
    free(list);
    put_hello();
    for (int i = 0; i < 2 * WAIT_MS / 20 && files(f) > 1; i++) {
        if (i % 50 == 49) put_hello(); /* and stays for a while */
        skein_pause_ms(20);
    }
    assert_int_equal(files(f), 1);
    assert_true(has_file(f, HELLO));
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_is_got_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_content_that_nothing_names_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_no_row_knows_is_condemned, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_has_the_contents, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_killed_loses_nothing_and_leaves_nothing, setup, teardown),
    };
    return cmocka_run_group_tests_name("e2e/blob", tests, NULL, NULL);
}
