/* metrics_map.h - the one catalogue of metrics: cells, names, text and documents come from it.
 *
 * SKN_METRICS_MAP(X): X(kind, id, name, label, buckets, unit, help)
 *   kind     COUNTER only goes up and ends in _total; GAUGE is how it is now; HISTOGRAM counts
 *            values below bounds
 *   name     skein_*, the unit last (before _total)
 *   label    a set below: its values are closed, so that no input can make series without end
 *   buckets  a set below for a histogram, else NONE
 *   unit     SECONDS is kept in nanoseconds; BYTES; COUNT for things
 *   help     one sentence, for people who read /metrics
 */
#pragma once

/* clang-format off */
#define SKN_METRICS_MAP(X) \
    X(COUNTER,   JOURNAL_APPENDS,  "skein_journal_appends_total",   NONE,     NONE, COUNT,   "Groups appended to the journal, one write each.") \
    X(COUNTER,   JOURNAL_BYTES,    "skein_journal_bytes_total",     NONE,     NONE, BYTES,   "Bytes appended to the journal, headers and padding included.") \
    X(COUNTER,   JOURNAL_SYNCS,    "skein_journal_syncs_total",     NONE,     NONE, COUNT,   "Times the journal was made durable.") \
    X(HISTOGRAM, JOURNAL_SYNC,     "skein_journal_sync_seconds",    NONE,     FAST, SECONDS, "How long a sync of the journal took.") \
    X(COUNTER,   JOURNAL_SEGMENTS, "skein_journal_segments_total",  NONE,     NONE, COUNT,   "Journal segments begun.") \
    X(COUNTER,   JOURNAL_CUTS,     "skein_journal_cuts_total",      NONE,     NONE, COUNT,   "Openings that cut a torn tail off the journal.") \
    X(COUNTER,   BATCHES,          "skein_batches_total",           NONE,     NONE, COUNT,   "Batches made durable.") \
    X(COUNTER,   SLICES,           "skein_slices_total",            NONE,     NONE, COUNT,   "Slices handled, faulted ones included.") \
    X(COUNTER,   SLICES_FAULTED,   "skein_slices_faulted_total",    NONE,     NONE, COUNT,   "Slices that faulted; their messages are dead letters.") \
    X(GAUGE,     MAILBOX_DEPTH,    "skein_mailbox_depth",           PRIORITY, NONE, COUNT,   "Messages that wait in mailboxes.") \
    X(GAUGE,     TIMERS_ARMED,     "skein_timers_armed",            NONE,     NONE, COUNT,   "Timers that are armed.") \
    X(COUNTER,   INTENTS_STARTED,  "skein_intents_started_total",   NONE,     NONE, COUNT,   "Attempts of intents that began.") \
    X(COUNTER,   INTENTS_ENDED,    "skein_intents_ended_total",     RESULT,   NONE, COUNT,   "Attempts of intents that ended, by result.") \
    X(COUNTER,   RESULTS_DROPPED,  "skein_results_dropped_total",   NONE,     NONE, COUNT,   "Results dropped because they are of an older epoch.") \
    X(COUNTER,   RUNS_STARTED,     "skein_runs_started_total",      NONE,     NONE, COUNT,   "Runs started.") \
    X(COUNTER,   RUNS_ENDED,       "skein_runs_ended_total",        STATUS,   NONE, COUNT,   "Runs that ended or were interrupted, by status.") \
    X(COUNTER,   PROGRAMS_STARTED, "skein_programs_started_total",  NONE,     NONE, COUNT,   "Programs started.") \
    X(COUNTER,   PROGRAMS_ENDED,   "skein_programs_ended_total",    EXIT,     NONE, COUNT,   "Programs that ended, by how.") \
    X(HISTOGRAM, PROGRAM_TIME,     "skein_program_seconds",         NONE,     LONG, SECONDS, "How long a program ran.") \
    X(GAUGE,     OPEN_TIME,        "skein_open_seconds",            NONE,     NONE, SECONDS, "How long the last opening took, from start to taking work.") \
    X(COUNTER,   SIGNALS,          "skein_signals_total",           LEVEL,    NONE, COUNT,   "Signals emitted, by level.")

/* SKN_LABELS_MAP(L): L(set, name); the values of a set: V(set, id, text). */
#define SKN_LABELS_MAP(L) \
    L(NONE,     "") \
    L(RESULT,   "result") \
    L(STATUS,   "status") \
    L(EXIT,     "exit") \
    L(PRIORITY, "priority") \
    L(LEVEL,    "level")

#define SKN_LABEL_VALUES_NONE(V) V(NONE, NONE, "")

#define SKN_LABEL_VALUES_RESULT(V) \
    V(RESULT, SUCCESS,     "success") \
    V(RESULT, FAILURE,     "failure") \
    V(RESULT, TIMEOUT,     "timeout") \
    V(RESULT, LOST,        "lost") \
    V(RESULT, CANCELLED,   "cancelled") \
    V(RESULT, INTERRUPTED, "interrupted")

#define SKN_LABEL_VALUES_STATUS(V) \
    V(STATUS, SUCCEEDED,   "succeeded") \
    V(STATUS, FAILED,      "failed") \
    V(STATUS, INTERRUPTED, "interrupted")

#define SKN_LABEL_VALUES_EXIT(V) \
    V(EXIT, ZERO,    "zero") \
    V(EXIT, NONZERO, "nonzero") \
    V(EXIT, SIGNAL,  "signal") \
    V(EXIT, NOSTART, "nostart")

#define SKN_LABEL_VALUES_PRIORITY(V) \
    V(PRIORITY, CRITICAL,   "critical") \
    V(PRIORITY, HIGH,       "high") \
    V(PRIORITY, NORMAL,     "normal") \
    V(PRIORITY, LOW,        "low") \
    V(PRIORITY, BACKGROUND, "background")

/* In the order of enum skn_level. */
#define SKN_LABEL_VALUES_LEVEL(V) \
    V(LEVEL, DEBUG,   "debug") \
    V(LEVEL, INFO,    "info") \
    V(LEVEL, WARNING, "warning") \
    V(LEVEL, ERROR,   "error")

/* Upper bounds, going up, in the unit's own count (nanoseconds); B(bound). A sync takes 100 us on a
 * good disk and 30 ms on a bad one; a program milliseconds to hours. */
#define SKN_BUCKETS_NONE(B)
#define SKN_BUCKETS_FAST(B) \
    B(20000) B(50000) B(100000) B(200000) B(500000) B(1000000) B(2000000) B(5000000) B(10000000) \
    B(20000000) B(50000000) B(100000000) B(200000000) B(500000000) B(1000000000) B(5000000000)
#define SKN_BUCKETS_LONG(B) \
    B(5000000) B(10000000) B(50000000) B(100000000) B(500000000) B(1000000000) B(5000000000) \
    B(10000000000) B(30000000000) B(60000000000) B(300000000000) B(1800000000000) B(7200000000000)
#define SKN_BUCKETS_MAP(S) S(NONE) S(FAST) S(LONG)
/* clang-format on */
