/* live.c - a run as it goes on, on standard error. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_internal.h"

#include "cli/out_internal.h"
#include "cli/terminal_internal.h"
#include "cli/view_internal.h"

#include <stdarg.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20 };

void skn_live_init(struct skn_live *live, bool quiet)
{
    bool is_terminal = !quiet && skn_terminal_moves(STDERR_FILENO);
    *live = (struct skn_live){.quiet = quiet,
                              .is_terminal = is_terminal,
                              .color = is_terminal && skn_terminal_has_color(STDERR_FILENO)};
    skn_buf_init(&live->last, TEXT_MAX);
}

void skn_live_fini(struct skn_live *live)
{
    skn_buf_fini(&live->last);
}

static struct skn_value last_of(const struct skn_live *live)
{
    return live->last.len == 0 ? skn_value_none() : skn_value_view(skn_buf_slice(&live->last));
}

/* Over the tree that stands there: up, then each line anew and blank to its end, then blank to the
 * end of the screen. In one write, so that no half of it is seen. */
static void draw(struct skn_live *live, struct skn_value view)
{
    struct skn_style style = {.color = live->color, .now_ms = skn_terminal_now_ms()};
    skn_terminal_size(STDERR_FILENO, &style.width, &style.height);
    if (style.height > 1) style.height--; /* the cursor stands below */
    struct skn_buf tree, out;
    skn_buf_init(&tree, TEXT_MAX);
    skn_buf_init(&out, TEXT_MAX);
    skn_view_tree(view, &style, &tree);
    if (live->drawn > 0) skn_buf_printf(&out, "\033[%uA\r", live->drawn);
    live->drawn = 0;
    for (size_t at = 0; at < tree.len; at++) {
        if (tree.ptr[at] == '\n') {
            skn_buf_put_str(&out, "\033[K");
            live->drawn++;
        }
        skn_buf_put_u8(&out, tree.ptr[at]);
    }
    skn_buf_put_str(&out, "\033[J");
    skn_out_err(skn_buf_slice(&out));
    skn_buf_fini(&tree);
    skn_buf_fini(&out);
}

void skn_live_show(struct skn_live *live, struct skn_value view)
{
    if (live->quiet) return;
    if (live->is_terminal) {
        draw(live, view);
    } else {
        struct skn_buf out;
        skn_buf_init(&out, TEXT_MAX);
        skn_view_changes(last_of(live), view, &out);
        skn_out_err(skn_buf_slice(&out));
        skn_buf_fini(&out);
    }
    skn_buf_reset(&live->last);
    skn_value_encode(view, &live->last);
    if (skn_buf_rc(&live->last) != SKN_OK) skn_buf_reset(&live->last);
}

void skn_live_redraw(struct skn_live *live)
{
    if (live->is_terminal && live->last.len > 0) draw(live, last_of(live));
}

void skn_live_say(struct skn_live *live, const char *fmt, ...)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    if (live->is_terminal) skn_buf_put_str(&text, "\r\033[K"); /* the ^C that was echoed */
    va_list args;
    va_start(args, fmt);
    skn_buf_vprintf(&text, fmt, args);
    va_end(args);
    skn_out_err(skn_buf_slice(&text));
    skn_buf_fini(&text);
    live->drawn = 0;
}
