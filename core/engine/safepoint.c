// SPDX-License-Identifier: Apache-2.0
#include "safepoint.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
	TRIES = 100, /* where it was between two words, or busy */
	TRY_US = 2000,
	FINISH_TRIES = 5000, /* of what runs: 10 s, then it is left */
	CPU_MS = 2000,
};

struct hs_err *en_safepoint_no(const struct en_safepoint *s, const char *why,
			       const char *remedy)
{
	struct hs_err *err = hs_err_new(
		HS_ERR_REFUSED, "%s: %s; nothing was changed", s->what, why);

	return remedy ? hs_err_remedy(err, "%s", remedy) : err;
}

static struct hs_err *refused(const struct en_safepoint *s, struct hs_err *err)
{
	HS_FREE char *why = hs_xstrdup(err->message);

	hs_err_free(err);
	return en_safepoint_no(s, why, NULL);
}

/* --- before anything ----------------------------------------------------- */

struct hs_err *en_safepoint_begin(struct en_engine *en, struct lg_instant *in,
				  const char *what, struct en_safepoint *ret)
{
	struct hs_err *err;

	ret->what = what;
	ret->en = en;
	err = en_eval_of(en, in, &ret->eval);
	if (err)
		return hs_err_wrap(err, "%s", what);
	ret->in = en_instant_of(in);
	return NULL;
}

void en_safepoint_end(struct en_safepoint *s)
{
	tg_plan_destroy(s->plan);
}

uint64_t en_safepoint_symbol(const struct en_safepoint *s, const char *module,
			     const char *name)
{
	uint64_t addr = 0;

	return im_symbol(s->in->lg.image, module, name, &addr, NULL) ? addr : 0;
}

bool en_proc_has(int pid, const char *file, const char *word)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/%s", pid, file);
	HS_FREE char *line = NULL;
	bool found = false;
	size_t cap = 0;
	FILE *f = fopen(path, "re");

	while (f && !found && getline(&line, &cap, f) > 0)
		found = strstr(line, word);
	if (f)
		fclose(f);
	return found;
}

/* Is the instant of the process that has this number now? */
static bool is_same(const struct en_safepoint *s)
{
	HS_FREE char *parent = hs_xasprintf("PPid:\t%d\n", s->en->pid);

	return en_proc_has(s->in->tracer->snap_pid, "status", parent);
}

struct hs_err *en_safepoint_check(const struct en_safepoint *s)
{
	struct tg_facts facts;

	if (!tg_facts_read(s->en->pid, &facts) || !is_same(s))
		return hs_err_new(HS_ERR_GONE, "%s: process %d has ended",
				  s->what, s->en->pid);
	if (facts.seccomp)
		return en_safepoint_no(s,
				       "the program filters its system "
				       "calls (seccomp), and may be killed "
				       "for one of ours",
				       NULL);
	if (facts.state == 'T' || facts.state == 't')
		return en_safepoint_no(s, "the program is stopped",
				       "kill -CONT PID");
	return NULL;
}

/* --- its words ----------------------------------------------------------- */

struct hs_err *en_safepoint_words(struct en_safepoint *s, uint64_t function,
				  uint64_t arg)
{
	HS_FREE struct heapsh_safepoint_plan *plan = hs_xalloc(sizeof(*plan));
	struct hs_err *err = md_safepoint(s->in->lg.model, function, arg, plan);

	if (err)
		return refused(s, err);
	s->p.data.leave = plan->leave;
	s->p.data.back = plan->back;
	s->p.n_words = plan->n_words;
	for (uint32_t i = 0; i < plan->n_words; i++) {
		const struct heapsh_word *w = &plan->words[i];

		s->p.words[i] = (struct wr_tracer_word){
			.addr = w->addr,
			.before = w->before,
			.now = w->now,
			.bytes = w->bytes,
			.flags = w->flags,
		};
	}
	return NULL;
}

_Static_assert((int)HEAPSH_WORDS == WR_TRACER_WORDS &&
		       (int)HEAPSH_WORD_CHECK == WR_TRACER_WORD_CHECK &&
		       (int)HEAPSH_WORD_SET == WR_TRACER_WORD_SET &&
		       (int)HEAPSH_WORD_OR == WR_TRACER_WORD_OR &&
		       (int)HEAPSH_WORD_UNDO == WR_TRACER_WORD_UNDO,
	       "words of plugins are the tracer's");

struct hs_err *en_safepoint_call(struct en_safepoint *s, uint64_t function,
				 const uint64_t *args, size_t n, uint64_t *ret)
{
	struct tg_eval_result r;
	HS_TEXT why = { 0 };
	struct hs_err *err =
		tg_eval_call(s->eval, function, args, n, CPU_MS, &r, ret);

	if (err || r.end == TG_EVAL_RETURNED)
		return err;
	tg_eval_explain(&r, &why);
	return en_safepoint_no(s, hs_text_str(&why), NULL);
}

/* --- in the process itself ----------------------------------------------- */

struct hs_err *en_safepoint_ready(struct en_safepoint *s, uint64_t wait_ns)
{
	struct tg_options options = { .rung = TG_CLONE };
	struct tg_report report = { 0 };
	struct hs_err *err =
		tg_check(s->en->tracer, s->en->pid, &options, &report);

	if (!err)
		err = tg_plan_create(&report, &s->plan);
	s->deadline_ns = hs_now_ns() + wait_ns;
	return err;
}

/* A thread did not stop in time, or stood in the way. */
bool en_safepoint_not_now(const struct hs_err *err)
{
	return err && (err->code == HS_ERR_TIMEOUT ||
		       (err->code == HS_ERR_REFUSED && err->errnum == EAGAIN));
}

struct hs_err *en_safepoint_plant(struct en_safepoint *s)
{
	for (int i = 0;; i++) {
		struct hs_err *err = tg_plant(s->en->tracer, s->plan, &s->p);

		if (!en_safepoint_not_now(err))
			return err ? hs_err_wrap(err, "%s", s->what) : NULL;
		if (i == TRIES || hs_cancelled(&s->en->task))
			return hs_err_remedy(refused(s, err),
					     "snap, and again");
		hs_err_free(err);
		usleep(TRY_US);
	}
}

struct hs_err *en_safepoint_uproot(struct en_safepoint *s, uint32_t *ret)
{
	for (int i = 0;; i++) {
		struct hs_err *err =
			tg_uproot(s->en->tracer, s->plan, &s->p, ret);

		if (!en_safepoint_not_now(err) || i == FINISH_TRIES)
			return err;
		hs_err_free(err);
		usleep(TRY_US);
	}
}
