/* answer_internal.h - what both ends of the socket ask of an answer. */
#pragma once

#include "value/value.h"

static inline bool skn_answer_has_final(struct skn_value map)
{
    struct skn_value final;
    return skn_value_is(map, SKN_T_MAP) && skn_map_get(map, SKN_LIT("final"), &final) &&
           skn_value_is(final, SKN_T_BOOL) && skn_value_as_bool(final);
}

/* The last view of a run says so beside the view or in it. */
static inline bool skn_answer_is_final(struct skn_value answer)
{
    struct skn_value run;
    return skn_answer_has_final(answer) ||
           (skn_value_is(answer, SKN_T_MAP) && skn_map_get(answer, SKN_LIT("run"), &run) &&
            skn_answer_has_final(run));
}
