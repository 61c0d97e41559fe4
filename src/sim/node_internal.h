/* node_internal.h - the node's options, for those who look at what is stored beside it.
 *
 * May include base, shard.
 * Threads     none.
 */
#pragma once

#include "shard/shards.h"
#include "sim/world_internal.h"

struct skn_shards_options node_options(const struct world *w);
/* When the oldest base of the history was made; 0: there is none, or no node. */
uint64_t node_history_since_ms(const struct world *w);
