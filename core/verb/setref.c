// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

/* Heapy's setref(): heap and heapu without what was there before. */

static struct hs_err *forget(struct lg_session *s, struct lg_value **ret)
{
	lg_unref(s->reference);
	s->reference = NULL;
	*ret = lg_words("heap is every object again");
	return NULL;
}

/* The set to be left out: all of the current instant, or what is given. */
static struct hs_err *choose(const struct lg_call *call, struct lg_value **ret)
{
	struct lg_session *s = call->session;
	struct lg_instant *in;
	struct gr_set *nodes;
	struct gr_graph *g;
	struct hs_err *err = lg_current(s, &in);

	if (!err && call->n_args) {
		err = lg_to_set(s, call->args[0], &nodes);
		if (lg_instant_of(call->args[0]))
			in = lg_instant_of(call->args[0]);
	} else if (!err) {
		err = lg_instant_graph(in, call->task, &g);
		if (!err)
			err = gr_set_all(g, &nodes);
	}
	if (err)
		return err;
	*ret = lg_set(in, nodes, AN_BY_CLODO);
	gr_set_unref(nodes);
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct lg_session *s = call->session;
	const char *word =
		call->n_args ? lg_as_text(call->args[0], NULL) : NULL;
	struct lg_value *set;
	struct hs_err *err;

	if (word && !strcmp(word, "off"))
		return forget(s, ret);
	err = choose(call, &set);
	if (err)
		return err;
	lg_unref(s->reference);
	s->reference = set;
	*ret = lg_words("heap and heapu leave out %u objects of instant %u; "
			"setref 'off' ends that",
			gr_set_count(lg_as_set(set)),
			lg_instant_of(set)->number);
	return NULL;
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .optional = true,
	  .values = "'off'",
	  .help = "what is left out; without it all there is now; 'off'" },
	{ .name = NULL },
};

const struct lg_verb vb_setref = {
	.name = "setref",
	.args = args,
	.flags = LG_VERB_NO_RESULT,
	.summary = "let heap show only what is new from now on",
	.help = "heap and heapu are without the objects of the set, also at "
		"later instants: an object is the same where address, type "
		"and content agree. Anything is always every object.",
	.examples = "setref\nsetref (heap & dict)\nsetref 'off'",
	.run = run,
};
