/* test_death.c - whoever of node, spawner and keepers is killed, nothing that was started lives on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { EACH = 6, PROGRAMS = 12, DEAD_WITHIN_MS = 1000 };

/* Six processes that all ignore SIGTERM: itself, a child, a double fork, one in a session of its own,
 * a daemon, and one that is hidden: own session, no environment, no inherited descriptor. Each writes
 * its number to the file `pids`. With HIDE=0 the last is an ordinary daemon. */
static const char mischief[] =
    "trap '' TERM HUP INT; rec='echo $$ >> pids; exec sleep 300'\n"
    "sh -c \"$rec\" &\n"
    "(sh -c \"$rec\" &)\n"
    "setsid sh -c \"$rec\" &\n"
    "(setsid sh -c \"$rec\" >/dev/null 2>&1 &)\n"
    /* bash, since dash closes only descriptors of one digit */
    "if [ $HIDE = 1 ]; then (env -i setsid bash -c \"exec 100>&-; $rec\" >/dev/null 2>&1 &)\n"
    "else (setsid sh -c \"$rec\" >/dev/null 2>&1 &); fi\n"
    "echo $$ >> pids; while :; do sleep 1; done";

static void start_mischief(struct skn_spawner *s, const struct folder *f, int count, bool hide)
{
    const struct skn_slice env[] = {SKN_LIT("PATH=/usr/bin:/bin"),
                                    hide ? SKN_LIT("HIDE=1") : SKN_LIT("HIDE=0")};
    for (int i = 0; i < count; i++) {
        struct skn_slice argv[3];
        struct skn_exec_request request = shell((uint64_t)i + 1, mischief, argv);
        request.env = env;
        request.envc = 2;
        request.cwd = skn_slice_str(f->path);
        exec_ok(s, &request);
    }
}

/* A zombie is dead: whoever should wait for it is not of ours. */
static bool is_alive(pid_t pid)
{
    char path[64];
    char text[256] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    bool is_read = fgets(text, sizeof text, file) != NULL;
    (void)fclose(file);
    const char *state = strrchr(text, ')');
    return is_read && state && state[2] != 'Z' && state[2] != 'X';
}

struct pids {
    pid_t pid[256];
    int len;
};

static void read_pids(const struct folder *f, struct pids *out)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/pids", f->path);
    out->len = 0;
    FILE *file = fopen(path, "r");
    char line[64];
    while (file && out->len < (int)SKN_ARRAY_LEN(out->pid) && fgets(line, sizeof line, file))
        out->pid[out->len++] = (pid_t)strtol(line, NULL, 10);
    if (file) (void)fclose(file);
}

/* Until `count` processes have said that they are there. */
static void await_pids(const struct folder *f, int count, struct pids *out)
{
    uint64_t began = now_ms();
    for (read_pids(f, out); out->len < count; read_pids(f, out)) {
        if (now_ms() - began > 20000) fail_msg("only %d of %d are there", out->len, count);
        pause_ms(5);
    }
    for (int i = 0; i < out->len; i++)
        assert_true(is_alive(out->pid[i]));
}

static int count_alive(const struct pids *p)
{
    int alive = 0;
    for (int i = 0; i < p->len; i++)
        alive += is_alive(p->pid[i]) ? 1 : 0;
    return alive;
}

static void assert_all_die(const struct pids *p, uint64_t began)
{
    while (count_alive(p) > 0) {
        if (now_ms() - began > DEAD_WITHIN_MS) fail_msg("%d still alive", count_alive(p));
        pause_ms(2);
    }
}

/* The processes of this name, written "(name) ", whose parent is `parent`. */
static void list_children(pid_t parent, const char *name, struct pids *out)
{
    out->len = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    const struct dirent *entry = NULL;
    while ((entry = readdir(proc)) && out->len < (int)SKN_ARRAY_LEN(out->pid)) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0) continue;
        char path[64];
        char text[256] = "";
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        bool is_read = fgets(text, sizeof text, file) != NULL;
        (void)fclose(file);
        const char *state = strstr(text, name);
        if (!is_read || !state) continue;
        if (strtol(state + strlen(name) + 2, NULL, 10) == parent) {
            out->pid[out->len++] = pid;
        }
    }
    (void)closedir(proc);
}

struct node {
    pid_t pid;
    pid_t spawner;
};

/* A node in a process of its own, with PROGRAMS times mischief. */
static struct node fork_node(const struct folder *f, bool hide)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct node n = {.pid = fork()};
    assert_true(n.pid >= 0);
    if (n.pid == 0) {
        struct skn_spawner *s = start_in(f);
        int32_t spawner = skn_spawner_pid(s);
        start_mischief(s, f, PROGRAMS, hide);
        if (write(fds[1], &spawner, sizeof spawner) < 0) _exit(1);
        for (;;)
            (void)next_event(s);
    }
    int32_t spawner = 0;
    assert_int_equal(read(fds[0], &spawner, sizeof spawner), sizeof spawner);
    n.spawner = spawner;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return n;
}

static void when_the_node_is_killed_everything_is_dead_within_a_second(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct node n = fork_node(&f, true);
    struct pids pids;
    await_pids(&f, PROGRAMS * EACH, &pids);
    assert_true(is_alive(n.spawner));
    pids.pid[pids.len++] = n.spawner;
    uint64_t began = now_ms();
    assert_int_equal(kill(n.pid, SIGKILL), 0);
    assert_all_die(&pids, began);
    print_message("%d processes dead after %d ms\n", pids.len, (int)(now_ms() - began));
    assert_int_equal(waitpid(n.pid, NULL, 0), n.pid);

    struct skn_spawner *s = start_in(&f);
    assert_int_equal(skn_spawner_swept(s), 0); /* the last one left nothing, and said so */
    assert_text(run_shell(s, "echo new").output, "new\n");
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

static void when_the_spawner_is_killed_the_node_hears_it_and_all_is_dead(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    start_mischief(s, &f, PROGRAMS, true);
    struct pids pids;
    await_pids(&f, PROGRAMS * EACH, &pids);
    uint64_t began = now_ms();
    assert_int_equal(kill(skn_spawner_pid(s), SIGKILL), 0);
    assert_all_die(&pids, began);
    struct skn_exec_event e = next_event(s);
    while (e.kind == SKN_EXEC_STARTED)
        e = next_event(s);
    assert_int_equal(e.kind, SKN_EXEC_GONE);
    assert_true(has_text(e.text, "the spawner has died"));
    assert_int_equal(next_event(s).kind, SKN_EXEC_GONE);
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(99, "true", argv);
    assert_int_equal(skn_spawner_exec(s, &request, NULL), SKN_EGONE);
    skn_spawner_cancel(s, 1);

    struct skn_spawner *next = start_in(&f);
    assert_text(run_shell(next, "echo new").output, "new\n");
    assert_int_equal(skn_spawner_stop(next, NULL), SKN_OK);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

/* The worst that can be healed: nobody is left to clean up, so the next spawner must. */
static void a_new_spawner_kills_what_all_others_left(void **state) /* [E43b] */
{
    (void)state;
    struct folder f = make_folder();
    struct node n = fork_node(&f, false);
    struct pids pids, keepers;
    await_pids(&f, PROGRAMS * EACH, &pids);
    list_children(n.spawner, "(skein-keeper) ", &keepers);
    assert_int_equal(keepers.len, PROGRAMS);
    for (int i = 0; i < keepers.len; i++)
        assert_int_equal(kill(keepers.pid[i], SIGSTOP), 0); /* so that none is warned in time */
    assert_int_equal(kill(n.spawner, SIGSTOP), 0);
    assert_int_equal(kill(n.pid, SIGKILL), 0);
    assert_int_equal(kill(n.spawner, SIGKILL), 0);
    for (int i = 0; i < keepers.len; i++)
        (void)kill(keepers.pid[i], SIGKILL);
    assert_int_equal(waitpid(n.pid, NULL, 0), n.pid);
    pause_ms(50);
    assert_true(count_alive(&pids) >= PROGRAMS * (EACH - 1)); /* all but the first of each */

    struct skn_spawner *s = start_in(&f);
    assert_int_equal(count_alive(&pids), 0); /* at once: it starts nothing before */
    assert_true(skn_spawner_swept(s) >= PROGRAMS * (EACH - 1));
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

/* The lock is free: only the mark in its environment tells what this survivor is, and that another's
 * is another's. */
static void a_survivor_without_the_lock_is_known_by_its_mark(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    struct skn_slice argv[3];
    struct skn_exec_request request =
        shell(1,
              "rec='exec 100>&-; echo $$ >> pids; exec sleep 300'\n"
              "(setsid bash -c \"$rec\" >/dev/null 2>&1 &)\n"
              "export SKEIN_SPAWNER=0123456789abcdef0123456789abcdef\n"
              "(setsid bash -c \"$rec\" >/dev/null 2>&1 &)\n"
              "exec sleep 300",
              argv);
    request.cwd = skn_slice_str(f.path);
    exec_ok(s, &request);
    struct pids pids, keepers;
    await_pids(&f, 2, &pids);
    list_children(skn_spawner_pid(s), "(skein-keeper) ", &keepers);
    assert_int_equal(keepers.len, 1);
    assert_int_equal(kill(keepers.pid[0], SIGSTOP), 0);
    assert_int_equal(kill(skn_spawner_pid(s), SIGKILL), 0);
    assert_int_equal(kill(keepers.pid[0], SIGKILL), 0);
    pause_ms(50);
    assert_int_equal(count_alive(&pids), 2);
    struct skn_spawner *next = start_in(&f);
    assert_int_equal(count_alive(&pids), 1);
    assert_int_equal(skn_spawner_swept(next), 1);
    for (int i = 0; i < 2; i++)
        (void)kill(pids.pid[i], SIGKILL);
    assert_int_equal(skn_spawner_stop(next, NULL), SKN_OK);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

static void a_spawner_that_hangs_is_killed_by_the_next(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct node n = fork_node(&f, false);
    struct pids pids;
    await_pids(&f, PROGRAMS * EACH, &pids);
    assert_int_equal(kill(n.spawner, SIGSTOP), 0);
    assert_int_equal(kill(n.pid, SIGKILL), 0);
    assert_int_equal(waitpid(n.pid, NULL, 0), n.pid);
    uint64_t began = now_ms();
    struct skn_spawner *s = start_in(&f);
    assert_true(now_ms() - began >= 400 && now_ms() - began < 8000);
    assert_int_equal(count_alive(&pids), 0);
    assert_false(is_alive(n.spawner));
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

static void when_a_keeper_is_killed_only_its_program_dies(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    start_mischief(s, &f, 1, true);
    struct pids first, all, keepers;
    await_pids(&f, EACH, &first);
    list_children(skn_spawner_pid(s), "(skein-keeper) ", &keepers);
    assert_int_equal(keepers.len, 1);
    struct skn_slice argv[3];
    struct skn_exec_request other =
        shell(50, "(sleep 300 &) ; echo $$ >> pids; exec sleep 300", argv);
    other.cwd = skn_slice_str(f.path);
    exec_ok(s, &other);
    await_pids(&f, EACH + 1, &all);
    assert_int_equal(kill(keepers.pid[0], SIGKILL), 0);
    struct skn_exec_event e = next_event(s);
    while (e.kind == SKN_EXEC_STARTED)
        e = next_event(s);
    assert_int_equal(e.id, 1);
    assert_int_equal(e.how, SKN_EXEC_SIGNALLED);
    assert_text(e.text, "the process that kept it was killed");
    assert_int_equal(count_alive(&first), 0);
    assert_true(is_alive(all.pid[EACH]));
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    assert_int_equal(count_alive(&all), 0);
    remove_folder(&f);
}

static void stop_kills_everything_and_leaves_a_clean_lock(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    start_mischief(s, &f, PROGRAMS, true);
    struct pids pids;
    await_pids(&f, PROGRAMS * EACH, &pids);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    assert_int_equal(count_alive(&pids), 0);
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/spawner.lock", f.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 8);
    remove_folder(&f);
}

/* Forks into new sessions as fast as it can, until it is cancelled. */
static void a_program_that_forks_without_end_is_ended(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(
        1, "trap '' TERM; while :; do setsid sh -c 'echo $$ >> pids; exec sleep 300' & done", argv);
    request.cwd = skn_slice_str(f.path);
    request.grace_ms = 0;
    exec_ok(s, &request);
    struct pids pids;
    uint64_t began = now_ms();
    for (read_pids(&f, &pids); pids.len < 100 && now_ms() - began < 20000; read_pids(&f, &pids))
        pause_ms(2);
    skn_spawner_cancel(s, 1);
    struct skn_exec_event e = next_event(s);
    while (e.kind == SKN_EXEC_STARTED)
        e = next_event(s);
    assert_int_equal(e.how, SKN_EXEC_CANCELLED);
    read_pids(&f, &pids);
    assert_true(pids.len >= 100);
    assert_int_equal(count_alive(&pids), 0);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

/* A process that has the lock, as an old spawner would, for so long. */
static pid_t fork_holder(const struct folder *f, long hold_ms)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/spawner.lock", f->path);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(fds[1], "x", 1) != 1) _exit(1);
        pause_ms(hold_ms);
        _exit(0);
    }
    char byte = 0;
    assert_int_equal(read(fds[0], &byte, 1), 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return pid;
}

static void a_new_spawner_waits_for_the_old_one(void **state)
{
    (void)state;
    struct folder f = make_folder();
    pid_t holder = fork_holder(&f, 250);
    uint64_t began = now_ms();
    struct skn_spawner *s = start_in(&f);
    assert_true(now_ms() - began >= 200);
    int status = -1;
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_int_equal(status, 0); /* it was given its time */
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

static void who_keeps_the_lock_too_long_is_killed_or_named(void **state)
{
    (void)state;
    struct folder f = make_folder();
    pid_t holder = fork_holder(&f, 60000);
    struct skn_spawner *s = NULL;
    struct skn_diag diag = {0};
    struct skn_spawner_options options = {.dir = f.path, .spare_pid = holder, .lock_wait_ms = 600};
    uint64_t began = now_ms();
    assert_int_equal(skn_spawner_start(&options, &s, &diag), SKN_EBUSY);
    assert_true(now_ms() - began >= 600 && now_ms() - began < 5000);
    assert_true(is_alive(holder)); /* the client is never killed */
    assert_non_null(strstr(diag.text, "programs of an earlier node are still alive after"));

    options.spare_pid = 0;
    assert_int_equal(skn_spawner_start(&options, &s, &diag), SKN_OK);
    int status = 0;
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(skn_spawner_swept(s) >= 1);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

/* Else it would wait on, and at last kill the spawner of the node that came after its own. */
static void a_spawner_that_waits_dies_with_its_node(void **state)
{
    (void)state;
    struct folder f = make_folder();
    pid_t holder = fork_holder(&f, 60000);
    pid_t node = fork();
    assert_true(node >= 0);
    if (node == 0) {
        struct skn_spawner *s = NULL;
        struct skn_spawner_options options = {.dir = f.path, .spare_pid = holder};
        _exit(skn_spawner_start(&options, &s, NULL) == SKN_OK ? 0 : 1);
    }
    struct pids spawner = {.len = 0};
    for (uint64_t began = now_ms(); spawner.len == 0 && now_ms() - began < 5000; pause_ms(5))
        list_children(node, "(skein-spawner) ", &spawner);
    assert_int_equal(spawner.len, 1);
    assert_int_equal(kill(node, SIGKILL), 0);
    assert_all_die(&spawner, now_ms());
    assert_int_equal(waitpid(node, NULL, 0), node);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    remove_folder(&f);
}

static void the_lock_file_has_these_bytes(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    struct skn_exec_event e = run_shell(s, "printf %s $SKEIN_SPAWNER");
    assert_int_equal(e.output.len, 32);
    char path[128];
    char bytes[64];
    (void)snprintf(path, sizeof path, "%s/spawner.lock", f.path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, bytes, sizeof bytes), 41);
    assert_memory_equal(bytes, "SKNLOCK\1", 8);
    assert_memory_equal(bytes + 8, e.output.ptr, 32);
    assert_int_equal(bytes[40], '\n');
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    assert_int_equal(pread(fd, bytes, sizeof bytes, 0), 8);
    (void)close(fd);
    remove_folder(&f);
}

static void a_lock_file_of_nonsense_names_nobody(void **state)
{
    (void)state;
    const char *const contents[] = {
        "", "x", "SKNLOCK\2xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", "SKNLOCK\1short\n"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(contents); i++) {
        struct folder f = make_folder();
        char path[128];
        (void)snprintf(path, sizeof path, "%s/spawner.lock", f.path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(contents[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        struct skn_spawner *s = start_in(&f);
        assert_int_equal(skn_spawner_swept(s), 0);
        assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
        remove_folder(&f);
    }
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct skn_spawner *s = NULL;
    struct skn_diag diag = {0};
    struct skn_spawner_options options = {.dir = "/no/such/folder"};
    assert_int_equal(skn_spawner_start(&options, &s, &diag), SKN_EIO);
    assert_string_equal(
        diag.text, "could not open \"/no/such/folder/spawner.lock\": No such file or directory");
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_the_node_is_killed_everything_is_dead_within_a_second),
        cmocka_unit_test(when_the_spawner_is_killed_the_node_hears_it_and_all_is_dead),
        cmocka_unit_test(a_new_spawner_kills_what_all_others_left),
        cmocka_unit_test(a_survivor_without_the_lock_is_known_by_its_mark),
        cmocka_unit_test(a_spawner_that_hangs_is_killed_by_the_next),
        cmocka_unit_test(when_a_keeper_is_killed_only_its_program_dies),
        cmocka_unit_test(stop_kills_everything_and_leaves_a_clean_lock),
        cmocka_unit_test(a_program_that_forks_without_end_is_ended),
        cmocka_unit_test(a_new_spawner_waits_for_the_old_one),
        cmocka_unit_test(who_keeps_the_lock_too_long_is_killed_or_named),
        cmocka_unit_test(a_spawner_that_waits_dies_with_its_node),
        cmocka_unit_test(the_lock_file_has_these_bytes),
        cmocka_unit_test(a_lock_file_of_nonsense_names_nobody),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests_name("death", tests, NULL, NULL);
}
