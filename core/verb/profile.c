// SPDX-License-Identifier: Apache-2.0
// stats= of asizeof, asizesof and asized, in the lines that Pympler prints
// (1.1, asizeof.py, print_stats): numbers are members of the document, too.
#include "verb_priv.h"

#include <inttypes.h>

struct stats {
	const struct lg_call *call;
	struct md_model *m;
	const struct an_profile *p;
	const struct an_size_options *o;
	const struct vb_objects *objects;
	enum vb_stats_of of;
	struct an_sized *trees; /* one an argument, or NULL */
	struct hs_text t;
	json_t *doc;
	unsigned level; /* 1 to 3 */
	uint64_t above;
	uint64_t cutoff; /* rows of 1; percent of 2 and 3 */
	const char *with; /* " (incl. code)", or "" */
	int w; /* columns of a number */
};

static const char *s_of(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "20520 or 20.0 KiB"; join: " bytes" where Pympler says so. */
static void add_size(struct hs_text *t, uint64_t n, int w, const char *join)
{
	static const char units[] = "KMGTPE";
	double f = (double)n;
	size_t i = 0;

	hs_text_addf(t, "%*" PRIu64 "%s", w, n, join);
	if (n < 1024)
		return;
	for (f /= 1024; f >= 1024 && i < sizeof(units) - 2; i++)
		f /= 1024;
	hs_text_addf(t, " or %.1f %ciB", f, units[i]);
}

/* Text of an object: with compat clipped in the middle. free(). */
static char *repr_of(const struct stats *s, uint64_t id)
{
	return s->o->compat ? an_compat_text(s->m, id, s->o->clip)
			    : md_render(s->m, id, HEAPSH_RENDER_REPR, 80);
}

/* --- "asizeof(([1, 2],), stats=2) ..." ---------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct lg_option *const *)a)->name,
		      (*(const struct lg_option *const *)b)->name);
}

static void add_value(struct hs_text *t, const struct lg_value *v)
{
	switch (lg_kind(v)) {
	case LG_TEXT:
		hs_text_add(t, lg_as_text(v, NULL));
		break;
	case LG_BOOL:
		hs_text_add(t, lg_as_int(v) ? "True" : "False");
		break;
	case LG_FLOAT:
		hs_text_addf(t, "%g", lg_as_float(v));
		break;
	default:
		hs_text_addf(t, "%" PRId64, lg_as_int(v));
		break;
	}
}

/* The options that were given, but compat itself, which Pympler has not. */
static void add_options(struct stats *s, const char *before)
{
	const struct lg_call *call = s->call;
	const struct lg_option **v;
	size_t n = 0, i;

	v = hs_xcalloc(call->n_options + 1, sizeof(*v));
	for (i = 0; i < call->n_options; i++)
		if (strcmp(call->options[i].name, "compat"))
			v[n++] = &call->options[i];
	qsort(v, n, sizeof(*v), by_name);
	for (i = 0; i < n; i++) {
		hs_text_addf(&s->t, "%s%s=", i ? ", " : before, v[i]->name);
		add_value(&s->t, v[i]->value);
	}
	free(v);
}

/* repr() of the tuple of arguments, clipped. */
static void add_arguments(struct stats *s)
{
	const struct vb_objects *objects = s->objects;
	HS_TEXT all = { 0 };
	size_t n = objects->addr.n, head, tail, i;

	hs_text_addc(&all, '(');
	for (i = 0; i < n; i++) {
		HS_FREE char *one = NULL;

		one = md_render_clipped(s->m, objects->addr.v[i],
					HEAPSH_RENDER_REPR, 0);
		hs_text_addf(&all, "%s%s", i ? ", " : "", one);
	}
	hs_text_add(&all, n == 1 ? ",)" : ")");
	if (!hs_text_middle(all.s, all.len, s->o->clip, &head, &tail)) {
		hs_text_add(&s->t, all.s);
		return;
	}
	hs_text_addn(&s->t, all.s, head);
	hs_text_addf(&s->t, "....%s", all.s + tail);
}

/* A text in quotes, double ones where it has a single one itself. */
static void add_repr(struct hs_text *t, const char *s)
{
	char quote = strchr(s, '\'') && !strchr(s, '"') ? '"' : '\'';

	hs_text_addc(t, quote);
	for (; *s; s++) {
		if (*s == quote || *s == '\\')
			hs_text_addc(t, '\\');
		hs_text_addc(t, *s);
	}
	hs_text_addc(t, quote);
}

static void add_tree_line(struct stats *s, const struct an_sized *tree)
{
	hs_text_addf(&s->t,
		     "size %" PRIu64 ", flat %" PRIu64 ", refs[%zu], "
		     "name ",
		     tree->size, tree->flat, tree->n_refs);
	add_repr(&s->t, tree->name);
	hs_text_addc(&s->t, '\n');
}

static void add_trees(struct stats *s)
{
	size_t n = s->objects->addr.n, i;

	if (n == 1) {
		hs_text_add(&s->t, "asized(");
		add_options(s, "");
		hs_text_add(&s->t, "): ");
		add_tree_line(s, &s->trees[0]);
		return;
	}
	hs_text_add(&s->t, "asized(...");
	add_options(s, ", ");
	hs_text_add(&s->t, ") ...\n");
	for (i = 0; i < n; i++) {
		hs_text_addf(&s->t, "%*zu: ", s->w - 1, i);
		add_tree_line(s, &s->trees[i]);
	}
}

static void add_each(struct stats *s)
{
	size_t n = s->objects->addr.n, i;

	hs_text_add(&s->t, "asizesof(...");
	add_options(s, ", ");
	hs_text_add(&s->t, ") ...\n");
	for (i = 0; i < n; i++) {
		HS_FREE char *repr = repr_of(s, s->objects->addr.v[i]);

		add_size(&s->t, s->p->sizes[i], s->w, " bytes");
		hs_text_addf(&s->t, "%s:  %s\n", s->with, repr);
	}
}

static void add_header(struct stats *s)
{
	json_t *sizes = json_array();

	for (size_t i = 0; i < s->objects->addr.n && i < VB_MAX_LISTED; i++)
		json_array_append_new(sizes, wr_u64(s->p->sizes[i]));
	json_object_set_new(s->doc, "sizes", sizes);
	if (!s->o->compat && s->of == VB_STATS_TOTAL)
		return;
	if (s->o->compat)
		hs_text_addc(&s->t, '\n');
	if (s->of == VB_STATS_TREES) {
		add_trees(s);
	} else if (s->of == VB_STATS_EACH) {
		add_each(s);
	} else {
		hs_text_add(&s->t, "asizeof(");
		add_arguments(s);
		add_options(s, ", ");
		hs_text_add(&s->t, ") ...\n");
	}
}

/* --- the summary -------------------------------------------------------- */

static void add_count(struct stats *s, uint64_t n, const char *what,
		      const char *name)
{
	hs_text_addf(&s->t, "%*" PRIu64 " %s%s%s\n", s->w, n,
		     *what ? "object" : "duplicate", s_of(n), what);
	json_object_set_new(s->doc, name, wr_u64(n));
}

static void add_summary(struct stats *s)
{
	const struct an_profile *p = s->p;

	add_size(&s->t, p->total, s->w, " bytes");
	hs_text_addf(&s->t, "%s\n", s->with);
	json_object_set_new(s->doc, "total", wr_u64(p->total));
	if (s->o->align > 1)
		hs_text_addf(&s->t, "%*" PRIu64 " byte aligned\n", s->w,
			     s->o->align);
	hs_text_addf(&s->t, "%*d byte sizeof(void*)\n", s->w, 8);
	add_count(s, s->objects->addr.n, " given", "given");
	add_count(s, p->sized, " sized", "sized");
	add_count(s, p->seen, " seen", "seen");
	if (p->n_ranked)
		add_count(s, p->n_ranked, " ranked", "ranked");
	add_count(s, p->missed, " missed", "missed");
	add_count(s, p->duplicates, "", "duplicates");
	if (p->deepest)
		hs_text_addf(&s->t, "%*" PRIu64 " deepest recursion\n", s->w,
			     p->deepest);
	json_object_set_new(s->doc, "deepest", wr_u64(p->deepest));
}

/* --- the largest -------------------------------------------------------- */

/* " leng 343!": '!' where there is more room than items. */
static void add_leng(struct stats *s, uint64_t length, uint64_t exact)
{
	hs_text_addf(&s->t, " leng %" PRIu64 "%s", length,
		     length > exact ? "!" : "");
}

static void add_length_of(struct stats *s, uint64_t id)
{
	struct heapsh_measure got = { .size = sizeof(got) };
	struct md_compat_words words = { 0 };

	if (id & HEAPSH_COMPAT_MADE) {
		if (md_compat_words(s->m, id, &words) && words.has_length)
			add_leng(s, words.length, words.exact_length);
		md_compat_words_deinit(&words);
	} else if (md_measure(s->m, id, &got) && got.has_length) {
		add_leng(s, got.length,
			 got.has_exact_length ? got.exact_length : 0);
	}
}

static void add_object(struct stats *s, uint64_t id, json_t *row)
{
	HS_FREE char *repr = repr_of(s, id);

	hs_text_add(&s->t, repr);
	add_length_of(s, id);
	wr_set_text(row, "name", repr, strlen(repr));
	json_object_set_new(row, "address",
			    wr_addr(id & ~(uint64_t)HEAPSH_COMPAT_MADE));
}

/* The type's name alone: "dict", of a class itself "Account def". */
static void set_kind(json_t *row, const struct an_kind_row *k)
{
	const char *s = k->name + (strncmp(k->name, "class ", 6) ? 0 : 6);

	wr_set_text(row, "kind", s, strlen(s));
}

/* Place in the list of largest ones, or -1. */
static int64_t place_of(const struct an_profile *p, uint64_t id, size_t n)
{
	for (size_t i = 0; i < p->n_kept && i < n; i++)
		if (p->ranked[i].id == id)
			return (int64_t)i;
	return -1;
}

enum { MAX_PLACES = 10000 }; /* of the list that parents are looked up in */

static void add_ranked(struct stats *s, size_t i, json_t *rows)
{
	const struct an_ranked *r = &s->p->ranked[i];
	const struct an_kind_row *kind = an_profile_kind(s->p, r);
	int64_t up = r->parent ? place_of(s->p, r->parent, MAX_PLACES) : -1;
	json_t *row = json_object();

	add_size(&s->t, r->size, s->w, " bytes");
	hs_text_addf(&s->t, ": %s: ", kind->name);
	add_object(s, r->id, row);
	hs_text_addf(&s->t, ", ix %zu", i);
	if (r->depth)
		hs_text_addf(&s->t, " (at %" PRIu64 ")", r->depth);
	if (up >= 0)
		hs_text_addf(&s->t, ", pix %" PRId64, up);
	else if (r->parent)
		hs_text_add(&s->t, ", pix ?");
	hs_text_addc(&s->t, '\n');
	json_object_set_new(row, "size", wr_u64(r->size));
	json_object_set_new(row, "depth", wr_u64(r->depth));
	set_kind(row, kind);
	json_array_append_new(rows, row);
}

static void add_largest(struct stats *s)
{
	uint64_t want = s->level > 1 ? 10 : s->cutoff;
	size_t n = s->p->n_kept < want ? s->p->n_kept : (size_t)want;
	json_t *rows = json_array();

	json_object_set_new(s->doc, "largest", rows);
	if (!n)
		return;
	hs_text_addf(&s->t, "\n%*zu largest object%s (of %" PRIu64 " over ",
		     s->w, n, s_of(n), s->p->n_ranked);
	add_size(&s->t, s->above, 0, " bytes");
	hs_text_add(&s->t, ")\n");
	for (size_t i = 0; i < n && !hs_cancelled(s->call->task); i++)
		add_ranked(s, i, rows);
}

/* --- kinds -------------------------------------------------------------- */

static void add_kind(struct stats *s, const struct an_kind_row *k, json_t *rows)
{
	json_t *row = json_object();
	double part = s->p->total
			      ? 100.0 * (double)k->total / (double)s->p->total
			      : 0;

	hs_text_addf(&s->t, "%*" PRIu64 " %s object%s:  ", s->w, k->count,
		     k->name, s_of(k->count));
	add_size(&s->t, k->total, 0, "");
	if (s->p->total)
		hs_text_addf(&s->t, " (%.0f%%)", part);
	hs_text_add(&s->t, ", ");
	add_size(&s->t, k->total / k->count, 0, "");
	hs_text_add(&s->t, ", ");
	add_size(&s->t, k->high, 0, "");
	hs_text_add(&s->t, ":  ");
	add_object(s, k->largest, row);
	hs_text_addc(&s->t, '\n');
	set_kind(row, k);
	json_object_set_new(row, "count", wr_u64(k->count));
	json_object_set_new(row, "total", wr_u64(k->total));
	json_object_set_new(row, "high", wr_u64(k->high));
	json_array_append_new(rows, row);
}

/* Kinds of what counted: those of which nothing did are the last. */
static size_t counted(const struct an_profile *p)
{
	size_t n = p->n_kinds;

	while (n && !p->kinds[n - 1].count)
		n--;
	return n;
}

static void add_profiles(struct stats *s)
{
	const struct an_profile *p = s->p;
	double part = (double)s->cutoff * 0.01 * (double)p->total;
	uint64_t least = part < 0x1p64 ? (uint64_t)part : UINT64_MAX;
	size_t n = counted(p);
	json_t *rows = json_array();

	json_object_set_new(s->doc, "profiles", rows);
	if (!n)
		return;
	hs_text_addf(&s->t,
		     "\n%*zu profile%s:  total%s, average, and largest flat "
		     "size%s:  largest object\n",
		     s->w, n, s_of(n), p->total ? " (% of grand total)" : "",
		     s->with);
	for (size_t i = 0; i < n; i++) {
		size_t rest = n - i - 1;

		add_kind(s, &p->kinds[i], rows);
		if (rest < 2 || p->kinds[i].total >= least)
			continue;
		hs_text_addf(&s->t,
			     "%+*d profiles below cutoff (%" PRIu64 "%%)\n",
			     s->w, (int)rest, s->cutoff);
		break;
	}
}

/* What Pympler calls typedefs: sizes of the types that were met. */
static void add_types(struct stats *s)
{
	const struct an_profile *p = s->p;
	size_t n = counted(p);

	hs_text_addf(&s->t, "\n%*zu type%s:  basicsize, itemsize\n", s->w, n,
		     s_of(n));
	for (size_t i = 0; i < n; i++)
		hs_text_addf(&s->t, "%*s %s:  %" PRIu64 ", %" PRIu64 "\n", s->w,
			     "", p->kinds[i].name, p->kinds[i].basic_size,
			     p->kinds[i].item_size);
}

static void add_typedefs(struct stats *s)
{
	if (s->o->compat)
		vb_stats_rules(&s->t, s->m, s->p, s->w);
	else
		add_types(s);
}

/* --- options ------------------------------------------------------------ */

static const struct lg_option *option(const struct lg_call *call,
				      const char *name)
{
	for (size_t i = 0; i < call->n_options; i++)
		if (!strcmp(call->options[i].name, name))
			return &call->options[i];
	return NULL;
}

/* "2" or "1.03" as hundredths. */
static bool hundredths(const struct lg_value *v, uint64_t *ret)
{
	const char *text = lg_as_text(v, NULL), *dot;
	HS_FREE char *whole = NULL;
	uint64_t part = 0;
	double f;

	if (!text) {
		f = lg_as_float(v);
		if (!(f >= 0 && f < 4))
			return false;
		*ret = (uint64_t)(f * 100 + 0.5);
		return true;
	}
	dot = strchr(text, '.');
	whole = hs_xstrndup(text, dot ? (size_t)(dot - text) : strlen(text));
	if (!hs_parse_u64(whole, ret) || *ret > 3 ||
	    (dot && (strlen(dot) != 3 || !hs_parse_u64(dot + 1, &part))))
		return false;
	*ret = *ret * 100 + part;
	return true;
}

/* Its fraction is the cutoff, in hundredths. */
static struct hs_err *level_of(const struct lg_call *call, struct stats *s)
{
	const struct lg_option *o = option(call, "stats");
	uint64_t level = 0;
	struct hs_err *err = lg_opt_u64(call, "cutoff", 10, &s->cutoff);

	if (err || !o)
		return err;
	if (!hundredths(o->value, &level)) {
		HS_TEXT t = { 0 };

		add_value(&t, o->value);
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s: option stats cannot be %s",
						call->verb->name,
						hs_text_str(&t)),
				     "stats=0|1|2|3");
	}
	s->level = (unsigned)(level / 100);
	// in Pympler the default of cutoff= hides the fraction; ours counts
	if (level % 100 && !s->o->compat)
		s->cutoff = level % 100;
	return NULL;
}

/* --- all of it ---------------------------------------------------------- */

static void print(struct stats *s)
{
	const struct an_profile *p = s->p;

	s->with = s->o->code ? " (incl. code)" : "";
	s->w = snprintf(NULL, 0, "%" PRIu64, p->missed + p->seen + p->total) +
	       1;
	s->doc = wr_doc_create("profile");
	add_header(s);
	add_summary(s);
	add_largest(s);
	if (s->level > 1)
		add_profiles(s);
	if (s->level > 2)
		add_typedefs(s);
	wr_set_text(s->doc, "value", hs_text_str(&s->t), s->t.len);
}

static struct hs_err *measure(struct stats *s, struct an_profile *ret)
{
	// Pympler ranks nothing where above=0
	const struct an_profile_of of = {
		.o = s->o,
		.trees = s->trees,
		.above = s->o->compat && !s->above ? UINT64_MAX : s->above,
	};

	return an_profile(s->m, s->objects->addr.v, s->objects->addr.n, &of,
			  s->call->task, ret);
}

struct hs_err *vb_stats(const struct lg_call *call, enum vb_stats_of of,
			const struct vb_objects *objects,
			const struct an_size_options *o, struct lg_value **ret)
{
	struct stats s = { .call = call, .o = o, .objects = objects, .of = of };
	struct an_profile p;
	size_t n = objects->addr.n;
	struct hs_err *err = level_of(call, &s);

	*ret = NULL;
	if (!err)
		err = lg_opt_size(call, "above", 1024, &s.above);
	if (err || !s.level || !n)
		return err;
	s.m = objects->in->model;
	if (of == VB_STATS_TREES)
		s.trees = hs_xcalloc(n, sizeof(*s.trees));
	err = measure(&s, &p);
	if (!err) {
		s.p = &p;
		print(&s);
		*ret = lg_table(objects->in, s.doc);
		an_profile_deinit(&p);
		for (size_t i = 0; s.trees && i < n; i++)
			an_sized_deinit(&s.trees[i]);
	}
	hs_text_deinit(&s.t);
	free(s.trees);
	return err;
}
