// SPDX-License-Identifier: Apache-2.0
#include "tg_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 << 20 };

bool tg_read_file(const char *path, struct hs_text *ret)
{
	HS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[16384];

	hs_text_clear(ret);
	if (fd < 0)
		return false;
	while (ret->len < FILE_MAX_BYTES) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		hs_text_addn(ret, buf, (size_t)n);
	}
	return true;
}

bool tg_read_proc(int pid, const char *name, struct hs_text *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return tg_read_file(path, ret);
}

const char *tg_field(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p && *p;) {
		if (!strncmp(p, key, n) && p[n] == ':') {
			p += n + 1;
			return p + strspn(p, " \t");
		}
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return NULL;
}

uint64_t tg_field_u64(const char *text, const char *key)
{
	const char *p = tg_field(text, key);

	return p ? strtoull(p, NULL, 10) : 0;
}

bool tg_stat_field(int pid, int field, uint64_t *ret)
{
	HS_TEXT t = { 0 };
	const char *p;

	if (!tg_read_proc(pid, "stat", &t))
		return false;
	p = strrchr(hs_text_str(&t), ')');	// a name may hold anything
	// Field 3 is the first after ")".
	for (int i = 3; p && i <= field; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return false;
	*ret = strtoull(p, NULL, 10);
	return true;
}

bool tg_start_time(int pid, uint64_t *ret)
{
	return tg_stat_field(pid, TG_STAT_START, ret);
}

/* "NSpid: 4711 7 1": as seen from here, and further and further in. */
static size_t inner_pids(int pid, int v[32])
{
	HS_TEXT status = { 0 };
	const char *p = NULL;
	size_t n = 0;
	char *end;

	if (tg_read_proc(pid, "status", &status))
		p = tg_field(hs_text_str(&status), "NSpid");
	for (; p && n < 32; p = end) {
		long number = strtol(p, &end, 10);

		if (end == p || number <= 0)
			break;
		v[n++] = (int)number;
		while (*end == '\t' || *end == ' ')
			end++;
		if (*end == '\n' || !*end)
			break;
	}
	return n;
}

int tg_pid_of_itself(int pid)
{
	int v[32];
	size_t n = inner_pids(pid, v);

	return n ? v[n - 1] : pid;
}

int tg_pid_within(int parent, int child)
{
	int outer[32], inner[32];
	size_t depth = inner_pids(parent, outer), n = inner_pids(child, inner);

	return depth && depth <= n ? inner[depth - 1] : child;
}

uint64_t tg_pid_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

/* One line, which is NUL-terminated. Lines that are not understood are left
 * out: a mapping that is not known is not used. */
static void add_line(struct tg_maps *m, const char *line)
{
	struct tg_map map = { 0 };
	int at = -1;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64
		   " %n",
		   &map.start, &map.end, map.prot, &map.offset, &map.dev_major,
		   &map.dev_minor, &map.inode, &at) < 7 ||
	    map.start >= map.end || strlen(map.prot) != 4)
		return;
	map.path = (uint32_t)m->names.len;
	hs_text_add(&m->names, at >= 0 ? line + at : "");
	hs_text_addc(&m->names, 0);
	hs_vec_push(&m->v, map);
}

struct hs_err *tg_maps_read(int pid, struct tg_maps *ret)
{
	HS_TEXT t = { 0 };
	char *line, *next;

	if (!tg_read_proc(pid, "maps", &t))
		return hs_err_os(errno, "read mappings of process %d", pid);
	hs_text_addn(&ret->names, "", 1);
	for (line = t.s; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		add_line(ret, line);
	}
	if (ret->v.n)
		return NULL;
	return hs_err_new(HS_ERR_GONE,
			  "read mappings of process %d: it has none", pid);
}

void tg_maps_deinit(struct tg_maps *m)
{
	hs_vec_deinit(&m->v);
	hs_text_deinit(&m->names);
}
