/* rng.c - xoshiro256** seeded by splitmix64. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

uint64_t skn_splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void skn_rng_init(struct skn_rng *rng, uint64_t seed)
{
    /* Four outputs in a row are never all 0, because splitmix64 gives each number once. */
    for (size_t i = 0; i < SKN_ARRAY_LEN(rng->s); i++)
        rng->s[i] = skn_splitmix64(&seed);
}

static uint64_t rotate(uint64_t n, unsigned by)
{
    return n << by | n >> (64 - by);
}

uint64_t skn_rng_u64(struct skn_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t skn_rng_below(struct skn_rng *rng, uint64_t n)
{
    SKN_ASSERT(n > 0);
    /* 2^64 mod n numbers at the bottom are one too many for some remainders: draw again. */
    uint64_t surplus = (0 - n) % n;
    uint64_t r = skn_rng_u64(rng);
    while (r < surplus)
        r = skn_rng_u64(rng);
    return r % n;
}

uint64_t skn_rng_range(struct skn_rng *rng, uint64_t low, uint64_t high)
{
    SKN_ASSERT(low <= high);
    if (high - low == UINT64_MAX) return skn_rng_u64(rng);
    return low + skn_rng_below(rng, high - low + 1);
}

bool skn_rng_chance(struct skn_rng *rng, uint64_t num, uint64_t den)
{
    return skn_rng_below(rng, den) < num;
}

void skn_rng_bytes(struct skn_rng *rng, void *out, size_t len)
{
    uint8_t *bytes = out;
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0) word = skn_rng_u64(rng);
        bytes[i] = (uint8_t)(word >> (i % 8 * 8)); /* little-endian on every machine */
    }
}
