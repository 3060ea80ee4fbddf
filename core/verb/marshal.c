// SPDX-License-Identifier: Apache-2.0
#include "marshal.h"

enum { TEXT_MAX = 65536 };	/* of a char * that is a result */

uint64_t vb_bytes_room(struct vb_bytes *b, uint64_t n)
{
	static const char zero[64];
	uint64_t at = hs_align_up(b->data.len, 16);

	for (uint64_t end = at + n; b->data.len < end;) {
		uint64_t k = end - b->data.len;

		hs_text_addn(&b->data, zero, k < sizeof(zero) ? k :
							sizeof(zero));
	}
	return b->base + at;
}

/* --- to bytes ------------------------------------------------------------ */

static struct hs_err *not_one(const char *what, const char *why)
{
	return hs_err_new(HS_ERR_USAGE, "call: %s %s", what, why);
}

static bool is_number(const struct lg_value *v)
{
	switch (lg_kind(v)) {
	case LG_INT: case LG_BOOL: case LG_BYTES:
		return true;
	default:
		return false;
	}
}

/* Signed or not, as C takes it: but nothing is cut off. */
static bool fits(int64_t v, uint32_t size)
{
	return size >= 8 || (v >= -(INT64_C(1) << (8 * size - 1)) &&
			     v < INT64_C(1) << (8 * size));
}

static struct hs_err *put_int(const struct vb_ctype *t, struct lg_value *v,
			      const char *what, uint8_t *to)
{
	int64_t i;

	if (lg_kind(v) == LG_OBJECT && t->size == 8)
		i = (int64_t)lg_as_address(v);
	else if (is_number(v))
		i = lg_as_int(v);
	else
		return not_one(what, "must be an integer");
	if (!fits(i, t->size))
		return not_one(what, "is too large for its type");
	memcpy(to, &i, t->size);
	return NULL;
}

static struct hs_err *put_float(const struct vb_ctype *t, struct lg_value *v,
				const char *what, uint8_t *to)
{
	double d;
	float f;
	long double l;

	if (lg_kind(v) == LG_FLOAT)
		d = lg_as_float(v);
	else if (is_number(v))
		d = (double)lg_as_int(v);
	else
		return not_one(what, "must be a number");
	f = (float)d;
	l = d;
	if (t->code == 'f')
		memcpy(to, &f, sizeof(f));
	else if (t->code == 'd')
		memcpy(to, &d, sizeof(d));
	else
		memcpy(to, &l, sizeof(l));
	return NULL;
}

static struct hs_err *put_pointer(struct lg_value *v, const char *what,
				  struct vb_bytes *bytes, uint8_t *to)
{
	uint64_t addr = 0;
	const char *s;
	size_t n;

	switch (lg_kind(v)) {
	case LG_NONE:
		break;
	case LG_INT:
	case LG_BYTES:
		addr = (uint64_t)lg_as_int(v);
		break;
	case LG_OBJECT:
		addr = lg_as_address(v);
		break;
	case LG_TEXT:
	case LG_RAW:
		s = lg_as_text(v, &n);
		addr = vb_bytes_room(bytes, n + 1);
		memcpy(bytes->data.s + (addr - bytes->base), s, n);
		break;
	default:
		return not_one(what, "must be an address, a text, an object "
				     "or None");
	}
	memcpy(to, &addr, sizeof(addr));
	return NULL;
}

static struct hs_err *put_struct(const struct vb_ctype *t, struct lg_value *v,
				 const char *what, struct vb_bytes *bytes,
				 uint8_t *to)
{
	struct lg_value *const *items;
	size_t n = lg_kind(v) == LG_LIST ? lg_items(v, &items) : 0;
	struct hs_err *err = NULL;

	if (n != t->n_members) {
		HS_FREE char *why =
			hs_xasprintf("must be a list of %u values: (1, 2)",
				     t->n_members);

		return not_one(what, why);
	}
	for (uint32_t i = 0; !err && i < n; i++)
		err = vb_put(t->members[i], items[i], what, bytes,
			     to + t->offsets[i]);
	return err;
}

struct hs_err *vb_put(const struct vb_ctype *t, struct lg_value *v,
		      const char *what, struct vb_bytes *bytes, uint8_t *to)
{
	switch (t->code) {
	case 'f': case 'd': case 'D':
		return put_float(t, v, what, to);
	case 'p':
		return put_pointer(v, what, bytes, to);
	case '{':
		return put_struct(t, v, what, bytes, to);
	default:
		return put_int(t, v, what, to);
	}
}

/* --- from bytes ---------------------------------------------------------- */

static int64_t signed_of(const uint8_t *from, uint32_t size)
{
	int64_t v = 0;
	unsigned int unused = 64 - 8 * size;

	memcpy(&v, from, size);
	return (int64_t)((uint64_t)v << unused) >> unused;
}

static struct lg_value *get_unsigned(const struct vb_ctype *t,
				     const uint8_t *from)
{
	uint64_t v = 0;
	char text[24];

	memcpy(&v, from, t->size);
	if (t->is_bool)
		return lg_bool(v & 0xff);
	if (v <= INT64_MAX)
		return lg_int((int64_t)v);
	// The language's numbers end at 2^63 - 1.
	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return lg_text(text, strlen(text));
}

static struct lg_value *get_float(char code, const uint8_t *from)
{
	long double l;
	double d;
	float f;

	memcpy(&f, from, sizeof(f));
	if (code == 'f')
		return lg_float((double)f);
	memcpy(&d, from, sizeof(d));
	if (code == 'd')
		return lg_float(d);
	memcpy(&l, from, sizeof(l));
	return lg_float((double)l);
}

/* In small pieces: what lies behind it may not be readable. */
static struct lg_value *get_text(uint64_t addr, vb_read_fn *read, void *arg)
{
	enum { PIECE = 256 };
	HS_TEXT t = { 0 };

	while (t.len < TEXT_MAX) {
		char piece[PIECE];
		uint64_t want = PIECE - (addr + t.len) % PIECE;
		uint64_t n = read(arg, addr + t.len, piece, want);
		const char *end = memchr(piece, 0, n);

		hs_text_addn(&t, piece, end ? (size_t)(end - piece) : n);
		if (end || n < want)
			break;
	}
	return lg_text(hs_text_str(&t), t.len);
}

static struct lg_value *get_pointer(const struct vb_ctype *t, uint64_t addr,
				    struct lg_instant *in, vb_read_fn *read,
				    void *arg)
{
	struct md_object o;

	if (t->is_text)
		return addr ? get_text(addr, read, arg) : lg_none();
	if (addr && in && in->model && md_object_at(in->model, addr, &o))
		return lg_object(in, addr);
	return lg_int((int64_t)addr);
}

static struct lg_value *get_struct(const struct vb_ctype *t,
				   const uint8_t *from, struct lg_instant *in,
				   vb_read_fn *read, void *arg)
{
	struct lg_value *items[VB_SIG_MEMBERS], *list;

	for (uint32_t i = 0; i < t->n_members; i++)
		items[i] = vb_get(t->members[i], from + t->offsets[i], in,
				  read, arg);
	list = lg_list(items, t->n_members);
	for (uint32_t i = 0; i < t->n_members; i++)
		lg_unref(items[i]);
	return list;
}

struct lg_value *vb_get(const struct vb_ctype *t, const uint8_t *from,
			struct lg_instant *in, vb_read_fn *read, void *arg)
{
	uint64_t addr;

	switch (t->code) {
	case 'v':
		return lg_none();
	case 'b': case 'h': case 'i': case 'l':
		return lg_int(signed_of(from, t->size));
	case 'f': case 'd': case 'D':
		return get_float(t->code, from);
	case 'p':
		memcpy(&addr, from, sizeof(addr));
		return get_pointer(t, addr, in, read, arg);
	case '{':
		return get_struct(t, from, in, read, arg);
	default:
		return get_unsigned(t, from);
	}
}
