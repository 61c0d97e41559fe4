/* schema.h - what a value must be: the words of JSON Schema that declarations take [F31].
 *
 * Owns        nothing; a schema lives in the arena it was compiled into and does not change.
 * May include base, value.
 * Threads     any.
 * Invariants
 *   1. The first thing that is wrong is named by its path, in the order of the value:
 *      "/order/items/3/price: must be at most 100". A path is a JSON pointer (RFC 6901), and behind
 *      a secret it ends: what is said never shows a part of the value.
 *   2. The work is bounded by rule, not by the clock: SKN_SCHEMA_STEPS_MAX steps for one value, so
 *      that every machine says the same.
 *   3. No recursion.
 *
 *   type        string int float bool list object any file secret; an int is a float too
 *   minimum maximum        of numbers, compared exactly
 *   minLength maxLength    of strings, in characters
 *   pattern                of strings, lang/kit/pattern.h
 *   enum                   numbers are compared as numbers, all else as values
 *   items                  what each element of a list must be: a declaration, or a type
 *   properties             the same for keys of an object; other keys may be there
 *   required               keys that must be there
 *   default description    say nothing about values; a default must fit
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "value/value.h"

/* About a third of a second of the slowest work, which is matching patterns. */
#define SKN_SCHEMA_STEPS_MAX (UINT64_C(1) << 26)

/* What is taken from while a whole file is read: half a MiB of states of its patterns, and the work of
 * one value for all of its defaults. */
struct skn_schema_budget {
    uint32_t states;
    uint64_t steps;
};

#define SKN_SCHEMA_STATES_MAX (UINT32_C(1) << 16)
#define SKN_SCHEMA_BUDGET \
    ((struct skn_schema_budget){.states = SKN_SCHEMA_STATES_MAX, .steps = SKN_SCHEMA_STEPS_MAX})

enum skn_schema_type {
    SKN_SCHEMA_STRING,
    SKN_SCHEMA_INT,
    SKN_SCHEMA_FLOAT,
    SKN_SCHEMA_BOOL,
    SKN_SCHEMA_LIST,
    SKN_SCHEMA_OBJECT,
    SKN_SCHEMA_ANY,
    SKN_SCHEMA_FILE, /* any value: what a file is, is the caller's part */
    SKN_SCHEMA_SECRET,
};

/* The type of a name. */
bool skn_schema_type_find(struct skn_slice name, enum skn_schema_type *out_type);

/* The words by index, NULL behind the last: for suggestions. */
const char *skn_schema_word(size_t index);

enum skn_schema_fault {
    SKN_SCHEMA_BAD_VALUE,    /* `wanted`: what the value of the word must be */
    SKN_SCHEMA_UNKNOWN_WORD, /* the last part of the path is it */
    SKN_SCHEMA_UNKNOWN_TYPE,
    SKN_SCHEMA_SAYS_NOTHING, /* a warning: the word is not about this type; `wanted`: of what it is */
};

/* `path` is where it is in the declaration, from outside in: words, names of properties. */
typedef void (*skn_schema_fault_fn)(void *ctx,
                                    enum skn_schema_fault fault,
                                    const struct skn_slice *path,
                                    uint32_t path_count,
                                    const char *wanted);

struct skn_schema;

/* A declaration is a map of words or the name of a type. Everything that is wrong with it is told;
 * NULL then, warnings aside. Keeps slices of `declaration`, which must live as long as the arena. */
const struct skn_schema *skn_schema_compile(struct skn_arena *arena,
                                            struct skn_value declaration,
                                            skn_schema_fault_fn fn,
                                            void *ctx);

/* The same for one of several declarations, which share a budget. */
const struct skn_schema *skn_schema_compile_within(struct skn_arena *arena,
                                                   struct skn_value declaration,
                                                   struct skn_schema_budget *budget,
                                                   skn_schema_fault_fn fn,
                                                   void *ctx);

/* Whether a file or a secret is declared anywhere in it. */
bool skn_schema_has(const struct skn_schema *schema, enum skn_schema_type type);

/* Whether a value fits. When not, what is wrong is appended to `out_why`, which may be NULL; the
 * path begins with `name`. */
bool skn_schema_fits(const struct skn_schema *schema,
                     struct skn_slice name,
                     struct skn_value value,
                     struct skn_buf *out_why);

/* The same for one of several values; takes what it costs from `steps`. */
bool skn_schema_fits_within(const struct skn_schema *schema,
                            struct skn_slice name,
                            struct skn_value value,
                            uint64_t *steps,
                            struct skn_buf *out_why);
