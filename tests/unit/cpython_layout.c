// SPDX-License-Identifier: Apache-2.0
// Rows of the table of layouts against their digests.
#include "layout.h"

#include "unit.h"

#include <string.h>

/* A copy of a row whose every part may be written. */
struct copy {
	struct cpython_layout l;
	struct cpython_slot *slots;
	struct cpython_shape *shapes;
	struct cpython_root_slot *roots[3];
	int32_t n_slots;
};

static void *dup(const void *p, size_t n, size_t size)
{
	void *new = malloc(n * size + 1);

	assert_non_null(new);
	memcpy(new, p, n * size);
	return new;
}

static void copy_init(struct copy *c, const struct cpython_layout *l)
{
	*c = (struct copy){ .l = *l };
	for (int32_t i = 0; i < l->n_shapes; i++)
		if (l->shapes[i].first + l->shapes[i].n > c->n_slots)
			c->n_slots = l->shapes[i].first + l->shapes[i].n;
	c->l.slots = c->slots = dup(l->slots, (size_t)c->n_slots,
				    sizeof(*c->slots));
	c->l.shapes = c->shapes = dup(l->shapes, (size_t)l->n_shapes,
				      sizeof(*c->shapes));
	c->l.runtime_roots = c->roots[0] =
		dup(l->runtime_roots, (size_t)l->n_runtime_roots,
		    sizeof(*c->roots[0]));
	c->l.interp_roots = c->roots[1] =
		dup(l->interp_roots, (size_t)l->n_interp_roots,
		    sizeof(*c->roots[0]));
	c->l.thread_roots = c->roots[2] =
		dup(l->thread_roots, (size_t)l->n_thread_roots,
		    sizeof(*c->roots[0]));
}

static void copy_deinit(struct copy *c)
{
	free(c->slots);
	free(c->shapes);
	for (int i = 0; i < 3; i++)
		free(c->roots[i]);
}

/* Is one bit of a number noticed, and only while it is another? */
static void assert_noticed(const struct copy *c, void *number)
{
	uint64_t right = cpython_layout_digest(&c->l);

	*(uint8_t *)number ^= 8;
	assert_int_not_equal(cpython_layout_digest(&c->l), right);
	*(uint8_t *)number ^= 8;
	assert_int_equal(cpython_layout_digest(&c->l), right);
}

static void rows_are_as_they_were_written(void **state)
{
	int n = 0;

	(void)state;
	for (const struct cpython_known *k = cpython_known; k->layout; k++, n++)
		assert_null(cpython_layout_damaged(k->layout));
	assert_in_range(n, 6, 1000);
}

static void a_row_that_is_not_of_the_table_is_damaged(void **state)
{
	struct cpython_layout l = *cpython_known[0].layout;

	(void)state;
	assert_string_equal(cpython_layout_damaged(&l), "?");
}

static void a_changed_field_changes_the_digest(void **state)
{
	static const size_t fields[] = {
#define F(name, source) offsetof(struct cpython_layout, name),
#include "layout.def"
#undef F
	};

	(void)state;
	for (const struct cpython_known *k = cpython_known; k->layout; k++) {
		struct copy c;

		copy_init(&c, k->layout);
		assert_noticed(&c, &c.l.minor);
		for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			assert_noticed(&c, (char *)&c.l + fields[i]);
		copy_deinit(&c);
	}
}

static void a_changed_shape_changes_the_digest(void **state)
{
	struct copy c;

	(void)state;
	copy_init(&c, cpython_known[0].layout);
	for (int32_t i = 0; i < c.n_slots; i++) {
		assert_noticed(&c, &c.slots[i].offset);
		assert_noticed(&c, &c.slots[i].count);
	}
	for (int32_t i = 0; i < c.l.n_shapes; i++) {
		assert_noticed(&c, &c.shapes[i].size);
	}
	copy_deinit(&c);
}

static void a_changed_root_changes_the_digest(void **state)
{
	struct copy c;

	(void)state;
	copy_init(&c, cpython_known[0].layout);
	for (int32_t i = 0; i < c.l.n_interp_roots; i++) {
		assert_noticed(&c, &c.roots[1][i].offset);
		assert_noticed(&c, &c.roots[1][i].count);
		assert_noticed(&c, &c.roots[1][i].stride);
	}
	for (int32_t i = 0; i < c.l.n_thread_roots; i++)
		assert_noticed(&c, &c.roots[2][i].offset);
	copy_deinit(&c);
}

static void the_nearest_rows_of_a_minor_come_first(void **state)
{
	static const struct { int patch, rows[3], exact; } cases[] = {
		{ 0, { 0, 5, 18 }, 1 },	  { 2, { 0, 5, 18 }, 0 },
		{ 5, { 5, 0, 18 }, 1 },	  { 11, { 5, 18, 0 }, 0 },
		{ 12, { 18, 5, 0 }, 0 },  { 40, { 18, 5, 0 }, 0 },
	};
	int exact;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int k = 0; k < 3; k++) {
			const struct cpython_layout *l = cpython_layout_find(
				13, cases[i].patch, k, &exact);

			assert_non_null(l);
			assert_int_equal(l->patch, cases[i].rows[k]);
			assert_int_equal(exact, k == 0 && cases[i].exact);
		}
		assert_null(cpython_layout_find(13, cases[i].patch, 3,
						&exact));
	}
	// one row for two patches
	assert_int_equal(cpython_layout_find(11, 2, 0, &exact)->patch, 7);
	assert_int_equal(exact, 1);
	assert_null(cpython_layout_find(11, 2, 1, &exact));
	assert_null(cpython_layout_find(14, 0, 0, &exact));
}

static void a_structure_of_another_size_is_not_known(void **state)
{
	const struct cpython_layout *l = cpython_known[0].layout;
	const struct cpython_shape *s = &l->shapes[l->n_shapes / 2];

	(void)state;
	assert_ptr_equal(cpython_shape_find(l, s->type, s->size), s);
	assert_false(cpython_shape_differs(l, s->type, s->size));
	assert_null(cpython_shape_find(l, s->type, s->size + 8));
	assert_true(cpython_shape_differs(l, s->type, s->size + 8));
	assert_false(cpython_shape_differs(l, "no such type", s->size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_as_they_were_written),
		cmocka_unit_test(a_row_that_is_not_of_the_table_is_damaged),
		cmocka_unit_test(a_changed_field_changes_the_digest),
		cmocka_unit_test(a_changed_shape_changes_the_digest),
		cmocka_unit_test(a_changed_root_changes_the_digest),
		cmocka_unit_test(the_nearest_rows_of_a_minor_come_first),
		cmocka_unit_test(a_structure_of_another_size_is_not_known),
	};

	return UNIT_RUN(tests);
}
