/* wakeup.c - an eventfd and the flag that saves most of its writes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/wakeup_internal.h"

#include "base/bug.h"

#include <sys/eventfd.h>
#include <unistd.h>

void skn_wakeup_init(struct skn_wakeup *wakeup)
{
    atomic_init(&wakeup->is_set, false);
    wakeup->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void skn_wakeup_fini(struct skn_wakeup *wakeup)
{
    if (wakeup->fd >= 0) (void)close(wakeup->fd);
    wakeup->fd = -1;
}

void skn_wakeup_set(struct skn_wakeup *wakeup)
{
    static const uint64_t one = 1;
    if (atomic_exchange_explicit(&wakeup->is_set, true, memory_order_seq_cst)) return;
    ssize_t n = write(wakeup->fd, &one, sizeof one);
    SKN_ASSERT(n == (ssize_t)sizeof one);
}

void skn_wakeup_drain(struct skn_wakeup *wakeup)
{
    uint64_t count;
    if (!atomic_load_explicit(&wakeup->is_set, memory_order_seq_cst)) return;
    if (skn_bug(SKN_BUG_WAKE_LOST))
        (void)atomic_exchange_explicit(&wakeup->is_set, false, memory_order_seq_cst);
    /* Nothing there yet: it stays on, and the poll ends at once when it comes. */
    if (read(wakeup->fd, &count, sizeof count) != (ssize_t)sizeof count) return;
    /* An exchange, not a store: it sees what those did who found the flag on. */
    (void)atomic_exchange_explicit(&wakeup->is_set, false, memory_order_seq_cst);
}
