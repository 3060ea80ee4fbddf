// SPDX-License-Identifier: Apache-2.0
// Heapy's partitions: the classes of a relation, added up, in the order of
// their sizes. Where classes are of shapes, shapes are counted first.
#include "analysis_priv.h"

#include "map.h"
#include "vec.h"

/* Rows from first to the next run's are of one size. */
struct run {
	size_t first;
	uint64_t flat;			/* bytes of each */
	uint64_t before;		/* bytes of all rows above */
};

/* What the caller sees comes first. */
struct partition {
	struct an_partition p;
	struct hs_budget *budget;
	struct an_row *rows;		/* p.rows */
	uint32_t *ids;			/* p.ids */
	struct run *runs;		/* by id: rows of one size */
	size_t n_runs;
	struct an_classes classes;	/* not when by id alone */
	uint32_t *class_of_row;		/* cap of them */
	uint32_t *row_of_class;		/* GR_NONE: of no member */
};

static int compare_names(const struct md_model *m, uint64_t a, uint64_t b)
{
	uint32_t x = (uint32_t)(a >> 32), y = (uint32_t)(b >> 32);
	int c = strcmp(md_type(m, x)->name, md_type(m, y)->name);

	if (c || (uint32_t)a == (uint32_t)b)
		return c;
	if ((uint32_t)a == GR_NONE || (uint32_t)b == GR_NONE)
		return (uint32_t)a == GR_NONE ? -1 : 1;
	return strcmp(md_type(m, (uint32_t)a)->name,
		      md_type(m, (uint32_t)b)->name);
}

struct order {
	const struct md_model *m;
	enum an_relation by;
};

/* A row on its way to its place. */
struct summed {
	struct an_row row;
	uint32_t class;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct summed *s = a, *t = b;
	const struct an_row *x = &s->row, *y = &t->row;
	const struct order *o = arg;
	int c = 0;

	if (x->flat != y->flat)
		return x->flat > y->flat ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (o->by == AN_BY_CLODO || o->by == AN_BY_TYPE)
		c = compare_names(o->m, x->key, y->key);
	if (c)
		return c;
	return x->key < y->key ? -1 : x->key > y->key;
}

static struct hs_err *get_rows(struct partition *p, struct hs_task *task,
			       uint64_t n)
{
	struct hs_err *err;
	void *rows;

	err = hs_big_alloc(task, n * sizeof(struct an_row), &rows);
	if (err)
		return err;
	p->p.rows = p->rows = rows;
	p->p.n_rows = n;
	return NULL;
}

static void add(struct summed *to, const struct gr_shape *s, uint64_t n)
{
	to->row.count += n;
	to->row.flat += n * s->flat;
	to->row.held += n * s->held;
}

static struct hs_err *add_shapes(const struct partition *p,
				 struct hs_task *task, struct summed *sums)
{
	HS_FREE uint64_t *count = NULL;
	const struct gr_shape *shapes;
	size_t n = gr_shapes(gr_set_graph(p->p.set), &shapes), i;
	struct hs_err *err = an_count_shapes(p->p.set, task, &count);

	for (i = 0; !err && i < n; i++)
		if (count[i])
			add(&sums[p->classes.of_shape[i]], &shapes[i],
			    count[i]);
	return err;
}

static struct hs_err *add_members(const struct partition *p,
				  struct hs_task *task, struct summed *sums)
{
	const struct gr_graph *g = gr_set_graph(p->p.set);
	const struct gr_shape *shapes;
	struct hs_err *err = NULL;
	uint32_t id, i = 0;

	gr_shapes(g, &shapes);
	for (id = 0; !err && gr_set_next(p->p.set, &id); id++, i++) {
		add(&sums[p->classes.of_member[i]], &shapes[gr_shape(g, id)],
		    1);
		if (!(i & 0xffff))
			err = hs_check_cancel(task);
	}
	return err;
}

/* Classes that have a member, in order, are the rows. */
static struct hs_err *place_rows(struct partition *p, struct hs_task *task,
				 struct summed *sums)
{
	struct order order = { gr_model(gr_set_graph(p->p.set)), p->p.by };
	uint32_t n = p->classes.n, i, to = 0;
	struct hs_err *err;

	for (i = 0; i < n; i++) {
		sums[i].class = i;
		sums[i].row.key = p->classes.keys ? p->classes.keys[i] : i;
		if (sums[i].row.count)
			sums[to++] = sums[i];
	}
	err = get_rows(p, task, to);
	if (err)
		return err;
	if (to)
		qsort_r(sums, to, sizeof(*sums), compare_rows, &order);
	p->class_of_row = hs_xcalloc((size_t)to + 1, sizeof(uint32_t));
	p->row_of_class = hs_xcalloc((size_t)n + 1, sizeof(uint32_t));
	memset(p->row_of_class, 0xff, (size_t)n * sizeof(uint32_t));
	for (i = 0; i < to; i++) {
		p->rows[i] = sums[i].row;
		p->class_of_row[i] = sums[i].class;
		p->row_of_class[sums[i].class] = i;
	}
	return NULL;
}

static struct hs_err *by_class(struct partition *p, struct hs_task *task)
{
	struct summed *sums;
	uint64_t bytes;
	struct hs_err *err;
	void *room;

	bytes = (uint64_t)p->classes.n * sizeof(*sums);
	err = hs_big_alloc(task, bytes, &room);
	if (err)
		return err;
	sums = room;
	err = p->classes.of_shape ? add_shapes(p, task, sums) :
				    add_members(p, task, sums);
	if (!err)
		err = place_rows(p, task, sums);
	hs_big_free(task->budget, sums, bytes);
	return err;
}

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

/*
 * By descending flat, then ascending id, without comparing: the runs, and for
 * each shape (*ret) the run of its size.
 */
static size_t *make_runs(struct partition *p, const struct gr_shape *shapes,
			 size_t n, const uint64_t *count)
{
	HS_FREE uint64_t *flat = hs_xcalloc(n + 1, sizeof(*flat));
	size_t *run_of = hs_xcalloc(n + 1, sizeof(*run_of)), i, m = 0;
	struct hs_map rank = { 0 };
	struct run *r;

	for (i = 0; i < n; i++)
		if (count[i] && hs_map_put(&rank, shapes[i].flat, 0))
			flat[m++] = shapes[i].flat;
	qsort(flat, m, sizeof(*flat), descending);
	p->runs = hs_xcalloc(m + 1, sizeof(*p->runs));
	p->n_runs = m;
	for (i = 0; i < m; i++) {
		hs_map_put(&rank, flat[i], i);
		p->runs[i].flat = flat[i];
	}
	// First the rows of each run, in the place of the next one's first.
	for (i = 0; i < n; i++) {
		if (!count[i])
			continue;
		run_of[i] = *hs_map_get(&rank, shapes[i].flat);
		p->runs[run_of[i] + 1].first += count[i];
	}
	for (i = 1, r = p->runs + 1; i <= m; i++, r++) {
		r->before = r[-1].before + r->first * r[-1].flat;
		r->first += r[-1].first;
	}
	hs_map_deinit(&rank);
	return run_of;
}

static bool is_one_kind(const struct gr_shape *shapes, size_t n,
			const uint64_t *count)
{
	const struct gr_shape *first = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!count[i])
			continue;
		if (!first)
			first = &shapes[i];
		if (shapes[i].type != first->type ||
		    shapes[i].owner_type != first->owner_type)
			return false;
	}
	return true;
}

static struct hs_err *place_ids(struct partition *p, struct hs_task *task,
				const size_t *run_of)
{
	HS_FREE size_t *next = hs_xcalloc(p->n_runs + 1, sizeof(*next));
	const struct gr_graph *g = gr_set_graph(p->p.set);
	struct hs_err *err = NULL;
	uint32_t id;
	size_t i;

	for (i = 0; i < p->n_runs; i++)
		next[i] = p->runs[i].first;
	for (id = 0; !err && gr_set_next(p->p.set, &id); id++) {
		p->ids[next[run_of[gr_shape(g, id)]]++] = id;
		if (!(id & 0xffff))
			err = hs_check_cancel(task);
	}
	return err;
}

static struct hs_err *by_id(struct partition *p, struct hs_task *task)
{
	HS_FREE uint64_t *count = NULL;
	HS_FREE size_t *run_of = NULL;
	const struct gr_shape *shapes;
	size_t n = gr_shapes(gr_set_graph(p->p.set), &shapes);
	uint64_t n_ids = gr_set_count(p->p.set);
	struct hs_err *err;
	void *ids;

	err = an_count_shapes(p->p.set, task, &count);
	if (!err)
		err = hs_big_alloc(task, n_ids * sizeof(*p->ids), &ids);
	if (err)
		return err;
	p->p.ids = p->ids = ids;
	p->p.n_rows = n_ids;
	p->p.one_kind = is_one_kind(shapes, n, count);
	run_of = make_runs(p, shapes, n, count);
	return place_ids(p, task, run_of);
}

struct an_row an_row_at(const struct an_partition *p, size_t row)
{
	const struct gr_graph *g = gr_set_graph(p->set);
	uint32_t id;

	if (!p->ids)
		return p->rows[row];
	id = p->ids[row];
	return (struct an_row){ id, 1, gr_flat(g, id), gr_held(g, id) };
}

uint64_t an_rows_flat(const struct an_partition *part, size_t n)
{
	const struct partition *p = (const struct partition *)part;
	size_t lo = 0, hi = p->n_runs, mid;
	uint64_t sum = 0;

	if (!part->ids) {
		while (n)
			sum += part->rows[--n].flat;
		return sum;
	}
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (p->runs[mid].first <= n)
			lo = mid;
		else
			hi = mid;
	}
	return p->runs[lo].before + (n - p->runs[lo].first) * p->runs[lo].flat;
}

static struct partition *partition_create(struct gr_set *set,
					  enum an_relation by,
					  struct hs_task *task)
{
	struct partition *p = hs_xalloc(sizeof(*p));

	p->p.set = gr_set_ref(set);
	p->p.by = by;
	p->p.count = gr_set_count(set);
	p->p.flat = gr_set_flat(set);
	p->p.held = gr_set_held(set);
	p->budget = task->budget;
	return p;
}

struct hs_err *an_partition_by_index(struct gr_set *set,
				     struct gr_set *const *sets,
				     char *const *words, size_t n,
				     struct hs_task *task,
				     struct an_partition **ret)
{
	struct partition *p = partition_create(set, AN_BY_FINDEX, task);
	struct hs_err *err = an_classify_index(set, sets, words, n, task,
					       &p->classes);

	if (!err)
		err = by_class(p, task);
	if (err)
		an_partition_destroy(&p->p);
	else
		*ret = &p->p;
	return err;
}

struct hs_err *an_partition(struct gr_set *set, enum an_relation by,
			    struct hs_task *task, struct an_partition **ret)
{
	struct partition *p = partition_create(set, by, task);
	struct hs_err *err = NULL;

	if (by == AN_BY_ID) {
		err = by_id(p, task);
	} else {
		err = an_classify(set, by, task, &p->classes);
		if (!err)
			err = by_class(p, task);
	}
	if (err)
		an_partition_destroy(&p->p);
	else
		*ret = &p->p;
	return err;
}

void an_partition_destroy(struct an_partition *part)
{
	struct partition *p = (struct partition *)part;

	if (!p)
		return;
	if (p->classes.set)
		an_classes_deinit(&p->classes);
	gr_set_unref(p->p.set);
	hs_big_free(p->budget, p->rows, p->p.n_rows * sizeof(*p->rows));
	hs_big_free(p->budget, p->ids, p->p.n_rows * sizeof(*p->ids));
	free(p->runs);
	free(p->class_of_row);
	free(p->row_of_class);
	free(p);
}

char *an_row_words(const struct an_partition *part, size_t row)
{
	const struct partition *p = (const struct partition *)part;
	const struct gr_graph *g = gr_set_graph(part->set);

	if (part->by == AN_BY_ID)
		return md_render(gr_model(g),
				 gr_addr(g, part->ids[row]),
				 HEAPSH_RENDER_SHORT, AN_CLIP);
	return p->classes.name(&p->classes, p->class_of_row[row]);
}

char *an_row_name(const struct an_partition *p, size_t row)
{
	char *words = an_row_words(p, row), *padded;

	if (p->by != AN_BY_SIZE)
		return words;
	padded = hs_xasprintf("%9s", words);
	free(words);
	return padded;
}

struct range {
	const struct partition *p;
	const struct gr_graph *g;
	size_t from, to;
	uint32_t i;			/* place in the set of the next one */
};

/* Is asked of every member, in the order of the set. */
static bool is_in_rows(void *arg, uint32_t id)
{
	struct range *r = arg;
	const struct an_classes *c = &r->p->classes;
	uint32_t class = c->of_shape ? c->of_shape[gr_shape(r->g, id)] :
				       c->of_member[r->i];
	uint32_t row = r->p->row_of_class[class];

	r->i++;
	return row >= r->from && row < r->to;
}

static struct hs_err *ids_of_rows(const struct an_partition *p, size_t from,
				  size_t to, struct gr_set **ret)
{
	return gr_set_of(gr_set_graph(p->set), p->ids + from, to - from, ret);
}

struct hs_err *an_rows_set(const struct an_partition *p, size_t from, size_t to,
			   struct hs_task *task, struct gr_set **ret)
{
	struct range r = {
		.p = (const struct partition *)p,
		.g = gr_set_graph(p->set),
		.from = from,
		.to = to < p->n_rows ? to : p->n_rows,
	};

	if (r.from > r.to)
		r.from = r.to;
	if (r.to - r.from == p->n_rows) {
		*ret = gr_set_ref(p->set);
		return NULL;
	}
	if (p->by == AN_BY_ID)
		return ids_of_rows(p, r.from, r.to, ret);
	return gr_set_filter(p->set, task, is_in_rows, &r, ret);
}

struct rows_of {
	struct range range;
	uint32_t *ret;
};

static bool note_row(void *arg, uint32_t id)
{
	struct rows_of *r = arg;
	const struct an_classes *c = &r->range.p->classes;
	uint32_t class = c->of_shape ?
				 c->of_shape[gr_shape(r->range.g, id)] :
				 c->of_member[r->range.i];

	r->ret[id] = r->range.p->row_of_class[class];
	r->range.i++;
	return false;
}

struct hs_err *an_rows_of(const struct an_partition *p, struct hs_task *task,
			  uint32_t *ret)
{
	struct rows_of r = {
		.range = { .p = (const struct partition *)p,
			   .g = gr_set_graph(p->set) },
		.ret = ret,
	};
	struct gr_set *none;
	struct hs_err *err = gr_set_filter(p->set, task, note_row, &r, &none);

	if (!err)
		gr_set_unref(none);
	return err;
}

struct wanted {
	struct range r;
	const bool *rows;
};

static bool is_wanted(void *arg, uint32_t id)
{
	struct wanted *w = arg;
	const struct an_classes *c = &w->r.p->classes;
	uint32_t class = c->of_shape ? c->of_shape[gr_shape(w->r.g, id)] :
				       c->of_member[w->r.i];

	w->r.i++;
	return w->rows[w->r.p->row_of_class[class]];
}

struct hs_err *an_rows_pick(const struct an_partition *p, const bool *wanted,
			    struct hs_task *task, struct gr_set **ret)
{
	struct wanted w = {
		.r = { .p = (const struct partition *)p,
		       .g = gr_set_graph(p->set) },
		.rows = wanted,
	};
	HS_FREE uint32_t *ids = NULL;
	size_t i, n = 0;

	if (p->by != AN_BY_ID)
		return gr_set_filter(p->set, task, is_wanted, &w, ret);
	ids = hs_xcalloc(p->n_rows + 1, sizeof(*ids));
	for (i = 0; i < p->n_rows; i++)
		if (wanted[i])
			ids[n++] = p->ids[i];
	return gr_set_of(gr_set_graph(p->set), ids, n, ret);
}

struct of_type {
	const struct gr_graph *g;
	uint32_t type;
};

static bool is_of_type(void *arg, uint32_t id)
{
	const struct of_type *t = arg;

	return gr_type(t->g, id) == t->type;
}

struct hs_err *an_of_type(struct gr_set *set, uint32_t type,
			  struct hs_task *task, struct gr_set **ret)
{
	struct of_type t = { gr_set_graph(set), type };

	return gr_set_filter(set, task, is_of_type, &t, ret);
}
