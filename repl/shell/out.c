// SPDX-License-Identifier: GPL-3.0-or-later
// Where output goes. Text is kept back until the command is done: with the
// last of -e the target is let go before a slow reader is waited for.
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signals.h"

enum {
	KEEP_BYTES = 1 << 20, /* more than this is written at once */
	KEEP_PAGED_BYTES = 64 << 20, /* nobody pages through more */
};

/* --- standard error ------------------------------------------------------- */

static struct vw_style word_style(void)
{
	const struct sh_options none = { 0 };
	const struct sh_shell sh = { .options = &none };
	struct vw_style style = sh_style(&sh, 2);

	// Sentences are wrapped by the terminal, never cut.
	style.width = 0;
	return style;
}

static void write_words(const struct hs_text *t)
{
	// There is nobody left to tell when this fails.
	if (fwrite(hs_text_str(t), 1, t->len, stderr) != t->len)
		clearerr(stderr);
	fflush(stderr);
}

void sh_say_text(const char *s, size_t n)
{
	const struct vw_style style = word_style();
	HS_TEXT t = { 0 };

	vw_foreign_lines(&t, &style, s, n);
	write_words(&t);
}

void sh_say(const char *fmt, ...)
{
	HS_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	if (s)
		sh_say_text(s, strlen(s));
}

/* --- sinks ---------------------------------------------------------------- */

static int open_flags(enum sh_sink sink)
{
	switch (sink) {
	case SH_SINK_NEW:
		return O_CREAT | O_EXCL;
	case SH_SINK_APPEND:
		return O_CREAT | O_APPEND;
	case SH_SINK_OVER:
		return O_CREAT | O_TRUNC;
	case SH_SINK_NONE:
	case SH_SINK_PIPE:
	default:
		return 0;
	}
}

/* A terminal, /dev/null, a pipe: nothing is lost by writing to it. */
static bool is_device(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode);
}

static struct hs_err *open_file(const struct sh_command *c, struct sh_out *o)
{
	bool device = c->sink == SH_SINK_NEW && is_device(c->to);
	int flags = device ? 0 : open_flags(c->sink);
	int fd = open(c->to, O_WRONLY | O_CLOEXEC | flags, 0666);

	if (fd < 0 && errno == EEXIST)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"write to %s: it exists",
						c->to),
				     "%s >| %s", c->text, c->to);
	if (fd < 0)
		return hs_err_os(errno, "write to %s", c->to);
	o->fd = fd;
	if (c->sink == SH_SINK_NEW && !device)
		o->created = hs_xstrdup(c->to);
	return NULL;
}

/* Whether the engine completes word to itself: a name of the program. */
struct is_name {
	const char *word;
	bool found;
};
static void on_matches(struct sh_shell *sh, json_t *doc, void *arg)
{
	struct is_name *name = arg;
	json_t *word;
	size_t i;

	(void)sh;
	json_array_foreach (json_object_get(doc, "words"), i, word)
		if (!strcmp(wr_get_text(word, "text"), name->word))
			name->found = true;
}

static bool is_name(struct sh_shell *sh, const char *word)
{
	struct is_name name = { .word = word };

	sh_ask(sh, WR_COMPLETE, (uint32_t)strlen(word), word, on_matches,
	       &name);
	return name.found;
}

static struct hs_err *not_found(struct sh_shell *sh, const struct sh_command *c)
{
	// "(heap & dict) | (heap & list)" is not of sh's subshells
	const char *to = c->to + strspn(c->to, "( \t");
	HS_FREE char *word = hs_xstrndup(to, strcspn(to, " \t)"));
	HS_FREE char *name = hs_xstrndup(word, strcspn(word, ".["));
	struct hs_err *err;

	err = hs_err_new(HS_ERR_NAME, "pipe into %s: there is no such command",
			 word);
	if (is_name(sh, name))
		err = hs_err_remedy(err, "(%s | %s), for a union of sets",
				    c->text, c->to);
	return err;
}

struct hs_err *sh_out_open(struct sh_shell *sh, const struct sh_command *c,
			   struct sh_out *o)
{
	*o = (struct sh_out){ .fd = 1 };
	if (!c || c->sink == SH_SINK_NONE)
		return NULL;
	o->sink = c->sink;
	if (c->sink != SH_SINK_PIPE)
		return open_file(c, o);
	if (!sh_child_found(c->to))
		return not_found(sh, c);
	return sh_child_start(c->to, &o->fd, &o->child);
}

static bool wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

/* 0, or an errno. */
static int write_all(int fd, const char *s, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(fd, s, n);
		if (done < 0 &&
		    (errno == EINTR || (errno == EAGAIN && wait_writable(fd))))
			continue;
		if (done < 0)
			return errno;
		s += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The reader is gone, or the disk full: the rest of the answer is of no use. */
static void on_closed(struct sh_shell *sh, struct sh_out *o, int errnum)
{
	o->closed = true;
	if (sh->roles.shared)
		atomic_store(&sh->roles.shared->task.cancel, 1);
	if (errnum == EPIPE && o->sink == SH_SINK_PIPE)
		return;
	if (errnum == EPIPE) {
		sh->status = SH_EXIT_CLOSED;
		sh->quit = true;
		return;
	}
	sh_say("heapsh: write the result: %s", strerror(errnum));
	sh_note(sh, SH_EXIT_FAILED);
}

static void flush(struct sh_shell *sh, struct sh_out *o)
{
	int errnum;

	if (!o->closed && o->text.len) {
		errnum = write_all(o->fd, o->text.s, o->text.len);
		if (errnum)
			on_closed(sh, o, errnum);
		else
			o->wrote = true;
	}
	hs_text_clear(&o->text);
}

static bool pages(const struct sh_shell *sh, const struct sh_out *o)
{
	return sh->interactive && o->sink == SH_SINK_NONE &&
	       !sh->options->no_pager && isatty(0) && isatty(1) &&
	       strcmp(sh_setting(sh, "pager"), "off");
}

void sh_out_add(struct sh_shell *sh, struct sh_out *o, const char *s, size_t n)
{
	size_t keep = pages(sh, o) ? KEEP_PAGED_BYTES : KEEP_BYTES;

	hs_text_addn(&o->text, s, n);
	if (o->text.len > keep)
		flush(sh, o);
}

/* --- documents ------------------------------------------------------------ */

/* Sentences go to standard error; help, which has lines, is a result. */
static bool is_for_stderr(const struct sh_shell *sh, const struct sh_out *o,
			  const json_t *doc)
{
	const char *type = wr_get_text(doc, "type");

	if (!vw_is_words(doc) || sh->options->format == VW_JSON)
		return false;
	if (!strcmp(type, "error"))
		return true;
	if (sh->interactive || (o && o->sink != SH_SINK_NONE))
		return false;
	return !strcmp(type, "attached") ||
	       !strchr(wr_get_text(doc, "value"), '\n');
}

static bool is_chatter(const struct sh_shell *sh, const json_t *doc)
{
	return sh->options->quiet && sh->options->format != VW_JSON &&
	       !strcmp(wr_get_text(doc, "type"), "attached");
}

/* The other parts did not come: an error does, or nothing. */
static void end_parts(struct sh_shell *sh, struct sh_out *o)
{
	struct vw_style style;
	HS_TEXT t = { 0 };

	if (!o->goes_on)
		return;
	o->goes_on = false;
	style = sh_style(sh, o->fd);
	vw_cut_off(&t, &style);
	sh_out_add(sh, o, hs_text_str(&t), t.len);
}

void sh_out_doc(struct sh_shell *sh, struct sh_out *o, const json_t *doc)
{
	struct sh_out own = { .fd = 1 };
	struct vw_style style;
	HS_TEXT t = { 0 };

	if (is_chatter(sh, doc) || (o && o->closed))
		return;
	if (o && !vw_is_part(doc))
		end_parts(sh, o);
	if (is_for_stderr(sh, o, doc)) {
		style = word_style();
		vw_doc(&t, doc, &style);
		write_words(&t);
		return;
	}
	style = sh_style(sh, o ? o->fd : 1);
	vw_doc(&t, doc, &style);
	sh_out_add(sh, o ? o : &own, hs_text_str(&t), t.len);
	if (!o)
		sh_out_close(sh, &own, false);
	else if (vw_is_part(doc) && !pages(sh, o))
		flush(sh, o);
	if (o)
		o->goes_on = vw_goes_on(doc);
}

void sh_out_error(struct sh_shell *sh, struct hs_err *err, const char *line)
{
	json_t *doc = wr_doc_error(err);

	wr_doc_stamp(doc, line ? line : "", 0, false);
	sh_out_doc(sh, NULL, doc);
	json_decref(doc);
	hs_err_free(err);
}

/* --- the pager ------------------------------------------------------------ */

/* Rows that the text takes on a terminal of that width. */
static size_t count_rows(const char *s, size_t width)
{
	size_t rows = 0, n, columns;

	for (; *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		columns = hs_text_width(s, n);
		rows += columns && width ? (columns + width - 1) / width : 1;
	}
	return rows;
}

static bool is_long(const struct sh_out *o)
{
	struct winsize size;

	if (ioctl(1, TIOCGWINSZ, &size) || !size.ws_row)
		return false;
	return count_rows(hs_text_str(&o->text), size.ws_col) >= size.ws_row;
}

/* Through $PAGER; what cannot be paged is written. */
static void page(struct sh_out *o)
{
	const char *pager = getenv("PAGER");
	struct hs_err *err;

	pager = pager && *pager ? pager : "less";
	if (!sh_child_found(pager) || !strcmp(pager, "cat"))
		return;
	setenv("LESS", "-R -F -X", 0);
	err = sh_child_start(pager, &o->fd, &o->child);
	if (err) {
		hs_err_free(err);
		return;
	}
	o->sink = SH_SINK_PIPE;
}

int sh_out_close(struct sh_shell *sh, struct sh_out *o, bool failed)
{
	bool is_pager;
	int status = 0;

	end_parts(sh, o);
	is_pager = pages(sh, o) && is_long(o);
	if (sh->last)
		sh_release(sh);
	if (is_pager)
		page(o);
	flush(sh, o);
	if (o->sink != SH_SINK_NONE)
		hs_close_p(&o->fd);
	if (o->child) {
		status = sh_child_wait(o->child);
		// Ctrl-C in the pager was for the pager.
		if (is_pager)
			sh_signals.interrupted = status = 0;
	}
	if (o->created && failed && !o->wrote)
		unlink(o->created);
	free(o->created);
	hs_text_deinit(&o->text);
	return status;
}
