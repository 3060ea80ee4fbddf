// SPDX-License-Identifier: Apache-2.0
// Memory that follows the target: counted, bounded, given back.
#include "task.h"
#include "text.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
	/* From here on mmap(): given back to the system at once, and zeroed
	 * by it page by page, as they are used. */
	MAP_FROM = 256 * 1024,
};

static struct hs_err *over_limit(const struct hs_budget *b, uint64_t size,
				 uint64_t used)
{
	HS_TEXT want = { 0 }, limit = { 0 }, have = { 0 };
	uint64_t total;

	hs_text_size(&want, size);
	hs_text_size(&limit, b->limit);
	hs_text_size(&have, used);
	if (hs_add_overflows(used, size, &total))
		total = UINT64_MAX;
	return hs_err_remedy(
		hs_err_new(HS_ERR_NOMEM,
			   "get %s of memory: the limit is %s, in use are %s",
			   hs_text_str(&want), hs_text_str(&limit),
			   hs_text_str(&have)),
		"set memory=%lluM",
		(unsigned long long)((total >> 20) + 1));
}

static void raise_peak(struct hs_budget *b, uint64_t used)
{
	uint64_t peak = atomic_load(&b->peak);

	// On failure the other thread's peak is in peak: look again.
	while (peak < used &&
	       !atomic_compare_exchange_weak(&b->peak, &peak, used))
		;
}

static struct hs_err *charge(struct hs_budget *b, uint64_t size)
{
	uint64_t used, now;

	if (!b)
		return NULL;
	used = atomic_load(&b->used);
	do {
		if (hs_add_overflows(used, size, &now) ||
		    (b->limit && now > b->limit))
			return over_limit(b, size, used);
	} while (!atomic_compare_exchange_weak(&b->used, &used, now));
	raise_peak(b, now);
	return NULL;
}

static void *get_zeroed(uint64_t size)
{
	void *p;

	if (size < MAP_FROM)
		return calloc(1, size ? size : 1);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static void uncharge(struct hs_budget *b, uint64_t size)
{
	if (b)
		atomic_fetch_sub(&b->used, size);
}

static void give_back(void *p, uint64_t size)
{
	if (size < MAP_FROM)
		free(p);
	else
		munmap(p, size);
}

static struct hs_err *no_more(uint64_t size)
{
	HS_TEXT want = { 0 };

	hs_text_size(&want, size);
	return hs_err_new(HS_ERR_NOMEM,
			  "get %s of memory: the system has no more",
			  hs_text_str(&want));
}

struct hs_err *hs_big_alloc(struct hs_task *t, uint64_t size, void **ret)
{
	struct hs_err *err;
	void *p;

	err = charge(t->budget, size);
	if (err)
		return err;
	p = get_zeroed(size);
	if (!p) {
		uncharge(t->budget, size);
		return no_more(size);
	}
	*ret = p;
	return NULL;
}

/* Large memory is moved by the page tables: never there twice. */
static void *remap(void *p, uint64_t size, uint64_t want)
{
	uint64_t end = want + (uint64_t)sysconf(_SC_PAGESIZE);

	// The page that is cut keeps its bytes, and may grow again.
	if (want < size)
		memset((char *)p + want, 0, (end < size ? end : size) - want);
	p = mremap(p, size, want, MREMAP_MAYMOVE);
	return p == MAP_FAILED ? NULL : p;
}

static void *copied(void *p, uint64_t size, uint64_t want)
{
	void *q = get_zeroed(want);

	if (q && p) {
		memcpy(q, p, size < want ? size : want);
		give_back(p, size);
	}
	return q;
}

struct hs_err *hs_big_resize(struct hs_task *t, void *p, uint64_t size,
			     uint64_t want, void **ret)
{
	uint64_t more = want > size ? want - size : 0;
	struct hs_err *err;
	void *q;

	err = charge(t->budget, more);
	if (err)
		return err;
	if (p && size >= MAP_FROM && want >= MAP_FROM)
		q = remap(p, size, want);
	else
		q = copied(p, size, want);
	if (!q) {
		uncharge(t->budget, more);
		return no_more(want);
	}
	if (want < size)
		uncharge(t->budget, size - want);
	*ret = q;
	return NULL;
}

void hs_big_free(struct hs_budget *b, void *p, uint64_t size)
{
	if (!p)
		return;
	give_back(p, size);
	uncharge(b, size);
}
