// SPDX-License-Identifier: Apache-2.0
// The example plugin on the running example process: what it answers is what
// the process says of itself. Everything passes through md_.
#include "model.h"

#include "image.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "toy.h"
#include "unit.h"

static struct toy toy;
static struct md_host *host;
static struct im_image *image;
static struct md_model *model;
static struct hs_task task;

static void assert_ok(struct hs_err *err)
{
	if (err)
		fail_msg("%s", err->message);
}

/** plugins/example, or toy_full, which is it with more interfaces. */
static void open_host(const char *folder, const char *name,
		      struct md_host **ret)
{
	const char *only[] = { name }, *top = getenv("abs_top_builddir");
	HS_FREE char *dir = hs_xasprintf("%s/%s", top ? top : ".", folder);
	const char *dirs[] = { dir };

	assert_ok(md_host_create(dirs, 1, only, 1, NULL, 0, ret));
}

static int open_toy(void **state)
{
	const struct md_plugin_info *info;
	struct md_claim claim;

	(void)state;
	toy_start(&toy, NULL, NULL);
	hs_task_init(&task, NULL, NULL);
	open_host("plugins", "example", &host);
	assert_int_equal(md_plugins(host, &info), 1);
	if (info->problem)
		fail_msg("example: %s", info->problem);
	assert_ok(im_open_live(toy.pid, &image));
	assert_ok(md_probe(host, image, &claim));
	assert_string_equal(claim.claim.runtime, "Example");
	assert_ok(md_open(host, &claim, image, &task, &model));
	return 0;
}

static int close_toy(void **state)
{
	(void)state;
	md_close(model);
	im_destroy(image);
	md_host_destroy(host);
	return toy_stop(&toy);
}

static void every_object_has_the_type_and_sizes_it_says(void **state)
{
	uint32_t i;

	(void)state;
	assert_true(toy.n_objects > 400);
	for (i = 0; i < toy.n_objects; i++) {
		const struct toy_object *o = &toy.objects[i];
		struct md_object got;

		assert_true(md_object_at(model, o->addr, &got));
		assert_string_equal(got.type->name, o->type);
		assert_int_equal(got.o.flat, o->flat);
		assert_int_equal(got.o.held, o->held);
		assert_int_equal(got.o.refcount, o->refs);
	}
}

static void no_object_begins_where_none_was_made(void **state)
{
	struct md_object got;
	uint32_t i;

	(void)state;
	for (i = 0; i < toy.n_objects; i++)
		assert_false(md_object_at(model, toy.objects[i].addr + 8,
					  &got));
	assert_false(md_object_at(model, 0, &got));
	assert_false(md_object_at(model, UINT64_MAX, &got));
	assert_int_equal(md_rejected(model), 0);
}

static void every_reference_has_its_target_and_label(void **state)
{
	uint32_t i, k;

	(void)state;
	for (i = 0; i < toy.n_objects; i++) {
		const struct toy_object *o = &toy.objects[i];
		struct md_edge *edges;
		size_t n;

		assert_ok(md_edges(model, o->addr, &edges, &n));
		assert_int_equal(n, o->n_edges);
		for (k = 0; k < n; k++) {
			const struct toy_edge *want =
				&toy.edges[o->first_edge + k];
			HS_FREE char *label = md_label(model, &edges[k].e);

			assert_int_equal(edges[k].e.target, want->to);
			assert_int_equal(edges[k].e.flags & HEAPSH_EDGE_WEAK,
					 want->weak ? HEAPSH_EDGE_WEAK : 0);
			// The process prints its text as it is.
			if (o->addr != toy.roots[0].addr)
				assert_string_equal(label, want->label);
		}
		free(edges);
	}
}

/* --- the sweep ----------------------------------------------------------- */

struct swept {
	struct heapsh_sink sink;	/* first */
	uint32_t n_objects, n_edges, wrong;
	uint64_t last;
};

static void take_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct swept *s = (struct swept *)sink;
	const struct toy_object *want = toy_object(&toy, o->address);

	s->n_objects++;
	s->wrong += !want || want->held != o->held ||
		    strcmp(md_type(model, o->type)->name, want->type);
	s->wrong += o->address <= s->last;
	s->last = o->address;
}

static void take_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct swept *s = (struct swept *)sink;

	(void)e;
	s->n_edges++;
}

static void sweep_range(struct swept *s, const struct heapsh_range *r,
			uint64_t grain, struct im_reader *reader)
{
	HS_FREE uint8_t *buf = hs_xalloc(grain);
	struct heapsh_chunk c = { .size = sizeof(c), .bytes = buf };

	for (c.address = r->start; c.address < r->end; c.address += grain) {
		c.len = grain;
		assert_int_equal(md_read(model, c.address, buf, grain), grain);
		md_reader_lend(reader, c.address, buf, grain);
		s->last = 0;
		md_sweep(model, &c, &s->sink);
		md_reader_lend(reader, 0, NULL, 0);
	}
}

static void a_sweep_finds_every_object_of_the_arenas(void **state)
{
	struct heapsh_range ranges[64];
	struct swept s = { .sink.object = take_object,
			   .sink.edge = take_edge };
	struct im_reader *reader;
	uint32_t n, i, k, want = 0, edges = 0;
	uint64_t grain;

	(void)state;
	s.sink.size = sizeof(s.sink);
	s.sink.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES;
	assert_ok(md_reader_create(model, NULL, &reader));
	s.sink.reader = reader;
	n = md_ranges(model, ranges, HS_ARRAY_SIZE(ranges), &grain);
	assert_in_range(n, 1, HS_ARRAY_SIZE(ranges));
	for (i = 0; i < n; i++)
		sweep_range(&s, &ranges[i], grain, reader);
	md_reader_destroy(reader);
	for (k = 0; k < toy.n_objects; k++) {
		for (i = 0; i < n; i++) {
			if (toy.objects[k].addr < ranges[i].start ||
			    toy.objects[k].addr >= ranges[i].end)
				continue;
			want++;
			edges += toy.objects[k].n_edges;
		}
	}
	assert_true(want < toy.n_objects);	// "accounts" and "big" are not
	assert_int_equal(s.wrong, 0);
	assert_int_equal(s.n_objects, want);
	assert_int_equal(s.n_edges, edges);
}

/* --- names --------------------------------------------------------------- */

static void take_root(void *arg, const struct heapsh_root *root)
{
	uint32_t *n = arg;

	assert_true(*n < toy.n_roots);
	assert_int_equal(root->name.n, strlen(toy.roots[*n].name));
	assert_memory_equal(root->name.s, toy.roots[*n].name, root->name.n);
	assert_int_equal(root->target, toy.roots[*n].addr);
	++*n;
}

static void the_roots_are_the_process_own(void **state)
{
	uint32_t n = 0;

	(void)state;
	md_roots(model, take_root, &n);
	assert_int_equal(n, toy.n_roots);
}

static void globals_are_found_by_name(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < toy.n_globals; i++)
		assert_int_equal(md_lookup(model, toy.globals[i].name,
					   strlen(toy.globals[i].name)),
				 toy.globals[i].addr);
	assert_int_equal(md_lookup(model, "nobody", 6), 0);
}

static void items_and_attributes_are_the_edges_targets(void **state)
{
	uint64_t accounts = toy_global(&toy, "accounts");
	struct heapsh_key key = { .kind = HEAPSH_KEY_INT, .i = 1 };
	const struct toy_object *list = toy_object(&toy, accounts);
	uint64_t account = toy.edges[list->first_edge + 1].to, owner;
	HS_FREE char *text = NULL;

	(void)state;
	assert_int_equal(md_item(model, accounts, &key), account);
	key.i = -1;
	assert_int_equal(md_item(model, accounts, &key), 0);
	owner = md_attr(model, account, "owner", 5);
	text = md_render(model, owner, HEAPSH_RENDER_REPR, 80);
	assert_string_equal(text, "'customer 1'");
}

static void control_characters_never_get_through(void **state)
{
	uint64_t evil = toy_global(&toy, "evil");
	HS_FREE char *whole = md_render(model, evil, HEAPSH_RENDER_TEXT, 80);
	HS_FREE char *cut = md_render(model, evil, HEAPSH_RENDER_TEXT, 5);
	HS_FREE char *none = md_render(model, evil, HEAPSH_RENDER_TEXT, 0);

	(void)state;
	assert_string_equal(whole, "\\x1b[31mred\\x07\\xff \\u202e'");
	assert_string_equal(cut, "\\x1b…");
	assert_string_equal(none, "");
}

static int count_name(void *arg, struct heapsh_text name, uint64_t target)
{
	uint32_t *n = arg;

	(void)name;
	(void)target;
	return ++*n < 2;
}

static void completion_stops_when_told(void **state)
{
	uint32_t n = 0;

	(void)state;
	md_names(model, 0, "", 0, count_name, &n);
	assert_int_equal(n, 2);
	n = 0;
	md_names(model, 0, "ev", 2, count_name, &n);
	assert_int_equal(n, 1);
}

static void ask_threads(struct md_model *m)
{
	struct heapsh_thread thread;
	struct heapsh_frame frame;
	struct heapsh_variable v;

	assert_true(md_thread(m, 0, &thread));
	assert_int_equal(thread.tid, toy.pid);
	assert_true(md_thread(m, 1, &thread));
	assert_false(md_thread(m, 2, &thread));
	assert_true(md_frame(m, 0, 0, &frame));
	assert_false(md_frame(m, 0, 1, &frame));
	assert_true(md_variable(m, 0, 0, 0, &v));
	assert_int_equal(v.target, toy_global(&toy, "accounts"));
	assert_int_equal(v.name.n, 4);
	assert_false(md_variable(m, 0, 0, 1, &v));
}

static void threads_have_their_variables(void **state)
{
	struct md_host *full;
	struct md_claim claim;
	struct md_model *m;

	(void)state;
	ask_threads(model);
	open_host("tests/plugins/.libs", "toy_full", &full);
	assert_ok(md_probe(full, image, &claim));
	assert_ok(md_open(full, &claim, image, &task, &m));
	ask_threads(m);
	md_close(m);
	md_host_destroy(full);
}

static void kinds_are_named_by_owner(void **state)
{
	uint32_t table = md_type_by_name(model, "table");
	uint32_t account = md_type_by_name(model, "bank.Account");
	HS_FREE char *owned = md_kind_name(model, table, account);
	HS_FREE char *loose = md_kind_name(model, table, UINT32_MAX);
	HS_FREE char *plain = md_kind_name(model, account, UINT32_MAX);

	(void)state;
	assert_string_equal(owned, "table of bank.Account");
	assert_string_equal(loose, "table (no owner)");
	assert_string_equal(plain, "bank.Account");
	assert_int_equal(md_type_by_name(model, "nobody"), UINT32_MAX);
}

static void measures_are_answered(void **state)
{
	struct heapsh_measure got;

	(void)state;
	assert_true(md_measure(model, toy_global(&toy, "accounts"), &got));
	assert_int_equal(got.length, 100);
	assert_int_equal(got.basic_size, 24);
	assert_int_equal(got.item_size, 8);
	assert_false(md_measure(model, 12, &got));
}

/* --- claims -------------------------------------------------------------- */

static void another_version_is_refused_with_its_sentence(void **state)
{
	struct toy other;
	struct im_image *im;
	struct md_claim claim;
	struct hs_err *err;

	(void)state;
	toy_start(&other, "-v", "7");
	assert_ok(im_open_live(other.pid, &im));
	err = md_probe(host, im, &claim);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_UNSUPPORTED);
	assert_string_equal(err->message, "of example_heap, version 1 can be "
			    "read");
	hs_err_free(err);
	im_destroy(im);
	assert_int_equal(toy_stop(&other), 0);
}

static void what_nobody_knows_is_described(void **state)
{
	struct im_image *im;
	struct md_claim claim;
	struct hs_err *err;
	HS_FREE char *want = hs_xasprintf("recognise process %d: "
					  "model_example.t, a C program (",
					  (int)getpid());

	(void)state;
	assert_ok(im_open_live(getpid(), &im));
	err = md_probe(host, im, &claim);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_UNSUPPORTED);
	assert_memory_equal(err->message, want, strlen(want));
	assert_non_null(strstr(err->message, "no plugin knows it "
			       "(asked: example)"));
	hs_err_free(err);
	im_destroy(im);
}

static void the_process_is_as_it_was(void **state)
{
	uint64_t sum = toy_sum(&toy);

	every_object_has_the_type_and_sizes_it_says(state);
	assert_int_equal(toy_sum(&toy), sum);
}

/** By gdb's gcore; the name of the file, or NULL without a gcore. */
static char *make_core(const char *dir)
{
	HS_FREE char *pid = hs_xasprintf("%d", toy.pid);
	HS_FREE char *prefix = hs_xasprintf("%s/core", dir);
	// A core of megabytes is expected; whatever goes wrong, no full disk.
	const struct rlimit limit = { 256 << 20, 256 << 20 };
	pid_t child = fork();
	int status;

	if (!child) {
		setrlimit(RLIMIT_FSIZE, &limit);
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(1);
		execlp("gcore", "gcore", "-o", prefix, pid, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return NULL;
	// One that failed left what the core's reader will complain of.
	return hs_xasprintf("%s.%s", prefix, pid);
}

static void a_core_of_it_answers_the_same(void **state)
{
	struct md_model *live = model;
	char dir[] = "/tmp/heapsh-test-XXXXXX";
	HS_FREE char *path = NULL;
	struct md_claim claim;
	struct im_image *core;
	struct hs_err *err;

	assert_non_null(mkdtemp(dir));
	path = make_core(dir);
	if (!path) {
		rmdir(dir);
		skip();
	}
	err = im_open_core(path, &core);
	unlink(path);
	rmdir(dir);
	assert_ok(err);
	assert_ok(md_probe(host, core, &claim));
	assert_ok(md_open(host, &claim, core, &task, &model));
	every_object_has_the_type_and_sizes_it_says(state);
	every_reference_has_its_target_and_label(state);
	a_sweep_finds_every_object_of_the_arenas(state);
	the_roots_are_the_process_own(state);
	globals_are_found_by_name(state);
	md_close(model);
	im_destroy(core);
	model = live;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_object_has_the_type_and_sizes_it_says),
		cmocka_unit_test(no_object_begins_where_none_was_made),
		cmocka_unit_test(every_reference_has_its_target_and_label),
		cmocka_unit_test(a_sweep_finds_every_object_of_the_arenas),
		cmocka_unit_test(the_roots_are_the_process_own),
		cmocka_unit_test(globals_are_found_by_name),
		cmocka_unit_test(items_and_attributes_are_the_edges_targets),
		cmocka_unit_test(control_characters_never_get_through),
		cmocka_unit_test(completion_stops_when_told),
		cmocka_unit_test(threads_have_their_variables),
		cmocka_unit_test(kinds_are_named_by_owner),
		cmocka_unit_test(measures_are_answered),
		cmocka_unit_test(another_version_is_refused_with_its_sentence),
		cmocka_unit_test(what_nobody_knows_is_described),
		cmocka_unit_test(a_core_of_it_answers_the_same),
		cmocka_unit_test(the_process_is_as_it_was),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_toy, close_toy) != 0;
}
