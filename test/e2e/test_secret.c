/* test_secret.c - the real program keeps secrets: in no file, in no answer, under a key that is
 * elsewhere [E46]. With the type Vault of src/dev, so in a test build only. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#define PLANTED "correct-horse-battery-staple"

static struct skein s;
static struct folder keys; /* outside of the project */

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    folder_make(&keys);
    folder_write(&keys, "planted", PLANTED "\n");
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    skein_end_holder(*state);
    folder_remove(*state);
    folder_remove(&keys);
    free(*state);
    return 0;
}

#ifdef SKN_TEST_BUILD

enum { BUSY = 75 };

static size_t found, files;

/* A new key in a file of the name, in front of what `behind` has. */
static void make_key(const char *name, const char *behind)
{
    assert_int_equal(SKEIN(&s, "secret", "key"), 0);
    assert_int_equal(strlen(s.out), 129);
    char text[4096];
    char *older = behind ? folder_must_read(&keys, behind) : calloc(1, 1);
    (void)snprintf(text, sizeof(text), "# of the test\n%.129s%.1000s", s.out, older);
    free(older);
    folder_write(&keys, name, text);
    assert_int_equal(chmod(folder_at(&keys, name), 0600), 0);
}

static void use_key(const struct folder *f, const char *name)
{
    char text[FOLDER_PATH_MAX + 100];
    (void)snprintf(text, sizeof(text), "secrets:\n  key_file: %s\n", folder_at(&keys, name));
    folder_write(f, "skein.yaml", text);
}

static int send(const char *address, const char *name, const char *json)
{
    char secret[FOLDER_PATH_MAX + 20];
    (void)snprintf(secret, sizeof(secret), "secret=%s", folder_at(&keys, "planted"));
    int code = BUSY;
    /* With so few records to a checkpoint new work is refused now and then [E12]. */
    for (int i = 0; i < 100 && code == BUSY; i++) {
        code = SKEIN(&s, "domain", "send", address, name, json, "--secret", secret);
        if (code == BUSY) skein_pause_ms(20);
    }
    assert_null(strstr(s.out, PLANTED));
    assert_null(strstr(s.err, PLANTED));
    return code;
}

static int tell(const char *address, const char *name, const char *json)
{
    int code = BUSY;
    for (int i = 0; i < 100 && code == BUSY; i++) {
        code = SKEIN(&s, "domain", "send", address, name, json);
        if (code == BUSY) skein_pause_ms(20);
    }
    return code;
}

static void expect_kept(const char *address)
{
    /* What another vault sent may still be under way. */
    for (int i = 0; i < 200; i++) {
        assert_int_equal(send(address, "check", "{\"name\":\"db\"}"), 0);
        if (strcmp(s.out, "true\n") == 0) return;
        skein_pause_ms(20);
    }
    fail_msg("%s has not the secret", address);
}

static void kill_holder(const struct folder *f)
{
    pid_t pid = skein_holder_pid(f);
    assert_true(pid > 0);
    (void)kill(pid, SIGKILL);
}

static int look_into(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)ftw;
    if (flag != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0) return 0;
    FILE *file = fopen(path, "r");
    if (!file) return 0; /* gone meanwhile */
    char *bytes = malloc((size_t)st->st_size);
    assert_non_null(bytes);
    size_t n = fread(bytes, 1, (size_t)st->st_size, file);
    (void)fclose(file);
    files++;
    if (memmem(bytes, n, PLANTED, strlen(PLANTED))) {
        print_message("%s has the secret\n", path);
        found++;
    }
    free(bytes);
    return 0;
}

static size_t search(const struct folder *f)
{
    found = files = 0;
    assert_int_equal(nftw(folder_at(f, ".skein"), look_into, 16, FTW_PHYS), 0);
    assert_true(files > 3); /* journal, superblock, log, guard, .. */
    return found;
}

static void says_nothing(void)
{
    static const char *const commands[][6] = {
        {"domain", "get", "a:Vault/0"},
        {"domain", "get", "a:Vault/0", "sdb"},
        {"domain", "get", "a:Vault/0", "--json"},
        {"domain", "trace", "a:Vault/0", "--last", "50"},
        {"journal", "dump", "--values"},
        {"journal", "dump", "--values", "--json"},
        {"domain", "send", "a:Vault/0", "get", "{\"name\":\"db\"}"},
        {"status", "--json"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(commands); i++) {
        const char *args[7] = {NULL};
        for (size_t k = 0; k < 6 && commands[i][k]; k++)
            args[k] = commands[i][k];
        assert_int_equal(skein_run(&s, args), 0);
        /* What a checkpoint trimmed is in no trace. */
        assert_true(strlen(s.out) > 0 || strcmp(args[1], "trace") == 0);
        assert_null(strstr(s.out, PLANTED));
        assert_null(strstr(s.err, PLANTED));
    }
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Vault/0", "sdb"), 0);
    assert_has(s.out, "***");
}

/* Rows, mail in a shard and between two, dead letters, request ids; the holder is killed in between,
* and with a checkpoint after each 60 records rows are in the store, too. */
static void use_it(const struct folder *f)
{
    char json[100];
    assert_int_equal(send("a:Vault/0", "put", "{\"name\":\"db\"}"), 0);
    assert_string_equal(s.out, "\"***\"\n");
    for (int i = 1; i < 6; i++) {
        char address[20];
        (void)snprintf(address, sizeof(address), "a:Vault/%d", i);
        (void)snprintf(json, sizeof(json), "{\"name\":\"db\",\"to\":\"%s\"}", address);
        assert_int_equal(tell("a:Vault/0", "pass", json), 0);
        if (i % 2) kill_holder(f);
        expect_kept(address);
    }
    assert_int_equal(send("a:Vault/0", "put", "{\"name\":\"x\",\"fault\":true}"), 70);
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "a:Vault/0", "--all"), 0);
    kill_holder(f);
    for (int i = 0; i < 30; i++)
        assert_int_equal(tell("a:Counter/0", "add", "{\"n\":1}"), 0);
}

static const char *const soon[] = {"SKEIN_CHECKPOINT_RECORDS=60", NULL};

static void a_secret_is_in_no_file_and_no_answer(void **state)
{
    make_key("first", NULL);
    use_key(*state, "first");
    s.env = soon;
    use_it(*state);
    assert_int_equal(search(*state), 0);
    says_nothing();
    skein_end_holder(*state);
    assert_int_equal(search(*state), 0);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

#    ifdef SKN_DEBUG
/* What would be found if it were there: with the bug that stores secrets as they are. */
static void the_search_finds_what_is_not_sealed(void **state)
{
    static const char *const bug[] = {"SKN_BUG=81", "SKEIN_CHECKPOINT_RECORDS=60", NULL};
    make_key("first", NULL);
    use_key(*state, "first");
    s.env = bug;
    use_it(*state);
    skein_end_holder(*state);
    assert_true(search(*state) > 0);
}
#    endif

static void without_its_key_it_waits_and_says_so(void **state)
{
    make_key("first", NULL);
    make_key("other", NULL);
    use_key(*state, "first");
    assert_int_equal(send("a:Vault/0", "put", "{\"name\":\"db\"}"), 0);
    skein_end_holder(*state);
    /* Gone, another one, one that others may read, one in the data, none at all, a bad line. */
    assert_int_equal(mkdir(folder_at(*state, "sub"), 0700), 0);
    folder_write(&keys, "bad", "0123\n");
    assert_int_equal(chmod(folder_at(&keys, "bad"), 0600), 0);
    make_key("open", NULL);
    assert_int_equal(chmod(folder_at(&keys, "open"), 0644), 0);
    char *text = folder_must_read(&keys, "first");
    folder_write(*state, ".skein/inside", text);
    free(text);
    assert_int_equal(chmod(folder_at(*state, ".skein/inside"), 0600), 0);
    static const struct {
        const char *config, *why;
    } cases[] = {
        {"secrets: { key_file: /nowhere/key }\n", "could not open the key file"},
        {"secrets: { key_file: .skein/inside }\n", "is in the data directory"},
        {"secrets: { key_command: [\"false\"] }\n", "key_command \"false\" failed"},
        {"secrets: { key_command: [/nowhere/program] }\n", "could not start key_command"},
        {"\n", NULL},
        {"OTHER", NULL},
        {"OPEN", "has the mode 0644"},
        {"BAD", "line 1 is no key"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        folder_write(*state, "skein.yaml", cases[i].config);
        if (cases[i].config[0] == 'O') use_key(*state, cases[i].why ? "open" : "other");
        if (cases[i].config[0] == 'B') use_key(*state, "bad");
        assert_int_equal(send("a:Vault/0", "check", "{\"name\":\"db\"}"), 78);
        assert_has(s.err, "sealing key");
        assert_int_equal(tell("a:Vault/0", "get", "{\"name\":\"db\"}"), 78);
        assert_int_equal(tell("a:Counter/0", "add", "{\"n\":1}"), 0);
        assert_int_equal(SKEIN(&s, "secret", "status"), 0);
        assert_has(s.out, "is not there");
        if (cases[i].why) assert_has(s.out, cases[i].why);
        char *log = folder_must_read(*state, ".skein/holder.log");
        if (cases[i].why) assert_has(log, "signal=keys_unreadable");
        free(log);
        skein_end_holder(*state);
    }
    /* What says nothing that could be tried ends the opening. */
    folder_write(*state, "skein.yaml", "secrets: { key_file: a, key_command: [b] }\n");
    assert_int_equal(tell("a:Counter/0", "get", "null"), 78);
    assert_has(s.err, "skein.yaml\", line 1: ");
    assert_has(s.err, "must be either key_file or key_command");
    /* A path that is too long behind the folder's is said to be one, not cut. */
    char far[4100] = "secrets: { key_file: ";
    size_t head = strlen(far);
    memset(far + head, 'k', sizeof(far) - head - 4);
    memcpy(far + sizeof(far) - 4, " }\n", 4);
    folder_write(*state, "skein.yaml", far);
    assert_int_equal(send("a:Vault/0", "check", "{\"name\":\"db\"}"), 78);
    assert_int_equal(SKEIN(&s, "secret", "status"), 0);
    assert_has(s.out, "the path of the key file is too long: \"kkkk");
    skein_end_holder(*state);
    /* Printed by a command it is as good. */
    char config[FOLDER_PATH_MAX + 50];
    (void)snprintf(
        config, sizeof(config), "secrets: { key_command: [cat, %s] }\n", folder_at(&keys, "first"));
    folder_write(*state, "skein.yaml", config);
    expect_kept("a:Vault/0");
}

static void a_new_key_takes_over(void **state)
{
    make_key("first", NULL);
    use_key(*state, "first");
    for (int i = 0; i < 3; i++) {
        char address[20];
        (void)snprintf(address, sizeof(address), "a:Vault/%d", i);
        assert_int_equal(send(address, "put", "{\"name\":\"db\"}"), 0);
    }
    make_key("both", "first");
    use_key(*state, "both");
    assert_int_equal(SKEIN(&s, "secret", "rotate"), 0);
    kill_holder(*state);
    bool is_done = false;
    for (int i = 0; i < 300 && !is_done; i++) {
        assert_int_equal(SKEIN(&s, "secret", "status", "--json"), 0);
        is_done = strstr(s.out, "\"shards_rewriting\":0") != NULL;
        /* Killed before it was told, a node rotates when it is told again. */
        if (!is_done) skein_pause_ms(20);
        if (!is_done && i % 20 == 0) assert_int_equal(SKEIN(&s, "secret", "rotate"), 0);
    }
    assert_true(is_done);
    assert_int_equal(SKEIN(&s, "secret", "status"), 0);
    assert_has(s.out, "  seals\n");
    assert_has(s.out, "needed: "); /* by the journal, until it is trimmed */
    assert_has(s.out, "records of the journal name it");
    for (int i = 0; i < 3; i++) {
        char address[20];
        (void)snprintf(address, sizeof(address), "a:Vault/%d", i);
        expect_kept(address);
    }
    skein_end_holder(*state);
    /* Rows name the new one alone: without the old one all is still there. */
    char *text = folder_must_read(&keys, "both");
    text[strlen("# of the test\n") + 129] = 0;
    folder_write(&keys, "second", text);
    free(text);
    assert_int_equal(chmod(folder_at(&keys, "second"), 0600), 0);
    use_key(*state, "second");
    for (int i = 0; i < 3; i++) {
        char address[20];
        (void)snprintf(address, sizeof(address), "a:Vault/%d", i);
        expect_kept(address);
    }
    assert_int_equal(search(*state), 0);
}

/* The history keeps rows and segments as they were: the old key is needed until it has gone on [E70]. */
static void the_history_needs_the_old_key_for_a_while(void **state)
{
    char text[FOLDER_PATH_MAX + 100];
    make_key("first", NULL);
    make_key("both", "first");
    (void)snprintf(
        text, sizeof(text), "history: 1h\nsecrets:\n  key_file: %s\n", folder_at(&keys, "first"));
    folder_write(*state, "skein.yaml", text);
    s.env = soon;
    assert_int_equal(send("a:Vault/0", "put", "{\"name\":\"db\"}"), 0);
    assert_int_equal(tell("a:Flood/0", "flood", "{\"to\":\"a:Flood/1\",\"count\":200}"), 0);
    char *both = folder_must_read(&keys, "both");
    folder_write(&keys, "first", both); /* keeps its mode */
    free(both);
    bool is_done = false, was_needed = false, is_needed = true;
    for (int i = 0; i < 300 && !is_done; i++) {
        assert_int_equal(SKEIN(&s, "secret", i == 0 ? "rotate" : "status", "--json"), 0);
        is_done = i > 0 && strstr(s.out, "\"shards_rewriting\":0") != NULL;
        was_needed |= strstr(s.out, "\"history_names_older\":true") != NULL;
        if (!is_done) skein_pause_ms(20);
    }
    assert_true(is_done);
    for (int i = 0; i < 60 && is_needed; i++) {
        if (i % 5 == 0) assert_int_equal(SKEIN(&s, "dev", "clock", "+45m"), 0);
        assert_int_equal(tell("a:Flood/0", "flood", "{\"to\":\"a:Flood/1\",\"count\":200}"), 0);
        assert_int_equal(SKEIN(&s, "secret", "status", "--json"), 0);
        is_needed = strstr(s.out, "\"history_names_older\":true") != NULL;
        was_needed |= is_needed;
        if (!was_needed) is_needed = true; /* there is no base yet */
        skein_pause_ms(30);
    }
    assert_true(was_needed && !is_needed);
}

static void what_is_too_large_or_malformed_is_refused(void **state)
{
    static char text[65538];
    char option[FOLDER_PATH_MAX + 20];
    make_key("first", NULL);
    use_key(*state, "first");
    memset(text, 'x', 65537);
    folder_write(&keys, "large", text);
    (void)snprintf(option, sizeof(option), "secret=%s", folder_at(&keys, "large"));
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Vault/0", "put", "{}", "--secret", option), 1);
    assert_has(s.err, "over 65536 bytes");
    text[65536] = 0;
    folder_write(&keys, "large", text);
    assert_int_equal(
        SKEIN(&s, "domain", "send", "a:Vault/0", "put", "{\"name\":\"x\"}", "--secret", option), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Vault/0", "put", "[1]", "--secret", option), 2);
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Counter/0", "add", "{}", "--secret", option),
                     2);
    assert_has(s.err, "takes no secrets");
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Vault/0", "put", "{}", "--secret", "x"), 2);
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Vault/0", "put", "{}", "--secret", "x=/no"),
                     66);
}
#endif

static void a_new_key_is_a_line_of_hex(void **state)
{
    (void)state;
    char first[200];
    assert_int_equal(SKEIN(&s, "secret", "key"), 0);
    assert_int_equal(strspn(s.out, "0123456789abcdef"), 128);
    assert_string_equal(s.out + 128, "\n");
    (void)snprintf(first, sizeof(first), "%.150s", s.out);
    assert_int_equal(SKEIN(&s, "secret", "key"), 0);
    assert_string_not_equal(first, s.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_key_is_a_line_of_hex, setup, teardown),
#ifdef SKN_TEST_BUILD
        cmocka_unit_test_setup_teardown(a_secret_is_in_no_file_and_no_answer, setup, teardown),
#    ifdef SKN_DEBUG
        cmocka_unit_test_setup_teardown(the_search_finds_what_is_not_sealed, setup, teardown),
#    endif
        cmocka_unit_test_setup_teardown(without_its_key_it_waits_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_key_takes_over, setup, teardown),
        cmocka_unit_test_setup_teardown(the_history_needs_the_old_key_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_large_or_malformed_is_refused, setup, teardown),
#endif
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
