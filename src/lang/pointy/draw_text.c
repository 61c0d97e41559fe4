/* draw_text.c - a flow as lines for a terminal, and two such texts compared line by line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lang/pointy/draw_internal.h"
#include "lang/pointy/walk_internal.h"

#include "base/pure.h" /* last */

/* The strokes at the left of what is inside something. */
enum stroke { STROKE_NONE, STROKE_LINE, STROKE_DOTS };

struct lines {
    const struct skn_drawing *d;
    struct skn_buf *out;
    enum stroke strokes[2 * SKN_GRAPH_DEPTH_MAX + 2]; /* by depth, from 1 */
};

static void margin(struct lines *l, uint32_t depth)
{
    static const char *const texts[] = {"   ", "\xE2\x94\x82  ", "\xE2\x94\x86  "};
    for (uint32_t i = 1; i <= depth; i++)
        skn_buf_put_str(l->out, texts[l->strokes[i]]);
}

/* The sign before a unit: the beginning of a chain, beside the one above, after it, or with its
 * result. */
static const char *sign_of(const struct lines *l, uint32_t unit)
{
    const struct skn_syn_unit *from = &l->d->tree.units[unit];
    const struct skn_syn_step *step = &l->d->tree.steps[from->step];
    if (l->d->b.units[unit].ordinal > 0) return "\xE2\x88\xA5 ";               /* parallel to */
    if (l->d->b.graph->steps[from->step].ordinal == 0) return "\xE2\x97\x8F "; /* a dot */
    return step->piped ? "\xE2\x87\x92 " : "\xE2\x86\x92 "; /* double and single arrow */
}

static void put_unit(struct lines *l, uint32_t unit, uint32_t depth)
{
    margin(l, depth);
    skn_buf_put_str(l->out, sign_of(l, unit));
    skn_buf_put(l->out, skn_drawing_name(l->d, unit));
    skn_drawing_suffix(l->d, unit, l->out);
    skn_buf_put_str(l->out, "\n");
}

static void put_branch(struct lines *l, uint32_t branch, uint32_t depth)
{
    const struct skn_syn_branch *from = &l->d->tree.branches[branch];
    bool is_last = from->next == SKN_GRAPH_NONE;
    margin(l, depth);
    skn_buf_put_str(l->out, is_last ? "\xE2\x94\x94\xE2\x94\x80 " : "\xE2\x94\x9C\xE2\x94\x80 ");
    skn_buf_put(l->out, skn_drawing_outcome(l->d, branch));
    skn_buf_put_str(l->out, from->piped ? " \xE2\x87\x92\n" : " \xE2\x86\x92\n");
    l->strokes[depth + 1] = is_last ? STROKE_NONE : STROKE_LINE;
}

static void put_head(struct lines *l)
{
    const struct skn_syntax *tree = &l->d->tree;
    for (uint32_t i = 0; i < tree->input_count; i++) {
        const struct skn_syn_input *input = &tree->inputs[i];
        skn_buf_printf(l->out,
                       "input %.*s: %.*s%s\n",
                       SKN_FMT(skn_pty_text(&l->d->b, input->name)),
                       SKN_FMT(skn_pty_text(&l->d->b, input->type)),
                       input->optional ? "?" : "");
    }
    for (unsigned i = SKN_DIRECTIVE_INPUT + 1; i < SKN_DIRECTIVE_COUNT; i++) {
        const struct skn_syn_directive *from = &tree->directives[i];
        if (from->at.end == 0) continue;
        skn_buf_put(l->out, skn_slice_from(skn_pty_text(&l->d->b, from->at), 1));
        skn_buf_printf(l->out, ": %.*s\n", SKN_FMT(skn_pty_text(&l->d->b, from->value)));
    }
}

void skn_drawing_text(const struct skn_drawing *drawing, struct skn_buf *out)
{
    struct lines l = {.d = drawing, .out = out};
    put_head(&l);
    for (struct skn_walk w = skn_walk_start(drawing->b.graph); w.kind != SKN_WALK_END;
         skn_walk_next(&w)) {
        switch (w.kind) {
        case SKN_WALK_UNIT:
            put_unit(&l, w.id, w.depth);
            l.strokes[w.depth + 1] = STROKE_DOTS; /* a group's */
            break;
        case SKN_WALK_BRANCH: put_branch(&l, w.id, w.depth); break;
        case SKN_WALK_BODY:
        case SKN_WALK_STEP:
        case SKN_WALK_END:
        default: break;
        }
    }
}

enum { DIFF_LINES_MAX = 2000 }; /* that differ, of each text */

struct text_lines {
    struct skn_slice *at;
    size_t count;
};

static struct text_lines split(struct skn_slice text)
{
    struct text_lines lines = {.count = 0};
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n') count++;
    lines.at = skn_alloc_zero(count, sizeof(*lines.at));
    while (text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        lines.at[lines.count++] = skn_slice(text.ptr, len);
        text = skn_slice_from(text, end ? len + 1 : len);
    }
    return lines;
}

static void put_line(struct skn_buf *out, const char *sign, struct skn_slice line)
{
    skn_buf_put_str(out, sign);
    skn_buf_put(out, line);
    skn_buf_put_u8(out, '\n');
}

/* The longest common part of two runs of lines: how many lines from (i, j) on are common. */
static void put_middle(
    struct skn_buf *out, const struct skn_slice *a, size_t n, const struct skn_slice *b, size_t m)
{
    bool small = n <= DIFF_LINES_MAX && m <= DIFF_LINES_MAX;
    uint16_t *common = small ? skn_alloc_zero((n + 1) * (m + 1), sizeof(*common)) : NULL;
    for (size_t i = n; small && i-- > 0;)
        for (size_t j = m; j-- > 0;) {
            uint16_t down = common[(i + 1) * (m + 1) + j], right = common[i * (m + 1) + j + 1];
            common[i * (m + 1) + j] = skn_slice_eq(a[i], b[j])
                                          ? (uint16_t)(common[(i + 1) * (m + 1) + j + 1] + 1)
                                      : down >= right ? down
                                                      : right;
        }
    size_t i = 0, j = 0;
    while (i < n || j < m) {
        if (small && i < n && j < m && skn_slice_eq(a[i], b[j])) {
            put_line(out, "  ", a[i++]);
            j++;
        } else if (i < n && (j == m || !small ||
                             common[(i + 1) * (m + 1) + j] >= common[i * (m + 1) + j + 1])) {
            put_line(out, "- ", a[i++]);
        } else {
            put_line(out, "+ ", b[j++]);
        }
    }
    skn_free(common);
}

bool skn_pointy_diff(struct skn_slice old_text, struct skn_slice new_text, struct skn_buf *out)
{
    struct text_lines a = split(old_text), b = split(new_text);
    size_t head = 0, tail = 0;
    while (head < a.count && head < b.count && skn_slice_eq(a.at[head], b.at[head]))
        put_line(out, "  ", a.at[head++]);
    while (tail < a.count - head && tail < b.count - head &&
           skn_slice_eq(a.at[a.count - 1 - tail], b.at[b.count - 1 - tail]))
        tail++;
    put_middle(out, a.at + head, a.count - head - tail, b.at + head, b.count - head - tail);
    for (size_t i = a.count - tail; i < a.count; i++)
        put_line(out, "  ", a.at[i]);
    bool same = a.count == b.count && head == a.count;
    skn_free(a.at);
    skn_free(b.at);
    return same;
}
