/* utf8.h - is this text, and where does its first character end.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

/* Bytes of the character that `text` begins with, 1 to 4; 0 when it is empty or begins with none:
 * overlong forms, surrogates and what is above U+10FFFF are none (Unicode 15, table 3-7). */
size_t skn_utf8_len(struct skn_slice text);

/* Every byte belongs to a character. */
bool skn_utf8_is_text(struct skn_slice text);
