/* hlc.h - stamps: hybrid logical clock times (Kulkarni and others 2014) in 64 bits.
 *
 * Owns        nothing; the last stamp is the caller's.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. A new stamp is greater than the last one and than the one that was seen.
 *   2. It is not behind the clock it was given.
 *
 * Unlike the paper's pair of clock and counter, the counter may run over into the milliseconds:
 * one number that only goes up is all that anybody needs.
 *
 *     63                        16 15         0
 *     | milliseconds since 1970   | counter    |
 */
#pragma once

#include "base/base.h"

enum { SKN_HLC_COUNTER_BITS = 16 };

#define SKN_HLC_MS_MAX ((UINT64_C(1) << 48) - 1) /* in the year 10889 */

/* The first stamp of a millisecond. A later clock than SKN_HLC_MS_MAX stands still there. */
static inline uint64_t skn_hlc_at(uint64_t ms)
{
    return (ms < SKN_HLC_MS_MAX ? ms : SKN_HLC_MS_MAX) << SKN_HLC_COUNTER_BITS;
}

static inline uint64_t skn_hlc_ms(uint64_t stamp)
{
    return stamp >> SKN_HLC_COUNTER_BITS;
}

static inline uint16_t skn_hlc_counter(uint64_t stamp)
{
    return (uint16_t)(stamp & UINT16_MAX);
}

/* How far a stamp is ahead of the clock, in milliseconds; 0 when it is not. A stamp from outside is
 * refused by this before it is seen, or one bad clock would push every other [E51]. */
static inline uint64_t skn_hlc_ahead_ms(uint64_t stamp, uint64_t now_ms)
{
    return skn_hlc_ms(stamp) > now_ms ? skn_hlc_ms(stamp) - now_ms : 0;
}

/* The stamp after `last`, for what has `seen` (0: nothing), at `now_ms` [E51]. */
static inline uint64_t skn_hlc_next(uint64_t last, uint64_t seen, uint64_t now_ms)
{
    SKN_ASSERT(last < UINT64_MAX);
    SKN_ASSERT(seen < UINT64_MAX);
    uint64_t after = (last > seen ? last : seen) + 1;
    uint64_t now = skn_hlc_at(now_ms);
    return after > now ? after : now;
}
