/* check_text.c - "$" in strings that may name values [F19], and names that look like others. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/utf8.h"
#include "lang/pointy/build_internal.h"

#include "base/pure.h" /* last */

/* The bytes of "${name}" or "${name.key}" at the beginning of `rest`, 0 when it is none. */
static uint32_t template_len(struct skn_slice rest, struct skn_slice *out_name)
{
    if (rest.len < 4 || rest.ptr[1] != '{') return 0;
    const uint8_t *close = memchr(rest.ptr, '}', rest.len);
    if (!close) return 0;
    struct skn_slice inside = skn_slice(rest.ptr + 2, (size_t)(close - rest.ptr) - 2);
    const uint8_t *dot = inside.len > 0 ? memchr(inside.ptr, '.', inside.len) : NULL;
    struct skn_slice name = dot ? skn_slice(inside.ptr, (size_t)(dot - inside.ptr)) : inside;
    if (!skn_is_name(name)) return 0;
    if (dot && !skn_is_name(skn_slice_from(inside, name.len + 1))) return 0;
    *out_name = name;
    return (uint32_t)(close - rest.ptr) + 1;
}

uint32_t
skn_template_step(struct skn_slice text, uint32_t at, uint32_t end, struct skn_slice *out_name)
{
    struct skn_slice rest = skn_slice(text.ptr + at, end - at);
    *out_name = (struct skn_slice){0};
    if (rest.ptr[0] == '\\') return 2;
    if (rest.ptr[0] != '$') return 1;
    if (rest.len > 1 && rest.ptr[1] == '$') return 2;
    uint32_t len = template_len(rest, out_name);
    return len > 0 ? len : 1;
}

struct seeker {
    struct skn_pty *b;
    uint32_t unit;
    struct skn_span option;
    skn_template_fn fn; /* NULL: malformed ones are reported */
    void *ctx;
};

static void seek(const struct seeker *s, const struct skn_literal *literal)
{
    const uint8_t *text = s->b->source->text.ptr;
    uint32_t end = literal->span.end - 1;
    for (uint32_t at = literal->span.start + 1; at < end;) {
        struct skn_slice name;
        uint32_t len = skn_template_step(s->b->source->text, at, end, &name);
        if (name.len > 0) {
            uint32_t start = (uint32_t)(name.ptr - text);
            struct skn_span span = {start, start + (uint32_t)name.len};
            if (s->fn) {
                s->fn(s->ctx, s->unit, s->option, span);
            } else {
                skn_pty_not_run(
                    s->b, (struct skn_span){at, at + len}, "values inside a string, ${..}");
            }
        } else if (text[at] == '$' && len == 1) {
            if (!s->fn)
                skn_diags_add(s->b->diags,
                              SKN_CODE_BAD_DOLLAR,
                              (struct skn_span){at, at + 1},
                              SKN_DIAG_ARGS({0}));
        }
        at += len;
    }
}

bool skn_template_is_taken(struct skn_slice option)
{
    static const char *const none[] = {
        "executor", "compensate", "evaluate", "result_evaluation_strategy"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(none); i++)
        if (skn_slice_eq(option, skn_slice_str(none[i]))) return false;
    return true; /* [F19] */
}

static void seek_unit(struct skn_pty *b, uint32_t unit, skn_template_fn fn, void *ctx)
{
    const struct skn_syn_unit *from = &b->tree->units[unit];
    for (uint32_t i = 0; i < from->option_count; i++) {
        const struct skn_syn_option *option = &b->tree->options[from->first_option + i];
        if (!skn_template_is_taken(skn_pty_text(b, option->name))) continue;
        struct seeker s = {.b = b, .unit = unit, .option = option->name, .fn = fn, .ctx = ctx};
        uint32_t end = b->tree->literals[option->literal].end;
        for (uint32_t at = option->literal; at < end; at++)
            if (b->tree->literals[at].kind == SKN_LITERAL_STRING) seek(&s, &b->tree->literals[at]);
    }
}

/* @concurrency-key is a string of no unit. */
static void seek_key(struct skn_pty *b, skn_template_fn fn, void *ctx)
{
    if (b->tree->concurrency_key == SKN_GRAPH_NONE) return;
    struct seeker s = {.b = b,
                       .unit = SKN_GRAPH_NONE,
                       .option = b->tree->directives[SKN_DIRECTIVE_CONCURRENCY_KEY].at,
                       .fn = fn,
                       .ctx = ctx};
    const struct skn_literal *key = &b->tree->literals[b->tree->concurrency_key];
    if (key->kind == SKN_LITERAL_STRING) seek(&s, key);
}

void skn_pty_templates(struct skn_pty *b, uint32_t unit, skn_template_fn fn, void *ctx)
{
    if (unit == SKN_GRAPH_NONE) {
        seek_key(b, fn, ctx);
    } else {
        seek_unit(b, unit, fn, ctx);
    }
}

void skn_check_dollars(struct skn_pty *b)
{
    for (uint32_t unit = 0; unit < b->tree->unit_count; unit++)
        if (b->tree->units[unit].option_count > 0) seek_unit(b, unit, NULL, NULL);
    seek_key(b, NULL, NULL);
}

enum script { SCRIPT_LATIN = 1, SCRIPT_GREEK = 2, SCRIPT_CYRILLIC = 4 };

static unsigned script_of(uint32_t point)
{
    if ((point | 0x20) >= 'a' && (point | 0x20) <= 'z') return SCRIPT_LATIN;
    if (point >= 0xC0 && point <= 0x24F) return SCRIPT_LATIN;
    if (point >= 0x370 && point <= 0x3FF) return SCRIPT_GREEK;
    if (point >= 0x400 && point <= 0x52F) return SCRIPT_CYRILLIC;
    return 0;
}

/* A name of letters that are drawn alike in several scripts misleads whoever reads it. */
static void check_name(struct skn_pty *b, struct skn_span span)
{
    struct skn_slice name = skn_pty_text(b, span);
    unsigned scripts = 0;
    for (size_t at = 0; at < name.len;) {
        struct skn_utf8 c = skn_utf8_next(name, at);
        scripts |= script_of(c.point);
        at += c.len;
    }
    const char *which = scripts == (SCRIPT_LATIN | SCRIPT_GREEK)      ? "Latin and Greek"
                        : scripts == (SCRIPT_LATIN | SCRIPT_CYRILLIC) ? "Latin and Cyrillic"
                        : scripts == (SCRIPT_GREEK | SCRIPT_CYRILLIC) ? "Greek and Cyrillic"
                        : scripts == 7                                ? "three scripts"
                                                                      : NULL;
    if (!which) return;
    skn_diags_add(b->diags,
                  SKN_CODE_LOOKALIKE,
                  span,
                  SKN_DIAG_ARGS(name,
                                skn_slice_str(which),
                                SKN_LIT("Letters that look alike make other names.")));
}

void skn_check_lookalikes(struct skn_pty *b)
{
    const struct skn_syntax *tree = b->tree;
    for (uint32_t i = 0; i < tree->unit_count; i++)
        if (tree->units[i].kind == SKN_SYN_EVENT || tree->units[i].kind == SKN_SYN_CALL)
            check_name(b, tree->units[i].span);
    for (uint32_t i = 0; i < tree->input_count; i++)
        check_name(b, tree->inputs[i].name);
    for (uint32_t i = 0; i < tree->branch_count; i++)
        check_name(b, tree->branches[i].outcome);
}
