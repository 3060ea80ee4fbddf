// SPDX-License-Identifier: Apache-2.0
// The reading parts of the CPython plugin in memory that a fuzzer filled: true
// types, and objects of them with anything in their members.
#include "fuzz.h"
#include "layout.h"
#include "lookup.h"
#include "render.h"
#include "roots.h"
#include "viewed.h"

/* Small, so that chance makes structures; the types have a place each. */
#define HEAP UINT64_C(0x7f0000000000)
#define TYPES UINT64_C(0x7f1000000000)
enum { HEAP_SIZE = 16384, TYPE_SIZE = 2048 };

static const struct {
	const char *name;
	uint64_t flags;
} types[] = {
	{ "type", CPYTHON_TP_TYPE },
	{ "object", 0 },
	{ "int", CPYTHON_TP_LONG },
	{ "bool", CPYTHON_TP_LONG },
	{ "str", CPYTHON_TP_UNICODE },
	{ "bytes", CPYTHON_TP_BYTES },
	{ "tuple", CPYTHON_TP_TUPLE },
	{ "list", CPYTHON_TP_LIST },
	{ "dict", CPYTHON_TP_DICT },
	{ "float", 0 }, { "complex", 0 }, { "bytearray", 0 }, { "set", 0 },
	{ "frozenset", 0 }, { "function", 0 }, { "method", 0 },
	{ "builtin_function_or_method", 0 }, { "module", 0 }, { "code", 0 },
	{ "frame", 0 }, { "generator", 0 }, { "range", 0 }, { "slice", 0 },
	{ "cell", 0 }, { "collections.deque", 0 }, { "mappingproxy", 0 },
	{ "collections.defaultdict", CPYTHON_TP_DICT },
	{ "collections.OrderedDict", CPYTHON_TP_DICT },
	{ "types.SimpleNamespace", 0 }, { "dict_items", 0 },
	{ "BaseException", CPYTHON_TP_BASE_EXC }, { "weakref", 0 },
	{ "member_descriptor", 0 }, { "getset_descriptor", 0 },
	{ "NoneType", 0 },
	{ "Instance", CPYTHON_TP_HEAPTYPE },
	{ "Managed", CPYTHON_TP_HEAPTYPE | CPYTHON_TP_MANAGED_DICT |
			     CPYTHON_TP_INLINE_VALUES },
};
enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

struct heapsh_image {
	const struct cpython_layout *lay;
	const uint8_t *input;
	size_t n;
	struct viewed viewed;
};

static uint64_t mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

/* What a byte of the input makes of the index-th word of the heap. */
static uint64_t word_of(uint8_t byte, uint64_t index)
{
	uint64_t x = mix(index * 257 + byte);

	if (byte < 0x70)
		return HEAP + ((uint64_t)byte * 144 & (HEAP_SIZE - 8));
	if (byte < 0x90)
		return (uint64_t)byte - 0x70;
	if (byte < 0xd0)
		return TYPES + (uint64_t)(byte - 0x90) % N_TYPES * TYPE_SIZE;
	if (byte < 0xe0)
		return 0;
	if (byte < 0xf0)
		return x;
	return byte == 0xff ? UINT64_MAX : (uint64_t)1 << (x & 63);
}

static void fill(struct heapsh_image *im, uint8_t *heap)
{
	for (uint64_t i = 0; i < HEAP_SIZE / 8; i++) {
		uint64_t w = word_of(im->n ? im->input[i % im->n] : 0, i);

		memcpy(heap + i * 8, &w, sizeof(w));
	}
}

static void put(uint8_t *at, int off, uint64_t v)
{
	if (off >= 0)
		memcpy(at + off, &v, sizeof(v));
}

/* Types are true where they are read first, and foreign elsewhere. */
static void fill_type(struct heapsh_image *im, uint8_t *at, unsigned i)
{
	const struct cpython_layout *l = im->lay;
	uint64_t self = TYPES + i * TYPE_SIZE;

	for (uint64_t k = 0; k < TYPE_SIZE / 8; k++)
		put(at, (int)(k * 8), word_of(im->n ? im->input[(i + k) % im->n]
						    : 0, k));
	put(at, l->ob_type, TYPES);
	put(at, l->tp_flags, types[i].flags);
	put(at, l->tp_name, self + TYPE_SIZE - 64);
	put(at, l->tp_repr, i < N_TYPES - 2 ? self : TYPES + TYPE_SIZE);
	put(at, l->tp_base, TYPES + TYPE_SIZE);
	put(at, l->tp_basicsize, 48);
	put(at, l->tp_itemsize, 0);
	snprintf((char *)at + TYPE_SIZE - 64, 64, "%s", types[i].name);
}

static struct {
	uint8_t heap[HEAP_SIZE];
	uint8_t types[N_TYPES * TYPE_SIZE];
} memory;

static const uint8_t *bytes_at(uint64_t addr, uint64_t len)
{
	if (addr >= HEAP && len <= HEAP_SIZE && addr - HEAP <= HEAP_SIZE - len)
		return memory.heap + (addr - HEAP);
	if (addr >= TYPES && len <= sizeof(memory.types) &&
	    addr - TYPES <= sizeof(memory.types) - len)
		return memory.types + (addr - TYPES);
	return NULL;
}

static const void *host_view(struct heapsh_image *im, void *reader,
			     uint64_t addr, uint64_t len)
{
	(void)reader;
	return viewed_copy(&im->viewed, bytes_at(addr, len), len);
}

static uint64_t host_read(struct heapsh_image *im, uint64_t addr, void *buf,
			  uint64_t len)
{
	const uint8_t *p = bytes_at(addr, len);

	(void)im;
	if (p == NULL)
		return 0;
	memcpy(buf, p, len);
	return len;
}

static uint64_t host_symbol(struct heapsh_image *im, const char *module,
			    const char *name, uint64_t *size)
{
	(void)im;
	(void)module;
	(void)size;
	return strcmp(name, "PyBaseObject_Type") == 0 ? TYPES + TYPE_SIZE
						      : HEAP + 64;
}

static int host_thread(struct heapsh_image *im, uint32_t index,
		       struct heapsh_thread_state *ret)
{
	(void)im;
	ret->tls = HEAP + 128;
	ret->syscall = -1;
	return index < 3;
}

static int host_cancelled(struct heapsh_image *im)
{
	(void)im;
	return 1;	// every loop that asks has been long enough
}

static const struct heapsh_host host = {
	.size = sizeof(host),
	.read = host_read,
	.view = host_view,
	.symbol = host_symbol,
	.thread = host_thread,
	.cancelled = host_cancelled,
};

static int on_name(void *arg, struct heapsh_text name, uint64_t target)
{
	(void)name;
	(void)target;
	return --*(int *)arg > 0;
}

static void on_root(void *arg, const struct heapsh_root *root)
{
	*(uint64_t *)arg += root->target + root->name.n;
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	*(uint64_t *)sink->reader += e->target;
}

static void read_object(const struct cpython_mem *m, uint64_t addr)
{
	const struct heapsh_key keys[] = {
		{ .kind = HEAPSH_KEY_INT, .i = 5 },
		{ .kind = HEAPSH_KEY_STR, .text = { "key", 3 } },
		{ .kind = HEAPSH_KEY_FLOAT, .f = 2.5 },
		{ .kind = HEAPSH_KEY_TUPLE, .n_items = 1, .items = &keys[1] },
	};
	char buf[300];
	int names = 50;

	cpython_render(m, addr, HEAPSH_RENDER_REPR, buf, sizeof(buf));
	cpython_render(m, addr, HEAPSH_RENDER_TEXT, buf, sizeof(buf));
	cpython_attr(m, addr, cpython_text("name"));
	cpython_attr(m, addr, cpython_text("__code__"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cpython_item(m, addr, &keys[i]);
	cpython_names(m, addr, cpython_text(""), on_name, &names);
}

static void read_frames(const struct cpython_mem *m, uint64_t addr)
{
	uint64_t sum = 0;
	struct heapsh_sink sink = { .edge = on_edge, .reader = &sum };
	struct cpython_frame f;

	if (cpython_frame_read(m, addr, &f)) {
		cpython_frame_line(m, &f);
		if (f.n_slots + f.n_stack < 1000)
			cpython_frame_edges(m, &f, &sink);
	}
	cpython_frame_of_generator(m, addr, &f);
	cpython_code_line(m, addr, 7);
}

static void read_process(const struct cpython_mem *m)
{
	struct cpython_threads *ts = cpython_threads_create(m);
	uint64_t sum = 0;
	const struct cpython_root_sink sink = { on_root, &sum };
	struct heapsh_thread t;
	struct heapsh_frame f;
	struct heapsh_variable v;

	if (ts == NULL)
		abort();
	cpython_threads_thread(ts, 0, &t);
	cpython_threads_frame_info(ts, 0, 0, &f);
	for (uint32_t i = 0; i < 3; i++)
		cpython_threads_variable(ts, 0, 0, i, &v);
	cpython_roots(m, ts, 0, &sink);
	cpython_roots_of_collector(m, NULL, 0, &sink);
	cpython_lookup(m, cpython_text("name"));
	cpython_threads_destroy(ts);
}

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	struct heapsh_image im = { 0 };
	struct cpython_mem m = { .host = &host, .im = &im };
	int which = n ? bytes[0] % 6 : 0;

	m.lay = im.lay = cpython_known[which].layout;
	m.minor = m.lay->minor;
	m.runtime = HEAP;
	m.interp = HEAP + 512;
	im.input = bytes;
	im.n = n;
	fill(&im, memory.heap);
	for (unsigned i = 0; i < N_TYPES; i++)
		fill_type(&im, memory.types + i * TYPE_SIZE, i);
	for (uint64_t i = 0; i < 3; i++) {
		read_object(&m, HEAP + 256 + i * 1024);
		read_frames(&m, HEAP + 256 + i * 1024);
	}
	read_object(&m, TYPES + (n > 1 ? bytes[1] : 0) % N_TYPES * TYPE_SIZE);
	read_process(&m);
	viewed_free(&im.viewed);
}

/* Pointers, sizes and types in the order in which objects have them. */
static const uint8_t mixed[] = {
	0x00, 0x95, 0x72, 0x05, 0x90, 0x74, 0x20, 0x97, 0x73, 0x31, 0x40, 0x78,
	0x71, 0x98, 0x72, 0x11, 0x72, 0x21, 0x9a, 0x78, 0x33, 0xa2, 0x44, 0xd0,
	0x71, 0x72, 0x73, 0x80, 0xf3, 0xe1, 0xff, 0x91, 0x10, 0x94, 0xa8,
};
static const uint8_t lists[] = {
	0x03, 0x71, 0x97, 0x72, 0x20, 0x78, 0x71, 0x97, 0x71, 0x21, 0x74, 0x72,
	0x98, 0x73, 0x10, 0x22, 0xd0, 0x71, 0x73, 0x78, 0x96, 0x72, 0x92, 0x94,
};
static const uint8_t tables[] = {
	0x04, 0x98, 0x74, 0x10, 0x11, 0xd0, 0x71, 0x73, 0x72, 0x74, 0x13, 0x94,
	0x76, 0x92, 0x9c, 0x77, 0x73, 0x77, 0x15, 0x71, 0x72, 0xa8, 0x18, 0x71,
	0x05, 0xb3, 0xb4, 0x71, 0x12,
};
static const struct fuzz_seed fuzz_seeds[] = {
	{ mixed, sizeof(mixed) },
	{ lists, sizeof(lists) },
	{ tables, sizeof(tables) },
};
FUZZ_MAIN(fuzz_seeds, 3)
