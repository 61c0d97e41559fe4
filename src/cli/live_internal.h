/* live_internal.h - a run as it goes on, on standard error: a tree that is drawn over itself in a
 * terminal, a line per change elsewhere, nothing with --json. */
#pragma once

#include "base/buf.h"
#include "value/value.h"

struct skn_live {
    bool quiet;
    bool is_terminal;
    bool color;
    uint32_t drawn;      /* lines that stand in the terminal now */
    struct skn_buf last; /* the newest view, encoded */
};

/* Looks at standard error, TERM and NO_COLOR. */
void skn_live_init(struct skn_live *live, bool quiet);
void skn_live_fini(struct skn_live *live);

/* Shows a view. */
void skn_live_show(struct skn_live *live, struct skn_value view);

/* Draws the last view again, with the time of now and the terminal's size of now. */
void skn_live_redraw(struct skn_live *live);

/* Text between views; a tree is drawn anew below it. */
void skn_live_say(struct skn_live *live, const char *fmt, ...) SKN_PRINTF(2, 3);
