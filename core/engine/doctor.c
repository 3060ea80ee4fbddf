// SPDX-License-Identifier: Apache-2.0
/*
 * doctor: one screen of what is permitted, what was recognised and what is in
 * the way, with a line to type for each obstacle. Nothing is stopped, but to
 * take away what a heapsh that was killed has left.
 */
#include "doctor.h"

#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

#include "text.h"

void en_doctor_row(json_t *rows, const char *what, const char *value,
		   const char *type)
{
	HS_TEXT v = { 0 };
	HS_TEXT t = { 0 };

	hs_text_escape(&v, value, strlen(value));
	hs_text_escape(&t, type, strlen(type));
	json_array_append_new(rows, json_pack("[sss]", what, hs_text_str(&v),
					      hs_text_str(&t)));
}

void en_doctor_rowf(json_t *rows, const char *what, const char *fmt, ...)
{
	HS_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = hs_xvasprintf(fmt, ap);
	va_end(ap);
	en_doctor_row(rows, what, s, "");
}

/* --- this machine, and we --- */

static void yama_row(json_t *rows)
{
	static const char *const words[] = {
		"0: whoever has the same user may attach",
		"1: only parents and root may attach",
		"2: only root may attach",
		"3: nobody may attach until the next boot",
	};
	int scope = tg_yama_scope();
	bool odd = scope < 0 || (size_t)scope >= HS_ARRAY_SIZE(words);
	bool bad = scope > 0 && !tg_capable(TG_CAP_SYS_PTRACE);

	en_doctor_row(rows, "yama (kernel.yama.ptrace_scope)",
		      odd ? "not in this kernel" : words[scope],
		      !bad || odd  ? ""
		      : scope == 3 ? "boot with another setting"
				   : "sudo sysctl kernel.yama.ptrace_scope=0");
}

static void our_rows(struct en_engine *en, json_t *rows)
{
	bool trace = tg_capable(TG_CAP_SYS_PTRACE);
	bool admin = tg_capable(TG_CAP_SYS_ADMIN);
	const struct md_plugin_info *v;
	size_t n = md_plugins(en->host, &v);
	HS_TEXT t = { 0 };

	en_doctor_rowf(rows, "we are", "user %u%s", (unsigned)geteuid(),
		       trace && admin
			       ? ", with CAP_SYS_PTRACE and CAP_SYS_ADMIN"
		       : trace ? ", with CAP_SYS_PTRACE"
			       : ", without CAP_SYS_PTRACE");
	yama_row(rows);
	hs_text_size(&t, en->budget.limit);
	en_doctor_row(rows, "memory for us",
		      en->budget.limit ? hs_text_str(&t) : "no limit", "");
	for (size_t i = 0; i < n; i++)
		en_doctor_row(rows, v[i].problem ? "plugin not used" : "plugin",
			      v[i].problem ? v[i].problem : v[i].path, "");
}

/* --- the process --- */

static const char *state_word(char state)
{
	switch (state) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "waiting for a disk or a vfork";
	case 'T':
		return "stopped: it stays so";
	case 't':
		return "stopped by a debugger";
	case 'Z':
		return "a zombie";
	default:
		return "in another state";
	}
}

static void owner_row(const struct tg_facts *f, json_t *rows)
{
	const struct passwd *pw = getpwuid(f->uid);

	en_doctor_rowf(rows, "owner", "%s (user %u)%s", pw ? pw->pw_name : "?",
		       f->uid,
		       f->dumpable ? "" : ", not dumpable: for root alone");
}

static void limit_row(const struct tg_facts *f, json_t *rows)
{
	HS_TEXT t = { 0 };

	if (f->left.memory.amount == UINT64_MAX) {
		hs_text_add(&t, "no limit of memory");
	} else {
		hs_text_size(&t, f->left.memory.amount);
		hs_text_add(&t, " of memory left");
	}
	if (f->left.pids.amount == UINT64_MAX)
		hs_text_add(&t, ", no limit of processes");
	else
		hs_text_addf(&t, ", %" PRIu64 " processes left",
			     f->left.pids.amount);
	en_doctor_row(rows, "its cgroup", hs_text_str(&t), "");
}

static void space_row(const struct tg_facts *f, json_t *rows)
{
	static const char *const names[] = { "pid", "user", "mount",
					     "network" };
	HS_TEXT t = { 0 };

	for (size_t i = 0; i < HS_ARRAY_SIZE(names); i++) {
		if (f->foreign_spaces >> i & 1)
			hs_text_addf(&t, "%s%s",
				     t.len ? ", " : "another: ", names[i]);
	}
	en_doctor_row(rows, "namespaces", t.len ? hs_text_str(&t) : "ours", "");
}

static void fact_rows(const struct tg_facts *f, json_t *rows)
{
	owner_row(f, rows);
	en_doctor_row(rows, "state", state_word(f->state), "");
	if (f->tracer)
		en_doctor_rowf(rows, "traced by", "%s (process %d)",
			       f->tracer_comm, f->tracer);
	else
		en_doctor_row(rows, "traced by", "nobody", "");
	if (f->seccomp)
		en_doctor_rowf(rows, "seccomp", "mode %u, %u filters",
			       f->seccomp, f->filters);
	else
		en_doctor_row(rows, "seccomp", "none", "");
	space_row(f, rows);
	limit_row(f, rows);
}

static void cost_rows(const struct tg_report *r, json_t *rows)
{
	HS_TEXT t = { 0 };

	hs_text_size(&t, r->rss_bytes);
	hs_text_addf(&t, ", %u threads", r->n_threads);
	en_doctor_row(rows, "size", hs_text_str(&t), "");
	hs_text_clear(&t);
	hs_text_add(&t, "about ");
	hs_text_duration(&t, r->pause_ns);
	hs_text_add(&t, " of pause, up to ");
	hs_text_size(&t, r->needed_bytes);
	hs_text_add(&t, " of memory");
	en_doctor_row(rows, "a frozen clone", hs_text_str(&t), "");
	hs_text_clear(&t);
	hs_text_add(&t, "about ");
	hs_text_duration(&t, r->copy_pause_ns);
	hs_text_add(&t, " of pause, ");
	hs_text_size(&t, tg_copy_bytes(r));
	hs_text_add(&t, " of ours");
	en_doctor_row(rows, "or a copy (--stop)", hs_text_str(&t), "");
}

/* Obstacles that were found, and what they leave. */
struct found {
	json_t *rows;
	int pid;
	const struct tg_facts *facts;
	struct tg_report report;
	bool no_clone, no_copy;
};

static void lift_limit(struct hs_text *t, const struct tg_left *left)
{
	if (left->file[0])
		hs_text_addf(t, "echo %s | sudo tee %s", left->none,
			     left->file);
}

/** The line that takes an obstacle away, or leads around it. */
static void add_remedy(const struct found *f, enum tg_obstacle what,
		       const struct hs_err *err, struct hs_text *t)
{
	switch (what) {
	case TG_TRACED:
		hs_text_addf(t, "heapsh attach %d --live", f->pid);
		break;
	case TG_LONG:
		// Twice the estimate, which is about a mean.
		hs_text_addf(t, "heapsh attach %d --max-pause %" PRIu64 "ms",
			     f->pid, f->report.pause_ns / 500000 + 1);
		break;
	case TG_FILTERED:
		if (!tg_capable(TG_CAP_SYS_ADMIN))
			hs_text_addf(t, "sudo heapsh attach %d", f->pid);
		break;
	case TG_NO_PIDS:
		lift_limit(t, &f->facts->left.pids);
		break;
	case TG_NO_MEMORY:
		lift_limit(t, &f->facts->left.memory);
		break;
	case TG_OVERCOMMIT:
		hs_text_add(t, "sudo sysctl vm.overcommit_memory=0");
		break;
	case TG_NO_OBSTACLE:
	case TG_MISSING:
	case TG_NOT_PERMITTED:
	case TG_FOREIGN:
	case TG_SHADOW:
	case TG_NAMESPACES:
	case TG_WATCHED:
	case TG_NO_ROOM_HERE:
	default:
		hs_text_add(t, err->remedy ? err->remedy : "");
	}
}

static void tell(void *arg, enum tg_obstacle what, int rungs,
		 const struct hs_err *err)
{
	struct found *f = arg;
	const char *why = strstr(err->message, ": ");
	bool clone = rungs & 1 << TG_CLONE, copy = rungs & 1 << TG_COPY;
	HS_TEXT type = { 0 };

	add_remedy(f, what, err, &type);
	en_doctor_row(f->rows,
		      clone && copy ? "no clone, no copy"
		      : clone       ? "no clone"
				    : "no copy",
		      why ? why + 2 : err->message, hs_text_str(&type));
	f->no_clone |= clone;
	f->no_copy |= copy;
}

static void way_row(const struct found *f)
{
	HS_FREE char *type =
		hs_xasprintf("heapsh attach %d%s", f->pid,
			     f->no_clone && f->no_copy ? " --live" : "");

	en_doctor_row(f->rows, "attach gives",
		      !f->no_clone  ? "a frozen clone"
		      : !f->no_copy ? "a copy, made while it stands still"
				    : "a reading while it runs, if asked for",
		      type);
}

/* --- what is in it --- */

static void debug_row(struct im_image *im, json_t *rows)
{
	const struct im_module *m = im_program(im);

	if (!m)
		return;
	switch (im_debug(im, m)) {
	case IM_DEBUG_DWARF:
		en_doctor_rowf(rows, "debug information", "of %s", m->name);
		break;
	case IM_DEBUG_SYMBOLS:
		en_doctor_rowf(rows, "debug information", "%s: symbols only",
			       m->name);
		break;
	case IM_DEBUG_NONE:
	default:
		en_doctor_rowf(rows, "debug information",
			       "none of %s (not needed for "
			       "runtimes whose layouts are known)",
			       m->name);
	}
}

static struct hs_err *runtime_rows(struct en_engine *en,
				   const struct tg_report *report, json_t *rows)
{
	struct md_model *model = NULL;
	struct md_claim claim;
	struct im_image *im;
	struct hs_err *err = en_open_live(en, report->pid, &im);

	if (err)
		return err;
	debug_row(im, rows);
	err = en_recognise(en, report, &claim);
	if (!err) {
		en_doctor_rowf(rows, "runtime", "%s %s (%s)",
			       claim.claim.runtime, claim.claim.version,
			       claim.claim.reason);
		err = en_look(en, &claim, im, &model);
	}
	if (!err)
		en_doctor_row(rows, "layout", md_status(model)->layout, "");
	md_close(model);
	im_destroy(im);
	return err;
}

static struct hs_err *process_rows(struct en_engine *en, int pid, json_t *rows)
{
	struct tg_options o = { .max_pause_ns = en->max_pause_ns,
				.copy_bytes = en->budget.limit
						      ? en->budget.limit
						      : UINT64_MAX };
	struct tg_facts facts;
	struct found found = { .rows = rows, .pid = pid, .facts = &facts };
	struct tg_listener to = { tell, &found };
	struct hs_err *err;

	if (!tg_facts_read(pid, &facts))
		return hs_err_new(HS_ERR_NAME, "doctor: there is no process %d",
				  pid);
	fact_rows(&facts, rows);
	err = tg_survey(en->tracer, pid, &o, &found.report, &to);
	if (err) {
		en_doctor_row(rows, "not to be attached", err->message,
			      err->remedy ? err->remedy : "");
		hs_err_free(err);
		return NULL;
	}
	// Where the clone's pause is short enough, a copy's need not be.
	found.no_copy |=
		found.report.copy_pause_ns >
		(en->max_pause_ns ? en->max_pause_ns : TG_MAX_PAUSE_NS);
	cost_rows(&found.report, rows);
	en_doctor_clean(en, pid, rows);
	err = runtime_rows(en, &found.report, rows);
	if (err)
		en_doctor_row(rows, "not understood", err->message,
			      err->remedy ? err->remedy : "");
	else
		way_row(&found);
	hs_err_free(err);
	return NULL;
}

struct hs_err *en_doctor(void *engine, int pid, json_t **ret)
{
	struct en_engine *en = engine;
	json_t *rows = json_array();
	struct hs_err *err = NULL;

	our_rows(en, rows);
	if (pid)
		err = process_rows(en, pid, rows);
	else
		en_doctor_left(rows);
	if (err)
		json_decref(rows);
	else
		*ret = rows;
	return err;
}
