/* test_base.c - a broken assertion ends the process and says where. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "base/mem.h"
#include "lib/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `body` in a child and gives the signal that ended it, 0 for none, and what it printed. */
static int ended_by(void (*body)(void), char *out, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], 2);
        body();
        _exit(0);
    }
    assert_int_equal(close(ends[1]), 0);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    assert_int_equal(close(ends[0]), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void break_one(void)
{
    volatile int one = 1;
    SKN_ASSERT(one == 2);
}

static void break_a_debug_one(void)
{
    volatile int one = 1;
    SKN_DASSERT(one == 3);
}

static void break_none(void)
{
    volatile int one = 1;
    SKN_ASSERT(one == 1);
    SKN_DASSERT(one == 1);
}

static void a_broken_assertion_aborts_and_names_its_place(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(ended_by(break_one, out, sizeof out), SIGABRT);
    assert_non_null(strstr(out, "test_base.c:"));
    assert_non_null(strstr(out, ": assertion failed: one == 2\n"));
}

static void a_debug_assertion_counts_in_debug_builds_only(void **state)
{
    (void)state;
    char out[4096];
#ifdef SKN_DEBUG
    assert_int_equal(ended_by(break_a_debug_one, out, sizeof out), SIGABRT);
    assert_non_null(strstr(out, "one == 3"));
#else
    assert_int_equal(ended_by(break_a_debug_one, out, sizeof out), 0);
#endif
}

static void a_true_assertion_does_nothing(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(ended_by(break_none, out, sizeof out), 0);
    assert_string_equal(out, "");
}

static void the_struct_around_a_member_is_found(void **state)
{
    (void)state;
    struct outer {
        char first;
        uint64_t member;
    } outer = {0};
    assert_ptr_equal(SKN_CONTAINER_OF(&outer.member, struct outer, member), &outer);
    assert_int_equal(SKN_ARRAY_LEN(((int[3]){0})), 3);
}

/* A sanitizer has an allocator of its own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#    define HAS_SANITIZER
#elif defined __has_feature
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define HAS_SANITIZER
#    endif
#endif

#ifndef HAS_SANITIZER
/* Bytes that may be written in the mapping that an address is in. */
static size_t mapped_around(const void *address)
{
    char line[300];
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (found == 0 && fgets(line, sizeof line, maps)) {
        char *at = line;
        uintptr_t from = strtoull(at, &at, 16), to = strtoull(at + 1, &at, 16);
        if ((uintptr_t)address >= from && (uintptr_t)address < to) found = to - from;
    }
    (void)fclose(maps);
    return found;
}

static void *expect_much(void *arg)
{
    size_t *sizes = arg;
    void *small = skn_alloc(100); /* the thread has a heap of its own from here on */
    sizes[0] = mapped_around(small);
    skn_mem_expect(8 << 20);
    sizes[1] = mapped_around(small);
    skn_free(small);
    return NULL;
}

static void a_thread_that_expects_to_need_memory_asks_the_kernel_once(void **state)
{
    (void)state;
    pthread_t thread;
    size_t sizes[2] = {0};
    assert_int_equal(pthread_create(&thread, NULL, expect_much, sizes), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sizes[0] < 1 << 20);
    assert_true(sizes[1] > 7 << 20);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_assertion_aborts_and_names_its_place),
        cmocka_unit_test(a_debug_assertion_counts_in_debug_builds_only),
        cmocka_unit_test(a_true_assertion_does_nothing),
        cmocka_unit_test(the_struct_around_a_member_is_found),
#ifndef HAS_SANITIZER
        cmocka_unit_test(a_thread_that_expects_to_need_memory_asks_the_kernel_once),
#endif
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
