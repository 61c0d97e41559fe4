/* keys.c - reads the sealing keys: what skein.yaml says, then the file or the command [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keys_internal.h"

#include "base/mem.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <yaml.h>

enum { ARGS_MAX = 16, TEXT_MAX = 4096, CONFIG_BYTES_MAX = 1 << 20 };

/* --- skein.yaml ------------------------------------------------------------------------------------ */

struct settings {
    char *file;
    char *argv[ARGS_MAX + 1];
    size_t args;
};

static void settings_fini(struct settings *s)
{
    skn_free(s->file);
    for (size_t i = 0; i < s->args; i++)
        skn_free(s->argv[i]);
}

static const char *scalar_of(const yaml_document_t *doc, const yaml_node_t *node)
{
    (void)doc;
    bool is_text = node && node->type == YAML_SCALAR_NODE && node->data.scalar.length > 0 &&
                   node->data.scalar.length < TEXT_MAX &&
                   strlen((const char *)node->data.scalar.value) == node->data.scalar.length;
    return is_text ? (const char *)node->data.scalar.value : NULL;
}

static yaml_node_t *member_of(yaml_document_t *doc, const yaml_node_t *map, const char *name)
{
    if (!map || map->type != YAML_MAPPING_NODE) return NULL;
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *key = scalar_of(doc, yaml_document_get_node(doc, p->key));
        if (key && strcmp(key, name) == 0) return yaml_document_get_node(doc, p->value);
    }
    return NULL;
}

static bool read_command(yaml_document_t *doc, const yaml_node_t *list, struct settings *out)
{
    if (list->type != YAML_SEQUENCE_NODE) return false;
    for (const yaml_node_item_t *i = list->data.sequence.items.start;
         i < list->data.sequence.items.top;
         i++) {
        const char *text = scalar_of(doc, yaml_document_get_node(doc, *i));
        if (!text || out->args == ARGS_MAX) return false;
        out->argv[out->args++] = skn_dup(text, strlen(text));
    }
    return out->args > 0;
}

/* SKN_ENOENT: it says nothing of secrets. */
static enum skn_rc read_document(yaml_document_t *doc, struct settings *out, struct skn_diag *diag)
{
    const yaml_node_t *secrets = member_of(doc, yaml_document_get_root_node(doc), "secrets");
    if (!secrets) return SKN_ENOENT;
    const yaml_node_t *file = member_of(doc, secrets, "key_file");
    const yaml_node_t *command = member_of(doc, secrets, "key_command");
    const char *path = scalar_of(doc, file);
    bool fits = secrets->type == YAML_MAPPING_NODE && (file != NULL) != (command != NULL) &&
                secrets->data.mapping.pairs.top - secrets->data.mapping.pairs.start == 1;
    if (fits && file) fits = path != NULL;
    if (fits && command) fits = read_command(doc, command, out);
    if (!fits)
        return SKN_FAIL(diag,
                        SKN_ECONFIG,
                        "`secrets` in skein.yaml has one member: key_file with a path, or "
                        "key_command with a list of 1 to %d words",
                        ARGS_MAX);
    if (path) out->file = skn_dup(path, strlen(path));
    return SKN_OK;
}

static enum skn_rc read_settings(const char *path, struct settings *out, struct skn_diag *diag)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    struct stat st;
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT) return SKN_ENOENT;
    if (!file)
        return SKN_FAIL(
            diag, skn_rc_of_errno(errno), "could not open \"%s\": %s", path, strerror(errno));
    enum skn_rc rc = SKN_OK;
    if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > CONFIG_BYTES_MAX)
        rc = SKN_FAIL(diag, SKN_ECONFIG, "\"%s\" is no file, or over 1 MiB", path);
    if (rc == SKN_OK && !yaml_parser_initialize(&parser)) abort(); /* out of memory */
    if (rc == SKN_OK) {
        yaml_parser_set_input_file(&parser, file);
        if (yaml_parser_load(&parser, &doc)) {
            rc = read_document(&doc, out, diag);
            yaml_document_delete(&doc);
        } else {
            rc = SKN_FAIL(diag,
                          SKN_ECONFIG,
                          "\"%s\" is no YAML at line %zu",
                          path,
                          parser.problem_mark.line + 1);
        }
        yaml_parser_delete(&parser);
    }
    (void)fclose(file);
    return rc;
}

/* --- the file --------------------------------------------------------------------------------------- */

static bool is_inside(const char *path, const char *dir)
{
    char real_path[PATH_MAX], real_dir[PATH_MAX];
    if (!realpath(path, real_path) || !realpath(dir, real_dir)) return false;
    size_t len = strlen(real_dir);
    return strncmp(real_path, real_dir, len) == 0 && real_path[len] == '/';
}

/* Whoever else could read or replace it has the secrets. */
static enum skn_rc check_file(const char *path, const struct stat *st, struct skn_diag *diag)
{
    if (!S_ISREG(st->st_mode))
        return SKN_FAIL(diag, SKN_ECONFIG, "the key file \"%s\" is no file", path);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return SKN_FAIL(
            diag, SKN_ECONFIG, "the key file \"%s\" belongs to user %ld", path, (long)st->st_uid);
    if (st->st_mode & (S_IRWXG | S_IRWXO))
        return SKN_FAIL(diag,
                        SKN_ECONFIG,
                        "the key file \"%s\" has the mode %04o: others may read or write it; "
                        "chmod 600 is what it needs",
                        path,
                        (unsigned)st->st_mode & 07777);
    return SKN_OK;
}

/* Reads to the end. False: there is more, or an error. */
static bool read_all(int fd, int64_t deadline_ms, struct skn_buf *out)
{
    for (;;) {
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left = deadline_ms - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (left <= 0 || (poll(&poll_fd, 1, (int)left) < 0 && errno != EINTR)) return false;
        if (poll_fd.revents == 0) continue;
        uint8_t *room = skn_buf_reserve(out, 1024);
        ssize_t n = room ? read(fd, room, 1024) : -1;
        if (n == 0) return true;
        if (n < 0 && room && errno == EINTR) continue;
        if (n < 0) return false;
        skn_buf_commit(out, (size_t)n);
    }
}

static int64_t deadline(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000 + SKN_KEYS_WAIT_MS;
}

static enum skn_rc
read_file(const char *path, const char *data_dir, struct skn_buf *out, struct skn_diag *diag)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0) (void)close(fd);
        return SKN_FAIL(diag,
                        skn_rc_of_errno(error),
                        "could not open the key file \"%s\": %s",
                        path,
                        strerror(error));
    }
    enum skn_rc rc = check_file(path, &st, diag);
    if (rc == SKN_OK && is_inside(path, data_dir))
        rc = SKN_FAIL(diag,
                      SKN_ECONFIG,
                      "the key file \"%s\" is in the data directory: a copy of the data would "
                      "have its key",
                      path);
    if (rc == SKN_OK && !read_all(fd, deadline(), out))
        rc = SKN_FAIL(diag, SKN_ECONFIG, "the key file \"%s\" cannot be read, or is large", path);
    (void)close(fd);
    return rc;
}

/* --- the command ------------------------------------------------------------------------------------ */

static int start(const struct settings *s, const char *dir, int out_fd, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attr) != 0) abort();
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
    int error = posix_spawn_file_actions_addchdir_np(&actions, dir);
    if (error == 0) error = posix_spawnp(out_pid, s->argv[0], &actions, &attr, s->argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return error;
}

static enum skn_rc
run(const struct settings *s, const char *dir, struct skn_buf *out, struct skn_diag *diag)
{
    int fds[2], status = 0;
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return SKN_FAIL(diag, SKN_EIO, "could not make a pipe: %s", strerror(errno));
    int error = start(s, dir, fds[1], &pid);
    (void)close(fds[1]);
    bool is_whole = error == 0 && read_all(fds[0], deadline(), out);
    (void)close(fds[0]);
    if (error != 0)
        return SKN_FAIL(diag,
                        SKN_ECONFIG,
                        "could not start key_command \"%s\": %s",
                        s->argv[0],
                        strerror(error));
    if (!is_whole) (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (is_whole && WIFEXITED(status) && WEXITSTATUS(status) == 0) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_ECONFIG,
                    "key_command \"%s\" %s",
                    s->argv[0],
                    is_whole ? "failed" : "took over 30 seconds, or printed over 64 KiB");
}

/* --- both ------------------------------------------------------------------------------------------- */

static enum skn_rc
parse(struct skn_buf *text, const char *where, struct skn_keyring **out_ring, struct skn_diag *diag)
{
    struct skn_diag why = {.text = ""};
    enum skn_rc rc = skn_keyring_parse(skn_buf_slice(text), out_ring, &why);
    if (rc != SKN_OK) return SKN_FAIL(diag, rc, "%.80s: %.100s", where, why.text);
    /* Plain secrets are in the memory of this process now and then. */
    struct rlimit core = {0};
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &core);
    }
    return SKN_OK;
}

enum skn_rc skn_keys_load(const char *project_dir,
                          const char *data_dir,
                          struct skn_keyring **out_ring,
                          struct skn_diag *diag)
{
    struct settings s = {.args = 0};
    struct skn_buf text;
    char path[PATH_MAX];
    *out_ring = NULL;
    (void)snprintf(path, sizeof path, "%s/skein.yaml", project_dir);
    enum skn_rc rc = read_settings(path, &s, diag);
    if (rc == SKN_OK && s.file) {
        (void)snprintf(path,
                       sizeof path,
                       "%s%s%s",
                       s.file[0] == '/' ? "" : project_dir,
                       s.file[0] == '/' ? "" : "/",
                       s.file);
    }
    skn_buf_init(&text, SKN_KEYS_BYTES_MAX);
    uint8_t *room = skn_buf_reserve(&text, SKN_KEYS_BYTES_MAX); /* growing would leave copies */
    SKN_ASSERT(room);
    if (rc == SKN_OK)
        rc = s.file ? read_file(path, data_dir, &text, diag) : run(&s, project_dir, &text, diag);
    else if (rc == SKN_ENOENT)
        rc = SKN_ELATER; /* there is nothing to load */
    if (rc == SKN_OK) rc = parse(&text, s.file ? path : s.argv[0], out_ring, diag);
    OPENSSL_cleanse(text.ptr, text.cap);
    skn_buf_fini(&text);
    settings_fini(&s);
    return rc == SKN_ELATER ? SKN_OK : rc;
}
