/* view_internal.h - a run view (doc/json.md) as text for people.
 *
 * Threads     any: view in, text out; no clock, no terminal.
 * Invariants
 *   1. Whatever a task, a name or a result contains, no control character of it is printed.
 *   2. With a width, no line takes more columns; with a height, there are no more lines.
 *   3. Any value is a view: what is missing or of another type is shown as nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "value/value.h"

struct skn_style {
    uint32_t width;  /* columns, 0: any */
    uint32_t height; /* lines, 0: any */
    bool color;
    bool detail;    /* attempts and results too */
    int64_t now_ms; /* since 1970: the end of what has not ended; 0: unknown */
};

/* The tree: a line for the run, then one per context in tree order. */
void skn_view_tree(struct skn_value view, const struct skn_style *style, struct skn_buf *out);

/* A line per context that is new or different since `before` (none: nothing was shown yet). */
void skn_view_changes(struct skn_value before, struct skn_value view, struct skn_buf *out);

/* The views of a list in the arena, the one that started last first; `out_count` of them. */
struct skn_value *
skn_view_newest_first(struct skn_arena *arena, struct skn_value views, size_t *out_count);

/* A table of views with a heading. */
void skn_view_table(const struct skn_value *views,
                    size_t count,
                    const struct skn_style *style,
                    struct skn_buf *out);

/* A result: text as it is, with a line end; anything else as indented JSON; nothing for none. */
void skn_view_result(struct skn_value view, struct skn_buf *out);

/* Members; empty or none when they are not there. */
struct skn_slice skn_view_text(struct skn_value map, const char *key);
struct skn_value skn_view_member(struct skn_value map, const char *key);

/* Milliseconds since 1970 of "2026-11-21T12:00:00Z", with 3, 6 or 9 digits behind a point too; false
 * when it is no such text. */
bool skn_view_time(struct skn_slice text, int64_t *out_ms);

/* "12 ms", "1.25 s", "2 min 03 s", "3 h 04 min". */
void skn_view_duration(struct skn_buf *out, int64_t ms);

/* Text with every control character replaced, at most `columns` wide ("…" at its end when cut);
 * 0: any width. Returns the columns it took. */
uint32_t skn_view_put(struct skn_buf *out, struct skn_slice text, uint32_t columns);

/* An error: "CODE: message", or a text as it is. */
void skn_view_put_error(struct skn_buf *out, struct skn_value error);
