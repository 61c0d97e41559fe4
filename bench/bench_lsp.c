/* bench_lsp.c - the real `skein lsp` over its pipes, as an editor drives it, with a flow of 5,000 lines in
 * a project of 50 events: how long each answer takes, and how much of a processor. The goal is 50 ms. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/buf.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 5000, EVENTS = 50, OUT_MAX = 1 << 26, USES = 100 };

struct work {
    int in, out; /* of the server: we write, we read */
    pid_t pid;
    char uri[128];
    struct skn_buf text;    /* JSON string with the flow, without its closing quote */
    struct skn_buf message; /* frames to send */
    struct skn_buf got;     /* bytes that came and are not used up */
    uint64_t next_id;
    uint64_t asked; /* since the case began */
    const char *method;
    const char *params; /* behind "textDocument" */
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_lsp: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) fail(name);
}

static void make_project(const char *dir)
{
    char name[32], text[512];
    if (chdir(dir) != 0 || mkdir("events", 0700) != 0 || mkdir("flows", 0700) != 0) fail(dir);
    put_file("skein.yaml", "project: bench\n");
    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(name, sizeof name, "events/e%d.yaml", i);
        (void)snprintf(text,
                       sizeof text,
                       "event: E%d\nversion: 1.0.0\ndescription: Does part %d of the work.\n"
                       "inputs: { id: string, note: { type: string, default: x } }\n"
                       "outputs: { id: string, body: any }\nrun: { exec: [\"true\"] }\n",
                       i,
                       i);
        put_file(name, text);
    }
}

static void make_text(struct skn_rng *rng, struct skn_buf *out)
{
    skn_buf_put_str(out, "\"@input: id: string\\n@input: who: string\\nE0");
    for (int i = 3; i < LINES; i++)
        skn_buf_printf(out,
                       "\\n|-> E%u[note=\\\"%s\\\", timeout=%us] "
                       "(failure -> E%u |-> E%u, success -> E%u)",
                       (unsigned)skn_rng_below(rng, EVENTS),
                       i % (LINES / USES) == 0 ? "for ${who}" : "as said",
                       1 + (unsigned)skn_rng_below(rng, 60),
                       (unsigned)skn_rng_below(rng, EVENTS),
                       (unsigned)skn_rng_below(rng, EVENTS),
                       (unsigned)skn_rng_below(rng, EVENTS));
}

static void start(struct work *w, const char *skein)
{
    int to[2], from[2];
    char *argv[] = {strdup(skein), strdup("lsp"), NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) fail("pipe");
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, to[0], 0) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, from[1], 1) != 0 ||
        posix_spawn(&w->pid, skein, &actions, NULL, argv, environ) != 0)
        fail("posix_spawn");
    (void)posix_spawn_file_actions_destroy(&actions);
    free(argv[0]);
    free(argv[1]);
    (void)close(to[0]);
    (void)close(from[1]);
    w->in = to[1];
    w->out = from[0];
}

/* Sends what stands in `message`, with its frame. */
static void send_message(struct work *w)
{
    char head[64];
    struct skn_slice rest[2];
    int len = snprintf(head, sizeof head, "Content-Length: %zu\r\n\r\n", w->message.len);
    rest[0] = skn_slice(head, (size_t)len);
    rest[1] = skn_buf_slice(&w->message);
    for (int i = 0; i < 2; i++) {
        while (rest[i].len > 0) {
            ssize_t n = write(w->in, rest[i].ptr, rest[i].len);
            if (n <= 0) fail("the server takes nothing");
            rest[i] = skn_slice_from(rest[i], (size_t)n);
        }
    }
    skn_buf_reset(&w->message);
}

/* The bytes of the first whole message in `got`, 0 when there is none. */
static size_t whole_message(struct work *w)
{
    const char *text = skn_buf_str(&w->got);
    const char *body = strstr(text, "\r\n\r\n");
    if (w->got.len == 0 || !body) return 0;
    size_t len = strtoul(text + strlen("Content-Length: "), NULL, 10);
    size_t all = (size_t)(body + 4 - text) + len;
    return w->got.len >= all ? all : 0;
}

/* Reads up to the message that has `part` near its beginning. */
static void wait_for(struct work *w, const char *part)
{
    static uint8_t bytes[1 << 18];
    for (;;) {
        size_t len = whole_message(w);
        if (len == 0) {
            ssize_t n = read(w->out, bytes, sizeof bytes);
            if (n <= 0) fail("the server is gone");
            skn_buf_put(&w->got, skn_slice(bytes, (size_t)n));
            continue;
        }
        const void *found = memmem(w->got.ptr, len < 160 ? len : 160, part, strlen(part));
        if (memmem(w->got.ptr, len < 160 ? len : 160, "\"error\":", 8) &&
            strcmp(part, "-32601") != 0)
            fail(skn_buf_str(&w->got));
        memmove(w->got.ptr, w->got.ptr + len, w->got.len - len);
        w->got.len -= len;
        if (found) return;
    }
}

static void change(void *ctx, uint64_t i)
{
    static const char *const ends[] = {"", " ", "\\n|-> E1"};
    struct work *w = ctx;
    w->asked++;
    skn_buf_printf(
        &w->message,
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{"
        "\"textDocument\":{\"uri\":\"%s\",\"version\":%lu},\"contentChanges\":[{\"text\":",
        w->uri,
        (unsigned long)(i + 2));
    skn_buf_put(&w->message, skn_buf_slice(&w->text));
    skn_buf_printf(&w->message, "%s\"}]}}", ends[i % SKN_ARRAY_LEN(ends)]);
    send_message(w);
    wait_for(w, "publishDiagnostics");
}

static void ask(void *ctx, uint64_t i)
{
    char part[32];
    struct work *w = ctx;
    (void)i;
    w->asked++;
    skn_buf_printf(&w->message,
                   "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"method\":\"%s\",\"params\":{"
                   "\"textDocument\":{\"uri\":\"%s\"}%s}}",
                   (unsigned long)w->next_id,
                   w->method,
                   w->uri,
                   w->params);
    send_message(w);
    (void)snprintf(part, sizeof part, "\"id\":%lu,", (unsigned long)w->next_id++);
    wait_for(w, strcmp(w->method, "none") == 0 ? "-32601" : part);
}

static void open_text(struct work *w)
{
    w->method = "initialize";
    w->params = "";
    ask(w, 0);
    skn_buf_printf(
        &w->message,
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{"
        "\"textDocument\":{\"uri\":\"%s\",\"languageId\":\"pointy\",\"version\":1,\"text\":",
        w->uri);
    skn_buf_put(&w->message, skn_buf_slice(&w->text));
    skn_buf_put_str(&w->message, "\"}}}");
    send_message(w);
    wait_for(w, "publishDiagnostics");
}

static double cpu_ms(const struct work *w)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(w->pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#define AT(line, character) ",\"position\":{\"line\":" #line ",\"character\":" #character "}"

static const struct {
    const char *name, *method, *params;
} cases[] = {
    {"an error at once", "none", ""},
    {"change of the text, with its diagnostics", NULL, NULL},
    {"completion of an event", "textDocument/completion", AT(2500, 5)},
    {"hover", "textDocument/hover", AT(2500, 5)},
    {"definition", "textDocument/definition", AT(2500, 5)},
    {"rename of an input with 100 uses", "textDocument/rename", AT(1, 8) ",\"newName\":\"person\""},
    {"code actions",
     "textDocument/codeAction",
     ",\"range\":{\"start\":{\"line\":9,\"character\":0},\"end\":{\"line\":9,\"character\":9}}"},
    {"outline", "textDocument/documentSymbol", ""},
    {"formatting", "textDocument/formatting", ",\"options\":{\"tabSize\":4,\"insertSpaces\":true}"},
};

static void run_cases(struct skn_bench *bench, struct work *w)
{
    double limit_ns = 0;
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_bench_case c = {.name = cases[i].name,
                                   .n = skn_bench_n(bench, i == 0 ? 1000 : 100),
                                   .op = cases[i].method ? ask : change,
                                   .ctx = w,
                                   .limit = "a message there and back",
                                   .limit_ns = limit_ns};
        w->method = cases[i].method;
        w->params = cases[i].params;
        if (i == 0) {
            uint64_t began = skn_bench_now_ns();
            for (uint64_t n = 0; n < 1000; n++)
                ask(w, n);
            c.limit_ns = limit_ns = (double)(skn_bench_now_ns() - began) / 1000;
        }
        double before = cpu_ms(w);
        w->asked = 0;
        skn_bench_run(bench, &c);
        if (!bench->json && w->asked > 0)
            (void)fprintf(stderr,
                          "bench_lsp: %s takes %.2f ms of a processor\n",
                          c.name,
                          (cpu_ms(w) - before) / (double)w->asked);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    struct skn_rng rng;
    struct work w = {.next_id = 1};
    char dir[] = "/tmp/bench-lsp-XXXXXX";
    int status = 0;
    if (argc < 2) fail("usage: bench_lsp SKEIN [--json ..]");
    char *skein = realpath(argv[1], NULL); /* the folder changes below */
    if (!skein) fail(argv[1]);
    argv[1] = argv[0];
    skn_bench_init(&bench, "lsp", argc - 1, argv + 1);
    skn_rng_init(&rng, bench.seed);
    skn_buf_init(&w.text, OUT_MAX);
    skn_buf_init(&w.message, OUT_MAX);
    skn_buf_init(&w.got, OUT_MAX);
    if (!mkdtemp(dir)) fail(dir);
    make_project(dir);
    make_text(&rng, &w.text);
    (void)snprintf(w.uri, sizeof w.uri, "file://%s/flows/long.pty", dir);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) fail("signal");
    start(&w, skein);
    free(skein);
    open_text(&w);
    run_cases(&bench, &w);
    (void)close(w.in); /* an editor that is gone */
    if (waitpid(w.pid, &status, 0) != w.pid) fail("waitpid");
    (void)close(w.out);
    if (chdir("/tmp") != 0) fail("/tmp");
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    skn_buf_fini(&w.text);
    skn_buf_fini(&w.message);
    skn_buf_fini(&w.got);
    return skn_bench_end(&bench);
}
