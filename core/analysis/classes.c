// SPDX-License-Identifier: Apache-2.0
// Which class each object of a set belongs to. Most relations are of shapes:
// those are few, and a product of two of them is again one of shapes.
#include "analysis_priv.h"

#include "map.h"
#include "text.h"

/* As an owner's type: no table at all. No type has this number. */
enum { NO_TABLE = GR_NONE - 1 };

uint64_t an_shape_key(const struct gr_graph *g, enum an_relation by,
		      const struct gr_shape *s)
{
	const struct md_type *t;

	switch (by) {
	case AN_BY_CLODO:
		return (uint64_t)s->type << 32 | s->owner_type;
	case AN_BY_TYPE:
		return (uint64_t)s->type << 32 | GR_NONE;
	case AN_BY_SIZE:
		return s->flat;
	case AN_BY_DICTOF:
		t = md_type(gr_model(g), s->type);
		return t && t->flags & HEAPSH_TYPE_TABLE ?
			       (uint64_t)s->type << 32 | s->owner_type :
			       NO_TABLE;
	case AN_BY_ID:
	case AN_BY_UNITY:
	case AN_BY_MODULE:
	case AN_BY_RCS:
	case AN_BY_RCS_TYPE:
	case AN_BY_VIA:
	case AN_BY_PROD:
	case AN_N_RELATIONS:
	case AN_BY_FINDEX:
	case AN_BY_PRODUCT:
	default:
		return 0;
	}
}

/* "dict": what tables are called here. */
static const char *table_word(struct md_model *m)
{
	uint32_t i;

	for (i = 0; i < md_n_types(m); i++)
		if (md_type(m, i)->flags & HEAPSH_TYPE_TABLE)
			return md_type(m, i)->name;
	return "table";
}

char *an_key_name(const struct gr_graph *g, enum an_relation by, uint64_t key)
{
	struct md_model *m = gr_model(g);
	uint32_t type = (uint32_t)(key >> 32), owner = (uint32_t)key;

	if (by == AN_BY_SIZE)
		return hs_xasprintf("%llu", (unsigned long long)key);
	if (by == AN_BY_UNITY)
		return hs_xstrdup("<Anything>");
	if (by == AN_BY_DICTOF && key == NO_TABLE)
		return hs_xasprintf("~%s", table_word(m));
	if (type >= md_n_types(m))
		return hs_xstrdup("?");
	return by == AN_BY_TYPE ? hs_xstrdup(md_type(m, type)->name) :
				  md_kind_name(m, type, owner);
}

void an_shape_classes(const struct gr_graph *g, enum an_relation by,
		      uint32_t **of_shape, uint64_t **keys, uint32_t *n)
{
	const struct gr_shape *shapes;
	size_t n_shapes = gr_shapes(g, &shapes), i;
	HS_VEC(uint64_t) seen = { 0 };
	struct hs_map class_of = { 0 };

	*of_shape = hs_xcalloc(n_shapes + 1, sizeof(**of_shape));
	for (i = 0; i < n_shapes; i++) {
		uint64_t key = an_shape_key(g, by, &shapes[i]);
		uint64_t *found = hs_map_get(&class_of, key);

		(*of_shape)[i] = found ? (uint32_t)*found : (uint32_t)seen.n;
		if (found)
			continue;
		hs_map_put(&class_of, key, seen.n);
		hs_vec_push(&seen, key);
	}
	hs_map_deinit(&class_of);
	*n = (uint32_t)seen.n;
	*keys = seen.v;
}

static char *shape_name(const struct an_classes *c, uint32_t number)
{
	return an_key_name(gr_set_graph(c->set),
			   (enum an_relation)(uintptr_t)c->data,
			   c->keys[number]);
}

void an_classes_deinit(struct an_classes *c)
{
	if (c->end)
		c->end(c);
	free(c->of_shape);
	free(c->keys);
	hs_big_free(c->budget, c->of_member,
		    (uint64_t)gr_set_count(c->set) * sizeof(*c->of_member));
	memset(c, 0, sizeof(*c));
}

struct hs_err *an_classes_members(struct an_classes *c, struct hs_task *task)
{
	void *room;
	struct hs_err *err =
		hs_big_alloc(task,
			     (uint64_t)gr_set_count(c->set) *
				     sizeof(*c->of_member),
			     &room);

	if (err)
		return err;
	c->of_member = room;
	c->budget = task->budget;
	return NULL;
}

/* --- by identity ---------------------------------------------------------- */

static char *id_name(const struct an_classes *c, uint32_t number)
{
	struct gr_graph *g = gr_set_graph(c->set);
	const uint32_t *ids = c->data;

	return md_render(gr_model(g), gr_addr(g, ids[number]),
			 HEAPSH_RENDER_SHORT, AN_CLIP);
}

static void id_end(struct an_classes *c)
{
	hs_big_free(c->budget, c->data,
		    (uint64_t)gr_set_count(c->set) * sizeof(uint32_t));
}

/* Only as a factor of a product: alone, the partition does without. */
static struct hs_err *by_id(struct an_classes *c, struct hs_task *task)
{
	uint64_t n = gr_set_count(c->set);
	struct hs_err *err = an_classes_members(c, task);
	uint32_t id, i = 0, *ids;
	void *room;

	if (!err)
		err = hs_big_alloc(task, n * sizeof(uint32_t), &room);
	if (err)
		return err;
	c->data = ids = room;
	c->n = (uint32_t)n;
	c->name = id_name;
	c->end = id_end;
	for (id = 0; gr_set_next(c->set, &id); id++, i++) {
		c->of_member[i] = i;
		ids[i] = id;
	}
	return NULL;
}

/* --- products ------------------------------------------------------------- */

struct product {
	struct an_classes a, b;
	bool a_braces, b_braces;
	struct hs_map number;		/* a << 32 | b → class */
	HS_VEC(uint64_t) pair;
};

static uint32_t pair_number(struct product *p, uint32_t a, uint32_t b)
{
	uint64_t key = (uint64_t)a << 32 | b;
	uint64_t *found = hs_map_get(&p->number, key);

	if (found)
		return (uint32_t)*found;
	hs_map_put(&p->number, key, p->pair.n);
	hs_vec_push(&p->pair, key);
	return (uint32_t)(p->pair.n - 1);
}

static void add_name(struct hs_text *t, const struct an_classes *c,
		     uint32_t number, bool braces)
{
	HS_FREE char *name = c->name(c, number);

	hs_text_addf(t, "%s%s%s", braces ? "{" : "", name, braces ? "}" : "");
}

/* At most AN_MAX_FACTORS deep. */
static char *product_name(const struct an_classes *c, uint32_t number)
{
	const struct product *p = c->data;
	uint64_t pair = p->pair.v[number];
	struct hs_text t = { 0 };

	add_name(&t, &p->a, (uint32_t)(pair >> 32), p->a_braces);
	hs_text_add(&t, " & ");
	add_name(&t, &p->b, (uint32_t)pair, p->b_braces);
	return hs_text_take(&t);
}

static void product_end(struct an_classes *c)
{
	struct product *p = c->data;

	an_classes_deinit(&p->a);
	an_classes_deinit(&p->b);
	hs_map_deinit(&p->number);
	hs_vec_deinit(&p->pair);
	free(p);
}

static uint32_t class_of(const struct an_classes *c, uint32_t shape, uint32_t i)
{
	return c->of_shape ? c->of_shape[shape] : c->of_member[i];
}

static struct hs_err *multiply(struct an_classes *c, struct product *p,
			       struct hs_task *task)
{
	const struct gr_graph *g = gr_set_graph(c->set);
	const struct gr_shape *shapes;
	size_t n_shapes = gr_shapes(g, &shapes), s;
	struct hs_err *err;
	uint32_t id, i = 0;

	if (p->a.of_shape && p->b.of_shape) {
		c->of_shape = hs_xcalloc(n_shapes + 1, sizeof(*c->of_shape));
		for (s = 0; s < n_shapes; s++)
			c->of_shape[s] = pair_number(p, p->a.of_shape[s],
						     p->b.of_shape[s]);
		c->n = (uint32_t)p->pair.n;
		return NULL;
	}
	err = an_classes_members(c, task);
	for (id = 0; !err && gr_set_next(c->set, &id); id++, i++) {
		uint32_t shape = gr_shape(g, id);

		c->of_member[i] = pair_number(p, class_of(&p->a, shape, i),
					      class_of(&p->b, shape, i));
		if (!(i & 0xffff))
			err = hs_check_cancel(task);
	}
	c->n = (uint32_t)p->pair.n;
	return err;
}

static struct hs_err *classify_one(struct gr_set *set, enum an_relation by,
				   struct hs_task *task,
				   struct an_classes *ret);

/* Takes a over. */
static struct hs_err *times(struct an_classes *a, bool a_braces,
			    enum an_relation by, struct hs_task *task,
			    struct an_classes *ret)
{
	struct product *p = hs_xalloc(sizeof(*p));
	struct an_classes c = { .set = a->set, .name = product_name,
				.end = product_end, .data = p };
	struct hs_err *err;

	p->a = *a;
	p->a_braces = a_braces;
	p->b_braces = an_is_set_of_names(by);
	p->b.set = a->set;
	err = classify_one(a->set, by, task, &p->b);
	if (!err)
		err = multiply(&c, p, task);
	if (err)
		an_classes_deinit(&c);
	else
		*ret = c;
	return err;
}

/* --- any ------------------------------------------------------------------ */

static struct hs_err *by_shape(struct an_classes *c, enum an_relation by)
{
	c->data = (void *)(uintptr_t)by;
	c->name = shape_name;
	an_shape_classes(gr_set_graph(c->set), by, &c->of_shape, &c->keys,
			 &c->n);
	return NULL;
}

static struct hs_err *fill(struct an_classes *c, enum an_relation by,
			   struct hs_task *task)
{
	switch (by) {
	case AN_BY_ID:
		return by_id(c, task);
	case AN_BY_MODULE:
		return an_classify_module(c->set, task, c);
	case AN_BY_RCS:
	case AN_BY_RCS_TYPE:
		return an_classify_rcs(c->set, by, task, c);
	case AN_BY_VIA:
		return an_classify_via(c->set, task, c);
	case AN_BY_PROD:
		return an_classify_prod(c->set, task, c);
	case AN_BY_FINDEX:
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"rows by index are of the set "
						"that was partitioned"),
				     "SET.by(findex(…))");
	case AN_BY_CLODO:
	case AN_BY_TYPE:
	case AN_BY_SIZE:
	case AN_BY_UNITY:
	case AN_BY_DICTOF:
	case AN_N_RELATIONS:
	case AN_BY_PRODUCT:
	default:
		return by_shape(c, by);
	}
}

static struct hs_err *classify_one(struct gr_set *set, enum an_relation by,
				   struct hs_task *task, struct an_classes *ret)
{
	struct an_classes c = { .set = set };
	struct hs_err *err = fill(&c, by, task);

	if (err)
		an_classes_deinit(&c);
	else
		*ret = c;
	return err;
}

struct hs_err *an_classify(struct gr_set *set, enum an_relation by,
			   struct hs_task *task, struct an_classes *ret)
{
	enum an_relation factor[AN_MAX_FACTORS];
	size_t n = an_by_factors(by, factor), i;
	struct an_classes c;
	struct hs_err *err = classify_one(set, factor[0], task, &c);

	for (i = 1; !err && i < n; i++)
		err = times(&c, i == 1 && an_is_set_of_names(factor[0]),
			    factor[i], task, &c);
	if (!err)
		*ret = c;
	return err;
}
