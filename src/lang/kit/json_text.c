/* json_text.c - one JSON string. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/json_text.h"

#include "value/json.h"

#include "base/pure.h" /* last */

void skn_json_text_string(struct skn_buf *out, struct skn_slice text)
{
    struct skn_json_writer w;
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    skn_json_any_text(&w, text);
    if (skn_json_end(&w, NULL) != SKN_OK)
        out->full = true; /* the only way to fail is its maximum */
}
