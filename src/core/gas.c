/* gas.c - the budgets of a slice, and what it hears when it is over one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gas.h"

#include "core/core_internal.h"

#include <inttypes.h>

void skn_cx_budget(struct skn_cx *cx)
{
    cx->gas = SKN_GAS_SLICE;
    cx->memory_before = cx->arena.used;
}

enum skn_rc
skn_cx_over(struct skn_cx *cx, enum skn_rc rc, const char *what, const char *limit, uint64_t value)
{
    if (cx->rc != SKN_OK) return cx->rc;
    cx->is_over = true;
    return cx->rc = SKN_FAIL(&cx->diag, rc, "%s: %s is %" PRIu64, what, limit, value);
}

enum skn_rc skn_cx_charge(struct skn_cx *cx, uint64_t gas)
{
    return skn_cx_pay(cx, gas);
}

enum skn_rc skn_cx_broke(struct skn_cx *cx)
{
    const struct skn_core_limits *limits = &cx->core->limits;
    if (cx->gas > limits->slice_gas)
        return skn_cx_over(
            cx, SKN_EGAS, "the slice used more gas than it has", "slice_gas", limits->slice_gas);
    return skn_cx_over(cx,
                       SKN_EMEMORY,
                       "the slice used more memory than it has",
                       "slice_memory",
                       limits->slice_memory);
}

uint64_t skn_cx_gas(const struct skn_cx *cx)
{
    return cx->gas;
}

uint64_t skn_cx_gas_left(const struct skn_cx *cx)
{
    if (!cx->is_bounded) return UINT64_MAX - cx->gas;
    uint64_t limit = cx->core->limits.slice_gas;
    return cx->gas < limit ? limit - cx->gas : 0;
}

size_t skn_cx_memory_left(const struct skn_cx *cx)
{
    if (!cx->is_bounded) return SIZE_MAX - cx->arena.used;
    size_t used = cx->arena.used - cx->memory_before, limit = cx->core->limits.slice_memory;
    return used < limit ? limit - used : 0;
}
