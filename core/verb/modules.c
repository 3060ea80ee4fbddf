// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

struct listing {
	json_t *doc;
	HS_VEC(uint64_t) addr;
};

enum { MAX_MODULES = 100000 };

static int add(void *arg, struct heapsh_text name, uint64_t target)
{
	struct listing *l = arg;
	json_t *row = vb_row(l->doc);
	HS_TEXT t = { 0 };

	hs_text_escape(&t, name.s, name.n);
	vb_cell(row, wr_u64(l->addr.n));
	vb_cell(row, json_string(hs_text_str(&t)));
	vb_cell(row, wr_addr(target));
	hs_vec_push(&l->addr, target);
	return l->addr.n < MAX_MODULES;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	static const char *const columns[] = { "#Index", "Name", "Address",
					       NULL };
	struct listing l = { 0 };
	struct lg_instant *in;
	struct md_model *m;
	void *state;
	struct hs_err *err = lg_current(call->session, &in);

	if (!err)
		err = lg_check_bytes(in);
	if (err)
		return err;
	m = lg_instant_model(in, call->task);
	if (!md_interface(m, HEAPSH_MODULES_0, &state))
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "list modules: the "
				  "plugin %s does not know those of its "
				  "runtime",
				  md_plugin(m)->name);
	l.doc = vb_table(columns);
	md_each_module(m, add, &l);
	*ret = lg_table_of(in, l.doc, 0, l.addr.n ? l.addr.v : NULL);
	hs_vec_deinit(&l.addr);
	return NULL;
}

const struct lg_verb vb_modules = {
	.name = "modules",
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "modules that the program has imported",
	.help = "In the runtime's own order. _[3] is the module of row 3.",
	.examples = "modules\nmodules().count",
	.run = run,
};
/* For those who guess verbs, as show_threads.c. */
const struct lg_verb vb_show_modules = {
	.name = "show modules",
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "modules that the program has imported",
	.help = "The same as the verb modules.",
	.examples = "show modules",
	.run = run,
};
