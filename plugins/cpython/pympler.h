/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What Pympler 1.1 counts (pympler/asizeof.py, version 22.12.07), told from
 * outside: HEAPSH_COMPAT_0. Each object has a rule, by its type, as there a
 * _Typedef: pympler.c; what it refers to by that rule: pympler_refs.c.
 */
#ifndef CPYTHON_PYMPLER_H
#define CPYTHON_PYMPLER_H

#include "object.h"

/** Its _…_refs() functions. */
enum pympler_refs {
	PYMPLER_NONE,
	PYMPLER_CELL,
	PYMPLER_CLASS,
	PYMPLER_CODE,
	PYMPLER_DICT,
	PYMPLER_DOC,		/* _enum_refs */
	PYMPLER_EXC,
	PYMPLER_FRAME,
	PYMPLER_FUNC,
	PYMPLER_GEN,
	PYMPLER_METHOD,		/* _im_refs */
	PYMPLER_INST,
	PYMPLER_ITER,
	PYMPLER_MODULE,
	PYMPLER_NAMEDTUPLE,
	PYMPLER_NUMPY,
	PYMPLER_PROP,
	PYMPLER_SEQ,
	PYMPLER_STAT,
	PYMPLER_STATVFS,
	PYMPLER_TB,
	PYMPLER_WEAK,
	/* _dict_refs of weak dictionaries, whose items() are code of theirs */
	PYMPLER_WEAK_KEYS,
	PYMPLER_WEAK_VALUES,
	PYMPLER_N_REFS
};

/** Types that are never asked for their size. */
enum pympler_own_size { PYMPLER_ASKED, PYMPLER_ARRAY, PYMPLER_NDARRAY };

struct pympler_rule {
	uint64_t type;		/* address; 0: none */
	const char *origin;	/* "static", "dynamic", … */
	const char *leng;	/* "_len_list", or NULL: n/a */
	uint8_t refs;		/* pympler_refs */
	uint8_t own_size;	/* pympler_own_size */
	bool code;		/* counts with code=1 only */
	bool ignored;		/* counts with ignored=0 only */
	bool table, slots;	/* has the attributes __dict__, __slots__ */
};

enum { PYMPLER_RULES = 512, PYMPLER_BASES = 64, PYMPLER_STATICS = 64 };
/** State of a walk. */
struct cpython_pympler {
	uint32_t options;	/* heapsh_compat_options */
	uint64_t none;		/* the object None, or 0 */
	uint64_t dict_type;	/* address of the type dict */
	/* Of the first array of each type: its size without its items. */
	struct pympler_base {
		uint64_t type, bytes;
	} bases[PYMPLER_BASES];
	uint32_t n_bases;
	struct pympler_rule rules[PYMPLER_RULES];
	/* Types of its static rules, found when first asked for. */
	bool statics_found;
	uint32_t n_statics;
	uint64_t statics[PYMPLER_STATICS];
	char kind[300], name[300], rule[120];
};

/** The rule of an object. False: there is no object. */
bool cpython_pympler_rule(const struct cpython *st, uint64_t obj,
			  struct pympler_rule *ret);
/** Has the type a static rule? Then ret is it, but for .type and slots. */
bool cpython_pympler_knows(const struct cpython_mem *m, uint64_t type,
			   struct pympler_rule *ret);
/** type.__module__ is one of those names, in one string: "builtins types". */
bool cpython_pympler_of_module(const struct cpython_mem *m, uint64_t type,
			       const char *name);

/**
 * What it makes by looking, as struct heapsh_compat says: the table of an
 * instance that has none, a generator's locals, numbers of a traceback, the
 * view of a class's attributes.
 */
enum {
	PYMPLER_MADE_TABLE = 1,
	PYMPLER_MADE_LOCALS,
	PYMPLER_MADE_LASTI,
	PYMPLER_MADE_LINENO,
	PYMPLER_MADE_PROXY,
};
/** Bytes of a thing that is made; false: none such. */
bool cpython_pympler_made(const struct cpython *st, uint64_t id,
			  uint64_t *flat);
/** "class dict", and how long it would be. */
void cpython_pympler_made_words(const struct cpython *st, uint64_t id,
				struct heapsh_compat_words *ret);
/** Emit the referents of a thing; rule: of an object. */
void cpython_pympler_refs(const struct cpython *st, uint64_t id,
			  const struct pympler_rule *rule,
			  heapsh_compat_fn *fn, void *arg);
/**
 * obj.name where its value is an object already and no code is run: an
 * attribute of the instance or a plain one of its class, a slot, a member.
 * None for members that are empty; 0: there is none, or it is not known.
 */
uint64_t cpython_pympler_value(const struct cpython *st, uint64_t obj,
			       const char *name);

/* --- pympler_attr.c: where referents go, and what is asked for ---------- */

struct pympler_out {
	const struct cpython *st;
	const struct cpython_mem *m;
	const struct pympler_rule *rule;	/* of an object; or NULL */
	heapsh_compat_fn *fn;
	void *arg;
	bool stop;		/* fn wants no more */
};
/** As struct heapsh_edge; nothing for target 0. */
void cpython_pympler_emit(struct pympler_out *o, uint64_t target,
			  enum heapsh_label label, uint64_t a,
			  const char *text, uint32_t flags);
/** By a static name. */
void cpython_pympler_name(struct pympler_out *o, uint64_t target,
			  const char *name);
/** "[K] key" and "[V] key: value". */
void cpython_pympler_pair(struct pympler_out *o, uint64_t key, uint64_t value);
/** obj.name, if cpython_pympler_value() knows it. */
void cpython_pympler_attr(struct pympler_out *o, uint64_t obj,
			  const char *name);
/** Attributes of the object's own type that begin so, by their names. */
void cpython_pympler_prefix(struct pympler_out *o, uint64_t obj,
			    const char *prefix);
/** _inst_refs(); without its table: the beginning of _namedtuple_refs(). */
void cpython_pympler_instance(struct pympler_out *o, uint64_t obj, bool table);
/** pympler_refs.c: items of a dict object. */
void cpython_pympler_dict(struct pympler_out *o, uint64_t dict);
/** buf: CPYTHON_HEAD bytes. */
bool cpython_pympler_open(const struct cpython *st, uint64_t obj, uint8_t *buf,
			  struct cpython_obj *ret);
/** pympler_made.c: what a thing that is made leads to. */
void cpython_pympler_emit_made(struct pympler_out *o, uint64_t id);

/** pympler_words.c: heapsh_compat.words. */
int cpython_pympler_words(struct cpython *st, uint64_t id,
			  struct heapsh_compat_words *ret);

/** The same of a static rule, by its type: kind, origin and rule alone. */
void cpython_pympler_type_words(const struct cpython *st, uint64_t type,
				struct heapsh_compat_words *ret);

/** pympler_static.c: heapsh_compat.own_rule. */
int cpython_pympler_static(struct cpython *st, uint32_t index,
			   struct heapsh_compat_words *ret);

/** The table of HEAPSH_COMPAT_0. */
extern const struct heapsh_compat cpython_pympler;

#endif
