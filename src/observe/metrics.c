/* metrics.c - cells that are counted, and their Prometheus text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/observe.h"

#include <inttypes.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };
enum unit { COUNT, BYTES, SECONDS };

#define V(set, id, text) text,
#define L(set, name)     static const char *const values_##set[] = {SKN_LABEL_VALUES_##set(V)};
SKN_LABELS_MAP(L)
#undef L
#undef V

struct label_set {
    const char *name;
    const char *const *values;
    unsigned count;
};

#define L(set, name) SET_##set,
enum { SKN_LABELS_MAP(L) };
#undef L

static const struct label_set label_sets[] = {
#define L(set, name) [SET_##set] = {name, values_##set, SKN_LABEL_##set##_COUNT},
    SKN_LABELS_MAP(L)
#undef L
};

/* The 0 gives the set without bounds a place too; nobody reads it. */
#define B(bound) UINT64_C(bound),
#define S(set)   static const uint64_t bounds_##set[] = {SKN_BUCKETS_##set(B) 0};
SKN_BUCKETS_MAP(S)
#undef S
#undef B

struct metric_info {
    enum kind kind;
    enum unit unit;
    const char *name;
    const char *help;
    const struct label_set *label;
    const uint64_t *bounds;
    size_t bound_count;
    size_t cells_each; /* of one series */
    size_t first;      /* the first cell of the first series */
};

static const struct metric_info metrics[SKN_METRIC_COUNT] = {
#define X(k, id, n, l, b, u, h)                                                       \
    [SKN_METRIC_##id] = {.kind = k,                                                   \
                         .unit = u,                                                   \
                         .name = n,                                                   \
                         .help = h,                                                   \
                         .label = &label_sets[SET_##l],                               \
                         .bounds = bounds_##b,                                        \
                         .bound_count = SKN_BUCKETS_##b##_COUNT,                      \
                         .cells_each = SKN_SERIES_CELLS_##k(SKN_BUCKETS_##b##_COUNT), \
                         .first = offsetof(struct skn_metric_layout, id)},
    SKN_METRICS_MAP(X)
#undef X
};

static uint64_t load(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

/* Nobody else writes, so a load and a store do what a locked add would, ten times as fast. */
static void bump(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, load(cell) + n, memory_order_relaxed);
}

void skn_observe_init(struct skn_observe *observe)
{
    skn_list_init(&observe->listeners);
    for (size_t i = 0; i < SKN_ARRAY_LEN(observe->cells); i++)
        atomic_init(&observe->cells[i], 0);
}

static size_t cell_of(const struct metric_info *info, unsigned label)
{
    SKN_ASSERT(label < info->label->count);
    return info->first + label * info->cells_each;
}

void skn_observe_count(struct skn_observe *observe,
                       enum skn_metric metric,
                       unsigned label,
                       uint64_t n)
{
    if (!observe) return;
    SKN_ASSERT(metrics[metric].kind == COUNTER);
    bump(&observe->cells[cell_of(&metrics[metric], label)], n);
}

void skn_observe_set(struct skn_observe *observe,
                     enum skn_metric metric,
                     unsigned label,
                     int64_t value)
{
    if (!observe) return;
    SKN_ASSERT(metrics[metric].kind == GAUGE);
    atomic_store_explicit(
        &observe->cells[cell_of(&metrics[metric], label)], (uint64_t)value, memory_order_relaxed);
}

void skn_observe_change(struct skn_observe *observe,
                        enum skn_metric metric,
                        unsigned label,
                        int64_t change)
{
    if (!observe) return;
    SKN_ASSERT(metrics[metric].kind == GAUGE);
    bump(&observe->cells[cell_of(&metrics[metric], label)], (uint64_t)change);
}

void skn_observe_value(struct skn_observe *observe,
                       enum skn_metric metric,
                       unsigned label,
                       uint64_t value)
{
    if (!observe) return;
    const struct metric_info *info = &metrics[metric];
    SKN_ASSERT(info->kind == HISTOGRAM);
    size_t cell = cell_of(info, label);
    size_t bucket = 0;
    while (bucket < info->bound_count && value > info->bounds[bucket])
        bucket++;
    bump(&observe->cells[cell + bucket], 1);
    bump(&observe->cells[cell + info->bound_count + 1], value);
}

int64_t skn_observe_read(const struct skn_observe *observe, enum skn_metric metric, unsigned label)
{
    if (!observe) return 0;
    const struct metric_info *info = &metrics[metric];
    size_t cell = cell_of(info, label);
    uint64_t n = load(&observe->cells[cell]);
    for (size_t i = 1; info->kind == HISTOGRAM && i <= info->bound_count; i++)
        n += load(&observe->cells[cell + i]);
    return (int64_t)n;
}

void skn_observe_add(struct skn_observe *observe, const struct skn_observe *from)
{
    if (!observe || !from) return;
    for (size_t i = 0; i < SKN_ARRAY_LEN(observe->cells); i++)
        bump(&observe->cells[i], load(&from->cells[i]));
}

/* Nanoseconds as seconds, exactly: a sum of years keeps its last digit, which a double would not. */
static void put_amount(struct skn_buf *out, enum unit unit, uint64_t n)
{
    if (unit != SECONDS) {
        skn_buf_printf(out, "%" PRIu64, n);
        return;
    }
    skn_buf_printf(out, "%" PRIu64, n / 1000000000);
    char digits[9];
    size_t len = 0;
    uint64_t rest = n % 1000000000;
    for (; rest > 0; rest = rest % 100000000 * 10)
        digits[len++] = (char)('0' + rest / 100000000);
    if (len == 0) return;
    skn_buf_put_u8(out, '.');
    skn_buf_put(out, skn_slice(digits, len));
}

static void put_label(struct skn_buf *out, const struct label_set *set, unsigned label)
{
    if (set->name[0] == '\0') return;
    skn_buf_printf(out, "%s=\"%s\"", set->name, set->values[label]);
}

/* name{label} amount */
static void put_sample(struct skn_buf *out,
                       const struct metric_info *info,
                       const char *suffix,
                       unsigned label,
                       enum unit unit,
                       int64_t value)
{
    skn_buf_printf(out, "%s%s", info->name, suffix);
    if (info->label->name[0] != '\0') {
        skn_buf_put_u8(out, '{');
        put_label(out, info->label, label);
        skn_buf_put_u8(out, '}');
    }
    /* Only a gauge goes below zero; the others have all 64 bits for themselves. */
    bool is_minus = info->kind == GAUGE && value < 0;
    skn_buf_put_str(out, is_minus ? " -" : " ");
    put_amount(out, unit, is_minus ? 0 - (uint64_t)value : (uint64_t)value);
    skn_buf_put_u8(out, '\n');
}

static void put_bucket(struct skn_buf *out,
                       const struct metric_info *info,
                       unsigned label,
                       size_t bucket,
                       uint64_t below)
{
    skn_buf_printf(out, "%s_bucket{", info->name);
    put_label(out, info->label, label);
    skn_buf_put_str(out, info->label->name[0] == '\0' ? "le=\"" : ",le=\"");
    if (bucket == info->bound_count) {
        skn_buf_put_str(out, "+Inf");
    } else {
        put_amount(out, info->unit, info->bounds[bucket]);
    }
    skn_buf_printf(out, "\"} %" PRIu64 "\n", below);
}

/* The count is added up from the buckets that are shown: another thread may be counting meanwhile,
 * and the last bucket must be equal to the count. */
static void put_histogram(struct skn_buf *out,
                          const struct metric_info *info,
                          unsigned label,
                          const _Atomic uint64_t *cells)
{
    uint64_t below = 0;
    for (size_t bucket = 0; bucket <= info->bound_count; bucket++) {
        below += load(&cells[bucket]);
        put_bucket(out, info, label, bucket, below);
    }
    int64_t sum = (int64_t)load(&cells[info->bound_count + 1]);
    put_sample(out, info, "_sum", label, info->unit, sum);
    put_sample(out, info, "_count", label, COUNT, (int64_t)below);
}

void skn_observe_prometheus(const struct skn_observe *observe, struct skn_buf *out)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    if (!observe) return;
    for (size_t m = 0; m < SKN_METRIC_COUNT; m++) {
        const struct metric_info *info = &metrics[m];
        skn_buf_printf(out, "# HELP %s %s\n", info->name, info->help);
        skn_buf_printf(out, "# TYPE %s %s\n", info->name, types[info->kind]);
        for (unsigned label = 0; label < info->label->count; label++) {
            const _Atomic uint64_t *cells = &observe->cells[cell_of(info, label)];
            if (info->kind == HISTOGRAM) {
                put_histogram(out, info, label, cells);
            } else {
                put_sample(out, info, "", label, info->unit, (int64_t)load(cells));
            }
        }
    }
}
