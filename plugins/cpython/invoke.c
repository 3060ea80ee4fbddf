/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_INVOKE_0: a callable of the program, called in a disposable copy with
 * objects of the program, and with numbers and texts that are made there by
 * the interpreter's own functions. Nothing is taken for granted of either: the
 * interpreter looks up what is bound, and raises what it raises.
 */
#include <stdio.h>

#include "makers.h"
#include "talk.h"

enum {
	TEXT_AT = 256,		/* in the scratch memory; talk.h has the rest */
	DEPTH_MAX = 64,		/* of tuples; the host's limit is lower */
};

/** One invocation on its way. */
struct invoking {
	struct cpython_talk t;
	struct cpython_makers f;
	uint64_t scratch, room;
	char why[128];		/* of an argument that cannot be made */
};

/* --- arguments ----------------------------------------------------------- */

/* A new reference each; 0: it has raised or ended, or v->why says it. */
static uint64_t make(struct invoking *v, const struct heapsh_key *k, int depth);

static uint64_t call2(struct invoking *v, uint64_t function, uint64_t a,
		      uint64_t b)
{
	uint64_t args[3] = { a, b, 0 };

	return cpython_talk_call(&v->t, function, args, 3) ? v->t.r.value : 0;
}

static uint64_t make_text(struct invoking *v, uint64_t function,
			  struct heapsh_text s)
{
	uint64_t at = v->scratch + TEXT_AT;

	if (v->room < TEXT_AT || s.n > v->room - TEXT_AT ||
	    v->t.eval->write(v->t.im, at, s.s, s.n) != s.n) {
		snprintf(v->why, sizeof(v->why),
			 "a text of %llu bytes is too long for an argument",
			 (unsigned long long)s.n);
		return 0;
	}
	return call2(v, function, at, s.n);
}

/* By way of its text: a number of this kind travels in no integer register. */
static uint64_t make_real(struct invoking *v, double d)
{
	char buf[64];
	int n = snprintf(buf, sizeof(buf), "%.17g", d);
	struct heapsh_text text = { buf, (uint64_t)n };
	uint64_t str = make_text(v, v->f.text, text);

	return str != 0 ? cpython_talk_call1(&v->t, v->f.real, str) : 0;
}

static uint64_t make_tuple(struct invoking *v, const struct heapsh_key *k,
			   int depth)
{
	uint64_t tuple = cpython_talk_call1(&v->t, v->f.tuple, k->n_items);

	for (uint32_t i = 0; tuple != 0 && i < k->n_items; i++) {
		uint64_t item = make(v, &k->items[i], depth + 1);
		uint64_t args[3] = { tuple, i, item };

		if (item == 0 ||
		    !cpython_talk_call(&v->t, v->f.tuple_set, args, 3))
			return 0;
	}
	return tuple;
}

static uint64_t again(struct invoking *v, uint64_t object)
{
	return cpython_talk_call(&v->t, v->f.incref, &object, 1) ? object : 0;
}

static uint64_t make(struct invoking *v, const struct heapsh_key *k, int depth)
{
	switch ((enum heapsh_key_kind)k->kind) {
	case HEAPSH_KEY_INT:
		return cpython_talk_call1(&v->t, v->f.integer, (uint64_t)k->i);
	case HEAPSH_KEY_FLOAT:
		return make_real(v, k->f);
	case HEAPSH_KEY_STR:
		return make_text(v, v->f.text, k->text);
	case HEAPSH_KEY_BYTES:
		return make_text(v, v->f.bytes, k->text);
	case HEAPSH_KEY_BOOL:
		return again(v, k->i ? v->f.yes : v->f.no);
	case HEAPSH_KEY_NONE:
		return again(v, v->f.none);
	case HEAPSH_KEY_OBJECT:
		return again(v, (uint64_t)k->i);
	case HEAPSH_KEY_TUPLE:
		if (depth < DEPTH_MAX)
			return make_tuple(v, k, depth);
		break;
	default:
		break;
	}
	snprintf(v->why, sizeof(v->why), "an argument of an unknown kind");
	return 0;
}

static uint64_t make_args(struct invoking *v,
			  const struct heapsh_invocation *what, uint64_t *kw)
{
	uint32_t n = 0;
	uint64_t tuple;

	while (n < what->n && what->args[n].name.n == 0)
		n++;
	tuple = cpython_talk_call1(&v->t, v->f.tuple, n);
	*kw = tuple != 0 && n < what->n
		      ? cpython_talk_call1(&v->t, v->f.dict, 0)
		      : 0;
	if (tuple == 0 || (n < what->n && *kw == 0))
		return 0;
	for (uint32_t i = 0; i < what->n; i++) {
		const struct heapsh_argument *a = &what->args[i];
		uint64_t value = make(v, &a->value, 0), args[3];

		if (value == 0)
			return 0;
		args[0] = i < n ? tuple : *kw;
		args[1] = i < n ? i : make_text(v, v->f.text, a->name);
		args[2] = value;
		if ((i >= n && args[1] == 0) ||
		    !cpython_talk_call(&v->t, i < n ? v->f.tuple_set
						    : v->f.dict_set,
				       args, 3))
			return 0;
	}
	return tuple;
}

/* --- the call ------------------------------------------------------------ */

/* As SELF.NAME says in the program: methods are bound, properties run. */
static uint64_t bound(struct invoking *v, const struct heapsh_invocation *what)
{
	uint64_t name;

	if (what->self == 0)
		return what->callee;
	name = make_text(v, v->f.text, what->name);
	return name != 0 ? call2(v, v->f.attr, what->self, name) : 0;
}

/* The result's text, or 0. */
static uint64_t perform(struct invoking *v,
			const struct heapsh_invocation *what)
{
	uint64_t callee = bound(v, what), args[3] = { callee, 0, 0 }, result;

	if (callee == 0)
		return 0;
	args[1] = make_args(v, what, &args[2]);
	if (args[1] == 0 || !cpython_talk_call(&v->t, v->f.call, args, 3) ||
	    v->t.r.value == 0)
		return 0;
	result = v->t.r.value;
	return cpython_talk_call1(&v->t, v->t.st->functions->repr, result);
}

/* Nothing came back: who says why? */
static void failed(struct invoking *v, struct heapsh_invoked *ret)
{
	ret->end = v->t.r.end;
	if (v->why[0] != '\0') {
		ret->end = HEAPSH_EVAL_UNAVAILABLE;
		snprintf(ret->why, sizeof(ret->why), "%s", v->why);
		return;
	}
	if (ret->end == HEAPSH_EVAL_RETURNED) {
		ret->end = HEAPSH_EVAL_FAILED;
		cpython_talk_raised(&v->t, "");
	}
	cpython_talk_add_refused(&v->t);
}

void cpython_invoke(const struct cpython *st,
		    const struct heapsh_invocation *what, char *buf,
		    uint64_t cap, struct heapsh_invoked *ret)
{
	struct invoking v = { 0 };
	const char *no = cpython_talk_begin(&v.t, st, what->cpu_ms, ret->why,
					    sizeof(ret->why));
	uint64_t text;

	ret->end = HEAPSH_EVAL_UNAVAILABLE;
	if (no == NULL)
		no = cpython_makers_find(&st->mem, &v.f);
	if (no != NULL) {
		snprintf(ret->why, sizeof(ret->why), "%s", no);
		return;
	}
	v.scratch = v.t.eval->scratch(v.t.im, &v.room);
	text = perform(&v, what);
	ret->n = text != 0 ? cpython_talk_text(&v.t, text, buf, cap)
			   : UINT64_MAX;
	ret->end = HEAPSH_EVAL_RETURNED;
	if (ret->n == UINT64_MAX) {
		ret->n = 0;
		failed(&v, ret);
	}
	ret->n_refused = v.t.n_refused;
	ret->refused = v.t.refused;
	cpython_talk_end(&v.t);
}
