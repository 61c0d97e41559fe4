/* codes.h - the stable codes of diagnostics; all of them stand in codes_map.h.
 *
 * Owns        the enum and its lookup.
 * May include base, lang/kit.
 * Threads     any.
 */
#pragma once

#include "base/base.h"
#include "lang/kit/codes_map.h"

enum skn_severity { SKN_SEVERITY_ERROR, SKN_SEVERITY_WARNING };

enum skn_code {
#define X(code, name, severity, text, hint) code,
    SKN_CODE_MAP(X)
#undef X
        SKN_CODE_COUNT
};

struct skn_code_info {
    const char *name; /* "SKN-P031", never renumbered */
    enum skn_severity severity;
    const char *text; /* {1} to {4} are arguments */
    const char *hint; /* or "" */
};

const struct skn_code_info *skn_code_info(enum skn_code code);
