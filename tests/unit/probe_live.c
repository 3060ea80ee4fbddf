// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "probe_wire.h"

#include "unit.h"

/* The library as it is installed, asked as the tracer asks it. */
static struct wr_probe_box *box;
static int (*serve)(uint64_t number);
static uint64_t calls, released;
static uint64_t guarded = 5;

static uint64_t count(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	(void)c;
	(void)d;
	calls++;
	return a + b;
}

static void release(uint64_t v)
{
	released += v;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A call of count(2, 3), as of number. */
static void ask(uint64_t number)
{
	memset(box, 0, sizeof(*box));
	box->number = number;
	box->until_ns = UINT64_MAX;
	box->pid = (uint64_t)getpid();
	box->q.op = WR_PROBE_CALL;
	box->q.function = (uint64_t)count;
	box->q.args[0] = 2;
	box->q.args[1] = 3;
	box->state = WR_PROBE_BOX_WAITS;
	calls = released = 0;
}

static void a_call_is_made_once_and_never_again(void **state)
{
	(void)state;
	ask(7);
	assert_int_equal(serve(8), 0);
	assert_int_equal(box->state, WR_PROBE_BOX_WAITS);
	assert_int_equal(serve(7), 0);
	assert_int_equal(serve(7), 0);
	assert_int_equal(box->state, WR_PROBE_BOX_SERVED);
	assert_int_equal(box->answer, WR_PROBE_DONE);
	assert_int_equal(calls, 1);
	assert_int_equal(box->q.result, 5);
}

static void what_was_taken_back_is_not_made(void **state)
{
	(void)state;
	ask(7);
	box->state = WR_PROBE_BOX_DROPPED;
	serve(7);
	assert_int_equal(calls, 0);
	assert_int_equal(box->state, WR_PROBE_BOX_DROPPED);
}

static void who_is_not_heard_of_is_not_served(void **state)
{
	const int64_t s = 1000000000;
	const int64_t left[] = { -s, -1, 3600 * s };

	(void)state;
	for (size_t i = 0; i < HS_ARRAY_SIZE(left); i++) {
		ask(7);
		box->until_ns = now_ns() + (uint64_t)left[i];
		serve(7);
		assert_int_equal(box->state, WR_PROBE_BOX_DROPPED);
		assert_int_equal(box->why, WR_PROBE_DROPPED_LATE);
		assert_int_equal(calls, 0);
	}
}

static void a_child_does_not_make_it_too(void **state)
{
	int status = -1;
	pid_t child;

	(void)state;
	ask(7);
	child = fork();
	if (!child) {
		serve(7);
		_exit(calls || box->why != WR_PROBE_DROPPED_CHILD);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(box->state, WR_PROBE_BOX_WAITS);
}

static void nothing_is_called_about_what_has_gone(void **state)
{
	void *page =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct wr_probe_guard good = { (uint64_t)&guarded, 5, 5, 8 };
	struct wr_probe_guard bad[] = {
		{ (uint64_t)&guarded, 6, 9, 8 },
		{ (uint64_t)&guarded, 0, 4, 4 },
		{ (uint64_t)page, 0, UINT64_MAX, 8 },
		{ 0, 0, UINT64_MAX, 8 },
	};

	(void)state;
	munmap(page, 4096);
	for (size_t i = 0; i < HS_ARRAY_SIZE(bad); i++) {
		ask(7);
		box->n_guards = 2;
		box->guards[0] = good;
		box->guards[1] = bad[i];
		serve(7);
		assert_int_equal(box->why, WR_PROBE_DROPPED_GUARD + 1);
		assert_int_equal(calls, 0);
	}
	ask(7);
	box->n_guards = 1;
	box->guards[0] = good;
	serve(7);
	assert_int_equal(calls, 1);
}

static void step(uint64_t a, uint64_t b, int from, uint32_t flags)
{
	struct wr_probe_step *s = &box->steps[box->n_steps++];

	s->function = (uint64_t)count;
	s->args[0] = a;
	s->args[1] = b;
	s->from[0] = (uint8_t)from;
	s->flags = flags;
	box->release = (uint64_t)release;
}

static void steps_are_made_up_to_one_that_fails(void **state)
{
	const uint32_t owns = WR_PROBE_STEP_OWNS | WR_PROBE_STEP_NOT_ZERO;

	(void)state;
	ask(7);
	step(1, 2, 0, owns); // 3
	step(0, 4, 1, owns); // 7: its result and 4
	step(0, 0, 0, WR_PROBE_STEP_NOT_ZERO); // fails
	step(50, 50, 0, owns); // is left out
	step(8, 1, 0, WR_PROBE_STEP_OWNS | WR_PROBE_STEP_ON_ERROR);
	step(0, 0, 0, WR_PROBE_STEP_ALWAYS);
	serve(7);
	assert_int_equal(box->state, WR_PROBE_BOX_SERVED);
	assert_int_equal(box->failed, 3);
	assert_int_equal(calls, 5);
	assert_int_equal(released, 3 + 7 + 9);
}

static uint64_t text(uint64_t at, uint64_t length, uint64_t n, uint64_t d)
{
	(void)d;
	*(int64_t *)length = (int64_t)n;
	return at;
}

static void texts_end_where_the_box_does(void **state)
{
	static char large[WR_PROBE_BOX_BYTES];
	struct wr_probe_step *s;

	(void)state;
	memset(large, 'x', sizeof(large));
	ask(7);
	box->used = 16;
	step((uint64_t)large, (uint64_t)box->data, 0, WR_PROBE_STEP_TEXT);
	s = &box->steps[0];
	s->function = (uint64_t)text;
	s->args[2] = sizeof(large);
	serve(7);
	assert_int_equal(s->length, WR_PROBE_BOX_DATA - 16);
	assert_int_equal(box->used, WR_PROBE_BOX_DATA);
	assert_int_equal(box->data[WR_PROBE_BOX_DATA - 1], 'x');
}

static int find_probe(void **state)
{
	const char *folder = getenv("abs_top_builddir");
	HS_FREE char *path =
		hs_xasprintf("%s/heapsh-probe.so", folder ? folder : ".");
	void *library = dlopen(path, RTLD_NOW);
	struct wr_probe_state *s =
		library ? dlsym(library, "heapsh_probe_0") : NULL;

	(void)state;
	if (!s || s->box_bytes != WR_PROBE_BOX_BYTES)
		return -1;
	box = (struct wr_probe_box *)s->box;
	serve = (int (*)(uint64_t))s->serve;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_made_once_and_never_again),
		cmocka_unit_test(what_was_taken_back_is_not_made),
		cmocka_unit_test(who_is_not_heard_of_is_not_served),
		cmocka_unit_test(a_child_does_not_make_it_too),
		cmocka_unit_test(nothing_is_called_about_what_has_gone),
		cmocka_unit_test(steps_are_made_up_to_one_that_fails),
		cmocka_unit_test(texts_end_where_the_box_does),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, find_probe, NULL) != 0;
}
