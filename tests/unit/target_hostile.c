// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tg_packet.h"
#include "unit.h"

/* A tracer that is sent nonsense: it answers, harms nobody and goes on. */

static int control = -1, service = -1;
static pid_t tracer;

static int start(void **state)
{
	int c[2], s[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, c) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s))
		return -1;
	tracer = fork();
	if (!tracer)
		_exit(tg_tracer_main(c[1], s[1]));
	close(c[1]);
	close(s[1]);
	control = c[0];
	service = s[0];
	return tracer < 0;
}

static int stop(void **state)
{
	int status;

	(void)state;
	close(control);
	close(service);
	return waitpid(tracer, &status, 0) != tracer || status;
}

/* The code that a packet of this type and size is answered with. */
static uint32_t answer(const void *bytes, size_t size, int fd)
{
	struct wr_tracer_status st;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	bool eof;

	memcpy(q.bytes, bytes, size < sizeof(q.bytes) ? size : sizeof(q.bytes));
	q.head.size = (uint32_t)size;
	if (fd >= 0)
		tg_packet_add_fd(&q, dup(fd));
	assert_null(tg_packet_send(service, &q, 1000));
	assert_null(tg_packet_recv(service, 10000, &a, &eof));
	assert_false(eof);
	memcpy(&st, a.bytes + sizeof(a.head), sizeof(st));
	return st.code;
}

static struct wr_tracer_head head(uint32_t type)
{
	return (struct wr_tracer_head){ WR_TRACER_MAGIC, WR_TRACER_VERSION,
					type, 0, 1 };
}

static void wrong_headers_are_answered(void **state)
{
	struct wr_tracer_head h = head(WR_TRACER_LIST);

	(void)state;
	assert_int_equal(answer(&h, sizeof(h), -1), 0);
	h.magic = 1;
	assert_int_equal(answer(&h, sizeof(h), -1), HS_ERR_FORMAT);
	h = head(WR_TRACER_LIST);
	h.version++;
	assert_int_equal(answer(&h, sizeof(h), -1), HS_ERR_FORMAT);
	h = head(77);
	assert_int_equal(answer(&h, sizeof(h), -1), HS_ERR_FORMAT);
}

static void short_requests_are_answered(void **state)
{
	(void)state;
	for (uint32_t type = WR_TRACER_PROBE; type <= WR_TRACER_GUEST_END;
	     type++) {
		struct wr_tracer_head h = head(type);
		uint8_t bytes[256] = { 0 };

		if (type == WR_TRACER_LIST)
			continue;
		memcpy(bytes, &h, sizeof(h));
		assert_int_not_equal(answer(bytes, sizeof(h), -1), 0);
		assert_int_not_equal(answer(bytes, sizeof(h) + 4, 0), 0);
		assert_int_not_equal(answer(bytes, sizeof(bytes), 0), 0);
	}
}

/* Addresses that are no instructions: the program is asked nothing of. */
static void wrong_addresses_harm_nobody(void **state)
{
	struct wr_tracer_range all = { 0, UINT64_MAX };
	struct wr_tracer_freeze m = { .head = head(WR_TRACER_FREEZE),
				      .n_stacks = 1,
				      .syscall_ret = 0x1000,
				      .restore_rt = UINT64_MAX - 3,
				      .stop_ms = 500 };
	struct wr_tracer_status st;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	int fd, status;
	bool eof;

	(void)state;
	m.pid = fork();
	if (!m.pid) {
		for (;;)
			pause();
	}
	m.head.size = sizeof(m);
	memcpy(q.bytes, &m, sizeof(m));
	tg_packet_add_fd(&q, (int)syscall(SYS_pidfd_open, m.pid, 0));
	assert_null(tg_memfd_create(&fd));
	tg_packet_add_fd(&q, fd);
	assert_null(tg_memfd_write(fd, 0, &all, sizeof(all)));
	assert_null(tg_packet_send(service, &q, 1000));
	assert_null(tg_packet_recv(service, 10000, &a, &eof));
	memcpy(&st, a.bytes + sizeof(a.head), sizeof(st));
	assert_int_not_equal(st.code, 0);
	assert_int_equal(waitpid(m.pid, &status, WNOHANG), 0);
	assert_int_equal(kill(m.pid, SIGKILL), 0);
	assert_int_equal(waitpid(m.pid, &status, 0), m.pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wrong_headers_are_answered,
						start, stop),
		cmocka_unit_test_setup_teardown(short_requests_are_answered,
						start, stop),
		cmocka_unit_test_setup_teardown(wrong_addresses_harm_nobody,
						start, stop),
	};

	return UNIT_RUN(tests);
}
