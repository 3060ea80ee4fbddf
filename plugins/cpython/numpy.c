/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numpy's arrays, types of items, and numbers. Their structures are part of
 * numpy's public ABI (numpy/core/include/numpy/ndarraytypes.h and
 * arrayscalars.h, the same from 1.7 to 1.26; 2.0 moved what follows the head of
 * PyArray_Descr), so that they stand here as numbers. A type of another size is
 * not taken for one of these.
 */
#include "refs_priv.h"
#include "size_priv.h"

#include "lookup.h"
#include "plain.h"
#include "walk.h"

enum {
	/* PyArrayObject_fields */
	ARRAY_DATA = 16,
	ARRAY_ND = 24,
	ARRAY_DIMENSIONS = 32,
	ARRAY_BASE = 48,
	ARRAY_DESCR = 56,
	ARRAY_FLAGS = 64,
	ARRAY_HANDLER = 88, /* from 1.22: sizeof is 96 */
	/* PyArray_Descr up to 1.26 */
	DESCR_TYPEOBJ = 16,
	DESCR_FLAGS = 27,
	DESCR_TYPE_NUM = 28,
	DESCR_ELSIZE = 32,
	DESCR_SUBARRAY = 40,
	DESCR_FIELDS = 48,
	DESCR_NAMES = 56,
	DESCR_METADATA = 72,
	DESCR_SIZE = 96, /* 2.0: 88, and 120 of the old kinds */
	/* the same from 2.0 on */
	DESCR2_FLAGS = 32,
	DESCR2_ELSIZE = 40,
	DESCR2_METADATA = 56,
	DESCR2_SUBARRAY = 88,
	DESCR2_FIELDS = 96,
	DESCR2_NAMES = 104,
	/* PyArray_ArrayDescr */
	SUBARRAY_BASE = 0,
	SUBARRAY_SHAPE = 8,
	/* PyVoidScalarObject; tp_basicsize of numpy.void */
	VOID_OBVAL = 24,
	VOID_DESCR = 32,
	VOID_FLAGS = 40,
	VOID_BASE = 48,
	NPY_OBJECT = 17, /* enum NPY_TYPES */
	NPY_ARRAY_OWNDATA = 4,
	NPY_ITEM_REFCOUNT = 1, /* items hold objects */
	NPY_MAXDIMS = 64, /* 32 up to 1.26 */
	MAX_FIELDS = 256, /* of one record that are objects */
	MAX_ITEM = 1 << 24, /* bytes of an item */
};

/* What a dtype says. */
struct descr {
	uint64_t addr;
	int type_num;
	uint64_t elsize;
	bool objects; /* in its items, somewhere */
	uint64_t subarray, fields, names, metadata;
};

static bool descr_open(const struct cpython_mem *m, uint64_t addr,
		       struct descr *ret)
{
	int64_t basic = cpython_i64(m, cpython_type_of(m, addr),
				    m->lay->tp_basicsize, 0);
	bool first = basic == DESCR_SIZE;

	*ret = (struct descr){ .addr = addr };
	if (addr == 0 || basic < DESCR2_SUBARRAY)
		return false;
	ret->type_num = cpython_i32(m, addr, DESCR_TYPE_NUM, -1);
	ret->objects =
		cpython_u8(m, addr, first ? DESCR_FLAGS : DESCR2_FLAGS, 0) &
		NPY_ITEM_REFCOUNT;
	ret->elsize = first ? (uint64_t)cpython_i32(m, addr, DESCR_ELSIZE, 0)
			    : (uint64_t)cpython_i64(m, addr, DESCR2_ELSIZE, 0);
	ret->metadata = cpython_field(m, addr,
				      first ? DESCR_METADATA : DESCR2_METADATA);
	if (!first && basic < DESCR2_NAMES + 8)
		return ret->elsize <= MAX_ITEM;
	ret->subarray = cpython_field(m, addr,
				      first ? DESCR_SUBARRAY : DESCR2_SUBARRAY);
	ret->fields =
		cpython_field(m, addr, first ? DESCR_FIELDS : DESCR2_FIELDS);
	ret->names = cpython_field(m, addr, first ? DESCR_NAMES : DESCR2_NAMES);
	return ret->elsize <= MAX_ITEM;
}

/* --- arrays ------------------------------------------------------------- */

struct array {
	uint64_t data, n_items;
	uint64_t nd;
	bool owns;
	struct descr descr;
};

/* False: what it says contradicts itself. */
static bool array_open(const struct cpython_obj *o, struct array *ret)
{
	uint64_t dims = cpython_obj_word(o, ARRAY_DIMENSIONS), d;
	int32_t nd = cpython_obj_i32(o, ARRAY_ND);

	*ret = (struct array){
		.data = cpython_obj_word(o, ARRAY_DATA),
		.n_items = 1,
		.nd = (uint64_t)nd,
		.owns = cpython_obj_i32(o, ARRAY_FLAGS) & NPY_ARRAY_OWNDATA,
	};
	if (nd < 0 || nd > NPY_MAXDIMS ||
	    !descr_open(o->m, cpython_obj_word(o, ARRAY_DESCR), &ret->descr))
		return false;
	for (int i = 0; i < nd; i++) {
		d = cpython_word(o->m, dims + 8 * (uint64_t)i);
		if (__builtin_mul_overflow(ret->n_items, d, &ret->n_items) ||
		    ret->n_items > CPYTHON_MAX_ITEMS)
			return false;
	}
	return true;
}

/* array_sizeof(); the dimensions lie in a block of their own */
static void size_array(const struct cpython_obj *o, struct cpython_size *ret)
{
	struct array a;

	if (!array_open(o, &a)) {
		ret->torn = true;
		return;
	}
	cpython_add(ret, a.nd, 16);
	if (!a.owns)
		return;
	cpython_add(ret, a.n_items, a.descr.elsize);
	if (a.n_items * a.descr.elsize == 0)
		ret->held++; // something is allocated in any case
}

/* Where in an item of a dtype objects are. */
struct places {
	uint64_t at[MAX_FIELDS];
	uint32_t n;
	/* parts that are still to be looked into */
	struct {
		uint64_t descr, at;
	} todo[MAX_FIELDS];
	uint32_t n_todo;
};

static void push(struct places *p, uint64_t descr, uint64_t at)
{
	if (p->n_todo == MAX_FIELDS || descr == 0 || at > MAX_ITEM)
		return;
	p->todo[p->n_todo].descr = descr;
	p->todo[p->n_todo++].at = at;
}

/* Values of dtype.fields are (dtype, offset) or (dtype, offset, title). */
static void push_fields(const struct cpython_mem *m, struct places *p,
			const struct descr *d, uint64_t at)
{
	struct cpython_dict_iter it;
	uint64_t key, value;
	int64_t offset;

	if (!(cpython_flags_of(m, d->fields) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(m, d->fields, &it))
		return;
	while (p->n_todo < MAX_FIELDS &&
	       cpython_dict_next(m, &it, &key, &value)) {
		uint64_t items = value + (uint64_t)m->lay->tuple_items;

		if (!(cpython_flags_of(m, value) & CPYTHON_TP_TUPLE) ||
		    cpython_i64(m, value, m->lay->ob_size, 0) < 2 ||
		    !cpython_int_value(m, cpython_word(m, items + 8),
				       &offset) ||
		    offset < 0)
			continue;
		push(p, cpython_word(m, items), at + (uint64_t)offset);
	}
}

static void push_subarray(const struct cpython_mem *m, struct places *p,
			  const struct descr *d, uint64_t at)
{
	uint64_t base = cpython_field(m, d->subarray, SUBARRAY_BASE);
	struct descr item;

	if (!descr_open(m, base, &item) || item.elsize == 0)
		return;
	for (uint64_t i = 0;
	     i < d->elsize / item.elsize && p->n_todo < MAX_FIELDS; i++)
		push(p, base, at + i * item.elsize);
}

/* Titles name a field a second time: each place is kept once. */
static void add_place(struct places *p, uint64_t at)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->at[i] == at)
			return;
	if (p->n < MAX_FIELDS)
		p->at[p->n++] = at;
}

static void find_places(const struct cpython_mem *m, const struct descr *d,
			struct places *p)
{
	int budget = 16 * MAX_FIELDS;
	struct descr part;

	push(p, d->addr, 0);
	while (p->n_todo != 0 && budget-- > 0) {
		uint64_t at = p->todo[--p->n_todo].at;

		if (!descr_open(m, p->todo[p->n_todo].descr, &part) ||
		    !part.objects || at + 8 > d->elsize)
			continue;
		if (part.type_num == NPY_OBJECT)
			add_place(p, at);
		else if (part.subarray != 0)
			push_subarray(m, p, &part, at);
		else
			push_fields(m, p, &part, at);
	}
}

static void item(struct cpython_visit *v, uint64_t index, uint64_t word,
		 void *arg)
{
	(void)arg;
	cpython_edge(v, word, HEAPSH_LABEL_INDEX, index, 0, NULL, 0);
}

/* Objects in the items of a record type: n of them at addr. */
static bool refs_records(struct cpython_visit *v, uint64_t addr, uint64_t n,
			 const struct descr *d)
{
	const struct cpython_mem *m = v->o->m;
	struct places p = { .n = 0, .n_todo = 0 };
	uint64_t word;

	find_places(m, d, &p);
	for (uint64_t i = 0; i < n && p.n != 0; i++) {
		if (cpython_cancelled(m, (int64_t)i))
			return false;
		for (uint32_t k = 0; k < p.n; k++) {
			if (!cpython_copy(m, addr + i * d->elsize + p.at[k],
					  &word, sizeof(word)))
				return false;
			cpython_edge(v, word, HEAPSH_LABEL_INDEX, i, 0, NULL,
				     0);
		}
	}
	return true;
}

static bool refs_data(struct cpython_visit *v, uint64_t addr, uint64_t n,
		      const struct descr *d)
{
	if (!d->objects || n == 0)
		return true;
	if (d->type_num == NPY_OBJECT)
		return cpython_each_word(v, addr, n, item, NULL);
	return refs_records(v, addr, n, d);
}

static bool refs_array(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	struct array a;

	cpython_edge_attr(v, cpython_obj_word(o, ARRAY_BASE), "base", 0);
	cpython_edge_attr(v, cpython_obj_word(o, ARRAY_DESCR), "dtype",
			  HEAPSH_EDGE_CONTEXT);
	if (o->type->basic >= ARRAY_HANDLER + 8)
		cpython_edge(v, cpython_obj_word(o, ARRAY_HANDLER),
			     HEAPSH_LABEL_FIELD, 0, 0, "mem_handler",
			     HEAPSH_EDGE_CONTEXT);
	if (!array_open(o, &a))
		return false;
	// a view's items are those of its base
	return !a.owns || refs_data(v, a.data, a.n_items, &a.descr);
}

/* --- types of items, and single items ----------------------------------- */

static bool refs_descr(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	struct descr d;

	cpython_edge_attr(v, cpython_obj_word(o, DESCR_TYPEOBJ), "type",
			  HEAPSH_EDGE_CONTEXT);
	if (!descr_open(o->m, o->addr, &d))
		return false;
	cpython_edge_attr(v, d.fields, "fields", 0);
	cpython_edge_attr(v, d.names, "names", 0);
	cpython_edge_attr(v, d.metadata, "metadata", 0);
	cpython_edge_attr(v, cpython_field(o->m, d.subarray, SUBARRAY_BASE),
			  "base", 0);
	cpython_edge_attr(v, cpython_field(o->m, d.subarray, SUBARRAY_SHAPE),
			  "shape", 0);
	return true;
}

static bool refs_void(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	struct descr d;

	cpython_edge_attr(v, cpython_obj_word(o, VOID_BASE), "base", 0);
	cpython_edge_attr(v, cpython_obj_word(o, VOID_DESCR), "dtype",
			  HEAPSH_EDGE_CONTEXT);
	if (!descr_open(o->m, cpython_obj_word(o, VOID_DESCR), &d))
		return false;
	return !(cpython_obj_i32(o, VOID_FLAGS) & NPY_ARRAY_OWNDATA) ||
	       refs_data(v, cpython_obj_word(o, VOID_OBVAL), 1, &d);
}

/* gentype_sizeof() */
static void size_void(const struct cpython_obj *o, struct cpython_size *ret)
{
	struct descr d;

	if (!descr_open(o->m, cpython_obj_word(o, VOID_DESCR), &d)) {
		ret->torn = true;
		return;
	}
	ret->flat += d.elsize;
	if (cpython_obj_i32(o, VOID_FLAGS) & NPY_ARRAY_OWNDATA)
		ret->held += d.elsize;
}

bool cpython_refs_numpy(struct cpython_visit *v)
{
	switch ((enum cpython_more)v->o->type->more) {
	case CPYTHON_MORE_NP_ARRAY:
		return refs_array(v);
	case CPYTHON_MORE_NP_DTYPE:
		return refs_descr(v);
	case CPYTHON_MORE_NP_VOID:
		return refs_void(v);
	default:
		return true;
	}
}

void cpython_numpy_size(const struct cpython_obj *o, struct cpython_size *s)
{
	int more = o->type->more;

	if (more == CPYTHON_MORE_NP_ARRAY)
		size_array(o, s);
	else if (more == CPYTHON_MORE_NP_VOID)
		size_void(o, s);
	else if (more == CPYTHON_MORE_NP_BYTES)
		s->flat += cpython_obj_size(o);
	else if (more >= CPYTHON_MORE_NP_1 && more <= CPYTHON_MORE_NP_32)
		s->flat += UINT64_C(1) << (more - CPYTHON_MORE_NP_1);
}

/* --- for pympler.c ------------------------------------------------------- */

bool cpython_numpy_array(const struct cpython_obj *o,
			 struct cpython_numpy_array *ret)
{
	struct array a;

	if (o->type->more != CPYTHON_MORE_NP_ARRAY || !array_open(o, &a))
		return false;
	ret->bytes = a.n_items * a.descr.elsize;
	ret->base = cpython_obj_word(o, ARRAY_BASE);
	ret->owns = a.owns;
	return true;
}
