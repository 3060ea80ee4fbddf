// SPDX-License-Identifier: Apache-2.0
// The Lua plugin over memory that a fuzzer filled: one main thread whose way to
// its global state is true, and anything in the rest, lists that are rings too;
// or, where the first byte says so, a heap that is true, with left-overs about,
// whose objects must be found in one look, and which is then spoilt.
#define FUZZ_ROUNDS_OF_ALL 2000		/* threads are made in each */
#include "fuzz.h"
#include "lualinks.h"
#include "viewed.h"

/* Small, so that chance makes structures. */
#define HEAP UINT64_C(0x7f0000000000)
#define CODE UINT64_C(0x7f1000000000)
enum { HEAP_SIZE = 16384, CODE_SIZE = 4096,
       MAIN = 64,	/* where the main thread's block begins */
       REGISTRY = 8192, STACK = 8448, OBJECTS = 9600 };

struct heapsh_image {
	struct viewed viewed;
};

static uint8_t memory[HEAP_SIZE];

static const uint8_t *bytes_at(uint64_t addr, uint64_t len)
{
	if (addr >= HEAP && len <= HEAP_SIZE && addr - HEAP <= HEAP_SIZE - len)
		return memory + (addr - HEAP);
	return NULL;
}

static const void *host_view(struct heapsh_image *im, void *reader,
			     uint64_t addr, uint64_t len)
{
	(void)reader;
	return viewed_copy(&im->viewed, bytes_at(addr, len), len);
}

/* Like the true one up to where memory ends. */
static uint64_t host_read(struct heapsh_image *im, uint64_t addr, void *buf,
			  uint64_t len)
{
	uint64_t n = 0;

	(void)im;
	if (addr >= HEAP && addr < HEAP + HEAP_SIZE)
		n = HEAP + HEAP_SIZE - addr < len ? HEAP + HEAP_SIZE - addr :
						    len;
	if (n != 0)
		memcpy(buf, bytes_at(addr, n), n);
	return n;
}

static uint64_t host_symbol(struct heapsh_image *im, const char *module,
			    const char *name, uint64_t *size)
{
	(void)im;
	(void)module;
	(void)size;
	return strcmp(name, "getpid") == 0 ? CODE + 64 : 0;
}

static int host_mapping(struct heapsh_image *im, uint32_t index,
			struct heapsh_mapping *ret)
{
	(void)im;
	if (index > 1)
		return 0;
	ret->start = index == 0 ? HEAP : CODE;
	ret->end = ret->start + (index == 0 ? HEAP_SIZE : CODE_SIZE);
	ret->prot = index == 0 ? 3 : 5;
	ret->shared = 0;
	ret->module = index == 0 ? UINT32_MAX : 0;
	return 1;
}

static int host_thread(struct heapsh_image *im, uint32_t index,
		       struct heapsh_thread_state *ret)
{
	(void)im;
	ret->sp = HEAP;
	ret->syscall = -1;
	return index < 2;
}

static uint32_t host_type(struct heapsh_image *im, const struct heapsh_type *t)
{
	(void)im;
	return (uint32_t)t->name.n;
}

static int host_cancelled(struct heapsh_image *im)
{
	(void)im;
	return 0;
}

static void host_diag(struct heapsh_image *im, uint32_t level, const char *text)
{
	(void)im;
	(void)level;
	(void)text;
}

static const struct heapsh_host host = {
	.size = sizeof(host), .abi_minor = HEAPSH_ABI_MINOR,
	.read = host_read, .view = host_view, .symbol = host_symbol,
	.mapping = host_mapping, .thread = host_thread, .type = host_type,
	.cancelled = host_cancelled, .diag = host_diag,
};

/* --- memory -------------------------------------------------------------- */

/* What a byte of the input makes of the index-th word. */
static uint64_t word_of(uint8_t byte, uint64_t index)
{
	// tags of objects and of values, white
	static const uint8_t tags[] = { 4, 0x14, 5, 6, 0x26, 7, 8, 9, 10, 0x44,
					0x45, 0x46, 0x47, 0x48, 3, 0x13 };
	uint64_t x = (index * 257 + byte) * UINT64_C(0x9e3779b97f4a7c15);

	if (byte < 0x80)
		return HEAP + ((uint64_t)byte * 144 & (HEAP_SIZE - 8));
	if (byte < 0xd0)
		return tags[byte % 16] | 0x0800 | (uint64_t)(byte & 7) << 16 |
		       (uint64_t)(byte & 3) << 32;
	if (byte < 0xe0)
		return byte & 15;
	if (byte < 0xf0)
		return x ^ x >> 29;
	return byte == 0xff ? UINT64_MAX : (uint64_t)1 << (x >> 58);
}

static void put(uint64_t base, int32_t off, uint64_t v, size_t n)
{
	if (off >= 0 && base + (uint64_t)off + n <= HEAP_SIZE)
		memcpy(memory + base + off, &v, n);
}

/* A state that is believed. */
static void put_state(const struct lua_layout *l)
{
	uint64_t main = MAIN + (uint64_t)l->main_thread;
	uint64_t g = MAIN + (uint64_t)l->main_global;

	put(main, l->gc_tt, 8, 1);
	put(main, l->th_global, HEAP + g, 8);
	put(main, l->th_stack, HEAP + STACK, 8);
	put(main, l->th_stack_last, HEAP + STACK + 640, 8);
	put(main, l->th_top, HEAP + STACK + 512, 8);
	put(main, l->th_ci, HEAP + STACK - 128, 8);
	put(g, l->g_mainthread, HEAP + main, 8);
	put(g, l->g_frealloc, CODE, 8);
	put(g, l->g_strt_size, 4, 4);
	put(g, l->g_strt_hash, HEAP + STACK, 8);
	put(g, l->g_registry, HEAP + REGISTRY, 8);
	put(g, l->g_registry + l->value_tt, l->minor == 1 ? 5 : 0x45, 1);
	put(REGISTRY, l->gc_tt, 5, 1);
}

static void fill(const struct lua_layout *l, const uint8_t *input, size_t n)
{
	for (uint64_t i = 0; i < HEAP_SIZE / 8; i++) {
		uint64_t w = word_of(n ? input[i % n] : 0, i);

		memcpy(memory + i * 8, &w, sizeof(w));
	}
	put_state(l);
}

/* --- a true heap --------------------------------------------------------- */

enum { BUILT = 0xc0, SPOILT = 0x20 };	/* of the first byte */

struct built {
	const struct lua_layout *l;
	uint64_t at;			/* of the next object */
	uint64_t last;			/* object that was made, or REGISTRY */
	uint64_t upvalue;		/* of 5.3, or 0 */
	uint64_t bytes;			/* as the collector counts them */
	uint64_t n;			/* objects */
	uint8_t live[HEAP_SIZE / 8];
};

static const struct kind {
	enum lua_kind kind;
	uint8_t tags[6];		/* by minor */
} kinds[] = {
	{ LUA_STRING, { [1] = 4, [3] = 0x14, [4] = 0x14 } },
	{ LUA_TABLE, { [1] = 5, [3] = 5, [4] = 5 } },
	{ LUA_CLOSURE, { [1] = 6, [3] = 6, [4] = 6 } },
	{ LUA_CCLOSURE, { [1] = 6, [3] = 0x26, [4] = 0x26 } },
	{ LUA_USERDATA, { [1] = 7, [3] = 7, [4] = 7 } },
	{ LUA_PROTO, { [1] = 9, [3] = 9, [4] = 10 } },
};

/* One of an empty node: its bytes. */
static uint64_t put_table(const struct lua_layout *l, uint64_t at)
{
	put(at, l->tab_node, HEAP + at, 8);
	put(at, l->tab_lastfree, HEAP + at, 8);
	return (uint64_t)(l->sizeof_table + l->sizeof_node);
}

/* Its bytes; byte: how many parts it has. */
static uint64_t put_object(struct built *b, enum lua_kind kind, uint8_t tag,
			   uint8_t byte)
{
	const struct lua_layout *l = b->l;
	uint64_t at = b->at, n = byte & 3;

	put(at, l->gc_tt, tag, 1);
	put(at, l->gc_marked, l->minor == 4 ? 8 : 1, 1);
	switch (kind) {
	case LUA_STRING:
		put(at, l->str_len, n * 16, 8);
		return (uint64_t)l->str_text + n * 16 + 1;
	case LUA_TABLE:
		return put_table(l, at);
	case LUA_CLOSURE:
		put(at, l->cl_nupvalues, n, 1);
		for (uint64_t i = 0; i < n && b->upvalue != 0; i++)
			put(at, l->cl_upvals + 8 * (int32_t)i,
			    HEAP + b->upvalue, 8);
		return (uint64_t)l->cl_upvals + 8 * n;
	case LUA_CCLOSURE:
		put(at, l->cl_is_c, 1, 1);
		put(at, l->cl_nupvalues, n, 1);
		return (uint64_t)(l->cl_upvalue + l->sizeof_value *
						  (int32_t)n);
	case LUA_USERDATA:
		put(at, l->udata_len, n * 8, 8);
		return (uint64_t)l->udata_mem + n * 8;
	default:
		return (uint64_t)l->sizeof_proto;
	}
}

/* 5.1 has strings in their table alone; elsewhere they are as others. */
static void link_object(struct built *b, enum lua_kind kind)
{
	const struct lua_layout *l = b->l;
	bool chained = l->minor == 1 && kind == LUA_STRING;
	uint64_t head = chained ? STACK + (b->at >> 4 & 3) * 8 :
			MAIN + (uint64_t)(l->main_global + l->g_allgc);
	uint64_t first;

	memcpy(&first, memory + head, 8);
	put(b->at, 0, first, 8);
	put(head, 0, HEAP + b->at, 8);
	b->live[b->at / 8] = 1;
	b->n++;
}

/* A left-over has the same form, and names what was made before it. */
static void build_object(struct built *b, uint8_t byte)
{
	const struct kind *k = &kinds[(byte >> 2) % 6];
	uint64_t size;

	if (b->at + 512 > HEAP_SIZE)
		return;
	size = put_object(b, k->kind, k->tags[b->l->minor], byte);
	if (byte & 0x80) {
		put(b->at, 0, HEAP + b->last, 8);
	} else {
		link_object(b, k->kind);
		b->bytes += size;
	}
	b->last = b->at;
	b->at = (b->at + size + 15) & ~UINT64_C(15);
}

/* Of 5.3: one that all closures share, if a live one is among them. */
static void build_upvalue(struct built *b, const uint8_t *input, size_t n)
{
	bool used = false;

	if (b->l->upval_tt >= 0)
		return;
	b->upvalue = b->at;
	put(b->at, b->l->upval_v, HEAP + b->at + (uint64_t)b->l->upval_value,
	    8);
	for (size_t i = 0; i < n; i++)
		used |= !(input[i] & 0x80) && (input[i] >> 2) % 6 == 2 &&
			input[i] & 3;
	b->bytes += used ? (uint64_t)b->l->sizeof_upval : 0;
	b->at += 48;
}

static void build(struct built *b, const struct lua_layout *l,
		  const uint8_t *input, size_t n)
{
	const uint64_t g = MAIN + (uint64_t)l->main_global;
	const uint64_t main = MAIN + (uint64_t)l->main_thread;
	struct heapsh_image im = { 0 };
	struct lua_mem m = { .host = &host, .im = &im, .lay = l };
	struct lua_object o = { 0 };

	memset(memory, 0, HEAP_SIZE);
	put_state(l);
	put(main, l->gc_marked, l->minor == 4 ? 8 : 1, 1);
	put(REGISTRY, l->gc_marked, l->minor == 4 ? 8 : 1, 1);
	*b = (struct built){ .l = l, .at = OBJECTS, .last = REGISTRY };
	put(g, l->g_allgc, HEAP + REGISTRY, 8);
	b->live[REGISTRY / 8] = b->live[main / 8] = 1;
	b->n = 2;
	n = n < 64 ? n : 64;
	build_upvalue(b, input, n);
	for (size_t i = 0; i < n; i++)
		build_object(b, input[i]);
	b->bytes += put_table(l, REGISTRY);
	if (lua_describe(&m, HEAP + main, LUA_THREAD, &o))
		b->bytes += o.flat;
	put(g, l->g_totalbytes, b->bytes, 8);
	viewed_free(&im.viewed);
}

/* The rest of the input: where, and what. */
static void spoil(const uint8_t *input, size_t n)
{
	for (size_t i = 0; i + 2 < n; i += 3) {
		uint64_t at = (uint64_t)input[i] << 8 | input[i + 1];
		uint64_t w = word_of(input[i + 2], at);

		memcpy(memory + at % (HEAP_SIZE / 8) * 8, &w, sizeof(w));
	}
}

static void must_find(const struct built *b, struct lua *st)
{
	uint64_t n = 0;

	lua_walk(st, NULL);
	for (uint64_t i = 0; i < HEAP_SIZE / 8; i++)
		n += lua_space_has(&st->objects, HEAP + i * 8) && b->live[i];
	if (st->links != NULL && (!st->peeled || n != b->n))
		abort();
}

/* --- what is asked ------------------------------------------------------- */

static uint64_t sum;	/* so that nothing is left out */

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	(void)sink;
	sum += o->flat;
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	(void)sink;
	sum += e->target;
}

static void on_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	(void)sink;
	sum += addr;
}

static void on_root(void *arg, const struct heapsh_root *root)
{
	(void)arg;
	sum += root->target;
}

static int on_name(void *arg, struct heapsh_text name, uint64_t target)
{
	int *left = arg;

	sum += name.n + target;
	return --*left > 0;
}

static void ask_object(struct lua *st, uint64_t addr)
{
	struct heapsh_key key = { .kind = HEAPSH_KEY_INT, .i = 2 };
	struct heapsh_text text = { "name", 4 };
	struct heapsh_measure measure = { .size = sizeof(measure) };
	int left = 100;
	char buf[64];

	sum += lua_render(st, addr, HEAPSH_RENDER_REPR, buf, sizeof(buf));
	sum += lua_render(st, addr, HEAPSH_RENDER_TEXT, buf, sizeof(buf));
	sum += lua_attr(st, addr, text);
	sum += lua_item(st, addr, &key);
	lua_names(st, addr, text, on_name, &left);
	sum += (uint64_t)lua_measure(st, addr, &measure);
}

static void ask_threads(struct lua *st)
{
	const struct heapsh_threads *t = lua_interface(HEAPSH_THREADS_0);
	const struct heapsh_modules *m = lua_interface(HEAPSH_MODULES_0);
	struct heapsh_thread thread = { .size = sizeof(thread) };
	struct heapsh_frame frame = { .size = sizeof(frame) };
	struct heapsh_variable var = { .size = sizeof(var) };
	int left = 100;

	for (uint32_t i = 0; i < 4 && t->thread(st, i, &thread); i++) {
		for (uint32_t k = 0; k < 4 && t->frame(st, i, k, &frame); k++)
			for (uint32_t n = 0; n < 4 &&
			     t->variable(st, i, k, n, &var); n++)
				sum += var.target;
	}
	m->each(st, on_name, &left);
}

static void ask(struct lua *st)
{
	struct heapsh_sink sink = { .size = sizeof(sink), .want = 15,
				    .object = on_object, .edge = on_edge,
				    .nothing = on_nothing };
	struct heapsh_chunk chunk = { .size = sizeof(chunk), .address = HEAP,
				      .len = HEAP_SIZE, .bytes = memory };
	struct heapsh_range ranges[8];
	uint64_t grain, addr;

	sum += lua_ranges(st, ranges, 8, &grain);
	lua_sweep(st, &chunk, &sink);
	lua_roots(st, on_root, NULL);
	sum += lua_lookup(st, (struct heapsh_text){ "x", 1 });
	for (addr = HEAP; addr < HEAP + HEAP_SIZE; addr += 1032) {
		lua_objects_at(st, &addr, 1, &sink);
		ask_object(st, addr);
	}
	ask_threads(st);
}

static void drop(struct lua *st, struct heapsh_image *im)
{
	lua_clear(st);
	viewed_free(&im->viewed);
}

static void start(struct lua_found *f, struct lua *st)
{
	uint64_t n_objects;

	lua_check(f, &n_objects);
	st->mem = f->mem;
	memcpy(st->states, f->states, sizeof(st->states));
	st->n_states = f->n_states;
	pthread_mutex_init(&st->lock, NULL);
}

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	const uint8_t first = n ? bytes[0] : 0;
	const bool true_heap = first >= BUILT && n > 2;
	static struct lua_found found;
	static struct heapsh_settle settle;
	static struct built built;
	struct heapsh_image im = { 0 };
	static struct lua st;

	memset(&found, 0, sizeof(found));
	memset(&st, 0, sizeof(st));
	found.mem.host = &host;
	found.mem.im = &im;
	found.mem.lay = &lua_layouts[first % 3];
	if (true_heap)
		build(&built, found.mem.lay, bytes + 1, n - 1);
	else
		fill(found.mem.lay, bytes, n);
	if (true_heap && first & SPOILT && n > 17)
		spoil(bytes + 17, n - 17);
	if (!lua_find_states(&found, n > 1 && bytes[1] & 1))
		abort();
	start(&found, &st);
	if (true_heap && !(first & SPOILT)) {
		if (st.n_states == 0)
			abort();
		must_find(&built, &st);
	} else {
		lua_settle(&found, &settle);
	}
	if (st.n_states != 0)
		ask(&st);
	drop(&st, &im);
}

static const uint8_t lists[] = "\x20\x94\x31\x05\x81\x00\xa3\x12\x99\x42\xd1";
static const uint8_t rings[] = "\x10\x91\x10\x92\x11\x93\x12\x94\xc0\x95\xb1";
static const uint8_t odd[] = "\xff\xf1\x04\x95\xe3\xd4\x97\x33\x96\x21\xf9";
/* True heaps of 5.4, 5.3 and 5.1, and a spoilt one. */
static const uint8_t new4[] = "\xc0\x01\x06\x0a\x8b\x0d\x12\x16\x82\x83\x09";
static const uint8_t new3[] = "\xc1\x01\x06\x0a\x8b\x0d\x12\x16\x82\x83\x09";
static const uint8_t new1[] = "\xc2\x01\x02\x03\x06\x0a\x8b\x0d\x12\x16\x82";
static const uint8_t bad[] = "\xe4\x01\x06\x0a\x8b\x0d\x12\x16\x82\x83\x09\x05"
	"\x0a\x0d\x12\x16\x02\x24\xb0\x10\x05\x20\x42";
static const struct fuzz_seed seeds[] = {
	{ lists, sizeof(lists) }, { rings, sizeof(rings) },
	{ odd, sizeof(odd) }, { new4, sizeof(new4) - 1 },
	{ new3, sizeof(new3) - 1 }, { new1, sizeof(new1) - 1 },
	{ bad, sizeof(bad) - 1 },
};
FUZZ_MAIN(seeds, sizeof(seeds) / sizeof(seeds[0]))
