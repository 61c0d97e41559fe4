/* base64_internal.h - bytes inside JSON text (RFC 4648, section 4, with padding). */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"

void skn_base64_put(struct skn_buf *out, struct skn_slice bytes);

/* Appends the bytes that `text` stands for. SKN_ECORRUPT: it is not what skn_base64_put writes, so
 * that equal bytes have one text. */
SKN_MUST_USE enum skn_rc
skn_base64_get(struct skn_buf *out, struct skn_slice text, struct skn_diag *diag);
