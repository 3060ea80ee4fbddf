/* SPDX-License-Identifier: Apache-2.0 */
/* References of types, modules, code, frames and generators. */
#include "refs_priv.h"

#include "frames.h"
#include "keys.h"

enum { MAX_STATE = 1 << 20 };	/* bytes of a module's state */

/* --- types -------------------------------------------------------------- */

/*
 * A word that a static built-in type keeps in the interpreter from 3.12 on;
 * tp_subclasses is 1 + its index there (Objects/typeobject.c,
 * lookup_tp_subclasses).
 */
static uint64_t static_word(const struct cpython_obj *o, int32_t field)
{
	const struct cpython_mem *m = o->m;
	const struct cpython_layout *l = m->lay;
	uint64_t index = cpython_obj_word(o, l->tp_subclasses) - 1, entry;
	const int32_t tables[] = { l->interp_static_types,
				   l->interp_extension_types };

	for (int i = 0; i < 2; i++) {
		if (tables[i] < 0 || index > 4096)
			continue;
		entry = m->interp + (uint64_t)tables[i] +
			index * (uint64_t)l->sizeof_static_type;
		if (cpython_field(m, entry, l->static_type_type) == o->addr)
			return cpython_field(m, entry, field);
	}
	return 0;
}

static void key_only(struct cpython_visit *v, uint64_t key)
{
	cpython_edge_field(v, key, "ht_cached_keys");
}

/* Names of attributes of instances: the table they share owns them. */
static bool shared_keys(struct cpython_visit *v)
{
	const struct cpython_mem *m = v->o->m;
	uint64_t addr = cpython_obj_word(v->o, m->lay->ht_cached_keys);
	struct cpython_keys k;

	if (addr == 0)
		return true;
	if (!cpython_keys_open(m, addr, &k))
		return false;
	for (int64_t i = 0; i < k.n_entries; i++)
		key_only(v, cpython_word(m, k.entries + (uint64_t)i *
						(uint64_t)k.stride +
					    (uint64_t)k.key));
	return true;
}

bool cpython_refs_type(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	bool heap = cpython_obj_word(o, l->tp_flags) & CPYTHON_TP_HEAPTYPE;
	bool in_interp = !heap && l->static_type_dict >= 0;
	uint64_t dict = cpython_obj_word(o, l->tp_dict), subclasses;

	subclasses = cpython_obj_word(o, l->tp_subclasses);
	if (in_interp && subclasses >> 16 == 0) {
		if (dict == 0)
			dict = static_word(o, l->static_type_dict);
		subclasses = static_word(o, l->static_type_subclasses);
	}
	cpython_edge_attr(v, dict, "__dict__", HEAPSH_EDGE_TABLE);
	cpython_edge_attr(v, cpython_obj_word(o, l->tp_mro), "__mro__", 0);
	cpython_edge_attr(v, cpython_obj_word(o, l->tp_bases), "__bases__", 0);
	cpython_edge_attr(v, cpython_obj_word(o, l->tp_base), "__base__", 0);
	cpython_edge_field(v, cpython_obj_word(o, l->tp_cache), "tp_cache");
	cpython_edge_field(v, subclasses, "tp_subclasses");
	if (!heap)
		return true;
	cpython_edge_attr(v, cpython_obj_word(o, l->ht_name), "__name__", 0);
	cpython_edge_attr(v, cpython_obj_word(o, l->ht_qualname),
			  "__qualname__", 0);
	cpython_edge_attr(v, cpython_obj_word(o, l->ht_slots), "__slots__", 0);
	cpython_edge_field(v, cpython_obj_field(o, l->ht_module), "ht_module");
	return shared_keys(v);
}

bool cpython_refs_module(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t state = cpython_obj_word(o, l->md_state);
	int64_t n = cpython_i64(o->m, cpython_obj_word(o, l->md_def),
				l->moduledef_size, 0);

	// what a C module keeps for itself is known to its own code alone
	if (state != 0 && (state & 7) == 0 && n >= 8 && n <= MAX_STATE)
		cpython_scan_words(v, state, (uint64_t)n / 8, "md_state");
	return true;
}

/* --- code --------------------------------------------------------------- */

/* What attributes of a code object made: 3.11 one, from 3.12 a structure. */
bool cpython_refs_code(struct cpython_visit *v)
{
	static const char *const names[] = {
		"_co_cached->_co_code", "_co_cached->_co_varnames",
		"_co_cached->_co_cellvars", "_co_cached->_co_freevars",
	};
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t cached = cpython_obj_field(o, l->code_cached);

	if (cached == 0 || l->minor < 12)
		return true;
	for (int i = 0; i < 4; i++)
		cpython_edge_field(v, cpython_field(o->m, cached, 8 * i),
				   names[i]);
	return true;
}

/* --- frames ------------------------------------------------------------- */

/*
 * Up to 3.10 the frame is the object. From 3.11 what runs is a structure on a
 * stack of the thread's, in a generator, or in a frame object that outlived it;
 * it may know of a frame object that was made for somebody who asked.
 */
bool cpython_refs_frame(struct cpython_visit *v)
{
	struct cpython_frame f;

	if (cpython_frame_of_object(v->o->m, v->o->addr, &f))
		cpython_frame_edges(v->o->m, &f, v->sink);
	return true;
}

bool cpython_refs_generator(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	struct cpython_frame f;

	// up to 3.10 gi_frame is a member like others
	if (o->m->lay->gen_iframe < 0 ||
	    !cpython_frame_of_generator(o->m, o->addr, &f))
		return true;
	cpython_edge_field(v, f.object, "frame_obj");
	cpython_frame_edges(o->m, &f, v->sink);
	return true;
}
