/* wakeup_internal.h - how any thread ends the poll of one other: an eventfd, written once however often.
 *
 * Owns        the descriptor.
 * May include base.
 * Threads     set: any; drain: the one that polls.
 * Invariants
 *   1. What a thread did before set is seen by who comes back from the drain after it, or the
 *      descriptor is readable, or will be: no poll sleeps on it.
 *   2. The descriptor is readable only until the next drain: no poll spins on it.
 *
 * The flag says that a byte is in the descriptor, or comes: whoever turns it on writes, all others need
 * not. It goes off only behind a read that took that byte. Off first and then read, a byte that was
 * written in between would be taken with the flag on, and no later set would write one.
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

struct skn_wakeup {
    int fd; /* to be polled; -1: it could not be made, see errno */
    _Atomic bool is_set;
};

void skn_wakeup_init(struct skn_wakeup *wakeup);
void skn_wakeup_fini(struct skn_wakeup *wakeup);

void skn_wakeup_set(struct skn_wakeup *wakeup);

/* Before whoever polls looks at what there is to do. */
void skn_wakeup_drain(struct skn_wakeup *wakeup);
