// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* Words about a set. Forms: guppy3 3.1.7, guppy/heapy/UniSet.py. */

enum {
	BRIEF_COLUMNS = 80,	/* max_summary_length */
	BRIEF_KINDS = 3,
	BRIEF_MEMBERS = BRIEF_COLUMNS / 3,	/* no more fit */
	MEMBER_COLUMNS = 24,
	MAX_RENDERED = 1000,
};

/* "str", "(dict of module | list | 7 more)" */
struct hs_err *lg_add_kinds(struct lg_session *s, struct gr_set *nodes,
			    size_t most, struct hs_text *out)
{
	struct an_partition *p;
	struct hs_err *err = an_partition(nodes, AN_BY_CLODO, s->task, &p);

	if (err)
		return err;
	if (p->n_rows != 1)
		hs_text_addc(out, '(');
	for (size_t i = 0; i < p->n_rows && i < most; i++) {
		HS_FREE char *name = an_row_name(p, i);

		hs_text_addf(out, "%s%s", i ? " | " : "", name);
	}
	if (p->n_rows > most)
		hs_text_addf(out, " | %zu more", p->n_rows - most);
	if (p->n_rows != 1)
		hs_text_addc(out, ')');
	an_partition_destroy(p);
	return NULL;
}

/* "1, 2, 3...": as many as fit. */
static void add_members(struct md_model *m, struct gr_set *nodes,
			struct hs_text *out)
{
	uint32_t id = 0, i;

	for (i = 0; i < BRIEF_MEMBERS && gr_set_next(nodes, &id); i++, id++) {
		HS_FREE char *text =
			md_render(m, gr_addr(gr_set_graph(nodes), id),
				  HEAPSH_RENDER_SHORT, MEMBER_COLUMNS);

		if (i && out->len + strlen(text) + 2 >= BRIEF_COLUMNS)
			break;
		hs_text_addf(out, "%s%s", i ? ", " : "", text);
	}
	if (gr_set_count(nodes) > i)
		hs_text_add(out, "...");
}

/* "<2 str: 'a', 'b'> | <1 int: 1>", the most bytes first. */
static struct hs_err *add_parts(struct lg_session *s, struct md_model *m,
				const struct an_partition *p,
				struct hs_text *out)
{
	struct hs_err *err = NULL;

	for (size_t i = 0; i < p->n_rows && out->len < BRIEF_COLUMNS; i++) {
		HS_FREE char *name = an_row_name(p, i);
		struct gr_set *part;

		err = an_rows_set(p, i, i + 1, s->task, &part);
		if (err)
			break;
		hs_text_addf(out, "%s<%u %s: ", i ? " | " : "",
			     gr_set_count(part), name);
		add_members(m, part, out);
		hs_text_addc(out, '>');
		gr_set_unref(part);
	}
	return err;
}

/* At a character's end, with "...>" behind it. */
static void clip(struct hs_text *t)
{
	const char *s = hs_text_str(t);
	size_t n = BRIEF_COLUMNS - 4;
	HS_FREE char *head = NULL;

	if (t->len <= BRIEF_COLUMNS)
		return;
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	head = hs_xstrndup(s, n);
	hs_text_deinit(t);
	*t = (struct hs_text){ 0 };
	hs_text_addf(t, "%s...>", head);
}

/* Heapy's own form: "<2 int: 1, 2>". */
struct hs_err *lg_set_brief(struct lg_session *s, struct lg_value *v,
			    int64_t arg, struct lg_value **ret)
{
	struct gr_set *nodes = v->u.set.nodes;
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct an_partition *p;
	HS_TEXT out = { 0 };
	struct hs_err *err;

	(void)arg;
	if (!gr_set_count(nodes)) {
		*ret = lg_text("<Nothing>", 9);
		return NULL;
	}
	err = an_partition(nodes, AN_BY_CLODO, s->task, &p);
	if (err)
		return err;
	hs_text_addf(&out, "<%u ", gr_set_count(nodes));
	err = lg_add_kinds(s, nodes, BRIEF_KINDS, &out);
	hs_text_add(&out, ": ");
	if (!err && p->n_rows == 1)
		add_members(m, nodes, &out);
	else if (!err)
		err = add_parts(s, m, p, &out);
	an_partition_destroy(p);
	if (err)
		return err;
	hs_text_addc(&out, '>');
	clip(&out);
	*ret = lg_text(hs_text_str(&out), out.len);
	return NULL;
}

/* --- what Heapy's sets say of themselves ---------------------------------- */

struct hs_err *lg_set_fam(struct lg_session *s, struct lg_value *v,
			  int64_t arg, struct lg_value **ret)
{
	const struct lg_kind_value *k = v->u.set.kind;
	const char *word = k ? an_relation_word(k->by, NULL, NULL) : NULL;
	HS_FREE char *words = NULL;

	(void)s;
	(void)arg;
	words = word			    ? hs_xasprintf("kind by %s", word)
		: k			    ? hs_xstrdup("kind")
		: gr_set_count(v->u.set.nodes) ? hs_xstrdup("IdentitySet")
					       : hs_xstrdup("Nothing");
	*ret = lg_text(words, strlen(words));
	return NULL;
}

static struct hs_err *no_arguments(const struct lg_args *args,
				   const char *what)
{
	if (!args->n)
		return NULL;
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE, "%s takes no arguments",
					what),
			     "SET.%s()", what);
}

/* (Size, 56, '>'); of a set that is no kind (Id, the set, '<='). */
struct hs_err *lg_set_ckc(struct lg_session *s, struct lg_value *v,
			  const struct lg_args *args, struct lg_value **ret)
{
	const struct lg_kind_value *k = v->u.set.kind;
	LG_GUARD by = lg_relation(k ? k->by : AN_BY_ID);
	LG_GUARD what = NULL;
	const char *alt = k ? k->alt : "<=";
	LG_GUARD compare = lg_text(alt, strlen(alt));
	struct hs_err *err = no_arguments(args, "get_ckc");
	struct lg_value *items[3];

	(void)s;
	if (err)
		return err;
	what = !k		      ? lg_ref(v)
	       : k->by == AN_BY_SIZE ? lg_int((int64_t)k->key)
				     : lg_text(k->words, strlen(k->words));
	items[0] = by;
	items[1] = what;
	items[2] = compare;
	*ret = lg_list(items, 3);
	return NULL;
}

struct hs_err *lg_set_render(struct lg_session *s, struct lg_value *v,
			     const struct lg_args *args, struct lg_value **ret)
{
	struct gr_set *nodes = v->u.set.nodes;
	struct md_model *m = lg_instant_model(v->in, s->task);
	HS_FREE struct lg_value **items = NULL;
	struct hs_err *err = no_arguments(args, "get_render");
	uint32_t id, n = 0;

	if (!err && gr_set_count(nodes) > MAX_RENDERED)
		err = hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					       "get_render: %u objects: at "
					       "most %d",
					       gr_set_count(nodes),
					       MAX_RENDERED),
				    "SET.byid shows them page by page");
	if (err)
		return err;
	items = hs_xcalloc((size_t)gr_set_count(nodes) + 1,
			   sizeof(struct lg_value *));
	for (id = 0; gr_set_next(nodes, &id); id++) {
		HS_FREE char *text =
			md_render(m, gr_addr(gr_set_graph(nodes), id),
				  HEAPSH_RENDER_SHORT, BRIEF_COLUMNS);

		items[n++] = lg_text(text, strlen(text));
	}
	*ret = lg_list(items, n);
	while (n)
		lg_unref(items[--n]);
	return NULL;
}
