/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects are followed from sys.modules through all that they refer to, few of
 * each type. Every reference must lead to an object. What is counted is kinds
 * of references, as "function.__closure__": a kind that is wrong more often
 * than right is an offset that is wrong.
 */
#include "check_priv.h"

#include <stdlib.h>

enum {
	MAX_OBJECTS = 4096,	/* looked at */
	PER_TYPE = 96,
	PER_TYPE_MANY = 512,	/* dicts, whose tables have several forms, and
				   modules, which lead to all else */
	MAX_EDGES = 512,	/* of one object */
	MORE_EDGES = 1 << 15,	/* beyond these, of all: a large table may
				   hold the only object of a type… */
	IN_VAIN = 512,		/* … but hardly after so many of one kind */
	N_SEEN = 1 << 15,
	N_KINDS = 4096,
	N_TYPES = 4096,
};

/* A kind of reference. */
struct kind {
	const struct cpython_type *type;
	const char *text;
	uint32_t label;
	uint32_t ok, bad;
};

struct per_type {
	const struct cpython_type *type;
	uint32_t n;
};

struct inspection {
	struct heapsh_sink sink;	/* first: refs come here */
	const struct cpython *st;
	struct cpython_verdict *verdict;
	const struct cpython_obj *o;	/* whose references come */
	uint64_t n_edges, n_items, n_values, n_bad;	/* of that one */
	int n_in_vain;			/* in a row, of that one's */
	bool enough;			/* no more of that one's */
	uint64_t seen[N_SEEN];
	struct kind kinds[N_KINDS];
	struct per_type types[N_TYPES];
	uint64_t queue[MAX_OBJECTS];
	int head, tail;
	int n_more;			/* edges beyond MAX_EDGES */
	int n_wide;
};

static size_t hash(uint64_t a, uint64_t b)
{
	a = (a >> 3) * UINT64_C(0x9e3779b97f4a7c15) + b;
	a ^= a >> 29;
	return (size_t)(a * UINT64_C(0xbf58476d1ce4e5b9) >> 32);
}

/* True when it was not in yet. */
static bool see(struct inspection *in, uint64_t addr)
{
	size_t i = hash(addr, 0);

	for (int tries = 0; tries < 64; tries++, i++) {
		uint64_t *p = &in->seen[i % N_SEEN];

		if (*p == addr)
			return false;
		if (*p == 0) {
			*p = addr;
			return true;
		}
	}
	return false;
}

static struct kind *kind_of(struct inspection *in, const char *text,
			    uint32_t label)
{
	const struct cpython_type *t = in->o->type;
	size_t i = hash((uintptr_t)t, (uintptr_t)text + label);

	for (int tries = 0; tries < N_KINDS; tries++, i++) {
		struct kind *k = &in->kinds[i % N_KINDS];

		if (k->type == NULL) {
			k->type = t;
			k->text = text;
			k->label = label;
		}
		if (k->type == t && k->text == text && k->label == label)
			return k;
	}
	return NULL;
}

static void met(void *arg, const char *what, bool met)
{
	struct inspection *in = arg;
	struct kind *k = kind_of(in, what, UINT32_MAX);

	if (k == NULL)
		return;
	if (met)
		k->ok++;
	else
		k->bad++;
}

/* Few of each type, so that many types are seen. */
static bool take(struct inspection *in, const struct cpython_type *t)
{
	size_t i = hash((uintptr_t)t, 7);

	for (int tries = 0; tries < 64; tries++, i++) {
		struct per_type *p = &in->types[i % N_TYPES];

		if (p->type == NULL) {
			p->type = t;
			cpython_check_members(in->st, t, in->verdict);
		}
		if (p->type == t)
			return p->n++ < (t->kind == CPYTHON_KIND_DICT ||
					 t->kind == CPYTHON_KIND_MODULE ?
						 PER_TYPE_MANY : PER_TYPE);
	}
	return false;
}

/* A str of other characters than ASCII: few are, and they have members more. */
static bool take_wide(struct inspection *in, const struct cpython_obj *o)
{
	uint32_t state = (uint32_t)cpython_obj_i32(o, o->m->lay->str_state);

	return o->type->kind == CPYTHON_KIND_STR &&
	       (state >> o->m->lay->str_ascii_bit & 1) == 0 &&
	       in->n_wide++ < PER_TYPE;
}

static void push(struct inspection *in, const struct cpython_obj *o)
{
	// built-in types say most of what is to be checked
	bool always = (o->type->kind == CPYTHON_KIND_TYPE &&
		       !(cpython_obj_word(o, o->m->lay->tp_flags) &
			 CPYTHON_TP_HEAPTYPE)) || take_wide(in, o);

	// they take no place from classes
	if (in->tail < MAX_OBJECTS && see(in, o->addr) &&
	    (always || take(in, o->type)))
		in->queue[in->tail++] = o->addr;
}

/* Is what a label names by its address the name that it must be? */
static bool label_ok(const struct cpython_mem *m, const struct heapsh_edge *e)
{
	if (e->label != HEAPSH_LABEL_ATTR && e->label != HEAPSH_LABEL_LOCAL)
		return true;
	return cpython_form_of(m, e->a) == CPYTHON_FORM_STR;
}

static void look_at_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct inspection *in = (struct inspection *)sink;
	uint8_t buf[256];
	struct cpython_obj to;
	struct kind *k;
	int tail;

	// what C keeps, of whatever kind
	if (e->flags & HEAPSH_EDGE_MAYBE)
		return;
	if (e->label == HEAPSH_LABEL_VALUE)
		in->n_values++;
	if (e->label == HEAPSH_LABEL_KEY || e->label == HEAPSH_LABEL_INDEX ||
	    e->label == HEAPSH_LABEL_MEMBER)
		in->n_items++;
	if (in->n_edges++ >= MAX_EDGES &&
	    (in->n_more++ >= MORE_EDGES || in->n_in_vain >= IN_VAIN)) {
		in->enough = true;
		return;
	}
	k = kind_of(in, e->text, e->label);
	if (k == NULL)
		return;
	if (!cpython_obj_open(in->st, in->o->m, e->target, buf, sizeof(buf),
			      &to) ||
	    !label_ok(in->o->m, e)) {
		k->bad++;
		in->n_bad++;
		return;
	}
	k->ok++;
	tail = in->tail;
	push(in, &to);
	in->n_in_vain = in->tail == tail ? in->n_in_vain + 1 : 0;
}

static void no_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	(void)sink;
	(void)o;
}

static void no_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	(void)sink;
	(void)addr;
}

/* Types are met as objects, too, and not only by their own. */
static void look_at_type(struct inspection *in, uint64_t addr)
{
	const struct cpython_mem *m = &in->st->mem;
	const struct cpython_type *t = cpython_type(in->st, m, addr);

	met(in, "is a type", t != NULL);
	if (t != NULL)
		cpython_check_members(in->st, t, in->verdict);
}

static void look_at_place(struct inspection *in, const struct cpython_obj *o)
{
	const struct heapsh_range *r = in->st->ranges;
	uint32_t i = 0;

	if (o->block == 0)
		return;
	in->verdict->n_pooled++;
	while (i < in->st->n_ranges && !(o->addr >= r[i].start &&
					 o->addr < r[i].end))
		i++;
	in->verdict->n_outside += i == in->st->n_ranges;
}

/* Sizes agree with each other, references are whole. */
static void look_at(struct inspection *in, uint64_t addr)
{
	const struct cpython_mem *m = &in->st->mem;
	uint8_t buf[CPYTHON_HEAD + 32];
	struct cpython_size size;
	struct cpython_obj o;
	bool whole;

	if (!cpython_obj_open(in->st, m, addr, buf, sizeof(buf), &o))
		return;
	in->o = &o;
	in->enough = false;
	in->n_in_vain = 0;
	o.enough = &in->enough;
	in->n_edges = in->n_items = in->n_values = in->n_bad = 0;
	cpython_size(&o, &size);
	whole = cpython_refs(&o, &in->sink) && !size.torn;
	in->verdict->n_objects += whole;
	met(in, "size", whole);
	met(in, "ob_refcnt", cpython_obj_word(&o, m->lay->ob_refcnt) !=
				     o.type->address);
	cpython_check_inline(&o, met, in);
	look_at_place(in, &o);
	if (o.type->kind == CPYTHON_KIND_TYPE)
		look_at_type(in, addr);
	cpython_check_fields(&o, met, in);
	// a value without a key, or a key without one, is a bad one
	if (o.type->kind == CPYTHON_KIND_DICT)
		in->n_bad += in->n_items != in->n_values;
	if (in->n_edges <= MAX_EDGES)
		cpython_check_count(&o, in->n_items, in->n_bad, met, in);
}

/*
 * One or two may be caught in mid-change. What a code object counts is made
 * with it and never changes.
 */
static bool acceptable(const struct kind *k)
{
	bool strict = k->type != NULL && k->type->kind == CPYTHON_KIND_CODE &&
		      k->text != NULL && strncmp(k->text, "co_", 3) == 0;

	if (k->bad < 3 && k->ok > 0)
		return true;
	return k->bad * 8 <= k->ok && (k->bad == 0 || !strict);
}

/* What some object of every CPython has. */
static void judge_needed(const struct inspection *in)
{
	for (int i = 0; i < N_KINDS; i++) {
		const struct kind *k = &in->kinds[i];

		if (k->text != NULL && k->ok > 0 &&
		    strcmp(k->text, CPYTHON_CACHED_KEYS) == 0)
			return;
	}
	cpython_wrong(in->verdict, "no class has a table for its instances "
				   "(" CPYTHON_CACHED_KEYS ")");
}

/*
 * A library's one or two objects do not condemn a row: a member may hold what
 * memory held before, until it is used (methodcaller of 3.13).
 */
static bool is_lone(const struct kind *k, const char *tp_name)
{
	return k->bad < 3 && strchr(tp_name, '.') != NULL &&
	       (k->label == HEAPSH_LABEL_FIELD ||
		k->label == HEAPSH_LABEL_NAME);
}

static void judge(const struct inspection *in)
{
	judge_needed(in);
	for (int i = 0; i < N_KINDS; i++) {
		const struct kind *k = &in->kinds[i];
		char name[64] = "?";

		if (acceptable(k))
			continue;
		cpython_cstr(&in->st->mem,
			     cpython_field(&in->st->mem, k->type->address,
					   in->st->mem.lay->tp_name),
			     name, sizeof(name));
		if (is_lone(k, name))
			continue;
		cpython_wrong(in->verdict,
			      "%s of %s is wrong in %u of %u objects",
			      k->text != NULL ? k->text : "an item", name,
			      k->bad, k->bad + k->ok);
		return;
	}
}

void cpython_check_objects(const struct cpython *st,
			   struct cpython_verdict *ret)
{
	const struct cpython_mem *m = &st->mem;
	struct inspection *in = calloc(1, sizeof(*in));
	const int32_t from[] = { m->lay->interp_modules,
				 m->lay->interp_builtins,
				 m->lay->interp_sysdict };
	uint8_t buf[256];
	struct cpython_obj o;

	if (in == NULL) {
		cpython_wrong(ret, "out of memory");
		return;
	}
	in->st = st;
	in->verdict = ret;
	in->sink = (struct heapsh_sink){
		.size = sizeof(in->sink),
		.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
			HEAPSH_WANT_LABELS | HEAPSH_WANT_SIZES,
		.object = no_object,
		.edge = look_at_edge,
		.nothing = no_nothing,
		.reader = m->reader,
	};
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		if (cpython_obj_open(st, m, cpython_field(m, m->interp,
							  from[i]),
				     buf, sizeof(buf), &o) &&
		    o.type->kind == CPYTHON_KIND_DICT)
			push(in, &o);
		else
			cpython_wrong(ret, "the interpreter's modules, "
					   "builtins or sys are no dicts");
	while (in->head < in->tail && !m->host->cancelled(m->im))
		look_at(in, in->queue[in->head++]);
	judge(in);
	free(in);
}
