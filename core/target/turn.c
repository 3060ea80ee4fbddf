// SPDX-License-Identifier: Apache-2.0
#include "tg_proc.h"

#include <poll.h>

/*
 * One heapsh at a time has a process: the kernel gives each thread one tracer.
 * Another heapsh needs it for milliseconds only, to stop it or to take its
 * clone away; and of one that was killed the kernel takes the threads off a
 * moment later. So it is worth waiting for, where a debugger is not.
 */
enum { STEP_MS = 1 };

/* Its name is its own word; a liar makes us wait, no more. */
static bool is_heapsh(int tracer)
{
	HS_TEXT comm = { 0 };

	return tg_read_proc(tracer, "comm", &comm) &&
	       !strcmp(hs_text_str(&comm), TG_TRACER_NAME "\n");
}

static int tracer_of(int tid)
{
	HS_TEXT status = { 0 };

	if (!tg_read_proc(tid, "status", &status))
		return 0;
	return (int)tg_field_u64(hs_text_str(&status), "TracerPid");
}

bool tg_await_turn(int tid, int our_tracer, uint64_t deadline_ns,
		   int *ret_tracer)
{
	for (;;) {
		*ret_tracer = tracer_of(tid);
		if (!*ret_tracer || *ret_tracer == our_tracer)
			return true;
		if (hs_now_ns() >= deadline_ns)
			return false;
		// One that has ended meanwhile has no name, and no thread.
		if (!is_heapsh(*ret_tracer) && tracer_of(tid) == *ret_tracer)
			return false;
		(void)poll(NULL, 0, STEP_MS);
	}
}
