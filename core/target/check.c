// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "tg_check.h"

/*
 * Everything that can be known before anything is stopped. The order is that
 * of what a person would want to hear first. What it says is a moment old: the
 * tracer meets the same obstacles again, and undoes what it began.
 */
enum { COW_PERCENT = 5 };

struct hs_err *tg_refuse(const struct tg_asking *k, const char *why)
{
	return hs_err_remedy(hs_err_new(HS_ERR_REFUSED, "attach to %d: %s",
					k->pid, why),
			     "heapsh attach %d --live", k->pid);
}

/* --- does it exist, and is it a process that lives? --- */

static void read_facts(struct tg_asking *k)
{
	const char *s = hs_text_str(&k->status);
	const char *name = tg_field(s, "Name"), *uid = tg_field(s, "Uid");
	const char *gid = tg_field(s, "Gid");
	struct tg_report *r = k->r;
	char *end;

	r->pid = k->pid;
	for (size_t i = 0; name && i + 1 < sizeof(r->comm) &&
			   name[i] && name[i] != '\n'; i++)
		r->comm[i] = name[i];
	// real, effective, saved, file system
	if (uid) {
		(void)strtoul(uid, &end, 10);
		r->uid = (uint32_t)strtoul(end, NULL, 10);
	}
	if (gid) {
		(void)strtoul(gid, &end, 10);
		r->gid = (uint32_t)strtoul(end, NULL, 10);
	}
	r->n_threads = (uint32_t)tg_field_u64(s, "Threads");
	r->rss_bytes = tg_field_u64(s, "VmRSS") * TG_KB;
	r->table_bytes = tg_field_u64(s, "VmPTE") * TG_KB;
}

static struct hs_err *check_exists(struct tg_asking *k)
{
	const char *s, *state;

	if (k->pid <= 0 || !tg_read_proc(k->pid, "status", &k->status) ||
	    !tg_start_time(k->pid, &k->r->start_time))
		return hs_err_new(HS_ERR_NAME,
				  "attach to %d: there is no such process",
				  k->pid);
	s = hs_text_str(&k->status);
	read_facts(k);
	if (tg_field_u64(s, "Tgid") != (uint64_t)k->pid) {
		int leader = (int)tg_field_u64(s, "Tgid");

		return hs_err_remedy(
			hs_err_new(HS_ERR_NAME,
				   "attach to %d: it is a thread of process %d",
				   k->pid, leader),
			"heapsh attach %d", leader);
	}
	state = tg_field(s, "State");
	if (state && (*state == 'Z' || *state == 'X'))
		return hs_err_new(HS_ERR_GONE,
				  "attach to %d: it has ended (a zombie, which "
				  "its parent has not waited for)", k->pid);
	// kthreadd and its children; else it is just about to end.
	if (!tg_field(s, "VmSize") &&
	    (k->pid == 2 || tg_field_u64(s, "PPid") == 2))
		return hs_err_new(HS_ERR_REFUSED,
				  "attach to %d: it is a thread of the kernel",
				  k->pid);
	if (!tg_field(s, "VmSize"))
		return tg_gone(k->pid);
	if (k->pid == getpid())
		return hs_err_new(HS_ERR_REFUSED,
				  "attach to %d: that is heapsh itself",
				  k->pid);
	return NULL;
}

/* --- may we? --- */

static struct hs_err *why_denied(const struct tg_asking *k, int errnum)
{
	struct passwd *pw = getpwuid(k->r->uid);
	HS_TEXT why = { 0 };
	bool hopeless = false;
	struct hs_err *err;

	if (k->r->uid != geteuid() && geteuid() != 0) {
		hs_text_addf(&why, "it belongs to %s", pw ? pw->pw_name : "");
		if (!pw)
			hs_text_addf(&why, "user %u", k->r->uid);
	} else if (!tg_is_dumpable(k->pid, k->r->uid)) {
		hs_text_add(&why, "it is marked as not dumpable (it changed "
				  "its user, or said so by prctl)");
	} else if (tg_yama_scope() == 3) {
		hs_text_add(&why, "kernel.yama.ptrace_scope is 3: nobody may, "
				  "until the next boot");
		hopeless = true;
	} else if (tg_yama_scope() == 2 && !tg_capable(TG_CAP_SYS_PTRACE)) {
		hs_text_add(&why, "kernel.yama.ptrace_scope is 2: only root "
				  "may (CAP_SYS_PTRACE)");
	} else if (tg_yama_scope() == 1 && !tg_capable(TG_CAP_SYS_PTRACE)) {
		hs_text_add(&why, "kernel.yama.ptrace_scope is 1: only its "
				  "parent and root may, and who it lets (one "
				  "started by \"heapsh run\", or with "
				  "LD_PRELOAD=heapsh-probe.so, can be "
				  "attached)");
	} else {
		hs_text_addf(&why, "the kernel does not permit ptrace (%s): it "
			     "may have more capabilities than we, or a "
			     "container withholds SYS_PTRACE",
			     strerror(errnum));
	}
	err = hs_err_new(HS_ERR_DENIED, "attach to %d: %s", k->pid,
			 hs_text_str(&why));
	err->errnum = errnum;
	if (hopeless)
		return err;
	if (geteuid() == 0)
		return hs_err_remedy(err, "docker run --cap-add=SYS_PTRACE …, "
				     "or run heapsh outside the container");
	return hs_err_remedy(err, "sudo heapsh attach %d", k->pid);
}

static struct hs_err *check_permitted(struct tg_asking *k)
{
	struct hs_err *err;
	int denied = 0;

	err = tg_client_probe(k->c, k->pid, &denied, &k->our_tracer);
	if (err || !denied)
		return err;
	if (denied == ENOENT || denied == ESRCH)
		return tg_gone(k->pid);
	return why_denied(k, denied);
}

/* --- is it safe? --- */

static struct hs_err *check_tracer(const struct tg_asking *k)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1000000) * TG_TURN_MS;
	HS_TEXT comm = { 0 };
	HS_TEXT why = { 0 };
	int tracer;

	// Ours, for a thread that did not stop in time: it will, or has.
	if (tg_await_turn(k->pid, k->our_tracer, deadline, &tracer))
		return NULL;
	if (tg_read_proc(tracer, "comm", &comm) && comm.len)
		comm.s[--comm.len] = 0;
	hs_text_add(&why, "it is traced already, by ");
	hs_text_escape(&why, hs_text_str(&comm), comm.len);
	hs_text_addf(&why, " (process %d)", tracer);
	return tg_refuse(k, hs_text_str(&why));
}

static struct hs_err *check_filter(const struct tg_asking *k)
{
	uint64_t mode = tg_field_u64(hs_text_str(&k->status), "Seccomp");

	// The tracer asks the filter itself, before it makes a call, where
	// the kernel shows it.
	if (!mode || (mode == 2 && tg_capable(TG_CAP_SYS_ADMIN)))
		return NULL;
	if (mode == 1)
		return tg_refuse(k, "it permits itself no system calls "
				 "(seccomp mode 1)");
	return tg_refuse(k, "it filters system calls (seccomp mode 2): one its "
			 "filter does not know may end it");
}

static struct hs_err *check_shadow(const struct tg_asking *k)
{
	const char *s = tg_field(hs_text_str(&k->status),
				 "x86_Thread_features");

	if (!s || strncmp(s, "shstk", 5))
		return NULL;
	return tg_refuse(k, "it uses a shadow stack, on which our frame "
			 "cannot return");
}

/* On its way out: the memory is given up before the namespaces are. */
static bool is_ending(int pid)
{
	char path[48], exe[1];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, exe, sizeof(exe)) < 0;
}

/*
 * After unshare(CLONE_NEWPID) the next child, our clone, would become the init
 * of a namespace, and with its end the process could start no other ever.
 */
static struct hs_err *check_namespaces(const struct tg_asking *k)
{
	char path[48], own[64], next[64];
	ssize_t a, b;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", k->pid);
	a = readlink(path, own, sizeof(own));
	snprintf(path, sizeof(path), "/proc/%d/ns/pid_for_children", k->pid);
	b = readlink(path, next, sizeof(next));
	if (a < 0 || (a == b && !memcmp(own, next, (size_t)a)))
		return NULL;
	// There is none before the first child, and none at the end.
	if (b < 0 && is_ending(k->pid))
		return tg_gone(k->pid);
	return tg_refuse(k, "its children go to a process namespace of their "
			 "own");
}

static struct hs_err *check_word_size(const struct tg_asking *k)
{
	unsigned char id[EI_NIDENT + 4] = { 0 };
	HS_CLOSE int fd = -1;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/exe", k->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, id, sizeof(id)) != sizeof(id))
		return NULL;	// the tracer looks at the registers
	if (id[EI_CLASS] == ELFCLASS64 && id[EI_NIDENT + 2] == EM_X86_64)
		return NULL;
	return hs_err_new(HS_ERR_REFUSED, "attach to %d: it is not a 64-bit "
			  "program of x86-64", k->pid);
}

/* --- all of it --- */

enum { FOR_CLONE = 1 << TG_CLONE, FOR_COPY = 1 << TG_COPY };

/* In the order in which a person wants to hear of them. */
static const struct step {
	enum tg_obstacle what;
	int rungs;		/* that it is in the way of */
	struct hs_err *(*look)(const struct tg_asking *k);
} steps[] = {
	{ TG_TRACED, FOR_CLONE | FOR_COPY, check_tracer },
	{ TG_FILTERED, FOR_CLONE, check_filter },
	{ TG_SHADOW, FOR_CLONE, check_shadow },
	{ TG_NAMESPACES, FOR_CLONE, check_namespaces },
	{ TG_WATCHED, FOR_CLONE, tg_check_watched },
	{ TG_LONG, FOR_CLONE | FOR_COPY, tg_check_pause },
	{ TG_NO_PIDS, FOR_CLONE, tg_check_pids },
	{ TG_NO_MEMORY, FOR_CLONE, tg_check_memory },
	{ TG_OVERCOMMIT, FOR_CLONE, tg_check_overcommit },
	{ TG_NO_ROOM_HERE, FOR_COPY, tg_check_ours },
};

static struct hs_err *found(struct tg_asking *k, enum tg_obstacle what,
			    struct hs_err *err)
{
	if (err)
		k->r->obstacle = what;
	return err;
}

/* What is in the way of every rung. */
static struct hs_err *check_any(struct tg_asking *k)
{
	struct hs_err *err = found(k, TG_MISSING, check_exists(k));

	if (!err)
		err = found(k, TG_NOT_PERMITTED, check_permitted(k));
	if (!err)
		err = found(k, TG_FOREIGN, check_word_size(k));
	tg_estimate(k);
	return err;
}

static struct hs_err *check_all(struct tg_asking *k)
{
	struct hs_err *err = check_any(k);

	for (size_t i = 0; !err && i < HS_ARRAY_SIZE(steps); i++) {
		if (steps[i].rungs & 1 << k->o.rung)
			err = found(k, steps[i].what, steps[i].look(k));
	}
	return err;
}

static void begin(struct tg_asking *k, const struct tg_options *options)
{
	memset(k->r, 0, sizeof(*k->r));
	if (options)
		k->o = *options;
	if (!k->o.max_pause_ns)
		k->o.max_pause_ns = TG_MAX_PAUSE_NS;
	if (!k->o.cow_percent)
		k->o.cow_percent = COW_PERCENT;
}

struct hs_err *tg_check(struct tg_client *c, int pid,
			const struct tg_options *options,
			struct tg_report *ret)
{
	struct tg_asking k = { .c = c, .pid = pid, .r = ret };
	struct hs_err *err;

	begin(&k, options);
	err = check_all(&k);
	// What is refused was read of it while it lived; what is denied may be
	// so since it is ending. (Its start is known only now.)
	if (err && err->code != HS_ERR_REFUSED)
		err = tg_or_gone(err, pid, ret->start_time);
	hs_text_deinit(&k.status);
	return err;
}

struct hs_err *tg_survey(struct tg_client *c, int pid,
			 const struct tg_options *options,
			 struct tg_report *ret, const struct tg_listener *to)
{
	struct tg_asking k = { .c = c, .pid = pid, .r = ret };
	struct hs_err *err;

	begin(&k, options);
	err = check_any(&k);
	for (size_t i = 0; !err && i < HS_ARRAY_SIZE(steps); i++) {
		struct hs_err *why = steps[i].look(&k);

		if (why)
			to->tell(to->arg, steps[i].what, steps[i].rungs, why);
		hs_err_free(why);
	}
	hs_text_deinit(&k.status);
	return err;
}
