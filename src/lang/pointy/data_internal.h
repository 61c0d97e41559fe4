/* data_internal.h - what is known of results: what `previous` can be on each path [F13] [F16] [F17].
 *
 * Owns        its arrays (skn_flow_data_fini).
 * May include base, lang/kit.
 * Threads     none.
 * Invariants
 *   1. A shape is a union: everything that may come is in it. What is not sure is "anything", so that
 *      there are fewer errors and never a wrong one.
 *   2. Shapes stand in a table, and a unit has the number of its own: a text of a million units has
 *      few different ones.
 */
#pragma once

#include "lang/pointy/scope_internal.h"

/* More possible givers than this are taken as "anything". */
enum { SKN_GIVERS_MAX = 4 };

struct skn_shape {
    bool is_anything;
    bool may_be_null;
    bool may_be_list;
    bool is_run;     /* the run's own input: an object with the names of @input */
    uint8_t scalars; /* 1 << enum skn_type of what else it may be */
    uint8_t count;
    uint32_t events[SKN_GIVERS_MAX]; /* whose outputs it may be */
    uint32_t item;                   /* the shape of the elements where it is a list */
};

/* The numbers of shapes that are always there. */
enum { SKN_SHAPE_NULL, SKN_SHAPE_ANYTHING, SKN_SHAPE_FIRST_FREE };

struct skn_flow_data {
    struct skn_pty *b;
    struct skn_scopes scopes;
    struct skn_shape *shapes;
    uint32_t shape_count, shape_cap;
    uint32_t recent[1024]; /* by hash: where an equal one may be */
    uint32_t *result;      /* of a unit, its branches included */
    uint32_t *in;          /* what is piped into a step */
    uint32_t *undone; /* of a unit with `compensate`: its own result, or null; NULL without any */
};

/* Finds all of it. */
void skn_flow_data_init(struct skn_flow_data *data, struct skn_pty *b);
void skn_flow_data_fini(struct skn_flow_data *data);

static inline const struct skn_shape *skn_shape_at(const struct skn_flow_data *data, uint32_t shape)
{
    return &data->shapes[shape];
}

/* The output of this name of an event that may have given it, or NULL. */
const struct skn_field *
skn_shape_output(const struct skn_pty *b, uint32_t event, struct skn_slice name);

/* What a shape is, for people, when nothing in it fits a type: "Fetch gives an object"; NULL when
 * something in it may fit. */
const char *skn_shape_misfit(const struct skn_pty *b,
                             const struct skn_shape *shape,
                             const struct skn_field *wanted);
