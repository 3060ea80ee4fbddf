/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Pympler takes an object to refer to: its _…_refs() functions, in their
 * order. Where asking for an attribute would make an object, that is told as
 * one that is made. Not told is what an attribute makes anew each time it is
 * asked for (co_code, the doc of a C function): whether Pympler counts it hangs
 * on where it happens to lie.
 */
#include "pympler.h"

#include "frames.h"
#include "lookup.h"
#include "plain.h"
#include "refs_priv.h"
#include "walk.h"

/* --- tables ------------------------------------------------------------- */

void cpython_pympler_dict(struct pympler_out *o, uint64_t dict)
{
	struct cpython_dict_iter it;
	uint64_t key, value;
	int64_t i = 0;

	if (!(cpython_flags_of(o->m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(o->m, dict, &it))
		return;
	while (!o->stop && !cpython_cancelled(o->m, i++) &&
	       cpython_dict_next(o->m, &it, &key, &value))
		cpython_pympler_pair(o, key, value);
}

static void emit_table(struct pympler_out *o, uint64_t obj)
{
	if (cpython_flags_of(o->m, obj) & CPYTHON_TP_DICT)
		cpython_pympler_dict(o, obj);
	else
		cpython_pympler_dict(
			o, cpython_field(o->m, obj, o->m->lay->proxy_mapping));
}

static uint64_t weak_target(const struct cpython_mem *m, uint64_t ref)
{
	return cpython_form_of(m, ref) == CPYTHON_FORM_WEAKREF
		       ? cpython_field(m, ref, m->lay->wr_object)
		       : 0;
}

/* weakref.py: items() of a dict of references, without the dead. */
static void emit_weak_table(struct pympler_out *o, uint64_t obj, bool keys)
{
	uint64_t dict = cpython_instance_attr(o->m, obj, cpython_text("data"));
	uint64_t none = o->st->pympler->none, key, value, *weak;
	struct cpython_dict_iter it;

	if (!(cpython_flags_of(o->m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(o->m, dict, &it))
		return;
	while (!o->stop && !cpython_cancelled(o->m, it.i) &&
	       cpython_dict_next(o->m, &it, &key, &value)) {
		weak = keys ? &key : &value;
		*weak = weak_target(o->m, *weak);
		if (*weak != 0 && *weak != none)
			cpython_pympler_pair(o, key, value);
	}
}

/* Items of what is exactly a list, tuple, set or frozenset. */
static void emit_items(struct pympler_out *o, uint64_t obj)
{
	struct cpython_seq seq;
	uint64_t item;

	if (!cpython_seq_open(o->m, obj, cpython_form_of(o->m, obj), &seq))
		return;
	while (!o->stop && !cpython_cancelled(o->m, seq.i) &&
	       cpython_seq_next(o->m, &seq, &item))
		cpython_pympler_emit(o, item, HEAPSH_LABEL_INDEX, 0, NULL, 0);
}

/* --- what others have --------------------------------------------------- */

static void emit_class(struct pympler_out *o, uint64_t class)
{
	const struct cpython_mem *m = o->m;

	cpython_pympler_name(o, cpython_type_of(m, class), "__class__");
	cpython_pympler_name(
		o, cpython_dict_gets(m, cpython_type_dict(m, class), "__doc__"),
		"__doc__");
	cpython_pympler_name(o, cpython_field(m, class, m->lay->tp_mro),
			     "__mro__");
	if (cpython_type_flags(m, class) & CPYTHON_TP_HEAPTYPE)
		cpython_pympler_name(o,
				     cpython_field(m, class, m->lay->ht_name),
				     "__name__");
	cpython_pympler_name(
		o, cpython_class_attr(m, class, cpython_text("__slots__")),
		"__slots__");
	cpython_pympler_name(
		o, cpython_class_attr(m, class, cpython_text("__weakref__")),
		"__weakref__");
	cpython_pympler_name(o, class + PYMPLER_MADE_PROXY, "__dict__");
}

static void emit_function(struct pympler_out *o, uint64_t func)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t closure = cpython_field(o->m, func, l->func_closure);

	cpython_pympler_attr(o, func, "__doc__");
	cpython_pympler_name(o, cpython_field(o->m, func, l->func_name),
			     "__name__");
	cpython_pympler_name(o, cpython_field(o->m, func, l->func_code),
			     "__code__");
	cpython_pympler_name(o, closure != 0 ? closure : o->st->pympler->none,
			     "__closure__");
}

/* A bound method has those of its function; others what they copied. */
static void emit_method(struct pympler_out *o, uint64_t obj)
{
	const struct cpython_layout *l = o->m->lay;

	if (cpython_form_of(o->m, obj) == CPYTHON_FORM_METHOD) {
		obj = cpython_field(o->m, obj, l->im_func);
		if (cpython_form_of(o->m, obj) != CPYTHON_FORM_FUNCTION)
			return;
		cpython_pympler_attr(o, obj, "__doc__");
		cpython_pympler_name(o, cpython_field(o->m, obj, l->func_name),
				     "__name__");
		cpython_pympler_name(o, cpython_field(o->m, obj, l->func_code),
				     "__code__");
		return;
	}
	cpython_pympler_attr(o, obj, "__doc__");
	cpython_pympler_attr(o, obj, "__name__");
}

static void emit_generator(struct pympler_out *o, uint64_t gen)
{
	struct cpython_frame f;

	if (!cpython_frame_of_generator(o->m, gen, &f))
		return;
	cpython_pympler_name(o, gen + PYMPLER_MADE_LOCALS, "f_locals");
	cpython_pympler_name(o, f.code, "f_code");
}

static void emit_frame(struct pympler_out *o, uint64_t obj)
{
	struct cpython_frame f;

	if (!cpython_frame_of_object(o->m, obj, &f))
		return;
	cpython_pympler_name(o, f.builtins, "f_builtins");
	cpython_pympler_name(o, f.code, "f_code");
	cpython_pympler_name(o, f.globals, "f_globals");
	cpython_pympler_name(
		o, f.locals != 0 ? f.locals : obj + PYMPLER_MADE_LOCALS,
		"f_locals");
	cpython_pympler_attr(o, obj, "f_trace");
}

static void emit_traceback(struct pympler_out *o, uint64_t tb)
{
	uint64_t next = cpython_pympler_value(o->st, tb, "tb_next");

	cpython_pympler_attr(o, tb, "tb_frame");
	cpython_pympler_name(o, tb + PYMPLER_MADE_LASTI, "tb_lasti");
	cpython_pympler_name(o, tb + PYMPLER_MADE_LINENO, "tb_lineno");
	cpython_pympler_name(o, next != 0 ? next : o->st->pympler->none,
			     "tb_next");
}

static void emit_numpy(struct pympler_out *o, uint64_t obj)
{
	uint64_t none = o->st->pympler->none, base = none;
	struct cpython_numpy_array a;
	uint8_t buf[CPYTHON_HEAD];
	struct cpython_obj object;

	if (cpython_pympler_open(o->st, obj, buf, &object) &&
	    cpython_numpy_array(&object, &a) && a.base != 0)
		base = a.base;
	cpython_pympler_name(o, base, "base");
}

/* gc.get_referents(): what tp_traverse tells, less the class. */
struct told {
	struct heapsh_sink sink; /* first */
	struct pympler_out *o;
	uint64_t type;
};

static void take_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct told *t = (struct told *)sink;

	if (!(e->flags & (HEAPSH_EDGE_WEAK | HEAPSH_EDGE_CONTEXT)) &&
	    e->target != t->type)
		cpython_pympler_name(t->o, e->target, "iteref");
}

static void emit_told(struct pympler_out *o, uint64_t obj)
{
	struct told told = {
		.sink = { .size = sizeof(told.sink),
			  .want = HEAPSH_WANT_EDGES,
			  .edge = take_edge },
		.o = o,
		.type = cpython_type_of(o->m, obj),
	};
	uint8_t buf[CPYTHON_HEAD];
	struct cpython_obj object;

	if (cpython_pympler_open(o->st, obj, buf, &object))
		cpython_refs(&object, &told.sink);
}

static void emit_cell(struct pympler_out *o, uint64_t cell)
{
	cpython_pympler_name(o, cpython_field(o->m, cell, o->m->lay->cell_ref),
			     "cell_contents");
}

static void emit_code(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_prefix(o, obj, "co_");
}

static void emit_doc(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_attr(o, obj, "__doc__");
}

static void emit_property(struct pympler_out *o, uint64_t obj)
{
	emit_doc(o, obj);
	cpython_pympler_prefix(o, obj, "f");
}

static void emit_stat(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_prefix(o, obj, "st_");
}

static void emit_statvfs(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_prefix(o, obj, "f_");
}

static void emit_exception(struct pympler_out *o, uint64_t obj)
{
	static const char *const names[] = { "args", "filename", "lineno",
					     "msg", "text" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cpython_pympler_attr(o, obj, names[i]);
}

static void emit_any(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_instance(o, obj, true);
}

static void emit_named_items(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_instance(o, obj, false);
	emit_items(o, obj);
}

static void emit_module(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_dict(o, cpython_module_dict(o->m, obj));
}

static void emit_weak(struct pympler_out *o, uint64_t obj)
{
	cpython_pympler_emit(o, weak_target(o->m, obj), HEAPSH_LABEL_INDEX, 0,
			     NULL, 0);
}

static void emit_weak_keys(struct pympler_out *o, uint64_t obj)
{
	emit_weak_table(o, obj, true);
}

static void emit_weak_values(struct pympler_out *o, uint64_t obj)
{
	emit_weak_table(o, obj, false);
}

typedef void emit_fn(struct pympler_out *o, uint64_t obj);
static emit_fn *const emit_of[PYMPLER_N_REFS] = {
	[PYMPLER_CELL] = emit_cell,
	[PYMPLER_CLASS] = emit_class,
	[PYMPLER_CODE] = emit_code,
	[PYMPLER_DICT] = emit_table,
	[PYMPLER_DOC] = emit_doc,
	[PYMPLER_EXC] = emit_exception,
	[PYMPLER_FRAME] = emit_frame,
	[PYMPLER_FUNC] = emit_function,
	[PYMPLER_GEN] = emit_generator,
	[PYMPLER_METHOD] = emit_method,
	[PYMPLER_INST] = emit_any,
	[PYMPLER_ITER] = emit_told,
	[PYMPLER_MODULE] = emit_module,
	[PYMPLER_NAMEDTUPLE] = emit_named_items,
	[PYMPLER_NUMPY] = emit_numpy,
	[PYMPLER_PROP] = emit_property,
	[PYMPLER_SEQ] = emit_items,
	[PYMPLER_STAT] = emit_stat,
	[PYMPLER_STATVFS] = emit_statvfs,
	[PYMPLER_TB] = emit_traceback,
	[PYMPLER_WEAK] = emit_weak,
	[PYMPLER_WEAK_KEYS] = emit_weak_keys,
	[PYMPLER_WEAK_VALUES] = emit_weak_values,
};

void cpython_pympler_refs(const struct cpython *st, uint64_t id,
			  const struct pympler_rule *rule, heapsh_compat_fn *fn,
			  void *arg)
{
	struct pympler_out o = {
		.st = st, .m = &st->mem, .rule = rule, .fn = fn, .arg = arg
	};

	if (id & HEAPSH_COMPAT_MADE)
		cpython_pympler_emit_made(&o, id);
	else if (emit_of[rule->refs] != NULL)
		emit_of[rule->refs](&o, id);
}
