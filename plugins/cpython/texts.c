/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of many objects, to search them: what is found out of a type is kept
 * from one object to the next. An object that prints itself by code is its
 * type's name and its address, and most others are numbers and texts.
 */
#include "render.h"

#include <string.h>

#include "layout.h"

enum {
	SEEN = 64,		/* types that are kept; a power of two */
	HEAD_MAX = 96,		/* bytes of "<module.Class object at 0x" */
};

/** A type that was met. */
struct seen {
	uint64_t type;		/* 0: nothing */
	uint8_t form;		/* cpython_form: as what it is shown */
	uint8_t n;		/* OBJECT: bytes of head; 0: too long */
	char head[HEAD_MAX];
};

struct texts {
	const struct cpython_mem *m;
	struct seen seen[SEEN];
};

static void meet(struct texts *t, struct seen *s, uint64_t type)
{
	struct cpython_out o = { .buf = s->head, .cap = sizeof(s->head) };
	uint64_t base = 0;

	*s = (struct seen){ .type = type };
	// a type is an object whose own type says that it is one
	if ((cpython_flags_of(t->m, type) & CPYTHON_TP_TYPE) == 0) {
		s->type = 0;
		return;
	}
	s->form = (uint8_t)cpython_shown_as(t->m, type, &base);
	if (s->form != CPYTHON_FORM_OBJECT)
		return;
	cpython_puts(&o, "<");
	cpython_put_type_name(t->m, &o, type);
	cpython_puts(&o, " object at 0x");
	s->n = o.len <= o.cap ? (uint8_t)o.len : 0;
}

/* Its type, or NULL where there is none. */
static const struct seen *look(struct texts *t, uint64_t obj)
{
	uint64_t type = cpython_type_of(t->m, obj);
	struct seen *s = &t->seen[(type >> 4 ^ type >> 11) % SEEN];

	if (type == 0 || (obj & 7) != 0 || (type & 7) != 0)
		return NULL;
	if (s->type != type)
		meet(t, s, type);
	return s->type != 0 ? s : NULL;
}

/* "<module.Class object at 0x7f…>" */
static uint64_t put_opaque(const struct seen *s, uint64_t obj, char *buf,
			   uint64_t cap)
{
	struct cpython_out o = { .buf = buf, .cap = cap };
	char hex[18];
	unsigned at = sizeof(hex);

	hex[--at] = '>';
	do
		hex[--at] = "0123456789abcdef"[obj & 15];
	while ((obj >>= 4) != 0);
	cpython_put(&o, s->head, s->n);
	cpython_put(&o, hex + at, sizeof(hex) - at);
	return o.len;
}

/* What has no parts; UINT64_MAX: it is to be looked at from the beginning. */
static uint64_t put_quick(struct texts *t, const struct seen *s, uint64_t obj,
			  char *buf, uint64_t cap)
{
	struct cpython_out o = { .buf = buf, .cap = cap };
	bool done;

	switch ((enum cpython_form)s->form) {
	case CPYTHON_FORM_OBJECT:
		return s->n != 0 ? put_opaque(s, obj, buf, cap) : UINT64_MAX;
	case CPYTHON_FORM_INT:
		done = cpython_repr_int(t->m, &o, obj);
		break;
	case CPYTHON_FORM_FLOAT:
		done = cpython_repr_float(t->m, &o, obj);
		break;
	default:
		return UINT64_MAX;
	}
	return done ? o.len : UINT64_MAX;
}

void cpython_texts(const struct cpython_mem *m, const uint64_t *addr,
		   uint32_t n, uint32_t style, char *buf, uint64_t cap,
		   void (*emit)(void *arg, uint32_t i, uint64_t len), void *arg)
{
	struct texts t = { .m = m };

	for (uint32_t i = 0; i < n; i++) {
		const struct seen *s = style == HEAPSH_RENDER_SHORT
					       ? look(&t, addr[i])
					       : NULL;
		uint64_t len = s != NULL ? put_quick(&t, s, addr[i], buf, cap)
					 : UINT64_MAX;

		if (len == UINT64_MAX)
			len = cpython_render(m, addr[i], style, buf, cap);
		emit(arg, i, len);
	}
}
