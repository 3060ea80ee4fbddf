/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_CONTENT_0: is what lies at an address at two instants the same object?
 * Only what an object cannot change while it lives tells: its type; value and
 * text of the immutable built-in types; the items of a tuple, by address. Of a
 * list, dict, set, bytearray or instance it is the type alone, since one that
 * grew is still the same. A container that was freed and made anew at the same
 * address, with the same type, is not told from a survivor.
 */
#include "services.h"

#include <stdlib.h>

#include "plain.h"

enum {
	PIECE = 4096,
	/*
	 * Bytes of one object that are looked at, from the first; its length
	 * counts in any case.
	 */
	MAX_BYTES = 16 << 20,
};

/* Any odd number whose bits are spread does: this is no secret hash. */
static const uint64_t multiplier = UINT64_C(0xda942042e4dd58b5);

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * multiplier;
	return h ^ h >> 32;
}

/* False: not all of it can be read. */
static bool add_bytes(const struct cpython_mem *m, uint64_t addr, uint64_t n,
		      uint64_t *h)
{
	uint64_t words[PIECE / 8];

	*h = mix(*h, n);
	if (n > MAX_BYTES)
		n = MAX_BYTES;
	while (n > 0) {
		uint64_t len = n < PIECE ? n : PIECE;

		words[(len - 1) / 8] = 0;
		if (!cpython_copy(m, addr, words, len))
			return false;
		for (uint64_t i = 0; i < (len + 7) / 8; i++)
			*h = mix(*h, words[i]);
		addr += len;
		n -= len;
	}
	return true;
}

static bool add_str(const struct cpython_mem *m, uint64_t addr, uint64_t *h)
{
	struct cpython_str s;

	if (!cpython_str_open(m, addr, &s))
		return false;
	*h = mix(*h, (uint64_t)s.kind);
	return add_bytes(m, s.data, s.length * (uint64_t)s.kind, h);
}

static bool add_text(const struct cpython_mem *m, uint64_t addr, uint64_t *h)
{
	uint64_t data, n;

	return cpython_bytes_open(m, addr, CPYTHON_FORM_BYTES, &data, &n) &&
	       add_bytes(m, data, n, h);
}

static bool add_items(const struct cpython_mem *m, uint64_t addr, uint64_t *h)
{
	int64_t n = cpython_i64(m, addr, m->lay->ob_size, -1);

	return n >= 0 && !(n >> 40) &&
	       add_bytes(m, addr + (uint64_t)m->lay->tuple_items,
			 (uint64_t)n * 8, h);
}

static bool add_int(const struct cpython_mem *m, uint64_t addr, uint64_t *h)
{
	const struct cpython_layout *l = m->lay;
	int64_t n = cpython_i64(m, addr, l->ob_size, 0);

	// sign and number of digits: see number.c
	if (l->long_tag >= 0) {
		n = cpython_i64(m, addr, l->long_tag, 0);
		// two bits of sign; the third is free for later use
		*h = mix(*h, (uint64_t)n & 3);
		n >>= 3;
	} else {
		*h = mix(*h, n < 0);
		n = n == INT64_MIN ? -1 : llabs(n);
	}
	return n >= 0 && !(n >> 40) &&
	       add_bytes(m, addr + (uint64_t)l->long_digits,
			 (uint64_t)n * (uint64_t)l->sizeof_digit, h);
}

/* float and complex have no kind: all that is behind their head is a value. */
static bool add_plain(const struct cpython_mem *m,
		      const struct cpython_type *t, uint64_t addr, uint64_t *h)
{
	uint64_t name = cpython_field(m, t->address, m->lay->tp_name);
	uint64_t head = (uint64_t)m->lay->sizeof_object;
	char text[8];

	if ((t->tp_flags & CPYTHON_TP_HEAPTYPE) != 0 ||
	    cpython_cstr(m, name, text, sizeof(text)) < 0 ||
	    (strcmp(text, "float") != 0 && strcmp(text, "complex") != 0))
		return true;
	return add_bytes(m, addr + head, (uint64_t)t->basic - head, h);
}

static bool add_content(const struct cpython_mem *m,
			const struct cpython_type *t, uint64_t addr,
			uint64_t *h)
{
	switch ((enum cpython_kind)t->kind) {
	case CPYTHON_KIND_LONG:
		return add_int(m, addr, h);
	case CPYTHON_KIND_STR:
		return add_str(m, addr, h);
	case CPYTHON_KIND_BYTES:
		return add_text(m, addr, h);
	case CPYTHON_KIND_TUPLE:
		return add_items(m, addr, h);
	case CPYTHON_KIND_OTHER:
		return add_plain(m, t, addr, h);
	default:
		return true;
	}
}

uint64_t cpython_content_hash(const struct cpython *st, uint64_t addr)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_type *t =
		cpython_type(st, m, cpython_type_of(m, addr));
	uint64_t h;

	if (t == NULL)
		return 0;
	h = mix(0, t->address);
	if (!add_content(m, t, addr, &h))
		return 0;
	return h != 0 ? h : 1;
}
