// SPDX-License-Identifier: Apache-2.0
// What objects were said to be, so that a plugin that says something else of
// one later is found out: an instant does not change.
#include "model_priv.h"

enum { WITNESSES = 4096 };

struct testimony {
	uint64_t address, flat, held;	/* address 0: none yet */
	uint32_t type;
};

struct md_witness {
	pthread_mutex_t lock;
	struct testimony v[WITNESSES];
};

struct md_witness *md_witness_create(void)
{
	struct md_witness *w = hs_xalloc(sizeof(*w));

	pthread_mutex_init(&w->lock, NULL);
	return w;
}

void md_witness_destroy(struct md_witness *w)
{
	if (w)
		pthread_mutex_destroy(&w->lock);
	free(w);
}

static void contradict(struct md_model *m, const struct testimony *was,
		       const struct testimony *is)
{
	if (was->type != is->type)
		md_blame(m->own, "the object at 0x%llx was said to be of type "
			 "%.40s, and then of type %.40s",
			 (unsigned long long)is->address,
			 md_type(m, was->type)->name,
			 md_type(m, is->type)->name);
	else
		md_blame(m->own, "the object at 0x%llx was said to have %llu "
			 "bytes (%llu held), and then %llu (%llu)",
			 (unsigned long long)is->address,
			 (unsigned long long)was->flat,
			 (unsigned long long)was->held,
			 (unsigned long long)is->flat,
			 (unsigned long long)is->held);
}

void md_witness(struct md_model *m, const struct heapsh_object *o)
{
	const struct testimony now = { o->address, o->flat, o->held, o->type };
	struct md_witness *w = m->witness;
	struct testimony was, *slot;

	// What is torn or not quite known may be guessed at in more than one
	// way: by the program's own code, where that can be run.
	if (!m->frozen ||
	    o->flags & (HEAPSH_OBJECT_TORN | HEAPSH_OBJECT_UNREAD |
			HEAPSH_OBJECT_APPROXIMATE))
		return;
	slot = &w->v[(o->address >> 3) % WITNESSES];
	pthread_mutex_lock(&w->lock);
	was = *slot;
	*slot = now;
	pthread_mutex_unlock(&w->lock);
	if (was.address == now.address &&
	    (was.type != now.type || was.flat != now.flat ||
	     was.held != now.held))
		contradict(m, &was, &now);
}
