/* SPDX-License-Identifier: Apache-2.0 */
/** analysis: what its files share and nobody else sees. */
#ifndef AN_ANALYSIS_PRIV_H
#define AN_ANALYSIS_PRIV_H

#include "analysis.h"

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
enum { AN_CLIP = 80 };		/* columns of a repr: Pympler's clip=80 */

/** How many nodes of the set have each shape. *ret: gr_shapes() of them. */
struct hs_err *an_count_shapes(const struct gr_set *set, struct hs_task *task,
			       uint64_t **ret) HS_MUST_USE;
#endif
