// SPDX-License-Identifier: Apache-2.0
// Questions about one object, or one thread, go to the part whose it is.
#include "join_priv.h"

enum { LISTED_MAX = 1 << 20 };	/* threads of one part */

static struct md_model *owner_of(struct joint *j, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < j->n; i++) {
		struct md_object o;

		if (md_object_at(j->part[i], addr, &o))
			return j->part[i];
	}
	return NULL;
}

uint64_t md_joint_render(void *state, uint64_t addr, uint32_t style,
			 char *buf, uint64_t cap)
{
	struct md_model *m = owner_of(state, addr);

	return m ? md_raw(m, addr, style, buf, cap) : 0;
}

uint64_t md_joint_lookup(void *state, struct heapsh_text name)
{
	struct joint *j = state;
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < j->n && !found; i++)
		found = md_lookup(j->part[i], name.s, name.n);
	return found;
}

uint64_t md_joint_attr(void *state, uint64_t addr, struct heapsh_text name)
{
	struct md_model *m = owner_of(state, addr);

	return m ? md_attr(m, addr, name.s, name.n) : 0;
}

uint64_t md_joint_item(void *state, uint64_t addr,
		       const struct heapsh_key *key)
{
	struct md_model *m = owner_of(state, addr);

	return m ? md_item(m, addr, key) : 0;
}

void md_joint_names(void *state, uint64_t addr, struct heapsh_text prefix,
		    heapsh_name_fn *fn, void *arg)
{
	struct joint *j = state;
	struct md_model *m = addr ? owner_of(j, addr) : NULL;
	uint32_t i;

	if (m)
		md_names(m, addr, prefix.s, prefix.n, fn, arg);
	for (i = 0; i < j->n && !addr; i++)
		md_names(j->part[i], 0, prefix.s, prefix.n, fn, arg);
}

int md_joint_measure(void *state, uint64_t addr, struct heapsh_measure *ret)
{
	struct md_model *m = owner_of(state, addr);

	return m && md_measure(m, addr, ret);
}

/* --- interfaces ---------------------------------------------------------- */

/** The part that a thread is of; *index becomes its number there. */
static struct md_model *thread_part(struct joint *j, uint32_t *index)
{
	struct heapsh_thread t;
	uint32_t i, n;

	for (i = 0; i < j->n; i++) {
		if (!j->n_threads[i]) {
			for (n = 0; n < LISTED_MAX &&
			     md_thread(j->part[i], n, &t);)
				n++;
			j->n_threads[i] = n + 1;
		}
		if (*index < j->n_threads[i] - 1)
			return j->part[i];
		*index -= j->n_threads[i] - 1;
	}
	return NULL;
}

static int joint_thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	struct md_model *m = thread_part(state, &index);

	return m && md_thread(m, index, ret);
}

static int joint_frame(void *state, uint32_t thread, uint32_t index,
		       struct heapsh_frame *ret)
{
	struct md_model *m = thread_part(state, &thread);

	return m && md_frame(m, thread, index, ret);
}

static int joint_variable(void *state, uint32_t thread, uint32_t frame,
			  uint32_t index, struct heapsh_variable *ret)
{
	struct md_model *m = thread_part(state, &thread);

	return m && md_variable(m, thread, frame, index, ret);
}

static void joint_each_module(void *state, heapsh_name_fn *fn, void *arg)
{
	struct joint *j = state;
	uint32_t i;

	for (i = 0; i < j->n; i++)
		md_each_module(j->part[i], fn, arg);
}

static uint64_t joint_hash(void *state, uint64_t addr)
{
	struct md_model *m = owner_of(state, addr);

	return m ? md_content_hash(m, addr) : 0;
}

const void *md_joint_offers(const char *name)
{
	static const struct heapsh_threads threads = {
		.size = sizeof(threads), .thread = joint_thread,
		.frame = joint_frame, .variable = joint_variable,
	};
	static const struct heapsh_modules modules = {
		.size = sizeof(modules), .each = joint_each_module,
	};
	static const struct heapsh_content content = {
		.size = sizeof(content), .hash = joint_hash,
	};

	if (!strcmp(name, HEAPSH_THREADS_0))
		return &threads;
	if (!strcmp(name, HEAPSH_MODULES_0))
		return &modules;
	return strcmp(name, HEAPSH_CONTENT_0) ? NULL : &content;
}

const void *md_joint_interface(struct md_model *m, const char *name,
			       void **state)
{
	struct joint *j = m->state;
	const void *found = NULL;
	uint32_t i;

	for (i = 0; i < j->n && !found; i++)
		found = md_interface(j->part[i], name, state);
	return found;
}
