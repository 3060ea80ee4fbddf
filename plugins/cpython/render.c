/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "lookup.h"
#include "walk.h"

enum {
	/* Containers within containers; deeper ones are "...". */
	MAX_DEPTH = 64,
	SHORT_DEPTH = 6,	/* in a line of a table: reprlib's */
	/* Objects that are looked at for one text. */
	MAX_OBJECTS = 200000,
	/* Longest text; more is never shown of one object. */
	MAX_TEXT = 16 << 20,
};

/* How the parts of a container follow one another. */
enum step {
	STEP_ITEMS,		/* a, b */
	STEP_MAPPING,		/* k: v, k: v */
	STEP_PAIRS,		/* (k, v), (k, v) */
	STEP_KEYS,
	STEP_VALUES,
	STEP_NAMES,		/* name=v, name=v */
	STEP_FIXED,		/* up to three objects */
};

/* A container of which not all is put yet. */
struct level {
	uint64_t obj;
	enum step step;
	bool started;
	uint64_t value;			/* of the key that was just put */
	char close[32];			/* what ends it */
	union {
		struct cpython_seq seq;
		struct cpython_dict_iter dict;
		struct {
			uint64_t obj[3];
			int n, i;
		} fixed;
	};
};

struct rendering {
	const struct cpython_mem *m;
	struct cpython_out out;
	int budget;
	int depth, most;		/* of levels; where "..." stands */
	struct level levels[MAX_DEPTH];
};

static struct level *push(struct rendering *r, uint64_t obj, enum step step,
			  const char *close)
{
	struct level *level = &r->levels[r->depth++];

	memset(level, 0, sizeof(*level));
	level->obj = obj;
	level->step = step;
	snprintf(level->close, sizeof(level->close), "%s", close);
	return level;
}

static bool is_open(const struct rendering *r, uint64_t obj)
{
	for (int i = 0; i < r->depth; i++)
		if (r->levels[i].obj == obj)
			return true;
	return false;
}

/* The name before the parenthesis: as a set, deque or dict has it. */
static void put_class(struct rendering *r, uint64_t obj)
{
	cpython_put_short_name(r->m, &r->out, cpython_type_of(r->m, obj));
}

/* ------------------------------------------------------------------------
 * Opening: what stands before the first item. False: torn, nothing was put.
 */

static bool open_seq(struct rendering *r, uint64_t obj,
		     enum cpython_form form, const char *open,
		     const char *close)
{
	struct cpython_seq seq;

	if (!cpython_seq_open(r->m, obj, form, &seq))
		return false;
	cpython_puts(&r->out, open);
	if (form == CPYTHON_FORM_TUPLE && seq.n == 1)
		close = ",)";
	push(r, obj, STEP_ITEMS, close)->seq = seq;
	return true;
}

/* set_repr(): {1} of a set itself, Name({1}) of what derives from it. */
static bool open_set(struct rendering *r, uint64_t obj,
		     enum cpython_form form, uint64_t base)
{
	bool plain = form == CPYTHON_FORM_SET &&
		     cpython_type_of(r->m, obj) == base;
	struct cpython_seq seq;

	if (!cpython_seq_open(r->m, obj, form, &seq))
		return false;
	if (!plain || seq.length == 0) {
		put_class(r, obj);
		cpython_puts(&r->out, "(");
	}
	if (seq.length == 0) {
		cpython_puts(&r->out, ")");
		return true;
	}
	cpython_puts(&r->out, "{");
	push(r, obj, STEP_ITEMS, plain ? "}" : "})")->seq = seq;
	return true;
}

static bool open_deque(struct rendering *r, uint64_t obj)
{
	int64_t most = cpython_i64(r->m, obj, r->m->lay->deque_maxlen, -1);
	struct cpython_seq seq;
	struct level *level;

	if (!cpython_seq_open(r->m, obj, CPYTHON_FORM_DEQUE, &seq))
		return false;
	put_class(r, obj);
	cpython_puts(&r->out, "([");
	level = push(r, obj, STEP_ITEMS, "])");
	level->seq = seq;
	if (most >= 0)
		snprintf(level->close, sizeof(level->close), "], maxlen=%lld)",
			 (long long)most);
	return true;
}

static bool open_dict(struct rendering *r, uint64_t obj, enum step step,
		      const char *open, const char *close)
{
	struct cpython_dict_iter dict;

	if (!(cpython_flags_of(r->m, obj) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(r->m, obj, &dict))
		return false;
	cpython_puts(&r->out, open);
	push(r, obj, step, close)->dict = dict;
	return true;
}

static void open_fixed(struct rendering *r, uint64_t obj, const char *close,
		       uint64_t a, uint64_t b, uint64_t c)
{
	struct level *level = push(r, obj, STEP_FIXED, close);

	level->fixed.obj[0] = a;
	level->fixed.obj[1] = b;
	level->fixed.obj[2] = c;
	level->fixed.n = c ? 3 : b ? 2 : 1;
}

static bool open_defaultdict(struct rendering *r, uint64_t obj)
{
	uint64_t factory = cpython_field(r->m, obj,
					 r->m->lay->defdict_factory);

	if (r->depth + 2 > r->most)
		return false;
	put_class(r, obj);
	if (!open_dict(r, obj, STEP_MAPPING, "(", "})"))
		return false;
	if (factory == 0) {
		cpython_puts(&r->out, "None, {");
		return true;
	}
	// the factory stands on top, and so comes first
	open_fixed(r, 0, ", {", factory, 0, 0);
	return true;
}

/* odict_repr(): pairs up to 3.11, a dict from 3.12; in the dict's own order,
 * which is another than the OrderedDict's after move_to_end(). */
static bool open_ordereddict(struct rendering *r, uint64_t obj)
{
	bool pairs = r->m->minor < 12;

	put_class(r, obj);
	if (cpython_i64(r->m, obj, r->m->lay->ma_used, 0) == 0) {
		cpython_puts(&r->out, "()");
		return true;
	}
	return open_dict(r, obj, pairs ? STEP_PAIRS : STEP_MAPPING,
			 pairs ? "([" : "({", pairs ? "])" : "})");
}

static bool open_view(struct rendering *r, uint64_t obj, enum step step)
{
	uint64_t dict = cpython_field(r->m, obj, r->m->lay->dv_dict);

	put_class(r, obj);
	return open_dict(r, dict, step, "([", "])");
}

static bool open_namespace(struct rendering *r, uint64_t obj, uint64_t base)
{
	uint64_t dict = cpython_field(r->m, obj, r->m->lay->namespace_dict);

	if (cpython_type_of(r->m, obj) == base)
		cpython_puts(&r->out, "namespace");
	else
		put_class(r, obj);
	return open_dict(r, dict, STEP_NAMES, "(", ")");
}

/* BaseException_repr(): the arguments; of a single one without a comma. */
static bool open_exception(struct rendering *r, uint64_t obj)
{
	uint64_t args = cpython_field(r->m, obj, r->m->lay->exc_args);
	struct cpython_seq seq;

	if (!(cpython_flags_of(r->m, args) & CPYTHON_TP_TUPLE) ||
	    !cpython_seq_open(r->m, args, CPYTHON_FORM_TUPLE, &seq))
		return false;
	put_class(r, obj);
	cpython_puts(&r->out, "(");
	push(r, obj, STEP_ITEMS, ")")->seq = seq;
	return true;
}

static bool open_range(struct rendering *r, uint64_t obj)
{
	const struct cpython_layout *l = r->m->lay;
	uint64_t step = cpython_field(r->m, obj, l->range_step);
	int64_t v;

	if (cpython_int_value(r->m, step, &v) && v == 1)
		step = 0;
	cpython_puts(&r->out, "range(");
	open_fixed(r, obj, ")", cpython_field(r->m, obj, l->range_start),
		   cpython_field(r->m, obj, l->range_stop), step);
	return true;
}

static bool open_slice(struct rendering *r, uint64_t obj)
{
	const struct cpython_layout *l = r->m->lay;

	cpython_puts(&r->out, "slice(");
	open_fixed(r, obj, ")", cpython_field(r->m, obj, l->slice_start),
		   cpython_field(r->m, obj, l->slice_stop),
		   cpython_field(r->m, obj, l->slice_step));
	return true;
}

static bool open_method(struct rendering *r, uint64_t obj)
{
	uint64_t func = cpython_field(r->m, obj, r->m->lay->im_func);
	uint64_t name = cpython_attr(r->m, func,
				     cpython_text("__qualname__"));

	if (name == 0)
		name = cpython_attr(r->m, func, cpython_text("__name__"));
	cpython_puts(&r->out, "<bound method ");
	if (!cpython_put_str(r->m, &r->out, name))
		cpython_puts(&r->out, "?");
	cpython_puts(&r->out, " of ");
	open_fixed(r, obj, ">", cpython_field(r->m, obj, r->m->lay->im_self),
		   0, 0);
	return true;
}

static bool open_container(struct rendering *r, uint64_t obj,
			   enum cpython_form form, uint64_t base)
{
	switch (form) {
	case CPYTHON_FORM_LIST:
		return open_seq(r, obj, form, "[", "]");
	case CPYTHON_FORM_TUPLE:
		return open_seq(r, obj, form, "(", ")");
	case CPYTHON_FORM_SET:
	case CPYTHON_FORM_FROZENSET:
		return open_set(r, obj, form, base);
	case CPYTHON_FORM_DEQUE:
		return open_deque(r, obj);
	case CPYTHON_FORM_DICT:
		return open_dict(r, obj, STEP_MAPPING, "{", "}");
	case CPYTHON_FORM_DEFAULTDICT:
		return open_defaultdict(r, obj);
	case CPYTHON_FORM_ORDEREDDICT:
		return open_ordereddict(r, obj);
	case CPYTHON_FORM_DICT_KEYS:
		return open_view(r, obj, STEP_KEYS);
	case CPYTHON_FORM_DICT_VALUES:
		return open_view(r, obj, STEP_VALUES);
	case CPYTHON_FORM_DICT_ITEMS:
		return open_view(r, obj, STEP_PAIRS);
	case CPYTHON_FORM_NAMESPACE:
		return open_namespace(r, obj, base);
	case CPYTHON_FORM_MAPPINGPROXY:
		cpython_puts(&r->out, "mappingproxy(");
		open_fixed(r, obj, ")", cpython_field(r->m, obj,
					r->m->lay->proxy_mapping), 0, 0);
		return true;
	case CPYTHON_FORM_EXCEPTION:
		return open_exception(r, obj);
	case CPYTHON_FORM_RANGE:
		return open_range(r, obj);
	case CPYTHON_FORM_SLICE:
		return open_slice(r, obj);
	case CPYTHON_FORM_METHOD:
		return open_method(r, obj);
	default:
		return false;
	}
}

/* What stands for a container within itself, or below too many others. */
static void put_ellipsis(struct rendering *r, uint64_t obj,
			 enum cpython_form form)
{
	switch (form) {
	case CPYTHON_FORM_LIST:
	case CPYTHON_FORM_DEQUE:
		cpython_puts(&r->out, "[...]");
		return;
	case CPYTHON_FORM_DICT:
		cpython_puts(&r->out, "{...}");
		return;
	case CPYTHON_FORM_TUPLE:
		cpython_puts(&r->out, "(...)");
		return;
	case CPYTHON_FORM_SET:
	case CPYTHON_FORM_FROZENSET:
	case CPYTHON_FORM_DEFAULTDICT:
		put_class(r, obj);
		cpython_puts(&r->out, "(...)");
		return;
	default:
		cpython_puts(&r->out, "...");
	}
}

/*
 * Whose repr() it is: that of the nearest built-in base when the class has
 * inherited its tp_repr, else one in Python or of a type not known here.
 */
static bool is_inherited(const struct cpython_mem *m, uint64_t type,
			 uint64_t base)
{
	uint64_t repr = cpython_field(m, type, m->lay->tp_repr);

	return type == base ||
	       (repr != 0 && repr == cpython_field(m, base, m->lay->tp_repr));
}

enum cpython_form cpython_shown_as(const struct cpython_mem *m, uint64_t type,
				   uint64_t *base)
{
	enum cpython_form form = cpython_form(m, type, base);

	return form == CPYTHON_FORM_OTHER || form == CPYTHON_FORM_OBJECT ||
			       !is_inherited(m, type, *base)
		       ? CPYTHON_FORM_OBJECT
		       : form;
}

/*
 * The same for the type of an object, most of them without a look at the type.
 * False: it is no object.
 */
static bool shown_lately(const struct cpython_mem *m, uint64_t obj,
			 uint64_t type, enum cpython_form *form, uint64_t *base)
{
	_Atomic uint64_t *at = NULL;
	uint64_t word;

	if (m->forms != NULL && type != 0 && type >> 47 == 0 &&
	    (obj & 7) == 0) {
		at = &m->forms->shown[(type >> 4 ^ type >> 12) %
				      CPYTHON_N_FORMS];
		word = atomic_load_explicit(at, memory_order_relaxed);
		*base = type;
		*form = (enum cpython_form)(word & 0xff);
		if (word >> 8 == type)
			return true;
	}
	if (!cpython_is_object(m, obj))
		return false;
	*form = cpython_shown_as(m, type, base);
	if (at != NULL && (*base == type || *form == CPYTHON_FORM_OBJECT))
		atomic_store_explicit(at, type << 8 | (uint64_t)*form,
				      memory_order_relaxed);
	return true;
}

/* Put an object that is no container, or begin one. */
static void put_object(struct rendering *r, uint64_t obj)
{
	uint64_t base = 0, type = cpython_type_of(r->m, obj);
	uint64_t before = r->out.len;
	enum cpython_form form;

	if (!shown_lately(r->m, obj, type, &form, &base)) {
		cpython_putf(&r->out, "<unreadable at 0x%llx>",
			     (unsigned long long)obj);
		return;
	}
	if (form == CPYTHON_FORM_OBJECT) {
		cpython_repr_object(r->m, &r->out, obj);
		return;
	}
	if (cpython_repr_leaf(r->m, &r->out, obj, form))
		return;
	if (is_open(r, obj) || r->depth >= r->most) {
		put_ellipsis(r, obj, form);
		return;
	}
	if (!open_container(r, obj, form, base)) {
		r->out.len = before;
		cpython_repr_object(r->m, &r->out, obj);
	}
}

/* ------------------------------------------------------------------------
 * Going on with the container on top
 */

static void comma(struct rendering *r, struct level *level)
{
	if (level->started)
		cpython_puts(&r->out, ", ");
	level->started = true;
}

static void put_name(struct rendering *r, uint64_t key)
{
	if (!cpython_put_str(r->m, &r->out, key))
		cpython_puts(&r->out, "?");
	cpython_puts(&r->out, "=");
}

/* The next object of a mapping; 0: it ends. */
static uint64_t next_of_dict(struct rendering *r, struct level *level)
{
	uint64_t key, value = level->value;

	if (value != 0) {
		level->value = 0;
		cpython_puts(&r->out, ": ");
		return value;
	}
	if (!cpython_dict_next(r->m, &level->dict, &key, &value))
		return 0;
	comma(r, level);
	switch (level->step) {
	case STEP_KEYS:
		return key;
	case STEP_NAMES:
		put_name(r, key);
		return value;
	case STEP_MAPPING:
		level->value = value;
		return key;
	default:
		return value;
	}
}

static uint64_t next_fixed(struct rendering *r, struct level *level)
{
	if (level->fixed.i >= level->fixed.n)
		return 0;
	comma(r, level);
	return level->fixed.obj[level->fixed.i++];
}

/* The pair of an item of a mapping, as a tuple of its own. */
static bool next_pair(struct rendering *r, struct level *level)
{
	uint64_t key, value;

	if (!cpython_dict_next(r->m, &level->dict, &key, &value))
		return false;
	comma(r, level);
	if (r->depth >= r->most) {
		cpython_puts(&r->out, "(...)");
		return true;
	}
	cpython_puts(&r->out, "(");
	open_fixed(r, 0, ")", key, value, 0);
	return true;
}

static uint64_t next_item(struct rendering *r, struct level *level)
{
	uint64_t item;

	if (!cpython_seq_next(r->m, &level->seq, &item))
		return 0;
	comma(r, level);
	return item;
}

static void step(struct rendering *r)
{
	struct level *level = &r->levels[r->depth - 1];
	uint64_t obj;

	if (level->step == STEP_PAIRS) {
		if (next_pair(r, level))
			return;
		obj = 0;
	} else if (level->step == STEP_FIXED) {
		obj = next_fixed(r, level);
	} else if (level->step == STEP_ITEMS) {
		obj = next_item(r, level);
	} else {
		obj = next_of_dict(r, level);
	}
	if (obj != 0) {
		put_object(r, obj);
		return;
	}
	cpython_puts(&r->out, level->close);
	r->depth--;
}

uint64_t cpython_render(const struct cpython_mem *m, uint64_t addr,
			uint32_t style, char *buf, uint64_t cap)
{
	struct rendering on_stack, *r = &on_stack;

	r->m = m;
	r->budget = MAX_OBJECTS;
	r->depth = 0;
	r->most = style == HEAPSH_RENDER_SHORT ? SHORT_DEPTH : MAX_DEPTH;
	r->out = (struct cpython_out){
		.buf = buf,
		.cap = cap < MAX_TEXT ? cap : MAX_TEXT,
	};
	if (style != HEAPSH_RENDER_TEXT ||
	    !cpython_put_str(m, &r->out, addr))
		put_object(r, addr);
	while (r->depth > 0 && !cpython_full(&r->out) && r->budget-- > 0)
		step(r);
	if (r->depth > 0 && !cpython_full(&r->out))
		cpython_puts(&r->out, "...");
	return r->out.len;
}
