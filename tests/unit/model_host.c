// SPDX-License-Identifier: Apache-2.0
// Plugins that cannot be loaded, that die, and that lie.
#include "model.h"

#include "image.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakeimage.h"
#include "unit.h"

static struct md_host *host;

static char *built(const char *path)
{
	const char *top = getenv("abs_top_builddir");

	return hs_xasprintf("%s/%s", top ? top : ".", path);
}

static int close_host(void **state)
{
	(void)state;
	md_host_destroy(host);
	host = NULL;
	return 0;
}

/** Of the plugins of dir (NULL: those that misbehave) only one, or all. */
static void open_host(const char *dir, const char *only, const char *skip)
{
	HS_FREE char *bad = built("tests/plugins/.libs");
	const char *dirs[] = { "/nonexistent", dir ? dir : bad };

	assert_null(md_host_create(dirs, 2, &only, only != NULL, &skip,
				   skip != NULL, &host));
}

static const struct md_plugin_info *info_of(const char *name)
{
	const struct md_plugin_info *v;
	size_t n = md_plugins(host, &v), i;

	for (i = 0; i < n; i++) {
		if (!strcmp(v[i].name, name))
			return &v[i];
	}
	fail_msg("no plugin %s", name);
	return NULL;
}

static void what_is_wrong_stands_beside_the_name(void **state)
{
	(void)state;
	open_host(NULL, NULL, "crash_in_probe");
	assert_null(info_of("liar")->problem);
	assert_string_equal(info_of("other_abi")->problem,
			    "it is for plugin ABI 7, and this heapsh has 0");
	assert_string_equal(info_of("no_entry")->problem,
			    "it is no heapsh plugin (no heapsh_plugin_0)");
	assert_non_null(strstr(info_of("short_table")->problem,
			       "its table has 16 bytes instead of "));
	assert_string_equal(info_of("crash_in_probe")->problem,
			    "left out: it has crashed");
}

static void only_those_named_are_loaded(void **state)
{
	const struct md_plugin_info *v;

	(void)state;
	open_host(NULL, "liar", NULL);
	assert_int_equal(md_plugins(host, &v), 1);
	assert_string_equal(v->name, "liar");
}

static void one_more_can_be_loaded_by_its_file(void **state)
{
	HS_FREE char *liar = built("tests/plugins/.libs/liar.so");
	HS_FREE char *abi = built("tests/plugins/.libs/other_abi.so");
	struct hs_err *err;

	(void)state;
	open_host("/nonexistent", NULL, NULL);
	assert_null(md_load(host, liar));
	assert_null(info_of("liar")->problem);
	err = md_load(host, liar);
	assert_int_equal(err->code, HS_ERR_USAGE);
	hs_err_free(err);
	err = md_load(host, abi);
	assert_int_equal(err->code, HS_ERR_PLUGIN);
	hs_err_free(err);
	err = md_load(host, "/etc/passwd");
	assert_int_equal(err->code, HS_ERR_USAGE);
	hs_err_free(err);
}

/* --- trust --------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	char buf[65536];
	size_t n;

	assert_true(in && out);
	while ((n = fread(buf, 1, sizeof(buf), in)))
		assert_int_equal(fwrite(buf, 1, n, out), n);
	fclose(in);
	fclose(out);
}

static void assert_distrusted(const char *dir, const char *what)
{
	open_host(dir, NULL, NULL);
	assert_non_null(info_of("liar")->problem);
	if (!strstr(info_of("liar")->problem, what))
		fail_msg("\"%s\" does not say \"%s\"",
			 info_of("liar")->problem, what);
	close_host(NULL);
}

static void what_others_can_write_is_not_loaded(void **state)
{
	char dir[] = "/tmp/heapsh-test-XXXXXX";
	HS_FREE char *from = built("tests/plugins/.libs/liar.so"), *to = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	to = hs_xasprintf("%s/liar.so", dir);
	copy_file(from, to);
	assert_int_equal(chmod(to, 0644), 0);
	open_host(dir, NULL, NULL);
	assert_null(info_of("liar")->problem);
	close_host(NULL);
	assert_int_equal(chmod(to, 0646), 0);
	assert_distrusted(dir, "others can write to /tmp/heapsh-test-");
	// Of a group that has more members than its name's.
	if (!geteuid() && !chown(to, 0, 12345)) {
		assert_int_equal(chmod(to, 0664), 0);
		assert_distrusted(dir, "others can write to /tmp/heapsh-test-");
	}
	assert_int_equal(chmod(to, 0644), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_distrusted(dir, "others can write to /tmp/heapsh-test-");
	assert_int_equal(chmod(dir, 0755), 0);
	if (!geteuid() && !chown(to, 12345, 0))
		assert_distrusted(dir, "belongs to user 12345");
	unlink(to);
	rmdir(dir);
}

/* --- those that die ------------------------------------------------------ */

static char *running;		/* shared with the child */

static void note_running(void *arg, const char *name, const char *call)
{
	(void)arg;
	(void)call;
	snprintf(running, 64, "%s", name ? name : "");
}

/** In a process of its own: let the plugin look at, and open, this process. */
static pid_t run_plugin(const char *name)
{
	struct md_claim claim;
	struct md_model *m;
	struct im_image *im;
	pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGSEGV, SIG_DFL);	// cmocka's own would go on
	signal(SIGABRT, SIG_DFL);
	open_host(NULL, name, NULL);
	md_set_running(host, note_running, NULL);
	if (!im_open_live(getpid(), &im) && !md_probe(host, im, &claim) &&
	    !md_open(host, &claim, im, NULL, &m))
		md_close(m);
	_exit(42);
}

static void a_crash_leaves_the_name_of_who_was_running(void **state)
{
	static const char *const names[] = { "crash_in_probe",
					     "crash_in_malloc" };
	size_t i;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(names); i++) {
		int status;
		pid_t pid = run_plugin(names[i]);

		assert_int_equal(waitpid(pid, &status, 0), pid);
		// The sanitizers' handlers exit with 1 instead.
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 1);
		assert_string_equal(running, names[i]);
	}
}

static void a_loop_leaves_the_name_of_who_is_running(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	running[0] = '\0';
	pid = run_plugin("loop_in_open");
	// Bounded by the harness; probe() says the name once already.
	for (i = 0; strcmp(running, "loop_in_open") && i < 1000000; i++)
		usleep(100);
	assert_string_equal(running, "loop_in_open");
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- the liar ------------------------------------------------------------ */

static struct fakeimage fake;
static struct im_image *im;
static struct md_model *model;
static struct md_claim claim;

static int open_liar(void **state)
{
	uint8_t bytes[4096] = { 0 };

	(void)state;
	open_host(NULL, "liar", NULL);
	fakeimage_put(&fake, 0x10000, bytes, sizeof(bytes));
	im = fakeimage_open(&fake);
	if (md_probe(host, im, &claim))
		return -1;
	return md_open(host, &claim, im, NULL, &model) ? -1 : 0;
}

static int close_liar(void **state)
{
	md_close(model);
	im_destroy(im);
	fakeimage_deinit(&fake);
	return close_host(state);
}

static void texts_end_and_are_escaped(void **state)
{
	const char *const *diags;

	(void)state;
	assert_int_equal(claim.claim.confidence, 100);
	assert_memory_equal(claim.claim.runtime, "\\x1b\\x1b", 8);
	assert_int_equal(strnlen(claim.claim.reason, 192), 191);
	assert_string_equal(md_type(model, 0)->name, "bad\\x1bname");
	assert_string_equal(md_type(model, 1)->name, "?");
	assert_int_equal(strnlen(md_status(model)->layout, 192), 191);
	assert_int_equal(md_diags(model, &diags), 64);
	assert_string_equal(diags[63], "the\\nsame");
}

static void a_wrong_settle_script_is_not_run(void **state)
{
	struct heapsh_settle s;

	(void)state;
	md_settle(host, &claim, im, &s);
	assert_int_equal(s.flags, HEAPSH_SETTLE_IMPOSSIBLE);
	assert_int_equal(s.n_writes, 0);
	assert_string_equal(s.why, "the plugin's settle script is wrong");
}

struct seen {
	struct heapsh_sink sink;	/* first */
	uint64_t addr[16];
	uint32_t n, n_edges, n_nothing;
};

static void see_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct seen *s = (struct seen *)sink;

	assert_true(s->n < 16);
	assert_true(o->type < md_n_types(model));
	assert_true(o->flags <= 15);
	assert_int_equal(o->flat, UINT64_C(1) << 47);
	assert_int_equal(o->held, UINT64_C(1) << 47);
	s->addr[s->n++] = o->address;
}

static void see_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct seen *s = (struct seen *)sink;

	assert_int_equal(e->label, HEAPSH_LABEL_NONE);
	assert_true(e->flags <= 15);
	s->n_edges++;
}

static void see_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	(void)addr;
	((struct seen *)sink)->n_nothing++;
}

static void a_sweep_is_held_to_its_chunk_and_order(void **state)
{
	struct seen s = { .sink = { .size = sizeof(s.sink),
				    .want = 15,
				    .object = see_object,
				    .edge = see_edge,
				    .nothing = see_nothing } };
	static uint8_t bytes[65536];
	struct heapsh_chunk c = { sizeof(c), 0, 0x10000, sizeof(bytes),
				  bytes };

	(void)state;
	md_sweep(model, &c, &s.sink);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.addr[0], 0x10040);
	assert_int_equal(s.addr[1], 0x10080);
	assert_int_equal(s.n_edges, 2);
	assert_int_equal(s.n_nothing, 1);
	assert_int_equal(md_rejected(model), 4);
}

static void ranges_are_sorted_and_disjoint(void **state)
{
	struct heapsh_range r[8];
	uint64_t grain;

	(void)state;
	assert_int_equal(md_ranges(model, r, 8, &grain), 2);
	assert_int_equal(grain, 0x10000);
	assert_int_equal(r[0].start, 0x10000);
	assert_int_equal(r[0].end, 0x20000);
	assert_int_equal(r[1].start, 0x20000);
	assert_int_equal(r[1].end, 0x28000);
	assert_int_equal(md_ranges(model, r, 1, &grain), 4);
}

static void another_object_is_not_taken_for_it(void **state)
{
	struct md_object o;
	struct md_edge *edges;
	size_t n;
	HS_FREE char *label = NULL;

	(void)state;
	assert_true(md_object_at(model, 0x10800, &o));
	assert_int_equal(o.o.address, 0x10800);
	assert_string_equal(o.type->name, "<unknown type>");
	assert_null(md_edges(model, 0x10800, &edges, &n));
	assert_true(n >= 1);
	label = md_label(model, &edges[0].e);
	assert_string_equal(label, ".??");
	free(edges);
}

static void count_root(void *arg, const struct heapsh_root *root)
{
	assert_int_equal(root->name.n, 0);
	assert_int_equal(root->flags, HEAPSH_ROOT_LOCAL | HEAPSH_ROOT_FOUND |
			 HEAPSH_ROOT_NAMESPACE | HEAPSH_ROOT_CONTEXT);
	++*(int *)arg;
}

static int count_name(void *arg, struct heapsh_text name, uint64_t target)
{
	(void)target;
	assert_int_equal(name.n, 0);
	++*(int *)arg;
	return 1;
}

static void endless_answers_end(void **state)
{
	int n_roots = 0, n_names = 0;
	HS_FREE char *bells = md_render(model, 3, HEAPSH_RENDER_REPR, 10);
	HS_FREE char *torn = md_render(model, 2, HEAPSH_RENDER_REPR, 9);
	HS_FREE char *none = md_render(model, 1, HEAPSH_RENDER_REPR, 80);

	(void)state;
	md_roots(model, count_root, &n_roots);
	assert_int_equal(n_roots, 1);
	md_names(model, 0, "", 0, count_name, &n_names);
	assert_int_equal(n_names, 1 << 20);
	assert_string_equal(bells, "\\x07\\x07…");
	assert_string_equal(torn, "\\xe2\\xe2…");
	assert_string_equal(none, "<<unknown type> at 0x1>");
}

static void what_it_has_not_is_not_called(void **state)
{
	struct heapsh_thread thread;
	struct heapsh_measure measure;
	struct heapsh_key key = { .kind = HEAPSH_KEY_INT };

	(void)state;
	assert_int_equal(md_lookup(model, "x", 1), 0);
	assert_int_equal(md_attr(model, 1, "x", 1), 0);
	assert_int_equal(md_item(model, 1, &key), 0);
	// Found out from what it says of the object's type.
	assert_true(md_measure(model, 1, &measure));
	assert_int_equal(measure.has_length, 0);
	assert_false(md_thread(model, 0, &thread));
	assert_int_equal(md_content_hash(model, 1), 0);
	md_each_module(model, count_name, NULL);
}

#define LIAR(fn) cmocka_unit_test_setup_teardown(fn, open_liar, close_liar)
#define HOST(fn) cmocka_unit_test_teardown(fn, close_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST(what_is_wrong_stands_beside_the_name),
		HOST(only_those_named_are_loaded),
		HOST(one_more_can_be_loaded_by_its_file),
		HOST(what_others_can_write_is_not_loaded),
		HOST(a_crash_leaves_the_name_of_who_was_running),
		HOST(a_loop_leaves_the_name_of_who_is_running),
		LIAR(texts_end_and_are_escaped),
		LIAR(a_wrong_settle_script_is_not_run),
		LIAR(a_sweep_is_held_to_its_chunk_and_order),
		LIAR(ranges_are_sorted_and_disjoint),
		LIAR(another_object_is_not_taken_for_it),
		LIAR(endless_answers_end),
		LIAR(what_it_has_not_is_not_called),
	};

	running = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return running == MAP_FAILED ? 1 : UNIT_RUN(tests);
}
