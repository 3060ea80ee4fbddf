// SPDX-License-Identifier: GPL-3.0-or-later
// The prompt. The only file that includes readline, whose callbacks carry no
// argument: hence the one pointer below.
#include "shell.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "programs.h"
#include "signals.h"

enum { HISTORY_LINES = 10000 };

static struct reading {
	struct sh_shell *sh;
	char *line; /* what was typed; NULL at the end of input */
	bool done;
} reading;

/* --- history -------------------------------------------------------------- */

/* Folders of path above its last part, for us alone. */
static void make_folders(const char *path)
{
	HS_FREE char *copy = hs_xstrdup(path);
	char *p;

	for (p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(copy, 0700);
		*p = '/';
	}
}

/* XDG Base Directory Specification 0.8: a relative one is to be ignored. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && *state == '/')
		return hs_xasprintf("%s/heapsh/history", state);
	if (home && *home == '/')
		return hs_xasprintf("%s/.local/state/heapsh/history", home);
	return NULL;
}

static char *open_history(void)
{
	HS_FREE char *path = history_path();

	using_history();
	stifle_history(HISTORY_LINES);
	if (!path)
		return NULL;
	make_folders(path);
	read_history(path);
	return hs_take(path);
}

/* As it is typed, so that a crash loses nothing. */
static void remember(const char *path, const char *line)
{
	HIST_ENTRY *last =
		history_length ? history_get(history_base + history_length - 1)
			       : NULL;
	mode_t mask;

	if (!*line || *line == ' ' || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
	if (!path)
		return;
	mask = umask(0077);
	if (append_history(1, path))
		write_history(path);
	umask(mask);
}

/* --- completion ----------------------------------------------------------- */

/* The engine's words: text that would replace the line from start to point. */
struct matches {
	HS_VEC(char *) words; /* escaped, owned */
	size_t start;
};

static void on_matches(struct sh_shell *sh, json_t *doc, void *arg)
{
	const struct vw_style style = sh_style(sh, 1);
	struct matches *m = arg;
	json_t *word;
	size_t i;

	m->start = wr_get_u64(doc, "start");
	json_array_foreach (json_object_get(doc, "words"), i, word) {
		const char *text = wr_get_text(word, "text");
		HS_TEXT t = { 0 };

		vw_foreign(&t, &style, text, strlen(text));
		hs_vec_push(&m->words, hs_text_take(&t));
	}
}

static void matches_deinit(struct matches *m)
{
	size_t i;

	for (i = 0; i < m->words.n; i++)
		free(m->words.v[i]);
	hs_vec_deinit(&m->words);
}

/* Bytes that all words begin with; never half a character. */
static size_t common_length(const struct matches *m)
{
	const char *first = m->words.v[0];
	size_t n = strlen(first), i, k;

	for (i = 1; i < m->words.n; i++) {
		for (k = 0; k < n && m->words.v[i][k] == first[k]; k++)
			;
		n = k;
	}
	while (n && ((unsigned char)first[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* Put the first n bytes of word where start to the cursor is. */
static void replace(size_t start, const char *word, size_t n, bool is_whole)
{
	HS_FREE char *text = hs_xstrndup(word, n);
	bool goes_on = n && strchr(".([='\"/", word[n - 1]);

	rl_begin_undo_group();
	rl_delete_text((int)start, rl_point);
	rl_point = (int)start;
	rl_insert_text(text);
	if (is_whole && !goes_on && rl_point == rl_end)
		rl_insert_text(" ");
	rl_end_undo_group();
}

/* readline's own list takes words from 1 on, and the common part as word 0. */
static void list_matches(const struct matches *m)
{
	HS_FREE char **list = hs_xcalloc(m->words.n + 2, sizeof(*list));
	char empty[] = "";
	size_t i, n, longest = 0;

	list[0] = empty;
	for (i = 0; i < m->words.n; i++) {
		n = hs_text_width(m->words.v[i], strlen(m->words.v[i]));
		longest = n > longest ? n : longest;
		list[i + 1] = m->words.v[i];
	}
	rl_crlf();
	rl_display_match_list(list, (int)m->words.n, (int)longest);
	rl_forced_update_display();
}

static void complete_from(struct matches *m, size_t command)
{
	size_t start = command + m->start, n;

	if (!m->words.n || start > (size_t)rl_point) {
		rl_ding();
		return;
	}
	n = common_length(m);
	if (m->words.n == 1 || n > (size_t)rl_point - start)
		replace(start, m->words.v[0], n, m->words.n == 1);
	else
		list_matches(m);
}

static void on_program(void *arg, const char *name)
{
	struct matches *m = arg;

	hs_vec_push(&m->words, hs_xstrdup(name));
}

/* Where the program's name begins that the cursor is in, or -1: of "| gre". */
static int program_start(void)
{
	const char *line = rl_line_buffer;
	int start = rl_point, at;

	while (start && !strchr(" \t|!/", line[start - 1]))
		start--;
	for (at = start; at && strchr(" \t", line[at - 1]); at--)
		;
	return at && strchr("|!", line[at - 1]) ? start : -1;
}

static int complete_program(int start)
{
	HS_FREE char *prefix = hs_xstrndup(rl_line_buffer + start,
					   (size_t)(rl_point - start));
	struct matches m = { .start = (size_t)start };

	sh_programs(prefix, on_program, &m);
	complete_from(&m, 0);
	matches_deinit(&m);
	return 0;
}

/* Tab. The engine sees the one command that the cursor is in. */
static int complete(int count, int key)
{
	struct matches m = { 0 };
	HS_FREE char *command = NULL;
	bool names_file;
	size_t start;

	(void)count;
	start = sh_split_start(rl_line_buffer, (size_t)rl_point, &names_file);
	if (names_file && program_start() >= 0)
		return complete_program(program_start());
	if (names_file)
		return rl_complete(0, key);
	command = hs_xstrdup(rl_line_buffer + start);
	sh_ask(reading.sh, WR_COMPLETE, (uint32_t)((size_t)rl_point - start),
	       command, on_matches, &m);
	complete_from(&m, start);
	matches_deinit(&m);
	return 0;
}

/* --- reading a line ------------------------------------------------------- */

static void on_line(char *line)
{
	reading.line = line;
	reading.done = true;
	// At once, so that the terminal is as it was while the line is run.
	rl_callback_handler_remove();
}

static void suspend(void)
{
	sh_signals.suspended = 0;
	rl_deprep_terminal();
	raise(SIGSTOP);
	rl_prep_terminal(1);
	rl_forced_update_display();
}

/* Ctrl-C: the line is thrown away, the prompt comes again. */
static void drop_line(void)
{
	sh_signals.interrupted = 0;
	rl_callback_sigcleanup();
	rl_free_line_state();
	rl_replace_line("", 1);
	rl_callback_handler_remove();
	putc('\n', rl_outstream);
	fflush(rl_outstream);
	reading.line = hs_xstrdup("");
	reading.done = true;
}

static void on_wake(void)
{
	sh_signals_drain();
	if (sh_signals.resized) {
		sh_signals.resized = 0;
		rl_resize_terminal();
	}
	if (sh_signals.suspended)
		suspend();
	if (sh_signals.interrupted)
		drop_line();
}

/* The engine speaks while nobody asked. */
static void on_engine(struct sh_shell *sh)
{
	rl_clear_visible_line();
	sh_idle(sh);
	rl_forced_update_display();
}

static void wait_for_line(struct sh_shell *sh)
{
	while (!reading.done && !sh_signals.ended && !sh->quit) {
		struct pollfd p[] = {
			{ .fd = 0, .events = POLLIN },
			{ .fd = sh_signals.wake_fd, .events = POLLIN },
			{ .fd = sh->roles.engine_fd, .events = POLLIN },
		};

		if (poll(p, HS_ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			on_wake();
		else if (p[2].revents)
			on_engine(sh);
		else if (p[0].revents)
			rl_callback_read_char();
	}
}

/* "4711 @2 3m> " */
static void make_prompt(const struct sh_shell *sh, struct hs_text *t)
{
	const struct sh_state *st = &sh->state;
	const struct vw_style style = sh_style(sh, 1);

	// readline is told of bytes that take no room by \001 and \002.
	hs_text_add(t, style.color ? "\001\033[1m\002" : "");
	if (st->attached && st->prompt && *st->prompt) {
		hs_text_addf(t, "%s", st->prompt);
		if (st->taken_ns) {
			hs_text_addc(t, ' ');
			sh_age(t, st->taken_ns);
		}
	} else {
		hs_text_add(t, "heapsh");
	}
	hs_text_addc(t, '>');
	hs_text_add(t, style.color ? "\001\033[0m\002 " : " ");
}

/* False at the end of input. *ret: free(). */
static bool read_line(struct sh_shell *sh, char **ret)
{
	HS_TEXT prompt = { 0 };

	make_prompt(sh, &prompt);
	reading.line = NULL;
	reading.done = false;
	sh_signals.interrupted = 0;
	sh_signals_catch_suspend(true);
	rl_callback_handler_install(hs_text_str(&prompt), on_line);
	wait_for_line(sh);
	rl_callback_handler_remove();
	sh_signals_catch_suspend(false);
	*ret = reading.line;
	return reading.done && reading.line;
}

static void begin(struct sh_shell *sh)
{
	reading.sh = sh;
	rl_readline_name = "heapsh";
	rl_outstream = isatty(1) ? stdout : stderr;
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_initialize();
	rl_bind_key('\t', complete);
}

void sh_interact(struct sh_shell *sh)
{
	HS_FREE char *path = NULL;
	char *line;

	begin(sh);
	path = open_history();
	while (!sh->quit && !sh_signals.ended) {
		if (!read_line(sh, &line)) {
			putc('\n', rl_outstream);
			fflush(rl_outstream);
			break;
		}
		remember(path, line);
		sh_run_line(sh, line);
		free(line);
	}
}
