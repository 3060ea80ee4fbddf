// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* | ^ & - ~ == != < <= > >= in, over numbers, texts and sets. */

static bool is_number(const struct lg_value *v)
{
	return v->kind == LG_INT || v->kind == LG_FLOAT || v->kind == LG_BOOL ||
	       v->kind == LG_BYTES;
}

static bool is_setlike(const struct lg_value *v)
{
	return v->kind == LG_SET || v->kind == LG_OBJECT;
}

static struct hs_err *no_meaning(enum lg_op op, const struct lg_value *a,
				 const struct lg_value *b)
{
	return hs_err_new(HS_ERR_USAGE, "%s between %s and %s has no meaning",
			  lg_op_text(op), lg_kind_words(a), lg_kind_words(b));
}

/* --- numbers -------------------------------------------------------------- */

static struct hs_err *number_op(enum lg_op op, const struct lg_value *a,
				const struct lg_value *b, struct lg_value **ret)
{
	bool is_float = a->kind == LG_FLOAT || b->kind == LG_FLOAT;
	bool both_bool = a->kind == LG_BOOL && b->kind == LG_BOOL;
	int64_t i = 0;

	if (op == LG_OP_SUB && is_float) {
		*ret = lg_float(lg_as_float(a) - lg_as_float(b));
		return NULL;
	}
	if (is_float)
		return no_meaning(op, a, b);
	if (op == LG_OP_AND)
		i = a->u.i & b->u.i;
	else if (op == LG_OP_OR)
		i = a->u.i | b->u.i;
	else if (op == LG_OP_XOR)
		i = a->u.i ^ b->u.i;
	else if (__builtin_sub_overflow(a->u.i, b->u.i, &i))
		return hs_err_new(HS_ERR_USAGE, "a number beyond 64 bits");
	*ret = both_bool && op != LG_OP_SUB ? lg_bool(i) : lg_int(i);
	return NULL;
}

/* The answer of a comparison from its three-way result; unordered: NaN. */
static bool holds(enum lg_op op, int order, bool unordered)
{
	switch (op) {
	case LG_OP_EQ:
		return !unordered && !order;
	case LG_OP_NE:
		return unordered || order;
	case LG_OP_LT:
		return !unordered && order < 0;
	case LG_OP_LE:
		return !unordered && order <= 0;
	case LG_OP_GT:
		return !unordered && order > 0;
	case LG_OP_GE:
	default:
		return !unordered && order >= 0;
	}
}

static bool compare_numbers(enum lg_op op, const struct lg_value *a,
			    const struct lg_value *b)
{
	double x = lg_as_float(a), y = lg_as_float(b);

	if (a->kind != LG_FLOAT && b->kind != LG_FLOAT)
		return holds(op, (a->u.i > b->u.i) - (a->u.i < b->u.i), false);
	return holds(op, (x > y) - (x < y), x != x || y != y);
}

static bool compare_texts(enum lg_op op, const struct lg_value *a,
			  const struct lg_value *b)
{
	size_t n = a->u.text.n < b->u.text.n ? a->u.text.n : b->u.text.n;
	int order = memcmp(a->u.text.s, b->u.text.s, n);

	if (!order)
		order = (a->u.text.n > b->u.text.n) -
			(a->u.text.n < b->u.text.n);
	return holds(op, order, false);
}

/* --- sets ----------------------------------------------------------------- */

static struct hs_err *left_out(const struct lg_value *a,
			       const struct lg_value *b)
{
	return hs_err_remedy(
		hs_err_new(HS_ERR_USAGE,
			   "a set holds objects of one instant: "
			   "those of instant %u are not all in instant %u",
			   b->in->number, a->in->number),
		"& and - work across instants");
}

static enum gr_op graph_op(enum lg_op op)
{
	switch (op) {
	case LG_OP_AND:
		return GR_AND;
	case LG_OP_OR:
		return GR_OR;
	case LG_OP_XOR:
		return GR_XOR;
	case LG_OP_SUB:
	default:
		return GR_SUB;
	}
}

/* Both sides as nodes of one instant: the left's, where it has one. */
struct sides {
	struct lg_instant *in;
	struct gr_set *a, *b;
	bool all; /* every member of the right is in b */
};

static void sides_deinit(struct sides *x)
{
	gr_set_unref(x->a);
	gr_set_unref(x->b);
}

static struct hs_err *sides_of(struct lg_session *s, struct lg_value *a,
			       struct lg_value *b, struct sides *ret)
{
	struct sides x = { .in = a->in ? a->in : b->in };
	struct hs_err *err = NULL;
	bool all;

	if (!x.in)
		err = lg_current(s, &x.in);
	if (!err)
		err = lg_to_set_in(s, x.in, a, &x.a, &all);
	if (!err)
		err = lg_to_set_in(s, x.in, b, &x.b, &x.all);
	if (err)
		sides_deinit(&x);
	else
		*ret = x;
	return err;
}

static struct hs_err *set_op(struct lg_session *s, enum lg_op op,
			     struct lg_value *a, struct lg_value *b,
			     struct lg_value **ret)
{
	enum an_relation by = a->kind == LG_SET   ? a->u.set.by
			      : b->kind == LG_SET ? b->u.set.by
						  : AN_BY_CLODO;
	struct gr_set *nodes;
	struct sides x;
	struct hs_err *err = sides_of(s, a, b, &x);

	if (err)
		return err;
	if (!x.all && (op == LG_OP_OR || op == LG_OP_XOR))
		err = left_out(a, b);
	if (!err)
		err = gr_set_op(graph_op(op), x.a, x.b, &nodes);
	if (!err) {
		*ret = lg_set(x.in, nodes, by);
		gr_set_unref(nodes);
	}
	sides_deinit(&x);
	return err;
}

/* A subset of b must not be claimed of what b lost on the way. */
static bool compare_nodes(enum lg_op op, const struct sides *x)
{
	bool equal = x->all && gr_set_equal(x->a, x->b);

	switch (op) {
	case LG_OP_EQ:
		return equal;
	case LG_OP_NE:
		return !equal;
	case LG_OP_LE:
		return gr_set_subset(x->a, x->b);
	case LG_OP_LT:
		return gr_set_subset(x->a, x->b) && !equal;
	case LG_OP_GE:
		return x->all && gr_set_subset(x->b, x->a);
	case LG_OP_GT:
	default:
		return x->all && gr_set_subset(x->b, x->a) && !equal;
	}
}

static struct hs_err *compare_sets(struct lg_session *s, enum lg_op op,
				   struct lg_value *a, struct lg_value *b,
				   struct lg_value **ret)
{
	struct sides x;
	struct hs_err *err = sides_of(s, a, b, &x);

	if (err)
		return err;
	*ret = lg_bool(compare_nodes(op, &x));
	sides_deinit(&x);
	return NULL;
}

static struct hs_err *compare(struct lg_session *s, enum lg_op op,
			      struct lg_value *a, struct lg_value *b,
			      struct lg_value **ret)
{
	bool is_equality = op == LG_OP_EQ || op == LG_OP_NE;

	if (a->kind == LG_SET || b->kind == LG_SET)
		return compare_sets(s, op, a, b, ret);
	if (is_number(a) && is_number(b))
		*ret = lg_bool(compare_numbers(op, a, b));
	else if (a->kind == b->kind &&
		 (a->kind == LG_TEXT || a->kind == LG_RAW))
		*ret = lg_bool(compare_texts(op, a, b));
	else if (a->kind == LG_OBJECT && b->kind == LG_OBJECT && is_equality)
		*ret = lg_bool(lg_same_object(s, a, b) == (op == LG_OP_EQ));
	else if (a->kind == LG_OBJECT || b->kind == LG_OBJECT)
		return hs_err_remedy(no_meaning(op, a, b),
				     "find value~'…' looks at contents");
	else if (is_equality)
		*ret = lg_bool((a == b ||
				(a->kind == LG_NONE && b->kind == LG_NONE)) ==
			       (op == LG_OP_EQ));
	else
		return no_meaning(op, a, b);
	return NULL;
}

/* --- in ------------------------------------------------------------------- */

static struct hs_err *in_set(struct lg_session *s, struct lg_value *a,
			     struct lg_value *b, bool *ret)
{
	struct gr_set *one;
	struct lg_value *nodes;
	struct gr_graph *g;
	struct hs_err *err;
	bool all;
	uint32_t id;

	if (a->kind != LG_OBJECT)
		return hs_err_remedy(no_meaning(LG_OP_IN, a, b),
				     "of two sets: a <= b");
	err = lg_instant_graph(a->in, s->task, &g);
	if (err)
		return err;
	id = gr_id(g, a->u.addr);	// the object itself, also of a class
	if (id == GR_NONE || a->in == b->in) {
		*ret = id != GR_NONE && gr_set_has(b->u.set.nodes, id);
		return NULL;
	}
	err = gr_set_of(g, &id, 1, &one);
	if (err)
		return err;
	nodes = lg_set(a->in, one, AN_BY_CLODO);
	gr_set_unref(one);
	err = lg_across(s, b->in, nodes, &one, &all);
	lg_unref(nodes);
	if (err)
		return err;
	*ret = all && gr_set_subset(one, b->u.set.nodes);
	gr_set_unref(one);
	return NULL;
}

static struct hs_err *in_list(struct lg_session *s, struct lg_value *a,
			      struct lg_value *b, bool *ret)
{
	*ret = false;
	for (size_t i = 0; !*ret && i < b->u.list.n; i++) {
		struct lg_value *item = b->u.list.v[i];
		struct lg_value *same;
		struct hs_err *err;

		if (is_setlike(a) != is_setlike(item))
			continue;
		err = compare(s, LG_OP_EQ, a, item, &same);
		if (err)
			return err;
		*ret = same->u.i;
		lg_unref(same);
	}
	return NULL;
}

static struct hs_err *contains(struct lg_session *s, enum lg_op op,
			       struct lg_value *a, struct lg_value *b,
			       struct lg_value **ret)
{
	struct hs_err *err;
	bool yes = false;

	if (b->kind == LG_SET)
		err = in_set(s, a, b, &yes);
	else if (b->kind == LG_LIST)
		err = in_list(s, a, b, &yes);
	else if (b->kind == LG_OBJECT)
		return hs_err_remedy(no_meaning(op, a, b),
				     "x in iso(OBJ).referents");
	else
		return no_meaning(op, a, b);
	if (!err)
		*ret = lg_bool(yes == (op == LG_OP_IN));
	return err;
}

/* --- operands ------------------------------------------------------------- */

static bool is_set_operator(enum lg_op op)
{
	return op == LG_OP_OR || op == LG_OP_XOR || op == LG_OP_AND ||
	       op == LG_OP_SUB;
}

/*
 * lg_operand(): beside a set operator a name may also be a type as the Kind
 * column shows it, which need not be a name of the program (types.CodeType).
 */
/* (text, list): a union, each item as if it stood alone. */
static struct hs_err *operands(struct lg_session *s, const struct lg_node *node,
			       struct lg_value **ret)
{
	struct lg_value **items = hs_xcalloc(node->n_items + 1, sizeof(*items));
	struct hs_err *err = NULL;
	size_t n = 0;

	while (!err && n < node->n_items) {
		err = lg_operand(s, node->items[n], &items[n]);
		n += !err;
	}
	if (!err)
		*ret = lg_list(items, n);
	while (n)
		lg_unref(items[--n]);
	free(items);
	return err;
}

struct hs_err *lg_operand(struct lg_session *s, const struct lg_node *node,
			  struct lg_value **ret)
{
	struct hs_err *err, *other;
	HS_FREE char *name = NULL;
	struct gr_set *nodes;

	if (node->kind == LG_N_TUPLE)
		return operands(s, node, ret);
	err = lg_eval(s, node, ret);
	if (!err || err->code != HS_ERR_NAME || !s->current)
		return err;
	name = lg_dotted(node);
	if (!name)
		return err;
	other = lg_set_of_name(s, s->current, name, &nodes);
	if (other) {
		hs_err_free(other);
		return err;
	}
	hs_err_free(err);
	*ret = lg_set(s->current, nodes, AN_BY_CLODO);
	gr_set_unref(nodes);
	return NULL;
}

/* Type & Size: what either tells apart. */
static struct hs_err *multiply(enum lg_op op, const struct lg_value *a,
			       const struct lg_value *b, struct lg_value **ret)
{
	enum an_relation by;
	struct hs_err *err;

	if (op != LG_OP_AND)
		return hs_err_remedy(no_meaning(op, a, b), "Type & Size");
	err = an_by_and(a->u.by, b->u.by, &by);
	if (!err)
		*ret = lg_relation(by);
	return err;
}

static struct hs_err *side(struct lg_session *s, const struct lg_node *node,
			   enum lg_op op, struct lg_value **ret)
{
	return is_set_operator(op) ? lg_operand(s, node, ret)
				   : lg_eval(s, node, ret);
}

/* "heap|head -3": without the blank it is a union with what is not there. */
static struct hs_err *meant_as_pipe(const struct lg_node *right,
				    struct hs_err *err)
{
	while (right->kind == LG_N_BINARY)
		right = right->a;
	if (err->code != HS_ERR_NAME || right->kind != LG_N_NAME)
		return err;
	return hs_err_remedy(err, "a blank before | makes it a pipe: … | %s",
			     right->s);
}

struct hs_err *lg_eval_binary(struct lg_session *s, const struct lg_node *node,
			      struct lg_value **ret)
{
	LG_GUARD a = NULL;
	LG_GUARD b = NULL;
	struct hs_err *err = side(s, node->a, node->op, &a);

	if (!err) {
		err = side(s, node->b, node->op, &b);
		if (err && node->op == LG_OP_OR)
			err = meant_as_pipe(node->b, err);
	}
	if (err)
		return err;
	if (node->op == LG_OP_IN || node->op == LG_OP_NOT_IN)
		return contains(s, node->op, a, b, ret);
	if (!is_set_operator(node->op))
		return compare(s, node->op, a, b, ret);
	if (is_number(a) && is_number(b))
		return number_op(node->op, a, b, ret);
	if (is_number(a) || is_number(b))
		return no_meaning(node->op, a, b);
	if (a->kind == LG_RELATION && b->kind == LG_RELATION)
		return multiply(node->op, a, b, ret);
	if (a->kind == LG_TABLE && b->kind == LG_TABLE &&
	    node->op == LG_OP_SUB)
		return lg_stat_subtract(s, a, b, ret);
	return set_op(s, node->op, a, b, ret);
}

struct hs_err *lg_invert(struct lg_session *s, struct lg_value *v,
			 struct lg_value **ret)
{
	struct gr_set *nodes, *all = NULL, *rest;
	struct hs_err *err;

	if (v->kind == LG_INT) {
		*ret = lg_int(~v->u.i);
		return NULL;
	}
	err = lg_to_set(s, v, &nodes);
	if (err)
		return err;
	err = gr_set_all(gr_set_graph(nodes), &all);
	if (!err)
		err = gr_set_op(GR_SUB, all, nodes, &rest);
	if (!err) {
		*ret = lg_set(v->in ? v->in : s->current, rest,
			      v->kind == LG_SET ? v->u.set.by : AN_BY_CLODO);
		gr_set_unref(rest);
	}
	gr_set_unref(all);
	gr_set_unref(nodes);
	return err;
}
