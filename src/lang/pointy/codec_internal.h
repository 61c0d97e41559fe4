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
 *   2  this one */
enum { SKN_GRAPH_LEVEL = 2 };

/* The words of a field; NULL when they are none. */
const struct skn_schema *skn_words_compile(struct skn_arena *arena, struct skn_slice words);
