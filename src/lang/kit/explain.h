/* explain.h - what each diagnostic means, with a wrong and a right example (explain_map.h).
 *
 * Owns        the table.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "base/buf.h"
#include "lang/kit/codes.h"

enum skn_explain_where { SKN_EXPLAIN_LONE, SKN_EXPLAIN_FLOW, SKN_EXPLAIN_EVENT };

struct skn_explanation {
    enum skn_explain_where where; /* what the examples are: see explain_map.h */
    const char *what;
    const char *why;
    const char *wrong;
    const char *right;
};

/* Every code has one. */
const struct skn_explanation *skn_explain(enum skn_code code);

/* The code of a name: "SKN-P106", or without the SKN-, in any case. False: there is none. */
bool skn_code_find(struct skn_slice name, enum skn_code *out_code);

/* The example as it is compiled: DEEP and MANY are written out. */
void skn_explain_example(const char *example, struct skn_buf *out);

/* All of it as text for people. */
void skn_explain_render(enum skn_code code, struct skn_buf *out);
