/* terminal.c - what is known about where output goes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

bool skn_terminal_moves(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && term[0] && strcmp(term, "dumb") != 0;
}

bool skn_terminal_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return skn_terminal_moves(fd) && !(no_color && no_color[0]);
}

void skn_terminal_size(int fd, uint32_t *out_width, uint32_t *out_height)
{
    struct winsize size = {.ws_col = 0};
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;
    *out_width = known && size.ws_col > 0 ? size.ws_col : 80;
    *out_height = known && size.ws_row > 0 ? size.ws_row : 24;
}

int64_t skn_terminal_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
