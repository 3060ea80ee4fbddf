// SPDX-License-Identifier: Apache-2.0
/*
 * probe load: the running program loads a library itself. Its runtime's plugin
 * says which numbers make it call a function of ours at a safe point; all of
 * it is tried on copies, and done in the process itself only where nothing
 * speaks against it.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tg_eval.h"
#include "tg_plant.h"

enum {
	TRIES = 100,		/* where it was between two words, or busy */
	TRY_US = 2000,
	LOOK_US = 500,		/* between looks whether it is through */
	FINISH_TRIES = 5000,	/* of what runs: 10 s, then it is left */
	CPU_MS = 2000,
};

/** One load on its way. */
struct loading {
	struct en_engine *en;
	struct en_instant *in;
	struct tg_eval *eval;
	struct tg_plan *plan;
	struct tg_planting p;
	uint64_t deadline_ns;
};

static const char library[] = "heapsh-probe.so";

static struct hs_err *no(const char *why, const char *remedy)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_REFUSED, "probe load: %s; nothing was "
			   "changed", why);

	return remedy ? hs_err_remedy(err, "%s", remedy) : err;
}

static struct hs_err *refused(struct hs_err *err)
{
	HS_FREE char *why = hs_xstrdup(err->message);

	hs_err_free(err);
	return no(why, NULL);
}

/* --- before anything ----------------------------------------------------- */

static uint64_t symbol(const struct loading *l, const char *name)
{
	uint64_t addr = 0;

	return im_symbol(l->in->lg.image, NULL, name, &addr, NULL) ? addr : 0;
}

/* Has a file of /proc a line with this word? */
static bool has_line(int pid, const char *file, const char *word)
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

/* In the process itself: the instant may be older. */
static bool is_loaded(int pid)
{
	return has_line(pid, "maps", library);
}

/* Is the instant of the process that has this number now? */
static bool is_same(const struct loading *l)
{
	HS_FREE char *parent = hs_xasprintf("PPid:\t%d\n", l->en->pid);

	return has_line(l->in->tracer->snap_pid, "status", parent);
}

/* The same file there, in a name space that may be another. */
static struct hs_err *check_path(struct loading *l)
{
	HS_FREE char *path = en_where_probe();
	HS_FREE char *there =
		hs_xasprintf("/proc/%d/root%s", l->en->pid, path);
	struct stat ours, theirs;

	if (stat(path, &ours))
		return no("heapsh-probe.so is not installed", path);
	if (stat(there, &theirs) || theirs.st_ino != ours.st_ino ||
	    theirs.st_dev != ours.st_dev)
		return no("the program has a file system of its own, in which "
			  "heapsh-probe.so is not", path);
	if (strlen(path) >= sizeof(l->p.data.path))
		return no("the path of heapsh-probe.so is too long", path);
	memcpy(l->p.data.path, path, strlen(path) + 1);
	return NULL;
}

static struct hs_err *check_process(const struct loading *l)
{
	struct tg_facts facts;

	if (!tg_facts_read(l->en->pid, &facts) || !is_same(l))
		return hs_err_new(HS_ERR_GONE, "probe load: process %d has "
				  "ended", l->en->pid);
	if (is_loaded(l->en->pid))
		return no("the program has loaded heapsh-probe.so already",
			  "probe status");
	if (facts.seccomp)
		return no("the program filters its system calls (seccomp), "
			  "and may be killed for loading a library", NULL);
	if (facts.state == 'T' || facts.state == 't')
		return no("the program is stopped", "kill -CONT PID");
	return NULL;
}

/* --- what is planted ----------------------------------------------------- */

static struct hs_err *find_functions(struct loading *l)
{
	struct tg_plant_data *d = &l->p.data;

	d->dlopen = symbol(l, "dlopen");
	d->dlerror = symbol(l, "dlerror");
	l->p.addr = tg_plant_place(l->en->pid);
	if (!d->dlopen || !d->dlerror)
		return no("the program has no dlopen()", NULL);
	return l->p.addr ? NULL : no("there is no room in it", NULL);
}

static struct hs_err *ask_runtime(struct loading *l)
{
	HS_FREE struct heapsh_safepoint_plan *s = hs_xalloc(sizeof(*s));
	struct hs_err *err = md_safepoint(l->in->lg.model, l->p.addr,
					  tg_plant_argument(&l->p), s);

	if (err)
		return refused(err);
	l->p.data.leave = s->leave;
	l->p.data.back = s->back;
	l->p.n_words = s->n_words;
	for (uint32_t i = 0; i < s->n_words; i++) {
		const struct heapsh_word *w = &s->words[i];

		l->p.words[i] = (struct wr_tracer_word){
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

/* --- on a copy ----------------------------------------------------------- */

static struct hs_err *call(struct loading *l, uint64_t function,
			   const uint64_t *args, size_t n, uint64_t *ret)
{
	struct tg_eval_result r;
	HS_TEXT why = { 0 };
	struct hs_err *err = tg_eval_call(l->eval, function, args, n, CPU_MS,
					  &r, ret);

	if (err || r.end == TG_EVAL_RETURNED)
		return err;
	tg_eval_explain(&r, &why);
	return no(hs_text_str(&why), NULL);
}

static struct hs_err *map_pages(struct loading *l)
{
	HS_FREE uint8_t *content = hs_xalloc(WR_TRACER_PLANT_BYTES);
	const uint64_t map[] = {
		l->p.addr, WR_TRACER_PLANT_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		~UINT64_C(0), 0,
	};
	const uint64_t protect[] = { l->p.addr, WR_TRACER_PLANT_CODE,
				     PROT_READ | PROT_EXEC };
	uint64_t at = 0, v = 1;
	struct hs_err *err = call(l, symbol(l, "mmap"), map, 6, &at);

	if (!err && at != l->p.addr)
		return no("the place for it is taken in a copy", NULL);
	tg_plant_content(&l->p, content);
	if (!err && tg_eval_write(l->eval, at, content,
				  WR_TRACER_PLANT_BYTES) !=
			    WR_TRACER_PLANT_BYTES)
		return no("a copy cannot be written to", NULL);
	if (!err)
		err = call(l, symbol(l, "mprotect"), protect, 3, &v);
	if (!err && v)
		return no("memory of a copy cannot be made executable", NULL);
	return err;
}

/*
 * In a copy dlopen() finds no file; all else is as it will be: the code runs,
 * lets go of the runtime's lock, takes it again, and comes back.
 */
static struct hs_err *try_it(struct loading *l)
{
	uint64_t arg = tg_plant_argument(&l->p), answer = 1;
	struct tg_plant_data d = { 0 };
	struct hs_err *err;

	tg_eval_reset(l->eval);
	err = map_pages(l);
	if (!err)
		err = call(l, l->p.addr, &arg, 1, &answer);
	if (err)
		return err;
	tg_eval_read(l->eval, arg, &d, sizeof(d));
	tg_eval_reset(l->eval);
	if (answer || d.state != WR_TRACER_PLANT_DONE)
		return no("tried on a copy of it, it does not come back",
			  NULL);
	return NULL;
}

/* --- in the process itself ----------------------------------------------- */

/* Nothing has happened: a thread did not stop in time, or stood in the way. */
static bool is_not_now(const struct hs_err *err)
{
	return err && (err->code == HS_ERR_TIMEOUT ||
		       (err->code == HS_ERR_REFUSED && err->errnum == EAGAIN));
}

static struct hs_err *plant(struct loading *l)
{
	for (int i = 0;; i++) {
		struct hs_err *err = tg_plant(l->en->tracer, l->plan, &l->p);

		if (!is_not_now(err))
			return err ? hs_err_wrap(err, "probe load") : NULL;
		if (i == TRIES)
			return hs_err_remedy(refused(err), "snap, and again");
		hs_err_free(err);
		usleep(TRY_US);
	}
}

/* Until it is through, time is up or the user has had enough. */
static struct hs_err *wait_for_it(struct loading *l, struct tg_plant_data *ret)
{
	do {
		struct hs_err *err = tg_plant_look(&l->p, l->en->pid, ret);

		if (err)
			return err;
		if (ret->state == WR_TRACER_PLANT_DONE)
			return NULL;
		usleep(LOOK_US);
	} while (hs_now_ns() < l->deadline_ns &&
		 !hs_cancelled(&l->en->task));
	return NULL;
}

/* *ret: what became of it. Pages that cannot be taken out stay, and are told */
static struct hs_err *uproot(struct loading *l, uint32_t *ret)
{
	for (int i = 0;; i++) {
		struct hs_err *err =
			tg_uproot(l->en->tracer, l->plan, &l->p, ret);

		if (!is_not_now(err) || i == FINISH_TRIES)
			return err;
		hs_err_free(err);
		usleep(TRY_US);
	}
}

static struct hs_err *not_loaded(const struct loading *l,
				 const struct tg_plant_data *d)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/mem", l->en->pid);
	HS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	HS_TEXT t = { 0 };
	char why[256];
	ssize_t n = -1;

	if (fd >= 0 && d->reason)
		n = pread(fd, why, sizeof(why), (off_t)d->reason);
	hs_text_escape(&t, why, n > 0 ? strnlen(why, (size_t)n) : 0);
	return hs_err_new(HS_ERR_REFUSED, "probe load: %s; the program has "
			  "loaded nothing", t.len ? hs_text_str(&t) :
						    "its dlopen() fails");
}

static struct hs_err *finish(struct loading *l, struct tg_plant_data *d,
			     struct lg_value **ret)
{
	HS_TEXT took = { 0 };
	uint32_t state = 0;
	struct hs_err *err = uproot(l, &state);

	if (err)
		return hs_err_wrap(err, "probe load: take two pages out of %d "
				   "again", l->en->pid);
	if (state == WR_TRACER_PLANT_WAITS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_TIMEOUT, "probe load: the main "
				   "thread of %d has come to no safe point; "
				   "it was taken back, and nothing was "
				   "changed", l->en->pid),
			"probe load yes=1 wait=1min");
	if (!is_loaded(l->en->pid))
		return not_loaded(l, d);
	hs_text_duration(&took, l->p.pause_ns);
	*ret = en_sentence("the program has loaded %s; it stood still for %s",
			   l->p.data.path, hs_text_str(&took));
	return NULL;
}

static struct hs_err *load(struct loading *l, struct lg_value **ret)
{
	struct tg_plant_data d = { 0 };
	struct hs_err *err = plant(l);

	if (!err)
		err = wait_for_it(l, &d);
	return err ? err : finish(l, &d, ret);
}

/* --- all of it ----------------------------------------------------------- */

static struct hs_err *prepare(struct loading *l)
{
	struct tg_options options = { .rung = TG_CLONE };
	struct tg_report report = { 0 };
	struct hs_err *err = check_process(l);

	if (!err)
		err = check_path(l);
	if (!err)
		err = find_functions(l);
	if (!err)
		err = ask_runtime(l);
	if (!err)
		err = try_it(l);
	if (!err)
		err = tg_check(l->en->tracer, l->en->pid, &options, &report);
	if (!err)
		err = tg_plan_create(&report, &l->plan);
	return err;
}

struct hs_err *en_probe_load(void *engine, uint64_t wait_ns,
			     struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct loading l = { .en = en };
	struct lg_instant *in;
	struct hs_err *err = lg_current(&en->session, &in);

	if (!err)
		err = en_eval_of(en, in, &l.eval);
	if (err)
		return hs_err_wrap(err, "probe load");
	l.in = en_instant_of(in);
	err = prepare(&l);
	l.deadline_ns = hs_now_ns() + wait_ns;
	if (!err)
		err = load(&l, ret);
	tg_plan_destroy(l.plan);
	return err;
}
