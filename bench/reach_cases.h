/* reach_cases.h - the groups of figures of bench_reach; each runs in a process of its own.
 *
 * Owns        nothing.
 * May include base.
 * Threads     one.
 */
#pragma once

#include "reach.h"

void skn_reach_slices(struct skn_reach *reach);
void skn_reach_uniform(struct skn_reach *reach);
void skn_reach_fresh(struct skn_reach *reach);
void skn_reach_slow_disk(struct skn_reach *reach);
void skn_reach_transfers(struct skn_reach *reach);
void skn_reach_latency(struct skn_reach *reach);
void skn_reach_hops(struct skn_reach *reach);
void skn_reach_between(struct skn_reach *reach);
void skn_reach_checkpoint(struct skn_reach *reach);
void skn_reach_open(struct skn_reach *reach);
void skn_reach_rows(struct skn_reach *reach);
void skn_reach_idle(struct skn_reach *reach);
void skn_reach_timers(struct skn_reach *reach);
void skn_reach_sim(struct skn_reach *reach);
