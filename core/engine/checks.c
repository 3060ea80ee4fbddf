// SPDX-License-Identifier: Apache-2.0
// What plugin-check looks at: the plugin as a whole, and its pools. What the
// host's own guard finds is added to it.
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "text.h"

enum {
	FUZZED = 200,		/* chunks with flipped bytes */
	THREADS = 4,
};

static void check_load(struct en_check *c)
{
	const struct md_plugin_info *info;

	md_plugins(c->host, &info);
	en_fine(c, "%s %s, for ABI %d.%u", info->name, info->version,
		HEAPSH_ABI_MAJOR, info->abi_minor);
}

/** A process of nobody: no claim; open() says so in a sentence. */
static void check_garbage(struct en_check *c)
{
	struct md_claim claim;
	struct hs_err *err = md_probe(c->host, c->garbage, &claim);

	if (!err) {
		en_wrong(c, "it claims a process of random bytes: %s %s",
			 claim.claim.runtime, claim.claim.version);
		return;
	}
	hs_err_free(err);
	en_fine(c, "random bytes are not claimed");
}

static void check_probe(struct en_check *c)
{
	const struct heapsh_claim *k = &c->claim.claim;

	if (!k->runtime[0] || !k->version[0])
		en_wrong(c, "its claim has no name of a runtime or no version");
	en_fine(c, "%s %s, %u %%: %s", k->runtime, k->version, k->confidence,
		k->reason);
}

void en_check_settle(struct en_check *c)
{
	struct heapsh_settle *s = &c->ret->settle;

	md_settle(c->host, &c->claim, c->image, s);
	if (!c->claim.plugin->settle)
		en_absent(c, "each instant is taken as it is");
	else if (!strcmp(s->why, "the plugin's settle script is wrong"))
		en_wrong(c, "its script has too many or too long writes, or "
			 "names no thread");
	else if (s->flags)
		en_fine(c, "%s%s%s", s->flags & HEAPSH_SETTLE_CONSISTENT ?
			"consistent as it is" : "cannot be settled",
			s->why[0] ? ": " : "", s->why);
	else
		en_fine(c, "%u writes, then thread %u runs", s->n_writes,
			s->thread);
}

static void check_open(struct en_check *c)
{
	uint32_t n = md_n_types(c->model);

	md_close(c->model);
	c->model = NULL;
	if (md_open(c->host, &c->claim, c->image, c->task, &c->model))
		en_wrong(c, "it opens an instant once, and not again");
	else if (md_n_types(c->model) != n)
		en_wrong(c, "it told of %u types, and when opened again of %u",
			 n, md_n_types(c->model));
	en_fine(c, "%u types at once; layout: %s", n,
		c->model ? md_status(c->model)->layout : "");
}

static void check_belief(struct en_check *c)
{
	struct hs_err *err = md_believe(c->model, true);

	if (err)
		en_wrong(c, "%s", err->message);
	hs_err_free(err);
	en_fine(c, "some hundred objects, asked for twice, are the same");
}

/* --- pools --------------------------------------------------------------- */

struct counter {
	struct heapsh_sink sink;	/* first */
	uint64_t objects, edges, hash;
};

static void count_object(struct heapsh_sink *sink,
			 const struct heapsh_object *o)
{
	struct counter *k = (struct counter *)sink;

	k->objects++;
	k->hash = (k->hash ^ o->address ^ o->type) *
		  UINT64_C(0x100000001b3);
}

static void count_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct counter *k = (struct counter *)sink;

	(void)e;
	k->edges++;
}

/** A chunk at the beginning of the first range; bytes is malloc'ed. */
struct piece {
	struct heapsh_chunk chunk;
	uint8_t *bytes;
};

static void piece_deinit(struct piece *p)
{
	free(p->bytes);
}
#define PIECE HS_CLEANUP(piece_deinit) struct piece

static bool first_piece(struct en_check *c, struct piece *p)
{
	struct heapsh_range r[64];
	uint64_t grain, len;

	if (!md_ranges(c->model, r, HS_ARRAY_SIZE(r), &grain))
		return false;
	len = r[0].end - r[0].start < grain ? r[0].end - r[0].start : grain;
	p->bytes = hs_xalloc(len);
	p->chunk = (struct heapsh_chunk){ sizeof(p->chunk), 0, r[0].start, len,
					  p->bytes };
	md_read(c->model, r[0].start, p->bytes, len);
	return true;
}

static void sweep(struct en_check *c, const struct piece *p, uint32_t want,
		  struct counter *ret)
{
	struct im_reader *reader;

	memset(ret, 0, sizeof(*ret));
	ret->sink = (struct heapsh_sink){ .size = sizeof(ret->sink),
					  .want = want,
					  .object = count_object,
					  .edge = count_edge };
	hs_err_free(md_reader_create(c->model, NULL, &reader));
	ret->sink.reader = reader;
	md_reader_lend(reader, p->chunk.address, p->bytes, p->chunk.len);
	md_sweep(c->model, &p->chunk, &ret->sink);
	md_reader_destroy(reader);
}

static void check_ranges(struct en_check *c)
{
	const struct heapsh_plugin *p = c->claim.plugin;
	HS_FREE struct heapsh_range *r = hs_xcalloc(1 << 16, sizeof(*r));
	uint64_t grain = 0, bytes = 0;
	uint32_t n, i;

	if (!p->ranges != !p->sweep)
		en_wrong(c, "ranges() and sweep() go together");
	if (!p->ranges) {
		en_absent(c, "no pools: the heap is what roots lead to");
		return;
	}
	n = md_ranges(c->model, r, 1 << 16, &grain);
	if (!grain)
		en_wrong(c, "its grain is no power of two from 4 KiB to 1 MiB");
	for (i = 0; i < n && i < 1 << 16; i++)
		bytes += r[i].end - r[i].start;
	if (!n)
		en_wrong(c, "it has no range: nothing is swept");
	en_fine(c, "%u ranges of %llu KiB, in grains of %llu KiB", n,
		(unsigned long long)(bytes >> 10),
		(unsigned long long)(grain >> 10));
}

static void check_sweep(struct en_check *c)
{
	const uint32_t all = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
			     HEAPSH_WANT_SIZES;
	struct counter with, without, frontier;
	PIECE p = { 0 };

	if (!first_piece(c, &p)) {
		en_absent(c, "no pools");
		return;
	}
	sweep(c, &p, all, &with);
	sweep(c, &p, HEAPSH_WANT_OBJECTS, &without);
	sweep(c, &p, all | HEAPSH_WANT_FRONTIER, &frontier);
	if (with.hash != without.hash)
		en_wrong(c, "there are %llu objects when edges are wanted, and "
			 "%llu others when not",
			 (unsigned long long)with.objects,
			 (unsigned long long)without.objects);
	if (with.hash != frontier.hash)
		en_wrong(c, "HEAPSH_WANT_FRONTIER changes which objects there "
			 "are");
	if (without.edges)
		en_wrong(c, "references are emitted that nobody wants: this "
			 "costs time");
	en_fine(c, "%llu objects, %llu references in %llu KiB",
		(unsigned long long)with.objects,
		(unsigned long long)with.edges,
		(unsigned long long)(p.chunk.len >> 10));
}

/** What a hostile process would show it. */
static void check_fuzz(struct en_check *c)
{
	struct counter k;
	PIECE p = { 0 };
	uint64_t i, flips;

	if (!first_piece(c, &p)) {
		en_absent(c, "no pools");
		return;
	}
	for (i = 0; i < FUZZED; i++) {
		for (flips = 0; flips < 1 + i / 4; flips++)
			p.bytes[en_random(c, p.chunk.len)] ^=
				(uint8_t)(1 << en_random(c, 8));
		sweep(c, &p, HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES, &k);
	}
	// A sweep of rubbish may name rubbish; the guard's complaints stand.
	en_fine(c, "%d chunks with flipped bits do it no harm", FUZZED);
}

struct crew {
	struct en_check *c;
	const struct piece *p;
	_Atomic unsigned n;
	struct counter k[THREADS];
};

static void *sweep_alone(void *arg)
{
	struct crew *crew = arg;
	unsigned thread = atomic_fetch_add(&crew->n, 1);
	int i;

	for (i = 0; i < 8; i++)
		sweep(crew->c, crew->p, HEAPSH_WANT_OBJECTS |
		      HEAPSH_WANT_EDGES | HEAPSH_WANT_SIZES, &crew->k[thread]);
	return NULL;
}

static void check_threads_sweep(struct en_check *c)
{
	struct crew crew = { .c = c };
	pthread_t threads[THREADS];
	PIECE p = { 0 };
	unsigned i, n;

	if (!first_piece(c, &p)) {
		en_absent(c, "no pools");
		return;
	}
	crew.p = &p;
	for (n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, sweep_alone, &crew))
			break;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (i = 1; i < n; i++)
		if (crew.k[i].hash != crew.k[0].hash ||
		    crew.k[i].edges != crew.k[0].edges)
			en_wrong(c, "%d threads that sweep the same chunk see "
				 "different objects", THREADS);
	en_fine(c, "%d threads see the same", THREADS);
}

const struct en_check_row en_checks[] = {
	{ "load", EN_LOADED, true, check_load },
	{ "garbage", EN_LOADED, false, check_garbage },
	{ "probe", EN_CLAIMED, true, check_probe },
	{ "settle", EN_CLAIMED, false, en_check_settle },
	{ "open", EN_OPEN, true, check_open },
	{ "ranges", EN_OPEN, false, check_ranges },
	{ "sweep", EN_OPEN, false, check_sweep },
	{ "sweep by threads", EN_OPEN, false, check_threads_sweep },
	{ "sweep of garbage", EN_OPEN, false, check_fuzz },
	{ "same answer twice", EN_OPEN, false, check_belief },
	{ "roots", EN_OPEN, false, en_check_roots },
	{ "at", EN_SAMPLED, false, en_check_at },
	{ "references", EN_SAMPLED, false, en_check_edges },
	{ "render", EN_SAMPLED, false, en_check_render },
	{ "names, lookup, attr", EN_SAMPLED, false, en_check_names },
	{ "item", EN_SAMPLED, false, en_check_items },
	{ "measure", EN_SAMPLED, false, en_check_measure },
	{ "threads", EN_OPEN, false, en_check_interfaces },
	{ "content", EN_SAMPLED, false, en_check_content },
	{ "close", EN_OPEN, false, en_check_close },
};
const size_t en_n_checks = HS_ARRAY_SIZE(en_checks);
