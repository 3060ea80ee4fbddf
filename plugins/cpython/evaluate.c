/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References and sizes of types of C code that are not known, as their own
 * tp_traverse and __sizeof__ tell them. Hundreds of objects are asked at once:
 * one by one each would cost tens of microseconds.
 */
#include "evaluate.h"

#include <stdlib.h>

#include "plain.h"
#include "lookup.h"

enum {
	METH_NOARGS = 4, /* Include/methodobject.h, 3.8-3.13 */
	MAX_METHODS = 1024,
	VALUES = 1 << 16, /* of one object, at first */
	VALUES_MOST = 1 << 20, /* the host keeps no more */
	CPU_MS = 500, /* for one object */
	/* Of one type: it is not asked again, each time costs a copy. */
	MAX_FAILURES = 3,
};

struct cpython_functions *cpython_functions_create(const struct cpython_mem *m)
{
	struct cpython_functions *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->getsizeof = m->host->symbol(m->im, NULL, "_PySys_GetSizeOf", NULL);
	f->repr = m->host->symbol(m->im, NULL, "PyObject_Repr", NULL);
	f->str = m->host->symbol(m->im, NULL, "PyObject_Str", NULL);
	f->as_utf8 =
		m->host->symbol(m->im, NULL, "PyUnicode_AsUTF8AndSize", NULL);
	f->as_ssize_t = m->host->symbol(m->im, NULL, "PyLong_AsSsize_t", NULL);
	f->decref = m->host->symbol(m->im, NULL, "Py_DecRef", NULL);
	f->clear = m->host->symbol(m->im, NULL, "PyErr_Clear", NULL);
	f->occurred = m->host->symbol(m->im, NULL, "PyErr_Occurred", NULL);
	f->fetch = m->host->symbol(m->im, NULL, "PyErr_Fetch", NULL);
	f->normalize = m->host->symbol(m->im, NULL, "PyErr_NormalizeException",
				       NULL);
	return f;
}

/* --- what a type has ---------------------------------------------------- */

/* Entry of a type's own methods in C, or 0. */
static uint64_t method_def(const struct cpython_mem *m, uint64_t type,
			   const char *want)
{
	const struct cpython_layout *l = m->lay;
	uint64_t def = cpython_field(m, type, l->tp_methods), name;
	char buf[32];

	for (int i = 0; def != 0 && i < MAX_METHODS; i++) {
		name = cpython_field(m, def, l->ml_name);
		if (name == 0 || cpython_cstr(m, name, buf, sizeof(buf)) < 0)
			return 0;
		if (strcmp(buf, want) == 0)
			return def;
		def += (uint64_t)l->sizeof_method_def;
	}
	return 0;
}

/* The __sizeof__ in C that is nearest, but for object's own. */
static uint64_t sizeof_def(const struct cpython_mem *m, uint64_t type)
{
	uint64_t base, def;

	for (int i = 0; i < CPYTHON_MAX_BASES && type != 0; i++) {
		base = cpython_field(m, type, m->lay->tp_base);
		def = base != 0 ? method_def(m, type, "__sizeof__") : 0;
		if (def != 0)
			return def;
		type = base;
	}
	return 0;
}

/*
 * A function that Cython compiled: since 3.0 its classes have objects of a type
 * of its own for methods (Cython/Utility/CythonFunction.c, "_cython_3_0_11." or
 * nothing before this name). A class statement can borrow only the name.
 */
static bool is_compiled(const struct cpython *st, const struct cpython_mem *m,
			uint64_t f)
{
	static const char want[] = "cython_function_or_method";
	uint64_t type = cpython_type_of(m, f);
	char name[64];
	const char *dot;

	if (st->python_dealloc == 0 || type == 0 ||
	    cpython_field(m, type, m->lay->tp_dealloc) == st->python_dealloc ||
	    cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
			 sizeof(name)) <= 0)
		return false;
	dot = strrchr(name, '.');
	return strcmp(dot != NULL ? dot + 1 : name, want) == 0;
}

static void find_sizeof(const struct cpython *st, const struct cpython_mem *m,
			struct cpython_type *t)
{
	uint64_t def, f;
	bool compiled;

	if (t->kind != CPYTHON_KIND_OTHER || t->more != CPYTHON_MORE_NONE)
		return;
	def = sizeof_def(m, t->address);
	f = cpython_class_attr(m, t->address, cpython_text("__sizeof__"));
	compiled = is_compiled(st, m, f);
	t->about = def != 0 || compiled;
	if (!t->about)
		return;
	if (compiled || cpython_form_of(m, f) == CPYTHON_FORM_METHOD_DESCR) {
		t->sizeof_fn =
			st->functions != NULL ? st->functions->getsizeof : 0;
		t->whole_size = true;
	} else if (cpython_i32(m, def, m->lay->ml_flags, 0) == METH_NOARGS) {
		// a class has one of its own: what it derives from is asked
		t->sizeof_fn = cpython_field(m, def, m->lay->ml_meth);
	}
}

void cpython_find_functions(const struct cpython *st,
			    const struct cpython_mem *m, uint64_t foreign,
			    uint64_t known, struct cpython_type *t)
{
	const struct cpython_layout *l = m->lay;
	uint64_t f = cpython_field(m, foreign, l->tp_traverse);

	// inherited from a type that is unknown, too, it tells as much
	if (foreign != 0 && f != 0 &&
	    (cpython_type_flags(m, foreign) & CPYTHON_TP_HAVE_GC) &&
	    f != cpython_field(m, known, l->tp_traverse))
		t->traverse = f;
	find_sizeof(st, m, t);
}

/* --- asking ------------------------------------------------------------- */

static bool grow(void **v, uint64_t *cap, uint64_t need, size_t size)
{
	uint64_t n = *cap == 0 ? 256 : *cap;
	void *p;

	while (n < need)
		n *= 2;
	if (n == *cap)
		return true;
	p = reallocarray(*v, n, size);
	if (p == NULL)
		return false;
	*v = p;
	*cap = n;
	return true;
}

void cpython_asked_add(struct cpython_asked *a, uint64_t addr,
		       const struct cpython_type *type)
{
	if (!grow((void **)&a->v, &a->cap, a->n + 1, sizeof(*a->v)))
		return;
	a->v[a->n++] = (struct cpython_answer){
		.addr = addr,
		.type = type,
		.flat = UINT64_MAX,
	};
}

void cpython_asked_reset(struct cpython_asked *a)
{
	a->n = a->at = a->n_words = 0;
}

void cpython_asked_deinit(struct cpython_asked *a)
{
	free(a->v);
	free(a->words);
	*a = (struct cpython_asked){ 0 };
}

struct cpython_answer *cpython_asked_next(struct cpython_asked *a,
					  uint64_t addr)
{
	while (a->at < a->n && a->v[a->at].addr != addr)
		a->at++;
	return a->at < a->n ? &a->v[a->at++] : NULL;
}

/* A batch on its way: which answer each of its objects is. */
struct asking {
	struct cpython_asked *a;
	uint64_t *objects, *functions, *index;
	uint64_t n;
	uint64_t more, more_total; /* one that had no room: its index + 1 */
};

static bool asking_init(struct asking *b, struct cpython_asked *a)
{
	size_t n = a->n + 1;

	*b = (struct asking){ .a = a };
	b->objects = calloc(n, sizeof(*b->objects));
	b->functions = calloc(n, sizeof(*b->functions));
	b->index = calloc(n, sizeof(*b->index));
	return b->objects != NULL && b->functions != NULL && b->index != NULL;
}

static void asking_deinit(struct asking *b)
{
	free(b->objects);
	free(b->functions);
	free(b->index);
}

static void put(struct asking *b, uint64_t i, uint64_t function)
{
	b->objects[b->n] = b->a->v[i].addr;
	b->functions[b->n] = function;
	b->index[b->n++] = i;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* False: this type is to be left alone, and the batch begins anew behind it. */
static bool note_failure(struct asking *b, const struct heapsh_eval_item *item)
{
	const struct cpython_answer *v = &b->a->v[b->index[item->index]];
	// types are read-only but for this
	struct cpython_type *t = (struct cpython_type *)v->type;

	if (item->end == HEAPSH_EVAL_RETURNED ||
	    item->end == HEAPSH_EVAL_FAILED)
		return true;
	if (++t->failed < MAX_FAILURES)
		return true;
	b->more = b->index[item->index] + 1;
	b->more_total = UINT64_MAX;
	return false;
}

static int take_targets(void *arg, const struct heapsh_eval_item *item)
{
	struct asking *b = arg;
	struct cpython_asked *a = b->a;
	struct cpython_answer *v;

	if (item->index >= b->n || item->end != HEAPSH_EVAL_RETURNED)
		return item->index >= b->n || note_failure(b, item);
	v = &a->v[b->index[item->index]];
	if (item->total > item->n) {
		b->more = b->index[item->index] + 1;
		b->more_total = item->total;
		return 0;
	}
	if (item->n != 0 && !grow((void **)&a->words, &a->cap_words,
				  a->n_words + item->n, sizeof(*a->words)))
		return 0;
	v->first = a->n_words;
	v->n = item->n;
	v->told = true;
	if (item->n != 0) {
		memcpy(a->words + v->first, item->values, item->n * 8);
		qsort(a->words + v->first, item->n, 8, compare);
	}
	a->n_words += item->n;
	return 1;
}

static int take_size(void *arg, const struct heapsh_eval_item *item)
{
	struct asking *b = arg;
	struct cpython_answer *v;

	if (item->index >= b->n)
		return 1;
	v = &b->a->v[b->index[item->index]];
	if (item->end == HEAPSH_EVAL_RETURNED && item->n == 1 &&
	    (int64_t)item->values[0] >= 0)
		v->flat = item->values[0] +
			  (v->type->whole_size ? 0 : (uint64_t)v->type->pre);
	return note_failure(b, item);
}

static void run(const struct cpython_mem *m, const struct heapsh_eval *eval,
		struct heapsh_eval_batch *batch, struct asking *b)
{
	struct heapsh_eval_result result = { .size = sizeof(result) };

	if (b->n == 0)
		return;
	batch->size = sizeof(*batch);
	batch->n = b->n;
	batch->objects = b->objects;
	batch->functions = b->functions;
	batch->cpu_ms = CPU_MS;
	batch->arg = b;
	eval->batch(m->im, batch, &result);
}

/* From the i-th on; stops behind one that has more than there is room for. */
static void ask_targets(const struct cpython_mem *m,
			const struct heapsh_eval *eval, struct cpython_asked *a)
{
	uint64_t from = 0, room = VALUES;
	struct asking b;

	while (asking_init(&b, a)) {
		struct heapsh_eval_batch batch = {
			.kind = HEAPSH_EVAL_VISIT,
			.max = (uint32_t)room,
			.each = take_targets,
		};

		for (uint64_t i = from; i < a->n; i++)
			if (a->v[i].type->traverse != 0 &&
			    a->v[i].type->failed < MAX_FAILURES)
				put(&b, i, a->v[i].type->traverse);
		run(m, eval, &batch, &b);
		asking_deinit(&b);
		if (b.more == 0)
			return;
		// once more with room for it; without it if that is too much
		from = b.more_total <= VALUES_MOST && room < b.more_total
			       ? b.more - 1
			       : b.more;
		room = from == b.more ? VALUES : b.more_total;
	}
	asking_deinit(&b);
}

/* whole: by _PySys_GetSizeOf(), or by each type's own __sizeof__(). */
static void ask_sizes(const struct cpython *st, const struct cpython_mem *m,
		      const struct heapsh_eval *eval, struct cpython_asked *a,
		      bool whole)
{
	const struct cpython_functions *f = st->functions;
	struct heapsh_eval_batch batch = {
		.kind = HEAPSH_EVAL_VALUE,
		.finish = whole ? 0 : f->as_ssize_t,
		.release = whole ? 0 : f->decref,
		.clear = f->clear,
		.bad = whole ? UINT64_MAX : 0,
		.each = take_size,
	};
	uint64_t from = 0;
	struct asking b;

	while (asking_init(&b, a)) {
		for (uint64_t i = from; i < a->n; i++)
			if (a->v[i].type->sizeof_fn != 0 &&
			    a->v[i].type->whole_size == whole &&
			    a->v[i].type->failed < MAX_FAILURES)
				put(&b, i, a->v[i].type->sizeof_fn);
		run(m, eval, &batch, &b);
		asking_deinit(&b);
		if (b.more == 0)
			return;
		from = b.more;
	}
	asking_deinit(&b);
}

void cpython_asked_go(const struct cpython *st, const struct cpython_mem *m,
		      struct cpython_asked *a, uint32_t want)
{
	const struct heapsh_eval *eval = st->eval;

	if (a->n == 0 || eval == NULL || eval->why_not(m->im) != NULL)
		return;
	if (want & HEAPSH_WANT_EDGES)
		ask_targets(m, eval, a);
	if (want & HEAPSH_WANT_SIZES) {
		ask_sizes(st, m, eval, a, true);
		ask_sizes(st, m, eval, a, false);
	}
}
