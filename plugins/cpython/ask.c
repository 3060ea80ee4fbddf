/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_ASK_0: what the object's own code says of it, repr(), str() and
 * sys.getsizeof(), run in a disposable copy. It is other people's code: it may
 * raise, crash, loop or exit, and each has its sentence.
 */
#include "evaluate.h"

#include <stdio.h>
#include <sys/syscall.h>

#include "plain.h"

enum {
	CPU_MS = 1000,
	MAX_WORDS = 64,
};

/* One conversation with one copy. */
struct talk {
	const struct cpython *st;
	const struct heapsh_eval *eval;
	struct heapsh_image *im;
	struct heapsh_eval_result r;
	uint32_t n_refused;
	int32_t refused;
	char *why;
	uint64_t why_cap;
};

/* False: the answer's end is what went wrong; why says it. */
static bool call(struct talk *t, uint64_t function, const uint64_t *args,
		 uint32_t n)
{
	t->r = (struct heapsh_eval_result){
		.size = sizeof(t->r),
		.refused = -1,
	};
	t->eval->call(t->im, function, args, n, CPU_MS, &t->r);
	if (t->n_refused == 0)
		t->refused = t->r.refused;
	t->n_refused += t->r.n_refused;
	if (t->r.end == HEAPSH_EVAL_RETURNED)
		return true;
	snprintf(t->why, t->why_cap, "%s", t->r.why);
	return false;
}

static uint64_t call1(struct talk *t, uint64_t function, uint64_t arg)
{
	return call(t, function, &arg, 1) ? t->r.value : 0;
}

/* Text of a str that lies in the copy: its length in full, or UINT64_MAX. */
static uint64_t copy_text(struct talk *t, uint64_t str, char *buf, uint64_t cap)
{
	uint64_t room = 0, args[2], at, n = 0;

	args[0] = str;
	args[1] = t->eval->scratch(t->im, &room);
	if (str == 0 || room < sizeof(n) ||
	    !call(t, t->st->functions->as_utf8, args, 2) || t->r.value == 0)
		return UINT64_MAX;
	at = t->r.value;
	if (t->eval->read(t->im, args[1], &n, sizeof(n)) != sizeof(n) ||
	    n > INT64_MAX)
		return UINT64_MAX;
	t->eval->read(t->im, at, buf, n < cap ? n : cap);
	return n;
}

/* "kill()", or its number. */
static void put_call_name(char *buf, size_t cap, int32_t number)
{
	static const struct {
		int32_t number;
		const char *name;
	} names[] = {
		{ SYS_kill, "kill" },           { SYS_tgkill, "tgkill" },
		{ SYS_clone, "clone" },         { SYS_clone3, "clone3" },
		{ SYS_fork, "fork" },           { SYS_vfork, "vfork" },
		{ SYS_execve, "execve" },       { SYS_open, "open" },
		{ SYS_openat, "openat" },       { SYS_read, "read" },
		{ SYS_write, "write" },         { SYS_socket, "socket" },
		{ SYS_connect, "connect" },     { SYS_sendto, "sendto" },
		{ SYS_unlink, "unlink" },       { SYS_mkdir, "mkdir" },
		{ SYS_stat, "stat" },           { SYS_newfstatat, "fstatat" },
		{ SYS_getrandom, "getrandom" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number) {
			snprintf(buf, cap, "%s()", names[i].name);
			return;
		}
	snprintf(buf, cap, "number %d", number);
}

/* Where that may be why: a copy may do nothing but compute. */
static void add_refused(struct talk *t)
{
	size_t n = strlen(t->why);
	char name[32];

	if (t->n_refused == 0 || n >= t->why_cap)
		return;
	put_call_name(name, sizeof(name), t->refused);
	if (t->n_refused == 1)
		snprintf(t->why + n, t->why_cap - n,
			 "; its system call %s was refused", name);
	else
		snprintf(t->why + n, t->why_cap - n,
			 "; %u of its system calls were refused, %s first",
			 t->n_refused, name);
}

/* It answered NULL: "it raised ZeroDivisionError: division by zero". */
static void explain_exception(struct talk *t)
{
	const struct cpython_functions *f = t->st->functions;
	uint64_t room = 0, scratch = t->eval->scratch(t->im, &room), args[3];
	uint64_t fetched[3] = { 0 }, n;
	char words[MAX_WORDS * 3], name[MAX_WORDS] = "an exception";
	uint64_t type = f->occurred != 0 ? call1(t, f->occurred, 0) : 0;

	if (t->r.end != HEAPSH_EVAL_RETURNED)
		return;
	cpython_cstr(&t->st->mem,
		     cpython_field(&t->st->mem, type, t->st->mem.lay->tp_name),
		     name, sizeof(name));
	snprintf(t->why, t->why_cap, "it raised %s", name);
	for (int i = 0; i < 3; i++)
		args[i] = scratch + 64 + 8 * (uint64_t)i;
	if (room < 128 || f->fetch == 0 || !call(t, f->fetch, args, 3) ||
	    t->eval->read(t->im, args[0], fetched, sizeof(fetched)) !=
		    sizeof(fetched) ||
	    fetched[1] == 0)
		return;
	n = copy_text(t, call1(t, f->str, fetched[1]), words,
		      sizeof(words) - 1);
	if (n == UINT64_MAX || n == 0)
		return;
	words[n < sizeof(words) ? n : sizeof(words) - 1] = '\0';
	snprintf(t->why, t->why_cap, "it raised %s: %s", name, words);
}

/* NULL: code can be run. */
static const char *begin(struct talk *t, const struct cpython *st, char *why,
			 uint64_t why_cap)
{
	*t = (struct talk){
		.st = st,
		.eval = st->eval,
		.im = st->mem.im,
		.refused = -1,
		.why = why,
		.why_cap = why_cap,
	};
	if (st->eval == NULL)
		return "this host runs no code of a program";
	if (st->functions->repr == 0 || st->functions->as_utf8 == 0)
		return "the functions of the interpreter are not found";
	return st->eval->why_not(t->im);
}

static uint32_t end_of(struct talk *t, bool raised)
{
	uint32_t end = t->r.end;

	if (raised) {
		explain_exception(t);
		end = HEAPSH_EVAL_FAILED;
	}
	add_refused(t);
	t->eval->reset(t->im);
	return end;
}

uint32_t cpython_ask_text(const struct cpython *st, uint64_t addr,
			  uint32_t what, char *buf, uint64_t cap, uint64_t *n,
			  char *why, uint64_t why_cap)
{
	const struct cpython_functions *f = st->functions;
	struct talk t;
	const char *no = begin(&t, st, why, why_cap);
	uint64_t str;

	*n = 0;
	if (no != NULL) {
		snprintf(why, why_cap, "%s", no);
		return HEAPSH_EVAL_UNAVAILABLE;
	}
	str = call1(&t, what == HEAPSH_ASK_STR ? f->str : f->repr, addr);
	if (t.r.end != HEAPSH_EVAL_RETURNED || str == 0)
		return end_of(&t, str == 0 && t.r.end == HEAPSH_EVAL_RETURNED);
	*n = copy_text(&t, str, buf, cap);
	if (*n != UINT64_MAX) {
		// what it has done to the copy is of no use to the next
		t.eval->reset(t.im);
		return HEAPSH_EVAL_RETURNED;
	}
	*n = 0;
	return end_of(&t, t.r.end == HEAPSH_EVAL_RETURNED);
}

uint32_t cpython_ask_flat(const struct cpython *st, uint64_t addr,
			  uint64_t *ret, char *why, uint64_t why_cap)
{
	struct talk t;
	const char *no = begin(&t, st, why, why_cap);

	if (no == NULL && st->functions->getsizeof == 0)
		no = "_PySys_GetSizeOf is not found";
	if (no != NULL) {
		snprintf(why, why_cap, "%s", no);
		return HEAPSH_EVAL_UNAVAILABLE;
	}
	*ret = call1(&t, st->functions->getsizeof, addr);
	if (t.r.end != HEAPSH_EVAL_RETURNED || *ret == UINT64_MAX)
		return end_of(&t, t.r.end == HEAPSH_EVAL_RETURNED);
	t.eval->reset(t.im);
	return HEAPSH_EVAL_RETURNED;
}
