/* schema.c - declarations, checked and compiled: a list of what is still to do, no recursion. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/schema_internal.h"

#include <stdlib.h>

#include "base/pure.h" /* last */

enum { PATH_MAX_PARTS = 2 * SKN_VALUE_DEPTH_MAX + 8, NUMBERS_BITS = 64 };

/* One declaration that is still to be read, and where it stands. */
struct item {
    const struct item *outer;
    struct skn_slice word, name; /* "properties" and a name; "items" alone; nothing outermost */
    struct skn_value from;
    struct skn_schema *to;
    struct item *next;
    struct item *later; /* of those with a default */
    struct skn_value default_value;
};

struct compiler {
    struct skn_arena *arena;
    struct skn_schema_budget *budget;
    skn_schema_fault_fn fn;
    void *ctx;
    struct item *todo;
    struct item *defaults;
    bool has_faults;
};

static const char *const type_names[] = {
    "string", "int", "float", "bool", "list", "object", "any", "file", "secret"};

static_assert(SKN_ARRAY_LEN(type_names) == SKN_SCHEMA_SECRET + 1, "a name for every type");

bool skn_schema_type_find(struct skn_slice name, enum skn_schema_type *out_type)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(type_names); i++) {
        if (!skn_slice_eq(name, skn_slice_str(type_names[i]))) continue;
        *out_type = (enum skn_schema_type)i;
        return true;
    }
    return false;
}

static int cmp_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Every int64 against every real, infinities too, without rounding. */
static int cmp_int_real(int64_t i, double r)
{
    if (r >= 0x1p63) return -1;
    if (r < -0x1p63) return 1;
    int64_t whole = (int64_t)r; /* towards zero */
    if (i != whole) return cmp_int(i, whole);
    double rest = r - (double)whole;
    return (rest < 0) - (rest > 0);
}

int skn_schema_cmp(struct skn_value a, struct skn_value b)
{
    bool a_is_int = skn_value_is(a, SKN_T_INT), b_is_int = skn_value_is(b, SKN_T_INT);
    if (!skn_schema_is_number(a) || !skn_schema_is_number(b) || a_is_int == b_is_int)
        return skn_value_cmp(a, b);
    if (a_is_int) return cmp_int_real(skn_value_as_int(a), skn_value_as_real(b));
    return -cmp_int_real(skn_value_as_int(b), skn_value_as_real(a));
}

static void fault(struct compiler *c,
                  const struct item *item,
                  enum skn_schema_fault kind,
                  struct skn_slice word,
                  const char *wanted)
{
    struct skn_slice path[PATH_MAX_PARTS];
    uint32_t at = PATH_MAX_PARTS;
    if (kind != SKN_SCHEMA_SAYS_NOTHING) c->has_faults = true;
    if (word.len > 0) path[--at] = word;
    for (; item->outer; item = item->outer) {
        if (item->name.len > 0) path[--at] = item->name;
        path[--at] = item->word;
    }
    c->fn(c->ctx, kind, path + at, PATH_MAX_PARTS - at, wanted);
}

static void
bad_value(struct compiler *c, const struct item *item, const char *word, const char *wanted)
{
    fault(c, item, SKN_SCHEMA_BAD_VALUE, skn_slice_str(word), wanted);
}

/* The schema of a declaration that is inside another one, to be filled in later. */
static const struct skn_schema *push(struct compiler *c,
                                     const struct item *outer,
                                     struct skn_slice word,
                                     struct skn_slice name,
                                     struct skn_value from)
{
    struct item *item = skn_arena_zero(c->arena, 1, sizeof(*item));
    *item =
        (struct item){.outer = outer, .word = word, .name = name, .from = from, .next = c->todo};
    item->to = skn_arena_zero(c->arena, 1, sizeof(*item->to));
    c->todo = item;
    return item->to;
}

/* --- the words ------------------------------------------------------------------------------------ */

static void read_type(struct compiler *c, const struct item *item, struct skn_value v)
{
    if (!skn_value_is(v, SKN_T_STRING)) {
        bad_value(c, item, "type", "a type");
        return;
    }
    if (!skn_schema_type_find(skn_value_as_text(v), &item->to->type))
        fault(c, item, SKN_SCHEMA_UNKNOWN_TYPE, SKN_LIT("type"), "a type");
}

static void read_minimum(struct compiler *c, const struct item *item, struct skn_value v)
{
    item->to->minimum = v;
    if (!skn_schema_is_number(v)) bad_value(c, item, "minimum", "a number");
}

static void read_maximum(struct compiler *c, const struct item *item, struct skn_value v)
{
    item->to->maximum = v;
    if (!skn_schema_is_number(v)) bad_value(c, item, "maximum", "a number");
}

static uint64_t
read_length(struct compiler *c, const struct item *item, const char *word, struct skn_value v)
{
    if (skn_value_is(v, SKN_T_INT) && skn_value_as_int(v) >= 0)
        return (uint64_t)skn_value_as_int(v);
    bad_value(c, item, word, "a whole number, not negative");
    return 0;
}

static void read_length_min(struct compiler *c, const struct item *item, struct skn_value v)
{
    item->to->length_min = read_length(c, item, "minLength", v);
}

static void read_length_max(struct compiler *c, const struct item *item, struct skn_value v)
{
    item->to->length_max = read_length(c, item, "maxLength", v);
}

static void read_pattern(struct compiler *c, const struct item *item, struct skn_value v)
{
    const char *why = NULL;
    if (!skn_value_is(v, SKN_T_STRING)) {
        bad_value(c, item, "pattern", "a text");
        return;
    }
    item->to->pattern_text = skn_value_as_text(v);
    if (c->budget->states > 0) {
        item->to->pattern = skn_pattern_compile(c->arena, item->to->pattern_text, &why);
        uint32_t states = item->to->pattern ? skn_pattern_states(item->to->pattern) : 0;
        bool is_too_many = states > c->budget->states;
        c->budget->states = is_too_many ? 0 : c->budget->states - states;
        if (is_too_many) item->to->pattern = NULL;
    }
    if (!why) why = "all of this file are too large together when repetitions are written out";
    if (!item->to->pattern)
        bad_value(c, item, "pattern", skn_arena_printf(c->arena, "a pattern (%s)", why));
}

static int by_value(const void *a, const void *b)
{
    return skn_schema_cmp(*(const struct skn_value *)a, *(const struct skn_value *)b);
}

static int by_text(const void *a, const void *b)
{
    return skn_slice_cmp(*(const struct skn_slice *)a, *(const struct skn_slice *)b);
}

static void read_enum(struct compiler *c, const struct item *item, struct skn_value v)
{
    uint32_t count = skn_value_count(v);
    if (!skn_value_is(v, SKN_T_LIST) || count == 0) {
        bad_value(c, item, "enum", "a list of at least one value");
        return;
    }
    struct skn_value *choices = skn_arena_zero(c->arena, count, sizeof(*choices));
    struct skn_value_iter iter = skn_value_iter(v);
    for (uint32_t i = 0; skn_value_next(&iter, NULL, &choices[i]);)
        i++;
    qsort(choices, count, sizeof(*choices), by_value);
    item->to->choices = choices;
    item->to->choice_count = count;
    item->to->choices_shown = v;
}

static void read_items(struct compiler *c, const struct item *item, struct skn_value v)
{
    item->to->items = push(c, item, SKN_LIT("items"), (struct skn_slice){0}, v);
}

static void read_properties(struct compiler *c, const struct item *item, struct skn_value v)
{
    uint32_t count = skn_value_count(v), i = 0;
    if (!skn_value_is(v, SKN_T_MAP)) {
        bad_value(c, item, "properties", "a mapping of names");
        return;
    }
    struct skn_schema_property *all = skn_arena_zero(c->arena, (size_t)count + 1, sizeof(*all));
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice name;
    struct skn_value inside;
    for (; skn_value_next(&iter, &name, &inside); i++)
        all[i] =
            (struct skn_schema_property){name, push(c, item, SKN_LIT("properties"), name, inside)};
    item->to->properties = all;
    item->to->property_count = count;
}

static void read_required(struct compiler *c, const struct item *item, struct skn_value v)
{
    static const char wanted[] = "names, each once";
    uint32_t count = skn_value_count(v), i = 0;
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_value name;
    if (!skn_value_is(v, SKN_T_LIST)) {
        bad_value(c, item, "required", wanted);
        return;
    }
    struct skn_slice *names = skn_arena_zero(c->arena, (size_t)count + 1, sizeof(*names));
    while (skn_value_next(&iter, NULL, &name)) {
        if (!skn_value_is(name, SKN_T_STRING)) {
            bad_value(c, item, "required", wanted);
            return;
        }
        names[i++] = skn_value_as_text(name);
    }
    qsort(names, count, sizeof(*names), by_text);
    for (i = 1; i < count; i++)
        if (skn_slice_eq(names[i - 1], names[i])) {
            bad_value(c, item, "required", wanted);
            return;
        }
    item->to->required = names;
    item->to->required_count = count;
}

/* Not told apart by type: a year is a description too. */
static void read_description(struct compiler *c, const struct item *item, struct skn_value v)
{
    if (skn_value_is(v, SKN_T_LIST) || skn_value_is(v, SKN_T_MAP))
        bad_value(c, item, "description", "a text");
}

/* --- all of a declaration ------------------------------------------------------------------------- */

enum { ANY_TYPE = 0, NUMBERS = 1, STRINGS = 2, LISTS = 4, OBJECTS = 8 };

struct word {
    const char *name;
    unsigned about; /* which types it says something about; 0: all */
    void (*take)(struct compiler *c, const struct item *item, struct skn_value v);
};

static const struct word words[] = {
    {"type", ANY_TYPE, read_type},
    {"default", ANY_TYPE, NULL},
    {"minimum", NUMBERS, read_minimum},
    {"maximum", NUMBERS, read_maximum},
    {"minLength", STRINGS, read_length_min},
    {"maxLength", STRINGS, read_length_max},
    {"pattern", STRINGS, read_pattern},
    {"enum", ANY_TYPE, read_enum},
    {"items", LISTS, read_items},
    {"required", OBJECTS, read_required},
    {"properties", OBJECTS, read_properties},
    {"description", ANY_TYPE, read_description},
};

const char *skn_schema_word(size_t index)
{
    return index < SKN_ARRAY_LEN(words) ? words[index].name : NULL;
}

static const struct word *find_word(struct skn_slice name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++)
        if (skn_slice_eq(name, skn_slice_str(words[i].name))) return &words[i];
    return NULL;
}

static unsigned about_of(enum skn_schema_type type)
{
    switch (type) {
    case SKN_SCHEMA_STRING: return STRINGS;
    case SKN_SCHEMA_INT:
    case SKN_SCHEMA_FLOAT: return NUMBERS;
    case SKN_SCHEMA_LIST: return LISTS;
    case SKN_SCHEMA_OBJECT: return OBJECTS;
    case SKN_SCHEMA_BOOL: return 16; /* none of them */
    case SKN_SCHEMA_ANY:
    case SKN_SCHEMA_FILE:
    case SKN_SCHEMA_SECRET:
    default: return NUMBERS | STRINGS | LISTS | OBJECTS;
    }
}

static void check_words(struct compiler *c, struct item *item)
{
    struct skn_value_iter iter = skn_value_iter(item->from);
    struct skn_slice name;
    struct skn_value v;
    unsigned about = about_of(item->to->type);
    while (skn_value_next(&iter, &name, &v)) {
        const struct word *word = find_word(name);
        if (!word || word->about == ANY_TYPE || (word->about & about) != 0) continue;
        const char *of = word->about == NUMBERS   ? "numbers"
                         : word->about == STRINGS ? "strings"
                         : word->about == LISTS   ? "lists"
                                                  : "objects";
        fault(c, item, SKN_SCHEMA_SAYS_NOTHING, name, of);
    }
}

static void check_bounds(struct compiler *c, const struct item *item)
{
    const struct skn_schema *to = item->to;
    if (skn_schema_is_number(to->minimum) && skn_schema_is_number(to->maximum) &&
        skn_schema_cmp(to->minimum, to->maximum) > 0)
        bad_value(c, item, "maximum", "at least the minimum");
    if (to->length_min > to->length_max) bad_value(c, item, "maxLength", "at least minLength");
}

static void read_declaration(struct compiler *c, struct item *item)
{
    *item->to = (struct skn_schema){.type = SKN_SCHEMA_ANY, .length_max = UINT64_MAX};
    if (skn_value_is(item->from, SKN_T_STRING)) {
        if (!skn_schema_type_find(skn_value_as_text(item->from), &item->to->type))
            fault(c, item, SKN_SCHEMA_UNKNOWN_TYPE, (struct skn_slice){0}, "a type");
        return;
    }
    if (!skn_value_is(item->from, SKN_T_MAP)) {
        fault(c,
              item,
              SKN_SCHEMA_BAD_VALUE,
              (struct skn_slice){0},
              "a type, or a mapping with a type");
        return;
    }
    struct skn_value_iter iter = skn_value_iter(item->from);
    struct skn_slice name;
    struct skn_value v;
    while (skn_value_next(&iter, &name, &v)) {
        const struct word *word = find_word(name);
        if (!word)
            fault(c, item, SKN_SCHEMA_UNKNOWN_WORD, name, "a word");
        else if (word->take)
            word->take(c, item, v);
        else
            item->default_value = v;
        if (!word || word->take) continue;
        item->later = c->defaults;
        c->defaults = item;
    }
    check_words(c, item);
    check_bounds(c, item);
}

/* Only once all is known: what is inside was read later. */
static void check_defaults(struct compiler *c)
{
    for (const struct item *item = c->defaults; item; item = item->later) {
        struct skn_buf why;
        skn_buf_init(&why, 1 << 16);
        uint64_t *steps = &c->budget->steps;
        if (!skn_schema_fits_within(
                item->to, (struct skn_slice){0}, item->default_value, steps, &why)) {
            const char *text = skn_buf_str(&why);
            while (*text == ':' || *text == ' ')
                text++;
            const char *wanted = skn_arena_printf(c->arena, "one that fits (%s)", text);
            bad_value(c, item, "default", wanted);
        }
        skn_buf_fini(&why);
    }
}

const struct skn_schema *skn_schema_compile(struct skn_arena *arena,
                                            struct skn_value declaration,
                                            skn_schema_fault_fn fn,
                                            void *ctx)
{
    struct skn_schema_budget budget = SKN_SCHEMA_BUDGET;
    return skn_schema_compile_within(arena, declaration, &budget, fn, ctx);
}

const struct skn_schema *skn_schema_compile_within(struct skn_arena *arena,
                                                   struct skn_value declaration,
                                                   struct skn_schema_budget *budget,
                                                   skn_schema_fault_fn fn,
                                                   void *ctx)
{
    struct compiler c = {.arena = arena, .budget = budget, .fn = fn, .ctx = ctx};
    const struct skn_schema *schema =
        push(&c, NULL, (struct skn_slice){0}, (struct skn_slice){0}, declaration);
    struct skn_schema *outermost = c.todo->to;
    while (c.todo) {
        struct item *item = c.todo;
        c.todo = item->next;
        read_declaration(&c, item);
        outermost->types_inside |= (uint16_t)(1u << item->to->type);
    }
    if (!c.has_faults) check_defaults(&c);
    return c.has_faults ? NULL : schema;
}

bool skn_schema_has(const struct skn_schema *schema, enum skn_schema_type type)
{
    return (schema->types_inside >> type & 1) != 0;
}
