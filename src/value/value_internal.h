/* value_internal.h - how the parts of this module read and write the encoding. */
#pragma once

#include "value/value.h"

enum {
    HEAD_BYTES = 5,     /* tag and size */
    BLOB_BYTES_MIN = 40 /* hash and size of the content */
};

static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get_le64(const uint8_t *p)
{
    return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline void set_le32(uint8_t *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(n >> (8 * i));
}

static inline void set_le64(uint8_t *p, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(n >> (8 * i));
}

static inline double real_of_bits(uint64_t bits)
{
    double r;
    memcpy(&r, &bits, sizeof r);
    return r;
}

static inline uint64_t bits_of_real(double r)
{
    uint64_t bits;
    memcpy(&bits, &r, sizeof bits);
    return bits;
}

/* Whether 8 bytes stand behind the tag. */
static inline bool is_fixed8(uint8_t tag)
{
    return tag == SKN_T_INT || tag == SKN_T_REAL || tag == SKN_T_TIME || tag == SKN_T_DURATION;
}

/* Whether values are in it. */
static inline bool is_composite(uint8_t tag)
{
    return tag == SKN_T_LIST || tag == SKN_T_MAP || tag == SKN_T_ERROR || tag == SKN_T_SECRET;
}

/* Size of the checked encoding at `p`. */
static inline size_t encoded_size(const uint8_t *p)
{
    bool is_sized = (*p >= SKN_T_STRING && *p < SKN_T_TIME) || *p == SKN_T_SEALED;
    if (is_sized) return HEAD_BYTES + (size_t)get_le32(p + 1);
    if (*p == SKN_T_NONE) return 1;
    return *p == SKN_T_BOOL ? 2 : 9;
}

/* As skn_value_check, of bytes that may have sealed parts. */
SKN_MUST_USE enum skn_rc skn_value_check_inside(struct skn_slice bytes, struct skn_diag *diag);

/* The value that the checked encoding at `p` holds. */
struct skn_value skn_value_at(const uint8_t *p);
