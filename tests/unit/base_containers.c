// SPDX-License-Identifier: Apache-2.0
#include "arena.h"
#include "bits.h"
#include "map.h"
#include "vec.h"

#include "unit.h"

/* A sequence that is the same in every run (Knuth's MMIX constants). */
static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return *seed >> 32;
}

static void vector_keeps_order_while_it_grows(void **state)
{
	HS_VEC(uint32_t) v = { 0 };
	uint32_t i;

	(void)state;
	for (i = 0; i < 10000; i++)
		hs_vec_push(&v, i);
	assert_int_equal(v.n, 10000);
	for (i = 0; i < 10000; i++)
		assert_int_equal(v.v[i], i);
	hs_vec_deinit(&v);
	assert_null(v.v);
	assert_int_equal(v.cap, 0);
}

static void reserve_makes_room_at_once(void **state)
{
	HS_VEC(char) v = { 0 };
	char *was;

	(void)state;
	hs_vec_reserve(&v, 1000);
	assert_true(v.cap >= 1000);
	was = v.v;
	while (v.n < 1000)
		hs_vec_push(&v, 'x');
	assert_ptr_equal(v.v, was);
	hs_vec_deinit(&v);
}

static void map_has_any_key(void **state)
{
	static const uint64_t keys[] = { 0, 1, UINT64_MAX, 0x7f0000000010 };
	struct hs_map m = { 0 };
	size_t i;

	(void)state;
	assert_null(hs_map_get(&m, 0));
	for (i = 0; i < HS_ARRAY_SIZE(keys); i++) {
		assert_null(hs_map_get(&m, keys[i]));
		assert_true(hs_map_put(&m, keys[i], i));
	}
	assert_false(hs_map_put(&m, UINT64_MAX, 42));
	assert_int_equal(m.n, HS_ARRAY_SIZE(keys));
	assert_int_equal(*hs_map_get(&m, UINT64_MAX), 42);
	assert_int_equal(*hs_map_get(&m, 0), 0);
	hs_map_deinit(&m);
}

static void map_of_many_addresses_forgets_none(void **state)
{
	enum { N = 100000 };
	struct hs_map m = { 0 };
	uint64_t key, val, n = 0;
	size_t i;

	(void)state;
	for (i = 0; i < N; i++)
		assert_true(hs_map_put(&m, 0x7f0000000000 + i * 16, i));
	for (i = 0; i < N; i++)
		assert_int_equal(*hs_map_get(&m, 0x7f0000000000 + i * 16), i);
	assert_null(hs_map_get(&m, 0x7f0000000008));
	for (i = 0; hs_map_next(&m, &i, &key, &val); n++)
		assert_int_equal(key, 0x7f0000000000 + val * 16);
	assert_int_equal(n, N);
	hs_map_deinit(&m);
}

static void string_map_copies_its_keys(void **state)
{
	struct hs_strmap m = { 0 };
	char key[16];
	uint64_t i;

	(void)state;
	assert_null(hs_strmap_get(&m, ""));
	for (i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "k%d", (int)i);
		assert_true(hs_strmap_put(&m, key, i));
	}
	assert_true(hs_strmap_put(&m, "", 7));
	assert_false(hs_strmap_put(&m, "k4999", 8));
	assert_int_equal(m.n, 5001);
	assert_int_equal(*hs_strmap_get(&m, "k17"), 17);
	assert_int_equal(*hs_strmap_get(&m, "k4999"), 8);
	assert_int_equal(*hs_strmap_get(&m, ""), 7);
	assert_null(hs_strmap_get(&m, "k5000"));
	hs_strmap_deinit(&m);
}

static void bits_agree_with_an_array_of_bytes(void **state)
{
	enum { N = 1000 };
	uint64_t w[16] = { 0 }, seed = 1, i, at;
	uint8_t slow[N] = { 0 };
	int k;

	(void)state;
	assert_int_equal(hs_bits_words(N), 16);
	for (k = 0; k < 300; k++) {
		at = next_random(&seed) % N;
		assert_int_equal(hs_bit_test_set(w, at), slow[at]);
		slow[at] = 1;
		at = next_random(&seed) % N;
		hs_bit_clear(w, at);
		slow[at] = 0;
	}
	for (i = 0, at = 0; i < N; i++) {
		assert_int_equal(hs_bit(w, i), slow[i]);
		at += slow[i];
	}
	assert_int_equal(hs_bits_count(w, N), at);
	for (i = 0; i < N; i++) {
		for (at = i; at < N && !slow[at];)
			at++;
		assert_int_equal(hs_bits_next(w, N, i), at);
	}
}

static void next_bit_ends_at_n(void **state)
{
	uint64_t w[2] = { 0 };

	(void)state;
	assert_int_equal(hs_bits_words(0), 0);
	assert_int_equal(hs_bits_next(NULL, 0, 0), 0);
	assert_int_equal(hs_bits_next(w, 128, 0), 128);
	assert_int_equal(hs_bits_next(w, 100, 100), 100);
	assert_int_equal(hs_bits_next(w, 100, UINT64_MAX), 100);
	hs_bit_set(w, 127);
	assert_int_equal(hs_bits_next(w, 128, 64), 127);
	assert_int_equal(hs_bits_next(w, 128, 127), 127);
}

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
	struct hs_arena a = { 0 };
	unsigned char *p[500];
	uint64_t seed = 7;
	size_t size[500], i, k;

	(void)state;
	for (i = 0; i < 500; i++) {
		size[i] = next_random(&seed) % (i % 50 ? 300 : 100000);
		p[i] = hs_arena_alloc(&a, size[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (k = 0; k < size[i]; k++)
			assert_int_equal(p[i][k], 0);
		if (size[i])
			memset(p[i], (int)(i % 251) + 1, size[i]);
	}
	for (i = 0; i < 500; i++) {
		for (k = 0; k < size[i]; k++)
			assert_int_equal(p[i][k], i % 251 + 1);
	}
	hs_arena_deinit(&a);
	assert_int_equal(a.used, 0);
}

static void arena_copies_stop_at_n_or_nul(void **state)
{
	struct hs_arena a = { 0 };

	(void)state;
	assert_string_equal(hs_arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(hs_arena_strndup(&a, "ab", 10), "ab");
	assert_string_equal(hs_arena_strndup(&a, "", 0), "");
	hs_arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_keeps_order_while_it_grows),
		cmocka_unit_test(reserve_makes_room_at_once),
		cmocka_unit_test(map_has_any_key),
		cmocka_unit_test(map_of_many_addresses_forgets_none),
		cmocka_unit_test(string_map_copies_its_keys),
		cmocka_unit_test(bits_agree_with_an_array_of_bytes),
		cmocka_unit_test(next_bit_ends_at_n),
		cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(arena_copies_stop_at_n_or_nul),
	};

	return UNIT_RUN(tests);
}
