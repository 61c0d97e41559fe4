/* skein.h - runs the real program in a folder and keeps what it said. */
#pragma once

#include "lib/folder.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

enum { SKEIN_TEXT_MAX = 1 << 20, SKEIN_ARGS_MAX = 24 };

struct skein {
    const char *program;    /* NULL: skein */
    const char *dir;        /* where it runs; NULL: here */
    bool as_nobody;         /* without the rights of root, when the test has them */
    bool no_env;            /* not one variable */
    bool no_stdin;          /* standard input is closed */
    bool has_terminal;      /* standard error is a terminal of 60 columns and 10 lines */
    const char *out_path;   /* standard output goes here instead; "-": it is closed */
    const char *const *env; /* added to PATH, HOME and TERM=dumb; NULL: nothing */
    pid_t pid;
    int pipes[2]; /* standard output and error */
    int code;     /* exit code, or minus the signal */
    char out[SKEIN_TEXT_MAX];
    char err[SKEIN_TEXT_MAX];
};

static inline void skein_child(const struct skein *s, char *const *argv, int out, int err)
{
    if (s->dir && chdir(s->dir) != 0) _exit(120);
    if (s->as_nobody && geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(119);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0) _exit(121);
    if (s->out_path && strcmp(s->out_path, "-") != 0) out = open(s->out_path, O_WRONLY);
    if (out < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(122);
    if (s->out_path && strcmp(s->out_path, "-") == 0) (void)close(1);
    char path[FOLDER_PATH_MAX];
    (void)snprintf(
        path, sizeof(path), "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    const char *asan = getenv("ASAN_OPTIONS");
    char asan_text[FOLDER_PATH_MAX];
    (void)snprintf(asan_text, sizeof(asan_text), "ASAN_OPTIONS=%s", asan ? asan : "");
    /* Of two with one name the first counts. */
    char *env[16] = {NULL};
    size_t n = 0;
    for (size_t i = 0; s->env && s->env[i] && n < 10; i++)
        env[n++] = strdup(s->env[i]);
    env[n++] = path;
    env[n++] = (char[]){"HOME=/nonexistent"};
    env[n++] = (char[]){"TERM=dumb"};
    if (asan) env[n++] = asan_text;
    if (s->no_env) env[0] = NULL;
    if (s->no_stdin) (void)close(0);
    (void)execve(s->program ? s->program : SKN_TEST_SKEIN, argv, env);
    _exit(123);
}

/* Starts it with arguments that end with NULL. */
static inline void skein_start(struct skein *s, const char *const *args)
{
    char *argv[SKEIN_ARGS_MAX] = {strdup("skein")};
    for (size_t i = 0; args[i]; i++) {
        assert_true(i + 2 < SKEIN_ARGS_MAX);
        argv[i + 1] = strdup(args[i]);
    }
    int out[2], err[2];
    struct winsize size = {.ws_col = 60, .ws_row = 10};
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    if (s->has_terminal) {
        assert_int_equal(openpty(&err[0], &err[1], NULL, NULL, &size), 0);
        assert_int_equal(fcntl(err[0], F_SETFD, FD_CLOEXEC), 0);
    } else {
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    }
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) skein_child(s, argv, out[1], err[1]);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    (void)close(out[1]);
    (void)close(err[1]);
    s->pipes[0] = out[0];
    s->pipes[1] = err[0];
}

/* Reads both streams to their end and takes the exit code; fails the test after 30 s. */
static inline int skein_wait(struct skein *s)
{
    char *texts[2] = {s->out, s->err};
    size_t lens[2] = {0, 0};
    struct pollfd polls[2] = {{.fd = s->pipes[0], .events = POLLIN},
                              {.fd = s->pipes[1], .events = POLLIN}};
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        if (poll(polls, 2, 30000) <= 0) {
            (void)kill(s->pid, SIGKILL);
            fail_msg("it hangs; standard error so far: %.*s", (int)lens[1], s->err);
        }
        for (int i = 0; i < 2; i++) {
            if (polls[i].fd < 0 || polls[i].revents == 0) continue;
            ssize_t n = read(polls[i].fd, texts[i] + lens[i], SKEIN_TEXT_MAX - 1 - lens[i]);
            if (n > 0) {
                lens[i] += (size_t)n;
            } else {
                (void)close(polls[i].fd);
                polls[i].fd = -1;
            }
        }
    }
    s->out[lens[0]] = 0;
    s->err[lens[1]] = 0;
    int status;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return s->code;
}

static inline int skein_run(struct skein *s, const char *const *args)
{
    skein_start(s, args);
    return skein_wait(s);
}

static inline void skein_pause_ms(long ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
}

/* The process id in the lock of the folder's project, 0 when there is none. */
static inline pid_t skein_holder_pid(const struct folder *f)
{
    char *text = folder_read(f, ".skein/lock");
    pid_t pid = text ? (pid_t)strtol(text, NULL, 10) : 0;
    free(text);
    return pid > 0 ? pid : 0;
}

/* Ends the holder and waits until the lock is free, which is when its spawner is gone too. The
 * process itself may stay as a zombie where nobody waits for orphans. */
static inline void skein_end_holder(const struct folder *f)
{
    pid_t pid = skein_holder_pid(f);
    int fd = open(folder_at(f, ".skein/lock"), O_RDONLY | O_CLOEXEC);
    if (pid != 0 && access(folder_at(f, ".skein/socket"), F_OK) == 0) (void)kill(pid, SIGTERM);
    bool is_free = fd < 0;
    for (int i = 0; i < 2000 && !is_free; i++) {
        is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (!is_free) skein_pause_ms(5);
    }
    if (fd >= 0) (void)close(fd);
    assert_true(is_free);
}

#define SKEIN(s, ...) skein_run((s), (const char *const[]){__VA_ARGS__, NULL})

#define assert_has(text, part)                                                 \
    do {                                                                       \
        if (!strstr((text), (part))) fail_msg("no \"%s\" in: %s", part, text); \
    } while (0)

/* An empty folder in which `s` runs; it becomes the test's state. */
static inline int skein_folder_begin(struct skein *s, void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(s, 0, sizeof(*s));
    s->dir = f->path;
    *state = f;
    return 0;
}

static inline int skein_folder_end(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

/* The same with an empty project; its holder is ended. */
static inline int skein_project_begin(struct skein *s, void **state)
{
    (void)skein_folder_begin(s, state);
    folder_write(*state, "skein.yaml", "");
    return 0;
}

static inline int skein_project_end(void **state)
{
    skein_end_holder(*state);
    return skein_folder_end(state);
}
