/* pattern.h - regular expressions without a bad case: the word `pattern` of declarations [F31].
 *
 * Owns        nothing; a pattern lives in the arena it was compiled into and does not change.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. Time is at most text x states, whatever the pattern: all ways are walked together (Thompson
 *      1968), there is no way back. Both are bounded, and the steps are counted and can be spent,
 *      so that every machine gives up at the same place.
 *   2. No recursion.
 *
 * What can be written, as in JSON Schema (ECMA-262), and nothing else:
 *   x  .  [a-z] [^a-z]  \d \D \w \W \s \S \n \r \t \f \v \uXXXX, and \ before punctuation
 *   ^  $                 the beginning and the end of the whole text
 *   (..)  (?:..)  a|b    * + ?  {2}  {2,}  {2,5}
 * It fits when it matches anywhere. Characters are those of Unicode; a byte that is none matches
 * only "." and sets that leave something out. \w, \d and \s are of ASCII.
 */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

enum {
    SKN_PATTERN_BYTES_MAX = 1024,
    SKN_PATTERN_STATES_MAX = 2048, /* after {m,n} is written out */
    SKN_PATTERN_DEPTH_MAX = 64,    /* groups inside each other */
};

struct skn_pattern;

/* NULL: `out_why` says what is wrong, as the end of a sentence: "the group at 3 has no end". */
const struct skn_pattern *
skn_pattern_compile(struct skn_arena *arena, struct skn_slice text, const char **out_why);

/* How many states it has, which is what it takes of memory: 8 bytes each. */
uint32_t skn_pattern_states(const struct skn_pattern *pattern);

enum skn_pattern_result { SKN_PATTERN_NO, SKN_PATTERN_YES, SKN_PATTERN_SPENT };

/* Takes what it costs from `steps`; SPENT: there were not enough. Needs no memory of its own. */
enum skn_pattern_result
skn_pattern_match(const struct skn_pattern *pattern, struct skn_slice text, uint64_t *steps);
