/* scope_internal.h - variables: which group has them, who sets them, who may read them [F19].
 *
 * Owns        its array (skn_scopes_fini). Names live as long as the compilation.
 * May include base, lang/kit.
 * Threads     none.
 * Invariants
 *   1. A scope is bodies[0] or the body of a group; what stands in a branch belongs to the scope of
 *      the branch's unit.
 *   2. Variables are in order of name, scope and unit; those of one name in one scope are a run.
 *   3. Scopes around each other that set the same name are at most SKN_SCOPES_AROUND_MAX, else the flow
 *      is refused (skn_check_scopes): who looks for a name looks at no more of them.
 */
#pragma once

#include "lang/pointy/build_internal.h"

enum { SKN_SCOPES_AROUND_MAX = 16 };

/* A name that a unit exports into a scope. */
struct skn_variable {
    uint32_t body; /* the scope */
    struct skn_slice name;
    uint32_t unit;                 /* that sets it */
    uint32_t slot;                 /* in the scope, by the order of the first unit that sets it */
    const struct skn_field *field; /* the output that it is, or NULL */
    bool may_be_secret;            /* it is one, or a group hands one out */
    bool may_be_secret_behind;     /* it, or one behind it in its run */
    /* Of the first of a run: that of the same name in the nearest scope around, or SKN_GRAPH_NONE; and
     * how many there are, with its own. */
    uint32_t outer;
    uint32_t depth;
};

struct skn_scopes {
    const struct skn_pty *b;
    struct skn_variable *at;
    uint32_t count, cap;
    uint32_t *last_inside; /* by body: the last one in it; NULL without variables */
};

void skn_scopes_init(struct skn_scopes *scopes, const struct skn_pty *b);
void skn_scopes_fini(struct skn_scopes *scopes);

/* Scopes too many around each other, and groups that export what nothing in them sets. */
void skn_check_scopes(struct skn_pty *b, const struct skn_scopes *scopes);

/* The scope of what a body holds. */
uint32_t skn_scope_of(const struct skn_syntax *tree, uint32_t body);

/* The scope around a scope, or SKN_GRAPH_NONE. */
uint32_t skn_scope_around(const struct skn_syntax *tree, uint32_t scope);

/* The run of this name in the innermost scope that has it, from `scope` on outward, or SKN_GRAPH_NONE;
 * from there `outer` goes on. */
uint32_t skn_scopes_find(const struct skn_scopes *scopes, uint32_t scope, struct skn_slice name);

/* The variable of a run that may have been set before `unit` starts, or NULL. */
const struct skn_variable *
skn_scopes_before(const struct skn_scopes *scopes, uint32_t run, uint32_t unit);

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

/* The same for every variable of the run, set or not. True: `fn` did. */
bool skn_scopes_all(const struct skn_scopes *scopes,
                    struct skn_slice name,
                    skn_variable_fn fn,
                    void *ctx);

/* Calls back for every name that a unit exports; `field` may be NULL. */
typedef void (*skn_export_fn)(void *ctx,
                              uint32_t unit,
                              struct skn_slice name,
                              const struct skn_field *field);
void skn_pty_exports(const struct skn_pty *b, uint32_t unit, skn_export_fn fn, void *ctx);
