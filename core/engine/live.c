// SPDX-License-Identifier: Apache-2.0
/*
 * A call in the running program itself. The probe that it has loaded makes it,
 * from memory of its own, when the runtime lets it: at a safe point. Everything
 * is done in a copy first, by the same function over the same bytes.
 *
 * What if:
 *	we die		before the words of the runtime's queue are written,
 *			the box is full and nobody comes to it. Behind, the
 *			probe comes to it within the lease, and makes the call
 *			that was asked for, or later, and drops it.
 *	it blocks	and comes to no safe point: the box says that nothing
 *			is to be done, and the entry goes while all threads
 *			stand still. If they do not stop, the lease ends.
 *	it forks	the child's number is not that of the request.
 *	it answers late	the call runs on; nothing waits for us.
 */
#include "livecall.h"

#include "tg_proc.h"

/* --- what is there ------------------------------------------------------- */

static struct hs_err *find_probe(const struct en_safepoint *s,
				 struct wr_probe_state *ret)
{
	static const char magic[16] = WR_PROBE_MAGIC;
	uint64_t at =
		en_safepoint_symbol(s, "heapsh-probe.so", "heapsh_probe_0");
	const uint64_t all = sizeof(*ret);

	if (!at || im_read(s->in->lg.image, at, ret, all) != all ||
	    memcmp(ret->magic, magic, sizeof(magic)))
		return en_safepoint_no(s,
				       "the program has not loaded "
				       "heapsh-probe.so, which would make "
				       "the call",
				       "probe load yes=1");
	if (ret->version != WR_PROBE_VERSION ||
	    ret->box_bytes != WR_PROBE_BOX_BYTES || !ret->loaded)
		return en_safepoint_no(s,
				       "the program has loaded "
				       "heapsh-probe.so of another heapsh",
				       "start it again with this one's");
	return NULL;
}

/* An instant of our own: the user's is as old as what he has seen. */
static struct hs_err *take(struct en_engine *en, const char *what,
			   struct vb_live *ret)
{
	struct wr_probe_state state = { 0 };
	struct en_safepoint s = { 0 };
	struct hs_err *err = en_snap(en, NULL, &ret->in);

	if (!err)
		err = en_safepoint_begin(en, ret->in, what, &s);
	if (!err)
		err = en_safepoint_check(&s);
	if (!err)
		err = find_probe(&s, &state);
	en_safepoint_end(&s);
	ret->box = state.box;
	ret->serve = state.serve;
	ret->pid = en->pid;
	return err;
}

void en_live_end(void *engine, struct vb_live *live)
{
	(void)engine;
	if (!live->in)
		return;
	// Where the tracer has gone, so has the instant.
	hs_err_free(en_instant_release(engine, live->in));
	lg_instant_unref(live->in);
	live->in = NULL;
}

struct hs_err *en_live_begin(void *engine, const char *what,
			     struct vb_live *ret)
{
	struct hs_err *err;

	*ret = (struct vb_live){ 0 };
	err = take(engine, what, ret);
	if (err)
		en_live_end(engine, ret);
	return err;
}

/* --- on a copy ----------------------------------------------------------- */

struct hs_err *en_live_try(void *engine, const char *what,
			   const struct vb_live *live, uint32_t cpu_ms,
			   struct wr_probe_box *io, struct tg_eval_result *ret)
{
	const uint64_t size = en_live_size(io), all = WR_PROBE_BOX_BYTES;
	struct tg_eval_area area;
	struct en_safepoint s = { 0 };
	uint64_t number = 1, answer;
	struct hs_err *err = en_safepoint_begin(engine, live->in, what, &s);

	if (err)
		return err;
	io->state = WR_PROBE_BOX_WAITS;
	io->number = number;
	io->until_ns = UINT64_MAX;
	io->pid = 0;
	tg_eval_reset(s.eval);
	err = tg_eval_area(s.eval, &area);
	if (!err && tg_eval_write(s.eval, live->box, io, size) != size)
		err = en_safepoint_no(&s, "a copy cannot be written to", NULL);
	if (!err)
		err = tg_eval_call(s.eval, live->serve, &number, 1, cpu_ms, ret,
				   &answer);
	if (!err && tg_eval_read(s.eval, live->box, io, all) != all)
		err = en_safepoint_no(&s, "a copy cannot be read", NULL);
	tg_eval_reset(s.eval);
	en_safepoint_end(&s);
	return err;
}

/* --- in the process itself ----------------------------------------------- */

static void prepare(struct en_live_calling *c, uint64_t number)
{
	c->box->state = WR_PROBE_BOX_WAITS;
	c->box->number = number;
	c->box->why = WR_PROBE_DROPPED_BACK;
	c->box->pid = (uint64_t)tg_pid_of_itself(c->live->pid);
	c->s.p.addr = c->live->box;
	c->s.p.box = c->box;
	c->s.p.n_box = (uint32_t)en_live_size(c->box);
}

static struct hs_err *once(struct en_live_calling *c, struct en_engine *en,
			   const char *what, bool *ret_again)
{
	uint64_t number = hs_now_ns() | 1;
	struct hs_err *err = en_safepoint_begin(en, c->live->in, what, &c->s);

	if (!err)
		err = en_safepoint_check(&c->s);
	if (!err)
		err = en_safepoint_words(&c->s, c->live->serve, number);
	if (!err)
		err = en_safepoint_ready(&c->s, c->wait_ns);
	if (err)
		return err;
	prepare(c, number);
	return en_live_go(c, ret_again);
}

/* Of the same program, or what was looked up is not there any more. */
static struct hs_err *take_again(struct en_live_calling *c,
				 struct en_engine *en, const char *what)
{
	struct vb_live now;
	struct hs_err *err = en_live_begin(en, what, &now);

	if (!err && (now.box != c->live->box || now.serve != c->live->serve ||
		     now.pid != c->live->pid)) {
		en_live_end(en, &now);
		return hs_err_new(HS_ERR_GONE,
				  "%s: the program has become "
				  "another one; nothing was called",
				  what);
	}
	if (err)
		return err;
	en_live_end(en, c->live);
	*c->live = now;
	return NULL;
}

struct hs_err *en_live_call(void *engine, const char *what,
			    struct vb_live *live, uint64_t wait_ns,
			    struct wr_probe_box *io)
{
	uint64_t deadline = hs_now_ns() + wait_ns;
	struct en_engine *en = engine;

	for (;;) {
		struct en_live_calling c = {
			.live = live,
			.box = io,
			.wait_ns = wait_ns,
		};
		bool again = false;
		struct hs_err *err = once(&c, en, what, &again);

		en_safepoint_end(&c.s);
		if (!again || hs_now_ns() >= deadline ||
		    hs_cancelled(&en->task))
			return err;
		hs_err_free(err);
		err = take_again(&c, en, what);
		if (err)
			return err;
	}
}
