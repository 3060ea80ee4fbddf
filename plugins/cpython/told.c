/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no table says: references that a type's own tp_traverse tells of, and
 * those that a look at every word finds.
 */
#include "refs_priv.h"

/* One that tp_traverse tells as well is not to be told again. */
void cpython_mark_told(const struct cpython_obj *o, uint64_t target)
{
	uint64_t low = 0, high = o->n_told, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if ((o->told[middle] & ~UINT64_C(1)) < target)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < o->n_told && (o->told[low] & ~UINT64_C(1)) == target;
	     low++)
		if (!(o->told[low] & 1)) {
			o->told[low] |= 1;
			return;
		}
}

/* Would tp_traverse tell it, were it a reference? */
static bool is_told(const struct cpython_mem *m, uint64_t obj)
{
	return (cpython_flags_of(m, obj) & CPYTHON_TP_HAVE_GC) != 0;
}

/* A word of the object's own that has no name. */
static void edge_offset(struct cpython_visit *v, uint64_t target,
			uint64_t offset)
{
	cpython_edge(v, target, HEAPSH_LABEL_OFFSET, offset, 0, NULL, 0);
}

/** Words that are looked at; text NULL: each is named by its place. */
struct scan {
	uint64_t addr;
	const char *text;
};

static void scan_word(struct cpython_visit *v, uint64_t index, uint64_t word,
		      void *arg)
{
	const struct scan *s = arg;

	if (!cpython_plausible(word) ||
	    !cpython_living(v->o->st, v->o->m, word))
		return;
	// tp_traverse tells all that may be part of a cycle
	if (v->o->told != NULL && is_told(v->o->m, word))
		return;
	if (s->text != NULL)
		cpython_edge_field(v, word, s->text);
	else
		edge_offset(v, word, s->addr + index * 8 - v->o->addr);
}

/* Offset of the first word from offset `from` on that is target; 0: none. */
static uint64_t own_word(const struct cpython_obj *o, uint64_t target,
			 uint64_t from)
{
	const struct cpython_type *t = o->type;
	uint64_t n = (uint64_t)t->basic, items;

	if (t->item > 0 && !__builtin_mul_overflow((uint64_t)t->item,
						   cpython_obj_size(o), &items))
		n += items;
	if (t->basic < 0 || n > CPYTHON_HEAD)
		n = CPYTHON_HEAD;
	for (; from + 8 <= n; from += 8)
		if (cpython_obj_word(o, (int64_t)from) == target)
			return from;
	return 0;
}

/*
 * What tp_traverse has told that nothing else has, by the word of the object
 * that holds it; what lies in other blocks of its own is "??".
 */
void cpython_refs_told(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	uint64_t head = (uint64_t)o->m->lay->sizeof_object, at = 0, from;

	for (uint64_t i = 0; i < o->n_told; i++) {
		uint64_t target = o->told[i];

		if ((target & 1) || target == o->type->address)
			continue;
		// one that is told twice is held twice
		from = at != 0 && i != 0 && (o->told[i - 1] | 1) == (target | 1)
			       ? at + 8
			       : head;
		at = own_word(o, target, from);
		if (at != 0)
			edge_offset(v, target, at);
		else
			cpython_edge_field(v, target, "??");
	}
}

void cpython_scan_words(struct cpython_visit *v, uint64_t addr, uint64_t n,
			const char *text)
{
	struct scan s = { addr, text };

	cpython_each_word(v, addr, n, scan_word, &s);
}
