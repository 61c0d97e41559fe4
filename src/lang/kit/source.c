/* source.c - the line table of a text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/source.h"

#include "lang/kit/utf8.h"

#include <string.h>

#include "base/pure.h" /* last */

static uint32_t count_lines(struct skn_slice text)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n') count++;
    return count;
}

enum skn_rc skn_source_init(struct skn_source *source,
                            struct skn_arena *arena,
                            struct skn_slice name,
                            struct skn_slice text)
{
    if (text.len > SKN_SOURCE_BYTES_MAX) return SKN_ETOOLARGE;

    uint32_t count = count_lines(text);
    uint32_t *lines = skn_arena_alloc(arena, count * sizeof(*lines));
    uint32_t at = 0;
    lines[at++] = 0;
    for (uint32_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n') lines[at++] = i + 1;
    *source = (struct skn_source){.name = name, .text = text, .lines = lines, .line_count = count};
    return SKN_OK;
}

/* The index of the last line that begins at or before `offset`. */
static uint32_t line_index(const struct skn_source *source, uint32_t offset)
{
    uint32_t low = 0;
    uint32_t high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

struct skn_place skn_source_place(const struct skn_source *source, uint32_t offset)
{
    if (offset > source->text.len) offset = (uint32_t)source->text.len;

    uint32_t index = line_index(source, offset);
    uint32_t column = 1;
    for (uint32_t at = source->lines[index]; at < offset; column++)
        at += skn_utf8_next(source->text, at).len;
    return (struct skn_place){.line = index + 1, .column = column};
}

struct skn_source_walk skn_source_walk(const struct skn_source *source)
{
    return (struct skn_source_walk){.source = source, .place = {1, 1}};
}

struct skn_place skn_source_walk_to(struct skn_source_walk *walk, uint32_t offset)
{
    struct skn_slice text = walk->source->text;
    SKN_ASSERT(offset >= walk->offset);
    while (walk->offset < offset && walk->offset < text.len) {
        if (text.ptr[walk->offset] == '\n') {
            walk->place.line++;
            walk->place.column = 0;
        }
        walk->offset += skn_utf8_next(text, walk->offset).len;
        walk->place.column++;
    }
    return walk->place;
}

struct skn_slice skn_source_line(const struct skn_source *source, uint32_t line)
{
    SKN_ASSERT(line >= 1);
    SKN_ASSERT(line <= source->line_count);
    uint32_t start = source->lines[line - 1];
    uint32_t end = line < source->line_count ? source->lines[line] - 1 : (uint32_t)source->text.len;
    if (end > start && source->text.ptr[end - 1] == '\r') end--;
    return skn_slice(end > start ? source->text.ptr + start : NULL, end - start);
}

uint32_t skn_source_offset(const struct skn_source *source, struct skn_place place)
{
    if (place.line < 1) return 0;
    if (place.line > source->line_count) return (uint32_t)source->text.len;

    struct skn_slice line = skn_source_line(source, place.line);
    uint32_t at = 0;
    for (uint32_t column = 1; column < place.column && at < line.len; column++)
        at += skn_utf8_next(line, at).len;
    return source->lines[place.line - 1] + at;
}
