// SPDX-License-Identifier: Apache-2.0
/* What a call has answered in a copy, and what its callbacks were given. */
#include "calling.h"

enum { MAX_COLLECTED = 100000 }; /* calls of a callback that are shown */

static uint64_t read_copy(void *arg, uint64_t addr, void *buf, uint64_t len)
{
	return tg_eval_read(arg, addr, buf, len);
}

/* Registers are used up from the left, as the ABI does. */
static struct lg_value *collected_arg(const struct vb_calling *c,
				      const struct vb_ctype *t,
				      const struct wr_probe_collected *call,
				      size_t used[3])
{
	bool is_float = t->code == 'f' || t->code == 'd';
	const uint64_t *from;

	if (t->code == '{' || t->code == 'D')
		return lg_none();
	if (is_float && used[1] < HS_ARRAY_SIZE(call->floats))
		from = &call->floats[used[1]++];
	else if (!is_float && used[0] < HS_ARRAY_SIZE(call->ints))
		from = &call->ints[used[0]++];
	else if (used[2] < HS_ARRAY_SIZE(call->stack))
		from = &call->stack[used[2]++];
	else
		return lg_none();
	return vb_get(t, (const uint8_t *)from, c->in, read_copy, c->eval);
}

static struct lg_value *collected_call(const struct vb_calling *c,
				       const struct wr_probe_collected *call)
{
	struct lg_value *items[VB_SIG_PARAMS], *list;
	const struct vb_signature *s;
	size_t used[3] = { 0 };

	if (call->which >= c->n_callbacks)
		return lg_none();
	s = c->callbacks[call->which];
	for (uint32_t i = 0; i < s->n_params; i++)
		items[i] = collected_arg(c, s->params[i], call, used);
	list = lg_list(items, s->n_params);
	for (uint32_t i = 0; i < s->n_params; i++)
		lg_unref(items[i]);
	return list;
}

/* What the callbacks were called with: a list of lists. */
static struct lg_value *collected(const struct vb_calling *c)
{
	uint64_t room = c->q.used > c->q.out && c->q.used <= c->q.out_end
				? c->q.used - c->q.out
				: 0;
	uint64_t n = room / sizeof(struct wr_probe_collected);
	HS_FREE struct wr_probe_collected *calls = NULL;
	HS_FREE struct lg_value **items = NULL;
	struct lg_value *list;

	if (n > MAX_COLLECTED)
		n = MAX_COLLECTED;
	calls = hs_xcalloc(n + 1, sizeof(*calls));
	items = hs_xcalloc(n + 1, sizeof(*items));
	n = tg_eval_read(c->eval, c->q.out, calls, n * sizeof(*calls)) /
	    sizeof(*calls);
	for (uint64_t i = 0; i < n; i++)
		items[i] = collected_call(c, &calls[i]);
	list = lg_list(items, n);
	for (uint64_t i = 0; i < n; i++)
		lg_unref(items[i]);
	return list;
}

struct hs_err *vb_call_get(struct vb_calling *c, struct lg_value **ret)
{
	const struct vb_ctype *t = c->sig->result;
	HS_FREE uint8_t *bytes = hs_xalloc(t->size + 16);
	struct lg_value *both[2];

	if (tg_eval_read(c->eval, c->q.foreign.result, bytes, t->size) !=
	    t->size)
		return hs_err_new(HS_ERR_GONE, "call %s: the copy has ended",
				  c->name);
	*ret = vb_get(t, bytes, c->in, read_copy, c->eval);
	if (!c->n_callbacks)
		return NULL;
	both[0] = *ret;
	both[1] = collected(c);
	*ret = lg_list(both, 2);
	lg_unref(both[0]);
	lg_unref(both[1]);
	return NULL;
}
