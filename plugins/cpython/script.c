/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call for the process itself, written down: struct heapsh_script. The same
 * functions of the interpreter that invoke.c calls in a copy, one after the
 * other, with the GIL. What they make is released at last, an exception is
 * turned into text and forgotten, and nothing is left behind.
 */
#include <stdio.h>

#include "makers.h"

enum {
	DEPTH_MAX = 64,		/* of tuples; the host's limit is lower */
	/* In the data: what functions want pointers to; then texts. */
	LENGTH_AT = 0,
	RAISED_AT = 8,		/* three words: class, value, traceback */
	TEXTS_AT = 32,
	/**
	 * An object that lives has been referred to, less often than this:
	 * free memory holds an address in that place, or 0. From 3.12 on
	 * objects without an end hold 2^32 - 1 or less.
	 */
	REFS_BITS = 40,
};

static const struct {
	size_t at;
	const char *name;
} maker_names[] = {
#define MAKER(member, name) { offsetof(struct cpython_makers, member), name }
	MAKER(integer, "PyLong_FromLongLong"),
	MAKER(real, "PyFloat_FromString"),
	MAKER(text, "PyUnicode_DecodeUTF8"),
	MAKER(bytes, "PyBytes_FromStringAndSize"),
	MAKER(tuple, "PyTuple_New"),
	MAKER(tuple_set, "PyTuple_SetItem"),
	MAKER(dict, "PyDict_New"),
	MAKER(dict_set, "PyDict_SetItem"),
	MAKER(incref, "Py_IncRef"),
	MAKER(attr, "PyObject_GetAttr"),
	MAKER(call, "PyObject_Call"),
	MAKER(none, "_Py_NoneStruct"),
	MAKER(yes, "_Py_TrueStruct"),
	MAKER(no, "_Py_FalseStruct"),
#undef MAKER
};

const char *cpython_makers_find(const struct cpython_mem *m,
				struct cpython_makers *ret)
{
	uint64_t addr;

	for (size_t i = 0; i < sizeof(maker_names) / sizeof(maker_names[0]);
	     i++) {
		addr = m->host->symbol(m->im, NULL, maker_names[i].name, NULL);
		if (addr == 0)
			return "a function of the interpreter is not found";
		memcpy((char *)ret + maker_names[i].at, &addr, sizeof(addr));
	}
	return NULL;
}

/** An argument of a step. */
struct term {
	uint64_t v;
	uint8_t from;		/* heapsh_step_from */
};

/** A script on its way. */
struct writing {
	struct cpython_makers f;
	struct heapsh_script *s;
	bool full;		/* it does not fit */
};

static struct term itself(uint64_t v)
{
	return (struct term){ v, HEAPSH_FROM_ITSELF };
}

static struct term in_data(uint64_t at)
{
	return (struct term){ at, HEAPSH_FROM_DATA };
}

/* --- steps --------------------------------------------------------------- */

static struct term step(struct writing *w, uint64_t function, uint32_t flags,
			struct term a, struct term b, struct term c)
{
	const struct term args[] = { a, b, c };
	struct heapsh_step *s;

	if (w->s->n == HEAPSH_STEPS) {
		w->full = true;
		return itself(0);
	}
	s = &w->s->steps[w->s->n];
	s->function = function;
	s->flags = flags;
	for (int i = 0; i < 3; i++) {
		s->args[i] = args[i].v;
		s->from[i] = args[i].from;
	}
	return (struct term){ w->s->n++, HEAPSH_FROM_STEP };
}

/* A new object of what a function answers. */
static struct term new_of(struct writing *w, uint64_t function, struct term a,
			  struct term b, struct term c)
{
	return step(w, function, HEAPSH_STEP_OWNS | HEAPSH_STEP_NOT_ZERO, a, b,
		    c);
}

static struct term new_text(struct writing *w, uint64_t function,
			    const char *text, uint64_t n)
{
	uint64_t at = w->s->n_data;

	if (n > HEAPSH_SCRIPT_DATA - at) {
		w->full = true;
		return itself(0);
	}
	memcpy(w->s->data + at, text, n);
	w->s->n_data += (uint32_t)n;
	return new_of(w, function, in_data(at), itself(n), itself(0));
}

/* --- arguments ----------------------------------------------------------- */

static struct term make(struct writing *w, const struct heapsh_key *k,
			int depth);

static struct term make_real(struct writing *w, double d)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%.17g", d);

	return new_of(w, w->f.real,
		      new_text(w, w->f.text, buf, (uint64_t)n), itself(0),
		      itself(0));
}

/* It takes the item over, so that one that is the program's is given one. */
static void tuple_set(struct writing *w, struct term tuple, uint64_t i,
		      struct term item)
{
	if (item.from == HEAPSH_FROM_ITSELF)
		step(w, w->f.incref, 0, item, itself(0), itself(0));
	step(w, w->f.tuple_set, HEAPSH_STEP_TAKES | HEAPSH_STEP_NOT_MINUS,
	     tuple, itself(i), item);
}

static struct term make_tuple(struct writing *w, const struct heapsh_key *k,
			      int depth)
{
	struct term tuple = new_of(w, w->f.tuple, itself(k->n_items),
				   itself(0), itself(0));

	for (uint32_t i = 0; i < k->n_items && !w->full; i++)
		tuple_set(w, tuple, i, make(w, &k->items[i], depth + 1));
	return tuple;
}

static struct term make(struct writing *w, const struct heapsh_key *k,
			int depth)
{
	switch ((enum heapsh_key_kind)k->kind) {
	case HEAPSH_KEY_INT:
		return new_of(w, w->f.integer, itself((uint64_t)k->i),
			      itself(0), itself(0));
	case HEAPSH_KEY_FLOAT:
		return make_real(w, k->f);
	case HEAPSH_KEY_STR:
		return new_text(w, w->f.text, k->text.s, k->text.n);
	case HEAPSH_KEY_BYTES:
		return new_text(w, w->f.bytes, k->text.s, k->text.n);
	case HEAPSH_KEY_BOOL:
		return itself(k->i ? w->f.yes : w->f.no);
	case HEAPSH_KEY_NONE:
		return itself(w->f.none);
	case HEAPSH_KEY_OBJECT:
		return itself((uint64_t)k->i);
	case HEAPSH_KEY_TUPLE:
		if (depth < DEPTH_MAX)
			return make_tuple(w, k, depth);
		break;
	default:
		break;
	}
	w->full = true;
	return itself(0);
}

/* The tuple of arguments; *kw: the dict of those with a name, or NULL. */
static struct term make_args(struct writing *w,
			     const struct heapsh_invocation *what,
			     struct term *kw)
{
	struct term tuple, none = itself(0), value;
	uint32_t n = 0;

	while (n < what->n && what->args[n].name.n == 0)
		n++;
	tuple = new_of(w, w->f.tuple, itself(n), none, none);
	*kw = n < what->n ? new_of(w, w->f.dict, none, none, none) : none;
	for (uint32_t i = 0; i < what->n && !w->full; i++) {
		const struct heapsh_argument *a = &what->args[i];

		value = make(w, &a->value, 0);
		if (i < n)
			tuple_set(w, tuple, i, value);
		else
			step(w, w->f.dict_set, HEAPSH_STEP_NOT_MINUS, *kw,
			     new_text(w, w->f.text, a->name.s, a->name.n),
			     value);
	}
	return tuple;
}

/* --- the call ------------------------------------------------------------ */

/* As SELF.NAME says in the program: methods are bound, properties run. */
static struct term bound(struct writing *w,
			 const struct heapsh_invocation *what)
{
	struct term name;

	if (what->self == 0)
		return itself(what->callee);
	name = new_text(w, w->f.text, what->name.s, what->name.n);
	return new_of(w, w->f.attr, itself(what->self), name, itself(0));
}

static void put_call(struct writing *w, const struct cpython_functions *f,
		     const struct heapsh_invocation *what)
{
	struct term callee = bound(w, what), args, kw, result, text;

	args = make_args(w, what, &kw);
	result = new_of(w, w->f.call, callee, args, kw);
	w->s->call = (uint32_t)result.v;
	text = new_of(w, f->repr, result, itself(0), itself(0));
	w->s->text = (uint32_t)step(w, f->as_utf8,
				    HEAPSH_STEP_NOT_ZERO | HEAPSH_STEP_TEXT,
				    text, in_data(LENGTH_AT), itself(0)).v;
}

/*
 * What was raised, as except: would have it. Its class may be made for it, so
 * that the name is taken while it lives.
 */
static void put_error(struct writing *w, const struct cpython_functions *f,
		      const struct cpython_layout *l)
{
	const uint32_t on = HEAPSH_STEP_ON_ERROR;
	const struct term at[] = { in_data(RAISED_AT), in_data(RAISED_AT + 8),
				   in_data(RAISED_AT + 16) };
	struct term raised[3];

	step(w, f->fetch, on, at[0], at[1], at[2]);
	step(w, f->normalize, on, at[0], at[1], at[2]);
	for (int i = 0; i < 3; i++)
		raised[i] = step(w, 0, on | HEAPSH_STEP_OWNS, at[i], itself(0),
				 itself(0));
	// without a class there is none, and what follows is left out
	step(w, 0, on | HEAPSH_STEP_NOT_ZERO, at[0], itself(0), itself(0));
	w->s->name = (uint32_t)step(w, 0, on | HEAPSH_STEP_CSTR, raised[0],
				    itself((uint64_t)l->tp_name),
				    itself(0)).v;
	step(w, 0, on | HEAPSH_STEP_NOT_ZERO, at[1], itself(0), itself(0));
	raised[1] = step(w, f->str, on | HEAPSH_STEP_OWNS |
					    HEAPSH_STEP_NOT_ZERO,
			 raised[1], itself(0), itself(0));
	w->s->words = (uint32_t)step(w, f->as_utf8, on | HEAPSH_STEP_NOT_ZERO |
							    HEAPSH_STEP_TEXT,
				     raised[1], in_data(LENGTH_AT),
				     itself(0)).v;
	step(w, f->clear, HEAPSH_STEP_ALWAYS, itself(0), itself(0), itself(0));
}

const char *cpython_script(const struct cpython *st,
			   const struct heapsh_invocation *what,
			   struct heapsh_script *ret)
{
	const struct cpython_functions *f = st->functions;
	struct writing w = { .s = ret };
	const char *why = cpython_makers_find(&st->mem, &w.f);

	if (why != NULL)
		return why;
	if (f->repr == 0 || f->str == 0 || f->as_utf8 == 0 || f->fetch == 0 ||
	    f->normalize == 0 || f->clear == 0 || f->decref == 0)
		return "a function of the interpreter is not found";
	ret->n_data = TEXTS_AT;
	ret->release = f->decref;
	put_call(&w, f, what);
	put_error(&w, f, st->mem.lay);
	return w.full ? "there are too many arguments for one call" : NULL;
}

/* --- what lives ---------------------------------------------------------- */

uint32_t cpython_alive(const struct cpython *st, uint64_t object,
		       struct heapsh_guard ret[HEAPSH_GUARDS])
{
	const struct cpython_mem *m = &st->mem;
	uint64_t type = cpython_type_of(m, object), code;
	uint32_t n = 2;

	if (type == 0)
		return 0;
	ret[0] = (struct heapsh_guard){
		.addr = object,
		.least = 1,
		.most = UINT64_C(1) << REFS_BITS,
		.bytes = 8,
	};
	ret[1] = (struct heapsh_guard){
		.addr = object + (uint64_t)m->lay->ob_type,
		.least = type,
		.most = type,
		.bytes = 8,
	};
	// a function is what it does
	if (type == m->host->symbol(m->im, NULL, "PyFunction_Type", NULL)) {
		code = cpython_field(m, object, m->lay->func_code);
		ret[n++] = (struct heapsh_guard){
			.addr = object + (uint64_t)m->lay->func_code,
			.least = code,
			.most = code,
			.bytes = 8,
		};
	}
	return n;
}
