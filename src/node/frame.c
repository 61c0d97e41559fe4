/* frame.c - messages on a byte stream: a length, then one JSON object. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/frame_internal.h"

enum skn_rc skn_frame_next(struct skn_slice bytes,
                           struct skn_slice *out_body,
                           size_t *out_used,
                           struct skn_diag *diag)
{
    *out_used = SKN_FRAME_HEAD;
    if (bytes.len < SKN_FRAME_HEAD) return SKN_ELATER;
    uint32_t len = (uint32_t)bytes.ptr[0] << 24 | (uint32_t)bytes.ptr[1] << 16 |
                   (uint32_t)bytes.ptr[2] << 8 | bytes.ptr[3];
    if (len == 0 || len > SKN_FRAME_MAX)
        return SKN_CORRUPT(diag, "a frame of %u bytes; frames have 1 to %u", len, SKN_FRAME_MAX);
    *out_used = SKN_FRAME_HEAD + (size_t)len;
    if (bytes.len < *out_used) return SKN_ELATER;
    *out_body = skn_slice(bytes.ptr + SKN_FRAME_HEAD, len);
    return SKN_OK;
}

void skn_frame_put(struct skn_buf *out, struct skn_slice body)
{
    SKN_ASSERT(body.len > 0);
    SKN_ASSERT(body.len <= SKN_FRAME_MAX);
    skn_buf_put_be32(out, (uint32_t)body.len);
    skn_buf_put(out, body);
}
