// SPDX-License-Identifier: Apache-2.0
// /proc/PID/maps: Linux, Documentation/filesystems/proc.rst, 1.1 "maps".
#include "image_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/** What is left of a line. */
struct cursor {
	const char *p, *end;
};

static bool take_number(struct cursor *c, unsigned base, uint64_t *ret)
{
	const char *start = c->p;
	uint64_t v = 0;

	for (; c->p < c->end; c->p++) {
		char ch = *c->p;
		unsigned digit = ch >= '0' && ch <= '9' ? ch - '0' :
				 ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : 99;

		if (digit >= base)
			break;
		if (hs_mul_overflows(v, base, &v) ||
		    hs_add_overflows(v, digit, &v))
			return false;
	}
	*ret = v;
	return c->p > start;
}

static bool take_char(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

/** "rwxp" or "rwxs". */
static bool take_prot(struct cursor *c, struct im_mapping *ret)
{
	const char *p = c->p;

	if (c->end - p < 4 || (p[0] != 'r' && p[0] != '-') ||
	    (p[1] != 'w' && p[1] != '-') || (p[2] != 'x' && p[2] != '-') ||
	    (p[3] != 'p' && p[3] != 's'))
		return false;
	ret->prot = (p[0] == 'r' ? PROT_READ : 0) |
		    (p[1] == 'w' ? PROT_WRITE : 0) |
		    (p[2] == 'x' ? PROT_EXEC : 0);
	ret->shared = p[3] == 's';
	c->p += 4;
	return true;
}

/**
 * The kernel escapes a newline in a path, and nothing else, not even a
 * backslash (fs/proc/task_mmu.c, show_map_vma: seq_path(m, file, "\n")). A path
 * that really holds "\012" comes out wrong here; who opens it compares inodes.
 */
static char *take_path(struct cursor *c, struct hs_arena *arena)
{
	size_t n = (size_t)(c->end - c->p), in, out = 0;
	char *s;

	if (n >= IM_PATH_MAX * 4)
		n = IM_PATH_MAX * 4 - 1;
	s = hs_arena_strndup(arena, c->p, n);
	for (in = 0; in < n && s[in]; out++) {
		if (n - in >= 4 && !memcmp(s + in, "\\012", 4)) {
			s[out] = '\n';
			in += 4;
		} else {
			s[out] = s[in++];
		}
	}
	s[out] = '\0';
	return s;
}

bool im_parse_map(const char *line, size_t n, struct hs_arena *arena,
		  struct im_mapping *ret)
{
	struct cursor c = { line, line + n };
	struct im_mapping m = { .module = UINT32_MAX };
	uint64_t major, minor;

	if (!take_number(&c, 16, &m.start) || !take_char(&c, '-') ||
	    !take_number(&c, 16, &m.end) || !take_char(&c, ' ') ||
	    !take_prot(&c, &m) || !take_char(&c, ' ') ||
	    !take_number(&c, 16, &m.offset) || !take_char(&c, ' ') ||
	    !take_number(&c, 16, &major) || !take_char(&c, ':') ||
	    !take_number(&c, 16, &minor) || !take_char(&c, ' ') ||
	    !take_number(&c, 10, &m.inode))
		return false;
	if (m.start >= m.end || m.start % IM_PAGE || m.end % IM_PAGE)
		return false;
	m.dev = makedev((unsigned)major, (unsigned)minor);
	while (take_char(&c, ' '))
		;
	m.path = take_path(&c, arena);
	*ret = m;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct im_mapping *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void im_sort_maps(im_mapping_vec *maps)
{
	uint64_t covered = 0;	/* end of what is taken */
	size_t i, out = 0;

	if (maps->n)
		qsort(maps->v, maps->n, sizeof(*maps->v), by_start);
	for (i = 0; i < maps->n; i++) {
		struct im_mapping m = maps->v[i];

		if (m.start < covered) {
			m.offset += covered - m.start;
			m.start = covered;
		}
		if (m.start >= m.end)
			continue;
		covered = m.end;
		maps->v[out++] = m;
	}
	maps->n = out;
}

void im_parse_maps(const char *text, size_t n, struct hs_arena *arena,
		   im_mapping_vec *ret)
{
	const char *p = text, *end = text + n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		struct im_mapping m;

		if (im_parse_map(p, (size_t)(stop - p), arena, &m))
			hs_vec_push(ret, m);
		p = stop + 1;
	}
	im_sort_maps(ret);
}

struct hs_err *im_slurp(const char *path, size_t limit, char **ret, size_t *n)
{
	HS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	HS_VEC(char) buf = { 0 };

	if (fd < 0)
		return hs_err_os(errno, "open %s", path);
	for (;;) {
		ssize_t got;

		hs_vec_reserve(&buf, buf.n + 16 * IM_PAGE);
		got = read(fd, buf.v + buf.n, buf.cap - buf.n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			struct hs_err *err = hs_err_os(errno, "read %s", path);

			hs_vec_deinit(&buf);
			return err;
		}
		buf.n += (size_t)got;
		if (!got || buf.n >= limit)
			break;
	}
	*n = buf.n < limit ? buf.n : limit;
	*ret = buf.v;
	return NULL;
}
