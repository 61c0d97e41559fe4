/* hash.h - a keyed hash of bytes, for tables in memory only.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. Never stored, never sent: it differs between processes, because its key does.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

/* SipHash (Aumasson and Bernstein 2012) with `compress` rounds per 8 bytes and `finish` at the end.
 * Who does not know the key cannot make keys collide. */
uint64_t skn_siphash(
    struct skn_slice bytes, uint64_t key0, uint64_t key1, unsigned compress, unsigned finish);

/* SipHash-1-3: the one for tables; half the rounds of the paper's 2-4, as Python and Rust use it. */
uint64_t skn_hash(struct skn_slice bytes, uint64_t key0, uint64_t key1);
