/* guard_internal.h - the poison guard's file and the handlers of fatal signals [E35].
 *
 * Owns        `.skein/guard`, mapped and never synced, and while it is open what the process does
 *             about SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT.
 * May include base, store, core.
 * Threads     open, close, forgive, is_poisoned: the main one. A thread that handles messages says so
 *             by thread_begin; the handlers of signals run on the thread that crashed.
 * Invariants
 *   1. Only a signal that the process gave itself marks a slot; kill, a lack of memory and a power
 *      cut do not.
 *   2. The process ends as it would without the guard: whoever handled the signal before gets it.
 *   3. A guard without a file, or with one that cannot be read, hurts nobody.
 *
 * The file, level 1, little-endian:
 *    0  magic "SKNGUARD"
 *    8  u32 level, u32 slots (64), u32 bytes of a slot (536), u32 entries (64)
 *   24  u64 deaths so far: the order of the entries
 *   32  zeros up to 64
 *   64  slots: u32 state (0 nothing, 1 handling, 2 crashed), u32 length of the address,
 *         u64 u64 identity, 512 bytes address
 *   then entries of 552 bytes: u64 check (XXH3 over the rest), u64 order of the last death,
 *         u64 u64 identity, u32 deaths (0: free), u32 length of the address, 512 bytes address
 * A torn page (after a power cut) makes an entry fail its check, or a slot count one death at a place
 * that no message has: neither does harm.
 */
#pragma once

#include "core/guard.h"

enum {
    SKN_GUARD_LEVEL = 1,
    SKN_GUARD_SLOTS = 64,
    SKN_GUARD_ENTRIES = 64, /* what died last; chosen arbitrarily */
    SKN_GUARD_DEATHS = 2,   /* at the same one: it is poison */
};

struct skn_guard_file;

struct skn_guard_events {
    void *ctx;
    /* An earlier process died at a message of `address`, for the n-th time. */
    void (*died)(void *ctx, struct skn_slice address, uint32_t deaths, bool is_poison);
    void (*unreadable)(void *ctx, const char *reason);
};

/* Maps DIR/guard, counts what the last process left in it, and takes the signals. The caller is the
 * thread of slot 0 until close. */
struct skn_guard_file *skn_guard_file_open(const char *dir,
                                           const struct skn_guard_events *events) SKN_MUST_USE;
/* NULL is fine. */
void skn_guard_file_close(struct skn_guard_file *guard);

/* SKN_GUARD_SLOTS of them; NULL: there is no file. */
struct skn_handling *skn_guard_file_slots(struct skn_guard_file *guard);
/* What died too often, as of opening; borrowed until close. */
const struct skn_poison *skn_guard_file_poison(const struct skn_guard_file *guard,
                                               size_t *out_count);
bool skn_guard_file_has(const struct skn_guard_file *guard, struct skn_hash128 identity);
/* Nothing at `address` has died any more, but for dead letters (skn_guard_is_letter). */
void skn_guard_file_forgive(struct skn_guard_file *guard, struct skn_slice address);

/* This thread writes slot `slot` from now on. */
void skn_guard_thread_begin(struct skn_guard_file *guard, unsigned slot);
void skn_guard_thread_end(void);
