/* SPDX-License-Identifier: Apache-2.0 */
/**
 * graph: the objects of one instant as numbered nodes, their edges as rows,
 * and sets of nodes. Holds 100 million objects.
 *
 * Ids are 32-bit ranks in address order. What a node is made of comes in
 * layers, each made on first use and kept:
 *
 *   nodes   gr_build()      which addresses hold an object, and its type,
 *                           owner, flat and held: one streaming sweep
 *   rows    gr_need_rows()  forward and reverse strong edges, in-degree
 *   reach   gr_need_reach() which nodes the roots reach
 *   dominators  gr_need_dominators()  what would go if a node went
 *
 * The sweep: the host streams claimed memory in chunks of 1 MiB through the
 * plugin on several threads; what lies outside the pools is found by what
 * points there, and from roots, until nothing new turns up.
 */
#ifndef GR_GRAPH_H
#define GR_GRAPH_H

#include "err.h"
#include "task.h"

#include "model.h"

struct gr_graph;
struct gr_set;
enum { GR_NONE = UINT32_MAX };

/**
 * Sweep the instant. Borrows the model. threads 0: as many as cores, max 8.
 * HS_ERR_CANCELLED when interrupted: nothing is kept then.
 */
struct hs_err *gr_build(struct md_model *m, struct hs_task *task,
			unsigned threads, struct gr_graph **ret) HS_MUST_USE;
void gr_destroy(struct gr_graph *g);

/**
 * The same sweep with numbers by type alone, where the memory for more is not
 * to be had: what it takes does not grow with the objects that lie in the
 * swept ranges. of_type: by type; end with gr_totals_deinit().
 */
struct gr_total {
	uint64_t count, flat, held;
};
struct gr_totals {
	struct gr_total all, *of_type;
	uint32_t n_types;
	uint64_t torn, unread, unread_bytes;	/* as of gr_quality */
};
struct hs_err *gr_totals(struct md_model *m, struct hs_task *task,
			 unsigned threads, struct gr_totals *ret) HS_MUST_USE;
void gr_totals_deinit(struct gr_totals *t);
struct md_model *gr_model(const struct gr_graph *g);

/** What could not be read, was caught in mid-change, or was not believed. */
struct gr_quality {
	uint64_t torn, unread, approximate;	/* objects */
	uint64_t unread_bytes;
	uint64_t dangling;	/* strong edges to no object; needs rows */
	uint64_t refused;	/* answers of the plugin that cannot be */
	bool partial;		/* interrupted: not yet, see gr_build() */
};
const struct gr_quality *gr_quality(const struct gr_graph *g);

uint32_t gr_n(const struct gr_graph *g);
/** Id of the object that begins at addr, or GR_NONE. O(1). */
uint32_t gr_id(const struct gr_graph *g, uint64_t addr);
/** Address of a node. O(log chunks). */
uint64_t gr_addr(const struct gr_graph *g, uint32_t id);
uint32_t gr_type(const struct gr_graph *g, uint32_t id);
/** Type of the object whose attribute table this is, or GR_NONE. */
uint32_t gr_owner_type(const struct gr_graph *g, uint32_t id);
/** Object whose attribute table this is (GR_NONE: none). */
uint32_t gr_owner(const struct gr_graph *g, uint32_t id);
uint64_t gr_flat(const struct gr_graph *g, uint32_t id);
uint64_t gr_held(const struct gr_graph *g, uint32_t id);
uint32_t gr_flags(const struct gr_graph *g, uint32_t id); /* object flags */

/**
 * Objects come in few shapes, some thousands for millions: a node is stored
 * as the number of its shape, and what is counted by type, owner's type or
 * size is counted by shape first.
 */
struct gr_shape {
	uint32_t type;
	uint32_t owner_type;	/* or GR_NONE */
	uint32_t flags;		/* heapsh_object_flags */
	uint64_t flat, held;
	uint64_t count;		/* nodes of this shape in the graph */
};
/** All shapes, by number; some have no node. Borrowed, as long as g. */
size_t gr_shapes(const struct gr_graph *g, const struct gr_shape **ret);
uint32_t gr_shape(const struct gr_graph *g, uint32_t id);

/* --- rows --------------------------------------------------------------- */
struct hs_err *gr_need_rows(struct gr_graph *g, struct hs_task *task)
	HS_MUST_USE;
bool gr_has_rows(const struct gr_graph *g);
/**
 * Strong edges of id, in the plugin's order, duplicates kept; bit 31 is set on
 * those that are context (HEAPSH_EDGE_CONTEXT). Needs rows. Borrowed.
 */
size_t gr_out(const struct gr_graph *g, uint32_t id, const uint32_t **ret);
/** Referrers by strong edges, ascending, duplicates kept. Needs rows. */
size_t gr_in(const struct gr_graph *g, uint32_t id, const uint32_t **ret);
enum { GR_CONTEXT = UINT32_C(0x80000000), GR_ID = 0x7fffffff };
uint64_t gr_refcount(const struct gr_graph *g, uint32_t id); /* needs rows */

/* --- reach -------------------------------------------------------------- */
struct gr_root {
	uint64_t address;
	uint32_t id;		/* node */
	uint32_t flags;		/* heapsh_root_flags */
	char *name;
};
/** Roots that are nodes. Borrowed. */
size_t gr_roots(const struct gr_graph *g, const struct gr_root **ret);
struct hs_err *gr_need_reach(struct gr_graph *g, struct hs_task *task)
	HS_MUST_USE;
bool gr_has_reach(const struct gr_graph *g);

/* --- dominators --------------------------------------------------------- */

/**
 * A node dominates all that every path from a root leads to through it: what
 * would be freed if nothing referred to it any more. Roots are the runtime's;
 * what only C holds (orphans and immortals that no root reaches) is a root,
 * too. Exact; iterative; 12 bytes an object are kept, and 4 more for each that
 * refers to another.
 */
struct hs_err *gr_need_dominators(struct gr_graph *g, struct hs_task *task)
	HS_MUST_USE;
bool gr_has_dominators(const struct gr_graph *g);
/** The nearest node that id hangs on alone; GR_ROOTS; GR_NONE: unreachable. */
uint32_t gr_dominator(const struct gr_graph *g, uint32_t id);
enum { GR_ROOTS = UINT32_MAX - 1 };
/** Held bytes of id and all that it dominates; 0 when it is unreachable. */
uint64_t gr_retained(const struct gr_graph *g, uint32_t id);
/**
 * The same of rows of nodes: row(arg, id) is the row of a node, or GR_NONE. A
 * node below another of its row is counted with that one. ret: n_rows of them.
 * O(all nodes); 12 bytes a node while it runs.
 */
struct hs_err *gr_retain_rows(struct gr_graph *g, struct hs_task *task,
			      uint32_t (*row)(void *arg, uint32_t id),
			      void *arg, uint32_t n_rows, uint64_t *ret)
	HS_MUST_USE;

/* --- depth -------------------------------------------------------------- */

/**
 * By node: the number of strong edges from the nearest root to it; GR_NONE
 * where there is no way. Edges that are context (plugin.h) count only for what
 * is not reached without them, roots that are for what no other reaches, and
 * what only C holds for what no root reaches:
 * the bits above GR_DEPTH tell these three apart, so that a nearest way to a
 * node is over nodes whose value is less by one. Kept; borrowed.
 */
enum { GR_DEPTH = 0x3fffffff };
struct hs_err *gr_need_depth(struct gr_graph *g, struct hs_task *task,
			     const uint32_t **ret) HS_MUST_USE;
/**
 * The same from the nodes of a set (from; NULL: the roots), by ways without
 * the n edges of avoid: source << 32 | target, sorted; source GR_ROOTS and the
 * number of a root for a root. End with gr_depths_free().
 */
struct hs_err *gr_depths(struct gr_graph *g, struct hs_task *task,
			 struct gr_set *from, const uint64_t *avoid, size_t n,
			 uint32_t **ret) HS_MUST_USE;
void gr_depths_free(struct gr_graph *g, uint32_t *depths);
bool gr_is_avoided(const uint64_t *avoid, size_t n, uint32_t from, uint32_t to);

/**
 * Give back rows, reach, dominators and depths, about nine tenths of what an
 * instant takes: the next question makes them again. Nothing that was borrowed
 * of them may be in use.
 */
void gr_shed(struct gr_graph *g);
/**
 * From now on the instant's bytes cannot be read: what was made of them
 * answers, and what would read them is HS_ERR_FAULT: rows that are not there.
 */
void gr_bytes_gone(struct gr_graph *g);

/* --- sets --------------------------------------------------------------- */
/**
 * A set of nodes of one graph: immutable, counted. Stored as the whole heap,
 * as a sorted list of ids (small), or as a bitmap (large). Must not outlive
 * its graph. Of one thread: asking a set fills its caches.
 */
struct gr_set *gr_set_ref(struct gr_set *s);
void gr_set_unref(struct gr_set *s);	/* NULL is fine */
struct gr_graph *gr_set_graph(const struct gr_set *s);
uint32_t gr_set_count(const struct gr_set *s);
uint64_t gr_set_flat(const struct gr_set *s);	/* sum; cached */
uint64_t gr_set_held(const struct gr_set *s);
bool gr_set_has(const struct gr_set *s, uint32_t id);
/** Iterate: *id from 0; false at the end: for (id = 0; next(s, &id); id++) */
bool gr_set_next(const struct gr_set *s, uint32_t *id);

struct hs_err *gr_set_all(struct gr_graph *g, struct gr_set **ret) HS_MUST_USE;
/** ids: any order, duplicates dropped. */
struct hs_err *gr_set_of(struct gr_graph *g, const uint32_t *ids, size_t n,
			 struct gr_set **ret) HS_MUST_USE;
/** Nodes for which test(arg, id) is true, out of s. */
struct hs_err *gr_set_filter(struct gr_set *s, struct hs_task *task,
			     bool (*test)(void *arg, uint32_t id), void *arg,
			     struct gr_set **ret) HS_MUST_USE;
enum gr_op { GR_AND, GR_OR, GR_SUB, GR_XOR };
/** HS_ERR_USAGE when the two are of different graphs. */
struct hs_err *gr_set_op(enum gr_op op, struct gr_set *a, struct gr_set *b,
			 struct gr_set **ret) HS_MUST_USE;
bool gr_set_equal(const struct gr_set *a, const struct gr_set *b);
bool gr_set_subset(const struct gr_set *a, const struct gr_set *b);
/** Does any object have a count of references? Needs rows. */
bool gr_is_counted(const struct gr_graph *g);
/**
 * Reached from roots / held by C only ("orphans": not immortal, and counted
 * more often than strong edges and roots explain).
 */
struct hs_err *gr_set_reachable(struct gr_graph *g, struct hs_task *task,
				struct gr_set **ret) HS_MUST_USE;
struct hs_err *gr_set_orphans(struct gr_graph *g, struct hs_task *task,
			      struct gr_set **ret) HS_MUST_USE;
/** Neither reached from roots nor from orphans nor from immortal objects. */
struct hs_err *gr_set_unreachable(struct gr_graph *g, struct hs_task *task,
				  struct gr_set **ret) HS_MUST_USE;
/** Living, yet no strong edge and no root names them: edges we do not know. */
struct hs_err *gr_set_unreferenced(struct gr_graph *g, struct hs_task *task,
				   struct gr_set **ret) HS_MUST_USE;
/**
 * Members that fn() keeps, asked in blocks of ascending ids, on several threads
 * at once (thread is below GR_MAX_THREADS); keep comes all false. limit: that
 * many of them, the first. Progress is of members. threads 0: as many as cores.
 */
enum { GR_BLOCK = 512 };
typedef struct hs_err *gr_block_fn(void *arg, unsigned thread,
				   const uint32_t *ids, uint32_t n,
				   bool *keep);
struct hs_err *gr_set_select(struct gr_set *s, struct hs_task *task,
			     unsigned threads, uint64_t limit, gr_block_fn *fn,
			     void *arg, struct gr_set **ret) HS_MUST_USE;
/** Union of the targets / sources of the set's strong edges. */
struct hs_err *gr_set_referents(struct gr_set *s, struct hs_task *task,
				struct gr_set **ret) HS_MUST_USE;
struct hs_err *gr_set_referrers(struct gr_set *s, struct hs_task *task,
				struct gr_set **ret) HS_MUST_USE;

/* --- labels -------------------------------------------------------------- */

/**
 * Told of strong edges with their labels, which are not stored: those of one
 * source come in the plugin's order. Called on several threads at once; thread
 * is below GR_MAX_THREADS.
 */
struct gr_edge_ops {
	void (*edge)(void *arg, unsigned thread, uint32_t source,
		     uint32_t target, const struct heapsh_edge *e);
	void *arg;
};
/** Every edge of the sources to a node. Needs no rows. One sweep at most. */
struct hs_err *gr_each_edge(struct gr_set *sources, struct hs_task *task,
			    const struct gr_edge_ops *ops) HS_MUST_USE;

/* --- addresses without a graph ------------------------------------------ */

/** Ascending, in place; tmp has room for n. O(n). */
void gr_sort_u64(uint64_t *v, uint64_t *tmp, size_t n);

/**
 * A walk, breadth first, that reads objects and edges through the model: for
 * what points outside the swept ranges, and for deep sizes, which need no
 * graph. Each address is asked for once. The callbacks of one level may run
 * on several threads at once; thread is below the walk's number of threads.
 */
struct gr_walk;
struct gr_walk_ops {
	uint32_t want;		/* HEAPSH_WANT_SIZES or 0; the rest is set */
	/** An object was found. True: its edges are wanted. */
	bool (*object)(void *arg, unsigned thread,
		       const struct heapsh_object *o);
	/** An edge of the last object. True: go to its target. */
	bool (*edge)(void *arg, unsigned thread, const struct heapsh_edge *e);
	void *arg;
};
/** Borrows m and task. threads 0: as many as cores, at most GR_MAX_THREADS. */
enum { GR_MAX_THREADS = 8 };
struct hs_err *gr_walk_create(struct md_model *m, struct hs_task *task,
			      unsigned threads, const struct gr_walk_ops *ops,
			      struct gr_walk **ret) HS_MUST_USE;
void gr_walk_destroy(struct gr_walk *w);
/** Count addr as asked for. *had (or NULL): it was. Odd ones always were. */
struct hs_err *gr_walk_mark(struct gr_walk *w, uint64_t addr, bool *had)
	HS_MUST_USE;
/** Ask for addr in the next run, marked or not. */
struct hs_err *gr_walk_push(struct gr_walk *w, uint64_t addr) HS_MUST_USE;
/**
 * Visit what was pushed (depth 0) and all that the callbacks want of it, down
 * to depth limit (UINT64_MAX: all); marks stay for the next run.
 */
struct hs_err *gr_walk_run(struct gr_walk *w, uint64_t limit) HS_MUST_USE;
/** How many answers were of addresses that were not asked for. */
uint64_t gr_walk_refused(const struct gr_walk *w);
#endif
