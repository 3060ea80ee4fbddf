/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Values from the inside, and evaluation. Private to core/lang.
 */
#ifndef LG_EVAL_H
#define LG_EVAL_H

#include "lang.h"
#include "syntax.h"
#include "vec.h"

/* --- values --------------------------------------------------------------- */

/** A partition that every window of a set shares; made on first use. */
struct lg_parts {
	unsigned refs;
	struct an_partition *p;
	struct lg_value *er;		/* of AN_BY_FINDEX: the relation */
};

/** Which rows of a listing are shown. */
struct lg_window {
	uint64_t first;
	uint64_t page;		/* rows; 0: the setting; LG_ALL: every one */
};
enum { LG_ALL_ROWS = 100000 };	/* of one document, which must stay well below
				   WR_MAX_PAYLOAD; ".all" of a set comes in
				   parts: lg_set_part() */
#define LG_ALL UINT64_MAX

/** What a set was made by, when it is a kind: Type(x), Size(56), … */
struct lg_kind_value {
	unsigned refs;
	enum an_relation by;
	const char *alt;		/* "==", "<=", … */
	uint64_t key;			/* Size: bytes; Type: of the type */
	char *words;			/* "Size(56)", "dict of module" */
	bool as_words;			/* printed as its words */
};
void lg_kind_unref(struct lg_kind_value *k);

struct lg_set_value {
	struct gr_set *nodes;
	struct lg_kind_value *kind;	/* reference, or NULL */
	enum an_relation by;
	struct lg_parts *parts;
	struct lg_window window;
};

struct lg_table_value {
	json_t *doc;		/* with "rows", or without */
	uint64_t *addr;		/* one a row, or NULL */
	struct lg_window window;
};

/** What a namespace value stands for. */
enum lg_space {
	LG_THREADS,		/* threads */
	LG_THREAD,		/* threads[thread] */
	LG_FRAMES,		/* threads[thread].frames */
	LG_ALL_FRAMES,		/* frames: of all threads, one after another */
	LG_FRAME,		/* …frames[frame] */
	LG_LOCALS,		/* …locals */
};
struct lg_space_value {
	enum lg_space space;
	uint32_t thread, frame;
	struct lg_window window;
};

/** Data of a view; its pages share it. */
struct lg_view_data {
	unsigned refs;
	struct lg_instant *in;		/* of the values that share it */
	void *data;
};
struct lg_view_value {
	const struct lg_view_ops *ops;
	struct lg_view_data *data;
	struct lg_window window;
};

enum {
	LG_MAX_LIST_DEPTH = 32,
	LG_MAX_LIST_WEIGHT = 1 << 20,	/* values in a list, all levels */
};

struct lg_value {
	unsigned refs;
	enum lg_kind kind;
	bool about;			/* BYTES: approximate */
	struct lg_instant *in;		/* reference, or NULL */
	union {
		int64_t i;		/* INT, BOOL, BYTES */
		double f;
		uint64_t addr;		/* OBJECT */
		enum an_relation by;	/* RELATION */
		struct {
			char *s;	/* n bytes, then a NUL */
			size_t n;
		} text;			/* TEXT, RAW, WORDS */
		struct {
			struct lg_value **v;
			size_t n;
			unsigned depth;
			uint64_t weight;
		} list;
		struct lg_set_value set;	/* SET, MAPROX */
		struct lg_table_value table;
		struct lg_space_value space;
		struct lg_view_value view;
		struct {
			bool is_sokind;		/* or findex */
			enum an_relation by;	/* of a sokind */
			struct lg_value *list;	/* LIST of kinds */
		} kinds;
	} u;
};

/** New value with one reference; in may be NULL. */
struct lg_value *lg_value_create(enum lg_kind kind, struct lg_instant *in);
/**
 * A value of the program that is no object, or NULL: by key of the object at
 * addr, or a bare name where addr is 0.
 */
struct lg_value *lg_scalar(struct md_model *m, uint64_t addr,
			   const struct heapsh_key *key);
struct lg_value *lg_raw(const char *s, size_t n);
struct lg_value *lg_space(struct lg_instant *in, enum lg_space space,
			  uint32_t thread, uint32_t frame);
/** "a number", "a set", "an object of the program": for messages. */
const char *lg_kind_words(const struct lg_value *v);

/* --- evaluation ----------------------------------------------------------- */

/** Every function below borrows v and answers a new reference in *ret. */
struct hs_err *lg_eval(struct lg_session *s, const struct lg_node *node,
		       struct lg_value **ret) HS_MUST_USE;
/** verb.c: bind the arguments, run. *ret may stay NULL. */
struct hs_err *lg_eval_verb(struct lg_session *s, const struct lg_node *node,
			    struct lg_value **ret) HS_MUST_USE;
/** SET.verb: the verb with the set as its argument. */
struct hs_err *lg_verb_of_set(struct lg_session *s, const struct lg_verb *verb,
			      struct lg_value *v, struct lg_value **ret)
	HS_MUST_USE;
/** operator.c */
/** A value beside a set operator, where a type's name is a set, too. */
struct hs_err *lg_operand(struct lg_session *s, const struct lg_node *node,
			  struct lg_value **ret) HS_MUST_USE;
struct hs_err *lg_eval_binary(struct lg_session *s, const struct lg_node *node,
			      struct lg_value **ret) HS_MUST_USE;
struct hs_err *lg_invert(struct lg_session *s, struct lg_value *v,
			 struct lg_value **ret) HS_MUST_USE;
/** name.c: program: of the program only. */
struct hs_err *lg_name(struct lg_session *s, const struct lg_node *node,
		       struct lg_value **ret) HS_MUST_USE;
/**
 * elsewhere.c: err, which line failed with, with what does the same here as a
 * word of another tool on that line ("sys.getsizeof(x)"). Takes err over.
 */
struct hs_err *lg_elsewhere(const struct lg_session *s, const char *line,
			    struct hs_err *err) HS_MUST_USE;
/** Object at an address that was typed. */
struct hs_err *lg_at_address(struct lg_session *s, uint64_t addr,
			     struct lg_value **ret) HS_MUST_USE;
/** A dotted name as it was typed ("types.CodeType"), or NULL. free(). */
char *lg_dotted(const struct lg_node *node);
/** Object of an imported module by its whole name; 0: none. */
uint64_t lg_module(struct md_model *m, const char *name);
/** "did you mean NAME?" out of words that emit() is called with. */
struct lg_near {
	HS_VEC(char *) words;
};
void lg_near_add(struct lg_near *near, const char *s, size_t n);
void lg_near_drop(struct lg_near *near);
/** Is this very word among them? Then it is no remedy. */
bool lg_near_has(const struct lg_near *near, const char *word);
/** Adds the remedy when something is near; ends near. Returns err. */
struct hs_err *lg_near_remedy(struct hs_err *err, struct lg_near *near,
			      const char *word) HS_MUST_USE;

/* --- kinds of values ------------------------------------------------------ */

/** Arguments of a call that is not of a verb, evaluated; borrowed. */
struct lg_args {
	struct lg_value **v;
	const char **name;		/* of dictof=x; NULL: by its place */
	size_t n;
};
/** An attribute: the row of a table. */
struct lg_attr {
	struct lg_word word;
	struct hs_err *(*get)(struct lg_session *s, struct lg_value *v,
			      int64_t arg, struct lg_value **ret);
	int64_t arg;
};
/** .name(…): the row of another table. */
struct lg_method {
	struct lg_word word;
	struct hs_err *(*call)(struct lg_session *s, struct lg_value *v,
			       const struct lg_args *args,
			       struct lg_value **ret);
	const char *usage;	/* "by('Clodo&Size')" */
};
/** The attributes of whatever has rows. */
#define LG_PAGE_ATTRS(get) \
	{ { "more", "the rows after these" }, get, LG_MORE }, \
	{ { "prev", "the rows before these" }, get, LG_PREV }, \
	{ { "top", "the first rows" }, get, LG_TOP }, \
	{ { "all", "every row" }, get, LG_EVERY }
/** Row of the value's tables, or NULL. */
const struct lg_attr *lg_attr_named(const struct lg_value *v,
				    const char *name);
const struct lg_method *lg_method_named(const struct lg_value *v,
					const char *name);
extern const struct lg_method lg_set_methods[], lg_table_methods[],
	lg_relation_methods[];
/** attr.c: .name of any value. */
struct hs_err *lg_attribute(struct lg_session *s, struct lg_value *v,
			    const char *name, struct lg_value **ret)
	HS_MUST_USE;
/** index.c: [key] and [from:to:step]; bounds may be NULL. */
struct hs_err *lg_index(struct lg_session *s, struct lg_value *v,
			struct lg_value *key, struct lg_value **ret)
	HS_MUST_USE;
struct hs_err *lg_slice(struct lg_session *s, struct lg_value *v,
			struct lg_value *const bound[3],
			struct lg_value **ret) HS_MUST_USE;

/**
 * What "heap" answers where its graph is over the limit of memory: a statistic
 * by type, with what is missing in its note. why: the refusal; borrowed.
 */
struct hs_err *lg_heap_totals(struct lg_session *s, const struct hs_err *why,
			      struct lg_value **ret) HS_MUST_USE;

extern const struct lg_attr lg_set_attrs[], lg_table_attrs[],
	lg_relation_attrs[], lg_kinds_attrs[], lg_threads_attrs[],
	lg_thread_attrs[], lg_frame_attrs[];
/** Attribute table of a value's kind, or NULL; ends with a NULL name. */
const struct lg_attr *lg_attrs_of(const struct lg_value *v);

/* set_value.c */
struct hs_err *lg_set_parts(struct lg_session *s, struct lg_value *v,
			    struct an_partition **ret) HS_MUST_USE;
struct lg_range;
struct hs_err *lg_set_rows(struct lg_session *s, struct lg_value *v,
			   const struct lg_range *r,
			   struct lg_value **ret) HS_MUST_USE;
/** HS_ERR_FAULT: rows by it must be read, and the bytes are gone. */
struct hs_err *lg_check_rows(struct lg_instant *in, const struct gr_graph *g,
			     enum an_relation by) HS_MUST_USE;
/** A set that is the kind k, whose reference is taken over. */
struct lg_value *lg_kind_set(struct lg_instant *in, struct gr_set *nodes,
			     struct lg_kind_value *k);

/** "str", "(dict of module | list | 7 more)": most names at most. */
struct hs_err *lg_add_kinds(struct lg_session *s, struct gr_set *nodes,
			    size_t most, struct hs_text *out) HS_MUST_USE;

/* What set attributes are: see the table in set_value.c. */
typedef struct hs_err *lg_get_fn(struct lg_session *s, struct lg_value *v,
				 int64_t arg, struct lg_value **ret);
typedef struct hs_err *lg_call_fn(struct lg_session *s, struct lg_value *v,
				  const struct lg_args *args,
				  struct lg_value **ret);
/* set_graph.c */
lg_get_fn lg_set_owners, lg_set_imdom, lg_set_dominos, lg_set_domisize,
	lg_set_dictof;
lg_call_fn lg_set_disjoint, lg_set_contains;
/* maprox.c */
lg_get_fn lg_set_maprox;
struct hs_err *lg_maprox_attr(struct lg_session *s, struct lg_value *v,
			      const char *name, struct lg_value **ret)
	HS_MUST_USE;
struct hs_err *lg_maprox_item(struct lg_session *s, struct lg_value *v,
			      struct lg_value *key, struct lg_value **ret)
	HS_MUST_USE;
/* set_kind.c */
/** Takes words over. */
struct lg_kind_value *lg_kind_create(enum an_relation by, uint64_t key,
				     char *words);
struct hs_err *lg_whole_heap(struct lg_session *s, struct lg_instant *in,
			     struct gr_set **ret) HS_MUST_USE;
/** by: TYPE or CLODO; v: a class, a type's name; tables: those of them. */
struct hs_err *lg_type_kind(struct lg_session *s, struct lg_instant *in,
			    enum an_relation by, struct lg_value *v,
			    bool tables, struct lg_value **ret) HS_MUST_USE;
struct hs_err *lg_ownerless_kind(struct lg_session *s, struct lg_instant *in,
				 struct lg_value **ret) HS_MUST_USE;
/** alt: of static life, "==", "<", … */
struct hs_err *lg_size_kind(struct lg_session *s, struct lg_instant *in,
			    uint64_t size, const char *alt,
			    struct lg_value **ret) HS_MUST_USE;
lg_call_fn lg_set_alt;
/* relation.c, set_by.c */
lg_get_fn lg_set_er, lg_set_kind, lg_relation_refdby, lg_relation_dictof;
lg_call_fn lg_set_by;
/** Type.List, Clodo.Module: of a type by its name; *ret stays NULL: none. */
struct hs_err *lg_relation_named_type(struct lg_session *s, struct lg_value *v,
				      const char *name, struct lg_value **ret)
	HS_MUST_USE;
/** Type(Node), Size(56), …: a kind, as a set. */
lg_call_fn lg_relation_call;
/** The relation that a word names ("Clodo"), or false. */
bool lg_relation_named(const char *name, enum an_relation *ret);
/* findex.c */
/** The relation findex(v[0], v[1], …); n 0: the word that makes one. */
struct lg_value *lg_findex(struct lg_value *const *v, size_t n);
/** The set's rows by that relation. */
struct hs_err *lg_findex_rows(struct lg_session *s, struct lg_value *set,
			      struct lg_value *v, struct lg_value **ret)
	HS_MUST_USE;
lg_get_fn lg_set_biper;
lg_call_fn lg_kinds_call, lg_relation_sokind;
struct hs_err *lg_kinds_doc(struct lg_session *s, const struct lg_value *v,
			    json_t **ret) HS_MUST_USE;
/* set_brief.c */
lg_get_fn lg_set_brief, lg_set_fam;
lg_call_fn lg_set_ckc, lg_set_render;
/* set_stat.c */
lg_get_fn lg_set_stat, lg_set_prod;
lg_call_fn lg_set_diff, lg_set_dump, lg_table_dump;
/* sized_value.c */
lg_call_fn lg_sized_format, lg_sized_get;
/** .size, .name, … of what asized answers; false: it has no such thing. */
bool lg_sized_attr(struct lg_value *v, const char *name,
		   struct lg_value **ret);
/** a - b, of tables that are statistics; NULL in *ret: they are not. */
struct hs_err *lg_stat_subtract(struct lg_session *s, struct lg_value *a,
				struct lg_value *b, struct lg_value **ret)
	HS_MUST_USE;

/** set_doc.c */
/** Row i of a partition as its document has it. */
json_t *lg_row_doc(struct md_model *m, const struct an_partition *p,
		   uint64_t i, bool one_kind, uint64_t cumulative);
struct hs_err *lg_set_doc(struct lg_session *s, struct lg_value *v,
			  json_t **ret) HS_MUST_USE;
/** A set that is shown whole, of which parts may be shown. */
bool lg_set_is_long(const struct lg_session *s, const struct lg_value *v);
/**
 * The part of a long set's document that begins with row *at, which moves on
 * behind it. *last: there is no further part.
 */
struct hs_err *lg_set_part(struct lg_session *s, struct lg_value *v,
			   uint64_t *at, bool *last, json_t **ret) HS_MUST_USE;

/* window.c */
enum { LG_MORE, LG_PREV, LG_TOP, LG_EVERY };
uint64_t lg_page(const struct lg_session *s, const struct lg_window *w);
/** Rows of the window over n rows: a last single one is never held back. */
uint64_t lg_window_end(const struct lg_session *s, const struct lg_window *w,
		       uint64_t n);
struct hs_err *lg_window_move(const struct lg_session *s, struct lg_window *w,
			      uint64_t n, int64_t how) HS_MUST_USE;
/** Row number of an index that may count from the end; else HS_ERR_NAME. */
struct hs_err *lg_row(int64_t i, uint64_t n, uint64_t *ret) HS_MUST_USE;
/** Bounds of a slice: from the first row, or counted from the end. */
struct lg_range {
	int64_t from, step;
	uint64_t n;		/* how many, from from in steps of step */
};
struct hs_err *lg_range(struct lg_value *const bound[3], uint64_t n,
			struct lg_range *ret) HS_MUST_USE;

/* table_value.c */
uint64_t lg_table_rows(const struct lg_value *v);
struct hs_err *lg_table_row(struct lg_value *v, uint64_t row,
			    struct lg_value **ret) HS_MUST_USE;
json_t *lg_table_doc(struct lg_session *s, const struct lg_value *v);

/* view_value.c */
extern const struct lg_attr lg_view_attrs[];
void lg_view_deinit(struct lg_view_value *view);
uint64_t lg_view_rows(const struct lg_value *v);
/** .name(args) */
struct hs_err *lg_view_call(struct lg_session *s, struct lg_value *v,
			    const char *name, const struct lg_inner *with,
			    struct lg_value **ret) HS_MUST_USE;
struct hs_err *lg_view_item(struct lg_session *s, struct lg_value *v, int64_t i,
			    struct lg_value **ret) HS_MUST_USE;
struct hs_err *lg_view_doc(struct lg_session *s, struct lg_value *v,
			   json_t **ret) HS_MUST_USE;

/* listing.c: the options of LG_VERB_LISTS, on what the verb has answered. */
struct hs_err *lg_listing(const struct lg_call *call, struct lg_value **ret)
	HS_MUST_USE;

/* space.c */
struct hs_err *lg_space_item(struct lg_session *s, struct lg_value *v,
			     struct lg_value *key, struct lg_value **ret)
	HS_MUST_USE;
/** Rows: threads, frames, or variables. */
struct hs_err *lg_space_len(struct lg_session *s, struct lg_value *v,
			    uint64_t *ret) HS_MUST_USE;
/** Frame i of "frames", as thread and frame. */
struct hs_err *lg_frame_at(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_space_value *ret) HS_MUST_USE;
/** The model; HS_ERR_UNSUPPORTED when its plugin does not know threads. */
struct hs_err *lg_runtime(struct lg_session *s, struct lg_instant *in,
			  struct md_model **ret) HS_MUST_USE;
/** space_doc.c */
struct hs_err *lg_space_doc(struct lg_session *s, struct lg_value *v,
			    json_t **ret) HS_MUST_USE;

/* object.c */
struct hs_err *lg_object_attr(struct lg_session *s, struct lg_value *v,
			      const char *name, size_t n,
			      struct lg_value **ret) HS_MUST_USE;
struct hs_err *lg_object_doc(struct lg_session *s, struct lg_value *v,
			     json_t **ret) HS_MUST_USE;
/** Is it a class of the program? *type is its number, when instances are
 *  known, else UINT32_MAX. */
bool lg_is_class(struct lg_session *s, struct lg_value *v, uint32_t *type);
/** "list at 0x7f…" for messages. free(). */
char *lg_object_words(struct lg_session *s, const struct lg_value *v);

/* item.c */
/** A key as plugins are asked for it; its texts are key's and arena's. */
struct hs_err *lg_key_of(const struct lg_instant *in,
			 const struct lg_value *key, struct hs_arena *arena,
			 struct heapsh_key *ret) HS_MUST_USE;
struct hs_err *lg_object_item(struct lg_session *s, struct lg_value *v,
			      struct lg_value *key, struct lg_value **ret)
	HS_MUST_USE;
struct hs_err *lg_object_slice(struct lg_session *s, struct lg_value *v,
			       struct lg_value *const bound[3],
			       struct lg_value **ret) HS_MUST_USE;
/**
 * Calls fn with each text that [key] could have as its key, escaped and cut,
 * until it returns 0, which is then returned. Of a mapping of more than 10000
 * none: somebody waits.
 */
int lg_each_text_key(struct lg_session *s, const struct lg_value *v,
		     int (*fn)(void *arg, const char *text), void *arg);

/* set_of.c */
/** lg_to_set() in the instant in; *all: nothing was left out. */
struct hs_err *lg_to_set_in(struct lg_session *s, struct lg_instant *in,
			    struct lg_value *v, struct gr_set **ret, bool *all)
	HS_MUST_USE;
/**
 * Sets types[i] for each type of that name ("Account" is also any
 * "….Account"); *one: one of them. HS_ERR_NAME: there is none.
 */
struct hs_err *lg_types_named(struct md_model *m, const char *name, bool *types,
			      uint64_t *one) HS_MUST_USE;
/** "dict": what attribute tables are called in this runtime. Borrowed. */
const char *lg_table_word(struct md_model *m);
/** Every object of a type by its name in the Kind column; HS_ERR_NAME. */
struct hs_err *lg_set_of_name(struct lg_session *s, struct lg_instant *in,
			      const char *name, struct gr_set **ret)
	HS_MUST_USE;

/* across.c: operators between instants */
/**
 * Members of b as nodes of a's instant: same address, type and content. *b_all
 * is set when every member of b was found there.
 */
struct hs_err *lg_across(struct lg_session *s, struct lg_instant *a,
			 struct lg_value *b, struct gr_set **ret,
			 bool *b_all) HS_MUST_USE;
bool lg_same_object(struct lg_session *s, const struct lg_value *a,
		    const struct lg_value *b);

/* option.c, session.c */
uint64_t lg_setting_rows(const struct lg_session *s);
#endif
