// SPDX-License-Identifier: Apache-2.0
// How long do nodes, rows, reach, partitions and deep sizes of a large heap
// take, and how much memory of ours? The heap is made of toy objects in the
// shape of the account heap of many services: of ten objects one is an
// instance with its table, a list of seven leaves; a fifth of the leaves is
// shared. usage: graph_heap [millions of objects [threads]]
#include "analysis.h"

#include "text.h"
#include "toymodel.h"

#include <sys/resource.h>

enum {
	ACCOUNT, TABLE, LIST, LEAF,
	GRAIN = 16384,
};
#define HEAP UINT64_C(0x7f0000000000)
#define STATICS UINT64_C(0x550000000000)

struct bench {
	struct toy *toy;
	struct hs_budget budget;
	struct hs_task task;
	struct gr_graph *g;
	uint64_t at, n, edges;
	uint64_t none;		/* an object outside that everybody names */
	uint64_t started;
};

/* Where the next object goes: none crosses a grain. */
static uint64_t place(struct bench *b, uint32_t n_words)
{
	uint64_t size = TOY_HEAD + (n_words + 1) / 2 * 16, addr;

	if (GRAIN - (b->at & (GRAIN - 1)) < size)
		b->at = hs_align_up(b->at, GRAIN);
	addr = b->at;
	b->at += size;
	return addr;
}

static uint64_t put(struct bench *b, uint32_t type, uint32_t flat,
		    uint32_t n_words, const uint64_t *words)
{
	struct toy_object o = { .addr = place(b, n_words), .type = type,
				.flat = flat, .held = flat, .refcount = 1,
				.n_words = n_words, .words = words };

	toy_put(b->toy, &o);
	b->n++;
	b->edges += n_words;
	return o.addr;
}

static void fill(struct bench *b, uint64_t n)
{
	uint64_t words[8], leaf[8], shared = b->none, table;
	unsigned i;

	while (b->n < n) {
		for (i = 0; i < 7; i++)
			leaf[i] = put(b, LEAF,
				      (uint32_t)(28 + b->n * 7919 % 90), 0,
				      NULL);
		leaf[6] = b->n % 5 ? leaf[6] : shared;
		shared = b->n % 3 ? shared : leaf[3];
		for (i = 0; i < 7; i++)
			words[i] = toy_edge(leaf[i], 0, HEAPSH_LABEL_INDEX);
		words[0] = toy_edge(put(b, LIST, 120, 7, words), 0, 1);
		words[1] = toy_edge(b->none, 0, 1);
		table = put(b, TABLE, 104, 2, words);
		words[0] = toy_edge(table, HEAPSH_EDGE_TABLE, 1);
		words[1] = toy_edge(STATICS, HEAPSH_EDGE_CONTEXT, 1);
		put(b, ACCOUNT, 56, 2, words);
	}
}

static void make_heap(struct bench *b, uint64_t n)
{
	struct toy_object o = { .addr = STATICS, .type = LEAF };

	b->toy = toy_create();
	toy_type(b->toy, "Account", HEAPSH_TYPE_OWNS_TABLE, STATICS, false);
	toy_type(b->toy, "table", HEAPSH_TYPE_TABLE, 0, false);
	toy_type(b->toy, "list", 0, 0, false);
	toy_type(b->toy, "leaf", HEAPSH_TYPE_LEAF, 0, false);
	toy_map(b->toy, STATICS, 1 << 20, false);
	toy_put(b->toy, &o);
	o.addr = b->none = STATICS + 64;
	toy_put(b->toy, &o);
	toy_map(b->toy, HEAP, n * 80 + (1 << 20), false);
	b->at = HEAP;
	fill(b, n);
	toy_claim(b->toy, HEAP, hs_align_up(b->at, GRAIN) - HEAP);
}

static long resident_kib(void)
{
	long kib = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%*d %ld", &pages) == 1)
		kib = pages * 4;
	if (f)
		fclose(f);
	return kib;
}

static void begin(struct bench *b)
{
	atomic_store(&b->budget.peak, atomic_load(&b->budget.used));
	b->started = hs_now_ns();
}

static void end(struct bench *b, const char *what)
{
	double ns = (double)(hs_now_ns() - b->started);
	double n = (double)b->n;

	printf("%-24s %8.3f s %7.1f ns/object, kept %5.1f, peak %5.1f "
	       "B/object, resident %ld MiB\n",
	       what, ns / 1e9, ns / n,
	       (double)atomic_load(&b->budget.used) / n,
	       (double)atomic_load(&b->budget.peak) / n,
	       resident_kib() / 1024);
}

static void must(struct hs_err *err)
{
	if (!err)
		return;
	fprintf(stderr, "graph_heap: %s\n", err->message);
	exit(1);
}

static void no_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	(void)sink;
	(void)o;
}

static void no_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	(void)sink;
	(void)e;
}

/* What reading and the toy's own recognising take, one thread. */
static void run_toy_alone(struct bench *b)
{
	struct heapsh_sink sink = { .size = sizeof(sink),
				    .want = HEAPSH_WANT_OBJECTS |
					    HEAPSH_WANT_EDGES,
				    .object = no_object, .edge = no_edge };
	struct md_model *m = toy_model(b->toy);
	struct heapsh_chunk chunk = { .size = sizeof(chunk) };
	uint8_t *buf = aligned_alloc(4096, 1 << 20);
	struct im_reader *reader;

	must(md_reader_create(m, NULL, &reader));
	sink.reader = reader;
	begin(b);
	for (chunk.address = HEAP; chunk.address < b->at;
	     chunk.address += 1 << 20) {
		chunk.len = md_read(m, chunk.address, buf, 1 << 20);
		chunk.bytes = buf;
		md_reader_lend(reader, chunk.address, buf, chunk.len);
		md_sweep(m, &chunk, &sink);
	}
	end(b, "toy alone, one thread");
	md_reader_destroy(reader);
	free(buf);
}

static void run(struct bench *b, unsigned threads)
{
	struct an_size_options o;
	struct an_partition *p;
	struct gr_set *s, *reached;
	uint64_t addr, size;

	begin(b);
	must(gr_build(toy_model(b->toy), &b->task, threads, &b->g));
	end(b, "nodes");
	printf("%u nodes, %zu shapes\n", gr_n(b->g),
	       gr_shapes(b->g, &(const struct gr_shape *){ NULL }));
	must(gr_set_all(b->g, &s));
	begin(b);
	must(an_partition(s, AN_BY_CLODO, &b->task, &p));
	end(b, "partition of all");
	an_partition_destroy(p);
	begin(b);
	must(gr_need_rows(b->g, &b->task));
	end(b, "rows");
	begin(b);
	must(gr_set_reachable(b->g, &b->task, &reached));
	end(b, "reach");
	begin(b);
	must(an_partition(reached, AN_BY_CLODO, &b->task, &p));
	end(b, "partition of a bitmap");
	an_partition_destroy(p);
	gr_set_unref(reached);
	gr_set_unref(s);
	an_size_options_init(&o);
	addr = HEAP - 64;
	begin(b);
	must(an_asizeof(toy_model(b->toy), &addr, 1, &o, &b->task, &size));
	end(b, "asizeof of all");
	printf("%llu bytes\n", (unsigned long long)size);
}

/* One list that names every account, just below the heap: the root. */
static void make_root(struct bench *b)
{
	uint64_t n = b->n / 10, at = HEAP - (UINT64_C(1) << 40), i;
	uint64_t *words = calloc(n, sizeof(*words));
	struct toy_object o = { .addr = HEAP - 64, .type = LIST,
				.n_words = (uint32_t)n, .words = words,
				.words_at = at, .refcount = 1 };
	uint64_t addr = HEAP, size;

	toy_map(b->toy, at, n * 8, false);
	toy_map(b->toy, HEAP - 4096, 4096, false);
	// As fill() lays them out: seven leaves, list, table, account.
	for (i = 0; i < n; i++) {
		unsigned k;

		for (k = 0; k < 10; k++) {
			size = TOY_HEAD + (k == 7 ? 64 : k > 7 ? 16 : 0);
			if (GRAIN - (addr & (GRAIN - 1)) < size)
				addr = hs_align_up(addr, GRAIN);
			words[i] = addr;
			addr += size;
		}
	}
	toy_put(b->toy, &o);
	toy_root(b->toy, o.addr, "root");
	free(words);
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	uint64_t millions = 2, threads = 0;
	struct rusage usage;

	if (argc > 1)
		(void)hs_parse_u64(argv[1], &millions);
	if (argc > 2)
		(void)hs_parse_u64(argv[2], &threads);
	hs_task_init(&b.task, NULL, &b.budget);
	make_heap(&b, millions * 1000000);
	make_root(&b);
	printf("%llu objects, %llu edges, %llu MiB, resident %ld MiB\n",
	       (unsigned long long)b.n, (unsigned long long)b.edges,
	       (unsigned long long)(b.at - HEAP) >> 20,
	       resident_kib() / 1024);
	run_toy_alone(&b);
	run(&b, (unsigned)threads);
	gr_destroy(b.g);
	toy_destroy(b.toy);
	getrusage(RUSAGE_SELF, &usage);
	printf("most resident %ld MiB\n", usage.ru_maxrss / 1024);
	return 0;
}
