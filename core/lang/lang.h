/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lang: values, grammar, evaluation (language.md section 2). Sees verbs only
 * as a table of records, the session only as struct lg_session.
 *
 * Ownership: functions borrow their arguments and return a new reference,
 * without exception. Values are immutable once returned.
 */
#ifndef LG_LANG_H
#define LG_LANG_H

#include "err.h"
#include "map.h"
#include "task.h"

#include "doc.h"
#include "analysis.h"
#include "graph.h"
#include "model.h"

/* --- instants ------------------------------------------------------------ */

/**
 * One moment of one process. The engine makes it; values keep it alive. The
 * graph is built on first use; after release what is in memory answers.
 */
struct lg_instant {
	unsigned refs;
	unsigned number;		/* @2; from 1 */
	char *name;			/* of snap NAME, or NULL */
	struct md_model *model;		/* never NULL */
	/** The clone is gone: what is in memory answers. */
	bool released;
	/** Its pages, or some of them, are in memory: reads go on. */
	bool kept;
	struct im_image *image;		/* owned by the engine's hook below */
	struct gr_graph *graph;		/* NULL until gr_build */
	unsigned n_views;		/* listings that look into its rows */
	struct an_summary *summary;	/* of verb summary; outlives release */
	uint64_t taken_ns;		/* CLOCK_REALTIME */
	json_t *attached;		/* its "attached" document */
	/** Ends what its maker holds (model, image, clone) and frees in.
	 *  lang has freed name, graph, summary and attached before. */
	void (*destroy)(struct lg_instant *in, void *arg);
	void *destroy_arg;
};
struct lg_instant *lg_instant_ref(struct lg_instant *in);
void lg_instant_unref(struct lg_instant *in);
/** The model, its task set to this command's. Borrowed. */
struct md_model *lg_instant_model(struct lg_instant *in, struct hs_task *task);
/** Whether the program's bytes at that moment can be read. */
static inline bool lg_instant_readable(const struct lg_instant *in)
{
	return !in->released || in->kept;
}
/** HS_ERR_FAULT, with a sentence, when they cannot. */
struct hs_err *lg_check_bytes(const struct lg_instant *in) HS_MUST_USE;
/** The graph, swept on first use. HS_ERR_FAULT when it is not readable. */
struct hs_err *lg_instant_graph(struct lg_instant *in, struct hs_task *task,
				struct gr_graph **ret) HS_MUST_USE;

/* --- values --------------------------------------------------------------- */

enum lg_kind {
	LG_NONE, LG_BOOL, LG_INT, LG_FLOAT, LG_TEXT, LG_RAW /* b'…' */,
	LG_BYTES,	/* a number of bytes: i */
	LG_LIST,	/* (1, 2): also what asizesof answers */
	LG_OBJECT,	/* of the program */
	LG_SET,		/* of nodes, with a partition and a window of rows */
	LG_TABLE,	/* any ready document; its rows can be paged through */
	LG_WORDS,	/* a sentence for people; `_` keeps its value */
	LG_NAMESPACE,	/* threads, threads[0], frames[1], …: see lg_class */
	LG_VIEW,	/* what a verb shows page by page: struct lg_view_ops */
	LG_RELATION,	/* Type, Clodo & Rcs: what .by() takes */
	LG_MAPROX,	/* SET.maprox: its .name is of every member */
	LG_KINDS,	/* findex(A, B), SET.biper, Clodo.sokind(A)(B) */
};
struct lg_value;
struct lg_value *lg_ref(struct lg_value *v);
void lg_unref(struct lg_value *v);	/* NULL is fine */
static inline void lg_unref_p(struct lg_value **v)
{
	lg_unref(*v);
}
#define LG_GUARD HS_CLEANUP(lg_unref_p) struct lg_value *
enum lg_kind lg_kind(const struct lg_value *v);

struct lg_value *lg_none(void);
struct lg_value *lg_bool(bool b);
struct lg_value *lg_int(int64_t i);
struct lg_value *lg_float(double f);
struct lg_value *lg_text(const char *s, size_t n);
struct lg_value *lg_bytes(uint64_t n);
/** A number of bytes that is of the nearest known base: "approximate". */
struct lg_value *lg_bytes_about(uint64_t n);
struct lg_value *lg_words(const char *fmt, ...) HS_PRINTF(1, 2);
struct lg_value *lg_list(struct lg_value *const *items, size_t n);
struct lg_value *lg_object(struct lg_instant *in, uint64_t addr);
/** A set of the instant, its first rows (setting "rows"). Borrows set. */
struct lg_value *lg_set(struct lg_instant *in, struct gr_set *set,
			enum an_relation by);
/** What .by() takes. */
struct lg_value *lg_relation(enum an_relation by);
/**
 * Ready document with "rows": .more, .prev, .top, .all and [i] work on it.
 * Takes doc over.
 */
struct lg_value *lg_table(struct lg_instant *in, json_t *doc);
/**
 * The same with a page of its own (rows; 0: the setting), and with the object
 * that each row stands for: addr has one address a row, or is NULL. Then [i]
 * is that object. Copies addr.
 */
struct lg_value *lg_table_of(struct lg_instant *in, json_t *doc, size_t page,
			     const uint64_t *addr);

/**
 * A view: rows that are made when they are shown. Its maker is a verb. The
 * instant's model has its task set when these are called.
 */
struct lg_word;
struct lg_session;
struct lg_inner;
struct lg_view_ops {
	const char *words;		/* "paths", for messages */
	const struct lg_word *attrs;	/* of its own; ends with NULL */
	bool apart;		/* no call of its looks into rows, depths, … */
	uint64_t (*rows)(void *data);
	/** Rows first to end - 1 as a document, without "first" and "more". */
	struct hs_err *(*doc)(struct lg_session *s, struct lg_value *v,
			      uint64_t first, uint64_t end, json_t **ret);
	/** Row i; may be NULL. */
	struct hs_err *(*item)(struct lg_session *s, struct lg_value *v,
			       uint64_t i, struct lg_value **ret);
	/** .name or .name(args); *ret stays NULL: unknown. May be NULL. */
	struct hs_err *(*attr)(struct lg_session *s, struct lg_value *v,
			       const char *name, const struct lg_inner *with,
			       struct lg_value **ret);
	/** Names of options that some of them take; NULL, or ends with NULL. */
	const char *const *options;
	/** What another tool has there: a name, and what to type instead. */
	const struct lg_word *elsewhere;
	void (*destroy)(void *data);
};
/**
 * Takes data over, and a reference of in, which must not be NULL. page: rows
 * that are shown at once; 0: the setting.
 */
struct lg_value *lg_view(struct lg_instant *in, const struct lg_view_ops *ops,
			 void *data, size_t page);
/** The data of a view with these ops, or NULL. Borrowed. */
void *lg_view_data(const struct lg_value *v, const struct lg_view_ops *ops);

/** What a set is shown by; AN_BY_CLODO for what is no set. */
enum an_relation lg_set_relation(const struct lg_value *v);

/** Valid when lg_kind says so; else 0, NULL. Borrowed. */
int64_t lg_as_int(const struct lg_value *v);	/* INT, BOOL, BYTES */
double lg_as_float(const struct lg_value *v);	/* INT, FLOAT */
const char *lg_as_text(const struct lg_value *v, size_t *n); /* n or NULL */
uint64_t lg_as_address(const struct lg_value *v);
struct lg_instant *lg_instant_of(const struct lg_value *v);
struct gr_set *lg_as_set(const struct lg_value *v);
size_t lg_items(const struct lg_value *v, struct lg_value *const **ret);

struct lg_session;
/** The document of a value (the window of a set; never the whole heap). */
struct hs_err *lg_doc(struct lg_session *s, struct lg_value *v, json_t **ret)
	HS_MUST_USE;

/** The current instant, borrowed. HS_ERR_USAGE: nothing is attached. */
struct hs_err *lg_current(struct lg_session *s, struct lg_instant **ret)
	HS_MUST_USE;
/** The value of a set word ("threads"). HS_ERR_NAME when there is none. */
struct hs_err *lg_word_value(struct lg_session *s, const char *name,
			     struct lg_value **ret) HS_MUST_USE;
/**
 * The nodes that a value stands for beside a set operator: of a set its own,
 * of a class its kind, of any other object itself. HS_ERR_USAGE for the rest.
 */
struct hs_err *lg_to_set(struct lg_session *s, struct lg_value *v,
			 struct gr_set **ret) HS_MUST_USE;

/* --- verbs ---------------------------------------------------------------- */

enum lg_arg_kind {
	LG_ARG_VALUE,		/* postfix expression, evaluated */
	LG_ARG_NUMBER,		/* as VALUE, but a bare 0x… is a number,
				   not an object */
	LG_ARG_CALL,		/* as VALUE, but OBJ(ARG…) is taken apart: the
				   value is OBJ, the rest lg_call.inner */
	LG_ARG_WORD,		/* bare word up to a blank, not evaluated */
	LG_ARG_FILE,		/* a path: as WORD; completes file names */
	LG_ARG_INSTANT,		/* name or number of a snapshot */
	LG_ARG_CLASS,		/* dotted type name, not evaluated */
	LG_ARG_REST,		/* rest of the line as it is (help text) */
	LG_ARG_OPTION,		/* name=value; in options[] */
	LG_ARG_SETTING,		/* as WORD; completes settings */
	LG_ARG_VERB,		/* as REST; completes verbs and topics */
};
struct lg_arg {
	const char *name;	/* "OBJ"; of an option: "detail" */
	enum lg_arg_kind kind;
	bool optional, many;	/* many: last one repeats */
	const char *values;	/* option: "size|type", "N", "0|1", "SIZE" */
	const char *help;	/* one line */
	bool compares;		/* option: also != < <= > >= ~ !~ */
};

struct lg_option {
	const char *name;
	const char *op;		/* "=", "!=", "<", "<=", ">", ">=", "~", "!~" */
	struct lg_value *value;	/* bare words are LG_TEXT */
};

/** Arguments of an LG_ARG_CALL. */
struct lg_inner {
	/* Where OBJ was written as SELF.NAME, both of an object: */
	struct lg_value *self;		/* or NULL */
	const char *name;
	char *words;			/* OBJ as it was typed, if a dotted
					   name; or NULL */
	struct lg_value **args;
	size_t n_args;
	struct lg_option *options;	/* NAME=value: op is always "=", and
					   the value an expression's */
	size_t n_options;
};

/** What a verb is called with. Borrowed for the call. */
struct lg_call {
	struct lg_session *session;
	const struct lg_verb *verb;
	struct hs_task *task;
	struct lg_value *const *args;	/* WORD, FILE, CLASS, REST: LG_TEXT */
	size_t n_args;
	const struct lg_option *options;
	size_t n_options;
	/** Of the argument that is an LG_ARG_CALL; NULL: no ( ) were there. */
	const struct lg_inner *inner;
};

enum lg_verb_flags {
	LG_VERB_NO_RESULT = 1,	/* `_` keeps its value (help, set, …) */
	LG_VERB_NO_TARGET = 2,	/* works without an attached process */
	LG_VERB_LISTS = 8,	/* answers with rows, and has the options
				   LG_LISTING_OPTIONS */
	LG_VERB_OF_SETS = 4,	/* also SET.name and SET.name(…): the set is
				   the first argument */
};

/* Options of every verb that answers with rows; listing.c applies them. */
/* clang-format off */
#define LG_LISTING_OPTIONS \
	{ .name = "limit", .kind = LG_ARG_OPTION, .values = "N|all", \
	  .help = "rows that are shown at once" }, \
	LG_LISTING_REST
/** The same for verbs that show few at first. */
#define LG_LISTING_15 \
	{ .name = "limit", .kind = LG_ARG_OPTION, .values = "N|all", \
	  .help = "rows that are shown at once; 15" }, \
	LG_LISTING_REST
#define LG_LISTING_REST \
	{ .name = "sort", .kind = LG_ARG_OPTION, .values = "COLUMN", \
	  .help = "by which column: in_cycles; numbers descend" }, \
	{ .name = "order", .kind = LG_ARG_OPTION, \
	  .values = "descending|ascending", \
	  .help = "direction of sort=" }, \
	{ .name = "filter", .kind = LG_ARG_OPTION, .values = "TEXT", \
	  .help = "only rows that have it, in any case" }
/* clang-format on */
extern const struct lg_arg lg_listing_options[];	/* these alone */

/**
 * One verb: one file, one const record. A name of two words ("track diff") is
 * found before its first word alone; its call form is track_diff(…).
 */
struct lg_verb {
	const char *name;
	const struct lg_arg *args;	/* ends with name NULL; may be NULL */
	const struct lg_arg *options;	/* same */
	uint32_t flags;
	const char *summary;	/* one line, no stop */
	const char *help;	/* paragraphs */
	const char *examples;	/* one a line: "asized obj detail=2" */
	/** *ret may stay NULL: nothing to print. */
	struct hs_err *(*run)(const struct lg_call *call,
			      struct lg_value **ret);
};
/**
 * Option helpers: default when absent; HS_ERR_USAGE names option and values.
 */
struct hs_err *lg_opt_u64(const struct lg_call *c, const char *name,
			  uint64_t def, uint64_t *ret) HS_MUST_USE;
struct hs_err *lg_opt_bool(const struct lg_call *c, const char *name, bool def,
			   bool *ret) HS_MUST_USE;
/** Size ("64k") or number. "none" answers UINT64_MAX. */
struct hs_err *lg_opt_size(const struct lg_call *c, const char *name,
			   uint64_t def, uint64_t *ret) HS_MUST_USE;
/** One of the words in the option's values ("a|b"): answers its index. */
struct hs_err *lg_opt_word(const struct lg_call *c, const char *name,
			   unsigned def, unsigned *ret) HS_MUST_USE;
const char *lg_opt_text(const struct lg_call *c, const char *name);
/** "asized OBJ… [align=N] [detail=N]". free(). */
char *lg_usage(const struct lg_verb *verb);

/* --- session ------------------------------------------------------------- */

/** A setting: row of a const table with its help. */
struct lg_setting {
	const char *name;	/* "rows" */
	const char *values;	/* "N", "SIZE", "TIME", "on|off" */
	const char *def;
	const char *help;
};

/**
 * What the language keeps between lines. Made by the engine, which fills the
 * members above the line; lang fills those below.
 */
struct lg_session {
	const struct lg_verb *const *verbs;
	size_t n_verbs;
	const struct lg_setting *settings;
	size_t n_settings;
	struct lg_instant *current;	/* reference, or NULL */
	struct hs_task *task;
	void *services;		/* struct vb_services of core/verb/verb.h */
	/** Show a part of the line's document before the rest is made; doc is
	 *  taken over. NULL: all documents are whole. */
	struct hs_err *(*part)(void *arg, json_t *doc);
	void *part_arg;
	/* ------------------------------------------------------------- */
	struct hs_strmap variables;	/* name → struct lg_value * */
	struct hs_strmap values;	/* setting → char * */
	struct lg_value *last;		/* _ */
	struct hs_map results;		/* _N: line → struct lg_value *; those
					   of the last LG_RESULTS lines */
	unsigned line;			/* number of the last line */
	struct lg_instant *tracked;	/* of "track": reference, or NULL */
	struct lg_value *reference;	/* of "setref": a set, or NULL */
};
enum { LG_RESULTS = 256 };
void lg_session_init(struct lg_session *s);
void lg_session_deinit(struct lg_session *s);
/** Text of a setting; never NULL for one of the table. */
const char *lg_setting(const struct lg_session *s, const char *name);
/** Store a setting; HS_ERR_USAGE for a name or value that is not possible. */
struct hs_err *lg_set_setting(struct lg_session *s, const char *name,
			      const char *value) HS_MUST_USE;
/** Set words, set attributes: the tables behind help and completion. */
struct lg_word {
	const char *name, *help;
};
/** Row i of a table, or NULL past its end. of: "words", "set", "table",
 *  "relations", "threads", "thread", "frame", "functions". */
const struct lg_word *lg_words_of(const char *of, size_t i);

/** Document "set" with all rows of a set; HS_ERR_USAGE above 100000. */
struct hs_err *lg_stat_doc(struct lg_session *s, struct lg_value *set,
			   json_t **ret) HS_MUST_USE;
/**
 * Record number `record` (from 0) of a file of statistics, as Heapy's dump()
 * and SET.dump() write it. HS_ERR_FORMAT says which line is wrong.
 */
struct hs_err *lg_stat_load(const char *path, uint64_t record,
			    struct lg_value **ret) HS_MUST_USE;

/**
 * Run one command (no `;`, pipe or redirection: the shell has cut those off).
 * number: of the line, for _N. *ret is the result's document, or NULL when
 * there is nothing to print. A syntax error carries column: bytes of line.
 */
struct hs_err *lg_run(struct lg_session *s, const char *line, unsigned number,
		      json_t **ret) HS_MUST_USE;
/**
 * Completions at byte `point` of line: {start, words: [{text, help}]}: verbs,
 * options, setting names, set attributes, names in the program. "files": true
 * is added where the name of a file is expected.
 */
json_t *lg_complete(struct lg_session *s, const char *line, size_t point);
#endif
