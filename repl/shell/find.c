// SPDX-License-Identifier: GPL-3.0-or-later
// attach NAME: which process is it?
#include "shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

enum {
	COMMAND_BYTES = 4096, /* of a command line that are looked at */
	SHOWN_COLUMNS = 60,
	MAX_LISTED = 20,
};

struct candidate {
	int pid;
	uint64_t rss; /* bytes */
	char *command; /* its words with blanks between; owned */
	bool is_exact; /* comm, or a word's last part, is the name */
};
struct candidates {
	struct candidate *v;
	size_t n, cap;
};

/* At most cap - 1 bytes of /proc/PID/name, and a NUL. How many. */
static size_t read_proc(int pid, const char *name, char *ret, size_t cap)
{
	char path[64];
	HS_CLOSE int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, ret, cap - 1);
	n = n < 0 ? 0 : n;
	ret[n] = '\0';
	return (size_t)n;
}

static uint64_t rss_of(int pid)
{
	char statm[256];
	unsigned long pages = 0;

	read_proc(pid, "statm", statm, sizeof(statm));
	if (sscanf(statm, "%*u %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int parent_of(int pid)
{
	char stat[1024];
	const char *p;
	int parent = 0;

	// comm may hold anything, so look behind its last parenthesis.
	read_proc(pid, "stat", stat, sizeof(stat));
	p = strrchr(stat, ')');
	if (!p || sscanf(p, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

/* We, the sudo before us, the shell before that: their lines have NAME, too. */
static bool is_ancestor(int pid)
{
	int p, depth = 0;

	for (p = getpid(); p > 0 && depth < 64; p = parent_of(p), depth++)
		if (p == pid)
			return true;
	return false;
}

static bool is_last_part(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, name) || !strcmp(word, name);
}

/* bytes: words with a NUL after each, n in all. */
static bool has_word(const char *bytes, size_t n, const char *name)
{
	const char *p;

	for (p = bytes; p < bytes + n; p += strlen(p) + 1)
		if (is_last_part(p, name))
			return true;
	return false;
}

static void look_at(struct candidates *all, int pid, const char *name)
{
	struct candidate c = { .pid = pid, .rss = rss_of(pid) };
	char line[COMMAND_BYTES], comm[64];
	size_t n, i;

	n = read_proc(pid, "cmdline", line, sizeof(line));
	read_proc(pid, "comm", comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	// The kernel's own threads, and zombies, have no command line.
	if (!n || is_ancestor(pid))
		return;
	c.is_exact = !strcmp(comm, name) || has_word(line, n, name);
	for (i = 0; i < n; i++)
		line[i] = line[i] ? line[i] : ' ';
	if (!c.is_exact && !strstr(line, name))
		return;
	c.command = hs_xstrndup(line, n);
	hs_vec_push(all, c);
}

static void drop_inexact(struct candidates *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->v[i].is_exact;
	if (!n)
		return;
	n = 0;
	for (i = 0; i < all->n; i++) {
		if (all->v[i].is_exact)
			all->v[n++] = all->v[i];
		else
			free(all->v[i].command);
	}
	all->n = n;
}

static void add_line(struct hs_text *t, const struct candidate *c)
{
	const struct vw_style style = { 0 };
	HS_TEXT command = { 0 };
	HS_TEXT rss = { 0 };

	hs_text_size(&rss, c->rss);
	vw_foreign(&command, &style, c->command, strlen(c->command));
	hs_text_addf(t, "%8d  %8s  ", c->pid, hs_text_str(&rss));
	vw_clip(t, &style, hs_text_str(&command), SHOWN_COLUMNS);
	hs_text_addc(t, '\n');
}

/* Of a server and its workers the largest is the one to look at. */
static struct hs_err *list(const struct candidates *all, const char *name)
{
	const struct candidate *largest = all->v;
	struct hs_err *err;
	HS_TEXT t = { 0 };
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (i < MAX_LISTED)
			add_line(&t, &all->v[i]);
		if (all->v[i].rss > largest->rss)
			largest = &all->v[i];
	}
	sh_say_text(hs_text_str(&t), t.len);
	err = hs_err_new(HS_ERR_NAME, "attach %s: %zu processes are called so",
			 name, all->n);
	return hs_err_remedy(err, "heapsh attach %d", largest->pid);
}

static struct hs_err *nobody(const char *name, const char *none)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_NAME, "attach %s: %s", name, none);
	bool is_file = strchr(name, '/') || !strncmp(name, "core", 4);

	return is_file && !access(name, R_OK) ?
		       hs_err_remedy(err, "heapsh open %s", name) :
		       hs_err_remedy(err, "ps x lists what runs");
}

typedef void look_fn(struct candidates *all, int pid, const char *name);

/* Of those that look finds, the one that there is. */
static struct hs_err *find(const char *name, look_fn *look, const char *none,
			   int *ret)
{
	struct candidates all = { 0 };
	struct hs_err *err = NULL;
	struct dirent *entry;
	uint64_t pid;
	DIR *proc;
	size_t i;

	proc = opendir("/proc");
	if (!proc)
		return hs_err_os(errno, "read /proc");
	while ((entry = readdir(proc)))
		if (hs_parse_u64(entry->d_name, &pid) && pid <= INT_MAX)
			look(&all, (int)pid, name);
	closedir(proc);
	drop_inexact(&all);
	if (!all.n)
		err = nobody(name, none);
	else if (all.n > 1)
		err = list(&all, name);
	else
		*ret = all.v[0].pid;
	for (i = 0; i < all.n; i++)
		free(all.v[i].command);
	hs_vec_deinit(&all);
	return err;
}

/* "NSpid:	4711	7": its number in the innermost namespace is the last,
 * and there is more than one. */
static void look_inside(struct candidates *all, int pid, const char *number)
{
	struct candidate c = { .pid = pid,
			       .rss = rss_of(pid),
			       .is_exact = true };
	char status[COMMAND_BYTES], line[COMMAND_BYTES], *p, *last;
	size_t n, i;

	read_proc(pid, "status", status, sizeof(status));
	p = strstr(status, "\nNSpid:");
	if (!p)
		return;
	p += strlen("\nNSpid:\t");
	p[strcspn(p, "\n")] = '\0';
	last = strrchr(p, '\t');
	if (!last || strcmp(last + 1, number))
		return;
	n = read_proc(pid, "cmdline", line, sizeof(line));
	for (i = 0; i < n; i++)
		line[i] = line[i] ? line[i] : ' ';
	c.command = hs_xstrndup(line, n);
	hs_vec_push(all, c);
}

struct hs_err *sh_find_inner(const char *number, int *ret)
{
	return find(number, look_inside,
		    "no process has this number in a container", ret);
}

struct hs_err *sh_find_process(const char *name, int *ret)
{
	uint64_t pid;

	if (strspn(name, "0123456789") != strlen(name))
		return find(name, look_at, "no process is called so", ret);
	if (!hs_parse_u64(name, &pid) || !pid || pid > INT_MAX)
		return hs_err_new(HS_ERR_NAME, "attach %s: no such process",
				  name);
	*ret = (int)pid;
	return NULL;
}
