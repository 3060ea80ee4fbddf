// SPDX-License-Identifier: Apache-2.0
// One contract, whatever the bytes come from: a running process, a clone, a
// core and literal bytes answer the same reads alike. The process is a child
// of this test, with the same memory at the same places.
#include "image.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corebuf.h"
#include "fakeimage.h"
#include "unit.h"

enum { PAGE = 4096, PAGES = 40 };

/*
 * words: every word holds its own address
 *	0..16 readable | 16..18 PROT_NONE, written before | 18..20 a hole |
 *	20..40 readable
 */
static uint8_t *area;
static pid_t child;

/* ASan of clang would add a red zone to its size. */
#ifdef __clang__
__attribute__((__no_sanitize__("address")))
#endif
uint64_t image_sources_marker = 42;	/* looked up by name */

static void make_area(void)
{
	uint64_t i, at;

	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		abort();
	for (i = 0; i < PAGES * PAGE; i += 8) {
		at = (uintptr_t)area + i;
		memcpy(area + i, &at, 8);
	}
	if (mprotect(area + 16 * PAGE, 2 * PAGE, PROT_NONE) ||
	    munmap(area + 18 * PAGE, 2 * PAGE))
		abort();
}

static int start_child(void **state)
{
	int ready[2];
	char c;

	(void)state;
	make_area();
	if (pipe(ready))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	return read(ready[0], &c, 1) == 1 && !close(ready[0]) ? 0 : -1;
}

static int stop_child(void **state)
{
	(void)state;
	kill(child, SIGKILL);
	return waitpid(child, NULL, 0) == child ? 0 : -1;
}

static bool holds_words(const void *bytes, uint64_t addr, uint64_t len)
{
	uint64_t at, word;

	for (at = 0; at + 8 <= len; at += 8) {
		memcpy(&word, (const char *)bytes + at, 8);
		if (word != addr + at)
			return false;
	}
	return true;
}

/** What every image must answer for the area. */
static void check_reads(struct im_image *im)
{
	uint64_t base = (uintptr_t)area, hole = base + 18 * PAGE, word;
	HS_FREE uint8_t *buf = hs_xalloc(PAGES * PAGE);
	const struct im_mapping *m;

	assert_int_equal(im_read(im, base, buf, PAGES * PAGE), 18 * PAGE);
	assert_true(holds_words(buf, base, 18 * PAGE));
	assert_int_equal(im_read(im, hole - 3, buf, 100), 3);
	assert_int_equal(im_read(im, hole, buf, 100), 0);
	assert_int_equal(im_read(im, hole + 2 * PAGE, buf, 20 * PAGE),
			 20 * PAGE);
	assert_true(holds_words(buf, hole + 2 * PAGE, 20 * PAGE));
	assert_true(im_read_u64(im, hole - 8, &word));
	assert_int_equal(word, hole - 8);
	assert_false(im_read_u64(im, hole - 4, &word));
	assert_int_equal(im_read(im, base, buf, 0), 0);
	assert_int_equal(im_read(im, UINT64_MAX - 4, buf, 100), 0);
	assert_int_equal(im_read(im, 0, buf, 100), 0);
	m = im_mapping_at(im, base + 5);
	assert_non_null(m);
	assert_true(m->start <= base && m->end > base + 5);
	assert_null(im_mapping_at(im, hole));
}

static void check_views(struct im_image *im)
{
	uint64_t base = (uintptr_t)area, at;
	struct im_reader *r;

	assert_null(im_reader_create(im, NULL, &r));
	for (at = 0; at + 24 <= PAGES * PAGE; at += 8) {
		bool there = at + 24 <= 18 * PAGE || at >= 20 * PAGE;
		const void *v = im_view(r, base + at, 24);

		assert_int_equal(v != NULL, there);
		if (v)
			assert_true(holds_words(v, base + at, 24));
	}
	assert_true(holds_words(im_view(r, base, 18 * PAGE), base, 18 * PAGE));
	assert_null(im_view(r, base, 18 * PAGE + 1));
	im_reader_destroy(r);
}

static void check_source(struct im_image *im, enum im_kind kind)
{
	assert_int_equal(im_info(im)->kind, kind);
	assert_int_equal(im_info(im)->width, 8);
	check_reads(im);
	check_views(im);
	im_destroy(im);
}

static struct im_image *open_live(void)
{
	struct im_image *im;
	struct hs_err *err = im_open_live(child, &im);

	if (err)
		fail_msg("%s", err->message);
	return im;
}

static void a_running_process_reads_alike(void **state)
{
	(void)state;
	check_source(open_live(), IM_LIVE);
}

static void a_clone_reads_alike(void **state)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/mem", (int)child);
	struct im_thread thread = { .tid = 7, .syscall = -1 };
	const struct im_thread *threads;
	struct im_image *im;

	(void)state;
	assert_null(im_open_clone(getpid(), child,
				  open(path, O_RDONLY | O_CLOEXEC), &thread, 1,
				  &im));
	assert_int_equal(im_info(im)->pid, getpid());
	assert_int_equal(im_threads(im, &threads), 1);
	assert_int_equal(threads[0].tid, 7);
	check_source(im, IM_CLONE);
}

/* The area's pages but for the hole, one after the other. */
static int copied_area(void)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);

	mprotect(area + 16 * PAGE, 2 * PAGE, PROT_READ);
	assert_int_equal(write(fd, area, 18 * PAGE), 18 * PAGE);
	assert_int_equal(write(fd, area + 20 * PAGE, 20 * PAGE), 20 * PAGE);
	mprotect(area + 16 * PAGE, 2 * PAGE, PROT_NONE);
	return fd;
}

static void a_copy_reads_alike(void **state)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/maps", (int)child);
	HS_FREE char *maps = hs_xalloc(1 << 20);
	HS_CLOSE int maps_fd = open(path, O_RDONLY | O_CLOEXEC);
	HS_CLOSE int fd = copied_area();
	uint64_t at = (uintptr_t)area;
	struct im_range v[] = { { at, at + 18 * PAGE },
				{ at + 20 * PAGE, at + 40 * PAGE } };
	HS_FREE char *mem_path = hs_xasprintf("/proc/%d/mem", (int)child);
	HS_CLOSE int mem_fd = open(mem_path, O_RDONLY | O_CLOEXEC);
	struct im_copy copy = { .pid = child, .fd = fd, .mem_fd = mem_fd,
				.ranges = v, .n_ranges = 2, .maps = maps,
				.taken_ns = 7 };
	struct im_image *im;
	struct hs_err *err;
	ssize_t n;

	(void)state;
	while ((n = read(maps_fd, maps + copy.maps_bytes, 4096)) > 0)
		copy.maps_bytes += (size_t)n;
	assert_null(im_open_copy(&copy, &im));
	assert_int_equal(im_info(im)->taken_ns, 7);
	check_source(im, IM_COPY);
	// More than there is, out of order, empty.
	v[1].end += PAGE;
	err = im_open_copy(&copy, &im);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "wrong piece 1"));
	hs_err_free(err);
	v[1] = (struct im_range){ at + PAGE, at + 2 * PAGE };
	assert_non_null(err = im_open_copy(&copy, &im));
	hs_err_free(err);
	v[1] = (struct im_range){ at + 30 * PAGE, at + 30 * PAGE };
	assert_non_null(err = im_open_copy(&copy, &im));
	hs_err_free(err);
}

static void a_core_reads_alike(void **state)
{
	struct corebuf *core = hs_xalloc(sizeof(*core));
	HS_FREE char *path = NULL;
	struct im_image *im;
	int fd;

	(void)state;
	corebuf_init(core);
	mprotect(area + 16 * PAGE, 2 * PAGE, PROT_READ);
	corebuf_load(core, (uintptr_t)area + 20 * PAGE, PF_R | PF_W,
		     area + 20 * PAGE, 20 * PAGE, 20 * PAGE);
	corebuf_load(core, (uintptr_t)area, PF_R | PF_W, area, 16 * PAGE,
		     16 * PAGE);
	corebuf_load(core, (uintptr_t)area + 16 * PAGE, 0, area + 16 * PAGE,
		     2 * PAGE, 2 * PAGE);
	mprotect(area + 16 * PAGE, 2 * PAGE, PROT_NONE);
	corebuf_finish(core);
	fd = corebuf_fd(core, core->n);
	path = hs_xasprintf("/proc/self/fd/%d", fd);
	assert_null(im_open_core(path, &im));
	close(fd);
	free(core);
	check_source(im, IM_CORE);
}

static void literal_bytes_read_alike(void **state)
{
	struct fakeimage fake = { 0 };

	(void)state;
	mprotect(area + 16 * PAGE, 2 * PAGE, PROT_READ);
	fakeimage_put(&fake, (uintptr_t)area, area, 18 * PAGE);
	fakeimage_put(&fake, (uintptr_t)area + 20 * PAGE, area + 20 * PAGE,
		      20 * PAGE);
	mprotect(area + 16 * PAGE, 2 * PAGE, PROT_NONE);
	check_source(fakeimage_open(&fake), IM_FAKE);
	fakeimage_deinit(&fake);
}

static void a_process_that_is_gone_has_no_bytes(void **state)
{
	struct im_image *im;
	struct hs_err *err;
	uint64_t word;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		for (;;)
			pause();
	}
	assert_null(im_open_live(pid, &im));
	assert_true(im_read_u64(im, (uintptr_t)area, &word));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(im_read_u64(im, (uintptr_t)area, &word));
	im_destroy(im);
	err = im_open_live(pid, &im);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_GONE);
	hs_err_free(err);
}

/* --- symbols ------------------------------------------------------------- */

static void symbols_are_where_the_linker_put_them(void **state)
{
	struct im_image *im = open_live();
	uint64_t addr, size, offset;
	const char *name;

	(void)state;
	assert_true(im_symbol(im, NULL, "image_sources_marker", &addr, &size));
	assert_ptr_equal(addr, &image_sources_marker);
	assert_int_equal(size, 8);
	assert_true(im_symbol_at(im, addr + 3, &name, &offset));
	assert_string_equal(name, "image_sources_marker");
	assert_int_equal(offset, 3);
	assert_true(im_symbol(im, "libc.so.6", "malloc", &addr, NULL));
	assert_ptr_equal(addr, dlsym(RTLD_NEXT, "malloc"));
	assert_false(im_symbol(im, "libc.so.6", "image_sources_marker", &addr,
			       NULL));
	assert_false(im_symbol(im, NULL, "no such symbol", &addr, NULL));
	assert_false(im_symbol(im, "nolib.so", "malloc", &addr, NULL));
	assert_false(im_symbol_at(im, (uintptr_t)area, &name, &offset));
	im_destroy(im);
}

/** Reads another image's bytes: a source without files. */
static uint64_t read_other(void *ctx, uint64_t addr, void *buf, uint64_t len)
{
	return im_read(ctx, addr, buf, len);
}

/** The live image under names that lead nowhere. */
static struct im_image *without_files(struct im_image *live)
{
	const struct im_source source = { read_other, NULL };
	const struct im_mapping *maps;
	size_t n = im_mappings(live, &maps), i;
	HS_FREE struct im_mapping *copy = hs_xcalloc(n, sizeof(*copy));
	struct im_info info = *im_info(live);
	struct im_image *im;

	for (i = 0; i < n; i++) {
		copy[i] = maps[i];
		if (strstr(maps[i].path, "/libc.so.6"))
			copy[i].path = "/nowhere/libc.so.6 (deleted)";
	}
	info.kind = IM_SNAPSHOT;
	info.pid = 0;
	assert_null(im_create(&info, copy, n, NULL, 0, &source, live, 0, &im));
	return im;
}

static void without_a_file_the_memory_has_the_symbols(void **state)
{
	struct im_image *live = open_live(), *im = without_files(live);
	uint64_t addr, want, size, offset;
	const char *name;

	(void)state;
	assert_true(im_symbol(live, "libc.so.6", "malloc", &want, NULL));
	assert_true(im_symbol(im, "libc.so.6", "malloc", &addr, &size));
	assert_int_equal(addr, want);
	assert_true(im_symbol_at(im, addr + 1, &name, &offset));
	assert_int_equal(offset, 1);
	// A default version, not the first of that name.
	assert_true(im_symbol(live, "libc.so.6", "pthread_cond_wait", &want,
			      NULL));
	assert_true(im_symbol(im, "libc.so.6", "pthread_cond_wait", &addr,
			      NULL));
	assert_int_equal(addr, want);
	assert_true(im_symbol(im, "[vdso]", "__vdso_time", &addr, NULL));
	im_destroy(im);
	im_destroy(live);
}

/* --- files --------------------------------------------------------------- */

static char folder[] = "/tmp/heapsh-test-XXXXXX";

static void copy_file(const char *from, const char *to)
{
	HS_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC);
	HS_CLOSE int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
}

/** Map the library at path in a process of its own; its entry comes back. */
static pid_t load_in_child(const char *path, uint64_t *entry)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		void *dl = dlopen(path, RTLD_NOW);
		uint64_t at = dl ? (uintptr_t)dlsym(dl, "heapsh_plugin_0") : 0;

		if (write(fds[1], &at, sizeof(at)) != sizeof(at))
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], entry, sizeof(*entry)), sizeof(*entry));
	close(fds[0]);
	assert_int_not_equal(*entry, 0);
	return pid;
}

static void check_found(pid_t pid, const char *module, uint64_t entry)
{
	uint64_t addr = 0, offset;
	const char *name;
	struct im_image *im;

	assert_null(im_open_live(pid, &im));
	assert_true(im_symbol(im, module, "heapsh_plugin_0", &addr, NULL));
	assert_int_equal(addr, entry);
	assert_true(im_symbol_at(im, addr, &name, &offset));
	assert_string_equal(name, "heapsh_plugin_0");
	im_destroy(im);
}

/** A local symbol is in .symtab only: that takes the very file. */
static void check_local(pid_t pid, const char *module)
{
	struct im_image *im;
	uint64_t addr;

	assert_null(im_open_live(pid, &im));
	assert_true(im_symbol(im, module, "ranges", &addr, NULL));
	im_destroy(im);
}

static void a_file_that_was_removed_or_replaced_is_still_found(void **state)
{
	static const char name[] = "odd name\nof a.so";
	const char *top = getenv("abs_top_builddir");
	HS_FREE char *from = hs_xasprintf(
		"%s/plugins/example/.libs/example.so", top ? top : ".");
	HS_FREE char *path = NULL;
	uint64_t entry;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path = hs_xasprintf("%s/%s", folder, name);
	copy_file(from, path);
	pid = load_in_child(path, &entry);
	check_found(pid, name, entry);
	check_local(pid, name);
	unlink(path);
	check_found(pid, name, entry);
	if (!geteuid())		// map_files is root's
		check_local(pid, name);
	copy_file("/proc/self/exe", path);
	check_found(pid, name, entry);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_process_reads_alike),
		cmocka_unit_test(a_clone_reads_alike),
		cmocka_unit_test(a_copy_reads_alike),
		cmocka_unit_test(a_core_reads_alike),
		cmocka_unit_test(literal_bytes_read_alike),
		cmocka_unit_test(a_process_that_is_gone_has_no_bytes),
		cmocka_unit_test(symbols_are_where_the_linker_put_them),
		cmocka_unit_test(without_a_file_the_memory_has_the_symbols),
		cmocka_unit_test(
			a_file_that_was_removed_or_replaced_is_still_found),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, start_child, stop_child) != 0;
}
