/* json_text.h - one JSON string straight into a buffer.
 *
 * Owns        nothing.
 * May include base, value.
 * Threads     any.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* A quoted string. A byte that is not UTF-8 becomes U+FFFD. */
void skn_json_text_string(struct skn_buf *out, struct skn_slice text);
