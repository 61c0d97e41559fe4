/* rc.c - lookups over the catalogue of result codes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"

#include <string.h>

static const struct skn_rc_info rows[] = {{SKN_OK, "OK", "success", 0, 200, 0, 0},
#define X(number, code, name, text, exit, http, grpc, xmlrpc) \
    {code, name, text, exit, http, grpc, xmlrpc},
                                          SKN_RC_MAP(X)
#undef X
};

const struct skn_rc_info *skn_rc_info(enum skn_rc rc)
{
    const struct skn_rc_info *internal = NULL;
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        if (rows[i].rc == rc) return &rows[i];
        if (rows[i].rc == SKN_EINTERNAL) internal = &rows[i];
    }
    return internal;
}

enum skn_rc skn_rc_by_name(const char *name)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0) return rows[i].rc;
    return SKN_EINTERNAL;
}

const struct skn_rc_info *skn_rc_at(size_t index)
{
    return index < SKN_ARRAY_LEN(rows) ? &rows[index] : NULL;
}
