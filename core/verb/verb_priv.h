/* SPDX-License-Identifier: Apache-2.0 */
/** What verbs share. Private to core/verb. */
#ifndef VB_VERB_PRIV_H
#define VB_VERB_PRIV_H

#include "text.h"
#include "vec.h"
#include "verb.h"

#define VB_VERB(name) extern const struct lg_verb vb_##name;
#include "verbs.def"
#undef VB_VERB

/* args.c: arguments that are objects */

/** Objects of one instant. */
struct vb_objects {
	struct lg_instant *in;	/* borrowed; NULL when there are none */
	HS_VEC(uint64_t) addr;
};
#define VB_OBJECTS HS_CLEANUP(vb_objects_deinit) struct vb_objects
void vb_objects_deinit(struct vb_objects *o);
/**
 * The objects that the call's arguments stand for, a set's members one by
 * one; None, True and False are the program's. HS_ERR_USAGE when they are
 * more than max, of several instants, or no objects.
 */
struct hs_err *vb_objects(const struct lg_call *call, uint64_t max,
			  struct vb_objects *ret) HS_MUST_USE;
enum { VB_MAX_LISTED = 10000 }; /* objects of which each is printed */

/** The same as nodes; a set's members are not listed for it. */
struct vb_nodes {
	struct lg_instant *in;	/* borrowed */
	struct gr_graph *g;	/* borrowed */
	struct gr_set *set;
};
#define VB_NODES HS_CLEANUP(vb_nodes_deinit) struct vb_nodes
void vb_nodes_deinit(struct vb_nodes *n);
struct hs_err *vb_nodes(const struct lg_call *call, struct vb_nodes *ret)
	HS_MUST_USE;

/**
 * The nodes of option name=(OBJ) or name=(SET), of the same instant; *ret stays
 * as it is when the option is not given. End with gr_set_unref().
 */
struct hs_err *vb_option_nodes(const struct lg_call *call,
			       struct lg_instant *in, const char *name,
			       struct gr_set **ret) HS_MUST_USE;

/** The same of exactly one object. (why.c) */
struct hs_err *vb_node(const struct lg_call *call, struct vb_nodes *nodes,
		       uint32_t *ret) HS_MUST_USE;

/** The object at addr, or a sentence that says why there is none. */
struct hs_err *vb_object_at(const struct lg_call *call, struct lg_instant *in,
			    uint64_t addr, struct md_object *ret) HS_MUST_USE;
/** Answers for objects->addr.v[i]; with: what the verb was told. */
typedef struct hs_err *vb_answer_fn(const struct lg_call *call,
				    const struct vb_objects *objects, size_t i,
				    const void *with, struct lg_value **ret);
/** One object's answer, or the list of those of several. */
struct hs_err *vb_answer_each(const struct lg_call *call,
			      const struct vb_objects *objects,
			      vb_answer_fn *answer, const void *with,
			      struct lg_value **ret) HS_MUST_USE;

/** OBJ…: objects, or sets of a few, of which each is answered for. */
extern const struct lg_arg vb_objects_args[];
/** OBJ…: objects or sets, which are answered for as a whole. */
extern const struct lg_arg vb_set_args[];

/** Text argument i, or NULL when it was not given. */
const char *vb_word(const struct lg_call *call, size_t i);

/* invoke.c */
/** call OBJ(ARG…): the verb's value is the text of what was answered. */
struct hs_err *vb_invoke(const struct lg_call *call, uint32_t cpu_ms,
			 struct lg_value **ret) HS_MUST_USE;
/* call.c */
/** Option limit: milliseconds. */
struct hs_err *vb_call_limit(const struct lg_call *call,
			     uint32_t *ret) HS_MUST_USE;
/** It returned, but could not do all that it wanted to. */
struct hs_err *vb_call_refused(const char *name, uint32_t n,
			       int number) HS_MUST_USE;

/* services.c */
/** The engine's services; HS_ERR_UNSUPPORTED when there is no engine. */
struct hs_err *vb_services(const struct lg_call *call,
			   const struct vb_services **ret) HS_MUST_USE;
/** Instant by name or number; NULL: the current one. Borrowed. */
struct hs_err *vb_instant(const struct lg_call *call, const char *which,
			  struct lg_instant **ret) HS_MUST_USE;

/* table.c */
/** New document "table"; columns "Name" left, "#Count" right; ends in NULL. */
json_t *vb_table(const char *const *columns);
/** Append an empty row and answer it (borrowed). */
json_t *vb_row(json_t *doc);
void vb_cell(json_t *row, json_t *value);
/** Foreign text, made valid. */
void vb_cell_text(json_t *row, const char *s);

/* profile.c */
/** What a verb of sizes with stats= prints before its numbers. */
enum vb_stats_of { VB_STATS_TOTAL, VB_STATS_EACH, VB_STATS_TREES };
/** Document "profile" when stats= is above 0; else *ret stays NULL. */
struct hs_err *vb_stats(const struct lg_call *call, enum vb_stats_of of,
			const struct vb_objects *objects,
			const struct an_size_options *o,
			struct lg_value **ret) HS_MUST_USE;
/**
 * profile_rules.c: tables of the rules by which it was sized, and of all that
 * the other tool has; w: columns of a number.
 */
void vb_stats_rules(struct hs_text *t, struct md_model *m,
		    const struct an_profile *p, int w);

/* size.c */
/** Options align, limit and code, which the deep sizes share. */
struct hs_err *vb_size_options(const struct lg_call *call,
			       struct an_size_options *ret) HS_MUST_USE;
/** Options of compat=, once it is known of whose objects. */
struct hs_err *vb_size_compat(const struct lg_call *call,
			      const struct vb_objects *objects,
			      struct an_size_options *o) HS_MUST_USE;
/** A name that the plugin of the model knows, or HS_ERR_NAME. */
struct hs_err *vb_check_compat(const struct lg_call *call, struct md_model *m,
			       const char *name,
			       struct md_compat *ret) HS_MUST_USE;
/* clang-format off */
#define VB_COMPAT_OPTION \
	{ .name = "compat", .kind = LG_ARG_OPTION, .values = "NAME", \
	  .help = "by another tool's rules: pympler. help compat" }
#define VB_SIZE_OPTIONS \
	{ .name = "align", .kind = LG_ARG_OPTION, .values = "N", \
	  .help = "round objects up to a multiple of N, a power of two; 8" }, \
	{ .name = "limit", .kind = LG_ARG_OPTION, .values = "N|none", \
	  .help = "follow references at most N deep; none, with compat 100" }, \
	{ .name = "code", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "count and follow classes, functions and modules, too; 0" }, \
	{ .name = "stats", .kind = LG_ARG_OPTION, .values = "0|1|2|3", \
	  .help = "1: the largest objects; 2: types, too; 3: sizes of types, " \
		  "too; 1.03: the three largest" }, \
	{ .name = "cutoff", .kind = LG_ARG_OPTION, .values = "N", \
	  .help = "stats=1: so many objects; 2, 3: percent of a type's row; " \
		  "10" }, \
	VB_COMPAT_OPTION, \
	{ .name = "clip", .kind = LG_ARG_OPTION, .values = "N", \
	  .help = "with compat: characters of an object's text; 80, 0 all" }, \
	{ .name = "frames", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "with compat: count frames, too; 0" }, \
	{ .name = "ignored", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "with compat: leave out built-in types and functions; 1" }, \
	{ .name = "infer", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "with compat: what has a dict's methods is one; 0" }, \
	{ .name = "derive", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "with compat: as the one known base; changes no size; 0" }
#define VB_ABOVE_OPTION \
	{ .name = "above", .kind = LG_ARG_OPTION, .values = "SIZE", \
	  .help = "with stats: rank only what is larger, with all below it; " \
		  "1k" }
/* clang-format on */

/* edge.c */
/** Strong edges of one object that are content, with labels made. */
struct vb_edges {
	struct md_edge *v;
	size_t n;
};
#define VB_EDGES HS_CLEANUP(vb_edges_deinit) struct vb_edges
void vb_edges_deinit(struct vb_edges *e);
struct hs_err *vb_edges(const struct lg_call *call, struct lg_instant *in,
			uint64_t addr, struct vb_edges *ret) HS_MUST_USE;
enum { VB_VALUE_COLUMNS = 60 };	/* of an object's text in a row */
/** Cells type, address and text of an object. */
void vb_object_cells(struct md_model *m, json_t *row, uint64_t addr);

/* path_view.c */
/**
 * A view of paths; takes p over. page: paths at once. src: they begin at "Src",
 * which the user has named.
 */
struct lg_value *vb_paths(struct lg_instant *in, struct an_paths *p,
			  size_t page, char *note, bool src);
/**
 * "h.Root.globals['cache']", escaped; the middle of a
 * long one is left out. steps: NULL, or gets [{edge, address, type}]. free().
 */
char *vb_path_text(struct md_model *m, const struct an_paths *p,
		   const struct an_path *path, json_t *steps);
/** Why there is no path: "not reachable from any root; …". free(). */
struct hs_err *vb_no_path(const struct lg_call *call, struct gr_set *set,
			  char **ret) HS_MUST_USE;

/** "<1 dict of module: {'a': 1}>". free(). */
char *vb_brief(struct md_model *m, const struct gr_graph *g, uint32_t id);
/** "[3]", "['key']": the nth edge between two nodes. free(). */
char *vb_edge_label(struct md_model *m, const struct gr_graph *g,
		    uint32_t from, uint32_t to, uint32_t nth);

/* rp_paths.c */
/**
 * Heapy's rp.paths(): how the objects of a row of a pattern come to the set,
 * object by object. Makes at most some thousand lines.
 */
struct vb_rp_paths_of {
	const struct an_pattern *p;
	uint32_t row;
	/* andsets=: what is looked at of the row, of the one that it hangs on,
	   and so on; NULL: all of it. */
	struct gr_set *const *sets;
	size_t n_sets;
};
struct hs_err *vb_rp_paths(struct lg_instant *in,
			   const struct vb_rp_paths_of *of,
			   struct hs_task *task,
			   struct lg_value **ret) HS_MUST_USE;

/* tree_doc.c */
enum { VB_TREE_COLUMNS = 80 };	/* Heapy's, guppy3 3.1.7, RefPat.py */
struct vb_tree {
	const char *title;
	bool cut;		/* there is more than was looked at */
	json_t *(*row)(struct md_model *m, const void *data, uint64_t i);
	const void *data;
};
/** Rows first to end - 1 of a view as a document "tree". */
struct hs_err *vb_tree_doc(struct lg_session *s, struct lg_value *v,
			   const struct vb_tree *tree, uint64_t first,
			   uint64_t end, json_t **ret) HS_MUST_USE;

/* graphviz.c */
/**
 * A graph to a new file: drawn by dot(1) when its name ends in .svg, .png, …,
 * else as it is. An existing file is left alone.
 */
struct hs_err *vb_dot_to_file(const struct lg_call *call, const char *path,
			      const struct hs_text *t) HS_MUST_USE;

/* summary.c */
/** The summary of a whole instant, kept with it. Borrowed. */
struct hs_err *vb_summary_of(const struct lg_call *call, struct lg_instant *in,
			     const struct an_summary **ret) HS_MUST_USE;
/** Table of a summary in the order that the call's options say. */
struct hs_err *vb_summary_table(const struct lg_call *call,
				struct lg_instant *in,
				const struct an_summary *sum, bool diff,
				struct lg_value **ret) HS_MUST_USE;
/* clang-format off */
#define VB_SUMMARY_OPTIONS \
	{ .name = "limit", .kind = LG_ARG_OPTION, .values = "N|all", \
	  .help = "rows that are shown at once; 15" }, \
	{ .name = "sort", .kind = LG_ARG_OPTION, .values = "size|type|count", \
	  .help = "column that orders the rows; size" }, \
	{ .name = "order", .kind = LG_ARG_OPTION, \
	  .values = "descending|ascending", \
	  .help = "direction of the order; descending" }, \
	{ .name = "filter", .kind = LG_ARG_OPTION, .values = "TEXT", \
	  .help = "only types that have it, in any case" }
/* clang-format on */

/* topic.c */
/** A topic of help. */
struct vb_topic {
	const char *name, *summary, *text;
	const char *tables[4];	/* of lg_words_of(), printed below text */
};
/** Row i, or NULL past the last. */
const struct vb_topic *vb_topic(size_t i);
#endif
