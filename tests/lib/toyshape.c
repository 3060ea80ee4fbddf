// SPDX-License-Identifier: Apache-2.0
#include "toyshape.h"

#include <stdlib.h>

enum { START = 1 << 20, STRIDE = 4096 };

uint64_t shape_addr(uint32_t node)
{
	return START + (uint64_t)node * STRIDE;
}

void shape_edge(struct shape *s, uint32_t from, uint32_t to)
{
	if (s->n_out[from] == SHAPE_MAX)
		abort();
	s->out[from][s->n_out[from]++] = (uint8_t)to;
}

static void put(struct shape *s, uint32_t node, uint32_t type)
{
	uint64_t words[SHAPE_MAX];
	const struct toy_object o = {
		.addr = shape_addr(node),
		.type = type,
		.flat = s->held[node],
		.held = s->held[node],
		.refcount = s->refcount[node],
		.n_words = s->n_out[node],
		.words = words,
	};
	uint32_t i;

	for (i = 0; i < s->n_out[node]; i++)
		words[i] = toy_edge(shape_addr(s->out[node][i]), 0,
				    HEAPSH_LABEL_INDEX);
	toy_put(s->toy, &o);
}

void shape_begin(struct shape *s, unsigned threads)
{
	uint32_t i, type;

	s->toy = toy_create();
	toy_map(s->toy, START, (uint64_t)(s->n + 1) * STRIDE, true);
	type = toy_type(s->toy, "node", 0, 0, false);
	for (i = 0; i < s->n; i++) {
		put(s, i, type);
		if (s->root[i])
			toy_root(s->toy, shape_addr(i), "root");
	}
	memset(&s->budget, 0, sizeof(s->budget));
	hs_task_init(&s->task, NULL, &s->budget);
	if (gr_build(toy_model(s->toy), &s->task, threads, &s->g))
		abort();
	for (i = 0; i < s->n; i++)
		s->id[i] = gr_id(s->g, shape_addr(i));
}

void shape_end(struct shape *s)
{
	gr_destroy(s->g);
	if (atomic_load(&s->budget.used))
		abort();
	toy_destroy(s->toy);
}
