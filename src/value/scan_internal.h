/* scan_internal.h - skipping what needs no look in a JSON string. */
#pragma once

#include "value/value_internal.h"

/* How many bytes from `p` on stand in a JSON string as they are and are ASCII. */
static inline size_t plain_ascii(const uint8_t *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t w = get_le64(p + i);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        /* A top bit stays where a byte is under 0x20, a quote, a backslash, or has its top bit. A
         * borrow can only mark bytes behind the first such one, and the first is looked for. */
        uint64_t marks = ((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & tops;
        if (marks != 0) return i + (size_t)__builtin_ctzll(marks) / 8;
    }
    while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}
