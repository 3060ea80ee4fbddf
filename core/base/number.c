// SPDX-License-Identifier: Apache-2.0
// Numbers in and out, as people type and read them.
#include "text.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digit in base 10 or 16, or -1. */
static int digit(char c, unsigned int base)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (base == 16 && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* As many digits as there are; *end is set behind them. False when there is
 * none or the value does not fit. */
static bool parse_digits(const char *s, unsigned int base, const char **end,
			 uint64_t *ret)
{
	const char *p = s;
	uint64_t v = 0;
	int d;

	for (; (d = digit(*p, base)) >= 0; p++) {
		if (hs_mul_overflows(v, base, &v) ||
		    hs_add_overflows(v, (uint64_t)d, &v))
			return false;
	}
	*end = p;
	if (p == s)
		return false;
	*ret = v;
	return true;
}

bool hs_parse_u64(const char *s, uint64_t *ret)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *end;
	uint64_t v;

	if (!parse_digits(hex ? s + 2 : s, hex ? 16 : 10, &end, &v) || *end)
		return false;
	*ret = v;
	return true;
}

bool hs_parse_i64(const char *s, int64_t *ret)
{
	bool minus = s[0] == '-';
	uint64_t v;

	if (!hs_parse_u64(s + minus, &v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	*ret = (int64_t)(minus ? -v : v);
	return true;
}

/* ".5" as digits after the point: *num / *den, at most nine of them. */
static bool parse_fraction(const char **s, uint64_t *num, uint64_t *den)
{
	const char *p = *s;

	*num = 0;
	*den = 1;
	if (*p != '.')
		return true;
	if (digit(*++p, 10) < 0)
		return false;
	for (; digit(*p, 10) >= 0; p++) {
		if (*den == 1000000000)
			return false;
		*num = *num * 10 + (uint64_t)digit(*p, 10);
		*den *= 10;
	}
	*s = p;
	return true;
}

/* whole * factor + num * factor / den; no unit's factor is above 2^60. */
static bool scale(uint64_t whole, uint64_t num, uint64_t den, uint64_t factor,
		  uint64_t *ret)
{
	unsigned __int128 v = (unsigned __int128)whole * factor +
			      (unsigned __int128)num * factor / den;

	if (v > UINT64_MAX)
		return false;
	*ret = (uint64_t)v;
	return true;
}

static bool parse_with_unit(const char *s, const struct unit *units,
			    size_t n_units, uint64_t *ret)
{
	uint64_t whole, num, den;
	size_t i;

	if (!parse_digits(s, 10, &s, &whole) || !parse_fraction(&s, &num, &den))
		return false;
	for (i = 0; i < n_units; i++) {
		if (!strcasecmp(s, units[i].name))
			return scale(whole, num, den, units[i].factor, ret);
	}
	return false;
}

bool hs_parse_size(const char *s, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "k", UINT64_C(1) << 10 },
		{ "kb", UINT64_C(1) << 10 },
		{ "kib", UINT64_C(1) << 10 },
		{ "m", UINT64_C(1) << 20 },
		{ "mb", UINT64_C(1) << 20 },
		{ "mib", UINT64_C(1) << 20 },
		{ "g", UINT64_C(1) << 30 },
		{ "gb", UINT64_C(1) << 30 },
		{ "gib", UINT64_C(1) << 30 },
		{ "t", UINT64_C(1) << 40 },
		{ "tb", UINT64_C(1) << 40 },
		{ "tib", UINT64_C(1) << 40 },
		{ "p", UINT64_C(1) << 50 },
		{ "pb", UINT64_C(1) << 50 },
		{ "pib", UINT64_C(1) << 50 },
	};

	return parse_with_unit(s, units, HS_ARRAY_SIZE(units), ret);
}

bool hs_parse_duration(const char *s, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1000000000 },
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60000000000) },
		{ "min", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
	};

	return parse_with_unit(s, units, HS_ARRAY_SIZE(units), ret);
}

bool hs_parse_percent(const char *s, uint32_t *ret)
{
	static const struct unit units[] = { { "%", 100 } };
	uint64_t v;

	if (!parse_with_unit(s, units, HS_ARRAY_SIZE(units), &v) || v > 10000)
		return false;
	*ret = (uint32_t)v;
	return true;
}

void hs_text_size_muppy(struct hs_text *t, uint64_t bytes)
{
	// Pympler 1.1, pympler/util/stringutils.py, pp(), whose scale lacks PB.
	static const char *const scales[] = { "B",  "KB", "MB", "GB",
					      "TB", "PB", "EB" };
	double v = (double)bytes;
	size_t i;

	if (bytes <= 1024) {
		hs_text_addf(t, "%4d     B", (int)bytes);
		return;
	}
	for (i = 0; v > 1024; i++)
		v /= 1024;
	hs_text_addf(t, "%7.2f %s", v, scales[i]);
}

void hs_text_size(struct hs_text *t, uint64_t bytes)
{
	static const char *const scales[] = { "KiB", "MiB", "GiB", "TiB",
					      "PiB", "EiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		hs_text_addf(t, "%d B", (int)bytes);
		return;
	}
	// What would be printed as "1024 KiB" is one of the next unit.
	for (; v >= 1023.5 && i + 1 < HS_ARRAY_SIZE(scales); i++)
		v /= 1024;
	hs_text_addf(t, v < 9.95 ? "%.1f %s" : "%.0f %s", v, scales[i]);
}

void hs_text_duration(struct hs_text *t, uint64_t ns)
{
	double v = (double)ns;

	if (ns < 1000)
		hs_text_addf(t, "%d ns", (int)ns);
	else if (v < 999.95e3)
		hs_text_addf(t, "%.1f us", v / 1e3);
	else if (v < 999.95e6)
		hs_text_addf(t, "%.1f ms", v / 1e6);
	else
		hs_text_addf(t, "%.1f s", v / 1e9);
}
