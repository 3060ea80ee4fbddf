/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin: what plugin.h asks for, said by the files of this folder. */
#include <stdio.h>
#include <stdlib.h>

#include "evaluate.h"
#include "find.h"
#include "kinds.h"
#include "lookup.h"
#include "object.h"
#include "pympler.h"
#include "render.h"
#include "roots.h"
#include "services.h"

static const struct heapsh_host *host;	/* set once, before anything else */

static void plugin_probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	struct cpython_found f;

	ret->answer = cpython_find(host, im, &f);
	ret->confidence = ret->answer == HEAPSH_YES ? 90 : 50;
	snprintf(ret->runtime, sizeof(ret->runtime), "CPython");
	snprintf(ret->version, sizeof(ret->version), "%s", f.version);
	snprintf(ret->reason, sizeof(ret->reason), "%s", f.reason);
}

static void plugin_settle(struct heapsh_image *im, struct heapsh_settle *ret)
{
	struct cpython_found f;

	if (cpython_find(host, im, &f) == HEAPSH_YES) {
		cpython_settle(&f, ret);
		return;
	}
	ret->flags = HEAPSH_SETTLE_IMPOSSIBLE;
	snprintf(ret->why, sizeof(ret->why), "%.120s", f.reason);
}

static void plugin_close(void *state)
{
	struct cpython *st = state;

	if (st == NULL)
		return;
	free(st->functions);
	free(st->pympler);
	free(st->mem.forms);
	free(st->sought);
	cpython_threads_destroy(st->threads);
	cpython_sites_end(st);
	cpython_types_destroy(st->types);
	free(st->ranges);
	free(st);
}

static void say_layout(const struct cpython_found *f, uint64_t n,
		       struct heapsh_status *ret)
{
	snprintf(ret->layout, sizeof(ret->layout),
		 "%s for CPython %s; %llu objects agree",
		 f->exact ? "its own row of the table" :
			    "the row of the nearest patch",
		 f->version, (unsigned long long)n);
}

/* The state of an instant, read by the row that f names; NULL: no memory. */
static struct cpython *state_create(struct heapsh_image *im,
				    const struct cpython_found *f)
{
	struct cpython *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->types = cpython_types_create();
	st->mem = f->mem;
	st->mem.im = im;
	st->mem.forms = calloc(1, sizeof(*st->mem.forms));
	st->type_type = f->type_type;
	st->eval = host->get_interface(HEAPSH_EVAL_0);
	// POOL_SIZE, Objects/obmalloc.c: larger with the arenas of 3.10
	st->pool_size = f->minor >= 10 ? 16384 : 4096;
	st->functions = cpython_functions_create(&st->mem);
	st->threads = cpython_threads_create(&st->mem);
	if (st->types == NULL || st->mem.forms == NULL ||
	    st->threads == NULL || st->functions == NULL) {
		plugin_close(st);
		return NULL;
	}
	cpython_image_find(st);
	st->python_dealloc = cpython_python_dealloc(&st->mem);
	if (!cpython_arenas_find(st)) {
		plugin_close(st);
		return NULL;
	}
	cpython_interned_find(st);
	return st;
}

/*
 * The first row of this minor that the process agrees with. NULL: none does,
 * and v says what is wrong with the nearest one, or is empty: no memory.
 */
static struct cpython *state_that_fits(struct heapsh_image *im,
				       struct cpython_found *f,
				       struct cpython_verdict *ret_v)
{
	struct cpython_verdict v;
	struct cpython *st;

	ret_v->wrong[0] = '\0';
	do {
		st = state_create(im, f);
		if (st == NULL)
			return NULL;
		cpython_check(st, &v);
		if (v.wrong[0] == '\0' || ret_v->wrong[0] == '\0')
			*ret_v = v;
		if (v.wrong[0] == '\0')
			return st;
		plugin_close(st);
	} while (cpython_find_next(f));
	return NULL;
}

static const char *plugin_open(struct heapsh_image *im, void **state,
			       struct heapsh_status *ret)
{
	static char reason[256];	/* copied by the host at once */
	struct cpython_verdict verdict;
	struct cpython_found f;
	struct cpython_gil gil;
	struct cpython *st;

	if (cpython_find(host, im, &f) != HEAPSH_YES) {
		memcpy(reason, f.reason, sizeof(f.reason));
		return reason;
	}
	st = state_that_fits(im, &f, &verdict);
	if (st == NULL && verdict.wrong[0] == '\0')
		return "out of memory";
	if (st == NULL) {
		snprintf(reason, sizeof(reason),
			 "the layout for CPython %s does not fit: %s",
			 f.version, verdict.wrong);
		return reason;
	}
	ret->collecting = cpython_collecting(&st->mem);
	cpython_gil_read(&st->mem, st->mem.interp, &gil);
	ret->mutating = gil.locked;
	say_layout(&f, verdict.n_objects, ret);
	*state = st;
	return NULL;
}

static uint32_t plugin_ranges(void *state, struct heapsh_range *ret,
			      uint32_t cap, uint64_t *grain)
{
	struct cpython *st = state;

	*grain = st->pool_size;
	if (st->n_ranges < cap)
		cap = st->n_ranges;
	if (cap != 0)
		memcpy(ret, st->ranges, cap * sizeof(*ret));
	return st->n_ranges;
}

static void plugin_sweep(void *state, const struct heapsh_chunk *chunk,
			 struct heapsh_sink *sink)
{
	cpython_sweep(state, chunk, sink);
}

static void plugin_at(void *state, const uint64_t *addr, uint32_t n,
		      struct heapsh_sink *sink)
{
	cpython_at(state, addr, n, sink);
}

static void plugin_roots(void *state,
			 void (*emit)(void *arg,
				      const struct heapsh_root *root),
			 void *arg)
{
	struct cpython_root_sink sink = { .emit = emit, .arg = arg };
	struct cpython *st = state;

	cpython_roots(&st->mem, st->threads, st->interned[0], &sink);
	cpython_roots_of_collector(&st->mem, st->ranges, st->n_ranges, &sink);
}

static uint64_t plugin_render(void *state, uint64_t addr, uint32_t style,
			      char *buf, uint64_t cap)
{
	return cpython_render(&((struct cpython *)state)->mem, addr, style,
			      buf, cap);
}

static void plugin_texts(void *state, void *reader, const uint64_t *addr,
			 uint32_t n, uint32_t style, char *buf, uint64_t cap,
			 void (*emit)(void *arg, uint32_t i, uint64_t len),
			 void *arg)
{
	struct cpython_mem m = ((struct cpython *)state)->mem;

	m.reader = reader;
	cpython_texts(&m, addr, n, style, buf, cap, emit, arg);
}

static uint64_t plugin_lookup(void *state, struct heapsh_text name)
{
	return cpython_lookup(&((struct cpython *)state)->mem, name);
}

static uint64_t plugin_attr(void *state, uint64_t addr,
			    struct heapsh_text name)
{
	struct cpython *st = state;
	struct cpython_mem m = st->mem;

	if (st->sought == NULL)
		st->sought = calloc(1, sizeof(*st->sought));
	if (st->sought != NULL && cpython_seek(st->sought, name))
		m.sought = st->sought;
	return cpython_attr(&m, addr, name);
}

static uint64_t plugin_item(void *state, uint64_t addr,
			    const struct heapsh_key *key)
{
	return cpython_item(&((struct cpython *)state)->mem, addr, key);
}

static int plugin_item_number(void *state, uint64_t addr,
			      const struct heapsh_key *key, int64_t *ret)
{
	return cpython_item_number(&((struct cpython *)state)->mem, addr, key,
				   ret);
}

static void plugin_names(void *state, uint64_t addr, struct heapsh_text prefix,
			 heapsh_name_fn *fn, void *arg)
{
	cpython_names(&((struct cpython *)state)->mem, addr, prefix, fn, arg);
}

static int plugin_thread(void *state, uint32_t index,
			 struct heapsh_thread *ret)
{
	return cpython_threads_thread(((struct cpython *)state)->threads,
				      index, ret);
}

static int plugin_frame(void *state, uint32_t thread, uint32_t index,
			struct heapsh_frame *ret)
{
	return cpython_threads_frame_info(((struct cpython *)state)->threads,
					  thread, index, ret);
}

static int plugin_variable(void *state, uint32_t thread, uint32_t frame,
			   uint32_t index, struct heapsh_variable *ret)
{
	return cpython_threads_variable(((struct cpython *)state)->threads,
					thread, frame, index, ret);
}

static int plugin_measure(void *state, uint64_t addr,
			  struct heapsh_measure *ret)
{
	return cpython_measure(state, addr, ret);
}

static void plugin_each_module(void *state, heapsh_name_fn *fn, void *arg)
{
	cpython_each_module(&((struct cpython *)state)->mem, fn, arg);
}

static void plugin_each_base(void *state, uint64_t type, heapsh_name_fn *fn,
			     void *arg)
{
	cpython_each_base(&((struct cpython *)state)->mem, type, fn, arg);
}

static int plugin_may_have_attr(void *state, uint64_t type,
				struct heapsh_text name)
{
	return cpython_may_have_attr(&((struct cpython *)state)->mem, type,
				     name);
}

static int plugin_may_have_items(void *state, uint64_t type)
{
	return cpython_may_have_items(&((struct cpython *)state)->mem, type);
}

static int plugin_sites_active(void *state)
{
	return cpython_sites_active(state);
}

static int plugin_site(void *state, uint64_t addr, uint32_t index,
		       struct heapsh_site *ret)
{
	return cpython_site(state, addr, index, ret);
}

static uint64_t plugin_hash(void *state, uint64_t addr)
{
	return cpython_content_hash(state, addr);
}

static uint32_t plugin_collector(void *state, uint64_t addr)
{
	return cpython_collector_flags(state, addr);
}

static int plugin_usage(void *state, uint64_t addr, struct heapsh_usage *ret)
{
	return cpython_usage(state, addr, ret);
}

static void plugin_prepare(void *state, struct heapsh_eval_setup *ret)
{
	cpython_prepare(state, ret);
}

static uint32_t plugin_ask_text(void *state, uint64_t addr, uint32_t what,
				char *buf, uint64_t cap, uint64_t *n,
				char *why, uint64_t why_cap)
{
	return cpython_ask_text(state, addr, what, buf, cap, n, why, why_cap);
}

static uint32_t plugin_ask_texts(void *state, const uint64_t *addr, uint32_t n,
				 uint32_t what,
				 void (*emit)(void *arg, uint32_t i,
					      const char *text, uint64_t len),
				 void *arg)
{
	return cpython_ask_texts(state, addr, n, what, emit, arg);
}

static uint32_t plugin_ask_flat(void *state, uint64_t addr, uint64_t *ret,
				char *why, uint64_t why_cap)
{
	return cpython_ask_flat(state, addr, ret, why, why_cap);
}

static void plugin_invoke(void *state, const struct heapsh_invocation *what,
			  char *buf, uint64_t cap, struct heapsh_invoked *ret)
{
	cpython_invoke(state, what, buf, cap, ret);
}

static const char *plugin_script(void *state,
				 const struct heapsh_invocation *what,
				 struct heapsh_script *ret)
{
	return cpython_script(state, what, ret);
}

static uint32_t plugin_alive(void *state, uint64_t object,
			     struct heapsh_guard ret[HEAPSH_GUARDS])
{
	return cpython_alive(state, object, ret);
}

static const char *plugin_safepoint(void *state, uint64_t function,
				    uint64_t arg,
				    struct heapsh_safepoint_plan *ret)
{
	return cpython_safepoint(state, function, arg, ret);
}

static const struct heapsh_collector collector = {
	.size = sizeof(collector), .flags = plugin_collector,
};
static const struct heapsh_usages usages = {
	.size = sizeof(usages), .usage = plugin_usage,
};
static const struct heapsh_threads threads = {
	.size = sizeof(threads),
	.thread = plugin_thread,
	.frame = plugin_frame,
	.variable = plugin_variable,
};
static const struct heapsh_modules modules = {
	.size = sizeof(modules), .each = plugin_each_module,
};
static const struct heapsh_content content = {
	.size = sizeof(content), .hash = plugin_hash,
};
static const struct heapsh_prepare prepare = {
	.size = sizeof(prepare), .prepare = plugin_prepare,
};
static const struct heapsh_ask ask = {
	.size = sizeof(ask),
	.text = plugin_ask_text,
	.flat = plugin_ask_flat,
	.texts = plugin_ask_texts,
};
static const struct heapsh_invoke invoke = {
	.size = sizeof(invoke),
	.call = plugin_invoke,
	.script = plugin_script,
	.alive = plugin_alive,
};
static const struct heapsh_safepoint safepoint = {
	.size = sizeof(safepoint), .plan = plugin_safepoint,
};
static const struct heapsh_texts texts = {
	.size = sizeof(texts), .each = plugin_texts,
};
static const struct heapsh_computed computed = {
	.size = sizeof(computed), .item = plugin_item_number,
};
static const struct heapsh_types types = {
	.size = sizeof(types),
	.each_base = plugin_each_base,
	.may_have_attr = plugin_may_have_attr,
	.may_have_items = plugin_may_have_items,
};
static const struct heapsh_sites sites = {
	.size = sizeof(sites),
	.active = plugin_sites_active,
	.site = plugin_site,
	.how = "python3 -X tracemalloc=25 PROGRAM, or "
	       "tracemalloc.start() in it",
};

static const struct {
	const char *name;
	const void *table;
} interfaces[] = {
	{ HEAPSH_COLLECTOR_0, &collector }, { HEAPSH_USAGE_0, &usages },
	{ HEAPSH_THREADS_0, &threads },     { HEAPSH_SITES_0, &sites },
	{ HEAPSH_TYPES_0, &types },         { HEAPSH_PREPARE_0, &prepare },
	{ HEAPSH_ASK_0, &ask },             { HEAPSH_INVOKE_0, &invoke },
	{ HEAPSH_COMPUTED_0, &computed },   { HEAPSH_MODULES_0, &modules },
	{ HEAPSH_TEXTS_0, &texts },
	{ HEAPSH_CONTENT_0, &content },     { HEAPSH_SAFEPOINT_0, &safepoint },
	{ HEAPSH_COMPAT_0, &cpython_pympler },
};

static const void *plugin_interface(const char *name)
{
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++)
		if (strcmp(name, interfaces[i].name) == 0)
			return interfaces[i].table;
	return NULL;
}

static const struct heapsh_plugin plugin = {
	.size = sizeof(plugin),
	.abi_minor = HEAPSH_ABI_MINOR,
	.name = "cpython",
	.version = HEAPSH_VERSION,
	.license = "Apache-2.0",
	.probe = plugin_probe,
	.settle = plugin_settle,
	.open = plugin_open,
	.close = plugin_close,
	.ranges = plugin_ranges,
	.sweep = plugin_sweep,
	.at = plugin_at,
	.roots = plugin_roots,
	.render = plugin_render,
	.lookup = plugin_lookup,
	.attr = plugin_attr,
	.item = plugin_item,
	.names = plugin_names,
	.measure = plugin_measure,
	.get_interface = plugin_interface,
};

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	host = h;
	return &plugin;
}
