/* utf8.c - well-formed characters by the table of the Unicode standard. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

/* Table 3-7: what the first byte may be, and what the second then may be; all others 80..BF. */
struct form {
    uint8_t first_low;
    uint8_t first_high;
    uint8_t second_low;
    uint8_t second_high;
    uint8_t len;
};

static const struct form forms[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static bool has_form(struct skn_slice text, const struct form *form)
{
    if (text.ptr[0] < form->first_low || text.ptr[0] > form->first_high) return false;
    if (text.len < form->len) return false;
    if (text.ptr[1] < form->second_low || text.ptr[1] > form->second_high) return false;
    for (size_t i = 2; i < form->len; i++)
        if (text.ptr[i] < 0x80 || text.ptr[i] > 0xBF) return false;
    return true;
}

size_t skn_utf8_len(struct skn_slice text)
{
    if (text.len == 0) return 0;
    if (text.ptr[0] < 0x80) return 1;
    for (size_t i = 0; i < SKN_ARRAY_LEN(forms); i++)
        if (has_form(text, &forms[i])) return forms[i].len;
    return 0;
}

bool skn_utf8_is_text(struct skn_slice text)
{
    while (text.len > 0) {
        size_t len = skn_utf8_len(text);
        if (len == 0) return false;
        text = skn_slice_from(text, len);
    }
    return true;
}
