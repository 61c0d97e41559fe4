/* test_guard.c - the guard's file: whose death counts, and that no file is fatal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/guard_internal.h"

#include "base/base.h"
#include "lib/folder.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static struct folder folder;
static int *volatile nowhere = (int *)16; /* no compiler knows that */

struct told {
    unsigned died, unreadable;
    uint32_t deaths;
    bool is_poison;
    char address[SKN_ADDRESS_MAX + 1], reason[100];
};

static void died(void *ctx, struct skn_slice address, uint32_t deaths, bool is_poison)
{
    struct told *told = ctx;
    told->died++;
    told->deaths = deaths;
    told->is_poison = is_poison;
    (void)snprintf(told->address, sizeof told->address, "%.*s", SKN_FMT(address));
}

static void unreadable(void *ctx, const char *reason)
{
    struct told *told = ctx;
    told->unreadable++;
    (void)snprintf(told->reason, sizeof told->reason, "%s", reason);
}

static struct skn_guard_file *open_guard(struct told *told)
{
    *told = (struct told){0};
    const struct skn_guard_events events = {.ctx = told, .died = died, .unreadable = unreadable};
    return skn_guard_file_open(folder.path, &events);
}

static size_t poison_of(const struct skn_guard_file *guard)
{
    size_t count;
    (void)skn_guard_file_poison(guard, &count);
    return count;
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

/* --- deaths ---------------------------------------------------------------------------------------- */

enum how { BY_NULL, BY_ASSERT, BY_STACK, BY_THREAD, BY_DIVISION, BY_KILL, BY_SEGV_FROM_OUTSIDE };

static uint64_t use_up(volatile uint8_t *above, uint64_t depth)
{
    volatile uint8_t bytes[4096];
    bytes[0] = above ? above[0] : 1;
    uint64_t below = depth == UINT64_MAX ? 0 : use_up(bytes, depth + 1);
    return below + bytes[0];
}

static void *crash_as_slot_3(void *arg)
{
    struct skn_guard_file *guard = arg;
    skn_guard_thread_begin(guard, 3);
    skn_handling_enter(
        &skn_guard_file_slots(guard)[3], SKN_LIT("a:T/thread"), (struct skn_hash128){3, 3});
    *nowhere = 1;
    return NULL;
}

static void end_by(struct skn_guard_file *guard, enum how how)
{
    pthread_t thread;
    switch (how) {
    case BY_NULL: *nowhere = 1; break;
    case BY_ASSERT: SKN_ASSERT(nowhere == NULL); break;
    case BY_STACK: _exit((int)use_up(NULL, 0));
    case BY_THREAD:
        skn_handling_leave(skn_guard_file_slots(guard));
        if (pthread_create(&thread, NULL, crash_as_slot_3, guard) == 0)
            (void)pthread_join(thread, NULL);
        break;
    case BY_DIVISION: (void)raise(SIGFPE); break;
    case BY_KILL: (void)kill(getpid(), SIGKILL); break;
    case BY_SEGV_FROM_OUTSIDE: pause(); break;
    }
    _exit(0);
}

/* A process that handles a message of `address` and ends so. Gives its status. */
static int process(const char *address, uint64_t identity, enum how how)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct told told;
        int null = open("/dev/null", O_WRONLY);
        (void)dup2(null, 2);
        /* As in the real program: cmocka has handlers of its own for these. */
        static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
        for (size_t i = 0; i < SKN_ARRAY_LEN(fatal); i++)
            (void)signal(fatal[i], SIG_DFL);
        struct skn_guard_file *guard = open_guard(&told);
        skn_handling_enter(skn_guard_file_slots(guard),
                           skn_slice_str(address),
                           (struct skn_hash128){2 * identity, 1});
        (void)!write(ready[1], "", 1);
        end_by(guard, how);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    if (how == BY_SEGV_FROM_OUTSIDE) assert_int_equal(kill(pid, SIGSEGV), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(ready[0]);
    (void)close(ready[1]);
    assert_true(WIFSIGNALED(status));
    return WTERMSIG(status);
}

static void a_death_of_its_own_counts_and_any_other_does_not(void **state) /* [E35] */
{
    (void)state;
    static const struct {
        enum how how;
        int number;
        bool counts;
        const char *address;
    } rows[] = {{BY_NULL, SIGSEGV, true, "a:T/x"},
                {BY_ASSERT, SIGABRT, true, "a:T/x"},
                {BY_STACK, SIGSEGV, true, "a:T/x"},
                {BY_THREAD, SIGSEGV, true, "a:T/thread"},
                {BY_DIVISION, SIGFPE, true, "a:T/x"},
                {BY_KILL, SIGKILL, false, ""},
                {BY_SEGV_FROM_OUTSIDE, SIGSEGV, false, ""}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct told told;
        (void)unlink(folder_at(&folder, "guard"));
        assert_int_equal(process("a:T/x", 1, rows[i].how), rows[i].number);
        struct skn_guard_file *guard = open_guard(&told);
        if (told.died != rows[i].counts) print_error("row %zu\n", i);
        assert_int_equal(told.died, rows[i].counts);
        assert_string_equal(told.address, rows[i].address);
        assert_false(told.is_poison);
        assert_int_equal(poison_of(guard), 0);
        skn_guard_file_close(guard);
        guard = open_guard(&told); /* once is counted once */
        assert_int_equal(told.died + told.unreadable, 0);
        skn_guard_file_close(guard);
    }
}

static void two_deaths_at_the_same_one_are_poison_until_forgiven(void **state) /* [E35] */
{
    (void)state;
    struct told told;
    (void)process("a:T/x", 1, BY_NULL);
    (void)process("a:T/x", 2, BY_NULL); /* another message of the domain */
    (void)process("a:T/x", 1, BY_KILL);
    struct skn_guard_file *guard = open_guard(&told);
    assert_int_equal(poison_of(guard), 0);
    skn_guard_file_close(guard);
    (void)process("a:T/x", 1, BY_ASSERT);
    for (int i = 0; i < 2; i++) { /* over restarts too */
        guard = open_guard(&told);
        assert_int_equal(told.died, i == 0);
        if (i == 0) assert_int_equal(told.deaths, 2);
        assert_int_equal(told.is_poison, i == 0);
        assert_int_equal(poison_of(guard), 1);
        assert_true(skn_guard_file_has(guard, (struct skn_hash128){2, 1}));
        assert_false(skn_guard_file_has(guard, (struct skn_hash128){4, 1}));
        skn_guard_file_forgive(guard, SKN_LIT("a:T/y"));
        assert_int_equal(poison_of(guard), 1);
        skn_guard_file_close(guard);
    }
    guard = open_guard(&told);
    skn_guard_file_forgive(guard, SKN_LIT("a:T/x"));
    assert_int_equal(poison_of(guard), 0);
    skn_guard_file_close(guard);
    guard = open_guard(&told);
    assert_int_equal(poison_of(guard), 0);
    /* A letter is not: whoever asked for it may ask again, since the node died of it. */
    for (int i = 0; i < 2; i++) {
        struct skn_handling *slot = skn_guard_file_slots(guard);
        skn_handling_enter(slot, SKN_LIT("a:T/x"), (struct skn_hash128){7, 1});
        slot->state = SKN_HANDLING_CRASHED;
        skn_guard_file_close(guard);
        guard = open_guard(&told);
    }
    skn_guard_file_forgive(guard, SKN_LIT("a:T/x"));
    assert_int_equal(poison_of(guard), 1);
    skn_guard_file_close(guard);
    guard = open_guard(&told);
    assert_int_equal(poison_of(guard), 1);
    skn_guard_file_close(guard);
}

static void what_died_longest_ago_makes_room(void **state)
{
    (void)state;
    struct told told;
    for (uint64_t i = 0; i <= SKN_GUARD_ENTRIES; i++) {
        struct skn_guard_file *guard = open_guard(&told);
        struct skn_handling *slot = skn_guard_file_slots(guard);
        skn_handling_enter(slot, SKN_LIT("a:T/x"), (struct skn_hash128){i, 1});
        slot->state = SKN_HANDLING_CRASHED;
        skn_guard_file_close(guard);
    }
    /* The first is forgotten and the last is there: of a second death one is poison. */
    for (uint64_t i = 0; i <= SKN_GUARD_ENTRIES; i += SKN_GUARD_ENTRIES) {
        struct skn_guard_file *guard = open_guard(&told);
        struct skn_handling *slot = skn_guard_file_slots(guard);
        skn_handling_enter(slot, SKN_LIT("a:T/x"), (struct skn_hash128){i, 1});
        slot->state = SKN_HANDLING_CRASHED;
        skn_guard_file_close(guard);
        guard = open_guard(&told);
        assert_int_equal(told.is_poison, i > 0);
        skn_guard_file_close(guard);
    }
}

/* --- files that are not as they should be ---------------------------------------------------------- */

static void change(size_t offset, const void *bytes, size_t len)
{
    int fd = open(folder_at(&folder, "guard"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), len);
    (void)close(fd);
}

static void resize(off_t size)
{
    assert_int_equal(truncate(folder_at(&folder, "guard"), size), 0);
}

/* A file with one poison in it. */
static void poison(void)
{
    (void)unlink(folder_at(&folder, "guard"));
    (void)process("a:T/x", 1, BY_NULL);
    (void)process("a:T/x", 1, BY_NULL);
    struct told told;
    struct skn_guard_file *guard = open_guard(&told);
    assert_int_equal(poison_of(guard), 1);
    skn_guard_file_close(guard);
}

static void the_file_is_as_it_is_drawn(void **state)
{
    (void)state;
    poison();
    uint8_t bytes[69696 + 1];
    int fd = open(folder_at(&folder, "guard"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, bytes, sizeof bytes), 69696);
    (void)close(fd);
    static const uint8_t head[24] = {'S', 'K', 'N', 'G', 'U', 'A', 'R', 'D', 1,  0, 0, 0,
                                     64,  0,   0,   0,   24,  2,   0,   0,   64, 0, 0, 0};
    assert_memory_equal(bytes, head, sizeof head);
    assert_int_equal(bytes[24], 2); /* deaths */
    const uint8_t *entry = bytes + 64 + 64 * 536;
    static const uint8_t fields[32] = {2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
                                       1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0};
    assert_memory_equal(entry + 8, fields, sizeof fields);
    assert_memory_equal(entry + 40, "a:T/x", 6);
}

static void a_file_that_is_not_as_it_should_be_is_left_out_and_told(void **state) /* [E35] */
{
    (void)state;
    enum { ENTRY = 64 + 64 * 536, BIG = 70000 };
    static uint8_t ones[BIG];
    memset(ones, 0xff, sizeof ones);
    static const uint32_t zero = 0, newer = 2, bad_state = 7, long_address = 513, crashed = 2;
    static const struct {
        const char *what;
        size_t offset;
        const void *bytes;
        size_t len;
        off_t size; /* 0: as it is */
        const char *reason;
        size_t poison;
    } rows[] = {
        {"another magic", 0, "skeleton", 8, 0, "malformed", 0},
        {"level 0", 8, &zero, 4, 0, "malformed", 0},
        {"other slots", 12, &newer, 4, 0, "malformed", 0},
        {"a newer level", 8, &newer, 4, 0, "newer", 0},
        {"shorter", 0, "S", 1, 5000, "another size", 0},
        {"a part of a header", 0, "S", 1, 20, "malformed", 0},
        {"longer", 0, "S", 1, 80000, "another size", 0},
        {"all ones", 0, ones, BIG, 0, "malformed", 0},
        {"a slot's state", 64, &bad_state, 4, 0, "a slot", 1},
        {"a slot's length", 64 + 4, &long_address, 4, 0, "a slot", 1},
        {"all slots", 64, ones, 64 * 536, 0, "a slot", 1},
        {"a torn entry", ENTRY + 300, "x", 1, 0, "an entry", 0},
        {"an entry's length", ENTRY + 36, &long_address, 4, 0, "an entry", 0},
        {"all entries", ENTRY, ones, 64 * 552, 0, "an entry", 0},
        {"a slot of nobody", 64 + 536, &crashed, 4, 0, "", 1},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        struct told told;
        poison();
        change(rows[i].offset, rows[i].bytes, rows[i].len);
        if (rows[i].size) resize(rows[i].size);
        struct skn_guard_file *guard = open_guard(&told);
        if (!strstr(told.reason, rows[i].reason) || told.unreadable != (rows[i].reason[0] != 0))
            fail_msg("%s: \"%s\", %u", rows[i].what, told.reason, told.unreadable);
        assert_int_equal(poison_of(guard), rows[i].poison);
        bool is_newer = strcmp(rows[i].reason, "newer") == 0;
        assert_int_equal(skn_guard_file_slots(guard) == NULL, is_newer);
        skn_guard_file_close(guard);
        /* A newer one stays for who knows it; any other is whole again. */
        guard = open_guard(&told);
        assert_int_equal(told.unreadable, is_newer);
        skn_guard_file_close(guard);
    }
}

static void without_a_file_nothing_is_kept_and_nothing_fails(void **state)
{
    (void)state;
    struct told told;
    folder_mkdir(&folder, "guard");
    struct skn_guard_file *guard = open_guard(&told);
    assert_int_equal(told.unreadable, 1);
    assert_null(skn_guard_file_slots(guard));
    assert_int_equal(poison_of(guard), 0);
    skn_guard_file_forgive(guard, SKN_LIT("a:T/x"));
    skn_guard_thread_begin(guard, 1);
    skn_handling_enter(skn_guard_file_slots(guard), SKN_LIT("a"), (struct skn_hash128){1, 1});
    skn_handling_leave(skn_guard_file_slots(guard));
    skn_guard_thread_end();
    skn_guard_file_close(guard);
    skn_guard_file_close(NULL);
}

static void the_signals_are_given_back(void **state)
{
    (void)state;
    struct sigaction first, last;
    struct told told;
    assert_int_equal(sigaction(SIGSEGV, NULL, &first), 0);
    struct skn_guard_file *guard = open_guard(&told);
    assert_int_equal(sigaction(SIGSEGV, NULL, &last), 0);
    assert_true(first.sa_sigaction != last.sa_sigaction);
    skn_guard_file_close(guard);
    assert_int_equal(sigaction(SIGSEGV, NULL, &last), 0);
    assert_true(first.sa_sigaction == last.sa_sigaction);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_death_of_its_own_counts_and_any_other_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(
            two_deaths_at_the_same_one_are_poison_until_forgiven, setup, teardown),
        cmocka_unit_test_setup_teardown(what_died_longest_ago_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_is_as_it_is_drawn, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_file_that_is_not_as_it_should_be_is_left_out_and_told, setup, teardown),
        cmocka_unit_test_setup_teardown(
            without_a_file_nothing_is_kept_and_nothing_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(the_signals_are_given_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
