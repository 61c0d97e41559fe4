/* stamp_internal.h - stamps as people write and read them.
 *
 * Threads     any.
 */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "base/rc.h"

/* Which stamp of its millisecond a time without a counter means. */
enum skn_stamp_end { SKN_STAMP_FIRST, SKN_STAMP_LAST };

/* "2026-11-21T12:00:00.250Z/3": the time, and the counter of the millisecond. */
void skn_stamp_put(struct skn_buf *out, uint64_t stamp);

/* That, an RFC 3339 time, or the number that JSON has. SKN_EUSAGE. */
SKN_MUST_USE enum skn_rc skn_stamp_parse(const char *text,
                                         enum skn_stamp_end end,
                                         uint64_t *out_stamp,
                                         struct skn_diag *diag);
