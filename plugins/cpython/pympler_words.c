/* SPDX-License-Identifier: Apache-2.0 */
/* What Pympler prints of an object and of its rule. */
#include "pympler.h"

#include "lookup.h"
#include "plain.h"
#include "render.h"
#include "services.h"

static const char *const refs_names[PYMPLER_N_REFS] = {
	[PYMPLER_CELL] = "_cell_refs",
	[PYMPLER_CLASS] = "_class_refs",
	[PYMPLER_CODE] = "_co_refs",
	[PYMPLER_DICT] = "_dict_refs",
	[PYMPLER_DOC] = "_enum_refs",
	[PYMPLER_EXC] = "_exc_refs",
	[PYMPLER_FRAME] = "_frame_refs",
	[PYMPLER_FUNC] = "_func_refs",
	[PYMPLER_GEN] = "_gen_refs",
	[PYMPLER_METHOD] = "_im_refs",
	[PYMPLER_INST] = "_inst_refs",
	[PYMPLER_ITER] = "_iter_refs",
	[PYMPLER_MODULE] = "_module_refs",
	[PYMPLER_NAMEDTUPLE] = "_namedtuple_refs",
	[PYMPLER_NUMPY] = "_numpy_refs",
	[PYMPLER_PROP] = "_prop_refs",
	[PYMPLER_SEQ] = "_seq_refs",
	[PYMPLER_STAT] = "_stat_refs",
	[PYMPLER_STATVFS] = "_statvfs_refs",
	[PYMPLER_TB] = "_tb_refs",
	[PYMPLER_WEAK] = "_weak_refs",
	[PYMPLER_WEAK_KEYS] = "_dict_refs",
	[PYMPLER_WEAK_VALUES] = "_dict_refs",
};

static bool is_property(const struct cpython_mem *m, uint64_t obj)
{
	uint64_t type = cpython_type_of(m, obj);
	char name[16];

	cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
		     sizeof(name));
	return strcmp(name, "property") == 0 &&
	       !(cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE);
}

/* obj.__name__, where it has one. */
static void put_name(const struct cpython *st, uint64_t obj,
		     struct cpython_out *out)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_layout *l = m->lay;
	char name[200];

	switch (cpython_form_of(m, obj)) {
	case CPYTHON_FORM_TYPE:
		cpython_put_short_name(m, out, obj);
		return;
	case CPYTHON_FORM_BUILTIN:
		if (cpython_cstr(
			    m,
			    cpython_field(m, cpython_field(m, obj, l->cfunc_ml),
					  l->ml_name),
			    name, sizeof(name)) > 0)
			cpython_puts(out, name);
		return;
	case CPYTHON_FORM_MODULE:
		cpython_put_str(m, out,
				cpython_dict_gets(m,
						  cpython_module_dict(m, obj),
						  "__name__"));
		return;
	case CPYTHON_FORM_METHOD:
		obj = cpython_field(m, obj, l->im_func);
		break;
	default:
		break;
	}
	// from 3.13 a property has that of its getter
	if (l->minor >= 13 && is_property(m, obj))
		obj = cpython_pympler_value(st, obj, "fget");
	if (cpython_form_of(m, obj) == CPYTHON_FORM_FUNCTION)
		cpython_put_str(m, out, cpython_field(m, obj, l->func_name));
	else
		cpython_put_str(m, out,
				cpython_pympler_value(st, obj, "__name__"));
}

static struct heapsh_text taken(const struct cpython_out *out)
{
	uint64_t n = out->len < out->cap ? out->len : out->cap;

	return (struct heapsh_text){ out->buf, n };
}

static void put_rule(const struct cpython *st,
		     const struct pympler_rule *rule,
		     const struct heapsh_measure *sizes,
		     struct cpython_out *out)
{
	const char *refs = refs_names[rule->refs];

	// what does not count without code=1 is not listed without it either
	if (rule->code && !(st->pympler->options & HEAPSH_COMPAT_CODE))
		return;
	cpython_putf(out, "%llu, %llu, %s, %s",
		     (unsigned long long)sizes->basic_size,
		     (unsigned long long)sizes->item_size,
		     rule->leng != NULL ? rule->leng : "n/a",
		     refs != NULL ? refs : "n/a");
	if (rule->code)
		cpython_puts(out, " (code only)");
}

void cpython_pympler_type_words(const struct cpython *st, uint64_t type,
				struct heapsh_compat_words *ret)
{
	struct heapsh_measure sizes = { .size = sizeof(sizes) };
	struct cpython_pympler *p = st->pympler;
	struct cpython_out kind = { .buf = p->kind, .cap = sizeof(p->kind) };
	struct cpython_out text = { .buf = p->rule, .cap = sizeof(p->rule) };
	struct pympler_rule rule;

	if (!cpython_pympler_knows(&st->mem, type, &rule)) {
		// type itself
		rule.code = rule.ignored = true;
		rule.origin = "ignored";
	}
	cpython_puts(&kind, "class ");
	cpython_put_type_name(&st->mem, &kind, type);
	if (cpython_measure_type(st, type, &sizes))
		put_rule(st, &rule, &sizes, &text);
	ret->kind = taken(&kind);
	ret->name = cpython_text("");
	ret->origin = cpython_text(rule.origin);
	ret->rule = taken(&text);
}

int cpython_pympler_words(struct cpython *st, uint64_t id,
			  struct heapsh_compat_words *ret)
{
	struct heapsh_measure sizes = { .size = sizeof(sizes) };
	struct cpython_pympler *p = st->pympler;
	struct pympler_rule rule;

	if (id & HEAPSH_COMPAT_MADE) {
		cpython_pympler_made_words(st, id, ret);
		return 1;
	}
	if (!cpython_pympler_rule(st, id, &rule))
		return 0;
	struct cpython_out kind = { .buf = p->kind, .cap = sizeof(p->kind) };
	struct cpython_out name = { .buf = p->name, .cap = sizeof(p->name) };
	struct cpython_out text = { .buf = p->rule, .cap = sizeof(p->rule) };
	bool class = rule.type == st->type_type;

	cpython_puts(&kind, "class ");
	cpython_put_type_name(&st->mem, &kind, class ? id : rule.type);
	if (class)
		cpython_puts(&kind, " def");
	put_name(st, id, &name);
	if (cpython_measure(st, id, &sizes))
		put_rule(st, &rule, &sizes, &text);
	ret->kind = taken(&kind);
	ret->name = taken(&name);
	ret->origin = cpython_text(rule.origin);
	ret->rule = taken(&text);
	return 1;
}
