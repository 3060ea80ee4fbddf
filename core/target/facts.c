// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"
#include "tg_proc.h"

/* What a person wants to know who is asked why it does not work. */

int tg_yama_scope(void)
{
	HS_TEXT t = { 0 };

	if (!tg_read_file("/proc/sys/kernel/yama/ptrace_scope", &t))
		return -1;
	return (int)strtol(hs_text_str(&t), NULL, 10);
}

bool tg_capable(int cap)
{
	HS_TEXT t = { 0 };
	const char *caps = NULL;

	if (tg_read_file("/proc/self/status", &t))
		caps = tg_field(hs_text_str(&t), "CapEff");
	return caps && strtoull(caps, NULL, 16) >> cap & 1;
}

bool tg_same_namespace(int pid, const char *which)
{
	char path[48], self[64], theirs[64];
	ssize_t a, b;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", which);
	a = readlink(path, self, sizeof(self));
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, which);
	b = readlink(path, theirs, sizeof(theirs));
	return a < 0 || b < 0 || (a == b && !memcmp(self, theirs, (size_t)a));
}

/* A process that is not "dumpable" has files in /proc that are root's. */
bool tg_is_dumpable(int pid, uint32_t uid)
{
	struct stat st;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return stat(path, &st) || st.st_uid == uid;
}

static void take_tracer(int pid, struct tg_facts *f)
{
	HS_TEXT comm = { 0 };

	f->tracer = pid;
	if (pid && tg_read_proc(pid, "comm", &comm) && comm.len)
		snprintf(f->tracer_comm, sizeof(f->tracer_comm), "%.*s",
			 (int)comm.len - 1, comm.s);
}

bool tg_facts_read(int pid, struct tg_facts *ret)
{
	static const char *const spaces[] = { "pid", "user", "mnt", "net" };
	HS_TEXT status = { 0 };
	const char *s, *v;

	*ret = (struct tg_facts){ .state = '?' };
	if (!tg_read_proc(pid, "status", &status))
		return false;
	s = hs_text_str(&status);
	v = tg_field(s, "State");
	ret->state = v ? *v : '?';
	v = tg_field(s, "Uid");
	ret->uid = v ? (uint32_t)strtoul(v, NULL, 10) : 0;
	ret->seccomp = (uint32_t)tg_field_u64(s, "Seccomp");
	ret->filters = (uint32_t)tg_field_u64(s, "Seccomp_filters");
	ret->dumpable = tg_is_dumpable(pid, ret->uid);
	take_tracer((int)tg_field_u64(s, "TracerPid"), ret);
	for (size_t i = 0; i < HS_ARRAY_SIZE(spaces); i++) {
		if (!tg_same_namespace(pid, spaces[i]))
			ret->foreign_spaces |= 1u << i;
	}
	tg_headroom_read(pid, &ret->left);
	return true;
}

/* --- what a heapsh that was killed has left --- */

/* Linux, Documentation/filesystems/proc.rst; field 1 is the pid. */
enum { STATE = 3, PARENT = 4, FLAGS = 9, EXIT_SIGNAL = 38 };
enum { FORKED_NO_EXEC = 0x40 };	/* PF_FORKNOEXEC, include/linux/sched.h */

/* Fields of stat from the third on; comm may hold anything. */
static bool read_fields(const struct hs_text *stat, long long v[39],
			char *state)
{
	const char *p = strrchr(hs_text_str(stat), ')');
	char *end;

	if (!p || !p[1] || !p[2])
		return false;
	*state = p[2];
	p += 3;
	for (int i = PARENT; i <= EXIT_SIGNAL; i++, p = end) {
		v[i] = strtoll(p, &end, 10);
		if (end == p)
			return false;
	}
	return true;
}

/*
 * A clone of ours: a child that signals nobody when it ends (nothing but a
 * clone() like ours makes those), never executed anything, and is dead, or is
 * named as we name them and has lost its tracer.
 */
static bool is_leftover(int pid, struct tg_leftover *ret)
{
	HS_TEXT stat = { 0 };
	HS_TEXT status = { 0 };
	long long v[39];
	char state;
	bool named;

	if (!tg_read_proc(pid, "stat", &stat) ||
	    !read_fields(&stat, v, &state) || v[EXIT_SIGNAL] != 0 ||
	    !(v[FLAGS] & FORKED_NO_EXEC) || v[PARENT] <= 0 ||
	    !tg_read_proc(pid, "status", &status))
		return false;
	named = strstr(hs_text_str(&stat), "(" WR_TRACER_CLONE ")");
	if (tg_field_u64(hs_text_str(&status), "TracerPid") ||
	    (state != 'Z' && !named) || tg_field_u64(hs_text_str(&status),
						     "Tgid") != (uint64_t)pid)
		return false;
	*ret = (struct tg_leftover){ pid, (int)v[PARENT], state != 'Z' };
	return true;
}

bool tg_is_clone(int pid)
{
	HS_TEXT comm = { 0 };

	return tg_read_proc(pid, "comm", &comm) &&
	       !strcmp(hs_text_str(&comm), WR_TRACER_CLONE "\n");
}

size_t tg_leftovers(int parent, struct tg_leftover **ret)
{
	HS_VEC(struct tg_leftover) found = { 0 };
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct tg_leftover l;
		uint64_t pid;

		if (hs_parse_u64(e->d_name, &pid) && pid <= INT32_MAX &&
		    is_leftover((int)pid, &l) &&
		    (!parent || l.parent == parent))
			hs_vec_push(&found, l);
	}
	if (d)
		closedir(d);
	*ret = found.v;
	return found.n;
}
