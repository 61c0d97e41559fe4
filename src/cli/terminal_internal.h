/* terminal_internal.h - what is known about where output goes. */
#pragma once

#include "base/base.h"

/* A terminal whose cursor can be moved: not when TERM is missing, empty or "dumb". */
bool skn_terminal_moves(int fd);

/* Such a terminal, and NO_COLOR is not set or empty (no-color.org). */
bool skn_terminal_has_color(int fd);

/* Columns and lines; 80 and 24 when the terminal does not say. */
void skn_terminal_size(int fd, uint32_t *out_width, uint32_t *out_height);

/* Milliseconds since 1970: for how long something has been running. */
int64_t skn_terminal_now_ms(void);
