// SPDX-License-Identifier: Apache-2.0
// Deep sizes: a breadth-first walk that adds up.
#include "analysis_priv.h"

#include "map.h"

void an_size_options_init(struct an_size_options *o)
{
	*o = (struct an_size_options){ .align = 8, .limit = UINT64_MAX,
					.clip = AN_CLIP };
}

uint64_t an_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return hs_add_overflows(a, b, &sum) ? UINT64_MAX : sum;
}

uint64_t an_deep_round(const struct an_deep *d, uint64_t bytes)
{
	uint64_t align = d->o->align;

	if (align < 2)
		return bytes;
	return bytes > UINT64_MAX - align ? UINT64_MAX :
					    hs_align_up(bytes, align);
}

bool an_deep_is_code(const struct an_deep *d, const struct md_type *type)
{
	return type->flags & HEAPSH_TYPE_CODE && !d->o->code;
}

bool an_deep_follows_type(const struct an_deep *d, const struct md_type *type)
{
	if (type->flags & HEAPSH_TYPE_LEAF)
		return false;
	return !an_deep_is_code(d, type) ||
	       !(type->flags & HEAPSH_TYPE_CODE_LEAF);
}

bool an_deep_follows(const struct heapsh_edge *e)
{
	return !(e->flags & (HEAPSH_EDGE_WEAK | HEAPSH_EDGE_CONTEXT));
}

static bool on_object(void *arg, unsigned thread,
		      const struct heapsh_object *o)
{
	struct an_deep *d = arg;
	const struct md_type *type = md_type(d->m, o->type);
	uint64_t *sum = &d->thread[thread].sum;

	if (!an_deep_is_code(d, type))
		*sum = an_add(*sum, an_deep_round(d, o->held));
	return an_deep_follows_type(d, type);
}

static bool on_edge(void *arg, unsigned thread, const struct heapsh_edge *e)
{
	(void)arg;
	(void)thread;
	return an_deep_follows(e);
}

struct hs_err *an_deep_init(struct an_deep *d, struct md_model *m,
			    const struct an_size_options *o,
			    struct hs_task *task)
{
	const struct gr_walk_ops ops = {
		.want = HEAPSH_WANT_SIZES,
		.object = on_object,
		.edge = on_edge,
		.arg = d,
	};

	memset(d, 0, sizeof(*d));
	d->m = m;
	d->o = o;
	if (o->align & (o->align - 1))
		return hs_err_new(HS_ERR_USAGE,
				  "round sizes to align=%llu: not a power of "
				  "two",
				  (unsigned long long)o->align);
	return gr_walk_create(m, task, 0, &ops, &d->walk);
}

void an_deep_deinit(struct an_deep *d)
{
	gr_walk_destroy(d->walk);
	d->walk = NULL;
}

static struct hs_err *run(struct an_deep *d, uint64_t limit, uint64_t *ret)
{
	struct hs_err *err;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++)
		d->thread[t].sum = 0;
	err = gr_walk_run(d->walk, limit);
	if (err)
		return err;
	for (*ret = 0, t = 0; t < GR_MAX_THREADS; t++)
		*ret = an_add(*ret, d->thread[t].sum);
	return NULL;
}

struct hs_err *an_deep_sum(struct an_deep *d, uint64_t addr, uint64_t limit,
			   uint64_t *ret)
{
	struct hs_err *err = gr_walk_push(d->walk, addr);

	return err ? err : run(d, limit, ret);
}

struct hs_err *an_check_objects(struct md_model *m, const uint64_t *addr,
				size_t n)
{
	struct md_object o;
	size_t i;

	for (i = 0; i < n; i++)
		if (!md_object_at(m, addr[i], &o))
			return hs_err_new(HS_ERR_NAME,
					  "size %#llx: no object begins there",
					  (unsigned long long)addr[i]);
	return NULL;
}

static struct hs_err *total(struct an_deep *d, const uint64_t *addr, size_t n,
			    uint64_t *ret)
{
	struct hs_err *err = NULL;
	bool had;
	size_t i;

	for (i = 0; i < n && !err; i++) {
		err = gr_walk_mark(d->walk, addr[i], &had);
		if (!err && !had)
			err = gr_walk_push(d->walk, addr[i]);
	}
	return err ? err : run(d, d->o->limit, ret);
}

/* By another tool's rules: the total, or one number an argument. */
static struct hs_err *by_compat(struct md_model *m, const uint64_t *addr,
				size_t n, const struct an_size_options *o,
				struct hs_task *task, bool each, uint64_t *ret)
{
	const struct an_profile_of of = { .o = o, .above = UINT64_MAX };
	struct an_profile p;
	struct hs_err *err = an_profile(m, addr, n, &of, task, &p);

	if (err)
		return err;
	if (each)
		memcpy(ret, p.sizes, n * sizeof(*ret));
	else
		*ret = p.total;
	an_profile_deinit(&p);
	return NULL;
}

struct hs_err *an_asizeof(struct md_model *m, const uint64_t *addr, size_t n,
			  const struct an_size_options *o, struct hs_task *task,
			  uint64_t *ret)
{
	struct an_deep d;
	struct hs_err *err;

	if (o->compat)
		return by_compat(m, addr, n, o, task, false, ret);
	err = an_check_objects(m, addr, n);
	if (!err)
		err = an_deep_init(&d, m, o, task);
	if (err)
		return err;
	hs_progress(task, "sizing", "objects", 0);
	err = total(&d, addr, n, ret);
	hs_progress_end(task);
	an_deep_deinit(&d);
	return err;
}

/* All arguments are marked first: one is never counted for another. */
static struct hs_err *each(struct an_deep *d, const uint64_t *addr, size_t n,
			   uint64_t *ret)
{
	struct hs_map done = { 0 };
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = gr_walk_mark(d->walk, addr[i], NULL);
	for (i = 0; i < n && !err; i++) {
		ret[i] = 0;
		if (hs_map_put(&done, addr[i], 0))
			err = an_deep_sum(d, addr[i], d->o->limit, &ret[i]);
	}
	hs_map_deinit(&done);
	return err;
}

struct hs_err *an_asizesof(struct md_model *m, const uint64_t *addr, size_t n,
			   const struct an_size_options *o,
			   struct hs_task *task, uint64_t *ret)
{
	struct an_deep d;
	struct hs_err *err;

	if (o->compat)
		return by_compat(m, addr, n, o, task, true, ret);
	err = an_check_objects(m, addr, n);
	if (!err)
		err = an_deep_init(&d, m, o, task);
	if (err)
		return err;
	hs_progress(task, "sizing", "objects", 0);
	err = each(&d, addr, n, ret);
	hs_progress_end(task);
	an_deep_deinit(&d);
	return err;
}
