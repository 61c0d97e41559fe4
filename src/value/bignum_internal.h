/* bignum_internal.h - whole numbers large enough for every real, without an allocation. */
#pragma once

#include "base/base.h"

/* 4,000 bits: 780 digits over 5^1125 (reading) and 2^1130 (printing) stay below it. */
enum { BIG_WORDS = 125 };

struct skn_big {
    uint32_t len; /* words in use; the highest is not 0 */
    uint32_t words[BIG_WORDS];
};

void skn_big_set(struct skn_big *n, uint64_t value);
void skn_big_mul_add(struct skn_big *n, uint32_t factor, uint32_t add);
void skn_big_mul_pow5(struct skn_big *n, uint32_t power);
void skn_big_shift_left(struct skn_big *n, uint32_t bits);
int skn_big_cmp(const struct skn_big *a, const struct skn_big *b);
void skn_big_add(struct skn_big *a, const struct skn_big *b);
void skn_big_sub(struct skn_big *a, const struct skn_big *b); /* a >= b */
uint32_t skn_big_bits(const struct skn_big *n);               /* 0 for 0 */
