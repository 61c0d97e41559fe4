/* base64.c - bytes inside JSON text (RFC 4648, section 4, with padding). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/base64_internal.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void skn_base64_put(struct skn_buf *out, struct skn_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t three = (uint32_t)bytes.ptr[i] << 16;
        if (left > 1) three |= (uint32_t)bytes.ptr[i + 1] << 8;
        if (left > 2) three |= bytes.ptr[i + 2];
        uint8_t four[4] = {(uint8_t)digits[three >> 18],
                           (uint8_t)digits[three >> 12 & 63],
                           left > 1 ? (uint8_t)digits[three >> 6 & 63] : '=',
                           left > 2 ? (uint8_t)digits[three & 63] : '='};
        skn_buf_put(out, skn_slice(four, sizeof(four)));
    }
}

/* 0 to 63, or -1. */
static int digit_of(uint8_t byte)
{
    const char *at = byte == 0 ? NULL : strchr(digits, byte);
    return at ? (int)(at - digits) : -1;
}

/* One group of four; `out_len` is how many bytes it holds. */
static bool get_four(const uint8_t *four, bool is_last, uint8_t *out, size_t *out_len)
{
    size_t pad = is_last && four[3] == '=' ? 1 + (four[2] == '=') : 0;
    uint32_t three = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i >= 4 - pad ? 0 : digit_of(four[i]);
        if (digit < 0) return false;
        three = three << 6 | (uint32_t)digit;
    }
    out[0] = (uint8_t)(three >> 16);
    out[1] = (uint8_t)(three >> 8);
    out[2] = (uint8_t)three;
    *out_len = 3 - pad;
    /* Bits behind the last byte are zero, or two texts would stand for the same bytes. */
    return pad == 0 || out[3 - pad] == 0;
}

enum skn_rc skn_base64_get(struct skn_buf *out, struct skn_slice text, struct skn_diag *diag)
{
    if (text.len % 4 != 0) return SKN_CORRUPT(diag, "base64 text of %zu characters", text.len);
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t three[3];
        size_t n;
        if (!get_four(text.ptr + i, i + 4 == text.len, three, &n))
            return SKN_CORRUPT(diag, "not base64 at character %zu", i);
        skn_buf_put(out, skn_slice(three, n));
    }
    return skn_buf_rc(out);
}
