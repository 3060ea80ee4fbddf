// SPDX-License-Identifier: Apache-2.0
// Memory that follows the target: counted, bounded, given back.
#include "task.h"
#include "text.h"

#include <sys/mman.h>

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

struct hs_err *hs_big_alloc(struct hs_task *t, uint64_t size, void **ret)
{
	HS_TEXT want = { 0 };
	struct hs_err *err;
	void *p;

	err = charge(t->budget, size);
	if (err)
		return err;
	p = get_zeroed(size);
	if (!p) {
		if (t->budget)
			atomic_fetch_sub(&t->budget->used, size);
		hs_text_size(&want, size);
		return hs_err_new(HS_ERR_NOMEM,
				  "get %s of memory: the system has no more",
				  hs_text_str(&want));
	}
	*ret = p;
	return NULL;
}

void hs_big_free(struct hs_budget *b, void *p, uint64_t size)
{
	if (!p)
		return;
	if (size < MAP_FROM)
		free(p);
	else
		munmap(p, size);
	if (b)
		atomic_fetch_sub(&b->used, size);
}
