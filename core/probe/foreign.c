// SPDX-License-Identifier: Apache-2.0
#include "pb_priv.h"

#include <ffi.h>

/*
 * A call whose signature is known only now. Types are described to libffi from
 * a text that the client has made and checked; it is bounded here all the same,
 * since the program's code may have written over it.
 */
enum {
	MAX_TYPES = 256,	/* structs and their members, all together */
	MAX_DEPTH = 16,		/* of a struct in a struct */
};

/** libffi's description of a signature, and the room it takes. */
struct types {
	const char *at, *end;
	ffi_type structs[MAX_TYPES];
	ffi_type *members[MAX_TYPES * 2];
	unsigned int n_structs, n_members;
};

static ffi_type *scalar(char c)
{
	switch (c) {
	case 'v': return &ffi_type_void;
	case 'b': return &ffi_type_sint8;
	case 'B': return &ffi_type_uint8;
	case 'h': return &ffi_type_sint16;
	case 'H': return &ffi_type_uint16;
	case 'i': return &ffi_type_sint32;
	case 'I': return &ffi_type_uint32;
	case 'l': return &ffi_type_sint64;
	case 'L': return &ffi_type_uint64;
	case 'f': return &ffi_type_float;
	case 'd': return &ffi_type_double;
	case 'D': return &ffi_type_longdouble;
	case 'p': return &ffi_type_pointer;
	default: return NULL;
	}
}

/* Give what was read since the brace to a struct of its own. */
static ffi_type *close_struct(struct types *t, ffi_type **pending,
			      unsigned int n)
{
	ffi_type *s;

	if (!n || t->n_structs == MAX_TYPES ||
	    t->n_members + n + 1 > 2 * MAX_TYPES)
		return NULL;
	s = &t->structs[t->n_structs++];
	s->size = 0;
	s->alignment = 0;
	s->type = FFI_TYPE_STRUCT;
	s->elements = &t->members[t->n_members];
	for (unsigned int i = 0; i < n; i++)
		t->members[t->n_members++] = pending[i];
	t->members[t->n_members++] = NULL;
	return s;
}

/* The next type of the text; NULL when it is wrong. */
static ffi_type *next_type(struct types *t)
{
	unsigned int open[MAX_DEPTH];	// where their members begin
	ffi_type *pending[MAX_TYPES], *type;
	unsigned int depth = 0, n = 0;

	while (t->at < t->end) {
		char c = *t->at++;

		if (c == '{') {
			if (depth == MAX_DEPTH)
				return NULL;
			open[depth++] = n;
			continue;
		}
		if (c == '}') {
			if (!depth)
				return NULL;
			depth--;
			type = close_struct(t, pending + open[depth],
					    n - open[depth]);
			n = open[depth];
		} else {
			type = scalar(c);
		}
		if (!type || n == MAX_TYPES)
			return NULL;
		if (!depth)
			return type;
		pending[n++] = type;
	}
	return NULL;
}

uint64_t pb_foreign(struct wr_probe_request *q)
{
	const struct wr_probe_foreign *f = &q->foreign;
	struct types t = {
		.at = (const char *)f->types,
		.end = (const char *)f->types + f->n_types,
	};
	ffi_type *args[WR_PROBE_FOREIGN_ARGS], *result = next_type(&t);
	ffi_status status;
	ffi_cif cif;

	if (!result || f->n_args > WR_PROBE_FOREIGN_ARGS ||
	    f->n_fixed > f->n_args)
		return WR_PROBE_UNKNOWN;
	for (uint32_t i = 0; i < f->n_args; i++) {
		args[i] = next_type(&t);
		if (!args[i])
			return WR_PROBE_UNKNOWN;
	}
	status = f->n_fixed == f->n_args ?
			 ffi_prep_cif(&cif, FFI_DEFAULT_ABI, f->n_args, result,
				      args) :
			 ffi_prep_cif_var(&cif, FFI_DEFAULT_ABI, f->n_fixed,
					  f->n_args, result, args);
	if (status != FFI_OK)
		return WR_PROBE_UNKNOWN;
	ffi_call(&cif, (void (*)(void))q->function, (void *)f->result,
		 (void **)f->values);
	return WR_PROBE_DONE;
}
