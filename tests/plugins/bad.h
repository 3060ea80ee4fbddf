/* SPDX-License-Identifier: Apache-2.0 */
/** A plugin that does nothing, for the others here to spoil in one place. */
#ifndef HS_TESTS_BAD_H
#define HS_TESTS_BAD_H

#include <heapsh/plugin.h>

static inline void bad_probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	(void)im;
	ret->answer = HEAPSH_YES;
	ret->confidence = 1;	// anyone else's process is theirs
}

static inline const char *bad_open(struct heapsh_image *im, void **state,
				   struct heapsh_status *ret)
{
	(void)ret;
	*state = im;
	return NULL;
}

static inline void bad_at(void *state, const uint64_t *addr, uint32_t n,
			  struct heapsh_sink *sink)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < n; i++)
		sink->nothing(sink, addr[i]);
}

static inline void bad_roots(void *state,
			     void (*emit)(void *arg,
					  const struct heapsh_root *root),
			     void *arg)
{
	(void)state;
	(void)emit;
	(void)arg;
}

/* Followed by the probe: BAD_PLUGIN(bad_open), .probe = crash */
#define BAD_PLUGIN(open_fn) \
	.size = sizeof(struct heapsh_plugin), \
	.abi_minor = HEAPSH_ABI_MINOR, .name = "bad", .version = "1", \
	.license = "Apache-2.0", .open = (open_fn), .at = bad_at, \
	.roots = bad_roots

#endif
