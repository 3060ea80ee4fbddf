// SPDX-License-Identifier: Apache-2.0
// The probe as a library of the program: is it there, and have it loaded.
#include "verb_priv.h"

#include <errno.h>

#include "image.h"
#include "probe_wire.h"
#include "text.h"

static const char library[] = "heapsh-probe.so";
#define WAIT_MAX_NS (UINT64_C(3600) * 1000000000)

bool vb_probe_state(struct im_image *im, struct wr_probe_state *ret)
{
	static const char magic[16] = WR_PROBE_MAGIC;
	uint64_t addr;

	return im_symbol(im, library, "heapsh_probe_0", &addr, NULL) &&
	       im_read(im, addr, ret, sizeof(*ret)) == sizeof(*ret) &&
	       !memcmp(ret->magic, magic, sizeof(magic));
}

static const char *path_of(struct im_image *im)
{
	const struct im_module *v;
	size_t n = im_modules(im, &v);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(v[i].name, library))
			return v[i].path;
	}
	return "";
}

static void add(json_t *doc, const char *what, const char *value)
{
	json_t *row = vb_row(doc);

	vb_cell_text(row, what);
	vb_cell_text(row, value);
}

static const char *ptracer_words(const struct wr_probe_state *s)
{
	if (!s->loaded)
		return "not asked: its constructor has not run";
	if (!s->ptracer)
		return "processes of the same user may attach";
	if (s->ptracer == -EINVAL)
		return "nothing to ask: this kernel does not restrict it (no "
		       "yama)";
	return "the kernel refused to let others attach";
}

static const char *box_words(struct im_image *im,
			     const struct wr_probe_state *s)
{
	uint64_t state = WR_PROBE_BOX_EMPTY;

	if (s->version != WR_PROBE_VERSION)
		return "of another heapsh: not known";
	im_read(im, s->box, &state, sizeof(state));
	if (state == WR_PROBE_BOX_RUNS)
		return "a call is being made";
	return state == WR_PROBE_BOX_WAITS ? "a call waits for a safe point" :
					     "none is in use";
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	static const char *const columns[] = { "What", "Value", NULL };
	struct wr_probe_state s;
	struct lg_instant *in;
	struct hs_err *err = lg_current(call->session, &in);
	json_t *doc;

	if (err)
		return err;
	doc = vb_table(columns);
	if (!vb_probe_state(in->image, &s)) {
		add(doc, "loaded", "no");
	} else {
		add(doc, "loaded", path_of(in->image));
		add(doc, "attach", ptracer_words(&s));
		add(doc, "features", box_words(in->image, &s));
	}
	*ret = lg_table(in, doc);
	return NULL;
}

const struct lg_verb vb_probe_status = {
	.name = "probe status",
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "whether the program has loaded heapsh-probe.so",
	.help = "The probe is a small library without dependencies. A program "
		"that loads it lets processes of its user attach, where the "
		"kernel would only let a parent (kernel.yama.ptrace_scope 1), "
		"and makes the calls of call … live=1. It does nothing else: "
		"no thread, no file, no handler.\n\n"
		"Ways to have it: heapsh run --probe PROG; LD_PRELOAD with "
		"the path of heapsh-probe.so; dlopen() of it by the program; "
		"probe load.",
	.examples = "probe status",
	.run = run,
};

static struct hs_err *load(const struct lg_call *call, struct lg_value **ret)
{
	const char *text = lg_opt_text(call, "wait");
	uint64_t wait_ns = UINT64_C(5000000000);
	const struct vb_services *sv;
	bool yes;
	struct hs_err *err = lg_opt_bool(call, "yes", false, &yes);

	if (err)
		return err;
	if (text && (!hs_parse_duration(text, &wait_ns) ||
		     wait_ns > WAIT_MAX_NS))
		return hs_err_new(HS_ERR_USAGE, "probe load: wait=%s is no "
				  "time up to 1h", text);
	if (!yes)
		return hs_err_remedy(
			hs_err_new(HS_ERR_REFUSED, "probe load: this "
				   "changes the running program: it will "
				   "have loaded a library, for good"),
			"probe load yes=1");
	err = vb_services(call, &sv);
	if (!err && !sv->probe_load)
		err = hs_err_new(HS_ERR_UNSUPPORTED,
				 "probe load: nothing is attached");
	return err ? err : sv->probe_load(sv->engine, wait_ns, ret);
}

static const struct lg_arg load_options[] = {
	{ .name = "yes",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "1: yes, change the running program; 0" },
	{ .name = "wait",
	  .kind = LG_ARG_OPTION,
	  .values = "TIME",
	  .help = "for it to come to a safe point; 5s" },
	{ .name = NULL },
};

const struct lg_verb vb_probe_load = {
	.name = "probe load",
	.options = load_options,
	.summary = "have the running program load heapsh-probe.so",
	.help = "The program itself loads it, where and when its own code "
		"could have: its runtime is asked to call dlopen() between "
		"two steps of its main thread. Everything is tried on "
		"disposable copies first; then the same few words of the "
		"runtime are changed while the program stands still, "
		"some milliseconds. Where it does not come to such a point "
		"in time, or anything is not as it was in the copy, it is "
		"taken back and the program is as it was. Nothing but the "
		"library stays, which is idle. (Should heapsh be killed "
		"within the half a millisecond in which it maps two pages "
		"there, these stay, too.)",
	.examples = "probe load yes=1\nprobe load yes=1 wait=1min",
	.run = load,
};
