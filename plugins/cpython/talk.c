/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <stdio.h>
#include <sys/syscall.h>

#include "plain.h"

enum {
	NAME_MAX_BYTES = 200,	/* of an exception's class */
	WORDS_MAX = 512,	/* of what it says */
};

const char *cpython_talk_begin(struct cpython_talk *t, const struct cpython *st,
			       uint32_t cpu_ms, char *why, uint64_t why_cap)
{
	const char *no;

	*t = (struct cpython_talk){
		.st = st,
		.eval = st->eval,
		.im = st->mem.im,
		.cpu_ms = cpu_ms,
		.refused = -1,
		.why = why,
		.why_cap = why_cap,
	};
	if (st->eval == NULL)
		return "this host runs no code of a program";
	if (st->functions->repr == 0 || st->functions->as_utf8 == 0)
		return "the functions of the interpreter are not found";
	no = st->eval->why_not(t->im);
	if (no == NULL)
		st->eval->reset(t->im);
	return no;
}

void cpython_talk_end(struct cpython_talk *t)
{
	t->eval->reset(t->im);
}

/* What was made in a copy that has ended must not be touched in the next. */
static bool is_same_copy(struct cpython_talk *t)
{
	if (t->copy == 0)
		t->copy = t->r.copy;
	if (t->copy == t->r.copy)
		return true;
	t->r.end = HEAPSH_EVAL_ENDED;
	snprintf(t->why, t->why_cap,
		 "it has touched more memory than a copy may");
	return false;
}

bool cpython_talk_call(struct cpython_talk *t, uint64_t function,
		       const uint64_t *args, uint32_t n)
{
	t->r = (struct heapsh_eval_result){
		.size = sizeof(t->r),
		.refused = -1,
	};
	t->eval->call(t->im, function, args, n, t->cpu_ms, &t->r);
	if (t->n_refused == 0)
		t->refused = t->r.refused;
	t->n_refused += t->r.n_refused;
	if (t->r.end == HEAPSH_EVAL_RETURNED)
		return is_same_copy(t);
	snprintf(t->why, t->why_cap, "%s", t->r.why);
	return false;
}

uint64_t cpython_talk_call1(struct cpython_talk *t, uint64_t function,
			    uint64_t arg)
{
	return cpython_talk_call(t, function, &arg, 1) ? t->r.value : 0;
}

uint64_t cpython_talk_text(struct cpython_talk *t, uint64_t str, char *buf,
			   uint64_t cap)
{
	uint64_t room = 0, args[2], at, n = 0;

	args[0] = str;
	args[1] = t->eval->scratch(t->im, &room);
	if (str == 0 || room < sizeof(n) ||
	    !cpython_talk_call(t, t->st->functions->as_utf8, args, 2) ||
	    t->r.value == 0)
		return UINT64_MAX;
	at = t->r.value;
	if (t->eval->read(t->im, args[1], &n, sizeof(n)) != sizeof(n) ||
	    n > INT64_MAX)
		return UINT64_MAX;
	t->eval->read(t->im, at, buf, n < cap ? n : cap);
	return n;
}

/* --- exceptions ---------------------------------------------------------- */

/*
 * Class and value of what is raised, as except: would have them: before 3.12
 * the value may be what the exception is yet to be made of. False: the copy
 * has ended.
 */
static bool fetch(struct cpython_talk *t, uint64_t fetched[3])
{
	const struct cpython_functions *f = t->st->functions;
	uint64_t room = 0, scratch = t->eval->scratch(t->im, &room), args[3];

	for (int i = 0; i < 3; i++)
		args[i] = scratch + 64 + 8 * (uint64_t)i;
	return room >= 128 && f->fetch != 0 &&
	       cpython_talk_call(t, f->fetch, args, 3) &&
	       (f->normalize == 0 ||
		cpython_talk_call(t, f->normalize, args, 3)) &&
	       t->eval->read(t->im, args[0], fetched, 24) == 24;
}

/* tp_name as the copy has it: the class may have been made there. */
static void read_name(struct cpython_talk *t, uint64_t type, char *buf,
		      uint64_t cap)
{
	uint64_t at = type + (uint64_t)t->st->mem.lay->tp_name, name = 0, n;

	if (type == 0 ||
	    t->eval->read(t->im, at, &name, sizeof(name)) != sizeof(name))
		return;
	n = t->eval->read(t->im, name, buf, cap - 1);
	if (n != 0)
		buf[n] = '\0';
}

void cpython_talk_raised(struct cpython_talk *t, const char *prefix)
{
	const struct cpython_functions *f = t->st->functions;
	char words[WORDS_MAX], name[NAME_MAX_BYTES] = "an exception";
	uint64_t type = f->occurred != 0
				? cpython_talk_call1(t, f->occurred, 0)
				: 0;
	uint64_t fetched[3] = { 0 }, n;

	if (t->r.end != HEAPSH_EVAL_RETURNED)
		return;
	if (fetch(t, fetched) && fetched[0] != 0)
		type = fetched[0];
	read_name(t, type, name, sizeof(name));
	snprintf(t->why, t->why_cap, "%s%s", prefix, name);
	if (fetched[1] == 0)
		return;
	n = cpython_talk_text(t, cpython_talk_call1(t, f->str, fetched[1]),
			      words, sizeof(words) - 1);
	if (n == UINT64_MAX || n == 0)
		return;
	words[n < sizeof(words) ? n : sizeof(words) - 1] = '\0';
	snprintf(t->why, t->why_cap, "%s%s: %s", prefix, name, words);
}

/* --- what was refused ---------------------------------------------------- */

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

void cpython_talk_add_refused(struct cpython_talk *t)
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
