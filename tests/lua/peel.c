/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel PID: finds the objects of a Lua that holds still twice, in one look
 * through memory and along the collector's lists. Prints
 *
 *	HOW OBJECTS UPVALUES DIFFER
 *
 * where HOW is "peeled", or "followed" when the look was not enough, and DIFFER
 * says how many addresses only one of the two ways has found.
 */
#include "peek_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "luaheap.h"

static void start(const struct lua_found *f, struct lua *st)
{
	st->mem = f->mem;
	memcpy(st->states, f->states, sizeof(st->states));
	st->n_states = f->n_states;
	st->looked_everywhere = f->looked_everywhere;
	pthread_mutex_init(&st->lock, NULL);
}

static uint64_t count(const struct lua_space *s)
{
	uint64_t *windows = lua_space_windows(s), n = 0, i, w;

	for (i = 0; windows != NULL && i < s->n; i++) {
		const uint64_t *map = lua_space_window(
			s, windows[i] << LUA_WINDOW_SHIFT);

		for (w = 0; w < LUA_WINDOW_WORDS; w++)
			n += lua_bits_count(map[w]);
	}
	free(windows);
	return n;
}

/* Of x, how many are not in y? */
static uint64_t missing(const struct lua_space *x, const struct lua_space *y)
{
	uint64_t *windows = lua_space_windows(x), n = 0, i, at, end;
	struct lua_cursor c;

	for (i = 0; windows != NULL && i < x->n; i++) {
		at = windows[i] << LUA_WINDOW_SHIFT;
		end = at + (UINT64_C(1) << LUA_WINDOW_SHIFT);
		lua_cursor_init(&c, x, at, end);
		while ((at = lua_cursor_next(&c)) < end)
			n += !lua_space_has(y, at);
	}
	free(windows);
	return n;
}

static uint64_t differ(const struct lua_space *x, const struct lua_space *y)
{
	return missing(x, y) + missing(y, x);
}

int main(int argc, char **argv)
{
	static struct lua_found f;
	static struct lua one, two;
	struct heapsh_image *im;

	im = argc < 2 ? NULL : peek_open((int)strtol(argv[1], NULL, 10));
	if (im == NULL || lua_find(&peek_host, im, &f) != HEAPSH_YES ||
	    !lua_find_states(&f, false))
		return 2;
	lua_find_dummy(&f);
	start(&f, &one);
	lua_walk(&one, NULL);
	start(&f, &two);
	lua_walk_lists(&two);
	printf("%s %llu %llu %llu\n", one.peeled ? "peeled" : "followed",
	       (unsigned long long)count(&one.objects),
	       (unsigned long long)count(&one.upvalues),
	       (unsigned long long)(differ(&one.objects, &two.objects) +
				    differ(&one.upvalues, &two.upvalues)));
	lua_clear(&one);
	lua_clear(&two);
	peek_close(im);
	return 0;
}
