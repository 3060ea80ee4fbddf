// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tg_client.h"
#include "tg_proc.h"

/*
 * Everything that can be known before anything is stopped. The order is that
 * of what a person would want to hear first. What it says is a moment old: the
 * tracer meets the same obstacles again, and undoes what it began.
 */
enum {
	MAX_PAUSE_MS = 2000,
	COW_PERCENT = 5,
	SPARE_BYTES = 4 << 20,	/* kernel stacks and the like */
	SPARE_PIDS = 2,		/* S and E */
	KB = 1024,
};

/** One check. */
struct check {
	struct tg_client *c;
	int pid;
	struct tg_options o;
	struct tg_report *r;
	struct hs_text status;	/* /proc/PID/status */
	int our_tracer;
};

static struct hs_err *live_remedy(const struct check *k, struct hs_err *err)
{
	return hs_err_remedy(err, "heapsh attach %d --live", k->pid);
}

static struct hs_err *refuse(const struct check *k, const char *why)
{
	return live_remedy(k, hs_err_new(HS_ERR_REFUSED, "attach to %d: %s",
					 k->pid, why));
}

/* --- does it exist, and is it a process that lives? --- */

static void read_facts(struct check *k)
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
	r->rss_bytes = tg_field_u64(s, "VmRSS") * KB;
	r->table_bytes = tg_field_u64(s, "VmPTE") * KB;
}

static struct hs_err *check_exists(struct check *k)
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

static int yama_scope(void)
{
	HS_TEXT t = { 0 };

	if (!tg_read_file("/proc/sys/kernel/yama/ptrace_scope", &t))
		return 0;
	return (int)strtol(hs_text_str(&t), NULL, 10);
}

/* A process that is not "dumpable" has files in /proc that are root's. */
static bool is_dumpable(const struct check *k)
{
	struct stat st;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mem", k->pid);
	return stat(path, &st) || st.st_uid == k->r->uid;
}

static struct hs_err *why_denied(const struct check *k, int errnum)
{
	struct passwd *pw = getpwuid(k->r->uid);
	HS_TEXT why = { 0 };
	bool hopeless = false;
	struct hs_err *err;

	if (k->r->uid != geteuid() && geteuid() != 0) {
		hs_text_addf(&why, "it belongs to %s", pw ? pw->pw_name : "");
		if (!pw)
			hs_text_addf(&why, "user %u", k->r->uid);
	} else if (!is_dumpable(k)) {
		hs_text_add(&why, "it is marked as not dumpable (it changed "
				  "its user, or said so by prctl)");
	} else if (yama_scope() == 3) {
		hs_text_add(&why, "kernel.yama.ptrace_scope is 3: nobody may, "
				  "until the next boot");
		hopeless = true;
	} else if (yama_scope() > 0 && geteuid() != 0) {
		hs_text_addf(&why, "kernel.yama.ptrace_scope is %d: only its "
			     "parent and root may (a program started by "
			     "\"heapsh run\" can be attached)", yama_scope());
	} else {
		hs_text_addf(&why, "the kernel does not permit ptrace (%s): it "
			     "may have more capabilities than we, or a "
			     "container withholds SYS_PTRACE",
			     strerror(errnum));
	}
	err = hs_err_new(HS_ERR_DENIED, "attach to %d: %s", k->pid,
			 hs_text_str(&why));
	err->errnum = errnum;
	return hopeless ? err :
			  hs_err_remedy(err, "sudo heapsh attach %d", k->pid);
}

static struct hs_err *check_permitted(struct check *k)
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

static struct hs_err *check_state(const struct check *k)
{
	const char *s = hs_text_str(&k->status);
	const char *state = tg_field(s, "State");
	int tracer = (int)tg_field_u64(s, "TracerPid");

	// Ours, for a thread that did not stop in time: it will, or has.
	if (tracer && tracer == k->our_tracer)
		state = NULL;
	else if (tracer) {
		HS_TEXT comm = { 0 };
		HS_TEXT why = { 0 };

		if (tg_read_proc(tracer, "comm", &comm) && comm.len)
			comm.s[--comm.len] = 0;
		hs_text_add(&why, "it is traced already, by ");
		hs_text_escape(&why, hs_text_str(&comm), comm.len);
		hs_text_addf(&why, " (process %d)", tracer);
		return refuse(k, hs_text_str(&why));
	}
	if (state && (*state == 'T' || *state == 't'))
		return hs_err_remedy(
			refuse(k, "it is stopped (a job in the background, or "
				  "SIGSTOP)"),
			"kill -CONT %d", k->pid);
	if (tg_field_u64(s, "Seccomp") == 2)
		return refuse(k, "it filters system calls (seccomp mode 2): "
				 "one its filter does not know may end it");
	state = tg_field(s, "x86_Thread_features");
	if (state && !strncmp(state, "shstk", 5))
		return refuse(k, "it uses a shadow stack, on which our frame "
				 "cannot return");
	return NULL;
}

static bool same_namespace(int pid, const char *which)
{
	char path[48], self[64], theirs[64];
	ssize_t a, b;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", which);
	a = readlink(path, self, sizeof(self));
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, which);
	b = readlink(path, theirs, sizeof(theirs));
	return a < 0 || b < 0 || (a == b && !memcmp(self, theirs, (size_t)a));
}

static struct hs_err *check_namespaces(const struct check *k)
{
	static const struct {
		const char *file, *name;
	} v[] = { { "pid", "process" },
		  { "user", "user" },
		  { "mnt", "mount" } };

	for (size_t i = 0; i < HS_ARRAY_SIZE(v); i++) {
		struct hs_err *err;

		if (same_namespace(k->pid, v[i].file))
			continue;
		err = hs_err_new(HS_ERR_REFUSED,
				 "attach to %d: it is in another %s namespace "
				 "(a container)", k->pid, v[i].name);
		return hs_err_remedy(err, "nsenter -t %d -a heapsh attach PID",
				     k->pid);
	}
	return NULL;
}

static struct hs_err *check_word_size(const struct check *k)
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

/* --- does it fit? --- */

/*
 * Milliseconds: 30 per GB of small pages, 2 per GB of huge ones, 0.07 per
 * thread. Measured on Linux 6.18 with 1 to 10 GB (16-28 per GB, at most 48;
 * 1001 threads 73 ms).
 */
static uint64_t estimate_pause_ns(const struct tg_report *r)
{
	uint64_t huge = r->huge_bytes < r->rss_bytes ? r->huge_bytes :
						       r->rss_bytes;

	// 30 ms per GiB are 28.6 ns per KiB.
	return (r->rss_bytes - huge) / KB * 28 + huge / KB * 2 +
	       UINT64_C(70000) * r->n_threads + 500000;
}

/* Only when it matters: it makes the kernel walk all of the page tables. */
static void read_huge_pages(const struct check *k)
{
	HS_TEXT t = { 0 };

	if (tg_read_proc(k->pid, "smaps_rollup", &t))
		k->r->huge_bytes =
			tg_field_u64(hs_text_str(&t), "AnonHugePages") * KB;
}

static struct hs_err *check_pause(const struct check *k)
{
	uint64_t max = k->o.max_pause_ns;
	HS_TEXT why = { 0 };

	k->r->pause_ns = estimate_pause_ns(k->r);
	if (k->r->pause_ns > max / 4) {
		read_huge_pages(k);
		k->r->pause_ns = estimate_pause_ns(k->r);
	}
	if (k->r->pause_ns <= max)
		return NULL;
	hs_text_add(&why, "it would stand still for about ");
	hs_text_duration(&why, k->r->pause_ns);
	hs_text_add(&why, ", and the limit is ");
	hs_text_duration(&why, max);
	return refuse(k, hs_text_str(&why));
}

static struct hs_err *check_overcommit(const struct check *k)
{
	HS_TEXT mode = { 0 };
	HS_TEXT info = { 0 };
	const char *s = hs_text_str(&k->status), *m;
	uint64_t need = tg_field_u64(s, "VmData") + tg_field_u64(s, "VmStk");
	uint64_t limit, used;

	if (!tg_read_file("/proc/sys/vm/overcommit_memory", &mode) ||
	    hs_text_str(&mode)[0] != '2' ||
	    !tg_read_file("/proc/meminfo", &info))
		return NULL;
	m = hs_text_str(&info);
	limit = tg_field_u64(m, "CommitLimit");
	used = tg_field_u64(m, "Committed_AS");
	if (used < limit && limit - used > need)
		return NULL;
	return refuse(k, "vm.overcommit_memory is 2, and a second process of "
			 "its size would go over the limit");
}

static struct hs_err *check_room(const struct check *k)
{
	struct tg_report *r = k->r;
	struct tg_headroom left;
	HS_TEXT why = { 0 };

	r->needed_bytes = 2 * r->table_bytes +
			  r->rss_bytes / 100 * k->o.cow_percent + SPARE_BYTES;
	tg_headroom_read(k->pid, &left);
	if (left.pids < SPARE_PIDS)
		return refuse(k, "its cgroup has no room for another process "
				 "(pids.max)");
	if (left.memory_bytes >= r->needed_bytes)
		return check_overcommit(k);
	hs_text_add(&why, "its cgroup has ");
	hs_text_size(&why, left.memory_bytes);
	hs_text_add(&why, " of memory left, and a copy may come to need ");
	hs_text_size(&why, r->needed_bytes);
	return refuse(k, hs_text_str(&why));
}

static struct hs_err *check_all(struct check *k)
{
	struct hs_err *(*const steps[])(const struct check *) = {
		check_state, check_namespaces, check_word_size, check_pause,
		check_room,
	};
	struct hs_err *err = check_exists(k);

	if (!err)
		err = check_permitted(k);
	k->r->pause_ns = estimate_pause_ns(k->r);
	if (err || k->o.read_only)
		return err;
	for (size_t i = 0; !err && i < HS_ARRAY_SIZE(steps); i++)
		err = steps[i](k);
	return err;
}

struct hs_err *tg_check(struct tg_client *c, int pid,
			const struct tg_options *options,
			struct tg_report *ret)
{
	struct check k = { .c = c, .pid = pid, .r = ret };
	struct hs_err *err;

	memset(ret, 0, sizeof(*ret));
	if (options)
		k.o = *options;
	if (!k.o.max_pause_ns)
		k.o.max_pause_ns = UINT64_C(1000000) * MAX_PAUSE_MS;
	if (!k.o.cow_percent)
		k.o.cow_percent = COW_PERCENT;
	err = tg_or_gone(check_all(&k), pid, ret->start_time);
	hs_text_deinit(&k.status);
	return err;
}
