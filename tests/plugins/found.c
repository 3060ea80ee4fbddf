// SPDX-License-Identifier: Apache-2.0
// For HEAPSH_EDGE_FOUND, HEAPSH_ROOT_FOUND and HEAPSH_WANT_FRONTIER: what it
// emits is written in the image, and how it takes the last is, too.
#include <heapsh/plugin.h>

#include "found.h"

static const struct heapsh_host *host;

static struct found_head head_of(struct heapsh_image *im)
{
	struct found_head h = { 0 };

	if (!heapsh_read(host, im, FOUND_HEAD, &h, sizeof(h)))
		h.magic = 0;
	return h;
}

static void probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	if (head_of(im).magic == FOUND_MAGIC)
		heapsh_answer_claim(ret, HEAPSH_YES, "Found", "1", "it is");
}

static const char *begin(struct heapsh_image *im, void **state,
			 struct heapsh_status *ret)
{
	(void)ret;
	*state = im;
	heapsh_add_type(host, im, "thing", HEAPSH_TYPE_OWNS_TABLE, 64, 0);
	heapsh_add_type(host, im, "table", HEAPSH_TYPE_TABLE, 64, 0);
	return NULL;
}

static uint32_t ranges(void *state, struct heapsh_range *ret, uint32_t cap,
		       uint64_t *grain)
{
	(void)state;
	*grain = 1 << 16;
	heapsh_put_range(ret, cap, 0, FOUND_RANGE, FOUND_RANGE_END);
	return 1;
}

/** May this one be left out? chunk: NULL of at(). */
static int is_spared(const struct heapsh_chunk *chunk, uint64_t target,
		     uint32_t flags)
{
	return chunk && target - chunk->address < chunk->len &&
	       !(flags & (HEAPSH_EDGE_TABLE | HEAPSH_EDGE_FOUND));
}

static void edges(const struct found_object *o, uint64_t mode,
		  const struct heapsh_chunk *chunk, struct heapsh_sink *sink)
{
	int frontier = (sink->want & HEAPSH_WANT_FRONTIER) != 0;
	int i;

	for (i = 0; i < FOUND_EDGES; i++) {
		uint32_t flags = (uint32_t)(o->edges[i] >> 56);
		uint64_t target = o->edges[i] << 8 >> 8;

		if (flags & HEAPSH_EDGE_FOUND && !frontier &&
		    mode != FOUND_LOUD)
			continue;
		if (mode == FOUND_LEAN && frontier &&
		    is_spared(chunk, target, flags))
			continue;
		heapsh_add_edge(sink, target, flags, HEAPSH_LABEL_INDEX,
				(uint64_t)i, 0, NULL);
	}
}

static int emit(struct heapsh_image *im, uint64_t addr,
		const struct heapsh_chunk *chunk, struct heapsh_sink *sink)
{
	uint64_t mode = head_of(im).mode;
	struct found_object o;

	if (!heapsh_read(host, im, addr, &o, sizeof(o)) ||
	    o.magic != FOUND_MAGIC)
		return 0;
	heapsh_add_object(sink, addr, o.is_table != 0, sizeof(o), sizeof(o), 0);
	if (sink->want & HEAPSH_WANT_EDGES)
		edges(&o, mode, chunk, sink);
	return 1;
}

static void sweep(void *state, const struct heapsh_chunk *c,
		  struct heapsh_sink *sink)
{
	uint64_t i;

	for (i = 0; i + sizeof(struct found_object) <= c->len; i += 64) {
		if (!memcmp(c->bytes + i, "\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0",
			    8))
			emit((struct heapsh_image *)state, c->address + i, c,
			     sink);
	}
}

static void at(void *state, const uint64_t *addr, uint32_t n,
	       struct heapsh_sink *sink)
{
	for (; n--; addr++) {
		if (!emit((struct heapsh_image *)state, *addr, NULL, sink))
			sink->nothing(sink, *addr);
	}
}

static void roots(void *state, heapsh_root_fn *fn, void *arg)
{
	struct found_head h = head_of((struct heapsh_image *)state);
	int i;

	for (i = 0; i < FOUND_ROOTS && h.roots[i].target; i++)
		heapsh_add_root(fn, arg, h.roots[i].target,
				(uint32_t)h.roots[i].flags, "root%d", i);
}

static const struct heapsh_plugin plugin = {
	.size = sizeof(plugin), .abi_minor = HEAPSH_ABI_MINOR, .name = "found",
	.version = "1", .license = "Apache-2.0", .probe = probe, .open = begin,
	.ranges = ranges, .sweep = sweep, .at = at, .roots = roots,
};

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	host = h;
	return &plugin;
}
