/* frame_internal.h - messages on a byte stream: a length, then one JSON object.
 *
 *     0          4
 *     | length   | JSON, `length` bytes |     length: big-endian, 1 to SKN_FRAME_MAX
 *
 * The same frame as the worker protocol's.
 */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"

#define SKN_FRAME_MAX (UINT32_C(16) << 20)

enum { SKN_FRAME_HEAD = 4 };

/* The first frame in `bytes`, borrowed from them. SKN_ELATER: not all of it is here; `out_used` is
 * then how many bytes it takes as far as is known. SKN_ECORRUPT: an impossible length. */
SKN_MUST_USE enum skn_rc skn_frame_next(struct skn_slice bytes,
                                        struct skn_slice *out_body,
                                        size_t *out_used,
                                        struct skn_diag *diag);

/* Appends a frame; the body has 1 to SKN_FRAME_MAX bytes. */
void skn_frame_put(struct skn_buf *out, struct skn_slice body);
