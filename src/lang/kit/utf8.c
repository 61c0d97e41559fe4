/* utf8.c - well-formed characters and their width in a terminal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/utf8.h"

#include "base/utf8.h"

#include "base/pure.h" /* last */

struct skn_utf8 skn_utf8_next(struct skn_slice text, size_t at)
{
    SKN_ASSERT(at < text.len);
    const uint8_t *p = text.ptr + at;
    if (p[0] < 0x80) return (struct skn_utf8){p[0], 1};
    uint32_t len = (uint32_t)skn_utf8_len(skn_slice(p, text.len - at));
    if (len == 0) return (struct skn_utf8){SKN_UTF8_BAD, 1};
    uint32_t point = p[0] & (0xFFU >> (len + 1));
    for (uint32_t i = 1; i < len; i++)
        point = point << 6 | (p[i] & 0x3FU);
    return (struct skn_utf8){point, len};
}

struct range {
    uint32_t first;
    uint32_t last;
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last) return true;
    return false;
}

uint32_t skn_utf8_width(uint32_t point)
{
    /* The blocks that matter for a caret; a wrong guess only moves it by one column. */
    static const struct range none[] = {{0x300, 0x36F},
                                        {0x483, 0x489},
                                        {0x591, 0x5BD},
                                        {0x610, 0x61A},
                                        {0x64B, 0x65F},
                                        {0x200B, 0x200F},
                                        {0x20D0, 0x20FF},
                                        {0xFE00, 0xFE0F},
                                        {0xFE20, 0xFE2F},
                                        {0xFEFF, 0xFEFF}};
    static const struct range two[] = {{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0xFFE0, 0xFFE6},
                                       {0x1F300, 0x1F64F},
                                       {0x1F900, 0x1F9FF},
                                       {0x20000, 0x3FFFD}};
    if (is_in(point, none, SKN_ARRAY_LEN(none))) return 0;
    return is_in(point, two, SKN_ARRAY_LEN(two)) ? 2 : 1;
}

uint32_t skn_utf8_put(uint8_t out[4], uint32_t point)
{
    SKN_ASSERT(point <= 0x10FFFF);
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    uint32_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (uint32_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = (uint8_t)(lead[len] | point);
    return len;
}
