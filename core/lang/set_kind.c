// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Relations and kinds, as Heapy's. A kind is a set: all objects of the heap
 * that a relation calls alike; it remembers what it was made of for .alt() and
 * to be a kind of referrers.
 */

struct lg_kind_value *lg_kind_create(enum an_relation by, uint64_t key,
				     char *words)
{
	struct lg_kind_value *k = hs_xalloc(sizeof(*k));

	k->refs = 1;
	k->by = by;
	k->alt = "==";
	k->key = key;
	k->words = words;
	return k;
}

struct hs_err *lg_whole_heap(struct lg_session *s, struct lg_instant *in,
			     struct gr_set **ret)
{
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(in, s->task, &g);

	return err ? err : gr_set_all(g, ret);
}

/* Takes k over: what of the heap the test says, as that kind. */
static struct hs_err *filter(struct lg_session *s, struct lg_instant *in,
			     bool (*test)(void *arg, uint32_t id), void *arg,
			     struct lg_kind_value *k, struct lg_value **ret)
{
	struct gr_set *all, *nodes;
	struct hs_err *err = lg_whole_heap(s, in, &all);

	if (!err) {
		err = gr_set_filter(all, s->task, test, arg, &nodes);
		gr_set_unref(all);
	}
	if (err) {
		lg_kind_unref(k);
		return err;
	}
	*ret = lg_kind_set(in, nodes, k);
	gr_set_unref(nodes);
	return NULL;
}

/* --- by type -------------------------------------------------------------- */

struct pick {
	const struct gr_graph *g;
	bool *types; /* one a type; free() */
	uint32_t n_types;
	bool tables; /* tables whose owners are of these */
	bool ownerless; /* tables of nobody */
};

static bool is_picked(void *arg, uint32_t id)
{
	const struct pick *p = arg;
	uint32_t type = gr_type(p->g, id), owner = gr_owner_type(p->g, id);

	if (p->ownerless)
		return owner == GR_NONE && type < p->n_types && p->types[type];
	if (p->tables)
		type = owner;
	return type < p->n_types && p->types[type];
}

static struct hs_err *begin_pick(struct lg_session *s, struct lg_instant *in,
				 struct pick *p)
{
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(in, s->task, &g);

	if (err)
		return err;
	p->g = g;
	p->n_types = md_n_types(in->model);
	p->types = hs_xcalloc((size_t)p->n_types + 1, sizeof(*p->types));
	return NULL;
}

/* Marks the types that a class or a type's name is; *words: what it is. */
static struct hs_err *mark_types(struct lg_session *s, struct lg_instant *in,
				 const char *what, struct lg_value *v,
				 struct pick *p, uint64_t *key, char **words)
{
	struct md_model *m = lg_instant_model(in, s->task);
	HS_FREE char *object = NULL;
	uint32_t type;

	*key = UINT32_MAX;
	if (v->kind == LG_TEXT) {
		*words = hs_xstrdup(v->u.text.s);
		return lg_types_named(m, v->u.text.s, p->types, key);
	}
	if (v->kind == LG_SET && v->u.set.kind &&
	    v->u.set.kind->by == AN_BY_TYPE) {
		*key = v->u.set.kind->key;
		*words = hs_xstrdup(v->u.set.kind->words);
		if (*key < p->n_types)
			p->types[*key] = true;
		return NULL;
	}
	if (v->kind != LG_OBJECT || !lg_is_class(s, v, &type)) {
		object = v->kind == LG_OBJECT ? lg_object_words(s, v)
					      : hs_xstrdup(lg_kind_words(v));
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s takes a class, not %s",
						what, object),
				     "%s(type(OBJ)), %s(CLASS)", what, what);
	}
	*key = type;
	if (type < p->n_types)
		p->types[type] = true;
	*words = type != UINT32_MAX
			 ? hs_xstrdup(md_type(m, type)->name)
			 : md_render(m, v->u.addr, HEAPSH_RENDER_SHORT, 80);
	return NULL;
}

struct hs_err *lg_type_kind(struct lg_session *s, struct lg_instant *in,
			    enum an_relation by, struct lg_value *v,
			    bool tables, struct lg_value **ret)
{
	struct pick p = { .tables = tables };
	char *words = NULL, *longer;
	uint64_t key;
	struct hs_err *err = begin_pick(s, in, &p);

	if (!err)
		err = mark_types(s, in, by == AN_BY_TYPE ? "Type" : "Clodo", v,
				 &p, &key, &words);
	if (!err && tables) {
		longer = hs_xasprintf("%s of %s", lg_table_word(in->model),
				      words);
		free(words);
		words = longer;
	}
	if (err)
		free(words);
	else
		err = filter(s, in, is_picked, &p,
			     lg_kind_create(by, key, words), ret);
	free(p.types);
	return err;
}

/* Clodo(dictof=()): attribute tables that nobody owns. */
struct hs_err *lg_ownerless_kind(struct lg_session *s, struct lg_instant *in,
				 struct lg_value **ret)
{
	struct pick p = { .ownerless = true };
	struct hs_err *err = begin_pick(s, in, &p);

	if (err)
		return err;
	for (uint32_t i = 0; i < p.n_types; i++)
		p.types[i] = md_type(in->model, i)->flags & HEAPSH_TYPE_TABLE;
	err = filter(s, in, is_picked, &p,
		     lg_kind_create(AN_BY_CLODO, UINT32_MAX,
				    hs_xasprintf("%s (no owner)",
						 lg_table_word(in->model))),
		     ret);
	free(p.types);
	return err;
}

/* --- by size -------------------------------------------------------------- */

static const char *const compares[] = { "==", "!=", "<", "<=", ">", ">=" };

static const char *compare_named(const char *name)
{
	for (size_t i = 0; i < HS_ARRAY_SIZE(compares); i++)
		if (!strcmp(compares[i], name))
			return compares[i];
	return NULL;
}

struct sized {
	const struct gr_graph *g;
	uint64_t size;
	const char *alt;
};

static bool is_of_size(void *arg, uint32_t id)
{
	const struct sized *z = arg;
	uint64_t size = gr_flat(z->g, id);

	if (!strcmp(z->alt, "=="))
		return size == z->size;
	if (!strcmp(z->alt, "!="))
		return size != z->size;
	if (z->alt[0] == '<')
		return size < z->size || (z->alt[1] && size == z->size);
	return size > z->size || (z->alt[1] && size == z->size);
}

struct hs_err *lg_size_kind(struct lg_session *s, struct lg_instant *in,
			    uint64_t size, const char *alt,
			    struct lg_value **ret)
{
	struct sized z = { .size = size, .alt = alt };
	struct lg_kind_value *k;
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(in, s->task, &g);

	if (err)
		return err;
	z.g = g;
	k = lg_kind_create(AN_BY_SIZE, size,
			   hs_xasprintf("<size %s %llu>",
					strcmp(alt, "==") ? alt : "=",
					(unsigned long long)size));
	k->alt = alt;
	return filter(s, in, is_of_size, &z, k, ret);
}

/* --- .alt ----------------------------------------------------------------- */

struct bases {
	uint64_t wanted;
	bool found;
};

static int is_base(void *arg, struct heapsh_text name, uint64_t base)
{
	struct bases *b = arg;

	(void)name;
	b->found |= base == b->wanted;
	return !b->found;
}

/* Does type i come under (below: strictly), or above, the type of the kind? */
static bool is_related(struct md_model *m, uint64_t address, uint32_t i,
		       const char *alt)
{
	uint64_t other = md_type(m, i)->address;
	bool up = alt[0] == '>', same = other == address;
	struct bases b = { .wanted = up ? other : address };

	if (same || !other)
		return same && alt[1] == '=';
	md_each_base(m, up ? address : other, is_base, &b);
	return b.found;
}

static struct hs_err *alt_type(struct lg_session *s, struct lg_value *v,
			       const char *alt, struct lg_value **ret)
{
	const struct lg_kind_value *old = v->u.set.kind;
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct pick p = { 0 };
	struct lg_kind_value *k;
	struct hs_err *err = begin_pick(s, v->in, &p);

	if (err)
		return err;
	if (old->key >= p.n_types || !md_type(m, (uint32_t)old->key)->address) {
		free(p.types);
		return hs_err_new(HS_ERR_NAME,
				  "alt: the type %s has no "
				  "class in the heap",
				  old->words);
	}
	for (uint32_t i = 0; i < p.n_types; i++)
		p.types[i] = alt[1] == '=' && strchr("=!", alt[0])
				     ? (i == old->key) == (alt[0] == '=')
				     : is_related(m,
						  md_type(m, (uint32_t)old->key)
							  ->address,
						  i, alt);
	k = lg_kind_create(AN_BY_TYPE, old->key,
			   hs_xasprintf("<%s%s of %s>",
					strlen(alt) == 1 ? "strict " : "",
					alt[0] == '>' ? "supertype" : "subtype",
					old->words));
	k->alt = alt;
	err = filter(s, v->in, is_picked, &p, k, ret);
	free(p.types);
	return err;
}

struct hs_err *lg_set_alt(struct lg_session *s, struct lg_value *v,
			  const struct lg_args *args, struct lg_value **ret)
{
	const struct lg_kind_value *k = v->u.set.kind;
	const char *alt = args->n == 1 && args->v[0]->kind == LG_TEXT
				  ? compare_named(args->v[0]->u.text.s)
				  : NULL;

	if (!k || (k->by != AN_BY_TYPE && k->by != AN_BY_SIZE))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"alt is of kinds that Type "
						"and Size have made"),
				     "Type(CLASS).alt('<='), "
				     "Size(1000).alt('>')");
	if (!alt)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"alt takes one of == != < <= "
						"> >="),
				     "alt('<=')");
	return k->by == AN_BY_SIZE ? lg_size_kind(s, v->in, k->key, alt, ret)
				   : alt_type(s, v, alt, ret);
}
