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
#include "safepoint.h"

#include <stddef.h>
#include <unistd.h>

#include "tg_proc.h"

enum {
	LOOK_US = 500, /* between looks whether it is through */
	RENEW_MS = 100, /* between words that we live */
	TRIES = 50, /* then another instant may do */
	TRY_US = 2000,
};
#define NS_PER_MS UINT64_C(1000000)

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

/* What of it there is. */
static uint64_t size_of(const struct wr_probe_box *box)
{
	uint64_t used =
		box->used < WR_PROBE_BOX_DATA ? box->used : WR_PROBE_BOX_DATA;

	return hs_align_up(sizeof(*box) + used, 8);
}

struct hs_err *en_live_try(void *engine, const char *what,
			   const struct vb_live *live, uint32_t cpu_ms,
			   struct wr_probe_box *io, struct tg_eval_result *ret)
{
	const uint64_t size = size_of(io), all = WR_PROBE_BOX_BYTES;
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

/** A call on its way. */
struct calling {
	struct en_safepoint s;
	struct vb_live *live;
	struct wr_probe_box *box; /* what is asked, what is answered */
	uint64_t wait_ns;
};

/* The beginning of the box, as the process has it now. */
struct head {
	uint64_t state, number, until_ns, pid, why;
};
_Static_assert(offsetof(struct wr_probe_box, why) == offsetof(struct head, why),
	       "it is the beginning");

static struct hs_err *look(const struct calling *c, struct head *ret)
{
	if (tg_live_read(c->live->pid, c->live->box, ret, sizeof(*ret)) !=
	    sizeof(*ret))
		return hs_err_new(HS_ERR_GONE, "%s: process %d has ended",
				  c->s.what, c->live->pid);
	return NULL;
}

static bool waits(const struct head *h)
{
	return h->state == WR_PROBE_BOX_WAITS;
}

/* Is it dead who has asked for what waits there? */
static bool is_left(const struct head *h)
{
	uint64_t lease = NS_PER_MS * WR_PROBE_LEASE_MS;

	return h->until_ns - (tg_live_lease() - lease) > lease;
}

/* Nobody else's, or somebody's who has died. */
static struct hs_err *need_free(struct calling *c)
{
	struct hs_err *err;
	struct head h;

	for (;;) {
		err = look(c, &h);
		if (err)
			return err;
		if (h.state == WR_PROBE_BOX_RUNS)
			return en_safepoint_no(&c->s,
					       "the program is still "
					       "in an earlier call",
					       "probe status");
		if (!waits(&h) || is_left(&h))
			break;
		if (hs_now_ns() >= c->s.deadline_ns ||
		    hs_cancelled(&c->s.en->task))
			return en_safepoint_no(&c->s,
					       "another heapsh has a "
					       "call waiting there",
					       NULL);
		usleep(LOOK_US);
	}
	c->s.p.box_state = h.state;
	c->s.p.box_number = h.number;
	return NULL;
}

static bool is_through(const struct head *h)
{
	return !waits(h) && h->state != WR_PROBE_BOX_RUNS;
}

/*
 * Until it is through, its time is up or the user has had enough. What runs
 * has as long again.
 */
static struct hs_err *wait_for_it(struct calling *c, struct head *ret)
{
	uint64_t renewed = hs_now_ns(), until = c->s.deadline_ns, now;
	bool runs = false;

	for (;;) {
		struct hs_err *err = look(c, ret);

		now = hs_now_ns();
		if (!err && !runs && ret->state == WR_PROBE_BOX_RUNS) {
			until = now + c->wait_ns;
			runs = true;
		}
		if (err || is_through(ret) || now >= until ||
		    hs_cancelled(&c->s.en->task))
			return err;
		if (waits(ret) && now - renewed > RENEW_MS * NS_PER_MS) {
			tg_live_renew(c->live->pid, c->live->box);
			renewed = now;
		}
		usleep(LOOK_US);
	}
}

static struct hs_err *not_called(const struct calling *c)
{
	return hs_err_remedy(
		hs_err_new(HS_ERR_TIMEOUT,
			   "%s: the main thread of %d has "
			   "come to no safe point; it was taken back, and "
			   "nothing was called",
			   c->s.what, c->live->pid),
		"the same with wait=1min");
}

/*
 * It waits for nothing any more; or has begun while we were about it. Nobody
 * renews the lease: where the threads do not stop it ends, and with it what
 * waits.
 */
static struct hs_err *take_back(struct calling *c, struct head *ret)
{
	for (;;) {
		uint32_t state = 0;
		struct hs_err *err =
			tg_uproot(c->s.en->tracer, c->s.plan, &c->s.p, &state);
		bool later = en_safepoint_not_now(err);

		if (err && !later)
			return err;
		hs_err_free(err);
		err = look(c, ret);
		if (err || !later || !waits(ret) || is_left(ret))
			return err;
		usleep(TRY_US);
	}
}

static struct hs_err *runs_on(const struct calling *c)
{
	return hs_err_remedy(
		hs_err_new(HS_ERR_TIMEOUT,
			   "%s: the call has begun and has "
			   "not come back yet; it runs on in the program, and "
			   "its result is lost",
			   c->s.what),
		"probe status");
}

/* Why the probe has not made it. */
static struct hs_err *dropped(const struct calling *c, const struct head *h)
{
	if (h->why == WR_PROBE_DROPPED_BACK)
		return not_called(c);
	if (h->why >= WR_PROBE_DROPPED_GUARD)
		return hs_err_remedy(
			hs_err_new(HS_ERR_REFUSED,
				   "%s: an object that it is "
				   "about has gone since this instant; "
				   "nothing was called",
				   c->s.what),
			"snap, and again");
	return hs_err_new(HS_ERR_REFUSED,
			  "%s: the probe has not made it: "
			  "%s; nothing was called",
			  c->s.what,
			  h->why == WR_PROBE_DROPPED_CHILD
				  ? "this is a child of the process"
				  : "we were not heard of for a second");
}

static struct hs_err *take_answer(const struct calling *c)
{
	const uint64_t size = WR_PROBE_BOX_BYTES;
	uint64_t number = c->box->number;

	if (tg_live_read(c->live->pid, c->live->box, c->box, size) != size ||
	    c->box->number != number)
		return hs_err_new(HS_ERR_GONE,
				  "%s: the call was made, but "
				  "its result is gone",
				  c->s.what);
	return NULL;
}

/*
 * The runtime's queue has moved on since our instant, or a thread does not
 * stop. Before each try: we live.
 */
static struct hs_err *plant(struct calling *c)
{
	for (int i = 0;; i++) {
		struct hs_err *err;

		c->box->until_ns = tg_live_lease();
		err = tg_plant(c->s.en->tracer, c->s.plan, &c->s.p);
		if (!en_safepoint_not_now(err) || i == TRIES ||
		    hs_cancelled(&c->s.en->task))
			return err;
		hs_err_free(err);
		usleep(TRY_US);
	}
}

static struct hs_err *what_became(const struct calling *c, const struct head *h)
{
	switch (h->state) {
	case WR_PROBE_BOX_SERVED:
		return take_answer(c);
	case WR_PROBE_BOX_RUNS:
		return runs_on(c);
	case WR_PROBE_BOX_WAITS: // and is never served
		return not_called(c);
	default:
		return dropped(c, h);
	}
}

/*
 * Once, in the instant that there is. *ret_again: nothing was called, and in
 * another instant it may be.
 */
static struct hs_err *go(struct calling *c, bool *ret_again)
{
	struct head h = { 0 };
	struct hs_err *err = need_free(c);

	if (err)
		return err;
	err = plant(c);
	*ret_again = en_safepoint_not_now(err);
	if (err)
		return hs_err_wrap(err, "%s: nothing was called", c->s.what);
	err = wait_for_it(c, &h);
	if (!err && waits(&h))
		err = take_back(c, &h);
	if (!err && h.state == WR_PROBE_BOX_RUNS)
		err = wait_for_it(c, &h);
	if (err)
		return err;
	*ret_again = h.state == WR_PROBE_BOX_DROPPED &&
		     h.why == WR_PROBE_DROPPED_LATE;
	return what_became(c, &h);
}

static void prepare(struct calling *c, uint64_t number)
{
	c->box->state = WR_PROBE_BOX_WAITS;
	c->box->number = number;
	c->box->why = WR_PROBE_DROPPED_BACK;
	c->box->pid = (uint64_t)tg_pid_of_itself(c->live->pid);
	c->s.p.addr = c->live->box;
	c->s.p.box = c->box;
	c->s.p.n_box = (uint32_t)size_of(c->box);
}

static struct hs_err *once(struct calling *c, struct en_engine *en,
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
	return go(c, ret_again);
}

/* Of the same program, or what was looked up is not there any more. */
static struct hs_err *take_again(struct calling *c, struct en_engine *en,
				 const char *what)
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
		struct calling c = {
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
