/* hash.c - SipHash. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <endian.h>

struct sip {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t n, unsigned by)
{
    return n << by | n >> (64 - by);
}

static inline void rounds(struct sip *s, unsigned n)
{
    uint64_t *v = s->v;
    for (unsigned i = 0; i < n; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static inline void take_word(struct sip *s, uint64_t word, unsigned compress)
{
    s->v[3] ^= word;
    rounds(s, compress);
    s->v[0] ^= word;
}

static inline uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static inline uint64_t load_rest(const uint8_t *bytes, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static inline uint64_t
sip(struct skn_slice bytes, uint64_t key0, uint64_t key1, unsigned compress, unsigned finish)
{
    /* The paper's start values: "somepseudorandomlygeneratedbytes". */
    struct sip s = {{key0 ^ UINT64_C(0x736f6d6570736575),
                     key1 ^ UINT64_C(0x646f72616e646f6d),
                     key0 ^ UINT64_C(0x6c7967656e657261),
                     key1 ^ UINT64_C(0x7465646279746573)}};
    size_t left = bytes.len;
    const uint8_t *at = bytes.ptr;
    for (; left >= 8; left -= 8, at += 8)
        take_word(&s, load_word(at), compress);
    uint64_t last = (uint64_t)bytes.len << 56;
    if (left > 0) last |= load_rest(at, left);
    take_word(&s, last, compress);
    s.v[2] ^= 0xff;
    rounds(&s, finish);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

uint64_t skn_siphash(
    struct skn_slice bytes, uint64_t key0, uint64_t key1, unsigned compress, unsigned finish)
{
    return sip(bytes, key0, key1, compress, finish);
}

uint64_t skn_hash(struct skn_slice bytes, uint64_t key0, uint64_t key1)
{
    return sip(bytes, key0, key1, 1, 3);
}
