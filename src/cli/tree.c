/* tree.c - a run view as a tree of lines, or as the lines that have changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view_internal.h"
#include "lang/kit/utf8.h"
#include "value/json.h"

enum {
    INDENT = 2,            /* columns per level */
    NAME_COLUMNS_MAX = 32, /* longer names push the rest of their line to the right */
    STATUS_COLUMNS = 11,   /* "interrupted" */
    NOTE_MAX = 64 << 10,   /* bytes of a result that are looked at */
};

struct line {
    struct skn_slice text; /* without line end */
    bool keeps;            /* shown even when there is no room for all */
};

struct tree {
    const struct skn_style *style;
    struct skn_arena arena;
    struct skn_buf text; /* of the line that is made */
    struct line *lines;
    size_t count;
    size_t cap;
    uint32_t path_columns;
    uint32_t name_columns;
};

static bool is(struct skn_value v, const char *key, const char *text)
{
    return skn_slice_eq(skn_view_text(v, key), skn_slice_str(text));
}

static void put_pad(struct skn_buf *out, uint32_t taken, uint32_t columns)
{
    for (; taken < columns; taken++)
        skn_buf_put_u8(out, ' ');
}

static const char *color_of(struct skn_slice status)
{
    static const char *const colors[][2] = {{"succeeded", "\033[32m"},
                                            {"failed", "\033[31m"},
                                            {"running", "\033[36m"},
                                            {"retrying", "\033[33m"},
                                            {"stopping", "\033[33m"},
                                            {"interrupted", "\033[33m"},
                                            {"cancelled", "\033[33m"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(colors); i++)
        if (skn_slice_eq(status, skn_slice_str(colors[i][0]))) return colors[i][1];
    return "";
}

static void put_status(const struct tree *t, struct skn_buf *out, struct skn_slice status)
{
    const char *color = t->style->color ? color_of(status) : "";
    skn_buf_put_str(out, color);
    (void)skn_view_put(out, status, STATUS_COLUMNS);
    if (color[0]) skn_buf_put_str(out, "\033[0m");
}

/* From its start to its end, or to now. */
static bool put_time(const struct tree *t, struct skn_buf *out, struct skn_value v)
{
    int64_t start, end = t->style->now_ms;
    if (!skn_view_time(skn_view_text(v, "started"), &start)) return false;
    (void)skn_view_time(skn_view_text(v, "ended"), &end);
    if (end == 0) return false;
    skn_view_duration(out, end - start);
    return true;
}

/* The result on one line. */
static void put_result(struct skn_buf *out, struct skn_value result)
{
    struct skn_buf json;
    skn_buf_init(&json, NOTE_MAX);
    if (skn_json_print(result, SKN_JSON_PLAIN, &json, NULL) == SKN_OK) {
        skn_buf_put_str(out, "= ");
        (void)skn_view_put(out, skn_buf_slice(&json), 0);
    } else {
        skn_buf_put_str(out, "= (a large result)");
    }
    skn_buf_fini(&json);
}

/* What stands behind the time of a context. */
static void put_note(const struct tree *t, struct skn_buf *out, struct skn_value v)
{
    struct skn_value error = skn_view_member(v, "error"), result = skn_view_member(v, "result");
    uint32_t attempts = skn_value_count(skn_view_member(v, "attempts"));
    if (attempts > 1) skn_buf_printf(out, "%u attempts  ", attempts);
    if (!skn_value_is(error, SKN_T_NONE)) {
        skn_view_put_error(out, error);
    } else if (t->style->detail && !skn_value_is(result, SKN_T_NONE)) {
        put_result(out, result);
    }
}

/* How many columns a line takes; the color sequences take none. */
static void cut_line(const struct skn_style *style, struct skn_slice line, struct skn_buf *out)
{
    uint32_t width = 0, room = style->width > 0 ? style->width : UINT32_MAX;
    bool in_color = false, was_color = false;
    for (size_t at = 0; at < line.len;) {
        struct skn_utf8 c = skn_utf8_next(line, at);
        if (c.point == 0x1b) in_color = was_color = true;
        uint32_t w = in_color ? 0 : skn_utf8_width(c.point);
        if (in_color && c.point == 'm') in_color = false;
        bool fits = w <= room - width;
        /* The last column is kept for the mark of a cut, unless the line ends there. */
        if (!fits || (w > 0 && width + w == room && at + c.len < line.len)) {
            skn_buf_put_str(out, width < room ? "\xe2\x80\xa6" : "");
            if (was_color) skn_buf_put_str(out, "\033[0m");
            return;
        }
        skn_buf_put(out, skn_slice(line.ptr + at, c.len));
        width += w;
        at += c.len;
    }
}

/* Ends the line that was made in t->text. */
static void end_line(struct tree *t, bool keeps)
{
    while (t->text.len > 0 && t->text.ptr[t->text.len - 1] == ' ')
        t->text.len--;
    struct skn_buf line;
    skn_buf_init(&line, 2 * (size_t)NOTE_MAX);
    cut_line(t->style, skn_buf_slice(&t->text), &line);
    if (t->count == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct line *lines = skn_arena_zero(&t->arena, cap, sizeof(*lines));
        for (size_t i = 0; i < t->count; i++)
            lines[i] = t->lines[i];
        t->lines = lines;
        t->cap = cap;
    }
    t->lines[t->count++] = (struct line){
        .text = skn_arena_dup(&t->arena, skn_buf_slice(&line)),
        .keeps = keeps,
    };
    skn_buf_fini(&line);
    skn_buf_reset(&t->text);
}

static uint32_t level_of(struct skn_slice path)
{
    uint32_t dots = 0;
    for (size_t i = 0; i < path.len; i++)
        dots += path.ptr[i] == '.';
    return dots;
}

/* An event's name, or what kind of group it is. */
static struct skn_slice name_of(struct skn_value context)
{
    struct skn_slice event = skn_view_text(context, "event");
    return event.len > 0 ? event : skn_view_text(context, "kind");
}

static uint32_t width_of(struct skn_slice text)
{
    struct skn_buf ignored;
    skn_buf_init(&ignored, NOTE_MAX);
    uint32_t width = skn_view_put(&ignored, text, 0);
    skn_buf_fini(&ignored);
    return width;
}

static void measure(struct tree *t, struct skn_value contexts)
{
    struct skn_value_iter iter = skn_value_iter(contexts);
    struct skn_value context;
    while (skn_value_next(&iter, NULL, &context)) {
        struct skn_slice path = skn_view_text(context, "path");
        uint32_t path_width = width_of(path);
        uint32_t name_width = INDENT * level_of(path) + width_of(name_of(context));
        if (path_width > t->path_columns && path_width <= NAME_COLUMNS_MAX)
            t->path_columns = path_width;
        if (name_width > t->name_columns && name_width <= NAME_COLUMNS_MAX)
            t->name_columns = name_width;
    }
}

static void put_run_line(struct tree *t, struct skn_value view)
{
    struct skn_buf *out = &t->text;
    (void)skn_view_put(out, skn_view_text(view, "run"), 0);
    struct skn_slice name = skn_view_text(view, "name"), flow = skn_view_text(view, "flow");
    if (name.len > 0) {
        skn_buf_put_str(out, " \"");
        (void)skn_view_put(out, name, 0);
        skn_buf_put_str(out, "\"");
    }
    skn_buf_put_str(out, " ");
    (void)skn_view_put(out, flow, 0);
    skn_buf_put_str(out, "  ");
    put_status(t, out, skn_view_text(view, "status"));
    skn_buf_put_str(out, "  ");
    if (put_time(t, out, view)) skn_buf_put_str(out, "  ");
    struct skn_value error = skn_view_member(view, "error");
    skn_view_put_error(out, error);
    end_line(t, true);
}

static void put_attempts(struct tree *t, struct skn_value context)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(context, "attempts"));
    struct skn_value attempt;
    while (skn_value_next(&iter, NULL, &attempt)) {
        struct skn_value number = skn_view_member(attempt, "number");
        put_pad(&t->text, 0, 2 + t->path_columns + 2 + INDENT);
        skn_buf_printf(&t->text,
                       "attempt %lld  ",
                       skn_value_is(number, SKN_T_INT) ? (long long)skn_value_as_int(number) : 0LL);
        put_status(t, &t->text, skn_view_text(attempt, "status"));
        skn_buf_put_str(&t->text, "  ");
        if (put_time(t, &t->text, attempt)) skn_buf_put_str(&t->text, "  ");
        (void)skn_view_put(&t->text, skn_view_text(attempt, "reason"), 0);
        end_line(t, false);
    }
}

static void put_context(struct tree *t, struct skn_value context)
{
    struct skn_buf *out = &t->text;
    struct skn_slice path = skn_view_text(context, "path"),
                     status = skn_view_text(context, "status");
    put_pad(out, 0, 2);
    put_pad(out, skn_view_put(out, path, 0), t->path_columns + 2);
    uint32_t indent = INDENT * level_of(path);
    if (indent > NAME_COLUMNS_MAX) indent = NAME_COLUMNS_MAX;
    put_pad(out, 0, indent);
    put_pad(out, indent + skn_view_put(out, name_of(context), 0), t->name_columns + 2);
    put_status(t, out, status);
    put_pad(out, (uint32_t)status.len, STATUS_COLUMNS + 2);
    if (put_time(t, out, context)) skn_buf_put_str(out, "  ");
    put_note(t, out, context);
    bool done = is(context, "status", "succeeded") || is(context, "status", "waiting");
    end_line(t, !done && !is(context, "kind", "group") && !is(context, "kind", "parallel"));
    uint32_t attempts = skn_value_count(skn_view_member(context, "attempts"));
    if (t->style->detail && attempts > 1) put_attempts(t, context);
}

/* Which lines are shown when there is no room for all: what runs or went wrong, then the newest.
 * One line is kept for saying how many are not shown. */
static void choose(struct tree *t)
{
    size_t room = t->style->height > 2 ? t->style->height - 1 : 1, kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->lines[i].keeps && kept == room) t->lines[i].keeps = false;
        kept += t->lines[i].keeps;
    }
    for (size_t i = t->count; i-- > 0 && kept < room;) {
        kept += !t->lines[i].keeps;
        t->lines[i].keeps = true;
    }
}

static void print_lines(struct tree *t, struct skn_buf *out)
{
    bool all = t->style->height == 0 || t->count <= t->style->height;
    if (!all) choose(t);
    size_t hidden = 0;
    for (size_t i = 0; i < t->count; i++) {
        hidden += !all && !t->lines[i].keeps;
        if (!all && !t->lines[i].keeps) continue;
        skn_buf_put(out, t->lines[i].text);
        skn_buf_put_u8(out, '\n');
    }
    if (hidden == 0 || t->style->height <= 1) return;
    skn_buf_printf(&t->text, "  (%zu more)", hidden);
    cut_line(t->style, skn_buf_slice(&t->text), out);
    skn_buf_put_u8(out, '\n');
}

void skn_view_tree(struct skn_value view, const struct skn_style *style, struct skn_buf *out)
{
    struct tree t = {.style = style};
    skn_arena_init(&t.arena);
    skn_buf_init(&t.text, 2 * (size_t)NOTE_MAX);
    struct skn_value contexts = skn_view_member(view, "contexts"), context;
    if (!skn_value_is(contexts, SKN_T_LIST)) contexts = skn_value_none();
    measure(&t, contexts);
    put_run_line(&t, view);
    struct skn_value_iter iter = skn_value_iter(contexts);
    while (skn_value_next(&iter, NULL, &context))
        put_context(&t, context);
    print_lines(&t, out);
    skn_buf_fini(&t.text);
    skn_arena_fini(&t.arena);
}
