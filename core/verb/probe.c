// SPDX-License-Identifier: Apache-2.0
// The probe as a library of the program: is it there, what has it done?
#include "verb_priv.h"

#include <errno.h>

#include "image.h"
#include "probe_wire.h"

static const char library[] = "heapsh-probe.so";

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
		add(doc, "features", "none is in use");
	}
	*ret = lg_table(in, doc);
	return NULL;
}

const struct lg_verb vb_probe_status = {
	.name = "probe status",
	.summary = "whether the program has loaded heapsh-probe.so",
	.help = "The probe is a small library without dependencies. A program "
		"that loads it lets processes of its user attach, where the "
		"kernel would only let a parent (kernel.yama.ptrace_scope 1). "
		"It does nothing else: no thread, no file, no handler.\n\n"
		"Three ways: heapsh run --probe PROG; LD_PRELOAD with the "
		"path of heapsh-probe.so; dlopen() of it by the program.",
	.examples = "probe status",
	.run = run,
};
