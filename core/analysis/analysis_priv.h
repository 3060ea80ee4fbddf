/* SPDX-License-Identifier: Apache-2.0 */
/** analysis: what its files share and nobody else sees. */
#ifndef AN_ANALYSIS_PRIV_H
#define AN_ANALYSIS_PRIV_H

#include "analysis.h"
#include "map.h"
#include "vec.h"

/**
 * Deep sizes over one set of visited objects: what one call of Pympler's
 * sizer remembers. Borrows all that it is given.
 */
struct an_deep {
	struct md_model *m;
	const struct an_size_options *o;
	struct gr_walk *walk;
	struct {
		uint64_t sum;
		char apart[56];		/* a cache line for each thread */
	} thread[GR_MAX_THREADS];
};
struct hs_err *an_deep_init(struct an_deep *d, struct md_model *m,
			    const struct an_size_options *o,
			    struct hs_task *task) HS_MUST_USE;
void an_deep_deinit(struct an_deep *d);
/** bytes rounded up to the option's align; UINT64_MAX instead of overflow. */
uint64_t an_deep_round(const struct an_deep *d, uint64_t bytes);
/** What counts as 0 although it has a size. */
bool an_deep_is_code(const struct an_deep *d, const struct md_type *type);
bool an_deep_follows_type(const struct an_deep *d, const struct md_type *type);
/** Is it an edge that deep sizes follow? */
bool an_deep_follows(const struct heapsh_edge *e);
/**
 * Sum of the object, marked or not, and of all that it leads to that is not
 * yet marked; these are marked.
 */
struct hs_err *an_deep_sum(struct an_deep *d, uint64_t addr, uint64_t limit,
			   uint64_t *ret) HS_MUST_USE;
uint64_t an_add(uint64_t a, uint64_t b);	/* UINT64_MAX at most */

/** HS_ERR_NAME unless an object begins at each address. */
struct hs_err *an_check_objects(struct md_model *m, const uint64_t *addr,
				size_t n) HS_MUST_USE;

/** Name of a referent: "[K] key", "[V] key: value", attribute, or repr. */
char *an_sized_name(struct md_model *m, const struct heapsh_edge *e);
/** The same by another tool's rules; e NULL: of the object itself. free(). */
char *an_compat_name(struct md_model *m, uint64_t id,
		     const struct heapsh_edge *e, size_t clip);
enum { AN_CLIP = 80 };		/* columns of a repr: Pympler's clip=80 */

/* --- profiles (profile_rows.c) ------------------------------------------- */

/** Rows of a profile as they are made. */
struct an_profile_rows {
	struct md_model *m;
	bool compat;
	HS_VEC(struct an_ranked) ranked;
	HS_VEC(struct an_kind_row) kinds;
	struct hs_map row_of;		/* key → row */
	uint64_t n_ranked;
};
/** Row of the kind that an object with this key is of. */
uint32_t an_profile_row(struct an_profile_rows *r, uint64_t key, uint64_t id);
void an_profile_count(struct an_profile_rows *r, uint32_t row, uint64_t id,
		      uint64_t bytes);
void an_profile_rank(struct an_profile_rows *r, const struct an_ranked *own);
/** Sort them, and hand them to *ret; ends r. */
void an_profile_end(struct an_profile_rows *r, struct an_profile *ret);
void an_profile_drop(struct an_profile_rows *r);

/* --- classes (classes.c) ------------------------------------------------- */

/**
 * The objects of a set told apart by one relation: each has a class, a number
 * below n. Either known of a shape, or of each member.
 */
struct an_classes {
	struct gr_set *set;		/* borrowed */
	struct hs_budget *budget;
	uint32_t n;
	uint32_t *of_shape;		/* gr_shapes() of them, or NULL */
	uint32_t *of_member;		/* by its place in the set; charged */
	/** What is printed for a class. free(). */
	char *(*name)(const struct an_classes *c, uint32_t number);
	void (*end)(struct an_classes *c);	/* of data; NULL: nothing */
	void *data;
	uint64_t *keys;			/* of those known of a shape */
};
/** One relation, or a product. */
struct hs_err *an_classify(struct gr_set *set, enum an_relation by,
			   struct hs_task *task, struct an_classes *ret)
	HS_MUST_USE;
void an_classes_deinit(struct an_classes *c);
/** Room for a class of each member of ret->set. */
struct hs_err *an_classes_members(struct an_classes *c, struct hs_task *task)
	HS_MUST_USE;
/** Is it named by a set of names, which braces enclose in a product? */
bool an_is_set_of_names(enum an_relation r);

/** What a shape's nodes have in common by a relation below AN_BY_MODULE. */
uint64_t an_shape_key(const struct gr_graph *g, enum an_relation by,
		      const struct gr_shape *s);
/** "dict of module", "str", "56". free(). */
char *an_key_name(const struct gr_graph *g, enum an_relation by, uint64_t key);
/** Class of each shape and key of each class. free() both. */
void an_shape_classes(const struct gr_graph *g, enum an_relation by,
		      uint32_t **of_shape, uint64_t **keys, uint32_t *n);

struct hs_err *an_classify_index(struct gr_set *set,
				 struct gr_set *const *sets,
				 char *const *words, size_t n,
				 struct hs_task *task, struct an_classes *ret)
	HS_MUST_USE;
struct hs_err *an_classify_rcs(struct gr_set *set, enum an_relation by,
			       struct hs_task *task, struct an_classes *ret)
	HS_MUST_USE;
struct hs_err *an_classify_via(struct gr_set *set, struct hs_task *task,
			       struct an_classes *ret) HS_MUST_USE;
struct hs_err *an_classify_module(struct gr_set *set, struct hs_task *task,
				  struct an_classes *ret) HS_MUST_USE;
struct hs_err *an_classify_prod(struct gr_set *set, struct hs_task *task,
				struct an_classes *ret) HS_MUST_USE;

/* --- sets of numbers, numbered (numbers.c) ------------------------------- */

/** Ascending lists of numbers; equal ones have one number. {0} has none. */
struct an_lists {
	HS_VEC(uint32_t) items;
	HS_VEC(struct an_list { uint64_t at; uint32_t n; }) all;
	uint32_t *slots;
	uint64_t n_slots;
};
uint32_t an_lists_put(struct an_lists *l, const uint32_t *v, uint32_t n);
const uint32_t *an_lists_get(const struct an_lists *l, uint32_t number,
			     uint32_t *n);
void an_lists_deinit(struct an_lists *l);
void an_sort_u32(uint32_t *v, size_t n);

/** How many nodes of the set have each shape. *ret: gr_shapes() of them. */
struct hs_err *an_count_shapes(const struct gr_set *set, struct hs_task *task,
			       uint64_t **ret) HS_MUST_USE;

/**
 * The row of each member by id, in ret, which has room for all nodes; those
 * of no member are left alone. Not of partitions by id.
 */
struct hs_err *an_rows_of(const struct an_partition *p, struct hs_task *task,
			  uint32_t *ret) HS_MUST_USE;

/** Node ids that follow the target: charged to the task's budget. */
struct an_ids {
	uint32_t *v;
	uint64_t n, cap;
};
struct hs_err *an_ids_push(struct an_ids *ids, struct hs_task *task,
			   uint32_t id) HS_MUST_USE;
/** From item first on: ascending, each once; not when interrupted. */
void an_ids_sort(struct an_ids *ids, uint64_t first, struct hs_task *task);
/** Index of id in the sorted items from..to-1, or UINT64_MAX. */
uint64_t an_ids_find(const struct an_ids *ids, uint64_t from, uint64_t to,
		     uint32_t id);
/**
 * The same in O(1), for a run of sorted items that is large beside all nodes;
 * where it is not, making it costs nothing and finding is the search above.
 */
struct an_rank {
	uint64_t *bits;		/* a bit a node */
	uint32_t *before;	/* items in front of each word */
	uint64_t words;
	uint64_t from, to;	/* the run; 0, 0: none */
	bool dense;
};
/** Again for another run; n: nodes in all. {0} at first. */
struct hs_err *an_rank_make(struct an_rank *r, const struct an_ids *ids,
			    uint64_t from, uint64_t to, uint32_t n,
			    struct hs_task *task) HS_MUST_USE;
uint64_t an_rank_find(const struct an_rank *r, const struct an_ids *ids,
		      uint32_t id);
void an_rank_deinit(struct an_rank *r, struct hs_budget *b);
void an_ids_deinit(struct an_ids *ids, struct hs_budget *b);
#endif
