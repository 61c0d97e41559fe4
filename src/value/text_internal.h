/* text_internal.h - how values that JSON has no word for are written. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

enum { TEXT_TIME_MAX = 100 };

/* 2026-11-21T11:00:00Z, with 3, 6 or 9 digits behind the second when they are needed. */
void skn_text_time(int64_t unix_ns, char out[TEXT_TIME_MAX]);

/* 1.5s: seconds with as many digits as needed. */
void skn_text_duration(int64_t ns, char out[TEXT_TIME_MAX]);

/* RFC 4648 section 4, padded. */
void skn_text_base64(struct skn_slice bytes, struct skn_buf *out);

/* Two lower-case digits per byte and a NUL. */
void skn_text_hex(struct skn_slice bytes, char *out);
