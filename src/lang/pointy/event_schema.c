/* event_schema.c - schema: file.json [F31]. The file is JSON and a subset of JSON Schema: the words of
 * declarations under the names of types that JSON Schema has, and words that say nothing. What comes out
 * is a declaration like one that stands in the event file, and is pinned with it.
 *
 * The text is looked at as JSON, and then read as the YAML that JSON is: so every part has its place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lang/kit/suggest.h"
#include "lang/pointy/event_internal.h"
#include "value/json.h"

#include "base/pure.h" /* last */

static const char *const json_types[] = {
    "string", "integer", "number", "boolean", "array", "object"};
static const char *const our_types[] = {"string", "int", "float", "bool", "list", "object"};

static void wrong(struct event_file *f, uint32_t schema, const char *what, const char *hint_or_null)
{
    const struct skn_yaml_node *node = node_at(f, schema);
    skn_diags_add(f->diags,
                  SKN_CODE_BAD_SCHEMA,
                  node->span,
                  SKN_DIAG_ARGS(node->text,
                                skn_slice_str(what),
                                skn_slice_str(hint_or_null ? hint_or_null : "")));
}

/* "JSON 3:7: .." of the reader becomes "order.json:3:7: ..". */
static bool is_json(struct event_file *f, uint32_t schema, struct skn_slice text)
{
    struct skn_buf ignored;
    struct skn_diag diag;
    skn_buf_init(&ignored, (size_t)1 << 26);
    bool good = skn_json_parse(text, NULL, &ignored, &diag) == SKN_OK;
    skn_buf_fini(&ignored);
    if (good) return true;
    const char *place = strncmp(diag.text, "JSON ", 5) == 0 ? diag.text + 5 : diag.text;
    wrong(f,
          schema,
          skn_arena_printf(f->arena, "%.*s:%s", SKN_FMT(node_at(f, schema)->text), place),
          NULL);
    return false;
}

/* --- from JSON Schema to a declaration --------------------------------------------------------------- */

enum inside { IN_DECLARATION, IN_PROPERTIES };

struct level {
    uint32_t end; /* node behind it */
    enum inside inside;
};

static bool is_remark(struct skn_slice word)
{
    static const char *const words[] = {"$schema", "$id", "$comment", "title", "examples"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++)
        if (skn_slice_eq(word, skn_slice_str(words[i]))) return true;
    return false;
}

static void put_type(struct event_file *g, struct skn_builder *b, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(g, at);
    for (size_t i = 0; node->kind == SKN_YAML_SCALAR && i < SKN_ARRAY_LEN(json_types); i++) {
        if (!skn_slice_eq(node->text, skn_slice_str(json_types[i]))) continue;
        skn_build_str(b, our_types[i]);
        return;
    }
    skn_build_str(b, "any");
    if (node->kind != SKN_YAML_SCALAR)
        skn_event_bad_value(g, "type", at, "one type");
    else
        skn_diags_add(
            g->diags,
            SKN_CODE_UNKNOWN_TYPE,
            node->span,
            SKN_DIAG_ARGS(node->text,
                          skn_suggest_among(node->text, json_types, SKN_ARRAY_LEN(json_types))));
}

static bool put_value(struct event_file *g, struct skn_builder *b, uint32_t at)
{
    struct skn_slice value;
    if (!skn_event_value(g, at, &value)) return false;
    skn_build_value(b, skn_value_view(value));
    return true;
}

/* The declaration of the file in `g`; the depth is that of its YAML. */
static bool put_declaration(struct event_file *g, struct skn_builder *b)
{
    struct level levels[SKN_YAML_DEPTH_MAX];
    uint32_t depth = 0;
    levels[depth++] = (struct level){node_at(g, 0)->end, IN_DECLARATION};
    skn_build_map_begin(b);
    for (uint32_t at = 1; depth > 0;) {
        struct level *level = &levels[depth - 1];
        if (at == level->end) {
            skn_build_map_end(b);
            depth--;
            continue;
        }
        struct skn_slice word = node_at(g, at)->text;
        uint32_t value = at + 1;
        bool in_words = level->inside == IN_DECLARATION;
        bool is_map = node_at(g, value)->kind == SKN_YAML_MAPPING;
        bool opens = is_map && (!in_words || skn_slice_eq(word, SKN_LIT("properties")) ||
                                skn_slice_eq(word, SKN_LIT("items")));
        at = node_at(g, value)->end;
        if (in_words && is_remark(word)) continue;
        skn_build_key(b, word);
        if (opens) {
            bool are_names = in_words && skn_slice_eq(word, SKN_LIT("properties"));
            at = value + 1;
            SKN_ASSERT(depth < SKN_YAML_DEPTH_MAX);
            levels[depth++] =
                (struct level){node_at(g, value)->end, are_names ? IN_PROPERTIES : IN_DECLARATION};
            skn_build_map_begin(b);
        } else if (in_words && skn_slice_eq(word, SKN_LIT("type"))) {
            put_type(g, b, value);
        } else if (!put_value(g, b, value)) {
            skn_event_bad_value(g, "schema", value, "a number inside its limits");
            return false;
        }
    }
    return true;
}

static const struct skn_schema *
compile(struct event_file *f, struct event_file *g, struct skn_slice *out_words)
{
    struct declaration d = {.f = g, .at = 0};
    const struct skn_schema *compiled = NULL;
    struct skn_builder b;
    struct skn_buf buf;
    if (node_at(g, 0)->kind != SKN_YAML_MAPPING) {
        skn_event_bad_value(g, "schema", 0, "an object of words");
        return NULL;
    }
    skn_buf_init(&buf, (size_t)1 << 26);
    skn_builder_init(&b, &buf);
    if (put_declaration(g, &b) && skn_build_end(&b, NULL) == SKN_OK) {
        *out_words = skn_arena_dup(f->arena, skn_buf_slice(&buf));
        compiled = skn_schema_compile_within(
            f->arena, skn_value_view(*out_words), &f->budget, skn_event_report_words, &d);
    }
    skn_buf_fini(&buf);
    return g->diags->errors == 0 ? compiled : NULL;
}

/* What is wrong in the file is said where it is named, with the place in the file. */
static void forward(struct event_file *f, uint32_t schema, const struct skn_diags *inner)
{
    for (uint32_t i = 0; i < inner->count; i++) {
        const struct skn_diag_entry *entry = &inner->entries[i];
        if (skn_code_info(entry->code)->severity != SKN_SEVERITY_ERROR) continue;
        struct skn_place place = skn_source_place(inner->source, entry->span.start);
        const char *what = skn_arena_printf(f->arena,
                                            "%.*s:%u:%u: %s",
                                            SKN_FMT(node_at(f, schema)->text),
                                            (unsigned)place.line,
                                            (unsigned)place.column,
                                            entry->text);
        wrong(f, schema, what, entry->hint);
    }
}

/* --- at the declaration ------------------------------------------------------------------------------ */

/* Beside a schema stand a description, a default, and a type that says the same. */
static void check_beside(struct event_file *f, uint32_t at, const struct skn_field *field)
{
    for (uint32_t key = at + 1; key < node_at(f, at)->end; key = node_at(f, key + 1)->end) {
        struct skn_slice word = node_at(f, key)->text;
        if (skn_slice_eq(word, SKN_LIT("schema")) || skn_slice_eq(word, SKN_LIT("default")) ||
            skn_slice_eq(word, SKN_LIT("description")))
            continue;
        if (skn_slice_eq(word, SKN_LIT("type"))) {
            const char *is = skn_type_name(field->type);
            if (!skn_slice_eq(node_at(f, key + 1)->text, skn_slice_str(is)))
                skn_event_bad_value(
                    f, "type", key + 1, skn_arena_printf(f->arena, "%s, as the schema says", is));
            continue;
        }
        skn_diags_add(f->diags,
                      SKN_CODE_EXCLUDES,
                      node_at(f, key)->span,
                      SKN_DIAG_ARGS(word, SKN_LIT("schema")));
    }
}

static void take_type(struct skn_field *field, struct skn_slice words)
{
    struct skn_value type;
    field->type = SKN_TYPE_ANY;
    if (!skn_map_get(skn_value_view(words), SKN_LIT("type"), &type)) return;
    for (unsigned i = 0; i < SKN_TYPE_ANY; i++)
        if (skn_slice_eq(skn_value_as_text(type), skn_slice_str(skn_type_name((enum skn_type)i))))
            field->type = (enum skn_type)i;
}

void skn_event_schema(struct event_file *f, uint32_t at, uint32_t schema, struct skn_field *field)
{
    struct skn_slice path = node_at(f, schema)->text, text, words = {0};
    struct skn_source source;
    const char *why = "";
    if (!f->host->file(f->host->ctx, f->arena, f->diags->source->name, path, &text, &why)) {
        wrong(f, schema, why, NULL);
        return;
    }
    f->schema_bytes += text.len;
    if (f->schema_bytes > SKN_EVENT_BYTES_MAX) {
        wrong(f, schema, "the schemas of one event have more than 1 MiB together", NULL);
        return;
    }
    if (!is_json(f, schema, text)) return;
    struct event_file g = {.arena = f->arena};
    g.diags = skn_arena_zero(f->arena, 1, sizeof(*g.diags));
    enum skn_rc rc = skn_source_init(&source, f->arena, path, text);
    SKN_ASSERT(rc == SKN_OK); /* far below the limit of sources */
    skn_diags_init(g.diags, f->arena, &source);
    const struct skn_schema *compiled = NULL;
    if (skn_yaml_parse(f->arena, g.diags, &g.yaml)) compiled = compile(f, &g, &words);
    forward(f, schema, g.diags);
    if (!compiled) return;
    field->mark = SKN_FIELD_PLAIN;
    take_type(field, words);
    field->words = words;
    field->schema = compiled;
    check_beside(f, at, field);
}
