// SPDX-License-Identifier: GPL-3.0-or-later
#include "split.h"

#include <ctype.h>

#include "text.h"

void sh_commands_deinit(struct sh_commands *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->v[i].text);
		free(c->v[i].to);
		free(c->v[i].escape);
	}
	hs_vec_deinit(c);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Quotes and brackets, followed byte by byte. Both the language and sh quote
 * so; sh has no escape inside '…', where a backslash is rare. */
struct scan {
	char quote; /* 0, ' or " */
	bool escaped; /* the byte before was a backslash */
	unsigned depth; /* of ( [ { */
};

/* Step over c. True when it stands outside of quotes and brackets. */
static bool step(struct scan *s, char c)
{
	if (s->escaped) {
		s->escaped = false;
		return false;
	}
	if (s->quote) {
		if (c == '\\')
			s->escaped = true;
		else if (c == s->quote)
			s->quote = 0;
		return false;
	}
	if (c == '\'' || c == '"') {
		s->quote = c;
		return false;
	}
	if (strchr("([{", c))
		s->depth++;
	else if (s->depth && strchr(")]}", c))
		s->depth--;
	return s->depth == 0;
}

/* First of ; and # outside of quotes and brackets, or the end. A # ends the
 * line within brackets, too. */
static size_t find_end(const char *s, size_t at)
{
	struct scan scan = { 0 };
	bool outside;

	for (; s[at]; at++) {
		if (s[at] == '#' && !scan.quote && !scan.escaped)
			break;
		outside = step(&scan, s[at]);
		if (outside && s[at] == ';')
			break;
	}
	return at;
}

/* "name =" but not "name ==": all to its right is one expression. */
static bool is_assignment(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	s += strspn(s, " \t");
	return s[0] == '=' && s[1] != '=';
}

/* The sign of a sink at s, and its length. */
static enum sh_sink sink_at(const char *s, size_t *length)
{
	*length = 1;
	if (s[0] == '|')
		return s[1] == '|' ? SH_SINK_NONE : SH_SINK_PIPE;
	if (s[0] != '>')
		return SH_SINK_NONE;
	*length = 2;
	if (s[1] == '>')
		return SH_SINK_APPEND;
	if (s[1] == '|')
		return SH_SINK_OVER;
	*length = 1;
	return s[1] == '=' ? SH_SINK_NONE : SH_SINK_NEW;
}

/*
 * Where in from..to the sink's sign stands, or to. It has a blank before it;
 * s >= t and s || t are the engine's to read.
 */
static size_t find_sink(const char *line, size_t from, size_t to,
			enum sh_sink *sink, size_t *length)
{
	struct scan scan = { 0 };
	size_t at;

	*sink = SH_SINK_NONE;
	*length = 0;
	if (is_assignment(line + from))
		return to;
	for (at = from; at < to; at++) {
		if (!step(&scan, line[at]) || at == from ||
		    !is_blank(line[at - 1]))
			continue;
		*sink = sink_at(line + at, length);
		if (*sink != SH_SINK_NONE)
			return at;
	}
	return to;
}

static void trim(const char *line, size_t *from, size_t *to)
{
	while (*from < *to && is_blank(line[*from]))
		++*from;
	while (*to > *from && is_blank(line[*to - 1]))
		--*to;
}

static char *part(const char *line, size_t from, size_t to)
{
	trim(line, &from, &to);
	return hs_xstrndup(line + from, to - from);
}

static struct hs_err *wrong(size_t column, const char *message)
{
	struct hs_err *err = hs_err_new(HS_ERR_USAGE, "%s", message);

	err->column = (int)column;
	return err;
}

/* One word as sh would read it: quotes and backslashes go. */
static struct hs_err *unquote(const char *line, size_t from, size_t to,
			      struct hs_text *ret)
{
	char quote = 0, c;
	size_t at;

	for (at = from; at < to; at++) {
		c = line[at];
		if (c == quote) {
			quote = 0;
		} else if (c == '\\' && quote != '\'' && at + 1 < to) {
			hs_text_addc(ret, line[++at]);
		} else if (!quote && (c == '\'' || c == '"')) {
			quote = c;
		} else if (!quote && is_blank(c)) {
			return wrong(at, "one file, and no more");
		} else {
			hs_text_addc(ret, c);
		}
	}
	return NULL;
}

/* ~/ is the home folder. */
static struct hs_err *file_name(const char *line, size_t from, size_t to,
				char **ret)
{
	const char *home = getenv("HOME");
	HS_TEXT name = { 0 };
	struct hs_err *err;

	trim(line, &from, &to);
	if (from == to)
		return wrong(from, "the name of a file is missing");
	if (home && line[from] == '~' && line[from + 1] == '/') {
		hs_text_add(&name, home);
		from++;
	}
	err = unquote(line, from, to, &name);
	if (!err)
		*ret = hs_text_take(&name);
	return err;
}

static struct hs_err *fill_sink(const char *line, size_t from, size_t to,
				struct sh_command *c)
{
	if (c->sink != SH_SINK_PIPE)
		return file_name(line, from, to, &c->to);
	c->to = part(line, from, to);
	return *c->to ? NULL
		      : wrong(from, "the command to pipe into is "
				    "missing");
}

static struct hs_err *split_one(const char *line, size_t from, size_t to,
				struct sh_commands *ret)
{
	struct sh_command c = { 0 };
	struct hs_err *err = NULL;
	size_t at, length;

	trim(line, &from, &to);
	if (from == to)
		return NULL;
	at = find_sink(line, from, to, &c.sink, &length);
	c.text = part(line, from, at);
	hs_vec_push(ret, c);
	if (c.sink != SH_SINK_NONE)
		err = fill_sink(line, at + length, to, &ret->v[ret->n - 1]);
	return err;
}

static void add_escape(const char *line, struct sh_commands *ret)
{
	struct sh_command c = { .text = hs_xstrdup("") };

	c.escape = part(line, 0, strlen(line));
	hs_vec_push(ret, c);
}

struct hs_err *sh_split(const char *line, struct sh_commands *ret)
{
	struct sh_commands all = { 0 };
	struct hs_err *err = NULL;
	size_t from = 0, to;

	while (!err) {
		from += strspn(line + from, " \t");
		if (line[from] == '!') {
			// All the rest is sh's, with its own ; and #.
			add_escape(line + from + 1, &all);
			break;
		}
		to = find_end(line, from);
		err = split_one(line, from, to, &all);
		if (line[to] != ';')
			break;
		from = to + 1;
	}
	if (err)
		sh_commands_deinit(&all);
	else
		*ret = all;
	return err;
}

size_t sh_split_start(const char *line, size_t point, bool *names_file)
{
	HS_FREE char *head = hs_xstrndup(line, point);
	enum sh_sink sink;
	size_t from = 0, to, length;

	for (;;) {
		from += strspn(head + from, " \t");
		to = find_end(head, from);
		if (head[from] == '!' || head[to] != ';')
			break;
		from = to + 1;
	}
	*names_file = head[from] == '!' || !strncmp(head + from, "source ", 7);
	if (!*names_file) {
		find_sink(head, from, to, &sink, &length);
		*names_file = sink != SH_SINK_NONE;
	}
	return from;
}
