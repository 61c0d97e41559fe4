/* order.c - the total order of values. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/value.h"

#include "value/value_internal.h"

#include "base/pure.h"

/* The values inside a composite. */
static struct skn_value_iter children(struct skn_value v)
{
    if (v.tag == SKN_T_LIST || v.tag == SKN_T_MAP) return skn_value_iter(v);
    return (struct skn_value_iter){.at = v.as.ptr, .left = v.tag == SKN_T_ERROR ? 3 : 1};
}

static int cmp_numbers(struct skn_value a, struct skn_value b)
{
    if (a.tag == SKN_T_REAL) return a.as.r < b.as.r ? -1 : a.as.r > b.as.r;
    return a.as.i < b.as.i ? -1 : a.as.i > b.as.i;
}

/* Sets both to their first elements that differ and says true, or says false and gives the order
 * when a key or the number of elements decides it. */
static bool first_difference(struct skn_value *a, struct skn_value *b, int *out_order)
{
    struct skn_value_iter ia = children(*a), ib = children(*b);
    struct skn_slice ka, kb;
    struct skn_value va, vb;
    *out_order = 0;
    while (ia.left > 0 && ib.left > 0) {
        (void)skn_value_next(&ia, &ka, &va);
        (void)skn_value_next(&ib, &kb, &vb);
        *out_order = skn_slice_cmp(ka, kb);
        if (*out_order != 0) return false;
        if (skn_value_eq(va, vb)) continue;
        *a = va;
        *b = vb;
        return true;
    }
    if (ia.left != ib.left) *out_order = ia.left == 0 ? -1 : 1;
    return false;
}

/* Elements before the first difference are equal, so nothing is left to do behind it: the way leads
 * down only, and a loop is enough. */
int skn_value_cmp(struct skn_value a, struct skn_value b)
{
    int order = 0;
    do {
        if (a.tag != b.tag) return a.tag < b.tag ? -1 : 1;
        if (a.tag == SKN_T_NONE) return 0;
        if (a.tag == SKN_T_BOOL || is_fixed8(a.tag)) return cmp_numbers(a, b);
        if (!is_composite(a.tag)) {
            return skn_slice_cmp(skn_slice(a.as.ptr, a.len), skn_slice(b.as.ptr, b.len));
        }
    } while (first_difference(&a, &b, &order));
    return order;
}

bool skn_value_eq(struct skn_value a, struct skn_value b)
{
    if (a.tag != b.tag) return false;
    if (a.tag == SKN_T_NONE) return true;
    if (a.tag == SKN_T_BOOL || is_fixed8(a.tag)) return a.as.i == b.as.i;
    return skn_slice_eq(skn_slice(a.as.ptr, a.len), skn_slice(b.as.ptr, b.len));
}
