/* observe.h - what a node tells about itself: metrics, signals, log lines.
 *
 * Owns        the cells of the metrics. Listeners and logs are the caller's.
 * May include base, value.
 * Threads     one thread counts and emits on a struct skn_observe; any other may read its metrics
 *             meanwhile (cells are atomic, without locked instructions). More threads each have
 *             their own, and a reader adds them up.
 * Invariants
 *   1. Counting and emitting never allocate, never fail and never wait: a log line that is too
 *      long is cut, field by field, and what is left is well-formed.
 *   2. The set of series is fixed by the catalogue; nothing from outside becomes a name or a label.
 *   3. A log line is one line: exactly one newline, at its end, whatever the fields hold.
 *   4. Nothing here feeds back: no result depends on whether anybody listens.
 *
 * Every function takes NULL for the observe and then does nothing, so that a module can be used
 * without one.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "observe/metrics_map.h"
#include "observe/signals_map.h"

#include <stdatomic.h>

enum skn_level { SKN_LEVEL_DEBUG, SKN_LEVEL_INFO, SKN_LEVEL_WARNING, SKN_LEVEL_ERROR };

/* --- metrics ---------------------------------------------------------------------------------- */

enum skn_metric {
#define X(kind, id, name, label, buckets, unit, help) SKN_METRIC_##id,
    SKN_METRICS_MAP(X)
#undef X
        SKN_METRIC_COUNT
};

/* SKN_LABEL_RESULT_TIMEOUT and the like, and SKN_LABEL_RESULT_COUNT behind each set. */
#define V(set, id, text) SKN_LABEL_##set##_##id,
#define L(set, name)     enum { SKN_LABEL_VALUES_##set(V) SKN_LABEL_##set##_COUNT };
SKN_LABELS_MAP(L)
#undef L
#undef V

#define B(bound) +1
#define S(set)   SKN_BUCKETS_##set##_COUNT = 0 SKN_BUCKETS_##set(B),
enum { SKN_BUCKETS_MAP(S) };
#undef S
#undef B

/* A series has one cell; that of a histogram a cell per bound, one for all above, and the sum. */
#define SKN_SERIES_CELLS_COUNTER(bounds)   1
#define SKN_SERIES_CELLS_GAUGE(bounds)     1
#define SKN_SERIES_CELLS_HISTOGRAM(bounds) ((bounds) + 2)

/* Never made: one byte stands for one cell, so that the compiler counts and places them. */
struct skn_metric_layout {
#define X(kind, id, name, label, buckets, unit, help) \
    char id[SKN_LABEL_##label##_COUNT * SKN_SERIES_CELLS_##kind(SKN_BUCKETS_##buckets##_COUNT)];
    SKN_METRICS_MAP(X)
#undef X
};

struct skn_observe {
    struct skn_list listeners;
    _Atomic uint64_t cells[sizeof(struct skn_metric_layout)];
};

/* All zero, nobody listens. There is no fini: nothing is owned. */
void skn_observe_init(struct skn_observe *observe);

/* Counts `n` more. `label` is a value of the metric's set, or 0 where it has none. */
void skn_observe_count(struct skn_observe *observe,
                       enum skn_metric metric,
                       unsigned label,
                       uint64_t n);

/* How it is now; `change` goes both ways. */
void skn_observe_set(struct skn_observe *observe,
                     enum skn_metric metric,
                     unsigned label,
                     int64_t value);
void skn_observe_change(struct skn_observe *observe,
                        enum skn_metric metric,
                        unsigned label,
                        int64_t change);

/* Puts a value into a histogram; SECONDS are given in nanoseconds. */
void skn_observe_value(struct skn_observe *observe,
                       enum skn_metric metric,
                       unsigned label,
                       uint64_t value);

/* A counter or gauge as it is; of a histogram how many values it has. */
int64_t skn_observe_read(const struct skn_observe *observe, enum skn_metric metric, unsigned label);

/* Adds all cells of `from`, which another thread may be counting on. */
void skn_observe_add(struct skn_observe *observe, const struct skn_observe *from);

/* Appends every series as Prometheus text, exposition format 0.0.4. */
void skn_observe_prometheus(const struct skn_observe *observe, struct skn_buf *out);

/* --- signals ---------------------------------------------------------------------------------- */

enum skn_signal_id {
#define S(id, name, level, when) SKN_SIGNAL_##id,
    SKN_SIGNALS_MAP(S)
#undef S
        SKN_SIGNAL_COUNT
};

enum skn_field_type { SKN_FIELD_TEXT, SKN_FIELD_INT, SKN_FIELD_UINT, SKN_FIELD_BOOL };

struct skn_field_info {
    const char *name;
    enum skn_field_type type;
    size_t offset; /* in the struct of the signal */
};

struct skn_signal_info {
    enum skn_signal_id id;
    enum skn_level level;
    const char *name;
    const char *when;
    const struct skn_field_info *fields;
    size_t field_count;
};

/* What a listener is given; dies with the call. */
struct skn_signal {
    const struct skn_signal_info *info;
    uint64_t wall_ms; /* since 1970 */
    const void *fields;
};

struct skn_listener;
typedef void (*skn_signal_fn)(struct skn_listener *listener, const struct skn_signal *signal);

struct skn_listener {
    struct skn_list link;
    skn_signal_fn fn; /* may not emit, and may not add or remove listeners */
};

/* Calls `listener`, borrowed until unlisten, for every signal; earlier listeners first. */
void skn_observe_listen(struct skn_observe *observe, struct skn_listener *listener);
void skn_observe_unlisten(struct skn_listener *listener);

/* The row of a signal. */
const struct skn_signal_info *skn_signal_info(enum skn_signal_id id);

/* "debug", "info", "warning", "error". */
const char *skn_level_name(enum skn_level level);

/* For the functions below. */
void skn_observe_emit(struct skn_observe *observe,
                      enum skn_signal_id id,
                      uint64_t wall_ms,
                      const void *fields);

/* For each signal of the catalogue a struct of its fields and a function that emits it:
 *
 *     skn_signal_run_started(observe, wall_ms, &(struct skn_signal_run_started){.run = id, ..});
 */
#define SKN_FIELD_C_TEXT  struct skn_slice
#define SKN_FIELD_C_INT   int64_t
#define SKN_FIELD_C_UINT  uint64_t
#define SKN_FIELD_C_BOOL  bool
#define F(s, type, field) SKN_FIELD_C_##type field;
#define S(id, name, level, when)                                                               \
    struct skn_signal_##name {                                                                 \
        SKN_SIGNAL_FIELDS_##id(F, name)                                                        \
    };                                                                                         \
    static inline void skn_signal_##name(                                                      \
        struct skn_observe *observe, uint64_t wall_ms, const struct skn_signal_##name *fields) \
    {                                                                                          \
        skn_observe_emit(observe, SKN_SIGNAL_##id, wall_ms, fields);                           \
    }
SKN_SIGNALS_MAP(S)
#undef S
#undef F

/* --- log lines -------------------------------------------------------------------------------- */

/* Source bytes of a text field that a line shows; the rest is replaced by "...". A diag fits. */
enum { SKN_LOG_TEXT_MAX = 512 };

enum skn_log_format {
    SKN_LOG_TEXT, /* time=2026-11-21T11:02:11.123Z level=info signal=run_started run=r1 .. */
    SKN_LOG_JSON, /* {"time":"2026-11-21T11:02:11.123Z","level":"info","signal":"run_started",.. */
};

/* Takes one line, its newline included; the bytes die with the call. */
typedef void (*skn_line_fn)(void *ctx, struct skn_slice line);

/* A listener that makes lines. */
struct skn_log {
    struct skn_listener listener;
    enum skn_log_format format;
    enum skn_level least; /* signals below it make no line */
    skn_line_fn fn;
    void *ctx;
    struct skn_buf line; /* all of its memory is taken at init */
};

void skn_log_init(struct skn_log *log,
                  enum skn_log_format format,
                  enum skn_level least,
                  skn_line_fn fn,
                  void *ctx);

/* Stops listening and frees the line. */
void skn_log_fini(struct skn_log *log);

/* One line, for callers without a log. Text that is not UTF-8 is shown with U+FFFD. */
void skn_signal_format(const struct skn_signal *signal,
                       enum skn_log_format format,
                       struct skn_buf *out);
