/* bignum_internal.h - whole numbers large enough for every real, without an allocation. */
#pragma once

#include "base/base.h"

/* 4,000 bits: 780 digits over 5^1125 (reading) and 2^1130 (printing) stay below it. */
enum { BIG_WORDS = 125 };

struct big {
    uint32_t len; /* words in use; the highest is not 0 */
    uint32_t words[BIG_WORDS];
};

void big_set(struct big *n, uint64_t value);
void big_mul_add(struct big *n, uint32_t factor, uint32_t add);
void big_mul_pow5(struct big *n, uint32_t power);
void big_shift_left(struct big *n, uint32_t bits);
int big_cmp(const struct big *a, const struct big *b);
void big_add(struct big *a, const struct big *b);
void big_sub(struct big *a, const struct big *b); /* a >= b */
uint32_t big_bits(const struct big *n);           /* 0 for 0 */
