// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ASK_MS = 10000,		/* of what takes microseconds */
	SEND_MS = 10000,
};

struct tg_client {
	int fd;
	uint64_t seq;
	uint64_t clones;	/* how often copies came or went */
};

struct hs_err *tg_new_service(int control_fd, int *ret_service_fd)
{
	TG_PACKET q = { 0 };
	HS_CLOSE int ours = -1;
	struct hs_err *err;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return hs_err_os(errno, "make a socket for the tracer");
	ours = fds[0];
	tg_packet_init(&q, WR_TRACER_SERVICE, sizeof(q.head), 0);
	tg_packet_add_fd(&q, fds[1]);
	err = tg_packet_send(control_fd, &q, SEND_MS);
	if (err)
		return err;
	*ret_service_fd = ours;
	ours = -1;
	return NULL;
}

struct hs_err *tg_client_create(int service_fd, struct tg_client **ret)
{
	struct tg_client *c = hs_xalloc(sizeof(*c));

	c->fd = service_fd;
	// Answers to a predecessor on the same socket have other numbers.
	c->seq = hs_now_ns();
	*ret = c;
	return NULL;
}

void tg_client_destroy(struct tg_client *c)
{
	if (!c)
		return;
	hs_close_p(&c->fd);
	free(c);
}

/* NULL, or the error that the tracer reports. */
static struct hs_err *status_of(struct tg_packet *a)
{
	struct wr_tracer_status s;
	struct hs_err *err;

	if (a->head.size < sizeof(a->head) + sizeof(s))
		return hs_err_new(HS_ERR_FORMAT,
				  "ask the tracer: its answer is too short");
	memcpy(&s, a->bytes + sizeof(a->head), sizeof(s));
	if (!s.code)
		return NULL;
	s.text[sizeof(s.text) - 1] = 0;
	s.remedy[sizeof(s.remedy) - 1] = 0;
	err = hs_err_new((enum hs_code)s.code, "%s", s.text);
	err->errnum = s.errnum;
	err->addr = s.addr;
	return *s.remedy ? hs_err_remedy(err, "%s", s.remedy) : err;
}

static struct hs_err *gone(struct hs_err *err)
{
	hs_err_free(err);
	return hs_err_new(HS_ERR_OTHER, "ask the tracer: it has ended");
}

static struct hs_err *receive(struct tg_client *c, int timeout_ms,
			      struct tg_packet *ret)
{
	uint64_t end = hs_now_ns() + (uint64_t)timeout_ms * 1000000;

	for (;;) {
		uint64_t now = hs_now_ns();
		struct hs_err *err;
		bool eof;

		err = tg_packet_recv(c->fd, now < end ?
					     (int)((end - now) / 1000000) + 1 :
					     0, ret, &eof);
		if (eof || (err && err->code == HS_ERR_OS))
			return gone(err);
		if (err)
			return hs_err_wrap(err, "ask the tracer");
		if (ret->head.seq == c->seq)
			return status_of(ret);
		tg_packet_deinit(ret);
	}
}

/* Does it make or end a copy of a process? */
static bool is_of_clones(uint32_t type)
{
	return type == WR_TRACER_FREEZE || type == WR_TRACER_SETTLE ||
	       type == WR_TRACER_RELEASE || type == WR_TRACER_GUEST ||
	       type == WR_TRACER_GUEST_END;
}

uint64_t tg_client_clones(const struct tg_client *c)
{
	return c->clones;
}

struct hs_err *tg_client_ask(struct tg_client *c, struct tg_packet *q,
			     int timeout_ms, struct tg_packet *ret)
{
	struct hs_err *err;

	c->clones += is_of_clones(q->head.type);
	q->head.seq = ++c->seq;
	err = tg_packet_send(c->fd, q, SEND_MS);
	if (err && err->code == HS_ERR_OS)
		return gone(err);
	return err ? err : receive(c, timeout_ms, ret);
}

struct hs_err *tg_gone(int pid)
{
	return hs_err_new(HS_ERR_GONE, "attach to %d: it has ended", pid);
}

static bool sigkill_in(const char *status, const char *key)
{
	const char *p = tg_field(status, key);

	return p && strtoull(p, NULL, 16) & 1 << (SIGKILL - 1);
}

/* Ended, or about to: killed, and in the middle of taking itself apart. */
static bool has_ended(int pid, uint64_t start_time)
{
	HS_TEXT status = { 0 };
	const char *s, *state;
	uint64_t start;

	if (!tg_start_time(pid, &start) || start != start_time ||
	    !tg_read_proc(pid, "status", &status))
		return true;
	s = hs_text_str(&status);
	state = tg_field(s, "State");
	return !state || *state == 'Z' || *state == 'X' ||
	       !tg_field(s, "VmSize") || sigkill_in(s, "SigPnd") ||
	       sigkill_in(s, "ShdPnd");
}

struct hs_err *tg_or_gone(struct hs_err *err, int pid, uint64_t start_time)
{
	enum { LOOKS = 3, BETWEEN_US = 10000 };

	if (!err || err->code == HS_ERR_GONE || !start_time)
		return err;
	for (int i = 0; i < LOOKS; i++) {
		if (has_ended(pid, start_time)) {
			hs_err_free(err);
			return tg_gone(pid);
		}
		usleep(BETWEEN_US);
	}
	return err;
}

/* /proc/PID/mem, or -errno. */
static int open_ourselves(int pid)
{
	HS_TEXT path = { 0 };
	int fd;

	hs_text_addf(&path, "/proc/%d/mem", pid);
	fd = open(hs_text_str(&path), O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* *ret_mem: its memory, or -errno with which the kernel refuses the tracer. */
static struct hs_err *probe(struct tg_client *c, int pid, int *ret_mem,
			    int *ret_tracer)
{
	struct wr_tracer_probed r;
	struct wr_tracer_probe m;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	if (!c) {
		*ret_mem = open_ourselves(pid);
		return NULL;
	}
	tg_packet_init(&q, WR_TRACER_PROBE, sizeof(m), 0);
	m = (struct wr_tracer_probe){ .head = q.head, .pid = pid };
	memcpy(q.bytes, &m, sizeof(m));
	err = tg_client_ask(c, &q, ASK_MS, &a);
	if (err)
		return err;
	memcpy(&r, a.bytes, sizeof(r));
	*ret_mem = r.denied ? -r.denied : tg_packet_take_fd(&a, 0);
	*ret_tracer = r.tracer;
	return NULL;
}

struct hs_err *tg_client_probe(struct tg_client *c, int pid, int *ret_denied,
			       int *ret_tracer)
{
	HS_CLOSE int mem = -1;
	struct hs_err *err = probe(c, pid, &mem, ret_tracer);

	if (!err)
		*ret_denied = mem < 0 ? -mem : 0;
	return err;
}

int tg_memory(struct tg_client *c, int pid)
{
	int fd = open_ourselves(pid), tracer, mem = -1;

	if (!c || (fd != -EACCES && fd != -EPERM))
		return fd;
	hs_err_free(probe(c, pid, &mem, &tracer));
	return mem < 0 ? fd : mem;
}

struct hs_err *tg_add_ranges(struct tg_packet *q,
			     const struct wr_tracer_range *v, size_t n)
{
	return tg_packet_add_bytes(q, v, n * sizeof(*v));
}

struct hs_err *tg_list(struct tg_client *c, struct wr_tracer_item **ret,
		       size_t *ret_n)
{
	HS_FREE struct wr_tracer_item *v = NULL;
	HS_CLOSE int fd = -1;
	struct wr_tracer_listed r;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, WR_TRACER_LIST, sizeof(q.head), 0);
	err = tg_client_ask(c, &q, ASK_MS, &a);
	if (err)
		return err;
	memcpy(&r, a.bytes, sizeof(r));
	fd = tg_packet_take_fd(&a, 0);
	if (r.n > WR_TRACER_INSTANTS + WR_TRACER_CHILDREN)
		return hs_err_new(HS_ERR_FORMAT, "list instants: too many");
	v = hs_xcalloc(r.n + 1, sizeof(*v));
	err = tg_memfd_read(fd, 0, v, r.n * sizeof(*v));
	if (err)
		return err;
	*ret = hs_take(v);
	*ret_n = r.n;
	return NULL;
}

static void add_strings(struct hs_text *t, const char *const *v, uint32_t *n)
{
	for (*n = 0; v && v[*n]; ++*n)
		hs_text_addn(t, v[*n], strlen(v[*n]) + 1);
}

/* Descriptors of the request: copies, which the packet owns. */
static struct hs_err *add_stdio(struct tg_packet *q, const struct tg_spawn *s)
{
	for (int i = 0; i < 3; i++) {
		int fd = s->stdio[i] >= 0 ?
				 fcntl(s->stdio[i], F_DUPFD_CLOEXEC, 3) :
				 open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return hs_err_os(errno, "start %s: descriptor %d",
					 s->argv[0], i);
		tg_packet_add_fd(q, fd);
	}
	return NULL;
}

static struct hs_err *spawn_request(const struct tg_spawn *s,
				    struct tg_packet *q)
{
	struct wr_tracer_spawn m = { 0 };
	HS_TEXT t = { 0 };
	HS_FREE char *here = NULL;
	struct hs_err *err;

	if (!s->folder)
		here = getcwd(NULL, 0);
	tg_packet_init(q, WR_TRACER_SPAWN, sizeof(m), 0);
	m.head = q->head;
	m.flags = s->own_group ? WR_TRACER_OWN_GROUP : 0;
	hs_text_add(&t, s->folder ? s->folder : here ? here : "");
	hs_text_addn(&t, "", 1);
	add_strings(&t, s->argv, &m.n_argv);
	add_strings(&t, s->env, &m.n_env);
	if (t.len > WR_TRACER_ARGV)
		return hs_err_new(HS_ERR_USAGE,
				  "start %s: arguments and environment are "
				  "too long", s->argv[0]);
	m.bytes = (uint32_t)t.len;
	memcpy(q->bytes, &m, sizeof(m));
	err = tg_packet_add_bytes(q, t.s, t.len);
	return err ? err : add_stdio(q, s);
}

struct hs_err *tg_spawn(struct tg_client *c, const struct tg_spawn *spawn,
			int *ret_pid)
{
	enum { SPAWN_MS = 20000 };
	struct wr_tracer_spawned r;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err = spawn_request(spawn, &q);

	if (!err)
		err = tg_client_ask(c, &q, SPAWN_MS, &a);
	if (err)
		return err;
	memcpy(&r, a.bytes, sizeof(r));
	*ret_pid = r.pid;
	return NULL;
}
