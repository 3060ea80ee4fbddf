// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

static int ends[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void put_raw(const void *p, size_t n)
{
	assert_int_equal(write(ends[0], p, n), n);
}

static void assert_fails(enum hs_code code)
{
	struct wr_frame f;
	struct hs_err *err = wr_recv(ends[1], &f);

	assert_non_null(err);
	assert_int_equal(err->code, code);
	hs_err_free(err);
}

static void a_frame_arrives_as_it_was_sent(void **state)
{
	struct wr_frame f;

	(void)state;
	assert_null(wr_send(ends[0], WR_COMMAND, 7, "heap", 4));
	assert_null(wr_recv(ends[1], &f));
	assert_int_equal(f.h.type, WR_COMMAND);
	assert_int_equal(f.h.arg, 7);
	assert_int_equal(f.h.length, 4);
	assert_string_equal(f.payload, "heap");
	wr_frame_deinit(&f);
}

static void an_empty_payload_is_an_empty_string(void **state)
{
	struct wr_frame f;

	(void)state;
	assert_null(wr_send(ends[0], WR_QUIT, 0, NULL, 0));
	assert_null(wr_recv(ends[1], &f));
	assert_string_equal(f.payload, "");
	wr_frame_deinit(&f);
}

enum { BIG = 3 << 20 };

static void *send_big(void *arg)
{
	return wr_send(ends[0], WR_DOC, 0, arg, BIG);
}

static void a_frame_larger_than_the_socket_buffer_is_whole(void **state)
{
	char *big = malloc(BIG);
	struct wr_frame f;
	pthread_t thread;
	void *err;
	size_t i;

	(void)state;
	for (i = 0; i < BIG; i++)
		big[i] = (char)(i * 31 >> 3);
	assert_int_equal(pthread_create(&thread, NULL, send_big, big), 0);
	assert_null(wr_recv(ends[1], &f));
	assert_int_equal(pthread_join(thread, &err), 0);
	assert_null(err);
	assert_int_equal(f.h.length, BIG);
	assert_memory_equal(f.payload, big, BIG);
	wr_frame_deinit(&f);
	free(big);
}

static void poll_takes_a_frame_byte_by_byte_and_not_the_next(void **state)
{
	struct wr_header h = { .length = 2,
			       .version = WR_VERSION,
			       .type = WR_WORDS };
	struct wr_reader r = { 0 };
	char bytes[sizeof(h) + 2 + 1];
	struct wr_frame f;
	bool done;
	size_t i;

	(void)state;
	memcpy(bytes, &h, sizeof(h));
	memcpy(bytes + sizeof(h), "hi!", 3);
	for (i = 0; i < sizeof(h) + 1; i++) {
		put_raw(bytes + i, 1);
		assert_null(wr_reader_poll(&r, ends[1], &done));
		assert_false(done);
	}
	put_raw(bytes + i, 2);
	assert_null(wr_reader_poll(&r, ends[1], &done));
	assert_true(done);
	f = wr_reader_take(&r);
	assert_string_equal(f.payload, "hi");
	wr_frame_deinit(&f);
	assert_int_equal(read(ends[1], bytes, 2), 1);
	assert_int_equal(bytes[0], '!');
}

static void a_closed_side_is_gone(void **state)
{
	(void)state;
	shutdown(ends[0], SHUT_WR);
	assert_fails(HS_ERR_GONE);
}

static void a_frame_cut_off_is_gone(void **state)
{
	struct wr_header h = { .length = 10,
			       .version = WR_VERSION,
			       .type = WR_DOC };

	(void)state;
	put_raw(&h, sizeof(h));
	put_raw("abc", 3);
	shutdown(ends[0], SHUT_WR);
	assert_fails(HS_ERR_GONE);
}

static void sending_to_a_closed_side_is_gone_and_no_signal(void **state)
{
	struct hs_err *err;

	(void)state;
	close(ends[1]);
	ends[1] = -1;
	err = wr_send(ends[0], WR_QUIT, 0, NULL, 0);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_GONE);
	hs_err_free(err);
}

static void headers_that_lie_are_refused(void **state)
{
	static const struct wr_header bad[] = {
		{ .version = WR_VERSION + 1, .type = WR_DOC },
		{ .version = WR_VERSION, .type = 0 },
		{ .version = WR_VERSION, .type = WR_QUIT + 1 },
		{ .version = WR_VERSION, .type = WR_DONE + 1 },
		{ .version = WR_VERSION, .type = WR_DOC, .reserved = 1 },
		{ .version = WR_VERSION,
		  .type = WR_DOC,
		  .length = WR_MAX_PAYLOAD + 1 },
		{ .version = WR_VERSION, .type = WR_DOC, .length = UINT32_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(bad); i++) {
		put_raw(&bad[i], sizeof(bad[i]));
		assert_fails(HS_ERR_FORMAT);
	}
}

static void a_promise_of_much_allocates_little(void **state)
{
	struct wr_header h = { .length = WR_MAX_PAYLOAD,
			       .version = WR_VERSION,
			       .type = WR_DOC };
	struct wr_reader r = { 0 };
	bool done;

	(void)state;
	put_raw(&h, sizeof(h));
	put_raw("abc", 3);
	assert_null(wr_reader_poll(&r, ends[1], &done));
	assert_false(done);
	assert_true(r.cap <= 64 << 10);
	wr_reader_deinit(&r);
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(a_frame_arrives_as_it_was_sent),
		WITH_PAIR(an_empty_payload_is_an_empty_string),
		WITH_PAIR(a_frame_larger_than_the_socket_buffer_is_whole),
		WITH_PAIR(poll_takes_a_frame_byte_by_byte_and_not_the_next),
		WITH_PAIR(a_closed_side_is_gone),
		WITH_PAIR(a_frame_cut_off_is_gone),
		WITH_PAIR(sending_to_a_closed_side_is_gone_and_no_signal),
		WITH_PAIR(headers_that_lie_are_refused),
		WITH_PAIR(a_promise_of_much_allocates_little),
	};
	return UNIT_RUN(tests);
}
