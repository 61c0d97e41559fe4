/* bignum.c - whole numbers in words of 32 bits, lowest first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/bignum_internal.h"

#include "base/pure.h"

static void push(struct skn_big *n, uint32_t word)
{
    if (word == 0) return;
    SKN_ASSERT(n->len < BIG_WORDS);
    n->words[n->len++] = word;
}

void skn_big_set(struct skn_big *n, uint64_t value)
{
    n->words[0] = (uint32_t)value;
    n->words[1] = (uint32_t)(value >> 32);
    n->len = n->words[1] != 0 ? 2 : n->words[0] != 0;
}

void skn_big_mul_add(struct skn_big *n, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (uint32_t i = 0; i < n->len; i++) {
        carry += (uint64_t)n->words[i] * factor;
        n->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    push(n, (uint32_t)carry);
}

void skn_big_mul_pow5(struct skn_big *n, uint32_t power)
{
    for (; power >= 13; power -= 13)
        skn_big_mul_add(n, 1220703125, 0); /* 5^13, the largest in a word */
    uint32_t rest = 1;
    for (; power > 0; power--)
        rest *= 5;
    skn_big_mul_add(n, rest, 0);
}

void skn_big_shift_left(struct skn_big *n, uint32_t bits)
{
    uint32_t words = bits / 32;
    bits %= 32;
    if (n->len == 0) return;
    SKN_ASSERT(n->len + words < BIG_WORDS);
    uint32_t high = bits == 0 ? 0 : n->words[n->len - 1] >> (32 - bits);
    for (uint32_t i = n->len; i > 0; i--) {
        uint32_t low = i > 1 && bits > 0 ? n->words[i - 2] >> (32 - bits) : 0;
        n->words[i - 1 + words] = n->words[i - 1] << bits | low;
    }
    for (uint32_t i = 0; i < words; i++)
        n->words[i] = 0;
    n->len += words;
    push(n, high);
}

int skn_big_cmp(const struct skn_big *a, const struct skn_big *b)
{
    if (a->len != b->len) return a->len < b->len ? -1 : 1;
    for (uint32_t i = a->len; i > 0; i--)
        if (a->words[i - 1] != b->words[i - 1]) return a->words[i - 1] < b->words[i - 1] ? -1 : 1;
    return 0;
}

void skn_big_add(struct skn_big *a, const struct skn_big *b)
{
    uint64_t carry = 0;
    while (a->len < b->len)
        a->words[a->len++] = 0;
    for (uint32_t i = 0; i < a->len; i++) {
        carry += (uint64_t)a->words[i] + (i < b->len ? b->words[i] : 0);
        a->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    push(a, (uint32_t)carry);
}

void skn_big_sub(struct skn_big *a, const struct skn_big *b)
{
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < a->len; i++) {
        uint64_t take = (i < b->len ? b->words[i] : 0) + borrow;
        borrow = a->words[i] < take;
        a->words[i] = (uint32_t)(a->words[i] - take);
    }
    SKN_ASSERT(borrow == 0);
    while (a->len > 0 && a->words[a->len - 1] == 0)
        a->len--;
}

uint32_t skn_big_bits(const struct skn_big *n)
{
    if (n->len == 0) return 0;
    return n->len * 32 - (uint32_t)__builtin_clz(n->words[n->len - 1]);
}
