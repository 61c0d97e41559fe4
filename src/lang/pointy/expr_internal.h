/* expr_internal.h - expressions over the result of a program: outcome_when and success_when [F30b].
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/slice.h"

/* Why a text is no expression, or NULL when it is one: literals, names, "." and "[ ]", comparisons,
 * and, or, not, + - * /, len() and in. */
const char *skn_expr_check(struct skn_slice text);
