// SPDX-License-Identifier: Apache-2.0
// What a plugin names beside references: HEAPSH_EDGE_FOUND, HEAPSH_ROOT_FOUND,
// and what it may leave out under HEAPSH_WANT_FRONTIER. Each case through the
// real host, over an image whose objects are written here.
#include "graph.h"

#include "fakeimage.h"
#include "found.h"
#include "image.h"
#include "unit.h"

/*
 *	in the range	ROOT -> MIDDLE -> LEAF	one chunk
 *			ROOT -> FAR		another chunk
 *			MIDDLE =table=> TABLE	the same chunk
 *			LEAF =table=> OUTER	outside
 *			LEAF ~found~> LISTED	outside
 *	outside		FAR -> OUT -> BACK (in the range)
 *			LISTED -> DEEP, DEEP ~found~> ALSO
 *	roots		ROOT; FOUND: NAMED -> UNDER
 *	named by none	LOST
 */
enum {
	ROOT = FOUND_RANGE, MIDDLE = ROOT + 64, LEAF = ROOT + 128,
	TABLE = ROOT + 192, BACK = ROOT + 256, FAR = FOUND_RANGE + 0x10000,
	OUT = FOUND_OUTSIDE, OUTER = OUT + 64, LISTED = OUT + 128,
	DEEP = OUT + 192, NAMED = OUT + 256, UNDER = OUT + 320,
	LOST = OUT + 384, ALSO = OUT + 448,
	N_NODES = 13,
};

static const struct {
	uint64_t addr;
	struct found_object o;
} objects[] = {
#define TO(target, flags) (target) | (uint64_t)(flags) << 56
	{ ROOT, { FOUND_MAGIC, 0, { TO(MIDDLE, 0), TO(FAR, 0) } } },
	{ MIDDLE, { FOUND_MAGIC, 0, { TO(LEAF, 0),
				      TO(TABLE, HEAPSH_EDGE_TABLE) } } },
	{ LEAF, { FOUND_MAGIC, 0, { TO(OUTER, HEAPSH_EDGE_TABLE),
				    TO(LISTED, HEAPSH_EDGE_FOUND) } } },
	{ TABLE, { FOUND_MAGIC, 1, { 0 } } },
	{ BACK, { FOUND_MAGIC, 0, { 0 } } },
	{ FAR, { FOUND_MAGIC, 0, { TO(OUT, 0) } } },
	{ OUT, { FOUND_MAGIC, 0, { TO(BACK, 0) } } },
	{ OUTER, { FOUND_MAGIC, 1, { 0 } } },
	{ LISTED, { FOUND_MAGIC, 0, { TO(DEEP, 0) } } },
	{ DEEP, { FOUND_MAGIC, 0, { TO(ALSO, HEAPSH_EDGE_FOUND) } } },
	{ NAMED, { FOUND_MAGIC, 0, { TO(UNDER, 0) } } },
	{ UNDER, { FOUND_MAGIC, 0, { 0 } } },
	{ LOST, { FOUND_MAGIC, 0, { 0 } } },
	{ ALSO, { FOUND_MAGIC, 0, { 0 } } },
#undef TO
};

struct world {
	struct fakeimage fake;
	struct im_image *im;
	struct md_host *host;
	struct md_model *model;
	struct gr_graph *g;
	struct hs_budget budget;
	struct hs_task task;
};

static void assert_ok(struct hs_err *err)
{
	if (err)
		fail_msg("%s", err->message);
}

static void put_objects(struct fakeimage *fake)
{
	static uint8_t in[FOUND_RANGE_END - FOUND_RANGE], out[4096];
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(objects); i++) {
		uint64_t addr = objects[i].addr;

		memcpy(addr >= FOUND_OUTSIDE ? out + (addr - FOUND_OUTSIDE) :
					       in + (addr - FOUND_RANGE),
		       &objects[i].o, sizeof(objects[i].o));
	}
	fakeimage_put(fake, FOUND_RANGE, in, sizeof(in));
	fakeimage_put(fake, FOUND_OUTSIDE, out, sizeof(out));
}

static void begin(struct world *w, enum found_mode mode)
{
	const struct found_head head = {
		FOUND_MAGIC, mode, { { ROOT, 0 }, { NAMED, HEAPSH_ROOT_FOUND } }
	};
	const char *only[] = { "found" }, *top = getenv("abs_top_builddir");
	HS_FREE char *dir = hs_xasprintf("%s/tests/plugins/.libs",
					 top ? top : ".");
	const char *dirs[] = { dir };
	struct md_claim claim;

	memset(w, 0, sizeof(*w));
	fakeimage_put(&w->fake, FOUND_HEAD, &head, sizeof(head));
	put_objects(&w->fake);
	w->im = fakeimage_open(&w->fake);
	hs_task_init(&w->task, NULL, &w->budget);
	assert_ok(md_host_create(dirs, 1, only, 1, NULL, 0, &w->host));
	assert_ok(md_probe(w->host, w->im, &claim));
	assert_ok(md_open(w->host, &claim, w->im, &w->task, &w->model));
	assert_ok(md_believe(w->model, true));
	assert_ok(gr_build(w->model, &w->task, 2, &w->g));
	assert_ok(gr_need_rows(w->g, &w->task));
	assert_null(md_fault(w->model));
}

static void end(struct world *w)
{
	gr_destroy(w->g);
	md_close(w->model);
	md_host_destroy(w->host);
	im_destroy(w->im);
	fakeimage_deinit(&w->fake);
}

static uint32_t id(const struct world *w, uint64_t addr)
{
	uint32_t ret = gr_id(w->g, addr);

	if (ret == GR_NONE)
		fail_msg("0x%llx is no node", (unsigned long long)addr);
	return ret;
}

static size_t n_in(const struct world *w, uint64_t addr)
{
	const uint32_t *v;

	return gr_in(w->g, id(w, addr), &v);
}

static size_t n_out(const struct world *w, uint64_t addr)
{
	const uint32_t *v;

	return gr_out(w->g, id(w, addr), &v);
}

/** The same graph, however the plugin takes the frontier. */
static void assert_graph(const struct world *w)
{
	assert_int_equal(gr_n(w->g), N_NODES);
	assert_int_equal(gr_id(w->g, LOST), GR_NONE);
	assert_int_equal(n_out(w, ROOT), 2);
	assert_int_equal(n_out(w, MIDDLE), 2);
	assert_int_equal(n_in(w, LEAF), 1);
	assert_int_equal(n_in(w, BACK), 1);
	assert_int_equal(gr_owner(w->g, id(w, TABLE)), id(w, MIDDLE));
	assert_int_equal(gr_owner(w->g, id(w, OUTER)), id(w, LEAF));
	assert_int_equal(gr_quality(w->g)->dangling, 0);
	assert_int_equal(gr_quality(w->g)->refused, 0);
}

/** What is found is there, and nothing refers to it. */
static void assert_found(const struct world *w)
{
	assert_int_equal(n_in(w, LISTED), 0);
	assert_int_equal(n_out(w, LEAF), 1);
	assert_int_equal(n_in(w, DEEP), 1);
	assert_int_equal(n_out(w, DEEP), 0);
	assert_int_equal(n_in(w, ALSO), 0);
	assert_int_equal(n_in(w, NAMED), 0);
	assert_int_equal(n_in(w, UNDER), 1);
}

static void what_a_list_names_is_an_object_and_no_reference(void **state)
{
	struct world w;

	(void)state;
	begin(&w, FOUND_PLAIN);
	assert_graph(&w);
	assert_found(&w);
	end(&w);
}

static void what_may_be_left_out_is_not_missed(void **state)
{
	struct world w;

	(void)state;
	begin(&w, FOUND_LEAN);
	assert_graph(&w);
	assert_found(&w);
	end(&w);
}

static void what_nobody_asked_for_is_dropped(void **state)
{
	struct md_edge *edges;
	struct world w;
	size_t n;

	(void)state;
	begin(&w, FOUND_LOUD);
	assert_graph(&w);
	assert_found(&w);
	assert_ok(md_edges(w.model, LEAF, &edges, &n));
	assert_int_equal(n, 1);
	assert_int_equal(edges[0].e.target, OUTER);
	free(edges);
	end(&w);
}

static void what_is_found_is_not_held_by_a_root(void **state)
{
	const struct gr_root *roots;
	struct gr_set *reached;
	struct world w;

	(void)state;
	begin(&w, FOUND_PLAIN);
	assert_int_equal(gr_roots(w.g, &roots), 1);
	assert_int_equal(roots[0].address, ROOT);
	assert_ok(gr_set_reachable(w.g, &w.task, &reached));
	assert_true(gr_set_has(reached, id(&w, BACK)));
	assert_true(gr_set_has(reached, id(&w, OUTER)));
	assert_false(gr_set_has(reached, id(&w, LISTED)));
	assert_false(gr_set_has(reached, id(&w, DEEP)));
	assert_false(gr_set_has(reached, id(&w, NAMED)));
	assert_false(gr_set_has(reached, id(&w, UNDER)));
	assert_int_equal(gr_set_count(reached), 8);
	gr_set_unref(reached);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_list_names_is_an_object_and_no_reference),
		cmocka_unit_test(what_may_be_left_out_is_not_missed),
		cmocka_unit_test(what_nobody_asked_for_is_dropped),
		cmocka_unit_test(what_is_found_is_not_held_by_a_root),
	};

	return UNIT_RUN(tests);
}
