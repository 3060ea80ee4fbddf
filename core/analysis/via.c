// SPDX-License-Identifier: Apache-2.0
// By the names of the references that lead to an object. Labels are read once,
// by the sweep; what each object has of them is a number that grows from set
// to set of labels, so that an object costs four bytes and an edge a look at a
// table.
//
//	set of the target ----(label)----> set with it
//
// Folded: which item of a sequence it is does not matter ([*]), nor which key
// of a large table that is nobody's attributes: a cache of a million keys
// would be a million rows.
#include "analysis_priv.h"

#include <pthread.h>

#include "map.h"
#include "text.h"

enum {
	BATCH = 4096,		/* edges that a thread keeps before it tells */
	RECORD = 200,		/* references of a table whose keys are names */
	MAX_LABELS = 1 << 20,	/* different ones; more fold to [*] */
	MAX_SET = 64,		/* labels of one object; more fold to "…" */
	MANY = 0,		/* the label that stands for the rest */
};

struct fact {
	uint64_t a;		/* address of a name, or a static text */
	uint32_t target;
	uint8_t label, b;
};

struct via {
	struct gr_graph *g;
	struct gr_set *set;
	pthread_mutex_t lock;	/* for all that follows */
	struct hs_map number;	/* hash of a label → its number */
	HS_VEC(struct heapsh_edge) labels;	/* an example of each */
	struct an_lists lists;	/* of labels */
	struct hs_map next;	/* list << 32 | label → list */
	uint32_t *list;		/* by node: number of its list */
	struct {
		struct fact v[BATCH];
		unsigned n;
	} *batch[GR_MAX_THREADS];
	/* once all is read: */
	char **text;		/* by label, each text once */
	uint32_t *text_of, n_texts;
	struct an_lists shown;	/* of texts */
};

/* --- reading -------------------------------------------------------------- */

static bool names_are_keys(const struct via *v, uint32_t source)
{
	const uint32_t *out;

	return gr_owner_type(v->g, source) != GR_NONE ||
	       gr_out(v->g, source, &out) <= RECORD;
}

/* What of an edge makes it another relation. */
static struct fact fold(const struct via *v, uint32_t source, uint32_t target,
			const struct heapsh_edge *e)
{
	struct fact f = { .target = target, .label = (uint8_t)e->label };

	switch ((enum heapsh_label)e->label) {
	case HEAPSH_LABEL_VALUE:
		if (names_are_keys(v, source))
			f.a = e->a;
		else
			f.label = HEAPSH_LABEL_INDEX;
		break;
	case HEAPSH_LABEL_ATTR:
	case HEAPSH_LABEL_OFFSET:
		f.a = e->a;
		break;
	case HEAPSH_LABEL_LOCAL:
		f.a = e->a;
		f.b = e->b == 1;
		break;
	case HEAPSH_LABEL_NAME:
	case HEAPSH_LABEL_FIELD:
	case HEAPSH_LABEL_PART:
		f.a = (uintptr_t)e->text;
		break;
	case HEAPSH_LABEL_SCALAR:
		f.label = HEAPSH_LABEL_INDEX;
		break;
	case HEAPSH_LABEL_NONE:
	case HEAPSH_LABEL_INDEX:
	case HEAPSH_LABEL_KEY:
	case HEAPSH_LABEL_STACK:
	case HEAPSH_LABEL_MEMBER:
	default:
		break;
	}
	return f;
}

static uint32_t label_number(struct via *v, const struct fact *f)
{
	// Addresses have 48 bits, labels few: no two facts share a key.
	uint64_t key = f->a ^ (uint64_t)f->label << 56 ^ (uint64_t)f->b << 55;
	uint64_t *found = hs_map_get(&v->number, key);
	struct heapsh_edge e = { .label = f->label, .a = f->a, .b = f->b };

	if (found)
		return (uint32_t)*found;
	if (v->labels.n >= MAX_LABELS)
		return MANY;
	if (e.label == HEAPSH_LABEL_NAME || e.label == HEAPSH_LABEL_FIELD ||
	    e.label == HEAPSH_LABEL_PART) {
		e.text = (const char *)(uintptr_t)f->a;
		e.a = 0;
	}
	hs_map_put(&v->number, key, v->labels.n);
	hs_vec_push(&v->labels, e);
	return (uint32_t)(v->labels.n - 1);
}

/* The list with the label; at most MAX_SET long. */
static uint32_t list_with(struct via *v, uint32_t list, uint32_t label)
{
	uint32_t n, i, at = 0, with[MAX_SET + 1];
	const uint32_t *have = an_lists_get(&v->lists, list, &n);

	if (n >= MAX_SET)
		label = MANY;
	for (i = 0; i < n; i++)
		if (have[i] == label)
			return list;
	if (n > MAX_SET)
		return list;
	while (at < n && have[at] < label)
		at++;
	for (i = 0; i < n; i++)
		with[i + (i >= at)] = have[i];
	with[at] = label;
	return an_lists_put(&v->lists, with, n + 1);
}

static void tell(struct via *v, const struct fact *f)
{
	uint32_t label = label_number(v, f), *list = &v->list[f->target], to;
	uint64_t key = (uint64_t)*list << 32 | label;
	uint64_t *found = hs_map_get(&v->next, key);

	if (found) {
		*list = (uint32_t)*found;
		return;
	}
	to = list_with(v, *list, label);
	hs_map_put(&v->next, key, to);
	*list = to;
}

static void flush(struct via *v, unsigned thread)
{
	unsigned i;

	pthread_mutex_lock(&v->lock);
	for (i = 0; i < v->batch[thread]->n; i++)
		tell(v, &v->batch[thread]->v[i]);
	pthread_mutex_unlock(&v->lock);
	v->batch[thread]->n = 0;
}

static void on_edge(void *arg, unsigned thread, uint32_t source,
		    uint32_t target, const struct heapsh_edge *e)
{
	struct via *v = arg;

	if (!gr_set_has(v->set, target))
		return;
	v->batch[thread]->v[v->batch[thread]->n++] =
		fold(v, source, target, e);
	if (v->batch[thread]->n == BATCH)
		flush(v, thread);
}

/* Of a small set only its referrers are asked. */
static struct hs_err *read_edges(struct via *v, struct hs_task *task)
{
	const struct gr_edge_ops ops = { .edge = on_edge, .arg = v };
	struct gr_set *sources;
	struct hs_err *err = gr_set_referrers(v->set, task, &sources);
	unsigned t;

	if (err)
		return err;
	for (t = 0; t < GR_MAX_THREADS; t++)
		v->batch[t] = hs_xalloc(sizeof(*v->batch[t]));
	err = gr_each_edge(sources, task, &ops);
	for (t = 0; t < GR_MAX_THREADS; t++) {
		flush(v, t);
		free(v->batch[t]);
	}
	gr_set_unref(sources);
	return err;
}

/* --- naming --------------------------------------------------------------- */

/* As Heapy writes it, but for what is folded. free(). */
static char *label_text(struct md_model *m, const struct heapsh_edge *e)
{
	switch ((enum heapsh_label)e->label) {
	case HEAPSH_LABEL_INDEX:
		return hs_xstrdup("[*]");
	case HEAPSH_LABEL_KEY:
		return hs_xstrdup(".keys()[*]");
	case HEAPSH_LABEL_STACK:
		return hs_xstrdup("->f_valuestack[*]");
	case HEAPSH_LABEL_MEMBER:
		return hs_xstrdup("list(set)[*]");
	case HEAPSH_LABEL_NONE:
	case HEAPSH_LABEL_VALUE:
	case HEAPSH_LABEL_ATTR:
	case HEAPSH_LABEL_NAME:
	case HEAPSH_LABEL_FIELD:
	case HEAPSH_LABEL_LOCAL:
	default:
		return md_label(m, e);
	}
}

/* Equal names are of many addresses: from here on each text counts once. */
static struct hs_err *name_labels(struct via *v, struct hs_task *task)
{
	struct hs_strmap known = { 0 };
	struct hs_err *err = NULL;
	uint64_t *number;
	size_t i;

	v->text = hs_xcalloc(v->labels.n + 1, sizeof(*v->text));
	v->text_of = hs_xcalloc(v->labels.n + 1, sizeof(*v->text_of));
	for (i = 0; !err && i < v->labels.n; i++) {
		HS_FREE char *text = i == MANY ?
					     hs_xstrdup("…") :
					     label_text(gr_model(v->g),
							&v->labels.v[i]);

		number = hs_strmap_get(&known, text);
		v->text_of[i] = number ? (uint32_t)*number : v->n_texts;
		if (!number) {
			hs_strmap_put(&known, text, v->n_texts);
			v->text[v->n_texts++] = hs_take(text);
		}
		if (!(i & 0xff))
			err = hs_check_cancel(task);
	}
	hs_strmap_deinit(&known);
	return err;
}

/* Lists of labels as lists of texts; free(*ret). */
static void show_lists(struct via *v, uint32_t **ret)
{
	uint32_t n, i, to, texts[MAX_SET + 1];
	size_t l;

	*ret = hs_xcalloc(v->lists.all.n + 1, sizeof(**ret));
	for (l = 0; l < v->lists.all.n; l++) {
		const uint32_t *labels =
			an_lists_get(&v->lists, (uint32_t)l, &n);

		for (i = 0; i < n; i++)
			texts[i] = v->text_of[labels[i]];
		an_sort_u32(texts, n);
		for (i = to = 0; i < n; i++)
			if (!to || texts[to - 1] != texts[i])
				texts[to++] = texts[i];
		(*ret)[l] = an_lists_put(&v->shown, texts, to);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "'.__doc__', '[*]'": each as it would be typed. free(). */
static char *via_name(const struct an_classes *c, uint32_t number)
{
	const struct via *v = c->data;
	uint32_t n, i;
	const uint32_t *texts = an_lists_get(&v->shown, number, &n);
	HS_FREE const char **sorted = hs_xcalloc((size_t)n + 1,
						 sizeof(*sorted));
	struct hs_text t = { 0 };

	for (i = 0; i < n; i++)
		sorted[i] = v->text[texts[i]];
	qsort(sorted, n, sizeof(*sorted), by_text);
	if (!n)
		hs_text_add(&t, "<Nothing>");
	for (i = 0; i < n; i++) {
		const char *quote = strchr(sorted[i], '\'') ? "\"" : "'";

		hs_text_addf(&t, "%s%s%s%s", i ? ", " : "", quote, sorted[i],
			     quote);
	}
	return hs_text_take(&t);
}

/* --- classes -------------------------------------------------------------- */

static void free_reading(struct via *v, struct hs_budget *b)
{
	hs_map_deinit(&v->number);
	hs_map_deinit(&v->next);
	hs_vec_deinit(&v->labels);
	an_lists_deinit(&v->lists);
	free(v->text_of);
	v->text_of = NULL;
	hs_big_free(b, v->list, (uint64_t)gr_n(v->g) * sizeof(*v->list));
	v->list = NULL;
}

static void via_end(struct an_classes *c)
{
	struct via *v = c->data;
	uint32_t i;

	for (i = 0; i < v->n_texts; i++)
		free(v->text[i]);
	free(v->text);
	an_lists_deinit(&v->shown);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static struct hs_err *place(struct an_classes *c, struct via *v,
			    struct hs_task *task)
{
	HS_FREE uint32_t *shown = NULL;
	struct hs_err *err = an_classes_members(c, task);
	uint32_t id, i = 0;

	if (err)
		return err;
	show_lists(v, &shown);
	for (id = 0; gr_set_next(c->set, &id); id++)
		c->of_member[i++] = shown[v->list[id]];
	c->n = (uint32_t)v->shown.all.n;
	return NULL;
}

struct hs_err *an_classify_via(struct gr_set *set, struct hs_task *task,
			       struct an_classes *ret)
{
	struct via *v = hs_xalloc(sizeof(*v));
	const struct heapsh_edge many = { .label = HEAPSH_LABEL_NONE };
	struct hs_err *err;
	void *room = NULL;

	v->g = gr_set_graph(set);
	v->set = set;
	pthread_mutex_init(&v->lock, NULL);
	ret->data = v;
	ret->name = via_name;
	ret->end = via_end;
	hs_vec_push(&v->labels, many);
	an_lists_put(&v->lists, NULL, 0); // list 0: no reference so far
	err = gr_need_rows(v->g, task);
	if (!err)
		err = hs_big_alloc(task,
				   (uint64_t)gr_n(v->g) * sizeof(*v->list),
				   &room);
	v->list = room;
	if (!err)
		err = read_edges(v, task);
	if (!err)
		err = name_labels(v, task);
	if (!err)
		err = place(ret, v, task);
	free_reading(v, task->budget);
	return err;
}
