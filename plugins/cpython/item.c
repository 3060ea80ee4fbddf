/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <math.h>
#include <string.h>

#include "layout.h"
#include "plain.h"
#include "walk.h"

/* Depth of a typed tuple in a tuple in …; deeper ones equal nothing. */
enum { MAX_DEPTH = 16 };

/* The int or bool that was typed against the double of an object, exactly. */
static bool int_is_double(int64_t i, double d)
{
	return d >= -0x1p63 && d < 0x1p63 && trunc(d) == d && (int64_t)d == i;
}

static bool int_equal(const struct cpython_mem *m, uint64_t obj, int64_t i)
{
	int64_t v;
	double d;

	if (cpython_flags_of(m, obj) & CPYTHON_TP_LONG)
		return cpython_int_value(m, obj, &v) && v == i;
	return cpython_form_of(m, obj) == CPYTHON_FORM_FLOAT &&
	       cpython_float_value(m, obj, &d) && int_is_double(i, d);
}

static bool float_equal(const struct cpython_mem *m, uint64_t obj, double f)
{
	int64_t v;
	double d;

	if (cpython_flags_of(m, obj) & CPYTHON_TP_LONG) {
		if (cpython_int_value(m, obj, &v))
			return int_is_double(v, f);
		return cpython_float_value(m, obj, &d) && d == f;
	}
	return cpython_form_of(m, obj) == CPYTHON_FORM_FLOAT &&
	       cpython_float_value(m, obj, &d) && d == f;
}

static bool bytes_equal(const struct cpython_mem *m, uint64_t obj,
			struct heapsh_text text)
{
	uint64_t data, n;

	if (!(cpython_flags_of(m, obj) & CPYTHON_TP_BYTES) ||
	    !cpython_bytes_open(m, obj, CPYTHON_FORM_BYTES, &data, &n) ||
	    n != text.n)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (cpython_u8(m, data + i, 0, -1) != (uint8_t)text.s[i])
			return false;
	return true;
}

static bool equal(const struct cpython_mem *m, uint64_t obj,
		  const struct heapsh_key *key, int depth);

/* Goes as deep as what was typed, not as what is in the process. */
static bool tuple_equal(const struct cpython_mem *m, uint64_t obj,
			const struct heapsh_key *key, int depth)
{
	struct cpython_seq it;
	uint64_t item;

	if (depth >= MAX_DEPTH ||
	    !(cpython_flags_of(m, obj) & CPYTHON_TP_TUPLE) ||
	    !cpython_seq_open(m, obj, CPYTHON_FORM_TUPLE, &it) ||
	    it.length != (int64_t)key->n_items)
		return false;
	for (uint32_t i = 0; i < key->n_items; i++)
		if (!cpython_seq_next(m, &it, &item) ||
		    !equal(m, item, &key->items[i], depth + 1))
			return false;
	return true;
}

static bool equal(const struct cpython_mem *m, uint64_t obj,
		  const struct heapsh_key *key, int depth)
{
	switch ((enum heapsh_key_kind)key->kind) {
	case HEAPSH_KEY_INT:
	case HEAPSH_KEY_BOOL:
		return int_equal(m, obj, key->i);
	case HEAPSH_KEY_FLOAT:
		return float_equal(m, obj, key->f);
	case HEAPSH_KEY_STR:
		return cpython_str_equal(m, obj, key->text.s, key->text.n);
	case HEAPSH_KEY_BYTES:
		return bytes_equal(m, obj, key->text);
	case HEAPSH_KEY_NONE:
		return cpython_form_of(m, obj) == CPYTHON_FORM_NONE;
	case HEAPSH_KEY_TUPLE:
		return tuple_equal(m, obj, key, depth);
	case HEAPSH_KEY_OBJECT:
		return obj == (uint64_t)key->i;
	default:
		return false;
	}
}

static uint64_t dict_item(const struct cpython_mem *m, uint64_t dict,
			  const struct heapsh_key *key)
{
	struct cpython_dict_iter it;
	uint64_t k, value;

	if (!(cpython_flags_of(m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(m, dict, &it))
		return 0;
	if (it.only_str && key->kind != HEAPSH_KEY_STR &&
	    key->kind != HEAPSH_KEY_OBJECT)
		return 0;
	while (cpython_dict_next(m, &it, &k, &value))
		if (equal(m, k, key, 0))
			return value;
	return 0;
}

static uint64_t seq_item(const struct cpython_mem *m, uint64_t obj,
			 enum cpython_form form, int64_t i)
{
	struct cpython_seq it;

	if (!cpython_seq_open(m, obj, form, &it))
		return 0;
	return cpython_seq_at(m, &it, i < 0 ? i + it.length : i);
}

uint64_t cpython_item(const struct cpython_mem *m, uint64_t obj,
		      const struct heapsh_key *key)
{
	enum cpython_form form = cpython_form_of(m, obj);

	switch (form) {
	case CPYTHON_FORM_LIST:
	case CPYTHON_FORM_TUPLE:
	case CPYTHON_FORM_DEQUE:
		if (key->kind != HEAPSH_KEY_INT && key->kind != HEAPSH_KEY_BOOL)
			return 0;
		return seq_item(m, obj, form, key->i);
	case CPYTHON_FORM_DICT:
	case CPYTHON_FORM_DEFAULTDICT:
	case CPYTHON_FORM_ORDEREDDICT:
		return dict_item(m, obj, key);
	case CPYTHON_FORM_MAPPINGPROXY:
		return dict_item(m, cpython_field(m, obj,
						  m->lay->proxy_mapping), key);
	default:
		return 0;
	}
}

/* Objects/rangeobject.c, compute_range_length(); not 0 for step */
static uint64_t range_length(int64_t start, int64_t stop, int64_t step)
{
	uint64_t span = step > 0 ? (uint64_t)stop - (uint64_t)start
				 : (uint64_t)start - (uint64_t)stop;
	uint64_t by = step > 0 ? (uint64_t)step : -(uint64_t)step;

	if (step > 0 ? start >= stop : start <= stop)
		return 0;
	return (span - 1) / by + 1;
}

bool cpython_item_number(const struct cpython_mem *m, uint64_t obj,
			 const struct heapsh_key *key, int64_t *ret)
{
	const struct cpython_layout *l = m->lay;
	int64_t start, stop, step;
	uint64_t n, i = (uint64_t)key->i;

	if ((key->kind != HEAPSH_KEY_INT && key->kind != HEAPSH_KEY_BOOL) ||
	    cpython_form_of(m, obj) != CPYTHON_FORM_RANGE ||
	    !cpython_int_value(m, cpython_field(m, obj, l->range_start),
			       &start) ||
	    !cpython_int_value(m, cpython_field(m, obj, l->range_stop),
			       &stop) ||
	    !cpython_int_value(m, cpython_field(m, obj, l->range_step),
			       &step) ||
	    step == 0)
		return false;
	n = range_length(start, stop, step);
	if (key->i < 0)
		i = -i <= n ? n + i : n;
	if (i >= n)
		return false;
	// between start and stop, so that it is exact modulo 2^64
	*ret = (int64_t)((uint64_t)start + i * (uint64_t)step);
	return true;
}
