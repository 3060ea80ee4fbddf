// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

struct hs_err *gr_alloc(struct hs_task *task, uint64_t n, size_t item_size,
			void *ret)
{
	struct hs_err *err;
	uint64_t bytes;
	void *p;

	if (hs_mul_overflows(n, item_size, &bytes))
		return hs_err_new(HS_ERR_NOMEM, "get memory: too much");
	err = hs_big_alloc(task, bytes, &p);
	if (!err)
		memcpy(ret, &p, sizeof(p));
	return err;
}

struct hs_err *gr_vec_reserve(struct hs_task *task, struct gr_vec *vec,
			      uint64_t need)
{
	uint64_t cap = vec->cap;
	struct hs_err *err;
	uint64_t bytes;

	if (need <= cap)
		return NULL;
	cap = cap + cap / 2 > need ? cap + cap / 2 : need;
	if (cap < 16)
		cap = 16;
	if (hs_mul_overflows(cap, vec->item_size, &bytes))
		return hs_err_new(HS_ERR_NOMEM, "get memory: too much");
	err = hs_big_resize(task, vec->v, vec->cap * vec->item_size, bytes,
			    &vec->v);
	if (!err)
		vec->cap = cap;
	return err;
}

struct hs_err *gr_vec_push(struct hs_task *task, struct gr_vec *vec,
			   const void *item)
{
	struct hs_err *err = gr_vec_reserve(task, vec, vec->n + 1);

	if (err)
		return err;
	memcpy((char *)vec->v + vec->n * vec->item_size, item, vec->item_size);
	vec->n++;
	return NULL;
}

void gr_vec_deinit(struct hs_budget *b, struct gr_vec *vec)
{
	hs_big_free(b, vec->v, vec->cap * vec->item_size);
	vec->v = NULL;
	vec->n = vec->cap = 0;
}
