// SPDX-License-Identifier: Apache-2.0
// Threads, frames and variables, where the plugin knows them.
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

bool md_thread(struct md_model *m, uint32_t index, struct heapsh_thread *ret)
{
	struct heapsh_thread out = { .size = sizeof(out) };
	const struct heapsh_threads *t;
	void *state;
	int known;

	t = threads_of(m, &state);
	if (!t || index >= THREADS_MAX)
		return false;
	md_enter(m->host, m->name);
	known = t->thread(state, index, &out);
	md_leave(m->host);
	if (!known)
		return false;
	out.size = sizeof(out);
	out.name = md_clamp(out.name, MD_NAME_MAX);
	*ret = out;
	return true;
}

bool md_frame(struct md_model *m, uint32_t thread, uint32_t index,
	      struct heapsh_frame *ret)
{
	struct heapsh_frame out = { .size = sizeof(out) };
	const struct heapsh_threads *t;
	void *state;
	int known;

	t = threads_of(m, &state);
	if (!t || index >= FRAMES_MAX)
		return false;
	md_enter(m->host, m->name);
	known = t->frame(state, thread, index, &out);
	md_leave(m->host);
	if (!known)
		return false;
	out.size = sizeof(out);
	out.function = md_clamp(out.function, MD_NAME_MAX);
	out.file = md_clamp(out.file, MD_TEXT_MAX);
	*ret = out;
	return true;
}

bool md_variable(struct md_model *m, uint32_t thread, uint32_t frame,
		 uint32_t index, struct heapsh_variable *ret)
{
	struct heapsh_variable out = { .size = sizeof(out) };
	const struct heapsh_threads *t;
	void *state;
	int known;

	t = threads_of(m, &state);
	if (!t || index >= VARIABLES_MAX)
		return false;
	md_enter(m->host, m->name);
	known = t->variable(state, thread, frame, index, &out);
	md_leave(m->host);
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
