// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include "text.h"

static void destroy(struct lg_instant *lg, void *arg)
{
	struct en_instant *in = en_instant_of(lg);

	(void)arg;
	en_eval_destroy(in);
	md_close(lg->model);
	im_destroy(lg->image);
	tg_instant_free(in->tracer);
	free(in);
}

struct en_instant *en_instant_create(struct en_engine *en)
{
	struct en_instant *in = hs_xalloc(sizeof(*in));

	in->engine = en;
	in->lg.refs = 1;
	in->look_again = hs_now_ns() + EN_LOOK_NS;
	in->lg.destroy = destroy;
	return in;
}

/**
 * A session takes instants for days: of all but the newest, what can be made
 * again is given back, and what cannot where memory is short.
 */
static void shed_older(struct en_engine *en)
{
	const bool is_short = en->budget.limit &&
			      en->budget.used > en->budget.limit / 2;

	for (size_t i = 0; i + EN_WHOLE_MOST < en->instants.n; i++) {
		struct lg_instant *in = en->instants.v[i];

		if (!in->graph || in->n_views || in == en->session.current ||
		    !(lg_instant_readable(in) || is_short))
			continue;
		gr_shed(in->graph);
		md_trim(in->model);
	}
}

void en_instant_enter(struct en_engine *en, struct lg_instant *in)
{
	in->number = ++en->n_taken;
	hs_vec_push(&en->instants, lg_instant_ref(in));
	lg_instant_unref(en->session.current);
	en->session.current = lg_instant_ref(in);
	shed_older(en);
}

struct hs_err *en_instant_find(struct en_engine *en, const char *which,
			       struct lg_instant **ret)
{
	uint64_t number = 0;
	bool numbered = hs_parse_u64(which[0] == '@' ? which + 1 : which,
				     &number);

	for (size_t i = en->instants.n; i-- > 0;) {
		struct lg_instant *in = en->instants.v[i];

		if ((in->name && !strcmp(in->name, which)) ||
		    (numbered && in->number == number)) {
			*ret = in;
			return NULL;
		}
	}
	return hs_err_remedy(hs_err_new(HS_ERR_NAME,
					"no instant is called '%s'", which),
			     "snaps");
}

/** If they are: the graph must not take them for empty. */
static void bytes_gone(struct lg_instant *in)
{
	if (in->graph && !lg_instant_readable(in))
		gr_bytes_gone(in->graph);
}

struct hs_err *en_instant_release(struct en_engine *en, struct lg_instant *lg)
{
	struct en_instant *in = en_instant_of(lg);

	if (lg->released || !in->tracer || in->tracer->mirror)
		return NULL;
	en_eval_end(in);
	lg->released = true;
	bytes_gone(lg);
	in->released_at = hs_now_ns();
	// Of one that is no more: a session of a thousand instants would run
	// out of descriptors.
	hs_close_p(&in->tracer->mem_fd);
	return tg_release(en->tracer, in->tracer);
}

/**
 * A session that takes an instant a minute would fill the machine: the older
 * ones' pages make room. What was read of them still answers.
 */
static void forget_older(struct en_engine *en)
{
	size_t n = 0;

	for (size_t i = en->instants.n; i-- > 0;) {
		struct lg_instant *in = en->instants.v[i];

		if (!in->kept || ++n < EN_KEPT_MOST)
			continue;
		md_trim(in->model);
		im_forget(in->image, &en->task);
		in->kept = false;
		bytes_gone(in);
	}
}

/** What pages may cost us: half of what is left, and what `memory` leaves. */
static void keep_pages(struct en_engine *en, struct lg_instant *lg,
		       struct hs_text *ret)
{
	struct im_kept kept;

	// Blocks that were read to attach are memory that pages may have.
	md_trim(lg->model);
	forget_older(en);
	im_keep(lg->image, &en->task, hs_budget_default() / 2, &kept);
	lg->kept = kept.copied > 0;
	if (!lg->kept) {
		hs_text_add(ret, "what was read still answers");
		return;
	}
	hs_text_size(ret, kept.copied);
	hs_text_add(ret, " of it are kept and still answer");
	if (!kept.left)
		return;
	hs_text_add(ret, ", ");
	hs_text_size(ret, kept.left);
	hs_text_add(ret, " are not (set memory=)");
}

struct hs_err *en_instant_keep(struct en_engine *en, struct lg_instant *lg,
			       struct hs_text *ret)
{
	struct tg_instant *t = en_instant_of(lg)->tracer;

	if (lg->released || !t || t->mirror) {
		hs_text_add(ret, "what was read still answers");
		return NULL;
	}
	keep_pages(en, lg, ret);
	return en_instant_release(en, lg);
}

void en_instants_clear(struct en_engine *en)
{
	for (size_t i = 0; i < en->instants.n; i++) {
		struct hs_err *err =
			en_instant_release(en, en->instants.v[i]);

		if (err)
			en_words(en, "heapsh: %s", err->message);
		hs_err_free(err);
		lg_instant_unref(en->instants.v[i]);
	}
	en->instants.n = 0;
	lg_instant_unref(en->session.current);
	en->session.current = NULL;
	en->pid = 0;
}
