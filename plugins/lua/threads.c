/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines, their calls and variables; modules; content. */
#include "luaheap.h"

#include <stdio.h>

/* Texts of one answer: they live until the next call. */
static _Thread_local char name_buf[64];
static _Thread_local char function_buf[160], file_buf[256];
static _Thread_local char value_buf[64];

/* The kernel's number, where there is no other that it could be; or 0. */
static int32_t only_thread(const struct lua_mem *m)
{
	struct heapsh_thread_state t = { .size = sizeof(t) };
	struct heapsh_thread_state more = { .size = sizeof(more) };

	return m->host->thread(m->im, 0, &t) &&
	       !m->host->thread(m->im, 1, &more) ? t.tid : 0;
}

static int thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	struct lua *st = state;
	uint64_t addr, number = 0;

	lua_threads_in_order(st);
	if (index >= st->n_threads)
		return 0;
	addr = st->threads[index];
	ret->ident = addr;
	for (uint32_t i = 0; i < st->n_states; i++) {
		if (st->states[i].main != addr)
			continue;
		snprintf(name_buf, sizeof(name_buf),
			 st->n_states > 1 ? "main of L%u" : "main", i + 1);
		ret->name = lua_words(name_buf);
		ret->tid = only_thread(&st->mem);
		return 1;
	}
	// after the main one of its own state, in the order of their birth
	number = index;
	snprintf(name_buf, sizeof(name_buf), "coroutine %llu",
		 (unsigned long long)number);
	ret->name = lua_words(name_buf);
	return 1;
}

static void name_source(const struct lua_mem *m, uint64_t proto,
			struct heapsh_frame *ret)
{
	uint64_t n = 0, str = lua_word(m, proto, m->lay->proto_source);
	const char *s = str != 0 ? lua_text(m, str, &n) : NULL;

	if (s == NULL || n == 0)
		return;
	if (*s == '@' || *s == '=') {
		s++;
		n--;
	}
	snprintf(file_buf, sizeof(file_buf), "%.*s", n < 240 ? (int)n : 240,
		 s);
	ret->file = lua_words(file_buf);
}

static void name_function(const struct lua *st, const struct lua_call *c,
			  struct heapsh_frame *ret)
{
	const char *name = lua_name_of(st, c->closure != 0 ? c->closure :
							     c->code);
	uint32_t line = lua_u32(&st->mem, c->proto,
				st->mem.lay->proto_linedefined);

	if (name != NULL)
		snprintf(function_buf, sizeof(function_buf), "%s", name);
	else if (c->proto == 0)
		snprintf(function_buf, sizeof(function_buf), "[C]");
	else if (line == 0)
		snprintf(function_buf, sizeof(function_buf), "main chunk");
	else
		snprintf(function_buf, sizeof(function_buf), "function:%u",
			 line);
	ret->function = lua_words(function_buf);
}

static int frame(void *state, uint32_t index, uint32_t n,
		 struct heapsh_frame *ret)
{
	struct lua *st = state;
	struct lua_call c;

	lua_threads_in_order(st);
	if (index >= st->n_threads ||
	    !lua_call_at(&st->mem, st->threads[index], n, &c))
		return 0;
	ret->address = c.ci;
	ret->object = c.closure;
	ret->code = c.proto;
	ret->line = lua_line(&st->mem, c.proto, c.pc);
	name_function(st, &c, ret);
	if (c.proto != 0)
		name_source(&st->mem, c.proto, ret);
	return 1;
}

static int variable(void *state, uint32_t index, uint32_t n, uint32_t i,
		    struct heapsh_variable *ret)
{
	struct lua *st = state;
	struct lua_value v;
	struct lua_call c;
	const char *s;
	uint64_t name;

	lua_threads_in_order(st);
	if (index >= st->n_threads ||
	    !lua_call_at(&st->mem, st->threads[index], n, &c))
		return 0;
	name = lua_local_name(&st->mem, &c, i + 1);
	if (name == 0)
		return 0;
	v = lua_value_at(&st->mem, c.base + (uint64_t)i * (uint64_t)
				   st->mem.lay->sizeof_value);
	ret->kind = HEAPSH_LABEL_LOCAL;
	ret->target = lua_object_of(v);
	if (ret->target == 0 && HEAPSH_HAS(ret, value)) {
		ret->value.n = lua_render_value(st, v, value_buf,
						sizeof(value_buf));
		ret->value.s = value_buf;
	}
	s = lua_text(&st->mem, name, &ret->name.n);
	ret->name.s = s != NULL ? s : "?";
	ret->name.n = s != NULL ? ret->name.n : 1;
	return 1;
}

/* --- modules ------------------------------------------------------------- */

struct lister {
	const struct lua_mem *m;
	heapsh_name_fn *fn;
	void *arg;
};

static bool module(void *arg, const struct lua_entry *e)
{
	uint64_t n = 0, str = lua_object_of(e->key);
	struct lister *x = arg;
	const char *s = str != 0 ? lua_text(x->m, str, &n) : NULL;

	if (s == NULL || lua_object_of(e->value) == 0)
		return true;
	return x->fn(x->arg, (struct heapsh_text){ s, n }, e->value.bits) != 0;
}

static void each_module(void *state, heapsh_name_fn *fn, void *arg)
{
	struct lua *st = state;
	struct lister x = { &st->mem, fn, arg };
	uint64_t package, loaded;

	for (uint32_t i = 0; i < st->n_states; i++) {
		package = lua_table_of(lua_table_str(&st->mem,
						     st->states[i].globals,
						     lua_words("package")));
		loaded = lua_table_of(lua_table_str(&st->mem, package,
						    lua_words("loaded")));
		lua_table_each(&st->mem, loaded, module, &x);
	}
}

/* --- content ------------------------------------------------------------- */

/* FNV-1a over a string's text; tables change, and have none */
static uint64_t content_hash(void *state, uint64_t addr)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325), n = 0;
	struct lua *st = state;
	const char *s;

	lua_walk(st, NULL);
	s = lua_space_has(&st->objects, addr) ? lua_text(&st->mem, addr, &n) :
						NULL;
	for (uint64_t i = 0; s != NULL && i < n; i++)
		h = (h ^ (uint8_t)s[i]) * UINT64_C(0x100000001b3);
	return s != NULL ? h | 1 : 0;
}

/* --- the collector ------------------------------------------------------- */

/* It looks at all; lgc.h, FINALIZEDBIT: there is a __gc that has not run. */
static uint32_t collector_flags(void *state, uint64_t addr)
{
	static const uint8_t bits[6] = { [1] = 0, [3] = 1 << 3, [4] = 1 << 6 };
	struct lua *st = state;
	const struct lua_mem *m = &st->mem;

	lua_walk(st, NULL);
	if (!lua_space_has(&st->objects, addr))
		return lua_space_has(&st->upvalues, addr) ?
			       HEAPSH_COLLECTOR_TRACKED : 0;
	return HEAPSH_COLLECTOR_TRACKED |
	       (lua_u8(m, addr, m->lay->gc_marked) & bits[m->lay->minor] ?
			HEAPSH_COLLECTOR_FINALIZER : 0);
}

const void *lua_interface(const char *name)
{
	static const struct heapsh_threads threads = {
		.size = sizeof(threads), .thread = thread, .frame = frame,
		.variable = variable,
	};
	static const struct heapsh_modules modules = {
		.size = sizeof(modules), .each = each_module,
	};
	static const struct heapsh_content content = {
		.size = sizeof(content), .hash = content_hash,
	};

	static const struct heapsh_scalars scalars = {
		.size = sizeof(scalars), .get = lua_scalar,
	};

	static const struct heapsh_collector collector = {
		.size = sizeof(collector), .flags = collector_flags,
	};

	if (strcmp(name, HEAPSH_COLLECTOR_0) == 0)
		return &collector;
	if (strcmp(name, HEAPSH_SCALARS_0) == 0)
		return &scalars;
	if (strcmp(name, HEAPSH_THREADS_0) == 0)
		return &threads;
	if (strcmp(name, HEAPSH_MODULES_0) == 0)
		return &modules;
	return strcmp(name, HEAPSH_CONTENT_0) == 0 ? &content : NULL;
}
