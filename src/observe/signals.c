/* signals.c - the table of signals, and who is told. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/observe.h"

#define F(s, type, field) {#field, SKN_FIELD_##type, offsetof(struct skn_signal_##s, field)},
#define S(id, name, level, when)                                                             \
    static const struct skn_field_info fields_of_##id[] = {SKN_SIGNAL_FIELDS_##id(F, name)}; \
    static_assert(SKN_ARRAY_LEN(fields_of_##id) <= SKN_SIGNAL_FIELDS_MAX, "a line must hold them");
SKN_SIGNALS_MAP(S)
#undef S
#undef F

static const struct skn_signal_info signals[SKN_SIGNAL_COUNT] = {
#define S(i, n, l, w)                            \
    [SKN_SIGNAL_##i] = {.id = SKN_SIGNAL_##i,    \
                        .level = SKN_LEVEL_##l,  \
                        .name = #n,              \
                        .when = w,               \
                        .fields = fields_of_##i, \
                        .field_count = SKN_ARRAY_LEN(fields_of_##i)},
    SKN_SIGNALS_MAP(S)
#undef S
};

/* A level is counted under the label of its own number. */
static_assert((int)SKN_LEVEL_DEBUG == (int)SKN_LABEL_LEVEL_DEBUG, "one order of levels");
static_assert((int)SKN_LEVEL_ERROR == (int)SKN_LABEL_LEVEL_ERROR, "one order of levels");

const struct skn_signal_info *skn_signal_info(enum skn_signal_id id)
{
    SKN_ASSERT(id < SKN_SIGNAL_COUNT);
    return &signals[id];
}

const char *skn_level_name(enum skn_level level)
{
#define V(set, id, text) text,
    static const char *const names[] = {SKN_LABEL_VALUES_LEVEL(V)};
#undef V
    SKN_ASSERT((size_t)level < SKN_ARRAY_LEN(names));
    return names[level];
}

void skn_observe_listen(struct skn_observe *observe, struct skn_listener *listener)
{
    if (!observe) return;
    SKN_ASSERT(listener->fn);
    skn_list_push_back(&observe->listeners, &listener->link);
}

void skn_observe_unlisten(struct skn_listener *listener)
{
    skn_list_remove(&listener->link);
}

void skn_observe_emit(struct skn_observe *observe,
                      enum skn_signal_id id,
                      uint64_t wall_ms,
                      const void *fields)
{
    if (!observe) return;
    struct skn_signal signal = {skn_signal_info(id), wall_ms, fields};
    skn_observe_count(observe, SKN_METRIC_SIGNALS, (unsigned)signal.info->level, 1);
    SKN_LIST_FOREACH (link, &observe->listeners) {
        struct skn_listener *listener = SKN_CONTAINER_OF(link, struct skn_listener, link);
        listener->fn(listener, &signal);
    }
}
