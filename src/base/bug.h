/* bug.h - planted bugs: a test build does one thing wrong on request, and a test must find it.
 *
 * Owns        the number of the bug that is planted in this process: the one variable of its kind,
 *             and only in debug builds.
 * May include base.
 * Threads     planted before threads start; reading is for any of them.
 * Invariants
 *   1. In a build without SKN_DEBUG no bug can be planted and nothing of them is left.
 *   2. At most one is planted at a time.
 */
#pragma once

#include "base/base.h"
#include "base/bug_map.h"

enum skn_bug {
    SKN_BUG_NONE = 0,
#define X(number, bug, is_here, found_by, text) SKN_BUG_##bug = number,
    SKN_BUG_MAP(X)
#undef X
};

#ifdef SKN_DEBUG
extern enum skn_bug skn_bug_planted;

/* Whether this bug is planted. */
static inline bool skn_bug(enum skn_bug bug)
{
    return skn_bug_planted == bug;
}
#else
static inline bool skn_bug(enum skn_bug bug)
{
    (void)bug;
    return false;
}
#endif

/* Plants a bug, or none; does nothing in a build that has none. Gives what was planted before. */
enum skn_bug skn_bug_plant(enum skn_bug bug);

/* Plants what SKN_BUG says, a number of the catalogue; for the beginning of a process. A number
 * that is none ends the process with 2: a test that runs without its bug would pass for nothing. */
void skn_bug_plant_from_env(void);

struct skn_bug_info {
    enum skn_bug bug;
    bool is_here; /* its code is there; else its place is kept */
    const char *name;
    const char *found_by;
    const char *text;
};

/* The catalogue, in order of the numbers. */
const struct skn_bug_info *skn_bug_list(size_t *out_count);

/* NULL: no bug has this number. */
const struct skn_bug_info *skn_bug_info(unsigned long number);
