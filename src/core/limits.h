/* limits.h - the limits of a core: what they are, and which of them a record was made under.
 *
 * Owns        nothing; limits_map.h has the table.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. Limits that are equal where a batch depends on them have one version, on every machine; others
 *      have another (P4).
 */
#pragma once

#include "base/base.h"
#include "core/limits_map.h"

/* Zero means the default. Over the most counts as the most. */
struct skn_core_limits {
#define MEMBER(name, type, otherwise, least, most, unit, is_input, what, then) type name;
    SKN_LIMITS_MAP(MEMBER)
#undef MEMBER
};

enum skn_limit_unit {
    SKN_LIMIT_COUNT,
    SKN_LIMIT_BYTES,
    SKN_LIMIT_MS,
    SKN_LIMIT_HOURS,
    SKN_LIMIT_GAS,
};

/* One line of the table. */
struct skn_limit_info {
    const char *name;
    uint64_t otherwise, least, most;
    enum skn_limit_unit unit;
    bool is_input;
    const char *what, *then;
};

/* All of them, in the order of the map. */
const struct skn_limit_info *skn_limit_infos(size_t *out_count);

/* The limit at that place of the order; setting takes any number up to its most. */
uint64_t skn_limit_get(const struct skn_core_limits *limits, size_t place);
void skn_limit_set(struct skn_core_limits *limits, size_t place, uint64_t n);

/* For people, as skein.yaml takes it: "64KiB", "90m", "48", in `out`, which it gives back. */
enum { SKN_LIMIT_TEXT_MAX = 32 };
const char *skn_limit_print(enum skn_limit_unit unit, uint64_t n, char out[SKN_LIMIT_TEXT_MAX]);

/* With the defaults where nothing is said, and none over its most. */
struct skn_core_limits skn_limits_whole(const struct skn_core_limits *limits);

/* What a record names of whole limits: with the defaults the version of these, else a hash of it and
 * of the ones that a batch depends on, with the top bit set. */
uint32_t skn_limits_version(const struct skn_core_limits *whole);
