// SPDX-License-Identifier: Apache-2.0
/*
 * The box that the probe has in the program: filled, watched until the call
 * has come back, and taken back where it does not begin.
 */
#include "livecall.h"

#include <stddef.h>
#include <unistd.h>

enum {
	LOOK_US = 500, /* between looks whether it is through */
	RENEW_MS = 100, /* between words that we live */
	TRIES = 50, /* then another instant may do */
	TRY_US = 2000,
};
#define NS_PER_MS UINT64_C(1000000)

/* The beginning of the box, as the process has it now. */
struct head {
	uint64_t state, number, until_ns, pid, why;
};
_Static_assert(offsetof(struct wr_probe_box, why) == offsetof(struct head, why),
	       "it is the beginning");

static struct hs_err *look(const struct en_live_calling *c, struct head *ret)
{
	if (tg_live_read(NULL, c->live->pid, c->live->box, ret, sizeof(*ret)) !=
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
static struct hs_err *need_free(struct en_live_calling *c)
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
static struct hs_err *wait_for_it(struct en_live_calling *c, struct head *ret)
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

static struct hs_err *late(const struct en_live_calling *c, const char *why,
			   const char *remedy)
{
	return hs_err_remedy(hs_err_new(HS_ERR_TIMEOUT, "%s: %s", c->s.what,
					why),
			     "%s", remedy);
}

static struct hs_err *not_called(const struct en_live_calling *c)
{
	HS_FREE char *why = hs_xasprintf(
		"the main thread of %d has come to no safe point; it was "
		"taken back, and nothing was called",
		c->live->pid);

	return late(c, why, "the same with wait=1min");
}

/*
 * It waits for nothing any more; or has begun while we were about it. Nobody
 * renews the lease: where the threads do not stop it ends, and with it what
 * waits.
 */
static struct hs_err *take_back(struct en_live_calling *c, struct head *ret)
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

static struct hs_err *runs_on(const struct en_live_calling *c)
{
	return late(c,
		    "the call has begun and has not come back yet; it runs on "
		    "in the program, and its result is lost",
		    "probe status");
}

/* Why the probe has not made it. */
static struct hs_err *dropped(const struct en_live_calling *c,
			      const struct head *h)
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

static struct hs_err *take_answer(const struct en_live_calling *c)
{
	const uint64_t size = WR_PROBE_BOX_BYTES;
	uint64_t number = c->box->number;

	if (tg_live_read(NULL, c->live->pid, c->live->box, c->box, size) !=
		    size ||
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
static struct hs_err *plant(struct en_live_calling *c)
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

static struct hs_err *what_became(const struct en_live_calling *c,
				  const struct head *h)
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

struct hs_err *en_live_go(struct en_live_calling *c, bool *ret_again)
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
