/* codec_internal.h - what writing and reading the stored form share; encode.c draws it.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 */
#pragma once

/* Raised when the form changes; a reader refuses a level above its own. */
enum { SKN_GRAPH_LEVEL = 1 };
