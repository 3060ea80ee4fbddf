/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua has no lock that says whether its structures are whole. What there is:
 *
 *  - A thread that waits in a system call was called from C, that is, from
 *    between two instructions of Lua's machine: all that it owns is whole.
 *    Only calls of the allocator (and of a futex) may come from within.
 *  - Otherwise the copy is run to the next instruction of the machine: a count
 *    hook, which lua_sethook() may set at any moment ("This function can be
 *    called during a signal", ldebug.c), is set on the copy, and is getpid() of
 *    the C library: a system call, before which the host stops the copy.
 *
 * Which thread of the system runs which state is not written anywhere; but its
 * stack holds the lua_State that it runs (the first argument of everything).
 */
#include "luaheap.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	STACK_MAX = 512 << 10,		/* of a C stack, looked at */
	MAX_RUNNING = 3,		/* coroutines that call each other */
	MAX_TRAPS = 3,			/* Lua frames whose trap is set */
	MASK_COUNT = 1 << 3,		/* lua.h, LUA_MASKCOUNT */
};

/* Is a call under way in this thread of Lua's? */
static bool is_active(const struct lua_mem *m, uint64_t thread)
{
	struct lua_call c;

	return lua_u8(m, thread, m->lay->th_status) == 0 &&
	       lua_call_at(m, thread, 0, &c);
}

/* Lua threads with a call under way that the stack of t mentions. */
static uint32_t threads_on(const struct lua_mem *m,
			   const struct heapsh_thread_state *t,
			   uint64_t ret[MAX_RUNNING])
{
	uint64_t *words = malloc(STACK_MAX), n, i, seen = 0;
	struct lua_state s;
	uint32_t found = 0, k;

	if (words == NULL)
		return 0;
	n = m->host->read(m->im, t->sp & ~UINT64_C(7), words, STACK_MAX) / 8;
	for (i = 0; i < n && found < MAX_RUNNING; i++) {
		if (words[i] == seen || !lua_check_thread(m, words[i], &s))
			continue;
		seen = words[i];
		for (k = 0; k < found && ret[k] != words[i]; k++)
			;
		if (k == found && is_active(m, words[i]))
			ret[found++] = words[i];
	}
	free(words);
	return found;
}

static void add_write(struct heapsh_settle *ret, uint64_t addr,
		      const void *bytes, uint32_t len)
{
	struct heapsh_write *w;

	if (len > sizeof(w->bytes) ||
	    ret->n_writes >= sizeof(ret->writes) / sizeof(ret->writes[0]))
		return;
	w = &ret->writes[ret->n_writes++];
	w->addr = addr;
	w->len = len;
	memcpy(w->bytes, bytes, len);
}

/*
 * Hook, mask and counts lie together: one write, which leaves what is between
 * them as it is. Nothing is put back: what is between them has changed by
 * then, as the stack may grow for the hook, and no answer is made of the rest.
 */
static bool set_hook(const struct lua_mem *m, struct heapsh_settle *ret,
		     uint64_t thread, uint64_t hook)
{
	const struct lua_layout *l = m->lay;
	const int32_t one = 1;
	int32_t from = l->th_hook, to = l->th_hook + 8, k;
	const int32_t parts[] = { l->th_hookmask, l->th_hookcount,
				  l->th_basehookcount };
	uint8_t bytes[192];
	const uint8_t *p;

	for (k = 0; k < 3; k++) {
		from = parts[k] < from ? parts[k] : from;
		to = parts[k] + 4 > to ? parts[k] + 4 : to;
	}
	if (to - from > (int32_t)sizeof(bytes))
		return false;
	p = lua_view(m, thread + (uint64_t)from, (uint64_t)(to - from));
	if (p == NULL)
		return false;
	memcpy(bytes, p, (size_t)(to - from));
	memcpy(bytes + (l->th_hook - from), &hook, sizeof(hook));
	memcpy(bytes + (l->th_hookcount - from), &one, sizeof(one));
	memcpy(bytes + (l->th_basehookcount - from), &one, sizeof(one));
	bytes[l->th_hookmask - from] = MASK_COUNT;
	add_write(ret, thread + (uint64_t)from, bytes, (uint32_t)(to - from));
	return true;
}

/* 5.4: a frame looks at its own trap, not at the mask. */
static void set_traps(const struct lua_mem *m, struct heapsh_settle *ret,
		      uint64_t thread)
{
	const int32_t one = 1;
	struct lua_call c;

	if (m->lay->ci_trap < 0)
		return;
	for (uint32_t i = 0, n = 0; n < MAX_TRAPS && i < 64 &&
	     lua_call_at(m, thread, i, &c); i++) {
		if (c.proto == 0)
			continue;
		add_write(ret, c.ci + (uint64_t)m->lay->ci_trap, &one,
			  sizeof(one));
		n++;
	}
}

static void say(struct heapsh_settle *ret, uint32_t flags, const char *why)
{
	ret->flags = flags;
	ret->n_writes = 0;
	snprintf(ret->why, sizeof(ret->why), "%s", why);
}

/* Does anyone run Lua, and who? False: nobody, or only at rest. */
static bool find_running(const struct lua_mem *m,
			 uint64_t threads[MAX_RUNNING], uint32_t *n,
			 uint32_t *who, uint32_t *how_many)
{
	struct heapsh_thread_state t = { .size = sizeof(t) };
	uint64_t on[MAX_RUNNING];
	uint32_t found;

	*how_many = 0;
	for (uint32_t i = 0; m->host->thread(m->im, i, &t); i++) {
		if (heapsh_doing_of(&t) == HEAPSH_BLOCKED)
			continue;
		found = threads_on(m, &t, on);
		if (found == 0 || (*how_many)++ != 0)
			continue;
		memcpy(threads, on, sizeof(on));
		*n = found;
		*who = i;
	}
	return *how_many != 0;
}

void lua_settle(struct lua_found *f, struct heapsh_settle *ret)
{
	const struct lua_mem *m = &f->mem;
	uint64_t threads[MAX_RUNNING], hook;
	uint32_t n = 0, i, how_many;

	if (!find_running(m, threads, &n, &ret->thread, &how_many)) {
		say(ret, HEAPSH_SETTLE_CONSISTENT,
		    "no thread is between two steps of Lua");
		return;
	}
	if (how_many > 1) {
		say(ret, HEAPSH_SETTLE_IMPOSSIBLE,
		    "several threads run Lua at once");
		return;
	}
	hook = m->host->symbol(m->im, NULL, "getpid", NULL);
	ret->flags = 0;
	ret->limit_ms = 60;
	snprintf(ret->why, sizeof(ret->why),
		 "the thread that runs Lua is stopped at its next instruction");
	for (i = 0; i < n && hook != 0; i++) {
		if (!set_hook(m, ret, threads[i], hook))
			hook = 0;
		else
			set_traps(m, ret, threads[i]);
	}
	if (hook == 0)
		say(ret, HEAPSH_SETTLE_IMPOSSIBLE,
		    "the thread that runs Lua cannot be asked to stop");
}

bool lua_is_running(const struct lua_mem *m)
{
	uint64_t threads[MAX_RUNNING];
	uint32_t n, who, how_many;

	return find_running(m, threads, &n, &who, &how_many);
}
