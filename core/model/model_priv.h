/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this room share. Not for others. */
#ifndef MD_MODEL_PRIV_H
#define MD_MODEL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "model.h"

#include "arena.h"
#include "image.h"
#include "map.h"
#include "text.h"
#include "vec.h"

enum {
	MD_NAME_MAX = 1024,	/* bytes of a type's name before escaping */
	MD_TEXT_MAX = 1 << 20,	/* bytes of any text that a plugin hands out */
	MD_DIAGS_MAX = 64,	/* sentences kept of one image */
	MD_PARTS = 4,		/* plugins that read one process */
};

/* Larger sizes are a lie: x86-64's user addresses end here. */
#define MD_SIZE_MAX (UINT64_C(1) << 47)

/* --- plugins ------------------------------------------------------------- */

/** What a plugin is called for; rows of md_limits. */
enum md_entry {
	MD_LOAD, MD_PROBE, MD_SETTLE, MD_OPEN, MD_CLOSE, MD_RANGES, MD_SWEEP,
	MD_AT, MD_ROOTS, MD_RENDER, MD_LOOKUP, MD_ATTR, MD_ITEM, MD_NAMES,
	MD_MEASURE, MD_INTERFACE, MD_THREAD, MD_FRAME, MD_VARIABLE, MD_MODULES,
	MD_CONTENT, MD_PREPARE, MD_SITES, MD_BASES, MD_MAY_HAVE,
	MD_FLAGS, MD_USAGE, MD_ASK, MD_INVOKE, MD_SAFEPOINT, MD_TEXTS,
	MD_COMPAT, MD_N_ENTRIES
};

/** What one call may take: plugin.h, "Trust". */
struct md_limit {
	const char *name;	/* "sweep()" */
	uint32_t seconds;
	uint64_t reads;		/* read() and view() together */
	uint64_t emitted;	/* edges, of roots() roots */
};
extern const struct md_limit md_limits[MD_N_ENTRIES];

/** One file that was looked at. Never moves; ends with the host. */
struct md_loaded {
	struct md_host *host;
	void *dl;			/* of dlopen(), or NULL */
	const struct heapsh_plugin *plugin;	/* NULL: see problem */
	/* These texts are in the host's. */
	char *name;			/* of the file */
	const char *path, *version;
	const char *problem;		/* why it was not loaded, or NULL */
	/* What follows is guarded by the host's lock. */
	const char *fault;		/* why it is disabled */
	char claim[96];			/* its last answer of probe() */
	uint64_t calls, time_ns;
	_Atomic uint64_t reads;
	_Atomic bool disabled;		/* read without the lock */
	bool by_user;			/* disabled without a fault */
};

/** A call under way, on the stack of who makes it. */
struct md_call {
	struct md_loaded *own;
	struct heapsh_image *image;	/* whose main reader counts, or NULL */
	enum md_entry entry;
	int slot;			/* of the host's, or -1: not watched */
	uint64_t began_ns;
};

enum { MD_SLOTS = 64 };		/* calls that are watched at one time */
struct md_slot {
	struct md_loaded *own;
	enum md_entry entry;
	uint32_t since;			/* tick */
};

/** HS_VEC(char *), with a name. */
struct md_strings {
	char **v;
	size_t n, cap;
};

struct md_host {
	struct hs_arena text;
	HS_VEC(struct md_loaded *) loaded;
	HS_VEC(struct md_plugin_info) infos;	/* made by md_plugins() */
	struct md_strings only, skip;
	struct md_loaded joint;		/* of md_joint_plugin */
	uint32_t limit_ms;		/* of every call; 0: md_limits */
	pthread_mutex_t lock;		/* guards what follows, and text */
	unsigned inside;		/* calls under way */
	uint64_t busy;			/* bit i: slots[i] is taken */
	struct md_slot slots[MD_SLOTS];
	uint32_t tick;
	unsigned paused;		/* calls in which we are slow */
	md_running_fn *running;
	void *running_arg;
};

/**
 * Around every call into a plugin. False: it is disabled and must not be
 * called (close() may). image: whose reads through the main reader belong to
 * this call; NULL for sweep() and at(), which have readers of their own.
 */
bool md_enter(struct md_loaded *own, enum md_entry entry,
	      struct heapsh_image *image, struct md_call *ret) HS_MUST_USE;
void md_leave(struct md_call *call);
/** It has done something: its time begins anew. */
void md_going_on(const struct md_call *call);
/** While the host does something long on behalf of a plugin, no time counts. */
void md_pause(struct md_loaded *own);
void md_resume(struct md_loaded *own);
/**
 * Disable a plugin; the first reason is kept. Any thread. Its calls under way
 * find nothing to read and nobody to tell.
 */
void md_blame(struct md_loaded *own, const char *fmt, ...) HS_PRINTF(2, 3);
static inline bool md_is_disabled(const struct md_loaded *own)
{
	return atomic_load_explicit(&own->disabled, memory_order_relaxed);
}
/** Load its file; on return it has a table or a problem. */
void md_open_plugin(struct md_loaded *own);
/** The plugin's row, or NULL when it is not of this host. */
struct md_loaded *md_loaded_of(const struct md_host *host,
			       const struct heapsh_plugin *p);
/** HS_ERR_PLUGIN with its name and the reason, or NULL. */
struct hs_err *md_fault_of(struct md_loaded *own) HS_MUST_USE;
/**
 * Why this file must not be loaded, or NULL: it, or a folder above it, can be
 * written by someone else. free().
 */
char *md_distrust(const char *path);

/* --- what a plugin holds ------------------------------------------------- */

struct md_types;

/** What a plugin is given as a reader: an image's, and a count. */
struct md_reader {
	struct im_reader *inner;
	struct md_loaded *own;
	_Atomic uint64_t reads;		/* of the call under way */
	uint64_t limit;
	enum md_entry entry;
};
/** Count one; false: that was one too many, and md_too_many_reads() is due. */
static inline bool md_count_read(struct md_reader *r)
{
	// Of the main reader two threads may count at once: then some are lost.
	uint64_t n = atomic_load_explicit(&r->reads, memory_order_relaxed);

	atomic_store_explicit(&r->reads, n + 1, memory_order_relaxed);
	return HS_LIKELY(n < r->limit);
}

void md_too_many_reads(struct md_reader *r);

/** One image, as a plugin sees it through the host. */
struct heapsh_image {
	struct im_image *im;
	struct md_loaded *own;		/* who looks at it */
	struct md_reader main;		/* of the main thread, and of read() */
	struct md_types *types;
	struct heapsh_image *whole;	/* whose types and diags these are too,
					   or NULL */
	_Atomic(struct hs_task *) task;	/* whose cancel word counts; or NULL */
	const struct md_evaluator *evaluator;	/* borrowed, or NULL */
	pthread_mutex_t lock;		/* guards diags */
	HS_VEC(char *) diags;
};

struct hs_err *md_image_create(struct im_image *im, struct md_loaded *own,
			       struct hs_task *task,
			       struct heapsh_image **ret) HS_MUST_USE;
void md_image_destroy(struct heapsh_image *h);
/** Before anything is registered: types and sentences go to whole's. */
void md_image_join(struct heapsh_image *h, struct heapsh_image *whole);
/** The table of functions that every plugin is given. */
extern const struct heapsh_host md_services;
/** Answer of get_interface(HEAPSH_EVAL_0); the same for every image. */
extern const struct heapsh_eval md_eval_services;
/** Keep a sentence, escaped; the first MD_DIAGS_MAX are. */
void md_add_diag(struct heapsh_image *h, const char *text);

struct md_types *md_types_create(void);
void md_types_destroy(struct md_types *t);
uint32_t md_types_add(struct md_types *t, const struct heapsh_type *type);
uint32_t md_types_n(const struct md_types *t);
const struct md_type *md_types_get(const struct md_types *t, uint32_t i);
uint32_t md_types_by_name(struct md_types *t, const char *name);
uint32_t md_types_by_address(struct md_types *t, uint64_t addr);
/** The type of objects whose plugin gave none. */
uint32_t md_types_unknown(struct md_types *t);

/* --- answers that contradict each other ---------------------------------- */

struct md_witness;
struct md_witness *md_witness_create(void);
void md_witness_destroy(struct md_witness *w);
/**
 * Remember what an object was said to be, or blame the plugin when it was said
 * to be something else before. Thread-safe; a lock and a look at a table.
 */
void md_witness(struct md_model *m, const struct heapsh_object *o);
/** One object in 1024: the sweeps' share of what is compared. */
static inline bool md_is_sample(uint64_t addr)
{
	return !((addr >> 3 ^ addr >> 13 ^ addr >> 23) & 0x3ff);
}
/** A list that is gone through by index: does it come back to itself? */
struct md_ring {
	uint64_t of, address;		/* whose list; what was at index */
	uint32_t index;			/* a power of two, or 0 */
};

/** What get_interface() answered: it is asked once for each name. */
struct md_interface {
	const char *name;
	const void *p;
};
enum { MD_INTERFACES = 16 };

struct md_model {
	struct md_loaded *own;
	const struct heapsh_plugin *plugin;
	void *state;
	struct heapsh_image *image;
	struct heapsh_claim claim;
	struct heapsh_status status;
	bool frozen;			/* the same question, the same answer */
	uint64_t memory;		/* bytes of all mappings; when frozen */
	_Atomic uint64_t rejected;	/* objects that broke the rules */
	_Atomic uint64_t absurd;	/* objects larger than memory */
	struct md_witness *witness;
	struct md_ring threads, frames;
	_Atomic uint32_t n_interfaces;
	struct md_interface interfaces[MD_INTERFACES];
	bool joined;			/* a part of another model */
	bool doubted;			/* md_believe() was put off */
};

/** Has its plugin this one of heapsh_plugin_flags? */
static inline bool md_flag(const struct md_model *m, uint32_t flag)
{
	return HEAPSH_HAS(m->plugin, flags) && m->plugin->flags & flag;
}
/** Believe it now, or blame its plugin: belief.c. */
void md_end_doubt(struct md_model *m);
/** Before what a user asks for is asked of the plugin. Main thread. */
static inline void md_ask_first(struct md_model *m)
{
	if (HS_UNLIKELY(m->doubted))
		md_end_doubt(m);
}

/* --- several plugins, one process: join.c -------------------------------- */

extern const struct heapsh_plugin md_joint_plugin;
/** Give a model of that plugin its parts (2..MD_PARTS): on success its own. */
struct hs_err *md_join(struct md_model *m, struct md_model *const *parts,
		       uint32_t n, struct hs_task *task) HS_MUST_USE;
/** An interface of a part, with that part's state; or NULL. */
const void *md_joint_interface(struct md_model *m, const char *name,
			       void **state);
/** Nothing for a model that has no parts. */
void md_each_part(const struct md_model *m,
		  void (*fn)(struct md_model *part, void *arg), void *arg);

/* --- what the host answers itself ---------------------------------------- */

/**
 * The plugin's own text of an object, not escaped: at most cap bytes of it are
 * in buf. Returns its length, which may be more than cap; 0: it gives none.
 */
uint64_t md_raw(struct md_model *m, uint64_t addr, uint32_t style, char *buf,
		uint64_t cap);
/* As plugin.h says of members that are NULL; defaults.c. */
uint64_t md_default_lookup(struct md_model *m, struct heapsh_text name);
uint64_t md_default_attr(struct md_model *m, uint64_t addr,
			 struct heapsh_text name);
uint64_t md_default_item(struct md_model *m, uint64_t addr,
			 const struct heapsh_key *key);
void md_default_names(struct md_model *m, uint64_t addr,
		      struct heapsh_text prefix, heapsh_name_fn *fn, void *arg);
bool md_default_measure(struct md_model *m, uint64_t addr,
			struct heapsh_measure *ret);

/** As written, but no longer than max and never NULL. */
struct heapsh_text md_clamp(struct heapsh_text t, uint64_t max);
/**
 * Make an array that a plugin filled a string: ended, escaped, cut to fit.
 */
void md_clean(char *s, size_t cap);

/** Is its md_fit() the very same? */
bool md_fits(const char *s, size_t n, size_t max);

#endif
