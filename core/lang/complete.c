// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * What Tab offers. Nothing that costs is evaluated for it: a set is known by
 * its word, without the sweep.
 */

enum { MAX_WORDS = 1000 };

struct complete {
	struct lg_session *s;
	const char *line; /* up to the cursor */
	size_t start; /* of the word under the cursor */
	const char *prefix; /* that word */
	size_t n;
	json_t *words;
	bool files;
};

/* A name of a class and of its base, of __main__ and of builtins. */
static bool is_offered(const struct complete *c, const char *word)
{
	size_t i;
	json_t *entry;

	json_array_foreach(c->words, i, entry)
		if (!strcmp(json_string_value(json_object_get(entry, "text")),
			    word))
			return true;
	return false;
}

static void offer(struct complete *c, const char *text, size_t n,
		  const char *suffix, const char *help)
{
	HS_FREE char *word = NULL;
	json_t *entry;

	if (n < c->n || memcmp(text, c->prefix, c->n) ||
	    json_array_size(c->words) >= MAX_WORDS)
		return;
	word = hs_xasprintf("%.*s%s", (int)n, text, suffix);
	if (is_offered(c, word))
		return;
	entry = json_object();
	if (json_object_set_new(entry, "text", json_string(word))) {
		json_decref(entry); // not UTF-8
		return;
	}
	json_object_set_new(entry, "help", json_string(help));
	json_array_append_new(c->words, entry);
}

static void offer_word(struct complete *c, const struct lg_word *w)
{
	offer(c, w->name, strlen(w->name), "", w->help);
}

static void offer_table(struct complete *c, const char *of)
{
	const struct lg_word *w;

	for (size_t i = 0; (w = lg_words_of(of, i)); i++)
		offer_word(c, w);
}

/* A name of the program; only what could be typed. */
static int offer_name(void *arg, struct heapsh_text name, uint64_t target)
{
	struct complete *c = arg;

	(void)target;
	// a dozen __methods__ of object would bury what one looks for
	if (!c->n && name.n && name.s[0] == '_')
		return 1;
	for (uint64_t i = 0; i < name.n; i++)
		if (!lg_is_name_byte(name.s[i]))
			return 1;
	if (name.n && !(name.s[0] >= '0' && name.s[0] <= '9'))
		offer(c, name.s, name.n, "", "");
	return json_array_size(c->words) < MAX_WORDS;
}

static void offer_program(struct complete *c, struct lg_instant *in,
			  uint64_t addr)
{
	md_names(lg_instant_model(in, c->s->task), addr, c->prefix, c->n,
		 offer_name, c);
}

/* For Tab an error is no answer; true: there was one. */
static bool dropped(struct hs_err *err)
{
	hs_err_free(err);
	return err;
}

/* --- what stands before a dot --------------------------------------------- */

/* A value, or only the knowledge that it would be a set. */
struct receiver {
	struct lg_value *v;
	bool is_set;
};

static bool gives_set(const char *attr)
{
	static const char *const others[] = {
		"count",  "size",  "indisize", "held", "theone",   "brief",
		"er",     "parts", "stat",     "prod", "domisize", "maprox",
	};

	for (size_t i = 0; i < HS_ARRAY_SIZE(others); i++)
		if (!strcmp(attr, others[i]))
			return false;
	return true;
}

static bool is_set_word(const struct complete *c, const struct lg_node *node)
{
	static const char *const words[] = { "heap", "heapu", "orphans" };

	if (node->program || hs_strmap_get(&c->s->variables, node->s))
		return false;
	for (size_t i = 0; i < HS_ARRAY_SIZE(words); i++)
		if (!strcmp(node->s, words[i]))
			return true;
	return false;
}

static bool is_literal(const struct lg_node *node)
{
	return node->kind == LG_N_INT || node->kind == LG_N_TEXT ||
	       node->kind == LG_N_RAW;
}

static struct receiver resolve(struct complete *c, const struct lg_node *node);

/* node without its last step, which is then taken if it costs little. */
static struct receiver resolve_step(struct complete *c,
				    const struct lg_node *node)
{
	struct receiver from = resolve(c, node->a), to = { 0 };
	struct hs_err *err = NULL;

	if (from.is_set || (from.v && from.v->kind == LG_SET)) {
		to.is_set = node->kind != LG_N_ATTR || gives_set(node->s);
	} else if (from.v && node->kind == LG_N_ATTR) {
		err = lg_attribute(c->s, from.v, node->s, &to.v);
	} else if (from.v && node->kind == LG_N_INDEX && is_literal(node->b)) {
		LG_GUARD key = NULL;

		err = lg_eval(c->s, node->b, &key);
		if (!err)
			err = lg_index(c->s, from.v, key, &to.v);
	}
	hs_err_free(err);
	lg_unref(from.v);
	return to;
}

static struct receiver resolve(struct complete *c, const struct lg_node *node)
{
	struct receiver r = { 0 };

	switch (node->kind) {
	case LG_N_NAME:
		r.is_set = is_set_word(c, node);
		if (!r.is_set)
			hs_err_free(lg_name(c->s, node, &r.v));
		return r;
	case LG_N_LAST:
	case LG_N_RESULT:
	case LG_N_ADDRESS:
		hs_err_free(lg_eval(c->s, node, &r.v));
		return r;
	case LG_N_ATTR:
	case LG_N_INDEX:
	case LG_N_SLICE:
		return resolve_step(c, node);
	case LG_N_NONE:
	case LG_N_BOOL:
	case LG_N_INT:
	case LG_N_FLOAT:
	case LG_N_TEXT:
	case LG_N_RAW:
	case LG_N_TUPLE:
	case LG_N_NEGATE:
	case LG_N_INVERT:
	case LG_N_BINARY:
	case LG_N_CALL:
	case LG_N_VERB:
	default:
		return r;
	}
}

/* First byte of the postfix chain that ends at end: a.b['c.d'][0] */
static size_t chain_start(const char *line, size_t end)
{
	size_t depth = 0, i = end;

	while (i) {
		char ch = line[i - 1];

		if (ch == ']')
			depth++;
		else if (ch == '[' && !depth)
			break;
		else if (ch == '[')
			depth--;
		else if (!depth && !lg_is_name_byte(ch) && ch != '.' &&
			 ch != '@')
			break;
		i--;
	}
	return i;
}

static void offer_verbs_of_sets(struct complete *c)
{
	for (size_t i = 0; i < c->s->n_verbs; i++) {
		const struct lg_verb *verb = c->s->verbs[i];

		if (verb->flags & LG_VERB_OF_SETS)
			offer(c, verb->name, strlen(verb->name), "",
			      verb->summary);
	}
}

static void offer_words(struct complete *c, const struct lg_word *w)
{
	for (; w && w->name; w++)
		offer_word(c, w);
}

/* frames[0].locals.x is frames[0].locals['x'] */
static void offer_variables(struct complete *c, const struct lg_value *v)
{
	const struct lg_space_value *at = &v->u.space;
	struct heapsh_variable var;
	struct md_model *m;

	if (v->kind != LG_NAMESPACE || at->space != LG_LOCALS ||
	    dropped(lg_runtime(c->s, v->in, &m)))
		return;
	for (uint32_t i = 0;
	     md_variable(m, at->thread, at->frame, i, &var) && i < MAX_WORDS;
	     i++)
		if (var.target)
			offer_name(c, var.name, var.target);
}

static void offer_attributes(struct complete *c, const struct receiver *r)
{
	if (r->is_set || (r->v && r->v->kind == LG_SET)) {
		offer_table(c, "set");
		offer_verbs_of_sets(c);
	} else if (r->v && r->v->kind == LG_OBJECT) {
		offer_program(c, r->v->in, r->v->u.addr);
	} else if (r->v && lg_attrs_of(r->v)) {
		if (r->v->kind == LG_VIEW)
			offer_words(c, r->v->u.view.ops->attrs);
		offer_variables(c, r->v);
		for (const struct lg_attr *a = lg_attrs_of(r->v); a->word.name;
		     a++)
			offer_word(c, &a->word);
	}
}

static void complete_attribute(struct complete *c, size_t dot)
{
	size_t from = chain_start(c->line, dot);
	HS_FREE char *chain = hs_xstrndup(c->line + from, dot - from);
	struct hs_arena arena = { 0 };
	struct lg_line line = { 0 };
	struct hs_err *err = lg_parse(c->s, &arena, chain, &line);
	struct receiver r = { 0 };

	if (!err && line.expr && !line.target)
		r = resolve(c, line.expr);
	hs_err_free(err);
	offer_attributes(c, &r);
	lg_unref(r.v);
	hs_arena_deinit(&arena);
}

/* --- names, verbs, options ------------------------------------------------ */

static void offer_verbs(struct complete *c)
{
	for (size_t i = 0; i < c->s->n_verbs; i++)
		offer(c, c->s->verbs[i]->name, strlen(c->s->verbs[i]->name), "",
		      c->s->verbs[i]->summary);
}

/* After "track ": the second words of verbs of two. */
static void offer_second_words(struct complete *c, size_t first,
			       size_t first_end)
{
	for (size_t i = 0; i < c->s->n_verbs; i++) {
		const char *name = c->s->verbs[i]->name;
		size_t n = first_end - first;

		if (!strncmp(name, c->line + first, n) && name[n] == ' ')
			offer(c, name + n + 1, strlen(name + n + 1), "",
			      c->s->verbs[i]->summary);
	}
}

static void offer_names(struct complete *c)
{
	const struct hs_strmap *vars = &c->s->variables;

	for (size_t i = 0; i < vars->cap; i++)
		if (vars->keys[i])
			offer(c, vars->keys[i], strlen(vars->keys[i]), "",
			      "variable");
	offer_table(c, "words");
	offer_table(c, "functions");
	offer_table(c, "relations");
	if (c->s->current)
		offer_program(c, c->s->current, 0);
}

/* Types that were met so far; only what can be typed. */
static void offer_types(struct complete *c)
{
	struct md_model *m = c->s->current ? c->s->current->model : NULL;
	uint32_t n = m ? md_n_types(m) : 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *name = md_type(m, i)->name, *p = name;

		while (lg_is_name_byte(*p) || *p == '.')
			p++;
		if (!*p)
			offer(c, name, strlen(name), "", "");
	}
}

/* The words among "size|type|N"; what stands for something is in capitals. */
static void offer_values(struct complete *c, const struct lg_arg *arg)
{
	if (arg && arg->values && !strcmp(arg->values, "CLASS"))
		offer_types(c);
	for (const char *at = arg && arg->values ? arg->values : ""; *at;) {
		size_t n = strcspn(at, "|");

		if (!(*at >= 'A' && *at <= 'Z'))
			offer(c, at, n, "", "");
		at += n + (at[n] == '|');
	}
}

static void offer_settings(struct complete *c)
{
	for (size_t i = 0; i < c->s->n_settings; i++)
		offer(c, c->s->settings[i].name, strlen(c->s->settings[i].name),
		      "=", c->s->settings[i].help);
}

static void offer_argument(struct complete *c, const struct lg_arg *arg)
{
	switch (arg->kind) {
	case LG_ARG_VALUE:
	case LG_ARG_NUMBER:
	case LG_ARG_CALL:
	case LG_ARG_CLASS:
		offer_names(c);
		break;
	case LG_ARG_FILE:
		c->files = true;
		break;
	case LG_ARG_SETTING:
		offer_settings(c);
		break;
	case LG_ARG_VERB:
		offer_verbs(c);
		break;
	case LG_ARG_WORD:
	case LG_ARG_INSTANT:
	case LG_ARG_REST:
	case LG_ARG_OPTION:
	default:
		break;
	}
	offer_values(c, arg);
}

/* Which argument the cursor is in: words before it that are not options. */
static size_t argument_index(const struct complete *c, size_t from)
{
	size_t index = 0, i = from;

	while ((i = lg_skip_blanks(c->line, i)) < c->start && c->line[i]) {
		bool option = false;

		for (; c->line[i] && !lg_is_blank(c->line[i]); i++)
			option |= c->line[i] == '=';
		if (i < c->start && !option)
			index++;
	}
	return index;
}

static void complete_command(struct complete *c, const struct lg_verb *verb,
			     size_t end)
{
	size_t name = c->start;
	const struct lg_arg *arg;

	if (name && c->line[name - 1] == '=') { // the value of an option
		HS_FREE char *option = NULL;
		size_t stop = --name;

		while (name && lg_is_name_byte(c->line[name - 1]))
			name--;
		option = hs_xstrndup(c->line + name, stop - name);
		offer_values(c, lg_verb_option(verb, option));
		return;
	}
	arg = lg_verb_arg(verb, argument_index(c, end));
	if (arg)
		offer_argument(c, arg);
	for (const struct lg_arg *o = verb->options; o && o->name; o++)
		offer(c, o->name, strlen(o->name), "=", o->help);
}

/* A path may begin long before the word under the cursor. */
static void complete_word(struct complete *c)
{
	size_t first = lg_skip_blanks(c->line, 0), end, first_end = first;
	const struct lg_verb *verb = lg_verb_at(c->s, c->line, first, &end);

	while (lg_is_name_byte(c->line[first_end]))
		first_end++;
	if (c->start <= first) {
		offer_verbs(c);
		offer_names(c);
		return;
	}
	if (lg_skip_blanks(c->line, first_end) >= c->start)
		offer_second_words(c, first, first_end);
	if (verb && end < c->start &&
	    c->line[lg_skip_blanks(c->line, end)] != '(')
		complete_command(c, verb, end);
	else
		offer_names(c);
}

/* Where the text begins that the end of the line is in, or NULL: its quote. */
static const char *text_start(const char *line)
{
	const char *open = NULL;

	for (; *line; line++) {
		if (open && *line == '\\' && line[1])
			line++;
		else if (open && *line == *open)
			open = NULL;
		else if (!open && (*line == '\'' || *line == '"'))
			open = line;
	}
	return open;
}

/* Keys that x['… looks up, with what closes them. */
struct keys {
	struct complete *c;
	char quote;
};

/* One that can be typed as a text. */
static int offer_key(void *arg, const char *text)
{
	const struct keys *k = arg;
	const char end[] = { k->quote, ']', '\0' };

	if (!strpbrk(text, "'\"\\") && !strstr(text, "…"))
		offer(k->c, text, strlen(text), end, "");
	return json_array_size(k->c->words) < MAX_WORDS;
}

/* Within a text names are no use; within x['… keys of x are. */
static void complete_text(struct complete *c, const char *quote)
{
	size_t at = (size_t)(quote - c->line), from;
	HS_FREE char *chain = NULL;
	struct hs_arena arena = { 0 };
	struct lg_line line = { 0 };
	struct receiver r = { 0 };
	struct keys keys = { c, *quote };

	c->start = at + 1;
	c->prefix = quote + 1;
	c->n = strlen(c->prefix);
	if (!at || c->line[at - 1] != '[')
		return;
	from = chain_start(c->line, at - 1);
	chain = hs_xstrndup(c->line + from, at - 1 - from);
	if (!dropped(lg_parse(c->s, &arena, chain, &line)) && line.expr &&
	    !line.target)
		r = resolve(c, line.expr);
	if (r.v && r.v->kind == LG_OBJECT)
		lg_each_text_key(c->s, r.v, offer_key, &keys);
	lg_unref(r.v);
	hs_arena_deinit(&arena);
}

json_t *lg_complete(struct lg_session *s, const char *line, size_t point)
{
	size_t n = strnlen(line, LG_MAX_LINE);
	HS_FREE char *before = hs_xstrndup(line, point < n ? point : n);
	struct complete c = { .s = s, .line = before, .words = json_array() };
	json_t *ret = json_object();
	const char *quote;

	c.start = strlen(before);
	c.n = c.start;
	while (c.start && lg_is_name_byte(before[c.start - 1]))
		c.start--;
	c.prefix = before + c.start;
	c.n -= c.start;
	quote = text_start(before);
	if (quote)
		complete_text(&c, quote);
	else if (c.start && before[c.start - 1] == '.')
		complete_attribute(&c, c.start - 1);
	else
		complete_word(&c);
	json_object_set_new(ret, "start", wr_u64(c.start));
	json_object_set_new(ret, "words", c.words);
	if (c.files)
		json_object_set_new(ret, "files", json_true());
	return ret;
}
