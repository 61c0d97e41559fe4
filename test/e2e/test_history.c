/* test_history.c - the real program looks back: at a stamp, over all batches, beside a holder and
 * without one, with `history` and without [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <glob.h>

static struct skein s;
static const char *const often[] = {"SKEIN_CHECKPOINT_RECORDS=20", NULL};

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    folder_write(f, "skein.yaml", "name: back\n");
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    s.env = often;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    skein_end_holder(*state);
    folder_remove(*state);
    free(*state);
    return 0;
}

static void send(const char *address, const char *name, const char *payload)
{
    int code = 75;
    for (int i = 0; i < 100 && code == 75; i++) { /* a checkpoint may have to catch up */
        code = SKEIN(&s, "domain", "send", address, name, payload);
        if (code == 75) skein_pause_ms(20);
    }
    if (code != 0) fail_msg("%s", s.err);
}

/* The bound names the last batch 100 ms after it, or when something else came [E81]. */
static void settle(void)
{
    skein_pause_ms(300);
}

/* The first word of line `n` of what was printed: a stamp. */
static void stamp_of_line(int n, char out[64])
{
    const char *line = s.out;
    for (int i = 0; i < n; i++) {
        line = strchr(line, '\n');
        assert_non_null(line);
        line++;
    }
    (void)snprintf(out, 64, "%.*s", (int)strcspn(line, " "), line);
    assert_int_not_equal(out[0], 0);
}

static size_t count_files(struct folder *f, const char *pattern)
{
    glob_t found;
    size_t count = 0;
    if (glob(folder_at(f, pattern), 0, NULL, &found) == 0) {
        count = found.gl_pathc;
        globfree(&found);
    }
    return count;
}

static void make_past(char first[64], char second[64])
{
    send("a:Counter/x", "add-many", "{\"n\":1,\"rows\":3}");
    send("a:Counter/x", "add-many", "{\"n\":1,\"rows\":3}");
    send("a:Counter/x", "drop", "{\"rows\":1,\"why\":\"prune\"}");
    send("a:Counter/x", "drop", "{\"rows\":2}");
    settle();
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x"), 0);
    stamp_of_line(0, first);
    stamp_of_line(1, second);
}

/* What --at shows at the first two batches of make_past. */
static void check_past(const char *first, const char *second)
{
    if (SKEIN(&s, "domain", "get", "a:Counter/x", "--at", first) != 0) fail_msg("%s", s.err);
    assert_has(s.out, "r000                (pruned)\n");
    assert_has(s.out, "r001                {\"n\":1,");
    assert_has(s.out, "sum                 1\n");
    if (SKEIN(&s, "domain", "get", "a:Counter/x", "sum", "--at", second) != 0)
        fail_msg("%s", s.err);
    assert_string_equal(s.out, "2\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Counter/x", "r000", "--at", second, "--json"),
                     0);
    assert_has(s.out, "\"pruned\":true");
}

/* Without `history`, from a journal of which nothing is gone. */
static void what_the_journal_still_has_can_be_looked_at(void **state)
{
    char first[64], second[64];
    s.env = NULL;
    make_past(first, second);
    check_past(first, second);
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x"), 0);
    assert_has(s.out, " request add-many; +r000#");
    assert_has(s.out, " request drop; -r000 prune\n");
    assert_has(s.out, " request drop; -r000 delete -r001 delete\n");
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x", "--values"), 0);
    assert_has(s.out, "=(pruned)");
    assert_has(s.out, "={\"n\":2,\"pad\":\"\"}");
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x", "--until", first), 0);
    assert_null(strstr(s.out, "drop"));
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x", "--limit", "1", "--json"), 0);
    assert_has(s.out, "\"why\":\"delete\"");
    assert_has(s.err, "the last 1");
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/none"), 66);
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Counter/x", "--at", "1999-01-01T00:00:00Z"), 66);
    assert_has(s.err, "there was no domain");
    /* Nor is it in a dump (P8). */
    assert_int_equal(SKEIN(&s, "journal", "dump", "--values"), 0);
    assert_has(s.out, "-row:a:Counter/x:r000(prune)");
    assert_has(s.out, "=(pruned)");
    skein_end_holder(*state);
    check_past(first, second);
}

/* Without `history`, behind trims: what came since the last checkpoint, beside a holder too. */
static void what_the_tail_holds_can_be_looked_at(void **state)
{
    char first[64], at[64], sum[16];
    for (int i = 0; i < 120; i++)
        send("a:Counter/x", "add-many", "{\"rows\":5,\"bytes\":400}");
    settle();
    assert_int_equal(access(folder_at(*state, ".skein/journal/0000000000000001.seg"), F_OK), -1);
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x"), 0);
    stamp_of_line(0, first);
    int code = 66;
    for (int i = 0; i < 10 && code == 66; i++) { /* a checkpoint may come in between */
        send("a:Counter/x", "add", "null");
        (void)snprintf(sum, sizeof(sum), "%.*s", (int)strcspn(s.out, "\n"), s.out);
        settle();
        assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/x", "--limit", "1"), 0);
        stamp_of_line(0, at);
        send("a:Counter/x", "add", "null");
        settle();
        code = SKEIN(&s, "domain", "get", "a:Counter/x", "sum", "--at", at);
    }
    if (code != 0) fail_msg("%s", s.err);
    assert_int_equal(strtol(s.out, NULL, 10), strtol(sum, NULL, 10));
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Counter/x", "--at", first), 66);
    assert_has(s.err, "not kept: the oldest stamp is 2");
    assert_int_equal(count_files(*state, ".skein/tmp/look-*"), 0);
    skein_end_holder(*state);
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Counter/x", "sum", "--at", at), 0);
    assert_int_equal(strtol(s.out, NULL, 10), strtol(sum, NULL, 10));
}

/* Trims go on, bases are made, and what was is still there; then the clock goes on. */
static void with_history_it_stays_for_as_long_as_it_says(void **state)
{
    struct folder *f = *state;
    char first[64], second[64], address[32];
    folder_write(f, "skein.yaml", "name: back\nhistory: 1h\n");
    for (int i = 0; i < 30; i++) /* a first base */
        send("a:Counter/z", "add", "1");
    make_past(first, second);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(address, sizeof(address), "a:Counter/%d", i % 5);
        send(address, "add-many", "{\"rows\":5,\"bytes\":400}");
    }
    settle();
    assert_true(count_files(f, ".skein/history/*.seg") > 0);
    check_past(first, second);       /* beside the holder */
    send("a:Counter/z", "add", "1"); /* on a busy machine that took so long that it has ended */
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "history      1 h 00 min and more; the oldest base is of 2");
    assert_int_equal(SKEIN(&s, "status", "--json"), 0);
    assert_has(s.out, "\"history\":{\"given_up\":false,\"keep_ms\":3600000,\"since\":\"2");
    skein_end_holder(f);
    check_past(first, second); /* and without one */
    assert_int_equal(SKEIN(&s, "verify", ".", "--replay"), 0);
    assert_has(s.out, "Executed again, with the same batches and states: records ");
    /* Two hours later another base takes over, and the first one goes. */
    for (int hour = 0; hour < 3; hour++) {
        assert_int_equal(SKEIN(&s, "dev", "clock", "+2h"), 0);
        for (int i = 0; i < 60; i++)
            send("a:Counter/z", "add-many", "{\"rows\":5,\"bytes\":400}");
    }
    settle();
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Counter/x", "--at", first), 66);
    assert_has(s.err, "not kept: the oldest stamp is 2");
    assert_in_range(count_files(f, ".skein/history/*.ok"), 1, 2);
    /* Off again: it goes. */
    skein_end_holder(f);
    folder_write(f, "skein.yaml", "name: back\nhistory: off\n");
    send("a:Counter/z", "add", "1");
    assert_int_equal(count_files(f, ".skein/history/*.seg"), 0);
    assert_int_equal(count_files(f, ".skein/history/*.base"), 0);
}

/* The holder is killed over and over, in the middle of checkpoints, bases and trims: at every stamp the
 * sum is the one that was answered then, or it is not kept, and the newest ones are kept. */
static void kills_leave_a_past_that_is_true(void **state)
{
    enum { KILLS = 6, MESSAGES = 20, SHOWN = 40 };
    struct folder *f = *state;
    static const char *const all[] = {"SKEIN_CHECKPOINT_RECORDS=12", NULL};
    char address[32], stamps[SHOWN][64];
    long sums[SHOWN];
    int count = 0, kept = 0;
    s.env = all;
    folder_write(f, "skein.yaml", "name: back\nhistory: 1s\n");
    for (int k = 0; k < KILLS; k++) {
        for (int i = 0; i < MESSAGES; i++) {
            (void)snprintf(address, sizeof(address), "a:Counter/%d", i % 3);
            send(address, "add-many", "{\"rows\":4,\"bytes\":900}");
        }
        if (skein_holder_pid(f) > 0) (void)kill(skein_holder_pid(f), SIGKILL);
    }
    settle();
    assert_int_equal(SKEIN(&s, "domain", "history", "a:Counter/1", "--values"), 0);
    for (const char *line = s.out; *line && count < SHOWN; line = strchr(line, '\n') + 1) {
        const char *sum = strstr(line, " +sum#");
        if (!sum || sum > strchr(line, '\n')) continue;
        (void)snprintf(stamps[count], 64, "%.*s", (int)strcspn(line, " "), line);
        sums[count++] = strtol(strchr(sum, '=') + 1, NULL, 10);
    }
    assert_true(count > 5);
    for (int i = 0; i < count; i++) {
        int code = SKEIN(&s, "domain", "get", "a:Counter/1", "sum", "--at", stamps[i]);
        if (code == 66 && strstr(s.err, "not kept")) continue;
        if (code != 0) fail_msg("%s", s.err);
        kept++;
        assert_int_equal(strtol(s.out, NULL, 10), sums[i]);
    }
    assert_true(kept > 0);
    skein_end_holder(f);
    if (SKEIN(&s, "verify", ".", "--replay") != 0) fail_msg("%s", s.err);
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

/* A bit in the first groups of a kept segment, or in the first rows of a base. */
static int flip_each(const struct folder *f, const char *pattern, off_t at, const char *what)
{
    glob_t files;
    int count = 0;
    if (glob(folder_at(f, pattern), 0, NULL, &files) != 0) return 0;
    for (size_t i = 0; i < files.gl_pathc && count < 4; i++, count++) {
        flip(files.gl_pathv[i], at);
        if (SKEIN(&s, "verify", ".") != 65) fail_msg("%s: %d %s", files.gl_pathv[i], s.code, s.out);
        assert_has(s.err, what);
        assert_string_equal(s.out, "");
        flip(files.gl_pathv[i], at);
    }
    globfree(&files);
    return count;
}

/* What is kept is checked as the rest is, and where it is damaged that is named [E70]. */
static void verify_reads_what_is_kept(void **state) /* RELIABILITY, damage */
{
    struct folder *f = *state;
    folder_write(f, "skein.yaml", "name: back\nhistory: 1h\n");
    for (int i = 0; i < 100; i++)
        send("a:Counter/1", "add-many", "{\"rows\":5,\"bytes\":400}");
    settle();
    skein_end_holder(f);
    assert_true(count_files(f, ".skein/history/*.seg") > 0);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    assert_has(s.out, "History: bases ");
    assert_int_equal(SKEIN(&s, "verify", ".", "--json"), 0);
    assert_has(s.out, "\"history_bases\":");
    assert_true(flip_each(f, ".skein/history/*.seg", 5000, "history/") > 0);
    assert_true(flip_each(f, ".skein/history/*.base/*.sst", 10, "history/") > 0);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

/* A folder that cannot be made stops nobody: there is no history, and it is said. */
static void without_a_base_work_goes_on_and_it_is_said(void **state)
{
    struct folder *f = *state;
    send("a:Counter/x", "add", "1");
    skein_end_holder(f);
    folder_write(f, ".skein/history", "in the way");
    folder_write(f, "skein.yaml", "name: back\nhistory: 1h\n");
    for (int i = 0; i < 60; i++)
        send("a:Counter/x", "add", "1");
    settle();
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "history      1 h 00 min and more; GIVEN UP: ");
    char log[8192] = "";
    FILE *file = fopen(folder_at(f, ".skein/holder.log"), "r");
    assert_non_null(file);
    (void)!fread(log, 1, sizeof(log) - 1, file);
    (void)fclose(file);
    assert_has(log, "signal=history_given_up");
}

static void a_setting_that_is_none_is_named_with_its_line(void **state)
{
    folder_write(*state, "skein.yaml", "name: back\nhistory: soon\n");
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Counter/x", "add"), 78);
    assert_has(s.err, "skein.yaml\", line 2: ");
    assert_has(s.err, "a duration such as 1h, or off");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        T(what_the_journal_still_has_can_be_looked_at),
        T(what_the_tail_holds_can_be_looked_at),
        T(with_history_it_stays_for_as_long_as_it_says),
        T(kills_leave_a_past_that_is_true),
        T(verify_reads_what_is_kept),
        T(without_a_base_work_goes_on_and_it_is_said),
        T(a_setting_that_is_none_is_named_with_its_line),
    };
    return cmocka_run_group_tests_name("e2e/history", tests, NULL, NULL);
}
