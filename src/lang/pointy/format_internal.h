/* format_internal.h - tokens as a layout sees them.
 *
 * Owns        nothing.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/pointy/lex_internal.h"

/* Like skn_lex, but an event with its source and version is one name. */
struct skn_token skn_format_lex(const struct skn_source *source, uint32_t at);

/* Whether a blank stands between two tokens of one line. */
bool skn_format_blank(enum skn_token_kind before, enum skn_token_kind kind);
