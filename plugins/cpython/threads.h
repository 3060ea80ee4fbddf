/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The threads of all interpreters, oldest first, with their frames and
 * variables: HEAPSH_THREADS_0, and where roots and settling find them.
 */
#ifndef CPYTHON_THREADS_H
#define CPYTHON_THREADS_H

#include "frames.h"

struct cpython_thread {
	uint64_t tstate;	/* PyThreadState */
	uint64_t interp;	/* PyInterpreterState */
	uint64_t ident;		/* threading.get_ident(), pthread_self() */
	int32_t tid;		/* kernel's; 0: not known */
	bool holds_gil;
};

struct cpython_threads;
/** Reads the list; NULL: out of memory. m must outlive it. */
struct cpython_threads *cpython_threads_create(const struct cpython_mem *m);
void cpython_threads_destroy(struct cpython_threads *ts);
uint32_t cpython_threads_count(const struct cpython_threads *ts);
/** Borrowed until destroy. index < count. */
const struct cpython_thread *
cpython_threads_at(const struct cpython_threads *ts, uint32_t index);
/**
 * Frame number index of a thread, 0 the innermost; incomplete frames are
 * skipped. Borrowed until the next call; NULL past the last.
 */
const struct cpython_frame *cpython_threads_frame(struct cpython_threads *ts,
						  uint32_t thread,
						  uint32_t index);

/** The functions of struct heapsh_threads, see plugin.h. */
int cpython_threads_thread(struct cpython_threads *ts, uint32_t index,
			   struct heapsh_thread *ret);
int cpython_threads_frame_info(struct cpython_threads *ts, uint32_t thread,
			       uint32_t index, struct heapsh_frame *ret);
/**
 * Named variables, bound or not, the contents of cells in place of the cells;
 * then entries of the value stack; then the names of a class body.
 */
int cpython_threads_variable(struct cpython_threads *ts, uint32_t thread,
			     uint32_t frame, uint32_t index,
			     struct heapsh_variable *ret);

/** Who holds the GIL that an interpreter uses. */
struct cpython_gil {
	uint64_t address;	/* struct _gil_runtime_state; 0: not found */
	bool locked;
	uint64_t holder;	/* PyThreadState that last took it, or 0 */
};
void cpython_gil_read(const struct cpython_mem *m, uint64_t interp,
		      struct cpython_gil *ret);

#endif
