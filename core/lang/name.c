// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

#include <ctype.h>

/*
 * What a name means: a variable, a set word, the program's; @name only the
 * last. The plugin adds the runtime's builtins to the program's names.
 */

/* --- set words ------------------------------------------------------------ */

/* Sets by what the graph answers, and tables of the runtime. */
struct word {
	struct lg_word word;
	/* NULL: a table */
	struct hs_err *(*nodes)(struct gr_graph *g, struct hs_task *task,
				struct gr_set **ret);
	bool relative; /* without those of "setref" */
	enum lg_space space; /* the table */
};

static struct hs_err *all(struct gr_graph *g, struct hs_task *task,
			  struct gr_set **ret)
{
	(void)task;
	return gr_set_all(g, ret);
}

static struct hs_err *none(struct gr_graph *g, struct hs_task *task,
			   struct gr_set **ret)
{
	(void)task;
	return gr_set_of(g, NULL, 0, ret);
}

static struct hs_err *orphans(struct gr_graph *g, struct hs_task *task,
			      struct gr_set **ret)
{
	struct hs_err *err = gr_need_rows(g, task);

	if (!err && !gr_is_counted(g))
		err = hs_err_remedy(
			hs_err_new(HS_ERR_UNSUPPORTED,
				   "orphans: this runtime counts no "
				   "references: what C holds cannot be told"),
			"heapu: what no root leads to");
	return err ? err : gr_set_orphans(g, task, ret);
}

static const struct word words[] = {
	{ { "heap", "every living object" }, .nodes = all, .relative = true },
	{ { "heapu", "objects that neither roots nor C hold" },
	  .nodes = gr_set_unreachable, .relative = true },
	{ { "garbage", "what the runtime's own collector would free" },
	  .nodes = an_garbage },
	{ { "orphans", "objects held by C: more counted references than "
		       "found" },
	  .nodes = orphans },
	{ { "Anything", "every object, whatever setref says" }, .nodes = all },
	{ { "Nothing", "the set of no objects" }, .nodes = none },
	{ { "threads", "threads of the runtime" }, .space = LG_THREADS },
	{ { "frames", "frames of all threads" }, .space = LG_ALL_FRAMES },
};

/* What "setref" named is taken out of *nodes. */
static struct hs_err *without_reference(struct lg_session *s,
					struct lg_instant *in,
					struct gr_set **nodes)
{
	struct gr_set *before, *rest;
	struct hs_err *err;
	bool is_all;

	if (!s->reference)
		return NULL;
	err = lg_to_set_in(s, in, s->reference, &before, &is_all);
	if (err)
		return err;
	err = gr_set_op(GR_SUB, *nodes, before, &rest);
	gr_set_unref(before);
	if (err)
		return err;
	gr_set_unref(*nodes);
	*nodes = rest;
	return NULL;
}

static struct hs_err *make_word(struct lg_session *s, struct lg_instant *in,
				const struct word *word, struct lg_value **ret)
{
	struct gr_graph *g;
	struct gr_set *nodes;
	struct hs_err *err;

	if (!word->nodes) {
		err = lg_check_bytes(in);
		if (!err)
			*ret = lg_space(in, word->space, 0, 0);
		return err;
	}
	err = lg_instant_graph(in, s->task, &g);
	if (!err)
		err = word->nodes(g, s->task, &nodes);
	if (err)
		return err;
	if (word->relative)
		err = without_reference(s, in, &nodes);
	if (!err)
		*ret = lg_set(in, nodes, AN_BY_CLODO);
	gr_set_unref(nodes);
	return err;
}

static const struct lg_word functions[] = {
	{ "len", "number of objects of a set, of rows, of items" },
	{ "type", "class of an object" },
	{ "id", "address of an object" },
};

/* Heapy's own words; the others are made by .refdby and .dictof. */
static const struct lg_word relations[] = {
	{ "Type", "Type(CLASS): objects of the class; .alt('<=') of its "
		  "subtypes" },
	{ "Clodo", "Clodo(CLASS), Clodo(dictof=CLASS), Clodo(dictof=()): of "
		   "the class, its attribute tables, tables of nobody" },
	{ "Size", "Size(56): of that flat size; .alt('>=') and the like" },
	{ "Id", "Id(OBJ): the object itself" },
	{ "Idset", "the same as Id" },
	{ "Module", "Module('os'): the module; Module(): what is none" },
	{ "Rcs", "Rcs(list, Clodo(dictof=C)): referred to by exactly these" },
	{ "Via", "Via('.name', \"['key']\"): referred to by exactly these" },
	{ "Prod", "Prod('app.py', 12): allocated there; Prod(): not known" },
	{ "Unity", "Unity(): every object" },
	{ "findex", "findex(KIND, …): which of these is the first that an "
		    "object is in; findex(KIND, …)(1): those of the second" },
};

bool lg_relation_named(const char *name, enum an_relation *ret)
{
	struct hs_err *err;
	bool found = false;

	for (size_t i = 0; i < HS_ARRAY_SIZE(relations); i++)
		found |= !strcmp(relations[i].name, name);
	if (!found || !strcmp(name, "findex"))
		return false;
	err = an_by_named(name, ret);
	hs_err_free(err);
	return !err;
}

const struct lg_word *lg_words_of(const char *of, size_t i)
{
	static const struct {
		const char *of;
		const struct lg_attr *attrs;
	} tables[] = {
		{ "set", lg_set_attrs },         { "table", lg_table_attrs },
		{ "threads", lg_threads_attrs }, { "thread", lg_thread_attrs },
		{ "frame", lg_frame_attrs },
		{ "relation", lg_relation_attrs },
	};

	if (!strcmp(of, "relations"))
		return i < HS_ARRAY_SIZE(relations) ? &relations[i] : NULL;
	if (!strcmp(of, "words"))
		return i < HS_ARRAY_SIZE(words) ? &words[i].word : NULL;
	if (!strcmp(of, "functions"))
		return i < HS_ARRAY_SIZE(functions) ? &functions[i] : NULL;
	for (size_t t = 0; t < HS_ARRAY_SIZE(tables); t++) {
		const struct lg_attr *a = tables[t].attrs;

		if (strcmp(of, tables[t].of))
			continue;
		for (; a->word.name; a++)
			if (!i--)
				return &a->word;
		if (strcmp(of, "set"))
			return NULL;
		for (const struct lg_method *m = lg_set_methods; m->word.name;
		     m++)
			if (!i--)
				return &m->word;
	}
	return NULL;
}

static const struct word *word_named(const char *name)
{
	for (size_t i = 0; i < HS_ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].word.name, name))
			return &words[i];
	return NULL;
}

struct hs_err *lg_word_value(struct lg_session *s, const char *name,
			     struct lg_value **ret)
{
	const struct word *word = word_named(name);
	struct lg_instant *in;
	struct hs_err *err;

	if (!word)
		return hs_err_new(HS_ERR_NAME, "%s is not a set word", name);
	err = lg_current(s, &in);
	return err ? err : make_word(s, in, word, ret);
}

/* --- the program ---------------------------------------------------------- */

struct wanted {
	const char *name;
	size_t n;
	uint64_t found;
};

static int is_wanted(void *arg, struct heapsh_text name, uint64_t target)
{
	struct wanted *w = arg;

	if (name.n != w->n || memcmp(name.s, w->name, w->n))
		return 1;
	w->found = target;
	return 0;
}

uint64_t lg_module(struct md_model *m, const char *name)
{
	struct wanted w = { .name = name, .n = strlen(name) };

	md_each_module(m, is_wanted, &w);
	return w.found;
}

char *lg_dotted(const struct lg_node *node)
{
	HS_FREE char *left = NULL;

	if (node->grouped)
		return NULL;
	if (node->kind == LG_N_NAME)
		return hs_xstrndup(node->s, node->n);
	if (node->kind != LG_N_ATTR)
		return NULL;
	left = lg_dotted(node->a);
	return left ? hs_xasprintf("%s.%s", left, node->s) : NULL;
}

static uint64_t of_program(struct md_model *m, const struct lg_node *node)
{
	uint64_t addr = md_lookup(m, node->s, node->n);

	return addr ? addr : lg_module(m, node->s);
}

/* A number that the program calls so, or NULL. */
static struct lg_value *bare_scalar(struct lg_session *s,
				    const struct lg_node *node)
{
	const struct heapsh_key key = { .kind = HEAPSH_KEY_STR,
					.text = { node->s, node->n } };

	return lg_scalar(lg_instant_model(s->current, s->task), 0, &key);
}

static int add_near(void *arg, struct heapsh_text name, uint64_t target)
{
	struct lg_near *near = arg;

	(void)target;
	lg_near_add(near, name.s, name.n);
	return 1;
}

/* Of two words that are as near, the first is said. */
static void near_names(struct lg_session *s, bool program, struct lg_near *near)
{
	for (size_t i = 0; !program && i < s->variables.cap; i++)
		if (s->variables.keys[i])
			lg_near_add(near, s->variables.keys[i],
				    strlen(s->variables.keys[i]));
	for (size_t i = 0; !program && i < HS_ARRAY_SIZE(words); i++)
		lg_near_add(near, words[i].word.name,
			    strlen(words[i].word.name));
	for (size_t i = 0; !program && i < HS_ARRAY_SIZE(relations); i++)
		lg_near_add(near, relations[i].name,
			    strlen(relations[i].name));
	if (s->current)
		md_names(lg_instant_model(s->current, s->task), 0, "", 0,
			 add_near, near);
	for (size_t i = 0; !program && i < s->n_verbs; i++)
		lg_near_add(near, s->verbs[i]->name, strlen(s->verbs[i]->name));
}

/* --- a name of another module --------------------------------------------- */

struct holder {
	struct hs_task *task;
	struct md_model *m;
	const char *name;
	char *module;	/* the last that has it, or NULL; malloc() */
};

/* Can its name be typed? Dots between words of ASCII. */
static bool is_typed(struct heapsh_text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!isalnum((unsigned char)t.s[i]) && t.s[i] != '_' &&
		    t.s[i] != '.')
			return false;
	return t.n && t.n < 200 && !isdigit((unsigned char)t.s[0]);
}

static int is_holder(void *arg, struct heapsh_text name, uint64_t target)
{
	struct holder *h = arg;

	if (hs_cancelled(h->task))
		return 0;
	if (is_typed(name) &&
	    md_attr(h->m, target, h->name, strlen(h->name))) {
		free(h->module);
		h->module = hs_xstrndup(name.s, name.n);
	}
	return 1;
}

/*
 * "app.CACHE" for CACHE: where a server is __main__, what is looked for is in
 * a module of the person's own. Of several the one imported last: who imports
 * a name is there before whom it is imported from. NULL: nowhere.
 */
static char *elsewhere_in_program(struct lg_session *s, const char *name)
{
	struct holder h = { .task = s->task, .name = name };
	char *found = NULL;

	if (!s->current || !strncmp(name, "__", 2) || strlen(name) < 2)
		return NULL;
	h.m = lg_instant_model(s->current, s->task);
	md_each_module(h.m, is_holder, &h);
	if (h.module)
		found = hs_xasprintf("%s.%s", h.module, name);
	free(h.module);
	return found;
}

static struct hs_err *unknown(struct lg_session *s, const struct lg_node *node)
{
	const struct lg_verb *verb = lg_verb_named(s, node->s, node->n);
	struct lg_near near = { 0 };
	HS_FREE char *two = NULL;
	struct hs_err *err;

	if (verb && !node->program) {
		HS_FREE char *usage = lg_usage(verb);

		return hs_err_remedy(hs_err_new(HS_ERR_USAGE, "%s is a verb",
						node->s),
				     "%s", usage);
	}
	if (s->current && !lg_instant_readable(s->current))
		return hs_err_remedy(
			hs_err_new(HS_ERR_FAULT,
				   "%s: no variable and no set word, and names "
				   "of instant %u are gone: it was released",
				   node->s, s->current->number),
			"snap takes a new one");
	if (!s->current)
		err = hs_err_new(HS_ERR_NAME,
				 "%s: no variable and no set "
				 "word, and no process is attached",
				 node->s);
	else if (node->program)
		err = hs_err_new(HS_ERR_NAME,
				 "@%s: the program has no such "
				 "name",
				 node->s);
	else
		err = hs_err_new(HS_ERR_NAME,
				 "%s: no variable, no set word, "
				 "and the program has no such name",
				 node->s);
	near_names(s, node->program, &near);
	err = lg_near_remedy(err, &near, node->s);
	two = lg_verbs_beginning(s, node->s);
	if (!two)
		two = elsewhere_in_program(s, node->s);
	if (two)
		return hs_err_remedy(err, "%s", two);
	if (!s->current && !err->remedy)
		return hs_err_remedy(err, "attach PID, or open FILE");
	return err;
}

static struct hs_err *of_shell(struct lg_session *s, const struct lg_node *node,
			       struct lg_value **ret)
{
	uint64_t *variable = hs_strmap_get(&s->variables, node->s);
	const struct word *word = word_named(node->s);
	enum an_relation by;
	struct lg_instant *in;
	struct hs_err *err;

	if (variable) {
		*ret = lg_ref((struct lg_value *)(uintptr_t)*variable);
		return NULL;
	}
	if (!word && lg_relation_named(node->s, &by))
		*ret = lg_relation(by);
	else if (!word && !strcmp(node->s, "findex"))
		*ret = lg_findex(NULL, 0);
	if (!word)
		return NULL;
	err = lg_current(s, &in);
	return err ? err : make_word(s, in, word, ret);
}

struct hs_err *lg_name(struct lg_session *s, const struct lg_node *node,
		       struct lg_value **ret)
{
	struct lg_value *v = NULL;
	struct hs_err *err = NULL;
	uint64_t addr;

	if (!node->program)
		err = of_shell(s, node, &v);
	if (err)
		return err;
	if (!v && s->current) {
		err = md_fault(s->current->model);
		if (err)
			return err;
		addr = of_program(lg_instant_model(s->current, s->task), node);
		v = addr ? lg_object(s->current, addr) :
			   bare_scalar(s, node);
	}
	if (!v)
		return unknown(s, node);
	*ret = v;
	return NULL;
}

struct hs_err *lg_at_address(struct lg_session *s, uint64_t addr,
			     struct lg_value **ret)
{
	struct lg_instant *in;
	struct md_object o;
	struct hs_err *err = lg_current(s, &in);

	if (err)
		return err;
	if (!md_object_at(lg_instant_model(in, s->task), addr, &o)) {
		err = hs_err_new(HS_ERR_NAME, "0x%llx: no object begins there",
				 (unsigned long long)addr);
		err->addr = addr;
		return err;
	}
	*ret = lg_object(in, addr);
	return NULL;
}
