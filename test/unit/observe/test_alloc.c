/* test_alloc.c - nothing is allocated while counting, emitting and writing lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lib/test.h"
#include "observe/observe.h"

#include <stdlib.h>

/* The linker sends every call of malloc, calloc and realloc here (see meson.build). */
static unsigned calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    calls++;
    return __real_realloc(ptr, size);
}

static void count_lines(void *ctx, struct skn_slice line)
{
    assert_true(line.len > 0);
    *(unsigned *)ctx += 1;
}

static void act(struct skn_observe *observe, uint64_t step, struct skn_slice long_text)
{
    skn_observe_count(observe, SKN_METRIC_SLICES, 0, 1);
    skn_observe_change(observe, SKN_METRIC_TIMERS_ARMED, 0, -1);
    skn_observe_set(observe, SKN_METRIC_MAILBOX_DEPTH, SKN_LABEL_PRIORITY_LOW, (int64_t)step);
    skn_observe_value(observe, SKN_METRIC_JOURNAL_SYNC, 0, step * 1000);
    skn_signal_attempt_ended(observe,
                             step,
                             &(struct skn_signal_attempt_ended){.run = long_text,
                                                                .path = long_text,
                                                                .event = long_text,
                                                                .attempt = step,
                                                                .result = long_text,
                                                                .reason = long_text,
                                                                .duration_ms = UINT64_MAX});
}

static void the_hot_path_allocates_nothing(void **state)
{
    (void)state;
    static uint8_t long_text[100000]; /* every byte becomes six */
    memset(long_text, 1, sizeof long_text);
    unsigned lines = 0;
    struct skn_observe observe;
    struct skn_log logs[2];
    skn_observe_init(&observe);
    for (int i = 0; i < 2; i++) {
        skn_log_init(&logs[i], i == 0 ? SKN_LOG_TEXT : SKN_LOG_JSON, 0, count_lines, &lines);
        skn_observe_listen(&observe, &logs[i].listener);
    }
    unsigned before = calls;
    for (uint64_t step = 0; step < 1000; step++)
        act(&observe, step, skn_slice(long_text, (size_t)(step * 100)));
    assert_int_equal(calls, before);
    assert_int_equal(lines, 2000);
    for (int i = 0; i < 2; i++)
        skn_log_fini(&logs[i]);
}

/* Else the test above could not fail. */
static void an_allocation_is_seen(void **state)
{
    (void)state;
    unsigned before = calls;
    skn_free(skn_alloc(1));
    assert_int_equal(calls, before + 1);
    skn_free(skn_realloc(NULL, 1));
    assert_int_equal(calls, before + 2);
    skn_free(skn_alloc_zero(1, 1));
    assert_int_equal(calls, before + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hot_path_allocates_nothing),
        cmocka_unit_test(an_allocation_is_seen),
    };
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
