// SPDX-License-Identifier: Apache-2.0
// Shortest paths against those that are found by trying every one.
#include "analysis.h"

#include "toyshape.h"
#include "unit.h"

enum { NODES = 14, MANY = 20000 };

static uint64_t rng;

static uint32_t below(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((rng >> 33) % n);
}

static void random_shape(struct shape *s, uint32_t edges)
{
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->n = NODES;
	for (i = 0; i < edges; i++)
		shape_edge(s, below(NODES), below(NODES));
	s->root[below(NODES)] = s->root[below(NODES)] = true;
}

/* By node: distance from a source, without the edges of avoid. */
struct truth {
	const struct shape *s;
	bool source[NODES], target[NODES];
	uint32_t depth[NODES];
	bool avoid[NODES][NODES], avoid_root[NODES];
	uint64_t count;
	char (*paths)[80];		/* "3>5.0>5.1" */
};

static void set_depths(struct truth *t)
{
	uint32_t round, i, k;

	for (i = 0; i < NODES; i++)
		t->depth[i] = t->source[i] && !t->avoid_root[i] ? 0 : GR_NONE;
	for (round = 0; round < NODES; round++)
		for (i = 0; i < NODES; i++)
			for (k = 0; k < t->s->n_out[i]; k++) {
				uint32_t to = t->s->out[i][k];

				if (t->depth[i] == round && !t->avoid[i][to] &&
				    t->depth[to] == GR_NONE)
					t->depth[to] = round + 1;
			}
}

static void extend(struct truth *t, uint32_t id, uint32_t d, const char *path)
{
	char longer[80];
	uint32_t k, j, nth;

	if (t->target[id] && t->count < MANY)
		memcpy(t->paths[t->count++], path, 80);
	for (k = 0; k < t->s->n_out[id]; k++) {
		uint32_t to = t->s->out[id][k];

		if (t->depth[to] != d + 1 || t->avoid[id][to])
			continue;
		for (nth = j = 0; j < k; j++)
			nth += t->s->out[id][j] == to;
		snprintf(longer, sizeof(longer), "%s>%u.%u", path, to, nth);
		extend(t, to, d + 1, longer);
	}
}

static void find_all(struct truth *t)
{
	char path[80];
	uint32_t i;

	t->count = 0;
	set_depths(t);
	for (i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "%u", i);
		if (!t->depth[i])
			extend(t, i, 0, path);
	}
}

static uint32_t node_of(const struct shape *s, uint32_t id)
{
	return (uint32_t)((gr_addr(s->g, id) - shape_addr(0)) /
			  (shape_addr(1) - shape_addr(0)));
}

static void check(struct truth *t, struct an_paths *p)
{
	struct shape *s = (struct shape *)t->s;
	bool *seen = hs_xcalloc(MANY, 1);
	struct an_path path;
	uint64_t i, k;
	size_t h;

	find_all(t);
	assert_int_equal(an_paths_count(p), t->count);
	for (i = 0; i < t->count; i++) {
		char text[80];
		int at;

		assert_null(an_paths_get(p, i, &s->task, &path));
		at = snprintf(text, sizeof(text), "%u", node_of(s, path.first));
		for (h = 0; h < path.n; h++)
			at += snprintf(text + at, sizeof(text) - (size_t)at,
				       ">%u.%u",
				      node_of(s, path.hops[h].to),
				      path.hops[h].nth);
		for (k = 0; k < t->count; k++)
			if (!seen[k] && !strcmp(text, t->paths[k]))
				break;
		assert_true(k < t->count);
		seen[k] = true;
		free(path.hops);
	}
	free(seen);
}

static struct gr_set *set_of(struct shape *s, const bool *in)
{
	uint32_t ids[NODES], n = 0, i;
	struct gr_set *set;

	for (i = 0; i < NODES; i++)
		if (in[i])
			ids[n++] = s->id[i];
	assert_null(gr_set_of(s->g, ids, n, &set));
	return set;
}

/* The first level without those edges that shortest paths took there. */
static void check_avoided(struct truth *t, struct an_paths *p)
{
	static const int64_t level = 1;
	struct an_paths *next;
	bool any = false;
	uint64_t i;

	for (i = 0; i < t->count; i++) {
		unsigned from, to;

		if (sscanf(t->paths[i], "%u>%u", &from, &to) != 2)
			continue;
		t->avoid[from][to] = true;
		any = true;
	}
	if (!any)
		return;
	assert_null(an_paths_avoiding(p, &level, 1,
				      (struct hs_task *)&t->s->task, &next));
	check(t, next);
	an_paths_destroy(next);
	memset(t->avoid, 0, sizeof(t->avoid));
}

static void check_one(struct truth *t, struct shape *s, bool from_roots)
{
	struct an_paths_of of = { 0 };
	struct an_paths *p;
	uint32_t i;

	memset(t->source, 0, sizeof(t->source));
	memset(t->target, 0, sizeof(t->target));
	t->target[below(NODES)] = t->target[below(NODES)] = true;
	if (from_roots)
		memcpy(t->source, s->root, sizeof(t->source));
	else
		for (i = 0; i < 3; i++)
			t->source[below(NODES)] = true;
	of.to = set_of(s, t->target);
	of.from = from_roots ? NULL : set_of(s, t->source);
	assert_null(an_paths(s->g, &of, &s->task, &p));
	check(t, p);
	if (from_roots && t->count)
		check_avoided(t, p);
	an_paths_destroy(p);
	gr_set_unref(of.to);
	gr_set_unref(of.from);
}

static void all_shortest_paths_of_random_graphs(void **state)
{
	struct shape *s = hs_xalloc(sizeof(*s));
	struct truth t = { .s = s, .paths = hs_xcalloc(MANY, 80) };
	uint32_t i;

	(void)state;
	rng = 3;
	for (i = 0; i < 600; i++) {
		random_shape(s, below(40));
		shape_begin(s, 1);
		check_one(&t, s, i & 1);
		shape_end(s);
	}
	free(t.paths);
	free(s);
}

static void direct_edges_keep_their_duplicates(void **state)
{
	struct shape s = { .n = 3, .root = { true } };
	struct an_paths_of of = { .direct = true };
	struct an_path path;
	struct an_paths *p;

	(void)state;
	shape_edge(&s, 0, 1);
	shape_edge(&s, 0, 2);
	shape_edge(&s, 0, 1);
	shape_edge(&s, 1, 1);
	shape_begin(&s, 1);
	assert_null(gr_need_rows(s.g, &s.task));
	assert_null(gr_set_of(s.g, &s.id[1], 1, &of.to));
	assert_null(gr_set_referrers(of.to, &s.task, &of.from));
	assert_null(an_paths(s.g, &of, &s.task, &p));
	assert_int_equal(an_paths_count(p), 3);
	assert_null(an_paths_get(p, 1, &s.task, &path));
	assert_int_equal(path.first, s.id[0]);
	assert_int_equal(path.hops[0].nth, 1);
	free(path.hops);
	an_paths_destroy(p);
	gr_set_unref(of.to);
	gr_set_unref(of.from);
	shape_end(&s);
}

/* Two ways at each of 80 steps: nobody can make them all. */
static void more_paths_than_can_be_counted(void **state)
{
	struct shape *s = hs_xalloc(sizeof(*s));
	struct an_paths_of of = { 0 };
	struct an_path path;
	struct an_paths *p;
	uint32_t i;

	(void)state;
	s->n = 241;
	s->root[0] = true;
	for (i = 0; i < 240; i += 3) {
		shape_edge(s, i, i + 1);
		shape_edge(s, i, i + 2);
		shape_edge(s, i + 1, i + 3);
		shape_edge(s, i + 2, i + 3);
	}
	shape_begin(s, 1);
	assert_null(gr_set_of(s->g, &s->id[240], 1, &of.to));
	assert_null(an_paths(s->g, &of, &s->task, &p));
	assert_true(an_paths_count(p) == UINT64_MAX);
	assert_null(an_paths_get(p, 1, &s->task, &path));
	assert_int_equal(path.n, 160);
	free(path.hops);
	an_paths_destroy(p);
	gr_set_unref(of.to);
	shape_end(s);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_shortest_paths_of_random_graphs),
		cmocka_unit_test(direct_edges_keep_their_duplicates),
		cmocka_unit_test(more_paths_than_can_be_counted),
	};

	return UNIT_RUN(tests);
}
