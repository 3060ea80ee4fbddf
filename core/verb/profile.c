// SPDX-License-Identifier: Apache-2.0
// stats= of asizeof, in the lines that Pympler prints (1.1, asizeof.py,
// print_stats): numbers are members of the document, too.
#include "verb_priv.h"

#include <inttypes.h>

struct stats {
	const struct lg_call *call;
	struct md_model *m;
	const struct an_profile *p;
	const struct an_size_options *o;
	struct hs_text t;
	json_t *doc;
	unsigned level; /* 1 to 3 */
	uint64_t cutoff; /* rows of 1; percent of 2 and 3 */
	size_t given;
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
	hs_text_addc(&s->t, '\n');
	json_object_set_new(s->doc, "total", wr_u64(p->total));
	if (s->o->align > 1)
		hs_text_addf(&s->t, "%*" PRIu64 " byte aligned\n", s->w,
			     s->o->align);
	hs_text_addf(&s->t, "%*d byte sizeof(void*)\n", s->w, 8);
	add_count(s, s->given, " given", "given");
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

/* " leng 343!": '!' where there is more room than items. */
static void add_leng(struct stats *s, uint64_t addr)
{
	struct heapsh_measure got = { .size = sizeof(got) };
	bool more;

	if (!md_measure(s->m, addr, &got) || !got.has_length)
		return;
	more = !got.has_exact_length || got.length > got.exact_length;
	hs_text_addf(&s->t, " leng %" PRIu64 "%s", got.length, more ? "!" : "");
}

static void add_object(struct stats *s, uint64_t addr, json_t *row)
{
	HS_FREE char *repr = md_render(s->m, addr, HEAPSH_RENDER_REPR, 80);

	hs_text_add(&s->t, repr);
	add_leng(s, addr);
	wr_set_text(row, "name", repr, strlen(repr));
	json_object_set_new(row, "address", wr_addr(addr));
}

/* Place in the list of largest ones, or -1. */
static int64_t place_of(const struct an_profile *p, uint64_t addr, size_t n)
{
	for (size_t i = 0; i < p->n_kept && i < n; i++)
		if (p->ranked[i].addr == addr)
			return (int64_t)i;
	return -1;
}

enum { MAX_PLACES = 10000 }; /* of the list that parents are looked up in */

static void add_ranked(struct stats *s, size_t i, json_t *rows)
{
	const struct an_ranked *r = &s->p->ranked[i];
	const char *type = md_type(s->m, r->type)->name;
	int64_t up = r->parent ? place_of(s->p, r->parent, MAX_PLACES) : -1;
	json_t *row = json_object();

	add_size(&s->t, r->size, s->w, " bytes");
	hs_text_addf(&s->t, ": class %s: ", type);
	add_object(s, r->addr, row);
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
	json_object_set_new(row, "kind", json_string(type));
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
	add_size(&s->t, s->p->above, 0, " bytes");
	hs_text_add(&s->t, ")\n");
	for (size_t i = 0; i < n && !hs_cancelled(s->call->task); i++)
		add_ranked(s, i, rows);
}

static void add_type(struct stats *s, const struct an_type_row *r, json_t *rows)
{
	const char *type = md_type(s->m, r->type)->name;
	json_t *row = json_object();
	double part = s->p->total
			      ? 100.0 * (double)r->total / (double)s->p->total
			      : 0;

	hs_text_addf(&s->t, "%*" PRIu64 " class %s object%s:  ", s->w, r->count,
		     type, s_of(r->count));
	add_size(&s->t, r->total, 0, "");
	hs_text_addf(&s->t, " (%.0f%%), ", part);
	add_size(&s->t, r->total / r->count, 0, "");
	hs_text_add(&s->t, ", ");
	add_size(&s->t, r->high, 0, "");
	hs_text_add(&s->t, ":  ");
	add_object(s, r->largest, row);
	hs_text_addc(&s->t, '\n');
	json_object_set_new(row, "kind", json_string(type));
	json_object_set_new(row, "count", wr_u64(r->count));
	json_object_set_new(row, "total", wr_u64(r->total));
	json_object_set_new(row, "high", wr_u64(r->high));
	json_array_append_new(rows, row);
}

static void add_profiles(struct stats *s)
{
	const struct an_profile *p = s->p;
	double least = (double)s->cutoff * 0.01 * (double)p->total;
	json_t *rows = json_array();

	json_object_set_new(s->doc, "profiles", rows);
	if (!p->n_types)
		return;
	hs_text_addf(&s->t,
		     "\n%*zu profile%s:  total (%% of grand total), average, "
		     "and largest flat size:  largest object\n",
		     s->w, p->n_types, s_of(p->n_types));
	for (size_t i = 0; i < p->n_types; i++) {
		size_t rest = p->n_types - i - 1;

		add_type(s, &p->types[i], rows);
		if (rest < 2 || (double)p->types[i].total >= least)
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

	hs_text_addf(&s->t, "\n%*zu type%s:  basicsize, itemsize\n", s->w,
		     p->n_types, s_of(p->n_types));
	for (size_t i = 0; i < p->n_types; i++) {
		const struct md_type *t = md_type(s->m, p->types[i].type);

		hs_text_addf(&s->t, "%*s class %s:  %" PRIu64 ", %" PRIu64 "\n",
			     s->w, "", t->name, t->basic_size, t->item_size);
	}
}

/* "2", or "1.03": its fraction is the cutoff, in hundredths. */
static struct hs_err *level_of(const struct lg_call *call, struct stats *s)
{
	const char *text = lg_opt_text(call, "stats");
	uint64_t level = 0, part = 0;
	const char *dot = text ? strchr(text, '.') : NULL;
	HS_FREE char *whole = NULL;
	struct hs_err *err = lg_opt_u64(call, "cutoff", 10, &s->cutoff);

	if (err || !text)
		return err;
	whole = hs_xstrndup(text, dot ? (size_t)(dot - text) : strlen(text));
	if (!hs_parse_u64(whole, &level) || level > 3 ||
	    (dot && (strlen(dot) != 3 || !hs_parse_u64(dot + 1, &part))))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"asizeof: option stats cannot "
						"be %s",
						text),
				     "stats=0|1|2|3");
	s->level = (unsigned)level;
	if (part)
		s->cutoff = part;
	return NULL;
}

struct hs_err *vb_asizeof_stats(const struct lg_call *call,
				const struct vb_objects *objects,
				const struct an_size_options *o,
				struct lg_value **ret)
{
	struct stats s = { .call = call, .o = o, .given = objects->addr.n };
	struct an_profile p;
	uint64_t above;
	struct hs_err *err = level_of(call, &s);

	*ret = NULL;
	if (!err)
		err = lg_opt_size(call, "above", 1024, &above);
	if (err || !s.level || !objects->addr.n)
		return err;
	s.m = objects->in->model;
	err = an_profile(s.m, objects->addr.v, objects->addr.n, o, above,
			 call->task, &p);
	if (err)
		return err;
	s.p = &p;
	s.w = snprintf(NULL, 0, "%" PRIu64, p.missed + p.seen + p.total) + 1;
	s.doc = wr_doc_create("profile");
	add_summary(&s);
	add_largest(&s);
	if (s.level > 1)
		add_profiles(&s);
	if (s.level > 2)
		add_types(&s);
	wr_set_text(s.doc, "value", hs_text_str(&s.t), s.t.len);
	*ret = lg_table(objects->in, s.doc);
	hs_text_deinit(&s.t);
	an_profile_deinit(&p);
	return NULL;
}
