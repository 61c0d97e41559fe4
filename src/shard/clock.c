/* clock.c - the node's clock: where it goes from one look at the wall clock to the next. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/clock_internal.h"

#include "base/bug.h"
#include "base/hlc.h"

#include "base/pure.h"

enum { US_IN_MS = 1000 };
#define US_IN_S UINT64_C(1000000)

static int64_t difference(uint64_t a, uint64_t b)
{
    return a >= b ? (int64_t)(a - b) : -(int64_t)(b - a);
}

static void set_slew(struct node_clock *c)
{
    c->slew_us = c->waits ? 0 : c->off_us;
}

void clock_open(struct node_clock *c, uint64_t wall_us, uint64_t boot_us, uint64_t last_ms)
{
    const uint64_t year_us = CLOCK_YEAR_DAYS * (uint64_t)CLOCK_DAY_S * US_IN_S;
    uint64_t last_us = (last_ms < SKN_HLC_MS_MAX ? last_ms : SKN_HLC_MS_MAX) * US_IN_MS;
    bool is_behind = wall_us < last_us && !skn_bug(SKN_BUG_CLOCK_BACK);
    bool is_far = last_us > 0 && wall_us > last_us && wall_us - last_us > year_us;
    *c = (struct node_clock){
        .boot_us = boot_us, .now_us = is_behind || is_far ? last_us : wall_us, .waits = is_far};
    c->off_us = difference(wall_us, c->now_us);
    set_slew(c);
}

uint64_t clock_now_us(const struct node_clock *c, uint64_t boot_us)
{
    uint64_t passed = boot_us > c->boot_us ? boot_us - c->boot_us : 0;
    uint64_t most = passed / CLOCK_SLEW;
    uint64_t off = (uint64_t)(c->slew_us < 0 ? -c->slew_us : c->slew_us);
    uint64_t slew = off < most ? off : most;
    uint64_t now = c->now_us + passed;
    return c->slew_us < 0 ? now - slew : now + slew;
}

static void jump(struct node_clock *c, uint64_t wall_us)
{
    c->jumps++;
    c->jumped_ms = (uint64_t)c->off_us / US_IN_MS;
    c->now_us = wall_us;
    c->off_us = 0;
    c->is_far = c->waits = false;
}

void clock_turn(struct node_clock *c, uint64_t wall_us, uint64_t boot_us, bool is_accepted)
{
    c->now_us = clock_now_us(c, boot_us);
    if (boot_us > c->boot_us) c->boot_us = boot_us;
    c->off_us = difference(wall_us, c->now_us);
    bool is_far = c->off_us > CLOCK_FAR_S * (int64_t)US_IN_S;
    if (!is_far) c->is_far = c->waits = false;
    if (is_far && !c->is_far) {
        c->is_far = true;
        c->since_us = c->boot_us;
    }
    bool is_sure = is_far && c->boot_us - c->since_us >= CLOCK_SURE_S * US_IN_S;
    bool is_too_far = c->off_us > CLOCK_DAY_S * (int64_t)US_IN_S;
    if (is_sure && is_too_far) c->waits = true;
    bool may_jump = c->waits ? is_accepted : is_sure && !is_too_far;
    if (may_jump) jump(c, wall_us);
    set_slew(c);
}
