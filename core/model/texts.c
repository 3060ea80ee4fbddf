// SPDX-License-Identifier: Apache-2.0
// Texts of many objects, on several threads: HEAPSH_TEXTS_0.
#include "model_priv.h"

/** One call on its way. */
struct telling {
	md_text_fn *fn;
	void *arg;
	char *buf;
	uint64_t cap;
	size_t max;
	uint32_t n, next, style;
};

static void tell(struct telling *t, uint32_t i, uint64_t len)
{
	size_t n = len < t->cap ? len : t->cap;
	char *fit;

	if (!len && t->style != HEAPSH_RENDER_TEXT) {
		t->fn(t->arg, i, NULL, 0);
	} else if (len <= t->cap && md_fits(t->buf, n, t->max)) {
		t->buf[n] = '\0';
		t->fn(t->arg, i, t->buf, n);
	} else {
		fit = md_fit(t->buf, n, t->max, len > t->cap);
		t->fn(t->arg, i, fit, strlen(fit));
		free(fit);
	}
}

/* Of what is told out of order nothing is believed. */
static void on_text(void *arg, uint32_t i, uint64_t len)
{
	struct telling *t = arg;

	if (i != t->next || i >= t->n)
		return;
	t->next++;
	tell(t, i, len);
}

bool md_texts(struct md_model *m, struct im_reader *reader,
	      const uint64_t *addr, uint32_t n, uint32_t style, size_t max,
	      md_text_fn *fn, void *arg)
{
	// Four bytes a character, and some for marks that take no column.
	uint64_t cap = max < MD_TEXT_MAX / 4 ? 4 * max + 64 : MD_TEXT_MAX;
	struct md_reader r = {
		.inner = reader,
		.own = m->own,
		.limit = md_limits[MD_TEXTS].reads,
		.entry = MD_TEXTS,
	};
	struct telling t = { .fn = fn, .arg = arg, .cap = cap, .max = max,
			     .n = n, .style = style };
	HS_FREE char *buf = NULL;
	const struct heapsh_texts *p;
	struct md_call call;
	void *state;

	// of several plugins each has its own objects: md_render() asks whose
	if (m->plugin == &md_joint_plugin)
		return false;
	p = md_interface(m, HEAPSH_TEXTS_0, &state);
	if (!p || !HEAPSH_HAS(p, each) || !p->each ||
	    !md_enter(m->own, MD_TEXTS, NULL, &call))
		return false;
	buf = t.buf = hs_xalloc(cap + 1);
	p->each(state, &r, addr, n, style, buf, cap, on_text, &t);
	md_leave(&call);
	atomic_fetch_add_explicit(&m->own->reads, atomic_load(&r.reads),
				  memory_order_relaxed);
	while (t.next < n)
		fn(arg, t.next++, NULL, 0);
	return true;
}
