/* SPDX-License-Identifier: Apache-2.0 */
/** C signatures, as "call" takes them. Private to core/verb. */
#ifndef VB_SIGNATURE_H
#define VB_SIGNATURE_H

#include "arena.h"
#include "err.h"

enum {
	VB_SIG_PARAMS = 64,
	VB_SIG_MEMBERS = 64,	/* of a struct, or elements of an array */
	VB_SIG_DEPTH = 8,	/* of structs and callbacks in each other */
	VB_SIG_BYTES = 65536,	/* of one value */
};

/**
 * A type. Code is that of struct wr_probe_foreign (probe_wire.h): v void;
 * b B h H i I l L integers; f d D; p pointer; { a struct.
 */
struct vb_ctype {
	char code;
	bool is_bool, is_text;	/* bool; char * */
	uint32_t size, align;
	/* Of a struct, or of an array in one: the same type n times. */
	struct vb_ctype **members;
	uint32_t *offsets;
	uint32_t n_members;
	struct vb_signature *callback;	/* of a function pointer, or NULL */
};

struct vb_signature {
	struct vb_ctype *result;
	struct vb_ctype *params[VB_SIG_PARAMS];
	uint32_t n_params;
	bool variadic;		/* ends in "..." */
};

/**
 * Read "size_t (void *, struct { int x; double y[3]; }, void (*)(char *),
 * ...)"; names may stand where C has them. What is not known and not behind a
 * '*' is an error. All of it lives in the arena. HS_ERR_USAGE with column.
 */
struct hs_err *vb_signature_parse(struct hs_arena *arena, const char *text,
				  struct vb_signature **ret) HS_MUST_USE;
/** The type of an argument behind "...": of that code, 'l', 'd' or 'p'. */
struct vb_ctype *vb_ctype_of(struct hs_arena *arena, char code);
/** Append the codes of a type; false when there is no room (max bytes). */
bool vb_ctype_codes(const struct vb_ctype *t, char *buf, size_t max,
		    size_t *used);
#endif
