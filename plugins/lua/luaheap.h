/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this plugin share: one instant of a process with Lua. */
#ifndef LUAHEAP_H
#define LUAHEAP_H

#include <pthread.h>

#include "luamem.h"
#include "luaspace.h"

enum { LUA_MAX_STATES = 256 };

/** One lua_newstate(): a global_State and its main thread. */
struct lua_state {
	uint64_t global, main;
	uint64_t registry, globals;	/* tables; 0: being made */
};

/** Which Lua is in the process, and where its states are. */
struct lua_found {
	struct lua_mem mem;
	int exact;			/* a layout of this very patch */
	char version[16];		/* "5.4.4" */
	char reason[160];		/* why it is refused */
	struct lua_state states[LUA_MAX_STATES];
	uint32_t n_states;
	bool looked_everywhere;
	bool cut;			/* … but not in all memory */
};

/** By symbols and text of the program's file only: nothing need be stopped. */
enum heapsh_answer lua_find(const struct heapsh_host *host,
			    struct heapsh_image *im, struct lua_found *ret);
/**
 * Find states: where programs keep them, or, where there is none, in all
 * memory that can be written (about 0.3 s a gigabyte). all: there at once.
 * False: out of memory.
 */
bool lua_find_states(struct lua_found *f, bool all);
/** Of 5.1: mem.dummy. f has states. */
void lua_find_dummy(struct lua_found *f);
/** l_G of a main thread points this far ahead of itself: see find.c. */
static inline uint64_t lua_state_ahead(const struct lua_layout *l)
{
	return (uint64_t)(l->main_global - l->main_thread - l->th_global);
}
/** Add the state of a main thread at that address, if there is one. */
void lua_add_state(const struct lua_mem *m, uint64_t main,
		   struct lua_state *states, uint32_t *n);
bool lua_may_hold_state(const struct heapsh_mapping *map);
/** What collectgarbage("count") says, in bytes. */
uint64_t lua_count(const struct lua_mem *m, const struct lua_state *s);
/** Is there a thread at addr? Its state is checked and copied. */
bool lua_check_thread(const struct lua_mem *m, uint64_t addr,
		      struct lua_state *ret);
/** Can what lies there be run? */
bool lua_is_code(const struct lua_mem *m, uint64_t addr);
/** Self-check: NULL, or what of the layout does not fit the states; check.c. */
const char *lua_check(const struct lua_found *f, uint64_t *n_objects);

/** A metatable: what its tables and userdata are called, and how weak. */
struct lua_class {
	uint64_t metatable;	/* 0: free slot */
	uint32_t type;		/* of the host, or UINT32_MAX */
	uint32_t number;	/* as they were met, from 1 */
	uint8_t weak;		/* enum lua_weak */
};
enum lua_weak { LUA_WEAK_KEYS = 1, LUA_WEAK_VALUES = 2 };

/** Entry of a table with weak keys: its value lives as long as its key. */
struct lua_ephemeron {
	uint64_t key, table, value;
};

/** What a table or function is called, from _G and package.loaded. */
struct lua_links;
struct lua_name {
	uint64_t addr;
	uint32_t order;
	char *name;
};

/** Of one instant; read-only once it is walked. */
struct lua {
	struct lua_mem mem;
	struct lua_state states[LUA_MAX_STATES];
	uint32_t n_states;
	uint32_t types[LUA_KINDS];

	pthread_mutex_t lock;
	_Atomic bool walked;
	bool failed;			/* out of memory while walking */
	bool looked_everywhere;		/* for states */
	struct lua_links *links;	/* what was gathered, or NULL */
	bool peeled, ordered;		/* no list was walked: see threads */
	uint32_t *class_types;		/* of the host, by number */
	struct lua_space objects;	/* all in the collector's lists */
	struct lua_space upvalues;	/* 5.3: those of closures */
	struct lua_space keys;		/* of ephemerons */
	struct lua_class *classes;	/* open addressing */
	uint64_t n_classes, cap_classes;
	/* Of each state the main one first, then in the order of their birth;
	 * of what was peeled in that of addresses: lua_threads_in_order() */
	uint64_t *threads;
	uint64_t n_threads, cap_threads;
	uint64_t *weak_tables;		/* that may have weak keys */
	uint64_t n_weak, cap_weak;
	struct lua_ephemeron *ephemerons;	/* sorted by key */
	uint64_t n_ephemerons, cap_ephemerons;
	struct lua_name *names;		/* sorted by address */
	uint64_t n_names, cap_names;
	uint64_t n_broken;		/* lists that end in no object */
};

/**
 * Walk the collector's lists, once. Cheap when that was done. reader: of the
 * sink, or NULL on the main thread.
 */
void lua_walk(struct lua *st, void *reader);
/** Only the lists, only the objects: for lua_walk(), and for tests of it. */
void lua_walk_lists(struct lua *st);
/** Object at addr of this instant; as lua_describe(). */
bool lua_object_at(const struct lua *st, const struct lua_mem *m,
		   uint64_t addr, struct lua_object *ret);
const struct lua_class *lua_class_of(const struct lua *st, uint64_t metatable);
/**
 * While walking: a table or userdata of this metatable is at addr. The number
 * of the class, or 0; each: that is to be told of each.
 */
uint32_t lua_note_metatable(struct lua *st, uint64_t metatable, uint64_t addr,
			    bool *each);
/** While walking: an object that is in no list, or known by other means. */
bool lua_note_object(struct lua *st, uint64_t addr);
/** Threads of one state together, the main one first. */
void lua_threads_group(struct lua *st);
/** … and those in the order of their birth: a walk, once. Main thread. */
void lua_threads_in_order(struct lua *st);
/** Give back all that st holds. */
void lua_clear(struct lua *st);
/** Type of an object, of the host's. */
uint32_t lua_type_of(const struct lua *st, const struct lua_object *o);
/** "string.format", or NULL. */
const char *lua_name_of(const struct lua *st, uint64_t addr);
/** names.c: fill names, then classes, from what the program calls them. */
bool lua_names_find(struct lua *st);
void lua_names_free(struct lua *st);
/** Array of *cap items with room for n + 1; false: out of memory. */
bool lua_grow(void *array, uint64_t n, uint64_t *cap, size_t item);

/** edges.c */
void lua_edges(struct lua *st, const struct lua_mem *m,
	       const struct lua_object *o, struct heapsh_sink *sink);

/* heap.c */
uint32_t lua_ranges(void *state, struct heapsh_range *ret, uint32_t cap,
		    uint64_t *grain);
void lua_sweep(void *state, const struct heapsh_chunk *chunk,
	       struct heapsh_sink *sink);
void lua_objects_at(void *state, const uint64_t *addr, uint32_t n,
		    struct heapsh_sink *sink);
void lua_roots(void *state,
	       void (*emit)(void *arg, const struct heapsh_root *root),
	       void *arg);

/* calls.c: the calls of a thread, the innermost first. */
struct lua_call {
	uint64_t ci, func, base, top;	/* addresses */
	uint64_t closure, proto;	/* 0: of C */
	uint64_t code;			/* of a light C function, or 0 */
	int64_t pc;			/* of a Lua function, or -1 */
};
/** Call number index; false past the last. Costs as many steps. */
bool lua_call_at(const struct lua_mem *m, uint64_t thread, uint32_t index,
		 struct lua_call *ret);
/** All calls, the outermost first, at most LUA_MAX_CALLS. free(). */
struct lua_call *lua_calls(const struct lua_mem *m, uint64_t thread,
			   uint32_t *n);
/** Name of the n-th local variable (from 1) that is active at pc; 0: none. */
uint64_t lua_local_name(const struct lua_mem *m, const struct lua_call *c,
			uint32_t n);
uint32_t lua_line(const struct lua_mem *m, uint64_t proto, int64_t pc);

/* render.c, lookup.c, threads.c: as plugin.h says. */
uint64_t lua_render(void *state, uint64_t addr, uint32_t style, char *buf,
		    uint64_t cap);
/** A value that is no object, as the program would write it. */
uint64_t lua_render_value(const struct lua *st, struct lua_value v, char *buf,
			  uint64_t cap);
uint64_t lua_lookup(void *state, struct heapsh_text name);
uint64_t lua_attr(void *state, uint64_t addr, struct heapsh_text name);
uint64_t lua_item(void *state, uint64_t addr, const struct heapsh_key *key);
void lua_names(void *state, uint64_t addr, struct heapsh_text prefix,
	       heapsh_name_fn *fn, void *arg);
int lua_scalar(void *state, uint64_t addr, const struct heapsh_key *key,
	       struct heapsh_key *ret);
int lua_measure(void *state, uint64_t addr, struct heapsh_measure *ret);
const void *lua_interface(const char *name);
/** settle.c */
void lua_settle(struct lua_found *f, struct heapsh_settle *ret);
/** Does a thread run Lua that is not at rest in a system call? */
bool lua_is_running(const struct lua_mem *m);

#endif
