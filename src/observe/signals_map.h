/* signals_map.h - the one catalogue of signals: structs, functions, log lines and documents come
 * from it.
 *
 * SKN_SIGNALS_MAP(S): S(id, name, level, when)
 *   when    completes "emitted when .."
 * SKN_SIGNAL_FIELDS_<id>(F, s): F(s, type, field), at least one, SKN_SIGNAL_FIELDS_MAX at most
 *   s       the name, handed through, so that F can name the struct
 *   type    TEXT, INT (signed), UINT, BOOL; the unit is the end of the field's name
 *
 * Names and fields are read by other programs: they may be added, never renamed.
 */
#pragma once

/* clang-format off */
#define SKN_SIGNALS_MAP(S) \
    S(NODE_OPENED,        node_opened,        INFO,    "the data directory is open and work is taken") \
    S(NODE_STOPPED,       node_stopped,       INFO,    "everything is durable and the data directory is closed") \
    S(NODE_FAILED,        node_failed,        ERROR,   "the node ends because of a fault") \
    S(NODE_CRASHED,       node_crashed,       ERROR,   "an earlier node died of a fault of its own while it handled a message") \
    S(GUARD_UNREADABLE,   guard_unreadable,   WARNING, "what the poison guard kept is left out") \
    S(KEYS_UNREADABLE,    keys_unreadable,    ERROR,   "the sealing keys cannot be read; domains that need them wait") \
    S(HISTORY_GIVEN_UP,   history_given_up,   WARNING, "history is given up: the disk is short of room, or a base could not be made") \
    S(JOURNAL_TAIL_CUT,   journal_tail_cut,   WARNING, "an opening found a torn group at the end and left it out") \
    S(JOURNAL_SEGMENT,    journal_segment,    DEBUG,   "a new segment of the journal was begun") \
    S(DISK_LOW,           disk_low,           WARNING, "free space is so low that new work is refused") \
    S(CLOCK_JUMPED,       clock_jumped,       WARNING, "the node's clock followed the wall clock") \
    S(CLOCK_WAITS,        clock_waits,        WARNING, "the wall clock is too far ahead: skein clock accept follows it") \
    S(LEFTOVER_KILLED,    leftover_killed,    WARNING, "a program of an earlier node was found and killed") \
    S(DOMAIN_FAULTED,     domain_faulted,     ERROR,   "a domain takes no messages any more") \
    S(SLICE_FAULTED,      slice_faulted,      WARNING, "a message was moved to the dead letters") \
    S(RESULT_DROPPED,     result_dropped,     WARNING, "a result of an older epoch came and was dropped") \
    S(RUN_STARTED,        run_started,        INFO,    "the first batch of a run is durable") \
    S(RUN_TAKEN_UP,       run_taken_up,       INFO,    "an interrupted run goes on") \
    S(RUN_ENDED,          run_ended,          INFO,    "a run succeeded, failed or was interrupted") \
    S(CONTEXT_WAITING,    context_waiting,    DEBUG,   "a context waits for a timer, a place or a signal") \
    S(CONTEXT_ENDED,      context_ended,      DEBUG,   "a context has its outcome") \
    S(ATTEMPT_STARTED,    attempt_started,    INFO,    "an attempt of a task is performed") \
    S(ATTEMPT_ENDED,      attempt_ended,      INFO,    "an attempt of a task has its result") \
    S(RETRY_SCHEDULED,    retry_scheduled,    WARNING, "a failed attempt will be tried again")

#define SKN_SIGNAL_FIELDS_NODE_OPENED(F, s)      F(s, TEXT, directory) F(s, UINT, epoch) F(s, UINT, pid) F(s, UINT, records) F(s, UINT, open_ms)
#define SKN_SIGNAL_FIELDS_NODE_STOPPED(F, s)     F(s, TEXT, directory) F(s, UINT, epoch)
#define SKN_SIGNAL_FIELDS_NODE_FAILED(F, s)      F(s, TEXT, code) F(s, TEXT, reason) F(s, INT, exit)
#define SKN_SIGNAL_FIELDS_NODE_CRASHED(F, s)     F(s, TEXT, domain) F(s, UINT, deaths) F(s, TEXT, reason)
#define SKN_SIGNAL_FIELDS_GUARD_UNREADABLE(F, s) F(s, TEXT, directory) F(s, TEXT, reason)
#define SKN_SIGNAL_FIELDS_KEYS_UNREADABLE(F, s)  F(s, TEXT, directory) F(s, TEXT, code) F(s, TEXT, reason)
#define SKN_SIGNAL_FIELDS_HISTORY_GIVEN_UP(F, s) F(s, TEXT, directory)
#define SKN_SIGNAL_FIELDS_JOURNAL_TAIL_CUT(F, s) F(s, TEXT, file) F(s, UINT, offset) F(s, UINT, group)
#define SKN_SIGNAL_FIELDS_JOURNAL_SEGMENT(F, s)  F(s, TEXT, file) F(s, UINT, segment) F(s, UINT, bytes)
#define SKN_SIGNAL_FIELDS_DISK_LOW(F, s)         F(s, TEXT, directory) F(s, UINT, free_bytes) F(s, UINT, total_bytes)
#define SKN_SIGNAL_FIELDS_CLOCK_JUMPED(F, s)     F(s, INT, ahead_ms)
#define SKN_SIGNAL_FIELDS_CLOCK_WAITS(F, s)      F(s, INT, ahead_ms)
#define SKN_SIGNAL_FIELDS_LEFTOVER_KILLED(F, s)  F(s, UINT, pid)
#define SKN_SIGNAL_FIELDS_DOMAIN_FAULTED(F, s)   F(s, TEXT, domain) F(s, TEXT, code) F(s, TEXT, reason)
#define SKN_SIGNAL_FIELDS_SLICE_FAULTED(F, s)    F(s, TEXT, domain) F(s, TEXT, message) F(s, TEXT, code) F(s, TEXT, reason)
#define SKN_SIGNAL_FIELDS_RESULT_DROPPED(F, s)   F(s, TEXT, domain) F(s, UINT, intent) F(s, UINT, epoch)
#define SKN_SIGNAL_FIELDS_RUN_STARTED(F, s)      F(s, TEXT, run) F(s, TEXT, name) F(s, TEXT, flow)
#define SKN_SIGNAL_FIELDS_RUN_TAKEN_UP(F, s)     F(s, TEXT, run) F(s, UINT, epoch) F(s, UINT, interrupted)
#define SKN_SIGNAL_FIELDS_RUN_ENDED(F, s)        F(s, TEXT, run) F(s, TEXT, status) F(s, TEXT, outcome) F(s, UINT, duration_ms) F(s, TEXT, code) F(s, TEXT, reason)
#define SKN_SIGNAL_FIELDS_CONTEXT_WAITING(F, s)  F(s, TEXT, run) F(s, TEXT, path) F(s, TEXT, on)
#define SKN_SIGNAL_FIELDS_CONTEXT_ENDED(F, s)    F(s, TEXT, run) F(s, TEXT, path) F(s, TEXT, outcome)
#define SKN_SIGNAL_FIELDS_ATTEMPT_STARTED(F, s)  F(s, TEXT, run) F(s, TEXT, path) F(s, TEXT, event) F(s, UINT, attempt) F(s, TEXT, key) F(s, UINT, epoch)
#define SKN_SIGNAL_FIELDS_ATTEMPT_ENDED(F, s)    F(s, TEXT, run) F(s, TEXT, path) F(s, TEXT, event) F(s, UINT, attempt) F(s, TEXT, result) F(s, TEXT, reason) F(s, UINT, duration_ms)
#define SKN_SIGNAL_FIELDS_RETRY_SCHEDULED(F, s)  F(s, TEXT, run) F(s, TEXT, path) F(s, UINT, attempt) F(s, UINT, delay_ms)
/* clang-format on */

enum { SKN_SIGNAL_FIELDS_MAX = 8 };
