// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Sets, with the attributes of Heapy's (language.md section 4). A set value is
 * nodes, a relation that partitions them, and a window on the rows. Windows of
 * one set share the partition.
 */

static struct lg_set_value *set_of(struct lg_value *v)
{
	return &v->u.set;
}

/*
 * Names of edges, modules and notes of allocations are read when they are asked
 * for: of an instant whose bytes are gone all would look as if it had none.
 */
struct hs_err *lg_check_rows(struct lg_instant *in, const struct gr_graph *g,
			     enum an_relation by)
{
	enum an_relation factor[AN_MAX_FACTORS];
	size_t n = an_by_factors(by, factor);
	bool reads = false;

	for (size_t i = 0; i < n; i++)
		reads |= factor[i] == AN_BY_MODULE || factor[i] == AN_BY_VIA ||
			 factor[i] == AN_BY_PROD ||
			 ((factor[i] == AN_BY_RCS ||
			   factor[i] == AN_BY_RCS_TYPE) &&
			  !gr_has_rows(g));
	return reads ? lg_check_bytes(in) : NULL;
}

struct hs_err *lg_check_bytes(const struct lg_instant *in)
{
	if (lg_instant_readable(in))
		return NULL;
	return hs_err_remedy(hs_err_new(HS_ERR_FAULT,
					"read the bytes of instant %u: it was "
					"released before",
					in->number),
			     "snap takes a new one");
}

struct hs_err *lg_set_parts(struct lg_session *s, struct lg_value *v,
			    struct an_partition **ret)
{
	struct lg_set_value *set = set_of(v);
	struct hs_err *err = NULL;

	md_set_task(v->in->model, s->task);
	if (!set->parts->p)
		err = lg_check_rows(v->in, gr_set_graph(set->nodes),
				    set->by);
	if (!err && !set->parts->p)
		err = an_partition(set->nodes, set->by, s->task,
				   &set->parts->p);
	if (!err)
		*ret = set->parts->p;
	return err;
}

/* The same set, so far with the same window. */
static struct lg_value *same_set(struct lg_value *v)
{
	struct lg_value *copy = lg_value_create(LG_SET, v->in);

	copy->u.set = v->u.set;
	gr_set_ref(copy->u.set.nodes);
	copy->u.set.parts->refs++;
	if (copy->u.set.kind)
		copy->u.set.kind->refs++;
	return copy;
}

static struct hs_err *get_window(struct lg_session *s, struct lg_value *v,
				 int64_t how, struct lg_value **ret)
{
	LG_GUARD moved = same_set(v);
	struct an_partition *parts;
	struct hs_err *err = lg_set_parts(s, v, &parts);

	if (!err)
		err = lg_window_move(s, &moved->u.set.window, parts->n_rows,
				     how);
	if (!err)
		*ret = hs_take(moved);
	return err;
}

static struct hs_err *get_by(struct lg_session *s, struct lg_value *v,
			     int64_t by, struct lg_value **ret)
{
	(void)s;
	*ret = lg_set(v->in, set_of(v)->nodes, (enum an_relation)by);
	return NULL;
}

enum { SET_COUNT, SET_FLAT, SET_HELD };

static struct hs_err *get_number(struct lg_session *s, struct lg_value *v,
				 int64_t what, struct lg_value **ret)
{
	struct gr_set *nodes = set_of(v)->nodes;

	(void)s;
	if (what == SET_COUNT)
		*ret = lg_int(gr_set_count(nodes));
	else
		*ret = lg_bytes(what == SET_FLAT ? gr_set_flat(nodes)
						 : gr_set_held(nodes));
	return NULL;
}

static struct hs_err *get_theone(struct lg_session *s, struct lg_value *v,
				 int64_t arg, struct lg_value **ret)
{
	struct gr_set *nodes = set_of(v)->nodes;
	uint32_t id = 0;

	(void)s;
	(void)arg;
	if (gr_set_count(nodes) != 1)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"theone: the set has %u "
						"objects, not one",
						gr_set_count(nodes)),
				     "_.byid[0].theone is the largest");
	if (!gr_set_next(nodes, &id))
		return hs_err_new(HS_ERR_OTHER, "theone: the set is empty");
	*ret = lg_object(v->in, gr_addr(gr_set_graph(nodes), id));
	return NULL;
}

typedef struct hs_err *set_fn(struct gr_set *s, struct hs_task *task,
			      struct gr_set **ret);

static struct hs_err *get_neighbours(struct lg_session *s, struct lg_value *v,
				     int64_t backward, struct lg_value **ret)
{
	set_fn *fn = backward ? gr_set_referrers : gr_set_referents;
	struct gr_set *nodes;
	struct hs_err *err;

	md_set_task(v->in->model, s->task);
	err = fn(set_of(v)->nodes, s->task, &nodes);
	if (err)
		return err;
	*ret = lg_set(v->in, nodes, AN_BY_CLODO);
	gr_set_unref(nodes);
	return NULL;
}

/* What of the set the roots reach; of the heap: heap.reachable. */
static struct hs_err *get_reachable(struct lg_session *s, struct lg_value *v,
				    int64_t arg, struct lg_value **ret)
{
	struct gr_set *nodes = set_of(v)->nodes, *reached, *both;
	struct hs_err *err;

	(void)arg;
	md_set_task(v->in->model, s->task);
	err = gr_set_reachable(gr_set_graph(nodes), s->task, &reached);
	if (err)
		return err;
	err = gr_set_op(GR_AND, nodes, reached, &both);
	gr_set_unref(reached);
	if (err)
		return err;
	*ret = lg_set(v->in, both, set_of(v)->by);
	gr_set_unref(both);
	return NULL;
}

static struct hs_err *get_itself(struct lg_session *s, struct lg_value *v,
				 int64_t arg, struct lg_value **ret)
{
	(void)s;
	(void)arg;
	*ret = lg_ref(v);
	return NULL;
}

enum { MAX_PARTS = 1000 };	/* sets that a list may have */

static struct hs_err *get_parts(struct lg_session *s, struct lg_value *v,
				int64_t arg, struct lg_value **ret)
{
	struct lg_range r = { .step = 1, .n = 1 };
	HS_FREE struct lg_value **items = NULL;
	struct an_partition *parts;
	struct hs_err *err = lg_set_parts(s, v, &parts);
	size_t n = 0;

	(void)arg;
	if (err)
		return err;
	if (parts->n_rows > MAX_PARTS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_USAGE,
				   "a list of %zu sets: at most %d",
				   parts->n_rows, MAX_PARTS),
			"SET[0:100].parts");
	items = hs_xcalloc(parts->n_rows + 1, sizeof(struct lg_value *));
	for (; !err && n < parts->n_rows; n++) {
		r.from = (int64_t)n;
		err = lg_set_rows(s, v, &r, &items[n]);
	}
	if (!err)
		*ret = lg_list(items, n);
	for (size_t i = 0; i < n; i++)
		lg_unref(items[i]);
	return err;
}

/* clang-format off */
const struct lg_attr lg_set_attrs[] = {
	LG_PAGE_ATTRS(get_window),
	{ { "byclodo", "rows by class, or dict of class" },
	  get_by, AN_BY_CLODO },
	{ { "bytype", "rows by type" }, get_by, AN_BY_TYPE },
	{ { "bysize", "rows by individual size" }, get_by, AN_BY_SIZE },
	{ { "byid", "one row an object, largest first" }, get_by, AN_BY_ID },
	{ { "byidset", "the same as byid" }, get_by, AN_BY_ID },
	{ { "byclass", "the same as bytype" }, get_by, AN_BY_TYPE },
	{ { "byunity", "one row for all" }, get_by, AN_BY_UNITY },
	{ { "bymodule", "rows by the module that an object is" },
	  get_by, AN_BY_MODULE },
	{ { "byrcs", "rows by the kinds of what refers to the objects" },
	  get_by, AN_BY_RCS },
	{ { "byvia", "rows by the names of the references to the objects" },
	  get_by, AN_BY_VIA },
	{ { "byprod", "rows by the line that allocated the objects" },
	  get_by, AN_BY_PROD },
	{ { "count", "number of objects" }, get_number, SET_COUNT },
	{ { "size", "flat bytes, as the runtime itself counts" },
	  get_number, SET_FLAT },
	{ { "indisize", "the same as size" }, get_number, SET_FLAT },
	{ { "held", "bytes requested for the objects' own blocks" },
	  get_number, SET_HELD },
	{ { "theone", "the object of a set of one" }, get_theone, 0 },
	{ { "kind", "every object of the heap of the same kinds" },
	  lg_set_kind, 0 },
	{ { "er", "the relation that makes the rows" }, lg_set_er, 0 },
	{ { "brief", "the set in one line" }, lg_set_brief, 0 },
	{ { "biper", "by whether objects are in it: by(SET.biper)" },
	  lg_set_biper, 0 },
	{ { "fam", "what it is to Heapy: IdentitySet, or a kind" },
	  lg_set_fam, 0 },
	{ { "partition", "the rows: the set itself" }, get_itself, 0 },
	{ { "parts", "the rows as a list of sets" }, get_parts, 0 },
	{ { "nodes", "the objects one by one" }, get_by, AN_BY_ID },
	{ { "stat", "the rows as numbers without objects" },
	  lg_set_stat, 0 },
	{ { "referents", "what the objects refer to" }, get_neighbours, 0 },
	{ { "referrers", "what refers to the objects" }, get_neighbours, 1 },
	{ { "imdom", "referrers that are reached through no other referrer" },
	  lg_set_imdom, 0 },
	{ { "dominos", "what would be freed with the objects, and they" },
	  lg_set_dominos, 0 },
	{ { "domisize", "held bytes of dominos" }, lg_set_domisize, 0 },
	{ { "owners", "objects whose attribute tables these are" },
	  lg_set_owners, 0 },
	{ { "dictof", "attribute tables of the objects" }, lg_set_dictof, 0 },
	{ { "maprox", "maprox.name, maprox[0]: of every object that has it" },
	  lg_set_maprox, 0 },
	{ { "prod", "where the object of a set of one was allocated" },
	  lg_set_prod, 0 },
	{ { "reachable", "those of them that the roots reach" },
	  get_reachable, 0 },
	{ { NULL, NULL }, NULL, 0 },
};

const struct lg_method lg_set_methods[] = {
	{ { "by", "rows by a relation or a product of some" },
	  lg_set_by, "by('Clodo&Size')" },
	{ { "alt", "of a kind: its subtypes, larger ones, …" },
	  lg_set_alt, "Type(CLASS).alt('<='), Size(1000).alt('>')" },
	{ { "diff", "difference to another set or stat, kind by kind" },
	  lg_set_diff, "diff(SET)" },
	{ { "disjoint", "has it no object in common with a set?" },
	  lg_set_disjoint, "disjoint(SET)" },
	{ { "test_contains", "are all of a set in it?" },
	  lg_set_contains, "test_contains(SET)" },
	{ { "get_ckc", "relation, kind and comparison that select it" },
	  lg_set_ckc, "get_ckc()" },
	{ { "get_render", "the objects as they are shown, one by one" },
	  lg_set_render, "get_render()" },
	{ { "dump", "append the rows to a file that Heapy reads, too" },
	  lg_set_dump, "dump('FILE.hpy'), dump('FILE.hpy', 'w')" },
	{ { NULL, NULL }, NULL, NULL },
};
/* clang-format on */

/* --- rows of the partition ------------------------------------------------ */

/* Rows in steps: picked in one pass. */
static struct hs_err *pick_rows(struct lg_session *s,
				const struct an_partition *parts,
				const struct lg_range *r, struct gr_set **ret)
{
	HS_FREE bool *wanted = hs_xcalloc(parts->n_rows + 1, sizeof(*wanted));

	for (uint64_t i = 0; i < r->n; i++)
		wanted[r->from + (int64_t)i * r->step] = true;
	return an_rows_pick(parts, wanted, s->task, ret);
}

struct hs_err *lg_set_rows(struct lg_session *s, struct lg_value *v,
			   const struct lg_range *r, struct lg_value **ret)
{
	struct an_partition *parts;
	struct gr_set *nodes;
	struct hs_err *err = lg_set_parts(s, v, &parts);

	if (err)
		return err;
	if (r->step == 1)
		err = an_rows_set(parts, (size_t)r->from,
				  (size_t)r->from + r->n, s->task, &nodes);
	else
		err = pick_rows(s, parts, r, &nodes);
	if (err)
		return err;
	*ret = lg_set(v->in, nodes, set_of(v)->by);
	gr_set_unref(nodes);
	return NULL;
}
