// SPDX-License-Identifier: Apache-2.0
/*
 * Most texts do not match, and most patterns have a text in them that a match
 * must have: that is looked for first, at a few bytes a cycle, and the
 * expression is asked only where it is.
 */
#include "pattern.h"

#include <regex.h>

#include "text.h"

static const char special[] = ".[]()*+?{}|^$\\";

struct vb_pattern {
	char *literal;
	size_t n;		/* bytes of it */
	bool plain;		/* the pattern is the literal */
	regex_t regex;		/* unless plain */
};

/* --- the literal --------------------------------------------------------- */

/** A walk along an expression. */
struct run {
	struct hs_text now, best;
};

static void end_run(struct run *r)
{
	if (r->now.len > r->best.len) {
		hs_text_clear(&r->best);
		hs_text_addn(&r->best, r->now.s, r->now.len);
	}
	hs_text_clear(&r->now);
}

/* Behind the ']' of a bracket expression, whose first may be a ']' itself. */
static const char *skip_bracket(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	if (*p == ']')
		p++;
	while (*p && *p != ']')
		p += *p == '[' && p[1] == ':' && strstr(p, ":]") ?
			     (size_t)(strstr(p, ":]") + 2 - p) :
			     1;
	return *p ? p + 1 : p;
}

/* Behind the ')' of a group. */
static const char *skip_group(const char *p)
{
	int depth = 0;

	while (*p) {
		if (*p == '[') {
			p = skip_bracket(p);
			continue;
		}
		depth += *p == '(';
		depth -= *p == ')';
		p += *p == '\\' && p[1] ? 2 : 1;
		if (!depth)
			break;
	}
	return p;
}

/* One character, or what stands for one; false: it stands for several. */
static bool take_one(const char **p, char *c)
{
	*c = **p;
	if (**p == '[') {
		*p = skip_bracket(*p);
		return false;
	}
	if (**p == '(') {
		*p = skip_group(*p);
		return false;
	}
	if (**p == '\\' && (*p)[1] && strchr(special, (*p)[1])) {
		*c = (*p)[1];
		*p += 2;
		return true;
	}
	if (**p == '\\' && (*p)[1]) {
		*p += 2;
		return false;
	}
	++*p;
	return !strchr(special, *c);
}

char *vb_pattern_literal(const char *text)
{
	struct run r = { 0 };
	const char *p = text;

	while (*p && !strchr(text, '|')) {
		bool one;
		char c;

		one = take_one(&p, &c);
		if (one && !(*p && strchr("*?{", *p)))
			hs_text_addc(&r.now, c);
		else
			end_run(&r);
		if (*p && strchr("*?{+", *p)) {
			end_run(&r);
			p += *p == '{' ? strcspn(p, "}") : 0;
			p += *p ? 1 : 0;
		}
	}
	end_run(&r);
	hs_text_deinit(&r.now);
	return r.best.len ? hs_text_take(&r.best) : hs_xstrdup("");
}

/* --- the expression ------------------------------------------------------ */

/* \d and \D, which POSIX has not. free(). */
static char *translate(const char *text)
{
	struct hs_text t = { 0 };

	for (const char *p = text; *p; p++) {
		if (*p != '\\' || !p[1]) {
			hs_text_addc(&t, *p);
			continue;
		}
		p++;
		if (*p == 'd' || *p == 'D')
			hs_text_add(&t, *p == 'd' ? "[0-9]" : "[^0-9]");
		else
			hs_text_addf(&t, "\\%c", *p);
	}
	return t.len ? hs_text_take(&t) : hs_xstrdup("");
}

struct hs_err *vb_pattern_create(const char *text, struct vb_pattern **ret)
{
	struct vb_pattern *p = hs_xalloc(sizeof(*p));
	HS_FREE char *regex = translate(text);
	char why[128];
	int failed;

	p->plain = !strpbrk(text, special);
	p->literal = p->plain ? hs_xstrdup(text) : vb_pattern_literal(text);
	p->n = strlen(p->literal);
	failed = p->plain ? 0 : regcomp(&p->regex, regex,
					REG_EXTENDED | REG_NOSUB);
	if (!failed) {
		*ret = p;
		return NULL;
	}
	regerror(failed, &p->regex, why, sizeof(why));
	free(p->literal);
	free(p);
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE, "the expression '%s' "
					"is wrong: %s", text, why),
			     "a '\\' before . [ ( * + ? { | ^ $ takes its "
			     "meaning away");
}

void vb_pattern_destroy(struct vb_pattern *p)
{
	if (!p)
		return;
	if (!p->plain)
		regfree(&p->regex);
	free(p->literal);
	free(p);
}

bool vb_pattern_found(const struct vb_pattern *p, const char *s, size_t n)
{
	regmatch_t whole = { .rm_so = 0, .rm_eo = (regoff_t)n };

	if (p->n && !memmem(s, n, p->literal, p->n))
		return false;
	return p->plain ||
	       !regexec(&p->regex, s, 1, &whole, REG_STARTEND);
}
