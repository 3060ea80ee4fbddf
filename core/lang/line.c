// SPDX-License-Identifier: Apache-2.0
#include "syntax.h"

/*
 * line := verb arg… | expr | name = expr
 */

/* Byte of the '=' of an assignment that begins with p->tok, or 0. */
static size_t assign_at(const struct lg_parser *p)
{
	size_t at = lg_skip_blanks(p->line, p->tok.end);

	if (p->tok.kind != LG_T_NAME || p->line[at] != '=' ||
	    p->line[at + 1] == '=')
		return 0;
	return at;
}

/* A verb in its command form begins here: byte after its name, or 0. */
static size_t command_at(const struct lg_parser *p, size_t at,
			 const struct lg_verb **ret)
{
	size_t end, next;

	*ret = lg_verb_at(p->s, p->line, at, &end);
	if (!*ret)
		return 0;
	next = lg_skip_blanks(p->line, end);
	if (p->line[next] == '(' || p->line[end] == '.' || p->line[end] == '[')
		return 0;
	return end;
}

static bool is_word_of(const char *of, const char *name)
{
	const struct lg_word *w;

	for (size_t i = 0; (w = lg_words_of(of, i)); i++)
		if (!strcmp(w->name, name))
			return true;
	return false;
}

static struct hs_err *check_target(const struct lg_parser *p)
{
	static const char *const taken[] = { "None", "True", "False", "_" };
	const char *name = p->tok.s;
	uint64_t number;

	for (size_t i = 0; i < HS_ARRAY_SIZE(taken); i++)
		if (!strcmp(name, taken[i]))
			return lg_syntax(p->tok.at, "%s cannot be assigned",
					 name);
	if (name[0] == '_' && hs_parse_u64(name + 1, &number))
		return lg_syntax(p->tok.at, "%s is the result of line %s", name,
				 name + 1);
	if (lg_verb_named(p->s, name, p->tok.n))
		return lg_syntax(p->tok.at, "%s is a verb: choose another name",
				 name);
	if (is_word_of("words", name) || is_word_of("functions", name))
		return lg_syntax(p->tok.at,
				 "%s is a word of the shell: choose another "
				 "name; @%s is the program's",
				 name, name);
	return NULL;
}

/* "x = asized obj detail=2": show how a call is written. */
static struct hs_err *command_assigned(struct lg_parser *p, size_t at,
				       const struct lg_verb *verb,
				       const char *target)
{
	struct lg_node *call = lg_new_node(p, LG_N_VERB, at);
	HS_TEXT text = { 0 };
	struct hs_err *err;

	for (const char *c = verb->name; *c; c++)
		hs_text_addc(&text, *c == ' ' ? '_' : *c);
	call->verb = verb;
	err = lg_parse_command(p, call);
	hs_err_free(err);
	hs_text_addc(&text, '(');
	for (size_t i = 0; i < call->n_items; i++)
		hs_text_addf(&text, "%s%.*s", i ? ", " : "",
			     (int)(call->items[i]->end - call->items[i]->at),
			     p->line + call->items[i]->at);
	for (size_t i = 0; i < call->n_options; i++)
		hs_text_addf(&text, "%s%s%s%.*s",
			     i || call->n_items ? ", " : "",
			     call->options[i].name, call->options[i].op,
			     (int)(call->options[i].value->end -
				   call->options[i].value->at),
			     p->line + call->options[i].value->at);
	hs_text_addc(&text, ')');
	return hs_err_remedy(lg_syntax(at, "a verb is called in an assignment"),
			     "%s = %s", target, hs_text_str(&text));
}

static struct hs_err *no_verb(const struct lg_parser *p, const char *name)
{
	HS_FREE char *two = lg_verbs_beginning(p->s, name);
	struct hs_err *err = lg_syntax(0, "%s is not a verb", name);
	const char *names[256];
	const char *near;
	size_t n = 0;

	if (two)
		return hs_err_remedy(err, "%s", two);
	for (; n < p->s->n_verbs && n < HS_ARRAY_SIZE(names); n++)
		names[n] = p->s->verbs[n]->name;
	near = hs_nearest(name, names, n);
	return hs_err_remedy(err, "%s", near ? near : "help");
}

/* "heap limit=5": such options are the verb rows's. */
static bool is_row_option(const struct lg_parser *p)
{
	static const char *const names[] = { "limit", "sort", "order",
					     "filter" };

	for (size_t i = 0; i < HS_ARRAY_SIZE(names); i++)
		if (p->tok.kind == LG_T_NAME && !strcmp(p->tok.s, names[i]) &&
		    p->line[p->tok.at + strlen(names[i])] == '=')
			return true;
	return false;
}

/* What follows an expression that is complete. */
static struct hs_err *left_over(const struct lg_parser *p,
				const struct lg_node *expr)
{
	struct lg_token first = { .kind = LG_T_NAME, .s = expr->s };

	if (is_row_option(p))
		return hs_err_remedy(lg_syntax(p->tok.at,
					       "an expression takes no "
					       "options"),
				     "rows %s", p->line + expr->at);
	if (expr->kind != LG_N_NAME || expr->at || p->tok.kind == LG_T_OP ||
	    expr->program || (p->tok.s && lg_is_foreign(p->tok.s)))
		return lg_unexpected(&p->tok);
	if (lg_is_foreign(expr->s)) // "not a"
		return lg_unexpected(&first);
	return no_verb(p, expr->s);
}

static struct hs_err *parse_whole(struct lg_parser *p, struct lg_line *ret)
{
	struct hs_err *err = lg_parse_expr(p, &ret->expr);

	// "asized (a - b) detail=2": the command form after all
	if (!err && ret->expr->kind == LG_N_VERB && !ret->expr->grouped &&
	    p->tok.blank &&
	    (p->tok.kind != LG_T_OP || p->tok.op == LG_OP_LPAR ||
	     p->tok.op == LG_OP_AT)) {
		p->pos = p->tok.at;
		err = lg_parse_command(p, ret->expr);
	}
	if (!err && p->tok.kind != LG_T_END)
		err = left_over(p, ret->expr);
	return err;
}

static struct hs_err *parse_assign(struct lg_parser *p, size_t assign,
				   struct lg_line *ret)
{
	struct hs_err *err = check_target(p);
	const struct lg_verb *verb;
	size_t end;

	if (err)
		return err;
	ret->target = p->tok.s;
	err = lg_seek(p, assign + 1);
	if (err)
		return err;
	end = p->tok.kind == LG_T_NAME ? command_at(p, p->tok.at, &verb) : 0;
	if (end) {
		size_t at = p->tok.at;

		p->pos = end;
		return command_assigned(p, at, verb, ret->target);
	}
	return parse_whole(p, ret);
}

static struct hs_err *parse_line(struct lg_parser *p, struct lg_line *ret)
{
	const struct lg_verb *verb;
	struct hs_err *err = lg_next(p);
	size_t assign, end;

	if (err || p->tok.kind == LG_T_END)
		return err;
	assign = assign_at(p);
	if (assign)
		return parse_assign(p, assign, ret);
	end = p->tok.kind == LG_T_NAME ? command_at(p, p->tok.at, &verb) : 0;
	if (!end)
		return parse_whole(p, ret);
	ret->expr = lg_new_node(p, LG_N_VERB, p->tok.at);
	ret->expr->verb = verb;
	p->pos = end;
	return lg_parse_command(p, ret->expr);
}

struct hs_err *lg_parse(const struct lg_session *s, struct hs_arena *arena,
			const char *line, struct lg_line *ret)
{
	struct lg_parser p = { .s = s, .arena = arena, .line = line };
	struct lg_line parsed = { 0 };
	struct hs_err *err;

	p.n = strnlen(line, LG_MAX_LINE + 1);
	if (p.n > LG_MAX_LINE)
		return hs_err_new(HS_ERR_USAGE, "a line of more than %d bytes",
				  LG_MAX_LINE);
	err = parse_line(&p, &parsed);
	if (!err)
		*ret = parsed;
	return err;
}
