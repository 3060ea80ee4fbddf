// SPDX-License-Identifier: Apache-2.0
#include "lying.h"

#include <string.h>

struct lie {
	uint8_t kind, key, value;
};

static struct {
	struct lie lies[LYING_LIES];
	size_t n_lies, n_truth;
	const uint8_t *truth;
	uint32_t occasions;
	const struct heapsh_host *host;
	struct heapsh_image *image;
	uint32_t types[LYING_TYPES];
} me;

/* --- truth --------------------------------------------------------------- */

static uint8_t truth_byte(uint32_t slot, uint32_t i)
{
	return me.n_truth ? me.truth[(slot * 5 + i) % me.n_truth] : 0;
}

static uint64_t address_of(uint32_t slot)
{
	return LYING_HEAP + (uint64_t)slot * LYING_SLOT_BYTES;
}

/* LYING_SLOTS: of none. */
static uint32_t slot_of(uint64_t addr)
{
	if (addr < LYING_HEAP || addr >= address_of(LYING_SLOTS) ||
	    addr % LYING_SLOT_BYTES)
		return LYING_SLOTS;
	return (uint32_t)((addr - LYING_HEAP) / LYING_SLOT_BYTES);
}

void lying_truth(uint32_t slot, struct lying_object *ret)
{
	uint8_t b = truth_byte(slot, 0);

	memset(ret, 0, sizeof(*ret));
	ret->there = b & 1;
	ret->type = b >> 1 & 3;
	ret->address = address_of(slot);
	ret->size = (uint64_t)LYING_SLOT_BYTES * (1 + (b >> 3 & 3));
	ret->n_edges = ret->type == 3 ? 0 : b >> 5;
	for (uint32_t i = 0; i < ret->n_edges; i++) {
		uint8_t e = truth_byte(slot, i + 1);

		ret->edges[i].slot = (e * 3u + i) % LYING_SLOTS;
		ret->edges[i].label = e % (HEAPSH_LABEL_PART + 1);
		ret->edges[i].weak = e >= 0xe8;
	}
}

uint32_t lying_root(uint32_t i)
{
	uint8_t b = truth_byte(i, 3);

	return b & 1 ? UINT32_MAX : b;
}

size_t lying_n_lies(void)
{
	return me.n_lies;
}

/* --- lies ---------------------------------------------------------------- */

static const struct lie *lie(enum lying_kind kind, uint64_t key)
{
	for (size_t i = 0; i < me.n_lies; i++) {
		const struct lie *l = &me.lies[i];

		if ((l->kind & 0x7f) % LIE_KINDS != kind)
			continue;
		me.occasions++;
		if (l->key == ((l->kind & 0x80 ? me.occasions : key) & 0xff))
			return l;
	}
	return NULL;
}

static uint64_t number(uint8_t value)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 15, 0x7f, 0xff, 0x1000, 0xffff, 0x10000,
		0xfffff, 0x100001, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7ffffffffff8, 0x800000000000, 0x7fffffffffffffff,
		0x8000000000000000, 0xfffffffffffffff0, 0xffffffffffffffff,
		LYING_HEAP - 16, LYING_HEAP + 4, LYING_HEAP + 8,
		LYING_HEAP + 16 * LYING_SWEPT - 8,
		LYING_HEAP + 16 * LYING_SLOTS - 8,
		LYING_HEAP + 16 * LYING_SLOTS, 0x200000, 0x600000000000,
	};

	if (value & 0x80)
		return address_of((value & 0x7fu) * 2);
	return value < 0x40 ? value :
	       edges[(value & 0x3f) % (sizeof(edges) / sizeof(edges[0]))];
}

static uint64_t said(enum lying_kind kind, uint64_t key, uint64_t truth)
{
	const struct lie *l = lie(kind, key);

	return l ? number(l->value) : truth;
}

/* Longer than any text that the host keeps; of no whole characters. */
static const char *overlong(void)
{
	static char text[6000];

	if (!*text)
		memset(text, 0xe2, sizeof(text) - 1);
	return text;
}

static const char *word(enum lying_kind kind, uint64_t key, const char *truth)
{
	static const char *const words[] = {
		NULL, "", "\x1b[2J\x07", "\xff\xfe\x80", "\xe2\x80\xae",
		"a b\nc", "\xc2\x9b", "'];[\"", "\xf0\x9f\x92\xa9\xf0\x9f",
	};
	enum { WORDS = sizeof(words) / sizeof(words[0]) };
	const struct lie *l = lie(kind, key);

	if (!l)
		return truth;
	return l->value % (WORDS + 1) == WORDS ? overlong() :
						 words[l->value % (WORDS + 1)];
}

static struct heapsh_text text(enum lying_kind kind, uint64_t key,
			       const char *truth)
{
	const char *s = word(kind, key, truth);

	// Of no bytes there may be any number: the host must not look.
	return (struct heapsh_text){ s, s ? strlen(s) : 1u << 20 };
}

/* --- objects and references ---------------------------------------------- */

static void emit_edge(uint32_t slot, const struct lying_object *t, uint32_t i,
		      struct heapsh_sink *sink)
{
	const struct heapsh_edge e = {
		.flags = (uint32_t)said(LIE_EDGE_FLAGS, slot,
					t->edges[i].weak * HEAPSH_EDGE_WEAK),
		.label = (uint32_t)said(LIE_LABEL, slot, t->edges[i].label),
		.target = said(LIE_TARGET, slot, address_of(t->edges[i].slot)),
		.a = said(LIE_A, slot, address_of(t->edges[i].slot)),
		.b = said(LIE_B, slot, i),
		.text = word(LIE_WORD, slot, "member"),
	};
	uint32_t times = lie(LIE_MANY_EDGES, slot) ? 500 : 1;

	while (times--)
		sink->edge(sink, &e);
}

static void emit(uint32_t slot, struct heapsh_sink *sink)
{
	struct heapsh_object o = { 0 };
	uint64_t words = said(LIE_WORDS, slot, 0);
	struct lying_object t;

	lying_truth(slot, &t);
	if (!t.there || lie(LIE_NONE, slot))
		return;
	o.address = said(LIE_OBJECT_ADDRESS, slot, t.address);
	o.type = (uint32_t)said(LIE_OBJECT_TYPE, slot, me.types[t.type]);
	o.flags = (uint32_t)said(LIE_OBJECT_FLAGS, slot, 0);
	o.flat = said(LIE_FLAT, slot, t.size);
	o.held = said(LIE_HELD, slot, t.size);
	o.refcount = said(LIE_REFCOUNT, slot, 1);
	if (lie(LIE_EARLY_EDGE, slot) && t.n_edges)
		emit_edge(slot, &t, 0, sink);
	sink->object(sink, &o);
	if (lie(LIE_TWICE, slot))
		sink->object(sink, &o);
	if (lie(LIE_NOTHING, slot))
		sink->nothing(sink, o.address);
	for (uint32_t i = 0; i < t.n_edges && sink->want & HEAPSH_WANT_EDGES;
	     i++)
		emit_edge(slot, &t, i, sink);
	if (words && sink->words)
		sink->words(sink, words, number(slot & 0x7f));
}

static void lying_sweep(void *state, const struct heapsh_chunk *c,
			struct heapsh_sink *sink)
{
	uint64_t end = c->address + c->len;

	(void)state;
	for (uint32_t i = 0; i < LYING_SWEPT; i++) {
		if (address_of(i) >= c->address && address_of(i) < end)
			emit(i, sink);
	}
}

static void lying_at(void *state, const uint64_t *addr, uint32_t n,
		     struct heapsh_sink *sink)
{
	struct lying_object t;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = slot_of(addr[i]);

		if (slot < LYING_SLOTS)
			lying_truth(slot, &t);
		if (slot < LYING_SLOTS && t.there)
			emit(slot, sink);
		else
			sink->nothing(sink, addr[i]);
	}
}

static uint32_t lying_ranges(void *state, struct heapsh_range *ret,
			     uint32_t cap, uint64_t *grain)
{
	(void)state;
	*grain = said(LIE_GRAIN, 0, 4096);
	for (uint32_t i = 0; i < 3 && i < cap; i++) {
		uint64_t at = address_of(i * LYING_SWEPT / 3);

		ret[i].start = said(LIE_RANGE_START, i, at);
		ret[i].end = said(LIE_RANGE_END, i,
				  at + LYING_SWEPT / 3 * LYING_SLOT_BYTES);
	}
	return (uint32_t)said(LIE_RANGE_COUNT, 0, 3);
}

static void lying_roots(void *state, heapsh_root_fn *fn, void *arg)
{
	(void)state;
	for (uint32_t i = 0; i < LYING_ROOTS; i++) {
		struct heapsh_root r = { .size = sizeof(r) };

		if (lying_root(i) == UINT32_MAX)
			continue;
		r.size = (uint32_t)said(LIE_ROOT_SIZE, i, r.size);
		r.flags = (uint32_t)said(LIE_ROOT_FLAGS, i, 0);
		r.target = said(LIE_ROOT_TARGET, i, address_of(lying_root(i)));
		r.name = text(LIE_ROOT_NAME, i, "root");
		fn(arg, &r);
	}
}

/* --- begin --------------------------------------------------------------- */

static void tell_type(uint32_t i)
{
	static const char *const names[LYING_TYPES] = { "node", "owner",
							"table", "text" };
	static const uint32_t flags[LYING_TYPES] = {
		0, HEAPSH_TYPE_OWNS_TABLE, HEAPSH_TYPE_TABLE,
		HEAPSH_TYPE_TEXT | HEAPSH_TYPE_LEAF,
	};
	const struct heapsh_type t = {
		.size = sizeof(t),
		.flags = (uint32_t)said(LIE_TYPE_FLAGS, i,
					flags[i % LYING_TYPES]),
		.name = text(LIE_TYPE_NAME, i, names[i % LYING_TYPES]),
		.address = said(LIE_TYPE_ADDRESS, i, i < LYING_TYPES ? 0 : i),
		.basic_size = said(LIE_TYPE_BASIC, i, 16),
		.item_size = said(LIE_TYPE_ITEM, i, i == 3),
		.pre_size = said(LIE_TYPE_PRE, i, 0),
	};
	uint32_t n = me.host->type(me.image, &t);

	if (i < LYING_TYPES)
		me.types[i] = n;
}

static const char *lying_open(struct heapsh_image *im, void **state,
			      struct heapsh_status *ret)
{
	const char *why = word(LIE_OPEN, 0, NULL);

	me.image = im;
	*state = &me;
	if (lie(LIE_STATUS, 0))
		memset(&ret->collecting, 0xff, sizeof(*ret) -
		       offsetof(struct heapsh_status, collecting));
	if (lie(LIE_DIAG, 0))
		me.host->diag(im, 99, word(LIE_DIAG, 1, "\x1b note"));
	for (uint32_t i = 0; i < LYING_TYPES; i++)
		tell_type(i);
	for (uint32_t i = 0; i < 300 && lie(LIE_NEW_TYPE, 0); i++)
		tell_type(LYING_TYPES + i);
	return why;
}

static void lying_close(void *state)
{
	(void)state;
}

static void lying_probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	(void)im;
	ret->answer = (uint32_t)said(LIE_CLAIM, 0, HEAPSH_YES);
	ret->confidence = (uint32_t)said(LIE_CLAIM, 1, 90);
	if (lie(LIE_CLAIM, 2))
		memset(ret->runtime, 0xf0, sizeof(*ret) -
		       offsetof(struct heapsh_claim, runtime));
}

static void lying_settle(struct heapsh_image *im, struct heapsh_settle *ret)
{
	const struct lie *l = lie(LIE_SETTLE, 0);

	(void)im;
	if (l)
		memset(&ret->flags, l->value, sizeof(*ret) -
		       offsetof(struct heapsh_settle, flags));
}

/* --- questions about one object ------------------------------------------ */

static uint64_t lying_render(void *state, uint64_t addr, uint32_t style,
			     char *buf, uint64_t cap)
{
	struct heapsh_text t = text(LIE_TEXT, slot_of(addr) + style, "text");
	uint64_t n = t.s ? t.n : 0;

	(void)state;
	if (t.s)
		memcpy(buf, t.s, n < cap ? n : cap);
	return said(LIE_TEXT_LENGTH, slot_of(addr), n);
}

static uint64_t lying_lookup(void *state, struct heapsh_text name)
{
	(void)state;
	return said(LIE_LOOKUP, name.n, address_of(3));
}

static uint64_t lying_attr(void *state, uint64_t addr, struct heapsh_text name)
{
	(void)state;
	(void)name;
	return said(LIE_ATTR, slot_of(addr), addr);
}

static uint64_t lying_item(void *state, uint64_t addr,
			   const struct heapsh_key *key)
{
	(void)state;
	(void)key;
	return said(LIE_ITEM, slot_of(addr), addr);
}

static void lying_names(void *state, uint64_t addr, struct heapsh_text prefix,
			heapsh_name_fn *fn, void *arg)
{
	(void)state;
	(void)prefix;
	// It does not stop when it is told to.
	for (uint32_t i = 0; i < 20; i++)
		(void)fn(arg, text(LIE_NAME, i, "name"), addr + i);
}

static int lying_measure(void *state, uint64_t addr, struct heapsh_measure *ret)
{
	const struct lie *l = lie(LIE_MEASURE, slot_of(addr));

	(void)state;
	ret->basic_size = 16;
	if (l)
		memset(ret, l->value, sizeof(*ret));
	return !l || l->value & 1;
}

/* --- interfaces ---------------------------------------------------------- */

static int lying_thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	(void)state;
	ret->ident = said(LIE_THREAD, index, index + 1);
	ret->tid = (int32_t)said(LIE_THREAD, index + 100, 1);
	ret->name = text(LIE_THREAD, index + 200, "thread");
	return index < 2 || lie(LIE_THREAD, 255);
}

static int lying_frame(void *state, uint32_t thread, uint32_t index,
		       struct heapsh_frame *ret)
{
	(void)state;
	(void)thread;
	ret->address = said(LIE_FRAME, index, index + 16);
	ret->object = said(LIE_FRAME, index + 100, 0);
	ret->function = text(LIE_FRAME, index + 150, "function");
	ret->file = text(LIE_FRAME, index + 200, "file");
	return index < 3 || lie(LIE_FRAME, 255);
}

static int lying_variable(void *state, uint32_t thread, uint32_t frame,
			  uint32_t index, struct heapsh_variable *ret)
{
	(void)state;
	(void)thread;
	(void)frame;
	ret->kind = (uint32_t)said(LIE_VARIABLE, index, HEAPSH_LABEL_LOCAL);
	ret->target = said(LIE_VARIABLE, index + 100, address_of(index));
	ret->name = text(LIE_VARIABLE, index + 150, "variable");
	ret->value = text(LIE_VARIABLE, index + 200, "");
	return index < 3 || lie(LIE_VARIABLE, 255);
}

static void lying_each(void *state, heapsh_name_fn *fn, void *arg)
{
	lying_names(state, address_of(0), (struct heapsh_text){ "", 0 }, fn,
		    arg);
}

static void lying_bases(void *state, uint64_t addr, heapsh_name_fn *fn,
			void *arg)
{
	lying_names(state, addr, (struct heapsh_text){ "", 0 }, fn, arg);
}

static uint64_t lying_hash(void *state, uint64_t addr)
{
	(void)state;
	return said(LIE_HASH, slot_of(addr), addr);
}

static int lying_usage(void *state, uint64_t addr, struct heapsh_usage *ret)
{
	(void)state;
	ret->used = said(LIE_USAGE, slot_of(addr), 1);
	ret->capacity = said(LIE_USAGE, slot_of(addr) + 1, 2);
	ret->unused_bytes = said(LIE_USAGE, slot_of(addr) + 2, 8);
	return 1;
}

static int lying_active(void *state)
{
	(void)state;
	return !lie(LIE_SITE, 255);
}

static int lying_site(void *state, uint64_t addr, uint32_t index,
		      struct heapsh_site *ret)
{
	(void)state;
	ret->line = (uint32_t)said(LIE_SITE, slot_of(addr), 1);
	ret->id = said(LIE_SITE, slot_of(addr) + 1, 1);
	ret->file = text(LIE_SITE, slot_of(addr) + 2, "file");
	return index < 2 || lie(LIE_SITE, 254);
}

static int lying_may_attr(void *state, uint64_t addr, struct heapsh_text name)
{
	(void)state;
	return name.n && said(LIE_SCALAR, slot_of(addr), 1);
}

static uint32_t lying_flags(void *state, uint64_t addr)
{
	(void)state;
	return (uint32_t)said(LIE_COLLECTOR, slot_of(addr),
			      HEAPSH_COLLECTOR_TRACKED);
}

static int lying_get(void *state, uint64_t addr, const struct heapsh_key *key,
		     struct heapsh_key *ret)
{
	(void)state;
	(void)key;
	ret->kind = (uint32_t)said(LIE_SCALAR, slot_of(addr), HEAPSH_KEY_INT);
	return 1;
}

static uint32_t lying_ask(void *state, uint64_t addr, uint32_t what, char *buf,
			  uint64_t cap, uint64_t *n, char *why,
			  uint64_t why_cap)
{
	*n = said(LIE_ASK, slot_of(addr), lying_render(state, addr, what, buf,
						       cap));
	memset(why, 0x9b, why_cap);
	return (uint32_t)said(LIE_ASK, slot_of(addr) + 1,
			      HEAPSH_EVAL_RETURNED);
}

static uint32_t lying_ask_flat(void *state, uint64_t addr, uint64_t *ret,
			       char *why, uint64_t why_cap)
{
	(void)state;
	*ret = said(LIE_ASK, slot_of(addr), 16);
	memset(why, 0x9b, why_cap);
	return (uint32_t)said(LIE_ASK, slot_of(addr) + 1,
			      HEAPSH_EVAL_RETURNED);
}

static const struct heapsh_threads threads = { sizeof(threads), 0, lying_thread,
					       lying_frame, lying_variable };
static const struct heapsh_modules modules = { sizeof(modules), 0, lying_each };
static const struct heapsh_types types = { sizeof(types), 0, lying_bases,
					   lying_may_attr, NULL };
static const struct heapsh_content content = { sizeof(content), 0, lying_hash };
static const struct heapsh_usages usages = { sizeof(usages), 0, lying_usage };
static const struct heapsh_sites sites = { sizeof(sites), 0, lying_active,
					   lying_site, NULL };
static const struct heapsh_collector collector = { sizeof(collector), 0,
						   lying_flags };
static const struct heapsh_scalars scalars = { sizeof(scalars), 0, lying_get };
static const struct heapsh_ask asks = { sizeof(asks), 0, lying_ask,
					lying_ask_flat, NULL };

static const struct {
	const char *name;
	const void *p;
} interfaces[] = {
	{ HEAPSH_THREADS_0, &threads },	  { HEAPSH_MODULES_0, &modules },
	{ HEAPSH_TYPES_0, &types },	  { HEAPSH_CONTENT_0, &content },
	{ HEAPSH_USAGE_0, &usages },	  { HEAPSH_SITES_0, &sites },
	{ HEAPSH_COLLECTOR_0, &collector }, { HEAPSH_SCALARS_0, &scalars },
	{ HEAPSH_ASK_0, &asks },
};

static const void *lying_interface(const char *name)
{
	static const uint32_t cut[] = { 8, 8, 8, 8 };	// too small a table

	for (uint32_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]);
	     i++) {
		const struct lie *l;

		if (strcmp(interfaces[i].name, name))
			continue;
		l = lie(LIE_INTERFACE, i);
		return !l ? interfaces[i].p : l->value & 1 ? cut : NULL;
	}
	return NULL;
}

/* --- the table ----------------------------------------------------------- */

static const struct heapsh_plugin full = {
	.size = sizeof(full), .abi_minor = HEAPSH_ABI_MINOR,
	.name = "lying", .version = "1", .license = "Apache-2.0",
	.probe = lying_probe, .settle = lying_settle,
	.open = lying_open, .close = lying_close,
	.ranges = lying_ranges, .sweep = lying_sweep, .at = lying_at,
	.roots = lying_roots, .render = lying_render, .lookup = lying_lookup,
	.attr = lying_attr, .item = lying_item, .names = lying_names,
	.measure = lying_measure, .get_interface = lying_interface,
};

static void drop_member(struct heapsh_plugin *p, uint8_t which)
{
	switch (which % 10) {
	case 0: p->settle = NULL; break;
	case 1: p->close = NULL; break;
	case 2: p->sweep = NULL; break;
	case 3: p->ranges = NULL; break;
	case 4: p->render = NULL; break;
	case 5: p->lookup = NULL; break;
	case 6: p->attr = NULL; break;
	case 7: p->item = NULL; break;
	case 8: p->names = NULL; break;
	default: p->measure = NULL; break;
	}
}

void lying_host(const struct heapsh_host *host)
{
	me.host = host;
}

const struct heapsh_plugin *lying_plugin(const uint8_t *bytes, size_t n)
{
	static struct heapsh_plugin table;
	size_t i;

	table = full;
	me.n_lies = n ? bytes[0] % (LYING_LIES + 1u) : 0;
	if (n < 1 + 3 * me.n_lies)
		me.n_lies = 0;
	me.truth = bytes + 1 + 3 * me.n_lies;
	me.n_truth = n ? n - 1 - 3 * me.n_lies : 0;
	me.occasions = 0;
	for (i = 0; i < me.n_lies; i++) {
		memcpy(&me.lies[i], bytes + 1 + 3 * i, 3);
		if ((me.lies[i].kind & 0x7f) % LIE_KINDS == LIE_ABSENT)
			drop_member(&table, me.lies[i].value);
	}
	return &table;
}
