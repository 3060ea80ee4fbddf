// SPDX-License-Identifier: Apache-2.0
// call OBJ(ARG…): a callable of the program, in a copy of it.
#include "live.h"

#include "arena.h"

enum { RESULT_COLUMNS = 4000 };

/** One call on its way. */
struct invoking {
	const struct lg_call *call;
	struct lg_instant *in;
	struct hs_arena arena;		/* of tuples */
	HS_VEC(struct heapsh_argument) args;
	struct heapsh_invocation what;
	char *name;			/* for messages */
};

/* --- arguments ----------------------------------------------------------- */

/* An object is handed over only where the image has one, of this instant. */
static struct hs_err *take_object(struct invoking *v, struct lg_value *from,
				  uint64_t *ret)
{
	struct md_object o;
	struct hs_err *err;

	if (lg_instant_of(from) != v->in)
		return hs_err_remedy(
			hs_err_new(HS_ERR_USAGE, "an object of another "
				   "instant than the current one"),
			"use %u", lg_instant_of(from)->number);
	err = vb_object_at(v->call, v->in, lg_as_address(from), &o);
	if (!err)
		*ret = lg_as_address(from);
	return err;
}

static struct hs_err *take(struct invoking *v, struct lg_value *from,
			   struct heapsh_key *ret);

/* Lists are at most 32 deep (lang). */
static struct hs_err *take_tuple(struct invoking *v, struct lg_value *from,
				 struct heapsh_key *ret)
{
	struct lg_value *const *items;
	size_t n = lg_items(from, &items);
	struct heapsh_key *keys =
		hs_arena_alloc(&v->arena, (n + 1) * sizeof(*keys));
	struct hs_err *err = NULL;

	memset(keys, 0, (n + 1) * sizeof(*keys));
	for (size_t i = 0; !err && i < n; i++)
		err = take(v, items[i], &keys[i]);
	ret->kind = HEAPSH_KEY_TUPLE;
	ret->items = keys;
	ret->n_items = (uint32_t)n;
	return err;
}

static struct hs_err *take_text(struct lg_value *from, uint32_t kind,
				struct heapsh_key *ret)
{
	size_t n;

	ret->kind = kind;
	ret->text.s = lg_as_text(from, &n);
	ret->text.n = n;
	return NULL;
}

static struct hs_err *take_number(struct lg_value *from, uint32_t kind,
				  struct heapsh_key *ret)
{
	ret->kind = kind;
	ret->i = lg_as_int(from);
	ret->f = lg_as_float(from);
	return NULL;
}

static struct hs_err *take(struct invoking *v, struct lg_value *from,
			   struct heapsh_key *ret)
{
	switch (lg_kind(from)) {
	case LG_NONE:
		return take_number(from, HEAPSH_KEY_NONE, ret);
	case LG_BOOL:
		return take_number(from, HEAPSH_KEY_BOOL, ret);
	case LG_INT:
	case LG_BYTES:
		return take_number(from, HEAPSH_KEY_INT, ret);
	case LG_FLOAT:
		return take_number(from, HEAPSH_KEY_FLOAT, ret);
	case LG_TEXT:
		return take_text(from, HEAPSH_KEY_STR, ret);
	case LG_RAW:
		return take_text(from, HEAPSH_KEY_BYTES, ret);
	case LG_LIST:
		return take_tuple(v, from, ret);
	case LG_OBJECT:
		ret->kind = HEAPSH_KEY_OBJECT;
		return take_object(v, from, (uint64_t *)&ret->i);
	case LG_SET:
	case LG_TABLE:
	case LG_WORDS:
	case LG_NAMESPACE:
	case LG_VIEW:
	case LG_RELATION:
	case LG_MAPROX:
	default:
		return hs_err_remedy(
			hs_err_new(HS_ERR_USAGE, "an argument is of the "
				   "shell, not of the program"),
			"a member of a set is one: SET.byid[0]");
	}
}

static struct hs_err *add(struct invoking *v, const char *name,
			  struct lg_value *from)
{
	struct heapsh_argument a = { 0 };
	struct hs_err *err = take(v, from, &a.value);

	if (name)
		a.name = (struct heapsh_text){ name, strlen(name) };
	if (!err)
		hs_vec_push(&v->args, a);
	return err;
}

static struct hs_err *take_args(struct invoking *v)
{
	const struct lg_inner *inner = v->call->inner;
	struct hs_err *err = NULL;

	for (size_t i = 0; !err && i < inner->n_args; i++)
		err = add(v, NULL, inner->args[i]);
	for (size_t i = 0; !err && i < inner->n_options; i++)
		err = add(v, inner->options[i].name, inner->options[i].value);
	v->what.args = v->args.v;
	v->what.n = (uint32_t)v->args.n;
	return err;
}

/* --- what is called ------------------------------------------------------ */

static struct hs_err *take_callee(struct invoking *v)
{
	const struct lg_inner *inner = v->call->inner;
	struct lg_value *callee = v->call->args[0];
	struct hs_err *err;

	if (lg_kind(callee) != LG_OBJECT)
		return hs_err_remedy(
			hs_err_new(HS_ERR_USAGE, "call: what is called is "
				   "neither an object of the program nor the "
				   "signature of a C function"),
			"help call");
	if (!inner)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"call: its arguments are "
						"missing"),
				     "call OBJ(), call OBJ(1, 'two')");
	v->name = inner->words ? hs_xstrdup(inner->words) :
				 md_render(v->in->model, lg_as_address(callee),
					  HEAPSH_RENDER_SHORT, 60);
	err = take_object(v, callee, &v->what.callee);
	if (!err && inner->self) {
		v->what.name = (struct heapsh_text){ inner->name,
						     strlen(inner->name) };
		err = take_object(v, inner->self, &v->what.self);
	}
	return err;
}

static struct hs_err *failed(const struct invoking *v,
			     const struct heapsh_invoked *how)
{
	switch ((enum heapsh_eval_end)how->end) {
	case HEAPSH_EVAL_CANCELLED:
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	case HEAPSH_EVAL_FAILED:
		return hs_err_new(HS_ERR_OTHER, "call %s: %s", v->name,
				  how->why);
	case HEAPSH_EVAL_RETURNED:
	case HEAPSH_EVAL_CRASHED:
	case HEAPSH_EVAL_LATE:
	case HEAPSH_EVAL_STUCK:
	case HEAPSH_EVAL_EXITED:
	case HEAPSH_EVAL_ENDED:
	case HEAPSH_EVAL_UNAVAILABLE:
	default:
		return hs_err_new(HS_ERR_OTHER, "call %s: %s; that was in a "
				  "copy, the program has noticed nothing",
				  v->name, how->why);
	}
}

static struct hs_err *perform(struct invoking *v, struct lg_value **ret)
{
	HS_FREE char *text = NULL;
	struct heapsh_invoked how;
	bool all_the_same;
	struct hs_err *err;

	err = lg_opt_bool(v->call, "refused", false, &all_the_same);
	if (!err)
		err = take_callee(v);
	if (!err)
		err = take_args(v);
	if (!err)
		err = md_invoke(v->in->model, &v->what, RESULT_COLUMNS, &how,
				&text);
	if (err)
		return v->name ? hs_err_wrap(err, "call %s", v->name) : err;
	if (how.end != HEAPSH_EVAL_RETURNED)
		return failed(v, &how);
	if (how.n_refused && !all_the_same)
		return vb_call_refused(v->name, how.n_refused, how.refused);
	*ret = lg_text(text, strlen(text));
	return NULL;
}

/* --- in the program itself ----------------------------------------------- */

static struct hs_err *guard(const struct invoking *v, struct vb_live_call *c)
{
	const struct lg_inner *inner = v->call->inner;
	struct hs_err *err = vb_live_value(
		c, inner->self ? inner->self : v->call->args[0]);

	for (size_t i = 0; !err && i < inner->n_args; i++)
		err = vb_live_value(c, inner->args[i]);
	for (size_t i = 0; !err && i < inner->n_options; i++)
		err = vb_live_value(c, inner->options[i].value);
	return err;
}

static struct hs_err *answered(const struct vb_live_call *c,
			       const struct heapsh_script *s,
			       struct lg_value **ret)
{
	HS_FREE char *raised = vb_live_raised(c, s);
	HS_FREE char *fit = NULL;
	const char *text;
	size_t n;

	if (c->box->failed > s->call + 1)
		return hs_err_new(HS_ERR_OTHER, "call %s: it was called in "
				  "the program itself; its result has no "
				  "text: %s", c->name, raised);
	if (c->box->failed)
		return hs_err_new(HS_ERR_OTHER, "call %s: %s; it was called "
				  "in the program itself", c->name, raised);
	text = vb_live_text(c, s->text, &n);
	fit = md_fit(text, n, RESULT_COLUMNS, false);
	*ret = lg_text(fit, strlen(fit));
	return NULL;
}

static struct hs_err *perform_live(struct invoking *v, struct lg_value **ret)
{
	HS_FREE struct heapsh_script *s = hs_xalloc(sizeof(*s));
	VB_LIVE_CALL c = { 0 };
	struct hs_err *err = take_callee(v);

	if (!err)
		err = take_args(v);
	if (err)
		return v->name ? hs_err_wrap(err, "call %s", v->name) : err;
	err = vb_live_init(v->call, v->name, &c);
	if (!err)
		err = guard(v, &c);
	if (err)
		return err;
	err = md_script(c.live.in->model, &v->what, s);
	if (err)
		return hs_err_wrap(err, "%s", c.what);
	vb_live_script(&c, s);
	err = vb_live_try(&c, s);
	if (!err)
		err = vb_live_go(&c);
	return err ? err : answered(&c, s, ret);
}

static struct hs_err *invoke(const struct lg_call *call, uint32_t cpu_ms,
			     struct hs_err *(*how)(struct invoking *v,
						   struct lg_value **ret),
			     struct lg_value **ret)
{
	struct invoking v = { .call = call, .what = { .cpu_ms = cpu_ms } };
	struct hs_err *err = lg_current(call->session, &v.in);

	if (!err)
		err = how(&v, ret);
	hs_vec_deinit(&v.args);
	hs_arena_deinit(&v.arena);
	free(v.name);
	return err;
}

struct hs_err *vb_invoke(const struct lg_call *call, uint32_t cpu_ms,
			 struct lg_value **ret)
{
	return invoke(call, cpu_ms, perform, ret);
}

struct hs_err *vb_invoke_live(const struct lg_call *call, uint32_t cpu_ms,
			      struct lg_value **ret)
{
	return invoke(call, cpu_ms, perform_live, ret);
}
