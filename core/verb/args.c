// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

void vb_objects_deinit(struct vb_objects *o)
{
	hs_vec_deinit(&o->addr);
}

const char *vb_word(const struct lg_call *call, size_t i)
{
	return i < call->n_args ? lg_as_text(call->args[i], NULL) : NULL;
}

struct collect {
	const struct lg_call *call;
	uint64_t max;
	struct vb_objects *out;
};

static struct hs_err *too_many(const struct collect *c, uint64_t n)
{
	return hs_err_remedy(
		hs_err_new(HS_ERR_USAGE, "%s of %llu objects: at most %llu",
			   c->call->verb->name, (unsigned long long)n,
			   (unsigned long long)c->max),
		"choose some of them: SET[0], SET.byid[0:10]");
}

static struct hs_err *same_instant(const struct collect *c,
				   struct lg_instant *in)
{
	struct lg_instant *before = c->out->in;

	if (before && before != in)
		return hs_err_new(HS_ERR_USAGE,
				  "%s: the objects are of "
				  "instants %u and %u",
				  c->call->verb->name, before->number,
				  in->number);
	c->out->in = in;
	return NULL;
}

static struct hs_err *add_object(struct collect *c, struct lg_instant *in,
				 uint64_t addr)
{
	struct hs_err *err = same_instant(c, in);

	if (!err && c->out->addr.n >= c->max)
		err = too_many(c, c->out->addr.n + 1);
	if (!err)
		hs_vec_push(&c->out->addr, addr);
	return err;
}

static struct hs_err *add_set(struct collect *c, const struct lg_value *v)
{
	struct gr_set *nodes = lg_as_set(v);
	uint64_t n = c->out->addr.n + gr_set_count(nodes);
	struct hs_err *err = same_instant(c, lg_instant_of(v));

	if (!err && n > c->max)
		err = too_many(c, n);
	if (err)
		return err;
	hs_vec_reserve(&c->out->addr, n);
	for (uint32_t id = 0; gr_set_next(nodes, &id); id++) {
		hs_vec_push(&c->out->addr, gr_addr(gr_set_graph(nodes), id));
		if (hs_cancelled(c->call->task))
			return hs_check_cancel(c->call->task);
	}
	return NULL;
}

/* None, True and False are typed as words and meant as objects. */
static struct hs_err *add_constant(struct collect *c, const char *name)
{
	struct lg_instant *in;
	struct hs_err *err = lg_current(c->call->session, &in);
	uint64_t addr;

	if (err)
		return err;
	addr = md_lookup(lg_instant_model(in, c->call->task), name,
			 strlen(name));
	if (!addr)
		return hs_err_new(HS_ERR_NAME, "the program has no %s", name);
	return add_object(c, in, addr);
}

static struct hs_err *no_object(const struct collect *c, const char *what)
{
	return hs_err_new(HS_ERR_USAGE,
			  "%s: %s is not an object of the "
			  "program",
			  c->call->verb->name, what);
}

/* Lists are at most 32 deep (lang). */
static struct hs_err *add(struct collect *c, const struct lg_value *v)
{
	struct lg_value *const *items = NULL;
	struct hs_err *err = NULL;
	size_t n;

	switch (lg_kind(v)) {
	case LG_OBJECT:
		return add_object(c, lg_instant_of(v), lg_as_address(v));
	case LG_SET:
		return add_set(c, v);
	case LG_LIST:
		n = lg_items(v, &items);
		for (size_t i = 0; !err && i < n; i++)
			err = add(c, items[i]);
		return err;
	case LG_NONE:
		return add_constant(c, "None");
	case LG_BOOL:
		return add_constant(c, lg_as_int(v) ? "True" : "False");
	case LG_TEXT:
	case LG_RAW:
		return hs_err_remedy(no_object(c, "a string of the shell"),
				     "a name is written without quotes");
	case LG_INT:
	case LG_FLOAT:
	case LG_BYTES:
		return hs_err_remedy(no_object(c, "a number"),
				     "an address is written 0x…");
	case LG_TABLE:
	case LG_WORDS:
	case LG_NAMESPACE:
	case LG_VIEW:
	case LG_RELATION:
	case LG_MAPROX:
	case LG_KINDS:
	default:
		return hs_err_remedy(no_object(c, "a table"),
				     "choose a row: _[0]");
	}
}

struct hs_err *vb_objects(const struct lg_call *call, uint64_t max,
			  struct vb_objects *ret)
{
	struct collect c = { .call = call, .max = max, .out = ret };
	struct hs_err *err = NULL;

	for (size_t i = 0; !err && i < call->n_args; i++)
		err = add(&c, call->args[i]);
	if (!err && ret->in && !lg_instant_readable(ret->in))
		return hs_err_remedy(hs_err_new(HS_ERR_FAULT,
						"%s: read objects of instant "
						"%u: it was released",
						call->verb->name,
						ret->in->number),
				     "snap takes a new one");
	if (!err && ret->in)
		md_set_task(ret->in->model, call->task);
	return err;
}

struct hs_err *vb_object_at(const struct lg_call *call, struct lg_instant *in,
			    uint64_t addr, struct md_object *ret)
{
	struct hs_err *err;

	if (md_object_at(lg_instant_model(in, call->task), addr, ret))
		return NULL;
	err = hs_err_new(HS_ERR_FAULT,
			 "%s: read the object at 0x%llx: no "
			 "object begins there",
			 call->verb->name, (unsigned long long)addr);
	err->addr = addr;
	return err;
}

struct hs_err *vb_answer_each(const struct lg_call *call,
			      const struct vb_objects *objects,
			      vb_answer_fn *answer, const void *with,
			      struct lg_value **ret)
{
	HS_FREE struct lg_value **v =
		hs_xcalloc(objects->addr.n + 1, sizeof(*v));
	struct hs_err *err = NULL;
	size_t n = 0;

	while (!err && n < objects->addr.n) {
		err = hs_check_cancel(call->task);
		if (!err)
			err = answer(call, objects, n, with, &v[n]);
		n += !err;
	}
	if (!err)
		*ret = n == 1 ? lg_ref(v[0]) : lg_list(v, n);
	while (n)
		lg_unref(v[--n]);
	return err;
}

const struct lg_arg vb_objects_args[] = {
	{ .name = "OBJ",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "object, or set of a few" },
	{ .name = NULL },
};

const struct lg_arg vb_set_args[] = {
	{ .name = "OBJ",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "object or set" },
	{ .name = NULL },
};

/* --- as nodes ------------------------------------------------------------- */

void vb_nodes_deinit(struct vb_nodes *n)
{
	gr_set_unref(n->set);
}

static struct hs_err *to_ids(const struct lg_call *call, struct gr_graph *g,
			     const struct vb_objects *objects, uint32_t *ids)
{
	for (size_t i = 0; i < objects->addr.n; i++) {
		uint64_t addr = objects->addr.v[i];
		struct hs_err *err;

		ids[i] = gr_id(g, addr);
		if (ids[i] != GR_NONE)
			continue;
		err = hs_err_new(HS_ERR_NAME,
				 "%s: 0x%llx was not found in "
				 "the heap",
				 call->verb->name, (unsigned long long)addr);
		err->addr = addr;
		return err;
	}
	return NULL;
}

/* A set as it is: its members need not be listed. */
static struct hs_err *the_set(const struct lg_call *call, struct vb_nodes *ret)
{
	struct gr_set *set = lg_as_set(call->args[0]);

	ret->in = lg_instant_of(call->args[0]);
	ret->g = gr_set_graph(set);
	ret->set = gr_set_ref(set);
	lg_instant_model(ret->in, call->task);
	return NULL;
}

struct hs_err *vb_nodes(const struct lg_call *call, struct vb_nodes *ret)
{
	VB_OBJECTS objects = { 0 };
	HS_FREE uint32_t *ids = NULL;
	struct hs_err *err;

	if (call->n_args == 1 && lg_kind(call->args[0]) == LG_SET)
		return the_set(call, ret);
	err = vb_objects(call, UINT32_MAX, &objects);
	if (!err && !objects.in)
		err = lg_current(call->session, &objects.in);
	if (!err)
		err = lg_instant_graph(objects.in, call->task, &ret->g);
	if (err)
		return err;
	ids = hs_xcalloc(objects.addr.n + 1, sizeof(*ids));
	err = to_ids(call, ret->g, &objects, ids);
	if (!err)
		err = gr_set_of(ret->g, ids, objects.addr.n, &ret->set);
	ret->in = objects.in;
	return err;
}

struct hs_err *vb_option_nodes(const struct lg_call *call,
			       struct lg_instant *in, const char *name,
			       struct gr_set **ret)
{
	for (size_t i = 0; i < call->n_options; i++) {
		struct lg_value *v = call->options[i].value;
		struct lg_call one = *call;
		VB_NODES nodes = { 0 };
		struct hs_err *err;

		if (strcmp(call->options[i].name, name))
			continue;
		if (lg_kind(v) == LG_TEXT)
			return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
							"%s is an object, "
							"in parentheses",
							name),
					     "%s=(%s)", name,
					     lg_as_text(v, NULL));
		one.args = &v;
		one.n_args = 1;
		err = vb_nodes(&one, &nodes);
		if (!err && nodes.in != in)
			err = hs_err_new(HS_ERR_USAGE,
					 "%s is of another instant", name);
		if (!err)
			*ret = gr_set_ref(nodes.set);
		return err;
	}
	return NULL;
}
