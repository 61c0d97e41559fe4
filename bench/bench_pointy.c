/* bench_pointy.c - 10 MiB of flow text in a project: checked, compiled, laid out. An operation is one
 * KiB of text. Behind the times stands the most memory that checking took, in a process of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "lang/pointy/tools.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_MAX = 1 << 28, EVENTS = 200 };

struct work {
    struct skn_arena events_arena;
    struct skn_project_events events;
    struct skn_buf text;
};

static const char event_file[] = "event: E%d\n"
                                 "version: 1.0.0\n"
                                 "inputs: { id: string, note: { type: string, default: x } }\n"
                                 "outputs: { id: string, body: any }\n"
                                 "run: { exec: [program] }\n";

static void make_project(struct work *w)
{
    const struct skn_event_def *defs[EVENTS];
    skn_arena_init(&w->events_arena);
    for (int i = 0; i < EVENTS; i++) {
        struct skn_source *source = skn_arena_zero(&w->events_arena, 1, sizeof *source);
        struct skn_diags *diags = skn_arena_zero(&w->events_arena, 1, sizeof *diags);
        struct skn_slice text = skn_slice_str(skn_arena_printf(&w->events_arena, event_file, i));
        enum skn_rc rc = skn_source_init(source, &w->events_arena, SKN_LIT("e"), text);
        skn_diags_init(diags, &w->events_arena, source);
        if (rc == SKN_OK) rc = skn_event_parse(&w->events_arena, source, diags, &defs[i]);
        SKN_ASSERT(rc == SKN_OK);
    }
    enum skn_rc rc = skn_project_events_init(&w->events, &w->events_arena, defs, EVENTS, NULL);
    SKN_ASSERT(rc == SKN_OK);
}

/* Chains, units beside each other, groups, branches and options, as people write them. */
static void make_text(struct skn_rng *rng, uint64_t bytes, struct skn_buf *out)
{
    skn_buf_put_str(out, "@input: id: string\nE0");
    while (out->len < bytes) {
        unsigned e = (unsigned)skn_rng_below(rng, EVENTS);
        switch (skn_rng_below(rng, 8)) {
        case 0: skn_buf_printf(out, "\n|-> E%u[timeout=30s, note=\"a\"] * 3", e); break;
        case 1:
            skn_buf_printf(out, "\n-> E%u (failure -> E1 |-> E2, success -> E3 || E4)", e);
            break;
        case 2: skn_buf_printf(out, "\n-> {E%u -> E5}[retries=3]", e); break;
        case 3: skn_buf_printf(out, "\n-> E%u || E6", e); break;
        default: skn_buf_printf(out, "\n|-> E%u", e); break;
        }
    }
    skn_buf_put_str(out, "\n");
}

static void with_source(struct work *w,
                        void (*fn)(struct work *, struct skn_arena *, struct skn_diags *))
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_source_init(&source, &arena, SKN_LIT("x.pty"), skn_buf_slice(&w->text));
    SKN_ASSERT(rc == SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    fn(w, &arena, &diags);
    SKN_ASSERT(diags.errors == 0);
    skn_arena_fini(&arena);
}

static void check_source(struct work *w, struct skn_arena *arena, struct skn_diags *diags)
{
    enum skn_rc rc = skn_pointy_check(arena, diags->source, &w->events, diags);
    SKN_ASSERT(rc == SKN_OK);
}

static void compile_source(struct work *w, struct skn_arena *arena, struct skn_diags *diags)
{
    const struct skn_graph *graph;
    enum skn_rc rc = skn_pointy_compile(arena, diags->source, &w->events, diags, &graph);
    SKN_ASSERT(rc == SKN_OK);
    skn_bench_keep(graph);
}

static void format_source(struct work *w, struct skn_arena *arena, struct skn_diags *diags)
{
    struct skn_buf out;
    (void)w;
    (void)arena;
    skn_buf_init(&out, OUT_MAX);
    enum skn_rc rc = skn_pointy_format(diags->source, diags, &out);
    SKN_ASSERT(rc == SKN_OK);
    skn_bench_keep(out.ptr);
    skn_buf_fini(&out);
}

static void check(void *ctx)
{
    with_source(ctx, check_source);
}

static void compile(void *ctx)
{
    with_source(ctx, compile_source);
}

static void format(void *ctx)
{
    with_source(ctx, format_source);
}

/* The limit: the text is looked at once. */
static void count_lines(void *ctx)
{
    struct work *w = ctx;
    uint64_t lines = 0;
    for (size_t i = 0; i < w->text.len; i++)
        lines += w->text.ptr[i] == '\n';
    skn_bench_keep(&lines);
}

/* What a process that does nothing else has at its most, the text counted. */
static void print_peak(struct work *w, const char *name, void (*fn)(void *))
{
    struct rusage usage;
    (void)fflush(NULL);
    pid_t pid = fork();
    SKN_ASSERT(pid >= 0);
    if (pid == 0) {
        fn(w);
        _exit(0);
    }
    int status = 0;
    if (wait4(pid, &status, 0, &usage) == pid && WIFEXITED(status))
        (void)fprintf(stderr,
                      "bench_pointy: %s takes at most %ld MiB\n",
                      name,
                      (usage.ru_maxrss + 1023) / 1024);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    struct skn_rng rng;
    struct work w = {.events = {.count = 0}};
    skn_bench_init(&bench, "pointy", argc, argv);
    skn_rng_init(&rng, bench.seed);
    skn_buf_init(&w.text, OUT_MAX);
    make_project(&w);
    make_text(&rng, skn_bench_n(&bench, 10) * 1024 * 1024, &w.text);
    const struct {
        const char *name;
        void (*fn)(void *);
    } cases[] = {{"check", check}, {"compile", compile}, {"fmt", format}};
    /* Before anything else ran here: what this process has kept would be counted too. */
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases) && !bench.json; i++)
        print_peak(&w, cases[i].name, cases[i].fn);
    uint64_t n = w.text.len / 1024;
    uint64_t start = skn_bench_now_ns();
    count_lines(&w);
    double limit_ns = (double)(skn_bench_now_ns() - start) / (double)n;
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_bench_case c = {.name = cases[i].name,
                                   .n = n,
                                   .run = cases[i].fn,
                                   .ctx = &w,
                                   .limit = "the text is looked at once",
                                   .limit_ns = limit_ns};
        skn_bench_run(&bench, &c);
    }
    skn_buf_fini(&w.text);
    skn_arena_fini(&w.events_arena);
    return skn_bench_end(&bench);
}
