// SPDX-License-Identifier: Apache-2.0
// Graph and deep sizes through the real model, of the running example process:
// what the process says of itself is the truth.
#include "analysis.h"

#include <unistd.h>

#include "image.h"
#include "toy.h"
#include "unit.h"

static struct toy toy;
static struct md_host *host;
static struct im_image *image;
static struct md_model *model;
static struct hs_budget budget;
static struct hs_task task;
static struct gr_graph *g;

static void assert_ok(struct hs_err *err)
{
	if (err)
		fail_msg("%s", err->message);
}

static int begin(void **state)
{
	const char *only[] = { "example" }, *top = getenv("abs_top_builddir");
	HS_FREE char *dir = hs_xasprintf("%s/plugins", top ? top : ".");
	const char *dirs[] = { dir };
	struct md_claim claim;

	(void)state;
	toy_start(&toy, NULL, NULL);
	hs_task_init(&task, NULL, &budget);
	assert_ok(md_host_create(dirs, 1, only, 1, NULL, 0, &host));
	assert_ok(im_open_live(toy.pid, &image));
	assert_ok(md_probe(host, image, &claim));
	assert_ok(md_open(host, &claim, image, &task, &model));
	assert_ok(gr_build(model, &task, 3, &g));
	assert_ok(gr_need_rows(g, &task));
	return 0;
}

static int end(void **state)
{
	(void)state;
	gr_destroy(g);
	md_close(model);
	im_destroy(image);
	md_host_destroy(host);
	return toy_stop(&toy);
}

static uint32_t id_of(const struct toy_object *o)
{
	uint32_t id = gr_id(g, o->addr);

	assert_int_not_equal(id, GR_NONE);
	return id;
}

static void every_object_is_a_node(void **state)
{
	uint32_t i, id;

	(void)state;
	assert_int_equal(gr_n(g), toy.n_objects);
	for (i = 0; i < toy.n_objects; i++) {
		const struct toy_object *o = &toy.objects[i];

		id = id_of(o);
		assert_string_equal(md_type(model, gr_type(g, id))->name,
				    o->type);
		assert_int_equal(gr_flat(g, id), o->flat);
		assert_int_equal(gr_held(g, id), o->held);
		assert_int_equal(gr_refcount(g, id), o->refs);
	}
	assert_int_equal(gr_quality(g)->dangling, 0);
	assert_int_equal(gr_quality(g)->refused, 0);
	assert_int_equal(gr_quality(g)->unread_bytes, 0);
}

static void rows_are_the_strong_references(void **state)
{
	uint32_t i, k, id;
	const uint32_t *out;
	size_t n, at;

	(void)state;
	for (i = 0; i < toy.n_objects; i++) {
		const struct toy_object *o = &toy.objects[i];

		id = id_of(o);
		n = gr_out(g, id, &out);
		for (at = k = 0; k < o->n_edges; k++) {
			const struct toy_edge *e =
				&toy.edges[o->first_edge + k];

			if (e->weak)
				continue;
			assert_true(at < n);
			assert_int_equal(gr_addr(g, out[at++] & GR_ID), e->to);
		}
		assert_int_equal(at, n);
	}
}

/* Objects that are reached from `from`, by strong references. */
static void mark(bool *seen, uint64_t from)
{
	bool changed = true;
	uint32_t i, k;

	seen[toy_object(&toy, from) - toy.objects] = true;
	while (changed) {
		changed = false;
		for (i = 0; i < toy.n_objects; i++) {
			const struct toy_object *o = &toy.objects[i];

			for (k = 0; k < o->n_edges && seen[i]; k++) {
				const struct toy_edge *e =
					&toy.edges[o->first_edge + k];
				size_t to;

				if (e->weak)
					continue;
				to = (size_t)(toy_object(&toy, e->to) -
					      toy.objects);
				changed |= !seen[to];
				seen[to] = true;
			}
		}
	}
}

static void reachable_is_what_the_roots_reach(void **state)
{
	HS_FREE bool *seen = hs_xcalloc(toy.n_objects, 1);
	struct gr_set *s;
	uint32_t i;

	(void)state;
	for (i = 0; i < toy.n_roots; i++)
		mark(seen, toy.roots[i].addr);
	assert_ok(gr_set_reachable(g, &task, &s));
	for (i = 0; i < toy.n_objects; i++)
		assert_int_equal(gr_set_has(s, id_of(&toy.objects[i])),
				 seen[i]);
	gr_set_unref(s);
}

static void deep_sizes_of_every_global(void **state)
{
	HS_FREE bool *seen = hs_xcalloc(toy.n_objects, 1);
	struct an_size_options o;
	uint64_t got, want;
	uint32_t i, k;

	(void)state;
	an_size_options_init(&o);
	for (i = 0; i < toy.n_globals; i++) {
		memset(seen, 0, toy.n_objects);
		mark(seen, toy.globals[i].addr);
		for (want = k = 0; k < toy.n_objects; k++)
			want += seen[k] ? (toy.objects[k].held + 7) / 8 * 8 :
					  0;
		assert_ok(an_asizeof(model, &toy.globals[i].addr, 1, &o, &task,
				     &got));
		assert_int_equal(got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_object_is_a_node),
		cmocka_unit_test(rows_are_the_strong_references),
		cmocka_unit_test(reachable_is_what_the_roots_reach),
		cmocka_unit_test(deep_sizes_of_every_global),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, begin, end) != 0;
}
