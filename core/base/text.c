// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <stdarg.h>

/* Room for n more bytes and the NUL. */
static void reserve(struct hs_text *t, size_t n)
{
	uint64_t need, grown;

	if (hs_add_overflows(t->len, n, &need) ||
	    hs_add_overflows(need, 1, &need))
		need = UINT64_MAX;
	if (need <= t->cap)
		return;
	grown = t->cap < 32 ? 64 : (uint64_t)t->cap * 2;
	t->cap = grown > need ? grown : need;
	t->s = hs_xrealloc(t->s, t->cap, 1);
}

void hs_text_deinit(struct hs_text *t)
{
	free(t->s);
	*t = (struct hs_text){ 0 };
}

void hs_text_add(struct hs_text *t, const char *s)
{
	hs_text_addn(t, s, strlen(s));
}

void hs_text_addn(struct hs_text *t, const char *s, size_t n)
{
	reserve(t, n);
	if (n)
		memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void hs_text_addc(struct hs_text *t, char c)
{
	hs_text_addn(t, &c, 1);
}

void hs_text_addf(struct hs_text *t, const char *fmt, ...)
{
	HS_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = hs_xvasprintf(fmt, ap);
	va_end(ap);
	hs_text_add(t, s);
}

void hs_text_clear(struct hs_text *t)
{
	t->len = 0;
	if (t->s)
		t->s[0] = '\0';
}

const char *hs_text_str(const struct hs_text *t)
{
	return t->s ? t->s : "";
}

char *hs_text_take(struct hs_text *t)
{
	char *s = t->s ? t->s : hs_xstrdup("");

	*t = (struct hs_text){ 0 };
	return s;
}
