/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dict of interned strings. It does not count its two references to a
 * string (Objects/unicodeobject.c, PyUnicode_InternInPlace, 3.8 to 3.13): a
 * string goes with the last of its owners, which takes it out of there. Only
 * what is to stay for ever is the dict's own: up to 3.11 a string whose state
 * says so has one count for it, 3.11 has some in its file, from 3.12 it is
 * immortal.
 *
 * Up to 3.11 the dict is a static variable that a stripped file does not name;
 * then it is what the module's own data name and nobody else could have made: a
 * large dict whose keys, all interned, are their own values.
 */
#include "object.h"

#include "walk.h"

enum {
	WINDOW = 512,		/* words that are searched at a time */
	/* An interpreter that has just started has more than 3000. */
	FEWEST = 1024,
	LOOKED_AT = 64,		/* entries of a dict that may be it */
	MAX_INTERPRETERS = CPYTHON_N_INTERNED,
	STATE_IMMORTAL = 2,	/* SSTATE_INTERNED_IMMORTAL, up to 3.11 */
};

/* The two bits below "kind": unicodeobject.h, 3.8 to 3.13. 0: not interned */
static unsigned state_of(const struct cpython_mem *m, uint64_t str)
{
	const struct cpython_layout *l = m->lay;
	int32_t state = cpython_i32(m, str, l->str_state, 0);

	return (uint32_t)state >> (l->str_kind_bit - 2) & 3;
}

static bool is_interned_table(const struct cpython_mem *m, uint64_t dict)
{
	struct cpython_dict_iter it;
	uint64_t key, value;
	int i = 0;

	if (!cpython_dict_open(m, dict, &it) || it.used < FEWEST)
		return false;
	for (; i < LOOKED_AT && cpython_dict_next(m, &it, &key, &value); i++)
		if (key != value ||
		    !(cpython_flags_of(m, key) & CPYTHON_TP_UNICODE) ||
		    state_of(m, key) == 0)
			return false;
	return i == LOOKED_AT;
}

static bool is_within(const struct heapsh_range *r, uint64_t addr)
{
	return addr >= r->start && addr < r->end;
}

/* A word between two addresses that is the address of that dict, or 0. */
static uint64_t search(const struct cpython *st, uint64_t dict_type,
		       uint64_t at, uint64_t end)
{
	const struct cpython_mem *m = &st->mem;
	uint64_t buf[WINDOW], n;

	for (; at < end && !m->host->cancelled(m->im); at += sizeof(buf)) {
		n = end - at < sizeof(buf) ? end - at : sizeof(buf);
		n = m->host->read(m->im, at, buf, n) / 8;
		for (uint64_t i = 0; i < n; i++)
			if (!is_within(&st->image, buf[i]) &&
			    cpython_plausible(buf[i]) &&
			    cpython_type_of(m, buf[i]) == dict_type &&
			    is_interned_table(m, buf[i]))
				return buf[i];
	}
	return 0;
}

/* In what the module can write to. */
static uint64_t search_image(const struct cpython *st, uint64_t dict_type)
{
	const struct cpython_mem *m = &st->mem;
	struct heapsh_mapping map = { .size = sizeof(map) };
	uint64_t found = 0;

	for (uint32_t i = 0;
	     found == 0 && m->host->mapping(m->im, i, &map); i++) {
		if ((map.prot & 2) != 0 && map.start >= st->image.start &&
		    map.end <= st->image.end)
			found = search(st, dict_type, map.start, map.end);
		map = (struct heapsh_mapping){ .size = sizeof(map) };
	}
	return found;
}

/* From 3.12 each interpreter has one, a member of its state. */
static void of_interpreters(struct cpython *st)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_root_slot *slot = m->lay->interp_roots;
	uint64_t interp = cpython_field(m, m->runtime,
					m->lay->runtime_interp_head);
	int i, n = m->lay->n_interp_roots;

	for (i = 0; i < n && strcmp(slot[i].name,
				    "cached_objects.interned_strings") != 0;)
		i++;
	for (int k = 0; i < n && interp != 0 && k < MAX_INTERPRETERS; k++) {
		st->interned[k] = cpython_field(m, interp, slot[i].offset);
		interp = cpython_field(m, interp, m->lay->interp_next);
	}
}

void cpython_interned_find(struct cpython *st)
{
	const struct cpython_mem *m = &st->mem;
	uint64_t type = m->host->symbol(m->im, NULL, "PyDict_Type", NULL);
	uint64_t at, dict;

	if (m->minor >= 12) {
		of_interpreters(st);
		return;
	}
	at = m->host->symbol(m->im, NULL, "interned", NULL);
	dict = at != 0 ? cpython_word(m, at) : 0;
	if (dict != 0 && cpython_type_of(m, dict) == type)
		st->interned[0] = dict;
	else if (type != 0)
		st->interned[0] = search_image(st, type);
}

bool cpython_is_interned_dict(const struct cpython *st, uint64_t dict)
{
	for (int i = 0; i < CPYTHON_N_INTERNED; i++)
		if (st->interned[i] == dict)
			return true;
	return false;
}

bool cpython_interned_for_ever(const struct cpython *st,
			       const struct cpython_mem *m, uint64_t str)
{
	if (m->minor >= 12)	// Include/object.h, _Py_IsImmortal
		return cpython_i32(m, str, m->lay->ob_refcnt, 0) < 0;
	return state_of(m, str) == STATE_IMMORTAL ||
	       is_within(&st->image, str);
}
