/* codes.c - the rows of the catalogue of diagnostics. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/codes.h"

#include "base/pure.h" /* last */

static const struct skn_code_info infos[] = {
#define X(code, name, severity, text, hint) {name, SKN_SEVERITY_##severity, text, hint},
    SKN_CODE_MAP(X)
#undef X
};

static_assert(SKN_ARRAY_LEN(infos) == SKN_CODE_COUNT, "every code has its row");

const struct skn_code_info *skn_code_info(enum skn_code code)
{
    SKN_ASSERT((unsigned)code < SKN_CODE_COUNT);
    return &infos[code];
}
