/* inputs.c - the inputs of a run: from the command line and files to one JSON object. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inputs_internal.h"

#include "base/mem.h"
#include "cli/load_internal.h"
#include "lang/kit/suggest.h"
#include "value/json.h"

#include <string.h>

enum { INPUTS_BYTES_MAX = 16 << 20, SHOWN_MAX = 60 };

enum from { FROM_NOWHERE, FROM_FILE, FROM_COMMAND };

struct input {
    enum from from;
    struct skn_value value;
};

struct inputs {
    struct skn_arena *arena;
    const struct skn_graph *graph;
    struct input *given; /* one per graph->inputs */
    struct skn_diag *diag;
};

/* The place of a name among those declared; SKN_EUSAGE with the nearest one. */
static enum skn_rc find(const struct inputs *in, struct skn_slice name, uint32_t *out_at)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (uint32_t i = 0; i < in->graph->input_count; i++) {
        *out_at = i;
        if (skn_slice_eq(in->graph->inputs[i].name, name)) return SKN_OK;
        skn_suggest_offer(&suggest, in->graph->inputs[i].name);
    }
    const char *hint = "";
    if (suggest.best.len > 0)
        hint = skn_arena_printf(in->arena, "; did you mean \"%.*s\"?", SKN_FMT(suggest.best));
    else if (in->graph->input_count == 0)
        hint = "; it declares none";
    return SKN_FAIL(in->diag,
                    SKN_EUSAGE,
                    "the flow has no input \"%.*s\"%s",
                    name.len > SHOWN_MAX ? SHOWN_MAX : (int)name.len,
                    (const char *)name.ptr,
                    hint);
}

static bool fits(enum skn_type type, enum skn_tag tag)
{
    switch (type) {
    case SKN_TYPE_STRING: return tag == SKN_T_STRING;
    case SKN_TYPE_INT: return tag == SKN_T_INT;
    case SKN_TYPE_FLOAT: return tag == SKN_T_REAL || tag == SKN_T_INT;
    case SKN_TYPE_BOOL: return tag == SKN_T_BOOL;
    case SKN_TYPE_LIST: return tag == SKN_T_LIST;
    case SKN_TYPE_OBJECT: return tag == SKN_T_MAP;
    case SKN_TYPE_ANY: return true;
    default: return false;
    }
}

/* "1, 2 or -3" for a person who typed something else. */
static const char *example_of(enum skn_type type)
{
    switch (type) {
    case SKN_TYPE_INT: return "a whole number such as 12";
    case SKN_TYPE_FLOAT: return "a number such as 1.5";
    case SKN_TYPE_BOOL: return "true or false";
    case SKN_TYPE_LIST: return "a JSON list such as [1, 2]";
    case SKN_TYPE_OBJECT: return "a JSON object such as {\"a\": 1}";
    case SKN_TYPE_STRING:
    case SKN_TYPE_ANY:
    default: return "a text";
    }
}

static enum skn_rc set(struct inputs *in, uint32_t at, enum from from, struct skn_value value)
{
    const struct skn_field *field = &in->graph->inputs[at];
    struct input *input = &in->given[at];
    if (input->from == from)
        return SKN_FAIL(in->diag,
                        SKN_EUSAGE,
                        "the input \"%.*s\" is given a second time",
                        SKN_FMT(field->name));
    if (input->from > from) return SKN_OK;
    bool may_be_null = !field->required && field->default_value.len == 0;
    bool is_null = skn_value_is(value, SKN_T_NONE);
    if (!(may_be_null && is_null) && !fits(field->type, skn_value_tag(value)))
        return SKN_FAIL(in->diag,
                        SKN_EUSAGE,
                        "the input \"%.*s\" must be %s",
                        SKN_FMT(field->name),
                        example_of(field->type));
    if (field->type == SKN_TYPE_FLOAT && skn_value_is(value, SKN_T_INT))
        value = skn_value_real((double)skn_value_as_int(value));
    *input = (struct input){.from = from, .value = value};
    return SKN_OK;
}

static enum skn_rc
parse(struct inputs *in, struct skn_slice text, struct skn_value *out, struct skn_diag *diag)
{
    struct skn_buf bytes;
    skn_buf_init(&bytes, 4 * (size_t)INPUTS_BYTES_MAX);
    const struct skn_json_options options = {.text_max = INPUTS_BYTES_MAX};
    enum skn_rc rc = skn_json_parse(text, &options, &bytes, diag);
    if (rc == SKN_OK) *out = skn_value_view(skn_arena_dup(in->arena, skn_buf_slice(&bytes)));
    skn_buf_fini(&bytes);
    return rc;
}

/* A value as it was typed: text stays text where text is wanted, the rest is JSON. */
static enum skn_rc take_typed(struct inputs *in, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return SKN_FAIL(in->diag,
                        SKN_EUSAGE,
                        "--input wants name=value or @file.json, not \"%.*s\"",
                        SHOWN_MAX,
                        text);
    uint32_t at;
    enum skn_rc rc = find(in, skn_slice(text, (size_t)(equals - text)), &at);
    if (rc != SKN_OK) return rc;
    enum skn_type type = in->graph->inputs[at].type;
    struct skn_value value = skn_value_string(skn_slice_str(equals + 1));
    if (type == SKN_TYPE_STRING) return set(in, at, FROM_COMMAND, value);
    struct skn_diag why;
    rc = parse(in, skn_slice_str(equals + 1), &value, &why);
    if (rc != SKN_OK && type != SKN_TYPE_ANY)
        return SKN_FAIL(in->diag,
                        SKN_EUSAGE,
                        "the input \"%.*s\" must be %s, not \"%.*s\"",
                        SKN_FMT(in->graph->inputs[at].name),
                        example_of(type),
                        SHOWN_MAX,
                        equals + 1);
    return set(in, at, FROM_COMMAND, value);
}

static enum skn_rc take_file(struct inputs *in, const char *path)
{
    struct skn_slice text;
    struct skn_value object = skn_value_none();
    enum skn_rc rc = skn_file_read(in->arena, path, INPUTS_BYTES_MAX, &text, in->diag);
    if (rc != SKN_OK) return rc;
    rc = parse(in, text, &object, in->diag);
    if (rc != SKN_OK) {
        if (in->diag) skn_diag_prefix(in->diag, "%s", path);
        return rc;
    }
    if (!skn_value_is(object, SKN_T_MAP))
        return SKN_FAIL(in->diag, SKN_EUSAGE, "\"%s\" must hold a JSON object with inputs", path);
    struct skn_value_iter iter = skn_value_iter(object);
    struct skn_slice name;
    struct skn_value value;
    while (skn_value_next(&iter, &name, &value)) {
        uint32_t at;
        rc = find(in, name, &at);
        if (rc == SKN_OK) rc = set(in, at, FROM_FILE, value);
        if (rc != SKN_OK) return rc;
    }
    return SKN_OK;
}

/* What was not given takes its default; what must be given is named. */
static enum skn_rc fill(struct inputs *in)
{
    for (uint32_t i = 0; i < in->graph->input_count; i++) {
        const struct skn_field *field = &in->graph->inputs[i];
        if (in->given[i].from != FROM_NOWHERE) continue;
        if (field->required)
            return SKN_FAIL(in->diag,
                            SKN_EUSAGE,
                            "the flow needs the input \"%.*s\" (%s): --input %.*s=..",
                            SKN_FMT(field->name),
                            skn_type_name(field->type),
                            SKN_FMT(field->name));
        if (field->default_value.len > 0) in->given[i].value = skn_value_view(field->default_value);
    }
    return SKN_OK;
}

static enum skn_rc print(const struct inputs *in, struct skn_buf *out_json)
{
    struct skn_json_writer w;
    skn_json_begin(&w, out_json, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    for (uint32_t i = 0; i < in->graph->input_count; i++) {
        skn_json_key(&w, in->graph->inputs[i].name);
        skn_json_value(&w, in->given[i].value);
    }
    skn_json_object_end(&w);
    return skn_json_end(&w, in->diag);
}

enum skn_rc skn_inputs_read(struct skn_arena *arena,
                            const struct skn_args *args,
                            const struct skn_graph *graph,
                            struct skn_buf *out_json,
                            struct skn_diag *diag)
{
    struct inputs in = {.arena = arena, .graph = graph, .diag = diag};
    in.given = skn_arena_zero(arena, (size_t)graph->input_count + 1, sizeof(*in.given));
    bool has_file = false;
    for (uint32_t i = 0; i < args->option_count; i++) {
        if (args->options[i].option != SKN_OPTION_INPUT) continue;
        const char *text = args->options[i].value;
        if (text[0] == '@' && has_file)
            return SKN_FAIL(diag, SKN_EUSAGE, "--input @file.json is given a second time");
        has_file = has_file || text[0] == '@';
        enum skn_rc rc = text[0] == '@' ? take_file(&in, text + 1) : take_typed(&in, text);
        if (rc != SKN_OK) return rc;
    }
    enum skn_rc rc = fill(&in);
    return rc == SKN_OK ? print(&in, out_json) : rc;
}

enum skn_rc
skn_labels_read(const struct skn_args *args, struct skn_buf *out_json, struct skn_diag *diag)
{
    struct skn_buf bytes;
    struct skn_builder *b = skn_alloc(sizeof(*b));
    skn_buf_init(&bytes, INPUTS_BYTES_MAX);
    skn_builder_init(b, &bytes);
    skn_build_map_begin(b);
    const char *bad = NULL;
    for (uint32_t i = 0; i < args->option_count && !bad; i++) {
        if (args->options[i].option != SKN_OPTION_LABEL) continue;
        const char *text = args->options[i].value, *equals = strchr(text, '=');
        if (!equals || equals == text) bad = text;
        if (bad) continue;
        skn_build_key(b, skn_slice(text, (size_t)(equals - text)));
        skn_build_str(b, equals + 1);
    }
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, diag);
    if (bad)
        rc = SKN_FAIL(diag, SKN_EUSAGE, "--label wants name=value, not \"%.*s\"", SHOWN_MAX, bad);
    else if (rc == SKN_EEXIST)
        rc = SKN_FAIL(diag, SKN_EUSAGE, "a label is given a second time");
    else if (rc == SKN_OK)
        rc = skn_json_print(skn_value_view(skn_buf_slice(&bytes)), SKN_JSON_PLAIN, out_json, diag);
    skn_buf_fini(&bytes);
    skn_free(b);
    return rc;
}
