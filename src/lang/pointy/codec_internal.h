/* codec_internal.h - what writing and reading the stored form share; encode.c draws it.
 *
 * Owns        nothing.
 * May include base, value, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/pointy/pointy.h"

/* Raised when the form changes; a reader refuses a level above its own, and reads those below.
 *   1  without the words of fields [F31]
 *   2  without slots and binds: those of the run's inputs follow from the names
 *   3  without rules and outcomes
 *   4  this one */
enum { SKN_GRAPH_LEVEL = 4 };

/* Which rules there are. */
enum {
    SKN_RULES_DEADLINE = 1,
    SKN_RULES_JITTER = 2,
    SKN_RULES_EVALUATE = 4,
    SKN_RULES_FAILS_FAST = 8,
    SKN_RULES_KEEPS_REST = 16,
    SKN_RULES_CONTINUES = 32,
    SKN_RULES_RETRY_ON = 64,
    SKN_RULES_NO_RETRY_ON = 128,
};
unsigned skn_rules_bits(const struct skn_graph_rules *rules);

/* A name, or a digit above those of failure and success [F10]. */
bool skn_is_outcome(struct skn_slice text);

/* The binds of a graph whose form had none. */
void skn_graph_bind_inputs(struct skn_arena *arena,
                           struct skn_graph *graph,
                           struct skn_graph_unit *units);

/* What is wrong with the binds of a graph, or NULL. */
const char *skn_graph_binds_fault(const struct skn_graph *graph);

/* The words of a field; NULL when they are none. */
const struct skn_schema *skn_words_compile(struct skn_arena *arena, struct skn_slice words);
