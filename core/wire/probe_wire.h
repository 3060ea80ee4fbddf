/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the evaluator's client writes into the memory of a copy, and what the
 * probe in there answers. Both are of one build. All addresses are the copy's.
 *
 * The client trusts no answer: the program's code has run beside it, and may
 * have written anywhere.
 */
#ifndef WR_PROBE_WIRE_H
#define WR_PROBE_WIRE_H

#include <stdint.h>

enum wr_probe_op {
	WR_PROBE_HELLO,		/* answers collectors[] */
	WR_PROBE_CALL,		/* function(args[0], … args[11]) */
	WR_PROBE_FOREIGN,	/* wr_probe_foreign, through libffi */
	/* Over n objects, see heapsh_eval_kind (plugin_eval.h): */
	WR_PROBE_VISIT,
	WR_PROBE_VALUE,
	WR_PROBE_TEXT,
};

/** In a program that has loaded the probe: its symbol heapsh_probe_0. */
#define WR_PROBE_MAGIC "heapsh-probe"
enum { WR_PROBE_VERSION = 2 };
struct wr_probe_state {
	char magic[16];
	uint32_t version;
	uint32_t loaded;	/* 1: its constructor has run */
	/** What prctl(PR_SET_PTRACER) answered: 0; -EINVAL without yama. */
	int32_t ptracer;
	uint32_t box_bytes;	/* sizeof(struct wr_probe_box) */
	/* Since version 2, addresses: of the box, and of the function. */
	uint64_t box;
	uint64_t serve;		/* int serve(number of the request) */
};

/** What pb_run() returns. */
enum wr_probe_answered {
	WR_PROBE_DONE = 1,
	WR_PROBE_FULL,		/* of a batch: go on at progress with room */
	WR_PROBE_UNKNOWN,	/* a request that this probe has not */
};

enum {
	WR_PROBE_ARGS = 12,
	WR_PROBE_COLLECTORS = 4,	/* callbacks of one call */
	WR_PROBE_FOREIGN_ARGS = 64,
	WR_PROBE_TYPES = 1024,		/* bytes of a signature's code */
	/** From the entry to where it stands when pb_run() has returned. */
	WR_PROBE_RETURN = 16,
	WR_PROBE_REQUEST_BYTES = 4096,	/* room for wr_probe_request */
};

/** What became of one object of a batch. */
struct wr_probe_item {
	uint64_t failed;	/* 1: the function answered bad */
	uint64_t value;		/* VALUE: itself; else address in out */
	uint64_t total;		/* values or bytes there were */
	uint64_t kept;		/* of them, at value */
};

/**
 * A call of any C function. Types are a text: the result's, then each
 * argument's. v void; b B h H i I l L integers of 1, 2, 4, 8 bytes, signed and
 * unsigned; f d D float, double, long double; p pointer; {…} a struct.
 */
struct wr_probe_foreign {
	uint64_t types;			/* address of the text */
	uint64_t n_types;		/* bytes of it */
	uint64_t result;		/* address; 16-aligned, 8 bytes least */
	uint64_t values[WR_PROBE_FOREIGN_ARGS];	/* address of each */
	uint32_t n_args;
	uint32_t n_fixed;		/* the others are variable */
};

/** One call of a callback, as its registers and stack were. */
struct wr_probe_collected {
	uint64_t which;			/* of the collectors */
	uint64_t ints[6];		/* rdi, rsi, rdx, rcx, r8, r9 */
	uint64_t floats[8];		/* xmm0 to xmm7, low half */
	uint64_t stack[6];
};

/** At the beginning of the area. */
struct wr_probe_request {
	uint32_t op;			/* wr_probe_op */
	uint32_t reserved;
	uint64_t function;
	uint64_t args[WR_PROBE_ARGS];
	uint64_t result;		/* of CALL */
	struct wr_probe_foreign foreign;

	/* A batch: arrays of n. */
	uint64_t n;
	uint64_t objects;
	uint64_t functions;		/* 0: function for all */
	uint64_t items;			/* n wr_probe_item */
	uint64_t finish, release, clear, bad;
	uint64_t max;			/* values or bytes of one object */
	uint64_t out, out_end;		/* for values and text; 8-aligned */
	uint64_t used;			/* first free byte of out */
	/** Object that is being tried; n when all were. */
	volatile uint64_t progress;

	/* Callbacks: what they were called with is kept in out. */
	uint64_t collectors[WR_PROBE_COLLECTORS];
	uint64_t answers[WR_PROBE_COLLECTORS];	/* they return this */
	uint64_t n_collected;		/* also those without room */
};

/**
 * A call in the running program itself. Its memory is the library's own: a box
 * that the tracer fills while all threads stand still. The program then calls
 * serve(number) at a safe point, as its runtime lets it; what is not of that
 * number, of this process or of this time is dropped, and done at most once.
 */
enum wr_probe_box_state {
	WR_PROBE_BOX_EMPTY,
	WR_PROBE_BOX_WAITS,	/* to be served */
	WR_PROBE_BOX_RUNS,
	WR_PROBE_BOX_SERVED,
	WR_PROBE_BOX_DROPPED,	/* and never served: see why */
};
enum wr_probe_dropped {
	WR_PROBE_DROPPED_BACK,	/* taken back by who has asked */
	WR_PROBE_DROPPED_LATE,	/* who has asked has not said that it lives */
	WR_PROBE_DROPPED_CHILD,	/* this is a child of the process */
	WR_PROBE_DROPPED_GUARD,	/* and those after it: guard why - this */
};

/** What must still be so: a word from least to most. */
struct wr_probe_guard {
	uint64_t addr;
	uint64_t least, most;
	uint64_t bytes;		/* 4 or 8 */
};

enum wr_probe_step_flags {
	WR_PROBE_STEP_OWNS = 1,		/* the result is to be released */
	WR_PROBE_STEP_TAKES = 2,	/* the last argument's is no more */
	WR_PROBE_STEP_NOT_ZERO = 4,	/* 0 is a failure */
	WR_PROBE_STEP_NOT_MINUS = 8,	/* an int below 0 is one */
	WR_PROBE_STEP_TEXT = 16, /* of *(int64_t *)args[1] bytes, is kept */
	WR_PROBE_STEP_CSTR = 32,	/* text up to its NUL, is kept */
	WR_PROBE_STEP_ON_ERROR = 64,	/* only where one has failed */
	WR_PROBE_STEP_ALWAYS = 128,
};
enum { WR_PROBE_STEP_ARGS = 4, WR_PROBE_STEPS = 192, WR_PROBE_GUARDS = 256 };
/** One call of several. */
struct wr_probe_step {
	uint64_t function;	/* 0: what lies at args[0] + args[1] */
	uint64_t args[WR_PROBE_STEP_ARGS];
	uint8_t from[WR_PROBE_STEP_ARGS]; /* 1: number of a step: its result */
	uint32_t flags;		/* wr_probe_step_flags */
	uint64_t result;	/* of a text: its address in data */
	uint32_t length;	/* of the text, as kept */
	uint32_t has_run;
};

enum { WR_PROBE_BOX_BYTES = 65536 };
struct wr_probe_box {
	/* First, since the tracer knows these two. */
	uint64_t state;		/* wr_probe_box_state */
	uint64_t number;	/* of the request, never 0 */
	/** CLOCK_REALTIME, ns; later it is dropped. UINT64_MAX: no matter. */
	uint64_t until_ns;
	uint64_t pid;		/* as it sees itself; 0: any */
	uint64_t why;		/* wr_probe_dropped */
	uint64_t answer;	/* wr_probe_answered */
	struct wr_probe_request q;	/* where there are no steps */
	uint64_t release;	/* void release(result) */
	uint32_t n_guards, n_steps;
	uint32_t failed;	/* 1 + the step that has; 0: none */
	uint32_t used;		/* bytes of data; texts are added */
	struct wr_probe_guard guards[WR_PROBE_GUARDS];
	struct wr_probe_step steps[WR_PROBE_STEPS];
	uint8_t data[] __attribute__((__aligned__(16)));
};
enum {
	/** How long it is believed that who has asked lives. */
	WR_PROBE_LEASE_MS = 1000,
	WR_PROBE_BOX_DATA =
		WR_PROBE_BOX_BYTES - (int)sizeof(struct wr_probe_box),
};
#endif
