/* report.c - what simulations did, added up, as one line, and whether it was enough. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "sim/sim.h"

#include <inttypes.h>

#include "base/pure.h"

enum { STANDARD_STEPS = 20000000 }; /* for which cover_map.h says how often */

static const struct skn_cover_info items[] = {
#define X(id, least, text) {#id, text, least},
    SKN_COVER_MAP(X)
#undef X
};

const struct skn_cover_info *skn_sim_cover_info(enum skn_cover item)
{
    SKN_ASSERT(item < SKN_COVER_COUNT);
    return &items[item];
}

/* A quarter of a fair share, so that chance does not fail a small set; what is too rare for it is
 * not asked of it. */
uint64_t skn_sim_cover_least(enum skn_cover item, uint64_t steps)
{
    uint64_t least = skn_sim_cover_info(item)->least;
    if (least == 0 || steps >= STANDARD_STEPS) return least;
    return least * steps / STANDARD_STEPS / 4;
}

void skn_sim_cover_count(const struct skn_sim_report *sum, size_t *out_met, size_t *out_of)
{
    *out_met = *out_of = 0;
    for (size_t i = 0; i < SKN_COVER_COUNT; i++) {
        uint64_t least = skn_sim_cover_least((enum skn_cover)i, sum->steps);
        if (least == 0) continue;
        ++*out_of;
        *out_met += sum->cover[i] >= least;
    }
}

/* Every member is a count but the hashes, which are added too. */
void skn_sim_report_add(struct skn_sim_report *sum, const struct skn_sim_report *one)
{
    static_assert(sizeof *sum % sizeof(uint64_t) == 0, "a report is numbers of 64 bits only");
    uint64_t to[sizeof *sum / sizeof(uint64_t)], from[sizeof *sum / sizeof(uint64_t)];
    memcpy(to, sum, sizeof *sum);
    memcpy(from, one, sizeof *one);
    for (size_t i = 0; i < SKN_ARRAY_LEN(to); i++)
        to[i] += from[i];
    memcpy(sum, to, sizeof *sum);
}

void skn_sim_report_print(const struct skn_sim_report *r, struct skn_buf *out)
{
    size_t met, of;
    skn_sim_cover_count(r, &met, &of);
    skn_buf_printf(out,
                   "%" PRIu64 " steps, %" PRIu64 " slices, %" PRIu64 " seeds, %" PRIu64
                   " openings, %" PRIu64 " s of virtual time, coverage %zu of %zu, state "
                   "%016" PRIx64 "%016" PRIx64,
                   r->steps,
                   r->cover[SKN_COVER_SLICE],
                   r->seeds,
                   r->cover[SKN_COVER_OPENING],
                   r->virtual_ms / 1000,
                   met,
                   of,
                   r->state_hi,
                   r->state_lo);
}
