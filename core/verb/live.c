// SPDX-License-Identifier: Apache-2.0
#include "live.h"

#include <stddef.h>
#include <time.h>

#include "tg_eval.h"
#include "tg_plant.h"

enum {
	/* Of the instant whose objects are handed over: then snap again. */
	AGE_MAX_S = 60,
	WORDS_MAX = 1000, /* bytes of what an exception says */
};
#define WAIT_NS UINT64_C(5000000000)
#define WAIT_MAX_NS (UINT64_C(3600) * 1000000000)

/* --- what the user says -------------------------------------------------- */

struct hs_err *vb_live_wanted(const struct lg_call *call, bool *ret)
{
	struct hs_err *err = lg_opt_bool(call, "live", false, ret);

	if (!err && !*ret &&
	    (lg_opt_text(call, "yes") || lg_opt_text(call, "wait")))
		return hs_err_new(HS_ERR_USAGE, "call: yes= and wait= are of "
						"live=1");
	return err;
}

static struct hs_err *take_options(struct vb_live_call *c)
{
	const char *text = lg_opt_text(c->call, "wait");
	struct hs_err *err;
	bool yes;

	c->wait_ns = WAIT_NS;
	if (text &&
	    (!hs_parse_duration(text, &c->wait_ns) || c->wait_ns > WAIT_MAX_NS))
		return hs_err_new(HS_ERR_USAGE,
				  "call: wait=%s is no time up "
				  "to 1h",
				  text);
	err = lg_opt_bool(c->call, "refused", false, &c->refused);
	if (!err)
		err = vb_call_limit(c->call, &c->cpu_ms);
	if (!err)
		err = lg_opt_bool(c->call, "yes", false, &yes);
	if (err || yes)
		return err;
	return hs_err_remedy(
		hs_err_new(HS_ERR_REFUSED,
			   "%s: the running program itself "
			   "will make this call once, on its main thread, "
			   "between two steps of its own; what it changes is "
			   "changed, and should it crash, hang or exit, so "
			   "does the program. It is tried in a copy first",
			   c->what),
		"the same with yes=1");
}

struct hs_err *vb_live_init(const struct lg_call *call, const char *name,
			    struct vb_live_call *ret)
{
	struct hs_err *err;

	ret->call = call;
	ret->name = hs_xstrdup(name);
	ret->what = hs_xasprintf("call %s live=1", name);
	err = take_options(ret);
	if (!err)
		err = vb_services(call, &ret->sv);
	if (!err && !ret->sv->live_begin)
		err = hs_err_new(HS_ERR_UNSUPPORTED, "%s: nothing is attached",
				 ret->what);
	if (err)
		return err;
	ret->box = hs_xalloc(WR_PROBE_BOX_BYTES);
	return ret->sv->live_begin(ret->sv->engine, ret->what, &ret->live);
}

void vb_live_deinit(struct vb_live_call *c)
{
	if (c->sv && c->sv->live_end)
		c->sv->live_end(c->sv->engine, &c->live);
	free(c->box);
	free(c->name);
	free(c->what);
}

/* --- what it is about ---------------------------------------------------- */

static struct hs_err *gone(const struct vb_live_call *c, uint64_t addr)
{
	return hs_err_remedy(
		hs_err_new(HS_ERR_REFUSED,
			   "%s: the object at 0x%llx has gone "
			   "since this instant, or is another one; nothing "
			   "was called",
			   c->what, (unsigned long long)addr),
		"snap, and again");
}

static struct hs_err *check_age(const struct vb_live_call *c,
				const struct lg_instant *in)
{
	struct timespec now = { 0 };
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (int64_t)now.tv_sec - (int64_t)(in->taken_ns / 1000000000);
	if (age <= AGE_MAX_S)
		return NULL;
	return hs_err_remedy(
		hs_err_new(HS_ERR_REFUSED,
			   "%s: the instant is older than a "
			   "minute, and its objects may be others by now; "
			   "nothing was called",
			   c->what),
		"snap, and again");
}

/* The same things must be said of it in both instants. */
static struct hs_err *add_object(struct vb_live_call *c, struct lg_value *v)
{
	struct heapsh_guard then[HEAPSH_GUARDS], now[HEAPSH_GUARDS];
	struct lg_instant *in = lg_instant_of(v);
	uint64_t addr = lg_as_address(v);
	struct md_object o;
	uint32_t n = md_alive(in->model, addr, then);
	struct hs_err *err = check_age(c, in);

	if (err)
		return err;
	if (!n)
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "%s: nobody knows "
				  "whether the object at 0x%llx still lives",
				  c->what, (unsigned long long)addr);
	if (!md_object_at(c->live.in->model, addr, &o) ||
	    md_alive(c->live.in->model, addr, now) != n ||
	    memcmp(then, now, n * sizeof(now[0])))
		return gone(c, addr);
	if (c->box->n_guards + n > WR_PROBE_GUARDS)
		return hs_err_new(HS_ERR_USAGE, "%s: too many objects",
				  c->what);
	for (uint32_t i = 0; i < n; i++)
		c->box->guards[c->box->n_guards++] = (struct wr_probe_guard){
			.addr = now[i].addr,
			.least = now[i].least,
			.most = now[i].most,
			.bytes = now[i].bytes,
		};
	return NULL;
}

/* Lists are at most 32 deep (lang). */
struct hs_err *vb_live_value(struct vb_live_call *c, struct lg_value *v)
{
	struct lg_value *const *items;
	struct hs_err *err = NULL;
	size_t n;

	if (lg_kind(v) == LG_OBJECT)
		return add_object(c, v);
	if (lg_kind(v) != LG_LIST)
		return NULL;
	n = lg_items(v, &items);
	for (size_t i = 0; !err && i < n; i++)
		err = vb_live_value(c, items[i]);
	return err;
}

_Static_assert((int)HEAPSH_STEPS == (int)WR_PROBE_STEPS &&
		       (int)HEAPSH_STEP_ARGS == (int)WR_PROBE_STEP_ARGS &&
		       (int)HEAPSH_SCRIPT_DATA < (int)WR_PROBE_BOX_DATA &&
		       (int)HEAPSH_STEP_OWNS == WR_PROBE_STEP_OWNS &&
		       (int)HEAPSH_STEP_TAKES == WR_PROBE_STEP_TAKES &&
		       (int)HEAPSH_STEP_NOT_ZERO == WR_PROBE_STEP_NOT_ZERO &&
		       (int)HEAPSH_STEP_NOT_MINUS == WR_PROBE_STEP_NOT_MINUS &&
		       (int)HEAPSH_STEP_TEXT == WR_PROBE_STEP_TEXT &&
		       (int)HEAPSH_STEP_CSTR == WR_PROBE_STEP_CSTR &&
		       (int)HEAPSH_STEP_ON_ERROR == WR_PROBE_STEP_ON_ERROR &&
		       (int)HEAPSH_STEP_ALWAYS == WR_PROBE_STEP_ALWAYS,
	       "steps of plugins are the probe's");

void vb_live_script(struct vb_live_call *c, const struct heapsh_script *s)
{
	uint64_t data = c->live.box + sizeof(struct wr_probe_box);

	c->box->n_steps = s->n;
	c->box->release = s->release;
	c->box->used = (uint32_t)hs_align_up(s->n_data, 16);
	memcpy(c->box->data, s->data, s->n_data);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct heapsh_step *from = &s->steps[i];
		struct wr_probe_step *to = &c->box->steps[i];

		to->function = from->function;
		to->flags = from->flags;
		for (int k = 0; k < HEAPSH_STEP_ARGS; k++) {
			to->args[k] = from->args[k];
			to->from[k] = from->from[k] == HEAPSH_FROM_STEP;
			if (from->from[k] == HEAPSH_FROM_DATA)
				to->args[k] += data;
		}
	}
}
_Static_assert(offsetof(struct wr_probe_box, data) ==
		       sizeof(struct wr_probe_box),
	       "data is what follows");

/* --- what it has come to ------------------------------------------------- */

const char *vb_live_text(const struct vb_live_call *c, uint32_t step, size_t *n)
{
	uint64_t data = c->live.box + sizeof(struct wr_probe_box), at;
	const struct wr_probe_step *s = &c->box->steps[step];

	*n = 0;
	at = s->result - data;
	if (!s->has_run || s->result < data || at > WR_PROBE_BOX_DATA)
		return "";
	*n = s->length < WR_PROBE_BOX_DATA - at ? s->length
						: WR_PROBE_BOX_DATA - at;
	return (const char *)c->box->data + at;
}

char *vb_live_raised(const struct vb_live_call *c,
		     const struct heapsh_script *s)
{
	size_t n_name, n_words;
	const char *name = vb_live_text(c, s->name, &n_name);
	const char *words = vb_live_text(c, s->words, &n_words);
	HS_TEXT t = { 0 };

	if (!c->box->failed)
		return hs_xstrdup("");
	if (!n_name)
		return hs_xstrdup("an exception");
	hs_text_escape(&t, name, n_name);
	if (n_words)
		hs_text_add(&t, ": ");
	hs_text_escape(&t, words, n_words < WORDS_MAX ? n_words : WORDS_MAX);
	return hs_xstrdup(hs_text_str(&t));
}

uint64_t vb_live_read(void *arg, uint64_t addr, void *buf, uint64_t len)
{
	const struct vb_live_call *c = arg;

	return tg_live_read(NULL, c->live.pid, addr, buf, len);
}

/* --- it is made ---------------------------------------------------------- */

static struct hs_err *not_in_copy(const struct vb_live_call *c, const char *why)
{
	return hs_err_new(HS_ERR_REFUSED,
			  "%s: tried in a copy, %s; nothing "
			  "was called in the program",
			  c->what, why);
}

static struct hs_err *was_refused(const struct vb_live_call *c,
				  const struct tg_eval_result *r)
{
	HS_TEXT why = { 0 };

	hs_text_add(&why, "it wanted ");
	tg_eval_call_name(r->refused, &why);
	hs_text_add(&why, ", which a copy may not make, so that what it will "
			  "do is not known");
	return hs_err_remedy(not_in_copy(c, hs_text_str(&why)),
			     "refused=1 calls it all the same");
}

static struct hs_err *judge(const struct vb_live_call *c,
			    const struct tg_eval_result *r,
			    const struct heapsh_script *s)
{
	HS_FREE char *raised = NULL;
	HS_TEXT why = { 0 };

	if (r->end == TG_EVAL_CANCELLED)
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	tg_eval_explain(r, &why);
	if (r->end != TG_EVAL_RETURNED)
		return not_in_copy(c, hs_text_str(&why));
	if (r->n_refused && !c->refused)
		return was_refused(c, r);
	if (c->box->state != WR_PROBE_BOX_SERVED)
		return not_in_copy(c, "the probe does not make it");
	if (c->box->answer != WR_PROBE_DONE)
		return not_in_copy(c, "such a signature cannot be called");
	// What was refused may have raised: with refused=1 so be it.
	if (!s || !c->box->failed || (r->n_refused && c->refused))
		return NULL;
	raised = vb_live_raised(c, s);
	hs_text_addf(&why, "it raises %s", raised);
	return not_in_copy(c, hs_text_str(&why));
}

struct hs_err *vb_live_try(struct vb_live_call *c,
			   const struct heapsh_script *s)
{
	HS_FREE uint8_t *asked = hs_xalloc(WR_PROBE_BOX_BYTES);
	struct tg_eval_result r = { .refused = -1 };
	uint32_t n_guards = c->box->n_guards;
	struct hs_err *err;

	memcpy(asked, c->box, WR_PROBE_BOX_BYTES);
	c->box->n_guards = 0;
	err = c->sv->live_try(c->sv->engine, c->what, &c->live, c->cpu_ms,
			      c->box, &r);
	if (!err)
		err = judge(c, &r, s);
	memcpy(c->box, asked, WR_PROBE_BOX_BYTES);
	c->box->n_guards = n_guards;
	return err;
}

struct hs_err *vb_live_go(struct vb_live_call *c)
{
	return c->sv->live_call(c->sv->engine, c->what, &c->live, c->wait_ns,
				c->box);
}
