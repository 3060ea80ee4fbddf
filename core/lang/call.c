// SPDX-License-Identifier: Apache-2.0
#include "syntax.h"

/*
 * Arguments of a call, in its two forms:
 *
 *	asized obj detail=2		separated by blanks; no operators
 *	asized(obj, detail = 2)		separated by commas; any expression
 *
 * What an argument is made of is said by the verb's record. A bare word is
 * scanned here, byte by byte, because it need not be made of tokens.
 */

/* --- which verb ----------------------------------------------------------- */

/* Equal, where '_' of the call form stands for the blank of the name. */
static bool is_named(const char *verb, const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (verb[i] != name[i] && !(verb[i] == ' ' && name[i] == '_'))
			return false;
	return !verb[n];
}

const struct lg_verb *lg_verb_named(const struct lg_session *s,
				    const char *name, size_t n)
{
	for (size_t i = 0; i < s->n_verbs; i++)
		if (strnlen(s->verbs[i]->name, n + 1) == n &&
		    is_named(s->verbs[i]->name, name, n))
			return s->verbs[i];
	return NULL;
}

static size_t word_end(const char *line, size_t at)
{
	while (lg_is_name_byte(line[at]))
		at++;
	return at;
}

/* "track   diff" is the verb "track diff". */
static const struct lg_verb *two_words(const struct lg_session *s,
				       const char *line, size_t at,
				       size_t first, size_t *end)
{
	size_t second = lg_skip_blanks(line, first);
	size_t stop = word_end(line, second);
	const struct lg_verb *verb;
	char *name;

	if (second == first || stop == second || stop - second > 64 ||
	    first - at > 64)
		return NULL;
	name = hs_xasprintf("%.*s %.*s", (int)(first - at), line + at,
			    (int)(stop - second), line + second);
	verb = lg_verb_named(s, name, strlen(name));
	free(name);
	if (verb)
		*end = stop;
	return verb;
}

const struct lg_verb *lg_verb_at(const struct lg_session *s, const char *line,
				 size_t at, size_t *end)
{
	size_t first = word_end(line, at);
	const struct lg_verb *verb = two_words(s, line, at, first, end);

	if (verb)
		return verb;
	*end = first;
	return lg_verb_named(s, line + at, first - at);
}

char *lg_verbs_beginning(const struct lg_session *s, const char *name)
{
	size_t n = strlen(name);
	struct hs_text t = { 0 };

	for (size_t i = 0; i < s->n_verbs; i++) {
		const char *verb = s->verbs[i]->name;

		if (!strncmp(verb, name, n) && verb[n] == ' ')
			hs_text_addf(&t, "%s%s", t.len ? ", or " : "", verb);
	}
	return t.len ? hs_text_take(&t) : NULL;
}

const struct lg_arg *lg_verb_arg(const struct lg_verb *verb, size_t i)
{
	const struct lg_arg *arg = verb->args;

	if (!arg)
		return NULL;
	for (; arg->name; arg++, i--)
		if (!i || arg->many)
			return arg;
	return NULL;
}

const struct lg_arg *lg_verb_option(const struct lg_verb *verb,
				    const char *name)
{
	if (!verb->options)
		return NULL;
	for (const struct lg_arg *o = verb->options; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

/* --- one argument --------------------------------------------------------- */

struct call {
	struct lg_parser *p;
	struct lg_node *node;
	bool paren; /* asized(obj, …) */
	size_t i; /* next byte of the line */
};

static void push_option(struct call *c, const struct lg_option_node *option)
{
	struct lg_node *node = c->node;
	size_t n = node->n_options;

	if (!(n & (n - 1))) {
		struct lg_option_node *grown = hs_arena_alloc(
			c->p->arena, (n ? n * 2 : 1) * sizeof(*grown));

		if (n)
			memcpy(grown, node->options, n * sizeof(*grown));
		node->options = grown;
	}
	node->options[node->n_options++] = *option;
}

static bool ends_word(const struct call *c, char ch)
{
	return !ch || lg_is_blank(ch) || (c->paren && (ch == ',' || ch == ')'));
}

/* Text of the line from c->i to end as a literal; moves c->i. */
static struct hs_err *text_node(struct call *c, size_t end,
				struct lg_node **ret)
{
	struct lg_node *node = lg_new_node(c->p, LG_N_TEXT, c->i);

	node->s = lg_keep(c->p->arena, c->p->line + c->i, end - c->i);
	node->n = end - c->i;
	c->i = end;
	*ret = node;
	return lg_close_node(node, end);
}

/* A string literal as a word or as the value of an option. */
static struct hs_err *quoted(struct call *c, struct lg_node **ret)
{
	struct lg_node *node = lg_new_node(c->p, LG_N_TEXT, c->i);
	struct hs_err *err = lg_seek(c->p, c->i);

	if (err)
		return err;
	node->s = c->p->tok.s;
	node->n = c->p->tok.n;
	c->i = c->p->tok.end;
	*ret = node;
	if (!ends_word(c, c->p->line[c->i]))
		return lg_syntax(c->i, "a blank is missing after the string");
	return lg_close_node(node, c->i);
}

static struct hs_err *bare_word(struct call *c, struct lg_node **ret)
{
	const char *line = c->p->line;
	size_t end = c->i;

	if (line[c->i] == '\'' || line[c->i] == '"')
		return quoted(c, ret);
	while (!ends_word(c, line[end]))
		end++;
	return text_node(c, end, ret);
}

static struct hs_err *rest_of_line(struct call *c, struct lg_node **ret)
{
	size_t end = c->p->n;

	while (end > c->i && lg_is_blank(c->p->line[end - 1]))
		end--;
	return text_node(c, end, ret);
}

/* "asizeof a -b": say what would be right. c->p->tok is the operator. */
static struct hs_err *operator_between(const struct call *c,
				       const struct lg_node *left)
{
	const struct lg_token *tok = &c->p->tok;
	const char *line = c->p->line;
	size_t right = lg_skip_blanks(line, tok->end), end = right;
	struct hs_err *err;

	while (line[end] && !lg_is_blank(line[end]))
		end++;
	if (tok->op == LG_OP_ASSIGN)
		return hs_err_remedy(
			lg_syntax(tok->at, "blanks around = in an option"),
			"%.*s=%.*s", (int)(left->end - left->at),
			line + left->at, (int)(end - right), line + right);
	if (tok->op == LG_OP_FOREIGN)
		return lg_unexpected(tok);
	err = lg_syntax(tok->at, "an operator between arguments of %s",
			c->node->verb->name);
	return hs_err_remedy(err, "%s (%.*s %.*s %.*s)", c->node->verb->name,
			     (int)(left->end - left->at), line + left->at,
			     (int)(tok->end - tok->at), line + tok->at,
			     (int)(end - right), line + right);
}

/* An argument of the command form that begins with an operator. */
static struct hs_err *operator_first(const struct call *c)
{
	const struct lg_token *tok = &c->p->tok;
	const char *line = c->p->line;
	size_t end = tok->at;

	if (c->node->n_items &&
	    (lg_op_binds(tok->op) || tok->op == LG_OP_ASSIGN))
		return operator_between(c,
					c->node->items[c->node->n_items - 1]);
	if (tok->op != LG_OP_SUB && tok->op != LG_OP_INVERT)
		return lg_unexpected(tok);
	while (line[end] && !lg_is_blank(line[end]))
		end++;
	return hs_err_remedy(lg_syntax(tok->at,
				       "an argument cannot begin with %s",
				       lg_op_text(tok->op)),
			     "%s (%.*s)", c->node->verb->name,
			     (int)(end - tok->at), line + tok->at);
}

/* "-5" as the first argument; behind another it may be a subtraction. */
static bool is_negative_number(const struct call *c)
{
	const struct lg_token *tok = &c->p->tok;
	char next = c->p->line[tok->end];

	return tok->kind == LG_T_OP && tok->op == LG_OP_SUB && next >= '0' &&
	       next <= '9' && !c->node->n_items;
}

static struct hs_err *negative_number(struct lg_parser *p, struct lg_node **ret)
{
	struct lg_node *node = lg_new_node(p, LG_N_NEGATE, p->tok.at);
	struct hs_err *err = lg_next(p);

	if (!err)
		err = lg_parse_postfix(p, &node->a);
	if (!err)
		err = lg_close_node(node, node->a->end);
	*ret = node;
	return err;
}

/*
 * A value of the command form is a postfix expression; what follows it must be
 * the next argument. A number may have its sign.
 */
static struct hs_err *command_value(struct call *c, struct lg_node **ret)
{
	struct lg_parser *p = c->p;
	bool tight = p->tight;
	struct hs_err *err = lg_seek(p, c->i);

	if (err)
		return err;
	p->tight = true;
	if (is_negative_number(c))
		err = negative_number(p, ret);
	else if (p->tok.kind == LG_T_OP && p->tok.op != LG_OP_LPAR &&
		 p->tok.op != LG_OP_AT)
		err = operator_first(c);
	else
		err = lg_parse_postfix(p, ret);
	p->tight = tight;
	if (err)
		return err;
	c->i = p->tok.at;
	if (p->tok.kind != LG_T_OP || p->tok.op == LG_OP_COMMA)
		return NULL;
	if (lg_op_binds(p->tok.op) || p->tok.op == LG_OP_ASSIGN)
		return operator_between(c, *ret);
	return NULL;
}

/* OBJ(ARG…): what is called is no verb, and neither are its arguments. */
static struct hs_err *invocation(struct call *c, struct lg_node **ret)
{
	struct lg_parser *p = c->p;
	bool invoke = p->invoke, tight = p->tight;
	struct hs_err *err;

	p->invoke = true;
	if (!c->paren) {
		err = command_value(c, ret);
	} else {
		p->tight = false;
		err = lg_seek(p, c->i);
		if (!err)
			err = lg_parse_postfix(p, ret);
		if (!err)
			c->i = p->tok.at;
	}
	p->invoke = invoke;
	p->tight = tight;
	return err;
}

static struct hs_err *paren_value(struct call *c, struct lg_node **ret)
{
	struct hs_err *err = lg_seek(c->p, c->i);

	if (!err)
		err = lg_parse_expr(c->p, ret);
	if (!err)
		c->i = c->p->tok.at;
	return err;
}

static struct hs_err *too_many(const struct call *c)
{
	HS_FREE char *usage = lg_usage(c->node->verb);

	return hs_err_remedy(lg_syntax(c->i, "one argument too many for %s",
				       c->node->verb->name),
			     "%s", usage);
}

static struct hs_err *positional(struct call *c)
{
	const struct lg_verb *verb = c->node->verb;
	const struct lg_arg *arg =
		verb ? lg_verb_arg(verb, c->node->n_items) : NULL;
	enum lg_arg_kind kind = arg ? arg->kind : LG_ARG_VALUE;
	struct lg_node *item = NULL;
	struct hs_err *err;

	if (verb && !arg)
		return too_many(c);
	if (c->node->n_items >= LG_MAX_ITEMS)
		return lg_syntax(c->i, "more than %d arguments", LG_MAX_ITEMS);
	if (kind == LG_ARG_VALUE || kind == LG_ARG_NUMBER)
		err = c->paren ? paren_value(c, &item)
			       : command_value(c, &item);
	else if (kind == LG_ARG_CALL)
		err = invocation(c, &item);
	else if (!c->paren && (kind == LG_ARG_REST || kind == LG_ARG_VERB))
		err = rest_of_line(c, &item);
	else
		err = bare_word(c, &item);
	if (!err && kind == LG_ARG_NUMBER && item->kind == LG_N_ADDRESS)
		item->kind = LG_N_INT;
	if (!err)
		lg_push_item(c->p, c->node, item);
	return err;
}

/* --- options -------------------------------------------------------------- */

/* Longest first. */
static const char *const option_ops[] = {
	"!=", "<=", ">=", "!~", "=", "<", ">", "~",
};

/* An option's operator at byte at, or NULL. "==" is a comparison. */
static const char *op_at(const char *line, size_t at)
{
	if (!strncmp(line + at, "==", 2))
		return NULL;
	for (size_t i = 0; i < HS_ARRAY_SIZE(option_ops); i++)
		if (!strncmp(line + at, option_ops[i], strlen(option_ops[i])))
			return option_ops[i];
	return NULL;
}

static bool has_comparing(const struct lg_verb *verb)
{
	for (const struct lg_arg *o = verb->options; o && o->name; o++)
		if (o->compares)
			return true;
	return false;
}

/*
 * Does an option begin here? In parentheses "a < b" is an expression unless
 * the verb has declared an option of that name that compares.
 */
static bool is_option(const struct call *c, struct lg_option_node *ret,
		      size_t *value)
{
	const char *line = c->p->line;
	size_t end = word_end(line, c->i), at = end;
	const struct lg_verb *verb = c->node->verb;
	const struct lg_arg *declared, *arg;
	const char *op;

	if (end == c->i || (line[c->i] >= '0' && line[c->i] <= '9'))
		return false;
	if (c->paren && line[at = lg_skip_blanks(line, end)] != '=')
		at = end;
	op = op_at(line, at);
	if (!op)
		return false;
	ret->name = lg_keep(c->p->arena, line + c->i, end - c->i);
	ret->op = op;
	ret->at = c->i;
	*value = at + strlen(op);
	if (!verb)
		return !strcmp(op, "=");
	declared = lg_verb_option(verb, ret->name);
	arg = lg_verb_arg(verb, c->node->n_items);
	if (declared)
		return declared->compares || !strcmp(op, "=");
	if (strcmp(op, "="))
		return has_comparing(verb);
	return !(arg && arg->kind != LG_ARG_VALUE &&
		 arg->kind != LG_ARG_NUMBER && arg->kind != LG_ARG_CALL);
}

static struct hs_err *unknown_option(const struct call *c,
				     const struct lg_option_node *o)
{
	const struct lg_verb *verb = c->node->verb;
	const char *names[64];
	const char *near;
	struct hs_err *err;
	size_t n = 0;

	for (const struct lg_arg *a = verb->options; a && a->name; a++)
		if (n < HS_ARRAY_SIZE(names))
			names[n++] = a->name;
	near = hs_nearest(o->name, names, n);
	err = lg_syntax(o->at, "%s has no option %s", verb->name, o->name);
	if (near)
		return hs_err_remedy(err, "%s=", near);
	{
		HS_FREE char *usage = lg_usage(verb);

		return hs_err_remedy(err, "%s", usage);
	}
}

static struct hs_err *option_value(struct call *c, struct lg_option_node *o)
{
	const char *line = c->p->line;
	struct hs_err *err;

	if (c->node->invoked)
		return paren_value(c, &o->value);
	if (line[c->i] == '(') {
		bool tight = c->p->tight;

		c->p->tight = true;
		err = lg_seek(c->p, c->i);
		if (!err)
			err = lg_parse_postfix(c->p, &o->value);
		c->p->tight = tight;
		if (!err)
			c->i = c->p->tok.at;
		return err;
	}
	if (ends_word(c, line[c->i]))
		return lg_syntax(o->at, "option %s%s has no value", o->name,
				 o->op);
	return bare_word(c, &o->value);
}

static struct hs_err *option(struct call *c, struct lg_option_node *o,
			     size_t value)
{
	struct hs_err *err;

	if (c->node->verb && !lg_verb_option(c->node->verb, o->name))
		return unknown_option(c, o);
	for (size_t i = 0; i < c->node->n_options; i++)
		if (!strcmp(o->op, "=") &&
		    !strcmp(c->node->options[i].name, o->name))
			return lg_syntax(o->at, "option %s= twice", o->name);
	if (c->node->n_options >= LG_MAX_ITEMS)
		return lg_syntax(o->at, "more than %d options", LG_MAX_ITEMS);
	c->i = c->paren ? lg_skip_blanks(c->p->line, value) : value;
	err = option_value(c, o);
	if (!err)
		push_option(c, o);
	return err;
}

static struct hs_err *argument(struct call *c)
{
	struct lg_option_node o = { 0 };
	size_t value;

	if (is_option(c, &o, &value))
		return option(c, &o, value);
	return positional(c);
}

/* --- the two forms -------------------------------------------------------- */

/* At the end of an argument: the comma, or the closing parenthesis. */
static struct hs_err *between(struct call *c, size_t opened_at, bool *done)
{
	struct hs_err *err;

	c->i = lg_skip_blanks(c->p->line, c->i);
	if (c->p->line[c->i] == ')')
		*done = true;
	else if (c->p->line[c->i] == ',')
		c->i++;
	else if (c->i >= c->p->n || c->p->line[c->i] == '#')
		return lg_syntax(opened_at, "'(' is never closed");
	else {
		err = lg_seek(c->p, c->i);
		return err ? err : lg_unexpected(&c->p->tok);
	}
	return NULL;
}

struct hs_err *lg_parse_call(struct lg_parser *p, struct lg_node *node)
{
	struct call c = {
		.p = p, .node = node, .paren = true, .i = p->tok.end
	};
	size_t opened_at = p->tok.at;
	bool done = false;
	struct hs_err *err = lg_enter(p);

	while (!err && !done) {
		c.i = lg_skip_blanks(p->line, c.i);
		if (p->line[c.i] == ')')
			break;
		if (c.i >= p->n)
			err = lg_syntax(opened_at, "'(' is never closed");
		if (!err)
			err = argument(&c);
		if (!err)
			err = between(&c, opened_at, &done);
	}
	lg_leave(p);
	if (!err)
		err = lg_close_node(node, c.i + 1);
	return err ? err : lg_seek(p, c.i + 1);
}

struct hs_err *lg_parse_command(struct lg_parser *p, struct lg_node *node)
{
	struct call c = { .p = p, .node = node, .i = p->pos };
	struct hs_err *err = NULL;

	while (!err) {
		c.i = lg_skip_blanks(p->line, c.i);
		if (c.i >= p->n || p->line[c.i] == '#')
			break;
		if (p->line[c.i] == ',' && node->n_items) {
			c.i++;
			continue;
		}
		err = argument(&c);
	}
	if (!err)
		err = lg_close_node(node, p->n);
	return err ? err : lg_seek(p, p->n);
}
