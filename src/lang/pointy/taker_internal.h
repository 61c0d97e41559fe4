/* taker_internal.h - a place at which inputs are taken: a unit, a child of a call, a compensation.
 *
 * Owns        nothing.
 * May include base, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/pointy/data_internal.h"

/* What a task is given besides its options, and how messages name it. */
struct skn_taker {
    const struct skn_flow_data *d;
    uint32_t unit;
    struct skn_slice who;
    struct skn_span span;
    bool piped;
    uint32_t in;    /* the shape of `previous` */
    bool has_item;  /* it is a child: "item" is what `previous` is */
    bool has_items; /* of MAP with size: "items" is */
    bool has_accumulator;
};

/* One child of a call over a list: an item, whose shape is known where the list was made here. */
struct skn_taker skn_place_child(const struct skn_flow_data *d, uint32_t id, enum skn_call call);

/* MAP, FILTER and REDUCE. */
bool skn_call_is_over_list(enum skn_call call);

/* Whether an option of this name stands at a unit. */
bool skn_pty_has_option(const struct skn_pty *b, uint32_t unit, struct skn_slice name);

/* The @input of this name, or NULL. */
const struct skn_field *skn_pty_run_input(const struct skn_pty *b, struct skn_slice name);

/* The input of this name of a unit's event, or NULL; of SKN_GRAPH_NONE none. */
const struct skn_field *
skn_pty_input_of(const struct skn_pty *b, uint32_t unit, struct skn_slice name);

/* "${..}" in the options of a unit, or in @concurrency-key for SKN_GRAPH_NONE: named, and no secret. */
void skn_check_templates(const struct skn_flow_data *d, uint32_t unit);

/* A result that may hold a secret is never kept for another run [F22]. */
void skn_check_cache(struct skn_pty *b, uint32_t unit);
