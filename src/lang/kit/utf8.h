/* utf8.h - one character at a time out of text that may be malformed.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. A step is always at least one byte, so that a walk over any bytes ends.
 */
#pragma once

#include "base/slice.h"

#define SKN_UTF8_BAD UINT32_MAX

struct skn_utf8 {
    uint32_t point; /* SKN_UTF8_BAD when the byte begins no well-formed character */
    uint32_t len;   /* bytes; 1 for a bad one */
};

/* The character at `at` (< text.len). Overlong forms, surrogates and points above U+10FFFF are bad
 * (Unicode 15, table 3-7). */
struct skn_utf8 skn_utf8_next(struct skn_slice text, size_t at);

/* Columns of a terminal that a character takes: 0, 1 or 2. A tab counts 1. */
uint32_t skn_utf8_width(uint32_t point);

/* Writes 1 to 4 bytes and returns how many; `point` is a scalar value. */
uint32_t skn_utf8_put(uint8_t out[4], uint32_t point);
