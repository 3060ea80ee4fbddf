// SPDX-License-Identifier: Apache-2.0
// Heapy's partitions. All but "by id" are of shapes: count each shape once,
// then add up the shapes of a kind.
#include "analysis_priv.h"

#include "map.h"
#include "vec.h"

static const struct {
	const char *name, *header;
} relations[AN_N_RELATIONS] = {
	// Words and headers: guppy3 3.1.7, guppy/heapy/Classifiers.py
	[AN_BY_CLODO] = { "clodo", "Kind (class / dict of class)" },
	[AN_BY_TYPE] = { "type", "Type" },
	[AN_BY_SIZE] = { "size", "Individual Size" },
	[AN_BY_ID] = { "id", "Object Identity" },
	[AN_BY_UNITY] = { "unity", "<unclassified>" },
};

/* What the caller sees comes first. */
struct partition {
	struct an_partition p;
	struct hs_budget *budget;
	uint64_t cap;			/* rows, as allocated */
	uint32_t *row_of_shape;		/* NULL when by id */
};

const char *an_relation_name(enum an_relation r)
{
	return relations[r].name;
}

const char *an_relation_header(enum an_relation r)
{
	return relations[r].header;
}

static uint64_t key_of(enum an_relation by, const struct gr_shape *s)
{
	switch (by) {
	case AN_BY_CLODO:
		return (uint64_t)s->type << 32 | s->owner_type;
	case AN_BY_TYPE:
		return (uint64_t)s->type << 32 | GR_NONE;
	case AN_BY_SIZE:
		return s->flat;
	case AN_BY_ID:
	case AN_BY_UNITY:
	case AN_N_RELATIONS:
	default:
		return 0;
	}
}

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

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct an_row *x = a, *y = b;
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

/* One row a key. free(*ret). */
static size_t add_up(enum an_relation by, const struct gr_shape *shapes,
		     size_t n, const uint64_t *count, struct an_row **ret)
{
	HS_VEC(struct an_row) rows = { 0 };
	struct hs_map row_of = { 0 };
	const uint64_t *found;
	size_t i, at;

	for (i = 0; i < n; i++) {
		const struct an_row row = { .key = key_of(by, &shapes[i]) };

		if (!count[i])
			continue;
		found = hs_map_get(&row_of, row.key);
		at = found ? *found : rows.n;
		if (!found) {
			hs_map_put(&row_of, row.key, at);
			hs_vec_push(&rows, row);
		}
		rows.v[at].count += count[i];
		rows.v[at].flat += count[i] * shapes[i].flat;
		rows.v[at].held += count[i] * shapes[i].held;
	}
	hs_map_deinit(&row_of);
	*ret = rows.v;
	return rows.n;
}

static void map_shapes(struct partition *p, const struct gr_shape *shapes,
		       size_t n)
{
	struct hs_map row_of = { 0 };
	uint64_t *at;
	size_t i;

	p->row_of_shape = hs_xcalloc(n + 1, sizeof(*p->row_of_shape));
	for (i = 0; i < p->p.n_rows; i++)
		hs_map_put(&row_of, p->p.rows[i].key, i);
	for (i = 0; i < n; i++) {
		at = hs_map_get(&row_of, key_of(p->p.by, &shapes[i]));
		p->row_of_shape[i] = at ? (uint32_t)*at : GR_NONE;
	}
	hs_map_deinit(&row_of);
}

static struct hs_err *get_rows(struct partition *p, struct hs_task *task,
			       uint64_t n)
{
	struct hs_err *err;
	void *rows;

	err = hs_big_alloc(task, n * sizeof(struct an_row), &rows);
	if (err)
		return err;
	p->p.rows = rows;
	p->p.n_rows = p->cap = n;
	return NULL;
}

static struct hs_err *by_shape(struct partition *p, struct hs_task *task)
{
	const struct gr_graph *g = gr_set_graph(p->p.set);
	struct order order = { gr_model(g), p->p.by };
	HS_FREE struct an_row *rows = NULL;
	HS_FREE uint64_t *count = NULL;
	const struct gr_shape *shapes;
	size_t n_shapes = gr_shapes(g, &shapes), n;
	struct hs_err *err;

	err = an_count_shapes(p->p.set, task, &count);
	if (err)
		return err;
	n = add_up(p->p.by, shapes, n_shapes, count, &rows);
	err = get_rows(p, task, n);
	if (err)
		return err;
	if (n)
		memcpy(p->p.rows, rows, n * sizeof(*rows));
	qsort_r(p->p.rows, n, sizeof(*rows), compare_rows, &order);
	map_shapes(p, shapes, n_shapes);
	return NULL;
}

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

/*
 * By descending flat, then ascending id, without comparing: *ret[shape] is
 * where the next node of the shape's size goes.
 */
static size_t *places_of(const struct gr_shape *shapes, size_t n,
			 const uint64_t *count, size_t **places)
{
	HS_FREE uint64_t *flat = hs_xcalloc(n + 1, sizeof(*flat));
	size_t *index = hs_xcalloc(n + 1, sizeof(*index)), i, m = 0, sum = 0, c;
	struct hs_map rank = { 0 };

	for (i = 0; i < n; i++)
		if (hs_map_put(&rank, shapes[i].flat, 0))
			flat[m++] = shapes[i].flat;
	qsort(flat, m, sizeof(*flat), descending);
	for (i = 0; i < m; i++)
		hs_map_put(&rank, flat[i], i);
	*places = hs_xcalloc(m + 1, sizeof(**places));
	for (i = 0; i < n; i++) {
		index[i] = *hs_map_get(&rank, shapes[i].flat);
		(*places)[index[i]] += count[i];
	}
	for (i = 0; i < m; i++) {
		c = (*places)[i];
		(*places)[i] = sum;
		sum += c;
	}
	hs_map_deinit(&rank);
	return index;
}

static struct hs_err *by_id(struct partition *p, struct hs_task *task)
{
	const struct gr_graph *g = gr_set_graph(p->p.set);
	HS_FREE size_t *index = NULL, *places = NULL;
	HS_FREE uint64_t *count = NULL;
	const struct gr_shape *shapes;
	size_t n = gr_shapes(g, &shapes);
	struct hs_err *err;
	uint32_t id, shape;

	err = an_count_shapes(p->p.set, task, &count);
	if (!err)
		err = get_rows(p, task, gr_set_count(p->p.set));
	if (err)
		return err;
	index = places_of(shapes, n, count, &places);
	for (id = 0; !err && gr_set_next(p->p.set, &id); id++) {
		shape = gr_shape(g, id);
		p->p.rows[places[index[shape]]++] = (struct an_row){
			id, 1, shapes[shape].flat, shapes[shape].held
		};
		if (!(id & 0xffff))
			err = hs_check_cancel(task);
	}
	return err;
}

struct hs_err *an_partition(struct gr_set *set, enum an_relation by,
			    struct hs_task *task, struct an_partition **ret)
{
	struct partition *p = hs_xalloc(sizeof(*p));
	struct hs_err *err;

	p->p.set = gr_set_ref(set);
	p->p.by = by;
	p->p.count = gr_set_count(set);
	p->p.flat = gr_set_flat(set);
	p->p.held = gr_set_held(set);
	p->budget = task->budget;
	err = by == AN_BY_ID ? by_id(p, task) : by_shape(p, task);
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
	gr_set_unref(p->p.set);
	hs_big_free(p->budget, p->p.rows, p->cap * sizeof(*p->p.rows));
	free(p->row_of_shape);
	free(p);
}

char *an_row_name(const struct an_partition *p, size_t row)
{
	const struct gr_graph *g = gr_set_graph(p->set);
	uint64_t key = p->rows[row].key;

	switch (p->by) {
	case AN_BY_CLODO:
		return md_kind_name(gr_model(g), (uint32_t)(key >> 32),
				    (uint32_t)key);
	case AN_BY_TYPE:
		return hs_xstrdup(
			md_type(gr_model(g), (uint32_t)(key >> 32))->name);
	case AN_BY_SIZE:
		return hs_xasprintf("%9llu", (unsigned long long)key);
	case AN_BY_ID:
		return md_render(gr_model(g), gr_addr(g, (uint32_t)key),
				 HEAPSH_RENDER_SHORT, AN_CLIP);
	case AN_BY_UNITY:
		return hs_xstrdup("<Anything>");
	case AN_N_RELATIONS:
	default:
		return hs_xstrdup("?");
	}
}

struct range {
	const struct gr_graph *g;
	const uint32_t *row_of_shape;
	size_t from, to;
};

static bool is_in_rows(void *arg, uint32_t id)
{
	const struct range *r = arg;
	uint32_t row = r->row_of_shape[gr_shape(r->g, id)];

	return row >= r->from && row < r->to;
}

static struct hs_err *ids_of_rows(const struct an_partition *p, size_t from,
				  size_t to, struct gr_set **ret)
{
	HS_FREE uint32_t *ids = hs_xcalloc(to - from + 1, sizeof(*ids));
	size_t i;

	for (i = from; i < to; i++)
		ids[i - from] = (uint32_t)p->rows[i].key;
	return gr_set_of(gr_set_graph(p->set), ids, to - from, ret);
}

struct hs_err *an_rows_set(const struct an_partition *p, size_t from, size_t to,
			   struct hs_task *task, struct gr_set **ret)
{
	struct range r = {
		.g = gr_set_graph(p->set),
		.row_of_shape = ((const struct partition *)p)->row_of_shape,
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
