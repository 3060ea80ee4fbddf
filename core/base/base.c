// SPDX-License-Identifier: Apache-2.0
#include "base.h"
#include "vec.h"

#include <stdarg.h>
#include <time.h>
#include <unistd.h>

/* No stdio: its own buffers may be what could not be allocated. */
static HS_NORETURN void die_nomem(void)
{
	static const char msg[] = "heapsh: out of memory\n";

	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0) {
		// Nobody is left to be told.
	}
	_exit(1);
}

void *hs_xalloc(size_t size)
{
	return hs_xcalloc(1, size);
}

void *hs_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die_nomem();
	return p;
}

void *hs_xrealloc(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n ? n : 1, size ? size : 1);

	if (!q)
		die_nomem();
	return q;
}

char *hs_xstrdup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		die_nomem();
	return copy;
}

char *hs_xstrndup(const char *s, size_t n)
{
	char *copy = strndup(s, n);

	if (!copy)
		die_nomem();
	return copy;
}

char *hs_xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		die_nomem();
	return s;
}

char *hs_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = hs_xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

void hs_close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

uint64_t hs_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void *hs_vec_grow(void *v, size_t *cap, size_t need, size_t item_size)
{
	size_t grown = *cap < 4 ? 8 : *cap * 2;

	// A doubled cap that wrapped is smaller than need.
	if (grown < need)
		grown = need;
	v = hs_xrealloc(v, grown, item_size);
	*cap = grown;
	return v;
}
