/* hex.h - bytes as lower-case hexadecimal text.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/base.h"

/* Writes 2 * n digits and a NUL. */
static inline void skn_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}
