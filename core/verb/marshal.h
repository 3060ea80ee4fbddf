/* SPDX-License-Identifier: Apache-2.0 */
/** Values of the language to bytes of C types, and back. Private to verbs. */
#ifndef VB_MARSHAL_H
#define VB_MARSHAL_H

#include "lang.h"
#include "signature.h"
#include "text.h"

/** Bytes that are to lie at an address in a copy. */
struct vb_bytes {
	struct hs_text data;	/* bytes, from base on */
	uint64_t base;
};
/** Room for n bytes, aligned to 16 at least; answers its address. */
uint64_t vb_bytes_room(struct vb_bytes *b, uint64_t n);

/**
 * Write v as a value of type t to `to` (t->size bytes); text goes to bytes,
 * and its address is the value. HS_ERR_USAGE: v is no such value; `what` names
 * it ("argument 2").
 */
struct hs_err *vb_put(const struct vb_ctype *t, struct lg_value *v,
		      const char *what, struct vb_bytes *bytes,
		      uint8_t *to) HS_MUST_USE;

/** Reads bytes at an address of the copy; returns how many. */
typedef uint64_t vb_read_fn(void *arg, uint64_t addr, void *buf, uint64_t len);
/**
 * The value of t->size bytes: numbers, the text behind a char *, a list of a
 * struct's members, an object where an address is one of in's, else a number.
 * in: or NULL.
 */
struct lg_value *vb_get(const struct vb_ctype *t, const uint8_t *from,
			struct lg_instant *in, vb_read_fn *read, void *arg);
#endif
