// SPDX-License-Identifier: Apache-2.0
// What the program's own code says and does: HEAPSH_ASK_0, HEAPSH_INVOKE_0.
#include "model_priv.h"

enum { TEXT_MAX = 1 << 20 };	/* bytes of a text that are looked at */

static const struct heapsh_ask *ask_of(struct md_model *m, void **state)
{
	const struct heapsh_ask *ask = md_interface(m, HEAPSH_ASK_0, state);

	return ask && HEAPSH_HAS(ask, flat) && ask->text && ask->flat ? ask :
									NULL;
}

static struct hs_err *no_answer(uint32_t end, char *why, size_t cap)
{
	why[cap - 1] = '\0';
	md_clean(why, cap);
	return hs_err_new(end == HEAPSH_EVAL_UNAVAILABLE ? HS_ERR_UNSUPPORTED :
							   HS_ERR_NAME,
			  "%s", *why ? why : "it gave no answer");
}

static struct hs_err *nobody(void)
{
	return hs_err_new(HS_ERR_UNSUPPORTED,
			  "objects of this runtime cannot be asked");
}

struct hs_err *md_ask_text(struct md_model *m, uint64_t addr, uint32_t what,
			   size_t max, char **ret)
{
	HS_FREE char *buf = hs_xalloc(TEXT_MAX);
	const struct heapsh_ask *ask;
	char why[256] = "";
	struct md_call call;
	uint64_t n = 0;
	uint32_t end;
	void *state;

	ask = ask_of(m, &state);
	if (!ask || !md_enter(m->own, MD_ASK, m->image, &call))
		return nobody();
	end = ask->text(state, addr, what, buf, TEXT_MAX, &n, why,
			sizeof(why));
	md_leave(&call);
	if (end != HEAPSH_EVAL_RETURNED)
		return no_answer(end, why, sizeof(why));
	*ret = md_fit(buf, n < TEXT_MAX ? n : TEXT_MAX, max, n > TEXT_MAX);
	return NULL;
}

/** Texts on their way. */
struct asked {
	md_text_fn *fn;
	void *arg;
	size_t max;
	uint32_t n, next;
};

static void on_text(void *arg, uint32_t i, const char *text, uint64_t len)
{
	struct asked *a = arg;
	size_t n = len < TEXT_MAX ? len : TEXT_MAX;
	HS_FREE char *fit = NULL;

	if (i < a->next || i >= a->n || !text)
		return;
	a->next = i + 1;
	fit = md_fit(text, n, a->max, len > n);
	a->fn(a->arg, i, fit, strlen(fit));
}

struct hs_err *md_ask_texts(struct md_model *m, const uint64_t *addr,
			    uint32_t n, uint32_t what, size_t max,
			    md_text_fn *fn, void *arg)
{
	struct asked a = { .fn = fn, .arg = arg, .max = max, .n = n };
	const struct heapsh_ask *ask;
	struct md_call call;
	uint32_t end;
	void *state;

	ask = ask_of(m, &state);
	if (!ask || !HEAPSH_HAS(ask, texts) || !ask->texts ||
	    !md_enter(m->own, MD_ASK, m->image, &call))
		return nobody();
	end = ask->texts(state, addr, n, what, on_text, &a);
	md_leave(&call);
	if (end == HEAPSH_EVAL_CANCELLED)
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	return end == HEAPSH_EVAL_UNAVAILABLE ? nobody() : NULL;
}

struct hs_err *md_ask_flat(struct md_model *m, uint64_t addr, uint64_t *ret)
{
	const struct heapsh_ask *ask;
	char why[256] = "";
	struct md_call call;
	uint64_t flat = 0;
	uint32_t end;
	void *state;

	ask = ask_of(m, &state);
	if (!ask || !md_enter(m->own, MD_ASK, m->image, &call))
		return nobody();
	end = ask->flat(state, addr, &flat, why, sizeof(why));
	md_leave(&call);
	if (end != HEAPSH_EVAL_RETURNED)
		return no_answer(end, why, sizeof(why));
	*ret = flat;
	return NULL;
}

static const struct heapsh_invoke *invoke_of(struct md_model *m, void **state)
{
	const struct heapsh_invoke *p =
		md_interface(m, HEAPSH_INVOKE_0, state);

	return p && HEAPSH_HAS(p, call) ? p : NULL;
}

struct hs_err *md_invoke(struct md_model *m, struct heapsh_invocation *what,
			 size_t max, struct heapsh_invoked *how, char **ret)
{
	HS_FREE char *buf = hs_xalloc(TEXT_MAX);
	const struct heapsh_invoke *p;
	struct md_call call;
	void *state;

	p = invoke_of(m, &state);
	if (!p || !p->call || !md_enter(m->own, MD_INVOKE, m->image, &call))
		return nobody();
	what->size = sizeof(*what);
	*how = (struct heapsh_invoked){
		.size = sizeof(*how),
		.end = HEAPSH_EVAL_UNAVAILABLE,
		.refused = -1,
	};
	p->call(state, what, buf, TEXT_MAX, how);
	md_leave(&call);
	how->why[sizeof(how->why) - 1] = '\0';
	md_clean(how->why, sizeof(how->why));
	if (how->end == HEAPSH_EVAL_UNAVAILABLE)
		return no_answer(how->end, how->why, sizeof(how->why));
	if (how->end == HEAPSH_EVAL_RETURNED)
		*ret = md_fit(buf, how->n < TEXT_MAX ? how->n : TEXT_MAX, max,
			      how->n > TEXT_MAX);
	return NULL;
}

/* Steps refer to earlier ones only, and to data that is there. */
static bool is_script(const struct heapsh_script *s)
{
	if (!s->n || s->n > HEAPSH_STEPS || s->n_data > HEAPSH_SCRIPT_DATA ||
	    !s->release || s->call >= s->n || s->text >= s->n ||
	    s->name >= s->n || s->words >= s->n)
		return false;
	for (uint32_t i = 0; i < s->n; i++) {
		for (int k = 0; k < HEAPSH_STEP_ARGS; k++) {
			uint64_t v = s->steps[i].args[k];

			if ((s->steps[i].from[k] == HEAPSH_FROM_STEP &&
			     v >= i) ||
			    (s->steps[i].from[k] == HEAPSH_FROM_DATA &&
			     v >= HEAPSH_SCRIPT_DATA) ||
			    s->steps[i].from[k] > HEAPSH_FROM_DATA)
				return false;
		}
	}
	return true;
}

/* A plugin's clause as an error. */
static struct hs_err *clause(const char *why)
{
	HS_FREE char *words = hs_xstrndup(why, 200);

	md_clean(words, strlen(words) + 1);
	return hs_err_new(HS_ERR_UNSUPPORTED, "%s", words);
}

struct hs_err *md_script(struct md_model *m, struct heapsh_invocation *what,
			 struct heapsh_script *ret)
{
	const struct heapsh_invoke *p;
	struct md_call call;
	const char *why;
	void *state;

	p = invoke_of(m, &state);
	if (!p || !HEAPSH_HAS(p, script) || !p->script ||
	    !md_enter(m->own, MD_INVOKE, m->image, &call))
		return hs_err_new(HS_ERR_UNSUPPORTED, "no such call of this "
				  "runtime is known");
	what->size = sizeof(*what);
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	why = p->script(state, what, ret);
	md_leave(&call);
	if (why)
		return clause(why);
	if (!is_script(ret))
		return hs_err_new(HS_ERR_PLUGIN, "the plugin's steps are not "
				  "such that can be made");
	return NULL;
}

uint32_t md_alive(struct md_model *m, uint64_t object,
		  struct heapsh_guard ret[HEAPSH_GUARDS])
{
	const struct heapsh_invoke *p;
	struct md_call call;
	void *state;
	uint32_t n;

	p = invoke_of(m, &state);
	if (!p || !HEAPSH_HAS(p, alive) || !p->alive ||
	    !md_enter(m->own, MD_INVOKE, m->image, &call))
		return 0;
	memset(ret, 0, HEAPSH_GUARDS * sizeof(*ret));
	n = p->alive(state, object, ret);
	md_leave(&call);
	return n <= HEAPSH_GUARDS ? n : 0;
}

/* A plugin that leaves a word unchecked, or odd, is not trusted with a live
   process: every word that is set is checked first. */
static bool is_sound(const struct heapsh_safepoint_plan *p)
{
	const uint32_t both = HEAPSH_WORD_CHECK | HEAPSH_WORD_SET;

	if (!p->n_words || p->n_words > HEAPSH_WORDS)
		return false;
	for (uint32_t i = 0; i < p->n_words; i++) {
		const struct heapsh_word *w = &p->words[i];
		uint32_t change = w->flags & (both | HEAPSH_WORD_OR);

		if ((w->bytes != 1 && w->bytes != 4 && w->bytes != 8) ||
		    w->addr % w->bytes || w->addr >> 47 ||
		    (change != HEAPSH_WORD_CHECK && change != both &&
		     change != HEAPSH_WORD_OR))
			return false;
	}
	return true;
}

struct hs_err *md_safepoint(struct md_model *m, uint64_t function, uint64_t arg,
			    struct heapsh_safepoint_plan *ret)
{
	const struct heapsh_safepoint *p;
	struct md_call call;
	const char *why;
	void *state;

	p = md_interface(m, HEAPSH_SAFEPOINT_0, &state);
	if (!p || !HEAPSH_HAS(p, plan) || !p->plan ||
	    !md_enter(m->own, MD_SAFEPOINT, m->image, &call))
		return hs_err_new(HS_ERR_UNSUPPORTED, "no safe point of this "
				  "runtime is known");
	*ret = (struct heapsh_safepoint_plan){ .size = sizeof(*ret) };
	why = p->plan(state, function, arg, ret);
	md_leave(&call);
	if (why)
		return clause(why);
	if (!is_sound(ret))
		return hs_err_new(HS_ERR_PLUGIN, "the plugin's plan is not "
				  "one that can be tried");
	return NULL;
}
