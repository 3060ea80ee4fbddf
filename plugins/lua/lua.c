/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin: what plugin.h asks for, said by the files of this folder. */
#include "luaheap.h"

#include <stdio.h>
#include <stdlib.h>

static const struct heapsh_host *host;	/* set once, before anything else */

static void plugin_probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	struct lua_found *f = malloc(sizeof(*f));

	if (f == NULL)
		return;
	ret->answer = lua_find(host, im, f);
	// a library may be there and no state: others are asked first
	ret->confidence = ret->answer == HEAPSH_YES ? 60 : 30;
	snprintf(ret->runtime, sizeof(ret->runtime), "Lua");
	snprintf(ret->version, sizeof(ret->version), "%s", f->version);
	snprintf(ret->reason, sizeof(ret->reason), "%s", f->reason);
	free(f);
}

static void plugin_settle(struct heapsh_image *im, struct heapsh_settle *ret)
{
	struct lua_found *f = malloc(sizeof(*f));

	if (f != NULL && lua_find(host, im, f) == HEAPSH_YES) {
		lua_settle(f, ret);
	} else {
		ret->flags = HEAPSH_SETTLE_IMPOSSIBLE;
		snprintf(ret->why, sizeof(ret->why), "%.120s",
			 f != NULL ? f->reason : "out of memory");
	}
	free(f);
}

static void plugin_close(void *state)
{
	struct lua *st = state;

	if (st == NULL)
		return;
	lua_clear(st);
	free(st);
}

/* Words of Lua's own sources; type() says "function" for two of them. */
static void register_types(struct lua *st)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} types[LUA_KINDS] = {
		[LUA_STRING] = { "string", HEAPSH_TYPE_LEAF |
					   HEAPSH_TYPE_TEXT },
		[LUA_TABLE] = { "table", 0 },
		[LUA_CLOSURE] = { "closure", HEAPSH_TYPE_CODE },
		[LUA_CCLOSURE] = { "cclosure", HEAPSH_TYPE_CODE },
		[LUA_USERDATA] = { "userdata", 0 },
		[LUA_THREAD] = { "thread", 0 },
		[LUA_PROTO] = { "proto", HEAPSH_TYPE_CODE |
					 HEAPSH_TYPE_CODE_LEAF },
		[LUA_UPVALUE] = { "upvalue", 0 },
	};

	for (int i = LUA_STRING; i < LUA_KINDS; i++) {
		struct heapsh_type t = { .size = sizeof(t) };

		t.flags = types[i].flags;
		t.name = lua_words(types[i].name);
		// table and string are what people type for the kinds, and
		// what the globals call their libraries: these stand for them
		for (uint32_t k = 0; k < st->n_states && t.address == 0; k++)
			t.address = lua_table_of(lua_table_str(
				&st->mem, st->states[k].globals, t.name));
		t.item_size = i == LUA_STRING ? 1 :
			      i == LUA_TABLE ?
			      (uint64_t)st->mem.lay->sizeof_value : 0;
		t.basic_size = i == LUA_STRING ?
				       (uint64_t)st->mem.lay->str_text + 1 :
			       i == LUA_TABLE ?
				       (uint64_t)st->mem.lay->sizeof_table : 0;
		st->types[i] = st->mem.host->type(st->mem.im, &t);
	}
}

static void say(const struct lua_found *f, uint64_t n,
		struct heapsh_status *ret)
{
	const struct lua_mem *m = &f->mem;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < f->n_states; i++)
		bytes += lua_count(m, &f->states[i]);
	snprintf(ret->layout, sizeof(ret->layout),
		 "%s for Lua %s; %llu objects agree; %u state%s, of which the "
		 "collector counts %llu bytes%s",
		 f->exact ? "its own row of the table" :
			    "the row of the nearest patch",
		 f->version, (unsigned long long)n, f->n_states,
		 f->n_states == 1 ? "" : "s", (unsigned long long)bytes,
		 f->cut ? "; not all memory was looked through" : "");
	ret->mutating = lua_is_running(m);
}

static const char *plugin_open(struct heapsh_image *im, void **state,
			       struct heapsh_status *ret)
{
	static char reason[256];	/* copied by the host at once */
	struct lua_found *f = calloc(1, sizeof(*f));
	struct lua *st = calloc(1, sizeof(*st));
	const char *why = "out of memory", *wrong;
	uint64_t n = 0;

	if (f == NULL || st == NULL)
		goto failed;
	why = reason;
	snprintf(reason, sizeof(reason), "out of memory");
	if (lua_find(host, im, f) != HEAPSH_YES) {
		snprintf(reason, sizeof(reason), "%s", f->reason);
		goto failed;
	}
	if (!lua_find_states(f, false))
		goto failed;
	if (f->n_states == 0) {
		snprintf(reason, sizeof(reason), "Lua %s is in this process, "
			 "and no state of it: none was made yet, it is closed, "
			 "or its layout is not known", f->version);
		goto failed;
	}
	lua_find_dummy(f);
	wrong = lua_check(f, &n);
	if (wrong != NULL) {
		snprintf(reason, sizeof(reason), "the layout for Lua %s does "
			 "not fit: %s", f->version, wrong);
		goto failed;
	}
	st->mem = f->mem;
	memcpy(st->states, f->states, sizeof(st->states));
	st->n_states = f->n_states;
	st->looked_everywhere = f->looked_everywhere;
	pthread_mutex_init(&st->lock, NULL);
	register_types(st);
	say(f, n, ret);
	free(f);
	*state = st;
	return NULL;
failed:
	free(f);
	free(st);
	return why;
}

static const struct heapsh_plugin plugin = {
	.size = sizeof(plugin),
	.abi_minor = HEAPSH_ABI_MINOR,
	.name = "lua",
	.version = HEAPSH_VERSION,
	.license = "Apache-2.0",
	.probe = plugin_probe,
	.settle = plugin_settle,
	.open = plugin_open,
	.close = plugin_close,
	.ranges = lua_ranges,
	.sweep = lua_sweep,
	.at = lua_objects_at,
	.roots = lua_roots,
	.render = lua_render,
	.lookup = lua_lookup,
	.attr = lua_attr,
	.item = lua_item,
	.names = lua_names,
	.measure = lua_measure,
	.get_interface = lua_interface,
	.flags = HEAPSH_PLUGIN_SHARES_RANGES | HEAPSH_PLUGIN_KEEPS_OBJECTS |
		 HEAPSH_PLUGIN_WALKS,
};

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	host = h;
	return &plugin;
}
