/* draw_internal.h - a compiled flow with its tree, and what its drawings share.
 *
 * Owns        the tree of a drawing; texts live in the arena of the compilation.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "lang/pointy/options_internal.h"
#include "lang/pointy/tools.h"
#include "value/json.h"

struct skn_drawing {
    struct skn_pty b;
    struct skn_syntax tree;
};

/* The event as it is written, or MAP<..>; "group" for a group. */
struct skn_slice skn_drawing_name(const struct skn_drawing *d, uint32_t unit);

/* "failure", "success", or the other outcome. */
struct skn_slice skn_drawing_outcome(const struct skn_drawing *d, uint32_t branch);

/* Attempts that the text asks for, by `* N` or by an option; 0 when it says nothing. */
uint32_t skn_drawing_attempts(const struct skn_drawing *d, uint32_t unit);

/* An option under its canonical name, and its value as people read it: text without a new line.
 * False: it says the number of attempts, which skn_drawing_attempts gives. */
bool skn_drawing_option(const struct skn_drawing *d,
                        uint32_t option,
                        struct skn_slice *out_name,
                        struct skn_buf *out_value);

/* A literal as its JSON form. `name` is that of the option, or empty. */
void skn_drawing_literal(const struct skn_drawing *d,
                         struct skn_slice name,
                         uint32_t literal,
                         struct skn_json_writer *w);

/* "[timeout=30s, x=[1, 2]]" and " * 3": what stands behind a unit besides its branches. */
void skn_drawing_suffix(const struct skn_drawing *d, uint32_t unit, struct skn_buf *out);
