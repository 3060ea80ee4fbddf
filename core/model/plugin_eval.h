/* SPDX-License-Identifier: Apache-2.0 */
/** Part of plugin.h, which includes it: running the program's own code. */
#ifndef HEAPSH_PLUGIN_EVAL_H
#define HEAPSH_PLUGIN_EVAL_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Of the host: call functions of the program in a disposable copy of the
 * image. heapsh_host.get_interface(HEAPSH_EVAL_0) answers a struct
 * heapsh_eval; it is of use from the return of open() until close().
 *
 * The copy is made of what the plugin reads, so that each address it has seen
 * there is valid in the copy; the image itself never changes. The copy has one
 * thread, which takes the place of one of the program's. It has no open file,
 * what it shares with others is read-only, and every system call but those of
 * memory and time is refused (EPERM) and counted. A lock that another thread
 * held is waited for by letting that thread run on, in the copy.
 *
 * Functions may crash, loop, exit or wait for ever: that ends this call, or
 * this object's part of a batch, and the copy. The next call gets a new one.
 *
 * Any thread may call; calls wait for each other. Cost: 1 to 30 ms for a new
 * copy (1 to 50 ms/GB of small pages), 20 to 40 us for each call, and what the
 * function takes: hand over hundreds of objects at once.
 */
#define HEAPSH_EVAL_0 "heapsh.eval.0"
/** Of a plugin, optional: what a copy needs before code can run in it. */
#define HEAPSH_PREPARE_0 "heapsh.prepare.0"

struct heapsh_eval_setup {
	uint32_t size;
	uint32_t thread;	/* index in threads(), or UINT32_MAX: any */
	uint32_t n_writes;
	uint32_t reserved;
	/**
	 * Function that is called once in each new copy, without arguments,
	 * before any other, such as one that takes a lock; 0: none.
	 */
	uint64_t enter;
	/** Into each new copy; .after is not looked at. */
	struct heapsh_write writes[16];
};
struct heapsh_prepare {
	uint32_t size;
	uint32_t reserved;
	/**
	 * Asked when the first copy of an instant is wanted; the answer is
	 * kept. *ret comes zeroed, thread UINT32_MAX.
	 */
	void (*prepare)(void *state, struct heapsh_eval_setup *ret);
};

enum heapsh_eval_end {
	HEAPSH_EVAL_RETURNED,
	HEAPSH_EVAL_FAILED,	/* of one object: the function answered bad */
	HEAPSH_EVAL_CRASHED,	/* a signal; what raises one counts, too */
	HEAPSH_EVAL_LATE,	/* it has used up its processor time */
	HEAPSH_EVAL_STUCK,	/* waits for what nobody in the copy will do */
	HEAPSH_EVAL_EXITED,	/* it has called exit() or _exit() */
	HEAPSH_EVAL_ENDED,	/* the copy was killed: memory was short */
	HEAPSH_EVAL_CANCELLED,	/* the user has interrupted */
	HEAPSH_EVAL_UNAVAILABLE, /* no copy can be made: see why */
};

struct heapsh_eval_result {
	uint32_t size;
	uint32_t end;		/* heapsh_eval_end */
	int32_t signal;		/* of CRASHED */
	int32_t status;		/* of EXITED */
	uint32_t n_refused;	/* system calls that were refused */
	int32_t refused;	/* number of the first of them, or -1 */
	uint64_t value;		/* of RETURNED: the integer result register */
	uint64_t address;	/* of CRASHED: that could not be accessed */
	/**
	 * Number of the copy. When it is another one than before, what earlier
	 * calls have made there is gone.
	 */
	uint64_t copy;
	uint64_t cpu_ns;	/* processor time of the function */
	char why[160];		/* a clause for people unless RETURNED */
};

enum heapsh_eval_kind {
	/**
	 * int f(object, int (*visit)(void *target, void *arg), void *arg), as
	 * collectors have it: values are the targets, in f's order.
	 */
	HEAPSH_EVAL_VISIT,
	/** uint64_t f(object, args[0], args[1]): values[0]. */
	HEAPSH_EVAL_VALUE,
	/** const char *f(object, args[0], args[1]): text. */
	HEAPSH_EVAL_TEXT,
};

/** What became of one object of a batch. Lives until each() returns. */
struct heapsh_eval_item {
	uint32_t size;
	uint32_t end;		/* heapsh_eval_end, RETURNED to EXITED */
	uint64_t index;
	uint64_t n;		/* values, or bytes of text */
	uint64_t total;		/* of them, had there been room */
	const uint64_t *values;
	const char *text;
	int32_t signal;		/* of CRASHED */
	uint32_t reserved;
};

/** One function, or one for each object, over many objects. */
struct heapsh_eval_batch {
	uint32_t size;
	uint32_t kind;			/* heapsh_eval_kind */
	uint64_t n;
	const uint64_t *objects;	/* n addresses; not looked into */
	const uint64_t *functions;	/* n addresses, or NULL: function */
	uint64_t function;
	uint64_t args[2];		/* second and third argument */
	/**
	 * Applied to f's result, if not 0. VALUE: uint64_t finish(result), bad
	 * is -1. TEXT: const char *finish(result, int64_t *length), bad is
	 * NULL; without it, f's result ends with a NUL.
	 */
	uint64_t finish;
	/** void release(result), when finish is through; 0: none. */
	uint64_t release;
	/** void clear(void), when there was a bad answer; 0: none is bad. */
	uint64_t clear;
	uint64_t bad;			/* of f, if clear is given */
	uint32_t cpu_ms;		/* for one object; 0: 1000 */
	uint32_t max;			/* values or bytes of one; 0: 65536 */
	/**
	 * Called on the caller's thread once for each object, in order; return
	 * 0 to stop. Must not call the service.
	 */
	int (*each)(void *arg, const struct heapsh_eval_item *item);
	void *arg;
};

enum { HEAPSH_EVAL_ARGS = 12 };

struct heapsh_eval {
	uint32_t size;
	uint32_t reserved;
	/** NULL when code can be run; else a sentence (a core, released). */
	const char *(*why_not)(struct heapsh_image *im);
	/**
	 * Call a function with n integers and addresses, at most
	 * HEAPSH_EVAL_ARGS. cpu_ms: 0 is 1000.
	 */
	void (*call)(struct heapsh_image *im, uint64_t function,
		     const uint64_t *args, uint32_t n, uint32_t cpu_ms,
		     struct heapsh_eval_result *ret);
	/** ret says why not all objects were tried, or RETURNED. */
	void (*batch)(struct heapsh_image *im,
		      const struct heapsh_eval_batch *batch,
		      struct heapsh_eval_result *ret);
	/** Memory of the copy as it is now; returns the bytes read, written. */
	uint64_t (*read)(struct heapsh_image *im, uint64_t addr, void *buf,
			 uint64_t len);
	uint64_t (*write)(struct heapsh_image *im, uint64_t addr,
			  const void *buf, uint64_t len);
	/**
	 * Address of memory in the copy that nobody else uses, zero at first,
	 * and in the same place in every copy; 0: there is none.
	 */
	uint64_t (*scratch)(struct heapsh_image *im, uint64_t *len);
	/** The next call is to have a new copy. */
	void (*reset)(struct heapsh_image *im);
};

#ifdef __cplusplus
}
#endif
#endif
