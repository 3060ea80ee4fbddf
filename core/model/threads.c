// SPDX-License-Identifier: Apache-2.0
// Threads, frames and variables, where the plugin knows them. An answer is
// empty, not untouched, where there is none: a plugin may have had one a moment
// ago, when they were counted.
#include "model_priv.h"

enum {
	/* Beyond these a plugin's list does not end. */
	THREADS_MAX = 1 << 20,
	FRAMES_MAX = 1 << 20,
	VARIABLES_MAX = 1 << 20,
};

static const struct heapsh_threads *threads_of(struct md_model *m, void **state)
{
	const struct heapsh_threads *t;

	t = md_interface(m, HEAPSH_THREADS_0, state);
	return t && HEAPSH_HAS(t, variable) && t->thread && t->frame &&
		t->variable ? t : NULL;
}

/**
 * True, and the plugin is blamed, when the list of `of` has the same unique
 * address at two indexes (Brent's algorithm, so that one is remembered).
 */
static bool comes_back(struct md_model *m, struct md_ring *r, uint64_t of,
		       uint32_t index, uint64_t address, const char *call)
{
	if (!m->frozen || !address)
		return false;
	if (r->of == of && r->address == address && r->index < index) {
		md_blame(m->own, "its %s names 0x%llx as number %u and as "
			 "number %u", call, (unsigned long long)address,
			 r->index, index);
		return true;
	}
	if (!(index & (index - 1)))
		*r = (struct md_ring){ of, address, index };
	return false;
}

bool md_thread(struct md_model *m, uint32_t index, struct heapsh_thread *ret)
{
	struct heapsh_thread out = { .size = sizeof(out),
				     .name = { "", 0 } };
	const struct heapsh_threads *t;
	void *state;
	int known;
	struct md_call call;

	*ret = out;
	t = threads_of(m, &state);
	if (!t || index >= THREADS_MAX)
		return false;
	if (!md_enter(m->own, MD_THREAD, m->image, &call))
		return false;
	known = t->thread(state, index, &out);
	md_leave(&call);
	if (!known)
		return false;
	out.size = sizeof(out);
	out.name = md_clamp(out.name, MD_NAME_MAX);
	if (comes_back(m, &m->threads, 0, index, out.ident, "thread()"))
		return false;
	*ret = out;
	return true;
}

bool md_frame(struct md_model *m, uint32_t thread, uint32_t index,
	      struct heapsh_frame *ret)
{
	struct heapsh_frame out = { .size = sizeof(out),
				    .function = { "", 0 }, .file = { "", 0 } };
	const struct heapsh_threads *t;
	void *state;
	int known;
	struct md_call call;

	*ret = out;
	t = threads_of(m, &state);
	if (!t || index >= FRAMES_MAX)
		return false;
	if (!md_enter(m->own, MD_FRAME, m->image, &call))
		return false;
	known = t->frame(state, thread, index, &out);
	md_leave(&call);
	if (!known)
		return false;
	out.size = sizeof(out);
	out.function = md_clamp(out.function, MD_NAME_MAX);
	out.file = md_clamp(out.file, MD_TEXT_MAX);
	if (comes_back(m, &m->frames, thread, index, out.address, "frame()"))
		return false;
	*ret = out;
	return true;
}

bool md_variable(struct md_model *m, uint32_t thread, uint32_t frame,
		 uint32_t index, struct heapsh_variable *ret)
{
	struct heapsh_variable out = { .size = sizeof(out),
				       .name = { "", 0 } };
	const struct heapsh_threads *t;
	void *state;
	int known;
	struct md_call call;

	*ret = out;
	t = threads_of(m, &state);
	if (!t || index >= VARIABLES_MAX)
		return false;
	if (!md_enter(m->own, MD_VARIABLE, m->image, &call))
		return false;
	known = t->variable(state, thread, frame, index, &out);
	md_leave(&call);
	if (!known)
		return false;
	out.size = sizeof(out);
	if (out.kind != HEAPSH_LABEL_STACK)
		out.kind = HEAPSH_LABEL_LOCAL;
	out.name = md_clamp(out.name, MD_NAME_MAX);
	out.value = md_clamp(out.value, MD_NAME_MAX);
	*ret = out;
	return true;
}
