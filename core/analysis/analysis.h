/* SPDX-License-Identifier: Apache-2.0 */
/**
 * analysis: numbers about objects and sets. Results are plain structs that the
 * caller owns.
 */
#ifndef AN_ANALYSIS_H
#define AN_ANALYSIS_H

#include "err.h"
#include "task.h"

#include "graph.h"
#include "model.h"

/* --- deep sizes: the words of Pympler (language.md section 3) ------------ */

struct an_size_options {
	uint64_t align;		/* power of two; 0 or 1: none. Default 8 */
	uint64_t limit;		/* depth; UINT64_MAX: none (default) */
	bool code;		/* count and follow code objects */
	unsigned detail;	/* asized: levels of referents */
	uint64_t above;		/* asized: rows below this size are dropped */
	/*
	 * By the rules of another tool, md_compat(): then flat is what counts,
	 * and held is the same. Walked one object after the other.
	 */
	bool compat;
	uint32_t compat_options;	/* heapsh_compat_options but CODE */
	uint64_t clip;		/* so, too: characters of a repr; 80 */
};
void an_size_options_init(struct an_size_options *o);

/**
 * Deep held bytes of everything reachable from the objects by strong,
 * non-context edges, each object once. Works without a graph: reads edges
 * through the model. O(objects reached).
 */
struct hs_err *an_asizeof(struct md_model *m, const uint64_t *addr, size_t n,
			  const struct an_size_options *o, struct hs_task *task,
			  uint64_t *ret) HS_MUST_USE;
/**
 * One number an argument: own bytes for that argument alone; other shared
 * objects for the first argument that reaches them; a repeated argument 0.
 * ret has room for n.
 */
struct hs_err *an_asizesof(struct md_model *m, const uint64_t *addr, size_t n,
			   const struct an_size_options *o,
			   struct hs_task *task, uint64_t *ret) HS_MUST_USE;

/** Pympler's Asized tree. */
struct an_sized {
	char *name;		/* repr, "[K] key", "[V] key: value", attr */
	uint64_t addr;
	uint64_t size, flat, held;
	bool approximate;	/* flat is a base's: shown '~' */
	struct an_sized *refs;	/* ordered by size, ties by position */
	size_t n_refs;
};
void an_sized_deinit(struct an_sized *s);
struct hs_err *an_asized(struct md_model *m, const uint64_t *addr, size_t n,
			 const struct an_size_options *o, struct hs_task *task,
			 struct an_sized *ret /* n of them */) HS_MUST_USE;

/** What Pympler's stats= tells of a walk, depth first, from objects. */
struct an_ranked {
	uint64_t id, size;	/* deep: with what was met first through it */
	uint64_t parent;	/* it was met there; 0: an argument */
	uint64_t depth, nth;	/* nth: of those that were done before */
	uint32_t kind;
};
/** A type, or whatever else objects are alike by. Own bytes. */
struct an_kind_row {
	char *name;		/* "class dict" */
	char *origin, *rule;	/* of compat: "static"; "64, 24, …"; or NULL */
	uint32_t nth;		/* the order in which they were met */
	uint64_t key;
	uint64_t count, total, high, largest;	/* largest: an id */
	uint64_t basic_size, item_size;
};
struct an_profile {
	uint64_t total;
	uint64_t *sizes;		/* of each argument */
	uint64_t sized, seen, missed, duplicates, deepest;
	uint64_t n_ranked;		/* larger than above */
	struct an_ranked *ranked;	/* the largest first, n_kept of them */
	size_t n_kept;
	struct an_kind_row *kinds;	/* most bytes first; .count 0 too */
	size_t n_kinds;
};
struct an_profile_of {
	const struct an_size_options *o;
	uint64_t above;			/* what is larger is ranked */
	/** NULL, or gets n trees, down to o->detail. */
	struct an_sized *trees;
};
/**
 * Each object once; edges are asked for one object after the other. An id is
 * an address, or of what only compat makes: md_compat().
 */
struct hs_err *an_profile(struct md_model *m, const uint64_t *addr, size_t n,
			  const struct an_profile_of *of, struct hs_task *task,
			  struct an_profile *ret) HS_MUST_USE;
/** Text of a thing: of what is made, its items. At most clip characters. */
char *an_compat_text(struct md_model *m, uint64_t id, size_t clip);
/** The row of a ranked object. */
const struct an_kind_row *an_profile_kind(const struct an_profile *p,
					  const struct an_ranked *r);
void an_profile_deinit(struct an_profile *p);

/* --- partitions: the words of Heapy ------------------------------------- */

/**
 * How objects are told apart. What is below AN_BY_MODULE is known of a node
 * without its edges. A product of several (by('Type&Size')) is a value too:
 * an_by_and() makes it.
 */
enum an_relation {
	AN_BY_CLODO,		/* class, or dict of class */
	AN_BY_TYPE,
	AN_BY_SIZE,		/* individual flat size */
	AN_BY_ID,
	AN_BY_UNITY,
	AN_BY_DICTOF,		/* table of which class, or no table */
	AN_BY_MODULE,		/* which module it is, or none */
	AN_BY_RCS,		/* kinds of its referrers */
	AN_BY_RCS_TYPE,		/* types of its referrers */
	AN_BY_VIA,		/* names of the edges that lead to it */
	AN_BY_PROD,		/* line that allocated it */
	AN_N_RELATIONS,
	AN_BY_FINDEX,		/* an_partition_by_index() alone */
	AN_BY_PRODUCT = 1 << 30,	/* not a value: a bit of one */
};
enum { AN_MAX_FACTORS = 6 };
/** Factors of a relation in their order: 1, or those of a product. */
size_t an_by_factors(enum an_relation by, enum an_relation ret[AN_MAX_FACTORS]);
/** The product of two; HS_ERR_USAGE when there are more than six. */
struct hs_err *an_by_and(enum an_relation a, enum an_relation b,
			 enum an_relation *ret) HS_MUST_USE;
/** Relation i as a user types it ("Clodo") and its help; NULL past the last. */
const char *an_relation_word(size_t i, enum an_relation *ret,
			     const char **help);
/**
 * By its words, in any case: "Type", "clodo&rcs", "" (all alike). HS_ERR_NAME
 * says which there are.
 */
struct hs_err *an_by_named(const char *words, enum an_relation *ret)
	HS_MUST_USE;
/** "clodo", "type&size"; and the table's header. free(). */
char *an_relation_name(enum an_relation r);
char *an_relation_header(enum an_relation r);

struct an_row {
	uint64_t key;		/* type<<32|owner type, size, or id; else
				   a number of the partition's own */
	uint64_t count, flat, held;
};
/** Rows by descending flat (ties: count, then name or key). */
struct an_partition {
	struct gr_set *set;	/* owned reference */
	enum an_relation by;
	const struct an_row *rows;	/* NULL by id: an_row_at() */
	const uint32_t *ids;	/* by id: of each row; else NULL */
	size_t n_rows;
	uint64_t count, flat, held;
	bool one_kind;		/* by id: all are of one class */
};
struct hs_err *an_partition(struct gr_set *set, enum an_relation by,
			    struct hs_task *task, struct an_partition **ret)
	HS_MUST_USE;
/**
 * By the first of n sets that an object is in: rows are called by the words and
 * their number, "list / 0"; "<None>" is the row of what is in none. Sets and
 * words are borrowed for the call.
 */
struct hs_err *an_partition_by_index(struct gr_set *set,
				     struct gr_set *const *sets,
				     char *const *words, size_t n,
				     struct hs_task *task,
				     struct an_partition **ret) HS_MUST_USE;
void an_partition_destroy(struct an_partition *p);
/** Of any partition. By id it is made here: millions are 4 bytes each. */
struct an_row an_row_at(const struct an_partition *p, size_t row);
/** Flat bytes of the first n rows. By id O(log sizes), else O(n). */
uint64_t an_rows_flat(const struct an_partition *p, size_t n);
/** What is printed in the Kind column. free(). */
char *an_row_name(const struct an_partition *p, size_t row);
/** Nodes of rows from..to-1 of the partition. */
struct hs_err *an_rows_set(const struct an_partition *p, size_t from, size_t to,
			   struct hs_task *task, struct gr_set **ret)
	HS_MUST_USE;
/** The same without blanks before a number. free(). */
char *an_row_words(const struct an_partition *p, size_t row);
/** Nodes of the rows that wanted (one a row) says. One pass. */
struct hs_err *an_rows_pick(const struct an_partition *p, const bool *wanted,
			    struct hs_task *task, struct gr_set **ret)
	HS_MUST_USE;
/** Nodes of the set that are of this type (exact). */
struct hs_err *an_of_type(struct gr_set *set, uint32_t type,
			  struct hs_task *task, struct gr_set **ret)
	HS_MUST_USE;

/**
 * Held bytes that each row retains: what its objects dominate, once; a module
 * together with its attribute table. ret: one a row.
 */
struct hs_err *an_retained(const struct an_partition *p, struct hs_task *task,
			   uint64_t *ret) HS_MUST_USE;

/* --- paths --------------------------------------------------------------- */

/** Which paths: all shortest ones from each nearest source to each target. */
struct an_paths_of {
	struct gr_set *from;	/* NULL: the roots */
	struct gr_set *to;
	bool direct;		/* single edges from "from" to "to" instead */
	const uint64_t *avoid;	/* edges not to take: as for gr_depths() */
	size_t n_avoid;
};
/** A step: the edge that is the nth (from 0) of those between two nodes. */
struct an_hop {
	uint32_t from, to, nth;
};
struct an_path {
	uint32_t root;		/* number of the root; GR_NONE: no root */
	uint32_t first;		/* node that it begins at */
	struct an_hop *hops;	/* free() */
	size_t n;
};
struct an_paths;
/** Counts them; makes none. Takes references of the sets. */
struct hs_err *an_paths(struct gr_graph *g, const struct an_paths_of *of,
			struct hs_task *task, struct an_paths **ret)
	HS_MUST_USE;
void an_paths_destroy(struct an_paths *p);
struct gr_graph *an_paths_graph(const struct an_paths *p);
bool an_paths_from_roots(const struct an_paths *p);
struct gr_set *an_paths_to(const struct an_paths *p);	/* borrowed */
/** Levels of objects, and those at one (0: where paths begin). */
size_t an_paths_levels(const struct an_paths *p);
struct hs_err *an_paths_level(const struct an_paths *p, size_t level,
			      struct gr_set **ret) HS_MUST_USE;
/** UINT64_MAX: that many or more. */
uint64_t an_paths_count(const struct an_paths *p);
/** Path i, in the order of roots and of each object's own edges. */
struct hs_err *an_paths_get(const struct an_paths *p, uint64_t i,
			    struct hs_task *task, struct an_path *ret)
	HS_MUST_USE;
/**
 * The next best paths: without any edge at these levels of those in p. Level 0
 * is the first edge (from roots: the root's name), -1 the last.
 */
struct hs_err *an_paths_avoiding(const struct an_paths *p,
				 const int64_t *levels, size_t n,
				 struct hs_task *task, struct an_paths **ret)
	HS_MUST_USE;

/* --- reference patterns: Heapy's rp -------------------------------------- */

enum an_mark {
	AN_MARK_EXPANDED,	/* [-] its referrers follow */
	AN_MARK_DEPTH,		/* [+] it has some; the tree is deep enough */
	AN_MARK_STOP,		/* [S] modules, types, code: all lead there */
	AN_MARK_SEEN,		/* [^ n] the same set as node n */
	AN_MARK_ROOT,		/* [R] nothing refers to it */
};
struct an_pattern_node {
	uint32_t depth, parent, child;	/* the nth (from 0) of its parent */
	enum an_mark mark;
	uint32_t same;			/* of SEEN: which; else GR_NONE */
	struct gr_set *set;
	char *kind;
};
struct an_pattern_of {
	enum an_relation by;		/* AN_BY_CLODO */
	uint32_t depth;			/* 7; at most AN_PATTERN_DEPTH */
	size_t max;			/* nodes; then it is cut */
	bool imdom;			/* an_imdom() in place of referrers */
	bool breadth_first;		/* all of a level before the next */
	bool no_cycles;			/* without what is on the way there */
	struct gr_set *from;		/* what these reach only; NULL: all */
	struct gr_set *stop;		/* where it ends; NULL: modules, types
					   and code, with their tables */
};
enum {
	AN_PATTERN_DEPTH = 60,
	AN_PATTERN_CHILDREN = 1000,	/* of a node: kinds of referrers */
};
struct an_pattern;
struct hs_err *an_pattern(struct gr_set *set, const struct an_pattern_of *of,
			  struct hs_task *task, struct an_pattern **ret)
	HS_MUST_USE;
void an_pattern_destroy(struct an_pattern *p);
/** In preorder, or by level; borrowed. *cut: there would be more. */
size_t an_pattern_nodes(const struct an_pattern *p,
			const struct an_pattern_node **ret, bool *cut);
/** "_", "a", "ba3": children on the way to it. free(). */
char *an_pattern_name(const struct an_pattern *p, uint32_t node);
/** Node of that name, or GR_NONE. */
uint32_t an_pattern_named(const struct an_pattern *p, const char *name);

/* --- what nothing holds --------------------------------------------------- */

/**
 * What the runtime's own collector would free if it ran now. HS_ERR_REFUSED
 * where the instant lies within a collection, HS_ERR_UNSUPPORTED where the
 * plugin does not know the collector.
 */
struct hs_err *an_garbage(struct gr_graph *g, struct hs_task *task,
			  struct gr_set **ret) HS_MUST_USE;
/**
 * The parts of a set that have no edge between them, the largest first: of
 * garbage, each cycle with what hangs on it.
 */
struct an_islands {
	uint32_t *nodes;	/* island after island */
	uint64_t n_nodes;
	struct an_island_row {
		uint64_t first, n;	/* in nodes */
		uint64_t flat, held;
		uint64_t in_cycles;	/* nodes that lead to themselves */
	} *rows;
	uint64_t n_rows;
	struct hs_budget *budget;
};
struct hs_err *an_islands(struct gr_set *set, struct hs_task *task,
			  struct an_islands *ret) HS_MUST_USE;
void an_islands_deinit(struct an_islands *is);
/**
 * All that is connected, in either direction, with a node of the set through
 * objects that nothing holds: of a dead cycle, the cycle and what hangs on it.
 * Empty where the set is alive.
 */
struct hs_err *an_island(struct gr_set *set, struct hs_task *task,
			 struct gr_set **ret) HS_MUST_USE;

/* --- what hangs on a set ------------------------------------------------- */

/**
 * The set and all that only it keeps alive: what would be freed if every
 * reference to its members went. Needs rows; O(all edges).
 */
struct hs_err *an_dominos(struct gr_set *set, struct hs_task *task,
			  struct gr_set **ret) HS_MUST_USE;
/** Those of its referrers that are reached not through another referrer. */
struct hs_err *an_imdom(struct gr_set *set, struct hs_task *task,
			struct gr_set **ret) HS_MUST_USE;
/** The same, reached from the nodes of a set (NULL: as above). */
struct hs_err *an_imdom_from(struct gr_set *set, struct gr_set *from,
			     struct hs_task *task, struct gr_set **ret)
	HS_MUST_USE;
/** A set and all that it leads to. */
struct hs_err *an_reach_from(struct gr_set *from, struct hs_task *task,
			     struct gr_set **ret) HS_MUST_USE;

/* --- summaries: the words of muppy (language.md section 5) --------------- */

/** By type name, flat sizes; lives on after its graph is gone. */
struct an_summary_row {
	char *type;
	int64_t count, size;	/* signed: rows of a difference */
};
struct an_summary {
	struct an_summary_row *rows;
	size_t n;
};
struct hs_err *an_summary(struct gr_set *set, struct hs_task *task,
			  struct an_summary **ret) HS_MUST_USE;
void an_summary_destroy(struct an_summary *s);
/** b - a, rows that are 0/0 swept. */
struct an_summary *an_summary_diff(const struct an_summary *a,
				   const struct an_summary *b);
#endif
