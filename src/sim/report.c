/* report.c - what simulations did, added up and as one line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "sim/sim.h"

#include <inttypes.h>

#include "base/pure.h"

/* Every member is a count but the hashes at the end, which are added too: a sum of many. */
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
    uint64_t cuts = 0;
    for (size_t i = SKN_SIM_CUT; i < SKN_SIM_CRASHES; i++)
        cuts += r->crashes[i];
    skn_buf_printf(out,
                   "%" PRIu64 " steps, %" PRIu64 " kills, %" PRIu64 " power cuts (%" PRIu64
                   " after a kill), %" PRIu64 " between slices, %" PRIu64
                   " in an operation, %" PRIu64 " of an I/O error, %" PRIu64
                   " while opening, %" PRIu64 " clean stops, %" PRIu64 " openings (%" PRIu64
                   " held), ",
                   r->steps,
                   r->crashes[SKN_SIM_KILL],
                   cuts,
                   r->cuts_after_kill,
                   r->crashes_between,
                   r->stops,
                   r->io_errors,
                   r->crashes_opening,
                   r->clean_stops,
                   r->opens,
                   r->opens_held);
    skn_buf_printf(out,
                   "%" PRIu64 " slices, %" PRIu64 " faults, %" PRIu64 " timers, %" PRIu64
                   " results dropped, ",
                   r->slices,
                   r->faults,
                   r->timers_fired,
                   r->results_dropped);
    skn_buf_printf(out,
                   "%" PRIu64 " runs, %" PRIu64 " tasks (%" PRIu64 " cut off, %" PRIu64
                   " of them had their effect), %" PRIu64 " cancels, %" PRIu64
                   " late results, %" PRIu64 " requests (%" PRIu64 " repeated, %" PRIu64
                   " ids reused), %" PRIu64 " s, state %016" PRIx64,
                   r->runs,
                   r->tasks,
                   r->tasks_vanished,
                   r->effects_vanished,
                   r->cancels,
                   r->stale_results,
                   r->requests,
                   r->repeats,
                   r->reused_ids,
                   r->virtual_ms / 1000,
                   r->state_lo ^ r->state_hi);
}
