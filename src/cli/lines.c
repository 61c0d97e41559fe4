/* lines.c - what changed between two views of a run, and tables of runs: plain lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view_internal.h"

#include <stdlib.h>
#include <string.h>

enum { CELL_COLUMNS = 24 };

/* Which of two paths stands first in a tree: by their numbers from the left, a prefix first. */
static int path_cmp(struct skn_slice a, struct skn_slice b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        uint64_t x = 0, y = 0;
        for (; i < a.len && a.ptr[i] != '.'; i++)
            x = x * 10 + a.ptr[i];
        for (; j < b.len && b.ptr[j] != '.'; j++)
            y = y * 10 + b.ptr[j];
        if (x != y) return x < y ? -1 : 1;
        i++;
        j++;
    }
    return i < a.len ? 1 : j < b.len ? -1 : 0;
}

static bool same_text(struct skn_value a, struct skn_value b, const char *key)
{
    return skn_slice_eq(skn_view_text(a, key), skn_view_text(b, key));
}

static bool is_same(struct skn_value a, struct skn_value b)
{
    return same_text(a, b, "status") && skn_value_count(skn_view_member(a, "attempts")) ==
                                            skn_value_count(skn_view_member(b, "attempts"));
}

/* " in 1.20 s", when it has ended. */
static void put_took(struct skn_value v, struct skn_buf *out)
{
    int64_t start, end;
    if (!skn_view_time(skn_view_text(v, "started"), &start) ||
        !skn_view_time(skn_view_text(v, "ended"), &end))
        return;
    skn_buf_put_str(out, " in ");
    skn_view_duration(out, end - start);
}

static void put_change(struct skn_value v, struct skn_buf *out)
{
    (void)skn_view_put(out, skn_view_text(v, "status"), 0);
    put_took(v, out);
    uint32_t attempts = skn_value_count(skn_view_member(v, "attempts"));
    if (attempts > 1) skn_buf_printf(out, ", attempt %u", attempts);
    struct skn_value error = skn_view_member(v, "error");
    if (!skn_value_is(error, SKN_T_NONE)) {
        skn_buf_put_str(out, ": ");
        skn_view_put_error(out, error);
    }
    skn_buf_put_u8(out, '\n');
}

static void put_context_change(struct skn_value context, struct skn_buf *out)
{
    struct skn_slice event = skn_view_text(context, "event");
    (void)skn_view_put(out, skn_view_text(context, "path"), 0);
    skn_buf_put_u8(out, ' ');
    (void)skn_view_put(out, event.len > 0 ? event : skn_view_text(context, "kind"), 0);
    skn_buf_put_str(out, ": ");
    put_change(context, out);
}

static void put_run_change(struct skn_value view, struct skn_buf *out)
{
    (void)skn_view_put(out, skn_view_text(view, "run"), 0);
    skn_buf_put_u8(out, ' ');
    (void)skn_view_put(out, skn_view_text(view, "flow"), 0);
    skn_buf_put_str(out, ": ");
    put_change(view, out);
}

/* Both lists are in tree order, so one walk over both finds what is new or different. */
static void put_context_changes(struct skn_value before, struct skn_value view, struct skn_buf *out)
{
    struct skn_value_iter older_iter = skn_value_iter(skn_view_member(before, "contexts"));
    struct skn_value_iter iter = skn_value_iter(skn_view_member(view, "contexts"));
    struct skn_value context, older = skn_value_none();
    bool has_older = skn_value_next(&older_iter, NULL, &older);
    while (skn_value_next(&iter, NULL, &context)) {
        struct skn_slice path = skn_view_text(context, "path");
        while (has_older && path_cmp(skn_view_text(older, "path"), path) < 0)
            has_older = skn_value_next(&older_iter, NULL, &older);
        bool is_known = has_older && path_cmp(skn_view_text(older, "path"), path) == 0;
        if (!is_known || !is_same(older, context)) put_context_change(context, out);
    }
}

void skn_view_changes(struct skn_value before, struct skn_value view, struct skn_buf *out)
{
    bool changed = !same_text(before, view, "status");
    bool is_over = skn_view_text(view, "ended").len > 0;
    /* The run stands before what it starts and after what it ends with. */
    if (changed && !is_over) put_run_change(view, out);
    put_context_changes(before, view, out);
    if (changed && is_over) put_run_change(view, out);
}

struct dated {
    int64_t start_ms;
    uint32_t at; /* in the list: ties keep its order */
    struct skn_value view;
};

static int newer_first(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->start_ms != y->start_ms) return x->start_ms > y->start_ms ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

struct skn_value *
skn_view_newest_first(struct skn_arena *arena, struct skn_value views, size_t *out_count)
{
    uint32_t count = skn_value_is(views, SKN_T_LIST) ? skn_value_count(views) : 0;
    struct dated *dated = skn_arena_zero(arena, (size_t)count + 1, sizeof(*dated));
    struct skn_value *sorted = skn_arena_zero(arena, (size_t)count + 1, sizeof(*sorted));
    struct skn_value_iter iter = skn_value_iter(views);
    for (uint32_t i = 0; i < count && skn_value_next(&iter, NULL, &dated[i].view); i++) {
        dated[i].at = i;
        (void)skn_view_time(skn_view_text(dated[i].view, "started"), &dated[i].start_ms);
    }
    qsort(dated, count, sizeof(*dated), newer_first);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = dated[i].view;
    *out_count = count;
    return sorted;
}

static uint32_t cell_width(struct skn_slice text)
{
    struct skn_buf ignored;
    skn_buf_init(&ignored, 4 * CELL_COLUMNS + 4);
    uint32_t width = skn_view_put(&ignored, text, CELL_COLUMNS);
    skn_buf_fini(&ignored);
    return width;
}

static void put_cell(struct skn_buf *out, struct skn_slice text, uint32_t columns)
{
    uint32_t width = skn_view_put(out, text, CELL_COLUMNS);
    for (; width < columns + 2; width++)
        skn_buf_put_u8(out, ' ');
}

static void put_run_time(struct skn_buf *out, struct skn_value view, const struct skn_style *style)
{
    int64_t start, end = style->now_ms;
    (void)skn_view_time(skn_view_text(view, "ended"), &end);
    if (skn_view_time(skn_view_text(view, "started"), &start)) skn_view_duration(out, end - start);
    while (out->len > 0 && out->ptr[out->len - 1] == ' ')
        out->len--;
    skn_buf_put_u8(out, '\n');
}

void skn_view_table(const struct skn_value *views,
                    size_t count,
                    const struct skn_style *style,
                    struct skn_buf *out)
{
    static const char *const columns[][2] = {
        {"RUN", "run"}, {"NAME", "name"}, {"FLOW", "flow"}, {"STATUS", "status"}};
    uint32_t widths[SKN_ARRAY_LEN(columns)];
    for (size_t i = 0; i < SKN_ARRAY_LEN(columns); i++) {
        widths[i] = (uint32_t)strlen(columns[i][0]);
        for (size_t n = 0; n < count; n++) {
            uint32_t width = cell_width(skn_view_text(views[n], columns[i][1]));
            if (width > widths[i]) widths[i] = width;
        }
        put_cell(out, skn_slice_str(columns[i][0]), widths[i]);
    }
    skn_buf_put_str(out, "TIME\n");
    for (size_t n = 0; n < count; n++) {
        for (size_t i = 0; i < SKN_ARRAY_LEN(columns); i++)
            put_cell(out, skn_view_text(views[n], columns[i][1]), widths[i]);
        put_run_time(out, views[n], style);
    }
}
