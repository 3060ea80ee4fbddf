// SPDX-License-Identifier: Apache-2.0
#include "tg_packet.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U	/* Linux 6.3; vm.memfd_noexec may ask for it */
#endif

void tg_packet_init(struct tg_packet *p, enum wr_tracer_type type, size_t size,
		    uint64_t seq)
{
	memset(p, 0, sizeof(*p));
	p->head = (struct wr_tracer_head){
		.magic = WR_TRACER_MAGIC,
		.version = WR_TRACER_VERSION,
		.type = type,
		.size = (uint32_t)size,
		.seq = seq,
	};
}

void tg_packet_deinit(struct tg_packet *p)
{
	for (size_t i = 0; i < p->n_fds; i++) {
		if (p->fds[i] >= 0)
			close(p->fds[i]);
	}
	p->n_fds = 0;
}

void tg_packet_add_fd(struct tg_packet *p, int fd)
{
	if (p->n_fds < WR_TRACER_FDS)
		p->fds[p->n_fds++] = fd;
	else
		close(fd);
}

int tg_packet_take_fd(struct tg_packet *p, size_t i)
{
	int fd;

	if (i >= p->n_fds)
		return -1;
	fd = p->fds[i];
	p->fds[i] = -1;
	return fd;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * WR_TRACER_FDS)];
};

static struct hs_err *wait_for(int sock, short events, int timeout_ms)
{
	struct pollfd p = { .fd = sock, .events = events };
	uint64_t end = hs_now_ns() + (uint64_t)timeout_ms * 1000000;
	int left = timeout_ms;

	for (;;) {
		int n = poll(&p, 1, left);
		uint64_t now = hs_now_ns();

		if (n > 0)
			return NULL;
		if (n < 0 && errno != EINTR)
			return hs_err_os(errno, "wait for a message");
		if (now >= end)
			break;
		left = (int)((end - now) / 1000000) + 1;
	}
	return hs_err_new(HS_ERR_TIMEOUT, "wait for a message: no answer");
}

struct hs_err *tg_packet_send(int sock, const struct tg_packet *p,
			      int timeout_ms)
{
	struct iovec v = { (void *)p->bytes, p->head.size };
	union control c;
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (p->n_fds) {
		size_t len = sizeof(int) * p->n_fds;

		memset(&c, 0, sizeof(c));
		c.align = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(len),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&c.align), p->fds, len);
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(len);
	}
	for (;;) {
		struct hs_err *err;

		if (sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return NULL;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return hs_err_os(errno, "send a message");
		err = wait_for(sock, POLLOUT, timeout_ms);
		if (err)
			return err;
	}
}

static void take_fds(struct msghdr *m, struct tg_packet *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			tg_packet_add_fd(p, fd);
		}
	}
}

static bool head_is_right(const struct tg_packet *p, size_t n, int flags)
{
	return n >= sizeof(p->head) && p->head.magic == WR_TRACER_MAGIC &&
	       p->head.version == WR_TRACER_VERSION && p->head.size == n &&
	       !(flags & (MSG_TRUNC | MSG_CTRUNC));
}

struct hs_err *tg_packet_recv(int sock, int timeout_ms, struct tg_packet *ret,
			      bool *ret_eof)
{
	struct iovec v = { ret->bytes, sizeof(ret->bytes) };
	union control c;
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c),
	};
	struct hs_err *err = wait_for(sock, POLLIN, timeout_ms);
	ssize_t n;

	*ret_eof = false;
	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		*ret_eof = true;
		return NULL;
	}
	if (n < 0)
		return hs_err_os(errno, "receive a message");
	take_fds(&m, ret);
	if (head_is_right(ret, (size_t)n, m.msg_flags))
		return NULL;
	tg_packet_deinit(ret);
	return hs_err_new(HS_ERR_FORMAT,
			  "receive a message: not of this protocol");
}

struct hs_err *tg_memfd_create(int *ret)
{
	int fd = memfd_create("heapsh", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("heapsh", MFD_CLOEXEC);
	if (fd < 0)
		return hs_err_os(errno, "make a memory file");
	*ret = fd;
	return NULL;
}

struct hs_err *tg_memfd_write(int fd, uint64_t offset, const void *buf,
			      size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done,
				   (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hs_err_os(n ? errno : EIO,
					 "write a memory file");
		done += (size_t)n;
	}
	return NULL;
}

struct hs_err *tg_packet_add_bytes(struct tg_packet *p, const void *v,
				   size_t n)
{
	struct hs_err *err;
	int fd;

	err = tg_memfd_create(&fd);
	if (err)
		return err;
	tg_packet_add_fd(p, fd);
	return tg_memfd_write(fd, 0, v, n);
}

struct hs_err *tg_memfd_read(int fd, uint64_t offset, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hs_err_os(errno, "read a memory file");
		if (n == 0)
			return hs_err_new(HS_ERR_FORMAT,
					  "read a memory file: too short");
		done += (size_t)n;
	}
	return NULL;
}
