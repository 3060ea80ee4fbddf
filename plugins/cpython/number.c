/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <ctype.h>
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
	int64_t n = x->n;
	int n_parts = 0;

	for (int64_t i = 0; i < n; i++)
		digits[i] = digit(m, x, i);
	do {
		parts[n_parts++] = divide(digits, n);
		while (n > 0 && digits[n - 1] == 0)
			n--;
	} while (n > 0 && n_parts < MAX_DIGITS + 2);
	cpython_putf(o, "%s%u", x->negative ? "-" : "",
		     (unsigned)parts[n_parts - 1]);
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

/*
 * The fewest digits that give the same double again, without a point, and the
 * exponent of the first. The text is read for its digits alone, so that it
 * does not matter what point the locale has.
 */
static int shortest(double d, char *digits, int *exponent)
{
	char text[40];
	int n = 0;

	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	for (const char *p = text; *p != '\0' && *p != 'e'; p++)
		if (isdigit((unsigned char)*p))
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
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
