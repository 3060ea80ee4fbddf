// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct wr_header) == 16, "the header has no holes");

enum {
	/* A header may lie: no more than this is allocated ahead of what has
	 * really come, or as much again as has come. */
	FIRST_ROOM = 64 << 10,
};

void wr_frame_deinit(struct wr_frame *f)
{
	free(f->payload);
	*f = (struct wr_frame){ 0 };
}

static struct hs_err *lost(int errnum, const char *what)
{
	switch (errnum) {
	case EPIPE:
	case ECONNRESET:
		return hs_err_new(HS_ERR_GONE, "%s: the other side has closed",
				  what);
	default:
		return hs_err_os(errnum, "%s", what);
	}
}

/* Leave out the first n bytes of what is still to be sent. */
static void advance(struct msghdr *msg, size_t n)
{
	while (msg->msg_iovlen && n >= msg->msg_iov->iov_len) {
		n -= msg->msg_iov->iov_len;
		msg->msg_iov++;
		msg->msg_iovlen--;
	}
	if (!msg->msg_iovlen)
		return;
	msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + n;
	msg->msg_iov->iov_len -= n;
}

struct hs_err *wr_send(int fd, enum wr_type type, uint32_t arg,
		       const void *payload, size_t length)
{
	struct wr_header h = {
		.length = (uint32_t)length,
		.version = WR_VERSION,
		.type = (uint16_t)type,
		.arg = arg,
	};
	struct iovec iov[] = {
		{ .iov_base = &h, .iov_len = sizeof(h) },
		{ .iov_base = (void *)payload, .iov_len = length },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = length ? 2 : 1 };
	ssize_t n;

	if (length > WR_MAX_PAYLOAD)
		return hs_err_new(HS_ERR_FORMAT,
				  "send a frame: %zu bytes are more than %d",
				  length, WR_MAX_PAYLOAD);
	while (msg.msg_iovlen) {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lost(errno, "send a frame");
		advance(&msg, (size_t)n);
	}
	return NULL;
}

static bool known_type(unsigned type)
{
	return (type >= WR_HELLO && type <= WR_QUIT) ||
	       (type >= WR_DOC && type <= WR_DONE);
}

static struct hs_err *check_header(const struct wr_header *h)
{
	if (h->version != WR_VERSION)
		return hs_err_new(HS_ERR_FORMAT,
				  "receive a frame: version %u, not %d",
				  h->version, WR_VERSION);
	if (!known_type(h->type))
		return hs_err_new(HS_ERR_FORMAT,
				  "receive a frame: unknown type %u", h->type);
	if (h->length > WR_MAX_PAYLOAD)
		return hs_err_new(HS_ERR_FORMAT,
				  "receive a frame: %u bytes are more than %d",
				  h->length, WR_MAX_PAYLOAD);
	if (h->reserved)
		return hs_err_new(HS_ERR_FORMAT,
				  "receive a frame: reserved word is %#x",
				  h->reserved);
	return NULL;
}

/* Bytes of payload that are there. */
static size_t payload_have(const struct wr_reader *r)
{
	return r->have - sizeof(r->frame.h);
}

/* Room for what comes next, and for the NUL. */
static struct hs_err *grow(struct wr_reader *r)
{
	size_t length = r->frame.h.length;
	size_t cap = r->cap ? 2 * r->cap : FIRST_ROOM;
	char *p;

	cap = cap < length ? cap : length;
	p = realloc(r->frame.payload, cap + 1);
	if (!p)
		return hs_err_new(HS_ERR_NOMEM,
				  "receive a frame: no memory for %zu bytes",
				  cap);
	r->frame.payload = p;
	r->cap = cap;
	return NULL;
}

struct hs_err *wr_reader_room(struct wr_reader *r, void **ret, size_t *n)
{
	struct hs_err *err;

	if (r->have < sizeof(r->frame.h)) {
		*ret = (char *)&r->frame.h + r->have;
		*n = sizeof(r->frame.h) - r->have;
		return NULL;
	}
	if (payload_have(r) == r->cap) {
		err = grow(r);
		if (err)
			return err;
	}
	*ret = r->frame.payload + payload_have(r);
	*n = r->cap - payload_have(r);
	return NULL;
}

struct hs_err *wr_reader_added(struct wr_reader *r, size_t n, bool *done)
{
	struct hs_err *err;
	size_t before = r->have;

	*done = false;
	r->have += n;
	if (r->have < sizeof(r->frame.h))
		return NULL;
	if (before < sizeof(r->frame.h)) {
		err = check_header(&r->frame.h);
		if (!err && !r->frame.payload)
			err = grow(r);
		if (err)
			return err;
	}
	if (payload_have(r) < r->frame.h.length)
		return NULL;
	r->frame.payload[r->frame.h.length] = '\0';
	*done = true;
	return NULL;
}

struct wr_frame wr_reader_take(struct wr_reader *r)
{
	struct wr_frame frame = r->frame;

	*r = (struct wr_reader){ 0 };
	return frame;
}

void wr_reader_deinit(struct wr_reader *r)
{
	wr_frame_deinit(&r->frame);
	*r = (struct wr_reader){ 0 };
}

static struct hs_err *ended(const struct wr_reader *r)
{
	return hs_err_new(
		HS_ERR_GONE,
		r->have ? "receive a frame: the other side closed inside it"
			: "receive a frame: the other side has closed");
}

/* One recv(). *again: nothing there now (flags has MSG_DONTWAIT). */
static struct hs_err *receive(struct wr_reader *r, int fd, int flags,
			      bool *done, bool *again)
{
	struct hs_err *err;
	size_t want;
	ssize_t n;
	void *to;

	*done = *again = false;
	err = wr_reader_room(r, &to, &want);
	if (err)
		return err;
	do {
		n = recv(fd, to, want, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		*again = true;
		return NULL;
	}
	if (n < 0)
		return lost(errno, "receive a frame");
	if (n == 0)
		return ended(r);
	return wr_reader_added(r, (size_t)n, done);
}

struct hs_err *wr_reader_poll(struct wr_reader *r, int fd, bool *done)
{
	struct hs_err *err;
	bool again;

	do {
		err = receive(r, fd, MSG_DONTWAIT, done, &again);
	} while (!err && !*done && !again);
	return err;
}

struct hs_err *wr_recv(int fd, struct wr_frame *ret)
{
	struct wr_reader r = { 0 };
	struct hs_err *err;
	bool done, again;

	do {
		err = receive(&r, fd, 0, &done, &again);
	} while (!err && !done);
	if (err)
		wr_reader_deinit(&r);
	else
		*ret = wr_reader_take(&r);
	return err;
}
