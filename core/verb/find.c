// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

#include <pthread.h>

#include "pattern.h"

/*
 * Objects that satisfy every option. The cheap tests come first: a type is a
 * look at a bitmap, a size one at a column; only what is left is rendered, on
 * all cores where the plugin can.
 */

enum {
	TEXT_COLUMNS = 4096, /* of a text that is searched */
	/*
	 * Of anything else, a table's line: a nest of a million lists took
	 * minutes when each was searched to its bottom.
	 */
	LINE_COLUMNS = 80,
};

enum compare { EQ, NE, LT, LE, GT, GE, HAS, HAS_NOT };

static const char *const compares[] = { "=", "!=", "<", "<=",
					">", ">=", "~", "!~" };

struct test {
	const char *name;
	enum compare compare;
	uint64_t number; /* size, held */
	const char *text; /* type, value */
	size_t n;
};

/** What one thread has of its own. */
struct finder {
	struct im_reader *reader;
	struct vb_pattern **patterns; /* one a test, or NULL */
	bool *keep;
	const uint32_t *ids;
	uint32_t which[GR_BLOCK]; /* places in ids */
	bool doubt; /* of this block: some are to be asked singly */
	bool asked[GR_BLOCK];
};

struct find {
	const struct lg_call *call;
	struct gr_graph *g;
	struct md_model *m;
	bool *types; /* of which type an object may be */
	uint32_t n_types;
	HS_VEC(struct test) tests;
	struct finder *finders[GR_MAX_THREADS];
	pthread_mutex_t lock; /* of what only one thread may ask */
	bool repr; /* by the program's own code, where that makes it */
};

static enum compare compare_of(const char *op)
{
	enum compare c = EQ;

	while (strcmp(compares[c], op))
		c++;
	return c;
}

static bool holds(enum compare c, uint64_t a, uint64_t b)
{
	switch (c) {
	case EQ:
		return a == b;
	case NE:
		return a != b;
	case LT:
		return a < b;
	case LE:
		return a <= b;
	case GT:
		return a > b;
	case GE:
		return a >= b;
	case HAS:
	case HAS_NOT:
	default:
		return false;
	}
}

static bool text_holds(const struct test *t, const struct vb_pattern *p,
		       const char *s, size_t n)
{
	switch (t->compare) {
	case EQ:
		return !strcmp(s, t->text);
	case NE:
		return strcmp(s, t->text);
	case HAS:
		return p ? vb_pattern_found(p, s, n) :
			   strstr(s, t->text) != NULL;
	case HAS_NOT:
		return p ? !vb_pattern_found(p, s, n) :
			   !strstr(s, t->text);
	case LT:
	case LE:
	case GT:
	case GE:
	default:
		return false;
	}
}

/* --- types ---------------------------------------------------------------- */

/* "Account" is also what ends in ".Account". */
static bool is_short_name(const char *name, const char *text)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcmp(dot + 1, text);
}

static bool type_holds(const struct test *t, const char *name)
{
	bool is = !strcmp(name, t->text) || is_short_name(name, t->text);

	if (t->compare == EQ || t->compare == NE)
		return is == (t->compare == EQ);
	return text_holds(t, NULL, name, strlen(name));
}

static struct hs_err *no_type(const struct find *f, const struct test *t)
{
	HS_VEC(const char *) names = { 0 };
	const char *near;
	struct hs_err *err = hs_err_new(HS_ERR_NAME,
					"find: no object of the "
					"heap is of a type %s",
					t->text);

	for (uint32_t i = 0; i < f->n_types; i++)
		hs_vec_push(&names, md_type(f->m, i)->name);
	near = hs_nearest(t->text, names.v, names.n);
	if (near)
		err = hs_err_remedy(err, "find type=%s", near);
	hs_vec_deinit(&names);
	return err;
}

static struct hs_err *limit_types(struct find *f, const struct test *t)
{
	bool any = false;

	for (uint32_t i = 0; i < f->n_types; i++) {
		bool is = type_holds(t, md_type(f->m, i)->name);

		any |= is;
		f->types[i] = f->types[i] && is;
	}
	return any || t->compare != EQ ? NULL : no_type(f, t);
}

/* --- one object ----------------------------------------------------------- */

static bool is_slow(const struct test *t)
{
	return !strcmp(t->name, "value");
}

static bool number_holds(const struct find *f, const struct test *t,
			 uint32_t id)
{
	return holds(t->compare,
		     !strcmp(t->name, "size") ? gr_flat(f->g, id)
					      : gr_held(f->g, id),
		     t->number);
}

/* All but texts. */
static bool may_be(const struct find *f, uint32_t id)
{
	uint32_t type = gr_type(f->g, id);

	if (type >= f->n_types || !f->types[type])
		return false;
	for (size_t i = 0; i < f->tests.n; i++)
		if (!is_slow(&f->tests.v[i]) &&
		    !number_holds(f, &f->tests.v[i], id))
			return false;
	return true;
}

/* --- texts ---------------------------------------------------------------- */

static bool is_text(const struct find *f, uint32_t id)
{
	return md_type(f->m, gr_type(f->g, id))->flags & HEAPSH_TYPE_TEXT;
}

static bool values_hold(const struct find *f, const struct finder *own,
			const char *s, size_t n)
{
	for (size_t i = 0; i < f->tests.n; i++)
		if (is_slow(&f->tests.v[i]) &&
		    !text_holds(&f->tests.v[i], own->patterns[i], s, n))
			return false;
	return true;
}

struct told {
	struct find *f;
	struct finder *own;
};

static void on_text(void *arg, uint32_t i, const char *s, size_t n)
{
	struct told *t = arg;
	uint32_t place = t->own->which[i];

	if (s)
		t->own->keep[place] = values_hold(t->f, t->own, s, n);
	else
		t->own->asked[place] = t->own->doubt = true;
}

/* Is its text only known to code of the program? */
static bool is_asked(const struct find *f, uint32_t id)
{
	return f->repr && md_type(f->m, gr_type(f->g, id))->flags &
				  HEAPSH_TYPE_CUSTOM_REPR;
}

/* Those of a block that print themselves by code, in a copy. */
static struct hs_err *ask_program(struct find *f, struct finder *own,
				  bool *may, uint32_t n)
{
	struct told told = { f, own };
	uint64_t addr[GR_BLOCK];
	struct hs_err *err = NULL;
	uint32_t n_addr = 0;

	for (uint32_t i = 0; f->repr && i < n; i++) {
		if (!may[i] || !is_asked(f, own->ids[i]))
			continue;
		may[i] = false;
		own->which[n_addr] = i;
		addr[n_addr++] = gr_addr(f->g, own->ids[i]);
	}
	pthread_mutex_lock(&f->lock);
	if (n_addr)
		err = md_ask_texts(f->m, addr, n_addr, HEAPSH_ASK_REPR,
				   TEXT_COLUMNS, on_text, &told);
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* Those of a block that are texts, or those that are not. */
static void ask_kind(struct find *f, struct finder *own, const bool *may,
		     uint32_t n, bool text)
{
	struct told told = { f, own };
	uint64_t addr[GR_BLOCK];
	uint32_t n_addr = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!may[i] || is_text(f, own->ids[i]) != text)
			continue;
		own->which[n_addr] = i;
		addr[n_addr++] = gr_addr(f->g, own->ids[i]);
	}
	if (n_addr &&
	    !md_texts(f->m, own->reader, addr, n_addr,
		      text ? HEAPSH_RENDER_TEXT : HEAPSH_RENDER_SHORT,
		      text ? TEXT_COLUMNS : LINE_COLUMNS, on_text, &told))
		for (uint32_t i = 0; i < n_addr; i++)
			on_text(&told, i, NULL, 0);
}

/* One after the other: the plugin is asked by one thread at a time. */
static void ask_singly(struct find *f, struct finder *own, uint32_t n)
{
	pthread_mutex_lock(&f->lock);
	for (uint32_t i = 0; i < n; i++) {
		bool text = own->asked[i] && is_text(f, own->ids[i]);
		HS_FREE char *s = NULL;

		if (!own->asked[i] || hs_cancelled(f->call->task))
			continue;
		s = md_render(f->m, gr_addr(f->g, own->ids[i]),
			      text ? HEAPSH_RENDER_TEXT : HEAPSH_RENDER_SHORT,
			      text ? TEXT_COLUMNS : LINE_COLUMNS);
		own->keep[i] = values_hold(f, own, s, strlen(s));
	}
	pthread_mutex_unlock(&f->lock);
}

static bool has_values(const struct find *f)
{
	for (size_t i = 0; i < f->tests.n; i++)
		if (is_slow(&f->tests.v[i]))
			return true;
	return false;
}

static struct hs_err *finder_create(struct find *f, struct finder **ret)
{
	struct finder *own = hs_xalloc(sizeof(*own));
	struct hs_err *err;

	own->patterns = hs_xcalloc(f->tests.n + 1, sizeof(*own->patterns));
	*ret = own;
	err = md_reader_create(f->m, f->call->task->budget, &own->reader);
	for (size_t i = 0; !err && i < f->tests.n; i++) {
		const struct test *t = &f->tests.v[i];

		if (is_slow(t) && (t->compare == HAS ||
				   t->compare == HAS_NOT))
			err = vb_pattern_create(t->text, &own->patterns[i]);
	}
	return err;
}

static void finder_destroy(struct finder *own, size_t n_tests)
{
	if (!own)
		return;
	for (size_t i = 0; i < n_tests; i++)
		vb_pattern_destroy(own->patterns[i]);
	md_reader_destroy(own->reader);
	free(own->patterns);
	free(own);
}

static struct hs_err *look_at(void *arg, unsigned thread, const uint32_t *ids,
			      uint32_t n, bool *keep)
{
	struct find *f = arg;
	struct finder *own;
	bool may[GR_BLOCK];
	struct hs_err *err;

	for (uint32_t i = 0; i < n; i++)
		may[i] = may_be(f, ids[i]);
	if (!has_values(f)) {
		memcpy(keep, may, n * sizeof(*may));
		return NULL;
	}
	if (!f->finders[thread]) {
		err = finder_create(f, &f->finders[thread]);
		if (err)
			return err;
	}
	own = f->finders[thread];
	own->ids = ids;
	own->keep = keep;
	own->doubt = false;
	memset(own->asked, 0, sizeof(own->asked));
	err = ask_program(f, own, may, n);
	if (err)
		return err;
	ask_kind(f, own, may, n, true);
	ask_kind(f, own, may, n, false);
	if (own->doubt)
		ask_singly(f, own, n);
	return NULL;
}

/* --- options -------------------------------------------------------------- */

static struct hs_err *wrong_compare(const struct lg_option *o,
				    const char *possible)
{
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"find: %s%s is not "
					"possible",
					o->name, o->op),
			     "%s with one of %s", o->name, possible);
}

static struct hs_err *number_test(const struct lg_option *o, struct test *t)
{
	const char *text = lg_as_text(o->value, NULL);

	if (t->compare == HAS || t->compare == HAS_NOT)
		return wrong_compare(o, "= != < <= > >=");
	if (text ? !hs_parse_size(text, &t->number) : lg_as_int(o->value) < 0)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"find: %s cannot "
						"be %s",
						o->name, text),
				     "%s>64k", o->name);
	if (!text)
		t->number = (uint64_t)lg_as_int(o->value);
	return NULL;
}

static struct hs_err *text_test(const struct lg_option *o, struct test *t)
{
	t->text = lg_as_text(o->value, &t->n);
	if (!t->text)
		return hs_err_new(HS_ERR_USAGE, "find: %s takes a text",
				  o->name);
	if (t->compare != EQ && t->compare != NE && t->compare != HAS &&
	    t->compare != HAS_NOT)
		return wrong_compare(o, "= != ~ !~");
	return NULL;
}

static struct hs_err *add_test(struct find *f, const struct lg_option *o)
{
	struct test t = { .name = o->name, .compare = compare_of(o->op) };
	bool is_number = !strcmp(o->name, "size") || !strcmp(o->name, "held");
	struct hs_err *err;

	if (!strcmp(o->name, "limit") || !strcmp(o->name, "repr"))
		return t.compare == EQ ? NULL : wrong_compare(o, "=");
	err = is_number ? number_test(o, &t) : text_test(o, &t);
	if (err)
		return err;
	if (!strcmp(o->name, "type"))
		return limit_types(f, &t);
	hs_vec_push(&f->tests, t);
	return NULL;
}

static struct hs_err *scope(const struct lg_call *call, struct lg_instant **in,
			    struct gr_set **ret)
{
	struct gr_graph *g;
	struct hs_err *err;

	if (call->n_args) {
		*in = lg_instant_of(call->args[0]);
		return lg_to_set(call->session, call->args[0], ret);
	}
	err = lg_current(call->session, in);
	if (!err)
		err = lg_instant_graph(*in, call->task, &g);
	return err ? err : gr_set_all(g, ret);
}

static struct hs_err *search(struct find *f, struct gr_set *from,
			     struct gr_set **ret)
{
	uint64_t limit;
	struct hs_err *err =
		lg_opt_size(f->call, "limit", UINT64_MAX, &limit);

	if (!err)
		err = lg_opt_bool(f->call, "repr", false, &f->repr);

	for (size_t i = 0; !err && i < f->call->n_options; i++)
		err = add_test(f, &f->call->options[i]);
	if (err)
		return err;
	hs_progress(f->call->task, "looking at objects", "objects",
		    gr_set_count(from));
	err = gr_set_select(from, f->call->task, 0, limit, look_at, f, ret);
	hs_progress_end(f->call->task);
	return err;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct find f = { .call = call };
	struct lg_instant *in;
	struct gr_set *from, *found;
	struct hs_err *err = scope(call, &in, &from);

	if (err)
		return err;
	f.g = gr_set_graph(from);
	f.m = lg_instant_model(in ? in : call->session->current, call->task);
	f.n_types = md_n_types(f.m);
	f.types = hs_xcalloc(f.n_types + 1, sizeof(*f.types));
	memset(f.types, 1, f.n_types);
	pthread_mutex_init(&f.lock, NULL);
	err = search(&f, from, &found);
	if (!err) {
		*ret = lg_set(in ? in : call->session->current, found,
			      AN_BY_ID);
		gr_set_unref(found);
	}
	for (unsigned i = 0; i < GR_MAX_THREADS; i++)
		finder_destroy(f.finders[i], f.tests.n);
	pthread_mutex_destroy(&f.lock);
	hs_vec_deinit(&f.tests);
	free(f.types);
	gr_set_unref(from);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .optional = true,
	  .help = "where to look; without it the whole heap" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	{ .name = "type",
	  .kind = LG_ARG_OPTION,
	  .values = "CLASS",
	  .help = "name of the type, with or without its module; ~ for a part "
		  "of it",
	  .compares = true },
	{ .name = "size",
	  .kind = LG_ARG_OPTION,
	  .values = "SIZE",
	  .help = "flat bytes",
	  .compares = true },
	{ .name = "held",
	  .kind = LG_ARG_OPTION,
	  .values = "SIZE",
	  .help = "bytes of its own blocks",
	  .compares = true },
	{ .name = "value",
	  .kind = LG_ARG_OPTION,
	  .values = "TEXT|REGEX",
	  .help = "its text, as a line of a table shows it; ~ for a part of "
		  "it, as a regular expression",
	  .compares = true },
	{ .name = "repr",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "of objects that print themselves by code, that text, in a "
		  "copy of the program" },
	{ .name = "limit",
	  .kind = LG_ARG_OPTION,
	  .values = "N|none",
	  .help = "stop after so many; none" },
	{ .name = NULL },
};

const struct lg_verb vb_find = {
	.name = "find",
	.args = args,
	.options = options,
	.summary = "the set of objects of a type, size or content",
	.help = "Options compare with = != < <= > >=, texts with = != and ~ "
		"!~ (has, has not), without blanks. All of them must hold. "
		"What value~ has is an extended regular expression: "
		"value~'^user [0-9]+$', value~'a\\.b|c'.",
	.examples = "find type=dict size>1m\nfind type=str value~password "
		    "limit=20\nfind value~'^https?://'\n"
		    "find x type~Account held>=64k",
	.run = run,
};
