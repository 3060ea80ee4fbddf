// SPDX-License-Identifier: Apache-2.0
/**
 * Before an instant is believed, the plugin is asked for some hundred objects
 * more than once:
 *
 *	pieces of its ranges	sweep() twice, and at() for what it found
 *	roots, what they refer	at() twice, three references deep
 *	to
 *
 * and the same object must have the same type, sizes and references each time.
 * Most references must lead somewhere that is mapped, sizes must fit into the
 * process, and the types of types must end. A plugin for which any of these
 * questions is a walk of the whole heap (HEAPSH_PLUGIN_WALKS) is asked when the
 * first of them is the user's, and just before it is answered.
 */
#include "model_priv.h"

enum {
	ASKED_MAX = 256,	/* objects of one question */
	TARGETS_MAX = 1024,	/* references of one question */
	PIECES = 3,		/* of all ranges */
	PIECE_MIN = 64 << 10,
	RANGES = 4096,		/* that are chosen from */
	DEPTH = 3,
	OUTSIDE_MIN = 16,	/* fewer prove nothing */
	ABSURD_MIN = 4,
	TYPES_MAX = 512,
	TYPE_STEPS = 64,	/* from a type to the type of all types */
	LARGE = 256 << 10,	/* bytes: not asked for its references */
	PLAIN = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_SIZES,
	WANT = PLAIN | HEAPSH_WANT_EDGES | HEAPSH_WANT_LABELS,
};

/** What one object was said to be. */
struct said {
	struct heapsh_object o;
	uint64_t edges;		/* a hash of them, in their order */
	uint64_t n_edges;
};

struct asked {
	struct heapsh_sink sink;	/* first */
	uint32_t n, n_targets;
	bool full;			/* the object is one too many */
	bool large;			/* one of them is */
	struct said v[ASKED_MAX];
	uint64_t targets[TARGETS_MAX];	/* of strong references */
};

struct belief {
	struct md_model *m;
	struct im_reader *reader;
	struct asked first, second;
	uint64_t n_edges, n_outside;	/* of all strong ones that were seen */
};

static void take_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct asked *a = (struct asked *)sink;

	a->full = a->n == ASKED_MAX;
	a->large = a->large || o->flat >= LARGE;
	if (!a->full)
		a->v[a->n++] = (struct said){ .o = *o };
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static void take_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct asked *a = (struct asked *)sink;
	struct said *s;

	if (a->full || !a->n)
		return;
	s = &a->v[a->n - 1];
	s->edges = mix(mix(mix(s->edges, e->target), e->a ^ e->b << 1),
		       e->flags | (uint64_t)e->label << 32);
	s->n_edges++;
	if (!(e->flags & HEAPSH_EDGE_WEAK) && a->n_targets < TARGETS_MAX)
		a->targets[a->n_targets++] = e->target;
}

static void start(struct belief *b, struct asked *a)
{
	a->n = a->n_targets = 0;
	a->full = a->large = false;
	a->sink = (struct heapsh_sink){ .size = sizeof(a->sink),
					.want = WANT,
					.object = take_object,
					.edge = take_edge,
					.reader = b->reader };
}

static void ask_at(struct belief *b, struct asked *a, const uint64_t *addr,
		   uint32_t n, uint32_t want)
{
	start(b, a);
	a->sink.want = want;
	md_at(b->m, addr, n, &a->sink);
}

/** What both say of one object; words: how it was asked for the second time. */
static void compare_one(struct md_model *m, const struct said *x,
			const struct said *y, const char *words)
{
	const struct heapsh_object *o = &x->o, *p = &y->o;

	if ((o->flags | p->flags) & (HEAPSH_OBJECT_TORN | HEAPSH_OBJECT_UNREAD))
		return;
	if (o->type != p->type || o->flat != p->flat || o->held != p->held)
		md_blame(m->own, "the object at 0x%llx is a %.40s of %llu bytes"
			 " (%llu held), and %s a %.40s of %llu (%llu)",
			 (unsigned long long)o->address,
			 md_type(m, o->type)->name, (unsigned long long)o->flat,
			 (unsigned long long)o->held, words,
			 md_type(m, p->type)->name, (unsigned long long)p->flat,
			 (unsigned long long)p->held);
	else if (x->n_edges != y->n_edges || x->edges != y->edges)
		md_blame(m->own, "the object at 0x%llx (%.40s) has %llu "
			 "references, and %s %llu others",
			 (unsigned long long)o->address,
			 md_type(m, o->type)->name,
			 (unsigned long long)x->n_edges, words,
			 (unsigned long long)y->n_edges);
}

static void compare(struct belief *b, const char *words)
{
	const struct asked *x = &b->first, *y = &b->second;
	uint32_t i;

	for (i = 0; i < x->n && i < y->n; i++) {
		if (x->v[i].o.address != y->v[i].o.address)
			break;
		compare_one(b->m, &x->v[i], &y->v[i], words);
	}
	if (i < x->n || i < y->n)
		md_blame(b->m->own, "there is an object at 0x%llx, and %s there"
			 " is none (or not in this order)",
			 (unsigned long long)(i < x->n ? x->v[i].o.address :
							 y->v[i].o.address),
			 words);
}

/** Addresses of the first answer. */
static uint32_t addresses(const struct asked *a, uint64_t *ret)
{
	uint32_t i;

	for (i = 0; i < a->n; i++)
		ret[i] = a->v[i].o.address;
	return a->n;
}

static bool is_mapped(const struct md_model *m, uint64_t addr)
{
	const struct im_mapping *v;
	size_t n = im_mappings(m->image->im, &v), lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo].start <= addr;
}

static void count_outside(struct belief *b)
{
	uint32_t i;

	for (i = 0; i < b->first.n_targets; i++)
		b->n_outside += !is_mapped(b->m, b->first.targets[i]);
	b->n_edges += b->first.n_targets;
}

/** A list of millions would take longer than all else that is asked. */
static uint32_t leave_out_large(struct belief *b, uint64_t *addr, uint32_t n)
{
	uint32_t i, left = 0;

	ask_at(b, &b->first, addr, n, PLAIN);
	for (i = 0; i < b->first.n; i++)
		if (b->first.v[i].o.flat < LARGE)
			addr[left++] = b->first.v[i].o.address;
	return left;
}

/** The same question again; the references are those of first. */
static void ask_twice(struct belief *b, uint64_t *addr, uint32_t n)
{
	n = leave_out_large(b, addr, n);
	ask_at(b, &b->first, addr, n, WANT);
	ask_at(b, &b->second, addr, n, WANT);
	compare(b, "when asked again");
	count_outside(b);
}

/* --- pieces of the ranges ------------------------------------------------ */

/** Bytes of the piece in buf; what cannot be read is zero. */
static void read_piece(struct md_model *m, struct heapsh_chunk *c, uint8_t *buf)
{
	enum { PAGE = 4096 };
	uint64_t at = 0, n;

	memset(buf, 0, c->len);
	while (at < c->len) {
		n = md_read(m, c->address + at, buf + at, c->len - at);
		at += n < c->len - at ? n : c->len - at;
		at += PAGE - ((c->address + at) & (PAGE - 1));
	}
}

static void sweep_piece(struct belief *b, struct asked *a,
			const struct heapsh_chunk *c, uint32_t want)
{
	start(b, a);
	a->sink.want = want;
	md_reader_lend(b->reader, c->address, c->bytes, c->len);
	md_sweep(b->m, c, &a->sink);
	md_reader_lend(b->reader, 0, NULL, 0);
}

/** Each of the same once more; of large objects no references. */
static void check_chunk(struct belief *b, const struct heapsh_chunk *c)
{
	uint32_t want = PLAIN, n;
	uint64_t addr[ASKED_MAX];

	sweep_piece(b, &b->first, c, want);
	if (!b->first.large) {
		want = WANT;
		sweep_piece(b, &b->first, c, want);
	}
	sweep_piece(b, &b->second, c, want);
	compare(b, "when swept again");
	n = addresses(&b->first, addr);
	ask_at(b, &b->second, addr, n, want);
	compare(b, "when at() is asked");
	if (want == PLAIN)
		ask_twice(b, addr, n);
	else
		count_outside(b);
}

static void check_piece(struct belief *b, const struct heapsh_range *r,
			uint64_t grain)
{
	uint64_t want = grain > PIECE_MIN ? grain : PIECE_MIN;
	struct heapsh_chunk c = {
		.size = sizeof(c), .address = r->start,
		.len = r->end - r->start < want ? r->end - r->start : want,
	};
	HS_FREE uint8_t *buf = hs_xalloc(c.len);

	c.bytes = buf;
	read_piece(b->m, &c, buf);
	check_chunk(b, &c);
}

static void check_ranges(struct belief *b)
{
	HS_FREE struct heapsh_range *r = hs_xcalloc(RANGES, sizeof(*r));
	uint64_t grain = 0;
	uint32_t n = md_ranges(b->m, r, RANGES, &grain), i, last = UINT32_MAX;

	if (n > RANGES)
		n = RANGES;
	for (i = 0; i < PIECES && n && !md_is_disabled(b->m->own); i++) {
		uint32_t k = (uint32_t)((uint64_t)(n - 1) * i / (PIECES - 1));

		if (k != last)
			check_piece(b, &r[k], grain);
		last = k;
	}
}

/* --- from the roots ------------------------------------------------------ */

struct start {
	uint64_t addr[ASKED_MAX];
	uint32_t n;
};

static void take_root(void *arg, const struct heapsh_root *root)
{
	struct start *s = arg;

	if (s->n < ASKED_MAX && root->target)
		s->addr[s->n++] = root->target;
}

static void check_roots(struct belief *b)
{
	struct start s = { .n = 0 };
	uint32_t depth, i;

	md_roots(b->m, take_root, &s);
	for (depth = 0; depth < DEPTH && s.n; depth++) {
		ask_twice(b, s.addr, s.n);
		s.n = 0;
		for (i = 0; i < b->first.n_targets && s.n < ASKED_MAX; i++)
			s.addr[s.n++] = b->first.targets[i];
	}
}

/* --- types --------------------------------------------------------------- */

/** Type of the object that a type is, or UINT32_MAX. */
static uint32_t type_of_type(struct md_model *m, uint32_t type)
{
	uint64_t addr = md_type(m, type)->address;
	struct md_object o;

	return addr && md_object_at(m, addr, &o) ? o.o.type : UINT32_MAX;
}

static void check_types(struct md_model *m)
{
	uint32_t n = md_n_types(m), i, k, next, type;

	for (i = 0; i < n && i < TYPES_MAX && !md_is_disabled(m->own); i++) {
		type = i;
		for (k = 0; k < TYPE_STEPS; k++) {
			next = type_of_type(m, type);
			if (next == UINT32_MAX || next == type)
				break;
			type = next;
		}
		if (k == TYPE_STEPS)
			md_blame(m->own, "the type of %.40s has a type, and so "
				 "on without an end", md_type(m, i)->name);
	}
}

static void judge(struct belief *b)
{
	uint64_t absurd = atomic_load(&b->m->absurd);

	if (b->n_outside >= OUTSIDE_MIN && b->n_outside > b->n_edges / 2)
		md_blame(b->m->own, "%llu of the first %llu references lead to "
			 "addresses that are not mapped",
			 (unsigned long long)b->n_outside,
			 (unsigned long long)b->n_edges);
	if (absurd >= ABSURD_MIN)
		md_blame(b->m->own, "%llu of the first objects are larger than "
			 "the whole process", (unsigned long long)absurd);
}

static struct hs_err *believe_one(struct md_model *m)
{
	HS_FREE struct belief *b = hs_xalloc(sizeof(*b));
	struct hs_err *err;

	b->m = m;
	err = md_reader_create(m, NULL, &b->reader);
	if (err)
		return err;
	check_ranges(b);
	check_roots(b);
	check_types(m);
	judge(b);
	md_reader_destroy(b->reader);
	return md_fault(m);
}

static void believe_part(struct md_model *part, void *arg)
{
	struct hs_err **err = arg;

	if (!*err)
		*err = believe_one(part);
}

static bool is_joint(const struct md_model *m)
{
	return m->own == &m->own->host->joint;
}

void md_end_doubt(struct md_model *m)
{
	// Its own questions come here again.
	m->doubted = false;
	hs_err_free(believe_one(m));
}

struct hs_err *md_believe(struct md_model *m, bool now)
{
	struct hs_err *err = NULL;

	// A running process says what it likes.
	if (!m->frozen)
		return NULL;
	m->doubted = !now && !is_joint(m) && md_flag(m, HEAPSH_PLUGIN_WALKS);
	if (m->doubted)
		return NULL;
	if (!is_joint(m))
		return believe_one(m);
	md_each_part(m, believe_part, &err);
	return err;
}
