/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"

enum {
	/* PyLong_SHIFT of all builds for 64-bit machines, longintrepr.h */
	DIGIT_BITS = 30,
	/*
	 * Digits of an int that is written in decimal: about 4300 decimal
	 * ones, where Python itself stops (sys.int_info, from 3.11).
	 */
	MAX_DIGITS = 476,
};

/* Sign and digits of an int object. */
struct number {
	bool negative;
	int64_t n;		/* digits, of DIGIT_BITS bits */
	uint64_t digits;	/* address of the lowest */
};

/*
 * Before 3.12 the sign is that of ob_size; from then lv_tag holds the sign in
 * its two lowest bits (0 +, 1 zero, 2 -) and the number of digits from bit 3
 * (Include/cpython/longintrepr.h, _PyLongValue).
 */
static bool number_open(const struct cpython_mem *m, uint64_t obj,
			struct number *ret)
{
	int64_t size = cpython_i64(m, obj, m->lay->ob_size, INT64_MIN);
	uint64_t tag;

	if (m->lay->long_tag >= 0) {
		tag = cpython_field(m, obj, m->lay->long_tag);
		ret->negative = (tag & 3) == 2;
		ret->n = (tag & 3) == 1 ? 0 : (int64_t)(tag >> 3);
	} else {
		if (size == INT64_MIN)
			return false;
		ret->negative = size < 0;
		ret->n = llabs(size);
	}
	ret->digits = obj + (unsigned)m->lay->long_digits;
	return !(ret->n >> 40) && cpython_type_of(m, obj) != 0;
}

static uint32_t digit(const struct cpython_mem *m, const struct number *x,
		      int64_t i)
{
	return (uint32_t)cpython_i32(m, x->digits + (uint64_t)i * 4, 0, 0) &
	       ((1u << DIGIT_BITS) - 1);
}

bool cpython_int_value(const struct cpython_mem *m, uint64_t obj,
		       int64_t *ret)
{
	unsigned __int128 v = 0;
	struct number x;

	if (!number_open(m, obj, &x) || x.n > 3)
		return false;
	for (int64_t i = x.n - 1; i >= 0; i--)
		v = v << DIGIT_BITS | digit(m, &x, i);
	if (v > (unsigned __int128)INT64_MAX + x.negative)
		return false;
	*ret = (int64_t)(x.negative ? -(uint64_t)v : (uint64_t)v);
	return true;
}

bool cpython_float_value(const struct cpython_mem *m, uint64_t obj,
			 double *ret)
{
	struct number x;
	double v = 0;

	if (!(cpython_flags_of(m, obj) & CPYTHON_TP_LONG))
		return cpython_copy(m, obj + (unsigned)m->lay->float_value,
				    ret, sizeof(*ret));
	if (!number_open(m, obj, &x) || x.n > 40)
		return false;
	for (int64_t i = x.n - 1; i >= 0; i--) {
		double low = digit(m, &x, i), high = ldexp(v, DIGIT_BITS);

		v = high + low;
		if (v - high != low)
			return false;
	}
	*ret = x.negative ? -v : v;
	return true;
}

/* In decimal, without a NUL; how many. */
static int put_digits(uint64_t v, char *digits)
{
	char text[24];
	int n = sizeof(text);

	do
		text[--n] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	memcpy(digits, text + n, sizeof(text) - (size_t)n);
	return (int)sizeof(text) - n;
}

/* Divide a number of n digits by 10^9 in place; the rest. */
static uint32_t divide(uint32_t *digits, int64_t n)
{
	uint64_t rest = 0;

	for (int64_t i = n - 1; i >= 0; i--) {
		rest = rest << DIGIT_BITS | digits[i];
		digits[i] = (uint32_t)(rest / 1000000000);
		rest %= 1000000000;
	}
	return (uint32_t)rest;
}

static void put_decimal(const struct cpython_mem *m, struct cpython_out *o,
			const struct number *x)
{
	uint32_t digits[MAX_DIGITS], parts[MAX_DIGITS + 2];
	char text[24];
	int64_t n = x->n;
	int n_parts = 0;

	for (int64_t i = 0; i < n; i++)
		digits[i] = digit(m, x, i);
	do {
		parts[n_parts++] = divide(digits, n);
		while (n > 0 && digits[n - 1] == 0)
			n--;
	} while (n > 0 && n_parts < MAX_DIGITS + 2);
	if (x->negative)
		cpython_puts(o, "-");
	cpython_put(o, text, (uint64_t)put_digits(parts[n_parts - 1], text));
	for (int i = n_parts - 2; i >= 0; i--)
		cpython_putf(o, "%09u", (unsigned)parts[i]);
}

bool cpython_repr_int(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj)
{
	struct number x;

	if (!number_open(m, obj, &x))
		return false;
	if (x.n <= MAX_DIGITS)
		put_decimal(m, o, &x);
	else
		cpython_putf(o, "<int of about %lld bits>",
			     (long long)x.n * DIGIT_BITS);
	return true;
}

/** d as digits v and a power of ten: the first digit's. */
struct decimal {
	uint64_t v;
	int exponent;
};

/*
 * Correctly rounded; the text is read for its digits alone, so that it does not
 * matter what point the locale has.
 */
static struct decimal rounded(double d, int n_digits)
{
	struct decimal ret = { 0, 0 };
	char text[40], *end;

	snprintf(text, sizeof(text), "%.*e", n_digits - 1, d);
	for (end = text; *end != '\0' && *end != 'e'; end++)
		if (isdigit((unsigned char)*end))
			ret.v = ret.v * 10 + (uint64_t)(*end - '0');
	ret.exponent = (int)strtol(end + (*end == 'e'), NULL, 10);
	return ret;
}

/* Does it read as d? v has n digits. */
static bool reads_as(double d, const struct decimal *x, int n)
{
	char text[48];
	int len = put_digits(x->v, text);

	snprintf(text + len, sizeof(text) - (size_t)len, "e%d",
		 x->exponent - (n - 1));
	return strtod(text, NULL) == d;
}

/*
 * d rounded to n digits: from its seventeen, unless these end so that they may
 * have been rounded over the middle. False: so far off that it cannot read as
 * d, from which seventeen digits are at most 11.2 away (2**-53 of 10**17).
 */
static bool round_off(double d, const struct decimal *x, int n,
		      struct decimal *ret)
{
	uint64_t unit = n == 15 ? 100 : 10, rest = x->v % unit;

	if (rest == unit / 2) {
		*ret = rounded(d, n);
		return true;
	}
	*ret = (struct decimal){ x->v / unit + (rest > unit / 2),
				 x->exponent };
	// 9.99… becomes 10.0
	if (ret->v * unit == UINT64_C(100000000000000000)) {
		ret->v /= 10;
		ret->exponent++;
	}
	return (rest > unit / 2 ? unit - rest : rest) <= 12;
}

static bool is_short(double d, const struct decimal *all, int n,
		     struct decimal *ret)
{
	int exponent;

	if (round_off(d, all, n, ret) && reads_as(d, ret, n))
		return true;
	// above a power of two doubles lie twice as far apart as below it
	if (frexp(d, &exponent) != 0.5)
		return false;
	*ret = (struct decimal){ all->v / (n == 15 ? 100 : 10) + 1,
				 all->exponent };
	return reads_as(d, ret, n);
}

static struct decimal shortest_of(double d)
{
	struct decimal all = rounded(d, 17), x;

	// the smallest have fewer bits: every number of digits is tried
	for (int n = 1; d < DBL_MIN && n < 17; n++) {
		x = rounded(d, n);
		if (reads_as(d, &x, n))
			return x;
	}
	return d >= DBL_MIN && (is_short(d, &all, 15, &x) ||
				is_short(d, &all, 16, &x)) ? x : all;
}

/*
 * The fewest digits that give the same double again, without a point, and the
 * exponent of the first. What has fifteen or fewer is found with fifteen and
 * zeros behind (DBL_DIG: such a text comes back from a double as it was).
 */
static int shortest(double d, char *digits, int *exponent)
{
	struct decimal x;
	int n;

	if (d < 0x1p53 && d == (double)(uint64_t)d) {
		n = put_digits((uint64_t)d, digits);
		*exponent = n - 1;
	} else {
		x = shortest_of(d);
		n = put_digits(x.v, digits);
		*exponent = x.exponent;
	}
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

/* format_float_short() with 'r': CPython 3.8-3.13, Python/pystrtod.c */
void cpython_put_double(struct cpython_out *o, double d, bool dot_0)
{
	char digits[24];
	int exponent, n;

	if (isnan(d) || isinf(d)) {
		cpython_puts(o, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
		return;
	}
	if (signbit(d))
		cpython_puts(o, "-");
	n = shortest(fabs(d), digits, &exponent);
	if (exponent < -4 || exponent >= 16) {
		cpython_put(o, digits, 1);
		if (n > 1) {
			cpython_puts(o, ".");
			cpython_put(o, digits + 1, (unsigned)n - 1);
		}
		cpython_putf(o, "e%c%02d", exponent < 0 ? '-' : '+',
			     abs(exponent));
		return;
	}
	if (exponent < 0)
		cpython_putf(o, "0.%.*s", -exponent - 1, "000");
	for (int i = 0; i < n || i <= exponent; i++) {
		if (i > 0 && i == exponent + 1)
			cpython_puts(o, ".");
		cpython_put(o, i < n ? digits + i : "0", 1);
	}
	if (dot_0 && exponent >= 0 && n <= exponent + 1)
		cpython_puts(o, ".0");
}

bool cpython_repr_float(const struct cpython_mem *m, struct cpython_out *o,
			uint64_t obj)
{
	double d;

	if (!cpython_copy(m, obj + (unsigned)m->lay->float_value, &d,
			  sizeof(d)))
		return false;
	cpython_put_double(o, d, true);
	return true;
}

/* complex_repr(): CPython 3.8-3.13, Objects/complexobject.c */
bool cpython_repr_complex(const struct cpython_mem *m, struct cpython_out *o,
			  uint64_t obj)
{
	bool bare;
	double v[2];

	if (!cpython_copy(m, obj + (unsigned)m->lay->complex_value, v,
			  sizeof(v)))
		return false;
	bare = v[0] == 0 && !signbit(v[0]);
	if (!bare) {
		cpython_puts(o, "(");
		cpython_put_double(o, v[0], false);
		if (isnan(v[1]) || !signbit(v[1]))
			cpython_puts(o, "+");
	}
	cpython_put_double(o, v[1], false);
	cpython_puts(o, bare ? "j" : "j)");
	return true;
}
