// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Operators between two instants of one program. An object is the same in both
 * when address, type and content agree: the address alone may have been used
 * again. Content is compared where the plugin can hash it and both instants can
 * still be read.
 */

/*
 * To ask for a hash costs microseconds, twice. Most objects have not changed a
 * byte, their count of references included: then there is nothing to ask. Nodes
 * come in the order of their addresses, so their bytes are read in windows.
 */
enum {
	WINDOW = 1 << 15, /* bytes read at once; objects may lie far apart */
	LOOK = 1 << 12, /* larger objects are hashed */
};

struct bytes {
	uint64_t start, len;
	uint8_t *v; /* WINDOW of them, or NULL */
};

/* One instant, as far as identity goes. */
struct side {
	struct gr_graph *g;
	struct md_model *m;
	bool readable;
	struct bytes at;
};

struct across {
	struct side a, b; /* wanted in a; members of b */
	struct gr_set *members;
	struct hs_map types; /* type of a → type of b, or UINT32_MAX */
	uint32_t found;
};

static struct hs_err *side_of(struct lg_session *s, struct lg_instant *in,
			      struct side *ret)
{
	struct hs_err *err = lg_instant_graph(in, s->task, &ret->g);

	if (err)
		return err;
	ret->m = lg_instant_model(in, s->task);
	ret->readable = lg_instant_readable(in);
	return NULL;
}

/* Types are numbered by each instant: the same one has name and address. */
static uint32_t type_in_b(struct across *x, uint32_t type)
{
	uint64_t *known = hs_map_get(&x->types, type);
	const struct md_type *t;
	uint32_t other;

	if (known)
		return (uint32_t)*known;
	t = md_type(x->a.m, type);
	other = t->address ? md_type_by_address(x->b.m, t->address)
			   : md_type_by_name(x->b.m, t->name);
	if (other != UINT32_MAX &&
	    strcmp(md_type(x->b.m, other)->name, t->name))
		other = UINT32_MAX;
	hs_map_put(&x->types, type, other);
	return other;
}

/* n bytes, at most LOOK; NULL: not all can be read. */
static const uint8_t *bytes_of(struct side *s, uint64_t addr, uint64_t n)
{
	struct bytes *b = &s->at;

	if (addr < b->start || addr - b->start > b->len ||
	    b->len - (addr - b->start) < n) {
		b->start = addr;
		b->len = md_read(s->m, addr, b->v, WINDOW);
	}
	return b->len >= n && addr - b->start <= b->len - n
		       ? b->v + (addr - b->start)
		       : NULL;
}

/* Not a byte differs. False: not known. */
static bool is_unchanged(struct side *a, struct side *b, uint64_t addr,
			 uint64_t n)
{
	const uint8_t *x, *y;

	if (!a->at.v || !b->at.v || !a->readable || !b->readable || !n ||
	    n > LOOK)
		return false;
	x = bytes_of(a, addr, n);
	y = bytes_of(b, addr, n);
	return x && y && !memcmp(x, y, n);
}

static bool same_content(const struct side *a, const struct side *b,
			 uint64_t addr)
{
	return !a->readable || !b->readable ||
	       md_content_hash(a->m, addr) == md_content_hash(b->m, addr);
}

static bool is_member(void *arg, uint32_t id)
{
	struct across *x = arg;
	uint64_t addr = gr_addr(x->a.g, id);
	uint32_t other = gr_id(x->b.g, addr);

	if (other == GR_NONE || !gr_set_has(x->members, other) ||
	    type_in_b(x, gr_type(x->a.g, id)) != gr_type(x->b.g, other))
		return false;
	if (!is_unchanged(&x->a, &x->b, addr, gr_held(x->a.g, id)) &&
	    !same_content(&x->a, &x->b, addr))
		return false;
	x->found++;
	return true;
}

struct hs_err *lg_across(struct lg_session *s, struct lg_instant *a,
			 struct lg_value *b, struct gr_set **ret, bool *b_all)
{
	struct across x = { .members = b->u.set.nodes };
	struct gr_set *all;
	struct hs_err *err = side_of(s, a, &x.a);

	if (!err)
		err = side_of(s, b->in, &x.b);
	if (!err)
		err = gr_set_all(x.a.g, &all);
	if (err)
		return err;
	x.a.at.v = hs_xalloc(WINDOW);
	x.b.at.v = hs_xalloc(WINDOW);
	err = gr_set_filter(all, s->task, is_member, &x, ret);
	free(x.a.at.v);
	free(x.b.at.v);
	gr_set_unref(all);
	hs_map_deinit(&x.types);
	if (!err)
		*b_all = x.found == gr_set_count(x.members);
	return err;
}

bool lg_same_object(struct lg_session *s, const struct lg_value *a,
		    const struct lg_value *b)
{
	struct side sa = { .m = lg_instant_model(a->in, s->task),
			   .readable = lg_instant_readable(a->in) };
	struct side sb = { .m = lg_instant_model(b->in, s->task),
			   .readable = lg_instant_readable(b->in) };
	struct md_object oa, ob;

	if (a->u.addr != b->u.addr)
		return false;
	if (a->in == b->in)
		return true;
	if (!md_object_at(sa.m, a->u.addr, &oa) ||
	    !md_object_at(sb.m, b->u.addr, &ob) ||
	    strcmp(oa.type->name, ob.type->name))
		return false;
	return same_content(&sa, &sb, a->u.addr);
}
