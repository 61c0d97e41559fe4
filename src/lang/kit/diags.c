/* diags.c - diagnostics in order of place, at most so many. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/diags.h"

#include "lang/kit/utf8.h"

#include <string.h>

#include "base/pure.h" /* last */

enum { ARG_CHARS_MAX = 120, TEXT_BYTES_MAX = 4096 };

void skn_diags_init(struct skn_diags *diags,
                    struct skn_arena *arena,
                    const struct skn_source *source)
{
    *diags = (struct skn_diags){.arena = arena, .source = source};
}

static bool is_error(const struct skn_diag_entry *entry)
{
    return skn_code_info(entry->code)->severity == SKN_SEVERITY_ERROR;
}

static bool stands_before(struct skn_span a, struct skn_span b)
{
    return a.start < b.start;
}

static void put_arg(struct skn_buf *out, struct skn_slice arg)
{
    uint32_t chars = 0;
    for (size_t at = 0; at < arg.len; chars++) {
        struct skn_utf8 c = skn_utf8_next(arg, at);
        if (chars == ARG_CHARS_MAX) {
            skn_buf_put_str(out, "..");
            return;
        }
        if (c.point == SKN_UTF8_BAD) {
            skn_buf_printf(out, "\\x%02X", arg.ptr[at]);
        } else if (c.point < 0x20 || (c.point >= 0x7F && c.point < 0xA0) || c.point == 0xFEFF) {
            skn_buf_printf(out, "\\u%04X", (unsigned)c.point);
        } else {
            skn_buf_put(out, skn_slice(arg.ptr + at, c.len));
        }
        at += c.len;
    }
}

/* The pattern with its arguments; for a hint NULL when it is empty or names an empty argument. */
static const char *
fill(struct skn_arena *arena, const char *pattern, const struct skn_diag_args *args, bool is_hint)
{
    struct skn_buf buf;
    skn_buf_init(&buf, TEXT_BYTES_MAX);
    bool usable = !is_hint || pattern[0] != '\0';
    for (const char *p = pattern; *p; p++) {
        if (p[0] == '{' && p[1] >= '1' && p[1] <= '4' && p[2] == '}') {
            struct skn_slice arg = args->at[p[1] - '1'];
            if (is_hint && arg.len == 0) usable = false;
            put_arg(&buf, arg);
            p += 2;
        } else {
            skn_buf_put_u8(&buf, (uint8_t)*p);
        }
    }
    const char *text = NULL;
    if (usable) text = (const char *)skn_arena_dup(arena, skn_buf_slice(&buf)).ptr;
    skn_buf_fini(&buf);
    return text;
}

/* Makes room by dropping the last entry that matters least: a warning first, else the last one,
 * and only for one that matters more. */
static bool make_room(struct skn_diags *diags, enum skn_severity severity, struct skn_span span)
{
    if (diags->count < SKN_DIAGS_MAX) return true;

    uint32_t victim = diags->count;
    for (uint32_t i = diags->count; i > 0 && victim == diags->count; i--)
        if (!is_error(&diags->entries[i - 1])) victim = i - 1;
    if (victim < diags->count) {
        if (severity == SKN_SEVERITY_WARNING && !stands_before(span, diags->entries[victim].span)) {
            return false;
        }
    } else {
        victim = diags->count - 1;
        if (severity == SKN_SEVERITY_WARNING) return false;
        if (!stands_before(span, diags->entries[victim].span)) return false;
    }
    diags->count--;
    memmove(&diags->entries[victim],
            &diags->entries[victim + 1],
            (diags->count - victim) * sizeof(diags->entries[0]));
    return true;
}

void skn_diags_add(struct skn_diags *diags,
                   enum skn_code code,
                   struct skn_span span,
                   struct skn_diag_args args)
{
    SKN_ASSERT(span.start <= span.end);
    SKN_ASSERT(span.end <= diags->source->text.len);
    const struct skn_code_info *info = skn_code_info(code);
    for (uint32_t i = 0; i < diags->count; i++) {
        const struct skn_diag_entry *old = &diags->entries[i];
        if (old->code != code || old->span.start != span.start || old->span.end != span.end)
            continue;
        if (strcmp(old->text, fill(diags->arena, info->text, &args, false)) == 0) return;
    }
    if (info->severity == SKN_SEVERITY_ERROR) {
        diags->errors++;
        if (code == SKN_CODE_NOT_YET) diags->not_yet++;
    } else {
        diags->warnings++;
    }
    if (!make_room(diags, info->severity, span)) return;

    uint32_t at = diags->count;
    while (at > 0 && stands_before(span, diags->entries[at - 1].span)) {
        diags->entries[at] = diags->entries[at - 1];
        at--;
    }
    const char *hint = fill(diags->arena, info->hint, &args, true);
    if (!hint) hint = skn_arena_printf(diags->arena, "skein explain %s says more.", info->name);
    diags->entries[at] = (struct skn_diag_entry){
        .code = code,
        .span = span,
        .text = fill(diags->arena, info->text, &args, false),
        .hint = hint,
    };
    diags->count++;
}

enum skn_rc skn_diags_rc(const struct skn_diags *diags)
{
    if (diags->errors == 0) return SKN_OK;
    return diags->errors == diags->not_yet ? SKN_ENOTYET : SKN_ESYNTAX;
}

void skn_diags_check(const struct skn_diags *diags)
{
    SKN_ASSERT(diags->count <= SKN_DIAGS_MAX);
    SKN_ASSERT(diags->not_yet <= diags->errors);
    SKN_ASSERT(diags->count <= diags->errors + diags->warnings);
    for (uint32_t i = 0; i < diags->count; i++) {
        const struct skn_diag_entry *e = &diags->entries[i];
        SKN_ASSERT(e->text != NULL);
        SKN_ASSERT(e->span.start <= e->span.end);
        SKN_ASSERT(e->span.end <= diags->source->text.len);
        if (i > 0) SKN_ASSERT(!stands_before(e->span, diags->entries[i - 1].span));
    }
}
