/* suggest.h - the nearest known name, for "did you mean ..?".
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/slice.h"

struct skn_suggest {
    struct skn_slice wanted;
    struct skn_slice best; /* empty while nothing is near enough */
    uint32_t distance;
};

/* Offer the candidates one by one, in any order that is the same every time, then read `best`. A
 * name is near when at most a third of the wanted one's characters (at least one) must be typed,
 * deleted, changed or swapped with their neighbour; capitals count as the same letter. */
void skn_suggest_init(struct skn_suggest *suggest, struct skn_slice wanted);
void skn_suggest_offer(struct skn_suggest *suggest, struct skn_slice candidate);

/* The nearest of an array of C strings. */
struct skn_slice skn_suggest_among(struct skn_slice wanted, const char *const *names, size_t count);
