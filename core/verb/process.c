// SPDX-License-Identifier: Apache-2.0
// attach, open, detach.
#include "verb_priv.h"

static struct hs_err *run_attach(const struct lg_call *call,
				 struct lg_value **ret)
{
	const struct vb_services *sv;
	const char *word = vb_word(call, 0);
	struct hs_err *err = vb_services(call, &sv);
	uint64_t pid;

	if (err)
		return err;
	if (!hs_parse_u64(word, &pid) || !pid || pid > INT32_MAX)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"attach: %s is "
						"not a process number",
						word),
				     "heapsh attach NAME finds it by name");
	return sv->attach(sv->engine, (int)pid, ret);
}

static struct hs_err *run_open(const struct lg_call *call,
			       struct lg_value **ret)
{
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);

	return err ? err : sv->open(sv->engine, vb_word(call, 0), ret);
}

static struct hs_err *run_detach(const struct lg_call *call,
				 struct lg_value **ret)
{
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);

	if (!err)
		err = sv->detach(sv->engine, ret);
	if (err)
		return err;
	lg_instant_unref(call->session->tracked);
	call->session->tracked = NULL;
	return NULL;
}

static const struct lg_arg attach_args[] = {
	{ .name = "PID", .kind = LG_ARG_WORD, .help = "process number" },
	{ .name = NULL },
};
static const struct lg_arg open_args[] = {
	{ .name = "FILE", .kind = LG_ARG_FILE, .help = "an ELF core" },
	{ .name = NULL },
};

const struct lg_verb vb_attach = {
	.name = "attach",
	.args = attach_args,
	.flags = LG_VERB_NO_RESULT | LG_VERB_NO_TARGET,
	.summary = "explore a running process",
	.help = "It is stopped for the time that a copy of its page tables "
		"takes; no code of ours runs in it.",
	.examples = "attach 4711",
	.run = run_attach,
};
const struct lg_verb vb_open = {
	.name = "open",
	.args = open_args,
	.flags = LG_VERB_NO_RESULT | LG_VERB_NO_TARGET,
	.summary = "explore an ELF core",
	.help = "A core of the kernel's, or one that gcore has written.",
	.examples = "open core.4711",
	.run = run_open,
};
const struct lg_verb vb_detach = {
	.name = "detach",
	.flags = LG_VERB_NO_RESULT | LG_VERB_NO_TARGET,
	.summary = "release every instant and leave the process",
	.help = "The shell stays. Its variables of the process keep what was "
		"read.",
	.examples = "detach",
	.run = run_detach,
};
