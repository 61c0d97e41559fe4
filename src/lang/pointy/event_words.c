/* event_words.c - what an input or output is: its type, its default and the words of JSON Schema
 * [F31]. lang/kit/schema.h says what they mean; here they come out of YAML, and what is wrong with
 * them gets its place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lang/kit/schema.h"
#include "lang/kit/suggest.h"
#include "lang/pointy/build_internal.h"
#include "lang/pointy/event_internal.h"
#include "lang/pointy/number.h"
#include "value/real.h"

#include "base/pure.h" /* last */

static const char *const types[] = {
    "string", "int", "float", "bool", "list", "object", "any", "file", "secret"};

static void unknown_type(struct event_file *f, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(f, at);
    struct skn_slice near = skn_suggest_among(node->text, types, SKN_ARRAY_LEN(types));
    if (skn_slice_eq(node->text, SKN_LIT("integer"))) near = SKN_LIT("int");
    if (skn_slice_eq(node->text, SKN_LIT("number"))) near = SKN_LIT("float");
    if (skn_slice_eq(node->text, SKN_LIT("boolean"))) near = SKN_LIT("bool");
    if (skn_slice_eq(node->text, SKN_LIT("array"))) near = SKN_LIT("list");
    skn_diags_add(f->diags, SKN_CODE_UNKNOWN_TYPE, node->span, SKN_DIAG_ARGS(node->text, near));
}

static bool read_type(struct event_file *f, uint32_t at, struct skn_field *field)
{
    const struct skn_yaml_node *node = node_at(f, at);
    if (node->kind != SKN_YAML_SCALAR) {
        skn_event_bad_value(f, "type", at, "a type");
        return false;
    }
    for (size_t i = 0; i < SKN_ARRAY_LEN(types); i++) {
        if (!skn_slice_eq(node->text, skn_slice_str(types[i]))) continue;
        if (i <= SKN_TYPE_ANY) {
            field->type = (enum skn_type)i;
            return true;
        }
        field->mark = i == SKN_TYPE_ANY + 1 ? SKN_FIELD_FILE : SKN_FIELD_SECRET;
        skn_event_not_run(f, node->span, skn_arena_printf(f->arena, "values of type %s", types[i]));
        return true;
    }
    unknown_type(f, at);
    return false;
}

static bool build_scalar(struct skn_builder *b, const struct skn_yaml_node *node)
{
    int64_t whole;
    double real;
    switch (skn_yaml_scalar(node)) {
    case SKN_YAML_NULL: skn_build_none(b); return true;
    case SKN_YAML_BOOL: skn_build_bool(b, (node->text.ptr[0] | 0x20) == 't'); return true;
    case SKN_YAML_INT:
        if (skn_number_int(node->text, &whole) != SKN_NUMBER_OK) return false;
        skn_build_int(b, whole);
        return true;
    case SKN_YAML_FLOAT:
        if (skn_real_parse(node->text, &real) != SKN_OK) return false;
        skn_build_real(b, real);
        return true;
    case SKN_YAML_TEXT: skn_build_string(b, node->text); return true;
    default: SKN_ASSERT(false); return false;
    }
}

/* The encoded value of a node and all in it, with a stack of what is open. */
bool skn_event_value(struct event_file *f, uint32_t first, struct skn_slice *out_value)
{
    uint32_t opened[SKN_YAML_DEPTH_MAX];
    bool wants_key[SKN_YAML_DEPTH_MAX + 1] = {false};
    uint32_t depth = 0;
    bool good = true;
    struct skn_buf buf;
    struct skn_builder b;
    skn_buf_init(&buf, (size_t)1 << 26);
    skn_builder_init(&b, &buf);
    for (uint32_t at = first; at < node_at(f, first)->end && good; at++) {
        const struct skn_yaml_node *node = node_at(f, at);
        bool in_mapping = depth > 0 && node_at(f, opened[depth - 1])->kind == SKN_YAML_MAPPING;
        if (in_mapping && wants_key[depth]) {
            skn_build_key(&b, node->text);
            wants_key[depth] = false;
            continue;
        }
        wants_key[depth] = in_mapping;
        if (node->kind == SKN_YAML_SCALAR) {
            good = build_scalar(&b, node);
        } else {
            opened[depth++] = at;
            wants_key[depth] = node->kind == SKN_YAML_MAPPING;
            if (node->kind == SKN_YAML_LIST) {
                skn_build_list_begin(&b);
            } else {
                skn_build_map_begin(&b);
            }
        }
        for (; depth > 0 && node_at(f, opened[depth - 1])->end == at + 1; depth--) {
            if (node_at(f, opened[depth - 1])->kind == SKN_YAML_LIST) {
                skn_build_list_end(&b);
            } else {
                skn_build_map_end(&b);
            }
        }
    }
    /* After a number over its range the builder is left as it is; it owns nothing. */
    if (good) good = skn_build_end(&b, NULL) == SKN_OK;
    if (good) *out_value = skn_arena_dup(f->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    return good;
}

static void read_default(struct event_file *f, uint32_t at, struct skn_field *field)
{
    struct skn_slice value;
    if (!skn_event_value(f, at, &value)) {
        skn_event_bad_value(f, "default", at, "a value inside its limits");
        return;
    }
    if (!skn_type_fits(field->type, skn_value_view(value))) {
        const char *wanted = skn_arena_printf(f->arena, "of type %s", skn_type_name(field->type));
        skn_event_bad_value(f, "default", at, wanted);
        return;
    }
    struct skn_buf why;
    skn_buf_init(&why, 1 << 16);
    if (field->schema &&
        !skn_schema_fits_within(
            field->schema, field->name, skn_value_view(value), &f->budget.steps, &why))
        skn_event_bad_value(
            f, "default", at, skn_arena_printf(f->arena, "one that fits (%s)", skn_buf_str(&why)));
    skn_buf_fini(&why);
    field->default_value = value;
    field->required = false;
}

/* --- words ------------------------------------------------------------------------------------ */

/* The node of the value under a key of a mapping, or 0. */
static uint32_t node_under(const struct event_file *f, uint32_t mapping, struct skn_slice key)
{
    if (node_at(f, mapping)->kind != SKN_YAML_MAPPING) return 0;
    for (uint32_t at = mapping + 1; at < node_at(f, mapping)->end; at = node_at(f, at + 1)->end)
        if (skn_slice_eq(node_at(f, at)->text, key)) return at + 1;
    return 0;
}

static void unknown_word(struct event_file *f, struct skn_span span, struct skn_slice word)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, word);
    skn_suggest_offer(&suggest, SKN_LIT("schema"));
    for (size_t i = 0; skn_schema_word(i); i++)
        skn_suggest_offer(&suggest, skn_slice_str(skn_schema_word(i)));
    skn_diags_add(f->diags,
                  SKN_CODE_UNKNOWN_KEY,
                  span,
                  SKN_DIAG_ARGS(word, SKN_LIT("in a declaration"), suggest.best));
}

void skn_event_report_words(void *ctx,
                            enum skn_schema_fault fault,
                            const struct skn_slice *path,
                            uint32_t path_count,
                            const char *wanted)
{
    const struct declaration *d = ctx;
    struct event_file *f = d->f;
    uint32_t at = d->at;
    for (uint32_t i = 0; i < path_count; i++)
        at = node_under(f, at, path[i]);
    struct skn_slice last = path_count > 0 ? path[path_count - 1] : SKN_LIT("inputs");
    const char *name = skn_arena_printf(f->arena, "%.*s", SKN_FMT(last));
    switch (fault) {
    case SKN_SCHEMA_UNKNOWN_WORD: unknown_word(f, node_at(f, at - 1)->span, last); return;
    case SKN_SCHEMA_UNKNOWN_TYPE: unknown_type(f, at); return;
    case SKN_SCHEMA_SAYS_NOTHING:
        skn_diags_add(
            f->diags,
            SKN_CODE_SAYS_NOTHING,
            node_at(f, at - 1)->span,
            SKN_DIAG_ARGS(last,
                          skn_slice_str(skn_arena_printf(f->arena, "It is about %s.", wanted))));
        return;
    case SKN_SCHEMA_BAD_VALUE:
    default: skn_event_bad_value(f, name, at, wanted); return;
    }
}

/* Keys of a declaration that are read elsewhere: default and description say nothing about other
 * values; "schema" names a file. */
static bool is_no_word(struct skn_slice key)
{
    return skn_slice_eq(key, SKN_LIT("default")) || skn_slice_eq(key, SKN_LIT("description")) ||
           skn_slice_eq(key, SKN_LIT("schema"));
}

/* The words of a declaration as a value; with_type false leaves out a type that was reported. */
static bool words_of(struct event_file *f, uint32_t at, bool with_type, struct skn_slice *out)
{
    struct skn_value key_value, all;
    struct skn_slice bytes, key;
    struct skn_buf buf;
    struct skn_builder b;
    if (!skn_event_value(f, at, &bytes)) return false;
    all = skn_value_view(bytes);
    skn_buf_init(&buf, (size_t)1 << 26);
    skn_builder_init(&b, &buf);
    skn_build_map_begin(&b);
    struct skn_value_iter iter = skn_value_iter(all);
    while (skn_value_next(&iter, &key, &key_value)) {
        if (is_no_word(key) || (!with_type && skn_slice_eq(key, SKN_LIT("type")))) continue;
        skn_build_key(&b, key);
        skn_build_value(&b, key_value);
    }
    skn_build_map_end(&b);
    bool good = skn_build_end(&b, NULL) == SKN_OK;
    if (good) *out = skn_arena_dup(f->arena, skn_buf_slice(&buf));
    skn_buf_fini(&buf);
    return good;
}

static void
read_words(struct event_file *f, uint32_t at, bool has_type, bool is_input, struct skn_field *field)
{
    struct declaration d = {.f = f, .at = at};
    struct skn_slice words;
    uint32_t schema = skn_event_get(f, at, "schema", SKN_YAML_SCALAR);
    if (schema != 0 && f->host) {
        skn_event_schema(f, at, schema, field);
        return;
    }
    if (schema != 0)
        skn_event_not_run(f, node_at(f, schema - 1)->span, "the key \"schema\" in a declaration");
    if (!words_of(f, at, has_type, &words)) {
        skn_event_bad_value(f, is_input ? "inputs" : "outputs", at, "numbers inside their limits");
        return;
    }
    struct skn_value value = skn_value_view(words), type;
    const struct skn_schema *compiled =
        skn_schema_compile_within(f->arena, value, &f->budget, skn_event_report_words, &d);
    bool says_more =
        skn_value_count(value) > (skn_map_get(value, SKN_LIT("type"), &type) ? 1U : 0U);
    if (!compiled || !says_more) return;
    field->words = words;
    field->schema = compiled;
    bool has_secret = skn_schema_has(compiled, SKN_SCHEMA_SECRET);
    if (field->mark == SKN_FIELD_PLAIN && (has_secret || skn_schema_has(compiled, SKN_SCHEMA_FILE)))
        skn_event_not_run(
            f, node_at(f, at)->span, has_secret ? "values of type secret" : "values of type file");
}

void skn_event_field(struct event_file *f, uint32_t at, bool is_input, struct skn_field *field)
{
    field->type = SKN_TYPE_ANY;
    field->required = true;
    if (node_at(f, at)->kind == SKN_YAML_SCALAR) {
        (void)read_type(f, at, field);
        return;
    }
    if (node_at(f, at)->kind == SKN_YAML_LIST) {
        skn_event_bad_value(
            f, is_input ? "inputs" : "outputs", at, "a type, or a mapping with a type");
        return;
    }
    uint32_t type = skn_yaml_get(&f->yaml, at, "type");
    uint32_t value = skn_yaml_get(&f->yaml, at, "default");
    uint32_t text = skn_event_get(f, at, "description", SKN_YAML_SCALAR);
    if (text != 0) field->description = node_at(f, text)->text;
    bool has_type = type == 0 || read_type(f, type, field);
    read_words(f, at, has_type, is_input, field);
    if (value != 0 && !is_input) {
        skn_event_bad_value(f, "default", value, "left out: an output has none");
    } else if (value != 0 && has_type) {
        read_default(f, value, field);
    }
}
