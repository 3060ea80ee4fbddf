// SPDX-License-Identifier: Apache-2.0
#include "tg_planting.h"

static bool read_box(const struct tg_sowing *p, uint64_t ret[2])
{
	return tg_mem_read(p->mem_fd, p->q.addr, ret, 2 * sizeof(ret[0]));
}

static bool write_state(const struct tg_sowing *p, uint64_t state)
{
	return tg_mem_write(p->mem_fd, p->q.addr, &state, sizeof(state));
}

struct hs_err *tg_box_check(struct tg_sowing *p)
{
	uint64_t now[2];

	if (!read_box(p, now))
		return tg_sow_cannot(p, "read memory of");
	if (now[0] != p->q.box_state || now[1] != p->q.box_number)
		return tg_sow_not_now(p, "somebody else has used the probe");
	return tg_words_check(p, false);
}

/* The word that says that something is there comes last. */
struct hs_err *tg_box_plant(struct tg_sowing *p)
{
	const uint64_t state = WR_PROBE_BOX_WAITS;
	struct hs_err *err;

	if (!tg_mem_write(p->mem_fd, p->q.addr + sizeof(state),
			  p->content + sizeof(state),
			  p->q.n_box - sizeof(state)) ||
	    !write_state(p, state))
		return tg_sow_cannot(p, "write into");
	err = tg_words_write(p);
	if (err)
		(void)write_state(p, WR_PROBE_BOX_DROPPED);
	return err;
}

struct hs_err *tg_box_look(struct tg_sowing *p)
{
	uint64_t now[2];

	if (!read_box(p, now))
		return tg_sow_cannot(p, "read memory of");
	p->state = (uint32_t)now[0];
	if (now[1] != p->q.box_number)
		p->state = WR_PROBE_BOX_DROPPED;
	if (p->state == WR_PROBE_BOX_RUNS)
		return tg_sow_not_now(p, "the call is being made");
	return NULL;
}

/*
 * The words go only where all are as we have left them: an entry that others
 * stand behind stays, and serves nothing.
 */
struct hs_err *tg_box_uproot(struct tg_sowing *p)
{
	struct hs_err *err;

	if (p->state != WR_PROBE_BOX_WAITS)
		return NULL;
	if (!write_state(p, WR_PROBE_BOX_DROPPED))
		return tg_sow_cannot(p, "write into");
	err = tg_words_check(p, true);
	if (!err)
		tg_words_undo(p);
	hs_err_free(err);
	return NULL;
}
