/* draw.c - a flow as the tools see it: names, attempts and options in their canonical form. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/draw_internal.h"

#include "base/mem.h"
#include "value/real.h"

#include "base/pure.h" /* last */

enum skn_rc skn_drawing_create(struct skn_arena *arena,
                               const struct skn_source *source,
                               const struct skn_project_events *events_or_null,
                               struct skn_diags *diags,
                               struct skn_drawing **out_drawing)
{
    struct skn_drawing *d = skn_alloc_zero(1, sizeof(*d));
    skn_syntax_parse(&d->tree, diags);
    d->b = (struct skn_pty){.arena = arena,
                            .source = source,
                            .diags = diags,
                            .tree = &d->tree,
                            .project = events_or_null};
    if (skn_pty_build(&d->b) == SKN_ESYNTAX) {
        skn_drawing_destroy(d);
        return SKN_ESYNTAX;
    }
    *out_drawing = d;
    return SKN_OK;
}

void skn_drawing_destroy(struct skn_drawing *drawing)
{
    if (!drawing) return;
    skn_syntax_fini(&drawing->tree);
    skn_free(drawing);
}

struct skn_slice skn_drawing_name(const struct skn_drawing *d, uint32_t unit)
{
    const struct skn_syn_unit *from = &d->tree.units[unit];
    if (from->kind == SKN_SYN_GROUP) return SKN_LIT("group");
    return skn_pty_text(&d->b, from->span);
}

struct skn_slice skn_drawing_outcome(const struct skn_drawing *d, uint32_t branch)
{
    struct skn_slice text = skn_pty_text(&d->b, d->tree.branches[branch].outcome);
    if (skn_slice_eq(text, SKN_LIT("0"))) return SKN_LIT("failure");
    if (skn_slice_eq(text, SKN_LIT("1"))) return SKN_LIT("success");
    return text;
}

static const char *canonical(struct skn_slice name)
{
    const struct skn_option_rule *rule = skn_option_find(name);
    if (!rule) return NULL;
    return rule->same_as ? rule->same_as : rule->name;
}

static bool is_retries(struct skn_slice name)
{
    const char *same = canonical(name);
    return same && strcmp(same, "retries") == 0;
}

uint32_t skn_drawing_attempts(const struct skn_drawing *d, uint32_t unit)
{
    const struct skn_syn_unit *from = &d->tree.units[unit];
    if (from->attempts > 0) return from->attempts;
    for (uint32_t i = 0; i < from->option_count; i++) {
        const struct skn_syn_option *option = &d->tree.options[from->first_option + i];
        if (!is_retries(skn_pty_text(&d->b, option->name))) continue;
        uint64_t n = d->tree.literals[option->literal].number;
        return n > 1 ? (uint32_t)n : 1;
    }
    return 0;
}

/* The older words of evaluate, and the words that may be written in any case. */
static struct skn_slice
canonical_word(struct skn_slice option, struct skn_slice text, uint8_t *room)
{
    static const char *const words[][2] = {{"ALL_MUST_SUCCEED", "all"},
                                           {"ANY_MUST_SUCCEED", "any"},
                                           {"MAJORITY_MUST_SUCCEED", "majority"},
                                           {"NO_FAILURES_ALLOWED", "none_failed"}};
    bool is_strategy = skn_slice_eq(option, SKN_LIT("result_evaluation_strategy"));
    bool is_stop = skn_slice_eq(option, SKN_LIT("stop_condition"));
    if ((!is_strategy && !is_stop) || text.len > 64) return text;
    for (size_t i = 0; i < text.len; i++)
        room[i] = text.ptr[i] >= 'a' && text.ptr[i] <= 'z' ? text.ptr[i] & 0xDF : text.ptr[i];
    struct skn_slice upper = skn_slice(room, text.len);
    for (size_t i = 0; is_strategy && i < SKN_ARRAY_LEN(words); i++)
        if (skn_slice_eq(upper, skn_slice_str(words[i][0]))) return skn_slice_str(words[i][1]);
    return upper;
}

static void write_unit(struct skn_json_writer *w, const char *key, struct skn_slice text)
{
    skn_json_object_begin(w);
    skn_json_key_str(w, key);
    skn_json_string(w, text);
    skn_json_object_end(w);
}

static void write_scalar(const struct skn_drawing *d,
                         struct skn_slice name,
                         const struct skn_literal *literal,
                         struct skn_json_writer *w)
{
    uint8_t room[64];
    double real;
    struct skn_slice text = skn_pty_text(&d->b, literal->span);
    switch (literal->kind) {
    case SKN_LITERAL_STRING:
        (void)skn_pty_string(&d->b, literal, false, &text);
        skn_json_string(w, canonical_word(name, text, room));
        return;
    case SKN_LITERAL_INT: skn_json_int(w, (int64_t)literal->number); return;
    case SKN_LITERAL_FLOAT:
        if (skn_real_parse(text, &real) != SKN_OK) real = 0.0;
        skn_json_real(w, real);
        return;
    case SKN_LITERAL_BOOL: skn_json_bool(w, literal->number != 0); return;
    case SKN_LITERAL_DURATION: write_unit(w, "duration", text); return;
    case SKN_LITERAL_SIZE: write_unit(w, "size", text); return;
    case SKN_LITERAL_LIST:
    case SKN_LITERAL_BAD:
    default: SKN_ASSERT(false);
    }
}

void skn_drawing_literal(const struct skn_drawing *d,
                         struct skn_slice name,
                         uint32_t literal,
                         struct skn_json_writer *w)
{
    uint32_t opened[SKN_LISTS_MAX];
    uint32_t depth = 0;
    for (uint32_t at = literal; at < d->tree.literals[literal].end; at++) {
        if (d->tree.literals[at].kind == SKN_LITERAL_LIST) {
            skn_json_list_begin(w);
            opened[depth++] = d->tree.literals[at].end;
        } else {
            write_scalar(d, name, &d->tree.literals[at], w);
        }
        for (; depth > 0 && opened[depth - 1] == at + 1; depth--)
            skn_json_list_end(w);
    }
}

/* The text of a literal on one line. */
static void
put_literal(const struct skn_drawing *d, struct skn_slice name, uint32_t first, struct skn_buf *out)
{
    uint32_t opened[SKN_LISTS_MAX];
    uint32_t depth = 0;
    uint8_t room[64];
    for (uint32_t at = first; at < d->tree.literals[first].end; at++) {
        const struct skn_literal *literal = &d->tree.literals[at];
        bool closes = true;
        if (literal->kind == SKN_LITERAL_LIST) {
            skn_buf_put_str(out, "[");
            opened[depth++] = literal->end;
            closes = literal->end == at + 1;
        } else if (literal->kind == SKN_LITERAL_STRING) {
            struct skn_slice text;
            struct skn_json_writer w;
            (void)skn_pty_string(&d->b, literal, false, &text);
            skn_json_begin(&w, out, SKN_JSON_PLAIN);
            skn_json_any_text(&w, canonical_word(name, text, room));
            if (skn_json_end(&w, NULL) != SKN_OK) out->full = true;
        } else {
            skn_buf_put(out, skn_pty_text(&d->b, literal->span));
        }
        for (; depth > 0 && opened[depth - 1] == at + 1; depth--)
            skn_buf_put_str(out, "]");
        if (depth > 0 && closes) skn_buf_put_str(out, ", ");
    }
}

bool skn_drawing_option(const struct skn_drawing *d,
                        uint32_t option,
                        struct skn_slice *out_name,
                        struct skn_buf *out_value)
{
    const struct skn_syn_option *from = &d->tree.options[option];
    struct skn_slice name = skn_pty_text(&d->b, from->name);
    const char *same = canonical(name);
    if (is_retries(name)) return false;
    *out_name = same ? skn_slice_str(same) : name;
    if (out_value) put_literal(d, name, from->literal, out_value);
    return true;
}

void skn_drawing_suffix(const struct skn_drawing *d, uint32_t unit, struct skn_buf *out)
{
    const struct skn_syn_unit *from = &d->tree.units[unit];
    uint32_t attempts = skn_drawing_attempts(d, unit);
    bool any = false;
    if (attempts > 1) skn_buf_printf(out, " * %u", (unsigned)attempts);
    for (uint32_t i = 0; i < from->option_count; i++) {
        struct skn_slice name;
        struct skn_buf value;
        skn_buf_init(&value, SKN_SOURCE_BYTES_MAX);
        if (skn_drawing_option(d, from->first_option + i, &name, &value)) {
            skn_buf_put_str(out, any ? ", " : " [");
            skn_buf_printf(out, "%.*s=", SKN_FMT(name));
            skn_buf_put(out, skn_buf_slice(&value));
            any = true;
        }
        skn_buf_fini(&value);
    }
    if (any) skn_buf_put_str(out, "]");
}
