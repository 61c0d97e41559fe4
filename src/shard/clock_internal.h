/* clock_internal.h - the node's clock [E50]: from the wall clock and one that runs evenly.
 *
 * Owns        nothing; the clocks are read by the caller.
 * May include base.
 * Threads     any; of a shared one see clock_shared.c.
 * Invariants
 *   1. It never goes back, whatever the wall clock does, and but for jumps it runs at 99 to 101
 *      percent of the even clock.
 *   2. It jumps only ahead, and only to the wall clock: after that was more than 5 minutes ahead for a
 *      minute, or when somebody accepted it.
 */
#pragma once

#include "base/base.h"

enum {
    CLOCK_SLEW = 100,        /* one part in so many: 1 percent */
    CLOCK_FAR_S = 5 * 60,    /* ahead: a machine that was suspended or paused */
    CLOCK_SURE_S = 60,       /* and so for a minute: then it is followed */
    CLOCK_DAY_S = 24 * 3600, /* ahead while running: somebody has to accept it */
    CLOCK_YEAR_DAYS = 365,   /* ahead at opening: likewise */
};

struct node_clock {
    uint64_t boot_us;  /* the even clock at the last turn */
    uint64_t now_us;   /* the node's clock then, since 1970 */
    int64_t off_us;    /* the wall clock minus it then */
    int64_t slew_us;   /* how far it moves toward the wall clock, at most */
    uint64_t since_us; /* the even clock since when the wall clock is far ahead */
    bool is_far;
    bool waits; /* for somebody to accept the wall clock */
    uint64_t jumps;
    uint64_t jumped_ms; /* the last one */
};

/* The greater of the wall clock and the last stamp; one that is over a year ahead of it waits. A last
 * stamp of 0: there is none. */
void clock_open(struct node_clock *c, uint64_t wall_us, uint64_t boot_us, uint64_t last_ms);
/* What it shows at a moment at or after the last turn; boot_us before that counts as it. */
uint64_t clock_now_us(const struct node_clock *c, uint64_t boot_us);
/* Compares it with the wall clock again. `is_accepted`: if it waits, it jumps now. */
void clock_turn(struct node_clock *c, uint64_t wall_us, uint64_t boot_us, bool is_accepted);
