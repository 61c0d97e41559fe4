/* record.h - what the journal keeps of one batch [E3].
 *
 * Owns        nothing: the slices are the caller's.
 * May include base.
 * Threads     any.
 *
 * The core fills everything but the chain: the hash of the record before it in its shard is the
 * journal's to write and to check.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct skn_record {
    uint32_t shard;
    uint32_t limits;   /* version of the limits it was made under */
    uint64_t index;    /* in its shard, from 1, without a gap */
    uint64_t term;     /* the epoch that made it */
    uint64_t stamp;    /* greater than that of the record before it */
    uint64_t state_lo; /* the shard's state hash after it, modulo 2^128 [E44] */
    uint64_t state_hi;
    uint64_t module;          /* hash of the program that handled the message; 0: none did */
    struct skn_slice message; /* the key of its row, or itself where it never was one */
    struct skn_slice batch;   /* row operations, as store.h draws them */
};
