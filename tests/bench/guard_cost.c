/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard_cost PID PLUGIN: what the host's guard costs. Each MiB of the plugin's
 * ranges of a process that holds still is read once, then swept twice, through
 * md_sweep() and by calling the plugin, in turns; into a sink that only counts.
 * Prints, a line each for the first pass and for one with all references:
 *
 *	NAME OBJECTS REFERENCES NS_GUARDED NS_BARE
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model_priv.h"

enum { CHUNK = 1 << 20, RANGES = 1 << 16 };

struct sum {
	struct heapsh_sink sink;	/* first */
	uint64_t objects, edges, mixed;
};

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct sum *s = (struct sum *)sink;

	s->objects++;
	s->mixed += o->address ^ o->flat;
}

static void on_objects(struct heapsh_sink *sink, const struct heapsh_object *o,
		       uint32_t n)
{
	while (n--)
		on_object(sink, o++);
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct sum *s = (struct sum *)sink;

	s->edges++;
	s->mixed += e->target;
}

static void on_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	((struct sum *)sink)->mixed += addr;
}

static void must(struct hs_err *err)
{
	if (!err)
		return;
	fprintf(stderr, "guard_cost: %s\n", err->message);
	exit(1);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct bench {
	struct md_model *m;
	struct im_reader *reader;
	struct sum guarded, bare;
	uint64_t guarded_ns, bare_ns;
};

static void sweep_both(struct bench *b, const struct heapsh_chunk *c,
		       bool bare_first)
{
	struct md_reader direct = { .inner = b->reader, .own = b->m->own,
				    .limit = UINT64_MAX };
	uint64_t at;
	int i;

	for (i = 0; i < 2; i++) {
		at = cpu_ns();
		if ((i == 0) == bare_first) {
			b->bare.sink.reader = &direct;
			b->m->plugin->sweep(b->m->state, c, &b->bare.sink);
			b->bare_ns += cpu_ns() - at;
		} else {
			b->guarded.sink.reader = b->reader;
			md_sweep(b->m, c, &b->guarded.sink);
			b->guarded_ns += cpu_ns() - at;
		}
	}
}

static void sweep_range(struct bench *b, const struct heapsh_range *r,
			uint8_t *buf)
{
	struct heapsh_chunk c = { .size = sizeof(c), .bytes = buf };
	uint64_t end;

	for (c.address = r->start; c.address < r->end; c.address = end) {
		end = (c.address | (CHUNK - 1)) + 1;
		end = end < r->end ? end : r->end;
		c.len = md_read(b->m, c.address, buf, end - c.address);
		if (c.len != end - c.address)
			continue;
		md_reader_lend(b->reader, c.address, buf, c.len);
		// who comes first finds cold caches: in turns
		sweep_both(b, &c, c.address >> 20 & 1);
		md_reader_lend(b->reader, 0, NULL, 0);
	}
}

static void measure(struct bench *b, const char *name, uint32_t want)
{
	HS_FREE struct heapsh_range *r = hs_xcalloc(RANGES, sizeof(*r));
	HS_FREE uint8_t *buf = aligned_alloc(4096, CHUNK);
	const struct sum zero = { .sink = { sizeof(zero.sink), want, on_object,
					    on_edge, on_nothing, NULL,
					    on_objects } };
	uint64_t grain;
	uint32_t n = md_ranges(b->m, r, RANGES, &grain), i;

	b->guarded_ns = b->bare_ns = 0;
	b->guarded = b->bare = zero;
	for (i = 0; i < n && i < RANGES; i++)
		sweep_range(b, &r[i], buf);
	if (b->guarded.mixed != b->bare.mixed)
		fprintf(stderr, "guard_cost: the guard took something away\n");
	printf("%s %llu %llu %llu %llu\n", name,
	       (unsigned long long)b->guarded.objects,
	       (unsigned long long)b->guarded.edges,
	       (unsigned long long)b->guarded_ns,
	       (unsigned long long)b->bare_ns);
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct hs_task task;
	struct md_claim claim;
	struct im_image *im;
	struct md_host *host;
	uint64_t pid = 0;

	if (argc != 3 || !hs_parse_u64(argv[1], &pid))
		return 2;
	hs_task_init(&task, NULL, NULL);
	must(md_host_create(NULL, 0, NULL, 0, NULL, 0, &host));
	must(md_load(host, argv[2]));
	must(im_open_live((int)pid, &im));
	must(md_probe(host, im, &claim));
	must(md_open(host, &claim, im, &task, &b.m));
	must(md_reader_create(b.m, NULL, &b.reader));
	measure(&b, "first", HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
			     HEAPSH_WANT_SIZES | HEAPSH_WANT_FRONTIER);
	measure(&b, "rows", HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES);
	md_reader_destroy(b.reader);
	md_close(b.m);
	im_destroy(im);
	md_host_destroy(host);
	return 0;
}
