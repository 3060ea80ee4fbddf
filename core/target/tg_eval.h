/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The evaluator: functions of the program are called in a disposable copy of
 * an instant's image. A copy is made when the first call wants one, and thrown
 * away when a function did not return from it, or has changed too much of it.
 *
 * Of one evaluator, and of one client, one thread calls at a time. What a
 * function did is a result; an error is that it could not even be tried.
 */
#ifndef TG_EVAL_H
#define TG_EVAL_H

#include "probe_wire.h"
#include "target.h"
#include "task.h"
#include "text.h"

struct tg_eval;

struct tg_eval_setup {
	uint32_t thread;	/* whose identity; UINT32_MAX: the best */
	uint64_t enter;		/* called once in each new copy, or 0 */
	const struct wr_tracer_write *writes;	/* into each new copy */
	size_t n_writes;
};

/**
 * Evaluator of an instant; makes nothing yet. in and task (whose cancel word
 * is looked at) are borrowed, setup is copied.
 */
void tg_eval_create(struct tg_client *c, const struct tg_instant *in,
		    const struct tg_eval_setup *setup, struct hs_task *task,
		    struct tg_eval **ret);
/** Ends its copy. NULL is fine. */
void tg_eval_destroy(struct tg_eval *e);
/** End the copy: the next call has a new one. */
void tg_eval_reset(struct tg_eval *e);

enum tg_eval_end {
	TG_EVAL_RETURNED,
	TG_EVAL_FAILED,		/* of an object: its function answered bad */
	TG_EVAL_CRASHED,
	TG_EVAL_LATE,
	TG_EVAL_STUCK,
	TG_EVAL_EXITED,
	TG_EVAL_ENDED,
	TG_EVAL_CANCELLED,
};
struct tg_eval_result {
	enum tg_eval_end end;
	int signal;		/* of CRASHED */
	int status;		/* of EXITED */
	uint32_t n_refused;	/* system calls */
	int refused;		/* number of the first, or -1 */
	uint32_t n_helped;	/* locks that other threads gave back */
	uint64_t address;	/* of CRASHED: not accessible */
	uint64_t copy;		/* which copy it was */
	uint64_t cpu_ns;
};
/**
 * What it says, as a clause: "it took signal 11 (Segmentation fault) at
 * 0x0", "it wanted openat"; "" for one that has just returned.
 */
void tg_eval_explain(const struct tg_eval_result *r, struct hs_text *ret);

/** "openat", or "system call 999". */
void tg_eval_call_name(int number, struct hs_text *ret);

/**
 * Memory of the evaluator in the copies: in the same place in each, at first
 * zero. Makes a copy if there is none.
 */
struct tg_eval_area {
	uint64_t data, data_end;	/* for requests, between two of them */
	uint64_t scratch, scratch_end;	/* nobody's: stays until the reset */
};
struct hs_err *tg_eval_area(struct tg_eval *e,
			    struct tg_eval_area *ret) HS_MUST_USE;
/** Bytes read or written in the copy; 0 without one. */
uint64_t tg_eval_read(struct tg_eval *e, uint64_t addr, void *buf,
		      uint64_t len);
uint64_t tg_eval_write(struct tg_eval *e, uint64_t addr, const void *buf,
		       uint64_t len);

/**
 * Have the probe serve one request, in the copy there is or a new one. cpu_ms
 * is of processor time, from the last time that progress has moved; 0: 1000.
 * What the probe answers in *io is as it has left it: foreign bytes. When it
 * has not RETURNED the copy can still be read, until the next call;
 * *ret_answer is wr_probe_answered when it has.
 */
struct hs_err *tg_eval_request(struct tg_eval *e, struct wr_probe_request *io,
			       uint32_t cpu_ms, struct tg_eval_result *ret,
			       uint64_t *ret_answer) HS_MUST_USE;
/** function(args…), at most WR_PROBE_ARGS integers; *ret_value on RETURNED. */
struct hs_err *tg_eval_call(struct tg_eval *e, uint64_t function,
			    const uint64_t *args, size_t n, uint32_t cpu_ms,
			    struct tg_eval_result *ret,
			    uint64_t *ret_value) HS_MUST_USE;

/** What became of one object. Lives until the callback returns. */
struct tg_eval_item {
	enum tg_eval_end end;
	int signal;
	uint64_t index;
	uint64_t n, total;		/* values or bytes: kept, there were */
	const uint64_t *values;
	const char *text;		/* not NUL-terminated */
};
/** A batch; heapsh_eval_batch (plugin_eval.h) fits in and says more. */
struct tg_eval_batch {
	enum wr_probe_op op;		/* VISIT, VALUE or TEXT */
	uint64_t n;
	const uint64_t *objects;
	const uint64_t *functions;	/* or NULL */
	uint64_t function, args[2], finish, release, clear, bad;
	uint32_t cpu_ms, max;
	bool (*each)(void *arg, const struct tg_eval_item *item);
	void *arg;
};
/**
 * Every object is tried once, and each() told of it, in order. *ret: RETURNED,
 * or CANCELLED; refused calls and time are of all.
 */
struct hs_err *tg_eval_batch(struct tg_eval *e, const struct tg_eval_batch *b,
			     struct tg_eval_result *ret) HS_MUST_USE;
#endif
