/* source.h - a text with a name, and where in it something stands.
 *
 * Owns        the line table, in the caller's arena. The text stays the caller's.
 * May include base.
 * Threads     any: a source does not change after its start.
 * Invariants
 *   1. lines[0] == 0, and every further entry is the offset behind a line feed.
 *   2. Lines and columns count from 1; a column counts characters, not bytes. A byte that is not
 *      UTF-8 counts as one character.
 */
#pragma once

#include "base/arena.h"
#include "base/rc.h"
#include "base/slice.h"

/* Offsets are 32 bits, and a text that a person wrote is far below this. */
#define SKN_SOURCE_BYTES_MAX (UINT32_C(16) << 20)

struct skn_span {
    uint32_t start; /* offset of the first byte */
    uint32_t end;   /* offset behind the last byte; == start for a place between two bytes */
};

struct skn_place {
    uint32_t line;
    uint32_t column;
};

struct skn_source {
    struct skn_slice name; /* of the file, as the user gave it */
    struct skn_slice text;
    const uint32_t *lines; /* offsets where lines begin */
    uint32_t line_count;
};

/* Borrows name and text as long as the source lives. SKN_ETOOLARGE: over SKN_SOURCE_BYTES_MAX. */
SKN_MUST_USE enum skn_rc skn_source_init(struct skn_source *source,
                                         struct skn_arena *arena,
                                         struct skn_slice name,
                                         struct skn_slice text);

/* Where an offset stands; an offset behind the text is its end. O(length of the line). */
struct skn_place skn_source_place(const struct skn_source *source, uint32_t offset);

/* The same for many offsets that never go back: all of them together cost one walk of the text. */
struct skn_source_walk {
    const struct skn_source *source;
    uint32_t offset;
    struct skn_place place;
};

struct skn_source_walk skn_source_walk(const struct skn_source *source);
struct skn_place skn_source_walk_to(struct skn_source_walk *walk, uint32_t offset);

/* The offset of a place; a line or column that is not there gives the nearest end. */
uint32_t skn_source_offset(const struct skn_source *source, struct skn_place place);

/* The text of line `line` (from 1), without its line end. */
struct skn_slice skn_source_line(const struct skn_source *source, uint32_t line);

static inline struct skn_slice skn_source_at(const struct skn_source *source, struct skn_span span)
{
    SKN_ASSERT(span.start <= span.end);
    SKN_ASSERT(span.end <= source->text.len);
    return (struct skn_slice){source->text.ptr + span.start, span.end - span.start};
}
