// SPDX-License-Identifier: Apache-2.0
// The toy runtime's plugin, spoilt as HEAPSH_EVIL says, "HOW" or "HOW:CALL":
//	crash loop read emit	in the named call: open, sweep, lookup, …
//	say			in it, too: no fault, a sentence for people
//	size type outside absurd kinds order again	see below
// It is surer of the toy process than the others are, by its place in the
// alphabet.
#include "toy_full.h"

static struct heapsh_plugin full;	// before it was spoilt
static struct heapsh_image *image;	// the last that was seen

static int is_evil(const char *how, const char *call)
{
	const char *evil = getenv("HEAPSH_EVIL");
	size_t n = strlen(how);

	return evil && !strncmp(evil, how, n) &&
	       (call ? evil[n] == ':' && !strcmp(evil + n + 1, call) :
		       !evil[n]);
}

// What any call can do wrong.
static void spoil(const char *call)
{
	int *volatile wild = (int *)8;
	volatile int stay = 1;
	uint64_t wanted;

	if (is_evil("say", call) && image)
		host->diag(image, HEAPSH_DIAG_WARNING, "some are missing");
	if (is_evil("crash", call))
		*wild = 1;
	while (is_evil("loop", call) && stay)
		;
	if (!is_evil("read", call) || !image)
		return;
	wanted = host->symbol(image, NULL, EX_HEAP, NULL);
	while (host->view(image, NULL, wanted, 8))
		;
}

/* --- objects and references that lie ------------------------------------ */

struct liar {
	struct heapsh_sink sink;	// first
	struct heapsh_sink *inner;
	const struct state *s;
};

static void lie_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	static uint32_t calls;
	struct liar *l = (struct liar *)sink;
	struct heapsh_object lie = *o;

	if (is_evil("size", NULL))	// another one each time
		lie.flat += calls++ % 7 * 8;
	if (is_evil("type", NULL))
		lie.type = l->s->type[EX_TEXT + calls++ % 3];
	if (is_evil("absurd", NULL))	// more than any process has
		lie.flat = UINT64_C(1) << 46;
	if (is_evil("kinds", NULL) && o->address == l->s->h.globals)
		lie.type = l->s->type[EX_NODE] + 1;
	if (is_evil("kinds", NULL) && o->address == l->s->h.threads[0].locals)
		lie.type = l->s->type[EX_NODE] + 2;
	if (is_evil("order", NULL))	// never ahead, never within
		lie.address = 8;
	if (o->address & 32)	// both ways
		l->inner->objects(l->inner, &lie, 1);
	else
		l->inner->object(l->inner, &lie);
}

static void lie_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct liar *l = (struct liar *)sink;
	struct heapsh_edge lie = *e;

	if (is_evil("outside", NULL))
		lie.target = UINT64_C(0x600000000000) + (e->target & 0xffff8);
	l->inner->edge(l->inner, &lie);
}

static void lie_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	struct liar *l = (struct liar *)sink;

	l->inner->nothing(l->inner, addr);
}

static struct liar liar(const struct state *s, struct heapsh_sink *inner)
{
	struct liar l = { { .size = sizeof(l.sink), .want = inner->want,
			    .object = lie_object, .edge = lie_edge,
			    .nothing = lie_nothing, .reader = inner->reader },
			  inner, s };

	return l;
}

static void emit_much(const char *call, struct heapsh_sink *sink, uint64_t addr)
{
	struct heapsh_edge e = { 0, HEAPSH_LABEL_INDEX, addr, 0, 0, NULL };
	uint64_t n = is_evil("emit", call) ? UINT64_C(100000000) : 0;

	while (n--)
		sink->edge(sink, &e);
}

static void evil_sweep(void *state, const struct heapsh_chunk *c,
		       struct heapsh_sink *sink)
{
	struct liar l = liar((struct state *)state, sink);

	spoil("sweep");
	full.sweep(state, c, &l.sink);
	emit_much("sweep", sink, c->address);
}

static void evil_at(void *state, const uint64_t *addr, uint32_t n,
		    struct heapsh_sink *sink)
{
	struct liar l = liar((struct state *)state, sink);

	spoil("at");
	full.at(state, addr, n, &l.sink);
}

/* --- the other calls ----------------------------------------------------- */

static void evil_probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	image = im;
	spoil("probe");
	full.probe(im, ret);
}

static void evil_settle(struct heapsh_image *im, struct heapsh_settle *ret)
{
	image = im;
	spoil("settle");
	ret->flags = HEAPSH_SETTLE_CONSISTENT;
}

// Of two types each is the type of the object that the other one is.
static void add_kinds(const struct state *s)
{
	struct heapsh_type t = { .size = sizeof(t) };

	t.name = heapsh_text_of("hen");
	t.address = s->h.threads[0].locals;
	host->type(s->im, &t);
	t.name = heapsh_text_of("egg");
	t.address = s->h.globals;
	host->type(s->im, &t);
}

static const char *evil_open(struct heapsh_image *im, void **state,
			     struct heapsh_status *ret)
{
	const char *why;

	image = im;
	spoil("open");
	why = full.open(im, state, ret);
	if (!why && is_evil("kinds", NULL))
		add_kinds((struct state *)*state);
	return why;
}

static void evil_close(void *state)
{
	spoil("close");
	full.close(state);
	image = NULL;
}

static uint32_t evil_ranges(void *state, struct heapsh_range *ret, uint32_t cap,
			    uint64_t *grain)
{
	spoil("ranges");
	return full.ranges(state, ret, cap, grain);
}

static void evil_roots(void *state, heapsh_root_fn *emit, void *arg)
{
	struct heapsh_root root = { .size = sizeof(root),
				    .flags = HEAPSH_ROOT_FOUND };
	int endless = is_evil("emit", "roots");

	spoil("roots");
	full.roots(state, emit, arg);
	for (; endless && root.target < 100000000; root.target++)
		emit(arg, &root);
}

static uint64_t evil_render(void *state, uint64_t addr, uint32_t style,
			    char *buf, uint64_t cap)
{
	spoil("render");
	return full.render(state, addr, style, buf, cap);
}

static uint64_t evil_lookup(void *state, struct heapsh_text name)
{
	(void)state;
	(void)name;
	spoil("lookup");
	return 0;
}

static uint64_t evil_attr(void *state, uint64_t addr, struct heapsh_text name)
{
	(void)state;
	(void)addr;
	(void)name;
	spoil("attr");
	return 0;
}

static uint64_t evil_item(void *state, uint64_t addr,
			  const struct heapsh_key *key)
{
	(void)state;
	(void)addr;
	(void)key;
	spoil("item");
	return 0;
}

static void evil_names(void *state, uint64_t addr, struct heapsh_text prefix,
		       heapsh_name_fn *fn, void *arg)
{
	(void)state;
	(void)addr;
	(void)prefix;
	(void)fn;
	(void)arg;
	spoil("names");
}

static int evil_measure(void *state, uint64_t addr, struct heapsh_measure *ret)
{
	(void)state;
	(void)addr;
	(void)ret;
	spoil("measure");
	return 0;
}

/* --- interfaces ---------------------------------------------------------- */

static int evil_thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	spoil("thread");
	return thread(state, is_evil("again", "thread") ? 0 : index, ret);
}

static int evil_frame(void *state, uint32_t index, uint32_t n,
		      struct heapsh_frame *ret)
{
	spoil("frame");
	return frame(state, index, is_evil("again", "frame") ? 0 : n, ret);
}

static int evil_variable(void *state, uint32_t index, uint32_t n, uint32_t i,
			 struct heapsh_variable *ret)
{
	spoil("variable");
	return variable(state, index, n, i, ret);
}

static void evil_each(void *state, heapsh_name_fn *fn, void *arg)
{
	spoil("each");
	each_module(state, fn, arg);
}

static uint64_t evil_hash(void *state, uint64_t addr)
{
	(void)state;
	(void)addr;
	spoil("hash");
	return 0;
}

static const void *evil_interface(const char *name)
{
	static const struct heapsh_threads threads = {
		.size = sizeof(threads), .thread = evil_thread,
		.frame = evil_frame, .variable = evil_variable,
	};
	static const struct heapsh_modules modules = {
		.size = sizeof(modules), .each = evil_each,
	};
	static const struct heapsh_content content = {
		.size = sizeof(content), .hash = evil_hash,
	};

	spoil("get_interface");
	if (!strcmp(name, HEAPSH_THREADS_0))
		return &threads;
	if (!strcmp(name, HEAPSH_CONTENT_0))
		return &content;
	return strcmp(name, HEAPSH_MODULES_0) ? NULL : &modules;
}

/** Is this call the one that is spoilt? Then what the host does is replaced. */
static int is_spoilt(const char *call)
{
	return is_evil("crash", call) || is_evil("loop", call) ||
	       is_evil("read", call);
}

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	static struct heapsh_plugin evil;

	spoil("load");
	full = *toy_plugin(h);
	evil = full;
	evil.name = "evil";
	evil.probe = evil_probe;
	evil.settle = evil_settle;
	evil.open = evil_open;
	evil.close = evil_close;
	evil.ranges = evil_ranges;
	evil.sweep = evil_sweep;
	evil.at = evil_at;
	evil.roots = evil_roots;
	evil.render = evil_render;
	evil.get_interface = evil_interface;
	evil.lookup = is_spoilt("lookup") ? evil_lookup : NULL;
	evil.attr = is_spoilt("attr") ? evil_attr : NULL;
	evil.item = is_spoilt("item") ? evil_item : NULL;
	evil.names = is_spoilt("names") ? evil_names : NULL;
	evil.measure = is_spoilt("measure") ? evil_measure : NULL;
	return &evil;
}
