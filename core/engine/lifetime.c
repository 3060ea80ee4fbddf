// SPDX-License-Identifier: Apache-2.0
/*
 * How long an instant is held: until `release`, until nobody has typed for
 * `set hold=`, or until the program had to copy `set cow=` of its memory
 * because of it. What was typed last is served first: all this is looked at
 * between lines.
 */
#include "engine.h"

#include "text.h"

enum {
	/* Looking takes a part of a processor: at most one in this many. */
	LOOK_SHARE = 50,
	/* Copying so little takes some milliseconds in all: 5 % of a small
	 * program are written while one reads the first table. */
	LEAST_COPIED = 16 << 20,
};

static void give_back(struct en_engine *en, struct lg_instant *in,
		      const char *why)
{
	HS_TEXT kept = { 0 };
	struct hs_err *err = en_instant_keep(en, in, &kept);

	if (err)
		en_words(en, "heapsh: release @%u: %s", in->number,
			 err->message);
	else
		en_words(en, "heapsh: @%u was released %s: %s; 'snap' takes a "
			     "new instant", in->number, why,
			 hs_text_str(&kept));
	hs_err_free(err);
}

static bool is_idle(struct en_engine *en)
{
	uint64_t hold_ns = 0;

	// "off" is no time: then nothing is given back by itself.
	hs_parse_duration(lg_setting(&en->session, "hold"), &hold_ns);
	return hold_ns && hs_now_ns() - en->idle_since >= hold_ns;
}

/** Bytes that the program may copy because of one instant; 0: any number. */
static uint64_t cow_limit(struct en_engine *en, const struct lg_instant *in)
{
	uint32_t percent = 0;
	uint64_t limit;

	if (!hs_parse_percent(lg_setting(&en->session, "cow"), &percent) ||
	    !percent)
		return 0;
	limit = im_info(in->image)->rss / 10000 * percent;
	return limit > LEAST_COPIED ? limit : LEAST_COPIED;
}

static bool costs_too_much(struct en_engine *en, struct en_instant *in,
			   uint64_t *ret)
{
	uint64_t limit = cow_limit(en, &in->lg), began = hs_now_ns(), rest;

	if (!limit || began < in->look_again)
		return false;
	*ret = tg_copied(en->tracer, in->tracer);
	rest = (hs_now_ns() - began) * LOOK_SHARE;
	in->look_again = began + (rest > EN_LOOK_NS ? rest : EN_LOOK_NS);
	return *ret > limit;
}

void en_lifetime(struct en_engine *en)
{
	bool idle = is_idle(en);

	for (size_t i = 0; i < en->instants.n; i++) {
		struct lg_instant *in = en->instants.v[i];
		HS_TEXT why = { 0 };
		uint64_t copied;

		// A copy costs the program nothing.
		if (in->released || !en_instant_of(in)->tracer ||
		    en_instant_of(in)->tracer->mirror)
			continue;
		if (idle)
			hs_text_add(&why, "after being idle (set hold=)");
		else if (costs_too_much(en, en_instant_of(in), &copied)) {
			hs_text_add(&why, "because the program had to copy ");
			hs_text_size(&why, copied);
			hs_text_add(&why, " (set cow=)");
		} else {
			continue;
		}
		give_back(en, in, hs_text_str(&why));
	}
}
