/* schema_fits.c - a value against a declaration: a walk over the value, its lists and objects on a
 * stack of bounded depth. Names of objects and properties both rise, so they are walked together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/schema_internal.h"
#include "lang/kit/utf8.h"
#include "value/json.h"

#include "base/pure.h" /* last */

enum {
    SHOWN_PART = 60,   /* bytes of a name in a path */
    SHOWN_PARTS = 16,  /* of a long path, at both ends together */
    SHOWN_CHOICES = 8, /* of an enum */
};

/* A list or an object whose elements are looked at. */
struct frame {
    struct skn_value_iter iter;
    const struct skn_schema *schema;
    uint32_t index;       /* of the element that is looked at, from 0 */
    struct skn_slice key; /* of an object */
    uint32_t property;    /* the next one that may fit a key */
};

struct check {
    uint64_t steps;
    uint32_t depth;
    uint32_t path_end; /* how many frames may be named: not those inside a secret */
    struct frame frames[SKN_VALUE_DEPTH_MAX + 1];
    struct skn_slice name;
    struct skn_buf *out; /* or NULL */
};

/* --- what is wrong ---------------------------------------------------------------------------- */

static void put_part(struct skn_buf *out, struct skn_slice part)
{
    size_t len = part.len;
    if (len > SHOWN_PART) {
        len = 0;
        while (len < SHOWN_PART) /* whole characters */
            len += skn_utf8_next(part, len).len;
    }
    skn_buf_put_str(out, "/");
    for (size_t i = 0; i < len; i++) {
        if (part.ptr[i] == '~')
            skn_buf_put_str(out, "~0");
        else if (part.ptr[i] == '/')
            skn_buf_put_str(out, "~1");
        else
            skn_buf_put_u8(out, part.ptr[i]);
    }
    if (len < part.len) skn_buf_put_str(out, "..");
}

static void put_path(const struct check *c, struct skn_slice last)
{
    uint32_t parts = c->depth < c->path_end ? c->depth : c->path_end;
    if (c->name.len > 0) put_part(c->out, c->name);
    for (uint32_t i = 0; i < parts; i++) {
        const struct frame *f = &c->frames[i];
        if (parts > SHOWN_PARTS && i == SHOWN_PARTS / 2) {
            skn_buf_put_str(c->out, "/..");
            i = parts - SHOWN_PARTS / 2;
            f = &c->frames[i];
        }
        if (f->iter.is_map)
            put_part(c->out, f->key);
        else
            skn_buf_printf(c->out, "/%u", (unsigned)f->index);
    }
    if (last.len > 0) put_part(c->out, last);
    skn_buf_put_str(c->out, ": ");
}

static void put_value(struct skn_buf *out, struct skn_value v)
{
    if (skn_json_print(v, SKN_JSON_PLAIN, out, NULL) != SKN_OK) skn_buf_put_str(out, "..");
}

/* The start of a message; NULL when nobody wants one. */
static struct skn_buf *wrong(const struct check *c)
{
    if (c->out) put_path(c, (struct skn_slice){0});
    return c->out;
}

static bool wrong_text(const struct check *c, const char *text)
{
    struct skn_buf *out = wrong(c);
    if (out) skn_buf_put_str(out, text);
    return false;
}

static bool wrong_bound(const struct check *c, const char *text, struct skn_value bound)
{
    struct skn_buf *out = wrong(c);
    if (out) skn_buf_put_str(out, text);
    if (out) put_value(out, bound);
    return false;
}

static bool wrong_length(const struct check *c, const char *text, uint64_t n)
{
    struct skn_buf *out = wrong(c);
    if (out)
        skn_buf_printf(out, "%s %llu character%s", text, (unsigned long long)n, n == 1 ? "" : "s");
    return false;
}

static bool wrong_choice(const struct check *c, const struct skn_schema *schema)
{
    struct skn_buf *out = wrong(c);
    struct skn_value_iter iter = skn_value_iter(schema->choices_shown);
    struct skn_value v;
    if (!out) return false;
    skn_buf_put_str(out, schema->choice_count == 1 ? "must be " : "must be one of ");
    for (uint32_t i = 0; skn_value_next(&iter, NULL, &v); i++) {
        if (i > 0) skn_buf_put_str(out, ", ");
        if (i == SHOWN_CHOICES) {
            skn_buf_put_str(out, "..");
            break;
        }
        put_value(out, v);
    }
    return false;
}

/* --- one value -------------------------------------------------------------------------------- */

static bool spend(struct check *c, uint64_t steps)
{
    c->steps = c->steps > steps ? c->steps - steps : 0;
    return c->steps > 0 || wrong_text(c, "is too large to be checked");
}

static bool has_type(enum skn_schema_type type, struct skn_value v)
{
    switch (type) {
    case SKN_SCHEMA_STRING: return skn_value_is(v, SKN_T_STRING);
    case SKN_SCHEMA_INT: return skn_value_is(v, SKN_T_INT);
    case SKN_SCHEMA_FLOAT: return skn_schema_is_number(v);
    case SKN_SCHEMA_BOOL: return skn_value_is(v, SKN_T_BOOL);
    case SKN_SCHEMA_LIST: return skn_value_is(v, SKN_T_LIST);
    case SKN_SCHEMA_OBJECT: return skn_value_is(v, SKN_T_MAP);
    case SKN_SCHEMA_ANY:
    case SKN_SCHEMA_FILE:
    case SKN_SCHEMA_SECRET:
    default: return true;
    }
}

static bool type_fits(const struct check *c, const struct skn_schema *schema, struct skn_value v)
{
    static const char *const wanted[] = {"must be a string",
                                         "must be a whole number",
                                         "must be a number",
                                         "must be true or false",
                                         "must be a list",
                                         "must be an object"};
    return has_type(schema->type, v) || wrong_text(c, wanted[schema->type]);
}

static bool number_fits(const struct check *c, const struct skn_schema *schema, struct skn_value v)
{
    if (!skn_value_is(schema->minimum, SKN_T_NONE) && skn_schema_cmp(v, schema->minimum) < 0)
        return wrong_bound(c, "must be at least ", schema->minimum);
    if (!skn_value_is(schema->maximum, SKN_T_NONE) && skn_schema_cmp(v, schema->maximum) > 0)
        return wrong_bound(c, "must be at most ", schema->maximum);
    return true;
}

static bool string_fits(struct check *c, const struct skn_schema *schema, struct skn_value v)
{
    struct skn_slice text = skn_value_as_text(v);
    uint64_t length = 0;
    if (!spend(c, text.len)) return false;
    for (size_t at = 0; at < text.len; at += skn_utf8_next(text, at).len)
        length++;
    if (length < schema->length_min)
        return wrong_length(c, "must have at least", schema->length_min);
    if (length > schema->length_max)
        return wrong_length(c, "must have at most", schema->length_max);
    if (!schema->pattern) return true;
    switch (skn_pattern_match(schema->pattern, text, &c->steps)) {
    case SKN_PATTERN_YES: return true;
    case SKN_PATTERN_SPENT: return wrong_text(c, "is too large to be checked");
    case SKN_PATTERN_NO:
    default: return wrong_bound(c, "must match ", skn_value_string(schema->pattern_text));
    }
}

static bool is_choice(const struct skn_schema *schema, struct skn_value v)
{
    uint32_t low = 0, high = schema->choice_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = skn_schema_cmp(schema->choices[middle], v);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Keys and required names both rise. */
static bool object_fits(struct check *c, const struct skn_schema *schema, struct skn_value v)
{
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice key = {0};
    struct skn_value ignored;
    bool has_key = skn_value_next(&iter, &key, &ignored);
    for (uint32_t i = 0; i < schema->required_count; i++) {
        while (has_key && skn_slice_cmp(key, schema->required[i]) < 0)
            has_key = skn_value_next(&iter, &key, &ignored);
        if (has_key && skn_slice_eq(key, schema->required[i])) continue;
        if (c->out) put_path(c, schema->required[i]);
        if (c->out) skn_buf_put_str(c->out, "is missing");
        return false;
    }
    return true;
}

/* Everything about a value but what is inside it. */
static bool one_fits(struct check *c, const struct skn_schema *schema, struct skn_value v)
{
    if (!spend(c, 1) || !type_fits(c, schema, v)) return false;
    if (schema->choices && (!spend(c, 32 + (uint64_t)v.len) || !is_choice(schema, v)))
        return c->steps > 0 ? wrong_choice(c, schema) : false;
    if (skn_schema_is_number(v)) return number_fits(c, schema, v);
    if (skn_value_is(v, SKN_T_STRING)) return string_fits(c, schema, v);
    if (skn_value_is(v, SKN_T_MAP))
        return spend(c, schema->required_count) && object_fits(c, schema, v);
    return true;
}

/* --- the walk --------------------------------------------------------------------------------- */

static bool goes_inside(const struct skn_schema *schema, struct skn_value v)
{
    return (skn_value_is(v, SKN_T_LIST) && schema->items) ||
           (skn_value_is(v, SKN_T_MAP) && schema->property_count > 0);
}

/* The declaration of what the newest frame stands on; NULL: there is none. */
static const struct skn_schema *inside(struct frame *f)
{
    const struct skn_schema *schema = f->schema;
    if (!f->iter.is_map) return schema->items;
    while (f->property < schema->property_count &&
           skn_slice_cmp(schema->properties[f->property].name, f->key) < 0)
        f->property++;
    bool is_it = f->property < schema->property_count &&
                 skn_slice_eq(schema->properties[f->property].name, f->key);
    return is_it ? schema->properties[f->property].schema : NULL;
}

static bool walk(struct check *c, const struct skn_schema *schema, struct skn_value value)
{
    for (;;) {
        if (schema && skn_value_is(value, SKN_T_SECRET)) {
            if (c->depth < c->path_end) c->path_end = c->depth;
            value = skn_value_as_secret(value);
        }
        if (schema && !one_fits(c, schema, value)) return false;
        if (schema && goes_inside(schema, value)) {
            SKN_ASSERT(c->depth <= SKN_VALUE_DEPTH_MAX);
            c->frames[c->depth++] = (struct frame){
                .iter = skn_value_iter(value), .schema = schema, .index = UINT32_MAX};
        }
        while (c->depth > 0) {
            struct frame *f = &c->frames[c->depth - 1];
            f->index++;
            if (skn_value_next(&f->iter, &f->key, &value)) break;
            c->depth--;
        }
        if (c->depth == 0) return true;
        if (c->depth <= c->path_end) c->path_end = UINT32_MAX; /* behind the secret */
        schema = inside(&c->frames[c->depth - 1]);
        if (!spend(c, 1)) return false;
    }
}

bool skn_schema_fits(const struct skn_schema *schema,
                     struct skn_slice name,
                     struct skn_value value,
                     struct skn_buf *out_why)
{
    uint64_t steps = SKN_SCHEMA_STEPS_MAX;
    return skn_schema_fits_within(schema, name, value, &steps, out_why);
}

bool skn_schema_fits_within(const struct skn_schema *schema,
                            struct skn_slice name,
                            struct skn_value value,
                            uint64_t *steps,
                            struct skn_buf *out_why)
{
    struct check c;
    c.steps = *steps < SKN_SCHEMA_STEPS_MAX ? *steps : SKN_SCHEMA_STEPS_MAX;
    uint64_t before = c.steps;
    c.depth = 0;
    c.path_end = UINT32_MAX;
    c.name = name;
    c.out = out_why;
    bool fits = walk(&c, schema, value);
    *steps -= before - c.steps;
    return fits;
}
