/* real.h - reals from decimal text and back, exactly, the same on every machine.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any; nothing here has state.
 * Invariants
 *   1. Reading rounds to nearest, ties to even, whatever the number of digits.
 *   2. Printing gives the fewest digits that read back as the same real; of those the nearest.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/rc.h"
#include "base/slice.h"

enum { SKN_REAL_DIGITS_MAX = 17 };

/* Reads [+-]digits[.digits][(e|E)[+-]digits], nothing else, to its end. SKN_ESYNTAX: it is not
 * that. SKN_ETOOLARGE: larger than the largest finite real. Too small gives 0; -0 gives 0.0. */
SKN_MUST_USE enum skn_rc skn_real_parse(struct skn_slice text, double *out_real);

/* The shortest digits: d.ddd x 10^exp10, without zeros at their end. Zero is one digit 0. */
struct skn_real_digits {
    char digits[SKN_REAL_DIGITS_MAX];
    uint8_t count;
    bool is_negative;
    int exp10;
};

/* `r` is finite. */
struct skn_real_digits skn_real_digits(double r);

/* As JSON has it, always recognisable as a real: 1.0, 0.1, 1e21, 1.5e-7. Plain from 1e-6 to below
 * 1e21, else with an exponent. `r` is finite. */
void skn_real_print(double r, struct skn_buf *out);
