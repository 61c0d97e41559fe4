/* sync_count.h - counts the syncs of this process and makes each of them slower on demand.
 *
 * Owns        fdatasync and fsync of a program that links it: a library's calls come here too, so that
 *             ours and a peer's are counted and delayed by the same code.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/base.h"

/* So many nanoseconds of sleep follow each sync from now on, like a disk that takes longer. */
void skn_sync_delay(uint64_t ns);

/* Since the program began: of all threads, and of those that called skn_sync_mark. A library syncs
 * for a thread of ours in that thread (its log), or in threads of its own (its tables). */
uint64_t skn_sync_count(void);
uint64_t skn_sync_count_marked(void);
void skn_sync_mark(void);
