/* pace.c - the spread of starts of a limiter: whole numbers, so that nothing drifts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limiter_internal.h"

#include "base/pure.h"

/* The generic cell rate algorithm (ITU-T I.371, virtual scheduling): one moment is kept, that at which
 * the next start would be due if each took its turn, here as milliseconds and a part of one in units of
 * 1 / rate. A start may come up to (burst - 1) turns before it. */

/* n milliseconds divided by the rate, added. */
static void add(struct skn_pace *pace, uint64_t n)
{
    uint64_t part = pace->at_part + n % pace->rate;
    pace->at_ms += n / pace->rate + part / pace->rate;
    pace->at_part = (uint32_t)(part % pace->rate);
}

uint64_t skn_pace_next_ms(const struct skn_pace *pace)
{
    if (pace->rate == 0) return 0;
    uint64_t early = (uint64_t)(pace->burst - 1) * pace->rate_ms;
    uint64_t early_ms = early / pace->rate, early_part = early % pace->rate;
    /* Rounded up: a start that is due within a millisecond comes with the next. */
    uint64_t at_ms = pace->at_ms + (pace->at_part > early_part);
    return at_ms > early_ms ? at_ms - early_ms : 0;
}

void skn_pace_take(struct skn_pace *pace, uint64_t now_ms)
{
    if (pace->rate == 0) return;
    /* Within the millisecond that rounding up cost it is on time: else each start would lose a part. */
    if (pace->at_ms + (pace->at_part > 0) < now_ms) {
        pace->at_ms = now_ms;
        pace->at_part = 0;
    }
    add(pace, pace->rate_ms);
}

void skn_pace_set(struct skn_pace *pace, uint32_t rate, uint32_t burst, uint64_t rate_ms)
{
    if (burst == 0) burst = 1;
    if (rate != pace->rate && pace->at_part > 0) {
        pace->at_ms++; /* the part was of another rate: up, so that it is not too early */
        pace->at_part = 0;
    }
    pace->rate = rate;
    pace->burst = burst;
    pace->rate_ms = rate_ms;
}
