/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Optional interfaces of a plugin, part of <heapsh/plugin.h>: what
 * heapsh_plugin.get_interface() answers to a name. The rules are those of
 * plugin.h; texts live until the next call of the same interface, and all
 * calls come from one thread. What is not offered is said to be not known of
 * the runtime.
 */
#ifndef HEAPSH_PLUGIN_INTERFACES_H
#define HEAPSH_PLUGIN_INTERFACES_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers that Pympler's words ask for one object. */
struct heapsh_measure {
	uint32_t size;
	uint32_t has_length;
	uint64_t basic_size, item_size;	/* as Pympler: with the GC head */
	uint64_t length;		/* "leng", when has_length */
	/** What the runtime's own len() answers, without running code. */
	uint64_t exact_length;		/* when has_exact_length */
	uint32_t has_exact_length;
	uint32_t reserved;
};

/** Threads, frames and variables as the runtime sees them. */
#define HEAPSH_THREADS_0 "heapsh.threads.0"

struct heapsh_frame {
	uint32_t size;
	uint32_t line;			/* 0: not known */
	uint64_t address;		/* of the runtime's frame, unique */
	uint64_t object;		/* frame object, or 0 */
	uint64_t code;			/* code object, or 0 */
	struct heapsh_text function, file;
};
struct heapsh_thread {
	uint32_t size;
	int32_t tid;			/* kernel's, or 0 when not known */
	uint64_t ident;			/* the runtime's own */
	uint32_t holds_lock;		/* 1: it held the runtime's lock */
	uint32_t reserved;
	struct heapsh_text name;	/* "MainThread", or "" */
};
struct heapsh_variable {
	uint32_t size;
	uint32_t kind;			/* heapsh_label: LOCAL or STACK */
	uint64_t target;		/* 0: unbound, or no object */
	struct heapsh_text name;
	/** What it is where it is no object: "42". Since 0.1. */
	struct heapsh_text value;
};
struct heapsh_threads {
	uint32_t size;
	uint32_t reserved;
	/** 0 past the last. Texts live until the next call. */
	int (*thread)(void *state, uint32_t index, struct heapsh_thread *ret);
	/** index 0 is the innermost frame. */
	int (*frame)(void *state, uint32_t thread, uint32_t index,
		     struct heapsh_frame *ret);
	int (*variable)(void *state, uint32_t thread, uint32_t frame,
			uint32_t index, struct heapsh_variable *ret);
};

/** Modules of the program, as the runtime has imported them. */
#define HEAPSH_MODULES_0 "heapsh.modules.0"
struct heapsh_modules {
	uint32_t size;
	uint32_t reserved;
	/** name, object; in the runtime's own order. */
	void (*each)(void *state, heapsh_name_fn *fn, void *arg);
};

/**
 * Values that are no objects, of runtimes whose numbers have no address of
 * their own. Since 0.1.
 */
#define HEAPSH_SCALARS_0 "heapsh.scalars.0"
struct heapsh_scalars {
	uint32_t size;
	uint32_t reserved;
	/**
	 * [key] of an object, or .key where key is text; addr 0: the bare name
	 * key. Returns 1 and *ret of HEAPSH_KEY_INT, _FLOAT or _BOOL, or, since
	 * 0.2, of HEAPSH_KEY_BYTES: how a value of another kind is written,
	 * such as an address of C. 0: there is no such value.
	 */
	int (*get)(void *state, uint64_t addr, const struct heapsh_key *key,
		   struct heapsh_key *ret);
};

/** Content of an object: equality without the program's code. */
#define HEAPSH_CONTENT_0 "heapsh.content.0"
struct heapsh_content {
	uint32_t size;
	uint32_t reserved;
	/** Shallow hash of type and content; 0: has none. */
	uint64_t (*hash)(void *state, uint64_t addr);
};

/** Items that no object stands for until they are asked for: of a range. */
#define HEAPSH_COMPUTED_0 "heapsh.computed.0"
struct heapsh_computed {
	uint32_t size;
	uint32_t reserved;
	/** As heapsh_plugin.item, but the number that it would be; 0: none. */
	int (*item)(void *state, uint64_t addr, const struct heapsh_key *key,
		    int64_t *ret);
};

/** How types hang together. */
#define HEAPSH_TYPES_0 "heapsh.types.0"
struct heapsh_types {
	uint32_t size;
	uint32_t reserved;
	/** Every type that the type at addr is a subtype of, but itself. */
	void (*each_base)(void *state, uint64_t addr, heapsh_name_fn *fn,
			  void *arg);
	/**
	 * 0: heapsh_plugin.attr answers 0 for that name, or heapsh_plugin.item
	 * for every key, whatever object of exactly the type at addr is asked;
	 * else 1. Millions of objects need not be asked then. Since 0.2.
	 */
	int (*may_have_attr)(void *state, uint64_t addr,
			     struct heapsh_text name);
	int (*may_have_items)(void *state, uint64_t addr);
};

/**
 * What only the object's own code can tell, run by HEAPSH_EVAL_0. Both return
 * how it ended, heapsh_eval_end; unless RETURNED, why is a clause for people,
 * as "it raised ValueError: no" (at most why_cap bytes with its NUL).
 */
#define HEAPSH_ASK_0 "heapsh.ask.0"
enum heapsh_ask_what { HEAPSH_ASK_REPR, HEAPSH_ASK_STR };
struct heapsh_ask {
	uint32_t size;
	uint32_t reserved;
	/** UTF-8, at most cap bytes of it; *n: how long it is in full. */
	uint32_t (*text)(void *state, uint64_t addr, uint32_t what, char *buf,
			 uint64_t cap, uint64_t *n, char *why,
			 uint64_t why_cap);
	/** Its own answer to how many bytes it has. */
	uint32_t (*flat)(void *state, uint64_t addr, uint64_t *ret, char *why,
			 uint64_t why_cap);
	/**
	 * Texts of n objects, all in one copy: emit(arg, i, text, bytes of it)
	 * for those that have one, i ascending. Returns how it ended. Since
	 * 0.1.
	 */
	uint32_t (*texts)(void *state, const uint64_t *addr, uint32_t n,
			  uint32_t what,
			  void (*emit)(void *arg, uint32_t i, const char *text,
				       uint64_t len),
			  void *arg);
};

/**
 * A call as the program itself would write it, run by HEAPSH_EVAL_0: its
 * callables with its objects, and numbers and texts that are made for it in
 * the copy. Since 0.1.
 */
#define HEAPSH_INVOKE_0 "heapsh.invoke.0"
struct heapsh_argument {
	struct heapsh_text name;	/* by keyword; n 0: by its place */
	struct heapsh_key value;	/* tuples are at most 32 deep */
};
struct heapsh_invocation {
	uint32_t size;
	uint32_t cpu_ms;		/* processor time it may take */
	uint64_t callee;		/* object */
	/* Where attr(self, name) has found callee: self.name(…) */
	uint64_t self;			/* 0: it is called by itself */
	struct heapsh_text name;
	uint32_t n;
	uint32_t reserved;
	const struct heapsh_argument *args;
};
struct heapsh_invoked {
	uint32_t size;
	uint32_t end;		/* heapsh_eval_end; FAILED: it has raised */
	uint32_t n_refused;	/* system calls that were refused */
	int32_t refused;	/* number of the first of them, or -1 */
	uint64_t n;		/* bytes of the result's text, in full */
	/**
	 * FAILED: what was raised, as the runtime's users would read it:
	 * "ValueError: no such name". Else a clause: "it has called exit(3)".
	 */
	char why[1024];
};
/*
 * The same in the running program itself, at a safe point (HEAPSH_SAFEPOINT_0).
 * There it must be done at once: the calls of functions that it takes are
 * written down first.
 */
enum heapsh_step_flags {
	HEAPSH_STEP_OWNS = 1,	/* the result is handed to release() at last */
	HEAPSH_STEP_TAKES = 2,	/* args[2] is not owned any more */
	HEAPSH_STEP_NOT_ZERO = 4,	/* 0 is a failure */
	HEAPSH_STEP_NOT_MINUS = 8,	/* an int below 0 is one */
	/** The result is text of *(int64_t *)args[1] bytes, and is kept. */
	HEAPSH_STEP_TEXT = 16,
	HEAPSH_STEP_CSTR = 32,	/* text that ends with a NUL, likewise */
	HEAPSH_STEP_ON_ERROR = 64,	/* only where a step has failed */
	HEAPSH_STEP_ALWAYS = 128,
};
enum heapsh_step_from {
	HEAPSH_FROM_ITSELF,	/* a number, or an address of the program */
	HEAPSH_FROM_STEP,	/* the result of that step */
	HEAPSH_FROM_DATA,	/* address of that byte of data */
};
enum { HEAPSH_STEP_ARGS = 4, HEAPSH_STEPS = 192, HEAPSH_SCRIPT_DATA = 16384 };
struct heapsh_step {
	uint64_t function;	/* 0: what lies at args[0] + args[1] */
	uint64_t args[HEAPSH_STEP_ARGS];
	uint8_t from[HEAPSH_STEP_ARGS];	/* heapsh_step_from */
	uint32_t flags;			/* heapsh_step_flags */
};
struct heapsh_script {
	uint32_t size;
	uint32_t n;
	struct heapsh_step steps[HEAPSH_STEPS];
	uint64_t release;	/* void release(result) */
	/* Steps: the call; that keep its text, an error's name, its words. */
	uint32_t call, text, name, words;
	uint32_t n_data, reserved;
	uint8_t data[HEAPSH_SCRIPT_DATA];
};
/** A word of the program from least to most, both included. */
struct heapsh_guard {
	uint64_t addr, least, most;
	uint32_t bytes;		/* 4 or 8 */
	uint32_t reserved;
};
enum { HEAPSH_GUARDS = 4 };
struct heapsh_invoke {
	uint32_t size;
	uint32_t reserved;
	/** The result as text to buf, UTF-8, at most cap bytes of it. */
	void (*call)(void *state, const struct heapsh_invocation *what,
		     char *buf, uint64_t cap, struct heapsh_invoked *ret);
	/** NULL, or a clause that says why it cannot be; *ret comes zeroed. */
	const char *(*script)(void *state,
			      const struct heapsh_invocation *what,
			      struct heapsh_script *ret);
	/** What is so as long as an object lives; how many; 0: not known. */
	uint32_t (*alive)(void *state, uint64_t object,
			  struct heapsh_guard ret[HEAPSH_GUARDS]);
};

/**
 * How the running program itself comes to call a function, once, at a point
 * where its own code might have called any other: by numbers of its memory
 * that are changed while all its threads stand still. Since 0.1.
 */
#define HEAPSH_SAFEPOINT_0 "heapsh.safepoint.0"
enum heapsh_word_flags {
	HEAPSH_WORD_CHECK = 1,	/* must be before, or nothing is changed */
	HEAPSH_WORD_SET = 2,	/* becomes now */
	HEAPSH_WORD_OR = 4,	/* gets the bits of now */
	HEAPSH_WORD_UNDO = 8,	/* with SET and CHECK: before again, where
				   the function is to be called no more */
};
struct heapsh_word {
	uint64_t addr, before, now;
	uint32_t bytes;			/* 1, 4 or 8 */
	uint32_t flags;			/* heapsh_word_flags */
};
enum { HEAPSH_WORDS = 32 };
struct heapsh_safepoint_plan {
	uint32_t size;
	uint32_t n_words;
	/**
	 * Changed in this order: the word that says that something is there
	 * comes last. Undone in the other.
	 */
	struct heapsh_word words[HEAPSH_WORDS];
	/* Around what may wait for others; 0: nothing. */
	uint64_t leave;			/* void *leave(void) */
	uint64_t back;			/* void back(void *left) */
};
struct heapsh_safepoint {
	uint32_t size;
	uint32_t reserved;
	/**
	 * int function(void *arg), which answers 0, is to be called. NULL and
	 * *ret, which comes zeroed; or a clause that says why it cannot be:
	 * in any doubt. Tries on disposable copies what it wants done.
	 */
	const char *(*plan)(void *state, uint64_t function, uint64_t arg,
			    struct heapsh_safepoint_plan *ret);
};

/** Texts of many objects, to search them. Since 0.1. */
#define HEAPSH_TEXTS_0 "heapsh.texts.0"
struct heapsh_texts {
	uint32_t size;
	uint32_t reserved;
	/**
	 * For each address, in order, what render() would answer: buf is
	 * filled, then emit(arg, i, that answer) is called. Several threads
	 * call this at once: reader is for host->view(), as a sink's.
	 */
	void (*each)(void *state, void *reader, const uint64_t *addr,
		     uint32_t n, uint32_t style, char *buf, uint64_t cap,
		     void (*emit)(void *arg, uint32_t i, uint64_t len),
		     void *arg);
};

/** Who allocated what, as far as the program itself takes notes of it. */
#define HEAPSH_SITES_0 "heapsh.sites.0"
struct heapsh_site {
	uint32_t size;
	uint32_t line;
	uint64_t id;		/* the same for the same file and line, or 0 */
	struct heapsh_text file;	/* until the next call */
};
struct heapsh_sites {
	uint32_t size;
	uint32_t reserved;
	/** 1: notes are being taken. */
	int (*active)(void *state);
	/**
	 * Frame index, 0 the innermost, of the allocation of the object at
	 * addr; 0: there is none, or no note of it.
	 */
	int (*site)(void *state, uint64_t addr, uint32_t index,
		    struct heapsh_site *ret);
	/**
	 * How a program of this runtime is started so that it takes notes: a
	 * line that users are shown where there are none. NULL: not known.
	 */
	const char *how;
};

/** The runtime's own collector of cycles. Since 0.1. */
#define HEAPSH_COLLECTOR_0 "heapsh.collector.0"
enum heapsh_collector_flags {
	/** The collector looks at it: it may find that it is garbage. */
	HEAPSH_COLLECTOR_TRACKED = 1,
	/** Code of the program would run before it is freed. */
	HEAPSH_COLLECTOR_FINALIZER = 2,
	/** That code has run. */
	HEAPSH_COLLECTOR_FINALIZED = 4,
	/** In a cycle it is never freed, nor is what it leads to. */
	HEAPSH_COLLECTOR_NEVER = 8,
};
struct heapsh_collector {
	uint32_t size;
	uint32_t reserved;
	/** heapsh_collector_flags of the object at addr. */
	uint32_t (*flags)(void *state, uint64_t addr);
};

/** How full the containers are. Since 0.1. */
#define HEAPSH_USAGE_0 "heapsh.usage.0"
struct heapsh_usage {
	uint32_t size;
	uint32_t reserved;
	uint64_t used, capacity;	/* items */
	uint64_t unused_bytes;		/* of the items that are not used */
};
struct heapsh_usages {
	uint32_t size;
	uint32_t reserved;
	/** 0: the object at addr is no container that can grow. */
	int (*usage)(void *state, uint64_t addr, struct heapsh_usage *ret);
};

/**
 * Sizes by the rules of another tool, which users of the runtime know, where
 * they differ from those of plugin.h: "compat=NAME". Since 0.1.
 *
 * A thing is an object, or what that tool makes by looking at one: the
 * attribute table of an instance that has none yet. It goes by the object's
 * address, plus a number from 1 to HEAPSH_COMPAT_MADE for what is made.
 */
#define HEAPSH_COMPAT_0 "heapsh.compat.0"
enum { HEAPSH_COMPAT_MADE = 7 };
enum heapsh_compat_options {
	HEAPSH_COMPAT_CODE = 1,		/* code=1: count it, and follow it */
	HEAPSH_COMPAT_FRAMES = 2,	/* frames=1 */
	HEAPSH_COMPAT_IGNORED = 4,	/* ignored=0: count those, too */
	HEAPSH_COMPAT_INFER = 8,	/* infer=1: what behaves as a table */
};
enum heapsh_compat_flags {
	HEAPSH_COMPAT_COUNTS = 1,	/* else its size is 0 */
	HEAPSH_COMPAT_LEADS = 2,	/* it may have referents */
	/** Its referents count only where it is an argument itself. */
	HEAPSH_COMPAT_ARGUMENT = 4,
};
struct heapsh_compat_thing {
	uint32_t size;
	uint32_t flags;		/* heapsh_compat_flags */
	uint64_t flat;		/* bytes, not rounded */
	uint64_t key;		/* alike in a profile: as a rule its type's */
};
struct heapsh_compat_words {
	uint32_t size;
	uint32_t has_length;		/* of what is made */
	uint64_t length, exact_length;	/* as in struct heapsh_measure */
	struct heapsh_text kind;	/* of the key: "class dict" */
	struct heapsh_text name;	/* of an object; "": its repr */
	struct heapsh_text origin;	/* of the rule: "static"; or "" */
	struct heapsh_text rule;	/* "64, 24, _len_dict, _dict_refs" */
};
/**
 * Given to referents(). target is a thing; of labels ATTR, NAME, VALUE and NONE
 * are looked at, of flags KEY. Return 0 to stop.
 */
typedef int heapsh_compat_fn(void *arg, const struct heapsh_edge *e);
struct heapsh_compat {
	uint32_t size;
	uint32_t limit;		/* depth that is followed unless limit= */
	const char *name;	/* "pympler" */
	/** A walk begins: forget what was learned of objects. */
	void (*begin)(void *state, uint32_t options);
	/** 0: there is no such thing. */
	int (*thing)(void *state, uint64_t id,
		     struct heapsh_compat_thing *ret);
	/** In the tool's order. */
	void (*referents)(void *state, uint64_t id, heapsh_compat_fn *fn,
			  void *arg);
	/** Texts live until the next call of it. */
	int (*words)(void *state, uint64_t id,
		     struct heapsh_compat_words *ret);
	/**
	 * The rules that the tool has before it meets an object: kind, origin
	 * and rule of each; 0 past the last. What it lists beside its rules
	 * has the origin "", and its heading for a name. Since 0.2.
	 */
	int (*own_rule)(void *state, uint32_t index,
			struct heapsh_compat_words *ret);
};

#ifdef __cplusplus
}
#endif
#endif
