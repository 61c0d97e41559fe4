/* explain.c - the rows of explain_map.h, and how people read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/explain.h"

#include "lang/kit/explain_map.h"

#include "base/pure.h" /* last */

static const struct skn_explanation rows[] = {
#define X(code, where, what, why, wrong, right) \
    [code] = {SKN_EXPLAIN_##where, what, why, wrong, right},
    SKN_EXPLAIN_MAP(X)
#undef X
};

static_assert(SKN_ARRAY_LEN(rows) == SKN_CODE_COUNT, "every code is explained");

const struct skn_explanation *skn_explain(enum skn_code code)
{
    SKN_ASSERT((unsigned)code < SKN_CODE_COUNT);
    return &rows[code];
}

static bool same_letters(struct skn_slice a, struct skn_slice b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if ((a.ptr[i] & 0xDF) != (b.ptr[i] & 0xDF)) return false;
    return true;
}

bool skn_code_find(struct skn_slice name, enum skn_code *out_code)
{
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++) {
        struct skn_slice whole = skn_slice_str(skn_code_info((enum skn_code)i)->name);
        if (!same_letters(name, whole) && !same_letters(name, skn_slice_from(whole, 4))) continue;
        *out_code = (enum skn_code)i;
        return true;
    }
    return false;
}

void skn_explain_example(const char *example, struct skn_buf *out)
{
    enum { DEEP = 257, MANY = 257 };
    if (strcmp(example, "DEEP") == 0) {
        for (int i = 0; i < DEEP; i++)
            skn_buf_put_u8(out, '{');
        skn_buf_put_str(out, "Noop");
        for (int i = 0; i < DEEP; i++)
            skn_buf_put_u8(out, '}');
    } else if (strcmp(example, "MANY") == 0) {
        for (int i = 0; i < MANY; i++)
            skn_buf_printf(out, "@input: a%d: int\n", i);
        skn_buf_put_str(out, "Noop");
    } else {
        skn_buf_put_str(out, example);
    }
}

/* Indented, a line each; bytes that are no text are shown as \xNN. */
static void put_example(struct skn_buf *out, const char *title, const char *example)
{
    if (strcmp(example, "DEEP") == 0) example = "{{{ .. 257 of them .. }}}";
    if (strcmp(example, "MANY") == 0) example = "@input: a0: int .. @input: a256: int Noop";
    skn_buf_printf(out, "\n%s\n    ", title);
    for (const char *p = example; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '\n' && p[1]) {
            skn_buf_put_str(out, "\n    ");
        } else if (c == 0xE9) {
            skn_buf_put_str(out, "\\xE9"); /* the one example that is no UTF-8 */
        } else if (c != '\n') {
            skn_buf_put_u8(out, c);
        }
    }
    skn_buf_put_u8(out, '\n');
}

void skn_explain_render(enum skn_code code, struct skn_buf *out)
{
    const struct skn_code_info *info = skn_code_info(code);
    const struct skn_explanation *row = skn_explain(code);
    skn_buf_printf(out,
                   "%s (%s)\n\n%s\n%s\n",
                   info->name,
                   info->severity == SKN_SEVERITY_ERROR ? "error" : "warning",
                   row->what,
                   row->why);
    put_example(out, "Wrong:", row->wrong);
    put_example(out, "Right:", row->right);
}
