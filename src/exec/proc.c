/* proc.c - walks over /proc. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/proc_internal.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ENVIRON_BYTES_MAX = 32 << 20, /* the kernel allows a quarter of the stack limit; be generous */
    NAMES_MAX = 8,                /* shown to a person */
    PATH_BYTES = 64,
};

/* One process as /proc/N/stat has it. `began` tells two holders of one number apart. */
struct process {
    pid_t pid;
    pid_t parent;
    uint64_t began;
    char name[32];
    bool is_dead; /* a zombie */
    bool is_doomed;
};

static bool read_file(const char *path, struct skn_buf *buf)
{
    skn_buf_reset(buf);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = 1;
    while (n > 0) {
        uint8_t *to = skn_buf_reserve(buf, 4096);
        if (!to) break;
        n = read(fd, to, 4096);
        if (n > 0) skn_buf_commit(buf, (size_t)n);
    }
    (void)close(fd);
    return n == 0;
}

/* The name stands in parentheses and may hold any byte, also ')' and spaces; so the fields are
 * counted from the last ')'. */
static bool read_stat(pid_t pid, struct skn_buf *scratch, struct process *out_process)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_file(path, scratch)) return false;
    const char *text = skn_buf_str(scratch);
    const char *open_at = strchr(text, '(');
    const char *close_at = strrchr(text, ')');
    if (!open_at || !close_at || close_at < open_at) return false;

    struct process p = {.pid = pid};
    (void)snprintf(p.name, sizeof p.name, "%.*s", (int)(close_at - open_at - 1), open_at + 1);
    int parent = 0;
    char state = '?';
    unsigned long long began = 0;
    /* Fields 3 state, 4 ppid, 5 to 21 skipped, 22 starttime. */
    int got = sscanf(close_at + 1,
                     " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                     "%llu",
                     &state,
                     &parent,
                     &began);
    if (got != 3) return false;
    p.parent = parent;
    p.began = began;
    p.is_dead = state == 'Z' || state == 'X';
    *out_process = p;
    return true;
}

/* The next process number in /proc, or 0 at its end. */
static pid_t next_pid(DIR *proc)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(proc); /* NOLINT(concurrency-mt-unsafe): one thread */
        if (!entry) return 0;
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid > 0 && pid <= INT32_MAX && *end == '\0') return (pid_t)pid;
    }
}

/* Kills that very process, if it is still there on the second look. */
static void kill_exactly(const struct process *p, struct skn_buf *scratch)
{
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    struct process again;
    bool is_same = read_stat(p->pid, scratch, &again) && again.began == p->began;
    if (is_same && fd >= 0) {
        if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) != 0 && errno == ENOSYS) {
            (void)kill(p->pid, SIGKILL);
        }
    } else if (is_same) {
        (void)kill(p->pid, SIGKILL);
    }
    if (fd >= 0) (void)close(fd);
}

/* Whether the environment that the process was started with has SKEIN_SPAWNER=mark. */
static bool carries_mark(pid_t pid, struct skn_slice mark, struct skn_buf *scratch)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    if (!read_file(path, scratch)) return false;
    struct skn_slice name = SKN_LIT("SKEIN_SPAWNER=");
    struct skn_slice left = skn_buf_slice(scratch);
    while (left.len > 0) {
        const uint8_t *nul = memchr(left.ptr, 0, left.len);
        size_t n = nul ? (size_t)(nul - left.ptr) : left.len;
        struct skn_slice entry = skn_slice(left.ptr, n);
        left = skn_slice_from(left, nul ? n + 1 : n);
        if (!skn_slice_has_prefix(entry, name)) continue;
        if (skn_slice_eq(skn_slice_from(entry, name.len), mark)) return true;
    }
    return false;
}

static bool holds_file(pid_t pid, dev_t dev, ino_t ino)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *fds = opendir(path);
    if (!fds) return false;
    bool found = false;
    const struct dirent *entry = NULL;
    while (!found && (entry = readdir(fds))) { /* NOLINT(concurrency-mt-unsafe): one thread */
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(fds), entry->d_name, &st, 0) != 0) continue;
        found = st.st_dev == dev && st.st_ino == ino;
    }
    (void)closedir(fds);
    return found;
}

static bool is_spare(const struct skn_exec_quarry *quarry, pid_t pid)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(quarry->spare); i++)
        if (quarry->spare[i] == pid) return true;
    return false;
}

uint32_t skn_exec_sweep(const struct skn_exec_quarry *quarry, struct skn_buf *names)
{
    uint32_t found = 0;
    struct skn_buf scratch;
    skn_buf_init(&scratch, ENVIRON_BYTES_MAX);
    DIR *proc = opendir("/proc");
    for (pid_t pid = proc ? next_pid(proc) : 0; pid != 0; pid = next_pid(proc)) {
        if (is_spare(quarry, pid)) continue;
        struct process p;
        if (!read_stat(pid, &scratch, &p)) continue;
        bool is_meant = quarry->mark.len > 0 && carries_mark(pid, quarry->mark, &scratch);
        if (!is_meant && quarry->has_file) is_meant = holds_file(pid, quarry->dev, quarry->ino);
        if (!is_meant) continue;
        if (found++ < NAMES_MAX) {
            skn_buf_printf(names, "%s%d (%s)", names->len > 0 ? ", " : "", (int)pid, p.name);
        }
        kill_exactly(&p, &scratch);
    }
    if (proc) (void)closedir(proc);
    skn_buf_fini(&scratch);
    return found;
}

/* Everything in /proc, in one go, so that parents and children are looked at together. */
static size_t list_all(struct process **out_list, struct skn_buf *scratch)
{
    struct process *list = NULL;
    size_t len = 0;
    size_t cap = 0;
    DIR *proc = opendir("/proc");
    for (pid_t pid = proc ? next_pid(proc) : 0; pid != 0; pid = next_pid(proc)) {
        if (len == cap) {
            cap = cap > 0 ? cap * 2 : 256;
            list = skn_realloc(list, cap * sizeof *list);
        }
        if (read_stat(pid, scratch, &list[len])) len++;
    }
    if (proc) (void)closedir(proc);
    *out_list = list;
    return len;
}

/* Whether `p` is to be killed because its parent is, or is the caller. */
static bool is_under(const struct process *p, const struct process *list, size_t len, pid_t self)
{
    if (p->parent == self) return true;
    for (size_t i = 0; i < len; i++)
        if (list[i].is_doomed && list[i].pid == p->parent) return true;
    return false;
}

uint32_t skn_exec_kill_descendants(bool (*is_spared)(const void *context, pid_t pid),
                                   const void *context)
{
    struct skn_buf scratch;
    skn_buf_init(&scratch, 4096 * 2);
    struct process *list = NULL;
    size_t len = list_all(&list, &scratch);
    pid_t self = getpid();
    uint32_t found = 0;
    for (bool is_new = true; is_new;) {
        is_new = false;
        for (size_t i = 0; i < len; i++) {
            struct process *p = &list[i];
            if (p->is_doomed || p->is_dead || !is_under(p, list, len, self)) continue;
            if (p->parent == self && is_spared && is_spared(context, p->pid)) continue;
            p->is_doomed = true;
            is_new = true;
            found++;
        }
    }
    for (size_t i = 0; i < len; i++)
        if (list[i].is_doomed) kill_exactly(&list[i], &scratch);
    skn_free(list);
    skn_buf_fini(&scratch);
    return found;
}

void skn_exec_close_from(int first, int keep)
{
    SKN_ASSERT(first <= keep);
    bool is_done = (first == keep || close_range((unsigned)first, (unsigned)keep - 1, 0) == 0) &&
                   close_range((unsigned)keep + 1, ~0U, 0) == 0;
    if (is_done) return;
    /* Before Linux 5.9, or forbidden: one by one up to the limit. */
    struct rlimit limit = {.rlim_cur = 1024};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = first; (rlim_t)fd < limit.rlim_cur; fd++)
        if (fd != keep) (void)close(fd);
}
