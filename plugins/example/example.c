// SPDX-License-Identifier: Apache-2.0
// A plugin for the toy runtime of toyheap.h: read it beside plugin.h. This file
// is what the host meets first; heap.c finds objects and their references, and
// queries.c answers questions about one. No pointer of the process is ever
// followed: all bytes come from the host.
#include "example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct heapsh_host *host;

static int read_heap(struct heapsh_image *im, struct ex_heap *h)
{
	uint64_t at = host->symbol(im, NULL, "example_heap", NULL);

	return at && host->read(im, at, h, sizeof(*h)) == sizeof(*h) &&
	       !memcmp(h->magic, EX_MAGIC, sizeof(h->magic));
}

// The process runs meanwhile: a symbol and a few words have to decide.
static void probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	struct ex_heap h;

	if (!read_heap(im, &h))
		return;
	// What is known and not understood is refused, in a whole sentence.
	ret->answer = h.version == 1 ? HEAPSH_YES : HEAPSH_REFUSED;
	ret->confidence = 100;
	snprintf(ret->runtime, sizeof(ret->runtime), "Example");
	snprintf(ret->version, sizeof(ret->version), "%u", h.version);
	snprintf(ret->reason, sizeof(ret->reason), "the process has version "
		 "%u of example_heap, and this plugin reads 1", h.version);
}

// An instant begins: tell the host the types and find the arenas. The list of
// arenas may lie or go round in circles, so that its walk has a bound.
static const char *open_state(struct heapsh_image *im, void **ret,
			      struct heapsh_status *status)
{
	static const char *const names[EX_TYPES] = EX_NAMES;
	struct state *s = calloc(1, sizeof(*s));
	struct ex_arena a;
	uint64_t at, i;

	if (!s || !read_heap(im, &s->heap)) {
		free(s);
		return "example_heap cannot be read";
	}
	s->host = host;
	s->im = im;
	for (i = EX_TEXT; i < EX_TYPES; i++) {
		struct heapsh_type t = { .size = sizeof(t) };

		t.name.s = names[i];
		t.name.n = strlen(names[i]);
		t.flags = i == EX_TEXT ? HEAPSH_TYPE_LEAF | HEAPSH_TYPE_TEXT :
			  i == EX_TABLE ? HEAPSH_TYPE_TABLE :
			  i >= EX_RECORD ? HEAPSH_TYPE_OWNS_TABLE : 0;
		t.basic_size = sizeof(struct ex_object);
		t.item_size = i == EX_TEXT ? 1 : 8;
		s->type[i] = host->type(im, &t);
	}
	for (at = s->heap.arenas; at && !(at % EX_ARENA) &&
	     s->n_arenas < EX_ARENAS_MAX; at = a.next) {
		if (host->read(im, at, &a, sizeof(a)) < sizeof(a))
			break;
		s->arena[s->n_arenas].start = at;
		s->arena[s->n_arenas++].end = at + EX_ARENA;
	}
	snprintf(status->layout, sizeof(status->layout), "toyheap.h, "
		 "version 1");
	*ret = s;
	return NULL;
}

// Members that are left out are NULL: not known of this runtime. The process
// settles by itself between two calls, so that there is no settle here.
static const struct heapsh_plugin plugin = {
	.size = sizeof(plugin), .abi_minor = HEAPSH_ABI_MINOR,
	.name = "example", .version = "1", .license = "Apache-2.0",
	.probe = probe, .open = open_state, .close = free,
	.ranges = example_ranges, .sweep = example_sweep, .at = example_at,
	.roots = example_roots,
	.render = example_render, .lookup = example_lookup,
	.attr = example_attr, .item = example_item, .names = example_names,
	.measure = example_measure, .get_interface = example_get_interface,
};

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	host = h;
	return &plugin;
}
