// SPDX-License-Identifier: Apache-2.0
// Before a clone is given back: its pages come into our memory, so that what
// was found in it can still be looked at.
#include "copied.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	WINDOW = 16 << 20,	/* bytes looked at and copied at once */
	WINDOW_PAGES = WINDOW / IM_PAGE,
	/*
	 * Of a file, read-only: texts that objects point to (names of types)
	 * are in libraries of this size; a database that is mapped is not.
	 */
	FILE_MAX = 16 << 20,
};

/* Linux, Documentation/admin-guide/mm/pagemap.rst. */
#define PM_PRESENT (UINT64_C(1) << 63)
#define PM_SWAPPED (UINT64_C(1) << 62)

struct keep {
	struct im_image *im;
	struct hs_task *task;
	struct im_copied *copied;
	struct im_kept *out;
	uint64_t limit;
	int pagemap;			/* -1: all pages are taken as present */
	uint64_t pages[WINDOW_PAGES];
};

static bool is_present(uint64_t entry)
{
	return entry & (PM_PRESENT | PM_SWAPPED);
}

/** Which of n pages from addr the process has; returns how many. */
static size_t look(struct keep *k, uint64_t addr, size_t n)
{
	size_t count = 0;
	ssize_t got = -1;

	if (k->pagemap >= 0)
		got = pread(k->pagemap, k->pages, n * sizeof(*k->pages),
			    (off_t)(addr / IM_PAGE * sizeof(*k->pages)));
	for (size_t i = 0; i < n; i++) {
		if (got < (ssize_t)((i + 1) * sizeof(*k->pages)))
			k->pages[i] = PM_PRESENT;
		count += is_present(k->pages[i]);
	}
	return count;
}

/** Pages [i, return) are all present, or all not. */
static size_t run_end(const struct keep *k, size_t i, size_t n)
{
	bool present = is_present(k->pages[i]);

	while (i < n && is_present(k->pages[i]) == present)
		i++;
	return i;
}

static void copy_runs(struct keep *k, uint64_t addr, size_t n, uint8_t *to)
{
	for (size_t i = 0, end; i < n; i = end) {
		uint64_t at = addr + i * IM_PAGE, len, got;

		end = run_end(k, i, n);
		len = (end - i) * IM_PAGE;
		if (!is_present(k->pages[i])) {
			im_copied_add(k->copied, at, NULL, len);
			continue;
		}
		got = im_read(k->im, at, to, len);
		im_copied_add(k->copied, at, to, got);
		k->out->copied += got;
		// A file may be shorter than its mapping.
		if (k->pagemap >= 0)
			k->out->left += len - got;
		to += len;
	}
}

/** False: no more can be kept. */
static bool keep_window(struct keep *k, uint64_t addr, size_t n)
{
	uint64_t size = look(k, addr, n) * IM_PAGE;
	struct hs_err *err;
	void *to = NULL;

	if (k->out->copied + size > k->limit || hs_cancelled(k->task)) {
		k->out->left += size;
		return false;
	}
	err = size ? im_copied_block(k->copied, k->task, size, &to) : NULL;
	if (err) {
		// Over `set memory=`: no fault, but an end.
		hs_err_free(err);
		k->out->left += size;
		return false;
	}
	copy_runs(k, addr, n, to);
	hs_progress_add(k->task, n * IM_PAGE >> 20);
	return true;
}

static bool is_wanted(const struct im_mapping *m)
{
	bool file = m->inode || m->path[0] == '/';

	if (!(m->prot & PROT_READ) || m->shared)
		return false;
	return !file || m->prot & PROT_WRITE || m->end - m->start <= FILE_MAX;
}

/** What is written to first, then the small: large buffers hold no objects. */
static int by_worth(const void *a, const void *b)
{
	const struct im_mapping *x = *(const struct im_mapping *const *)a;
	const struct im_mapping *y = *(const struct im_mapping *const *)b;
	uint64_t xs = x->end - x->start, ys = y->end - y->start;
	bool xw = x->prot & PROT_WRITE, yw = y->prot & PROT_WRITE;

	if (xw != yw)
		return xw ? -1 : 1;
	return xs < ys ? -1 : xs > ys;
}

static void keep_mapping(struct keep *k, const struct im_mapping *m, bool *more)
{
	bool file = m->inode || m->path[0] == '/';
	int pagemap = k->pagemap;

	// A clone has no page of a file until it is touched; reads touch.
	if (file)
		k->pagemap = -1;
	for (uint64_t at = m->start; at < m->end; at += WINDOW) {
		uint64_t n = m->end - at < WINDOW ? m->end - at : WINDOW;

		if (*more)
			*more = keep_window(k, at, n / IM_PAGE);
		else
			k->out->left += look(k, at, n / IM_PAGE) * IM_PAGE;
	}
	k->pagemap = pagemap;
}

static void keep_mappings(struct keep *k)
{
	HS_VEC(const struct im_mapping *) wanted = { 0 };
	uint64_t total = 0;
	bool more = true;

	for (size_t i = 0; i < k->im->n_maps; i++) {
		if (!is_wanted(&k->im->maps[i]))
			continue;
		hs_vec_push(&wanted, &k->im->maps[i]);
		total += k->im->maps[i].end - k->im->maps[i].start;
	}
	if (wanted.n)
		qsort(wanted.v, wanted.n, sizeof(*wanted.v), by_worth);
	hs_progress(k->task, "keeping pages", "MiB", total >> 20);
	for (size_t i = 0; i < wanted.n; i++)
		keep_mapping(k, wanted.v[i], &more);
	hs_progress_end(k->task);
	hs_vec_deinit(&wanted);
}

/** From now on the image is what was copied. */
static void become(struct im_image *im, struct im_copied *copied)
{
	im_copied_sort(copied);
	im->source.destroy(im->ctx);
	im->source = im_copied_source;
	im->ctx = copied;
}

void im_keep(struct im_image *im, struct hs_task *task, uint64_t limit,
	     struct im_kept *ret)
{
	struct keep *k = hs_xalloc(sizeof(*k));
	HS_FREE char *path = NULL;

	*ret = (struct im_kept){ 0 };
	*k = (struct keep){ .im = im, .task = task, .out = ret,
			    .limit = limit, .pagemap = -1 };
	k->copied = im_copied_create(task->budget);
	if (im->root_pid) {
		path = hs_xasprintf("/proc/%d/pagemap", im->root_pid);
		k->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	}
	keep_mappings(k);
	if (k->pagemap >= 0)
		close(k->pagemap);
	become(im, k->copied);
	free(k);
}

void im_forget(struct im_image *im, struct hs_task *task)
{
	become(im, im_copied_create(task->budget));
}
