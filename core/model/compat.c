// SPDX-License-Identifier: Apache-2.0
// Another tool's rules of what counts: HEAPSH_COMPAT_0.
#include "model_priv.h"

enum {
	EDGES_MAX = 1 << 24, /* of one thing: as of an object, edges.c */
	OWN_RULES_MAX = 1 << 12,
	CLIPPED_MAX = 1 << 24, /* bytes of a text whose end is looked for */
};

static const struct heapsh_compat *compat_of(struct md_model *m, void **state)
{
	const struct heapsh_compat *c;

	c = md_interface(m, HEAPSH_COMPAT_0, state);
	return c && HEAPSH_HAS(c, words) && c->name && c->begin && c->thing &&
			       c->referents && c->words
		       ? c
		       : NULL;
}

bool md_compat(struct md_model *m, struct md_compat *ret)
{
	const struct heapsh_compat *c;
	void *state;

	c = compat_of(m, &state);
	if (!c)
		return false;
	ret->name = c->name;
	ret->limit = c->limit;
	return true;
}

void md_compat_begin(struct md_model *m, uint32_t options)
{
	const struct heapsh_compat *c;
	struct md_call call;
	void *state;

	c = compat_of(m, &state);
	if (!c || !md_enter(m->own, MD_COMPAT, m->image, &call))
		return;
	c->begin(state, options);
	md_leave(&call);
}

bool md_compat_thing(struct md_model *m, uint64_t id,
		     struct heapsh_compat_thing *ret)
{
	struct heapsh_compat_thing out = { .size = sizeof(out) };
	const struct heapsh_compat *c;
	struct md_call call;
	void *state;
	int known;

	c = compat_of(m, &state);
	if (!c || !md_enter(m->own, MD_COMPAT, m->image, &call))
		return false;
	known = c->thing(state, id, &out);
	md_leave(&call);
	// what is larger than an address space is not believed
	if (!known || out.flat > MD_SIZE_MAX)
		return false;
	*ret = out;
	return true;
}

struct collector {
	struct md_edge *v;
	size_t n, cap;
	bool too_many;
};

static int take(void *arg, const struct heapsh_edge *e)
{
	struct collector *c = arg;
	struct md_edge edge = { *e };

	c->too_many |= c->n == EDGES_MAX;
	if (!c->too_many)
		hs_vec_push(c, edge);
	return !c->too_many;
}

struct hs_err *md_compat_edges(struct md_model *m, uint64_t id,
			       struct md_edge **ret, size_t *n)
{
	const struct hs_task *task = atomic_load(&m->image->task);
	const struct heapsh_compat *c;
	struct collector out = { 0 };
	struct hs_err *err = NULL;
	struct md_call call;
	void *state;

	c = compat_of(m, &state);
	if (c && md_enter(m->own, MD_COMPAT, m->image, &call)) {
		c->referents(state, id, take, &out);
		md_leave(&call);
	}
	if (task && hs_cancelled(task))
		err = hs_err_new(HS_ERR_CANCELLED, "interrupted");
	else if (out.too_many)
		err = hs_err_new(HS_ERR_NOMEM,
				 "read the referents of 0x%llx: "
				 "there are more than %d",
				 (unsigned long long)id, (int)EDGES_MAX);
	if (err) {
		hs_vec_deinit(&out);
		return err;
	}
	hs_vec_reserve(&out, 1);
	*ret = out.v;
	*n = out.n;
	return NULL;
}

static char *escaped(struct heapsh_text text)
{
	HS_TEXT t = { 0 };

	text = md_clamp(text, MD_NAME_MAX);
	hs_text_escape(&t, text.s, text.n);
	return hs_text_take(&t);
}

static void take_words(const struct heapsh_compat_words *out,
		       struct md_compat_words *ret)
{
	ret->kind = escaped(out->kind);
	ret->name = out->name.n ? escaped(out->name) : NULL;
	ret->origin = escaped(out->origin);
	ret->rule = escaped(out->rule);
	ret->has_length = out->has_length;
	ret->length = out->length;
	ret->exact_length = out->exact_length;
}

bool md_compat_words(struct md_model *m, uint64_t id,
		     struct md_compat_words *ret)
{
	struct heapsh_compat_words out = { .size = sizeof(out) };
	const struct heapsh_compat *c;
	struct md_call call;
	void *state;
	int known;

	c = compat_of(m, &state);
	if (!c || !md_enter(m->own, MD_COMPAT, m->image, &call))
		return false;
	known = c->words(state, id, &out);
	md_leave(&call);
	if (known)
		take_words(&out, ret);
	return known;
}

bool md_compat_own_rule(struct md_model *m, uint32_t index,
			struct md_compat_words *ret)
{
	struct heapsh_compat_words out = { .size = sizeof(out) };
	const struct heapsh_compat *c;
	struct md_call call;
	void *state;
	int known;

	c = compat_of(m, &state);
	if (!c || !HEAPSH_HAS(c, own_rule) || !c->own_rule ||
	    index >= OWN_RULES_MAX ||
	    !md_enter(m->own, MD_COMPAT, m->image, &call))
		return false;
	known = c->own_rule(state, index, &out);
	md_leave(&call);
	if (known)
		take_words(&out, ret);
	return known;
}

void md_compat_words_deinit(struct md_compat_words *w)
{
	free(w->kind);
	free(w->name);
	free(w->origin);
	free(w->rule);
	memset(w, 0, sizeof(*w));
}

static char *clip_text(const char *s, size_t n, size_t clip)
{
	size_t head, tail;
	HS_TEXT t = { 0 };

	if (!hs_text_middle(s, n, clip, &head, &tail)) {
		hs_text_escape(&t, s, n);
		return hs_text_take(&t);
	}
	hs_text_escape(&t, s, head);
	hs_text_add(&t, "....");
	hs_text_escape(&t, s + tail, n - tail);
	return hs_text_take(&t);
}

char *md_render_clipped(struct md_model *m, uint64_t addr, uint32_t style,
			size_t clip)
{
	uint64_t cap = 4096, len;
	HS_FREE char *buf = hs_xalloc(cap);

	len = md_raw(m, addr, style, buf, cap);
	if (len > cap) {
		cap = clip ? CLIPPED_MAX : MD_TEXT_MAX;
		free(buf);
		buf = hs_xalloc(cap);
		len = md_raw(m, addr, style, buf, cap);
	}
	if (!len && style != HEAPSH_RENDER_TEXT)
		return md_render(m, addr, style, clip ? clip : MD_TEXT_MAX);
	return clip_text(buf, len < cap ? len : cap, clip);
}
