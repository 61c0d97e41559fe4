/* init.c - skein init: a folder becomes a project with a flow that runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"

#include "base/buf.h"
#include "lang/kit/json_text.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    const char *path; /* a folder when text is NULL */
    const char *text;
};

/* In the order in which they are made: skein.yaml is last, since it says that this is a project.
 * The programs are in every Debian (sed, coreutils) and are started without a shell. */
static const struct file files[] = {
    {"flows", NULL},
    {"events", NULL},
    {"flows/hello.pty",
     "# Greets, then shouts and counts beside each other.\n"
     "#\n"
     "#     skein run flows/hello.pty --input name=Ada\n"
     "#\n"
     "# \"->\" is \"then\", \"|->\" gives the result along, \"||\" is \"beside each other\".\n"
     "@input: name: string = \"world\"\n"
     "\n"
     "Hello |-> Shout || Count\n"},
    {"events/hello.yaml",
     "# A program gets its inputs as one JSON object on standard input; what it prints is its "
     "result.\n"
     "event: Hello\n"
     "version: 1.0.0\n"
     "description: Greets somebody.\n"
     "inputs: { name: string }\n"
     "run: { exec: [sed, 's/.*\"name\":\"\\([^\"]*\\)\".*/Hello, \\1!/'] }\n"
     "timeout: 10s\n"},
    {"events/shout.yaml",
     "# \"previous\" is what \"|->\" gave along.\n"
     "event: Shout\n"
     "version: 1.0.0\n"
     "description: Says it in capitals.\n"
     "inputs: { previous: any }\n"
     "run: { exec: [sed, 's/.*\"previous\":\"\\([^\"]*\\)\".*/\\U\\1/'] }\n"
     "timeout: 10s\n"},
    {"events/count.yaml",
     "event: Count\n"
     "version: 1.0.0\n"
     "description: Counts the bytes of its input.\n"
     "inputs: { previous: any }\n"
     "run: { exec: [wc, -c] }\n"
     "timeout: 10s\n"
     "retry: { attempts: 3, backoff: 100ms }\n"},
    {"skein.yaml", NULL}, /* its text has the project's name */
};

struct maker {
    int root; /* the project folder */
    const char *dir;
    bool made[SKN_ARRAY_LEN(files)];
    struct skn_diag *diag;
};

static enum skn_rc could_not_make(const struct maker *m, const char *path)
{
    return SKN_FAIL(m->diag,
                    errno == ENOSPC || errno == EDQUOT ? SKN_EDISKFULL : SKN_EPERM,
                    "could not create \"%s/%s\": %s",
                    m->dir,
                    path,
                    strerror(errno));
}

static enum skn_rc make_file(struct maker *m, size_t i, struct skn_slice text)
{
    int fd = openat(m->root, files[i].path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return could_not_make(m, files[i].path);
    m->made[i] = true;
    ssize_t n = write(fd, text.ptr, text.len);
    if (n >= 0 && (size_t)n < text.len) errno = ENOSPC;
    enum skn_rc rc = n == (ssize_t)text.len ? SKN_OK : could_not_make(m, files[i].path);
    if (close(fd) != 0 && rc == SKN_OK) rc = could_not_make(m, files[i].path);
    return rc;
}

static enum skn_rc make_folder(struct maker *m, size_t i)
{
    m->made[i] = mkdirat(m->root, files[i].path, 0777) == 0;
    return m->made[i] || errno == EEXIST ? SKN_OK : could_not_make(m, files[i].path);
}

/* The YAML of a name is its JSON, whatever is in it. */
static enum skn_rc make_config(struct maker *m, size_t i, const char *name)
{
    struct skn_buf text;
    skn_buf_init(&text, 16 * PATH_MAX);
    skn_buf_put_str(&text, "# A skein project: flows in flows/, events in events/.\nname: ");
    skn_json_text_string(&text, skn_slice_str(name));
    skn_buf_put_str(&text, "\n");
    enum skn_rc rc = make_file(m, i, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return rc;
}

/* Nothing of the user's may be overwritten, so this is known before anything is made. */
static enum skn_rc check_absent(const struct maker *m)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(files); i++) {
        struct stat st;
        if (fstatat(m->root, files[i].path, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (!files[i].text && S_ISDIR(st.st_mode)) continue;
        return SKN_FAIL(m->diag,
                        SKN_EEXIST,
                        "\"%s/%s\" is there already; init makes a new project only",
                        m->dir,
                        files[i].path);
    }
    return SKN_OK;
}

static enum skn_rc make_all(struct maker *m, const char *name)
{
    enum skn_rc rc = check_absent(m);
    for (size_t i = 0; i < SKN_ARRAY_LEN(files) && rc == SKN_OK; i++) {
        bool is_config = i + 1 == SKN_ARRAY_LEN(files);
        if (is_config) {
            rc = make_config(m, i, name);
        } else if (files[i].text) {
            rc = make_file(m, i, skn_slice_str(files[i].text));
        } else {
            rc = make_folder(m, i);
        }
    }
    /* Half a project would be in the way of the next try. */
    for (size_t i = SKN_ARRAY_LEN(files); rc != SKN_OK && i-- > 0;)
        if (m->made[i]) (void)unlinkat(m->root, files[i].path, files[i].text ? 0 : AT_REMOVEDIR);
    return rc;
}

static enum skn_rc init(const char *dir, char *out_root, struct skn_diag *diag)
{
    bool made_dir = mkdir(dir, 0777) == 0;
    if (!made_dir && errno != EEXIST)
        return SKN_FAIL(diag, SKN_EPERM, "could not create \"%s\": %s", dir, strerror(errno));
    struct maker m = {
        .root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .dir = dir, .diag = diag};
    if (m.root < 0 || !realpath(dir, out_root))
        return SKN_FAIL(diag, SKN_EEXIST, "could not open \"%s\": %s", dir, strerror(errno));
    const char *slash = strrchr(out_root, '/');
    enum skn_rc rc = make_all(&m, slash[1] ? slash + 1 : "root");
    (void)close(m.root);
    if (rc != SKN_OK && made_dir) (void)rmdir(dir);
    return rc;
}

int skn_cmd_init(struct skn_cli *cli)
{
    struct skn_diag diag;
    const char *dir = cli->args.operands[0];
    char root[PATH_MAX];
    if (init(dir, root, &diag) != SKN_OK) return skn_out_fail(&cli->out, &diag);
    if (!cli->out.json) {
        skn_out_printf(&cli->out,
                       "Made the project %s. Try:\n  cd %s\n  skein run flows/hello.pty\n",
                       root,
                       dir);
        return 0;
    }
    struct skn_buf text;
    skn_buf_init(&text, 16 * PATH_MAX);
    skn_buf_put_str(&text, "{\"project\":");
    skn_json_text_string(&text, skn_slice_str(root));
    skn_buf_put_str(&text, "}\n");
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return 0;
}
