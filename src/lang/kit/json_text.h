/* json_text.h - JSON written straight into a buffer, for diagnostics and canonical literals.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. Canonical: only the escapes that JSON demands, \uXXXX in lower case hex where no short one
 *      exists.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* A quoted string. A byte that is not UTF-8 becomes U+FFFD. */
void skn_json_text_string(struct skn_buf *out, struct skn_slice text);
