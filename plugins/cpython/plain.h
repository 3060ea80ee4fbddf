/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Plain values as text: what Python's own repr() of a str, bytes, int, float
 * or complex is, and the bare text of a str. All of it goes into a buffer of a
 * fixed size; what does not fit is counted.
 */
#ifndef CPYTHON_PLAIN_H
#define CPYTHON_PLAIN_H

#include "read.h"

/** Where text goes. {.buf, .cap}; no NUL is kept. */
struct cpython_out {
	char *buf;
	uint64_t cap;
	uint64_t len;		/* what there would be with room for it */
};
void cpython_put(struct cpython_out *o, const char *s, uint64_t n);
void cpython_puts(struct cpython_out *o, const char *s);
void cpython_putf(struct cpython_out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** A code point as UTF-8; a lone surrogate as three bytes, as Python's
 *  "surrogatepass" would. */
void cpython_put_char(struct cpython_out *o, uint32_t c);
/** Is there no use in putting more? Texts are longer than they say then. */
static inline bool cpython_full(const struct cpython_out *o)
{
	return o->len > o->cap;
}

/** Characters of a str object, wherever this version keeps them. */
struct cpython_str {
	uint64_t data;		/* address of the first */
	uint64_t length;	/* in characters */
	int kind;		/* bytes of one: 1, 2 or 4 */
};
/** False: not a str, or torn. */
bool cpython_str_open(const struct cpython_mem *m, uint64_t obj,
		      struct cpython_str *ret);
/** Character number i; UINT32_MAX: unreadable. */
uint32_t cpython_str_char(const struct cpython_mem *m,
			  const struct cpython_str *s, uint64_t i);
/** Does the str object hold this UTF-8? */
bool cpython_str_equal(const struct cpython_mem *m, uint64_t obj,
		       const char *utf8, uint64_t n);
/** UTF-8 of a str into buf, NUL-terminated, cut at a character; its length,
 *  or -1 when obj is no readable str. */
int cpython_str_copy(const struct cpython_mem *m, uint64_t obj, char *buf,
		     int cap);

/** Bytes of a bytes or bytearray object (form says which). */
bool cpython_bytes_open(const struct cpython_mem *m, uint64_t obj,
			enum cpython_form form, uint64_t *data, uint64_t *n);

/** Bare characters of a str. */
bool cpython_put_str(const struct cpython_mem *m, struct cpython_out *o,
		     uint64_t obj);
/** repr() of each; false: torn, nothing was put. */
bool cpython_repr_str(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj);
bool cpython_repr_bytes(const struct cpython_mem *m, struct cpython_out *o,
			uint64_t obj, enum cpython_form form);
bool cpython_repr_int(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj);
bool cpython_repr_float(const struct cpython_mem *m, struct cpython_out *o,
			uint64_t obj);
bool cpython_repr_complex(const struct cpython_mem *m, struct cpython_out *o,
			  uint64_t obj);
/** Python's repr() of a double, without dot_0 also "1" for 1.0. */
void cpython_put_double(struct cpython_out *o, double d, bool dot_0);

/** Value of an int object, if it fits; false: it does not, or is torn. */
bool cpython_int_value(const struct cpython_mem *m, uint64_t obj,
		       int64_t *ret);
/** Value of a float object, or of an int that a double holds exactly. */
bool cpython_float_value(const struct cpython_mem *m, uint64_t obj,
			 double *ret);

/** str.isprintable() of one character, by the Unicode of Python 3.minor. */
bool cpython_printable(uint32_t c, int minor);

#endif
