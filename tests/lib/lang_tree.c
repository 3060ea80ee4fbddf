// SPDX-License-Identifier: Apache-2.0
#include "lang_tree.h"

#include "text.h"

static void add_node(struct hs_text *t, const struct lg_node *node);

static void add_string(struct hs_text *t, const struct lg_node *node)
{
	hs_text_addc(t, '"');
	for (size_t i = 0; i < node->n; i++) {
		unsigned char c = (unsigned char)node->s[i];

		if (c < ' ' || c == '"' || c == '\\' || c == 0x7f ||
		    (c >= 0x80 && node->kind == LG_N_RAW))
			hs_text_addf(t, "\\x%02x", c);
		else
			hs_text_addc(t, (char)c);
	}
	hs_text_addc(t, '"');
}

static void add_kids(struct hs_text *t, const char *head,
		     const struct lg_node *const *kids, size_t n)
{
	hs_text_addf(t, "(%s", head);
	for (size_t i = 0; i < n; i++) {
		hs_text_addc(t, ' ');
		if (kids[i])
			add_node(t, kids[i]);
		else
			hs_text_addc(t, '-');
	}
}

static void add_options(struct hs_text *t, const struct lg_node *node)
{
	for (size_t i = 0; i < node->n_options; i++) {
		hs_text_addf(t, " %s%s", node->options[i].name,
			     node->options[i].op);
		add_node(t, node->options[i].value);
	}
}

static void add_branch(struct hs_text *t, const struct lg_node *node)
{
	const struct lg_node *kids[] = { node->a, node->b, node->c, node->d };
	const struct lg_node *const *items =
		(const struct lg_node *const *)node->items;

	switch (node->kind) {
	case LG_N_NEGATE:
		add_kids(t, "neg", kids, 1);
		break;
	case LG_N_INVERT:
		add_kids(t, "~", kids, 1);
		break;
	case LG_N_BINARY:
		add_kids(t, lg_op_text(node->op), kids, 2);
		break;
	case LG_N_ATTR:
		add_kids(t, ".", kids, 1);
		hs_text_addf(t, " %s", node->s);
		break;
	case LG_N_INDEX:
		add_kids(t, "[]", kids, 2);
		break;
	case LG_N_SLICE:
		add_kids(t, "[:]", kids, 4);
		break;
	case LG_N_TUPLE:
		add_kids(t, "tuple", items, node->n_items);
		break;
	case LG_N_CALL:
		add_kids(t, "call", kids, 1);
		for (size_t i = 0; i < node->n_items; i++) {
			hs_text_addc(t, ' ');
			add_node(t, node->items[i]);
		}
		add_options(t, node);
		break;
	default:
		add_kids(t, node->verb->name, items, node->n_items);
		add_options(t, node);
		break;
	}
	hs_text_addc(t, ')');
}

static void add_node(struct hs_text *t, const struct lg_node *node)
{
	switch (node->kind) {
	case LG_N_NONE:
		hs_text_add(t, "None");
		break;
	case LG_N_BOOL:
		hs_text_add(t, node->number ? "True" : "False");
		break;
	case LG_N_INT:
		hs_text_addf(t, "%llu", (unsigned long long)node->number);
		break;
	case LG_N_FLOAT:
		hs_text_addf(t, "%g", node->real);
		break;
	case LG_N_RAW:
		hs_text_addc(t, 'b');
		__attribute__((__fallthrough__));
	case LG_N_TEXT:
		add_string(t, node);
		break;
	case LG_N_ADDRESS:
		hs_text_addf(t, "0x%llx", (unsigned long long)node->number);
		break;
	case LG_N_NAME:
		hs_text_addf(t, "%s%s", node->program ? "@" : "", node->s);
		break;
	case LG_N_LAST:
		hs_text_addc(t, '_');
		break;
	case LG_N_RESULT:
		hs_text_addf(t, "_%llu", (unsigned long long)node->number);
		break;
	default:
		add_branch(t, node);
		break;
	}
}

char *tree_text(const struct lg_line *line)
{
	struct hs_text t = { 0 };

	if (line->target)
		hs_text_addf(&t, "(= %s ", line->target);
	if (line->expr)
		add_node(&t, line->expr);
	if (line->target)
		hs_text_addc(&t, ')');
	return hs_text_take(&t);
}

/* --- verbs ---------------------------------------------------------------- */

#define ARG(n, k, ...) \
	{ \
		.name = n, .kind = k, __VA_ARGS__ \
	}
#define OPT(n, v, ...) ARG(n, LG_ARG_OPTION, .values = v, __VA_ARGS__)
#define END \
	{ \
		.name = NULL \
	}

static const struct lg_arg objs[] = { ARG("OBJ", LG_ARG_VALUE, .many = true),
				      END };
static const struct lg_arg one_set[] = {
	ARG("SET", LG_ARG_VALUE, .optional = true), END
};
static const struct lg_arg word[] = {
	ARG("NAME", LG_ARG_WORD, .optional = true), END
};
static const struct lg_arg file[] = { ARG("FILE", LG_ARG_FILE), END };
static const struct lg_arg rest[] = {
	ARG("TOPIC", LG_ARG_VERB, .optional = true, .values = "sets|objects"),
	END
};
static const struct lg_arg setting[] = {
	ARG("NAME=VALUE", LG_ARG_SETTING, .optional = true),
	ARG("VALUE", LG_ARG_WORD, .optional = true), END
};
static const struct lg_arg sizes[] = { OPT("align", "N"), OPT("detail", "N"),
				       OPT("limit", "N|none"),
				       OPT("sort", "size|type|count"), END };
static const struct lg_arg tests[] = { OPT("type", "CLASS", .compares = true),
				       OPT("size", "SIZE", .compares = true),
				       OPT("value", "TEXT", .compares = true),
				       OPT("limit", "N"), END };

/* Answers the list of its arguments. */
static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	*ret = lg_list(call->args, call->n_args);
	return NULL;
}

#define VERB(id, n, a, o) \
	static const struct lg_verb id = { .name = n, \
					   .args = a, \
					   .options = o, \
					   .run = run, \
					   .flags = LG_VERB_NO_TARGET, \
					   .summary = n, \
					   .help = n }
VERB(v_asizeof, "asizeof", objs, sizes);
VERB(v_asized, "asized", objs, sizes);
VERB(v_find, "find", one_set, tests);
VERB(v_help, "help", rest, NULL);
VERB(v_open, "open", file, NULL);
VERB(v_set, "set", setting, NULL);
VERB(v_snap, "snap", word, NULL);
VERB(v_summary, "summary", one_set, sizes);
VERB(v_summary_diff, "summary diff", word, NULL);
VERB(v_track_diff, "track diff", NULL, NULL);

static const struct lg_verb *const verbs[] = {
	&v_asizeof, &v_asized, &v_find,    &v_help,         &v_open,
	&v_set,     &v_snap,   &v_summary, &v_summary_diff, &v_track_diff,
};
static const struct lg_setting settings[] = {
	{ "rows", "N|all", "10", "rows of a table" },
	{ "hold", "TIME|off", "120s", "time" },
};

void tree_session(struct lg_session *s, struct hs_task *task)
{
	hs_task_init(task, NULL, NULL);
	*s = (struct lg_session){ .verbs = verbs,
				  .n_verbs = HS_ARRAY_SIZE(verbs),
				  .settings = settings,
				  .n_settings = HS_ARRAY_SIZE(settings),
				  .task = task };
	lg_session_init(s);
}
