// SPDX-License-Identifier: Apache-2.0
#include "syntax.h"

/*
 * Recursive descent with precedence climbing. Recursion is bounded twice:
 * lg_enter() counts what is open, lg_close_node() how deep the tree has become
 * (a - b - c … is flat to read and deep to evaluate).
 */

struct hs_err *lg_enter(struct lg_parser *p)
{
	if (++p->nest > LG_MAX_DEPTH)
		return lg_syntax(p->tok.at, "more than %d levels deep",
				 LG_MAX_DEPTH);
	return NULL;
}

struct lg_node *lg_new_node(struct lg_parser *p, enum lg_node_kind kind,
			    size_t at)
{
	struct lg_node *node = hs_arena_alloc(p->arena, sizeof(*node));

	node->kind = kind;
	node->at = at;
	return node;
}

static void raise_depth(struct lg_node *node, const struct lg_node *kid)
{
	if (kid && kid->depth >= node->depth)
		node->depth = kid->depth + 1;
}

struct hs_err *lg_close_node(struct lg_node *node, size_t end)
{
	node->end = end;
	node->depth = 1;
	raise_depth(node, node->a);
	raise_depth(node, node->b);
	raise_depth(node, node->c);
	raise_depth(node, node->d);
	for (size_t i = 0; i < node->n_items; i++)
		raise_depth(node, node->items[i]);
	for (size_t i = 0; i < node->n_options; i++)
		raise_depth(node, node->options[i].value);
	if (node->depth > LG_MAX_DEPTH)
		return lg_syntax(node->at, "more than %d levels deep",
				 LG_MAX_DEPTH);
	return NULL;
}

static bool is_op(const struct lg_parser *p, enum lg_op op)
{
	return p->tok.kind == LG_T_OP && p->tok.op == op;
}

/* What stands where something else was expected. */
static const struct {
	const char *text, *message, *remedy;
} foreign[] = {
	{ "+", "no + here", "the union of two sets is a | b" },
	{ "*", "no * here", NULL },
	{ "/", "no / here", NULL },
	{ "%", "no % here", NULL },
	{ "<<", "no << here", NULL },
	{ ">>", "no >> here", "to append to a file: COMMAND >> FILE" },
	{ "&&", "no && here", "one & is enough; commands are separated by ;" },
	{ "!", "no ! here", "the complement of a set is ~a" },
	{ "?", "no ? here", "help NAME" },
	{ "and", "no 'and' here", "a & b" },
	{ "or", "no 'or' here", "a | b" },
	{ "not", "no 'not' here", "the complement of a set is ~a" },
	{ "is", "no 'is' here", "a == b compares identity" },
	{ "if", "no 'if' here", NULL },
	{ "for", "no 'for' here", "find selects objects: find type=list" },
	{ "lambda", "no 'lambda' here", NULL },
	{ "while", "no 'while' here", NULL },
	{ "del", "no 'del' here", "x = None drops a value" },
	{ "import", "no 'import' here: nothing of the program is run",
	  "modules lists what it has imported" },
	{ "from", "no 'from' here: nothing of the program is run",
	  "modules lists what it has imported" },
	{ "def", "no 'def' here", NULL },
	{ "class", "no 'class' here", NULL },
	{ "[", "a list cannot be written here", "(a, b) is a list of values" },
	{ "{", "a dict cannot be written here", NULL },
	{ "=", "= needs one name on its left", "to compare: a == b" },
	{ ")", "')' was never opened", NULL },
	{ "]", "']' was never opened", NULL },
};

bool lg_is_foreign(const char *word)
{
	for (size_t i = 0; i < HS_ARRAY_SIZE(foreign); i++)
		if (!strcmp(word, foreign[i].text))
			return true;
	return false;
}

struct hs_err *lg_unexpected(const struct lg_token *tok)
{
	const char *text = tok->s ? tok->s : "";

	if (tok->kind == LG_T_END)
		return lg_syntax(tok->at, "the line ends too early");
	for (size_t i = 0; i < HS_ARRAY_SIZE(foreign); i++) {
		struct hs_err *err;

		if (tok->kind == LG_T_TEXT || strcmp(text, foreign[i].text))
			continue;
		err = lg_syntax(tok->at, "%s", foreign[i].message);
		if (foreign[i].remedy)
			return hs_err_remedy(err, "%s", foreign[i].remedy);
		return err;
	}
	if (tok->kind == LG_T_NAME || tok->kind == LG_T_OP)
		return lg_syntax(tok->at, "'%s' was not expected here", text);
	return lg_syntax(tok->at, "a value was not expected here");
}

/* Close node at the end of the token that is taken. */
static struct hs_err *take(struct lg_parser *p, struct lg_node *node)
{
	struct hs_err *err = lg_close_node(node, p->tok.end);

	return err ? err : lg_next(p);
}

static struct hs_err *expect(struct lg_parser *p, enum lg_op op,
			     size_t opened_at)
{
	if (is_op(p, op))
		return NULL;
	if (p->tok.kind == LG_T_END)
		return lg_syntax(opened_at, "'%c' is never closed",
				 p->line[opened_at]);
	return lg_unexpected(&p->tok);
}

void lg_push_item(struct lg_parser *p, struct lg_node *node,
		  struct lg_node *item)
{
	size_t n = node->n_items;

	if (!(n & (n - 1))) {
		size_t cap = n ? n * 2 : 1;
		struct lg_node **grown =
			hs_arena_alloc(p->arena, cap * sizeof(*grown));

		if (n)
			memcpy(grown, node->items, n * sizeof(*grown));
		node->items = grown;
	}
	node->items[node->n_items++] = item;
}

/* --- primaries ------------------------------------------------------------ */

/* The rest of (a, b, …): first has been parsed, p->tok is the comma. */
static struct hs_err *parse_tuple(struct lg_parser *p, struct lg_node *first,
				  size_t at, struct lg_node **ret)
{
	struct lg_node *tuple = lg_new_node(p, LG_N_TUPLE, at), *item;
	struct hs_err *err;

	lg_push_item(p, tuple, first);
	while (is_op(p, LG_OP_COMMA)) {
		err = lg_next(p);
		if (err)
			return err;
		if (is_op(p, LG_OP_RPAR))
			break;
		if (tuple->n_items >= LG_MAX_ITEMS)
			return lg_syntax(p->tok.at, "more than %d items",
					 LG_MAX_ITEMS);
		err = lg_parse_expr(p, &item);
		if (err)
			return err;
		lg_push_item(p, tuple, item);
	}
	*ret = tuple;
	return NULL;
}

static struct hs_err *in_group(struct lg_parser *p, size_t at,
			       struct lg_node **ret)
{
	struct lg_node *node = NULL;
	struct hs_err *err = lg_next(p);

	if (!err && is_op(p, LG_OP_RPAR))
		node = lg_new_node(p, LG_N_TUPLE, at);
	else if (!err)
		err = lg_parse_expr(p, &node);
	if (!err && is_op(p, LG_OP_COMMA))
		err = parse_tuple(p, node, at, &node);
	if (!err)
		err = expect(p, LG_OP_RPAR, at);
	if (!err)
		*ret = node;
	return err;
}

static struct hs_err *parse_group(struct lg_parser *p, struct lg_node **ret)
{
	size_t at = p->tok.at;
	bool tight = p->tight;
	struct lg_node *node;
	struct hs_err *err;

	p->tight = false;
	err = in_group(p, at, &node);
	p->tight = tight;
	if (err)
		return err;
	node->grouped = true;
	node->at = at;
	*ret = node;
	return take(p, node);
}

static bool is_result(const char *s)
{
	if (*s++ != '_' || !*s)
		return false;
	while (*s >= '0' && *s <= '9')
		s++;
	return !*s;
}

static const struct {
	const char *word;
	enum lg_node_kind kind;
	uint64_t number;
} constants[] = {
	{ "None", LG_N_NONE, 0 },
	{ "True", LG_N_BOOL, 1 },
	{ "False", LG_N_BOOL, 0 },
	{ "_", LG_N_LAST, 0 },
};

static struct hs_err *parse_word(struct lg_parser *p, struct lg_node **ret)
{
	struct lg_node *node = lg_new_node(p, LG_N_NAME, p->tok.at);

	node->s = p->tok.s;
	node->n = p->tok.n;
	for (size_t i = 0; i < HS_ARRAY_SIZE(constants); i++) {
		if (strcmp(node->s, constants[i].word))
			continue;
		node->kind = constants[i].kind;
		node->number = constants[i].number;
	}
	if (is_result(node->s) && hs_parse_u64(node->s + 1, &node->number))
		node->kind = LG_N_RESULT;
	*ret = node;
	return take(p, node);
}

/* A name, or a verb that is called. */
static struct hs_err *parse_name(struct lg_parser *p, struct lg_node **ret)
{
	size_t at = p->tok.at, end;
	const struct lg_verb *verb = lg_verb_at(p->s, p->line, at, &end);
	size_t paren = verb ? lg_skip_blanks(p->line, end) : 0;
	struct hs_err *err;

	if (!verb || p->line[paren] != '(' || (p->tight && paren != end) ||
	    p->invoke) // what is to be called is the program's
		return parse_word(p, ret);
	*ret = lg_new_node(p, LG_N_VERB, at);
	(*ret)->verb = verb;
	err = lg_seek(p, paren);
	return err ? err : lg_parse_call(p, *ret);
}

static struct hs_err *parse_program_name(struct lg_parser *p,
					 struct lg_node **ret)
{
	size_t at = p->tok.at;
	struct hs_err *err = lg_next(p);

	if (err)
		return err;
	if (p->tok.kind == LG_T_INT)
		return hs_err_remedy(lg_syntax(at, "@ takes a name"),
				     "use %llu chooses an instant",
				     (unsigned long long)p->tok.number);
	if (p->tok.kind != LG_T_NAME || p->tok.blank)
		return lg_syntax(at, "@ takes a name of the program");
	*ret = lg_new_node(p, LG_N_NAME, at);
	(*ret)->program = true;
	(*ret)->s = p->tok.s;
	(*ret)->n = p->tok.n;
	return take(p, *ret);
}

static struct hs_err *parse_literal(struct lg_parser *p, enum lg_node_kind kind,
				    struct lg_node **ret)
{
	struct lg_node *node = lg_new_node(p, kind, p->tok.at);

	node->number = p->tok.number;
	node->real = p->tok.real;
	node->s = p->tok.s;
	node->n = p->tok.n;
	*ret = node;
	return take(p, node);
}

static struct hs_err *parse_primary(struct lg_parser *p, struct lg_node **ret)
{
	switch (p->tok.kind) {
	case LG_T_NAME:
		return parse_name(p, ret);
	case LG_T_INT:
		return parse_literal(p, LG_N_INT, ret);
	case LG_T_FLOAT:
		return parse_literal(p, LG_N_FLOAT, ret);
	case LG_T_TEXT:
		return parse_literal(p, LG_N_TEXT, ret);
	case LG_T_RAW:
		return parse_literal(p, LG_N_RAW, ret);
	case LG_T_ADDRESS:
		return parse_literal(p, LG_N_ADDRESS, ret);
	case LG_T_OP:
		if (p->tok.op == LG_OP_LPAR)
			return parse_group(p, ret);
		if (p->tok.op == LG_OP_AT)
			return parse_program_name(p, ret);
		return lg_unexpected(&p->tok);
	case LG_T_END:
	default:
		return lg_unexpected(&p->tok);
	}
}

/* --- postfixes ------------------------------------------------------------ */

/* p->tok is the dot; what follows is a name even where it is a keyword. */
static struct hs_err *parse_attr(struct lg_parser *p, struct lg_node **node)
{
	size_t at = lg_skip_blanks(p->line, p->tok.end), end = at;
	struct lg_node *attr = lg_new_node(p, LG_N_ATTR, (*node)->at);
	struct hs_err *err;

	while (lg_is_name_byte(p->line[end]))
		end++;
	if (end == at)
		return lg_syntax(p->tok.at, "a name must follow '.'");
	if (p->line[at] >= '0' && p->line[at] <= '9')
		return hs_err_remedy(lg_syntax(at, "a name cannot begin so"),
				     "an index is written [%.*s]",
				     (int)(end - at), p->line + at);
	attr->a = *node;
	attr->s = lg_keep(p->arena, p->line + at, end - at);
	attr->n = end - at;
	err = lg_close_node(attr, end);
	*node = attr;
	return err ? err : lg_seek(p, end);
}

/* One bound of a slice, or nothing. */
static struct hs_err *parse_bound(struct lg_parser *p, struct lg_node **ret)
{
	if (is_op(p, LG_OP_COLON) || is_op(p, LG_OP_RBRACK))
		return NULL;
	return lg_parse_expr(p, ret);
}

/* Between the brackets: an index, or from:to:step. */
static struct hs_err *parse_subscript(struct lg_parser *p, struct lg_node *node)
{
	struct lg_node **bound[] = { &node->b, &node->c, &node->d };
	struct hs_err *err = lg_next(p);
	size_t at = p->tok.at;

	for (size_t i = 0; !err && i < HS_ARRAY_SIZE(bound); i++) {
		err = parse_bound(p, bound[i]);
		if (err || !is_op(p, LG_OP_COLON) || i == 2)
			break;
		node->kind = LG_N_SLICE;
		err = lg_next(p);
	}
	if (!err && node->kind == LG_N_INDEX && is_op(p, LG_OP_COMMA)) {
		err = parse_tuple(p, node->b, at, &node->b);
		if (!err)
			err = lg_close_node(node->b, p->tok.at);
	}
	if (!err && node->kind == LG_N_INDEX && !node->b)
		return lg_syntax(p->tok.at, "an index is missing");
	return err;
}

static struct hs_err *parse_index(struct lg_parser *p, struct lg_node **node)
{
	struct lg_node *index = lg_new_node(p, LG_N_INDEX, (*node)->at);
	size_t at = p->tok.at;
	bool tight = p->tight;
	struct hs_err *err;

	index->a = *node;
	p->tight = false;
	err = parse_subscript(p, index);
	if (!err)
		err = expect(p, LG_OP_RBRACK, at);
	p->tight = tight;
	*node = index;
	return err ? err : take(p, index);
}

static const struct lg_verb *verb_of_set(const struct lg_parser *p,
					 const struct lg_node *node)
{
	const struct lg_verb *verb;

	if (node->kind != LG_N_ATTR || node->grouped)
		return NULL;
	verb = lg_verb_named(p->s, node->s, strlen(node->s));
	return verb && verb->flags & LG_VERB_OF_SETS ? verb : NULL;
}

static struct hs_err *parse_call_of(struct lg_parser *p, struct lg_node **node)
{
	struct lg_node *call = lg_new_node(p, LG_N_CALL, (*node)->at);
	const struct lg_verb *verb = p->invoke ? NULL : verb_of_set(p, *node);

	call->invoked = p->invoke;
	p->invoke = false;
	if (verb) { // SET.verb(…) is verb(SET, …)
		call->kind = LG_N_VERB;
		call->verb = verb;
		lg_push_item(p, call, (*node)->a);
	} else {
		call->a = *node;
	}
	*node = call;
	return lg_parse_call(p, call);
}

struct hs_err *lg_parse_postfix(struct lg_parser *p, struct lg_node **ret)
{
	struct hs_err *err = parse_primary(p, ret);

	while (!err && p->tok.kind == LG_T_OP && !(p->tight && p->tok.blank)) {
		if (p->tok.op == LG_OP_DOT)
			err = parse_attr(p, ret);
		else if (p->tok.op == LG_OP_LBRACK)
			err = parse_index(p, ret);
		else if (p->tok.op == LG_OP_LPAR &&
			 !((*ret)->kind == LG_N_VERB && p->tok.blank))
			err = parse_call_of(p, ret);
		else
			break;
	}
	return err;
}

/* --- operators ------------------------------------------------------------ */

static struct hs_err *parse_unary(struct lg_parser *p, struct lg_node **ret)
{
	struct lg_node *node;
	struct hs_err *err;

	if (!is_op(p, LG_OP_SUB) && !is_op(p, LG_OP_INVERT))
		return lg_parse_postfix(p, ret);
	node = lg_new_node(p, is_op(p, LG_OP_SUB) ? LG_N_NEGATE : LG_N_INVERT,
			   p->tok.at);
	err = lg_enter(p);
	if (!err)
		err = lg_next(p);
	if (!err)
		err = parse_unary(p, &node->a);
	lg_leave(p);
	*ret = node;
	return err ? err : lg_close_node(node, node->a->end);
}

static int binds(const struct lg_parser *p)
{
	return p->tok.kind == LG_T_OP ? lg_op_binds(p->tok.op) : 0;
}

static struct hs_err *parse_binary(struct lg_parser *p, int least,
				   struct lg_node **ret)
{
	struct hs_err *err = parse_unary(p, ret);
	int level;

	while (!err && (level = binds(p)) && level >= least) {
		struct lg_node *node = lg_new_node(p, LG_N_BINARY, (*ret)->at);

		node->op = p->tok.op;
		node->a = *ret;
		*ret = node;
		err = lg_next(p);
		if (!err)
			err = parse_binary(p, level + 1, &node->b);
		if (!err)
			err = lg_close_node(node, node->b->end);
		if (!err && level == 1 && binds(p) == 1)
			return hs_err_remedy(
				lg_syntax(p->tok.at,
					  "comparisons do not chain"),
				"(a < b) & (b < c)");
	}
	return err;
}

struct hs_err *lg_parse_expr(struct lg_parser *p, struct lg_node **ret)
{
	bool tight = p->tight, invoke = p->invoke;
	struct hs_err *err = lg_enter(p);

	p->tight = p->invoke = false;
	if (!err)
		err = parse_binary(p, 1, ret);
	p->tight = tight;
	p->invoke = invoke;
	lg_leave(p);
	return err;
}
