/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A process of CPython for a fuzz test, of any layout: an object of each type
 * that the plugin knows, the tables and frames that they need, a state. It is
 * whole at first; an input is a list of changes to single numbers of it, so
 * that each of them meets readers that have got as far as that number.
 *
 * A change is four bytes: slot, word, kind, argument. Slots are objects, then
 * types, then members of the interpreter's state.
 */
#ifndef CPYTHON_IMAGE_H
#define CPYTHON_IMAGE_H

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython_shapes.h"
#include "kinds.h"
#include "object.h"

#define HEAP UINT64_C(0x7f0000000000)
#define TYPES UINT64_C(0x7f1000000000)
#define STATE UINT64_C(0x7f2000000000)
#define POOL UINT64_C(0x7f3000000000)
enum {
	SLOT_SIZE = 1024,	/* of an object, … */
	SLOT_HEAD = 64,		/* … which begins there */
	N_SLOTS = 112,
	HEAP_SIZE = N_SLOTS * SLOT_SIZE,
	TYPE_SIZE = 1536,
	TYPE_NAME = TYPE_SIZE - 64,
	INTERP = 512 << 10,	/* in the state */
	STATE_SIZE = 1 << 20,
	POOL_SIZE = 16384,
	MAX_CHANGES = 48,
	CHANGE = 4,		/* bytes of one */
	LITERAL = 0xc0,		/* kinds from here on: eight bytes follow */
	MAX_TOUCHED = 10,	/* objects that are read for an input */
};
_Static_assert(N_TYPES + N_HELPERS <= N_SLOTS, "more slots");

struct heapsh_image {
	const struct cpython_layout *lay;
	uint8_t heap[HEAP_SIZE];
	uint8_t types[N_TYPES * TYPE_SIZE];
	uint8_t state[STATE_SIZE];
	uint8_t pool[POOL_SIZE];
	/* Slots whose objects point into a slot: read when it is changed. */
	uint8_t owner[N_SLOTS][MAX_TOUCHED];
	uint8_t n_owners[N_SLOTS];
	/* What an input has changed: put back behind it. */
	struct {
		uint8_t *at;
		uint64_t old;
	} undo[3 * MAX_CHANGES];
	int n_undo;
	uint64_t touched[2 * MAX_TOUCHED];	/* addresses to be read */
	int n_touched;
	struct cpython_forms forms;
	uint64_t n_answers;			/* of its code */
	uint32_t n_numbers;			/* of types */
};

static uint64_t slot_address(unsigned i)
{
	return HEAP + (uint64_t)i * SLOT_SIZE + SLOT_HEAD;
}

static uint64_t type_address(unsigned i)
{
	return TYPES + (uint64_t)i * TYPE_SIZE;
}

/* Of an object of that type, or a helper. */
static unsigned slot_named(const char *name)
{
	for (unsigned i = 0; i < N_TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return i;
	for (unsigned i = 0; i < N_HELPERS; i++)
		if (strcmp(helpers[i], name) == 0)
			return N_TYPES + i;
	fprintf(stderr, "no slot %s\n", name);
	abort();
}

static const uint8_t *image_bytes(const struct heapsh_image *im, uint64_t addr,
				  uint64_t len)
{
	const struct {
		uint64_t addr, size;
		const uint8_t *bytes;
	} regions[] = {
		{ HEAP, sizeof(im->heap), im->heap },
		{ TYPES, sizeof(im->types), im->types },
		{ STATE, sizeof(im->state), im->state },
		{ POOL, sizeof(im->pool), im->pool },
	};

	for (int i = 0; i < 4; i++)
		if (addr - regions[i].addr < regions[i].size &&
		    len <= regions[i].size - (addr - regions[i].addr))
			return regions[i].bytes + (addr - regions[i].addr);
	return NULL;
}

static int32_t field_of(const struct cpython_layout *l, size_t field)
{
	int32_t v;

	memcpy(&v, (const char *)l + field, sizeof(v));
	return v;
}

static void put(uint8_t *at, int64_t off, uint64_t v)
{
	if (off >= 0)
		memcpy(at + off, &v, sizeof(v));
}

/* room: bytes of what begins at `at`. */
static void put_member(const struct cpython_layout *l, uint8_t *at,
		       int64_t room, const struct member *m)
{
	int32_t off = field_of(l, m->field);
	uint64_t v = (uint64_t)m->n;

	if (m->to != NULL)
		v += slot_address(slot_named(m->to));
	if (off >= 0 && off + m->width <= room)
		memcpy(at + off, &v, (size_t)m->width);
}

static void put_fixed(uint8_t *at, const struct fixed_member *m)
{
	uint64_t v = (uint64_t)m->n;

	if (m->to != NULL)
		v += slot_address(slot_named(m->to));
	memcpy(at + m->offset, &v, (size_t)m->width);
}

/* --- the image as it is at first ------------------------------------------ */

static int64_t basic_size(const struct cpython_layout *l, const char *name)
{
	const struct cpython_known_type *known = cpython_known_type(name);
	int64_t size = known != NULL ? cpython_known_size(known, l) : -1;

	if (strcmp(name, "int") == 0 || strcmp(name, "bool") == 0)
		return l->long_digits;
	if (strcmp(name, "tuple") == 0 || strcmp(name, "Record") == 0)
		return l->tuple_items;
	if (strcmp(name, "bytes") == 0)
		return l->bytes_data + 1;
	for (int32_t i = 0; size < 0 && i < l->n_shapes; i++)
		if (strcmp(l->shapes[i].type, name) == 0)
			size = l->shapes[i].size;
	if (strncmp(name, "numpy.", 6) == 0)
		return 96;
	return size >= 0 ? size : 64;
}

static int64_t item_size(const struct cpython_layout *l, const char *name)
{
	static const char *const of_words[] = {
		"tuple", "Record", "frame", "hamt_bitmap_node", "Instance",
	};

	for (size_t i = 0; i < sizeof(of_words) / sizeof(of_words[0]); i++)
		if (strcmp(of_words[i], name) == 0)
			return 8;
	if (strcmp(name, "type") == 0)
		return l->sizeof_member;
	return strcmp(name, "int") == 0 || strcmp(name, "bool") == 0 ? 4 :
	       strcmp(name, "bytes") == 0			     ? 1 : 0;
}

static uint64_t base_of(unsigned i)
{
	if (strcmp(types[i].name, "Number") == 0)
		return type_address(slot_named("int"));
	if (strcmp(types[i].name, "Record") == 0)
		return type_address(slot_named("tuple"));
	return type_address(1);	// object
}

static void make_type(struct heapsh_image *im, unsigned i)
{
	const struct cpython_layout *l = im->lay;
	uint8_t *at = im->types + i * TYPE_SIZE;
	const char *name = types[i].name;

	for (int k = 0; k < TYPE_NAME; k += 8)
		put(at, k, 0);
	put(at, l->ob_refcnt, 1);
	put(at, l->ob_type, type_address(0));
	put(at, l->tp_flags, types[i].flags);
	put(at, l->tp_name, type_address(i) + TYPE_NAME);
	put(at, l->tp_base, i == 1 ? 0 : base_of(i));
	put(at, l->tp_basicsize, (uint64_t)basic_size(l, name));
	put(at, l->tp_itemsize, (uint64_t)item_size(l, name));
	put(at, l->tp_dict, slot_address(slot_named("dict")));
	put(at, l->tp_mro, slot_address(slot_named("tuple")));
	put(at, l->tp_bases, slot_address(slot_named("tuple")));
	put(at, l->tp_repr, type_address(i));
	put(at, l->tp_dealloc, type_address(i));
	put(at, l->tp_traverse, type_address(i));	// asked of foreign ones
	put(at, l->tp_methods, slot_address(slot_named("<methods>")));
	put(at, l->tp_members, slot_address(slot_named("<members>")));
	if (types[i].flags & CPYTHON_TP_HEAPTYPE) {
		put(at, l->ob_size, 1);	// of what __slots__ made
		put(at, l->tp_dictoffset, 32);
		put(at, l->ht_qualname, slot_address(slot_named("str")));
		put(at, l->ht_cached_keys, slot_address(slot_named("<keys>")));
		put(at, l->sizeof_heap_type + l->member_type, 6);
		put(at, l->sizeof_heap_type + l->member_offset, 24);
	}
	snprintf((char *)at + TYPE_NAME, TYPE_SIZE - TYPE_NAME, "%s", name);
}

/* Where nothing else is known there is a str, which can be pointed to. */
static void make_slot(struct heapsh_image *im, unsigned i)
{
	const struct cpython_layout *l = im->lay;
	uint8_t *slot = im->heap + i * SLOT_SIZE, *at = slot + SLOT_HEAD;
	const char *name = i < N_TYPES		    ? types[i].name :
			   i < N_TYPES + N_HELPERS ? helpers[i - N_TYPES] : "";

	for (int k = 0; k < SLOT_SIZE; k += 8)
		put(slot, k, slot_address(slot_named("str")));
	if (i < N_TYPES) {
		put(at, l->ob_refcnt, 1);
		put(at, l->ob_type, type_address(i));
		memset(slot + SLOT_HEAD - 32, 0, 32);
	}
	for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++)
		if (strcmp(members[k].in, name) == 0)
			put_member(l, at, SLOT_SIZE - SLOT_HEAD, &members[k]);
	for (size_t k = 0;
	     k < sizeof(fixed_members) / sizeof(fixed_members[0]); k++)
		if (strcmp(fixed_members[k].in, name) == 0)
			put_fixed(at, &fixed_members[k]);
}

static void make_str(struct heapsh_image *im)
{
	const struct cpython_layout *l = im->lay;
	uint8_t *at = im->heap + slot_named("str") * SLOT_SIZE + SLOT_HEAD;
	uint32_t state = 1u << l->str_kind_bit | 1u << l->str_compact_bit |
			 1u << l->str_ascii_bit;

	memcpy(at + l->str_state, &state, sizeof(state));
}

/* Tracemalloc's table: one entry, in every bucket; the image points to it. */
static void make_sites(struct heapsh_image *im)
{
	uint64_t key = slot_address(slot_named("list")) - 16;
	uint8_t *entry = im->heap + slot_named("<entry>") * SLOT_SIZE +
			 SLOT_HEAD;
	uint8_t *buckets = im->heap + slot_named("<buckets>") * SLOT_SIZE +
			   SLOT_HEAD;

	put(entry, 8, key >> 4 | key << 60);
	for (int i = 0; i < 16; i++)
		put(buckets, i * 8, slot_address(slot_named("<entry>")));
	put(im->types, TYPE_NAME - 8, slot_address(slot_named("<sites>")));
}

/* What names are found in: classes of an order, values of a dict. */
static void make_names(struct heapsh_image *im)
{
	const struct cpython_layout *l = im->lay;
	uint8_t *tuple = im->heap + slot_named("tuple") * SLOT_SIZE + SLOT_HEAD;
	uint8_t *entries = im->heap + slot_named("<keys>") * SLOT_SIZE +
			   SLOT_HEAD + l->dk_indices + 8;

	put(tuple, l->tuple_items, type_address(slot_named("Instance")));
	put(tuple, l->tuple_items + 8, type_address(slot_named("type")));
	put(entries, l->me_value,
	    slot_address(slot_named("member_descriptor")));
	put(entries + l->sizeof_entry, l->me_value,
	    slot_address(slot_named("weakref")));
}

/* Bytes of a line table, tables of keys and of sets, a frame in a generator. */
static void make_tables(struct heapsh_image *im)
{
	const struct cpython_layout *l = im->lay;
	static const uint8_t lines[] = {
		0x80, 4, 6, 2, 0xea, 0x41, 3, 0xf1, 0x7f, 0x7f, 1, 0x80, 8,
	};
	uint8_t *keys = im->heap + slot_named("<keys>") * SLOT_SIZE + SLOT_HEAD;
	uint8_t *bytes = im->heap + slot_named("bytes") * SLOT_SIZE + SLOT_HEAD;
	uint8_t *gen = im->heap + slot_named("generator") * SLOT_SIZE +
		       SLOT_HEAD;
	uint8_t *text = im->heap + slot_named("<text>") * SLOT_SIZE + SLOT_HEAD;

	memcpy(bytes + l->bytes_data, lines, sizeof(lines));
	snprintf((char *)text, 64, "name");
	for (int i = 0; i < 8; i++)
		keys[l->dk_indices + i] = (uint8_t)(i < 2 ? i : 0xff);
	for (size_t k = 0; l->gen_iframe >= 0 &&
			   k < sizeof(members) / sizeof(members[0]); k++)
		if (strcmp(members[k].in, "<iframe>") == 0)
			put_member(l, gen + l->gen_iframe,
				   SLOT_SIZE - SLOT_HEAD - l->gen_iframe,
				   &members[k]);
}

static void make_state(struct heapsh_image *im)
{
	const struct cpython_layout *l = im->lay;
	size_t n = sizeof(state_members) / sizeof(state_members[0]);

	put(im->state, l->runtime_interp_head, STATE + INTERP);
	put(im->state, l->runtime_interp_main, STATE + INTERP);
	for (size_t i = 0; i < n; i++)
		put_member(l, im->state + INTERP, STATE_SIZE - INTERP,
			   &state_members[i]);
}

static void note_owner(struct heapsh_image *im, unsigned slot, unsigned owner)
{
	for (int i = 0; i < im->n_owners[slot]; i++)
		if (im->owner[slot][i] == owner)
			return;
	if (im->n_owners[slot] < MAX_TOUCHED && slot != owner)
		im->owner[slot][im->n_owners[slot]++] = (uint8_t)owner;
}

static void find_owners(struct heapsh_image *im)
{
	uint64_t word;

	for (unsigned i = 0; i < N_SLOTS; i++)
		for (int k = 0; k < SLOT_SIZE; k += 8) {
			memcpy(&word, im->heap + i * SLOT_SIZE + k, 8);
			if (word - HEAP < HEAP_SIZE)
				note_owner(im, (unsigned)((word - HEAP) /
							  SLOT_SIZE), i);
		}
}

/* Of the which-th row; made once. */
static struct heapsh_image *image_of(int which)
{
	static struct heapsh_image *made[16];
	struct heapsh_image *im = made[which];

	if (im != NULL)
		return im;
	im = made[which] = calloc(1, sizeof(*im));
	if (im == NULL)
		abort();
	im->lay = cpython_known[which].layout;
	for (unsigned i = 0; i < N_TYPES; i++)
		make_type(im, i);
	for (unsigned i = 0; i < N_SLOTS; i++)
		make_slot(im, i);
	make_str(im);
	make_tables(im);
	make_names(im);
	make_sites(im);
	make_state(im);
	find_owners(im);
	return im;
}

/* --- what an input changes ------------------------------------------------ */

static void touch(struct heapsh_image *im, uint64_t addr)
{
	for (int i = 0; i < im->n_touched; i++)
		if (im->touched[i] == addr)
			return;
	if (im->n_touched < MAX_TOUCHED)
		im->touched[im->n_touched++] = addr;
}

/* The object in a slot, those that point to it, and one step on. */
static void touch_slot(struct heapsh_image *im, unsigned slot)
{
	if (slot < N_TYPES)
		touch(im, slot_address(slot));
	for (int i = 0; i < im->n_owners[slot]; i++) {
		unsigned owner = im->owner[slot][i];

		if (owner < N_TYPES)
			touch(im, slot_address(owner));
		if (im->n_owners[owner] != 0 &&
		    im->owner[owner][0] < N_TYPES)
			touch(im, slot_address(im->owner[owner][0]));
	}
}

static void set(struct heapsh_image *im, uint8_t *at, uint64_t v)
{
	im->undo[im->n_undo].at = at;
	memcpy(&im->undo[im->n_undo++].old, at, 8);
	memcpy(at, &v, 8);
}

static void image_restore(struct heapsh_image *im)
{
	while (im->n_undo > 0) {
		im->n_undo--;
		memcpy(im->undo[im->n_undo].at, &im->undo[im->n_undo].old, 8);
	}
	im->n_touched = 0;
}

static const uint64_t edges64[] = {
	UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX - 1,
	INT64_MAX - 1, INT64_MAX - 7, INT64_MAX - 63, (uint64_t)INT64_MIN + 1,
	UINT32_MAX, INT32_MAX, (uint64_t)INT32_MIN, UINT64_C(1) << 32,
	UINT64_C(0x7fffffff7fffffff), UINT64_C(0x8000000080000000),
	UINT64_C(1) << 62, UINT64_C(1) << 61, UINT64_C(1) << 60,
	UINT64_C(1) << 48, UINT64_C(1) << 47, UINT64_C(1) << 46,
	(UINT64_C(1) << 47) - 1, (UINT64_C(1) << 44) - 1, UINT64_C(1) << 44,
	(UINT64_C(1) << 40) - 1, UINT64_C(1) << 40, 1 << 30, 1 << 20,
	65536, 65535, 4096, 256, 255, 128, 127, 0, 1, 2, 3, (uint64_t)-8,
	(uint64_t)-16,
};
static const uint32_t edges32[] = {
	UINT32_MAX, INT32_MAX, 0x80000000, 0x7ffffffe, 0x80000001, 1 << 30,
	(1 << 30) - 1, 0xc0000000, 1 << 29, 65536, 65535, 32768, 32767, 256,
	255, 128, 127, 64, 63, 32, 31, 8, 7, 3, 2, 1, 0,
};
static const uint8_t edges8[] = {
	255, 0, 128, 127, 1, 2, 3, 4, 5, 6, 7, 8, 16, 30, 31, 32, 39, 40, 41,
	43, 44, 62, 63, 64, 65, 192, 200, 239, 240, 248, 253, 254,
};
#define PICK(table, i) ((table)[(i) % (sizeof(table) / sizeof((table)[0]))])

static uint64_t scatter(uint64_t x)
{
	x = (x + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

/* What a change makes of a word. base: address of what it is in. */
static uint64_t changed(uint64_t old, uint64_t base, uint8_t kind, uint8_t arg)
{
	unsigned shift = 8 * (arg & 7);

	switch (kind % 16) {
	case 0:
		return slot_address(arg % N_SLOTS);
	case 1:
		return arg;
	case 2:
		return type_address(arg % N_TYPES);
	case 3:
		return PICK(edges64, arg);
	case 4:
		return (old >> 32 << 32) | PICK(edges32, arg);
	case 5:
		return (uint32_t)old | (uint64_t)PICK(edges32, arg) << 32;
	case 6:
		return (old & ~(UINT64_C(255) << shift)) |
		       (uint64_t)PICK(edges8, arg >> 3) << shift;
	case 7:
		return HEAP + (uint64_t)arg * 64;
	case 8:
		return scatter(arg);
	case 9:
		return UINT64_C(1) << (arg & 63);
	case 10:
		return (arg & 64 ? -1 : 1) * (UINT64_C(1) << (arg & 63)) - 1;
	case 11:
		return base + (uint64_t)arg * 8;
	case 12:
		return arg & 1 ? POOL + (uint64_t)(arg >> 1) * 64 : STATE +
			(uint64_t)arg * 8;
	case 13:
		return old + (uint64_t)(int8_t)arg;
	case 14:
		return old ^ UINT64_C(1) << (arg & 63);
	default:
		return 0;
	}
}

/* A member of the state by the number of its field. */
static void change_state(struct heapsh_image *im, unsigned field, uint64_t v)
{
	const struct cpython_layout *l = im->lay;
	size_t n = F(slots) / sizeof(int32_t) - 2;
	int64_t off;

	if (field < n)
		off = field_of(l, (field + 2) * sizeof(int32_t));
	else
		off = l->interp_roots[(field - n) %
				      (size_t)l->n_interp_roots].offset;
	if (off < 0 || off + 8 > INTERP)
		return;
	set(im, im->state + off, v);
	set(im, im->state + INTERP + off, v);
}

static void change(struct heapsh_image *im, const uint8_t *op,
		   const uint8_t *literal)
{
	unsigned slot = op[0];
	uint64_t old = 0, base = HEAP, v;
	uint8_t *at = NULL;

	if (slot < N_SLOTS) {
		at = im->heap + slot * SLOT_SIZE +
		     (op[1] * 8 + SLOT_HEAD - 32) % SLOT_SIZE;
		base = slot_address(slot);
		touch_slot(im, slot);
	} else if (slot < N_SLOTS + N_TYPES) {
		slot -= N_SLOTS;
		at = im->types + slot * TYPE_SIZE + op[1] * 8 % TYPE_SIZE;
		base = type_address(slot);
		touch(im, slot_address(slot));
		touch(im, base);
	}
	if (at != NULL)
		memcpy(&old, at, 8);
	v = changed(old, base, op[2], op[3]);
	if (literal != NULL)
		memcpy(&v, literal, 8);
	if (at != NULL)
		set(im, at, v);
	else
		change_state(im, op[1] + 256 * (slot % 4), v);
}

/* Apply the changes of an input. */
static void image_change(struct heapsh_image *im, const uint8_t *p, size_t n)
{
	for (int i = 0; i < MAX_CHANGES && n >= CHANGE; i++) {
		const uint8_t *op = p;
		size_t len = CHANGE;

		if (op[2] >= LITERAL)
			len += 8;
		if (n < len)
			return;
		change(im, op, len > CHANGE ? op + CHANGE : NULL);
		p += len;
		n -= len;
	}
}

#endif
