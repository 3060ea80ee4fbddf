// SPDX-License-Identifier: Apache-2.0
// Three verbs that differ in one member of struct heapsh_measure.
#include "verb_priv.h"

enum what { BASIC, ITEM, LENGTH };

static struct lg_value *answer(const struct heapsh_measure *m, enum what what)
{
	if (what == LENGTH)
		return m->has_length ? lg_int((int64_t)m->length) : lg_none();
	return lg_bytes(what == BASIC ? m->basic_size : m->item_size);
}

static struct hs_err *measure(const struct lg_call *call,
			      const struct vb_objects *objects, size_t i,
			      const void *what, struct lg_value **ret)
{
	struct heapsh_measure m = { .size = sizeof(m) };
	struct md_object o;
	struct hs_err *err =
		vb_object_at(call, objects->in, objects->addr.v[i], &o);

	if (err)
		return err;
	if (!md_measure(objects->in->model, objects->addr.v[i], &m))
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "%s of %s: not known of "
				  "this runtime",
				  call->verb->name, o.type->name);
	*ret = answer(&m, *(const enum what *)what);
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, enum what what,
			  struct lg_value **ret)
{
	VB_OBJECTS objects = { 0 };
	struct hs_err *err = vb_objects(call, VB_MAX_LISTED, &objects);

	return err ? err :
		     vb_answer_each(call, &objects, measure, &what, ret);
}

static struct hs_err *run_basicsize(const struct lg_call *call,
				    struct lg_value **ret)
{
	return run(call, BASIC, ret);
}

static struct hs_err *run_itemsize(const struct lg_call *call,
				   struct lg_value **ret)
{
	return run(call, ITEM, ret);
}

static struct hs_err *run_leng(const struct lg_call *call,
			       struct lg_value **ret)
{
	return run(call, LENGTH, ret);
}

const struct lg_verb vb_basicsize = {
	.name = "basicsize",
	.args = vb_objects_args,
	.summary = "bytes of an object without its items, as Pympler counts",
	.help = "The type's basic size, with what the runtime puts before "
		"the object.",
	.examples = "basicsize __main__.cache",
	.run = run_basicsize,
};
const struct lg_verb vb_itemsize = {
	.name = "itemsize",
	.args = vb_objects_args,
	.summary = "bytes of one item of an object, as Pympler counts",
	.help = "0 where the type has no items.",
	.examples = "itemsize __main__.cache",
	.run = run_itemsize,
};
const struct lg_verb vb_leng = {
	.name = "leng",
	.args = vb_objects_args,
	.summary = "length of an object, as Pympler counts",
	.help = "Room for items included where a container has more room than "
		"items; digits of a number. None where there is no length.",
	.examples = "leng __main__.cache",
	.run = run_leng,
};
