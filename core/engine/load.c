// SPDX-License-Identifier: Apache-2.0
/*
 * probe load: the running program loads a library itself. Its runtime's plugin
 * says which numbers make it call a function of ours at a safe point; all of
 * it is tried on copies, and done in the process itself only where nothing
 * speaks against it.
 */
#include "safepoint.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_US = 500 }; /* between looks whether it is through */

static const char library[] = "heapsh-probe.so";
static const char what[] = "probe load";

/* --- before anything ----------------------------------------------------- */

/* In the process itself: the instant may be older. */
static bool is_loaded(int pid)
{
	return en_proc_has(pid, "maps", library);
}

/* The same file there, in a name space that may be another. */
static struct hs_err *check_path(struct en_safepoint *l)
{
	HS_FREE char *path = en_where_probe();
	HS_FREE char *there = hs_xasprintf("/proc/%d/root%s", l->en->pid, path);
	struct stat ours, theirs;

	if (stat(path, &ours))
		return en_safepoint_no(l, "heapsh-probe.so is not installed",
				       path);
	if (stat(there, &theirs) || theirs.st_ino != ours.st_ino ||
	    theirs.st_dev != ours.st_dev)
		return en_safepoint_no(l,
				       "the program has a file system of "
				       "its own, in which heapsh-probe.so is "
				       "not",
				       path);
	if (strlen(path) >= sizeof(l->p.data.path))
		return en_safepoint_no(l,
				       "the path of heapsh-probe.so is too "
				       "long",
				       path);
	memcpy(l->p.data.path, path, strlen(path) + 1);
	return NULL;
}

static struct hs_err *check_process(const struct en_safepoint *l)
{
	struct hs_err *err = en_safepoint_check(l);

	if (!err && is_loaded(l->en->pid))
		err = en_safepoint_no(l,
				      "the program has loaded "
				      "heapsh-probe.so already",
				      "probe status");
	return err;
}

static struct hs_err *find_functions(struct en_safepoint *l)
{
	struct tg_plant_data *d = &l->p.data;

	d->dlopen = en_safepoint_symbol(l, NULL, "dlopen");
	d->dlerror = en_safepoint_symbol(l, NULL, "dlerror");
	d->munmap = en_safepoint_symbol(l, NULL, "munmap");
	d->number = hs_now_ns() | 1;
	l->p.addr = tg_plant_place(l->en->pid);
	if (!d->dlopen || !d->dlerror)
		return en_safepoint_no(l, "the program has no dlopen()", NULL);
	return l->p.addr ? NULL
			 : en_safepoint_no(l, "there is no room in it", NULL);
}

/* --- on a copy ----------------------------------------------------------- */

static struct hs_err *map_pages(struct en_safepoint *l)
{
	HS_FREE uint8_t *content = hs_xalloc(WR_TRACER_PLANT_BYTES);
	const uint64_t map[] = {
		l->p.addr,
		WR_TRACER_PLANT_BYTES,
		PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		~UINT64_C(0),
		0,
	};
	const uint64_t protect[] = { l->p.addr, WR_TRACER_PLANT_CODE,
				     PROT_READ | PROT_EXEC };
	uint64_t at = 0, v = 1;
	struct hs_err *err = en_safepoint_call(
		l, en_safepoint_symbol(l, NULL, "mmap"), map, 6, &at);

	if (!err && at != l->p.addr)
		return en_safepoint_no(l, "the place for it is taken in a copy",
				       NULL);
	tg_plant_content(&l->p, content);
	if (!err &&
	    tg_eval_write(l->eval, at, content, WR_TRACER_PLANT_BYTES) !=
		    WR_TRACER_PLANT_BYTES)
		return en_safepoint_no(l, "a copy cannot be written to", NULL);
	if (!err)
		err = en_safepoint_call(
			l, en_safepoint_symbol(l, NULL, "mprotect"), protect, 3,
			&v);
	if (!err && v)
		return en_safepoint_no(
			l, "memory of a copy cannot be made executable", NULL);
	return err;
}

/*
 * In a copy dlopen() finds no file; all else is as it will be: the code runs,
 * lets go of the runtime's lock, takes it again, and comes back.
 */
static struct hs_err *try_it(struct en_safepoint *l)
{
	uint64_t arg = tg_plant_argument(&l->p), answer = 1;
	struct tg_plant_data d = { 0 };
	struct hs_err *err;

	tg_eval_reset(l->eval);
	err = map_pages(l);
	if (!err)
		err = en_safepoint_call(l, l->p.addr, &arg, 1, &answer);
	if (err)
		return err;
	tg_eval_read(l->eval, arg, &d, sizeof(d));
	tg_eval_reset(l->eval);
	if (answer || d.state != WR_TRACER_PLANT_DONE)
		return en_safepoint_no(
			l, "tried on a copy of it, it does not come back",
			NULL);
	return NULL;
}

/* --- in the process itself ----------------------------------------------- */

/*
 * Until it is through, time is up or the user has had enough. Where the pages
 * have gone and the library is there, so much is certain.
 */
static struct hs_err *wait_for_it(struct en_safepoint *l,
				  struct tg_plant_data *ret)
{
	do {
		struct hs_err *err = tg_plant_look(l->en->tracer,
						   &l->p, l->en->pid, ret);

		if (err && is_loaded(l->en->pid)) {
			hs_err_free(err);
			return NULL;
		}
		if (err || ret->state == WR_TRACER_PLANT_DONE)
			return err;
		usleep(LOOK_US);
	} while (hs_now_ns() < l->deadline_ns &&
		 !hs_cancelled(&l->en->task));
	return NULL;
}

static struct hs_err *not_loaded(const struct en_safepoint *l,
				 const struct tg_plant_data *d)
{
	HS_TEXT t = { 0 };
	char why[256];
	uint64_t n = 0;

	if (d->reason)
		n = tg_live_read(l->en->tracer, l->en->pid, d->reason, why,
				 sizeof(why));
	hs_text_escape(&t, why, strnlen(why, n));
	return hs_err_new(HS_ERR_REFUSED,
			  "probe load: %s; the program has "
			  "loaded nothing",
			  t.len ? hs_text_str(&t) : "its dlopen() fails");
}

static struct hs_err *finish(struct en_safepoint *l, struct tg_plant_data *d,
			     struct lg_value **ret)
{
	HS_TEXT took = { 0 };
	uint32_t state = 0;
	struct hs_err *err = en_safepoint_uproot(l, &state);

	if (err)
		return hs_err_wrap(err,
				   "probe load: take two pages out of %d "
				   "again",
				   l->en->pid);
	if (state == WR_TRACER_PLANT_WAITS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_TIMEOUT,
				   "probe load: the main "
				   "thread of %d has come to no safe point; "
				   "it was taken back, and nothing was "
				   "changed",
				   l->en->pid),
			"probe load yes=1 wait=1min");
	if (!is_loaded(l->en->pid))
		return not_loaded(l, d);
	hs_text_duration(&took, l->p.pause_ns);
	*ret = en_sentence("the program has loaded %s; it stood still for %s",
			   l->p.data.path, hs_text_str(&took));
	return NULL;
}

static struct hs_err *load(struct en_safepoint *l, struct lg_value **ret)
{
	struct tg_plant_data d = { 0 };
	struct hs_err *err = en_safepoint_plant(l);

	if (!err)
		err = wait_for_it(l, &d);
	return err ? err : finish(l, &d, ret);
}

/* --- all of it ----------------------------------------------------------- */

static struct hs_err *prepare(struct en_safepoint *l)
{
	struct hs_err *err = check_process(l);

	if (!err)
		err = check_path(l);
	if (!err)
		err = find_functions(l);
	if (!err)
		err = en_safepoint_words(l, l->p.addr,
					 tg_plant_argument(&l->p));
	return err ? err : try_it(l);
}

struct hs_err *en_probe_load(void *engine, uint64_t wait_ns,
			     struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct en_safepoint l = { 0 };
	struct lg_instant *in;
	struct hs_err *err = lg_current(&en->session, &in);

	if (!err)
		err = en_safepoint_begin(en, in, what, &l);
	if (!err)
		err = prepare(&l);
	if (!err)
		err = en_safepoint_ready(&l, wait_ns);
	if (!err)
		err = load(&l, ret);
	en_safepoint_end(&l);
	return err;
}
