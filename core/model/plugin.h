/* SPDX-License-Identifier: Apache-2.0 */
/**
 * heapsh plugin ABI, major 0 (it may still change until release 0.1).
 *
 * A plugin says what the bytes of a process mean: which objects lie where, how
 * large they are, what they refer to. It is one shared object that exports one
 * function, heapsh_plugin_0(). HACKING.md, "Write a plugin", walks through
 * plugins/example, which is this contract filled in for a toy runtime;
 * "heapsh plugin-check FILE PID" holds a plugin against it.
 *
 * When. An attach calls, in this order:
 *    probe(live)     is it mine? the process runs, nothing is stopped yet
 *    settle(frozen)  may a copy be run a little, and how?
 *    open(settled)   state for this instant; then, as the user asks, ranges,
 *                    sweep, at, roots and the questions about one object
 *    close()
 *
 * What the host promises. An instant never changes: the same question has the
 * same answer until close(). The bytes are those of a frozen copy, a core file
 * or a snapshot; nothing that a plugin does reaches the process. Whatever the
 * plugin emits is copied before the call returns. Texts are escaped by the
 * host wherever they are shown.
 *
 * Units. Addresses, sizes and lengths are uint64_t; sizes are bytes; an end is
 * exclusive; address 0 is no object. Texts are bytes with a length, without a
 * NUL, of no promised encoding, UTF-8 where possible.
 *
 * Ownership. None crosses. What the host hands out lives as long as said there,
 * what the plugin hands out until its call returns (an interface's texts: until
 * its next call), unless said otherwise.
 *
 * Short answers. A read that answers less than was asked for, or NULL, met
 * memory that is not there: a normal result, never an error to report. An
 * answer of 0 or no answer means "not known": the host says so, or finds out
 * by itself where this file says how. What is NULL in struct heapsh_plugin is
 * such an answer.
 *
 * Threads. sweep() and at() are called from several threads at once on one
 * state, which is read-only after open(): what they add to it, such as a cache
 * of types, is under a lock of the plugin's own. All other calls come from one
 * thread, and none while a sweep() or at() runs in another, save for those two.
 *
 * Cost. sweep() and at() see maybe 100 million objects, the rest is asked at
 * the pace of people. view() costs a compare when the bytes are at hand, read()
 * and symbol() microseconds, type() a lock and a hash.
 *
 * Trust. Everything that comes from the process is hostile: check sizes, bound
 * every loop that follows a pointer, recurse on nothing. The host in turn holds
 * the plugin to this file. Each call has a budget of time (15 s; roots() 60),
 * of reads and of things emitted; before an instant is believed, some hundred
 * objects are asked for twice. A plugin that breaks a budget, answers one thing
 * in two ways, or whose references mostly lead out of memory is disabled, and
 * the user is told its name and why. One that crashes or never returns ends the
 * engine, not the process looked at; the engine comes back without it.
 *
 * Growth. C only; fixed-width types. Structs whose first member is their size
 * only grow at the end: the writer sets size as compiled, the reader looks with
 * HEAPSH_HAS() before it uses a member later than 0.0. What is newer than that
 * says since when. Compiles as C11 and as C++11.
 */
#ifndef HEAPSH_PLUGIN_H
#define HEAPSH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HEAPSH_ABI_MAJOR = 0, HEAPSH_ABI_MINOR = 2 };

/** Does *p, as its writer compiled it, have this member? */
#define HEAPSH_HAS(p, member) \
	((p)->size >= offsetof(__typeof__(*(p)), member) + \
			      sizeof((p)->member))

/** One instant of one process, as the host holds it. */
struct heapsh_image;
/** What a plugin emits into; it belongs to the host and to one call. */
struct heapsh_sink;

/** Bytes that are not NUL-terminated and have no promised encoding. */
struct heapsh_text {
	const char *s;
	uint64_t n;
};

/* ------------------------------------------------------------------------
 * The host's side
 */

/** A mapping of the process, from /proc/PID/maps or the core's own list. */
struct heapsh_mapping {
	uint32_t size;
	uint32_t prot;		/* PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4 */
	uint64_t start, end;	/* end is exclusive */
	uint64_t offset;	/* in the file */
	uint32_t shared;	/* 1: MAP_SHARED */
	uint32_t module;	/* index of a module, or UINT32_MAX */
	struct heapsh_text path; /* "" when anonymous, "[heap]", "[stack]" */
};

/** A thread at the instant. Registers are in ptrace's own layout. */
struct heapsh_thread_state {
	uint32_t size;
	int32_t tid;
	uint64_t ip, sp;
	uint64_t tls;		/* x86-64: fs_base, which is pthread_self() */
	int64_t syscall;	/* number it is blocked in, or -1 */
	uint64_t args[6];	/* of that system call */
};

enum heapsh_settle_flags {
	/** Nothing runs: this instant is consistent as it is. */
	HEAPSH_SETTLE_CONSISTENT = 1,
	/** It cannot be made consistent (text says why): read it unsettled. */
	HEAPSH_SETTLE_IMPOSSIBLE = 2,
};

/** Bytes written into the copy that is settled, never into the process. */
struct heapsh_write {
	uint64_t addr;
	uint32_t len;		/* at most 192 */
	uint32_t after;		/* 0: before it runs; 1: when it has stopped */
	uint8_t bytes[192];
};

/**
 * How to settle: a copy of the frozen copy gets the registers of one thread
 * and runs until its first system call other than memory management, futex
 * wake, clock_gettime and rt_sigprocmask. That call is not executed.
 */
struct heapsh_settle {
	uint32_t size;
	uint32_t flags;		/* heapsh_settle_flags; 0: run it */
	uint32_t thread;	/* index in threads() whose identity it gets */
	uint32_t limit_ms;	/* then it counts as not settled; 0: 60 ms */
	uint32_t n_writes;
	uint32_t reserved;
	struct heapsh_write writes[16];
	char why[128];		/* one clause for people, NUL-terminated */
};

enum heapsh_type_flags {
	/**
	 * "Code", in Pympler's sense: types, modules, functions, code objects,
	 * built-in functions. asizeof counts them as 0 unless code=1.
	 */
	HEAPSH_TYPE_CODE = 1,
	/** With CODE: and their strong edges are not followed either. */
	HEAPSH_TYPE_CODE_LEAF = 2,
	/** No object of this type ever has an edge (str, int, …). */
	HEAPSH_TYPE_LEAF = 4,
	/** Sized by the nearest known base: shown with a '~'. */
	HEAPSH_TYPE_APPROXIMATE = 8,
	/** Its objects' attribute tables are listed as "dict of NAME". */
	HEAPSH_TYPE_OWNS_TABLE = 16,
	/** Its objects' text form needs the program's own code to run. */
	HEAPSH_TYPE_CUSTOM_REPR = 32,
	/** It is the kind of table that has owners. */
	HEAPSH_TYPE_TABLE = 64,
	/** A sequence of bytes or characters: it can be a name or a key. */
	HEAPSH_TYPE_TEXT = 128,
	/** Its objects are themselves types (a metaclass's). */
	HEAPSH_TYPE_OF_TYPES = 256,
};

/** A type, told to the host once (heapsh_host.type). */
struct heapsh_type {
	uint32_t size;
	uint32_t flags;			/* heapsh_type_flags */
	struct heapsh_text name;	/* "str", "__main__.Account" */
	uint64_t address;		/* of the type's object, or 0 */
	uint64_t basic_size;		/* "basicsize": without pre-header */
	uint64_t item_size;		/* "itemsize" */
	uint64_t pre_size;		/* bytes before the object: GC head */
};

enum heapsh_edge_flags {
	/** Does not keep its target alive. */
	HEAPSH_EDGE_WEAK = 1,
	/**
	 * Context, not content: an object's type, a function's globals and
	 * code, a frame's caller. Keeps alive, but no deep size follows it.
	 */
	HEAPSH_EDGE_CONTEXT = 2,
	/** The target is the attribute table of this object. */
	HEAPSH_EDGE_TABLE = 4,
	/** A key of a mapping; its value is the edge emitted next. */
	HEAPSH_EDGE_KEY = 8,
	/**
	 * No reference at all: an object to look at, as the runtime's own lists
	 * name it. Only with HEAPSH_WANT_FRONTIER.
	 */
	HEAPSH_EDGE_FOUND = 16,
	/**
	 * A word that may be the address of an object of another plugin: of
	 * what C keeps beside a runtime. Kept where one of those has an object
	 * there, else dropped in silence. Since 0.1.
	 */
	HEAPSH_EDGE_MAYBE = 32,
};

/** How an edge is named: what a, b and text of struct heapsh_edge mean. */
enum heapsh_label {
	HEAPSH_LABEL_NONE,	/* shown as "??" */
	HEAPSH_LABEL_INDEX,	/* [a] */
	HEAPSH_LABEL_VALUE,	/* [key]; a: address of the key object */
	HEAPSH_LABEL_KEY,	/* .keys()[b]; a: of no meaning */
	HEAPSH_LABEL_ATTR,	/* .name; a: address of the name object */
	HEAPSH_LABEL_NAME,	/* .text */
	HEAPSH_LABEL_FIELD,	/* ->text: a member of a C struct */
	HEAPSH_LABEL_LOCAL,	/* .text['v']; a: address of the name object;
				   b: 1 if a cell; text NULL: "locals" */
	HEAPSH_LABEL_STACK,	/* ->text[a]: a frame's unnamed value; NULL:
				   "stack" */
	HEAPSH_LABEL_MEMBER,	/* list(set)[a]: of an unordered set */
	/* Since 0.1: */
	HEAPSH_LABEL_SCALAR,	/* [a]: a key that is no object. b: KEY_INT, a
				   is signed, or KEY_FLOAT, a has its bits; or
				   text, as it is */
	HEAPSH_LABEL_PART,	/* <text name>, a: address of the name object;
				   a 0: <text b>; b 0: <text> */
	HEAPSH_LABEL_OFFSET,	/* ->+0x18: a word of the object without a
				   name; a: bytes from its address */
};

/**
 * A reference of the object that was emitted last. A target where no object
 * turns out to be is counted and left out: it need not be looked up before.
 */
struct heapsh_edge {
	uint32_t flags;			/* heapsh_edge_flags */
	uint32_t label;			/* heapsh_label */
	uint64_t target;		/* address of the object */
	uint64_t a, b;			/* see heapsh_label */
	const char *text;		/* static text of the plugin, or NULL */
};

enum heapsh_object_flags {
	/** Caught in mid-change: sizes are lower bounds, edges are left out. */
	HEAPSH_OBJECT_TORN = 1,
	/** Part of it could not be read. */
	HEAPSH_OBJECT_UNREAD = 2,
	/** Never freed by count: not a candidate for "orphans". */
	HEAPSH_OBJECT_IMMORTAL = 4,
	/** Size is of the nearest known base ('~'). */
	HEAPSH_OBJECT_APPROXIMATE = 8,
};

/** An object, as a sweep finds it. */
struct heapsh_object {
	uint64_t address;	/* as the runtime's users name it: id() */
	uint32_t type;		/* of heapsh_host.type() */
	uint32_t flags;		/* heapsh_object_flags */
	uint64_t flat;		/* bytes: what the runtime itself answers */
	uint64_t held;		/* bytes requested for its own blocks */
	uint64_t refcount;	/* 0: not counted */
};

enum heapsh_want {
	HEAPSH_WANT_OBJECTS = 1,	/* call sink->object */
	HEAPSH_WANT_EDGES = 2,		/* call sink->edge after its object */
	HEAPSH_WANT_LABELS = 4,		/* labels are looked at */
	HEAPSH_WANT_SIZES = 8,		/* flat and held are looked at */
	/**
	 * With EDGES, to learn what lies outside ranges(), and whose a table
	 * is. To be left out, but not with HEAPSH_EDGE_TABLE: edges to types
	 * and, in sweep(), into ranges(). HEAPSH_EDGE_FOUND is welcome.
	 */
	HEAPSH_WANT_FRONTIER = 16,
};

/**
 * Where recognised objects go. The plugin calls object() and then, when edges
 * are wanted, edge() for each reference of that object.
 */
struct heapsh_sink {
	uint32_t size;
	uint32_t want;			/* heapsh_want */
	/** In ascending address order within one sweep() call. */
	void (*object)(struct heapsh_sink *sink, const struct heapsh_object *o);
	void (*edge)(struct heapsh_sink *sink, const struct heapsh_edge *e);
	/** at(): no object begins at this address. It may be left uncalled. */
	void (*nothing)(struct heapsh_sink *sink, uint64_t address);
	/** The calling thread's: pass it to host->view(). */
	void *reader;
	/** Since 0.2: as object() of each. An edge() belongs to the last. */
	void (*objects)(struct heapsh_sink *sink,
			const struct heapsh_object *o, uint32_t n);
	/**
	 * Since 0.2, or NULL. With FRONTIER: each of the n words at address, a
	 * multiple of eight, names what an object of this call refers to, or
	 * is 0: as edge() of each, without label and flags. The host looks at
	 * them, at once or later: for what lies elsewhere than its object. No
	 * view that was got before is valid behind it.
	 */
	void (*words)(struct heapsh_sink *sink, uint64_t address, uint64_t n);
};

enum heapsh_diag { HEAPSH_DIAG_NOTE, HEAPSH_DIAG_WARNING };

/**
 * What the host offers. Every function may be called from any thread, except
 * where said.
 */
struct heapsh_host {
	uint32_t size;
	uint32_t abi_minor;

	/**
	 * Read len bytes at addr. Returns how many were read from the start,
	 * fewer at a hole. Costs microseconds: not for a loop over objects.
	 */
	uint64_t (*read)(struct heapsh_image *im, uint64_t addr, void *buf,
			 uint64_t len);
	/**
	 * Pointer to len bytes at addr, or NULL when not all are readable.
	 * Costs a compare when the bytes are at hand. Valid until the next
	 * HEAPSH_VIEWS calls of view() with the same reader. reader: of the
	 * sink, or NULL (the main thread's). len at most 64 MiB.
	 */
	const void *(*view)(struct heapsh_image *im, void *reader,
			    uint64_t addr, uint64_t len);

	/**
	 * Address of a dynamic or static symbol. module: file name without
	 * folder ("libruntime.so.1"), or NULL for all, the program first.
	 * Returns 0 when there is none. The file is found in the process's own
	 * mount namespace; size is set when not NULL.
	 */
	uint64_t (*symbol)(struct heapsh_image *im, const char *module,
			   const char *name, uint64_t *size);
	/** Mapping by index; 0 past the last. Sorted by address. */
	int (*mapping)(struct heapsh_image *im, uint32_t index,
		       struct heapsh_mapping *ret);
	/** Thread by index; 0 past the last. None for a live image. */
	int (*thread)(struct heapsh_image *im, uint32_t index,
		      struct heapsh_thread_state *ret);
	/** Address width in bytes (8) and 1 for little-endian. */
	void (*machine)(struct heapsh_image *im, uint32_t *width,
			uint32_t *little_endian);

	/**
	 * Register a type: answers its number, from 0, dense. The same address
	 * and name answer the same number. text is copied.
	 */
	uint32_t (*type)(struct heapsh_image *im, const struct heapsh_type *t);
	/** 1 when the user has interrupted: return soon with what is there. */
	int (*cancelled)(struct heapsh_image *im);
	/** A sentence for people, without a stop; level: heapsh_diag. */
	void (*diag)(struct heapsh_image *im, uint32_t level, const char *text);
	/** Later services, by name; NULL when this host has none. */
	const void *(*get_interface)(const char *name);
};

/** Pointers that view() keeps valid at the same time, per reader. */
enum { HEAPSH_VIEWS = 4 };

/* ------------------------------------------------------------------------
 * The plugin's side
 */

enum heapsh_answer {
	HEAPSH_NO = 0,		/* not mine */
	HEAPSH_YES = 1,
	/** Mine, but not one that I can read: reason is a whole sentence. */
	HEAPSH_REFUSED = 2,
};

/** Answer of probe(). Texts are NUL-terminated and printable. */
struct heapsh_claim {
	uint32_t size;
	uint32_t answer;		/* heapsh_answer */
	uint32_t confidence;		/* 0..100 */
	char runtime[32];		/* "Example" */
	char version[32];		/* "1.2.3" */
	char reason[192];		/* how it knows, or why it refuses */
};

/** What an open() found out beside the heap: shown by "info setup". */
struct heapsh_status {
	uint32_t size;
	uint32_t collecting;	/* 1: inside a garbage collection */
	uint32_t mutating;	/* 1: the runtime's lock was held, unsettled */
	uint32_t reserved;
	char layout[192];	/* where the layout is from and why trusted */
};

/** A range that sweep() will be given, in chunks. */
struct heapsh_range {
	uint64_t start, end;
};

/** Chunk of a range, in the host's own buffer, 16-byte aligned. */
struct heapsh_chunk {
	uint32_t size;
	uint32_t reserved;
	uint64_t address, len;
	/** len bytes, unread pages zero; see HEAPSH_PLUGIN_KEEPS_OBJECTS */
	const uint8_t *bytes;
};

enum heapsh_root_flags {
	/** A variable of a thread's frame. */
	HEAPSH_ROOT_LOCAL = 1,
	/**
	 * An object to visit that is no root: it keeps nothing alive, but
	 * nothing in the ranges need point to it. Its name is not shown.
	 */
	HEAPSH_ROOT_FOUND = 2,
	/**
	 * A table of names that users may type bare: where there is no
	 * lookup(), its keys are looked through, in the order of the roots.
	 * Since 0.1.
	 */
	HEAPSH_ROOT_NAMESPACE = 4,
	/**
	 * What a frame runs, not what it holds: its code, its globals. A path
	 * begins there only where no other root leads. Since 0.1.
	 */
	HEAPSH_ROOT_CONTEXT = 8,
};

/** A root: an object that is alive because the runtime itself refers to it. */
struct heapsh_root {
	uint32_t size;
	uint32_t flags;
	uint64_t target;
	/** "i0_modules", "threads[0].frames[1].locals['x']" */
	struct heapsh_text name;
};

/** Given to roots(), to be called with each. */
typedef void heapsh_root_fn(void *arg, const struct heapsh_root *root);

enum heapsh_render_style {
	HEAPSH_RENDER_REPR,	/* like the runtime's own repr, bounded */
	HEAPSH_RENDER_SHORT,	/* at most a line, as in tables */
	HEAPSH_RENDER_TEXT,	/* the bare text of a string object */
};

/** A key that was typed: x['k'], x[3], x[(1, 'a')]. */
enum heapsh_key_kind {
	HEAPSH_KEY_INT, HEAPSH_KEY_STR, HEAPSH_KEY_BYTES, HEAPSH_KEY_FLOAT,
	HEAPSH_KEY_BOOL, HEAPSH_KEY_NONE, HEAPSH_KEY_TUPLE,
	HEAPSH_KEY_OBJECT,	/* by identity: i is its address */
};
struct heapsh_key {
	uint32_t kind;
	uint32_t n_items;			/* of a tuple */
	int64_t i;
	double f;
	struct heapsh_text text;		/* str: UTF-8 */
	const struct heapsh_key *items;
};

struct heapsh_measure;	/* plugin_interfaces.h */

/** Called with each name; return 0 to stop. */
typedef int heapsh_name_fn(void *arg, struct heapsh_text name, uint64_t target);

enum heapsh_plugin_flags {
	/**
	 * Its ranges are not its own: where another plugin reads the same
	 * process, that one's objects may lie between (a heap of malloc()).
	 */
	HEAPSH_PLUGIN_SHARES_RANGES = 1,
	/** Without EDGES, or FRONTIER: sweep() needs no bytes: NULL. 0.2 */
	HEAPSH_PLUGIN_KEEPS_OBJECTS = 2,
	/** The first question walks the heap: belief waits for a user's. 0.2 */
	HEAPSH_PLUGIN_WALKS = 4,
};

/**
 * What a plugin is. probe, open, at and roots there must be; ranges and sweep
 * go together; the others may be NULL. It lives as long as the plugin is
 * loaded.
 */
struct heapsh_plugin {
	uint32_t size;
	uint32_t abi_minor;
	const char *name;	/* of the folder: "example" */
	const char *version;	/* the plugin's own */
	const char *license;	/* SPDX */

	/**
	 * Is this process mine? im reads the running process: bytes may change
	 * under the reader, nothing is stopped. Symbols and a few words only.
	 */
	void (*probe)(struct heapsh_image *im, struct heapsh_claim *ret);
	/** How to settle; im is the frozen, unsettled copy. [may be NULL] */
	void (*settle)(struct heapsh_image *im, struct heapsh_settle *ret);
	/**
	 * Begin. Returns NULL and *state, or a static or state-free sentence
	 * that says why not (it is copied before anything else is called).
	 */
	const char *(*open)(struct heapsh_image *im, void **state,
			    struct heapsh_status *ret);
	void (*close)(void *state);

	/**
	 * Ranges that sweep() understands, at most cap; returns how many there
	 * are. Chunks are cut at multiples of *grain bytes (a power of two, at
	 * most 1 MiB) so that no block straddles two. [may be NULL: no pools]
	 */
	uint32_t (*ranges)(void *state, struct heapsh_range *ret, uint32_t cap,
			   uint64_t *grain);
	/** Emit every object of the chunk, in address order. */
	void (*sweep)(void *state, const struct heapsh_chunk *chunk,
		      struct heapsh_sink *sink);
	/**
	 * For each address, in the order that they are given: emit the object
	 * that begins there (and its edges if wanted), or sink->nothing().
	 * Addresses are not trusted.
	 */
	void (*at)(void *state, const uint64_t *addr, uint32_t n,
		   struct heapsh_sink *sink);
	/** Addresses outside the ranges from which the heap is found. */
	void (*roots)(void *state, heapsh_root_fn *emit, void *arg);

	/*
	 * Questions about one object, each at the pace of people. All may be
	 * NULL. addr is not trusted: it may be any number.
	 */

	/**
	 * Text of an object, escaped by nobody, at most cap bytes; returns its
	 * length, or where it does not fit any number above cap.
	 * Runs nothing of the program: an object that prints itself by code is
	 * "<mod.Class object at 0x...>". 0: the host writes the TEXT of an
	 * object of a HEAPSH_TYPE_TEXT type in quotes, and of all others type,
	 * length and address.
	 */
	uint64_t (*render)(void *state, uint64_t addr, uint32_t style,
			   char *buf, uint64_t cap);
	/**
	 * Object by a bare name, as the runtime's users would; 0: none. NULL:
	 * a root's name, or a key of a HEAPSH_ROOT_NAMESPACE.
	 */
	uint64_t (*lookup)(void *state, struct heapsh_text name);
	/**
	 * .name of an object; 0: none. NULL: by the labels NAME and ATTR of its
	 * edges, then the keys of the table that a HEAPSH_EDGE_TABLE leads to,
	 * or its own where its type is a HEAPSH_TYPE_TABLE.
	 */
	uint64_t (*attr)(void *state, uint64_t addr, struct heapsh_text name);
	/**
	 * [key]; 0: none. Keys are compared by value without running code.
	 * NULL: by the labels INDEX and VALUE of its edges, for whole numbers
	 * and for text.
	 */
	uint64_t (*item)(void *state, uint64_t addr,
			 const struct heapsh_key *key);
	/**
	 * Bare names (addr 0) or attributes that begin with prefix, for
	 * completion. NULL: those that lookup() and attr() find when NULL.
	 */
	void (*names)(void *state, uint64_t addr, struct heapsh_text prefix,
		      heapsh_name_fn *fn, void *arg);
	/**
	 * Returns 0 when it has no answer. NULL: sizes of the type, and as
	 * length what (flat - basic_size) / item_size gives.
	 */
	int (*measure)(void *state, uint64_t addr, struct heapsh_measure *ret);

	/** Optional interfaces by name: HEAPSH_THREADS_0, … [may be NULL] */
	const void *(*get_interface)(const char *name);
	/** heapsh_plugin_flags. Since 0.1. */
	uint32_t flags;
	uint32_t reserved;
};

/** The one exported function of a plugin. */
const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *host);
typedef const struct heapsh_plugin *heapsh_entry_fn(const struct heapsh_host *);

#ifdef __cplusplus
}
#endif

/*
 * Running the program's own code: heapsh.eval.0, heapsh.prepare.0; threads,
 * modules and content; helpers that are compiled into the plugin.
 */
#include "plugin_eval.h"
#include "plugin_interfaces.h"
#include "plugin_helpers.h"
#endif
