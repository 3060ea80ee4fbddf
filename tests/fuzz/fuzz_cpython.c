// SPDX-License-Identifier: Apache-2.0
// All of the CPython plugin that reads: over a process in which any number may
// be any other (cpython_image.h).
#define FUZZ_ROUNDS_OF_ALL 6000
#include "fuzz.h"

#include "check_priv.h"
#include "cpython_image.h"
#include "evaluate.h"
#include "find.h"
#include "lookup.h"
#include "pympler.h"
#include "render.h"
#include "roots.h"
#include "services.h"
#include "viewed.h"

static struct viewed viewed;
static int n_asked;	/* by what runs, whether it is to stop */

enum { N_ROWS = 8 };	/* of cpython_known */

static const void *host_view(struct heapsh_image *im, void *reader,
			     uint64_t addr, uint64_t len)
{
	(void)reader;
	return viewed_copy(&viewed, image_bytes(im, addr, len), len);
}

static uint64_t host_read(struct heapsh_image *im, uint64_t addr, void *buf,
			  uint64_t len)
{
	const uint8_t *p = image_bytes(im, addr, len);

	if (p == NULL)
		return 0;
	memcpy(buf, p, len);
	return len;
}

static uint64_t host_symbol(struct heapsh_image *im, const char *module,
			    const char *name, uint64_t *size)
{
	static const struct {
		const char *name, *type;
	} known[] = {
		{ "PyType_Type", "type" }, { "PyBaseObject_Type", "object" },
		{ "PyDict_Type", "dict" }, { "PyLong_Type", "int" },
		{ "PyList_Type", "list" }, { "PyTuple_Type", "tuple" },
	};

	(void)im;
	(void)module;
	if (size != NULL)
		*size = 64;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return type_address(slot_named(known[i].type));
	if (strcmp(name, "interned") == 0)
		return 0;
	return HEAP + 64;
}

static int host_mapping(struct heapsh_image *im, uint32_t index,
			struct heapsh_mapping *ret)
{
	static const struct {
		uint64_t start, size;
		const char *path;
	} maps[] = {
		{ HEAP, HEAP_SIZE, "[heap]" },
		{ TYPES, (N_TYPES * TYPE_SIZE) & ~4095, "/usr/bin/python3" },
		{ POOL, POOL_SIZE, "" },
	};

	(void)im;
	if (index >= sizeof(maps) / sizeof(maps[0]))
		return 0;
	ret->prot = 3;
	ret->start = maps[index].start;
	ret->end = ret->start + maps[index].size;
	ret->path = cpython_text(maps[index].path);
	return 1;
}

static int host_thread(struct heapsh_image *im, uint32_t index,
		       struct heapsh_thread_state *ret)
{
	(void)im;
	ret->tls = HEAP + 128;
	ret->syscall = -1;
	return index < 3;
}

static void host_machine(struct heapsh_image *im, uint32_t *width,
			 uint32_t *little_endian)
{
	(void)im;
	*width = 8;
	*little_endian = 1;
}

static uint32_t host_type(struct heapsh_image *im, const struct heapsh_type *t)
{
	(void)t;
	return im->n_numbers++;
}

static void host_diag(struct heapsh_image *im, uint32_t level, const char *text)
{
	(void)im;
	(void)level;
	(void)text;
}

/* Loops ask now and then: one that has asked so often has been long enough. */
static int host_cancelled(struct heapsh_image *im)
{
	(void)im;
	return ++n_asked > 16;
}

/* --- answers of the program's own code ------------------------------------ */

static const char *eval_why_not(struct heapsh_image *im)
{
	(void)im;
	return NULL;
}

/* Some object, or a number: of each call another. */
static uint64_t eval_answer(struct heapsh_image *im)
{
	uint64_t x = scatter(im->n_answers++);

	return x & 1 ? slot_address((unsigned)(x >> 8) % N_SLOTS)
		     : edges64[(x >> 8) % (sizeof(edges64) / sizeof(uint64_t))];
}

static void eval_call(struct heapsh_image *im, uint64_t function,
		      const uint64_t *args, uint32_t n, uint32_t cpu_ms,
		      struct heapsh_eval_result *ret)
{
	(void)function;
	(void)args;
	(void)n;
	(void)cpu_ms;
	ret->end = im->n_answers % 7 ? HEAPSH_EVAL_RETURNED
				     : HEAPSH_EVAL_CRASHED;
	ret->value = eval_answer(im);
	ret->copy = 1;
	ret->refused = -1;
	ret->why[0] = '\0';
}

static void eval_batch(struct heapsh_image *im,
		       const struct heapsh_eval_batch *b,
		       struct heapsh_eval_result *ret)
{
	struct heapsh_eval_item item = { .size = sizeof(item), .text = "abc" };
	uint64_t values[3];

	item.values = values;
	for (uint64_t i = 0; i < b->n; i++) {
		for (int k = 0; k < 3; k++)
			values[k] = eval_answer(im);
		item.index = i;
		item.end = im->n_answers % 7 ? HEAPSH_EVAL_RETURNED
					     : HEAPSH_EVAL_CRASHED;
		item.n = b->kind == HEAPSH_EVAL_VALUE ? 1 : 3;
		item.total = item.n;
		if (!b->each(b->arg, &item))
			break;
	}
	ret->end = HEAPSH_EVAL_RETURNED;
}

static uint64_t eval_write(struct heapsh_image *im, uint64_t addr,
			   const void *buf, uint64_t len)
{
	(void)buf;
	return image_bytes(im, addr, len) != NULL ? len : 0;
}

static uint64_t eval_scratch(struct heapsh_image *im, uint64_t *len)
{
	(void)im;
	*len = SLOT_SIZE;
	return HEAP;
}

static void eval_reset(struct heapsh_image *im)
{
	(void)im;
}

static const struct heapsh_eval eval = {
	.size = sizeof(eval),
	.why_not = eval_why_not,
	.call = eval_call,
	.batch = eval_batch,
	.read = host_read,
	.write = eval_write,
	.scratch = eval_scratch,
	.reset = eval_reset,
};

static const void *host_interface(const char *name)
{
	return strcmp(name, HEAPSH_EVAL_0) == 0 ? &eval : NULL;
}

static const struct heapsh_host host = {
	.size = sizeof(host),
	.read = host_read,
	.view = host_view,
	.symbol = host_symbol,
	.mapping = host_mapping,
	.thread = host_thread,
	.machine = host_machine,
	.type = host_type,
	.cancelled = host_cancelled,
	.diag = host_diag,
	.get_interface = host_interface,
};

/* --- what is asked of an object ------------------------------------------- */

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

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	*(uint64_t *)sink->reader += o->flat;
}

static void on_objects(struct heapsh_sink *sink, const struct heapsh_object *o,
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		on_object(sink, &o[i]);
}

static void on_nothing(struct heapsh_sink *sink, uint64_t address)
{
	*(uint64_t *)sink->reader += address;
}

static int on_referent(void *arg, const struct heapsh_edge *e)
{
	(void)e;
	return --*(int *)arg > 0;
}

static void on_text(void *arg, uint32_t i, uint64_t len)
{
	*(uint64_t *)arg += i + len;
}

static void read_text(const struct cpython_mem *m, uint64_t addr)
{
	static const struct heapsh_key in = { .kind = HEAPSH_KEY_STR,
					      .text = { "name", 4 } };
	static const struct heapsh_key keys[] = {
		{ .kind = HEAPSH_KEY_INT, .i = 1 },
		{ .kind = HEAPSH_KEY_INT, .i = INT64_MIN },
		{ .kind = HEAPSH_KEY_INT, .i = INT64_MAX },
		{ .kind = HEAPSH_KEY_STR, .text = { "name", 4 } },
		{ .kind = HEAPSH_KEY_FLOAT, .f = 2.5 },
		{ .kind = HEAPSH_KEY_FLOAT, .f = 1e300 },
		{ .kind = HEAPSH_KEY_TUPLE, .n_items = 1, .items = &in },
	};
	uint64_t sum = 0;
	char buf[300];
	int names = 50;
	int64_t v;

	cpython_texts(m, &addr, 1, HEAPSH_RENDER_SHORT, buf, sizeof(buf),
		      on_text, &sum);
	cpython_render(m, addr, HEAPSH_RENDER_REPR, buf, sizeof(buf));
	cpython_render(m, addr, HEAPSH_RENDER_TEXT, buf, sizeof(buf));
	cpython_attr(m, addr, cpython_text("name"));
	cpython_attr(m, addr, cpython_text("__code__"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		cpython_item(m, addr, &keys[i]);
		cpython_item_number(m, addr, &keys[i], &v);
	}
	cpython_names(m, addr, cpython_text(""), on_name, &names);
}

static void read_frames(const struct cpython_mem *m, uint64_t addr)
{
	struct cpython_frame f;

	if (cpython_frame_of_object(m, addr, &f))
		cpython_frame_line(m, &f);
	if (cpython_frame_of_generator(m, addr, &f))
		cpython_frame_line(m, &f);
	cpython_code_line(m, addr, 7);
	cpython_code_line(m, addr, INT32_MAX);
}

static void read_numbers(struct cpython *st, uint64_t addr)
{
	struct heapsh_measure measure = { .size = sizeof(measure) };
	struct heapsh_usage usage = { .size = sizeof(usage) };
	struct heapsh_guard guards[HEAPSH_GUARDS];
	struct heapsh_site site = { .size = sizeof(site) };
	int names = 50;

	cpython_measure(st, addr, &measure);
	cpython_measure_type(st, addr, &measure);
	cpython_usage(st, addr, &usage);
	cpython_collector_flags(st, addr);
	cpython_content_hash(st, addr);
	cpython_alive(st, addr, guards);
	cpython_each_base(&st->mem, addr, on_name, &names);
	if (st->sites != NULL)
		cpython_site(st, addr, 0, &site);
}

static void read_heap(const struct cpython *st, uint64_t addr)
{
	static const uint32_t want[] = {
		HEAPSH_WANT_SIZES | HEAPSH_WANT_EDGES,
		HEAPSH_WANT_EDGES | HEAPSH_WANT_FRONTIER,
	};
	uint64_t sum = 0;
	struct heapsh_sink sink = {
		.size = sizeof(sink), .object = on_object, .edge = on_edge,
		.nothing = on_nothing, .objects = on_objects, .reader = &sum,
	};

	for (int i = 0; i < 2; i++) {
		sink.want = want[i];
		n_asked = 0;
		cpython_at(st, &addr, 1, &sink);
	}
}

static void ask_code(struct cpython *st, uint64_t addr)
{
	struct heapsh_invocation call = { .size = sizeof(call),
					  .callee = addr };
	struct heapsh_invoked invoked = { .size = sizeof(invoked) };
	static struct heapsh_script script;
	char buf[100], why[200];
	uint64_t n;

	cpython_ask_text(st, addr, 0, buf, sizeof(buf), &n, why, sizeof(why));
	cpython_ask_flat(st, addr, &n, why, sizeof(why));
	cpython_invoke(st, &call, buf, sizeof(buf), &invoked);
	script = (struct heapsh_script){ .size = sizeof(script) };
	cpython_script(st, &call, &script);
}

static void read_pympler(struct cpython *st, uint64_t id)
{
	struct heapsh_compat_thing thing = { .size = sizeof(thing) };
	struct heapsh_compat_words words = { .size = sizeof(words) };
	int left = 50;

	n_asked = 0;
	cpython_pympler.thing(st, id, &thing);
	cpython_pympler.referents(st, id, on_referent, &left);
	cpython_pympler.words(st, id, &words);
}

/* made: what Pympler makes of the object, 1 to 5. */
static void read_object(struct cpython *st, uint64_t addr, uint64_t made)
{
	n_asked = 0;
	read_text(&st->mem, addr);
	n_asked = 0;
	read_frames(&st->mem, addr);
	n_asked = 0;
	read_numbers(st, addr);
	read_heap(st, addr);
	read_pympler(st, addr);
	read_pympler(st, addr + made);
	if (made == 3)
		ask_code(st, addr);
}

/* --- and of all of it ----------------------------------------------------- */

static void read_threads(struct cpython *st)
{
	struct heapsh_thread t;
	struct heapsh_frame f;
	struct heapsh_variable v;
	struct cpython_gil gil;

	n_asked = 0;
	cpython_threads_thread(st->threads, 0, &t);
	cpython_threads_frame_info(st->threads, 0, 0, &f);
	for (uint32_t i = 0; i < 3; i++)
		cpython_threads_variable(st->threads, 0, 0, i, &v);
	cpython_gil_read(&st->mem, st->mem.interp, &gil);
	cpython_collecting(&st->mem);
}

static void read_process(struct cpython *st)
{
	uint64_t sum = 0;
	const struct cpython_root_sink sink = { on_root, &sum };
	struct heapsh_settle settle = { .size = sizeof(settle) };
	struct cpython_found found = { .mem = st->mem,
				       .minor = st->mem.minor };
	static void (*const checks[])(const struct cpython *st,
				      struct cpython_verdict *ret) = {
		cpython_check_process, cpython_check_subclasses,
		cpython_check_state, cpython_check_objects,
	};
	struct heapsh_compat_words words = { .size = sizeof(words) };
	struct heapsh_safepoint_plan plan = { .size = sizeof(plan) };
	struct heapsh_image *im = st->mem.im;
	struct cpython_verdict verdict;
	int names = 50;

	read_threads(st);
	cpython_roots(&st->mem, st->threads, st->interned[0], &sink);
	cpython_roots_of_collector(&st->mem, st->ranges, st->n_ranges, &sink);
	n_asked = 0;
	cpython_lookup(&st->mem, cpython_text("name"));
	cpython_each_module(&st->mem, on_name, &names);
	cpython_settle(&found, &settle);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		n_asked = 0;
		verdict = (struct cpython_verdict){ 0 };
		checks[i](st, &verdict);
	}
	n_asked = 0;
	cpython_find(&host, im, &found);
	cpython_pympler.begin(st, 0);
	for (uint32_t i = 0; cpython_pympler.own_rule(st, i, &words); i++)
		;
	cpython_safepoint(st, HEAP, HEAP, &plan);
}

/* A pool whose blocks are copies of the objects. */
static void read_pool(struct cpython *st, uint8_t szidx)
{
	struct heapsh_image *im = st->mem.im;
	const struct cpython_layout *l = st->mem.lay;
	uint32_t block = (szidx % 32u + 1) * 16, i = 0, at;
	uint64_t sum = 0;
	struct heapsh_sink sink = {
		.size = sizeof(sink), .object = on_object, .edge = on_edge,
		.nothing = on_nothing, .objects = on_objects, .reader = &sum,
		.want = HEAPSH_WANT_SIZES | HEAPSH_WANT_EDGES |
			(szidx & 32 ? HEAPSH_WANT_FRONTIER : 0),
	};
	const struct heapsh_chunk chunk = {
		.size = sizeof(chunk), .address = POOL, .len = st->pool_size,
		.bytes = im->pool,
	};
	const uint32_t max = st->pool_size - block;

	for (at = (uint32_t)l->sizeof_pool_header;
	     at + block <= st->pool_size && i < N_TYPES; at += block, i++) {
		const uint8_t *from = im->heap + i * SLOT_SIZE + SLOT_HEAD -
				      (types[i].flags & CPYTHON_TP_HAVE_GC ?
					       16 : 0);

		memcpy(im->pool + at, from, block);
	}
	memcpy(im->pool + l->pool_szidx, &(uint32_t){ szidx % 32u }, 4);
	memcpy(im->pool + l->pool_nextoffset, &at, 4);
	memcpy(im->pool + l->pool_maxnextoffset, &max, 4);
	memcpy(im->pool + l->pool_count, &i, 4);
	n_asked = 0;
	cpython_sweep(st, &chunk, &sink);
}

static struct cpython *state_create(struct heapsh_image *im)
{
	struct cpython *st = calloc(1, sizeof(*st));

	if (st == NULL)
		abort();
	st->mem = (struct cpython_mem){
		.host = &host, .im = im, .lay = im->lay,
		.minor = im->lay->minor, .runtime = STATE,
		.interp = STATE + INTERP,
	};
	st->types = cpython_types_create();
	st->functions = cpython_functions_create(&st->mem);
	st->threads = cpython_threads_create(&st->mem);
	if (st->types == NULL || st->functions == NULL || st->threads == NULL)
		abort();
	st->type_type = type_address(0);
	st->eval = &eval;
	st->pool_size = im->lay->minor >= 10 ? 16384 : 4096;
	st->mem.forms = &im->forms;
	memset(&im->forms, 0, sizeof(im->forms));
	st->image = (struct heapsh_range){ TYPES, TYPES + sizeof(im->types) };
	return st;
}

static void state_destroy(struct cpython *st)
{
	cpython_threads_destroy(st->threads);
	cpython_sites_end(st);
	cpython_types_destroy(st->types);
	free(st->functions);
	free(st->pympler);
	free(st->ranges);
	free(st);
}

/* A byte for the row, one for what of the whole is read; then changes. */
static void fuzz_one(const uint8_t *bytes, size_t n)
{
	struct heapsh_image *im;
	struct cpython *st;

	if (n < 2)
		return;
	im = image_of(bytes[0] % N_ROWS);
	image_change(im, bytes + 2, n - 2);
	n_asked = 0;
	im->n_answers = bytes[1];
	st = state_create(im);
	if (bytes[1] & 32)
		cpython_sites_active(st);
	for (int i = 0; i < im->n_touched; i++)
		read_object(st, im->touched[i], bytes[1] % 5 + 1);
	if (bytes[1] & 64)
		read_pool(st, bytes[1]);
	if (bytes[1] & 128) {
		cpython_arenas_find(st);
		cpython_interned_find(st);
		read_process(st);
	}
	state_destroy(st);
	image_restore(im);
}

/* Nothing changed; some numbers of all kinds of objects. */
static const uint8_t whole[] = { 0, 0xc3 };
static const uint8_t sizes[] = {
	5, 0x64, 7, 6, 3, 1, 8, 7, 3, 2, 18, 9, 4, 1, 20, 30, 3, 8, 12, 6, 3,
	1, 2, 6, 3, 1,
};
static const uint8_t tables[] = {
	3, 0x02, 77, 5, 6, 9, 78, 8, 0, 4, 79, 12, 3, 1, 81, 11, 4, 1, 120, 3,
	4, 1, 186, 8, 3, 2, 200, 7, 0xc1, 0, 1, 2, 3, 4, 5, 6, 7, 8,
};
static const struct fuzz_seed fuzz_seeds[] = {
	{ whole, sizeof(whole) },
	{ sizes, sizeof(sizes) },
	{ tables, sizeof(tables) },
};
FUZZ_MAIN(fuzz_seeds, 3)
