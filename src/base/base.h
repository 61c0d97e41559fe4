/* base.h - what every file may use: fixed-width types, attributes, assertions.
 *
 * Owns        the vocabulary of the tree.
 * May include nothing.
 * Threads     any.
 * Invariants
 *   1. SKN_ASSERT is compiled into every build: a broken invariant stops the process before
 *      anything that depends on it becomes durable.
 */
#pragma once

#include <assert.h>  /* IWYU pragma: export */
#include <stdbool.h> /* IWYU pragma: export */
#include <stddef.h>  /* IWYU pragma: export */
#include <stdint.h>  /* IWYU pragma: export */

#define SKN_MUST_USE                __attribute__((warn_unused_result))
#define SKN_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define SKN_NORETURN                __attribute__((noreturn))

#define SKN_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member`, which `ptr` points at. */
#define SKN_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define SKN_ASSERT(cond)                                           \
    do {                                                           \
        if (!(cond)) skn_assert_failed(__FILE__, __LINE__, #cond); \
    } while (0)

/* For what costs more than O(1): only in debug builds, but always compiled. */
#ifdef SKN_DEBUG
#    define SKN_DASSERT(cond) SKN_ASSERT(cond)
#else
#    define SKN_DASSERT(cond)            \
        do {                             \
            if (false) SKN_ASSERT(cond); \
        } while (0)
#endif

/* Prints file, line and condition to standard error and aborts. */
SKN_NORETURN void skn_assert_failed(const char *file, int line, const char *cond);
