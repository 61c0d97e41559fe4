/* rng.h - random numbers from a seed: the same seed gives the same numbers on every machine.
 *
 * Owns        nothing; the state is the caller's.
 * May include base.
 * Threads     none: a generator belongs to whoever holds it.
 * Invariants
 *   1. The sequence of a seed never changes: seeds are stored in tests and simulations.
 *   2. Good for simulation and jitter, never for a secret: a few outputs give the state away.
 */
#pragma once

#include "base/base.h"

struct skn_rng {
    uint64_t s[4]; /* never all 0 */
};

/* Any seed will do, 0 too. */
void skn_rng_init(struct skn_rng *rng, uint64_t seed);

/* All 64 bits. xoshiro256** 1.0 (Blackman and Vigna 2018). */
uint64_t skn_rng_u64(struct skn_rng *rng);

/* 0 .. n - 1, each as likely as the others; n > 0. */
uint64_t skn_rng_below(struct skn_rng *rng, uint64_t n);

/* low .. high, both included; low <= high. */
uint64_t skn_rng_range(struct skn_rng *rng, uint64_t low, uint64_t high);

/* True in `num` of `den` cases; den > 0. */
bool skn_rng_chance(struct skn_rng *rng, uint64_t num, uint64_t den);

/* Fills `len` bytes. */
void skn_rng_bytes(struct skn_rng *rng, void *out, size_t len);

/* One step of splitmix64 (Steele, Lea and Flood 2014): spreads a seed over several words. */
uint64_t skn_splitmix64(uint64_t *state);
