/* schema_internal.h - a compiled declaration.
 *
 * Owns        nothing; everything lives in the arena it was compiled into.
 * May include base, value, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/kit/pattern.h"
#include "lang/kit/schema.h"

struct skn_schema_property {
    struct skn_slice name;
    const struct skn_schema *schema;
};

struct skn_schema {
    enum skn_schema_type type;
    uint16_t types_inside;             /* bits of itself and of all that is inside */
    struct skn_value minimum, maximum; /* none: no bound */
    uint64_t length_min, length_max;   /* length_max UINT64_MAX: no bound */
    const struct skn_pattern *pattern; /* or NULL */
    struct skn_slice pattern_text;
    const struct skn_value *choices; /* sorted by skn_schema_cmp; NULL: no enum */
    uint32_t choice_count;
    struct skn_value choices_shown;               /* as they were written */
    const struct skn_schema *items;               /* or NULL */
    const struct skn_schema_property *properties; /* sorted by name */
    uint32_t property_count;
    const struct skn_slice *required; /* sorted, each once */
    uint32_t required_count;
};

static inline bool skn_schema_is_number(struct skn_value v)
{
    return skn_value_is(v, SKN_T_INT) || skn_value_is(v, SKN_T_REAL);
}

/* Numbers by size, an int exactly against a real; everything else as skn_value_cmp has it. */
int skn_schema_cmp(struct skn_value a, struct skn_value b);
