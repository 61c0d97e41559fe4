/* lines.c - what changed between two views of a run, and tables of runs: plain lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view_internal.h"

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

static void put_cell(struct skn_buf *out, struct skn_slice text)
{
    uint32_t width = skn_view_put(out, text, CELL_COLUMNS);
    for (; width < CELL_COLUMNS + 2; width++)
        skn_buf_put_u8(out, ' ');
}

void skn_view_table(struct skn_value views, const struct skn_style *style, struct skn_buf *out)
{
    static const char *const columns[][2] = {
        {"RUN", "run"}, {"NAME", "name"}, {"FLOW", "flow"}, {"STATUS", "status"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(columns); i++)
        put_cell(out, skn_slice_str(columns[i][0]));
    skn_buf_put_str(out, "TIME\n");
    struct skn_value view;
    struct skn_value_iter iter = skn_value_iter(views);
    while (skn_value_next(&iter, NULL, &view)) {
        for (size_t i = 0; i < SKN_ARRAY_LEN(columns); i++)
            put_cell(out, skn_view_text(view, columns[i][1]));
        int64_t start, end = style->now_ms;
        (void)skn_view_time(skn_view_text(view, "ended"), &end);
        if (skn_view_time(skn_view_text(view, "started"), &start))
            skn_view_duration(out, end - start);
        skn_buf_put_u8(out, '\n');
    }
}
