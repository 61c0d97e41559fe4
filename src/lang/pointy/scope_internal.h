/* scope_internal.h - variables: which group has them, who sets them, who may read them [F19].
 *
 * Owns        its array (skn_scopes_fini). Names live as long as the compilation.
 * May include base, lang/kit.
 * Threads     none.
 * Invariants
 *   1. A scope is bodies[0] or the body of a group; what stands in a branch belongs to the scope of
 *      the branch's unit.
 *   2. Variables are in order of scope, name and unit.
 */
#pragma once

#include "lang/pointy/build_internal.h"

/* A name that a unit exports into a scope. */
struct skn_variable {
    uint32_t body; /* the scope */
    struct skn_slice name;
    uint32_t unit;                 /* that sets it */
    uint32_t slot;                 /* in the scope, by the order of the first unit that sets it */
    const struct skn_field *field; /* the output that it is, or NULL */
    bool may_be_secret;            /* it is one, or a group hands one out */
};

struct skn_scopes {
    const struct skn_pty *b;
    struct skn_variable *at;
    uint32_t count, cap;
};

void skn_scopes_init(struct skn_scopes *scopes, const struct skn_pty *b);
void skn_scopes_fini(struct skn_scopes *scopes);

/* The scope of what a body holds. */
uint32_t skn_scope_of(const struct skn_syntax *tree, uint32_t body);

/* The scope around a scope, or SKN_GRAPH_NONE. */
uint32_t skn_scope_around(const struct skn_syntax *tree, uint32_t scope);

/* The variable of this name in `scope` that may have been set before `unit` starts, or NULL. */
const struct skn_variable *skn_scopes_in(const struct skn_scopes *scopes,
                                         uint32_t scope,
                                         uint32_t unit,
                                         struct skn_slice name);

/* The first variable of this name that something in the scope sets at all, or NULL. */
const struct skn_variable *
skn_scopes_inside(const struct skn_scopes *scopes, uint32_t scope, struct skn_slice name);

/* Calls back for every variable of this name that may have been set before `unit` starts, from the
 * scope of the unit outward, until `fn` says true. Ends at a scope in which one surely has been set.
 * True: what is farther out, and the run's input at last, is not reached. The variable is lent for
 * the call; without a field it may be anything. */
typedef bool (*skn_variable_fn)(void *ctx, const struct skn_variable *variable);
bool skn_scopes_each(const struct skn_scopes *scopes,
                     uint32_t unit,
                     struct skn_slice name,
                     skn_variable_fn fn,
                     void *ctx);

/* Calls back for every name that a unit exports; `field` may be NULL. */
typedef void (*skn_export_fn)(void *ctx,
                              uint32_t unit,
                              struct skn_slice name,
                              const struct skn_field *field);
void skn_pty_exports(const struct skn_pty *b, uint32_t unit, skn_export_fn fn, void *ctx);
