/* json_text.c - strings as canonical JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/json_text.h"

#include "lang/kit/utf8.h"

static void put_control(struct skn_buf *out, uint32_t point)
{
    static const char letters[] = "\b\f\n\r\t";
    static const char *const escapes[] = {"\\b", "\\f", "\\n", "\\r", "\\t"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(escapes); i++) {
        if (point == (uint32_t)letters[i]) {
            skn_buf_put_str(out, escapes[i]);
            return;
        }
    }
    skn_buf_printf(out, "\\u%04x", (unsigned)point);
}

void skn_json_text_string(struct skn_buf *out, struct skn_slice text)
{
    skn_buf_put_str(out, "\"");
    for (size_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        if (c.point == SKN_UTF8_BAD) {
            skn_buf_put_str(out, "\xEF\xBF\xBD");
        } else if (c.point == '"' || c.point == '\\') {
            skn_buf_put_u8(out, '\\');
            skn_buf_put_u8(out, (uint8_t)c.point);
        } else if (c.point < 0x20) {
            put_control(out, c.point);
        } else {
            skn_buf_put(out, skn_slice(text.ptr + at, c.len));
        }
        at += c.len;
    }
    skn_buf_put_str(out, "\"");
}
