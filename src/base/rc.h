/* rc.h - result codes: what a function that can fail returns.
 *
 * Owns        the enum and the lookups over rc_map.h.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/base.h"
#include "base/rc_map.h"

enum skn_rc {
    SKN_OK = 0,
#define X(number, code, name, text, exit, http, grpc, xmlrpc) code = (number),
    SKN_RC_MAP(X)
#undef X
};

struct skn_rc_info {
    enum skn_rc rc;
    const char *name; /* "QUEUE_FULL" */
    const char *text; /* for people */
    int exit_code;
    int http;
    int grpc;
    int xmlrpc;
};

/* The row of a code. Never NULL: SKN_OK has a row (exit 0, HTTP 200), and a number that is not in
 * the catalogue gives the row of SKN_EINTERNAL. */
const struct skn_rc_info *skn_rc_info(enum skn_rc rc);

/* The code of a name as it is sent; SKN_EINTERNAL when nobody has that name. */
enum skn_rc skn_rc_by_name(const char *name);

/* The catalogue in order, for tables in documents and tests. NULL at its end. */
const struct skn_rc_info *skn_rc_at(size_t index);
