/* bug.c - which bug is planted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

static const struct skn_bug_info bugs[] = {
#define X(number, bug, is_here, found_by, text) {SKN_BUG_##bug, is_here, #bug, found_by, text},
    SKN_BUG_MAP(X)
#undef X
};

const struct skn_bug_info *skn_bug_list(size_t *out_count)
{
    *out_count = SKN_ARRAY_LEN(bugs);
    return bugs;
}

const struct skn_bug_info *skn_bug_info(unsigned long number)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(bugs); i++)
        if (bugs[i].bug == number) return &bugs[i];
    return NULL;
}

#ifdef SKN_DEBUG
enum skn_bug skn_bug_planted = SKN_BUG_NONE;

enum skn_bug skn_bug_plant(enum skn_bug bug)
{
    enum skn_bug before = skn_bug_planted;
    skn_bug_planted = bug;
    return before;
}
#else
enum skn_bug skn_bug_plant(enum skn_bug bug)
{
    (void)bug;
    return SKN_BUG_NONE;
}
#endif

void skn_bug_plant_from_env(void)
{
    const char *text = getenv("SKN_BUG");
    if (!text || !*text) return;
    char *end = NULL;
    const struct skn_bug_info *info = skn_bug_info(strtoul(text, &end, 10));
    if (!info || *end) {
        (void)fprintf(stderr, "SKN_BUG=%s is no planted bug; tools/bugs lists them\n", text);
        exit(2);
    }
    (void)skn_bug_plant(info->bug);
}
