// SPDX-License-Identifier: Apache-2.0
#include "budget_priv.h"
#include "task.h"

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static void cancel_word_of_ours_or_of_shared_memory(void **state)
{
	HS_ERR_GUARD struct hs_err *err = NULL;
	struct hs_shared shared = { 0 };
	struct hs_task own, sharing;

	(void)state;
	hs_task_init(&own, NULL, NULL);
	hs_task_init(&sharing, &shared, NULL);
	assert_null(hs_check_cancel(&own));
	assert_false(hs_cancelled(&sharing));
	atomic_store(&shared.cancel, 1);
	assert_true(hs_cancelled(&sharing));
	assert_false(hs_cancelled(&own));
	err = hs_check_cancel(&sharing);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	assert_string_equal(err->message, "interrupted");
}

static void progress_begins_counts_and_ends(void **state)
{
	struct hs_task t;

	(void)state;
	hs_task_init(&t, NULL, NULL);
	hs_progress(&t, "sweeping heap", "MiB", 80);
	hs_progress_add(&t, 3);
	hs_progress_add(&t, 4);
	assert_string_equal(t.shared->what, "sweeping heap");
	assert_string_equal(t.shared->unit, "MiB");
	assert_int_equal(t.shared->done, 7);
	assert_int_equal(t.shared->total, 80);
	assert_true(t.shared->started_ns != 0);
	hs_progress_end(&t);
	assert_true(t.shared->started_ns == 0);
}

static void progress_words_are_cut_to_their_room(void **state)
{
	struct hs_task t;
	char word[200];

	(void)state;
	memset(word, 'w', sizeof(word));
	word[199] = '\0';
	hs_task_init(&t, NULL, NULL);
	hs_progress(&t, word, word, 0);
	assert_int_equal(strlen(t.shared->what), 63);
	assert_int_equal(strlen(t.shared->unit), 15);
}

static void big_memory_is_zeroed_charged_and_given_back(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 4096, 262143, 262144,
					  10000000 };
	struct hs_budget b = { 0 };
	struct hs_task t;
	unsigned char *p;
	uint64_t i, k;

	(void)state;
	hs_task_init(&t, NULL, &b);
	for (i = 0; i < HS_ARRAY_SIZE(sizes); i++) {
		assert_null(hs_big_alloc(&t, sizes[i], (void **)&p));
		assert_int_equal(b.used, sizes[i]);
		for (k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, sizes[i]);
		hs_big_free(&b, p, sizes[i]);
		assert_int_equal(b.used, 0);
	}
	assert_int_equal(b.peak, 10000000);
	hs_big_free(&b, NULL, 100);
	assert_int_equal(b.used, 0);
}

/* Over every border: bytes stay, what is new is zero, the budget is told. */
static void memory_is_resized(void **state)
{
	static const uint64_t sizes[] = { 1, 100, 300000, 1000000, 300001,
					  5000000, 262144, 262143, 50, 400000 };
	struct hs_budget b = { .limit = 5000000 };
	HS_ERR_GUARD struct hs_err *err = NULL;
	uint64_t size = 0, least, i, k;
	struct hs_task t;
	uint8_t *p = NULL;

	(void)state;
	hs_task_init(&t, NULL, &b);
	for (i = 0; i < HS_ARRAY_SIZE(sizes); i++) {
		assert_null(hs_big_resize(&t, p, size, sizes[i], (void **)&p));
		least = size < sizes[i] ? size : sizes[i];
		for (k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], k < least ? (k & 0x7f) + 1 : 0);
		for (k = 0; k < sizes[i]; k++)
			p[k] = (uint8_t)(k & 0x7f) + 1;
		size = sizes[i];
		assert_int_equal(b.used, size);
	}
	err = hs_big_resize(&t, p, size, 5000001, (void **)&p);
	assert_int_equal(err->code, HS_ERR_NOMEM);
	assert_int_equal(p[size - 1], ((size - 1) & 0x7f) + 1);
	assert_int_equal(b.peak, 5000000);
	hs_big_free(&b, p, size);
	assert_int_equal(b.used, 0);
}

static void over_the_limit_is_refused_with_the_setting(void **state)
{
	HS_ERR_GUARD struct hs_err *err = NULL;
	struct hs_budget b = { .limit = 1 << 20 };
	struct hs_task t;
	void *p, *q = &t;

	(void)state;
	hs_task_init(&t, NULL, &b);
	assert_null(hs_big_alloc(&t, 512 << 10, &p));
	err = hs_big_alloc(&t, (512 << 10) + 1, &q);
	assert_int_equal(err->code, HS_ERR_NOMEM);
	assert_string_equal(err->message, "get 512 KiB of memory: "
					  "the limit is 1.0 MiB, "
					  "in use are 512 KiB");
	assert_string_equal(err->remedy, "set memory=2M");
	assert_ptr_equal(q, &t);
	assert_int_equal(b.used, 512 << 10);
	assert_null(hs_big_alloc(&t, 512 << 10, &q));
	hs_big_free(&b, p, 512 << 10);
	hs_big_free(&b, q, 512 << 10);
}

static void impossible_sizes_are_errors_not_wraps(void **state)
{
	struct hs_budget b = { 0 };
	struct hs_task t;
	struct hs_err *err;
	void *p, *q;

	(void)state;
	hs_task_init(&t, NULL, &b);
	assert_null(hs_big_alloc(&t, 1 << 20, &p));
	err = hs_big_alloc(&t, UINT64_MAX, &q);
	assert_true(hs_err_catch(&err, HS_ERR_NOMEM));
	err = hs_big_alloc(&t, UINT64_C(1) << 62, &q);
	assert_true(hs_err_catch(&err, HS_ERR_NOMEM));
	assert_int_equal(b.used, 1 << 20);
	hs_big_free(&b, p, 1 << 20);
}

static void without_a_budget_nothing_is_bounded(void **state)
{
	struct hs_task t;
	void *p;

	(void)state;
	hs_task_init(&t, NULL, NULL);
	assert_null(hs_big_alloc(&t, 1 << 20, &p));
	hs_big_free(NULL, p, 1 << 20);
}

/* Writes root/path, whose folders are made. */
static void put_file(const char *root, const char *path, const char *text)
{
	HS_FREE char *full = hs_xasprintf("%s/%s", root, path);
	char *slash = full + strlen(root);
	FILE *f;

	for (; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_root(void **state)
{
	*state = mkdtemp(hs_xstrdup("/tmp/heapsh-unit-XXXXXX"));
	return *state == NULL;
}

static int remove_root(void **state)
{
	HS_FREE char *root = *state;
	HS_FREE char *line = hs_xasprintf("rm -r '%s'", root);

	return system(line);
}

static void available_memory_is_unknown_without_proc(void **state)
{
	assert_true(hs_memory_available(*state) == UINT64_MAX);
}

static void available_memory_is_the_systems(void **state)
{
	put_file(*state, "proc/meminfo",
		 "MemTotal:  999 kB\nMemAvailable:     100 kB\n");
	assert_int_equal(hs_memory_available(*state), 100 * 1024);
}

static void a_group_above_us_limits_us_v2(void **state)
{
	put_file(*state, "proc/meminfo", "MemAvailable: 1000 kB\n");
	put_file(*state, "proc/self/cgroup", "0::/pod/app\n");
	put_file(*state, "sys/fs/cgroup/pod/memory.max", "5000\n");
	put_file(*state, "sys/fs/cgroup/pod/memory.current", "4000\n");
	put_file(*state, "sys/fs/cgroup/pod/memory.stat",
		 "anon 3500\ninactive_file 300\n");
	put_file(*state, "sys/fs/cgroup/pod/app/memory.max", "max\n");
	put_file(*state, "sys/fs/cgroup/pod/app/memory.current", "4000\n");
	assert_int_equal(hs_memory_available(*state), 1300);
}

static void our_own_group_limits_us_v1(void **state)
{
	put_file(*state, "proc/meminfo", "MemAvailable: 1000 kB\n");
	put_file(*state, "proc/self/cgroup",
		 "5:cpu,cpuacct:/x\n4:memory:/box\n0::/\n");
	put_file(*state, "sys/fs/cgroup/memory/memory.limit_in_bytes",
		 "9223372036854771712\n");
	put_file(*state, "sys/fs/cgroup/memory/memory.usage_in_bytes", "9\n");
	put_file(*state, "sys/fs/cgroup/memory/box/memory.limit_in_bytes",
		 "70000\n");
	put_file(*state, "sys/fs/cgroup/memory/box/memory.usage_in_bytes",
		 "70001\n");
	assert_int_equal(hs_memory_available(*state), 0);
	put_file(*state, "sys/fs/cgroup/memory/box/memory.usage_in_bytes",
		 "60000\n");
	assert_int_equal(hs_memory_available(*state), 10000);
}

static void nonsense_in_proc_is_no_limit(void **state)
{
	put_file(*state, "proc/meminfo", "MemAvailable:\nMem");
	put_file(*state, "proc/self/cgroup", "\n::\n4\n4:memory\n0::\n:::::");
	put_file(*state, "sys/fs/cgroup/memory.max", "");
	put_file(*state, "sys/fs/cgroup/memory.current", "x");
	assert_true(hs_memory_available(*state) == UINT64_MAX);
}

#define ON_DISK(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cancel_word_of_ours_or_of_shared_memory),
		cmocka_unit_test(progress_begins_counts_and_ends),
		cmocka_unit_test(progress_words_are_cut_to_their_room),
		cmocka_unit_test(big_memory_is_zeroed_charged_and_given_back),
		cmocka_unit_test(memory_is_resized),
		cmocka_unit_test(over_the_limit_is_refused_with_the_setting),
		cmocka_unit_test(impossible_sizes_are_errors_not_wraps),
		cmocka_unit_test(without_a_budget_nothing_is_bounded),
		ON_DISK(available_memory_is_unknown_without_proc),
		ON_DISK(available_memory_is_the_systems),
		ON_DISK(a_group_above_us_limits_us_v2),
		ON_DISK(our_own_group_limits_us_v1),
		ON_DISK(nonsense_in_proc_is_no_limit),
	};

	return UNIT_RUN(tests);
}
