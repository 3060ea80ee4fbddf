// SPDX-License-Identifier: Apache-2.0
// Partitions and summaries against sums over plain arrays.
#include "analysis.h"

#include "toyworld.h"
#include "unit.h"

struct heap {
	struct world *w;
	struct hs_budget budget;
	struct hs_task task;
	struct gr_graph *g;
};

static struct heap *begin(uint64_t seed, uint32_t n)
{
	struct heap *h = hs_xalloc(sizeof(*h));

	h->w = world_create(seed, n);
	hs_task_init(&h->task, NULL, &h->budget);
	assert_null(gr_build(toy_model(h->w->toy), &h->task, 2, &h->g));
	return h;
}

static void end(struct heap *h)
{
	gr_destroy(h->g);
	assert_int_equal(atomic_load(&h->budget.used), 0);
	world_destroy(h->w);
	free(h);
}

static bool is_even(void *arg, uint32_t id)
{
	(void)arg;
	return id % 2 == 0;
}

/* All nodes, or every second. */
static struct gr_set *make_set(struct heap *h, bool all)
{
	struct gr_set *s, *half;

	assert_null(gr_set_all(h->g, &s));
	if (all)
		return s;
	assert_null(gr_set_filter(s, &h->task, is_even, NULL, &half));
	gr_set_unref(s);
	return half;
}

static uint64_t key_of(const struct heap *h, const struct world_object *o,
		       enum an_relation by)
{
	uint32_t owner = o->owner == UINT32_MAX ? UINT32_MAX :
						  h->w->v[o->owner].o.type;

	switch (by) {
	case AN_BY_CLODO:
		return (uint64_t)o->o.type << 32 | owner;
	case AN_BY_TYPE:
		return (uint64_t)o->o.type << 32 | UINT32_MAX;
	case AN_BY_SIZE:
		return (uint64_t)o->o.flat << o->o.shift;
	case AN_BY_ID:
		return gr_id(h->g, o->o.addr);
	case AN_BY_DICTOF:
		return o->o.type == WORLD_TABLE ?
			       (uint64_t)o->o.type << 32 | owner :
			       UINT32_MAX - 1;
	case AN_BY_UNITY:
	case AN_BY_MODULE:
	case AN_BY_RCS:
	case AN_BY_RCS_TYPE:
	case AN_BY_VIA:
	case AN_BY_PROD:
	case AN_N_RELATIONS:
	case AN_BY_PRODUCT:
	default:
		return 0;
	}
}

/* Does the row hold what the objects with its key sum up to? */
static void check_row(const struct heap *h, const struct gr_set *s,
		      enum an_relation by, struct an_row row)
{
	uint64_t count = 0, flat = 0, held = 0;
	uint32_t i;

	for (i = 0; i < h->w->n; i++) {
		const struct world_object *o = &h->w->v[i];

		if (!o->expected || key_of(h, o, by) != row.key ||
		    !gr_set_has(s, gr_id(h->g, o->o.addr)))
			continue;
		count++;
		flat += (uint64_t)o->o.flat << o->o.shift;
		held += (uint64_t)o->o.held << o->o.shift;
	}
	assert_int_equal(row.count, count);
	assert_int_equal(row.flat, flat);
	assert_int_equal(row.held, held);
}

static void check_order(const struct an_partition *p)
{
	size_t i;

	for (i = 1; i < p->n_rows; i++) {
		struct an_row a = an_row_at(p, i - 1), b = an_row_at(p, i);

		assert_true(a.flat > b.flat ||
			    (a.flat == b.flat && a.count >= b.count));
		if (p->by == AN_BY_ID && a.flat == b.flat)
			assert_true(a.key < b.key);
		assert_true(a.key != b.key);
	}
}

static void check_totals(const struct an_partition *p)
{
	uint64_t count = 0, flat = 0, held = 0;
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		struct an_row r = an_row_at(p, i);

		assert_int_equal(an_rows_flat(p, i), flat);
		count += r.count;
		flat += r.flat;
		held += r.held;
	}
	assert_int_equal(an_rows_flat(p, i), flat);
	assert_int_equal(count, p->count);
	assert_int_equal(count, gr_set_count(p->set));
	assert_int_equal(flat, p->flat);
	assert_int_equal(held, p->held);
}

static void check_rows_sets(struct heap *h, const struct an_partition *p)
{
	struct gr_set *s, *rest, *both;
	size_t i;

	for (i = 0; i < p->n_rows; i += p->n_rows / 7 + 1) {
		assert_null(an_rows_set(p, i, i + 1, &h->task, &s));
		assert_int_equal(gr_set_count(s), an_row_at(p, i).count);
		assert_int_equal(gr_set_flat(s), an_row_at(p, i).flat);
		assert_true(gr_set_subset(s, p->set));
		gr_set_unref(s);
		assert_null(an_rows_set(p, 0, i, &h->task, &s));
		assert_null(an_rows_set(p, i, p->n_rows + 9, &h->task, &rest));
		assert_null(gr_set_op(GR_XOR, s, rest, &both));
		assert_true(gr_set_equal(both, p->set));
		gr_set_unref(both);
		gr_set_unref(rest);
		gr_set_unref(s);
	}
	assert_null(an_rows_set(p, 5, 3, &h->task, &s));
	assert_int_equal(gr_set_count(s), 0);
	gr_set_unref(s);
}

static void check_partition(struct heap *h, bool all, enum an_relation by)
{
	struct gr_set *s = make_set(h, all);
	struct an_partition *p;
	size_t i, step;

	assert_null(an_partition(s, by, &h->task, &p));
	gr_set_unref(s);
	assert_int_equal(p->by, by);
	check_order(p);
	check_totals(p);
	check_rows_sets(h, p);
	step = p->n_rows / 50 + 1;
	for (i = 0; i < p->n_rows; i += step)
		check_row(h, p->set, by, an_row_at(p, i));
	an_partition_destroy(p);
}

static void rows_sum_up_by_every_relation(void **state)
{
	struct heap *h = begin(51, 1000);
	int by;

	(void)state;
	for (by = 0; by < AN_BY_MODULE; by++) {
		check_partition(h, true, by);
		check_partition(h, false, by);
	}
	end(h);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "plain, table of plain": kinds of the referrers, from the rows. */
static char *referrers_of(const struct heap *h, uint32_t id)
{
	char *names[64], *text = hs_xstrdup(""), *longer;
	const uint32_t *in;
	size_t n = gr_in(h->g, id, &in), i, m = 0;

	for (i = 0; i < n && m < HS_ARRAY_SIZE(names); i++)
		names[m++] = md_kind_name(toy_model(h->w->toy),
					  gr_type(h->g, in[i]),
					  gr_owner_type(h->g, in[i]));
	qsort(names, m, sizeof(*names), by_text);
	for (i = 0; i < m; i++) {
		if (i && !strcmp(names[i], names[i - 1]))
			continue;
		longer = hs_xasprintf("%s%s%s", text, *text ? ", " : "",
				      names[i]);
		free(text);
		text = longer;
	}
	for (i = 0; i < m; i++)
		free(names[i]);
	if (*text)
		return text;
	free(text);
	return hs_xstrdup("<Nothing>");
}

static void a_row_by_referrers_is_all_that_have_these(void **state)
{
	struct heap *h = begin(56, 600);
	struct gr_set *all = make_set(h, true), *s;
	struct an_partition *p;
	uint32_t id, n = 0;
	size_t i, k;

	(void)state;
	assert_null(an_partition(all, AN_BY_RCS, &h->task, &p));
	check_order(p);
	check_totals(p);
	check_rows_sets(h, p);
	assert_true(p->n_rows > 5);
	for (i = 0; i < p->n_rows; i++) {
		HS_FREE char *words = an_row_words(p, i);

		for (k = 0; k < i; k++) {
			HS_FREE char *other = an_row_words(p, k);

			assert_string_not_equal(words, other);
		}
		assert_null(an_rows_set(p, i, i + 1, &h->task, &s));
		for (id = 0; gr_set_next(s, &id); id++, n++) {
			HS_FREE char *want = referrers_of(h, id);

			assert_string_equal(words, want);
		}
		gr_set_unref(s);
	}
	assert_int_equal(n, gr_n(h->g));
	an_partition_destroy(p);
	gr_set_unref(all);
	end(h);
}

static void a_product_tells_apart_what_either_does(void **state)
{
	struct heap *h = begin(57, 600);
	struct gr_set *half = make_set(h, false), *s;
	enum an_relation by, back[AN_MAX_FACTORS];
	struct an_partition *p;
	uint32_t id, first;
	size_t i;

	(void)state;
	assert_null(an_by_named("Type & Rcs&size", &by));
	assert_int_equal(an_by_factors(by, back), 3);
	assert_int_equal(back[0], AN_BY_TYPE);
	assert_int_equal(back[1], AN_BY_RCS);
	assert_int_equal(back[2], AN_BY_SIZE);
	assert_null(an_partition(half, by, &h->task, &p));
	check_order(p);
	check_totals(p);
	check_rows_sets(h, p);
	for (i = 0; i < p->n_rows; i++) {
		HS_FREE char *words = an_row_words(p, i);

		assert_null(an_rows_set(p, i, i + 1, &h->task, &s));
		first = 0;
		assert_true(gr_set_next(s, &first));
		for (id = 0; gr_set_next(s, &id); id++) {
			HS_FREE char *of = referrers_of(h, id);
			HS_FREE char *want = hs_xasprintf(
				"%s & {%s} & %llu",
				md_type(toy_model(h->w->toy),
					gr_type(h->g, id))->name, of,
				(unsigned long long)gr_flat(h->g, id));

			assert_string_equal(words, want);
		}
		gr_set_unref(s);
	}
	an_partition_destroy(p);
	gr_set_unref(half);
	end(h);
}

static void relations_are_named_as_heapys(void **state)
{
	static const char *const words[][3] = {
		{ "Clodo", "clodo", "Kind (class / dict of class)" },
		{ "SIZE", "size", "Individual Size" },
		{ "", "unity", "<unclassified>" },
		{ "class", "type", "Type" },
		{ "Clodo&Rcs", "clodo&rcs",
		  "Kind (class / dict of class) & {Referrers by Kind "
		  "(class / dict of class)}" },
	};
	enum an_relation by;
	struct hs_err *err;
	size_t i;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(words); i++) {
		HS_FREE char *name = NULL, *header = NULL;

		assert_null(an_by_named(words[i][0], &by));
		name = an_relation_name(by);
		header = an_relation_header(by);
		assert_string_equal(name, words[i][1]);
		assert_string_equal(header, words[i][2]);
	}
	err = an_by_named("Type&Sise", &by);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "no relation 'Sise'"));
	assert_string_equal(err->remedy, "by('Size')");
	hs_err_free(err);
	err = an_by_named("Type&&Size", &by);
	assert_non_null(err);
	hs_err_free(err);
	err = an_by_named("Type&Type&Type&Type&Type&Type&Type", &by);
	assert_non_null(err);
	hs_err_free(err);
}

static void an_empty_set_has_no_rows(void **state)
{
	struct heap *h = begin(52, 100);
	struct an_partition *p;
	struct gr_set *s;
	int by;

	(void)state;
	for (by = 0; by < AN_BY_PROD; by++) {
		assert_null(gr_set_of(h->g, NULL, 0, &s));
		assert_null(an_partition(s, by, &h->task, &p));
		assert_int_equal(p->n_rows, 0);
		an_partition_destroy(p);
		gr_set_unref(s);
	}
	end(h);
}

static void find_name(const struct an_partition *p, const char *want)
{
	size_t i;

	for (i = 0; i < p->n_rows; i++) {
		HS_FREE char *name = an_row_name(p, i);

		if (!strcmp(name, want))
			return;
	}
	fail_msg("no row is named %s", want);
}

static void rows_are_named_as_heapy_names_them(void **state)
{
	struct heap *h = begin(53, 1000);
	struct an_partition *p;
	struct gr_set *s;
	char *name;

	(void)state;
	assert_null(gr_set_all(h->g, &s));
	assert_null(an_partition(s, AN_BY_CLODO, &h->task, &p));
	find_name(p, "plain");
	find_name(p, "table of plain");
	find_name(p, "table (no owner)");
	an_partition_destroy(p);
	assert_null(an_partition(s, AN_BY_TYPE, &h->task, &p));
	find_name(p, "table");
	an_partition_destroy(p);
	assert_null(an_partition(s, AN_BY_SIZE, &h->task, &p));
	find_name(p, "       17");
	an_partition_destroy(p);
	assert_null(an_partition(s, AN_BY_UNITY, &h->task, &p));
	name = an_row_name(p, 0);
	assert_string_equal(name, "<Anything>");
	free(name);
	an_partition_destroy(p);
	gr_set_unref(s);
	end(h);
}

static void a_type_as_a_set(void **state)
{
	struct heap *h = begin(54, 1000);
	struct gr_set *all = make_set(h, true), *s;
	uint32_t i, n = 0;

	(void)state;
	assert_null(an_of_type(all, WORLD_CODE, &h->task, &s));
	for (i = 0; i < h->w->n; i++)
		n += h->w->v[i].expected && h->w->v[i].o.type == WORLD_CODE;
	assert_int_equal(gr_set_count(s), n);
	gr_set_unref(s);
	assert_null(an_of_type(all, 4000, &h->task, &s));
	assert_int_equal(gr_set_count(s), 0);
	gr_set_unref(s);
	gr_set_unref(all);
	end(h);
}

static const struct an_summary_row *row_of(const struct an_summary *s,
					   const char *type)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->rows[i].type, type))
			return &s->rows[i];
	return NULL;
}

static void check_summary(const struct heap *h, const struct gr_set *set,
			  const struct an_summary *s)
{
	static const char *const names[WORLD_N_TYPES] = {
		"plain", "leaf", "function", "class", "table", "late"
	};
	const struct an_summary_row *row;
	int64_t count, size;
	uint32_t i, t;

	for (t = 0; t < WORLD_N_TYPES; t++) {
		for (count = size = i = 0; i < h->w->n; i++) {
			const struct world_object *o = &h->w->v[i];

			if (!o->expected || o->o.type != t ||
			    !gr_set_has(set, gr_id(h->g, o->o.addr)))
				continue;
			count++;
			size += (int64_t)o->o.flat << o->o.shift;
		}
		row = row_of(s, names[t]);
		assert_int_equal(row ? row->count : 0, count);
		assert_int_equal(row ? row->size : 0, size);
	}
}

static void a_summary_outlives_its_graph(void **state)
{
	struct heap *h = begin(55, 500);
	struct gr_set *all = make_set(h, true), *half = make_set(h, false);
	struct an_summary *a, *b, *diff, *none;
	size_t i;

	(void)state;
	assert_null(an_summary(all, &h->task, &a));
	assert_null(an_summary(half, &h->task, &b));
	check_summary(h, all, a);
	check_summary(h, half, b);
	gr_set_unref(all);
	gr_set_unref(half);
	end(h);
	for (i = 1; i < a->n; i++)
		assert_true(a->rows[i - 1].size >= a->rows[i].size);
	diff = an_summary_diff(b, a);
	for (i = 0; i < diff->n; i++) {
		const struct an_summary_row *x = row_of(a, diff->rows[i].type);
		const struct an_summary_row *y = row_of(b, diff->rows[i].type);

		assert_int_equal(diff->rows[i].count,
				 x->count - (y ? y->count : 0));
		assert_int_equal(diff->rows[i].size,
				 x->size - (y ? y->size : 0));
	}
	none = an_summary_diff(a, a);
	assert_int_equal(none->n, 0);
	an_summary_destroy(none);
	an_summary_destroy(diff);
	diff = an_summary_diff(a, b);
	assert_true(diff->n && diff->rows[0].count < 0);
	an_summary_destroy(diff);
	an_summary_destroy(a);
	an_summary_destroy(b);
}

static void types_of_one_name_are_one_row_of_a_summary(void **state)
{
	struct toy_object o = { .addr = 0x40000000, .flat = 10 };
	struct toy *toy = toy_create();
	struct an_partition *p;
	struct an_summary *s;
	struct hs_task task;
	struct gr_graph *g;
	struct gr_set *all;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, 0x40000000, 1 << 20, true);
	toy_type(toy, "Account", 0, 0, false);
	toy_type(toy, "Account", 0, 0, false);
	toy_put(toy, &o);
	o.addr += 32;
	o.type = 1;
	o.flat = 7;
	toy_put(toy, &o);
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_null(gr_set_all(g, &all));
	assert_null(an_summary(all, &task, &s));
	assert_int_equal(s->n, 1);
	assert_int_equal(s->rows[0].count, 2);
	assert_int_equal(s->rows[0].size, 17);
	// As kinds they are two: Heapy tells classes apart, not names.
	assert_null(an_partition(all, AN_BY_TYPE, &task, &p));
	assert_int_equal(p->n_rows, 2);
	an_partition_destroy(p);
	an_summary_destroy(s);
	gr_set_unref(all);
	gr_destroy(g);
	toy_destroy(toy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_sum_up_by_every_relation),
		cmocka_unit_test(a_row_by_referrers_is_all_that_have_these),
		cmocka_unit_test(a_product_tells_apart_what_either_does),
		cmocka_unit_test(relations_are_named_as_heapys),
		cmocka_unit_test(an_empty_set_has_no_rows),
		cmocka_unit_test(rows_are_named_as_heapy_names_them),
		cmocka_unit_test(a_type_as_a_set),
		cmocka_unit_test(a_summary_outlives_its_graph),
		cmocka_unit_test(types_of_one_name_are_one_row_of_a_summary),
	};

	return UNIT_RUN(tests);
}
