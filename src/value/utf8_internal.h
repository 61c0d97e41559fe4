/* utf8_internal.h - which bytes are one character of UTF-8. */
#pragma once

#include "base/base.h"

/* Bytes of the well-formed character at `p`, of which `n` bytes are there; 0 when there is none.
 * The Unicode standard 15, table 3-7. */
static inline size_t utf8_size(const uint8_t *p, size_t n)
{
    if (n == 0 || (p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4) return 0;
    if (p[0] < 0x80) return 1;
    size_t size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n < size) return 0;
    uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < size; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return size;
}

/* How many bytes from `p` on stand in a JSON string as they are and are ASCII. */
static inline size_t plain_ascii(const uint8_t *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        /* A top bit stays where a byte is under 0x20, a quote, a backslash, or has its top bit. A
         * borrow can only mark bytes behind the first such one, which is what is looked for. */
        if (((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & tops) break;
    }
    while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}
