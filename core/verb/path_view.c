// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

#include <inttypes.h>

/* Paths in Heapy's words. Labels are made for what is shown and never kept. */

enum {
	NAME_COLUMNS = 32,	/* of an object's text at the start of a path */
	STEPS_SHOWN = 256,	/* a list that is linked by a million nodes */
};

static uint64_t addr_of(const struct an_paths *p, uint32_t id)
{
	return gr_addr(an_paths_graph(p), id);
}

char *vb_brief(struct md_model *m, const struct gr_graph *g, uint32_t id)
{
	HS_FREE char *kind =
		md_kind_name(m, gr_type(g, id), gr_owner_type(g, id));
	HS_FREE char *text = md_render(m, gr_addr(g, id), HEAPSH_RENDER_SHORT,
				       NAME_COLUMNS);

	return hs_xasprintf("<1 %s: %s>", kind, text);
}

char *vb_edge_label(struct md_model *m, const struct gr_graph *g,
		    uint32_t from, uint32_t to, uint32_t nth)
{
	struct md_edge e;

	if (md_edge_to(m, gr_addr(g, from), gr_addr(g, to), nth, &e))
		return md_label(m, &e.e);
	return hs_xstrdup(".??");
}

static const struct gr_root *root_of(const struct an_paths *p,
				     const struct an_path *path)
{
	const struct gr_root *roots;
	size_t n = gr_roots(an_paths_graph(p), &roots);

	return path->root < n ? &roots[path->root] : NULL;
}

/* Names of threads' variables can be typed; of the others Heapy's Root. */
static void add_start(struct hs_text *t, struct md_model *m,
		      const struct an_paths *p, const struct an_path *path,
		      bool src)
{
	const struct gr_root *root = root_of(p, path);
	HS_FREE char *text = NULL;

	if (src) {
		hs_text_add(t, "Src");
		return;
	}
	if (root) {
		if (!(root->flags & HEAPSH_ROOT_LOCAL))
			hs_text_add(t, "h.Root.");
		hs_text_escape(t, root->name, strlen(root->name));
		return;
	}
	text = vb_brief(m, an_paths_graph(p), path->first);
	hs_text_addf(t, "%s%s", text,
		     an_paths_from_roots(p) ? " (held by C)" : "");
}

static void add_step(struct hs_text *t, struct md_model *m,
		     const struct an_paths *p, const struct an_hop *hop,
		     json_t *steps)
{
	struct gr_graph *g = an_paths_graph(p);
	HS_FREE char *label = vb_edge_label(m, g, hop->from, hop->to,
					    hop->nth);
	json_t *step;

	if (*label >= 'a' && *label <= 'z') // "list(set)[0]"
		hs_text_addc(t, '.');
	hs_text_add(t, label);
	if (!steps)
		return;
	step = json_object();
	wr_set_text(step, "edge", label, strlen(label));
	json_object_set_new(step, "address", wr_addr(addr_of(p, hop->to)));
	wr_set_text(step, "type", md_type(m, gr_type(g, hop->to))->name,
		    strlen(md_type(m, gr_type(g, hop->to))->name));
	json_array_append_new(steps, step);
}

static void add_gap(struct hs_text *t, size_t n, json_t *steps)
{
	json_t *step = json_object();

	hs_text_addf(t, "… %zu more …", n);
	json_object_set_new(step, "skipped", wr_u64(n));
	if (steps)
		json_array_append(steps, step);
	json_decref(step);
}

static char *path_text(struct md_model *m, const struct an_paths *p,
		       const struct an_path *path, bool src, json_t *steps)
{
	struct hs_text t = { 0 };
	size_t i;

	add_start(&t, m, p, path, src);
	for (i = 0; i < path->n; i++) {
		if (i == STEPS_SHOWN / 2 && path->n > STEPS_SHOWN) {
			add_gap(&t, path->n - STEPS_SHOWN, steps);
			i = path->n - STEPS_SHOWN / 2;
		}
		add_step(&t, m, p, &path->hops[i], steps);
	}
	return hs_text_take(&t);
}

char *vb_path_text(struct md_model *m, const struct an_paths *p,
		   const struct an_path *path, json_t *steps)
{
	return path_text(m, p, path, false, steps);
}

struct hs_err *vb_no_path(const struct lg_call *call, struct gr_set *set,
			  char **ret)
{
	uint32_t n = gr_set_count(set);
	struct gr_set *island;
	struct hs_err *err;

	if (!n) {
		*ret = hs_xstrdup("the set is empty");
		return NULL;
	}
	err = an_island(set, call->task, &island);
	if (err)
		return err;
	*ret = hs_xasprintf("not reachable from any root; %" PRIu64
			    " bytes in %s",
			    gr_set_held(island),
			    n == 1 ? "its cycle" : "their cycles");
	gr_set_unref(island);
	return NULL;
}

/* --- the view ------------------------------------------------------------- */

struct paths {
	struct an_paths *p;
	size_t page;
	char *note;
	bool src;
};

static uint64_t rows(void *data)
{
	return an_paths_count(((struct paths *)data)->p);
}

static void destroy(void *data)
{
	struct paths *v = data;

	an_paths_destroy(v->p);
	free(v->note);
	free(v);
}

static const struct lg_view_ops ops;

static const char *source_word(const struct an_paths *p,
			       const struct an_path *path)
{
	const struct gr_root *root = root_of(p, path);

	if (root)
		return root->flags & HEAPSH_ROOT_LOCAL ? "local" : "root";
	return an_paths_from_roots(p) ? "C" : "object";
}

static json_t *path_doc(struct md_model *m, const struct paths *d,
			const struct an_path *path, uint64_t i)
{
	const struct an_paths *p = d->p;
	const struct gr_root *root = root_of(p, path);
	json_t *doc = json_object(), *steps = json_array();
	HS_FREE char *text = path_text(m, p, path, d->src, steps);
	const char *name = root ? root->name : "";

	json_object_set_new(doc, "index", wr_u64(i));
	json_object_set_new(doc, "source", json_string(source_word(p, path)));
	wr_set_text(doc, "root", name, strlen(name));
	json_object_set_new(doc, "address", wr_addr(addr_of(p, path->first)));
	wr_set_text(doc, "text", text, strlen(text));
	json_object_set_new(doc, "steps", steps);
	return doc;
}

static struct hs_err *doc(struct lg_session *s, struct lg_value *v,
			  uint64_t first, uint64_t end, json_t **ret)
{
	const struct paths *d = lg_view_data(v, &ops);
	struct md_model *m = lg_instant_model(lg_instant_of(v), s->task);
	json_t *out = wr_doc_create("paths"), *list = json_array();
	struct hs_err *err = NULL;

	json_object_set_new(out, "count", wr_u64(an_paths_count(d->p)));
	json_object_set_new(out, "paths", list);
	if (d->note)
		wr_set_text(out, "note", d->note, strlen(d->note));
	for (; first < end && !err; first++) {
		struct an_path path;

		err = an_paths_get(d->p, first, s->task, &path);
		if (err)
			break;
		json_array_append_new(list, path_doc(m, d, &path, first));
		free(path.hops);
		err = hs_check_cancel(s->task);
	}
	if (err)
		json_decref(out);
	else
		*ret = out;
	return err;
}

/* The objects that a path leads through. */
static struct hs_err *item(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_value **ret)
{
	const struct paths *d = lg_view_data(v, &ops);
	struct gr_graph *g = an_paths_graph(d->p);
	struct an_path path;
	struct hs_err *err = an_paths_get(d->p, i, s->task, &path);
	struct gr_set *set;
	uint32_t *ids;
	size_t k;

	if (err)
		return err;
	ids = hs_xcalloc(path.n + 1, sizeof(*ids));
	ids[0] = path.first;
	for (k = 0; k < path.n; k++)
		ids[k + 1] = path.hops[k].to;
	err = gr_set_of(g, ids, path.n + 1, &set);
	free(ids);
	free(path.hops);
	if (err)
		return err;
	*ret = lg_set(lg_instant_of(v), set, AN_BY_ID);
	gr_set_unref(set);
	return NULL;
}

/* --- attributes ----------------------------------------------------------- */

enum { MAX_LEVELS = 64, MAX_SETS = 1000 };

static struct hs_err *avoided(struct lg_session *s, struct lg_value *v,
			      struct lg_value *const *args, size_t n,
			      struct lg_value **ret)
{
	const struct paths *d = lg_view_data(v, &ops);
	int64_t levels[MAX_LEVELS];
	struct an_paths *next;
	struct hs_err *err;
	size_t i;

	if (!n || n > MAX_LEVELS)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"avoided takes levels of "
						"edges: 0 is the first, -1 "
						"the last"),
				     "_.avoided(-1)");
	for (i = 0; i < n; i++) {
		if (lg_kind(args[i]) != LG_INT)
			return hs_err_new(HS_ERR_USAGE,
					  "avoided: a level is a number");
		levels[i] = lg_as_int(args[i]);
	}
	err = an_paths_avoiding(d->p, levels, n, s->task, &next);
	if (!err)
		*ret = vb_paths(lg_instant_of(v), next, d->page,
				an_paths_count(next) ?
					NULL :
					hs_xstrdup("there is no other way"),
				d->src);
	return err;
}

/* The objects that the paths meet at a level. */
static struct hs_err *level(struct lg_value *v, size_t i,
			    struct lg_value **ret)
{
	const struct paths *d = lg_view_data(v, &ops);
	struct gr_set *set;
	struct hs_err *err = an_paths_level(d->p, i, &set);

	if (err)
		return err;
	*ret = lg_set(lg_instant_of(v), set, AN_BY_CLODO);
	gr_set_unref(set);
	return NULL;
}

static struct hs_err *levels_of(struct lg_value *v, struct lg_value **ret)
{
	const struct paths *d = lg_view_data(v, &ops);
	size_t n = an_paths_levels(d->p), i, made = 0;
	struct lg_value **sets;
	struct hs_err *err = NULL;

	if (n > MAX_SETS)
		return hs_err_new(HS_ERR_USAGE, "a list of %zu sets: at most "
						"%d",
				  n, MAX_SETS);
	sets = hs_xcalloc(n + 1, sizeof(struct lg_value *));
	for (i = 0; i < n && !err; i++) {
		err = level(v, i, &sets[i]);
		made += !err;
	}
	if (!err)
		*ret = lg_list(sets, n);
	while (made)
		lg_unref(sets[--made]);
	free(sets);
	return err;
}

static struct hs_err *attr(struct lg_session *s, struct lg_value *v,
			   const char *name, const struct lg_inner *with,
			   struct lg_value **ret)
{
	const struct paths *d = lg_view_data(v, &ops);
	size_t n = with->n_args;

	if (!strcmp(name, "avoided") ||
	    !strcmp(name, "copy_but_avoid_edges_at_levels"))
		return avoided(s, v, with->args, n, ret);
	if (!strcmp(name, "numpaths") && !n)
		*ret = lg_int(rows((void *)d) > INT64_MAX ?
				      INT64_MAX :
				      (int64_t)rows((void *)d));
	if (!strcmp(name, "maxpaths") && !n)
		*ret = lg_int((int64_t)d->page);
	if (!strcmp(name, "Src") && !n)
		return level(v, 0, ret);
	if (!strcmp(name, "Dst") && !n)
		*ret = lg_set(lg_instant_of(v), an_paths_to(d->p),
			      AN_BY_CLODO);
	return strcmp(name, "sets") || n ? NULL : levels_of(v, ret);
}

static const struct lg_word attrs[] = {
	{ "avoided", "next best paths: avoided(LEVEL, …) takes none of the "
		     "edges at these levels; 0 is the first, -1 the last" },
	{ "numpaths", "number of paths" },
	{ "maxpaths", "paths that are shown at once" },
	{ "Src", "the objects that the paths begin at" },
	{ "Dst", "the objects that were asked for" },
	{ "sets", "the objects of each level, as a list of sets" },
	{ NULL, NULL },
};

/* guppy3 3.1.7, Path.py; its values are graphs of its own. */
static const struct lg_word elsewhere[] = {
	{ "edges", "_.sets has the objects of each level, and the rows name "
		   "the edges between them" },
	{ "edges_at", "_.avoided(LEVEL): ways without the edges of a level" },
	{ "numpaths_from", "sp DST src=(SRC), and its .numpaths" },
	{ "aslist", "_.all" },
	{ "iter", "_.more goes on, _[N] has the objects of row N" },
	{ "IG", "_.sets" },
	{ "G", "_.sets" },
	{ NULL, NULL },
};

static const struct lg_view_ops ops = {
	.words = "paths",
	.elsewhere = elsewhere,
	.attrs = attrs,
	.rows = rows,
	.doc = doc,
	.item = item,
	.attr = attr,
	.destroy = destroy,
};

struct lg_value *vb_paths(struct lg_instant *in, struct an_paths *p,
			  size_t page, char *note, bool src)
{
	struct paths *d = hs_xalloc(sizeof(*d));

	d->p = p;
	d->page = page;
	d->note = note;
	d->src = src;
	return lg_view(in, &ops, d, page);
}
