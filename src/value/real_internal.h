/* real_internal.h - decimal text taken apart, between the number parts of this module. */
#pragma once

#include "base/base.h"
#include "base/slice.h"

__extension__ typedef unsigned __int128 wide;

enum { POW5_WORD_MAX = 27 }; /* 5^27 is the largest in 64 bits */
extern const uint64_t skn_pow5_word[POW5_WORD_MAX + 1];

/* Significant digits d.ddd x 10^exp10_first; a point may stand among them. */
struct skn_decimal {
    const uint8_t *first; /* not '0' nor '.' */
    const uint8_t *last;  /* behind the last digit that is not 0 */
    size_t count;         /* digits between; 0 for zero */
    uint64_t word;        /* they, when at most 19 */
    int exp10_first;      /* power of ten of the first digit, held within a million */
};

/* Reads digits[.digits][(e|E)[+-]digits] as far as it goes; 0 when it does not begin so. Borrows
 * from `text`. */
size_t skn_decimal_read(struct skn_slice text, struct skn_decimal *out_decimal);

/* The nearest real, ties to even; an infinity when there is none. */
double skn_decimal_real(const struct skn_decimal *d);
