/* test_clock.c - the wall clock of the real program jumps by hours and days, ahead and back, while timers
 * and runs are in flight [E50] [E51].
 *
 * Test builds read from a file by how much their clocks are moved (env/env_moved.h), so nobody needs the
 * right to set the machine's. The minute after which a jump is believed passes in that file, too.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { S = 1000, MINUTE = 60 * S, HOUR = 60 * MINUTE, WAIT_MS = 20 * S };
#define DAY (24 * (int64_t)HOUR)

static struct skein s, client;
static char clock_file[FOLDER_PATH_MAX + 32], bug[64];
static const char *const with_clock[] = {clock_file, bug, NULL};

struct clocks {
    _Atomic int64_t wall_ns, even_ns;
};
static struct clocks *clocks;
static uint64_t last_stamp; /* of all that was answered */

static int setup(void **state)
{
    static const char zeros[16];
    (void)skein_project_begin(&s, state);
    struct folder *f = *state;
    folder_mkdir(f, "events");
    folder_write(f,
                 "events/Till.yaml",
                 "event: Till\nversion: 1.0.0\ntimeout: 20h\n"
                 "run: { exec: [sh, -c, 'while [ ! -e done ]; do sleep 0.05; done; echo 7'] }\n");
    folder_write(f, "till.pty", "Till\n");
    folder_write(f, "nap.pty", "Sleep[for=10h]\n");
    int fd = open(folder_at(f, "clocks"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
    clocks = mmap(NULL, sizeof zeros, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(clocks != MAP_FAILED);
    (void)close(fd);
    (void)snprintf(clock_file, sizeof clock_file, "SKEIN_CLOCK_FILE=%s", folder_at(f, "clocks"));
    (void)snprintf(bug, sizeof bug, "SKN_BUG=%s", getenv("SKN_BUG") ? getenv("SKN_BUG") : "");
    memset(&client, 0, sizeof client);
    client.dir = s.dir;
    s.env = client.env = with_clock;
    last_stamp = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)munmap(clocks, sizeof *clocks);
    return skein_project_end(state);
}

/* --- clocks ------------------------------------------------------------------------------------------ */

static void wall_jumps(int64_t ms)
{
    atomic_fetch_add(&clocks->wall_ns, ms * INT64_C(1000000));
}

/* For both clocks: time passes. */
static void passes(int64_t ms)
{
    wall_jumps(ms);
    atomic_fetch_add(&clocks->even_ns, ms * INT64_C(1000000));
}

static int64_t real_ms(clockid_t id)
{
    struct timespec now;
    assert_int_equal(clock_gettime(id, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    return real_ms(CLOCK_REALTIME) + atomic_load(&clocks->wall_ns) / 1000000;
}

/* --- what the node says -------------------------------------------------------------------------------- */

static int64_t member(const char *json, const char *name)
{
    char part[64];
    (void)snprintf(part, sizeof part, "\"%s\":", name);
    const char *at = strstr(json, part);
    if (!at) fail_msg("no %s in: %s", part, json);
    return (int64_t)strtoll(at + strlen(part), NULL, 10);
}

/* A time as it is shown: 2026-11-22T00:17:32.452Z. */
static int64_t member_time(const char *json, const char *name)
{
    char part[64];
    struct tm tm = {0};
    int ms = 0;
    (void)snprintf(part, sizeof part, "\"%s\":\"", name);
    const char *at = strstr(json, part);
    if (!at) fail_msg("no %s in: %s", part, json);
    at = strptime(at + strlen(part), "%Y-%m-%dT%H:%M:%S", &tm);
    if (!at || sscanf(at, ".%3dZ", &ms) != 1) fail_msg("no time in: %s", json);
    return (int64_t)timegm(&tm) * 1000 + ms;
}

struct shown {
    int64_t clock_ms, ahead_ms;
    bool waits;
};

static struct shown status(void)
{
    assert_int_equal(SKEIN(&s, "status", "--json"), 0);
    const struct shown shown = {.clock_ms = member_time(s.out, "clock"),
                                .ahead_ms = member(s.out, "wall_ahead_ms"),
                                .waits = strstr(s.out, "\"clock_waits\":true")};
    return shown;
}

/* Until the wall clock is so far ahead of the node's, to a minute. */
static struct shown status_when_ahead(int64_t ahead_ms)
{
    struct shown shown = status();
    int64_t end = real_ms(CLOCK_MONOTONIC) + WAIT_MS;
    while (llabs((long long)(shown.ahead_ms - ahead_ms)) > MINUTE) {
        if (real_ms(CLOCK_MONOTONIC) > end)
            fail_msg(
                "the wall clock is %" PRId64 " ms ahead, not %" PRId64, shown.ahead_ms, ahead_ms);
        skein_pause_ms(20);
        shown = status();
    }
    return shown;
}

static bool log_says(const struct folder *f, const char *part)
{
    char *log = folder_must_read(f, ".skein/holder.log");
    bool says = strstr(log, part);
    free(log);
    return says;
}

/* Whatever the wall clock does, what is answered later has the greater stamp [E51]. */
static int64_t send(const char *address, const char *name, const char *payload)
{
    assert_int_equal(SKEIN(&s, "domain", "send", address, name, payload, "--json"), 0);
    uint64_t stamp = (uint64_t)member(s.out, "stamp");
    /* A query has the stamp of what it shows [E21]; of another shard that may be less. */
    if (strcmp(name, "get") != 0) {
        if (stamp <= last_stamp) fail_msg("stamp %" PRIu64 " behind %" PRIu64, stamp, last_stamp);
        last_stamp = stamp;
    }
    return member(s.out, "answer");
}

static void set_timer(const char *address, int64_t ms)
{
    char payload[64];
    (void)snprintf(payload, sizeof payload, "{\"ms\":%" PRId64 "}", ms);
    (void)send(address, "add-later", payload);
}

static bool has_fired(const char *address)
{
    int64_t n = send(address, "get", "{}");
    assert_true(n == 0 || n == 1); /* and never twice */
    return n == 1;
}

static void wait_until_fired(const char *address)
{
    int64_t end = real_ms(CLOCK_MONOTONIC) + WAIT_MS;
    while (!has_fired(address)) {
        if (real_ms(CLOCK_MONOTONIC) > end) fail_msg("the timer of %s never fires", address);
        skein_pause_ms(20);
    }
}

/* A timer of two seconds fires after two seconds, to the percent by which the node's clock may be slewed. */
static void two_seconds_are_two_seconds(const char *address)
{
    int64_t began = real_ms(CLOCK_MONOTONIC);
    set_timer(address, 2 * S);
    wait_until_fired(address);
    int64_t took = real_ms(CLOCK_MONOTONIC) - began;
    if (took < 2 * S - 21 || took > 8 * S) fail_msg("two seconds took %" PRId64 " ms", took);
}

static const char *run_status(const char *run)
{
    assert_int_equal(SKEIN(&s, "show", run, "--json"), 0);
    return s.out;
}

/* --- the jumps ----------------------------------------------------------------------------------------- */

static void begin(const struct folder *f)
{
    skein_start(&client, (const char *const[]){"run", "till.pty", "--name", "till", NULL});
    for (int i = 0; i < 2000 && access(folder_at(f, ".skein/socket"), F_OK) != 0; i++)
        skein_pause_ms(5);
    assert_int_equal(SKEIN(&s, "run", "--detach", "nap.pty", "--name", "nap"), 0);
    set_timer("x:Counter/2h", 2 * HOUR);
    set_timer("x:Counter/4h", 4 * HOUR);
    set_timer("x:Counter/30h", 30 * (int64_t)HOUR);
}

/* It is believed after a minute, not before; then what is due by then fires, and nothing else. */
static void ahead_by_hours(const struct folder *f)
{
    int64_t before = status().clock_ms;
    wall_jumps(3 * HOUR);
    struct shown shown = status_when_ahead(3 * HOUR);
    assert_true(shown.clock_ms >= before && shown.clock_ms < before + MINUTE);
    assert_false(shown.waits);
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "behind the wall clock");
    two_seconds_are_two_seconds("x:Counter/a");
    assert_false(has_fired("x:Counter/2h"));
    assert_false(log_says(f, "signal=clock_jumped"));

    passes(61 * S);
    wait_until_fired("x:Counter/2h");
    shown = status_when_ahead(0);
    assert_true(llabs((long long)(shown.clock_ms - wall_ms())) < MINUTE);
    assert_true(shown.clock_ms < before + 3 * HOUR + 10 * MINUTE);
    assert_true(log_says(f, "signal=clock_jumped ahead_ms=10"));
    assert_false(has_fired("x:Counter/4h"));
    assert_has(run_status("nap"), "\"status\":\"running\"}\n");
    two_seconds_are_two_seconds("x:Counter/b");
}

/* It is never followed back: the node's clock goes on, a percent slower. */
static void back_by_hours(void)
{
    int64_t before = status().clock_ms;
    wall_jumps(-5 * HOUR);
    struct shown shown = status_when_ahead(-5 * HOUR);
    assert_true(shown.clock_ms >= before && shown.clock_ms < before + MINUTE);
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "ahead of the wall clock");
    two_seconds_are_two_seconds("x:Counter/c");
    assert_false(has_fired("x:Counter/4h"));

    /* In 500 minutes it goes on by 495. */
    set_timer("x:Counter/490m", 490 * MINUTE);
    set_timer("x:Counter/499m", 499 * MINUTE);
    before = status().clock_ms;
    passes(500 * MINUTE);
    wait_until_fired("x:Counter/490m");
    wait_until_fired("x:Counter/4h");
    assert_false(has_fired("x:Counter/499m"));
    shown = status();
    int64_t went = shown.clock_ms - before;
    assert_true(went > 494 * MINUTE && went < 497 * MINUTE);
    assert_has(run_status("nap"), "\"status\":\"succeeded\"}\n");
    assert_has(run_status("till"), "\"status\":\"running\"}\n");
}

/* What is opened under a wall clock that is behind begins with the last stamp. */
static void opening_when_it_is_back(const struct folder *f)
{
    (void)send("x:Counter/d", "add", "{}");
    int64_t stamped_ms = (int64_t)(last_stamp >> 16);
    pid_t pid = skein_holder_pid(f);
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_not_equal(skein_wait(&client), 0);
    skein_start(&client, (const char *const[]){"resume", "till", NULL});
    for (int i = 0; i < 4000 && skein_holder_pid(f) == pid; i++)
        skein_pause_ms(5);
    struct shown shown = status();
    assert_true(shown.clock_ms >= stamped_ms);
    assert_true(shown.ahead_ms < -4 * HOUR);
    (void)send("x:Counter/d", "add", "{}");
    two_seconds_are_two_seconds("x:Counter/e");
}

/* More than a day: it waits to be accepted. */
static void ahead_by_days(const struct folder *f)
{
    struct shown before = status();
    wall_jumps(2 * DAY - before.ahead_ms);
    (void)status_when_ahead(2 * DAY);
    passes(61 * S);
    for (int i = 0; i < 500 && !status().waits; i++)
        skein_pause_ms(20);
    assert_true(status().waits);
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "skein clock accept");
    assert_true(log_says(f, "signal=clock_waits"));
    assert_true(status().clock_ms < before.clock_ms + 10 * MINUTE);
    assert_false(has_fired("x:Counter/30h"));
    two_seconds_are_two_seconds("x:Counter/f");

    assert_int_equal(SKEIN(&s, "clock", "accept"), 0);
    wait_until_fired("x:Counter/30h");
    struct shown shown = status_when_ahead(0);
    assert_false(shown.waits);
    assert_true(llabs((long long)(shown.clock_ms - wall_ms())) < MINUTE);
}

static void the_wall_clock_jumps_and_timers_and_runs_go_by_the_nodes(void **state) /* [E50] */
{
    const struct folder *f = *state;
    begin(f);
    ahead_by_hours(f);
    back_by_hours();
    opening_when_it_is_back(f);
    ahead_by_days(f);
    /* Nobody waited 20 hours for the program: its timeout is the spawner's, who has an even clock only. */
    folder_write(*state, "done", "");
    assert_int_equal(skein_wait(&client), 0);
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_wall_clock_jumps_and_timers_and_runs_go_by_the_nodes, setup, teardown),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
