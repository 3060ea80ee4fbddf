// SPDX-License-Identifier: Apache-2.0
/*
 * Which rung of the ladder: a frozen clone, a copy made while the process
 * stands still, or reading it as it runs. Without a word from the user it is
 * the first that is possible, and what was in the way of better ones is said.
 */
#include "engine.h"

#include "text.h"

enum en_rung en_rung_of(const char *word)
{
	if (!strcmp(word, "copy"))
		return EN_COPY;
	return !strcmp(word, "live") ? EN_LIVE : EN_AUTO;
}

/** What of our memory limit is left. */
static uint64_t room(const struct en_engine *en)
{
	uint64_t used = en->budget.used, limit = en->budget.limit;

	if (!limit)
		return UINT64_MAX;
	return used < limit ? limit - used : 0;
}

static struct hs_err *check(struct en_engine *en, int pid, enum tg_rung rung,
			    struct tg_report *ret)
{
	struct tg_options options = { .max_pause_ns = en->max_pause_ns,
				      .rung = rung,
				      .copy_bytes = room(en) };
	struct hs_err *err;

	memset(ret, 0, sizeof(*ret));
	if (!en->tracer)
		return hs_err_new(HS_ERR_OTHER,
				  "attach to %d: there is no tracer", pid);
	err = tg_check(en->tracer, pid, &options, ret);
	// Nothing was begun: a process that had ended before is "not attached",
	// not "went away" (exit status 3, not 4).
	if (err && err->code == HS_ERR_GONE)
		err->code = HS_ERR_NAME;
	return err;
}

/** "attach to 4711: why" without its beginning. */
static const char *why(const struct hs_err *err)
{
	const char *s = strchr(err->message, ':');

	return s && s[1] == ' ' ? s + 2 : err->message;
}

/** Take the next rung because of err, which is remembered and freed. */
static void step_down(struct en_way *way, enum tg_rung rung,
		      struct hs_err *err)
{
	HS_TEXT t = { 0 };

	if (way->reason)
		hs_text_addf(&t, "%s; ", way->reason);
	hs_text_add(&t, why(err));
	hs_err_free(err);
	free(way->reason);
	way->reason = hs_text_take(&t);
	way->rung = rung;
}

/** Is it the clone alone that this is in the way of? */
static bool copy_may_do(enum tg_obstacle what)
{
	switch (what) {
	case TG_FILTERED:
	case TG_SHADOW:
	case TG_NAMESPACES:
	case TG_WATCHED:
	case TG_NO_PIDS:
	case TG_NO_MEMORY:
	case TG_OVERCOMMIT:
		return true;
	case TG_NO_OBSTACLE:
	case TG_MISSING:
	case TG_NOT_PERMITTED:
	case TG_FOREIGN:
	case TG_TRACED:
	case TG_LONG:
	case TG_NO_ROOM_HERE:
	default:
		return false;
	}
}

/** The clone is not to be had: a copy, or else nothing but reading. */
static struct hs_err *without_clone(struct en_engine *en, struct en_way *way,
				    struct hs_err *err)
{
	int pid = way->pid;

	step_down(way, TG_COPY, err);
	err = check(en, pid, TG_COPY, &way->report);
	if (!err || (way->report.obstacle != TG_LONG &&
		     way->report.obstacle != TG_NO_ROOM_HERE))
		return err;
	step_down(way, TG_LIVE, err);
	return check(en, pid, TG_LIVE, &way->report);
}

struct hs_err *en_way_find(struct en_engine *en, int pid, struct en_way *ret)
{
	struct hs_err *err;

	*ret = (struct en_way){ .pid = pid };
	if (en->rung == EN_AUTO) {
		err = check(en, pid, TG_CLONE, &ret->report);
		if (err && copy_may_do(ret->report.obstacle))
			err = without_clone(en, ret, err);
		return err;
	}
	ret->rung = en->rung == EN_COPY ? TG_COPY : TG_LIVE;
	return check(en, pid, ret->rung, &ret->report);
}

void en_way_deinit(struct en_way *way)
{
	free(way->reason);
	way->reason = NULL;
}

static struct hs_err *freeze(struct en_engine *en, const struct en_way *way,
			     struct tg_instant **ret)
{
	struct tg_plan *plan = NULL;
	struct hs_err *err;

	err = tg_plan_create(&way->report, &plan);
	if (!err)
		err = tg_freeze(en->tracer, plan, ret);
	tg_plan_destroy(plan);
	return err;
}

/** What went wrong in the process itself may go right one rung lower. */
static bool lower_may_do(const struct en_engine *en, const struct hs_err *err)
{
	return en->rung == EN_AUTO &&
	       (err->code == HS_ERR_OS || err->code == HS_ERR_REFUSED ||
		err->code == HS_ERR_UNSUPPORTED || err->code == HS_ERR_TIMEOUT);
}

/**
 * A thread that did not stop would not for a copy either; but what a clone
 * needs beyond that, a copy does not.
 */
static struct hs_err *after_clone(struct en_engine *en, struct en_way *way,
				  struct hs_err *err)
{
	if (err->code == HS_ERR_TIMEOUT) {
		step_down(way, TG_LIVE, err);
		return NULL;
	}
	return without_clone(en, way, err);
}

struct hs_err *en_way_take(struct en_engine *en, struct en_way *way,
			   struct tg_instant **ret)
{
	struct hs_err *err = NULL;

	*ret = NULL;
	if (way->rung == TG_CLONE) {
		err = freeze(en, way, ret);
		if (!err || !lower_may_do(en, err))
			return err;
		err = after_clone(en, way, err);
	}
	if (!err && way->rung == TG_COPY) {
		err = tg_copy(en->tracer, &way->report, en->max_pause_ns, ret);
		if (err && lower_may_do(en, err)) {
			step_down(way, TG_LIVE, err);
			err = NULL;
		}
	}
	return err;
}

void en_way_say(struct en_engine *en, const struct en_way *way)
{
	HS_TEXT t = { 0 };

	if (!way->reason)
		return;
	hs_text_escape(&t, way->reason, strlen(way->reason));
	en_words(en, "heapsh: no frozen clone of %d: %s; %s", way->pid,
		 hs_text_str(&t),
		 way->rung == TG_COPY ?
			 "its memory was copied while it stood still" :
			 "it is read as it runs, and may change under the "
			 "reader");
}
