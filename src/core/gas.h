/* gas.h - what a slice is charged, by rule: the same on every machine and in every build.
 *
 * Owns        the table below.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. The gas of a slice depends on the same things as its batch (P4): a slice that is over its
 *      budget is so everywhere. The rebuilt handling of [E24] compares gas too.
 *   2. Only the attempt that counts is charged: one that was abandoned because the store answers
 *      later costs nothing [E13]. What `wake` reads costs nothing either, or a warm domain would
 *      have more gas than a cold one.
 *
 * One gas is about 5 ns of a core on the machine that the table was measured on. It is a unit, not a
 * promise: nothing reads a clock. A change here is a change of the limits (P4): it
 * raises their version (limits.c).
 *
 * What a slice is charged for:
 *   | what                              | gas                                              |
 *   |-----------------------------------|--------------------------------------------------|
 *   | a message handled                 | SLICE                                            |
 *   | a row looked up                   | READ, and 1 for each 64 bytes of its value       |
 *   | a row sought in key order         | SCAN for each row or deletion stepped over, and  |
 *   |                                   | 1 for each 64 bytes of the value found           |
 *   | a row put or deleted              | WRITE, and 1 for each 16 bytes of key and value  |
 *   | a message sent                    | MESSAGE, and its rows as above                   |
 *   | an intent started or cancelled,   | INTENT, and its rows as above                    |
 *   | a further attempt                 |                                                  |
 *   | a timer set                       | TIMER, and its rows as above                     |
 *   | an answer, a signal               | OUTPUT, and 1 for each 16 bytes of it            |
 *   | a random number, a key            | HMAC                                             |
 *   | secrets of a value sealed, opened | HMAC, and 1 for each 16 bytes of the value       |
 *   | what a program computes           | what it says by skn_cx_charge                    |
 * Bytes are rounded up.
 */
#pragma once

#include "base/base.h"

enum {
    SKN_GAS_SLICE = 50,
    SKN_GAS_READ = 10,
    SKN_GAS_SCAN = 20,
    SKN_GAS_WRITE = 20,
    SKN_GAS_MESSAGE = 50,
    SKN_GAS_INTENT = 100,
    SKN_GAS_TIMER = 20,
    SKN_GAS_OUTPUT = 20,
    SKN_GAS_HMAC = 100,

    SKN_GAS_READ_BYTES = 64, /* bytes for one gas */
    SKN_GAS_WRITE_BYTES = 16,
};

static inline uint64_t skn_gas_of_read(size_t bytes)
{
    return (bytes + SKN_GAS_READ_BYTES - 1) / SKN_GAS_READ_BYTES;
}

static inline uint64_t skn_gas_of_write(size_t bytes)
{
    return (bytes + SKN_GAS_WRITE_BYTES - 1) / SKN_GAS_WRITE_BYTES;
}
