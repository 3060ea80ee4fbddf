/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base: what every room stands on. Errors, memory, text, bit sets, maps,
 * cancellation and the memory budget. Knows libc only.
 *
 * Memory policy. Allocations whose size follows the user's line or a small
 * table use hs_xalloc() and friends: failure ends the process with a sentence
 * (the engine is restarted by the shell). Allocations whose size follows the
 * target (columns, bitmaps, rows, caches) use hs_big_alloc(), which is charged
 * to a budget and returns an error.
 */
#ifndef HS_BASE_H
#define HS_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HS_PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))
#define HS_MUST_USE __attribute__((__warn_unused_result__))
#define HS_NORETURN __attribute__((__noreturn__))
/* The result is to be ended with free(). clang has no argument here. */
#ifdef __clang__
#define HS_MALLOC __attribute__((__malloc__))
#else
#define HS_MALLOC __attribute__((__malloc__(free)))
#endif
#define HS_NEVER_NULL __attribute__((__returns_nonnull__))
#define HS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HS_LIKELY(x) __builtin_expect(!!(x), 1)
#define HS_UNLIKELY(x) __builtin_expect(!!(x), 0)

/** Allocate or end the process with a sentence. Zeroed. Free with free(). */
void *hs_xalloc(size_t size) HS_MALLOC;
/** calloc() that ends the process instead of failing; overflow-checked. */
void *hs_xcalloc(size_t n, size_t size) HS_MALLOC;
/** reallocarray() that ends the process instead of failing. */
void *hs_xrealloc(void *p, size_t n, size_t size);
char *hs_xstrdup(const char *s) HS_MALLOC;
/** Copy of at most n bytes, NUL added. */
char *hs_xstrndup(const char *s, size_t n) HS_MALLOC;
/** vasprintf() that ends the process instead of failing. */
char *hs_xasprintf(const char *fmt, ...) HS_PRINTF(1, 2) HS_MALLOC;
char *hs_xvasprintf(const char *fmt, va_list ap) HS_PRINTF(1, 0) HS_MALLOC;

/* Scope guards: HS_CLEANUP(hs_free_p) char *s = …; frees at scope's end. */
#define HS_CLEANUP(fn) __attribute__((__cleanup__(fn)))
static inline void hs_free_p(void *p)
{
	free(*(void **)p);
}
/** Close *fd unless it is negative, and make it -1. */
void hs_close_p(int *fd);
#define HS_FREE HS_CLEANUP(hs_free_p)
#define HS_CLOSE HS_CLEANUP(hs_close_p)
/** Give a guarded pointer away: returns it and leaves NULL behind. */
#define hs_take(p) \
	({ __typeof__(p) hs_take_ = (p); (p) = NULL; hs_take_; })

/** a is a power of two. Wraps past 2^64 - a: check first what is foreign. */
static inline uint64_t hs_align_up(uint64_t v, uint64_t a)
{
	return (v + a - 1) & ~(a - 1);
}
static inline bool hs_add_overflows(uint64_t a, uint64_t b, uint64_t *ret)
{
	return __builtin_add_overflow(a, b, ret);
}
static inline bool hs_mul_overflows(uint64_t a, uint64_t b, uint64_t *ret)
{
	return __builtin_mul_overflow(a, b, ret);
}
/** Sums of foreign numbers that are only shown: the nearest that there is. */
static inline int64_t hs_add_i64(int64_t a, int64_t b)
{
	int64_t sum;

	return !__builtin_add_overflow(a, b, &sum) ? sum :
	       a < 0				   ? INT64_MIN : INT64_MAX;
}
static inline int64_t hs_sub_i64(int64_t a, int64_t b)
{
	int64_t rest;

	return !__builtin_sub_overflow(a, b, &rest) ? rest :
	       a < 0				    ? INT64_MIN : INT64_MAX;
}
/** Monotonic clock in nanoseconds. */
uint64_t hs_now_ns(void);

/* Functions that no room may call: use text.h. The headers that declare them
 * are included above, so that none of them is met later. */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol
#endif
