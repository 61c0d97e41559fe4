/* pty_project.h - the project of the tests: the event files of test/lang/pointy/events, and the
 * flows Loop (which is the one that is compiled), Nightly, Bill and Broken. */
#pragma once

#include "lib/test.h"

#include "base/mem.h"
#include "lang/pointy/pointy.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pty_project {
    struct skn_arena arena;
    struct skn_project_events events;
};

static inline struct skn_slice pty_read_file(struct skn_arena *arena, const char *path)
{
    enum { BYTES_MAX = 1 << 20 };
    static uint8_t bytes[BYTES_MAX];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    assert_true(len < sizeof(bytes));
    (void)fclose(file);
    return skn_arena_dup(arena, skn_slice(bytes, len));
}

static inline int pty_by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files that the event files of test/lang/pointy/event name: those beside them. */
static inline bool pty_file(void *ctx,
                            struct skn_arena *arena,
                            struct skn_slice event_file,
                            struct skn_slice path,
                            struct skn_slice *out_text,
                            const char **out_why)
{
    char name[4096];
    (void)ctx;
    (void)event_file;
    (void)snprintf(name, sizeof(name), SKN_TEST_LANG "/pointy/event/%.*s", (int)path.len, path.ptr);
    FILE *file = fopen(name, "rb");
    if (!file) {
        *out_why = "it is not there";
        return false;
    }
    (void)fclose(file);
    *out_text = pty_read_file(arena, name);
    return true;
}

static const struct skn_event_host pty_host = {.ctx = NULL, .file = pty_file};

static inline const struct skn_event_def *
pty_event(struct skn_arena *arena, const char *name, struct skn_slice text)
{
    struct skn_source *source = skn_arena_zero(arena, 1, sizeof(*source));
    struct skn_diags diags;
    const struct skn_event_def *def = NULL;
    assert_int_equal(skn_source_init(source, arena, skn_slice_str(name), text), SKN_OK);
    skn_diags_init(&diags, arena, source);
    assert_int_equal(skn_event_parse(arena, source, &diags, &def), SKN_OK);
    return def;
}

static inline void pty_project_init(struct pty_project *p)
{
    enum { EVENTS_MAX = 100 };
    static const struct {
        const char *name, *text;
    } flows[] = {
        {"Loop", "FLOW<Nightly>"},
        {"Nightly", "@input: day: string? A"},
        {"Bill", "@input: total: int @input: order_id: string @input: note: string = \"\" A"},
        {"Broken", "@input: total: A"},
    };
    struct skn_project_flow *known;
    const char *folder = SKN_TEST_LANG "/pointy/events";
    const struct skn_event_def *defs[EVENTS_MAX];
    char *names[EVENTS_MAX];
    size_t count = 0;
    skn_arena_init(&p->arena);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!strstr(entry->d_name, ".yaml")) continue;
        assert_true(count < EVENTS_MAX);
        names[count++] = strdup(entry->d_name);
    }
    (void)closedir(dir);
    qsort(names, count, sizeof(*names), pty_by_name);
    for (size_t i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        defs[i] = pty_event(&p->arena,
                            (const char *)skn_arena_dup(&p->arena, skn_slice_str(names[i])).ptr,
                            pty_read_file(&p->arena, path));
        free(names[i]);
    }
    assert_int_equal(skn_project_events_init(&p->events, &p->arena, defs, count, NULL), SKN_OK);
    known = skn_arena_zero(&p->arena, SKN_ARRAY_LEN(flows), sizeof(*known));
    for (size_t i = 0; i < SKN_ARRAY_LEN(flows); i++) {
        known[i].name = skn_slice_str(flows[i].name);
        skn_pointy_interface(&p->arena, skn_slice_str(flows[i].text), &known[i]);
    }
    p->events.flows = known;
    p->events.flow_count = SKN_ARRAY_LEN(flows);
    p->events.has_flows = true;
    p->events.own_name = SKN_LIT("Loop");
}

static inline void pty_project_fini(struct pty_project *p)
{
    skn_arena_fini(&p->arena);
}
