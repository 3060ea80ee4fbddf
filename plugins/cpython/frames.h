/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Frames: of threads, of generators, and those that only a frame object holds.
 * Up to 3.10 a frame is an object; from 3.11 it is an _PyInterpreterFrame on a
 * stack of the thread's, within a generator, or within a frame object.
 */
#ifndef CPYTHON_FRAMES_H
#define CPYTHON_FRAMES_H

#include "read.h"

struct cpython_frame {
	uint64_t address;	/* unique; of the object up to 3.10 */
	uint64_t object;	/* frame object, or 0 */
	uint64_t code;		/* code object; 0: a shim of the C stack */
	uint64_t function;	/* 0 up to 3.10 */
	uint64_t globals, builtins;
	uint64_t locals;	/* f_locals: a class body's or module's dict */
	uint64_t previous;	/* address of the caller's frame */
	uint64_t slots;		/* address of the first variable */
	int n_slots;		/* locals, cells and free variables */
	int n_stack;		/* entries above them that are known to live */
	int offset;		/* of the instruction, bytes; < 0: none */
	/** Still being built, or no Python code: no traceback shows it. */
	bool incomplete;
};

/** address as in struct cpython_frame. False: nothing of a frame there. */
bool cpython_frame_read(const struct cpython_mem *m, uint64_t address,
			struct cpython_frame *ret);
bool cpython_frame_of_object(const struct cpython_mem *m, uint64_t obj,
			     struct cpython_frame *ret);
/** A generator's, coroutine's or asynchronous generator's; false: finished. */
bool cpython_frame_of_generator(const struct cpython_mem *m, uint64_t gen,
				struct cpython_frame *ret);
/** Address of the innermost frame of a PyThreadState; 0: none. */
uint64_t cpython_frame_innermost(const struct cpython_mem *m,
				 uint64_t tstate);
/** The line that it is at; 0: not known. */
int cpython_frame_line(const struct cpython_mem *m,
		       const struct cpython_frame *f);
/** The line of a byte offset in a code object; 0: it belongs to none. */
int cpython_code_line(const struct cpython_mem *m, uint64_t code, int offset);

/** A slot of a frame: 0 <= i < n_slots + n_stack. */
struct cpython_slot_value {
	uint64_t value;		/* what the slot holds; 0: unbound */
	uint64_t name;		/* str object; 0: a stack entry */
	bool is_cell;		/* the value is a cell */
};
bool cpython_frame_slot(const struct cpython_mem *m,
			const struct cpython_frame *f, int i,
			struct cpython_slot_value *ret);

/**
 * Emit the edges of a frame: variables (LOCAL), value stack (STACK), and as
 * CONTEXT its code, function, globals and builtins. What a frame object or a
 * generator has beside its frame is the caller's to emit.
 */
void cpython_frame_edges(const struct cpython_mem *m,
			 const struct cpython_frame *f,
			 struct heapsh_sink *sink);

#endif
